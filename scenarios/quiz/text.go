package quiz

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// Score counts answers.
type Score struct{ Right, Wrong, Skipped int }

// Asked is how many questions there were.
func (s Score) Asked() int { return s.Right + s.Wrong + s.Skipped }

func (s Score) String() string {
	if s.Skipped == 0 {
		return fmt.Sprintf("%d of %d right", s.Right, s.Asked())
	}
	return fmt.Sprintf("%d of %d right, %d skipped", s.Right, s.Asked(), s.Skipped)
}

// Count takes in an answer: the place of a choice, or a negative number for none.
func (s *Score) Count(q *Question, choice int) {
	switch {
	case choice < 0:
		s.Skipped++
	case choice == q.Answer:
		s.Right++
	default:
		s.Wrong++
	}
}

// maxRun is how much of a run is asked about, in records.
const maxRun = 1 << 20

// Open runs a machine, to its end if it has one, and gives the questions.
func Open(m *kernel.Machine, g *guide.Guide, opts Options) (*Run, *Book) {
	run := sim.NewTimeline(m, kernel.Fresh, sim.Options{})
	b := NewBook(m.Image, g, opts)
	run.OnAppend = b.Record
	run.Run(maxRun)
	return run, b
}

// Play asks the questions of a run in their order, one at a time, as lines of
// text. It ends with the input, too.
func Play(in io.Reader, out io.Writer, run *Run, b *Book, d Density) (Score, error) {
	w := &writer{w: out}
	answers := bufio.NewScanner(in)
	var score Score
	done := map[key]bool{}
	for pos := sim.Seq(0); ; {
		q, ok := b.Next(run, pos, run.Len()+1, d, func(kind string, pos sim.Seq) bool { return done[key{kind, pos}] })
		if !ok {
			break
		}
		pos, done[key{q.Kind, q.Pos}] = q.Pos, true
		w.printf("%d. %s\n", score.Asked()+1, where(run, q.Pos))
		w.question(&q)
		choice, ended := w.prompt(answers, len(q.Choices))
		if ended {
			break
		}
		score.Count(&q, choice)
		w.verdict(run, &q, choice)
	}
	switch {
	case w.err != nil:
	case score.Asked() == 0 && len(done) == 0:
		w.printf("Nothing to ask about this run (density %s).\n", Densities[d])
	default:
		w.printf("Score: %s.\n", score)
	}
	return score, w.err
}

// key tells questions of a run apart.
type key struct {
	kind string
	pos  sim.Seq
}

// writer keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, format, args...)
	}
}

// where says at which point of the run a question is asked.
func where(run *Run, pos sim.Seq) string {
	if pos == 0 {
		return "At the start:"
	}
	r := run.At(pos - 1)
	place := "card"
	if r.CPU >= 0 {
		place = "cpu" + strconv.Itoa(int(r.CPU))
	}
	m := run.Machine()
	return fmt.Sprintf("At %s, behind %s (%s) on %s:", r.T, m.Fn(r), m.StepName(r), place)
}

func (w *writer) question(q *Question) {
	w.printf("   %s\n", kernel.Printable(q.Ask))
	for i, c := range q.Choices {
		w.printf("     %d) %s\n", i+1, kernel.Printable(c))
	}
}

// prompt reads an answer: a number or a letter; an empty line is none, and q ends
// the quiz.
func (w *writer) prompt(in *bufio.Scanner, n int) (choice int, ended bool) {
	for {
		w.printf("   answer 1-%d, Enter to skip, q to stop: ", n)
		if w.err != nil || !in.Scan() {
			w.printf("\n")
			return -1, true
		}
		switch text := strings.TrimSpace(in.Text()); {
		case text == "":
			return -1, false
		case text == "q":
			return -1, true
		default:
			if i := Choice(text, n); i >= 0 {
				return i, false
			}
			w.printf("that is not one of them\n")
		}
	}
}

// Choice reads a choice of n, as a number from 1 or a letter, or gives -1.
func Choice(text string, n int) int {
	i, err := strconv.Atoi(text)
	if i--; err != nil {
		if i = -1; len(text) == 1 {
			i = int(strings.ToLower(text)[0]) - 'a'
		}
	}
	if i < 0 || i >= n {
		return -1
	}
	return i
}

// verdict says what was right, why, and where it is seen.
func (w *writer) verdict(run *Run, q *Question, choice int) {
	right := kernel.Printable(q.Choices[q.Answer])
	switch {
	case choice == q.Answer:
		w.printf("right.")
	case choice < 0:
		w.printf("skipped: it is %d) %s.", q.Answer+1, right)
	default:
		w.printf("wrong: it is %d) %s.", q.Answer+1, right)
	}
	between := " "
	if q.Lang != guide.DefaultLang { // a line is in one language
		between = "\n   "
	}
	w.printf("%s%s\n", between, kernel.Printable(q.Because))
	if choice != q.Answer && q.See < run.Len() {
		r := run.At(q.See)
		w.printf("   It is seen at %s: %s (%s).\n", r.T, run.Machine().Fn(r), run.Machine().StepName(r))
	}
	w.printf("\n")
}
