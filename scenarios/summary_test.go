package scenarios

import (
	"bytes"
	"strings"
	"testing"

	"ringside/scenarios/lanes"
	"ringside/sim"
)

// TestSummary holds the figures of two scenarios.
func TestSummary(t *testing.T) {
	for _, name := range []string{"poisson-load", "capture-file"} {
		s, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		cfg, _ := s.Config()
		var out bytes.Buffer
		if err := lanes.Summary(&out, cfg, lanes.Limits{}); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+name+".summary", out.Bytes())
		for _, l := range strings.Split(out.String(), "\n") {
			if l != strings.TrimRight(l, " ") || len(l) > 120 {
				t.Errorf("%s: a line is too long, or ends in blanks: %q", name, l)
			}
		}
	}
}

// TestSummaryOfNothing: a run that is over before it begins has a summary too.
func TestSummaryOfNothing(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+threads))
	if err != nil {
		t.Fatal(err)
	}
	cfg, _ := s.Config()
	cfg.Stop = 1 * sim.Nanosecond
	cfg.Threads[0].Start = sim.Second
	var out bytes.Buffer
	if err := lanes.Summary(&out, cfg, lanes.Limits{}); err != nil || !strings.HasPrefix(out.String(), "0.000 us of model time, 0 records") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
