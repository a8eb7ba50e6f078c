package cpu

import (
	"testing"

	"pgregory.net/rapid"

	"ringside/sim"
)

// The cases are those of the Intel SDM, volume 3, chapter "Advanced Programmable
// Interrupt Controller (APIC)", sections on interrupt, task and processor
// priority and on accepting interrupts.

// inService makes a local APIC serve a vector.
func inService(a *APIC, v uint8) {
	a.IRR.clear(v)
	a.ISR.set(v)
}

func TestDeliverableIsTheHighestRequestedClassAboveThePriority(t *testing.T) {
	for _, c := range []struct {
		name      string
		requested []uint8
		inService []uint8
		tpr       uint8
		want      int // -1: none
	}{
		{"nothing requested", nil, nil, 0, -1},
		{"one", []uint8{0x41}, nil, 0, 0x41},
		{"the higher vector first", []uint8{0x41, 0x52}, nil, 0, 0x52},
		{"within a class the higher vector too", []uint8{0x41, 0x4f}, nil, 0, 0x4f},
		{"same class as in service waits", []uint8{0x4f}, []uint8{0x41}, 0, -1},
		{"higher class interrupts the handler", []uint8{0x51}, []uint8{0x41}, 0, 0x51},
		{"the task priority holds a class back", []uint8{0x41}, nil, 0x40, -1},
		{"and lets the next one through", []uint8{0x51}, nil, 0x40, 0x51},
		{"the higher of the two priorities counts", []uint8{0x51}, []uint8{0x61}, 0x40, -1},
	} {
		var a APIC
		for _, v := range c.inService {
			inService(&a, v)
		}
		for _, v := range c.requested {
			a.Accept(v, 0)
		}
		a.TPR = c.tpr
		got := -1
		if v, ok := a.Deliverable(); ok {
			got = int(v)
		}
		if got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestAnEdgeOnAPendingVectorMerges(t *testing.T) {
	var a APIC
	if !a.Accept(0x41, 7) || a.Accept(0x41, 8) {
		t.Error("the second edge on a requested vector should merge with the first")
	}
	if a.Cause[0x41] != 7 {
		t.Error("the first message is the cause")
	}
	inService(&a, 0x41)
	if !a.Accept(0x41, 9) {
		t.Error("a vector in service can be requested once more")
	}
}

func TestEOIEndsTheHighestInService(t *testing.T) {
	var a APIC
	for _, v := range []uint8{0x41, 0x61, 0x51} {
		inService(&a, v)
	}
	for _, want := range []int{0x61, 0x51, 0x41, -1} {
		if got, _ := a.EOI(); got != want {
			t.Errorf("EOI ended %#x, want %#x", got, want)
		}
	}
}

func TestBitsKnowTheirHighest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Bits
		want := -1
		for _, v := range rapid.SliceOf(rapid.Uint8()).Draw(t, "vectors") {
			b.set(v)
			want = max(want, int(v))
		}
		if got := b.Highest(); got != want {
			t.Fatalf("highest %d, want %d", got, want)
		}
	})
}

// A processor that runs a program in ring 3 and one handler: what hardware does
// at an interrupt, without any kernel.

const (
	codeEntry CodeID = iota
	codeUser
	codeHandler
	codeSyscall
)

type world struct{ syscalls int }

func testText() *Text[*world] {
	t := &Text[*world]{Entry: codeEntry, LSTAR: codeSyscall}
	t.Codes = []Code[*world]{
		InterruptEntry[*world](0),
		{Name: "user", Ring: 3, Base: 0x401000, Interp: true, Steps: []Step[*world]{{Name: "compute", Cut: true,
			Span: func(*world, *Core) sim.Time { return 1000 }, Do: func(_ *world, c *Core, _ *sim.Record) { c.Again() }}}},
		{Name: "handler", Base: 0x8000, Steps: []Step[*world]{
			{Name: "EOI", Do: func(_ *world, c *Core, _ *sim.Record) { c.APIC.EOI() }},
			{Name: "iretq", Do: func(_ *world, c *Core, _ *sim.Record) { c.Iret() }},
		}},
		{Name: "syscall entry", Base: 0x9000, Steps: []Step[*world]{
			{Name: "stack", Do: func(w *world, c *Core, _ *sim.Record) { c.SwitchStack(); w.syscalls++ }},
			{Name: "sysretq", Do: func(_ *world, c *Core, _ *sim.Record) { c.Sysret() }},
		}},
	}
	t.IDT[0x41] = codeHandler
	return t
}

func userCore(t *Text[*world], w *world) *Core {
	c := &Core{Cause: sim.NoSeq}
	c.Ctx.User.Top, c.Ctx.Kernel.Top, c.IRQ.Top = 0x7ffe0000, 0xc000, 0xf000
	c.Ctx.User.Push(codeUser, 0)
	c.Regs = Regs{CS: UserCS, SS: UserSS, RFLAGS: DefaultFlags}
	c.RSP0 = c.Ctx.Kernel.Top
	t.Begin(w, c, &[256]sim.Time{}, 0)
	return c
}

