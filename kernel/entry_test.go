package kernel

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// int80Config is a machine whose programs enter by int $0x80.
func int80Config(t *testing.T, src string) *Config {
	t.Helper()
	p, err := program.Compile(src, program.Env{ABI: program.LinuxInt80})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(1, []ThreadConfig{{Name: "main", Program: p, CPU: -1}})
	cfg.ABI = program.LinuxInt80
	return cfg
}

// stepsUntil steps a machine until a record is the first step of a function.
func stepsUntil(t *testing.T, m *Machine, fn string) {
	t.Helper()
	var r sim.Record
	for m.Step(&r) {
		if m.Fn(&r) == fn && r.Step == 0 {
			return
		}
	}
	t.Fatalf("%s was never run: %s", fn, m.Fault)
}

// TestInt80IsATrapThroughAGate: SDM volume 3, "Software-Generated Interrupts": no
// error code, RIP behind the instruction; the stack is that of the task state
// segment, and no general register is touched.
func TestInt80IsATrapThroughAGate(t *testing.T) {
	m, err := New(int80Config(t, "getpid()"))
	if err != nil {
		t.Fatal(err)
	}
	stepsUntil(t, m, "asm_int80_emulation")
	c := &m.Cores[0]
	words := pushedWords(&c.Ctx.Kernel)
	if got := (c.Ctx.Kernel.Top - words.Addr) / 8; got != 5 {
		t.Errorf("%d words pushed", got)
	}
	if _, has := words.ErrorCode(); has {
		t.Error("a software interrupt has no error code")
	}
	saved, user := c.Ctx.Kernel.Saved(), c.Ctx.User.Cur()
	if rip, want := uint64(words.L[4]), m.Text.Addr(user.Code, 1); rip != want {
		t.Errorf("RIP %#x is pushed, the instruction behind int $0x80 is at %#x", rip, want)
	}
	if saved.RAX != 20 || saved.RCX == uint64(words.L[4]) {
		t.Errorf("RAX %d is getpid of the 32-bit table; RCX %#x stays the program's", saved.RAX, saved.RCX)
	}
	if c.Regs.IF() || c.Regs.Ring() != 0 || c.On != cpu.OnKernel {
		t.Errorf("IF %v, ring %d, stack %d", c.Regs.IF(), c.Regs.Ring(), c.On)
	}
}

// TestInt80TakesTheNumbersOf32BitPrograms, and of a number and of addresses the
// lower half (syscall_32.tbl; tried on Linux 6.18).
func TestInt80TakesTheNumbersOf32BitPrograms(t *testing.T) {
	for src, want := range map[string]string{
		"syscall(20)":                      "getpid() = 1000",
		"syscall(20 + 1<<32)":              "syscall_0x100000014() = 1000",
		"syscall(SYS_write, 1, \"hi\", 2)": "write(1, \"hi\", 2) = 2",
		"e := eventfd(0, 0)\nstore(HEAP, 1)\nsyscall(SYS_write, e, HEAP, 8)": "write(3, 0x555555600000, 8) = -1 EFAULT",
		"syscall(39, \"d\", 0)":               "main: number 39 is a system call of linux-amd64, int $0x80 that the model does not have",
		"write(1, \"hi\")":                    "write(1, \"hi\", 2) = 2",
		"s := socket(AF_INET, SOCK_DGRAM, 0)": "socket(AF_INET, SOCK_DGRAM, 0) = 3",
		"accept(9)":                           "accept(9, ...) = -1 EBADF",
	} {
		m, err := New(int80Config(t, src))
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		var last string
		for m.Step(&r) {
			if _, line, ok := m.Strace(&r); ok && !strings.HasPrefix(line, "+++") {
				last = line
			}
		}
		if m.Fault != "" {
			last = m.Fault
		}
		if last != want {
			t.Errorf("%s: %s, want %s", src, last, want)
		}
	}
}

