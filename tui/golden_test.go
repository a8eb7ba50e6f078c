package tui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/hinshun/vt10x"
	"github.com/muesli/termenv"

	"ringside/scenarios"
)

// goldenScenes are a place in a run for each chapter of the course: the commands
// that lead there, the last one from within the running program.
var goldenScenes = []struct {
	scenario string
	commands []string
}{
	{"one-packet", []string{"marks five words"}},
	{"two-stacks", []string{"marks asleep with both stacks"}},
	{"napi-32-packets", []string{"find __napi_poll", "find __udp_enqueue"}},
	{"ring-full", []string{"find the frame is dropped", "find the frame is dropped"}},
	{"lost-wakeup", []string{"marks awake before it slept"}},
	{"exclusive", []string{"marks one exclusive waiter"}},
	{"wakeup-on-another-core", []string{"find ipi_send_cpu"}},
	{"minor-fault", []string{"find page_fault_user", "find min_flt"}},
	{"request-in-pieces", []string{"marks a part of the body"}},
	{"poisson-load", []string{"goto 1ms", "find __udp_enqueue"}},
}

// goldenSizes are the least of each layout and what people have on their desks.
var goldenSizes = [][2]int{{40, 12}, {80, 24}, {120, 40}, {160, 50}, {200, 60}}

// styleLetters name the styles in a golden screen. Those that no look tells apart
// have the letter of the first one.
var styleLetters = [numStyles]struct {
	letter byte
	name   string
}{
	styleText: {' ', "text"}, styleDim: {'.', "dim"}, styleBold: {'b', "bold"}, styleTitle: {'t', "title"},
	styleBorder: {'-', "border"}, styleFocus: {'f', "focus"}, styleChanged: {'*', "changed"}, styleHere: {'>', "here"},
	styleFollowed: {'@', "followed"}, styleUser: {'u', "user"}, styleKernel: {'k', "kernel"}, styleHardirq: {'h', "hardirq"},
	styleSoftirq: {'s', "softirq"}, styleIdle: {'i', "idle"}, styleHardware: {'d', "hardware"}, styleGood: {'=', "good"},
	styleBad: {'!', "bad"}, styleBlack: {'#', "black"},
}

// styleLooks is what a terminal shows of each style, in each look.
func styleLooks(t testing.TB) [numStyles]map[string]string {
	t.Helper()
	var looks [numStyles]map[string]string
	for s := range numStyles {
		looks[s] = map[string]string{}
		for _, look := range goldenLooks {
			name := strings.Replace(look, "ascii", "dark", 1)
			term := vt10x.New(vt10x.WithSize(2, 1))
			_, _ = term.Write(faintAsBlink([]byte(newTheme(name, termenv.TrueColor).escape[s] + "x")))
			looks[s][look] = glyphAt(term, 0, 0).look
		}
	}
	return looks
}

// letterOf names the style of a cell, by how it looks in every look; 0: no style
// looks like that.
func letterOf(looks [numStyles]map[string]string, cell map[string]string) byte {
	for s := range numStyles {
		if maps.Equal(looks[s], cell) {
			return styleLetters[s].letter
		}
	}
	return 0
}

// What each style looks like: the other golden screens have its letter.
func TestLooks(t *testing.T) {
	looks := styleLooks(t)
	var b strings.Builder
	for s := range numStyles {
		letter := letterOf(looks, looks[s])
		fmt.Fprintf(&b, "%-8s  %q", styleLetters[s].name, letter)
		for _, look := range goldenLooks[:len(goldenLooks)-1] {
			if letter == styleLetters[s].letter {
				fmt.Fprintf(&b, "  %s: %s", look, looks[s][look])
			}
		}
		b.WriteByte('\n')
	}
	golden(t, "screen-looks", b.String())
}

// TestTheScreenOfEachChapter: the whole screen as a terminal shows it, character
// and style of each cell, from the bytes that the running program writes.
func TestTheScreenOfEachChapter(t *testing.T) {
	looks := styleLooks(t)
	for _, c := range goldenScenes {
		t.Run(c.scenario, func(t *testing.T) {
			a := testApp(t, courseDoc(t, c.scenario), 80, 24, "")
			a.toEnd()
			for _, size := range goldenSizes {
				w, h := size[0], size[1]
				screens := map[string][][]glyph{}
				for _, look := range goldenLooks {
					a.wear(look)
					a.move(0)
					last := len(c.commands) - 1
					for _, command := range c.commands[:last] {
						a.answer(promptCommand, command)
					}
					keys := append([]string{":"}, strings.Split(c.commands[last], "")...)
					a.resize(w+1, h+1)
					screen, sent := shown(t, a, w, h, append(keys, "enter")...)
					if a.scene.pos == 0 {
						t.Fatalf("not found: %s", a.message)
					}
					checkSent(t, a, sent)
					screens[look] = screen
				}
				text, strange := annotated(looks, screens)
				for _, what := range strange {
					t.Errorf("%dx%d: %s", w, h, what)
				}
				golden(t, fmt.Sprintf("screen-%s-%dx%d", c.scenario, w, h), text)
			}
		})
	}
}

