package kernel

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringside/sim"
)

// sink accepts one connection on a port and reads it to its end.
func sink(port int) string {
	return fmt.Sprintf(`l := socket(AF_INET, SOCK_STREAM, 0)
bind(l, ":%d")
listen(l, 16)
s := accept(l)
var b [9000]byte
for read(s, b, 9000) > 0 {
}`, port)
}

// groConfig is a machine whose card collects segments for 200 us before it
// interrupts, so that one poll finds them all.
func groConfig(t testing.TB, wire ...Packets) *Config {
	cfg := config(1, []ThreadConfig{thread(t, "t", sink(7000), 0, 0)}, wire...)
	cfg.NIC.RxUsecs, cfg.NIC.RxFrames = 200*sim.Microsecond, 0
	return cfg
}

// groPackets are the packets with data that go up to TCP: their bytes, and of how
// many segments GRO has made them.
func groPackets(t *testing.T, m *Machine) (out []string) {
	var r sim.Record
	for m.Step(&r) {
		if r.Fn != uint16(fnTCPv4Rcv) || r.Step != 0 {
			continue
		}
		k := &m.Skbs[r.Obj]
		if n := k.End - k.Seq; n > 1 {
			out = append(out, fmt.Sprintf("%d in %d", n, max(k.Segs, 1)))
		}
	}
	if m.Fault != "" {
		t.Fatal(m.Fault)
	}
	return out
}

// TestGROMergesWhatBelongsTogether: tcp_gro_receive (net/ipv4/tcp_offload.c).
func TestGROMergesWhatBelongsTogether(t *testing.T) {
	data := func(n int) Packets { return Packets{Payload: make([]byte, n)} }
	for _, c := range []struct {
		name   string
		change func(*Config)
		send   []Packets
		want   string
	}{
		{"four segments are one packet", nil, []Packets{data(4 * 1460)}, "5840 in 4"},
		{"the last one is shorter", nil, []Packets{data(4000)}, "4000 in 3"},
		{"a push ends a packet", nil, []Packets{data(2 * 1460), data(2 * 1460)}, "2920 in 2, 2920 in 2"},
		{"a short segment ends a packet", nil, []Packets{data(1460 + 100), data(1460)}, "1560 in 2, 1460 in 1"},
		{"what ends a packet is not held", nil, []Packets{data(10), data(20)}, "10 in 1, 20 in 1"},
		{"a FIN goes with the data before it", nil, []Packets{{Payload: make([]byte, 2920), Fin: true}}, "2921 in 2"},
		{"each segment in a poll of its own", func(c *Config) { c.NIC.RxUsecs = 0 }, []Packets{data(2920)}, "1460 in 1, 1460 in 1"},
		{"the weight ends a poll", func(c *Config) { c.Params.NAPIWeight = 2 }, []Packets{data(4 * 1460)}, "2920 in 2, 2920 in 2"},
		{"gro off", func(c *Config) { c.Params.NoGRO = true }, []Packets{data(2920)}, "1460 in 1, 1460 in 1"},
		{"without NAPI there is none", func(c *Config) { c.Params.NoNAPI = true }, []Packets{data(2920)}, "1460 in 1, 1460 in 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := flow(append([]Packets{{Connect: true}}, c.send...)...)
			for i := range wire[1:] {
				wire[1+i].At = sim.Millisecond // long after the handshake, and at once
			}
			cfg := groConfig(t, wire...)
			if c.change != nil {
				c.change(cfg)
			}
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, strings.Join(groPackets(t, m), ", ")); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

// TestGROSavesAcknowledgements: a merged packet is acknowledged once
// (__tcp_ack_snd_check).
func TestGROSavesAcknowledgements(t *testing.T) {
	var sent [2]int64
	for i, off := range []bool{false, true} {
		wire := flow(Packets{Connect: true}, Packets{Payload: make([]byte, 8*1460)})
		wire[1].At = sim.Millisecond
		cfg := groConfig(t, wire...)
		cfg.Params.NoGRO = off
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		runAll(t, m, 100000)
		sent[i] = m.NIC.Stats.TxPackets
	}
	if sent != [2]int64{2, 9} {
		t.Errorf("%d frames sent with GRO, %d without", sent[0], sent[1])
	}
}

// TestGROChangesNoStream: flows that come mixed, of any sizes, reach the programs
// as they were sent.
func TestGROChangesNoStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := config(rapid.IntRange(1, 2).Draw(t, "cores"), nil)
		cfg.NIC.RxUsecs, cfg.NIC.RxFrames = sim.Time(rapid.IntRange(0, 300).Draw(t, "rx_usecs"))*sim.Microsecond, 0
		cfg.NIC.SetQueues(rapid.IntRange(1, 2).Draw(t, "queues"))
		cfg.Params.NAPIWeight = rapid.SampledFrom([]int{2, 5, 64}).Draw(t, "weight")
		flows := rapid.IntRange(1, 10).Draw(t, "flows")
		want := make([]uint32, flows)
		for f := range flows {
			cfg.Threads = append(cfg.Threads, compiled(t, fmt.Sprint("t", f), sink(7000+f), -1, 0))
			p := flow(Packets{Connect: true})[0]
			p.From = netip.AddrPortFrom(p.From.Addr(), uint16(40000+rapid.IntRange(0, 9).Draw(t, "from")))
			p.To = netip.AddrPortFrom(HostIP, uint16(7000+f))
			cfg.Wire = append(cfg.Wire, p)
		}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for f := range flows {
				p := cfg.Wire[f]
				p.Connect, p.At = false, 3*sim.Millisecond
				p.Payload = make([]byte, rapid.SampledFrom([]int{1, 100, 1460, 2920, 5000}).Draw(t, "bytes"))
				want[f] += uint32(len(p.Payload))
				cfg.Wire = append(cfg.Wire, p)
			}
		}
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		runChecked(t, m)
		for f := range flows {
			sock := m.lookupTCP(addrOf(cfg.Wire[f].From), addrOf(cfg.Wire[f].To))
			if tcp := m.tcp(sock); tcp.Copied-m.Remotes[f].SndNxt != 0 || m.Remotes[f].SndUna != tcp.Copied {
				t.Fatalf("flow %d: read up to %d, sent up to %d, acknowledged %d", f, tcp.Copied, m.Remotes[f].SndNxt, m.Remotes[f].SndUna)
			}
		}
	})
}
