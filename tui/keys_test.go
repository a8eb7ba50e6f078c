package tui

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
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
