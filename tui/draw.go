package tui

import (
	"cmp"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/sim"
)

// draw makes the frame in the grid.
func (a *app) draw() {
	a.grid.reset(a.w, a.h)
	switch {
	case a.tooTiny != nil:
		p := a.pen.over(rect{0, 0, a.w, a.h})
		p.wrap(0, a.h, a.tooTiny.Error())
		return
	case a.scene == nil:
		a.drawPicker()
	case a.versus != nil:
		a.drawVersus()
	case a.show.on:
		a.drawShow()
	default:
		a.drawHeader()
		a.drawPanels()
		a.drawLights()
	}
	if len(a.pages) > 0 && a.scene != nil {
		a.drawPage()
	}
	if a.author.wrong != nil {
		a.drawWrong()
	}
	if a.predict.asking {
		a.drawQuestion()
	}
	if a.overlay.open() {
		a.drawOverlay()
	}
	if a.scene != nil && !a.show.on || a.prompt.kind != promptNone {
		a.drawStatus()
	}
}

// drawHeader writes the title line, the path, and whose stack is in use.
func (a *app) drawHeader() {
	p := a.pen.over(rect{0, 0, a.w, 1})
	p.rune(' ')
	if a.w >= 80 {
		p.in(styleTitle).fit(a.scene.doc.Title, a.w-a.countersWidth()-2).in(styleText).str(" ")
	}
	a.drawCounters(p)
	a.drawPath(a.pen.over(rect{0, 1, a.w, 1}))
	if a.layout.header > 2 {
		drawOwner(a.pen.over(rect{0, 2, a.w, 1}), a.scene)
	}
}

// roomy is from which width on nothing in the title line is abbreviated.
const roomy = 110

// The widths of the counters: of the time, of the state of play, and of all where
// there is room.
const (
	timeWidth  = 14
	stateWidth = 6
	allWidth   = 54
)

// stepWidth is that of the step's number, which depends on how many there are.
func (a *app) stepWidth() int {
	digits := 1
	for n := len(a.scene.ix.steps); n >= 10; n /= 10 {
		digits++
	}
	return len("step /+ ") + 2*digits
}

func (a *app) countersWidth() int {
	if a.w >= roomy {
		return allWidth
	}
	return a.stepWidth() + len("00/00 ") + timeWidth + stateWidth
}

// drawCounters writes where the cursor is, in fixed columns.
func (a *app) drawCounters(p *pen) {
	s := a.scene
	i, n := s.micro()
	start := p.x
	p.str("step ").in(styleBold).dec(int64(s.step)).in(styleText).str("/").dec(int64(len(s.ix.steps)))
	if !s.tl.Done() {
		p.str("+")
	}
	switch {
	case a.w < 80:
		p.str(" ").dec(int64(i)).str("/").dec(int64(n)).to(start + 19).str(" ").span(s.m.Now)
		return
	case a.w < roomy:
		p.to(start + a.stepWidth()).dec(int64(i)).str("/").dec(int64(n)).to(a.w - timeWidth - stateWidth)
	default:
		p.to(start + 19).str("micro ").dec(int64(i)).str("/").dec(int64(n)).to(start + 32)
	}
	p.str("t ").in(styleBold)
	if s.m.Now < 10*sim.Millisecond {
		p.micros(s.m.Now, 0).in(styleText).str("us")
	} else {
		p.span(s.m.Now)
	}
	if a.w < roomy {
		a.drawPlayer(p.in(styleText).to(a.w - stateWidth))
		return
	}
	p.in(styleText).to(a.w - 10)
	switch {
	case a.player.on && a.player.exact:
		p.in(styleHere).str(" TRUE ")
	case a.player.on:
		p.in(styleHere).str(" PLAY ")
	default:
		p.in(styleDim).str("paused")
	}
	a.drawSpeed(p.in(styleText).str(" "))
}

// drawPlayer writes in few cells whether time goes on by itself, and how fast.
func (a *app) drawPlayer(p *pen) {
	switch {
	case a.player.on && a.player.exact:
		p.in(styleHere).str("▶ true")
	case a.player.on:
		a.drawSpeed(p.in(styleHere).str("▶ "))
	default:
		p.in(styleDim).str("paused")
	}
}

func (a *app) drawSpeed(p *pen) {
	switch by := a.player.faster(); {
	case by < 0:
		p.str("/").dec(1 << -by)
	case by >= thousand:
		p.str("x").dec(1 << (by - thousand)).str("k")
	default:
		p.str("x").dec(1 << by)
	}
}

// shortStations are the names where the path has to fit into 80 columns.
var shortStations = [kernel.NumStations]string{
	"", "wire", "nic", "dma", "msi", "apic", "idt", "irq", "soft", "napi", "skb", "udp",
	"sock", "wq", "epoll", "wake", "rq", "ctx", "user",
}

// pathNames gives the names that fit, and how many cells are between two.
func pathNames(w int) (names *[kernel.NumStations]string, gap int) {
	for _, names := range []*[kernel.NumStations]string{&kernel.Stations, &shortStations} {
		cells := 2 // the brackets at the ends
		for _, n := range names {
			cells += len(n)
		}
		if gap := (w - cells) / (len(names) - 2); gap >= 1 {
			return names, gap
		}
	}
	return &shortStations, 1
}

