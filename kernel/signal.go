package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Signals: kernel/signal.c, arch/x86/kernel/signal.c. A signal is a bit in its
// task, and a wakeup if the task sleeps interruptibly; it is delivered on the
// way to ring 3. Left out: queued information, stop and continue, core dumps.

const fileSignal = "kernel/signal.c"

// Numbers of signals that the kernel itself knows.
const (
	sigKILL  = 9
	sigSEGV  = 11
	sigPIPE  = 13
	sigCHLD  = 17
	sigCONT  = 18
	sigSTOP  = 19
	sigURG   = 23
	sigWINCH = 28
	maxSig   = 64
)

// saRestart is SA_RESTART.
const saRestart = 0x10000000

// Answers of interrupted calls that no program sees (include/linux/errno.h): the
// call is made again after the handler, or the answer is EINTR.
const (
	ERESTARTSYS    = 512 // again, if the handler was installed with SA_RESTART
	ERESTARTNOINTR = 513 // again, always
	ERESTARTNOHAND = 514 // again, if there is no handler

	ERESTART_RESTARTBLOCK = 516 // the same, for the time that is left
)

// sigBit is a signal's place in a set.
func sigBit(sig int64) uint64 { return 1 << (sig - 1) }

// Dispositions of a signal in a process.
const (
	sigDefault uint8 = iota
	sigHandler
	sigHandlerRestart // with SA_RESTART
)

// SigFrame is what setup_rt_frame saves on the user stack: everything that
// rt_sigreturn brings back.
type SigFrame struct {
	Regs    cpu.Regs
	Call    Syscall
	Blocked uint64
}

var signalText = text{
	fnSysRtSigaction: oneStep("__x64_sys_rt_sigaction", fileSignal, "do_sigaction", costFn, (*Machine).sysRtSigaction,
		"Says what a signal does to the process.", "The handler belongs to the process, the mask to the thread."),
	fnSysTgkill: {Name: "__x64_sys_tgkill", File: fileSignal,
		Say: "Sends a signal to one thread.", Why: "A thread that sleeps in a call is woken to take it.",
		Steps: []step{
			{Name: "find the task", Cost: costFD, Do: (*Machine).sysTgkill},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnDoSendSigInfo: {Name: "do_send_sig_info", File: fileSignal,
		Say: "Takes the lock of the receiver's signals.", Why: "A signal comes in whole or not at all.",
		Steps: []step{
			{Name: "lock_task_sighand", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				f := c.Frame()
				f.L[2] = m.irqSave(c)
				c.Call(fnSendSignal, f.L[0], f.L[1])
			}},
			{Name: "unlock_task_sighand", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) {
				m.irqRestore(c, c.Frame().L[2])
				c.Return(0)
			}},
		}},
	fnSendSignal: {Name: "__send_signal_locked", File: fileSignal,
		Say: "Marks the signal pending in its task, and makes sure that the task will see it.",
		Why: "Nothing is delivered yet: that is done by the task itself, on its way to ring 3.",
		Steps: []step{
			{Name: "pending, complete_signal", Cost: costFn, Do: (*Machine).sendSignal},
			{Name: "generated", Cost: costFn, Do: (*Machine).signalGenerated},
		}},
	fnSignalWakeUp: oneStep("signal_wake_up_state", fileSignal, "wake it, or kick its core", costFn, (*Machine).signalWakeUp,
		"A task that sleeps is woken; one that runs on another core is interrupted.", "Either way it comes by exit_to_user_mode_loop, where signals are looked at."),
	fnArchDoSignal: {Name: "arch_do_signal_or_restart", File: "arch/x86/kernel/signal.c",
		Say: "Takes a pending signal and acts on it.", Why: "The last thing before ring 3, with the call's answer already in pt_regs.",
		Steps: []step{
			{Name: "get_signal", Cost: costFn, Do: (*Machine).getSignal},
			{Name: "handle_signal: restart or EINTR, setup_rt_frame", Cost: costRegs, Do: (*Machine).handleSignal},
		}},
	fnDoGroupExit: {Name: "do_group_exit", File: "kernel/exit.c",
		Say: "The whole process ends because of a signal.", Why: "A signal without a handler is the process's business, not the thread's.",
		Steps: []step{
			{Name: "zap_other_threads", Cost: costFn, Do: (*Machine).doGroupExit},
			{Name: "do_exit", Cost: costFn, Do: calls(fnDoExit)},
			neverReturns,
		}},
	fnSysRtSigreturn: oneStep("__x64_sys_rt_sigreturn", "arch/x86/kernel/signal_64.c", "restore_sigcontext", costRegs, (*Machine).sysRtSigreturn,
		"Puts back what the signal frame has saved.", "The interrupted code goes on as if nothing had been."),
	fnSigHandler: {Name: "handler", Ring: 3, File: "(the thread program)",
		Say: "The program's signal handler; it does nothing.", Why: "That it exists is enough to interrupt a call.",
		Steps: []step{{Name: "return", Cost: costOp, Do: nothing}}},
	fnRestoreRT: {Name: "__restore_rt", Ring: 3, File: "glibc sysdeps/unix/sysv/linux/x86_64/libc_sigaction.c",
		Say: "The handler's return address leads here: back to the kernel.", Why: "Only the kernel can restore all registers.",
		Steps: []step{{Name: "rt_sigreturn", Cost: cpu.CostSyscall, Do: (*Machine).restoreRT}, {Name: "(not reached)", Do: nothing}}},
}