func TestInterruptDeliveryPushesFiveWordsOnTheKernelStack(t *testing.T) {
	text, w := testText(), &world{}
	c := userCore(text, w)
	before := c.Regs
	c.Interrupt(0x41, false, 300, 0)
	if c.Next != 300 {
		t.Fatalf("the computation should be cut at 300, not %d", c.Next)
	}
	var r sim.Record
	var costs [256]sim.Time
	text.Step(w, c, &costs, &r, 1) // the cut computation
	if r.Dur != 300 {
		t.Errorf("the program has computed for %d, want 300", r.Dur)
	}
	for i := range StepINTA - 1 { // there is no error code
		if c.Regs.Ring() != 3 {
			t.Fatalf("ring %d before micro-step %d: the gate comes last", c.Regs.Ring(), i)
		}
		text.Step(w, c, &costs, &r, sim.Seq(2+i))
	}
	f := c.Ctx.Kernel.F[0]
	got := [5]uint64{uint64(f.L[0]), uint64(f.L[1]), uint64(f.L[2]), uint64(f.L[3]), uint64(f.L[4])}
	want := [5]uint64{before.SS, before.RSP, before.RFLAGS, before.CS, before.RIP}
	if got != want {
		t.Errorf("pushed SS RSP RFLAGS CS RIP = %#x, want %#x", got, want)
	}
	if f.Addr != c.RSP0-40 {
		t.Errorf("five words below rsp0 end at %#x, not %#x", c.RSP0-40, f.Addr)
	}
	if c.Regs.Ring() != 0 || c.Regs.IF() || c.On != OnKernel || !c.APIC.ISR.Has(0x41) || c.APIC.IRR.Has(0x41) {
		t.Errorf("in the handler: ring %d, IF %v, stack %d, ISR %v", c.Regs.Ring(), c.Regs.IF(), c.On, c.APIC.ISR)
	}
	text.Step(w, c, &costs, &r, 20)
	text.Step(w, c, &costs, &r, 21)
	if c.Regs.RIP != before.RIP || c.Regs.RSP != before.RSP || c.Regs.RFLAGS != before.RFLAGS || c.Regs.CS != before.CS || c.Regs.SS != before.SS {
		t.Errorf("after iretq %+v, before %+v", c.Regs, before)
	}
	if len(c.Ctx.Kernel.F) != 0 || c.On != OnUser {
		t.Error("something was left on the kernel stack")
	}
}

func TestIFHoldsAnInterruptPendingAndDoesNotLoseIt(t *testing.T) {
	text, w := testText(), &world{}
	c := userCore(text, w)
	c.Cli()
	c.Interrupt(0x41, false, 300, 0)
	if c.Next == 300 {
		t.Fatal("with IF=0 nothing may be cut")
	}
	var r sim.Record
	var costs [256]sim.Time
	text.Step(w, c, &costs, &r, 1)
	if c.Micro != 0 || !c.APIC.IRR.Has(0x41) {
		t.Fatal("with IF=0 the vector stays in IRR")
	}
	c.Sti()
	text.Step(w, c, &costs, &r, 2)
	if c.Micro != 0 {
		t.Error("the instruction after STI is executed first")
	}
	text.Step(w, c, &costs, &r, 3)
	text.Step(w, c, &costs, &r, 4)
	if !c.APIC.ISR.Has(0x41) {
		t.Error("with IF=1 again it is delivered")
	}
}

func TestSyscallTouchesNoStack(t *testing.T) {
	text, w := testText(), &world{}
	c := userCore(text, w)
	rsp, rip := c.Regs.RSP, c.Regs.RIP
	c.Syscall(codeSyscall, 0x9000)
	text.Begin(w, c, &[256]sim.Time{}, 0)
	if c.Regs.RSP != rsp {
		t.Error("RSP is the user's until software changes it")
	}
	if c.Regs.RCX != rip+instrBytes || c.Regs.R11&FlagIF == 0 || c.Regs.IF() || c.Regs.Ring() != 0 {
		t.Errorf("RCX %#x R11 %#x RFLAGS %#x ring %d", c.Regs.RCX, c.Regs.R11, c.Regs.RFLAGS, c.Regs.Ring())
	}
	var r sim.Record
	text.Step(w, c, &[256]sim.Time{}, &r, 1)
	if c.Regs.RSP != c.RSP0 {
		t.Error("the entry code loads the kernel stack pointer")
	}
	text.Step(w, c, &[256]sim.Time{}, &r, 2)
	if c.Regs.Ring() != 3 || !c.Regs.IF() || c.On != OnUser {
		t.Errorf("after sysretq: ring %d", c.Regs.Ring())
	}
}

func TestACopyIsIndependent(t *testing.T) {
	text, w := testText(), &world{}
	a := userCore(text, w)
	var b Core
	b.CopyFrom(a)
	a.Ctx.User.F[0].L[0] = 42
	a.Ctx.Kernel.Push(codeHandler, 0)
	if b.Ctx.User.F[0].L[0] == 42 || len(b.Ctx.Kernel.F) != 0 {
		t.Error("a change of one shows in the other")
	}
}

// TestAnINTRTakesItsVectorFromThe8259A: the local APIC passes it on (virtual wire
// mode), and neither its priority nor its registers take part.
func TestAnINTRTakesItsVectorFromThe8259A(t *testing.T) {
	text, w := testText(), &world{}
	text.INTA = func(_ *world, c *Core) uint8 { c.APIC.ExtINT = false; return 0x41 }
	c := userCore(text, w)
	c.APIC.TPR = 0xf0
	c.APIC.ExtINT, c.APIC.ExtCause = true, 7
	c.Asked(300)
	var r sim.Record
	var costs [256]sim.Time
	text.Step(w, c, &costs, &r, 8)
	text.Step(w, c, &costs, &r, 9)
	if r.Cause != 7 || r.Arg[0] != 0x41 {
		t.Errorf("the acknowledgement: %+v", r)
	}
	for range microINTA - 2 {
		text.Step(w, c, &costs, &r, 10)
	}
	if c.Micro != 0 || c.Frame().Code != codeHandler || c.APIC.ISR != (Bits{}) {
		t.Errorf("micro-step %d, code %d, ISR %v", c.Micro, c.Frame().Code, c.APIC.ISR)
	}
}
