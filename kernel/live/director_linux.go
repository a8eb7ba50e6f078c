package live

import (
	"golang.org/x/sys/unix"

	"ringside/kernel/program"
	"ringside/sim"
)

// The calls that direct a run: they make no system call and leave no line.

// awaited is what a thread waits for in a call of the director.
type awaited struct {
	by      *thread
	threads []*thread
	met     func(*thread) bool
}

// direct carries out a call of the director.
func (t *thread) direct(e *program.Effect) {
	var named []*thread
	for _, i := range e.Args[:e.N] {
		named = append(named, t.r.threads[i])
	}
	w := awaited{by: t, threads: named}
	switch t.prog.Calls[e.Site].Spec.Name {
	case "spawn":
		for _, o := range named {
			o.start()
		}
		return
	case "settle":
		w.threads, w.met = t.r.threads, (*thread).settled
	case "wait_blocked":
		w.met = func(o *thread) bool { return o.started.Load() && o.settled() }
	case "join":
		w.met = func(o *thread) bool { return o.gone.Load() }
	}
	t.note(activity{nr: noSleep, till: sim.Never, awaits: &w})
	for seen := (looks{}); !seen.agree(t.r) && !t.over() && !t.signalled.Load(); {
		pause()
		seen.n++
		if !w.fulfilled() {
			seen = looks{}
		}
	}
	t.leave()
}

// fulfilled tells whether what a thread waits for is so.
func (w *awaited) fulfilled() bool {
	for _, o := range w.threads {
		if o != w.by && !w.met(o) {
			return false
		}
	}
	return true
}

// settled tells whether a thread has not begun, has ended, or sleeps in a call.
// Who only waits for others does not hold them up.
func (t *thread) settled() bool {
	if !t.started.Load() || t.gone.Load() {
		return true
	}
	a := t.activity()
	return a.awaits != nil || !a.due && t.sleeps(a)
}

// pause lies between two looks at a thread. The Go runtime's timers may be a
// millisecond late.
func pause() { _ = unix.Nanosleep(&unix.Timespec{Nsec: 50_000}, nil) }
