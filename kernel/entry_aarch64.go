package kernel

import (
	"fmt"
	"strings"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// linux-arm64: the ways into EL1 and out of it, arch/arm64/kernel/entry.S,
// entry-common.c and syscall.c. The hardware saves two registers, kernel_entry
// saves the rest.

const (
	fileArmEntry   = "arch/arm64/kernel/entry.S"
	fileArmCommon  = "arch/arm64/kernel/entry-common.c"
	fileArmSyscall = "arch/arm64/kernel/syscall.c"
	fileGIC        = "drivers/irqchip/irq-gic-v3.c"
)

// armText are the functions that only arm64 has.
var armText = text{
	fnEl0SyncHandler: {Name: "el0t_64_sync_handler", File: fileArmCommon,
		Say: "Why was the exception taken? The exception class in ESR_EL1 says: 0x15 an SVC, 0x24 a data abort, 0 no such instruction.",
		Why: "A system call, a page fault and an illegal instruction all come through the same vector.",
		Steps: []step{
			{Name: "ESR_EL1.EC: which exception is it?", Do: (*Machine).el0SyncHandler},
			{Name: "return", Do: nothing},
		}},
	fnEl0Svc: {Name: "el0_svc", File: fileArmCommon,
		Say: "Lets interrupts in again, does the call, and looks for work before EL0.",
		Why: "The exception has masked everything; a system call is ordinary work of its thread.",
		Steps: []step{
			{Name: "enter_from_user_mode, DAIF clear", Do: (*Machine).el0Svc},
			{Name: "exit_to_user_mode", Cost: costFn, Do: (*Machine).exitToUser, Say: sayExitToUser, Why: whyExitToUser},
		}},
	fnDoEl0Svc: {Name: "do_el0_svc", File: fileArmSyscall,
		Say: "Takes the number from x8.", Why: "It is a register of its own, so that x0 to x5 are free for arguments.",
		Steps: []step{
			{Name: "x8", Do: calls(fnEl0SvcCommon)},
			{Name: "return", Do: nothing},
		}},
	fnEl0SvcCommon: {Name: "el0_svc_common", File: fileArmSyscall,
		Say: "Tells tracers of the call, before and after.", Why: "strace sees here what it prints.",
		Steps: []step{
			{Name: "syscall_trace_enter", Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
				c.Call(fnInvokeSyscall, int64(m.noteSyscall(c, r)))
			}},
			{Name: "syscall_trace_exit", Cost: costFn, Do: (*Machine).syscallExit},
		}},
	fnInvokeSyscall: {Name: "invoke_syscall", File: fileArmSyscall,
		Say: "Looks the number up in the table of system calls and calls the function.",
		Why: "x8 says what the program wants; x0 to x5 say with what.",
		Steps: []step{
			{Name: "sys_call_table[x8]", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				c.Call(cpu.CodeID(c.Frame().L[0]), m.current(c).Call.Args[:]...)
			}},
			{Name: "x0 of pt_regs is the result", Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Ctx.Kernel.Saved().RAX = c.Regs.RAX }},
		}},

	fnEl0Irq: armVector("el0t_64_irq", fnEl0IrqHandler, "ret_to_user: kernel_exit"),
	fnEl1Irq: armVector("el1h_64_irq", fnEl1IrqHandler, "ret_to_kernel: kernel_exit"),
	fnEl0IrqHandler: oneCall("el0t_64_irq_handler", fileArmCommon, "handle_arch_irq is the GIC's", fnEl0Interrupt,
		"An interrupt came in while a program ran.", "Which one is not known yet: there is one vector for all devices."),
	fnEl1IrqHandler: oneCall("el1h_64_irq_handler", fileArmCommon, "handle_arch_irq is the GIC's", fnEl1Interrupt,
		"An interrupt came in while the kernel ran.", "It has a vector of its own, because the way back is another one."),
	fnEl0Interrupt: armInterrupt("el0_interrupt", "enter_from_user_mode, irq_enter_rcu", "exit_to_user_mode", (*Machine).el0InterruptExit),
	fnEl1Interrupt: armInterrupt("el1_interrupt", "enter_from_kernel_mode, irq_enter_rcu", "exit_to_kernel_mode", nothing),
	fnDoInterruptHandler: {Name: "do_interrupt_handler", File: fileArmCommon,
		Say: "Runs the handler, on the interrupt stack unless the core is on it already.", Why: "The interrupted task lends its kernel stack for a few frames only.",
		Steps: []step{
			{Name: "on_thread_stack?", Do: (*Machine).doInterruptHandler},
			{Name: "return", Do: nothing},
		}},
	fnCallOnIRQStack: {Name: "call_on_irq_stack", File: fileArmEntry,
		Say: "Changes the stack pointer to the core's interrupt stack for one call.", Why: "A handler must not depend on how full the interrupted stack is.",
		Steps: []step{
			{Name: "SP to the interrupt stack, blr", Cost: costEntry, Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
				m.armStation(c, r)
				c.CallOnIRQ(cpu.CodeID(c.Frame().L[0]))
			}},
			{Name: "SP back", Do: nothing},
		}},
	fnGICHandleIRQ: {Name: "gic_handle_irq", File: fileGIC,
		Say: "Asks the interrupt controller which interrupt it is, and tells it that it has been seen.",
		Why: "On x86 the local APIC hands the core a vector; on Arm software reads it.",
		Steps: []step{
			{Name: "read ICC_IAR1_EL1: the INTID", Do: (*Machine).gicAcknowledge},
			{Name: "write ICC_EOIR1_EL1: priority drop", Cost: costEOI, Do: (*Machine).gicEOI},
			{Name: "return", Do: nothing},
		}},
	fnGICDomainIRQ: {Name: "generic_handle_domain_irq", File: "kernel/irq/irqdesc.c",
		Say: "From the controller's number to the interrupt's descriptor: whose interrupt is it?",
		Why: "Cards, the timer and messages from other cores are all INTIDs to the GIC.",
		Steps: []step{
			{Name: "INTID to irq_desc", Cost: costFn, Do: (*Machine).gicDomainIRQ},
			{Name: "return", Do: nothing},
		}},
	fnPercpuDevidIRQ: {Name: "handle_percpu_devid_irq", File: "kernel/irq/chip.c",
		Say: "The flow of an interrupt that each core has for itself.", Why: "No lock: no other core can get this one.",
		Steps: []step{
			{Name: "call the handler", Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Call(cpu.CodeID(c.Frame().L[0])) }},
			{Name: "return", Do: nothing},
		}},
	fnPrimarySwitched: outermost("__primary_switched", "arch/arm64/kernel/head.S", "Core 0's first code with its memory mapped, below everything the idle task does."),
}

