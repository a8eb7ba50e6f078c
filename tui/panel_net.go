package tui

import "ringside/kernel"

// From the softirq to the socket: what is pending, the poll, the packet in hand,
// the queues.

// drawNet gives what has a descriptor the rows it needs; the counters get what is
// left.
func drawNet(p *pen, s *scene) {
	drawSoftirqs(p.line(0), s)
	drawNapi(p.line(1), s)
	y := 2
	if p.h >= comfortableNet {
		drawBacklogs(p.line(2), s)
		y++
	}
	y = drawSkb(p, s, y)
	room := max(p.h-y, 0)
	wanted := max(s.rowsWanted(room, p.w), 1)
	counters := min(max(room-wanted, 0), 2)
	drawObjects(p, s, y, room-counters)
	if spare := room - counters - wanted; spare > 0 {
		drawRemotes(p, s, y+wanted, spare)
	}
	if counters > 0 {
		drawDrops(p.line(p.h-1), s)
	}
	if counters > 1 {
		drawReceived(p.line(p.h-2), s)
	}
}

// comfortableNet is how high the panel must be for a row of backlogs.
const comfortableNet = 8

// drawSoftirqs writes what is pending on each core: on two of them, or on those
// where something is. In a low panel it is followed by the backlogs, else by the
// states of the ksoftirqd threads.
func drawSoftirqs(p *pen, s *scene) {
	p.str("softirq")
	for i := range s.m.CPUs {
		k, old := &s.m.CPUs[i], &s.was.CPUs[i]
		if len(s.m.CPUs) <= 2 || k.Pending != 0 || old.Pending != 0 {
			p.mark(k.Pending != old.Pending).dec(int64(i)).str(":").softirqs(k.Pending).in(styleText)
		}
	}
	if p.h < comfortableNet {
		drawBacklogs(p.str(" "), s)
		return
	}
	p.str("  ksoftirqd")
	for i := range s.m.CPUs {
		ks := s.m.CPUs[i].Ksoftirqd
		if p.left() < 2 {
			break
		}
		p.mark(s.m.Tasks[ks].State != s.was.Tasks[ks].State).str(s.m.Tasks[ks].State.Letter()).in(styleText)
	}
}

// drawBacklogs writes how many packets that came without a card wait on each
// core.
func drawBacklogs(p *pen, s *scene) {
	p.str("backlog")
	dropped, before := int64(0), int64(0)
	for i := range s.m.CPUs {
		b, was := &s.m.CPUs[i].Backlog, &s.was.CPUs[i].Backlog
		if len(s.m.CPUs) <= 2 || b.Len != 0 || was.Len != 0 {
			p.mark(b.Len != was.Len || b.Sched != was.Sched).dec(int64(i)).str(":").dec(int64(b.Len)).in(styleText)
		}
		dropped, before = dropped+b.Dropped, before+was.Dropped
	}
	if p.h >= comfortableNet {
		p.str(" of ").dec(int64(s.m.Config.Params.Backlog)).count(" dropped", dropped, before)
	}
}

// shownNapi is the instance of a receive queue that the record has touched, or the
// first that is polled.
func shownNapi(s *scene) int {
	if s.rec != nil && s.rec.Kind == kernel.KindNAPI && int(s.rec.Obj) < len(s.m.Napis) {
		return int(s.rec.Obj)
	}
	for i := range s.m.Napis {
		if s.m.Napis[i].Sched {
			return i
		}
	}
	return 0
}

func drawReceived(p *pen, s *scene) {
	c, was := &s.m.Counters, &s.was.Counters
	p.str("polls").mark(c.Polls != was.Polls).dec(c.Polls).in(styleText).count(" skbs", c.Skbs, was.Skbs).count(" udp in", c.InDatagrams, was.InDatagrams)
	p.count(" read", c.Delivered, was.Delivered)
}

func drawDrops(p *pen, s *scene) {
	c, was := &s.m.Counters, &s.was.Counters
	p.str("drops").count(" no port", c.NoPorts, was.NoPorts).count(" rcvbuf", c.RcvbufErrors, was.RcvbufErrors)
	p.count(" csum", c.InCsumErrors, was.InCsumErrors)
	if p.w >= narrowObjects {
		p.count(" listen", c.ListenOverflows, was.ListenOverflows)
	}
}
