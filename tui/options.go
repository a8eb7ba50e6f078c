package tui

import (
	"context"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"ringside/kernel"
	compare "ringside/scenarios/lanes"
	"ringside/sim"
)

// Options is what the screen is started with.
type Options struct {
	Items  []Item                          // what the picker offers, the first one first
	Open   func(name string) (*Doc, error) // opens an item or a file
	Start  string                          // what to open at once; "": the picker
	Layout string                          // L, M, S or XS; "": what fits
	Theme  string                          // dark, light, projector or mono; "": what the terminal is like
	ASCII  bool                            // no character beyond ASCII
	Motion bool                            // the token moves along the path
	Delay  time.Duration                   // of a step in play; 0: 800 ms
}

// Item is a line of the picker.
type Item struct{ Name, Title, Teaches, Chapter string }

// Doc is a scenario that is open: its run, not begun yet, and what there is to
// say about it.
type Doc struct {
	Name, Title, Teaches, Misconception string

	Timeline *sim.Timeline[*kernel.Machine]

	// Live runs the same programs on the real kernel. nil: there is no live
	// lane, and LiveWhy says why.
	Live    func(ctx context.Context) (*LiveRun, error)
	LiveWhy string

	// Unordered are the threads whose order Linux leaves open, and why.
	Unordered    []string
	UnorderedWhy string
}

// LiveRun is what the programs did on the real kernel.
type LiveRun struct {
	Calls []compare.Call // in the order of their return; behind them those that still slept
	Wchan []string       // by call: the kernel function it slept in, or ""

	Points  [][]compare.Point // by call: the kernel's tracepoints, if they were asked for
	NoTrace string            // why there are none although they were asked for

	Threads  []LiveThread
	Interest []string // the interest lists at the end
}

// LiveThread is what was seen of a thread at the end of the run.
type LiveThread struct {
	Name, State, Wchan     string
	Voluntary, Involuntary int64 // context switches
}

// NoTerminalError says that there is no terminal to draw on.
type NoTerminalError struct{ Why string }

func (e *NoTerminalError) Error() string { return "no screen: " + e.Why }

// Run shows the screen until the user quits. It returns a *NoTerminalError when
// standard input or output is no terminal that can show it, an error of
// Options.Open for Options.Start, or one of the terminal. The terminal is
// restored on every way out.
func Run(opts Options) error {
	switch {
	case !term.IsTerminal(int(os.Stdin.Fd())):
		return &NoTerminalError{"standard input is not a terminal"}
	case !term.IsTerminal(int(os.Stdout.Fd())):
		return &NoTerminalError{"standard output is not a terminal"}
	case os.Getenv("TERM") == "dumb":
		return &NoTerminalError{"the terminal is dumb (TERM=dumb)"}
	}
	a := newApp(opts)
	if opts.Start != "" {
		if err := a.open(opts.Start); err != nil {
			return err
		}
	}
	_, err := tea.NewProgram(a, tea.WithAltScreen(), tea.WithFPS(120)).Run()
	a.stopLive()
	return err
}
