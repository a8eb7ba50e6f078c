package tui

import (
	"fmt"
	"sort"
	"strconv"

	"ringside/kernel"
	"ringside/scenarios/compare"
	"ringside/sim"
)

// Two runs side by side, in lock-step. The cursor is a place in a list of points,
// at each of which both runs stand at the same place of their way; so the screen
// is a function of that place, and steps back are exact.

// lockMode is what both runs are kept at.
type lockMode uint8

const (
	byCall   lockMode = iota // the n-th call of one thread
	byPacket                 // a station of a packet's path
	byTime                   // model time
	numModes
)

var modeNames = [numModes]string{"by call", "by packet", "by time"}

// versus is the comparison that is on the screen.
type versus struct {
	c      *compare.Comparison
	side   [2]*scene
	mode   lockMode
	thread int             // the one whose calls are gone through, and that PROGRAM shows
	points []compare.Point // of the mode
	times  []compare.Point // those of the mode byTime, when they are made
	at     int             // so many points are behind the cursor
	gap    []compare.Point // between the last of them and the next, if micro is not 0;
	micro  int             // so many of these are behind the cursor, too
	costs  []int           // places in compare.Costs: those that differ in the end come first
	facts  [2][]fact
	rows   []factRow
	source [2][]sourceRow // the programs of the thread
	ran    bool           // what can be run on the real kernel, has
	stop   func()         // ends what is running there
}

// newVersus compares two documents, with texts in a language.
func newVersus(docs [2]*Doc, lang string) (*versus, error) {
	v := &versus{stop: func() {}}
	var runs [2]*compare.Run
	for i, doc := range docs {
		var err error
		if runs[i], err = compare.Read(doc.Timeline.Machine().Config, extendTo); err != nil {
			return nil, err
		}
		s := newScene(doc, lang, 0)
		s.extend(max(runs[i].Len-s.tl.Len(), 0))
		v.side[i] = s
	}
	v.c = compare.Of(runs[compare.Left], runs[compare.Right])
	for _, differs := range []bool{true, false} {
		for i := range compare.Costs {
			if (runs[compare.Left].Costs[i] != runs[compare.Right].Costs[i]) == differs {
				v.costs = append(v.costs, i)
			}
		}
	}
	if len(v.c.Diffs) > 0 {
		v.thread = v.c.Diffs[0].Thread
	}
	v.choose(byCall)
	v.readSource()
	v.show(0)
	return v, nil
}

// choose makes a mode's list of points the one that is gone through. It ends with
// the end of both runs.
func (v *versus) choose(mode lockMode) {
	v.mode = mode
	switch mode {
	case byPacket:
		v.points = v.c.Packets
	case byTime:
		if v.times == nil {
			v.times = v.timePoints()
		}
		v.points = v.times
	default:
		v.points = nil
		if len(v.c.Threads) > 0 {
			v.points = v.c.Threads[v.thread].Points
		}
	}
}

// timePoints are the ends of the steps of both runs. A side at which nothing ends
// then waits.
func (v *versus) timePoints() []compare.Point {
	var out []compare.Point
	var step [2]int
	var was [2]sim.Seq
	end := func(side int) sim.Time { // of the next step
		s := v.side[side]
		if step[side] == len(s.ix.steps) {
			return sim.Never
		}
		return s.tl.At(s.ix.end(step[side]+1) - 1).T
	}
	for end(0) != sim.Never || end(1) != sim.Never {
		now := min(end(0), end(1))
		pt := compare.Point{Diff: -1, Pos: was}
		for side := range v.side {
			for ; end(side) == now; step[side]++ {
				pt.Pos[side] = v.side[side].ix.end(step[side] + 1)
			}
			pt.Waits[side] = pt.Pos[side] == was[side]
		}
		was = pt.Pos
		out = append(out, pt)
	}
	return out
}

// point is the one that the cursor is behind, or nil at the start and at the end.
func (v *versus) point() *compare.Point {
	if v.micro > 0 {
		return &v.gap[v.micro-1]
	}
	if v.at == 0 || v.at > len(v.points) {
		return nil
	}
	return &v.points[v.at-1]
}

// last is the place of the cursor at which both runs have come to their end.
func (v *versus) last() int { return len(v.points) + 1 }

// show brings both sides to a point.
func (v *versus) show(at int) {
	v.at, v.micro = min(max(at, 0), v.last()), 0
	v.stand()
}

// stand brings both sides to the cursor.
func (v *versus) stand() {
	for side, s := range v.side {
		s.thread = v.threadOn(side)
		switch pt := v.point(); {
		case pt != nil:
			s.show(pt.Pos[side])
		case v.at == 0:
			s.show(0)
		default:
			s.show(v.c.Runs[side].Len)
		}
	}
	v.describe()
}

