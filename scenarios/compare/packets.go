package compare

import (
	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// ways follows packets through the records of a run. What a record is about is
// said by its cause, where the way goes from one stage to the next; behind a queue
// in which packets wait, by the order in which they came.
type ways struct {
	packets []Packet
	of      []int32 // by record: its packet, or none
	last    []uint8 // by packet: the last station that it has come to
	fifo    []int32 // in the card's buffer
	ring    [nic.MaxQueues][]written
	skbs    []int32 // by skb: the packet that it holds
}

// written is a packet in host memory that the driver has not taken yet.
type written struct{ packet, frame int32 }

const none = int32(-1)

// read takes in the next record.
func (w *ways) read(m *kernel.Machine, r *sim.Record) {
	p := none
	if r.Cause != sim.NoSeq {
		p = w.of[r.Cause]
	}
	switch {
	case r.Kind == kernel.KindFrame && r.Station != kernel.StNone:
		p = w.card(m, r, p)
	case r.Kind == kernel.KindSkb && r.Obj >= 0:
		p = w.skb(m, r)
	}
	w.of = append(w.of, p)
	if p == none || r.Station <= w.last[p] || w.last[p] == kernel.StUser {
		return // a packet goes its way once, and only on
	}
	w.last[p] = r.Station
	w.packets[p].At[r.Station] = sim.Seq(len(w.of))
}

func (w *ways) add(local bool) int32 {
	w.packets = append(w.packets, Packet{Local: local})
	w.last = append(w.last, kernel.StNone)
	return int32(len(w.packets) - 1)
}

// card is the packet that a stage of the card is about. The frame of a record does
// not tell: a host may send one again and again.
func (w *ways) card(m *kernel.Machine, r *sim.Record, p int32) int32 {
	stage := m.StepName(r)
	switch {
	case r.Station == kernel.StWire:
		return w.add(false)
	case stage == nic.Stages[nic.StageFIFO].Name:
		w.fifo = append(w.fifo, p)
		return p
	case stage == nic.Stages[nic.StageDrop].Name && r.Arg[1] == nic.DropNoDescriptor:
		return pop(&w.fifo)
	case r.Station != kernel.StDMA || len(w.fifo) == 0:
		return p
	case stage == nic.Stages[nic.StageWriteBack].Name:
		p = pop(&w.fifo)
		queue := r.Arg[0] >> 32
		w.ring[queue] = append(w.ring[queue], written{p, r.Obj})
		return p
	}
	return w.fifo[0]
}

// pop takes the first of a queue.
func pop(queue *[]int32) int32 {
	if len(*queue) == 0 {
		return none
	}
	p := (*queue)[0]
	*queue = (*queue)[1:]
	return p
}

// skb is the packet that an skb holds. They are used again and again: one begins
// where the driver passes it up, or this host's own is handed to the stack as if
// it had come in (netif_rx).
func (w *ways) skb(m *kernel.Machine, r *sim.Record) int32 {
	for int(r.Obj) >= len(w.skbs) {
		w.skbs = append(w.skbs, none)
	}
	s := &m.Skbs[r.Obj]
	switch {
	case s.Frame == kernel.None && r.Point == kernel.PointNetifRxEntry:
		w.skbs[r.Obj] = w.add(true)
	case s.Frame != kernel.None && (r.Point == kernel.PointNAPIGROReceive || r.Point == kernel.PointNetifRxEntry):
		w.skbs[r.Obj] = w.taken(max(int(s.RxQueue), 1)-1, s.Frame)
	}
	return w.skbs[r.Obj]
}

// taken is the packet that the driver has taken from a ring: the first there with
// the frame; those before it were not passed up.
func (w *ways) taken(queue int, frame int32) int32 {
	ring := w.ring[queue]
	for i := range ring {
		if ring[i].frame == frame {
			w.ring[queue] = ring[i+1:]
			return ring[i].packet
		}
	}
	return none
}
