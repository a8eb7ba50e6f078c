package kernel

import (
	"slices"

	"ringside/cpu"
	"ringside/sim"
)

// Page-table isolation: arch/x86/mm/pti.c, arch/x86/entry/calling.h. A process
// has two tops of its page tables, side by side. The one of ring 3 has of the
// kernel only what it takes to enter ring 0, so that not even a processor that
// reads ahead of its checks (Meltdown) finds anything there.
//
// Simplified: an interrupt pushes its words on the task's kernel stack, where
// Linux has a small entry stack in the cpu_entry_area, and copies them. No
// PCID: but there is no TLB that a write to CR3 would empty.

// ptiUserBit tells the two tops apart (PTI_USER_PGTABLE_BIT).
const ptiUserBit = cpu.PageSize

// isolatedPGDs makes both tops, aligned to their size, and gives the kernel's.
func (m *Machine) isolatedPGDs() uint64 {
	if m.PT.Tables()%2 != 0 {
		m.PT.NewTable()
	}
	pgd := m.PT.NewTable()
	m.PT.NewTable()
	return pgd
}

// mapEntryText puts into ring 3's tables what entering ring 0 takes
// (pti_clone_entry_text, pti_clone_user_shared).
func (m *Machine) mapEntryText() {
	user := uint64(bootPGD | ptiUserBit)
	for id := range m.Text.Codes {
		if code := &m.Text.Codes[id]; code.File == fileEntry {
			off := (code.Base - kernelBase) &^ (cpu.PageSize - 1)
			m.PT.Map(user, kernelBase+off, 3, kernelFixed|cpu.PTE(kernelImage+off))
		}
	}
	w := m.PT.Walk(bootPGD, cpuEntryArea, 0)
	m.PT.Map(user, cpuEntryArea, 3, w.Level[3])
}

// setUserPGD gives ring 3's tables an entry of the user half, and takes the right
// to execute from the kernel's: whoever returns to ring 3 with the wrong tables
// does not get far (__pti_set_user_pgtbl).
func (m *Machine) setUserPGD(cr3, addr uint64) {
	i := cpu.Index(addr, 0)
	if e := m.PT.Entry(cr3, i); e&cpu.PTENX == 0 {
		m.PT.SetEntry(cr3|ptiUserBit, i, e)
		m.PT.SetEntry(cr3, i, e|cpu.PTENX)
	}
}

// isolate adds the writes of CR3 to the entry code: behind the first swapgs, and
// before the last.
func isolate(codes []code) {
	toKernel, toUser := switchCR3("SWITCH_TO_KERNEL_CR3", false), switchCR3("SWITCH_TO_USER_CR3", true)
	isSwapgs := func(s step) bool { return s.Name == swapgs.Name || s.Name == swapgsIf.Name }
	for id := range codes {
		c := &codes[id]
		if c.File != fileEntry {
			continue
		}
		last := len(c.Steps) - 2
		in := slices.IndexFunc(c.Steps, isSwapgs)
		c.Steps = slices.Insert(slices.Clone(c.Steps), last, toUser)
		if in < last { // a new thread begins in ring 0
			c.Steps = slices.Insert(c.Steps, in+1, toKernel)
		}
	}
}

// switchCR3 is a step of entry code. Between two parts of ring 0 it has nothing
// to do, and takes no time.
func switchCR3(name string, toUser bool) step {
	return step{Name: name,
		Why: "Ring 3's page tables do not have the kernel: before anything else of it is touched, and when all is done, they are exchanged.",
		Span: func(m *Machine, c *cpu.Core) sim.Time {
			if !m.crossesRings(c) {
				return 0
			}
			return m.Costs[costCR3]
		},
		Do: func(m *Machine, c *cpu.Core, r *sim.Record) {
			r.Arg[0] = int64(c.Regs.CR3)
			if m.crossesRings(c) {
				c.Regs.CR3 &^= ptiUserBit
				if toUser {
					c.Regs.CR3 |= ptiUserBit
				}
			}
			r.Arg[1] = int64(c.Regs.CR3)
		}}
}
