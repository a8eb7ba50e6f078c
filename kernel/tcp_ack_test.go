package kernel

import (
	"fmt"
	"strings"
	"testing"

	"ringside/sim"
)

// TestDelayedAcks: two small writes in a row, of which Nagle's rule holds the second
// back until the first is acknowledged. Linux 6.18 needs no time for them on a young
// connection; after a request and its answer it takes 43 to 44 ms, once; with
// TCP_NODELAY never.
func TestDelayedAcks(t *testing.T) {
	const pair = "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\n" +
		"c := socket(AF_INET, SOCK_STREAM, 0)\nconnect(c, \"127.0.0.1:7000\")\ns := accept4(l, 0)\nvar buf [16]byte\n"
	const turns = "for i := 0; i < %d; i++ {\nwrite(c, \"q\")\nread(s, buf, 10)\nwrite(s, \"r\")\nread(c, buf, 10)\n}\n"
	const twice = "write(c, \"a\")\nwrite(c, \"b\")\nread(s, buf, 1)\nread(s, buf, 1)\n"
	for _, c := range []struct {
		name    string
		program string
		waits   []sim.Time // of each "twice", about
	}{
		{"a young connection", fmt.Sprintf(turns, 0) + twice + twice, []sim.Time{0, 0}},
		{"after an answer", fmt.Sprintf(turns, 1) + twice + twice, []sim.Time{44 * sim.Millisecond, 0}},
		{"after five answers", fmt.Sprintf(turns, 5) + twice + twice, []sim.Time{44 * sim.Millisecond, 0}},
		{"TCP_NODELAY", "setsockopt(c, SOL_TCP, TCP_NODELAY, 1)\n" + fmt.Sprintf(turns, 5) + twice, []sim.Time{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := New(config(1, []ThreadConfig{thread(t, "main", pair+c.program, 0, 0)}))
			if err != nil {
				t.Fatal(err)
			}
			var r sim.Record
			var begun sim.Time
			var waits []sim.Time
			for m.Step(&r) {
				_, line, ok := m.Strace(&r)
				switch {
				case ok && strings.HasPrefix(line, `write(4, "a"`):
					begun = m.Now
				case ok && strings.HasPrefix(line, `read(5, "b"`):
					waits = append(waits, m.Now-begun)
				}
			}
			if len(waits) != len(c.waits) {
				t.Fatalf("%d waits, want %d: %s", len(waits), len(c.waits), m.Fault)
			}
			for i, w := range waits {
				if d := c.waits[i] - w; d < -sim.Millisecond || d > sim.Millisecond {
					t.Errorf("wait %d took %v, want about %v", i, w, c.waits[i])
				}
			}
		})
	}
}

// TestFINIsAcknowledgedAtTheNextTick: no data has come, so there is nothing to wait
// for but a tick; a socket that is watched edge-triggered is reported twice, as
// Linux 6.18 does.
func TestFINIsAcknowledgedAtTheNextTick(t *testing.T) {
	m, err := New(config(1, []ThreadConfig{thread(t, "main", "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\n"+
		"c := socket(AF_INET, SOCK_STREAM, 0)\nconnect(c, \"127.0.0.1:7000\")\ns := accept4(l, 0)\nvar events [4]epoll_event\n"+
		"ep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, c, EPOLLET|EPOLLRDHUP)\nshutdown(c, SHUT_RDWR)\n"+
		"epoll_wait(ep, events, 4, -1)\nepoll_wait(ep, events, 4, -1)\nclose(s)", 0, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	var at []sim.Time
	for m.Step(&r) {
		if _, line, ok := m.Strace(&r); ok && line == "epoll_wait(6, [{events=EPOLLHUP|EPOLLRDHUP, data=4}], 4, -1) = 1" {
			at = append(at, m.Now)
		}
	}
	if len(at) != 2 || at[0] > sim.Millisecond || at[1] < 4*sim.Millisecond || at[1] > 5*sim.Millisecond {
		t.Errorf("events at %v, %s", at, m.Fault)
	}
}
