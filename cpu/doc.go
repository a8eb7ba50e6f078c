// Package cpu is the processor: cores with rings, registers and stacks, a
// descriptor table, a local interrupt controller, and the loop that executes
// code one step at a time.
//
// Code is a table of named steps. A running function is a Frame, plain data
// that says which code and which step; the frames lie on stacks as they would
// in memory. So a stack trace is not drawn: it is what the core executes.
//
// A core always has one step in flight, from Core.Begun to Core.Next. When that
// time has come, Text.Step performs the step's effect, lets the local APIC
// speak (as hardware does between two instructions), and begins the next one.
// An interrupt is taken in micro-steps of its own, each of them a record.
//
// What happens inside a step is the business of whoever supplies the code: the
// package does not know the kernel, and the card reaches it only through
// messages that somebody routes to APIC.Accept.
package cpu
