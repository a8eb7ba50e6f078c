package kernel

import (
	"encoding/binary"

	"ringside/cpu"
	"ringside/sim"
)

// epoll's waiting side and its callback: fs/eventpoll.c. Registration is in
// epoll_ctl.go.
//
// An item watches a file through an entry on the file's wait queue. When the
// file has news, the entry's callback puts the item on the ready list and wakes
// a thread in epoll_wait. What is ready is found without looking at what is
// not.

const fileEpoll = "fs/eventpoll.c"

var epollText = text{
	fnEpPollCallback: {Name: "ep_poll_callback", File: fileEpoll, Station: StEpoll,
		Say: "The file has news: its item goes to the ready list, and a waiter, if any, is woken.",
		Why: "This is why epoll_wait need not look at idle descriptors: the work is done when something happens.",
		Steps: []step{
			{Name: "item to the ready list", Cost: costEpCallback, Do: (*Machine).epPollCallback},
			{Name: "unlock", Cost: costFn, Do: (*Machine).epPollCallbackDone,
				Say: "The callback is done, and lets the instance's lock go.", Why: "Until here no epoll_wait could take the ready list."},
			{Name: "return", Cost: cpu.CostNone, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[cbWake]) }},
		}},
	fnEpPollSafewake: {Name: "ep_poll_safewake", File: fileEpoll, Station: StEpoll,
		Say: "Who polls this instance is told: another instance, or a thread in poll.",
		Why: "An epoll instance is a file that is readable when it has events.",
		Steps: []step{
			{Name: "wake ep->poll_wait", Cost: costFn, Do: (*Machine).epPollSafewake},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnSysEpollWait: {Name: "__x64_sys_epoll_wait", File: fileEpoll,
		Say: "The system call: wait for events on an epoll instance.", Why: "Each entry of the table of system calls is such a function.",
		Steps: []step{
			{Name: "unpack the arguments", Cost: costFn, Do: (*Machine).sysEpollWait},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnSysEpollPwait:  epollPwait("__x64_sys_epoll_pwait", (*Machine).sysEpollPwait),
	fnSysEpollPwait2: epollPwait("__x64_sys_epoll_pwait2", (*Machine).sysEpollPwait2),
	fnDoEpollWait: {Name: "do_epoll_wait", File: fileEpoll,
		Say: "Checks the arguments and finds the instance behind the descriptor.",
		Why: "maxevents must be above zero, and the descriptor must be an epoll instance.",
		Steps: []step{
			{Name: "check, find the instance", Cost: costFD, Do: (*Machine).doEpollWait},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnEpPoll: {Name: "ep_poll", File: fileEpoll,
		Say: "Anything ready? If not, sleep until there is.",
		Why: "It queues itself and looks again under the same lock that the callback takes: no event slips through between.",
		Steps: []step{
			{Name: "anything on the ready list?", Cost: costFn, Do: (*Machine).epPollLook},
			{Name: "harvested", Cost: costFn, Do: (*Machine).epPollHarvested,
				Say: "The events are copied: their number is what epoll_wait returns.", Why: "If no item had anything to report after all, it waits on."},
			{Name: "queue on ep->wq, look again, sleep", Cost: costSleep, Do: (*Machine).epPollSleep},
			{Name: "awake: off the queue", Cost: costFn, Do: (*Machine).epPollAwake,
				Say: "Awake, and off the instance's wait queue: is there something to report?", Why: "A wakeup brings no event; it says that it may be worth looking."},
		}},
	fnEpSendEvents: {Name: "ep_send_events", File: fileEpoll,
		Say: "Polls each ready item again and copies the events to user space.",
		Why: "The ready list is only a hint: what is reported is what is true now.",
		Steps: []step{
			{Name: "take the ready list", Cost: costEpScan, Do: (*Machine).sendEventsStart},
			{Name: "next item: poll it again", Cost: costEpItem, Do: (*Machine).sendEventsNext},
			{Name: "anything to report?", Cost: costFn, Do: (*Machine).sendEventsMask},
			{Name: "copy the event; back to the list if level-triggered", Cost: costCopy, Do: (*Machine).sendEventsCopy},
			{Name: "end the scan", Cost: costFn, Do: (*Machine).sendEventsEnd},
			{Name: "return the number of events", Cost: costFn, Do: (*Machine).sendEventsReturn},
		}},
	fnEpDoneScan: {Name: "ep_done_scan", File: fileEpoll,
		Say: "Brings in what arrived during the scan and what did not fit.",
		Why: "During the scan the callback used the overflow list, so that the ready list could be walked in peace.",
		Steps: []step{
			{Name: "overflow list and leftovers to the ready list", Cost: costEpScan, Do: (*Machine).doneScan},
			{Name: "done", Cost: costFn, Do: nothing,
				Say: "The scan is over.", Why: "From here on the callback puts items on the ready list itself again."},
		}},
	fnEpItemPoll: {Name: "ep_item_poll", File: fileEpoll,
		Say: "Asks the file what is possible now, and keeps the bits that were asked for.",
		Why: "EPOLLERR and EPOLLHUP are always asked for.",
		Steps: []step{
			{Name: "call the file's poll", Cost: costFn, Do: (*Machine).epItemPoll},
			{Name: "mask", Cost: costFn, Do: (*Machine).epItemMask},
		}},
	fnEpPtableQueueProc: {Name: "ep_ptable_queue_proc", File: fileEpoll,
		Say:   "Puts the item's entry, with its callback, on the file's wait queue.",
		Why:   "It happens once, at EPOLL_CTL_ADD; poll and select do it at every call.",
		Steps: []step{{Name: "entry on the file's wait queue", Cost: costSleep, Do: (*Machine).epQueueProc}}},
	fnSysEpollCreate1: {Name: "__x64_sys_epoll_create1", File: fileEpoll, Say: "Makes an epoll instance and a descriptor for it.",
		Why:   "The instance is a file like any other.",
		Steps: []step{{Name: "make the instance", Cost: costSocket, Do: (*Machine).sysEpollCreate1}}},
	fnSysEpollCreate: {Name: "__x64_sys_epoll_create", File: fileEpoll, Say: "The older call: its size is a hint that nobody reads.",
		Why:   "It must be above zero all the same.",
		Steps: []step{{Name: "make the instance", Cost: costSocket, Do: (*Machine).sysEpollCreate}}},
	fnSysEpollCtl: sysCall("__x64_sys_epoll_ctl", fileEpoll, fnDoEpollCtl,
		"The system call: change the interest list."),
	fnDoEpollCtl: {Name: "do_epoll_ctl", File: fileEpoll,
		Say: "Checks both descriptors and finds the item by file and number.",
		Why: "The key is the open file and the number together: the same number can mean another file later.",
		Steps: []step{
			{Name: "check, find the item", Cost: costEpCtl, Do: (*Machine).doEpollCtl},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnEpInsert: {Name: "ep_insert", File: fileEpoll,
		Say: "Makes an item, queues it on the file and asks whether the file is ready already.",
		Why: "Queue first, look after: an event in between is seen by one of the two.",
		Steps: []step{
			{Name: "make the item", Cost: costEpCtl, Do: (*Machine).epInsert},
			{Name: "ready already?", Cost: costFn, Do: (*Machine).epInsertReady},
			{Name: "anybody who polls the instance?", Cost: cpu.CostNone, Do: (*Machine).readyTell},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnEpRemove: {Name: "ep_remove", File: fileEpoll,
		Say: "Takes the item off the file's wait queue and off the lists.", Why: "From now on the file knows nothing of this instance.",
		Steps: []step{{Name: "remove the item", Cost: costEpCtl, Do: (*Machine).epRemove}}},
	fnEpModify: {Name: "ep_modify", File: fileEpoll,
		Say: "Changes the item's mask and looks at once whether it is ready under the new one.",
		Why: "This is how a one-shot item is armed again.",
		Steps: []step{
			{Name: "new mask, poll", Cost: costEpCtl, Do: (*Machine).epModify},
			{Name: "ready already?", Cost: costFn, Do: (*Machine).epModifyReady},
			{Name: "anybody who polls the instance?", Cost: cpu.CostNone, Do: (*Machine).readyTell},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
}

// epollPwait is epoll_wait with a mask of signals.
func epollPwait(name string, do func(*Machine, *cpu.Core, *sim.Record)) code {
	return code{Name: name, File: fileEpoll, Say: "The system call: epoll_wait, with a mask of signals for the time of the wait.",
		Why: "Mask and wait are one step: a signal between the two would be slept over.",
		Steps: []step{
			{Name: "set_user_sigmask", Cost: costFn, Do: do},
			{Name: "restore_saved_sigmask_unless", Cost: costFn, Do: (*Machine).sysEpollPwaitDone},
		}}
}

// sysCall is the outermost function of a system call, which only unpacks the
// arguments.
func sysCall(name, file string, inner cpu.CodeID, say string) code {
	return code{Name: name, File: file, Say: say, Why: "Each entry of the table of system calls is such a function.",
		Steps: []step{
			{Name: "unpack the arguments", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) {
				l := c.Frame().L
				c.Call(inner, l[:]...)
			}},
			{Name: "return", Cost: costFn, Do: nothing},
		}}
}

func returnsZero(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(0) }

// Locals of ep_poll_callback, after its arguments: saved flags, result.
const (
	cbFlags = 3
	cbWake  = 4
	cbNews  = 5 // the item is ready: who polls the instance is to know
)

func (m *Machine) epPollCallback(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	epi := EpiID(m.Waits[f.L[0]].Obj)
	it := &m.Epis[epi]
	ep := &m.Eps[it.Ep]
	about(r, KindEpi, epi)
	m.Counters.EpCallbacks++
	m.epMarkNAPI(it.Ep, it.File)
	f.L[cbFlags] = m.irqSave(c)
	f.L[cbWake], f.L[cbNews] = 0, 0
	key := uint32(f.L[wakeKey])
	if it.Events&^epPrivateBits == 0 || key != 0 && key&it.Events == 0 {
		if it.Events&EPOLLEXCLUSIVE == 0 {
			f.L[cbWake] = 1
		}
		return // a one-shot item that has fired, or news of no interest
	}
	f.L[cbNews] = 1
	if ep.Scanning {
		m.chainOverflow(it.Ep, epi)
	} else if !it.OnReady {
		m.readyAdd(it.Ep, epi, true)
	}
	if it.Events&EPOLLEXCLUSIVE == 0 {
		f.L[cbWake] = 1
	}
	if m.Queues[ep.WQ].First != None {
		if it.Events&EPOLLEXCLUSIVE != 0 {
			f.L[cbWake] = exclusiveWake(key, it.Events)
		}
		r.Arg[0] = int64(ep.WQ)
		wake := cpu.CodeID(fnWakeUp)
		if f.L[wakeKey]&wakeSync != 0 {
			wake = fnWakeUpSync
		}
		c.Call(wake, int64(ep.WQ), 1, 0)
	}
}

// exclusiveWake tells whether an exclusive item takes the wakeup for itself:
// when it waits for what has happened.
func exclusiveWake(key, events uint32) int64 {
	switch key & (EPOLLIN | EPOLLOUT) {
	case EPOLLIN:
		return int64(events & EPOLLIN)
	case EPOLLOUT:
		return int64(events & EPOLLOUT)
	case 0:
		return 1
	}
	return 0
}

func (m *Machine) epPollCallbackDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEpi, EpiID(m.Waits[f.L[0]].Obj))
	m.irqRestore(c, f.L[cbFlags])
	if q := m.Eps[m.Epis[m.Waits[f.L[0]].Obj].Ep].PollWait; f.L[cbNews] != 0 && m.Queues[q].First != None {
		c.Call(fnEpPollSafewake, int64(q), EPOLLIN)
		return
	}
	c.Return(f.L[cbWake])
}

// epPollSafewake: locals are the queue and the key.
func (m *Machine) epPollSafewake(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindQueue, QueueID(l[0]))
	c.Call(fnWakeUpCommonLock, l[0], 1, l[1])
}

// msToNs is a timeout in milliseconds, or a negative number for none.
func msToNs(ms int64) int64 {
	if int32(ms) < 0 {
		return -1
	}
	return int64(int32(ms)) * int64(sim.Millisecond)
}

// sysEpollWait: arguments are epfd, events, maxevents, timeout in ms.
func (m *Machine) sysEpollWait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	c.Call(fnDoEpollWait, l[0], l[1], l[2], msToNs(l[3]))
}

// sysEpollPwait: the fifth argument is a set of signals that are held back
// during the call.
func (m *Machine) sysEpollPwait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	m.setUserSigmask(c, l[4])
	c.Call(fnDoEpollWait, l[0], l[1], l[2], msToNs(l[3]))
}

// sysEpollPwait2: the timeout is in nanoseconds.
func (m *Machine) sysEpollPwait2(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if l[3] < -1 {
		c.Return(-EINVAL)
		return
	}
	m.setUserSigmask(c, l[4])
	c.Call(fnDoEpollWait, l[0], l[1], l[2], l[3])
}

func (m *Machine) sysEpollPwaitDone(c *cpu.Core, r *sim.Record) {
	m.restoreSigmask(c, c.Result() == -EINTR)
}

// doEpollWait: arguments are epfd, events, maxevents, timeout in ns or -1.
func (m *Machine) doEpollWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	max := int32(f.L[2])
	switch {
	case file == None:
		c.Return(-EBADF)
	case max <= 0 || max > 1<<31/12:
		c.Return(-EINVAL)
	case m.Files[file].Kind != FileEpoll:
		c.Return(-EINVAL)
	default:
		until := int64(sim.Never)
		noWait := int64(0)
		if f.L[3] >= 0 {
			until = int64(m.Now) + f.L[3]
		}
		if f.L[3] == 0 {
			noWait = 1
		}
		c.Call(fnEpPoll, int64(m.Files[file].Obj), f.L[1], f.L[2], until, noWait)
	}
}

// Locals of ep_poll: the instance, where the events go and how many, until
// when, whether time is up, the entry on ep->wq plus one.
const (
	epEp = iota
	epEvents
	epMax
	epUntil
	epTimedOut
	epWait
)

func (m *Machine) epAvailable(ep EpID) bool {
	e := &m.Eps[ep]
	return e.Ready != None || e.Scanning && e.Overflow != None
}

func (m *Machine) epPollLook(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEp, EpID(f.L[epEp]))
	if !m.epAvailable(EpID(f.L[epEp])) {
		f.PC = 2
		return
	}
	c.Call(fnEpSendEvents, f.L[epEp], f.L[epEvents], f.L[epMax])
}

func (m *Machine) epPollHarvested(c *cpu.Core, r *sim.Record) {
	about(r, KindEp, EpID(c.Frame().L[epEp]))
	r.Station = m.wokenStation(c)
	if n := c.Result(); n != 0 {
		c.Return(n)
	}
}

// epPollSleep: the task says that it sleeps, queues itself, and only then looks
// a last time, all under ep->lock. In any other order an event between the look
// and the queueing would wake nobody.
func (m *Machine) epPollSleep(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	ep := EpID(f.L[epEp])
	about(r, KindEp, ep)
	switch {
	case f.L[epTimedOut] != 0:
		c.Return(0)
		return
	case m.epCanBusyLoop(ep):
		c.Goto(0)
		c.Call(fnEpBusyLoop, f.L[epEp])
		return
	case m.signalPending(c):
		c.Return(-EINTR)
		return
	}
	task := m.cpuOf(c).Current
	w := m.newWait(WaitEpWake, task, true)
	f.L[epWait] = int64(w) + 1
	m.setState(&m.Tasks[task], Interruptible)
	if m.epAvailable(ep) {
		return
	}
	m.enqueueWait(m.Eps[ep].WQ, w, false)
	r.Arg[0] = int64(w)
	c.Call(fnScheduleHrtimeoutRange, f.L[epUntil])
}

func (m *Machine) epPollAwake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	ep, w := EpID(f.L[epEp]), WaitID(f.L[epWait]-1)
	about(r, KindEp, ep)
	r.Station = m.wokenStation(c)
	if m.entrySpin(c, w) {
		return
	}
	t := m.current(c)
	m.setState(t, Running)
	avail := true
	if m.Waits[w].Queue != None && t.TimedOut {
		avail = false
	}
	if t.TimedOut {
		f.L[epTimedOut] = 1
	}
	m.freeWaitEntry(w)
	f.L[epWait] = 0
	if !avail {
		f.PC = 2
		return
	}
	f.PC = 1
	c.Call(fnEpSendEvents, f.L[epEp], f.L[epEvents], f.L[epMax])
}

// Locals of ep_send_events, after its arguments (instance, events, maxevents):
// what is left of the list it took, the number of events, the item in hand.
const (
	seTx = 3 + iota
	seRes
	seItem
)

func (m *Machine) sendEventsStart(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	e := &m.Eps[f.L[0]]
	about(r, KindEp, EpID(f.L[0]))
	r.Station = m.wokenStation(c)
	if m.epSpin(c, EpID(f.L[0])) {
		return
	}
	e.Locked = true
	f.L[seTx] = int64(e.Ready)
	e.Ready, e.ReadyEnd = None, None
	e.Scanning, e.Overflow = true, None
}

func (m *Machine) sendEventsNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	about(r, KindEp, EpID(f.L[0]))
	if f.L[seTx] == None || f.L[seRes] >= f.L[2] {
		f.PC = 4
		return
	}
	epi := EpiID(f.L[seTx])
	it := &m.Epis[epi]
	f.L[seTx], f.L[seItem] = int64(it.Next), int64(epi)
	it.OnReady, it.Next, it.Prev = false, None, None
	about(r, KindEpi, epi)
	c.Call(fnEpItemPoll, int64(epi), 0)
}

// sendEventsMask: with nothing to report any more, the item just falls off the
// list.
func (m *Machine) sendEventsMask(c *cpu.Core, r *sim.Record) {
	about(r, KindEpi, EpiID(c.Frame().L[seItem]))
	r.Station = m.wokenStation(c)
	r.Arg[0] = c.Result()
	if c.Result() == 0 {
		c.Goto(1)
	}
}

func (m *Machine) sendEventsCopy(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	epi := EpiID(f.L[seItem])
	it := &m.Epis[epi]
	about(r, KindEpi, epi)
	r.Station = m.wokenStation(c)
	at := f.L[1] + f.L[seRes]*epollEventBytes
	if !m.reach(c, at, epollEventBytes, toWrite) {
		return
	}
	f.PC = 1
	revents := uint32(c.Result())
	r.Arg[0] = int64(revents)
	out := m.userWrite(c, at, epollEventBytes)
	if out == nil {
		m.Epis[epi].Next, m.Epis[epi].OnReady = EpiID(f.L[seTx]), true
		f.L[seTx] = int64(epi)
		if f.L[seRes] == 0 {
			f.L[seRes] = -EFAULT
		}
		f.PC = 4
		return
	}
	binary.LittleEndian.PutUint32(out, revents)
	binary.LittleEndian.PutUint64(out[4:], uint64(it.Data))
	m.Counters.CopiedBytes += epollEventBytes
	f.L[seRes]++
	switch {
	case it.Events&EPOLLONESHOT != 0:
		it.Events &= epPrivateBits
	case it.Events&EPOLLET == 0:
		m.readyAdd(EpID(f.L[0]), epi, true)
	}
}

// epollEventBytes is sizeof(struct epoll_event), which is packed on x86-64.
const epollEventBytes = 12

func (m *Machine) sendEventsEnd(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEp, EpID(f.L[0]))
	r.Station = m.wokenStation(c)
	c.Call(fnEpDoneScan, f.L[0], f.L[seTx])
}

