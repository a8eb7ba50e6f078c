package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// What every scheduler has to be able to do, and what is common to all of them:
// kernel/sched/core.c and sched.h. Linux asks its classes in turn, real time
// before fair; a modelled machine has one class for all its tasks.

// Scheduler is a way to share a core.
type Scheduler uint8

const (
	EEVDF       Scheduler = iota // SCHED_OTHER
	RR                           // SCHED_RR
	FIFO                         // SCHED_FIFO
	Cooperative                  // not preemptive
	NumSchedulers
)

// Schedulers are their names.
var Schedulers = [NumSchedulers]string{"eevdf", "rr", "fifo", "cooperative"}

// RealTime tells whether its tasks have priorities instead of nice values.
func (s Scheduler) RealTime() bool { return s == RR || s == FIFO }

// DefaultSlice is the length of a turn (sysctl_sched_base_slice, RR_TIMESLICE).
func (s Scheduler) DefaultSlice() sim.Time {
	if s == RR {
		return 100 * sim.Millisecond
	}
	return 3 * sim.Millisecond
}

// dequeueReason is why a task leaves its queue.
type dequeueReason uint8

const (
	dequeueSleep   dequeueReason = iota // DEQUEUE_SLEEP
	dequeueSpecial                      // DEQUEUE_SPECIAL: it is stopped, or it has ended
	dequeueMove                         // to another core's queue
)

// schedClass is what a scheduler does ("struct sched_class").
type schedClass struct {
	enqueue func(m *Machine, core int32, id TaskID, fresh bool)             // enqueue_task: into the queue
	dequeue func(m *Machine, core int32, id TaskID, why dequeueReason) bool // dequeue_task: false if it stays for now
	yield   func(m *Machine, core int32)                                    // yield_task
	preempt func(m *Machine, core int32, id TaskID)                         // wakeup_preempt: need_resched for a woken task?
	pick    func(m *Machine, core int32) TaskID                             // pick_task, or None
	put     func(m *Machine, core int32, id TaskID)                         // put_prev_task: back into the queue
	next    func(m *Machine, core int32, id TaskID)                         // set_next_task: it starts to run
	tick    func(m *Machine, core int32)                                    // task_tick
	balance cpu.CodeID                                                      // balance: nothing to run here, look elsewhere
}

var schedClasses = [NumSchedulers]schedClass{
	EEVDF: {
		enqueue: (*Machine).enqueueFair, dequeue: (*Machine).dequeueFair, yield: (*Machine).yieldFair, preempt: (*Machine).preemptFair,
		pick: (*Machine).pickFair, put: (*Machine).insertFair, next: (*Machine).setNextFair, tick: (*Machine).updateCurr,
		balance: fnSchedBalanceNewidle,
	},
	RR: {
		enqueue: (*Machine).enqueueRT, dequeue: (*Machine).dequeueRT, yield: (*Machine).yieldRT, preempt: (*Machine).preemptRT,
		pick: (*Machine).pickRT, put: (*Machine).putPrevRT, next: (*Machine).setNextRT, tick: (*Machine).tickRR,
		balance: fnPullRTTask,
	},
	FIFO: {
		enqueue: (*Machine).enqueueRT, dequeue: (*Machine).dequeueRT, yield: (*Machine).yieldRT, preempt: (*Machine).preemptRT,
		pick: (*Machine).pickRT, put: (*Machine).putPrevRT, next: (*Machine).setNextRT, tick: (*Machine).chargeCurr,
		balance: fnPullRTTask,
	},
	Cooperative: {
		enqueue: (*Machine).enqueueRT, dequeue: (*Machine).dequeueRT, yield: (*Machine).yieldRT, preempt: (*Machine).preemptNever,
		pick: (*Machine).pickRT, put: (*Machine).putPrevRT, next: (*Machine).setNextRT, tick: (*Machine).chargeCurr,
		balance: fnPullRTTask,
	},
}

func (m *Machine) class() *schedClass { return &schedClasses[m.Config.Params.Scheduler] }

// Priorities as the kernel counts them: lower is more important.
const (
	maxRTPrio   = 100
	defaultPrio = 120
)

// taskPrio is a thread's priority.
func taskPrio(s Scheduler, tc *ThreadConfig) int32 {
	if s.RealTime() {
		return maxRTPrio - 1 - int32(max(tc.Priority, 1))
	}
	return defaultPrio + int32(tc.Nice)
}

// initSched gives a new task what the scheduler needs (sched_fork).
func (m *Machine) initSched(t *Task) {
	if t.Prio == 0 && t.Thread == None {
		t.Prio = defaultPrio
	}
	t.SE.Weight = prioToWeight[max(t.Prio, maxRTPrio)-maxRTPrio]
	t.SE.Slice = m.Config.Params.Slice
	t.SE.TimeSlice = m.rrTimeslice(t.SE.Slice)
}

// insert puts a task into the queue at a place.
func (rq *RunQueue) insert(i int, id TaskID) {
	rq.Queue = append(rq.Queue, 0)
	copy(rq.Queue[i+1:], rq.Queue[i:])
	rq.Queue[i] = id
}

