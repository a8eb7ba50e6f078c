package tui

import (
	"fmt"
	"time"

	"ringside/kernel"
)

// The screen of a presentation: title, path, whose stack, two or three panels,
// and what is said. No log, no keys, nothing that does not belong to the stop.

// stationName is the name of the station of a step, as people say it.
func stationName(s *scene, step int) string {
	st := s.ix.info(step).station
	if st == kernel.StUDP && s.ix.tcp(step) {
		return "tcp"
	}
	return kernel.Stations[st]
}

// showLayout is where the panels of a presentation lie. It depends on the size
// alone, and on whether a question is asked, whose choices must all be seen.
type showLayout struct {
	header int
	panels []rect
	text   rect
}

func newShowLayout(w, h int, question bool) showLayout {
	l := showLayout{header: 3}
	n, below := 2, 0 // panels side by side, and rows of a third one below them
	small := w < 80 || h < 20
	switch {
	case small:
		l.header, n = 2, 1
	case w >= 160:
		n = 3
	case h >= 36 && !question:
		below = h / 4
	}
	body := h - l.header - 1
	text := min(max(body*3/10, 7), 12)
	switch {
	case small && question:
		text, n = body, 0
	case small:
		text = min(body*3/5, 7)
	case question:
		text = max(body/2, 12)
	}
	upper := body - text - below
	x := 0
	for i := range n {
		width := (w - x) / (n - i)
		l.panels = append(l.panels, rect{x, l.header, width, upper})
		x += width
	}
	if below > 0 {
		l.panels = append(l.panels, rect{0, l.header + upper, w, below})
	}
	l.text = rect{0, l.header + body - text, w, text}
	return l
}

// drawShow draws a presentation.
func (a *app) drawShow() {
	s := &a.show
	if s.blank {
		a.grid.fill(rect{0, 0, a.w, a.h}, styleBlack)
		return
	}
	l := newShowLayout(a.w, a.h, a.here() && s.stops[s.at].kind == stopQuestion)
	a.drawShowTitle(a.pen.over(rect{0, 0, a.w, 1}))
	a.drawPath(a.pen.over(rect{0, 1, a.w, 1}))
	if l.header > 2 {
		drawOwner(a.pen.over(rect{0, 2, a.w, 1}), a.scene)
	}
	for i, id := range a.showPanels() {
		if i < len(l.panels) {
			a.drawPanel(id, l.panels[i])
		}
	}
	a.drawSaid(l.text)
	a.drawShowFoot(a.pen.over(rect{0, a.h - 1, a.w, 1}))
}

// showPanels are the panel of the station, the stacks, and where the program is:
// or the tasks, if the station's is the program.
func (a *app) showPanels() [3]panelID {
	first, third := a.follows(), panelProgram
	if first == panelProgram {
		third = panelTasks
	}
	return [3]panelID{first, panelStacks, third}
}

// drawShowTitle writes the title, and at the right the numbers of part and stop.
func (a *app) drawShowTitle(p *pen) {
	s := &a.show
	where := fmt.Sprintf("%d/%d ", s.at+1, len(s.stops))
	title := a.scene.doc.Title
	if n := len(s.lesson.Parts); n > 1 {
		where = fmt.Sprintf("part %d/%d  %s", s.part+1, n, where)
		if t := s.lesson.Parts[s.part].Title.In(a.opts.Lang); t != "" {
			title = t
		}
	}
	p.rune(' ').in(styleTitle).fit(title, a.w-len(where)-2).at(a.w-len(where), 0).str(where)
}

// drawSaid writes what is said at the stop, with its name as the title.
func (a *app) drawSaid(r rect) {
	at := &a.show.stops[a.show.at]
	name, paragraphs := at.name, a.said()
	if !a.here() {
		name = "after " + at.name
	}
	a.grid.box(r, styleBorder)
	p := a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1})
	p.in(styleHere).str(" ").rest(name)
	p.str(" ")
	p = a.pen.over(r.inset())
	y := 0
	for i, text := range paragraphs {
		if text == "" || y >= p.h {
			continue
		}
		if i == 1 && p.h > 7 {
			y++
		}
		p.line(y)
		if i == 0 {
			p.st = styleBold
		}
		y += p.wrap(y, p.h-y, text)
	}
}

// said is what is said at the cursor, the most important first.
func (a *app) said() []string {
	at, lang := &a.show.stops[a.show.at], a.opts.Lang
	switch {
	case !a.here():
		return a.spoken()
	case at.kind == stopOpening:
		if say := a.show.lesson.Parts[a.show.part].Say.In(lang); say != "" {
			return []string{say}
		}
		return []string{a.scene.doc.Teaches, a.scene.doc.belief()}
	case at.kind == stopQuestion:
		out := []string{at.note.Ask.Ask.In(lang)}
		for i, c := range at.note.Ask.Choices {
			out = append(out, string(rune('a'+i))+") "+c.In(lang))
		}
		return out
	case at.kind == stopAnswer:
		q := at.note.Ask
		return []string{string(rune('a'+q.Answer)) + ") " + q.Choices[q.Answer].In(lang), q.Because.In(lang)}
	case at.kind == stopMark && at.note.Say != nil:
		return []string{at.note.Say.In(lang), at.note.Why.In(lang)}
	}
	return a.spoken()
}

// spoken is what the guide says of the record at the cursor, or else the model.
func (a *app) spoken() []string {
	if n := a.show.spoken[a.scene.pos]; n != nil {
		return []string{n.Say.In(a.opts.Lang), n.Why.In(a.opts.Lang)}
	}
	return a.scene.stepSaid()
}

// stepSaid is what the model itself says of the record at the cursor.
func (s *scene) stepSaid() []string {
	if s.rec == nil {
		return []string{s.doc.Teaches}
	}
	w, why := s.whatAndWhy()
	return []string{w.fn + ": " + w.step, w.say + " " + why}
}

// belief is the wrong belief that a scenario cures.
func (d *Doc) belief() string {
	if d.Misconception == "" {
		return ""
	}
	return "A common misconception: " + d.Misconception
}

// drawShowFoot writes a message or the number that is being typed, and the time.
func (a *app) drawShowFoot(p *pen) {
	s, t := &a.show, ""
	if s.timer {
		t = a.timerText()
	}
	p.rune(' ')
	switch {
	case s.digits != "":
		p.in(styleBold).str("to mark ").str(s.digits).str("  Enter")
	case a.message != "":
		p.in(styleDim).fit(a.message, a.w-len(t)-4)
	}
	p.in(styleDim).at(a.w-len(t)-1, 0).str(t)
}

// timerText is the time that has gone by, against the lesson's and the part's.
func (a *app) timerText() string {
	return timeAgainst(a.elapsed(), time.Duration(a.show.lesson.Minutes)*time.Minute, a.show.until())
}

// timeAgainst writes a time, that of the whole and that of a part's end, where
// there are some; behind its time a part has a mark.
func timeAgainst(gone, whole, until time.Duration) string {
	t := clock(gone)
	if whole > 0 {
		t += "/" + clock(whole)
	}
	if until > 0 {
		t += "  part to " + clock(until)
		if gone > until {
			t += " !"
		}
	}
	return t
}

// clock is a duration in minutes and seconds.
func clock(d time.Duration) string {
	sec := int(d / time.Second)
	return fmt.Sprintf("%d:%02d", sec/60, sec%60)
}
