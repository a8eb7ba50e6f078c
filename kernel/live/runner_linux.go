package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ringside/kernel"
	"ringside/sim"
)

const (
	maxPackets = 10000   // that a live run sends: each waits for rest
	maxCalls   = 100_000 // that it records
)

// errWatchdog is why a run's context ends when the watchdog ends it.
var errWatchdog = errors.New("the watchdog")

// runner drives one run.
type runner struct {
	cfg      *kernel.Config
	watchdog time.Duration // how long rest may take to come
	threads  []*thread
	procs    map[string]*process
	net      *network
	ended    atomic.Bool  // the run is over: whatever returns now is not recorded
	moves    atomic.Int64 // changes of what threads do
	written  atomic.Int64 // bytes
	stuck    int          // bytes that TCP was waited for in vain
	wg       sync.WaitGroup
	tracer   *tracer // or nil

	mu    sync.Mutex
	lines []Line
	err   error    // what a program did that ends the run
	now   sim.Time // the scenario's time
}

// Run makes the calls of all threads for real and sends the packets. It returns
// when nothing is left to happen or the scenario's stop time has come; with an
// error when ctx ends, when a program is wrong, or when the watchdog finds that
// the threads do not come to rest.
func Run(ctx context.Context, cfg *kernel.Config, opts Options) (*Result, error) {
	if opts.Watchdog == 0 {
		opts.Watchdog = 10 * time.Second
	}
	events, err := timetable(cfg)
	if err != nil {
		return nil, err
	}
	if err := canObserve(); err != nil {
		return nil, err
	}
	defer closeOnPanic()
	r := &runner{cfg: cfg, watchdog: opts.Watchdog, procs: map[string]*process{}}
	done, err := needCarriers()
	if err != nil {
		return nil, err
	}
	defer done()
	if r.net, err = newNetwork(cfg); err != nil {
		return nil, err
	}
	defer r.net.close()
	for i := range cfg.Threads {
		if err := r.addThread(i); err != nil {
			r.finish()
			return nil, err
		}
	}
	noTrace := r.trace(opts)
	defer r.tracer.remove()
	err = r.play(ctx, events)
	res := r.observe()
	res.NoTrace = noTrace
	if r.tracer != nil {
		res.Trace, res.Lost, res.NoTrace = r.tracer.read()
	}
	r.finish()
	if err != nil {
		return nil, err
	}
	for i, t := range r.threads {
		res.Threads[i].Voluntary, res.Threads[i].Involuntary = t.switches.voluntary, t.switches.involuntary
	}
	return res, nil
}

// trace begins to read tracepoints, if that is asked for, or says why it cannot.
// From here on one thread of the operating system plays the remote hosts.
func (r *runner) trace(opts Options) (err error) {
	if !opts.Trace {
		return nil
	}
	runtime.LockOSThread() // the tracing's filter knows the sender by its number
	var tids []int
	for _, t := range r.threads {
		tids = append(tids, int(t.tid.Load()))
	}
	r.tracer, err = startTrace(kernel.Points[1:], tids)
	r.net.tracer = r.tracer
	return err
}

// event is the start of a thread or the arrival of a packet.
type event struct {
	at     sim.Time
	thread int // or -1
	packet int
}

