package nic

import "ringside/sim"

// The card on PCI Express, packet by packet. A write to memory is posted: the card
// sends it and goes on, nobody answers. A read is not: the card waits for its
// completion. A write carries so much at most, so a long frame takes several. An
// interrupt message is a posted write as well, and posted writes do not overtake
// each other (PCI Express Base Specification, "Transaction Ordering"): when the
// interrupt arrives, the frame and its descriptor are in memory. On this, driver
// and card rely.

// Bus is the card's end of its link.
type Bus struct {
	Free   sim.Time // when the last packet is out
	Posted sim.Time // when the last write is in memory
	Writes int64    // posted writes sent (MWr)
	Reads  int64    // reads sent (MRd)
}

// Sizes in bytes.
const (
	maxPayload  = 256 // Max_Payload_Size
	tlpOverhead = 24  // framing, sequence number, header, LCRC
	msiSize     = 4
	prefetch    = 8 // descriptors that one read fetches
)

// payloads is how many writes a frame takes.
func payloads(size int32) int32 { return (size + maxPayload - 1) / maxPayload }

// owned is how many descriptors of a ring the card owns.
func (rx *Queue) owned() uint32 {
	size := uint32(len(rx.Ring))
	return (rx.Tail + size - rx.Head) % size
}

// startBus begins to move the frame at the FIFO's head: with the read of its
// descriptor, unless that was fetched with one before.
func (n *NIC) startBus(s Slot, now sim.Time, q *sim.Queue, cause sim.Seq) {
	if n.Queues[s.Queue].Cached == 0 {
		n.Bus.Reads++
		n.Bus.Free = max(now, n.Bus.Free) + tlpOverhead*n.Config.Costs.LinkByte
		q.Push(sim.Event{At: n.Bus.Free + n.Config.Costs.Read, Cause: cause, Kind: evFetch, A: s.Frame, B: int32(s.Queue), C: int64(now)})
		return
	}
	n.sendFrame(s, now, q, cause)
}

// fetched is the completion of a read: some descriptors have come together.
func (n *NIC) fetched(now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	s := n.FIFO[n.FIFOFirst]
	rx := &n.Queues[s.Queue]
	rx.Cached = uint8(min(rx.owned(), prefetch))
	r.Arg[0], r.Arg[1] = place(s.Queue, rx.Head), int64(rx.Cached)
	n.sendFrame(s, now, q, self)
}

// post sends a write of some bytes. It gives when it is out; it is in memory a
// while later, behind those before it.
func (n *NIC) post(bytes int32, now sim.Time) (out sim.Time) {
	c := &n.Config.Costs
	n.Bus.Writes++
	n.Bus.Free = max(now, n.Bus.Free) + sim.Time(bytes+tlpOverhead)*c.LinkByte
	n.Bus.Posted = max(n.Bus.Posted, n.Bus.Free+c.Memory)
	return n.Bus.Free
}

// sendFrame sends all writes of a frame and of its descriptor, one behind the
// other. Each is an event when it is in memory.
func (n *NIC) sendFrame(s Slot, now sim.Time, q *sim.Queue, cause sim.Seq) {
	rx := &n.Queues[s.Queue]
	addr := rx.Ring[rx.Head].Addr
	for left := int32(s.Len); left > 0; left -= maxPayload {
		bytes := min(left, maxPayload)
		n.post(bytes, now)
		e := sim.Event{At: n.Bus.Posted, Cause: cause, Kind: evTLP, A: s.Frame, B: bytes, C: int64(addr)}
		if left <= maxPayload {
			e.Kind = evDMA
		}
		q.Push(e)
		addr += uint64(bytes)
	}
	out := n.post(DescSize, now)
	q.Push(sim.Event{At: out, Cause: cause, Kind: evPosted, A: s.Frame, B: int32(s.Queue), C: int64(now)})
	q.Push(sim.Event{At: n.Bus.Posted, Cause: cause, Kind: evWriteBack, A: s.Frame, B: int32(s.Queue)})
}

// posted: all is on its way. The card does not wait until it is there, but goes on
// to its interrupt.
func (n *NIC) posted(e *sim.Event, size int32, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	rx := &n.Queues[e.B]
	rx.Sent = e.A + 1
	r.Arg[0], r.Arg[1] = int64(payloads(size)+1), int64(size)
	n.moderate(e.B, now, q, self)
}

// message gives when an interrupt message arrives, and how long the writes before
// it hold it back.
func (n *NIC) message(now sim.Time) (at, held sim.Time) {
	if !n.Config.PCIe {
		return now + n.Config.Costs.Posted, 0
	}
	behind := n.Bus.Posted
	at = n.post(msiSize, now) + n.Config.Costs.Posted
	held = max(behind-at, 0)
	n.Bus.Posted = at + held
	return at + held, held
}
