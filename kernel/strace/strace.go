// Package strace prints system calls the way strace(1) does, for both lanes.
package strace

import (
	"fmt"
	"slices"
	"strings"

	"ringside/kernel/program"
)

// Call is a finished system call, or one that still sleeps. What it has filled
// is read from the program's memory, so it must be printed before the program
// goes on.
type Call struct {
	ABI    program.ABI // what the number of a raw call means
	Spec   *program.Spec
	Args   []int64   // as the program gave them
	N      int       // how many there are (Effect.N): only syscall needs it
	Ret    int64     // what the program sees: -1 when it failed; the value of eventfd_read and getsockopt
	Errno  int       // why it failed, or 0
	Rets   [2]int64  // the descriptors that pipe2 and socketpair made
	From   string    // whom recvfrom and accept found at the other end, "ip:port", or ""
	Target [2]int64  // the process and the thread that tgkill names
	Sets   [3][]byte // the sets that select was given: it overwrites them. nil for NULL
	Prog   *program.Program
	Mem    *program.Memory
	Heap   []byte // what the process's heap holds, as far as it has been touched

	Unfinished bool
}

// Format gives the line.
func Format(c Call) string {
	args, before := c.args()
	if c.Unfinished {
		line := c.name() + "(" + strings.Join(args[:before], ", ")
		if before > 0 && before < len(args) {
			line += ","
		}
		return line + " <unfinished ...>"
	}
	return c.name() + "(" + strings.Join(args, ", ") + ") = " + c.result()
}

// Exited is the line of a thread's end.
func Exited(code int) string { return fmt.Sprintf("+++ exited with %d +++", code) }

// Signal is the line of a signal that reaches a thread.
func Signal(sig int) string { return "--- " + program.SignalName(sig) + " ---" }

// Killed is the line of a thread whose process a signal ends.
func Killed(sig int) string { return "+++ killed by " + program.SignalName(sig) + " +++" }

func (c *Call) failed() bool { return c.Ret < 0 && c.Errno != 0 }

// names of system calls whose C library function is called otherwise.
var names = map[string]string{
	"recv": "recvfrom", "send": "sendto", "print": "write", "eventfd": "eventfd2", "sigaction": "rt_sigaction",
}

// name is the system call's name.
func (c *Call) name() string {
	spec := c.Spec
	if spec.Name == "syscall" {
		if spec = c.ABI.SpecOf(c.Args[0]); spec == nil {
			return fmt.Sprintf("syscall_%#x", uint64(c.Args[0]))
		}
	}
	if n, ok := names[spec.Name]; ok {
		return n
	}
	return spec.Name
}

// result is what stands behind the equals sign.
func (c *Call) result() string {
	if c.failed() {
		return "-1 " + program.ErrnoName(c.Errno)
	}
	switch c.Spec.Name {
	case "pipe2", "socketpair":
		return "0" // the descriptors are in Rets
	case "eventfd_read":
		return fmt.Sprintf("0 (value %d)", uint64(c.Ret))
	case "getsockopt":
		return fmt.Sprintf("0 (value %d)", c.Ret)
	case "poll", "ppoll", "select":
		if c.Ret == 0 {
			return "0 (Timeout)"
		}
		if c.Spec.Name == "select" {
			return fmt.Sprint(c.Ret) + c.ready()
		}
	}
	return fmt.Sprint(c.Ret)
}

// args are the system call's arguments, and how many of them strace has printed
// when the call goes to sleep: those before the first that the call fills.
func (c *Call) args() (out []string, before int) {
	switch c.Spec.Name {
	case "print":
		text := c.Prog.String(c.Args[0])
		out = []string{"1", Quote([]byte(text)), fmt.Sprint(len(text))}
		return out, len(out)
	case "syscall":
		if sub, ok := c.decoded(); ok {
			return sub.args()
		}
		out = c.raw()
		return out, len(out)
	}
	before = -1
	for i, p := range c.Spec.Params {
		if p.Kind == program.Buf || p.Kind == program.Events {
			before = len(out)
		}
		if s, ok := c.arg(i, p); ok {
			out = append(out, s)
		}
	}
	out, filled := c.lower(out)
	if before < 0 {
		before = filled
	}
	return out, min(before, len(out))
}

// lower turns the arguments of a C library function into those of its system
// call, where they differ; filled is the first that the call fills.
func (c *Call) lower(args []string) (out []string, filled int) {
	switch c.Spec.Name {
	case "recv", "recvfrom":
		from := "NULL"
		if c.From != "" && c.Spec.Name == "recvfrom" {
			from = c.From
		}
		return append(args, from), len(args)
	case "accept", "accept4":
		return slices.Insert(args, 1, c.peer()), 1
	case "send":
		return append(args, "NULL"), len(args) + 1
	case "pipe2":
		return slices.Insert(args, 0, c.pair()), 0
	case "socketpair":
		return append(args, c.pair()), len(args)
	case "timerfd_settime":
		its := fmt.Sprintf("{it_interval=%s, it_value=%s}", args[2], args[3])
		return append(args[:2], its, "NULL"), 4
	case "setsockopt":
		if c.Args[1] == solSocket && c.Args[2] == soRcvtimeo { // a struct timeval
			return append(args[:3], Duration(c.Args[3]), "16"), 5
		}
		return append(args[:3], "["+args[3]+"]", "4"), 5
	case "ppoll", "epoll_pwait", "epoll_pwait2":
		return append(args, "8"), len(args) + 1 // the size of the mask
	case "sigaction":
		act := fmt.Sprintf("{sa_handler=handler, sa_flags=%s}", args[1])
		return []string{args[0], act, "NULL", "8"}, 4
	case "tgkill":
		return []string{fmt.Sprint(c.Target[0]), fmt.Sprint(c.Target[1]), args[1]}, 3
	}
	return args, len(args)
}

