package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// The commands of text mode.

// textCommand is one of them. Those that have the name of an action do what that
// does on the screen; the others have a function.
type textCommand struct {
	names  []string
	arg    string // as the list shows it
	help   string
	action string
	do     func(x *text, arg string)
}

var textCommands []textCommand

func init() { // the list of commands is one of them
	textCommands = []textCommand{
		{names: []string{"n", ""}, help: "the next step (Enter does the same)", action: "step"},
		{names: []string{"b"}, help: "one step back", action: "back"},
		{names: []string{"s"}, help: "one record on: a step has several", action: "micro"},
		{names: []string{"g"}, arg: "N|TIME", help: "go to a step (7) or a time (3.4us)", action: "goto"},
		{names: []string{"m"}, help: "the next mark", action: "mark"},
		{names: []string{"/"}, arg: "TEXT", help: "search the records on; without a text, the next hit", action: "find"},
		{names: []string{"w"}, help: "why: the reason at length, and the chain of causes", do: (*text).why},
		{names: []string{"p"}, arg: "[THREAD]", help: "the program and its line, of the thread that runs or of another", do: (*text).program},
		{names: []string{"o"}, help: "objects: sockets and other files, epoll, tasks", do: (*text).objects},
		{names: []string{"strace"}, help: "the system calls so far", do: (*text).strace},
		{names: []string{"real"}, help: "the calls so far beside those of the real kernel", do: (*text).real},
		{names: []string{"?"}, help: "these commands", do: (*text).help},
		{names: []string{"q"}, help: "end", do: func(x *text, _ string) { x.over = true }},
	}
}

// command does what a line says.
func (x *text) command(line string) {
	name, arg, _ := strings.Cut(line, " ")
	if rest, ok := strings.CutPrefix(line, "/"); ok {
		name, arg = "/", rest
	}
	arg = strings.TrimSpace(arg)
	for i := range textCommands {
		c := &textCommands[i]
		if !slices.Contains(c.names, name) {
			continue
		}
		switch action := c.action; {
		case action == "":
			c.do(x, arg)
		case action == "find" && arg == "":
			x.do("next", "")
		case c.arg != "" && arg == "":
			x.line("This needs more: " + name + " " + c.arg)
		default:
			x.do(action, arg)
		}
		return
	}
	if a := byCommand(x.app.actions, name); a != nil && a.name() == name && textAction(a) {
		x.do(name, arg)
		return
	}
	x.line("No such command: " + kernel.Printable(name) + ". ? lists them.")
}

// textAction tells whether an action of the screen makes sense without one.
func textAction(a *action) bool {
	return a.command != "" && (a.group == groupMove || a.group == groupFind)
}

// do carries out an action of the screen and tells what has come of it.
func (x *text) do(name, arg string) {
	a, from := x.app, x.scene().pos
	a.message = ""
	x.act(func() { byCommand(a.actions, name).do(a, arg) })
	if x.over {
		return
	}
	if a.prompt.kind != promptNone { // the screen would ask
		if a.prompt.wrong == "" {
			a.message = "this needs more: " + byCommand(a.actions, name).command
		}
		a.prompt = prompt{}
	}
	switch {
	case a.scene.pos != from:
		if x.tell(from); strings.HasPrefix(a.message, "mark: ") { // it is told
			a.message = ""
		}
	case a.overlay.open():
		for _, l := range a.overlay.lines {
			x.row(l)
		}
	case len(a.pages) > 0:
		for _, r := range a.pages[len(a.pages)-1].rows {
			x.row(r.text)
		}
	case a.message == "" && byCommand(a.actions, name).group == groupMove:
		x.line("There is nothing that way.")
	case a.message == "":
		x.line("Done.")
	}
	a.overlay, a.pages = overlay{}, nil
	if a.message != "" {
		x.hanging("", a.message)
	}
}

// row writes a line that is laid out already; if it is too long it is broken.
func (x *text) row(l string) {
	if l = strings.TrimRight(kernel.Printable(l), " "); len(l) <= textColumns {
		x.line(l)
		return
	}
	x.hanging(l[:len(l)-len(strings.TrimLeft(l, " "))], l)
}

func (x *text) help(string) {
	for i := range textCommands {
		c := &textCommands[i]
		x.row(fmt.Sprintf("  %-12s %s", strings.TrimSpace(c.names[0]+" "+c.arg), c.help))
	}
	var more []string
	for i := range x.app.actions {
		if a := &x.app.actions[i]; textAction(a) {
			more = append(more, a.command)
		}
	}
	x.para("By name, as on the screen", strings.Join(more, ", "))
}

