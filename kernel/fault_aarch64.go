package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// linux-arm64: exceptions that are no interrupts and no system calls
// (arch/arm64/kernel/entry-common.c, traps.c, mm/fault.c). All come through the
// vector of their level; ESR_EL1 says what it was. From handle_mm_fault on a data
// abort is a page fault like any other (fault.go).

const (
	fileArmFault = "arch/arm64/mm/fault.c"
	fileArmTraps = "arch/arm64/kernel/traps.c"
)

// illIllOpc is SIGILL's code of an opcode that there is not.
const illIllOpc = 1

var armFaultText = text{
	fnUdf: {Name: "udf", Ring: 3, File: "(the thread program)",
		Say: "An instruction that does not exist, on purpose.", Why: "Compilers put it, or brk, where the program must never come.",
		Steps: []step{{Name: "udf #0", Cost: costOp, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Undefined() }}}},

	fnEl0Da: {Name: "el0_da", File: fileArmCommon,
		Say: "A data abort of a program: reads the address, and lets interrupts in again.",
		Why: "FAR_EL1 must be read before anything else can fault and overwrite it.",
		Steps: []step{
			{Name: "read FAR_EL1, enter_from_user_mode, DAIF clear", Cost: costEntry, Do: (*Machine).el0Da},
			{Name: "exit_to_user_mode", Cost: costFn, Do: (*Machine).exitToUser},
		}},
	fnEl0Undef: {Name: "el0_undef", File: fileArmCommon,
		Say: "An instruction of a program that the processor does not know.",
		Why: "The class is 0 for everything that has none of its own, and there is no address to read.",
		Steps: []step{
			{Name: "enter_from_user_mode, DAIF clear", Cost: costEntry, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				m.daifProcess(c)
				c.Call(fnDoEl0Undef)
			}},
			{Name: "exit_to_user_mode", Cost: costFn, Do: (*Machine).exitToUser},
		}},

	fnEl1Sync: {Name: "el1h_64_sync", File: fileArmEntry,
		Say: "The vector of synchronous exceptions of the kernel itself.",
		Why: "It has a row of its own in the table: the way back leads into the kernel, where no signal can be delivered.",
		Steps: []step{
			{Name: "kernel_entry: push x0 to x30, SP, ELR, SPSR", Cost: costRegs, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				m.armPushRegs(c)
				c.Call(fnEl1SyncHandler)
			}},
			{Name: "ret_to_kernel: kernel_exit", Cost: costRegs, Do: (*Machine).armKernelExit},
			{Name: "eret", Cost: cpu.CostIret, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.EretIRQ() }},
		}},
	fnEl1SyncHandler: {Name: "el1h_64_sync_handler", File: fileArmCommon,
		Say: "Why was the exception taken? The exception class in ESR_EL1 says: 0x25, a data abort.",
		Why: "Most other classes would be a defect of the kernel.",
		Steps: []step{
			{Name: "ESR_EL1.EC = 0x25: el1_abort", Do: func(_ *Machine, c *cpu.Core, r *sim.Record) {
				r.Arg[0] = int64(c.ESR)
				c.Call(fnEl1Abort, int64(c.CR2), int64(c.ESR))
			}},
			{Name: "return", Do: nothing},
		}},
	fnEl1Abort: {Name: "el1_abort", File: fileArmCommon,
		Say: "The kernel has touched memory of the program that is not there, or not like this.",
		Why: "Such a fault may sleep like a program's own, so interrupts are let in if they were in before.",
		Steps: []step{
			{Name: "read FAR_EL1, enter_from_kernel_mode, local_daif_inherit", Cost: costEntry, Do: (*Machine).el1Abort},
			{Name: "local_daif_mask, exit_to_kernel_mode", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Cli() }},
		}},

	fnDoMemAbort: {Name: "do_mem_abort", File: fileArmFault,
		Say: "The fault status in ESR_EL1 is a row of the table fault_info.",
		Why: "No valid entry in the page tables, or one that does not allow the access? The processor says so, with the level.",
		Steps: []step{
			{Name: "fault_info[ESR_EL1.DFSC]", Cost: costFn, Do: (*Machine).doMemAbort},
			{Name: "return", Do: nothing},
		}},
	fnDoTranslationFault: {Name: "do_translation_fault", File: fileArmFault,
		Say:   "There is no entry for the address: is it one of the program's half?",
		Why:   "The kernel's half has tables of its own, in TTBR1_EL1; nothing will be mapped there for a program.",
		Steps: []step{{Name: "is_ttbr0_addr?", Cost: costFn, Do: (*Machine).doTranslationFault}}},
	fnDoPageFault: {Name: "do_page_fault", File: fileArmFault,
		Say: "Looks for the range that the address is in, and whether it allows the access.",
		Why: "The page tables say what is there now; the ranges (VMAs) say what may be there.",
		Steps: []step{
			{Name: "lock_vma_under_rcu", Cost: costFindVMA, Do: (*Machine).doPageFault},
			{Name: "vma_end_read", Cost: costFn, Do: nothing},
		}},
	fnDoBadArea: {Name: "do_bad_area", File: fileArmFault,
		Say:   "The access was wrong: no page will make it right.",
		Why:   "A program gets a signal; in the kernel's own copy the system call gets EFAULT.",
		Steps: []step{{Name: "user_mode? arm64_force_sig_fault; else __do_kernel_fault", Cost: costFn, Do: (*Machine).armBadArea}}},
	fnDoKernelFault: {Name: "__do_kernel_fault", File: fileArmFault,
		Say: "A wrong access of the kernel's own.", Why: "It is allowed in the few places that are made for it; anywhere else it would be an oops.",
		Steps: []step{
			{Name: "fixup_exception", Cost: costFn, Do: calls(fnFixupException)},
			{Name: "return", Do: nothing},
		}},
	fnDoEl0Undef: {Name: "do_el0_undef", File: fileArmTraps,
		Say: "Is it an instruction that the kernel emulates? No.", Why: "A few old instructions, and reads of some registers, are done by the kernel in the program's stead.",
		Steps: []step{
			{Name: "try_emulate_mrs? no: force_signal_inject", Cost: costFn, Do: calls(fnForceSignalInject)},
			{Name: "return", Do: nothing},
		}},
	fnForceSignalInject: {Name: "force_signal_inject", File: fileArmTraps,
		Say: "Chooses signal and code for the instruction at PC.", Why: "The address that the signal carries is that of the instruction.",
		Steps: []step{
			{Name: "arm64_notify_die: SIGILL, ILL_ILLOPC", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				c.Call(fnArm64ForceSigFault, sigILL, illIllOpc, int64(c.Stack().Saved().RIP))
			}},
			{Name: "return", Do: nothing},
		}},
	fnArm64ForceSigFault: {Name: "arm64_force_sig_fault", File: fileArmTraps,
		Say: "Sends the signal, and tells the kernel's log if it was asked to.", Why: "The rest is the same on every processor.",
		Steps: []step{
			{Name: "arm64_show_signal, force_sig_fault", Cost: costFn, Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
				l := c.Frame().L
				r.Arg[0], r.Arg[1] = l[0], l[1]
				c.Call(fnForceSigFault, l[0], l[1], l[2])
			}},
			{Name: "return", Do: nothing},
		}},
}

