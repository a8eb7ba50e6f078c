package quiz

import (
	"fmt"
	"slices"
	"sort"
	"strconv"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

// Questions about a run as a whole, for sheets: what comes to how many in the end.
// They are asked at its start.

// total is a number that only grows while a run goes on.
type total struct {
	name    string
	ask     string
	because string
	count   func(m *kernel.Machine) int64
	worth   func(m *kernel.Machine, n int64) bool // the machine is the one at the end
}

var totals = []total{
	{"interrupts", "How many interrupts of the card are handled in the whole run?",
		"The handler masks the interrupt until NAPI has polled the ring empty, and moderation holds back the next one",
		func(m *kernel.Machine) int64 { return m.Counters.IRQs },
		func(m *kernel.Machine, n int64) bool { return n > 0 && m.Config.NIC.Mode == nic.MSIX && receives(m) }}, // nobody else's among them
	{"lost frames", "How many frames does the card lose, because there is no room for them?",
		"A frame with no descriptor waits in the card's packet buffer, and what does not fit there is lost (rx_missed_errors)",
		func(m *kernel.Machine) int64 { return m.NIC.Stats.RxMissedErrors },
		func(m *kernel.Machine, n int64) bool { return n > 0 || frames(m) >= int64(m.Config.NIC.Ring)/2 }},
	{"polls", "How often does net_rx_action call a poll function in the whole run?",
		"A poll that takes as many packets as its weight allows is followed by another one, and each interrupt begins one",
		func(m *kernel.Machine) int64 { return m.Counters.Polls },
		func(m *kernel.Machine, n int64) bool { return n > 0 && frames(m) > 0 && receives(m) }},
	{"wakeups", "How many times is a sleeping thread woken in the whole run?",
		"A thread is woken by what it sleeps for, and not again while it is awake",
		func(m *kernel.Machine) int64 { return m.Counters.Wakeups }, some},
	{"switches", "How many context switches are there in the whole run?",
		"Each sleep is one, and if nobody else is ready it is one to the idle task, with one back",
		func(m *kernel.Machine) int64 { return m.Counters.ContextSwitches },
		func(m *kernel.Machine, n int64) bool { return n > 0 && !slices.ContainsFunc(m.Config.Threads, stops) }},
	{"preemptions", "How often is a thread taken off its core though it does not sleep?",
		"That is up to the scheduler, at a tick or at a wakeup",
		func(m *kernel.Machine) int64 { return m.Counters.Preemptions },
		func(m *kernel.Machine, n int64) bool {
			return n > 0 || m.Counters.TimerIRQs > 0 && len(m.Config.Threads) > 1
		}},
	{"ticks", "How many interrupts of the local APIC's timer are there in the whole run?",
		"It ticks while something runs, and for timers",
		func(m *kernel.Machine) int64 { return m.Counters.TimerIRQs }, some},
	{"calls", "How many system calls do all threads make in the whole run, with the one that ends a thread?",
		"What does not enter the kernel is none, and a thread that returns calls exit",
		func(m *kernel.Machine) int64 { return m.Counters.Syscalls }, some},
	{"datagrams", "How many datagrams get to a program in the whole run?",
		"A datagram that finds no room or no socket gets to nobody, and one that nobody reads neither",
		func(m *kernel.Machine) int64 { return m.Counters.Delivered }, some},
	{"epoll callbacks", "How often is ep_poll_callback called in the whole run?",
		"Each event at a descriptor calls it once for each item that has it, whether somebody sleeps in epoll_wait or not",
		func(m *kernel.Machine) int64 { return m.Counters.EpCallbacks }, some},
	{"descriptors asked", "How often does epoll ask a descriptor whether it is ready, in the whole run?",
		"When it is added or modified, and each time before it is reported",
		func(m *kernel.Machine) int64 { return m.Counters.EpPolled }, some},
}

// receives: nothing is sent, whose interrupts and polls would be others.
func receives(m *kernel.Machine) bool { return m.NIC.Stats.TxPackets == 0 }

func some(_ *kernel.Machine, n int64) bool { return n > 0 }

// stops tells whether the director stops a thread, which is no sleep.
func stops(t kernel.ThreadConfig) bool {
	return slices.ContainsFunc(t.Program.Calls, func(c program.Call) bool {
		return c.Spec != nil && c.Spec.Group == program.Director && c.Spec.Name != "spawn"
	})
}

// frames are those that the scenario sends.
func frames(m *kernel.Machine) (n int64) {
	for i := range m.Config.Wire {
		n += int64(m.Config.Wire[i].Count)
	}
	return n
}

// totals are the questions about a run that has come to its end.
func (b *Book) totals(run *Run) (out []Question) {
	if !run.Done() {
		return nil
	}
	run.Seek(run.Len())
	end := run.Machine()
	for i := range totals {
		t := &totals[i]
		if n := t.count(end); t.worth(end, n) {
			out = append(out, b.total(t, n, frames(end), run))
			run.Seek(run.Len())
		}
	}
	for id := range end.Tasks {
		if task := &end.Tasks[id]; task.Thread != kernel.None && !stops(end.Config.Threads[task.Thread]) {
			name := kernel.Printable(task.Name)
			t := total{"sleeps of " + name, fmt.Sprintf("How often does %s go to sleep in the whole run?", name),
				"It sleeps in a call that finds nothing, and once more, for good, when it exits",
				func(m *kernel.Machine) int64 { return int64(m.Tasks[id].Switches) }, nil}
			out = append(out, b.total(&t, int64(task.Switches), frames(end), run))
			run.Seek(run.Len())
		}
	}
	return out
}

// total words one. It is seen at the record that makes the number full.
func (b *Book) total(t *total, n, packets int64, run *Run) Question {
	a := &ahead{q: Question{Kind: t.name, Ask: t.ask}}
	full := sort.Search(int(run.Len()), func(pos int) bool {
		run.Seek(sim.Seq(pos))
		return t.count(run.Machine()) >= n
	})
	a.q.See = sim.Seq(max(full-1, 0))
	a.q.Because = fmt.Sprintf("%s: here there is none.", t.because)
	if n > 0 {
		a.q.Because = fmt.Sprintf("%s: here it comes to %d, the last one at %s.", t.because, n, run.At(a.q.See).T)
	}
	r := sim.NewRand(b.opts.Seed ^ uint64(n)<<16 ^ uint64(len(t.name))<<40)
	others := []int64{n + 1, n - 1, n + 2, 2 * n, n / 2, n - 2}
	shuffle(&r, others)
	a.right(strconv.FormatInt(n, 10))
	for _, o := range append([]int64{packets}, others...) {
		if o >= 0 && (o > 0 || n < 4) {
			a.wrong(strconv.FormatInt(o, 10))
		}
	}
	a.wrong("1", "2", "3")
	q, _ := a.finish(r)
	q.numbers()
	return q
}

// numbers puts choices in the order of their numbers.
func (q *Question) numbers() {
	right := q.Choices[q.Answer]
	slices.SortFunc(q.Choices, func(x, y string) int {
		n, _ := strconv.Atoi(x)
		m, _ := strconv.Atoi(y)
		return n - m
	})
	q.Answer = slices.Index(q.Choices, right)
}