func (m *Machine) sendEventsReturn(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEp, EpID(f.L[0]))
	r.Station = m.wokenStation(c)
	c.Return(f.L[seRes])
}

// doneScan: leftovers of the scanned list come first, then what the overflow
// list brings, in the order of arrival, before what was put back.
func (m *Machine) doneScan(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	ep := EpID(f.L[0])
	e := &m.Eps[ep]
	about(r, KindEp, ep)
	r.Station = m.wokenStation(c)
	for epi := e.Overflow; epi != None; {
		it := &m.Epis[epi]
		next := it.NextOvf
		it.OnOvf, it.NextOvf = false, None
		if !it.OnReady {
			m.readyAdd(ep, epi, false)
		}
		epi = next
	}
	e.Overflow, e.Scanning, e.Locked = None, false, false
	m.spliceReady(ep, EpiID(f.L[1]))
	if e.Ready != None && m.Queues[e.WQ].First != None {
		c.Call(fnWakeUp, int64(e.WQ), 1, 0)
	}
}

func (m *Machine) epItemPoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEpi, EpiID(f.L[0]))
	r.Station = m.wokenStation(c)
	m.Counters.EpPolled++
	file := m.Epis[f.L[0]].File
	if m.Files[file].Refs == 0 {
		c.Return(0) // the file is being closed (epi_fget)
		return
	}
	table := int64(pollNone)
	if f.L[1] != 0 {
		table = pollItems + f.L[0]
	}
	c.Call(fileOps[m.Files[file].Kind].poll, int64(file), table)
}

