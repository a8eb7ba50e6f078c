// Package compare holds two runs of the model against each other: which call of
// one belongs to which of the other, where they differ, and at which records both
// stand at the same place of their way.
package compare

import (
	"ringside/kernel"
	"ringside/scenarios/lanes"
	"ringside/sim"
)

// Run is what a run of the model did, as far as it is compared.
type Run struct {
	Threads  []Thread // those of the scenario, in its order
	Packets  []Packet // in the order in which they come
	Len      sim.Seq  // so many records were read
	Done     bool     // the run has come to its end, it was not left before
	End      sim.Time
	Counters map[string]int64
	Costs    [NumCosts]int64
}

// Thread is what one thread did.
type Thread struct {
	Name string
	Acts []Act
}

// Act is a line that strace prints of a thread: a call that is finished or that
// it still sleeps in, a signal, its end.
type Act struct {
	Line      string
	Asleep    bool    // not finished: the thread sleeps in it at the end
	Pos       sim.Seq // the position behind the record in which it was finished, or in which the thread went to sleep
	At        sim.Time
	Sleeps    gaps // how often the thread went to sleep in it
	Preempted gaps // how often the core was taken from it since the act before
}

// gaps counts switches away from a thread, and remembers the first.
type gaps struct {
	N   int
	Pos sim.Seq
	At  sim.Time
}

func (g *gaps) add(pos sim.Seq, at sim.Time) {
	if g.N++; g.N == 1 {
		g.Pos, g.At = pos, at
	}
}

// Packet is the way of one packet: the position behind the record in which it
// came to each station of the path, or 0.
type Packet struct {
	Local bool // from this host: no card took part
	At    [kernel.NumStations]sim.Seq
}

// Read runs the model to its end, or so far.
func Read(cfg *kernel.Config, most sim.Seq) (*Run, error) {
	m, err := kernel.New(cfg)
	if err != nil {
		return nil, err
	}
	run := &Run{Threads: make([]Thread, len(cfg.Threads))}
	for i := range cfg.Threads {
		run.Threads[i].Name = kernel.Printable(cfg.Threads[i].Name)
	}
	var ways ways
	threads := reader{run: run, open: make([]Act, len(cfg.Threads)), leaves: make([]*gaps, cfg.CPUs)}
	var r sim.Record
	for run.Len < most {
		if !m.Step(&r) {
			run.Done = true
			break
		}
		run.Len++
		threads.read(m, &r)
		ways.read(m, &r)
	}
	tasks, lines := m.Unfinished()
	for i := 0; i < len(tasks) && run.Done; i++ {
		t := m.Tasks[tasks[i]].Thread
		a := threads.open[t]
		a.Line, a.Asleep, a.Pos, a.At = lines[i], true, run.Len, m.Now
		if a.Sleeps.N > 0 {
			a.Pos, a.At = a.Sleeps.Pos, a.Sleeps.At
		}
		run.Threads[t].Acts = append(run.Threads[t].Acts, a)
	}
	run.Packets, run.End, run.Counters = ways.packets, m.Now, lanes.Counters(m)
	run.Costs = CostsOf(m)
	return run, nil
}

// reader makes acts of records.
type reader struct {
	run    *Run
	open   []Act   // by thread: what has not ended yet
	leaves []*gaps // by core: what its next record ends, in which it changes stacks
}

// read takes in a record: what it says of a thread's calls and of its sleep.
func (d *reader) read(m *kernel.Machine, r *sim.Record) {
	if r.CPU >= 0 && d.leaves[r.CPU] != nil {
		d.leaves[r.CPU].add(d.run.Len, r.T)
		d.leaves[r.CPU] = nil
	}
	if r.Point == kernel.PointSchedSwitch {
		if prev := &m.Tasks[r.Arg[0]]; prev.Thread != kernel.None {
			d.leaves[r.CPU] = d.open[prev.Thread].leave(kernel.TaskState(r.Arg[1]))
		}
	}
	task, line, ok := m.Strace(r)
	if !ok {
		return
	}
	t := m.Tasks[task].Thread
	a := d.open[t]
	a.Line, a.Pos, a.At = line, d.run.Len, r.T
	d.run.Threads[t].Acts = append(d.run.Threads[t].Acts, a)
	d.open[t] = Act{}
}

// leave is what a switch away from a thread counts as, by the thread's state.
func (a *Act) leave(state kernel.TaskState) *gaps {
	switch state {
	case kernel.Running:
		return &a.Preempted
	case kernel.Dead:
		return nil
	}
	return &a.Sleeps
}

// Costs are what two runs are told apart by at a glance: each a count of the
// machine.
var Costs = [NumCosts]struct {
	Name    string
	Short   string // for the screen
	Counter string // its name among lanes.Counters, or "" if it is none of them
	Of      func(*kernel.Counters) int64
}{
	{"system calls", "syscalls", "syscalls", func(c *kernel.Counters) int64 { return c.Syscalls }},
	{"context switches", "switches", "context_switches", func(c *kernel.Counters) int64 { return c.ContextSwitches }},
	{"preemptions", "preempts", "preemptions", func(c *kernel.Counters) int64 { return c.Preemptions }},
	{"wakeups", "wakeups", "wakeups", func(c *kernel.Counters) int64 { return c.Wakeups }},
	{"spurious wakeups", "spurious", "spurious_wakeups", func(c *kernel.Counters) int64 { return c.SpuriousWakeups }},
	{"descriptors scanned", "scanned", "", func(c *kernel.Counters) int64 { return c.PollScanned + c.EpPolled }},
	{"bytes copied", "copied", "copied_bytes", func(c *kernel.Counters) int64 { return c.CopiedBytes }},
	{"card interrupts", "irqs", "irqs", func(c *kernel.Counters) int64 { return c.IRQs }},
	{"softirqs", "softirqs", "softirqs", func(c *kernel.Counters) int64 { return c.Softirqs }},
	{"NAPI polls", "polls", "polls", func(c *kernel.Counters) int64 { return c.Polls }},
	{"packets made", "skbs", "skbs", func(c *kernel.Counters) int64 { return c.Skbs }},
	{"datagrams read", "read", "delivered", func(c *kernel.Counters) int64 { return c.Delivered }},
}

// NumCosts is how many there are.
const NumCosts = 12

// CostsOf are a machine's.
func CostsOf(m *kernel.Machine) (out [NumCosts]int64) {
	for i := range Costs {
		out[i] = Costs[i].Of(&m.Counters)
	}
	return out
}
