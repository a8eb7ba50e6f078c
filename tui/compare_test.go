package tui

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/muesli/termenv"
	"pgregory.net/rapid"

	"ringside/kernel"
	"ringside/scenarios/compare"
	"ringside/sim"
)

// versusApp is the screen of a scenario at a size.
func versusApp(t testing.TB, name string, w, h int) *app {
	t.Helper()
	a := newApp(Options{Theme: "mono", Open: func(name string) (*Doc, error) { return wholeDoc(name, "") }, With: wholeDoc})
	a.profile = termenv.ANSI
	if err := a.open(name); err != nil {
		t.Fatal(err)
	}
	a.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return a
}

func TestComparedScreens(t *testing.T) {
	for _, c := range []struct {
		name, with string
		keys       string
	}{
		{"level-and-edge", "edge", "d d"},
		{"moderation", "each", "v l l l l l l"},
		{"nagle-and-delayed-ack", "nodelay", "d d v v l"},
	} {
		for _, size := range []struct {
			name string
			w, h int
		}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"200x60", 200, 60}} {
			t.Run(c.name+"-"+size.name, func(t *testing.T) {
				a := versusApp(t, c.name, size.w, size.h)
				a.answer(promptCommand, "compare "+c.with)
				a.keys(c.keys)
				a.stale = true
				golden(t, "compare-"+c.name+"-"+size.name, a.text())
			})
		}
	}
}

// The first difference is the first place where the screens say that something is
// not the same.
func TestStepsUpToTheFirstDifferenceAreTheSame(t *testing.T) {
	a := versusApp(t, "level-and-edge", 120, 40)
	a.keys("v 1")
	v := a.versus
	if v == nil {
		t.Fatal("not open")
	}
	for v.at < v.last() {
		a.keys("l")
		differs := strings.Contains(strings.Split(a.text(), "\n")[1], "≠")
		if pt := v.point(); differs != (pt != nil && pt.Diff >= 0) {
			t.Errorf("point %d: sign %t\n%s", v.at, differs, a.text())
		}
	}
	a.keys("1")
	if got := strings.Split(a.text(), "\n")[1]; !strings.Contains(got, "≠ left: epoll_ctl with ") {
		t.Error(got)
	}
	a.keys("d")
	if got := strings.Split(a.text(), "\n")[1]; !strings.Contains(got, "left: epoll_wait returns 1, right: returns 0") {
		t.Error(got)
	}
	if a.keys("d"); !strings.Contains(a.message, "no difference") {
		t.Error(a.message)
	}
	if a.keys("D"); v.point().Diff != 0 {
		t.Errorf("back at difference %d", v.point().Diff)
	}
}

// Whatever was pressed before, forward k and back k restores the screen to the
// byte, in each mode.
func TestComparedForwardAndBackRestoresTheScreen(t *testing.T) {
	pairs := [][2]string{{"level-and-edge", "edge-waits"}, {"moderation", "each"}, {"nagle-and-delayed-ack", "nodelay"}, {"preemptive", "cooperative"}}
	var apps []*app
	for _, p := range pairs {
		a := versusApp(t, p[0], 120, 40)
		if err := a.compareWith(p[1]); err != nil {
			t.Fatal(err)
		}
		apps = append(apps, a)
	}
	names := strings.Fields("l h s S d D 1 v f home end")
	rapid.Check(t, func(r *rapid.T) {
		a := rapid.SampledFrom(apps).Draw(r, "pair")
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 12).Draw(r, "keys") {
			a.keys(k)
		}
		a.versus.show(rapid.IntRange(0, a.versus.last()).Draw(r, "at"))
		a.message, a.stale = "", true
		on, back := "l", "h"
		if rapid.Bool().Draw(r, "micro") {
			on, back = "s", "S"
		}
		var seen []string
		for range rapid.IntRange(1, 20).Draw(r, "k") {
			if a.versus.at == a.versus.last() {
				break
			}
			seen = append(seen, a.View())
			a.keys(on)
		}
		for i := len(seen) - 1; i >= 0; i-- {
			a.keys(back)
			if got := a.View(); got != seen[i] {
				r.Fatalf("%s, %d steps from the start: want -, got +:\n%s", modeNames[a.versus.mode], i, cmp.Diff(ansi.Strip(seen[i]), ansi.Strip(got)))
			}
		}
	})
}

