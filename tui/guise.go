package tui

import (
	"fmt"
	"math"

	"ringside/kernel"
	"ringside/sim"
)

// A packet changes its guise on the way: TCP sends a clone of what waits in the
// write queue, the driver makes a frame of an skb, GRO puts a segment's data into
// another skb. It stays the packet that it was; a merged one goes on in the other.

// guises are the functions in which that happens.
type guises struct{ clones, transmits, merges uint16 }

func findGuises(im *kernel.Image) guises {
	g := guises{math.MaxUint16, math.MaxUint16, math.MaxUint16}
	for i := range im.Text.Codes {
		switch im.Text.Codes[i].Name {
		case "__tcp_transmit_skb":
			g.clones = uint16(i)
		case "e1000_xmit_frame", "igb_xmit_frame":
			g.transmits = uint16(i)
		case "tcp4_gro_receive":
			g.merges = uint16(i)
		}
	}
	return g
}

// guise takes in a record about an skb in which the packet may have got another
// guise.
func (w *who) guise(m *kernel.Machine, r *sim.Record) {
	switch r.Fn {
	case w.guises.clones:
		w.clone(m, r)
	case w.guises.transmits:
		w.transmit(m, r)
	case w.guises.merges:
		if r.Arg[0] > 0 { // so many segments are in the other now
			if id := w.skb(m, r.Obj); id >= 0 {
				p := &w.packets[id]
				p.into, p.since = w.skb(m, int32(r.Arg[1])), sim.Seq(len(w.records))
			}
		}
	}
}

// clone: a segment with data is made from one of the write queue, which the
// function has as its fourth local.
func (w *who) clone(m *kernel.Machine, r *sim.Record) {
	const data = 3
	frames := m.Cores[r.CPU].Stack().F
	for i := len(frames) - 1; i >= 0; i-- {
		if f := &frames[i]; uint16(f.Code) == r.Fn {
			if p := w.skb(m, int32(f.L[data])); p >= 0 {
				*lasting(&w.byNum, m.Skbs[r.Obj].Num, -1) = p
			}
			return
		}
	}
}

// transmit: the driver has filled a descriptor, the last one before the tail, with
// a frame that has not been anywhere yet.
func (w *who) transmit(m *kernel.Machine, r *sim.Record) {
	desc, frame := uint32(r.Arg[0]), int32(r.Arg[1])
	ring := m.NIC.Tx.Ring
	n := uint32(len(ring))
	if desc >= n || (desc+1)%n != m.Tx.Use || m.Tx.Skbs[desc] != r.Obj || ring[desc].Frame != frame || *lasting(&w.byFrame, frame, -1) >= 0 {
		return
	}
	if p := w.skb(m, r.Obj); p >= 0 {
		w.byFrame[frame] = p
		w.packets[p].sent = frame
	}
}

// isAbout tells whether a record is about a packet, or about the one that it was
// merged into.
func (w *who) isAbout(seq sim.Seq, id int32) bool {
	at := w.at(seq).packet
	if at == id {
		return true
	}
	if id < 0 || int(id) >= len(w.packets) {
		return false
	}
	p := &w.packets[id]
	return p.into >= 0 && at == p.into && seq > p.since
}

// packetIn is the packet that an skb holds, as far as that is known.
func (w *who) packetIn(b *kernel.Skb) int32 {
	list, i := w.byNum, b.Num
	if b.Frame != kernel.None {
		list, i = w.byFrame, b.Frame
	}
	if !b.InUse || int(i) >= len(list) {
		return -1
	}
	return list[i]
}

// packetName is how the screen calls a packet: by its frame, or as an skb of this
// host, and by the frame that it left as.
func (s *scene) packetName(id int32) string {
	p := &s.who.packets[id]
	switch {
	case p.into >= 0:
		return fmt.Sprintf("packet %d (frame %d, merged into %d)", id, p.frame, p.into)
	case p.frame != kernel.None:
		return fmt.Sprintf("packet %d (frame %d)", id, p.frame)
	case p.sent != kernel.None:
		return fmt.Sprintf("packet %d (of this host, frame %d)", id, p.sent)
	}
	return fmt.Sprintf("packet %d (of this host)", id)
}

// packetWords are what a packet is called in the panels at the cursor: a frame, and
// the skbs that it is in now.
func (s *scene) packetWords(id int32) (words [][]string) {
	p := &s.who.packets[id]
	for _, frame := range []int32{p.frame, p.sent} {
		if frame != kernel.None {
			words = append(words, []string{"frame", fmt.Sprint(frame)})
		}
	}
	for i := range s.m.Skbs {
		if in := s.who.packetIn(&s.m.Skbs[i]); in >= 0 && (in == id || in == p.into && s.pos > p.since) {
			words = append(words, s.words(ref{refSkb, int32(i)})...)
		}
	}
	return words
}
