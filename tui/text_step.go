package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/scenarios/guide"
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
		if c := &s.model[i]; first < c.pos && c.pos <= s.pos {
			x.para("Returned", c.thread+": "+c.line)
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

// placed visits the notes of the file that belong to records from..to.
func (x *text) placed(from, to sim.Seq, visit func(i int, n *guide.Note)) {
	s := x.scene()
	if s.finder == nil {
		return
	}
	for i, seq := range s.finder.Found {
		if from <= seq && seq < to {
			visit(i, &s.doc.Guide.Notes[i])
		}
	}
}

// notes writes the marks and the narration of the file.
func (x *text) notes(from, to sim.Seq) {
	x.placed(from, to, func(_ int, n *guide.Note) {
		x.para("Mark", n.Mark)
		x.para("Narration", x.said(n.Say))
		x.para("Narration, why", x.said(n.Why))
	})
}

// outcome is what came of a question.
type outcome uint8

const (
	notAsked outcome = iota
	leftOut
	wrong
	right
)

// questions asks what the file asks before records from..to are shown, each
// question once.
func (x *text) questions(from, to sim.Seq) {
	x.placed(from, to, func(i int, n *guide.Note) {
		if n.Ask == nil || x.asked[i] != notAsked || x.over {
			return
		}
		x.line("")
		x.hanging("", "Question: "+x.said(n.Ask.Ask))
		for k, c := range n.Ask.Choices {
			x.hanging("  ", strconv.Itoa(k+1)+". "+x.said(c))
		}
		answer := fmt.Sprintf("%d. %s", n.Ask.Answer+1, x.said(n.Ask.Choices[n.Ask.Answer]))
		if x.all {
			x.para("Answer", answer)
		} else {
			x.asked[i] = x.ask(n.Ask)
			switch {
			case x.over:
				x.asked[i] = notAsked
				return
			case x.asked[i] == right:
				x.line("  Right.")
			default:
				x.para("The answer is", answer)
			}
		}
		x.para("Because", x.said(n.Ask.Because))
	})
}

// ask reads the answer to a question.
func (x *text) ask(q *guide.Question) outcome {
	n := len(q.Choices)
	for {
		line, ok := x.prompt(fmt.Sprintf("Answer, 1 to %d, or Enter to leave it out: ", n))
		if line == "q" {
			x.over = true
		}
		if !ok || x.over {
			return notAsked
		}
		k, err := strconv.Atoi(line)
		switch {
		case line == "":
			return leftOut
		case err != nil || k < 1 || k > n:
			x.line(fmt.Sprintf("  A number from 1 to %d, please; q ends.", n))
		case k-1 == q.Answer:
			return right
		default:
			return wrong
		}
	}
}

// score says how the questions went, if any was asked.
func (x *text) score() {
	var n [right + 1]int
	for _, o := range x.asked {
		n[o]++
	}
	if asked := n[leftOut] + n[wrong] + n[right]; asked > 0 {
		x.line(fmt.Sprintf("Questions: %d of %d right, %d wrong, %d left out.", n[right], asked, n[wrong], n[leftOut]))
	}
}
