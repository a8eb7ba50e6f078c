package nic

import (
	"fmt"

	"ringside/sim"
)

// Frame is what comes over the wire, without its check sequence.
type Frame struct {
	Bytes []byte
	FCSOK bool
}

// NIC is the card: plain data.
type NIC struct {
	Config Config
	MAC    [6]byte
	Queues []Queue
	MSIX   []Vector
	ICR    uint32 // causes that are set
	IMS    uint32 // causes that may interrupt
	MSI    Vector // the MSI capability: one message for everything
	Stats  Stats

	Asserted bool // without MSI-X: a cause is set and not masked
	PinSeen  bool // INTx: what the bus knows of it

	Tx        TxQueue
	FIFO      []Slot // a ring buffer of waiting frames
	FIFOFirst int32
	FIFOLen   int32
	FIFOBytes int32
	Wire      int32 // the frame on the wire, or -1
	WireFree  sim.Time
	Moving    int32 // frames between two stages
	Busy      bool  // the DMA engine is at work
	Waiting   bool  // the frame at the FIFO's head has been counted as waiting for a buffer
	Held      int32 // frames since the last interrupt, while it is held back
	Timer     int32 // counts moderation timers; the running one, if Held is above 0
	TimerEnd  sim.Time
}

// Queue is a receive ring.
type Queue struct {
	Ring       []Desc
	Head, Tail uint32 // RDH and RDT
}

// Slot is a frame in the FIFO.
type Slot struct{ Frame, Len int32 }

// Desc is a receive descriptor: 16 bytes in host memory. The frame's number
// stands for the contents of the buffer; the packet checksum and the VLAN tag
// are left out.
type Desc struct {
	Addr   uint64 // of its buffer, in physical memory
	Frame  int32  // what the buffer holds, or -1
	Len    uint16 // bytes in the buffer
	Status uint8
	Errors uint8
}

// Status bits of a descriptor (E1000_RXD_STAT_*, e1000e defines.h).
const (
	StatusDD    = 0x01 // descriptor done
	StatusEOP   = 0x02 // end of packet
	StatusUDPCS = 0x10 // the card has looked at the UDP checksum
	StatusTCPCS = 0x20 // or at the TCP checksum
	StatusIPCS  = 0x40 // and at the IPv4 header's
)

// Error bits of a descriptor (E1000_RXD_ERR_*). They count only if the status
// says that the card has looked.
const (
	ErrorL4 = 0x20 // TCPE: wrong TCP or UDP checksum
	ErrorIP = 0x40 // IPE: wrong IPv4 header checksum
)

// Done tells whether the card has filled the descriptor.
func (d *Desc) Done() bool { return d.Status&StatusDD != 0 }

// Vector is a row of the MSI-X table (PCI specification, "MSI-X Table").
type Vector struct {
	Addr    uint64
	Data    uint32
	Masked  bool
	Pending bool // of the pending bit array
}

// Stats are the card's counters, under the names of ethtool -S.
type Stats struct {
	RxPackets       int64 // rx_packets
	RxBytes         int64 // rx_bytes
	RxCRCErrors     int64 // rx_crc_errors
	RxMissedErrors  int64 // rx_missed_errors: no room in the FIFO
	RxNoBufferCount int64 // rx_no_buffer_count: a frame had to wait for a descriptor
	Filtered        int64 // not for this host
	TxPackets       int64 // tx_packets
	TxBytes         int64 // tx_bytes
	Arrived         int64 // frames that came over the wire
	Interrupts      int64 // messages sent
}

// minFrame is the least a frame has without its check sequence; shorter ones
// are padded by the sender (IEEE 802.3).
const minFrame = 60

// wireOverhead is what a frame costs on the wire beyond its bytes: preamble,
// check sequence, gap.
const wireOverhead = 8 + 4 + 12

// Init puts the card into its state after reset.
func (n *NIC) Init(cfg Config, mac [6]byte) {
	*n = NIC{Config: cfg, MAC: mac, Wire: -1, MSIX: make([]Vector, 1)}
	ring := make([]Desc, cfg.Ring)
	for i := range ring {
		ring[i].Frame = -1
	}
	n.Queues = []Queue{{Ring: ring}}
	n.Tx.Ring = make([]TxDesc, TxRing)
	for i := range n.Tx.Ring {
		n.Tx.Ring[i].Frame = -1
	}
	n.FIFO = make([]Slot, cfg.FIFO/minFrame+1)
}

// CopyFrom makes n an exact copy of src in its own memory.
func (n *NIC) CopyFrom(src *NIC) {
	queues, msix, fifo, tx := n.Queues, n.MSIX, n.FIFO, n.Tx.Ring
	*n = *src
	if len(queues) < len(src.Queues) {
		queues = make([]Queue, len(src.Queues))
	}
	n.Queues = queues[:len(src.Queues)]
	for i := range src.Queues {
		ring := n.Queues[i].Ring
		n.Queues[i] = src.Queues[i]
		n.Queues[i].Ring = append(ring[:0], src.Queues[i].Ring...)
	}
	n.MSIX = append(msix[:0], src.MSIX...)
	n.FIFO = append(fifo[:0], src.FIFO...)
	n.Tx.Ring = append(tx[:0], src.Tx.Ring...)
}

