package lanes

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"ringside/kernel"
	"ringside/kernel/live"
	"ringside/sim"
)

// traced is a call with the tracepoints that were passed during it.
type traced struct {
	Call
	points []Point
}

// Trace runs a scenario on both kernels and writes their tracepoints side by side,
// call by call.
func Trace(ctx context.Context, w io.Writer, cfg *kernel.Config, unordered []string) error {
	res, err := live.Run(ctx, cfg, live.Options{Trace: true})
	switch {
	case err != nil:
		return err
	case res.NoTrace != nil:
		return res.NoTrace
	}
	model, err := traceModel(cfg)
	if err != nil {
		return err
	}
	real := RealCalls(cfg, res)
	fmt.Fprintln(w, "the real kernel's tracepoints beside the model's: = the same, ! not, ~ not and known why, . not compared")
	fmt.Fprintln(w, "(timers, page faults and interrupts between cores are the machine's own;")
	fmt.Fprintln(w, "loopback has no card and no hard interrupt: the sender raises the softirq)")
	if res.Lost > 0 {
		fmt.Fprintf(w, "%d events were lost: the kernel's buffer was full\n", res.Lost)
	}
	points := RealPointsOf(res)
	for _, p := range Align(callsOnly(model), real, unordered, true) {
		var m traced
		r, rp := Call{}, []Point(nil)
		if p.Model >= 0 {
			m = model[p.Model]
		}
		if p.Real >= 0 {
			r, rp = real[p.Real], points[p.Real]
		}
		writeTrace(w, m, r, rp)
	}
	return nil
}

// writeTrace writes one call of both lanes.
func writeTrace(w io.Writer, m traced, real Call, points []Point) {
	thread := m.Thread
	if thread == "" {
		thread = real.Thread
	}
	if m.Line == real.Line {
		fmt.Fprintf(w, "\n%s: %s\n", kernel.Printable(thread), m.Line)
	} else {
		fmt.Fprintf(w, "\n%s: differs\n    model: %s\n    real:  %s\n", kernel.Printable(thread), orNone(m.Line), orNone(real.Line))
	}
	rows, differs := ComparePoints(m.points, points)
	for i, line := range PointLines(rows, differs) {
		if i > 0 || len(rows) > 0 {
			fmt.Fprintln(w, "  "+line)
		}
	}
}

func orNone(line string) string {
	if line == "" {
		return "no such call"
	}
	return line
}

// PointLines are rows as text, with a heading, and the known reasons below; the
// first difference is marked.
func PointLines(rows []PointPair, differs int) []string {
	width := len("the model")
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Model))
	}
	var known []string
	out := []string{fmt.Sprintf("    %-*s  %s", width, "the model", "the real kernel")}
	for i, r := range rows {
		first := ' '
		if i == differs {
			first = '>'
		}
		line := fmt.Sprintf("%c%c  %-*s  %s", first, r.Sign, width, r.Model, r.Real)
		out = append(out, strings.TrimRight(line, " "))
		if why := fmt.Sprintf(" ~  %s: %s", strings.TrimSpace(r.Model+r.Real), r.Why); r.Why != "" && !slices.Contains(known, why) {
			known = append(known, why)
		}
	}
	return append(out, known...)
}

func callsOnly(list []traced) (out []Call) {
	for i := range list {
		out = append(out, list[i].Call)
	}
	return out
}

// traceModel runs the model and keeps the tracepoints of each call.
func traceModel(cfg *kernel.Config) (out []traced, err error) {
	var records []sim.Record
	began := map[kernel.TaskID]int{}
	call := func(m *kernel.Machine, task kernel.TaskID, line string, from int) {
		c := traced{Call: Call{m.Tasks[task].Name, line}}
		c.points = ModelPoints(m, records[from:], task, line)
		out = append(out, c)
	}
	m, err := run(cfg, Limits{}, func(m *kernel.Machine, r *sim.Record, _ sim.Seq) {
		if r.Point == kernel.PointNone {
			return
		}
		records = append(records, *r)
		if r.Point == kernel.PointSysEnter {
			began[kernel.TaskID(r.Task)] = len(records) - 1
		}
		if task, line, ok := m.Strace(r); ok {
			from := len(records)
			if r.Point == kernel.PointSysExit {
				from = began[task]
			}
			call(m, task, line, from)
		}
	})
	if err != nil {
		return nil, err
	}
	tasks, lines := m.Unfinished()
	for i, line := range lines {
		call(m, tasks[i], line, began[tasks[i]])
	}
	return out, nil
}

// RealCalls are the calls of a live run, behind them those that still slept.
func RealCalls(cfg *kernel.Config, res *live.Result) (out []Call) {
	for _, l := range realLines(res) {
		out = append(out, Call{cfg.Threads[l.Thread].Name, l.Text})
	}
	return out
}

// RealWchan is the kernel function that each of them slept in, or "".
func RealWchan(res *live.Result) (out []string) {
	for _, l := range realLines(res) {
		out = append(out, l.Wchan)
	}
	return out
}

// RealPointsOf are the tracepoints of each of them.
func RealPointsOf(res *live.Result) (out [][]Point) {
	var tids []int
	for i := range res.Threads {
		tids = append(tids, res.Threads[i].TID)
	}
	for _, l := range realLines(res) {
		out = append(out, RealPoints(res.TraceOf(l), tids, l.Thread, l.Text))
	}
	return out
}

func realLines(res *live.Result) []live.Line {
	return append(res.Lines[:len(res.Lines):len(res.Lines)], res.Unfinished...)
}
