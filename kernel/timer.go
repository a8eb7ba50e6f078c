package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// High-resolution timers and the tick: kernel/time/hrtimer.c, tick-sched.c. Each
// core keeps its armed timers in order, and its local APIC's timer is set to
// the first one (TSC deadline mode).

const fileHrtimer = "kernel/time/hrtimer.c"

var timerText = text{
	fnSysvecTimerIRQ: {Name: "__sysvec_apic_timer_interrupt", File: "arch/x86/kernel/apic/apic.c",
		Say: "The timer's interrupt: EOI, then the timers that are due.",
		Why: "One timer of the local APIC serves all timers of the core.",
		Steps: []step{
			{Name: "EOI", Cost: costEOI, Do: (*Machine).timerEntry},
			{Name: "done", Cost: costFn, Do: (*Machine).timerExit},
		}},
	fnHrtimerInterrupt: {Name: "hrtimer_interrupt", File: fileHrtimer,
		Say:   "Runs the functions of all timers that have expired, then sets the hardware to the next.",
		Why:   "Several may be due at once.",
		Steps: []step{{Name: "next expired timer", Cost: costTimer, Do: (*Machine).hrtimerNext}}},
	fnHrtimerWakeup: {Name: "hrtimer_wakeup", File: fileHrtimer,
		Say: "The timer of a task that sleeps with a timeout: wake it.",
		Why: "The task itself will find out that it was the time and not an event.",
		Steps: []step{
			{Name: "wake the task", Cost: costFn, Do: (*Machine).hrtimerWakeup},
			{Name: "done", Cost: costFn, Do: (*Machine).hrtimerDone},
		}},
	fnTickNohzHandler: {Name: "tick_nohz_handler", File: "kernel/time/tick-sched.c",
		Say: "The scheduler's tick.",
		Why: "A program that makes no system call can only be preempted because something interrupts it.",
		Steps: []step{
			{Name: "tick", Cost: costFn, Do: (*Machine).tick},
			{Name: "arm the next one", Cost: costTimer, Do: (*Machine).tickDone},
		}},
	fnSchedTick: {Name: "sched_tick", File: fileCore,
		Say:   "Charges the running task for its time: is its slice used up?",
		Why:   "If others wait, need_resched is set and the way out of the interrupt does the rest.",
		Steps: []step{{Name: "task_tick", Cost: costTick, Do: (*Machine).schedTick}}},
	fnHrtimerNanosleep: {Name: "hrtimer_nanosleep", File: fileHrtimer,
		Say:   "Sleeps for a time.",
		Why:   "No core is busy with waiting: a timer will wake the task.",
		Steps: []step{{Name: "set the timer up", Cost: costFn, Do: (*Machine).hrtimerNanosleep}}},
	fnDoNanosleep: {Name: "do_nanosleep", File: fileHrtimer,
		Say: "Arms the timer and gives the core away.",
		Why: "The state is set before the timer is armed: if it fires at once, the wakeup is not lost.",
		Steps: []step{
			{Name: "arm the timer, sleep", Cost: costTimer, Do: (*Machine).nanosleepStart},
			{Name: "awake: the time, or a signal?", Cost: costFn, Do: (*Machine).nanosleepDone,
				Say: "Awake: has the time passed, or did a signal come before?", Why: "After a signal nanosleep fails with EINTR, and tells what is left."},
		}},
	fnScheduleHrtimeoutRange: {Name: "schedule_hrtimeout_range", File: "kernel/time/sleep_timeout.c",
		Say:   "Sleep until woken, or until a time.",
		Why:   "This is what epoll_wait's timeout becomes.",
		Steps: []step{{Name: "on the monotonic clock", Cost: costFn, Do: (*Machine).hrtimeoutRange}}},
	fnScheduleHrtimeoutRangeClock: {Name: "schedule_hrtimeout_range_clock", File: "kernel/time/sleep_timeout.c",
		Say: "Arms a timer if there is a timeout, and gives the core away.",
		Why: "The task's state says already that it sleeps: whoever wakes it from now on is heard.",
		Steps: []step{
			{Name: "arm the timer, sleep", Cost: costTimer, Do: (*Machine).hrtimeoutStart},
			{Name: "awake: cancel the timer", Cost: costFn, Do: (*Machine).hrtimeoutDone,
				Say: "Awake: a timer that was armed is cancelled.", Why: "The caller learns whether time was up, or somebody woke it before."},
		}},
	fnScheduleTimeout: {Name: "schedule_timeout", File: "kernel/time/sleep_timeout.c",
		Say: "Sleep until woken; a receive has no timeout unless SO_RCVTIMEO gives it one.",
		Why: "MAX_SCHEDULE_TIMEOUT means: no timer at all.",
		Steps: []step{
			{Name: "a timer? schedule", Cost: costFn, Do: (*Machine).scheduleTimeout},
			{Name: "awake", Cost: costFn, Do: (*Machine).scheduleTimeoutDone,
				Say: "Awake: somebody has woken the thread, or its time is up.", Why: "Which of the two, the caller finds out by looking again."},
		}},
}

