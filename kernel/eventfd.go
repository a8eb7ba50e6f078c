package kernel

import (
	"encoding/binary"
	"math"

	"ringside/cpu"
	"ringside/sim"
)

// Event descriptors: fs/eventfd.c. A counter that a write adds to and a read
// takes. Its wait queue is for readers, writers and pollers alike, and nobody on
// it is exclusive: a write wakes all readers, and one gets the counter.

const fileEventfd = "fs/eventfd.c"

// EventFD is a counter ("struct eventfd_ctx").
type EventFD struct {
	Count     uint64
	WQ        QueueID
	Semaphore bool // a read takes 1
}

// efdSemaphore is EFD_SEMAPHORE.
const efdSemaphore = 1

var eventfdText = text{
	fnSysEventfd2: sysCall("__x64_sys_eventfd2", fileEventfd, fnDoEventfd, "The system call: make an event descriptor."),
	fnDoEventfd: oneStep("do_eventfd", fileEventfd, "make the counter and its descriptor", costSocket, (*Machine).doEventfd,
		"Makes an open file that is a counter.", "The cheapest way to wake a thread that waits in epoll_wait."),
	fnEventfdRead: {Name: "eventfd_read", File: fileEventfd,
		Say: "Takes the counter, or 1 of it; sleeps while it is 0.", Why: "Several writes before one read are one wakeup: the sum is read.",
		Steps: []step{
			{Name: "above 0? if not, queue and sleep", Cost: costFn, Do: (*Machine).eventfdRead},
			{Name: "awake: look again", Cost: costFn, Do: (*Machine).eventfdReadAgain},
			{Name: "wake writers and pollers: EPOLLOUT", Cost: costFn, Do: eventfdWake(EPOLLOUT)},
			{Name: "copy to user space", Cost: costCopy, Do: (*Machine).eventfdCopy},
		}},
	fnEventfdWrite: {Name: "eventfd_write", File: fileEventfd,
		Say: "Adds to the counter; sleeps while the sum would be too large.", Why: "Readers and pollers hear of every write, even if the counter was above 0 already.",
		Steps: []step{
			{Name: "copy from user space; is there room? if not, queue and sleep", Cost: costCopy, Do: (*Machine).eventfdWrite},
			{Name: "awake: look again", Cost: costFn, Do: (*Machine).eventfdWriteAgain},
			{Name: "wake readers and pollers: EPOLLIN", Cost: costFn, Do: eventfdWake(EPOLLIN)},
			{Name: "unlock", Cost: costFn, Do: (*Machine).eventfdWritten},
		}},
	fnEventfdPoll: {Name: "eventfd_poll", File: fileEventfd,
		Say: "Readable above 0, writable below the largest value but one.", Why: "Both news come by the same wait queue.",
		Steps: []step{
			{Name: "poll_wait", Cost: costFn, Do: (*Machine).eventfdPollWait},
			{Name: "what is possible?", Cost: costFn, Do: (*Machine).eventfdPollMask},
		}},
	fnEventfdRelease: {Name: "eventfd_release", File: fileEventfd,
		Say: "The counter goes.", Why: "Whoever is on its wait queue hears EPOLLHUP.",
		Steps: []step{
			{Name: "wake the queue: EPOLLHUP", Cost: costFn, Do: (*Machine).eventfdRelease},
			{Name: "free", Cost: costFn, Do: nothing},
		}},
	fnDoWaitIntrIRQ: {Name: "do_wait_intr_irq", File: fileWait,
		Say: "Sleeps on a queue whose lock the caller holds.", Why: "The lock is given up only once the thread stands on the queue.",
		Steps: []step{
			{Name: "a signal? if not, unlock, sleep", Cost: costSleep, Do: (*Machine).doWaitIntrIRQ},
			{Name: "lock the queue", Cost: costFn, Do: returnsZero},
		}},
}

