package cpu

import (
	"testing"

	"ringside/sim"
)

// TestErrorCodes: which exceptions push one (SDM volume 3, table 6-1). Vectors from
// 32 on are interrupts and never do.
func TestErrorCodes(t *testing.T) {
	with := map[uint8]bool{8: true, 10: true, 11: true, 12: true, 13: true, 14: true, 17: true, 21: true}
	for v := range 256 {
		if got := hasErrorCode(uint8(v)); got != with[uint8(v)] {
			t.Errorf("vector %d: %v", v, got)
		}
	}
}

// take delivers what a core has begun to take, and gives the words pushed.
func take(text *Text[*world], w *world, c *Core) *Frame {
	var r sim.Record
	var costs [256]sim.Time
	for seq := sim.Seq(1); c.Micro != 0; seq++ {
		text.Step(w, c, &costs, &r, seq)
	}
	s := c.Stack()
	return &s.F[len(s.F)-2]
}

// TestFaultsAndTraps: SDM volume 3, sections 6.5 and 6.12.1 and figure 6-9. From
// ring 3 the stack is that of the task state segment, from ring 0 the same; a fault
// pushes the address of the instruction, INT n that of the next one; the error code
// is the last word. The local APIC has no part in it.
func TestFaultsAndTraps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ring  uint8
		raise func(c *Core)
		words uint64
		code  uint16
		trap  bool
	}{
		{"#GP in ring 3", 3, func(c *Core) { c.Raise(13, 0x502) }, 6, 0x502, false},
		{"#DE in ring 3", 3, func(c *Core) { c.Raise(0, 0) }, 5, 0, false},
		{"int $0x80", 3, func(c *Core) { c.Int(0x80) }, 5, 0, true},
		{"#PF in ring 0", 0, func(c *Core) { c.Raise(14, 2) }, 6, 2, false},
		{"#UD in ring 0", 0, func(c *Core) { c.Raise(6, 0) }, 5, 0, false},
	} {
		text, w := testText(), &world{}
		for _, v := range []uint8{0, 6, 13, 14, 0x80} {
			text.IDT[v] = codeHandler
		}
		c := userCore(text, w)
		if tt.ring == 0 {
			c.On = OnIRQ
			c.IRQ.Top = 0x9000
			c.IRQ.Push(codeUser, 0)
			c.Regs.CS, c.Regs.SS = KernelCS, KernelSS
			text.Begin(w, c, &[256]sim.Time{}, 0)
		}
		before, top := c.Regs, c.Stack().SP()
		if tt.ring == 3 {
			top = c.RSP0
		}
		isr := c.APIC
		c.Frame().PC++ // as Step has it when it does the step
		tt.raise(c)
		f := take(text, w, c)
		if got := (top - f.Addr) / wordBytes; got != tt.words {
			t.Errorf("%s: %d words pushed, want %d", tt.name, got, tt.words)
		}
		if code, has := f.ErrorCode(); has != (tt.words == 6) || has && code != tt.code {
			t.Errorf("%s: error code %#x %v", tt.name, code, has)
		}
		rip := before.RIP
		if tt.trap {
			rip += instrBytes
		}
		if uint64(f.L[4]) != rip || uint64(f.L[3]) != before.CS || uint64(f.L[1]) != before.RSP {
			t.Errorf("%s: pushed %x, registers were %+v", tt.name, f.L, before)
		}
		if c.Regs.Ring() != 0 || c.Regs.IF() || c.APIC != isr {
			t.Errorf("%s: ring %d, IF %v", tt.name, c.Regs.Ring(), c.Regs.IF())
		}
		on := c.On
		c.Iret()
		text.Begin(w, c, &[256]sim.Time{}, 0)
		before.RIP = rip
		if c.Regs != before || tt.ring == 3 && (on != OnKernel || c.On != OnUser) || tt.ring == 0 && (on != OnIRQ || c.On != OnIRQ) {
			t.Errorf("%s: back with %+v, left with %+v", tt.name, c.Regs, before)
		}
	}
}

// TestSwapgs: AMD64 APM volume 3, SWAPGS: it exchanges GS.base with KernelGSbase, so
// twice is not at all.
func TestSwapgs(t *testing.T) {
	c := Core{GSBase: 1, KernelGSBase: 2}
	c.Swapgs()
	if c.GSBase != 2 || c.KernelGSBase != 1 {
		t.Errorf("%d and %d", c.GSBase, c.KernelGSBase)
	}
	c.Swapgs()
	if c.GSBase != 1 {
		t.Error("twice is not at all")
	}
}

// TestSyscallSelectorsComeFromSTAR: AMD64 APM volume 2, "SYSCALL and SYSRET": CS is
// STAR[47:32], SS 8 above; back in 64-bit mode STAR[63:48] + 16 and + 8, with RPL 3.
// They are those that Linux has in its GDT.
func TestSyscallSelectorsComeFromSTAR(t *testing.T) {
	text, w := testText(), &world{}
	c := userCore(text, w)
	before := c.Regs
	c.Syscall(codeSyscall, 0x9000)
	if c.Regs.CS != KernelCS || c.Regs.SS != KernelSS || c.Regs.RIP != 0x9000 || c.Regs.RSP != before.RSP {
		t.Errorf("in ring 0: %+v", c.Regs)
	}
	if c.Regs.R11 != before.RFLAGS || c.Regs.RCX != before.RIP+instrBytes || c.Regs.RFLAGS != before.RFLAGS&^MSRFmask {
		t.Errorf("RCX %#x R11 %#x RFLAGS %#x", c.Regs.RCX, c.Regs.R11, c.Regs.RFLAGS)
	}
	c.Sysret()
	if c.Regs.CS != UserCS || c.Regs.SS != UserSS || c.Regs.RFLAGS != before.RFLAGS || c.Regs.RIP != before.RIP+instrBytes {
		t.Errorf("back in ring 3: %+v", c.Regs)
	}
}