// threadOn is the number of the thread in a side's scenario, or -1.
func (v *versus) threadOn(side int) int {
	if v.thread >= len(v.c.Threads) {
		return -1
	}
	name := v.c.Threads[v.thread].Names[side]
	for i := range v.c.Runs[side].Threads {
		if name != "" && v.c.Runs[side].Threads[i].Name == name {
			return i
		}
	}
	return -1
}

// cycle goes to the next mode, to the last point in it that is not behind the left
// run's position.
func (v *versus) cycle() {
	next := (v.mode + 1) % numModes
	if next == byPacket && len(v.c.Packets) == 0 {
		next++
	}
	v.change(func() { v.choose(next) })
}

// follow goes to another thread.
func (v *versus) follow() {
	v.change(func() {
		v.thread = (v.thread + 1) % max(len(v.c.Threads), 1)
		v.choose(v.mode)
		v.readSource()
	})
}

// change changes what is gone through, and stays where the left run is.
func (v *versus) change(how func()) {
	start, end, pos := v.at == 0 && v.micro == 0, v.at == v.last(), v.side[compare.Left].pos
	v.micro = 0
	how()
	switch {
	case start:
		v.show(0)
	case end:
		v.show(v.last())
	default:
		at, best := 0, sim.Seq(0)
		for i := range v.points {
			if p := v.points[i].Pos[compare.Left]; p <= pos && p >= best {
				at, best = i+1, p
			}
		}
		v.show(at)
	}
}

// toDiff goes to a difference, by its place in the list; false if there is none.
func (v *versus) toDiff(i int) bool {
	if i < 0 || i >= len(v.c.Diffs) {
		return false
	}
	d := &v.c.Diffs[i]
	v.thread = d.Thread
	v.choose(byCall)
	v.readSource()
	v.show(d.Point + 1)
	return true
}

// diff is the place in the list of the difference at the cursor, or how many are
// before it; here tells which.
func (v *versus) diff() (i int, here bool) {
	if pt := v.point(); pt != nil && pt.Diff >= 0 {
		return int(pt.Diff), true
	}
	now := min(v.side[compare.Left].m.Now, v.side[compare.Right].m.Now)
	if v.at == v.last() {
		return len(v.c.Diffs), false
	}
	return sort.Search(len(v.c.Diffs), func(i int) bool { return v.c.Diffs[i].At > now }), false
}

func (v *versus) nextDiff(dir int) bool {
	i, here := v.diff()
	if dir < 0 || here {
		i += dir
	}
	return v.toDiff(i)
}

// say tells where both runs stand.
func (v *versus) say() string {
	pt := v.point()
	switch {
	case v.micro > 0:
		return v.sayMicro(pt)
	case v.at == 0 && len(v.c.Diffs) == 0:
		return "both at their start: no call, result or sleep will differ"
	case v.at == 0:
		return "both at their start: → steps both on, d goes to the first difference"
	case pt == nil && !(v.c.Runs[0].Done && v.c.Runs[1].Done):
		return "both as far as they are compared; the runs go on"
	case pt == nil:
		return "both at the end of their runs"
	case pt.Diff >= 0:
		return v.c.Diffs[pt.Diff].String()
	case v.mode == byTime && pt.Waits == [2]bool{}:
		return "both end a step at this time"
	case v.mode == byTime:
		return [2]string{"left waits: only right does something now", "right waits: only left does something now"}[waiting(pt)]
	case v.mode == byPacket:
		return v.sayPacket(pt)
	}
	t := &v.c.Threads[v.thread]
	if pt.Waits != [2]bool{} {
		side := waiting(pt)
		return fmt.Sprintf("%s waits: it has no such call: %s", sideNames[side], t.Act(pt, 1-side).Line)
	}
	return "both have done the same: " + t.Act(pt, compare.Left).Line
}

// waiting is the side that waits.
func waiting(pt *compare.Point) int {
	if pt.Waits[compare.Left] {
		return compare.Left
	}
	return compare.Right
}

var sideNames = [2]string{"left", "right"}

func (v *versus) sayPacket(pt *compare.Point) string {
	name := "frame " + strconv.Itoa(pt.N)
	if pt.Local {
		name = "packet " + strconv.Itoa(pt.N) + " of this host"
	}
	station := kernel.Stations[pt.Stage]
	if s := v.side[compare.Left]; pt.Stage == kernel.StUDP && s.ix.tcp(s.step) {
		station = "tcp"
	}
	if pt.Waits == [2]bool{} {
		return "both: " + name + " is at " + station
	}
	side := waiting(pt)
	return fmt.Sprintf("%s: %s does not come to %s, and waits; %s: it is there", sideNames[side], name, station, sideNames[1-side])
}
