package tui

import (
	"ringside/cpu"
	"ringside/kernel"
	"ringside/kernel/program"
)

// What the CPU and STACKS panels call things depends on the machine's ABI.

// level is the number that the ABI gives a core's privilege: ring 3 is EL0.
func level(m *kernel.Machine, core int) int64 { return levelOf(m, m.Cores[core].Regs.Ring()) }

func levelOf(m *kernel.Machine, ring uint8) int64 {
	if m.ABI.Arm64 {
		return 1 - int64(ring)/3
	}
	return int64(ring)
}

// levelWord stands before that number.
func levelWord(m *kernel.Machine) string {
	if m.ABI.Arm64 {
		return " EL"
	}
	return " ring "
}

// stackTitles are the titles of the user, the kernel and the interrupt stack.
// Where the system is not Linux they say whose kernel runs.
var stackTitles = [...][3]string{
	program.LinuxAMD64:   {"ring 3, user", "ring 0, kernel", "ring 0, interrupt"},
	program.LinuxARM64:   {"EL0, user", "EL1, kernel", "EL1, interrupt"},
	program.MacosARM64:   {"EL0, user", "EL1, modelled Linux", "EL1, modelled Linux"},
	program.WindowsAMD64: {"ring 3, user", "ring 0, modelled Linux", "ring 0, modelled Linux"},
	program.LinuxInt80:   {"ring 3, user", "ring 0, kernel", "ring 0, interrupt"},
}

// coreRow is a row of a core; the lower the rank, the longer it stays when there
// is less room.
type coreRow struct {
	rank int
	draw func(p *pen, s *scene, i int)
}

// rowsOf are the rows of a core in their order.
func rowsOf(a *cpu.ABI) []coreRow {
	if a.Arm64 {
		return armRows
	}
	return amd64Rows
}

var amd64Rows = []coreRow{
	{0, rowTask}, {1, rowRIP}, {2, rowRSP}, {3, rowFlags}, {6, rowGeneral(0)}, {9, rowGeneral(2)}, {14, rowGeneral(4)}, {11, rowGeneral(6)}, {12, rowLink}, {10, rowCR3},
	{5, rowAPIC}, {4, rowPreempt}, {8, rowPending}, {7, rowNext}, {13, rowMSRs}, {15, rowDoor},
}

var armRows = []coreRow{
	{0, rowTask}, {1, rowRIP}, {2, rowArmSP}, {3, rowPState}, {6, rowGeneral(0)}, {9, rowGeneral(2)}, {11, rowGeneral(4)}, {12, rowGeneral(6)}, {10, rowESR},
	{5, rowGIC}, {4, rowPreempt}, {8, rowPending}, {7, rowNext}, {13, rowDoor},
}

// rowGeneral draws two general registers.
func rowGeneral(k int) func(p *pen, s *scene, i int) {
	return func(p *pen, s *scene, i int) {
		for j, reg := range s.m.ABI.General[k : k+2] {
			p.reg(reg.Name, j*(p.w/2), *s.m.Cores[i].Regs.At(reg.At), *s.was.Cores[i].Regs.At(reg.At))
		}
	}
}

// rowLink draws the register that syscall saves the flags in, and the base of GS,
// which swapgs exchanges.
func rowLink(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	p.reg("R11", 0, c.Regs.R11, was.Regs.R11).reg("GS", p.w/2, c.GSBase, was.GSBase)
}

// rowMSRs draws what the kernel has told the processor about syscall.
func rowMSRs(p *pen, s *scene, _ int) {
	p.str("LSTAR").to(6).address(s.m.Text.Addr(s.m.Text.LSTAR, 0)).str(" FMASK ").hex(cpu.MSRFmask, 1)
	if star := " STAR 0023001000000000"; p.left() > len(star) {
		p.str(" STAR ").hex(cpu.MSRStar, 16)
	}
}

// rowDoor says how a program comes into the kernel and back.
func rowDoor(p *pen, s *scene, _ int) {
	a := s.m.ABI
	if a.Gate != 0 {
		p.in(styleDim).str(a.Door).str(": to ").str(a.Base).str(", 5 words pushed, RSP from rsp0; back by ").rest(a.Back)
		return
	}
	p.in(styleDim).str(a.Door).str(": ").str(a.Link).str("=").str(a.PC).str(", ").str(a.Saved).str("=").str(a.Status)
	p.str(", to ").str(a.Base).str("; back by ").rest(a.Back)
}

