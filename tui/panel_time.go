package tui

import (
	"ringside/kernel"
	"ringside/sim"
)

// Lanes of time: the card, the cores and the threads, one letter a context. The
// window moves on by pages, so that the lanes stay still while the cursor goes
// through them.

func headTime(p *pen, s *scene) {
	p.in(styleDim).span(s.scale).str(" a column")
	if p.w <= besideLegend && p.left() > len(shortLegend) {
		p.str(shortLegend)
	}
}

const laneLabel = 8

// legend stands behind the lanes where there is room.
var legend = []string{
	"W wire F fifo D dma m msi", "U user K kernel . idle", "H hardirq S softirq",
}

// shortLegend stands in the title of a panel that is not as wide as besideLegend.
const (
	shortLegend  = "   U user  K kernel  H hardirq  S softirq  . idle"
	besideLegend = 100
)

// window is the part of time that the lanes show.
type window struct {
	from  sim.Time
	scale sim.Time
	cols  int
}

func (w *window) col(t sim.Time) int { return int((t - w.from) / w.scale) }

func (s *scene) window(cols int) window {
	half := sim.Time(max(cols/20, 1)*10) * s.scale
	page := s.m.Now / half
	return window{from: max(page-1, 0) * half, scale: s.scale, cols: cols}
}

func drawTime(p *pen, s *scene) {
	cols := p.w - laneLabel
	if p.w >= besideLegend {
		cols -= len(legend[0]) + 2
	}
	l := lanes{window: s.window(min(cols, maxCols)), cores: len(s.m.Cores)}
	if l.n = 1 + l.cores; p.h > l.n {
		drawAxis(p, &l.window)
		l.top = 1
	}
	l.n = min(l.n+len(s.m.Config.Threads), maxLanes, p.h-l.top)
	for i := range l.n {
		p.line(l.top + i)
		switch {
		case i == 0:
			p.str("nic0")
		case i <= l.cores:
			p.str("cpu").dec(int64(i - 1))
		default:
			p.fit(s.m.Config.Threads[i-1-l.cores].Name, laneLabel-1)
		}
		if p.w >= besideLegend && i < len(legend) {
			p.at(laneLabel+cols+2, p.y).in(styleDim).str(legend[i])
		}
	}
	l.records(p, s)
	l.present(p, s)
	l.gaps(p, s.m.Now)
	drawCursor(p, s, &l)
	drawFigures(p, s, l.top+l.n+1)
}

// drawAxis writes a time every so many columns.
func drawAxis(p *pen, w *window) {
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
func drawCursor(p *pen, s *scene, l *lanes) {
	c := l.col(s.m.Now)
	for y := l.top; y < l.top+l.n; y++ {
		p.at(laneLabel+min(c+1, l.cols), y).in(styleBold).rune('▶')
	}
	if l.top > 0 {
		p.at(laneLabel+min(c, l.cols-1), 0).in(styleHere).rune(p.unless('^'))
	}
}

// unless is a sign, or what stands in its place already: a digit of the axis.
func (p *pen) unless(sign rune) rune {
	if x, y := p.rect.x+p.x, p.rect.y+p.y; x < p.g.w && y < p.g.h {
		if r := p.g.cells[y*p.g.w+x].r; r != ' ' {
			return r
		}
	}
	return sign
}

// maxLane bounds how many records the lanes look at; of more, they take samples.
// The others bound a frame's memory.
const (
	maxLane  = 1 << 14
	maxLanes = 16
	maxCols  = 512
)

// lanes are the rows: the card, the cores, the threads.
type lanes struct {
	window
	top, n, cores int
	heavy         [maxLanes][maxCols]int8 // the weight of what each column shows
}

// weight decides which context a column shows when it holds several: the one
// that would be missed most.
var weight = [...]int8{
	kernel.CtxIdle: 1, kernel.CtxUser: 2, kernel.CtxSyscall: 3, kernel.CtxSoftirq: 4, kernel.CtxHardirq: 5, kernel.CtxHardware: 5, kernel.CtxDevice: 0,
}

// records draws what the records of the window say, up to the cursor.
func (l *lanes) records(p *pen, s *scene) {
	first := min(s.tl.FirstAfter(l.from), s.pos)
	stride := max((s.pos-first)/maxLane, 1)
	for i := first; i < s.pos; i += stride {
		r := s.tl.At(i)
		if r.Ctx == kernel.CtxDevice {
			if r.Station != kernel.StNone {
				l.span(p, 0, r.T-r.Dur, r.T, deviceLetter(r.Station), styleHardware, int8(r.Station))
			}
			continue
		}
		letter, st := rune(kernel.ContextLetters[r.Ctx]), ctxStyles[r.Ctx]
		l.span(p, 1+int(r.CPU), r.T-r.Dur, r.T, letter, st, weight[r.Ctx])
		if r.Ctx == kernel.CtxUser || r.Ctx == kernel.CtxSyscall {
			if t := s.m.Tasks[r.Task].Thread; t != kernel.None {
				l.span(p, 1+l.cores+int(t), r.T-r.Dur, r.T, letter, st, weight[r.Ctx])
			}
		}
	}
}

// present draws what the cores are in the middle of: it has no record yet.
func (l *lanes) present(p *pen, s *scene) {
	for i := range l.cores {
		ctx := contextOf(s.m, i)
		letter, st := rune(kernel.ContextLetters[ctx]), ctxStyles[ctx]
		l.span(p, 1+i, s.m.Cores[i].Begun, s.m.Now, letter, st, weight[ctx])
		if t := s.m.Tasks[s.m.CPUs[i].Current].Thread; t != kernel.None && ctx == kernel.CtxUser {
			l.span(p, 1+l.cores+int(t), s.m.Cores[i].Begun, s.m.Now, letter, st, weight[ctx])
		}
	}
}

// gaps dots the card and the threads where they did nothing.
func (l *lanes) gaps(p *pen, now sim.Time) {
	p.st = styleIdle
	for lane := range l.n {
		for c := 0; c <= min(l.col(now), l.cols-1); c++ {
			if l.heavy[lane][c] == 0 {
				p.at(laneLabel+c, l.top+lane).rune('.')
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

// span fills the columns of a span of time in a lane, but for those that show
// something heavier.
func (l *lanes) span(p *pen, lane int, from, to sim.Time, letter rune, st style, weight int8) {
	if lane >= l.n || to < l.from {
		return
	}
	a, b := l.col(max(from, l.from)), l.col(to)
	if to == l.from+sim.Time(b)*l.scale && b > a {
		b-- // a span ends before the column that begins with its end
	}
	p.st = st
	for c := a; c <= b && c < l.cols; c++ {
		if weight >= l.heavy[lane][c] {
			l.heavy[lane][c] = weight
			p.at(laneLabel+c, l.top+lane).rune(letter)
		}
	}
}
