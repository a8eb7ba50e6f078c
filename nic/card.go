package nic

import (
	"fmt"

	"ringside/sim"
)

// Frame is what comes over the wire. Bytes are without the check sequence.
type Frame struct {
	Bytes []byte
	FCS   uint32
}

// NIC is the card: plain data.
type NIC struct {
	Config Config
	MAC    [6]byte
	Queues []Queue
	MSIX   []Vector
	ICR    uint32 // causes that are set
	IMS    uint32 // causes that may interrupt
	MSI    Vector // the MSI capability: one message for everything
	Stats  Stats

	Firmware Firmware
	Bus      Bus
	Asserted bool // without MSI-X: a cause is set and not masked
	PinSeen  bool // INTx: what the bus knows of it

	Tx        TxQueue
	FIFO      []Slot // a ring buffer of waiting frames
	FIFOFirst int32
	FIFOLen   int32
	FIFOBytes int32
	Wire      int32    // the frame on the wire, or -1
	WireStart sim.Time // when the first bit of what is on it came
	WireFree  sim.Time
	Moving    int32 // frames between two stages
	Busy      bool  // the DMA engine is at work
	Blocked   bool  // the access that ends next was not let through
	Waiting   bool  // the frame at the FIFO's head has been counted as waiting for a buffer
}

// Queue is a receive ring with its interrupt's moderation.
type Queue struct {
	Ring       []Desc
	Base       uint64 // RDBA: where the ring lies; kept behind an IOMMU only
	Head, Tail uint32 // RDH and RDT
	Held       int32  // frames since the last interrupt, while it is held back
	Timer      int32  // counts moderation timers; the running one, if Held is above 0
	TimerEnd   sim.Time
	Interval   sim.Time // EITR: least time between two messages
	Quiet      sim.Time // no message before
	Stats      QueueStats
	Sent       int32 // the frame whose write-back is on its way, plus one; or 0
	Cached     uint8 // descriptors that were fetched and not used yet, with PCIe
}

// Slot is a frame in the FIFO.
type Slot struct {
	Frame int32
	Len   uint16
	Queue uint8
}

// Vector is a row of the MSI-X table (PCI specification, "MSI-X Table").
type Vector struct {
	Addr    uint64
	Data    uint32
	Masked  bool
	Pending bool // of the pending bit array
}

// Stats are the card's counters, under the names of ethtool -S.
type Stats struct {
	RxPackets       int64 // rx_packets
	RxBytes         int64 // rx_bytes
	RxCRCErrors     int64 // rx_crc_errors
	RxMissedErrors  int64 // rx_missed_errors: no room in the FIFO
	RxNoBufferCount int64 // rx_no_buffer_count: a frame had to wait for a descriptor
	RxBroadcast     int64 // rx_broadcast
	RxMulticast     int64 // rx_multicast
	Filtered        int64 // not for this host
	TxPackets       int64 // tx_packets
	TxBytes         int64 // tx_bytes
	Arrived         int64 // frames that came over the wire
	Interrupts      int64 // messages sent
}

// QueueStats are a receive queue's counters: ethtool -S of igb has them as
// rx_queue_0_packets and so on.
type QueueStats struct {
	Packets int64 // rx_queue_N_packets
	Bytes   int64 // rx_queue_N_bytes
	Drops   int64 // rx_queue_N_drops: no descriptor, and the queue drops (SRRCTL.DROP_EN)
}

// minFrame is the least a frame has without its check sequence; shorter ones
// are padded by the sender (IEEE 802.3).
const minFrame = 60

// wireOverhead is what a frame costs on the wire beyond its bytes: preamble,
// check sequence, gap.
const wireOverhead = 8 + 4 + 12

