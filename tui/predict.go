package tui

import (
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/scenarios/quiz"
	"ringside/sim"
)

// Questions: going on stops before something happens and asks what it will be.

// predict is what is being asked and how it went.
type predict struct {
	density quiz.Density
	score   quiz.Score
	done    map[doneKey]bool
	missed  []quiz.Question // answered wrongly, or not at all

	asking bool // q is on the screen, and
	told   bool // its answer, too
	q      quiz.Question
	choice int     // the one that is marked, or was given; -1: none was
	resume bool    // play goes on afterwards
	onward onward  // what a jump was going to when q came in between
	away   bool    // the cursor is at what explains q, and Esc goes
	back   sim.Seq // there
}

// onward is the rest of a jump that a question has interrupted.
type onward struct {
	to      sim.Seq // 0: there is none
	arrived func()
}

// doneKey tells the questions of a run apart.
type doneKey struct {
	kind string
	pos  sim.Seq
}

// asks tells whether there is anything to be asked. A presentation has stops for
// the file's questions, and the class answers; a comparison shows what comes.
func (a *app) asks() bool {
	return !a.show.on && a.versus == nil && a.scene.book.Asks(a.predict.density)
}

// blind hides what lies ahead, as long as there are questions about it.
func (a *app) blind() { a.scene.blind = a.asks() && !a.predict.away }

// startPredict begins with a new scenario.
func (a *app) startPredict() {
	a.predict = predict{density: a.predict.density, done: map[doneKey]bool{}}
	if a.predict.density > quiz.File && a.show.lesson == nil {
		a.message = "go on with →, ] or space: a question stops the run"
	}
	a.blind()
}

// advance brings the cursor to a position, but forward not beyond a question. It
// tells whether it is there. Who is away to see what explains a question has been
// shown the run up to there; what lies behind that is asked again.
func (a *app) advance(to sim.Seq) bool {
	s, x := a.scene, &a.predict
	from := s.pos
	if x.away {
		from = max(from, x.q.See+1)
	}
	if to > from && a.asks() {
		s.know(to)
		q, ok := s.book.Next(s.tl, from, to, x.density, func(kind string, pos sim.Seq) bool { return x.done[doneKey{kind, pos}] })
		if ok {
			x.away = false
			a.blind()
			s.show(q.Pos)
			a.question(q)
			return false
		}
	}
	s.show(to)
	return true
}

// reach is advance for a way of many steps: after a question in between it can go
// on. Where it ends, arrived says so; it may be nil.
func (a *app) reach(to sim.Seq, arrived func()) {
	switch {
	case !a.advance(to):
		if !a.predict.resume { // else play goes on
			a.predict.onward = onward{to, arrived}
		}
	case arrived != nil:
		arrived()
	}
}

// question puts one on the screen; play waits.
func (a *app) question(q quiz.Question) {
	x := &a.predict
	x.done[doneKey{q.Kind, q.Pos}] = true
	x.asking, x.told, x.q, x.choice = true, false, q, 0
	x.resume, a.player.on = a.player.on, false
	x.onward = onward{}
	a.message = ""
}

// questionKey chooses, answers, and leaves.
func (a *app) questionKey(msg tea.KeyMsg) tea.Cmd {
	x := &a.predict
	name := msg.String()
	if name == "ctrl+c" {
		return tea.Quit
	}
	if x.told {
		if name == "s" && x.choice != x.q.Answer {
			a.goSee()
			return nil
		}
		x.asking = false
		if on := x.onward; on.to > 0 && name == "enter" {
			a.reach(on.to, on.arrived)
			return nil
		}
		a.player.on = x.resume
		return a.nextTick()
	}
	n := len(x.q.Choices)
	switch name {
	case "down", "j":
		x.choice = (x.choice + 1) % n
	case "up", "k":
		x.choice = (x.choice + n - 1) % n
	case "enter":
		a.tell(x.choice)
	case "esc":
		a.tell(-1)
	default:
		if i := quiz.Choice(name, n); i >= 0 {
			a.tell(i)
		}
	}
	return nil
}

// tell takes an answer and shows the right one.
func (a *app) tell(choice int) {
	x := &a.predict
	x.told, x.choice = true, choice
	x.score.Count(&x.q, choice)
	if choice != x.q.Answer {
		x.missed = append(x.missed, x.q)
	}
}

// goSee goes to the record that explains a question.
func (a *app) goSee() {
	x := &a.predict
	x.asking, x.away, x.back = false, true, a.scene.pos
	a.scene.show(x.q.See + 1)
	a.blind()
}

// comeBack ends that.
func (a *app) comeBack() tea.Cmd {
	x := &a.predict
	x.away = false
	a.scene.show(x.back)
	a.blind()
	if x.onward.to > 0 { // to choose whether to go on
		x.asking = true
		return nil
	}
	a.player.on = x.resume
	return a.nextTick()
}

// densityNames are the densities as the status line and messages name them.
var densityNames = [quiz.NumDensities]string{"no questions", "the scenario's own questions", "some questions", "many questions"}

