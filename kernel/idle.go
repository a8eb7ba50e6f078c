package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The idle task: kernel/sched/idle.c. It runs with preemption off; on its way
// into the halt it stops the tick (NO_HZ_IDLE).

const fileIdle = "kernel/sched/idle.c"

var idleText = text{
	fnSecondaryStartup: outermost("secondary_startup_64", "arch/x86/kernel/head_64.S", "The core's first code after power-on, below everything the idle task does."),
	fnStartKernel:      outermost("start_kernel", "init/main.c", "The kernel's start; what is left of it is the idle task of core 0."),
	fnRestInit:         outermost("rest_init", "init/main.c", "The end of the start: from here on core 0 idles until there is work."),
	fnStartSecondary:   outermost("start_secondary", "arch/x86/kernel/smpboot.c", "The start of every other core; what is left of it is its idle task."),
	fnCpuStartupEntry:  outermost("cpu_startup_entry", fileIdle, "Calls the idle loop for ever."),
	fnDoIdle: {Name: "do_idle", File: fileIdle,
		Say: "The idle loop: as long as nobody wants the core, halt it.",
		Why: "An idle core must save power and still react at once.",
		Steps: []step{
			{Name: "need_resched?", Cost: costIdle, Do: (*Machine).idleLook},
			{Name: "back from the halt", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Goto(0) }},
			{Name: "somebody wants the core: schedule", Cost: costFn, Do: (*Machine).idleSchedule,
				Say: "A task is runnable here: the idle task gives the core away.", Why: "Whoever made it runnable has left need_resched, or the task on the wake list."},
			{Name: "idle again", Cost: costFn, Do: (*Machine).idleAgain},
		}},
	fnDefaultIdleCall: {Name: "default_idle_call", File: fileIdle,
		Say: "Halts the core unless it is wanted.",
		Why: "The last look and the halt must not have a gap: a wakeup between them would be slept over.",
		Steps: []step{
			{Name: "stop polling, look a last time", Cost: costFn, Do: (*Machine).idleCall},
		}},
	fnSafeHalt: {Name: "native_safe_halt", File: "arch/x86/include/asm/irqflags.h",
		Say: "sti and hlt: interrupts on, and stop until one comes.",
		Why: "sti takes effect only after the next instruction, so no interrupt can slip in between the two.",
		Steps: []step{
			{Name: "sti", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Sti() }},
			{Name: "hlt", Cut: true, Span: never, Do: nothing,
				Say: "The core stands still until an interrupt comes.", Why: "Halted it executes nothing, and saves power."},
			{Name: "awake", Cost: costFn, Do: nothing,
				Say: "The interrupt has been handled, and hlt is over.", Why: "Has it woken anybody? The idle loop looks."},
		}},
}

// outermost is a function that is on the stack for good.
func outermost(name, file, say string) code {
	return code{Name: name, File: file, Say: say, Why: "A stack has an outermost caller, on every core.", Steps: []step{neverReturns, neverReturns}}
}

// never is the span of a step that only an interrupt ends.
func never(*Machine, *cpu.Core) sim.Time { return sim.Never }

func nothing(*Machine, *cpu.Core, *sim.Record) {}

func (m *Machine) idleLook(c *cpu.Core, r *sim.Record) {
	if m.current(c).NeedResched || len(m.cpuOf(c).Wake) > 0 {
		c.Goto(2)
		return
	}
	c.Cli()
	m.stopTick(int32(c.ID))
	c.Call(fnDefaultIdleCall)
}

func (m *Machine) idleCall(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Polling = false
	if m.current(c).NeedResched {
		c.Regs.RFLAGS |= cpu.FlagIF
		return
	}
	c.Call(fnSafeHalt)
}

// idleSchedule first takes what other cores have left here while this one was
// looking by itself (flush_smp_call_function_queue).
func (m *Machine) idleSchedule(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Polling = false
	if len(k.Wake) > 0 {
		c.Cli() // the run queue's lock is taken in interrupts too
		c.Again()
		c.Call(fnSchedTtwuPending)
		return
	}
	c.Regs.RFLAGS |= cpu.FlagIF
	m.startTick(int32(c.ID))
	c.Call(fnScheduleIdle)
}

func (m *Machine) idleAgain(c *cpu.Core, r *sim.Record) {
	m.cpuOf(c).Polling = true
	c.Goto(0)
}
