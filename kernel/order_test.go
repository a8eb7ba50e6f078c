package kernel

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/cpu"
	"ringside/sim"
)

// The order of events is held against traces of Linux 6.1 with a real e1000e
// driver and MSI-X interrupts on one core (testdata/ev-*.txt and st-*.txt; the
// header of each file says how it was taken).

// tracePoint is one line of a trace, as far as it is compared.
type tracePoint struct{ Event, Core, Flags string }

var traceLine = regexp.MustCompile(`^ *(\S.*)-\d+ +\[(\d+)\] (\S{5}) +[\d.]+: (.*)$`)

// traceEvent gives the event of a trace line: its name, or the system call that
// returns.
func traceEvent(text string) string {
	if strings.HasPrefix(text, "sys_") {
		if i := strings.Index(text, " -> "); i >= 0 {
			return text[:i] + " ->"
		}
		return text[:strings.IndexByte(text, '(')]
	}
	return text[:strings.IndexByte(text, ':')]
}

// contextFlags keeps what the comparison is about: interrupts off, need-resched,
// hardirq or softirq. System call events are traced with preemption off by one
// kernel and not by the other, so the depth is compared separately.
func contextFlags(f string) string { return f[:3] }

// since63 are tracepoints that Linux 6.1 does not have yet.
var since63 = []string{"sk_data_ready", "sock_send_length", "sock_recv_length"}

// fromInterrupt keeps the events of the last packet: from the hard interrupt to
// the return of the call that waited for it.
func fromInterrupt(t *testing.T, lines []string, waits string, flags func(string) string) (out []tracePoint) {
	t.Helper()
	for _, l := range lines {
		m := traceLine.FindStringSubmatch(l)
		if m == nil || slices.Contains(since63, traceEvent(m[4])) {
			continue
		}
		p := tracePoint{traceEvent(m[4]), m[2], flags(m[3])}
		if p.Event == "irq_handler_entry" {
			out = nil
		}
		if out = append(out, p); p.Event == waits+" ->" && out[0].Event == "irq_handler_entry" {
			return out
		}
	}
	t.Fatalf("no interrupt followed by the return of %s", waits)
	return nil
}

