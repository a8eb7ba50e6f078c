package tui

import (
	"context"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/scenarios/compare"
)

// The real lane of a comparison: the programs of both sides on the real kernel, one
// after the other, so that they do not disturb each other. They are run when they
// are asked for.

// versusLiveMsg brings the result of a side's live run.
type versusLiveMsg struct {
	v    *versus
	side int
	run  *LiveRun
	err  error
}

// versusReal shows the real runs of both sides; before that, it runs them.
func (a *app) versusReal(string) tea.Cmd {
	v := a.versus
	switch why := [2]string{v.side[compare.Left].doc.LiveWhy, v.side[compare.Right].doc.LiveWhy}; {
	case v.side[compare.Left].doc.Live == nil && v.side[compare.Right].doc.Live == nil && why[0] == why[1]:
		a.message = "no real lane on either side: " + why[0]
	case v.side[compare.Left].doc.Live == nil && v.side[compare.Right].doc.Live == nil:
		a.overlay = overlay{title: "NO REAL LANE", lines: append(fold(a.w-6, "left: "+why[0]), fold(a.w-6, "right: "+why[1])...)}
	case a.scene.live.running || v.running():
		a.message = "the programs are still running on the real kernel"
	case v.ran:
		a.overlay = overlay{title: "THE REAL RUNS", lines: v.realPage(a.w - 6)}
	default:
		return a.versusRerun("")
	}
	return nil
}

// versusRerun runs both sides, the left one first.
func (a *app) versusRerun(string) tea.Cmd {
	v := a.versus
	if a.scene.live.running || v.running() {
		a.message = "the programs are still running on the real kernel"
		return nil
	}
	v.ran = false
	cmd := v.runSide(compare.Left)
	if cmd == nil {
		return a.versusReal("")
	}
	a.message = "running both on the real kernel, one after the other"
	return cmd
}

func (v *versus) running() bool {
	return v.side[compare.Left].live.running || v.side[compare.Right].live.running
}

// runSide runs a side, or the first one behind it that can be run; nil if there is
// none.
func (v *versus) runSide(side int) tea.Cmd {
	for ; side < len(v.side); side++ {
		s := v.side[side]
		if s.doc.Live == nil {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		v.stop = cancel
		s.setLive(liveState{running: true})
		return func() tea.Msg {
			run, err := s.doc.Live(ctx)
			return versusLiveMsg{v, side, run, err}
		}
	}
	return nil
}

// versusLive takes in a side's run, and goes on with the other one or shows both.
func (a *app) versusLive(msg versusLiveMsg) tea.Cmd {
	v := msg.v
	if a.versus != v {
		return nil
	}
	v.stop()
	v.side[msg.side].setLive(liveState{run: msg.run, err: msg.err})
	if cmd := v.runSide(msg.side + 1); cmd != nil {
		return cmd
	}
	v.ran = true
	if !a.overlay.open() && a.prompt.kind == promptNone {
		a.message = ""
		return a.versusReal("")
	}
	a.message = "both have run on the real kernel: R shows it"
	return nil
}

// realPage is what the real kernel did on both sides, at the cursor.
func (v *versus) realPage(width int) (lines []string) {
	for side, s := range v.side {
		lines = append(lines, fold(width, strings.ToUpper(sideNames[side])+"  "+s.doc.Label)...)
		switch {
		case s.doc.Live == nil:
			lines = append(lines, fold(width, "no real lane: "+s.doc.LiveWhy)...)
		case s.live.err != nil:
			lines = append(lines, fold(width, "the real run has failed: "+s.live.err.Error())...)
		default:
			lines = append(lines, fmt.Sprintf("model and real kernel: same calls %d, others %d", s.lane.same, s.lane.differ))
			if row := s.hereRow(); row >= 0 {
				lines = append(lines, s.callLines(&s.lane.rows[row], width)...)
			}
			lines = append(lines, s.threadLines()...)
		}
		lines = append(lines, "")
	}
	return append(lines, fold(width, "Times are not compared, and the packets come over loopback: what differs between the sides by the card or by "+
		"an interrupt is not seen on the real kernel.")...)
}
