// Package scenarios reads scenario files: YAML in, a machine's configuration
// out, and for everything that is wrong with a file one error that says where
// and what was probably meant. The embedded course is in course/.
//
// The types below are the format; the JSON Schema for editors is generated from
// them.
package scenarios

//go:generate sh -c "go run .. schema > new.json && mv new.json schema.json"
//go:generate sh -c "go run .. schema --lesson > new.json && mv new.json lesson.schema.json"

// file is a scenario file. Descriptions are for the schema.
type file struct {
	Ringside      int             `yaml:"ringside" required:"true" const:"1" doc:"Version of the format: 1."`
	Title         string          `yaml:"title" required:"true" doc:"What the scenario shows, a few words."`
	Chapter       string          `yaml:"chapter" doc:"Chapter of the course it belongs to; free text."`
	Teaches       string          `yaml:"teaches" doc:"What somebody knows who has seen it."`
	Misconception string          `yaml:"misconception" doc:"The wrong belief that it cures."`
	Sources       []string        `yaml:"sources" doc:"Where it can be read."`
	Seed          uint64          `yaml:"seed" doc:"Seed of everything random in the model."`
	Stop          Duration        `yaml:"stop" doc:"Model time at which the run ends; without it, when nothing is left to happen."`
	Machine       machine         `yaml:"machine" doc:"The modelled machine."`
	Flows         map[string]flow `yaml:"flows" doc:"Connections that packets belong to, by name."`
	Shared        []string        `yaml:"shared" doc:"Integer variables that all threads of the process share."`
	Threads       []thread        `yaml:"threads" required:"true" items:"1 1024" doc:"The threads and their programs."`
	Wire          []packet        `yaml:"wire" items:"0 10000" doc:"What reaches the card, in time order."`
	Marks         []mark          `yaml:"marks" doc:"Named places of the run."`
	Narration     []narration     `yaml:"narration" doc:"What is said at some records."`
	Predict       []question      `yaml:"predict" doc:"Questions that are asked before a record is shown."`
	Variants      []variant       `yaml:"variants" doc:"The same scenario with something different, to compare."`
	Vary          []vary          `yaml:"vary" items:"0 16" doc:"What differs from one instance of the scenario to the next, as in exercise sheets."`
	Expect        expect          `yaml:"expect" doc:"What ringside check holds the run against."`
	Live          live            `yaml:"live" doc:"Whether the programs can run on the real kernel."`
}

type machine struct {
	CPUs   int                 `yaml:"cpus" range:"1 64" doc:"Cores, 1 to 64."`
	ABI    string              `yaml:"abi" list:"abis" doc:"The system and processor that programs are built for: linux-amd64, linux-arm64, macos-arm64 or windows-amd64."`
	Entry  string              `yaml:"entry" enum:"syscall int80" doc:"How programs of linux-amd64 enter the kernel: syscall, or int80 with the calls and numbers of 32-bit programs."`
	NIC    card                `yaml:"nic" doc:"The network card."`
	Chip   string              `yaml:"irqchip" list:"chips" doc:"Where interrupt pins lead: ioapic, or pic, the old 8259A pair, with one core."`
	IOMMU  bool                `yaml:"iommu" doc:"An IOMMU between the card and memory (Intel VT-d): the driver maps each buffer, and the card's addresses are translated on the way."`
	Line   sharedLine          `yaml:"shared_line" doc:"A second device on the interrupt line of the card's pin."`
	Kernel tunables            `yaml:"kernel" doc:"Tunables of the modelled kernel."`
	Costs  map[string]Duration `yaml:"costs" keys:"costs" doc:"Overrides of the table of costs."`
}

