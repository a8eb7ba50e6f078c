package sim

import "fmt"

// maxRecords bounds every run: numbers of records and distances between
// snapshots stay inside Seq, also when doubled.
const maxRecords Seq = 1<<30 - 1

// Machine is what a Timeline can drive. M is the machine's own pointer type.
type Machine[M any] interface {
	// Step does the next step and fills every field of r. It returns false when
	// nothing is left to happen; the state is then unchanged. It must depend on
	// nothing but the machine's state.
	Step(r *Record) bool

	// CopyFrom makes the receiver an exact and independent copy of src. It uses
	// the receiver's memory where it is large enough.
	CopyFrom(src M)

	// Size returns about how many bytes a copy takes.
	Size() int
}

// Options of a Timeline. The zero value is a good choice.
type Options struct {
	Budget     int  // bytes of memory for snapshots, beside some ten copies near the cursor; 0 is 64 MiB
	Every      Seq  // first distance between snapshots, in records; 0 lets the machine's size decide
	MaxRecords Seq  // the run stops at so many records; 0 is 2^30-1
	Check      bool // compare each replayed record with the log, and panic if they differ
}

// Timeline is a run of a machine, with a cursor that moves along it in both
// directions. What the machine did is in the log; the machine's state at the
// cursor is found by copying the nearest snapshot before it and running from
// there.
//
// The end of the part that is known is the frontier. Moving the cursor beyond
// the frontier runs the machine on; moving it anywhere else changes nothing that
// can be seen again later.
type Timeline[M Machine[M]] struct {
	// OnAppend, if not nil, is called once for each record that is new, in order,
	// with the machine in the state that goes with the record; never for a record
	// that is replayed. It must not move the cursor nor ask for it. Indexes over
	// the log are built with it; set it before the first move.
	OnAppend func(m M, r *Record, seq Seq)

	log   Log
	front M    // the machine at the frontier: it has done all records of the log
	done  bool // front has nothing left to do
	max   Seq

	pos   Seq // the cursor
	view  M   // the machine that replays
	at    Seq // how many records view has done; at == pos unless the cursor is at the frontier
	check bool
	r     Record // what view's steps write; kept here so that it is not allocated

	snaps snapshots[M]
	rungs ladder[M]
}

// NewTimeline returns the timeline of the run that starts with m as it is now.
// It owns m from then on. fresh makes an empty machine, for others to be copied
// into.
func NewTimeline[M Machine[M]](m M, fresh func() M, opts Options) *Timeline[M] {
	t := &Timeline[M]{front: m, view: fresh(), check: opts.Check, max: maxRecords}
	if opts.MaxRecords > 0 {
		t.max = min(opts.MaxRecords, maxRecords)
	}
	t.snaps.init(m, fresh, opts)
	t.rungs.fresh = fresh
	t.view.CopyFrom(m)
	return t
}

// Machine returns the machine in its state at the cursor. It may be read until
// the cursor moves, and must not be changed.
func (t *Timeline[M]) Machine() M {
	if t.pos == t.log.n {
		return t.front
	}
	return t.view
}

// Pos returns the position of the cursor: so many records have been executed,
// and the state is the one after record Pos()-1. 0 is the start.
func (t *Timeline[M]) Pos() Seq { return t.pos }

// Len returns the number of records that are known so far.
func (t *Timeline[M]) Len() Seq { return t.log.n }

// At returns the record with a number from 0 to Len()-1. It must not be changed.
func (t *Timeline[M]) At(s Seq) *Record { return t.log.At(s) }

// FirstAfter returns the number of the first known record that was complete only
// after a time, or Len() if there is none.
func (t *Timeline[M]) FirstAfter(at Time) Seq { return t.log.FirstAfter(at) }

// Done tells whether the end of the run is known: after Len() records nothing is
// left to happen. It stays false for a run that was stopped by MaxRecords.
func (t *Timeline[M]) Done() bool { return t.done }

// Forward moves the cursor one record on. It returns false at the end of the
// run, where it does nothing.
func (t *Timeline[M]) Forward() bool {
	if t.pos == t.log.n && !t.extend() {
		return false
	}
	t.pos++
	t.show()
	return true
}

// Back moves the cursor one record back. It returns false at the start, where it
// does nothing.
func (t *Timeline[M]) Back() bool {
	if t.pos == 0 {
		return false
	}
	t.pos--
	t.show()
	return true
}

// Seek moves the cursor to a position. It stops at the start and at the end of
// the run, and runs the machine on if the position is not known yet.
func (t *Timeline[M]) Seek(to Seq) {
	for t.log.n < to && t.extend() {
	}
	t.pos = min(max(to, 0), t.log.n)
	t.show()
}

// SeekTime moves the cursor behind the last record that was complete at or
// before a time, and runs the machine on to find it if need be.
func (t *Timeline[M]) SeekTime(at Time) {
	for (t.log.n == 0 || t.log.At(t.log.n-1).T <= at) && t.extend() {
	}
	t.Seek(t.log.FirstAfter(at))
}

// Run moves the frontier on until the end of the run is reached or so many
// records are known, and the cursor to the frontier. It returns Done, which is
// found out only by the step after the last: Run(math.MaxInt32) runs to the end.
func (t *Timeline[M]) Run(records Seq) bool {
	for t.log.n < records && t.extend() {
	}
	t.pos = t.log.n
	return t.done
}

// extend moves the frontier one record on, and returns false if it cannot. This
// is the loop that has to be fast: it allocates nothing but a chunk of the log
// now and then.
func (t *Timeline[M]) extend() bool {
	if t.done || t.log.n >= t.max {
		return false
	}
	if t.log.n == t.snaps.next {
		t.snaps.take(t.front)
	}
	r := t.log.slot()
	if !t.front.Step(r) {
		t.done = true
		return false
	}
	t.log.n++
	if t.OnAppend != nil {
		t.OnAppend(t.front, r, t.log.n-1)
	}
	return true
}

// show brings view to the cursor, unless the cursor is at the frontier, where
// front has the state already.
func (t *Timeline[M]) show() {
	if t.pos == t.log.n || t.pos == t.at {
		return
	}
	if t.pos == t.at+1 { // the usual step forward
		t.replay(t.pos)
		return
	}
	from, pos := t.snaps.nearest(t.pos)
	if m, p := t.rungs.nearest(t.pos); p > pos {
		from, pos = m, p
	}
	if t.at > t.pos || t.at < pos {
		t.view.CopyFrom(from)
		t.at = pos
	}
	for level := t.rungs.top(t.snaps.every); level >= lowestRung; level-- {
		if rung := t.pos >> level << level; rung > t.at {
			t.replay(rung)
			t.rungs.put(level, t.view, rung)
		}
	}
	t.replay(t.pos)
}

// replay runs view on to a position. The log has the records already: view's are
// discarded.
func (t *Timeline[M]) replay(to Seq) {
	for ; t.at < to; t.at++ {
		ok := t.view.Step(&t.r)
		if t.check && (!ok || t.r != *t.log.At(t.at)) {
			panic(fmt.Sprintf("sim: replay differs at record %d (step done: %t):\n was %+v\n now %+v",
				t.at, ok, *t.log.At(t.at), t.r))
		}
	}
}
