package tui

import (
	"fmt"
	"slices"
	"sort"

	"ringside/kernel"
	"ringside/scenarios/compare"
	"ringside/sim"
)

// The screen of a comparison: two halves, beside each other or one below the
// other, and what both have cost.

// Least sizes: stacked, as a lecturer projects it, and side by side.
const (
	versusW, versusH = 80, 24
	sideW, sideH     = 110, 36
)

func (a *app) drawVersus() {
	v := a.versus
	if a.w < versusW || a.h < versusH {
		p := a.pen.over(rect{0, 0, a.w, a.h - 1})
		p.wrap(0, a.h-1, fmt.Sprintf("two runs side by side need %dx%d, and this is %dx%d: Esc goes back to one run; ringside compare %s --text needs no screen",
			versusW, versusH, a.w, a.h, v.side[compare.Left].doc.Name))
		return
	}
	a.drawVersusHead(a.pen.over(rect{0, 0, a.w, 1}))
	drawSay(a.pen.over(rect{1, 1, a.w - 2, 1}), v)
	if a.w < sideW || a.h < sideH {
		rows := (a.h - 4) / 2
		a.drawStacked(rect{0, 2, a.w, rows}, compare.Left)
		a.drawStacked(rect{0, 2 + rows, a.w, rows}, compare.Right)
		drawCostLine(a.pen.over(rect{1, a.h - 2, a.w - 2, 1}), v)
		return
	}
	costs := costRows(a.w-3) + 2
	h, w := a.h-3-costs, a.w/2
	a.drawHalf(rect{0, 2, w, h}, compare.Left)
	a.drawHalf(rect{w, 2, a.w - w, h}, compare.Right)
	r := rect{0, 2 + h, a.w, costs}
	a.grid.box(r, styleBorder)
	a.pen.over(rect{1, r.y, a.w - 2, 1}).in(styleTitle).str("WHAT IT HAS COST SO FAR ").in(styleText).str("left, right, and what right has more or less ")
	drawCosts(a.pen.over(r.inset()), v)
}

// drawVersusHead writes the title line: what is gone through, and how far.
func (a *app) drawVersusHead(p *pen) {
	v := a.versus
	p.rune(' ').in(styleTitle).str("COMPARE ").in(styleText).fit(v.side[compare.Left].doc.Title, max(p.w-62, 16))
	p.str(" ").in(styleHere).str(" ").str(modeNames[v.mode]).str(" ").in(styleText)
	if v.mode != byPacket && v.mode != byTime && v.thread < len(v.c.Threads) {
		p.str(" ").fit(v.c.Threads[v.thread].Name(), 10)
	}
	p.to(max(p.w-36, 28)).str("point ").in(styleBold).dec(int64(min(v.at, len(v.points))))
	if v.micro > 0 {
		p.rune('+').dec(int64(v.micro))
	}
	p.in(styleText).str("/").dec(int64(len(v.points)))
	p.to(p.w - 20)
	i, here := v.diff()
	switch n := len(v.c.Diffs); {
	case n == 0:
		p.in(styleGood).str("no difference")
	case here:
		p.in(styleChanged).str("≠ ").dec(int64(i + 1)).str(" of ").dec(int64(n))
	default:
		p.str("≠ ").dec(int64(i)).str(" of ").dec(int64(n)).str(" passed")
	}
	if a.player.on {
		p.in(styleHere).at(p.w-6, 0).str(" PLAY ")
	}
}

// drawSay writes where both stand; a difference has a sign before it.
func drawSay(p *pen, v *versus) {
	pt := v.point()
	switch {
	case pt != nil && pt.Diff >= 0:
		p.in(styleChanged).str("≠").in(styleBold).str(" ")
	case pt != nil && pt.Waits != [2]bool{}:
		p.in(styleBold).str("… ")
	default:
		p.str("= ")
	}
	p.rest(v.say())
}

// sideTitle writes which run it is, where it is, and whether it waits.
func (v *versus) sideTitle(p *pen, side int) {
	s := v.side[side]
	p.in(styleTitle).str([2]string{"LEFT ", "RIGHT "}[side])
	if pt := v.point(); pt != nil && pt.Waits[side] {
		p.in(styleHere).str(" WAITS ").in(styleText).str(" ")
	}
	p.in(styleText).fit(s.doc.Label, max(p.w-p.x-33, 8)).str(" ")
	p.str("step ").dec(int64(s.step)).str("/").dec(int64(len(s.ix.steps))).fit("", p.w-14-p.x).str("t ").in(styleBold)
	p.span(s.m.Now).in(styleText).str(" ")
}