// timetable puts starts and packets into the order of their times, up to the
// stop time; at the same time starts come first.
func timetable(cfg *kernel.Config) ([]event, error) {
	end := stop(cfg)
	var events []event
	for i := range cfg.Threads {
		if at := cfg.Threads[i].Start; at <= end && !cfg.Threads[i].Spawned {
			events = append(events, event{at, i, -1})
		}
	}
	packets := 0
	for i := range cfg.Wire {
		p := &cfg.Wire[i]
		for k := range p.Count {
			at := p.At + sim.Time(k)*p.Every
			if at > end {
				break
			}
			if packets++; packets > maxPackets {
				return nil, fmt.Errorf("more than %d packets: too many for the live lane, which waits before each", maxPackets)
			}
			events = append(events, event{at, -1, i})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return events, nil
}

// stop is the scenario's time at which the run ends at the latest.
func stop(cfg *kernel.Config) sim.Time {
	if cfg.Stop > 0 {
		return cfg.Stop
	}
	return sim.Never
}

// play lets the events happen one after another, each at rest.
func (r *runner) play(ctx context.Context, events []event) error {
	for _, e := range events {
		if err := r.rest(ctx, e.at); err != nil {
			return err
		}
		r.setClock(e.at)
		if e.thread >= 0 {
			r.threads[e.thread].start()
			continue
		}
		if err := r.net.play(&r.cfg.Wire[e.packet]); err != nil {
			return err
		}
	}
	return r.rest(ctx, stop(r.cfg))
}

// rest lets the threads go on up to a time of the scenario and waits until all
// of them are at rest.
func (r *runner) rest(ctx context.Context, until sim.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.watchdog, fmt.Errorf("%w, after %s", errWatchdog, r.watchdog))
	defer cancel()
	for {
		if err := r.quiet(ctx); err != nil {
			return err
		}
		if more, err := r.advance(ctx, until); err != nil || !more {
			return err
		}
	}
}

// quiet waits until all threads are at rest as the clock stands.
func (r *runner) quiet(ctx context.Context) error {
	var seen looks
	for !seen.agree(r) {
		pause()
		if err := r.failure(); err != nil {
			return err
		}
		seen.n++
		why := r.busy()
		if why != "" && ctx.Err() != nil {
			return unrest(ctx, why)
		}
		if why != "" || r.net.drain(r.clock()) {
			seen = looks{}
		}
	}
	if ctx.Err() != nil {
		return unrest(ctx, r.lastWaiting())
	}
	for _, t := range r.threads {
		t.seeWchan()
	}
	return nil
}

// busy looks at all threads and says why one is not at rest, or "".
func (r *runner) busy() string {
	for _, t := range r.threads {
		if why := t.busy(); why != "" {
			return why
		}
	}
	return ""
}

// failure is what a program did that ends the run, or nil.
func (r *runner) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// lastWaiting is why there is no end of quiet times: the first thread that
// sleeps, and will be woken by the clock.
func (r *runner) lastWaiting() string {
	for _, t := range r.threads {
		if a := t.activity(); a.till != sim.Never && !t.gone.Load() {
			return t.name + " is in " + cmp.Or(a.call, "compute")
		}
	}
	return "no thread runs"
}

// unrest is the error of a run that was ended while a thread was busy.
func unrest(ctx context.Context, why string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errWatchdog) {
		return fmt.Errorf("the live run does not come to rest: %s (ended by %w)", why, cause)
	}
	return fmt.Errorf("the live run was ended: %w; %s", cause, why)
}

// record notes a line of a thread.
func (r *runner) record(t *thread, text string) { r.recordCall(t, text, "", 0) }

// recordCall notes the line of a call by its number, and where it slept.
func (r *runner) recordCall(t *thread, text, wchan string, call int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == maxCalls && r.err == nil {
		r.err = fmt.Errorf("more than %d calls: too many for the live lane", maxCalls)
	}
	if !r.ended.Load() && r.err == nil {
		r.lines = append(r.lines, Line{Thread: t.index, Text: text, At: r.now, Wchan: wchan, call: call})
	}
}

// fail ends the run because of what a program did.
func (r *runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// observe reads what can be seen of the threads at rest, and ends the recording.
func (r *runner) observe() *Result {
	for _, t := range r.threads {
		t.deliver(t.activity().mask) // a call that was restarted has not returned
	}
	r.mu.Lock()
	r.ended.Store(true)
	res := &Result{Lines: r.lines}
	r.mu.Unlock()
	for i, t := range r.threads {
		seen := Thread{Name: t.name, TID: int(t.tid.Load())}
		if call := t.inCall(); call != "" {
			seen.Wchan = t.activity().wchan
			res.Unfinished = append(res.Unfinished, Line{Thread: i, Text: call, Asleep: true, At: r.now, Wchan: seen.Wchan, call: int(t.calls.Load())})
		}
		if t.started.Load() && !t.gone.Load() {
			if seen.State = stateOf(t.tid.Load()); t.activity().computing {
				seen.State = "computes" // or waits until the scenario's time for that is over
			}
		}
		res.Threads = append(res.Threads, seen)
	}
	for i := range r.threads { // in the order of the processes' first threads
		if p := r.threads[i].proc; p.pid == kernel.FirstPID+i {
			res.Interest = append(res.Interest, p.interest()...)
		}
	}
	return res
}

// finish ends all threads and closes everything.
func (r *runner) finish() {
	r.ended.Store(true)
	done := make(chan struct{})
	go func() { r.wg.Wait(); close(done) }()
	for _, t := range r.threads {
		t.start() // one that never began ends at once
	}
	for {
		for _, t := range r.threads {
			t.kick()
		}
		select {
		case <-done:
			for _, p := range r.procs {
				p.close()
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}