// signalPending tells whether a task has a signal to take (signal_pending).
func (t *Task) signalPending() bool { return t.SigPending&^t.SigBlocked != 0 }

// signalPending asks for the running task.
func (m *Machine) signalPending(c *cpu.Core) bool { return m.current(c).signalPending() }

// sysRtSigaction: locals are the signal and the flags.
func (m *Machine) sysRtSigaction(c *cpu.Core, r *sim.Record) {
	sig, flags := c.Frame().L[0], c.Frame().L[1]
	if sig < 1 || sig > maxSig || sig == sigKILL || sig == sigSTOP {
		c.Return(-EINVAL)
		return
	}
	d := sigHandler
	if flags&saRestart != 0 {
		d = sigHandlerRestart
	}
	m.Procs[m.current(c).Proc].Actions[sig] = d
	c.Return(0)
}

// sysTgkill: locals are the process, the thread and the signal.
func (m *Machine) sysTgkill(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	id := m.findTask(int32(l[1]))
	sig := int64(int32(l[2]))
	switch {
	case id == None || m.Tasks[id].State == Dead || m.Tasks[id].State == NotStarted:
		c.Return(-ESRCH)
		return
	case sig < 0 || sig > maxSig:
		c.Return(-EINVAL)
		return
	case sig == 0:
		c.Return(0)
		return
	}
	about(r, KindTask, id)
	c.Call(fnDoSendSigInfo, int64(id), sig)
}

// findTask finds a thread of the scenario by its number.
func (m *Machine) findTask(pid int32) TaskID {
	for i := range m.Tasks {
		if t := &m.Tasks[i]; t.Thread != None && t.PID == pid {
			return TaskID(i)
		}
	}
	return None
}

// ignored tells whether a signal does nothing by default.
func ignored(sig int64) bool {
	return sig == sigCHLD || sig == sigCONT || sig == sigURG || sig == sigWINCH
}

// sendSignal: locals are the task, the signal and, of a fault, its code.
func (m *Machine) sendSignal(c *cpu.Core, r *sim.Record) {
	id, sig := TaskID(c.Frame().L[0]), c.Frame().L[1]
	t := &m.Tasks[id]
	about(r, KindTask, id)
	r.Arg[0] = sig
	if ignored(sig) && m.Procs[t.Proc].Actions[sig] == sigDefault {
		return
	}
	t.SigPending |= sigBit(sig)
	if t.signalPending() {
		c.Call(fnSignalWakeUp, int64(id))
	}
}

func (m *Machine) signalGenerated(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, TaskID(c.Frame().L[0]))
	r.Arg[0], r.Arg[1] = c.Frame().L[1], c.Frame().L[2]
	m.point(c, r, PointSignalGenerate)
}

func (m *Machine) signalWakeUp(c *cpu.Core, r *sim.Record) {
	id := TaskID(c.Frame().L[0])
	t := &m.Tasks[id]
	about(r, KindTask, id)
	if t.State == Interruptible {
		c.Tail(fnTryToWakeUp, int64(id))
		return
	}
	if core := t.CPU; core != int32(c.ID) && m.CPUs[core].Current == id {
		m.sendIPI(core, VectorResched) // kick_process
	}
}

// getSignal takes the pending signal with the lowest number. Without a handler
// it ends the process, or nothing happens.
func (m *Machine) getSignal(c *cpu.Core, r *sim.Record) {
	t, f := m.current(c), c.Frame()
	about(r, KindTask, m.cpuOf(c).Current)
	set := t.SigPending &^ t.SigBlocked
	if p := &m.Procs[t.Proc]; p.Killed != 0 {
		f.L[0] = int64(p.Killed)
		c.Call(fnDoGroupExit, f.L[0])
		return
	}
	sig := int64(1)
	for ; set&sigBit(sig) == 0; sig++ {
	}
	t.SigPending &^= sigBit(sig)
	f.L[0] = sig
	if r.Arg[0] = sig; sig == sigSEGV {
		r.Arg[1], t.FaultCode = int64(t.FaultCode), 0
	}
	flags := m.irqSave(c) // sighand->siglock
	m.point(c, r, PointSignalDeliver)
	m.irqRestore(c, flags)
	if m.Procs[t.Proc].Actions[sig] == sigDefault {
		f.L[0] = 0
		if !ignored(sig) {
			c.Call(fnDoGroupExit, sig)
		}
	}
}

