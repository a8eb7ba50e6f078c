// Package nic is the network card: an Intel 82574 in outline, as the e1000e
// driver uses it, with MSI-X; in pin.go, the older ways to interrupt.
//
// A frame goes through stages, each an event and a record: the wire, the filter
// of addresses, the FIFO, the copy into host memory (DMA), the write-back of
// its descriptor, the moderation of interrupts, the interrupt message. The
// processor takes no part in any of it.
//
// The card and the driver share the ring of descriptors. The card owns those
// from head up to, but not including, tail; it fills the one at head and moves
// it on. The driver takes filled ones, gives new buffers and moves tail. Head
// equal to tail means that the card has none, so one is always left out.
//
// A card is driven by events. [NIC.Arrive] puts a frame on the wire; from there
// on [NIC.Handle] does the stage of an event, fills its record and schedules what
// follows. The functions that write registers are the driver's. The card's last
// word is an event of kind [EvBusWrite], which the machine routes to a local
// interrupt controller.
//
// The way out is in transmit.go; what the card has sent comes to the machine as
// an event of kind [EvFar], when it reaches the other end of the wire.
//
// With several receive queues, it is an 82576 in outline, as the igb driver uses
// it: a hash of addresses and ports chooses the queue (rss.go), each queue has its
// ring and its MSI-X vector, and descriptors are of the advanced kind
// (descriptor.go).
//
// With Config.PCIe the bus is modelled packet by packet (pcie.go).
//
// Left out: several frames at once in the DMA engine, flow control, VLANs.
package nic

import "ringside/sim"

// Config describes a card.
type Config struct {
	Mode     Mode     // how it interrupts; several queues need MSI-X
	Queues   int      // receive queues
	RSS      RSS      // how frames are spread over them
	Advanced bool     // advanced descriptors
	Ring     int      // receive descriptors of a queue
	FIFO     int      // bytes of the packet buffer
	RxUsecs  sim.Time // moderation: how long an interrupt may be held back
	RxFrames int      // moderation: so many frames end the wait; 0 or 1: only time does
	Costs    Costs

	PCIe        bool     // the bus packet by packet
	IOMMU       bool     // addresses are translated on the way to memory
	Stray       int      // a defect: of the address of this frame's buffer, counted from 1, a bit is lost; 0: none
	AdaptiveRx  bool     // moderation: the driver chooses the interval (EITR)
	Promiscuous bool     // let all frames in
	MTA         []uint32 // multicast table array, or nil; never changes, so copies share it
}

// Costs are the card's own times. Figures of the order that data sheets and
// measurements give for a small card.
type Costs struct {
	WireByte  sim.Time // one byte on the wire: 8 ns at 1 Gbit/s
	Filter    sim.Time // comparing addresses, checking the FCS
	RSS       sim.Time // hashing a frame's addresses and ports
	FIFO      sim.Time // into the packet buffer
	DMA       sim.Time // a frame into host memory
	WriteBack sim.Time // its descriptor
	Table     sim.Time // reading the MSI-X table
	Posted    sim.Time // a posted write, from the card to the local APIC
	LinkByte  sim.Time // with PCIe: one byte on the link, 4 ns at 2.5 GT/s and one lane
	Memory    sim.Time // with PCIe: a posted write, from the link to memory
	Read      sim.Time // with PCIe: from a read to its completion
	Far       sim.Time // from the wire's beginning to its other end, and what the host there needs to answer
}

// DefaultConfig is a small card on a 1 Gbit/s wire, with moderation off.
func DefaultConfig() Config {
	return Config{
		Queues: 1, RSS: RSS{Key: DefaultKey, UDP: true}, Ring: 256, FIFO: 64 << 10, RxFrames: 1,
		Costs: Costs{WireByte: 8, Filter: 40, RSS: 20, FIFO: 60, DMA: 500, WriteBack: 200, Table: 20, Posted: 400, LinkByte: 4, Memory: 600, Read: 700, Far: 20000},
	}
}

// SetQueues gives a card so many receive queues. More than one need RSS, and with
// it advanced descriptors: others have no room for the hash.
func (c *Config) SetQueues(n int) {
	c.Queues = n
	c.RSS.Table = SpreadTable(n)
	if n > 1 {
		c.RSS.Enabled, c.Advanced = true, true
	}
}

// Stages of a frame's way through the card, and what a record's Arg holds.
const (
	StageWire       uint8 = iota // 0: bytes in memory, without the check sequence, 1: how often the firmware has asked in vain before
	StageFilter                  // 0: which filter let it in, a row of Passes
	StageFIFO                    // 0: bytes in the FIFO now, 1: queue
	StageDMA                     // 0: descriptor, and in the upper half its queue, 1: address of the buffer
	StageWriteBack               // 0: descriptor, and its queue, 1: what has overwritten the address
	StageModeration              // 0: frames that were held, 1: queue
	StageMSI                     // 0: address, 1: data
	StageDrop                    // 0: bytes, 1: why, a row of Drops
	StageTxDMA                   // 0: descriptor
	StageTxOut                   // 0: descriptor
	StageRSS                     // 0: hash, 1: queue, and in the upper half what was hashed
	StageFetch                   // 0: first descriptor, and its queue, 1: how many
	StageTLP                     // 0: address, 1: bytes
	StagePosted                  // 0: writes, the descriptor's included, 1: bytes of the frame
	StagePin                     // 0: 1 if it is asserted now
)

// StageInfo is what there is to say about a stage.
type StageInfo struct{ Name, Say, Why string }

