package cpu

import (
	"math/bits"

	"ringside/sim"
)

// Bits is a 256-bit register of the local APIC, one bit a vector.
type Bits [4]uint64

// Has tells whether the bit of a vector is set.
func (b *Bits) Has(v uint8) bool { return b[v>>6]&(1<<(v&63)) != 0 }

// Highest gives the highest vector whose bit is set, or -1.
func (b *Bits) Highest() int {
	for i := 3; i >= 0; i-- {
		if b[i] != 0 {
			return i<<6 + 63 - bits.LeadingZeros64(b[i])
		}
	}
	return -1
}

func (b *Bits) set(v uint8)   { b[v>>6] |= 1 << (v & 63) }
func (b *Bits) clear(v uint8) { b[v>>6] &^= 1 << (v & 63) }

// SpuriousVector is what the local APIC hands out when it has nothing left to
// hand out. Linux programs it into the spurious-interrupt vector register
// (arch/x86/include/asm/irq_vectors.h).
const SpuriousVector = 0xff

// APIC is a core's local interrupt controller (Intel SDM volume 3, chapter
// "Advanced Programmable Interrupt Controller"). A vector's priority class is
// its upper four bits.
type APIC struct {
	IRR, ISR Bits    // requested; in service
	TMR      Bits    // of the accepted ones: those that are level-triggered
	TPR      uint8   // task priority
	ExtINT   bool    // the pin LINT0: an 8259A wants the core (virtual wire mode)
	ExtCause sim.Seq // the record that raised it
	Timer    APICTimer
	Cause    [256]sim.Seq // the record that requested each vector
}

// Accept takes an interrupt message: the vector's IRR bit is set. An edge on a
// vector that is requested already merges with it, and Accept returns false.
func (a *APIC) Accept(v uint8, cause sim.Seq) bool {
	a.TMR.clear(v)
	if a.IRR.Has(v) {
		return false
	}
	a.IRR.set(v)
	a.Cause[v] = cause
	return true
}

// AcceptLevel is Accept for a level-triggered interrupt: the vector's TMR bit
// tells the EOI that the I/O APIC waits for it.
func (a *APIC) AcceptLevel(v uint8, cause sim.Seq) bool {
	fresh := a.Accept(v, cause)
	a.TMR.set(v)
	return fresh
}

// PPR is the processor priority: the higher class of TPR and of the interrupt
// in service, with the sub-class of TPR if that is the higher one, else 0. With
// equal classes the manual leaves the sub-class to the model (SDM volume 3, "Task
// and Processor Priorities").
func (a *APIC) PPR() uint8 {
	isr := a.ISR.Highest()
	if isr < 0 || uint8(isr)&0xf0 < a.TPR&0xf0 {
		return a.TPR
	}
	return uint8(isr) & 0xf0
}

// Deliverable gives the vector that may interrupt the core now, if any: the
// highest requested one whose class is above the processor's priority.
func (a *APIC) Deliverable() (uint8, bool) {
	if a.IRR[0]|a.IRR[1]|a.IRR[2]|a.IRR[3] == 0 {
		return 0, false
	}
	v := uint8(a.IRR.Highest())
	return v, v&0xf0 > a.PPR()&0xf0
}

// wants tells whether the local APIC asks for the core: for an interrupt of its
// own, or for one of an 8259A, whose priority is not the local APIC's business.
func (a *APIC) wants() bool {
	_, ok := a.Deliverable()
	return ok || a.ExtINT
}

// Dispense answers the core's acknowledgement: the vector moves from requested to
// in service. If software has masked it since the core was asked, by raising the
// TPR, the answer is the spurious vector, which is not in service and gets no EOI
// (SDM volume 3, "Spurious Interrupt").
func (a *APIC) Dispense() uint8 {
	v, ok := a.Deliverable()
	if !ok {
		return SpuriousVector
	}
	a.IRR.clear(v)
	a.ISR.set(v)
	return v
}

// EOI ends the service of the highest interrupt in service and returns its
// vector, or -1 when there was none. If it was level-triggered, broadcast tells
// that the I/O APICs must hear of it.
func (a *APIC) EOI() (v int, broadcast bool) {
	v = a.ISR.Highest()
	if v < 0 {
		return v, false
	}
	a.ISR.clear(uint8(v))
	return v, a.TMR.Has(uint8(v))
}
