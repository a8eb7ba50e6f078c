package compare

import (
	"ringside/kernel"
	"ringside/sim"
)

// ways follows packets through the records of a run. Which packet a record is
// about is said by the frame or the skb that it touches, else by its cause.
type ways struct {
	packets []Packet
	of      []int32         // by record: its packet, or none
	frames  map[int32]int32 // by frame of the wire
	skbs    []int32         // by skb: the packet of this host that it holds
	last    []uint8         // by packet: the last station that it has come to
}

const none = int32(-1)

func newWays() *ways { return &ways{frames: map[int32]int32{}} }

// read takes in the next record.
func (w *ways) read(m *kernel.Machine, r *sim.Record) {
	p := none
	if r.Cause != sim.NoSeq {
		p = w.of[r.Cause]
	}
	switch {
	case r.Kind == kernel.KindFrame && r.Station != kernel.StNone:
		p = w.frame(r.Obj)
	case r.Kind == kernel.KindSkb && r.Obj >= 0:
		p = w.skb(m, r)
	}
	w.of = append(w.of, p)
	if p == none || r.Station <= w.last[p] || w.last[p] == kernel.StUser {
		return // a packet goes its way once, and only on
	}
	w.last[p] = r.Station
	w.packets[p].At[r.Station] = sim.Seq(len(w.of))
	w.packets[p].T[r.Station] = r.T
}

func (w *ways) add(local bool) int32 {
	w.packets = append(w.packets, Packet{Local: local})
	w.last = append(w.last, kernel.StNone)
	return int32(len(w.packets) - 1)
}

// frame is the packet in a frame of the wire.
func (w *ways) frame(id int32) int32 {
	p, ok := w.frames[id]
	if !ok {
		p = w.add(false)
		w.frames[id] = p
	}
	return p
}

// skb is the packet in an skb. One of this host begins where it is handed to the
// stack as if it had come in (netif_rx): skbs are used again and again.
func (w *ways) skb(m *kernel.Machine, r *sim.Record) int32 {
	if f := m.Skbs[r.Obj].Frame; f != kernel.None {
		if p, ok := w.frames[f]; ok {
			return p
		}
		return none
	}
	for int(r.Obj) >= len(w.skbs) {
		w.skbs = append(w.skbs, none)
	}
	if r.Point == kernel.PointNetifRxEntry {
		w.skbs[r.Obj] = w.add(true)
	}
	return w.skbs[r.Obj]
}