// TestTheTraceOfInt80HasNumbers: the events with names leave out calls of the 32-bit
// table (ARCH_TRACE_IGNORE_COMPAT_SYSCALLS, arch/x86/include/asm/ftrace.h).
func TestTheTraceOfInt80HasNumbers(t *testing.T) {
	m, err := New(int80Config(t, "close(99)"))
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	var lines []string
	for m.Step(&r) {
		if r.Point == PointSysEnter || r.Point == PointSysExit {
			lines = append(lines, m.ftraceEvent(&r))
		}
	}
	want := "sys_enter: NR 6 (63, 0, 0, 0, 0, 0)\nsys_exit: NR 6 = -9\nsys_enter: NR 1 (0, 0, 0, 0, 0, 0)"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestInt80IsSlower: measured entries are 30 to 70 ns for syscall, 40 to 100 ns for
// a gate before any software has run (docs/PERFORMANCE.md); iretq is slower too.
func TestInt80IsSlower(t *testing.T) {
	took := func(cfg *Config) sim.Time {
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		var from sim.Time
		for m.Step(&r) {
			if m.Fn(&r) != "getpid" {
				continue
			}
			if r.Step == 1 {
				return r.T - from
			}
			from = r.T - r.Dur
		}
		t.Fatal("no call")
		return 0
	}
	fast, slow := took(config(1, []ThreadConfig{thread(t, "main", "getpid()", 0, 0)})), took(int80Config(t, "getpid()"))
	if slow <= fast {
		t.Errorf("int $0x80 takes %s, syscall %s", slow, fast)
	}
}

// TestSyscallSavesInRegisters: AMD64 APM volume 3, SYSCALL and SYSRET: RCX is the
// address behind the instruction, R11 the flags; FMASK's flags are cleared, the
// selectors come from STAR. No stack is changed before software does it.
func TestSyscallSavesInRegisters(t *testing.T) {
	m, err := New(config(1, []ThreadConfig{thread(t, "main", "getpid()", 0, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	stepsUntil(t, m, "getpid")
	c := &m.Cores[0]
	user := m.Text.Addr(c.Ctx.User.Cur().Code, 1)
	if c.Regs.RCX != user || c.Regs.R11 != cpu.DefaultFlags || c.Regs.RFLAGS&cpu.MSRFmask != 0 {
		t.Errorf("RCX %#x R11 %#x RFLAGS %#x", c.Regs.RCX, c.Regs.R11, c.Regs.RFLAGS)
	}
	if c.Regs.CS != cpu.KernelCS || c.Regs.SS != cpu.KernelSS {
		t.Errorf("CS %#x SS %#x", c.Regs.CS, c.Regs.SS)
	}
	if c.Regs.RSP != c.Ctx.User.SP() || c.GSBase != 0 {
		t.Errorf("RSP %#x, GS base %#x: still the program's", c.Regs.RSP, c.GSBase)
	}
	var r sim.Record
	m.Step(&r)
	if c.GSBase != perCPUBase || c.KernelGSBase != 0 || c.Regs.RSP != c.Ctx.User.SP() || r.Arg[1] != perCPUBase-1<<64 {
		t.Errorf("after swapgs: GS base %#x, RSP %#x, %x", c.GSBase, c.Regs.RSP, r.Arg)
	}
	m.Step(&r)
	if c.Regs.RSP != c.RSP0 {
		t.Errorf("RSP %#x, want the kernel stack's %#x", c.Regs.RSP, c.RSP0)
	}
}

// TestPtRegsIsWholeHoweverItCame: struct pt_regs has 21 words (asm/ptrace.h); the
// processor has pushed none of them, five, or with an error code six.
func TestPtRegsIsWholeHoweverItCame(t *testing.T) {
	for fn, src := range map[string]string{"do_syscall_64": "getpid()", "exc_invalid_op": "ud2()", "exc_general_protection": "cli()"} {
		m, err := New(config(1, []ThreadConfig{thread(t, "main", src, 0, 0)}))
		if err != nil {
			t.Fatal(err)
		}
		stepsUntil(t, m, fn)
		s := &m.Cores[0].Ctx.Kernel
		for i := range s.F {
			if s.F[i].Kind == cpu.PtRegs {
				if words := (s.Top - s.F[i].Addr) / 8; words != 21 {
					t.Errorf("%s: %d words", fn, words)
				}
			}
		}
	}
}

// left is what a task had in its registers when it last left ring 3.
type left struct {
	regs    cpu.Regs
	signals int
	byCall  bool // by syscall or svc, else through a gate
	known   bool
}

// TestRing3KeepsItsRegisters: whatever takes a program away from ring 3, it comes
// back to the same registers, but for those that are documented: a system call's
// result in RAX, and with the instruction syscall RCX and R11. GS is the program's
// in ring 3 and the core's in ring 0, but for the first and last steps of the entry
// code.
func TestRing3KeepsItsRegisters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig(t)
		if cfg.ABI == program.LinuxARM64 {
			return
		}
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		before := make([]left, len(m.Tasks))
		var r sim.Record
		for range 6000 {
			rings := make([]uint8, len(m.Cores))
			for i := range m.Cores {
				if rings[i] = m.Cores[i].Regs.Ring(); m.Cores[i].Micro > 1 {
					rings[i] = 0 // on its way
				}
			}
			if !m.Step(&r) {
				break
			}
			for i := range m.Cores {
				checkRing(t, m, i, rings[i], before)
			}
		}
	})
}

func checkRing(t *rapid.T, m *Machine, i int, was uint8, before []left) {
	c := &m.Cores[i]
	id := m.CPUs[i].Current
	entry := c.Micro != 0 || m.Text.Codes[c.Frame().Code].File == fileEntry
	if user := c.Regs.Ring() == 3; !entry && (c.GSBase == 0) != user {
		t.Fatalf("ring %d with GS base %#x", c.Regs.Ring(), c.GSBase)
	}
	now := c.Regs.Ring()
	if c.Micro > 1 {
		now = 0
	}
	switch b := &before[id]; {
	case was == 3 && now == 0:
		*b = left{c.Regs, len(m.Tasks[id].SigFrames), c.Micro == 0, true}
	case was == 0 && now == 3 && b.known && b.signals == len(m.Tasks[id].SigFrames):
		got, want := c.Regs, b.regs
		got.RSP, want.RSP, got.RIP, want.RIP = 0, 0, 0, 0 // as the stack has them
		if b.byCall {
			want.RFLAGS, want.CS, want.SS = want.R11, cpu.UserCS, cpu.UserSS
			got.RAX, want.RAX = 0, 0
		} else if m.ABI.Gate != 0 {
			got.RAX, want.RAX = 0, 0
		}
		if want.CR3 &^= ptiUserBit; m.Config.Params.PTI {
			want.CR3 |= ptiUserBit
		}
		if got != want {
			t.Fatalf("%s has left with %+v and comes back with %+v", m.Tasks[id].Name, want, got)
		}
	}
}

// TestAnInterruptInASoftirqNestsOnTheInterruptStack: the core is on it already, so
// the processor pushes there (no change of ring, no change of stack), the handler
// runs above the softirq, starts no second one (in_interrupt), and iretq goes back
// into it. Only the outermost leaves the interrupt stack.
func TestAnInterruptInASoftirqNestsOnTheInterruptStack(t *testing.T) {
	cfg := config(1, []ThreadConfig{thread(t, "main", "compute(5*ms)", 0, 0)})
	cfg.Params.HZ = 10000
	burst := packet(100*sim.Microsecond, 7000, "hello")
	burst.Count, burst.Every = 3000, 700
	cfg.Wire = []Packets{burst}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, k := &m.Cores[0], &m.CPUs[0]
	var r sim.Record
	nested := 0
	for m.Step(&r) {
		if c.Micro != 3 || c.On != cpu.OnIRQ || k.Preempt&CountSoftirq == 0 {
			continue
		}
		nested++
		depth, regs, softirq := len(c.IRQ.F)-1, c.Regs, *c.IRQ.Cur()
		seen := ""
		for len(c.IRQ.F) > depth {
			if !m.Step(&r) {
				t.Fatal(m.Fault)
			}
			if c.On != cpu.OnIRQ || len(c.Ctx.Kernel.F) == 0 {
				t.Fatalf("on stack %d", c.On)
			}
			if s := m.Fn(&r); !strings.Contains(seen, s) {
				seen += s + " "
			}
		}
		for _, fn := range []string{"asm_", "__irq_exit_rcu"} {
			if !strings.Contains(seen, fn) {
				t.Errorf("%s is not among %s", fn, seen)
			}
		}
		if strings.Contains(seen, "handle_softirqs") || strings.Contains(seen, " schedule ") {
			t.Errorf("a nested interrupt's way out: %s", seen)
		}
		if f := c.IRQ.Cur(); fmt.Sprint(f.Code, f.PC, f.L) != fmt.Sprint(softirq.Code, softirq.PC, softirq.L) || k.Preempt&CountSoftirq == 0 {
			t.Errorf("back in %v, was in %v", *f, softirq)
		}
		if regs.RSP, regs.RIP = c.Regs.RSP, c.Regs.RIP; c.Regs != regs {
			t.Errorf("registers %+v, were %+v", c.Regs, regs)
		}
	}
	if nested < 3 {
		t.Errorf("%d interrupts came in softirqs", nested)
	}
}
