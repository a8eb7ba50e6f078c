package compare_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/scenarios/compare"
)

// read runs a scenario, or a variant of it.
func read(t *testing.T, name, variant string) *compare.Run {
	t.Helper()
	sc, err := scenarios.Open(name)
	if err == nil && variant != "" {
		sc, err = sc.With(variant)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := sc.Config()
	if err != nil {
		t.Fatal(err)
	}
	run, err := compare.Read(cfg, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// A run is the same as itself, and both sides stand at the same place everywhere.
func TestARunNeverDiffersFromItself(t *testing.T) {
	for _, name := range scenarios.Builtin() {
		run := read(t, name, "")
		c := compare.Of(run, run)
		for i := range c.Diffs {
			t.Errorf("%s: %s", name, &c.Diffs[i])
		}
		points := c.Packets
		for _, p := range c.Threads {
			points = append(points, p.Points...)
		}
		for _, p := range points {
			if p.Pos[compare.Left] != p.Pos[compare.Right] || p.Waits != [2]bool{} {
				t.Fatalf("%s: %+v", name, p)
			}
		}
	}
}

// Known pairs differ first at a known call.
func TestKnownPairsDifferAtAKnownPlace(t *testing.T) {
	for _, c := range []struct {
		name, with string
		n          int    // which difference
		call       int    // of its thread
		text       string // has this
	}{
		{"level-and-edge", "edge", 0, 4, "left: epoll_ctl with events=EPOLLIN, right: with events=EPOLLIN|EPOLLET"},
		{"level-and-edge", "edge", 1, 8, "left: epoll_wait returns 1, right: returns 0"},
		{"level-and-edge", "edge-waits", 1, 8, "left: epoll_wait returns 1 without sleep, right: sleeps"},
		{"nagle-and-delayed-ack", "nodelay", 1, 9, "left: read sleeps, right: returns 4 without sleep"},
		{"poll-and-epoll", "poll-again", 0, 12, "left: epoll_create1(0) = 11, right: no such call (and so on, 8 more)"},
		{"preemptive", "cooperative", 0, 1, "left: is preempted 3 times before getpid is done, right: keeps the core up to getpid"},
		{"preemptive", "cooperative", 2, 2, "left: the end of blue comes before getpid of red, right: after it"},
		{"livelock", "napi", 0, 3, "left: recvfrom does not return, right: returns 5"},
		{"moderation", "each", 0, 4, "left: recvfrom returns 4 without sleep, right: sleeps"},
	} {
		got := compare.Of(read(t, c.name, ""), read(t, c.name, c.with))
		if len(got.Diffs) <= c.n {
			t.Errorf("%s with %s: %d differences", c.name, c.with, len(got.Diffs))
			continue
		}
		d := &got.Diffs[c.n]
		if call := got.Threads[d.Thread].Points[d.Point].N; call != c.call || !strings.Contains(d.String(), c.text) {
			t.Errorf("%s with %s: call %d: %s; want call %d: %s", c.name, c.with, call, d, c.call, c.text)
		}
	}
}

// What is different from the left side's view is so from the right's.
func TestBothWaysRoundTheSameCallsDiffer(t *testing.T) {
	for _, c := range [][2]string{{"level-and-edge", "edge"}, {"livelock", "napi"}, {"nagle-and-delayed-ack", "nodelay"}, {"moderation", "each"}} {
		a, b := read(t, c[0], ""), read(t, c[0], c[1])
		there, back := compare.Of(a, b), compare.Of(b, a)
		if len(there.Diffs) != len(back.Diffs) {
			t.Errorf("%v: %d differences, and %d the other way round", c, len(there.Diffs), len(back.Diffs))
		}
	}
}

// A packet comes to the stations in the order of the path, and records that
// follow from another packet are not counted among its own.
func TestAPacketIsFollowedThroughTheStations(t *testing.T) {
	run := read(t, "one-packet", "")
	if len(run.Packets) != 1 {
		t.Fatalf("%d packets", len(run.Packets))
	}
	last := 0
	for st := kernel.StWire; st < kernel.NumStations; st++ {
		at := int(run.Packets[0].At[st])
		if at <= last {
			t.Errorf("station %s at %d, after %d", kernel.Stations[st], at, last)
		}
		last = at
	}
	for _, c := range []struct {
		name, with string
		packets    int
	}{{"moderation", "each", 20}, {"livelock", "napi", 6000}} {
		for _, run := range []*compare.Run{read(t, c.name, ""), read(t, c.name, c.with)} {
			n := 0
			for i := range run.Packets {
				if p := &run.Packets[i]; !p.Local && p.At[kernel.StWire] > 0 {
					n++
				}
			}
			if n < c.packets-110 || n > c.packets { // the run of the flood is stopped while some are on their way
				t.Errorf("%s: %d packets on the wire, want %d", c.name, n, c.packets)
			}
		}
	}
}

// Held back, only some frames have an interrupt of their own: the others wait at
// that station.
func TestAStageWithoutCounterpartWaits(t *testing.T) {
	c := compare.Of(read(t, "moderation", ""), read(t, "moderation", "each"))
	waits := 0
	for _, p := range c.Packets {
		if p.Stage == kernel.StMSI && p.Waits[compare.Left] {
			waits++
		}
		if p.Waits[compare.Right] {
			t.Errorf("%+v", p)
		}
	}
	if waits != 17 {
		t.Errorf("%d frames have an interrupt on the right only, want 17 of 20", waits)
	}
}

func TestTheReportNamesWhatDiffers(t *testing.T) {
	var out bytes.Buffer
	compare.Of(read(t, "level-and-edge", ""), read(t, "level-and-edge", "edge")).Write(&out, "level", "edge")
	for _, want := range []string{
		"left:  level\nright: edge\n", "level: 2 differences in 18 and 18 calls", "call 8, at 155.555us  left: epoll_wait returns 1, right: returns 0",
		"< epoll_wait(4, [{events=EPOLLIN, data=3}], 4, 0) = 1\n      > epoll_wait(4, [], 4, 0) = 0", "≠descriptors scanned                  6              4  -2",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// A run that was left before its end says nothing of what it may yet do.
func TestARunThatGoesOnHasNoEnd(t *testing.T) {
	whole := read(t, "level-and-edge", "")
	sc, _ := scenarios.Open("level-and-edge")
	cfg, _ := sc.Config()
	part, err := compare.Read(cfg, whole.Len/2)
	if err != nil {
		t.Fatal(err)
	}
	if c := compare.Of(whole, part); part.Done || len(c.Diffs) != 0 || slices.Equal(whole.Threads[0].Acts, part.Threads[0].Acts) {
		t.Errorf("done %t, %d differences", part.Done, len(c.Diffs))
	}
}

// Every pair of scenarios can be compared, and each difference is found at the
// point that it names.
func TestAnyTwoScenariosCanBeCompared(t *testing.T) {
	var runs []*compare.Run
	for _, name := range scenarios.Builtin() {
		if run := read(t, name, ""); run.Len < 20_000 {
			runs = append(runs, run)
		}
	}
	for i, left := range runs {
		right := runs[(i*7+3)%len(runs)]
		c := compare.Of(left, right)
		for n := range c.Diffs {
			d := &c.Diffs[n]
			if pt := c.Threads[d.Thread].Points[d.Point]; int(pt.Diff) != n {
				t.Errorf("difference %d is at a point of difference %d: %s", n, pt.Diff, d)
			}
			if n > 0 && d.At < c.Diffs[n-1].At {
				t.Errorf("difference %d is before the one before it", n)
			}
		}
		for _, p := range c.Threads {
			var was [2]int
			for _, pt := range p.Points {
				for side := range was {
					if pos := int(pt.Pos[side]); pos < was[side] && pt.Diff < 0 {
						t.Errorf("%s goes back from %d to %d", p.Name(), was[side], pos)
					}
					was[side] = int(pt.Pos[side])
				}
			}
		}
	}
}
