package tui

import (
	"strconv"

	"ringside/kernel"
	"ringside/nic"
)

// The card's firmware, and its queues if there are several.

// drawFirmware writes what the card's own controller does, and how often it has
// asked the receiver in vain.
func drawFirmware(p *pen, s *scene) {
	n, was := &s.m.NIC, &s.was.NIC
	p.str("fw").to(7).mark(n.Firmware.At != was.Firmware.At).str(nic.FirmwareSteps[n.Firmware.At]).in(styleText)
	p.to(14).str("idle polls ").dec(n.IdlePolls(s.m.Now)).in(styleText)
	if p.left() > 10 {
		p.count(" others", n.Stats.Filtered, was.Stats.Filtered)
	}
}

// drawBus writes the packets that the card has sent over the bus, and when the last
// write of them will be in memory.
func drawBus(p *pen, s *scene) {
	b, was := &s.m.NIC.Bus, &s.was.NIC.Bus
	p.str("PCIe").to(6).count(" MWr", b.Writes, was.Writes).count(" MRd", b.Reads, was.Reads)
	if under := b.Posted - s.m.Now; under > 0 {
		p.str(" posted ").span(under)
	} else {
		p.str(" idle")
	}
}

// drawRSS follows the frame in hand: what is hashed, the hash, the row of the
// indirection table, the queue.
func drawRSS(p *pen, s *scene) {
	p.str("RSS").to(6)
	id := shownFrame(s)
	if id < 0 || int(id) >= len(s.m.Frames) {
		p.str("no frame yet")
		return
	}
	rss := &s.m.Config.NIC.RSS
	hash, typ := rss.Hash(s.m.Frames[id].Bytes)
	if typ == nic.HashNone {
		p.str("not IPv4 > queue 0")
		return
	}
	p.mark(s.rec != nil && s.rec.Ctx == kernel.CtxDevice && s.m.Fn(s.rec) == "rss").hex(uint64(hash), 8).in(styleText)
	p.str(" > [").dec(int64(nic.Entry(hash))).str("] > q").dec(int64(rss.Queue(hash, typ)))
	if p.left() > len(nic.HashTypes[typ]) {
		p.str(" ").str(nic.HashTypes[typ])
	}
}

// Widths of a row with everything about a queue, and with the drops, too.
const (
	wideQueue   = 34
	widestQueue = 41
)

// drawRxQueues writes the queues into the rows from y on, side by side if there
// are more queues than rows, and gives the number of rows taken.
func drawRxQueues(p *pen, s *scene, y, rows int) int {
	queues := len(s.m.NIC.Queues)
	columns := (queues + rows - 1) / rows
	each := (queues + columns - 1) / columns
	table := columns == 1 && p.w >= wideQueue
	head := 0
	if table && queues < rows {
		p.line(y).in(styleDim).str(" q cpu head tail done packets")
		if p.w >= widestQueue {
			p.str("  drops")
		}
		p.str(" irq")
		head = 1
	}
	for q := range queues {
		p.at(q/each*(p.w/columns), y+head+q%each).in(styleText)
		if table {
			drawQueueRow(p, s, q)
		} else {
			drawQueueCell(p, s, q, p.w/columns)
		}
	}
	return each + head
}

// done is how many descriptors of a queue the card has filled and the driver has
// not taken.
func done(m *kernel.Machine, q int) int64 {
	size := int64(len(m.NIC.Queues[q].Ring))
	return (int64(m.NIC.Queues[q].Head) - int64(m.Napis[q].Next) + size) % size
}

func drawQueueRow(p *pen, s *scene, q int) {
	rx, was := &s.m.NIC.Queues[q], &s.was.NIC.Queues[q]
	p.right(int64(q), 2).right(irqCore(s.m, q), 4)
	for _, field := range []struct {
		now, was int64
		width    int
	}{
		{int64(rx.Head), int64(was.Head), 5}, {int64(rx.Tail), int64(was.Tail), 5}, {done(s.m, q), done(s.was, q), 5},
		{rx.Stats.Packets, was.Stats.Packets, 8},
	} {
		p.countRight(field.now, field.was, field.width)
	}
	if p.w >= widestQueue {
		p.countRight(rx.Stats.Drops, was.Stats.Drops, 7)
	}
	p.mark(irqState(s.m, q) != irqState(s.was, q)).str(irqState(s.m, q)).in(styleText)
}

// countRight is a count at the right end of a column.
func (p *pen) countRight(now, was int64, width int) {
	p.to(p.x + width - 1 - len(strconv.AppendInt(p.scratch[:0], now, 10))).mark(now != was).dec(now).in(styleText)
}

// drawQueueCell is a queue in a few columns: its number, its packets, and where
// there is room its head and whether it may interrupt.
func drawQueueCell(p *pen, s *scene, q, width int) {
	rx, was := &s.m.NIC.Queues[q], &s.was.NIC.Queues[q]
	p.right(int64(q), 2).str(" n").mark(rx.Stats.Packets != was.Stats.Packets).dec(rx.Stats.Packets).in(styleText)
	if width >= 18 {
		p.str(" head").mark(rx.Head != was.Head).dec(int64(rx.Head)).in(styleText)
	}
	if width >= 26 {
		p.str(" ").mark(irqState(s.m, q) != irqState(s.was, q)).str(irqState(s.m, q)).in(styleText)
	}
}

// irqCore is the core that a queue's message names.
func irqCore(m *kernel.Machine, q int) int64 { return int64(m.NIC.MSIX[q].Addr >> 12 & 0xff) }

// irqState tells whether a queue may interrupt.
func irqState(m *kernel.Machine, q int) string {
	switch cause := m.NIC.Cause(int32(q)); {
	case m.NIC.MSIX[q].Masked:
		return "mask"
	case m.NIC.IMS&cause != 0:
		return "on"
	case m.NIC.ICR&cause != 0:
		return "pend"
	}
	return "off"
}
