package tui

import (
	"ringside/cpu"
	"ringside/kernel/program"
)

// The stacks of the core of the step: the user stack and the kernel stack of
// its task with the double wall between the rings, and the core's interrupt
// stack. They grow down, high addresses on top.

func headStacks(p *pen, s *scene) {
	p.str(s.m.Tasks[s.m.CPUs[s.cpu()].Current].Name).in(styleDim).str(" grow down")
}

func drawStacks(p *pen, s *scene) {
	whole, c := p.rect, s.core()
	user := max(whole.w/5, 12)
	if s.m.Config.ABI == program.WindowsAMD64 {
		user = max(whole.w/3, 12) // five arguments lie there
	}
	columns := [3]int{user, whole.w - user - 1}
	wide := whole.w >= 60
	if wide {
		irq := (whole.w - user - 2) / 2
		columns[1], columns[2] = whole.w-user-2-irq, irq
	}
	titles := &stackTitles[s.m.Config.ABI]
	walls := [...]rune{'║', '│'}
	x := whole.x
	for i, w := range columns {
		if w == 0 {
			break
		}
		p.over(rect{x, whole.y, w, whole.h})
		switch {
		case i == 0:
			drawStack(p, s, titles[0], &c.Ctx.User, &was(s).Ctx.User, c.On == cpu.OnUser)
		case i == 1 && !wide:
			drawKernelSide(p, s)
		case i == 1:
			drawStack(p, s, titles[1], &c.Ctx.Kernel, &was(s).Ctx.Kernel, c.On == cpu.OnKernel)
		default:
			drawStack(p, s, titles[2], &c.IRQ, &was(s).IRQ, c.On == cpu.OnIRQ)
		}
		x += w
		if i < len(walls) && columns[i+1] > 0 {
			p.over(rect{x, whole.y, 1, whole.h}).st = styleBorder
			for y := range whole.h {
				p.at(0, y).rune(walls[i])
			}
			x++
		}
	}
}

// was is the same core at the start of the step.
func was(s *scene) *cpu.Core { return &s.was.Cores[s.cpu()] }

// drawKernelSide shows the kernel stack, and below it the interrupt stack while
// it is in use: the core came from the one to the other.
func drawKernelSide(p *pen, s *scene) {
	c, r, titles := s.core(), p.rect, &stackTitles[s.m.Config.ABI]
	n := stackRows(s, &c.IRQ)
	if n == 0 {
		drawStack(p, s, titles[1], &c.Ctx.Kernel, &was(s).Ctx.Kernel, c.On == cpu.OnKernel)
		return
	}
	low := min(n+2, r.h-min(3, r.h/3))
	p.over(rect{r.x, r.y, r.w, r.h - low})
	drawStack(p, s, titles[1], &c.Ctx.Kernel, &was(s).Ctx.Kernel, c.On == cpu.OnKernel)
	p.over(rect{r.x, r.y + r.h - low, r.w, low})
	drawStack(p, s, titles[2], &c.IRQ, &was(s).IRQ, c.On == cpu.OnIRQ)
}

// stackRows is how many rows the frames of a stack take: one each, but one for
// every word that the processor pushed.
func stackRows(s *scene, st *cpu.Stack) int {
	n := 0
	for i := range st.F {
		n += frameRows(s, &st.F[i])
	}
	return n
}

func frameRows(s *scene, f *cpu.Frame) int {
	switch f.Kind {
	case cpu.HWFrame:
		return max(int(f.N), 1)
	case cpu.StackArgs:
		return int(f.N) + 1
	case cpu.PtRegs:
		return 1 + b2i(f.N == wholeRegs && s.m.ABI.HasPtRegs())
	}
	return 1
}

// drawStack writes a title and the frames, outermost on top. What does not fit
// is left out at the top: the action is at the other end.
func drawStack(p *pen, s *scene, title string, st, old *cpu.Stack, active bool) {
	p.line(0).in(styleDim)
	if active {
		p.st = styleBold
	}
	p.rest(title)
	room := p.h - 1
	if active {
		room-- // ^RSP
	}
	rows := stackRows(s, st)
	skip := max(rows-room, 0)
	if skip > 0 && p.left() > 4 {
		p.in(styleDim).str(" +").dec(int64(skip))
		if p.left() > 5 {
			p.str(" above")
		}
	}
	y := 1 - skip
	for i := range st.F {
		fresh := i >= len(old.F) || frameChanged(&st.F[i], &old.F[i])
		y = drawFrame(p, s, y, &st.F[i], fresh)
	}
	if rows == 0 && room > 0 {
		p.line(1).in(styleDim).short(st.Top).str(" empty")
		y = 2
	}
	if active {
		p.line(y).in(styleBold).to(min(5, max(p.w-4, 0))).str("^").str(s.m.ABI.SP)
	}
}

