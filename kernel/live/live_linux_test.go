package live

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

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

const socket = "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nvar buf [64]byte\n"

func TestTheRealKernelAnswers(t *testing.T) {
	for _, c := range []struct {
		name, program string
		wire          []kernel.Packets
		want          []string
	}{
		{"epoll_wait is woken by a packet", socket + "ep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nvar ev [4]epoll_event\nepoll_wait(ep, ev, 4, -1)\nrecvfrom(ev[0].fd, buf, 64, 0)\nepoll_wait(ep, ev, 4, -1)",
			[]kernel.Packets{packet(1000, "hello")}, []string{
				"socket(AF_INET, SOCK_DGRAM, 0) = 3", "bind(3, 0.0.0.0:7000) = 0", "epoll_create1(0) = 4",
				"epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = 0",
				"epoll_wait(4, [{events=EPOLLIN, data=3}], 4, -1) = 1", `recvfrom(3, "hello", 64, 0, 10.0.0.2:5555) = 5`,
				"epoll_wait(4, <unfinished ...>"}},
		{"a blocking read sleeps, a non-blocking one gives EAGAIN", socket + "fcntl(s, F_SETFL, O_NONBLOCK)\nread(s, buf, 64)\nfcntl(s, F_SETFL, 0)\nread(s, buf, 64)",
			[]kernel.Packets{packet(1000, "a\n\"b")}, []string{
				"socket(AF_INET, SOCK_DGRAM, 0) = 3", "bind(3, 0.0.0.0:7000) = 0", "fcntl(3, F_SETFL, O_NONBLOCK) = 0",
				"read(3, ..., 64) = -1 EAGAIN", "fcntl(3, F_SETFL, 0) = 0", `read(3, "a\n\"b", 64) = 4`, "+++ exited with 0 +++"}},
		{"errors are the kernel's own", "var ev [4]epoll_event\nread(7, 0, 0)\nep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, 0, EPOLLIN)\nepoll_ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN)\nepoll_wait(ep, ev, 0, 0)\nepoll_wait(0, ev, 4, 0)\nclose(9)\nexit(3)",
			nil, nil},
		{"a timeout", "ep := epoll_create1(0)\nvar ev [4]epoll_event\nepoll_wait(ep, ev, 4, 3)\nnanosleep(2*ms)\nprint(\"hi\")\ngetpid()",
			nil, []string{"epoll_create1(0) = 3", "epoll_wait(3, [], 4, 3) = 0", "nanosleep(2ms) = 0", `write(1, "hi", 2) = 2`, "getpid() = 1000", "+++ exited with 0 +++"}},
	} {
		if c.want == nil {
			c.program = strings.Replace(c.program, "read(7, 0, 0)", "var b [4]byte\nread(7, b, 4)", 1)
			c.want = []string{"read(7, ..., 4) = -1 EBADF", "epoll_create1(0) = 3", "epoll_ctl(3, EPOLL_CTL_ADD, 0, {events=EPOLLIN, data=0}) = -1 EPERM",
				"epoll_ctl(3, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = -1 EINVAL", "epoll_wait(3, ..., 0, 0) = -1 EINVAL",
				"epoll_wait(0, ..., 4, 0) = -1 EINVAL", "close(9) = -1 EBADF", "+++ exited with 3 +++"}
		}
		t.Run(c.name, func(t *testing.T) {
			res, err := Run(context.Background(), config([]kernel.ThreadConfig{newThread(t, "t", 0, c.program)}, c.wire...), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, texts(res)); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

func texts(res *Result) (out []string) {
	for _, l := range append(res.Lines, res.Unfinished...) {
		out = append(out, l.Text)
	}
	return out
}

func TestAThreadThatComputesForEverDoesNotHoldPacketsBack(t *testing.T) {
	cfg := config([]kernel.ThreadConfig{
		newThread(t, "reader", 0, socket+"read(s, buf, 64)"), newThread(t, "worker", 0, "for { compute(1*ms) }"),
	}, packet(1000, "hello"))
	res, err := Run(context.Background(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(res); len(got) != 4 || got[2] != `read(3, "hello", 64) = 5` {
		t.Errorf("got %q", got)
	}
}

// TestAShortSleepAfterAPacketIsNoOvertaking: what the packet itself has set going
// may end as soon as it likes.
func TestAShortSleepAfterAPacketIsNoOvertaking(t *testing.T) {
	cfg := config([]kernel.ThreadConfig{newThread(t, "t", 0, socket+"for range 5 { read(s, buf, 64)\nnanosleep(1*us) }")})
	for i := range 5 {
		cfg.Wire = append(cfg.Wire, packet(sim.Time(i+1)*sim.Millisecond, "x"))
	}
	res, err := Run(context.Background(), cfg, Options{})
	if err != nil || len(res.Lines) != 13 {
		t.Errorf("%v: %q", err, texts(res))
	}
}

func TestTheInterestListIsInTheScenariosNumbers(t *testing.T) {
	cfg := config([]kernel.ThreadConfig{newThread(t, "t", 0, socket+"ep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN, 77)\nread(s, buf, 64)")})
	res, err := Run(context.Background(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"epoll 4 watches fd 3, events 19, data 4d"}
	if d := cmp.Diff(want, res.Interest); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if w := res.Threads[0].Wchan; w == "" {
		t.Error("a sleeping thread has a wchan")
	}
}

func TestTheWatchdogNamesTheThreadAndTheCall(t *testing.T) {
	cfg := config([]kernel.ThreadConfig{newThread(t, "ticker", 0, "for { nanosleep(1*ms) }")})
	_, err := Run(context.Background(), cfg, Options{Watchdog: 200 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "ticker") {
		t.Errorf("got %v", err)
	}
}

// TestNothingIsLeftBehind runs a thousand times in one process, every kind of
// sleep among the runs: descriptors and threads do not grow.
func TestNothingIsLeftBehind(t *testing.T) {
	programs := []string{
		socket + "read(s, buf, 64)",
		socket + "ep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nvar ev [4]epoll_event\nepoll_wait(ep, ev, 4, -1)",
		"ep := epoll_create1(0)\nvar ev [4]epoll_event\nepoll_wait(ep, ev, 4, -1)",
		socket + "recvfrom(s, buf, 64, 0)\nclose(s)",
	}
	count := func(dir string) int {
		e, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(e)
	}
	run := func(i int) {
		src := programs[i%len(programs)]
		cfg := config([]kernel.ThreadConfig{newThread(t, "a", 0, src), newThread(t, "b", 1, "getpid()")}, packet(1000, "x"))
		if _, err := Run(context.Background(), cfg, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		run(i)
	}
	fds, tasks := count("/proc/self/fd"), count("/proc/self/task")
	for i := range 1000 {
		run(i)
	}
	time.Sleep(20 * time.Millisecond) // the last threads' ends reach /proc a little later
	if n := count("/proc/self/fd"); n > fds {
		t.Errorf("%d descriptors before, %d after 1,000 runs", fds, n)
	}
	if n := count("/proc/self/task"); n > tasks+4 {
		t.Errorf("%d threads before, %d after 1,000 runs", tasks, n)
	}
}
