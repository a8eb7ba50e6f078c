package kernel

import (
	"cmp"
	"slices"

	"ringside/cpu"
	"ringside/kernel/program"
)

// The memory of processes: what may be where (VMAs, include/linux/mm_types.h),
// and what is there (page tables).
//
// Programs run as if after mlockall(2): their text, constants, arrays and stacks
// are mapped before they begin. What is left for the first touch is the heap.

// VMA is a range of addresses that a process may use ("struct vm_area_struct").
// They never change, so they belong to the image.
type VMA struct {
	Start, End uint64
	Kind       VMAKind
	Flags      uint8
	Task       TaskID // whose it is, or None if all threads share it
}

// VMAKind tells what a range is for.
type VMAKind uint8

const (
	VMAText VMAKind = iota
	VMARodata
	VMAHeap
	VMAArrays
	VMALibrary
	VMAScratch
	VMAStack
)

// VMAKinds are their names, as /proc/pid/maps has them where it has any.
var VMAKinds = [...]string{"text", "constants", "[heap]", "arrays", "libc text", "libc data", "[stack]"}

// What may be done with a range (VM_READ, VM_WRITE, VM_EXEC).
const (
	VMRead uint8 = 1 << iota
	VMWrite
	VMExec
)

// Prot writes a range's rights as /proc/pid/maps does.
func (v *VMA) Prot() string {
	b := []byte("---p")
	for i, letter := range "rwx" {
		if v.Flags>>i&1 != 0 {
			b[i] = byte(letter)
		}
	}
	return string(b)
}

// has tells whether an access of the processor is allowed in the range
// (access_error of arch/x86/mm/fault.c).
func (v *VMA) has(access uint8) bool {
	switch {
	case access&cpu.FaultWrite != 0:
		return v.Flags&VMWrite != 0
	case access&cpu.FaultFetch != 0:
		return v.Flags&VMExec != 0
	}
	return v.Flags&VMRead != 0
}

// pte is what the entries of a range's pages look like (vm_get_page_prot): Linux
// makes them accessed from the beginning, and dirty if they may be written to.
func (v *VMA) pte() cpu.PTE {
	e := cpu.PTEPresent | cpu.PTEUser | cpu.PTEAccessed
	if v.Flags&VMWrite != 0 {
		e |= cpu.PTEWrite | cpu.PTEDirty
	}
	if v.Flags&VMExec == 0 {
		e |= cpu.PTENX
	}
	return e
}

// Physical memory: page frames above what the card, the page tables and the
// kernel use.
const (
	bootPGD     = cpu.TableBase // the kernel boots with it, then the first process has it
	firstPage   = 0x1000_0000
	zeroPage    = 0x0060_0000 // empty_zero_page: what a page reads as before it is written to
	kernelImage = 0x0020_0000
	libraryFile = 0x0c00_0000 // the C library in the page cache: all processes have the same
	maxStack    = 8 << 20     // RLIMIT_STACK
	stackPages  = 4           // of a kernel stack (THREAD_SIZE)
)

// Linux's upper half (Documentation/arch/x86/x86_64/mm.rst), as far as it is
// modelled; the stacks are in the area of vmalloc.
const (
	directMap    = 0xffff8880_0000_0000 // all of physical memory, 1 GiB here
	cpuEntryArea = 0xfffffe00_0000_0000 // what the processor needs to enter ring 0: the IDT, the TSS
	kernelPage   = cpu.PTEPresent | cpu.PTEWrite | cpu.PTEAccessed | cpu.PTEDirty | cpu.PTENX
	kernelFixed  = cpu.PTEPresent | cpu.PTEAccessed // read-only text
	kernelHalf   = 256                              // entries of a PML4 from here on are the kernel's
)

// newPage gives the physical address of a page frame.
func (m *Machine) newPage() cpu.PTE {
	m.pages++
	return cpu.PTE(firstPage + (m.pages-1)*cpu.PageSize)
}

