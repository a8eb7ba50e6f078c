package program

// Kind is what a call's parameter means: for checking programs, for printing
// calls, and for the live lane, which has to translate some.
type Kind uint8

const (
	Int      Kind = iota // a number
	FD                   // a descriptor
	NewFD                // not a parameter: the call returns a descriptor
	Buf                  // a byte array that the call fills
	Text                 // a byte array or a string that the call reads
	Count                // how many elements of the array before it
	Str                  // a string
	SockAddr             // "ip:port"
	Events               // an array of epoll_event that the call fills
	Pollfds              // an array of pollfd
	FdSet                // a set of descriptors, or NULL
	Duration             // nanoseconds
	Timeout              // nanoseconds, or NULL for no timeout: NoTimeout
	SigSet               // a set of signals, or NULL: bit n-1 is signal n
	EpEvents             // event bits, printed with data as a struct epoll_event
	EpData               // its data
	Flags                // a set of named bits: Param.Names
	Enum                 // one of some names: Param.Names
	Thread               // a thread of the scenario: its index
	Address              // an address: a number, an array or a string
	Word                 // a number or the address of an array or a string, as a register holds it
)

// Pointer tells whether the argument is an address.
func (k Kind) Pointer() bool {
	switch k {
	case Buf, Text, Str, SockAddr, Events, Pollfds, FdSet, Address, Word:
		return true
	}
	return false
}

// NoTimeout is NULL where a Timeout is expected.
const NoTimeout = -1

// Param is one parameter of a call.
type Param struct {
	Name     string
	Kind     Kind
	Names    []Name // for Flags and Enum
	Optional bool   // may be left out: a Count is then the text's length, EpData the FD
	Variadic bool   // the last one: none or several of them; their number is Effect.N
}

// Name is a constant's name, for printing.
type Name struct {
	Name string
	Bit  int64
}

// Group tells what kind of thing a call is.
type Group uint8

const (
	Syscall  Group = iota // a system call
	Library               // no system call of its own
	Director              // directs the run
)

// Spec is one call that programs can make.
type Spec struct {
	Name    string
	Group   Group
	NR      int // number of the system call on x86-64
	Params  []Param
	Results int
	NewFD   bool  // the result is a descriptor
	Built   bool  // this version has it; the others are known by name
	On      []ABI // of an instruction, or what does the work of some: the systems that have it
}

// The processors of Linux.
var (
	onX86  = []ABI{LinuxAMD64, LinuxInt80}
	onArm  = []ABI{LinuxARM64}
	onBoth = append(onArm, onX86...)
)

var (
	fd       = Param{Name: "fd", Kind: FD}
	buf      = Param{Name: "buf", Kind: Buf}
	text     = Param{Name: "buf", Kind: Text}
	count    = Param{Name: "n", Kind: Count}
	sockaddr = Param{Name: "addr", Kind: SockAddr}
	events   = Param{Name: "events", Kind: Events}
	epfd     = Param{Name: "epfd", Kind: FD}
	maxevts  = Param{Name: "maxevents", Kind: Count}
	timeout  = Param{Name: "timeout", Kind: Int}
	timespec = Param{Name: "timeout", Kind: Timeout}
	sigmask  = Param{Name: "sigmask", Kind: SigSet, Optional: true}
	msgflags = Param{Name: "flags", Kind: Flags, Names: msgFlags}
	sockopt  = []Param{fd, {Name: "level", Kind: Enum, Names: sockLevels}, {Name: "name", Kind: Enum, Names: sockOpts}}
	threads  = []Param{{Name: "thread", Kind: Thread, Variadic: true}}
)

