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
	EpEvents             // event bits, printed with data as a struct epoll_event
	EpData               // its data
	Flags                // a set of named bits: Param.Names
	Enum                 // one of some names: Param.Names
	Thread               // a thread of the scenario
)

// Param is one parameter of a call.
type Param struct {
	Name     string
	Kind     Kind
	Names    []Name // for Flags and Enum
	Optional bool   // may be left out: a Count is then the text's length, EpData the FD
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
	NewFD   bool // the result is a descriptor
	Built   bool // this version has it; the others are known by name
}

var (
	fd       = Param{Name: "fd", Kind: FD}
	buf      = Param{Name: "buf", Kind: Buf}
	count    = Param{Name: "n", Kind: Count}
	sockaddr = Param{Name: "addr", Kind: SockAddr}
	events   = Param{Name: "events", Kind: Events}
	timeout  = Param{Name: "timeout", Kind: Int}
)

// specs is every call of the format. The ones that are not built have a name
// only.
var specs = []Spec{
	{Name: "read", NR: 0, Params: []Param{fd, buf, count}, Results: 1, Built: true},
	{Name: "write", NR: 1, Params: []Param{fd, {Name: "buf", Kind: Text}, {Name: "n", Kind: Count, Optional: true}}, Results: 1, Built: true},
	{Name: "close", NR: 3, Params: []Param{fd}, Results: 1, Built: true},
	{Name: "fcntl", NR: 72, Params: []Param{fd, {Name: "cmd", Kind: Enum, Names: fcntlCmds}, {Name: "arg", Kind: Flags, Names: fileFlags, Optional: true}}, Results: 1, Built: true},
	{Name: "socket", NR: 41, Params: []Param{{Name: "family", Kind: Enum, Names: families}, {Name: "type", Kind: Flags, Names: sockTypes}, {Name: "protocol", Kind: Int}}, Results: 1, NewFD: true, Built: true},
	{Name: "bind", NR: 49, Params: []Param{fd, sockaddr}, Results: 1, Built: true},
	{Name: "recv", NR: 45, Params: []Param{fd, buf, count, {Name: "flags", Kind: Flags, Names: msgFlags}}, Results: 1, Built: true},
	{Name: "recvfrom", NR: 45, Params: []Param{fd, buf, count, {Name: "flags", Kind: Flags, Names: msgFlags}}, Results: 1, Built: true},
	{Name: "epoll_create", NR: 213, Params: []Param{{Name: "size", Kind: Int}}, Results: 1, NewFD: true, Built: true},
	{Name: "epoll_create1", NR: 291, Params: []Param{{Name: "flags", Kind: Flags, Names: epollFlags}}, Results: 1, NewFD: true, Built: true},
	{Name: "epoll_ctl", NR: 233, Params: []Param{{Name: "epfd", Kind: FD}, {Name: "op", Kind: Enum, Names: epollOps}, fd, {Name: "events", Kind: EpEvents, Names: EpollEvents}, {Name: "data", Kind: EpData, Optional: true}}, Results: 1, Built: true},
	{Name: "epoll_wait", NR: 232, Params: []Param{{Name: "epfd", Kind: FD}, events, {Name: "maxevents", Kind: Count}, timeout}, Results: 1, Built: true},
	{Name: "getpid", NR: 39, Results: 1, Built: true},
	{Name: "gettid", NR: 186, Results: 1, Built: true},
	{Name: "nanosleep", NR: 35, Params: []Param{{Name: "d", Kind: Duration}}, Results: 1, Built: true},
	{Name: "sched_yield", NR: 24, Results: 1, Built: true},
	{Name: "exit", NR: 60, Params: []Param{{Name: "code", Kind: Int}}, Results: 1, Built: true},

	{Name: "compute", Group: Library, Params: []Param{{Name: "d", Kind: Duration}}, Built: true},
	{Name: "print", Group: Library, NR: 1, Params: []Param{{Name: "text", Kind: Str}}, Results: 1, Built: true},

	{Name: "dup"}, {Name: "dup2"}, {Name: "pipe2"}, {Name: "socketpair"}, {Name: "eventfd"}, {Name: "eventfd_write"},
	{Name: "eventfd_read"}, {Name: "timerfd_create"}, {Name: "timerfd_settime"}, {Name: "memfd_create"},
	{Name: "listen"}, {Name: "accept"}, {Name: "accept4"}, {Name: "connect"}, {Name: "send"}, {Name: "sendto"},
	{Name: "shutdown"}, {Name: "setsockopt"}, {Name: "getsockopt"}, {Name: "poll"}, {Name: "ppoll"}, {Name: "select"},
	{Name: "epoll_pwait"}, {Name: "epoll_pwait2"}, {Name: "sigaction"}, {Name: "tgkill"}, {Name: "syscall"},
	{Name: "load", Group: Library}, {Name: "store", Group: Library}, {Name: "cli", Group: Library}, {Name: "hlt", Group: Library},
	{Name: "spawn", Group: Director}, {Name: "settle", Group: Director}, {Name: "wait_blocked", Group: Director}, {Name: "join", Group: Director},
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
