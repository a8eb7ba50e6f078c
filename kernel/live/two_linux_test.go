package live

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/sim"
)

// two are the configurations of two threads: main, and w, which main spawns. They
// share three variables.
func two(t testing.TB, main, w string, wire ...kernel.Packets) *kernel.Config {
	t.Helper()
	cfg := config(nil, wire...)
	cfg.Shared = []string{"a", "b", "c"}
	for i, src := range []string{main, w} {
		p, err := program.Compile(src, program.Env{Threads: []string{"main", "w"}, Shared: cfg.Shared})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Threads = append(cfg.Threads, kernel.ThreadConfig{Name: []string{"main", "w"}[i], CPU: -1, Spawned: i == 1, Program: p})
	}
	return cfg
}

// tcp is a step of a connection from 10.0.0.2:40000.
func tcp(at sim.Time, p kernel.Packets) kernel.Packets {
	p.At, p.Count, p.Proto = at, 1, "tcp"
	p.From, p.To = netip.MustParseAddrPort("10.0.0.2:40000"), netip.AddrPortFrom(kernel.HostIP, 7000)
	return p
}

const (
	listener = "a = socket(AF_INET, SOCK_STREAM, 0)\nbind(a, \":7000\")\nlisten(a, 5)\n"
	client   = "b = socket(AF_INET, SOCK_STREAM, 0)\nconnect(b, \"127.0.0.1:7000\")\nc = accept(a)\n"
)

var listenerLines = []string{"socket(AF_INET, SOCK_STREAM, 0) = 3", "bind(3, 0.0.0.0:7000) = 0", "listen(3, 5) = 0"}

// pairLines are those of listener and client.
var pairLines = append(listenerLines[:3:3], "socket(AF_INET, SOCK_STREAM, 0) = 4", "connect(4, 127.0.0.1:7000) = 0", "accept(3, 127.0.0.1:32768) = 5")

