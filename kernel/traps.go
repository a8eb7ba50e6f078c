package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Exceptions other than the page fault: arch/x86/kernel/traps.c. The processor
// cannot do an instruction, and asks the kernel; of a program of ring 3 the kernel
// thinks that it did not mean it, and sends a signal.

// Vectors of exceptions (SDM volume 3, table 6-1).
const (
	vectorDE = 0  // division by zero
	vectorUD = 6  // no such instruction
	vectorGP = 13 // general protection
)

const fileTraps = "arch/x86/kernel/traps.c"

// Signals of exceptions, and their codes (include/uapi/asm-generic/siginfo.h).
const (
	sigILL = 4
	sigFPE = 8

	fpeIntDiv = 1
	illIllOpn = 2
	siKernel  = 0x80
)

var trapsText = text{
	fnCli: privileged("cli", "Tries to keep interrupts out.",
		"If a program could, it would have the core for itself for ever: the processor refuses in ring 3.", vectorGP),
	fnHlt: privileged("hlt", "Tries to halt the core.",
		"That is the kernel's to decide, when nobody has anything to do: the processor refuses in ring 3.", vectorGP),
	fnUd2: privileged("ud2", "An instruction that does not exist, on purpose.",
		"Compilers put it where the program must never come.", vectorUD),

	fnAsmExcDivideError:       asmEntry("asm_exc_divide_error", fnExcDivideError),
	fnAsmExcInvalidOp:         asmEntry("asm_exc_invalid_op", fnExcInvalidOp),
	fnAsmExcGeneralProtection: asmEntry("asm_exc_general_protection", fnExcGeneralProtection),

	fnExcDivideError: exception("exc_divide_error", "do_error_trap: SIGFPE",
		"A division by zero: there is no result that the processor could give.", sigFPE, fpeIntDiv),
	fnExcInvalidOp: exception("exc_invalid_op", "handle_bug? no: SIGILL",
		"No such instruction. The kernel's own use of it (BUG, WARN) is looked for first.", sigILL, illIllOpn),
	fnExcGeneralProtection: exception("exc_general_protection", "fixup_iopl_exception? no: gp_user_force_sig_segv",
		"Something that ring 3 may not do. The error code is 0: no segment was at fault.", sigSEGV, siKernel),
}

// privileged is an instruction of a program that raises an exception: it has no
// other step, so it is tried again when the exception is handled.
func privileged(name, say, why string, vector uint8) code {
	return code{Name: name, Ring: 3, File: "(the thread program)", Say: say, Why: why,
		Steps: []step{{Name: name, Cost: costOp, Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
			r.Arg[0] = int64(vector)
			c.Raise(vector, 0)
		}}}}
}

// exception is the handler of one that ring 3 has raised.
func exception(name, what, say string, sig, sigCode int64) code {
	return code{Name: name, File: fileTraps, Say: say, Why: "The signal's default is the end of the process; a handler would come back to the same instruction.",
		Steps: []step{
			{Name: "irqentry_enter, cond_local_irq_enable", Cost: costEntry, Do: (*Machine).excEnter},
			{Name: what, Cost: costFn, Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
				r.Arg[0] = sig
				c.Call(fnForceSigFault, sig, sigCode, int64(pushedWords(c.Stack()).L[4]))
			}},
			{Name: "interrupts off, irqentry_exit", Cost: costFn, Do: (*Machine).pageFaultExit},
		}}
}

// excEnter lets interrupts in again if they were in before.
func (m *Machine) excEnter(c *cpu.Core, r *sim.Record) {
	words := pushedWords(c.Stack())
	r.Arg[0], r.Arg[1] = words.L[4], c.Code
	c.Regs.RFLAGS |= uint64(words.L[2]) & cpu.FlagIF
}

// divide raises #DE for the operation of a program that is being done. Arm has no
// such exception, and its programs no such operation.
func (m *Machine) divide(c *cpu.Core) {
	m.current(c).Mem.Fault = ""
	c.Frame().PC++ // Raise goes back by one
	c.Raise(vectorDE, 0)
}

// faultNames are the exceptions, by the entry code behind their gates; on Arm, by
// the function that the exception's class leads to, for all have one vector. What
// has no name here is no exception.
var faultNames = map[cpu.CodeID]string{
	fnAsmExcPageFault: "page fault", fnAsmExcDivideError: "division error",
	fnAsmExcInvalidOp: "invalid instruction", fnAsmExcGeneralProtection: "general protection fault",
	fnEl0Da: "data abort", fnEl1Abort: "data abort", fnEl0Undef: "undefined instruction",
	fnEl0Irq: "", fnEl1Irq: "",
}

// FaultOf names the exception of a task's own that has interrupted it, if that is
// the innermost thing that has, or gives "".
func (m *Machine) FaultOf(t TaskID) string {
	s := &m.Context(t).Kernel
	for i := len(s.F) - 2; i >= 0; i-- {
		name, entered := faultNames[s.F[i+1].Code]
		if entered || s.F[i].Kind == cpu.HWFrame {
			return name
		}
	}
	return ""
}
