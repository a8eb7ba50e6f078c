package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// A driver without NAPI: drivers/net/ethernet/intel/e1000 of Linux 2.6 with
// CONFIG_E1000_NAPI off. The interrupt's handler takes the packets itself and
// puts them on the core's backlog; the softirq carries them up. Nothing limits
// the first half, and it goes before the second: under load the core only takes
// packets, to throw them away (Mogul and Ramakrishnan, "Eliminating Receive
// Livelock in an Interrupt-driven Kernel", USENIX 1996).

const fileE1000 = "drivers/net/e1000/e1000_main.c (Linux 2.6, without CONFIG_E1000_NAPI)"

// e1000MaxIntr is how often one interrupt looks at the ring again
// (E1000_MAX_INTR).
const e1000MaxIntr = 10

var netifRxText = text{
	fnE1000IntrRx: {Name: "e1000_intr", File: fileE1000, Station: StIRQ,
		Say: "The card's interrupt handler: it takes all the packets that it finds.",
		Why: "Without NAPI nobody polls: what the handler leaves waits for the next interrupt.",
		Steps: []step{
			{Name: "clean the receive ring", Cost: costHandler, Do: callsWithArg(fnE1000CleanRxIRQ)},
			{Name: "more came meanwhile?", Cost: costFn, Do: (*Machine).e1000IntrAgain},
			{Name: "interrupt on again (IMS)", Cost: costMMIO, Do: (*Machine).e1000IntrEnd},
		}},
	fnE1000CleanRxIRQ: {Name: "e1000_clean_rx_irq", File: fileE1000, Station: StIRQ,
		Say: "Takes every descriptor whose DD bit is set, and puts its packet on the core's backlog.",
		Why: "There is no budget: as long as the card is quicker, the core does nothing else.",
		Steps: []step{
			{Name: "next descriptor: DD?", Cost: costDesc, Do: (*Machine).cleanRxNext},
			{Name: "give buffers back", Cost: costFn, Do: (*Machine).cleanRxEnd},
		}},
	fnNetifRxIRQ: {Name: "netif_rx", File: fileDev, Station: StIRQ,
		Say:   "Takes a packet from a driver without NAPI.",
		Why:   "It is only queued; if the backlog is full, all that was done for the packet was in vain.",
		Steps: netifRxSteps},
}

// netifRxSteps are netif_rx and __netif_rx; they differ in who may call them.
var netifRxSteps = []step{
	{Name: "netif_rx_internal", Cost: costFn, Do: (*Machine).netifRxEntry},
	{Name: "enqueue_to_backlog", Cost: costFn, Do: (*Machine).netifRx},
	{Name: "queued, or dropped", Cost: costFn, Do: (*Machine).enqueueToBacklog},
}

// e1000IntrAgain: local 0 is the receive queue, 1 counts the rounds.
func (m *Machine) e1000IntrAgain(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	f.L[1]++
	r.Arg[0] = c.Result()
	if c.Result() > 0 && f.L[1] < e1000MaxIntr {
		c.Goto(0)
	}
}

func (m *Machine) e1000IntrEnd(c *cpu.Core, r *sim.Record) {
	m.NIC.WriteIMS(m.NIC.Cause(int32(c.Frame().L[0])), m.Now, &m.Queue, m.Seq)
	c.Return(1)
}

// cardHandler is the driver's interrupt handler of one of the card's vectors: the
// receive queues' come first.
func (im *Image) cardHandler(vector int) cpu.CodeID {
	switch {
	case vector == im.Config.NIC.Queues:
		return fnE1000IntrTx
	case im.Config.Params.NoNAPI:
		return fnE1000IntrRx
	}
	return fnE1000Intr
}

// BacklogDropped and TimeSqueeze are the sums of all cores' columns dropped and
// time_squeeze of /proc/net/softnet_stat.
func (m *Machine) BacklogDropped() (n int64) {
	for i := range m.CPUs {
		n += m.CPUs[i].Backlog.Dropped
	}
	return n
}

func (m *Machine) TimeSqueeze() (n int64) {
	for i := range m.CPUs {
		n += m.CPUs[i].Squeezed
	}
	return n
}
