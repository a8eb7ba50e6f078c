package kernel

import (
	"strings"

	"ringside/cpu"
	"ringside/sim"
)

// The ways into ring 0 and out of it: arch/x86/entry/entry_64.S and
// kernel/entry/common.c.

// Vectors. Linux gives device vectors out from 0x21; the system vectors are its
// own numbers (arch/x86/include/asm/irq_vectors.h).
const (
	VectorLine       = 0x21 // the I/O APIC's input for the shared interrupt line
	VectorCard       = 0x22 // the card's message
	VectorISA        = 0x30 // the 8259A's IRQ 0 (ISA_IRQ_VECTOR)
	VectorTimer      = 0xec
	VectorCallSingle = 0xfb
	VectorResched    = 0xfd
	VectorSpurious   = cpu.SpuriousVector
)

const fileEntry = "arch/x86/entry/entry_64.S"
const fileCommon = "kernel/entry/common.c"

var entryText = text{
	fnEntrySyscall: {Name: "entry_SYSCALL_64_after_hwframe", File: fileEntry,
		Say: "The entry code that the syscall instruction jumps to.",
		Why: "The instruction saves only RIP and RFLAGS, in registers; the stack and the rest are software's business.",
		Steps: []step{
			swapgs,
			{Name: "load the kernel stack pointer", Cost: costEntry, Do: (*Machine).entrySwitchStack},
			{Name: "push struct pt_regs", Cost: costRegs, Do: (*Machine).entryPushRegs},
			{Name: "pop the registers", Cost: costRegs, Do: (*Machine).entryPopRegs,
				Say: "The way out: the program's registers come back from pt_regs.",
				Why: "RAX among them holds the result now."},
			swapgs,
			{Name: "sysretq", Cost: cpu.CostSysret, Do: (*Machine).entrySysret,
				Say: "The way out: sysretq goes back to ring 3, to the instruction behind syscall.",
				Why: "It takes RIP from RCX and RFLAGS from R11, where syscall had put them."},
		}},
	fnDoSyscall64: {Name: "do_syscall_64", File: "arch/x86/entry/common.c",
		Say: "Looks the number up in the table of system calls and calls the function.",
		Why: "RAX says what the program wants; the six argument registers say with what.",
		Steps: []step{
			{Name: "interrupts on, sys_enter, dispatch", Cost: costFn, Do: (*Machine).syscallEnter},
			{Name: "store the result in pt_regs, sys_exit", Cost: costFn, Do: (*Machine).syscallExit, Say: sayResult,
				Why: "That is where the entry code takes the program's registers from."},
			{Name: "syscall_exit_to_user_mode", Cost: costFn, Do: (*Machine).exitToUser, Say: sayExitToUser, Why: whyExitToUser},
		}},
	fnExitToUserModeLoop: {Name: "exit_to_user_mode_loop", File: fileCommon,
		Say: "Before going back to ring 3: is there other work, a switch of tasks above all?",
		Why: "This is where need_resched, set by a wakeup or by the tick, takes effect.",
		Steps: []step{
			{Name: "schedule, as need_resched asks", Cost: costFn, Do: (*Machine).exitResched},
			{Name: "signals, work that was put off", Cost: costFn, Do: (*Machine).exitSignal},
			{Name: "look again, interrupts off", Cost: costFn, Do: (*Machine).exitLookAgain},
		}},

	fnAsmExcPageFault:     asmEntry("asm_exc_page_fault", fnExcPageFault),
	fnAsmCommonInterrupt:  asmEntry("asm_common_interrupt", fnCommonInterrupt),
	fnAsmSysvecTimer:      asmEntry("asm_sysvec_apic_timer_interrupt", fnSysvecTimer),
	fnAsmSysvecResched:    asmEntry("asm_sysvec_reschedule_ipi", fnSysvecResched),
	fnAsmSysvecCallSingle: asmEntry("asm_sysvec_call_function_single", fnSysvecCallSingle),

	fnCommonInterrupt: irqEntry("common_interrupt", fnCommonInterruptIRQ, StIRQ,
		"Enters the interrupt: on to the core's own interrupt stack, and hardirq is counted."),
	fnSysvecTimer: irqEntry("sysvec_apic_timer_interrupt", fnSysvecTimerIRQ, StNone,
		"The local APIC's timer went off: enters the interrupt on the core's interrupt stack."),
	fnSysvecCallSingle: irqEntry("sysvec_call_function_single", fnGenericSMPCall, StNone,
		"Another core asks for a function to be run here: enters the interrupt."),
	fnAsmSysvecSpurious: asmEntry("asm_sysvec_spurious_apic_interrupt", fnSysvecSpurious),
	fnSysvecSpurious: irqEntry("sysvec_spurious_apic_interrupt", fnHandleSpurious, StNone,
		"The local APIC had nothing left to hand out: enters the interrupt all the same."),
	fnSysvecResched: {Name: "sysvec_reschedule_ipi", File: "arch/x86/kernel/smp.c",
		Say: "Another core has set need_resched here; the interrupt has nothing else to do.",
		Why: "Its way out is what matters: there the scheduler is asked.",
		Steps: []step{
			{Name: "EOI", Cost: costEOI, Do: (*Machine).reschedIPI},
			{Name: "irqentry_exit", Cost: costFn, Do: (*Machine).irqentryExit},
		}},

	fnRetFromForkAsm: {Name: "ret_from_fork_asm", File: fileEntry,
		Say: "A new thread's first code.",
		Why: "Its stacks were laid out as if it had been switched away from here.",
		Steps: []step{
			{Name: "call ret_from_fork", Cost: costFn, Do: (*Machine).retFromForkAsm},
			{Name: "pop the registers", Cost: costRegs, Do: (*Machine).entryPopRegs},
			swapgs,
			{Name: "to ring 3", Cost: cpu.CostIret, Do: (*Machine).entrySysret},
		}},
	fnRetFromFork: {Name: "ret_from_fork", File: "arch/x86/kernel/process.c",
		Say: "Ends the switch that brought the new thread here, and lets it go.",
		Why: "schedule_tail does for a new task what the rest of context_switch does for others.",
		Steps: []step{
			{Name: "schedule_tail", Cost: costFork, Do: (*Machine).scheduleTail},
			{Name: "syscall_exit_to_user_mode, or the kernel thread's function", Cost: costFn, Do: (*Machine).forkExit},
		}},
}

