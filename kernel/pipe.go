package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Pipes: fs/pipe.c. A pipe is a ring of slots, each with a page. Small writes
// are merged into the last page. Readers and writers wait on a queue each, one
// after another: whoever was woken and leaves something wakes the next.
//
// A read or a write between two sleeps is a single step here, so that nobody is
// ever found waiting for the pipe's mutex.

const (
	filePipe = "fs/pipe.c"

	pageSize    = 4096
	pipeSlots   = 16      // PIPE_DEF_BUFFERS
	pipeMaxSize = 1 << 20 // fs.pipe-max-size
)

// Pipe is a pipe ("struct pipe_inode_info").
type Pipe struct {
	Readers, Writers int32
	RdWait, WrWait   QueueID
	Bufs             []PipeBuf // what is in it, the oldest first
	Slots            int32     // max_usage
	Polled           bool      // poll_usage: somebody has asked by poll, select or epoll
}

// PipeBuf is a slot in use ("struct pipe_buffer").
type PipeBuf struct {
	Page BufID // as long as what was written to it
	Off  int32 // what was read already
}

var pipeText = text{
	fnSysPipe2: sysCall("__x64_sys_pipe2", filePipe, fnDoPipe2, "The system call: make a pipe."),
	fnDoPipe2: oneStep("do_pipe2", filePipe, "make the pipe and two descriptors", costSocket, (*Machine).doPipe2,
		"Makes a pipe with two open files: one to read from, one to write to.", "Two descriptors, so that each end can be closed on its own."),
	fnPipeRead: {Name: "anon_pipe_read", File: filePipe,
		Say: "Takes what is in the pipe, up to the size asked for; sleeps if there is nothing.",
		Why: "Writers are woken only if the pipe was full: the others do not sleep.",
		Steps: []step{
			{Name: "copy from the pages", Cost: costCopy, Do: (*Machine).pipeRead},
			{Name: "empty: queue on rd_wait, look again, sleep", Cost: costSleep, Do: (*Machine).pipeReadWait},
			{Name: "awake", Cost: costFn, Do: (*Machine).pipeReadAwake},
			{Name: "was it full? wake a writer", Cost: costFn, Do: (*Machine).pipeReadDone},
			{Name: "is something left? wake the next reader", Cost: costFn, Do: (*Machine).pipeReadNext},
			{Name: "return", Cost: costFn, Do: pipeReturn},
		}},
	fnPipeWrite: {Name: "anon_pipe_write", File: filePipe,
		Say: "Puts data into the pipe; sleeps while it is full.",
		Why: "Up to 4096 bytes go in at once or not at all; more may be interleaved with other writers' data.",
		Steps: []step{
			{Name: "merge with the last page, fill free slots", Cost: costCopy, Do: (*Machine).pipeWrite},
			{Name: "full: was it empty? wake a reader", Cost: costFn, Do: (*Machine).pipeWriteFull},
			{Name: "queue on wr_wait, look again, sleep", Cost: costSleep, Do: (*Machine).pipeWriteWait},
			{Name: "awake: fill free slots", Cost: costCopy, Do: (*Machine).pipeWriteAwake},
			{Name: "was it empty? wake a reader", Cost: costFn, Do: (*Machine).pipeWriteDone},
			{Name: "is there room? wake the next writer", Cost: costFn, Do: (*Machine).pipeWriteNext},
			{Name: "return", Cost: costFn, Do: pipeReturn},
		}},
	fnPipePoll: {Name: "pipe_poll", File: filePipe,
		Say: "Readable if something is in the pipe, writable if a slot is free.",
		Why: "From the first poll on every write wakes the readers' queue: edge-triggered programs have come to rely on it.",
		Steps: []step{
			{Name: "poll_wait", Cost: costFn, Do: (*Machine).pipePollWait},
			{Name: "what is possible?", Cost: costFn, Do: (*Machine).pipePollMask},
		}},
	fnPipeRelease: {Name: "pipe_release", File: filePipe,
		Say: "One end of the pipe is closed.", Why: "With the last writer everybody who waits to read is woken: it is the end of the file.",
		Steps: []step{
			{Name: "the last of its side? wake all readers", Cost: costFn, Do: (*Machine).pipeRelease},
			{Name: "wake all writers", Cost: costFn, Do: (*Machine).pipeReleaseWriters},
			{Name: "put_pipe_info", Cost: costFn, Do: (*Machine).pipePut},
		}},
	fnPipeFcntl: {Name: "pipe_fcntl", File: filePipe,
		Say: "Tells or changes how many pages the pipe can hold.", Why: "The number of slots is a power of two, and never less than what is in use.",
		Steps: []step{
			{Name: "pipe_set_size", Cost: costFn, Do: (*Machine).pipeFcntl},
			{Name: "return the size", Cost: costFn, Do: (*Machine).pipeSize},
		}},
}

