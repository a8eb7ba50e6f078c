package quiz

import (
	"slices"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// How far a machine runs ahead for an answer, and how many choices there are.
const (
	maxAhead   = 1 << 16
	maxChoices = 4
)

// ahead is a machine that runs ahead of a position until the answer to a question
// is known, and the question as it takes shape.
type ahead struct {
	now *kernel.Machine // at the position
	at  *sim.Record     // the record before it

	m    *kernel.Machine // what runs ahead
	r    sim.Record      // its last record
	seq  sim.Seq         // the number of that
	left int
	rest bool // nothing is left to happen

	q      Question
	wrongs []string
}

// make words the question of a place.
func (b *Book) make(p place, run *Run) (Question, bool) {
	a, k := &b.ahead, &kinds[p.kind]
	run.Seek(p.pos)
	a.now, a.at = run.Machine(), run.At(p.pos-1)
	a.m.CopyFrom(a.now)
	a.seq, a.left, a.rest = p.pos-1, maxAhead, false
	a.q, a.wrongs = Question{Kind: k.name, Pos: p.pos, Lang: guide.DefaultLang}, a.wrongs[:0]
	if !k.ask(a) {
		return Question{}, false
	}
	return a.finish(sim.NewRand(b.opts.Seed ^ uint64(p.nth)<<8 ^ uint64(p.kind)<<40))
}

// next does one step more. It is false at the run's end, and when that is too far.
func (a *ahead) next() bool {
	if a.left--; a.left < 0 {
		return false
	}
	if !a.m.Step(&a.r) {
		a.rest = true
		return false
	}
	a.seq++
	return true
}

// until runs to the next record that is wanted.
func (a *ahead) until(want func(*sim.Record) bool) bool {
	for a.next() {
		if want(&a.r) {
			a.q.See = a.seq
			return true
		}
	}
	return false
}

// is tells whether the last record is a step of a function.
func (a *ahead) is(fn string, step uint8) bool { return a.r.Step == step && a.m.Fn(&a.r) == fn }

// right is the answer; it comes first until the choices are mixed.
func (a *ahead) right(text string) { a.q.Choices = []string{text} }

// wrong adds what could be believed, the likeliest first. What is the answer, or
// there already, is passed over.
func (a *ahead) wrong(texts ...string) {
	for _, t := range texts {
		if !slices.Contains(a.q.Choices, t) && !slices.Contains(a.wrongs, t) {
			a.wrongs = append(a.wrongs, t)
		}
	}
}

// finish takes the first wrong choices and mixes.
func (a *ahead) finish(r sim.Rand) (Question, bool) {
	q := a.q
	q.Choices = append(q.Choices, a.wrongs[:min(len(a.wrongs), maxChoices-1)]...)
	for i := len(q.Choices) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		q.Choices[i], q.Choices[j] = q.Choices[j], q.Choices[i]
		switch q.Answer {
		case i:
			q.Answer = j
		case j:
			q.Answer = i
		}
	}
	return q, len(q.Choices) >= 2
}
