package nic

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringside/sim"
)

// runTo lets events happen until one has been of a stage, and gives its record,
// or the zero record if there was none.
func (b *bench) runTo(stage uint8) (r sim.Record) {
	for b.q.Len() > 0 {
		e := b.q.Pop()
		b.now, r = e.At, sim.Record{}
		b.Handle(&e, b.now, b.frames, &b.q, 0, &r)
		if r.Step == stage {
			return r
		}
	}
	return sim.Record{}
}

// A frame of least length takes 672 ns at 1 Gbit/s, the longest 12,304 ns
// (IEEE 802.3: 8 bytes of preamble, 4 of check sequence and 12 of gap besides).
func TestTheWireTakesItsTime(t *testing.T) {
	for _, c := range []struct {
		data int
		want sim.Time
	}{{1, 672}, {18, 672}, {19, 680}, {1472, 12304}} {
		b := newBench(t, nil)
		b.arrive(string(make([]byte, c.data)), nil)
		if got := b.q.PeekAt(); got != c.want {
			t.Errorf("%d bytes of data: %s on the wire, want %s", c.data, got, c.want)
		}
	}
}

// Filter and FIFO of a frame overlap the DMA of the one before it.
func TestFramesFollowEachOther(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("x", nil)
	b.arrive("y", nil)
	b.run(ever)
	want := []uint8{
		StageWire, StageFilter, StageFIFO, StageDMA, // x
		StageWire, StageFilter, StageFIFO, // y
		StageWriteBack, StageMSI, // x
		StageDMA, StageWriteBack, // y
	}
	if !bytes.Equal(b.stages, want) {
		t.Errorf("stages %v, want %v", b.stages, want)
	}
}

// 82574 datasheet, "Packet Address Filtering". A frame whose check sequence is
// wrong is counted as such even if its address is another's: nothing in it can
// be trusted.
func TestTheFilterByKindOfAddress(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Frame)
		want   Stats
	}{
		{"this card's", nil, Stats{RxPackets: 1, RxBytes: 60}},
		{"everybody's", func(f *Frame) { copy(f.Bytes, Broadcast[:]) }, Stats{RxPackets: 1, RxBytes: 60, RxBroadcast: 1}},
		{"a group's", func(f *Frame) { f.Bytes[0] |= 1 }, Stats{Filtered: 1}},
		{"another's, and damaged", func(f *Frame) { f.FCS, f.Bytes[5] = 1, 9 }, Stats{RxCRCErrors: 1}},
		{"ours, padded by the sender", func(f *Frame) { f.Bytes = f.Bytes[:EthHeader] }, Stats{RxPackets: 1, RxBytes: 60}},
	} {
		b := newBench(t, nil)
		b.arrive("x", c.change)
		b.run(ever)
		c.want.Arrived, c.want.Interrupts = 1, c.want.RxPackets
		if b.Stats != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, b.Stats, c.want)
		}
	}
}

// TestADropSaysWhy: it is a stage of its own, with a row of Drops.
func TestADropSaysWhy(t *testing.T) {
	for _, c := range []struct {
		why    int64
		frame  func(*Frame)
		config func(*Config)
	}{
		{DropFilter, func(f *Frame) { f.Bytes[5] = 9 }, nil},
		{DropCRC, func(f *Frame) { f.FCS = 1 }, nil},
		{DropMissed, nil, func(c *Config) { c.FIFO = 59 }},
	} {
		b := newBench(t, c.config)
		b.arrive("x", c.frame)
		if r := b.runTo(StageDrop); r.Step != StageDrop || r.Obj != 0 || r.Arg != [2]int64{60, c.why} {
			t.Errorf("%s: %+v", Drops[c.why].Name, r)
		}
	}
}

func TestEveryStageIsExplained(t *testing.T) {
	for _, s := range slices.Concat(Stages[:], Drops[1:]) {
		if s.Name == "" || s.Say == "" || s.Why == "" {
			t.Errorf("%+v", s)
		}
	}
}

// The frame is in its buffer before the descriptor says so: a driver that reads
// DD finds all of it.
func TestDDIsSetAfterTheFrameIsInMemory(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("x", nil)
	c := b.Config.Costs
	b.run(84*c.WireByte + c.Filter + c.FIFO + c.DMA)
	if d := b.Descriptor(0, 0); d.Frame != 0 || d.Len != 60 || d.Done() || b.Queues[0].Head != 0 {
		t.Errorf("after the DMA %+v, head %d", d, b.Queues[0].Head)
	}
	b.run(b.now + c.WriteBack)
	if d := b.Descriptor(0, 0); !d.Done() || b.Queues[0].Head != 1 {
		t.Errorf("after the write-back %+v, head %d", d, b.Queues[0].Head)
	}
}