// armUserMax is the last address that TTBR0_EL1 translates (TASK_SIZE with 48 bits).
const armUserMax = 1<<48 - 1

// untagged is the address that is translated: in a program's half the uppermost
// byte is ignored (TCR_EL1.TBI0, which Linux sets), and bit 55 tells the halves
// apart.
func untagged(addr uint64) uint64 {
	if addr>>55&1 == 0 {
		return addr << 8 >> 8
	}
	return addr
}

// beyondTables tells whether an address is in no entry of either half's tables: it
// lies between the two, or where no program has any. That is a translation fault
// of level 0. (The model's tables are x86's, where a program's half ends at bit 47.)
func beyondTables(addr uint64) bool { return !cpu.Canonical(addr) }

// daifProcess lets everything in, as threads run (DAIF_PROCCTX).
func (m *Machine) daifProcess(c *cpu.Core) {
	c.UnmaskDA()
	c.Regs.RFLAGS |= cpu.FlagIF
}

// el0Da: locals are the address and the syndrome, as in the functions below.
func (m *Machine) el0Da(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	m.daifProcess(c)
	c.Call(fnDoMemAbort, l[0], l[1])
}

func (m *Machine) el1Abort(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	c.UnmaskDA()
	if c.Stack().Saved().R11&cpu.PStateIF == 0 {
		c.Regs.RFLAGS |= cpu.FlagIF
	}
	c.Call(fnDoMemAbort, l[0], l[1])
}

func (m *Machine) doMemAbort(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	if cpu.AbortTranslation(uint64(l[1])) {
		c.Call(fnDoTranslationFault, l[0], l[1])
		return
	}
	c.Call(fnDoPageFault, l[0], l[1])
}

func (m *Machine) doTranslationFault(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	if uint64(l[0]) <= armUserMax {
		c.Tail(fnDoPageFault, l[0], l[1])
		return
	}
	c.Tail(fnDoBadArea, l[0], l[1], segvMapErr)
}

// doPageFault: the rights that are asked for are of the kind that fault.go has.
func (m *Machine) doPageFault(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	kind := abortKind(uint64(l[1]))
	v := m.findVMA(m.current(c).Proc, uint64(l[0]))
	switch {
	case v == nil:
		c.Tail(fnDoBadArea, l[0], l[1], segvMapErr)
	case !v.has(kind):
		c.Tail(fnDoBadArea, l[0], l[1], segvAccErr)
	default:
		c.Call(fnHandleMmFault, l[0], int64(kind))
	}
}

// abortKind says what kind of access a syndrome speaks of.
func abortKind(esr uint64) (kind uint8) {
	if esr&cpu.AbortWrite != 0 {
		kind |= cpu.FaultWrite
	}
	if cpu.Class(esr) == cpu.ECDataEL0 {
		kind |= cpu.FaultUser
	}
	return kind
}

// armBadArea: local 2 is the signal's code.
func (m *Machine) armBadArea(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	if abortKind(uint64(l[1]))&cpu.FaultUser == 0 {
		c.Tail(fnDoKernelFault)
		return
	}
	c.Tail(fnArm64ForceSigFault, sigSEGV, l[2], l[0])
}
