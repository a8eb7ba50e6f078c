// Ringside shows, in a terminal, how a packet becomes a wakeup: on a modelled
// machine, step by step, forwards and backwards, and beside it on the real
// kernel.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ringside/kernel"
	"ringside/kernel/live"
	"ringside/scenarios"
	"ringside/scenarios/compare"
	"ringside/scenarios/guide"
	"ringside/scenarios/lanes"
	"ringside/scenarios/quiz"
	"ringside/sim"
	"ringside/tui"
	"ringside/tui/speaker"
)

// Exit statuses.
const (
	exitFailed = 1 // an expectation or a comparison failed
	exitUsage  = 2 // a bad file or bad usage
)

// errFailed ends a command that has said already what is wrong.
var errFailed = errors.New("failed")

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; it returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	defer live.CloseTraces()
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
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
	var text textFlags
	root := &cobra.Command{
		Use:   "ringside [FILE|NAME]",
		Short: "See how a network packet becomes a woken thread",
		Long: `Ringside simulates the way from a network packet to a woken thread: the card,
the interrupt, the softirq, the socket, epoll, the scheduler. It shows each step
on the screen, forwards and backwards, and runs the same programs on the real
kernel beside it.

Without a name it opens the list of scenarios. Where there is no terminal, in a
dumb one and with --text, it writes the run as plain lines and reads commands.`,
		Example: `  ringside                          choose a scenario
  ringside one-packet               open it
  ringside my.yaml                  open an own file
  ringside --text --all one-packet  the whole run as plain lines
  ringside run one-packet --format strace
  ringside verify one-packet        compare the model with the real kernel
  ringside quiz one-packet          predict what it does
  ringside compare level-and-edge   two runs of the model beside each other
  ringside show one-packet > my.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeScenario,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return checkLang(screen.opts.Lang) },
		RunE: func(c *cobra.Command, args []string) error {
			screen.opts.Predict = quiz.File
			if len(args) == 1 {
				screen.opts.Start = args[0]
			}
			if text.wanted() && screen.opts.Watch {
				return errors.New("--watch needs a screen")
			}
			if text.wanted() {
				return text.open(c, screen.opts)
			}
			return screen.open()
		},
	}
	screen.register(root)
	text.register(root)
	root.PersistentFlags().StringVar(&screen.opts.Lang, "lang", guide.DefaultLang, "the language of texts that have several, as en or de")
	root.AddCommand(runCommand(), liveCommand(), checkCommand(), verifyCommand(), compareCommand(&screen), listCommand(), showCommand(), newCommand(), schemaCommand(),
		presentCommand(&screen), notesCommand(), lessonCommand(), quizCommand(&screen))
	return root
}

// checkLang refuses what is no code of a language.
func checkLang(lang string) error {
	ok := len(lang) == 2 || len(lang) == 3
	for _, c := range lang {
		ok = ok && c >= 'a' && c <= 'z'
	}
	if !ok {
		return fmt.Errorf("--lang %q: give the code of a language, as en or de", lang)
	}
	return nil
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
	f.BoolVar(&s.opts.Watch, "watch", false, "read the file again when it changes, and stay at the same step or time")
	f.BoolVar(&s.opts.Motion, "motion", true, "let the token move along the path")
	f.BoolVar(&s.trace, "trace", false, "read the kernel's tracepoints of the real run (root, tracefs); R shows them")
}

func (s *screenFlags) open() error {
	opts, err := withItems(s.opts)
	if err != nil {
		return err
	}
	opts.Open = func(name string) (*tui.Doc, error) { return openDoc(name, s.trace) }
	opts.NotesDir = speaker.Dir()
	err = tui.Run(opts)
	if none := new(tui.NoTerminalError); opts.Compare && errors.As(err, &none) {
		return fmt.Errorf("%w\nwithout a screen: ringside compare %s --text", err, opts.Start)
	}
	return err
}

// withItems adds what the picker offers, and how it is opened.
func withItems(opts tui.Options) (tui.Options, error) {
	for _, name := range scenarios.Builtin() {
		sc, err := scenarios.Open(name)
		if err != nil {
			return opts, err
		}
		opts.Items = append(opts.Items, tui.Item{Name: name, Title: sc.Title, Teaches: sc.Teaches, Chapter: sc.Chapter})
	}
	opts.Open = func(name string) (*tui.Doc, error) { return openDoc(name, false) }
	opts.With = openWith
	return opts, nil
}

// textFlags are the flags of text mode.
type textFlags struct{ text, all bool }

func (t *textFlags) register(c *cobra.Command) {
	c.Flags().BoolVar(&t.text, "text", false, "plain lines and prompts instead of a screen")
	c.Flags().BoolVar(&t.all, "all", false, "as plain lines, the whole run without prompts")
}

// wanted tells whether there is to be no screen, or cannot be one.
func (t *textFlags) wanted() bool { return t.text || t.all || tui.Terminal() != nil }

func (t *textFlags) open(c *cobra.Command, opts tui.Options) error {
	opts, err := withItems(opts)
	if err != nil {
		return err
	}
	stdin, ok := c.InOrStdin().(*os.File)
	echo := !ok || !term.IsTerminal(int(stdin.Fd()))
	return tui.Text(c.Context(), opts, tui.TextOptions{In: c.InOrStdin(), Out: c.OutOrStdout(), Echo: echo, All: t.all})
}

// openDoc prepares a scenario for the screen.
func openDoc(name string, trace bool) (*tui.Doc, error) {
	sc, err := scenarios.Open(name)
	if err != nil {
		return nil, err
	}
	return newDoc(name, sc, trace)
}

// openWith prepares what an open scenario is compared with: one of its variants,
// or another scenario.
func openWith(name, with string) (*tui.Doc, error) {
	sc, err := scenarios.Open(name)
	if err != nil {
		return nil, err
	}
	if sc, err = sc.With(with); err != nil {
		return nil, err
	}
	return newDoc(sc.Name, sc, false)
}

// newDoc prepares a scenario that has been read.
func newDoc(name string, sc *scenarios.Scenario, trace bool) (*tui.Doc, error) {
	cfg, err := sc.Config()
	if err != nil {
		return nil, err
	}
	m, err := kernel.New(cfg)
	if err != nil {
		return nil, err
	}
	doc := &tui.Doc{
		Name: name, Label: sc.Label(), Title: sc.Title, Teaches: sc.Teaches, Misconception: sc.Misconception, Guide: sc.Guide(),
		File: !slices.Contains(scenarios.Builtin(), name), Copy: func(to string) error { return copyScenario(sc, to) },
		Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}),
	}
	for _, v := range sc.Variants() {
		doc.Variants = append(doc.Variants, tui.Item{Name: v.Variant, Title: v.Label(), Teaches: v.Teaches})
	}
	doc.Unordered, doc.UnorderedWhy = sc.Unordered()
	if doc.LiveWhy = sc.LiveWhy(); doc.LiveWhy == "" {
		doc.Live = func(ctx context.Context) (*tui.LiveRun, error) { return liveRun(ctx, cfg, trace) }
	}
	return doc, nil
}

// copyScenario writes a scenario to a new file, and beside it what it plays.
func copyScenario(sc *scenarios.Scenario, to string) error {
	if err := writeNew(to, sc.Source()); err != nil {
		return err
	}
	for _, name := range sc.Attachments() {
		data, _ := scenarios.Attached(name)
		if err := writeNew(filepath.Join(filepath.Dir(to), name), data); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// writeNew writes a file that must not exist yet.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err // it names the file
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
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

// checkOne checks a scenario, and those of its variants that expect something.
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
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			if text {
				return compareText(c.OutOrStdout(), args[0], with)
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
func compareText(w io.Writer, name, with string) error {
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
		compare.Of(left, right).Write(w, sc.Label(), other.Label())
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
	var choice string
	var list strings.Builder
	for _, t := range scenarios.Templates() {
		fmt.Fprintf(&list, "  %-14s %s\n", t.Name, t.Title)
	}
	c := &cobra.Command{
		Use:   "new FILE",
		Short: "Write a commented scenario file to start from",
		Long: `New writes a scenario file with comments, to be changed. It asks which of these
it is to be, unless --template says so:

` + list.String() + `
An existing file is never overwritten.`,
		Example: "  ringside new my.yaml\n  ringside new my.yaml --template tcp && ringside my.yaml --watch",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Lstat(args[0]); err == nil {
				return fmt.Errorf("%s exists already; it stays as it is", args[0])
			}
			t, err := chooseTemplate(c, choice)
			if err != nil {
				return err
			}
			if err := writeNew(args[0], t.Source()); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "wrote %s; open it with: ringside %s --watch\n", args[0], args[0])
			return nil
		},
	}
	c.Flags().StringVar(&choice, "template", "", "which template, without asking")
	var names []string
	for _, t := range scenarios.Templates() {
		names = append(names, t.Name)
	}
	_ = c.RegisterFlagCompletionFunc("template", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// chooseTemplate finds the template that is named, or asks for one.
func chooseTemplate(c *cobra.Command, name string) (scenarios.Template, error) {
	all := scenarios.Templates()
	var names []string
	for i, t := range all {
		names = append(names, t.Name)
		if name == "" {
			fmt.Fprintf(c.OutOrStdout(), "%d. %-14s %s\n", i+1, t.Name, t.Title)
		}
	}
	if name == "" {
		fmt.Fprint(c.OutOrStdout(), "Template, by number or name [1]: ")
		answer, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
		if err != nil {
			fmt.Fprintln(c.OutOrStdout()) // the end of the input
		}
		if name = strings.TrimSpace(answer); name == "" {
			return all[0], nil
		}
	}
	for i, t := range all {
		if name == t.Name || name == fmt.Sprint(i+1) {
			return t, nil
		}
	}
	return scenarios.Template{}, fmt.Errorf("there is no template %q: one of %s", name, strings.Join(names, ", "))
}

func schemaCommand() *cobra.Command {
	var lesson bool
	c := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of scenario files, for editors",
		Example: "  ringside schema > ringside.schema.json\n  ringside schema --lesson > lesson.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			schema := scenarios.Schema()
			if lesson {
				schema = scenarios.LessonSchema()
			}
			_, err := c.OutOrStdout().Write(schema)
			return err
		},
	}
	c.Flags().BoolVar(&lesson, "lesson", false, "of lesson files instead")
	return c
}

func presentCommand(screen *screenFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "present NAME|LESSON|FILE",
		Short: "Present a scenario or a lesson to a class, from mark to mark",
		Long: `Presents a scenario or a lesson: large, black on white, from mark to mark, with
the keys that clickers send. In a second terminal, ringside notes shows what only
the speaker should see.`,
		Example:           "  ringside present one-packet\n  ringside present interrupts-firmware-io\n  ringside present my-lesson.yaml",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completePresentation,
		RunE: func(_ *cobra.Command, args []string) error {
			screen.opts.Start, screen.opts.Present = args[0], true
			if scenarios.IsLesson(args[0]) {
				l, err := scenarios.OpenLesson(args[0])
				if err != nil {
					return err
				}
				screen.opts.Start, screen.opts.Lesson = "", lessonFor(l, screen.opts.Lang)
			}
			return screen.open()
		},
	}
	screen.register(c)
	return c
}

// completePresentation completes lessons, scenarios and files.
func completePresentation(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append(scenarios.Lessons(), scenarios.Builtin()...), cobra.ShellCompDirectiveDefault
}

// lessonFor prepares a lesson for the screen; its scenarios run when they are shown.
func lessonFor(l *scenarios.Lesson, lang string) *tui.Lesson {
	out := &tui.Lesson{Name: l.Name, Title: l.Title.In(lang), Minutes: l.Minutes}
	for _, p := range l.Parts {
		out.Parts = append(out.Parts, tui.Part{
			Title: p.Title, Say: p.Say, Notes: p.Notes, Minutes: p.Minutes, Marks: p.Marks, Questions: p.Questions,
			Open: func() (*tui.Doc, error) { return newDoc(p.Scenario.Name, p.Scenario, false) },
		})
	}
	return out
}

func notesCommand() *cobra.Command {
	var theme string
	var ascii bool
	c := &cobra.Command{
		Use:   "notes [NAME]",
		Short: "Show the speaker notes of a presentation that runs in another terminal",
		Long: `Shows the speaker notes of the newest presentation of this user, or of the newest
one of a name, and follows it. The keys that go on and back work here as well.`,
		Example: "  ringside notes\n  ringside notes one-packet",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return tui.RunNotes(speaker.Dir(), strings.Join(args, ""), theme, ascii)
		},
	}
	c.Flags().StringVar(&theme, "theme", "", "dark, light, projector or mono")
	c.Flags().BoolVar(&ascii, "ascii", false, "draw with ASCII characters only")
	return c
}

func lessonCommand() *cobra.Command {
	c := &cobra.Command{Use: "lesson", Short: "List and check lessons"}
	c.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the embedded lessons",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range scenarios.Lessons() {
				l, err := scenarios.OpenLesson(name)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%-24s %s (%d parts, %d minutes)\n", name, l.Title.In(guide.DefaultLang), len(l.Parts), l.Minutes)
			}
			return nil
		},
	}, &cobra.Command{
		Use:     "check FILE…",
		Short:   "Validate lessons: their scenarios, variants and marks",
		Example: "  ringside lesson check my-lesson.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return each(args, func(name string) (bool, error) {
				if _, err := scenarios.OpenLesson(name); err != nil {
					return false, err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: ok\n", name)
				return true, nil
			})
		},
	})
	return c
}

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
with --text at a prompt. With --sheet it prints exercise sheets, which differ.
The questions are the scenario's own, and others that are made from the run.`,
		Example: `  ringside quiz one-packet
  ringside quiz exclusive --text --seed 7
  ringside quiz exclusive --sheet 20 --answers > sheets.txt`,
		Args:              cobra.ExactArgs(1),
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
	sc, cfg, err := load(name)
	if err != nil {
		return err
	}
	if q.sheets > 0 {
		return q.printSheets(c.OutOrStdout(), name, sc, cfg)
	}
	if !q.text {
		opts := &q.screen.opts
		opts.Start, opts.Predict, opts.Seed = name, d, q.seed
		err := q.screen.open()
		if none := new(tui.NoTerminalError); !errors.As(err, &none) {
			return err
		}
	}
	m, err := kernel.New(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n\n", kernel.Printable(sc.Title), kernel.Printable(sc.Teaches))
	run, book := quiz.Open(m, sc.Guide(), quiz.Options{Lang: q.screen.opts.Lang, Seed: q.seed})
	_, err = quiz.Play(c.InOrStdin(), c.OutOrStdout(), run, book, d)
	return err
}

// printSheets prints sheets of consecutive seeds.
func (q *quizFlags) printSheets(w io.Writer, name string, sc *scenarios.Scenario, cfg *kernel.Config) error {
	var sheets []quiz.Sheet
	for i := range q.sheets {
		m, err := kernel.New(cfg)
		if err != nil {
			return err
		}
		seed := q.seed + uint64(i)
		run, book := quiz.Open(m, sc.Guide(), quiz.Options{Lang: q.screen.opts.Lang, Seed: seed})
		sheets = append(sheets, quiz.NewSheet(fmt.Sprintf("%s: exercise sheet %d (%s, seed %d)", sc.Title, i+1, name, seed), run, book))
	}
	return quiz.WriteSheets(w, sheets, q.answers)
}
