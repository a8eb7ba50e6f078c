package tui

import "ringside/kernel"

// drawIOMMU writes what the IOMMU has done with the access of the step, or else what
// it has recorded and counted so far.
func drawIOMMU(p *pen, s *scene) {
	u, was := &s.m.IOMMU, &s.was.IOMMU
	p.str("IOMMU").to(6)
	if iova, phys, state, ok := s.m.Remapping(s.rec); ok {
		p.str(" ").hex(uint64(iova), 8).in(styleText).str(" -> ")
		if state == kernel.RemapFound || state == kernel.RemapHit {
			p.hex(uint64(phys), 8).in(styleText).str(" ")
		}
		p.mark(true).str(kernel.RemapStates[state]).in(styleText)
		return
	}
	p.count(" hit", u.Hits, was.Hits).count(" miss", u.Misses, was.Misses)
	if u.Record.Set {
		p.str(" fault ").mark(!was.Record.Set).hex(u.Record.Page, 8).str(" reason ").hex(uint64(u.Record.Reason), 2).in(styleText)
		return
	}
	p.count(" fault", u.Faults, was.Faults)
}
