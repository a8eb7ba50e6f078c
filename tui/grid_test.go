package tui

import (
	"strings"
	"testing"

	"github.com/muesli/termenv"
	"pgregory.net/rapid"

	"ringside/sim"
)

// onGrid draws with a pen that has a rectangle in the middle of a larger grid,
// and gives the rows of the whole grid.
func onGrid(w, h int, ascii bool, draw func(p *pen)) []string {
	const margin = 2
	g := &grid{ascii: ascii}
	g.reset(w+2*margin, h+2*margin)
	p := &pen{g: g, rect: rect{margin, margin, w, h}}
	draw(p)
	var rows []string
	for y := range g.h {
		var b strings.Builder
		for x := range g.w {
			b.WriteRune(g.cells[y*g.w+x].r)
		}
		rows = append(rows, b.String())
	}
	return rows
}

// line is the first row of a pen's rectangle.
func line(w int, ascii bool, draw func(p *pen)) string {
	return string([]rune(onGrid(w, 1, ascii, draw)[2])[2 : 2+w])
}

func TestTextFromAFileCannotControlTheTerminal(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain       "},
		{"a\x1b[2Jb", `a\x1b[2Jb   `},
		{"tab\there", `tab\there   `},
		{"nul\x00", `nul\x00     `},
		{"del\x7f", `del\x7f     `},
		{"c1\u009b", `c1\u009b    `},
		{"wide 漢", `wide \u6f22 `},
		{"bidi \u202e", `bidi \u202e `},
		{"accent e\u0301", `accent e\u03`},
		{"é is one", "é is one    "},
	} {
		if got := line(12, false, func(p *pen) { p.str(c.in) }); got != c.want {
			t.Errorf("%q is written as %q, want %q", c.in, got, c.want)
		}
	}
}

func TestASCIIModeWritesASCIIOnly(t *testing.T) {
	rows := onGrid(20, 5, true, func(p *pen) {
		p.g.box(rect{0, 0, 20, 5}, styleBorder)
		p.line(1).str("é → … ║").bar(1, 2, 8)
	})
	for _, row := range rows {
		for _, r := range row {
			if r >= 0x80 {
				t.Errorf("%q in %q", r, row)
			}
		}
	}
}

func TestPenStaysInItsRectangle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(0, 12).Draw(t, "w"), rapid.IntRange(0, 4).Draw(t, "h")
		text := rapid.String().Draw(t, "text")
		x, y := rapid.IntRange(-5, 15).Draw(t, "x"), rapid.IntRange(-3, 6).Draw(t, "y")
		rows := onGrid(w, h, rapid.Bool().Draw(t, "ascii"), func(p *pen) {
			p.at(x, y).str(text).rest(text).fit(text, 3).bar(3, 4, 6).dec(-5).hex(99, 4)
			p.wrap(y, h, text)
		})
		for i, row := range rows {
			for j, r := range []rune(row) {
				if inside := i >= 2 && i < 2+h && j >= 2 && j < 2+w; !inside && r != ' ' {
					t.Fatalf("%q at row %d column %d, outside", r, i, j)
				}
			}
		}
	})
}

func TestPenFormats(t *testing.T) {
	for _, c := range []struct {
		want string
		draw func(p *pen)
	}{
		{"  42", func(p *pen) { p.right(42, 4) }},
		{"00ff", func(p *pen) { p.hex(255, 4) }},
		{"bfe0", func(p *pen) { p.short(0xffffc900004abfe0) }},
		{"3.412", func(p *pen) { p.micros(3412, 0) }},
		{"60ns", func(p *pen) { p.span(60) }},
		{"98.700us", func(p *pen) { p.span(98700) }},
		{"12.000ms", func(p *pen) { p.span(12 * sim.Millisecond) }},
		{"never", func(p *pen) { p.span(sim.Never) }},
		{"[····]", func(p *pen) { p.bar(0, 10, 6) }},
		{"[█···]", func(p *pen) { p.bar(1, 1000, 6) }},
		{"[████]", func(p *pen) { p.bar(20, 10, 6) }},
		{"abc…", func(p *pen) { p.fit("abcdefgh", 4) }},
		{"ab  |", func(p *pen) { p.fit("ab", 4).str("|") }},
		{"+0.20ms", func(p *pen) { p.signed(200 * sim.Microsecond) }},
		{"-3.00ms", func(p *pen) { p.signed(-3 * sim.Millisecond) }},
		{"33>10", func(p *pen) { p.x = -1; p.change(0x10, 0x33) }},
	} {
		if got := strings.TrimRight(line(12, false, c.draw), " "); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestRenderedRowsEndTheirStyles(t *testing.T) {
	g := &grid{}
	g.reset(6, 2)
	p := &pen{g: g, rect: rect{0, 0, 6, 2}}
	p.in(styleChanged).str("ab").in(styleText).str("c")
	got := g.render(newTheme("dark", termenv.TrueColor))
	rows := strings.Split(got, "\n")
	if len(rows) != 2 || rows[1] != "" {
		t.Fatalf("rows %q", rows)
	}
	if want := "\x1b[0m\x1b[1;7mab\x1b[0mc"; rows[0] != want {
		t.Errorf("%q, want %q", rows[0], want)
	}
}

// A theme with a background of its own has to paint the blanks too.
func TestProjectorPaintsEveryCell(t *testing.T) {
	g := &grid{}
	g.reset(6, 2)
	for _, row := range strings.Split(g.render(newTheme("projector", termenv.TrueColor)), "\n") {
		if strings.Count(row, " ") != 6 || !strings.Contains(row, "48;2;255;255;255") || !strings.HasSuffix(row, resetEscape) {
			t.Errorf("%q", row)
		}
	}
}

func TestMonoUsesNoColour(t *testing.T) {
	th := newTheme("mono", termenv.TrueColor)
	for s, e := range th.escape {
		if strings.Contains(e, "38;") || strings.Contains(e, "48;") {
			t.Errorf("style %d: %q", s, e)
		}
	}
	if th.escape[styleChanged] == th.escape[styleText] {
		t.Error("what has changed does not stand out")
	}
}

// Without colours a terminal still has weight: the profile of NO_COLOR, or of a
// terminal that has none.
func TestNoColourProfileFallsBackToMono(t *testing.T) {
	if th := newTheme("dark", termenv.Ascii); th.name != "mono" || th.escape[styleChanged] == th.escape[styleText] {
		t.Errorf("theme %s, changed %q", th.name, th.escape[styleChanged])
	}
}
