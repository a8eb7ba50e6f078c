package kernel

import (
	"slices"
	"strings"
	"testing"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// abiMachine runs a program built for a system.
func abiMachine(t *testing.T, abi program.ABI, src string) *Machine {
	t.Helper()
	p, err := program.Compile(src, program.Env{Threads: []string{"main"}, ABI: abi})
	if err == nil {
		err = abi.Check(p)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(1, []ThreadConfig{{Name: "main", CPU: -1, Program: p}})
	cfg.ABI = abi
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// path are the functions that a thread's steps are in, each once in a row, from a
// function on to its first step again.
func path(t *testing.T, m *Machine, from string) (fns []string) {
	t.Helper()
	var r sim.Record
	for m.Step(&r) {
		fn := m.Fn(&r)
		if r.CPU < 0 || len(fns) == 0 && fn != from {
			continue
		}
		if len(fns) > 0 && fn == "main" {
			break
		}
		if len(fns) == 0 || fns[len(fns)-1] != fn {
			fns = append(fns, fn)
		}
	}
	if m.Fault != "" {
		t.Fatal(m.Fault)
	}
	return fns
}

// The orders are those of Linux arch/arm64/kernel/entry.S, entry-common.c and
// syscall.c; XNU osfmk/arm64/locore.s, sleh.c and bsd/dev/arm/systemcalls.c; and
// the call stacks that Windows debuggers show of a thread in NtWriteFile.
func TestTheWayOfWriteOnEachSystem(t *testing.T) {
	const linux = " __arm64_sys_write ksys_write vfs_write write_null __arm64_sys_write "
	for _, c := range []struct {
		abi  program.ABI
		want string
	}{
		{program.LinuxARM64, "print write el0t_64_sync el0t_64_sync_handler el0_svc do_el0_svc el0_svc_common invoke_syscall" + linux +
			"invoke_syscall el0_svc_common do_el0_svc el0_svc el0t_64_sync_handler el0t_64_sync write print"},
		{program.MacosARM64, "print write __write fleh_synchronous sleh_synchronous handle_svc unix_syscall el0_svc_common invoke_syscall" + linux +
			"invoke_syscall el0_svc_common unix_syscall handle_svc sleh_synchronous fleh_synchronous __write write print"},
		{program.WindowsAMD64, "print _write WriteFile NtWriteFile KiSystemCall64 KiSystemServiceStart NtWriteFile" + strings.ReplaceAll(linux, "arm64", "x64") +
			"NtWriteFile KiSystemServiceStart KiSystemCall64 NtWriteFile WriteFile _write print"},
	} {
		m := abiMachine(t, c.abi, `print("hi")`)
		if got := strings.Join(path(t, m, "print"), " "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.abi, got, c.want)
		}
	}
}

// until steps a machine to the end of the first step of a function.
func until(t *testing.T, m *Machine, fn string) *cpu.Core {
	t.Helper()
	var r sim.Record
	for m.Step(&r) {
		if r.CPU >= 0 && m.Fn(&r) == fn {
			return &m.Cores[r.CPU]
		}
	}
	t.Fatalf("%s never runs", fn)
	return nil
}

// Microsoft, x64 calling convention: four arguments in registers, the caller
// leaves 32 bytes for them, the fifth is above those; at the syscall instruction
// the return address of the stub lies below: [RSP+28h].
func TestWindowsPassesFiveArgumentsOfNtWriteFileOnTheStack(t *testing.T) {
	m := abiMachine(t, program.WindowsAMD64, `write(1, "hello")`)
	c := until(t, m, "NtWriteFile") // the stub
	r := &c.Regs
	if r.RAX != 8 || r.R10 != uint64(handleOf(1)) || r.RDX != 0 || r.R8 != 0 || r.R9 != 0 {
		t.Errorf("RAX %#x R10 %#x RDX %#x R8 %#x R9 %#x", r.RAX, r.R10, r.RDX, r.R8, r.R9)
	}
	user := c.Ctx.User.F
	args := user[len(user)-2]
	if args.Kind != cpu.StackArgs || args.L[1] != program.RodataBase || args.L[2] != 5 {
		t.Errorf("on the stack: %+v", args)
	}
	if fifth := args.Addr + shadowBytes; fifth != c.Ctx.User.SP()+0x28 || args.Addr%16 != 0 {
		t.Errorf("the fifth argument lies at %#x, RSP is %#x", fifth, c.Ctx.User.SP())
	}
}

// XNU, arm_prepare_u32_syscall_return and the stubs' cerror: an error is the carry
// flag of the saved state, and its number in x0.
func TestMacosTellsAnErrorByTheCarryFlag(t *testing.T) {
	m := abiMachine(t, program.MacosARM64, "n := write(9, \"x\")\nexit(errno*10 - n)")
	var r sim.Record
	carried := false
	for m.Step(&r) {
		if m.Fn(&r) == "fleh_synchronous" && r.Step == 3 && !carried {
			regs := &m.Cores[0].Regs
			carried = regs.PState()&cpu.PStateC != 0
			if !carried || regs.RAX != EBADF {
				t.Errorf("after eret x0 is %d, PSTATE %#x", regs.RAX, regs.PState())
			}
		}
	}
	if code := m.Tasks[len(m.Tasks)-1].ExitCode; code != EBADF*10+1 {
		t.Errorf("exit code %d: errno or the result is wrong", code)
	}
}

// include/uapi/asm-generic/unistd.h: what arm64 lacks, and what glibc calls for it.
func TestArm64LowersCallsThatItDoesNotHave(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"dup2(1, 5)", "x8=24 dup3"},
		{"dup2(1, 1)", "x8=25 fcntl"},
		{"poll(NULL, 0, 0)", "x8=73 ppoll"},
		{"select(0, NULL, NULL, NULL, 0)", "x8=72 pselect6"},
		{"epoll_create(1)", "x8=20 epoll_create1"},
		{"var e [1]epoll_event\nepoll_wait(9, e, 1, 0)", "x8=22 epoll_pwait"},
		{"write(1, \"x\")", "x8=64 write"},
		{"syscall(SYS_getpid)", "x8=172 getpid"},
	} {
		m := abiMachine(t, program.LinuxARM64, c.src)
		var r sim.Record
		for m.Step(&r) && r.Point != PointSysEnter {
		}
		if text := m.StepText(&r, 0); !strings.HasSuffix(text, c.want) {
			t.Errorf("%s: %s, want %s", c.src, text, c.want)
		}
	}
}

