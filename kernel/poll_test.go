package kernel

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// sharedProgram compiles a program that leaves its results in the shared
// variables a to f.
func sharedProgram(t testing.TB, name, src string, cpu int, threads ...string) ThreadConfig {
	t.Helper()
	p, err := program.Compile(src, program.Env{Shared: sharedNames, Threads: threads})
	if err != nil {
		t.Fatalf("%s: %v in\n%s", name, err, src)
	}
	return ThreadConfig{Name: name, CPU: cpu, Program: p}
}

var sharedNames = []string{"a", "b", "c", "d", "e", "f"}

// twoSockets is how the programs of these tests begin.
const twoSockets = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
t := socket(AF_INET, SOCK_DGRAM, 0)
bind(t, ":7001")
var buf [64]byte
`

// TestPollAndSelect: poll(2), select(2).
func TestPollAndSelect(t *testing.T) {
	for _, c := range []struct {
		name, rx, tx string
		want         []int64 // a, b, …
	}{
		{"nothing ready, no time", `p := []pollfd{{s, POLLIN}, {t, POLLIN}}
			a = poll(p, 2, 0)`, "", []int64{0}},
		{"what is asked for and what is always told", `p := []pollfd{{s, POLLIN|POLLOUT}, {-1, POLLIN}, {99, POLLIN}, {1, POLLIN}}
			a = poll(p, 4, -1)
			b = p[0].revents
			c = p[1].revents
			d = p[2].revents
			e = p[3].revents`, "", []int64{3, EPOLLOUT, 0, EPOLLNVAL, EPOLLIN}},
		{"a datagram ends the sleep", `p := []pollfd{{s, POLLIN}, {t, POLLIN}}
			a = poll(p, 2, -1)
			b = p[0].revents
			c = p[1].revents`, `sendto(x, "hello", 5, 0, "127.0.0.1:7001")`, []int64{1, 0, EPOLLIN}},
		{"so does the end of the time", `p := []pollfd{{s, POLLIN}}
			a = poll(p, 1, 1)`, "", []int64{0}},
		{"no descriptors is a sleep", `a = poll(NULL, 0, 1)`, "", []int64{0}},
		{"more than there can be", `a = poll(NULL, 1<<21, 1)
			b = errno`, "", []int64{-1, EINVAL}},
		{"no memory there", `a = poll(NULL, 1, 1)
			b = errno`, "", []int64{-1, EFAULT}},
		{"a signal ends poll, even with SA_RESTART", `sigaction(SIGUSR1, SA_RESTART)
			p := []pollfd{{s, POLLIN}}
			a = poll(p, 1, -1)
			b = errno`, `tgkill(rx, SIGUSR1)`, []int64{-1, EINTR}},
		{"and ppoll", `sigaction(SIGUSR1, SA_RESTART)
			p := []pollfd{{s, POLLIN}}
			a = ppoll(p, 1, NULL)
			b = errno`, `tgkill(rx, SIGUSR1)`, []int64{-1, EINTR}},
		{"and select, which leaves the sets alone", `sigaction(SIGUSR1, SA_RESTART)
			r := fd_set(s, t)
			a = select(5, r, NULL, NULL, NULL)
			b = errno
			c = FD_ISSET(s, r)`, `tgkill(rx, SIGUSR1)`, []int64{-1, EINTR, 1}},
		{"select writes over its sets", `r := fd_set(s, t)
			w := fd_set(s)
			a = select(5, r, NULL, NULL, NULL)
			b = FD_ISSET(s, r)
			c = FD_ISSET(t, r)
			d = select(5, r, w, NULL, NULL)
			e = FD_ISSET(t, r)
			f = FD_ISSET(s, w)`, `sendto(x, "hello", 5, 0, "127.0.0.1:7001")`, []int64{1, 0, 1, 2, 1, 1}},
		{"select empties its sets when time is up", `r := fd_set(s, t)
			a = select(5, r, NULL, NULL, 10*us)
			b = FD_ISSET(s, r)`, "", []int64{0, 0}},
		{"select looks below n only", `r := fd_set(s, 50)
			w := fd_set(1)
			a = select(5, r, w, NULL, NULL)
			b = select(51, r, NULL, NULL, 0)
			c = errno`, "", []int64{1, 0, 0}},
		{"select of a closed descriptor", `r := fd_set(s, 50)
			a = select(51, r, NULL, NULL, NULL)
			b = errno
			c = FD_ISSET(s, r)
			d = select(-1, r, NULL, NULL, NULL)
			e = errno`, "", []int64{-1, EBADF, 1, -1, EINVAL}},
		{"select passes over what the table of descriptors cannot hold", `r := fd_set(s, 64)
			w := fd_set(1)
			a = select(1024, r, w, NULL, NULL)
			b = FD_ISSET(64, r)
			dup2(s, 64)
			close(64)
			c = select(1024, r, w, NULL, NULL)
			d = errno`, "", []int64{1, 1, -1, EBADF}},
		{"an epoll instance can be polled", `ep := epoll_create1(0)
			epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
			p := []pollfd{{ep, POLLIN}}
			a = poll(p, 1, 0)
			b = poll(p, 1, -1)
			c = p[0].revents`, `sendto(x, "hello", 5, 0, "127.0.0.1:7000")`, []int64{0, 1, EPOLLIN}},
		{"a descriptor closed while poll sleeps on it", `p := []pollfd{{s, POLLIN}, {t, POLLIN}}
			a = poll(p, 2, -1)
			b = p[0].revents
			c = p[1].revents`, `close(3)
			sendto(x, "hello", 5, 0, "127.0.0.1:7000")`, []int64{1, EPOLLNVAL, 0}},
	} {
		for _, cores := range []int{1, 2} {
			t.Run(fmt.Sprint(c.name, ", cores ", cores), func(t *testing.T) {
				m := newMachine(t, cores, c.rx, c.tx)
				runAll(t, m, 1e5)
				if d := cmp.Diff(c.want, m.Procs[0].Shared[:len(c.want)]); d != "" {
					t.Errorf("want -, got +:\n%s", d)
				}
			})
		}
	}
}

func newMachine(t *testing.T, cores int, rx, tx string) *Machine {
	threads := []string{"rx", "tx"}
	cfg := config(cores, []ThreadConfig{
		sharedProgram(t, "rx", twoSockets+rx, 0, threads...),
		sharedProgram(t, "tx", "settle()\nx := socket(AF_INET, SOCK_DGRAM, 0)\n"+tx, cores-1, threads...),
	})
	cfg.Shared, cfg.Stop = sharedNames, 50*sim.Millisecond
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPollQueuesOnEveryDescriptor: asleep, poll has an entry on each wait queue;
// after it, none is left.
func TestPollQueuesOnEveryDescriptor(t *testing.T) {
	for _, call := range []string{
		"p := []pollfd{{s, POLLIN}, {t, POLLIN}}\npoll(p, 2, 1)",
		"r := fd_set(s, t)\nselect(5, r, NULL, NULL, 1*ms)",
	} {
		m := newMachine(t, 1, call, "")
		most := 0
		var r sim.Record
		for m.Step(&r) {
			n := 0
			for i := range m.Socks {
				if m.Queues[m.Socks[i].WQ].First != None {
					n++
				}
			}
			most = max(most, n)
			if err := m.check(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range m.Socks {
			if m.Queues[m.Socks[i].WQ].First != None {
				t.Errorf("socket %d has still an entry", i)
			}
		}
		if most != 2 {
			t.Errorf("%s: entries on %d queues, want 2", call, most)
		}
	}
}

// TestPollCostsPerDescriptor: about 55 ns for each descriptor that is looked at,
// as measured.
func TestPollCostsPerDescriptor(t *testing.T) {
	span := func(n int) sim.Time {
		m := newMachine(t, 1, fmt.Sprintf("var p [%d]pollfd\nfor i := 0; i < %d; i++ { p[i].fd = s }\npoll(p, %d, 0)", n, n, n), "")
		var from, to sim.Time
		for _, r := range runAll(t, m, 1e6) {
			if cpu.CodeID(r.Fn) == fnDoSysPoll {
				if from == 0 {
					from = r.T
				}
				to = r.T
			}
		}
		return to - from
	}
	if per := (span(1100) - span(100)) / 1000; per < 50 || per > 60 {
		t.Errorf("%d ns for a descriptor", per)
	}
}

// TestSpuriousWakeups: a thread that is woken for a descriptor which another has
// emptied sleeps again, and the wakeup counts as spurious.
func TestSpuriousWakeups(t *testing.T) {
	threads := []string{"one", "two", "tx"}
	loop := "p := []pollfd{{s, POLLIN}}\nfor { poll(p, 1, -1)\nrecv(s, buf, 64, MSG_DONTWAIT) }"
	cfg := config(1, []ThreadConfig{
		sharedProgram(t, "one", "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nvar buf [64]byte\n"+loop, 0, threads...),
		sharedProgram(t, "two", "settle()\ns := 3\nvar buf [64]byte\n"+loop, 0, threads...),
	}, packet(sim.Millisecond, 7000, "hello"))
	cfg.Shared, cfg.Stop = sharedNames, 2*sim.Millisecond
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 1e5)
	if c := m.Counters; c.PollCallbacks != 2 || c.UsefulWakeups != 1 || c.SpuriousWakeups != 1 {
		t.Errorf("%d callbacks, %d useful and %d spurious wakeups, want 2, 1 and 1", c.PollCallbacks, c.UsefulWakeups, c.SpuriousWakeups)
	}
}
