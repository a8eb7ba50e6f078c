package kernel

import (
	"net/netip"

	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

// Config is everything a machine is made from. A scenario file is one way to
// write it.
type Config struct {
	CPUs    int
	ABI     program.ABI
	Seed    uint64
	Stop    sim.Time // the run ends here; 0: when nothing is left to happen
	NIC     nic.Config
	IRQCPU  []int // the core that the interrupt of each queue goes to; queues beyond go round
	IRQChip IRQChip

	Affinity []Affinity // later changes of it

	USB     USBConfig
	UIO     bool // the card is a program's, not the kernel's
	Params  Params
	Costs   map[string]sim.Time // overrides, by the names of CostNames
	Shared  []string            // integer variables that all threads of a process share
	Threads []ThreadConfig
	Wire    []Packets    // what reaches the card, in time order
	Hosts   []netip.Addr // the remote hosts that there are, beside those of Wire
	Listens []Listener   // remote hosts that wait for connections
	MaxTask int          // limit on tasks, 0 for the default
}

// Params are the tunables of the modelled kernel, under the names that Linux
// gives them in /proc/sys and debugfs.
type Params struct {
	Scheduler  Scheduler
	Slice      sim.Time // base_slice_ns or sched_rr_timeslice_ms: how long a task may run before another's turn
	HZ         int      // ticks a second
	NoGRO      bool     // ethtool -K eth0 gro off
	NAPIWeight int      // packets one poll may take (NAPI_POLL_WEIGHT)
	Budget     int      // net.core.netdev_budget: packets one NET_RX softirq may take
	PTI        bool     // page-table isolation (the boot option pti=on)
	NoNAPI     bool     // the driver is one without NAPI
	BusyPoll   sim.Time // net.core.busy_poll: how long epoll_wait spins before it sleeps
	Backlog    int      // net.core.netdev_max_backlog: packets that may wait on a core for process_backlog
	RMem       int      // net.core.rmem_default: bytes a socket may queue, with overhead
}

// DefaultParams are those of Linux 6.18 on a small machine.
func DefaultParams() Params {
	return Params{Slice: EEVDF.DefaultSlice(), HZ: 250, NAPIWeight: 64, Budget: 300, Backlog: 1000, RMem: 212992}
}

// ThreadConfig is one thread of a scenario.
type ThreadConfig struct {
	Name     string
	Process  string // threads of one process share descriptors; "" is the default one
	CPU      int    // affinity, or -1
	Nice     int    // -20 to 19
	Priority int    // 1 to 99, higher before lower; for the real-time schedulers
	Start    sim.Time
	Spawned  bool // it waits for spawn, not for Start
	Program  *program.Program
}

// Packets are what reaches the card: Count of them, at their pace. UDP carries
// the payload as one datagram; of TCP it is either a step of the connection or data.
//
// To is missing in an entry of a remote host that listens: the entry is for all
// connections that are open then.
type Packets struct {
	At, Every sim.Time
	Count     int
	Pace      Pace
	Rate      int64    // packets a second, where the pace has a rate
	Burst     int32    // packets of a burst
	For       sim.Time // how long a generator runs, or 0: until Count
	Size      int      // of a generated frame, with its check sequence; 0: Payload is what it carries
	Capture   *Capture // or the frames are these
	From, To  netip.AddrPort
	Proto     string // "udp" or "tcp"; "" is udp
	Connect   bool   // tcp: the remote host connects
	Fin       bool   // tcp: it has no more data
	Rst       bool   // tcp: it resets the connection
	Payload   []byte
	Flow      string  // the scenario's name for the connection
	MAC       [6]byte // where the frame is sent to; zero: to this machine's card
	BadFCS    bool    // udp: a bit of the frame is turned on the way
	BadCsum   bool    // udp: its checksum is wrong, and was so from the start
}

// Listener is a remote host that waits for connections of this machine at a port,
// and answers. A request is what comes until the answer is sent.
type Listener struct {
	At    netip.AddrPort
	Flow  string
	Says  []byte   // its answer to each request
	Fin   bool     // it closes the connection with its first answer
	After sim.Time // how long an answer takes
}

// Answers tells whether it says anything to a request.
func (l *Listener) Answers() bool { return len(l.Says) > 0 || l.Fin }

// HostIP is the modelled machine's address, and HostMAC its card's.
var (
	HostIP  = netip.AddrFrom4([4]byte{10, 0, 0, 1})
	HostMAC = [6]byte{0x02, 0, 0, 0, 0, 0x01}
)
