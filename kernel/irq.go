package kernel

import (
	"fmt"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// The hard interrupt: kernel/irq/chip.c, handle.c. Whose it is and how it is
// acknowledged is in its descriptor; the drivers' handlers are in napi.go,
// e1000_intr.go and uhci.go, the 8259A's driver in i8259.go.

// Linux interrupt numbers: the card's first message, on from which the others count,
// and the line that devices without messages share. A PC routes both cards' pins
// INTA# to its IRQ 11 here.
const (
	CardIRQ    = 24
	LineIRQ    = 11
	cascadeIRQ = 2
	spuriousIR = 7 // what the master answers when nothing is left
)

// IRQChip is where the pins of devices lead.
type IRQChip uint8

// The interrupt controllers in front of the local APIC.
const (
	ChipIOAPIC IRQChip = iota
	ChipPIC            // the 8259A pair, as with the kernel parameter noapic
)

// IRQChips are their names in a scenario.
var IRQChips = [...]string{ChipIOAPIC: "ioapic", ChipPIC: "pic"}

// IRQDesc is what belongs to an interrupt number ("struct irq_desc").
type IRQDesc struct {
	IRQ     int
	Vector  uint8
	Flow    cpu.CodeID // handle_irq
	Chip    string     // as /proc/interrupts names it
	Name    string     // the input of the chip and the flow, there
	Card    bool       // the card may interrupt with it
	Actions []IRQAction
}

// IRQAction is a handler that a driver has registered ("struct irqaction").
type IRQAction struct {
	Name    string
	Handler cpu.CodeID // or fnNone: it is never called
	Dev     int64      // what the handler is given (dev_id)
}

// What a handler returns (include/linux/irqreturn.h).
const (
	irqNone    = 0
	irqHandled = 1
)

var irqText = text{
	fnCommonInterruptIRQ: {Name: "__common_interrupt", File: "arch/x86/kernel/irq.c", Station: StIRQ,
		Say:   "From the vector to the interrupt's descriptor: whose interrupt is it?",
		Why:   "The vector is the processor's number; the kernel keeps what belongs to it in struct irq_desc.",
		Steps: []step{{Name: "vector to irq_desc", Cost: costFn, Do: (*Machine).vectorToDesc}}},
	fnHandleEdgeIRQ: {Name: "handle_edge_irq", File: "kernel/irq/chip.c", Station: StIRQ,
		Say:   "The flow of an edge-triggered interrupt: acknowledge first, then handle.",
		Why:   "After the EOI the next message can be latched while this one is being handled; none is lost.",
		Steps: []step{{Name: "irq_ack: EOI to the local APIC", Cost: costEOI, Do: (*Machine).edgeAck}}},
	fnHandleFasteoiIRQ: {Name: "handle_fasteoi_irq", File: "kernel/irq/chip.c", Station: StIRQ,
		Say: "The flow of a level-triggered interrupt on an I/O APIC: handle first, then the EOI.",
		Why: "Before the devices have been asked the line is still asserted: an EOI now would bring the same interrupt again.",
		Steps: []step{
			{Name: "mark in progress", Cost: costFn, Do: (*Machine).flowHandle},
			{Name: "irq_eoi: ioapic_ack_level", Cost: costEOI, Do: (*Machine).fasteoiEnd},
		}},
	fnHandleIRQEvent: {Name: "handle_irq_event", File: "kernel/irq/handle.c", Station: StIRQ,
		Say:   "Runs the handlers that drivers registered for this interrupt.",
		Why:   "Several devices may share a line; with MSI-X there is just one.",
		Steps: []step{{Name: "mark in progress", Cost: costFn, Do: callsWithArg(fnHandleIRQEventPercpu)}}},
	fnHandleIRQEventPercpu: {Name: "__handle_irq_event_percpu", File: "kernel/irq/handle.c", Station: StIRQ,
		Say: "Calls the driver's handler.",
		Why: "request_irq() put it there when the card was opened.",
		Steps: []step{
			{Name: "call the handler", Cost: costFn, Do: (*Machine).handlerEntry},
			{Name: "handled", Cost: costFn, Do: (*Machine).handlerExit},
			{Name: "IRQ_NONE: it was not this device"}, // how handlerExit shows that answer
		}},
	fnGenericSMPCall: {Name: "generic_smp_call_function_single_interrupt", File: "kernel/smp.c",
		Say: "Runs what other cores have queued for this one.",
		Why: "A core that wakes a task for an idle core hands it over instead of touching its run queue.",
		Steps: []step{
			{Name: "EOI, flush the queue", Cost: costEOI, Do: (*Machine).flushSMPCalls},
			{Name: "done", Cost: costFn, Do: (*Machine).flushSMPDone},
		}},
	fnHandleSpurious: {Name: "handle_spurious_interrupt", File: "arch/x86/kernel/apic/apic.c",
		Say:   "Counts the spurious interrupt. There is no EOI.",
		Why:   "The vector was never in service: an EOI would end somebody else's interrupt.",
		Steps: []step{{Name: "count it", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.cpuOf(c).Stats[StatSPU]++ }}}},
}

