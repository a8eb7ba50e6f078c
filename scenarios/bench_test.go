package scenarios

import (
	"testing"

	"ringside/scenarios/lanes"
)

// BenchmarkMillionPackets runs a million packets through card, stack and epoll,
// from the file to the counters.
func BenchmarkMillionPackets(b *testing.B) {
	for b.Loop() {
		s, err := Load("testdata/million-packets.yaml")
		if err != nil {
			b.Fatal(err)
		}
		cfg, err := s.Config()
		if err != nil {
			b.Fatal(err)
		}
		_, m, err := lanes.Model(cfg, lanes.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if m.Counters.Delivered != 1_000_000 {
			b.Fatalf("%d packets reached the program", m.Counters.Delivered)
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "packets/s")
}
