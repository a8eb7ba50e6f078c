package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The timer wheel: kernel/time/timer.c. For what is rarely due because it is
// nearly always cancelled before: a tick is fine enough, and nothing has to be
// programmed. The tick looks whether a timer is due and raises the TIMER softirq.
// An idle core has no tick; on its way into the halt it sets the tick's own timer
// to the first timer of its wheel (tick_nohz_stop_tick).
//
// Simplified: a timer expires on the core that has started it. Linux 6.18 lets a
// core that is busy do it for idle ones (timer_migration.c).

const fileTimer = "kernel/time/timer.c"

// WheelTimer is a timer on a core's wheel ("struct timer_list").
type WheelTimer struct {
	Expires sim.Time // when its bucket is due: a tick
	Kind    WheelKind
	Obj     int32 // the socket, or the request
}

// WheelKind is such a timer's function.
type WheelKind uint8

const (
	WheelTCPWrite  WheelKind = iota // tcp_write_timer
	WheelTCPDelack                  // tcp_delack_timer
	WheelRequest                    // reqsk_timer_handler
)

var wheelFuncs = [...]cpu.CodeID{WheelTCPWrite: fnTCPWriteTimer, WheelTCPDelack: fnTCPDelackTimer, WheelRequest: fnReqskTimer}

var timerWheelText = text{
	fnUpdateProcessTimes: {Name: "update_process_times", File: fileTimer,
		Say: "What the tick does for the kernel's own timers and for the scheduler.",
		Why: "Both only need to look once in a while.",
		Steps: []step{
			{Name: "run_local_timers: is one due?", Cost: costFn, Do: (*Machine).runLocalTimers},
			{Name: "sched_tick", Cost: costFn, Do: calls(fnSchedTick)},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnRunTimerSoftirq: oneStep("run_timer_softirq", fileTimer, "the core's wheel", costFn, calls(fnRunTimers),
		"The TIMER softirq: expires the timers of the wheel.", "The interrupt only raised it; the timers' functions run with interrupts on."),
	fnRunTimers: {Name: "__run_timers", File: fileTimer, Station: StSoftirq,
		Say: "Calls the functions of all timers that are due, one after the other.", Why: "Several may have waited for the same tick.",
		Steps: []step{
			{Name: "next expired timer: call its function", Cost: costTimer, Do: (*Machine).runTimers},
			{Name: "it is done", Cost: costFn, Do: (*Machine).runTimersDone},
		}},
}

// tickPeriod is the time between two ticks: a jiffy.
func (m *Machine) tickPeriod() sim.Time { return sim.Second / sim.Time(m.Config.Params.HZ) }

// wheelExpiry is when a timer for a time from now expires. Never early: it is
// rounded up to a tick, and to a coarser time the further away it is, so that a
// timer never has to move within the wheel (calc_wheel_index).
func (m *Machine) wheelExpiry(after sim.Time) sim.Time {
	jiffy := m.tickPeriod()
	delta := int64((after + jiffy - 1) / jiffy)
	shift := 0
	for delta >= 63<<shift {
		shift += 3
	}
	expires := int64(m.Now/jiffy) + delta
	return sim.Time((expires>>shift+1)<<shift) * jiffy
}

// modTimer starts a timer on a core, or puts it off (mod_timer). Of those that are
// due at the same time the last one is first: a bucket is filled from its head
// (enqueue_timer).
func (m *Machine) modTimer(core int32, kind WheelKind, obj int32, after sim.Time) {
	m.delTimer(kind, obj)
	k, t := &m.CPUs[core], WheelTimer{Expires: m.wheelExpiry(after), Kind: kind, Obj: obj}
	i := len(k.Wheel)
	for i > 0 && k.Wheel[i-1].Expires >= t.Expires {
		i--
	}
	k.Wheel = append(k.Wheel, WheelTimer{})
	copy(k.Wheel[i+1:], k.Wheel[i:])
	k.Wheel[i] = t
}

// delTimer takes a timer off its wheel, if it is on one (timer_delete).
func (m *Machine) delTimer(kind WheelKind, obj int32) {
	for i := range m.CPUs {
		k := &m.CPUs[i]
		for j, t := range k.Wheel {
			if t.Kind == kind && t.Obj == obj {
				k.Wheel = append(k.Wheel[:j], k.Wheel[j+1:]...)
				return
			}
		}
	}
}

// wheelDue tells whether a timer of a core's wheel has expired.
func (m *Machine) wheelDue(core int32) bool {
	w := m.CPUs[core].Wheel
	return len(w) > 0 && w[0].Expires <= m.Now
}

func (m *Machine) runLocalTimers(c *cpu.Core, r *sim.Record) {
	if m.wheelDue(int32(c.ID)) {
		m.raiseSoftirq(c, r, TimerVec)
	}
}

// runTimers: locals are the kind and the object of the timer.
func (m *Machine) runTimers(c *cpu.Core, r *sim.Record) {
	if !m.wheelDue(int32(c.ID)) {
		c.Return(0)
		return
	}
	k, f := m.cpuOf(c), c.Frame()
	t := k.Wheel[0]
	k.Wheel = append(k.Wheel[:0], k.Wheel[1:]...)
	f.L[0], f.L[1] = int64(t.Kind), int64(t.Obj)
	m.wheelPoint(c, r, PointTimerExpireEntry)
	c.Call(wheelFuncs[t.Kind], int64(t.Obj))
}

func (m *Machine) runTimersDone(c *cpu.Core, r *sim.Record) {
	m.wheelPoint(c, r, PointTimerExpireExit)
	c.Goto(0)
}

// wheelPoint is a tracepoint of the timer that is being expired.
func (m *Machine) wheelPoint(c *cpu.Core, r *sim.Record, point uint8) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	m.point(c, r, point)
}
