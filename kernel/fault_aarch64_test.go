package kernel

import (
	"slices"
	"strings"
	"testing"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// syndromes runs a program and gives ESR_EL1 of each synchronous exception that is
// no system call, and how the program ends.
func syndromes(t *testing.T, m *Machine) (esr []uint64, last string) {
	t.Helper()
	var r sim.Record
	for m.Step(&r) {
		if _, line, ok := m.Strace(&r); ok {
			last = line
		}
		if r.Ctx == CtxHardware && strings.HasPrefix(m.StepName(&r), "PC and PSTATE") {
			esr = append(esr, uint64(r.Arg[0]))
		}
	}
	if m.Fault != "" {
		t.Error(m.Fault)
	}
	return esr, last
}

// TestSyndromesOfPrograms: ESR_EL1 as in the Arm ARM, "ISS encoding for an exception
// from a Data Abort": class 0x24 from EL0 and 0x25 from EL1, IL, WnR, and the fault
// status with the level at which the walk ended.
func TestSyndromesOfPrograms(t *testing.T) {
	const el0, el1, write = 0x92000000, 0x96000000, 0x40
	const translation, permission = 4, 12
	for _, c := range []struct {
		src  string
		esr  []uint64
		last string
	}{
		{"load(HEAP)", []uint64{el0 | translation}, "+++ exited with 0 +++"},
		{"store(HEAP, 7)\nexit(load(HEAP))", []uint64{el0 | write | translation}, "+++ exited with 7 +++"},
		{"load(HEAP)\nstore(HEAP, 7)\nexit(load(HEAP))", []uint64{el0 | translation, el0 | write | permission + 3}, "+++ exited with 7 +++"},
		{"load(0x1000)", []uint64{el0 | translation + 2}, "+++ killed by SIGSEGV +++"},
		{`store("constant", 1)`, []uint64{el0 | write | permission + 3}, "+++ killed by SIGSEGV +++"},
		{"load(0xffff888000000000)", []uint64{el0 | permission + 1}, "+++ killed by SIGSEGV +++"},
		{"load(0x800000000000)", []uint64{el0 | translation}, "+++ killed by SIGSEGV +++"},                                      // of the program's half there: 48 bits
		{"store(0x5500000000000000 + HEAP, 7)\nexit(load(HEAP))", []uint64{el0 | write | translation}, "+++ exited with 7 +++"}, // the uppermost byte is ignored
		{"udf()", []uint64{0x02000000}, "+++ killed by SIGILL +++"},
		{"r, w := pipe2(0)\nwrite(w, \"x\", 1)\nsyscall(SYS_read, r, HEAP, 1)\nexit(load(HEAP))", []uint64{el1 | write | translation}, "+++ exited with 120 +++"},
		{"r, w := pipe2(0)\nexit(syscall(SYS_write, w, 0x1000, 1) + 1)", []uint64{el1 | translation + 2}, "+++ exited with 0 +++"},
		{"r, w := pipe2(0)\nsyscall(SYS_write, w, KERNEL, 1)\nexit(errno)", nil, "+++ exited with 14 +++"}, // access_ok: no access at all
	} {
		esr, last := syndromes(t, abiMachine(t, program.LinuxARM64, c.src))
		if !slices.Equal(esr, c.esr) || last != c.last {
			t.Errorf("%s: ESR_EL1 %#x, want %#x; %s, want %s", c.src, esr, c.esr, last, c.last)
		}
	}
}

// TestTheWayOfADataAbort: the order of calls is that of arch/arm64/kernel/entry.S,
// entry-common.c, traps.c and mm/fault.c.
func TestTheWayOfADataAbort(t *testing.T) {
	const user = "(exception entry) el0t_64_sync el0t_64_sync_handler "
	for _, c := range []struct{ src, want string }{
		{"load(HEAP)", user + "el0_da do_mem_abort do_translation_fault do_page_fault handle_mm_fault handle_pte_fault do_anonymous_page " +
			"handle_mm_fault do_page_fault do_mem_abort el0_da el0t_64_sync_handler el0t_64_sync load"},
		{"load(0x1000)", user + "el0_da do_mem_abort do_translation_fault do_page_fault do_bad_area arm64_force_sig_fault force_sig_fault"},
		{`store("constant", 1)`, user + "el0_da do_mem_abort do_page_fault do_bad_area arm64_force_sig_fault force_sig_fault"},
		{"load(KERNEL - (1 << 40))", user + "el0_da do_mem_abort do_translation_fault do_bad_area arm64_force_sig_fault force_sig_fault"},
		{"udf()", user + "el0_undef do_el0_undef force_signal_inject arm64_force_sig_fault force_sig_fault"},
		{"r, w := pipe2(0)\nsyscall(SYS_write, w, 0x1000, 1)", "(exception entry) el1h_64_sync el1h_64_sync_handler el1_abort do_mem_abort do_translation_fault do_page_fault do_bad_area " +
			"__do_kernel_fault fixup_exception __do_kernel_fault do_mem_abort el1_abort el1h_64_sync_handler el1h_64_sync"},
	} {
		m := abiMachine(t, program.LinuxARM64, c.src)
		got := strings.Join(path(t, m, "(exception entry)"), " ") + " "
		if !strings.HasPrefix(got, c.want+" ") {
			t.Errorf("%s:\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

// TestElrIsTheAbortsOwnInstruction: the preferred return address of a data abort is
// the instruction that caused it (Arm ARM, "Preferred exception return address"), and
// it comes back with the registers, interrupts and the cause that it had.
func TestElrIsTheAbortsOwnInstruction(t *testing.T) {
	m := abiMachine(t, program.LinuxARM64, "store(HEAP, 7)")
	var r sim.Record
	loads, before := 0, cpu.Regs{}
	for m.Step(&r) {
		regs := &m.Cores[0].Regs
		switch {
		case r.Fn == uint16(fnStore):
			if loads++; loads == 1 {
				before = *regs
			}
		case m.Fn(&r) == "el0_da" && r.Step == 0 && m.FaultOf(int32(r.Task)) != "data abort":
			t.Error("no data abort to be seen")
		case m.Fn(&r) == "el0t_64_sync" && m.StepName(&r) == "eret" && loads == 1:
			if at := m.Text.Addr(fnStore, 0); regs.RCX != at || regs.RAX != before.RAX || regs.Ring() != 3 || !regs.IF() {
				t.Errorf("after eret %+v, before %+v", regs, before)
			}
		}
	}
	if loads != 2 {
		t.Errorf("the instruction was begun %d times", loads)
	}
}

// TestInstructionsOfTheOtherProcessor: each has its own, and says whose the other is.
func TestInstructionsOfTheOtherProcessor(t *testing.T) {
	for _, c := range []struct {
		abi  program.ABI
		src  string
		want string
	}{
		{program.LinuxARM64, "cli()", "cli: linux-arm64 has no such instruction here, only linux-amd64 has"},
		{program.LinuxARM64, "hlt()", "hlt: linux-arm64 has no such instruction here, only linux-amd64 has"},
		{program.LinuxARM64, "ud2()", "ud2: linux-arm64 has no such instruction here, only linux-amd64 has"},
		{program.LinuxAMD64, "udf()", "udf: linux-amd64 has no such instruction here, only linux-arm64 has"},
		{program.MacosARM64, "load(HEAP)", "load: macos-arm64 has no such instruction here, only linux-arm64 has"},
	} {
		p, err := program.Compile(c.src, program.Env{Threads: []string{"main"}, ABI: c.abi})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.abi.Check(p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %s: %v", c.src, c.abi, err)
		}
	}
}
