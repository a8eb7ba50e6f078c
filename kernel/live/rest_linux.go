package live

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ringside/kernel/strace"
)

// Seeing from outside what a thread does.

// quiet is how much processor time a thread must have used since its last call
// to count as computing for ever.
const quiet = 20 * time.Millisecond

// noSleep is the number of no system call.
const noSleep = -1

// sleepsIn is the number of the system call that a call of the table sleeps in,
// if it can. While the thread has it, it sleeps in the scenario's call and not
// in one of the Go runtime's own, such as the futex in which a thread waits for
// its turn after a call.
func sleepsIn(c *strace.Call) int {
	name := c.Spec.Name
	if name == "syscall" {
		if spec := c.ABI.SpecOf(c.Args[0]); spec != nil {
			name = spec.Name
		}
	}
	switch name {
	case "read", "eventfd_read":
		return unix.SYS_READ
	case "write", "eventfd_write":
		return unix.SYS_WRITE
	case "recv", "recvfrom":
		return unix.SYS_RECVFROM
	case "send", "sendto":
		return unix.SYS_SENDTO
	case "accept", "accept4":
		return unix.SYS_ACCEPT4
	case "connect":
		return unix.SYS_CONNECT
	case "epoll_wait", "epoll_pwait", "epoll_pwait2":
		return unix.SYS_EPOLL_PWAIT
	case "poll", "ppoll":
		return unix.SYS_PPOLL
	case "select":
		return unix.SYS_PSELECT6
	case "nanosleep":
		return unix.SYS_NANOSLEEP
	}
	return noSleep
}

// looks counts the looks at the threads that have found the same. Two in a row
// must, and no thread may have begun anything else between them: while one
// thread is looked at, another may wake the one that was looked at before.
type looks struct {
	n     int
	moves int64
}

// agree begins a look, or ends the last one.
func (l *looks) agree(r *runner) bool {
	moves := r.moves.Load()
	if l.n == 0 || moves != l.moves {
		*l = looks{moves: moves}
	}
	return l.n == 2
}

// busy says why the thread is not at rest, or "".
func (t *thread) busy() string {
	if !t.started.Load() || t.gone.Load() {
		return ""
	}
	tid, a := t.tid.Load(), t.activity()
	switch {
	case a.awaits != nil && !a.awaits.fulfilled():
		return "" // the others are waited for
	case a.call == "" && a.computing && !a.due:
		return ""
	case a.call == "" && a.awaits == nil && processorTime(tid)-time.Duration(t.since.Load()) > quiet:
		return "" // it computes for ever
	case a.call == "":
		return t.name + " runs"
	case t.sleeps(a):
		if !a.due {
			return ""
		}
		t.rouse()
	}
	return t.name + " is in " + a.call
}

// sleeps tells whether the thread sleeps in its call. If it does although a
// signal has come, the call was begun again after the handler: the signal is
// written down now, before whatever the call will return.
func (t *thread) sleeps(a activity) bool {
	tid := t.tid.Load()
	if !t.signalled.Load() {
		return asleep(tid, a.nr)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !asleep(tid, a.nr) {
		return false
	}
	if !t.fatal() {
		t.write(t.doing.mask)
	}
	return true
}

// seeWchan notes where in the kernel the thread sleeps (proc(5), wchan).
func (t *thread) seeWchan() {
	a := t.activity()
	if a.call == "" || a.wchan != "" || !t.started.Load() || t.gone.Load() {
		return
	}
	in := readTask(t.tid.Load(), "wchan")
	if in == "0" {
		return // it runs again, or the kernel does not tell
	}
	t.mu.Lock()
	if t.doing.call == a.call && t.doing.till == a.till {
		t.doing.wchan = in
	}
	t.mu.Unlock()
}

// stateOf is the letter of a thread's state (proc(5), stat), or "".
func stateOf(tid int32) string {
	stat := readTask(tid, "stat")
	if i := strings.LastIndexByte(stat, ')'); i >= 0 && len(stat) > i+2 {
		return stat[i+2 : i+3]
	}
	return ""
}

// asleep tells whether a thread sleeps in a system call (proc(5): the state in
// stat, and the number in syscall, where a running thread has "running").
func asleep(tid int32, nr int) bool {
	if stateOf(tid) != "S" {
		return false
	}
	in, _, _ := strings.Cut(readTask(tid, "syscall"), " ")
	n, err := strconv.Atoi(in)
	return err == nil && n == nr && nr != noSleep
}

// canObserve tells whether /proc shows what a run needs; some sandboxes do not.
func canObserve() error {
	for _, file := range []string{"stat", "syscall", "net/udp"} {
		if _, err := os.ReadFile("/proc/thread-self/" + file); err != nil {
			return fmt.Errorf("the live lane cannot see what its threads do: %w", err)
		}
	}
	return nil
}

// readTask reads a file of a thread in /proc; "" if there is none.
func readTask(tid int32, file string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/%s", tid, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// processorTime is what a thread of this process has used; 0 is the calling one.
// The clock's number is made as the C library makes it
// (include/linux/posix-timers_types.h: MAKE_THREAD_CPUCLOCK, CPUCLOCK_SCHED).
func processorTime(tid int32) time.Duration {
	clock := int32(unix.CLOCK_THREAD_CPUTIME_ID)
	if tid != 0 {
		clock = ^tid<<3 | 4 | 2
	}
	var ts unix.Timespec
	if unix.ClockGettime(clock, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// switches are context switches of a thread (getrusage(2)).
type switches struct{ voluntary, involuntary int64 }

func (s switches) minus(o switches) switches {
	return switches{s.voluntary - o.voluntary, s.involuntary - o.involuntary}
}

func (s switches) plus(o switches) switches {
	return switches{s.voluntary + o.voluntary, s.involuntary + o.involuntary}
}

// ownSwitches are those of the calling thread.
func ownSwitches() switches {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &ru) != nil {
		return switches{}
	}
	return switches{int64(ru.Nvcsw), int64(ru.Nivcsw)} // they are narrower on 32-bit machines
}
