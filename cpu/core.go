package cpu

import "ringside/sim"

// Core is one processor core: plain data, but for the code it is given.
type Core struct {
	ID   int8
	Regs Regs
	APIC APIC
	RSP0 uint64 // of the task state segment: where ring 0 starts its stack
	CR2  uint64 // the address of the last page fault; on Arm, FAR_EL1
	Code int64  // the error code that the last fault has pushed
	ESR  uint64 // ESR_EL1: why the last synchronous exception was taken, on Arm

	GSBase, KernelGSBase uint64 // IA32_GS_BASE and IA32_KERNEL_GS_BASE, which swapgs exchanges

	Access Access  // the last one that was asked of the page tables
	Ctx    Context // of the task that is loaded
	IRQ    Stack   // the core's interrupt stack
	On     StackID

	Begun, Next sim.Time // the span of the step in flight
	Cause       sim.Seq  // the record it follows from
	Micro       uint8    // the micro-step of interrupt delivery in flight, from 1, or 0
	Vector      uint8    // the vector being delivered
	resume      sim.Seq  // what the interrupted step would have followed from
	spins       bool     // the step is done again because a lock is taken
	fault       bool     // it is a fault's, which pushes an error code; on Arm, any synchronous exception's
	cut         bool     // the step in flight may be ended by an interrupt
	masked      bool     // even by one that is masked
	shadow      bool     // STI has just been executed: the next instruction comes first
	userRSP     bool     // in ring 0, but RSP is still the user's: SYSCALL switches no stack
}

// CopyFrom makes c an exact copy of src in its own memory.
func (c *Core) CopyFrom(src *Core) {
	ctx, irq := c.Ctx, c.IRQ
	*c = *src
	c.Ctx, c.IRQ = ctx, irq
	c.Ctx.CopyFrom(&src.Ctx)
	c.IRQ.copyFrom(&src.IRQ)
}

// Stack is the one the core executes on.
func (c *Core) Stack() *Stack {
	switch c.On {
	case OnUser:
		return &c.Ctx.User
	case OnKernel:
		return &c.Ctx.Kernel
	}
	return &c.IRQ
}

// Frame is the running function.
func (c *Core) Frame() *Frame { return c.Stack().Cur() }

// Halted tells whether the core waits in a step that only an interrupt ends.
func (c *Core) Halted() bool { return c.cut && c.Next == sim.Never }

// Elapsed is how long the step in flight has been going on, asked in its Do.
func (c *Core) Elapsed() sim.Time { return c.Next - c.Begun }

// Call runs code next, with up to NumLocals arguments in its locals; the caller
// goes on when it has returned.
func (c *Core) Call(code CodeID, args ...int64) {
	f := c.Stack().Push(code, 0)
	copy(f.L[:], args)
}

// Tail replaces the running function by code, as compilers do with a call in
// last place: the caller's frame is gone from the stack.
func (c *Core) Tail(code CodeID, args ...int64) {
	f := c.Frame()
	f.Code, f.PC = code, 0
	f.L = [NumLocals]int64{}
	copy(f.L[:], args)
}

// CallOnIRQ is Call on the core's interrupt stack; on it already, it stays.
func (c *Core) CallOnIRQ(code CodeID, args ...int64) {
	c.On = OnIRQ
	c.Call(code, args...)
}

// Return leaves the running function with a result, in RAX.
func (c *Core) Return(v int64) {
	c.Regs.RAX = uint64(v)
	c.leave()
}

// leave pops the running function; an interrupt stack that runs empty gives
// way to the kernel stack it was entered from.
func (c *Core) leave() {
	s := c.Stack()
	s.Pop()
	if c.On == OnIRQ && len(s.F) == 0 {
		c.On = OnKernel
	}
}

// Result is what the function called last returned.
func (c *Core) Result() int64 { return int64(c.Regs.RAX) }

// Goto sends the running function to one of its steps.
func (c *Core) Goto(pc uint16) { c.Frame().PC = pc }

// Again repeats the step of the running function that is being done.
func (c *Core) Again() { c.Frame().PC-- }

// spinTime is how long a try to take a lock takes at least, in ns.
const spinTime = 10

// Spin is Again for a lock that another core has. To try again takes time, even
// if the step itself takes none: the other core must be able to go on.
func (c *Core) Spin() {
	c.Again()
	c.spins = true
}

// Sti lets interrupts in; the instruction that follows is executed first (SDM
// volume 2, STI).
func (c *Core) Sti() {
	c.shadow = c.Regs.RFLAGS&FlagIF == 0
	c.Regs.RFLAGS |= FlagIF
}

