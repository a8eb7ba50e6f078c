package stats_test

import (
	"testing"

	"ringside/kernel"
	"ringside/kernel/stats"
	"ringside/scenarios"
	"ringside/sim"
)

// watch runs an embedded scenario to its end.
func watch(t *testing.T, name string, each func(*kernel.Machine, *stats.Stats, *sim.Record)) (*kernel.Machine, *stats.Stats) {
	t.Helper()
	sc, err := scenarios.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg, _ := sc.Config()
	m, err := kernel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := stats.New(m)
	var r sim.Record
	for m.Step(&r) {
		s.See(&r)
		each(m, s, &r)
	}
	return m, s
}

// TestEveryNanosecondIsSpentOnce: the times of a core's contexts add up to the
// time that has passed, at every record, and what tasks are charged is what cores
// have spent in ring 3 and in their system calls, with ksoftirqd's share.
func TestEveryNanosecondIsSpentOnce(t *testing.T) {
	for _, name := range []string{"one-packet", "poisson-load", "preemptive", "exclusive", "loopback"} {
		m, s := watch(t, name, func(m *kernel.Machine, s *stats.Stats, r *sim.Record) {
			for i := range s.Cores {
				sum := sim.Time(0)
				for _, d := range s.Time(m, i) {
					sum += d
				}
				if sum != m.Now {
					t.Fatalf("%s: cpu%d has spent %s of %s", name, i, sum, m.Now)
				}
			}
		})
		var cores, tasks sim.Time
		for i := range s.Cores {
			cores += s.Cores[i].Time[stats.User] + s.Cores[i].Time[stats.Syscall]
		}
		calls := int64(0)
		for i := range s.Tasks {
			tasks += s.Tasks[i].User + s.Tasks[i].System
			for _, n := range s.Tasks[i].Calls {
				calls += n
			}
		}
		if cores != tasks || calls != m.Counters.Syscalls {
			t.Errorf("%s: cores %s, tasks %s; %d calls of %d", name, cores, tasks, calls, m.Counters.Syscalls)
		}
	}
}

// TestLatencyOfOnePacket: each station's time is that of its record.
func TestLatencyOfOnePacket(t *testing.T) {
	var arrived sim.Time
	want := map[stats.Station]sim.Time{}
	miles := map[kernel.Milestone]stats.Station{
		kernel.MileDMA: stats.DMA, kernel.MileMSI: stats.MSI, kernel.MileIRQ: stats.IRQ, kernel.MileSoftirq: stats.NetRx,
		kernel.MileSkb: stats.Skb, kernel.MileQueued: stats.Socket, kernel.MileWaking: stats.Wake, kernel.MileRead: stats.Read,
	}
	_, s := watch(t, "one-packet", func(_ *kernel.Machine, _ *stats.Stats, r *sim.Record) {
		mile := kernel.MilestoneOf(r)
		if mile == kernel.MileArrived {
			arrived = r.T
		}
		if st, ok := miles[mile]; ok {
			want[st] = r.T - arrived
		}
	})
	last := sim.Time(0)
	for st, h := range s.Histograms {
		at := want[stats.Station(st)]
		if h.TotalCount() != 1 || h.Max() < int64(at) || h.Max() > int64(at)+int64(at)/1000 || at <= last {
			t.Errorf("%s: %d packets, after %d ns; want %s, after %s", stats.Stations[st], h.TotalCount(), h.Max(), at, last)
		}
		last = at
	}
}

// TestEveryPacketIsFollowed: what was read has passed the card, the driver and
// the socket, and latencies only grow on the way.
func TestEveryPacketIsFollowed(t *testing.T) {
	m, s := watch(t, "poisson-load", func(*kernel.Machine, *stats.Stats, *sim.Record) {})
	for _, st := range []stats.Station{stats.DMA, stats.Skb, stats.Socket, stats.Read} {
		if n := s.Histograms[st].TotalCount(); n != m.NIC.Stats.RxPackets {
			t.Errorf("%s: %d of %d packets", stats.Stations[st], n, m.NIC.Stats.RxPackets)
		}
	}
	light, heavy := s.Flows[0].Read, s.Flows[1].Read
	if light.TotalCount() != 40 || heavy.TotalCount() != 200 || heavy.ValueAtQuantile(90) < 5*light.ValueAtQuantile(90) {
		t.Errorf("light: %d packets, heavy: %d", light.TotalCount(), heavy.TotalCount())
	}
}