// asmEntry is the assembly stub of an interrupt or a system vector.
func asmEntry(name string, callee cpu.CodeID) code {
	return code{Name: name, File: fileEntry, Station: stationOf(callee),
		Say: "The interrupt's entry code: saves the registers that the processor did not.",
		Why: "The processor pushed five words; the fifteen general registers are software's business.",
		Steps: []step{
			{Name: "push struct pt_regs", Cost: costRegs, Do: asmPushRegs},
			swapgsIf,
			{Name: "call " + strings.TrimPrefix(name, "asm_"), Do: calls(callee),
				Say: "All registers are saved: from here on the kernel is C.",
				Why: "Only what C cannot do, the first and the last instructions, is assembly."},
			{Name: "pop the registers", Cost: costRegs, Do: (*Machine).asmPopRegs,
				Say: "The way out: the general registers get their saved values back.", Why: "What was interrupted must not notice anything."},
			swapgsIf,
			{Name: "iretq", Cost: cpu.CostIret, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { c.Iret() },
				Say: "The way out: iretq takes RIP, CS, RFLAGS, RSP and SS from the kernel stack.",
				Why: "They are the five words that the processor pushed: what was interrupted goes on."},
		}}
}

// What the ways out say, on every architecture.
const (
	sayResult       = "The system call is done: its result goes into the saved registers."
	sayExitToUser   = "Before going back to ring 3: is there other work?"
	whyExitToUser   = "need_resched and signals take effect here, at the end of every system call."
	sayIRQentryExit = "The interrupt is over: back to what it interrupted, or to the scheduler first?"
	whyIRQentryExit = "Going back to ring 3 the kernel looks at need_resched; in ring 0 only if it may be preempted."
)

// asmPushRegs saves what the processor has not: the general registers, and
// orig_ax, where an error code may be already (PUSH_AND_CLEAR_REGS).
func asmPushRegs(_ *Machine, c *cpu.Core, _ *sim.Record) {
	words := 0
	if _, has := pushedWords(c.Stack()).ErrorCode(); has {
		words = -1
	}
	c.Stack().PushRegs(&c.Regs, words)
}

// Entry code exchanges the base of GS on its way in and out, if ring 3 is on the
// other side: a system call's always, an interrupt's looks at the pushed CS. The
// time of it is part of the steps beside it, as it was measured.
var (
	swapgs   = swapgsStep("swapgs")
	swapgsIf = swapgsStep("swapgs, if the pushed CS is ring 3's")
)

