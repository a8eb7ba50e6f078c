package nic

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"ringside/sim"
)

// bench is a card on a table: a queue of events, and a driver made of test code.
type bench struct {
	NIC
	q        sim.Queue
	frames   []Frame
	now      sim.Time
	seq      sim.Seq
	stages   []uint8
	messages []sim.Time // when interrupt messages arrived
}

var mac = [6]byte{2, 0, 0, 0, 0, 1}

func newBench(t testing.TB, change func(*Config)) *bench {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Ring = 8
	if change != nil {
		change(&cfg)
	}
	b := &bench{}
	b.Init(cfg, mac)
	for q := range int32(cfg.Queues) {
		for i := range int32(cfg.Ring) {
			b.Refill(q, i, uint64(0x1000*(1+i+8*q)))
		}
		if cfg.Mode == MSIX {
			b.SetVector(int(q), 0xfee00000, 0x22)
		}
		b.WriteRDT(q, uint32(cfg.Ring-1), 0, &b.q, sim.NoSeq)
		b.WriteIMS(b.Cause(q), 0, &b.q, sim.NoSeq)
	}
	return b
}

// arrive puts a frame for us on the wire now.
func (b *bench) arrive(payload string, change func(*Frame)) {
	bytes, err := BuildUDP(mac, [6]byte{2, 9}, netip.MustParseAddrPort("10.0.0.2:5"), netip.MustParseAddrPort("10.0.0.1:7"), []byte(payload))
	if err != nil {
		panic(err)
	}
	f := Frame{Bytes: bytes}
	if change != nil {
		change(&f)
	}
	f.FCS ^= Checksum(f.Bytes) // what the change has set is damage
	b.frames = append(b.frames, f)
	b.NIC.Arrive(int32(len(b.frames)-1), b.now, b.frames, &b.q, sim.NoSeq)
}

// run lets events happen until there are none before a time.
func (b *bench) run(until sim.Time) {
	for b.q.Len() > 0 && b.q.PeekAt() <= until {
		e := b.q.Pop()
		b.now = e.At
		switch {
		case e.Kind == EvBusWrite:
			b.messages = append(b.messages, b.now)
		case !b.OutOfDate(&e):
			var r sim.Record
			b.Handle(&e, b.now, b.frames, &b.q, b.seq, &r)
			b.stages = append(b.stages, r.Step)
			b.seq++
		}
	}
}

// causeRxQ0 is the cause of an 82574's receive queue 0.
const causeRxQ0 = 1 << 20

const ever = sim.Second

func TestAFrameGoesThroughTheStages(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("hello", nil)
	b.run(ever)
	want := []uint8{StageWire, StageFilter, StageFIFO, StageDMA, StageWriteBack, StageMSI}
	if !bytes.Equal(b.stages, want) {
		t.Errorf("stages %v, want %v", b.stages, want)
	}
	// 60 bytes, preamble, check sequence and gap at 8 ns a byte, then the stages.
	c := b.Config.Costs
	if at := 84*c.WireByte + c.Filter + c.FIFO + c.DMA + c.WriteBack + c.Table + c.Posted; len(b.messages) != 1 || b.messages[0] != at {
		t.Errorf("messages at %v, want one at %v", b.messages, at)
	}
}

// 82574 datasheet, "Receive Descriptor Write-back": length and DD.
func TestTheDescriptorIsWrittenBackWithDD(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("hello", nil)
	b.run(ever)
	if d := b.Descriptor(0, 0); !d.Done() || d.Len != 60 || d.Frame != 0 || d.Status&StatusEOP == 0 {
		t.Errorf("descriptor %+v", d)
	}
	if b.Queues[0].Head != 1 || b.Descriptor(0, 1).Done() {
		t.Errorf("head %d", b.Queues[0].Head)
	}
}

// 82574 datasheet, "Receive Descriptor Queue Structure": head equal to tail
// means that hardware has no descriptor, so one is always unused.
func TestOneDescriptorIsAlwaysUnused(t *testing.T) {
	b := newBench(t, nil)
	for range 10 {
		b.arrive("x", nil)
	}
	b.run(ever)
	if b.Stats.RxPackets != 7 || b.FIFOLen != 3 || b.Stats.RxNoBufferCount != 1 {
		t.Errorf("%d received, %d wait in the FIFO, %d times no buffer", b.Stats.RxPackets, b.FIFOLen, b.Stats.RxNoBufferCount)
	}
	b.WriteRDT(0, 1, b.now, &b.q, sim.NoSeq) // the driver gives two back
	b.run(ever)
	if b.Stats.RxPackets != 9 || b.FIFOLen != 1 {
		t.Errorf("after the refill %d received, %d wait", b.Stats.RxPackets, b.FIFOLen)
	}
}

