package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// memoryThread compiles a program with the shared variables of a test.
func memoryThread(t fatal, name, process, src string, self int) ThreadConfig {
	p, err := program.Compile(src, program.Env{Shared: sharedNames, Self: self})
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return ThreadConfig{Name: name, Process: process, CPU: -1, Program: p}
}

// memoryRun runs threads to the end.
func memoryRun(t fatal, cpus int, pti bool, threads ...ThreadConfig) (*Machine, []sim.Record) {
	cfg := config(cpus, threads)
	cfg.Shared = sharedNames
	cfg.Params.PTI = pti
	m, err := New(cfg)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return m, runAll(t, m, math.MaxInt32)
}

// faults are the error codes of the page faults of a run, with the addresses.
func faults(recs []sim.Record) (codes []int64) {
	for _, r := range recs {
		if r.Point == PointPageFaultUser || r.Point == PointPageFaultKernel {
			codes = append(codes, r.Arg[1])
		}
	}
	return codes
}

// TestErrorCodesOfPrograms: Intel SDM volume 3, section 4.7, and what Linux 6.18
// on x86-64 tells a handler of SIGSEGV in the error code and si_code.
func TestErrorCodesOfPrograms(t *testing.T) {
	for _, tt := range []struct {
		op   string
		pti  bool
		code int64
		si   int64
	}{
		{"load(KERNEL)", false, 5, segvMapErr},
		{"store(KERNEL, 1)", false, 7, segvMapErr},
		{"load(0xffff888000000000)", false, 5, segvMapErr},
		{"load(0xffffffffa0000000)", false, 4, segvMapErr},
		{"load(KERNEL)", true, 4, segvMapErr},
		{"load(0xffff888000000000)", true, 4, segvMapErr},
		{"load(0x1000)", false, 4, segvMapErr},
		{"store(0x1000, 1)", false, 6, segvMapErr},
		{`store("constant", 1)`, false, 7, segvAccErr},
		{"store(0x401000, 1)", false, 7, segvAccErr},
		{"load(HEAP + HEAP_SIZE)", false, 4, segvMapErr},
		{"load(HEAP - 1)", true, 4, segvMapErr},
	} {
		m, recs := memoryRun(t, 1, tt.pti, memoryThread(t, "t", "", "a = 1\n"+tt.op+"\na = 2", 0))
		if d := cmp.Diff([]int64{tt.code}, faults(recs)); d != "" {
			t.Errorf("%s, pti %v: error codes %s", tt.op, tt.pti, d)
		}
		if sig := m.Tasks[len(m.Tasks)-1].ExitSignal; sig != sigSEGV || m.Procs[0].Shared[0] != 1 {
			t.Errorf("%s: ended by signal %d", tt.op, sig)
		}
		for _, r := range recs {
			if r.Point == PointSignalDeliver && r.Arg[1] != tt.si {
				t.Errorf("%s: si_code %d, want %d", tt.op, r.Arg[1], tt.si)
			}
		}
		if m.Counters.MinorFaults != 0 {
			t.Errorf("%s counts as a minor fault", tt.op)
		}
	}
}

// TestAFaultingInstructionIsDoneAgain: a fault saves the address of the
// instruction itself, not of the next one (SDM volume 3, "Faults").
func TestAFaultingInstructionIsDoneAgain(t *testing.T) {
	m, err := New(config(1, []ThreadConfig{memoryThread(t, "t", "", "store(HEAP, 7)\nexit(load(HEAP))", 0)}))
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	stores, pushed := 0, uint64(0)
	for m.Step(&r) {
		switch {
		case r.Fn == uint16(fnStore):
			stores++
		case r.Point == PointPageFaultUser:
			pushed = uint64(pushedWords(&m.Cores[0].Ctx.Kernel).L[4])
		}
	}
	if task := &m.Tasks[len(m.Tasks)-1]; stores != 2 || pushed != m.Text.Addr(fnStore, 0) || task.ExitCode != 7 {
		t.Errorf("%d stores, RIP %#x, exit code %d", stores, pushed, task.ExitCode)
	}
}

