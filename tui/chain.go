package tui

import (
	"fmt"

	"ringside/kernel"
	"ringside/sim"
)

// The chain of causes: why a step ran, on whose stack, and what it led to. Every
// row is a record to go to.

// Where the chain ends, and how much of it is shown.
const (
	mostCauses  = 24
	mostEffects = 12
	effectsSpan = 20_000 // records that are looked through for effects
)

// showWhy opens the chain of the record at the cursor.
func (a *app) showWhy() { a.openPage(chainPage(a)) }

func chainPage(a *app) page {
	s := a.scene
	p := page{title: "WHY", sel: -1}
	if s.rec == nil {
		p.rows = a.say(s.doc.opening())
		return p
	}
	if note := s.note(); note != nil {
		say, because := s.texts(note)
		p.rows = append(p.rows, head("the scenario's file says"))
		p.rows = append(p.rows, a.say(say, because)...)
	}
	w, why := s.whatAndWhy()
	p.rows = append(append(p.rows, a.say(w.fn+": "+w.step)...), a.say(w.say, why)...)
	if code := &s.m.Text.Codes[s.rec.Fn]; why != code.Why {
		p.rows = append(p.rows, a.say(code.Why)...)
	}
	p.rows = append(p.rows, a.say(s.recordFacts())...)
	p.rows = append(p.rows, head("on whose stack"), s.ownerRow())
	p.rows = append(p.rows, head("what caused it, the nearest first"))
	p.rows = append(p.rows, s.causeRows()...)
	if !s.blind {
		p.rows = append(p.rows, head("what it leads to"))
		p.rows = append(p.rows, s.effectRows()...)
	}
	if x, ok := s.recordRef(s.rec); ok {
		p.rows = append(p.rows, head("what it touched"), s.linkRow(x))
	}
	return p
}

// recordFacts is the record in one sentence.
func (s *scene) recordFacts() string {
	r := s.rec
	text := fmt.Sprintf("record %d, %s context, took %s", s.pos-1, ctxNames[r.Ctx], r.Dur)
	if r.CPU >= 0 {
		text += fmt.Sprintf(" on cpu%d", r.CPU)
	}
	if r.Point != kernel.PointNone {
		text += ", tracepoint " + kernel.Points[r.Point]
	}
	if about := s.who.at(s.pos - 1); about.packet >= 0 {
		text += ", about " + s.packetName(about.packet)
	}
	return text
}

// recordRow is a record as a row that leads to it.
func (s *scene) recordRow(seq sim.Seq, note string) pageRow {
	r := s.tl.At(seq)
	where := "card"
	if r.CPU >= 0 {
		where = fmt.Sprintf("cpu%d", r.CPU)
	}
	text := fmt.Sprintf("%6d %12s us  %s %c  %s: %s", s.ix.at(seq+1), appendMicros(nil, r.T), where, kernel.ContextLetters[r.Ctx], s.m.Fn(r), s.stepText(r))
	if note != "" {
		text += "  " + note
	}
	return pageRow{text: text, open: func(a *app) { a.jumpTo(seq + 1) }}
}

// stepText is what a record did: its step, or the line of a program.
func (s *scene) stepText(r *sim.Record) string {
	if s.m.Text.Codes[r.Fn].Interp {
		return sourceLine(s.m, r)
	}
	return s.m.StepName(r)
}

// causeRows climbs to where it began: the wire, a timer, or the line of a program
// that asked for it.
func (s *scene) causeRows() []pageRow {
	var rows []pageRow
	last := s.pos - 1
	for c := s.causeBefore(last); c != sim.NoSeq && !s.m.Text.Codes[s.tl.At(last).Fn].Interp; c = s.causeBefore(c) {
		if last = c; len(rows) < mostCauses {
			rows = append(rows, s.recordRow(c, ""))
		}
	}
	if len(rows) == mostCauses {
		rows = append(rows, s.recordRow(last, "(where it began)"))
	}
	return append(rows, pageRow{text: "  it began with " + s.beginning(s.tl.At(last))})
}

// beginning says what kind of thing the first cause is.
func (s *scene) beginning(r *sim.Record) string {
	switch {
	case s.m.Text.Codes[r.Fn].Interp:
		return "the program: this line of it"
	case r.Station == kernel.StWire:
		return "the world outside: a frame came over the wire"
	case r.Kind == kernel.KindVector:
		return "a device or a timer"
	case r.Kind == kernel.KindTask:
		return "the scenario: it started a thread"
	}
	return "the first step of the run"
}

// ownerRow says whose stack the step used; where it was borrowed, it leads to the
// last thing that its owner did itself.
func (s *scene) ownerRow() pageRow {
	r := s.rec
	if r.Task < 0 || r.Ctx == kernel.CtxDevice {
		return pageRow{text: "  nobody's: it is hardware, no CPU takes part"}
	}
	name := s.m.Tasks[r.Task].Name
	if own(s.m, r) {
		stack := "kernel"
		if r.Ctx == kernel.CtxUser {
			stack = "user"
		}
		return pageRow{text: "  its own: the " + stack + " stack of " + name}
	}
	for i := s.pos - 2; i >= 0 && i >= s.pos-effectsSpan; i-- {
		if o := s.tl.At(i); o.CPU == r.CPU && o.Task == r.Task && own(s.m, o) {
			row := s.recordRow(i, "")
			row.text = "  borrowed from " + name + ", which was at" + row.text
			return row
		}
	}
	return pageRow{text: "  borrowed from " + name}
}

// effectRows are the first records of other steps that this step caused.
func (s *scene) effectRows() []pageRow {
	var rows []pageRow
	from, to := s.ix.start(s.step), s.ix.end(s.step)
	last := s.step
	for i := to; i < s.tl.Len() && i < to+effectsSpan && len(rows) < mostEffects; i++ {
		r := s.tl.At(i)
		if r.Cause < from || r.Cause >= to {
			continue
		}
		if step := s.ix.at(i + 1); step != last {
			last = step
			rows = append(rows, s.recordRow(i, ""))
		}
	}
	if len(rows) == 0 {
		return []pageRow{{text: "  nothing more: what it did ends here"}}
	}
	return rows
}
