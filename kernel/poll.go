package kernel

import (
	"encoding/binary"

	"ringside/cpu"
	"ringside/sim"
)

// poll and ppoll, and how a file's poll operation lets its caller know of news:
// poll_wait and the poll table, include/linux/poll.h and fs/select.c. select is
// in select.go.
//
// Each call walks all descriptors, puts an entry on each one's wait queue,
// sleeps, walks all of them again and takes the entries off. Left out: busy
// polling of cards, the copies in pieces of a page, the update of ppoll's
// timeout.

const fileSelect = "fs/select.c"

// Poll tables, as poll operations get them: none, the one of the running task's
// poll or select, or the one of an epoll item, as its number plus pollItems.
const (
	pollNone  = 0
	pollTask  = 1
	pollItems = 2
)

var pollText = text{
	fnSysPoll: {Name: "__x64_sys_poll", File: fileSelect,
		Say: "The system call: wait for events on an array of descriptors.", Why: "Each entry of the table of system calls is such a function.",
		Steps: []step{
			{Name: "when is time up?", Cost: costFn, Do: (*Machine).sysPoll},
			{Name: "return", Cost: costFn, Do: (*Machine).sysPollDone},
		}},
	fnSysPpoll: {Name: "__x64_sys_ppoll", File: fileSelect,
		Say: "The system call: poll, with a mask of signals for the time of the wait.", Why: "Mask and wait are one step: a signal between the two would be slept over.",
		Steps: []step{
			{Name: "when is time up? set_user_sigmask", Cost: costFn, Do: (*Machine).sysPpoll},
			{Name: "poll_select_finish", Cost: costFn, Do: (*Machine).pollSelectFinish},
		}},
	fnDoSysPoll: {Name: "do_sys_poll", File: fileSelect,
		Say: "Copies the array in, polls, and copies what was found out.",
		Why: "The kernel remembers nothing between two calls: the whole array travels each time.",
		Steps: []step{
			{Name: "poll_initwait, copy the array in", Cost: costPoll, Do: (*Machine).doSysPoll},
			{Name: "off all wait queues", Cost: costFn, Do: (*Machine).doSysPollFree},
			{Name: "copy revents out", Cost: costCopy, Do: (*Machine).doSysPollOut},
		}},
	fnDoPoll: {Name: "do_poll", File: fileSelect,
		Say: "Walks all descriptors; if none has news, sleeps, and walks all of them again.",
		Why: "A wakeup does not say which descriptor it came from.",
		Steps: []step{
			{Name: "next descriptor", Cost: cpu.CostNone, Do: (*Machine).doPollNext},
			{Name: "anything found? else sleep", Cost: costFn, Do: (*Machine).doPollSleep},
			{Name: "awake: walk again", Cost: costFn, Do: (*Machine).doPollAwake},
		}},
	fnDoPollfd: {Name: "do_pollfd", File: fileSelect,
		Say: "Asks one file what is possible now, and keeps what was asked for.",
		Why: "POLLERR, POLLHUP and POLLNVAL are always asked for; a negative number is passed over.",
		Steps: []step{
			{Name: "find the open file, poll it", Cost: costPollFD, Do: (*Machine).doPollfd},
			{Name: "keep what was asked for", Cost: cpu.CostNone, Do: (*Machine).doPollfdMask},
			{Name: "return", Cost: cpu.CostNone, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[pfMask]) }},
		}},
	fnVfsPoll: oneStep("vfs_poll", "include/linux/poll.h", "the file's poll operation", cpu.CostNone, (*Machine).vfsPoll,
		"Calls the poll operation of that kind of file.", "A file that has none is always ready: that is why regular files never block a poll."),
	fnPollScheduleTimeout: {Name: "poll_schedule_timeout", File: fileSelect, Station: StSwitch,
		Say: "Sleeps until one of the descriptors has news, or time is up.",
		Why: "The state is set first and triggered looked at after: a callback that came during the walk is not slept over.",
		Steps: []step{
			{Name: "state S, triggered?", Cost: costFn, Do: (*Machine).pollSchedule},
			{Name: "awake: state R, not triggered", Cost: costFn, Do: (*Machine).pollScheduleDone},
		}},
	fnPollFreewait: {Name: "poll_freewait", File: fileSelect,
		Say:   "Takes the thread's entries off all wait queues.",
		Why:   "The next call will put them there again.",
		Steps: []step{{Name: "next entry", Cost: costPollFree, Do: (*Machine).pollFreewait}}},
	fnPollwait: oneStep("__pollwait", fileSelect, "an entry on the file's wait queue", costPollWait, (*Machine).pollwait,
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
	m.Counters.PollCallbacks++
	if key := uint32(f.L[wakeKey]); key != 0 && key&w.Key == 0 {
		c.Return(0)
		return
	}
	m.Tasks[w.Obj].PollTriggered = true
	c.Call(fnTryToWakeUp, int64(w.Obj))
}