// TestFirstTouches: do_anonymous_page gives a read the zero page, and a write a
// page; do_wp_page comes between them. Counted as getrusage(2) counts ru_minflt,
// measured on Linux 6.18.
func TestFirstTouches(t *testing.T) {
	for _, tt := range []struct {
		src   string
		codes []int64
	}{
		{"load(HEAP)", []int64{4}},
		{"load(HEAP)\nload(HEAP+4095)", []int64{4}},
		{"load(HEAP)\nstore(HEAP)", []int64{4, 7}},
		{"store(HEAP)\nload(HEAP)\nstore(HEAP+1)", []int64{6}},
		{"store(HEAP+4095)\nstore(HEAP+4096)", []int64{6, 6}},
		{"r, w := pipe2(0)\nwrite(w, \"x\", 1)\nsyscall(0, r, HEAP, 1)\nload(HEAP)", []int64{2}},
		{"r, w := pipe2(0)\nsyscall(1, w, HEAP, 1)\nload(HEAP)", []int64{0}},
		{"var b [10000]byte\nload(addr(b)+9999)\nstore(b, 1)", nil},
	} {
		m, recs := memoryRun(t, 1, false, memoryThread(t, "t", "", tt.src, 0))
		if d := cmp.Diff(tt.codes, faults(recs)); d != "" {
			t.Errorf("%s: %s", tt.src, d)
		}
		if task := &m.Tasks[len(m.Tasks)-1]; task.MinFlt != int64(len(tt.codes)) || task.ExitSignal != 0 {
			t.Errorf("%s: %d minor faults, signal %d", tt.src, task.MinFlt, task.ExitSignal)
		}
	}
}

// TestTwoThreadsTouchOnePage: both fault, one finds the other's entry.
func TestTwoThreadsTouchOnePage(t *testing.T) {
	src := "store(HEAP + %d, %d)\ncompute(10*us)\nexit(load(HEAP) + load(HEAP+1))"
	m, _ := memoryRun(t, 2, false, memoryThread(t, "a", "", fmt.Sprintf(src, 0, 3), 0), memoryThread(t, "b", "", fmt.Sprintf(src, 1, 4), 1))
	for i := range 2 {
		if task := &m.Tasks[len(m.Tasks)-1-i]; task.ExitCode != 7 {
			t.Errorf("%s has read %d", task.Name, task.ExitCode)
		}
	}
	if m.Counters.MinorFaults != 2 {
		t.Errorf("%d minor faults", m.Counters.MinorFaults)
	}
}

// TestArraysOfOneProcessLieApart: threads share an address space, so an address
// of one means the same to the other; in another process it does not.
func TestArraysOfOneProcessLieApart(t *testing.T) {
	one := "var buf [8]byte\nbuf[0] = 9\na = addr(buf)\ncompute(100*us)"
	m, _ := memoryRun(t, 2, false, memoryThread(t, "a", "", one, 0), memoryThread(t, "b", "", "var own [8]byte\ncompute(10*us)\nb = load(a)\nc = addr(own) - a", 1))
	if d := cmp.Diff([]int64{9, program.DataStride}, m.Procs[0].Shared[1:3]); d != "" {
		t.Error(d)
	}
	other := memoryThread(t, "c", "other", fmt.Sprintf("load(%d)", program.DataBase+program.DataStride), 2)
	_, recs := memoryRun(t, 2, false, memoryThread(t, "a", "", one, 0), memoryThread(t, "b", "", one, 1), other)
	if d := cmp.Diff([]int64{4}, faults(recs)); d != "" {
		t.Error("in another process nothing is there:", d)
	}
}

