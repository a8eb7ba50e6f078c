package live

import (
	"errors"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/strace"
)

// errRefused is of calls that reach outside the scenario: this process must not
// do for a stranger's file what it could do.
var errRefused = errors.New("the live lane does not make this call")

// syscall makes a call for real. Descriptors are translated; buffers are the
// program's own memory. A call that the Go runtime's signals interrupt is made
// again: the scenario knows of no signal.
func (t *thread) syscall(c *strace.Call) (int64, unix.Errno, error) {
	switch c.Spec.Name {
	case "nanosleep":
		errno := t.nanosleep(c.Args[0])
		return 0, errno, nil
	case "epoll_wait":
		if _, ok := t.mem.Writable(c.Args[1], 12*max(0, int64(int32(c.Args[2])))); !ok {
			return 0, 0, errRefused
		}
		ret, errno := t.epollWait(c.Args)
		return ret, errno, nil
	}
	for {
		ret, err := t.plain(c, c.Args)
		if errors.Is(err, errRefused) {
			return 0, 0, err
		}
		if errno := errnoOf(err); errno != unix.EINTR || t.r.ended.Load() {
			return ret, errno, nil
		}
	}
}

// errnoOf is the number of a system call's error.
func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	if err != nil && !errors.As(err, &errno) {
		return unix.EIO
	}
	return errno
}

// plain makes a call that needs no care about time.
func (t *thread) plain(c *strace.Call, a []int64) (int64, error) {
	p := t.proc
	switch c.Spec.Name {
	case "socket":
		return t.socket(a)
	case "bind":
		return 0, t.r.net.bind(p.real(a[0]), t.prog.String(a[1]))
	case "read", "recv", "recvfrom":
		return t.receive(c, a)
	case "print":
		n, err := unix.Write(p.real(1), []byte(t.prog.String(a[0])))
		return int64(n), err
	case "write":
		b, ok := t.prog.Bytes(&t.mem, a[1], a[2])
		if !ok {
			return 0, errRefused
		}
		n, err := unix.Write(p.real(a[0]), b)
		return int64(n), err
	case "close":
		return 0, p.closeFD(a[0])
	case "fcntl":
		return t.fcntl(a)
	case "epoll_create1":
		if a[0]&^unix.EPOLL_CLOEXEC != 0 {
			return -1, unix.EINVAL
		}
		return p.install(unix.EpollCreate1(unix.EPOLL_CLOEXEC))
	case "epoll_create":
		if int32(a[0]) <= 0 {
			return -1, unix.EINVAL // epoll_create1 knows no size
		}
		return p.install(unix.EpollCreate1(unix.EPOLL_CLOEXEC))
	case "epoll_ctl":
		ev := unix.EpollEvent{Events: uint32(a[3]), Fd: int32(a[4]), Pad: int32(a[4] >> 32)}
		return 0, unix.EpollCtl(p.real(a[0]), int(int32(a[1])), p.real(a[2]), &ev)
	case "getpid":
		_ = unix.Getpid()
		return int64(p.pid), nil
	case "gettid":
		_ = unix.Gettid()
		return int64(kernel.FirstPID + t.index), nil
	case "sched_yield":
		_, _, errno := unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		if errno != 0 {
			return -1, errno
		}
		return 0, nil
	}
	return 0, errRefused
}

// receive is read, recv and recvfrom.
func (t *thread) receive(c *strace.Call, a []int64) (int64, error) {
	fd := t.proc.real(a[0])
	b, ok := t.mem.Writable(a[1], a[2])
	if !ok {
		return 0, errRefused
	}
	if c.Spec.Name == "read" {
		n, err := unix.Read(fd, b)
		return int64(n), err
	}
	n, from, err := unix.Recvfrom(fd, b, int(int32(a[3])))
	if in4, ok := from.(*unix.SockaddrInet4); ok && err == nil {
		c.From = t.r.net.peerName(in4.Port)
	}
	return int64(n), err
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
	}
	return t.proc.install(fd, err)
}

// fcntl reads and sets the flags of an open file. Other commands make
// descriptors past the table or have signals sent to processes (F_DUPFD,
// F_SETOWN), as O_ASYNC does.
func (t *thread) fcntl(a []int64) (int64, error) {
	if cmd := int32(a[1]); cmd != unix.F_GETFL && cmd != unix.F_SETFL {
		return 0, errRefused
	}
	n, err := unix.FcntlInt(uintptr(t.proc.real(a[0])), int(int32(a[1])), int(int32(a[2]))&^unix.O_ASYNC)
	return int64(n), err
}
