package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Wait queues: kernel/sched/wait.c. An entry is a callback with its subject;
// waking a queue calls the callbacks in order, and those that say so count
// against the number of exclusive waiters to wake.

const fileWait = "kernel/sched/wait.c"

var waitText = text{
	fnWakeUpSyncKey: {Name: "__wake_up_sync_key", File: fileWait, Station: StWaitQueue,
		Say:   "Wake the queue, with a key that says what happened: EPOLLIN.",
		Why:   "Sync is a hint: the waker is about to be done, so the woken task may as well stay on this core.",
		Steps: []step{{Name: "wake with a key", Cost: costFn, Do: wakesUp(wakeSync)}, {Name: "return", Cost: costFn, Do: nothing}}},
	fnWakeUpSync: {Name: "__wake_up_sync", File: fileWait, Station: StWaitQueue,
		Say:   "Wake the queue, without a key, on behalf of a waker that is about to be done.",
		Why:   "epoll passes the hint on that it was woken with (since 6.13; 6.1 did not).",
		Steps: []step{{Name: "wake", Cost: costFn, Do: wakesUp(wakeSync)}, {Name: "return", Cost: costFn, Do: nothing}}},
	fnWakeUp: {Name: "__wake_up", File: fileWait, Station: StWaitQueue,
		Say:   "Wake the queue.",
		Why:   "Exclusive waiters are woken one at a time, all others at once.",
		Steps: []step{{Name: "wake", Cost: costFn, Do: wakesUp(0)}, {Name: "return", Cost: costFn, Do: nothing}}},
	fnWakeUpCommonLock: {Name: "__wake_up_common_lock", File: fileWait, Station: StWaitQueue,
		Say: "Takes the queue's lock, with interrupts off.",
		Why: "Who is about to sleep takes the same lock: either it sees the data, or it is on the queue in time.",
		Steps: []step{
			{Name: "lock the queue", Cost: costFn, Do: (*Machine).wakeLock},
			{Name: "unlock", Cost: costFn, Do: (*Machine).wakeUnlock,
				Say: "The callbacks are done: the queue's lock is let go.", Why: "Whoever wants to wait here can queue itself again."},
		}},
	fnWakeUpCommon: {Name: "__wake_up_common", File: fileWait, Station: StWaitQueue,
		Say:   "Calls each entry's callback, until enough exclusive waiters were woken.",
		Why:   "The entry knows what to do: wake a thread, or tell an epoll instance.",
		Steps: []step{{Name: "next entry", Cost: costWakeEntry, Do: (*Machine).wakeNext}}},
	fnReceiverWake: {Name: "receiver_wake_function", File: "net/core/datagram.c", Station: StWake,
		Say:   "The callback of a thread that blocks in a receive.",
		Why:   "A wakeup that only says \"writable\" is none of its business.",
		Steps: []step{{Name: "is it for a reader?", Cost: costFn, Do: (*Machine).receiverWake}}},
	fnAutoremoveWake: {Name: "autoremove_wake_function", File: fileWait, Station: StWake,
		Say: "Wakes the task and takes its entry off the queue.",
		Why: "The woken thread need not touch the queue again.",
		Steps: []step{
			{Name: "wake it", Cost: costFn, Do: (*Machine).autoremoveWake},
			{Name: "take the entry off", Cost: costFn, Do: (*Machine).autoremoveDone},
		}},
	fnEpAutoremoveWake: {Name: "ep_autoremove_wake_function", File: fileEpoll, Station: StWake,
		Say: "The callback of a thread in epoll_wait: wakes it and takes its entry off the queue.",
		Why: "The entry goes whether or not the wakeup was needed, so that the next event finds the next waiter.",
		Steps: []step{
			{Name: "wake it", Cost: costFn, Do: (*Machine).autoremoveWake},
			{Name: "take the entry off", Cost: costFn, Do: (*Machine).epAutoremoveDone},
		}},
	fnPollwake: {Name: "pollwake", File: fileSelect, Station: StWake,
		Say:   "The callback of a thread in poll or select.",
		Why:   "News of other events than those asked for do not wake it.",
		Steps: []step{{Name: "is it one of the events?", Cost: costFn, Do: (*Machine).pollwake}, {Name: "return", Cost: costFn, Do: nothing}}},
	fnDefaultWake: {Name: "default_wake_function", File: "kernel/sched/core.c", Station: StWake,
		Say:   "The entry is a task: wake it up.",
		Why:   "All ways of waiting end here.",
		Steps: []step{{Name: "try_to_wake_up", Cost: costFn, Do: (*Machine).defaultWake}}},
	fnEntryWake: {Name: "default_wake_function", File: "kernel/sched/core.c", Station: StWake,
		Say:   "The entry is a task: wake it up.",
		Why:   "It stays on the queue until the task itself takes it off.",
		Steps: []step{{Name: "try_to_wake_up", Cost: costFn, Do: (*Machine).entryWake}}},
}

