package tui

import (
	"fmt"
	"math/bits"
	"reflect"
	"strings"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/sim"
)

// What the inspector shows of the interrupt controllers.

var apicTable = kindTable{
	linux: "local APIC", doc: "A core's interrupt controller: what is requested, what is in service, what may interrupt now.",
	len: func(m *kernel.Machine) int { return len(m.Cores) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return reflect.ValueOf(&m.Cores[id].APIC).Elem() },
	rows: []fieldRow{
		{path: "IRR", linux: "IRR", doc: "vectors that are requested", show: vectors},
		{path: "ISR", linux: "ISR", doc: "vectors in service: EOI clears the highest", show: vectors},
		{path: "TMR", linux: "TMR", doc: "those that are level-triggered: their EOI goes on to the I/O APIC", show: vectors},
		{path: "TPR", linux: "TPR", doc: "task priority: classes up to it are held back", show: hex},
		{path: "ExtINT", linux: "LINT0, ExtINT", doc: "an 8259A asks for the core: the virtual wire"},
		{path: "Timer.LVT", linux: "LVTT", doc: "the timer's vector and mode", show: hex},
		{path: "Timer.Expires", linux: "(expiry)", doc: "when the timer goes off next", show: timerExpiry},
	},
	more: func(s *scene, id int32) []pageRow {
		c := &s.m.Cores[id]
		rows := []pageRow{{text: fmt.Sprintf("PPR %#x: only a vector of a higher class (its upper four bits) interrupts", c.APIC.PPR())}}
		switch v, ok := c.APIC.Deliverable(); {
		case ok && c.Regs.IF():
			rows = append(rows, pageRow{text: fmt.Sprintf("vector %d interrupts as soon as the step in flight is over", v)})
		case ok:
			rows = append(rows, pageRow{text: fmt.Sprintf("vector %d waits: the core has interrupts off", v)})
		}
		rows = append(rows, s.linkRow(ref{refCore, id}))
		switch {
		case hasIOAPIC(s.m) == 1:
			rows = append(rows, s.linkRow(ref{refIOAPIC, 0}))
		case hasPICs(s.m) > 0 && id == 0:
			rows = append(rows, s.linkRow(ref{refPIC, 0}))
		}
		return rows
	},
}

func timerExpiry(_ *kernel.Machine, v reflect.Value) string {
	if v.Int() == int64(sim.Never) {
		return "never"
	}
	return showValue(v)
}