func (p *Pipe) full() bool { return len(p.Bufs) >= int(p.Slots) }

// room is how many bytes its free slots take.
func (p *Pipe) room() int64 { return (int64(p.Slots) - int64(len(p.Bufs))) * pageSize }

// pipeOf is the pipe of an open file.
func (m *Machine) pipeOf(file int64) *Pipe { return &m.Pipes[m.Files[file].Obj] }

func (m *Machine) doPipe2(c *cpu.Core, r *sim.Record) {
	flags := int32(c.Frame().L[0])
	if flags&^(oCloexec|oNonblock|oDirect) != 0 {
		c.Return(-EINVAL)
		return
	}
	if flags&oDirect != 0 {
		m.giveUp("pipe2 is not modelled with O_DIRECT")
		return
	}
	pipe := int32(len(m.Pipes))
	m.Pipes = append(m.Pipes, Pipe{Readers: 1, Writers: 1, RdWait: m.newQueue(), WrWait: m.newQueue(), Slots: pipeSlots})
	flags &= oNonblock
	c.Return(m.installPair(c, r, m.newFile(FilePipe, pipe, oRdonly|flags), m.newFile(FilePipe, pipe, oWronly|flags)))
}

// installPair gives the two open files of a call their descriptors.
func (m *Machine) installPair(c *cpu.Core, r *sim.Record, a, b FileID) int64 {
	fd, second := m.fdInstall(c, a), m.fdInstall(c, b)
	if fd < 0 || second < 0 {
		m.giveUp("a process has more than 1048576 descriptors")
		return -EMFILE
	}
	about(r, KindFD, int32(fd))
	m.current(c).Call.Pair = [2]int32{int32(fd), int32(second)}
	return 0
}

// Locals of anon_pipe_read and anon_pipe_write: the file, where the data is in
// user memory and how much of it is still to be copied, what was copied or went
// wrong, the entry on the wait queue, and what is to be done at the end.
const (
	ppFile = iota
	ppAddr
	ppLeft
	ppRet
	ppWait
	ppFlags
)

// Bits of ppFlags.
const (
	pipeWasEdge  = 1 // the pipe was full before the read, empty before the write
	pipeWakeNext = 2 // this one was woken: hand over to the next of its side
)

func pipeReturn(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[ppRet]) }

// pipeAdvance counts bytes as copied.
func pipeAdvance(f *cpu.Frame, n int) {
	f.L[ppAddr] += int64(n)
	f.L[ppLeft] -= int64(n)
	f.L[ppRet] += int64(n)
}

// pipeFails notes an error, unless something was copied: then that is the result.
func pipeFails(f *cpu.Frame, errno int64) {
	if f.L[ppRet] == 0 {
		f.L[ppRet] = -errno
	}
}

func (m *Machine) pipeRead(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	about(r, KindQueue, p.RdWait)
	if f.L[ppLeft] == 0 {
		c.Return(f.L[ppRet])
		return
	}
	fault, again := m.pipeTake(c, p)
	switch {
	case again:
		return
	case fault:
		pipeFails(f, EFAULT)
	case f.L[ppRet] > 0 || p.Writers == 0:
	case m.nonblocking(f.L[ppFile]):
		f.L[ppRet] = -EAGAIN
	default:
		return
	}
	if len(p.Bufs) == 0 {
		f.L[ppFlags] &^= pipeWakeNext
	}
	r.Arg[0] = f.L[ppRet]
	c.Goto(3)
}

// pipeTake copies what is in the pipe to the reader's memory, and tells whether
// there was none, or whether it has to be made first.
func (m *Machine) pipeTake(c *cpu.Core, p *Pipe) (fault, again bool) {
	f := c.Frame()
	for len(p.Bufs) > 0 && f.L[ppLeft] > 0 {
		b := &p.Bufs[0]
		data := m.Bufs[b.Page][b.Off:]
		data = data[:min(int64(len(data)), f.L[ppLeft])]
		if !m.reach(c, f.L[ppAddr], int64(len(data)), toWrite) {
			return false, true
		}
		if !m.copyToUser(c, f.L[ppAddr], data) {
			return true, false
		}
		pipeAdvance(f, len(data))
		if b.Off += int32(len(data)); int(b.Off) < len(m.Bufs[b.Page]) {
			break
		}
		if p.full() {
			f.L[ppFlags] |= pipeWasEdge
		}
		m.freeBuf(b.Page)
		p.Bufs = append(p.Bufs[:0], p.Bufs[1:]...)
	}
	return false, false
}

func (p *Pipe) readable() bool { return len(p.Bufs) > 0 || p.Writers == 0 }

