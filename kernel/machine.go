package kernel

import (
	"ringside/sim"
)

// Step does the next step of the machine: of a device, or of the core whose
// step in flight ends first. It fills r and returns false, with the state as it
// was, when nothing is left to happen, when the run's end is reached, or when it
// was given up (Fault).
func (m *Machine) Step(r *sim.Record) bool {
	core, at := m.nextCore()
	event := m.Queue.PeekAt()
	first := min(at, event)
	if first == sim.Never || m.Config.Stop > 0 && first > m.Config.Stop || m.Fault != "" {
		return false
	}
	*r = sim.Record{}
	m.Now = first
	if event <= at {
		e := m.Queue.Pop()
		m.event(&e, r)
	} else {
		m.here = int32(core)
		c := &m.Cores[core]
		m.stamp(c, r)
		m.Text.Step(m, c, &m.Costs, r, m.Seq)
		if r.Station != StNone {
			r.Station = m.onPath(c, r)
		}
		m.here = None
	}
	m.Seq++
	if m.stopped > 0 {
		m.release()
	}
	m.drain()
	return true
}

// nextCore is the core whose step in flight ends first, and when.
func (m *Machine) nextCore() (core int, at sim.Time) {
	at = m.Cores[0].Next
	for i := 1; i < len(m.Cores); i++ {
		if m.Cores[i].Next < at {
			core, at = i, m.Cores[i].Next
		}
	}
	return core, at
}

// drain does the events that come next and leave no record, so that the next
// Step either leaves one or changes nothing.
func (m *Machine) drain() {
	for m.Queue.Len() > 0 {
		if _, at := m.nextCore(); m.Queue.PeekAt() > at {
			return
		}
		e := m.Queue.Peek()
		if !m.silent(&e) {
			return
		}
		m.Queue.Pop()
		switch e.Kind {
		case evWire:
			m.wireArrives(&e)
		case evRemote:
			m.remoteEarly(&e)
		}
	}
}

// giveUp ends the run with a reason: the program asked for something that the
// model does not have, and would answer wrong.
func (m *Machine) giveUp(why string) {
	if m.Fault == "" {
		m.Fault = why
	}
}

// CopyFrom makes m an exact copy of src, in m's own memory.
func (m *Machine) CopyFrom(src *Machine) {
	old := *m
	*m = *src
	m.Queue, m.NIC, m.PT, m.IOMMU = old.Queue, old.NIC, old.PT, old.IOMMU
	m.PT.CopyFrom(&src.PT)
	m.IOMMU.CopyFrom(&src.IOMMU)
	m.freeIOVAs = append(old.freeIOVAs[:0], src.freeIOVAs...)
	m.Frames = src.Frames[:len(src.Frames):len(src.Frames)]
	m.Remotes = resize(old.Remotes, len(src.Remotes))
	for i := range src.Remotes {
		todo := m.Remotes[i].Todo
		m.Remotes[i] = src.Remotes[i]
		m.Remotes[i].Todo = append(todo[:0], src.Remotes[i].Todo...)
	}
	m.Queue.CopyFrom(&src.Queue)
	m.NIC.CopyFrom(&src.NIC)
	m.Cores = resize(old.Cores, len(src.Cores))
	for i := range src.Cores {
		m.Cores[i].CopyFrom(&src.Cores[i])
	}
	m.CPUs = resize(old.CPUs, len(src.CPUs))
	for i := range src.CPUs {
		m.CPUs[i].copyFrom(&src.CPUs[i])
	}
	m.Tasks = resize(old.Tasks, len(src.Tasks))
	for i := range src.Tasks {
		m.Tasks[i].copyFrom(&src.Tasks[i])
	}
	m.Procs = resize(old.Procs, len(src.Procs))
	for i := range src.Procs {
		m.Procs[i].copyFrom(&src.Procs[i])
	}
	m.Files = append(old.Files[:0], src.Files...)
	m.Socks = append(old.Socks[:0], src.Socks...)
	m.TCPs = append(old.TCPs[:0], src.TCPs...)
	m.Reqs = append(old.Reqs[:0], src.Reqs...)
	m.Skbs = append(old.Skbs[:0], src.Skbs...)
	m.Queues = append(old.Queues[:0], src.Queues...)
	m.Waits = append(old.Waits[:0], src.Waits...)
	m.Eps = append(old.Eps[:0], src.Eps...)
	m.Epis = append(old.Epis[:0], src.Epis...)
	m.Bufs = resize(old.Bufs, len(src.Bufs))
	for i := range src.Bufs {
		m.Bufs[i] = append(m.Bufs[i][:0], src.Bufs[i]...)
	}
	m.Pipes = resize(old.Pipes, len(src.Pipes))
	for i := range src.Pipes {
		m.Pipes[i].copyFrom(&src.Pipes[i])
	}
	m.Kstat = append(old.Kstat[:0], src.Kstat...)
	m.EventFDs = append(old.EventFDs[:0], src.EventFDs...)
	m.TimerFDs = append(old.TimerFDs[:0], src.TimerFDs...)
	m.Napis = append(old.Napis[:0], src.Napis...)
	m.freeBufs = append(old.freeBufs[:0], src.freeBufs...)
}