// Init puts the card into its state after reset.
func (n *NIC) Init(cfg Config, mac [6]byte) {
	if cfg.PCIe { // a stage ends when its write is in memory
		cfg.Costs.DMA, cfg.Costs.WriteBack = cfg.Costs.Memory, cfg.Costs.Memory
	}
	*n = NIC{Config: cfg, MAC: mac, Wire: -1, MSIX: make([]Vector, cfg.Vectors()), Queues: make([]Queue, cfg.Queues)}
	for q := range n.Queues {
		ring := make([]Desc, cfg.Ring)
		for i := range ring {
			ring[i].Frame = -1
		}
		n.Queues[q].Ring = ring
	}
	n.Tx.Ring = make([]TxDesc, TxRing)
	for i := range n.Tx.Ring {
		n.Tx.Ring[i].Frame = -1
	}
	n.FIFO = make([]Slot, cfg.FIFO/minFrame+1)
}

// CopyFrom makes n an exact copy of src in its own memory.
func (n *NIC) CopyFrom(src *NIC) {
	queues, msix, fifo, tx := n.Queues, n.MSIX, n.FIFO, n.Tx.Ring
	*n = *src
	if len(queues) < len(src.Queues) {
		queues = make([]Queue, len(src.Queues))
	}
	n.Queues = queues[:len(src.Queues)]
	for i := range src.Queues {
		ring := n.Queues[i].Ring
		n.Queues[i] = src.Queues[i]
		n.Queues[i].Ring = append(ring[:0], src.Queues[i].Ring...)
	}
	n.MSIX = append(msix[:0], src.MSIX...)
	n.FIFO = append(fifo[:0], src.FIFO...)
	n.Tx.Ring = append(tx[:0], src.Tx.Ring...)
}

// Size is about how many bytes a copy takes.
func (n *NIC) Size() int {
	size := 300 + 8*len(n.FIFO) + 16*TxRing
	for i := range n.Queues {
		size += 16 * len(n.Queues[i].Ring)
	}
	return size
}

// frameLen is a frame's length in memory, padding included.
func frameLen(f *Frame) int32 { return int32(max(len(f.Bytes), minFrame)) }

// Check tells what is wrong with the card's books, if anything: every frame that
// has arrived is in one place, the FIFO holds what it says, and head and tail are
// in the ring.
func (n *NIC) Check() error {
	s := &n.Stats
	packets, bytesIn, dropped := int64(0), int64(0), int64(0)
	for i := range n.Queues {
		q := &n.Queues[i].Stats
		packets, bytesIn, dropped = packets+q.Packets, bytesIn+q.Bytes, dropped+q.Drops
	}
	if packets != s.RxPackets || bytesIn != s.RxBytes {
		return fmt.Errorf("%d packets of %d bytes received, the queues count %d of %d", s.RxPackets, s.RxBytes, packets, bytesIn)
	}
	if where := s.RxPackets + s.RxCRCErrors + s.RxMissedErrors + s.Filtered + dropped + int64(n.FIFOLen+n.Moving); where != s.Arrived {
		return fmt.Errorf("%d frames arrived, %d are accounted for", s.Arrived, where)
	}
	var bytes int32
	for i := range n.FIFOLen {
		bytes += int32(n.FIFO[(n.FIFOFirst+i)%int32(len(n.FIFO))].Len)
	}
	if bytes != n.FIFOBytes || int(bytes) > n.Config.FIFO {
		return fmt.Errorf("the FIFO of %d bytes holds %d, and says %d", n.Config.FIFO, bytes, n.FIFOBytes)
	}
	for i := range n.Queues {
		rx := &n.Queues[i]
		if size := uint32(len(rx.Ring)); rx.Head >= size || rx.Tail >= size {
			return fmt.Errorf("receive queue %d: head %d and tail %d in a ring of %d", i, rx.Head, rx.Tail, size)
		}
		if uint32(rx.Cached) > rx.owned() {
			return fmt.Errorf("receive queue %d: %d descriptors fetched, %d owned", i, rx.Cached, rx.owned())
		}
	}
	return nil
}
