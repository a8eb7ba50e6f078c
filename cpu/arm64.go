package cpu

import "ringside/sim"

// What an Arm core does by itself at an exception (Arm Architecture Reference
// Manual for A-profile, "Exception entry"): it pushes nothing. The return address
// and the state go to ELR_EL1 and SPSR_EL1, the stack pointer becomes SP_EL1,
// and the program counter goes to the vector table. ELR_EL1 is kept in the place
// of RCX, SPSR_EL1 in that of R11.

// Bits of PSTATE as SPSR_EL1 holds them.
const (
	PStateZ    = 1 << 30
	PStateC    = 1 << 29
	PStateDAIF = 0x3c0 // all four masks
	PStateIF   = 0x0c0 // IRQ and FIQ, which Linux masks together
	PStateEL1h = 0x5   // EL1 with its own stack pointer; EL0 is 0
)

// Exception classes (ESR_EL1.EC) and what else stands in the register.
const (
	ECUnknown = 0x00 // an instruction that is not one
	ECSVC64   = 0x15
	ECDataEL0 = 0x24 // data abort, taken from EL0
	ECDataEL1 = 0x25 // data abort, taken from EL1 itself

	esrIL = 1 << 25 // the instruction was 32 bits long

	esrClass = 26 // where the class begins
)

// What the syndrome of a data abort says (ISS encoding for an exception from a
// Data Abort).
const (
	AbortWrite  = 1 << 6 // WnR
	abortStatus = 0x3f   // DFSC

	abortTranslation = 0x04 // of level 0; the level is added
	abortPermission  = 0x0c
)

// Class is the exception class in a value of ESR_EL1.
func Class(esr uint64) uint64 { return esr >> esrClass }

// AbortTranslation tells whether a data abort's syndrome says that there was no
// valid entry: the page is not mapped. Otherwise the access was not allowed.
func AbortTranslation(esr uint64) bool { return esr&abortStatus&^3 == abortTranslation }

// AbortName writes the fault status of a data abort's syndrome, as Linux's table
// fault_info does.
func AbortName(esr uint64) string {
	what := "permission"
	if AbortTranslation(esr) {
		what = "translation"
	}
	return "level " + string('0'+rune(esr&3)) + " " + what + " fault"
}

// Offsets in the vector table (Arm ARM, "Exception vectors"): a row for the
// current level with SP_EL1, a row for a lower level in AArch64.
const (
	VectorEL1Sync = 0x200
	VectorEL1IRQ  = 0x280
	VectorEL0Sync = 0x400
	VectorEL0IRQ  = 0x480
)

// FlagCarry and flagZero are RFLAGS.CF and ZF, which stand for PSTATE.C and Z.
// flagDA is PSTATE.D and A: Linux clears both soon after the entry.
const (
	FlagCarry = 0x1
	flagZero  = 0x40
	flagDA    = 1 << 20
)

// PState is PSTATE, as the core would write it to SPSR_EL1.
func (r *Regs) PState() (p uint64) {
	if r.RFLAGS&flagZero != 0 {
		p |= PStateZ
	}
	if r.RFLAGS&FlagCarry != 0 {
		p |= PStateC
	}
	switch {
	case r.IF():
	case r.RFLAGS&flagDA != 0:
		p |= PStateDAIF
	default:
		p |= PStateIF
	}
	if r.Ring() == 0 {
		p |= PStateEL1h
	}
	return p
}

// setPState is the way back.
func (r *Regs) setPState(p uint64) {
	r.RFLAGS = DefaultFlags &^ (flagZero | FlagIF)
	for _, b := range [...]struct{ bit, flag uint64 }{{PStateZ, flagZero}, {PStateC, FlagCarry}} {
		if p&b.bit != 0 {
			r.RFLAGS |= b.flag
		}
	}
	switch p & PStateDAIF {
	case 0:
		r.RFLAGS |= FlagIF
	case PStateDAIF:
		r.RFLAGS |= flagDA
	}
	r.CS, r.SS = UserCS, UserSS
	if p&PStateEL1h != 0 {
		r.CS, r.SS = KernelCS, KernelSS
	}
}

// UnmaskDA is the kernel's "msr daif" at the start of its handlers: debug
// exceptions and SErrors come in again, interrupts not yet.
func (c *Core) UnmaskDA() { c.Regs.RFLAGS &^= flagDA }

// save keeps where to go back to, and in which state.
func (c *Core) save(elr uint64) { c.Regs.RCX, c.Regs.R11 = elr, c.Regs.PState() }

// raiseLevel masks everything and goes to EL1. Its stack pointer is there at
// once: the core has one register for each level.
func (c *Core) raiseLevel() {
	c.Regs.CS, c.Regs.SS = KernelCS, KernelSS
	c.Cli()
	c.Regs.RFLAGS |= flagDA
	if c.On == OnUser {
		c.On = OnKernel
	}
	c.Regs.RSP = c.Stack().SP()
}

