package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// macos-arm64: the names around the door are XNU's (osfmk/arm64/locore.s, sleh.c,
// bsd/dev/arm/systemcalls.c); registers and the carry flag are as there. Behind
// unix_syscall the modelled Linux serves.

const (
	fileXnuLocore = "xnu osfmk/arm64/locore.s"
	fileXnuSleh   = "xnu osfmk/arm64/sleh.c"
)

// xnuRows take the place of Linux's rows for arm64.
var xnuRows = text{
	fnEntrySyscall: {Name: "fleh_synchronous", File: fileXnuLocore,
		Say: "The first level of handling a synchronous exception from EL0.",
		Why: "The hardware has saved PC and PSTATE in ELR_EL1 and SPSR_EL1; the rest is software's business.",
		Steps: []step{
			{Name: "el0_synchronous_vector_64: SP_EL1", Cost: costEntry, Do: nothing},
			{Name: "fleh_dispatch64: save x0 to x30, SP_EL0, ELR, SPSR", Cost: costRegs, Do: (*Machine).armKernelEntry},
			{Name: "exception_return: load them", Cost: costRegs, Do: (*Machine).armKernelExit},
			{Name: "eret", Cost: cpu.CostSysret, Do: (*Machine).armEret},
		}},
	fnEl0SyncHandler: {Name: "sleh_synchronous", File: fileXnuSleh,
		Say: "Why was the exception taken? The exception class in ESR_EL1 says: 0x15, an SVC.",
		Why: "A system call, a page fault and an illegal instruction all come through the same vector.",
		Steps: []step{
			{Name: "ESR_EL1.EC = 0x15: handle_svc", Do: (*Machine).el0SyncHandler},
			{Name: "return", Do: nothing},
		}},
	fnEl0Svc: {Name: "handle_svc", File: fileXnuSleh,
		Say: "Two kinds of calls come through one door: the number in x16 tells them apart.",
		Why: "A number above zero is a call of the BSD part, one below zero a Mach trap.",
		Steps: []step{
			{Name: "x16 above zero: a BSD call", Do: (*Machine).el0Svc},
			{Name: "thread_exception_return: is there other work?", Cost: costFn, Do: (*Machine).exitToUser},
		}},
	fnDoEl0Svc: {Name: "unix_syscall", File: "xnu bsd/dev/arm/systemcalls.c",
		Say: "Looks the number up in sysent, calls the function, and sets the carry flag if it failed.",
		Why: "The answer has no room for an error: x0 may hold any number. So a flag says which it is.",
		Steps: []step{
			{Name: "sysent[x16]; from here the modelled Linux serves", Do: calls(fnEl0SvcCommon)},
			{Name: "x0 is the result, or errno with carry set", Do: (*Machine).xnuResult},
		}},
}

// xnuResult turns Linux's answer into XNU's (arm_prepare_syscall_return).
func (m *Machine) xnuResult(c *cpu.Core, r *sim.Record) {
	saved := c.Ctx.Kernel.Saved()
	saved.R11 &^= cpu.PStateC
	if ret := int64(saved.RAX); failed(ret) {
		saved.RAX, saved.R11 = uint64(-ret), saved.R11|cpu.PStateC
	}
	r.Arg[0] = int64(saved.RAX)
}
