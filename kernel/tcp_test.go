package kernel

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringside/kernel/program"
	"ringside/sim"
)

// tcpTranscript runs programs, by name, and gives their calls as strace prints
// them, with those that still sleep at the end.
func tcpTranscript(t *testing.T, cfg *Config) []string {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var r sim.Record
	for i := 0; m.Step(&r); i++ {
		if i == 1_000_000 {
			t.Fatal("the run does not end")
		}
		if task, line, ok := m.Strace(&r); ok {
			lines = append(lines, m.Tasks[task].Name+": "+line)
		}
		if i%50 == 0 {
			if err := m.check(); err != nil {
				t.Fatalf("after record %d (%s): %v", i, m.StepText(&r, sim.Seq(i)), err)
			}
		}
	}
	if m.Fault != "" {
		t.Fatal(m.Fault)
	}
	tasks, asleep := m.Unfinished()
	for i := range tasks {
		lines = append(lines, m.Tasks[tasks[i]].Name+": "+asleep[i])
	}
	return lines
}

// The answers are those of Linux 6.18 to the same calls on loopback.
func TestTCPConversation(t *testing.T) {
	cfg := config(2, []ThreadConfig{
		thread(t, "server", `l := socket(AF_INET, SOCK_STREAM, 0)
			bind(l, "127.0.0.1:7000")
			listen(l, 16)
			s := accept(l)
			var buf [64]byte
			read(s, buf, 64)
			send(s, "good day", 8, 0)
			read(s, buf, 64)
			close(s)`, 0, 0),
		thread(t, "client", `c := socket(AF_INET, SOCK_STREAM, 0)
			connect(c, "127.0.0.1:7000")
			write(c, "hello")
			var buf [64]byte
			recv(c, buf, 4, 0)
			recv(c, buf, 64, MSG_PEEK)
			recv(c, buf, 64, MSG_DONTWAIT)
			recv(c, buf, 64, MSG_DONTWAIT)
			close(c)`, 1, 50*sim.Microsecond),
	})
	want := `server: socket(AF_INET, SOCK_STREAM, 0) = 3
server: bind(3, 127.0.0.1:7000) = 0
server: listen(3, 16) = 0
client: socket(AF_INET, SOCK_STREAM, 0) = 4
client: connect(4, 127.0.0.1:7000) = 0
client: write(4, "hello", 5) = 5
server: accept(3, 127.0.0.1:32768) = 5
server: read(5, "hello", 64) = 5
server: sendto(5, "good day", 8, 0, NULL) = 8
client: recvfrom(4, "good", 4, 0, NULL) = 4
client: recvfrom(4, " day", 64, MSG_PEEK, NULL) = 4
client: recvfrom(4, " day", 64, MSG_DONTWAIT, NULL) = 4
client: recvfrom(4, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN
client: close(4) = 0
server: read(5, "", 64) = 0
client: +++ exited with 0 +++
server: close(5) = 0
server: +++ exited with 0 +++`
	got := tcpTranscript(t, cfg)
	if d := cmp.Diff(strings.Split(want, "\n"), got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

// anyTalk draws what one end of a connection does: mostly sending, receiving
// and looking, at the end a farewell.
func anyTalk(t *rapid.T, letters string) string {
	var b strings.Builder
	for i := range rapid.IntRange(0, 12).Draw(t, "calls") {
		n := rapid.IntRange(1, 31).Draw(t, "n")
		switch rapid.IntRange(0, 8).Draw(t, "call") {
		case 0, 1, 2:
			fmt.Fprintf(&b, "send(s, %q, %d, MSG_NOSIGNAL)\n", strings.Repeat(letters[i:i+1], n), n)
		case 3:
			fmt.Fprintf(&b, "recv(s, b, %d, 0)\n", n)
		case 4:
			fmt.Fprintf(&b, "recv(s, b, %d, MSG_DONTWAIT)\n", n)
		case 5:
			fmt.Fprintf(&b, "recv(s, b, %d, MSG_PEEK|MSG_DONTWAIT)\n", n)
		case 6:
			b.WriteString("poll([]pollfd{{s, POLLIN|POLLOUT}}, 1, 1)\n")
		case 7:
			fmt.Fprintf(&b, "compute(%d*us)\n", n)
		case 8:
			fmt.Fprintf(&b, "shutdown(s, %s)\n", rapid.SampledFrom([]string{"SHUT_WR", "SHUT_RD"}).Draw(t, "how"))
		}
	}
	return b.String() + rapid.SampledFrom([]string{"close(s)\n", "shutdown(s, SHUT_WR)\nfor recv(s, b, 31, 0) > 0 {\n}\n", ""}).Draw(t, "end")
}

// anyTalkers are two threads with a connection between them.
func anyTalkers(t *rapid.T) []ThreadConfig {
	cpu := func() int { return rapid.IntRange(0, 1).Draw(t, "cpu") }
	server := "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\ns := accept(l)\nvar b [64]byte\n" + anyTalk(t, "abcdefghijklm")
	client := "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"127.0.0.1:7000\")\nvar b [64]byte\n" + anyTalk(t, "ABCDEFGHIJKLM")
	return []ThreadConfig{compiled(t, "server", server, cpu(), 0), compiled(t, "client", client, cpu(), 20*sim.Microsecond)}
}

func compiled(t rapid.TB, name, src string, cpu int, start sim.Time) ThreadConfig {
	p, err := program.Compile(src, program.Env{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return ThreadConfig{Name: name, CPU: cpu, Start: start, Program: p}
}

// quoted gives what a line of strace shows of a buffer.
var quoted = regexp.MustCompile(`"([A-Za-z]*)"`)

// TestTCPIsAStream: whatever two ends do, each reads what the other has sent,
// from the beginning, in order, without gaps and doubles.
func TestTCPIsAStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := New(config(2, anyTalkers(t)))
		if err != nil {
			t.Fatal(err)
		}
		sent, read := map[string]string{}, map[string]string{}
		seen := map[string][]string{} // everything that was read or peeked, from the beginning
		other := map[string]string{"server": "client", "client": "server"}
		var r sim.Record
		for i := 0; m.Step(&r); i++ {
			if i > 200_000 {
				t.Fatal("the run does not end")
			}
			if err := m.check(); err != nil {
				t.Fatalf("after record %d (%s): %v", i, m.StepText(&r, sim.Seq(i)), err)
			}
			task, line, ok := m.Strace(&r)
			text := quoted.FindStringSubmatch(line)
			if !ok || text == nil || strings.Contains(line, " = -1") {
				continue
			}
			me := m.Tasks[task].Name
			switch {
			case strings.HasPrefix(line, "sendto("):
				sent[me] += text[1]
			case strings.Contains(line, "MSG_PEEK"):
				seen[me] = append(seen[me], read[me]+text[1])
			case strings.HasPrefix(line, "recvfrom("):
				read[me] += text[1]
				seen[me] = append(seen[me], read[me])
			}
		}
		if m.Fault != "" {
			t.Fatal(m.Fault)
		}
		for me := range other {
			for _, got := range seen[me] {
				if !strings.HasPrefix(sent[other[me]], got) {
					t.Fatalf("%s read %q, sent was %q", me, got, sent[other[me]])
				}
			}
		}
	})
}

// TestTCPSenderWaitsForRoom: a sender without a reader fills its send buffer and
// the peer's receive buffer, then EAGAIN. It is told of room once a third of the
// send buffer is free, and a blocked one goes on.
func TestTCPSenderWaitsForRoom(t *testing.T) {
	cfg := config(2, []ThreadConfig{
		thread(t, "server", `l := socket(AF_INET, SOCK_STREAM, 0)
			bind(l, ":7000")
			listen(l, 1)
			s := accept(l)
			nanosleep(20*ms)
			var b [10000]byte
			sum := 0
			for n := read(s, b, 10000); n > 0; n = read(s, b, 10000) {
				sum += n
			}
			exit(sum / 16384 - 1000)`, 0, 0),
		thread(t, "client", `c := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0)
			connect(c, "127.0.0.1:7000")
			ep := epoll_create1(0)
			epoll_ctl(ep, EPOLL_CTL_ADD, c, EPOLLOUT|EPOLLET)
			var ev [1]epoll_event
			epoll_wait(ep, ev, 1, 0)
			var b [16384]byte
			sum := 0
			for n := write(c, b, 16384); n > 0; n = write(c, b, 16384) {
				sum += n
			}
			epoll_wait(ep, ev, 1, 0)
			epoll_wait(ep, ev, 1, -1)
			fcntl(c, F_SETFL, 0)
			for sum < 16384*1100 {
				sum += write(c, b, 16384)
			}
			close(c)`, 1, 50*sim.Microsecond),
	})
	writes, full := 0, 0
	var got []string
	for _, line := range tcpTranscript(t, cfg) {
		switch {
		case strings.Contains(line, "write("):
			if writes++; strings.HasSuffix(line, "EAGAIN") {
				full = writes - 1
			}
		case strings.Contains(line, "epoll_wait"), strings.Contains(line, "exited"):
			got = append(got, line)
		}
	}
	want := []string{
		"client: epoll_wait(5, [{events=EPOLLOUT, data=4}], 1, 0) = 1",
		"client: epoll_wait(5, [], 1, 0) = 0",
		"client: epoll_wait(5, [{events=EPOLLOUT, data=4}], 1, -1) = 1",
		"client: +++ exited with 0 +++",
		"server: +++ exited with 100 +++", // 1100 buffers, all of what was sent
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if bytes := full * 16384; bytes < 2626560 || bytes > 2626560+tcpRmem+16384 {
		t.Errorf("%d bytes until EAGAIN", bytes)
	}
}
