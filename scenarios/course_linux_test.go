package scenarios

import (
	"strings"
	"testing"

	"ringside/kernel"
	"ringside/scenarios/lanes"
)

// TestVariantsOnTheRealKernel: variants and instances are compared with Linux as the
// scenarios themselves are.
func TestVariantsOnTheRealKernel(t *testing.T) {
	for _, name := range Builtin() {
		s, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range s.Variants() {
			t.Run(name+"/"+v.Variant, func(t *testing.T) { sameOnLinux(t, v) })
		}
		for n := uint64(1); n <= 3 && s.Varies(); n++ {
			i, err := s.Instance(n)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(i.Name, func(t *testing.T) { sameOnLinux(t, i) })
		}
	}
}

// sameOnLinux compares the lanes of a scenario that has both.
func sameOnLinux(t *testing.T, s *Scenario) {
	if s.LiveWhy() != "" {
		return
	}
	model, _, err := lanes.Model(s.config, lanes.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	real, err := lanes.Live(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	var threads []string
	for i := range s.config.Threads {
		threads = append(threads, kernel.Printable(s.config.Threads[i].Name))
	}
	unordered, _ := s.Unordered()
	var out strings.Builder
	if !lanes.Compare(&out, threads, unordered, model, real) {
		t.Error(out.String())
	}
}