func (p *Pipe) writable() bool { return !p.full() || p.Readers == 0 }

// pipeReadWait is wait_event_interruptible_exclusive: a write between the look
// at the empty pipe and the queueing is seen by the second look.
func (m *Machine) pipeReadWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	about(r, KindQueue, p.RdWait)
	f.L[ppWait] = int64(m.prepareToWait(c, p.RdWait, WaitAutoremove, true))
	if !p.readable() && !m.signalPending(c) {
		c.Call(fnSchedule)
	}
}

func (m *Machine) pipeReadAwake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	about(r, KindQueue, p.RdWait)
	if m.entrySpin(c, WaitID(f.L[ppWait])) {
		return
	}
	m.finishWait(c, WaitID(f.L[ppWait]))
	switch {
	case p.readable():
		f.L[ppFlags] |= pipeWakeNext
		c.Goto(0)
	case m.signalPending(c):
		c.Return(-ERESTARTSYS)
	default:
		c.Goto(1)
	}
}

func (m *Machine) pipeReadDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.pipeWake(c, r, f.L[ppFlags]&pipeWasEdge != 0, m.pipeOf(f.L[ppFile]).WrWait, EPOLLOUT|EPOLLWRNORM)
}

func (m *Machine) pipeReadNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.pipeWake(c, r, f.L[ppFlags]&pipeWakeNext != 0, m.pipeOf(f.L[ppFile]).RdWait, EPOLLIN|EPOLLRDNORM)
}

// pipeWake wakes one of those who wait exclusively on a pipe's queue, and all
// the others (wake_up_interruptible_sync_poll).
func (m *Machine) pipeWake(c *cpu.Core, r *sim.Record, wake bool, q QueueID, key int64) {
	about(r, KindQueue, q)
	if wake {
		c.Call(fnWakeUpSyncKey, int64(q), 1, key)
	}
}

// pipeWrite begins a write. What does not fill a page goes into the last page
// of a pipe that is not empty, if there is room for it.
func (m *Machine) pipeWrite(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	about(r, KindQueue, p.WrWait)
	if f.L[ppLeft] == 0 {
		c.Return(0)
		return
	}
	if p.Readers == 0 {
		m.pipeBroken(c)
		return
	}
	rest := int(f.L[ppLeft] % pageSize)
	if !m.reach(c, f.L[ppAddr], min(f.L[ppLeft], int64(rest)+p.room()), toRead) {
		return
	}
	if len(p.Bufs) == 0 {
		f.L[ppFlags] |= pipeWasEdge
	} else if last := p.Bufs[len(p.Bufs)-1].Page; rest != 0 && len(m.Bufs[last])+rest <= pageSize {
		var data [pageSize]byte
		if !m.copyFromUser(c, data[:rest], f.L[ppAddr]) {
			pipeFails(f, EFAULT)
			c.Goto(4)
			return
		}
		m.Bufs[last] = append(m.Bufs[last], data[:rest]...)
		pipeAdvance(f, rest)
	}
	m.pipeFill(c)
}

// pipeFill puts data into free slots until all of it is written, or the pipe is
// full and the writer has to wait: then the next step but this is pipeWriteFull.
func (m *Machine) pipeFill(c *cpu.Core) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	if p.Readers == 0 {
		m.pipeBroken(c)
		return
	}
	for f.L[ppLeft] > 0 && !p.full() {
		page := m.newBuf(int(min(f.L[ppLeft], pageSize)))
		if !m.copyFromUser(c, m.Bufs[page], f.L[ppAddr]) {
			m.freeBuf(page)
			pipeFails(f, EFAULT)
			c.Goto(4)
			return
		}
		pipeAdvance(f, len(m.Bufs[page]))
		p.Bufs = append(p.Bufs, PipeBuf{Page: page})
	}
	switch {
	case f.L[ppLeft] == 0:
	case m.nonblocking(f.L[ppFile]):
		pipeFails(f, EAGAIN)
	case m.signalPending(c):
		pipeFails(f, ERESTARTSYS)
	default:
		c.Goto(1)
		return
	}
	if p.full() {
		f.L[ppFlags] &^= pipeWakeNext
	}
	c.Goto(4)
}

// pipeBroken: nobody will read what is written. The writer gets a signal, and
// the error if it lives on.
func (m *Machine) pipeBroken(c *cpu.Core) {
	pipeFails(c.Frame(), EPIPE)
	c.Goto(4)
	c.Call(fnDoSendSigInfo, int64(m.cpuOf(c).Current), sigPIPE)
}

func (m *Machine) pipeWriteFull(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.pipeWake(c, r, f.L[ppFlags]&pipeWasEdge != 0, m.pipeOf(f.L[ppFile]).RdWait, EPOLLIN|EPOLLRDNORM)
}

