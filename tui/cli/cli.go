// Package cli is the command line: its commands, and what they hand to the screen.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"ringside/kernel"
	"ringside/kernel/live"
	"ringside/scenarios"
	"ringside/scenarios/guide"
	"ringside/scenarios/quiz"
	"ringside/tui"
)

// Exit statuses.
const (
	exitFailed = 1 // an expectation or a comparison failed
	exitUsage  = 2 // a bad file or bad usage

	exitSignal = 128 // and the signal's number, as shells count
)

// errFailed ends a command that has said already what is wrong.
var errFailed = errors.New("failed")

// Run is the whole program; it returns the exit status.
func Run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
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
	if killed := new(tui.KilledError); errors.As(err, &killed) {
		return exitSignal + int(killed.Signal)
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
  ringside ring-full@7              the same with other numbers, instance 7
  ringside --text --all one-packet  the whole run as plain lines
  ringside run one-packet --format strace
  ringside verify one-packet        compare the model with the real kernel
  ringside quiz one-packet          predict what it does
  ringside compare level-and-edge   two runs of the model beside each other
  ringside show one-packet > my.yaml`,
		Args:              nameOrCommand,
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
	if !guide.IsLang(lang) {
		return fmt.Errorf("--lang %q: give the code of a language, as en or de", lang)
	}
	return nil
}

// completeScenario completes the names of the embedded scenarios, and files.
func completeScenario(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarios.Builtin(), cobra.ShellCompDirectiveDefault
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