func swapgsStep(name string) step {
	return step{Name: name,
		Say: "Exchanges the base of GS: the program's for the core's own, or back.",
		Why: "In ring 0 GS points to the core's own data; in ring 3 it is the program's, and the kernel must not follow a pointer of the program's.",
		Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
			r.Arg[0] = int64(c.GSBase)
			if m.crossesRings(c) {
				c.Swapgs()
			}
			r.Arg[1] = int64(c.GSBase)
		}}
}

// crossesRings tells whether the running entry code comes from ring 3, or goes
// there: a system call always does, an interrupt says so in the CS that it has
// pushed.
func (m *Machine) crossesRings(c *cpu.Core) bool {
	f := pushedWords(c.Stack())
	return f == nil || f.L[3]&3 == 3
}

func stationOf(callee cpu.CodeID) uint8 {
	if callee == fnCommonInterrupt {
		return StIRQ
	}
	return StNone
}

// irqEntry is DEFINE_IDTENTRY_IRQ and its kin: body runs on the interrupt stack
// between irq_enter_rcu and irq_exit_rcu.
func irqEntry(name string, body cpu.CodeID, station uint8, say string) code {
	return code{Name: name, File: "arch/x86/kernel/irq.c", Station: station, Say: say,
		Why: "The interrupted task lends its kernel stack for a few frames only; the handler has a stack of its own.",
		Steps: []step{
			{Name: "irq_enter_rcu, switch to the interrupt stack", Cost: costEntry, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				m.cpuOf(c).Preempt += CountHardirq
				c.CallOnIRQ(body)
			}},
			{Name: "irq_exit_rcu", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { c.CallOnIRQ(fnIRQExit) },
				Say: "The handler is done: leaves the hard interrupt.", Why: "Work that it has put off can be done now, with interrupts on."},
			{Name: "irqentry_exit", Cost: costFn, Do: (*Machine).irqentryExit, Say: sayIRQentryExit, Why: whyIRQentryExit},
		}}
}

func (m *Machine) entrySwitchStack(c *cpu.Core, r *sim.Record) { c.SwitchStack() }

// entryPushRegs saves the user's registers: five words that an interrupt would
// have found pushed, then the rest.
func (m *Machine) entryPushRegs(c *cpu.Core, r *sim.Record) {
	regs := c.Regs
	regs.RSP = c.Ctx.User.SP()
	regs.RIP, regs.RFLAGS = regs.RCX, regs.R11
	regs.CS, regs.SS = cpu.UserCS, cpu.UserSS
	c.Ctx.Kernel.PushRegs(&regs, 5)
	c.Call(fnDoSyscall64)
}

func (m *Machine) entryPopRegs(c *cpu.Core, r *sim.Record) {
	saved := c.Ctx.Kernel.PopRegs()
	saved.CR3 = c.Regs.CR3
	flags, cs, ss := c.Regs.RFLAGS, c.Regs.CS, c.Regs.SS
	c.Regs = saved
	c.Regs.RCX, c.Regs.R11 = saved.RIP, saved.RFLAGS
	c.Regs.RFLAGS, c.Regs.CS, c.Regs.SS = flags, cs, ss // until sysretq or iretq
}

func (m *Machine) entrySysret(c *cpu.Core, r *sim.Record) {
	c.Sysret()
	r.Station = m.wokenStation(c)
}

// wokenStation marks the way back of a task that the packet has woken.
func (m *Machine) wokenStation(c *cpu.Core) uint8 {
	if m.current(c).Call.Woken {
		return StUser
	}
	return StNone
}

func (m *Machine) syscallEnter(c *cpu.Core, r *sim.Record) {
	fn := m.noteSyscall(c, r)
	c.Call(fn, m.current(c).Call.Args[:]...)
}

// noteSyscall notes what the running task asks for and finds its function.
func (m *Machine) noteSyscall(c *cpu.Core, r *sim.Record) cpu.CodeID {
	t := m.current(c)
	saved := c.Ctx.Kernel.Saved()
	c.Regs.RFLAGS |= cpu.FlagIF
	number := *saved.At(m.ABI.Number)
	if m.ABI.Gate != 0 {
		number = uint64(uint32(number))
	}
	nr, fn := m.sysCall(t, number)
	m.Counters.Syscalls++
	t.Call.Active, t.Call.NR, t.Call.Args = true, nr, saved.Read(&m.ABI.Args)
	if m.ABI.Gate != 0 {
		compat(nr, &t.Call.Args)
	}
	t.Call.From, t.Call.Woken, t.Call.Roused, t.Call.NHeld, t.Call.Until = SockAddr{}, false, false, 0, 0
	r.Arg[0], r.Arg[1] = int64(nr), t.Call.Args[0]
	m.point(c, r, PointSysEnter)
	return fn
}

