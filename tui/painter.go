package tui

import (
	"bytes"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// painter is the terminal as bubbletea's renderer sees it. The renderer sends rows
// that have changed as a whole; the painter sends on the cells of a row that differ
// from what the terminal shows. What it does not understand it passes on as it is,
// and forgets what the terminal shows: then rows go out whole again.
type painter struct {
	*os.File
	shown [][]cell // by row; blanks at its end are left out
	known []bool   // by row
	row   []cell
	out   []byte

	escapes []string // of styles that have come; a cell's style is an index
	numbers map[string]style
}

func newPainter(f *os.File) *painter {
	return &painter{File: f, escapes: []string{resetEscape}, numbers: map[string]style{resetEscape: 0}}
}

// Write takes a frame, or a command to the terminal.
func (p *painter) Write(b []byte) (int, error) {
	if !p.frame(b) {
		clear(p.known)
		return p.File.Write(b)
	}
	if _, err := p.File.Write(p.out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// frame reads what the renderer writes of a frame: the cursor goes home, then come
// the rows, of which those that have not changed are empty, and in the end the
// cursor goes to the last row. It tells whether that is what came.
func (p *painter) frame(b []byte) bool {
	body, ok := bytes.CutPrefix(b, []byte(ansi.CursorHomePosition))
	end := bytes.LastIndexByte(body, '\x1b')
	if !ok || end < 0 {
		return false
	}
	last := string(body[end:])
	body, again := bytes.CutPrefix(body[:end], []byte("\r"))
	if again { // all rows are painted: nobody knows what the terminal shows
		clear(p.known)
	}
	p.out = p.out[:0]
	now := style(0) // in which the terminal writes
	y := 0
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
			if !p.parse(line) {
				return false
			}
			now = p.paint(y, line, now)
		}
		y++
	}
	if last != ansi.CursorPosition(0, y) {
		return false
	}
	if now != 0 {
		p.out = append(p.out, resetEscape...)
	}
	p.out = append(p.out, last...)
	return true
}

// parse reads a row of grid.render into cells. It ends in no style, and where it is
// short, with the erasing of the rest.
func (p *painter) parse(line []byte) bool {
	p.row = p.row[:0]
	line = bytes.TrimSuffix(line, []byte(ansi.EraseLineRight))
	for st := style(0); len(line) > 0; {
		if line[0] != '\x1b' {
			r, n := utf8.DecodeRune(line)
			p.row = append(p.row, cell{r, st})
			line = line[n:]
			continue
		}
		n := escapeLen(line)
		if n == 0 || !bytes.HasPrefix(line, []byte(resetEscape)) {
			return false
		}
		if st = p.number(line[:n]); int(st) == len(p.escapes) {
			return false
		}
		line = line[n:]
	}
	p.row = trim(p.row)
	return true
}

// escapeLen is the length of the sequences at the beginning that set a style.
func escapeLen(b []byte) (n int) {
	for bytes.HasPrefix(b[n:], []byte("\x1b[")) {
		i := 2
		for n+i < len(b) && (b[n+i] >= '0' && b[n+i] <= '9' || b[n+i] == ';') {
			i++
		}
		if n+i == len(b) || b[n+i] != 'm' {
			return 0
		}
		n += i + 1
	}
	return n
}

// number gives the number of a style by its escape; when there are too many, one
// that does not exist.
func (p *painter) number(escape []byte) style {
	if n, ok := p.numbers[string(escape)]; ok {
		return n
	}
	n := style(len(p.escapes))
	if n < ^style(0) {
		p.escapes = append(p.escapes, string(escape))
		p.numbers[string(escape)] = n
	}
	return n
}

// near is how few cells between two that differ are sent again: a jump over them
// takes more bytes.
const near = 4

// paint sends what is new of a row, which the terminal writes in a style, and tells
// in which style it writes then.
func (p *painter) paint(y int, line []byte, now style) style {
	for len(p.shown) <= y {
		p.shown, p.known = append(p.shown, nil), append(p.known, false)
	}
	if !p.known[y] {
		p.in(0, now)
		p.move(0, y)
		p.out = append(p.out, line...)
		p.keep(y)
		return 0
	}
	was := p.shown[y]
	for x, n := 0, max(len(p.row), len(was)); x < n; {
		if cellAt(p.row, x) == cellAt(was, x) {
			x++
			continue
		}
		end := x + 1
		for i := end; i < n && i-end < near; i++ {
			if cellAt(p.row, i) != cellAt(was, i) {
				end = i + 1
			}
		}
		p.move(x, y)
		for ; x < end; x++ {
			if x >= len(p.row) { // nothing but blanks from here on
				now = p.in(0, now)
				p.out = append(p.out, ansi.EraseLineRight...)
				x = n
				break
			}
			now = p.in(p.row[x].s, now)
			p.out = utf8.AppendRune(p.out, p.row[x].r)
		}
	}
	p.keep(y)
	return now
}

// cellAt is a cell of a row; behind its end there are blanks.
func cellAt(row []cell, x int) cell {
	if x < len(row) {
		return row[x]
	}
	return cell{' ', styleText}
}

// keep remembers that the terminal shows the row.
func (p *painter) keep(y int) {
	p.shown[y], p.row = p.row, p.shown[y]
	p.known[y] = true
}

// in changes the style that the terminal writes in.
func (p *painter) in(st, now style) style {
	if st != now {
		p.out = append(p.out, p.escapes[st]...)
	}
	return st
}

// move moves the cursor.
func (p *painter) move(x, y int) {
	p.out = append(p.out, "\x1b["...)
	p.out = strconv.AppendInt(p.out, int64(y+1), 10)
	p.out = append(p.out, ';')
	p.out = strconv.AppendInt(p.out, int64(x+1), 10)
	p.out = append(p.out, 'H')
}
