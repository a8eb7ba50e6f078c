// Package sim is the ground floor of the simulator: a clock, a queue of events,
// a log of what happened, and a timeline on which one can go back. It knows
// nothing of processors, packets or kernels.
//
// # The clock
//
// Model time is a number of nanoseconds, a [Time]. It does not flow: it jumps
// from one event to the next, and what happens in between takes the time that
// the model says it takes. The wall clock is never asked, so that a run gives
// the same result on every machine and on every day. Where chance is wanted, it
// is drawn from a [Rand], which is part of the machine's state.
//
// # The queue
//
// What will happen is an [Event] in a [Queue]: a time, a kind and a few numbers.
// A machine takes the earliest, does what its kind says, and pushes those that
// follow from it. Events are values and not closures; a closure could not be
// copied with the rest of the state, and one allocation for each event would
// cost more than the event.
//
// # The record
//
// A machine advances by steps, and every step leaves one [Record] in the [Log]:
// when, how long, where, what, and which earlier record was its cause. State and
// records are all there is. A panel, an export, the answer to a question about
// the run: each is computed from them.
//
// # The timeline
//
// A [Timeline] owns a machine, its log and a cursor. Forward and Back move the
// cursor by a record, Seek and SeekTime to any place; Machine is the state
// there. Any type with three methods can be driven, see [Machine]: do a step,
// become a copy of another, tell your size.
//
//	run := sim.NewTimeline(m, func() *kernel.Machine { return new(kernel.Machine) }, sim.Options{})
//	run.Seek(1000)             // runs the machine on to there
//	for run.Back() && run.At(run.Pos()).Fn != fn {
//	}                          // back to where fn ran; run.Machine() is the state before it
//
// # Why going back is running forward
//
// One way to go back is to remember, for every step, what it overwrote, and to
// put it back. Then every write of the model has to be recorded, forgetting one
// spoils the state without a sign, the memory grows with every write, and a jump
// over a million steps undoes a million steps.
//
// The other way needs nothing of the model but that it is deterministic and that
// it can be copied: keep a copy of the machine from time to time, and to go back
// take the copy before the place and run forward from there. A machine whose
// state is arrays and indexes, without pointers, is copied in about a
// microsecond, and running forward is what it is best at. In a prototype that
// did both, the log of changes took twice the memory and a thousand times as
// long for a jump.
//
// So the timeline keeps snapshots, evenly spaced, within a budget of memory: so
// close that no replay takes a millisecond, so far apart that they do not slow
// the run. Near the cursor it keeps a ladder of some more copies, denser towards
// the cursor, so that stepping back again and again is as quick as stepping
// forward. That the replay is exact is not hoped for: with Options.Check every
// record that is replayed is compared with the log, and the tests run like that.
package sim
