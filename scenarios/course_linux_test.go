package scenarios

import (
	"strings"
	"testing"

	"ringside/kernel"
	"ringside/scenarios/lanes"
)

// TestVariantsOnTheRealKernel: a variant is compared with Linux as the scenarios
// themselves are.
func TestVariantsOnTheRealKernel(t *testing.T) {
	for _, name := range Builtin() {
		s, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range s.Variants() {
			if v.LiveWhy() != "" {
				continue
			}
			t.Run(name+"/"+v.Variant, func(t *testing.T) {
				model, _, err := lanes.Model(v.config, lanes.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				real, err := lanes.Live(t.Context(), v.config)
				if err != nil {
					t.Fatal(err)
				}
				var threads []string
				for i := range v.config.Threads {
					threads = append(threads, kernel.Printable(v.config.Threads[i].Name))
				}
				unordered, _ := v.Unordered()
				var out strings.Builder
				if !lanes.Compare(&out, threads, unordered, model, real) {
					t.Error(out.String())
				}
			})
		}
	}
}