// What e1000_rx_checksum (e1000e netdev.c) makes of this is CHECKSUM_UNNECESSARY:
// ip_summed=1 in a trace of napi_gro_receive_entry.
func TestTheCardChecksTheChecksums(t *testing.T) {
	ip := func(i int) int { return EthHeader + i }
	for _, c := range []struct {
		name           string
		change         func(*Frame)
		status, errors uint8
	}{
		{"right", nil, StatusIPCS | StatusUDPCS, 0},
		{"header changed", func(f *Frame) { f.Bytes[ip(8)]-- }, StatusIPCS, ErrorIP},
		{"data changed", func(f *Frame) { f.Bytes[ip(28)]++ }, StatusIPCS | StatusUDPCS, ErrorL4},
		{"UDP length too great", func(f *Frame) { f.Bytes[ip(24)] = 1 }, StatusIPCS | StatusUDPCS, ErrorL4},
		{"no UDP checksum", func(f *Frame) { f.Bytes[ip(26)], f.Bytes[ip(27)] = 0, 0 }, StatusIPCS | StatusUDPCS, 0},
		{"ARP", func(f *Frame) { f.Bytes[13] = 6 }, 0, 0},
		// Pairs of changes that cancel each other out in the header's checksum.
		{"no TCP segment", func(f *Frame) { f.Bytes[ip(9)] -= 11; f.Bytes[ip(5)] += 11 }, StatusIPCS | StatusTCPCS, ErrorL4},
		{"another protocol", func(f *Frame) { f.Bytes[ip(9)] -= 10; f.Bytes[ip(5)] += 10 }, StatusIPCS, 0},
		{"first fragment", func(f *Frame) { f.Bytes[ip(6)] -= 0x20; f.Bytes[ip(4)] += 0x20 }, StatusIPCS, 0},
		{"last fragment", func(f *Frame) { f.Bytes[ip(6)] -= 0x3f; f.Bytes[ip(4)] += 0x3f }, StatusIPCS, 0},
	} {
		b := newBench(t, nil)
		b.arrive("hello", c.change)
		b.run(ever)
		if d := b.Descriptor(0, 0); d.Status != c.status|StatusDD|StatusEOP || d.Errors != c.errors {
			t.Errorf("%s: status %#x, errors %#x", c.name, d.Status, d.Errors)
		}
	}
}

