package tui

import (
	"fmt"
	"slices"
)

// panelID names a panel. Panels 0 to 9 are focused by the keys 1 to 9 and 0.
type panelID int8

const (
	panelHardware panelID = iota
	panelCPU
	panelStacks
	panelNet
	panelEpoll
	panelTasks
	panelWhy
	panelProgram
	panelTime
	panelReal
	panelLog
	panelIRQ
	numPanels
	noPanel panelID = -1
)

// place is a panel's rectangle on the screen, border included.
type place struct {
	id panelID
	rect
}

// layout is where everything lies. It depends on the size alone, never on what
// is shown.
type layout struct {
	name   string
	w, h   int
	header int // rows at the top: title, path, whose stack
	places []place
	guest  int  // the place that gives way to a panel that has none, an index
	open   bool // the boxes have no lower line
}

// size is a named layout and the least terminal it needs.
type size struct {
	name       string
	minW, minH int
	places     func(w, h int) []place
	header     int
	guest      panelID
	open       bool // boxes have no lower line: the next one's upper line closes them
}

// sizes from the largest to the smallest.
var sizes = []size{
	{"L", 160, 50, placesL, 3, panelReal, false},
	{"M", 110, 36, placesM, 3, panelProgram, false},
	{"S", 80, 24, placesS, 3, panelCPU, false},
	{"XS", 40, 12, placesXS, 2, panelCPU, true},
}

// chooseLayout gives the layout for a terminal: the one that is asked for if it
// fits, else the largest that does. Below the smallest it returns an error that
// says which size is needed.
func chooseLayout(w, h int, asked string) (layout, error) {
	fits := func(s size) bool { return w >= s.minW && h >= s.minH }
	i := slices.IndexFunc(sizes, func(s size) bool { return s.name == asked && fits(s) })
	if i < 0 {
		i = slices.IndexFunc(sizes, fits)
	}
	if i < 0 {
		least := sizes[len(sizes)-1]
		return layout{}, fmt.Errorf("%dx%d is too small: ringside needs %dx%d", w, h, least.minW, least.minH)
	}
	s := sizes[i]
	l := layout{name: s.name, w: w, h: h, header: s.header, places: s.places(w, h), open: s.open}
	l.guest = slices.IndexFunc(l.places, func(p place) bool { return p.id == s.guest })
	return l, nil
}

// body is the part between the header and the status line.
func (l *layout) body() rect { return rect{0, l.header, l.w, l.h - l.header - 1} }

// box is the rectangle of a place's border.
func (l *layout) box(r rect) rect {
	if l.open {
		r.h++
	}
	return r
}

// rowOf splits a row into panels with widths in proportion; the last one takes
// what rounding leaves.
func rowOf(y, h, w int, ids []panelID, shares []int) []place {
	total := 0
	for _, s := range shares {
		total += s
	}
	var out []place
	x := 0
	for i, id := range ids {
		width := w * shares[i] / total
		if i == len(ids)-1 {
			width = w - x
		}
		out = append(out, place{id, rect{x, y, width, h}})
		x += width
	}
	return out
}

func placesL(w, h int) []place {
	more := h - 50
	h1, h2, h3, ht := 15+more*3/10, 11+more*2/10, 8+more*2/10, 6+more*2/10
	y := 3
	p := rowOf(y, h1, w, []panelID{panelHardware, panelCPU, panelStacks}, []int{62, 64, 74})
	y += h1
	p = append(p, rowOf(y, h2, w, []panelID{panelNet, panelEpoll, panelTasks}, []int{66, 66, 68})...)
	y += h2
	p = append(p, rowOf(y, h3, w, []panelID{panelWhy, panelProgram, panelReal}, []int{76, 56, 68})...)
	y += h3
	p = append(p, place{panelTime, rect{0, y, w, ht}})
	y += ht
	return append(p, place{panelLog, rect{0, y, w, h - 1 - y}})
}

func placesM(w, h int) []place {
	const why, timeH = 7, 6
	rest := h - 4 - why - timeH
	h1 := rest * 13 / 23
	p := rowOf(3, h1, w, []panelID{panelHardware, panelCPU, panelStacks}, []int{1, 1, 1})
	p = append(p, rowOf(3+h1, rest-h1, w, []panelID{panelNet, panelEpoll, panelTasks}, []int{1, 1, 1})...)
	p = append(p, rowOf(3+rest, why, w, []panelID{panelWhy, panelProgram}, []int{74, 46})...)
	return append(p, place{panelTime, rect{0, h - 1 - timeH, w, timeH}})
}

// placesS is also what a lecturer projects. Its left place shows the panel that
// belongs to the station (see stationPanel).
func placesS(w, h int) []place {
	const why, timeH = 6, 5
	rest := h - 4 - why - timeH
	p := rowOf(3, rest, w, []panelID{panelCPU, panelStacks}, []int{1, 1})
	return append(p, place{panelWhy, rect{0, 3 + rest, w, why}}, place{panelTime, rect{0, h - 1 - timeH, w, timeH}})
}

// placesXS gives the narration as many rows as what it is about, and one more.
func placesXS(w, h int) []place {
	const why = 5
	return []place{{panelCPU, rect{0, 2, w, h - 3 - why}}, {panelWhy, rect{0, h - 1 - why, w, why}}}
}