// Size is about how many bytes a copy takes.
func (n *NIC) Size() int {
	size := 300 + 8*len(n.FIFO) + 16*TxRing
	for i := range n.Queues {
		size += 16 * len(n.Queues[i].Ring)
	}
	return size
}

// frameLen is a frame's length in memory, padding included.
func frameLen(f *Frame) int32 { return int32(max(len(f.Bytes), minFrame)) }

// Arrive puts a frame on the wire: behind the one that is on it, if any. Its
// last byte is in when the event comes.
func (n *NIC) Arrive(frame int32, now sim.Time, frames []Frame, q *sim.Queue, cause sim.Seq) {
	start := max(now, n.WireFree)
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
		n.Stats.Arrived++
		n.Moving++
		if n.Wire == e.A {
			n.Wire = -1
		}
		q.Push(sim.Event{At: now + c.Filter, Cause: self, Kind: evFilter, A: e.A})
	case evFilter:
		r.Step, r.Dur = StageFilter, c.Filter
		n.filter(e.A, &frames[e.A], now, q, self, r)
	case evFIFO:
		r.Step, r.Dur = StageFIFO, c.FIFO
		n.enqueue(e.A, frameLen(&frames[e.A]), r)
		n.startDMA(now, q, self)
	case evDMA:
		r.Step, r.Dur = StageDMA, c.DMA
		n.dma(now, q, self, r)
	case evWriteBack:
		r.Step, r.Dur = StageWriteBack, c.WriteBack
		n.writeBack(frames, now, q, self, r)
	case evModeration:
		r.Step, r.Dur, r.Obj, r.Arg[0] = StageModeration, n.Config.RxUsecs, n.last(), int64(n.Held)
		n.raise(now, q, self)
	case evTxDMA:
		r.Step, r.Dur, r.Arg[0] = StageTxDMA, c.DMA, int64(n.Tx.Head)
		n.txSend(e.A, now, frames, q, self)
	case evTxOut:
		r.Step, r.Dur = StageTxOut, now-sim.Time(e.C)
		n.txDone(frames, now, q, self, r)
	case EvPin:
		r.Step, r.Obj, n.PinSeen = StagePin, n.last(), n.Asserted
		if n.Asserted {
			r.Dur, r.Arg[0] = c.Posted, 1
		}
	case evMSI:
		r.Step, r.Dur = StageMSI, c.Table
		v := &n.MSIX[0]
		if n.Config.Mode == MSI {
			v = &n.MSI
		}
		r.Arg[0], r.Arg[1] = int64(v.Addr), int64(v.Data)
		q.Push(sim.Event{At: now + c.Posted, Cause: self, Kind: EvBusWrite, C: int64(v.Addr<<32 | uint64(v.Data))})
	}
}

// OutOfDate tells whether an event is a moderation timer that no longer runs, or
// news of a pin that is known already.
func (n *NIC) OutOfDate(e *sim.Event) bool {
	if e.Kind == EvPin {
		return n.Asserted == n.PinSeen
	}
	return e.Kind == evModeration && (n.Held == 0 || n.Timer != e.A)
}

// BusWrite takes the address and the data out of a write of the card.
func BusWrite(e *sim.Event) (addr uint64, data uint32) { return uint64(e.C) >> 32, uint32(e.C) }

// filter compares the destination with the card's address and the broadcast
// address. Groups of addresses (multicast) and promiscuous mode are left out.
func (n *NIC) filter(id int32, f *Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	eth, _ := ParseEth(f.Bytes)
	switch {
	case !f.FCSOK:
		n.Stats.RxCRCErrors++
		n.drop(DropCRC, frameLen(f), r)
	case eth.Dst != n.MAC && eth.Dst != Broadcast:
		n.Stats.Filtered++
		n.drop(DropFilter, frameLen(f), r)
	default:
		q.Push(sim.Event{At: now + n.Config.Costs.FIFO, Cause: self, Kind: evFIFO, A: id})
	}
}

// drop ends a frame's way.
func (n *NIC) drop(why int64, size int32, r *sim.Record) {
	n.Moving--
	r.Step, r.Arg[0], r.Arg[1] = StageDrop, int64(size), why
}

func (n *NIC) enqueue(id, size int32, r *sim.Record) {
	if int(n.FIFOBytes+size) > n.Config.FIFO {
		n.Stats.RxMissedErrors++
		n.drop(DropMissed, size, r)
		return
	}
	n.Moving--
	n.FIFO[(n.FIFOFirst+n.FIFOLen)%int32(len(n.FIFO))] = Slot{id, size}
	n.FIFOLen++
	n.FIFOBytes += size
	r.Arg[0] = int64(n.FIFOBytes)
}