// scheduleTimeout sleeps until the call's time is up, if it has one. Linux uses
// the timer wheel here, which is late by up to a tick.
func (m *Machine) scheduleTimeout(c *cpu.Core, r *sim.Record) {
	id := m.cpuOf(c).Current
	if until := m.Tasks[id].Call.Until; until != 0 {
		m.arm(int32(c.ID), Hrtimer{Expires: until, Kind: TimerWakeup, Task: id})
	}
	c.Call(fnSchedule)
}

func (m *Machine) scheduleTimeoutDone(c *cpu.Core, r *sim.Record) {
	if m.current(c).Call.Until != 0 {
		m.hrtimerCancel(c, TimerWakeup, m.cpuOf(c).Current)
	}
}

// waitUntil gives the running call the time that a socket's receives may take.
func (m *Machine) waitUntil(c *cpu.Core, sock SockID) {
	call := &m.current(c).Call
	if call.Until = 0; m.Socks[sock].RcvTimeo != 0 {
		call.Until = m.Now + m.Socks[sock].RcvTimeo
	}
}

// timeUp tells whether the running call has waited as long as it may.
func (m *Machine) timeUp(c *cpu.Core) bool {
	until := m.current(c).Call.Until
	return until != 0 && m.Now >= until
}

// sockIntr is the answer of a socket's call that a signal has interrupted: a wait
// with a timeout is not begun again (sock_intr_errno).
func (m *Machine) sockIntr(c *cpu.Core) int64 {
	if m.current(c).Call.Until != 0 {
		return -EINTR
	}
	return -ERESTARTSYS
}

// arm starts a timer on a core.
func (m *Machine) arm(core int32, t Hrtimer) {
	k := &m.CPUs[core]
	i := len(k.Timers)
	for i > 0 && k.Timers[i-1].Expires > t.Expires {
		i--
	}
	k.Timers = append(k.Timers, Hrtimer{})
	copy(k.Timers[i+1:], k.Timers[i:])
	k.Timers[i] = t
	if i == 0 {
		m.programTimer(core)
	}
}

// disarm takes a timer off the queue that it is on, if any.
func (m *Machine) disarm(kind TimerKind, task TaskID) {
	for core := range m.CPUs {
		k := &m.CPUs[core]
		for i, t := range k.Timers {
			if t.Kind == kind && t.Task == task {
				k.Timers = append(k.Timers[:i], k.Timers[i+1:]...)
				if i == 0 {
					m.programTimer(int32(core))
				}
				return
			}
		}
	}
}

// hrtimerCancel cancels a timer, wherever it is armed. While its function runs on
// another core it returns false, and the step is done again (hrtimer_cancel).
func (m *Machine) hrtimerCancel(c *cpu.Core, kind TimerKind, task TaskID) bool {
	for i := range m.CPUs {
		if f := &m.CPUs[i].Firing; f.Task == task && f.Kind == kind {
			c.Spin()
			return false
		}
	}
	m.disarm(kind, task)
	return true
}

// programTimer sets a core's local APIC timer to its first armed timer
// (lapic_next_deadline).
func (m *Machine) programTimer(core int32) {
	t, k := &m.Cores[core].APIC.Timer, &m.CPUs[core]
	first := sim.Never
	if len(k.Timers) > 0 {
		first = max(k.Timers[0].Expires, m.Now)
	}
	if first == t.Expires {
		return
	}
	t.WriteDeadline(first)
	if first != sim.Never {
		m.Queue.Push(sim.Event{At: first, Cause: m.Seq, Kind: evTimer, A: core, B: t.Gen})
	}
}

// startTick arms a core's tick, at a multiple of its period, unless it runs.
func (m *Machine) startTick(core int32) {
	period := m.tickPeriod()
	next := (m.Now/period + 1) * period
	for _, t := range m.CPUs[core].Timers {
		if t.Kind == TimerTick && t.Expires <= next {
			return
		}
	}
	m.setTick(core, next)
}

// stopTick stops the tick of a core that idles, or puts it off to the first timer
// of the core's wheel (tick_nohz_stop_tick).
func (m *Machine) stopTick(core int32) {
	if w := m.CPUs[core].Wheel; len(w) > 0 {
		m.setTick(core, w[0].Expires)
		return
	}
	m.disarm(TimerTick, m.CPUs[core].Idle)
}

func (m *Machine) setTick(core int32, at sim.Time) {
	m.disarm(TimerTick, m.CPUs[core].Idle)
	m.arm(core, Hrtimer{Expires: at, Kind: TimerTick, Task: m.CPUs[core].Idle})
}

func (m *Machine) timerEntry(c *cpu.Core, r *sim.Record) {
	m.eoi(c)
	m.cpuOf(c).Stats[StatLOC]++
	m.Counters.TimerIRQs++
	m.point(c, r, PointLocalTimerEntry)
	c.Call(fnHrtimerInterrupt)
}

func (m *Machine) timerExit(c *cpu.Core, r *sim.Record) { m.point(c, r, PointLocalTimerExit) }

