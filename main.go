// Ringside shows, in a terminal, how a packet becomes a woken thread: on a modelled
// machine, step by step, forwards and backwards, and beside it on the real
// kernel.
package main

import (
	"os"

	"ringside/tui/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