// What the ways out of the kernel say.
const (
	sayKernelExit = "The way out: the saved registers come back, and ELR and SPSR are loaded."
	whyKernelExit = "The next instruction will take PC and PSTATE from those two."
	sayEret       = "The way out: eret takes PC from ELR_EL1 and PSTATE from SPSR_EL1."
	whyEret       = "With PSTATE the exception level changes too: what was left goes on."
)

// arm64Rows take the place of x86's rows.
var arm64Rows = text{
	fnEntrySyscall: {Name: "el0t_64_sync", File: fileArmEntry,
		Say: "The vector of synchronous exceptions from EL0: svc, and faults too.",
		Why: "The hardware has saved PC and PSTATE in ELR_EL1 and SPSR_EL1; the rest is software's business.",
		Steps: []step{
			{Name: "kernel_ventry: room for pt_regs below SP_EL1", Cost: costEntry, Do: nothing},
			{Name: "kernel_entry: push x0 to x30, SP_EL0, ELR, SPSR", Cost: costRegs, Do: (*Machine).armKernelEntry},
			{Name: "ret_to_user: kernel_exit", Cost: costRegs, Do: (*Machine).armKernelExit, Say: sayKernelExit, Why: whyKernelExit},
			{Name: "eret", Cost: cpu.CostSysret, Do: (*Machine).armEret, Say: sayEret, Why: whyEret},
		}},
	fnLocalAPIC: device("gic its", StAPIC, "Arm GIC Architecture Specification, LPIs and the ITS", "pending bit set",
		"The message reaches the interrupt translation service, which makes an LPI of it that is pending at one core.", "The card names itself and an event; which core that is, software has written into a table."),
	fnIPI: device("gic sgi", StNone, "Arm GIC Architecture Specification, ICC_SGI1R_EL1", "SGI pending",
		"A software-generated interrupt from another core has arrived.", "Cores talk to each other through the interrupt controller."),
	fnTimerExpiry: device("generic timer", StNone, "Arm ARM, The Generic Timer", "PPI pending",
		"The core's virtual timer has reached its compare value.", "The kernel set it to the first of its own timers."),
	fnSysvecTimerIRQ: {Name: "arch_timer_handler_virt", File: "drivers/clocksource/arm_arch_timer.c",
		Say: "The timer's interrupt: the timers that are due.", Why: "One timer of the core serves all timers of the kernel.",
		Steps: []step{
			{Name: "mask the timer, call its event handler", Do: (*Machine).timerEntry},
			{Name: "done", Cost: costFn, Do: (*Machine).timerExit},
		}},
	fnHandleEdgeIRQ: {Name: "handle_fasteoi_irq", File: "kernel/irq/chip.c", Station: StIRQ,
		Say: "The flow of an interrupt whose end the controller handles.", Why: "The GIC has dropped its priority already: the next message can be latched.",
		Steps: []step{{Name: "handle_irq_event", Do: (*Machine).flowHandle}}},
	fnSysvecResched: oneStep("do_handle_IPI", "arch/arm64/kernel/smp.c", "IPI_RESCHEDULE: scheduler_ipi", costFn, (*Machine).reschedIPI,
		"Another core has set need_resched here; the interrupt has nothing else to do.", "Its way out is what matters: there the scheduler is asked."),
	fnIRQExit: {Name: "irq_exit_rcu", File: fileSoftirq, Station: StSoftirq,
		Say: "The hard interrupt is over; softirqs that it raised run now.", Why: "They run on the interrupt stack too, but with interrupts let in.",
		Steps: []step{
			{Name: "leave hardirq, look for pending softirqs", Cost: costFn, Do: (*Machine).armIRQExit},
			{Name: "return", Do: nothing},
		}},
	fnRetFromForkAsm: {Name: "ret_to_user", File: fileArmEntry,
		Say: "The end of every way to EL0; a new thread begins right above it.", Why: "Its stacks were laid out as if it had been switched away from here.",
		Steps: []step{
			{Name: "from ret_from_fork", Do: (*Machine).retFromForkAsm},
			{Name: "kernel_exit", Cost: costRegs, Do: (*Machine).armKernelExit},
			{Name: "eret", Cost: cpu.CostIret, Do: (*Machine).armEret, Say: sayEret, Why: whyEret},
		}},
	fnRetFromFork: {Name: "ret_from_fork", File: fileArmEntry,
		Say: "Ends the switch that brought the new thread here, and lets it go.", Why: "schedule_tail does for a new task what the rest of context_switch does for others.",
		Steps: []step{
			{Name: "schedule_tail", Cost: costFork, Do: (*Machine).scheduleTail},
			{Name: "asm_exit_to_user_mode, or the kernel thread's function", Cost: costFn, Do: (*Machine).forkExit},
		}},
	fnSafeHalt: {Name: "cpu_do_idle", File: "arch/arm64/kernel/idle.c",
		Say: "wfi: stop until an interrupt is pending.", Why: "wfi ends even while interrupts are masked, so none can slip in between a last look and the halt.",
		Steps: []step{
			{Name: "dsb, wfi", Cut: true, Masked: true, Span: never, Do: nothing},
			{Name: "awake: DAIF clear", Say: "An interrupt is pending: wfi is over, and interrupts are let in.", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Regs.RFLAGS |= cpu.FlagIF }},
		}},
	fnStartSecondary:   outermost("secondary_start_kernel", "arch/arm64/kernel/smp.c", "The start of every other core; what is left of it is its idle task."),
	fnSecondaryStartup: outermost("__secondary_switched", "arch/arm64/kernel/head.S", "A core's first code with its memory mapped, below everything the idle task does."),
	fnRestoreRT: {Name: "__kernel_rt_sigreturn", Ring: 3, File: "arch/arm64/kernel/vdso/sigreturn.S",
		Say: "The handler's return address leads here, into the vDSO: back to the kernel.", Why: "Only the kernel can restore all registers.",
		Steps: []step{{Name: "mov x8, #139; svc #0", Cost: cpu.CostSyscall, Do: (*Machine).restoreRT}, {Name: "(not reached)", Do: nothing}}},
}

