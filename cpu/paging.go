package cpu

// Paging with four levels of tables (Intel SDM volume 3, chapter "Paging",
// section "4-Level Paging"). Bits 47 to 12 of a linear address are four indexes
// of nine bits; each entry names the next table, the last one the page.
//
// CR0.WP, EFER.NXE and CR4.PAE are taken as set, as Linux sets them. Left out:
// SMEP and SMAP, protection keys, reserved bits, and the TLB: an access that is
// asked of the tables always walks them, so that none is ever stale.

// PTE is an entry of any level of the tables.
type PTE uint64

const (
	PTEPresent  PTE = 1 << 0
	PTEWrite    PTE = 1 << 1 // R/W
	PTEUser     PTE = 1 << 2 // U/S
	PTEAccessed PTE = 1 << 5
	PTEDirty    PTE = 1 << 6
	PTESize     PTE = 1 << 7  // PS: the entry maps a page of 2 MiB or 1 GiB itself
	PTENX       PTE = 1 << 63 // XD: no instructions are fetched from here
)

// PageSize is what an entry of the lowest level maps.
const PageSize = 4096

// frameMask is the physical address in an entry.
const frameMask = 0x000f_ffff_ffff_f000

// Frame is the physical address of the table or page that an entry names.
func (e PTE) Frame() uint64 { return uint64(e) & frameMask }

// pteLetters are the bits that Letters prints, highest first.
var pteLetters = []struct {
	bit    PTE
	letter byte
}{{PTENX, 'N'}, {PTESize, 'S'}, {PTEDirty, 'D'}, {PTEAccessed, 'A'}, {PTEUser, 'U'}, {PTEWrite, 'W'}, {PTEPresent, 'P'}}

// Letters writes the bits of an entry in a fixed width: N for no execution, S
// for a large page, D, A, U, W and P.
func (e PTE) Letters() string {
	b := []byte(".......")
	for i, l := range pteLetters {
		if e&l.bit != 0 {
			b[i] = l.letter
		}
	}
	return string(b)
}

// Bits of a page fault's error code (SDM volume 3, "Page-Fault Exceptions"). The
// last three also say what kind an access is.
const (
	FaultPresent uint8 = 1 << 0 // P: a protection violation, else a page that is not present
	FaultWrite   uint8 = 1 << 1 // W/R
	FaultUser    uint8 = 1 << 2 // U/S: in ring 3
	FaultFetch   uint8 = 1 << 4 // I/D: an instruction fetch
)

// FaultLetters writes an error code as its letters, as in "P|W|U".
func FaultLetters(code uint8) string {
	s := ""
	for _, b := range []struct {
		bit    uint8
		letter string
	}{{FaultPresent, "P"}, {FaultWrite, "W"}, {FaultUser, "U"}, {FaultFetch, "I"}} {
		if code&b.bit == 0 {
			continue
		}
		if s != "" {
			s += "|"
		}
		s += b.letter
	}
	if s == "" {
		return "0"
	}
	return s
}

// LevelNames are the entries that a walk reads, in its order.
var LevelNames = [4]string{"PML4E", "PDPTE", "PDE", "PTE"}

// PageTables is the memory in which page tables lie. A table has 512 entries, of
// which those that are not zero are kept, in a list by index.
type PageTables struct {
	first   []int32 // by table: its first entry, or -1
	entries []entry
}

type entry struct {
	pte   PTE
	next  int32
	index uint16
}

// TableBase is the physical address of the first table.
const TableBase = 0x0100_0000

// NewTable makes an empty table and gives its physical address.
func (p *PageTables) NewTable() uint64 {
	p.first = append(p.first, -1)
	return TableBase + uint64(len(p.first)-1)*PageSize
}

// Tables is how many tables there are.
func (p *PageTables) Tables() int { return len(p.first) }

// Size is about how many bytes a copy takes.
func (p *PageTables) Size() int { return 4*len(p.first) + 16*len(p.entries) }

// CopyFrom makes p an exact copy of src in its own memory.
func (p *PageTables) CopyFrom(src *PageTables) {
	p.first = append(p.first[:0], src.first...)
	p.entries = append(p.entries[:0], src.entries...)
}

// find gives the number of an entry, or -1, and that of the one before its place.
func (p *PageTables) find(table uint64, index uint16) (at, before int32) {
	before = -1
	at = p.first[(table-TableBase)/PageSize]
	for at >= 0 && p.entries[at].index < index {
		at, before = p.entries[at].next, at
	}
	if at >= 0 && p.entries[at].index != index {
		at = -1
	}
	return at, before
}

// Entry reads an entry of the table at a physical address.
func (p *PageTables) Entry(table uint64, index uint16) PTE {
	if at, _ := p.find(table, index); at >= 0 {
		return p.entries[at].pte
	}
	return 0
}