// calls is a step that only calls a function.
func calls(fn cpu.CodeID) func(*Machine, *cpu.Core, *sim.Record) {
	return func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Call(fn) }
}

// requestIRQs builds the interrupt descriptors, as the drivers' request_irq does:
// the USB controller was there first.
func (im *Image) requestIRQs() {
	cfg := im.Config
	usb, eth := IRQAction{Name: "uhci_hcd:usb1", Handler: fnUSBHcdIRQ}, IRQAction{Name: "eth0", Handler: fnE1000IntrPin}
	line := IRQDesc{IRQ: LineIRQ, Vector: VectorLine, Flow: fnHandleFasteoiIRQ, Chip: "IO-APIC", Name: " 11-fasteoi "}
	if cfg.IRQChip == ChipPIC {
		line = isaIRQ(LineIRQ)
		im.addIRQ(isaIRQ(cascadeIRQ, IRQAction{Name: "cascade"}))
		im.addIRQ(isaIRQ(spuriousIR))
	}
	if cfg.USB.Every > 0 {
		line.Actions = append(line.Actions, usb)
	}
	if cfg.NIC.Mode == nic.INTx && !cfg.UIO {
		line.Actions, line.Card = append(line.Actions, eth), true
	}
	if len(line.Actions) > 0 {
		im.addIRQ(line)
	}
	for v := range cfg.NIC.Vectors() {
		im.addMessage(v, "PCI-MSIX", IRQAction{Name: im.irqName(v), Handler: im.cardHandler(v), Dev: int64(v)})
	}
	if cfg.NIC.Mode == nic.MSI {
		im.addMessage(0, "PCI-MSI", IRQAction{Name: "eth0", Handler: fnE1000IntrMSI})
	}
}

// addMessage adds the descriptor of one of the card's messages. A card that is a
// program's has none.
func (im *Image) addMessage(v int, chip string, a IRQAction) {
	if im.Config.UIO {
		return
	}
	d := IRQDesc{IRQ: CardIRQ + v, Vector: uint8(VectorCard + v), Flow: fnHandleEdgeIRQ, Card: true, Actions: []IRQAction{a}}
	d.Chip, d.Name = chip+"-0000:00:04.0", fmt.Sprintf("%3d-edge    ", v)
	if im.ABI.Arm64 {
		d.Chip, d.Name = "ITS-"+d.Chip, fmt.Sprintf("%3d Edge     ", v)
	}
	im.addIRQ(d)
}

// isaIRQ is the descriptor of an input of the 8259A pair.
func isaIRQ(irq int, actions ...IRQAction) IRQDesc {
	return IRQDesc{IRQ: irq, Vector: uint8(VectorISA + irq), Flow: fnHandleLevelIRQ, Chip: "XT-PIC", Name: "   ", Actions: actions}
}

