package tui

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringside/scenarios"
	"ringside/scenarios/quiz"
	"ringside/sim"
	"ringside/tui/speaker"
)

// sign is how a meaning is told besides by its colour: the text of a run itself, or
// what stands above it in its column, or in the title of its box, matches.
type sign struct {
	where where
	text  *regexp.Regexp
}

type where uint8

const (
	inRun where = iota
	inColumn
	inTitle
)

func run(text string) sign { return sign{inRun, regexp.MustCompile(text)} }

// signs are the letters, words and signs of the styles that only a colour would
// tell apart. A run of such a style has one of its signs.
var signs = [numStyles][]sign{
	styleUser:     {run(`^U+$`), run(`^U `), run(`^(ring 3|EL0): `), {inColumn, regexp.MustCompile(`(ring 3|EL0), user`)}},
	styleKernel:   {run(`^K+$`), run(`^K `), run(`^kernel`), {inColumn, regexp.MustCompile(`(ring 0|EL1), `)}},
	styleHardirq:  {run(`^H+$`), run(`^H `), run(`^hard interrupt|itself, no software`), run(`^[[┌│└+|]`), run(`five words`)},
	styleSoftirq:  {run(`^S+$`), run(`^S `), run(`^softirq`), run(`^\{.*`)},
	styleHardware: {run(`^[WFDm]+$`), run(`^D `), run(`^hardware`), {inTitle, regexp.MustCompile(`HARDWARE`)}},
	styleGood:     {run(`^=`), run(`^no difference`)},
	styleBad:      {run(`^!`), run(`^x `), run(`^failed`), run(`^real:`), run(`gave up`), run(`ERROR`), run(`[═║╔╗╚╝]`), {inTitle, regexp.MustCompile(`failed`)}},
	styleFocus:    {run(`[═║╔╗╚╝]`), run(`^([A-Z ]{5}|NEXT:)`)},
}

// Two styles without signs look different in every theme, or have no colour of
// their own.
func TestStylesWithoutASignAreToldByWeight(t *testing.T) {
	looks := styleLooks(t)
	colour := regexp.MustCompile(`#[0-9a-f]{6}`)
	for _, theme := range []string{"mono", "projector"} {
		for s := range styleBlack {
			for other := range s {
				if signs[s] == nil && signs[other] == nil && looks[s][theme] == looks[other][theme] &&
					colour.FindString(looks[s]["dark"]) != colour.FindString(looks[other]["dark"]) {
					t.Errorf("%s: %s looks like %s", theme, styleLetters[s].name, styleLetters[other].name)
				}
			}
		}
	}
}

// segment is a piece of a row of the grid.
type segment struct{ y, from, to int }

// segmentText is what stands there.
func (g *grid) segmentText(s segment) string {
	var b strings.Builder
	for _, c := range g.cells[s.y*g.w+s.from : s.y*g.w+s.to] {
		b.WriteRune(c.r)
	}
	return b.String()
}

// wall tells whether a cell is the side of a box, or between two columns in one.
func (g *grid) wall(x, y int) bool {
	c := g.cells[y*g.w+x]
	return strings.ContainsRune("│║", c.r) && (c.s == styleBorder || c.s == styleFocus || c.s == styleBad)
}

// runs cuts a row into pieces of one style. Blanks do not end a piece, walls do.
func (g *grid) runs(y int, visit func(st style, s segment)) {
	for x := 0; x < g.w; {
		st, from := g.cells[y*g.w+x].s, x
		end := x + 1
		for x++; x < g.w; x++ {
			c := g.cells[y*g.w+x]
			if c.r == ' ' {
				continue
			}
			if c.s != st || g.wall(x, y) != g.wall(from, y) {
				break
			}
			end = x + 1
		}
		visit(st, segment{y, from, end})
	}
}

