package tui

import (
	"unicode/utf8"
)

// cell is one place on the screen.
type cell struct {
	r rune
	s style
}

// grid is a frame in the making. Its memory is reused from frame to frame, and
// nothing is allocated while it is drawn.
type grid struct {
	w, h  int
	cells []cell
	ascii bool // only ASCII reaches the terminal
	out   []byte
}

// rect is a part of the grid: origin and size in cells.
type rect struct{ x, y, w, h int }

// inset is the rectangle without its border and the blank that keeps text off
// it at the left.
func (r rect) inset() rect { return rect{r.x + 2, r.y + 1, max(r.w-3, 0), max(r.h-2, 0)} }

// has tells whether a cell lies inside.
func (r rect) has(x, y int) bool {
	return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h
}

// reset gives the grid a size and clears it.
func (g *grid) reset(w, h int) {
	g.w, g.h = w, h
	if n := w * h; n > cap(g.cells) {
		g.cells = make([]cell, n)
	} else {
		g.cells = g.cells[:n]
	}
	for i := range g.cells {
		g.cells[i] = cell{' ', styleText}
	}
}

// set writes one cell; outside of the grid it does nothing. The rune must be
// one that takes one cell: text from outside comes through pen.str.
func (g *grid) set(x, y int, r rune, s style) {
	if x < 0 || y < 0 || x >= g.w || y >= g.h {
		return
	}
	if g.ascii && r >= utf8.RuneSelf {
		r = asciiFor(r)
	}
	g.cells[y*g.w+x] = cell{r, s}
}

// fill clears a rectangle.
func (g *grid) fill(r rect, s style) {
	for y := r.y; y < r.y+r.h; y++ {
		for x := r.x; x < r.x+r.w; x++ {
			g.set(x, y, ' ', s)
		}
	}
}

// The lines of a box: across, down, and the corners from the top left on. What has
// the focus, and an error, has double ones.
var (
	singleLines = [...]rune{'─', '│', '┌', '┐', '└', '┘'}
	doubleLines = [...]rune{'═', '║', '╔', '╗', '╚', '╝'}
)

// box draws a border.
func (g *grid) box(r rect, border style) {
	if r.w < 2 || r.h < 2 {
		return
	}
	lines := &singleLines
	if border != styleBorder {
		lines = &doubleLines
	}
	x1, y1 := r.x+r.w-1, r.y+r.h-1
	for x := r.x + 1; x < x1; x++ {
		g.set(x, r.y, lines[0], border)
		g.set(x, y1, lines[0], border)
	}
	for y := r.y + 1; y < y1; y++ {
		g.set(r.x, y, lines[1], border)
		g.set(x1, y, lines[1], border)
	}
	g.set(r.x, r.y, lines[2], border)
	g.set(x1, r.y, lines[3], border)
	g.set(r.x, y1, lines[4], border)
	g.set(x1, y1, lines[5], border)
}

// render makes the string that goes to the terminal: rows joined by newlines,
// each with its own escapes, so that a row can be painted alone.
func (g *grid) render(t *theme) string {
	b := g.out[:0]
	for y := range g.h {
		if y > 0 {
			b = append(b, '\n')
		}
		row := g.cells[y*g.w : (y+1)*g.w]
		was := numStyles
		if !t.paints {
			row, was = trim(row), styleText
		}
		for i := range row {
			if s := row[i].s; s != was {
				b = append(b, t.escape[s]...)
				was = s
			}
			if r := row[i].r; r < utf8.RuneSelf {
				b = append(b, byte(r))
			} else {
				b = utf8.AppendRune(b, r)
			}
		}
		if t.paints || was != styleText {
			b = append(b, resetEscape...)
		}
	}
	g.out = b
	return string(b)
}

// trim drops the blanks at a row's end that show nothing.
func trim(row []cell) []cell {
	n := len(row)
	for n > 0 && row[n-1].r == ' ' && row[n-1].s == styleText {
		n--
	}
	return row[:n]
}

// asciiRunes is how the drawing characters look where only ASCII is wanted.
var asciiRunes = map[rune]rune{
	'─': '-', '│': '|', '┌': '+', '┐': '+', '└': '+', '┘': '+', '├': '+', '┤': '+', '┬': '+', '┴': '+', '┼': '+',
	'━': '=', '═': '=', '║': '#', '╔': '+', '╗': '+', '╚': '+', '╝': '+', '▶': '>', '█': '#', '·': '.', '…': '~', '←': '<', '→': '>', '↑': '^', '↓': 'v', '≠': '!',
	'╮': '\\', '╯': '/', '╫': '#',
}

// asciiFor gives the ASCII stand-in of a drawing character.
func asciiFor(r rune) rune {
	if a, ok := asciiRunes[r]; ok {
		return a
	}
	return '?'
}
