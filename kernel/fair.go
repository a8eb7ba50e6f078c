package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// EEVDF, the fair scheduler of Linux since 6.6: kernel/sched/fair.c. Every task
// has a virtual run time; who has had less than the average is eligible, and of
// those the one with the earliest virtual deadline runs. Left out: nice values
// (all weights are equal, so virtual time is time), group scheduling, load
// balancing between cores.

// SchedEntity is a task's scheduling state ("struct sched_entity").
type SchedEntity struct {
	Vruntime  sim.Time
	Deadline  sim.Time
	Vlag      sim.Time // what it was owed when it went to sleep
	Vprot     sim.Time // while vruntime is below, a wakeup does not preempt it
	ExecStart sim.Time
	SumExec   sim.Time
	Delayed   bool // asleep, but on the queue until it has paid back what it had too much
}

// RunQueue is a core's queue of runnable tasks ("struct cfs_rq").
type RunQueue struct {
	Queue []TaskID // without the one that runs, earliest deadline first (Linux: a red-black tree)
	Nr    int32    // with it
	Curr  TaskID   // the task that runs, or is about to
	V     sim.Time // the queue's virtual time when it was last known
	Clock sim.Time // the time as of the last lock of the queue
	Lock  int8     // the core that holds its lock, plus one; or 0
}

// rqLock takes a run queue's lock. If a core has it, it returns false and the
// step is done again (raw_spin_rq_lock).
func (m *Machine) rqLock(c *cpu.Core, core int32) bool {
	rq := &m.CPUs[core].RQ
	if rq.Lock != 0 {
		c.Spin()
		return false
	}
	rq.Lock = c.ID + 1
	return true
}

func (m *Machine) rqUnlock(core int32) { m.CPUs[core].RQ.Lock = 0 }

// updateRqClock reads the clock, once for everything that is done under one lock
// of the run queue (update_rq_clock): between placing a woken task and comparing
// it with the running one, no time passes.
func (m *Machine) updateRqClock(core int32) { m.CPUs[core].RQ.Clock = m.Now }

// avg gives the sum of virtual run times and their number, the running task
// included: the average is the queue's virtual time V (avg_vruntime).
func (m *Machine) avg(core int32) (sum sim.Time, n sim.Time) {
	k := &m.CPUs[core]
	for _, id := range k.RQ.Queue {
		sum += m.Tasks[id].SE.Vruntime
	}
	n = sim.Time(len(k.RQ.Queue))
	if t := &m.Tasks[k.RQ.Curr]; t.OnRQ && !t.Idle {
		sum += t.SE.Vruntime
		n++
	}
	return sum, n
}

// eligible tells whether a task has had no more than its share
// (entity_eligible).
func (m *Machine) eligible(core int32, id TaskID) bool {
	sum, n := m.avg(core)
	return m.Tasks[id].SE.Vruntime*n <= sum
}

// updateCurr charges the running task for the time since the last look.
func (m *Machine) updateCurr(core int32) {
	k := &m.CPUs[core]
	t := &m.Tasks[k.RQ.Curr]
	if t.Idle || !t.OnRQ {
		return
	}
	se := &t.SE
	delta := k.RQ.Clock - se.ExecStart
	se.ExecStart = k.RQ.Clock
	se.Vruntime += delta
	se.SumExec += delta
	over := se.Vruntime >= se.Deadline
	if over {
		se.Deadline = se.Vruntime + m.Config.Params.Slice
	}
	if sum, n := m.avg(core); n > 0 {
		k.RQ.V = sum / n
	}
	if k.RQ.Nr > 1 && (over || se.Vruntime >= se.Vprot) {
		m.reschedCurr(core)
	}
}

// place gives a task its position when it comes to the queue: at the average,
// moved by what it was owed (place_entity). A new task gets half a slice.
func (m *Machine) place(core int32, id TaskID, fresh bool) {
	se := &m.Tasks[id].SE
	slice := m.Config.Params.Slice
	sum, n := m.avg(core)
	switch {
	case n == 0:
		se.Vruntime = m.CPUs[core].RQ.V
	default:
		lag := se.Vlag * (n + 1) / n
		se.Vruntime = sum/n - lag
	}
	if fresh {
		slice /= 2
	}
	se.Deadline = se.Vruntime + slice
}

// insert puts a task into the queue, behind those with the same deadline.
func (m *Machine) insert(core int32, id TaskID) {
	rq := &m.CPUs[core].RQ
	d := m.Tasks[id].SE.Deadline
	i := len(rq.Queue)
	for i > 0 && m.Tasks[rq.Queue[i-1]].SE.Deadline > d {
		i--
	}
	rq.Queue = append(rq.Queue, 0)
	copy(rq.Queue[i+1:], rq.Queue[i:])
	rq.Queue[i] = id
}

// remove takes a task out of the queue; the running one is not in it.
func (m *Machine) remove(core int32, id TaskID) {
	rq := &m.CPUs[core].RQ
	for i, t := range rq.Queue {
		if t == id {
			rq.Queue = append(rq.Queue[:i], rq.Queue[i+1:]...)
			return
		}
	}
}