// ftraceLines runs a machine and gives its tracepoints.
func ftraceLines(t *testing.T, cfg *Config) (lines []string) {
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	for i := 0; i < 1e6 && m.Step(&r); i++ {
		if l := m.Ftrace(&r); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

const blockingServer = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
var buf [512]byte
for { recvfrom(s, buf, 512, 0) }`

func TestTracepointsComeInTheOrderOfTheRealKernel(t *testing.T) {
	for _, c := range []struct{ name, file, program, waits string }{
		{"epoll", "testdata/ev-epoll.txt", epollServer, "sys_epoll_wait"},
		{"blocking receive", "testdata/ev-block.txt", blockingServer, "sys_recvfrom"},
	} {
		want := fromInterrupt(t, readLines(t, c.file), c.waits, contextFlags)
		t.Run(c.name+", the core was idle", func(t *testing.T) {
			cfg := config(1, []ThreadConfig{thread(t, "server", c.program, -1, 0)}, packet(100*sim.Microsecond, 7000, "hello"))
			if d := cmp.Diff(want, fromInterrupt(t, ftraceLines(t, cfg), c.waits, contextFlags)); d != "" {
				t.Errorf("real kernel -, model +:\n%s", d)
			}
		})
		t.Run(c.name+", a thread was computing", func(t *testing.T) {
			cfg := onePacket(t)
			cfg.Threads[0] = thread(t, "server", c.program, -1, 0)
			if d := cmp.Diff(want, fromInterrupt(t, ftraceLines(t, cfg), c.waits, contextFlags)); d != "" {
				t.Errorf("real kernel -, model +:\n%s", d)
			}
		})
	}
}

// TestPreemptDepthIsTheRealKernels holds the fourth column too, up to the switch;
// system call events are left out, see contextFlags.
func TestPreemptDepthIsTheRealKernels(t *testing.T) {
	untilSwitch := func(points []tracePoint) []tracePoint {
		i := slices.IndexFunc(points, func(p tracePoint) bool { return p.Event == "sched_switch" })
		return points[:i+1]
	}
	all := func(f string) string { return f }
	cfg := config(1, []ThreadConfig{thread(t, "server", epollServer, -1, 0)}, packet(100*sim.Microsecond, 7000, "hello"))
	want := untilSwitch(fromInterrupt(t, readLines(t, "testdata/ev-epoll.txt"), "sys_epoll_wait", all))
	got := untilSwitch(fromInterrupt(t, ftraceLines(t, cfg), "sys_epoll_wait", all))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("real kernel -, model +:\n%s", d)
	}
}

// realStacks reads the stacks at a function from a trace, innermost first.
func realStacks(t *testing.T, file, at string) (stacks [][]string) {
	t.Helper()
	var cur []string
	in := false
	for _, l := range append(readLines(t, file), "") {
		if fn, ok := strings.CutPrefix(l, " => "); ok {
			if in && !strings.HasPrefix(fn, "0x") {
				cur = append(cur, strings.TrimSuffix(strings.Split(fn, ".")[0], "_no_verify"))
			}
			continue
		}
		if len(cur) > 0 {
			stacks = append(stacks, cur)
		}
		cur = nil
		in = strings.Contains(l, ": <stack trace>") && in || strings.Contains(l, ": "+at+" <-")
	}
	return stacks
}

// modelStack is the whole call stack of a core, innermost first.
func modelStack(m *Machine, core int) (out []string) {
	c := &m.Cores[core]
	stacks := [][]string{names(m, &c.IRQ), names(m, &c.Ctx.Kernel)}
	for _, s := range stacks {
		slices.Reverse(s)
		out = append(out, s...)
	}
	return out
}

func names(m *Machine, s *cpu.Stack) (out []string) {
	for i := range s.F {
		if s.F[i].Kind == cpu.Call {
			out = append(out, m.Text.Codes[s.F[i].Code].Name)
		}
	}
	return out
}

func TestCallStacksAreTheRealKernels(t *testing.T) {
	cfg := config(1, []ThreadConfig{thread(t, "server", epollServer, -1, 0)}, packet(100*sim.Microsecond, 7000, "hello"))
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for i := range m.Text.Codes {
		has[m.Text.Codes[i].Name] = true
	}
	want := map[string][]string{}
	for _, at := range []string{"__napi_schedule", "ep_poll_callback"} {
		for _, s := range realStacks(t, "testdata/st-epoll.txt", at) {
			if slices.Contains(s, "native_safe_halt") { // the idle core, as in the model's run
				want[at] = slices.DeleteFunc(s, func(fn string) bool { return !has[fn] })
				break
			}
		}
		if len(want[at]) < 10 {
			t.Fatalf("the trace has no stack at %s", at)
		}
	}
	var r sim.Record
	for i := 0; i < 1e5; i++ {
		if top := m.Text.Codes[m.Cores[0].Frame().Code].Name; m.Cores[0].Frame().PC == 0 && want[top] != nil {
			got := slices.DeleteFunc(modelStack(m, 0), func(fn string) bool { return fn == "__wake_up_sync_key" }) // a jump in 6.1
			if d := cmp.Diff(want[top], got); d != "" {
				t.Errorf("at %s: real kernel -, model +:\n%s", top, d)
			}
			delete(want, top)
		}
		if !m.Step(&r) {
			break
		}
	}
	for at := range want {
		t.Errorf("the model never came to %s", at)
	}
}

// TestThePathIsWalkedInOrder: one packet visits every station, in the order of
// the path, from the wire to the program.
func TestThePathIsWalkedInOrder(t *testing.T) {
	for name, cfg := range map[string]*Config{
		"idle core":    config(1, []ThreadConfig{thread(t, "server", epollServer, -1, 0)}, packet(100*sim.Microsecond, 7000, "hello")),
		"busy core":    onePacket(t),
		"another core": config(2, []ThreadConfig{thread(t, "server", epollServer, 1, 0)}, packet(100*sim.Microsecond, 7000, "hello")),
	} {
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var seen []uint8
		for _, r := range runAll(t, m, 1e5) {
			if r.Station != StNone && !slices.Contains(seen, r.Station) {
				seen = append(seen, r.Station)
			}
		}
		var want []uint8
		for s := StWire; s < NumStations; s++ {
			want = append(want, s)
		}
		if d := cmp.Diff(stationNames(want), stationNames(seen)); d != "" {
			t.Errorf("%s: want -, got +:\n%s", name, d)
		}
	}
}

func stationNames(s []uint8) (out []string) {
	for _, x := range s {
		out = append(out, Stations[x])
	}
	return out
}
