package quiz

import (
	"fmt"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// Questions about wait queues, wakeups and the scheduler.

// askSkipped: which entries of the wait queue are not called?
func askSkipped(a *ahead) bool {
	queue := a.at.Obj
	var entries []kernel.WaitID
	for w := a.now.Queues[queue].First; w != kernel.None; w = a.now.Waits[w].Next {
		entries = append(entries, w)
	}
	nr := a.now.Cores[a.at.CPU].Frame().L[1] // the second argument of __wake_up_common
	called := map[kernel.WaitID]bool{}
	found := a.until(func(r *sim.Record) bool {
		if r.CPU != a.at.CPU || r.Kind != kernel.KindQueue || r.Obj != queue || !a.is("__wake_up_common", 0) {
			return false
		}
		if r.Arg[1] == int64(kernel.WaitNone) {
			return true // the end of the walk
		}
		called[kernel.WaitID(r.Arg[0])] = true
		return false
	})
	if !found {
		return false
	}
	skipped := make([]bool, len(entries))
	n, exclusive := 0, -1 // how many are skipped, and the first exclusive one
	for i, w := range entries {
		if skipped[i] = !called[w]; skipped[i] {
			n++
		}
		if exclusive < 0 && a.now.Waits[w].Exclusive {
			exclusive = i
		}
	}
	a.q.Ask = fmt.Sprintf("__wake_up walks a wait queue with nr_exclusive %d: %s. Which entries are skipped?", nr, entryNames(a.now, entries))
	a.right(entrySet(skipped))
	set := func(pick func(i int) bool) string {
		out := make([]bool, len(entries))
		for i := range out {
			out[i] = pick(i)
		}
		return entrySet(out)
	}
	last := len(entries) - 1
	if exclusive >= 0 {
		a.wrong(set(func(i int) bool { return i != exclusive }), set(func(i int) bool { return i > exclusive }), set(func(i int) bool { return a.now.Waits[entries[i]].Exclusive }))
	}
	a.wrong(set(func(int) bool { return false }), set(func(i int) bool { return i > 0 }), set(func(i int) bool { return i < last }),
		set(func(i int) bool { return i == last }), set(func(i int) bool { return i == 0 }))
	switch {
	case n > 0:
		a.q.Because = fmt.Sprintf("The walk ends as soon as %s really woken: %d of %d callbacks are called.", plural(nr, "exclusive waiter is", "exclusive waiters are"), len(entries)-n, len(entries))
	case exclusive < 0:
		a.q.Because = fmt.Sprintf("None of the %d entries is exclusive: all callbacks are called.", len(entries))
	default:
		a.q.Because = fmt.Sprintf("The walk ends as soon as %s really woken, and that is not before the last of the %d entries.", plural(nr, "exclusive waiter is", "exclusive waiters are"), len(entries))
		if nr == 0 {
			a.q.Because = fmt.Sprintf("nr_exclusive is 0: nobody is counted, and all %d callbacks are called.", len(entries))
		}
	}
	return true
}

// entryNames lists what stands on a queue; of a long one the first and the last.
func entryNames(m *kernel.Machine, entries []kernel.WaitID) string {
	const most = 4
	var out []string
	for i, w := range entries {
		if len(entries) > most && i >= most-1 && i < len(entries)-1 {
			if i == most-1 {
				out = append(out, "…")
			}
			continue
		}
		out = append(out, strconv.Itoa(i+1)+" "+entryName(m, &m.Waits[w]))
	}
	return strings.Join(out, ", ")
}

func entryName(m *kernel.Machine, w *kernel.Wait) string {
	name := ""
	if w.Func == kernel.WaitEpCallback {
		name = fmt.Sprintf("epoll item of fd %d", m.Epis[w.Obj].FD)
	} else {
		name = kernel.Printable(m.Tasks[w.Obj].Name)
	}
	if w.Exclusive {
		return name + " (exclusive)"
	}
	return name
}

// entrySet writes which entries are meant, counted from 1: "none", "2", "1, 3 to 8".
func entrySet(in []bool) string {
	var out []string
	for i := 0; i < len(in); i++ {
		if !in[i] {
			continue
		}
		from := i
		for i+1 < len(in) && in[i+1] {
			i++
		}
		switch {
		case i == from:
			out = append(out, strconv.Itoa(from+1))
		case i == from+1:
			out = append(out, strconv.Itoa(from+1), strconv.Itoa(i+1))
		default:
			out = append(out, fmt.Sprintf("%d to %d", from+1, i+1))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// askNextTask: whom does the scheduler pick?
func askNextTask(a *ahead) bool {
	core := a.at.CPU
	k := &a.now.CPUs[core]
	prev := k.Current
	if !a.until(func(r *sim.Record) bool {
		return r.CPU == core && r.Kind == kernel.KindTask && a.is("__schedule", 1)
	}) {
		return false
	}
	next := a.r.Obj
	name := func(id kernel.TaskID) string { return kernel.Printable(a.now.Tasks[id].Name) }
	goes := "is still runnable"
	if t := &a.now.Tasks[prev]; t.Idle {
		goes = "has nothing to do"
	} else if t.State != kernel.Running {
		goes = "goes to sleep"
		if t.State == kernel.Dead {
			goes = "has ended"
		}
	}
	a.q.Ask = fmt.Sprintf("cpu%d calls __schedule: %s %s. Which task runs next on cpu%d?", core, name(prev), goes, core)
	a.right(name(next))
	for _, id := range k.RQ.Queue {
		a.wrong(name(id))
	}
	a.wrong(name(prev), name(k.Idle))
	for id := range a.now.Tasks {
		if t := &a.now.Tasks[id]; t.State == kernel.Interruptible && t.CPU == int32(core) {
			a.wrong(name(kernel.TaskID(id)))
		}
	}
	a.q.Because = a.whyNext(prev, next)
	return true
}

// whyNext says why a task was picked.
func (a *ahead) whyNext(prev, next kernel.TaskID) string {
	core := a.at.CPU
	k, t := &a.now.CPUs[core], &a.m.Tasks[next]
	runnable := append([]kernel.TaskID(nil), k.RQ.Queue...)
	if p := &a.now.Tasks[prev]; p.OnRQ && !p.Idle && !p.SE.Delayed {
		runnable = append(runnable, prev)
	}
	switch {
	case t.Idle:
		return fmt.Sprintf("Nothing is runnable on cpu%d, so its idle task runs until an interrupt.", core)
	case a.now.Tasks[next].CPU != int32(core):
		return fmt.Sprintf("cpu%d has nothing to run and takes %s from cpu%d.", core, kernel.Printable(t.Name), a.now.Tasks[next].CPU)
	case len(runnable) == 1:
		return fmt.Sprintf("It is the only one that is runnable on cpu%d.", core)
	}
	var values []string
	for _, id := range runnable[:min(len(runnable), 4)] {
		x := &a.m.Tasks[id]
		if a.m.Config.Params.Scheduler == kernel.EEVDF {
			values = append(values, fmt.Sprintf("%s: deadline %s", kernel.Printable(x.Name), x.SE.Deadline))
		} else {
			values = append(values, fmt.Sprintf("%s: prio %d", kernel.Printable(x.Name), x.Prio))
		}
	}
	rule := "The best priority runs (the lowest number); among equals, who is first in the queue"
	switch {
	case a.m.Config.Params.Scheduler == kernel.EEVDF && next == prev:
		rule = "It goes on: its turn is not over, or no other has an earlier deadline and is eligible"
	case a.m.Config.Params.Scheduler == kernel.EEVDF:
		rule = "Of those that have had no more than their share the earliest deadline runs"
	}
	return rule + " (" + strings.Join(values, ", ") + ")."
}

// askIPI: does the wakeup interrupt another core?
func askIPI(a *ahead) bool {
	core, id := a.at.CPU, a.at.Obj
	t := &a.now.Tasks[id]
	sent, at := false, sim.NoSeq
	ipis := a.m.Counters.IPIs
	done := a.until(func(r *sim.Record) bool {
		if r.CPU == core && a.m.Counters.IPIs != ipis && !sent {
			sent, at = true, a.seq
		}
		ipis = a.m.Counters.IPIs
		return r.CPU == core && r.Kind == kernel.KindTask && r.Obj == id && a.is("try_to_wake_up", 2)
	})
	if !done {
		return false
	}
	target := a.m.Tasks[id].CPU
	name := kernel.Printable(t.Name)
	a.q.Ask = fmt.Sprintf("cpu%d wakes %s, which ran on cpu%d last. Will this wakeup send an interrupt to another core (an IPI)?", core, name, t.CPU)
	yes := func(n int32) string { return fmt.Sprintf("yes, to cpu%d", n) }
	k := &a.now.CPUs[target]
	switch {
	case sent:
		a.right(yes(target))
		a.q.See = at
		busy := "runs " + kernel.Printable(a.now.Tasks[k.Current].Name)
		if a.now.Tasks[k.Current].Idle {
			busy = "is idle and does not poll need_resched"
		}
		a.q.Because = fmt.Sprintf("%s is to run on cpu%d, which %s: only an interrupt makes it look at its run queue.", name, target, busy)
	case target == int32(core):
		a.right("no")
		a.q.Because = fmt.Sprintf("cpu%d is chosen itself: setting need_resched is enough, it is looked at on the way out.", core)
	case k.Polling:
		a.right("no")
		a.q.Because = fmt.Sprintf("cpu%d is idle and polls need_resched: writing the flag is enough (TIF_POLLING_NRFLAG).", target)
	default:
		a.right("no")
		a.q.Because = fmt.Sprintf("%s is put on the run queue of cpu%d, and what runs there now goes on for the moment.", name, target)
	}
	a.wrong("no", yes(target), yes(t.CPU))
	for i := range a.now.Cores {
		a.wrong(yes(int32(i)))
	}
	return true
}
