package cpu

import (
	"testing"

	"ringside/sim"
)

// The conventions are those of syscall(2), the System V ABI for AMD64 (A.2.1), the
// Procedure Call Standard for the Arm 64-bit Architecture (6.8.2: x0 to x7), and
// Microsoft's x64 calling convention with ntdll's move of RCX to R10.
func TestArgumentsAreInTheRegistersOfTheConvention(t *testing.T) {
	args := [6]int64{11, 12, 13, 14, 15, 16}
	for _, c := range []struct {
		abi            string
		call, syscalls []string // in order
		number         string
	}{
		{"linux-amd64", []string{"RDI", "RSI", "RDX", "RCX", "R8", "R9"}, []string{"RDI", "RSI", "RDX", "R10", "R8", "R9"}, "RAX"},
		{"linux-arm64", []string{"x0", "x1", "x2", "x3", "x4", "x5"}, []string{"x0", "x1", "x2", "x3", "x4", "x5"}, "x8"},
		{"macos-arm64", []string{"x0", "x1", "x2", "x3", "x4", "x5"}, []string{"x0", "x1", "x2", "x3", "x4", "x5"}, "x16"},
		{"windows-amd64", []string{"RCX", "RDX", "R8", "R9"}, []string{"R10", "RDX", "R8", "R9"}, "RAX"},
	} {
		a := ABIOf(c.abi)
		for places, names := range map[*[6]Place][]string{&a.Call: c.call, &a.Args: c.syscalls} {
			var r Regs
			r.Load(places, &args)
			for i, name := range names {
				if got := *r.At(a.place(t, name)); got != uint64(args[i]) {
					t.Errorf("%s: argument %d: %s = %d", c.abi, i+1, name, got)
				}
			}
			if got := r.Read(places); got != ([6]int64{11, 12, 13, 14, args[4] * b2i(len(names) > 4), args[5] * b2i(len(names) > 4)}) {
				t.Errorf("%s: read back %v", c.abi, got)
			}
		}
		if a.Number != a.place(t, c.number) {
			t.Errorf("%s: the number is not in %s", c.abi, c.number)
		}
	}
}

func (a *ABI) place(t *testing.T, name string) Place {
	for _, r := range a.General {
		if r.Name == name {
			return r.At
		}
	}
	t.Fatalf("%s shows no register %s", a.Name, name)
	return NoPlace
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func armText() *Text[*world] {
	t := testText()
	t.Arm64, t.EL0IRQ, t.EL1IRQ = true, codeHandler, codeHandler
	t.Codes[codeEntry] = InterruptEntryArm64[*world](0)
	t.Codes[codeHandler].Steps = []Step[*world]{
		{Name: "ICC_IAR1_EL1", Do: func(_ *world, c *Core, _ *sim.Record) { c.APIC.Dispense(); c.APIC.EOI() }},
		{Name: "eret", Do: func(_ *world, c *Core, _ *sim.Record) { c.EretIRQ() }},
	}
	return t
}

// Arm ARM, "Exception entry": PC and PSTATE go to registers, DAIF is set, and no
// memory is written. "Exception syndrome register": class 0x15 is SVC in AArch64
// state, IL says that the instruction has 32 bits, the immediate is below.
func TestSvcSavesInRegistersAndPushesNothing(t *testing.T) {
	text, w := armText(), &world{}
	c := userCore(text, w)
	pc := c.Regs.RIP
	c.Svc(codeSyscall, 0x9000, 0x80)
	if c.ESR != 0x56000080 {
		t.Errorf("ESR_EL1 %#x", c.ESR)
	}
	if c.Regs.RCX != pc+instrBytes || c.Regs.R11 != PStateZ {
		t.Errorf("ELR_EL1 %#x, SPSR_EL1 %#x: the address behind svc, and EL0 with all unmasked", c.Regs.RCX, c.Regs.R11)
	}
	if got := c.Regs.PState(); got != PStateZ|PStateDAIF|PStateEL1h {
		t.Errorf("PSTATE %#x in the vector", got)
	}
	if c.Regs.RSP != c.RSP0 || c.Ctx.Kernel.SP() != c.RSP0 {
		t.Error("SP_EL1 is there at once, and nothing has been pushed")
	}
	c.Eret()
	if c.Regs.RIP != pc+instrBytes || c.Regs.Ring() != 3 || !c.Regs.IF() || c.On != OnUser {
		t.Errorf("after eret: %+v", c.Regs)
	}
}

func TestAnArmInterruptPushesNothing(t *testing.T) {
	text, w := armText(), &world{}
	c := userCore(text, w)
	before := c.Regs
	c.Interrupt(0x41, false, 300, 0)
	var r sim.Record
	var costs [256]sim.Time
	for i := range microSync {
		text.Step(w, c, &costs, &r, sim.Seq(1+i))
	}
	if len(c.Ctx.Kernel.F) != 1 || c.Ctx.Kernel.F[0].Kind != Call || c.Ctx.Kernel.SP() != c.RSP0 {
		t.Errorf("on the kernel stack: %+v", c.Ctx.Kernel.F)
	}
	if c.Regs.RCX != before.RIP || c.Regs.Ring() != 0 || c.Regs.IF() || !c.APIC.IRR.Has(0x41) {
		t.Errorf("ELR %#x, ring %d: pending until software reads ICC_IAR1_EL1", c.Regs.RCX, c.Regs.Ring())
	}
	text.Step(w, c, &costs, &r, 20)
	text.Step(w, c, &costs, &r, 21)
	if c.Regs.RIP != before.RIP || c.Regs.RSP != before.RSP || !c.Regs.IF() || c.Regs.Ring() != 3 {
		t.Errorf("after eret %+v, before %+v", c.Regs, before)
	}
}

// Arm ARM, "Wait for Interrupt": WFI ends when an interrupt is pending, also one
// that PSTATE masks.
func TestWfiEndsWhileInterruptsAreMasked(t *testing.T) {
	text, w := armText(), &world{}
	text.Codes[codeUser].Steps[0].Masked = true
	c := userCore(text, w)
	c.Cli()
	text.Begin(w, c, &[256]sim.Time{}, 0)
	c.Interrupt(0x41, false, 300, 0)
	if c.Next != 300 || c.Micro != 0 {
		t.Errorf("the step ends at %d", c.Next)
	}
}
