package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// EEVDF, the fair scheduler of Linux since 6.6: kernel/sched/fair.c. Every task
// has a virtual run time, which passes the faster the less it weighs; who has
// had less than the average is eligible, and of those the one with the earliest
// virtual deadline runs. Left out: group scheduling, SCHED_BATCH and SCHED_IDLE.

// SchedEntity is a task's scheduling state ("struct sched_entity", and
// "struct sched_rt_entity" for the last two).
type SchedEntity struct {
	Weight    sim.Time // sched_prio_to_weight; niceZeroLoad for nice 0
	Slice     sim.Time // what it asks for in one turn
	Vruntime  sim.Time
	Deadline  sim.Time
	Vlag      sim.Time // what it was owed when it went to sleep
	Vprot     sim.Time // while vruntime is below, a wakeup does not preempt it
	ExecStart sim.Time
	SumExec   sim.Time
	Delayed   bool // asleep, but on the queue until it has paid back what it had too much
	Relative  bool // the deadline is relative to vruntime: it moves to another core (rel_deadline)

	TimeSlice int32 // ticks that are left of its turn
	Behind    bool  // its turn is over: it goes behind its equals
}

// RunQueue is a core's queue of runnable tasks ("struct cfs_rq", or
// "struct rt_rq").
type RunQueue struct {
	Queue []TaskID // without the one that runs, in order: by deadline (Linux: a red-black tree), or by priority
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

// niceZeroLoad is the weight of nice 0 (NICE_0_LOAD).
const niceZeroLoad = 1024

// prioToWeight are the weights of nice -20 to 19 (sched_prio_to_weight): a step
// is a quarter more or less.
var prioToWeight = [40]sim.Time{
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
}

// virtual is how much virtual time a task's run of some time takes
// (calc_delta_fair).
func (se *SchedEntity) virtual(d sim.Time) sim.Time {
	if se.Weight == niceZeroLoad {
		return d
	}
	return d * niceZeroLoad / se.Weight
}

// runs gives the running task, if it is one that counts: runnable, not idle.
func (m *Machine) runs(core int32) *Task {
	if t := &m.Tasks[m.CPUs[core].RQ.Curr]; t.OnRQ && !t.Idle {
		return t
	}
	return nil
}

// avg gives the weighted sum of virtual run times, against the queue's last
// known virtual time so that it stays small, and the sum of weights; the running
// task is included.
func (m *Machine) avg(core int32) (sum, load sim.Time) {
	rq := &m.CPUs[core].RQ
	add := func(se *SchedEntity) {
		sum += (se.Vruntime - rq.V) * se.Weight
		load += se.Weight
	}
	for _, id := range rq.Queue {
		add(&m.Tasks[id].SE)
	}
	if t := m.runs(core); t != nil {
		add(&t.SE)
	}
	return sum, load
}

// avgVruntime is the queue's virtual time V, the average of all, rounded down
// (avg_vruntime).
func (m *Machine) avgVruntime(core int32) sim.Time {
	v := m.CPUs[core].RQ.V
	sum, load := m.avg(core)
	if load == 0 {
		return v
	}
	if sum < 0 {
		sum -= load - 1
	}
	return v + sum/load
}

// eligible tells whether a task has had no more than its share
// (entity_eligible).
func (m *Machine) eligible(core int32, id TaskID) bool {
	sum, load := m.avg(core)
	return (m.Tasks[id].SE.Vruntime-m.CPUs[core].RQ.V)*load <= sum
}

// updateCurr charges the running task for the time since the last look
// (update_curr).
func (m *Machine) updateCurr(core int32) {
	t := m.runs(core)
	if t == nil {
		return
	}
	rq, se := &m.CPUs[core].RQ, &t.SE
	se.Vruntime += se.virtual(m.charge(core, se))
	over := se.Vruntime >= se.Deadline
	if over {
		se.Deadline = se.Vruntime + se.virtual(se.Slice)
	}
	rq.V = m.avgVruntime(core)
	if rq.Nr > 1 && (over || se.Vruntime >= se.Vprot) {
		m.reschedCurr(core)
	}
}

// updateLag notes what a task is owed, within limits (update_entity_lag).
func (m *Machine) updateLag(core int32, se *SchedEntity) {
	limit := se.virtual(max(2*se.Slice, sim.Second/sim.Time(m.Config.Params.HZ)))
	se.Vlag = min(max(m.avgVruntime(core)-se.Vruntime, -limit), limit)
}

// place gives a task its position when it comes to the queue: at the average,
// moved by what it was owed. It moves the average itself, so its lag is made
// greater beforehand (place_entity). A new task gets half a slice.
func (m *Machine) place(core int32, id TaskID, fresh bool) {
	se := &m.Tasks[id].SE
	lag := sim.Time(0)
	if _, load := m.avg(core); load > 0 {
		lag = se.Vlag * (load + se.Weight) / load
	}
	se.Vruntime = m.avgVruntime(core) - lag
	if se.Relative {
		se.Deadline += se.Vruntime
		se.Relative = false
		return
	}
	slice := se.virtual(se.Slice)
	if fresh {
		slice /= 2
	}
	se.Deadline = se.Vruntime + slice
}

// insertFair puts a task into the queue, behind those with the same deadline
// (__enqueue_entity).
func (m *Machine) insertFair(core int32, id TaskID) {
	rq := &m.CPUs[core].RQ
	i := len(rq.Queue)
	for i > 0 && m.Tasks[rq.Queue[i-1]].SE.Deadline > m.Tasks[id].SE.Deadline {
		i--
	}
	rq.insert(i, id)
}

func (m *Machine) enqueueFair(core int32, id TaskID, fresh bool) {
	m.updateCurr(core)
	m.place(core, id, fresh)
	m.insertFair(core, id)
}

// requeueDelayed: a task whose dequeueing was delayed wakes again. What it is
// owed is not kept (requeue_delayed_entity, DELAY_ZERO).
func (m *Machine) requeueDelayed(core int32, id TaskID) {
	rq, se := &m.CPUs[core].RQ, &m.Tasks[id].SE
	m.updateLag(core, se)
	if se.Vlag > 0 {
		rq.remove(id)
		se.Vlag = 0
		m.place(core, id, false)
		if rq.Curr != id {
			m.insertFair(core, id)
		}
	}
	se.Delayed = false
}

// dequeueFair takes a task off its queue. A sleeper that has had more than its
// share stays, marked, until the others have caught up (DELAY_DEQUEUE): it
// cannot improve its place by sleeping.
func (m *Machine) dequeueFair(core int32, id TaskID, why dequeueReason) bool {
	m.updateCurr(core)
	se := &m.Tasks[id].SE
	if why == dequeueSleep && !m.eligible(core, id) {
		se.Delayed = true
		return false
	}
	m.updateLag(core, se)
	if why == dequeueMove {
		se.Deadline -= se.Vruntime
		se.Relative = true
	}
	return true
}

// finishDelayed takes a task off for good whose dequeueing was delayed
// (finish_delayed_dequeue_entity).
func (m *Machine) finishDelayed(core int32, id TaskID) {
	se := &m.Tasks[id].SE
	m.updateLag(core, se)
	se.Delayed, se.Vlag = false, min(se.Vlag, 0)
	m.dequeued(core, id)
}

// pickEEVDF chooses among the eligible: the earliest deadline, but with protect
// a running task is left alone until its slice is used up (RUN_TO_PARITY). It
// returns None when nobody is there.
func (m *Machine) pickEEVDF(core int32, protect bool) TaskID {
	rq := &m.CPUs[core].RQ
	t, curr := m.runs(core), rq.Curr
	switch {
	case t != nil && rq.Nr == 1:
		return curr
	case t == nil || !m.eligible(core, curr):
		curr = None
	case protect && t.SE.Vruntime < t.SE.Vprot:
		return curr
	}
	for _, id := range rq.Queue {
		if m.eligible(core, id) {
			if curr != None && t.SE.Deadline < m.Tasks[id].SE.Deadline {
				return curr
			}
			return id
		}
	}
	return curr
}

// pickFair: tasks whose dequeueing was delayed leave for good when the choice
// falls on them (pick_next_entity).
func (m *Machine) pickFair(core int32) TaskID {
	m.updateCurr(core)
	for {
		id := m.pickEEVDF(core, true)
		if id == None || !m.Tasks[id].SE.Delayed {
			return id
		}
		m.finishDelayed(core, id)
	}
}

// minSlice is the shortest slice of those that are on the queue
// (cfs_rq_min_slice).
func (m *Machine) minSlice(core int32) sim.Time {
	least := sim.Never
	if t := m.runs(core); t != nil {
		least = t.SE.Slice
	}
	for _, id := range m.CPUs[core].RQ.Queue {
		least = min(least, m.Tasks[id].SE.Slice)
	}
	return least
}

// setNextFair protects a task that starts to run until the end of its slice, or
// of the shortest one (set_next_entity, set_protect_slice).
func (m *Machine) setNextFair(core int32, id TaskID) {
	se := &m.Tasks[id].SE
	se.Vprot = se.Deadline
	if slice := m.minSlice(core); slice < se.Slice {
		se.Vprot = min(se.Vprot, se.Vruntime+se.virtual(slice))
	}
}

// preemptFair: a woken task runs instead of the current one if it would be
// chosen; one with a shorter slice overrides the other's protection
// (check_preempt_wakeup_fair, PREEMPT_SHORT).
func (m *Machine) preemptFair(core int32, id TaskID) {
	curr := m.runs(core)
	if curr == nil || curr.NeedResched {
		return
	}
	m.updateCurr(core)
	se, short := &curr.SE, m.Tasks[id].SE.Slice < curr.SE.Slice
	switch {
	case m.pickEEVDF(core, !short) == id:
		if short {
			se.Vprot = min(se.Vprot, se.Vruntime)
		}
		m.reschedCurr(core)
	case short:
		se.Vprot = min(se.Vprot, se.Vruntime+se.virtual(m.minSlice(core)))
	}
}

// yieldFair: the rest of the slice is given up (yield_task_fair).
func (m *Machine) yieldFair(core int32) {
	rq := &m.CPUs[core].RQ
	if rq.Nr <= 1 {
		return
	}
	m.updateCurr(core)
	if m.eligible(core, rq.Curr) {
		se := &m.Tasks[rq.Curr].SE
		se.Vruntime = se.Deadline
		se.Deadline += se.virtual(se.Slice)
	}
}
