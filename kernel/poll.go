package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// How a file's poll operation lets its caller know of news: poll_wait and the
// poll table, include/linux/poll.h and fs/select.c.

const fileSelect = "fs/select.c"

// Poll tables, as poll operations get them: none, the one of the running task's
// poll or select, or the one of an epoll item, as its number plus pollItems.
const (
	pollNone  = 0
	pollTask  = 1
	pollItems = 2
)

var pollText = text{
	fnPollwait: oneStep("__pollwait", fileSelect, "an entry on the file's wait queue", costSleep, (*Machine).pollwait,
		"Queues the thread on the file's wait queue, with pollwake as the callback.", "poll and select do this for every descriptor, at every call, and undo it at the end."),
}

// pollWait queues the caller of a poll operation on the file's wait queue, if it
// brought a poll table (poll_wait). It may call a function: what comes after is
// the next step.
func (m *Machine) pollWait(c *cpu.Core, q QueueID, file, table int64) {
	switch {
	case table == pollNone:
	case table == pollTask:
		c.Call(fnPollwait, int64(q), file)
	default:
		c.Call(fnEpPtableQueueProc, int64(q), table-pollItems)
	}
}

// pollwait: locals are the wait queue and the file. The entry keeps the file
// open until poll_freewait.
func (m *Machine) pollwait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	t := m.current(c)
	w := m.newWait(WaitPoll, m.cpuOf(c).Current, false)
	about(r, KindWait, w)
	e := &m.Waits[w]
	e.Key, e.Chain, e.File = t.PollKey, t.PollTable, FileID(l[1])
	m.Files[l[1]].Refs++
	t.PollTable = w
	m.enqueueWait(QueueID(l[0]), w, false)
}

// pollwake: news of events that were not asked for are no reason to wake.
func (m *Machine) pollwake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	w := &m.Waits[f.L[0]]
	about(r, KindWait, WaitID(f.L[0]))
	if key := uint32(f.L[wakeKey]); key != 0 && key&w.Key == 0 {
		c.Return(0)
		return
	}
	m.Tasks[w.Obj].PollTriggered = true
	c.Tail(fnTryToWakeUp, int64(w.Obj))
}