// startDMA lets the engine take the next frame, if it is free, a frame waits
// and the card owns a descriptor.
func (n *NIC) startDMA(now sim.Time, q *sim.Queue, cause sim.Seq) {
	if n.Busy || n.FIFOLen == 0 {
		return
	}
	rx := &n.Queues[0]
	if rx.Head == rx.Tail {
		if !n.Waiting {
			n.Waiting = true
			n.Stats.RxNoBufferCount++
		}
		return
	}
	n.Busy, n.Waiting = true, false
	q.Push(sim.Event{At: now + n.Config.Costs.DMA, Cause: cause, Kind: evDMA, A: n.FIFO[n.FIFOFirst].Frame})
}

// dma is done with a frame: it is in its buffer, and its room in the FIFO free.
func (n *NIC) dma(now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	rx, s := &n.Queues[0], n.FIFO[n.FIFOFirst]
	n.FIFOFirst = (n.FIFOFirst + 1) % int32(len(n.FIFO))
	n.FIFOLen--
	n.Moving++
	n.FIFOBytes -= s.Len
	d := &rx.Ring[rx.Head]
	d.Frame, d.Len = s.Frame, uint16(s.Len)
	r.Arg[0], r.Arg[1] = int64(rx.Head), int64(d.Addr)
	q.Push(sim.Event{At: now + n.Config.Costs.WriteBack, Cause: self, Kind: evWriteBack, A: s.Frame})
}

// writeBack hands a descriptor to the driver and moves the head on. The real
// card may collect some descriptors and write them back together.
func (n *NIC) writeBack(frames []Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	rx := &n.Queues[0]
	d := &rx.Ring[rx.Head]
	d.Status, d.Errors = offload(frames[d.Frame].Bytes)
	d.Status |= StatusDD | StatusEOP
	n.Moving--
	n.Stats.RxPackets++
	n.Stats.RxBytes += int64(d.Len)
	r.Arg[0] = int64(rx.Head)
	rx.Head = (rx.Head + 1) % uint32(len(rx.Ring))
	n.Busy = false
	n.moderate(now, q, self)
	n.startDMA(now, q, self)
}

// last is the frame that was written back last, or -1 if its descriptor has a
// new buffer by now.
func (n *NIC) last() int32 {
	rx := &n.Queues[0]
	size := uint32(len(rx.Ring))
	return rx.Ring[(rx.Head+size-1)%size].Frame
}

// moderate raises the cause at once, or holds it back until the timer ends or
// enough frames have come: rx-usecs and rx-frames as ethtool -C defines them, with
// the timer running from the first frame (register RADV). A limit of one frame
// would leave nothing to hold back, so only one above that counts.
func (n *NIC) moderate(now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.Held++
	switch {
	case n.Config.RxUsecs == 0, n.Config.RxFrames > 1 && int(n.Held) >= n.Config.RxFrames:
		n.raise(now, q, cause)
	case n.Held == 1:
		n.Timer++
		n.TimerEnd = now + n.Config.RxUsecs
		q.Push(sim.Event{At: n.TimerEnd, Cause: cause, Kind: evModeration, A: n.Timer})
	}
}

// raise sets the receive cause.
func (n *NIC) raise(now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.Held = 0
	n.ICR |= n.rxCause()
	n.signal(now, q, cause)
}

// signal sends the message if a cause is set and not masked. The cause is
// cleared and masks itself with it, as e1000e sets the card up (EIAC, and IAM
// with CTRL_EXT.EIAME): the driver's poll is the one who unmasks it.
func (n *NIC) signal(now sim.Time, q *sim.Queue, cause sim.Seq) {
	if n.Config.Mode != MSIX {
		n.drive(now, q, cause)
		return
	}
	if n.ICR&n.IMS&CauseRxQ0 == 0 {
		return
	}
	if v := &n.MSIX[0]; v.Masked {
		v.Pending = true
		return
	}
	n.ICR &^= CauseRxQ0
	n.IMS &^= CauseRxQ0
	n.Stats.Interrupts++
	q.Push(sim.Event{At: now + n.Config.Costs.Table, Cause: cause, Kind: evMSI, A: n.last()})
}

// Check tells what is wrong with the card's books, if anything: every frame that
// has arrived is in one place, the FIFO holds what it says, and head and tail are
// in the ring.
func (n *NIC) Check() error {
	s := &n.Stats
	if where := s.RxPackets + s.RxCRCErrors + s.RxMissedErrors + s.Filtered + int64(n.FIFOLen+n.Moving); where != s.Arrived {
		return fmt.Errorf("%d frames arrived, %d are accounted for", s.Arrived, where)
	}
	var bytes int32
	for i := range n.FIFOLen {
		bytes += n.FIFO[(n.FIFOFirst+i)%int32(len(n.FIFO))].Len
	}
	if bytes != n.FIFOBytes || int(bytes) > n.Config.FIFO {
		return fmt.Errorf("the FIFO of %d bytes holds %d, and says %d", n.Config.FIFO, bytes, n.FIFOBytes)
	}
	for i := range n.Queues {
		rx := &n.Queues[i]
		if size := uint32(len(rx.Ring)); rx.Head >= size || rx.Tail >= size {
			return fmt.Errorf("receive queue %d: head %d and tail %d in a ring of %d", i, rx.Head, rx.Tail, size)
		}
	}
	return nil
}
