package program

import "fmt"

// Names that print as bits or as one of several, in ascending order. Values of
// x86-64 Linux (include/uapi).
var (
	families  = []Name{{"AF_UNIX", 1}, {"AF_INET", 2}, {"AF_INET6", 10}}
	sockTypes = []Name{{"SOCK_STREAM", 1}, {"SOCK_DGRAM", 2}, {"SOCK_RAW", 3}, {"SOCK_NONBLOCK", 0x800}, {"SOCK_CLOEXEC", 0x80000}}
	msgFlags  = []Name{{"MSG_OOB", 1}, {"MSG_PEEK", 2}, {"MSG_TRUNC", 0x20}, {"MSG_DONTWAIT", 0x40}, {"MSG_WAITALL", 0x100}, {"MSG_NOSIGNAL", 0x4000}}
	fileFlags = []Name{{"O_WRONLY", 1}, {"O_RDWR", 2}, {"O_APPEND", 0x400}, {"O_NONBLOCK", 0x800}, {"O_CLOEXEC", 0x80000}}
	fcntlCmds = []Name{{"F_DUPFD", 0}, {"F_GETFD", 1}, {"F_SETFD", 2}, {"F_GETFL", 3}, {"F_SETFL", 4}, {"F_SETPIPE_SZ", 1031}, {"F_GETPIPE_SZ", 1032}}
	epollOps  = []Name{{"EPOLL_CTL_ADD", 1}, {"EPOLL_CTL_DEL", 2}, {"EPOLL_CTL_MOD", 3}}

	eventfdFlags = []Name{{"EFD_SEMAPHORE", 1}, {"EFD_NONBLOCK", 0x800}, {"EFD_CLOEXEC", 0x80000}}
	timerfdFlags = []Name{{"TFD_NONBLOCK", 0x800}, {"TFD_CLOEXEC", 0x80000}}
	timerFlags   = []Name{{"TFD_TIMER_ABSTIME", 1}}
	memfdFlags   = []Name{{"MFD_CLOEXEC", 1}, {"MFD_ALLOW_SEALING", 2}}
	acceptFlags  = []Name{{"SOCK_NONBLOCK", 0x800}, {"SOCK_CLOEXEC", 0x80000}}
	saFlags      = []Name{{"SA_RESTART", 0x10000000}}
	clocks       = []Name{{"CLOCK_REALTIME", 0}, {"CLOCK_MONOTONIC", 1}}
	sockLevels   = []Name{{"SOL_SOCKET", 1}, {"SOL_TCP", 6}, {"SOL_UDP", 17}}
	shutHow      = []Name{{"SHUT_RD", 0}, {"SHUT_WR", 1}, {"SHUT_RDWR", 2}}
	// sockOpts are the options of SOL_SOCKET; TCP_NODELAY is SOL_TCP's 1.
	sockOpts = []Name{
		{"SO_REUSEADDR", 2}, {"SO_TYPE", 3}, {"SO_ERROR", 4}, {"SO_SNDBUF", 7}, {"SO_RCVBUF", 8}, {"SO_REUSEPORT", 15},
		{"SO_RCVTIMEO", 20},
		{"SO_ACCEPTCONN", 30}, {"SO_PROTOCOL", 38}, {"SO_DOMAIN", 39}, {"SO_BUSY_POLL", 46},
	}

	epollFlags = []Name{{"EPOLL_CLOEXEC", 0x80000}}
	// EpollEvents are the event bits of epoll.
	EpollEvents = []Name{
		{"EPOLLIN", 1}, {"EPOLLPRI", 2}, {"EPOLLOUT", 4}, {"EPOLLERR", 8}, {"EPOLLHUP", 0x10}, {"EPOLLRDNORM", 0x40},
		{"EPOLLRDBAND", 0x80}, {"EPOLLWRNORM", 0x100}, {"EPOLLWRBAND", 0x200}, {"EPOLLMSG", 0x400}, {"EPOLLRDHUP", 0x2000},
		{"EPOLLEXCLUSIVE", 1 << 28}, {"EPOLLWAKEUP", 1 << 29}, {"EPOLLONESHOT", 1 << 30}, {"EPOLLET", 1 << 31},
	}
	// PollEvents are those of poll.
	PollEvents = []Name{
		{"POLLIN", 1}, {"POLLPRI", 2}, {"POLLOUT", 4}, {"POLLERR", 8}, {"POLLHUP", 0x10}, {"POLLNVAL", 0x20},
		{"POLLRDNORM", 0x40}, {"POLLRDBAND", 0x80}, {"POLLWRNORM", 0x100}, {"POLLWRBAND", 0x200}, {"POLLRDHUP", 0x2000},
	}
	errnos = []Name{
		{"EPERM", 1}, {"ENOENT", 2}, {"ESRCH", 3}, {"EINTR", 4}, {"EIO", 5}, {"E2BIG", 7}, {"EBADF", 9}, {"EAGAIN", 11}, {"ENOMEM", 12},
		{"EACCES", 13}, {"EFAULT", 14}, {"EBUSY", 16}, {"EEXIST", 17}, {"ENODEV", 19}, {"ENOTDIR", 20}, {"EISDIR", 21},
		{"EINVAL", 22}, {"ENFILE", 23}, {"EMFILE", 24}, {"ENOTTY", 25}, {"EFBIG", 27}, {"ENOSPC", 28}, {"ESPIPE", 29},
		{"EROFS", 30}, {"EPIPE", 32}, {"EDOM", 33}, {"ERANGE", 34}, {"EDEADLK", 35}, {"ENOSYS", 38}, {"ELOOP", 40}, {"ETIME", 62},
		{"EPROTO", 71}, {"EOVERFLOW", 75}, {"ENOTSOCK", 88}, {"EDESTADDRREQ", 89}, {"EMSGSIZE", 90}, {"EPROTOTYPE", 91},
		{"ENOPROTOOPT", 92}, {"EPROTONOSUPPORT", 93}, {"ESOCKTNOSUPPORT", 94}, {"EOPNOTSUPP", 95}, {"EAFNOSUPPORT", 97},
		{"EADDRINUSE", 98}, {"EADDRNOTAVAIL", 99}, {"ENETUNREACH", 101}, {"ECONNABORTED", 103}, {"ECONNRESET", 104},
		{"ENOBUFS", 105}, {"EISCONN", 106}, {"ENOTCONN", 107}, {"ETIMEDOUT", 110}, {"ECONNREFUSED", 111},
		{"EHOSTUNREACH", 113}, {"EALREADY", 114}, {"EINPROGRESS", 115}, {"ECANCELED", 125},
	}
	signals = []Name{
		{"SIGHUP", 1}, {"SIGINT", 2}, {"SIGQUIT", 3}, {"SIGILL", 4}, {"SIGTRAP", 5}, {"SIGABRT", 6}, {"SIGBUS", 7}, {"SIGFPE", 8},
		{"SIGKILL", 9}, {"SIGUSR1", 10}, {"SIGSEGV", 11}, {"SIGUSR2", 12}, {"SIGPIPE", 13}, {"SIGALRM", 14}, {"SIGTERM", 15},
	}
	others = []Name{
		{"EWOULDBLOCK", 11}, {"PF_UNIX", 1}, {"PF_INET", 2}, {"AF_LOCAL", 1}, {"IPPROTO_IP", 0}, {"IPPROTO_TCP", 6}, {"IPPROTO_UDP", 17},
		{"TCP_NODELAY", 1}, {"HEAP", HeapBase}, {"HEAP_SIZE", HeapBytes}, {"KERNEL", KernelText},
		{"O_RDONLY", 0}, {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"NULL", 0},
		{"SYS_eventfd2", 290}, {"SYS_rt_sigaction", 13},
	}
)

