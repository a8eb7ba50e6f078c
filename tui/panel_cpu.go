package tui

import (
	"ringside/cpu"
	"ringside/kernel"
)

// The cores: registers in fixed places, the old value before the new one where
// there is room.

func headCPU(p *pen, s *scene) {
	i := s.cpu()
	if n := len(s.m.Cores); n > 1 {
		p.in(styleDim).str("step on cpu").dec(int64(i)).str(" of ").dec(int64(n))
	} else {
		p.str("cpu0  ")
		drawContext(p, s, i)
	}
	if name := s.m.ABI.Name; p.left() > len(name)+2 {
		p.in(styleDim).str("  ").str(name)
	}
}

// drawContext writes a core's context and ring, with the old ring if it has
// changed.
func drawContext(p *pen, s *scene, i int) {
	ctx := contextOf(s.m, i)
	ring, was := level(s.m, i), level(s.was, i)
	p.in(ctxStyles[ctx]).rune(rune(kernel.ContextLetters[ctx])).str(" ").str(ctxNames[ctx]).in(styleText).str(levelWord(s.m))
	if ring != was {
		p.in(styleChanged).dec(was).str(">")
	}
	p.dec(ring).in(styleText)
}

// drawCPU gives every core the same room if there is enough, else the core of
// the step most of it and the others a line.
func drawCPU(p *pen, s *scene) {
	const comfortable = 8
	n, whole := len(s.m.Cores), p.rect
	if each := whole.h / n; each >= comfortable || n == 1 {
		for i := range n {
			p.over(rect{whole.x, whole.y + i*each, whole.w, each})
			drawCore(p, s, i, n > 1)
		}
		return
	}
	others := min(n-1, whole.h/3)
	p.over(rect{whole.x, whole.y, whole.w, whole.h - others})
	drawCore(p, s, s.cpu(), n > 1)
	p.over(rect{whole.x, whole.y + whole.h - others, whole.w, others})
	for i, y := 0, 0; i < n && y < others; i++ {
		if i != s.cpu() {
			drawOtherCore(p, s, i, y)
			y++
		}
	}
}

func drawOtherCore(p *pen, s *scene, i, y int) {
	t := s.m.CPUs[i].Current
	p.line(y).in(styleBold).str("cpu").dec(int64(i)).in(styleText)
	p.mark(t != s.was.CPUs[i].Current).fit(s.m.Tasks[t].Name, 11).in(styleText).str(" ")
	drawContext(p, s, i)
	fn, _ := inFlight(s.m, i)
	if p.left() > 4 {
		p.str(" ").in(styleDim).rest(fn)
	}
}

func drawCore(p *pen, s *scene, i int, named bool) {
	y := 0
	if i == s.cpu() && s.m.Cores[i].Access.Made && p.h >= leastCore+walkRows {
		whole := p.rect
		h := min(walkRows+1, whole.h-leastCore)
		p.over(rect{whole.x, whole.y + whole.h - h, whole.w, h})
		drawWalk(p, s, i)
		p.over(rect{whole.x, whole.y, whole.w, whole.h - h})
	}
	if named {
		p.line(0).in(styleBold).str("cpu").dec(int64(i)).str("  ").in(styleText)
		drawContext(p, s, i)
		p.st = styleBorder
		p.str(" ")
		for p.left() > 1 {
			p.rune('─')
		}
		y++
	}
	for _, r := range rowsOf(s.m.ABI) {
		if r.rank < p.h-b2i(named) {
			p.line(y)
			r.draw(p, s, i)
			y++
		}
	}
}

// leastCore is how many rows of a core stay when a walk is shown below them.
const leastCore = 1

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func rowTask(p *pen, s *scene, i int) {
	id := s.m.CPUs[i].Current
	t := &s.m.Tasks[id]
	p.str("task").to(6).mark(id != s.was.CPUs[i].Current).str(t.Name).in(styleText)
	p.str("  pid ").dec(int64(t.PID)).str("  state").mark(t.State != s.was.Tasks[id].State).str(t.State.Letter())
}

func rowRIP(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	p.str(s.m.ABI.PC).to(6).mark(c.Regs.RIP != was.Regs.RIP).address(c.Regs.RIP).in(styleText).str(" ")
	p.rest(running(s.m, c))
}

// narrowRegs is the width below which the upper half of a register is left out.
const narrowRegs = 44

