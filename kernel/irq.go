package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The hard interrupt: kernel/irq/chip.c, handle.c; the card's handler is in
// napi.go.

// CardIRQ is the Linux interrupt number of the vector of the card's receive queue
// 0; the others count on.
const CardIRQ = 24

var irqText = text{
	fnCommonInterruptIRQ: {Name: "__common_interrupt", File: "arch/x86/kernel/irq.c", Station: StIRQ,
		Say:   "From the vector to the interrupt's descriptor: whose interrupt is it?",
		Why:   "The vector is the processor's number; the kernel keeps what belongs to it in struct irq_desc.",
		Steps: []step{{Name: "vector to irq_desc", Cost: costFn, Do: (*Machine).vectorIRQ}}},
	fnHandleEdgeIRQ: {Name: "handle_edge_irq", File: "kernel/irq/chip.c", Station: StIRQ,
		Say:   "The flow of an edge-triggered interrupt: acknowledge first, then handle.",
		Why:   "After the EOI the next message can be latched while this one is being handled; none is lost.",
		Steps: []step{{Name: "irq_ack: EOI to the local APIC", Cost: costEOI, Do: (*Machine).edgeAck}}},
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
		}},
	fnGenericSMPCall: {Name: "generic_smp_call_function_single_interrupt", File: "kernel/smp.c",
		Say: "Runs what other cores have queued for this one.",
		Why: "A core that wakes a task for an idle core hands it over instead of touching its run queue.",
		Steps: []step{
			{Name: "EOI, flush the queue", Cost: costEOI, Do: (*Machine).flushSMPCalls},
			{Name: "done", Cost: costFn, Do: (*Machine).flushSMPDone},
		}},
}

// calls is a step that only calls a function.
func calls(fn cpu.CodeID) func(*Machine, *cpu.Core, *sim.Record) {
	return func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Call(fn) }
}

// vectorIRQ looks the vector up in the core's vector_irq. From here on the
// interrupt's number is local 0.
func (m *Machine) vectorIRQ(c *cpu.Core, r *sim.Record) {
	c.Call(fnHandleEdgeIRQ, CardIRQ+int64(c.Vector-VectorCard))
}

func (m *Machine) edgeAck(c *cpu.Core, r *sim.Record) {
	about(r, KindVector, int32(c.APIC.EOI()))
	c.Call(fnHandleIRQEvent, c.Frame().L[0])
}

func (m *Machine) handlerEntry(c *cpu.Core, r *sim.Record) {
	m.cpuOf(c).OnIRQ++
	m.Counters.IRQs++
	irq := c.Frame().L[0]
	r.Arg[0] = irq
	m.point(c, r, PointIRQHandlerEntry)
	c.Call(m.cardHandler(irq-CardIRQ), irq-CardIRQ)
}

func (m *Machine) handlerExit(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = c.Frame().L[0]
	m.point(c, r, PointIRQHandlerExit)
}

func (m *Machine) flushSMPCalls(c *cpu.Core, r *sim.Record) {
	c.APIC.EOI()
	m.point(c, r, PointCallSingleEntry)
	c.Call(fnSchedTtwuPending)
}

func (m *Machine) flushSMPDone(c *cpu.Core, r *sim.Record) { m.point(c, r, PointCallSingleExit) }