// frameChanged: the same function that has gone on is the same frame.
func frameChanged(f, old *cpu.Frame) bool {
	return f.Kind != old.Kind || f.Code != old.Code || f.Addr != old.Addr || f.N != old.N
}

// hwWords are what the processor pushes, in this order.
var hwWords = [...]string{"SS", "RSP", "FLAGS", "CS", "RIP", "error"}

const hwWordBytes = 8

// drawFrame writes one frame from a row on and returns the row behind it. Rows
// above the first one are not drawn.
func drawFrame(p *pen, s *scene, y int, f *cpu.Frame, fresh bool) int {
	switch f.Kind {
	case cpu.HWFrame:
		if f.N == 0 {
			frameLine(p, y, f.Addr, fresh).in(styleHardirq).rest("(five words)")
			return y + 1
		}
		for w := range int(f.N) {
			addr := f.Addr + uint64(int(f.N)-1-w)*hwWordBytes
			frameLine(p, y, addr, fresh).in(styleHardirq).rune(bracket(w, int(f.N))).str(hwWords[w]).to(12).hwValue(hwWord(f, w))
			if w == 0 && p.left() > len(" by hardware") {
				p.in(styleDim).str(" by hardware")
			}
			y++
		}
		return y
	case cpu.PtRegs:
		return drawPtRegs(p, s, y, f, fresh)
	case cpu.StackArgs:
		return drawStackArgs(p, y, f, fresh)
	}
	code := &s.m.Text.Codes[f.Code]
	st := styleKernel
	if code.Ring == 3 {
		st = styleUser
	}
	frameLine(p, y, f.Addr, fresh).in(st).rest(code.Name)
	return y + 1
}

// hwWord is one of the words that the processor has pushed.
func hwWord(f *cpu.Frame, i int) uint64 {
	if i == len(hwWords)-1 {
		code, _ := f.ErrorCode()
		return uint64(code)
	}
	return uint64(f.L[i])
}

// Words that software pushes: behind an error code, behind an interrupt, and in a
// system call all of struct pt_regs.
const (
	regsOnly  = 15
	regsOrig  = 16
	wholeRegs = 21
)

// drawPtRegs writes what software has saved; in a system call also what a gate has
// the processor push.
func drawPtRegs(p *pen, s *scene, y int, f *cpu.Frame, fresh bool) int {
	general := "{orig_ax rdi…r15}"
	switch {
	case !s.m.ABI.HasPtRegs():
		frameLine(p, y, f.Addr, fresh).in(styleSoftirq).str("{").str(s.m.ABI.Frame).rest("} by software")
		return y + 1
	case f.N == regsOnly:
		general = "{rdi…r15}"
	case f.N == wholeRegs:
		frameLine(p, y, f.Addr+regsOrig*hwWordBytes, fresh).in(styleSoftirq).rest("{SS…RIP} by software")
		y++
	}
	frameLine(p, y, f.Addr, fresh).in(styleSoftirq).str(general).rest(" by software")
	return y + 1
}

// frameLine begins a frame's row: the mark and the address.
func frameLine(p *pen, y int, addr uint64, fresh bool) *pen {
	if y < 1 {
		return p.at(0, -1) // scrolled out
	}
	return p.line(y).mark(fresh).short(addr).in(styleText).str(" ")
}

// hwValue writes a pushed word in the room there is.
func (p *pen) hwValue(v uint64) *pen {
	if p.left() < 16 && v > 0xffffffff {
		return p.str("..").hex(v&0xffffff, 6)
	}
	return p.hex(v, 1)
}

// bracket joins the words that the processor pushed.
func bracket(i, n int) rune {
	switch {
	case n == 1:
		return '['
	case i == 0:
		return '┌'
	case i == n-1:
		return '└'
	}
	return '│'
}
