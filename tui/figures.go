package tui

import (
	"ringside/kernel/stats"
	"ringside/sim"
)

// What the run has come to, up to the cursor: where the cores' time went, and how
// long packets took. It stands under the lanes of TIME where there is room, as
// there is when the panel is zoomed.

// figures are the statistics of the records before the cursor. They are counted
// on as the cursor goes on, and from the start when it goes back.
type figures struct {
	s    *stats.Stats
	seen sim.Seq
}

func (f *figures) at(s *scene) *stats.Stats {
	if f.s == nil || s.pos < f.seen {
		f.s, f.seen = stats.New(s.m), 0
	}
	for ; f.seen < s.pos; f.seen++ {
		f.s.See(s.tl.At(f.seen))
	}
	return f.s
}

// Columns of the figures.
const (
	figureFirst  = 9
	figureWidth  = 11
	percentWidth = 7
	microsWidth  = 9
	leastRows    = 5 // below that nothing is shown
)

// drawFigures fills the rows from y on.
func drawFigures(p *pen, s *scene, y int) {
	if p.h-y < leastRows {
		return
	}
	f := s.figures.at(s)
	rows := p.h - y
	y += drawSpent(p, s, f, y, min(len(f.Cores), rows/2-1))
	drawLatency(p, f, y, p.h-y)
}

// column goes to the i-th column of figures.
func (p *pen) column(i int) *pen { return p.to(figureFirst + i*figureWidth) }

// heading writes the name of a column whose numbers take so many cells.
func (p *pen) heading(i int, name string, width int) {
	p.to(figureFirst + i*figureWidth + max(width-len(name), 0)).rest(name)
}

// drawSpent is the time of so many cores by context, in percent; it returns the
// rows it took.
func drawSpent(p *pen, s *scene, f *stats.Stats, y, cores int) int {
	p.line(y).in(styleDim).str("spent")
	for i, name := range stats.Contexts {
		p.heading(i, name, percentWidth)
	}
	for core := range cores {
		p.line(y + 1 + core).str("cpu").dec(int64(core))
		for i, t := range f.Time(s.m, core) {
			tenths := int64(0)
			if s.m.Now > 0 {
				tenths = int64(t) * 1000 / int64(s.m.Now)
			}
			p.column(i).right(tenths/10, percentWidth-3).rune('.').dec(tenths % 10).rune('%')
		}
	}
	return 1 + cores
}

// figureQuantiles are the columns of latencies; the last is the longest.
var figureQuantiles = [...]struct {
	name    string
	percent float64
}{{"p50 us", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

// drawLatency is how long packets took from the wire to each station. With too
// few rows it is the last ones that are shown: what the program sees.
func drawLatency(p *pen, f *stats.Stats, y, rows int) {
	p.line(y).in(styleDim).str("reached").column(0).str("packets")
	for i, q := range figureQuantiles {
		p.heading(1+i, q.name, microsWidth)
	}
	first := max(int(stats.NumStations)-rows+1, 0)
	for i := first; i < int(stats.NumStations); i++ {
		h := f.Histograms[i]
		p.line(y+1+i-first).str(stats.Stations[i]).column(0).right(h.TotalCount(), 7)
		for k, q := range figureQuantiles {
			if h.TotalCount() > 0 && p.left() > figureWidth {
				p.column(1+k).micros(sim.Time(h.ValueAtQuantile(q.percent)), microsWidth)
			}
		}
	}
}
