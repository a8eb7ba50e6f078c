package kernel

// Numbers of the Linux x86-64 ABI that the modelled kernel uses.

// Error numbers, asm-generic/errno-base.h and errno.h. System calls return them
// negative.
const (
	EINTR        = 4
	ESRCH        = 3
	EBADF        = 9
	EAGAIN       = 11
	EFAULT       = 14
	EBUSY        = 16
	EEXIST       = 17
	EINVAL       = 22
	EMFILE       = 24
	EDOM         = 33
	EPIPE        = 32
	EPERM        = 1
	ENOENT       = 2
	ENOSYS       = 38
	ELOOP        = 40
	EMSGSIZE     = 90
	ENOPROTOOPT  = 92
	ENOTSOCK     = 88
	ECONNABORTED = 103
	ETIMEDOUT    = 110
	ECONNREFUSED = 111
	EALREADY     = 114
	EINPROGRESS  = 115
	EDESTADDRREQ = 89
	ENOTCONN     = 107
	EOPNOTSUPP   = 95

	EAFNOSUPPORT    = 97
	ESOCKTNOSUPPORT = 94
	EPROTONOSUPPORT = 93
	EADDRINUSE      = 98
	EADDRNOTAVAIL   = 99
	ECONNRESET      = 104
	EISCONN         = 106
	ENETUNREACH     = 101
)

// Event bits of epoll and poll (include/uapi/linux/eventpoll.h).
const (
	EPOLLIN        = 0x001
	EPOLLPRI       = 0x002
	EPOLLOUT       = 0x004
	EPOLLERR       = 0x008
	EPOLLHUP       = 0x010
	EPOLLNVAL      = 0x020 // no such descriptor; poll and select only
	EPOLLRDNORM    = 0x040
	EPOLLRDBAND    = 0x080
	EPOLLWRNORM    = 0x100
	EPOLLWRBAND    = 0x200
	EPOLLRDHUP     = 0x2000
	EPOLLEXCLUSIVE = 1 << 28
	EPOLLWAKEUP    = 1 << 29
	EPOLLONESHOT   = 1 << 30
	EPOLLET        = 1 << 31

	epPrivateBits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE
	epExclusiveOK = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE
)

// Operations of epoll_ctl, flags of sockets and descriptors.
const (
	epollCtlAdd = 1
	epollCtlDel = 2
	epollCtlMod = 3

	afUNIX        = 1
	afINET        = 2
	sockStream    = 1
	sockDgram     = 2
	sockRaw       = 3
	sockSeqpacket = 5
	sockTypes     = 0xf
	oAppend       = 0x400
	oNonblock     = 0x800
	oDirect       = 0x4000
	oCloexec      = 0x80000
	oRdwr         = 2
	oLargefile    = 0x8000

	fDupFD = 0
	fGetFD = 1
	fSetFD = 2
	fGetFL = 3
	fSetFL = 4

	fSetPipeSize = 1031
	fGetPipeSize = 1032

	msgPeek     = 0x2
	msgTrunc    = 0x20
	msgDontwait = 0x40
	msgNosignal = 0x4000
)

// Numbers of system calls (arch/x86/entry/syscalls/syscall_64.tbl).
const (
	nrRead         = 0
	nrWrite        = 1
	nrClose        = 3
	nrPoll         = 7
	nrRtSigaction  = 13
	nrRtSigreturn  = 15
	nrSelect       = 23
	nrSchedYield   = 24
	nrDup          = 32
	nrDup2         = 33
	nrNanosleep    = 35
	nrGetpid       = 39
	nrSocket       = 41
	nrConnect      = 42
	nrAccept       = 43
	nrSendto       = 44
	nrRecvfrom     = 45
	nrShutdown     = 48
	nrBind         = 49
	nrListen       = 50
	nrSocketpair   = 53
	nrSetsockopt   = 54
	nrGetsockopt   = 55
	nrExit         = 60
	nrFcntl        = 72
	nrGettid       = 186
	nrEpollCreate  = 213
	nrEpollWait    = 232
	nrEpollCtl     = 233
	nrTgkill       = 234
	nrPpoll        = 271
	nrEpollPwait   = 281
	nrTimerfd      = 283 // timerfd_create
	nrTimerfdSet   = 286 // timerfd_settime
	nrAccept4      = 288
	nrEventfd2     = 290
	nrEpollCreate1 = 291
	nrPipe2        = 293
	nrMemfd        = 319 // memfd_create
	nrEpollPwait2  = 441
	nrPselect6     = 270
	nrDup3         = 292
)
