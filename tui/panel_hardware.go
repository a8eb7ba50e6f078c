package tui

import (
	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// The card, the bus and the local interrupt controllers.

func headHardware(p *pen, s *scene) {
	if s.rec != nil && s.rec.Ctx == kernel.CtxDevice && outside(s) == "" {
		p.in(styleHardware).str(s.m.Fn(s.rec))
	}
}

// drawHardware writes the rows by importance: a low panel keeps the wire, the
// FIFO, the ring and the interrupt.
func drawHardware(p *pen, s *scene) {
	y := 0
	line := func(leastHeight int) bool {
		if p.h < leastHeight || y >= p.h {
			return false
		}
		p.line(y)
		y++
		return true
	}
	n, was := &s.m.NIC, &s.was.NIC
	if line(1) {
		drawWire(p, s)
	}
	several := len(n.Queues) > 1
	if several && line(2) {
		drawRSS(p, s)
	}
	if line(8) {
		drawFirmware(p, s)
	}
	if line(14) {
		p.str("MAC").to(6).str(" ")
		for i, b := range n.MAC {
			if i > 0 {
				p.str(":")
			}
			p.hex(uint64(b), 2)
		}
		if n.Config.Promiscuous {
			p.str(" promiscuous")
		}
	}
	told := p.h < 9 && s.rec != nil && (s.rec.Station == kernel.StMSI || s.rec.Station == kernel.StAPIC)
	if !told && line(2) { // a low panel has to show where the interrupt goes
		p.str("FIFO").to(6).mark(n.FIFOBytes != was.FIFOBytes)
		p.bar(int64(n.FIFOBytes), int64(n.Config.FIFO), min(p.w-24, 26)).str(" ").dec(int64(n.FIFOBytes)).in(styleText).str("/").dec(int64(n.Config.FIFO)).str(" B")
	}
	if n.Config.PCIe && line(2) {
		drawBus(p, s)
	}
	if n.Config.IOMMU && line(2) {
		drawIOMMU(p, s)
	}
	if several {
		if y < p.h {
			y += drawRxQueues(p, s, y, p.h-y)
		}
	} else {
		drawOneQueue(p, s, line)
	}
	for i := len(n.Queues); i < len(n.MSIX); i++ { // transmission's
		if line(14) {
			drawMSIX(p, n, was, i)
		}
	}
	if hasLine(s.m) && line(3) {
		drawLine(p, s)
	}
	if hasLine(s.m) && line(8) {
		drawChip(p, s)
	}
	for i := range s.m.Cores {
		if line(4 + 6*min(i, 2)) {
			drawController(p, s, i)
		}
	}
	if line(12) {
		p.str("drops").to(7).count("missed", n.Stats.RxMissedErrors, was.Stats.RxMissedErrors)
		p.count(" no_buffer", n.Stats.RxNoBufferCount, was.Stats.RxNoBufferCount).count(" crc", n.Stats.RxCRCErrors, was.Stats.RxCRCErrors)
	}
	if line(13) {
		p.str("sum").to(7).count("frames", n.Stats.Arrived, was.Stats.Arrived).count(" interrupts", n.Stats.Interrupts, was.Stats.Interrupts)
	}
}

// drawController writes a core's own interrupt controller.
func drawController(p *pen, s *scene, i int) {
	if s.m.ABI.Arm64 {
		p.str("GIC").dec(int64(i)).to(7)
		drawGIC(p, s, i)
		return
	}
	p.str("LAPIC").dec(int64(i)).to(7)
	drawAPIC(p, s, i)
}

// drawOneQueue writes the only queue: its ring, a descriptor, its interrupt.
func drawOneQueue(p *pen, s *scene, line func(int) bool) {
	n, was := &s.m.NIC, &s.was.NIC
	drawRing(p, s, 0, line)
	legend := 10
	if n.Config.PCIe || n.Config.IOMMU { // a row has gone to the bus
		legend = 12
	}
	if line(legend) {
		p.in(styleDim).str("  o NIC owns  D done  d drained")
	}
	if line(3) {
		drawBuffer(p, s)
	}
	if line(11) {
		drawModeration(p, s)
	}
	switch {
	case !line(3):
	case n.Config.Mode == nic.MSIX:
		drawMSIX(p, n, was, 0)
	default:
		drawSignal(p, n, was)
	}
}

// shownFrame is the frame that the hardware panel speaks of: the one that the
// record touched, else the one on the wire, else the last that was.
func shownFrame(s *scene) int32 {
	switch {
	case s.rec != nil && s.rec.Kind == kernel.KindFrame && s.rec.Obj >= 0:
		return s.rec.Obj
	case s.m.NIC.Wire >= 0:
		return s.m.NIC.Wire
	}
	q := &s.m.NIC.Queues[0]
	last := (q.Head + uint32(len(q.Ring)) - 1) % uint32(len(q.Ring))
	return q.Ring[last].Frame
}

// wideWire is the width from which an arriving frame's sizes are written too.
const wideWire = 46

func drawWire(p *pen, s *scene) {
	n, was := &s.m.NIC, &s.was.NIC
	p.str("wire").to(6).mark(n.Wire != was.Wire || n.Stats.Arrived != was.Stats.Arrived)
	id := shownFrame(s)
	if id < 0 || int(id) >= len(s.m.Frames) {
		p.str("idle")
		return
	}
	f := s.m.Frames[id].Bytes
	if n.Wire >= 0 {
		p.str("arriving ")
	}
	if n.Wire < 0 || p.w >= wideWire {
		p.dec(int64(len(f))).str("B ")
	}
	p.in(styleText)
	h, ok := nic.ParseIPv4(f[nic.EthHeader:])
	if !ok {
		p.str("not IPv4")
		return
	}
	b := f[nic.EthHeader+h.HeaderLen : nic.EthHeader+h.TotalLen]
	name, header := transportHeader(h.Protocol, b)
	switch name {
	case "":
		p.str("IPv4")
		return
	case "udp", "tcp":
		from, to := nic.Ports(b)
		p.addr(h.Src, from).str(">:").dec(int64(to))
	}
	if p.left() > 5 {
		p.str(" ").str(name)
	}
	if n.Wire < 0 || p.w >= wideWire {
		p.str(" ").dec(int64(len(b)) - int64(header)).str("B")
	}
}

// addr writes an IPv4 address and port.
func (p *pen) addr(ip uint32, port uint16) *pen {
	for shift := 24; shift >= 0; shift -= 8 {
		p.dec(int64(ip >> shift & 0xff))
		if shift > 0 {
			p.rune('.')
		}
	}
	return p.rune(':').dec(int64(port))
}

// descLetter tells who has a descriptor: o the card, D the driver, filled by
// the card; d the driver, taken and not yet filled again.
func descLetter(m *kernel.Machine, qi, i int) rune {
	q := &m.NIC.Queues[qi]
	size := len(q.Ring)
	after := func(from, to int) int { return (to - from + size) % size }
	head, tail, clean := int(q.Head), int(q.Tail), int(m.Napis[qi].Next)
	switch {
	case after(head, i) < after(head, tail):
		return 'o'
	case after(clean, i) < after(clean, head):
		return 'D'
	}
	return 'd'
}

// drawRing writes a window of a receive ring that holds the head: numbers,
// letters, carets. It moves on by pages, so that the row stays still meanwhile.
func drawRing(p *pen, s *scene, qi int, line func(int) bool) {
	q, was := &s.m.NIC.Queues[qi], &s.was.NIC.Queues[qi]
	size := len(q.Ring)
	cells := 3 // a blank and the number
	if size > 100 {
		cells = 4
	}
	shown := min((p.w-1)/cells, size)
	first := 0
	if shown < size {
		page := max(shown-4, 1)
		first = (int(q.Head)/page*page - 2 + size) % size
	}
	if line(5) {
		p.str("rx").dec(int64(qi)).str(" (").dec(int64(size)).str(")").to(9).str("head").mark(q.Head != was.Head).dec(int64(q.Head)).in(styleText)
		p.str(" tail").mark(q.Tail != was.Tail).dec(int64(q.Tail)).in(styleText)
		if p.w > 50 {
			p.str(" next_to_clean").mark(s.m.Napis[qi].Next != s.was.Napis[qi].Next).dec(int64(s.m.Napis[qi].Next)).in(styleText)
		}
		drawTransmit(p, s)
	}
	if line(9) {
		p.st = styleDim
		for i := range shown {
			p.right(int64((first+i)%size), cells)
		}
	}
	if line(2) {
		for i := range shown {
			d := (first + i) % size
			l := descLetter(s.m, qi, d)
			p.at(i*cells+cells-2, p.y).in(styleText).mark(l != descLetter(s.was, qi, d) || q.Ring[d] != was.Ring[d]).rune(l)
		}
	}
	if line(6) {
		for i := range shown {
			switch d := uint32((first + i) % size); {
			case d == q.Head && d == q.Tail:
				p.at((i+1)*cells-1, p.y).str("^HT")
			case d == q.Head:
				p.at((i+1)*cells-1, p.y).str("^H")
			case d == q.Tail:
				p.at((i+1)*cells-1, p.y).str("^T")
			}
		}
	}
}

// drawBuffer shows the descriptor that the card is at, or has just filled.
func drawBuffer(p *pen, s *scene) {
	q := &s.m.NIC.Queues[0]
	size := uint32(len(q.Ring))
	i := q.Head
	if q.Ring[i].Frame < 0 {
		i = (q.Head + size - 1) % size
	}
	d, was := &q.Ring[i], &s.was.NIC.Queues[0].Ring[i]
	p.str("buf").to(6).str("[").dec(int64(i)).str("] ").hex(d.Addr, 8)
	if d.Frame < 0 {
		p.str(" empty")
		return
	}
	p.mark(d.Len != was.Len || d.Frame != was.Frame).dec(int64(d.Len)).in(styleText).str("B DD").mark(d.Done() != was.Done()).flag(d.Done()).in(styleText)
	if b := s.m.Frames[d.Frame].Bytes; p.left() > 12 {
		p.str("  ")
		for i := 0; i < len(b) && p.left() > 3; i++ {
			p.hex(uint64(b[i]), 2).str(" ")
		}
	}
}

func drawModeration(p *pen, s *scene) {
	n := &s.m.NIC
	p.str("ITR").to(7)
	if n.Config.AdaptiveRx {
		napi := &s.m.Napis[0]
		p.mark(napi.Class != s.was.Napis[0].Class).str(kernel.LatencyClasses[napi.Class]).in(styleText).str(" ").dec(int64(napi.Rate)).str("/s")
	} else {
		p.str("rx-usecs ").dec(int64(n.Config.RxUsecs / sim.Microsecond)).str(" frames ").dec(int64(n.Config.RxFrames))
	}
	if q, old := &n.Queues[0], &s.was.NIC.Queues[0]; q.Held > 0 {
		p.mark(q.Held != old.Held).str("held ").dec(int64(q.Held)).in(styleText).str(" ").span(max(q.TimerEnd-s.m.Now, 0))
	} else if !n.Config.AdaptiveRx {
		p.str("  timer off")
	}
}

func drawMSIX(p *pen, n, was *nic.NIC, i int) {
	v, w := &n.MSIX[i], &was.MSIX[i]
	p.str("MSI-X").to(7).dec(int64(i)).str(": ").hex(v.Addr, 8).str(" data ").hex(uint64(v.Data), 2)
	cause := n.VectorCause(i)
	on := n.IMS&cause != 0
	p.mark(v.Masked != w.Masked || v.Pending != w.Pending || on != (was.IMS&cause != 0))
	switch {
	case v.Masked:
		p.str("masked")
	case on:
		p.str("on")
	default:
		p.str("off (IMS)")
	}
	if v.Pending || n.ICR&cause != 0 {
		p.rest(" pending")
	}
}

// drawAPIC writes the registers of a core's local APIC: single vectors, never
// all 256 bits.
func drawAPIC(p *pen, s *scene, i int) {
	a, was := &s.m.Cores[i].APIC, &s.was.Cores[i].APIC
	p.str("IRR").mark(a.IRR != was.IRR).vector(a.IRR.Highest()).in(styleText)
	p.to(14).str("ISR").mark(a.ISR != was.ISR).vector(a.ISR.Highest()).in(styleText)
	p.to(21).str("PPR").mark(a.PPR() != was.PPR()).hex(uint64(a.PPR()), 2).in(styleText)
	p.to(28).str("TPR ").hex(uint64(a.TPR), 2)
}

// vector writes the highest bit that is set in a register of the APIC.
func (p *pen) vector(v int) *pen {
	if v < 0 {
		return p.str("-")
	}
	return p.hex(uint64(v), 2).str(":1")
}
