package live

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel"
	"ringside/sim"
)

// Times are the scenario's: what ends before a packet is over when it comes, and
// what ends after it is not, however long either takes for real.
func TestTimesAndPacketsHappenInTheScenariosOrder(t *testing.T) {
	for _, c := range []struct {
		name, program string
		packet        sim.Time
		want          []string
	}{
		{
			"a packet that comes during a computation waits in the socket", socket + "compute(10*ms)\nrecv(s, buf, 64, MSG_DONTWAIT)",
			5 * sim.Millisecond, []string{socketLine, bindLine, `recvfrom(3, "x", 64, MSG_DONTWAIT, NULL) = 1`, exited},
		},
		{
			"a packet that comes after it is too late", socket + "compute(1*ms)\nrecv(s, buf, 64, MSG_DONTWAIT)",
			5 * sim.Millisecond, []string{socketLine, bindLine, "recvfrom(3, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN", exited},
		},
		{
			"a sleep of an hour is over after a packet in the first minute", socket + "nanosleep(3600000*ms)\nrecv(s, buf, 64, MSG_DONTWAIT)",
			60 * sim.Second, []string{socketLine, bindLine, "nanosleep(3600s) = 0", `recvfrom(3, "x", 64, MSG_DONTWAIT, NULL) = 1`, exited},
		},
		{
			"a timeout before the packet, and one after it", watchSocket + "epoll_wait(ep, ev, 4, 3)\nepoll_wait(ep, ev, 4, 3)",
			5 * sim.Millisecond, append(watchSocketLines[:4:4], "epoll_wait(4, [], 4, 3) = 0", "epoll_wait(4, [{events=EPOLLIN, data=3}], 4, 3) = 1", exited),
		},
		{
			"ten computations are as long as one", socket + "for i := 0; i < 10; i++ {\ncompute(1*ms)\n}\nrecv(s, buf, 64, MSG_DONTWAIT)",
			9 * sim.Millisecond, []string{socketLine, bindLine, `recvfrom(3, "x", 64, MSG_DONTWAIT, NULL) = 1`, exited},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, texts(run(t, one(t, c.program, packet(c.packet, "x"))), 0)); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

func TestEachPacketFindsTheReaderAsleep(t *testing.T) {
	burst := packet(1000, "x")
	burst.Every, burst.Count = 10, 50
	loop := watchSocket + "for {\nepoll_wait(ep, ev, 4, -1)\nrecv(s, buf, 64, 0)\nepoll_wait(ep, ev, 4, 0)\n}"
	cfg := config([]kernel.ThreadConfig{newThread(t, "reader", 0, loop), newThread(t, "hog", 0, "for { compute(1*ms) }"), newThread(t, "spinner", 0, "for {}")}, burst)
	cfg.Stop = sim.Millisecond
	got := texts(run(t, cfg), 0)
	if n := len(got); n != 4+3*50+1 {
		t.Errorf("%d lines", n)
	}
	for i := 4; i+2 < len(got); i += 3 {
		if got[i+2] != "epoll_wait(4, [], 4, 0) = 0" {
			t.Fatalf("a second packet before the first was read: %q", got[i:i+3])
		}
	}
}

// What a packet has set going may end before the next one, as soon as it likes.
func TestAShortSleepAfterAPacketIsOverBeforeTheNext(t *testing.T) {
	cfg := one(t, socket+"for range 5 { read(s, buf, 64)\nnanosleep(1*us) }")
	for i := range 5 {
		cfg.Wire = append(cfg.Wire, packet(sim.Time(i+1)*sim.Millisecond, "x"))
	}
	if got := texts(run(t, cfg), 0); len(got) != 13 || got[12] != exited {
		t.Errorf("%q", got)
	}
}

func TestTheStopTimeEndsWhatWouldGoOnForEver(t *testing.T) {
	cfg := config([]kernel.ThreadConfig{newThread(t, "ticker", 0, "for { nanosleep(1*ms) }"), newThread(t, "late", 6*sim.Millisecond, "getpid()")})
	cfg.Stop = 3500 * sim.Microsecond
	res := run(t, cfg)
	const tick = "nanosleep(1ms) = 0"
	if d := cmp.Diff([]string{tick, tick, tick, "nanosleep(1ms <unfinished ...>"}, texts(res, 0)); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if got := texts(res, 1); got != nil {
		t.Errorf("a thread that starts after the stop time made calls: %q", got)
	}
}

func TestARunThatCannotGoOnEndsWithTheThreadAndTheCall(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name, program string
		ctx           context.Context
		want          string
		is            error
	}{
		{"the watchdog", "for { nanosleep(1*ms) }", context.Background(), "does not come to rest: t is in nanosleep(1ms", errWatchdog},
		{"a cancelled context", "for { nanosleep(1*ms) }", cancelled, "was ended", context.Canceled},
		{"a program's own mistake", "var b [4]byte\nn := 5\nread(0, b, n)", context.Background(), "t: line 3: ", nil},
		{"too many calls", "for { getpid() }", context.Background(), "more than 100000 calls", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			watchdog := 200 * time.Millisecond
			if c.name == "too many calls" {
				watchdog = 0
			}
			_, err := Run(c.ctx, one(t, c.program), Options{Watchdog: watchdog})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v", err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
		})
	}
}

func TestMorePacketsThanALiveRunTakes(t *testing.T) {
	burst := packet(1000, "x")
	burst.Every, burst.Count = 1, 1<<30
	if _, err := Run(context.Background(), one(t, "getpid()", burst), Options{}); err == nil {
		t.Error("no error")
	}
	cfg := one(t, "getpid()", burst)
	cfg.Stop = 1005 // only those until then count
	if _, err := Run(context.Background(), cfg, Options{}); err != nil {
		t.Error(err)
	}
}
