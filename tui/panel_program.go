package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/kernel/program"
)

// The source of a thread program with the line it is at.

// shownThread is the thread that PROGRAM shows: the one that is followed; else
// the one whose own step this is; else the one that was, looking back a little;
// else the first.
func shownThread(s *scene) int {
	if s.thread >= 0 {
		return s.thread
	}
	const lookBack = 2000
	for i := s.pos - 1; i >= 0 && i > s.pos-lookBack; i-- {
		if r := s.tl.At(i); r.Task >= 0 && (r.Ctx == kernel.CtxUser || r.Ctx == kernel.CtxSyscall) {
			if t := s.m.Tasks[r.Task].Thread; t != kernel.None {
				return int(t)
			}
		}
	}
	return 0
}

// taskOf is the task of a thread.
func taskOf(m *kernel.Machine, thread int) kernel.TaskID {
	for i := range m.Tasks {
		if m.Tasks[i].Thread == int32(thread) {
			return kernel.TaskID(i)
		}
	}
	return kernel.None
}

// programLine is the line a thread is at: of the operation that it does next or,
// while a call of its is in progress, of that call. 0 before it has started.
func programLine(m *kernel.Machine, thread int) int {
	id := taskOf(m, thread)
	if id == kernel.None || m.Tasks[id].State == kernel.NotStarted {
		return 0
	}
	prog := m.Config.Threads[thread].Program
	frames := loaded(m, id).User.F
	for i := len(frames) - 1; i >= 0; i-- {
		f := &frames[i]
		if f.Kind != cpu.Call || !m.Text.Codes[f.Code].Interp {
			continue
		}
		pc := int32(f.PC)
		if i < len(frames)-1 {
			pc-- // a call is in progress
		}
		return lineOf(prog, codeName(m, f.Code), pc)
	}
	return 0
}

// lineOf is the source line of an operation of a function.
func lineOf(prog *program.Program, fn string, pc int32) int {
	for i := range prog.Funcs {
		if prog.Funcs[i].Name == fn {
			pc = min(max(pc, 0), int32(len(prog.Funcs[i].Ops)-1))
			return prog.Line(program.Frame{Func: int32(i), PC: pc})
		}
	}
	return 0
}

func headProgram(p *pen, s *scene) {
	if len(s.m.Config.Threads) == 0 {
		return
	}
	thread := shownThread(s)
	id := taskOf(s.m, thread)
	t := &s.m.Tasks[id]
	p.str(s.m.Config.Threads[thread].Name).str("  ")
	switch {
	case t.State == kernel.Dead:
		p.in(styleDim).str("exited")
	case t.State == kernel.NotStarted:
		p.in(styleDim).str("not started")
	case runs(s.m, id):
		p.in(styleBold).str("running")
	case t.State == kernel.Running:
		p.str("runnable")
	case t.State == kernel.Stopped:
		p.in(styleDim).str("stopped")
	default:
		p.in(styleDim).str("asleep in ").rest(wchan(s.m, id))
	}
}

// drawProgram keeps the current line a third down where the source is longer
// than the panel, and tells in the last rows where the other threads are.
func drawProgram(p *pen, s *scene) {
	threads := s.m.Config.Threads
	if len(threads) == 0 {
		p.line(0).in(styleDim).str("no threads in this scenario")
		return
	}
	shown := shownThread(s)
	others := min(len(threads)-1, p.h/4)
	rows := p.h - others
	source := strings.TrimRight(threads[shown].Program.Source, "\n")
	at := programLine(s.m, shown)
	total := strings.Count(source, "\n") + 1
	first := min(max(at-1-rows/3, 0), max(total-rows, 0))
	for n := 1; n <= total && n <= first+rows; n++ {
		text, rest, _ := strings.Cut(source, "\n")
		source = rest
		if n > first {
			drawSourceLine(p.line(n-1-first), n, text, n == at)
		}
	}
	y := rows
	for i := range threads {
		if i != shown && y < p.h {
			p.line(y).in(styleDim).str("also ").str(threads[i].Name)
			if at := programLine(s.m, i); at > 0 {
				p.str(" at line ").dec(int64(at))
			} else {
				p.str(", not started")
			}
			y++
		}
	}
}

func drawSourceLine(p *pen, n int, text string, current bool) {
	if current {
		p.in(styleHere).rune('>')
	} else {
		p.in(styleDim).rune(' ')
	}
	p.right(int64(n), 2).str(" ")
	if !current {
		p.st = styleText
	}
	for strings.HasPrefix(text, "\t") {
		p.str("  ")
		text = text[1:]
	}
	p.rest(text)
}

// showThread makes PROGRAM show a thread, or again whichever runs.
func (a *app) showThread(name string) tea.Cmd {
	s := a.scene
	if name == "" {
		s.thread = -1
		a.message = "PROGRAM shows the thread that runs"
		return nil
	}
	for i := range s.m.Config.Threads {
		if s.m.Config.Threads[i].Name == name {
			s.thread = i
			a.message = "PROGRAM shows " + name
			return nil
		}
	}
	a.message = "no thread is called " + name
	return nil
}