func (m *Machine) doEventfd(c *cpu.Core, r *sim.Record) {
	init, flags := uint32(c.Frame().L[0]), int32(c.Frame().L[1])
	if flags&^(efdSemaphore|oNonblock|oCloexec) != 0 {
		c.Return(-EINVAL)
		return
	}
	id := int32(len(m.EventFDs))
	m.EventFDs = append(m.EventFDs, EventFD{Count: uint64(init), WQ: m.newQueue(), Semaphore: flags&efdSemaphore != 0})
	c.Return(m.installFile(c, r, m.newFile(FileEventFD, id, oRdwr|flags&oNonblock)))
}

// installFile gives the open file of a call its descriptor.
func (m *Machine) installFile(c *cpu.Core, r *sim.Record, file FileID) int64 {
	fd := m.fdInstall(c, file)
	if fd < 0 {
		m.giveUp("a process has more than 1048576 descriptors")
		return -EMFILE
	}
	about(r, KindFD, int32(fd))
	return fd
}

// Locals of eventfd's and timerfd's read and write: the file, the user address,
// the number of bytes, the entry on the wait queue plus one, the value that is
// read or written, saved flags.
const (
	efFile = iota
	efAddr
	efBytes
	efWait
	efValue
	efFlags
)

// lockedWait puts the running task on a queue, as one who sleeps, if it is not
// there already. The caller has looked in the same step, as Linux looks under
// the queue's lock: nothing slips through between.
func (m *Machine) lockedWait(c *cpu.Core, q QueueID) {
	f := c.Frame()
	if f.L[efWait] == 0 {
		f.L[efWait] = int64(m.newWait(WaitAutoremove, m.cpuOf(c).Current, false)) + 1
	}
	w := WaitID(f.L[efWait] - 1)
	if m.Waits[w].Queue == None {
		m.enqueueWait(q, w, true)
	}
	m.setState(m.current(c), Interruptible)
	c.Goto(1)
	c.Call(fnDoWaitIntrIRQ)
}

// lockedWaitDone ends the wait: off the queue, running.
func (m *Machine) lockedWaitDone(c *cpu.Core) {
	if f := c.Frame(); f.L[efWait] != 0 {
		m.finishWait(c, WaitID(f.L[efWait]-1))
		f.L[efWait] = 0
	}
}

func (m *Machine) doWaitIntrIRQ(c *cpu.Core, r *sim.Record) {
	if m.signalPending(c) {
		c.Return(-ERESTARTSYS)
		return
	}
	c.Call(fnSchedule)
}

// eventfdOf is the counter of an open file.
func (m *Machine) eventfdOf(file int64) *EventFD { return &m.EventFDs[m.Files[file].Obj] }

// nonblocking tells whether an open file is.
func (m *Machine) nonblocking(file int64) bool { return m.Files[file].Flags&oNonblock != 0 }

func (m *Machine) eventfdRead(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	e := m.eventfdOf(f.L[efFile])
	about(r, KindQueue, e.WQ)
	switch {
	case f.L[efBytes] < 8:
		c.Return(-EINVAL)
	case e.Count == 0 && m.nonblocking(f.L[efFile]):
		c.Return(-EAGAIN)
	default:
		m.eventfdTake(c)
	}
}

// eventfdReadAgain: the wait was ended by a wakeup, or by a signal.
func (m *Machine) eventfdReadAgain(c *cpu.Core, r *sim.Record) {
	q := m.eventfdOf(c.Frame().L[efFile]).WQ
	about(r, KindQueue, q)
	if m.queueSpin(c, q) {
		return
	}
	if err := c.Result(); err < 0 {
		m.lockedWaitDone(c)
		c.Return(err)
		return
	}
	m.eventfdTake(c)
}

func (m *Machine) eventfdTake(c *cpu.Core) {
	f := c.Frame()
	e := m.eventfdOf(f.L[efFile])
	if e.Count == 0 {
		m.lockedWait(c, e.WQ)
		return
	}
	m.lockedWaitDone(c)
	v := e.Count
	if e.Semaphore {
		v = 1
	}
	e.Count -= v
	f.L[efValue] = int64(v)
	c.Goto(2)
}

