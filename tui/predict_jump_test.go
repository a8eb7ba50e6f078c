package tui

import (
	"strings"
	"testing"
	"time"

	"ringside/scenarios/quiz"
	"ringside/sim"
)

// press presses a key, or gives a command that begins with a colon.
func (a *app) press(key string) {
	if command, ok := strings.CutPrefix(key, ":"); ok {
		a.answer(promptCommand, command)
		a.stale = true
		return
	}
	a.keys(key)
}

// TestNoJumpPassesAQuestion: whatever leads over its place stops there, with
// nothing of the answer on the screen; Enter then goes on to where it was going.
func TestNoJumpPassesAQuestion(t *testing.T) {
	for _, c := range []struct{ name, before, keys string }{
		{"step", "", ":goto 100"},
		{"time", "", ":goto 150us"},
		{"the end", "", "end"},
		{"search", "", ":find ep_send_events"},
		{"next hit", ":find schedule,home", "n"},
		{"break", ":break ep_send_events", "c"},
		{"filter", ":filter ep_", "l"},
		{"follow", ":follow server", "l"},
		{"station", "", "}"},
		{"mark", "end,:setmark mine,home", "]"},
		{"a mark of one's own", "end,:setmark mine,home", ":marks mine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testApp(t, guided(t), 80, 24, "")
			if c.before != "" {
				for _, k := range strings.Split(c.before, ",") {
					a.press(k)
				}
			}
			a.press(":predict file")
			for n := 0; n < 200 && !a.predict.asking; n++ {
				a.press(c.keys)
			}
			if r := a.scene.tl.At(a.scene.pos); !a.predict.asking || a.scene.m.Fn(r) != "ep_poll_callback" {
				t.Fatalf("not asked before the record:\n%s", a.text())
			}
			if got := a.text(); strings.Contains(got, "n next") || strings.Contains(got, "hit 1") {
				t.Errorf("it says that it is there:\n%s", got)
			}
		})
	}
}

// TestAJumpGoesOnBehindAQuestion: Enter goes on, another key stays; skipping is
// counted.
func TestAJumpGoesOnBehindAQuestion(t *testing.T) {
	for _, key := range []string{"enter", "x"} {
		a := testApp(t, guided(t), 80, 24, "")
		a.keys("p end")
		if got := a.text(); !strings.Contains(got, "on the way to step") {
			t.Errorf("it does not say where it was going:\n%s", got)
		}
		at := a.scene.pos
		a.keys("esc")
		if got := a.text(); a.predict.score != (quiz.Score{Skipped: 1}) || !strings.Contains(got, "s: see it") || !strings.Contains(got, "Enter: on to step") {
			t.Errorf("score %+v\n%s", a.predict.score, got)
		}
		a.keys("s esc")
		if a.scene.pos != at || !a.predict.asking {
			t.Errorf("it does not come back to the question: at %d, not %d\n%s", a.scene.pos, at, a.text())
		}
		a.keys(key)
		if end := a.scene.pos == a.scene.tl.Len(); a.predict.asking || end != (key == "enter") || !end && a.scene.pos != at {
			t.Errorf("%s: at %d of %d\n%s", key, a.scene.pos, a.scene.tl.Len(), a.text())
		}
	}
}

// TestWhoeverIsAwayIsAskedBehindIt: what explains an answer can be looked at, but
// from there no jump leads over the next question.
func TestWhoeverIsAwayIsAskedBehindIt(t *testing.T) {
	a := testApp(t, asking(t), 80, 24, "")
	a.keys("p end b s")
	if !a.predict.away {
		t.Fatalf("not away:\n%s", a.text())
	}
	a.keys("end")
	if got := a.text(); !a.predict.asking || !strings.Contains(got, "Which ring?") {
		t.Errorf("not asked:\n%s", got)
	}
}

// TestMarksAheadHideWhatIsAsked: the list of marks names what is to come.
func TestMarksAheadHideWhatIsAsked(t *testing.T) {
	a := testApp(t, guided(t), 80, 24, "")
	a.keys("p '")
	if got := a.text(); strings.Contains(got, "the port") || !strings.Contains(got, "ahead") {
		t.Error(got)
	}
}

// TestAJumpOverAMillionRecordsIsAskedAtOnce: the places of questions are known.
func TestAJumpOverAMillionRecordsIsAskedAtOnce(t *testing.T) {
	alone(t)
	a := testApp(t, documentUntil(t, 2, 1<<16, 60*sim.Millisecond), 80, 24, "")
	a.keys("end home")
	a.press(":predict many")
	if a.scene.tl.Len() < 1_000_000 {
		t.Fatalf("the run has %d records", a.scene.tl.Len())
	}
	var slowest time.Duration
	for range 60 {
		began := time.Now()
		if a.keys("end"); !a.predict.asking {
			t.Fatal("nothing is asked")
		}
		slowest = max(slowest, time.Since(began))
		a.keys("esc x")
	}
	t.Logf("slowest %v", slowest)
	if slowest > 2*time.Second {
		t.Errorf("a jump took %v", slowest)
	}
}

// Play stops at a question, with a filter too, and goes on behind the answer.
func TestPlayGoesOnBehindAQuestion(t *testing.T) {
	for _, filter := range []string{"", ":filter ep_"} {
		a := testApp(t, guided(t), 80, 24, "")
		if filter != "" {
			a.press(filter)
		}
		a.press(":predict file")
		a.keys("space")
		for n := 0; n < 300 && !a.predict.asking; n++ {
			if !a.player.on { // the file pauses
				a.keys("space")
			}
			a.Update(playMsg(a.player.gen))
		}
		if !a.predict.asking || a.player.on || strings.Contains(a.text(), "on the way to") {
			t.Fatalf("%q: not asked, or it plays on:\n%s", filter, a.text())
		}
		if a.keys("b x"); a.predict.asking || !a.player.on {
			t.Errorf("%q: it does not play on:\n%s", filter, a.text())
		}
	}
}
