package strace

import (
	"strings"
	"testing"

	"ringside/kernel/program"
)

// TestFormat holds the lines of the format's own description, and what strace
// does with data: testdata is the program that makes the call, the result, and
// what the call has left in its buffer.
func TestFormat(t *testing.T) {
	for _, c := range []struct {
		program string
		ret     int64
		errno   int
		buffer  string
		from    string
		rets    [2]int64
		sets    [3][]byte
		want    string
	}{
		{program: "socket(AF_INET, SOCK_DGRAM, 0)", ret: 3, want: "socket(AF_INET, SOCK_DGRAM, 0) = 3"},
		{program: "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0)", ret: 3, want: "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = 3"},
		{program: `bind(3, ":7000")`, want: "bind(3, 0.0.0.0:7000) = 0"},
		{program: `bind(3, "127.0.0.1:7000")`, ret: -1, errno: 98, want: "bind(3, 127.0.0.1:7000) = -1 EADDRINUSE"},
		{program: "epoll_create1(0)", ret: 4, want: "epoll_create1(0) = 4"},
		{program: "epoll_create1(EPOLL_CLOEXEC)", ret: 4, want: "epoll_create1(EPOLL_CLOEXEC) = 4"},
		{program: "epoll_ctl(4, EPOLL_CTL_ADD, 3, EPOLLET|EPOLLIN)", want: "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, data=3}) = 0"},
		{program: "epoll_ctl(4, EPOLL_CTL_MOD, 3, 0, -7)", ret: -1, errno: 2, want: "epoll_ctl(4, EPOLL_CTL_MOD, 3, {events=0, data=-7}) = -1 ENOENT"},
		{program: "epoll_ctl(4, EPOLL_CTL_DEL, 3, 0)", want: "epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0"},
		{program: "var b [24]epoll_event\nepoll_wait(4, b, 8, -1)", ret: 2,
			buffer: "\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x01\x20\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00",
			want:   "epoll_wait(4, [{events=EPOLLIN, data=3}, {events=EPOLLIN|EPOLLRDHUP, data=7}], 8, -1) = 2"},
		{program: "var b [8]epoll_event\nepoll_wait(4, b, 8, 0)", want: "epoll_wait(4, [], 8, 0) = 0"},
		{program: "var b [8]epoll_event\nepoll_wait(4, b, 8, -1)", ret: -1, errno: 4, want: "epoll_wait(4, ..., 8, -1) = -1 EINTR"},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 5, buffer: "hello", want: `read(3, "hello", 512) = 5`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: -1, errno: 11, want: "read(3, ..., 512) = -1 EAGAIN"},
		{program: "var b [512]byte\nread(3, b, 512)", want: `read(3, "", 512) = 0`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 32, buffer: "0123456789abcdef0123456789abcdef", want: `read(3, "0123456789abcdef0123456789abcdef", 512) = 32`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 33, buffer: "0123456789abcdef0123456789abcdefX", want: `read(3, "0123456789abcdef0123456789abcdef"..., 512) = 33`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 12, buffer: "\"\\\n\t\x00\x001\x1b[0m\xff", want: `read(3, "\"\\\n\t\0\0001\33[0m\377", 512) = 12`},
		{program: "var b [512]byte\nrecvfrom(3, b, 512, MSG_DONTWAIT)", ret: 5, buffer: "hello", from: "10.0.0.2:5555", want: `recvfrom(3, "hello", 512, MSG_DONTWAIT, 10.0.0.2:5555) = 5`},
		{program: "var b [512]byte\nrecvfrom(3, b, 512, 0)", ret: -1, errno: 11, want: "recvfrom(3, ..., 512, 0, NULL) = -1 EAGAIN"},
		{program: "var b [4]byte\nrecvfrom(3, b, 4, MSG_TRUNC)", ret: 9, buffer: "hell", from: "10.0.0.2:1", want: `recvfrom(3, "hell", 4, MSG_TRUNC, 10.0.0.2:1) = 9`},
		{program: `write(1, "hi")`, ret: 2, want: `write(1, "hi", 2) = 2`},
		{program: `print("hi")`, ret: 2, want: `write(1, "hi", 2) = 2`},
		{program: "fcntl(3, F_GETFL)", ret: 2, want: "fcntl(3, F_GETFL) = 2"},
		{program: "fcntl(3, F_SETFL, O_NONBLOCK)", want: "fcntl(3, F_SETFL, O_NONBLOCK) = 0"},
		{program: "nanosleep(5*us)", want: "nanosleep(5us) = 0"},
		{program: "nanosleep(1500*us)", want: "nanosleep(1500us) = 0"},
		{program: "close(9)", ret: -1, errno: 9, want: "close(9) = -1 EBADF"},
		{program: "getpid()", ret: 1000, want: "getpid() = 1000"},

		{program: "dup2(3, 7)", ret: 7, want: "dup2(3, 7) = 7"},
		{program: "pipe2(O_NONBLOCK)", rets: [2]int64{3, 4}, want: "pipe2([3, 4], O_NONBLOCK) = 0"},
		{program: "pipe2(1)", ret: -1, errno: 22, want: "pipe2(..., O_WRONLY) = -1 EINVAL"},
		{program: "socketpair(AF_UNIX, SOCK_STREAM, 0)", rets: [2]int64{3, 4}, want: "socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0"},
		{program: "eventfd(0, EFD_NONBLOCK)", ret: 5, want: "eventfd2(0, EFD_NONBLOCK) = 5"},
		{program: "eventfd_write(5, 3)", want: "eventfd_write(5, 3) = 0"},
		{program: "eventfd_write(5, -1)", ret: -1, errno: 22, want: "eventfd_write(5, 18446744073709551615) = -1 EINVAL"},
		{program: "eventfd_read(5)", ret: 3, want: "eventfd_read(5) = 0 (value 3)"},
		{program: "eventfd_read(5)", ret: -2, want: "eventfd_read(5) = 0 (value 18446744073709551614)"},
		{program: "eventfd_read(5)", ret: -1, errno: 11, want: "eventfd_read(5) = -1 EAGAIN"},
		{program: "timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)", ret: 3, want: "timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) = 3"},
		{program: "timerfd_settime(3, 0, 1*ms, 1500*us)", want: "timerfd_settime(3, 0, {it_interval=1ms, it_value=1500us}, NULL) = 0"},
		{program: `memfd_create("x", MFD_CLOEXEC)`, ret: 3, want: `memfd_create("x", MFD_CLOEXEC) = 3`},
		{program: "fcntl(3, F_SETPIPE_SZ, 8192)", ret: 8192, want: "fcntl(3, F_SETPIPE_SZ, 8192) = 8192"},

		{program: "listen(3, 16)", want: "listen(3, 16) = 0"},
		{program: "accept(3)", ret: 5, from: "10.0.0.2:40000", want: "accept(3, 10.0.0.2:40000) = 5"},
		{program: "accept4(3, SOCK_NONBLOCK)", ret: 5, from: "10.0.0.2:40000", want: "accept4(3, 10.0.0.2:40000, SOCK_NONBLOCK) = 5"},
		{program: "accept4(3, 0)", ret: -1, errno: 11, want: "accept4(3, ..., 0) = -1 EAGAIN"},
		{program: `connect(3, "127.0.0.1:7000")`, ret: -1, errno: 115, want: "connect(3, 127.0.0.1:7000) = -1 EINPROGRESS"},
		{program: `send(3, "hello", 5, MSG_NOSIGNAL)`, ret: 5, want: `sendto(3, "hello", 5, MSG_NOSIGNAL, NULL) = 5`},
		{program: `sendto(3, "hello", 5, 0, "10.0.0.2:5555")`, ret: 5, want: `sendto(3, "hello", 5, 0, 10.0.0.2:5555) = 5`},
		{program: "shutdown(3, SHUT_WR)", want: "shutdown(3, SHUT_WR) = 0"},
		{program: "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, 1)", want: "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0"},
		{program: "setsockopt(3, SOL_TCP, TCP_NODELAY, 1)", want: "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0"},
		{program: "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, 5000*ms)", want: "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, 5s, 16) = 0"},
		{program: "getsockopt(3, SOL_SOCKET, SO_ERROR)", ret: 111, want: "getsockopt(3, SOL_SOCKET, SO_ERROR) = 0 (value 111)"},

		{program: "fds := []pollfd{{3, POLLIN}, {4, POLLIN|POLLOUT}}\npoll(fds, 2, -1)", ret: 1,
			buffer: "\x03\x00\x00\x00\x01\x00\x01\x00", want: "poll([{fd=3, events=POLLIN, revents=POLLIN}, {fd=4, events=POLLIN|POLLOUT}], 2, -1) = 1"},
		{program: "fds := []pollfd{{3, POLLIN}}\npoll(fds, 1, 0)", want: "poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)"},
		{program: "poll(NULL, 3, 0)", ret: -1, errno: 14, want: "poll(NULL, 3, 0) = -1 EFAULT"},
		{program: "fds := []pollfd{{-1, 0}}\nppoll(fds, 1, 5*us, 0xa00)", ret: -1, errno: 4, want: "ppoll([{fd=-1, events=0}], 1, 5us, [USR1 USR2], 8) = -1 EINTR"},
		{program: "r := fd_set(3, 4)\nselect(5, r, NULL, NULL, NULL)", ret: 1, buffer: "\x08", sets: [3][]byte{{0x18}}, want: "select(5, [3 4], NULL, NULL, NULL) = 1 (in [3])"},
		{program: "r := fd_set(3)\nselect(4, r, NULL, NULL, 5*ms)", buffer: "\x00", sets: [3][]byte{{0x08}}, want: "select(4, [3], NULL, NULL, 5ms) = 0 (Timeout)"},
		{program: "r := fd_set()\nw := fd_set()\nx := fd_set()\nselect(6, r, w, x, NULL)", ret: 3, sets: [3][]byte{{0x38}, {0x38}, {0x38}},
			buffer: "\x08" + strings.Repeat("\x00", 127) + "\x10" + strings.Repeat("\x00", 127) + "\x20", want: "select(6, [3 4 5], [3 4 5], [3 4 5], NULL) = 3 (in [3], out [4], except [5])"},
		{program: "select(80, NULL, NULL, NULL, NULL)", ret: -1, errno: 4, want: "select(80, NULL, NULL, NULL, NULL) = -1 EINTR"},
		{program: "var b [8]epoll_event\nepoll_pwait(4, b, 8, 0, 0)", want: "epoll_pwait(4, [], 8, 0, NULL, 8) = 0"},
		{program: "var b [8]epoll_event\nepoll_pwait2(4, b, 8, NULL)", ret: -1, errno: 4, want: "epoll_pwait2(4, ..., 8, NULL, NULL, 8) = -1 EINTR"},

		{program: "sigaction(SIGUSR1, SA_RESTART)", want: "rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=SA_RESTART}, NULL, 8) = 0"},
		{program: "sigaction(77, 0)", ret: -1, errno: 22, want: "rt_sigaction(77, {sa_handler=handler, sa_flags=0}, NULL, 8) = -1 EINVAL"},
		{program: "tgkill(t, SIGUSR1)", want: "tgkill(1000, 1001, SIGUSR1) = 0"},
		{program: "syscall(39)", ret: 1000, want: "getpid() = 1000"},
		{program: "syscall(3, 9)", ret: -1, errno: 9, want: "close(9) = -1 EBADF"},
		{program: "syscall(0, 3, 0x1000, 5)", ret: -1, errno: 14, want: "read(3, 0x1000, 5) = -1 EFAULT"},
		{program: "syscall(999, 1, 0, -1)", ret: -1, errno: 38, want: "syscall_0x3e7(0x1, 0, 0xffffffffffffffff) = -1 ENOSYS"},
	} {
		call := callOf(t, c.program, c.buffer)
		call.Ret, call.Errno, call.From, call.Rets, call.Sets, call.Target = c.ret, c.errno, c.from, c.rets, c.sets, [2]int64{1000, 1001}
		if got := Format(call); got != c.want {
			t.Errorf("%s:\n  got  %s\n  want %s", c.program, got, c.want)
		}
	}
}

