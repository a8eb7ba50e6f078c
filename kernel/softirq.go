package kernel

import (
	"math/bits"

	"ringside/cpu"
	"ringside/sim"
)

// Softirqs: kernel/softirq.c, and the thread that takes over when there are
// too many.

// Softirqs are run by their vectors, lowest first, as in /proc/softirqs; the
// others have nothing to do in the model.
const (
	TimerVec = 1
	NetTx    = 2
	NetRx    = 3
)

// SoftirqNames are those of the vectors (softirq_to_name).
var SoftirqNames = [...]string{TimerVec: "TIMER", NetTx: "NET_TX", NetRx: "NET_RX"}

// softirqActions are their functions (softirq_vec).
var softirqActions = [...]cpu.CodeID{TimerVec: fnRunTimerSoftirq, NetTx: fnNetTxAction, NetRx: fnNetRxAction}

// Limits of one run of softirqs (MAX_SOFTIRQ_TIME, MAX_SOFTIRQ_RESTART).
const (
	maxSoftirqTime    = 2 * sim.Millisecond
	maxSoftirqRestart = 10
)

const fileSoftirq = "kernel/softirq.c"

var softirqText = text{
	fnIRQExit: {Name: "__irq_exit_rcu", File: fileSoftirq, Station: StSoftirq,
		Say:   "The hard interrupt is over; softirqs that it raised run now.",
		Why:   "The handler must be short: it only asked for the work, which happens here, with interrupts on.",
		Steps: []step{{Name: "leave hardirq, look for pending softirqs", Cost: costFn, Do: (*Machine).irqExit}}},
	fnHandleSoftirqs: {Name: "handle_softirqs", File: fileSoftirq, Station: StSoftirq,
		Say: "Runs the pending softirqs with interrupts on.",
		Why: "It borrows whatever the core was doing; a limit on time and rounds keeps that fair.",
		Steps: []step{
			{Name: "take the pending bits, interrupts on", Cost: costSoftirq, Do: (*Machine).softirqBegin},
			{Name: "call the softirq's action", Cost: costFn, Do: (*Machine).softirqEntry,
				Say: "Calls the function of a softirq that was pending: net_rx_action is that of NET_RX.", Why: "Interrupts are on while it runs, so the next packet can be announced."},
			{Name: "the action is done", Cost: costFn, Do: (*Machine).softirqExit,
				Say: "The softirq's action has returned: is another one pending?", Why: "Pending ones are run one after the other, in the order of their numbers."},
			{Name: "interrupts off: again, or wake ksoftirqd?", Cost: costSoftirq, Do: (*Machine).softirqAgain},
			{Name: "leave softirq", Cost: costFn, Do: (*Machine).softirqEnd,
				Say: "The softirqs are over, and the core goes back to what it was doing.", Why: "What is raised from here on waits for the next interrupt's end, or for ksoftirqd."},
		}},
	fnKthread: {Name: "kthread", File: "kernel/kthread.c",
		Say:   "The outermost function of a kernel thread.",
		Why:   "Kernel threads have a kernel stack only.",
		Steps: []step{{Name: "call the thread's function", Cost: costFn, Do: calls(fnSmpbootThreadFn)}, neverReturns}},
	fnSmpbootThreadFn: {Name: "smpboot_thread_fn", File: "kernel/smpboot.c",
		Say: "The loop of a per-core kernel thread, here ksoftirqd.",
		Why: "It sleeps until somebody finds more softirqs than an interrupt's end should handle.",
		Steps: []step{
			{Name: "anything pending?", Cost: costFn, Do: (*Machine).ksoftirqdLook},
			{Name: "back to the loop", Cost: costFn, Do: (*Machine).ksoftirqdLoop},
		}},
	fnRunKsoftirqd: {Name: "run_ksoftirqd", File: fileSoftirq, Station: StSoftirq,
		Say: "Runs softirqs as an ordinary task that the scheduler can preempt.",
		Why: "Under load programs must get their share of the core too.",
		Steps: []step{
			{Name: "interrupts off, handle", Cost: costFn, Do: (*Machine).ksoftirqdRun},
			{Name: "interrupts on, cond_resched", Cost: costFn, Do: (*Machine).ksoftirqdResched},
		}},
}

