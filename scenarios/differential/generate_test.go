package differential

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringside/kernel/program"
)

// Every generated program is one of the language.
func TestProgramsCompile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Generate(t)
		for _, th := range s.threads {
			text := strings.Join(append(th.needs(), th.lines...), "\n")
			if _, err := program.Compile(text, program.Env{Shared: s.shared, Threads: s.Threads()}); err != nil {
				t.Fatalf("%s\n%s", err, s.YAML("wrong"))
			}
		}
	})
}
