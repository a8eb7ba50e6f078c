// Ringside shows, in a terminal, how a packet becomes a wakeup: on a modelled
// machine, step by step, forwards and backwards, and beside it on the real
// kernel.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ringside/kernel"
	"ringside/kernel/live"
	"ringside/scenarios"
	"ringside/scenarios/lanes"
	"ringside/sim"
	"ringside/tui"
)

// Exit statuses.
const (
	exitFailed = 1 // an expectation or a comparison failed
	exitUsage  = 2 // a bad file or bad usage
)

// errFailed ends a command that has said already what is wrong.
var errFailed = errors.New("failed")

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	defer live.CloseTraces()
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	}
	fmt.Fprintln(stderr, err)
	return exitUsage
}

func rootCommand() *cobra.Command {
	var screen screenFlags
	root := &cobra.Command{
		Use:   "ringside [FILE|NAME]",
		Short: "See how a network packet becomes a woken thread",
		Long: `Ringside simulates the way from a network packet to a woken thread: the card,
the interrupt, the softirq, the socket, epoll, the scheduler. It shows each step
on the screen, forwards and backwards, and runs the same programs on the real
kernel beside it.

Without a name it opens the list of scenarios.`,
		Example: `  ringside                          choose a scenario
  ringside one-packet               open it
  ringside my.yaml                  open an own file
  ringside run one-packet --format strace
  ringside verify one-packet        compare the model with the real kernel
  ringside show one-packet > my.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeScenario,
		SilenceUsage:      true,
		SilenceErrors:     true,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				screen.opts.Start = args[0]
			}
			return screen.open()
		},
	}
	screen.register(root)
	root.AddCommand(runCommand(), liveCommand(), checkCommand(), verifyCommand(), listCommand(), showCommand(), newCommand(), schemaCommand())
	return root
}

// completeScenario completes the names of the embedded scenarios, and files.
func completeScenario(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarios.Builtin(), cobra.ShellCompDirectiveDefault
}

// screenFlags are the flags of the screen.
type screenFlags struct {
	opts  tui.Options
	trace bool
}

func (s *screenFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.opts.Layout, "layout", "", "force a layout: L, M, S or XS")
	f.StringVar(&s.opts.Theme, "theme", "", "dark, light, projector or mono")
	f.BoolVar(&s.opts.ASCII, "ascii", false, "draw with ASCII characters only")
	f.BoolVar(&s.opts.Motion, "motion", true, "let the token move along the path")
	f.BoolVar(&s.trace, "trace", false, "read the kernel's tracepoints of the real run (root, tracefs); R shows them")
}

func (s *screenFlags) open() error {
	for _, name := range scenarios.Builtin() {
		sc, err := scenarios.Open(name)
		if err != nil {
			return err
		}
		s.opts.Items = append(s.opts.Items, tui.Item{Name: name, Title: sc.Title, Teaches: sc.Teaches, Chapter: sc.Chapter})
	}
	s.opts.Open = func(name string) (*tui.Doc, error) { return openDoc(name, s.trace) }
	err := tui.Run(s.opts)
	var none *tui.NoTerminalError
	if errors.As(err, &none) {
		name := s.opts.Start
		if name == "" {
			name = "one-packet"
		}
		return fmt.Errorf("%w\nwithout a screen: ringside run %s, ringside live %s, ringside verify %s; see ringside --help", err, name, name, name)
	}
	return err
}

// openDoc prepares a scenario for the screen.
func openDoc(name string, trace bool) (*tui.Doc, error) {
	sc, cfg, err := load(name)
	if err != nil {
		return nil, err
	}
	m, err := kernel.New(cfg)
	if err != nil {
		return nil, err
	}
	doc := &tui.Doc{
		Name: name, Title: sc.Title, Teaches: sc.Teaches, Misconception: sc.Misconception,
		Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}),
	}
	doc.Unordered, doc.UnorderedWhy = sc.Unordered()
	if doc.LiveWhy = sc.LiveWhy(); doc.LiveWhy == "" {
		doc.Live = func(ctx context.Context) (*tui.LiveRun, error) { return liveRun(ctx, cfg, trace) }
	}
	return doc, nil
}

// liveRun runs a scenario on the real kernel for the screen's lane.
func liveRun(ctx context.Context, cfg *kernel.Config, trace bool) (*tui.LiveRun, error) {
	res, err := live.Run(ctx, cfg, live.Options{Trace: trace})
	if err != nil {
		return nil, err
	}
	out := &tui.LiveRun{Calls: lanes.RealCalls(cfg, res), Wchan: lanes.RealWchan(res), Interest: res.Interest}
	for _, t := range res.Threads {
		out.Threads = append(out.Threads, tui.LiveThread{Name: t.Name, State: t.State, Wchan: t.Wchan, Voluntary: t.Voluntary, Involuntary: t.Involuntary})
	}
	switch {
	case res.NoTrace != nil:
		out.NoTrace = res.NoTrace.Error()
	case trace:
		out.Points = lanes.RealPointsOf(res)
	}
	return out, nil
}

// load opens a scenario and builds its machine's configuration.
func load(name string) (*scenarios.Scenario, *kernel.Config, error) {
	sc, err := scenarios.Open(name)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := sc.Config()
	return sc, cfg, err
}

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
		Args:              cobra.ExactArgs(1),
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
		Args:              cobra.ExactArgs(1),
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

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "check FILE…",
		Short:             "Validate scenarios and run their expectations on the model",
		Example:           "  ringside check my.yaml other.yaml",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			return each(args, func(name string) (bool, error) { return checkOne(c.OutOrStdout(), name) })
		},
	}
}

// each does something with all names and tells in the end whether it went well.
func each(names []string, do func(string) (bool, error)) error {
	ok := true
	for _, name := range names {
		good, err := do(name)
		if err != nil {
			return err
		}
		ok = ok && good
	}
	if !ok {
		return errFailed
	}
	return nil
}

func checkOne(w io.Writer, name string) (bool, error) {
	sc, cfg, err := load(name)
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
	fmt.Fprintf(w, "%s: %s\n", name, verdict(ok))
	return ok, nil
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
		Args:              cobra.MinimumNArgs(1),
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

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the embedded scenarios",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range scenarios.Builtin() {
				sc, err := scenarios.Open(name)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%-24s %s\n", name, sc.Title)
			}
			return nil
		},
	}
}

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a scenario's file, to start an own one from",
		Example:           "  ringside show one-packet > my.yaml",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			if data, ok := scenarios.Attached(args[0]); ok {
				_, err := c.OutOrStdout().Write(data)
				return err
			}
			sc, err := scenarios.Open(args[0])
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(sc.Source())
			return err
		},
	}
}

func newCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "new FILE",
		Short:   "Write a commented scenario file to start from",
		Example: "  ringside new my.yaml && ringside my.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return err // it names the file, and never overwrites one
			}
			_, err = f.Write(scenarios.Template())
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "wrote %s; open it with: ringside %s\n", args[0], args[0])
			return nil
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of scenario files, for editors",
		Example: "  ringside schema > ringside.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(scenarios.Schema())
			return err
		},
	}
}