// handleSignal lays a frame for the handler on the user stack. A call that the
// signal has interrupted is made again or ends with EINTR.
func (m *Machine) handleSignal(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	sig := c.Frame().L[0]
	if sig == 0 {
		return
	}
	saved := c.Stack().Saved()
	if len(c.Ctx.User.F) >= maxUserDepth {
		m.giveUp(t.Name + ": signals nest too deep")
		return
	}
	m.restartCall(c, saved, m.Procs[t.Proc].Actions[sig] == sigHandlerRestart)
	blocked := t.SigBlocked
	if t.RestoreMask {
		blocked, t.RestoreMask = t.SavedMask, false
	}
	t.SigFrames = append(t.SigFrames, SigFrame{Regs: *saved, Call: t.Call, Blocked: blocked})
	t.SigBlocked = blocked | sigBit(sig)
	c.Ctx.User.Push(fnRestoreRT, sigFrameBytes)
	c.Ctx.User.Push(fnSigHandler, 0)
	saved.RIP, saved.RSP = m.Text.Addr(fnSigHandler, 0), c.Ctx.User.SP()
	*saved.At(m.ABI.Call[0]) = uint64(sig)
	r.Arg[0] = sig
}

// sigFrameBytes is about what struct rt_sigframe takes, without the state of
// the floating point unit.
const sigFrameBytes = 0x1b8

// restartCall changes the answer of an interrupted call to EINTR, or sends the
// C library's wrapper back to its syscall instruction.
func (m *Machine) restartCall(c *cpu.Core, saved *cpu.Regs, restart bool) {
	again := false
	switch -int64(saved.RAX) {
	case ERESTARTNOHAND, ERESTART_RESTARTBLOCK: // only a handler leads here
	case ERESTARTSYS:
		again = restart
	case ERESTARTNOINTR:
		again = true
	default:
		return
	}
	if !again {
		saved.RAX = -EINTR & (1<<64 - 1)
		return
	}
	c.Ctx.User.Cur().PC = 0
}

func (m *Machine) doGroupExit(c *cpu.Core, r *sim.Record) {
	t, sig := m.current(c), c.Frame().L[0]
	p := &m.Procs[t.Proc]
	about(r, KindTask, m.cpuOf(c).Current)
	if p.Killed == 0 {
		p.Killed = uint8(sig)
		for id := range m.Tasks {
			if other := &m.Tasks[id]; other.Proc == t.Proc && other.State == NotStarted {
				p.Live-- // it will not begin any more
			}
		}
	}
	t.ExitSignal = p.Killed
	for id := range m.Tasks {
		other := &m.Tasks[id]
		if other.Proc != t.Proc || other == t || other.Thread == None || other.State == Dead || other.State == NotStarted {
			continue
		}
		if other.SigPending&sigBit(sigKILL) == 0 {
			other.SigPending |= sigBit(sigKILL)
			c.Again()
			c.Call(fnSignalWakeUp, int64(id))
			return
		}
	}
}

func (m *Machine) restoreRT(c *cpu.Core, r *sim.Record) {
	*c.Regs.At(m.ABI.Number) = uint64(m.numbers[nrRtSigreturn])
	m.door(c)
}

func (m *Machine) sysRtSigreturn(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	last := len(t.SigFrames) - 1
	f := t.SigFrames[last]
	t.SigFrames = t.SigFrames[:last]
	c.Ctx.User.Pop()
	*c.Ctx.Kernel.Saved() = f.Regs
	t.Call, t.SigBlocked = f.Call, f.Blocked
	t.Call.Returns = true
	c.Return(int64(f.Regs.RAX))
}

// setUserSigmask exchanges the mask for the time of a call (set_user_sigmask).
func (m *Machine) setUserSigmask(c *cpu.Core, mask int64) {
	t := m.current(c)
	t.SavedMask, t.RestoreMask = t.SigBlocked, true
	t.SigBlocked = uint64(mask) &^ (sigBit(sigKILL) | sigBit(sigSTOP))
}

// restoreSigmask puts the mask back, unless a signal that the call let in is to
// be handled first: then the handler's frame does it
// (restore_saved_sigmask_unless).
func (m *Machine) restoreSigmask(c *cpu.Core, interrupted bool) {
	t := m.current(c)
	if !interrupted && t.RestoreMask {
		t.SigBlocked, t.RestoreMask = t.SavedMask, false
	}
}
