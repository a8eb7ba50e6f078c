// Package guide is what accompanies a run: marks to step between, what a lecturer
// says at them, and questions. Each belongs to a record, which a Selector picks by
// what the step did; so a guide stays right when costs or programs change.
package guide

import (
	"fmt"
	"slices"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// Text is a text in one or more languages, by the language's code (en, de).
type Text map[string]string

// DefaultLang is the language of a text that names none.
const DefaultLang = "en"

// IsLang tells whether a word is the code of a language: two or three small letters.
func IsLang(s string) bool {
	return (len(s) == 2 || len(s) == 3) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// In gives the text in a language, or else in English, or else in any it has.
func (t Text) In(lang string) string { return t[t.Lang(lang)] }

// Lang is the language in which In gives it; without any text, English.
func (t Text) Lang(lang string) string {
	for _, l := range []string{lang, DefaultLang} {
		if _, ok := t[l]; ok {
			return l
		}
	}
	for _, l := range slices.Sorted(keys(t)) {
		return l
	}
	return DefaultLang
}

func keys(t Text) func(func(string) bool) {
	return func(yield func(string) bool) {
		for l := range t {
			if !yield(l) {
				return
			}
		}
	}
}

// Selector picks one record of a run: the N-th, from 1, that has everything that is
// set. The zero value picks nothing.
type Selector struct {
	Fn     string   // the function's Linux name
	Step   string   // a part of the step's name
	Point  string   // the kernel tracepoint, without its subsystem
	Task   string   // whose context it ran in
	CPU    int      // the core, or -1 for any
	Ctx    string   // user, syscall, hardirq, softirq, idle, hardware, device
	Object string   // what it touched, as kernel.Object names it; or only the kind
	After  sim.Time // no record before this time
	N      int
}

// Empty tells whether nothing is set that a record could be told by.
func (s *Selector) Empty() bool {
	return s.Fn == "" && s.Step == "" && s.Point == "" && s.Task == "" && s.CPU < 0 && s.Ctx == "" && s.Object == "" && s.After == 0
}

// Matches tells whether a record has everything that is set; N is not asked. The
// machine is the one after the record.
func (s *Selector) Matches(m *kernel.Machine, r *sim.Record) bool {
	return r.T >= s.After &&
		(s.Fn == "" || s.Fn == m.Fn(r)) &&
		(s.Point == "" || s.Point == kernel.Points[r.Point]) &&
		(s.CPU < 0 || s.CPU == int(r.CPU)) &&
		(s.Ctx == "" || s.Ctx == kernel.Contexts[r.Ctx]) &&
		(s.Task == "" || s.Task == m.TaskName(r.Task)) &&
		(s.Object == "" || names(s.Object, kernel.Object(r))) &&
		(s.Step == "" || strings.Contains(m.StepName(r), s.Step))
}

// names tells whether a name means an object: its own, or its kind's.
func names(name, object string) bool {
	return name == object || strings.HasPrefix(object, name) && strings.HasPrefix(object[len(name):], " ")
}

// String is the selector as an error names it.
func (s *Selector) String() string {
	var parts []string
	for _, p := range [][2]string{{"fn", s.Fn}, {"step", s.Step}, {"tp", s.Point}, {"task", s.Task}, {"ctx", s.Ctx}, {"object", s.Object}} {
		if p[1] != "" {
			parts = append(parts, p[0]+": "+p[1])
		}
	}
	if s.CPU >= 0 {
		parts = append(parts, fmt.Sprintf("cpu: %d", s.CPU))
	}
	if s.After > 0 {
		parts = append(parts, "after: "+s.After.String())
	}
	if s.N > 1 {
		parts = append(parts, fmt.Sprintf("n: %d", s.N))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// Note is what a guide has to say at one record.
type Note struct {
	At    Selector
	Mark  string // the name of a mark, or ""
	Say   Text   // what happens
	Why   Text   // why it does
	Notes Text   // for the speaker alone
	Pause bool   // play stops here
	Ask   *Question
}

// Question is asked before the record of its note is shown.
type Question struct {
	Ask     Text
	Choices []Text
	Answer  int // the place of the right one in Choices
	Because Text
	See     *Selector // the record that explains it; nil for the note's own
}

// Guide is all that accompanies a run, in the order of the file.
type Guide struct{ Notes []Note }

// Finder places a guide's notes as the records of a run come in.
type Finder struct {
	guide *Guide
	seen  []int
	// Found is the record of each note, or sim.NoSeq as long as it has not come.
	Found []sim.Seq
}

// NewFinder begins with a run's first record.
func NewFinder(g *Guide) *Finder {
	f := &Finder{guide: g, seen: make([]int, len(g.Notes)), Found: make([]sim.Seq, len(g.Notes))}
	for i := range f.Found {
		f.Found[i] = sim.NoSeq
	}
	return f
}

// Seen is how many records a note's selector has matched so far, N aside.
func (f *Finder) Seen(i int) int { return f.seen[i] }

// Record takes in the next record of the run; the machine is the one after it.
func (f *Finder) Record(m *kernel.Machine, r *sim.Record, seq sim.Seq) {
	for i := range f.guide.Notes {
		at := &f.guide.Notes[i].At
		if f.Found[i] != sim.NoSeq || !at.Matches(m, r) {
			continue
		}
		if f.seen[i]++; f.seen[i] >= at.N {
			f.Found[i] = seq
		}
	}
}