// timerFuncs are the timers' functions.
var timerFuncs = [...]cpu.CodeID{TimerTick: fnTickNohzHandler, TimerWakeup: fnHrtimerWakeup, TimerFile: fnTimerfdTmrproc}

func (m *Machine) hrtimerNext(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Firing.Task = None
	if len(k.Timers) == 0 || k.Timers[0].Expires > m.Now {
		m.programTimer(int32(c.ID))
		return
	}
	t := k.Timers[0]
	k.Timers = append(k.Timers[:0], k.Timers[1:]...)
	k.Firing = t
	about(r, KindTimer, int32(t.Kind))
	r.Arg[0] = int64(t.Task)
	c.Again()
	c.Call(timerFuncs[t.Kind], int64(t.Task))
}

func (m *Machine) hrtimerWakeup(c *cpu.Core, r *sim.Record) {
	task := TaskID(c.Frame().L[0])
	about(r, KindTask, task)
	r.Arg[0] = int64(TimerWakeup)
	m.point(c, r, PointHrtimerExpireEntry)
	m.Tasks[task].TimedOut = true
	c.Call(fnWakeUpProcess, int64(task))
}

func (m *Machine) hrtimerDone(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, TaskID(c.Frame().L[0]))
	m.point(c, r, PointHrtimerExpireExit)
}

func (m *Machine) tick(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = int64(TimerTick)
	m.point(c, r, PointHrtimerExpireEntry)
	c.Call(fnUpdateProcessTimes)
}

func (m *Machine) tickDone(c *cpu.Core, r *sim.Record) {
	m.startTick(int32(c.ID))
	m.point(c, r, PointHrtimerExpireExit)
}

func (m *Machine) schedTick(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, m.cpuOf(c).Current)
	if !m.rqLock(c, int32(c.ID)) {
		return
	}
	m.updateRqClock(int32(c.ID))
	m.class().tick(m, int32(c.ID))
	m.rqUnlock(int32(c.ID))
}

// startSleep makes the running task sleep until a time, or until woken if it is
// Never; the state comes first.
func (m *Machine) startSleep(c *cpu.Core, r *sim.Record, until sim.Time) {
	id := m.cpuOf(c).Current
	t := &m.Tasks[id]
	t.TimedOut = false
	m.setState(t, Interruptible)
	if until == sim.Never {
		return
	}
	about(r, KindTask, id)
	r.Arg[0], r.Arg[1] = int64(TimerWakeup), int64(until)
	flags := m.irqSave(c) // the timer base's lock
	m.point(c, r, PointHrtimerStart)
	m.arm(int32(c.ID), Hrtimer{Expires: until, Kind: TimerWakeup, Task: id})
	m.irqRestore(c, flags)
}

// endSleep cancels the timer if it is armed still. It returns false, and the step
// is done again, while it goes off.
func (m *Machine) endSleep(c *cpu.Core) bool {
	id := m.cpuOf(c).Current
	m.setState(&m.Tasks[id], Running)
	return m.hrtimerCancel(c, TimerWakeup, id)
}

// hrtimerNanosleep: local 0 is the time. A timespec with negative parts is no
// time at all.
func (m *Machine) hrtimerNanosleep(c *cpu.Core, r *sim.Record) {
	d := c.Frame().L[0]
	if d < 0 {
		c.Return(-EINVAL)
		return
	}
	c.Call(fnDoNanosleep, int64(m.Now)+d)
}

// nanosleepStart: local 0 is when to wake.
func (m *Machine) nanosleepStart(c *cpu.Core, r *sim.Record) {
	m.startSleep(c, r, sim.Time(c.Frame().L[0]))
	c.Call(fnSchedule)
}

// nanosleepDone: a signal ends the sleep early. Linux would continue it with
// restart_syscall if there is no handler, but then a signal that comes so far
// ends the process.
func (m *Machine) nanosleepDone(c *cpu.Core, r *sim.Record) {
	if !m.endSleep(c) {
		return
	}
	switch {
	case m.current(c).TimedOut:
		c.Return(0)
	case m.signalPending(c):
		c.Return(-EINTR)
	default:
		c.Goto(0)
	}
}

func (m *Machine) hrtimeoutRange(c *cpu.Core, r *sim.Record) {
	c.Tail(fnScheduleHrtimeoutRangeClock, c.Frame().L[0])
}

// hrtimeoutStart: local 0 is the time, or Never.
func (m *Machine) hrtimeoutStart(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	t.TimedOut = false
	if until := sim.Time(c.Frame().L[0]); until != sim.Never {
		state := t.State
		m.startSleep(c, r, until)
		m.setState(t, state) // a wakeup may have come already
	}
	c.Call(fnSchedule)
}

// hrtimeoutDone returns 0 when it was the time, else minus EINTR, as Linux
// does; the caller only wants to know which.
func (m *Machine) hrtimeoutDone(c *cpu.Core, r *sim.Record) {
	if !m.endSleep(c) {
		return
	}
	if m.current(c).TimedOut {
		c.Return(0)
		return
	}
	c.Return(-EINTR)
}
