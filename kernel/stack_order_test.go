package kernel

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

// otherFrames are functions that only one side has on its stacks, and why.
var otherFrames = map[string]string{
	// The model's, which the compiler of the traced kernel has put into their
	// callers, or whose last call it has made a jump.
	"__wake_up_common_lock": "inlined",
	"context_switch":        "inlined",
	"ep_poll":               "inlined",
	"__udp4_lib_rcv":        "ends with a jump",
	"ip_rcv":                "ends with a jump",
	"do_poll":               "inlined",
	"__x64_sys_write":       "ends with a jump",
	"do_idle":               "ends with a jump to schedule_idle",
	"inet_wait_for_connect": "inlined",
	"tcp_send_fin":          "ends with a jump",
	// The real kernel's.
	"__hrtimer_run_queues": "part of hrtimer_interrupt",
	"complete_signal":      "part of __send_signal_locked",
	"do_send_specific":     "part of the system call",
	"do_pselect":           "the C library makes select with pselect6",
	"__x64_sys_pselect6":   "the C library makes select with pselect6",
	"kern_select":          "the C library makes select with pselect6",
	"__x64_sys_select":     "the C library makes select with pselect6",
	// The idle task: the traced machine has an idle driver and a hypervisor, and
	// 6.18 has a new name for its outermost function.
	"default_idle_call":    "the model has no idle driver",
	"native_safe_halt":     "the model has no hypervisor",
	"pv_native_safe_halt":  "a guest's native_safe_halt",
	"default_idle":         "idle driver",
	"default_enter_idle":   "idle driver",
	"cpuidle_enter_state":  "idle driver",
	"cpuidle_enter":        "idle driver",
	"secondary_startup_64": "as in 6.1",
	"common_startup_64":    "secondary_startup_64 of 6.18",
	"x86_64_start_kernel":  "called before start_kernel",
	"__pfx_clear_bss":      "not a caller: the return address of x86_64_start_kernel's last call",
}

// anyReceiver: their stacks are all alike.
var anyReceiver = regexp.MustCompile(`rx\d`)

// stacksIn reads a trace in which call stacks follow their events; of events
// with the same name the last one counts. The last stack of a trimmed file is
// incomplete.
func stacksIn(lines []string) map[string][]string {
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "# (trimmed") }) {
		last := len(lines) - 1
		for !strings.HasSuffix(lines[last], "<stack trace>") {
			last--
		}
		lines = lines[:last]
	}
	out, event, last := map[string][]string{}, "", map[string]string{}
	for _, l := range lines {
		fn, ok := strings.CutPrefix(l, " => ")
		if ok && !strings.HasPrefix(fn, "trace_event_raw") && !strings.HasPrefix(fn, "__traceiter") {
			fn, _, _ = strings.Cut(fn, ".") // parts that the compiler has split off
			out[event] = append(out[event], fn)
		}
		m := traceLine.FindStringSubmatch(l)
		switch {
		case m == nil:
		case m[4] == "<stack trace>":
			event = last[m[2]] // of this core
			out[event] = nil
		default:
			last[m[2]] = ""
			if e := loEvents([]string{l}, nil); len(e) > 0 {
				last[m[2]] = anyReceiver.ReplaceAllString(e[0].Event, "rx")
			}
		}
	}
	return out
}

// stacksOf runs a machine, and gives all stacks of each event.
func stacksOf(t *testing.T, cfg *Config) map[string][][]string {
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][][]string{}
	var r sim.Record
	for range int(1e6) {
		before := make([][]string, len(m.Cores))
		for core := range m.Cores {
			before[core] = modelStack(m, core)
		}
		if !m.Step(&r) {
			break
		}
		if l := m.Ftrace(&r); l != "" && r.CPU >= 0 {
			for _, e := range loEvents([]string{l}, nil) {
				name := anyReceiver.ReplaceAllString(e.Event, "rx")
				out[name] = append(out[name], before[r.CPU])
			}
		}
	}
	return out
}

// stackEvents are the events whose stacks are compared, where the trace has
// them: the way of the packet, of the wakeup, into sleep and out of it.
var stackEvents = []string{"sk_data_ready", "napi_poll", "sched_waking rx", "sched_switch rx S => swapper/0", "sched_switch swapper/0 R => rx"}

func TestLoopbackStacksAreTheRealKernels(t *testing.T) {
	for _, c := range loCases {
		file := filepath.Join("testdata/lo", c.file+".stack.txt")
		if !slices.Contains(stackFiles(t), file) {
			continue
		}
		if c.order != nil {
			c.others = c.order
		}
		t.Run(c.file, func(t *testing.T) {
			real, model := stacksIn(readLines(t, file)), stacksOf(t, c.config(t))
			for _, e := range stackEvents {
				if real[e] == nil {
					continue
				}
				other := func(fn string) bool { return otherFrames[fn] != "" }
				want := slices.DeleteFunc(real[e], other)
				var got []string
				for _, stack := range model[e] {
					if got = slices.DeleteFunc(stack, other); slices.Equal(want, got) {
						break
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("at %s: real kernel -, model's last +:\n%s", e, d)
				}
			}
		})
	}
}

func stackFiles(t *testing.T) []string {
	files, err := filepath.Glob("testdata/lo/*.stack.txt")
	if err != nil {
		t.Fatal(err)
	}
	return files
}
