package conformance

import (
	"regexp"
	"strconv"
	"strings"

	"ringside/scenarios/lanes"
	"ringside/sim"
)

// trace is what a lane did, by operations.
type trace struct {
	lines map[string][]line // by thread, in order
}

// line is one line of a thread.
type line struct {
	text   string
	place  int // in the order of all threads' lines
	at     sim.Time
	asleep bool // the call has not returned when the run ends
}

func newTrace(l *lanes.Lane) *trace {
	t := &trace{lines: map[string][]line{}}
	for i, s := range l.Order {
		name, text, _ := strings.Cut(s, ": ")
		out := line{text: text, place: i, asleep: l.Asleep[name] == text && strings.HasSuffix(text, "<unfinished ...>")}
		if i < len(l.At) {
			out.at = l.At[i]
		}
		t.lines[name] = append(t.lines[name], out)
	}
	return t
}

// marked is the operation that a line is the mark of.
var marked = regexp.MustCompile(`^write\(1, "#(\d+)", \d+\) = \d+$`)

func markOf(text string) (int, bool) {
	m := marked.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(m[1])
	return n, true
}

// did are the lines of one operation.
type did struct {
	begun bool
	from  line   // the mark
	calls []line // without what the program printed and without signals
	said  []string
	next  int // the place of the line after its last, or of the end
}

// of finds the lines of an operation.
func (t *trace) of(thread string, op int) (d did) {
	d.next = -1
	for _, l := range t.lines[thread] {
		n, isMark := markOf(l.text)
		switch {
		case isMark && n == op:
			d.begun, d.from = true, l
		case !d.begun:
		case isMark || strings.HasPrefix(l.text, "+++"):
			d.next = l.place
			return d
		case strings.HasPrefix(l.text, "---"):
		case strings.HasPrefix(l.text, "write(1, "):
			d.said = append(d.said, printed(l.text))
		default:
			d.calls = append(d.calls, l)
		}
	}
	return d
}

// printed is the text of a print.
func printed(text string) string {
	s, err := strconv.QuotedPrefix(strings.TrimPrefix(text, "write(1, "))
	if err != nil {
		return ""
	}
	s, _ = strconv.Unquote(s)
	return s
}

// state is what a thread was doing when a line of another one was printed.
type state int

const (
	unborn  state = iota // has printed nothing
	blocked              // is in a call: its last line is the mark before it
	between              // has returned from one and not begun the next
	exited
)

func (s state) String() string { return [...]string{"not begun", "blocked", "running", "exited"}[s] }

func (t *trace) state(thread string, place int) state {
	s := unborn
	for _, l := range t.lines[thread] {
		_, isMark := markOf(l.text)
		switch {
		case l.place >= place || l.asleep:
			return s
		case strings.HasPrefix(l.text, "+++"):
			s = exited
		case isMark:
			s = blocked
		default:
			s = between
		}
	}
	return s
}

// result is what a call returned.
type result struct {
	ret   int64
	errno string
	value string // behind the result: "value 5"
}

var returned = regexp.MustCompile(`\) = (-?\d+)(?: (E[A-Z0-9]+))?(?: \(([^()]*)\))?$`)

func resultOf(text string) (result, bool) {
	m := returned.FindStringSubmatch(text)
	if m == nil {
		return result{}, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return result{n, m[2], m[3]}, err == nil
}
