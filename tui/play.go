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
	speed int  // slower if positive: see speeds
	gen   int  // ticks of an older run are ignored
	due   time.Time
}

// slowdown of true time: a microsecond of the model is a tenth of a second.
const slowdown = 100_000

// A tick comes with each frame at most; where steps are faster, it takes several.
// A tick that is late makes up for it, but not for more than maxLate: a slow
// terminal sees fewer steps, and no queue grows.
const (
	maxLate  = 100 * time.Millisecond
	maxDelay = 30 * time.Second
	maxWait  = 2 * time.Second // in true time a long wait is cut short
)

// The speeds are powers of two: to 64 times slower and faster, which is 80 steps a
// second, as many as can be seen; and then a thousand times and more.
const (
	maxSlower = 6
	maxSeen   = 6
	maxFaster = maxSeen + 4
	thousand  = 10 // its power of two
)

// faster is the power of two that a speed is faster by, or slower if negative.
func (p *player) faster() int {
	if p.speed < -maxSeen {
		return -p.speed - maxSeen - 1 + thousand
	}
	return -p.speed
}

// playMsg is a tick of the player.
type playMsg int

// delay is how long the step that comes next is awaited.
func (p *player) delay(s *scene, step time.Duration) time.Duration {
	least, most := time.Microsecond, time.Duration(maxDelay)
	if p.exact {
		step, least, most = 0, frameTime, maxWait
		if next := s.step; next < len(s.ix.steps) && s.rec != nil {
			step = time.Duration(s.tl.At(s.ix.end(next+1)-1).T-s.rec.T) * slowdown
		}
	}
	if by := p.faster(); by > 0 {
		step >>= by
	} else {
		step <<= -by
	}
	return min(max(step, least), most)
}

// take tells how many steps are due, and that they are taken.
func (p *player) take(now time.Time, delay time.Duration) int {
	n := 1
	if late := now.Sub(p.due); late > 0 && !p.exact {
		n += int(min(late, maxLate) / delay)
	}
	if p.due = p.due.Add(time.Duration(n) * delay); p.due.Before(now) {
		p.due = now
	}
	return n
}

func (a *app) togglePlay(string) tea.Cmd {
	a.player.on = !a.player.on
	return a.nextTick()
}

// nextTick begins to wait for the next step.
func (a *app) nextTick() tea.Cmd {
	a.player.due = a.now().Add(a.player.delay(a.scene, a.opts.Delay))
	return a.tick()
}

// tick comes when the next step is due, but not before the next frame.
func (a *app) tick() tea.Cmd {
	if !a.player.on {
		return nil
	}
	a.player.gen++
	gen := playMsg(a.player.gen)
	return tea.Tick(max(a.player.due.Sub(a.now()), frameTime), func(time.Time) tea.Msg { return gen })
}

// playOn takes the steps that are due and orders the next tick; at the end of the
// run it stops.
func (a *app) playOn(msg playMsg) tea.Cmd {
	if !a.player.on || a.scene == nil || int(msg) != a.player.gen {
		a.stale = false
		return nil
	}
	n := a.player.take(a.now(), a.player.delay(a.scene, a.opts.Delay))
	if v := a.versus; v != nil {
		v.show(min(v.at+n, v.last()))
		a.player.on = v.at < v.last()
		return a.tick()
	}
	was, _ := a.scene.station()
	pos := a.scene.pos
	a.message = "" // a mark's name, for as long as it is at the cursor
	if a.skip(n - 1) {
		a.step(1)
	}
	note := a.scene.note()
	switch {
	case a.scene.pos == pos:
		a.player.on = false
	case note != nil && note.Pause:
		a.player.on = false
		a.message = "paused by the scenario: space plays on"
	}
	return tea.Batch(a.tick(), a.startToken(was))
}

// skip takes steps that nobody sees, as far as nothing stops play. It tells whether
// it has taken all.
func (a *app) skip(n int) bool {
	s := a.scene
	if s.only != nil {
		for ; n > 0 && !a.predict.asking; n-- {
			a.stepOnly(1)
		}
		return !a.predict.asking
	}
	if n == 0 {
		return true
	}
	s.need(s.step + n)
	to := s.ix.end(s.step + n)
	stop := s.narrator.pause(s.pos, to)
	return a.advance(stop) && stop == to
}

func (a *app) speed(dir int) {
	a.player.speed = min(max(a.player.speed+dir, -maxFaster), maxSlower)
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
