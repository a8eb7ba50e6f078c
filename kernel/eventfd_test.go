package kernel

import (
	"strings"
	"testing"
)

// TestEventfd: eventfd(2). What the single-threaded programs print was compared
// with Linux 6.18.
func TestEventfd(t *testing.T) {
	runLines(t, []lineTest{
		{"a sum, taken at once", `e := eventfd(5, EFD_NONBLOCK)
			eventfd_write(e, 3)
			eventfd_read(e)
			eventfd_read(e)
			var b [9]byte
			read(e, b, 7)
			write(e, b, 7)
			write(e, b, 9)
			write(e, b, 8)`, nil, `
			eventfd2(5, EFD_NONBLOCK) = 3
			eventfd_write(3, 3) = 0
			eventfd_read(3) = 0 (value 8)
			eventfd_read(3) = -1 EAGAIN
			read(3, ..., 7) = -1 EINVAL
			write(3, "\0\0\0\0\0\0\0", 7) = -1 EINVAL
			write(3, "\0\0\0\0\0\0\0\0\0", 9) = -1 EINVAL
			write(3, "\0\0\0\0\0\0\0\0", 8) = 8`},
		{"a semaphore", `e := eventfd(2, EFD_SEMAPHORE|EFD_NONBLOCK)
			eventfd_read(e)
			eventfd_read(e)
			eventfd_read(e)`, nil, `
			eventfd2(2, EFD_SEMAPHORE|EFD_NONBLOCK) = 3
			eventfd_read(3) = 0 (value 1)
			eventfd_read(3) = 0 (value 1)
			eventfd_read(3) = -1 EAGAIN`},
		{"every write is an edge, so is every read", `e := eventfd(0, EFD_NONBLOCK)
			ep := epoll_create1(0)
			var v [4]epoll_event
			epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN|EPOLLOUT|EPOLLET)
			epoll_wait(ep, v, 4, 0)
			eventfd_write(e, 1)
			epoll_wait(ep, v, 4, 0)
			eventfd_write(e, -3)
			epoll_wait(ep, v, 4, 0)
			eventfd_write(e, 1)
			epoll_wait(ep, v, 4, 0)
			eventfd_read(e)
			epoll_wait(ep, v, 4, 0)`, nil, `
			eventfd2(0, EFD_NONBLOCK) = 3
			epoll_create1(0) = 4
			epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLOUT|EPOLLET, data=3}) = 0
			epoll_wait(4, [{events=EPOLLOUT, data=3}], 4, 0) = 1
			eventfd_write(3, 1) = 0
			epoll_wait(4, [{events=EPOLLIN|EPOLLOUT, data=3}], 4, 0) = 1
			eventfd_write(3, 18446744073709551613) = 0
			epoll_wait(4, [{events=EPOLLIN, data=3}], 4, 0) = 1
			eventfd_write(3, 1) = -1 EAGAIN
			epoll_wait(4, [], 4, 0) = 0
			eventfd_read(3) = 0 (value 18446744073709551614)
			epoll_wait(4, [{events=EPOLLOUT, data=3}], 4, 0) = 1`},
		{"a writer waits for room", `e := eventfd(1, 0)
			eventfd_write(e, -3)
			spawn(w1)
			wait_blocked(w1)
			eventfd_read(e)
			join(w1)
			eventfd_read(e)
			eventfd_write(e, -1)`, map[string]string{"w1": "eventfd_write(3, 7)"}, `
			eventfd2(1, 0) = 3
			eventfd_write(3, 18446744073709551613) = 0
			eventfd_read(3) = 0 (value 18446744073709551614)
			w1: eventfd_write(3, 7) = 0
			eventfd_read(3) = 0 (value 7)
			eventfd_write(3, 18446744073709551615) = -1 EINVAL`},
		{"a signal ends the sleep", `e := eventfd(0, 0)
			sigaction(SIGUSR1, 0)
			spawn(r1)
			wait_blocked(r1)
			tgkill(r1, SIGUSR1)`, map[string]string{"r1": "eventfd_read(3)"}, `
			eventfd2(0, 0) = 3
			rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=0}, NULL, 8) = 0
			tgkill(1000, 1001, SIGUSR1) = 0
			r1: --- SIGUSR1 ---
			r1: eventfd_read(3) = -1 EINTR`},
	})
}

// TestOneWriteWakesAllReadersOfAnEventfd: nobody waits exclusively there; one
// reader gets the counter, the others go back to sleep.
func TestOneWriteWakesAllReadersOfAnEventfd(t *testing.T) {
	m, lines := transcript(t, "e := eventfd(0, 0)\n"+blockThree+"eventfd_write(e, 1)",
		map[string]string{"r1": "eventfd_read(3)", "r2": "eventfd_read(3)", "r3": "eventfd_read(3)"})
	if n := strings.Count(lines, "(value 1)"); n != 1 {
		t.Errorf("%d readers have the counter:\n%s", n, lines)
	}
	for i := range m.Tasks {
		if task := &m.Tasks[i]; strings.HasPrefix(task.Name, "r") && task.State == Interruptible && task.Switches != 2 {
			t.Errorf("%s has slept %d times", task.Name, task.Switches)
		}
	}
}

