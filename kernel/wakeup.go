package kernel

import (
	"math/bits"

	"ringside/cpu"
	"ringside/sim"
)

// Waking a task: kernel/sched/core.c.

const fileCore = "kernel/sched/core.c"

var wakeupText = text{
	fnTryToWakeUp: {Name: "try_to_wake_up", File: fileCore, Station: StWake,
		Say: "Makes a sleeping task runnable and chooses its core.",
		Why: "It does not run it: it only puts it on a run queue. When it runs is the scheduler's decision.",
		Steps: []step{
			{Name: "is it asleep?", Cost: costWaking, Do: (*Machine).ttwuWaking},
			{Name: "select_task_rq: on which core?", Cost: costFn, Do: (*Machine).ttwuSelect,
				Say: "Chooses the core on which the task is to run.", Why: "Where it last ran its data may be in the cache; an idle core has time at once."},
			{Name: "unlock", Cost: costFn, Do: (*Machine).ttwuDone,
				Say: "The wakeup is over: the task is runnable, and its lock is let go.", Why: "The lock is why two wakers do not put a task on two run queues."},
		}},
	fnTtwuDoActivate: {Name: "ttwu_do_activate", File: fileCore, Station: StRunQueue,
		Say: "Puts the task on the run queue and asks whether it should preempt the one that runs.",
		Why: "need_resched is only a flag; the switch happens where the kernel next looks at it.",
		Steps: []step{
			{Name: "enqueue_task_fair", Cost: costActivate, Do: (*Machine).ttwuEnqueue},
			{Name: "wakeup_preempt", Cost: costFn, Do: (*Machine).ttwuPreempt},
			{Name: "unlock the run queue", Cost: costFn, Do: (*Machine).ttwuUnlock},
		}},
	fnTtwuDoWakeup: {Name: "ttwu_do_wakeup", File: fileCore, Station: StRunQueue,
		Say:   "The task is runnable now: state R.",
		Why:   "Runnable is not running: it waits its turn.",
		Steps: []step{{Name: "TASK_RUNNING", Cost: costFn, Do: (*Machine).ttwuRunning}}},
	fnTtwuQueueWakelist: {Name: "ttwu_queue_wakelist", File: fileCore, Station: StRunQueue,
		Say:   "The chosen core is idle: leave the task on its wake list and interrupt it.",
		Why:   "So it enqueues the task itself, and its run queue stays in its own cache.",
		Steps: []step{{Name: "wake list, interrupt to the core", Cost: costMMIO, Do: (*Machine).ttwuQueue}}},
	fnSchedTtwuPending: {Name: "sched_ttwu_pending", File: fileCore, Station: StRunQueue,
		Say:   "Enqueues the tasks that other cores have woken for this one.",
		Why:   "This is the other end of ttwu_queue_wakelist.",
		Steps: []step{{Name: "next task on the wake list", Cost: costFn, Do: (*Machine).ttwuPending}}},
	fnWakeUpProcess: {Name: "wake_up_process", File: fileCore, Station: StWake,
		Say:   "Wakes one task that is known by name, not by a queue.",
		Why:   "A timer belongs to a task.",
		Steps: []step{{Name: "try_to_wake_up", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Tail(fnTryToWakeUp, c.Frame().L[0]) }}}},
}

// Locals of try_to_wake_up: the task, the saved interrupt flag, the core.
const (
	ttwuTask = iota
	ttwuFlags
	ttwuCPU
)

func (m *Machine) ttwuWaking(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	id := TaskID(f.L[ttwuTask])
	t := &m.Tasks[id]
	about(r, KindTask, id)
	if t.State != Interruptible && t.State != Uninterruptible {
		c.Return(0)
		return
	}
	if t.OnRQ && !m.rqLock(c, t.CPU) {
		return // before anything is done that cannot be done again
	}
	m.lock(c) // preempt_disable
	f.L[ttwuFlags] = m.irqSave(c)
	m.Counters.Wakeups++
	t.Wakee = m.Seq
	t.Call.Roused = t.Call.Active
	t.Call.Woken = t.Call.Active && m.cpuOf(c).servingSoftirq()
	r.Arg[0] = int64(t.CPU)
	m.point(c, r, PointSchedWaking)
	if t.OnRQ {
		m.ttwuRunnable(c, id)
		return
	}
	m.setState(t, Waking)
}

// ttwuRunnable: the task has not left its run queue yet, because it still runs
// towards schedule(), or because its dequeueing was delayed.
func (m *Machine) ttwuRunnable(c *cpu.Core, id TaskID) {
	f := c.Frame()
	t := &m.Tasks[id]
	m.lock(c)
	m.updateRqClock(t.CPU)
	if t.SE.Delayed {
		m.requeueDelayed(t.CPU, id)
	}
	if m.CPUs[t.CPU].Current != id {
		m.wakeupPreempt(t.CPU, id)
	}
	f.PC = 2
	f.L[ttwuCPU] = int64(t.CPU) + 1 // its run queue's lock is to be given back
	c.Call(fnTtwuDoWakeup, int64(id))
}

