package tui

import (
	"ringside/kernel"
	"ringside/nic"
)

// Who takes packets from the card, and what the driver keeps for its rings.

// drawNapi shows a poll instance: whose it is now, the descriptors that it has
// taken and not given back, what goes up next, and the segments that GRO holds.
func drawNapi(p *pen, s *scene) {
	switch {
	case s.m.Config.UIO:
		p.str("napi").to(6).str("none: a program has the ring").count(" taken", s.m.Counters.UserRx, s.was.Counters.UserRx)
		return
	case s.m.Config.Params.NoNAPI:
		p.str("napi").to(6).str("none: e1000_intr takes packets")
		return
	}
	id := shownNapi(s)
	n, was := &s.m.Napis[id], &s.was.Napis[id]
	p.str("napi")
	if len(s.m.Napis) > 1 {
		p.dec(int64(id))
	}
	p.to(6).mark(n.Sched != was.Sched || n.Missed != was.Missed || n.BusyPoll != was.BusyPoll)
	switch {
	case n.BusyPoll:
		p.str("BUSY_POLL")
	case n.Sched:
		p.str("SCHED")
	default:
		p.str("idle")
	}
	if n.Missed {
		p.str(" MISSED")
	}
	p.in(styleText).count("", int64(n.Cleaned), int64(was.Cleaned)).str("/").dec(int64(s.m.Config.Params.NAPIWeight))
	p.count(" GRO", int64(n.Count), int64(was.Count))
	if held, before := heldSegments(s.m, id), heldSegments(s.was, id); held+before > 0 {
		p.count(" held", held, before)
		return
	}
	if p.left() > len(" budget 300") {
		p.str(" budget ").dec(int64(s.m.Config.Params.Budget))
	}
}

// heldSegments counts the segments of the flows that GRO holds.
func heldSegments(m *kernel.Machine, id int) (n int64) {
	for _, first := range m.Napis[id].Held {
		for skb := first - 1; skb != kernel.None; skb = m.Skbs[skb].Next {
			n += int64(m.Skbs[skb].Segs)
		}
	}
	return n
}

// drawTransmit writes how many frames the card still has to send, and of how many
// it has sent the driver still has the packets: from next_to_clean on.
func drawTransmit(p *pen, s *scene) {
	waiting := func(m *kernel.Machine) int64 {
		return int64((m.NIC.Tx.Tail + nic.TxRing - m.NIC.Tx.Head) % nic.TxRing)
	}
	sent := func(m *kernel.Machine) int64 { return int64((m.NIC.Tx.Head + nic.TxRing - m.Tx.Clean) % nic.TxRing) }
	p.count(" tx", waiting(s.m), waiting(s.was))
	if p.left() > 9 && sent(s.m)+sent(s.was) > 0 {
		p.count(" clean", sent(s.m), sent(s.was))
	}
}
