package kernel

import (
	"fmt"

	"ringside/cpu"
	"ringside/sim"
)

// A driver in a program: the card is not the kernel's, its registers and rings are
// mapped into the program's memory, and its interrupts are off (vfio-pci or
// uio_pci_generic, and DPDK's drivers/net/intel/e1000/em_rxtx.c). The program looks
// at the descriptors itself, for ever; the kernel's stack never sees a packet.

// rxFreeThresh is how many descriptors the program takes before it gives them back
// all at once (DEFAULT_RX_FREE_THRESH).
const rxFreeThresh = 32

var uioText = text{
	fnRxBurst: {Name: "rte_eth_rx_burst", Ring: 3, Station: StUser, File: "DPDK drivers/net/intel/e1000/em_rxtx.c, eth_em_recv_pkts",
		Say: "The program takes packets from the ring by itself, in ring 3.",
		Why: "No interrupt, no system call, no copy: and no sleep, the core is busy even when nothing comes.",
		Steps: []step{
			{Name: "next descriptor: DD?", Cost: costDesc, Do: (*Machine).rxBurstNext},
			{Name: "enough to give back? write RDT", Cost: costFn, Do: (*Machine).rxBurstEnd},
		}},
	fnRxBurstTail: {Name: "eth_em_recv_pkts", Ring: 3, Station: StUser, File: "DPDK drivers/net/intel/e1000/em_rxtx.c",
		Say:   "New buffers for the descriptors that were taken, and the tail register.",
		Why:   "A write to the card takes long, so it is done for many descriptors at once.",
		Steps: []step{{Name: "refill, write RDT", Cost: costMMIO, Do: (*Machine).allocRx}}},
}

// rxBurst calls rte_eth_rx_burst for a program.
func (m *Machine) rxBurst(c *cpu.Core, queue, most int64) {
	if queue < 0 || int(queue) >= len(m.Napis) {
		m.giveUp(fmt.Sprintf("%s: rx_burst: the card has no queue %d", m.current(c).Name, queue))
		return
	}
	c.Call(fnRxBurst, queue, 0, most)
}

// rxBurstNext: local 0 is the queue, 1 counts the packets, 2 is the most to take.
func (m *Machine) rxBurstNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	queue := int32(f.L[0])
	n := &m.Napis[queue]
	d := m.NIC.Descriptor(queue, n.Next)
	m.aboutDesc(r, queue, n.Next)
	if f.L[1] >= f.L[2] || !d.Done() {
		return
	}
	r.Arg[1] = int64(d.Frame)
	f.L[1]++
	d.Status = 0
	n.Next = (n.Next + 1) % int32(m.Config.NIC.Ring)
	n.Cleaned++
	m.Counters.UserRx++
	c.Again()
}

func (m *Machine) rxBurstEnd(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	got := f.L[1]
	r.Arg[0] = got
	if n := &m.Napis[f.L[0]]; int(n.Cleaned) >= min(rxFreeThresh, m.Config.NIC.Ring/2) {
		c.Again()
		c.Call(fnRxBurstTail, f.L[0])
		return
	}
	c.Return(got)
	m.complete(c, got)
}
