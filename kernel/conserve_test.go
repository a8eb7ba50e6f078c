package kernel

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"ringside/sim"
)

// books follow a run of UDP packets by its records and hold them, at each
// record, against the machine's own figures: what was sent is read, dropped with
// a counter, or somewhere on its way.
type books struct {
	m           *Machine
	card, ring  int64 // packets in the card, and in memory
	taken, gone int64 // skbs made of them, and given back
	drops       int64 // by the card
	delivered   int64
}

// see books a record and checks what can be checked at once.
func (b *books) see(r *sim.Record) error {
	m := b.m
	switch MilestoneOf(r) {
	case MileArrived:
		b.card++
	case MileDropped:
		b.card--
		b.drops++
	case MileSkb:
		b.taken++
		b.ring--
	case MileRead:
		b.delivered++
	case MileFreed:
		b.gone++
	default:
		if r.Fn == uint16(fnWriteBack) {
			b.card--
			b.ring++
		}
	}
	n, c := &m.NIC.Stats, &m.Counters
	inRing := int64(m.inRing())
	stack := b.taken - b.gone
	switch {
	case b.card != int64(m.NIC.FIFOLen+m.NIC.Moving), n.Arrived != b.card+n.RxPackets+b.drops:
		return fmt.Errorf("%d packets have arrived; the card has %d, has dropped %d and handed over %d", n.Arrived, b.card, b.drops, n.RxPackets)
	case b.drops != n.RxMissedErrors+n.RxCRCErrors+n.Filtered:
		return fmt.Errorf("the card has dropped %d packets, and counted others", b.drops)
	case n.RxPackets != b.ring+b.taken, inRing != b.ring && inRing != b.ring-1: // one may be on its way to napi_gro_receive
		return fmt.Errorf("%d packets were put into memory; %d of them were taken, %d wait, and %d descriptors are full", n.RxPackets, b.taken, b.ring, inRing)
	case b.delivered != c.Delivered:
		return fmt.Errorf("%d packets were read, and %d counted", b.delivered, c.Delivered)
	case stack < 0 || stack > b.taken-b.delivered-c.RcvbufErrors-c.NoPorts-c.Unread+1:
		return fmt.Errorf("%d skbs are left of %d", stack, b.taken)
	}
	return nil
}

// scan looks everywhere: each packet is in one place.
func (b *books) scan() error {
	n, c, w := &b.m.NIC.Stats, &b.m.Counters, b.m.Waiting()
	ended := b.drops + c.Delivered + c.RcvbufErrors + c.NoPorts + c.Unread + c.InCsumErrors + c.InHdrErrors + c.InAddrErrors
	read := int64(0) // read, and not yet freed
	for i := range b.m.Tasks {
		for _, f := range b.m.Context(TaskID(i)).Kernel.F {
			if f.Code == fnSkbConsumeUDP {
				read++
			}
		}
	}
	if got := ended + int64(w.Total()) - read; got != n.Arrived {
		return fmt.Errorf("%d packets have arrived: %d have come to an end, %d are on their way (%+v)", n.Arrived, ended, w.Total(), w)
	}
	return nil
}

// scanEvery is how often everything is looked through: the rest is checked at
// every record.
const scanEvery = 5000

// conserves runs a machine to its end.
func conserves(cfg *Config) (*Machine, error) {
	m, err := New(cfg)
	if err != nil {
		return nil, err
	}
	b := &books{m: m}
	var r sim.Record
	for i := 0; m.Step(&r); i++ {
		if err := b.see(&r); err != nil {
			return m, fmt.Errorf("record %d, %s: %w", i, m.Fn(&r), err)
		}
		if i%scanEvery == 0 {
			if err := b.scan(); err != nil {
				return m, fmt.Errorf("record %d: %w", i, err)
			}
			if err := m.check(); err != nil {
				return m, fmt.Errorf("record %d: %w", i, err)
			}
		}
	}
	if m.Fault != "" {
		return m, fmt.Errorf("the run was given up: %s", m.Fault)
	}
	return m, b.scan()
}

// poisson is a load of n packets, rate a second, for a server that computes for
// a while with each.
func poisson(t testing.TB, n int, rate int64, work string) *Config {
	cfg := config(1, []ThreadConfig{thread(t, "server", `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
var buf [512]byte
for {
	read(s, buf, 512)
	compute(`+work+`)
}`, -1, 0)}, packet(100*sim.Microsecond, 7000, ""))
	p := &cfg.Wire[0]
	p.Count, p.Pace, p.Rate, p.Size = n, PacePoisson, rate, MinFrame
	return cfg
}

// TestPacketsAreConserved: whatever the load, the card and the limits, no packet
// is lost without a counter and none is counted twice.
func TestPacketsAreConserved(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		draw := func(name string, from ...int) int { return rapid.SampledFrom(from).Draw(t2, name) }
		cfg := poisson(t, 400, int64(draw("rate", 20_000, 150_000, 600_000, 1_400_000)), fmt.Sprintf("%d*ns", draw("work", 0, 500, 4000, 50000)))
		cfg.Seed = rapid.Uint64().Draw(t2, "seed")
		cfg.CPUs = draw("cores", 1, 2)
		cfg.IRQCPU = []int{draw("irq", 0, cfg.CPUs-1)}
		cfg.NIC.Ring, cfg.NIC.FIFO = draw("ring", 8, 32, 256), draw("fifo", 2048, 65536)
		cfg.NIC.RxUsecs = sim.Time(draw("rx_usecs", 0, 20)) * sim.Microsecond
		cfg.Params.RMem, cfg.Params.NAPIWeight, cfg.Params.Budget = draw("rmem", 1, 20_000, 212_992), draw("weight", 4, 64), draw("budget", 5, 300)
		p := &cfg.Wire[0]
		p.Size, p.Burst = draw("size", 64, 600, 1518), int32(draw("burst", 4, 64))
		p.Pace = rapid.SampledFrom([]Pace{PaceConstant, PacePoisson, PaceBurst}).Draw(t2, "pace")
		if to := draw("port", 7000, 7000, 7001); to != 7000 {
			cfg.Wire = append(cfg.Wire, packet(p.At, 7001, "nobody's"))
		}
		if m, err := conserves(cfg); err != nil {
			t2.Fatal(err)
		} else if n := m.NIC.Stats.Arrived; n != int64(len(cfg.Wire)-1)+400 {
			t2.Fatalf("%d packets have arrived", n)
		}
	})
}

// BenchmarkConservation is the same with a million packets.
func BenchmarkConservation(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		cfg := poisson(b, n, 500_000, "1*us")
		cfg.Params.RMem = 40_000
		m, err := conserves(cfg)
		if err != nil {
			b.Fatal(err)
		}
		if c := &m.Counters; m.NIC.Stats.Arrived != n || c.RcvbufErrors == 0 || c.Delivered == 0 {
			b.Fatalf("%d arrived, %d read, %d found no room: %s", m.NIC.Stats.Arrived, c.Delivered, c.RcvbufErrors, m.Now)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}
