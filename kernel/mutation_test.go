package kernel_test

import (
	"io"
	"testing"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/scenarios/conformance"
	"ringside/scenarios/lanes"
)

// probe is one part of the suite: it tells whether the model is right.
type probe struct {
	name  string
	right func(t *testing.T) bool
}

// TestTheSuiteCatchesEveryFault puts one fault after another into the model: the
// conformance cases or the embedded scenarios must notice each. What does not
// pass without a fault does not count.
func TestTheSuiteCatchesEveryFault(t *testing.T) {
	var sound []probe
	for _, p := range probes(t) {
		if p.right(t) {
			sound = append(sound, p)
		}
	}
	for _, mu := range kernel.Mutants {
		t.Run(mu.Name, func(t *testing.T) {
			mu.Breaks(t)
			for _, p := range sound {
				if !p.right(t) {
					t.Logf("caught by %s", p.name)
					return
				}
			}
			t.Errorf("none of %d cases and scenarios notices it", len(sound))
		})
	}
}

func probes(t *testing.T) (all []probe) {
	cases, err := conformance.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		c := &cases[i]
		all = append(all, probe{"case " + c.ID + ": " + c.Title, func(t *testing.T) bool { return conforms(t, c) }})
	}
	for _, name := range scenarios.Builtin() {
		s, err := scenarios.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, probe{"scenario " + name, func(t *testing.T) bool { return asExpected(t, s) }})
	}
	return all
}

// asExpected tells whether a scenario's expectations hold.
func asExpected(t *testing.T, s *scenarios.Scenario) bool {
	t.Helper()
	cfg, err := s.Config()
	if err != nil {
		t.Fatal(err)
	}
	lane, m, err := lanes.Model(cfg, lanes.Limits{})
	return err == nil && lanes.Check(io.Discard, s.Expectations(), lane, lanes.Counters(m))
}

// conforms tells whether the model answers a case as Linux does. A fault may
// keep a run from coming to its end, which is noticed too.
func conforms(t *testing.T, c *conformance.Case) bool {
	t.Helper()
	cfg, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	lane, _, err := lanes.Model(cfg, lanes.Limits{MaxSteps: 200_000})
	if err != nil {
		return false
	}
	failed, _ := c.Judge(lane)
	return len(failed) == 0
}
