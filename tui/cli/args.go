package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"ringside/kernel/program"
)

// named is how many names a command takes: at least so many, and at most so many or,
// below 0, any number. The error says how the command is called.
func named(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("a name is missing: %s", c.UseLine())
		case most >= 0 && len(args) > most:
			return fmt.Errorf("%q is one name too many: %s", args[most], c.UseLine())
		}
		return nil
	}
}

// nameOrCommand takes one name. What has two was meant to be a command.
func nameOrCommand(c *cobra.Command, args []string) error {
	if len(args) < 2 {
		return nil
	}
	var known []string
	for _, sub := range c.Commands() {
		known = append(known, sub.Name())
	}
	return fmt.Errorf("unknown command %q%s", args[0], program.Nearest(args[0], known))
}
