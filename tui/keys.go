package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// action is something the user can do: a row of the one table behind the keys,
// the help, the status line and the commands.
type action struct {
	key.Binding
	command string // its name after ":", with its argument
	group   string // of the help
	brief   string // in the status line, by importance of the row; "" is not shown
	// do gets the argument that a command was given; for a key it is "", or
	// the key itself where the row has keyArg.
	do     func(a *app, arg string) tea.Cmd
	keyArg bool
}

// row makes an action.
func row(keys, shown, help, command, group, brief string, do func(*app, string) tea.Cmd) action {
	return action{
		Binding: key.NewBinding(key.WithKeys(splitKeys(keys)...), key.WithHelp(shown, help)),
		command: command, group: group, brief: brief, do: do,
	}
}

// splitKeys reads "right l .": names of keys apart by blanks, "space" for the
// blank itself.
func splitKeys(keys string) []string {
	out := strings.Fields(keys)
	for i, k := range out {
		if k == "space" {
			out[i] = " "
		}
	}
	return out
}

// Groups of the help.
const (
	groupMove  = "move"
	groupPlay  = "play"
	groupFind  = "find"
	groupLook  = "look"
	groupOther = "other"
)

var groups = []string{groupMove, groupPlay, groupFind, groupLook, groupOther}

// plain is an action without argument and command.
func plain(f func(*app)) func(*app, string) tea.Cmd {
	return func(a *app, _ string) tea.Cmd {
		f(a)
		return nil
	}
}

