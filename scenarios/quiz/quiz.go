// Package quiz asks what a run will do next. A question is asked at a position of
// the run, of somebody who has seen the state there and nothing of what comes
// after. Some questions are the scenario file's own; the others are made from the
// machine: a copy of it runs ahead until the answer is there, so that the answer
// is what will be seen. The wrong choices are what the same state could make one
// believe.
//
// A kind of question is a row of the table in kinds.go: the record behind which it
// can be asked, and a function that runs ahead and words it.
//
//	book := quiz.NewBook(m.Image, sc.Guide(), quiz.Options{Lang: "en", Seed: 1})
//	run.OnAppend = book.Record
//	q, ok := book.Next(run, from, to, quiz.Some, skip)
package quiz

import (
	"math/bits"
	"slices"
	"sort"
	"strconv"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// Question is one that is ready to be asked.
type Question struct {
	Kind    string // a name of the table of kinds; of the file's own, each has its own
	Own     bool   // it is the file's
	Pos     sim.Seq
	See     sim.Seq // the record that shows the answer
	Ask     string
	Choices []string
	Answer  int // the place of the right one in Choices
	Because string
	Lang    string // of Because; what is generated is in English
}

// ownKind names a question of the file.
func ownKind(note int) string { return "file " + strconv.Itoa(note+1) }

// Letter names a choice: a, b, c.
func Letter(i int) string { return string(rune('a' + i)) }

// Density is how much is asked.
type Density uint8

const (
	Off  Density = iota
	File         // the scenario's own questions
	Some         // and now and then one that is generated, less often as a kind repeats itself
	Many         // and most of those that can be generated
	NumDensities
)

// Densities are their names.
var Densities = [NumDensities]string{"off", "file", "some", "many"}

// ParseDensity finds a density by its name.
func ParseDensity(name string) (Density, bool) {
	i := slices.Index(Densities[:], name)
	return Density(max(i, 0)), i >= 0
}

// Run is the run that a Book is about.
type Run = sim.Timeline[*kernel.Machine]

// Options of a Book.
type Options struct {
	Lang string // of the file's texts
	Seed uint64 // decides what is asked and in which order the choices stand
}

// place is where a question of a kind can be asked.
type place struct {
	pos  sim.Seq
	kind uint8
	nth  int32 // of its kind, from 0
	dull bool  // the scenario's numbers do not matter
}

// Book knows where questions can be asked, as far as the run is known.
type Book struct {
	opts   Options
	guide  *guide.Guide
	found  *guide.Finder // the file's questions, and
	sees   *guide.Finder // the records that explain them
	see    []int         // by note: its place in sees, or -1
	byFn   [][]uint8
	points [kernel.NumPoints][]uint8
	count  []int32 // places, by kind
	places []place // by position
	ahead  ahead
}

// NewBook begins with a run's first record. A guide may be nil.
func NewBook(im *kernel.Image, g *guide.Guide, opts Options) *Book {
	if g == nil {
		g = &guide.Guide{}
	}
	b := &Book{opts: opts, guide: g, found: guide.NewFinder(g), byFn: make([][]uint8, len(im.Text.Codes)), count: make([]int32, len(kinds))}
	b.ahead.m = kernel.Fresh()
	explains := &guide.Guide{}
	for i := range g.Notes {
		b.see = append(b.see, -1)
		if ask := g.Notes[i].Ask; ask != nil && ask.See != nil {
			b.see[i] = len(explains.Notes)
			explains.Notes = append(explains.Notes, guide.Note{At: *ask.See})
		}
	}
	b.sees = guide.NewFinder(explains)
	for i := range kinds {
		if k := &kinds[i]; k.point != kernel.PointNone {
			b.points[k.point] = append(b.points[k.point], uint8(i))
		}
	}
	for fn := range im.Text.Codes {
		for i := range kinds {
			if kinds[i].fn != "" && kinds[i].fn == im.Text.Codes[fn].Name {
				b.byFn[fn] = append(b.byFn[fn], uint8(i))
			}
		}
	}
	return b
}

// Record takes in the next record of the run; the machine is the one after it.
func (b *Book) Record(m *kernel.Machine, r *sim.Record, seq sim.Seq) {
	b.found.Record(m, r, seq)
	b.sees.Record(m, r, seq)
	if r.CPU < 0 {
		return
	}
	b.take(b.points[r.Point], m, r, seq)
	b.take(b.byFn[r.Fn], m, r, seq)
}

func (b *Book) take(candidates []uint8, m *kernel.Machine, r *sim.Record, seq sim.Seq) {
	for _, i := range candidates {
		if k := &kinds[i]; (k.fn == "" || k.step == r.Step) && k.worth(m, r) {
			b.places = append(b.places, place{seq + 1, i, b.count[i], k.fixed != nil && k.fixed(m, r)})
			b.count[i]++
		}
	}
}

// Next finds the first question with a position from one on and before another,
// of those that are wanted and not passed over by skip. It may move the run's
// cursor.
func (b *Book) Next(run *Run, from, to sim.Seq, d Density, skip func(kind string, pos sim.Seq) bool) (Question, bool) {
	own, ok := b.ownNext(from, to, d, skip)
	if ok {
		to = own.Pos // the file's comes before those that are made at the same place
	}
	i := sort.Search(len(b.places), func(i int) bool { return b.places[i].pos >= from })
	for ; i < len(b.places) && b.places[i].pos < to; i++ {
		p := b.places[i]
		if !b.chosen(p, d) || skip(kinds[p.kind].name, p.pos) {
			continue
		}
		if q, ok := b.make(p, run); ok {
			return q, true
		}
	}
	return own, ok
}

// ownNext is Next for the file's questions.
func (b *Book) ownNext(from, to sim.Seq, d Density, skip func(string, sim.Seq) bool) (Question, bool) {
	best := -1
	for i := range b.guide.Notes {
		pos := b.found.Found[i]
		if d >= File && b.guide.Notes[i].Ask != nil && pos >= from && pos < to && !skip(ownKind(i), pos) && (best < 0 || pos < b.found.Found[best]) {
			best = i
		}
	}
	if best < 0 {
		return Question{}, false
	}
	return b.own(best), true
}

// own words a question of the file.
func (b *Book) own(note int) Question {
	ask, pos := b.guide.Notes[note].Ask, b.found.Found[note]
	q := Question{Kind: ownKind(note), Own: true, Pos: pos, See: pos, Ask: ask.Ask.In(b.opts.Lang), Answer: ask.Answer, Because: ask.Because.In(b.opts.Lang), Lang: ask.Because.Lang(b.opts.Lang)}
	for _, c := range ask.Choices {
		q.Choices = append(q.Choices, c.In(b.opts.Lang))
	}
	if i := b.see[note]; i >= 0 && b.sees.Found[i] != sim.NoSeq {
		q.See = b.sees.Found[i]
	}
	return q
}

// Asks tells whether anything can be asked at a density.
func (b *Book) Asks(d Density) bool {
	return d >= Some || d == File && slices.ContainsFunc(b.guide.Notes, func(n guide.Note) bool { return n.Ask != nil })
}

// often is how many questions of a kind are asked, if many are, before it is only
// every second one.
const often = 8

// chosen tells whether a generated question is wanted. Of many, most; of some, at
// most one of the first, one of the next two, one of the next four; of what is
// common, half of these.
func (b *Book) chosen(p place, d Density) bool {
	if kinds[p.kind].sheet {
		return false
	}
	switch d {
	case Many:
		return p.nth < often || p.nth%2 == 0
	case Some:
		octave := bits.Len32(uint32(p.nth)+1) - 1
		return p.nth+1-1<<octave == int32(b.draw(p.kind, octave, 1<<octave)) && (!kinds[p.kind].common || b.draw(p.kind, -octave, 2) == 0)
	}
	return false
}

// draw is a number below n that the seed decides for a kind.
func (b *Book) draw(kind uint8, salt, n int) int {
	r := sim.NewRand(b.opts.Seed ^ uint64(kind)<<32 ^ uint64(salt)<<48)
	return r.IntN(n)
}
