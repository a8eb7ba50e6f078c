package live

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/kernel/strace"
	"ringside/sim"
)

// thread is one thread of the scenario.
type thread struct {
	r         *runner
	index     int
	name      string
	proc      *process
	prog      *program.Program
	mem       program.Memory
	begin     chan struct{}
	once      sync.Once
	started   atomic.Bool
	tid       atomic.Int32
	gone      atomic.Bool
	since     atomic.Int64 // processor time at its last call, ns
	signalled atomic.Bool  // pending is not empty

	mu      sync.Mutex
	doing   activity
	pending []int     // signals that have been sent and not been written down
	cond    sync.Cond // of mu: doing.due, pending or the end may have come

	calls    atomic.Int32 // that it has made
	computed int64        // what compute has cost for real since the last call, ns
	switches switches
}

// activity is what a thread does, for those who watch it.
type activity struct {
	call      string   // as strace prints it while it sleeps; "" in user space
	nr        int      // the system call that the thread may sleep in, or noSleep
	computing bool     // in compute
	awaits    *awaited // in a call of the director
	mask      int64    // the signals that the call blocks
	till      sim.Time // when it ends at the latest, by the scenario's clock
	due       bool     // that time has come
	wchan     string   // the kernel function that it has slept in
}

// errOver ends a thread whose run is over.
var errOver = errors.New("the run is over")

func (r *runner) addThread(i int) error {
	tc := &r.cfg.Threads[i]
	p, ok := r.procs[tc.Process]
	if !ok {
		var err error
		if p, err = newProcess(kernel.FirstPID+i, len(r.cfg.Shared)); err != nil {
			return err
		}
		r.procs[tc.Process] = p
	}
	p.live.Add(1)
	t := &thread{r: r, index: i, name: kernel.Printable(tc.Name), proc: p, prog: tc.Program, begin: make(chan struct{})}
	t.cond.L = &t.mu
	r.threads = append(r.threads, t)
	r.wg.Add(1)
	ready := make(chan struct{})
	go onOwnThread(func() {
		defer closeOnPanic()
		t.run(ready)
	})
	<-ready
	return nil
}

func (t *thread) start() {
	t.once.Do(func() {
		t.started.Store(true)
		close(t.begin)
	})
}

// onOwnThread runs f on an operating system thread that ends with it: nothing
// unlocks it. The first thread of a process cannot end, and its name is the
// process's: if that is the one we are on, it is held while f runs elsewhere.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		onOwnThread(f)
	}()
	<-done
	runtime.UnlockOSThread()
}

// run is the thread.
func (t *thread) run(ready chan<- struct{}) {
	defer t.r.wg.Done()
	t.tid.Store(int32(unix.Gettid()))
	t.setName()
	holdPipeSignal()
	t.leave() // the Go runtime may have used the thread before
	close(ready)
	<-t.begin
	before := ownSwitches()
	code, err := t.execute()
	t.switches = ownSwitches().minus(before).minus(t.switches)
	switch {
	case err == nil:
		t.r.record(t, strace.Exited(code))
	case errors.Is(err, errKilled):
		t.r.record(t, strace.Killed(int(t.proc.killed.Load())))
	case !errors.Is(err, errOver):
		t.r.fail(fmt.Errorf("%s: %w", t.name, err))
	}
	if t.proc.live.Add(-1) == 0 && !t.r.ended.Load() {
		t.proc.close()
	}
	t.mu.Lock()
	t.gone.Store(true)
	t.mu.Unlock()
}

// setName shows the thread under its scenario's name (prctl(2), PR_SET_NAME).
func (t *thread) setName() {
	var b [16]byte
	copy(b[:15], t.name)
	_, _, _ = unix.Syscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0)
}

