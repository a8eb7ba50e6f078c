package tui

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/hinshun/vt10x"
	"github.com/muesli/termenv"
	"pgregory.net/rapid"
)

// Whatever the frames are, the terminal behind a painter shows what one shows that
// gets each frame whole.
func TestAPainterPaintsTheSame(t *testing.T) {
	alone(t)
	doc := document(t, 2, 12)
	rapid.Check(t, func(r *rapid.T) {
		w, h := rapid.IntRange(40, 200).Draw(r, "w"), rapid.IntRange(12, 60).Draw(r, "h")
		a := testApp(t, doc, w, h, "")
		a.theme = newTheme(rapid.SampledFrom(themeNames).Draw(r, "theme"), termenv.TrueColor)
		behind := vt10x.New(vt10x.WithSize(w, h))
		p := &painter{out: behind}
		for range rapid.IntRange(1, 30).Draw(r, "n") {
			switch k := rapid.SampledFrom([]string{"l", "l", "s", "}", "h", "?", "esc", "t", "w", "tab", "z", ":", "x", "end", "home", "P", "clear", "resize"}).Draw(r, "key"); k {
			case "clear":
				_, _ = p.WriteString(ansi.EraseEntireScreen)
				_, _ = p.WriteString(ansi.CursorHomePosition)
			case "resize":
				w, h = rapid.IntRange(40, 200).Draw(r, "new w"), rapid.IntRange(12, 60).Draw(r, "new h")
				behind.Resize(w, h)
				a.Update(tea.WindowSizeMsg{Width: w, Height: h})
			default:
				a.Update(press(k))
			}
			p.paint(a.frame())
			plain := vt10x.New(vt10x.WithSize(w, h))
			_, _ = io.WriteString(plain, strings.ReplaceAll(a.View(), "\n", "\r\n"))
			for y := range h {
				for x := range w {
					if glyphAt(plain, x, y) != glyphAt(behind, x, y) {
						r.Fatalf("behind the painter:\n%s\nwithout:\n%s", behind, plain)
					}
				}
			}
		}
	})
}

// A step sends a few cells, not the rows of all panels; a frame like the last one
// sends nothing.
func TestAPainterSendsLittle(t *testing.T) {
	a := testApp(t, document(t, 2, 12), 200, 60, "")
	a.theme = newTheme("dark", termenv.TrueColor)
	var out bytes.Buffer
	p := &painter{out: &out}
	p.paint(a.frame())
	whole := out.Len()
	out.Reset()
	for range 100 {
		a.Update(press("l"))
		p.paint(a.frame())
	}
	if sent := out.Len() / 100; sent > whole/3 {
		t.Errorf("%d bytes a step, %d a frame", sent, whole)
	}
	out.Reset()
	if p.paint(a.frame()); out.Len() > 0 {
		t.Errorf("%d bytes for nothing", out.Len())
	}
}

// Commands to the terminal pass; the frames of bubbletea's renderer do not.
func TestAPainterPassesOn(t *testing.T) {
	for _, c := range []struct {
		command string
		passes  bool
	}{
		{"\x1b[?1049h", true}, {"\x1b[H", true}, {"\x1b[2J", true}, {"\r", true}, {"\x1b[H\r \x1b[K\x1b[1;H", false},
	} {
		var out bytes.Buffer
		p := &painter{out: &out}
		if n, err := io.WriteString(p, c.command); n != len(c.command) || err != nil || (out.String() == c.command) != c.passes {
			t.Errorf("%q became %q", c.command, out.String())
		}
	}
}

// A frame that is not due is shown when it is; meanwhile nothing is asked for twice.
// A key's is always due.
func TestAFrameWaitsUntilItIsDue(t *testing.T) {
	a := testApp(t, document(t, 2, 12), 80, 24, "")
	term := vt10x.New(vt10x.WithSize(80, 24))
	p := &painted{framed: a, to: &painter{out: term}, every: time.Hour}
	send := func(msg tea.Msg) tea.Cmd {
		_, cmd := p.Update(msg)
		p.View()
		return cmd
	}
	if send(press("l")); !strings.Contains(term.String(), "step 1/") {
		t.Fatalf("a key waits:\n%s", term)
	}
	a.player.on = true
	for i := range 3 {
		a.player.gen = i
		if send(playMsg(i)); strings.Contains(term.String(), "step 2/") || !p.asked {
			t.Fatalf("tick %d is shown, or never will be: %t\n%s", i, p.asked, term)
		}
	}
	if send(dueMsg{}); !p.asked {
		t.Error("a message that came too early, and no other will")
	}
	p.next = time.Time{}
	if send(dueMsg{}); !strings.Contains(term.String(), "step 4/") || p.asked {
		t.Errorf("not painted:\n%s", term)
	}
}

func BenchmarkPaintedStep200x60(b *testing.B) {
	a := testApp(b, document(b, 2, 12), 200, 60, "")
	a.theme = newTheme("dark", termenv.TrueColor)
	p := &painter{out: io.Discard}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Update(press([]string{"l", "h"}[i%2]))
		p.paint(a.frame())
	}
}
