package tui

import (
	"ringside/kernel"
	"ringside/sim"
)

// The records around the cursor.

// logColumns are where the fields of a row begin; a narrow panel leaves out the
// last ones.
const (
	logTime   = 11
	logWhere  = 23
	logFn     = 30
	logDetail = 62
	logCause  = 118
	logPoint  = 130
)

func drawLog(p *pen, s *scene) {
	y := 0
	if p.h > 3 && p.w >= logDetail {
		p.line(0).in(styleDim).str("  #").to(logTime).str("t us").to(logWhere).str("where").to(logFn).str("function").
			to(logDetail).str("step").to(logCause).str("cause").to(logPoint).str("tracepoint")
		y = 1
	}
	rows := p.h - y
	ahead := rows / 4
	if s.only != nil {
		drawOnly(p, s, y, rows)
		return
	}
	first := s.pos - sim.Seq(rows-ahead)
	for i := range rows {
		seq := first + sim.Seq(i)
		if seq >= 0 && seq < s.tl.Len() && (seq < s.pos || !s.blind) {
			drawRecord(p.line(y+i), s, seq)
		}
	}
}

// drawOnly writes the records that the filter and what is followed leave.
func drawOnly(p *pen, s *scene, y, rows int) {
	first := max(s.only.from(s.pos)-(rows-rows/4), 0)
	for i := range rows {
		if at := first + i; at >= 0 && at < len(s.only.seqs) {
			drawRecord(p.line(y+i), s, s.only.seqs[at])
		}
	}
}

func drawRecord(p *pen, s *scene, seq sim.Seq) {
	r := s.tl.At(seq)
	here := seq == s.pos-1
	plain := styleText
	switch {
	case here:
		p.in(styleHere).rune('>')
		plain = styleBold
	case seq >= s.pos:
		p.rune(' ')
		plain = styleDim
	default:
		p.rune(' ')
	}
	p.in(plain).number(s, seq)
	if p.w < logDetail {
		p.to(logTime - 2).in(ctxStyles[r.Ctx]).rune(rune(kernel.ContextLetters[r.Ctx])).in(plain).str(" ").str(s.m.Fn(r)).str(": ").rest(s.stepText(r))
		return
	}
	p.to(logTime).micros(r.T, 9).to(logWhere)
	if r.CPU >= 0 {
		p.str("cpu").dec(int64(r.CPU))
	} else {
		p.str("nic0")
	}
	st := plain
	if seq < s.pos && !here {
		st = ctxStyles[r.Ctx]
	}
	p.to(logWhere + 5).in(st).rune(rune(kernel.ContextLetters[r.Ctx]))
	p.to(logFn).fit(s.m.Fn(r), min(logDetail-logFn-1, max(p.left(), 0))).in(plain)
	p.to(logDetail)
	drawDetail(p, s, r, min(logCause-logDetail-1, max(p.left(), 0)))
	if p.w <= logPoint {
		return
	}
	p.to(logCause)
	if r.Cause != sim.NoSeq {
		p.number(s, r.Cause)
	}
	p.to(logPoint).rest(kernel.Points[r.Point])
}

// number writes which record of which step one is.
func (p *pen) number(s *scene, seq sim.Seq) *pen {
	step := s.ix.at(seq + 1)
	return p.dec(int64(step)).rune('.').dec(int64(seq-s.ix.start(step)) + 1)
}

// drawDetail writes what a record did, in so many cells: the step, or the line
// of a thread program.
func drawDetail(p *pen, s *scene, r *sim.Record, width int) {
	code := &s.m.Text.Codes[r.Fn]
	if code.Interp {
		p.fit(sourceLine(s.m, r), width)
		return
	}
	p.fit(code.Steps[r.Step].Name, width)
}