// TestTimerfd: timerfd_create(2).
func TestTimerfd(t *testing.T) {
	runLines(t, []lineTest{
		{"once", `t := timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
			eventfd_read(t)
			timerfd_settime(t, 0, 0, 100*us)
			p := []pollfd{{t, POLLIN|POLLOUT}}
			poll(p, 1, 0)
			poll(p, 1, -1)
			eventfd_read(t)
			eventfd_read(t)`, nil, `
			timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) = 3
			eventfd_read(3) = -1 EAGAIN
			timerfd_settime(3, 0, {it_interval=0ns, it_value=100us}, NULL) = 0
			poll([{fd=3, events=POLLIN|POLLOUT}], 1, 0) = 0 (Timeout)
			poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}], 1, -1) = 1
			eventfd_read(3) = 0 (value 1)
			eventfd_read(3) = -1 EAGAIN`},
		{"again and again: what was missed is counted", `t := timerfd_create(CLOCK_REALTIME, 0)
			timerfd_settime(t, 0, 1*ms, 500*us)
			eventfd_read(t)
			nanosleep(3200*us)
			eventfd_read(t)
			eventfd_read(t)
			timerfd_settime(t, 0, 0, 0)
			fcntl(t, F_SETFL, O_NONBLOCK)
			nanosleep(2*ms)
			eventfd_read(t)`, nil, `
			timerfd_create(CLOCK_REALTIME, 0) = 3
			timerfd_settime(3, 0, {it_interval=1ms, it_value=500us}, NULL) = 0
			eventfd_read(3) = 0 (value 1)
			nanosleep(3200us) = 0
			eventfd_read(3) = 0 (value 3)
			eventfd_read(3) = 0 (value 1)
			timerfd_settime(3, 0, {it_interval=0ns, it_value=0ns}, NULL) = 0
			fcntl(3, F_SETFL, O_NONBLOCK) = 0
			nanosleep(2ms) = 0
			eventfd_read(3) = -1 EAGAIN`},
		{"an absolute time, and what is wrong", `t := timerfd_create(CLOCK_MONOTONIC, 0)
			nanosleep(1*ms)
			timerfd_settime(t, TFD_TIMER_ABSTIME, 0, 1*us)
			eventfd_read(t)
			timerfd_settime(t, 0, 0, -1)
			timerfd_settime(1, 0, 0, 1)
			timerfd_settime(9, 0, 0, 1)
			timerfd_create(99, 0)
			timerfd_create(CLOCK_MONOTONIC, 1)
			var b [8]byte
			read(t, b, 7)
			write(t, b, 8)`, nil, `
			timerfd_create(CLOCK_MONOTONIC, 0) = 3
			nanosleep(1ms) = 0
			timerfd_settime(3, TFD_TIMER_ABSTIME, {it_interval=0ns, it_value=1us}, NULL) = 0
			eventfd_read(3) = 0 (value 1)
			timerfd_settime(3, 0, {it_interval=0ns, it_value=-1ns}, NULL) = -1 EINVAL
			timerfd_settime(1, 0, {it_interval=0ns, it_value=1ns}, NULL) = -1 EINVAL
			timerfd_settime(9, 0, {it_interval=0ns, it_value=1ns}, NULL) = -1 EBADF
			timerfd_create(0x63, 0) = -1 EINVAL
			timerfd_create(CLOCK_MONOTONIC, 0x1) = -1 EINVAL
			read(3, ..., 7) = -1 EINVAL
			write(3, "\0\0\0\0\0\0\0\0", 8) = -1 EINVAL`},
	})
}

// TestMemfd: memfd_create(2), and regular files in poll(2) and epoll_ctl(2).
func TestMemfd(t *testing.T) {
	runLines(t, []lineTest{
		{"one position for all descriptors", `m := memfd_create("f", 0)
			d := dup(m)
			var b [16]byte
			write(m, "hello")
			write(d, " world")
			read(m, b, 16)
			fcntl(m, F_SETFL, O_APPEND)
			write(d, "!")`, nil, `
			memfd_create("f", 0) = 3
			dup(3) = 4
			write(3, "hello", 5) = 5
			write(4, " world", 6) = 6
			read(3, "", 16) = 0
			fcntl(3, F_SETFL, O_APPEND) = 0
			write(4, "!", 1) = 1`},
		{"always ready for poll, nothing for epoll", `m := memfd_create("f", MFD_CLOEXEC)
			p := []pollfd{{m, POLLIN|POLLOUT}}
			poll(p, 1, -1)
			ep := epoll_create1(0)
			epoll_ctl(ep, EPOLL_CTL_ADD, m, EPOLLIN)
			memfd_create("f", 0x8000)`, nil, `
			memfd_create("f", MFD_CLOEXEC) = 3
			poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN|POLLOUT}], 1, -1) = 1
			epoll_create1(0) = 4
			epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = -1 EPERM
			memfd_create("f", 0x8000) = -1 EINVAL`},
	})
}
