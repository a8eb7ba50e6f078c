package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// A second device on the interrupt line: a USB controller whose transfers end from
// time to time. Of the controller there is the status register, of its driver the
// interrupt handler: drivers/usb/core/hcd.c, drivers/usb/host/uhci-hcd.c.

// USBConfig describes it.
type USBConfig struct {
	Every sim.Time // a transfer ends every so often; 0: there is no such device
	Count int      // so many of them; 0: without an end
}

// USB is the controller's state.
type USB struct {
	Status uint16 // USBSTS
}

// usbINT is USBSTS_USBINT: a transfer is complete.
const usbINT = 1

const fileUHCI = "drivers/usb/host/uhci-hcd.c"

var uhciText = text{
	fnUSB: device("usb controller", StNone, "Intel UHCI design guide, USB Status Register", "a transfer is complete: USBSTS.USBINT, INTA#",
		"Another device on the card's interrupt line wants the core.",
		"Two pins, one wire: who pulls it cannot be told from its level."),
	fnUSBHcdIRQ: {Name: "usb_hcd_irq", File: "drivers/usb/core/hcd.c",
		Say:   "The USB core's interrupt handler: it asks the controller's driver.",
		Why:   "It is registered with IRQF_SHARED: others are on this line too.",
		Steps: []step{{Name: "hcd->driver->irq", Cost: costFn, Do: calls(fnUHCIIRQ)}}},
	fnUHCIIRQ: {Name: "uhci_irq", File: fileUHCI,
		Say: "Asks the controller whether it was the one.",
		Why: "Without its own cause it says IRQ_NONE, and the next handler of the line is asked.",
		Steps: []step{
			{Name: "read USBSTS: mine?", Cost: costMMIORead, Do: (*Machine).uhciStatus},
			{Name: "write USBSTS: the cause is cleared", Cost: costMMIO, Do: (*Machine).uhciClear},
		}},
}

func (m *Machine) usbInterrupts(e *sim.Event, r *sim.Record) {
	about(r, KindIRQ, LineIRQ)
	r.Fn = uint16(fnUSB)
	m.USB.Status |= usbINT
	m.driveLine()
	if n := m.Config.USB.Count; n == 0 || int(e.B)+1 < n {
		m.Queue.Push(sim.Event{At: m.Now + m.Config.USB.Every, Cause: sim.NoSeq, Kind: evUSB, B: e.B + 1})
	}
}

func (m *Machine) uhciStatus(c *cpu.Core, r *sim.Record) {
	about(r, KindIRQ, LineIRQ)
	r.Arg[0] = int64(m.USB.Status)
	if m.USB.Status == 0 {
		c.Return(irqNone)
	}
}

func (m *Machine) uhciClear(c *cpu.Core, r *sim.Record) {
	about(r, KindIRQ, LineIRQ)
	m.USB.Status = 0
	m.driveLine()
	c.Return(irqHandled)
}