// drawStacked writes one run into the lines of an upper or lower half: the path,
// whose stack is in use, the step and why, the call, the program, what differs.
func (a *app) drawStacked(r rect, side int) {
	v := a.versus
	s := v.side[side]
	for x := r.x; x < r.x+r.w; x++ {
		a.grid.set(x, r.y, '─', styleBorder)
	}
	v.sideTitle(a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1}), side)
	drawStrip(a.pen.over(rect{r.x, r.y + 1, r.w, 1}), s, 1, kernel.NumStations-1)
	drawOwner(a.pen.over(rect{r.x, r.y + 2, r.w, 1}), s)
	drawStep(a.pen.over(rect{r.x + 1, r.y + 3, r.w - 2, 3}), s)
	v.drawCalls(a.pen.over(rect{r.x + 1, r.y + 6, r.w - 2, 1}), side)
	v.drawLine(a.pen.over(rect{r.x + 1, r.y + 7, r.w - 2, 1}), side)
	v.drawFacts(a.pen.over(rect{r.x + 1, r.y + 8, r.w - 2, r.h - 8}), side)
}

// drawHalf writes one run into a box.
func (a *app) drawHalf(r rect, side int) {
	v := a.versus
	s := v.side[side]
	a.grid.box(r, styleBorder)
	v.sideTitle(a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1}), side)
	in := r.inset()
	y := in.y
	part := func(title string, rows int) *pen {
		if title != "" {
			a.grid.set(in.x-1, y, ' ', styleText)
			a.pen.over(rect{in.x, y, in.w, 1}).in(styleBorder).str("── ").in(styleTitle).str(title)
			y++
		}
		y += rows
		return a.pen.over(rect{in.x, y - rows, in.w, rows})
	}
	if whole := pathCells(&kernel.Stations, 1, kernel.NumStations-1); in.w >= whole {
		drawStrip(part("", 1), s, 1, kernel.NumStations-1)
	} else {
		p := part("", 2)
		drawStrip(a.pen.over(rect{p.rect.x, p.rect.y, p.w, 1}), s, 1, kernel.StNAPI)
		drawStrip(a.pen.over(rect{p.rect.x, p.rect.y + 1, p.w, 1}), s, kernel.StSkb, kernel.NumStations-1)
	}
	drawOwner(part("", 1), s)
	rest := in.y + in.h - y - 4
	why, calls := 4, 3
	program := (rest - why - calls) * 9 / 20
	drawStep(part("WHY", why), s)
	v.drawCalls(part("CALLS", calls), side)
	v.drawProgram(part("PROGRAM", program), side)
	v.drawFacts(part("OBJECTS, ≠ WHERE THEY DIFFER", rest-why-calls-program), side)
}

// pathCells is how many cells some stations take, with a blank between two and
// room for brackets at the ends.
func pathCells(names *[kernel.NumStations]string, from, to uint8) int {
	cells := 2 + int(to-from)
	for i := from; i <= to; i++ {
		cells += len(names[i])
	}
	return cells
}

// drawStrip writes some stations of the path, the current one in brackets.
func drawStrip(p *pen, s *scene, from, to uint8) {
	names := &kernel.Stations
	if pathCells(names, from, to) > p.w {
		names = &shortStations
	}
	station, here := s.station()
	passed := func(i uint8) bool { return i <= station && (!s.ix.info(s.step).local || i >= kernel.StSoftirq) }
	p.x = 1
	for i := from; i <= to; i++ {
		name := names[i]
		if i == kernel.StUDP && s.ix.tcp(s.step) {
			name = "tcp"
		}
		switch {
		case here && i == station:
			p.x--
			p.in(styleHere).rune('[').str(name).rune(']')
			continue
		case passed(i):
			p.in(styleText).str(name)
		default:
			p.in(styleDim).str(name)
		}
		p.x++
	}
}

// drawStep writes the step and why it is done.
func drawStep(p *pen, s *scene) {
	if s.rec == nil {
		p.wrap(0, p.h, s.doc.opening())
		return
	}
	w, why := s.whatAndWhy()
	p.line(0).in(styleBold).str(w.fn).in(styleText).str(": ").rest(w.step)
	p.line(1).wrap(1, p.h-1, w.say+" "+why)
}

// act is the place of the call that a side's thread has finished last, or sleeps
// in for good; -1 before the first.
func (v *versus) act(side int) int {
	if v.thread >= len(v.c.Threads) {
		return -1
	}
	acts, pos := v.c.Threads[v.thread].Acts[side], v.side[side].pos
	return sort.Search(len(acts), func(i int) bool { return acts[i].Pos > pos }) - 1
}

// drawCalls writes the last calls of the thread that is followed, the latest one
// below; those that differ have a sign.
func (v *versus) drawCalls(p *pen, side int) {
	last := v.act(side)
	if last < 0 {
		p.line(0).in(styleDim).str("  no call of this thread is done yet")
		return
	}
	t := &v.c.Threads[v.thread]
	for y := range p.h {
		i := last - p.h + 1 + y
		if i < 0 {
			continue
		}
		p.line(y)
		if t.Differs(side, i) {
			p.in(styleChanged).str("≠").in(styleBold)
		} else {
			p.str(" ")
		}
		p.right(int64(i+1), 4).str(" ")
		if i == last {
			p.st = styleBold
		}
		p.rest(t.Acts[side][i].Line)
	}
}

