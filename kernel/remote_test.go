package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

// flow is what a remote host does on a connection to port 7000.
func flow(steps ...Packets) []Packets {
	for i := range steps {
		p := packet(sim.Time(i+1)*100*sim.Microsecond, 7000, string(steps[i].Payload))
		p.Proto, p.Connect, p.Fin, p.Rst = "tcp", steps[i].Connect, steps[i].Fin, steps[i].Rst
		steps[i] = p
	}
	return steps
}

// echo serves one connection, until it ends.
const echo = `l := socket(AF_INET, SOCK_STREAM, 0)
bind(l, ":7000")
listen(l, 16)
s := accept(l)
var b [2000]byte
for n := read(s, b, 2000); n > 0; n = read(s, b, 2000) {
	send(s, b, n, MSG_NOSIGNAL)
}
read(s, b, 10)
send(s, b, 1, MSG_NOSIGNAL)
close(s)`

func TestRemoteHostsSpeakTCPThroughTheCard(t *testing.T) {
	long := strings.Repeat("x", 4000)
	for _, c := range []struct {
		name string
		wire []Packets
		want string
	}{
		{"a conversation", flow(Packets{Connect: true}, Packets{Payload: []byte("hello")}, Packets{Fin: true}), `5 5 0 0 1 0`},
		{"data in segments of 1460 bytes", flow(Packets{Connect: true}, Packets{Payload: []byte(long), Fin: true}), `1460 1460 1460 1460 1080 1080 0 0 1 0`},
		{"reset", flow(Packets{Connect: true}, Packets{Payload: []byte("hello")}, Packets{Rst: true}), `5 5 ECONNRESET 0 EPIPE 0`},
		{"no connection, no data", flow(Packets{Connect: true}, Packets{Rst: true}, Packets{Payload: []byte("hello")}), `ECONNRESET 0 EPIPE 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(1, []ThreadConfig{thread(t, "t", echo, 0, 0)}, c.wire...)
			lines := tcpTranscript(t, cfg)
			if d := cmp.Diff("t: accept(3, 10.0.0.2:5555) = 4", lines[3]); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.want, brief(lines[4:])); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

// TestRemoteHostKnocksAgain: the accept queue is full, the SYN is dropped; a
// second later it comes again.
func TestRemoteHostKnocksAgain(t *testing.T) {
	cfg := config(1, []ThreadConfig{thread(t, "t", `l := socket(AF_INET, SOCK_STREAM, 0)
		bind(l, ":7000")
		listen(l, 0)
		c := socket(AF_INET, SOCK_STREAM, 0)
		connect(c, "127.0.0.1:7000")
		nanosleep(500*ms)
		accept(l)
		accept(l)`, 0, 0)}, flow(Packets{Connect: true})...)
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	last := sim.Time(0)
	for _, r := range runAll(t, m, 100000) {
		if _, line, ok := m.Strace(&r); ok && strings.Contains(line, "exited") {
			last = r.T
		}
	}
	if last < sim.Second || last > sim.Second+sim.Millisecond || m.Counters.ListenOverflows != 1 {
		t.Errorf("accepted at %s, %d overflows", last, m.Counters.ListenOverflows)
	}
}

// TestPacketsForOtherHostsLeaveThroughTheCard: every frame is sent, in order, and
// its packet freed.
func TestPacketsForOtherHostsLeaveThroughTheCard(t *testing.T) {
	m, err := New(config(1, []ThreadConfig{thread(t, "t", `s := socket(AF_INET, SOCK_DGRAM, 0)
		for i := 0; i < 10; i++ {
			sendto(s, "hello", 5, 0, "10.0.0.9:99")
		}
		close(s)`, 0, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 100000)
	if m.NIC.Stats.TxPackets != 10 || m.NIC.Stats.TxBytes != 600 || len(m.Frames) != 10 {
		t.Errorf("%+v, %d frames", m.NIC.Stats, len(m.Frames))
	}
	for i := range m.Skbs {
		if m.Skbs[i].InUse {
			t.Errorf("packet %d is still there", i)
		}
	}
}
