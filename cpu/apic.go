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

// APIC is a core's local interrupt controller (Intel SDM volume 3, chapter
// "Advanced Programmable Interrupt Controller"). A vector's priority class is
// its upper four bits.
type APIC struct {
	IRR, ISR Bits  // requested; in service
	TPR      uint8 // task priority
	Timer    sim.Time
	TimerGen int32        // counts programmings, so that an outdated expiry is known
	Cause    [256]sim.Seq // the record that requested each vector
}

// Accept takes an interrupt message: the vector's IRR bit is set. An edge on a
// vector that is requested already merges with it, and Accept returns false.
func (a *APIC) Accept(v uint8, cause sim.Seq) bool {
	if a.IRR.Has(v) {
		return false
	}
	a.IRR.set(v)
	a.Cause[v] = cause
	return true
}

// PPR is the processor priority: the higher class of TPR and of the interrupt
// in service (SDM volume 3, "Task and Processor Priorities").
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

// Ack moves a vector from requested to in service, as the core does when it
// takes the interrupt.
func (a *APIC) Ack(v uint8) {
	a.IRR.clear(v)
	a.ISR.set(v)
}

// EOI ends the service of the highest interrupt in service and returns its
// vector, or -1 when there was none.
func (a *APIC) EOI() int {
	v := a.ISR.Highest()
	if v >= 0 {
		a.ISR.clear(uint8(v))
	}
	return v
}
