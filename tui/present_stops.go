package tui

import (
	"cmp"
	"slices"

	"ringside/scenarios/guide"
	"ringside/sim"
)

// stopKind tells what a stop is.
type stopKind uint8

const (
	stopOpening  stopKind = iota // what the part is about
	stopStation                  // a station of the path, where there are no marks
	stopQuestion                 // before a record: a question about it
	stopMark                     // a mark, with what the guide has to say
	stopAnswer                   // behind a record: the answer
)

// stop is a place that the presentation goes to with one key.
type stop struct {
	kind stopKind
	pos  sim.Seq
	name string
	note *guide.Note // of a mark, a question or an answer
}

// setStops finds the stops of the scenario that is open.
func (a *app) setStops() {
	s := &a.show
	s.doc, s.at = a.scene.doc, 0
	pos := a.scene.pos
	part := &s.lesson.Parts[s.part]
	opening := stop{kind: stopOpening, name: part.Title.In(a.opts.Lang)}
	if opening.name == "" {
		opening.name = "the start"
	}
	found := a.scene.findNotes()
	s.spoken = a.scene.spokenAt(found)
	rest := a.scene.guideStops(part, found)
	if len(rest) == 0 {
		rest = a.scene.stationStops()
	}
	if len(part.Marks) > 0 && len(rest) > 0 { // it goes on where another part left off
		opening.pos = a.scene.ix.start(a.scene.ix.at(rest[0].pos))
	}
	s.stops = append([]stop{opening}, rest...)
	a.scene.show(pos)
	s.at = s.before(pos)
	if pos < opening.pos {
		a.toStop(0)
	}
}

// findNotes gives the record of each of the guide's notes, or sim.NoSeq. As much of
// the run is made known as that needs.
func (s *scene) findNotes() []sim.Seq {
	if s.doc.Guide == nil {
		return nil
	}
	find := guide.NewFinder(s.doc.Guide)
	for seen := sim.Seq(0); slices.Contains(find.Found, sim.NoSeq); {
		for ; seen < s.tl.Len(); seen++ { // names of tasks and functions do not change
			find.Record(s.tl.Machine(), s.tl.At(seen), seen)
		}
		if s.tl.Done() || s.tl.Len() >= extendTo {
			break
		}
		s.extend(extendBy)
	}
	return find.Found
}

// spokenAt gives what is said at positions.
func (s *scene) spokenAt(found []sim.Seq) map[sim.Seq]*guide.Note {
	out := map[sim.Seq]*guide.Note{}
	for i, seq := range found {
		if n := &s.doc.Guide.Notes[i]; seq != sim.NoSeq && n.Say != nil {
			out[seq+1] = n
		}
	}
	return out
}

// guideStops are the marks of a part and its questions.
func (s *scene) guideStops(part *Part, found []sim.Seq) []stop {
	var marks, questions []stop
	for i, seq := range found {
		n := &s.doc.Guide.Notes[i]
		switch {
		case seq == sim.NoSeq: // the run does not come there
		case n.Ask != nil:
			questions = append(questions, stop{stopQuestion, seq, "a question", n})
		case n.Mark != "" && (part.Marks == nil || slices.Contains(part.Marks, n.Mark)):
			marks = append(marks, stop{stopMark, seq + 1, n.Mark, n})
		}
	}
	byPos := func(x, y stop) int { return int(x.pos - y.pos) }
	slices.SortStableFunc(marks, byPos)
	slices.SortStableFunc(questions, byPos)
	if part.Marks != nil && len(marks) > 0 { // others belong to other parts
		first, last := marks[0].pos, marks[len(marks)-1].pos
		questions = slices.DeleteFunc(questions, func(q stop) bool { return q.pos < first-1 || q.pos >= last })
	}
	out := marks
	for _, q := range questions[:min(part.Questions, len(questions))] {
		out = append(out, q, stop{stopAnswer, q.pos + 1, "the answer", q.note})
	}
	slices.SortStableFunc(out, func(x, y stop) int {
		return cmp.Or(byPos(x, y), int(y.kind)-int(x.kind)) // an answer, what is said of its record, and a question about the next one
	})
	return out
}

// maxStations bounds a presentation that goes from station to station.
const maxStations = 999

// stationStops are the stations of the path, for a scenario without marks.
func (s *scene) stationStops() []stop {
	var out []stop
	for step := 0; len(out) < maxStations; {
		pos, ok := s.ix.station(step, 1)
		if !ok {
			break
		}
		step = s.ix.at(pos)
		out = append(out, stop{kind: stopStation, pos: pos, name: stationName(s, step)})
	}
	return out
}
