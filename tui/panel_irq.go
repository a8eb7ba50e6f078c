package tui

import (
	"ringside/cpu"
	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// The way of an interrupt: the pins, the controllers, who said what to whom, and
// what /proc/interrupts counts.

func drawIRQ(p *pen, s *scene) {
	y := 0
	if hasLine(s.m) {
		drawLine(p.line(0), s)
		drawChip(p.line(1), s)
		y = 2
	}
	for i := 0; i < len(s.m.Cores) && i < max(p.h/5, 1); i++ {
		drawController(p.line(y), s, i)
		if !s.m.ABI.Arm64 {
			drawRequested(p, &s.m.Cores[i].APIC)
		}
		y++
	}
	lines := s.m.Interrupts()
	if room := p.h - y - len(lines) - 1; room >= 3 {
		drawProcInterrupts(p, s, lines, p.h-len(lines)-1)
		drawTalk(p, s, y, room)
		return
	}
	drawTalk(p, s, y, p.h-y)
}

// drawRequested writes all vectors that wait in a local APIC, the next one first,
// where there is room.
func drawRequested(p *pen, a *cpu.APIC) {
	if p.left() < 20 || a.IRR.Highest() < 0 {
		return
	}
	p.str("  waiting")
	for v := a.IRR.Highest(); v >= 0 && p.left() > 3; v-- {
		if a.IRR.Has(uint8(v)) {
			p.str(" ").hex(uint64(v), 2)
		}
	}
}

// hasLine tells whether a device interrupts by a pin.
func hasLine(m *kernel.Machine) bool {
	return m.Config.NIC.Mode == nic.INTx || m.Config.USB.Every > 0
}

// drawLine writes which devices pull the line, and whether it is asserted.
func drawLine(p *pen, s *scene) {
	m, was := s.m, s.was
	p.str("IRQ").dec(kernel.LineIRQ).to(7)
	if m.Config.NIC.Mode == nic.INTx {
		p.str("eth0").mark(m.NIC.PinSeen != was.NIC.PinSeen).flag(m.NIC.PinSeen).in(styleText).str(" ")
	}
	if m.Config.USB.Every > 0 {
		p.str("usb").mark(m.USB.Status != was.USB.Status).flag(m.USB.Status != 0).in(styleText).str(" ")
	}
	p.str("line").mark(m.Line != was.Line).flag(m.Line).in(styleText)
	if m.Config.IRQChip == kernel.ChipPIC {
		now, before := m.Cores[0].APIC.ExtINT, was.Cores[0].APIC.ExtINT
		p.str(" INTR").mark(now != before).flag(now).in(styleText)
	}
}

// drawChip writes the registers of the controller that the line leads to.
func drawChip(p *pen, s *scene) {
	if s.m.Config.IRQChip == kernel.ChipPIC {
		drawPIC(p.str("8259A").to(7).str("m"), &s.m.PIC.Master, &s.was.PIC.Master)
		drawPIC(p.str(" s"), &s.m.PIC.Slave, &s.was.PIC.Slave)
		p.str("  ").in(styleDim).rest("IRR ISR IMR")
		return
	}
	e, was := &s.m.IOAPIC.Pins[kernel.LineIRQ], &s.was.IOAPIC.Pins[kernel.LineIRQ]
	p.str("IOAPIC").to(7).hex(e.Word(), 16).str(" vec ").hex(uint64(e.Vector), 2)
	p.str(" rIRR").mark(e.RemoteIRR != was.RemoteIRR).flag(e.RemoteIRR).in(styleText)
	if p.left() > 14 {
		p.str(" level low cpu").dec(int64(e.Dest))
	}
}

// drawPIC writes IRR, ISR and IMR of one 8259A.
func drawPIC(p *pen, c, was *cpu.PIC) {
	for _, r := range [...]struct{ now, was uint8 }{{c.IRR, was.IRR}, {c.ISR, was.ISR}, {c.IMR, was.IMR}} {
		p.mark(r.now != r.was).hex(uint64(r.now), 2).in(styleText)
	}
}

// headIRQ says what the hardware does in this step.
func headIRQ(p *pen, s *scene) {
	if s.rec != nil && s.rec.Ctx == kernel.CtxDevice && outside(s) == "" {
		p.in(styleHardware).str("hardware: ")
		headHardware(p, s)
	}
}

// drawTalk writes the last things that were said, the newest lowest.
func drawTalk(p *pen, s *scene, y, rows int) {
	const lookBack = 4000
	var seqs [64]sim.Seq
	rows = min(rows, len(seqs))
	n := 0
	for i := s.pos - 1; i >= 0 && i > s.pos-lookBack && n < rows; i-- {
		if _, ok := s.m.Said(s.tl.At(i)); ok {
			seqs[n] = i
			n++
		}
	}
	for i := range n {
		r := s.tl.At(seqs[n-1-i])
		t, _ := s.m.Said(r)
		p.line(y + i)
		if seqs[n-1-i] >= s.base {
			p.in(styleHere).rune('>').in(styleBold)
		} else {
			p.rune(' ').in(ctxStyles[r.Ctx])
		}
		p.rune(rune(kernel.ContextLetters[r.Ctx])).str(" ").micros(r.T, 9).str(" ").rest(t.From + " > " + t.To + ": ")
		p.rest(t.What)
	}
}

// Widths of a count: as in the file, and where there is little room.
const (
	wideCount   = 11
	narrowCount = 6
)

// drawProcInterrupts writes the file's lines from a row on. Cores that have no room
// are added up.
func drawProcInterrupts(p *pen, s *scene, lines []kernel.InterruptLine, y int) {
	const label, text = 4, 26
	width, columns := wideCount, len(s.m.Cores)
	if label+width*columns+text > p.w {
		width = narrowCount
	}
	all := label+width*columns+text > p.w
	p.line(y).st = styleDim
	if all {
		columns = 1
		p.to(label).rest("     all")
	}
	for i := 0; i < columns && !all; i++ {
		p.to(label + width*i + width - 4).str("CPU").dec(int64(i))
	}
	before := s.was.Interrupts()
	for i, l := range lines {
		p.line(y + 1 + i).str(l.Label).str(":")
		for c := range columns {
			now, was := count(l.Counts, c, all), int64(0)
			if i < len(before) {
				was = count(before[i].Counts, c, all)
			}
			p.to(label + width*c)
			if now != was {
				p.in(styleChanged).right(now, width-1).rune('*').in(styleText)
			} else {
				p.right(now, width-1).rune(' ')
			}
		}
		p.str(" ").rest(l.Text)
	}
}

// count is one core's, or all of them together.
func count(counts []int32, core int, all bool) (n int64) {
	if !all {
		return int64(counts[core])
	}
	for _, c := range counts {
		n += int64(c)
	}
	return n
}

// drawSignal writes the card's causes and mask, and its message if it has one.
func drawSignal(p *pen, n, was *nic.NIC) {
	if n.Config.Mode == nic.MSI {
		p.str("MSI").to(7).hex(n.MSI.Addr, 8).str(" data ").hex(uint64(n.MSI.Data), 2)
	} else {
		p.str("INTA#").to(6).mark(n.Asserted != was.Asserted).flag(n.Asserted).in(styleText)
	}
	p.str(" ICR").mark(n.ICR != was.ICR).hex(uint64(n.ICR), 1).in(styleText)
	p.str(" IMS").mark(n.IMS != was.IMS).hex(uint64(n.IMS), 1).in(styleText)
}
