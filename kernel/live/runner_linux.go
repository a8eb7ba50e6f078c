package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

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
	began    time.Time
	threads  []*thread
	procs    map[string]*process
	net      *network
	ended    atomic.Bool // the run is over: whatever returns now is not recorded
	wg       sync.WaitGroup

	mu      sync.Mutex
	lines   []Line
	err     error     // what a program did that ends the run
	now     sim.Time  // the scenario's time of the last event
	horizon sim.Time  // and of the next: how far threads may go
	moved   sync.Cond // the horizon has moved, or the run is over
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
	r := &runner{cfg: cfg, watchdog: opts.Watchdog, began: time.Now(), procs: map[string]*process{}}
	r.moved.L = &r.mu
	if r.net, err = newNetwork(); err != nil {
		return nil, err
	}
	defer r.net.close()
	for i := range cfg.Threads {
		if err := r.addThread(i); err != nil {
			r.finish()
			return nil, err
		}
	}
	err = r.play(ctx, events)
	res := r.observe()
	r.finish()
	if err != nil {
		return nil, err
	}
	for i, t := range r.threads {
		res.Threads[i].Voluntary, res.Threads[i].Involuntary = t.switches.voluntary, t.switches.involuntary
	}
	return res, nil
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
		if at := cfg.Threads[i].Start; at <= end {
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
		r.mu.Lock()
		r.now = e.at
		r.mu.Unlock()
		if e.thread >= 0 {
			r.threads[e.thread].start()
			continue
		}
		if err := r.net.send(&r.cfg.Wire[e.packet]); err != nil {
			return err
		}
	}
	return r.rest(ctx, stop(r.cfg))
}

// rest lets the threads go on up to a time of the scenario and waits until all
// of them are at rest. Two looks in a row must agree: between the first thread
// of a look and the last one, this one may have woken that one.
func (r *runner) rest(ctx context.Context, until sim.Time) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.watchdog, fmt.Errorf("%w, after %s", errWatchdog, r.watchdog))
	defer cancel()
	r.mu.Lock()
	r.horizon = until
	r.moved.Broadcast()
	r.mu.Unlock()
	for agreed := 0; agreed < 2; {
		_ = unix.Nanosleep(&unix.Timespec{Nsec: lookEvery}, nil) // the Go runtime's timers may be a millisecond late
		agreed++
		for _, t := range r.threads {
			if why := t.busy(until); why != "" {
				if ctx.Err() != nil {
					return unrest(ctx, why)
				}
				agreed = 0
				break
			}
		}
		r.mu.Lock()
		err := r.err
		r.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the live run was ended by %w", context.Cause(ctx))
	}
	return nil
}

// lookEvery is how long rest waits between two looks at the threads, in ns.
const lookEvery = 50_000

// unrest is the error of a run that was ended while a thread was busy.
func unrest(ctx context.Context, why string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errWatchdog) {
		return fmt.Errorf("the live run does not come to rest: %s (ended by %w)", why, cause)
	}
	return fmt.Errorf("the live run was ended: %w; %s", cause, why)
}

// elapsed is how long the run has lasted.
func (r *runner) elapsed() sim.Time { return sim.Time(time.Since(r.began)) }

// record notes a finished call.
func (r *runner) record(thread int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == maxCalls && r.err == nil {
		r.err = fmt.Errorf("more than %d calls: too many for the live lane", maxCalls)
	}
	if !r.ended.Load() && r.err == nil {
		r.lines = append(r.lines, Line{Thread: thread, Text: text, At: r.elapsed()})
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
	r.mu.Lock()
	r.ended.Store(true)
	res := &Result{Lines: r.lines}
	r.mu.Unlock()
	for i, t := range r.threads {
		seen := Thread{Name: t.name}
		if call := t.inCall(); call != "" {
			res.Unfinished = append(res.Unfinished, Line{Thread: i, Text: call, Asleep: true, At: r.elapsed()})
			seen.Wchan = readTask(t.tid.Load(), "wchan")
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

// finish ends all threads and closes everything. A thread that sleeps is woken:
// its sockets are shut down, which ends a blocking receive, and a signal of the
// kind that the Go runtime handles anyway ends every other sleep with EINTR.
func (r *runner) finish() {
	r.mu.Lock()
	r.ended.Store(true)
	r.moved.Broadcast()
	r.mu.Unlock()
	for _, p := range r.procs {
		p.shutdown()
	}
	done := make(chan struct{})
	go func() { r.wg.Wait(); close(done) }()
	for _, t := range r.threads {
		t.start() // one that never began ends at once
	}
	for {
		for _, t := range r.threads {
			if tid := t.tid.Load(); tid != 0 && !t.gone.Load() {
				_ = unix.Tgkill(os.Getpid(), int(tid), unix.SIGURG)
			}
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
