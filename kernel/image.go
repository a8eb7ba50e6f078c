package kernel

import (
	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

type (
	code = cpu.Code[*Machine]
	step = cpu.Step[*Machine]
)

// Image is what never changes while a machine runs: the kernel's code, the
// thread programs, the frames on the wire, the costs. All copies share it.
type Image struct {
	Config   *Config
	Text     cpu.Text[*Machine]
	Costs    [256]sim.Time
	ABI      *cpu.ABI
	frames   []nic.Frame // of UDP packets
	frameOf  []int32     // the first frame of each entry of the wire section
	framesOf []int32     // and how many it has
	remoteOf []int32     // its remote host, for TCP, or None
	programs []*program.Program
	user     []userFunc      // by code, from fnUserBase
	userCode []cpu.CodeID    // the main function of each thread
	wrappers [][]cpu.CodeID  // the wrapper of each call site, by thread
	sysCalls [512]cpu.CodeID // by the ABI's numbers
	sysNR    [512]int16      // the same calls' numbers on linux-amd64
	numbers  [512]int16      // the way back
	vmas     [][]VMA         // by process, in order of their addresses

	irqs   []IRQDesc
	descOf [256]int8 // the descriptor of each vector, counted from 1 (vector_irq)
}

// Fn gives the name of a record's function.
func (im *Image) Fn(r *sim.Record) string { return im.Text.Codes[r.Fn].Name }