func (m *Machine) pipeWriteWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	about(r, KindQueue, p.WrWait)
	f.L[ppWait] = int64(m.prepareToWait(c, p.WrWait, WaitAutoremove, true))
	if !p.writable() && !m.signalPending(c) {
		c.Call(fnSchedule)
	}
}

func (m *Machine) pipeWriteAwake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	about(r, KindQueue, p.WrWait)
	if m.entrySpin(c, WaitID(f.L[ppWait])) {
		return
	}
	if !m.reach(c, f.L[ppAddr], min(f.L[ppLeft], p.room()), toRead) {
		return
	}
	m.finishWait(c, WaitID(f.L[ppWait]))
	if !p.writable() && !m.signalPending(c) {
		c.Goto(2)
		return
	}
	f.L[ppFlags] = pipeWakeNext
	if len(p.Bufs) == 0 {
		f.L[ppFlags] |= pipeWasEdge
	}
	m.pipeFill(c)
}

func (m *Machine) pipeWriteDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[ppFile])
	m.pipeWake(c, r, f.L[ppFlags]&pipeWasEdge != 0 || p.Polled, p.RdWait, EPOLLIN|EPOLLRDNORM)
}

func (m *Machine) pipeWriteNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.pipeWake(c, r, f.L[ppFlags]&pipeWakeNext != 0, m.pipeOf(f.L[ppFile]).WrWait, EPOLLOUT|EPOLLWRNORM)
}

func (m *Machine) pipeReads(file int64) bool { return m.Files[file].Flags&oAccMode == oRdonly }

func (m *Machine) pipePollWait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	p := m.pipeOf(l[0])
	p.Polled = true
	q := p.WrWait
	if m.pipeReads(l[0]) {
		q = p.RdWait
	}
	about(r, KindQueue, q)
	m.pollWait(c, q, l[0], l[1])
}

func (m *Machine) pipePollMask(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	p := m.pipeOf(l[0])
	mask := int64(0)
	if m.pipeReads(l[0]) {
		if len(p.Bufs) > 0 {
			mask |= EPOLLIN | EPOLLRDNORM
		}
		if p.Writers == 0 {
			mask |= EPOLLHUP
		}
	} else {
		if !p.full() {
			mask |= EPOLLOUT | EPOLLWRNORM
		}
		if p.Readers == 0 {
			mask |= EPOLLERR
		}
	}
	r.Arg[0] = mask
	c.Return(mask)
}

// pipeRelease: local 1 tells whether the other side is to know.
func (m *Machine) pipeRelease(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	p := m.pipeOf(f.L[0])
	about(r, KindQueue, p.RdWait)
	if m.pipeReads(f.L[0]) {
		p.Readers--
	} else {
		p.Writers--
	}
	if (p.Readers == 0) != (p.Writers == 0) {
		f.L[1] = 1
		c.Call(fnWakeUp, int64(p.RdWait), wakeAll, 0)
	}
}

func (m *Machine) pipeReleaseWriters(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	q := m.pipeOf(f.L[0]).WrWait
	about(r, KindQueue, q)
	if f.L[1] != 0 {
		c.Call(fnWakeUp, int64(q), wakeAll, 0)
	}
}

func (m *Machine) pipePut(c *cpu.Core, r *sim.Record) {
	p := m.pipeOf(c.Frame().L[0])
	if p.Readers > 0 || p.Writers > 0 {
		return
	}
	for _, b := range p.Bufs {
		m.freeBuf(b.Page)
	}
	p.Bufs = p.Bufs[:0]
}

// pipeFcntl: locals are the file, the command and the size. More than
// fs.pipe-max-size takes CAP_SYS_RESOURCE, which the modelled processes do not
// have.
func (m *Machine) pipeFcntl(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	p := m.pipeOf(l[0])
	about(r, KindQueue, p.WrWait)
	if l[1] == fGetPipeSize {
		return
	}
	size := int64(uint32(l[2]))
	slots := int32(1)
	for int64(slots)*pageSize < size {
		slots *= 2
	}
	switch {
	case size > 1<<31:
		c.Return(-EINVAL)
	case slots > p.Slots && slots > pipeMaxSize/pageSize:
		c.Return(-EPERM)
	case int(slots) < len(p.Bufs):
		c.Return(-EBUSY)
	default:
		p.Slots = slots
		c.Call(fnWakeUp, int64(p.WrWait), 1, 0) // there may be more room now
	}
}

func (m *Machine) pipeSize(c *cpu.Core, r *sim.Record) {
	c.Return(int64(m.pipeOf(c.Frame().L[0]).Slots) * pageSize)
}