// wakeAll is the number of exclusive waiters to wake when all are to be woken:
// it never counts down to 0.
const wakeAll = 0

// Arguments of the wake functions: the queue (or the entry, for a callback),
// how many exclusive waiters to wake, the key.
const (
	wakeQueue = iota
	wakeNr
	wakeKey
	wakeFlags  // saved interrupt flag
	wakeCursor // the next entry
	wakeEntry  // the entry whose callback runs, plus one
)

// wakeSync goes with the key, above its 32 bits of events: the waker will sleep
// soon (WF_SYNC).
const wakeSync = 1 << 32

// wakesUp is the step of the functions that only differ in their flags.
func wakesUp(flags int64) func(*Machine, *cpu.Core, *sim.Record) {
	return func(m *Machine, c *cpu.Core, r *sim.Record) {
		f := c.Frame()
		about(r, KindQueue, int32(f.L[wakeQueue]))
		c.Call(fnWakeUpCommonLock, f.L[wakeQueue], f.L[wakeNr], f.L[wakeKey]|flags)
	}
}

func (m *Machine) wakeLock(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindQueue, int32(f.L[wakeQueue]))
	f.L[wakeFlags] = m.irqSave(c)
	c.Call(fnWakeUpCommon, f.L[wakeQueue], f.L[wakeNr], f.L[wakeKey])
}

func (m *Machine) wakeUnlock(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindQueue, int32(f.L[wakeQueue]))
	m.irqRestore(c, f.L[wakeFlags])
}

// wakeNext goes on after a callback: an exclusive waiter that was really woken
// counts. The next entry is remembered before the callback, which may take its
// own away.
func (m *Machine) wakeNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindQueue, int32(f.L[wakeQueue]))
	q, next := &m.Queues[f.L[wakeQueue]], WaitID(f.L[wakeCursor])
	if f.L[wakeEntry] == 0 {
		if m.queueSpin(c, QueueID(f.L[wakeQueue])) {
			return
		}
		q.Walker = c.ID + 1
		next = q.First
	} else if c.Result() != 0 && f.L[wakeFlags] != 0 {
		f.L[wakeNr]--
	}
	if next == None || f.L[wakeEntry] != 0 && f.L[wakeNr] == 0 && c.Result() != 0 && f.L[wakeFlags] != 0 {
		q.Walker = 0
		return
	}
	w := &m.Waits[next]
	f.L[wakeCursor], f.L[wakeEntry] = int64(w.Next), int64(next)+1
	f.L[wakeFlags] = 0
	if w.Exclusive {
		f.L[wakeFlags] = 1
	}
	f.PC = 0
	r.Arg[0], r.Arg[1] = int64(next), int64(w.Func)
	c.Call(waitFuncs[w.Func], int64(next), 0, f.L[wakeKey])
}

// waitFuncs are the callbacks' functions.
var waitFuncs = [...]cpu.CodeID{
	WaitReceiver:   fnReceiverWake,
	WaitEpCallback: fnEpPollCallback,
	WaitEpWake:     fnEpAutoremoveWake,
	WaitAutoremove: fnAutoremoveWake,
	WaitPoll:       fnPollwake,
	WaitDefault:    fnEntryWake,
	WaitWoken:      fnWokenWake,
}

// WaitFuncNames are their names.
var WaitFuncNames = [...]string{"", "receiver_wake_function", "ep_poll_callback", "ep_autoremove_wake_function",
	"autoremove_wake_function", "pollwake", "default_wake_function", "woken_wake_function"}

func (m *Machine) receiverWake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindWait, WaitID(f.L[0]))
	if key := uint32(f.L[wakeKey]); key != 0 && key&(EPOLLIN|EPOLLERR) == 0 {
		c.Return(0)
		return
	}
	c.Tail(fnAutoremoveWake, f.L[0])
}

func (m *Machine) autoremoveWake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindWait, WaitID(f.L[0]))
	c.Call(fnDefaultWake, int64(m.Waits[f.L[0]].Obj))
}

