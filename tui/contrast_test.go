package tui

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/muesli/termenv"
)

// rgb is a colour as a terminal shows it, each part from 0 to 1.
type rgb [3]float64

// luminance is WCAG 2.2's relative luminance.
func (c rgb) luminance() float64 {
	var lin rgb
	for i, v := range c {
		if v <= 0.04045 {
			lin[i] = v / 12.92
		} else {
			lin[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*lin[0] + 0.7152*lin[1] + 0.0722*lin[2]
}

// contrast is WCAG 2.2's ratio of two colours, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// painted gives the colours that an escape sequence leaves on a terminal with
// colours of its own. Reverse swaps them, which the ratio does not see.
func painted(t *testing.T, escape string, text, back rgb) (rgb, rgb) {
	t.Helper()
	for _, seq := range strings.Split(escape, "\x1b[")[1:] {
		p := strings.Split(strings.TrimSuffix(seq, "m"), ";")
		for i := 0; i < len(p); i++ {
			if p[i] != "38" && p[i] != "48" {
				continue
			}
			var c rgb
			used := 2
			switch p[i+1] {
			case "2":
				for k := range c {
					n, _ := strconv.Atoi(p[i+2+k])
					c[k] = float64(n) / 255
				}
				used = 4
			case "5":
				n, _ := strconv.Atoi(p[i+2])
				x := termenv.ConvertToRGB(termenv.ANSI256Color(n))
				c = rgb{x.R, x.G, x.B}
			default:
				t.Fatalf("%q is neither true colour nor one of 256", escape)
			}
			if p[i] == "38" {
				text = c
			} else {
				back = c
			}
			i += used
		}
	}
	return text, back
}

// Text can be read in every style of every theme, in true colour and in 256, on
// a terminal that is black or white as the theme takes it to be. How faint a
// terminal draws mono's faint text is its own affair.
func TestContrast(t *testing.T) {
	black, white := rgb{}, rgb{1, 1, 1}
	for _, name := range themeNames {
		for _, profile := range []termenv.Profile{termenv.TrueColor, termenv.ANSI256} {
			th := newTheme(name, profile)
			for s := range styleBlack { // which is there not to be read
				text, back := white, black
				if name == "light" {
					text, back = black, white
				}
				text, back = painted(t, th.escape[s], text, back)
				if got := contrast(text, back); got < 4.5 {
					t.Errorf("%s, profile %d, style %d (%q): contrast %.2f", name, profile, s, th.escape[s], got)
				}
			}
		}
	}
}