// bootPaging makes the kernel's half of the address space. All processes share
// its lower levels.
func (m *Machine) bootPaging() {
	m.newPGD()
	m.PT.Map(bootPGD, directMap, 1, kernelPage|cpu.PTESize)
	text := uint64(len(m.Text.Codes)) * codeStride
	for off := uint64(0); off < text; off += 2 << 20 {
		m.PT.Map(bootPGD, kernelBase+off, 2, kernelFixed|cpu.PTESize|cpu.PTE(kernelImage+off))
	}
	m.PT.Map(bootPGD, cpuEntryArea, 3, kernelFixed|cpu.PTENX|m.newPage())
	if m.Config.Params.PTI {
		m.mapEntryText()
	}
}

// newPGD makes the top of an address space.
func (m *Machine) newPGD() uint64 {
	if m.Config.Params.PTI {
		return m.isolatedPGDs()
	}
	return m.PT.NewTable()
}

// mapKernelStack maps a stack that ends at top, with nothing below it: a stack
// that grows too far faults.
func (m *Machine) mapKernelStack(top uint64) {
	for i := range uint64(stackPages) {
		m.PT.Map(bootPGD, top-(i+1)*cpu.PageSize, 3, kernelPage|m.newPage())
	}
}

// newMM gives a process its page tables, with the kernel's half in them
// (pgd_alloc).
func (m *Machine) newMM(proc int32) {
	p := &m.Procs[proc]
	if p.CR3 = bootPGD; proc > 0 {
		p.CR3 = m.newPGD()
		m.PT.Share(p.CR3, bootPGD, kernelHalf, 511)
		if m.Config.Params.PTI {
			m.PT.Share(p.CR3|ptiUserBit, bootPGD|ptiUserBit, kernelHalf, 511)
		}
	}
	m.vmas = append(m.vmas, nil)
	m.addVMA(proc, VMA{uint64(program.HeapBase), uint64(program.HeapBase) + program.HeapBytes, VMAHeap, VMRead | VMWrite, None})
	end := pageUp(libraryBase + uint64(len(m.Text.Codes))*codeStride)
	lib := m.addVMA(proc, VMA{libraryBase, end, VMALibrary, VMRead | VMExec, None})
	for i := range m.Text.Codes {
		if off := m.Text.Codes[i].Base - libraryBase; off < end-libraryBase {
			page := off &^ (cpu.PageSize - 1)
			m.setPTE(proc, libraryBase+page, lib.pte()|cpu.PTE(libraryFile+page))
		}
	}
}

func pageUp(addr uint64) uint64 { return (addr + cpu.PageSize - 1) &^ (cpu.PageSize - 1) }

// addVMA adds a range to a process (insert_vm_struct).
func (m *Machine) addVMA(proc int32, v VMA) *VMA {
	at, there := slices.BinarySearchFunc(m.vmas[proc], v.Start, func(v VMA, start uint64) int { return cmp.Compare(v.Start, start) })
	if !there { // two programs that were compiled for the same place
		m.vmas[proc] = slices.Insert(m.vmas[proc], at, v)
	}
	return &m.vmas[proc][at]
}

// findVMA gives the range that an address is in, or nil (vma_lookup).
func (m *Machine) findVMA(proc int32, addr uint64) *VMA {
	vmas := m.vmas[proc]
	at, there := slices.BinarySearchFunc(vmas, addr, func(v VMA, addr uint64) int { return cmp.Compare(v.Start, addr) })
	if !there {
		at--
	}
	if at < 0 || addr >= vmas[at].End {
		return nil
	}
	return &vmas[at]
}

// VMAs are the ranges of a process.
func (m *Machine) VMAs(proc int32) []VMA { return m.vmas[proc] }

// RangeOf tells in words which range an address is in, of the process whose page
// tables CR3 leads to.
func (m *Machine) RangeOf(cr3, addr uint64) string {
	if addr > userMax {
		return "the kernel's half"
	}
	for i := range m.Procs {
		if m.Procs[i].CR3 != cr3&^ptiUserBit && m.Procs[i].CR3 != cr3 {
			continue
		}
		if v := m.findVMA(int32(i), addr); v != nil {
			return v.Prot() + " " + VMAKinds[v.Kind]
		}
	}
	return "no VMA"
}

