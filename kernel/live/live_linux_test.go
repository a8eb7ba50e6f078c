package live

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

func newThread(t testing.TB, name string, start sim.Time, src string) kernel.ThreadConfig {
	t.Helper()
	p, err := program.Compile(src, program.Env{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return kernel.ThreadConfig{Name: name, CPU: -1, Start: start, Program: p}
}

func packet(at sim.Time, data string) kernel.Packets {
	return kernel.Packets{At: at, Count: 1, Payload: []byte(data),
		From: netip.MustParseAddrPort("10.0.0.2:5555"), To: netip.AddrPortFrom(kernel.HostIP, 7000)}
}

func config(threads []kernel.ThreadConfig, wire ...kernel.Packets) *kernel.Config {
	return &kernel.Config{CPUs: 1, NIC: nic.DefaultConfig(), Params: kernel.DefaultParams(), Threads: threads, Wire: wire}
}

// one is a configuration with a single thread.
func one(t testing.TB, src string, wire ...kernel.Packets) *kernel.Config {
	return config([]kernel.ThreadConfig{newThread(t, "t", 0, src)}, wire...)
}

func run(t testing.TB, cfg *kernel.Config) *Result {
	t.Helper()
	res, err := Run(context.Background(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// texts are a thread's lines.
func texts(res *Result, thread int) (out []string) {
	for _, l := range append(res.Lines, res.Unfinished...) {
		if l.Thread == thread {
			out = append(out, l.Text)
		}
	}
	return out
}

// lines joins statements.
func lines(s ...string) string { return strings.Join(s, "\n") }

// socket binds a socket to port 7000.
const (
	socket      = "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nvar buf [64]byte\n"
	socketLine  = "socket(AF_INET, SOCK_DGRAM, 0) = 3"
	bindLine    = "bind(3, 0.0.0.0:7000) = 0"
	instance    = "ep := epoll_create1(0)\nvar ev [4]epoll_event\n"
	exited      = "+++ exited with 0 +++"
	watchSocket = socket + instance + "epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\n"
)

var watchSocketLines = []string{socketLine, bindLine, "epoll_create1(0) = 4", "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = 0"}

func TestTheRealKernelAnswers(t *testing.T) {
	for _, c := range []struct {
		name, program string
		wire          []kernel.Packets
		want          []string
	}{
		{
			"epoll_wait is woken by a packet",
			watchSocket + lines("epoll_wait(ep, ev, 4, -1)", "recvfrom(ev[0].fd, buf, 64, 0)", "epoll_wait(ep, ev, 4, -1)"),
			[]kernel.Packets{packet(1000, "hello")},
			append(slices.Clone(watchSocketLines), "epoll_wait(4, [{events=EPOLLIN, data=3}], 4, -1) = 1",
				`recvfrom(3, "hello", 64, 0, 10.0.0.2:5555) = 5`, "epoll_wait(4, <unfinished ...>"),
		},
		{
			"a blocking read sleeps, a non-blocking one gives EAGAIN",
			socket + lines("fcntl(s, F_SETFL, O_NONBLOCK)", "read(s, buf, 64)", "fcntl(s, F_SETFL, 0)", "read(s, buf, 64)"),
			[]kernel.Packets{packet(1000, "a\n\"b")},
			[]string{socketLine, bindLine, "fcntl(3, F_SETFL, O_NONBLOCK) = 0", "read(3, ..., 64) = -1 EAGAIN",
				"fcntl(3, F_SETFL, 0) = 0", `read(3, "a\n\"b", 64) = 4`, exited},
		},
		{
			"two sockets on one epoll instance: the data tells which",
			watchSocket + lines("s2 := socket(AF_INET, SOCK_DGRAM, 0)", `bind(s2, ":7001")`, "epoll_ctl(ep, EPOLL_CTL_ADD, s2, EPOLLIN, 99)", "epoll_wait(ep, ev, 4, -1)"),
			[]kernel.Packets{{At: 1000, Count: 1, Payload: []byte("x"), From: netip.MustParseAddrPort("10.0.0.3:1"), To: netip.AddrPortFrom(kernel.HostIP, 7001)}},
			append(slices.Clone(watchSocketLines), "socket(AF_INET, SOCK_DGRAM, 0) = 5", "bind(5, 0.0.0.0:7001) = 0",
				"epoll_ctl(4, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data=99}) = 0", "epoll_wait(4, [{events=EPOLLIN, data=99}], 4, -1) = 1", exited),
		},
		{
			"errors are the kernel's own",
			instance + lines("var b [4]byte", "read(7, b, 4)", "epoll_ctl(ep, EPOLL_CTL_ADD, 0, EPOLLIN)", "epoll_ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN)",
				"epoll_wait(ep, ev, 0, 0)", "epoll_wait(0, ev, 4, 0)", "recv(0, b, 4, 0)", "nanosleep(-1)", "close(9)", "exit(-1)"),
			nil,
			[]string{"epoll_create1(0) = 3", "read(7, ..., 4) = -1 EBADF",
				"epoll_ctl(3, EPOLL_CTL_ADD, 0, {events=EPOLLIN, data=0}) = -1 EPERM", // no poll operation, as a terminal would have
				"epoll_ctl(3, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = -1 EINVAL", "epoll_wait(3, ..., 0, 0) = -1 EINVAL",
				"epoll_wait(0, ..., 4, 0) = -1 EINVAL", "recvfrom(0, ..., 4, 0, NULL) = -1 ENOTSOCK", "nanosleep(-1ns) = -1 EINVAL",
				"close(9) = -1 EBADF", "+++ exited with 255 +++"},
		},
		{
			"addresses conflict as they do on a host of one's own",
			lines("a := socket(AF_INET, SOCK_DGRAM, 0)", "b := socket(AF_INET, SOCK_DGRAM, 0)", `bind(a, "127.0.0.1:7000")`, `bind(b, ":7000")`,
				`bind(b, "8.8.8.8:7000")`, `bind(b, "10.0.0.1:7000")`, `bind(b, ":7000")`, `bind(9, ":1")`, `bind(1, ":1")`, "var buf [8]byte", "read(a, buf, 8)"),
			[]kernel.Packets{packet(1000, "not for 127.0.0.1")},
			[]string{socketLine, "socket(AF_INET, SOCK_DGRAM, 0) = 4", "bind(3, 127.0.0.1:7000) = 0", "bind(4, 0.0.0.0:7000) = -1 EADDRINUSE",
				"bind(4, 8.8.8.8:7000) = -1 EADDRNOTAVAIL", "bind(4, 10.0.0.1:7000) = 0", "bind(4, 0.0.0.0:7000) = -1 EINVAL",
				"bind(9, 0.0.0.0:1) = -1 EBADF", "bind(1, 0.0.0.0:1) = -1 ENOTSOCK", "read(3, <unfinished ...>"},
		},
		{
			"the lowest free number comes first, closed ones again",
			lines("a := socket(AF_INET, SOCK_DGRAM, 0)", "epoll_create1(0)", "close(a)", "close(0)", "epoll_create(1)", "epoll_create1(0)", "epoll_create(0)", `print("hi")`, "close(1)", `print("hi")`),
			nil,
			[]string{socketLine, "epoll_create1(0) = 4", "close(3) = 0", "close(0) = 0", "epoll_create(1) = 0", "epoll_create1(0) = 3", "epoll_create(0) = -1 EINVAL",
				`write(1, "hi", 2) = 2`, "close(1) = 0", `write(1, "hi", 2) = -1 EBADF`, exited},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, texts(run(t, one(t, c.program, c.wire...)), 0)); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

// A call holds a reference to the open file: who sleeps in read while another
// thread closes the descriptor goes on sleeping, keeps the port, and gets the
// next packet (fs/file.c: fdget, fput).
func TestAReaderKeepsASocketThatAnotherThreadCloses(t *testing.T) {
	res := run(t, config([]kernel.ThreadConfig{
		newThread(t, "reader", 0, socket+"read(s, buf, 64)\ngetpid()\ngettid()"),
		newThread(t, "closer", 1000, lines("close(3)", "s := socket(AF_INET, SOCK_DGRAM, 0)", `bind(s, ":7000")`, "getpid()", "gettid()")),
	}, packet(2000, "hello")))
	want := []string{socketLine, bindLine, `read(3, "hello", 64) = 5`, "getpid() = 1000", "gettid() = 1000", exited}
	if d := cmp.Diff(want, texts(res, 0)); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	want = []string{"close(3) = 0", socketLine, "bind(3, 0.0.0.0:7000) = -1 EADDRINUSE", "getpid() = 1000", "gettid() = 1001", exited}
	if d := cmp.Diff(want, texts(res, 1)); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

func TestAProcessHasItsOwnDescriptors(t *testing.T) {
	threads := []kernel.ThreadConfig{newThread(t, "a", 0, socket+"read(s, buf, 64)"), newThread(t, "b", 1000, "close(3)\ngetpid()")}
	threads[1].Process = "other"
	if d := cmp.Diff([]string{"close(3) = -1 EBADF", "getpid() = 1001", exited}, texts(run(t, config(threads)), 1)); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

func TestWhatIsSeenOfThreadsAtRest(t *testing.T) {
	res := run(t, one(t, socket+instance+"epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN, 77)\nread(s, buf, 64)"))
	want := []string{"epoll 4 watches fd 3 for EPOLLIN|EPOLLERR|EPOLLHUP, data 77"} // ep_insert always asks for the last two
	if d := cmp.Diff(want, res.Interest); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if w := res.Threads[0].Wchan; w == "" {
		t.Error("a sleeping thread has a wchan")
	}
	if n := res.Threads[0].Voluntary; n < 1 {
		t.Errorf("a thread that sleeps gives up its core by itself; %d voluntary switches", n)
	}
}

// A scenario file is a stranger's: what this process could do for it and must
// not ends the run, with the thread and the call.
func TestCallsThatReachOutsideAreRefused(t *testing.T) {
	for _, call := range []string{
		"socket(AF_UNIX, SOCK_STREAM, 0)", "socket(AF_INET, SOCK_RAW, 17)", "socket(17, SOCK_RAW, 768)",
		"fcntl(1, F_DUPFD, 0)", "fcntl(1, 8, 1)",
	} {
		_, err := Run(context.Background(), one(t, call), Options{})
		name, _, _ := strings.Cut(call, "(")
		if err == nil || !strings.Contains(err.Error(), "t: the live lane does not make this call: "+name) {
			t.Errorf("%s: %v", call, err)
		}
	}
}
