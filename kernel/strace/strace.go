// Package strace prints system calls the way strace(1) does, for both lanes.
package strace

import (
	"encoding/binary"
	"fmt"
	"strings"

	"ringside/kernel/program"
)

// Call is a finished system call, or one that still sleeps.
type Call struct {
	Spec       *program.Spec
	Args       []int64
	Ret        int64  // what the program sees: -1 when it failed
	Errno      int    // then
	From       string // the sender that recvfrom found or the peer of accept, "ip:port"
	Prog       *program.Program
	Mem        *program.Memory
	Unfinished bool
}

// Format gives the line.
func Format(c Call) string {
	if c.Unfinished {
		return strings.TrimSuffix(c.name()+"("+strings.Join(c.inputs(), ", "), " ") + " <unfinished ...>"
	}
	line := fmt.Sprintf("%s(%s) = %d", c.name(), strings.Join(c.args(len(c.Spec.Params)), ", "), c.Ret)
	if c.Ret < 0 {
		line += " " + program.ErrnoName(c.Errno)
	}
	return line
}

// Signal is the line of a signal that is delivered to a handler.
func Signal(sig int) string { return "--- " + program.SignalName(sig) + " ---" }

// Killed is the line of the end of a thread whose process a signal has ended.
func Killed(sig int) string { return "+++ killed by " + program.SignalName(sig) + " +++" }

// Exited is the line of a thread's end.
func Exited(code int) string { return fmt.Sprintf("+++ exited with %d +++", code) }

// name is the system call's name: recv is recvfrom, and print is write.
func (c *Call) name() string {
	switch c.Spec.Name {
	case "recv":
		return "recvfrom"
	case "print":
		return "write"
	}
	return c.Spec.Name
}

// inputs are the arguments that strace has printed when a call goes to sleep:
// those before the first that the call fills.
func (c *Call) inputs() []string {
	if c.accepts() {
		return append(c.args(1), "")
	}
	for i, p := range c.Spec.Params {
		if p.Kind == program.Buf || p.Kind == program.Events {
			return append(c.args(i), "")[:i+1]
		}
	}
	return c.args(len(c.Spec.Params))
}

// args are the first n arguments.
func (c *Call) args(n int) (out []string) {
	if c.Spec.Name == "print" {
		text := c.Prog.String(c.Args[0])
		return []string{"1", Quote([]byte(text)), fmt.Sprint(len(text))}
	}
	for i, p := range c.Spec.Params[:n] {
		if i == 1 && c.accepts() {
			out = append(out, c.peer())
		}
		if s, ok := c.arg(i, p); ok {
			out = append(out, s)
		}
	}
	if n == 1 && c.Spec.Name == "accept" && !c.Unfinished {
		out = append(out, c.peer())
	}
	if n == len(c.Spec.Params) && c.Spec.NR == nrRecvfrom {
		from := "NULL"
		if c.From != "" && c.Spec.Name == "recvfrom" {
			from = c.From
		}
		out = append(out, from)
	}
	return out
}

const nrRecvfrom = 45

// accepts tells whether the call gives the peer's address, behind the
// descriptor, without a program having to ask for it.
func (c *Call) accepts() bool { return c.Spec.Name == "accept" || c.Spec.Name == "accept4" }

func (c *Call) peer() string {
	if c.From == "" {
		return "..."
	}
	return c.From
}

// arg is one argument; false if it is part of another one, or not printed.
func (c *Call) arg(i int, p program.Param) (string, bool) {
	v := c.Args[i]
	switch p.Kind {
	case program.Buf:
		return c.filled(v, c.Ret), true
	case program.Text:
		b, ok := c.Prog.Bytes(c.Mem, v, c.Args[i+1])
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
	case program.Flags:
		if c.Spec.Name == "socket" {
			return socketType(v), true
		}
		if c.Spec.Name == "fcntl" {
			return c.fcntlArg(v, p)
		}
		return Bits(uint64(v), p.Names), true
	case program.Enum:
		for _, n := range p.Names {
			if n.Bit == v {
				return n.Name, true
			}
		}
		return fmt.Sprintf("%#x", v), true
	case program.EpEvents:
		if c.Args[1] == epollCtlDel {
			return "NULL", true
		}
		return event(uint32(v), c.Args[i+1], p.Names), true
	case program.EpData:
		return "", false
	case program.Duration:
		return Duration(v), true
	}
	return fmt.Sprint(int32(v)), true
}

