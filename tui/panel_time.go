package tui

import (
	"ringside/kernel"
	"ringside/sim"
)

// Lanes of time: the card, the cores and the threads, one letter a context. The
// window moves on by pages, so that the lanes stay still while the cursor goes
// through them.

func headTime(p *pen, s *scene) { p.in(styleDim).span(s.scale).str(" a column") }

const laneLabel = 8

// legend stands behind the lanes where there is room.
var legend = []string{
	"W wire F fifo D dma m msi", "U user K kernel . idle", "H hardirq S softirq",
}

// window is the part of time that the lanes show.
type window struct {
	from  sim.Time
	scale sim.Time
	cols  int
}

func (w *window) col(t sim.Time) int { return int((t - w.from) / w.scale) }

func (s *scene) window(cols int) window {
	half := sim.Time(max(cols/2, 1)) * s.scale
	page := s.m.Now / half
	return window{from: max(page-1, 0) * half, scale: s.scale, cols: cols}
}

func drawTime(p *pen, s *scene) {
	cols := p.w - laneLabel
	if p.w >= 100 {
		cols -= len(legend[0]) + 2
	}
	w := s.window(cols)
	rows := 1 + len(s.m.Cores)
	y := 0
	if p.h > rows {
		drawAxis(p, s, &w)
		y++
	}
	first := y
	for lane := range rows {
		if y >= p.h {
			break
		}
		p.line(y)
		if lane == 0 {
			p.str("nic0")
		} else {
			p.str("cpu").dec(int64(lane - 1))
		}
		drawLane(p, s, &w, lane-1)
		if p.w >= 100 && lane < len(legend) {
			p.at(laneLabel+cols+2, y).in(styleDim).str(legend[lane])
		}
		y++
	}
	for i := range s.m.Config.Threads {
		if y >= p.h {
			break
		}
		p.line(y).fit(s.m.Config.Threads[i].Name, laneLabel-1)
		drawThreadLane(p, s, &w, taskOf(s.m, i))
		y++
	}
	drawCursor(p, s, &w, first, y)
}

// drawAxis writes a time every so many columns.
func drawAxis(p *pen, s *scene, w *window) {
	p.line(0).in(styleDim).str("us")
	const every = 20
	for c := 0; c+8 < w.cols; c += every {
		p.at(laneLabel+c, 0).str("|").bytes(appendAxis(p.scratch[:0], w.from+sim.Time(c)*w.scale), 0)
	}
}

// appendAxis is a time in microseconds without needless decimals.
func appendAxis(b []byte, t sim.Time) []byte {
	b = appendMicros(b, t)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// drawCursor marks the present at the end of every lane.
func drawCursor(p *pen, s *scene, w *window, from, to int) {
	c := w.col(s.m.Now)
	for y := from; y < to; y++ {
		p.at(laneLabel+min(c+1, w.cols), y).in(styleBold).rune('▶')
	}
	if from > 0 {
		p.at(laneLabel+min(c, w.cols-1), 0).in(styleHere).rune('^')
	}
}

// maxLane bounds how many records a lane looks at; of more, it takes samples.
const maxLane = 16384

// eachRecord calls f for the records of the window up to the cursor.
func (s *scene) eachRecord(w *window, f func(*sim.Record)) {
	first := min(s.tl.FirstAfter(w.from), s.pos)
	stride := max((s.pos-first)/maxLane, 1)
	for i := first; i < s.pos; i += stride {
		f(s.tl.At(i))
	}
}

// weight decides which context a column shows when it holds several: the one
// that would be missed most.
var weight = [...]int8{
	kernel.CtxIdle: 1, kernel.CtxUser: 2, kernel.CtxSyscall: 3, kernel.CtxSoftirq: 4, kernel.CtxHardirq: 5, kernel.CtxHardware: 5, kernel.CtxDevice: 0,
}

// drawLane draws a core's lane, or the card's for core -1.
func drawLane(p *pen, s *scene, w *window, core int) {
	heavy := [256]int8{}
	s.eachRecord(w, func(r *sim.Record) {
		switch {
		case core < 0 && r.Ctx == kernel.CtxDevice && r.Station != kernel.StNone:
			p.spanOf(w, r.T-r.Dur, r.T, deviceLetter(r.Station), styleHardware, &heavy, int8(r.Station))
		case core >= 0 && int(r.CPU) == core && r.Ctx != kernel.CtxDevice:
			p.spanOf(w, r.T-r.Dur, r.T, rune(kernel.ContextLetters[r.Ctx]), ctxStyles[r.Ctx], &heavy, weight[r.Ctx])
		}
	})
	if core >= 0 {
		ctx := contextOf(s.m, core)
		p.spanOf(w, s.m.Cores[core].Begun, s.m.Now, rune(kernel.ContextLetters[ctx]), ctxStyles[ctx], &heavy, weight[ctx])
	}
	if core < 0 {
		p.st = styleIdle
		for c := 0; c <= min(w.col(s.m.Now), w.cols-1); c++ {
			if c < len(heavy) && heavy[c] == 0 {
				p.at(laneLabel+c, p.y).rune('.')
			}
		}
	}
}

// deviceLetter is the card's lane's letter for a station.
func deviceLetter(station uint8) rune {
	switch station {
	case kernel.StWire:
		return 'W'
	case kernel.StNIC:
		return 'F'
	case kernel.StDMA:
		return 'D'
	}
	return 'm'
}

// spanOf fills the columns of a span, but for those that show something heavier.
func (p *pen) spanOf(w *window, from, to sim.Time, letter rune, st style, heavy *[256]int8, weight int8) {
	a, b := max(w.col(max(from, w.from)), 0), w.col(to)
	if to == w.from+sim.Time(b)*w.scale && b > a {
		b-- // a span ends before the column that begins with its end
	}
	p.st = st
	for c := a; c <= b && c < w.cols && c < len(heavy); c++ {
		if weight >= heavy[c] {
			heavy[c] = weight
			p.at(laneLabel+c, p.y).rune(letter)
		}
	}
}

// drawThreadLane shows when a thread ran: in ring 3 or in a call.
func drawThreadLane(p *pen, s *scene, w *window, task kernel.TaskID) {
	heavy := [256]int8{}
	s.eachRecord(w, func(r *sim.Record) {
		if int32(r.Task) == task && (r.Ctx == kernel.CtxUser || r.Ctx == kernel.CtxSyscall) {
			p.spanOf(w, r.T-r.Dur, r.T, rune(kernel.ContextLetters[r.Ctx]), ctxStyles[r.Ctx], &heavy, weight[r.Ctx])
		}
	})
	p.st = styleIdle
	for c := 0; c <= min(w.col(s.m.Now), w.cols-1); c++ {
		if c < len(heavy) && heavy[c] == 0 {
			p.at(laneLabel+c, p.y).rune('.')
		}
	}
}
