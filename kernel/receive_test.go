package kernel

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"ringside/sim"
)

// flood is a machine with one core and a slow processor that gets a packet a
// microsecond.
func flood(t testing.TB, noNAPI bool, threads ...ThreadConfig) *Config {
	p := packet(100*sim.Microsecond, 7000, "hello")
	p.Count, p.Every = 10000, sim.Microsecond
	cfg := config(1, threads, p)
	cfg.NIC.Ring, cfg.NIC.FIFO, cfg.Stop = 64, 16<<10, 10*sim.Millisecond
	cfg.Params.NoNAPI, cfg.Params.Backlog, cfg.Params.Slice = noNAPI, 300, sim.Millisecond
	cfg.Costs = map[string]sim.Time{"rx_descriptor": 450, "ip_rcv": 400}
	return cfg
}

// tirelessServer reads datagrams, one at a time, for ever.
const tirelessServer = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
var buf [64]byte
for { recv(s, buf, 64, 0) }`

// spent is how long a machine's cores were in each context.
func spent(t fatal, m *Machine) (in [CtxDevice + 1]sim.Time) {
	for _, r := range runAll(t, m, 10_000_000) {
		in[r.Ctx] += r.Dur
	}
	return in
}

// TestReceiveLivelock: Mogul and Ramakrishnan, "Eliminating Receive Livelock in
// an Interrupt-driven Kernel", figure 6-1: without polling, throughput goes to
// nothing as the load grows; with it, it stays.
func TestReceiveLivelock(t *testing.T) {
	for _, noNAPI := range []bool{true, false} {
		m, err := New(flood(t, noNAPI, thread(t, "server", tirelessServer, 0, 0)))
		if err != nil {
			t.Fatal(err)
		}
		in := spent(t, m)
		hard := float64(in[CtxHardirq]+in[CtxHardware]) / float64(m.Config.Stop)
		if noNAPI && (m.Counters.Delivered > 10 || m.BacklogDropped() < 5000 || hard < 0.9) {
			t.Errorf("without NAPI: %d delivered, %d dropped at the backlog, %.2f of the time in hard interrupts", m.Counters.Delivered, m.BacklogDropped(), hard)
		}
		if !noNAPI && (m.Counters.Delivered < 2500 || m.BacklogDropped() > 0 || hard > 0.01 || m.NIC.Stats.RxMissedErrors == 0) {
			t.Errorf("with NAPI: %d delivered, %.2f of the time in hard interrupts, %d dropped by the card", m.Counters.Delivered, hard, m.NIC.Stats.RxMissedErrors)
		}
	}
}

// TestAFloodEndsInKsoftirqd: Documentation/networking/napi.rst and
// kernel/softirq.c: softirqs that do not end are left to a thread, and share the
// core with programs as any other.
func TestAFloodEndsInKsoftirqd(t *testing.T) {
	m, err := New(flood(t, false, thread(t, "hog", "for { compute(1*ms) }", 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	var user, ksoftirqd sim.Time
	for _, r := range runAll(t, m, 10_000_000) {
		if r.T < sim.Millisecond || r.Ctx == CtxDevice {
			continue
		}
		switch {
		case int32(r.Task) == m.CPUs[0].Ksoftirqd:
			ksoftirqd += r.Dur
		case r.Ctx == CtxUser:
			user += r.Dur
		}
	}
	if part := float64(user) / float64(user+ksoftirqd); part < 0.4 || part > 0.6 {
		t.Errorf("the program ran %s and ksoftirqd %s", user, ksoftirqd)
	}
}

// checkConserved: every datagram that has come is in one place, or one counter
// of those that were dropped counts it.
func (m *Machine) checkConserved() error {
	s, c := &m.NIC.Stats, &m.Counters
	where := s.RxCRCErrors + s.RxMissedErrors + s.Filtered + int64(m.NIC.FIFOLen+m.NIC.Moving)
	for q := range m.Napis { // filled, and not taken
		rx := &m.NIC.Queues[q]
		size := int64(len(rx.Ring))
		where += rx.Stats.Drops + (int64(rx.Head)-int64(m.Napis[q].Next)+size)%size
	}
	for i := range m.Skbs {
		if m.Skbs[i].InUse {
			where++
		}
	}
	where += c.UserRx + c.Delivered + c.RcvbufErrors + c.NoPorts + c.InCsumErrors + c.InHdrErrors + c.InAddrErrors + m.BacklogDropped()
	for t := range m.Tasks { // read, and about to be freed
		for _, f := range m.Context(TaskID(t)).Kernel.F {
			if f.Code == fnSkbConsumeUDP {
				where--
			}
		}
	}
	if where != s.Arrived {
		return fmt.Errorf("%d datagrams have come, %d are accounted for", s.Arrived, where)
	}
	return nil
}

// TestDatagramsAreConserved: whatever the load, the limits and the driver.
func TestDatagramsAreConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cores := rapid.IntRange(1, 2).Draw(t, "cores")
		var threads []ThreadConfig
		for i := range rapid.IntRange(1, 3).Draw(t, "threads") {
			src := rapid.SampledFrom([]string{tirelessServer, burstServer, "compute(200*us)\n" + tirelessServer, spinner(30)}).Draw(t, "program")
			threads = append(threads, compiled(t, fmt.Sprint("t", i), src, -1, 0))
		}
		cfg := config(cores, threads)
		cfg.NIC.SetQueues(rapid.IntRange(1, 2).Draw(t, "queues"))
		cfg.NIC.Ring = rapid.SampledFrom([]int{8, 64, 256}).Draw(t, "ring")
		cfg.NIC.FIFO = rapid.SampledFrom([]int{2048, 65536}).Draw(t, "fifo")
		cfg.NIC.RxUsecs = sim.Time(rapid.SampledFrom([]int{0, 20_000}).Draw(t, "rx_usecs"))
		cfg.Params.BusyPoll = sim.Time(rapid.SampledFrom([]int{0, 20_000}).Draw(t, "busy poll"))
		cfg.Params.NoNAPI = rapid.Bool().Draw(t, "no napi")
		cfg.Params.Budget = rapid.SampledFrom([]int{4, 300}).Draw(t, "budget")
		cfg.Params.NAPIWeight = rapid.SampledFrom([]int{2, 64}).Draw(t, "weight")
		cfg.Params.Backlog = rapid.SampledFrom([]int{1, 20, 1000}).Draw(t, "backlog")
		cfg.Params.RMem = rapid.SampledFrom([]int{3000, 212992}).Draw(t, "rmem")
		cfg.Costs = map[string]sim.Time{"rx_descriptor": sim.Time(rapid.IntRange(10, 900).Draw(t, "rx_descriptor")), "ip_rcv": sim.Time(rapid.IntRange(10, 900).Draw(t, "ip_rcv"))}
		for i := range rapid.IntRange(1, 3).Draw(t, "flows") {
			p := packet(sim.Time(rapid.IntRange(0, 50_000).Draw(t, "at")), uint16(7000+i/2), "hello")
			p.From = netip.AddrPortFrom(p.From.Addr(), uint16(5555+i))
			p.Count, p.Every = rapid.IntRange(1, 150).Draw(t, "count"), sim.Time(rapid.IntRange(300, 5000).Draw(t, "every"))
			cfg.Wire = append(cfg.Wire, p)
		}
		cfg.Stop = sim.Millisecond
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		for m.Step(&r) {
			if err := m.checkConserved(); err != nil {
				t.Fatalf("after %s: %v", m.StepText(&r, m.Seq-1), err)
			}
		}
		if m.Fault != "" {
			t.Fatal(m.Fault)
		}
	})
}
