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
	Stats  Stats

	FIFO      []int32 // a ring buffer of waiting frames
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

// Desc is a receive descriptor.
type Desc struct {
	Addr   uint64 // of its buffer, in physical memory
	Frame  int32  // what the buffer holds, or -1
	Len    uint16
	Status uint8
}

// Status bits of a descriptor.
const (
	StatusDD  = 1 // descriptor done
	StatusEOP = 2 // end of packet
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
	n.FIFO = make([]int32, cfg.FIFO/minFrame+1)
}

// CopyFrom makes n an exact copy of src in its own memory.
func (n *NIC) CopyFrom(src *NIC) {
	queues, msix, fifo := n.Queues, n.MSIX, n.FIFO
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
}

// Size is about how many bytes a copy takes.
func (n *NIC) Size() int {
	size := 300 + 4*len(n.FIFO)
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
// Obj the frame, Arg what the stage is about. The event must not be out of date.
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
		n.dma(frames, now, q, self, r)
	case evWriteBack:
		r.Step, r.Dur = StageWriteBack, c.WriteBack
		n.writeBack(now, q, self, r)
	case evModeration:
		r.Step, r.Dur, r.Obj, r.Arg[0] = StageModeration, n.Config.RxUsecs, -1, int64(n.Held)
		n.raise(now, q, self)
	case evMSI:
		r.Step, r.Dur, r.Obj = StageMSI, c.Table, 0
		v := &n.MSIX[0]
		r.Arg[0], r.Arg[1] = int64(v.Addr), int64(v.Data)
		q.Push(sim.Event{At: now + c.Posted, Cause: self, Kind: EvBusWrite, C: int64(v.Addr<<32 | uint64(v.Data))})
	}
}

// OutOfDate tells whether an event is a moderation timer that no longer runs.
func (n *NIC) OutOfDate(e *sim.Event) bool {
	return e.Kind == evModeration && (n.Held == 0 || n.Timer != e.A)
}

// BusWrite takes the address and the data out of a write of the card.
func BusWrite(e *sim.Event) (addr uint64, data uint32) { return uint64(e.C) >> 32, uint32(e.C) }

// filter compares the destination with the card's address and the broadcast
// address.
func (n *NIC) filter(id int32, f *Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	dst := [6]byte(f.Bytes[:6])
	switch {
	case !f.FCSOK:
		n.Moving--
		n.Stats.RxCRCErrors++
		r.Step, r.Arg[1] = StageDrop, DropCRC
	case dst != n.MAC && dst != [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		n.Moving--
		n.Stats.Filtered++
		r.Step, r.Arg[1] = StageDrop, DropFilter
	default:
		q.Push(sim.Event{At: now + n.Config.Costs.FIFO, Cause: self, Kind: evFIFO, A: id})
	}
}

func (n *NIC) enqueue(id, size int32, r *sim.Record) {
	n.Moving--
	if int(n.FIFOBytes+size) > n.Config.FIFO {
		n.Stats.RxMissedErrors++
		r.Step, r.Arg[1] = StageDrop, DropMissed
		return
	}
	n.FIFO[(n.FIFOFirst+n.FIFOLen)%int32(len(n.FIFO))] = id
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
	q.Push(sim.Event{At: now + n.Config.Costs.DMA, Cause: cause, Kind: evDMA, A: n.FIFO[n.FIFOFirst]})
}

func (n *NIC) dma(frames []Frame, now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	rx := &n.Queues[0]
	id := n.FIFO[n.FIFOFirst]
	size := frameLen(&frames[id])
	n.FIFOFirst = (n.FIFOFirst + 1) % int32(len(n.FIFO))
	n.FIFOLen--
	n.Moving++
	n.FIFOBytes -= size
	d := &rx.Ring[rx.Head]
	d.Frame, d.Len = id, uint16(size)
	r.Arg[0], r.Arg[1] = int64(rx.Head), int64(d.Addr)
	q.Push(sim.Event{At: now + n.Config.Costs.WriteBack, Cause: self, Kind: evWriteBack, A: id})
}

func (n *NIC) writeBack(now sim.Time, q *sim.Queue, self sim.Seq, r *sim.Record) {
	rx := &n.Queues[0]
	d := &rx.Ring[rx.Head]
	d.Status = StatusDD | StatusEOP
	n.Moving--
	n.Stats.RxPackets++
	n.Stats.RxBytes += int64(d.Len)
	r.Arg[0] = int64(rx.Head)
	rx.Head = (rx.Head + 1) % uint32(len(rx.Ring))
	n.Busy = false
	n.moderate(now, q, self)
	n.startDMA(now, q, self)
}

// moderate raises the cause at once, or holds it back until the timer ends or
// enough frames have come (the driver's rx-usecs and rx-frames).
func (n *NIC) moderate(now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.Held++
	switch {
	case n.Config.RxUsecs == 0, n.Config.RxFrames > 0 && int(n.Held) >= n.Config.RxFrames:
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
	n.ICR |= CauseRxQ0
	n.signal(now, q, cause)
}

// signal sends the message if a cause is set and not masked. The cause is
// cleared and masks itself with it, as e1000e sets the card up (EIAC, and IAM
// with CTRL_EXT.EIAME): the driver's poll is the one who unmasks it.
func (n *NIC) signal(now sim.Time, q *sim.Queue, cause sim.Seq) {
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
	q.Push(sim.Event{At: now + n.Config.Costs.Table, Cause: cause, Kind: evMSI})
}

// Check tells what is wrong with the card's books, if anything: every frame
// that has arrived is in one place.
func (n *NIC) Check() error {
	s := &n.Stats
	if where := s.RxPackets + s.RxCRCErrors + s.RxMissedErrors + s.Filtered + int64(n.FIFOLen+n.Moving); where != s.Arrived {
		return fmt.Errorf("%d frames arrived, %d are accounted for", s.Arrived, where)
	}
	if n.FIFOBytes < 0 || int(n.FIFOBytes) > n.Config.FIFO {
		return fmt.Errorf("%d bytes in a FIFO of %d", n.FIFOBytes, n.Config.FIFO)
	}
	return nil
}