// newActions is the table.
func newActions() []action {
	focus := row("1 2 3 4 5 6 7 8 9 0", "1-9 0", "focus a panel", "focus N", groupLook, "", (*app).focusDigit)
	focus.keyArg = true
	return []action{
		row("right l .", "→ l .", "step on", "step", groupMove, "← → step", plain(func(a *app) { a.step(1) })),
		row("left h ,", "← h ,", "step back", "back", groupMove, "", plain(func(a *app) { a.step(-1) })),
		row("s", "s", "micro-step: one record on", "micro", groupMove, "s micro", plain(func(a *app) { a.micro(1) })),
		row("S", "S", "micro-step back", "microback", groupMove, "", plain(func(a *app) { a.micro(-1) })),
		row("}", "}", "next station of the path", "station", groupMove, "{ } station", plain(func(a *app) { a.station(1) })),
		row("{", "{", "previous station", "stationback", groupMove, "", plain(func(a *app) { a.station(-1) })),
		row("]", "]", "next mark", "mark", groupMove, "[ ] mark", plain(func(a *app) { a.toMark(1) })),
		row("[", "[", "previous mark", "markback", groupMove, "", plain(func(a *app) { a.toMark(-1) })),
		row("m", "m", "set a mark here with a name, or clear it", "setmark [NAME]", groupMove, "", (*app).setMark),
		row("'", "'", "list the marks, to go there", "marks [NAME]", groupMove, "", (*app).showMarks),
		row("g", "g", "go to a step (7) or a time (3.4us)", "goto N|TIME", groupMove, "g goto", (*app).gotoPrompt),
		row("home", "Home", "to the start", "start", groupMove, "", plain(func(a *app) { a.move(0) })),
		row("end", "End", "to the end", "end", groupMove, "", plain((*app).toEnd)),

		row("space", "space", "play or pause", "play", groupPlay, "space play", (*app).togglePlay),
		row("<", "<", "slower", "slower", groupPlay, "< > speed", plain(func(a *app) { a.speed(1) })),
		row(">", ">", "faster", "faster", groupPlay, "", plain(func(a *app) { a.speed(-1) })),
		row("=", "=", "normal speed", "normal", groupPlay, "", plain((*app).normalSpeed)),
		row("T", "T", "true time, slowed down, instead of a fixed delay", "truetime", groupPlay, "", plain((*app).toggleTrueTime)),

		row("p", "p", "predict: no, the file's, some or many questions", "predict DENSITY", groupPlay, "p predict", (*app).nextDensity),

		row("/", "/", "search the records", "find QUERY", groupFind, "/ find", (*app).findPrompt),
		row("n", "n", "next hit", "next", groupFind, "", plain(func(a *app) { a.findNext(1) })),
		row("N", "N", "previous hit", "previous", groupFind, "", plain(func(a *app) { a.findNext(-1) })),
		row("F", "F", "filter: keep to the records of a query, or all", "filter QUERY", groupFind, "", (*app).filterPrompt),
		row("f", "f", "follow this packet, task or object; the next", "follow [NAME]", groupFind, "f follow", (*app).follow),
		row("b", "b", "break on this kind of record, or no more", "break [QUERY]", groupFind, "b break", (*app).toggleBreak),
		row("B", "B", "list the breaks, with how often they are hit", "breaks", groupFind, "", plain((*app).showBreaks)),
		row("c", "c", "run on to a break", "continue", groupFind, "c C run", plain(func(a *app) { a.runTo(1) })),
		row("C", "C", "run back to a break", "runback", groupFind, "", plain(func(a *app) { a.runTo(-1) })),

		focus,
		row("i", "i", "focus INTERRUPTS", "interrupts", groupLook, "", plain(func(a *app) { a.focusOn(panelIRQ) })),
		row("tab", "Tab", "focus the next panel", "nextpanel", groupLook, "", plain(func(a *app) { a.focusNext(1) })),
		row("shift+tab", "shift-Tab", "focus the previous panel", "prevpanel", groupLook, "", plain(func(a *app) { a.focusNext(-1) })),
		row("down", "↓", "choose an object of the focused panel", "choose", groupLook, "", plain(func(a *app) { a.choose(1) })),
		row("up", "↑", "the object before it", "chooseback", groupLook, "", plain(func(a *app) { a.choose(-1) })),
		row("enter", "Enter", "look into the chosen object, or zoom the panel", "enter", groupLook, "", plain((*app).openChosen)),
		row("z", "z", "zoom the focused panel", "zoom", groupLook, "", plain((*app).toggleZoom)),
		row("o", "o", "look into an object: all its fields", "inspect [NAME]", groupLook, "o object", (*app).inspectPrompt),
		row("", ":", "PROGRAM shows this thread, or whichever runs", "thread [NAME]", groupLook, "", (*app).showThread),
		row("+", "+", "time lanes: nearer", "zoomin", groupLook, "", plain(func(a *app) { a.scaleTime(-1) })),
		row("-", "-", "time lanes: farther", "zoomout", groupLook, "", plain(func(a *app) { a.scaleTime(1) })),
		row("w", "w", "why: causes, whose stack, effects, to go there", "why", groupLook, "w why", plain((*app).showWhy)),
		row("K", "K", "the kernel symbol, or FUNCTION", "symbol [FUNCTION]", groupLook, "", func(a *app, name string) tea.Cmd { a.showSymbol(name); return nil }),
		row("v", "v", "compare with a variant, side by side", "compare [NAME|FILE]", groupLook, "v compare", (*app).compare),
		row("r", "r", "run the programs on the real kernel again", "real", groupLook, "r real", (*app).rerun),
		row("R", "R", "the real run: tracepoints, threads, interest", "realpage", groupLook, "", (*app).showReal),

		row("e", "e", "edit the scenario's file, and read it again", "edit [FILE]", groupOther, "", (*app).edit),
		row("P f5", "P F5", "present: large, from mark to mark, for a class", "present", groupOther, "", func(a *app, _ string) tea.Cmd { return a.present() }),
		row("t", "t", "next theme", "theme [NAME]", groupOther, "", (*app).nextTheme),
		row("M", "M", "mouse on or off", "mouse", groupOther, "", (*app).toggleMouse),
		row(":", ":", "every action as a command", "", groupOther, "", (*app).commandPrompt),
		row("?", "?", "these keys", "help", groupOther, "? keys", plain((*app).showHelp)),
		row("esc", "Esc", "back: from page, zoom, focus, jump, follow, list", "close", groupOther, "", (*app).escape),
		row("ctrl+z", "ctrl-z", "suspend", "suspend", groupOther, "", func(*app, string) tea.Cmd { return tea.Suspend }),
		row("ctrl+l", "ctrl-l", "paint again", "redraw", groupOther, "", func(*app, string) tea.Cmd { return tea.ClearScreen }),
		row("q ctrl+c", "q", "quit", "quit", groupOther, "q quit", func(*app, string) tea.Cmd { return tea.Quit }),
	}
}

// byKey finds the action of a key.
func byKey(actions []action, msg tea.KeyMsg) *action {
	for i := range actions {
		if key.Matches(msg, actions[i].Binding) {
			return &actions[i]
		}
	}
	return nil
}

// name is the command without its argument.
func (x *action) name() string {
	name, _, _ := strings.Cut(x.command, " ")
	return name
}

// byCommand finds the action that a command means: its name or a beginning of
// it; of several, the first.
func byCommand(actions []action, name string) *action {
	if name == "" {
		return nil
	}
	var found *action
	for i := range actions {
		switch n := actions[i].name(); {
		case n == name:
			return &actions[i]
		case found == nil && strings.HasPrefix(n, name):
			found = &actions[i]
		}
	}
	return found
}

// focusDigit focuses a panel by its digit: 1 is the first, 0 the tenth.
func (a *app) focusDigit(digit string) tea.Cmd {
	if len(digit) != 1 || digit[0] < '0' || digit[0] > '9' {
		a.message = "focus 1 to 9 or 0"
		return nil
	}
	a.focusOn(panelID((digit[0] - '0' + 9) % 10))
	return nil
}
