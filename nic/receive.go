package nic

import "ringside/sim"

// Arrive puts a frame on the wire: behind the one that is on it, if any. Its
// last byte is in when the event comes.
func (n *NIC) Arrive(frame int32, now sim.Time, frames []Frame, q *sim.Queue, cause sim.Seq) {
	start := max(now, n.WireFree)
	if start == now {
		n.WireStart = now
	}
	n.WireFree = start + sim.Time(frameLen(&frames[frame])+wireOverhead)*n.Config.Costs.WireByte
	n.Wire = frame
	q.Push(sim.Event{At: n.WireFree, Cause: cause, Kind: evArrived, A: frame, C: int64(start)})
}

// Handle does one stage. It fills r: T is set by the caller; Step is the stage,
// Dur how long it took, Obj the frame or -1, Arg what the stage is about (see the
// stages). What follows is scheduled with self, the number of the record, as its
// cause. The event must not be out of date.
func (n *NIC) Handle(e *sim.Event, now sim.Time, frames []Frame, q *sim.Queue, self sim.Seq, r *sim.Record) {
	c := &n.Config.Costs
	r.Obj = e.A
	switch e.Kind {
	case evArrived:
		r.Step, r.Dur, r.Arg[0] = StageWire, now-sim.Time(e.C), int64(frameLen(&frames[e.A]))
		r.Arg[1] = n.hear(sim.Time(e.C))
		n.Stats.Arrived++
		n.Moving++
		if n.Wire == e.A {
			n.Wire = -1
		}
		q.Push(sim.Event{At: now + c.Filter, Cause: self, Kind: evFilter, A: e.A})
	case evFilter:
		r.Step, r.Dur = StageFilter, c.Filter
		n.filter(e.A, &frames[e.A], now, q, self, r)
	case evRSS:
		r.Step, r.Dur = StageRSS, c.RSS
		n.chooseQueue(e.A, &frames[e.A], now, q, self, r)
	case evFIFO:
		r.Step, r.Dur = StageFIFO, c.FIFO
		n.enqueue(e.A, frameLen(&frames[e.A]), uint8(e.B), r)
		n.listen(now)
		n.startDMA(now, q, self)
	case evDMA:
		r.Step, r.Dur = StageDMA, c.DMA
		n.dma(now, q, self, r)
	case evWriteBack:
		r.Step, r.Dur = StageWriteBack, c.WriteBack
		n.writeBack(e.B, &frames[e.A], now, q, self, r)
	case evFetch:
		r.Step, r.Dur = StageFetch, now-sim.Time(e.C)
		n.fetched(now, q, self, r)
	case evTLP:
		r.Step, r.Dur, r.Arg[0], r.Arg[1] = StageTLP, c.Memory, e.C, int64(e.B)
	case evPosted:
		r.Step, r.Dur = StagePosted, now-sim.Time(e.C)
		n.posted(e, frameLen(&frames[e.A]), now, q, self, r)
	case evNoDescriptor:
		n.dropHead(now, q, self, r)
	case evModeration:
		rx := &n.Queues[e.B]
		r.Step, r.Dur, r.Obj, r.Arg[0], r.Arg[1] = StageModeration, now-sim.Time(e.C), rx.last(), int64(rx.Held), int64(e.B)
		n.raise(e.B, now, q, self)
	case evTxDMA:
		r.Step, r.Dur, r.Arg[0] = StageTxDMA, c.DMA, int64(n.Tx.Head)
		n.txSend(e.A, now, frames, q, self)
	case evTxOut:
		r.Step, r.Dur = StageTxOut, now-sim.Time(e.C)
		n.txDone(frames, now, q, self, r)
	case evTxModeration:
		r.Step, r.Dur, r.Arg[0] = StageModeration, n.Config.RxUsecs, 1
		n.raiseTx(now, q, self)
	case EvPin:
		r.Step, r.Dur, n.PinSeen = StagePin, sim.Time(e.C), n.Asserted
		if n.Asserted {
			r.Arg[0] = 1
		}
	case evMSI:
		r.Step, r.Dur = StageMSI, c.Table
		v := &n.MSI
		if n.Config.Mode == MSIX {
			v = &n.MSIX[e.B]
		}
		at, held := n.message(now)
		r.Arg[0], r.Arg[1] = int64(v.Addr), int64(held)<<32|int64(v.Data)
		q.Push(sim.Event{At: at, Cause: self, Kind: EvBusWrite, A: int32(at - now), C: int64(v.Addr<<32 | uint64(v.Data))})
	}
}

