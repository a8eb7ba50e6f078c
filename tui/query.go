package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"ringside/kernel/program"
	"ringside/sim"
)

// A query tells which records are wanted: words apart by blanks, all of which
// must hold. A word is text (looked for in the function, the step, the
// tracepoint, the station, the context and the task), or a field with a value
// (fn:ep_poll_callback, cpu:1, obj:"socket 0", t>1ms). A word with - before it
// must not hold. ":" means that the value is a part, "=" that it is the whole.

// field is what a word asks about.
type field uint8

const (
	fieldText field = iota
	fieldFn
	fieldStep
	fieldTP
	fieldTask
	fieldCPU
	fieldCtx
	fieldRing
	fieldObj
	fieldStation
	fieldPacket
	fieldT
	fieldDur
)

// fields are their names, what the help says of them, and what their values are.
var fields = [...]struct {
	name, help string
	value      valueKind
}{
	fieldText:    {"", "", valueText},
	fieldFn:      {"fn", "function: fn:ep_poll_callback", valueText},
	fieldStep:    {"step", "a part of the step's text: step:wake", valueText},
	fieldTP:      {"tp", "kernel tracepoint: tp:sched_waking", valueText},
	fieldTask:    {"task", "whose context: task:server", valueText},
	fieldCPU:     {"cpu", "core: cpu:1", valueNumber},
	fieldCtx:     {"ctx", "user, syscall, hardirq, softirq, idle, hardware, device", valueText},
	fieldRing:    {"ring", "privilege: ring:3", valueNumber},
	fieldObj:     {"obj", "what it touches: obj:\"socket 0\", obj:\"fd 3\", obj:epoll", valueText},
	fieldStation: {"station", "where the packet is: station:napi", valueText},
	fieldPacket:  {"packet", "which packet it is about, from 0: packet:0", valueNumber},
	fieldT:       {"t", "model time: t>1ms", valueTime},
	fieldDur:     {"dur", "how long it took: dur>100ns", valueTime},
}

type valueKind uint8

const (
	valueText valueKind = iota
	valueNumber
	valueTime
)

// word is one condition of a query.
type word struct {
	field field
	not   bool
	op    byte // ':', '=', '<' or '>'
	text  string
	n     int64 // a number, or a time in nanoseconds
	at    int   // where its value begins in the query, in characters
}

// query is what was typed, taken apart.
type query struct {
	source string
	words  []word
}

// queryError says what is wrong with a query and where, in characters from 0.
type queryError struct {
	at  int
	why string
}

func (e *queryError) Error() string { return fmt.Sprintf("column %d: %s", e.at+1, e.why) }

// parseQuery reads a query. An empty one is an error: it would hold for all.
func parseQuery(source string) (query, error) {
	p := queryParser{in: []rune(source)}
	q := query{source: strings.TrimSpace(source)}
	for {
		for p.at < len(p.in) && unicode.IsSpace(p.in[p.at]) {
			p.at++
		}
		if p.at == len(p.in) {
			break
		}
		w, err := p.word()
		if err != nil {
			return query{}, err
		}
		q.words = append(q.words, w)
	}
	if len(q.words) == 0 {
		return query{}, &queryError{0, "nothing to look for"}
	}
	return q, nil
}

type queryParser struct {
	in []rune
	at int
}

// word reads one condition: its sign, its field if it names one, its value.
func (p *queryParser) word() (word, error) {
	w := word{op: ':', at: p.at}
	if p.in[p.at] == '-' && p.at+1 < len(p.in) && !unicode.IsSpace(p.in[p.at+1]) {
		w.not = true
		p.at++
	}
	w.at = p.at
	name := p.at
	for p.at < len(p.in) && (unicode.IsLetter(p.in[p.at]) || p.in[p.at] == '_') {
		p.at++
	}
	if p.at > name && p.at+1 < len(p.in) && strings.ContainsRune(":=<>", p.in[p.at]) && !unicode.IsSpace(p.in[p.at+1]) {
		f, err := fieldNamed(string(p.in[name:p.at]), name)
		if err != nil {
			return w, err
		}
		w.field, w.op = f, byte(p.in[p.at])
		p.at++
		w.at = p.at
	} else {
		p.at = name
	}
	text, err := p.value()
	if err != nil {
		return w, err
	}
	w.text = strings.ToLower(text)
	return w, w.check()
}

