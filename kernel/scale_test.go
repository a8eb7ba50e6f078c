package kernel

import (
	"fmt"
	"testing"

	"ringside/sim"
)

// callTime runs a program with n idle eventfds and one that is ready, and gives
// the model time that its last call before exit takes, in and out included.
func callTime(t *testing.T, n int, call string) sim.Time {
	t.Helper()
	src := fmt.Sprintf(`var fds [%d]pollfd
ep := epoll_create1(0)
for i := range fds {
	fds[i].fd = eventfd(0, 0)
	fds[i].events = POLLIN
	epoll_ctl(ep, EPOLL_CTL_ADD, fds[i].fd, EPOLLIN)
}
eventfd_write(fds[%d].fd, 1)
var events [8]epoll_event
%s`, n, n/2, call)
	m, err := New(config(1, []ThreadConfig{thread(t, "server", src, -1, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	var entered, took sim.Time
	var r sim.Record
	for m.Step(&r) {
		switch r.Point {
		case PointSysEnter:
			entered = r.T
		case PointSysExit:
			took = r.T - entered
		}
	}
	if m.Fault != "" {
		t.Fatal(m.Fault)
	}
	return took
}

// TestWaitingCostsWhatItCosts holds the model's cost of waiting for one ready
// descriptor among many idle ones against what was measured on Linux 6.18:
// about 55 ns a descriptor for poll, nothing for epoll (docs/PERFORMANCE.md).
func TestWaitingCostsWhatItCosts(t *testing.T) {
	poll := func(n int) sim.Time { return callTime(t, n, fmt.Sprintf("poll(fds, %d, -1)", n)) }
	for _, n := range []int{100, 10_000} {
		slope := float64(poll(n)-poll(1)) / float64(n-1)
		if slope < 45 || slope > 65 {
			t.Errorf("poll of %d descriptors: %.1f ns for each, not about 55", n, slope)
		}
	}
	few, many := callTime(t, 1, "epoll_wait(ep, events, 8, -1)"), callTime(t, 10_000, "epoll_wait(ep, events, 8, -1)")
	if few != many {
		t.Errorf("epoll_wait takes %s with one descriptor and %s with 10,000", few, many)
	}
}