// ethtool(8): rx-usecs is how long an interrupt is delayed after a frame comes,
// rx-frames how many frames end the delay. Nine frames, 10 us apart; the driver
// unmasks at once, so that only the card holds back.
func TestModerationOfAStream(t *testing.T) {
	for _, c := range []struct {
		name   string
		usecs  sim.Time
		frames int
		want   []int64 // how many frames each interrupt tells of
	}{
		{"off", 0, 0, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"by time", 25, 0, []int64{3, 3, 3}},
		{"shorter than the gaps", 5, 0, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"by frames", 100, 4, []int64{4, 4, 1}},
		{"by frames, where time ends first", 25, 4, []int64{3, 3, 3}},
		{"a limit of one frame is none", 25, 1, []int64{3, 3, 3}},
	} {
		b := newBench(t, func(cfg *Config) {
			cfg.Ring, cfg.RxUsecs, cfg.RxFrames = 64, c.usecs*sim.Microsecond, c.frames
		})
		var got []int64
		told := int64(0)
		for i := range sim.Time(30) {
			b.now = i * 10 * sim.Microsecond
			if i < 9 {
				b.arrive("x", nil)
			}
			for end := b.now + 10*sim.Microsecond - 1; b.q.PeekAt() <= end; {
				b.run(b.q.PeekAt())
				if len(b.messages) > len(got) {
					got = append(got, b.Stats.RxPackets-told)
					told = b.Stats.RxPackets
					b.WriteIMS(causeRxQ0, b.now, &b.q, sim.NoSeq)
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: interrupts for %v frames, want %v", c.name, got, c.want)
		}
	}
}

// A wait that enough frames have ended leaves its timer behind; it must not cut
// the next wait short.
func TestATimerEndsItsOwnWaitOnly(t *testing.T) {
	const usecs = 50 * sim.Microsecond
	b := newBench(t, func(c *Config) { c.RxUsecs, c.RxFrames = usecs, 2 })
	b.arrive("x", nil)
	b.arrive("y", nil)
	b.run(20 * sim.Microsecond)
	b.WriteIMS(causeRxQ0, b.now, &b.q, sim.NoSeq)
	b.now = 20 * sim.Microsecond
	b.arrive("z", nil)
	b.run(ever)
	if len(b.messages) != 2 || b.messages[1] < 20*sim.Microsecond+usecs {
		t.Errorf("interrupts at %v", b.messages)
	}
}

// A message is a memory write of the table's data to the table's address, and
// its record tells of the frame that was written back last.
func TestTheMessageIsWhatTheTableSays(t *testing.T) {
	b := newBench(t, nil)
	b.SetVector(0, 0xfee01000, 0x31)
	b.arrive("x", nil)
	b.arrive("y", nil)
	r := b.runTo(StageMSI)
	if r.Step != StageMSI || r.Obj != 0 || r.Arg != [2]int64{0xfee01000, 0x31} {
		t.Errorf("%+v", r)
	}
	e := b.q.Pop()
	for e.Kind != EvBusWrite {
		e = b.q.Pop()
	}
	if addr, data := BusWrite(&e); addr != 0xfee01000 || data != 0x31 {
		t.Errorf("%#x to %#x", data, addr)
	}
}

// A cause that is masked is still set, and ICR gives and clears it.
func TestACauseThatIsReadDoesNotInterrupt(t *testing.T) {
	b := newBench(t, nil)
	b.WriteIMC(causeRxQ0, b.now, &b.q, sim.NoSeq)
	b.arrive("x", nil)
	b.run(ever)
	if causes := b.ReadICR(b.now, &b.q, sim.NoSeq); causes != causeRxQ0 || b.ICR != 0 {
		t.Errorf("ICR gives %#x and leaves %#x", causes, b.ICR)
	}
	b.WriteIMS(causeRxQ0, b.now, &b.q, sim.NoSeq)
	b.run(ever)
	if len(b.messages) != 0 {
		t.Errorf("interrupts at %v", b.messages)
	}
}

// poll is what the driver's poll of a queue does: it takes all filled descriptors,
// gives them new buffers and moves the tail.
func (b *bench) poll(queue int32) (taken []int32) {
	rx := &b.Queues[queue]
	size := uint32(len(rx.Ring))
	next := (rx.Tail + 1) % size
	for ; b.Descriptor(queue, int32(next)).Done(); next = (next + 1) % size {
		taken = append(taken, b.Descriptor(queue, int32(next)).Frame)
		b.Refill(queue, int32(next), 0x1000)
	}
	b.WriteRDT(queue, (next+size-1)%size, b.now, &b.q, sim.NoSeq)
	return taken
}

// drawConfig draws a card.
func drawConfig(t *rapid.T) Config {
	cfg := DefaultConfig()
	cfg.SetQueues(rapid.IntRange(1, 5).Draw(t, "queues"))
	cfg.Ring = rapid.IntRange(2, 9).Draw(t, "ring")
	cfg.FIFO = rapid.SampledFrom([]int{59, 130, 4000, 65536}).Draw(t, "fifo")
	cfg.RxUsecs = rapid.SampledFrom([]sim.Time{0, 3 * sim.Microsecond, 50 * sim.Microsecond}).Draw(t, "rx_usecs")
	cfg.RxFrames = rapid.IntRange(0, 3).Draw(t, "rx_frames")
	cfg.AdaptiveRx = cfg.RxUsecs == 0 && rapid.Bool().Draw(t, "adaptive_rx")
	cfg.PCIe = rapid.Bool().Draw(t, "pcie")
	cfg.Promiscuous = rapid.Bool().Draw(t, "promiscuous")
	cfg.Costs.DMA = rapid.SampledFrom([]sim.Time{0, 500, 5000}).Draw(t, "dma")
	return cfg
}

// TestTheDriverGetsFramesInOrder: whatever the card and whenever the driver polls
// and masks, it gets every frame that was not dropped, once, and those of a queue
// in the order of their arrival. No frame is ever in two places, or in none.
func TestTheDriverGetsFramesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &bench{}
		cfg := drawConfig(t)
		b.Init(cfg, mac)
		taken := make([][]int32, cfg.Queues)
		for q := range int32(cfg.Queues) {
			b.WriteRDT(q, uint32(cfg.Ring-1), 0, &b.q, sim.NoSeq)
		}
		pollAll := func() {
			for q := range taken {
				taken[q] = append(taken[q], b.poll(int32(q))...)
			}
		}
		any := func(t *rapid.T) int32 { return rapid.Int32Range(0, int32(cfg.Queues)-1).Draw(t, "queue") }
		check := func(t *rapid.T) {
			if err := b.Check(); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				data := make([]byte, rapid.SampledFrom([]int{5, 60, 1472}).Draw(t, "data"))
				b.arrive(string(data), func(f *Frame) {
					f.FCS = rapid.SampledFrom([]uint32{0, 0, 0, 0, 1, 1 << 31}).Draw(t, "damage")
					f.Bytes[5] = rapid.SampledFrom([]byte{1, 1, 1, 9}).Draw(t, "station")
					f.Bytes[EthHeader+IPv4Header+1] = rapid.Byte().Draw(t, "port")
				})
			},
			"event": func(*rapid.T) { b.run(b.q.PeekAt()) },
			"poll": func(t *rapid.T) {
				q := any(t)
				taken[q] = append(taken[q], b.poll(q)...)
			},
			"rate":    func(t *rapid.T) { b.WriteITR(any(t), rapid.Uint32Range(0, 100).Draw(t, "itr")) },
			"irq on":  func(t *rapid.T) { b.WriteIMS(b.Cause(any(t)), b.now, &b.q, sim.NoSeq) },
			"irq off": func(t *rapid.T) { b.WriteIMC(b.Cause(any(t)), b.now, &b.q, sim.NoSeq) },
			"mask":    func(t *rapid.T) { b.MaskVector(int(any(t))) },
			"unmask":  func(t *rapid.T) { b.UnmaskVector(int(any(t)), b.now, &b.q, sim.NoSeq) },
			"":        check,
		})
		for range len(b.frames) + 1 { // at least one frame in each round
			b.run(ever)
			pollAll()
		}
		check(t)
		got := 0
		for q := range taken {
			got += len(taken[q])
			if !slices.IsSorted(taken[q]) || len(slices.Compact(slices.Clone(taken[q]))) != len(taken[q]) {
				t.Fatalf("the driver got %v from queue %d", taken[q], q)
			}
			for _, frame := range taken[q] {
				if want := b.Config.RSS.Queue(b.Config.RSS.Hash(b.frames[frame].Bytes)); int(want) != q {
					t.Fatalf("frame %d came through queue %d, not %d", frame, q, want)
				}
			}
		}
		if int64(got) != b.Stats.RxPackets || b.Stats.Arrived != int64(len(b.frames)) || b.FIFOLen > 0 {
			t.Fatalf("%d frames sent, %+v, the driver got %v", len(b.frames), b.Stats, taken)
		}
	})
}

