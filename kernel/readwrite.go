package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Reading and writing, whatever the file is: fs/read_write.c.

const fileReadWrite = "fs/read_write.c"

// fileOperations are the functions behind a kind of open file ("struct
// file_operations"); fnNone where it has none. Their locals are
//
//	read, write: file, user address, number of bytes
//	poll:        file, poll table (see pollWait); it returns a mask of events
//	release:     file
//	resize:      file, F_SETPIPE_SZ or F_GETPIPE_SZ, size
type fileOperations struct{ read, write, poll, release, resize cpu.CodeID }

var fileOps = [NumFileKinds]fileOperations{
	FileConsole: {read: fnReadNull, write: fnWriteNull},
	FileSocket:  {read: fnSockReadIter, write: fnSockWriteIter, poll: fnSockPoll, release: fnSockClose},
	FileEpoll:   {poll: fnEpEventpollPoll, release: fnEpEventpollRelease},
	FilePipe:    {read: fnPipeRead, write: fnPipeWrite, poll: fnPipePoll, release: fnPipeRelease, resize: fnPipeFcntl},
	FileEventFD: {read: fnEventfdRead, write: fnEventfdWrite, poll: fnEventfdPoll, release: fnEventfdRelease},
	FileTimerFD: {read: fnTimerfdRead, poll: fnTimerfdPoll, release: fnTimerfdRelease},
	FileMemFD:   {read: fnShmemRead, write: fnShmemWrite, release: fnShmemRelease},
}

var readWriteText = text{
	fnSysRead:  sysCall("__x64_sys_read", fileReadWrite, fnKsysRead, "The system call: read from a descriptor."),
	fnKsysRead: oneStep("ksys_read", fileReadWrite, "find the open file", costFD, (*Machine).ksysRead, "From the number to the open file.", "EBADF if there is none."),
	fnVfsRead: oneStep("vfs_read", fileReadWrite, "the file's read operation", costFn, (*Machine).vfsRead,
		"Calls the read operation of that kind of file.", "Everything is a file; what reading means differs."),
	fnSysWrite:  sysCall("__x64_sys_write", fileReadWrite, fnKsysWrite, "The system call: write to a descriptor."),
	fnKsysWrite: oneStep("ksys_write", fileReadWrite, "find the open file", costFD, (*Machine).ksysWrite, "From the number to the open file.", "EBADF if there is none."),
	fnVfsWrite: oneStep("vfs_write", fileReadWrite, "the file's write operation", costFn, (*Machine).vfsWrite,
		"Calls the write operation of that kind of file.", "A socket sends, a pipe stores, an eventfd counts."),
	fnReadNull: oneStep("read_null", "drivers/char/mem.c", "at the end", costFn, returnsZero,
		"Standard input is at its end.", "Nobody types into a scenario."),
	fnWriteNull: oneStep("write_null", "drivers/char/mem.c", "take everything", costCopy, func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[2]) },
		"Standard output takes everything.", "What a program prints is in the list of its calls."),
}

// accessMode says what a file was opened for.
const (
	oAccMode = 3
	oRdonly  = 0
	oWronly  = 1
)

func (m *Machine) ksysRead(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	if file == None || m.Files[file].Flags&oAccMode == oWronly {
		c.Return(-EBADF)
		return
	}
	c.Call(fnVfsRead, int64(file), f.L[1], f.L[2])
}

func (m *Machine) vfsRead(c *cpu.Core, r *sim.Record) {
	m.readOrWrite(c, fileOps[m.Files[c.Frame().L[0]].Kind].read)
}

func (m *Machine) ksysWrite(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	if file == None || m.Files[file].Flags&oAccMode == oRdonly {
		c.Return(-EBADF)
		return
	}
	c.Call(fnVfsWrite, int64(file), f.L[1], f.L[2])
}

func (m *Machine) vfsWrite(c *cpu.Core, r *sim.Record) {
	m.readOrWrite(c, fileOps[m.Files[c.Frame().L[0]].Kind].write)
}

func (m *Machine) readOrWrite(c *cpu.Core, op cpu.CodeID) {
	f := c.Frame()
	switch {
	case op == fnNone:
		c.Return(-EINVAL)
	case f.L[2] < 0:
		c.Return(-EINVAL)
	default:
		c.Call(op, f.L[0], f.L[1], f.L[2])
	}
}