// pointerCalls are calls with the address of a buffer in the variable p, and what
// makes them ready. They fill the buffer or read it.
var pointerCalls = []struct{ name, ready, call string }{
	{"read of a pipe", "r, w := pipe2(0)\nwrite(w, \"hello\", 5)", "syscall(0, r, p, 5)"},
	{"write to a pipe", "r, w := pipe2(0)", "syscall(1, w, p, 5)"},
	{"read of an eventfd", "e := eventfd(3, 0)", "syscall(0, e, p, 8)"},
	{"write to an eventfd", "e := eventfd(3, 0)", "syscall(1, e, p, 8)"},
	{"read of a timerfd", "e := timerfd_create(CLOCK_MONOTONIC, 0)\ntimerfd_settime(e, 0, 0, 1*us)", "syscall(0, e, p, 8)"},
	{"read of a unix stream", "s, u := socketpair(AF_UNIX, SOCK_STREAM, 0)\nwrite(u, \"hello\", 5)", "syscall(0, s, p, 5)"},
	{"peek at a unix stream", "s, u := socketpair(AF_UNIX, SOCK_STREAM, 0)\nwrite(u, \"hello\", 5)", "syscall(45, s, p, 5, MSG_PEEK, 0, 0)"},
	{"write to a unix stream", "s, u := socketpair(AF_UNIX, SOCK_STREAM, 0)", "syscall(1, s, p, 5)"},
	{"read of a unix datagram", "s, u := socketpair(AF_UNIX, SOCK_DGRAM, 0)\nwrite(u, \"hello\", 5)", "syscall(0, s, p, 5)"},
	{"write to a unix datagram", "s, u := socketpair(AF_UNIX, SOCK_DGRAM, 0)", "syscall(1, s, p, 5)"},
	{"read of UDP", "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nsendto(s, \"hello\", 5, 0, \"127.0.0.1:7000\")", "syscall(0, s, p, 5)"},
	{"write to UDP", "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nconnect(s, \"127.0.0.1:7000\")", "syscall(1, s, p, 5)"},
	{"read of TCP", tcpConnected + "write(s, \"hello\", 5)", "syscall(0, u, p, 5)"},
	{"write to TCP", tcpConnected, "syscall(1, s, p, 5)"},
	{"write to a file in memory", "f := memfd_create(\"m\", 0)", "syscall(1, f, p, 5000)"},
	{"poll", "", "syscall(7, p, 1, 0)"},
	{"select", "", "syscall(23, 1, p, 0, 0, 0)"},
	{"epoll_wait", "e := eventfd(1, 0)\nep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN)", "syscall(232, ep, p, 1, -1)"},
	{"setsockopt", "s := socket(AF_INET, SOCK_DGRAM, 0)", "syscall(54, s, SOL_SOCKET, SO_RCVBUF, p, 4)"},
	{"getsockopt", "s := socket(AF_INET, SOCK_DGRAM, 0)", "syscall(55, s, SOL_SOCKET, SO_RCVBUF, p, 0)"},
}

const tcpConnected = "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\n" +
	"s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"127.0.0.1:7000\")\nu := accept(l)\n"

// pointerCall makes a call with a pointer, and gives its result, errno, and how
// often it faulted.
func pointerCall(t *testing.T, ready, call, p string) (got [2]int64, n int) {
	src := ready + "\nvar buf [8192]byte\np := " + p + "\nif p == 0 {\np = addr(buf)\n}\na = " + call + "\nb = errno"
	m, recs := memoryRun(t, 1, false, memoryThread(t, "t", "", src, 0))
	if sig := m.Tasks[len(m.Tasks)-1].ExitSignal; sig != 0 {
		t.Errorf("%s: killed by %d", call, sig)
	}
	return [2]int64{m.Procs[0].Shared[0], m.Procs[0].Shared[1]}, len(faults(recs))
}

// TestBadPointersGiveEFAULT: read(2), EFAULT: "buf is outside your accessible
// address space". A pointer into the kernel's half does not fault: access_ok
// refuses it.
func TestBadPointersGiveEFAULT(t *testing.T) {
	for _, c := range pointerCalls {
		for _, p := range []struct {
			at     string
			faults int
		}{{"0x1000", 1}, {"KERNEL", 0}, {"0x800000000000", 0}} {
			if got, n := pointerCall(t, c.ready, c.call, p.at); got != [2]int64{-1, EFAULT} || n != p.faults {
				t.Errorf("%s at %s: %d, errno %d, %d faults", c.name, p.at, got[0], got[1], n)
			}
		}
	}
}

// TestCopiesBringPagesIn: a buffer that was never touched serves a system call
// as well as any other; the copy faults in ring 0 and goes on.
func TestCopiesBringPagesIn(t *testing.T) {
	for _, c := range pointerCalls {
		want, none := pointerCall(t, c.ready, c.call, "0")
		got, n := pointerCall(t, c.ready, c.call, "HEAP")
		if got != want || none != 0 || n == 0 {
			t.Errorf("%s: %v after %d faults; with an array %v after %d", c.name, got, n, want, none)
		}
	}
}

