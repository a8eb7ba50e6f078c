// Package live runs thread programs on the real kernel: the same system calls
// that the modelled kernel answers, made for real.
//
// Each thread is an operating system thread of its own. Descriptors, ports and
// addresses are the scenario's on the outside and real ones inside: a program
// never touches a descriptor of this process that it did not open, and packets
// travel over loopback only, sent by sockets that play the remote hosts.
//
// Order is reproduced, not time. Whatever the scenario's clock brings happens
// when every thread has come to rest: a packet, the start of a thread, the end of
// a sleep, of a timeout or of a computation, a timer. At rest means:
//
//   - it has ended, or sleeps in a system call (proc(5): stat and syscall);
//   - or it has computed, and its time has not come;
//   - or it waits, in a call of the director, for others to rest or to end;
//   - or it computes for ever: it has used processor time for a while and has
//     made no call.
//
// What calls cost, and how long a thread waits for its turn on a core, only the
// model knows: events that are a few microseconds from a thread's own doing may
// fall on its other side here.
package live

import (
	"errors"
	"time"

	"ringside/sim"
)

// ErrUnsupported is what Run returns where there is no Linux.
var ErrUnsupported = errors.New("the live lane needs Linux: it makes Linux's system calls")

// Options of a run.
type Options struct {
	Watchdog time.Duration // ends a run whose threads do not come to rest within it; 0: 10 s
	Trace    bool          // read the kernel's tracepoints of the run, if that is allowed
}

// Line is a finished call, or one that sleeps, as strace prints it.
type Line struct {
	Thread int // index into the configuration's threads
	Text   string
	Asleep bool
	At     sim.Time // by the scenario's clock
	Wchan  string   // the kernel function it slept in, or "" if it has not slept
	call   int      // its number among its thread's traced calls, from 1; 0 for what is no call
}

// Result is what was seen of a run.
type Result struct {
	Lines      []Line // in the order of return
	Unfinished []Line // calls that still slept at the end, in thread order
	Threads    []Thread
	Trace      []TracePoint // what the kernel's tracepoints said, markers included
	Lost       int          // how many more there were than the buffer has room for
	NoTrace    error        // why there are none although they were asked for
	Interest   []string     // the interest list of each epoll instance at the end (/proc/self/fdinfo), in the scenario's numbers
}

// TraceOf gives the tracepoints between the beginning and the end of a call: its
// thread's, and those of the interrupts and of the sender meanwhile.
func (r *Result) TraceOf(l Line) []TracePoint {
	if l.call == 0 {
		return nil
	}
	return during(r.Trace, l.Thread, l.call)
}

// Thread is what was seen of one thread.
type Thread struct {
	Name        string
	TID         int    // the real number
	State       string // at the end, as proc(5) has it: S for one that sleeps; "computes"; "" when it has ended
	Wchan       string // the kernel function it slept in at the end, or ""
	Voluntary   int64  // context switches (getrusage(2), RUSAGE_THREAD)
	Involuntary int64
}
