package tui

import (
	"testing"

	"github.com/muesli/termenv"
)

// BenchmarkFrames draws every kind of screen at 200x60 in colour, whatever is laid
// over the panels.
func BenchmarkFrames(b *testing.B) {
	opened := func(b *testing.B) *app {
		a := testApp(b, document(b, 2, 12), 200, 60, "")
		a.answer(promptCommand, "find udp_enqueue")
		return a
	}
	for _, c := range []struct {
		name, keys string
		app        func(b *testing.B) *app
	}{
		{"panels", "", opened},
		{"zoomed", "3 z", opened},
		{"followed", "f", opened},
		{"prompt", ":", opened},
		{"why", "w", opened},
		{"help", "?", opened},
		{"symbol", "K", opened},
		{"object", "5 down enter", opened},
		{"breaks", "b B", opened},
		{"marks", "m enter '", opened},
		{"real", "R", func(b *testing.B) *app { return realApp(b, 200, 60) }},
		{"compared", "v v", func(b *testing.B) *app { return versusApp(b, "moderation", 200, 60) }},
		{"presented", "", func(b *testing.B) *app { return presenting(b, onePacket(b), 200, 60) }},
		{"picker", "esc", func(b *testing.B) *app { return testApp(b, document(b, 2, 12), 200, 60, "") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := c.app(b)
			a.theme = newTheme("dark", termenv.TrueColor)
			a.keys(c.keys)
			b.ReportAllocs()
			for b.Loop() {
				a.stale = true
				a.View()
			}
		})
	}
}