// Stages describes them in order.
var Stages = [...]StageInfo{
	StageWire: {"the last byte is in",
		"The frame arrives bit by bit; the card's own controller, which asks the receiver every 8 ns, has found it.",
		"Somebody has to poll the wire, but it is not the CPU: it is still in the program."},
	StageFilter: {"address and check sequence match",
		"The card compares the destination address and checks the frame check sequence.",
		"Frames for others, and damaged ones, must not cost the CPU anything."},
	StageFIFO: {"into the FIFO",
		"The frame waits in the card's packet buffer for its turn on the bus.",
		"When host memory or the bus is slow, this is what keeps frames from being lost."},
	StageDMA: {"frame into host memory (DMA)",
		"The card itself writes the frame into the buffer that the descriptor at head names.",
		"Direct memory access: no CPU instruction copies these bytes."},
	StageWriteBack: {"descriptor: DD set, head moves on",
		"The card writes the descriptor back with the length and the DD bit: done.",
		"This is how the driver will know, by reading memory alone, that the buffer is full."},
	StageModeration: {"the moderation timer ends",
		"The card had held its interrupt back to collect more frames.",
		"One interrupt for many frames costs less, and makes the first of them wait."},
	StageMSI: {"MSI-X: a write to the local APIC's address",
		"The interrupt is a memory write: address and data come from the card's MSI-X table. The cause masks itself.",
		"No wire to the CPU is needed; until the driver unmasks it, there is no further interrupt."},
	StageTxDMA: {"frame out of host memory (DMA)",
		"The card fetches the descriptor and the frame that it names.",
		"The CPU has only written a register; copying is the card's work, and so are the checksums."},
	StageTxOut: {"the last byte is out; descriptor: DD set",
		"The frame has left; the card writes the descriptor back.",
		"Now the driver may free the packet: until here the card was reading it."},
	StageRSS: {"RSS: hash, table, queue",
		"The card hashes addresses and ports; the hash's low bits choose a row of the indirection table, which names the queue.",
		"Each queue interrupts its own core. A connection keeps its hash, so its packets stay in order."},
	StageFetch: {"descriptors fetched (MRd, CplD)",
		"The card has read the next descriptors out of host memory, some at once.",
		"A read is not posted: the card had to wait for the completion, so it fetches ahead."},
	StageTLP: {"part of the frame into host memory (MWr)",
		"A posted write has arrived in memory with as much as one packet of the bus may carry.",
		"Max_Payload_Size is 256 bytes here: a long frame takes several packets."},
	StagePosted: {"all writes are out, nobody answers",
		"The card has sent the frame and its descriptor, and goes on to the interrupt; they are still on their way.",
		"It need not wait: posted writes do not overtake each other, so the interrupt arrives last."},
	StagePin: {"the interrupt pin INTA# changes",
		"The card asserts its interrupt pin, or lets it go. On PCI Express that is a message that stands for the wire.",
		"The pin stays asserted as long as a cause is set and not masked: it says that, and nothing about what or how many."},
	StageDrop: {"the frame is dropped",
		"The card drops the frame and counts it.",
		"It was not for this host, it was damaged, or there was no room."},
}

// Reasons of a drop.
const (
	DropFilter       int64 = iota + 1 // another's address
	DropCRC                           // rx_crc_errors
	DropMissed                        // rx_missed_errors
	DropNoDescriptor                  // rx_queue_N_drops
	DropBlocked                       // the IOMMU has not let the write through
)

// Drops says more of a drop than its stage does.
var Drops = [...]StageInfo{
	DropFilter: {"dropped: another's address",
		"No filter matches the destination: it is not this card's address, not everybody's, and of no group that was joined.",
		"A frame for another host must not cost this one's CPU anything."},
	DropCRC: {"dropped: rx_crc_errors",
		"The frame check sequence does not match: bits were changed on the way.",
		"Nothing in the frame can be trusted, not even who it was for."},
	DropMissed: {"dropped: rx_missed_errors",
		"The FIFO has no room for the frame.",
		"The ring had no descriptors for too long, or the bus was too slow. Nobody is told but this counter."},
	DropNoDescriptor: {"dropped: rx_queue_drops",
		"The card owns no descriptor of the frame's queue.",
		"To wait would hold up the frames behind it, whose queues and cores have room."},
	DropBlocked: {"lost: the IOMMU has blocked the write",
		"The frame is not in memory, and the card does not know: it writes the descriptor back as if all were well.",
		"A posted write has no answer. What the driver finds in the buffer is what was there before."},
}

// Events of the card. The machine passes all from EventBase on to Handle, but
// for EvBusWrite, which is the card speaking to the machine's bus.
const (
	EventBase      uint16 = 100 + iota
	evArrived             // A: frame, C: when its first bit came
	evFilter              // A: frame
	evFIFO                // A: frame, B: queue
	evDMA                 // A: frame
	evWriteBack           // A: frame, B: queue
	evModeration          // A: which timer, B: queue, C: when it was started
	evMSI                 // A: the last frame it tells of, or -1, B: vector
	EvBusWrite            // C: address and data, see BusWrite
	evTxDMA               // A: frame
	evTxOut               // A: frame, C: when its first bit went
	EvFar                 // A: frame, which has reached the other end of the wire
	evRSS                 // A: frame
	evTxModeration        // A: the frame that was sent first
	evNoDescriptor        // A: frame
	evFetch               // A: frame, B: queue, C: when it was asked for
	evTLP                 // A: frame, B: bytes, C: address
	evPosted              // A: frame, B: queue, C: when it began
	EvTranslate           // A: frame, B: the stage that waits for it, and the queue, C: address
	EvPin                 // the interrupt pin has changed; A: the last frame it tells of, or -1, C: how long the news took
)
