package tui

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/hinshun/vt10x"
	"github.com/muesli/termenv"
	"pgregory.net/rapid"
)

// flush is what bubbletea's renderer sends for a frame: rows that have changed, with
// the rest of a short one erased. Without a frame before, the cursor is first put to
// the left.
func flush(was, is string, w int) []byte {
	old, rows := strings.Split(was, "\n"), strings.Split(is, "\n")
	b := []byte(ansi.CursorHomePosition)
	if was == "" {
		b = append(b, '\r')
	}
	for i, row := range rows {
		if was == "" || old[i] != row {
			b = append(b, row...)
			if ansi.StringWidth(row) < w {
				b = append(b, ansi.EraseLineRight...)
			}
			if i < len(rows)-1 {
				b = append(b, '\r')
			}
		}
		if i < len(rows)-1 {
			b = append(b, '\n')
		}
	}
	return append(b, ansi.CursorPosition(0, len(rows))...)
}

// twoTerminals are one behind a painter, and one without.
type twoTerminals struct {
	*painter
	file          string
	seen          int
	behind, plain vt10x.Terminal
	was           string
}

func newTwoTerminals(t interface {
	Fatal(...any)
	TempDir() string
}, w, h int) *twoTerminals {
	p := &twoTerminals{file: filepath.Join(t.TempDir(), "terminal"), behind: vt10x.New(vt10x.WithSize(w, h)), plain: vt10x.New(vt10x.WithSize(w, h))}
	f, err := os.Create(p.file)
	if err != nil {
		t.Fatal(err)
	}
	p.painter = newPainter(f)
	return p
}

// send gives both the same; it returns how many bytes each got.
func (p *twoTerminals) send(b []byte) (plain, behind int) {
	_, _ = p.plain.Write(b)
	_, _ = p.Write(b)
	all, _ := os.ReadFile(p.file)
	out := all[p.seen:]
	p.seen = len(all)
	_, _ = p.behind.Write(out)
	return len(b), len(out)
}

// same tells whether both show the same, in the same colours.
func (p *twoTerminals) same(w, h int) bool {
	for y := range h {
		for x := range w {
			if p.plain.Cell(x, y) != p.behind.Cell(x, y) {
				return false
			}
		}
	}
	return true
}

// Whatever the frames are, the terminal behind a painter shows what one without
// shows.
func TestAPainterPaintsTheSame(t *testing.T) {
	doc := document(t, 2, 12)
	rapid.Check(t, func(r *rapid.T) {
		w, h := rapid.IntRange(40, 200).Draw(r, "w"), rapid.IntRange(12, 60).Draw(r, "h")
		a := testApp(t, doc, w, h, "")
		a.theme = newTheme(rapid.SampledFrom(themeNames).Draw(r, "theme"), termenv.TrueColor)
		p := newTwoTerminals(t, w, h)
		defer p.Close()
		for range rapid.IntRange(1, 30).Draw(r, "n") {
			switch k := rapid.SampledFrom([]string{"l", "l", "s", "}", "h", "?", "esc", "t", "w", "tab", "z", ":", "x", "end", "home", "P", "clear", "again"}).Draw(r, "key"); k {
			case "clear":
				p.send([]byte(ansi.EraseEntireScreen))
				p.send([]byte(ansi.CursorHomePosition))
				p.was = ""
			case "again":
				p.was = ""
			default:
				a.Update(press(k))
			}
			is := a.View()
			p.send(flush(p.was, is, w))
			if p.was = is; !p.same(w, h) {
				r.Fatalf("behind the painter:\n%s\nwithout:\n%s", p.behind, p.plain)
			}
		}
	})
}

// A step sends a few cells, not the rows of all panels.
func TestAPainterSendsLittle(t *testing.T) {
	a := testApp(t, document(t, 2, 12), 200, 60, "")
	a.theme = newTheme("dark", termenv.TrueColor)
	p := newTwoTerminals(t, 200, 60)
	defer p.Close()
	was, plain, behind := "", 0, 0
	for range 100 {
		a.Update(press("l"))
		is := a.View()
		n, m := p.send(flush(was, is, 200))
		if was != "" {
			plain, behind = plain+n, behind+m
		}
		was = is
	}
	if behind > plain/3 {
		t.Errorf("%d bytes of %d", behind, plain)
	}
}

// What the painter does not know goes to the terminal as it is.
func TestAPainterPassesOn(t *testing.T) {
	for _, b := range []string{
		"\x1b[?1049h", "\x1b[H", "\x1b[2J", "\x1b[H\x1b[5mblinks\x1b[0m\x1b[;H", "\x1b[Ha\nb\x1b[3;H", "\x1b[H\x1b]0;title\x07\x1b[1;H", "plain text",
	} {
		p := newTwoTerminals(t, 40, 12)
		p.send(flush("", "one\ntwo", 40))
		from := p.seen
		p.send([]byte(b))
		if all, _ := os.ReadFile(p.file); !bytes.Equal(all[from:], []byte(b)) {
			t.Errorf("%q became %q", b, all[from:])
		}
		p.Close()
	}
}

func BenchmarkPaintedStep200x60(b *testing.B) {
	a := testApp(b, document(b, 2, 12), 200, 60, "")
	a.theme = newTheme("dark", termenv.TrueColor)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	p := newPainter(null)
	var frames [][]byte
	for was := ""; len(frames) < 100; {
		a.Update(press("l"))
		is := a.View()
		frames, was = append(frames, flush(was, is, 200)), is
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = p.Write(frames[i%len(frames)])
	}
}
