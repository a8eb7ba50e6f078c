package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ringside/scenarios"
	"ringside/tui"
	"ringside/tui/speaker"
)

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
	opts := withLists(s.opts)
	o := docOptions{s.trace, opts.Lang}
	opts.Open = func(name string) (*tui.Doc, error) { return openDoc(name, o) }
	opts.With = func(name, with string) (*tui.Doc, error) { return openWith(name, with, o) }
	opts.OpenLesson = func(name string) (*tui.Lesson, error) { return openLesson(name, opts.Lang) }
	opts.Plays = scenarios.Plays
	opts.NotesDir = speaker.Dir()
	err := tui.Run(opts)
	if none := new(tui.NoTerminalError); opts.Compare && errors.As(err, &none) {
		return fmt.Errorf("%w\nwithout a screen: ringside compare %s --text", err, opts.Start)
	}
	return err
}

// withLists adds what the picker offers, and how it is opened.
func withLists(opts tui.Options) tui.Options {
	opts.Lists = func() (items, presented []tui.Item, err error) {
		headings, err := scenarios.Headings()
		if err != nil {
			return nil, nil, err
		}
		for _, h := range headings {
			items = append(items, tui.Item{Name: h.Name, Title: h.Title, Teaches: h.Teaches, Chapter: h.Chapter})
		}
		presented, err = lessonItems(opts.Lang)
		return items, presented, err
	}
	lang := opts.Lang
	opts.Open = func(name string) (*tui.Doc, error) { return openDoc(name, docOptions{lang: lang}) }
	opts.With = func(name, with string) (*tui.Doc, error) { return openWith(name, with, docOptions{lang: lang}) }
	return opts
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
	stdin, ok := c.InOrStdin().(*os.File)
	echo := !ok || !term.IsTerminal(int(stdin.Fd()))
	return tui.Text(c.Context(), withLists(opts), tui.TextOptions{In: c.InOrStdin(), Out: c.OutOrStdout(), Echo: echo, All: t.all})
}
