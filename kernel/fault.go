package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Page faults: arch/x86/mm/fault.c, mm/memory.c. Left out: huge pages, swap,
// files (the page cache has all of them), stacks that grow, oops: a fault of the
// kernel's own is always in a copy to or from user space.

const (
	fileFault  = "arch/x86/mm/fault.c"
	fileMemory = "mm/memory.c"
)

var faultText = text{
	fnLoad: {Name: "load", Ring: 3, File: "(the thread program)",
		Say:   "One instruction of the program reads a byte.",
		Why:   "The processor translates its address with the page tables; what it may not read it cannot read.",
		Steps: []step{{Name: "mov (%rdi), %al", Cost: costAccess, Do: (*Machine).load}}},
	fnStore: {Name: "store", Ring: 3, File: "(the thread program)",
		Say:   "One instruction of the program writes a byte.",
		Why:   "The page tables say whether it may.",
		Steps: []step{{Name: "mov %sil, (%rdi)", Cost: costAccess, Do: (*Machine).store}}},
	fnExcPageFault: {Name: "exc_page_fault", File: fileFault,
		Say: "The page fault's handler: which address was it, and whose business is it?",
		Why: "CR2 holds the address, the error code says what was tried. Most faults are no errors.",
		Steps: []step{
			{Name: "read CR2, irqentry_enter", Cost: costEntry, Do: (*Machine).excPageFault},
			{Name: "interrupts off, irqentry_exit", Cost: costFn, Do: (*Machine).pageFaultExit},
		}},
	fnDoKernAddrFault: {Name: "do_kern_addr_fault", File: fileFault,
		Say:   "A program has touched an address of the kernel's half.",
		Why:   "There is nothing to be mapped for it: the half is not its own.",
		Steps: []step{{Name: "bad_area_nosemaphore", Cost: costFn, Do: (*Machine).badArea}}},
	fnDoUserAddrFault: {Name: "do_user_addr_fault", File: fileFault,
		Say: "Looks for the range that the address is in, and whether it allows the access.",
		Why: "The page tables say what is there now; the ranges (VMAs) say what may be there.",
		Steps: []step{
			{Name: "interrupts on, lock_vma_under_rcu", Cost: costFindVMA, Do: (*Machine).doUserAddrFault},
			{Name: "vma_end_read", Cost: costFn, Do: nothing},
		}},
	fnHandleMmFault: {Name: "handle_mm_fault", File: fileMemory,
		Say: "Finds a page for the address.",
		Why: "The access was allowed: only the page was not there yet.",
		Steps: []step{
			{Name: "__handle_mm_fault: down the tables", Cost: costPTE, Do: (*Machine).handleMmFault},
			{Name: "mm_account_fault: min_flt", Cost: costFn, Do: (*Machine).accountFault},
		}},
	fnHandlePteFault: {Name: "handle_pte_fault", File: fileMemory,
		Say:   "Looks at the entry itself.",
		Why:   "It is empty, or does not allow the write; another thread may have been faster.",
		Steps: []step{{Name: "is there an entry?", Cost: costFn, Do: (*Machine).handlePteFault}}},
	fnDoAnonymousPage: {Name: "do_anonymous_page", File: fileMemory,
		Say: "Memory that belongs to no file is touched for the first time.",
		Why: "A read gets the one page of zeros that all share; only a write costs memory.",
		Steps: []step{
			{Name: "read: the zero page; write: a page of its own", Cost: costFn, Do: (*Machine).doAnonymousPage},
			{Name: "alloc_anon_folio: a page, cleared", Cost: costNewPage, Do: nothing},
			{Name: "set_pte", Cost: costPTE, Do: (*Machine).anonymousSetPte},
		}},
	fnDoWpPage: {Name: "do_wp_page", File: fileMemory,
		Say: "A write to a page that is mapped read-only although the range may be written: so far it is the zero page.",
		Why: "Now the process needs a page of its own; until now it has cost nothing.",
		Steps: []step{
			{Name: "wp_page_copy: a page of its own, cleared", Cost: costNewPage, Do: nothing},
			{Name: "ptep_clear_flush, set_pte", Cost: costPTE, Do: (*Machine).wpSetPte},
		}},
	fnBadArea: {Name: "__bad_area_nosemaphore", File: fileFault,
		Say: "The access was wrong: no page will make it right.",
		Why: "A program gets a signal; in the kernel's own copy the system call gets EFAULT.",
		Steps: []step{
			{Name: "from ring 3? force_sig_fault; else fixup", Cost: costFn, Do: (*Machine).badAreaNosemaphore},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnForceSigFault: {Name: "force_sig_fault", File: fileSignal,
		Say: "Sends the signal that the program has brought upon itself.",
		Why: "It cannot be held back or ignored: the instruction would fault for ever.",
		Steps: []step{
			{Name: "force_sig_info_to_task", Cost: costFn, Do: (*Machine).forceSigFault},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnFixupException: {Name: "fixup_exception", File: "arch/x86/mm/extable.c",
		Say: "Looks the faulting instruction up in the exception table.",
		Why: "Instructions that touch user memory are listed there, each with the place to go on at when they fault.",
		Steps: []step{
			{Name: "search_exception_tables", Cost: costExtable, Do: nothing},
			{Name: "ex_handler_uaccess: go on behind the copy", Cost: costFn, Do: (*Machine).fixupException},
		}},
}

// Codes of SIGSEGV (include/uapi/asm-generic/siginfo.h).
const (
	segvMapErr = 1 // nothing is there
	segvAccErr = 2 // not like this
)

// vectorPF is the page fault's (SDM volume 3, "Interrupt 14").
const vectorPF = 14

// pageFault makes the running step fault on an address.
func (m *Machine) pageFault(c *cpu.Core, w *cpu.Walk) {
	if m.ABI.Arm64 {
		c.Abort(w)
		return
	}
	c.CR2 = w.Addr
	c.Raise(vectorPF, int64(w.Code))
}

// load and store are done again when the fault has been handled: the instruction
// is the same, the tables are not.
func (m *Machine) load(c *cpu.Core, r *sim.Record) {
	addr := c.Frame().L[0]
	b := m.access(c, r, 0)
	if b == nil {
		return
	}
	v := int64(b[0])
	r.Arg[0], r.Arg[1] = addr, v
	m.leaveLibrary(c, v)
}

func (m *Machine) store(c *cpu.Core, r *sim.Record) {
	addr, v := c.Frame().L[0], byte(c.Frame().L[1])
	b := m.access(c, r, cpu.FaultWrite)
	if b == nil {
		return
	}
	b[0] = v
	r.Arg[0], r.Arg[1] = addr, int64(v)
	m.leaveLibrary(c, 0)
}

// leaveLibrary ends an instruction of a program, with what it gives.
func (m *Machine) leaveLibrary(c *cpu.Core, v int64) {
	c.Return(v)
	m.complete(c, v)
}

// access translates the address in local 0 for ring 3 and gives the byte there;
// nil after a fault.
func (m *Machine) access(c *cpu.Core, r *sim.Record, kind uint8) []byte {
	t, addr := m.current(c), uint64(c.Frame().L[0])
	*c.Regs.At(m.ABI.Call[0]) = addr
	r.Arg[0] = int64(addr)
	switch {
	case m.ABI.Arm64:
		addr = untagged(addr)
	case !cpu.Canonical(addr):
		c.Raise(vectorGP, 0) // the tables are not even asked
		return nil
	}
	if w := m.translate(c, addr, cpu.FaultUser|kind); w.Fault {
		m.pageFault(c, &w)
		return nil
	}
	if !m.whole(t, int64(addr), 1) {
		return nil
	}
	return m.userBytes(t, int64(addr), 1)
}

// excPageFault: locals become the address and the error code.
func (m *Machine) excPageFault(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	f.L[0], f.L[1] = int64(c.CR2), c.Code
	r.Arg[0], r.Arg[1] = f.L[0], f.L[1]
	point := PointPageFaultKernel
	if f.L[1]&int64(cpu.FaultUser) != 0 {
		point = PointPageFaultUser
	}
	m.point(c, r, point)
	if c.CR2 > userMax {
		c.Call(fnDoKernAddrFault, f.L[0], f.L[1])
		return
	}
	c.Call(fnDoUserAddrFault, f.L[0], f.L[1])
}

func (m *Machine) pageFaultExit(c *cpu.Core, r *sim.Record) {
	c.Cli()
	m.irqentryExit(c, r)
}

// badArea goes on where nothing can be mapped.
func (m *Machine) badArea(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	c.Tail(fnBadArea, l[0], l[1], segvMapErr)
}

// doUserAddrFault: a fault may sleep, so interrupts are let in again if they were
// in before.
func (m *Machine) doUserAddrFault(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	c.Regs.RFLAGS |= uint64(pushedWords(c.Stack()).L[2]) & cpu.FlagIF
	v := m.findVMA(m.current(c).Proc, uint64(l[0]))
	switch {
	case v == nil:
		c.Tail(fnBadArea, l[0], l[1], segvMapErr)
	case !v.has(uint8(l[1])):
		c.Tail(fnBadArea, l[0], l[1], segvAccErr)
	default:
		c.Call(fnHandleMmFault, l[0], l[1])
	}
}

// handleMmFault makes the tables that are missing, but for the last one (pud_alloc,
// pmd_alloc).
func (m *Machine) handleMmFault(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	m.PT.Table(m.Procs[m.current(c).Proc].CR3, uint64(l[0]), 2)
	c.Call(fnHandlePteFault, l[0], l[1])
}

func (m *Machine) accountFault(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	t.MinFlt++
	m.Counters.MinorFaults++
	r.Arg[0] = t.MinFlt
}

// handlePteFault: an entry that allows the access now was made by another thread
// meanwhile.
func (m *Machine) handlePteFault(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	e := m.pteOf(c, uint64(l[0]))
	switch write := l[1]&int64(cpu.FaultWrite) != 0; {
	case e&cpu.PTEPresent == 0:
		c.Tail(fnDoAnonymousPage, l[0], l[1])
	case write && e&cpu.PTEWrite == 0:
		c.Tail(fnDoWpPage, l[0], l[1])
	}
}

// pteOf is the entry of the lowest level for an address of the running task, or 0.
func (m *Machine) pteOf(c *cpu.Core, addr uint64) cpu.PTE {
	if w := m.PT.Walk(m.Procs[m.current(c).Proc].CR3, addr, 0); w.N == len(w.Level) {
		return w.Level[3]
	}
	return 0
}

func (m *Machine) doAnonymousPage(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	if l[1]&int64(cpu.FaultWrite) == 0 {
		c.Goto(2)
	}
}

// anonymousSetPte: two threads may have come here for one page; the second finds
// an entry and leaves it.
func (m *Machine) anonymousSetPte(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	addr, proc := uint64(l[0]), m.current(c).Proc
	if m.pteOf(c, addr) == 0 {
		e := m.findVMA(proc, addr).pte()
		if l[1]&int64(cpu.FaultWrite) != 0 {
			e |= m.newPage()
		} else {
			e = e&^(cpu.PTEWrite|cpu.PTEDirty) | zeroPage
		}
		m.setPTE(proc, addr, e)
	}
	r.Arg[0], r.Arg[1] = l[0], int64(m.pteOf(c, addr))
}

func (m *Machine) wpSetPte(c *cpu.Core, r *sim.Record) {
	addr, proc := uint64(c.Frame().L[0]), m.current(c).Proc
	if m.pteOf(c, addr)&cpu.PTEWrite == 0 {
		m.setPTE(proc, addr, m.findVMA(proc, addr).pte()|m.newPage())
	}
	r.Arg[0], r.Arg[1] = int64(addr), int64(m.pteOf(c, addr))
}

// badAreaNosemaphore: locals are the address, the error code and the signal's
// code.
func (m *Machine) badAreaNosemaphore(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	r.Arg[0], r.Arg[1] = l[0], l[1]
	if l[1]&int64(cpu.FaultUser) == 0 {
		c.Call(fnFixupException)
		return
	}
	c.Call(fnForceSigFault, sigSEGV, l[2], l[0])
}

// forceSigFault: locals are the signal, its code and the address. If the signal is
// blocked, the default action takes the handler's place.
func (m *Machine) forceSigFault(c *cpu.Core, r *sim.Record) {
	l, id := c.Frame().L, m.cpuOf(c).Current
	t := &m.Tasks[id]
	about(r, KindTask, id)
	r.Arg[0], r.Arg[1] = l[0], l[1]
	if t.SigBlocked&sigBit(l[0]) != 0 {
		t.SigBlocked &^= sigBit(l[0])
		m.Procs[t.Proc].Actions[l[0]] = sigDefault
	}
	t.FaultCode = int8(l[1])
	c.Call(fnSendSignal, int64(id), l[0], l[1])
}

// fixupException sends the copy to its end: it has copied nothing, and the system
// call's answer is EFAULT.
func (m *Machine) fixupException(c *cpu.Core, r *sim.Record) {
	m.current(c).Fixup = true
}