// TestPTI: in ring 3 CR3 leads to the tables without the kernel, in ring 0 to the
// others, on all ways in and out; and nothing else changes.
func TestPTI(t *testing.T) {
	for _, cfg := range []func() *Config{func() *Config { return onePacket(t) }, func() *Config {
		return config(1, []ThreadConfig{memoryThread(t, "t", "", "sigaction(SIGUSR1, 0)\nstore(HEAP)\nload(HEAP)", 0)})
	}} {
		c := cfg()
		c.Params.PTI = true
		m, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		for m.Step(&r) {
			core := &m.Cores[0]
			if core.Micro != 0 {
				continue
			}
			code, user := &m.Text.Codes[core.Frame().Code], core.Regs.CR3&ptiUserBit != 0
			if code.File != fileEntry && (core.Regs.Ring() == 3) != user {
				t.Fatalf("ring %d with CR3 %#x in %s", core.Regs.Ring(), core.Regs.CR3, code.Name)
			}
		}
		if m.Fault != "" {
			t.Fatal(m.Fault)
		}
	}
}

// TestProcessesKeepTheirMemory runs random loads and stores in two processes of
// two threads each: every load gives what was stored there last in its process,
// and a page faults as often as its first read and its first write say.
func TestProcessesKeepTheirMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var threads []ThreadConfig
		wantFaults := 0
		for i := range 2 {
			process := fmt.Sprint("p", i)
			values, state := map[int]int{}, map[int]int{} // state: 1 the zero page, 2 an own one
			var b strings.Builder
			for range rapid.IntRange(1, 20).Draw(t, "accesses") {
				at := rapid.SampledFrom([]int{0, 1, 4095, 4096, 8192, 40960}).Draw(t, "at")
				if rapid.Bool().Draw(t, "store") {
					v := rapid.IntRange(0, 255).Draw(t, "value")
					fmt.Fprintf(&b, "store(HEAP+%d, %d)\n", at, v)
					if values[at] = v; state[at/4096] != 2 {
						wantFaults++
						state[at/4096] = 2
					}
					continue
				}
				fmt.Fprintf(&b, "if load(HEAP+%d) != %d {\nexit(1)\n}\n", at, values[at])
				if state[at/4096] == 0 {
					wantFaults++
					state[at/4096] = 1
				}
			}
			threads = append(threads, memoryThread(t, process, process, b.String(), i))
		}
		m, _ := memoryRun(t, rapid.IntRange(1, 2).Draw(t, "cores"), rapid.Bool().Draw(t, "pti"), threads...)
		for i := range m.Tasks {
			if m.Tasks[i].ExitCode != 0 {
				t.Fatalf("%s has read something else", m.Tasks[i].Name)
			}
		}
		if m.Counters.MinorFaults != int64(wantFaults) {
			t.Fatalf("%d faults, want %d", m.Counters.MinorFaults, wantFaults)
		}
	})
}

// TestNoPageHasTwoOwners: what a process has mapped is inside its ranges, and no
// page frame but the shared ones is mapped twice.
func TestNoPageHasTwoOwners(t *testing.T) {
	src := "var buf [9000]byte\nstore(HEAP, 1)\nload(HEAP+4096)\nprint(\"hi\")"
	m, _ := memoryRun(t, 2, true, memoryThread(t, "a", "", src, 0), memoryThread(t, "b", "", src, 1), memoryThread(t, "c", "other", src, 2))
	owner := map[uint64]string{}
	for p := range m.Procs {
		for _, v := range m.VMAs(int32(p)) {
			for a := v.Start; a < v.End; a += cpu.PageSize {
				w := m.PT.Walk(m.Procs[p].CR3, a, 0)
				if w.Fault || w.Phys == zeroPage || v.Kind == VMALibrary {
					continue
				}
				me := fmt.Sprintf("process %d at %#x", p, a)
				if other := owner[w.Phys]; other != "" {
					t.Errorf("%#x belongs to %s and %s", w.Phys, other, me)
				}
				owner[w.Phys] = me
			}
		}
	}
	if len(owner) < 15 {
		t.Errorf("only %d pages", len(owner))
	}
}
