package program

import (
	"fmt"
	"go/ast"
	"slices"
)

// ABI says which system a program is built for: the numbers of the calls that it
// has, and under which names.
type ABI uint8

const (
	LinuxAMD64 ABI = iota
	LinuxARM64
	MacosARM64
	WindowsAMD64
	LinuxInt80 // programs of linux-amd64 that enter by int $0x80: a door with numbers of its own
)

// none marks a call that a system does not have.
const none = -1

// numbers are the calls' numbers by system: arch/x86/entry/syscalls/syscall_64.tbl,
// include/uapi/asm-generic/unistd.h (arm64), bsd/kern/syscalls.master of XNU,
// those of Windows 10 and 11, and syscall_32.tbl, of which it is the calls that take
// the same structures where there are two. Windows gives no promise: NtWriteFile was 5 in
// Windows 7, 6 in 8 and 7 in 8.1. That is why its programs call ntdll.
//
// Of macOS and Windows these are only the calls that mean there what they mean on
// Linux, with the same flags and error numbers.
var numbers = []struct {
	name string
	nr   [5]int64
}{
	{"read", [5]int64{0, 63, 3, none, 3}},
	{"write", [5]int64{1, 64, 4, 0x08, 4}}, // NtWriteFile
	{"close", [5]int64{3, 57, 6, 0x0f, 6}}, // NtClose
	{"dup", [5]int64{32, 23, 41, none, 41}},
	{"dup2", [5]int64{33, none, 90, none, 63}},
	{"dup3", [5]int64{292, 24, none, none, 330}},
	{"fcntl", [5]int64{72, 25, none, none, 221}},
	{"pipe2", [5]int64{293, 59, none, none, 331}},
	{"eventfd2", [5]int64{290, 19, none, none, 328}},
	{"timerfd_create", [5]int64{283, 85, none, none, 322}},
	{"timerfd_settime", [5]int64{286, 86, none, none, 411}},
	{"memfd_create", [5]int64{319, 279, none, none, 356}},
	{"socket", [5]int64{41, 198, none, none, 359}},
	{"socketpair", [5]int64{53, 199, none, none, 360}},
	{"bind", [5]int64{49, 200, none, none, 361}},
	{"listen", [5]int64{50, 201, none, none, 363}},
	{"accept", [5]int64{43, 202, none, none, none}},
	{"connect", [5]int64{42, 203, none, none, 362}},
	{"sendto", [5]int64{44, 206, none, none, 369}},
	{"recvfrom", [5]int64{45, 207, none, none, 371}},
	{"setsockopt", [5]int64{54, 208, none, none, 366}},
	{"getsockopt", [5]int64{55, 209, none, none, 365}},
	{"shutdown", [5]int64{48, 210, none, none, 373}},
	{"accept4", [5]int64{288, 242, none, none, 364}},
	{"poll", [5]int64{7, none, none, none, 168}},
	{"ppoll", [5]int64{271, 73, none, none, 414}},
	{"select", [5]int64{23, none, none, none, 142}},
	{"pselect6", [5]int64{270, 72, none, none, 413}},
	{"epoll_create", [5]int64{213, none, none, none, 254}},
	{"epoll_create1", [5]int64{291, 20, none, none, 329}},
	{"epoll_ctl", [5]int64{233, 21, none, none, 255}},
	{"epoll_wait", [5]int64{232, none, none, none, 256}},
	{"epoll_pwait", [5]int64{281, 22, none, none, 319}},
	{"epoll_pwait2", [5]int64{441, 441, none, none, 441}},
	{"getpid", [5]int64{39, 172, 20, none, 20}},
	{"gettid", [5]int64{186, 178, none, none, 224}},
	{"nanosleep", [5]int64{35, 101, none, none, 162}},
	{"sched_yield", [5]int64{24, 124, none, none, 158}},
	{"exit", [5]int64{60, 93, 1, 0x53, 1}}, // NtTerminateThread
	{"rt_sigaction", [5]int64{13, 134, none, none, 174}},
	{"rt_sigreturn", [5]int64{15, 139, none, none, 173}},
	{"tgkill", [5]int64{234, 131, none, none, 270}},
}

