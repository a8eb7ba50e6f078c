package kernel

import (
	"fmt"
	"strings"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// The older door: int $0x80, a gate of the descriptor table like an interrupt's,
// with DPL 3 so that ring 3 may use it (arch/x86/entry/common.c). The processor
// pushes five words and changes the stack, as syscall does not, and iretq undoes
// it. The kernel takes the call for a program of 32 bits, also from one of 64: the
// numbers are those of syscall_32.tbl, and of every register only the lower half
// counts.
//
// Simplified: the programs lie below 4 GiB, or no pointer of theirs would get
// through. Durations and masks of signals are in registers here, where there are
// pointers to structures, and the structures are those of 64 bits.

// VectorInt80 is IA32_SYSCALL_VECTOR.
const VectorInt80 = 0x80

var int80Text = text{
	fnAsmInt80: {Name: "asm_int80_emulation", File: fileEntry,
		Say: "The entry code behind the gate of int $0x80.",
		Why: "The five words are there already, and the stack is the kernel's: what is left are the general registers, none of which the instruction has touched.",
		Steps: []step{
			{Name: "push struct pt_regs", Cost: costRegs, Do: asmPushRegs},
			swapgsIf,
			{Name: "int80_emulation: call do_int80_emulation", Do: calls(fnDoInt80)},
			{Name: "pop the registers", Cost: costRegs, Do: (*Machine).asmPopRegs,
				Say: "The way out: the program's registers get their saved values back.", Why: "RAX among them holds the result now."},
			swapgsIf,
			{Name: "iretq", Cost: cpu.CostIret, Do: (*Machine).int80Iret,
				Say: "The way out: iretq takes RIP, CS, RFLAGS, RSP and SS from the kernel stack.", Why: "They are the five words that int $0x80 pushed."},
		}},
	fnDoInt80: {Name: "do_int80_emulation", File: "arch/x86/entry/common.c",
		Say: "Looks the number up in the table of 32-bit system calls and calls the function.",
		Why: "A program of 64 bits may come this way too; what it asks for means what it means to one of 32.",
		Steps: []step{
			{Name: "int80_is_external? read the local APIC's ISR", Cost: costEOI, Do: (*Machine).int80External},
			{Name: "interrupts on, sys_enter, ia32_sys_call_table[eax]", Cost: costFn, Do: (*Machine).syscallEnter},
			{Name: "store the result in pt_regs, sys_exit", Cost: costFn, Do: (*Machine).syscallExit, Say: sayResult,
				Why: "That is where the entry code takes the program's registers from."},
			{Name: "syscall_exit_to_user_mode", Cost: costFn, Do: (*Machine).exitToUser, Say: sayExitToUser, Why: whyExitToUser},
		}},
}

// int80External: a device's interrupt could have the same vector. Then the local
// APIC would have it in service.
func (m *Machine) int80External(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = int64(VectorInt80)
	if c.APIC.ISR.Has(VectorInt80) {
		m.Fault = "an external interrupt with the vector of int $0x80"
	}
}

// int80Iret goes back. What the program does next follows from the call.
func (m *Machine) int80Iret(c *cpu.Core, r *sim.Record) {
	seq := c.Cause
	c.Iret()
	c.Cause = seq
	r.Station = m.wokenStation(c)
}

// compat cuts the arguments of a call of the 32-bit table to what its parameters
// are (SC_IA32_REGS_TO_ARGS): numbers keep their sign, addresses and sizes have
// none. What stands for a pointer to a structure stays whole.
func compat(nr int32, args *[6]int64) {
	var params []program.Param
	if spec := program.SpecOf(int64(nr)); spec != nil {
		params = spec.Params
	}
	for i := range args {
		kind := program.Address
		if i < len(params) {
			kind = params[i].Kind
		}
		switch kind {
		case program.Duration, program.Timeout, program.SigSet, program.EpData, program.EpEvents:
		case program.Int, program.FD, program.Flags, program.Enum:
			args[i] = int64(int32(args[i]))
		default:
			args[i] = int64(uint32(args[i]))
		}
	}
}

// compatCalls are the functions of the 32-bit table that are not only a cast of
// the 64-bit one's arguments.
var compatCalls = map[cpu.CodeID]string{
	fnSysFcntl: "__ia32_compat_sys_fcntl64", fnSysSelect: "__ia32_compat_sys_select", fnSysPselect6: "__ia32_compat_sys_pselect6_time64",
	fnSysPpoll: "__ia32_compat_sys_ppoll_time64", fnSysEpollPwait: "__ia32_compat_sys_epoll_pwait", fnSysEpollPwait2: "__ia32_compat_sys_epoll_pwait2",
	fnSysRecvfrom: "__ia32_compat_sys_recvfrom", fnSysNanosleep: "__ia32_sys_nanosleep_time32",
	fnSysRtSigaction: "__ia32_compat_sys_rt_sigaction", fnSysRtSigreturn: "__ia32_compat_sys_rt_sigreturn",
}

// compatTable names the functions as the 32-bit table does.
func compatTable(codes []code) {
	for id := range codes {
		codes[id].Name = strings.Replace(codes[id].Name, "__x64_sys_", "__ia32_sys_", 1)
		if name, ok := compatCalls[cpu.CodeID(id)]; ok {
			codes[id].Name = name
		}
	}
}

// compatEnterText is raw_syscalls:sys_enter. The events with names and parameters
// leave out calls of the 32-bit table (ARCH_TRACE_IGNORE_COMPAT_SYSCALLS).
func (m *Machine) compatEnterText(r *sim.Record) string {
	args := m.Tasks[r.Task].Call.Args
	text := fmt.Sprintf("sys_enter: NR %d (", m.numberOf(r.Arg[0]))
	for i, v := range args {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%x", uint32(v))
	}
	return text + ")"
}

// numberOf is a call's number in the program's table; nr is that of linux-amd64.
func (im *Image) numberOf(nr int64) int16 {
	if nr == None {
		return None
	}
	return im.numbers[nr]
}
