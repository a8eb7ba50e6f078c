package kernel

import "ringside/sim"

// Scheduling by priority: kernel/sched/rt.c. SCHED_FIFO lets a task run until it
// blocks; SCHED_RR puts it behind its equals when its time is used up. A task
// wakes ahead of those with lower priority only. The cooperative scheduler, which
// Linux does not have, knows no priorities: nothing but the running task itself
// gives the core away. Left out: the limit on real-time tasks (sched_rt_runtime).

// chargeCurr charges the running task for its time (update_curr_rt).
func (m *Machine) chargeCurr(core int32) {
	if t := m.runs(core); t != nil {
		m.charge(core, &t.SE)
	}
}

// insertRT puts a task behind those of its priority, or before them.
func (m *Machine) insertRT(core int32, id TaskID, head bool) {
	rq, prio := &m.CPUs[core].RQ, m.Tasks[id].Prio
	i := 0
	for i < len(rq.Queue) && (m.Tasks[rq.Queue[i]].Prio < prio || !head && m.Tasks[rq.Queue[i]].Prio == prio) {
		i++
	}
	rq.insert(i, id)
}

func (m *Machine) enqueueRT(core int32, id TaskID, _ bool) {
	m.chargeCurr(core)
	m.insertRT(core, id, false)
}

func (m *Machine) dequeueRT(core int32, id TaskID, _ dequeueReason) bool {
	m.chargeCurr(core)
	return true
}

// putPrevRT: who was preempted comes first among its equals, who has used its
// time up or has yielded, last.
func (m *Machine) putPrevRT(core int32, id TaskID) {
	se := &m.Tasks[id].SE
	m.insertRT(core, id, !se.Behind)
	se.Behind = false
}

// pickRT chooses the highest priority, which is the lowest number; the running
// task stays unless its turn is over.
func (m *Machine) pickRT(core int32) TaskID {
	m.chargeCurr(core)
	rq, t := &m.CPUs[core].RQ, m.runs(core)
	if len(rq.Queue) == 0 {
		if t == nil {
			return None
		}
		t.SE.Behind = false
		return rq.Curr
	}
	first := m.Tasks[rq.Queue[0]].Prio
	if t != nil && (t.Prio < first || t.Prio == first && !t.SE.Behind) {
		t.SE.Behind = false
		return rq.Curr
	}
	return rq.Queue[0]
}

func (m *Machine) setNextRT(int32, TaskID) {}

// tickRR counts the running task's turn down (task_tick_rt).
func (m *Machine) tickRR(core int32) {
	m.chargeCurr(core)
	t, rq := m.runs(core), &m.CPUs[core].RQ
	if t == nil {
		return
	}
	if t.SE.TimeSlice--; t.SE.TimeSlice > 0 {
		return
	}
	t.SE.TimeSlice = m.rrTimeslice(t.SE.Slice)
	if len(rq.Queue) > 0 && m.Tasks[rq.Queue[0]].Prio == t.Prio {
		t.SE.Behind = true
		m.reschedCurr(core)
	}
}

// rrTimeslice is a slice in ticks, one at least (sched_rr_timeslice).
func (m *Machine) rrTimeslice(slice sim.Time) int32 {
	hz := sim.Time(m.Config.Params.HZ)
	return max(1, int32((slice*hz+sim.Second-1)/sim.Second))
}

// preemptRT: only a higher priority takes the core (wakeup_preempt_rt).
func (m *Machine) preemptRT(core int32, id TaskID) {
	if t := m.runs(core); t != nil && m.Tasks[id].Prio < t.Prio {
		m.reschedCurr(core)
	}
}

// preemptNever is the cooperative scheduler's.
func (m *Machine) preemptNever(int32, TaskID) {}

// yieldRT: behind its equals (yield_task_rt).
func (m *Machine) yieldRT(core int32) {
	m.Tasks[m.CPUs[core].RQ.Curr].SE.Behind = true
}
