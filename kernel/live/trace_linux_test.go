package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringside/kernel"
)

// needTrace skips where the kernel shows no tracepoints.
func needTrace(t *testing.T) (instances string) {
	t.Helper()
	dir, err := traceDir()
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(dir, "instances")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func ownInstance(instances string, pid int) string {
	return filepath.Join(instances, instancePrefix+strconv.Itoa(pid))
}

func TestTheKernelsTracepointsOfARun(t *testing.T) {
	instances := needTrace(t)
	cfg := one(t, watchSocket+"epoll_wait(ep, ev, 4, -1)\nread(s, buf, 64)", packet(1000, "hello"))
	res, err := Run(context.Background(), cfg, Options{Trace: true})
	if err != nil || res.NoTrace != nil {
		t.Fatal(err, res.NoTrace)
	}
	if exists(ownInstance(instances, os.Getpid())) {
		t.Error("the instance is left")
	}
	i := slices.IndexFunc(res.Lines, func(l Line) bool { return l.Text == "epoll_wait(4, [{events=EPOLLIN, data=3}], 4, -1) = 1" })
	if i < 0 {
		t.Fatalf("lines: %v", res.Lines)
	}
	if res.Lines[i].Wchan == "" {
		t.Error("the call has slept: there is a wchan")
	}
	want := []string{"sys_enter", "netif_receive_skb", "sched_waking", "sys_exit"}
	for _, p := range res.TraceOf(res.Lines[i]) {
		if len(want) > 0 && p.Event == want[0] {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("in this order, but missing: %v, in %v", want, res.TraceOf(res.Lines[i]))
	}
	for _, l := range res.Lines {
		if got := res.TraceOf(l); l.call > 0 && len(got) == 0 {
			t.Errorf("%s: no tracepoint", l.Text)
		}
	}
}

func TestNoInstanceIsLeftWhenARunFails(t *testing.T) {
	instances := needTrace(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, one(t, "for { nanosleep(1*ms) }"), Options{Trace: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Run(context.Background(), one(t, "var b [4]byte\nn := 5\nread(0, b, n)"), Options{Trace: true}); err == nil {
		t.Error("no error")
	}
	if exists(ownInstance(instances, os.Getpid())) {
		t.Error("the instance is left")
	}
}

// helperVariable makes the test binary one that leaves while it traces.
const helperVariable = "RINGSIDE_TRACE_HELPER"

func TestTraceHelper(t *testing.T) {
	way := os.Getenv(helperVariable)
	if way == "" {
		t.Skip("it is run by TestNoInstanceIsLeftByAProcess")
	}
	if _, err := startTrace(kernel.Points[1:], []int{unix.Gettid()}); err != nil {
		t.Fatal(err)
	}
	if way == "panic" {
		go func() {
			defer closeOnPanic()
			panic("as a defect would")
		}()
	}
	fmt.Println("tracing")
	time.Sleep(time.Minute)
}

func TestNoInstanceIsLeftByAProcess(t *testing.T) {
	instances := needTrace(t)
	for _, c := range []struct {
		way  string
		sig  os.Signal
		left bool
	}{
		{"panic", nil, false},
		{"hangup", unix.SIGHUP, false},
		{"quit", unix.SIGQUIT, false},
		{"killed", unix.SIGKILL, true}, // nobody can; the next one does
	} {
		t.Run(c.way, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run", "^TestTraceHelper$", "-test.v")
			cmd.Env = append(os.Environ(), helperVariable+"="+c.way)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "tracing"; {
			}
			if c.sig != nil {
				_ = cmd.Process.Signal(c.sig)
			}
			_ = cmd.Wait()
			dir := ownInstance(instances, cmd.Process.Pid)
			if exists(dir) != c.left {
				t.Errorf("left: %t", exists(dir))
			}
			sweep(filepath.Dir(instances))
			if exists(dir) {
				t.Error("the next one does not remove it")
			}
		})
	}
}

// A thread may be in the middle of writing a marker.
func TestAnInstanceGoesWhileItIsWrittenTo(t *testing.T) {
	needTrace(t)
	tr, err := startTrace(kernel.Points[1:], []int{unix.Gettid()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	for range 4 {
		go func() {
			for {
				select {
				case <-done:
					return
				default:
					tr.mark(0, 1, false)
				}
			}
		}()
	}
	if err := tr.remove(); err != nil || exists(tr.dir) {
		t.Errorf("%v", err)
	}
	close(done)
}
