package kernel

import (
	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

// Ids are indexes into the machine's arenas. 0 is a real object for tasks and
// None stands for "no object" everywhere.
type (
	TaskID  = int32
	FileID  = int32
	SockID  = int32
	SkbID   = int32
	WaitID  = int32 // an entry of a wait queue
	QueueID = int32 // a wait queue
	EpID    = int32 // an epoll instance
	EpiID   = int32 // an item of an epoll instance
	BufID   = int32 // a piece of kernel memory
)

// None is no object.
const None = -1

// Machine is the whole modelled world.
type Machine struct {
	*Image // what never changes, shared by all copies

	Now   sim.Time
	Seq   sim.Seq // the number of the next record
	Queue sim.Queue
	Rand  sim.Rand

	Cores []cpu.Core
	CPUs  []CPU // what the kernel keeps for each core
	NIC   nic.NIC

	IOAPIC cpu.IOAPIC
	PIC    cpu.PICs
	USB    USB
	Line   bool    // the interrupt line that devices share is asserted
	Pulled bool    // the card has pulled it, or is among those whose interrupt is being handled
	Kstat  []int32 // interrupts by descriptor and core (kstat_irqs)

	Frames  []nic.Frame // that have been on the wire, or will be
	Remotes []Remote

	Tasks  []Task
	Procs  []Process
	Files  []File
	Socks  []Sock
	TCPs   []TCPSock // by Sock.Ext
	Reqs   []TCPReq
	Skbs   []Skb
	Queues []WaitQueue
	Waits  []Wait
	Eps    []Eventpoll
	Epis   []Epitem
	Pipes  []Pipe

	EventFDs []EventFD
	TimerFDs []TimerFD
	Bufs     [][]byte // kernel memory that holds data, by BufID
	PT       cpu.PageTables
	IOMMU    cpu.IOMMU
	Napis    []Napi // one for each receive queue

	Counters Counters
	Fault    string             // why the run was given up, or ""
	nesting  bool               // epnested_mutex: an instance is being put into another
	stopped  int32              // threads that the director holds
	here     int32              // the core whose step is being done, or None
	ports    [portChains]SockID // bound sockets by port
	autoPort uint16             // the last port given to a socket that asked for none
	pages    uint64             // page frames given out
	freeSkb  SkbID
	freeReq  ReqID
	Tx       TxRing
	freeWait WaitID
	freeEpi  EpiID
	freeBufs []BufID

	freeIOVAs []uint32 // pages of I/O virtual addresses that may be given out again, the last one first
	nextIOVA  uint32   // the next one that has never been
}

// CPU is the kernel's data of one core ("per-CPU variables").
type CPU struct {
	Current   TaskID
	Idle      TaskID
	Ksoftirqd TaskID
	Preempt   uint32   // preempt_count: see the Count constants
	Pending   uint32   // __softirq_pending, one bit a softirq
	PollList  napiList // softnet_data.poll_list: NAPI instances to be polled
	Backlog   Backlog
	Completed SkbID // softnet_data.completion_queue: sent packets that NET_TX frees
	RQ        RunQueue
	Timers    []Hrtimer // armed, by expiry
	Wheel     []WheelTimer
	Firing    Hrtimer         // whose function runs (base->running); its Task is None if none does
	Wake      []TaskID        // rq->wake_list: tasks that other cores want enqueued here
	Polling   bool            // idle and looking at need_resched: a wakeup needs no IPI
	Squeezed  int64           // time_squeeze of /proc/net/softnet_stat
	Stats     [NumStats]int32 // of the system vectors: see the Stat constants
	Restarts  int32           // how often this softirq run has started again
	SoftStart sim.Time
}

// preempt_count's parts (include/linux/preempt.h).
const (
	CountPreempt = 1
	CountSoftirq = 1 << 8 // a softirq is being served
	CountHardirq = 1 << 16

	countBHDisable = 2 * CountSoftirq
	maskPreempt    = 0xff
	maskSoftirq    = 0xff00
	maskHardirq    = 0xf0000
)

// Hrtimer is a high-resolution timer that is armed.
type Hrtimer struct {
	Expires sim.Time
	Kind    TimerKind
	Task    TaskID // whom it wakes; a TimerFile's own number
}

// TimerKind is a timer's function.
type TimerKind uint8

const (
	TimerTick   TimerKind = iota // tick_nohz_handler
	TimerWakeup                  // hrtimer_wakeup
	TimerFile                    // timerfd_tmrproc
)

// TaskState is a task's state, as in sched_switch's prev_state.
type TaskState uint8

const (
	Running         TaskState = iota // R: running or runnable
	Interruptible                    // S: sleeping, a signal may wake it
	Waking                           // between sched_waking and sched_wakeup
	Dead                             // X
	NotStarted                       // declared, not created yet
	Stopped                          // T: held by the director
	Uninterruptible                  // D: sleeping for a short time, no signal wakes it
)

// Letter is what ps and the tracepoints print.
func (s TaskState) Letter() string { return [...]string{"R", "S", "W", "X", "-", "T", "D"}[s] }

// Task is a thread, of user space or of the kernel.
type Task struct {
	Name          string
	PID           int32
	State         TaskState
	CPU           int32 // task_cpu: where it runs or ran last
	Affinity      int32 // the only core allowed, or None
	Kernel        bool  // a kernel thread: no user stack
	Idle          bool
	OnRQ          bool   // on a run queue (or running)
	NeedResched   bool   // TIF_NEED_RESCHED
	TimedOut      bool   // its sleep ended by its timer
	PollTable     WaitID // the entries that its poll or select has on wait queues
	PollKey       uint32 // the events that the next of them is for
	PollTriggered bool   // one of them has been called
	SigPending    uint64 // signals that wait to be delivered: bit n-1 is signal n
	SavedMask     uint64 // what SigBlocked was before the call that has changed it
	RestoreMask   bool
	SigFrames     []SigFrame // on its user stack, innermost last
	ExitSignal    uint8      // the signal that has ended it, or 0
	Spawned       bool       // spawn has been called for it
	Waits         DirectorWait
	WaitsFor      []TaskID
	SigBlocked    uint64 // signals that are held back
	Preempt       uint32 // preempt_count while it does not run
	Proc          int32
	Thread        int32 // index into the scenario's threads, or None
	Prio          int32 // as tracepoints print it: 100 to 139 by nice value, below 100 for real time
	SE            SchedEntity
	Ctx           cpu.Context // while it does not run; a running task's is in its core
	Mem           program.Memory
	ArrayPages    int32    // pages of its arrays that are mapped
	Fixup         bool     // a copy has faulted where there is no memory, and is to end
	FaultCode     int8     // si_code of the SIGSEGV that a fault has brought
	MinFlt        int64    // faults for which a page was found (task_struct.min_flt)
	Wakee         sim.Seq  // the record that woke it last
	Since         sim.Time // when it last changed its state
	Switches      int32    // voluntary context switches
	Preempted     int32    // involuntary ones
	ExitCode      int32
	Sets          [3][fdSetBytes]byte // what select was given
	Call          Syscall             // the call in progress, or the last one
}

// Syscall is a system call in progress, as the program made it.
type Syscall struct {
	Active      bool
	Site        int32 // index into the program's call sites, or None
	NR          int32
	Args        [6]int64
	N           int8      // how many arguments the program has given
	Prog        [8]int64  // the arguments as the program wrote them
	Held        [4]FileID // open files that the call holds a reference to
	NHeld       int8
	Returns     bool     // it is rt_sigreturn that brought the call back
	Until       sim.Time // when its wait on a socket ends, or 0
	Pair        [2]int32 // the descriptors that pipe2 and socketpair made
	From        SockAddr // the peer that recvfrom or accept found
	Woken       bool     // a packet has ended its sleep
	Roused      bool     // a wakeup has ended its sleep, and it has not slept again
	Interrupted bool     // a signal has: what it returned is not what the program sees yet
	Ret         int64    // what the kernel returned: a result, or minus errno
}

// Process is what threads share: the table of descriptors and the memory.
type Process struct {
	Name   string
	PID    int32
	CR3    uint64   // its page tables (mm->pgd)
	Heap   []byte   // what its heap holds, as far as it has been touched
	FDs    []FileID // by descriptor
	Free   int32    // no descriptor below is free
	Shared []int64
	Live   int32 // threads that have not exited
	Killed uint8 // the signal that ends it, or 0

	Actions [maxSig + 1]uint8 // what each signal does
}

// FileKind is what an open file description refers to.
type FileKind uint8

const (
	FileNone FileKind = iota
	FileConsole
	FileSocket
	FileEpoll
	FilePipe
	FileEventFD
	FileTimerFD
	FileMemFD
	NumFileKinds
)

// File is an open file description ("struct file"): what dup and fork share.
type File struct {
	Kind  FileKind
	Flags int32 // O_NONBLOCK and the access mode
	Refs  int32
	Obj   int32 // its socket, epoll instance, pipe…; a file in memory has a BufID
	Items EpiID // the first epoll item that watches it (f_ep)
	Pos   int64 // f_pos
}

// SockAddr is an IPv4 address and port.
type SockAddr struct {
	IP   uint32 // host order: 10.0.0.2 is 0x0a000002
	Port uint16
}

// SockKind is a socket's protocol.
type SockKind uint8

const (
	SockUDP SockKind = iota
	SockTCP
	SockUnixStream
	SockUnixDgram
	NumSockKinds
)

// Sock is a socket ("struct sock").
type Sock struct {
	Kind      SockKind
	File      FileID
	Local     SockAddr
	Peer      SockAddr // of a connected socket
	Bound     bool
	Connected bool
	Shutdown  uint8    // sk_shutdown: the bits rcvShutdown and sendShutdown
	Reuse     uint8    // SO_REUSEADDR and SO_REUSEPORT
	NAPI      uint8    // sk_napi_id: the instance that the last packet came through, plus one; or 0
	BusyPoll  int32    // sk_ll_usec: how long a receive spins before it sleeps, in microseconds
	Err       int32    // sk_err: an error that the next call reports
	RcvTimeo  sim.Time // SO_RCVTIMEO, or 0 for no limit
	SndBuf    int32    // sk_sndbuf
	SndLock   bool     // SOCK_SNDBUF_LOCK: the program has chosen it
	Sent      int32    // sk_wmem_alloc: what is on its way out, with overhead
	First     SkbID    // sk_receive_queue
	Last      SkbID
	Len       int32
	Bytes     int32 // sk_rmem_alloc: queued, with overhead (truesize)
	RcvBuf    int32 // sk_rcvbuf: the limit
	Drops     int32 // sk_drops
	Reading   bool  // unix_sock.iolock: a read takes packet after packet
	WQ        QueueID
	Hash      SockID // the next socket in its port's chain
	Ext       int32  // what belongs to its protocol alone, an index there; a unix socket's peer
}

// Skb is a packet inside the kernel ("struct sk_buff").
type Skb struct {
	Next     SkbID
	Frame    int32  // which frame of the wire it came from, or None
	Buf      BufID  // what it holds, when it comes from this host
	Sender   SockID // whose send buffer it counts against, or None
	Data     int32  // offset of what is not yet pulled
	Len      int32
	Truesize int32
	From, To SockAddr
	Seq, End uint32 // of a TCP segment: its first sequence number, and the one behind it
	TCPFlags uint8
	Users    uint8 // references beyond the first (users)
	InUse    bool
	L4Hash   bool   // ports are part of the hash (l4_hash)
	RxQueue  uint8  // the receive queue it came through, plus one; or 0 (queue_mapping)
	Hash     uint32 // what the card has hashed, or 0
	PktType  uint8  // whom its link-layer address means: see PacketHost
	Checked  bool   // the card has found its checksums right (CHECKSUM_UNNECESSARY)
	Segs     uint16 // segments that GRO has made it of, or 0 (gso_segs)
	GSOSize  uint16 // data in each of them but the last (gso_size)
	Num      int32  // which one of the run it is, from 1: places are used again
}

// Whom a frame was sent to (include/uapi/linux/if_packet.h).
const (
	PacketHost uint8 = iota
	PacketBroadcast
	PacketMulticast
	PacketOtherHost
)

// WaitQueue is a wait queue head.
type WaitQueue struct {
	First, Last WaitID
	Walker      int8 // the core that walks it and holds its lock, plus one; or 0
}

// WaitFunc is the callback of a wait queue entry.
type WaitFunc uint8

const (
	WaitNone       WaitFunc = iota
	WaitReceiver            // receiver_wake_function: a blocking receive
	WaitEpCallback          // ep_poll_callback: an epoll item watches the file
	WaitEpWake              // ep_autoremove_wake_function: a thread in epoll_wait
	WaitAutoremove          // autoremove_wake_function: a thread that waits for one thing
	WaitPoll                // pollwake: a thread in poll or select
	WaitDefault             // default_wake_function: a thread, its entry stays
	WaitWoken               // woken_wake_function: the same, and the entry remembers it
)

// Wait is an entry of a wait queue ("wait_queue_entry").
type Wait struct {
	Next, Prev WaitID
	Queue      QueueID // the queue it is on, or None
	Func       WaitFunc
	Exclusive  bool   // WQ_FLAG_EXCLUSIVE
	Woken      bool   // WQ_FLAG_WOKEN
	Obj        int32  // the task to wake, or the epoll item
	Key        uint32 // the events that pollwake is for
	Chain      WaitID // the next entry of the same poll or select
	File       FileID // the file that the entry keeps open, or None
}

// Eventpoll is an epoll instance ("struct eventpoll").
type Eventpoll struct {
	File     FileID
	Items    EpiID // the interest list, in order of descriptor and file (Linux: a red-black tree)
	Ready    EpiID // rdllist
	ReadyEnd EpiID
	Overflow EpiID // ovflist, in use while a scan is in progress
	Scanning bool
	ItemsEnd EpiID
	NAPI     uint8   // napi_id: which card to poll, plus one; or 0
	Locked   bool    // ep->mtx: a scan or a change of the interest list is in progress
	WQ       QueueID // threads in epoll_wait
	PollWait QueueID // who polls the instance itself
}

// Epitem is one registered descriptor ("struct epitem").
type Epitem struct {
	Ep         EpID
	FD         int32
	File       FileID
	Events     uint32
	Data       int64
	Wait       WaitID // its entry on the file's wait queue
	NextItem   EpiID  // interest list
	NextFile   EpiID  // other items that watch the same file
	Next, Prev EpiID  // ready list
	OnReady    bool
	NextOvf    EpiID // overflow list
	OnOvf      bool
	InUse      bool
}

// Napi is the poll instance of one of the card's receive queues ("struct
// napi_struct", with what the driver keeps for the ring).
type Napi struct {
	Sched    bool  // NAPI_STATE_SCHED
	Missed   bool  // NAPI_STATE_MISSED
	BusyPoll bool  // NAPI_STATE_IN_BUSY_POLL: a thread polls, not the softirq
	Link     uint8 // the next instance on its poll list, see napiList
	Next     int32 // next_to_clean: the descriptor the driver looks at next
	Use      int32 // next_to_use: the one it fills next
	Cleaned  int32 // descriptors taken and not yet given back
	Held     groBuckets
	First    SkbID // rx_list, with its end and length
	Last     SkbID
	Count    int32
	Budget   int32
	CsumErr  int64 // rx_queue_N_csum_err
	Packets  int32 // total_rx_packets since the interrupt, for its moderation
	Bytes    int32 // total_rx_bytes
	Rate     int32 // itr: interrupts a second, if the driver chooses
	Class    uint8 // rx_itr: LowestLatency and so on
	SetITR   bool  // set_itr: the rate has changed, and the register not yet
}

// TxRing is what the driver keeps for the card's transmit ring.
type TxRing struct {
	Use   uint32 // next_to_use: the descriptor it fills next
	Clean uint32 // next_to_clean: the oldest whose packet is not freed yet
	Lock  bool   // _xmit_lock: a core fills the ring
	Skbs  [nic.TxRing]SkbID
}

// Counters count what happened, under the kernel's names where it has them.
type Counters struct {
	IRQs            int64 // hard interrupts from devices
	IRQNone         int64 // handlers that said IRQ_NONE
	IRQErrors       int64 // spurious interrupts of the 8259A (irq_err_count)
	Merged          int64 // interrupt messages for a vector that was requested already
	TimerIRQs       int64
	IPIs            int64
	Softirqs        int64
	Polls           int64 // napi_poll
	Skbs            int64
	UserRx          int64 // packets that a driver in a program has taken
	BusyPollRx      int64 // TcpExt: BusyPollRxPackets
	GROMerged       int64 // segments that GRO has appended to others
	ContextSwitches int64
	Wakeups         int64
	Preemptions     int64 // switches away from a task that could go on
	Syscalls        int64
	HwCsumGood      int64 // rx_csum_offload_good of the driver
	HwCsumErr       int64 // rx_csum_offload_errors
	OtherHost       int64 // rx_otherhost_dropped of the device
	InCsumErrors    int64 // Udp: InCsumErrors
	NoPorts         int64 // Udp: NoPorts
	RcvbufErrors    int64 // Udp: RcvbufErrors
	Unread          int64 // datagrams freed with their socket, or come too late for it; Linux does not count them
	ListenOverflows int64 // TcpExt: ListenOverflows
	RetransSegs     int64 // Tcp: RetransSegs
	WindowProbes    int64 // TcpExt: TCPWinProbe
	DelayedAcks     int64 // TcpExt: DelayedACKs
	InHdrErrors     int64 // Ip: InHdrErrors
	InAddrErrors    int64 // Ip: InAddrErrors
	InDatagrams     int64 // Udp: InDatagrams
	ICMPIn          int64 // Icmp: InMsgs
	ICMPOut         int64 // Icmp: OutMsgs
	ICMPErrors      int64 // Icmp: InCsumErrors
	Delivered       int64 // datagrams that a program has received
	MinorFaults     int64 // page faults for which a page was found
	CopiedBytes     int64 // bytes copied to and from user space
	PollScanned     int64 // descriptors that poll and select have looked at
	PollCallbacks   int64 // pollwake
	EpCallbacks     int64 // ep_poll_callback
	EpPolled        int64 // items that epoll has polled (ep_item_poll)
	UsefulWakeups   int64 // wakeups after which the call ended
	SpuriousWakeups int64 // wakeups after which it went back to sleep
}

// Task gives a task's stacks and registers, whether it runs or not.
func (m *Machine) Context(t TaskID) *cpu.Context {
	for i := range m.CPUs {
		if m.CPUs[i].Current == t {
			return &m.Cores[i].Ctx
		}
	}
	return &m.Tasks[t].Ctx
}