// OutOfDate tells whether an event is a moderation timer that no longer runs, or
// news of a pin that is known already.
func (n *NIC) OutOfDate(e *sim.Event) bool {
	if e.Kind == EvPin {
		return n.Asserted == n.PinSeen
	}
	return e.Kind == evModeration && (n.Queues[e.B].Held == 0 || n.Queues[e.B].Timer != e.A)
}

// BusWrite takes the address and the data out of a write of the card.
func BusWrite(e *sim.Event) (addr uint64, data uint32) { return uint64(e.C) >> 32, uint32(e.C) }

// filter checks the frame check sequence, and then the destination: in a damaged
// frame, that cannot be trusted either.
func (n *NIC) filter(id int32, f *Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	if Checksum(f.Bytes) != f.FCS {
		n.Stats.RxCRCErrors++
		n.refuse(DropCRC, frameLen(f), now, r)
		return
	}
	eth, _ := ParseEth(f.Bytes)
	switch r.Arg[0] = n.pass(eth.Dst); r.Arg[0] {
	case PassNone:
		n.Stats.Filtered++
		n.refuse(DropFilter, frameLen(f), now, r)
		return
	case PassBroadcast:
		n.Stats.RxBroadcast++
	case PassMulticast:
		n.Stats.RxMulticast++
	}
	if n.Config.RSS.Enabled {
		n.Firmware.At = FirmwareRSS
		q.Push(sim.Event{At: now + n.Config.Costs.RSS, Cause: self, Kind: evRSS, A: id})
		return
	}
	n.toFIFO(id, 0, now, q, self)
}

// toFIFO takes a frame on to the FIFO.
func (n *NIC) toFIFO(id int32, queue uint8, now sim.Time, q *sim.Queue, self sim.Seq) {
	n.Firmware.At = FirmwareFIFO
	q.Push(sim.Event{At: now + n.Config.Costs.FIFO, Cause: self, Kind: evFIFO, A: id, B: int32(queue)})
}

// refuse is drop, by the firmware, which goes back to the wire.
func (n *NIC) refuse(why int64, size int32, now sim.Time, r *sim.Record) {
	n.drop(why, size, r)
	n.listen(now)
}

// chooseQueue hashes the frame and looks its queue up.
func (n *NIC) chooseQueue(id int32, f *Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	hash, typ := n.Config.RSS.Hash(f.Bytes)
	queue := n.Config.RSS.Queue(hash, typ)
	r.Arg[0], r.Arg[1] = int64(hash), int64(typ)<<32|int64(queue)
	n.toFIFO(id, queue, now, q, self)
}

// drop ends a frame's way.
func (n *NIC) drop(why int64, size int32, r *sim.Record) {
	n.Moving--
	r.Step, r.Arg[0], r.Arg[1] = StageDrop, int64(size), why
}

func (n *NIC) enqueue(id, size int32, queue uint8, r *sim.Record) {
	if int(n.FIFOBytes+size) > n.Config.FIFO {
		n.Stats.RxMissedErrors++
		n.drop(DropMissed, size, r)
		return
	}
	n.Moving--
	n.FIFO[(n.FIFOFirst+n.FIFOLen)%int32(len(n.FIFO))] = Slot{id, uint16(size), queue}
	n.FIFOLen++
	n.FIFOBytes += size
	r.Arg[0], r.Arg[1] = int64(n.FIFOBytes), int64(queue)
}

