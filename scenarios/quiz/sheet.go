package quiz

import (
	"io"
	"slices"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// Exercise sheets: a few questions of a run, chosen by the seed, as text to print.

// sheetLength is how many questions a sheet has, if the run has as many.
const sheetLength = 8

// maxTries bounds the search for questions that differ.
const maxTries = 200

// Sheet is an exercise sheet.
type Sheet struct {
	Title     string
	Run       *Run
	Questions []Question
}

// Sample picks questions as different as the run has them: of each kind in turn,
// never two with the same words. They are in the order of the run.
func (b *Book) Sample(run *Run, n int) []Question {
	r := sim.NewRand(b.opts.Seed ^ 0x5eed)
	pools := make([][]place, len(kinds))
	for _, p := range b.places {
		pools[p.kind] = append(pools[p.kind], p)
	}
	out := b.ownAll()
	shuffle(&r, out)
	out = out[:min(len(out), n/2)]
	shuffle(&r, pools)
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
	slices.SortStableFunc(out, func(x, y Question) int { return int(x.Pos - y.Pos) })
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
func NewSheet(title string, run *Run, b *Book) Sheet {
	return Sheet{title, run, b.Sample(run, sheetLength)}
}

// WriteSheets prints sheets, and behind all of them their answers, if they are
// wanted: a part for the lecturer.
func WriteSheets(out io.Writer, sheets []Sheet, answers bool) error {
	w := &writer{w: out}
	for i := range sheets {
		if i > 0 {
			w.printf("%s\n\n", strings.Repeat("=", 72))
		}
		w.sheet(&sheets[i])
	}
	for i := range sheets {
		if answers {
			w.printf("%s\n\n", strings.Repeat("=", 72))
			w.answers(&sheets[i])
		}
	}
	return w.err
}

func (w *writer) sheet(s *Sheet) {
	w.printf("%s\n\nName:\n\nThe programs:\n\n", kernel.Printable(s.Title))
	cfg := s.Run.Machine().Config
	for i := range cfg.Threads {
		w.printf("  %s\n", kernel.Printable(cfg.Threads[i].Name))
		for _, l := range strings.Split(strings.TrimRight(cfg.Threads[i].Program.Source, "\n"), "\n") {
			w.printf("    %s\n", strings.ReplaceAll(l, "\t", "    "))
		}
	}
	w.printf("\nTimes are model time: in the screen, g and the time go there.\n\n")
	for i := range s.Questions {
		q := &s.Questions[i]
		w.printf("%d. %s\n   %s\n", i+1, where(s.Run, q.Pos), kernel.Printable(q.Ask))
		for j, c := range q.Choices {
			w.printf("     [ ] %s) %s\n", Letter(j), kernel.Printable(c))
		}
		w.printf("\n")
	}
}

func (w *writer) answers(s *Sheet) {
	w.printf("Answers: %s\n\n", kernel.Printable(s.Title))
	for i := range s.Questions {
		q := &s.Questions[i]
		w.printf("%d. %s) %s\n   %s\n", i+1, Letter(q.Answer), kernel.Printable(q.Choices[q.Answer]), kernel.Printable(q.Because))
	}
	w.printf("\n")
}
