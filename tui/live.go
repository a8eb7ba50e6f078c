package tui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/sim"
)

// call is a finished system call of the model.
type call struct {
	pos          sim.Seq // of the cursor when it has just returned
	thread, line string
}

// liveState is what is known of the real lane.
type liveState struct {
	running bool
	run     *LiveRun
	err     error
}

// liveMsg brings the result of a live run.
type liveMsg struct {
	gen int
	run *LiveRun
	err error
}

// startLive runs the programs on the real kernel, beside the screen.
func (a *app) startLive() tea.Cmd {
	s := a.scene
	if s == nil || s.doc.Live == nil {
		return nil
	}
	a.stop()
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.liveGen++
	gen, live := a.liveGen, s.doc.Live
	s.live = liveState{running: true}
	return func() tea.Msg {
		run, err := live(ctx)
		return liveMsg{gen, run, err}
	}
}

func (a *app) stopLive() { a.stop() }

func (a *app) liveDone(msg liveMsg) {
	if a.scene != nil && msg.gen == a.liveGen {
		a.scene.live = liveState{run: msg.run, err: msg.err}
	}
}

func (a *app) rerun(string) tea.Cmd {
	if a.scene.doc.Live == nil {
		a.message = "no real lane: " + a.scene.doc.LiveWhy
		return nil
	}
	a.message = "running on the real kernel"
	return a.startLive()
}