// arm64Files are where the other functions of an architecture stand.
var arm64Files = map[cpu.CodeID]string{
	fnArchDoSignal: "arch/arm64/kernel/signal.c", fnSysRtSigreturn: "arch/arm64/kernel/signal.c",
	fnDefaultIdleCall: fileIdle, fnFixupException: "arch/arm64/mm/extable.c",
}

// arm64Steps are steps whose names speak of the processor.
var arm64Steps = []struct {
	fn   cpu.CodeID
	step int
	name string
}{
	{fnContextSwitch, 0, "switch_mm: TTBR0_EL1"}, {fnContextSwitch, 1, "cpu_switch_to: SP, x19 to x29"},
	{fnLoad, 0, "ldrb w0, [x0]"}, {fnStore, 0, "strb w1, [x0]"},
	{fnFixupException, 1, "ex_handler_uaccess_err_zero: go on behind the copy"},
}

// armTable gives the other functions their names and files on arm64.
func armTable(codes []code) {
	for id := range codes {
		codes[id].Name = strings.Replace(codes[id].Name, "__x64_sys_", "__arm64_sys_", 1)
		if f, ok := arm64Files[cpu.CodeID(id)]; ok {
			codes[id].File = f
		}
	}
	for _, s := range arm64Steps {
		steps := append([]step(nil), codes[s.fn].Steps...)
		steps[s.step].Name = s.name
		codes[s.fn].Steps = steps
	}
	base := codes[fnInterruptDelivery].Base
	codes[fnInterruptDelivery] = cpu.InterruptEntryArm64[*Machine](StIDT)
	codes[fnInterruptDelivery].Base = base
}

