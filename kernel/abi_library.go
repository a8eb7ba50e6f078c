package kernel

import (
	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// The user's side of the door: what lies on the user stack between a program and
// the instruction that enters the kernel. Linux has one function there, the C
// library's wrapper; macOS a function and its stub; Windows three, and only the
// last of them, in ntdll, knows the number.

var libraryText = text{
	fnPrint: {Name: "print", Ring: 3, File: "the standard library (printf in C, fmt.Print in Go)",
		Say: "Makes the text, and has the C library's function write it.",
		Why: "The standard library is a program's part, not the kernel's: it cannot write anything itself.",
		Steps: []step{
			{Name: "format into a buffer, call write", Cost: costOp, Do: (*Machine).printFlush},
			{Name: "how much was written", Do: (*Machine).printDone},
		}},
}

// library is what the wrapper of a system's C library does.
type library struct {
	file, load, check string
	say               string
	back, why         string // what it does behind the door, and why
}

// Every Linux tells of an error in the same way, in another register.
const (
	linuxBack = "Back from the kernel: a result from -4095 to -1 is an error's number, and goes to errno."
	linuxWhy  = "errno and the -1 that the program sees are the C library's; the kernel knows neither."
)

var libraries = [...]library{
	program.LinuxAMD64: {"glibc sysdeps/unix/sysv/linux/", "load the registers, syscall", "check RAX for an error",
		"The C library's wrapper: the number into RAX, the arguments into registers, and syscall.", linuxBack, linuxWhy},
	program.LinuxARM64: {"glibc sysdeps/unix/sysv/linux/", "load x0 to x5 and x8, svc #0", "check x0 for an error",
		"The C library's wrapper: the number into x8, the arguments into x0 to x5, and svc.", linuxBack, linuxWhy},
	program.MacosARM64: {"libSystem, libsystem_kernel ", "x16 and svc #0x80", "carry set? cerror: x0 is errno",
		"The stub: the number into x16, the arguments are in x0 to x5 already, and svc.",
		"Back from the kernel: with the carry flag set, x0 is an error's number, and goes to errno.", "The flag tells error and result apart, so every number can be a result."},
	program.WindowsAMD64: {"ntdll ", "mov r10, rcx; mov eax, number; syscall", "ret",
		"The stub in ntdll: the first argument from RCX, which syscall overwrites, to R10, the number into EAX.",
		"Back from the kernel, with an NTSTATUS in EAX.", "The stub only returns: errors are made errno or GetLastError further out."},
	program.LinuxInt80: {"glibc sysdeps/unix/sysv/linux/i386/", "load EBX ECX EDX ESI EDI EBP and EAX, int $0x80", "check EAX for an error",
		"The C library's wrapper: the number into EAX, the arguments into EBX, ECX, EDX, ESI, EDI and EBP, and int $0x80.", linuxBack, linuxWhy},
}

// stub is the code with the instruction.
func (im *Image) stub(name string) code {
	l := &libraries[im.Config.ABI]
	c := code{Name: name, Ring: 3, File: l.file + name, Say: l.say,
		Why: "A program cannot call a kernel function: it can only knock at this one door.",
		Steps: []step{
			{Name: l.load, Cost: im.doorCost(), Do: (*Machine).wrapperSyscall},
			{Name: l.check, Cost: costOp, Do: (*Machine).wrapperReturn, Say: l.back, Why: l.why},
		}}
	switch im.Config.ABI {
	case program.LinuxAMD64, program.LinuxARM64, program.LinuxInt80:
		c.File += ".c"
	case program.MacosARM64:
		c.Steps[1].Do = (*Machine).cerror
	case program.WindowsAMD64:
		c.Steps[0].Do, c.Steps[1].Do = (*Machine).winStub, nothing
	}
	return c
}

// doorCost is what the instruction takes by itself. What the processor does behind
// a gate are steps of their own.
func (im *Image) doorCost() cpu.Cost {
	if im.Config.ABI == program.LinuxInt80 {
		return cpu.CostVector
	}
	return cpu.CostSyscall
}

// winAPI are the functions of Windows between the C runtime's and ntdll's.
var winAPI = map[string][2]string{
	"write": {"WriteFile", "NtWriteFile"}, "close": {"CloseHandle", "NtClose"}, "exit": {"ExitThread", "NtTerminateThread"},
}

// wrapper is the chain of functions from a program's call to the instruction,
// outermost first; each calls the one behind it.
func (im *Image) wrapper(name string) []code {
	switch im.Config.ABI {
	case program.MacosARM64:
		if name == "syscall" {
			return []code{im.outer(name, "libSystem", "the number is the program's", (*Machine).callInner, "return"), im.stub("svc")}
		}
		return []code{im.outer(name, "libSystem", "call the stub", (*Machine).callInner, "return"), im.stub("__" + name)}
	case program.WindowsAMD64:
		api := winAPI[name]
		w := im.outer(api[0], "KernelBase", "RCX RDX R8 R9, the rest above 32 bytes of shadow space", (*Machine).winCall, "NTSTATUS, IO_STATUS_BLOCK")
		w.Steps[1].Do = (*Machine).winReturn
		return []code{im.outer("_"+name, "ucrtbase", "the descriptor's handle", (*Machine).crtCall, "the result, or errno"), w, im.stub(api[1])}
	}
	return []code{im.stub(name)}
}

// outer is a library function that calls the next one.
func (im *Image) outer(name, file, what string, do func(*Machine, *cpu.Core, *sim.Record), after string) code {
	return code{Name: name, Ring: 3, File: file,
		Say: "A library function on the way to the door.", Why: "It is ordinary code in " + im.ABI.User + "; a program may as well call what it calls.",
		Steps: []step{
			{Name: what, Cost: costOp, Do: do},
			{Name: after, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.finish(c, c.Result()) }},
		}}
}

// callInner calls the next function of the chain with the same number.
func (m *Machine) callInner(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	c.Call(f.Code+1, f.L[0])
}

// finish returns to the caller of a wrapper; a program gets its results.
func (m *Machine) finish(c *cpu.Core, ret int64) {
	t := m.current(c)
	t.Call.Woken = false
	c.Return(ret)
	if t.Call.Site == None || !m.Text.Codes[c.Frame().Code].Interp {
		return
	}
	first, second := m.results(t)
	if ret == -1 {
		first, second = -1, -1
	}
	m.complete(c, first, second)
}

// cerror is what follows svc on macOS: the kernel's answer is an error's number
// if the carry flag is set.
func (m *Machine) cerror(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = c.Result()
	if c.Regs.RFLAGS&cpu.FlagCarry != 0 {
		m.current(c).Mem.Errno = c.Result()
		c.Return(-1)
	}
}

// printFlush: locals are the call's site, the text and its length. Standard
// output is not buffered here.
func (m *Machine) printFlush(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	m.knock(c, int32(l[0]), [8]int64{l[1], l[2]})
}

func (m *Machine) printDone(c *cpu.Core, r *sim.Record) {
	ret := c.Result()
	c.Return(ret)
	m.complete(c, ret)
}
