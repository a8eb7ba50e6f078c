package kernel

import (
	"testing"

	"ringside/cpu"
	"ringside/sim"
)

// TestExceptions: which vector, with or without an error code (SDM volume 3, table
// 6-1), which instruction RIP is pushed for, and which signal ends the process.
func TestExceptions(t *testing.T) {
	for _, c := range []struct {
		program string
		vector  uint8
		words   int // pushed by the processor
		handler string
		signal  string
	}{
		{"cli()", 13, 6, "exc_general_protection", "SIGSEGV"},
		{"hlt()", 13, 6, "exc_general_protection", "SIGSEGV"},
		{"ud2()", 6, 5, "exc_invalid_op", "SIGILL"},
		{"x := 0\nexit(1/x)", 0, 5, "exc_divide_error", "SIGFPE"},
		{"x := 0\nexit(1%x)", 0, 5, "exc_divide_error", "SIGFPE"},
		{"load(0x800000000000)", 13, 6, "exc_general_protection", "SIGSEGV"}, // not canonical: bits 63 to 47 differ
		{"load(0xffff888000000000)", 14, 6, "exc_page_fault", "SIGSEGV"},
	} {
		t.Run(c.program, func(t *testing.T) {
			m, err := New(config(1, []ThreadConfig{thread(t, "main", c.program, 0, 0)}))
			if err != nil {
				t.Fatal(err)
			}
			var r sim.Record
			var last, handler string
			words, rip := 0, uint64(0)
			for m.Step(&r) {
				if _, line, ok := m.Strace(&r); ok {
					last = line
				}
				core := &m.Cores[0]
				if r.Ctx == CtxHardware && core.Vector == c.vector && m.StepName(&r) == "load CS:RIP from the gate, CPL 0, IF 0" {
					hw := pushedWords(&core.Ctx.Kernel)
					words, rip = int(core.Ctx.Kernel.Top-hw.Addr)/8, uint64(hw.L[4])
					if core.Regs.Ring() != 0 || core.Regs.IF() || core.On != cpu.OnKernel {
						t.Errorf("ring %d, IF %v, stack %d", core.Regs.Ring(), core.Regs.IF(), core.On)
					}
				}
				if words > 0 && handler == "" && r.Ctx == CtxSyscall && r.Step == 0 && m.Fn(&r)[:4] == "exc_" {
					handler = m.Fn(&r)
				}
			}
			if words != c.words || handler != c.handler || last != "+++ killed by "+c.signal+" +++" {
				t.Errorf("%d words pushed, %s, %s %s", words, handler, last, m.Fault)
			}
			f := m.Tasks[2].Ctx.User.F
			if at := m.Text.Addr(f[len(f)-1].Code, f[len(f)-1].PC); rip != at {
				t.Errorf("RIP %#x is pushed; the instruction is at %#x", rip, at)
			}
		})
	}
}

// TestAHandlerComesBackToTheFault: a handler that changes nothing returns to the
// same instruction, which faults again (signal(7), "Synchronous signals").
func TestAHandlerComesBackToTheFault(t *testing.T) {
	m, err := New(config(1, []ThreadConfig{thread(t, "main", "sigaction(SIGFPE, 0)\nx := 0\nexit(1/x)", 0, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	signals := 0
	for range 5000 {
		if !m.Step(&r) {
			t.Fatal("the program has ended")
		}
		if _, line, ok := m.Strace(&r); ok && line == "--- SIGFPE ---" {
			signals++
		}
	}
	if signals < 3 {
		t.Errorf("%d signals", signals)
	}
}