// ttwuSelect: a task that is still on its way off a core has its registers there.
// If that core has nothing else to do, it gets the task back; if not, the waker
// waits until they are saved (p->on_cpu).
func (m *Machine) ttwuSelect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	id := TaskID(f.L[ttwuTask])
	about(r, KindTask, id)
	t := &m.Tasks[id]
	onCPU := m.CPUs[t.CPU].Current == id
	if onCPU && m.CPUs[t.CPU].RQ.Nr > 0 {
		c.Spin()
		return
	}
	if !onCPU {
		t.CPU = m.selectTaskRQ(int32(c.ID), id)
	}
	r.Arg[0] = int64(t.CPU)
	if t.CPU != int32(c.ID) && (onCPU || m.CPUs[t.CPU].RQ.Nr == 0) {
		c.Call(fnTtwuQueueWakelist, int64(id), int64(t.CPU))
		return
	}
	c.Call(fnTtwuDoActivate, int64(id))
}

func (m *Machine) ttwuDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindTask, TaskID(f.L[ttwuTask]))
	if core := f.L[ttwuCPU]; core != 0 {
		m.rqUnlock(int32(core - 1))
		m.unlock(c)
	}
	m.irqRestore(c, f.L[ttwuFlags])
	m.unlock(c)
	c.Return(1)
}

func (m *Machine) ttwuEnqueue(c *cpu.Core, r *sim.Record) {
	id := TaskID(c.Frame().L[0])
	about(r, KindTask, id)
	if !m.rqLock(c, m.Tasks[id].CPU) {
		return
	}
	m.lock(c)
	m.updateRqClock(m.Tasks[id].CPU)
	m.enqueueTask(m.Tasks[id].CPU, id, false)
	r.Arg[0] = int64(m.Tasks[id].CPU)
}

func (m *Machine) ttwuPreempt(c *cpu.Core, r *sim.Record) {
	id := TaskID(c.Frame().L[0])
	about(r, KindTask, id)
	m.wakeupPreempt(m.Tasks[id].CPU, id)
	c.Call(fnTtwuDoWakeup, int64(id))
}

func (m *Machine) ttwuUnlock(c *cpu.Core, r *sim.Record) {
	id := TaskID(c.Frame().L[0])
	about(r, KindTask, id)
	m.rqUnlock(m.Tasks[id].CPU)
	m.unlock(c)
}

func (m *Machine) ttwuRunning(c *cpu.Core, r *sim.Record) {
	id := TaskID(c.Frame().L[0])
	t := &m.Tasks[id]
	m.setState(t, Running)
	about(r, KindTask, id)
	r.Arg[0] = int64(t.CPU)
	m.point(c, r, PointSchedWakeup)
}

func (m *Machine) ttwuQueue(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	id, target := TaskID(f.L[0]), int32(f.L[1])
	about(r, KindTask, id)
	r.Arg[0] = int64(target)
	k := &m.CPUs[target]
	k.Wake = append(k.Wake, id)
	if k.Polling {
		m.Tasks[k.Current].NeedResched = true // it looks by itself (call_function_single_prep_ipi)
		return
	}
	if len(k.Wake) > 1 {
		return // the interrupt is on its way already
	}
	m.sendIPI(target, VectorCallSingle)
	m.point(c, r, PointIPISendCPU)
}

func (m *Machine) ttwuPending(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	if len(k.Wake) == 0 {
		return
	}
	id := k.Wake[0]
	k.Wake = append(k.Wake[:0], k.Wake[1:]...)
	about(r, KindTask, id)
	if len(k.Wake) > 0 {
		c.Again()
	}
	c.Call(fnTtwuDoActivate, int64(id))
}

// idle tells whether a core has nothing to run, or has decided so
// (available_idle_cpu).
func (m *Machine) idle(core int32) bool {
	k := &m.CPUs[core]
	return k.RQ.Curr == k.Idle && k.RQ.Nr == 0 && len(k.Wake) == 0
}

// selectTaskRQ chooses a core for a task that wakes: the one it ran on, or this
// one if that is busy and this one idle (wake_affine); then from there on the
// first that is idle, if any is (select_idle_sibling). In outline: all cores
// share one cache, and loads are not weighed.
func (m *Machine) selectTaskRQ(this int32, id TaskID) int32 {
	t := &m.Tasks[id]
	if t.Affinity != None {
		return t.Affinity
	}
	target := t.CPU
	if !m.idle(target) && m.idle(this) {
		target = this
	}
	for i := range m.CPUs {
		if core := (target + int32(i)) % int32(len(m.CPUs)); m.idle(core) {
			return core
		}
	}
	return target
}

// reschedCurr sets need_resched on what a core runs, and tells another core by
// an interrupt, unless it looks by itself (resched_curr).
func (m *Machine) reschedCurr(core int32) {
	k := &m.CPUs[core]
	t := &m.Tasks[k.RQ.Curr]
	if t.NeedResched {
		return
	}
	t.NeedResched = true
	if m.here != core && !k.Polling {
		m.sendIPI(core, VectorResched)
	}
}

// sendIPI sends an interrupt message to a core: a write to the interrupt command
// register of this one (native_send_call_func_single_ipi and its kin).
func (m *Machine) sendIPI(core int32, vector uint8) {
	icr := cpu.ICR{Vector: vector, Dest: core}
	for to := icr.Targets(m.here, len(m.Cores)); to != 0; to &= to - 1 {
		m.Counters.IPIs++
		m.Queue.Push(sim.Event{At: m.Now + m.Costs[costIPI], Cause: m.Seq, Kind: evIPI, A: int32(bits.TrailingZeros64(to)), B: int32(icr.Vector)})
	}
}