type card struct {
	Queues      int      `yaml:"queues" range:"1 16" doc:"Receive queues, 1 to 16. With several, a hash of addresses and ports chooses the queue (RSS), and the driver is igb's."`
	Descriptors string   `yaml:"descriptors" enum:"legacy advanced" doc:"legacy, of an 82574 with the driver e1000e, or advanced, of an 82576 with igb: written back over the buffer's address, with the hash. Several queues have advanced ones."`
	RSS         rss      `yaml:"rss" doc:"How packets are spread over several queues."`
	Ring        int      `yaml:"ring" range:"8 4096" doc:"Descriptors of each receive ring, a power of two from 8 to 4096."`
	FIFO        Size     `yaml:"fifo" doc:"The card's packet buffer."`
	RxUsecs     Duration `yaml:"rx_usecs" doc:"Interrupt moderation: how long an interrupt is held back."`
	AdaptiveRx  bool     `yaml:"adaptive_rx" doc:"Interrupt moderation: the driver chooses the rate by the traffic, as e1000e does; for one queue, and without rx_usecs."`
	RxFrames    int      `yaml:"rx_frames" range:"0 4096" doc:"Interrupt moderation: so many frames end the wait at once."`
	Driver      string   `yaml:"driver" enum:"kernel uio" doc:"Whose the card is: kernel, or uio: a program's, which takes packets from the ring with rx_burst."`
	Multicast   []string `yaml:"multicast" doc:"Hardware addresses of the groups that the card lets in."`
	Promiscuous bool     `yaml:"promiscuous" doc:"The card lets in what is for others, too."`
	PCIe        bool     `yaml:"pcie" doc:"The card's traffic on the bus packet by packet: reads of descriptors, posted writes of at most 256 bytes."`
	IRQ         string   `yaml:"irq" list:"interrupts" doc:"How the card interrupts: msi-x, msi or intx; several queues need msi-x."`
	StrayDMA    int      `yaml:"stray_dma" range:"0 1000000" doc:"A defect of the card, with machine.iommu: of the address that this frame is written to, counted from 1, a bit is lost."`
	Affinity    []move   `yaml:"irq_affinity" doc:"Interrupts of queues that move to other cores while the machine runs, in time order; with irq: msi-x."`
	IRQCPU      []int    `yaml:"irq_cpu" doc:"The core that gets the interrupt of each queue; without it, queues go round the cores."`
}

type rss struct {
	Key         string `yaml:"key" pattern:"^[0-9a-fA-F]{80}$" doc:"The hash's secret key: 40 bytes in hexadecimal digits. Without it, the one that Microsoft's specification uses."`
	Indirection []int  `yaml:"indirection" items:"0 128" doc:"The indirection table: 128 numbers of queues; a shorter list is repeated. Without it, equal blocks."`
	UDP4        string `yaml:"udp4" enum:"sdfn sd" doc:"What of UDP packets is hashed, as in ethtool -N DEV rx-flow-hash udp4: sdfn, addresses and ports, or sd, addresses only."`
}

type move struct {
	At    Duration `yaml:"at" required:"true" doc:"When."`
	Queue int      `yaml:"queue" doc:"The receive queue whose interrupt moves; 0 if left out."`
	CPU   int      `yaml:"cpu" required:"true" doc:"The core that gets it from then on."`
}

type sharedLine struct {
	Device string   `yaml:"device" enum:"uhci_hcd" doc:"uhci_hcd, a USB controller."`
	Every  Duration `yaml:"every" required:"true" doc:"It interrupts every so often."`
	Count  int      `yaml:"count" range:"0 1000000000" doc:"So many times; without it, until the stop."`
}

type tunables struct {
	Scheduler  string    `yaml:"scheduler" list:"schedulers" doc:"eevdf, rr, fifo or cooperative."`
	Slice      *Duration `yaml:"slice" doc:"How long a task may run before it is another's turn; 3ms, and 100ms with rr."`
	HZ         int       `yaml:"hz" range:"1 10000" doc:"Ticks a second."`
	NAPI       bool      `yaml:"napi" doc:"Whether the driver polls; false: its interrupt handler takes the packets, as before NAPI."`
	BusyPoll   Duration  `yaml:"busy_poll" doc:"How long epoll_wait polls the card itself before it sleeps (net.core.busy_poll)."`
	GRO        bool      `yaml:"gro" doc:"Whether TCP segments that come one after another are merged (ethtool -K gro)."`
	NAPIWeight int       `yaml:"napi_weight" range:"1 65536" doc:"Packets that one poll may take."`
	Budget     int       `yaml:"budget" range:"1 1048576" doc:"Packets that one receive softirq may take."`
	Backlog    int       `yaml:"backlog" range:"1 1048576" doc:"Packets that a core's backlog may hold."`
	PTI        bool      `yaml:"pti" doc:"Page-table isolation: programs run on page tables without the kernel."`
	RMem       Size      `yaml:"rmem" doc:"What a socket may queue, with overhead."`
}

type flow struct {
	Proto  string  `yaml:"proto" required:"true" enum:"udp tcp" doc:"udp or tcp."`
	From   string  `yaml:"from" required:"true" pattern:"^[0-9]+([.][0-9]+){3}:[0-9]+$" doc:"The remote address, ip:port."`
	To     string  `yaml:"to" pattern:"^([0-9]+([.][0-9]+){3})?:[0-9]+$" doc:"The port on this machine, as :port, or an address; not with listen."`
	Listen bool    `yaml:"listen" doc:"TCP: the remote host waits at from for connections of this machine."`
	MAC    string  `yaml:"mac" pattern:"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$" doc:"UDP: the hardware address that its frames are sent to; without it, this machine's card's."`
	Answer *answer `yaml:"answer" doc:"With listen: what the host answers to each request."`
}

type answer struct {
	Data  string   `yaml:"data" doc:"What it says."`
	After Duration `yaml:"after" doc:"How long it takes; what comes meanwhile belongs to the same request."`
	Fin   bool     `yaml:"fin" doc:"It closes the connection with the answer."`
}

