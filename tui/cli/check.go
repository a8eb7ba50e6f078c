package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/scenarios/lanes"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "check FILE…",
		Short:             "Validate scenarios and run their expectations on the model",
		Example:           "  ringside check my.yaml other.yaml",
		Args:              named(1, -1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			return each(args, func(name string) (bool, error) { return checkOne(c.OutOrStdout(), name) })
		},
	}
}

// checkOne checks a scenario, those of its variants that expect something, and its
// instances.
func checkOne(w io.Writer, name string) (bool, error) {
	sc, err := scenarios.Open(name)
	if err != nil {
		return false, err
	}
	ok, err := checkRun(w, sc, name)
	for _, v := range sc.Variants() {
		if e := v.Expectations(); err != nil || len(e.Strace)+len(e.Counters) == 0 {
			continue
		}
		var good bool
		good, err = checkRun(w, v, name+", variant "+v.Variant)
		ok = ok && good
	}
	if err != nil {
		return false, err
	}
	n, err := sc.CheckInstances()
	if n > 0 {
		fmt.Fprintf(w, "%s: %d of %d instances run\n", name, n, sc.Instances())
	}
	return ok, err
}

func checkRun(w io.Writer, sc *scenarios.Scenario, name string) (bool, error) {
	cfg, err := sc.Config()
	if err != nil {
		return false, err
	}
	lane, m, err := lanes.Model(cfg, lanes.Limits{})
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	expect := sc.Expectations()
	fmt.Fprintf(w, "%s: %d expectations\n", name, len(expect.Strace)+len(expect.Counters))
	ok := lanes.Check(w, expect, lane, lanes.Counters(m))
	missed, err := sc.Missed()
	for _, note := range missed {
		fmt.Fprintln(w, note)
	}
	ok = ok && len(missed) == 0 && err == nil
	fmt.Fprintf(w, "%s: %s\n", name, verdict(ok))
	return ok, err
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAILED"
}

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "verify FILE…",
		Short:             "Run scenarios on the model and on the real kernel and compare",
		Example:           "  ringside verify one-packet blocking-read",
		Args:              named(1, -1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			return each(args, func(name string) (bool, error) { return verifyOne(c.Context(), c.OutOrStdout(), name) })
		},
	}
}

func verifyOne(ctx context.Context, w io.Writer, name string) (bool, error) {
	sc, cfg, err := load(name)
	if err != nil {
		return false, err
	}
	if why := sc.LiveWhy(); why != "" {
		fmt.Fprintf(w, "%s: not compared: %s\n", name, why)
		return true, nil
	}
	model, _, err := lanes.Model(cfg, lanes.Limits{})
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	real, err := lanes.Live(ctx, cfg)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(w, "%s: the modelled kernel and the real one, thread by thread\n", name)
	var threads []string
	for i := range cfg.Threads {
		threads = append(threads, kernel.Printable(cfg.Threads[i].Name))
	}
	unordered, why := sc.Unordered()
	if len(unordered) > 0 {
		fmt.Fprintf(w, "  %s: any order is right: %s\n", strings.Join(unordered, ", "), kernel.Printable(why))
	}
	ok := lanes.Compare(w, threads, unordered, model, real)
	fmt.Fprintf(w, "%s: %s\n", name, map[bool]string{true: "no difference", false: "DIFFERENT"}[ok])
	return ok, nil
}
