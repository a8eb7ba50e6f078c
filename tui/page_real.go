package tui

import (
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/kernel/live"
	both "ringside/scenarios/lanes"
	"ringside/sim"
)

// The page of the real run: what was seen of it beyond the calls, beside the
// model at the cursor.

func (a *app) showReal(string) tea.Cmd {
	s := a.scene
	switch {
	case s.doc.Live == nil:
		a.message = "no real lane: " + s.doc.LiveWhy
	case s.live.running:
		a.message = "the programs are still running on the real kernel"
	case s.live.run == nil:
		a.message = "the real run has failed: 0 shows why"
	default:
		a.overlay = overlay{title: "THE REAL RUN", lines: s.realPage(a.w - 4)}
	}
	return nil
}

func (s *scene) realPage(width int) (lines []string) {
	if row := s.hereRow(); row >= 0 {
		lines = append(s.callLines(&s.lane.rows[row], width), "")
	}
	lines = append(lines, s.threadLines()...)
	lines = append(lines, "")
	lines = append(lines, s.interestLines()...)
	lines = append(lines, "")
	return append(lines, fold(width, "The packets come over loopback: there is no card and no hard interrupt, and the sender itself raises the "+
		"softirq that takes them up. The order of events is the scenario's, their times are not.")...)
}

// callLines are the call at the cursor: where it slept, and its tracepoints.
func (s *scene) callLines(r *laneRow, width int) []string {
	if s.blind && r.pos > s.pos {
		return []string{"the call at the cursor is hidden until it returns: there are questions about it"}
	}
	model, real := s.rowLines(r)
	lines := []string{"the call at the cursor, in " + s.rowThread(r)}
	if r.same {
		lines = append(lines, "  both lanes  "+model)
	} else {
		lines = append(lines, "  the model   "+model, "  real        "+real)
		if why := s.why(r); why != "" {
			lines = append(lines, "  why         "+why)
		}
	}
	run := s.live.run
	if r.real < 0 {
		return lines
	}
	if in := run.Wchan[r.real]; in != "" {
		lines = append(lines, "  slept in    "+in+" (real, /proc/self/task/TID/wchan)")
	}
	switch {
	case run.NoTrace != "":
		return append(lines, "  "+run.NoTrace)
	case run.Points == nil:
		return append(lines, "  ringside --trace shows the kernel's own tracepoints here (root, tracefs)")
	}
	lines = append(lines, "  tracepoints: = the same, ! not, ~ not and known why, . not compared")
	for _, l := range both.PointLines(both.ComparePoints(s.modelPoints(r), run.Points[r.real])) {
		lines = append(lines, fold(width, "  "+l)...)
	}
	return lines
}

// modelPoints are the tracepoints of a call of the model.
func (s *scene) modelPoints(r *laneRow) []both.Point {
	if r.model < 0 {
		return nil
	}
	c := &s.model[r.model]
	var records []sim.Record
	for seq := max(c.from-1, 0); seq < min(c.pos, s.tl.Len()); seq++ {
		if rec := s.tl.At(seq); rec.Point != kernel.PointNone {
			records = append(records, *rec)
		}
	}
	for i := range s.m.Tasks {
		if t := &s.m.Tasks[i]; t.Thread != kernel.None && t.Name == c.Thread {
			return both.ModelPoints(s.m, records, kernel.TaskID(i), c.Line)
		}
	}
	return nil
}

// threadLines are the threads: the real ones at their end, the model's at the
// cursor.
func (s *scene) threadLines() []string {
	lines := []string{fmt.Sprintf("%-16s %-34s %s", "threads", "real, at the end of the run", "the model, at the cursor")}
	for i, t := range s.live.run.Threads {
		m := ""
		if k := s.taskOf(i); k >= 0 {
			task := &s.m.Tasks[k]
			m = restText(task.State.Letter(), s.modelWchan(k), int64(task.Switches), int64(task.Preempted))
		}
		lines = append(lines, fmt.Sprintf("  %-14s %-34s %s", kernel.Printable(t.Name), restText(t.State, t.Wchan, t.Voluntary, t.Involuntary), m))
	}
	return append(lines, "  switches: own + forced; the real ones have the Go runtime's with them")
}

// restText is where a thread is, and its switches.
func restText(state, wchan string, own, forced int64) string {
	switch {
	case state == "" || state == "X":
		state = "ended"
	case wchan != "":
		state += " in " + wchan
	}
	return fmt.Sprintf("%s, switches %d + %d", state, own, forced)
}

// taskOf is the task of a thread of the scenario, or -1 if there is none yet.
func (s *scene) taskOf(thread int) kernel.TaskID {
	for i := range s.m.Tasks {
		if s.m.Tasks[i].Thread == int32(thread) {
			return kernel.TaskID(i)
		}
	}
	return -1
}

// modelWchan is the function that a task of the model sleeps in, or "".
func (s *scene) modelWchan(t kernel.TaskID) string {
	if s.m.Tasks[t].State != kernel.Interruptible || runs(s.m, t) {
		return ""
	}
	return wchan(s.m, t)
}

// interestLines are the interest lists of both lanes.
func (s *scene) interestLines() []string {
	lines := []string{"interest lists: real, at the end (/proc/self/fdinfo)"}
	lines = append(lines, orNobody(s.live.run.Interest)...)
	lines = append(lines, "interest lists: the model, at the cursor")
	var model []string
	for _, at := range s.objects.eps {
		x := &s.objects.list[at]
		for i := s.m.Eps[x.id].Items; i != kernel.None; i = s.m.Epis[i].NextItem {
			it := &s.m.Epis[i]
			model = append(model, live.WatchText(int(x.fd), int(it.FD), it.Events, it.Data))
		}
	}
	return append(lines, orNobody(model)...)
}

func orNobody(list []string) (lines []string) {
	for _, l := range list {
		lines = append(lines, "  "+l)
	}
	if lines == nil {
		return []string{"  none"}
	}
	return lines
}
