package kernel

import (
	"testing"

	"ringside/cpu"
	"ringside/sim"
)

// Mutants are faults that are put into the model on purpose, one at a time: the
// suite must catch each (see TestTheSuiteCatchesEveryFault). They change steps of
// the kernel's text, so the model itself knows nothing of them.

// Mutant is one of them.
type Mutant struct {
	Name  string
	Break func(*Image)
}

// Breaks makes all machines faulty until the end of a test.
func (mu Mutant) Breaks(t *testing.T) {
	breakText = mu.Break
	t.Cleanup(func() { breakText = nil })
}

type do = func(*Machine, *cpu.Core, *sim.Record)

// instead replaces what a step does by what change makes of it.
func instead(fn cpu.CodeID, pc int, change func(was do) do) func(*Image) {
	return func(im *Image) {
		code := &im.Text.Codes[fn]
		code.Steps = append([]step(nil), code.Steps...) // the tables are shared
		code.Steps[pc].Do = change(code.Steps[pc].Do)
	}
}

// then adds to what a step does; it gets the locals that the step began with.
func then(fn cpu.CodeID, pc int, more func(m *Machine, c *cpu.Core, locals [cpu.NumLocals]int64)) func(*Image) {
	return instead(fn, pc, func(was do) do {
		return func(m *Machine, c *cpu.Core, r *sim.Record) {
			locals := c.Frame().L
			was(m, c, r)
			more(m, c, locals)
		}
	})
}

// returns makes a step return a value at once.
func returns(fn cpu.CodeID, pc int, v int64) func(*Image) {
	return instead(fn, pc, func(do) do {
		return func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(v) }
	})
}

// masks takes bits out of what a poll operation returns in a step.
func masks(fn cpu.CodeID, pc int, bits uint64) func(*Image) {
	return then(fn, pc, func(_ *Machine, c *cpu.Core, _ [cpu.NumLocals]int64) { c.Regs.RAX &^= bits })
}

// Mutants of what stands in this package.
var Mutants = []Mutant{
	{"an edge-triggered item fires again", then(fnEpSendEvents, 3, func(m *Machine, _ *cpu.Core, l [cpu.NumLocals]int64) {
		if it := &m.Epis[l[seItem]]; it.Events&EPOLLET != 0 && !it.OnReady {
			m.readyAdd(EpID(l[0]), EpiID(l[seItem]), true)
		}
	})},
	{"a level-triggered item fires once", then(fnEpSendEvents, 3, func(m *Machine, _ *cpu.Core, l [cpu.NumLocals]int64) {
		if it := &m.Epis[l[seItem]]; it.Events&(EPOLLET|EPOLLONESHOT) == 0 && it.OnReady {
			m.readyDel(EpID(l[0]), EpiID(l[seItem]))
		}
	})},
	{"a one-shot item stays armed", instead(fnEpSendEvents, 3, func(was do) do {
		return func(m *Machine, c *cpu.Core, r *sim.Record) {
			it := &m.Epis[c.Frame().L[seItem]]
			events := it.Events
			was(m, c, r)
			it.Events = events
		}
	})},
	{"threads in epoll_wait queue at the end", then(fnEpPoll, 2, func(m *Machine, _ *cpu.Core, l [cpu.NumLocals]int64) {
		if q := m.Eps[l[epEp]].WQ; m.Queues[q].First != None {
			w := m.Queues[q].First
			m.dequeueWait(w)
			m.enqueueWait(q, w, true)
		}
	})},
	{"a wakeup is lost", returns(fnEpAutoremoveWake, 0, 1)},
	{"EPOLLEXCLUSIVE is ignored", then(fnEpPtableQueueProc, 0, func(m *Machine, _ *cpu.Core, l [cpu.NumLocals]int64) {
		m.Waits[m.Epis[l[1]].Wait].Exclusive = false
	})},
	{"MOD does not look", returns(fnEpModify, 1, 0)},
	{"ADD does not look", instead(fnEpInsert, 1, func(was do) do {
		return func(m *Machine, c *cpu.Core, r *sim.Record) {
			c.Regs.RAX = 0
			was(m, c, r)
		}
	})},
	{"what does not fit goes to the end", then(fnEpDoneScan, 0, func(m *Machine, _ *cpu.Core, l [cpu.NumLocals]int64) {
		if first := EpiID(l[1]); first != None && m.Eps[l[0]].Ready == first {
			m.readyDel(EpID(l[0]), first)
			m.readyAdd(EpID(l[0]), first, true)
		}
	})},
	{"a signal does not interrupt", returns(fnSignalWakeUp, 0, 0)},
	{"a nested instance says nothing", returns(fnEpPollSafewake, 0, 0)},
	{"HUP is left out", masks(fnPipePoll, 1, EPOLLHUP)},
	{"RDHUP is left out", masks(fnTCPPoll, 1, EPOLLRDHUP)},
	{"a pipe has no end of file", then(fnPipeRelease, 0, func(m *Machine, _ *cpu.Core, l [cpu.NumLocals]int64) {
		m.pipeOf(l[0]).Writers++
	})},
}
