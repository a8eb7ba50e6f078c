package cpu

import "ringside/sim"

// Costs of what the processor does by itself; whoever supplies the code counts
// on from NumCosts.
const (
	CostNone    Cost = iota
	CostVector       // the core takes the vector from its local APIC and reads the gate
	CostPush         // one word pushed by interrupt delivery
	CostGate         // jump through the gate
	CostIret         // iretq
	CostSyscall      // syscall, up to the first instruction of the entry code
	CostSysret       // sysretq
	CostINTA         // the two acknowledge cycles of an 8259A
	NumCosts
)

// entryStep is one micro-step of interrupt delivery.
type entryStep struct {
	name, why string
	cost      Cost
	next      uint8 // the micro-step that follows, counted from 1, or 0
	do        func(c *Core, r *sim.Record, gate CodeID, base uint64)
}

// entrySteps is what the processor does, without any software, when it takes an
// interrupt in 64-bit mode (Intel SDM volume 3, "64-Bit Mode Stack Frame"):
// even without a change of ring, all five words are pushed.
var entrySteps = []entryStep{
	{"take the vector: IRR to ISR, read the gate", "The local APIC names the interrupt; the descriptor table says where its handler is.", CostVector, 2, acceptVector},
	{"choose the stack", "From ring 3 the processor loads RSP from the task state segment: the user stack may be full, unmapped or hostile.", CostVector, 3, chooseStack},
	{"push SS", "The interrupted code's stack segment, so that iret can go back.", CostPush, 4, pushWord},
	{"push RSP", "Where the interrupted code's stack was.", CostPush, 5, pushWord},
	{"push RFLAGS", "The flags with IF still set: going back will let interrupts in again.", CostPush, 6, pushWord},
	{"push CS", "Its low two bits remember the interrupted ring.", CostPush, 7, pushWord},
	{"push RIP", "The instruction that comes next when all this is over.", CostPush, 8, pushWord},
	{"push the error code", "Some exceptions have one. Of a page fault: was the page there, was it a write, was it ring 3?", CostPush, 9, pushCode},
	{"load CS:RIP from the gate, CPL 0, IF 0", "Now in ring 0, and no further interrupt comes in until the kernel says so.", CostGate, 0, throughGate},
	{"INTA, twice: the 8259A says the vector", "The first cycle moves the 8259A's highest request into service, in the second it puts the vector on the bus; the local APIC only passes it on.", CostINTA, 2, ackPIC},
}

// The micro-steps that take a vector: as steps of InterruptEntry, and as Core.Micro
// counts them. An exception has its vector already.
const (
	StepTake       = 0
	StepINTA       = 9
	microTake      = StepTake + 1
	microException = microTake + 1
	microINTA      = StepINTA + 1
)

// take finds out which interrupt it is. An Arm core is not told: the vector stays
// requested until software asks.
func (t *Text[M]) take(m M, c *Core) {
	switch {
	case c.Micro == microTake && t.Arm64:
		c.Vector, _ = c.APIC.Deliverable()
	case c.Micro == microTake:
		c.Vector = c.APIC.Dispense()
	case c.Micro == microINTA && !t.Arm64:
		c.Vector = t.INTA(m, c)
	}
}

// InterruptEntry is the code that shows the micro-steps of interrupt delivery
// as rows of a Text. It is never called: Text.Step takes the steps by itself.
func InterruptEntry[M any](station uint8) Code[M] {
	code := Code[M]{
		Name: "(interrupt delivery)", Station: station, File: "Intel SDM volume 3, chapter 6",
		Say: "The processor itself saves five words and goes through the gate.",
		Why: "No software has run yet: the interrupted program must not notice anything.",
	}
	for _, s := range entrySteps {
		code.Steps = append(code.Steps, Step[M]{Name: s.name, Cost: s.cost, Why: s.why})
	}
	return code
}

func acceptVector(c *Core, r *sim.Record, gate CodeID, _ uint64) {
	if c.Vector != SpuriousVector {
		r.Cause = c.APIC.Cause[c.Vector]
	}
	r.Arg[0], r.Arg[1] = int64(c.Vector), int64(gate)
}

func ackPIC(c *Core, r *sim.Record, gate CodeID, _ uint64) {
	r.Cause = c.APIC.ExtCause
	r.Arg[0], r.Arg[1] = int64(c.Vector), int64(gate)
}

// chooseStack makes room for the five words. The old stack is remembered with
// them, for the model's iret.
func chooseStack(c *Core, r *sim.Record, _ CodeID, _ uint64) {
	was := c.On
	if c.Regs.Ring() == 3 {
		c.On = OnKernel
	}
	s := c.Stack()
	s.F = append(s.F, Frame{Kind: HWFrame, Addr: s.SP()})
	f := &s.F[len(s.F)-1]
	f.L[wordUndo] = int64(c.resume)<<32 | int64(was)
	r.Arg[0] = int64(c.On)
}

// wordUndo is the local of a HWFrame that the model needs for iret: what the
// interrupted code follows from, in the upper half; the error code, if there is
// one; the stack, in the lowest byte.
const wordUndo = 5

// ErrorCode is the one among the words that the processor has pushed, and whether
// there is one.
func (f *Frame) ErrorCode() (uint16, bool) { return uint16(f.L[wordUndo] >> 8), f.N > wordUndo }

