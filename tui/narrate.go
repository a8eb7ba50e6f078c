package tui

import (
	"cmp"
	"slices"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// What the scenario's file says at records of the run, in place of the built-in
// narration, and the names it has given to records.

// narrator knows where the file's notes are, as far as the run is known.
type narrator struct {
	lang  string
	guide *guide.Guide
	find  *guide.Finder
	said  []spot // notes with a text, and those that stop play
	marks []spot // notes with a name
}

// spot is a note and the position behind its record.
type spot struct {
	pos  sim.Seq
	note int
}

func newNarrator(g *guide.Guide, lang string) narrator {
	if g == nil {
		g = &guide.Guide{}
	}
	return narrator{lang: lang, guide: g, find: guide.NewFinder(g)}
}

// update takes in the notes whose records have come.
func (n *narrator) update() {
	n.said, n.marks = n.said[:0], n.marks[:0]
	for i := range n.guide.Notes {
		note, seq := &n.guide.Notes[i], n.find.Found[i]
		if seq == sim.NoSeq {
			continue
		}
		if len(note.Say)+len(note.Why) > 0 || note.Pause {
			n.said = append(n.said, spot{seq + 1, i})
		}
		if note.Mark != "" {
			n.marks = append(n.marks, spot{seq + 1, i})
		}
	}
	byPos := func(a, b spot) int { return cmp.Compare(a.pos, b.pos) }
	slices.SortStableFunc(n.said, byPos)
	slices.SortStableFunc(n.marks, byPos)
}

// at finds the first of some spots at a position.
func (n *narrator) at(spots []spot, pos sim.Seq) *guide.Note {
	i, ok := slices.BinarySearchFunc(spots, pos, func(s spot, pos sim.Seq) int { return cmp.Compare(s.pos, pos) })
	if !ok {
		return nil
	}
	return &n.guide.Notes[spots[i].note]
}

// nextSpot finds the nearest of some spots in a direction.
func nextSpot(spots []spot, pos sim.Seq, dir int) (sim.Seq, bool) {
	i, _ := slices.BinarySearchFunc(spots, pos, func(s spot, pos sim.Seq) int { return cmp.Compare(s.pos, pos) })
	if dir < 0 {
		i--
	}
	for ; i >= 0 && i < len(spots); i += dir {
		if spots[i].pos != pos {
			return spots[i].pos, true
		}
	}
	return 0, false
}

// stop is where a move from a position to another one ends: at a note in between
// that has something to say, or where it was going.
func (n *narrator) stop(from, to sim.Seq) sim.Seq {
	dir := 1
	if to < from {
		dir = -1
	}
	if pos, ok := nextSpot(n.said, from, dir); ok && (pos < to) == (dir > 0) {
		return pos
	}
	return to
}

// pause is where play over a stretch ends: at a note that stops it, or at the end.
func (n *narrator) pause(from, to sim.Seq) sim.Seq {
	for at := from; ; {
		pos, ok := nextSpot(n.said, at, 1)
		switch {
		case !ok || pos >= to:
			return to
		case n.at(n.said, pos).Pause:
			return pos
		}
		at = pos
	}
}

// note is what the file says at the cursor, or nil.
func (s *scene) note() *guide.Note {
	if len(s.narrator.said) == 0 {
		return nil
	}
	return s.narrator.at(s.narrator.said, s.pos)
}

// markName is the name of the record at the cursor, or "".
func (s *scene) markName() string {
	if n := s.narrator.at(s.narrator.marks, s.pos); n != nil {
		return kernel.Printable(n.Mark)
	}
	return ""
}

// texts are a note's say and why; what the file leaves out is the built-in one.
func (s *scene) texts(n *guide.Note) (say, why string) {
	what, builtin := s.whatAndWhy()
	say, why = kernel.Printable(n.Say.In(s.narrator.lang)), kernel.Printable(n.Why.In(s.narrator.lang))
	if say == "" {
		say = what.say
	}
	if why == "" {
		why = builtin
	}
	return say, why
}

// oneLanguage tells whether both are in the same one; the built-in ones are English.
func (s *scene) oneLanguage(n *guide.Note) bool {
	return n.Say.Lang(s.narrator.lang) == n.Why.Lang(s.narrator.lang)
}

// headWhy marks what is the file's, and names the record. Where there is no room
// for both, the name says enough.
func headWhy(p *pen, s *scene) {
	if s.rec == nil {
		return
	}
	name := s.markName()
	const file = " from the file "
	if s.note() != nil && (name == "" || p.left() > len(file)+len(" mark: ")+textWidth(name, p.g.ascii)) {
		p.in(styleHere).str(file).in(styleText)
	}
	if name != "" {
		p.in(styleBold).str(" mark: ").rest(name)
	}
}

// drawNote writes a note in so many rows: its why is there even if its say is
// long. Where it needs them all, the heading goes.
func drawNote(p *pen, s *scene, n *guide.Note, rows int) {
	say, why := s.texts(n)
	y := 0
	if rowsFor(say+" "+why, p.w) < rows {
		what, _ := s.whatAndWhy()
		p.line(0).in(styleBold).str(what.fn).in(styleText).str(": ").rest(what.step)
		y, rows = 1, rows-1
	}
	p.line(y)
	if both := say + " " + why; rows > 1 && s.oneLanguage(n) && rowsFor(both, p.w) <= rows {
		p.wrap(y, rows, both)
		return
	}
	first := min(max(rows-rowsFor(why, p.w), rows/2, 1), rowsFor(say, p.w))
	if first == rows {
		p.wrapMore(y, first, say)
		return
	}
	p.wrap(y, first, say)
	p.wrapMore(y+first, rows-first, why)
}

// rowsFor is how many rows a text takes.
func rowsFor(text string, width int) (n int) {
	for n = 0; text != ""; n++ {
		_, text = breakLine(text, max(width, 1))
	}
	return n
}