// nextDensity turns the questions on and off.
func (a *app) nextDensity(arg string) tea.Cmd {
	x := &a.predict
	d := (x.density + 1) % quiz.NumDensities
	if arg != "" {
		var ok bool
		if d, ok = quiz.ParseDensity(arg); !ok {
			a.message = "predict off, file, some or many"
			return nil
		}
	}
	x.density = d
	a.blind()
	a.message = "predict " + quiz.Densities[d] + ": " + densityNames[d]
	if d == quiz.File && !a.asks() {
		a.message += ", and it has none"
	}
	return nil
}

// drawScore writes how it goes in the status line.
func (a *app) drawScore(p *pen) {
	x := &a.predict
	if x.away {
		p.in(styleHere).str(" Esc: back to the question ").in(styleText).str("  ")
		return
	}
	if a.asks() {
		p.in(styleBold).str("predict ").str(quiz.Densities[x.density]).str(": ").dec(int64(x.score.Right)).str("/").dec(int64(x.score.Asked())).in(styleText).str("  ")
	}
}

// showScore sums up at the end of the run.
func (a *app) showScore() {
	x := &a.predict
	if x.score.Asked() == 0 {
		return
	}
	lines := []string{"The end of the run: " + x.score.String() + "."}
	for i := range x.missed {
		q := &x.missed[i]
		lines = append(lines, "")
		lines = append(lines, fold(a.w-8, fmt.Sprintf("step %d: %s", a.scene.ix.at(q.Pos), kernel.Printable(q.Ask)), kernel.Printable(q.Choices[q.Answer])+". "+kernel.Printable(q.Because))...)
	}
	a.overlay = overlay{title: "SCORE", lines: lines}
}

// drawQuestion lays the question over the foot of the screen: the state above it
// is what the answer can be found from.
func (a *app) drawQuestion() {
	x := &a.predict
	w := min(a.w, 78)
	inner := w - 4
	lines := fold(inner, kernel.Printable(x.q.Ask))
	var verdict []string
	if x.told {
		verdict = fold(inner, a.verdict()...)
	}
	keys := a.questionKeys()
	room := max(a.h-3-len(x.q.Choices), 1)
	if x.told { // the question was read: the verdict is what counts
		lines = lines[:max(min(len(lines), room-len(verdict)), 0)]
		verdict = verdict[:min(len(verdict), room-len(lines))]
	}
	lines = lines[:min(len(lines), room)]
	h := len(lines) + len(x.q.Choices) + len(verdict) + 2
	r := rect{(a.w - w) / 2, max(a.h-1-h, 0), w, h}
	a.grid.fill(r, styleText)
	a.grid.box(r, styleFocus)
	p := a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1})
	p.in(styleFocus).str("PREDICT ")
	if !x.q.Own && w >= 60 {
		p.in(styleDim).str(x.q.Kind).str(" ")
	}
	p = a.pen.over(rect{r.x + 2, r.y + 1, inner, h - 2})
	for i, l := range lines {
		p.line(i).in(styleBold).rest(l)
	}
	for i, c := range x.q.Choices {
		a.drawChoice(p.line(len(lines)+i), i, kernel.Printable(c))
	}
	for i, l := range verdict {
		p.line(len(lines) + len(x.q.Choices) + i).in(styleText).rest(l)
	}
	p = a.pen.over(rect{r.x + 1, r.y + r.h - 1, r.w - 2, 1})
	p.in(styleDim).str(" ").rest(keys)
	p.str(" ")
}

// questionKeys says what the keys do while a question is on the screen.
func (a *app) questionKeys() string {
	x, ix := &a.predict, a.scene.ix
	var on, see, other string
	if x.onward.to > 0 {
		on = fmt.Sprintf("step %d", ix.at(x.onward.to))
	}
	switch {
	case !x.told && on != "":
		return "a letter or Enter answers, Esc skips   on the way to " + on
	case !x.told:
		return "a letter or Enter answers, Esc skips"
	case x.choice != x.q.Answer:
		see, other = fmt.Sprintf("s: see it (step %d)   ", ix.at(x.q.See+1)), "other keys: "
	case on != "":
		other = "other keys: "
	default:
		other = "any key: "
	}
	if on != "" {
		return see + "Enter: on to " + on + "   " + other + "stay here"
	}
	return see + other + "go on"
}

// drawChoice writes a choice: before the answer the marked one, afterwards the
// right one and the one that was given.
func (a *app) drawChoice(p *pen, i int, text string) {
	x := &a.predict
	sign, st := "  ", styleText
	switch {
	case !x.told && i == x.choice:
		sign, st = "> ", styleHere
	case x.told && i == x.q.Answer:
		sign, st = "= ", styleGood
	case x.told && i == x.choice:
		sign, st = "x ", styleBad
	case x.told:
		st = styleDim
	}
	p.in(st).str(sign).str(quiz.Letter(i)).str(") ").rest(text)
}

// verdict says whether the answer was right, and why: in one paragraph if that is in
// one language.
func (a *app) verdict() []string {
	x := &a.predict
	verdict, why := "Wrong: it is "+quiz.Letter(x.q.Answer)+".", kernel.Printable(x.q.Because)
	switch {
	case x.choice == x.q.Answer:
		verdict = "Right."
	case x.choice < 0:
		verdict = "Skipped: it is " + quiz.Letter(x.q.Answer) + "."
	}
	if x.q.Lang != guide.DefaultLang {
		return []string{verdict, why}
	}
	return []string{verdict + " " + why}
}
