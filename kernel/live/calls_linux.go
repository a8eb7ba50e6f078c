package live

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/kernel/strace"
)

// errRefused is of calls that reach outside the scenario: this process must not
// do for a stranger's file what it could do.
var errRefused = errors.New("the live lane does not make this call")

// errTouches is of load and store: programs here have addresses that only the
// model knows.
var errTouches = errors.New("the live lane touches no memory by its address")

// syscall makes a call for real. Descriptors are translated; buffers are the
// program's own memory. A call that the Go runtime's signals interrupt, or the
// runner's, is made again.
func (t *thread) syscall(c *strace.Call) (int64, unix.Errno, error) {
	if c.Spec.Name == "syscall" {
		var err error
		if c, err = lowered(c); err != nil {
			return -1, errnoOf(err), refusal(err)
		}
	}
	switch c.Spec.Name {
	case "nanosleep":
		n, errno := t.nanosleep(c.Args[0])
		return n, errno, nil
	case "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select":
		n, err := t.wait(c)
		return n, errnoOf(err), refusal(err)
	}
	for {
		ret, err := t.plain(c, c.Args)
		if errno := errnoOf(err); errno != unix.EINTR || t.interrupted() {
			return ret, errno, refusal(err)
		}
	}
}

// refusal is the error if it is one of the live lane, and not of the call.
func refusal(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return nil
	}
	return err
}

// errnoOf is the number of a system call's error.
func errnoOf(err error) (errno unix.Errno) {
	errors.As(err, &errno)
	return errno
}

// raw are the calls that can be made by number: those whose C library function
// passes its arguments on as they are.
var raw = map[string]bool{
	"read": true, "write": true, "close": true, "dup": true, "dup2": true, "listen": true, "shutdown": true,
	"epoll_create": true, "epoll_create1": true, "getpid": true, "gettid": true, "sched_yield": true,
}

// neverUsed is above the numbers of all system calls that there are.
const neverUsed = 600

// lowered finds the call that syscall makes.
func lowered(c *strace.Call) (*strace.Call, error) {
	nr := c.Args[0]
	if spec := c.ABI.SpecOf(nr); spec != nil && raw[spec.Name] && c.N-1 >= len(spec.Params) {
		sub := *c
		sub.Spec, sub.Args = spec, append(c.Args[1:8:8], 0)
		return &sub, nil
	}
	if nr >= 0 && nr < neverUsed || nr&x32Bit != 0 {
		return nil, errRefused
	}
	_, _, errno := unix.RawSyscall(uintptr(nr), 0, 0, 0)
	return nil, errno
}

// x32Bit marks system calls of the x32 interface (arch/x86/entry).
const x32Bit = 0x40000000

// plain makes a call that needs no care about time.
func (t *thread) plain(c *strace.Call, a []int64) (int64, error) {
	p := t.proc
	switch c.Spec.Name {
	case "read", "recv", "recvfrom":
		return t.receive(c, a)
	case "print":
		n, err := unix.Write(p.real(1), []byte(t.prog.String(a[0])))
		return int64(n), err
	case "write", "send", "sendto":
		return t.send(c, a)
	case "load", "store":
		return 0, errTouches
	case "close":
		return 0, p.closeFD(a[0])
	case "dup":
		return p.dup(a[0])
	case "dup2":
		return p.dup2(a[0], a[1])
	case "fcntl":
		return t.fcntl(a)
	case "pipe2", "socketpair":
		return 0, t.pair(c, a)
	case "eventfd":
		return p.install(unix.Eventfd(uint(uint32(a[0])), int(int32(a[1]))|unix.EFD_CLOEXEC))
	case "eventfd_read":
		var b [8]byte
		return eight(&b, func(b []byte) (int, error) { return t.read(a[0], b) })
	case "eventfd_write":
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], uint64(a[1]))
		_, err := eight(&b, func(b []byte) (int, error) { return unix.Write(p.real(a[0]), b) })
		return 0, err
	case "timerfd_create":
		return p.timerfdCreate(a[0], a[1])
	case "timerfd_settime":
		return 0, p.timerfdSettime(a[0], a[1], a[2], a[3], t.r.clock())
	case "memfd_create":
		if a[1]&^(unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING) != 0 {
			return 0, errRefused
		}
		return p.install(unix.MemfdCreate(t.prog.String(a[0]), int(a[1])|unix.MFD_CLOEXEC))
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
	case "sigaction":
		return 0, t.sigaction(a)
	case "tgkill":
		return 0, t.tgkill(c)
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
	return t.socketCall(c, a)
}

