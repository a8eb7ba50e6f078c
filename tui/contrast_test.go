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

// rendered gives the colours that an escape sequence leaves on a terminal with
// colours of its own. Reverse swaps them, which the ratio does not see.
func rendered(t *testing.T, escape string, text, back rgb) (rgb, rgb) {
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

// backs are what terminals have behind the text, for the theme that takes them to
// be dark or light; the text that nothing paints is white or black.
var backs = map[string][]struct {
	name       string
	text, back rgb
}{
	"dark":  {{"black", rgb{1, 1, 1}, rgb{}}, {"#1e1e1e", rgb{1, 1, 1}, rgbOf(0x1e1e1e)}},
	"light": {{"white", rgb{}, rgb{1, 1, 1}}, {"#fdf6e3", rgb{}, rgbOf(0xfdf6e3)}},
}

func rgbOf(v uint32) rgb {
	return rgb{float64(v>>16) / 255, float64(v>>8&0xff) / 255, float64(v&0xff) / 255}
}

// Text can be read in every style of every theme, in true colour and in 256, on
// the backgrounds that terminals have. Mono is read on dark ones; how faint a
// terminal draws its faint text is its own affair.
func TestContrast(t *testing.T) {
	for _, name := range themeNames {
		on := backs[name]
		if on == nil {
			on = backs["dark"]
		}
		for _, profile := range []termenv.Profile{termenv.TrueColor, termenv.ANSI256} {
			th := newTheme(name, profile)
			for s := range styleBlack { // which is there not to be read
				for _, b := range on {
					text, back := rendered(t, th.escape[s], b.text, b.back)
					if got := contrast(text, back); got < 4.5 {
						t.Errorf("%s on %s, profile %d, %s (%q): contrast %.2f", name, b.name, profile, styleLetters[s].name, th.escape[s], got)
					}
				}
			}
		}
	}
}