// oneCall is a function that only calls another.
func oneCall(name, file, what string, callee cpu.CodeID, say, why string) code {
	return code{Name: name, File: file, Say: say, Why: why, Steps: []step{
		{Name: what, Do: func(m *Machine, c *cpu.Core, r *sim.Record) { m.armStation(c, r); c.Call(callee) }},
		{Name: "return", Do: nothing},
	}}
}

// armVector is the assembly of an interrupt's vector.
func armVector(name string, handler cpu.CodeID, exit string) code {
	return code{Name: name, File: fileArmEntry,
		Say: "The vector's code: saves everything, for the hardware has pushed nothing.",
		Why: "x0 to x30 and the two registers that the next exception will overwrite go into struct pt_regs.",
		Steps: []step{
			{Name: "kernel_entry: push x0 to x30, SP, ELR, SPSR", Cost: costRegs, Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
				m.armStation(c, r)
				m.armPushRegs(c)
				c.Call(handler)
			}},
			{Name: exit, Cost: costRegs, Do: (*Machine).armKernelExit, Say: sayKernelExit, Why: whyKernelExit},
			{Name: "eret", Cost: cpu.CostIret, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.EretIRQ() }, Say: sayEret, Why: whyEret},
		}}
}

// armInterrupt is el0_interrupt and el1_interrupt.
func armInterrupt(name, enter, exit string, done func(*Machine, *cpu.Core, *sim.Record)) code {
	return code{Name: name, File: fileArmCommon,
		Say: "Counts the hard interrupt, runs the handler, and leaves by irq_exit_rcu.",
		Why: "While hardirq is counted nothing here may sleep or be preempted.",
		Steps: []step{
			{Name: enter, Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
				m.armStation(c, r)
				c.UnmaskDA()
				m.cpuOf(c).Preempt += CountHardirq
				c.Call(fnDoInterruptHandler)
			}},
			{Name: "irq_exit_rcu", Cost: costFn, Do: calls(fnIRQExit)},
			{Name: exit, Cost: costFn, Do: done, Say: sayIRQentryExit, Why: whyIRQentryExit},
		}}
}

// armStation puts the shared code of all interrupts on the packet's path when
// the interrupt is the card's.
func (m *Machine) armStation(c *cpu.Core, r *sim.Record) {
	if m.forCard(c.Vector) {
		r.Station = StIRQ
	}
}

// armPushRegs is kernel_entry's struct pt_regs: pc and pstate come from ELR_EL1
// and SPSR_EL1, sp from SP_EL0 or, in EL1, from before.
func (m *Machine) armPushRegs(c *cpu.Core) {
	regs := c.Regs
	regs.RIP = regs.RCX
	if regs.R11&cpu.PStateEL1h == 0 {
		regs.CS, regs.SS, regs.RSP = cpu.UserCS, cpu.UserSS, c.Ctx.User.SP()
	}
	c.Stack().PushRegs(&regs, 5)
}

