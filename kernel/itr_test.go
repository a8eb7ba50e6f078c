package kernel

import (
	"math"
	"testing"

	"ringside/sim"
)

// e1000_update_itr (e1000e netdev.c).
func TestTheClassOfLatency(t *testing.T) {
	for _, c := range []struct {
		class          uint8
		packets, bytes int32
		want           uint8
	}{
		{LowestLatency, 0, 0, LowestLatency},
		{LowestLatency, 1, 60, LowestLatency},
		{LowestLatency, 4, 1000, LowLatency},
		{LowestLatency, 5, 1000, LowestLatency},
		{LowestLatency, 2, 18000, BulkLatency},
		{LowLatency, 2, 120, LowestLatency},
		{LowLatency, 3, 180, LowLatency},
		{LowLatency, 2, 5000, BulkLatency},
		{LowLatency, 9, 12000, BulkLatency},
		{LowLatency, 12, 18000, BulkLatency},
		{LowLatency, 36, 12000, LowestLatency},
		{LowLatency, 20, 12000, LowLatency},
		{BulkLatency, 4, 5999, LowLatency},
		{BulkLatency, 4, 6000, BulkLatency},
		{BulkLatency, 35, 30000, BulkLatency},
		{BulkLatency, 36, 30000, LowLatency},
	} {
		if got := updateITR(c.class, c.packets, c.bytes); got != c.want {
			t.Errorf("%s, %d packets of %d bytes: %s, want %s", LatencyClasses[c.class], c.packets, c.bytes, LatencyClasses[got], LatencyClasses[c.want])
		}
	}
}

// A thin stream of small packets is told with the lowest latency, and the rate gets
// there in steps. Long frames at 1 Gbit/s are four in 50 us: a quarter of the
// interrupts, and too little in one poll to count as bulk.
func TestAdaptiveModeration(t *testing.T) {
	for _, c := range []struct {
		name  string
		data  int
		every sim.Time
		class uint8
		rates []int64 // first, and last
		irqs  [2]int64
	}{
		{"small and few", 5, 100 * sim.Microsecond, LowestLatency, []int64{37500, 70000}, [2]int64{100, 100}},
		{"long frames at the speed of the wire", 1472, 12500 * sim.Nanosecond, LowLatency, []int64{20000, 20000}, [2]int64{25, 27}},
	} {
		p := packet(100*sim.Microsecond, 7000, string(make([]byte, c.data)))
		p.Count, p.Every = 100, c.every
		cfg := config(1, []ThreadConfig{thread(t, "server", epollServer, -1, 0)}, p)
		cfg.NIC.AdaptiveRx = true
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		tl := sim.NewTimeline(m, Fresh, sim.Options{Check: true})
		var rates []int64
		tl.OnAppend = func(m *Machine, r *sim.Record, _ sim.Seq) {
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
			if r.Fn == uint16(fnE1000SetITR) {
				rates = append(rates, r.Arg[1])
			}
		}
		tl.Run(math.MaxInt32)
		m = tl.Machine()
		if rates[0] != c.rates[0] || rates[len(rates)-1] != c.rates[1] || m.Napis[0].Class != c.class {
			t.Errorf("%s: rates %v, %s", c.name, rates, LatencyClasses[m.Napis[0].Class])
		}
		if n := m.Counters.IRQs; n < c.irqs[0] || n > c.irqs[1] {
			t.Errorf("%s: %d interrupts", c.name, n)
		}
		tl.Seek(tl.Len() / 2)
	}
}
