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
	r       *runner
	index   int
	name    string
	proc    *process
	prog    *program.Program
	mem     program.Memory
	begin   chan struct{}
	once    sync.Once
	started atomic.Bool
	tid     atomic.Int32
	gone    atomic.Bool
	since   atomic.Int64 // processor time at its last call, ns

	mu    sync.Mutex
	doing activity

	clock    sim.Time // its own idea of the scenario's time
	computed int64    // what compute has cost for real since the last call, ns
	switches switches
}

// activity is what a thread does, for those who watch it.
type activity struct {
	call      string   // as strace prints it while it sleeps; "" in user space
	nr        int      // the system call that the thread may sleep in, or noSleep
	computing bool     // in compute
	till      sim.Time // when it ends at the latest, by the scenario's clock
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
	t := &thread{r: r, index: i, name: kernel.Printable(tc.Name), proc: p, prog: tc.Program, begin: make(chan struct{}), clock: tc.Start}
	r.threads = append(r.threads, t)
	r.wg.Add(1)
	go onOwnThread(t.run)
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
func (t *thread) run() {
	defer t.r.wg.Done()
	<-t.begin
	t.setName()
	t.leave() // the Go runtime may have used the thread before
	t.tid.Store(int32(unix.Gettid()))
	before := ownSwitches()
	code, err := t.execute()
	t.switches = ownSwitches().minus(before).minus(t.switches)
	switch {
	case err == nil:
		if t.proc.live.Add(-1) == 0 && !t.r.ended.Load() {
			t.proc.close()
		}
		t.r.record(t.index, strace.Exited(code))
	case !errors.Is(err, errOver):
		t.r.fail(fmt.Errorf("%s: %w", t.name, err))
	}
	t.gone.Store(true)
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
	for !t.r.ended.Load() {
		f := &frames[len(frames)-1]
		switch e := t.prog.Exec(&t.mem, f, t.proc.shared); e.Kind {
		case program.EffCall:
			fn := t.prog.Calls[e.Site].Func
			frames = append(frames, t.prog.Enter(&t.mem, fn, e.Args[:t.prog.Funcs[fn].Params]))
		case program.EffReturn:
			results := t.prog.Leave(&t.mem, f)
			frames = frames[:len(frames)-1]
			t.prog.Complete(&t.mem, &frames[len(frames)-1], t.proc.shared, results...)
		case program.EffSyscall, program.EffLibrary:
			spec := t.prog.Calls[e.Site].Spec
			if spec.Name == "exit" {
				return int(e.Args[0] & 0xff), nil
			}
			ret, err := t.perform(spec, e.Args)
			if err != nil {
				return 0, err
			}
			t.prog.Complete(&t.mem, f, t.proc.shared, ret)
		case program.EffExit:
			return 0, nil
		case program.EffFault:
			return 0, errors.New(t.mem.Fault)
		}
	}
	return 0, errOver
}

// perform makes one call and records it.
func (t *thread) perform(spec *program.Spec, args [8]int64) (int64, error) {
	switch spec.Name {
	case "compute":
		return 0, t.compute(sim.Time(args[0]))
	case "print":
		args[1] = int64(len(t.prog.String(args[0])))
	}
	c := &strace.Call{Spec: spec, Args: args[:], Prog: t.prog, Mem: &t.mem}
	t.enter(c)
	ret, errno, err := t.syscall(c)
	if t.r.ended.Load() {
		return 0, errOver
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, t.inCall())
	}
	c.Ret = ret
	if errno != 0 {
		c.Ret, c.Errno = -1, int(errno)
		t.mem.Errno = int64(errno)
	}
	t.r.record(t.index, strace.Format(*c))
	t.leave()
	return c.Ret, nil
}

// enter notes the call that begins.
func (t *thread) enter(c *strace.Call) {
	asleep := *c
	asleep.Unfinished = true
	t.catchUp()
	t.note(activity{call: strace.Format(asleep), nr: sleepsIn(c.Spec.Name), till: t.deadline(c)})
}

// leave notes that the call is over.
func (t *thread) leave() {
	t.catchUp()
	t.note(activity{nr: noSleep, till: sim.Never})
}

func (t *thread) note(a activity) {
	t.mu.Lock()
	t.doing = a
	t.mu.Unlock()
	t.computed = 0
	t.since.Store(int64(processorTime(0)))
}

// catchUp takes the thread's clock to the last event: the thread may have been
// asleep until then.
func (t *thread) catchUp() {
	t.r.mu.Lock()
	t.clock = max(t.clock, t.r.now)
	t.r.mu.Unlock()
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