// enqueueTask makes a task runnable on a core (enqueue_task_fair).
func (m *Machine) enqueueTask(core int32, id TaskID, fresh bool) {
	m.updateCurr(core)
	m.place(core, id, fresh)
	m.insert(core, id)
	m.CPUs[core].RQ.Nr++
	m.Tasks[id].OnRQ = true
	m.startTick(core)
}

// requeueDelayed: a task whose dequeueing was delayed wakes again. What it is
// owed is not kept (DELAY_ZERO).
func (m *Machine) requeueDelayed(core int32, id TaskID) {
	se := &m.Tasks[id].SE
	sum, n := m.avg(core)
	if se.Delayed = false; sum/n-se.Vruntime > 0 && m.CPUs[core].RQ.Curr != id {
		m.remove(core, id)
		se.Vlag = 0
		m.Tasks[id].OnRQ = false
		m.place(core, id, false)
		m.Tasks[id].OnRQ = true
		m.insert(core, id)
	}
}

// dequeueTask takes the running task off its queue. A sleeper that has had more
// than its share stays, marked, until the others have caught up
// (DELAY_DEQUEUE): it cannot improve its place by sleeping.
func (m *Machine) dequeueTask(core int32, id TaskID, sleep bool) {
	if sleep && !m.eligible(core, id) {
		m.Tasks[id].SE.Delayed = true
		return
	}
	m.finishDequeue(core, id)
}

func (m *Machine) finishDequeue(core int32, id TaskID) {
	t := &m.Tasks[id]
	sum, n := m.avg(core)
	limit := 2 * m.Config.Params.Slice
	t.SE.Vlag = min(max(sum/n-t.SE.Vruntime, -limit), limit)
	if t.SE.Delayed {
		t.SE.Delayed, t.SE.Vlag = false, min(t.SE.Vlag, 0)
	}
	m.remove(core, id)
	t.OnRQ = false
	m.CPUs[core].RQ.Nr--
}

// pickEEVDF chooses among the eligible: the earliest deadline, but a running
// task is left alone until its slice is used up (RUN_TO_PARITY). It returns
// None when nobody is there.
func (m *Machine) pickEEVDF(core int32) TaskID {
	k := &m.CPUs[core]
	sum, n := m.avg(core)
	curr := k.RQ.Curr
	if t := &m.Tasks[curr]; t.Idle || !t.OnRQ || t.SE.Vruntime*n > sum {
		curr = None
	} else if n == 1 || t.SE.Vruntime < t.SE.Vprot && !t.SE.Delayed {
		return curr
	}
	for _, id := range k.RQ.Queue {
		if m.Tasks[id].SE.Vruntime*n <= sum {
			if curr != None && m.Tasks[curr].SE.Deadline < m.Tasks[id].SE.Deadline {
				return curr
			}
			return id
		}
	}
	return curr
}

// pickNextTask is the scheduler's choice; tasks whose dequeueing was delayed
// leave for good when it falls on them.
func (m *Machine) pickNextTask(core int32) TaskID {
	k := &m.CPUs[core]
	for {
		id := m.pickEEVDF(core)
		if id == None {
			m.putPrev(core)
			k.RQ.Curr = k.Idle
			return k.Idle
		}
		if m.Tasks[id].SE.Delayed {
			m.finishDequeue(core, id)
			continue
		}
		if id != k.RQ.Curr {
			m.remove(core, id)
			m.putPrev(core)
			k.RQ.Curr = id
		}
		m.setNext(core, id)
		return id
	}
}

// putPrev puts the task that ran back into the queue, if it is still runnable.
func (m *Machine) putPrev(core int32) {
	prev := m.CPUs[core].RQ.Curr
	if t := &m.Tasks[prev]; t.OnRQ && !t.Idle {
		m.insert(core, prev)
	}
}

// setNext notes that a task starts to run (set_next_entity).
func (m *Machine) setNext(core int32, id TaskID) {
	se := &m.Tasks[id].SE
	se.ExecStart = m.CPUs[core].RQ.Clock
	se.Vprot = se.Deadline
}

// wakeupPreempt asks whether a woken task should run instead of the current one
// (check_preempt_wakeup_fair).
func (m *Machine) wakeupPreempt(core int32, id TaskID) {
	k := &m.CPUs[core]
	if m.Tasks[k.RQ.Curr].Idle {
		m.reschedCurr(core)
		return
	}
	m.updateCurr(core)
	if m.Tasks[k.RQ.Curr].NeedResched || m.pickEEVDF(core) == id {
		m.reschedCurr(core)
	}
}

// yieldTask is sched_yield: the rest of the slice is given up.
func (m *Machine) yieldTask(core int32) {
	k := &m.CPUs[core]
	if k.RQ.Nr <= 1 {
		return
	}
	m.updateCurr(core)
	if m.eligible(core, k.RQ.Curr) {
		se := &m.Tasks[k.RQ.Curr].SE
		se.Vruntime = se.Deadline
		se.Deadline += m.Config.Params.Slice
	}
}
