package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

// transcript runs programs, by name, and gives their calls as strace prints
// them, with those that still sleep at the end.
func transcript(t *testing.T, cfg *Config) []string {
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
	got := transcript(t, cfg)
	if d := cmp.Diff(strings.Split(want, "\n"), got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}
