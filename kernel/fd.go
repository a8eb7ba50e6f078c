package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Descriptors: fs/file.c, fs/open.c, fs/fcntl.c. A descriptor is a number in the
// process's table; what it leads to is an open file, which several numbers may
// share.

const fileOpen = "fs/open.c"

var fdText = text{
	fnSysClose: {Name: "__x64_sys_close", File: fileOpen,
		Say: "Frees the number; the open file goes when nothing refers to it any more.", Why: "dup makes several descriptors of one open file, and a call that sleeps on it holds it too.",
		Steps: []step{
			{Name: "free the number", Cost: costFD, Do: (*Machine).sysClose},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnSysDup: oneStep("__x64_sys_dup", "fs/file.c", "a second number", costFD, (*Machine).sysDup,
		"Gives the open file one more number, the lowest that is free.", "Both lead to the same open file: one offset, one set of flags."),
	fnSysDup2: {Name: "__x64_sys_dup2", File: "fs/file.c",
		Say: "Makes one number lead to the open file behind another.", Why: "What the number led to before is closed on the way, as one action.",
		Steps: []step{
			{Name: "set the number", Cost: costFD, Do: (*Machine).sysDup2},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[1]) }},
		}},
	fnFput: {Name: "__fput", File: "fs/file_table.c",
		Say: "Nothing refers to the open file any more: epoll items that watch it go, then the file itself.", Why: "That is why closing usually, but not always, ends an epoll registration.",
		Steps: []step{
			{Name: "epoll items", Cost: costFn, Do: (*Machine).fputItems},
			{Name: "release", Cost: costEpCtl, Do: (*Machine).fputRelease},
			{Name: "free", Cost: costFn, Do: (*Machine).fputFree},
		}},
	fnTaskWorkRun: {Name: "task_work_run", File: "kernel/task_work.c",
		Say: "Does what the task has put off until its way back to ring 3.", Why: "A file whose last reference this call held is released here, where no lock is held.",
		Steps: []step{{Name: "next piece of work", Cost: costFn, Do: (*Machine).taskWorkRun}}},
	fnEventpollRelease: oneStep("eventpoll_release_file", fileEpoll, "remove the items", costEpCtl, (*Machine).eventpollRelease,
		"Removes the epoll items that watch the file.", "The file is going away, nobody can be told of its news."),
	fnSysFcntl: oneStep("__x64_sys_fcntl", "fs/fcntl.c", "flags", costFD, (*Machine).sysFcntl,
		"Reads or changes the open file's flags, O_NONBLOCK above all.", "They belong to the open file: all its descriptors share them."),
}

// oneStep is a function with a single step.
func oneStep(name, file, what string, cost cpu.Cost, do func(*Machine, *cpu.Core, *sim.Record), say, why string) code {
	return code{Name: name, File: file, Say: say, Why: why, Steps: []step{{Name: what, Cost: cost, Do: do}}}
}

// maxFDs is the limit on descriptors (RLIMIT_NOFILE's usual hard limit).
const maxFDs = 1 << 20

// fdLookup finds the open file behind a descriptor of the running task, or None.
func (m *Machine) fdLookup(c *cpu.Core, fd int64) FileID {
	fds := m.Procs[m.current(c).Proc].FDs
	if n := int32(fd); n >= 0 && int(n) < len(fds) {
		return fds[n]
	}
	return None
}

// fdGet finds the open file behind a descriptor and holds it until the call
// ends, so that a close in another thread does not take it away (fdget).
func (m *Machine) fdGet(c *cpu.Core, fd int64) FileID {
	file := m.fdLookup(c, fd)
	if file != None {
		call := &m.current(c).Call
		call.Held[call.NHeld] = file
		call.NHeld++
		m.Files[file].Refs++
	}
	return file
}

// fdput gives back what the call held; files that nobody refers to any more are
// released on the way to ring 3 (task_work_add).
func (m *Machine) fdput(c *cpu.Core) {
	call := &m.current(c).Call
	works := int8(0)
	for _, file := range call.Held[:call.NHeld] {
		if m.Files[file].Refs--; m.Files[file].Refs == 0 {
			call.Held[works] = file
			works++
		}
	}
	call.NHeld = works
}

// taskWorkRun releases the files that fdput has left.
func (m *Machine) taskWorkRun(c *cpu.Core, r *sim.Record) {
	call := &m.current(c).Call
	if call.NHeld == 0 {
		return
	}
	call.NHeld--
	c.Again()
	c.Call(fnFput, int64(call.Held[call.NHeld]))
}

