package tui

import (
	"cmp"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// picker is the list of scenarios, and of lessons behind them.
type picker struct {
	items []Item
	at    int
}

// pickerKeys are the keys of the picker.
var pickerKeys = struct{ up, down, first, last, open, present, quit key.Binding }{
	up:      key.NewBinding(key.WithKeys("up", "k"), key.WithHelp("↑ ↓", "choose")),
	down:    key.NewBinding(key.WithKeys("down", "j")),
	first:   key.NewBinding(key.WithKeys("home")),
	last:    key.NewBinding(key.WithKeys("end"), key.WithHelp("End", "lessons")),
	open:    key.NewBinding(key.WithKeys("enter", "right", "l"), key.WithHelp("Enter", "open")),
	present: key.NewBinding(key.WithKeys("enter", "right", "l"), key.WithHelp("Enter", "present")),
	quit:    key.NewBinding(key.WithKeys("q", "esc", "ctrl+c"), key.WithHelp("q", "quit")),
}

func (a *app) pickerKey(msg tea.KeyMsg) tea.Cmd {
	k, last := &pickerKeys, len(a.pick.items)-1
	switch {
	case key.Matches(msg, k.up):
		a.pick.at = max(a.pick.at-1, 0)
	case key.Matches(msg, k.down):
		a.pick.at = max(min(a.pick.at+1, last), 0)
	case key.Matches(msg, k.first):
		a.pick.at = 0
	case key.Matches(msg, k.last):
		a.pick.at = max(last, 0)
	case key.Matches(msg, k.quit):
		return tea.Quit
	case key.Matches(msg, k.open) && last >= 0:
		if err := a.openPicked(); err != nil {
			a.overlay = overlay{title: "CANNOT OPEN", lines: splitLines(err.Error())}
			return nil
		}
		return a.Init()
	default:
		if x := byKey(a.actions, msg); x != nil && (x.name() == "theme" || x.name() == "suspend" || x.name() == "redraw") {
			return x.do(a, "")
		}
	}
	return nil
}

// openPicked opens the chosen scenario, or presents the chosen lesson.
func (a *app) openPicked() error {
	name := a.pick.items[a.pick.at].Name
	if !a.lessonPicked() {
		return a.open(name)
	}
	l, err := a.opts.OpenLesson(name)
	if err != nil {
		return err
	}
	return a.openLesson(l)
}

// lessonPicked tells whether the chosen item is a lesson.
func (a *app) lessonPicked() bool { return a.pick.at >= len(a.opts.Items) }

// heading is the chapter of an item, where it begins or where the list on the
// screen does.
func (p *picker) heading(i, top int) string {
	if i > top && p.items[i].Chapter == p.items[i-1].Chapter {
		return ""
	}
	return p.items[i].Chapter
}

// drawPicker writes the list, and below what the chosen one teaches.
func (a *app) drawPicker() {
	p := a.pen.over(rect{1, 0, a.w - 2, a.h})
	p.in(styleTitle).str("ringside").in(styleText).str("  from a packet on the wire to a woken thread")
	const foot = 4
	rows := max(a.h-2-foot-1, 1)
	top := min(max(a.pick.at-rows/2, 0), max(len(a.pick.items)-rows, 0))
	for i := top; i < min(top+rows, len(a.pick.items)); i++ {
		it := &a.pick.items[i]
		p.line(2 + i - top)
		if p.w >= 68 {
			p.in(styleDim).fit(a.pick.heading(i, top), 20).str(" ")
		}
		if i == a.pick.at {
			p.in(styleHere).rune('>')
		} else {
			p.in(styleText).rune(' ')
		}
		p.str(" ")
		p.fit(it.Title, min(44, p.left()-1))
		if p.left() > 20 {
			p.in(styleText).str(" ").rest(cmp.Or(it.Size, it.Teaches))
		}
	}
	if len(a.pick.items) == 0 {
		p.line(2).str("there is no scenario to choose")
		return
	}
	p.line(a.h - foot - 1).in(styleBorder)
	for p.left() > 0 {
		p.rune('─')
	}
	it := &a.pick.items[a.pick.at]
	p.st = styleBold
	p.at(0, a.h-foot).str(it.Title)
	p.in(styleDim).str("  ").rest(it.Size)
	p.st = styleText
	p.wrap(a.h-foot+1, 2, it.Teaches)
	k := &pickerKeys
	p.line(a.h - 1).in(styleDim)
	keys := []key.Binding{k.up, k.open, k.last, k.quit}
	switch {
	case a.lessonPicked():
		keys = []key.Binding{k.up, k.present, k.quit}
	case len(a.opts.Lessons) == 0:
		keys = []key.Binding{k.up, k.open, k.quit}
	}
	for _, b := range keys {
		p.str(b.Help().Key).str(" ").str(b.Help().Desc).str("   ")
	}
}
