package kernel

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"ringside/nic"
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

// drainingServer reads until there is nothing left, as servers do.
const drainingServer = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
ep := epoll_create1(0)
epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
var events [8]epoll_event
var buf [512]byte
for {
	epoll_wait(ep, events, 8, -1)
	for recvfrom(s, buf, 512, MSG_DONTWAIT) > 0 {
	}
}`

// bursts is n packets in bursts of 64 at the speed of the wire, 200 us apart: one
// interrupt a burst, and the rest is polled.
func bursts(b *testing.B, n int) *Config {
	cfg := config(1, []ThreadConfig{thread(b, "server", drainingServer, -1, 0)})
	for i := range 64 {
		p := packet(100*sim.Microsecond+sim.Time(i)*672, 7000, "hello")
		p.Count, p.Every = n/64, 200*sim.Microsecond
		cfg.Wire = append(cfg.Wire, p)
	}
	return cfg
}

// fourQueues is bursts for four cores: each has a server of its own, and a flow
// whose hash leads to its core's queue.
func fourQueues(b *testing.B, n int) *Config {
	cfg := config(4, nil)
	cfg.NIC.SetQueues(4)
	for q := range 4 {
		port := uint16(7000 + q)
		src := strings.Replace(drainingServer, "7000", strconv.Itoa(int(port)), 1)
		cfg.Threads = append(cfg.Threads, thread(b, fmt.Sprint("server", q), src, q, 0))
	}
	for i := range 64 {
		p := packet(100*sim.Microsecond+sim.Time(i)*672, 7000+uint16(i%4), "hello")
		for queueOf(cfg, &p) != i%4 {
			p.From = netip.AddrPortFrom(p.From.Addr(), p.From.Port()+1)
		}
		p.Count, p.Every = n/64, 200*sim.Microsecond
		cfg.Wire = append(cfg.Wire, p)
	}
	return cfg
}

// queueOf is the receive queue that a packet goes to.
func queueOf(cfg *Config, p *Packets) int {
	frame, _ := nic.BuildUDP(HostMAC, HostMAC, p.From, p.To, p.Payload)
	return int(cfg.NIC.RSS.Queue(cfg.NIC.RSS.Hash(frame)))
}

// BenchmarkPackets is packets a second with the whole log and the snapshots of
// time travel; a run holds 19,200 packets, and all of them reach the program.
func BenchmarkPackets(b *testing.B) {
	const n = 19200
	for _, c := range []struct {
		name string
		cfg  *Config
	}{{"an interrupt each", load(b, n, 20*sim.Microsecond)}, {"bursts of 64", bursts(b, n)}, {"4 queues", fourQueues(b, n)}} {
		b.Run(c.name, func(b *testing.B) {
			records, packets := 0.0, 0.0
			for b.Loop() {
				m, err := New(c.cfg)
				if err != nil {
					b.Fatal(err)
				}
				tl := sim.NewTimeline(m, Fresh, sim.Options{})
				tl.Run(math.MaxInt32)
				records += float64(tl.Len())
				packets += n
				if got := tl.Machine().Counters.Delivered; got != n {
					b.Fatalf("%d of %d packets delivered", got, n)
				}
			}
			b.ReportMetric(packets/b.Elapsed().Seconds(), "packets/s")
			b.ReportMetric(records/b.Elapsed().Seconds()/1e6, "Mrecords/s")
			b.ReportMetric(records/packets, "records/packet")
			b.ReportMetric(float64(unsafe.Sizeof(sim.Record{})), "B/record")
		})
	}
}

// BenchmarkRecords is recorded steps a second: the flagship's program, a packet
// every 20 us, with the log and the snapshots of time travel. A run in memory
// that the process has never touched pays for its pages; a further run, in
// memory that an earlier one has used, does not.
func BenchmarkRecords(b *testing.B) {
	record := func(b *testing.B, n sim.Seq) {
		m, err := New(load(b, math.MaxInt32, 20*sim.Microsecond))
		if err != nil {
			b.Fatal(err)
		}
		sim.NewTimeline(m, Fresh, sim.Options{}).Run(n)
	}
	b.Run("fresh memory", func(b *testing.B) {
		b.ReportAllocs()
		record(b, sim.Seq(b.N))
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrecords/s")
	})
	b.Run("used memory", func(b *testing.B) {
		const n = 1_000_000
		for range 5 {
			record(b, n)
		}
		b.ResetTimer()
		runs := 0
		for b.Loop() {
			record(b, n)
			runs++
		}
		b.ReportMetric(float64(runs)*n/b.Elapsed().Seconds()/1e6, "Mrecords/s")
	})
}

// million is a timeline of a million records.
func million(b *testing.B) *sim.Timeline[*Machine] {
	m, err := New(load(b, math.MaxInt32, 20*sim.Microsecond))
	if err != nil {
		b.Fatal(err)
	}
	tl := sim.NewTimeline(m, Fresh, sim.Options{})
	tl.Run(1_000_000)
	return tl
}

// quantile measures an action many times and reports how long it took at most
// in half and in 99 of 100 cases.
func quantile(b *testing.B, do func(i int)) {
	var took []time.Duration
	i := 0
	for b.Loop() {
		start := time.Now()
		do(i)
		took = append(took, time.Since(start))
		i++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-us")
}

// BenchmarkSeek goes to random places of a million records.
func BenchmarkSeek(b *testing.B) {
	tl := million(b)
	rng := sim.NewRand(1)
	quantile(b, func(int) { tl.Seek(sim.Seq(rng.IntN(1_000_000))) })
}

// BenchmarkStepBack takes one step back after another, from random places.
func BenchmarkStepBack(b *testing.B) {
	tl := million(b)
	rng := sim.NewRand(1)
	quantile(b, func(i int) {
		if i%500 == 0 {
			b.StopTimer()
			tl.Seek(sim.Seq(500_000 + rng.IntN(500_000)))
			b.StartTimer()
		}
		tl.Back()
	})
}

// many is a server that watches n sockets, of which one gets the packets.
func many(b *testing.B, n int) *Config {
	src := fmt.Sprintf(`ep := epoll_create1(0)
for i := 0; i < %d; i++ {
	s := socket(AF_INET, SOCK_DGRAM, 0)
	if i == 0 {
		bind(s, ":7000")
	}
	epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
}
var events [8]epoll_event
var buf [512]byte
for {
	n := epoll_wait(ep, events, 8, -1)
	for i := 0; i < n; i++ {
		read(events[i].fd, buf, 512)
	}
}`, n)
	cfg := config(1, []ThreadConfig{thread(b, "server", src, -1, 0)}, packet(sim.Second, 7000, "hello"))
	cfg.Wire[0].Count, cfg.Wire[0].Every = math.MaxInt32, 20*sim.Microsecond
	return cfg
}

// BenchmarkDescriptors steps an epoll server with few and with many idle
// descriptors beside the busy one, with the log and the snapshots.
func BenchmarkDescriptors(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, err := New(many(b, n))
			if err != nil {
				b.Fatal(err)
			}
			tl := sim.NewTimeline(m, Fresh, sim.Options{})
			for m.Now < sim.Second {
				tl.Forward()
			}
			for b.Loop() {
				tl.Forward()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Msteps/s")
		})
	}
}
