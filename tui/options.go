package tui

import (
	"context"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"ringside/kernel"
	"ringside/scenarios/guide"
	both "ringside/scenarios/lanes"
	"ringside/scenarios/quiz"
	"ringside/sim"
)

// Options is what the screen is started with.
type Options struct {
	Items    []Item                                    // what the picker offers, the first one first
	Open     func(name string) (*Doc, error)           // opens an item or a file
	With     func(name, with string) (*Doc, error)     // opens what a scenario is compared with: its variant, an item or a file
	Start    string                                    // what to open at once; "": the picker
	Layout   string                                    // L, M, S or XS; "": what fits
	Theme    string                                    // dark, light, projector or mono; "": what the terminal is like
	ASCII    bool                                      // no character beyond ASCII
	Motion   bool                                      // the token moves along the path
	Delay    time.Duration                             // of a step in play; 0: 800 ms
	Watch    bool                                      // a file is read again when it changes
	Lang     string                                    // of texts that have several; "": English
	Lesson   *Lesson                                   // what to present at once, instead of Start
	Plays    func(name string) []string                // the other files that a scenario's file names; or nil
	Lessons  []Item                                    // what the picker offers to present
	Lists    func() (items, lessons []Item, err error) // gives both when the picker is first seen, if they are not there
	Present  bool                                      // begin by presenting Start
	Predict  quiz.Density                              // how much is asked
	Seed     uint64                                    // decides what is asked, and in which order the choices stand
	NotesDir string                                    // where speaker notes are offered while presenting; "": nowhere

	OpenLesson func(name string) (*Lesson, error) // opens one of Lessons

	Compare     bool   // compare Start at once …
	CompareWith string // … with this; "": with its variant, or ask
}

// Item is a line of the picker.
type Item struct {
	Name, Title, Teaches, Chapter string
	Size                          string // of a lesson: minutes and parts
}

// Doc is a scenario that is open: its run, not begun yet, and what there is to
// say about it.
type Doc struct {
	Name, Title, Teaches, Misconception string

	File bool                    // Name is a file's, which can be edited
	Copy func(name string) error // else: writes the scenario to a new file; nil: it cannot be edited

	Guide *guide.Guide // marks, what is said at them, questions; or nil

	Label    string // what it is called beside another run
	Variants []Item // what it can be compared with

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
	Calls []both.Call // in the order of their return; behind them those that still slept
	Wchan []string    // by call: the kernel function it slept in, or ""

	Points  [][]both.Point // by call: the kernel's tracepoints, if they were asked for
	NoTrace string         // why there are none although they were asked for

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
// Options.Open for Options.Start, a *KilledError, or one of the terminal. The
// terminal is restored on every way out.
func Run(opts Options) error {
	if err := Terminal(); err != nil {
		return err
	}
	a := newApp(opts)
	if err := a.start(); err != nil {
		return err
	}
	if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		a.resize(w, h) // bubbletea asks only after the first frame
	}
	err := untilSignalled(paintOn(a), func(p *tea.Program) { a.send = p.Send }, a.editing.Load)
	a.closeNotes()
	a.stopLive()
	return err
}

// Terminal gives a *NoTerminalError if there is none to draw on.
func Terminal() error {
	switch {
	case !term.IsTerminal(int(os.Stdin.Fd())):
		return &NoTerminalError{"standard input is not a terminal"}
	case !term.IsTerminal(int(os.Stdout.Fd())):
		return &NoTerminalError{"standard output is not a terminal"}
	case os.Getenv("TERM") == "dumb":
		return &NoTerminalError{"the terminal is dumb (TERM=dumb)"}
	}
	return nil
}

// start opens what the options say.
func (a *app) start() error {
	switch {
	case a.opts.Lesson != nil:
		return a.openLesson(a.opts.Lesson)
	case a.opts.Start == "":
		return a.list()
	}
	if err := a.open(a.opts.Start); err != nil || !a.opts.Compare {
		return err
	}
	return a.compareWith(a.opts.CompareWith)
}
