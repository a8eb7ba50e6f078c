package cpu

// The IOMMU between devices and memory: Intel VT-d (Intel Virtualization Technology
// for Directed I/O, architecture specification). A device uses I/O virtual addresses
// (IOVAs); the hardware looks each of them up in tables that only the kernel can
// write. What it finds it keeps in a cache, the IOTLB, until software invalidates it.
//
// One domain for one device. Left out: the levels of the second-stage tables, which
// are kept flat here, root and context tables, interrupt remapping, device TLBs.

// IOMMU is plain data.
type IOMMU struct {
	Pages []IOPTE // second-stage entries, from the top of 32 bits downwards
	TLB   [IOTLBSize]IOTLBEntry
	next  uint8 // the place in the IOTLB that is filled next

	FSTS   uint32      // fault status register
	Record FaultRecord // the only fault recording register

	Hits, Misses, Faults, Invalidations int64
}

// IOPTE is a second-stage entry: the page's physical address, and what the device
// may do with it.
type IOPTE uint64

// Bits of an entry ("Second-Stage Paging Entries").
const (
	IORead  IOPTE = 1 << 0
	IOWrite IOPTE = 1 << 1
)

// Frame is the physical address in an entry.
func (e IOPTE) Frame() uint64 { return uint64(e) & frameMask }

// IOTLBSize is how many entries the cache has; a real one has some more.
const IOTLBSize = 8

// IOTLBEntry is a translation that was looked up.
type IOTLBEntry struct {
	Page uint64 // of the IOVA; 0: the entry is empty
	PTE  IOPTE
}

// Bits of the fault status register, FSTS_REG.
const (
	FSTSOverflow = 1 << 0 // PFO: a fault found no free register
	FSTSPending  = 1 << 1 // PPF: a fault is recorded
)

// Fault reasons ("Fault Reason Encodings").
const (
	IOFaultWrite = 0x05 // the entry does not allow writes
	IOFaultRead  = 0x06 // nor reads
)

// FaultRecord is a fault recording register, FRCD_REG.
type FaultRecord struct {
	Page   uint64 // FI
	SID    uint16 // which device: bus, device and function
	Reason uint8  // FR
	Set    bool   // F
}

// SourceID is how a device's place on the bus is written in requests.
func SourceID(bus, device, function uint16) uint16 { return bus<<8 | device<<3 | function }

// ioTop is the end of the addresses that are given out.
const ioTop = 1 << 32

// IOVA is the address of the page with a number, counted from the top, and
// IOVANumber the way back.
func IOVA(n uint32) uint64 { return ioTop - uint64(n+1)*PageSize }

// IOVANumber is the number of an address's page.
func IOVANumber(iova uint64) uint32 { return uint32((ioTop - 1 - iova) / PageSize) }

// SetEntry writes the entry of an IOVA. An old one may still be in the IOTLB.
func (u *IOMMU) SetEntry(iova uint64, e IOPTE) {
	n := IOVANumber(iova)
	for uint32(len(u.Pages)) <= n {
		u.Pages = append(u.Pages, 0)
	}
	u.Pages[n] = e
}

// Invalidate drops an IOVA's page from the IOTLB (page-selective-within-domain).
func (u *IOMMU) Invalidate(iova uint64) {
	u.Invalidations++
	for i := range u.TLB {
		if u.TLB[i].Page == iova&frameMask {
			u.TLB[i] = IOTLBEntry{}
		}
	}
}

// Lookup asks the IOTLB.
func (u *IOMMU) Lookup(iova uint64, need IOPTE) (phys uint64, hit bool) {
	for i := range u.TLB {
		if e := &u.TLB[i]; e.Page == iova&frameMask && e.PTE&need != 0 {
			u.Hits++
			return e.PTE.Frame() | iova&^frameMask, true
		}
	}
	u.Misses++
	return 0, false
}

// Walk asks the tables. A page that does not allow the request is not cached: the
// request is blocked, and recorded if there is room.
func (u *IOMMU) Walk(iova uint64, need IOPTE, sid uint16) (phys uint64, ok bool) {
	if n := IOVANumber(iova); iova < ioTop && n < uint32(len(u.Pages)) && u.Pages[n]&need != 0 {
		u.TLB[u.next] = IOTLBEntry{Page: iova & frameMask, PTE: u.Pages[n]}
		u.next = (u.next + 1) % IOTLBSize
		return u.Pages[n].Frame() | iova&^frameMask, true
	}
	u.Faults++
	if u.Record.Set {
		u.FSTS |= FSTSOverflow
		return 0, false
	}
	reason := uint8(IOFaultWrite)
	if need == IORead {
		reason = IOFaultRead
	}
	u.FSTS |= FSTSPending
	u.Record = FaultRecord{Page: iova & frameMask, SID: sid, Reason: reason, Set: true}
	return 0, false
}

// CopyFrom makes u an exact copy of src in its own memory.
func (u *IOMMU) CopyFrom(src *IOMMU) {
	pages := u.Pages
	*u = *src
	u.Pages = append(pages[:0], src.Pages...)
}

// Size is about how many bytes a copy takes.
func (u *IOMMU) Size() int { return 200 + 8*len(u.Pages) }
