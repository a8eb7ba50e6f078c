package kernel

import (
	"encoding/binary"
	"math/bits"

	"ringside/cpu"
	"ringside/sim"
)

// select: fs/select.c. It is poll with the descriptors as bits of three sets,
// which the answer overwrites. Left out: the update of the timeout.

var selectText = text{
	fnSysSelect: sysCall("__x64_sys_select", fileSelect, fnKernSelect, "The system call: wait for events on sets of descriptors."),
	fnKernSelect: {Name: "kern_select", File: fileSelect,
		Say: "Computes when time is up.", Why: "The timeout is relative, the sleep is not: a wakeup for nothing must not make it longer.",
		Steps: []step{
			{Name: "when is time up?", Cost: costFn, Do: (*Machine).kernSelect},
			{Name: "poll_select_finish", Cost: costFn, Do: (*Machine).pollSelectFinish},
		}},
	fnCoreSysSelect: {Name: "core_sys_select", File: fileSelect,
		Say: "Copies three sets in, waits, and copies three sets out.",
		Why: "The answer takes the question's place: the program must fill its sets anew before each call.",
		Steps: []step{
			{Name: "copy the sets in", Cost: costPoll, Do: (*Machine).coreSysSelect},
			{Name: "copy the sets out", Cost: costCopy, Do: (*Machine).coreSysSelectOut},
		}},
	fnDoSelect: {Name: "do_select", File: fileSelect,
		Say: "Walks all descriptors below n; if none has news, sleeps, and walks all of them again.",
		Why: "Its work grows with the highest number, even if few bits are set.",
		Steps: []step{
			{Name: "max_select_fd, poll_initwait", Cost: costFn, Do: (*Machine).doSelect},
			{Name: "next bit", Cost: cpu.CostNone, Do: (*Machine).doSelectNext},
			{Name: "anything found? else sleep", Cost: costFn, Do: (*Machine).doSelectSleep},
			{Name: "awake: walk again", Cost: costFn, Do: (*Machine).doSelectAwake},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[dsFound]) }},
		}},
	fnSelectPollOne: {Name: "select_poll_one", File: fileSelect,
		Say: "Asks one file what is possible now.",
		Why: "Which of the sets it stands in decides what a callback has to bring.",
		Steps: []step{
			{Name: "find the open file, poll it", Cost: costPollFD, Do: (*Machine).selectPollOne},
			{Name: "give the file back", Cost: cpu.CostNone, Do: (*Machine).selectPollPut},
			{Name: "return", Cost: cpu.CostNone, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[soMask]) }},
		}},
}

// What the three sets are about (POLLIN_SET, POLLOUT_SET, POLLEX_SET).
var selectSets = [3]int64{
	EPOLLNVAL | EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR,
	EPOLLNVAL | EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR,
	EPOLLNVAL | EPOLLPRI,
}

// fdSetBytes is sizeof(fd_set).
const fdSetBytes = 128

// kernSelect: arguments are the number of descriptors, three sets, the timeout
// in ns or -1.
func (m *Machine) kernSelect(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if l[4] < -1 {
		c.Return(-EINVAL)
		return
	}
	c.Call(fnCoreSysSelect, l[0], l[1], l[2], l[3], m.endTime(l[4]))
}

// fdtableMin is how many descriptors the first table has (NR_OPEN_DEFAULT).
const fdtableMin = 64

// fdtableSize is how many descriptors a process's table has room for; it grows
// by doubling (alloc_fdtable).
func (p *Process) fdtableSize() int64 {
	if len(p.FDs) <= fdtableMin {
		return fdtableMin
	}
	return 1 << bits.Len(uint(len(p.FDs)-1))
}

// setBytes is how many bytes hold n bits, in whole words (FDS_BYTES).
func setBytes(n int64) int64 { return (n + 63) / 64 * 8 }

// Locals of core_sys_select, after its arguments (the number, three sets, the
// end time): the copies, three questions and three answers.
const (
	ssN    = 0
	ssSets = 1
	ssEnd  = 4
	ssBuf  = 5
)

func (m *Machine) coreSysSelect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	n := int64(int32(f.L[ssN]))
	if n < 0 {
		c.Return(-EINVAL)
		return
	}
	n = min(n, m.Procs[m.current(c).Proc].fdtableSize())
	size := setBytes(n)
	for _, addr := range f.L[ssSets : ssSets+3] {
		if addr != 0 && !m.reach(c, addr, size, toRead) {
			return
		}
	}
	buf := m.newBuf(int(6 * size))
	for i, addr := range f.L[ssSets : ssSets+3] {
		if addr != 0 && !m.copyFromUser(c, m.Bufs[buf][int64(i)*size:][:size], addr) {
			m.freeBuf(buf)
			c.Return(-EFAULT)
			return
		}
	}
	f.L[ssN], f.L[ssBuf] = n, int64(buf)
	r.Arg[0] = n
	c.Call(fnDoSelect, int64(buf), n, f.L[ssEnd])
}