// libraryNames are the calls that the C library makes by another system call.
var libraryNames = map[string]bool{"eventfd": true, "eventfd_read": true, "eventfd_write": true, "send": true, "recv": true, "sigaction": true}

// constants are all names that programs can use as numbers.
var constants = func() map[string]int64 {
	m := map[string]int64{}
	for _, list := range [][]Name{families, sockTypes, msgFlags, fileFlags, fcntlCmds, epollOps, epollFlags, EpollEvents, PollEvents, errnos, signals, others,
		eventfdFlags, timerfdFlags, timerFlags, memfdFlags, saFlags, clocks, sockLevels, shutHow, sockOpts} {
		for _, n := range list {
			m[n.Name] = n.Bit
		}
	}
	for _, s := range specs {
		if s.Group == Syscall && s.Built && s.NR >= 0 && !libraryNames[s.Name] {
			m["SYS_"+s.Name] = int64(s.NR)
		}
	}
	return m
}()

// SignalName is the name of a signal.
func SignalName(n int) string {
	for _, s := range signals {
		if s.Bit == int64(n) {
			return s.Name
		}
	}
	return fmt.Sprintf("signal %d", n)
}

// ErrnoName is the name of an error number, as errno.h has it.
func ErrnoName(n int) string {
	for _, e := range errnos {
		if e.Bit == int64(n) {
			return e.Name
		}
	}
	return fmt.Sprintf("errno %d", n)
}