func TestAFullFIFOMissesFrames(t *testing.T) {
	b := newBench(t, func(c *Config) { c.FIFO = 150 }) // two frames of 60 bytes
	b.WriteRDT(0, 0, 0, &b.q, sim.NoSeq)               // no descriptor at all
	for range 5 {
		b.arrive("x", nil)
	}
	b.run(ever)
	if b.Stats.RxMissedErrors != 3 || b.FIFOLen != 2 {
		t.Errorf("rx_missed_errors %d, FIFO %d", b.Stats.RxMissedErrors, b.FIFOLen)
	}
}

func TestTheFilterDropsWhatIsNotForUs(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("ours", nil)
	b.arrive("another's", func(f *Frame) { f.Bytes[5] = 9 })
	b.arrive("everybody's", func(f *Frame) { copy(f.Bytes, "\xff\xff\xff\xff\xff\xff") })
	b.arrive("damaged", func(f *Frame) { f.FCS = 1 })
	b.run(ever)
	if s := b.Stats; s.RxPackets != 2 || s.Filtered != 1 || s.RxCRCErrors != 1 {
		t.Errorf("%+v", s)
	}
}

// The cause masks itself with its message, as e1000e sets the card up: packets
// that come while the driver polls do not interrupt again, and what came is not
// lost.
func TestTheInterruptIsMaskedWhileTheDriverPolls(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("first", nil)
	b.run(ever)
	b.arrive("second", nil)
	b.arrive("third", nil)
	b.run(ever)
	if len(b.messages) != 1 || b.ICR&causeRxQ0 == 0 {
		t.Fatalf("%d messages, ICR %#x", len(b.messages), b.ICR)
	}
	b.WriteIMS(causeRxQ0, b.now, &b.q, sim.NoSeq)
	b.run(ever)
	if len(b.messages) != 2 || b.ICR&causeRxQ0 != 0 {
		t.Errorf("after unmasking %d messages, ICR %#x", len(b.messages), b.ICR)
	}
}

// PCI specification, "MSI-X Per-Vector Masking": a masked vector becomes
// pending, and is sent when it is unmasked.
func TestAMaskedVectorIsPending(t *testing.T) {
	b := newBench(t, nil)
	b.MaskVector(0)
	b.arrive("x", nil)
	b.run(ever)
	if len(b.messages) != 0 || !b.MSIX[0].Pending {
		t.Fatalf("%d messages, pending %v", len(b.messages), b.MSIX[0].Pending)
	}
	b.UnmaskVector(0, b.now, &b.q, sim.NoSeq)
	b.run(ever)
	if len(b.messages) != 1 || b.MSIX[0].Pending {
		t.Errorf("%d messages after unmasking", len(b.messages))
	}
}

func TestModeration(t *testing.T) {
	for _, c := range []struct {
		name     string
		usecs    sim.Time
		frames   int
		arrivals int
		messages int
		stage    bool // the timer ended
	}{
		{"off", 0, 1, 1, 1, false},
		{"the timer ends", 50 * sim.Microsecond, 0, 3, 1, true},
		{"enough frames end the wait", 50 * sim.Microsecond, 3, 3, 1, false},
	} {
		b := newBench(t, func(cfg *Config) { cfg.RxUsecs, cfg.RxFrames = c.usecs, c.frames })
		for range c.arrivals {
			b.arrive("x", nil)
		}
		b.run(ever)
		if len(b.messages) != c.messages || bytes.Contains(b.stages, []byte{StageModeration}) != c.stage {
			t.Errorf("%s: %d messages, stages %v", c.name, len(b.messages), b.stages)
		}
		if c.usecs > 0 && c.frames == 0 && b.messages[0] < c.usecs {
			t.Errorf("%s: the interrupt came at %s", c.name, b.messages[0])
		}
	}
}

