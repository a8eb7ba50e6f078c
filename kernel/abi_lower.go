package kernel

import (
	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// arm64 has no system call that only older architectures need: its C library
// makes another one instead (glibc sysdeps/unix/sysv/linux).

var substituteText = text{
	fnSysDup3: {Name: "__x64_sys_dup3", File: "fs/file.c",
		Say: "dup2 with flags, and an error if the two numbers are the same.", Why: "A flag at the call cannot come too late, as fcntl after it can.",
		Steps: []step{
			{Name: "set the number", Cost: costFD, Do: (*Machine).sysDup3},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[1]) }},
		}},
	fnSysPselect6: sysCall("__x64_sys_pselect6", fileSelect, fnDoPselect, "The system call: select, with a mask of signals for the time of the wait."),
	fnDoPselect: {Name: "do_pselect", File: fileSelect,
		Say: "Computes when time is up.", Why: "The timeout is relative, the sleep is not: a wakeup for nothing must not make it longer.",
		Steps: []step{
			{Name: "when is time up?", Cost: costFn, Do: (*Machine).kernSelect},
			{Name: "poll_select_finish", Cost: costFn, Do: (*Machine).pollSelectFinish},
		}},
}

// sysDup3: arguments are the descriptor, the new number, the flags.
func (m *Machine) sysDup3(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if l[2]&^oCloexec != 0 || int32(l[0]) == int32(l[1]) {
		c.Return(-EINVAL)
		return
	}
	m.sysDup2(c, r)
}

// substitute turns a lowered call into the one that the ABI has. It fails when
// the library answers by itself.
func (m *Machine) substitute(nr int64, args *[6]int64) (int64, int64) {
	if m.Config.ABI == program.LinuxInt80 && nr == nrAccept { // a part of socketcall only
		args[1] = 0
		return nrAccept4, 0
	}
	other, ok := program.Substitutes[nr]
	if !ok || m.Config.ABI != program.LinuxARM64 {
		return nr, 0
	}
	switch nr {
	case nrDup2:
		if int32(args[0]) == int32(args[1]) { // dup3 would refuse: is the descriptor open?
			args[1] = fGetFL
			return nrFcntl, 0
		}
		args[2] = 0
	case nrPoll:
		args[2], args[3] = max(msToNs(args[2]), program.NoTimeout), 0
	case nrEpollWait:
		args[4] = 0 // no mask
	case nrSelect:
		args[5] = 0
	case nrEpollCreate:
		if int32(args[0]) <= 0 {
			return nr, EINVAL
		}
		args[0] = 0
	}
	return other, 0
}
