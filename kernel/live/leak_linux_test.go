package live

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringside/kernel"
)

// The main goroutine stays on the first thread of the process, for
// TestMain.
func init() { runtime.LockOSThread() }

// TestMain first sees that a scenario's thread never is the first thread of the
// process, which would take its name and could not end.
func TestMain(m *testing.M) {
	onFirst := unix.Gettid() == unix.Getpid()
	var tid int
	onOwnThread(func() { tid = unix.Gettid() })
	if !onFirst || tid == unix.Getpid() {
		println("a thread of a scenario is the process's first thread")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func count(t *testing.T, dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestNothingIsLeftBehind runs a thousand times in one process, every kind of
// sleep among the runs: descriptors and threads do not grow.
func TestNothingIsLeftBehind(t *testing.T) {
	var configs []*kernel.Config
	for _, src := range []string{
		socket + "read(s, buf, 64)\nread(s, buf, 64)",
		watchSocket + "for { epoll_wait(ep, ev, 4, -1) }",
		instance + "epoll_wait(ep, ev, 4, -1)",
		socket + "recvfrom(s, buf, 64, 0)\nclose(s)\nclose(0)\nepoll_create1(0)",
		socket + "nanosleep(1*s)",
		socket + "recv(s, buf, 64, 0)\nfor { compute(1*ms) }",
	} {
		cfg := config([]kernel.ThreadConfig{newThread(t, "a", 0, src), newThread(t, "b", 1, "close(3)")}, packet(1000, "x"))
		cfg.Stop = 2000
		configs = append(configs, cfg)
	}
	for _, src := range []string{
		"a, b = pipe2(0)\nvar buf [8]byte\nspawn(w)\nread(a, buf, 8)",
		"sigaction(SIGUSR1, SA_RESTART)\na = eventfd(0, 0)\nspawn(w)\neventfd_read(a)",
		listener + "spawn(w)\naccept(a)\naccept(a)",
		"a = timerfd_create(CLOCK_MONOTONIC, 0)\ntimerfd_settime(a, 0, 0, 1*us)\nfds := []pollfd{{a, POLLIN}}\nspawn(w)\npoll(fds, 1, -1)\nsettle()\njoin(w)",
		"a, b = socketpair(AF_UNIX, SOCK_STREAM, 0)\nr := fd_set(a)\nspawn(w)\nselect(a+1, r, NULL, NULL, NULL)",
		"spawn(w)\nsettle()\ntgkill(w, SIGTERM)",
	} {
		cfg := two(t, src, "wait_blocked(main)\ntgkill(main, SIGUSR1)\nclose(b)\nnanosleep(1*s)", tcp(1000, kernel.Packets{Connect: true}))
		cfg.Stop = 2000
		configs = append(configs, cfg)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	one := func(i int) {
		ctx := context.Background()
		if i%10 == 9 {
			ctx = ended
		}
		if _, err := Run(ctx, configs[i%len(configs)], Options{}); err != nil && ctx != ended {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		one(i)
	}
	fds, tasks := count(t, "/proc/self/fd"), count(t, "/proc/self/task")
	for i := range 1000 {
		one(i)
	}
	time.Sleep(20 * time.Millisecond) // the last threads' ends reach /proc a little later
	if n := count(t, "/proc/self/fd"); n > fds {
		t.Errorf("%d descriptors before, %d after 1,000 runs", fds, n)
	}
	if n := count(t, "/proc/self/task"); n > tasks+4 {
		t.Errorf("%d threads before, %d after 1,000 runs", tasks, n)
	}
}
