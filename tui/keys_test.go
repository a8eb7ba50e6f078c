package tui

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/scenarios/quiz"
)

func TestEveryKeyMeansOneThing(t *testing.T) {
	seen := map[string]string{}
	for _, x := range newActions() {
		for _, k := range x.Keys() {
			if other, ok := seen[k]; ok {
				t.Errorf("key %q means %q and %q", k, other, x.Help().Desc)
			}
			seen[k] = x.Help().Desc
		}
	}
}

func TestEveryActionHasHelpAndFits(t *testing.T) {
	for _, x := range newActions() {
		h := x.Help()
		if h.Key == "" || h.Desc == "" || x.group == "" || x.do == nil {
			t.Errorf("%q: key %q, help %q, group %q", x.command, h.Key, h.Desc, x.group)
		}
		if len(h.Desc) > 50 {
			t.Errorf("help too long for a page of 80 columns: %q", h.Desc)
		}
	}
}

func TestCommandsByTheirBeginning(t *testing.T) {
	actions := newActions()
	for _, c := range []struct{ typed, want string }{
		{"step", "step"}, {"goto", "goto"}, {"go", "goto"}, {"the", "theme"}, {"mark", "mark"}, {"setm", "setmark"}, {"qu", "quit"},
	} {
		x := byCommand(actions, c.typed)
		if x == nil || x.name() != c.want {
			t.Errorf(":%s means %v, want %s", c.typed, x, c.want)
		}
	}
	if x := byCommand(actions, "nonsense"); x != nil {
		t.Errorf(":nonsense means %s", x.name())
	}
}

func TestCommandNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range newActions() {
		if n := x.name(); n != "" && seen[n] {
			t.Errorf("two commands %q", n)
		} else {
			seen[n] = true
		}
	}
}

// press makes the message of a key by its name.
func press(name string) tea.KeyMsg {
	for typ, n := range map[tea.KeyType]string{
		tea.KeyLeft: "left", tea.KeyRight: "right", tea.KeyUp: "up", tea.KeyDown: "down", tea.KeyHome: "home", tea.KeyEnd: "end",
		tea.KeyTab: "tab", tea.KeyShiftTab: "shift+tab", tea.KeyEnter: "enter", tea.KeyEsc: "esc", tea.KeyBackspace: "backspace",
		tea.KeyCtrlL: "ctrl+l", tea.KeyCtrlZ: "ctrl+z", tea.KeyCtrlU: "ctrl+u", tea.KeyPgUp: "pgup", tea.KeyPgDown: "pgdown",
	} {
		if n == name {
			return tea.KeyMsg{Type: typ}
		}
	}
	if name == "space" || name == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

func TestPromptEdits(t *testing.T) {
	p := prompt{kind: promptFind}
	for _, k := range strings.Fields("a b d left c right backspace space left left X end Z") {
		p.edit(press(k))
	}
	if got, want := string(p.text), "abXc Z"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.edit(press("ctrl+u"))
	if len(p.text) != 0 || p.cursor != 0 {
		t.Errorf("%q, cursor %d", string(p.text), p.cursor)
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"250ns", 250, true}, {"3.4us", 3400, true}, {"1ms", 1_000_000, true}, {"0.5s", 500_000_000, true},
		{"", 0, false}, {"us", 0, false}, {"-1us", 0, false}, {"1h", 0, false}, {"nonsense", 0, false},
	} {
		got, err := parseTime(c.text)
		if int64(got) != c.want || (err == nil) != c.ok {
			t.Errorf("%q: %d, %v; want %d", c.text, got, err, c.want)
		}
	}
}

// A paste is cut where the prompt is full; its lines become one.
func TestPasteIntoAPrompt(t *testing.T) {
	p := prompt{kind: promptFind}
	p.edit(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("fn:a\n\tctx:b" + strings.Repeat("x", 2*maxPrompt)), Paste: true})
	if got := string(p.text); !strings.HasPrefix(got, "fn:a  ctx:bxx") || len(got) != maxPrompt || p.cursor != maxPrompt {
		t.Errorf("%q, cursor %d", got, p.cursor)
	}
}

// However much is typed, its end and the cursor can be seen.
func TestTheCursorOfAPromptIsSeen(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 40, 12, "")
	a.keys(":")
	for range 15 {
		a.keys("1 2 3 4 5 6 7 8 9 0")
	}
	a.keys("E N D")
	if last := splitLines(a.text())[11]; !strings.HasPrefix(last, " :…") || !strings.HasSuffix(strings.TrimRight(last, " "), "7890END") {
		t.Errorf("the prompt: %q", last)
	}
	if a.keys("home"); !strings.HasPrefix(splitLines(a.text())[11], " :1234") {
		t.Errorf("its start: %q", splitLines(a.text())[11])
	}
}

// The wheel does what is seen: it steps the panels, scrolls a page, goes on in a
// presentation, and leaves a question alone.
func TestTheWheel(t *testing.T) {
	down := tea.MouseMsg{Button: tea.MouseButtonWheelDown, Action: tea.MouseActionPress}
	a := testApp(t, document(t, 1, 1), 80, 24, "")
	a.Update(down)
	if a.scene.step != 1 {
		t.Errorf("at step %d", a.scene.step)
	}
	a.keys("?")
	a.View()
	a.Update(down)
	if a.overlay.top != 1 || a.scene.step != 1 {
		t.Errorf("the keys from line %d, step %d", a.overlay.top, a.scene.step)
	}
	a.keys("esc P")
	a.Update(down)
	if a.show.at != 1 {
		t.Errorf("at stop %d", a.show.at)
	}
	a = testApp(t, guided(t), 80, 24, "")
	a.predict.density = quiz.File
	a.blind()
	a.to(t, "Who calls the callback?")
	a.keys("enter")
	a.Update(down)
	if !a.predict.asking {
		t.Error("the answer is gone before it was read")
	}
}

// Whoever suspends the program or runs an editor gets the mouse back.
func TestTheMouseIsOnAgainAfterTheTerminalWasGivenAway(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 80, 24, "")
	on := func(msg tea.Msg) bool {
		_, cmd := a.Update(msg)
		return cmd != nil && cmd() == tea.EnableMouseCellMotion()
	}
	if on(tea.ResumeMsg{}) {
		t.Error("it was off")
	}
	a.keys("M")
	if !on(tea.ResumeMsg{}) || !on(editedMsg{}) {
		t.Error("it is off")
	}
}
