package scenarios

import (
	"fmt"
	"maps"
	"slices"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/scenarios/lanes"
	"ringside/sim"
)

// notePlaces are the places of the selectors of marks, narration and questions, in
// the order of the guide's notes.
func (d *decoder) notePlaces(f *file) (out []place) {
	for _, part := range []struct {
		key string
		n   int
	}{{"marks", len(f.Marks)}, {"narration", len(f.Narration)}, {"predict", len(f.Predict)}} {
		for i := range part.n {
			out = append(out, nodePlace(d.at[fmt.Sprintf("%s[%d].at", part.key, i)]))
		}
	}
	return out
}

// Missed runs the file and gives an error for each mark, narration and question
// whose record does not come. In the run of a variant some need not come.
func (s *Scenario) Missed() ([]error, error) {
	if s.Variant != "" {
		return nil, nil
	}
	m, err := kernel.New(s.config)
	if err != nil {
		return nil, err
	}
	f, steps := guide.NewFinder(s.guide), map[string]map[string]bool{}
	for i := range s.guide.Notes {
		if fn := s.guide.Notes[i].At.Fn; fn != "" {
			steps[fn] = map[string]bool{}
		}
	}
	var r sim.Record
	for seq := sim.Seq(0); seq < lanes.DefaultMaxSteps && slices.Contains(f.Found, sim.NoSeq) && m.Step(&r); seq++ {
		f.Record(m, &r, seq)
		if of := steps[m.Fn(&r)]; of != nil {
			of[m.StepName(&r)] = true
		}
	}
	var missed []error
	for i := range f.Found {
		if f.Found[i] != sim.NoSeq {
			continue
		}
		at := &s.guide.Notes[i].At
		msg := fmt.Sprintf("no record of this run is %s", at)
		switch {
		case f.Seen(i) > 0:
			msg += fmt.Sprintf("; without n there are %d", f.Seen(i))
		case at.Step != "" && len(steps[at.Fn]) > 0:
			msg += fmt.Sprintf("; its steps: %q", slices.Sorted(maps.Keys(steps[at.Fn])))
		}
		missed = append(missed, newDecoder(s.Name, s.source).error(s.noteAt[i], msg))
	}
	return missed, nil
}