// drawPath writes the stations. The current one is in brackets; up to it the
// line is heavy, from where the packet has come. A terminal too narrow for all of them shows those around it.
func (a *app) drawPath(p *pen) {
	station, here := a.scene.station()
	info := a.scene.ix.info(a.scene.step)
	names, gap := pathNames(p.w)
	passed := func(i uint8) bool { return !info.local || i >= kernel.StSoftirq } // from this host: no card
	p.x = min(p.w-1, 1) - pathOffset(names, station, p.w)
	token := a.tokenAt(names, gap)
	first := p.x
	for i := uint8(1); i < kernel.NumStations; i++ {
		current := here && i == station
		name := names[i]
		if i == kernel.StUDP && a.scene.ix.tcp(a.scene.step) {
			name = "tcp"
		}
		if p.left() < len(name) {
			break // a name is there whole or not at all
		}
		p.st = styleDim
		switch {
		case p.x < 0:
			p.x += len(names[i])
		case current:
			p.at(p.x-1, 0).in(styleHere).rune('[').str(name).rune(']')
			p.x--
		case i <= station && passed(i):
			p.in(styleText).str(name)
		default:
			p.str(name)
		}
		if i == kernel.NumStations-1 {
			break
		}
		heavy := i < station && passed(i)
		for j := range gap {
			p.st = styleBorder
			if heavy {
				p.st = styleText
			}
			switch {
			case gap == 1, j == 0 && current, j == gap-1 && here && i+1 == station:
				p.x++ // room for a bracket
			case heavy:
				p.rune('━')
			default:
				p.rune('─')
			}
		}
	}
	if token >= 0 {
		p.in(styleHere).at(first+token, 0).rune('▶')
	}
}

// pathOffset is how far the path is shifted to the left so that a station is
// well inside of a narrow row.
func pathOffset(names *[kernel.NumStations]string, station uint8, w int) int {
	cells, at := 0, 0
	for i := range names {
		if i == int(station) {
			at = cells
		}
		cells += len(names[i]) + 1
	}
	if cells <= w {
		return 0
	}
	return min(max(at-w/2, 0), cells+1-w)
}

// tokenAt is the column of the hopping token, from the first station's, or -1.
func (a *app) tokenAt(names *[kernel.NumStations]string, gap int) int {
	t := &a.token
	if t.frame == 0 {
		return -1
	}
	col := func(station uint8) int {
		at := 0
		for i := uint8(1); i < station; i++ {
			at += len(names[i]) + gap
		}
		return at + len(names[station])/2
	}
	from, to := col(t.from), col(t.to)
	return from + (to-from)*t.frame/tokenFrames
}

// drawOwner says on whose behalf and on whose stack the step ran: the second
// line of the path.
func drawOwner(p *pen, s *scene) {
	p.rune(' ')
	if s.rec == nil {
		p.in(styleDim).str("nothing has happened yet")
		return
	}
	if s.m.Fault != "" {
		p.in(styleBad).str("the model gave up: ").rest(s.m.Fault)
		return
	}
	r := s.rec
	if who := outside(s); who != "" {
		p.str(who)
		return
	}
	p.in(ctxStyles[r.Ctx])
	task := ""
	if r.Task >= 0 {
		task = s.m.Tasks[r.Task].Name
	}
	if drawSwitched(p, s, task) {
		return
	}
	switch r.Ctx {
	case kernel.CtxDevice:
		p.str("hardware: no CPU takes part")
		drawMeanwhile(p, s)
		return
	case kernel.CtxHardware:
		p.str("cpu").dec(int64(r.CPU)).str(" itself, no software: it borrows the kernel stack of ").str(task)
	case kernel.CtxHardirq:
		p.str("hard interrupt on cpu").dec(int64(r.CPU)).str(", borrowed from ").str(task)
		drawStackName(p, s, r)
	case kernel.CtxSoftirq:
		if s.m.Tasks[r.Task].Kernel && s.m.CPUs[r.CPU].Ksoftirqd == int32(r.Task) {
			p.str("softirq in ").str(task).str(", a thread of its own")
			return
		}
		p.str("softirq on cpu").dec(int64(r.CPU)).str(", borrowed from ").str(task)
		drawStackName(p, s, r)
	case kernel.CtxIdle:
		p.str("kernel, idle task of cpu").dec(int64(r.CPU))
	case kernel.CtxUser:
		p.str(s.m.ABI.User).str(": ").str(task).str(" on its own user stack")
	default:
		if fault := cmp.Or(s.m.FaultOf(int32(r.Task)), s.was.FaultOf(int32(r.Task))); fault != "" {
			p.str("kernel, a ").str(fault).str(" of ").str(task).str(": on its own kernel stack")
			return
		}
		if onInterruptFrame(s) {
			p.str("kernel, into or out of an interrupt on cpu").dec(int64(r.CPU)).str(": on the kernel stack of ").str(task)
			return
		}
		p.str("kernel on behalf of ").str(task).str(", on its own kernel stack")
	}
}

