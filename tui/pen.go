package tui

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"ringside/sim"
)

// pen writes into one rectangle of a grid and never outside of it. Its methods
// return it, so that a line of a panel reads as it looks. Numbers are formatted
// in its own buffer: nothing is allocated.
type pen struct {
	g *grid
	rect
	x, y    int // the next cell, relative to the rectangle
	st      style
	scratch [64]byte
}

// at moves to a cell.
func (p *pen) at(x, y int) *pen {
	p.x, p.y = x, y
	return p
}

// line moves to the start of a row and back to plain text.
func (p *pen) line(y int) *pen {
	p.st = styleText
	return p.at(0, y)
}

// in chooses the style of what follows.
func (p *pen) in(s style) *pen {
	p.st = s
	return p
}

// to moves to a column; if the line has come further, one blank on.
func (p *pen) to(col int) *pen {
	if p.x > 0 && p.x >= col {
		col = p.x + 1
	}
	p.x = col
	return p
}

// left is how many cells the row still has.
func (p *pen) left() int { return p.w - p.x }

// rune writes one drawing character.
func (p *pen) rune(r rune) *pen {
	if p.x >= 0 && p.x < p.w && p.y >= 0 && p.y < p.h {
		p.g.set(p.rect.x+p.x, p.rect.y+p.y, r, p.st)
	}
	p.x++
	return p
}

// str writes text. Anything that would not take one cell, or would control the
// terminal, is written as its Go escape: text may come from a file.
func (p *pen) str(s string) *pen {
	for _, r := range s {
		if r >= ' ' && r < 0x7f || oneCell(r, p.g.ascii) {
			p.rune(r)
			continue
		}
		for _, b := range strconv.AppendQuoteRuneToASCII(p.scratch[:0], r)[1:] {
			if b != '\'' {
				p.rune(rune(b))
			}
		}
	}
	return p
}

// fit writes text into so many cells: cut with an ellipsis, or padded.
func (p *pen) fit(s string, width int) *pen {
	end := p.x + width
	if fits(s, width, p.g.ascii) {
		p.str(s)
	} else if width > 0 {
		sub := *p
		sub.rect.w = min(p.w, end-1)
		sub.str(firstRunes(s, width))
		p.x = end - 1
		p.rune('…')
	}
	for p.x < end {
		p.rune(' ')
	}
	return p
}

// rest writes text into what is left of the row, cut with an ellipsis.
func (p *pen) rest(s string) *pen {
	if fits(s, p.left(), p.g.ascii) {
		return p.str(s)
	}
	return p.fit(s, p.left())
}

// fits tells whether text takes no more than so many cells. Text may be long: no
// more of it is looked at than can fit.
func fits(s string, width int, ascii bool) bool {
	head := firstRunes(s, width+1)
	return textWidth(head, ascii) <= width
}

// firstRunes is the start of a text.
func firstRunes(s string, n int) string {
	for i := range s {
		if n <= 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// dec writes a decimal number.
func (p *pen) dec(n int64) *pen { return p.bytes(strconv.AppendInt(p.scratch[:0], n, 10), 0) }

// unsigned writes a decimal number that may be very large.
func (p *pen) unsigned(n uint64) *pen { return p.bytes(strconv.AppendUint(p.scratch[:0], n, 10), 0) }

// right writes a decimal number at the right of so many cells.
func (p *pen) right(n int64, width int) *pen {
	return p.bytes(strconv.AppendInt(p.scratch[:0], n, 10), width)
}

// hex writes a number in at least so many hexadecimal digits.
func (p *pen) hex(v uint64, digits int) *pen {
	b := strconv.AppendUint(p.scratch[:0], v, 16)
	for i := len(b); i < digits; i++ {
		p.rune('0')
	}
	return p.bytes(b, 0)
}

// short writes the end of an address: its lowest four digits.
func (p *pen) short(v uint64) *pen { return p.hex(v&0xffff, 4) }

// micros writes a time in microseconds with three decimals, right-aligned.
func (p *pen) micros(t sim.Time, width int) *pen {
	return p.bytes(appendMicros(p.scratch[:0], t), width)
}

// span writes a duration in its natural unit.
func (p *pen) span(t sim.Time) *pen {
	b := p.scratch[:0]
	switch {
	case t == sim.Never:
		b = append(b, "never"...)
	case t > -10*sim.Microsecond && t < 10*sim.Microsecond:
		b = append(strconv.AppendInt(b, int64(t), 10), "ns"...)
	case t > -10*sim.Millisecond && t < 10*sim.Millisecond:
		b = append(appendMicros(b, t), "us"...)
	default:
		b = append(strconv.AppendFloat(b, float64(t)/1e6, 'f', 3, 64), "ms"...)
	}
	return p.bytes(b, 0)
}

func appendMicros(b []byte, t sim.Time) []byte {
	return strconv.AppendFloat(b, float64(t)/1e3, 'f', 3, 64)
}

func (p *pen) bytes(b []byte, width int) *pen {
	for i := len(b); i < width; i++ {
		p.rune(' ')
	}
	for _, c := range b {
		p.rune(rune(c))
	}
	return p
}

// bar draws how full something is, in so many cells with their brackets: at
// least one filled cell when it is not empty.
func (p *pen) bar(value, limit int64, width int) *pen {
	inner := int64(width - 2)
	if inner < 1 {
		return p
	}
	full := int64(0)
	if limit > 0 && value > 0 {
		full = max(min(value*inner/limit, inner), 1)
	}
	p.rune('[')
	for i := range inner {
		if i < full {
			p.rune('█')
		} else {
			p.rune('·')
		}
	}
	return p.rune(']')
}

// mark writes the sign of what changed in this step, and makes what follows
// stand out; or a blank.
func (p *pen) mark(changed bool) *pen {
	if changed {
		p.st = styleChanged
		return p.rune('*')
	}
	return p.rune(' ')
}

// flag writes 0 or 1.
func (p *pen) flag(b bool) *pen {
	if b {
		return p.rune('1')
	}
	return p.rune('0')
}

// wrap writes text over several rows, broken at blanks, and returns how many it
// took. What does not fit ends with an ellipsis.
func (p *pen) wrap(y, rows int, s string) int {
	for n := 0; ; n++ {
		if s == "" || n == rows {
			return n
		}
		head, tail := breakLine(s, p.w)
		p.at(0, y+n)
		if n == rows-1 {
			p.rest(s)
			return rows
		}
		p.str(head)
		s = tail
	}
}

// breakLine cuts text at the last blank that leaves a head of at most so many
// cells.
func breakLine(s string, width int) (head, tail string) {
	cells, blank := 0, -1
	for i, r := range s {
		if r == ' ' {
			blank = i
		}
		if cells++; cells > width {
			if blank > 0 {
				return s[:blank], s[blank+1:]
			}
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// textWidth is how many cells str writes.
func textWidth(s string, ascii bool) int {
	n := 0
	for _, r := range s {
		if r >= ' ' && r < 0x7f || oneCell(r, ascii) {
			n++
			continue
		}
		var b [16]byte
		n += len(strconv.AppendQuoteRuneToASCII(b[:0], r)) - 2
	}
	return n
}

// oneCell tells whether a character beyond ASCII can be written as it is: it
// takes one cell in every terminal and is shown. Scripts whose width depends on
// the terminal, and whatever combines with its neighbour, do not.
func oneCell(r rune, ascii bool) bool {
	if r < 0xa1 || r == 0xad || r == utf8.RuneError {
		return false
	}
	if _, drawing := asciiRunes[r]; drawing {
		return true
	}
	return !ascii && r < 0x530 && unicode.IsPrint(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Me, r)
}
