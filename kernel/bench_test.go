package kernel

import (
	"math"
	"testing"
	"unsafe"

	"ringside/sim"
)

// load is the flagship's program with n packets, one every 20 us: each takes the
// whole way, from an interrupt to a wakeup.
func load(b *testing.B, n int, every sim.Time) *Config {
	cfg := config(1, []ThreadConfig{thread(b, "server", epollServer, -1, 0)}, packet(100*sim.Microsecond, 7000, "hello"))
	cfg.Wire[0].Count, cfg.Wire[0].Every = n, every
	return cfg
}

// BenchmarkStep is the model alone, without a log.
func BenchmarkStep(b *testing.B) {
	m, err := New(load(b, math.MaxInt32, 20*sim.Microsecond))
	if err != nil {
		b.Fatal(err)
	}
	var r sim.Record
	for range 10000 {
		m.Step(&r)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !m.Step(&r) {
			b.Fatal(m.Fault)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Msteps/s")
}

// BenchmarkPackets is packets a second with the whole log and the snapshots of
// time travel; a run holds 20,000 packets.
func BenchmarkPackets(b *testing.B) {
	for _, c := range []struct {
		name  string
		every sim.Time
	}{{"one at a time", 20 * sim.Microsecond}, {"back to back", 672}} {
		b.Run(c.name, func(b *testing.B) {
			const n = 20000
			records, packets := 0.0, 0.0
			for b.Loop() {
				m, err := New(load(b, n, c.every))
				if err != nil {
					b.Fatal(err)
				}
				tl := sim.NewTimeline(m, Fresh, sim.Options{})
				tl.Run(math.MaxInt32)
				records += float64(tl.Len())
				packets += n
			}
			b.ReportMetric(packets/b.Elapsed().Seconds(), "packets/s")
			b.ReportMetric(records/b.Elapsed().Seconds()/1e6, "Mrecords/s")
			b.ReportMetric(records/packets, "records/packet")
			b.ReportMetric(float64(unsafe.Sizeof(sim.Record{})), "B/record")
		})
	}
}
