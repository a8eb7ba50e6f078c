package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Timers as descriptors: fs/timerfd.c. When the timer expires, the descriptor
// becomes readable; a read gives how often it has. A periodic timer is armed
// again by the read, not by its expiry, so that nobody is woken for ticks that
// nobody reads; what was missed is computed then.

const fileTimerfd = "fs/timerfd.c"

// TimerFD is a timer with a descriptor ("struct timerfd_ctx").
type TimerFD struct {
	WQ       QueueID
	Expires  sim.Time
	Interval sim.Time // 0: once
	Ticks    uint64
	Expired  bool
}

// Flags of timerfd_settime, and the clocks that timerfd_create knows. All of them
// begin at 0 with the run.
const (
	tfdAbstime     = 1
	tfdCancelOnSet = 2

	clockRealtime      = 0
	clockMonotonic     = 1
	clockBoottime      = 7
	clockRealtimeAlarm = 8
	clockBoottimeAlarm = 9
)

var timerfdText = text{
	fnSysTimerfdCreate: oneStep("__x64_sys_timerfd_create", fileTimerfd, "make the timer and its descriptor", costSocket, (*Machine).sysTimerfdCreate,
		"Makes an open file that is a timer.", "So an event loop waits for time as it waits for packets."),
	fnSysTimerfdSettime: sysCall("__x64_sys_timerfd_settime", fileTimerfd, fnDoTimerfdSettime, "The system call: arm or disarm a timer."),
	fnDoTimerfdSettime: oneStep("do_timerfd_settime", fileTimerfd, "cancel it, hrtimer_start", costTimer, (*Machine).timerfdSettime,
		"Cancels the timer and starts it for its first expiry.", "What has expired before and was not read is forgotten."),
	fnTimerfdTmrproc: {Name: "timerfd_tmrproc", File: fileTimerfd,
		Say: "The timer has expired: count it, wake readers and pollers.", Why: "In the timer's interrupt, on whatever core had armed it.",
		Steps: []step{
			{Name: "timerfd_triggered: wake with EPOLLIN", Cost: costFn, Do: (*Machine).timerfdTriggered},
			{Name: "HRTIMER_NORESTART", Cost: costFn, Do: (*Machine).timerfdExpired},
		}},
	fnTimerfdRead: {Name: "timerfd_read_iter", File: fileTimerfd,
		Say: "Tells how often the timer has expired since the last read; sleeps if it has not.", Why: "A periodic timer is started again here.",
		Steps: []step{
			{Name: "expired? if not, queue and sleep", Cost: costFn, Do: (*Machine).timerfdRead},
			{Name: "awake: look again", Cost: costFn, Do: (*Machine).timerfdReadAgain},
			{Name: "copy to user space", Cost: costCopy, Do: (*Machine).timerfdCopy},
		}},
	fnTimerfdPoll: {Name: "timerfd_poll", File: fileTimerfd,
		Say: "Readable once it has expired.", Why: "There is nothing to write to a timer.",
		Steps: []step{
			{Name: "poll_wait", Cost: costFn, Do: (*Machine).timerfdPollWait},
			{Name: "expired?", Cost: costFn, Do: (*Machine).timerfdPollMask},
		}},
	fnTimerfdRelease: oneStep("timerfd_release", fileTimerfd, "hrtimer_cancel", costTimer, (*Machine).timerfdRelease,
		"The timer goes.", "An armed timer is cancelled: nobody could hear it."),
}

func (m *Machine) sysTimerfdCreate(c *cpu.Core, r *sim.Record) {
	clock, flags := int32(c.Frame().L[0]), int32(c.Frame().L[1])
	switch clock {
	case clockRealtime, clockMonotonic, clockBoottime, clockRealtimeAlarm, clockBoottimeAlarm:
	default:
		c.Return(-EINVAL)
		return
	}
	if flags&^(oNonblock|oCloexec) != 0 {
		c.Return(-EINVAL)
		return
	}
	id := int32(len(m.TimerFDs))
	m.TimerFDs = append(m.TimerFDs, TimerFD{WQ: m.newQueue()})
	c.Return(m.installFile(c, r, m.newFile(FileTimerFD, id, oRdwr|flags&oNonblock)))
}

