package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/sim"
)

// player moves the cursor by itself: a step every delay. In true time a step
// takes as long as it does in the model, slowed down by a constant factor.
type player struct {
	on    bool
	exact bool // true time
	speed int  // delays are shifted by so many powers of two
	gen   int  // ticks of an older run are ignored
}

// slowdown of true time: a microsecond of the model is a tenth of a second.
const slowdown = 100_000

// Limits of a delay; in true time a long wait is cut short.
const (
	minDelay  = 10 * time.Millisecond
	maxDelay  = 30 * time.Second
	maxWait   = 2 * time.Second
	maxSpeeds = 6
)

// playMsg is a tick of the player.
type playMsg int

// delay is how long the step that comes next is awaited.
func (p *player) delay(s *scene, step time.Duration) time.Duration {
	if p.exact {
		step = 0
		if next := s.step; next < len(s.ix.steps) && s.rec != nil {
			step = time.Duration(s.tl.At(s.ix.end(next+1)-1).T-s.rec.T) * slowdown
		}
	}
	if p.speed >= 0 {
		step <<= p.speed
	} else {
		step >>= -p.speed
	}
	limit := time.Duration(maxDelay)
	if p.exact {
		limit = maxWait
	}
	return min(max(step, minDelay), limit)
}

func (a *app) togglePlay(string) tea.Cmd {
	a.player.on = !a.player.on
	return a.nextTick()
}

func (a *app) nextTick() tea.Cmd {
	if !a.player.on {
		return nil
	}
	a.player.gen++
	gen := playMsg(a.player.gen)
	return tea.Tick(a.player.delay(a.scene, a.opts.Delay), func(time.Time) tea.Msg { return gen })
}

// playOn takes a step and orders the next tick; at the end of the run it stops.
func (a *app) playOn(msg playMsg) tea.Cmd {
	if !a.player.on || a.scene == nil || int(msg) != a.player.gen {
		a.stale = false
		return nil
	}
	if v := a.versus; v != nil {
		v.show(v.at + 1)
		a.player.on = v.at < v.last()
		return a.nextTick()
	}
	was, _ := a.scene.station()
	pos := a.scene.pos
	a.message = "" // a mark's name, for as long as it is at the cursor
	a.step(1)
	note := a.scene.note()
	switch {
	case a.scene.pos == pos:
		a.player.on = false
	case note != nil && note.Pause:
		a.player.on = false
		a.message = "paused by the scenario: space plays on"
	}
	return tea.Batch(a.nextTick(), a.startToken(was))
}

func (a *app) speed(dir int) {
	a.player.speed = min(max(a.player.speed+dir, -maxSpeeds), maxSpeeds)
}

func (a *app) normalSpeed() { a.player.speed = 0 }

func (a *app) toggleTrueTime() { a.player.exact = !a.player.exact }

// token is the mark that hops along the path when the station changes.
type token struct {
	from, to uint8
	frame    int // 0: it rests
	gen      int
}

const (
	tokenFrames = 6
	tokenEvery  = 25 * time.Millisecond
)

type tokenMsg int

// startToken lets the token hop from a station to the present one. Without
// motion, and where steps come faster than it can hop, it is there at once.
func (a *app) startToken(from uint8) tea.Cmd {
	to, here := a.scene.station()
	a.token.frame = 0
	if !a.opts.Motion || !here || from == to || from == kernel.StNone ||
		a.player.on && a.player.delay(a.scene, a.opts.Delay) < 2*tokenFrames*tokenEvery {
		return nil
	}
	a.token.from, a.token.to, a.token.frame = from, to, 1
	a.token.gen++
	return a.tokenTick()
}

func (a *app) tokenTick() tea.Cmd {
	gen := tokenMsg(a.token.gen)
	return tea.Tick(tokenEvery, func(time.Time) tea.Msg { return gen })
}

// hop is the token's next frame.
func (a *app) hop(msg tokenMsg) tea.Cmd {
	if int(msg) != a.token.gen || a.token.frame == 0 {
		a.stale = false
		return nil
	}
	if a.token.frame++; a.token.frame >= tokenFrames {
		a.token.frame = 0
		return nil
	}
	return a.tokenTick()
}

// scales of the time lanes: model time of a column.
var scales = []sim.Time{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000}

func (a *app) scaleTime(dir int) {
	for i, s := range scales {
		if s == a.scene.scale {
			a.scene.scale = scales[min(max(i+dir, 0), len(scales)-1)]
			return
		}
	}
}