func (m *Machine) epItemMask(c *cpu.Core, r *sim.Record) {
	epi := EpiID(c.Frame().L[0])
	about(r, KindEpi, epi)
	r.Station = m.wokenStation(c)
	c.Return(c.Result() & int64(m.Epis[epi].Events))
}

// epQueueProc: locals are the wait queue and the item.
func (m *Machine) epQueueProc(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	epi := EpiID(l[1])
	it := &m.Epis[epi]
	exclusive := it.Events&EPOLLEXCLUSIVE != 0
	it.Wait = m.newWait(WaitEpCallback, epi, exclusive)
	about(r, KindEpi, epi)
	m.enqueueWait(QueueID(l[0]), it.Wait, exclusive)
}

// readyAdd puts an item on the ready list, at the end or at the front.
func (m *Machine) readyAdd(ep EpID, epi EpiID, tail bool) {
	e, it := &m.Eps[ep], &m.Epis[epi]
	it.OnReady = true
	switch {
	case e.Ready == None:
		e.Ready, e.ReadyEnd, it.Next, it.Prev = epi, epi, None, None
	case tail:
		it.Prev, it.Next = e.ReadyEnd, None
		m.Epis[e.ReadyEnd].Next, e.ReadyEnd = epi, epi
	default:
		it.Next, it.Prev = e.Ready, None
		m.Epis[e.Ready].Prev, e.Ready = epi, epi
	}
}

