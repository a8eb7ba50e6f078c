package differential

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/scenarios/lanes"
)

// Flags gives rapid's flags the values for these tests, from a TestMain. Without
// -rapid.checks the same few scenarios are run each time; with it, others each
// time.
func Flags() {
	flag.Parse()
	long := false
	flag.Visit(func(f *flag.Flag) { long = long || f.Name == "rapid.checks" })
	if !long {
		must(flag.Set("rapid.checks", "200"))
		must(flag.Set("rapid.seed", "1"))
	}
	must(flag.Set("rapid.nofailfile", "true")) // a find is kept as a scenario
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func config(text string) (*kernel.Config, []string, error) {
	s, err := scenarios.Parse("generated.yaml", []byte(text))
	if err != nil {
		return nil, nil, err
	}
	cfg, err := s.Config()
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for i := range cfg.Threads {
		names = append(names, cfg.Threads[i].Name)
	}
	return cfg, names, nil
}

// refused is a run that did not come about: a lane does not make a call of the
// scenario. It says so and does not answer wrong.
type refused struct{ error }

// onModel runs a scenario on the model. If that fails, this is what the model did:
// the real kernel did something else.
func onModel(cfg *kernel.Config) (*lanes.Lane, error) {
	l, _, err := lanes.Model(cfg, lanes.Limits{})
	var defect *lanes.Defect
	switch {
	case errors.As(err, &defect):
		return &lanes.Lane{Threads: map[string][]string{"main": {fmt.Sprintf("%s\n%s", defect, defect.Stack)}}}, nil
	case err != nil:
		return nil, refused{fmt.Errorf("the model: %w", err)}
	}
	return l, nil
}

func onReal(cfg *kernel.Config) (*lanes.Lane, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	l, err := lanes.Live(ctx, cfg)
	if err != nil {
		return nil, refused{fmt.Errorf("the live lane: %w", err)}
	}
	return l, nil
}

// compare runs a scenario on two lanes and gives the difference, or "".
func compare(text string, one, other func(*kernel.Config) (*lanes.Lane, error)) (string, error) {
	cfg, names, err := config(text)
	if err != nil {
		return "", err
	}
	a, err := one(cfg)
	if err != nil {
		return "", err
	}
	b, err := other(cfg)
	if err != nil {
		return "", err
	}
	var report strings.Builder
	if lanes.Compare(&report, names, nil, a, b) {
		return "", nil
	}
	return report.String(), nil
}

// outcomes is how often the real kernel is asked before what the model did counts
// as wrong: where it leaves an order open, any of its answers is right.
const outcomes = 100

// ModelDiffers gives the difference between the model and the real kernel, or ""
// if the real kernel does at times what the model does.
func ModelDiffers(text string) (diff string, err error) {
	for range outcomes {
		if diff, err = compare(text, onModel, onReal); diff == "" || err != nil {
			return diff, err
		}
	}
	return diff, nil
}

// RealDiffers gives the difference between two runs on the real kernel, or "".
func RealDiffers(text string) (string, error) { return compare(text, onReal, onReal) }

// Search generates scenarios and fails with the smallest one that differs; kept is
// called with that scenario's file.
func Search(t *testing.T, differs func(text string) (string, error), kept func(yaml, report string)) {
	var yaml, report string
	why := map[string]int{}
	runs := 0
	t.Cleanup(func() {
		if report != "" {
			kept(yaml, report)
		}
		for _, w := range slices.Sorted(maps.Keys(why)) {
			t.Logf("%d of %d not run: %s", why[w], runs, w)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		text := Generate(t).YAML("A find")
		runs++
		diff, err := differs(text)
		if r, ok := err.(refused); ok {
			why[reason(r)]++
			return
		}
		if err != nil {
			t.Fatalf("%s\n%s", err, text)
		}
		if diff != "" {
			yaml, report = text, diff
			t.Fatal("a difference")
		}
	})
	n := 0
	for _, k := range why {
		n += k
	}
	if n*5 > runs {
		t.Errorf("%d of %d scenarios were not run", n, runs)
	}
}

// reason is a refusal without what differs from one scenario to the next.
func reason(r refused) string {
	text, _, _ := strings.Cut(r.Error(), "(")
	return text
}
