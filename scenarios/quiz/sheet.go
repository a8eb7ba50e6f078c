package quiz

import (
	"fmt"
	"io"
	"slices"

	"ringside/kernel"
	"ringside/sim"
)

// Exercise sheets: a few questions of a run, chosen by the seed, as text to print.
// Where a scenario has instances, each sheet is about another one.

// sheetLength is how many questions a sheet has, if the run has as many.
const sheetLength = 8

// maxTries bounds the search for questions that differ.
const maxTries = 200

// Heading is what a sheet is about.
type Heading struct {
	Title  string // of the scenario
	Name   string // the one under which the run can be opened
	Number int
	Seed   uint64
	Values [][2]string // what varies from sheet to sheet, and what it is on this one
}

// Sheet is an exercise sheet.
type Sheet struct {
	Heading
	Run       *Run
	Questions []Question
}

func (h *Heading) String() string {
	return fmt.Sprintf("%s: exercise sheet %d (%s, seed %d)", kernel.Printable(h.Title), h.Number, kernel.Printable(h.Name), h.Seed)
}

// Sample picks questions as different as the run has them: the file's own and those
// about the whole run, at most half of them, and then of each kind in turn, never
// two with the same words. Where numbers vary, what has nothing to do with numbers
// comes last. They are in the order of the run.
func (b *Book) Sample(run *Run, n int, varied bool) []Question {
	r := sim.NewRand(b.opts.Seed ^ 0x5eed)
	pools, last := make([][]place, len(kinds)), make([][]place, len(kinds))
	for _, p := range b.places {
		to := pools
		if varied && p.dull {
			to = last
		}
		to[p.kind] = append(to[p.kind], p)
	}
	out := append(b.ownAll(), b.totals(run)...)
	shuffle(&r, out)
	out = out[:min(len(out), n/2)]
	shuffle(&r, pools)
	shuffle(&r, last)
	out = b.drawn(run, &r, pools, n, out)
	out = b.drawn(run, &r, last, n, out)
	slices.SortStableFunc(out, func(x, y Question) int { return int(x.Pos - y.Pos) })
	return out
}

// drawn adds questions of each pool in turn, up to n.
func (b *Book) drawn(run *Run, r *sim.Rand, pools [][]place, n int, out []Question) []Question {
	tries := maxTries
	for left := true; left && len(out) < n; {
		left = false
		for i := range pools {
			if len(pools[i]) == 0 || len(out) >= n || tries == 0 {
				continue
			}
			left = true
			tries--
			j := r.IntN(len(pools[i]))
			p := pools[i][j]
			pools[i][j] = pools[i][len(pools[i])-1]
			pools[i] = pools[i][:len(pools[i])-1]
			q, ok := b.make(p, run)
			if ok && !slices.ContainsFunc(out, func(o Question) bool { return o.Ask == q.Ask }) {
				out = append(out, q)
			}
		}
	}
	return out
}

// ownAll are the file's questions that the run has come to.
func (b *Book) ownAll() (out []Question) {
	for i := range b.guide.Notes {
		if b.guide.Notes[i].Ask != nil && b.found.Found[i] != sim.NoSeq {
			out = append(out, b.own(i))
		}
	}
	return out
}

func shuffle[T any](r *sim.Rand, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}

// NewSheet makes one.
func NewSheet(h Heading, run *Run, b *Book) Sheet {
	return Sheet{h, run, b.Sample(run, sheetLength, len(h.Values) > 0)}
}

// newPage begins a page, for a printer with a form feed and on a screen with a
// rule.
const newPage = "\f" + "========================================================================\n\n"

// WriteSheets prints sheets, and behind all of them their answers, if they are
// wanted: a part for the lecturer.
func WriteSheets(out io.Writer, sheets []Sheet, answers bool) error {
	w := &writer{w: out}
	for i := range sheets {
		if i > 0 {
			w.printf(newPage)
		}
		w.sheet(&sheets[i])
	}
	for i := range sheets {
		if answers {
			w.printf(newPage)
			w.answers(&sheets[i])
		}
	}
	return w.err
}

func (w *writer) sheet(s *Sheet) {
	w.printf("%s\n\nName:\n\n", &s.Heading)
	w.values(&s.Heading)
	w.describe(s.Run.Machine().Config)
	w.printf("\nTimes are model time. To see the answers happen: ringside %s, then g and the time.\n\n", kernel.Printable(s.Name))
	for i := range s.Questions {
		q := &s.Questions[i]
		w.printf("%d. %s\n   %s\n", i+1, where(s.Run, q.Pos), kernel.Printable(q.Ask))
		for j, c := range q.Choices {
			w.printf("     [ ] %s) %s\n", Letter(j), kernel.Printable(c))
		}
		w.printf("\n")
	}
}

// values are the block of what is this sheet's own.
func (w *writer) values(h *Heading) {
	if len(h.Values) == 0 {
		return
	}
	width := 0
	for _, v := range h.Values {
		width = max(width, len(v[0]))
	}
	w.printf("On this sheet:\n\n")
	for _, v := range h.Values {
		w.printf("  %-*s  %s\n", width, kernel.Printable(v[0]), kernel.Printable(v[1]))
	}
	w.printf("\n")
}

func (w *writer) answers(s *Sheet) {
	w.printf("Answers: %s\n\n", &s.Heading)
	w.values(&s.Heading)
	for i := range s.Questions {
		q := &s.Questions[i]
		w.printf("%d. %s) %s\n   %s\n", i+1, Letter(q.Answer), kernel.Printable(q.Choices[q.Answer]), kernel.Printable(q.Because))
	}
	w.printf("\n")
}
