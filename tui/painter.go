package tui

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// framed is a model that draws on a grid.
type framed interface {
	tea.Model
	frame() (*grid, *theme) // what is to be seen now
}

// frameTime is the least time between two frames.
const frameTime = time.Second / 120

// painted is a model whose frames go to the terminal as soon as they are there.
// Bubbletea's own renderer sends them at the ticks of a clock: a key waits for the
// next one, and the clock wakes the process although nothing changes. It still has
// the terminal: alternate screen, cursor, mouse, suspending.
type painted struct {
	framed
	to    *painter
	every time.Duration // frameTime
	next  time.Time     // before it, no frame
	asked bool          // a dueMsg will come
}

// dueMsg comes when the next frame may.
type dueMsg struct{}

// Init begins as the model does.
func (p *painted) Init() tea.Cmd { return p.framed.Init() }

// Update takes a message; where its frame is not due yet, it asks for being called
// when it is.
func (p *painted) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg.(type) {
	case dueMsg:
		p.asked = false // it is early if there was a key meanwhile
	case tea.WindowSizeMsg:
		p.to.forget() // nobody knows what a terminal does with what it shows
		_, cmd = p.framed.Update(msg)
	case tea.KeyMsg:
		p.next = time.Time{} // what a key does is seen at once
		_, cmd = p.framed.Update(msg)
	default:
		_, cmd = p.framed.Update(msg)
	}
	if wait := time.Until(p.next); wait > 0 && !p.asked {
		p.asked = true
		cmd = tea.Batch(cmd, tea.Tick(wait, func(time.Time) tea.Msg { return dueMsg{} }))
	}
	return p, cmd
}

// View paints the frame, if it is due. The view itself stays the same.
func (p *painted) View() string {
	if now := time.Now(); !now.Before(p.next) {
		p.to.paint(p.frame())
		p.next = now.Add(p.every)
	}
	return ""
}

// options are how bubbletea runs it. The renderer's clock cannot stand still.
func (p *painted) options() []tea.ProgramOption {
	return []tea.ProgramOption{tea.WithFPS(1), tea.WithOutput(p.to)}
}

// paintOn shows a model on standard output.
func paintOn(m framed) *painted {
	return &painted{framed: m, to: &painter{File: os.Stdout, out: os.Stdout}, every: frameTime}
}

// painter sends to the terminal the cells of a frame that differ from those that it
// shows. What bubbletea writes goes through it, too; then nobody knows what the
// terminal shows, and rows go out whole again.
type painter struct {
	*os.File // for bubbletea, which asks it for its size
	out      io.Writer

	mu    sync.Mutex
	theme *theme
	w     int
	shown []cell
	known []bool // by row
	bytes []byte
}

// Write passes a command to the terminal on, and drops the renderer's own frames.
func (p *painter) Write(b []byte) (int, error) {
	if home := []byte(ansi.CursorHomePosition); len(b) > len(home) && bytes.HasPrefix(b, home) {
		return len(b), nil
	}
	p.forget()
	return p.out.Write(b)
}

// WriteString is Write.
func (p *painter) WriteString(s string) (int, error) { return p.Write([]byte(s)) }

// forget makes the next frame go out whole.
func (p *painter) forget() {
	p.mu.Lock()
	clear(p.known)
	p.mu.Unlock()
}

// paint brings a frame to the terminal. That the terminal is gone is found out by
// who reads from it.
func (p *painter) paint(g *grid, t *theme) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.w != p.w || g.h != len(p.known) || t != p.theme {
		p.w, p.theme, p.shown, p.known = g.w, t, make([]cell, len(g.cells)), make([]bool, g.h)
	}
	p.bytes = p.bytes[:0]
	now := numStyles // in which the terminal writes: none of these
	for y := range g.h {
		row, was := g.cells[y*g.w:(y+1)*g.w], p.shown[y*g.w:(y+1)*g.w]
		if p.known[y] {
			now = p.differences(y, row, was, now)
		} else {
			now = p.cells(0, y, row, now)
		}
		copy(was, row)
		p.known[y] = true
	}
	if len(p.bytes) > 0 {
		p.bytes = append(p.bytes, resetEscape...)
		_, _ = p.out.Write(p.bytes)
	}
}

// near is how few cells between two that differ are sent again: a jump over them
// takes more bytes.
const near = 4

// differences sends what is new of a row.
func (p *painter) differences(y int, row, was []cell, now style) style {
	for x := 0; x < len(row); {
		if row[x] == was[x] {
			x++
			continue
		}
		end := x + 1
		for i := end; i < len(row) && i-end < near; i++ {
			if row[i] != was[i] {
				end = i + 1
			}
		}
		now = p.cells(x, y, row[x:end], now)
		x = end
	}
	return now
}

// cells sends some cells of a row, beginning at x. Blanks up to the row's end are
// erased; where the theme paints the background they are not blank.
func (p *painter) cells(x, y int, row []cell, now style) style {
	p.bytes = append(p.bytes, "\x1b["...)
	p.bytes = strconv.AppendInt(p.bytes, int64(y+1), 10)
	p.bytes = append(p.bytes, ';')
	p.bytes = strconv.AppendInt(p.bytes, int64(x+1), 10)
	p.bytes = append(p.bytes, 'H')
	rest := len(row)
	if x+len(row) == p.w && !p.theme.paints {
		rest = len(trim(row))
	}
	for _, c := range row[:rest] {
		now = p.in(c.s, now)
		p.bytes = utf8.AppendRune(p.bytes, c.r)
	}
	if rest < len(row) {
		now = p.in(styleText, now)
		p.bytes = append(p.bytes, ansi.EraseLineRight...)
	}
	return now
}

// in changes the style that the terminal writes in.
func (p *painter) in(st, now style) style {
	if st != now {
		p.bytes = append(p.bytes, p.theme.escape[st]...)
	}
	return st
}
