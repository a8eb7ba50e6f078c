package cpu

import "math/bits"

// PIC is one 8259A interrupt controller (Intel 8259A datasheet): eight inputs,
// fixed priority, IR0 highest.
type PIC struct {
	IRR, ISR, IMR uint8 // requested; in service; masked
	Lines         uint8 // the inputs that are asserted
	ELCR          uint8 // those that are level-triggered: the chip set's edge/level control register
	Base          uint8 // ICW2: the vector of IR0
	Cascade       uint8 // ICW3: of the master, the inputs with a slave
	readISR       bool  // OCW3: what a read of the command port gives
	icw           uint8 // the initialization command word that comes next, or 0
}

// WriteCommand writes to the port with A0 = 0: ICW1 begins the initialization,
// OCW2 ends an interrupt, OCW3 chooses what is read.
func (p *PIC) WriteCommand(v uint8) {
	switch {
	case v&0x10 != 0: // ICW1
		*p = PIC{Lines: p.Lines, ELCR: p.ELCR, icw: 2}
	case v&0x08 != 0: // OCW3
		p.readISR = v&3 == 3
	case v>>5 == 1: // non-specific EOI
		p.ISR &= p.ISR - 1
	case v>>5 == 3: // specific EOI
		p.ISR &^= 1 << (v & 7)
	}
}

// WriteData writes to the port with A0 = 1: the mask (OCW1), or what follows ICW1.
func (p *PIC) WriteData(v uint8) {
	switch p.icw {
	case 0:
		p.IMR = v
		return
	case 2:
		p.Base = v &^ 7
	case 3:
		p.Cascade = v
	}
	p.icw = (p.icw + 1) % 5 // ICW4 is the last
}

// ReadCommand reads the port with A0 = 0.
func (p *PIC) ReadCommand() uint8 {
	if p.readISR {
		return p.ISR
	}
	return p.IRR
}

// SetLine tells the level of an input. A request is withdrawn with its line.
func (p *PIC) SetLine(ir int, asserted bool) {
	bit := uint8(1) << ir
	if !asserted {
		p.Lines &^= bit
		p.IRR &^= bit
		return
	}
	if p.ELCR&bit != 0 || p.Lines&bit == 0 {
		p.IRR |= bit
	}
	p.Lines |= bit
}

// request gives the input that asks for service: the highest one that is not
// masked, if it is above all that are in service; or -1.
func (p *PIC) request() int {
	ir := bits.TrailingZeros8(p.IRR &^ p.IMR)
	if ir >= bits.TrailingZeros8(p.ISR) {
		return -1
	}
	return ir
}

// INT is the output: an input asks for service.
func (p *PIC) INT() bool { return p.request() >= 0 }

// inta takes the acknowledgement: the request goes into service. Without one left
// the answer is IR7, and nothing is in service: a spurious interrupt (8259A
// datasheet, "default IR7").
func (p *PIC) inta() (ir int) {
	ir = p.request()
	if ir < 0 {
		return 7
	}
	bit := uint8(1) << ir
	p.ISR |= bit
	if p.ELCR&bit == 0 {
		p.IRR &^= bit // the next one needs an edge
	}
	return ir
}

// PICs are the two 8259A of a PC: the slave's output is an input of the master.
type PICs struct{ Master, Slave PIC }

// slaveInput is where the slave is: IR2.
const slaveInput = 2

// SetLine tells the level of one of the sixteen inputs.
func (p *PICs) SetLine(irq int, asserted bool) {
	if irq < 8 {
		p.Master.SetLine(irq, asserted)
		return
	}
	p.Slave.SetLine(irq-8, asserted)
	p.cascade()
}

// cascade carries the slave's output to the master.
func (p *PICs) cascade() {
	if out := p.Slave.INT(); out != (p.Master.Lines&(1<<slaveInput) != 0) {
		p.Master.SetLine(slaveInput, out)
	}
}

// Of gives the controller of an interrupt line, and its input there.
func (p *PICs) Of(irq int) (*PIC, int) {
	if irq < 8 {
		return &p.Master, irq
	}
	return &p.Slave, irq - 8
}

// INTR is the line to the processor. It is to be read after every change.
func (p *PICs) INTR() bool {
	p.cascade()
	return p.Master.INT()
}

// INTA takes the processor's two acknowledge cycles and gives the vector: the
// slave's, if the master has put it into service.
func (p *PICs) INTA() uint8 {
	p.cascade()
	ir := p.Master.inta()
	if ir == slaveInput && p.Master.Cascade&(1<<slaveInput) != 0 {
		ir = p.Slave.inta()
		p.cascade()
		return p.Slave.Base + uint8(ir)
	}
	return p.Master.Base + uint8(ir)
}
