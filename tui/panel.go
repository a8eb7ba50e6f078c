package tui

import (
	"ringside/kernel"
)

// panel is a view of the scene: draw writes into the pen's rectangle, head what
// stands behind the title, or is nil. Both are pure functions of the scene and
// the rectangle's size.
type panel struct {
	title string
	draw  func(p *pen, s *scene)
	head  func(p *pen, s *scene)
}

var panels = [numPanels]panel{
	panelHardware: {"1 HARDWARE", drawHardware, headHardware},
	panelCPU:      {"2 CPU", drawCPU, headCPU},
	panelStacks:   {"3 STACKS", drawStacks, headStacks},
	panelNet:      {"4 NET + FILES", drawNet, nil},
	panelEpoll:    {"5 EPOLL + WAIT", drawEpoll, nil},
	panelTasks:    {"6 TASKS + RUN QUEUES", drawTasks, headTasks},
	panelWhy:      {"7 WHY", drawWhy, headWhy},
	panelProgram:  {"8 PROGRAM", drawProgram, headProgram},
	panelTime:     {"9 TIME", drawTime, headTime},
	panelReal:     {"0 REAL RUN", drawReal, headReal},
	panelLog:      {"LOG", drawLog, nil},
	panelIRQ:      {"i INTERRUPTS", drawIRQ, headIRQ},
}

// stationPanel is the panel that belongs to a station: what a screen with room
// for one shows.
var stationPanel = [kernel.NumStations]panelID{
	kernel.StNone: panelCPU,
	kernel.StWire: panelHardware, kernel.StNIC: panelHardware, kernel.StDMA: panelHardware, kernel.StMSI: panelHardware, kernel.StAPIC: panelHardware,
	kernel.StIDT: panelCPU, kernel.StIRQ: panelCPU,
	kernel.StSoftirq: panelNet, kernel.StNAPI: panelNet, kernel.StSkb: panelNet, kernel.StUDP: panelNet, kernel.StSocket: panelNet,
	kernel.StWaitQueue: panelEpoll, kernel.StEpoll: panelEpoll,
	kernel.StWake: panelTasks, kernel.StRunQueue: panelTasks, kernel.StSwitch: panelTasks,
	kernel.StUser: panelProgram,
}

// panelIn tells which panel a place of the layout shows.
func (a *app) panelIn(i int) panelID {
	switch {
	case i != a.layout.guest:
		return a.layout.places[i].id
	case a.guest != noPanel && !a.placed(a.guest):
		return a.guest
	case a.layout.name == "S" || a.layout.name == "XS":
		return a.follows()
	}
	return a.layout.places[i].id
}

// kindPanel is the panel that belongs to what a record has touched, off the path.
var kindPanel = map[uint8]panelID{
	kernel.KindTask: panelTasks, kernel.KindSkb: panelNet, kernel.KindSock: panelNet, kernel.KindFD: panelNet,
	kernel.KindQueue: panelEpoll, kernel.KindWait: panelEpoll, kernel.KindEp: panelEpoll, kernel.KindEpi: panelEpoll,
	kernel.KindIRQ: panelIRQ,
}

// follows is the panel of the current station; off the path, the program in
// ring 3, else that of what the step has touched, else the processor.
func (a *app) follows() panelID {
	station, here := a.scene.station()
	switch {
	case here:
		return stationPanel[station]
	case a.scene.rec == nil || a.scene.rec.Ctx == kernel.CtxUser:
		return panelProgram
	}
	if id, ok := kindPanel[a.scene.rec.Kind]; ok {
		return id
	}
	return panelCPU
}

// placed tells whether a panel has a place of its own besides the guest's.
func (a *app) placed(id panelID) bool {
	for i, p := range a.layout.places {
		if p.id == id && i != a.layout.guest {
			return true
		}
	}
	return false
}

// drawPanels draws the places of the layout, or the one that is zoomed.
func (a *app) drawPanels() {
	if a.zoom && a.focus != noPanel {
		a.drawZoomed()
		return
	}
	for i := range a.layout.places {
		a.drawPanel(a.panelIn(i), a.layout.box(a.layout.places[i].rect))
	}
}

// drawZoomed gives the focused panel the whole body, but for the why.
func (a *app) drawZoomed() {
	const whyRows = 5
	r := a.layout.body()
	if a.focus == panelWhy || r.h < 3*whyRows {
		a.drawPanel(a.focus, a.layout.box(r))
		return
	}
	r.h -= whyRows
	a.drawPanel(a.focus, a.layout.box(r))
	a.drawPanel(panelWhy, a.layout.box(rect{r.x, r.y + r.h, r.w, whyRows}))
}

func (a *app) drawPanel(id panelID, r rect) {
	border, title := styleBorder, styleTitle
	if id == a.focus {
		border, title = styleFocus, styleFocus
	}
	a.grid.box(r, border)
	p := a.pen.over(rect{r.x + 1, r.y, r.w - 2, 1})
	x := &panels[id]
	p.in(title).str(x.title).str(" ")
	if x.head != nil {
		was := p.x
		p.st = styleText
		if x.head(p, a.scene); p.x > was {
			p.str(" ")
		}
	}
	p = a.pen.over(r.inset())
	x.draw(p, a.scene)
}

// focusOn focuses a panel. One that has no place is shown in the guest place.
func (a *app) focusOn(id panelID) {
	if a.focus != id {
		a.choice = ref{}
	}
	a.focus = id
	if !a.placed(id) {
		a.guest = id
	}
}

func (a *app) focusNext(dir int) {
	n := int(numPanels)
	next := (int(a.focus) + dir + n) % n
	if a.focus == noPanel {
		next = 0
	}
	a.focusOn(panelID(next))
}

func (a *app) toggleZoom() {
	if a.focus == noPanel {
		a.message = "focus a panel first: 1-9, 0 or Tab"
		return
	}
	a.zoom = !a.zoom
}
