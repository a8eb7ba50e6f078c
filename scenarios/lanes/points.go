package lanes

import (
	"fmt"
	"slices"
	"strings"

	"ringside/kernel"
	"ringside/kernel/live"
	"ringside/sim"
)

// Point is a tracepoint that was passed during a call: by its thread, by an
// interrupt, or by whoever sent.
type Point struct {
	Event string // its name
	Text  string // what of its fields is compared
	Own   bool   // on the stack of the call's thread
	IRQ   bool   // in a hard or soft interrupt
}

// compared tells whether both lanes must have a point. A point is left out if
// the machine's own time decides on it (timers, page faults, interrupts between
// cores), or if it belongs to the way from a card into the stack, which is
// another one over loopback.
func (p *Point) compared() bool {
	switch {
	case timing[p.Event], entry[p.Event]:
		return false
	case strings.HasPrefix(p.Event, "net_dev_"), strings.HasPrefix(p.Event, "sock_"):
		return p.Own && !p.IRQ // others do it for the sender
	}
	return true
}

// foreign tells whether a point has nothing to do with the call: the timers and
// the softirqs of somebody else.
func (p *Point) foreign() bool {
	return !p.Own && (timing[p.Event] || strings.HasPrefix(p.Event, "softirq_") && !strings.HasPrefix(p.Text, "NET_"))
}

var timing = setOf("local_timer_entry local_timer_exit reschedule_entry reschedule_exit call_function_single_entry " +
	"call_function_single_exit hrtimer_start hrtimer_expire_entry hrtimer_expire_exit timer_expire_entry timer_expire_exit " +
	"ipi_send_cpu page_fault_user page_fault_kernel")

var entry = setOf("irq_handler_entry irq_handler_exit softirq_raise softirq_entry softirq_exit napi_gro_receive_entry " +
	"napi_poll netif_rx netif_rx_entry")

func setOf(names string) map[string]bool {
	set := map[string]bool{}
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
	return set
}

// alike are calls of one meaning under several names: the C library and Go's
// choose for themselves.
var alike = map[string]string{
	"epoll_pwait": "epoll_wait", "epoll_pwait2": "epoll_wait", "ppoll": "poll", "pselect6": "select", "accept4": "accept",
	"dup3": "dup2", "recv": "recvfrom", "send": "sendto", "epoll_create1": "epoll_create", "eventfd_read": "read", "eventfd_write": "write",
}

// standIns are the calls that the real lane makes for others: the number of a
// closed descriptor stays taken, and a copy must not get one of this process.
var standIns = map[string]string{"close": "dup3", "dup": "fcntl", "print": "write", "eventfd": "eventfd2"}

func meaning(call string) string {
	if m, ok := alike[call]; ok {
		return m
	}
	return call
}

// ModelPoints are the points of records that were made while a task was in a
// call, which is given by its line.
func ModelPoints(m *kernel.Machine, records []sim.Record, task kernel.TaskID, line string) (out []Point) {
	for i := range records {
		if p, ok := modelPoint(m, &records[i], task); ok {
			out = append(out, p)
		}
	}
	return ownCall(out, line)
}

func modelPoint(m *kernel.Machine, r *sim.Record, task kernel.TaskID) (Point, bool) {
	name := kernel.Points[r.Point]
	p := Point{
		Event: name[strings.IndexByte(name, ':')+1:], Own: r.Task >= 0 && kernel.TaskID(r.Task) == task,
		IRQ: r.Ctx == kernel.CtxHardirq || r.Ctx == kernel.CtxSoftirq,
	}
	switch r.Point {
	case kernel.PointNone:
		return p, false
	case kernel.PointSysEnter, kernel.PointSysExit:
		p.Text = meaning(kernel.SysName(r.Arg[0]))
		return p, p.Own
	case kernel.PointSchedSwitch:
		switch task {
		case kernel.TaskID(r.Arg[0]):
			p.Text = "out " + kernel.TaskState(r.Arg[1]).Letter()
		case r.Obj:
			p.Text = "in"
		}
		return p, p.Text != ""
	case kernel.PointSchedWaking, kernel.PointSchedWakeup, kernel.PointSchedWakeupNew:
		return p, r.Obj == task
	case kernel.PointSoftirqRaise, kernel.PointSoftirqEntry, kernel.PointSoftirqExit:
		p.Text = kernel.SoftirqNames[r.Arg[0]]
	}
	return p, p.Own || p.IRQ || r.Task < 0 || m.Tasks[r.Task].Thread == kernel.None
}

// RealPoints are those of the trace of a call. tids are the real numbers of the
// scenario's threads, thread is the call's, which is given by its line.
func RealPoints(trace []live.TracePoint, tids []int, thread int, line string) (out []Point) {
	for _, t := range trace {
		if p, ok := realPoint(&t, tids, thread); ok {
			out = append(out, p)
		}
	}
	return ownCall(out, line)
}

