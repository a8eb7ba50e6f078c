package live

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawEpollWait passes maxevents through as the program gave it. It is
// epoll_pwait without a mask, which every architecture has.
func rawEpollWait(fd int, events []unix.EpollEvent, maxEvents, ms int) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])), uintptr(maxEvents), uintptr(ms), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), 0
}