// why says all that is known about the record at the cursor, and what it follows
// from, the nearest cause first.
func (x *text) why(string) {
	const most = 20
	s := x.scene()
	if s.rec == nil {
		x.hanging("", s.doc.opening())
		return
	}
	what, why := s.whatAndWhy()
	code := &s.m.Text.Codes[s.rec.Fn]
	x.hanging("", what.fn+": "+what.step)
	x.para("Say", what.say)
	x.para("Why", why)
	if why != code.Why {
		x.para("Why there is such a function", code.Why)
	}
	x.para("Touches", s.objectName(s.rec))
	x.para("Source", code.File)
	x.para("Tracepoint", kernel.Points[s.rec.Point])
	x.line("Caused by:")
	n := 0
	for c := s.causeBefore(s.pos - 1); c != sim.NoSeq && n < most; c, n = s.causeBefore(c), n+1 {
		r := s.tl.At(c)
		x.para(fmt.Sprintf("step %d, %s us", s.ix.at(c+1), appendMicros(nil, r.T)), s.m.Fn(r)+": "+deed(s.m, r))
	}
	switch n {
	case 0:
		x.line("  nothing before it: the world outside")
	case most:
		x.line("  and so on")
	}
}

// deed is what a record did: its step, or the line of a program.
func deed(m *kernel.Machine, r *sim.Record) string {
	if m.Text.Codes[r.Fn].Interp {
		return sourceLine(m, r)
	}
	return m.StepName(r)
}

// program writes a thread's program with a > before the line that it is at.
func (x *text) program(name string) {
	s := x.scene()
	threads := s.m.Config.Threads
	if len(threads) == 0 {
		x.line("There are no threads in this scenario.")
		return
	}
	shown := shownThread(s)
	for i := range threads {
		if threads[i].Name == name {
			shown = i
		} else if name != "" && i == len(threads)-1 && threads[shown].Name != name {
			x.line("There is no thread of that name.")
			return
		}
	}
	at := programLine(s.m, shown)
	x.line("Program of " + kernel.Printable(threads[shown].Name) + ":")
	for i, l := range splitLines(threads[shown].Program.Source) {
		sign := ' '
		if i+1 == at {
			sign = '>'
		}
		x.row(fmt.Sprintf("%c%3d  %s", sign, i+1, strings.ReplaceAll(l, "\t", "  ")))
	}
	for i := range threads {
		if line := programLine(s.m, i); line > 0 {
			x.para(threads[i].Name, "at line "+strconv.Itoa(line))
		} else {
			x.para(threads[i].Name, "not started")
		}
	}
}

// objects writes what the panels show of files, epoll instances and tasks. A *
// stands before what the step has changed.
func (x *text) objects(string) {
	const rows = 40
	s := x.scene()
	for _, part := range []struct {
		title string
		draw  func(*pen)
	}{
		{"Sockets and other files", func(p *pen) { drawObjects(p, s, 0, rows) }},
		{"Epoll and wait queues", func(p *pen) { drawEpoll(p, s) }},
		{"Tasks", func(p *pen) { drawTasks(p, s) }},
	} {
		x.line(part.title + ":")
		for _, l := range plainLines(rows, textColumns-2, part.draw) {
			if l != "" {
				x.line("  " + l)
			}
		}
	}
	x.line("A * stands before what this step has changed.")
}

// strace writes the calls that have returned so far.
func (x *text) strace(string) {
	s := x.scene()
	n := 0
	for i := range s.model {
		if c := &s.model[i]; c.pos <= s.pos && !c.asleep {
			x.hanging("", c.Thread+": "+c.Line)
			n++
		}
	}
	if n == 0 {
		x.line("No call has returned yet.")
	}
}

// real runs the programs on the real kernel, once, and compares the calls that
// have returned so far.
func (x *text) real(string) {
	s := x.scene()
	if s.doc.Live == nil {
		x.para("No real lane", s.doc.LiveWhy)
		return
	}
	if s.live.run == nil {
		run, err := s.doc.Live(x.ctx)
		if err != nil {
			x.hanging("", err.Error())
			return
		}
		s.live.run = run
		s.align()
	}
	x.hanging("", noHardware)
	for i := range s.lane.rows {
		if row := &s.lane.rows[i]; row.pos <= s.pos && !row.unknown {
			x.laneRow(row)
		}
	}
	for _, l := range s.interestLines() {
		x.hanging("", l)
	}
}

// laneRow writes a call of both lanes.
func (x *text) laneRow(row *laneRow) {
	s := x.scene()
	var model, real string
	if row.model >= 0 {
		c := &s.model[row.model]
		model = c.Thread + ": " + c.Line
	}
	if row.real >= 0 {
		c := &s.live.run.Calls[row.real]
		real = c.Thread + ": " + c.Line
	}
	switch {
	case row.same:
		x.para("same", model)
		return
	case model == "":
		x.para("real only", real)
	case real == "":
		x.para("model only", model)
	default:
		x.para("model", model)
		x.para("real", real)
	}
	if row.why != "" {
		x.para("known", row.why)
	}
}
