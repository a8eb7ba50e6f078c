package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// windows-amd64: the names on both sides of the door are Windows's, and the
// registers and the stack are filled as the x64 calling convention says. Behind
// NtWriteFile the modelled Linux serves: nothing else of Windows's kernel is
// modelled.

const fileNtos = "ntoskrnl (behind it the modelled Linux serves)"

// ntText are functions that only Windows has.
var ntText = text{
	fnNtWriteFile:       ntService("NtWriteFile", (*Machine).ntWriteFile, "Writes to what a handle names; the result goes to the caller's IO_STATUS_BLOCK."),
	fnNtClose:           ntService("NtClose", (*Machine).ntClose, "Gives a handle back."),
	fnNtTerminateThread: ntService("NtTerminateThread", (*Machine).ntTerminateThread, "Ends a thread."),
}

func ntService(name string, do func(*Machine, *cpu.Core, *sim.Record), say string) code {
	return code{Name: name, File: fileNtos, Say: say, Why: "Its number is private: it has changed between versions, so programs call ntdll.",
		Steps: []step{
			{Name: "from here the modelled Linux serves", Cost: costFn, Do: do},
			{Name: "return", Do: nothing},
		}}
}

// windowsRows take the place of Linux's rows.
var windowsRows = text{
	fnEntrySyscall: {Name: "KiSystemCall64", File: fileNtos,
		Say: "The entry code that the syscall instruction jumps to.",
		Why: "The instruction saves only RIP and RFLAGS, in registers; the stack and the rest are software's business.",
		Steps: []step{
			swapgs,
			{Name: "load the kernel stack pointer", Cost: costEntry, Do: (*Machine).entrySwitchStack},
			{Name: "build the trap frame", Cost: costRegs, Do: (*Machine).entryPushRegs},
			{Name: "restore from the trap frame", Cost: costRegs, Do: (*Machine).entryPopRegs},
			swapgs,
			{Name: "sysretq", Cost: cpu.CostSysret, Do: (*Machine).entrySysret},
		}},
	fnSyscallWrapper: {Name: "NtTerminateThread", Ring: 3, File: "ntdll", Say: "The stub that ends the thread.", Why: "A thread ends by a system call like any other.",
		Steps: []step{
			{Name: "mov r10, rcx; mov eax, number; syscall", Cost: cpu.CostSyscall, Do: (*Machine).winExit},
			neverReturns,
		}},
	fnDoSyscall64: {Name: "KiSystemServiceStart", File: fileNtos,
		Say: "Looks the number up and copies the parameters that lie on the user stack.",
		Why: "Four parameters fit into registers; NtWriteFile has nine.",
		Steps: []step{
			{Name: "KiServiceTable, copy the stack's parameters", Cost: costFn, Do: (*Machine).ntDispatch},
			{Name: "RAX of the trap frame is the NTSTATUS", Cost: costFn, Do: (*Machine).ntExit},
			{Name: "KiSystemServiceExit", Cost: costFn, Do: (*Machine).exitToUser},
		}},
}

// ntServices are the services by the numbers of Linux.
var ntServices = map[int32]cpu.CodeID{nrWrite: fnNtWriteFile, nrClose: fnNtClose, nrExit: fnNtTerminateThread}

// Handles are multiples of four; which ones a process gets is its own business.
const firstHandle = 0x50

func handleOf(fd int64) int64 { return firstHandle + 4*fd }
func fdOf(handle int64) int64 { return (handle - firstHandle) / 4 }

// ntCurrentThread is the handle that every thread has of itself.
const ntCurrentThread = -2

// Answers of services.
const (
	statusSuccess          = 0
	statusInvalidHandle    = 0xc0000008
	statusInvalidParameter = 0xc000000d
)

// crtCall is the C runtime: it knows its descriptors itself and asks nobody
// about one that is not open.
func (m *Machine) crtCall(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	if m.fdLookup(c, t.Call.Args[0]) == None && m.spec(t).Name != "exit" {
		t.Mem.Errno = EBADF
		m.finish(c, -1)
		return
	}
	m.callInner(c, r)
}

// winCall fills what the service wants: four parameters in registers, the others
// above the 32 bytes that every callee may use to store those four.
func (m *Machine) winCall(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	inner, nr := c.Frame().Code+1, c.Frame().L[0]
	a := &t.Call.Args
	regs := [6]int64{handleOf(a[0])}
	switch m.spec(t).Name {
	case "write", "print":
		iosb := int64(c.Ctx.User.SP())
		c.Ctx.User.PushArgs(shadowBytes, iosb, a[1], a[2], 0, 0)
	case "exit":
		regs = [6]int64{ntCurrentThread, a[0]}
	}
	c.Regs.Load(&m.ABI.Call, &regs)
	c.Ctx.User.PushLeaf(inner).L[0] = nr
}

// shadowBytes is the room that every caller leaves for its callee.
const shadowBytes = 32

// winStub is the stub in ntdll.
func (m *Machine) winStub(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = c.Frame().L[0]
	c.Regs.R10, c.Regs.RAX = c.Regs.RCX, uint64(r.Arg[0])
	m.door(c)
}

// winExit is the end of a program that does not call exit.
func (m *Machine) winExit(c *cpu.Core, r *sim.Record) {
	c.Regs.Load(&m.ABI.Call, &[6]int64{ntCurrentThread, 0})
	m.winStub(c, r)
}

// winReturn: the IO_STATUS_BLOCK says how much, the NTSTATUS whether at all.
func (m *Machine) winReturn(c *cpu.Core, r *sim.Record) {
	t, s := m.current(c), &c.Ctx.User
	r.Arg[0] = c.Result()
	if s.F[len(s.F)-1].Kind == cpu.StackArgs {
		s.Pop()
	}
	ret := t.Call.Ret
	if c.Result() != statusSuccess {
		t.Mem.Errno, ret = -ret, -1
	}
	m.finish(c, ret)
}

// ntDispatch: the parameters on the user stack are the service's to find.
func (m *Machine) ntDispatch(c *cpu.Core, r *sim.Record) {
	fn := m.noteSyscall(c, r)
	service, ok := ntServices[m.current(c).Call.NR]
	if !ok {
		c.Call(fnSysNi)
		return
	}
	c.Call(service, int64(fn))
}

func (m *Machine) ntWriteFile(c *cpu.Core, r *sim.Record) {
	handle, user := m.current(c).Call.Args[0], c.Ctx.User.F
	args := &user[len(user)-2] // below the stub
	c.Call(cpu.CodeID(c.Frame().L[0]), fdOf(handle), args.L[1], args.L[2])
}

func (m *Machine) ntClose(c *cpu.Core, r *sim.Record) {
	c.Call(cpu.CodeID(c.Frame().L[0]), fdOf(m.current(c).Call.Args[0]))
}

func (m *Machine) ntTerminateThread(c *cpu.Core, r *sim.Record) {
	c.Call(cpu.CodeID(c.Frame().L[0]), m.current(c).Call.Args[1])
}

// ntExit turns Linux's answer into an NTSTATUS.
func (m *Machine) ntExit(c *cpu.Core, r *sim.Record) {
	m.syscallExit(c, r)
	status := uint64(statusSuccess)
	switch ret := m.current(c).Call.Ret; {
	case ret == -EBADF:
		status = statusInvalidHandle
	case failed(ret):
		status = statusInvalidParameter
	}
	c.Ctx.Kernel.Saved().RAX = status
}