// specs is every call of the format. The ones that are not built have a name
// only. The parameters are the program's; a call whose C library function passes
// a structure (getsockopt, eventfd_read) is lowered by whoever runs it.
var specs = []Spec{
	{Name: "read", NR: 0, Params: []Param{fd, buf, count}, Results: 1, Built: true},
	{Name: "write", NR: 1, Params: []Param{fd, text, {Name: "n", Kind: Count, Optional: true}}, Results: 1, Built: true},
	{Name: "close", NR: 3, Params: []Param{fd}, Results: 1, Built: true},
	{Name: "dup", NR: 32, Params: []Param{fd}, Results: 1, NewFD: true, Built: true},
	{Name: "dup2", NR: 33, Params: []Param{fd, {Name: "newfd", Kind: FD}}, Results: 1, NewFD: true, Built: true},
	{Name: "fcntl", NR: 72, Params: []Param{fd, {Name: "cmd", Kind: Enum, Names: fcntlCmds}, {Name: "arg", Kind: Flags, Names: fileFlags, Optional: true}}, Results: 1, Built: true},
	{Name: "pipe2", NR: 293, Params: []Param{{Name: "flags", Kind: Flags, Names: fileFlags}}, Results: 2, NewFD: true, Built: true},
	{Name: "socketpair", NR: 53, Params: []Param{{Name: "family", Kind: Enum, Names: families}, {Name: "type", Kind: Flags, Names: sockTypes}, {Name: "protocol", Kind: Int}}, Results: 2, NewFD: true, Built: true},
	{Name: "eventfd", NR: 290, Params: []Param{{Name: "init", Kind: Int}, {Name: "flags", Kind: Flags, Names: eventfdFlags}}, Results: 1, NewFD: true, Built: true},
	{Name: "eventfd_write", NR: 1, Params: []Param{fd, {Name: "value", Kind: Int}}, Results: 1, Built: true},
	{Name: "eventfd_read", NR: 0, Params: []Param{fd}, Results: 1, Built: true},
	{Name: "timerfd_create", NR: 283, Params: []Param{{Name: "clock", Kind: Enum, Names: clocks}, {Name: "flags", Kind: Flags, Names: timerfdFlags}}, Results: 1, NewFD: true, Built: true},
	{Name: "timerfd_settime", NR: 286, Params: []Param{fd, {Name: "flags", Kind: Flags, Names: timerFlags}, {Name: "interval", Kind: Duration}, {Name: "first", Kind: Duration}}, Results: 1, Built: true},
	{Name: "memfd_create", NR: 319, Params: []Param{{Name: "name", Kind: Str}, {Name: "flags", Kind: Flags, Names: memfdFlags}}, Results: 1, NewFD: true, Built: true},

	{Name: "socket", NR: 41, Params: []Param{{Name: "family", Kind: Enum, Names: families}, {Name: "type", Kind: Flags, Names: sockTypes}, {Name: "protocol", Kind: Int}}, Results: 1, NewFD: true, Built: true},
	{Name: "bind", NR: 49, Params: []Param{fd, sockaddr}, Results: 1, Built: true},
	{Name: "listen", NR: 50, Params: []Param{fd, {Name: "backlog", Kind: Int}}, Results: 1, Built: true},
	{Name: "accept", NR: 43, Params: []Param{fd}, Results: 1, NewFD: true, Built: true},
	{Name: "accept4", NR: 288, Params: []Param{fd, {Name: "flags", Kind: Flags, Names: acceptFlags}}, Results: 1, NewFD: true, Built: true},
	{Name: "connect", NR: 42, Params: []Param{fd, sockaddr}, Results: 1, Built: true},
	{Name: "send", NR: 44, Params: []Param{fd, text, count, msgflags}, Results: 1, Built: true},
	{Name: "sendto", NR: 44, Params: []Param{fd, text, count, msgflags, sockaddr}, Results: 1, Built: true},
	{Name: "recv", NR: 45, Params: []Param{fd, buf, count, msgflags}, Results: 1, Built: true},
	{Name: "recvfrom", NR: 45, Params: []Param{fd, buf, count, msgflags}, Results: 1, Built: true},
	{Name: "shutdown", NR: 48, Params: []Param{fd, {Name: "how", Kind: Enum, Names: shutHow}}, Results: 1, Built: true},
	{Name: "setsockopt", NR: 54, Params: append(sockopt[:3:3], Param{Name: "value", Kind: Int}), Results: 1, Built: true},
	{Name: "getsockopt", NR: 55, Params: sockopt, Results: 1, Built: true},

	{Name: "poll", NR: 7, Params: []Param{{Name: "fds", Kind: Pollfds}, count, timeout}, Results: 1, Built: true},
	{Name: "ppoll", NR: 271, Params: []Param{{Name: "fds", Kind: Pollfds}, count, timespec, sigmask}, Results: 1, Built: true},
	{Name: "select", NR: 23, Params: []Param{{Name: "nfds", Kind: Int}, {Name: "readfds", Kind: FdSet}, {Name: "writefds", Kind: FdSet}, {Name: "exceptfds", Kind: FdSet}, timespec}, Results: 1, Built: true},
	{Name: "epoll_create", NR: 213, Params: []Param{{Name: "size", Kind: Int}}, Results: 1, NewFD: true, Built: true},
	{Name: "epoll_create1", NR: 291, Params: []Param{{Name: "flags", Kind: Flags, Names: epollFlags}}, Results: 1, NewFD: true, Built: true},
	{Name: "epoll_ctl", NR: 233, Params: []Param{epfd, {Name: "op", Kind: Enum, Names: epollOps}, fd, {Name: "events", Kind: EpEvents, Names: EpollEvents}, {Name: "data", Kind: EpData, Optional: true}}, Results: 1, Built: true},
	{Name: "epoll_wait", NR: 232, Params: []Param{epfd, events, maxevts, timeout}, Results: 1, Built: true},
	{Name: "epoll_pwait", NR: 281, Params: []Param{epfd, events, maxevts, timeout, sigmask}, Results: 1, Built: true},
	{Name: "epoll_pwait2", NR: 441, Params: []Param{epfd, events, maxevts, timespec, sigmask}, Results: 1, Built: true},

	{Name: "getpid", NR: 39, Results: 1, Built: true},
	{Name: "gettid", NR: 186, Results: 1, Built: true},
	{Name: "nanosleep", NR: 35, Params: []Param{{Name: "d", Kind: Duration}}, Results: 1, Built: true},
	{Name: "sched_yield", NR: 24, Results: 1, Built: true},
	{Name: "exit", NR: 60, Params: []Param{{Name: "code", Kind: Int}}, Results: 1, Built: true},
	{Name: "sigaction", NR: 13, Params: []Param{{Name: "sig", Kind: Enum, Names: signals}, {Name: "flags", Kind: Flags, Names: saFlags}}, Results: 1, Built: true},
	{Name: "tgkill", NR: 234, Params: []Param{{Name: "thread", Kind: Thread}, {Name: "sig", Kind: Enum, Names: signals}}, Results: 1, Built: true},
	{Name: "syscall", NR: -1, Params: []Param{{Name: "nr", Kind: Int}, {Name: "arg", Kind: Word, Variadic: true}}, Results: 1, Built: true},

	{Name: "compute", Group: Library, Params: []Param{{Name: "d", Kind: Duration}}, Built: true},
	{Name: "rx_burst", Group: Library, Params: []Param{{Name: "queue", Kind: Int}, {Name: "n", Kind: Int}}, Results: 1, Built: true, On: onX86},
	{Name: "print", Group: Library, NR: 1, Params: []Param{{Name: "text", Kind: Str}}, Results: 1, Built: true},

	{Name: "spawn", Group: Director, Params: threads, Built: true},
	{Name: "settle", Group: Director, Built: true},
	{Name: "wait_blocked", Group: Director, Params: threads, Built: true},
	{Name: "join", Group: Director, Params: threads, Built: true},

	{Name: "load", Group: Library, Params: []Param{{Name: "addr", Kind: Address}}, Results: 1, Built: true, On: onBoth},
	{Name: "store", Group: Library, Params: []Param{{Name: "addr", Kind: Address}, {Name: "value", Kind: Int, Optional: true}}, Built: true, On: onBoth},
	{Name: "cli", Group: Library, Built: true, On: onX86}, {Name: "hlt", Group: Library, Built: true, On: onX86},
	{Name: "ud2", Group: Library, Built: true, On: onX86}, {Name: "udf", Group: Library, Built: true, On: onArm},
	{Name: "io_uring_setup"}, {Name: "io_uring_enter"}, {Name: "io_uring_register"}, {Name: "kqueue"}, {Name: "kevent"},
	{Name: "CreateIoCompletionPort"}, {Name: "GetQueuedCompletionStatus"}, {Name: "WSARecv"},
}

// specOf finds a call by its name.
func specOf(name string) *Spec {
	for i := range specs {
		if specs[i].Name == name {
			return &specs[i]
		}
	}
	return nil
}

// SpecOf finds the row of a system call by its number on x86-64.
func SpecOf(nr int64) *Spec {
	for i := range specs {
		if s := &specs[i]; s.Built && s.Group == Syscall && int64(s.NR) == nr && nr >= 0 {
			return s
		}
	}
	return nil
}
