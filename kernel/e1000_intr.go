package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The driver's interrupt handlers without MSI-X: drivers/net/ethernet/intel/
// e1000e/netdev.c. Both read the cause from the card, across the bus; that clears
// it and masks the interrupt (IAM).

var e1000IntrText = text{
	fnE1000IntrMSI: {Name: "e1000_intr_msi", File: fileE1000e, Station: StIRQ,
		Say: "The card's interrupt handler with MSI: it reads the cause, and asks for the poll.",
		Why: "One message stands for all causes, so the card must be asked which; MSI-X has a vector for each.",
		Steps: []step{
			{Name: "read ICR: the causes are cleared, interrupts masked", Cost: costMMIORead, Do: (*Machine).readICR},
			{Name: "napi_schedule_prep", Cost: costHandler, Do: (*Machine).e1000Intr},
		}},
	fnE1000IntrPin: {Name: "e1000_intr", File: fileE1000e, Station: StIRQ,
		Say: "The card's interrupt handler on a shared line: it asks the card whether it was the one.",
		Why: "The line says only that somebody wants something. A handler that took what is another's would let that one wait for ever.",
		Steps: []step{
			{Name: "read ICR: mine? The causes are cleared", Cost: costMMIORead, Do: (*Machine).readICR},
			{Name: "napi_schedule_prep", Cost: costHandler, Do: (*Machine).e1000Intr},
		}},
}

// readICR: a handler that finds no cause says IRQ_NONE. With MSI nobody else can
// have sent the message, and the driver does not look.
func (m *Machine) readICR(c *cpu.Core, r *sim.Record) {
	about(r, KindIRQ, int32(m.irqs[m.descOf[c.Vector]-1].IRQ))
	icr := m.NIC.ReadICR(m.Now, &m.Queue, m.Seq)
	r.Arg[0] = int64(icr)
	if icr == 0 && r.Fn == uint16(fnE1000IntrPin) {
		c.Return(irqNone)
	}
}
