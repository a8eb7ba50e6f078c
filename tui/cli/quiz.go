package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/scenarios/quiz"
	"ringside/tui"
)

// quizFlags are the flags of quiz.
type quizFlags struct {
	screen  *screenFlags
	text    bool
	answers bool
	sheets  int
	density string
	seed    uint64
}

func quizCommand(screen *screenFlags) *cobra.Command {
	q := quizFlags{screen: screen}
	c := &cobra.Command{
		Use:   "quiz FILE|NAME",
		Short: "Ask what a scenario will do next",
		Long: `Quiz stops before something happens and asks what it will be: on the screen, or
with --text at a prompt. The questions are the scenario's own, and others that are
made from the run.

With --sheet it prints exercise sheets. If the scenario declares what may vary, each
sheet has numbers of its own; the sheet of seed 7 is about the instance NAME@7, which
every command opens: ringside NAME@7, ringside show NAME@7.`,
		Example: `  ringside quiz one-packet
  ringside quiz exclusive --text --seed 7
  ringside quiz exclusive --sheet 20 --answers > sheets.txt
  ringside quiz exclusive --sheet 1 --seed 7 --answers   # the seventh again`,
		Args:              named(1, 1),
		ValidArgsFunction: completeScenario,
		RunE:              func(c *cobra.Command, args []string) error { return q.run(c, args[0]) },
	}
	screen.register(c)
	f := c.Flags()
	f.BoolVar(&q.text, "text", false, "ask at a prompt, without a screen")
	f.Uint64Var(&q.seed, "seed", 1, "decides what is asked, and in which order the choices stand")
	f.StringVar(&q.density, "density", quiz.Densities[quiz.Some], "how much is asked: file (the scenario's own questions), some or many")
	f.IntVar(&q.sheets, "sheet", 0, "print so many exercise sheets")
	f.BoolVar(&q.answers, "answers", false, "with --sheet: print the answers, too, behind all sheets")
	_ = c.RegisterFlagCompletionFunc("density", cobra.FixedCompletions(quiz.Densities[1:], cobra.ShellCompDirectiveNoFileComp))
	return c
}

// maxSheets bounds what one command prints.
const maxSheets = 1000

func (q *quizFlags) run(c *cobra.Command, name string) error {
	d, ok := quiz.ParseDensity(q.density)
	switch {
	case !ok || d == quiz.Off:
		return fmt.Errorf("--density %q: file, some or many", q.density)
	case c.Flags().Changed("sheet") && (q.sheets < 1 || q.sheets > maxSheets):
		return fmt.Errorf("--sheet %d: 1 to %d", q.sheets, maxSheets)
	case q.answers && q.sheets == 0:
		return errors.New("--answers goes with --sheet")
	}
	sc, err := scenarios.Open(name)
	if err != nil {
		return err
	}
	if q.sheets > 0 {
		return q.printSheets(c.OutOrStdout(), sc)
	}
	if !q.text {
		opts := &q.screen.opts
		opts.Start, opts.Predict, opts.Seed = name, d, q.seed
		err := q.screen.open()
		if none := new(tui.NoTerminalError); !errors.As(err, &none) {
			return err
		}
	}
	m, err := sc.NewMachine()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n\n", kernel.Printable(sc.Title), ansi.Wordwrap(kernel.Printable(sc.Teaches), 78, ""))
	if v := sc.Values(); v != "" {
		fmt.Fprintf(c.OutOrStdout(), "Here: %s.\n\n", kernel.Printable(v))
	}
	run, book := quiz.Open(m, sc.Guide(), quiz.Options{Lang: q.screen.opts.Lang, Seed: q.seed})
	_, err = quiz.Play(c.InOrStdin(), c.OutOrStdout(), run, book, d)
	return err
}

// printSheets prints sheets of consecutive seeds: instances of a scenario that has
// any, else the same with other questions.
func (q *quizFlags) printSheets(w io.Writer, sc *scenarios.Scenario) error {
	var sheets []quiz.Sheet
	for i := range q.sheets {
		seed, inst := q.seed+uint64(i), sc
		if sc.Varies() {
			var err error
			if inst, err = sc.Instance(seed); err != nil {
				return err
			}
		}
		m, err := inst.NewMachine()
		if err != nil {
			return err
		}
		run, book := quiz.Open(m, inst.Guide(), quiz.Options{Lang: q.screen.opts.Lang, Seed: seed})
		sheets = append(sheets, quiz.NewSheet(heading(inst, i+1, seed), run, book))
	}
	return quiz.WriteSheets(w, sheets, q.answers)
}

func heading(sc *scenarios.Scenario, number int, seed uint64) quiz.Heading {
	h := quiz.Heading{Title: sc.Title, Name: sc.Name, Number: number, Seed: seed}
	for _, p := range sc.Params() {
		h.Values = append(h.Values, [2]string{p.Name, p.Value})
	}
	return h
}