// execute runs the program until it ends, and gives its exit code.
func (t *thread) execute() (int, error) {
	frames := []program.Frame{t.prog.Start(&t.mem)}
	for !t.over() {
		if t.signalled.Load() {
			if fatal := t.deliver(0); fatal != 0 {
				return 0, t.die(fatal)
			}
		}
		f := &frames[len(frames)-1]
		switch e := t.exec(f); e.Kind {
		case program.EffCall:
			fn := t.prog.Calls[e.Site].Func
			frames = append(frames, t.prog.Enter(&t.mem, fn, e.Args[:t.prog.Funcs[fn].Params]))
		case program.EffReturn:
			results := t.prog.Leave(&t.mem, f)
			frames = frames[:len(frames)-1]
			t.complete(&frames[len(frames)-1], results)
		case program.EffSyscall, program.EffLibrary:
			if t.prog.Calls[e.Site].Spec.Name == "exit" {
				return int(e.Args[0] & 0xff), nil
			}
			results, err := t.perform(&e)
			if err != nil {
				return 0, err
			}
			t.complete(f, results)
		case program.EffDirector:
			t.direct(&e)
		case program.EffExit:
			return 0, nil
		case program.EffFault, program.EffDivide:
			return 0, errors.New(t.mem.Fault)
		}
	}
	if t.proc.killed.Load() != 0 {
		return 0, errKilled
	}
	return 0, errOver
}

// exec does one operation. The threads of a process take turns: they share
// variables.
func (t *thread) exec(f *program.Frame) program.Effect {
	t.proc.memory.Lock()
	defer t.proc.memory.Unlock()
	return t.prog.Exec(&t.mem, f, t.proc.shared)
}

// complete stores the results of a call.
func (t *thread) complete(f *program.Frame, results []int64) {
	t.proc.memory.Lock()
	defer t.proc.memory.Unlock()
	t.prog.Complete(&t.mem, f, t.proc.shared, results...)
}

// perform makes one call and records it.
func (t *thread) perform(e *program.Effect) ([]int64, error) {
	spec := t.prog.Calls[e.Site].Spec
	if spec.Name == "compute" {
		t.compute(sim.Time(e.Args[0]))
		return nil, nil
	}
	c := &strace.Call{ABI: t.r.cfg.ABI, Spec: spec, Args: e.Args[:], N: e.N, Prog: t.prog, Mem: &t.mem, Sets: t.sets(spec, e.Args[:])}
	t.enter(c)
	call := int(t.calls.Add(1))
	t.r.tracer.mark(t.index, call, false)
	ret, errno, err := t.syscall(c)
	t.r.tracer.mark(t.index, call, true)
	if t.r.ended.Load() {
		return nil, errOver
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, t.inCall())
	}
	c.Ret = ret
	if errno != 0 {
		c.Ret, c.Errno = -1, int(errno)
		c.Rets = [2]int64{-1, -1}
		t.mem.Errno = int64(errno)
	}
	if err := t.finished(c); err != nil {
		return nil, err
	}
	t.leave()
	if spec.Results == 2 {
		return c.Rets[:], nil
	}
	return []int64{c.Ret}, nil
}

// finished writes down a call that has returned. What has interrupted it comes
// first: the handler runs before the program has the result. Signals that only
// cut it short come after, as do those that it has raised or kept waiting.
func (t *thread) finished(c *strace.Call) error {
	if c.Errno == int(unix.EINTR) {
		if fatal := t.deliver(mask(c)); fatal != 0 {
			return t.die(fatal)
		}
		if t.proc.killed.Load() != 0 {
			return errKilled
		}
	}
	t.r.recordCall(t, strace.Format(*c), t.activity().wchan, int(t.calls.Load()))
	if c.Errno == int(unix.EPIPE) && pipeSignal() {
		t.mu.Lock()
		t.pending = append(t.pending, sigPipe)
		t.mu.Unlock()
	}
	if fatal := t.deliver(0); fatal != 0 {
		return t.die(fatal)
	}
	return nil
}

// enter notes the call that begins.
func (t *thread) enter(c *strace.Call) {
	asleep := *c
	asleep.Unfinished = true
	now := t.r.clock()
	till := t.deadline(c, now)
	t.note(activity{call: strace.Format(asleep), nr: sleepsIn(c), till: till, due: till <= now, mask: mask(c)})
}

// leave notes that the call is over.
func (t *thread) leave() { t.note(activity{nr: noSleep, till: sim.Never}) }

// note tells those who watch what the thread does. Its last system call also
// takes the kicks for what it did before: see kick.
func (t *thread) note(a activity) {
	t.since.Store(int64(processorTime(0))) // first: what came before is not computing
	t.mu.Lock()
	t.doing = a
	t.r.moves.Add(1)
	t.mu.Unlock()
	t.computed = 0
}

func (t *thread) activity() activity {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doing
}

// inCall gives the call that the thread is in, or "".
func (t *thread) inCall() string {
	if t.gone.Load() {
		return ""
	}
	return t.activity().call
}
