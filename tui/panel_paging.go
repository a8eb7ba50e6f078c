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
	p.line(0).mark(c.Access != was.Access).str(accessName(s.m.ABI, c.Access.Kind)).str(" ").hex(c.Access.Addr, 1).in(styleText).str(" ")
	p.in(styleDim).rest(s.m.RangeOf(c.Access.CR3, c.Access.Addr))
	var before cpu.Walk
	if was.Access == c.Access {
		before = s.was.PT.Walk(c.Access.CR3, c.Access.Addr, c.Access.Kind)
	}
	for l := range w.N {
		p.line(1 + l)
		drawEntry(p, s.m.ABI, &w, &before, l)
	}
	p.line(1 + w.N).mark(w.Fault != before.Fault || w.Phys != before.Phys)
	switch {
	case w.Fault && s.m.ABI.Arm64:
		drawAbort(p, s, i)
	case w.Fault:
		p.str("#PF  error code ").dec(int64(w.Code)).str(" = ").str(cpu.FaultLetters(w.Code)).in(styleText)
		p.str("  CR2 ").mark(c.CR2 != was.CR2).address(c.CR2).in(styleText)
	default:
		p.str("-> physical ").hex(w.Phys, 1).in(styleText)
	}
	if p.h > walkRows {
		drawPGDs(p.line(walkRows), s)
	}
}

// drawAbort writes what a core has said of its last data abort.
func drawAbort(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	if class := cpu.Class(c.ESR); class != cpu.ECDataEL0 && class != cpu.ECDataEL1 {
		p.str("data abort")
		return
	}
	p.str("abort  ").mark(c.ESR != was.ESR).str(cpu.AbortName(c.ESR)).in(styleText)
	p.str("  FAR ").mark(c.CR2 != was.CR2).address(c.CR2).in(styleText)
}

// drawEntry writes one entry: where it is, and what is in it.
func drawEntry(p *pen, a *cpu.ABI, w, before *cpu.Walk, l int) {
	e := w.Level[l]
	if a.Arm64 {
		p.str(" level").dec(int64(l)).str(" ")
	} else {
		p.str(" ").fit(cpu.LevelNames[l], 6)
	}
	p.hex(w.Tables[l], 7).str("[").hex(uint64(cpu.Index(w.Addr, l)), 3).str("] ")
	p.mark(e != before.Level[l])
	if e == 0 {
		p.str("empty").in(styleText)
		return
	}
	p.str(e.Letters()).in(styleText).str(" ").hex(e.Frame(), 1)
}

// drawPGDs tells the top of each process's tables: what CR3 is while it runs.
func drawPGDs(p *pen, s *scene) {
	name := "CR3"
	if s.m.ABI.Arm64 {
		name = "TTBR0"
	}
	p.in(styleDim).str(name).str(" of ").in(styleText)
	for i := range s.m.Procs {
		if p.left() < 16 {
			return
		}
		p.str("pid ").dec(int64(s.m.Procs[i].PID)).str(" ").hex(s.m.Procs[i].CR3, 1).str("  ")
	}
}

// accessName says what kind an access is.
func accessName(a *cpu.ABI, kind uint8) string {
	what := "load"
	switch {
	case kind&cpu.FaultWrite != 0:
		what = "store"
	case kind&cpu.FaultFetch != 0:
		what = "fetch"
	}
	switch user := kind&cpu.FaultUser != 0; {
	case user:
		return what + " " + a.User
	case a.Arm64:
		return what + " EL1"
	}
	return what + " ring 0"
}
