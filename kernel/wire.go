package kernel

import (
	"fmt"
	"math/bits"
	"sort"

	"ringside/nic"
	"ringside/sim"
)

// The wire section: which packets reach the card, and when. An entry is one
// packet or several: some at a fixed distance, a generated load, or what a
// capture file holds.

// Pace is what an entry's packets keep time by.
type Pace uint8

const (
	PaceEvery    Pace = iota // At, then Every apart
	PaceConstant             // Rate packets a second, evenly
	PacePoisson              // as many on average; each comes when it likes
	PaceBurst                // as many on average, Burst of them at once
	PaceCapture              // by the times of the capture file
)

// Capture is what was read from a capture file.
type Capture struct {
	Name    string
	Read    int      // packets that it holds, as far as it was read
	Frames  [][]byte // those that are played
	Times   []sim.Time
	Skipped []Skipped // and those that are not
}

// Skipped are packets of a capture file that are not played.
type Skipped struct {
	Why string
	N   int
}

// numbered is how many different numbers a generator's packets carry; then they
// begin again. A frame's bytes never change, so each number is a frame of its own,
// and a load of any length takes no more memory than that.
const numbered = 10_000

// MinFrame and MaxFrame are the lengths that an Ethernet frame can have, with its
// check sequence (IEEE 802.3); RFC 2544 counts frame sizes like this.
const (
	MinFrame = 64
	MaxFrame = 1518
)

// numbers is how many different numbers an entry's packets carry. A load that
// ends by time is hardly twice as long as expected.
func (p *Packets) numbers() int {
	n := min(p.Count, numbered)
	if p.For > 0 {
		n = min(n, 2*int(p.For*sim.Time(p.Rate)/sim.Second)+100)
	}
	return n
}

// Generated is the memory that a generated load's frames take, in bytes.
func (p *Packets) Generated() int { return p.numbers() * p.Size }

// payload is what packet n of a generator carries: its number, and dots.
func (p *Packets) payload(n int) []byte {
	const headers, checkSequence = nic.EthHeader + nic.IPv4Header + nic.UDPHeader, 4
	b := fmt.Appendf(nil, "%04d", n)
	for len(b) < p.Size-headers-checkSequence {
		b = append(b, '.')
	}
	return b
}

// addFrames builds the frames of an entry of the wire section. A TCP flow has
// none: its segments depend on what is answered.
func (im *Image) addFrames(p *Packets) error {
	base := int32(len(im.frames))
	switch {
	case p.Proto == "tcp":
	case p.Capture != nil:
		for _, b := range p.Capture.Frames {
			im.frames = append(im.frames, nic.NewFrame(b))
		}
	case p.Size > 0:
		for n := range p.numbers() {
			if err := im.addUDP(p, p.payload(n)); err != nil {
				return err
			}
		}
	default:
		if err := im.addUDP(p, p.Payload); err != nil {
			return err
		}
	}
	im.frameOf = append(im.frameOf, base)
	im.framesOf = append(im.framesOf, int32(len(im.frames))-base)
	return nil
}

func (im *Image) addUDP(p *Packets, payload []byte) error {
	frame, err := p.frame(payload)
	im.frames = append(im.frames, frame)
	return err
}

// frame is what a UDP packet looks like on the wire.
func (p *Packets) frame(payload []byte) (nic.Frame, error) {
	to := HostMAC
	if p.MAC != [6]byte{} {
		to = p.MAC
	}
	b, err := nic.BuildUDP(to, peerMAC(p.From.Addr()), p.From, p.To, payload)
	switch {
	case err != nil:
		return nic.Frame{}, err
	case p.BadFCS:
		return nic.Damaged(b), nil
	case p.BadCsum:
		b[nic.EthHeader+nic.IPv4Header+nic.UDPHeader-1] ^= 1
	}
	return nic.NewFrame(b), nil
}

// wireArrives starts a packet's way and schedules the next one of its entry.
// The packet is on the wire from now on; the card sees it when the last byte is
// in.
func (m *Machine) wireArrives(e *sim.Event) {
	switch p := &m.Config.Wire[e.A]; {
	case p.Proto == "tcp" && !p.To.IsValid():
		m.remoteDoAll(e.A, e.At)
	case p.Proto == "tcp":
		m.remoteDo(m.remoteOf[e.A], e.A, e.At)
	default:
		frame := m.frameOf[e.A] + e.B%m.framesOf[e.A]
		m.NIC.Arrive(frame, e.At, m.Frames, &m.Queue, sim.NoSeq)
	}
	m.wireNext(e.A, e.B+1, sim.Time(e.C))
}

// wireNext schedules packet n of an entry, if there is one; the one before it
// was due at last.
func (m *Machine) wireNext(entry, n int32, last sim.Time) {
	p := &m.Config.Wire[entry]
	if int(n) >= p.Count {
		return
	}
	due := m.due(entry, n, last)
	if p.For > 0 && due >= p.At+p.For {
		return
	}
	at := max(due, m.NIC.WireFree) // the sender waits until the wire is free
	m.Queue.Push(sim.Event{At: at, Cause: sim.NoSeq, Kind: evWire, A: entry, B: n, C: int64(due)})
}

// due is when packet n of an entry is to be sent, n counting from 0.
func (m *Machine) due(entry, n int32, last sim.Time) sim.Time {
	p := &m.Config.Wire[entry]
	switch p.Pace {
	case PaceConstant:
		return p.At + sim.Time(n)*sim.Second/sim.Time(p.Rate)
	case PaceBurst:
		return p.At + sim.Time(n/p.Burst*p.Burst)*sim.Second/sim.Time(p.Rate)
	case PacePoisson:
		return last + m.poissonGap(entry, n)
	case PaceCapture:
		return p.At + p.Capture.Times[n]
	}
	return p.At + sim.Time(n)*p.Every
}

// poissonGap is the time before packet n of an entry: exponential, with the mean
// that the rate says. Each entry has its own stream of chance, and the packet's
// number is the place in it, so that the same load comes whatever the machine does
// with it.
func (m *Machine) poissonGap(entry, n int32) sim.Time {
	stream := sim.NewRand(m.Config.Seed)
	stream = stream.Skip(uint64(entry) + 1)
	rng := sim.NewRand(stream.Uint64()).Skip(uint64(n))
	hi, lo := bits.Mul64(rng.Exp(), uint64(sim.Second))
	gap, _ := bits.Div64(hi, lo, uint64(m.Config.Wire[entry].Rate)<<32)
	return sim.Time(gap)
}

// EntryOf is the entry of the wire section that a frame belongs to, or None: then
// it is a TCP segment or this machine's own.
func (im *Image) EntryOf(frame int32) int {
	if int(frame) >= len(im.frames) {
		return None
	}
	after := sort.Search(len(im.frameOf), func(i int) bool { return im.frameOf[i] > frame })
	return after - 1
}

// SkippedText says what of a capture file is not played: ": 3 TCP, 1 ARP", or "".
func (c *Capture) SkippedText() string {
	s := ""
	for i, k := range c.Skipped {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		s += fmt.Sprintf("%s%d %s", sep, k.N, k.Why)
	}
	return s
}