type thread struct {
	Name     string  `yaml:"name" required:"true" doc:"The thread's name."`
	CPU      *int    `yaml:"cpu" doc:"The only core it may run on; without it the scheduler decides."`
	Nice     int     `yaml:"nice" range:"-20 19" doc:"Its nice value, -20 to 19, with the scheduler eevdf."`
	Priority int     `yaml:"priority" range:"1 99" doc:"Its priority, 1 to 99, with the schedulers rr and fifo."`
	Start    string  `yaml:"start" pattern:"^(spawned|[0-9.]+ *(ns|us|ms|s))$" doc:"When it starts, in model time; or spawned: when another thread calls spawn for it."`
	Process  string  `yaml:"process" doc:"Threads of one process share descriptors; by default all do."`
	Program  Program `yaml:"program" required:"true" doc:"What it does: the body of a Go function."`
}

type packet struct {
	At       Duration  `yaml:"at" required:"true" doc:"When it reaches the card; of several, the first one."`
	Flow     string    `yaml:"flow" doc:"The connection it belongs to; of a host that listens all that are open then. Everything but a capture file needs one."`
	Data     *string   `yaml:"data" doc:"What it carries."`
	Fill     Size      `yaml:"fill" doc:"What it carries, as so many bytes of the alphabet over and over."`
	Connect  bool      `yaml:"connect" doc:"TCP: the remote host connects."`
	Fin      bool      `yaml:"fin" doc:"TCP: it has no more data to send."`
	Rst      bool      `yaml:"rst" doc:"TCP: it breaks the connection off."`
	FCS      string    `yaml:"fcs" enum:"bad" doc:"UDP: bad, if a bit is turned on the way, so that the frame check sequence is wrong."`
	Csum     string    `yaml:"csum" enum:"bad" doc:"UDP: bad, if the sender has computed its checksum wrong."`
	Every    *Duration `yaml:"every" doc:"The distance of further ones."`
	Count    *int      `yaml:"count" range:"1 1000000000" doc:"How many there are; of a capture file, at most so many are played."`
	Generate string    `yaml:"generate" list:"paces" doc:"A load of UDP packets: constant (evenly), poisson (at random, by the scenario's seed) or burst. Each carries a number of four digits that counts on."`
	Rate     Rate      `yaml:"rate" doc:"Packets a second, such as 200000/s: of a load on average; a capture file's packets then come evenly instead of by their own times."`
	For      *Duration `yaml:"for" doc:"How long the load lasts, instead of a count."`
	Size     *int      `yaml:"size" range:"64 1518" doc:"Bytes of a frame of the load, with its check sequence, 64 to 1518; 64 if left out."`
	Burst    *int      `yaml:"burst" range:"1 1000000000" doc:"Packets of a burst, which come as fast as the wire allows; 32 if left out."`
	PCAP     string    `yaml:"pcap" doc:"A capture file, pcap or pcapng, in the scenario file's folder or below. Its UDP packets over IPv4 and Ethernet are played: to the modelled host's hardware and IP address, with new checksums, but from their own addresses and to their own ports. All others are skipped and counted, TCP too: the far end of its connections is not in the file."`
	Host     string    `yaml:"host" doc:"Only packets of the capture file to this address are played: that of the machine it was made on. Without it all are, in both directions."`
	Speed    *Speed    `yaml:"speed" doc:"How many times faster than recorded the capture file is played."`
}

type expect struct {
	Strace   map[string]string `yaml:"strace" doc:"The calls of a thread, as strace prints them, a line each."`
	Counters map[string]int    `yaml:"counters" keys:"counters" doc:"Counts at the end of the run."`
}

type live struct {
	Run       *bool    `yaml:"run" doc:"Whether the programs can run on the real kernel."`
	Unordered []string `yaml:"unordered" doc:"Threads whose calls verify compares together, as a set: Linux leaves their order open."`
	Why       string   `yaml:"why" doc:"Why the programs cannot run there, or why their order is open."`
}

// defaults are the values of what a file leaves out.
func defaults() file {
	f := file{Seed: 1}
	f.Machine = machine{CPUs: 1, ABI: "linux-amd64", Entry: "syscall", Chip: "ioapic", Line: sharedLine{Device: "uhci_hcd"}}
	f.Machine.NIC = card{Queues: 1, Ring: 256, FIFO: 64 << 10, RxFrames: 1, Driver: "kernel", IRQ: "msi-x", IRQCPU: []int{0}, RSS: rss{UDP4: "sdfn"}}
	f.Machine.Kernel = tunables{Scheduler: "eevdf", HZ: 250, NAPI: true, GRO: true, NAPIWeight: 64, Budget: 300, Backlog: 1000, RMem: 208 << 10}
	return f
}