// Svc is the instruction: a synchronous exception whose cause is in ESR_EL1.
func (c *Core) Svc(entry CodeID, base uint64, imm uint16) {
	c.ESR = ECSVC64<<esrClass | esrIL | uint64(imm)
	c.save(c.Regs.RIP + instrBytes)
	c.raiseLevel()
	c.Regs.RIP = base
	c.Ctx.Kernel.PushEntry(entry)
}

// Eret goes back: PC from ELR_EL1, PSTATE from SPSR_EL1. The vector's code must
// be the running function.
func (c *Core) Eret() {
	c.Stack().Pop()
	c.Regs.RIP = c.Regs.RCX
	c.Regs.setPState(c.Regs.R11)
	if c.Regs.Ring() == 3 {
		c.On = OnUser
	}
}

// EretIRQ is Eret at the end of an interrupt: what was interrupted follows from
// what it followed from before.
func (c *Core) EretIRQ() {
	cause := sim.Seq(c.Frame().L[5])
	c.Eret()
	c.Cause = cause
}

// Abort is Raise for an access that the page tables refuse, on Arm: a data abort.
func (c *Core) Abort(w *Walk) {
	class, status := uint64(ECDataEL1), uint64(abortPermission)
	if w.Access&FaultUser != 0 {
		class = ECDataEL0
	}
	if w.Code&FaultPresent == 0 {
		status = abortTranslation
	}
	if w.Access&FaultWrite != 0 {
		status |= AbortWrite
	}
	c.CR2 = w.Addr
	c.synchronous(class, status+uint64(w.N-1))
}

// Undefined is Raise for an instruction that is not one, on Arm.
func (c *Core) Undefined() { c.synchronous(ECUnknown, 0) }

// synchronous makes the step that is being done raise an exception whose preferred
// return address is its own.
func (c *Core) synchronous(class, iss uint64) {
	c.Again()
	c.ESR = class<<esrClass | esrIL | iss
	c.Micro, c.fault, c.resume = microSync, true, c.Cause
}

// microSync is the first micro-step of an exception that is no interrupt.
const microSync = 4

// arm64Steps is what an Arm core does by itself when it takes an interrupt.
var arm64Steps = []entryStep{
	{"PC to ELR_EL1, PSTATE to SPSR_EL1", "Nothing is pushed: a register each remembers where to go back to, and in which state.", CostVector, 2, saveState},
	{"mask D, A, I, F; EL1 and its SP_EL1", "No further interrupt comes in; each exception level has a stack pointer of its own.", CostVector, 3, enterEL1},
	{"PC to VBAR_EL1 and the vector's offset", "The table has a row by where the core was, not by device: who interrupted is for software to ask.", CostGate, 0, throughVector},
	{"PC and PSTATE to ELR_EL1 and SPSR_EL1, why to ESR_EL1", "The instruction itself is to blame: the syndrome register says for what, and FAR_EL1 holds the address if it was an access.", CostVector, 2, saveSyndrome},
}

// InterruptEntryArm64 is InterruptEntry for an Arm core.
func InterruptEntryArm64[M any](station uint8) Code[M] {
	code := Code[M]{
		Name: "(exception entry)", Station: station, File: "Arm ARM, Exception entry",
		Say: "The processor itself saves PC and PSTATE in two registers and goes to the vector.",
		Why: "No software has run yet: the interrupted program must not notice anything.",
	}
	for _, s := range arm64Steps {
		code.Steps = append(code.Steps, Step[M]{Name: s.name, Cost: s.cost, Why: s.why})
	}
	return code
}

// saveState: the vector stays requested until software asks for it.
func saveState(c *Core, r *sim.Record, gate CodeID, _ uint64) {
	c.save(c.Regs.RIP)
	r.Cause = c.APIC.Cause[c.Vector]
	r.Arg[0], r.Arg[1] = int64(c.Vector), int64(gate)
}

func saveSyndrome(c *Core, r *sim.Record, _ CodeID, _ uint64) {
	c.save(c.Regs.RIP)
	r.Arg[0], r.Arg[1] = int64(c.ESR), int64(c.CR2)
}

func enterEL1(c *Core, r *sim.Record, _ CodeID, _ uint64) {
	c.raiseLevel()
	r.Arg[0] = int64(c.On)
}

func throughVector(c *Core, r *sim.Record, gate CodeID, base uint64) {
	c.Regs.RIP = base
	c.Stack().PushEntry(gate).L[5] = int64(c.resume)
	c.fault = false
	r.Arg[0], r.Arg[1] = int64(c.Vector), int64(gate)
}
