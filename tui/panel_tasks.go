package tui

import (
	"math/bits"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/sim"
)

// Who runs, who may run and in which order, who sleeps and where.

// headTasks names the scheduler.
func headTasks(p *pen, s *scene) {
	p.in(styleDim).str(kernel.Schedulers[s.m.Config.Params.Scheduler])
}

func drawTasks(p *pen, s *scene) {
	const counters = 2
	rows := p.h
	counted := p.h >= 3*counters || !anySleeps(s.m)
	if counted { // in a lower panel, who sleeps says more
		rows -= counters
	}
	y := 0
	for i := range s.m.CPUs {
		if y < rows {
			y = drawRunQueue(p, s, i, y, rows)
		}
	}
	signals := min(signalled(s.m), max(rows-y-2, 0), 2)
	drawSleepers(p, s, y, rows-signals)
	drawSignals(p, s, rows-signals, rows)
	if !counted {
		return
	}
	c, was := &s.m.Counters, &s.was.Counters
	p.line(p.h - 2).str("switches").mark(c.ContextSwitches != was.ContextSwitches).dec(c.ContextSwitches).in(styleText)
	p.count(" preempts", c.Preemptions, was.Preemptions).count(" wakeups", c.Wakeups, was.Wakeups)
	p.line(p.h-1).str("irqs").mark(c.IRQs != was.IRQs).dec(c.IRQs).in(styleText).count(" timer", c.TimerIRQs, was.TimerIRQs)
	p.count(" IPIs", c.IPIs, was.IPIs).count(" syscalls", c.Syscalls, was.Syscalls)
}

// drawRunQueue writes a core's current task and its queue, in the order of its
// scheduler.
func drawRunQueue(p *pen, s *scene, i, y, rows int) int {
	k, was := &s.m.CPUs[i], &s.was.CPUs[i]
	t := &s.m.Tasks[k.Current]
	p.line(y).in(styleBold).str("cpu").dec(int64(i)).in(styleText).str(" runs").mark(k.Current != was.Current)
	if t.State == kernel.Running {
		p.fit(t.Name, 11).in(styleText)
	} else { // it has said that it will sleep, or end, and does not yet
		p.fit(t.Name, 9).in(styleText).mark(t.State != s.was.Tasks[k.Current].State).str(t.State.Letter()).in(styleText)
	}
	p.str(" need_resched").mark(t.NeedResched != s.was.Tasks[k.Current].NeedResched).flag(t.NeedResched)
	if p.in(styleText); p.left() > 22 && !t.Idle && s.m.Config.Params.Scheduler != kernel.EEVDF {
		drawTurn(p, s.m, t)
	}
	y++
	for n, id := range k.RQ.Queue {
		if y >= rows-1 {
			p.line(y).in(styleDim).str("  … ").dec(int64(len(k.RQ.Queue) - n)).str(" more")
			return y + 1
		}
		drawQueued(p.line(y), s, i, n, id)
		y++
	}
	return y
}

// drawQueued writes a task that waits for its turn, and what its scheduler
// orders by: EEVDF by the deadline, of those whose lag against the queue's
// virtual time is not negative.
func drawQueued(p *pen, s *scene, core, n int, id kernel.TaskID) {
	k, t := &s.m.CPUs[core], &s.m.Tasks[id]
	p.str(" ").dec(int64(n+1)).mark(!s.was.Tasks[id].OnRQ).fit(t.Name, 11).in(styleText)
	lag := k.RQ.V - t.SE.Vruntime
	switch {
	case s.m.Config.Params.Scheduler != kernel.EEVDF:
		drawTurn(p, s.m, t)
	case t.SE.Delayed:
		p.str(" asleep, owes ").signed(-lag)
	default:
		p.str(" dl ").signed(t.SE.Deadline - k.RQ.V).str(" lag ").signed(lag)
		if nice := int64(t.Prio - nicePrio); nice != 0 && p.left() > 8 {
			p.str(" nice ").dec(nice)
		}
	}
}

// nicePrio is the priority of nice 0; below rtPrio priorities are real time's.
const (
	nicePrio = 120
	rtPrio   = 100
)

// drawTurn writes what the other schedulers go by: the priority as
// sched_setscheduler counts it, and what is left of a turn.
func drawTurn(p *pen, m *kernel.Machine, t *kernel.Task) {
	switch scheduler := m.Config.Params.Scheduler; {
	case scheduler == kernel.Cooperative:
		p.str(" until it gives way")
	case t.Prio >= rtPrio:
		p.str(" priority 0")
	default:
		p.str(" priority ").dec(int64(rtPrio - 1 - t.Prio))
		if scheduler == kernel.RR {
			p.str(" ticks ").dec(int64(t.SE.TimeSlice))
		}
	}
}

// signed writes milliseconds with their sign.
func (p *pen) signed(t sim.Time) *pen {
	if t >= 0 {
		p.rune('+')
	} else {
		p.rune('-')
		t = -t
	}
	t = (t + 5*sim.Microsecond) / (10 * sim.Microsecond) // hundredths of a millisecond
	return p.dec(int64(t / 100)).rune('.').dec(int64(t / 10 % 10)).dec(int64(t % 10)).str("ms")
}