// peer is the address that accept has filled.
func (c *Call) peer() string {
	switch {
	case c.failed():
		return "..."
	case c.From == "":
		return "NULL"
	}
	return c.From
}

// pair are the two descriptors that a call has made.
func (c *Call) pair() string {
	if c.failed() {
		return "..."
	}
	return fmt.Sprintf("[%d, %d]", c.Rets[0], c.Rets[1])
}

// decoded is the call that syscall makes, if it is one whose data strace shows.
// The data must be in memory of the program.
func (c *Call) decoded() (sub Call, ok bool) {
	spec := c.ABI.SpecOf(c.Args[0])
	if spec == nil || spec.Name != "write" && spec.Name != "read" || c.N-1 < len(spec.Params) {
		return sub, false
	}
	if _, ok = c.bytes(c.Args[2], 0); spec.Name == "read" && c.failed() {
		_, ok = c.Mem.Writable(c.Args[2], 0) // and not in a constant
	}
	if !ok {
		return sub, false
	}
	sub = *c
	sub.Spec, sub.Args = spec, c.Args[1:]
	return sub, true
}

// raw are the arguments of syscall: numbers, and in hexadecimal where they are
// addresses or strace does not know what they mean.
func (c *Call) raw() (out []string) {
	spec := c.ABI.SpecOf(c.Args[0])
	for i, v := range c.Args[1:max(1, c.N)] {
		if v == 0 || spec != nil && (i >= len(spec.Params) || !spec.Params[i].Kind.Pointer()) {
			out = append(out, fmt.Sprint(v))
		} else {
			out = append(out, fmt.Sprintf("%#x", uint64(v)))
		}
	}
	return out
}

// arg is one argument; false if it is part of another one, or not printed.
func (c *Call) arg(i int, p program.Param) (string, bool) {
	v := c.Args[i]
	switch p.Kind {
	case program.Buf:
		return c.filled(v, c.Ret), true
	case program.Text:
		b, ok := c.bytes(v, c.Args[i+1])
		if !ok {
			return fmt.Sprintf("%#x", v), true
		}
		return Quote(b), true
	case program.Str:
		return Quote([]byte(c.Prog.String(v))), true
	case program.SockAddr:
		return Addr(c.Prog.String(v)), true
	case program.Events:
		return c.events(v), true
	case program.Pollfds:
		return c.pollfds(v, c.Args[i+1]), true
	case program.FdSet:
		if c.Sets[i-1] == nil {
			return "NULL", true
		}
		return fdSet(c.Sets[i-1], c.Args[0]), true
	case program.Flags:
		return c.flags(v, p)
	case program.Enum:
		return c.enum(v, p), true
	case program.EpEvents:
		if c.Args[1] == epollCtlDel {
			return "NULL", true
		}
		return event(uint32(v), c.Args[i+1], p.Names), true
	case program.EpData:
		return "", false
	case program.Duration:
		return Duration(v), true
	case program.Timeout:
		if v == program.NoTimeout {
			return "NULL", true
		}
		return Duration(v), true
	case program.SigSet:
		return sigSet(v), true
	}
	return c.number(i, v), true
}

const epollCtlDel = 2

// flags are a set of bits, which some calls mix with a number.
func (c *Call) flags(v int64, p program.Param) (string, bool) {
	switch c.Spec.Name {
	case "socket", "socketpair":
		return socketType(v), true
	case "fcntl":
		return c.fcntlArg(v, p)
	}
	return Bits(uint64(uint32(v)), p.Names), true
}

// enum is one of some names; what the names of options mean depends on their
// level.
func (c *Call) enum(v int64, p program.Param) string {
	if p.Name == "name" && c.Args[1] == solTCP {
		if v == tcpNodelay {
			return "TCP_NODELAY"
		}
		return fmt.Sprintf("%#x", v)
	}
	for _, n := range p.Names {
		if n.Bit == v {
			return n.Name
		}
	}
	if p.Name == "sig" {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%#x", v)
}

const (
	solSocket  = 1
	soRcvtimeo = 20
	solTCP     = 6
	tcpNodelay = 1
)

// number is an integer as wide as the call takes it.
func (c *Call) number(i int, v int64) string {
	switch {
	case c.Spec.Name == "eventfd_write" && i == 1:
		return fmt.Sprint(uint64(v))
	case c.Spec.Name == "eventfd" && i == 0:
		return fmt.Sprint(uint32(v))
	}
	return fmt.Sprint(int32(v))
}
