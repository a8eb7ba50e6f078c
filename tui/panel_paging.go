package tui

import "ringside/cpu"

// The walk through the page tables: what the processor read to translate the
// last address that was asked of them. It is walked anew in the state at the
// cursor, so that an entry shows where a fault's handler makes it.

// walkRows are the lines of a walk: the access, four entries, what came of it.
const walkRows = 6

// drawWalk shows the walk of a core's last access, and below it, where there is
// room, whose page tables there are.
func drawWalk(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	w := s.m.PT.Walk(c.Access.CR3, c.Access.Addr, c.Access.Kind)
	p.line(0).mark(c.Access != was.Access).str(accessName(c.Access.Kind)).str(" ").hex(c.Access.Addr, 1).in(styleText).str(" ")
	p.in(styleDim).rest(s.m.RangeOf(c.Access.CR3, c.Access.Addr))
	var before cpu.Walk
	if was.Access == c.Access {
		before = s.was.PT.Walk(c.Access.CR3, c.Access.Addr, c.Access.Kind)
	}
	for l := range w.N {
		p.line(1 + l)
		drawEntry(p, &w, &before, l)
	}
	p.line(1 + w.N).mark(w.Fault != before.Fault || w.Phys != before.Phys)
	if w.Fault {
		p.str("#PF  error code ").dec(int64(w.Code)).str(" = ").str(cpu.FaultLetters(w.Code)).in(styleText)
		p.str("  CR2 ").mark(c.CR2 != was.CR2).address(c.CR2).in(styleText)
	} else {
		p.str("-> physical ").hex(w.Phys, 1).in(styleText)
	}
	if p.h > walkRows {
		drawPGDs(p.line(walkRows), s)
	}
}

// drawEntry writes one entry: where it is, and what is in it.
func drawEntry(p *pen, w, before *cpu.Walk, l int) {
	e := w.Level[l]
	p.str(" ").fit(cpu.LevelNames[l], 6).hex(w.Tables[l], 7).str("[").hex(uint64(cpu.Index(w.Addr, l)), 3).str("] ")
	p.mark(e != before.Level[l])
	if e == 0 {
		p.str("empty").in(styleText)
		return
	}
	p.str(e.Letters()).in(styleText).str(" ").hex(e.Frame(), 1)
}

// drawPGDs tells the top of each process's tables: what CR3 is while it runs.
func drawPGDs(p *pen, s *scene) {
	p.in(styleDim).str("CR3 of ").in(styleText)
	for i := range s.m.Procs {
		if p.left() < 16 {
			return
		}
		p.str("pid ").dec(int64(s.m.Procs[i].PID)).str(" ").hex(s.m.Procs[i].CR3, 1).str("  ")
	}
}

// accessName says what kind an access is.
func accessName(kind uint8) string {
	what := "load"
	switch {
	case kind&cpu.FaultWrite != 0:
		what = "store"
	case kind&cpu.FaultFetch != 0:
		what = "fetch"
	}
	if kind&cpu.FaultUser != 0 {
		return what + " ring 3"
	}
	return what + " ring 0"
}