// pollInitwait empties the running task's poll table (poll_initwait).
func (m *Machine) pollInitwait(c *cpu.Core) {
	t := m.current(c)
	t.PollTable, t.PollKey, t.PollTriggered = None, 0, false
}

// pollFreewait takes the entries off, one a step.
func (m *Machine) pollFreewait(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	w := t.PollTable
	if w == None || m.entrySpin(c, w) {
		return
	}
	about(r, KindWait, w)
	r.Station = m.wokenStation(c)
	file := m.Waits[w].File
	t.PollTable = m.Waits[w].Chain
	m.freeWaitEntry(w)
	if t.PollTable != None {
		c.Again()
	}
	m.filpClose(c, file)
}

// endTime is when time is up, for a timeout in ns: Never for a negative one, and
// 0, which is no time at all, for 0 (poll_select_set_timeout).
func (m *Machine) endTime(ns int64) int64 {
	switch {
	case ns < 0:
		return int64(sim.Never)
	case ns == 0:
		return 0
	}
	return int64(m.Now) + ns
}

// sysPoll: arguments are the array, its length, the timeout in ms.
func (m *Machine) sysPoll(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	c.Call(fnDoSysPoll, l[0], l[1], m.endTime(msToNs(l[2])))
}

// sysPollDone: poll can be made again for the time that is left, if there is no
// handler; ppoll and select cannot.
func (m *Machine) sysPollDone(c *cpu.Core, r *sim.Record) {
	r.Station = m.wokenStation(c)
	if c.Result() == -ERESTARTNOHAND {
		c.Return(-ERESTART_RESTARTBLOCK)
	}
}

// sysPpoll: arguments are the array, its length, the timeout in ns or -1, the
// mask.
func (m *Machine) sysPpoll(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if l[2] < -1 {
		c.Return(-EINVAL)
		return
	}
	m.setUserSigmask(c, l[3])
	c.Call(fnDoSysPoll, l[0], l[1], m.endTime(l[2]))
}

func (m *Machine) pollSelectFinish(c *cpu.Core, r *sim.Record) {
	r.Station = m.wokenStation(c)
	m.restoreSigmask(c, c.Result() == -ERESTARTNOHAND)
}

// Struct pollfd: descriptor, events, revents.
const (
	pollfdBytes   = 8
	pollfdEvents  = 4
	pollfdRevents = 6
)

// Locals of do_sys_poll, after its arguments (the array, its length, the end
// time): the array's copy, the result.
const (
	spUfds = iota
	spNfds
	spEnd
	spBuf
	spRes
)

func (m *Machine) doSysPoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	n := int64(uint32(f.L[spNfds]))
	if n > maxFDs {
		c.Return(-EINVAL)
		return
	}
	if !m.reach(c, f.L[spUfds], n*pollfdBytes, toRead) {
		return
	}
	buf := m.newBuf(int(n) * pollfdBytes)
	if !m.copyFromUser(c, m.Bufs[buf], f.L[spUfds]) {
		m.freeBuf(buf)
		c.Return(-EFAULT)
		return
	}
	m.pollInitwait(c)
	f.L[spNfds], f.L[spBuf] = n, int64(buf)
	r.Arg[0] = n
	c.Call(fnDoPoll, int64(buf), n, f.L[spEnd])
}

func (m *Machine) doSysPollFree(c *cpu.Core, r *sim.Record) {
	r.Station = m.wokenStation(c)
	c.Frame().L[spRes] = c.Result()
	c.Call(fnPollFreewait)
}

// doSysPollOut writes the revents, and nothing else, back; also when the wait
// was interrupted.
func (m *Machine) doSysPollOut(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	fds, res := m.Bufs[f.L[spBuf]], f.L[spRes]
	if !m.reach(c, f.L[spUfds], int64(len(fds)), toWrite) {
		return
	}
	if out := m.userWrite(c, f.L[spUfds], int64(len(fds))); out != nil || len(fds) == 0 {
		for at := pollfdRevents; at < len(fds); at += pollfdBytes {
			copy(out[at:], fds[at:at+2])
			m.Counters.CopiedBytes += 2
		}
	} else {
		res = -EFAULT
	}
	m.freeBuf(BufID(f.L[spBuf]))
	c.Return(res)
}