// taskStruct is where a task's struct lies: SP_EL0 holds it while the kernel runs
// (arch/arm64/include/asm/current.h).
func taskStruct(id kernel.TaskID) uint64 { return 0xffff0000c0000000 + uint64(id)*0x2000 }

// stackPointers are SP_EL0 and SP_EL1: the one that the core does not use keeps
// its value.
func stackPointers(m *kernel.Machine, i int) (el0, el1 uint64) {
	c := &m.Cores[i]
	if c.Regs.Ring() == 3 {
		return c.Regs.RSP, c.RSP0
	}
	return taskStruct(m.CPUs[i].Current), c.Regs.RSP
}

func rowArmSP(p *pen, s *scene, i int) {
	el0, el1 := stackPointers(s.m, i)
	was0, was1 := stackPointers(s.was, i)
	p.str("SP_EL1").to(7).mark(el1 != was1).str("..").hex(el1&0xffffffff, 8).in(styleText)
	p.str(" SP_EL0").mark(el0 != was0).str("..").hex(el0&0xffffffff, 8).in(styleText).str(" ").rest(stackNames[s.m.Cores[i].On])
}

func rowPState(p *pen, s *scene, i int) {
	r, was := &s.m.Cores[i].Regs, &s.was.Cores[i].Regs
	p.str("PSTATE").to(7).mark(r.PState() != was.PState()).hex(r.PState(), 8).in(styleText)
	p.str(" DAIF.I").mark(r.IF() != was.IF()).flag(!r.IF()).in(styleText)
	p.str(" C").mark((r.RFLAGS^was.RFLAGS)&cpu.FlagCarry != 0).flag(r.RFLAGS&cpu.FlagCarry != 0).in(styleText)
	p.str(" EL").mark(r.Ring() != was.Ring()).dec(level(s.m, i)).in(styleText)
}

// rowESR draws where eret will go, and why the kernel was entered.
func rowESR(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	p.str("ELR").to(4).mark(c.Regs.RCX != was.Regs.RCX).str("..").hex(c.Regs.RCX&0xffffffff, 8).in(styleText)
	p.str(" SPSR").mark(c.Regs.R11 != was.Regs.R11).hex(c.Regs.R11, 8).in(styleText)
	p.str(" EC").mark(c.ESR != was.ESR).hex(c.ESR>>26, 2).in(styleText)
	if p.left() > 16 {
		p.str(" of ESR ").hex(c.ESR, 8)
	}
}

func rowGIC(p *pen, s *scene, i int) {
	p.str("GIC").to(7)
	drawGIC(p, s, i)
}

// drawGIC writes a core's part of the interrupt controller: what is pending and
// what is active, as the GIC's numbers.
func drawGIC(p *pen, s *scene, i int) {
	a, was := &s.m.Cores[i].APIC, &s.was.Cores[i].APIC
	p.str("pending").mark(a.IRR != was.IRR).intid(a.IRR.Highest()).in(styleText)
	p.to(22).str("active").mark(a.ISR != was.ISR).intid(a.ISR.Highest()).in(styleText)
}

// intid writes an interrupt's number.
func (p *pen) intid(vector int) *pen {
	if vector < 0 {
		return p.str("-")
	}
	return p.dec(kernel.INTID(vector))
}

// drawStackArgs writes the arguments that a call passes on the stack, and below
// them the room for those in registers.
func drawStackArgs(p *pen, y int, f *cpu.Frame, fresh bool) int {
	for w := int(f.N) - 1; w >= 0; w-- {
		addr := f.Addr + shadowBytes + uint64(w)*hwWordBytes
		frameLine(p, y, addr, fresh).rune(bracket(int(f.N)-1-w, int(f.N)+1)).str("arg").dec(int64(w + inRegisters + 1)).str(" ").hwValue(uint64(f.L[w]))
		y++
	}
	frameLine(p, y, f.Addr, fresh).rune('└').rest("shadow 32 B")
	return y + 1
}

// inRegisters is how many arguments Windows passes in registers, and shadowBytes
// the room that there is for them.
const (
	inRegisters = 4
	shadowBytes = inRegisters * hwWordBytes
)
