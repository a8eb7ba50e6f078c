package nic

import "ringside/sim"

// The way out: the driver fills a descriptor and moves the tail; the card copies
// the frame from host memory, sends it, and writes the descriptor back. One frame
// at a time: the next is fetched when the one before is out.

// TxQueue is the transmit ring. The card owns the descriptors from head up to,
// but not including, tail.
type TxQueue struct {
	Ring       []TxDesc
	Head, Tail uint32 // TDH and TDT
	Busy       bool   // a frame is on its way
	Free       sim.Time
}

// TxDesc is a transmit descriptor. The frame's number stands for the contents of
// the buffer.
type TxDesc struct {
	Addr  uint64
	Frame int32 // or -1
	Len   uint16
	Done  bool // DD
}

// TxRing is how many transmit descriptors there are (E1000_DEFAULT_TXD).
const TxRing = 256

// TxRoom tells whether the driver has a descriptor to fill; one is always left
// out, so that head equal to tail means that there is nothing to send.
func (n *NIC) TxRoom() bool { return (n.Tx.Tail+1)%TxRing != n.Tx.Head }

// Transmit fills the descriptor at the tail and gives its number. The card does
// not look before WriteTDT.
func (n *NIC) Transmit(frame int32, addr uint64, length int) uint32 {
	n.Tx.Ring[n.Tx.Tail] = TxDesc{Addr: addr, Frame: frame, Len: uint16(length)}
	return n.Tx.Tail
}

// WriteTDT moves the tail: the card sends what is before it.
func (n *NIC) WriteTDT(tail uint32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.Tx.Tail = tail % TxRing
	n.startTx(now, q, cause)
}

// startTx lets the engine fetch the next frame, if it is free and there is one.
func (n *NIC) startTx(now sim.Time, q *sim.Queue, cause sim.Seq) {
	if t := &n.Tx; !t.Busy && t.Head != t.Tail {
		t.Busy = true
		q.Push(sim.Event{At: now + n.Config.Costs.DMA, Cause: cause, Kind: evTxDMA, A: t.Ring[t.Head].Frame})
	}
}

// txSend puts a fetched frame on the wire out, as soon as that is free.
func (n *NIC) txSend(frame int32, now sim.Time, frames []Frame, q *sim.Queue, self sim.Seq) {
	start := max(now, n.Tx.Free)
	n.Tx.Free = start + sim.Time(frameLen(&frames[frame])+wireOverhead)*n.Config.Costs.WireByte
	q.Push(sim.Event{At: n.Tx.Free, Cause: self, Kind: evTxOut, A: frame, C: int64(start)})
}

// txDone is over with a frame: it is out, and reaches the other end.
func (n *NIC) txDone(frames []Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	t := &n.Tx
	d := &t.Ring[t.Head]
	d.Done = true
	r.Arg[0] = int64(t.Head)
	n.Stats.TxPackets++
	n.Stats.TxBytes += int64(frameLen(&frames[d.Frame]))
	q.Push(sim.Event{At: now + n.Config.Costs.Far, Cause: self, Kind: EvFar, A: d.Frame})
	t.Head = (t.Head + 1) % TxRing
	t.Busy = false
	n.startTx(now, q, self)
}