func (im *Image) addIRQ(d IRQDesc) {
	im.irqs = append(im.irqs, d)
	im.descOf[d.Vector] = int8(len(im.irqs))
	im.Text.IDT[d.Vector] = fnAsmCommonInterrupt
}

// forCard tells whether an interrupt is the card's. That of a line which devices
// share is, if the card has pulled the line.
func (m *Machine) forCard(v uint8) bool {
	d := m.descOf[v]
	return d != 0 && m.irqs[d-1].Card && (m.irqs[d-1].IRQ != LineIRQ || m.Pulled)
}

// vectorToDesc: nothing else has been delivered since, because IF is 0.
func (m *Machine) vectorToDesc(c *cpu.Core, r *sim.Record) {
	desc := int64(m.descOf[c.Vector]) - 1
	c.Call(m.irqs[desc].Flow, desc)
}

// countIRQ is kstat_incr_irqs_this_cpu.
func (m *Machine) countIRQ(c *cpu.Core, desc int64) {
	m.Counters.IRQs++
	m.Kstat[int(desc)*len(m.Cores)+int(c.ID)]++
}

func (m *Machine) edgeAck(c *cpu.Core, r *sim.Record) {
	desc := c.Frame().L[0]
	m.countIRQ(c, desc)
	about(r, KindVector, m.eoi(c))
	c.Call(fnHandleIRQEvent, desc)
}

func (m *Machine) flowHandle(c *cpu.Core, r *sim.Record) {
	desc := c.Frame().L[0]
	about(r, KindIRQ, int32(m.irqs[desc].IRQ))
	m.countIRQ(c, desc)
	c.Call(fnHandleIRQEvent, desc)
}

func (m *Machine) fasteoiEnd(c *cpu.Core, r *sim.Record) { about(r, KindVector, m.eoi(c)) }

// eoi writes the local APIC's EOI register and gives the vector that it ended, or
// -1. The I/O APIC hears of a level-triggered one.
func (m *Machine) eoi(c *cpu.Core) int32 {
	v, broadcast := c.APIC.EOI()
	if broadcast {
		m.Queue.Push(sim.Event{At: m.Now + m.Costs[costIOAPIC], Cause: m.Seq, Kind: evEOI, A: int32(v)})
	}
	return int32(v)
}

// Locals of __handle_irq_event_percpu: the descriptor, the action, and what the
// handlers have said so far.
const (
	irqDesc = iota
	irqAction
	irqRetval
)

func (m *Machine) handlerEntry(c *cpu.Core, r *sim.Record) {
	l := &c.Frame().L
	d := &m.irqs[l[irqDesc]]
	r.Arg[0], r.Arg[1] = int64(d.IRQ), l[irqAction]
	m.point(c, r, PointIRQHandlerEntry)
	c.Call(d.Actions[l[irqAction]].Handler, d.Actions[l[irqAction]].Dev)
}

// handlerExit asks the next device, whatever this one has said.
func (m *Machine) handlerExit(c *cpu.Core, r *sim.Record) {
	l := &c.Frame().L
	d := &m.irqs[l[irqDesc]]
	r.Arg[0], r.Arg[1] = int64(d.IRQ), l[irqAction]<<1
	l[irqRetval] |= c.Result()
	if c.Result() == irqNone {
		m.Counters.IRQNone++
		r.Arg[1] |= 1
		r.Step = 2
	}
	m.point(c, r, PointIRQHandlerExit)
	if l[irqAction]++; int(l[irqAction]) < len(d.Actions) {
		c.Goto(0)
		return
	}
	c.Return(l[irqRetval])
}

func (m *Machine) flushSMPCalls(c *cpu.Core, r *sim.Record) {
	m.eoi(c)
	m.cpuOf(c).Stats[StatCAL]++
	m.point(c, r, PointCallSingleEntry)
	c.Call(fnSchedTtwuPending)
}

func (m *Machine) flushSMPDone(c *cpu.Core, r *sim.Record) { m.point(c, r, PointCallSingleExit) }
