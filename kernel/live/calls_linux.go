package live

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/kernel/strace"
)

// syscall makes a call for real. Descriptors are translated; buffers are the
// program's own memory. A call that the Go runtime's signals interrupt is made
// again: the scenario knows of no signal.
func (t *thread) syscall(c *strace.Call, a [8]int64) (int64, unix.Errno) {
	switch c.Spec.Name {
	case "getpid":
		return int64(t.proc.pid), 0
	case "gettid":
		return int64(kernel.FirstPID + t.index), 0
	case "nanosleep":
		return t.nanosleep(a[0])
	case "epoll_wait":
		return t.epollWait(a)
	}
	for {
		ret, err := t.plain(c, a)
		var errno unix.Errno
		if err != nil && !errors.As(err, &errno) {
			errno = unix.EIO
		}
		if errno != unix.EINTR || t.r.ended.Load() {
			return ret, errno
		}
	}
}

// plain makes a call that needs no care about time.
func (t *thread) plain(c *strace.Call, a [8]int64) (int64, error) {
	p := t.proc
	fd := p.real(a[0])
	switch c.Spec.Name {
	case "socket":
		n, err := unix.Socket(int(int32(a[0])), int(int32(a[1]))|unix.SOCK_CLOEXEC, int(int32(a[2])))
		return p.install(n, err)
	case "epoll_create1":
		if a[0]&^unix.EPOLL_CLOEXEC != 0 {
			return -1, unix.EINVAL
		}
		n, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		return p.install(n, err)
	case "epoll_create":
		if int32(a[0]) <= 0 {
			return -1, unix.EINVAL
		}
		n, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		return p.install(n, err)
	case "bind":
		return 0, t.r.net.bind(fd, t.prog.String(a[1]))
	case "close":
		return 0, p.closeFD(a[0])
	case "fcntl":
		n, err := unix.FcntlInt(uintptr(fd), int(a[1]), int(a[2]))
		return int64(n), err
	case "read":
		n, err := unix.Read(fd, t.buffer(a[1], a[2]))
		return int64(n), err
	case "recv", "recvfrom":
		n, from, err := unix.Recvfrom(fd, t.buffer(a[1], a[2]), int(int32(a[3])))
		if in4, ok := from.(*unix.SockaddrInet4); ok && err == nil {
			c.From = t.r.net.peerName(in4.Port)
		}
		return int64(n), err
	case "write":
		b, _ := t.prog.Bytes(&t.mem, a[1], a[2])
		n, err := unix.Write(fd, b)
		return int64(n), err
	case "print":
		n, err := unix.Write(p.real(1), []byte(t.prog.String(a[0])))
		c.Args = []int64{1, a[0], int64(n)}
		return int64(n), err
	case "epoll_ctl":
		ev := unix.EpollEvent{Events: uint32(a[3]), Fd: int32(a[4]), Pad: int32(a[4] >> 32)}
		return 0, unix.EpollCtl(fd, int(int32(a[1])), p.real(a[2]), &ev)
	case "sched_yield":
		_, _, errno := unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		if errno != 0 {
			return -1, errno
		}
		return 0, nil
	}
	return -1, unix.ENOSYS
}

// buffer is the program's memory at an address.
func (t *thread) buffer(addr program.Addr, n int64) []byte {
	b, _ := t.mem.Writable(addr, n)
	return b
}

// epollWait goes on with what is left of the time when it is interrupted.
func (t *thread) epollWait(a [8]int64) (int64, unix.Errno) {
	fd, most, ms := t.proc.real(a[0]), int(int32(a[2])), int(int32(a[3]))*t.r.stretch
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for {
		n, errno := epollWaitOnce(fd, most, ms, func(i int, ev *unix.EpollEvent) {
			if b, ok := t.mem.Writable(a[1]+int64(i)*12, 12); ok {
				binary.LittleEndian.PutUint32(b, ev.Events)
				binary.LittleEndian.PutUint32(b[4:], uint32(ev.Fd))
				binary.LittleEndian.PutUint32(b[8:], uint32(ev.Pad))
			}
		})
		if errno != unix.EINTR || t.r.ended.Load() {
			return int64(n), errno
		}
		if ms > 0 {
			ms = int(max(0, time.Until(end).Milliseconds()))
		}
	}
}

func epollWaitOnce(fd, maxEvents, ms int, each func(int, *unix.EpollEvent)) (int, unix.Errno) {
	if maxEvents <= 0 || maxEvents > 1<<16 {
		// Let the kernel say what is wrong, with room for one event.
		var ev [1]unix.EpollEvent
		return rawEpollWait(fd, ev[:], maxEvents, ms)
	}
	events := make([]unix.EpollEvent, maxEvents)
	n, errno := rawEpollWait(fd, events, maxEvents, ms)
	for i := range max(n, 0) {
		each(i, &events[i])
	}
	return n, errno
}

func (t *thread) nanosleep(ns int64) (int64, unix.Errno) {
	left := unix.NsecToTimespec(ns * int64(t.r.stretch))
	for {
		req := left
		err := unix.Nanosleep(&req, &left)
		if err == nil {
			return 0, 0
		}
		errno, _ := err.(unix.Errno)
		if errno != unix.EINTR || t.r.ended.Load() {
			return -1, errno
		}
	}
}