// address writes an address, without its upper half where there is little room.
func (p *pen) address(v uint64) *pen {
	if p.w < narrowRegs {
		return p.str("..").hex(v&0xffffffff, 8)
	}
	return p.hex(v, 16)
}

// stackNames say which stack a core is on.
var stackNames = [...]string{cpu.OnUser: "user stack", cpu.OnKernel: "kernel stack", cpu.OnIRQ: "interrupt stack"}

func rowRSP(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	on := c.On
	if int64(c.Regs.RSP) >= 0 { // ring 0 begins with the program's: syscall leaves it, and the five words are pushed first
		on = cpu.OnUser
	}
	p.str("RSP").to(6).mark(c.Regs.RSP != was.Regs.RSP).address(c.Regs.RSP).in(styleText).str(" ").rest(stackNames[on])
}

func rowFlags(p *pen, s *scene, i int) {
	r, was := &s.m.Cores[i].Regs, &s.was.Cores[i].Regs
	p.str("FLAGS").to(6).mark(r.RFLAGS != was.RFLAGS).hex(r.RFLAGS, 3).in(styleText)
	p.to(11).str("IF").mark(r.IF() != was.IF()).flag(r.IF()).in(styleText)
	p.to(16).str("CS").change(r.CS, was.CS).to(24).str("SS").change(r.SS, was.SS)
	if p.to(32); p.left() >= len("GS k") {
		p.str("GS").mark(s.m.Cores[i].GSBase != s.was.Cores[i].GSBase).str(gsOwner(s.m, i)).in(styleText)
	}
}

// gsOwner tells whose data GS points to: the kernel's or the user's.
func gsOwner(m *kernel.Machine, i int) string {
	if m.Cores[i].GSBase == 0 {
		return "u"
	}
	return "k"
}

// change writes a small value, after the old one if it has changed.
func (p *pen) change(now, was uint64) *pen {
	p.mark(now != was)
	if now != was {
		p.hex(was, 1).str(">")
	}
	return p.hex(now, 1).in(styleText)
}

func (p *pen) reg(name string, col int, now, was uint64) *pen {
	p.to(col).str(name).to(col + 6).mark(now != was)
	if p.w < narrowRegs && now > 0xff_ffff_ffff {
		return p.str("..").hex(now&0xffffffff, 8).in(styleText)
	}
	return p.hex(now, 1).in(styleText)
}

func rowCR3(p *pen, s *scene, i int) {
	c, was := &s.m.Cores[i], &s.was.Cores[i]
	p.reg("CR3", 0, c.Regs.CR3, was.Regs.CR3).to(p.w / 2).str("rsp0").to(p.w/2 + 6).mark(c.RSP0 != was.RSP0).str("..").short(c.RSP0)
}

func rowAPIC(p *pen, s *scene, i int) {
	p.str("APIC").to(7)
	drawAPIC(p, s, i)
}

func rowPreempt(p *pen, s *scene, i int) {
	now, was := s.m.CPUs[i].Preempt, s.was.CPUs[i].Preempt
	p.str("preempt_count").count(" preempt", preemptDepth(now), preemptDepth(was))
	p.count(" soft", softirqDepth(now), softirqDepth(was)).count(" hard", hardirqDepth(now), hardirqDepth(was))
}

// count writes a named number and marks it if it has changed.
func (p *pen) count(name string, now, was int64) *pen {
	return p.str(name).mark(now != was).dec(now).in(styleText)
}

func rowPending(p *pen, s *scene, i int) {
	k, was := &s.m.CPUs[i], &s.was.CPUs[i]
	need, needed := s.m.Tasks[k.Current].NeedResched, s.was.Tasks[was.Current].NeedResched
	p.str("need_resched").mark(need != needed).flag(need).in(styleText).str("  pending").mark(k.Pending != was.Pending).softirqs(k.Pending)
}

// softirqs writes the names of pending softirqs.
func (p *pen) softirqs(pending uint32) *pen {
	if pending == 0 {
		return p.str("-")
	}
	sep := ""
	for vec, name := range kernel.SoftirqNames {
		if pending&(1<<vec) != 0 {
			p.str(sep).str(name)
			sep = " "
		}
	}
	return p
}

func rowNext(p *pen, s *scene, i int) {
	c := &s.m.Cores[i]
	if c.Halted() {
		p.str("next").to(7).in(styleDim).rest("halted until an interrupt")
		return
	}
	fn, step := inFlight(s.m, i)
	p.str("next").to(7).in(styleDim).rest(fn)
	if p.left() > 4 {
		p.str(": ").rest(step)
	}
}
