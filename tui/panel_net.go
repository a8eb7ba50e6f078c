package tui

import (
	"ringside/kernel"
	"ringside/nic"
)

// From the softirq to the socket: what is pending, the poll, the packet in hand,
// the queues.

// drawNet gives the sockets the rows they need; the counters get what is left.
func drawNet(p *pen, s *scene) {
	drawSoftirqs(p.line(0), s)
	drawNapi(p.line(1), s)
	y := drawSkb(p, s, 2)
	socks := 0
	for id := range s.m.Socks {
		if s.m.Socks[id].File != kernel.None {
			socks++
		}
	}
	room := max(p.h-y, 0)
	counters := min(max(room-max(socks, 1), 0), 2)
	drawSocks(p, s, y, room-counters, socks)
	if counters > 0 {
		drawDrops(p.line(p.h-1), s)
	}
	if counters > 1 {
		drawReceived(p.line(p.h-2), s)
	}
}

// drawSocks writes a row for each socket, or for as many as there is room for.
func drawSocks(p *pen, s *scene, y, rows, socks int) {
	for id := range s.m.Socks {
		if s.m.Socks[id].File == kernel.None || rows == 0 {
			continue
		}
		if rows == 1 && socks > 1 {
			p.line(y).in(styleDim).str("… ").dec(int64(socks)).str(" more sockets")
			return
		}
		drawSock(p.line(y), s, kernel.SockID(id))
		y, rows, socks = y+1, rows-1, socks-1
	}
}

// drawSoftirqs writes what is pending on each core, and the state of its
// ksoftirqd.
func drawSoftirqs(p *pen, s *scene) {
	p.str("softirq")
	for i := range s.m.CPUs {
		k, old := &s.m.CPUs[i], &s.was.CPUs[i]
		p.mark(k.Pending != old.Pending).dec(int64(i)).str(":").softirqs(k.Pending).in(styleText)
	}
	p.str("  ksoftirqd")
	for i := range s.m.CPUs {
		ks := s.m.CPUs[i].Ksoftirqd
		p.mark(s.m.Tasks[ks].State != s.was.Tasks[ks].State).str(s.m.Tasks[ks].State.Letter()).in(styleText)
	}
}

func drawNapi(p *pen, s *scene) {
	n, was := &s.m.Napi, &s.was.Napi
	p.str("napi").to(6).mark(n.Sched != was.Sched || n.Missed != was.Missed)
	switch {
	case n.Missed:
		p.str("SCHED MISSED")
	case n.Sched:
		p.str("SCHED")
	default:
		p.str("idle")
	}
	p.in(styleText).count("", int64(n.Cleaned), int64(was.Cleaned)).str("/").dec(int64(s.m.Config.Params.NAPIWeight))
	p.count(" GRO", int64(n.Count), int64(was.Count)).str(" budget ").dec(int64(s.m.Config.Params.Budget))
}

// shownSkb is the packet that the panel speaks of: the one the record touched,
// else one that GRO holds, else the first that a socket has.
func shownSkb(s *scene) kernel.SkbID {
	if s.rec != nil && s.rec.Kind == kernel.KindSkb && int(s.rec.Obj) < len(s.m.Skbs) && s.m.Skbs[s.rec.Obj].InUse {
		return s.rec.Obj
	}
	if s.m.Napi.Count > 0 {
		return s.m.Napi.First
	}
	for i := range s.m.Socks {
		if s.m.Socks[i].Len > 0 {
			return s.m.Socks[i].First
		}
	}
	for i := range s.m.Skbs {
		if s.m.Skbs[i].InUse {
			return kernel.SkbID(i)
		}
	}
	return kernel.None
}

