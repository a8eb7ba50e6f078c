package tui

import (
	"ringside/cpu"
	"ringside/kernel"
	"ringside/scenarios/quiz"
	"ringside/sim"
)

// scene is what the panels see: the machine at the cursor, the machine at the
// start of the step, the records, and what the user chose to look at. Panels
// read it and write nothing.
type scene struct {
	doc *Doc
	tl  *sim.Timeline[*kernel.Machine]
	ix  *index

	m    *kernel.Machine // at the cursor
	was  *kernel.Machine // at base
	pos  sim.Seq
	base sim.Seq
	step int         // the number of the current step, from 1; 0 at the start
	rec  *sim.Record // the record before the cursor, or nil at the start

	objects objects // of m

	narrator narrator
	book     *quiz.Book
	blind    bool // what lies ahead is hidden: there are questions about it

	who      *who       // what every record is about
	followed *followed  // what is followed, or nil
	only     *selection // the records that the arrow keys and the log keep to, or nil: all

	thread int       // the thread that PROGRAM shows, or -1: the one that runs
	scale  sim.Time  // of the time lanes, a column
	model  []call    // the calls of the whole known run, by position
	began  []sim.Seq // by task: the position behind the start of its last call
	ended  bool      // model has the calls that sleep at the end of the run
	live   liveState
	lane   lane // model and live side by side

	figures figures // of the records before the cursor
}

// know makes the run known for some way beyond a position, so that the step that
// is there, and what that leads to, are known as well.
func (s *scene) know(pos sim.Seq) {
	if !s.tl.Done() && pos+openRecords > s.tl.Len() {
		s.extend(max(pos+openRecords-s.tl.Len(), extendBy))
	}
}

// show brings the scene to a position; the timeline stops at the end of the run.
func (s *scene) show(pos sim.Seq) {
	s.know(pos)
	pos = min(max(pos, 0), s.tl.Len())
	s.base = s.ix.base(pos)
	if s.base != s.tl.Pos() {
		s.tl.Seek(s.base)
	}
	s.was.CopyFrom(s.tl.Machine())
	s.tl.Seek(pos)
	s.pos, s.m = pos, s.tl.Machine()
	s.step = s.ix.at(pos)
	s.rec = nil
	if pos > 0 {
		s.rec = s.tl.At(pos - 1)
	}
	s.objects.build(s.m)
	s.objects.look(s)
	if s.only != nil {
		s.only.update(s)
	}
}

// cpu is the core that the step ran on, or the last one that did anything.
func (s *scene) cpu() int { return min(int(s.ix.info(s.step).cpu), len(s.m.Cores)-1) }

// core is that core.
func (s *scene) core() *cpu.Core { return &s.m.Cores[s.cpu()] }

// station is where the packet is, and whether the step is there: else it is the
// last station visited.
func (s *scene) station() (station uint8, here bool) {
	if s.rec == nil {
		return kernel.StNone, false
	}
	return s.ix.info(s.step).station, s.rec.Station != kernel.StNone
}

// micro is the record's place in its step and the step's length.
func (s *scene) micro() (i, n sim.Seq) {
	return s.pos - s.ix.start(s.step), s.ix.end(s.step) - s.ix.start(s.step)
}

// Parts of preempt_count (include/linux/preempt.h).
func preemptDepth(p uint32) int64 { return int64(p & 0xff) }
func softirqDepth(p uint32) int64 { return int64(p >> 8 & 0xff) }
func hardirqDepth(p uint32) int64 { return int64(p >> 16 & 0xf) }

// contextOf tells whose work a core is about to do.
func contextOf(m *kernel.Machine, core int) uint8 {
	c, k := &m.Cores[core], &m.CPUs[core]
	switch {
	case c.Micro != 0:
		return kernel.CtxHardware
	case c.Regs.Ring() == 3:
		return kernel.CtxUser
	case hardirqDepth(k.Preempt) != 0:
		return kernel.CtxHardirq
	case softirqDepth(k.Preempt) != 0:
		return kernel.CtxSoftirq
	case m.Tasks[k.Current].Idle:
		return kernel.CtxIdle
	}
	return kernel.CtxSyscall
}

// runs tells whether a task is the current one of its core.
func runs(m *kernel.Machine, t kernel.TaskID) bool {
	for i := range m.CPUs {
		if m.CPUs[i].Current == t {
			return true
		}
	}
	return false
}

// loaded gives a task's stacks and registers, which a core has while it runs.
func loaded(m *kernel.Machine, t kernel.TaskID) *cpu.Context {
	for i := range m.CPUs {
		if m.CPUs[i].Current == t {
			return &m.Cores[i].Ctx
		}
	}
	return &m.Tasks[t].Ctx
}

// codeName is a function's name.
func codeName(m *kernel.Machine, id cpu.CodeID) string { return m.Text.Codes[id].Name }

// running names the function that RIP points into. While an interrupt is being
// delivered that is still the interrupted one: on the stack that is in use, or
// in ring 3 when there is nothing on it but the processor's words.
func running(m *kernel.Machine, c *cpu.Core) string {
	for _, st := range []*cpu.Stack{c.Stack(), &c.Ctx.User} {
		for i := len(st.F) - 1; i >= 0; i-- {
			if st.F[i].Kind == cpu.Call {
				return codeName(m, st.F[i].Code)
			}
		}
	}
	return ""
}

// inFlight names what a core is in the middle of.
func inFlight(m *kernel.Machine, core int) (fn, step string) {
	c := &m.Cores[core]
	if c.Micro != 0 {
		code := &m.Text.Codes[m.Text.Entry]
		return code.Name, code.Steps[c.Micro-1].Name
	}
	f := c.Frame()
	code := &m.Text.Codes[f.Code]
	if code.Interp {
		return code.Name, "an operation of the program"
	}
	return code.Name, code.Steps[min(int(f.PC), len(code.Steps)-1)].Name
}

// wchan is the function a sleeping task sleeps in: the innermost one on its
// kernel stack that is not the scheduler's own (get_wchan in
// arch/x86/kernel/process.c).
func wchan(m *kernel.Machine, t kernel.TaskID) string {
	f := loaded(m, t).Kernel.F
	for i := len(f) - 1; i >= 0; i-- {
		if f[i].Kind != cpu.Call {
			continue
		}
		if name := codeName(m, f[i].Code); !schedFunctions[name] {
			return name
		}
	}
	return "-"
}

// schedFunctions are those that Linux marks __sched and leaves out of wchan.
var schedFunctions = map[string]bool{
	"context_switch": true, "__schedule": true, "schedule": true, "schedule_timeout": true, "schedule_hrtimeout_range": true,
	"schedule_hrtimeout_range_clock": true, "do_nanosleep": true,
}