func (m *Machine) autoremoveDone(c *cpu.Core, r *sim.Record) {
	w := WaitID(c.Frame().L[0])
	about(r, KindWait, w)
	if c.Result() != 0 {
		m.dequeueWait(w)
	}
}

func (m *Machine) epAutoremoveDone(c *cpu.Core, r *sim.Record) {
	w := WaitID(c.Frame().L[0])
	about(r, KindWait, w)
	m.dequeueWait(w)
}

func (m *Machine) defaultWake(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, TaskID(c.Frame().L[0]))
	c.Tail(fnTryToWakeUp, c.Frame().L[0])
}

func (m *Machine) entryWake(c *cpu.Core, r *sim.Record) {
	w := WaitID(c.Frame().L[0])
	about(r, KindWait, w)
	c.Tail(fnTryToWakeUp, int64(m.Waits[w].Obj))
}

// prepareToWait queues the running task, which from now on counts as asleep: a
// wakeup between here and schedule() is not lost (prepare_to_wait). Exclusive
// waiters stand at the end of a queue, others at its front.
func (m *Machine) prepareToWait(c *cpu.Core, q QueueID, fn WaitFunc, exclusive bool) WaitID {
	task := m.cpuOf(c).Current
	w := m.newWait(fn, task, exclusive)
	m.enqueueWait(q, w, exclusive)
	m.setState(&m.Tasks[task], Interruptible)
	return w
}

// finishWait ends the wait: running again, and off the queue (finish_wait).
func (m *Machine) finishWait(c *cpu.Core, w WaitID) {
	m.setState(m.current(c), Running)
	m.freeWaitEntry(w)
}

// queueSpin tells whether another core walks a queue, with its lock held. The
// step is then done again, as a spinlock is tried again.
func (m *Machine) queueSpin(c *cpu.Core, q QueueID) bool {
	if m.Queues[q].Walker == 0 {
		return false
	}
	c.Spin()
	return true
}

// entrySpin is queueSpin for the queue that an entry is on.
func (m *Machine) entrySpin(c *cpu.Core, w WaitID) bool {
	return m.Waits[w].Queue != None && m.queueSpin(c, m.Waits[w].Queue)
}

// newQueue makes an empty wait queue.
func (m *Machine) newQueue() QueueID {
	m.Queues = append(m.Queues, WaitQueue{First: None, Last: None})
	return QueueID(len(m.Queues) - 1)
}

// newWait makes an entry that is on no queue.
func (m *Machine) newWait(fn WaitFunc, obj int32, exclusive bool) WaitID {
	id := m.freeWait
	if id == None {
		id = WaitID(len(m.Waits))
		m.Waits = append(m.Waits, Wait{})
	} else {
		m.freeWait = m.Waits[id].Next
	}
	m.Waits[id] = Wait{Next: None, Prev: None, Queue: None, Func: fn, Obj: obj, Exclusive: exclusive, Chain: None, File: None}
	return id
}

// freeWaitEntry takes an entry off its queue and gives it back.
func (m *Machine) freeWaitEntry(id WaitID) {
	m.dequeueWait(id)
	m.Waits[id] = Wait{Next: m.freeWait, Prev: None, Queue: None, Func: WaitNone}
	m.freeWait = id
}

// enqueueWait puts an entry on a queue: at the front, or at the end
// (__add_wait_queue, __add_wait_queue_entry_tail).
func (m *Machine) enqueueWait(q QueueID, id WaitID, tail bool) {
	w, h := &m.Waits[id], &m.Queues[q]
	w.Queue = q
	switch {
	case h.First == None:
		h.First, h.Last, w.Next, w.Prev = id, id, None, None
	case tail:
		w.Prev, w.Next = h.Last, None
		m.Waits[h.Last].Next, h.Last = id, id
	default:
		w.Next, w.Prev = h.First, None
		m.Waits[h.First].Prev, h.First = id, id
	}
}

// dequeueWait takes an entry off its queue, if it is on one
// (list_del_init_careful).
func (m *Machine) dequeueWait(id WaitID) {
	w := &m.Waits[id]
	if w.Queue == None {
		return
	}
	h := &m.Queues[w.Queue]
	if w.Prev == None {
		h.First = w.Next
	} else {
		m.Waits[w.Prev].Next = w.Next
	}
	if w.Next == None {
		h.Last = w.Prev
	} else {
		m.Waits[w.Next].Prev = w.Prev
	}
	w.Next, w.Prev, w.Queue = None, None, None
}