func (m *Machine) armKernelEntry(c *cpu.Core, r *sim.Record) {
	m.armPushRegs(c)
	c.Call(fnEl0SyncHandler)
}

// armKernelExit loads what eret will use; until then PSTATE is the kernel's.
func (m *Machine) armKernelExit(c *cpu.Core, r *sim.Record) {
	saved := c.Stack().PopRegs()
	saved.RCX, saved.CR3 = saved.RIP, c.Regs.CR3
	saved.RFLAGS, saved.CS, saved.SS = c.Regs.RFLAGS, c.Regs.CS, c.Regs.SS
	c.Regs = saved
}

func (m *Machine) armEret(c *cpu.Core, r *sim.Record) {
	c.Eret()
	r.Station = m.wokenStation(c)
}

func (m *Machine) el0SyncHandler(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = int64(c.ESR)
	switch cpu.Class(c.ESR) {
	case cpu.ECDataEL0:
		c.Call(fnEl0Da, int64(c.CR2), int64(c.ESR))
	case cpu.ECUnknown:
		c.Call(fnEl0Undef)
	default:
		c.Call(fnEl0Svc)
	}
}

func (m *Machine) el0Svc(c *cpu.Core, r *sim.Record) {
	c.UnmaskDA()
	c.Regs.RFLAGS |= cpu.FlagIF
	c.Call(fnDoEl0Svc)
}

// el0InterruptExit looks for work: only on the way to EL0 the scheduler is asked
// (PREEMPT_NONE).
func (m *Machine) el0InterruptExit(c *cpu.Core, r *sim.Record) {
	if m.userWork(c) {
		c.Call(fnExitToUserModeLoop)
	}
}

func (m *Machine) doInterruptHandler(c *cpu.Core, r *sim.Record) {
	m.armStation(c, r)
	if c.On == cpu.OnIRQ {
		c.Call(fnGICHandleIRQ)
		return
	}
	c.Call(fnCallOnIRQStack, int64(fnGICHandleIRQ))
}

// gicAcknowledge: the controller's register stands for the local APIC's IRR and
// ISR; the interrupt that it gives is the most urgent one now.
func (m *Machine) gicAcknowledge(c *cpu.Core, r *sim.Record) {
	v := c.APIC.Dispense()
	c.Frame().L[0] = int64(v)
	about(r, KindVector, int32(v))
	c.Vector = v
	m.armStation(c, r)
}

func (m *Machine) gicEOI(c *cpu.Core, r *sim.Record) {
	about(r, KindVector, m.eoi(c))
	m.armStation(c, r)
	c.Call(fnGICDomainIRQ, c.Frame().L[0])
}

// INTID is the GIC's number of what is a vector on x86: an LPI for the card, the
// virtual timer's PPI, an SGI for each kind of message between cores.
func INTID(vector int) int64 {
	switch {
	case vector >= VectorCard && vector <= VectorCard+nic.MaxQueues:
		return 8192 + int64(vector-VectorCard)
	case vector == VectorTimer:
		return 27
	case vector == VectorCallSingle:
		return 1
	}
	return 0
}

// gicDomainIRQ: the card's message is an LPI, the timer a PPI, what cores send
// each other SGIs.
func (m *Machine) gicDomainIRQ(c *cpu.Core, r *sim.Record) {
	m.armStation(c, r)
	switch v := c.Frame().L[0]; {
	case m.descOf[v] != 0:
		desc := int64(m.descOf[v]) - 1
		c.Call(m.irqs[desc].Flow, desc)
	case v == VectorTimer:
		c.Call(fnPercpuDevidIRQ, int64(fnSysvecTimerIRQ))
	case v == VectorResched:
		c.Call(fnPercpuDevidIRQ, int64(fnSysvecResched))
	case v == VectorCallSingle:
		c.Call(fnPercpuDevidIRQ, int64(fnGenericSMPCall))
	default:
		m.giveUp(fmt.Sprintf("vector %d has no interrupt number on %s", v, m.ABI.Name))
	}
}

// armIRQExit runs softirqs on the interrupt stack (do_softirq_own_stack).
func (m *Machine) armIRQExit(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Preempt -= CountHardirq
	if k.Preempt&(maskHardirq|maskSoftirq) == 0 && k.Pending != 0 {
		c.Call(fnCallOnIRQStack, int64(fnHandleSoftirqs))
	}
}