// In lock-step by time both stand at one time; by packet, both are at the station
// of the point, or wait.
func TestBothSidesAreKeptInStep(t *testing.T) {
	a := versusApp(t, "moderation", 120, 40)
	a.keys("v v")
	v := a.versus
	if v.mode != byPacket {
		t.Fatalf("mode %s", modeNames[v.mode])
	}
	for v.show(1); v.at < v.last(); v.show(v.at + 1) {
		for side, s := range v.side {
			if pt := v.point(); !pt.Waits[side] && s.rec.Station != pt.Stage {
				t.Fatalf("%s, point %d: at %s, want %s", sideNames[side], v.at, kernel.Stations[s.rec.Station], kernel.Stations[pt.Stage])
			}
		}
	}
	a.keys("v")
	var last sim.Time
	for v.show(1); v.at < v.last(); v.show(v.at + 1) {
		now := max(v.side[0].m.Now, v.side[1].m.Now)
		for side, s := range v.side {
			if !v.point().Waits[side] && s.rec.T != now || now < last {
				t.Fatalf("%s, point %d: at %s, want %s", sideNames[side], v.at, s.rec.T, now)
			}
		}
		last = now
	}
}

func TestAChoiceOfVariants(t *testing.T) {
	a := versusApp(t, "level-and-edge", 80, 24)
	a.keys("v")
	if a.versus != nil || !strings.Contains(a.text(), "2  edge-waits: ") {
		t.Fatalf("screen:\n%s", a.text())
	}
	a.keys("2")
	if a.versus == nil || a.versus.side[compare.Right].doc.Label != "edge-waits: edge-triggered, and epoll_wait has no timeout" {
		t.Fatalf("screen:\n%s", a.text())
	}
	a.keys("esc")
	if a.versus != nil || a.scene == nil {
		t.Error("Esc does not lead back to the scenario")
	}
	for _, c := range []struct{ command, says string }{
		{"compare nonsense", "no such file"}, {"compare one-packet", "RIGHT"},
	} {
		a.answer(promptCommand, c.command)
		a.stale = true
		if !strings.Contains(a.text(), c.says) {
			t.Errorf(":%s\n%s", c.command, a.text())
		}
		a.overlay = overlay{}
	}
}

func TestASmallTerminalRefusesToCompare(t *testing.T) {
	a := versusApp(t, "moderation", 60, 20)
	a.keys("v")
	if text := a.text(); !strings.Contains(text, "80x24") || !strings.Contains(text, "--text") {
		t.Errorf("screen:\n%s", text)
	}
}

func BenchmarkComparedFrame200x60(b *testing.B) {
	a := versusApp(b, "moderation", 200, 60)
	a.keys("v v")
	a.versus.show(9)
	b.ReportAllocs()
	for b.Loop() {
		a.stale = true
		a.View()
	}
}

func BenchmarkComparedStep(b *testing.B) {
	a := versusApp(b, "moderation", 200, 60)
	a.keys("v v")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.versus.show(i % a.versus.last())
	}
}

func TestEveryKeyOfAComparisonMeansOneThing(t *testing.T) {
	seen, commands := map[string]string{}, map[string]bool{}
	for _, x := range versusActions(newActions()) {
		for _, k := range x.Keys() {
			if other, ok := seen[k]; ok {
				t.Errorf("key %q means %q and %q", k, other, x.Help().Desc)
			}
			seen[k] = x.Help().Desc
		}
		if n := x.name(); n != "" && commands[n] {
			t.Errorf("two commands %q", n)
		} else {
			commands[n] = true
		}
	}
	for _, k := range []string{"q", "?", ":", "t", "esc", " "} {
		if seen[k] == "" {
			t.Errorf("nothing on %q", k)
		}
	}
}

// Scenarios that have nothing in common can be put beside each other as well.
func TestScenariosOfDifferentKindsSideBySide(t *testing.T) {
	for _, p := range [][2]string{
		{"one-packet", "loopback"}, {"three-levels-of-write", "write-on-arm64"}, {"rss-four-cores", "preemptive"},
		{"pipe-end-of-file", "timers-are-files"}, {"user-space-driver", "tcp-from-outside"}, {"posted-writes", "exclusive"},
	} {
		for _, w := range []int{80, 120, 200} {
			a := versusApp(t, p[0], w, w/4+10)
			if err := a.compareWith(p[1]); err != nil {
				t.Fatal(err)
			}
			for range numModes {
				for at := 0; at <= a.versus.last(); at += max(a.versus.last()/8, 1) {
					a.versus.show(at)
					a.stale = true
					checkFrame(t, a)
				}
				a.keys("f v")
			}
		}
	}
}
