package sim

import "math/bits"

const (
	defaultBudget = 64 << 20

	// A snapshot of n bytes takes about as long as n/512 steps. At a distance of
	// n/16 steps snapshots slow a run by 3 percent. The bounds keep small machines
	// from being copied for nothing, and the replay to any position below a
	// millisecond (at 100 ns a step).
	bytesPerStep = 16
	minEvery     = 1024
	maxEvery     = 8192

	// The lowest rung of the ladder is 2^6 = 64 records apart: replaying half of
	// that costs as much as the copy that begins every step back.
	lowestRung = 6
)

// snapshots are copies of a machine, evenly spaced: the i-th is of the state at
// position i*every. When their memory is used up, every second one is dropped
// and the distance doubled; the memory of those is used for the next ones. So
// the longest replay is always about run length * machine size / budget, however
// long the run turns out to be.
type snapshots[M Machine[M]] struct {
	fresh  func() M
	kept   []M
	free   []M
	every  Seq
	next   Seq // where the next snapshot is due
	held   int // bytes in kept and free
	budget int
}

// init takes the snapshot of the start, which is never dropped.
func (s *snapshots[M]) init(m M, fresh func() M, opts Options) {
	s.fresh, s.budget, s.every = fresh, opts.Budget, opts.Every
	if s.budget <= 0 {
		s.budget = defaultBudget
	}
	if s.every <= 0 {
		s.every = Seq(min(max(m.Size()/bytesPerStep, minEvery), maxEvery))
	}
	s.keep(fresh(), m)
}

// take keeps a copy of m, the machine at position next. If room has to be made
// first and the position then is between two snapshots, it does nothing.
func (s *snapshots[M]) take(m M) {
	here := s.next
	for len(s.free) == 0 && s.held+m.Size() > s.budget {
		s.thin()
		if s.next != here {
			return
		}
	}
	if dst, ok := s.reuse(); ok {
		s.keep(dst, m)
	} else {
		s.keep(s.fresh(), m)
	}
	for s.held > s.budget && len(s.kept) > 1 { // the machine has grown
		if _, ok := s.reuse(); !ok {
			s.thin()
		}
	}
}

// keep makes dst the next snapshot, a copy of m.
func (s *snapshots[M]) keep(dst, m M) {
	dst.CopyFrom(m)
	s.held += dst.Size()
	s.kept = append(s.kept, dst)
	s.next = Seq(len(s.kept)) * s.every
}

// reuse takes a dropped snapshot for its memory, if there is one.
func (s *snapshots[M]) reuse() (m M, ok bool) {
	n := len(s.free) - 1
	if n < 0 {
		return m, false
	}
	m, s.free[n] = s.free[n], m
	s.free = s.free[:n]
	s.held -= m.Size()
	return m, true
}

// thin drops every second snapshot.
func (s *snapshots[M]) thin() {
	n := 0
	for i, m := range s.kept {
		if i%2 == 0 {
			s.kept[n] = m
			n++
		} else {
			s.free = append(s.free, m)
		}
	}
	clear(s.kept[n:])
	s.kept = s.kept[:n]
	s.every *= 2
	s.next = Seq(n) * s.every
}

// nearest returns the last snapshot at or before a position, and its position.
func (s *snapshots[M]) nearest(to Seq) (M, Seq) {
	i := min(int(to/s.every), len(s.kept)-1)
	return s.kept[i], Seq(i) * s.every
}

// ladder holds a few more copies, left behind by the last replays, denser the
// nearer they are to the cursor: rung i is at a multiple of 2^i. Whoever steps
// back once steps back again, and would replay the whole way from the last
// snapshot each time. With the ladder a step back replays at most the way from
// the next rung, and on it puts the lower rungs anew: on average some 32
// records and, for each higher rung, one more.
//
// All rungs are states of the same run, so that one that was left far behind is
// not wrong, only useless.
type ladder[M Machine[M]] struct {
	fresh func() M
	rungs []rung[M] // from lowestRung up
}

type rung[M any] struct {
	m   M
	pos Seq
}

// top returns the highest level that is below the distance between snapshots.
func (l *ladder[M]) top(every Seq) int { return bits.Len32(uint32(every-1)) - 1 }

// put makes the rung of a level a copy of m, which is at a position.
func (l *ladder[M]) put(level int, m M, pos Seq) {
	for len(l.rungs) <= level-lowestRung {
		l.rungs = append(l.rungs, rung[M]{m: l.fresh()})
	}
	r := &l.rungs[level-lowestRung]
	r.m.CopyFrom(m)
	r.pos = pos
}

// nearest returns the last rung at or before a position, and its position, or
// position 0 if there is none that is of use.
func (l *ladder[M]) nearest(to Seq) (m M, pos Seq) {
	for _, r := range l.rungs {
		if r.pos > pos && r.pos <= to {
			m, pos = r.m, r.pos
		}
	}
	return m, pos
}