// readyDel takes an item off the ready list.
func (m *Machine) readyDel(ep EpID, epi EpiID) {
	e, it := &m.Eps[ep], &m.Epis[epi]
	if it.Prev == None {
		e.Ready = it.Next
	} else {
		m.Epis[it.Prev].Next = it.Next
	}
	if it.Next == None {
		e.ReadyEnd = it.Prev
	} else {
		m.Epis[it.Next].Prev = it.Prev
	}
	it.OnReady, it.Next, it.Prev = false, None, None
}

// spliceReady puts the rest of a scanned list before the ready list.
func (m *Machine) spliceReady(ep EpID, first EpiID) {
	if first == None {
		return
	}
	last := first
	for m.Epis[last].Next != None {
		last = m.Epis[last].Next
	}
	e := &m.Eps[ep]
	m.Epis[first].Prev = None
	m.Epis[last].Next = e.Ready
	if e.Ready == None {
		e.ReadyEnd = last
	} else {
		m.Epis[e.Ready].Prev = last
	}
	e.Ready = first
}

// chainOverflow remembers an item that became ready during a scan; the newest
// comes first, and doneScan turns the order round.
func (m *Machine) chainOverflow(ep EpID, epi EpiID) {
	it := &m.Epis[epi]
	if it.OnOvf {
		return
	}
	it.OnOvf, it.NextOvf = true, m.Eps[ep].Overflow
	m.Eps[ep].Overflow = epi
}
