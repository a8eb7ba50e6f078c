package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ringside/scenarios"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the embedded scenarios",
		Args:  named(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			headings, err := scenarios.Headings()
			if err != nil {
				return err
			}
			for _, h := range headings {
				fmt.Fprintf(c.OutOrStdout(), "%-24s %s\n", h.Name, h.Title)
			}
			return nil
		},
	}
}

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a scenario's file, to start an own one from",
		Example:           "  ringside show one-packet > my.yaml\n  ringside show ring-full@7          the file of an instance",
		Args:              named(1, 1),
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
			_, err = c.OutOrStdout().Write(toOwn(sc))
			return err
		},
	}
}

// toOwn is a scenario's file for a folder of the user's: the schema lies beside it,
// as the templates say.
func toOwn(sc *scenarios.Scenario) []byte {
	return bytes.Replace(sc.Source(), []byte("$schema=../schema.json"), []byte("$schema=ringside.schema.json"), 1)
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
		Args:    named(1, 1),
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
		Args:    named(0, 0),
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