// startDMA lets the engine take the next frame, if it is free, a frame waits
// and the card owns a descriptor of its queue. Without one, a card with one queue
// lets the frame wait. With several that would hold up the others' frames behind
// it, so it is dropped, as igb sets the card up (SRRCTL.DROP_EN).
func (n *NIC) startDMA(now sim.Time, q *sim.Queue, cause sim.Seq) {
	if n.Busy || n.FIFOLen == 0 {
		return
	}
	s := n.FIFO[n.FIFOFirst]
	rx := &n.Queues[s.Queue]
	switch {
	case rx.Head != rx.Tail:
		n.Busy, n.Waiting = true, false
		if n.Config.PCIe {
			n.startBus(s, now, q, cause)
			return
		}
		n.access(evDMA, s.Frame, int32(s.Queue), n.target(rx), now, q, cause)
	case len(n.Queues) > 1:
		n.Busy = true
		q.Push(sim.Event{At: now, Cause: cause, Kind: evNoDescriptor, A: s.Frame})
	case !n.Waiting:
		n.Waiting = true
		n.Stats.RxNoBufferCount++
	}
}

// dequeue takes the frame at the FIFO's head out.
func (n *NIC) dequeue() Slot {
	s := n.FIFO[n.FIFOFirst]
	n.FIFOFirst = (n.FIFOFirst + 1) % int32(len(n.FIFO))
	n.FIFOLen--
	n.Moving++
	n.FIFOBytes -= int32(s.Len)
	return s
}

// dropHead drops the frame at the FIFO's head: its queue has no descriptor.
func (n *NIC) dropHead(now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	s := n.dequeue()
	n.Queues[s.Queue].Stats.Drops++
	n.drop(DropNoDescriptor, int32(s.Len), r)
	n.Busy = false
	n.startDMA(now, q, self)
}

// dma is done with a frame: it is in its buffer, and its room in the FIFO free.
func (n *NIC) dma(now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	s := n.dequeue()
	rx := &n.Queues[s.Queue]
	d := &rx.Ring[rx.Head]
	d.Frame, d.Len = s.Frame, s.Len
	r.Arg[0], r.Arg[1] = place(s.Queue, rx.Head), int64(d.Addr)
	if n.Blocked {
		n.blocked(s, d, r)
	}
	if n.Config.PCIe {
		return // the write-back is on its way already
	}
	n.access(evWriteBack, s.Frame, int32(s.Queue), rx.Base+uint64(rx.Head)*DescSize, now, q, self)
}

// place is a descriptor in a record's argument: its queue in the upper half.
func place(queue uint8, desc uint32) int64 { return int64(queue)<<32 | int64(desc) }

// writeBack hands a descriptor to the driver and moves the head on. The real
// card may collect some descriptors and write them back together.
func (n *NIC) writeBack(queue int32, f *Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	rx := &n.Queues[queue]
	d := &rx.Ring[rx.Head]
	d.Status, d.Errors = offload(f.Bytes)
	d.Status |= StatusDD | StatusEOP
	if n.Config.Advanced {
		d.writeBack(n.Config.RSS.Hash(f.Bytes))
		r.Arg[1] = int64(d.Addr)
	}
	n.Moving--
	n.Stats.RxPackets++
	n.Stats.RxBytes += int64(d.Len)
	rx.Stats.Packets++
	rx.Stats.Bytes += int64(d.Len)
	r.Arg[0] = place(uint8(queue), rx.Head)
	rx.Head = (rx.Head + 1) % uint32(len(rx.Ring))
	n.Busy = false
	if n.Config.PCIe {
		rx.Sent = 0
		rx.Cached--
	} else {
		n.moderate(queue, now, q, self)
	}
	n.startDMA(now, q, self)
}
