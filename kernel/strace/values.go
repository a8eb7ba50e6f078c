package strace

import (
	"encoding/binary"
	"fmt"
	"strings"

	"ringside/kernel/program"
)

// bytes are n bytes of the program's memory.
func (c *Call) bytes(addr, n int64) ([]byte, bool) {
	if off := addr - program.HeapBase; off >= 0 && n >= 0 && off+n <= int64(len(c.Heap)) {
		return c.Heap[off : off+n], true
	}
	return c.Prog.Bytes(c.Mem, addr, n)
}

// filled is a buffer that the call has written to.
func (c *Call) filled(addr, n int64) string {
	if c.failed() {
		return "..."
	}
	if n > c.Args[2] {
		n = c.Args[2] // MSG_TRUNC returns the real length
	}
	b, ok := c.bytes(addr, n)
	if !ok {
		return "..."
	}
	return Quote(b)
}

func (c *Call) events(addr int64) string {
	if c.failed() {
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

// pollfds is an array of struct pollfd; what happened is there once the call has
// returned, and only where something did.
func (c *Call) pollfds(addr, n int64) string {
	if addr == 0 {
		return "NULL"
	}
	var out []string
	for i := range n {
		b, ok := c.Mem.Writable(addr+8*i, 8)
		if !ok {
			break
		}
		s := fmt.Sprintf("{fd=%d, events=%s", int32(binary.LittleEndian.Uint32(b)), Bits(uint64(binary.LittleEndian.Uint16(b[4:])), program.PollEvents))
		if revents := binary.LittleEndian.Uint16(b[6:]); revents != 0 && !c.Unfinished && !c.failed() {
			s += ", revents=" + Bits(uint64(revents), program.PollEvents)
		}
		out = append(out, s+"}")
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// fdSet lists the members of a set below nfds.
func fdSet(set []byte, nfds int64) string {
	var out []string
	for fd := range min(int64(int32(nfds)), int64(len(set))*8) {
		if set[fd/8]&(1<<(fd%8)) != 0 {
			out = append(out, fmt.Sprint(fd))
		}
	}
	return "[" + strings.Join(out, " ") + "]"
}

// fdSetBytes is the size of an fd_set.
const fdSetBytes = 128

// ready says which sets select left something in.
func (c *Call) ready() string {
	var out []string
	for i, name := range []string{"in ", "out ", "except "} {
		set, ok := c.Mem.Writable(c.Args[1+i], fdSetBytes)
		if list := fdSet(set, c.Args[0]); ok && list != "[]" {
			out = append(out, name+list)
		}
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// sigSet is a set of signals, without "SIG": bit n-1 is signal n.
func sigSet(v int64) string {
	if v == 0 {
		return "NULL"
	}
	var out []string
	for sig := 1; sig <= 64; sig++ {
		if v&(1<<(sig-1)) != 0 {
			out = append(out, strings.TrimPrefix(program.SignalName(sig), "SIG"))
		}
	}
	return "[" + strings.Join(out, " ") + "]"
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