// TestTwoThreads holds what the real kernel does between threads. Lines that
// begin with a space are w's.
func TestTwoThreads(t *testing.T) {
	for _, c := range []struct {
		name, main, w string
		wire          []kernel.Packets
		want          []string
	}{
		{
			"a write wakes the reader of a pipe",
			lines("a, b = pipe2(0)", "spawn(w)", "wait_blocked(w)", `write(b, "hi")`, "join(w)", "close(b)"),
			lines("var buf [8]byte", "read(a, buf, 8)"), nil,
			[]string{"pipe2([3, 4], 0) = 0", `write(4, "hi", 2) = 2`, "close(4) = 0", exited, ` read(3, "hi", 8) = 2`, " " + exited},
		},
		{
			"the last writer's close ends a pipe", lines("a, b = pipe2(0)", "spawn(w)", "settle()", "close(b)", "join(w)"),
			lines("var buf [8]byte", "fds := []pollfd{{a, POLLIN}}", "poll(fds, 1, -1)", "read(a, buf, 8)"), nil,
			[]string{"pipe2([3, 4], 0) = 0", "close(4) = 0", exited, " poll([{fd=3, events=POLLIN, revents=POLLHUP}], 1, -1) = 1", ` read(3, "", 8) = 0`, " " + exited},
		},
		{
			"a reader goes on sleeping when its descriptor is closed, and gets what is written",
			lines("a, b = pipe2(0)", "spawn(w)", "settle()", "close(a)", "settle()", `write(b, "x")`, "join(w)", "a = dup(b)", "fcntl(a, F_GETFL)", "dup2(b, 9)", "dup2(9, 0)", "dup2(77, 1)"),
			lines("var buf [8]byte", "read(a, buf, 8)"), nil,
			[]string{"pipe2([3, 4], 0) = 0", "close(3) = 0", `write(4, "x", 1) = 1`, "dup(4) = 3", "fcntl(3, F_GETFL) = 1", "dup2(4, 9) = 9", "dup2(9, 0) = 0",
				"dup2(77, 1) = -1 EBADF", exited, ` read(3, "x", 8) = 1`, " " + exited},
		},
		{
			"eventfd", lines("a = eventfd(0, EFD_NONBLOCK)", "eventfd_read(a)", "eventfd_write(a, 3)", "eventfd_write(a, 4)", "spawn(w)", "join(w)"),
			"n := eventfd_read(a)\nif n == 7 { eventfd_write(a, -1) }", nil,
			[]string{"eventfd2(0, EFD_NONBLOCK) = 3", "eventfd_read(3) = -1 EAGAIN", "eventfd_write(3, 3) = 0", "eventfd_write(3, 4) = 0", exited,
				" eventfd_read(3) = 0 (value 7)", " eventfd_write(3, 18446744073709551615) = -1 EINVAL", " " + exited},
		},
		{
			"socketpair and shutdown", lines("a, b = socketpair(AF_UNIX, SOCK_STREAM, 0)", "spawn(w)", "settle()", `send(a, "x", 1, 0)`, "settle()", "shutdown(a, SHUT_WR)", "join(w)"),
			lines("var buf [8]byte", "recv(b, buf, 8, 0)", "recv(b, buf, 8, 0)"), nil,
			[]string{"socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0", `sendto(3, "x", 1, 0, NULL) = 1`, "shutdown(3, SHUT_WR) = 0", exited,
				` recvfrom(4, "x", 8, 0, NULL) = 1`, ` recvfrom(4, "", 8, 0, NULL) = 0`, " " + exited},
		},
		{
			"TCP: a listener wakes in accept; the peer's close is the end of its data",
			listener + lines("spawn(w)", "settle()", "b = socket(AF_INET, SOCK_STREAM, 0)", `connect(b, "10.0.0.1:7000")`, "join(w)", `write(b, "hello")`, "var buf [8]byte", "read(c, buf, 8)", "close(b)", "read(c, buf, 8)"),
			"c = accept4(a, SOCK_NONBLOCK)", nil,
			append(listenerLines[:3:3], "socket(AF_INET, SOCK_STREAM, 0) = 4", "connect(4, 10.0.0.1:7000) = 0", `write(4, "hello", 5) = 5`, `read(5, "hello", 8) = 5`, "close(4) = 0",
				`read(5, "", 8) = 0`, exited, " accept4(3, 10.0.0.1:32768, SOCK_NONBLOCK) = 5", " "+exited),
		},
		{
			"TCP: shutdown on both sides is HUP; nobody listens is ECONNREFUSED",
			listener + client + lines("shutdown(c, SHUT_WR)", "fds := []pollfd{{b, POLLIN|POLLRDHUP}, {c, POLLIN}, {9, 0}, {-1, POLLIN}}", "poll(fds, 4, 0)", "shutdown(b, SHUT_WR)", "poll(fds, 2, -1)",
				"close(a)", "a = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0)", `connect(a, "127.0.0.1:7001")`, "getsockopt(a, SOL_SOCKET, SO_ERROR)", `connect(a, ":7001")`), "", nil,
			append(pairLines[:6:6], "shutdown(5, SHUT_WR) = 0",
				"poll([{fd=4, events=POLLIN|POLLRDHUP, revents=POLLIN|POLLRDHUP}, {fd=5, events=POLLIN}, {fd=9, events=0, revents=POLLNVAL}, {fd=-1, events=POLLIN}], 4, 0) = 2",
				"shutdown(4, SHUT_WR) = 0", "poll([{fd=4, events=POLLIN|POLLRDHUP, revents=POLLIN|POLLHUP|POLLRDHUP}, {fd=5, events=POLLIN, revents=POLLIN|POLLHUP}], 2, -1) = 2",
				"close(3) = 0", "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0) = 3", "connect(3, 127.0.0.1:7001) = -1 EINPROGRESS",
				"getsockopt(3, SOL_SOCKET, SO_ERROR) = 0 (value 111)", "connect(3, 0.0.0.0:7001) = -1 ECONNABORTED", exited),
		},
		{
			"a host on the wire connects, sends, ends its data and resets",
			listener + lines("c = accept(a)", "var buf [8]byte", "read(c, buf, 8)", "read(c, buf, 8)", "write(c, buf, 8)", "fds := []pollfd{{c, 0}}", "poll(fds, 1, -1)", "read(c, buf, 8)"), "",
			[]kernel.Packets{tcp(1000, kernel.Packets{Connect: true}), tcp(2000, kernel.Packets{Payload: []byte("hello")}), tcp(3000, kernel.Packets{Fin: true}), tcp(4000, kernel.Packets{Rst: true})},
			append(listenerLines[:3:3], "accept(3, 10.0.0.2:40000) = 4", `read(4, "hello", 8) = 5`, `read(4, "", 8) = 0`, `write(4, "hello\0\0\0", 8) = 8`,
				"poll([{fd=4, events=0, revents=POLLERR|POLLHUP}], 1, -1) = 1", `read(4, "", 8) = 0`, exited),
		},
		{
			"UDP: threads send to each other and answer a host on the wire",
			socket + lines("b = socket(AF_INET, SOCK_DGRAM, 0)", `sendto(b, "x", 1, 0, "127.0.0.1:7000")`, "recvfrom(s, buf, 8, 0)", "recvfrom(s, buf, 8, 0)", `sendto(s, "y", 1, 0, "10.0.0.2:5555")`, `connect(b, "127.0.0.1:7001")`, `send(b, "z", 1, 0)`, `send(b, "z", 1, 0)`), "",
			[]kernel.Packets{packet(1000, "hello")},
			[]string{socketLine, bindLine, "socket(AF_INET, SOCK_DGRAM, 0) = 4", `sendto(4, "x", 1, 0, 127.0.0.1:7000) = 1`, `recvfrom(3, "x", 8, 0, 127.0.0.1:32768) = 1`,
				`recvfrom(3, "hello", 8, 0, 10.0.0.2:5555) = 5`, `sendto(3, "y", 1, 0, 10.0.0.2:5555) = 1`, "connect(4, 127.0.0.1:7001) = 0", `sendto(4, "z", 1, 0, NULL) = 1`, `sendto(4, "z", 1, 0, NULL) = -1 ECONNREFUSED`, exited},
		},
		{
			"a receive has a timeout", socket + lines("setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, 5*ms)", "recv(s, buf, 8, 0)", "recv(s, buf, 8, 0)", "sigaction(SIGUSR1, SA_RESTART)", "spawn(w)", "read(s, buf, 8)"),
			"settle()\ntgkill(main, SIGUSR1)", []kernel.Packets{packet(6*sim.Millisecond, "hello")},
			[]string{socketLine, bindLine, "setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, 5ms, 16) = 0", "recvfrom(3, ..., 8, 0, NULL) = -1 EAGAIN", `recvfrom(3, "hello", 8, 0, NULL) = 5`,
				"rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=SA_RESTART}, NULL, 8) = 0", "--- SIGUSR1 ---", "read(3, ..., 8) = -1 EINTR", exited, " tgkill(1000, 1000, SIGUSR1) = 0", " " + exited},
		},
		{
			"select", lines("a, b = pipe2(0)", "spawn(w)", "settle()", `write(b, "x")`, "join(w)"),
			lines("r := fd_set(a)", "x := fd_set(a, b)", "select(5, r, NULL, x, NULL)", "w := fd_set(b)", "select(b+1, r, w, NULL, 1*ms)", "select(0, NULL, NULL, NULL, 1*ms)", "n := fd_set(77)", "select(78, n, NULL, NULL, NULL)"), nil,
			[]string{"pipe2([3, 4], 0) = 0", `write(4, "x", 1) = 1`, exited, " select(5, [3], NULL, [3 4], NULL) = 1 (in [3])", " select(5, [3], [4], NULL, 1ms) = 2 (in [3], out [4])",
				" select(0, NULL, NULL, NULL, 1ms) = 0 (Timeout)", " select(78, [77], NULL, NULL, NULL) = -1 EBADF", " " + exited},
		},
		{
			"a signal interrupts what it finds asleep", lines("sigaction(SIGUSR1, 0)", "a, b = pipe2(0)", "spawn(w)", "for i := 0; i < 4; i++ {", "wait_blocked(w)", "tgkill(w, SIGUSR1)", "settle()", "}", "join(w)", "tgkill(main, SIGUSR1)", "tgkill(w, SIGUSR1)"),
			lines("var buf [8]byte", "read(a, buf, 8)", "fds := []pollfd{{a, POLLIN}}", "poll(fds, 1, -1)", "nanosleep(1000*s)", "ppoll(fds, 1, 1*s, 0x200)"), nil,
			[]string{"rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=0}, NULL, 8) = 0", "pipe2([3, 4], 0) = 0", "tgkill(1000, 1001, SIGUSR1) = 0", "tgkill(1000, 1001, SIGUSR1) = 0",
				"tgkill(1000, 1001, SIGUSR1) = 0", "tgkill(1000, 1001, SIGUSR1) = 0", "tgkill(1000, 1000, SIGUSR1) = 0", "--- SIGUSR1 ---", "tgkill(1000, 1001, SIGUSR1) = -1 ESRCH", exited,
				" --- SIGUSR1 ---", " read(3, ..., 8) = -1 EINTR", " --- SIGUSR1 ---", " poll([{fd=3, events=POLLIN}], 1, -1) = -1 EINTR", " --- SIGUSR1 ---", " nanosleep(1000s) = -1 EINTR",
				" ppoll([{fd=3, events=POLLIN}], 1, 1s, [USR1], 8) = 0 (Timeout)", " --- SIGUSR1 ---", " " + exited},
		},
		{
			"SA_RESTART makes a read again, but not epoll_wait", lines("sigaction(SIGUSR2, SA_RESTART)", "a, b = pipe2(0)", "spawn(w)", "settle()", "tgkill(w, SIGUSR2)", "settle()", `write(b, "x")`, "settle()", "tgkill(w, SIGUSR2)", "settle()", "tgkill(w, SIGUSR2)"),
			lines("var buf [8]byte", "read(a, buf, 8)", instance+"epoll_wait(ep, ev, 4, -1)", "read(a, buf, 8)"), nil,
			[]string{"rt_sigaction(SIGUSR2, {sa_handler=handler, sa_flags=SA_RESTART}, NULL, 8) = 0", "pipe2([3, 4], 0) = 0", "tgkill(1000, 1001, SIGUSR2) = 0", `write(4, "x", 1) = 1`,
				"tgkill(1000, 1001, SIGUSR2) = 0", "tgkill(1000, 1001, SIGUSR2) = 0", exited,
				" --- SIGUSR2 ---", ` read(3, "x", 8) = 1`, " epoll_create1(0) = 5", " --- SIGUSR2 ---", " epoll_wait(5, ..., 4, -1) = -1 EINTR", " --- SIGUSR2 ---", " read(3, <unfinished ...>"},
		},
		{
			"a signal without a handler ends the process", lines("a, b = pipe2(0)", "spawn(w)", "settle()", "tgkill(w, SIGTERM)", "for {}"), lines("var buf [8]byte", "read(a, buf, 8)"), nil,
			[]string{"pipe2([3, 4], 0) = 0", "tgkill(1000, 1001, SIGTERM) = 0", "+++ killed by SIGTERM +++", " --- SIGTERM ---", " +++ killed by SIGTERM +++"},
		},
		{
			"so does a write to a pipe that nobody reads", lines("a, b = pipe2(0)", "spawn(w)", "settle()", "close(a)", `write(b, "x")`), "nanosleep(1*s)", nil,
			[]string{"pipe2([3, 4], 0) = 0", "close(3) = 0", `write(4, "x", 1) = -1 EPIPE`, "--- SIGPIPE ---", "+++ killed by SIGPIPE +++", " +++ killed by SIGPIPE +++"},
		},
		{
			"SIGPIPE has a handler, or is not asked for", lines("sigaction(SIGPIPE, 0)", "a, b = socketpair(AF_UNIX, SOCK_STREAM, 0)", "close(a)", `send(b, "x", 1, MSG_NOSIGNAL)`, `write(b, "x")`), "", nil,
			[]string{"rt_sigaction(SIGPIPE, {sa_handler=handler, sa_flags=0}, NULL, 8) = 0", "socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0", "close(3) = 0",
				`sendto(4, "x", 1, MSG_NOSIGNAL, NULL) = -1 EPIPE`, `write(4, "x", 1) = -1 EPIPE`, "--- SIGPIPE ---", exited},
		},
		{
			"poll looks again and finds a descriptor closed, but keeps the file while it waits", lines("a, b = pipe2(0)", "spawn(w)", "wait_blocked(w)", "close(a)", "join(w)"),
			"fds := []pollfd{{a, POLLIN}, {b, POLLPRI}}\npoll(fds, 2, 20)", nil,
			[]string{"pipe2([3, 4], 0) = 0", "close(3) = 0", exited, " poll([{fd=3, events=POLLIN, revents=POLLNVAL}, {fd=4, events=POLLPRI}], 2, 20) = 1", " " + exited},
		},
		{
			"the scenario's clock does not overtake a delayed acknowledgement (Nagle's algorithm waits for it)",
			listener + client + lines("var buf [8]byte", `send(c, "x", 1, 0)`, "recv(b, buf, 8, 0)", `send(b, "y", 1, 0)`, "recv(c, buf, 8, 0)", `send(c, "x", 1, 0)`,
				`send(b, "1", 1, 0)`, `send(b, "2", 1, 0)`, "nanosleep(100*ms)", "recv(c, buf, 8, 0)"), "", nil,
			append(pairLines[:6:6], `sendto(5, "x", 1, 0, NULL) = 1`, `recvfrom(4, "x", 8, 0, NULL) = 1`, `sendto(4, "y", 1, 0, NULL) = 1`, `recvfrom(5, "y", 8, 0, NULL) = 1`,
				`sendto(5, "x", 1, 0, NULL) = 1`, `sendto(4, "1", 1, 0, NULL) = 1`, `sendto(4, "2", 1, 0, NULL) = 1`, "nanosleep(100ms) = 0", `recvfrom(5, "12", 8, 0, NULL) = 2`, exited),
		},
		{
			"a periodic timer goes on when it is read, and counts what was missed", lines("a = timerfd_create(CLOCK_MONOTONIC, 0)", "b = epoll_create1(0)", "epoll_ctl(b, EPOLL_CTL_ADD, a, EPOLLIN|EPOLLET)",
				"timerfd_settime(a, 0, 10*ms, 5*ms)", "var events [4]epoll_event", "epoll_wait(b, events, 4, 10)", "epoll_wait(b, events, 4, 10)", "nanosleep(35*ms)", "var buf [8]byte", "read(a, buf, 8)", "read(a, buf, 8)"), "", nil,
			[]string{"timerfd_create(CLOCK_MONOTONIC, 0) = 3", "epoll_create1(0) = 4", "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, data=3}) = 0",
				"timerfd_settime(3, 0, {it_interval=10ms, it_value=5ms}, NULL) = 0", "epoll_wait(4, [{events=EPOLLIN, data=3}], 4, 10) = 1", "epoll_wait(4, [], 4, 10) = 0",
				"nanosleep(35ms) = 0", `read(3, "\5\0\0\0\0\0\0\0", 8) = 8`, `read(3, "\1\0\0\0\0\0\0\0", 8) = 8`, exited},
		},
		{
			"a signal that cuts a write short comes after it, one that restarts a read before it",
			lines("sigaction(SIGUSR1, SA_RESTART)", "a, b = pipe2(0)", "spawn(w)", "wait_blocked(w)", "tgkill(w, SIGUSR1)", "settle()", `write(b, "x")`, "wait_blocked(w)", "tgkill(w, SIGUSR1)", "join(w)"),
			lines("var buf [70000]byte", "read(a, buf, 8)", "write(b, buf, 70000)"), nil,
			[]string{"rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=SA_RESTART}, NULL, 8) = 0", "pipe2([3, 4], 0) = 0", "tgkill(1000, 1001, SIGUSR1) = 0", `write(4, "x", 1) = 1`, "tgkill(1000, 1001, SIGUSR1) = 0", exited,
				" --- SIGUSR1 ---", ` read(3, "x", 8) = 1`, ` write(4, "x` + strings.Repeat(`\0`, 31) + `"..., 70000) = 65536`, " --- SIGUSR1 ---", " " + exited},
		},
		{
			"timerfd", lines("a = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)", "var buf [8]byte", "read(a, buf, 8)", "timerfd_settime(a, 0, 1*ms, 1*ms)", "fds := []pollfd{{a, POLLIN}}", "poll(fds, 1, -1)", "nanosleep(2500*us)", "read(a, buf, 8)",
				"timerfd_settime(a, 0, 0, 500*us)", "nanosleep(499*us)", "poll(fds, 1, 0)", "nanosleep(1*us)", "poll(fds, 1, 0)", "timerfd_settime(a, 0, 0, 0)", "poll(fds, 1, 5)", "timerfd_settime(a, 0, 0, -1)"), "", nil,
			[]string{"timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) = 3", "read(3, ..., 8) = -1 EAGAIN", "timerfd_settime(3, 0, {it_interval=1ms, it_value=1ms}, NULL) = 0",
				"poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, -1) = 1", "nanosleep(2500us) = 0", `read(3, "\3\0\0\0\0\0\0\0", 8) = 8`,
				"timerfd_settime(3, 0, {it_interval=0ns, it_value=500us}, NULL) = 0", "nanosleep(499us) = 0", "poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)", "nanosleep(1us) = 0",
				"poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1", "timerfd_settime(3, 0, {it_interval=0ns, it_value=0ns}, NULL) = 0", "poll([{fd=3, events=POLLIN}], 1, 5) = 0 (Timeout)",
				"timerfd_settime(3, 0, {it_interval=0ns, it_value=-1ns}, NULL) = -1 EINVAL", exited},
		},
		{
			"one thread's sleep ends before another's timeout", lines("a, b = pipe2(0)", "spawn(w)", "nanosleep(1999*us)", `write(b, "x")`, "join(w)"), lines("fds := []pollfd{{a, POLLIN}}", "poll(fds, 1, 2)", "poll(fds, 1, 0)"), nil,
			[]string{"pipe2([3, 4], 0) = 0", "nanosleep(1999us) = 0", `write(4, "x", 1) = 1`, exited, " poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 2) = 1", " poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1", " " + exited},
		},
		{
			"files in memory, the sizes of pipes, and calls by number",
			lines(`a = memfd_create("m", 0)`, `write(a, "x")`, instance, "epoll_ctl(ep, EPOLL_CTL_ADD, a, EPOLLIN)", "a, b = pipe2(O_NONBLOCK)", "fcntl(b, F_SETPIPE_SZ, 4096)", "var buf [8192]byte", "write(b, buf, 4096)", "write(b, buf, 1)",
				"syscall(39)", "syscall(3, 99)", "syscall(999, 1)", "epoll_pwait2(ep, ev, 4, 1*us)", "epoll_pwait(ep, ev, 4, 1, 0x200)"), "", nil,
			[]string{`memfd_create("m", 0) = 3`, `write(3, "x", 1) = 1`, "epoll_create1(0) = 4", "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = -1 EPERM", "pipe2([5, 6], O_NONBLOCK) = 0",
				"fcntl(6, F_SETPIPE_SZ, 4096) = 4096", `write(6, "` + strings.Repeat(`\0`, 32) + `"..., 4096) = 4096`, `write(6, "\0", 1) = -1 EAGAIN`, "getpid() = 1000", "close(99) = -1 EBADF", "syscall_0x3e7(0x1) = -1 ENOSYS",
				"epoll_pwait2(4, [], 4, 1us, NULL, 8) = 0", "epoll_pwait(4, [], 4, 1, [USR1], 8) = 0", exited},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := run(t, two(t, c.main, c.w, c.wire...))
			got := texts(res, 0)
			for _, l := range texts(res, 1) {
				got = append(got, " "+l)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

// An option or an address that leads out of the scenario ends the run.
func TestTheWorldOutsideIsRefused(t *testing.T) {
	for _, src := range []string{
		"s := socket(AF_INET, SOCK_DGRAM, 0)\nsetsockopt(s, SOL_SOCKET, 25, 0)", "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"224.0.0.1:53\")",
		"syscall(56, 0)", "syscall(0x40000001, 0)", "sigaction(19+1, 0)", "socketpair(16, SOCK_RAW, 0)", "memfd_create(\"x\", 4)",
	} {
		if _, err := Run(context.Background(), one(t, src), Options{}); err == nil || !strings.Contains(err.Error(), errRefused.Error()) {
			t.Errorf("%s: %v", src, err)
		}
	}
}