// timerfdSettime: locals are the descriptor, flags, interval, first expiry.
func (m *Machine) timerfdSettime(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	flags, interval, first := int32(l[1]), sim.Time(l[2]), sim.Time(l[3])
	if flags&^(tfdAbstime|tfdCancelOnSet) != 0 || interval < 0 || first < 0 {
		c.Return(-EINVAL)
		return
	}
	file := m.fdLookup(c, l[0])
	if file == None {
		c.Return(-EBADF)
		return
	}
	if m.Files[file].Kind != FileTimerFD {
		c.Return(-EINVAL)
		return
	}
	id := m.Files[file].Obj
	about(r, KindTimer, int32(TimerFile))
	if !m.hrtimerCancel(c, TimerFile, id) {
		return
	}
	t := &m.TimerFDs[id]
	t.Interval, t.Ticks, t.Expired = interval, 0, false
	if first != 0 {
		if flags&tfdAbstime == 0 {
			first = m.Now + min(first, sim.Never-m.Now) // ktime_add_safe
		}
		m.startTimerfd(c, r, id, first)
	}
	c.Return(0)
}

// startTimerfd arms a timer on the running core.
func (m *Machine) startTimerfd(c *cpu.Core, r *sim.Record, id int32, expires sim.Time) {
	m.TimerFDs[id].Expires = expires
	r.Arg[0], r.Arg[1] = int64(TimerFile), int64(expires)
	m.point(c, r, PointHrtimerStart)
	m.arm(int32(c.ID), Hrtimer{Expires: expires, Kind: TimerFile, Task: id})
}

// timerfdTriggered: local 0 is the timer, 1 the saved flags.
func (m *Machine) timerfdTriggered(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	t := &m.TimerFDs[f.L[0]]
	about(r, KindTimer, int32(TimerFile))
	r.Arg[0] = int64(TimerFile)
	m.point(c, r, PointHrtimerExpireEntry)
	t.Expired = true
	t.Ticks++
	f.L[1] = m.irqSave(c)
	if m.Queues[t.WQ].First != None {
		c.Call(fnWakeUpCommon, int64(t.WQ), 1, EPOLLIN)
	}
}

func (m *Machine) timerfdExpired(c *cpu.Core, r *sim.Record) {
	about(r, KindTimer, int32(TimerFile))
	m.irqRestore(c, c.Frame().L[1])
	m.point(c, r, PointHrtimerExpireExit)
}

// timerfdOf is the timer of an open file.
func (m *Machine) timerfdOf(file int64) *TimerFD { return &m.TimerFDs[m.Files[file].Obj] }

func (m *Machine) timerfdRead(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindQueue, m.timerfdOf(f.L[efFile]).WQ)
	switch {
	case f.L[efBytes] < 8:
		c.Return(-EINVAL)
	case m.timerfdOf(f.L[efFile]).Ticks == 0 && m.nonblocking(f.L[efFile]):
		c.Return(-EAGAIN)
	default:
		m.timerfdTake(c, r)
	}
}

func (m *Machine) timerfdReadAgain(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	t := m.timerfdOf(f.L[efFile])
	about(r, KindQueue, t.WQ)
	if m.queueSpin(c, t.WQ) {
		return
	}
	if err := c.Result(); err < 0 && t.Ticks == 0 {
		m.lockedWaitDone(c)
		c.Return(err)
		return
	}
	m.timerfdTake(c, r)
}

// timerfdTake takes the count. A periodic timer goes on from its last expiry by
// as many intervals as have passed (hrtimer_forward_now).
func (m *Machine) timerfdTake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	id := m.Files[f.L[efFile]].Obj
	t := &m.TimerFDs[id]
	if t.Ticks == 0 {
		m.lockedWait(c, t.WQ)
		return
	}
	m.lockedWaitDone(c)
	ticks := t.Ticks
	if t.Expired && t.Interval != 0 {
		passed := (m.Now-t.Expires)/t.Interval + 1
		ticks += uint64(passed) - 1
		m.startTimerfd(c, r, id, t.Expires+passed*t.Interval)
	}
	t.Ticks, t.Expired = 0, false
	f.L[efValue] = int64(ticks)
	c.Goto(2)
}

func (m *Machine) timerfdCopy(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if !m.reach(c, l[efAddr], 8, toWrite) {
		return
	}
	r.Arg[0] = l[efValue]
	c.Return(m.copyCount(c, l[efAddr], uint64(l[efValue])))
}

func (m *Machine) timerfdPollWait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	q := m.timerfdOf(l[0]).WQ
	about(r, KindQueue, q)
	m.pollWait(c, q, l[0], l[1])
}

func (m *Machine) timerfdPollMask(c *cpu.Core, r *sim.Record) {
	mask := int64(0)
	if m.timerfdOf(c.Frame().L[0]).Ticks > 0 {
		mask = EPOLLIN
	}
	r.Arg[0] = mask
	c.Return(mask)
}

func (m *Machine) timerfdRelease(c *cpu.Core, r *sim.Record) {
	if m.hrtimerCancel(c, TimerFile, m.Files[c.Frame().L[0]].Obj) {
		c.Return(0)
	}
}
