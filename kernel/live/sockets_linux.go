package live

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringside/kernel/strace"
	"ringside/sim"
)

// socketCall makes a call that only sockets have.
func (t *thread) socketCall(c *strace.Call, a []int64) (int64, error) {
	p, net := t.proc, t.r.net
	if c.Spec.Name == "socket" {
		return t.socket(a)
	}
	fd := p.real(a[0])
	switch c.Spec.Name {
	case "bind":
		return 0, net.bind(fd, t.prog.String(a[1]))
	case "connect":
		to, err := net.destination(fd, t.prog.String(a[1]))
		if err != nil {
			return -1, err
		}
		err = unix.Connect(fd, to)
		net.autobound(fd)
		return 0, err
	case "listen":
		err := unix.Listen(fd, int(int32(a[1])))
		net.autobound(fd)
		return 0, err
	case "accept", "accept4":
		return t.accept(c, fd)
	case "shutdown":
		return 0, unix.Shutdown(fd, int(int32(a[1])))
	case "setsockopt":
		if a[1] == unix.SOL_SOCKET && a[2] == unix.SO_RCVTIMEO {
			return 0, p.setTimeout(a[0], sim.Time(a[3]))
		}
		if !knownOption(a) {
			return 0, errRefused
		}
		return 0, unix.SetsockoptInt(fd, int(a[1]), int(a[2]), int(int32(a[3])))
	case "getsockopt":
		if !knownOption(a) {
			return 0, errRefused
		}
		v, err := unix.GetsockoptInt(fd, int(a[1]), int(a[2]))
		return int64(v), err
	}
	return 0, errRefused
}

// socket makes internet sockets for UDP and TCP only. Others reach outside: raw
// and packet sockets see the traffic of this host, netlink its configuration.
func (t *thread) socket(a []int64) (int64, error) {
	family, typ, proto := int(int32(a[0])), int(int32(a[1])), int(int32(a[2]))
	kind := typ &^ (unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC)
	udp := kind == unix.SOCK_DGRAM && (proto == 0 || proto == unix.IPPROTO_UDP)
	tcp := kind == unix.SOCK_STREAM && (proto == 0 || proto == unix.IPPROTO_TCP)
	if family != unix.AF_INET || !udp && !tcp {
		return 0, errRefused
	}
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, proto)
	if err == nil {
		t.r.net.confine(fd)
		if tcp {
			t.r.net.tcp.Store(true)
		}
	}
	return t.proc.install(fd, err)
}

// setTimeout sets how long a receive may wait (socket(7), SO_RCVTIMEO). The
// scenario's clock measures it; the real timeout, which is never reached, has
// the kernel not restart what a signal interrupts (sock_intr_errno).
func (p *process) setTimeout(fd int64, d sim.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var tv unix.Timeval
	if d != 0 {
		tv.Sec = 1 << 30
	}
	at := p.at(fd)
	if err := unix.SetsockoptTimeval(at.real, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		return err
	}
	p.fds[int32(fd)].timeout = d
	return nil
}

// readable tells whether a receive or an accept would not sleep.
func readable(fd int) bool {
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n > 0
}

// accept gives the new socket's peer the scenario's name.
func (t *thread) accept(c *strace.Call, fd int) (int64, error) {
	flags := unix.SOCK_CLOEXEC
	if c.Spec.Name == "accept4" {
		flags |= int(int32(c.Args[1]))
	}
	if t.activity().due && !readable(fd) {
		return -1, unix.EAGAIN
	}
	real, from, err := accept4(fd, flags)
	if from != nil {
		c.From = t.r.net.nameOf(real, from)
	}
	return t.proc.install(real, err)
}

// accept4 and recvfrom are the bare calls: those of package unix ask the
// descriptor afterwards what it is, and it may have been closed meanwhile.
func accept4(fd, flags int) (int, *unix.SockaddrInet4, error) {
	var from unix.RawSockaddrInet4
	size := uint32(unsafe.Sizeof(from))
	real, _, errno := unix.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)), uintptr(flags), 0, 0)
	if errno != 0 {
		return -1, nil, errno
	}
	return int(real), inet4(&from), nil
}

func recvfrom(fd int, b []byte, flags int64) (int64, *unix.SockaddrInet4, error) {
	var from unix.RawSockaddrInet4
	size := uint32(unsafe.Sizeof(from))
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		uintptr(int32(flags)), uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return -1, nil, errno
	}
	return int64(n), inet4(&from), nil
}

// inet4 is an address that the kernel has filled in, or nil if it has not.
func inet4(raw *unix.RawSockaddrInet4) *unix.SockaddrInet4 {
	if raw.Family != unix.AF_INET {
		return nil
	}
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&raw.Port))[:])
	return &unix.SockaddrInet4{Port: int(port), Addr: raw.Addr}
}

// options are those that have no effect beyond their socket, by their levels.
// SO_BINDTODEVICE and the like would let it out of loopback.
var options = map[int64][]int64{
	unix.SOL_SOCKET: {
		unix.SO_REUSEADDR, unix.SO_TYPE, unix.SO_ERROR, unix.SO_SNDBUF, unix.SO_RCVBUF, unix.SO_REUSEPORT,
		unix.SO_ACCEPTCONN, unix.SO_PROTOCOL, unix.SO_DOMAIN, unix.SO_BUSY_POLL,
	},
	unix.SOL_TCP: {unix.TCP_NODELAY},
}

func knownOption(a []int64) bool { return slices.Contains(options[a[1]], a[2]) }

// sendto is sendto(2); the package has no version that tells how much was sent.
func sendto(fd int, b []byte, flags int, to *unix.SockaddrInet4) (int64, error) {
	var addr unix.RawSockaddrInet4
	var addrLen uintptr
	if to != nil {
		addr = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr}
		port := (*[2]byte)(unsafe.Pointer(&addr.Port))
		port[0], port[1] = byte(to.Port>>8), byte(to.Port)
		addrLen = unix.SizeofSockaddrInet4
	}
	var name unsafe.Pointer
	if to != nil {
		name = unsafe.Pointer(&addr)
	}
	n, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags), uintptr(name), addrLen)
	if errno != 0 {
		return -1, errno
	}
	return int64(n), nil
}
