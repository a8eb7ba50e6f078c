package live

import (
	"errors"
	"os"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/strace"
)

// Signals. A scenario's signal really reaches its thread and really interrupts
// or restarts what the thread sleeps in, but under another number: SIGINT or
// SIGTERM would be taken for the user's by others in this process. Each of the
// first 15 signals has two carriers among the realtime signals, one with
// SA_RESTART and one without. The Go runtime has a handler for all of them that
// does nothing (runtime/signal_unix.go: initsig); with SA_RESTART, which is
// taken out of the others while a run lasts.
//
// What a signal does to a process that has no handler is not done for real: the
// scenario's process is taken down by its own threads.

const (
	lastSignal    = 15
	maxSignal     = 64
	plainCarrier  = 34               // and the signal: interrupts
	restarter     = 49               // and the signal: restarts
	kickSignal    = plainCarrier + 9 // nobody handles SIGKILL: interrupts a sleep for reasons of the runner
	sigKill       = 9
	sigPipe       = 13
	saRestart     = 0x10000000
	sigsetBytes   = 8
	sigDfl        = 0
	sigIgn        = 1
	blockSignals  = 0 // SIG_BLOCK of Linux on all machines that Go knows but MIPS
	sigPipeBitSet = 1 << (sigPipe - 1)
)

// carriers counts the runs that need the carriers.
var carriers struct {
	sync.Mutex
	runs int
}

// kernelAction is struct kernel_sigaction as far as it is the same everywhere.
type kernelAction struct {
	handler, flags uintptr
	rest           [4]uint64
}

// needCarriers prepares the carriers; the last run to call done puts everything
// back.
func needCarriers() (done func(), err error) {
	carriers.Lock()
	defer carriers.Unlock()
	if carriers.runs == 0 {
		if err := setRestart(false); err != nil {
			return nil, err
		}
	}
	carriers.runs++
	return func() {
		carriers.Lock()
		defer carriers.Unlock()
		if carriers.runs--; carriers.runs == 0 {
			_ = setRestart(true)
		}
	}, nil
}

// setRestart puts SA_RESTART into the plain carriers' actions or takes it out.
func setRestart(on bool) error {
	for sig := 1; sig <= lastSignal; sig++ {
		var act kernelAction
		if err := sigaction(plainCarrier+sig, nil, &act); err != nil {
			return err
		}
		if act.handler == sigDfl || act.handler == sigIgn {
			return errors.New("the live lane needs the Go runtime's signal handlers, which are not there")
		}
		act.flags &^= saRestart
		if on {
			act.flags |= saRestart
		}
		if err := sigaction(plainCarrier+sig, &act, nil); err != nil {
			return err
		}
	}
	return nil
}

func sigaction(sig int, act, old *kernelAction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), sigsetBytes, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// realMask is a program's set of signals in carriers.
func realMask(set int64) (mask uint64) {
	for sig := 1; sig <= lastSignal; sig++ {
		if sig != sigKill && set&(1<<(sig-1)) != 0 {
			mask |= 1<<(plainCarrier+sig-1) | 1<<(restarter+sig-1)
		}
	}
	return mask
}

// sigaction gives a signal an empty handler in the scenario's process.
func (t *thread) sigaction(a []int64) error {
	sig := int(int32(a[0]))
	switch {
	case sig < 1 || sig > maxSignal || sig == sigKill || sig == int(unix.SIGSTOP):
		return unix.EINVAL
	case sig > lastSignal || a[1]&^saRestart != 0:
		return errRefused
	}
	t.proc.mu.Lock()
	defer t.proc.mu.Unlock()
	t.proc.handlers[sig] = a[1]
	return nil
}

// handler gives the flags of a signal's handler; false if there is none.
func (p *process) handler(sig int) (flags int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	flags, ok = p.handlers[sig]
	return flags, ok
}

// tgkill sends a signal to a thread of the scenario.
func (t *thread) tgkill(c *strace.Call) error {
	to, sig := t.r.threads[c.Args[0]], int(int32(c.Args[1]))
	c.Target = [2]int64{int64(to.proc.pid), int64(kernel.FirstPID + to.index)}
	if sig > lastSignal && sig <= maxSignal {
		return errRefused
	}
	return to.signal(sig)
}