func realPoint(t *live.TracePoint, tids []int, thread int) (Point, bool) {
	p := Point{Event: t.Event, Own: t.PID == tids[thread], IRQ: strings.ContainsAny(t.Flags[2:3], "hHsS")}
	pid := fmt.Sprint(tids[thread])
	switch t.Event {
	case "sys_enter", "sys_exit":
		var nr int64
		_, _ = fmt.Sscanf(t.Text, "NR %d", &nr)
		p.Text = meaning(kernel.SysName(nr))
		return p, p.Own
	case "sched_switch":
		switch pid {
		case field(t.Text, "prev_pid"):
			p.Text = "out " + strings.TrimSuffix(field(t.Text, "prev_state"), "+")
		case field(t.Text, "next_pid"):
			p.Text = "in"
		}
		return p, p.Text != ""
	case "sched_waking", "sched_wakeup", "sched_wakeup_new":
		return p, field(t.Text, "pid") == pid
	case "signal_generate", "signal_deliver":
		return p, p.Own && !runtimeSignal[field(t.Text, "sig")]
	case "softirq_raise", "softirq_entry", "softirq_exit":
		if _, name, ok := strings.Cut(t.Text, "action="); ok {
			p.Text = strings.TrimSuffix(name, "]")
		}
	}
	return p, p.Own || !slices.Contains(tids, t.PID) || p.IRQ
}

// runtimeSignal are the signals by which the Go runtime, and the run itself,
// interrupt threads.
var runtimeSignal = map[string]bool{"23": true, "43": true}

// field is the value behind a name in the text of a point.
func field(text, name string) string {
	for _, f := range strings.Fields(text) {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			return v
		}
	}
	return ""
}

// ownCall keeps of the thread's own system calls the first entry and the last
// return of the one that is meant: the real lane asks and sets more around it, and
// begins one again that was interrupted.
func ownCall(points []Point, line string) (out []Point) {
	name := Call{Line: line}.Name()
	want := meaning(name)
	first, last := -1, -1
	for i := range points {
		switch p := &points[i]; {
		case p.Event != "sys_enter" && p.Event != "sys_exit":
			continue
		case p.Text == meaning(standIns[name]):
			p.Text = want
		}
		if points[i].Text == want && points[i].Event == "sys_enter" && first < 0 {
			first = i
		}
		if points[i].Text == want && points[i].Event == "sys_exit" {
			last = i
		}
	}
	for i, p := range points {
		call := p.Event == "sys_enter" || p.Event == "sys_exit"
		if before, behind := i < first, last >= 0 && i > last; !before && !behind && (!call || i == first || i == last) && !p.foreign() {
			out = append(out, p)
		}
	}
	return out
}

// PointPair is a row of two lists of points side by side.
type PointPair struct {
	Model, Real string // "" where that lane has none
	Sign        byte   // '=' the same, '!' not, '~' not, and Why, '.' not compared
	Why         string // a known simplification
}

// pointReasons are points that only one lane may have, and why
// (kernel/loopback_order_test.go has them too).
var pointReasons = map[string]string{
	"consume_skb": "since 6.18 a read packet may go back to the core that made it; the model frees it at once",
}

// ComparePoints lays the points of a call side by side, and gives the row where
// they begin to differ, or -1.
func ComparePoints(model, real []Point) (rows []PointPair, differs int) {
	a, b := keys(model), keys(real)
	differs = -1
	i, j := 0, 0
	skip := func(toI, toJ int) {
		for i < toI || j < toJ {
			row := PointPair{Sign: '.'}
			if i < toI {
				row.Model, i = model[i].String(), i+1
			}
			if j < toJ {
				row.Real, j = real[j].String(), j+1
			}
			rows = append(rows, row)
		}
	}
	for _, p := range Align(a.calls, b.calls, nil, true) {
		toI, toJ := i, j
		if p.Model >= 0 {
			toI = a.at[p.Model]
		}
		if p.Real >= 0 {
			toJ = b.at[p.Real]
		}
		skip(toI, toJ)
		row := PointPair{Sign: '='}
		if p.Model >= 0 {
			row.Model, i = model[i].String(), i+1
		}
		if p.Real >= 0 {
			row.Real, j = real[j].String(), j+1
		}
		if row.Model != row.Real {
			event, _, _ := strings.Cut(row.Model+row.Real, " ")
			if row.Why = pointReasons[event]; row.Why != "" {
				row.Sign = '~'
			} else if row.Sign = '!'; differs < 0 {
				differs = len(rows)
			}
		}
		rows = append(rows, row)
	}
	skip(len(model), len(real))
	return rows, differs
}

// String is the point as it is shown and compared.
func (p *Point) String() string { return strings.TrimSuffix(p.Event+" "+p.Text, " ") }

// comparedKeys are the points that are compared, and their places among all.
type comparedKeys struct {
	calls []Call
	at    []int
}

func keys(points []Point) (k comparedKeys) {
	for i := range points {
		if points[i].compared() {
			k.calls, k.at = append(k.calls, Call{Line: points[i].String()}), append(k.at, i)
		}
	}
	return k
}
