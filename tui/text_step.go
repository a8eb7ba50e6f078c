package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/scenarios/quiz"
	"ringside/sim"
)

// What text mode writes about a step, and the questions before it.

// block tells the step at the cursor, from one of its records on.
func (x *text) block(first sim.Seq) {
	s := x.scene()
	r := s.rec
	x.line("")
	head := "Step " + strconv.Itoa(s.step)
	if i, n := s.micro(); i < n || first > s.ix.start(s.step) {
		head += fmt.Sprintf(", record %d of %d", i, n)
	}
	where := "no core"
	if r.CPU >= 0 {
		where = "cpu" + strconv.Itoa(int(r.CPU))
	}
	x.line(fmt.Sprintf("%s, %s us, %s", head, appendMicros(nil, r.T), where))
	what, why := s.whatAndWhy()
	x.para("Stack", strings.TrimSpace(plainLines(1, 400, func(p *pen) { drawOwner(p, s) })[0]))
	x.para("Station", x.station())
	x.para("Function", what.fn+": "+what.step)
	x.para("Earlier in this step", earlier(s, first))
	for i := range s.model {
		if c := &s.model[i]; !c.asleep && first < c.pos && c.pos <= s.pos {
			x.para("Returned", c.Thread+": "+c.Line)
		}
	}
	x.para("Say", what.say)
	x.para("Why", why)
	x.notes(first, s.pos)
}

// station names where the packet is, as the path on the screen does.
func (x *text) station() string {
	s := x.scene()
	at, here := s.station()
	name := kernel.Stations[at]
	switch {
	case at == kernel.StNone:
		return "none yet"
	case at == kernel.StUDP && s.ix.tcp(s.step):
		name = "tcp"
	}
	if !here {
		return "none; the last was " + name
	}
	return name
}

// earlier names the functions that have run in a step before the one at the
// cursor.
func earlier(s *scene, first sim.Seq) string {
	const most = 8
	var names []string
	for i := first; i < s.pos-1; i++ {
		if name := s.m.Fn(s.tl.At(i)); name != s.m.Fn(s.rec) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if n := len(names); n > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n-most)
	}
	return strings.Join(names, ", ")
}

// plainLines draws into a grid of its own and gives the rows as text.
func plainLines(rows, columns int, draw func(*pen)) []string {
	g := grid{ascii: true}
	g.reset(columns, rows)
	p := pen{g: &g}
	draw(p.over(rect{0, 0, columns, rows}))
	lines := make([]string, rows)
	for y := range lines {
		var b strings.Builder
		for _, c := range trimBlanks(g.cells[y*columns : (y+1)*columns]) {
			b.WriteRune(c.r)
		}
		lines[y] = b.String()
	}
	return lines
}

// trimBlanks drops the blanks at a row's end, whatever their style.
func trimBlanks(row []cell) []cell {
	n := len(row)
	for n > 0 && row[n-1].r == ' ' {
		n--
	}
	return row[:n]
}

// notes writes the marks and the narration of the file at records from..to.
func (x *text) notes(from, to sim.Seq) {
	n := &x.scene().narrator
	for i, seq := range n.find.Found {
		if from <= seq && seq < to {
			note := &n.guide.Notes[i]
			x.para("Mark", note.Mark)
			x.para("Narration", note.Say.In(n.lang))
			x.para("Narration, why", note.Why.In(n.lang))
		}
	}
}

// question asks what the screen would ask now; of the whole run, it is answered.
func (x *text) question() {
	a, p := x.app, &x.app.predict
	x.line("")
	x.hanging("", "Question: "+p.q.Ask)
	for i, c := range p.q.Choices {
		x.hanging("  ", strconv.Itoa(i+1)+". "+c)
	}
	p.asking = false
	answer := strconv.Itoa(p.q.Answer+1) + ". " + p.q.Choices[p.q.Answer]
	if x.all {
		x.para("Answer", answer)
		x.para("Because", p.q.Because)
		return
	}
	choice, ok := x.answer(len(p.q.Choices))
	if !ok {
		return
	}
	if a.tell(choice); choice == p.q.Answer {
		x.line("  Right.")
	} else {
		x.para("The answer is", answer)
	}
	x.para("Because", p.q.Because)
	if choice != p.q.Answer {
		x.para("It is seen at", "step "+strconv.Itoa(a.scene.ix.at(p.q.See+1)))
	}
}

// answer reads which of n choices is meant, -1 for none of them.
func (x *text) answer(n int) (choice int, ok bool) {
	for {
		line, ok := x.prompt(fmt.Sprintf("Answer, 1 to %d, or Enter to leave it out: ", n))
		choice := quiz.Choice(line, n)
		switch {
		case !ok:
			return 0, false
		case line == "q":
			x.over = true
			return 0, false
		case line == "" || choice >= 0:
			return choice, true
		}
		x.line(fmt.Sprintf("  A number from 1 to %d, please; q ends.", n))
	}
}

// score says how the questions went, if any was asked.
func (x *text) score() {
	if score := &x.app.predict.score; score.Asked() > 0 {
		x.para("Questions", score.String())
	}
}