const epollCtlDel = 2

// filled is a buffer that the call has written to.
func (c *Call) filled(addr, n int64) string {
	if c.Ret < 0 {
		return "..."
	}
	if n > c.Args[2] {
		n = c.Args[2] // MSG_TRUNC returns the real length
	}
	b, ok := c.Prog.Bytes(c.Mem, addr, n)
	if !ok {
		return "..."
	}
	return Quote(b)
}

func (c *Call) events(addr int64) string {
	if c.Ret < 0 {
		return "..."
	}
	var out []string
	for i := int64(0); i < c.Ret; i++ {
		b, ok := c.Mem.Writable(addr+12*i, 12)
		if !ok {
			break
		}
		out = append(out, event(binary.LittleEndian.Uint32(b), int64(binary.LittleEndian.Uint64(b[4:])), program.EpollEvents))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func event(events uint32, data int64, names []program.Name) string {
	return fmt.Sprintf("{events=%s, data=%d}", Bits(uint64(events), names), data)
}

// socketType is a socket's type with its flags.
func socketType(v int64) string {
	kinds := map[int64]string{1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW"}
	name, ok := kinds[v&0xf]
	if !ok {
		name = fmt.Sprintf("%#x", v&0xf)
	}
	for _, f := range []program.Name{{Name: "SOCK_NONBLOCK", Bit: 0x800}, {Name: "SOCK_CLOEXEC", Bit: 0x80000}} {
		if v&f.Bit != 0 {
			name += "|" + f.Name
		}
	}
	if rest := v &^ 0x8080f; rest != 0 {
		name += fmt.Sprintf("|%#x", rest)
	}
	return name
}

// fcntlArg is there for the commands that take one.
func (c *Call) fcntlArg(v int64, p program.Param) (string, bool) {
	switch c.Args[1] {
	case 1, 3: // F_GETFD, F_GETFL
		return "", false
	case 4:
		return Bits(uint64(v), p.Names), true
	}
	return fmt.Sprint(v), true
}

// Bits names the bits of v in ascending order, joined by "|", and what has no
// name in hexadecimal; "0" when there are none.
func Bits(v uint64, names []program.Name) string {
	var out []string
	for _, n := range names {
		if bit := uint64(n.Bit); bit != 0 && v&bit == bit {
			out = append(out, n.Name)
			v &^= bit
		}
	}
	if v != 0 {
		out = append(out, fmt.Sprintf("%#x", v))
	}
	if len(out) == 0 {
		return "0"
	}
	return strings.Join(out, "|")
}

// Addr is "ip:port", with 0.0.0.0 where the program left the address out.
func Addr(s string) string {
	if strings.HasPrefix(s, ":") {
		return "0.0.0.0" + s
	}
	return s
}

// Duration keeps the largest unit that leaves a whole number.
func Duration(ns int64) string {
	for _, u := range []struct {
		name string
		ns   int64
	}{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}} {
		if ns != 0 && ns%u.ns == 0 {
			return fmt.Sprintf("%d%s", ns/u.ns, u.name)
		}
	}
	return fmt.Sprintf("%dns", ns)
}

// maxString is how much of a buffer strace prints unless told otherwise.
const maxString = 32

// Quote prints a buffer as strace does: cut after 32 bytes, what is not
// printable escaped, octal as short as what follows allows.
func Quote(b []byte) string {
	var out strings.Builder
	out.WriteByte('"')
	cut := b[:min(len(b), maxString)]
	for i, ch := range cut {
		switch ch {
		case '\n':
			out.WriteString(`\n`)
		case '\t':
			out.WriteString(`\t`)
		case '\r':
			out.WriteString(`\r`)
		case '\v':
			out.WriteString(`\v`)
		case '\f':
			out.WriteString(`\f`)
		case '"', '\\':
			out.WriteByte('\\')
			out.WriteByte(ch)
		default:
			switch {
			case ch >= ' ' && ch < 0x7f:
				out.WriteByte(ch)
			case i+1 < len(cut) && cut[i+1] >= '0' && cut[i+1] <= '7':
				fmt.Fprintf(&out, `\%03o`, ch)
			default:
				fmt.Fprintf(&out, `\%o`, ch)
			}
		}
	}
	out.WriteByte('"')
	if len(b) > maxString {
		out.WriteString("...")
	}
	return out.String()
}
