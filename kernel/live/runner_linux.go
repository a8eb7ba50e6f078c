package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/strace"
	"ringside/sim"
)

// maxPackets is how many packets a live run sends: each waits for rest.
const maxPackets = 10000

// runner drives one run.
type runner struct {
	cfg     *kernel.Config
	threads []*thread
	procs   map[string]*process
	net     *network
	stretch int         // real time over the scenario's, for timed sleeps
	ended   atomic.Bool // the run is over: whatever returns now is not recorded
	wg      sync.WaitGroup

	mu    sync.Mutex
	lines []Line
	now   sim.Time // the scenario's time, as far as events have told
}

// Run makes the calls of all threads for real and sends the packets. It returns
// when nothing is left to happen, when ctx ends, or when the watchdog finds that
// the threads do not come to rest.
func Run(ctx context.Context, cfg *kernel.Config, opts Options) (*Result, error) {
	if opts.Watchdog == 0 {
		opts.Watchdog = 10 * time.Second
	}
	events, err := timetable(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Watchdog)
	defer cancel()
	for stretch := 1; ; stretch *= 4 {
		res, err := runOnce(ctx, cfg, events, stretch)
		if !errors.Is(err, errOvertaken) || stretch >= maxStretch {
			return res, err
		}
	}
}

// errOvertaken says that a timed sleep ended before a packet was sent that the
// scenario has earlier: the machine was too busy. The run is made again with all
// sleeps longer by the same factor; their order stays.
var errOvertaken = errors.New("a timed sleep ended before an earlier packet could be sent")

const maxStretch = 64

func runOnce(ctx context.Context, cfg *kernel.Config, events []event, stretch int) (*Result, error) {
	r := &runner{cfg: cfg, procs: map[string]*process{}, net: newNetwork(), stretch: stretch}
	defer r.net.close()
	for i := range cfg.Threads {
		if err := r.addThread(i); err != nil {
			r.finish()
			return nil, err
		}
	}
	err := r.play(ctx, events)
	res := r.observe()
	r.finish()
	for i, t := range r.threads {
		res.Threads[i].Voluntary, res.Threads[i].Involuntary = t.voluntary, t.involuntary
	}
	return res, err
}

// event is the start of a thread or the arrival of a packet.
type event struct {
	at     sim.Time
	thread int // or -1
	packet int
}

// timetable puts starts and packets into the order of their times; at the same
// time starts come first.
func timetable(cfg *kernel.Config) ([]event, error) {
	var events []event
	for i := range cfg.Threads {
		events = append(events, event{cfg.Threads[i].Start, i, -1})
	}
	n := 0
	for i := range cfg.Wire {
		p := &cfg.Wire[i]
		if n += p.Count; n > maxPackets {
			return nil, fmt.Errorf("more than %d packets: too many for the live lane, which waits before each", maxPackets)
		}
		for k := range p.Count {
			events = append(events, event{p.At + sim.Time(k)*p.Every, -1, i})
		}
	}
	sort.SliceStable(events, func(a, b int) bool { return events[a].at < events[b].at })
	return events, nil
}

// play lets the events happen one after another, each at rest. Packets that the
// model would see after its stop time are not sent.
func (r *runner) play(ctx context.Context, events []event) error {
	for _, e := range events {
		if r.cfg.Stop > 0 && e.at > r.cfg.Stop {
			break
		}
		if err := r.rest(ctx, e.at); err != nil {
			return err
		}
		sleepers, ok := r.moveTo(e.at)
		if !ok {
			return errOvertaken
		}
		if e.thread >= 0 {
			r.threads[e.thread].start()
		} else if err := r.net.send(&r.cfg.Wire[e.packet]); err != nil {
			return err
		}
		for t, lapses := range sleepers {
			if t.lapses.Load() != lapses {
				return errOvertaken
			}
		}
	}
	last := sim.Never - 1
	if r.cfg.Stop > 0 {
		last = r.cfg.Stop
	}
	return r.rest(ctx, last)
}

// moveTo moves the scenario's time to an event; false if a timed sleep that
// reaches beyond it has ended already. It gives the threads in such sleeps, with
// how many of their sleeps have ended.
func (r *runner) moveTo(at sim.Time) (map[*thread]int64, bool) {
	sleepers := map[*thread]int64{}
	for _, t := range r.threads {
		lapses := t.lapses.Load()
		t.mu.Lock()
		if t.call != nil && t.till != sim.Never {
			sleepers[t] = lapses
		}
		t.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now > at {
		return nil, false
	}
	r.now = at
	return sleepers, true
}

// rest waits until every thread is at rest and none sleeps towards a time
// before the given one. Two looks in a row must agree.
func (r *runner) rest(ctx context.Context, before sim.Time) error {
	for agreed := 0; ; {
		busy := ""
		for _, t := range r.threads {
			if why := t.busy(before); why != "" {
				busy = why
				break
			}
		}
		if busy == "" {
			if agreed++; agreed == 2 {
				return nil
			}
		} else {
			agreed = 0
		}
		select {
		case <-ctx.Done():
			if busy == "" {
				return ctx.Err()
			}
			return fmt.Errorf("the live run does not come to rest: %s (%w)", busy, ctx.Err())
		case <-time.After(50 * time.Microsecond):
		}
	}
}

// record notes a finished call.
func (r *runner) record(thread int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended.Load() {
		r.lines = append(r.lines, Line{Thread: thread, Text: text})
	}
}

// observe reads what can be seen of the threads at rest, and ends the recording.
func (r *runner) observe() *Result {
	r.mu.Lock()
	r.ended.Store(true)
	res := &Result{Lines: r.lines}
	r.mu.Unlock()
	for i, t := range r.threads {
		seen := Thread{Name: kernel.Printable(r.cfg.Threads[i].Name)}
		if call, asleep := t.inCall(); asleep {
			res.Unfinished = append(res.Unfinished, Line{Thread: i, Text: strace.Format(call), Asleep: true})
			seen.Wchan = readTask(t.tid.Load(), "wchan")
		}
		res.Threads = append(res.Threads, seen)
	}
	for _, p := range r.procs {
		res.Interest = append(res.Interest, p.interest()...)
	}
	sort.Strings(res.Interest)
	return res
}

// finish ends all threads and closes everything. A thread that sleeps is woken:
// its sockets are shut down, which ends a blocking receive, and a signal of the
// kind that the Go runtime handles anyway ends every other sleep with EINTR.
func (r *runner) finish() {
	r.ended.Store(true)
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
