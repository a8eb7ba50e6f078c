package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

// TestTCPSendsAgain: the answers are those of Linux 6.18 to the same calls, timed
// there to within 120 ms of the model's times.
func TestTCPSendsAgain(t *testing.T) {
	const connect = "x := socket(AF_INET, SOCK_STREAM, 0)\nconnect(x, \"127.0.0.1:7000\")\n"
	const begin = "x := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0)\nconnect(x, \"127.0.0.1:7000\")\n"
	listener := func(backlog string) string {
		return "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, " + backlog + ")\n"
	}
	for _, c := range []struct {
		name, server, client string
		want                 string
		from, to             sim.Time
	}{
		{"a SYN that nobody answers is sent ten times more", "for {\nnanosleep(1000000*ms)\n}", connect,
			"connect(5, 127.0.0.1:7000) = -1 ETIMEDOUT", 135100 * sim.Millisecond, 135300 * sim.Millisecond},
		{"a SYN that comes again finds room", "nanosleep(1500*ms)\naccept(l)\naccept(l)", connect,
			"connect(5, 127.0.0.1:7000) = 0", 2000 * sim.Millisecond, 2100 * sim.Millisecond},
		{"a program that does not wait is told by poll", "nanosleep(1500*ms)\naccept(l)\naccept(l)", begin + "poll([]pollfd{{x, POLLOUT}}, 1, -1)",
			"poll([{fd=5, events=POLLOUT, revents=POLLOUT}], 1, -1) = 1", 2000 * sim.Millisecond, 2100 * sim.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(1, []ThreadConfig{
				thread(t, "server", listener("0")+connect+c.server, 0, 0),
				thread(t, "client", c.client, 0, sim.Millisecond),
			})
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			var r sim.Record
			for m.Step(&r) && m.Now < 1000*sim.Second {
				if _, line, ok := m.Strace(&r); ok && line == c.want {
					if m.Now < c.from || m.Now > c.to {
						t.Errorf("at %v", m.Now)
					}
					return
				}
			}
			t.Errorf("never: %s %s", c.want, m.Fault)
		})
	}
}

// TestTCPHandshakesThatWaitForRoom: five connections begin, and the accept queue
// holds two. The other SYNs come again together, last first: one is accepted, the
// final acknowledgement of the next finds the queue full and is asked for again a
// second later, and the third, for which the SYN queue had no room, has got a
// cookie and is not heard of again. Linux 6.18 does the same.
func TestTCPHandshakesThatWaitForRoom(t *testing.T) {
	src := "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\nsetsockopt(l, SOL_SOCKET, SO_RCVTIMEO, 8000*ms)\n" +
		"for i := 0; i < 5; i++ {\nc := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0)\nconnect(c, \"127.0.0.1:7000\")\n}\n" +
		"accept(l)\nnanosleep(1300*ms)\nfor fd := 4; fd < 9; fd++ {\npoll([]pollfd{{fd, POLLOUT}}, 1, 0)\n}\nfor i := 0; i < 4; i++ {\naccept(l)\n}"
	var got []string
	for _, line := range tcpTranscript(t, config(1, []ThreadConfig{thread(t, "t", src, 0, 0)})) {
		if strings.Contains(line, "accept") || strings.Contains(line, "poll") {
			got = append(got, strings.TrimPrefix(line, "t: "))
		}
	}
	want := []string{
		"accept(3, 127.0.0.1:32768) = 9",
		"poll([{fd=4, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1",
		"poll([{fd=5, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1",
		"poll([{fd=6, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1",
		"poll([{fd=7, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1",
		"poll([{fd=8, events=POLLOUT, revents=POLLOUT}], 1, 0) = 1",
		"accept(3, 127.0.0.1:32769) = 10",
		"accept(3, 127.0.0.1:32772) = 11",
		"accept(3, 127.0.0.1:32771) = 12",
		"accept(3, ...) = -1 EAGAIN",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

// TestTCPDataIsSentAgain: a queue of one core's backlog that holds next to nothing
// drops segments of a burst; the stream has no gaps all the same.
func TestTCPDataIsSentAgain(t *testing.T) {
	cfg := config(2, []ThreadConfig{
		thread(t, "server", "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\ns := accept(l)\nvar b [65536]byte\nsum := 0\n"+
			"for n := read(s, b, 65536); n > 0; n = read(s, b, 65536) {\nsum += n\n}\nexit(sum / 10000)", 0, 0),
		thread(t, "client", "c := socket(AF_INET, SOCK_STREAM, 0)\nconnect(c, \"127.0.0.1:7000\")\nvar b [1000000]byte\nwrite(c, b, 1000000)\nclose(c)", 1, 50*sim.Microsecond),
	})
	cfg.Params.Backlog = 0
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	last := ""
	for m.Step(&r) {
		if task, line, ok := m.Strace(&r); ok && m.Tasks[task].Name == "server" {
			last = line
		}
	}
	if m.Fault != "" || last != "+++ exited with 100 +++" || m.Counters.RetransSegs == 0 {
		t.Errorf("%s; %s; %d sent again", last, m.Fault, m.Counters.RetransSegs)
	}
}