// checkSent: the frame has the size of the terminal, and nothing reaches it that
// not every terminal shows in one cell.
func checkSent(t *testing.T, a *app, sent []byte) {
	t.Helper()
	rows := strings.Split(a.View(), "\n")
	if len(rows) != a.h {
		t.Errorf("%d rows in a terminal of %d", len(rows), a.h)
	}
	for i, row := range rows {
		if n := ansi.StringWidth(row); n > a.w || a.theme.paints && n != a.w {
			t.Errorf("row %d has %d cells in a terminal of %d", i, n, a.w)
		}
	}
	for _, r := range ansi.Strip(string(sent)) {
		_, drawing := asciiRunes[r]
		switch {
		case r == '\n' || r == '\r' || r >= ' ' && r < 0x7f:
		case a.grid.ascii, ansi.StringWidth(string(r)) != 1, !drawing && r >= 0x530:
			t.Errorf("%q is sent to the terminal", r)
		}
	}
	if a.grid.ascii && slices.ContainsFunc(sent, func(b byte) bool { return b >= utf8.RuneSelf }) {
		t.Error("a byte beyond ASCII is sent to the terminal")
	}
}

// annotated writes a screen in all its looks. Below each row stand the letters of
// its styles, unless it is all plain text. Of the other looks there is only what
// differs from dark: of ASCII, which character stands for which. Strange are cells
// that look like no style.
func annotated(looks [numStyles]map[string]string, screens map[string][][]glyph) (text string, strange []string) {
	var b strings.Builder
	stands := map[rune]rune{}
	var differs []string
	for y, row := range screens["dark"] {
		var styles strings.Builder
		same := map[string]bool{}
		for _, look := range goldenLooks {
			same[look] = true
		}
		for x, c := range row {
			cell := map[string]string{}
			for _, look := range goldenLooks {
				other := screens[look][y][x]
				cell[look] = other.look
				if look == "ascii" && c.r >= utf8.RuneSelf {
					if _, known := stands[c.r]; !known {
						stands[c.r] = other.r
					}
					same[look] = same[look] && stands[c.r] == other.r
				} else {
					same[look] = same[look] && c.r == other.r
				}
			}
			letter := letterOf(looks, cell)
			if letter == 0 {
				strange = append(strange, fmt.Sprintf("row %d column %d: no style looks like %v", y, x, cell))
				letter = '?'
			}
			styles.WriteByte(letter)
		}
		b.WriteString("|" + strings.TrimRight(textIn(row), " ") + "\n")
		if s := strings.TrimRight(styles.String(), " "); s != "" {
			b.WriteString(" " + s + "\n")
		}
		for _, look := range goldenLooks {
			if !same[look] {
				differs = append(differs, fmt.Sprintf("%s, row %d:\n|%s\n", look, y, strings.TrimRight(textIn(screens[look][y]), " ")))
			}
		}
	}
	b.WriteString("in ascii")
	for _, r := range slices.Sorted(maps.Keys(stands)) {
		b.WriteString(" " + string(r) + string(stands[r]))
	}
	return b.String() + "\n" + strings.Join(differs, ""), strange
}

// One cell that has another character, or looks different, in one of the looks is
// seen.
func TestOneCellChangesAGoldenScreen(t *testing.T) {
	looks := styleLooks(t)
	a := testApp(t, courseDoc(t, "one-packet"), 80, 24, "")
	a.answer(promptCommand, "marks five words")
	screens := map[string][][]glyph{}
	for _, look := range goldenLooks {
		a.wear(look)
		screens[look], _ = shown(t, a, 80, 24)
	}
	want, strange := annotated(looks, screens)
	if len(strange) > 0 {
		t.Fatal(strange)
	}
	for _, look := range goldenLooks {
		for i := 0; i < 80*24; i += 37 {
			c := &screens[look][i/80][i%80]
			was := *c
			for _, other := range []glyph{{'Q', was.look}, {was.r, was.look + " italic"}} {
				*c = other
				if got, _ := annotated(looks, screens); got == want {
					t.Errorf("%s, row %d column %d: %q for %q is not seen", look, i/80, i%80, other, was)
				}
			}
			*c = was
		}
	}
}

func textIn(row []glyph) string {
	var b strings.Builder
	for _, c := range row {
		b.WriteRune(c.r)
	}
	return b.String()
}

// Each chapter of the course has its screen.
func TestEachChapterHasAScreen(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range goldenScenes {
		sc, err := scenarios.Open(c.scenario)
		if err != nil {
			t.Fatal(err)
		}
		seen[sc.Chapter] = true
	}
	for _, name := range scenarios.Builtin() {
		if sc, err := scenarios.Open(name); err != nil || !seen[sc.Chapter] {
			t.Errorf("%s: no golden screen of the chapter %q (%v)", name, sc.Chapter, err)
		}
	}
}