func (m *Machine) syscallExit(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	c.Ctx.Kernel.Saved().RAX = c.Regs.RAX
	t.Call.Active, t.Call.Ret = false, int64(c.Regs.RAX)
	if t.Call.Roused {
		m.Counters.UsefulWakeups++
	}
	r.Arg[0], r.Arg[1] = int64(t.Call.NR), t.Call.Ret
	r.Station = m.wokenStation(c)
	if t.Call.Returns {
		r.Arg[0], t.Call.Returns = nrRtSigreturn, false
	} else {
		t.Call.Interrupted = interrupted(t.Call.Ret) && t.signalPending()
	}
	m.point(c, r, PointSysExit)
	m.fdput(c)
}

// interrupted tells whether an answer means that a signal has ended a call.
func interrupted(ret int64) bool {
	return ret == -EINTR || ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK
}

// exitToUser turns interrupts off for good, so that nothing can ask for more
// between the last look and the return.
func (m *Machine) exitToUser(c *cpu.Core, r *sim.Record) {
	c.Cli()
	if m.userWork(c) {
		c.Call(fnExitToUserModeLoop)
	}
}

// userWork tells whether there is something to do before ring 3
// (EXIT_TO_USER_MODE_WORK).
func (m *Machine) userWork(c *cpu.Core) bool {
	t := m.current(c)
	return t.NeedResched || t.signalPending() || t.Call.NHeld > 0 && !t.Call.Active
}

// exitResched does what there is to do, in the kernel's order: the switch, then
// signals, then the rest.
func (m *Machine) exitResched(c *cpu.Core, r *sim.Record) {
	c.Regs.RFLAGS |= cpu.FlagIF
	if m.current(c).NeedResched {
		c.Call(fnSchedule)
	}
}

func (m *Machine) exitSignal(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	if t.Call.NHeld > 0 && !t.Call.Active {
		c.Again()
		c.Call(fnTaskWorkRun)
		return
	}
	if t.signalPending() {
		c.Call(fnArchDoSignal)
	}
}

func (m *Machine) exitLookAgain(c *cpu.Core, r *sim.Record) {
	c.Cli()
	if m.userWork(c) {
		c.Goto(0)
	}
}

// irqentryExit goes back to what was interrupted. Only on the way to ring 3 is
// the scheduler asked: the modelled kernel is not preemptible (PREEMPT_NONE).
func (m *Machine) irqentryExit(c *cpu.Core, r *sim.Record) {
	if c.On == cpu.OnKernel && m.interruptedRing(c) == 3 && m.userWork(c) {
		c.Call(fnExitToUserModeLoop)
	}
}

// interruptedRing reads the pushed CS below the running interrupt entry.
func (m *Machine) interruptedRing(c *cpu.Core) uint8 {
	if f := pushedWords(c.Stack()); f != nil {
		return uint8(f.L[3] & 3)
	}
	return 0
}

// pushedWords are the innermost ones that the processor has pushed, or nil.
func pushedWords(s *cpu.Stack) *cpu.Frame {
	for i := len(s.F) - 1; i >= 0; i-- {
		if s.F[i].Kind == cpu.HWFrame {
			return &s.F[i]
		}
	}
	return nil
}

func (m *Machine) asmPopRegs(c *cpu.Core, r *sim.Record) {
	saved := c.Stack().PopRegs()
	saved.RFLAGS, saved.CS, saved.SS = c.Regs.RFLAGS, c.Regs.CS, c.Regs.SS
	saved.CR3 = c.Regs.CR3
	c.Regs = saved
}

func (m *Machine) reschedIPI(c *cpu.Core, r *sim.Record) {
	m.eoi(c)
	m.cpuOf(c).Stats[StatRES]++
	m.point(c, r, PointReschedEntry)
}

func (m *Machine) retFromForkAsm(c *cpu.Core, r *sim.Record) { c.Call(fnRetFromFork) }

// forkExit: a kernel thread's function is called here and never returns.
func (m *Machine) forkExit(c *cpu.Core, r *sim.Record) {
	if m.current(c).Kernel {
		c.Call(fnKthread)
		return
	}
	m.exitToUser(c, r)
}