// signal notes a signal and wakes who can be woken by it. A signal that is
// still pending is not sent again (signal(7)).
func (t *thread) signal(sig int) error {
	flags, handled := t.proc.handler(sig)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.started.Load() || t.gone.Load():
		return unix.ESRCH
	case sig < 0 || sig > maxSignal:
		return unix.EINVAL
	case sig == 0 || blocks(t.doing.mask, sig) && slices.Contains(t.pending, sig):
		return nil
	}
	t.pending = append(t.pending, sig)
	t.signalled.Store(true)
	t.cond.Broadcast()
	carrier := unix.Signal(kickSignal)
	switch {
	case handled && flags&saRestart != 0:
		carrier = unix.Signal(restarter + sig)
	case handled:
		carrier = unix.Signal(plainCarrier + sig)
	case blocks(t.doing.mask, sig):
		return nil
	}
	return unix.Tgkill(os.Getpid(), int(t.tid.Load()), carrier)
}

// blocks tells whether a call's mask keeps a signal pending until it returns.
func blocks(mask int64, sig int) bool { return sig != sigKill && mask&(1<<(sig-1)) != 0 }

// kick interrupts a thread's sleep. Whoever was kicked has taken the signal by
// the end of the next system call that it makes after mu is free, so no call
// that begins later is interrupted.
func (t *thread) kick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cond.Broadcast()
	if tid := t.tid.Load(); tid != 0 && !t.gone.Load() {
		_ = unix.Tgkill(os.Getpid(), int(tid), unix.Signal(kickSignal))
	}
}

// interrupted tells whether a call that an interruption ended is over for the
// program. The Go runtime's signals and the runner's kicks are none of its
// business.
func (t *thread) interrupted() bool {
	if t.over() {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.pending, func(sig int) bool { return !blocks(t.doing.mask, sig) })
}

// over tells whether the thread has to end.
func (t *thread) over() bool { return t.r.ended.Load() || t.proc.killed.Load() != 0 }

// deliver takes the signals that are pending, but for those that are blocked,
// and writes them down: the lowest number first (next_signal). The first one
// without a handler is fatal.
func (t *thread) deliver(blocked int64) (fatal int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.write(blocked)
}

// write is deliver with mu held.
func (t *thread) write(blocked int64) (fatal int) {
	var now, then []int
	for _, sig := range t.pending {
		if blocks(blocked, sig) {
			then = append(then, sig)
		} else {
			now = append(now, sig)
		}
	}
	t.pending = then
	t.signalled.Store(false)
	slices.Sort(now)
	for _, sig := range now {
		if sig != sigKill {
			t.r.record(t, strace.Signal(sig))
		}
		if _, ok := t.proc.handler(sig); !ok {
			return sig
		}
	}
	return 0
}

// die takes the thread's process down. The first thread to do so sees to it
// that the others wake up.
func (t *thread) die(sig int) error {
	if !t.proc.killed.CompareAndSwap(0, int32(sig)) {
		return errKilled
	}
	for _, o := range t.r.threads {
		for o != t && o.proc == t.proc && o.started.Load() && !o.gone.Load() && !t.r.ended.Load() {
			o.kick()
			pause()
		}
	}
	return errKilled
}

// errKilled ends a thread whose process a signal has ended.
var errKilled = errors.New("killed by a signal")

// holdPipeSignal keeps the kernel's own SIGPIPE pending, so that pipeSignal can
// tell whether a write has raised it.
func holdPipeSignal() {
	set := uint64(sigPipeBitSet)
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, blockSignals, uintptr(unsafe.Pointer(&set)), 0, sigsetBytes, 0, 0)
}

// pipeSignal takes a pending SIGPIPE of this thread; false if there is none.
func pipeSignal() bool {
	set, now := uint64(sigPipeBitSet), unix.Timespec{}
	sig, _, _ := unix.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), 0, uintptr(unsafe.Pointer(&now)), sigsetBytes, 0, 0)
	return sig == sigPipe
}

// fatal tells whether a signal is pending that ends the process, for a thread in
// user space. mu is held.
func (t *thread) fatal() bool {
	return slices.ContainsFunc(t.pending, func(sig int) bool {
		_, ok := t.proc.handler(sig)
		return !ok
	})
}
