package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/scenarios/compare"
	both "ringside/scenarios/lanes"
)

// run does what a command orders, and what follows from that.
func (a *app) run(cmd tea.Cmd) {
	for cmd != nil {
		_, cmd = a.Update(cmd())
	}
}

// R runs both sides, one after the other, and shows what the real kernel did at the
// cursor on each; a side that cannot run says why.
func TestTheRealLanesOfAComparison(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		a := versusApp(t, "level-and-edge", size[0], size[1])
		if err := a.compareWith("edge"); err != nil {
			t.Fatal(err)
		}
		v := a.versus
		for _, s := range v.side {
			s.doc.Live, s.doc.LiveWhy = nil, "a test has no real kernel"
		}
		a.keys("R")
		if !strings.Contains(a.message, "no real lane on either side: a test has no real kernel") {
			t.Errorf("%q", a.message)
		}
		v.side[compare.Right].doc.LiveWhy = "it is too long"
		a.keys("R")
		if got := a.text(); !strings.Contains(got, "left: a test") || !strings.Contains(got, "right: it is too long") {
			t.Errorf("screen:\n%s", got)
		}
		a.keys("x")
		ran := ""
		for side, s := range v.side {
			s.doc.Live = func(context.Context) (*LiveRun, error) {
				if v.side[1-side].live.running {
					t.Error("both run at once")
				}
				ran += sideNames[side] + " "
				return &LiveRun{Calls: []both.Call{{Thread: "level", Line: "socket(AF_INET, SOCK_DGRAM, 0) = 3"}}, Wchan: []string{""}}, nil
			}
		}
		a.run(a.versusReal(""))
		a.stale = true
		if got := a.text(); ran != "left right " || !strings.Contains(got, "THE REAL RUNS") || !strings.Contains(got, "LEFT") || !strings.Contains(got, "same calls 1") {
			t.Errorf("%s\n%s", ran, got)
		}
		a.keys("x R")
		if a.overlay.title != "THE REAL RUNS" || ran != "left right " {
			t.Errorf("R runs again: %s, %q", ran, a.overlay.title)
		}
		a.keys("x")
		v.side[compare.Left].doc.Live = nil
		v.side[compare.Right].doc.Live = func(context.Context) (*LiveRun, error) { return nil, errors.New("no such kernel") }
		a.run(a.versusRerun(""))
		if got := strings.Join(a.overlay.lines, "\n"); !strings.Contains(got, "no real lane: a test") || !strings.Contains(got, "no such kernel") {
			t.Errorf("page:\n%s", got)
		}
	}
}

// A run that ends when the comparison has been left changes nothing.
func TestALateRealRunOfAComparisonIsForgotten(t *testing.T) {
	a := versusApp(t, "level-and-edge", 80, 24)
	if err := a.compareWith("edge"); err != nil {
		t.Fatal(err)
	}
	v := a.versus
	cancelled := false
	v.side[compare.Left].doc.Live = func(ctx context.Context) (*LiveRun, error) {
		cancelled = ctx.Err() != nil
		return &LiveRun{}, nil
	}
	cmd := a.versusReal("")
	if a.keys("R"); !strings.Contains(a.message, "still running") {
		t.Errorf("%q", a.message)
	}
	a.keys("esc")
	a.run(cmd)
	if !cancelled || a.overlay.open() || a.versus != nil {
		t.Errorf("cancelled %t, page %q", cancelled, a.overlay.title)
	}
}
