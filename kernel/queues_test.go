package kernel

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"ringside/sim"
)

// fourFlows is a machine of four cores and four queues, with a server on each
// core whose flow's hash leads to the queue of that core.
func fourFlows(t testing.TB, packets int) *Config {
	cfg := config(4, nil)
	cfg.NIC.SetQueues(4)
	for q := range 4 {
		port := 7000 + uint16(q)
		src := strings.Replace(epollServer, "7000", strconv.Itoa(int(port)), 1)
		cfg.Threads = append(cfg.Threads, thread(t, "server"+strconv.Itoa(q), src, q, 0))
		p := packet(100*sim.Microsecond+sim.Time(q), port, "hello")
		for queueOf(cfg, &p) != q {
			p.From = netip.AddrPortFrom(p.From.Addr(), p.From.Port()+1)
		}
		p.Count, p.Every = packets, 10*sim.Microsecond
		cfg.Wire = append(cfg.Wire, p)
	}
	return cfg
}

// Each queue has its vector, its interrupt goes to its own core, and all of a
// packet's softirq runs there, too (Documentation/networking/scaling.rst, "RSS").
func TestEachQueueIsServedByItsOwnCore(t *testing.T) {
	m, err := New(fourFlows(t, 5))
	if err != nil {
		t.Fatal(err)
	}
	var polls [4][4]int
	var r sim.Record
	for m.Step(&r) {
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Point == PointIRQHandlerEntry && r.Arg[0] != CardIRQ+int64(r.CPU):
			t.Fatalf("interrupt %d on core %d", r.Arg[0], r.CPU)
		case r.Point == PointNAPIPoll:
			polls[r.CPU][r.Obj]++
		}
	}
	for cpu := range polls {
		for queue, n := range polls[cpu] {
			if (n > 0) != (cpu == queue) {
				t.Errorf("queue %d was polled %d times on core %d", queue, n, cpu)
			}
		}
		if got := m.NIC.Queues[cpu].Stats.Packets; got != 5 {
			t.Errorf("queue %d: %d packets", cpu, got)
		}
	}
	if m.Counters.Delivered != 20 {
		t.Errorf("%d delivered", m.Counters.Delivered)
	}
}

// All queues on one core are polled in turn, each for its weight, and share the
// budget of the softirq (net_rx_action).
func TestQueuesOfOneCoreShareTheBudget(t *testing.T) {
	cfg := fourFlows(t, 100)
	cfg.IRQCPU = []int{0, 0, 0, 0}
	cfg.Params.NAPIWeight, cfg.Params.Budget = 2, 5
	for i := range cfg.Wire {
		cfg.Wire[i].Every = sim.Microsecond
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	most := 0
	for m.Step(&r) {
		if r.Point == PointNAPIPoll {
			listed := 0
			for i := range m.Napis {
				if m.Napis[i].Sched {
					listed++
				}
			}
			most = max(most, listed)
		}
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
	}
	received := int64(0)
	for q := range m.NIC.Queues {
		received += m.NIC.Queues[q].Stats.Packets
	}
	if most != 4 || m.CPUs[0].Squeezed == 0 || int(received) != 400 || m.Counters.InDatagrams+m.Counters.RcvbufErrors != 400 {
		t.Errorf("%d instances at most, squeezed %d times, %d received, %+v", most, m.CPUs[0].Squeezed, received, m.Counters)
	}
}

// The packet knows its hash and its queue (igb_rx_hash, skb_record_rx_queue), and
// the driver has igb's names.
func TestThePacketHasItsHash(t *testing.T) {
	m, err := New(fourFlows(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var r sim.Record
	for m.Step(&r) {
		if r.Point == PointNAPIGROReceive {
			s := &m.Skbs[r.Obj]
			hash, _ := m.Config.NIC.RSS.Hash(m.Frames[s.Frame].Bytes)
			if s.Hash != hash || !s.L4Hash || s.RxQueue != uint8(s.Frame)+1 {
				t.Errorf("frame %d: hash %#x, queue %d", s.Frame, s.Hash, s.RxQueue)
			}
			seen++
		}
	}
	if seen != 4 || m.Text.Codes[fnE1000Poll].Name != "igb_poll" {
		t.Errorf("%d packets, driver %s", seen, m.Text.Codes[fnE1000Poll].Name)
	}
}

func TestARunWithQueuesCanBeRewound(t *testing.T) {
	m, err := New(fourFlows(t, 20))
	if err != nil {
		t.Fatal(err)
	}
	tl := sim.NewTimeline(m, Fresh, sim.Options{Check: true, Every: 64})
	tl.Run(math.MaxInt32)
	for pos := tl.Len(); pos > 0; pos -= 97 {
		tl.Seek(pos)
	}
}

// What the card lets in is not yet for the host: eth_type_trans says whom a frame
// is for, and ip_rcv_core drops what is another's. The card's word on checksums
// decides whether the stack computes them (CHECKSUM_UNNECESSARY).
func TestWhatThePromiscuousCardLetsIn(t *testing.T) {
	for _, c := range []struct {
		name                                          string
		change                                        func(*Packets)
		delivered, otherHost, hwGood, hwErr, csumErrs int64
	}{
		{"ours", func(*Packets) {}, 1, 0, 1, 0, 0},
		{"another's", func(p *Packets) { p.MAC = [6]byte{2, 0, 0, 0, 0, 9} }, 0, 1, 1, 0, 0},
		{"everybody's", func(p *Packets) { p.MAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }, 1, 0, 1, 0, 0},
		{"a group's", func(p *Packets) { p.MAC = [6]byte{1, 0, 0x5e, 0, 0, 1} }, 1, 0, 1, 0, 0},
		{"damaged", func(p *Packets) { p.BadFCS = true }, 0, 0, 0, 0, 0},
		{"wrong checksum", func(p *Packets) { p.BadCsum = true }, 0, 0, 0, 1, 1},
	} {
		p := packet(100*sim.Microsecond, 7000, "hello")
		c.change(&p)
		cfg := config(1, []ThreadConfig{thread(t, "server", epollServer, -1, 0)}, p)
		cfg.NIC.Promiscuous = true
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		for m.Step(&r) {
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
		}
		n := &m.Counters
		if n.Delivered != c.delivered || n.OtherHost != c.otherHost || n.HwCsumGood != c.hwGood || n.HwCsumErr != c.hwErr || n.InCsumErrors != c.csumErrs {
			t.Errorf("%s: %+v", c.name, *n)
		}
	}
}

// A driver that has emptied the ring does not find the frames of the round before:
// it clears the status of what it takes (e1000_clean_rx_irq).
func TestASmallRingIsNotReadTwice(t *testing.T) {
	p := packet(100*sim.Microsecond, 7000, "hello")
	p.Count, p.Every = 50, sim.Microsecond
	cfg := config(1, []ThreadConfig{thread(t, "server", epollServer, -1, 0)}, p)
	cfg.NIC.Ring, cfg.NIC.RxUsecs = 8, 300*sim.Microsecond
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	for m.Step(&r) {
		if got := m.Counters.InDatagrams; got > m.NIC.Stats.RxPackets {
			t.Fatalf("%d datagrams out of %d frames", got, m.NIC.Stats.RxPackets)
		}
	}
	if m.Counters.Delivered != 50 {
		t.Errorf("%d delivered", m.Counters.Delivered)
	}
}