func TestUnfinished(t *testing.T) {
	for program, want := range map[string]string{
		"var b [8]epoll_event\nepoll_wait(4, b, 8, -1)":  "epoll_wait(4, <unfinished ...>",
		"var b [8]byte\nread(3, b, 8)":                   "read(3, <unfinished ...>",
		"nanosleep(5*ms)":                                "nanosleep(5ms <unfinished ...>",
		"accept4(3, SOCK_NONBLOCK)":                      "accept4(3, <unfinished ...>",
		"eventfd_read(5)":                                "eventfd_read(5 <unfinished ...>",
		"eventfd_write(5, 3)":                            "eventfd_write(5, 3 <unfinished ...>",
		`send(3, "hello", 5, 0)`:                         `sendto(3, "hello", 5, 0, NULL <unfinished ...>`,
		`connect(3, "127.0.0.1:7000")`:                   "connect(3, 127.0.0.1:7000 <unfinished ...>",
		"fds := []pollfd{{3, POLLIN}}\npoll(fds, 1, -1)": "poll([{fd=3, events=POLLIN}], 1, -1 <unfinished ...>",
		"select(0, NULL, NULL, NULL, 5*us)":              "select(0, NULL, NULL, NULL, 5us <unfinished ...>",
		"poll(NULL, 0, -1)":                              "poll(NULL, 0, -1 <unfinished ...>",
	} {
		call := callOf(t, program, "")
		call.Unfinished = true
		if got := Format(call); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestEndsAndSignals(t *testing.T) {
	for got, want := range map[string]string{
		Exited(3): "+++ exited with 3 +++", Signal(10): "--- SIGUSR1 ---", Killed(11): "+++ killed by SIGSEGV +++",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// callOf runs a program up to its first call and fills the array that it has
// declared.
func callOf(t *testing.T, src, buffer string) Call {
	t.Helper()
	p, err := program.Compile(src, program.Env{Threads: []string{"t"}})
	if err != nil {
		t.Fatal(err)
	}
	var mem program.Memory
	f := p.Start(&mem)
	for range 20 {
		e := p.Exec(&mem, &f, nil)
		if e.Kind == program.EffSyscall || e.Kind == program.EffLibrary {
			copy(mem.Data, buffer)
			return Call{Spec: p.Calls[e.Site].Spec, Args: e.Args[:], N: e.N, Prog: p, Mem: &mem}
		}
	}
	t.Fatal("no call")
	return Call{}
}
