package kernel

import (
	"math/bits"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// The interrupt line that devices without messages share, and where it leads: to
// an input of the I/O APIC, or of the 8259A pair. The pins of PCI devices are
// active low and may be tied together: the line is asserted as long as one device
// pulls it.

var lineText = text{
	fnPin: cardStage(nic.StagePin, "pci pin", StMSI),
	fnIOAPIC: device("i/o apic", StMSI, "Intel 82093AA datasheet, I/O Redirection Table Registers", "redirection entry: a message; Remote IRR set",
		"The I/O APIC reads the input's redirection entry and sends its vector to the core that it names.",
		"Remote IRR keeps the level from sending it again and again: the next message waits for the EOI."),
	fnIOAPICEOI: device("i/o apic", StNone, "Intel 82093AA datasheet, Remote IRR", "EOI: Remote IRR cleared, the line is looked at",
		"The local APIC has broadcast the EOI of a level-triggered vector.",
		"If the line is still asserted, somebody was not served: the interrupt comes again."),
	fnPIC: device("8259A", StMSI, "Intel 8259A datasheet, Interrupt Sequence", "IRR bit set, INT to the master, INTR to the core",
		"The 8259A notes the request; if it is not masked and has the priority, it asks the core.",
		"INTR names no interrupt: the core has to ask back, with INTA."),
}

// openLine sets up the controller that the line leads to, all other inputs masked
// (native_init_IRQ, setup_IO_APIC).
func (m *Machine) openLine() {
	for i := range m.IOAPIC.Pins {
		m.IOAPIC.Pins[i].Masked = true
	}
	switch {
	case m.Config.IRQChip == ChipPIC:
		m.init8259A()
	case m.descOf[VectorLine] != 0:
		m.IOAPIC.Pins[LineIRQ] = cpu.Redir{Vector: VectorLine, Dest: uint8(m.irqCPU(0)), Level: true, Low: true}
	}
	if every := m.Config.USB.Every; every > 0 {
		m.Queue.Push(sim.Event{At: every, Cause: sim.NoSeq, Kind: evUSB})
	}
}

// driveLine makes the line what the devices' pins say, and tells the controller.
func (m *Machine) driveLine() {
	asserted := m.NIC.PinSeen || m.USB.Status != 0
	m.Pulled = m.Pulled || m.NIC.PinSeen
	if asserted == m.Line {
		return
	}
	m.Line = asserted
	switch {
	case m.Config.IRQChip == ChipIOAPIC:
		if m.IOAPIC.SetLine(LineIRQ, asserted) {
			m.pushIOAPIC(LineIRQ)
		}
	case asserted:
		m.Queue.Push(sim.Event{At: m.Now + m.Costs[costPIC], Cause: m.Seq, Kind: evPIC})
	default:
		m.PIC.SetLine(LineIRQ, false)
		m.driveINTR()
	}
}

func (m *Machine) pushIOAPIC(pin int) {
	m.Queue.Push(sim.Event{At: m.Now + m.Costs[costIOAPIC], Cause: m.Seq, Kind: evIOAPIC, A: int32(pin)})
}

// ioapicSends is a message to a local APIC: as from a card, it is a memory write.
func (m *Machine) ioapicSends(pin int, r *sim.Record) {
	e, _ := m.IOAPIC.Send(pin)
	m.Pulled = m.NIC.PinSeen
	about(r, KindIRQ, int32(pin))
	r.Fn, r.Dur, r.Station = uint16(fnIOAPIC), m.Costs[costIOAPIC], m.lineStation(StMSI)
	r.Arg[0], r.Arg[1] = int64(e.Dest), int64(e.Vector)
	m.Queue.Push(sim.Event{At: m.Now + m.Costs[costMessage], Cause: m.Seq, Kind: evMessage, A: int32(e.Dest), B: int32(e.Vector)})
}

func (m *Machine) ioapicEOI(vector uint8, r *sim.Record) {
	again := m.IOAPIC.EOI(vector)
	about(r, KindVector, int32(vector))
	r.Fn, r.Dur = uint16(fnIOAPICEOI), m.Costs[costIOAPIC]
	r.Arg[0], r.Arg[1] = int64(vector), int64(again)
	for ; again != 0; again &= again - 1 {
		m.pushIOAPIC(bits.TrailingZeros32(again))
	}
}

func (m *Machine) picRequests(r *sim.Record) {
	about(r, KindIRQ, LineIRQ)
	r.Fn, r.Dur, r.Station = uint16(fnPIC), m.Costs[costPIC], m.lineStation(StMSI)
	m.Pulled = m.NIC.PinSeen
	m.PIC.SetLine(LineIRQ, true)
	m.driveINTR()
}

// lineStation is a station of a packet's path if the card pulls the line.
func (m *Machine) lineStation(s uint8) uint8 {
	if m.NIC.PinSeen {
		return s
	}
	return StNone
}

// driveINTR makes the core's INTR what the 8259A pair says. It leads to LINT0 of
// core 0's local APIC, which is programmed to pass it on.
func (m *Machine) driveINTR() {
	a, wants := &m.Cores[0].APIC, m.PIC.INTR()
	if wants && !a.ExtINT {
		a.ExtCause = m.Seq
	}
	if a.ExtINT = wants; wants {
		m.Cores[0].Asked(m.Now)
	}
}

// inta is the core's acknowledgement of INTR.
func (m *Machine) inta(*cpu.Core) uint8 {
	v := m.PIC.INTA()
	m.driveINTR()
	return v
}
