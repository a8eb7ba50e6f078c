package tui

import "ringside/kernel"

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