// around gives the texts above a place in its column of a box, and the box's title.
func (g *grid) around(s segment) (column, title string) {
	x0, x1 := s.from, s.from
	for x0 > 0 && !g.wall(x0-1, s.y) {
		x0--
	}
	for x1 < g.w && !g.wall(x1, s.y) {
		x1++
	}
	if x0 == 0 || x1 == g.w { // in a box's upper line, or in none
		row := g.segmentText(segment{s.y, 0, g.w})
		before := string([]rune(row)[:s.from])
		return "", before[max(strings.LastIndexAny(before, "┌╔"), 0):]
	}
	y := s.y
	for y > 0 && g.wall(x0-1, y-1) {
		y--
		column += g.segmentText(segment{y, x0, x1}) + "\n"
	}
	if y > 0 {
		title = g.segmentText(segment{y - 1, x0, x1})
	}
	return column, title
}

// told tells whether the meaning of a run is told besides by its colour.
func (g *grid) told(st style, s segment) bool {
	text := strings.TrimSpace(g.segmentText(s))
	if signs[st] == nil || text == "" {
		return true
	}
	column, title := g.around(s)
	for _, x := range signs[st] {
		switch {
		case x.where == inRun && x.text.MatchString(text),
			x.where == inColumn && x.text.MatchString(column),
			x.where == inTitle && x.text.MatchString(title):
			return true
		}
	}
	return false
}

// onPage tells whether a run is on the page that lies over the panels, not in what
// is left of them beside it.
func (g *grid) onPage(s segment) bool {
	row := []rune(g.segmentText(segment{s.y, 0, g.w}))
	from := slices.IndexFunc(row, func(r rune) bool { return strings.ContainsRune("╔║╚", r) })
	to := len(row) - 1
	for to > from && !strings.ContainsRune("╗║╝", row[to]) {
		to--
	}
	return from >= 0 && s.from >= from && s.to <= to+1
}

// untold collects what is told by colour alone, each shape once.
type untold struct {
	t     *testing.T
	seen  map[string]bool
	count [numStyles]int
}

var digits = regexp.MustCompile(`[0-9a-f]*[0-9][0-9a-f]*`)

func (u *untold) look(a *app, where string) {
	a.stale = true
	a.View()
	u.frame(&a.grid, len(a.pages) > 0 || a.overlay.open() || a.predict.asking, where)
}

// frame looks at all rows; if a page lies over them, at the page alone.
func (u *untold) frame(g *grid, over bool, where string) {
	for y := range g.h {
		g.runs(y, func(st style, s segment) {
			u.count[st]++
			if over && !g.onPage(s) || g.told(st, s) {
				return
			}
			_, title := g.around(s)
			key := fmt.Sprintf("%s %s in %s", styleLetters[st].name, digits.ReplaceAllString(g.segmentText(s), "0"), digits.ReplaceAllString(title, "0"))
			if !u.seen[key] {
				u.seen[key] = true
				u.t.Errorf("%s, row %d column %d: %q is %s by its colour alone: %q", where, y, s.from, g.segmentText(s), styleLetters[st].name, g.segmentText(segment{y, 0, g.w}))
			}
		})
	}
}

// lookSizes are one of each layout.
var lookSizes = [][2]int{{40, 12}, {80, 24}, {120, 40}, {200, 60}}

// Every panel at many steps of every scenario, alone and among the others.
func TestNothingIsToldByColourAlone(t *testing.T) {
	alone(t)
	u := &untold{t: t, seen: map[string]bool{}}
	for _, name := range scenarios.Builtin() {
		a := testApp(t, courseDoc(t, name), 80, 24, "")
		const steps = 40
		for i := range sim.Seq(steps) {
			a.move(a.scene.tl.Len() * i / steps)
			for _, size := range lookSizes {
				a.resize(size[0], size[1])
				a.focus, a.zoom = noPanel, false
				if i%2 == 1 {
					a.focusOn(panelID(int(i/2) % int(numPanels)))
					a.zoom = i%4 == 3
				}
				u.look(a, fmt.Sprintf("%s at %d, %dx%d", name, a.scene.pos, a.w, a.h))
			}
		}
	}
	for _, s := range []style{styleUser, styleKernel, styleHardirq, styleSoftirq, styleHardware, styleFocus} {
		if u.count[s] < 1000 {
			t.Errorf("%s: only %d runs were looked at", styleLetters[s].name, u.count[s])
		}
	}
}

