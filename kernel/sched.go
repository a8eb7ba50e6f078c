package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// schedule and context_switch: kernel/sched/core.c.

var schedText = text{
	fnSchedule: {Name: "schedule", File: fileCore, Station: StSwitch,
		Say: "Gives the core away.",
		Why: "Either the task has nothing to do until something happens, or its turn is over.",
		Steps: []step{
			{Name: "preempt_disable, __schedule", Cost: costFn, Do: (*Machine).scheduleCall},
			{Name: "preempt_enable", Cost: costFn, Do: (*Machine).scheduleDone,
				Say: "schedule returns: the task has the core, and goes on where it had called it.", Why: "Others may have run meanwhile; it does not notice."},
		}},
	fnScheduleIdle: {Name: "schedule_idle", File: fileCore, Station: StSwitch,
		Say:   "The idle task gives the core to a task that is runnable again.",
		Why:   "It is always runnable itself, so it is never dequeued.",
		Steps: []step{{Name: "call __schedule", Cost: costFn, Do: calls(fnScheduleInner)}}},
	fnScheduleInner: {Name: "__schedule", File: fileCore, Station: StSwitch,
		Say: "Takes a sleeper off the run queue and picks the task that runs next.",
		Why: "Being woken is not running yet: here, and nowhere else, it is decided who is next.",
		Steps: []step{
			{Name: "lock the run queue; does the task go to sleep?", Cost: costFn, Do: (*Machine).scheduleLock},
			{Name: "pick_next_task", Cost: costPick, Do: (*Machine).schedulePick},
			{Name: "unlock, go on", Cost: costFn, Do: (*Machine).scheduleUnlock,
				Say: "The run queue is unlocked: the task that has the core now goes on.", Why: "If another one was picked, that was a context switch; else nothing has changed."},
		}},
	fnContextSwitch: {Name: "context_switch", File: fileCore, Station: StSwitch,
		Say: "Changes the address space, the registers and the kernel stack.",
		Why: "From the switch of stacks on, the core executes where the next task once left off.",
		Steps: []step{
			{Name: "switch_mm: CR3", Cost: costSwitchMM, Do: (*Machine).switchMM},
			{Name: "__switch_to_asm: the kernel stack", Cost: costSwitch, Do: (*Machine).switchTo},
			{Name: "finish_task_switch", Cost: costFn, Do: (*Machine).finishTaskSwitch,
				Say: "The task that has come to the core tidies up behind the one that left it.", Why: "That one cannot: it executes nothing any more."},
		}},
}

// setSpecialState gives the running task a state that no wakeup may change: one
// that still runs on another core has to be over, so the step may have to be
// done again (set_special_state takes p->pi_lock for that).
func (m *Machine) setSpecialState(c *cpu.Core, s TaskState) bool {
	if !m.rqLock(c, int32(c.ID)) {
		return false
	}
	m.setState(m.current(c), s)
	m.rqUnlock(int32(c.ID))
	return true
}

// setState changes a task's state and notes when.
func (m *Machine) setState(t *Task, s TaskState) {
	if t.State != s {
		t.State, t.Since = s, m.Now
	}
}

func (m *Machine) scheduleCall(c *cpu.Core, r *sim.Record) {
	m.lock(c)
	c.Call(fnScheduleInner)
}

// scheduleDone goes round again if somebody asked for the core meanwhile.
func (m *Machine) scheduleDone(c *cpu.Core, r *sim.Record) {
	m.unlock(c)
	if m.current(c).NeedResched {
		c.Goto(0)
	}
}

// scheduleLock: a task that has said it wants to sleep leaves the run queue
// (deactivate_task), unless it was woken on the way here.
func (m *Machine) scheduleLock(c *cpu.Core, r *sim.Record) {
	if !m.rqLock(c, int32(c.ID)) {
		return
	}
	c.Frame().L[0] = m.irqSave(c)
	k, t := m.cpuOf(c), m.current(c)
	about(r, KindTask, k.Current)
	m.updateRqClock(int32(c.ID))
	if t.Idle {
		return
	}
	if t.State == Interruptible && t.signalPending() {
		m.setState(t, Running) // signal_pending_state: who has a signal to take does not sleep
	}
	if t.State != Running {
		why := dequeueSpecial
		if t.State == Interruptible || t.State == Uninterruptible {
			why = dequeueSleep
		}
		m.dequeueTask(int32(c.ID), k.Current, why)
		t.Switches++
		if t.Call.Active && t.Call.Roused {
			m.Counters.SpuriousWakeups++
			t.Call.Roused = false
		}
	}
}

// schedulePick has the run queue's lock, from scheduleLock or from pullTask.
func (m *Machine) schedulePick(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	prev := k.Current
	next := m.pickNextTask(int32(c.ID))
	m.Tasks[prev].NeedResched = false
	if _, waits := m.pullable(); next == k.Idle && waits != None {
		c.Again()
		m.rqUnlock(int32(c.ID)) // nobody waits for a run queue's lock with another in hand
		c.Call(m.class().balance)
		return
	}
	about(r, KindTask, next)
	r.Arg[0], r.Arg[1] = int64(prev), int64(k.RQ.Nr)
	if next != prev {
		c.Call(fnContextSwitch, int64(prev), int64(next))
	}
}

func (m *Machine) scheduleUnlock(c *cpu.Core, r *sim.Record) {
	m.rqUnlock(int32(c.ID))
	m.irqRestore(c, c.Frame().L[0])
}

// switchMM loads the next task's page tables; a kernel thread borrows what is
// there (lazy TLB).
func (m *Machine) switchMM(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	prev, next := TaskID(f.L[0]), TaskID(f.L[1])
	p, n := &m.Tasks[prev], &m.Tasks[next]
	about(r, KindTask, next)
	r.Arg[0], r.Arg[1] = int64(prev), int64(p.State)
	m.Counters.ContextSwitches++
	if p.State == Running && !p.Idle {
		m.Counters.Preemptions++
		p.Preempted++
	}
	if !n.Kernel && !n.Idle {
		c.Regs.CR3 = m.Procs[n.Proc].CR3
	}
	if n.Wakee > p.Wakee {
		c.Cause = n.Wakee
		n.Wakee = sim.NoSeq
	}
	m.point(c, r, PointSchedSwitch)
}

// switchTo changes stacks: what was below this frame is the next task's past.
func (m *Machine) switchTo(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	prev, next := TaskID(f.L[0]), TaskID(f.L[1])
	cr3 := c.Regs.CR3
	about(r, KindTask, next)
	c.Save(&m.Tasks[prev].Ctx)
	c.Load(&m.Tasks[next].Ctx)
	c.Regs.CR3 = cr3
	k := m.cpuOf(c)
	m.Tasks[prev].Preempt, k.Preempt = k.Preempt, m.Tasks[next].Preempt
	k.Current = next
	m.Tasks[next].CPU = int32(c.ID)
}

func (m *Machine) finishTaskSwitch(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, m.cpuOf(c).Current)
}

// scheduleTail is finish_task_switch for a task that has never run: it leaves
// the two locks that its birth found taken.
func (m *Machine) scheduleTail(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, m.cpuOf(c).Current)
	m.rqUnlock(int32(c.ID))
	m.unlock(c)
	m.unlock(c)
	c.Regs.RFLAGS |= cpu.FlagIF
}