// vectors are the bits that are set.
func vectors(_ *kernel.Machine, v reflect.Value) string {
	bits := v.Interface().(cpu.Bits)
	var names []string
	for vec := range 256 {
		if bits.Has(uint8(vec)) {
			names = append(names, fmt.Sprint(vec))
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}

// hasIOAPIC and hasPICs tell how many there are: an x86 machine has an I/O APIC, or
// with irqchip: pic the two 8259A.
func hasIOAPIC(m *kernel.Machine) int {
	return b2i(!m.ABI.Arm64 && m.Config.IRQChip == kernel.ChipIOAPIC)
}

func hasPICs(m *kernel.Machine) int {
	return 2 * b2i(!m.ABI.Arm64 && m.Config.IRQChip == kernel.ChipPIC)
}

var ioapicTable = kindTable{
	linux: "struct ioapic", doc: "The I/O APIC (82093AA): turns the levels of interrupt lines into messages to local APICs. Devices with MSI do not need it.",
	len: hasIOAPIC,
	get: func(m *kernel.Machine, _ int32) reflect.Value { return reflect.ValueOf(&m.IOAPIC).Elem() },
	rows: []fieldRow{
		{path: "Lines", linux: "(INTIN)", doc: "inputs that are asserted, whatever their polarity", show: inputs("pin")},
		{path: "Sent", linux: "(messages)", doc: "messages that it has sent to local APICs"},
		{path: "Pins", linux: "nr_registers", doc: "entries of the redirection table: one an input"},
	},
	more: func(s *scene, _ int32) []pageRow {
		rows := []pageRow{head("the redirection table")}
		masked := 0
		for pin := range s.m.IOAPIC.Pins {
			e := &s.m.IOAPIC.Pins[pin]
			if e.Masked && !e.RemoteIRR && !e.Pending && s.m.IOAPIC.Lines&(1<<pin) == 0 {
				masked++
				continue
			}
			row := s.linkRow(ref{refRedir, int32(pin)})
			row.text += fmt.Sprintf("  vector %d to cpu%d", e.Vector, e.Dest)
			for _, bit := range []struct {
				on   bool
				name string
			}{{e.Masked, "masked"}, {e.Pending, "send pending"}, {e.RemoteIRR, "remote IRR"}} {
				if bit.on {
					row.text += "  " + bit.name
				}
			}
			row.mark = *e != s.was.IOAPIC.Pins[pin]
			rows = append(rows, row)
		}
		return append(rows, pageRow{text: fmt.Sprintf("  %d masked and idle (:inspect redirection entry N)", masked)})
	},
}

var redirTable = kindTable{
	linux: "struct IO_APIC_route_entry", doc: "An entry of the I/O APIC's redirection table: what an input sends, to whom, and how far that is.",
	len: func(m *kernel.Machine) int { return hasIOAPIC(m) * cpu.NumPins },
	get: func(m *kernel.Machine, id int32) reflect.Value { return reflect.ValueOf(&m.IOAPIC.Pins[id]).Elem() },
	rows: []fieldRow{
		{path: "Vector", linux: "vector", doc: "what it sends", show: nothing("0: never programmed")},
		{path: "Dest", linux: "destid_0_7", doc: "the core whose local APIC it sends to", link: refAPIC},
		{path: "Level", linux: "is_level", doc: "trigger mode: level, sent again after the EOI as long as the line is asserted; else edge"},
		{path: "Low", linux: "active_low", doc: "polarity: the line is asserted when it is low, as those of PCI are"},
		{path: "Masked", linux: "masked", doc: "the input sends nothing; an edge meanwhile is lost, a level is not"},
		{path: "Pending", linux: "delivery_status", doc: "send pending: a message waits to be sent"},
		{path: "RemoteIRR", linux: "irr", doc: "remote IRR: a local APIC has accepted a level and not ended it; nothing is sent before its EOI"},
	},
	more: func(s *scene, id int32) []pageRow {
		e := &s.m.IOAPIC.Pins[id]
		line := "is not asserted"
		if s.m.IOAPIC.Lines&(1<<id) != 0 {
			line = "is asserted"
		}
		return []pageRow{
			{text: fmt.Sprintf("the register holds %#016x; delivery mode fixed, destination mode physical", e.Word())},
			{text: "its line " + line, mark: (s.m.IOAPIC.Lines^s.was.IOAPIC.Lines)&(1<<id) != 0},
			s.linkRow(ref{refIOAPIC, 0}),
		}
	},
}

var picTable = kindTable{
	linux: "struct legacy_pic", doc: "An 8259A: eight inputs, IR0 first. Of two, the slave's output is the master's IR2, and the master's the core's INTR.",
	len: hasPICs,
	get: func(m *kernel.Machine, id int32) reflect.Value { return reflect.ValueOf(picOf(m, id)).Elem() },
	rows: []fieldRow{
		{path: "IRR", linux: "IRR (OCW3 0x0a)", doc: "inputs that are requested", show: inputs("IR")},
		{path: "ISR", linux: "ISR (OCW3 0x0b)", doc: "inputs in service: they hold back those behind them until an EOI", show: inputs("IR")},
		{path: "IMR", linux: "cached_irq_mask", doc: "inputs that are masked: requested perhaps, but not passed on", show: inputs("IR")},
		{path: "Lines", linux: "(IR0 to IR7)", doc: "inputs that are asserted", show: inputs("IR")},
		{path: "ELCR", linux: "PIC_ELCR1, PIC_ELCR2", doc: "inputs that are level-triggered, in the chip set", show: inputs("IR")},
		{path: "Base", linux: "ISA_IRQ_VECTOR (ICW2)", doc: "the vector of IR0; those of the others follow", show: hex},
		{path: "Cascade", linux: "PIC_CASCADE_IR (ICW3)", doc: "of the master: inputs with a slave; of the slave: its number", show: hex},
		{path: "readISR", linux: "OCW3", doc: "what a read of the command port gives", show: func(_ *kernel.Machine, v reflect.Value) string {
			return map[bool]string{true: "ISR", false: "IRR"}[v.Bool()]
		}},
	},
	more: func(s *scene, id int32) []pageRow {
		p := picOf(s.m, id)
		out := []string{"the master's IR2", "the core's INTR"}[b2i(id == 0)]
		rows := []pageRow{{text: "INT: nothing asks for " + out}}
		if p.INT() {
			rows[0].text = fmt.Sprintf("INT: IR%d asks for %s", bits.TrailingZeros8(p.IRR&^p.IMR), out)
		}
		rows[0].mark = p.INT() != picOf(s.was, id).INT()
		rows = append(rows, s.linkRow(ref{refPIC, 1 - id}))
		return append(rows, s.linkRow(ref{refAPIC, 0}))
	},
}

// picOf is the master or the slave.
func picOf(m *kernel.Machine, id int32) *cpu.PIC {
	if id == 0 {
		return &m.PIC.Master
	}
	return &m.PIC.Slave
}

// inputs names the bits that are set.
func inputs(name string) func(*kernel.Machine, reflect.Value) string {
	return func(_ *kernel.Machine, v reflect.Value) string {
		var names []string
		for set := v.Uint(); set != 0; set &= set - 1 {
			names = append(names, fmt.Sprint(name, bits.TrailingZeros64(set)))
		}
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, " ")
	}
}
