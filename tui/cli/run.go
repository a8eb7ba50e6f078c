package cli

import (
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ringside/scenarios"
	"ringside/scenarios/lanes"
)

func runCommand() *cobra.Command {
	var format, until string
	var maxSteps int
	var seed uint64
	c := &cobra.Command{
		Use:   "run FILE|NAME",
		Short: "Run a scenario on the model, without a screen",
		Example: `  ringside run one-packet
  ringside run one-packet --format ftrace
  ringside run my.yaml --format jsonl --until 2ms | head`,
		Args:              named(1, 1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			_, cfg, err := load(args[0])
			if err != nil {
				return err
			}
			lim := lanes.Limits{MaxSteps: maxSteps}
			if until != "" {
				if lim.Until, err = scenarios.ParseDuration(until); err != nil {
					return fmt.Errorf("--until: %w", err)
				}
			}
			if c.Flags().Changed("seed") {
				cfg.Seed = seed
			}
			return lanes.Export(c.OutOrStdout(), cfg, format, lim)
		},
	}
	c.Flags().StringVar(&format, "format", "steps", "steps, strace, ftrace, jsonl, summary or interrupts")
	c.Flags().StringVar(&until, "until", "", "stop at this model time, such as 2ms")
	c.Flags().IntVar(&maxSteps, "max-steps", 0, "stop after so many steps")
	c.Flags().Uint64Var(&seed, "seed", 0, "use this seed instead of the file's")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(lanes.Formats, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func liveCommand() *cobra.Command {
	var trace bool
	c := &cobra.Command{
		Use:   "live FILE|NAME",
		Short: "Run a scenario's programs on the real kernel (Linux)",
		Example: `  ringside live one-packet
  sudo ringside live --trace one-packet`,
		Args:              named(1, 1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			sc, cfg, err := load(args[0])
			if err != nil {
				return err
			}
			if why := sc.LiveWhy(); why != "" {
				return fmt.Errorf("%s has no live lane: %s", args[0], why)
			}
			if trace {
				ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM)
				defer stop()
				unordered, _ := sc.Unordered()
				return lanes.Trace(ctx, c.OutOrStdout(), cfg, unordered)
			}
			lane, err := lanes.Live(c.Context(), cfg)
			if err != nil {
				return err
			}
			for _, line := range lane.Order {
				fmt.Fprintln(c.OutOrStdout(), line)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&trace, "trace", false, "show the kernel's own tracepoints of each call beside the model's (root, tracefs)")
	return c
}
