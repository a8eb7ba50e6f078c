// Package stats counts what a run of the model has done: whose work took the
// cores' time, how long packets took to each station of their way, which calls the
// threads made. It is a view of the records, like everything that is shown; the
// machine knows nothing of it.
package stats

import (
	"ringside/kernel"
	"ringside/sim"
)

// Context is what a core's time is spent on, as in a row of /proc/stat.
type Context uint8

const (
	User    Context = iota // thread programs
	Syscall                // the kernel on behalf of a thread, and kernel threads
	Softirq
	Hardirq // the processor's own steps of an interrupt's delivery too
	Idle
	NumContexts
)

// Contexts are their names.
var Contexts = [NumContexts]string{"user", "syscall", "softirq", "hardirq", "idle"}

// contextOf is the context of a record that a core has left.
var contextOf = [...]Context{
	kernel.CtxUser: User, kernel.CtxSyscall: Syscall, kernel.CtxHardirq: Hardirq, kernel.CtxSoftirq: Softirq,
	kernel.CtxIdle: Idle, kernel.CtxHardware: Hardirq,
}

// Core is what one core has done.
type Core struct {
	Time      [NumContexts]sim.Time
	Points    [kernel.NumPoints]int64 // how often each tracepoint was passed
	ksoftirqd int16
}

// Task is what one task has done.
type Task struct {
	// User and System are utime and stime of /proc/PID/stat. Interrupts and softirqs
	// that borrow the task's time are not charged to it, but ksoftirqd's own work is
	// (CONFIG_IRQ_TIME_ACCOUNTING, kernel/sched/cputime.c).
	User, System sim.Time
	Calls        map[int64]int64 // system calls by number
}

// Stats are the figures of a run, up to the records that were seen.
type Stats struct {
	Records sim.Seq
	Cores   []Core
	Tasks   []Task
	Latency
}

// New makes the figures of a run that has not begun.
func New(m *kernel.Machine) *Stats {
	s := &Stats{Cores: make([]Core, len(m.Cores)), Tasks: make([]Task, len(m.Tasks))}
	for i := range s.Cores {
		s.Cores[i].ksoftirqd = int16(m.CPUs[i].Ksoftirqd)
	}
	s.Latency.init(m)
	return s
}

// See takes the next record in.
func (s *Stats) See(r *sim.Record) {
	s.Records++
	s.Latency.see(r)
	if r.Ctx == kernel.CtxDevice {
		return
	}
	c := &s.Cores[r.CPU]
	c.Points[r.Point]++
	c.Time[contextOf[r.Ctx]] += r.Dur
	s.charge(c, r)
	if r.Point == kernel.PointSysEnter {
		s.call(r.Task, r.Arg[0])
	}
}

// charge books a record's time to its task.
func (s *Stats) charge(c *Core, r *sim.Record) {
	if r.Task < 0 || int(r.Task) >= len(s.Tasks) {
		return
	}
	switch t := &s.Tasks[r.Task]; contextOf[r.Ctx] {
	case User:
		t.User += r.Dur
	case Syscall:
		t.System += r.Dur
	case Softirq:
		if r.Task == c.ksoftirqd {
			t.System += r.Dur
		}
	}
}

// Time is how a core's time was spent until now: what was recorded, and the step
// that it is in the middle of.
func (s *Stats) Time(m *kernel.Machine, core int) [NumContexts]sim.Time {
	t := s.Cores[core].Time
	t[contextOf[m.CoreContext(core)]] += m.Now - m.Cores[core].Begun
	return t
}

func (s *Stats) call(task int16, nr int64) {
	t := &s.Tasks[task]
	if t.Calls == nil {
		t.Calls = map[int64]int64{}
	}
	t.Calls[nr]++
}
