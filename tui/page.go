package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"ringside/sim"
)

// page is a list over the panels that one walks about in: the causes of a step,
// the fields of an object, marks, breaks. Rows that lead somewhere are chosen
// with the arrow keys and opened with Enter; a page that a row opens lies on top.
type page struct {
	title string
	rows  []pageRow
	sel   int // the chosen row, or one that leads nowhere if none does
	top   int // the first row that is shown
	fit   int // how many fitted when it was last drawn
	// remove takes away what the chosen row stands for, or is nil; build then
	// makes the page again.
	remove func(a *app, row int)
	build  func(a *app) page
}

// pageRow is a line of it.
type pageRow struct {
	text string
	head bool         // a heading
	mark bool         // what it says has changed in this step
	open func(a *app) // what Enter does, or nil
}

// openPage lays a page on top, with its first row that leads somewhere chosen.
func (a *app) openPage(p page) {
	p.sel = -1
	p.move(1)
	p.top = 0
	a.pages = append(a.pages, p)
}

// move chooses the next row that leads somewhere; where none does, it scrolls.
func (p *page) move(dir int) {
	for i := p.sel + dir; i >= 0 && i < len(p.rows); i += dir {
		if p.rows[i].open != nil {
			p.sel = i
			p.show()
			return
		}
	}
	p.scroll(dir)
}

// show scrolls so far that the chosen row can be seen.
func (p *page) show() {
	if p.sel < p.top {
		p.top = p.sel
	}
	if p.fit > 0 && p.sel >= p.top+p.fit {
		p.top = p.sel - p.fit + 1
	}
}

func (p *page) scroll(by int) { p.top = min(max(p.top+by, 0), max(len(p.rows)-p.fit, 0)) }

// pageKey is what keys do while a page is open. One that means nothing here
// closes it.
func (a *app) pageKey(msg tea.KeyMsg) tea.Cmd {
	p := &a.pages[len(a.pages)-1]
	switch msg.String() {
	case "down", "j":
		p.move(1)
	case "up", "k":
		p.move(-1)
	case "pgdown", " ":
		p.scroll(p.fit)
	case "pgup":
		p.scroll(-p.fit)
	case "enter":
		if p.sel >= 0 && p.sel < len(p.rows) && p.rows[p.sel].open != nil {
			p.rows[p.sel].open(a)
		}
	case "d", "delete":
		if p.remove != nil && p.sel >= 0 && p.sel < len(p.rows) && p.rows[p.sel].open != nil {
			p.remove(a, p.sel)
			a.pages[len(a.pages)-1] = p.build(a)
			a.pages[len(a.pages)-1].move(1)
		}
	case "ctrl+c":
		return tea.Quit
	default:
		a.pages = a.pages[:len(a.pages)-1]
	}
	return nil
}

// jumpTo goes to a record from a page, and remembers from where.
func (a *app) jumpTo(pos sim.Seq) {
	const most = 32
	if len(a.jumped) == most {
		a.jumped = a.jumped[1:]
	}
	a.jumped = append(a.jumped, a.scene.pos)
	a.pages = nil
	a.reach(pos, func() { a.message = "Esc returns to where you were" })
}

// drawPage lays the page on top over the middle of the screen.
func (a *app) drawPage() {
	o := &a.pages[len(a.pages)-1]
	width := 0
	for i := range o.rows {
		width = max(width, textWidth(o.rows[i].text, a.grid.ascii))
	}
	w := min(max(width+6, len(o.title)+6, 56), a.w)
	h := min(len(o.rows)+2, a.h-1)
	r := rect{(a.w - w) / 2, (a.h - h) / 2, w, h}
	a.grid.fill(r, styleText)
	a.grid.box(r, styleFocus)
	o.fit = max(h-2, 1)
	o.scroll(0)
	a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1}).in(styleFocus).rest(o.title)
	a.pen.st = styleFocus
	a.pen.rune(' ')
	p := a.pen.over(rect{r.x + 1, r.y + 1, r.w - 2, r.h - 2})
	for i := o.top; i < len(o.rows) && i < o.top+o.fit; i++ {
		row := &o.rows[i]
		p.line(i - o.top)
		switch {
		case i == o.sel && row.open != nil:
			p.in(styleHere).rune('>')
		case row.head:
			p.in(styleTitle).rune(' ')
		default:
			p.rune(' ')
		}
		if row.mark {
			p.rune('*')
			if p.st == styleText {
				p.st = styleBold
			}
		} else {
			p.rune(' ')
		}
		p.rest(row.text)
	}
	a.pen.over(rect{r.x + 1, r.y + r.h - 1, r.w - 2, 1}).in(styleDim).rest(o.foot(len(a.pages)))
}

// foot says what the keys do.
func (p *page) foot(depth int) string {
	foot := ""
	if p.sel >= 0 && p.sel < len(p.rows) && p.rows[p.sel].open != nil {
		foot = " up, down choose  Enter goes there "
	} else if len(p.rows) > p.fit {
		foot = " up and down scroll "
	}
	if p.remove != nil && foot != "" {
		foot += " d deletes "
	}
	if depth > 1 {
		return foot + " Esc back "
	}
	return foot + " Esc closes "
}

// say are rows of text folded to the page's width.
func (a *app) say(texts ...string) []pageRow {
	var rows []pageRow
	for _, text := range texts {
		if text == "" {
			continue
		}
		for _, line := range fold(min(a.w, 100)-6, text) {
			rows = append(rows, pageRow{text: line})
		}
	}
	return rows
}

// head is a row that names what is below it.
func head(text string) pageRow { return pageRow{text: text, head: true} }
