package live

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/kernel/strace"
	"ringside/sim"
)

const (
	// longestCompute bounds what a computation costs for real: its length has a
	// meaning on the model only.
	longestCompute = 2 * time.Millisecond
	// quiet is how long a thread must have made no call to count as computing
	// for ever.
	quiet = 20 * time.Millisecond
)

// thread is one thread of the scenario.
type thread struct {
	r       *runner
	index   int
	proc    *process
	prog    *program.Program
	mem     program.Memory
	begin   chan struct{}
	once    sync.Once
	started atomic.Bool
	tid     atomic.Int32
	gone    atomic.Bool
	lapses  atomic.Int64 // how many timed sleeps have lasted their time
	last    atomic.Int64 // when it last made a call or came back from one, UnixNano

	mu   sync.Mutex
	call *strace.Call // the call it is in, or nil
	till sim.Time     // when a timed call would end in the scenario's time, or Never

	voluntary, involuntary int64
}

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
	t := &thread{r: r, index: i, proc: p, prog: tc.Program, begin: make(chan struct{})}
	r.threads = append(r.threads, t)
	r.wg.Add(1)
	go t.run()
	return nil
}

func (t *thread) start() {
	t.once.Do(func() {
		t.last.Store(time.Now().UnixNano())
		t.started.Store(true)
		close(t.begin)
	})
}

// run is the thread. It never unlocks its operating system thread, which ends
// with it.
func (t *thread) run() {
	defer t.r.wg.Done()
	runtime.LockOSThread()
	<-t.begin
	t.tid.Store(int32(unix.Gettid()))
	setName(t.r.cfg.Threads[t.index].Name)
	code := t.execute()
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &ru) == nil {
		t.voluntary, t.involuntary = ru.Nvcsw, ru.Nivcsw
	}
	if code >= 0 {
		if t.proc.live.Add(-1) == 0 && !t.r.ended.Load() {
			t.proc.close()
		}
		t.r.record(t.index, strace.Exited(code&0xff))
	}
	t.gone.Store(true)
}

// setName shows the thread under its scenario's name (prctl(2), PR_SET_NAME).
func setName(name string) {
	b := make([]byte, 16)
	copy(b[:15], kernel.Printable(name))
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
}

// execute runs the program until it ends, and gives its exit code; -1 if the run
// was over first.
func (t *thread) execute() int {
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
				return int(e.Args[0])
			}
			ret, ok := t.perform(spec, e.Args)
			if !ok {
				return -1
			}
			t.prog.Complete(&t.mem, f, t.proc.shared, ret)
		case program.EffExit:
			return 0
		case program.EffFault:
			t.r.record(t.index, "the program stops: "+t.mem.Fault)
			return -1
		}
	}
	return -1
}

// perform makes one call and records it; false if the run was over first.
func (t *thread) perform(spec *program.Spec, args [8]int64) (int64, bool) {
	if spec.Name == "compute" {
		t.compute(time.Duration(args[0]))
		return 0, true
	}
	c := &strace.Call{Spec: spec, Args: args[:], Prog: t.prog, Mem: &t.mem}
	t.enter(c, args)
	ret, errno := t.syscall(c, args)
	t.leave(ret == 0 && errno == 0)
	if t.r.ended.Load() {
		return 0, false
	}
	c.Ret = ret
	if errno != 0 {
		c.Ret, c.Errno = -1, int(errno)
		t.mem.Errno = int64(errno)
	}
	t.r.record(t.index, strace.Format(*c))
	return c.Ret, true
}

// enter notes the call that begins, and when it would end at the latest.
func (t *thread) enter(c *strace.Call, args [8]int64) {
	till := sim.Never
	t.r.mu.Lock()
	now := t.r.now
	t.r.mu.Unlock()
	switch c.Spec.Name {
	case "nanosleep":
		till = now + sim.Time(args[0])
	case "epoll_wait":
		if ms := int32(args[3]); ms >= 0 {
			till = now + sim.Time(ms)*sim.Millisecond
		}
	}
	unfinished := *c
	unfinished.Unfinished = true
	t.mu.Lock()
	t.call, t.till = &unfinished, till
	t.mu.Unlock()
	t.last.Store(time.Now().UnixNano())
}

// leave notes that the call is over. A timed one that returned 0 has lasted its
// time: the scenario's time has come to its end.
func (t *thread) leave(lasted bool) {
	t.mu.Lock()
	t.call = nil
	till := t.till
	t.mu.Unlock()
	if lasted && till != sim.Never {
		t.lapses.Add(1)
		t.r.mu.Lock()
		t.r.now = max(t.r.now, till)
		t.r.mu.Unlock()
	}
	t.last.Store(time.Now().UnixNano())
}

// inCall gives the call that the thread sleeps in.
func (t *thread) inCall() (strace.Call, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.call == nil || t.gone.Load() {
		return strace.Call{}, false
	}
	return *t.call, true
}

// compute burns processor time, in ring 3.
func (t *thread) compute(d time.Duration) {
	for end := time.Now().Add(min(d, longestCompute)); time.Now().Before(end) && !t.r.ended.Load(); {
	}
}

// busy says why the thread is not at rest, or "". A timed sleep that ends before
// a given time of the scenario is not rest.
func (t *thread) busy(before sim.Time) string {
	if !t.started.Load() || t.gone.Load() {
		return ""
	}
	name := kernel.Printable(t.r.cfg.Threads[t.index].Name)
	t.mu.Lock()
	call, till := t.call, t.till
	t.mu.Unlock()
	if call == nil {
		if time.Since(time.Unix(0, t.last.Load())) > quiet && t.tid.Load() != 0 {
			return "" // it computes
		}
		return name + " runs"
	}
	what := name + " is in " + strace.Format(*call)
	if till <= before {
		return what
	}
	if !asleep(t.tid.Load()) {
		return what
	}
	return ""
}

// asleep tells whether a thread sleeps in a system call (proc(5): the state in
// stat, and a number in syscall, where a running thread has "running").
func asleep(tid int32) bool {
	stat := readTask(tid, "stat")
	if i := strings.LastIndexByte(stat, ')'); i < 0 || len(stat) < i+3 || stat[i+2] != 'S' {
		return false
	}
	nr, _, _ := strings.Cut(readTask(tid, "syscall"), " ")
	_, err := strconv.Atoi(nr)
	return err == nil
}

// readTask reads a file of a thread in /proc; "" if there is none.
func readTask(tid int32, file string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/%s", tid, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
