package tui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
)

// picker is the list of scenarios, and of lessons behind them.
type picker struct {
	items []Item
	at    int
	rows  int      // how many fitted when it was last drawn
	words []string // what was searched for
}

// list fills the picker, if that has not been done.
func (a *app) list() (err error) {
	if a.opts.Lists == nil {
		return nil
	}
	if a.opts.Items, a.opts.Lessons, err = a.opts.Lists(); err != nil {
		return err
	}
	a.opts.Lists = nil
	a.pick.items = slices.Concat(a.opts.Items, a.opts.Lessons)
	return nil
}

// pickerKeys are the keys of the list.
func pickerKeys() []keyRow {
	to := func(where func(p *picker) int) func(*app) {
		return func(a *app) { a.pick.at = max(min(where(&a.pick), len(a.pick.items)-1), 0) }
	}
	rows := []keyRow{
		newKey("up k", "↑ ↓", "choose", to(func(p *picker) int { return p.at - 1 })),
		newKey("down j", "", "", to(func(p *picker) int { return p.at + 1 })),
		newKey("pgdown space", "PgDn", "a page on", to(func(p *picker) int { return p.at + p.rows })),
		newKey("pgup", "PgUp", "a page back", to(func(p *picker) int { return p.at - p.rows })),
		newKey("} ] tab", "}", "next chapter", to(func(p *picker) int { return p.chapter(1) })),
		newKey("{ [ shift+tab", "{", "previous chapter", to(func(p *picker) int { return p.chapter(-1) })),
		newKey("home", "Home", "the first", to(func(*picker) int { return 0 })),
		newKey("end", "End", "the end: lessons", to(func(p *picker) int { return len(p.items) - 1 })),
		newKey("n", "n", "next that was searched for", func(a *app) { a.pickNext(1) }),
		newKey("N", "N", "the one before", func(a *app) { a.pickNext(-1) }),
		newKey("?", "?", "these keys", (*app).pickerHelp),
	}
	return append(rows,
		keyRow{key.NewBinding(key.WithKeys("enter", "right", "l"), key.WithHelp("Enter", "open")), (*app).openPicked},
		keyRow{key.NewBinding(key.WithKeys("/"), key.WithHelp("/", "search names and texts")), func(a *app) tea.Cmd { return a.ask(promptFind) }},
		keyRow{key.NewBinding(key.WithKeys("q", "ctrl+c"), key.WithHelp("q", "quit")), func(*app) tea.Cmd { return tea.Quit }},
	)
}

// pickerFoot are the keys that the last line names.
var pickerFoot = []string{"↑ ↓ choose", "Enter open", "} chapter", "/ search", "End lessons", "? keys", "q quit"}

func (a *app) pickerKey(msg tea.KeyMsg) tea.Cmd {
	for _, x := range pickerKeys() {
		if key.Matches(msg, x.Binding) {
			return x.do(a)
		}
	}
	if x := byKey(a.actions, msg); x != nil && (x.name() == "theme" || x.name() == "suspend" || x.name() == "redraw") {
		return x.do(a, "")
	}
	return nil
}

// chapter is the first item of the next chapter; back, of this one or, from there,
// of the one before.
func (p *picker) chapter(dir int) int {
	for i := p.at + dir; i > 0 && i < len(p.items); i += dir {
		if p.items[i].Chapter != p.items[i-1].Chapter {
			return i
		}
	}
	if dir > 0 {
		return p.at
	}
	return 0
}

// pickFind looks for the next item that has all words of a text.
func (a *app) pickFind(text string) {
	a.pick.words = strings.Fields(strings.ToLower(text))
	a.pickNext(1)
}

func (a *app) pickNext(dir int) {
	p := &a.pick
	if len(p.words) == 0 {
		a.message = "nothing to search for: / first"
		return
	}
	n := len(p.items)
	for d := 1; d <= n; d++ {
		if i := (p.at + dir*d + n) % n; p.items[i].about(p.words) {
			p.at = i
			a.message = "n next   N previous   Enter open"
			return
		}
	}
	a.message = "nothing here is about " + kernel.Printable(strings.Join(p.words, " "))
}

// about tells whether an item has all of some words.
func (it *Item) about(words []string) bool {
	text := strings.ToLower(it.Name + " " + it.Title + " " + it.Teaches + " " + it.Chapter)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

func (a *app) pickerHelp() {
	var lines []string
	for _, x := range pickerKeys() {
		if h := x.Help(); h.Key != "" {
			lines = append(lines, "  "+pad(h.Key, 9)+" "+h.Desc)
		}
	}
	a.overlay = overlay{title: "KEYS", lines: append(lines, "  "+pad("t", 9)+" next theme")}
}

// openPicked opens the chosen scenario, or presents the chosen lesson.
func (a *app) openPicked() tea.Cmd {
	if len(a.pick.items) == 0 {
		return nil
	}
	if err := a.openItem(a.pick.items[a.pick.at].Name); err != nil {
		a.overlay = overlay{title: "CANNOT OPEN", lines: splitLines(err.Error())}
		return nil
	}
	return a.Init()
}

func (a *app) openItem(name string) error {
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
	says := 2 // rows for what it teaches
	if a.h >= 24 {
		says = 4
	}
	foot := 2 + says
	rows := max(a.h-2-foot-1, 1)
	a.pick.rows = rows
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
	p.wrap(a.h-foot+1, says, it.Teaches)
	p.line(a.h - 1).in(styleDim)
	if a.message != "" {
		p.in(styleBold).rest(a.message)
		return
	}
	for _, k := range pickerFoot {
		if k == "Enter open" && a.lessonPicked() {
			k = "Enter present"
		}
		if (k != "End lessons" || len(a.opts.Lessons) > 0) && p.left() > len(k) {
			p.str(k).str("  ")
		}
	}
}
