package tui

import (
	"ringside/kernel"
	"ringside/sim"
)

// Who runs, who may run and in which order, who sleeps and where.

func drawTasks(p *pen, s *scene) {
	const counters = 2
	y := 0
	for i := range s.m.CPUs {
		if y < p.h-counters {
			y = drawRunQueue(p, s, i, y)
		}
	}
	if y < p.h-counters {
		p.line(y).in(styleDim).str("sleeping")
		y++
	}
	for id := range s.m.Tasks {
		t := &s.m.Tasks[id]
		if t.Idle || t.Kernel && t.State == kernel.Interruptible && t.Switches == 0 || t.State == kernel.Running && (t.OnRQ || runs(s.m, kernel.TaskID(id))) {
			continue
		}
		if y >= p.h-counters {
			p.line(y - 1).in(styleDim).str("  … more")
			break
		}
		drawSleeper(p.line(y), s, kernel.TaskID(id))
		y++
	}
	c, was := &s.m.Counters, &s.was.Counters
	p.line(p.h - 2).str("switches").mark(c.ContextSwitches != was.ContextSwitches).dec(c.ContextSwitches).in(styleText)
	p.count(" preempts", c.Preemptions, was.Preemptions).count(" wakeups", c.Wakeups, was.Wakeups)
	p.line(p.h-1).str("irqs").mark(c.IRQs != was.IRQs).dec(c.IRQs).in(styleText).count(" timer", c.TimerIRQs, was.TimerIRQs)
	p.count(" IPIs", c.IPIs, was.IPIs).count(" syscalls", c.Syscalls, was.Syscalls)
}

// drawRunQueue writes a core's current task and its queue, earliest deadline
// first.
func drawRunQueue(p *pen, s *scene, i, y int) int {
	k, was := &s.m.CPUs[i], &s.was.CPUs[i]
	t := &s.m.Tasks[k.Current]
	p.line(y).in(styleBold).str("cpu").dec(int64(i)).in(styleText).str(" runs").mark(k.Current != was.Current).fit(t.Name, 11).in(styleText)
	p.str(" need_resched").mark(t.NeedResched != s.was.Tasks[k.Current].NeedResched).flag(t.NeedResched)
	y++
	for n, id := range k.RQ.Queue {
		if y >= p.h-3 {
			p.line(y).in(styleDim).str("  … ").dec(int64(len(k.RQ.Queue) - n)).str(" more")
			return y + 1
		}
		drawQueued(p.line(y), s, i, n, id)
		y++
	}
	return y
}

// drawQueued writes a task that waits for its turn: its deadline and lag
// against the queue's virtual time (EEVDF).
func drawQueued(p *pen, s *scene, core, n int, id kernel.TaskID) {
	k, t := &s.m.CPUs[core], &s.m.Tasks[id]
	p.str(" ").dec(int64(n+1)).mark(!s.was.Tasks[id].OnRQ).fit(t.Name, 11).in(styleText).str(" dl ")
	p.signed(t.SE.Deadline - k.RQ.V).str(" lag ").signed(k.RQ.V - t.SE.Vruntime)
	if t.SE.Delayed {
		p.str(" delayed")
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

func drawSleeper(p *pen, s *scene, id kernel.TaskID) {
	t, old := &s.m.Tasks[id], &s.was.Tasks[id]
	p.mark(t.State != old.State).fit(t.Name, 12).str(" ").str(t.State.Letter()).in(styleText)
	switch t.State {
	case kernel.Interruptible, kernel.Waking:
		p.str("  ").fit(wchan(s.m, id), max(min(p.left()-14, 30), 8)).in(styleDim).str(" ").span(s.m.Now - t.Since)
	case kernel.Dead:
		p.in(styleDim).str("  exited with ").dec(int64(t.ExitCode))
	case kernel.NotStarted:
		p.in(styleDim).str("  not started")
	}
}
