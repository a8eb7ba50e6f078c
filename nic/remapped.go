package nic

import "ringside/sim"

// The card behind an IOMMU: each access to memory is an event of kind
// [EvTranslate] first, which the machine answers by [NIC.Resume]. The card knows
// nothing of it, except that its accesses take longer.

// DescSize is the size of a descriptor in memory.
const DescSize = 16

// access begins a stage that goes to memory: at once, or when its address has been
// translated.
func (n *NIC) access(kind uint16, frame, queue int32, addr uint64, now sim.Time, q *sim.Queue, cause sim.Seq) {
	if n.Config.IOMMU {
		q.Push(sim.Event{At: now, Cause: cause, Kind: EvTranslate, A: frame, B: int32(kind)<<8 | queue, C: int64(addr)})
		return
	}
	q.Push(sim.Event{At: now + n.accessTime(kind), Cause: cause, Kind: kind, A: frame, B: queue})
}

func (n *NIC) accessTime(kind uint16) sim.Time {
	if kind == evWriteBack {
		return n.Config.Costs.WriteBack
	}
	return n.Config.Costs.DMA
}

// Resume goes on with an access that was let through, or was not: a write is posted,
// so the card does not learn that nothing has been written.
func (n *NIC) Resume(e *sim.Event, through bool, now sim.Time, q *sim.Queue, cause sim.Seq) {
	kind, queue := uint16(e.B>>8), e.B&0xff
	n.Blocked = !through
	q.Push(sim.Event{At: now + n.accessTime(kind), Cause: cause, Kind: kind, A: e.A, B: queue})
}

// Reads tells whether an access reads memory.
func Reads(e *sim.Event) bool { return uint16(e.B>>8) == evTxDMA }

// target is where the frame at the FIFO's head is written to: the buffer of the
// descriptor at head. The defect of Config.Stray loses a bit of its address.
func (n *NIC) target(rx *Queue) uint64 {
	addr := rx.Ring[rx.Head].Addr
	if n.Config.Stray > 0 && n.Stats.RxPackets+1 == int64(n.Config.Stray) {
		addr &^= strayBit
	}
	return addr
}

// strayBit is set in all I/O virtual addresses that Linux gives out here.
const strayBit = 1 << 31

// blocked is done with a frame that has not reached memory: its buffer holds what it
// held before. The descriptor is written back all the same.
func (n *NIC) blocked(s Slot, d *Desc, r *sim.Record) {
	n.Blocked = false
	d.Frame = -1
	r.Step, r.Arg[0], r.Arg[1] = StageDrop, int64(s.Len), DropBlocked
}
