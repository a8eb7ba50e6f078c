// Package live runs thread programs on the real kernel: the same system calls
// that the modelled kernel answers, made for real.
//
// Each thread is an operating system thread of its own. Descriptors, ports and
// addresses are the scenario's on the outside and real ones inside: a program
// never touches a descriptor of this process that it did not open, and packets
// travel over loopback only, sent by sockets that play the remote hosts.
//
// Order is reproduced, not time. Before a packet is sent or a thread is started,
// every thread has come to rest:
//
//   - it has ended, or sleeps in a system call (proc(5): stat and syscall);
//   - or it is in a timed sleep or a computation that, by the scenario's clock,
//     ends after that event. Such a thread does not go on before the event has
//     happened, however long that takes for real;
//   - or it computes for ever: it has used processor time for a while and has
//     made no call.
//
// The scenario's clock of a thread is that of the last event, plus what it has
// slept and computed since. What calls cost, and how long a thread waits for its
// turn on a core, only the model knows: events that are a few microseconds from
// a thread's own doing may fall on its other side here.
package live

import (
	"errors"
	"fmt"
	"time"

	"ringside/sim"
)

// ErrUnsupported is what Run returns where there is no Linux.
var ErrUnsupported = errors.New("the live lane needs Linux: it makes Linux's system calls")

// Options of a run.
type Options struct {
	Watchdog time.Duration // ends a run whose threads do not come to rest within it; 0: 10 s
}

// Line is a finished call, or one that sleeps, as strace prints it.
type Line struct {
	Thread int // index into the configuration's threads
	Text   string
	Asleep bool
	At     sim.Time // when it returned, for real, since the run began
}

// Result is what was seen of a run.
type Result struct {
	Lines      []Line // in the order of return
	Unfinished []Line // calls that still slept at the end, in thread order
	Threads    []Thread
	Interest   []string // the interest list of each epoll instance at the end (/proc/self/fdinfo), in the scenario's numbers
}

// Thread is what was seen of one thread.
type Thread struct {
	Name        string
	Wchan       string // the kernel function it slept in at the end, or ""
	Voluntary   int64  // context switches (getrusage(2), RUSAGE_THREAD)
	Involuntary int64
}

// Notes are the observations beyond the calls, for people.
func (r *Result) Notes() []string {
	var out []string
	for _, t := range r.Threads {
		s := fmt.Sprintf("%s: %d switches by itself, %d by force", t.Name, t.Voluntary, t.Involuntary)
		if t.Wchan != "" && t.Wchan != "0" {
			s += ", slept in " + t.Wchan
		}
		out = append(out, s)
	}
	out = append(out, r.Interest...)
	return append(out,
		"loopback: no card and no hard interrupt here,",
		"the sender raises the softirq itself")
}
