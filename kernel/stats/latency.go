package stats

import (
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"ringside/kernel"
	"ringside/sim"
)

// Station is a place of a packet's way that its time to is measured.
type Station uint8

const (
	DMA    Station = iota // in host memory
	MSI                   // the card has sent the interrupt that tells of it
	IRQ                   // the driver's handler begins
	NetRx                 // the receive softirq begins
	Skb                   // the driver has taken it
	Socket                // on a socket's receive queue
	Wake                  // the thread that waits for it is woken
	Read                  // copied to the program
	NumStations
)

// Stations are their names. A packet that comes while the softirq is polling is
// taken without an interrupt of its own, and one for a thread that is awake wakes
// nobody: not every packet passes every station.
var Stations = [NumStations]string{"dma", "msi", "irq", "softirq", "skb", "socket", "wake", "read"}

// longest is the longest time that is told from longer ones: the histograms
// cover all times up to it to three digits.
const longest = 100 * sim.Second

// Latency follows UDP packets from the wire to the program. Times count from when
// the last byte is in.
type Latency struct {
	Histograms [NumStations]*hdrhistogram.Histogram
	Flows      []Flow // the times to Read once more, by flow

	im      *kernel.Image
	flowOf  []int    // by entry of the wire section, an index into Flows
	card    []packet // arrived, not in memory yet, in order
	ring    []packet // in memory, not taken yet
	skbs    []packet // by skb; no packet if its frame is None
	desc    []int32  // by core: the frame of the descriptor that is looked at
	handled []packet // by core: what a socket got last, until it has woken somebody
}

// Flow is a flow of the scenario, or a capture file.
type Flow struct {
	Name string
	Read *hdrhistogram.Histogram
}

// packet is one on its way.
type packet struct {
	frame    int32
	arrived  sim.Time
	buffered bool    // in the card's FIFO
	told     Station // the last of MSI, IRQ and NetRx that it has passed, or DMA
}

// none is no packet.
var none = packet{frame: kernel.None}

func (l *Latency) init(m *kernel.Machine) {
	l.im = m.Image
	for i := range l.Histograms {
		l.Histograms[i] = newHistogram()
	}
	for i := range m.Config.Wire {
		p := &m.Config.Wire[i]
		name := p.Flow
		if p.Capture != nil {
			name = p.Capture.Name
		}
		l.flowOf = append(l.flowOf, l.flow(name))
	}
	l.desc, l.handled = make([]int32, len(m.Cores)), make([]packet, len(m.Cores))
	for i := range l.handled {
		l.handled[i] = none
	}
}

// maxFlows bounds the memory of histograms: the last one stands for all others.
const maxFlows = 16

// flow gives a flow's index.
func (l *Latency) flow(name string) int {
	if len(l.Flows) >= maxFlows-1 {
		name = "others"
	}
	at := slices.IndexFunc(l.Flows, func(f Flow) bool { return f.Name == name })
	if at < 0 {
		at = len(l.Flows)
		l.Flows = append(l.Flows, Flow{name, newHistogram()})
	}
	return at
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(longest), 3) }

// note measures a packet's time to a station.
func (l *Latency) note(s Station, p *packet, now sim.Time) {
	d := int64(min(now-p.arrived, longest))
	_ = l.Histograms[s].RecordValue(d) // it is in range
	if entry := l.im.EntryOf(p.frame); s == Read && entry != kernel.None {
		_ = l.Flows[l.flowOf[entry]].Read.RecordValue(d)
	}
}

// see takes the next record in.
func (l *Latency) see(r *sim.Record) {
	switch kernel.MilestoneOf(r) {
	case kernel.MileArrived:
		l.card = append(l.card, packet{frame: r.Obj, arrived: r.T})
	case kernel.MileBuffer:
		if i := find(l.card, r.Obj, false); i >= 0 {
			l.card[i].buffered = true
		}
	case kernel.MileDropped:
		if i := find(l.card, r.Obj, false); i >= 0 {
			l.card = slices.Delete(l.card, i, i+1)
		}
	case kernel.MileDMA:
		if i := find(l.card, r.Obj, true); i >= 0 {
			l.note(DMA, &l.card[i], r.T)
			l.ring = append(l.ring, l.card[i])
			l.card = slices.Delete(l.card, i, i+1)
		}
	case kernel.MileMSI:
		l.tell(DMA, MSI, r.T)
	case kernel.MileIRQ:
		l.tell(MSI, IRQ, r.T)
	case kernel.MileSoftirq:
		l.tell(IRQ, NetRx, r.T)
	case kernel.MileDesc:
		l.desc[r.CPU] = int32(r.Arg[1])
	default:
		l.seeSkb(r)
	}
}

// seeSkb takes in a record of a packet that the driver has taken.
func (l *Latency) seeSkb(r *sim.Record) {
	switch kernel.MilestoneOf(r) {
	case kernel.MileSkb:
		l.take(r)
	case kernel.MileOwnSkb, kernel.MileFreed:
		if int(r.Obj) < len(l.skbs) {
			l.skbs[r.Obj] = none
		}
	case kernel.MileUp:
		l.handled[r.CPU] = none
	case kernel.MileQueued:
		l.handled[r.CPU] = l.skb(int32(r.Arg[1]))
		if p := &l.handled[r.CPU]; *p != none {
			l.note(Socket, p, r.T)
		}
	case kernel.MileWaking:
		if p := &l.handled[r.CPU]; *p != none {
			l.note(Wake, p, r.T)
			*p = none
		}
	case kernel.MileRead:
		if p := l.skb(r.Obj); p != none {
			l.note(Read, &p, r.T)
			l.skbs[r.Obj] = none // a peek leaves it to be read again
		}
	}
}

// find gives the first packet of a frame, or -1. Packets of a load share frames,
// and keep their order.
func find(packets []packet, frame int32, buffered bool) int {
	return slices.IndexFunc(packets, func(p packet) bool { return p.frame == frame && p.buffered == buffered })
}

// tell moves the packets in the ring that have passed one station to the next:
// an interrupt tells of all that are there.
func (l *Latency) tell(from, to Station, now sim.Time) {
	for i := range l.ring {
		if p := &l.ring[i]; p.told == from {
			p.told = to
			l.note(to, p, now)
		}
	}
}

// take gives a packet of the ring its skb.
func (l *Latency) take(r *sim.Record) {
	for int(r.Obj) >= len(l.skbs) {
		l.skbs = append(l.skbs, none)
	}
	l.skbs[r.Obj] = none
	if i := find(l.ring, l.desc[r.CPU], true); i >= 0 {
		l.skbs[r.Obj] = l.ring[i]
		l.note(Skb, &l.ring[i], r.T)
		l.ring = slices.Delete(l.ring, i, i+1)
	}
}

func (l *Latency) skb(id int32) packet {
	if int(id) < len(l.skbs) {
		return l.skbs[id]
	}
	return none
}
