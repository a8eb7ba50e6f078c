package kernel

import (
	"testing"

	"ringside/kernel/program"
	"ringside/sim"
)

// TestCoresMeet runs two loops on two cores, the second a little later each
// time, so that each step of one falls between any two of the other. Each case is
// what TestStress has found once, made small.
func TestCoresMeet(t *testing.T) {
	for _, c := range []struct {
		name        string
		setup, a, b string
		core        int // of the second: 1, or None for any
	}{
		{"a call that waits for ep->mtx holds the files once", // fdget comes before the mutex
			"ep = epoll_create1(0)\ns = eventfd(0, 0)", "epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)", "epoll_ctl(ep, EPOLL_CTL_DEL, s, 0)", 1},
		{"two calls remove one item", // ep_remove under ep->mtx
			"ep = epoll_create1(0)\ns = eventfd(0, 0)", "epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nepoll_ctl(ep, EPOLL_CTL_DEL, s, 0)", "epoll_ctl(ep, EPOLL_CTL_DEL, s, 0)", 1},
		{"two instances are put into each other", // epnested_mutex
			"ep = epoll_create1(0)\ns = epoll_create1(0)", "epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nepoll_wait(ep, events, 4, 0)\nepoll_ctl(ep, EPOLL_CTL_DEL, s, 0)",
			"epoll_ctl(s, EPOLL_CTL_ADD, ep, EPOLLIN)\nepoll_wait(s, events, 4, 0)\nepoll_ctl(s, EPOLL_CTL_DEL, ep, 0)", 1},
		{"a file is closed while epoll_wait polls it", // epi_fget
			"ep = epoll_create1(0)", "s = eventfd(1, 0)\nepoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nclose(s)", "epoll_wait(ep, events, 4, 0)", 1},
		{"a datagram is read while another thread peeks at it", // skb->users
			"s = socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nconnect(s, \"127.0.0.1:7000\")",
			"send(s, buf, 9, 0)\nrecv(s, buf, 64, MSG_DONTWAIT)", "recv(s, buf, 64, MSG_DONTWAIT|MSG_PEEK)", 1},
		{"a socket is closed while a packet is on its way to it", // the socket lives until the end of the RCU period
			"d = socket(AF_INET, SOCK_DGRAM, 0)", "s = socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nclose(s)", "sendto(d, buf, 9, 0, \"127.0.0.1:7000\")", 1},
		{"a shut socket reads as its end, not as packet 0",
			"s = socket(AF_INET, SOCK_DGRAM, 0)\nconnect(s, \"127.0.0.1:7000\")\nd = socket(AF_INET, SOCK_DGRAM, 0)\nshutdown(s, SHUT_RD)",
			"recv(s, buf, 64, 0)", "sendto(d, buf, 9, 0, \"127.0.0.1:7000\")", 1},
		{"a wakeup on the way to sleep and off the core", // the run queue's lock, p->on_cpu
			"s = eventfd(0, EFD_SEMAPHORE)\nd = eventfd(0, EFD_SEMAPHORE)", "eventfd_write(s, 1)\neventfd_read(d)", "eventfd_read(s)\neventfd_write(d, 1)", None},
	} {
		t.Run(c.name, func(t *testing.T) {
			shared := []string{"s", "d", "ep"}
			for shift := sim.Time(0); shift < 400; shift += 7 {
				loop := func(name, setup, body string, start sim.Time, core int) ThreadConfig {
					p, err := program.Compile("var buf [64]byte\nvar events [4]epoll_event\nn := 0\n"+setup+"\nfor n < 12 {\nn++\n"+body+"\n}", program.Env{Shared: shared})
					if err != nil {
						t.Fatal(err)
					}
					return ThreadConfig{Name: name, CPU: core, Start: start, Program: p}
				}
				cfg := config(3, []ThreadConfig{
					loop("a", c.setup, c.a, 0, 0),
					loop("b", "", c.b, 8*sim.Microsecond+shift, c.core),
				})
				cfg.Shared = shared
				m, err := New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				runChecked(t, m)
				if err := m.checkQuiescent(); err != nil {
					t.Fatalf("%s later: %v", shift, err)
				}
				if err := m.checkNothingLeft(); err != nil {
					t.Fatalf("%s later: %v", shift, err)
				}
			}
		})
	}
}