// EITR: messages of a queue are at least the interval apart, and none is lost
// (82574 datasheet, "Interrupt Throttling").
func TestTheIntervalOfInterrupts(t *testing.T) {
	b := newBench(t, func(c *Config) { c.AdaptiveRx, c.Ring = true, 64 })
	b.WriteITR(0, 195) // 20,000 a second
	for range 20 {
		b.arrive("x", nil)
		b.now += 10 * sim.Microsecond
		for b.q.PeekAt() < b.now {
			at := b.now
			b.run(b.q.PeekAt())
			b.WriteIMS(causeRxQ0, b.now, &b.q, sim.NoSeq) // at once, as if the poll took no time
			b.now = at
		}
	}
	b.run(ever)
	if len(b.messages) != 5 || b.Queues[0].Held != 0 {
		t.Fatalf("interrupts at %v", b.messages)
	}
	for i := range b.messages[1:] {
		if gap := b.messages[i+1] - b.messages[i]; gap != 195*256 {
			t.Errorf("%s between two interrupts", gap)
		}
	}
}

// TestCheckFindsWrongBooks: what it checks is not true by construction.
func TestCheckFindsWrongBooks(t *testing.T) {
	for name, spoil := range map[string]func(*bench){
		"a frame vanishes":             func(b *bench) { b.FIFOLen-- },
		"a frame is counted twice":     func(b *bench) { b.Stats.RxPackets++ },
		"the FIFO forgets bytes":       func(b *bench) { b.FIFOBytes -= 60 },
		"the FIFO is fuller than full": func(b *bench) { b.Config.FIFO = 100 },
		"the tail is outside the ring": func(b *bench) { b.Queues[0].Tail = 8 },
	} {
		b := newBench(t, nil)
		for range 10 {
			b.arrive("x", nil)
		}
		b.run(ever)
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		spoil(b)
		if b.Check() == nil {
			t.Errorf("%s: nothing found", name)
		}
	}
}

// TestACopyIsExactAndOnItsOwn: into fresh and into used memory; what the copy
// does leaves the original as it was.
func TestACopyIsExactAndOnItsOwn(t *testing.T) {
	b := newBench(t, func(c *Config) { c.RxUsecs = 20 * sim.Microsecond })
	for range 12 {
		b.arrive("x", nil)
	}
	b.run(4 * sim.Microsecond)
	was := fmt.Sprint(b.NIC) // shares no memory with it
	var c NIC
	for range 2 {
		c.CopyFrom(&b.NIC)
		if d := cmp.Diff(b.NIC, c); d != "" {
			t.Fatalf("original -, copy +:\n%s", d)
		}
		other := bench{NIC: c, frames: b.frames}
		other.q.CopyFrom(&b.q)
		other.run(ever)
		other.poll(0)
		other.MaskVector(0)
		c = other.NIC
		if is := fmt.Sprint(b.NIC); is != was {
			t.Fatalf("the original was\n%s\nand is\n%s", was, is)
		}
	}
}
