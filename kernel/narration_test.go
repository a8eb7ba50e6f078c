package kernel

import (
	"cmp"
	"strings"
	"testing"

	"ringside/kernel/program"
	"ringside/nic"
)

// The screen of 80 columns and 24 rows has three rows of 77 cells for what a
// function does and why.
const (
	narrationRows  = 3
	narrationWidth = 77
)

// TestEveryFunctionSaysWhatItDoesAndWhy, for every system, and in three rows:
// with the function's own reason and with that of each step.
func TestEveryFunctionSaysWhatItDoesAndWhy(t *testing.T) {
	p, err := program.Compile("func main() { f() }\nfunc f() { getpid() }", program.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for abi := program.LinuxAMD64; abi <= program.LinuxInt80; abi++ {
		cfg := &Config{CPUs: 1, NIC: nic.DefaultConfig(), Params: DefaultParams(), ABI: abi, Threads: []ThreadConfig{{Name: "a", CPU: -1, Program: p}}}
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Text.Codes {
			c := &m.Text.Codes[i]
			if len(c.Steps) == 0 {
				continue // function 0 is none
			}
			if c.Say == "" || c.Why == "" {
				t.Errorf("%s: %s: say %q, why %q", abi, c.Name, c.Say, c.Why)
			}
			if n := rows(c.Say + " " + c.Why); n > narrationRows {
				t.Errorf("%s: %s takes %d rows: %s %s", abi, c.Name, n, c.Say, c.Why)
			}
			for j := range c.Steps {
				s := &c.Steps[j]
				say, why := cmp.Or(s.Say, c.Say), cmp.Or(s.Why, c.Why)
				if n := rows(say + " " + why); s.Name == "" || n > narrationRows {
					t.Errorf("%s: %s, %q takes %d rows: %s %s", abi, c.Name, s.Name, n, say, why)
				}
			}
		}
	}
}

// rows breaks a text at blanks.
func rows(text string) int {
	n, width := 1, 0
	for _, w := range strings.Fields(text) {
		cells := len([]rune(w))
		if width > 0 && width+1+cells > narrationWidth {
			n, width = n+1, 0
		}
		if width > 0 {
			width++
		}
		width += cells
	}
	return n
}
