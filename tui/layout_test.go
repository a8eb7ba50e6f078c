package tui

import (
	"testing"

	"pgregory.net/rapid"
)

func TestLayoutBySize(t *testing.T) {
	for _, c := range []struct {
		w, h        int
		asked, want string
	}{
		{200, 60, "", "L"}, {160, 50, "", "L"}, {160, 49, "", "M"}, {120, 40, "", "M"}, {110, 36, "", "M"},
		{109, 36, "", "S"}, {80, 24, "", "S"}, {79, 24, "", "XS"}, {40, 12, "", "XS"},
		{200, 60, "S", "S"}, {80, 24, "L", "S"}, {39, 12, "", ""}, {40, 11, "", ""},
	} {
		l, err := chooseLayout(c.w, c.h, c.asked)
		if l.name != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%dx%d, asked for %q: %q, %v; want %q", c.w, c.h, c.asked, l.name, err, c.want)
		}
	}
}

// Panels share the body without a gap and without an overlap.
func TestPlacesCoverTheBody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(40, 300).Draw(t, "w"), rapid.IntRange(12, 120).Draw(t, "h")
		l, err := chooseLayout(w, h, rapid.SampledFrom([]string{"", "L", "M", "S", "XS"}).Draw(t, "asked"))
		if err != nil {
			t.Fatal(err)
		}
		covered := make([]int, w*h)
		for _, p := range l.places {
			if p.w < 3 || p.h < 3 {
				t.Errorf("panel %d is %dx%d", p.id, p.w, p.h)
			}
			for y := p.y; y < p.y+p.h; y++ {
				for x := p.x; x < p.x+p.w; x++ {
					covered[y*w+x]++
				}
			}
		}
		body := l.body()
		for i, n := range covered {
			want := 0
			if body.has(i%w, i/w) {
				want = 1
			}
			if n != want {
				t.Fatalf("%s %dx%d: cell %d,%d is in %d panels, want %d", l.name, w, h, i%w, i/w, n, want)
			}
		}
	})
}