// Locals of do_poll, after its arguments (the copy, its length, the end time or
// 0): how many descriptors this walk has asked, how many have news, and whether
// the thread has queued itself (pt->_qproc is NULL).
const (
	dpBuf = iota
	dpNfds
	dpEnd
	dpNext
	dpCount
	dpQueued
)

// doPollNext notes what the last descriptor's file has said and asks the next.
func (m *Machine) doPollNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	next := f.L[dpNext]
	r.Arg[0] = next
	if next > 0 {
		mask := c.Result()
		r.Arg[1] = mask
		binary.LittleEndian.PutUint16(m.Bufs[f.L[dpBuf]][(next-1)*pollfdBytes+pollfdRevents:], uint16(mask))
		if mask != 0 {
			f.L[dpCount]++
		}
	}
	if next == f.L[dpNfds] {
		return
	}
	f.L[dpNext]++
	c.Again()
	c.Call(fnDoPollfd, f.L[dpBuf], next, pollTable(f.L[dpEnd], f.L[dpCount], f.L[dpQueued]))
}

// pollTable is the table that a walk's next poll operation gets: none if the
// call will not sleep, because something was found or no time is left, or if
// this is not the first walk.
func pollTable(end, found, queued int64) int64 {
	if end == 0 || found > 0 || queued != 0 {
		return pollNone
	}
	return pollTask
}

func (m *Machine) doPollSleep(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	f.L[dpQueued] = 1
	switch {
	case f.L[dpCount] > 0:
		c.Return(f.L[dpCount])
	case m.signalPending(c):
		c.Return(-ERESTARTNOHAND)
	case f.L[dpEnd] == 0:
		c.Return(0)
	default:
		c.Call(fnPollScheduleTimeout, f.L[dpEnd])
	}
}

func (m *Machine) doPollAwake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	if c.Result() == 0 {
		f.L[dpEnd] = 0
	}
	f.L[dpNext] = 0
	c.Goto(0)
}

// Locals of do_pollfd, after its arguments (the copy, the index, the poll
// table): the file, what was asked for, the result.
const (
	pfFile   = 3
	pfFilter = 4
	pfMask   = 5
)

func (m *Machine) doPollfd(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	pfd := m.Bufs[f.L[0]][f.L[1]*pollfdBytes:]
	fd := int32(binary.LittleEndian.Uint32(pfd))
	about(r, KindFD, fd)
	r.Station = m.wokenStation(c)
	m.Counters.PollScanned++
	if fd < 0 {
		c.Return(0)
		return
	}
	file := m.fdLookup(c, int64(fd))
	if file == None {
		c.Return(EPOLLNVAL)
		return
	}
	filter := uint32(binary.LittleEndian.Uint16(pfd[pollfdEvents:])) | EPOLLERR | EPOLLHUP
	m.current(c).PollKey = filter
	m.Files[file].Refs++
	f.L[pfFile], f.L[pfFilter] = int64(file), int64(filter)
	c.Call(fnVfsPoll, int64(file), f.L[2])
}

func (m *Machine) doPollfdMask(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	f.L[pfMask] = c.Result() & f.L[pfFilter]
	r.Arg[0] = f.L[pfMask]
	m.pollfdPut(c, FileID(f.L[pfFile]), f.L[pfMask])
}

// pollfdPut gives the file back and returns, unless another thread has closed it
// meanwhile: then it is released first, and the caller's next step returns.
func (m *Machine) pollfdPut(c *cpu.Core, file FileID, mask int64) {
	if m.Files[file].Refs > 1 {
		m.Files[file].Refs--
		c.Return(mask)
		return
	}
	m.filpClose(c, file)
}

// defaultPollmask is what a file without a poll operation is ready for
// (DEFAULT_POLLMASK).
const defaultPollmask = EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM

// vfsPoll: locals are the file and the poll table.
func (m *Machine) vfsPoll(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Station = m.wokenStation(c)
	op := fileOps[m.Files[l[0]].Kind].poll
	if op == fnNone {
		c.Return(defaultPollmask)
		return
	}
	c.Tail(op, l[0], l[1])
}

// pollSchedule: local 0 is the end time, or Never.
func (m *Machine) pollSchedule(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	about(r, KindTask, m.cpuOf(c).Current)
	m.setState(t, Interruptible)
	if !t.PollTriggered {
		c.Call(fnScheduleHrtimeoutRange, c.Frame().L[0])
		return
	}
	c.Regs.RAX = -EINTR & (1<<64 - 1)
}

// pollScheduleDone passes on whether it was the time (0) that ended the sleep.
func (m *Machine) pollScheduleDone(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	about(r, KindTask, m.cpuOf(c).Current)
	r.Station = m.wokenStation(c)
	m.setState(t, Running)
	t.PollTriggered = false
}
