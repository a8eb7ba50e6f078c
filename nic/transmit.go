package nic

import "ringside/sim"

// The way out: the driver fills a descriptor and moves the tail; the card copies
// the frame from host memory, sends it, writes the descriptor back and interrupts.
// One frame at a time: the next is fetched when the one before is out.

// TxQueue is the transmit ring. The card owns the descriptors from head up to,
// but not including, tail.
type TxQueue struct {
	Ring       []TxDesc
	Head, Tail uint32 // TDH and TDT
	Busy       bool   // a frame is on its way
	Held       bool   // an interrupt is held back
	Free       sim.Time
}

// TxDesc is a transmit descriptor. The frame's number stands for the contents of
// the buffer.
type TxDesc struct {
	Addr  uint64
	Frame int32 // or -1
	Len   uint16
	Done  bool // DD: out, and the driver has not cleaned up yet
}

// TxRing is how many transmit descriptors there are (E1000_DEFAULT_TXD).
const TxRing = 256

// Transmit fills a descriptor. The card does not look before WriteTDT.
func (n *NIC) Transmit(desc uint32, frame int32, addr uint64, length int) {
	n.Tx.Ring[desc] = TxDesc{Addr: addr, Frame: frame, Len: uint16(length)}
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
		n.access(evTxDMA, t.Ring[t.Head].Frame, 0, t.Ring[t.Head].Addr, now, q, cause)
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
	n.moderateTx(now, q, self)
	n.startTx(now, q, self)
}

// causeTxQ0 is the transmit cause of an 82574: bit 22 of ICR and IMS
// (E1000_IMS_TXQ0, e1000e defines.h).
const causeTxQ0 = 1 << 22

// OwnTxVector tells whether transmission has a vector of its own. An 82576, as igb
// sets it up, pairs it with receive queue 0, and without MSI-X there are no vectors
// to choose from.
func (c *Config) OwnTxVector() bool { return c.Mode == MSIX && !c.Advanced }

// TxCause is the cause of transmission.
func (n *NIC) TxCause() uint32 {
	switch {
	case n.Config.Mode != MSIX:
		return CauseTxDW
	case n.Config.OwnTxVector():
		return causeTxQ0
	}
	return n.Cause(0)
}

// Vectors is how many vectors of MSI-X the card uses: those of the receive queues,
// and behind them that of transmission if it has its own.
func (c *Config) Vectors() int {
	switch {
	case c.Mode != MSIX:
		return 0
	case c.OwnTxVector():
		return c.Queues + 1
	}
	return c.Queues
}

// VectorCause is the cause that a vector stands for.
func (n *NIC) VectorCause(vector int) uint32 {
	if vector == len(n.Queues) {
		return causeTxQ0
	}
	return n.Cause(int32(vector))
}

// moderateTx raises the cause at once, or when rx-usecs have passed: the vector's
// throttle knows one interval for all its causes (EITR).
func (n *NIC) moderateTx(now sim.Time, q *sim.Queue, cause sim.Seq) {
	switch {
	case n.Config.RxUsecs == 0:
		n.raiseTx(now, q, cause)
	case !n.Tx.Held:
		n.Tx.Held = true
		q.Push(sim.Event{At: now + n.Config.RxUsecs, Cause: cause, Kind: evTxModeration, A: n.lastTx()})
	}
}

func (n *NIC) raiseTx(now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.Tx.Held = false
	n.ICR |= n.TxCause()
	n.signal(n.TxCause(), now, q, cause)
}

// signalTx sends the message of the transmit vector.
func (n *NIC) signalTx(now sim.Time, q *sim.Queue, cause sim.Seq) {
	vector := int32(len(n.Queues))
	v := &n.MSIX[vector]
	if v.Masked {
		v.Pending = true
		return
	}
	n.ICR &^= causeTxQ0
	n.IMS &^= causeTxQ0
	n.Stats.Interrupts++
	q.Push(sim.Event{At: now + n.Config.Costs.Table, Cause: cause, Kind: evMSI, A: n.lastTx(), B: vector})
}

// lastTx is the frame that was sent last.
func (n *NIC) lastTx() int32 { return n.Tx.Ring[(n.Tx.Head+TxRing-1)%TxRing].Frame }
