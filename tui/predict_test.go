package tui

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringside/scenarios/guide"
	"ringside/scenarios/quiz"
)

// said makes a text in two languages.
func said(en, de string) guide.Text { return guide.Text{"en": en, "de": de} }

// guided is a document with marks, narration and a question.
func guided(t testing.TB) *Doc {
	doc := document(t, 2, 2)
	at := func(fn string) guide.Selector { return guide.Selector{Fn: fn, CPU: -1, N: 1} }
	see := at("__wake_up_common")
	doc.Guide = &guide.Guide{Notes: []guide.Note{
		{At: at("__x64_sys_socket"), Mark: "the socket"},
		{At: at("__x64_sys_bind"), Mark: "the port", Say: said("It takes the port.", "Er nimmt den Port."), Why: said("Packets are for ports.", "Pakete gelten Ports."), Pause: true},
		{At: at("e1000_clean_rx_irq"), Say: said(strings.Repeat("Much is said here, more than three rows can hold. ", 6), "viel"), Why: said("It is read all the same.", "trotzdem")},
		{At: at("net_rx_action"), Say: said("Only what, no why.", "nur was")},
		{At: at("ep_poll_callback"), Ask: &guide.Question{
			Ask: said("Who calls the callback?", "Wer ruft?"), Choices: []guide.Text{said("the card", "die Karte"), said("the wait queue", "die Schlange")},
			Answer: 1, Because: said("It is an entry's function.", "so eben"), See: &see,
		}},
	}}
	return doc
}

// to steps until the screen shows something.
func (a *app) to(t *testing.T, text string) {
	t.Helper()
	for range 400 {
		if strings.Contains(a.text(), text) {
			return
		}
		a.keys("l")
	}
	t.Fatalf("no screen with %q", text)
}

func TestTheFileSpeaksInPlaceOfTheNarration(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}, {200, 60}} {
		a := testApp(t, guided(t), size[0], size[1], "")
		a.to(t, "It takes the port.")
		if got := a.text(); !strings.Contains(got, "Packets are for") || !strings.Contains(got, "7 WHY  from the file  mark: the port") {
			t.Errorf("%v:\n%s", size, got)
		}
		a.to(t, "Much is said here")
		if got := a.text(); !strings.Contains(got, "It is read all the same.") {
			t.Errorf("%v: a long text has pushed out the why:\n%s", size, got)
		}
	}
	a := testApp(t, guided(t), 80, 24, "")
	a.to(t, "Only what, no why.")
	if got := a.text(); !strings.Contains(got, "within") && !strings.Contains(got, "budget") {
		t.Errorf("the built-in why is missing:\n%s", got)
	}
}

func TestTheLanguageOfTheFile(t *testing.T) {
	a := testApp(t, guided(t), 80, 24, "")
	a.opts.Lang = "de"
	a.scene.narrator.lang = "de"
	a.to(t, "Er nimmt den Port.")
}

func TestNamedMarks(t *testing.T) {
	a := testApp(t, guided(t), 80, 24, "")
	a.keys("]")
	if !strings.Contains(a.text(), "mark: the socket") {
		t.Errorf("not at the first mark:\n%s", a.text())
	}
	a.keys("] '")
	if got := a.text(); !strings.Contains(got, "of the scenario") || !strings.Contains(got, "the port") {
		t.Errorf("the list of marks:\n%s", got)
	}
}

func TestPlayStopsWhereTheFileSaysSo(t *testing.T) {
	a := testApp(t, guided(t), 80, 24, "")
	a.keys("space")
	for range 100 {
		a.Update(playMsg(a.player.gen))
		a.View()
	}
	if a.player.on || !strings.Contains(a.text(), "It takes the port.") {
		t.Errorf("playing: %t\n%s", a.player.on, a.text())
	}
}

