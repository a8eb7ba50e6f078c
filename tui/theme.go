package tui

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"ringside/kernel"
)

// style is what a cell looks like: a row of a theme.
type style uint8

// Styles by their meaning. Colour never stands alone: letters, borders and
// weight say the same.
const (
	styleText style = iota
	styleDim
	styleBold
	styleTitle
	styleBorder
	styleFocus
	styleChanged // changed in this step
	styleHere    // the current station, line, record
	styleFollowed
	styleUser
	styleKernel
	styleHardirq
	styleSoftirq
	styleIdle
	styleHardware
	styleGood
	styleBad
	styleBlack // nothing at all: the blanked screen of a presentation
	numStyles
)

// ctxStyles gives the style of a context (kernel.Ctx…).
var ctxStyles = [...]style{
	kernel.CtxUser: styleUser, kernel.CtxSyscall: styleKernel, kernel.CtxHardirq: styleHardirq, kernel.CtxSoftirq: styleSoftirq,
	kernel.CtxIdle: styleIdle, kernel.CtxHardware: styleHardirq, kernel.CtxDevice: styleHardware,
}

// ctxNames are what the letters of the contexts stand for (the exports call the
// kernel's work for a task "syscall", which on the way into an interrupt it is
// not).
var ctxNames = [...]string{
	kernel.CtxUser: "user", kernel.CtxSyscall: "kernel", kernel.CtxHardirq: "hardirq", kernel.CtxSoftirq: "softirq",
	kernel.CtxIdle: "idle", kernel.CtxHardware: "interrupt", kernel.CtxDevice: "device",
}

// theme is the escape sequence of each style, computed once.
type theme struct {
	name   string
	escape [numStyles]string // ends what was before, and begins the style
	paints bool              // has a background of its own: blanks must be written too
}

// resetEscape ends all styles.
const resetEscape = "\x1b[0m"

// themeNames are in the order in which the key goes round.
var themeNames = []string{"dark", "light", "projector", "mono"}

// The palette of Okabe and Ito, which people with any colour vision can tell
// apart. The light theme darkens the bright ones, the dark theme brightens
// vermilion: all can be read on what terminals have for black and for white.
const (
	oiOrange = lipgloss.Color("#E69F00")
	oiSky    = lipgloss.Color("#56B4E9")
	oiGreen  = lipgloss.Color("#009E73")
	oiYellow = lipgloss.Color("#F0E442")
	oiBlue   = lipgloss.Color("#0072B2")
	oiPurple = lipgloss.Color("#CC79A7")

	vermilion     = lipgloss.Color("#EB6410")
	darkVermilion = lipgloss.Color("#A82F00")
	darkPurple    = lipgloss.Color("#9A3F76")
	darkOrange    = lipgloss.Color("#8A5F00")
	grey          = lipgloss.Color("#8A8A8A")
	greyLight     = lipgloss.Color("#6B6B6B")
)

// chooseTheme gives the name of the theme to begin with: the one that was asked
// for, mono if the user wants no colour, else by the terminal's background.
func chooseTheme(asked string) string {
	switch {
	case slices.Contains(themeNames, asked):
		return asked
	case os.Getenv("NO_COLOR") != "":
		return "mono"
	case !lipgloss.HasDarkBackground():
		return "light"
	}
	return "dark"
}

// newTheme computes the escapes for a colour profile. A terminal without
// colours still has bold and reverse.
func newTheme(name string, profile termenv.Profile) *theme {
	if profile == termenv.Ascii {
		name, profile = "mono", termenv.ANSI
	}
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(profile)
	t := &theme{name: name}
	base := r.NewStyle()
	if name == "projector" {
		base = base.Foreground(lipgloss.Color("#000000")).Background(lipgloss.Color("#FFFFFF")).Bold(true)
		t.paints = true
	}
	for s := range numStyles {
		t.escape[s] = escapeOf(look(name, s, base))
	}
	return t
}

// escapeOf takes the escape sequence out of a rendered style.
func escapeOf(s lipgloss.Style) string {
	before, _, _ := strings.Cut(s.Render("x"), "x")
	return resetEscape + before
}

// look is what a theme makes of a meaning.
func look(name string, s style, base lipgloss.Style) lipgloss.Style {
	switch s {
	case styleBold, styleTitle:
		return base.Bold(true)
	case styleChanged, styleHere:
		return base.Bold(true).Reverse(true)
	case styleFollowed:
		return base.Bold(true).Underline(true)
	case styleBlack:
		if name == "mono" {
			return base // nothing of it is painted
		}
		return base.Foreground(lipgloss.Color("#000000")).Background(lipgloss.Color("#000000"))
	}
	switch name {
	case "mono":
		return monoLook(s, base)
	case "projector":
		return projectorLook(s, base)
	case "light":
		return coloured(s, base, greyLight, lightColours)
	}
	return coloured(s, base, grey, darkColours)
}

var darkColours = map[style]lipgloss.Color{
	styleUser: oiGreen, styleKernel: oiSky, styleHardirq: vermilion, styleSoftirq: oiOrange,
	styleHardware: oiPurple, styleGood: oiGreen, styleBad: vermilion, styleFocus: oiYellow,
}

var lightColours = map[style]lipgloss.Color{
	styleUser: lipgloss.Color("#00694D"), styleKernel: oiBlue, styleHardirq: darkVermilion, styleSoftirq: darkOrange,
	styleHardware: darkPurple, styleGood: lipgloss.Color("#00694D"), styleBad: darkVermilion, styleFocus: oiBlue,
}

func coloured(s style, base lipgloss.Style, dim lipgloss.Color, colours map[style]lipgloss.Color) lipgloss.Style {
	switch s {
	case styleText:
		return base
	case styleDim, styleBorder, styleIdle:
		return base.Foreground(dim)
	}
	base = base.Foreground(colours[s])
	if s == styleFocus || s == styleHardirq || s == styleBad {
		base = base.Bold(true)
	}
	return base
}

func monoLook(s style, base lipgloss.Style) lipgloss.Style {
	switch s {
	case styleDim, styleBorder, styleIdle:
		return base.Faint(true)
	case styleFocus, styleHardirq, styleBad:
		return base.Bold(true)
	case styleSoftirq:
		return base.Underline(true)
	}
	return base
}

func projectorLook(s style, base lipgloss.Style) lipgloss.Style {
	switch s {
	case styleDim, styleIdle, styleBorder:
		return base.Bold(false)
	case styleSoftirq, styleFocus:
		return base.Underline(true)
	}
	return base
}
