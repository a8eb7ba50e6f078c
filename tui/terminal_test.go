package tui

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/hinshun/vt10x"
	"github.com/muesli/termenv"
)

// goldenLooks are the themes that a golden screen is shown in, and ASCII.
var goldenLooks = []string{"dark", "projector", "mono", "ascii"}

// wear gives the screen a look.
func (a *app) wear(look string) {
	name, ascii := look, look == "ascii"
	if ascii {
		name = "dark"
	}
	a.theme, a.grid.ascii, a.stale = newTheme(name, termenv.TrueColor), ascii, true
}

// tap is a terminal at the end of the program: it keeps the bytes and shows them
// on an emulator. What the program does on its way out it does not show.
type tap struct {
	mu    sync.Mutex
	term  vt10x.Terminal
	bytes bytes.Buffer
	ended bool
}

// farewell is what bubbletea writes first when it ends: the last line goes.
const farewell = "\x1b[2K"

func (o *tap) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended = o.ended || string(b) == farewell; !o.ended {
		o.bytes.Write(b)
		_, _ = o.term.Write(faintAsBlink(b))
	}
	return len(b), nil
}

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// faintAsBlink puts blink, which the program never asks for, in the place of
// faint, which the emulator does not know.
func faintAsBlink(b []byte) []byte {
	return sgr.ReplaceAllFunc(b, func(seq []byte) []byte {
		p := strings.Split(string(seq[2:len(seq)-1]), ";")
		for i := 0; i < len(p); i++ {
			switch {
			case (p[i] == "38" || p[i] == "48") && i+1 < len(p) && p[i+1] == "2":
				i += 4
			case p[i] == "2":
				p[i] = "5"
			}
		}
		return []byte("\x1b[" + strings.Join(p, ";") + "m")
	})
}

// glyph is a cell as a terminal shows it: the character, and how it looks.
type glyph struct {
	r    rune
	look string
}

// The emulator's flags of a cell, which it does not export.
const (
	vtReverse = 1 << iota
	vtUnderline
	vtBold
	vtGfx
	vtItalic
	vtBlink
)

// glyphAt reads a cell of the emulator.
func glyphAt(term vt10x.Terminal, x, y int) glyph {
	c := term.Cell(x, y)
	fg, bg := c.FG, c.BG
	switch { // undo what the emulator makes of bold and of reverse
	case c.Mode&vtReverse != 0:
		fg, bg = bg, fg
	case c.Mode&vtBold != 0 && fg >= 8 && fg < 16:
		fg -= 8
	}
	var words []string
	if fg != vt10x.DefaultFG {
		words = append(words, fmt.Sprintf("#%06x", uint32(fg)))
	}
	if bg != vt10x.DefaultBG {
		words = append(words, fmt.Sprintf("on #%06x", uint32(bg)))
	}
	for _, f := range []struct {
		flag int16
		name string
	}{{vtBold, "bold"}, {vtBlink, "faint"}, {vtUnderline, "underlined"}, {vtReverse, "reverse"}, {vtItalic, "italic"}} {
		if c.Mode&f.flag != 0 {
			words = append(words, f.name)
		}
	}
	r := c.Char
	if r == 0 {
		r = ' '
	}
	return glyph{r, strings.Join(words, " ")}
}

// shown runs the program in a terminal of a size, presses keys, and gives what
// stands on the terminal then and every byte that it was sent.
func shown(t testing.TB, a *app, w, h int, keys ...string) ([][]glyph, []byte) {
	t.Helper()
	out := &tap{term: vt10x.New(vt10x.WithSize(w, h))}
	shows := &painted{framed: a, to: &painter{out: out}}
	p := tea.NewProgram(shows, append(shows.options(), tea.WithAltScreen(), tea.WithInput(nil), tea.WithoutSignalHandler())...)
	go func() {
		p.Send(tea.WindowSizeMsg{Width: w, Height: h})
		for _, k := range keys {
			p.Send(press(k))
		}
		p.Quit()
	}()
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	rows := make([][]glyph, h)
	for y := range rows {
		for x := range w {
			rows[y] = append(rows[y], glyphAt(out.term, x, y))
		}
	}
	return rows, out.bytes.Bytes()
}
