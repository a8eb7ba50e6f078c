package tui

import (
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// The narration: what the step does and why, where it comes from and leads to.

// whyRows is how much room the narration has in any case, below its heading.
const whyRows = 3

func drawWhy(p *pen, s *scene) {
	if s.rec == nil {
		text := s.doc.opening()
		p.wrapMore(0, p.h, text)
		if n := rowsFor(text, p.w); n < p.h {
			p.line(n).in(styleDim).rest("Nothing has happened yet: → takes the first step, space plays, ? for the keys.")
		}
		return
	}
	if note := s.note(); note != nil {
		say, why := s.texts(note)
		rows := narrationRows(p, say+" "+why)
		drawNote(p, s, note, rows)
		drawLinks(p, s, rows)
		return
	}
	what, why := s.whatAndWhy()
	p.line(0).in(styleBold).str(what.fn).in(styleText).str(": ")
	p.rest(what.step)
	if p.h > 2 {
		why = what.say + " " + why
	}
	rows := narrationRows(p, why)
	p.line(1).wrapMore(1, rows-1, why)
	drawLinks(p, s, rows)
}

// narrationRows is how many rows a text has with its heading: a longer one takes
// those of the links.
func narrationRows(p *pen, text string) int {
	return min(p.h, max(whyRows, rowsFor(text, p.w))+1)
}

// wrapMore writes text over so many rows. If it is longer, the last one ends with
// the key that shows all of it.
func (p *pen) wrapMore(y, rows int, s string) {
	const more = " w more"
	if rowsFor(s, p.w) <= rows || p.w < 2*len(more) {
		p.wrap(y, rows, s)
		return
	}
	for ; rows > 1; rows-- {
		head, tail := breakLine(s, p.w)
		p.at(0, y).str(head)
		s, y = tail, y+1
	}
	p.at(0, y).fit(s, p.w-len(more)).in(styleBold).str(more)
}

// drawLinks says from a row on what a step comes from and leads to.
func drawLinks(p *pen, s *scene, y int) {
	for i, draw := range []func(*pen, *scene){drawCauses, drawEffects, drawSources} {
		if y+i < p.h {
			draw(p.line(y+i), s)
		}
	}
}

// opening is what a scenario says before anything has happened.
func (d *Doc) opening() string {
	if d.Misconception == "" {
		return d.Teaches
	}
	return d.Teaches + " A common misconception: " + d.Misconception
}

// what is a step as it is told.
type what struct{ fn, step, say string }

// whatAndWhy tells the record at the cursor: in the step's own words if it has
// some, else in the function's.
func (s *scene) whatAndWhy() (what, string) {
	code := &s.m.Text.Codes[s.rec.Fn]
	w := what{fn: code.Name, say: code.Say}
	why := code.Why
	if code.Interp {
		w.step = sourceLine(s.m, s.rec)
		if name := s.called(); name != "" {
			w.say = "The program calls " + name + ", a library function."
			why = "It is in ring 3 like the program. The kernel is not asked before that function asks it."
		}
		return w, why
	}
	st := &code.Steps[s.rec.Step]
	w.step = st.Name
	if st.Say != "" {
		w.say = st.Say
	}
	if st.Why != "" {
		why = st.Why
	}
	return w, why
}

// called is the library function that a line of a program has called, or "".
func (s *scene) called() string {
	f := s.m.Cores[s.rec.CPU].Frame()
	if f == nil {
		return ""
	}
	callee := &s.m.Text.Codes[f.Code]
	if callee.Interp || callee.Ring != 3 || callee.File == s.m.Text.Codes[s.rec.Fn].File {
		return ""
	}
	return callee.Name
}

// sourceLine is the line of a thread program that a record did.
func sourceLine(m *kernel.Machine, r *sim.Record) string {
	if r.Task < 0 || m.Tasks[r.Task].Thread == kernel.None {
		return ""
	}
	return sourceAt(m.Config.Threads[m.Tasks[r.Task].Thread].Program.Source, int(r.Arg[0]))
}

// sourceAt is a line of a source, by its number from 1.
func sourceAt(source string, line int) string {
	for n := 1; n < line; n++ {
		_, source, _ = strings.Cut(source, "\n")
	}
	text, _, _ := strings.Cut(source, "\n")
	return strings.TrimSpace(text)
}

// causeBefore climbs from a record to the one that made its step happen: the
// first cause that belongs to another step.
func (s *scene) causeBefore(seq sim.Seq) sim.Seq {
	start := s.ix.start(s.ix.at(seq + 1))
	c := s.tl.At(seq).Cause
	for c >= start {
		c = s.tl.At(c).Cause
	}
	return c
}

func drawCauses(p *pen, s *scene) {
	p.in(styleDim).str("caused by ").in(styleText)
	c := s.causeBefore(s.pos - 1)
	if c == sim.NoSeq {
		p.in(styleDim).str("nothing before it: the world outside")
		return
	}
	for first := true; c != sim.NoSeq; c, first = s.causeBefore(c), false {
		name := s.m.Fn(s.tl.At(c))
		if p.left() < len(name)+14 {
			return
		}
		if !first {
			p.str(" <- ")
		}
		p.dec(int64(s.ix.at(c + 1))).str(" ").str(name)
	}
}

// drawEffects names the steps that follow from this one, as far as they are
// near.
func drawEffects(p *pen, s *scene) {
	const lookAhead = 400
	from, to := s.ix.start(s.step), s.ix.end(s.step)
	p.in(styleDim).str("leads to  ").in(styleText)
	if s.blind {
		p.in(styleDim).str("hidden while there are questions (p)")
		return
	}
	last, n := s.step, 0
	for i := to; i < s.tl.Len() && i < to+lookAhead; i++ {
		r := s.tl.At(i)
		if r.Cause < from || r.Cause >= to {
			continue
		}
		step := s.ix.at(i + 1)
		if step == last {
			continue
		}
		last = step
		name := s.m.Fn(r)
		if p.left() < len(name)+14 {
			return
		}
		if n++; n > 1 {
			p.str(", ")
		}
		p.dec(int64(step)).str(" ").str(name)
	}
	if n == 0 {
		p.in(styleDim).str("nothing soon")
	}
}

func drawSources(p *pen, s *scene) {
	code := &s.m.Text.Codes[s.rec.Fn]
	p.in(styleDim).str("source    ").rest(code.File)
	if s.rec.Point != kernel.PointNone {
		p.to(p.x + 2).str("tracepoint ").rest(kernel.Points[s.rec.Point])
	}
}

// fold breaks paragraphs into lines of at most a width.
func fold(width int, paragraphs ...string) []string {
	var out []string
	for _, text := range paragraphs {
		for {
			head, tail := breakLine(text, max(width, 20))
			out = append(out, head)
			if text = tail; text == "" {
				break
			}
		}
	}
	return out
}

// splitLines is text as lines.
func splitLines(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") }
