package tui

import (
	"fmt"

	"ringside/kernel"
	"ringside/scenarios/compare"
	"ringside/sim"
)

// Micro-steps of a comparison: from one point to the next, a record at a time, of
// what is gone through: by call the thread's own records, by packet those about the
// packet, by time all. Records of the same step go together; where one run does what
// the other does not, the other waits: there the ways part.

// maxMicroCells bounds the table in which records are held against each other.
// What is longer, and that differs, is gone through by time.
const maxMicroCells = 1 << 21

// microStep goes on by a record, or at the end of the gap to the next point.
func (v *versus) microStep() {
	if v.at == v.last() {
		return
	}
	v.fillGap()
	if v.micro == len(v.gap) {
		v.show(v.at + 1)
		return
	}
	v.micro++
	v.stand()
}

// microBack takes that back.
func (v *versus) microBack() {
	if v.micro == 0 {
		if v.at == 0 {
			return
		}
		v.show(v.at - 1)
		v.fillGap()
		v.micro = len(v.gap) + 1
	}
	v.micro--
	v.stand()
}

// back is the point before the cursor: from between two points, the first of them.
func (v *versus) back() int {
	if v.micro > 0 {
		return v.at
	}
	return v.at - 1
}

// fillGap makes the points between the one at the cursor and the next.
func (v *versus) fillGap() {
	if v.micro > 0 {
		return // it is made
	}
	from, to := v.reached(v.at), v.reached(v.at+1)
	var way [2][]sim.Seq
	for side := range way {
		if want := v.wanted(side); want != nil {
			way[side] = v.side[side].recordsOf(from[side], to[side], want)
		}
	}
	if v.mode == byTime || !v.alike(way) {
		v.gap = v.gapByTime(from, way)
		return
	}
	v.gap = v.gapByRecord(from, way)
}

// reached is where both runs stand at a point.
func (v *versus) reached(at int) [2]sim.Seq {
	switch {
	case at == 0:
		return [2]sim.Seq{}
	case at <= len(v.points):
		return v.points[at-1].Pos
	}
	return [2]sim.Seq{v.c.Runs[compare.Left].Len, v.c.Runs[compare.Right].Len}
}

// wanted tells which records of a side are gone through; nil: none.
func (v *versus) wanted(side int) func(*sim.Record, sim.Seq) bool {
	s := v.side[side]
	switch v.mode {
	case byTime:
		return func(*sim.Record, sim.Seq) bool { return true }
	case byPacket:
		if v.at >= len(v.points) || v.points[v.at].Waits[side] {
			return nil
		}
		packet := s.who.at(v.points[v.at].Pos[side] - 1).packet
		return func(_ *sim.Record, seq sim.Seq) bool { return packet >= 0 && s.who.at(seq).packet == packet }
	}
	for i := range s.m.Tasks {
		if s.thread >= 0 && int(s.m.Tasks[i].Thread) == s.thread {
			return func(r *sim.Record, _ sim.Seq) bool { return int(r.Task) == i && own(s.m, r) }
		}
	}
	return nil
}

// recordsOf gives the positions behind the records of a kind that lie between two
// positions.
func (s *scene) recordsOf(from, to sim.Seq, want func(*sim.Record, sim.Seq) bool) (way []sim.Seq) {
	for seq := from; seq < to-1; seq++ {
		if want(s.tl.At(seq), seq) {
			way = append(way, seq+1)
		}
	}
	return way
}

// microKey tells which records of two runs are the same step: the function and its
// step, or the line of a program.
type microKey struct {
	fn   string
	step string
}

func (s *scene) microKey(pos sim.Seq) microKey {
	r := s.tl.At(pos - 1)
	return microKey{s.m.Fn(r), s.stepText(r)}
}

func (s *scene) microKeys(way []sim.Seq) []microKey {
	keys := make([]microKey, len(way))
	for i, pos := range way {
		keys[i] = s.microKey(pos)
	}
	return keys
}

