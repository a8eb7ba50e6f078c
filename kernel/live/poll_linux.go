package live

import (
	"encoding/binary"
	"math"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringside/kernel/program"
	"ringside/kernel/strace"
)

// The calls that wait for several descriptors.

// mask is the set of signals that a call blocks, or 0.
func mask(c *strace.Call) int64 {
	for i, p := range c.Spec.Params {
		if p.Kind == program.SigSet {
			return c.Args[i]
		}
	}
	return 0
}

// wait makes the call. It is told neither its timeout nor a mask that does not
// concern the scenario's signals.
func (t *thread) wait(c *strace.Call) (int64, error) {
	if badTimeout(c) {
		return -1, unix.EINVAL
	}
	var try func(*unix.Timespec, unsafe.Pointer) (int64, unix.Errno)
	var err error
	switch c.Spec.Name {
	case "poll", "ppoll":
		try, err = t.poll(c.Args)
	case "select":
		try, err = t.selectCall(c)
	default:
		try, err = t.epollWait(c.Args)
	}
	if err != nil {
		return -1, err
	}
	blocked := realMask(mask(c))
	n, errno := t.timed(func(limit *unix.Timespec) (int64, unix.Errno) {
		if mask(c) == 0 {
			return try(limit, nil)
		}
		return try(limit, unsafe.Pointer(&blocked))
	})
	if errno != 0 {
		return -1, errno
	}
	return n, nil
}

// badTimeout tells whether a timeout is one that the kernel takes for invalid:
// negative nanoseconds, where NULL would have been for ever.
func badTimeout(c *strace.Call) bool {
	for i, p := range c.Spec.Params {
		if p.Kind == program.Timeout && c.Args[i] < 0 && c.Args[i] != program.NoTimeout {
			return true
		}
	}
	return false
}

// poll translates an array of pollfd, which is laid out as the kernel's.
func (t *thread) poll(a []int64) (func(*unix.Timespec, unsafe.Pointer) (int64, unix.Errno), error) {
	n := a[1]
	var b []byte
	if a[0] != 0 {
		var ok bool
		if b, ok = t.mem.Writable(a[0], 8*n); !ok {
			return nil, errRefused
		}
	}
	fds := make([]unix.PollFd, len(b)/8+1)
	for i := range len(b) / 8 {
		p := b[8*i:]
		fds[i] = unix.PollFd{Fd: t.pollFD(int32(binary.LittleEndian.Uint32(p))), Events: int16(binary.LittleEndian.Uint16(p[4:]))}
	}
	array := unsafe.Pointer(&fds[0])
	if a[0] == 0 {
		array = nil
	}
	return func(limit *unix.Timespec, mask unsafe.Pointer) (int64, unix.Errno) {
		ready, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(array), uintptr(uint32(n)), uintptr(unsafe.Pointer(limit)), uintptr(mask), sigsetBytes, 0)
		for i := range len(b) / 8 {
			if errno == 0 {
				binary.LittleEndian.PutUint16(b[8*i+6:], uint16(fds[i].Revents))
			}
		}
		return int64(ready), errno
	}, nil
}

// pollFD is the descriptor behind a number for poll, which leaves negative ones
// out and answers POLLNVAL for those that are not open.
func (t *thread) pollFD(fd int32) int32 {
	if fd < 0 {
		return fd
	}
	if real := t.proc.real(int64(fd)); real >= 0 {
		return int32(real)
	}
	return math.MaxInt32
}

// epollWait passes maxevents through as the program gave it.
func (t *thread) epollWait(a []int64) (func(*unix.Timespec, unsafe.Pointer) (int64, unix.Errno), error) {
	most := int(int32(a[2]))
	if _, ok := t.mem.Writable(a[1], 12*int64(max(0, most))); !ok {
		return nil, errRefused
	}
	events := make([]unix.EpollEvent, max(most, 1))
	return func(limit *unix.Timespec, mask unsafe.Pointer) (int64, unix.Errno) {
		ms := -1
		if limit != nil {
			ms = 0
		}
		n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(t.proc.real(a[0])), uintptr(unsafe.Pointer(&events[0])), uintptr(most), uintptr(ms), uintptr(mask), sigsetBytes)
		if errno != 0 {
			return -1, errno
		}
		out, _ := t.mem.Writable(a[1], 12*int64(n))
		for i := 0; i < len(out); i += 12 {
			ev := &events[i/12]
			binary.LittleEndian.PutUint32(out[i:], ev.Events)
			binary.LittleEndian.PutUint32(out[i+4:], uint32(ev.Fd))
			binary.LittleEndian.PutUint32(out[i+8:], uint32(ev.Pad))
		}
		return int64(n), 0
	}, nil
}

// fdSetBytes is the size of an fd_set.
const fdSetBytes = 128

// sets copies the sets that select is given, which it will overwrite.
func (t *thread) sets(spec *program.Spec, args []int64) (sets [3][]byte) {
	if spec.Name != "select" {
		return sets
	}
	for i := range sets {
		if b, ok := t.mem.Writable(args[1+i], fdSetBytes); ok {
			sets[i] = append(sets[i], b...)
		}
	}
	return sets
}

// selectCall translates the sets. The real ones are as large as the real
// descriptors need them, which may be larger than fd_set.
func (t *thread) selectCall(c *strace.Call) (func(*unix.Timespec, unsafe.Pointer) (int64, unix.Errno), error) {
	nfds := int64(int32(c.Args[0]))
	if nfds < 0 {
		return nil, unix.EINVAL
	}
	type member struct{ set, fd, real int }
	var members []member
	top := -1
	for set, b := range c.Sets {
		for fd := range int(min(nfds, int64(len(b))*8)) {
			if b[fd/8]&(1<<(fd%8)) == 0 {
				continue
			}
			real := t.proc.real(int64(fd))
			if real < 0 {
				return nil, unix.EBADF
			}
			members, top = append(members, member{set, fd, real}), max(top, real)
		}
	}
	return func(limit *unix.Timespec, _ unsafe.Pointer) (int64, unix.Errno) {
		var words [3][]uintptr
		var sets [3]unsafe.Pointer
		for i := range sets {
			words[i] = make([]uintptr, top/wordBits+1)
			if c.Sets[i] != nil {
				sets[i] = unsafe.Pointer(&words[i][0])
			}
		}
		for _, m := range members {
			words[m.set][m.real/wordBits] |= 1 << (m.real % wordBits)
		}
		n, _, errno := unix.Syscall6(unix.SYS_PSELECT6, uintptr(top+1), uintptr(sets[0]), uintptr(sets[1]), uintptr(sets[2]), uintptr(unsafe.Pointer(limit)), 0)
		if errno != 0 {
			return -1, errno
		}
		for i, set := range c.Sets {
			if set != nil {
				out, _ := t.mem.Writable(c.Args[1+i], fdSetBytes)
				clear(out[:min(int(nfds+63)/64*8, fdSetBytes)]) // the kernel writes whole words
			}
		}
		for _, m := range members {
			if words[m.set][m.real/wordBits]&(1<<(m.real%wordBits)) != 0 {
				out, _ := t.mem.Writable(c.Args[1+m.set], fdSetBytes)
				out[m.fd/8] |= 1 << (m.fd % 8)
			}
		}
		return int64(n), 0
	}, nil
}

const wordBits = 8 * int(unsafe.Sizeof(uintptr(0)))