// drawSkb shows a packet's headers with a caret at its data pointer: what is
// left of it has been pulled.
func drawSkb(p *pen, s *scene, y int) int {
	id := shownSkb(s)
	if id == kernel.None {
		p.line(y).str("skb").to(7).in(styleDim).str("none")
		return y + 3
	}
	b := &s.m.Skbs[id]
	old := kernel.Skb{}
	if int(id) < len(s.was.Skbs) {
		old = s.was.Skbs[id]
	}
	p.line(y).str("skb").to(6).mark(b.InUse != old.InUse).dec(int64(id)).in(styleText).str(" frame ").dec(int64(b.Frame))
	p.count(" data", int64(b.Data), int64(old.Data)).count(" len", int64(b.Len), int64(old.Len))
	if p.w > 48 {
		p.str(" truesize ").dec(int64(b.Truesize))
	}
	p.line(y + 1).str("  ").in(styleBorder).rune('[')
	at, caret := int32(0), p.x
	for i, h := range skbParts(s.m, b) {
		if h == 0 {
			continue
		}
		if b.Data == at {
			caret = p.x
		}
		if at += h; i > 0 {
			p.in(styleBorder).rune('|')
			if b.Data == at-h {
				caret = p.x
			}
		}
		p.st = styleText
		if at <= b.Data {
			p.st = styleDim
		}
		p.str(skbNames[i]).str(" ").dec(int64(h))
	}
	p.in(styleBorder).rune(']')
	p.line(y+2).at(caret, y+2).mark(b.Data != old.Data).at(caret, y+2).str("^data")
	return y + 3
}

var skbNames = [...]string{"eth", "ip", "udp", "data", "pad"}

// skbParts gives the lengths of the headers, of what they carry, and of the
// padding that a short frame has until IP cuts it off.
func skbParts(m *kernel.Machine, b *kernel.Skb) [5]int32 {
	const headers = nic.EthHeader + nic.IPv4Header + nic.UDPHeader
	end := b.Data + b.Len
	data := max(end-headers, 0)
	if h, ok := nic.ParseIPv4(m.Frames[b.Frame].Bytes[nic.EthHeader:]); ok {
		data = min(data, int32(max(nic.EthHeader+h.TotalLen-headers, 0)))
	}
	return [5]int32{nic.EthHeader, nic.IPv4Header, nic.UDPHeader, data, max(end-headers-data, 0)}
}

// drawSock writes a socket's port, how many packets it has, and their bytes
// against the limit.
func drawSock(p *pen, s *scene, id kernel.SockID) {
	k := &s.m.Socks[id]
	old := kernel.Sock{}
	if int(id) < len(s.was.Socks) {
		old = s.was.Socks[id]
	}
	p.str("fd").dec(descriptor(s.m, k.File)).to(4).mark(k.File != old.File || k.Bound != old.Bound)
	if k.Bound {
		p.str(":").dec(int64(k.Local.Port))
	} else {
		p.str("no port")
	}
	p.in(styleText).to(12).mark(k.Len != old.Len).dec(int64(k.Len)).in(styleText)
	p.to(16).bar(int64(k.Bytes), int64(k.RcvBuf), min(max(p.w-40, 8), 24)).str(" ").dec(int64(k.Bytes)).str("/").dec(int64(k.RcvBuf))
	if p.left() > 9 {
		p.str("B").count(" drops", int64(k.Drops), int64(old.Drops))
	}
}

func drawReceived(p *pen, s *scene) {
	c, was := &s.m.Counters, &s.was.Counters
	p.str("polls").mark(c.Polls != was.Polls).dec(c.Polls).in(styleText).count(" skbs", c.Skbs, was.Skbs).count(" in", c.InDatagrams, was.InDatagrams)
	p.count(" read", c.Delivered, was.Delivered)
}

func drawDrops(p *pen, s *scene) {
	c, was := &s.m.Counters, &s.was.Counters
	p.str("drops").count(" no port", c.NoPorts, was.NoPorts).count(" rcvbuf", c.RcvbufErrors, was.RcvbufErrors)
	p.count(" csum", c.InCsumErrors, was.InCsumErrors)
}