// pushWord pushes SS, RSP, RFLAGS, CS and RIP in turn. RSP itself only moves
// when the words are pushed; until then the register holds the old value.
func pushWord(c *Core, r *sim.Record, _ CodeID, _ uint64) {
	s := c.Stack()
	f := &s.F[len(s.F)-1]
	words := [5]uint64{c.Regs.SS, c.Regs.RSP, c.Regs.RFLAGS, c.Regs.CS, c.Regs.RIP}
	f.L[f.N] = int64(words[f.N])
	r.Arg[0], r.Arg[1] = int64(f.N), f.L[f.N]
	f.N++
	f.Addr -= wordBytes
	if int(f.N) == len(words) && !c.fault {
		c.Micro++ // an interrupt has no error code
	}
}

// pushCode pushes the error code. It lies where struct pt_regs has orig_ax.
func pushCode(c *Core, r *sim.Record, _ CodeID, _ uint64) {
	s := c.Stack()
	f := &s.F[len(s.F)-1]
	f.L[wordUndo] |= int64(uint16(c.Code)) << 8
	r.Arg[0], r.Arg[1] = int64(f.N), c.Code
	f.N++
	f.Addr -= wordBytes
	c.fault = false
}

func throughGate(c *Core, r *sim.Record, gate CodeID, base uint64) {
	s := c.Stack()
	if c.Regs.Ring() == 3 {
		c.Regs.SS = 0 // a change of ring loads the null selector
	}
	c.Regs.CS = KernelCS
	c.Regs.RSP = s.SP()
	c.Regs.RIP = base
	c.Cli()
	s.PushEntry(gate)
	r.Arg[0], r.Arg[1] = int64(c.Vector), int64(gate)
}

// Raise makes the step that is being done fault, with an error code: it has had
// no effect, the processor goes through the gate of the exception at once, and
// the step is done again when the handler returns (SDM volume 3, "Faults"). The
// local APIC has no part in it.
func (c *Core) Raise(v uint8, code int64) {
	c.Again()
	c.Micro, c.Vector, c.fault, c.Code, c.resume = microException, v, hasErrorCode(v), code, c.Cause
}

// hasErrorCode tells whether an exception pushes one (SDM volume 3, table 6-1).
func hasErrorCode(v uint8) bool {
	const with = 1<<8 | 1<<10 | 1<<11 | 1<<12 | 1<<13 | 1<<14 | 1<<17 | 1<<21
	return v < 32 && with>>v&1 != 0
}

// Int is the instruction INT n: a trap, so RIP is pushed of the instruction behind
// it, and there is no error code (SDM volume 3, "Software-Generated Interrupts").
// The gate's DPL must be 3 if ring 3 is to use it.
func (c *Core) Int(v uint8) {
	c.Regs.RIP += instrBytes
	c.Micro, c.Vector, c.fault, c.resume = microException, v, false, c.Cause
}

// Iret undoes an interrupt's entry: the handler's entry code must be the
// running function, right above the words that the processor pushed.
func (c *Core) Iret() {
	s := c.Stack()
	s.Pop()
	f := s.F[len(s.F)-1]
	s.Pop()
	c.Regs.SS, c.Regs.RSP, c.Regs.RFLAGS = uint64(f.L[0]), uint64(f.L[1]), uint64(f.L[2])
	c.Regs.CS, c.Regs.RIP = uint64(f.L[3]), uint64(f.L[4])
	c.On, c.Cause = StackID(f.L[wordUndo]&0xff), sim.Seq(f.L[wordUndo]>>32)
}

// Model-specific registers that say where SYSCALL leads and what it does to the
// flags (AMD64 APM volume 2, "SYSCALL and SYSRET"; the third one, LSTAR, is in the
// Text). Linux writes them once (syscall_init, arch/x86/kernel/cpu/common.c).
const (
	MSRStar  = 0x23<<48 | KernelCS<<32 // bases of the selectors: for SYSRET, for SYSCALL
	MSRFmask = 0x257fd5                // RFLAGS that SYSCALL clears: IF, and all that a program could have set
)

// Syscall is the instruction: it saves RIP and RFLAGS in registers, clears the
// flags of FMASK and goes to LSTAR. It touches no memory and no stack (AMD64 APM
// volume 3, SYSCALL).
func (c *Core) Syscall(entry CodeID, base uint64) {
	c.Regs.RCX, c.Regs.R11 = c.Regs.RIP+instrBytes, c.Regs.RFLAGS
	c.Regs.CS = MSRStar >> 32 & 0xfffc
	c.Regs.SS = c.Regs.CS + 8
	c.Regs.RFLAGS &^= MSRFmask
	c.Regs.RIP = base
	c.On, c.userRSP = OnKernel, true
	c.Ctx.Kernel.PushEntry(entry)
}

// Swapgs exchanges the base of GS with the one that ring 3 cannot see: the
// instruction that gives the entry code a pointer to its core's own data, before
// it has a stack or a free register (AMD64 APM volume 3, SWAPGS).
func (c *Core) Swapgs() { c.GSBase, c.KernelGSBase = c.KernelGSBase, c.GSBase }

// SwitchStack is the entry code's load of the task's kernel stack pointer.
func (c *Core) SwitchStack() {
	c.userRSP = false
	c.Regs.RSP = c.RSP0
}

// Sysret goes back to ring 3: RIP from RCX, RFLAGS from R11, the selectors from
// STAR. The entry code
// must be the only thing left on the kernel stack.
func (c *Core) Sysret() {
	c.Ctx.Kernel.Pop()
	c.Regs.RIP, c.Regs.RFLAGS = c.Regs.RCX, c.Regs.R11
	c.Regs.CS = MSRStar>>48 + 16 | 3
	c.Regs.SS = MSRStar>>48 + 8 | 3
	c.On = OnUser
}
