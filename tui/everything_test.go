package tui

import (
	"strings"
	"testing"

	"ringside/scenarios"
	"ringside/sim"
)

// TestEveryRecordOfEveryScenarioCanBeShown: every panel, in every layout, at the
// records of every embedded scenario; long ones by sample. Nothing panics, and no
// line is longer than the screen.
func TestEveryRecordOfEveryScenarioCanBeShown(t *testing.T) {
	sizes := []struct{ w, h int }{{200, 60}, {80, 24}, {120, 40}, {40, 12}, {160, 50}}
	const most = 500 // frames a scenario
	for _, name := range scenarios.Builtin() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := testApp(t, scenario(t, name), 200, 60, "")
			a.toEnd()
			end := a.scene.pos
			step := max(1, end/most)
			for i := sim.Seq(0); i*step <= end; i++ {
				size := sizes[int(i)%len(sizes)]
				a.resize(size.w, size.h)
				a.focus, a.zoom = panelID(int(i)%int(numPanels)), i%3 == 0
				a.move(i * step)
				a.stale = true
				for _, line := range strings.Split(a.text(), "\n") {
					if n := len([]rune(line)); n > size.w {
						t.Fatalf("record %d at %dx%d: a line of %d", i*step, size.w, size.h, n)
					}
				}
			}
		})
	}
}