// Arm ARM, SDIV: a division by zero gives 0 and is no exception; the remainder is
// made of it by MSUB.
func TestArm64DividesByZero(t *testing.T) {
	m := abiMachine(t, program.LinuxARM64, "z := getpid() - getpid()\nq := 7/z\nr := 7%z\nq++\nr /= z\nexit(10*q + 7%z + r)")
	var r sim.Record
	for m.Step(&r) {
	}
	if code := m.Tasks[len(m.Tasks)-1].ExitCode; code != 17 || m.Fault != "" {
		t.Errorf("exit code %d, fault %q", code, m.Fault)
	}
}

// glibc answers some mistakes itself where the kernel has only the newer call.
func TestArm64LibraryRefusesAnEpollOfNoSize(t *testing.T) {
	m := abiMachine(t, program.LinuxARM64, "n := epoll_create(0)\nexit(errno*10 - n)")
	var r sim.Record
	for m.Step(&r) {
	}
	if code := m.Tasks[len(m.Tasks)-1].ExitCode; code != EINVAL*10+1 || m.Counters.Syscalls != 1 {
		t.Errorf("exit code %d after %d system calls", code, m.Counters.Syscalls)
	}
}

// arch/arm64/kernel/entry.S and entry-common.c, drivers/irqchip/irq-gic-v3.c, as in
// the call traces of arm64 kernels.
func TestTheWayOfAnInterruptOnArm64(t *testing.T) {
	m := abiMachine(t, program.LinuxARM64, "compute(9*ms)")
	m.Config.Stop = 5 * sim.Millisecond
	want := []string{"(exception entry)", "el0t_64_irq", "el0t_64_irq_handler", "el0_interrupt", "do_interrupt_handler", "call_on_irq_stack",
		"gic_handle_irq", "generic_handle_domain_irq", "handle_percpu_devid_irq", "arch_timer_handler_virt", "hrtimer_interrupt"}
	until(t, m, "compute")
	if got := path(t, m, "(exception entry)"); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("got %v", got)
	}
}
