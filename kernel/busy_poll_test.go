package kernel

import (
	"fmt"
	"strings"
	"testing"

	"ringside/sim"
)

// spinner reads datagrams for ever, and spins for so many microseconds before it
// sleeps.
func spinner(usecs int) string {
	return fmt.Sprintf(`s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
setsockopt(s, SOL_SOCKET, SO_BUSY_POLL, %d)
var buf [64]byte
for { recv(s, buf, 64, 0) }`, usecs)
}

// every is count packets, so far apart, from 100 us on.
func every(gap sim.Time, count int) Packets {
	p := packet(100*sim.Microsecond, 7000, "hello")
	p.Every, p.Count = gap, count
	return p
}

// TestABusyPollerNeedsNoSwitch: socket(7), SO_BUSY_POLL; net/core/dev.c,
// napi_busy_loop. Which card to poll is known from the first packet on, so that
// one still wakes the thread.
func TestABusyPollerNeedsNoSwitch(t *testing.T) {
	const packets = 20
	tcp := flow(Packets{Connect: true}, Packets{Payload: []byte("hello")})
	tcp[1].Every, tcp[1].Count = 20*sim.Microsecond, packets
	for _, c := range []struct {
		name    string
		busy    sim.Time
		program string
		wire    []Packets
		wakeups int64
		polled  int64
	}{
		{"recv sleeps", 0, spinner(0), []Packets{every(20*sim.Microsecond, packets)}, packets, 0},
		{"recv spins", 0, spinner(50), []Packets{every(20*sim.Microsecond, packets)}, 1, packets - 1},
		{"the time is too short", 0, spinner(5), []Packets{every(20*sim.Microsecond, packets)}, packets, 0},
		{"one round for a call that does not wait", 0, strings.Replace(spinner(50), "64, 0)", "64, MSG_DONTWAIT)\nnanosleep(20*us)", 1), []Packets{every(20*sim.Microsecond, packets)}, -1, 0},
		{"epoll_wait sleeps", 0, epollServer, []Packets{every(20*sim.Microsecond, packets)}, packets, 0},
		{"epoll_wait spins", 50 * sim.Microsecond, epollServer, []Packets{every(20*sim.Microsecond, packets)}, 1, packets - 1},
		{"TCP spins", 0, strings.Replace(echo, "var b", "setsockopt(s, SOL_SOCKET, SO_BUSY_POLL, 100)\nvar b", 1), tcp, -1, packets - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(1, []ThreadConfig{thread(t, "t", c.program, 0, 0)}, c.wire...)
			cfg.Params.BusyPoll = c.busy
			cfg.Stop = 2 * sim.Millisecond
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			runChecked(t, m)
			if got := m.Counters.Wakeups; c.wakeups >= 0 && got != c.wakeups {
				t.Errorf("%d wakeups, want %d", got, c.wakeups)
			}
			if got := m.Counters.BusyPollRx; got < c.polled || c.polled == 0 && got > 0 {
				t.Errorf("%d packets by busy polling, want %d", got, c.polled)
			}
			if c.wire[0].Proto == "" && m.Counters.Delivered != packets {
				t.Errorf("%d delivered", m.Counters.Delivered)
			}
			if n := &m.Napis[0]; n.Sched || n.BusyPoll || n.Missed || m.NIC.IMS&m.NIC.Cause(0) == 0 {
				t.Errorf("NAPI is left as %+v, IMS %#x", *n, m.NIC.IMS)
			}
		})
	}
}

// TestABusyPollerGivesWay: it spins with preemption off, but looks at need_resched
// in each round (napi_busy_loop), so others on its core get their share.
func TestABusyPollerGivesWay(t *testing.T) {
	cfg := config(1, []ThreadConfig{thread(t, "t", spinner(1_000_000), 0, 0), thread(t, "worker", worker, 0, 0)}, every(50*sim.Microsecond, 1000))
	cfg.Stop = 50 * sim.Millisecond
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var ran [2]sim.Time
	for _, r := range runAll(t, m, 10_000_000) {
		if i := int(r.Task) - int(m.threadTask(0)); r.Ctx != CtxDevice && i >= 0 && i < len(ran) {
			ran[i] += r.Dur
		}
	}
	if share := float64(ran[1]) / float64(ran[0]+ran[1]); share < 0.4 || share > 0.6 || m.Counters.Delivered < 900 {
		t.Errorf("the poller ran %s, the worker %s; %d delivered", ran[0], ran[1], m.Counters.Delivered)
	}
}

// TestBusyPollOptions: sk_setsockopt, SO_BUSY_POLL (6.18 asks for no capability).
func TestBusyPollOptions(t *testing.T) {
	for src, want := range map[string]string{
		`setsockopt(s, SOL_SOCKET, SO_BUSY_POLL, 50)
		getsockopt(s, SOL_SOCKET, SO_BUSY_POLL)`: "getsockopt(3, SOL_SOCKET, SO_BUSY_POLL) = 0 (value 50)",
		`setsockopt(s, SOL_SOCKET, SO_BUSY_POLL, -1)`: "setsockopt(3, SOL_SOCKET, SO_BUSY_POLL, [-1], 4) = -1 EINVAL",
		`getsockopt(s, SOL_SOCKET, SO_BUSY_POLL)`:     "getsockopt(3, SOL_SOCKET, SO_BUSY_POLL) = 0 (value 0)",
	} {
		if got := straceOf(t, "s := socket(AF_INET, SOCK_DGRAM, 0)\n"+src); !strings.Contains(got, want) {
			t.Errorf("want %s, got\n%s", want, got)
		}
	}
}
