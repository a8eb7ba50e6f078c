package tui

import (
	"strings"
	"testing"
	"time"

	"ringside/scenarios/guide"
)

// clocked is the screen of a long run that is being played at a speed, with a clock
// that only wait moves.
func clocked(t *testing.T, doc *Doc, faster int) (a *app, wait func(time.Duration)) {
	t.Helper()
	a = testApp(t, doc, 120, 40, "")
	now := time.Unix(0, 0)
	a.now = func() time.Time { return now }
	a.keys(strings.Repeat("> ", faster) + "space")
	return a, func(d time.Duration) {
		now = now.Add(d)
		a.Update(playMsg(a.player.gen))
	}
}

// Fast play takes as many steps as have become due, however seldom it gets to it.
func TestPlayKeepsItsRate(t *testing.T) {
	for _, c := range []struct {
		faster int
		shown  string
		rate   float64 // steps a second
	}{
		{0, "x1", 1.25}, {6, "x64", 80}, {7, "x1k", 1280}, {10, "x8k", 10_240},
	} {
		a, wait := clocked(t, document(t, 2, 400), c.faster)
		if !strings.Contains(a.text(), " PLAY  "+c.shown+"\n") {
			t.Errorf("no %s:\n%s", c.shown, strings.Split(a.text(), "\n")[0])
		}
		var passed time.Duration
		for i := 0; passed < 200*time.Millisecond; i++ {
			d := max(frameTime+time.Duration(i%7)*time.Millisecond, time.Duration(float64(time.Second)/c.rate))
			passed += d
			wait(d)
		}
		if got, want := float64(a.scene.step), passed.Seconds()*c.rate; got < want-1.5 || got > want+1.5 {
			t.Errorf("%s: %v steps in %v, not %v", c.shown, got, passed, want)
		}
	}
}

// After a standstill play goes on, and does not run after what it has missed.
func TestPlayForgetsAStandstill(t *testing.T) {
	a, wait := clocked(t, document(t, 2, 400), 7)
	wait(time.Hour)
	if a.scene.step > 200 {
		t.Errorf("at step %d", a.scene.step)
	}
	was := a.scene.step
	wait(frameTime)
	if got := a.scene.step - was; got < 5 || got > 15 {
		t.Errorf("then %d steps in a frame", got)
	}
}

// However fast play is, it stands where the scenario wants a pause.
func TestFastPlayPauses(t *testing.T) {
	doc := document(t, 2, 400)
	doc.Guide = &guide.Guide{Notes: []guide.Note{
		{At: guide.Selector{Fn: "__napi_schedule", CPU: -1, N: 1}, Say: guide.Text{"en": "Nothing stops here."}},
		{At: guide.Selector{Fn: "ep_poll_callback", CPU: -1, N: 1}, Pause: true},
	}}
	a, wait := clocked(t, doc, 10)
	for range 50 {
		wait(5 * frameTime)
	}
	if a.player.on || a.scene.rec == nil || a.scene.m.Fn(a.scene.rec) != "ep_poll_callback" {
		t.Errorf("playing: %t, at step %d\n%s", a.player.on, a.scene.step, a.text())
	}
}

// Nor does it pass a question.
func TestFastPlayAsks(t *testing.T) {
	doc := document(t, 2, 400)
	question := asked
	question.At.N = 5
	doc.Guide = &guide.Guide{Notes: []guide.Note{question}}
	a, wait := clocked(t, doc, 10)
	a.press(":predict file")
	for range 50 {
		wait(5 * frameTime)
	}
	if r := a.scene.tl.At(a.scene.pos); !a.predict.asking || a.scene.m.Fn(r) != "__napi_schedule" {
		t.Errorf("not asked before the record:\n%s", a.text())
	}
}
