package kernel

import (
	"slices"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// The card behind an IOMMU (machine.iommu): kernel/dma/mapping.c, drivers/iommu/
// dma-iommu.c, intel/iommu.c. The driver maps each buffer before the card gets it
// and unmaps it before it looks inside; in strict mode, as here, the unmapping waits
// until the IOTLB has forgotten the page. A card that uses an address which it was
// not given, or no longer, is blocked.

const (
	fileDMA     = "kernel/dma/mapping.c"
	fileVTd     = "Intel VT-d architecture specification"
	fileIOIntel = "drivers/iommu/intel/iommu.c"
)

// walkTime is how long the four levels of second-stage tables take to read, from
// memory. The IOTLB answers at once.
const walkTime = 240 * sim.Nanosecond

// Events of the IOMMU are the card's, with the address in C; evIOWalk is the one
// whose page was not in the IOTLB.
var iommuText = text{
	fnIOTLB: device("iotlb", StDMA, fileVTd, "the page is looked up",
		"The card's request carries an I/O virtual address; the IOMMU looks into its cache first.",
		"A device is not trusted with physical addresses: what it can reach is what the kernel has mapped for it."),
	fnIOWalk: device("dma remapping", StDMA, fileVTd, "second-stage tables: the page is found",
		"The IOTLB did not know the page: the IOMMU reads the device's tables in memory.",
		"The walk costs as much as some memory reads, so the result is kept in the IOTLB."),
	fnIOFault: device("dma remapping fault", StDMA, fileVTd, "blocked: FSTS.PPF, a fault record",
		"The entry does not allow the request: it is blocked, and recorded with the device, the page and the reason.",
		"The write was posted, so nobody tells the card; but it has not reached the memory of others."),
	fnDmaMapPage: {Name: "dma_map_page_attrs", File: fileDMA,
		Say: "Gives the card an address for a page: an I/O virtual one.",
		Why: "Without a mapping the IOMMU would block the card's access.",
		Steps: []step{
			{Name: "iommu_dma_map_page: alloc_iova_fast", Cost: costFn, Do: (*Machine).allocIOVA},
			{Name: "intel_iommu_map_pages: set the entry", Cost: costPTE, Do: (*Machine).ioMap},
		}},
	fnDmaUnmapPage: {Name: "dma_unmap_page_attrs", File: fileDMA,
		Say: "Takes a page back from the card, before the driver looks inside.",
		Why: "From here on the card cannot change what the kernel has checked.",
		Steps: []step{
			{Name: "intel_iommu_unmap_pages: clear the entry", Cost: costPTE, Do: (*Machine).ioUnmap},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnQIFlushIOTLB: {Name: "qi_flush_iotlb", File: "drivers/iommu/intel/dmar.c",
		Say: "Tells the IOMMU to forget the page, and waits until it has.",
		Why: "The entry is gone from the tables, but until now the IOTLB may still have it (iommu.strict=1).",
		Steps: []step{
			{Name: "qi_submit_sync: IOTLB invalidation, wait descriptor", Cost: costMMIO, Do: (*Machine).ioInvalidate},
			{Name: "the status is written: done; free_iova_fast", Cost: costMMIORead, Do: (*Machine).freeIOVA},
		}},
}

// cardSID is the card's place on the bus, 00:04.0.
var cardSID = cpu.SourceID(0, 4, 0)

// loadIOMMU makes the driver's refill map one buffer after the other.
func (im *Image) loadIOMMU() {
	alloc := &im.Text.Codes[fnE1000AllocRx]
	alloc.Steps = slices.Concat([]step{{Name: "a buffer: dma_map_page", Cost: costDesc, Do: (*Machine).mapRx}}, alloc.Steps)
}

// newIOVA gives a page of I/O virtual addresses: the one that was freed last
// (iova_rcache_get), else the next below.
func (m *Machine) newIOVA() uint64 {
	if last := len(m.freeIOVAs) - 1; last >= 0 {
		n := m.freeIOVAs[last]
		m.freeIOVAs = m.freeIOVAs[:last]
		return cpu.IOVA(n)
	}
	m.nextIOVA++
	return cpu.IOVA(m.nextIOVA - 1)
}

// mapNow maps memory while the interface is brought up, before the first record.
func (m *Machine) mapNow(phys uint64, rights cpu.IOPTE) uint64 {
	iova := m.newIOVA()
	m.IOMMU.SetEntry(iova, cpu.IOPTE(phys)|rights)
	return iova
}

// mapRing maps a descriptor ring, which both sides use all the time
// (dma_alloc_coherent), and gives its address for the card.
func (m *Machine) mapRing() (iova uint64) {
	const ringBase = 0x0790_0000
	pages := (m.Config.NIC.Ring*nic.DescSize + cpu.PageSize - 1) / cpu.PageSize
	for i := pages - 1; i >= 0; i-- { // addresses are given out downwards
		iova = m.mapNow(ringBase+uint64(i)*cpu.PageSize, cpu.IORead|cpu.IOWrite)
	}
	return iova
}

// allocIOVA: local 0 is the physical address with the rights in its low bits, 1 will
// be the IOVA.
func (m *Machine) allocIOVA(c *cpu.Core, r *sim.Record) {
	l := &c.Frame().L
	l[1] = int64(m.newIOVA())
	r.Arg[0], r.Arg[1] = l[0], l[1]
}

func (m *Machine) ioMap(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	m.IOMMU.SetEntry(uint64(l[1]), cpu.IOPTE(l[0]))
	r.Arg[0], r.Arg[1] = l[0], l[1]
	c.Return(l[1])
}

// ioUnmap: local 0 is the IOVA.
func (m *Machine) ioUnmap(c *cpu.Core, r *sim.Record) {
	iova := c.Frame().L[0]
	m.IOMMU.SetEntry(uint64(iova), 0)
	r.Arg[0] = iova
	c.Call(fnQIFlushIOTLB, iova)
}

func (m *Machine) ioInvalidate(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = c.Frame().L[0]
	m.IOMMU.Invalidate(uint64(r.Arg[0]))
}

func (m *Machine) freeIOVA(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = c.Frame().L[0]
	m.freeIOVAs = append(m.freeIOVAs, cpu.IOVANumber(uint64(r.Arg[0])))
}

// mapRx: local 0 is the queue, 1 whether a buffer is being mapped.
func (m *Machine) mapRx(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	queue := int32(f.L[0])
	n := &m.Napis[queue]
	m.aboutDesc(r, queue, n.Use)
	if f.L[1] != 0 {
		m.giveBuffer(queue, uint64(c.Result()))
		f.L[1] = 0
	}
	if n.Cleaned > 0 {
		f.L[1] = 1
		c.Again()
		c.Call(fnDmaMapPage, int64(m.bufferAddr(queue, n.Use)|uint64(cpu.IOWrite)))
	}
}

// remap looks a request of the card up in the IOTLB.
func (m *Machine) remap(e *sim.Event, r *sim.Record) {
	r.Kind, r.Obj, r.Fn, r.Station = KindFrame, e.A, uint16(fnIOTLB), StDMA
	iova := uint64(e.C)
	phys, hit := m.IOMMU.Lookup(iova, rightOf(e))
	r.Arg[0], r.Arg[1] = e.C, int64(phys)
	if hit {
		m.NIC.Resume(e, true, m.Now, &m.Queue, m.Seq)
		return
	}
	m.Queue.Push(sim.Event{At: m.Now + walkTime, Cause: m.Seq, Kind: evIOWalk, A: e.A, B: e.B, C: e.C})
}

// ioWalk looks it up in the tables.
func (m *Machine) ioWalk(e *sim.Event, r *sim.Record) {
	r.Kind, r.Obj, r.Fn, r.Station, r.Dur = KindFrame, e.A, uint16(fnIOWalk), StDMA, walkTime
	phys, ok := m.IOMMU.Walk(uint64(e.C), rightOf(e), cardSID)
	r.Arg[0], r.Arg[1] = e.C, int64(phys)
	if ok {
		m.NIC.Resume(e, true, m.Now, &m.Queue, m.Seq)
		return
	}
	r.Fn, r.Arg[1] = uint16(fnIOFault), int64(m.IOMMU.Record.Reason)
	m.NIC.Resume(e, false, m.Now, &m.Queue, m.Seq)
}

// rightOf is what a request needs.
func rightOf(e *sim.Event) cpu.IOPTE {
	if nic.Reads(e) {
		return cpu.IORead
	}
	return cpu.IOWrite
}

// What the IOMMU has done with a request.
const (
	RemapHit int = iota
	RemapMiss
	RemapFound
	RemapBlocked
)

// RemapStates say it in words.
var RemapStates = [...]string{RemapHit: "IOTLB hit", RemapMiss: "IOTLB miss", RemapFound: "walked", RemapBlocked: "blocked"}

// Remapping is what a record says of the IOMMU: an address, what it is translated
// to, and how.
func (m *Machine) Remapping(r *sim.Record) (iova, phys int64, state int, ok bool) {
	if r == nil {
		return 0, 0, 0, false
	}
	switch cpu.CodeID(r.Fn) {
	case fnIOTLB:
		if state = RemapMiss; r.Arg[1] != 0 {
			state = RemapHit
		}
	case fnIOWalk:
		state = RemapFound
	case fnIOFault:
		state = RemapBlocked
	default:
		return 0, 0, 0, false
	}
	return r.Arg[0], r.Arg[1], state, true
}