// eventfdWake wakes everybody on the counter's queue, with its lock held
// (wake_up_locked_poll): the entries decide what is news to them.
func eventfdWake(key int64) func(*Machine, *cpu.Core, *sim.Record) {
	return func(m *Machine, c *cpu.Core, r *sim.Record) {
		f := c.Frame()
		q := m.eventfdOf(f.L[efFile]).WQ
		about(r, KindQueue, q)
		f.L[efFlags] = m.irqSave(c)
		if m.Queues[q].First != None {
			c.Call(fnWakeUpCommon, int64(q), 1, key)
		}
	}
}

func (m *Machine) eventfdCopy(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if f.L[efFlags] != efUnlocked {
		m.irqRestore(c, f.L[efFlags])
		f.L[efFlags] = efUnlocked
	}
	if !m.reach(c, f.L[efAddr], 8, toWrite) {
		return
	}
	r.Arg[0] = f.L[efValue]
	c.Return(m.copyCount(c, f.L[efAddr], uint64(f.L[efValue])))
}

// efUnlocked stands in place of the flags when the counter's lock is given back.
const efUnlocked = -1

// copyCount gives the reader of a counter its eight bytes.
func (m *Machine) copyCount(c *cpu.Core, addr int64, v uint64) int64 {
	var data [8]byte
	binary.LittleEndian.PutUint64(data[:], v)
	if !m.copyToUser(c, addr, data[:]) {
		return -EFAULT
	}
	return int64(len(data))
}

func (m *Machine) eventfdWrite(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	e := m.eventfdOf(f.L[efFile])
	about(r, KindQueue, e.WQ)
	var data [8]byte
	if f.L[efBytes] != int64(len(data)) {
		c.Return(-EINVAL)
		return
	}
	if !m.reach(c, f.L[efAddr], int64(len(data)), toRead) {
		return
	}
	if !m.copyFromUser(c, data[:], f.L[efAddr]) {
		c.Return(-EFAULT)
		return
	}
	v := binary.LittleEndian.Uint64(data[:])
	f.L[efValue] = int64(v)
	switch {
	case v == math.MaxUint64:
		c.Return(-EINVAL)
	case math.MaxUint64-e.Count <= v && m.nonblocking(f.L[efFile]):
		c.Return(-EAGAIN)
	default:
		m.eventfdAdd(c)
	}
}

func (m *Machine) eventfdWriteAgain(c *cpu.Core, r *sim.Record) {
	q := m.eventfdOf(c.Frame().L[efFile]).WQ
	about(r, KindQueue, q)
	if m.queueSpin(c, q) {
		return
	}
	if err := c.Result(); err < 0 {
		m.lockedWaitDone(c)
		c.Return(err)
		return
	}
	m.eventfdAdd(c)
}

func (m *Machine) eventfdAdd(c *cpu.Core) {
	f := c.Frame()
	e := m.eventfdOf(f.L[efFile])
	v := uint64(f.L[efValue])
	if math.MaxUint64-e.Count <= v {
		m.lockedWait(c, e.WQ)
		return
	}
	m.lockedWaitDone(c)
	e.Count += v
	c.Goto(2)
}

func (m *Machine) eventfdWritten(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.irqRestore(c, f.L[efFlags])
	r.Arg[0] = f.L[efValue]
	c.Return(f.L[efBytes])
}

func (m *Machine) eventfdPollWait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	q := m.eventfdOf(l[0]).WQ
	about(r, KindQueue, q)
	m.pollWait(c, q, l[0], l[1])
}

// eventfdPollMask: only the kernel itself can bring a counter to the largest
// value, which is EPOLLERR; no modelled part of it does.
func (m *Machine) eventfdPollMask(c *cpu.Core, r *sim.Record) {
	e := m.eventfdOf(c.Frame().L[0])
	mask := int64(0)
	if e.Count > 0 {
		mask |= EPOLLIN
	}
	if e.Count == math.MaxUint64 {
		mask |= EPOLLERR
	}
	if e.Count < math.MaxUint64-1 {
		mask |= EPOLLOUT
	}
	r.Arg[0] = mask
	c.Return(mask)
}

func (m *Machine) eventfdRelease(c *cpu.Core, r *sim.Record) {
	q := m.eventfdOf(c.Frame().L[0]).WQ
	about(r, KindQueue, q)
	c.Call(fnWakeUp, int64(q), 1, EPOLLHUP)
}
