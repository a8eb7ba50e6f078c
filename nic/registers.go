package nic

import "ringside/sim"

// What the driver sees of the card: writes to its registers, and the ring in
// host memory.

// Descriptor is a descriptor of a receive ring.
func (n *NIC) Descriptor(queue, i int32) *Desc { return &n.Queues[queue].Ring[i] }

// Refill gives a descriptor a new buffer. The driver does this before it moves
// the tail over the descriptor.
func (n *NIC) Refill(queue, i int32, addr uint64) {
	n.Queues[queue].Ring[i] = Desc{Addr: addr, Frame: -1}
}

// WriteRDBA says where a queue's ring lies.
func (n *NIC) WriteRDBA(queue int32, addr uint64) { n.Queues[queue].Base = addr }

// WriteRDT moves the tail: the card owns the descriptors before it.
func (n *NIC) WriteRDT(queue int32, tail uint32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.Queues[queue].Tail = tail
	n.startDMA(now, q, cause)
}

// firstCause is the bit of receive queue 0 in the cause and mask registers. An
// 82574 has it at bit 20 of ICR and IMS (E1000_IMS_RXQ0, e1000e defines.h); an
// 82576 counts from bit 0 of EICR and EIMS, which have nothing but the vectors
// (E1000_EICR_RX_QUEUE0, igb e1000_defines.h).
func (n *NIC) firstCause() int {
	if n.Config.Advanced {
		return 0
	}
	return 20
}

// Cause is the interrupt cause of a receive queue.
func (n *NIC) Cause(queue int32) uint32 {
	if n.Config.Mode != MSIX {
		return CauseRxT0
	}
	return 1 << (n.firstCause() + int(queue))
}

// WriteIMS lets causes interrupt. One that is set already does so at once.
func (n *NIC) WriteIMS(mask uint32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.IMS |= mask
	n.signal(mask, now, q, cause)
}

// WriteIMC keeps causes from interrupting. They can still be set.
func (n *NIC) WriteIMC(mask uint32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.IMS &^= mask
	n.signal(mask, now, q, cause)
}

// ReadICR gives the causes that are set, clears them, and masks all of them if the
// card has interrupted. A driver with MSI-X has no need to: the vector says the
// cause, and EIAC clears it.
func (n *NIC) ReadICR(now sim.Time, q *sim.Queue, cause sim.Seq) uint32 {
	causes := n.ICR
	n.ICR = 0
	if causes&CauseAsserted != 0 {
		n.IMS = 0
	}
	n.signal(causes, now, q, cause)
	return causes
}

// SetMSI writes the MSI capability.
func (n *NIC) SetMSI(addr uint64, data uint32) { n.MSI = Vector{Addr: addr, Data: data} }

// SetVector writes a row of the MSI-X table.
func (n *NIC) SetVector(i int, addr uint64, data uint32) {
	n.MSIX[i].Addr, n.MSIX[i].Data = addr, data
}

// MaskVector keeps a vector's message back; a cause meanwhile makes it pending.
func (n *NIC) MaskVector(i int) { n.MSIX[i].Masked = true }

// UnmaskVector lets it go again, at once if it is pending.
func (n *NIC) UnmaskVector(i int, now sim.Time, q *sim.Queue, cause sim.Seq) {
	n.MSIX[i].Masked, n.MSIX[i].Pending = false, false
	n.signal(n.VectorCause(i), now, q, cause)
}