// fdInstall gives an open file the lowest free number, from least on.
func (m *Machine) fdInstallFrom(c *cpu.Core, file FileID, least int32) int64 {
	p := &m.Procs[m.current(c).Proc]
	fd := max(least, p.Free)
	for int(fd) < len(p.FDs) && p.FDs[fd] != None {
		fd++
	}
	if fd >= maxFDs {
		return -EMFILE
	}
	m.fdSet(p, fd, file)
	if least <= p.Free {
		p.Free = fd + 1
	}
	return int64(fd)
}

// fdSet makes a free number lead to a file.
func (m *Machine) fdSet(p *Process, fd int32, file FileID) {
	for int(fd) >= len(p.FDs) {
		p.FDs = append(p.FDs, None)
	}
	p.FDs[fd] = file
}

// fdInstall gives an open file the lowest free number.
func (m *Machine) fdInstall(c *cpu.Core, file FileID) int64 { return m.fdInstallFrom(c, file, 0) }

func (m *Machine) newFile(kind FileKind, obj, flags int32) FileID {
	m.Files = append(m.Files, File{Kind: kind, Flags: flags, Refs: 1, Obj: obj, Items: None})
	return FileID(len(m.Files) - 1)
}

func (m *Machine) sysClose(c *cpu.Core, r *sim.Record) {
	fd := c.Frame().L[0]
	about(r, KindFD, int32(fd))
	file := m.fdLookup(c, fd)
	if file == None {
		c.Return(-EBADF)
		return
	}
	p := &m.Procs[m.current(c).Proc]
	p.FDs[int32(fd)] = None
	p.Free = min(p.Free, int32(fd))
	m.filpClose(c, file)
}

// filpClose gives one reference back, and releases the file if it was the last.
func (m *Machine) filpClose(c *cpu.Core, file FileID) {
	if m.Files[file].Refs--; m.Files[file].Refs == 0 {
		c.Call(fnFput, int64(file))
	}
}

func (m *Machine) sysDup(c *cpu.Core, r *sim.Record) {
	about(r, KindFD, int32(c.Frame().L[0]))
	file := m.fdLookup(c, c.Frame().L[0])
	if file == None {
		c.Return(-EBADF)
		return
	}
	m.Files[file].Refs++
	c.Return(m.fdInstall(c, file))
}

func (m *Machine) sysDup2(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file, to := m.fdLookup(c, f.L[0]), int32(f.L[1])
	switch {
	case file == None || to < 0 || to >= maxFDs:
		c.Return(-EBADF)
		return
	case to == int32(f.L[0]):
		return
	}
	p := &m.Procs[m.current(c).Proc]
	old := m.fdLookup(c, int64(to))
	m.Files[file].Refs++
	m.fdSet(p, to, file)
	if old != None {
		m.filpClose(c, old)
	}
}

func (m *Machine) fputItems(c *cpu.Core, r *sim.Record) {
	if file := FileID(c.Frame().L[0]); m.Files[file].Items != None {
		c.Again()
		c.Call(fnEventpollRelease, int64(file))
	}
}

func (m *Machine) eventpollRelease(c *cpu.Core, r *sim.Record) {
	file := FileID(c.Frame().L[0])
	about(r, KindEpi, m.Files[file].Items)
	for epi := m.Files[file].Items; epi != None && !m.epSpin(c, m.Epis[epi].Ep) && m.removeItem(c, epi); {
		epi = m.Files[file].Items
	}
}

func (m *Machine) fputRelease(c *cpu.Core, r *sim.Record) {
	f := &m.Files[c.Frame().L[0]]
	if release := fileOps[f.Kind].release; release != fnNone {
		c.Call(release, c.Frame().L[0])
	}
}

func (m *Machine) fputFree(c *cpu.Core, r *sim.Record) { m.Files[c.Frame().L[0]].Kind = FileNone }

// setFlags are the flags that F_SETFL can change (SETFL_MASK, without those for
// asynchronous and direct input and output).
const setFlags = oAppend | oNonblock

func (m *Machine) sysFcntl(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	if file == None {
		c.Return(-EBADF)
		return
	}
	fl := &m.Files[file]
	switch int32(f.L[1]) {
	case fGetFL:
		c.Return(int64(fl.Flags))
	case fSetFL:
		fl.Flags = fl.Flags&^setFlags | int32(f.L[2])&setFlags
		c.Return(0)
	case fSetPipeSize, fGetPipeSize:
		if fn := fileOps[fl.Kind].resize; fn != fnNone {
			c.Tail(fn, int64(file), f.L[1], f.L[2])
			return
		}
		c.Return(-EBADF)
	default:
		m.giveUp("fcntl is modelled for F_GETFL, F_SETFL, F_GETPIPE_SZ and F_SETPIPE_SZ")
	}
}
