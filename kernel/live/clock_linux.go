package live

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/kernel/strace"
	"ringside/sim"
)

// The scenario's clock. It stands while any thread can go on, and then goes to
// whatever comes first: an event, the end of a timed sleep, of a computation or
// of a timeout, or a timer. A call with a timeout is made without one; when its
// time has come it is interrupted and made again with none left, so that it is
// the kernel that says what there is at that time.

// longestCompute bounds what computing costs for real: its length has a meaning
// on the model only.
const longestCompute = 2 * time.Millisecond

// longestWait bounds what waiting for TCP's own timers costs for real: the delay
// of an acknowledgement is 40 ms to 200 ms (TCP_DELACK_MIN, TCP_DELACK_MAX).
const longestWait = 250 * time.Millisecond

// clock is the scenario's time.
func (r *runner) clock() sim.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// later adds a duration to a time, and stops at the end of time.
func later(at, d sim.Time) sim.Time {
	if d > sim.Never-at {
		return sim.Never
	}
	return at + max(d, 0)
}

// deadline is when a call ends at the latest.
func (t *thread) deadline(c *strace.Call, now sim.Time) sim.Time {
	switch c.Spec.Name {
	case "read", "recv", "recvfrom", "accept", "accept4":
		if d := t.proc.patience(c.Args[0]); d > 0 {
			return later(now, d)
		}
		return sim.Never
	}
	for i, p := range c.Spec.Params {
		v := c.Args[i]
		switch {
		case p.Kind == program.Timeout && v != program.NoTimeout, c.Spec.Name == "nanosleep":
			return later(now, sim.Time(v))
		case p.Kind == program.Int && p.Name == "timeout" && int32(v) >= 0:
			return later(now, sim.Time(int32(v))*sim.Millisecond)
		}
	}
	return sim.Never
}

// next finds what comes first before a time: when, and how to let it go on. One
// thing at a time, in a fixed order; at is until if there is none.
func (r *runner) next(until sim.Time) (at sim.Time, release func()) {
	at = until
	for i := range r.threads { // the processes, in the order of their first threads
		p := r.threads[i].proc
		if p.pid != kernel.FirstPID+i {
			continue
		}
		if t := p.nextTimer(); t != nil && t.next < at {
			at, release = t.next, func() { p.expire(t) }
		}
	}
	if c := r.net.nextAnswer(); c != nil && c.ready < at {
		at, release = c.ready, func() { r.answer(c) }
	}
	for _, t := range r.threads {
		if a := t.activity(); !a.due && a.till < at && t.started.Load() && !t.gone.Load() {
			at, release = a.till, t.release
		}
	}
	return at, release
}

// advance takes the clock to what comes first before a time. False if nothing
// does.
func (r *runner) advance(ctx context.Context, until sim.Time) (bool, error) {
	at, release := r.next(until)
	for at > r.clock() && r.settle() {
		if err := r.quiet(ctx); err != nil {
			return false, err
		}
		at, release = r.next(until)
	}
	if at == until {
		return false, nil
	}
	r.setClock(at)
	release()
	return true, nil
}

// settle waits until all that TCP has sent is acknowledged, and tells whether it
// had to. What a full peer does not take is not waited for again until it
// changes.
func (r *runner) settle() (waited bool) {
	for end := time.Now().Add(longestWait); ; pause() {
		n := r.underWay()
		if n == 0 || n == r.stuck {
			r.stuck = n
			return waited
		}
		if waited = true; time.Now().After(end) {
			r.stuck = n
			return true
		}
	}
}

func (r *runner) setClock(at sim.Time) {
	r.mu.Lock()
	r.now = max(r.now, at)
	r.mu.Unlock()
}

// release tells a thread that the time of its call or computation has come.
func (t *thread) release() {
	t.mu.Lock()
	t.doing.due = true
	t.cond.Broadcast()
	t.mu.Unlock()
}

// rouse interrupts a call whose time has come. Nobody else's: a call that was
// begun since must not be.
func (t *thread) rouse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.doing.due && t.doing.call != "" && !t.gone.Load() {
		_ = unix.Tgkill(unix.Getpid(), int(t.tid.Load()), unix.Signal(kickSignal))
	}
}

// timed makes a call that may sleep until its deadline. try is told how long:
// for ever or not at all.
func (t *thread) timed(try func(limit *unix.Timespec) (int64, unix.Errno)) (int64, unix.Errno) {
	for {
		var limit *unix.Timespec
		if t.activity().due {
			limit = &unix.Timespec{}
		}
		n, errno := try(limit)
		if errno != unix.EINTR || t.interrupted() {
			return n, errno
		}
	}
}

// nanosleep has no way to sleep for ever, but one that comes close.
func (t *thread) nanosleep(ns int64) (int64, unix.Errno) {
	return t.timed(func(limit *unix.Timespec) (int64, unix.Errno) {
		req := unix.Timespec{Sec: 1 << 30}
		switch {
		case ns < 0:
			req = unix.Timespec{Sec: -1}
		case limit != nil:
			req = *limit
		}
		return 0, errnoOf(unix.Nanosleep(&req, nil))
	})
}

// compute burns processor time, in ring 3: between two calls as much as the
// scenario says, up to a limit. Then it waits until its time has come; what that
// waiting costs in switches is not the program's.
func (t *thread) compute(d sim.Time) {
	till := later(t.r.clock(), d)
	t.mu.Lock()
	t.doing.computing, t.doing.till, t.doing.due = true, till, false
	t.r.moves.Add(1)
	t.mu.Unlock()
	burn := min(time.Duration(d), longestCompute-time.Duration(t.computed))
	for begin := time.Now(); time.Since(begin) < burn && !t.over(); {
	}
	t.computed += max(int64(burn), 0)
	before := ownSwitches()
	t.mu.Lock()
	for !t.doing.due && !t.over() && !t.fatal() {
		t.cond.Wait()
	}
	t.doing.computing, t.doing.till, t.doing.due = false, sim.Never, false
	t.r.moves.Add(1)
	t.mu.Unlock()
	t.switches = t.switches.plus(ownSwitches().minus(before))
	t.since.Store(int64(processorTime(0)))
}