// SetEntry writes one.
func (p *PageTables) SetEntry(table uint64, index uint16, e PTE) {
	at, before := p.find(table, index)
	if at >= 0 {
		p.entries[at].pte = e
		return
	}
	n := int32(len(p.entries))
	link := &p.first[(table-TableBase)/PageSize]
	if before >= 0 {
		link = &p.entries[before].next
	}
	next := *link
	*link = n
	p.entries = append(p.entries, entry{e, next, index})
}

// Share makes entries from to last of the PML4 of cr3 those of another one.
func (p *PageTables) Share(cr3, other uint64, from, last int) {
	for i := from; i <= last; i++ {
		if e := p.Entry(other, uint16(i)); e != 0 {
			p.SetEntry(cr3, uint16(i), e)
		}
	}
}

// Index is the part of a linear address that selects an entry of a level, 0 for
// the PML4 to 3.
func Index(addr uint64, level int) uint16 { return uint16(addr >> (39 - 9*level) & 511) }

// TableFlags are the bits of an entry that leads to another table: what is
// allowed below is said there (_PAGE_TABLE of Linux).
const TableFlags = PTEPresent | PTEWrite | PTEUser | PTEAccessed | PTEDirty

// Map makes an entry of a level map addr, and the tables on the way to it.
func (p *PageTables) Map(cr3, addr uint64, level int, e PTE) {
	p.SetEntry(p.Table(cr3, addr, level), Index(addr, level), e)
}

// Table gives the table of a level for addr, and makes it and those on the way to
// it if need be. The tables of the upper half are the kernel's at all levels.
func (p *PageTables) Table(cr3, addr uint64, level int) uint64 {
	table, flags := cr3, TableFlags
	if addr>>63 == 1 {
		flags &^= PTEUser
	}
	for l := range level {
		next := p.Entry(table, Index(addr, l))
		if next == 0 {
			next = PTE(p.NewTable()) | flags
			p.SetEntry(table, Index(addr, l), next)
		}
		table = next.Frame()
	}
	return table
}

// Canonical tells whether bits 63 to 47 of an address are the same: others raise
// a general protection fault and are never walked.
func Canonical(addr uint64) bool { return uint64(int64(addr)<<16>>16) == addr }

// Access is an access to memory, as the page tables see it.
type Access struct {
	Addr uint64
	CR3  uint64
	Kind uint8 // FaultWrite, FaultUser, FaultFetch
	Made bool  // there has been one
}

// Walk is what the processor reads to translate one address.
type Walk struct {
	Addr   uint64
	Access uint8 // FaultWrite, FaultUser, FaultFetch
	Tables [4]uint64
	Level  [4]PTE
	N      int // entries read
	Phys   uint64
	Fault  bool
	Code   uint8 // the error code, if it is a fault
}

// Walk translates an address for an access. A page that is not present ends it
// where it is found; the rights are those that all levels give.
func (p *PageTables) Walk(cr3, addr uint64, access uint8) Walk {
	w := Walk{Addr: addr, Access: access}
	table, rights, noExec := cr3&frameMask, PTEWrite|PTEUser, PTE(0)
	for l := range w.Level {
		e := p.Entry(table, Index(addr, l))
		w.Tables[l], w.Level[l], w.N = table, e, l+1
		if e&PTEPresent == 0 {
			w.Fault, w.Code = true, access
			return w
		}
		rights, noExec = rights&e, noExec|e&PTENX
		if l == 3 || e&PTESize != 0 {
			offset := uint64(1)<<(39-9*l) - 1
			w.Phys = e.Frame()&^offset | addr&offset
			break
		}
		table = e.Frame()
	}
	switch {
	case access&FaultUser != 0 && rights&PTEUser == 0,
		access&FaultWrite != 0 && rights&PTEWrite == 0,
		access&FaultFetch != 0 && noExec != 0:
		w.Fault, w.Code = true, access|FaultPresent
	}
	return w
}

// Translate is Walk, and marks the entries that it has used: accessed all of
// them, dirty the last one if it is a write (SDM volume 3, "Accessed and Dirty
// Flags").
func (p *PageTables) Translate(cr3, addr uint64, access uint8) Walk {
	w := p.Walk(cr3, addr, access)
	if w.Fault {
		return w
	}
	for l := range w.N {
		e := w.Level[l] | PTEAccessed
		if l == w.N-1 && access&FaultWrite != 0 {
			e |= PTEDirty
		}
		if e != w.Level[l] {
			p.SetEntry(w.Tables[l], Index(addr, l), e)
			w.Level[l] = e
		}
	}
	return w
}
