package kernel

import (
	"fmt"
	"strings"
)

// What /proc/interrupts says: kernel/irq/proc.c, arch/x86/kernel/irq.c.

// Counts of the system vectors, by core.
const (
	StatLOC = iota // the local APIC's timer
	StatSPU
	StatRES
	StatCAL
	NumStats
)

// statLine is a line of a count.
type statLine struct {
	stat      int
	name, say string
}

// statLines are the lines in the kernel's order, on x86 and on Arm.
var (
	statLines = []statLine{
		{StatLOC, "LOC", "  Local timer interrupts"},
		{StatSPU, "SPU", "  Spurious interrupts"},
		{StatRES, "RES", "  Rescheduling interrupts"},
		{StatCAL, "CAL", "  Function call interrupts"},
	}
	armStatLines = []statLine{
		{StatLOC, " 11", "   GICv3  27 Level     arch_timer"},
		{StatRES, "IPI0", "      Rescheduling interrupts"},
		{StatCAL, "IPI1", "      Function call interrupts"},
	}
)

// InterruptLine is a line of /proc/interrupts.
type InterruptLine struct {
	Label  string
	Counts []int32 // by core
	Text   string  // what stands behind the counts
}

// Interrupts are the lines of /proc/interrupts that the model has: those of the
// interrupts that somebody handles or that have come, and of the system vectors.
func (m *Machine) Interrupts() (lines []InterruptLine) {
	cores := len(m.Cores)
	for i := range m.irqs {
		d, counts := &m.irqs[i], m.Kstat[i*cores:(i+1)*cores]
		if len(d.Actions) == 0 && sum(counts) == 0 {
			continue
		}
		text := fmt.Sprintf("%8s %s", d.Chip, d.Name)
		for j, a := range d.Actions {
			text += [...]string{"  ", ", "}[min(j, 1)] + a.Name
		}
		lines = append(lines, InterruptLine{fmt.Sprintf("%3d", d.IRQ), counts, text})
	}
	stats := statLines
	if m.ABI.Arm64 {
		stats = armStatLines
	}
	for _, x := range stats {
		counts := make([]int32, cores)
		for i := range m.CPUs {
			counts[i] = m.CPUs[i].Stats[x.stat]
		}
		lines = append(lines, InterruptLine{x.name, counts, x.say})
	}
	return lines
}

func sum(counts []int32) (n int64) {
	for _, c := range counts {
		n += int64(c)
	}
	return n
}

// ProcInterrupts prints them as the file does.
func (m *Machine) ProcInterrupts() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%*s", 3+8, "")
	for i := range m.Cores {
		fmt.Fprintf(&b, "CPU%-8d", i)
	}
	b.WriteByte('\n')
	for _, l := range m.Interrupts() {
		b.WriteString(l.Label + ":")
		for _, n := range l.Counts {
			fmt.Fprintf(&b, " %10d", n)
		}
		b.WriteString(" " + l.Text + "\n")
	}
	if m.ABI.Arm64 {
		fmt.Fprintf(&b, "Err: %10d\n", m.Counters.IRQErrors)
	} else {
		fmt.Fprintf(&b, "ERR: %10d\n", m.Counters.IRQErrors)
	}
	return b.String()
}

// actionName is the name under which a driver has registered a handler.
func (im *Image) actionName(irq, action int64) string {
	for i := range im.irqs {
		if d := &im.irqs[i]; int64(d.IRQ) == irq {
			return d.Actions[action].Name
		}
	}
	return ""
}
