package live

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel"
	"ringside/sim"
)

// toAll is a step of all connections to 10.0.0.2:80.
func toAll(at sim.Time, p kernel.Packets) kernel.Packets {
	p.At, p.Count, p.Proto, p.From = at, 1, "tcp", netip.MustParseAddrPort("10.0.0.2:80")
	return p
}

// TestRemoteHostsThatListen: a program connects to them; they answer by the
// scenario's clock.
func TestRemoteHostsThatListen(t *testing.T) {
	const connect = "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"10.0.0.2:80\")\nvar b [99]byte\n"
	const another = "u := socket(AF_INET, SOCK_STREAM, 0)\nconnect(u, \"10.0.0.2:80\")\n"
	const connected = "connect(3, 10.0.0.2:80) = 0"
	answer := kernel.Listener{Says: []byte("good day"), After: 10 * sim.Millisecond}
	last := answer
	last.Fin = true
	for _, c := range []struct {
		name   string
		src    string
		listen kernel.Listener
		wire   []kernel.Packets
		want   []string
	}{
		{"the answer takes its time", connect + "write(s, \"hello\")\nnanosleep(9*ms)\nrecv(s, b, 99, MSG_DONTWAIT)\nnanosleep(2*ms)\nrecv(s, b, 99, MSG_DONTWAIT)", answer, nil,
			[]string{connected, `write(3, "hello", 5) = 5`, "nanosleep(9ms) = 0", "recvfrom(3, ..., 99, MSG_DONTWAIT, NULL) = -1 EAGAIN", "nanosleep(2ms) = 0", `recvfrom(3, "good day", 99, MSG_DONTWAIT, NULL) = 8`}},
		{"the end comes with the answer", connect + "write(s, \"hello\")\nread(s, b, 99)\nrecv(s, b, 99, MSG_DONTWAIT)", last, nil,
			[]string{connected, `write(3, "hello", 5) = 5`, `read(3, "good day", 99) = 8`, `recvfrom(3, "", 99, MSG_DONTWAIT, NULL) = 0`}},
		{"it closes when the program does", connect + "shutdown(s, SHUT_WR)\nread(s, b, 99)", answer, nil,
			[]string{connected, "shutdown(3, SHUT_WR) = 0", `read(3, "", 99) = 0`}},
		{"all that have connected are spoken to", connect + another + "read(u, b, 99)\nread(s, b, 99)", kernel.Listener{}, []kernel.Packets{toAll(sim.Millisecond, kernel.Packets{Payload: []byte("hi"), Fin: true})},
			[]string{connected, "socket(AF_INET, SOCK_STREAM, 0) = 4", "connect(4, 10.0.0.2:80) = 0", `read(4, "hi", 99) = 2`, `read(3, "hi", 99) = 2`}},
		{"a connection is broken off", connect + "read(s, b, 99)", answer, []kernel.Packets{toAll(sim.Millisecond, kernel.Packets{Rst: true})},
			[]string{connected, "read(3, ..., 99) = -1 ECONNRESET"}},
		{"nobody listens at the port", strings.Replace(connect, ":80", ":81", 1), answer, nil, []string{"connect(3, 10.0.0.2:81) = -1 ECONNREFUSED"}},
		{"nobody is there", strings.Replace(connect, "0.2:80", "0.9:80", 1), answer, nil, []string{"connect(3, 10.0.0.9:80 <unfinished ...>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := one(t, c.src, c.wire...)
			c.listen.At = netip.MustParseAddrPort("10.0.0.2:80")
			cfg.Hosts, cfg.Listens = []netip.Addr{c.listen.At.Addr()}, []kernel.Listener{c.listen}
			want := append([]string{"socket(AF_INET, SOCK_STREAM, 0) = 3"}, c.want...)
			if !strings.HasSuffix(want[len(want)-1], "...>") {
				want = append(want, "+++ exited with 0 +++")
			}
			if d := cmp.Diff(want, texts(run(t, cfg), 0)); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}