// TestFramesAreConserved: whatever arrives and whatever the driver does, every
// frame is in one place after every event.
func TestFramesAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &bench{}
		cfg := DefaultConfig()
		cfg.Ring, cfg.FIFO = 8, rapid.SampledFrom([]int{130, 2000}).Draw(t, "fifo")
		cfg.RxUsecs = sim.Time(rapid.SampledFrom([]int{0, 3000}).Draw(t, "rx_usecs"))
		b.Init(cfg, mac)
		b.SetVector(0, 0xfee00000, 0x22)
		for range rapid.IntRange(1, 60).Draw(t, "actions") {
			switch rapid.IntRange(0, 5).Draw(t, "action") {
			case 0, 1, 2:
				b.arrive("x", func(f *Frame) { f.FCS = rapid.SampledFrom([]uint32{0, 0, 0, 0, 1, 1 << 31}).Draw(t, "damage") })
			case 3:
				tail := (b.Queues[0].Tail + 3) % 8
				if (tail-b.Queues[0].Head)%8 >= (b.Queues[0].Tail-b.Queues[0].Head)%8 {
					b.WriteRDT(0, tail, b.now, &b.q, b.seq)
				}
			case 4:
				b.WriteIMS(causeRxQ0, b.now, &b.q, b.seq)
			default:
				b.run(b.now + sim.Time(rapid.IntRange(0, 5000).Draw(t, "time")))
			}
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTheCardDoesNotAllocate(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("x", nil)
	b.run(ever)
	frame := func() {
		b.NIC.Arrive(0, b.now, b.frames, &b.q, sim.NoSeq)
		for b.q.Len() > 0 {
			e := b.q.Pop()
			b.now = e.At
			var r sim.Record
			if e.Kind != EvBusWrite {
				b.Handle(&e, b.now, b.frames, &b.q, 0, &r)
			}
		}
		b.Refill(0, int32(b.Queues[0].Tail), 0)
		b.WriteRDT(0, (b.Queues[0].Tail+1)%8, b.now, &b.q, 0)
		b.WriteIMS(causeRxQ0, b.now, &b.q, 0)
	}
	if n := testing.AllocsPerRun(100, frame); n > 0 {
		t.Errorf("%.0f allocations a frame", n)
	}
}

// TestBuildUDP: the frame is held against one whose checksums were computed by
// hand (RFC 791, RFC 768, RFC 1071).
func TestBuildUDP(t *testing.T) {
	b, err := BuildUDP(mac, [6]byte{2, 0xff, 10, 0, 0, 2}, netip.MustParseAddrPort("10.0.0.2:5555"), netip.MustParseAddrPort("10.0.0.1:7000"), []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	want := "020000000001" + "02ff0a000002" + "0800" +
		"45000021000040004011" + "26ca" + "0a0000020a000001" +
		"15b31b58000d" + "76f4" + hex.EncodeToString([]byte("hello"))
	if got := hex.EncodeToString(b); len(b) != 60 || got[:len(want)] != want {
		t.Errorf("%d bytes\n got %s\nwant %s", len(b), got, want)
	}
	ip, ok := ParseIPv4(b[EthHeader:])
	if !ok || ip != (IPv4{HeaderLen: 20, TotalLen: 33, Protocol: 17, Src: 0x0a000002, Dst: 0x0a000001}) {
		t.Errorf("IPv4 %+v %v", ip, ok)
	}
	udp, ok := ParseUDP(b[EthHeader+20 : EthHeader+33])
	if !ok || udp != (UDP{5555, 7000}) {
		t.Errorf("UDP %+v %v", udp, ok)
	}
	b[EthHeader+12]++
	if _, ok := ParseIPv4(b[EthHeader:]); ok {
		t.Error("a changed header passes its checksum")
	}
}

func TestBuildUDPRefuses(t *testing.T) {
	v6, v4 := netip.MustParseAddrPort("[::1]:1"), netip.MustParseAddrPort("10.0.0.1:1")
	if _, err := BuildUDP(mac, mac, v6, v4, nil); err == nil {
		t.Error("an IPv6 address")
	}
	if _, err := BuildUDP(mac, mac, v4, v4, make([]byte, 1473)); err == nil {
		t.Error("more than fits into a frame")
	}
}

func FuzzParse(f *testing.F) {
	b, _ := BuildUDP(mac, mac, netip.MustParseAddrPort("10.0.0.2:5"), netip.MustParseAddrPort("10.0.0.1:7"), []byte("x"))
	f.Add(b[EthHeader:])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := ParseIPv4(b)
		if !ok {
			return
		}
		if h.HeaderLen > h.TotalLen || h.TotalLen > len(b) {
			t.Fatalf("%+v of %d bytes", h, len(b))
		}
		ParseUDP(b[h.HeaderLen:h.TotalLen])
	})
}

func BenchmarkFrames(b *testing.B) {
	c := newBench(b, nil)
	c.arrive("x", nil)
	c.run(ever)
	b.ReportAllocs()
	for b.Loop() {
		c.NIC.Arrive(0, c.now, c.frames, &c.q, sim.NoSeq)
		for c.q.Len() > 0 {
			e := c.q.Pop()
			c.now = e.At
			var r sim.Record
			if e.Kind != EvBusWrite {
				c.Handle(&e, c.now, c.frames, &c.q, 0, &r)
			}
		}
		c.WriteRDT(0, (c.Queues[0].Tail+1)%8, c.now, &c.q, 0)
		c.WriteIMS(causeRxQ0, c.now, &c.q, 0)
	}
}
