package kernel

import (
	"fmt"

	"ringside/cpu"
	"ringside/sim"
)

// Talk is what one part of the interrupt hardware says to another, or to the
// kernel, in a record.
type Talk struct{ From, To, What string }

// Said gives it, if the record is of that kind.
func (im *Image) Said(r *sim.Record) (Talk, bool) {
	core := fmt.Sprint("cpu", max(r.CPU, 0))
	if im.ABI.Arm64 {
		return im.saidOnArm(r, core, fmt.Sprint("GIC", max(r.CPU, 0)))
	}
	lapic := fmt.Sprint("LAPIC", max(r.CPU, 0))
	switch cpu.CodeID(r.Fn) {
	case fnMSI:
		return Talk{"eth0", "bus", fmt.Sprintf("write %08x data %02x", r.Arg[0], uint32(r.Arg[1]))}, true
	case fnPin:
		return Talk{"eth0", im.pinChip(), [...]string{"INTA# let go", "INTA# asserted"}[r.Arg[0]]}, true
	case fnUSB:
		return Talk{"usb", im.pinChip(), "INTA# asserted"}, true
	case fnIOAPIC:
		return Talk{"IOAPIC", fmt.Sprint("LAPIC", r.Arg[0]), fmt.Sprintf("vector %02x level", r.Arg[1])}, true
	case fnIOAPICEOI:
		what := fmt.Sprintf("EOI %02x", r.Arg[0])
		if r.Arg[1] != 0 {
			what += ", line asserted"
		}
		return Talk{"LAPIC", "IOAPIC", what}, true
	case fnPIC:
		return Talk{"8259A", "cpu0", "INTR"}, true
	case fnLocalAPIC, fnTimerExpiry, fnIPI:
		return Talk{im.sender(r), lapic, fmt.Sprintf("IRR %02x:1%s", r.Arg[0], [...]string{" merged", ""}[r.Arg[1]])}, true
	case fnInterruptDelivery:
		switch int(r.Step) {
		case cpu.StepTake:
			return Talk{lapic, core, fmt.Sprintf("vector %02x, ISR %02x:1", r.Arg[0], r.Arg[0])}, true
		case cpu.StepINTA:
			return Talk{core, "8259A", fmt.Sprintf("INTA: vector %02x", r.Arg[0])}, true
		}
	}
	return im.driverSaid(r, core, lapic)
}

// saidOnArm: the core has to ask the controller which interrupt it is.
func (im *Image) saidOnArm(r *sim.Record, core, gic string) (Talk, bool) {
	switch cpu.CodeID(r.Fn) {
	case fnMSI:
		return Talk{"eth0", "ITS", fmt.Sprintf("write %08x data %02x", r.Arg[0], uint32(r.Arg[1]))}, true
	case fnLocalAPIC, fnTimerExpiry, fnIPI:
		from := map[cpu.CodeID]string{fnLocalAPIC: "ITS", fnTimerExpiry: "timer", fnIPI: "SGI"}[cpu.CodeID(r.Fn)]
		return Talk{from, gic, fmt.Sprintf("INTID %d pending%s", INTID(int(r.Arg[0])), [...]string{", merged", ""}[r.Arg[1]])}, true
	case fnGICHandleIRQ:
		switch r.Step {
		case 0:
			return Talk{gic, core, fmt.Sprintf("ICC_IAR1_EL1: INTID %d", INTID(int(r.Obj)))}, true
		case 1:
			return Talk{core, gic, fmt.Sprintf("ICC_EOIR1_EL1: INTID %d", INTID(int(r.Obj)))}, true
		}
	}
	return im.answered(r, core)
}

// answered is what a handler has said.
func (im *Image) answered(r *sim.Record, core string) (Talk, bool) {
	if r.Point != PointIRQHandlerExit {
		return Talk{}, false
	}
	return Talk{im.actionName(r.Arg[0], r.Arg[1]>>1), core, [...]string{"IRQ_HANDLED", "IRQ_NONE"}[r.Arg[1]&1]}, true
}

// driverSaid is what software says.
func (im *Image) driverSaid(r *sim.Record, core, lapic string) (Talk, bool) {
	s := &im.Text.Codes[r.Fn].Steps
	switch {
	case im.Text.Codes[r.Fn].Interp:
	case r.Point == PointIRQHandlerExit:
		return im.answered(r, core)
	case (*s)[r.Step].Cost == costEOI:
		return Talk{core, lapic, "EOI"}, true
	case (*s)[r.Step].Cost == costPortIO:
		return Talk{core, "8259A", (*s)[r.Step].Name}, true
	}
	return Talk{}, false
}

// pinChip is where the interrupt line leads.
func (im *Image) pinChip() string {
	return [...]string{ChipIOAPIC: "IOAPIC", ChipPIC: "8259A"}[im.Config.IRQChip]
}

// sender is who has sent a vector to a local APIC.
func (im *Image) sender(r *sim.Record) string {
	switch {
	case r.Fn == uint16(fnTimerExpiry):
		return "timer"
	case r.Fn == uint16(fnIPI):
		return "ICR"
	case r.Arg[0] == VectorLine:
		return "IOAPIC"
	}
	return "bus"
}
