package tui

import (
	"strings"

	"ringside/scenarios/guide"
	"ringside/tui/speaker"
)

// What a presentation tells the speaker's second terminal.

// notesMsg is a command that came from there.
type notesMsg string

// openNotes lets clients connect, until the program ends. A presentation does
// without them.
func (a *app) openNotes() {
	if a.opts.NotesDir == "" || a.notes != nil {
		return
	}
	name := a.show.lesson.Name
	if name == "" {
		name = a.scene.doc.Name
	}
	server, err := speaker.Listen(a.opts.NotesDir, name, func(do string) { a.send(notesMsg(do)) })
	if err != nil {
		a.message = "no speaker notes: " + err.Error()
		return
	}
	a.notes = server
}

func (a *app) closeNotes() {
	if a.notes != nil {
		a.notes.Close()
	}
}

// fromNotes does what a client asks for.
func (a *app) fromNotes(do string) {
	if !a.show.on {
		return
	}
	was := a.show.blank
	a.show.blank, a.message = false, ""
	switch do {
	case speaker.Next:
		a.nextStop()
	case speaker.Previous:
		a.prevStop()
	case speaker.Blank:
		a.show.blank = !was
	}
}

// told is what the clients have been told of.
type told struct {
	part, at    int
	doc         *Doc
	off         bool
	blank, left bool
}

// tellNotes tells the clients when something has changed.
func (a *app) tellNotes() {
	if a.notes == nil || a.scene == nil || a.show.doc != a.scene.doc {
		return
	}
	s := &a.show
	now := told{s.part, s.at, s.doc, !a.here(), s.blank, !s.on}
	if now != a.told {
		a.told = now
		a.notes.Publish(a.speakerState())
	}
}

// speakerState is the state of the presentation as a speaker wants to see it.
func (a *app) speakerState() speaker.State {
	s, lang := &a.show, a.opts.Lang
	part := &s.lesson.Parts[s.part]
	at := &s.stops[s.at]
	out := speaker.State{
		Name: s.lesson.Title, Title: part.Title.In(lang),
		Part: speaker.Count{N: s.part + 1, Of: len(s.lesson.Parts)}, Mark: speaker.Count{N: s.at + 1, Of: len(s.stops)},
		MarkName: at.name, OffMark: !a.here(), PartNotes: part.Notes.In(lang),
		Blank: s.blank, Left: !s.on,
		ElapsedMS: a.elapsed().Milliseconds(), Minutes: s.lesson.Minutes, PartUntil: int(s.until().Minutes()),
	}
	if at.note != nil {
		out.Notes = at.note.Notes.In(lang)
	}
	said := a.said()
	out.Say, out.Why = said[0], strings.Join(said[1:], "\n")
	out.Next = a.nextPreview()
	for _, ahead := range s.stops[s.at+1:] {
		if ahead.kind == stopQuestion {
			q := ahead.note.Ask
			out.Questions = append(out.Questions, speaker.Question{Ask: q.Ask.In(lang), Answer: q.Choices[q.Answer].In(lang)})
		}
	}
	return out
}

// nextPreview is what the guide says at the next stop, as far as it is known
// without going there.
func (a *app) nextPreview() *speaker.Preview {
	s, lang := &a.show, a.opts.Lang
	if s.at+1 < len(s.stops) {
		next := &s.stops[s.at+1]
		p := &speaker.Preview{Mark: next.name}
		switch n := next.note; {
		case n == nil:
		case n.Ask == nil:
			p.Say, p.Why = n.Say.In(lang), n.Why.In(lang)
		case next.kind == stopQuestion:
			p.Say = n.Ask.Ask.In(lang)
		default:
			p.Say, p.Why = n.Ask.Choices[n.Ask.Answer].In(lang), n.Ask.Because.In(lang)
		}
		return p
	}
	if s.part+1 < len(s.lesson.Parts) {
		part := &s.lesson.Parts[s.part+1]
		return &speaker.Preview{Mark: "part: " + orElse(part.Title, lang, "the next"), Say: part.Say.In(lang)}
	}
	return nil
}

// orElse is a text, or another one if there is none.
func orElse(t guide.Text, lang, other string) string {
	if s := t.In(lang); s != "" {
		return s
	}
	return other
}
