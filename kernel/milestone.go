package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Milestone is what a record means for the way of a packet that comes by the
// card. Statistics follow packets by these alone.
type Milestone uint8

const (
	MileNone    Milestone = iota
	MileArrived           // the last byte is in; Obj is the frame
	MileBuffer            // it is in the card's FIFO; Obj is the frame
	MileDropped           // the card has dropped it; Obj is the frame
	MileDMA               // it is in host memory; Obj is the frame
	MileMSI               // the card has sent its interrupt message
	MileIRQ               // the driver's handler begins
	MileSoftirq           // the receive softirq begins
	MileDesc              // the driver looks at a descriptor; Arg[1] is its frame, if the card has filled it
	MileSkb               // which is an skb now, Obj
	MileOwnSkb            // an skb, Obj, comes from this host
	MileUp                // a packet goes from IP to its transport protocol
	MileQueued            // a socket has it; Arg[1] is the skb
	MileWaking            // softirq context wakes a sleeper
	MileRead              // a program has it; Obj is the skb
	MileFreed             // the skb, Obj, is given back
)

// MilestoneOf says what a record is for a packet.
func MilestoneOf(r *sim.Record) Milestone {
	fn := cpu.CodeID(r.Fn)
	if r.Ctx == CtxDevice {
		return deviceMile(fn)
	}
	switch r.Point {
	case PointIRQHandlerEntry:
		return MileIRQ
	case PointSoftirqEntry:
		if r.Arg[0] == NetRx {
			return MileSoftirq
		}
	case PointNAPIGROReceive:
		return MileSkb
	case PointNetifRxEntry:
		return MileOwnSkb
	case PointKfreeSkb, PointConsumeSkb:
		return MileFreed
	case PointSchedWaking:
		if r.Flags&(FlagSoftirq|FlagHardirq) == FlagSoftirq {
			return MileWaking
		}
	case PointNone:
		return codeMile(fn, r)
	}
	return MileNone
}

// deviceMile is MilestoneOf for what the card does.
func deviceMile(fn cpu.CodeID) Milestone {
	switch fn {
	case fnWire:
		return MileArrived
	case fnFIFO:
		return MileBuffer
	case fnCardDrop:
		return MileDropped
	case fnDMA:
		return MileDMA
	case fnMSI:
		return MileMSI
	}
	return MileNone
}

// codeMile is MilestoneOf for steps that are no tracepoint.
func codeMile(fn cpu.CodeID, r *sim.Record) Milestone {
	switch {
	case fn == fnE1000CleanRx && r.Step == 0:
		return MileDesc
	case fn == fnIPProtocolDeliver:
		return MileUp
	case fn == fnUDPEnqueueScheduleSkb && r.Kind == KindSock:
		return MileQueued
	case fn == fnUDPRecvmsg && r.Kind == KindSkb:
		return MileRead
	}
	return MileNone
}

// Waiting is where packets from the card are that nobody has read or dropped.
type Waiting struct {
	Card    int // on the way through it, or in its FIFO
	Ring    int // in host memory, in descriptors that the driver has not looked at
	Stack   int // on the way up
	Sockets int // in receive queues
}

// Total counts them all.
func (w Waiting) Total() int { return w.Card + w.Ring + w.Stack + w.Sockets }

// Waiting counts the packets that are on their way.
func (m *Machine) Waiting() Waiting {
	w := Waiting{Card: int(m.NIC.FIFOLen + m.NIC.Moving), Ring: m.inRing()}
	for i := range m.Skbs {
		if s := &m.Skbs[i]; s.InUse && s.Frame != None {
			w.Stack++
		}
	}
	for i := range m.Socks {
		for s := m.Socks[i].First; s != None; s = m.Skbs[s].Next {
			if m.Skbs[s].Frame != None {
				w.Stack--
				w.Sockets++
			}
		}
	}
	return w
}

// inRing counts the descriptors that the card has filled and the driver has not
// taken.
func (m *Machine) inRing() int {
	n := 0
	for q := range m.NIC.Queues {
		rx := &m.NIC.Queues[q]
		size := uint32(len(rx.Ring))
		n += int((rx.Head + size - uint32(m.Napis[q].Next)) % size)
	}
	return n
}