// resize gives s the length n and keeps the memory that its elements own.
func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	grown := make([]T, n)
	copy(grown, s[:cap(s)])
	return grown
}

func (k *CPU) copyFrom(src *CPU) {
	queue, timers, wheel, wake := k.RQ.Queue, k.Timers, k.Wheel, k.Wake
	*k = *src
	k.RQ.Queue = append(queue[:0], src.RQ.Queue...)
	k.Timers = append(timers[:0], src.Timers...)
	k.Wheel = append(wheel[:0], src.Wheel...)
	k.Wake = append(wake[:0], src.Wake...)
}

func (t *Task) copyFrom(src *Task) {
	ctx, mem, frames, waits := t.Ctx, t.Mem, t.SigFrames, t.WaitsFor
	*t = *src
	t.Ctx, t.Mem = ctx, mem
	t.SigFrames = append(frames[:0], src.SigFrames...)
	t.WaitsFor = append(waits[:0], src.WaitsFor...)
	t.Ctx.CopyFrom(&src.Ctx)
	t.Mem.CopyFrom(&src.Mem)
}

func (p *Pipe) copyFrom(src *Pipe) {
	bufs := p.Bufs
	*p = *src
	p.Bufs = append(bufs[:0], src.Bufs...)
}

func (p *Process) copyFrom(src *Process) {
	fds, shared, heap := p.FDs, p.Shared, p.Heap
	*p = *src
	p.Heap = append(heap[:0], src.Heap...)
	p.FDs = append(fds[:0], src.FDs...)
	p.Shared = append(shared[:0], src.Shared...)
}

// Size is about how many bytes a copy takes.
func (m *Machine) Size() int {
	n := 4096 + 40*m.Queue.Len()
	for i := range m.Cores {
		n += 2048 + 64*(len(m.Cores[i].IRQ.F)+len(m.Cores[i].Ctx.Kernel.F)+len(m.Cores[i].Ctx.User.F))
	}
	for i := range m.Tasks {
		t := &m.Tasks[i]
		n += 900 + 64*(len(t.Ctx.Kernel.F)+len(t.Ctx.User.F)) + len(t.Mem.Data) + 8*len(t.Mem.Slots)
	}
	for i := range m.Procs {
		n += 4*len(m.Procs[i].FDs) + len(m.Procs[i].Heap)
	}
	for i := range m.Pipes {
		n += 64 + 8*len(m.Pipes[i].Bufs)
	}
	for i := range m.Bufs {
		n += 24 + len(m.Bufs[i])
	}
	return n + m.NIC.Size() + m.PT.Size() + m.IOMMU.Size() + 4*len(m.freeIOVAs) + 40*len(m.Files) + 96*len(m.Socks) + 120*len(m.Remotes) + 256*len(m.TCPs) + 56*len(m.Reqs) + 56*len(m.Skbs) +
		8*len(m.Queues) + 40*len(m.Waits) + 48*len(m.Eps) + 64*len(m.Epis) +
		24*len(m.EventFDs) + 40*len(m.TimerFDs)
}
