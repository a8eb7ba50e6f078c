package tui

import (
	"strings"
	"testing"

	"ringside/sim"
)

// gapOf walks by micro-steps from a point to the next and gives what is said on
// the way.
func gapOf(a *app, at int) (said []string) {
	v := a.versus
	v.show(at)
	for a.keys("s"); v.micro > 0; a.keys("s") {
		said = append(said, v.say())
	}
	return said
}

// Between the calls whose results differ, the micro-steps show where the two ways
// through the kernel part: the level-triggered item is put back on the ready list.
func TestMicroStepsShowWhereTheWaysPart(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		a := versusApp(t, "level-and-edge", size[0], size[1])
		if err := a.compareWith("edge"); err != nil {
			t.Fatal(err)
		}
		found := false
		for at := 0; at < a.versus.last(); at++ {
			for _, say := range gapOf(a, at) {
				found = found || strings.HasPrefix(say, "right waits: only left does this on the way: ep_send_events")
			}
			if a.versus.at != at+1 {
				t.Fatalf("from point %d to %d", at, a.versus.at)
			}
		}
		if !found {
			t.Errorf("%v: nothing is done on the left only", size)
		}
	}
}

// Each micro-step leads at least one side on and none back, to records of what is
// gone through; where both move they do the same.
func TestMicroStepsGoThroughBothRuns(t *testing.T) {
	for _, p := range [][2]string{{"level-and-edge", "edge"}, {"moderation", "each"}, {"nagle-and-delayed-ack", "nodelay"}, {"preemptive", "cooperative"}} {
		a := versusApp(t, p[0], 120, 40)
		if err := a.compareWith(p[1]); err != nil {
			t.Fatal(err)
		}
		v := a.versus
		for range numModes {
			for at := 0; at < min(v.last(), 60); at++ {
				v.show(at)
				v.fillGap()
				was := v.reached(at)
				for i, pt := range v.gap {
					for side, s := range v.side {
						if pt.Waits[side] != (pt.Pos[side] == was[side]) || pt.Pos[side] < was[side] {
							t.Fatalf("%s, %s, point %d+%d: %+v after %v", p[0], modeNames[v.mode], at, i+1, pt, was)
						}
						if r := s.tl.At(max(pt.Pos[side]-1, 0)); v.mode == byCall && !pt.Waits[side] && !own(s.m, r) {
							t.Fatalf("%s, point %d+%d: not the thread's own", p[0], at, i+1)
						}
					}
					if l, r := v.side[0], v.side[1]; v.mode != byTime && pt.Waits == [2]bool{} && l.microKey(pt.Pos[0]) != r.microKey(pt.Pos[1]) {
						t.Fatalf("%s, point %d+%d: different steps are put beside each other", p[0], at, i+1)
					}
					was = pt.Pos
				}
			}
			a.keys("v")
		}
	}
}

// A long way that differs everywhere is gone through by time.
func TestALongGapIsGoneThroughByTime(t *testing.T) {
	a := versusApp(t, "preemptive", 80, 24)
	if err := a.compareWith("cooperative"); err != nil {
		t.Fatal(err)
	}
	v := a.versus
	var way [2][]sim.Seq
	for side := range way {
		way[side] = v.side[side].recordsOf(0, v.side[side].tl.Len(), func(*sim.Record, sim.Seq) bool { return true })
	}
	var last sim.Time
	for _, pt := range v.gapByTime([2]sim.Seq{}, way) {
		now := sim.Time(0)
		for side, s := range v.side {
			if !pt.Waits[side] {
				now = max(now, s.tl.At(pt.Pos[side]-1).T)
			}
		}
		if now < last {
			t.Fatalf("%s after %s", now, last)
		}
		last = now
	}
}