// sleeps tells whether a task belongs to those that neither run nor wait for
// their turn, and are of interest: idle tasks are not, nor threads of the kernel
// that never ran.
func sleeps(m *kernel.Machine, id kernel.TaskID) bool {
	t := &m.Tasks[id]
	switch {
	case t.Idle, runs(m, id), t.Kernel && t.State == kernel.Interruptible && t.Switches == 0:
		return false
	case t.State == kernel.Running:
		return !t.OnRQ
	}
	return true
}

// anySleeps tells whether there is a task to be shown as such.
func anySleeps(m *kernel.Machine) bool {
	for id := range m.Tasks {
		if sleeps(m, kernel.TaskID(id)) {
			return true
		}
	}
	return false
}

// absent tells whether a task has ended or not begun.
func absent(t *kernel.Task) bool { return t.State == kernel.Dead || t.State == kernel.NotStarted }

// drawSleepers writes who sleeps and where. If there is no room for all, those
// that have not begun or have ended are left out first.
func drawSleepers(p *pen, s *scene, y, rows int) {
	asleep, gone := 0, 0
	for id := range s.m.Tasks {
		switch {
		case !sleeps(s.m, kernel.TaskID(id)):
		case absent(&s.m.Tasks[id]):
			gone++
		default:
			asleep++
		}
	}
	if asleep+gone > 0 && asleep+gone+1 <= rows-y {
		p.line(y).in(styleDim).str("not on a run queue")
		y++
	}
	room := rows - y
	missing := asleep+gone > room
	if missing {
		room--
	}
	goneRoom := max(room-asleep, 0)
	shown := 0
	for id := range s.m.Tasks {
		if shown >= room || !sleeps(s.m, kernel.TaskID(id)) {
			continue
		}
		if absent(&s.m.Tasks[id]) {
			if goneRoom == 0 {
				continue
			}
			goneRoom--
		}
		drawSleeper(p.line(y), s, kernel.TaskID(id))
		y, shown = y+1, shown+1
	}
	if missing && y < rows {
		p.line(y).in(styleDim).str("  … ").dec(int64(asleep + gone - shown)).str(" more")
	}
}

func drawSleeper(p *pen, s *scene, id kernel.TaskID) {
	t, old := &s.m.Tasks[id], &s.was.Tasks[id]
	p.mark(t.State != old.State).fit(t.Name, 11).str(" ").str(t.State.Letter()).in(styleText)
	switch t.State {
	case kernel.Interruptible, kernel.Uninterruptible, kernel.Waking:
		p.str(" ").fit(wchan(s.m, id), max(min(p.left()-11, 30), 8)).in(styleDim).str(" ").span(s.m.Now - t.Since)
	case kernel.Stopped:
		p.in(styleDim).str(" until ")
		drawDirectorWait(p, s.m, t)
	case kernel.Dead:
		if t.ExitSignal != 0 {
			p.in(styleDim).str(" killed by ").str(program.SignalName(int(t.ExitSignal)))
		} else {
			p.in(styleDim).str(" exited with ").dec(int64(t.ExitCode))
		}
	case kernel.NotStarted:
		p.in(styleDim).str(" not started")
	}
}

// drawDirectorWait says what the director holds a thread for.
func drawDirectorWait(p *pen, m *kernel.Machine, t *kernel.Task) {
	if t.Waits == kernel.WaitSettle {
		p.rest("all others rest")
		return
	}
	for i, id := range t.WaitsFor {
		if i > 0 {
			p.str(", ")
		}
		p.str(m.Tasks[id].Name)
	}
	if t.Waits == kernel.WaitJoin {
		p.str(" ended")
	} else {
		p.str(" blocked")
	}
}

// signalled counts the tasks that have a signal pending or blocked.
func signalled(m *kernel.Machine) int {
	n := 0
	for id := range m.Tasks {
		n += b2i(m.Tasks[id].SigPending|m.Tasks[id].SigBlocked != 0 && !absent(&m.Tasks[id]))
	}
	return n
}

// drawSignals writes which signals wait to be taken, and which are held back.
func drawSignals(p *pen, s *scene, y, rows int) {
	for id := range s.m.Tasks {
		t, old := &s.m.Tasks[id], &s.was.Tasks[id]
		if y >= rows || t.SigPending|t.SigBlocked == 0 || absent(t) {
			continue
		}
		p.line(y).str(" ").fit(t.Name, 11)
		if t.SigPending != 0 {
			p.str(" pending").mark(t.SigPending != old.SigPending).signals(t.SigPending).in(styleText)
		}
		if t.SigBlocked != 0 {
			p.str(" blocked").mark(t.SigBlocked != old.SigBlocked).signals(t.SigBlocked).in(styleText)
		}
		y++
	}
}

// signals writes a set of signals: the first one, and how many more.
func (p *pen) signals(set uint64) *pen {
	p.str(program.SignalName(bits.TrailingZeros64(set) + 1))
	if n := bits.OnesCount64(set); n > 1 {
		p.str("+").dec(int64(n - 1))
	}
	return p
}