// mapRange puts page frames behind a part of a range.
func (m *Machine) mapRange(proc int32, v *VMA, from, to uint64) {
	for a := from &^ (cpu.PageSize - 1); a < to; a += cpu.PageSize {
		m.setPTE(proc, a, v.pte()|m.newPage())
	}
}

// setPTE maps a page of a process (set_pte_at).
func (m *Machine) setPTE(proc int32, addr uint64, e cpu.PTE) {
	cr3 := m.Procs[proc].CR3
	m.PT.Map(cr3, addr, 3, e)
	if m.Config.Params.PTI {
		m.setUserPGD(cr3, addr)
	}
}

// mapThread gives a thread its parts of the address space: the text and the
// constants of its program, its arrays, its stack, and what the C library keeps
// for it.
func (m *Machine) mapThread(id TaskID) {
	t := &m.Tasks[id]
	p := m.programs[t.Thread]
	for fn := range p.Funcs {
		start := m.Text.Addr(m.userCode[t.Thread]+cpu.CodeID(fn), 0)
		m.mapAll(t, VMA{start, pageUp(start + uint64(len(p.Funcs[fn].Ops))*instrBytes), VMAText, VMRead | VMExec, id})
	}
	for i, s := range p.Consts {
		start := uint64(p.ConstAt(i))
		m.mapAll(t, VMA{start, pageUp(start + uint64(len(s)) + 1), VMARodata, VMRead, id})
	}
	scratch := uint64(t.Mem.ScratchAt())
	m.mapAll(t, VMA{scratch, scratch + cpu.PageSize, VMAScratch, VMRead | VMWrite, id})
	arrays := uint64(t.Mem.DataAt())
	m.addVMA(t.Proc, VMA{arrays, arrays + maxStack, VMAArrays, VMRead | VMWrite, id})
	m.mapArrays(t)
	top := t.Ctx.User.Top
	stack := m.addVMA(t.Proc, VMA{top - maxStack, top, VMAStack, VMRead | VMWrite, id})
	m.mapRange(t.Proc, stack, top-cpu.PageSize, top)
}

// mapAll adds a range and maps all of it.
func (m *Machine) mapAll(t *Task, v VMA) {
	m.mapRange(t.Proc, m.addVMA(t.Proc, v), v.Start, v.End)
}

// mapArrays maps the pages of the arrays that a task's running functions have.
func (m *Machine) mapArrays(t *Task) {
	base := uint64(t.Mem.DataAt())
	for uint64(t.ArrayPages)*cpu.PageSize < uint64(len(t.Mem.Data)) {
		at := base + uint64(t.ArrayPages)*cpu.PageSize
		m.mapRange(t.Proc, m.findVMA(t.Proc, at), at, at+1)
		t.ArrayPages++
	}
}

// instrBytes is how far apart the operations of a program lie.
const instrBytes = 4

// userBytes gives n bytes of a process's memory, or nil if they are not all in
// one thing: an array, a constant, the heap.
func (m *Machine) userBytes(t *Task, addr, n int64) []byte {
	if b, ok := m.programs[t.Thread].Bytes(&t.Mem, addr, n); ok {
		return b
	}
	v := m.findVMA(t.Proc, uint64(addr))
	if v == nil || n < 0 || uint64(n) > v.End-uint64(addr) {
		return nil
	}
	switch {
	case v.Kind == VMAHeap:
		return m.heapBytes(t.Proc, addr-program.HeapBase, n)
	case v.Task == None:
		return nil
	}
	other := &m.Tasks[v.Task]
	b, _ := m.programs[other.Thread].Bytes(&other.Mem, addr, n)
	return b
}

// heapBytes gives a part of the heap, which is zero where it was never written.
func (m *Machine) heapBytes(proc int32, off, n int64) []byte {
	p := &m.Procs[proc]
	if more := off + n - int64(len(p.Heap)); more > 0 {
		p.Heap = append(p.Heap, make([]byte, more)...)
	}
	return p.Heap[off : off+n : off+n]
}