// neverReturns stands behind the call of a function that does not come back.
var neverReturns = step{Name: "(not reached)", Do: func(m *Machine, _ *cpu.Core, _ *sim.Record) {
	m.Fault = "a function returned that never returns"
}}

func (m *Machine) irqExit(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Preempt -= CountHardirq
	if k.Preempt&(maskHardirq|maskSoftirq) == 0 && k.Pending != 0 {
		c.Call(fnHandleSoftirqs)
	}
}

// servingSoftirq tells whether a core is running a softirq, and has not only
// put them off (in_serving_softirq).
func (k *CPU) servingSoftirq() bool { return k.Preempt&CountSoftirq != 0 }

// softirqBegin: a frame's first local is 1 when ksoftirqd called, the second is
// what is to be run, the third the vector that runs.
func (m *Machine) softirqBegin(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Preempt += CountSoftirq
	k.SoftStart, k.Restarts = m.Now, maxSoftirqRestart
	m.softirqTake(c)
}

// softirqTake clears the pending bits: what is raised from now on is new.
func (m *Machine) softirqTake(c *cpu.Core) {
	k := m.cpuOf(c)
	c.Frame().L[1], k.Pending = int64(k.Pending), 0
	m.Counters.Softirqs++
	c.Regs.RFLAGS |= cpu.FlagIF
}

func (m *Machine) softirqEntry(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	vec := int64(bits.TrailingZeros64(uint64(f.L[1])))
	f.L[1], f.L[2] = f.L[1]&^(1<<vec), vec
	r.Arg[0] = vec
	m.point(c, r, PointSoftirqEntry)
	c.Call(softirqActions[vec])
}

func (m *Machine) softirqExit(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0] = l[2]
	m.point(c, r, PointSoftirqExit)
	if l[1] != 0 {
		c.Goto(1)
	}
}

func (m *Machine) softirqAgain(c *cpu.Core, r *sim.Record) {
	c.Cli()
	k := m.cpuOf(c)
	if k.Pending == 0 {
		return
	}
	k.Restarts--
	if m.Now-k.SoftStart < maxSoftirqTime && !m.current(c).NeedResched && k.Restarts > 0 {
		m.softirqTake(c)
		c.Goto(1)
		return
	}
	c.Call(fnTryToWakeUp, int64(k.Ksoftirqd))
}

func (m *Machine) softirqEnd(c *cpu.Core, r *sim.Record) { m.cpuOf(c).Preempt -= CountSoftirq }

// raiseSoftirq marks a softirq pending on this core.
func (m *Machine) raiseSoftirq(c *cpu.Core, r *sim.Record, vec int) {
	m.cpuOf(c).Pending |= 1 << vec
	r.Arg[0] = int64(vec)
	m.point(c, r, PointSoftirqRaise)
}

// ksoftirqdLook sets the state before it looks: a softirq raised in between
// finds it asleep and wakes it, and is not lost.
func (m *Machine) ksoftirqdLook(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	m.setState(t, Interruptible)
	if m.cpuOf(c).Pending == 0 {
		c.Call(fnSchedule)
		return
	}
	m.setState(t, Running)
	c.Call(fnRunKsoftirqd)
}

func (m *Machine) ksoftirqdLoop(c *cpu.Core, r *sim.Record) {
	m.setState(m.current(c), Running)
	c.Goto(0)
}

func (m *Machine) ksoftirqdRun(c *cpu.Core, r *sim.Record) {
	c.Cli()
	if m.cpuOf(c).Pending != 0 {
		c.Call(fnHandleSoftirqs, 1)
	}
}

func (m *Machine) ksoftirqdResched(c *cpu.Core, r *sim.Record) {
	c.Regs.RFLAGS |= cpu.FlagIF
	if m.current(c).NeedResched {
		c.Call(fnSchedule)
	}
}