// coreSysSelectOut writes the answers over the questions, unless the call
// failed.
func (m *Machine) coreSysSelectOut(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	res := c.Result()
	if res == 0 && m.signalPending(c) {
		res = -ERESTARTNOHAND
	}
	size := setBytes(f.L[ssN])
	for _, addr := range f.L[ssSets : ssSets+3] {
		if res >= 0 && addr != 0 && !m.reach(c, addr, size, toWrite) {
			return
		}
	}
	for i, addr := range f.L[ssSets : ssSets+3] {
		if answer := m.Bufs[f.L[ssBuf]][int64(3+i)*size:][:size]; res >= 0 && addr != 0 && !m.copyToUser(c, addr, answer) {
			res = -EFAULT
		}
	}
	m.freeBuf(BufID(f.L[ssBuf]))
	c.Return(res)
}

// Locals of do_select, after its arguments (the copies, the number, the end time
// or 0): the bit after the last that was asked, how many have news, and whether
// the thread has queued itself.
const (
	dsBuf = iota
	dsN
	dsEnd
	dsNext
	dsFound
	dsQueued
)

// selectSet gives one of the six sets that belong to a core's do_select.
func (m *Machine) selectSet(f *cpu.Frame, i int) []byte {
	buf := m.Bufs[f.L[dsBuf]]
	size := len(buf) / 6
	return buf[i*size:][:size]
}

// selectWord is a word of all three questions together.
func (m *Machine) selectWord(f *cpu.Frame, word int64) (all uint64) {
	for i := range selectSets {
		all |= binary.LittleEndian.Uint64(m.selectSet(f, i)[word*8:])
	}
	return all
}

// nextBit finds the first descriptor from fd on that stands in a set, or n.
func (m *Machine) nextBit(f *cpu.Frame, fd, n int64) int64 {
	for ; fd < n; fd = fd/64*64 + 64 {
		if rest := m.selectWord(f, fd/64) >> (fd % 64); rest != 0 {
			return min(fd+int64(bits.TrailingZeros64(rest)), n)
		}
	}
	return n
}

// doSelect looks for descriptors that are not open before anything else
// (max_select_fd).
func (m *Machine) doSelect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	highest := int64(-1)
	for fd := m.nextBit(f, 0, f.L[dsN]); fd < f.L[dsN]; fd = m.nextBit(f, fd+1, f.L[dsN]) {
		if m.fdLookup(c, fd) == None {
			c.Return(-EBADF)
			return
		}
		highest = fd
	}
	f.L[dsN] = highest + 1
	r.Arg[0] = f.L[dsN]
	m.pollInitwait(c)
}

// doSelectNext notes what the last descriptor's file has said and asks the next.
func (m *Machine) doSelectNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	if f.L[dsNext] > 0 {
		r.Arg[1] = c.Result()
		m.selectStore(f, f.L[dsNext]-1, c.Result())
	}
	fd := m.nextBit(f, f.L[dsNext], f.L[dsN])
	r.Arg[0] = fd
	if fd == f.L[dsN] {
		return
	}
	key := selectSets[2]
	for i := range 2 {
		if m.isSet(f, i, fd) {
			key |= selectSets[i]
		}
	}
	f.L[dsNext] = fd + 1
	c.Again()
	c.Call(fnSelectPollOne, fd, key, pollTable(f.L[dsEnd], f.L[dsFound], f.L[dsQueued]))
}

func (m *Machine) isSet(f *cpu.Frame, set int, fd int64) bool {
	return m.selectSet(f, set)[fd/8]&(1<<(fd%8)) != 0
}

// selectStore enters what a file has said into the answers.
func (m *Machine) selectStore(f *cpu.Frame, fd, mask int64) {
	for i, events := range selectSets {
		if mask&events != 0 && m.isSet(f, i, fd) {
			m.selectSet(f, 3+i)[fd/8] |= 1 << (fd % 8)
			f.L[dsFound]++
		}
	}
}

func (m *Machine) doSelectSleep(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	f.L[dsQueued] = 1
	if f.L[dsFound] > 0 || f.L[dsEnd] == 0 || m.signalPending(c) {
		f.PC = 4
		c.Call(fnPollFreewait)
		return
	}
	c.Call(fnPollScheduleTimeout, f.L[dsEnd])
}

func (m *Machine) doSelectAwake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	if c.Result() == 0 {
		f.L[dsEnd] = 0
	}
	f.L[dsNext] = 0
	c.Goto(1)
}

// Locals of select_poll_one, after its arguments (the descriptor, what a
// callback has to bring, the poll table): the file, the result.
const (
	soFile = 3
	soMask = 4
)

func (m *Machine) selectPollOne(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	r.Station = m.wokenStation(c)
	m.Counters.PollScanned++
	file := m.fdLookup(c, f.L[0])
	if file == None {
		c.Return(EPOLLNVAL)
		return
	}
	m.current(c).PollKey = uint32(f.L[1])
	m.Files[file].Refs++
	f.L[soFile] = int64(file)
	c.Call(fnVfsPoll, int64(file), f.L[2])
}

func (m *Machine) selectPollPut(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	r.Station = m.wokenStation(c)
	f.L[soMask] = c.Result()
	m.pollfdPut(c, FileID(f.L[soFile]), f.L[soMask])
}
