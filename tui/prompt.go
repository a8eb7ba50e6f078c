package tui

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// promptKind is what is being typed.
type promptKind uint8

const (
	promptNone promptKind = iota
	promptGoto
	promptFind
	promptFilter
	promptBreak
	promptCommand
	promptCopy
)

var promptLabels = [...]string{"", "go to step or time (7, 3.4us): ", "/", "filter: ", "break on: ", ":", "copy to the new file: "}

// prompt is a line of input in the place of the status line.
type prompt struct {
	kind   promptKind
	text   []rune
	cursor int    // in text
	wrong  string // what was wrong with it, until the next key
}

// maxPrompt bounds what can be typed.
const maxPrompt = 200

func (a *app) ask(kind promptKind) tea.Cmd {
	a.prompt = prompt{kind: kind}
	return nil
}

// edit changes the line as a key says.
func (p *prompt) edit(msg tea.KeyMsg) {
	switch msg.Type {
	case tea.KeyRunes, tea.KeySpace:
		more := slices.Clone(msg.Runes[:max(min(len(msg.Runes), maxPrompt-len(p.text)), 0)])
		for i, r := range more { // what is pasted may have lines
			if unicode.IsSpace(r) {
				more[i] = ' '
			}
		}
		p.text = slices.Insert(p.text, p.cursor, more...)
		p.cursor += len(more)
	case tea.KeyBackspace:
		if p.cursor > 0 {
			p.cursor--
			p.text = slices.Delete(p.text, p.cursor, p.cursor+1)
		}
	case tea.KeyDelete:
		if p.cursor < len(p.text) {
			p.text = slices.Delete(p.text, p.cursor, p.cursor+1)
		}
	case tea.KeyLeft:
		p.cursor = max(p.cursor-1, 0)
	case tea.KeyRight:
		p.cursor = min(p.cursor+1, len(p.text))
	case tea.KeyHome, tea.KeyCtrlA:
		p.cursor = 0
	case tea.KeyEnd, tea.KeyCtrlE:
		p.cursor = len(p.text)
	case tea.KeyCtrlU:
		p.text, p.cursor = p.text[p.cursor:], 0
	}
}

func (a *app) commandPrompt(string) tea.Cmd { return a.ask(promptCommand) }

func (a *app) promptKey(msg tea.KeyMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "ctrl+c":
		a.prompt.kind = promptNone
		return nil
	case "enter":
		kind, text := a.prompt.kind, strings.TrimSpace(string(a.prompt.text))
		a.prompt.kind = promptNone
		if text == "" {
			return nil
		}
		return a.answer(kind, text)
	case "tab":
		if a.prompt.kind == promptCommand {
			if x := byCommand(a.table(), string(a.prompt.text)); x != nil {
				a.prompt.text = []rune(x.name() + " ")
				a.prompt.cursor = len(a.prompt.text)
			}
		}
		return nil
	}
	a.prompt.wrong = ""
	a.prompt.edit(msg)
	return nil
}

// answer does what was typed.
func (a *app) answer(kind promptKind, text string) tea.Cmd {
	switch kind {
	case promptGoto:
		return a.do(byCommand(a.table(), "goto"), text)
	case promptFind:
		if a.scene == nil {
			a.pickFind(text)
			return nil
		}
		return a.findPrompt(text)
	case promptFilter:
		return a.filterPrompt(text)
	case promptBreak:
		return a.toggleBreak(text)
	case promptCopy:
		return a.edit(text)
	}
	name, arg, _ := strings.Cut(text, " ")
	x := byCommand(a.table(), name)
	if x == nil {
		a.message = "no such command: " + name + " (:help lists them)"
		return nil
	}
	return a.do(x, strings.TrimSpace(arg))
}

// drawPrompt writes the line that is being typed, and the commands that fit it.
func (a *app) drawPrompt(p *pen) {
	p.in(styleBold).str(promptLabels[a.prompt.kind]).in(styleText)
	text, cursor := a.prompt.text, a.prompt.cursor
	from := 0 // the first character that is shown: the cursor always is
	for from < cursor && textWidth(string(text[from:cursor]), a.grid.ascii) > p.left()-2 {
		from++
	}
	if from > 0 {
		p.rune('…')
	}
	p.str(string(text[from:cursor])).in(styleHere)
	if cursor < len(text) {
		p.str(string(text[cursor : cursor+1])).in(styleText).str(string(text[cursor+1:]))
	} else {
		p.rune(' ').in(styleText)
	}
	p.in(styleDim).to(p.x + 2)
	switch {
	case a.prompt.wrong != "":
		const sign = "! "
		if !fits(a.prompt.wrong, p.left()-len(sign), a.grid.ascii) {
			p = a.pen.over(rect{0, a.h - 2, a.w, 1})
			a.grid.fill(p.rect, styleText)
		}
		p.in(styleBad).str(sign).rest(a.prompt.wrong)
		return
	case a.scene == nil: // the list has no records to select
		return
	case a.prompt.kind == promptFind, a.prompt.kind == promptFilter, a.prompt.kind == promptBreak:
		p.rest(queryHint)
		return
	case a.prompt.kind != promptCommand:
		return
	}
	table := a.table()
	for i := range table {
		if x := &table[i]; x.command != "" && strings.HasPrefix(x.name(), string(text)) && p.left() > len(x.command)+2 {
			p.str(x.command).str("  ")
		}
	}
}

