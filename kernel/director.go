package kernel

import (
	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// The director's calls are no system calls and not the kernel's: they steer a
// run, as a debugger does. A thread that waits for others is stopped, and goes
// on when what it waits for is so.

// DirectorWait is what a stopped thread waits for.
type DirectorWait uint8

const (
	WaitNothing DirectorWait = iota
	WaitSettle               // all other threads have exited or sleep in a call
	WaitBlocked              // the named ones have
	WaitJoin                 // the named ones have exited
)

var directorText = text{
	fnDirectorStop: {Name: "(director)", File: "(the scenario)",
		Say: "The thread is stopped until other threads are where the scenario wants them.",
		Why: "This is not the kernel's doing: it only fixes the order of what follows.",
		Steps: []step{
			{Name: "stopped", Do: (*Machine).directorStop},
			{Name: "looked at again", Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Goto(0) }},
			{Name: "goes on", Do: (*Machine).directorGo},
		}},
	fnDirectorGo: device("(director)", StNone, "(the scenario)", "a stopped thread may go on",
		"What the thread was waiting for is so.", "The other threads have exited or sleep."),
}

// direct does a call of the director.
func (m *Machine) direct(c *cpu.Core, p *program.Program, eff program.Effect) {
	t := m.current(c)
	names := eff.Args[:eff.N]
	kind := WaitNothing
	switch p.Calls[eff.Site].Spec.Name {
	case "spawn":
		m.spawn(t, names)
		return
	case "settle":
		kind = WaitSettle
	case "wait_blocked":
		kind = WaitBlocked
	case "join":
		kind = WaitJoin
	}
	t.Waits, t.WaitsFor = kind, t.WaitsFor[:0]
	for _, thread := range names {
		t.WaitsFor = append(t.WaitsFor, m.threadTask(int32(thread)))
	}
	c.Ctx.Kernel.PushRegs(&c.Regs, 5)
	c.Regs.CS, c.Regs.SS = cpu.KernelCS, cpu.KernelSS
	c.On = cpu.OnKernel
	c.Call(fnDirectorStop)
}

// threadTask is the task of a thread of the scenario.
func (m *Machine) threadTask(thread int32) TaskID {
	for i := range m.Tasks {
		if m.Tasks[i].Thread == thread {
			return TaskID(i)
		}
	}
	return None
}

// spawn starts threads that were declared to be spawned.
func (m *Machine) spawn(t *Task, names []int64) {
	for _, thread := range names {
		id := m.threadTask(int32(thread))
		if m.Tasks[id].State != NotStarted || m.Tasks[id].Spawned {
			m.giveUp(t.Name + ": spawn: " + m.Tasks[id].Name + " has been started already")
			return
		}
		m.Tasks[id].Spawned = true
		m.Queue.Push(sim.Event{At: m.Now, Cause: m.Seq, Kind: evStart, A: id})
	}
}

func (m *Machine) directorStop(c *cpu.Core, r *sim.Record) {
	id := m.cpuOf(c).Current
	t := &m.Tasks[id]
	about(r, KindTask, id)
	if m.directorMet(id) {
		t.Waits = WaitNothing
		c.Goto(2)
		return
	}
	if !m.setSpecialState(c, Stopped) {
		return
	}
	m.stopped++
	c.Call(fnSchedule)
}

func (m *Machine) directorGo(c *cpu.Core, r *sim.Record) {
	c.Regs = c.Ctx.Kernel.PopRegs()
	c.Ctx.Kernel.Pop() // this function's own frame
	c.On = cpu.OnUser
}

// directorMet tells whether a thread has what it waits for.
func (m *Machine) directorMet(id TaskID) bool {
	t := &m.Tasks[id]
	if t.Waits != WaitSettle {
		for _, other := range t.WaitsFor {
			if !m.atRest(other, t.Waits == WaitJoin) {
				return false
			}
		}
		return true
	}
	for other := range m.Tasks {
		o := &m.Tasks[other]
		if o.Thread != None && TaskID(other) != id && (o.State != NotStarted || o.Spawned) && !m.atRest(TaskID(other), false) {
			return false
		}
	}
	return true
}

// atRest tells whether a thread has exited, or sleeps.
func (m *Machine) atRest(id TaskID, exited bool) bool {
	t := &m.Tasks[id]
	if t.State == Dead {
		return true
	}
	asleep := t.State == Interruptible || t.State == Stopped
	return asleep && !exited && m.CPUs[t.CPU].Current != id && !t.signalPending()
}

// release lets stopped threads go on whose time has come. It is asked after each
// step.
func (m *Machine) release() {
	for id := range m.Tasks {
		t := &m.Tasks[id]
		if t.State == Stopped && m.CPUs[t.CPU].Current != TaskID(id) && m.directorMet(TaskID(id)) {
			m.stopped--
			m.setState(t, Waking)
			m.Queue.Push(sim.Event{At: m.Now, Cause: m.Seq - 1, Kind: evDirector, A: int32(id)})
			return
		}
	}
}

// directorWake makes a stopped thread runnable.
func (m *Machine) directorWake(id TaskID, r *sim.Record) {
	t := &m.Tasks[id]
	m.setState(t, Running)
	m.updateRqClock(t.CPU)
	if t.SE.Delayed {
		m.requeueDelayed(t.CPU, id)
	} else {
		m.enqueueTask(t.CPU, id, false)
	}
	m.wakeupPreempt(t.CPU, id)
	about(r, KindTask, id)
	r.Fn = uint16(fnDirectorGo)
}
