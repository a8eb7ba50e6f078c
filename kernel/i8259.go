package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The 8259A pair's driver: arch/x86/kernel/i8259.c. Each access to a port is slow,
// and there are several for an interrupt.

const fileI8259 = "arch/x86/kernel/i8259.c"

// Command words of the 8259A.
const (
	icw1Init    = 0x11 // edge triggered, cascaded, ICW4 follows
	icw4        = 0x01 // 8086 mode, normal EOI
	ocw2SpecEOI = 0x60 // and the input
	ocw3IRR     = 0x0a // a read gives IRR
	ocw3ISR     = 0x0b // a read gives ISR
	maskAll     = 0xff
)

var i8259Text = text{
	fnHandleLevelIRQ: {Name: "handle_level_irq", File: "kernel/irq/chip.c", Station: StIRQ,
		Say: "The flow of an interrupt on the 8259A: mask and acknowledge, handle, unmask.",
		Why: "The line stays asserted until its device is served: unmasked, it would interrupt at once again.",
		Steps: []step{
			{Name: "mask_ack_irq", Cost: costFn, Do: callsWithArg(fnMaskAck8259A)},
			{Name: "handle", Cost: costFn, Do: (*Machine).levelHandle},
			{Name: "cond_unmask_irq", Cost: costFn, Do: (*Machine).levelUnmask},
		}},
	fnMaskAck8259A: {Name: "mask_and_ack_8259A", File: fileI8259, Station: StIRQ,
		Say: "Masks the input and ends the interrupt at both controllers.",
		Why: "A specific EOI names the input; the master must hear that its input 2, the slave, is done too.",
		Steps: []step{
			{Name: "inb the mask; masked already: spurious?", Cost: costPortIO, Do: (*Machine).picReal},
			{Name: "outb the mask", Cost: costPortIO, Do: (*Machine).picMask},
			{Name: "outb specific EOI", Cost: costPortIO, Do: (*Machine).picEOI},
			{Name: "outb specific EOI for IR2 to the master", Cost: costPortIO, Do: (*Machine).picEOIMaster},
		}},
	fnEnable8259A: {Name: "enable_8259A_irq", File: fileI8259, Station: StIRQ,
		Say:   "Unmasks the input.",
		Why:   "If the line is still asserted, the 8259A asks again.",
		Steps: []step{{Name: "outb the mask", Cost: costPortIO, Do: (*Machine).picUnmask}}},
}

// init8259A writes the initialization command words and masks all inputs but the
// cascade and the line, which the chip set makes level-triggered.
func (m *Machine) init8259A() {
	for _, x := range []struct {
		p    *cpu.PIC
		base uint8
		icw3 uint8
		mask uint8
	}{
		{&m.PIC.Master, VectorISA, 1 << cascadeIRQ, maskAll &^ (1 << cascadeIRQ)},
		{&m.PIC.Slave, VectorISA + 8, cascadeIRQ, maskAll},
	} {
		x.p.WriteCommand(icw1Init)
		x.p.WriteData(x.base)
		x.p.WriteData(x.icw3)
		x.p.WriteData(icw4)
		x.p.WriteData(x.mask)
	}
	if m.descOf[VectorISA+LineIRQ] != 0 {
		p, ir := m.PIC.Of(LineIRQ)
		p.ELCR = 1 << ir
		p.WriteData(p.IMR &^ p.ELCR)
	}
}

// picOf gives the controller and input of the interrupt that a function is about.
func (m *Machine) picOf(c *cpu.Core, r *sim.Record) (*cpu.PIC, uint8) {
	irq := m.irqs[c.Frame().L[0]].IRQ
	about(r, KindIRQ, int32(irq))
	p, ir := m.PIC.Of(irq)
	return p, uint8(ir)
}

// picReal: an interrupt on an input that is masked may be the 8259A's answer to an
// acknowledgement that found nothing. Its register of what is in service tells
// (i8259A_irq_real).
func (m *Machine) picReal(c *cpu.Core, r *sim.Record) {
	p, ir := m.picOf(c, r)
	if p.IMR&(1<<ir) == 0 {
		return
	}
	p.WriteCommand(ocw3ISR)
	if p.ReadCommand()&(1<<ir) == 0 {
		m.Counters.IRQErrors++
	}
	p.WriteCommand(ocw3IRR)
}

// levelHandle: an interrupt that nobody has asked for has no handlers, and stays
// masked.
func (m *Machine) levelHandle(c *cpu.Core, r *sim.Record) {
	desc := c.Frame().L[0]
	if len(m.irqs[desc].Actions) == 0 {
		m.countIRQ(c, desc)
		c.Return(0)
		return
	}
	m.flowHandle(c, r)
}

func (m *Machine) levelUnmask(c *cpu.Core, r *sim.Record) { c.Call(fnEnable8259A, c.Frame().L[0]) }

func (m *Machine) picMask(c *cpu.Core, r *sim.Record) {
	p, ir := m.picOf(c, r)
	p.WriteData(p.IMR | 1<<ir)
	m.driveINTR()
}

func (m *Machine) picUnmask(c *cpu.Core, r *sim.Record) {
	p, ir := m.picOf(c, r)
	p.WriteData(p.IMR &^ (1 << ir))
	m.driveINTR()
}

// picEOI: an input of the slave needs a second EOI, to the master.
func (m *Machine) picEOI(c *cpu.Core, r *sim.Record) {
	p, ir := m.picOf(c, r)
	p.WriteCommand(ocw2SpecEOI | ir)
	m.driveINTR()
	if p == &m.PIC.Master {
		c.Return(0)
	}
}

func (m *Machine) picEOIMaster(c *cpu.Core, r *sim.Record) {
	m.picOf(c, r)
	m.PIC.Master.WriteCommand(ocw2SpecEOI | cascadeIRQ)
	m.driveINTR()
}
