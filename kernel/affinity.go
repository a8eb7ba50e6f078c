package kernel

import "ringside/sim"

// Affinity moves the interrupt of a receive queue to another core while the machine
// runs, as a write to /proc/irq/N/smp_affinity does, or irqbalance. Who writes is not
// modelled, and the vector is the same on the new core; Linux looks for a free one.
type Affinity struct {
	At    sim.Time
	Queue int
	CPU   int
}

// affinityText: the row of the MSI-X table must be masked while it is changed, or the
// card could send a message that is half old and half new (PCI specification, "MSI-X
// Table"). What comes meanwhile is kept in the pending bit.
var affinityText = text{
	fnWriteMsgMSIX: {Name: "pci_write_msg_msix", File: "drivers/pci/msi/msi.c, below irq_set_affinity",
		Say: "An interrupt moves to another core: a new message goes into its row of the MSI-X table.",
		Why: "The row is masked while it changes; a cause meanwhile sets its pending bit and is told afterwards.",
		Steps: []step{
			{Name: "vector control: masked", Do: nothing},
			{Name: "address and data of the other core", Do: nothing},
			{Name: "vector control: unmasked; what is pending goes out", Do: nothing},
		}},
}

// Steps of a move.
const (
	moveMask int32 = iota
	moveWrite
	moveUnmask
)

// moveIRQ does a step of a move: each is a write to the card.
func (m *Machine) moveIRQ(e *sim.Event, r *sim.Record) {
	a := &m.Config.Affinity[e.A]
	v := &m.NIC.MSIX[a.Queue]
	about(r, KindVector, int32(VectorCard+a.Queue))
	r.Fn, r.Step, r.Dur = uint16(fnWriteMsgMSIX), uint8(e.B), m.Costs[costMMIO]
	switch e.B {
	case moveMask:
		m.NIC.MaskVector(a.Queue)
	case moveWrite:
		addr, data := msiMessage(a.CPU, VectorCard+uint8(a.Queue))
		m.NIC.SetVector(a.Queue, addr, data)
		r.Arg[0], r.Arg[1] = int64(addr), int64(data)
	case moveUnmask:
		if v.Pending {
			r.Arg[0] = 1
		}
		m.NIC.UnmaskVector(a.Queue, m.Now, &m.Queue, m.Seq)
		return
	}
	m.Queue.Push(sim.Event{At: m.Now + m.Costs[costMMIO], Cause: m.Seq, Kind: evAffinity, A: e.A, B: e.B + 1})
}
