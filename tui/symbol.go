package tui

import (
	"fmt"
	"slices"
	"strings"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/sim"
)

// The page of a kernel symbol.

// showSymbol opens the page of the function at the cursor, or of one that a
// command names.
func (a *app) showSymbol(name string) {
	s := a.scene
	switch {
	case name != "":
		for i := range s.m.Text.Codes {
			if s.m.Text.Codes[i].Name == name {
				a.openPage(symbolPage(a, cpu.CodeID(i)))
				return
			}
		}
		a.message = "no function is called " + name
	case s.rec == nil:
		a.message = "nothing has run yet"
	default:
		a.openPage(symbolPage(a, cpu.CodeID(s.rec.Fn)))
	}
}

// uses is what the known run has of a function.
type uses struct {
	records, calls int
	first          sim.Seq
	steps          map[uint8]int
	callers        []caller
}

// caller is a function that called it.
type caller struct {
	fn    uint16
	times int
	first sim.Seq // the record of the call
}

// usesOf reads the log once. Who called a function is seen at its first step: the
// core has done nothing since the step that called.
func (s *scene) usesOf(fn cpu.CodeID) uses {
	u := uses{first: sim.NoSeq, steps: map[uint8]int{}}
	var last [256]sim.Seq // by core: its last record, plus one
	for i := range s.tl.Len() {
		r := s.tl.At(i)
		if r.Fn == uint16(fn) {
			if u.first == sim.NoSeq {
				u.first = i
			}
			u.records++
			u.steps[r.Step]++
			u.called(s, r, last[uint8(r.CPU)]-1)
		}
		last[uint8(r.CPU)] = i + 1
	}
	slices.SortStableFunc(u.callers, func(a, b caller) int { return b.times - a.times })
	return u
}

// called notes a call, if the record is a function's first step and the one before
// it on the core may have called it.
func (u *uses) called(s *scene, r *sim.Record, before sim.Seq) {
	if r.Step != 0 || r.CPU < 0 || before < 0 {
		return
	}
	b := s.tl.At(before)
	if b.Fn == r.Fn || b.Task != r.Task || r.Cause != before {
		return
	}
	u.calls++
	for i := range u.callers {
		if u.callers[i].fn == b.Fn {
			u.callers[i].times++
			return
		}
	}
	u.callers = append(u.callers, caller{b.Fn, 1, before})
}

func symbolPage(a *app, fn cpu.CodeID) page {
	s := a.scene
	code := &s.m.Text.Codes[fn]
	u := s.usesOf(fn)
	p := page{title: "SYMBOL " + code.Name, sel: -1}
	p.rows = append(a.say(code.Say, code.Why), pageRow{})
	fact := func(name, value string) {
		if value != "" {
			p.rows = append(p.rows, a.say(pad(name, 12)+value)...)
		}
	}
	fact("source", code.File)
	fact("read", reading(code.Name, code.File))
	fact("where", s.whereItRuns(code))
	fact("in this run", fmt.Sprintf("%d records, as far as it is known", u.records))
	if u.first != sim.NoSeq {
		p.rows = append(p.rows, s.recordRow(u.first, "(the first)"))
	}
	if !code.Interp {
		p.rows = append(p.rows, head("steps: what it costs, how often"))
		for i := range code.Steps {
			p.rows = append(p.rows, pageRow{text: s.symbolStep(fn, i, u.steps[uint8(i)]), mark: s.rec != nil && s.rec.Fn == uint16(fn) && int(s.rec.Step) == i})
		}
	}
	p.rows = append(p.rows, head("called by, in this run"))
	for _, c := range u.callers {
		p.rows = append(p.rows, pageRow{text: fmt.Sprintf("  %6d times by %s", c.times, s.m.Text.Codes[c.fn].Name), open: func(a *app) { a.openPage(symbolPage(a, cpu.CodeID(c.fn))) }})
	}
	if len(u.callers) == 0 {
		p.rows = append(p.rows, pageRow{text: "  nobody: the hardware enters it, or it never ran from its start"})
	}
	return p
}

// symbolStep is a step with its cost.
func (s *scene) symbolStep(fn cpu.CodeID, i, times int) string {
	st := &s.m.Text.Codes[fn].Steps[i]
	cost := s.m.Costs[st.Cost].String()
	if st.Span != nil {
		cost = "varies"
	}
	text := fmt.Sprintf("%8s %6d  %s", cost, times, st.Name)
	if st.Why != "" {
		text += " - " + st.Why
	}
	return text
}

// whereItRuns says in which ring and at which station.
func (s *scene) whereItRuns(code *cpu.Code[*kernel.Machine]) string {
	text := fmt.Sprintf("%s%d, address %#x in the model", strings.TrimSpace(levelWord(s.m))+" ", levelOf(s.m, code.Ring), code.Base)
	if code.Station != kernel.StNone {
		text += ", station " + kernel.Stations[code.Station]
	}
	return text
}

// documents are what to read about functions, by a beginning of their names or of
// their files. The first that fits is taken.
var documents = []struct{ fn, file, read string }{
	{"ep_", "", "man 7 epoll"},
	{"do_epoll", "", "man 7 epoll"},
	{"napi_", "", "Documentation/networking/napi.rst"},
	{"__napi_", "", "Documentation/networking/napi.rst"},
	{"net_rx_action", "", "Documentation/networking/napi.rst"},
	{"process_backlog", "", "Documentation/networking/scaling.rst"},
	{"e1000", "", "Documentation/networking/device_drivers/ethernet/intel/e1000e.rst"},
	{"igb_", "", "Documentation/networking/device_drivers/ethernet/intel/igb.rst"},
	{"udp", "", "man 7 udp"}, {"__udp", "", "man 7 udp"},
	{"tcp_", "", "man 7 tcp"}, {"unix_", "", "man 7 unix"}, {"ip_", "", "man 7 ip"},
	{"eventfd", "", "man 2 eventfd"}, {"timerfd", "", "man 2 timerfd_create"}, {"pipe_", "", "man 7 pipe"}, {"anon_pipe_", "", "man 7 pipe"},
	{"do_sys_poll", "", "man 2 poll"}, {"do_poll", "", "man 2 poll"}, {"do_select", "", "man 2 select"},
	{"", "kernel/irq", "Documentation/core-api/genericirq.rst"},
	{"", "kernel/sched/fair.c", "Documentation/scheduler/sched-eevdf.rst"},
	{"", "kernel/sched/rt.c", "man 7 sched"},
	{"", "kernel/time/hrtimer.c", "Documentation/timers/hrtimers.rst"},
	{"", "kernel/signal.c", "man 7 signal"},
	{"", "arch/x86/entry", "Documentation/arch/x86/entry_64.rst"},
	{"", "arch/x86/mm/pti.c", "Documentation/arch/x86/pti.rst"},
}

// reading says where a function or its subject is documented, or "".
func reading(fn, file string) string {
	for _, prefix := range []string{"__x64_sys_", "__arm64_sys_", "__do_sys_"} {
		if call, ok := strings.CutPrefix(fn, prefix); ok {
			return "man 2 " + call
		}
	}
	for _, d := range documents {
		if d.fn != "" && strings.HasPrefix(fn, d.fn) || d.file != "" && strings.HasPrefix(file, d.file) {
			return d.read
		}
	}
	return ""
}