// remove takes a task out of the queue; the running one is not in it.
func (rq *RunQueue) remove(id TaskID) {
	for i, t := range rq.Queue {
		if t == id {
			rq.Queue = append(rq.Queue[:i], rq.Queue[i+1:]...)
			return
		}
	}
}

// updateRqClock reads the clock, once for everything that is done under one lock
// of the run queue (update_rq_clock): between placing a woken task and comparing
// it with the running one, no time passes.
func (m *Machine) updateRqClock(core int32) { m.CPUs[core].RQ.Clock = m.Now }

// charge counts the time that a running task has had since the last look
// (update_curr_se).
func (m *Machine) charge(core int32, se *SchedEntity) sim.Time {
	now := m.CPUs[core].RQ.Clock
	delta := now - se.ExecStart
	se.ExecStart = now
	se.SumExec += delta
	return delta
}

// enqueueTask makes a task runnable on a core (enqueue_task).
func (m *Machine) enqueueTask(core int32, id TaskID, fresh bool) {
	m.class().enqueue(m, core, id, fresh)
	m.CPUs[core].RQ.Nr++
	m.Tasks[id].OnRQ = true
	m.startTick(core)
}

// dequeueTask takes a task off its queue, if its class lets it go at once
// (dequeue_task).
func (m *Machine) dequeueTask(core int32, id TaskID, why dequeueReason) {
	if m.class().dequeue(m, core, id, why) {
		m.dequeued(core, id)
	}
}

func (m *Machine) dequeued(core int32, id TaskID) {
	rq := &m.CPUs[core].RQ
	rq.remove(id)
	rq.Nr--
	m.Tasks[id].OnRQ = false
}

// wakeupPreempt asks whether a woken task should run instead of the current one;
// the idle task always gives way (wakeup_preempt).
func (m *Machine) wakeupPreempt(core int32, id TaskID) {
	if m.Tasks[m.CPUs[core].RQ.Curr].Idle {
		m.reschedCurr(core)
		return
	}
	m.class().preempt(m, core, id)
}

// yieldTask is sched_yield.
func (m *Machine) yieldTask(core int32) { m.class().yield(m, core) }

// pickNextTask is the scheduler's choice, the idle task if there is none. Who
// goes on running is not set up anew (put_prev_set_next_task).
func (m *Machine) pickNextTask(core int32) TaskID {
	k, class := &m.CPUs[core], m.class()
	id := class.pick(m, core)
	if id == None {
		id = k.Idle
	}
	if id == k.RQ.Curr {
		return id
	}
	k.RQ.remove(id)
	if prev := k.RQ.Curr; m.runs(core) != nil {
		class.put(m, core, prev)
	}
	k.RQ.Curr = id
	if id != k.Idle {
		class.next(m, core, id)
		m.Tasks[id].SE.ExecStart = k.RQ.Clock
	}
	return id
}

// balanceText is what a core does that has nothing to run.
var balanceText = text{
	fnSchedBalanceNewidle: oneStep("sched_balance_newidle", "kernel/sched/fair.c", "pull a task", costActivate, (*Machine).pullTask,
		"The core is about to go idle: it takes a waiting task from the busiest core.", "A core must not idle while another has more than it can run."),
	fnPullRTTask: oneStep("pull_rt_task", "kernel/sched/rt.c", "pull a task", costActivate, (*Machine).pullTask,
		"The core has nothing to run: it takes a waiting task from another one.", "A core must not idle while another has more than it can run."),
}

// pullable finds a task that waits on another core and may run on this one: the
// first in the longest queue, if that has more than one. Linux also leaves a task where it is that has run
// there a moment ago, and balances at the tick; the model does neither.
func (m *Machine) pullable() (from int32, id TaskID) {
	from, id = None, None
	for core := range m.CPUs {
		k := &m.CPUs[core]
		if k.RQ.Nr < 2 || from != None && k.RQ.Nr <= m.CPUs[from].RQ.Nr {
			continue
		}
		for _, waits := range k.RQ.Queue {
			t := &m.Tasks[waits]
			if t.Affinity == None && !t.SE.Delayed && k.Current != waits { // and not just being switched away from
				from, id = int32(core), waits
				break
			}
		}
	}
	return from, id
}

// pullTask comes back with this run queue's lock, and has both for the move
// (double_rq_lock).
func (m *Machine) pullTask(c *cpu.Core, r *sim.Record) {
	from, id := m.pullable()
	if !m.rqLock(c, int32(c.ID)) || id == None {
		return
	}
	if !m.rqLock(c, from) {
		m.rqUnlock(int32(c.ID))
		return
	}
	defer m.rqUnlock(from)
	about(r, KindTask, id)
	r.Arg[0], r.Arg[1] = int64(from), int64(c.ID)
	m.updateRqClock(from)
	m.dequeueTask(from, id, dequeueMove)
	m.Tasks[id].CPU = int32(c.ID)
	m.updateRqClock(int32(c.ID))
	m.enqueueTask(int32(c.ID), id, false)
}