// Cli keeps maskable interrupts out.
func (c *Core) Cli() { c.Regs.RFLAGS &^= FlagIF }

// Interrupt hands a vector to the core's local APIC, as an edge or as a level. A
// step that may be cut ends now, if the interrupt is let in. It returns false if
// the vector was requested already.
func (c *Core) Interrupt(v uint8, level bool, now sim.Time, cause sim.Seq) (fresh bool) {
	if level {
		fresh = c.APIC.AcceptLevel(v, cause)
	} else {
		fresh = c.APIC.Accept(v, cause)
	}
	c.Asked(now)
	return fresh
}

// Asked ends a step that may be cut, after something has happened at the local
// APIC that may ask for the core.
func (c *Core) Asked(now sim.Time) {
	if c.cut && (c.Regs.IF() || c.masked) && c.Next > now && c.APIC.wants() {
		c.Next = now
	}
}

// Load gives the core a task to run, and Save takes it away: the stacks
// themselves change hands.
func (c *Core) Load(ctx *Context) {
	c.Ctx, *ctx = *ctx, Context{}
	c.Regs, c.On = c.Ctx.Regs, c.Ctx.On
	c.RSP0 = c.Ctx.Kernel.Top
}

// Save puts the loaded task into ctx.
func (c *Core) Save(ctx *Context) {
	c.Ctx.Regs, c.Ctx.On = c.Regs, c.On
	*ctx, c.Ctx = c.Ctx, Context{}
}

// Step ends the step in flight on c: its effect happens, r is filled with what
// the processor knows, and the next step begins. seq is the number of r.
func (t *Text[M]) Step(m M, c *Core, costs *[256]sim.Time, r *sim.Record, seq sim.Seq) {
	r.T, r.Dur = c.Next, c.Next-c.Begun
	r.Cause, r.CPU, r.Ring = c.Cause, c.ID, c.Regs.Ring()
	c.Cause = seq
	if c.Micro != 0 {
		t.take(m, c)
		code := &t.Codes[t.Entry]
		r.Fn, r.Step, r.Station = uint16(t.Entry), c.Micro-1, code.Station
		gate, steps := t.gate(c), t.delivery()
		steps[c.Micro-1].do(c, r, gate, t.Codes[gate].Base)
		c.Micro = steps[c.Micro-1].next
	} else {
		f := c.Frame()
		code := &t.Codes[f.Code]
		pc := f.PC
		f.PC++
		r.Fn, r.Step, r.Station = uint16(f.Code), uint8(min(pc, 255)), code.Station
		if code.Interp {
			pc = 0
		}
		code.Steps[pc].Do(m, c, r)
	}
	t.Begin(m, c, costs, r.T)
}

// unwind pops the functions that have no step left, since returning is part of the
// last step, and gives the stack, the running function and its code.
func (t *Text[M]) unwind(c *Core) (*Stack, *Frame, *Code[M]) {
	for {
		s := c.Stack()
		f := s.Cur()
		code := &t.Codes[f.Code]
		if code.Interp || int(f.PC) < len(code.Steps) {
			return s, f, code
		}
		c.leave()
	}
}

// Begin puts the next step in flight: an interrupt's, if the local APIC has
// one and IF lets it in, else the running function's.
func (t *Text[M]) Begin(m M, c *Core, costs *[256]sim.Time, now sim.Time) {
	spins := c.spins
	c.Begun, c.cut, c.spins = now, false, false
	if c.Micro != 0 {
		c.Next = now + costs[t.delivery()[c.Micro-1].cost]
		return
	}
	stack, f, code := t.unwind(c)
	c.Regs.RIP = code.Base + uint64(f.PC)*instrBytes
	if !c.userRSP {
		c.Regs.RSP = stack.SP()
	}
	if c.Regs.IF() && !c.shadow && c.APIC.wants() {
		c.Micro, c.resume = microTake, c.Cause
		if c.APIC.ExtINT {
			c.Micro = microINTA
		}
		c.Next = now + costs[t.delivery()[c.Micro-1].cost]
		return
	}
	c.shadow = false
	pc := f.PC
	if code.Interp {
		pc = 0
	}
	s := &code.Steps[pc]
	if s.Span == nil {
		c.Next = now + costs[s.Cost]
		if spins {
			c.Next = max(c.Next, now+spinTime)
		}
		return
	}
	c.Next = sim.Never
	if d := s.Span(m, c); d != sim.Never {
		c.Next = now + d
	}
	c.masked = s.Masked
	if c.cut = s.Cut; c.cut && (c.Regs.IF() || c.masked) && c.APIC.wants() {
		c.Next = now
	}
}
