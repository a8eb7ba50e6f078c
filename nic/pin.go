package nic

import "ringside/sim"

// The two older ways to interrupt. The card has one signal inside: a cause is set
// and not masked. With MSI the signal's rise is a message, with INTx the signal is
// a pin of the PCI bus. The driver reads ICR to learn the cause; that clears it
// and masks the interrupt (82574 datasheet, "Interrupts": IAM with
// CTRL_EXT.IAME, as e1000e sets it up).

// Mode is how the card interrupts.
type Mode uint8

// Modes, best first.
const (
	MSIX Mode = iota
	MSI
	INTx
)

// Modes are their names in a scenario.
var Modes = [...]string{MSIX: "msi-x", MSI: "msi", INTx: "intx"}

// Causes that MSI and INTx know (E1000_ICR_*, e1000e defines.h).
const (
	CauseTxDW     = 1 << 0  // transmit descriptor written back: a frame is out
	CauseRxT0     = 1 << 7  // receive timer: frames have come
	CauseAsserted = 1 << 31 // the card has interrupted
)

// drive makes the signal what causes and masks say. A rise of it is a message or
// takes a posted write to where the pin leads; a fall of it is seen at once: the
// answer to the read that caused it comes behind it (PCI ordering rules).
func (n *NIC) drive(now sim.Time, q *sim.Queue, cause sim.Seq) {
	was := n.Asserted
	n.Asserted = n.ICR&n.IMS != 0
	switch {
	case n.Asserted == was:
		return
	case n.Asserted:
		n.ICR |= CauseAsserted
		n.Stats.Interrupts++
	}
	switch {
	case n.Config.Mode == INTx && n.Asserted:
		at, _ := n.message(now)
		q.Push(sim.Event{At: at, Cause: cause, Kind: EvPin, A: n.told(), C: int64(at - now)})
	case n.Config.Mode == INTx:
		q.Push(sim.Event{At: now, Cause: cause, Kind: EvPin, A: n.told()})
	case n.Asserted:
		q.Push(sim.Event{At: now + n.Config.Costs.Table, Cause: cause, Kind: evMSI, A: n.told()})
	}
}

// told is the last frame that the signal tells of, or -1.
func (n *NIC) told() int32 {
	if n.ICR&(CauseRxT0|CauseTxDW) == CauseTxDW {
		return n.lastTx()
	}
	return n.Queues[0].last()
}