// drawLine writes the line that the program is at, and what its thread does.
func (v *versus) drawLine(p *pen, side int) {
	s := v.side[side]
	if s.thread < 0 {
		p.in(styleDim).str("this run has no such thread")
		return
	}
	thread := &s.m.Config.Threads[s.thread]
	p.in(styleText)
	headProgram(p, s)
	if at := programLine(s.m, s.thread); at > 0 {
		drawSourceLine(p.part(max(p.x+2, 34)), at, sourceAt(thread.Program.Source, at), true)
	}
}

// drawProgram writes the program around that line; lines that the other program
// does not have are marked.
func (v *versus) drawProgram(p *pen, side int) {
	s, source := v.side[side], v.source[side]
	if s.thread < 0 {
		p.line(0).in(styleDim).str("this run has no such thread")
		return
	}
	headProgram(p.line(0), s)
	at, rows := programLine(s.m, s.thread), p.h-1
	first := min(max(at-1-rows/3, 0), max(len(source)-rows, 0))
	for i := first; i < len(source) && i < first+rows; i++ {
		p.line(i - first + 1).differs(source[i].differs)
		sub := p.part(p.x)
		drawSourceLine(sub.in(styleText), i+1, source[i].text, i+1 == at)
	}
}

// sourceRow is a line of a program; differs, if the other program has none like it.
type sourceRow struct {
	text    string
	differs bool
}

// readSource reads the programs of the thread that is followed.
func (v *versus) readSource() {
	var lines [2][]string
	for side, s := range v.side {
		if thread := v.threadOn(side); thread >= 0 {
			lines[side] = splitLines(s.m.Config.Threads[thread].Program.Source)
		}
	}
	for side := range lines {
		v.source[side] = nil
		for _, text := range lines[side] {
			v.source[side] = append(v.source[side], sourceRow{text, !slices.Contains(lines[1-side], text)})
		}
	}
}

// part is the rest of the pen's row from a column on, and what is below.
func (p *pen) part(x int) *pen {
	sub := *p
	sub.rect.x, sub.rect.y, sub.rect.w, sub.rect.h = p.rect.x+x, p.rect.y+p.y, max(p.w-x, 0), p.h-p.y
	sub.x, sub.y, sub.st = 0, 0, styleText
	return &sub
}

// cost is what one of compare.Costs is at the cursor on a side; the time, if it is
// none of them.
func (v *versus) cost(i, side int) int64 {
	m := v.side[side].m
	if i < 0 {
		return int64(m.Now)
	}
	return compare.Costs[i].Of(&m.Counters)
}

// drawCostLine writes as many costs as fit, those that differ in the end first.
func drawCostLine(p *pen, v *versus) {
	const width = 19
	for n := 0; n < len(v.costs) && (n+1)*width <= p.w+1; n++ {
		i := v.costs[n]
		l, r := v.cost(i, compare.Left), v.cost(i, compare.Right)
		p.to(n * width).differs(l != r).str(compare.Costs[i].Short).str(" ").dec(l).str("|").dec(r).in(styleText)
	}
}

// differs writes the sign of what is not the same on both sides, and makes what
// follows stand out; or a blank.
func (p *pen) differs(differs bool) *pen {
	if differs {
		p.st = styleBold
		return p.rune('≠')
	}
	p.st = styleText
	return p.rune(' ')
}

// costWidth is that of a cost with its three numbers.
const costWidth = 39

// costRows is how many rows all costs and the time take.
func costRows(w int) int {
	columns := max(w/costWidth, 1)
	return (compare.NumCosts + columns) / columns
}

// drawCosts writes all costs, and the time.
func drawCosts(p *pen, v *versus) {
	for n := range compare.NumCosts + 1 {
		i, name := -1, "time"
		if n < compare.NumCosts {
			i = n
			name = compare.Costs[i].Short
		}
		l, r := v.cost(i, compare.Left), v.cost(i, compare.Right)
		col := n / p.h * costWidth
		p.line(n % p.h).to(col).differs(l != r).str(name)
		if i < 0 {
			p.to(col + 10).span(sim.Time(l)).to(col + 21).span(sim.Time(r))
			if p.to(col + 31); l != r {
				p.sign(r - l).span(sim.Time(max(r-l, l-r)))
			}
			continue
		}
		p.to(col+11).right(l, 8).right(r, 9)
		if p.to(col + 30); l != r {
			p.sign(r - l).dec(max(r-l, l-r))
		}
	}
}

func (p *pen) sign(n int64) *pen {
	if n < 0 {
		return p.rune('-')
	}
	return p.rune('+')
}