// ends gives how many of two lists are the same at their start and at their end.
func ends(l, r []microKey) (head, tail int) {
	for head < len(l) && head < len(r) && l[head] == r[head] {
		head++
	}
	for tail < len(l)-head && tail < len(r)-head && l[len(l)-1-tail] == r[len(r)-1-tail] {
		tail++
	}
	return head, tail
}

// alike tells whether two ways are short or similar enough to be held against each
// other.
func (v *versus) alike(way [2][]sim.Seq) bool {
	l, r := v.side[compare.Left].microKeys(way[compare.Left]), v.side[compare.Right].microKeys(way[compare.Right])
	head, tail := ends(l, r)
	return (len(l)-head-tail)*(len(r)-head-tail) <= maxMicroCells
}

// gapByRecord puts what is the same on both sides beside each other: the longest
// common subsequence, as in a diff.
func (v *versus) gapByRecord(was [2]sim.Seq, way [2][]sim.Seq) []compare.Point {
	l, r := v.side[compare.Left].microKeys(way[compare.Left]), v.side[compare.Right].microKeys(way[compare.Right])
	head, tail := ends(l, r)
	rows, cols := len(l)-head-tail, len(r)-head-tail
	common := make([]int32, (rows+1)*(cols+1)) // of the rest, from each pair of places on
	at := func(i, j int) *int32 { return &common[i*(cols+1)+j] }
	for i := rows - 1; i >= 0; i-- {
		for j := cols - 1; j >= 0; j-- {
			if l[head+i] == r[head+j] {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	var out []compare.Point
	for i, j := 0, 0; i < len(l) || j < len(r); {
		onLeft, onRight := true, true
		switch {
		case i < head, i >= head+rows && j >= head+cols: // the same on both sides
		case i == head+rows:
			onLeft = false
		case j == head+cols:
			onRight = false
		case l[i] != r[j]:
			onLeft = *at(i-head+1, j-head) >= *at(i-head, j-head+1)
			onRight = !onLeft
		}
		if onLeft {
			was[compare.Left] = way[compare.Left][i]
			i++
		}
		if onRight {
			was[compare.Right] = way[compare.Right][j]
			j++
		}
		out = append(out, compare.Point{Pos: was, Diff: -1, Act: [2]int32{-1, -1}, Waits: [2]bool{!onLeft, !onRight}})
	}
	return out
}

// gapByTime goes through the records of both sides by their time.
func (v *versus) gapByTime(was [2]sim.Seq, way [2][]sim.Seq) (out []compare.Point) {
	next := func(side int) sim.Time {
		if len(way[side]) == 0 {
			return sim.Never
		}
		return v.side[side].tl.At(way[side][0] - 1).T
	}
	for next(0) != sim.Never || next(1) != sim.Never {
		now := min(next(0), next(1))
		pt := compare.Point{Diff: -1, Act: [2]int32{-1, -1}, Waits: [2]bool{true, true}}
		for side := range way {
			for ; next(side) == now; way[side] = way[side][1:] {
				was[side], pt.Waits[side] = way[side][0], false
			}
		}
		pt.Pos = was
		out = append(out, pt)
	}
	return out
}

// sayMicro tells where both runs stand between two points.
func (v *versus) sayMicro(pt *compare.Point) string {
	deed := func(side int) string {
		k := v.side[side].microKey(pt.Pos[side])
		return k.fn + ": " + k.step
	}
	if pt.Waits != [2]bool{} {
		side := waiting(pt)
		if v.mode == byTime {
			return fmt.Sprintf("%s waits: only %s does something now: %s", sideNames[side], sideNames[1-side], deed(1-side))
		}
		return fmt.Sprintf("%s waits: only %s does this on the way: %s", sideNames[side], sideNames[1-side], deed(1-side))
	}
	if l, r := deed(compare.Left), deed(compare.Right); l != r {
		return "left: " + l + "   right: " + r
	}
	if v.mode == byPacket {
		return "both: " + deed(compare.Left) + " (station " + kernel.Stations[v.side[compare.Left].rec.Station] + ")"
	}
	return "both: " + deed(compare.Left)
}
