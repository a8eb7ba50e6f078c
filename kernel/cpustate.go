package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// cpuOf is the kernel's data of a core.
func (m *Machine) cpuOf(c *cpu.Core) *CPU { return &m.CPUs[c.ID] }

// current is the task that runs on a core.
func (m *Machine) current(c *cpu.Core) *Task { return &m.Tasks[m.CPUs[c.ID].Current] }

// lock and unlock are spin_lock and spin_unlock: with one step at a time nobody
// ever spins, what remains is that preemption is off.
func (m *Machine) lock(c *cpu.Core)   { m.CPUs[c.ID].Preempt += CountPreempt }
func (m *Machine) unlock(c *cpu.Core) { m.CPUs[c.ID].Preempt -= CountPreempt }

// irqSave is spin_lock_irqsave: it gives the flags for irqRestore.
func (m *Machine) irqSave(c *cpu.Core) int64 {
	was := c.Regs.IF()
	c.Cli()
	m.lock(c)
	if was {
		return 1
	}
	return 0
}

func (m *Machine) irqRestore(c *cpu.Core, flags int64) {
	m.unlock(c)
	if flags != 0 {
		c.Regs.RFLAGS |= cpu.FlagIF
	}
}

// context tells whose work a core is doing.
func (m *Machine) context(c *cpu.Core) uint8 {
	p := m.CPUs[c.ID].Preempt
	switch {
	case c.Micro != 0:
		return CtxHardware
	case c.Regs.Ring() == 3:
		return CtxUser
	case p&maskHardirq != 0:
		return CtxHardirq
	case p&CountSoftirq != 0:
		return CtxSoftirq
	case interruptEntry(c.Frame().Code):
		return CtxHardirq
	case m.current(c).Idle:
		return CtxIdle
	}
	return CtxSyscall
}

// CoreContext tells whose work a core is in the middle of.
func (m *Machine) CoreContext(core int) uint8 { return m.context(&m.Cores[core]) }

// interruptEntry tells whether a function is on the way between an interrupt
// and its handler.
func interruptEntry(fn cpu.CodeID) bool {
	return fn >= fnAsmCommonInterrupt && fn <= fnIRQExit || fn >= fnEl0Irq && fn <= fnPercpuDevidIRQ
}

// stamp writes into a record what it tells about its core.
func (m *Machine) stamp(c *cpu.Core, r *sim.Record) {
	k := &m.CPUs[c.ID]
	r.Task = int16(k.Current)
	r.Ctx = m.context(c)
	m.flags(c, r)
}

// flags are the ones that the kernel's trace shows, as of now.
func (m *Machine) flags(c *cpu.Core, r *sim.Record) {
	k := &m.CPUs[c.ID]
	var f uint8
	if !c.Regs.IF() {
		f |= FlagIRQsOff
	}
	if m.Tasks[k.Current].NeedResched {
		f |= FlagNeedResched
	}
	if k.Preempt&maskHardirq != 0 {
		f |= FlagHardirq
	}
	if k.servingSoftirq() {
		f |= FlagSoftirq
	}
	if k.Preempt&maskSoftirq >= countBHDisable {
		f |= FlagBHOff
	}
	r.Flags = f
	r.Preempt = uint8(k.Preempt & maskPreempt)
}

// point makes the record stand for a tracepoint; flags and depth are those at
// this place of the function.
func (m *Machine) point(c *cpu.Core, r *sim.Record, p uint8) {
	r.Point = p
	m.flags(c, r)
}

// about says which object the record touches.
func about(r *sim.Record, kind uint8, obj int32) { r.Kind, r.Obj = kind, obj }