// drawSwitched says whose stack it is after a step that has changed it.
func drawSwitched(p *pen, s *scene, task string) bool {
	r := s.rec
	if r.CPU < 0 || r.Ctx == kernel.CtxDevice || kernel.TaskID(r.Task) == s.m.CPUs[r.CPU].Current {
		return false
	}
	p.in(styleText).str("kernel on cpu").dec(int64(r.CPU)).str(": from the kernel stack of ").str(task)
	p.str(" to that of ").str(s.m.Tasks[s.m.CPUs[r.CPU].Current].Name)
	return true
}

// outside says who did what neither a device nor a core of this machine has done,
// or "".
func outside(s *scene) string {
	switch {
	case s.rec == nil || s.rec.Ctx != kernel.CtxDevice:
		return ""
	case s.rec.Kind == kernel.KindTask:
		return "the scenario: it says when a thread starts and goes on"
	case s.m.Text.Codes[s.rec.Fn].File == "(the world)":
		return "another host: nothing of this machine takes part"
	}
	return ""
}

// onInterruptFrame tells whether the task of the step lies interrupted: the
// processor's five words are on its kernel stack, before the step or after.
func onInterruptFrame(s *scene) bool {
	for _, m := range []*kernel.Machine{s.m, s.was} {
		stack := loaded(m, int32(s.rec.Task)).Kernel.F
		for i, f := range stack {
			call := i+1 < len(stack) && stack[i+1].Code == m.Text.IDT[kernel.VectorInt80]
			if f.Kind == cpu.HWFrame && !call || m.Text.Arm64 && (f.Code == m.Text.EL0IRQ || f.Code == m.Text.EL1IRQ) {
				return true
			}
		}
	}
	return false
}

func drawStackName(p *pen, s *scene, r *sim.Record) {
	if len(s.m.Cores[r.CPU].IRQ.F) > 0 {
		p.str(": on the core's interrupt stack")
	} else {
		p.str(": on its kernel stack")
	}
}

// drawMeanwhile says what the cores do while a device works.
func drawMeanwhile(p *pen, s *scene) {
	for i := range s.m.CPUs {
		t := &s.m.Tasks[s.m.CPUs[i].Current]
		if p.in(styleDim); p.left() < min(len(t.Name), 10)+20 {
			p.str("; …")
			return
		}
		p.str("; cpu").dec(int64(i)).str(" ")
		if t.Idle {
			p.str("idle")
		} else {
			p.str("in ").str(ctxNames[contextOf(s.m, i)]).str(" ").rest(t.Name)
		}
	}
}

// drawStatus writes the last line: a prompt, a message, or the keys.
func (a *app) drawStatus() {
	p := a.pen.over(rect{0, a.h - 1, a.w, 1})
	a.grid.fill(p.rect, styleText)
	p.rune(' ')
	switch {
	case a.prompt.kind != promptNone:
		a.drawPrompt(p)
		return
	case a.message != "":
		p.in(styleBold).rest(a.message)
		return
	}
	a.drawScore(p)
	a.drawKept(p)
	const tail = "? keys  q quit"
	table := a.table()
	for i := range table {
		b := table[i].brief
		if b == "" || table[i].group == groupOther {
			continue
		}
		if textWidth(b, a.grid.ascii)+len(tail)+2 > p.left() {
			break
		}
		p.in(styleText).str(b).str("  ")
	}
	p.str(tail)
}

// drawLights marks what is followed in every panel, and in the focused one the
// object that is chosen.
func (a *app) drawLights() {
	if a.scene.followed != nil {
		a.grid.light(rect{0, 0, a.w, a.h - 1}, a.scene.followedWords(), '@', styleFollowed)
	}
	x, ok := a.chosen()
	if !ok {
		return
	}
	words := a.scene.words(x)
	for i, p := range a.layout.places {
		if a.zoom {
			p.rect = a.layout.body()
		} else if a.panelIn(i) != a.focus {
			continue
		}
		r := a.layout.box(p.rect)
		a.grid.light(rect{r.x + 1, r.y + 1, r.w - 2, r.h - 2}, words, '>', styleHere)
	}
}

// drawKept says in the status line what the arrow keys and the log keep to.
func (a *app) drawKept(p *pen) {
	s := a.scene
	if s.only == nil || a.versus != nil {
		return
	}
	p.in(styleHere)
	if f := s.followed; f != nil {
		p.str("@ ").rest(f.text)
		p.str(" ")
	}
	if a.filter != nil {
		p.str("filter ").rest(a.filter.text)
		p.str(" ")
	}
	p.dec(int64(s.only.place(s.pos))).str("/").dec(int64(len(s.only.seqs)))
	if !s.tl.Done() {
		p.str("+")
	}
	p.in(styleText).str("  ")
	if s.followed != nil {
		p.str("f next  Esc ends  ")
	}
	if a.filter != nil {
		p.str("F clears  ")
	}
}
