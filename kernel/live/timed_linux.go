package live

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringside/kernel/strace"
	"ringside/sim"
)

// What takes time: compute, nanosleep and epoll_wait with a timeout. None of
// them ends before all events have happened that the scenario puts before its
// end; a sleep that for real is over too early is made again.

const (
	// longestCompute and longestSleep bound what computing and sleeping cost for
	// real: their length has a meaning on the model only.
	longestCompute = 2 * time.Millisecond
	longestSleep   = 100 * time.Millisecond
	// again is how long a sleep is that is made again.
	again = time.Millisecond
)

// later adds a duration to a time, and stops at the end of time.
func later(at, d sim.Time) sim.Time {
	if d > sim.Never-at {
		return sim.Never
	}
	return at + max(d, 0)
}

// deadline is when a call ends at the latest, by the scenario's clock.
func (t *thread) deadline(c *strace.Call) sim.Time {
	switch c.Spec.Name {
	case "nanosleep":
		return later(t.clock, sim.Time(c.Args[0]))
	case "epoll_wait":
		if ms := int32(c.Args[3]); ms >= 0 {
			return later(t.clock, sim.Time(ms)*sim.Millisecond)
		}
	}
	return sim.Never
}

// due tells whether the scenario's clock may pass a time.
func (t *thread) due(at sim.Time) bool {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	return at < t.r.horizon
}

// compute burns processor time, in ring 3: between two calls as much as the
// scenario says, up to a limit. Then it waits until its time has come; what that
// waiting costs in switches is not the program's.
func (t *thread) compute(d sim.Time) error {
	t.catchUp()
	till := later(t.clock, d)
	t.mu.Lock()
	t.doing.computing, t.doing.till = true, till
	t.mu.Unlock()
	burn := min(time.Duration(d), longestCompute-time.Duration(t.computed))
	for begin := time.Now(); time.Since(begin) < burn && !t.r.ended.Load(); {
	}
	t.computed += max(int64(burn), 0)
	if !t.due(till) {
		before := ownSwitches()
		t.r.mu.Lock()
		for till >= t.r.horizon && !t.r.ended.Load() {
			t.r.moved.Wait()
		}
		t.r.mu.Unlock()
		t.switches = t.switches.plus(ownSwitches().minus(before))
		t.since.Store(int64(processorTime(0)))
	}
	t.clock = till
	t.mu.Lock()
	t.doing.computing, t.doing.till = false, sim.Never
	t.mu.Unlock()
	return nil
}

// nanosleep goes on with what is left when a signal of the Go runtime
// interrupts it.
func (t *thread) nanosleep(ns int64) unix.Errno {
	till := t.activity().till
	left := unix.NsecToTimespec(min(ns, int64(longestSleep)))
	for {
		req := left
		errno := errnoOf(unix.Nanosleep(&req, &left))
		switch {
		case t.r.ended.Load():
			return unix.EINTR
		case errno == unix.EINTR:
		case errno != 0:
			return errno
		case t.due(till):
			t.clock = max(t.clock, till)
			return 0
		default:
			left = unix.NsecToTimespec(int64(again))
		}
	}
}

// epollWait goes on with what is left of the time when it is interrupted. That it
// found nothing counts only if the call began when all earlier events had
// happened.
func (t *thread) epollWait(a []int64) (int64, unix.Errno) {
	till, ms := t.activity().till, int(int32(a[3]))
	if ms > 0 {
		ms = min(ms, int(longestSleep.Milliseconds()))
	}
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for {
		last := t.due(till)
		n, errno := t.epollPwait(a, ms)
		switch {
		case t.r.ended.Load():
			return -1, unix.EINTR
		case errno == unix.EINTR:
			if ms > 0 {
				ms = int(max(0, time.Until(end).Milliseconds()))
			}
		case errno != 0 || n > 0 || int32(a[3]) == 0:
			return n, errno
		case last:
			t.clock = max(t.clock, till)
			return 0, 0
		default:
			ms = int(again.Milliseconds())
		}
	}
}

// epollPwait is epoll_pwait without a mask, which every architecture has. It
// passes maxevents through as the program gave it.
func (t *thread) epollPwait(a []int64, ms int) (int64, unix.Errno) {
	most := int(int32(a[2]))
	events := make([]unix.EpollEvent, max(most, 1))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(t.proc.real(a[0])), uintptr(unsafe.Pointer(&events[0])), uintptr(most), uintptr(ms), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	out, _ := t.mem.Writable(a[1], 12*int64(n))
	for i := 0; i < len(out); i += 12 {
		ev := &events[i/12]
		binary.LittleEndian.PutUint32(out[i:], ev.Events)
		binary.LittleEndian.PutUint32(out[i+4:], uint32(ev.Fd))
		binary.LittleEndian.PutUint32(out[i+8:], uint32(ev.Pad))
	}
	return int64(n), 0
}
