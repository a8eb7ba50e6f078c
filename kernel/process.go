package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Calls of the group "process", and a thread's end: kernel/exit.c, sys.c.

var processText = text{
	fnSysNanosleep: sysCall("__x64_sys_nanosleep", "kernel/time/hrtimer.c", fnHrtimerNanosleep, "The system call: sleep for a time."),
	fnSysSchedYield: {Name: "__x64_sys_sched_yield", File: "kernel/sched/syscalls.c",
		Say: "Gives the rest of the slice away.", Why: "The task stays runnable: it may well be chosen again.",
		Steps: []step{
			{Name: "yield_task, schedule", Cost: costFn, Do: (*Machine).sysSchedYield},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnSysGetpid: oneStep("__x64_sys_getpid", "kernel/sys.c", "task_tgid_vnr", costFn, (*Machine).sysGetpid,
		"The process's number.", "The cheapest system call there is: all of it is the way in and out."),
	fnSysGettid: oneStep("__x64_sys_gettid", "kernel/sys.c", "task_pid_vnr", costFn, (*Machine).sysGettid,
		"The thread's number.", "Linux schedules threads; the process is what they share."),
	fnSysNi: oneStep("sys_ni_syscall", "kernel/sys_ni.c", "no such system call", costFn,
		func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(-ENOSYS) },
		"There is no system call with this number.", "The answer is ENOSYS, not a signal."),
	fnSysExit: sysCall("__x64_sys_exit", "kernel/exit.c", fnDoExit, "The system call that does not return: the thread ends."),
	fnDoExit: {Name: "do_exit", File: "kernel/exit.c",
		Say: "The thread ends; with the last one the process's files are closed.", Why: "What is left is a task that is never chosen again.",
		Steps: []step{
			{Name: "exit_signals", Cost: costExit, Do: (*Machine).doExit},
			{Name: "exit_files", Cost: costFn, Do: (*Machine).exitFiles},
			{Name: "no longer a task that can run", Cost: costFn, Do: (*Machine).exitNotify},
			{Name: "do_task_dead: schedule for the last time", Cost: costFn, Do: (*Machine).scheduleCall},
			neverReturns,
		}},
}

func (m *Machine) sysSchedYield(c *cpu.Core, r *sim.Record) {
	if !m.rqLock(c, int32(c.ID)) {
		return
	}
	m.updateRqClock(int32(c.ID))
	m.yieldTask(int32(c.ID))
	m.rqUnlock(int32(c.ID))
	c.Call(fnSchedule)
}

func (m *Machine) sysGetpid(c *cpu.Core, r *sim.Record) {
	c.Return(int64(m.Procs[m.current(c).Proc].PID))
}

func (m *Machine) sysGettid(c *cpu.Core, r *sim.Record) { c.Return(int64(m.current(c).PID)) }

func (m *Machine) doExit(c *cpu.Core, r *sim.Record) {
	t := m.current(c)
	about(r, KindTask, m.cpuOf(c).Current)
	t.ExitCode = int32(c.Frame().L[0]) & 0xff
	c.Frame().L[1] = 0
	m.Procs[t.Proc].Live--
}

// exitFiles: the process's last thread closes what is open, one descriptor after
// another; local 1 is the next.
func (m *Machine) exitFiles(c *cpu.Core, r *sim.Record) {
	f, p := c.Frame(), &m.Procs[m.current(c).Proc]
	if p.Live > 0 {
		return
	}
	for ; int(f.L[1]) < len(p.FDs); f.L[1]++ {
		fd := int32(f.L[1])
		file := p.FDs[fd]
		if file == None {
			continue
		}
		p.FDs[fd] = None
		about(r, KindFD, fd)
		c.Again()
		m.filpClose(c, file)
		return
	}
	p.FDs = p.FDs[:0]
}

func (m *Machine) exitNotify(c *cpu.Core, r *sim.Record) {
	about(r, KindTask, m.cpuOf(c).Current)
	if m.setSpecialState(c, Dead) {
		m.point(c, r, PointProcessExit)
	}
}