// What lies over the panels, or takes their place.
func TestNoPageTellsByColourAlone(t *testing.T) {
	alone(t)
	u := &untold{t: t, seen: map[string]bool{}}
	for _, size := range lookSizes {
		w, h := size[0], size[1]
		pressed := func(what string, a *app, keys string) {
			for _, k := range strings.Fields("- " + keys) {
				if k != "-" {
					a.keys(k)
				}
				u.look(a, fmt.Sprintf("%s, %s, %dx%d", what, k, w, h))
			}
		}
		panels := func() *app {
			a := testApp(t, courseDoc(t, "one-packet"), w, h, "")
			a.answer(promptCommand, "marks five words")
			return a
		}
		pressed("pages", panels(), "? x w down enter esc K esc ' down esc B esc o down enter esc m ' x R esc e esc : q esc / x enter n F x enter F enter i z esc")
		for _, what := range []string{"server", "packet 1", "worker"} {
			a := panels()
			a.answer(promptCommand, "follow "+what)
			pressed("following "+what, a, "l l l s 6 enter esc esc")
		}
		a := panels()
		pressed("a wrong filter", a, "F n o n s : 1 enter")
		a = panels()
		a.author.wrong = []string{"a.yaml:3:1: unknown key \"thread\"", "  thread:", "  ^"}
		pressed("an error in the file", a, "")
		pressed("the real run", realApp(t, w, h), "0 l l l enter esc R down esc h")
		doc := document(t, 1, 1)
		doc.Live = func(context.Context) (*LiveRun, error) { return nil, errors.New("no such kernel") }
		a = testApp(t, doc, w, h, "")
		a.Update(a.startLive()())
		pressed("a failed real run", a, "0 enter")
		for _, keys := range []string{"", "d d v d v d", "v l l l l l l v l l l v l l", "end"} {
			a := versusApp(t, "level-and-edge", w, h)
			a.answer(promptCommand, "compare edge")
			pressed("compared", a, keys)
		}
		a = versusApp(t, "level-and-edge", w, h)
		a.answer(promptCommand, "compare level-and-edge")
		pressed("compared with itself", a, "")
		a = presenting(t, onePacket(t), w, h)
		for i := range a.show.stops {
			a.jump(i + 1)
			pressed("presented", a, "")
		}
		a = testApp(t, guided(t), w, h, "")
		a.predict.density = quiz.File
		a.keys("home")
		for range 400 {
			if a.keys("l"); a.predict.asking {
				break
			}
		}
		pressed("asked", a, "down up down enter enter")
		a.keys("esc")
		a.scene = nil
		pressed("the picker", a, "down")
	}
	for _, s := range []style{styleFollowed, styleGood, styleBad} {
		if u.count[s] == 0 {
			t.Errorf("%s was never looked at", styleLetters[s].name)
		}
	}
}

// The speaker's terminal.
func TestNoNotesAreToldByColourAlone(t *testing.T) {
	u := &untold{t: t, seen: map[string]bool{}}
	state := speaker.State{
		Title: "One packet", Mark: speaker.Count{N: 2, Of: 5}, MarkName: "five words", Notes: "Count them.", Say: "It pushes five words.",
		Next: &speaker.Preview{Mark: "the gate", Say: "Then the gate."}, Questions: []speaker.Question{{}}, Minutes: 5, ElapsedMS: 400_000,
	}
	for _, blank := range []bool{false, true} {
		v := newNotesView(nil, "mono", false)
		state.Blank, state.Left = blank, !blank
		v.Update(notesStateMsg{state: &state})
		v.View()
		u.frame(&v.grid, false, "notes")
	}
	if u.count[styleFocus] == 0 {
		t.Error("no heading was looked at")
	}
}
