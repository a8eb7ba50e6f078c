package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ringside/scenarios"
	"ringside/scenarios/compare"
)

func compareCommand(screen *screenFlags) *cobra.Command {
	var with string
	var text bool
	c := &cobra.Command{
		Use:   "compare FILE|NAME",
		Short: "See two runs of the model side by side",
		Long: `Compare shows two runs of the model beside each other, in lock-step: a scenario
and a variant of it, or two scenarios. Without --with it takes the variant that
the file has, or asks which; with --text, all of them.`,
		Example: `  ringside compare level-and-edge
  ringside compare my.yaml --with other.yaml
  ringside compare livelock --text`,
		Args:              named(1, 1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			if text {
				return compareText(c.OutOrStdout(), args[0], with, screen.opts.Lang)
			}
			screen.opts.Start, screen.opts.Compare, screen.opts.CompareWith = args[0], true, with
			return screen.open()
		},
	}
	screen.register(c)
	c.Flags().StringVar(&with, "with", "", "a variant of the scenario, or another scenario or file")
	c.Flags().BoolVar(&text, "text", false, "print the comparison, without a screen")
	_ = c.RegisterFlagCompletionFunc("with", completeVariant)
	return c
}

// completeVariant completes the names of a scenario's variants, and scenarios.
func completeVariant(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	names := scenarios.Builtin()
	if len(args) == 1 {
		if sc, err := scenarios.Open(args[0]); err == nil {
			names = append(sc.VariantNames(), names...)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// compareText compares a scenario with something, or with all of its variants.
func compareText(w io.Writer, name, with, lang string) error {
	sc, err := scenarios.Open(name)
	if err != nil {
		return err
	}
	others := sc.Variants()
	if with != "" {
		other, err := sc.With(with)
		if err != nil {
			return err
		}
		others = []*scenarios.Scenario{other}
	}
	if len(others) == 0 {
		return fmt.Errorf("%s has no variants: name with --with what it is compared with", name)
	}
	left, err := readRun(sc)
	if err != nil {
		return err
	}
	for i, other := range others {
		right, err := readRun(other)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		compare.Of(left, right).Write(w, sc.Label(lang), other.Label(lang))
	}
	return nil
}

// readRun runs the model of a scenario, for comparison.
func readRun(sc *scenarios.Scenario) (*compare.Run, error) {
	const most = 1 << 24 // records
	cfg, err := sc.Config()
	if err != nil {
		return nil, err
	}
	return compare.Read(cfg, most)
}
