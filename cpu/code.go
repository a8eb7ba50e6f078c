package cpu

import "ringside/sim"

// Cost is a row of the cost table: how long a step takes.
type Cost uint8

// Step is one thing that code does: the unit of time, of rewind and of the
// record. M is the machine's pointer type.
type Step[M any] struct {
	Name string // what it does, a few words
	// Span, when set, gives the duration instead of Cost. It is asked when the
	// step begins.
	Span func(M, *Core) sim.Time
	// Do is the effect at the end of the step. By then the frame's PC is on
	// the next step; Do may call, return, or send it elsewhere.
	Do   func(M, *Core, *sim.Record)
	Cost Cost
	// Cut: an interrupt may end the step early, as it ends HLT or comes
	// between two instructions of a long computation.
	Cut bool
	// Masked: even an interrupt that is masked ends it, as it ends WFI.
	Masked bool
	Say    string // what it does, one sentence, where the function's would mislead
	Why    string // why it is done, one sentence, if not for the function's reason
}

// Code is a function: an immutable table of steps. When the last one is done,
// the function returns to its caller, which takes no step of its own.
type Code[M any] struct {
	Name    string
	Ring    uint8
	Station uint8  // where the packet is while this runs, or 0
	Base    uint64 // address of its first instruction
	// Interp: the steps are operations of a thread program; every PC executes
	// Steps[0], and only Do returns.
	Interp bool
	Steps  []Step[M]
	File   string // where the original stands
	Say    string // one sentence: what it does
	Why    string // one sentence: why
}

// instrBytes is how far apart the addresses of two steps are.
const instrBytes = 4

// Text is everything a machine can execute. It is immutable and shared by all
// copies of the machine.
type Text[M any] struct {
	Codes []Code[M]
	IDT   [256]CodeID // the gates: entry code by vector
	LSTAR CodeID      // entry code of the syscall instruction (the MSR of that name)
	Entry CodeID      // the micro-steps of interrupt delivery
	Arm64 bool        // exceptions as on Arm: LSTAR, EL1Sync, EL0IRQ and EL1IRQ are the vectors

	EL1Sync, EL0IRQ, EL1IRQ CodeID

	// INTA acknowledges the 8259A that drives LINT0 and gives its vector.
	INTA func(M, *Core) uint8
}

// delivery is what the processor does by itself when it takes an interrupt.
func (t *Text[M]) delivery() []entryStep {
	if t.Arm64 {
		return arm64Steps
	}
	return entrySteps
}

// gate is the entry code of the interrupt or exception that a core is taking.
func (t *Text[M]) gate(c *Core) CodeID {
	if !t.Arm64 {
		return t.IDT[c.Vector]
	}
	el0 := c.Regs.R11&PStateEL1h == 0
	if c.Micro == microTake || c.Micro == microSync { // PSTATE is not saved yet
		el0 = c.Regs.Ring() == 3
	}
	switch {
	case c.fault && el0:
		return t.LSTAR
	case c.fault:
		return t.EL1Sync
	case el0:
		return t.EL0IRQ
	}
	return t.EL1IRQ
}

// Addr is where the given step of code lies in memory.
func (t *Text[M]) Addr(code CodeID, pc uint16) uint64 {
	return t.Codes[code].Base + uint64(pc)*instrBytes
}