// eight reads or writes the counter of an eventfd or a timerfd.
func eight(b *[8]byte, op func([]byte) (int, error)) (int64, error) {
	n, err := op(b[:])
	if err == nil && n != len(b) {
		return 0, errRefused // the C library fails without an error number
	}
	return int64(binary.NativeEndian.Uint64(b[:])), err
}

// read reads a file; of a timer it has the scenario's count.
func (t *thread) read(fd int64, b []byte) (int, error) {
	n, err := unix.Read(t.proc.real(fd), b)
	if err == nil {
		t.proc.expirations(fd, b[:n], t.r.clock())
	}
	return n, err
}

// receive is read, recv and recvfrom.
func (t *thread) receive(c *strace.Call, a []int64) (int64, error) {
	fd := t.proc.real(a[0])
	b, ok := t.mem.Writable(a[1], a[2])
	if !ok {
		return 0, errRefused
	}
	if t.activity().due && !readable(fd) {
		return -1, unix.EAGAIN
	}
	if c.Spec.Name == "read" {
		n, err := t.read(a[0], b)
		return int64(n), err
	}
	n, from, err := recvfrom(fd, b, a[3])
	if from != nil {
		c.From = t.r.net.nameOf(fd, from)
	}
	return n, err
}

// send is write, send and sendto.
func (t *thread) send(c *strace.Call, a []int64) (int64, error) {
	fd := t.proc.real(a[0])
	b, ok := t.prog.Bytes(&t.mem, a[1], a[2])
	if !ok {
		return 0, errRefused
	}
	if t.r.written.Add(int64(len(b))) > maxWritten {
		return 0, errTooMuch
	}
	switch c.Spec.Name {
	case "send":
		return sendto(fd, b, int(int32(a[3])), nil)
	case "sendto":
		to, err := t.r.net.destination(fd, t.prog.String(a[4]))
		if err != nil {
			return -1, err
		}
		n, err := sendto(fd, b, int(int32(a[3])), to)
		t.r.net.autobound(fd)
		return n, err
	}
	n, err := unix.Write(fd, b)
	return int64(n), err
}

// maxWritten is how much all threads of a run may write: a file in memory could
// take all there is.
const maxWritten = 256 << 20

var errTooMuch = errors.New("more than 256 MiB written: too much for the live lane")

// pair makes two descriptors that are connected.
func (t *thread) pair(c *strace.Call, a []int64) error {
	var real [2]int
	var err error
	if c.Spec.Name == "pipe2" {
		if a[0]&^(unix.O_NONBLOCK|unix.O_CLOEXEC) != 0 {
			return errRefused
		}
		err = unix.Pipe2(real[:], int(a[0])|unix.O_CLOEXEC)
	} else {
		if family := int32(a[0]); family != unix.AF_UNIX && family != unix.AF_INET {
			return errRefused
		}
		real, err = unix.Socketpair(int(int32(a[0])), int(int32(a[1]))|unix.SOCK_CLOEXEC, int(int32(a[2])))
	}
	c.Rets, err = t.proc.installPair(real, err)
	return err
}

// fcntl reads and sets the flags of an open file, and the size of a pipe, up to
// what anybody may have. Other commands make descriptors past the table or have
// signals sent to processes (F_DUPFD, F_SETOWN), as O_ASYNC does.
func (t *thread) fcntl(a []int64) (int64, error) {
	arg := int(int32(a[2]))
	switch int32(a[1]) {
	case unix.F_GETFL, unix.F_GETPIPE_SZ:
	case unix.F_SETFL:
		arg &^= unix.O_ASYNC
	case unix.F_SETPIPE_SZ:
		if arg > maxPipe {
			return -1, unix.EPERM
		}
	default:
		return 0, errRefused
	}
	n, err := unix.FcntlInt(uintptr(t.proc.real(a[0])), int(int32(a[1])), arg)
	return int64(n), err
}

// maxPipe is /proc/sys/fs/pipe-max-size: privileges, which we may have, would
// exceed it.
const maxPipe = 1 << 20