// overlay is a page above the panels: help, the longer why, lists.
type overlay struct {
	title string
	lines []string
	top   int                 // the first line that is shown
	rows  int                 // how many fitted when it was last drawn
	pick  func(n int) tea.Cmd // what a digit chooses, or nil
}

func (o *overlay) open() bool { return o.title != "" }

// overlayKey scrolls the page; every other key closes it.
func (a *app) overlayKey(msg tea.KeyMsg) tea.Cmd {
	o := &a.overlay
	last, pick := max(len(o.lines)-o.rows, 0), o.pick
	switch msg.String() {
	case "down", "j":
		o.top = min(o.top+1, last)
	case "up", "k":
		o.top = max(o.top-1, 0)
	case "pgdown", " ":
		o.top = min(o.top+o.rows, last)
	case "pgup":
		o.top = max(o.top-o.rows, 0)
	case "ctrl+c":
		return tea.Quit
	default:
		a.overlay = overlay{}
		if n, err := strconv.Atoi(msg.String()); err == nil && pick != nil {
			return pick(n)
		}
	}
	return nil
}

// drawOverlay lays the page over the middle of the screen.
func (a *app) drawOverlay() {
	o := &a.overlay
	width := 0
	for _, l := range o.lines {
		width = max(width, textWidth(l, a.grid.ascii))
	}
	w := min(max(width+4, len(o.title)+6), a.w)
	h := min(len(o.lines)+2, a.h-1)
	r := rect{(a.w - w) / 2, (a.h - h) / 2, w, h}
	a.grid.fill(r, styleText)
	a.grid.box(r, styleFocus)
	o.rows = h - 2
	p := a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1})
	p.in(styleFocus).str(o.title).str(" ")
	p = a.pen.over(rect{r.x + 2, r.y + 1, r.w - 4, r.h - 2})
	for i, l := range o.lines[min(o.top, len(o.lines)):] {
		p.line(i).rest(l)
	}
	if len(o.lines) > o.rows {
		p = a.pen.over(rect{r.x + 1, r.y + r.h - 1, r.w - 2, 1})
		p.in(styleDim).rest(" up, down scroll  any other key closes ")
	}
}

// over sets the pen on another rectangle.
func (p *pen) over(r rect) *pen {
	p.rect, p.st = r, styleText
	return p.at(0, 0)
}

func (a *app) showHelp() {
	var lines []string
	for _, g := range groups {
		if !slices.ContainsFunc(a.table(), func(x action) bool { return x.group == g }) {
			continue
		}
		lines = append(lines, g)
		for i := range a.table() {
			x := &a.table()[i]
			if x.group != g {
				continue
			}
			h := x.Help()
			line := "  " + pad(h.Key, 9) + " " + h.Desc
			if x.command != "" && a.w >= 80 {
				line = pad(line, 58) + " :" + x.command
			}
			lines = append(lines, line)
		}
	}
	if a.versus == nil {
		lines = append(lines, queryHelp()...)
	}
	a.overlay = overlay{title: "KEYS", lines: lines}
}

// pad fills text with blanks to a width.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-textWidth(s, false), 0))
}

func (a *app) nextTheme(arg string) tea.Cmd {
	i := slices.Index(themeNames, a.theme.name)
	name := themeNames[(i+1)%len(themeNames)]
	if arg != "" {
		if !slices.Contains(themeNames, arg) {
			a.message = "themes: " + strings.Join(themeNames, ", ")
			return nil
		}
		name = arg
	}
	a.theme = newTheme(name, a.profile)
	a.message = "theme " + a.theme.name
	return tea.ClearScreen
}

func (a *app) toggleMouse(string) tea.Cmd {
	if a.mouse = !a.mouse; a.mouse {
		a.message = "mouse on: click focuses a panel, the wheel steps; the terminal's own selection is off"
		return tea.EnableMouseCellMotion
	}
	a.message = "mouse off"
	return tea.DisableMouse
}

// mouseAt: a click focuses the panel under it, the wheel steps; where something
// lies over the panels, in a list and in a presentation it goes up and down. A
// question and a prompt want the keyboard.
func (a *app) mouseAt(msg tea.MouseMsg) tea.Cmd {
	if a.predict.asking || a.prompt.kind != promptNone || msg.Action != tea.MouseActionPress {
		return nil
	}
	panels := a.scene != nil && !a.overlay.open() && len(a.pages) == 0 && !a.show.on
	switch {
	case msg.Button == tea.MouseButtonWheelDown && panels:
		return a.key(tea.KeyMsg{Type: tea.KeyRight})
	case msg.Button == tea.MouseButtonWheelUp && panels:
		return a.key(tea.KeyMsg{Type: tea.KeyLeft})
	case msg.Button == tea.MouseButtonWheelDown:
		return a.key(tea.KeyMsg{Type: tea.KeyDown})
	case msg.Button == tea.MouseButtonWheelUp:
		return a.key(tea.KeyMsg{Type: tea.KeyUp})
	case msg.Button == tea.MouseButtonLeft && panels && a.versus == nil && !a.zoom:
		for i, p := range a.layout.places {
			if p.has(msg.X, msg.Y) {
				a.focusOn(a.panelIn(i))
			}
		}
	}
	return nil
}

// mouseAgain turns the mouse on that was on: whoever gives the terminal away for a
// while gets it back without.
func (a *app) mouseAgain() tea.Cmd {
	if !a.mouse {
		return nil
	}
	return tea.EnableMouseCellMotion
}