// fieldNamed finds a field by its name.
func fieldNamed(name string, at int) (field, error) {
	var known []string
	for i := range fields[1:] {
		if fields[i+1].name == strings.ToLower(name) {
			return field(i + 1), nil
		}
		known = append(known, fields[i+1].name)
	}
	hint := program.Nearest(name, known)
	if hint == "" {
		hint = "; fields are " + strings.Join(known, " ") + ", or put it in quotes"
	}
	return 0, &queryError{at, fmt.Sprintf("unknown field %q%s", name, hint)}
}

// value reads what is in quotes, or up to the next blank.
func (p *queryParser) value() (string, error) {
	from := p.at
	if p.in[p.at] != '"' {
		for p.at < len(p.in) && !unicode.IsSpace(p.in[p.at]) {
			p.at++
		}
		return string(p.in[from:p.at]), nil
	}
	end := slices.Index(p.in[from+1:], '"')
	if end < 0 {
		return "", &queryError{from, "this quote is not closed"}
	}
	p.at = from + 1 + end + 1
	if end == 0 {
		return "", &queryError{from, "nothing between the quotes"}
	}
	return string(p.in[from+1 : p.at-1]), nil
}

// check reads a value as its field wants it.
func (w *word) check() error {
	f := fields[w.field]
	var err error
	switch {
	case f.value == valueText && (w.op == '<' || w.op == '>'):
		return &queryError{w.at - 1, fmt.Sprintf("%s is text: write %s:%s", f.name, f.name, w.text)}
	case f.value == valueText:
		return nil
	case f.value == valueNumber:
		if w.n, err = strconv.ParseInt(w.text, 10, 32); err != nil {
			return &queryError{w.at, fmt.Sprintf("%s is a number, not %q", f.name, w.text)}
		}
		return nil
	case w.op == ':' || w.op == '=':
		return &queryError{w.at - 1, fmt.Sprintf("%s is a time: write %s>%s or %s<%s", f.name, f.name, w.text, f.name, w.text)}
	}
	t, err := parseTime(w.text)
	if err != nil {
		return &queryError{w.at, fmt.Sprintf("%q is no time with its unit (1ms, 3.4us)", w.text)}
	}
	w.n = int64(t)
	return nil
}

// compare tells how a number stands to that of a word.
func (w *word) compare(n int64) bool {
	switch w.op {
	case '<':
		return n < w.n
	case '>':
		return n > w.n
	}
	return n == w.n
}

// in tells whether text has the text of a word, or is it.
func (w *word) in(text string) bool {
	if w.op == '=' {
		return strings.ToLower(text) == w.text
	}
	return strings.Contains(strings.ToLower(text), w.text)
}

// queryHint is what a prompt for a query says beside it.
const queryHint = `text  fn: task: ctx: tp: station: obj:"fd 3" cpu:1 t>1ms -not`

// queryHelp is how the help explains it.
func queryHelp() []string {
	lines := []string{"queries (for / F b: words apart by blanks, all must hold)", "  text        in the function, step, tracepoint, station, context or task"}
	for _, f := range fields[1:] {
		lines = append(lines, "  "+pad(f.name, 11)+" "+f.help)
	}
	return append(lines, "  -task:a     not; fn=schedule is the whole name, fn:schedule a part of it")
}

// matcher tells whether records match a query. What a query says of a function
// or of an object is asked once.
type matcher struct {
	query
	tests []func(r *sim.Record, seq sim.Seq) bool
}

// matches tells whether a record does.
func (x *matcher) matches(r *sim.Record, seq sim.Seq) bool {
	for i := range x.tests {
		if x.tests[i](r, seq) == x.words[i].not {
			return false
		}
	}
	return true
}
