package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ringside/scenarios"
	"ringside/tui"
	"ringside/tui/speaker"
)

func presentCommand(screen *screenFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "present NAME|LESSON|FILE",
		Short: "Present a scenario or a lesson to a class, from mark to mark",
		Long: `Presents a scenario or a lesson: large, black on white, from mark to mark, with
the keys that clickers send. In a second terminal, ringside notes shows what only
the speaker should see.`,
		Example:           "  ringside present one-packet\n  ringside present interrupts-firmware-io\n  ringside present my-lesson.yaml",
		Args:              named(1, 1),
		ValidArgsFunction: completePresentation,
		RunE: func(_ *cobra.Command, args []string) error {
			screen.opts.Start, screen.opts.Present = args[0], true
			if scenarios.IsLesson(args[0]) {
				l, err := openLesson(args[0], screen.opts.Lang)
				if err != nil {
					return err
				}
				screen.opts.Start, screen.opts.Lesson = "", l
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

// lessonItems are the embedded lessons as the picker offers them.
func lessonItems(lang string) ([]tui.Item, error) {
	headings, err := scenarios.LessonHeadings()
	if err != nil {
		return nil, err
	}
	var items []tui.Item
	for _, l := range headings {
		var parts []string
		for _, p := range l.Parts {
			parts = append(parts, p.Title.In(lang))
		}
		size := fmt.Sprintf("%d parts", len(parts))
		if l.Minutes > 0 {
			size = fmt.Sprintf("%d minutes, %s", l.Minutes, size)
		}
		items = append(items, tui.Item{Name: l.Name, Title: l.Title.In(lang), Size: size, Teaches: strings.Join(parts, "; "), Chapter: "lessons"})
	}
	return items, nil
}

// openLesson prepares a lesson for the screen; its scenarios run when they are shown.
func openLesson(name, lang string) (*tui.Lesson, error) {
	l, err := scenarios.OpenLesson(name)
	if err != nil {
		return nil, err
	}
	out := &tui.Lesson{Name: l.Name, Title: l.Title.In(lang), Minutes: l.Minutes}
	for _, p := range l.Parts {
		out.Parts = append(out.Parts, tui.Part{
			Title: p.Title, Say: p.Say, Notes: p.Notes, Minutes: p.Minutes, Marks: p.Marks, Questions: p.Questions,
			Open: func() (*tui.Doc, error) { return newDoc(p.Scenario.Name, p.Scenario, docOptions{lang: lang}) },
		})
	}
	return out, nil
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
		Args:    named(0, 1),
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
		Args:  named(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range scenarios.Lessons() {
				l, err := scenarios.OpenLesson(name)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%-24s %s (%d parts, %d minutes)\n", name, l.Title.In(c.Flag("lang").Value.String()), len(l.Parts), l.Minutes)
			}
			return nil
		},
	}, &cobra.Command{
		Use:     "check FILE…",
		Short:   "Validate lessons: their scenarios, variants and marks",
		Example: "  ringside lesson check my-lesson.yaml",
		Args:    named(1, -1),
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