// ABINames are the names of the format.
var ABINames = []string{"linux-amd64", "linux-arm64", "macos-arm64", "windows-amd64"}

func (a ABI) String() string {
	if a == LinuxInt80 {
		return "int $0x80"
	}
	return ABINames[a]
}

// Native tells whether Linux runs programs of this system.
func (a ABI) Native() bool { return a == LinuxAMD64 || a == LinuxARM64 || a == LinuxInt80 }

// arm tells whether the processor is an Arm.
func (a ABI) arm() bool { return a == LinuxARM64 || a == MacosARM64 }

// Number gives the number of the call that has a number on linux-amd64.
func (a ABI) Number(linux int64) (int64, bool) {
	for i := range numbers {
		if n := &numbers[i].nr; n[LinuxAMD64] == linux {
			return n[a], n[a] != none
		}
	}
	return linux, a == LinuxAMD64
}

// Linux is the way back: the number on linux-amd64 of the call with a number.
func (a ABI) Linux(nr int64) (int64, bool) {
	for i := range numbers {
		if n := &numbers[i].nr; n[a] == nr && nr != none {
			return n[LinuxAMD64], true
		}
	}
	return nr, a == LinuxAMD64
}

// SpecOf finds the row of a system call by its number.
func (a ABI) SpecOf(nr int64) *Spec {
	if a == LinuxAMD64 {
		return SpecOf(nr)
	}
	linux, ok := a.Linux(nr)
	if !ok {
		return nil
	}
	return SpecOf(linux)
}

// Substitutes are the calls that the C library makes on arm64 for those that
// only older systems have (numbers of linux-amd64).
var Substitutes = map[int64]int64{
	33: 292, 7: 271, 23: 270, 213: 291, 232: 281, // dup2, poll, select, epoll_create, epoll_wait
}

// has tells whether programs of a system can make a call.
func (a ABI) has(s *Spec) bool {
	nr := int64(s.NR)
	switch {
	case s.On != nil:
		return slices.Contains(s.On, a)
	case a == LinuxAMD64, a == LinuxInt80, s.Group == Director:
		return true
	case s.Group == Library && s.NR == 0:
		return true
	case s.Name == "syscall":
		return a != WindowsAMD64
	case a == LinuxARM64:
		if other, ok := Substitutes[nr]; ok {
			nr = other
		}
	case s.Name == "eventfd_read" || s.Name == "eventfd_write":
		return false
	}
	_, ok := a.Number(nr)
	return ok
}

// callNumber is a SYS_ constant of the ABI; linux is that of linux-amd64.
func (c *compiler) callNumber(id *ast.Ident, linux int64) int64 {
	nr, ok := c.env.ABI.Number(linux)
	if !ok {
		c.fail(id.Pos(), "%s has no %s", c.env.ABI, id.Name)
	}
	return nr
}

// Check finds the first call of a program that a system does not have.
func (a ABI) Check(p *Program) error {
	for i := range p.Calls {
		c := &p.Calls[i]
		if c.Spec == nil || a.has(c.Spec) {
			continue
		}
		msg := fmt.Sprintf("%s has no %s that means the same; its programs can call %s here", a, c.Spec.Name, a.calls())
		switch {
		case c.Spec.On != nil:
			msg = fmt.Sprintf("%s: %s has no such instruction here, only %s has", c.Spec.Name, a, c.Spec.On[0])
		case a == LinuxARM64:
			msg = fmt.Sprintf("%s is not part of this version on %s", c.Spec.Name, a)
		case c.Spec.Name == "syscall":
			msg = fmt.Sprintf("%s has no stable numbers of system calls: they change with the build, and programs call ntdll", a)
		}
		return &Error{Line: c.Line, Col: c.Col, Msg: msg}
	}
	return nil
}

// calls lists the system calls and library functions of a small system.
func (a ABI) calls() string {
	var names []string
	for i := range specs {
		if s := &specs[i]; s.Built && s.Group != Director && a.has(s) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	out := names[0]
	for _, n := range names[1:] {
		out += ", " + n
	}
	return out
}
