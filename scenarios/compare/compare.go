package compare

import (
	"fmt"
	"sort"

	"ringside/kernel"
	"ringside/sim"
)

// Sides of a comparison.
const (
	Left = iota
	Right
)

// Comparison is two runs, and what belongs together in them.
type Comparison struct {
	Runs    [2]*Run
	Threads []Pairing // those of the left run, then those that only the right one has
	Packets []Point   // by packet, and of each by station
	Diffs   []Diff    // in the order of model time
}

// Pairing is one thread in both runs.
type Pairing struct {
	Names  [2]string // the same, but for threads that have none of their name on the other side
	Acts   [2][]Act
	Points []Point
	differ [2][]bool // by act
}

// Differs tells whether something differs at an act of a side.
func (t *Pairing) Differs(side, act int) bool { return t.differ[side][act] }

// mark notes the acts at which something differs.
func (t *Pairing) mark() {
	for side := range t.Acts {
		t.differ[side] = make([]bool, len(t.Acts[side]))
		for i := range t.Points {
			if pt := &t.Points[i]; pt.Act[side] >= 0 {
				t.differ[side][pt.Act[side]] = t.differ[side][pt.Act[side]] || pt.Diff >= 0 || pt.Waits[1-side]
			}
		}
	}
}

// Act is the call of a point on a side, or nil.
func (t *Pairing) Act(p *Point, side int) *Act {
	if p.Act[side] < 0 {
		return nil
	}
	return &t.Acts[side][p.Act[side]]
}

// Point is a pair of positions at which both runs stand at the same place of
// their way. A side that has no counterpart stays where it was.
type Point struct {
	Pos   [2]sim.Seq
	Waits [2]bool
	N     int      // the act's place in its thread, or the packet's among its kind, from 1
	Act   [2]int32 // of a call: its place in each thread, or -1
	Stage uint8    // of a packet: the station
	Local bool     // of a packet: it is one of this host
	Diff  int32    // of a call: what differs, a place in Diffs; or -1
	at    sim.Time
}

// Diff is a place where the runs differ.
type Diff struct {
	Thread int // a place in Threads
	Point  int // a place in its Points
	Text   string
	More   int      // so many acts behind it have no counterpart either
	At     sim.Time // on the side where it comes first, but not before that of the thread's point before
}

// String is the difference in a sentence.
func (d *Diff) String() string {
	if d.More == 0 {
		return d.Text
	}
	return fmt.Sprintf("%s (and so on, %d more)", d.Text, d.More)
}

// Name is the thread's.
func (t *Pairing) Name() string {
	switch l, r := t.Names[Left], t.Names[Right]; {
	case l == r || r == "":
		return l
	case l == "":
		return r
	default:
		return l + ", " + r
	}
}

// Of compares two runs.
func Of(left, right *Run) *Comparison {
	c := &Comparison{Runs: [2]*Run{left, right}}
	var rest []*Thread // of the right one, without their like on the left
	for i := range right.Threads {
		if t := &right.Threads[i]; threadOf(left, t.Name) == nil {
			rest = append(rest, t)
		}
	}
	for i := range left.Threads {
		t := &left.Threads[i]
		u := threadOf(right, t.Name)
		if u == nil && len(rest) > 0 {
			u, rest = rest[0], rest[1:]
		}
		c.thread(t, u)
	}
	for _, u := range rest {
		c.thread(nil, u)
	}
	c.order()
	c.sortDiffs()
	c.packets()
	return c
}

func threadOf(r *Run, name string) *Thread {
	for i := range r.Threads {
		if r.Threads[i].Name == name {
			return &r.Threads[i]
		}
	}
	return nil
}

// thread pairs a thread's acts. Where one side sleeps, or loses its core, and the
// other does not, there is a point of its own before that of the act.
func (c *Comparison) thread(left, right *Thread) {
	var t Pairing
	for side, th := range [2]*Thread{left, right} {
		if th != nil {
			t.Names[side], t.Acts[side] = th.Name, th.Acts
		}
	}
	var was [2]sim.Seq
	var waited [2]bool
	var now sim.Time
	for n, p := range c.known(pair(t.Acts[Left], t.Acts[Right])) {
		pt := Point{N: n + 1, Act: [2]int32{int32(p[0]), int32(p[1])}, Diff: -1}
		var acts [2]*Act
		for side := range acts {
			if p[side] < 0 {
				pt.Pos[side], pt.Waits[side] = was[side], true
				continue
			}
			acts[side] = t.Act(&pt, side)
			pt.Pos[side], pt.at = acts[side].Pos, max(pt.at, acts[side].At)
		}
		if acts[Left] != nil && acts[Right] != nil {
			pt.at = min(acts[Left].At, acts[Right].At)
			for _, before := range switches(acts) {
				early := pt
				early.Pos, early.at = before.pos, max(now, min(before.at, pt.at))
				c.differs(&t, early, before.text)
			}
		}
		now = max(now, pt.at)
		pt.at = now
		switch text := differ(acts, pt.Waits); {
		case pt.Waits == waited && pt.Waits != [2]bool{}: // more of the same
			c.Diffs[len(c.Diffs)-1].More++
			t.Points = append(t.Points, pt)
		case text != "":
			c.differs(&t, pt, text)
		default:
			t.Points = append(t.Points, pt)
		}
		was, waited = pt.Pos, pt.Waits
	}
	c.Threads = append(c.Threads, t)
}