// TestAQuestionIsAskedBeforeItsRecord: nothing of it is on the screen, whatever
// is chosen; a wrong answer leads to what explains it and back.
func TestAQuestionIsAskedBeforeItsRecord(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {200, 60}} {
		a := testApp(t, guided(t), size[0], size[1], "")
		a.keys("p")
		a.to(t, "Who calls the callback?")
		got := a.text()
		for _, early := range []string{"item to the ready list", "It is an entry's", "Right", "try_to_wake_up"} {
			if strings.Contains(got, early) {
				t.Errorf("%v: %q is on the screen too early:\n%s", size, early, got)
			}
		}
		pos := a.scene.pos
		if r := a.scene.tl.At(pos); a.scene.m.Fn(r) != "ep_poll_callback" {
			t.Errorf("the record before which it is asked is one of %s", a.scene.m.Fn(r))
		}
		a.keys("a")
		if got := a.text(); !strings.Contains(got, "Wrong: it is b.") || !strings.Contains(got, "= b) the wait queue") || !strings.Contains(got, "s: see it") {
			t.Errorf("%v: the answer:\n%s", size, got)
		}
		a.keys("s")
		if a.scene.m.Fn(a.scene.rec) != "__wake_up_common" || !strings.Contains(a.text(), "Esc: back") {
			t.Errorf("%v: what explains it:\n%s", size, a.text())
		}
		a.keys("esc")
		if a.scene.pos != pos || a.predict.score != (quiz.Score{Wrong: 1}) {
			t.Errorf("back at %d, not %d, score %+v", a.scene.pos, pos, a.predict.score)
		}
		a.keys("l")
		if a.predict.asking {
			t.Error("it is asked twice")
		}
	}
}

func TestTheScoreAtTheEndOfTheRun(t *testing.T) {
	a := testApp(t, guided(t), 80, 24, "")
	a.keys(":predict enter")
	a.predict.density = quiz.Some
	for n := 0; n < 2000 && a.overlay.title != "SCORE"; n++ {
		switch {
		case a.predict.told:
			a.keys("enter l")
		case a.predict.asking:
			a.keys("enter")
		default:
			a.keys("l")
		}
	}
	if s := a.predict.score; s.Asked() < 5 || !strings.Contains(a.text(), fmt.Sprintf("%d of %d right", s.Right, s.Asked())) {
		t.Errorf("score %+v\n%s", s, a.text())
	}
}

// TestWhereTheFileSpeaksIsSteppedThroughBothWays: notes are stops of their own,
// on the way back too.
func TestWhereTheFileSpeaksIsSteppedThroughBothWays(t *testing.T) {
	a := testApp(t, guided(t), 80, 24, "")
	rapid.Check(t, func(rt *rapid.T) {
		a.move(0)
		for range rapid.IntRange(0, 60).Draw(rt, "start") {
			a.step(1)
		}
		a.message = ""
		a.stale = true
		before, k := a.View(), rapid.IntRange(1, 30).Draw(rt, "steps")
		for range k {
			a.step(1)
		}
		for range k {
			a.step(-1)
		}
		a.message = ""
		a.stale = true
		if a.View() != before {
			rt.Fatalf("another screen after %d steps on and back", k)
		}
	})
}

// No line is half in one language and half in another: what the file has not said
// in the chosen one, and what is built in, begins a line.
func TestALineIsInOneLanguage(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		doc := guided(t)
		doc.Guide.Notes[1].Why = guide.Text{"en": "Packets are for ports."}
		a := newApp(Options{Theme: "mono", Lang: "de", Open: func(string) (*Doc, error) { return doc, nil }})
		if err := a.open(doc.Name); err != nil {
			t.Fatal(err)
		}
		a.resize(size[0], size[1])
		mixed := func(german string, english ...string) {
			t.Helper()
			for _, line := range strings.Split(a.text(), "\n") {
				for _, e := range english {
					if strings.Contains(line, german) && strings.Contains(line, e) {
						t.Errorf("%v: %q", size, line)
					}
				}
			}
		}
		a.to(t, "Er nimmt den Port.")
		mixed("Er nimmt den Port.", "Packets")
		if !strings.Contains(a.text(), "Packets are for") {
			t.Errorf("%v: what is not there in German is missing:\n%s", size, a.text())
		}
		a.to(t, "nur was")
		mixed("nur was", "within", "budget", "Runs", "The")
		a.move(0)
		a.keys("p")
		a.to(t, "Wer ruft?")
		a.keys("a")
		mixed("so eben", "Wrong", "it is")
		if got := a.text(); !strings.Contains(got, "so eben") || !strings.Contains(got, "Wrong: it is b.") {
			t.Errorf("%v: verdict:\n%s", size, got)
		}
	}
}