// known leaves out, at the end, what one side has and the other may yet have: its
// run was not read to the end.
func (c *Comparison) known(ps pairs) pairs {
	for n := len(ps); n > 0; n = len(ps) {
		p := ps[n-1]
		if p[Left] >= 0 && p[Right] >= 0 || p[Left] < 0 && c.Runs[Left].Done || p[Right] < 0 && c.Runs[Right].Done {
			break
		}
		ps = ps[:n-1]
	}
	return ps
}

// differs adds a point at which the runs differ.
func (c *Comparison) differs(t *Pairing, pt Point, text string) {
	pt.Diff = int32(len(c.Diffs))
	c.Diffs = append(c.Diffs, Diff{Thread: len(c.Threads), Point: len(t.Points), Text: text, At: pt.at})
	t.Points = append(t.Points, pt)
}

// order finds where calls return in another order: threads that do the same, but
// not at each other's places. Of a row of calls that are all overtaken by one the
// first is named.
func (c *Comparison) order() {
	type place struct{ thread, point int }
	var all []place
	for i := range c.Threads {
		for j := range c.Threads[i].Points {
			if pt := &c.Threads[i].Points[j]; pt.Diff < 0 && pt.Waits == [2]bool{} {
				all = append(all, place{i, j})
			}
		}
	}
	point := func(p place) *Point { return &c.Threads[p.thread].Points[p.point] }
	sort.SliceStable(all, func(i, j int) bool { return point(all[i]).Pos[Left] < point(all[j]).Pos[Left] })
	var last place // the one that returns last on the right of those so far
	overtaken := false
	for i, p := range all {
		if i == 0 || point(p).Pos[Right] >= point(last).Pos[Right] {
			last, overtaken = p, false
			continue
		}
		if !overtaken {
			c.overtakes(last.thread, p.thread, last.point, p.point)
		}
		overtaken = true
	}
}

// overtakes notes that one call returns before another on the left only.
func (c *Comparison) overtakes(first, then, i, j int) {
	a, b := &c.Threads[first], &c.Threads[then]
	pt, later := &a.Points[i], &b.Points[j]
	if pt.Diff >= 0 {
		return // something is said of it already
	}
	pt.Diff = int32(len(c.Diffs))
	c.Diffs = append(c.Diffs, Diff{Thread: first, Point: i, At: pt.at, Text: fmt.Sprintf("left: %s of %s comes before %s of %s, right: after it",
		a.Act(pt, Left).name(), a.Names[Left], b.Act(later, Left).name(), b.Names[Left])})
}

// sortDiffs puts them in the order of model time.
func (c *Comparison) sortDiffs() {
	sort.SliceStable(c.Diffs, func(i, j int) bool { return c.Diffs[i].At < c.Diffs[j].At })
	for i := range c.Diffs {
		c.Threads[c.Diffs[i].Thread].Points[c.Diffs[i].Point].Diff = int32(i)
	}
	for i := range c.Threads {
		c.Threads[i].mark()
	}
}

// packets puts the stations of each packet's way beside each other. The n-th
// packet from the wire belongs to the n-th, and so does the n-th of this host.
func (c *Comparison) packets() {
	for _, local := range []bool{false, true} {
		left, right := packetsOf(c.Runs[Left], local), packetsOf(c.Runs[Right], local)
		var was [2]sim.Seq
		for n := range max(len(left), len(right)) {
			for st := kernel.StNone + 1; st < kernel.NumStations; st++ {
				pt := Point{N: n + 1, Stage: st, Local: local, Diff: -1, Act: [2]int32{-1, -1}, Pos: was}
				for side, list := range [2][]*Packet{left, right} {
					if n < len(list) && list[n].At[st] > 0 {
						pt.Pos[side] = list[n].At[st]
					} else {
						pt.Waits[side] = true
					}
				}
				if !pt.Waits[Left] || !pt.Waits[Right] {
					c.Packets = append(c.Packets, pt)
					was = pt.Pos
				}
			}
		}
	}
}

func packetsOf(r *Run, local bool) []*Packet {
	var out []*Packet
	for i := range r.Packets {
		if r.Packets[i].Local == local {
			out = append(out, &r.Packets[i])
		}
	}
	return out
}
