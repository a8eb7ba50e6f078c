package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// epoll's interest list: the rest of fs/eventpoll.c.

func (m *Machine) sysEpollCreate1(c *cpu.Core, r *sim.Record) {
	flags := c.Frame().L[0]
	if flags&^oCloexec != 0 {
		c.Return(-EINVAL)
		return
	}
	c.Return(m.epollCreate(c, r))
}

func (m *Machine) sysEpollCreate(c *cpu.Core, r *sim.Record) {
	if int32(c.Frame().L[0]) <= 0 {
		c.Return(-EINVAL)
		return
	}
	c.Return(m.epollCreate(c, r))
}

func (m *Machine) epollCreate(c *cpu.Core, r *sim.Record) int64 {
	ep := EpID(len(m.Eps))
	m.Eps = append(m.Eps, Eventpoll{
		Items: None, ItemsEnd: None, Ready: None, ReadyEnd: None, Overflow: None, WQ: m.newQueue(), PollWait: m.newQueue(),
	})
	file := m.newFile(FileEpoll, ep, oRdwr)
	m.Eps[ep].File = file
	about(r, KindEp, ep)
	return m.fdInstall(c, file)
}

// doEpollCtl: arguments are epfd, op, fd, events, data. The order of the checks
// is Linux's.
func (m *Machine) doEpollCtl(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[2]))
	if m.epCtlSpin(c, f) {
		return
	}
	epFile, file := m.fdGet(c, f.L[0]), m.fdGet(c, f.L[2])
	op, events := int32(f.L[1]), uint32(f.L[3])
	switch {
	case epFile == None || file == None:
		c.Return(-EBADF)
		return
	case fileOps[m.Files[file].Kind].poll == fnNone:
		c.Return(-EPERM)
		return
	case file == epFile || m.Files[epFile].Kind != FileEpoll:
		c.Return(-EINVAL)
		return
	case events&EPOLLEXCLUSIVE != 0 && (op == epollCtlMod ||
		op == epollCtlAdd && (m.Files[file].Kind == FileEpoll || events&^uint32(epExclusiveOK) != 0)):
		c.Return(-EINVAL)
		return
	}
	ep := m.Files[epFile].Obj
	if op == epollCtlAdd && m.Files[file].Kind == FileEpoll && !m.epLoopCheck(ep, m.Files[file].Obj) {
		c.Return(-ELOOP)
		return
	}
	epi := m.epFind(ep, file, int32(f.L[2]))
	switch {
	case op == epollCtlAdd && epi == None:
		m.Eps[ep].Locked = true
		m.nesting = m.nesting || m.Files[file].Kind == FileEpoll
		c.Call(fnEpInsert, int64(ep), int64(file), f.L[2], f.L[3], f.L[4])
	case op == epollCtlAdd:
		c.Return(-EEXIST)
	case (op == epollCtlDel || op == epollCtlMod) && epi == None:
		c.Return(-ENOENT)
	case op == epollCtlDel:
		m.Eps[ep].Locked = true
		c.Call(fnEpRemove, int64(epi))
	case op == epollCtlMod && m.Epis[epi].Events&EPOLLEXCLUSIVE == 0:
		m.Eps[ep].Locked = true
		c.Call(fnEpModify, int64(ep), int64(epi), f.L[3], f.L[4])
	default:
		c.Return(-EINVAL)
	}
}

// epCtlSpin tells whether another call has one of the mutexes that epoll_ctl
// takes: the instance's, and the one that keeps two calls from closing a circle
// of instances between them. The step is then done again, before anything is held.
func (m *Machine) epCtlSpin(c *cpu.Core, f *cpu.Frame) bool {
	epFile, file := m.fdLookup(c, f.L[0]), m.fdLookup(c, f.L[2])
	if epFile == None || file == None || m.Files[epFile].Kind != FileEpoll {
		return false
	}
	if m.nesting && m.Files[file].Kind == FileEpoll {
		c.Spin()
		return true
	}
	return m.epSpin(c, m.Files[epFile].Obj)
}

// epSpin tells whether an instance's mutex is taken. mutex_lock spins while the
// owner runs, and here it always does.
func (m *Machine) epSpin(c *cpu.Core, ep EpID) bool {
	if m.Eps[ep].Locked {
		c.Spin()
	}
	return m.Eps[ep].Locked
}

// epFind finds an item by its file and its descriptor's number.
func (m *Machine) epFind(ep EpID, file FileID, fd int32) EpiID {
	for epi := m.Files[file].Items; epi != None; epi = m.Epis[epi].NextFile {
		if m.Epis[epi].Ep == ep && m.Epis[epi].FD == fd {
			return epi
		}
	}
	return None
}

// epInsert: locals are the instance, the file, the number, events, data, and
// then the item. EPOLLERR and EPOLLHUP are always asked for.
func (m *Machine) epInsert(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	ep, file := EpID(f.L[0]), FileID(f.L[1])
	epi := m.freeEpi
	if epi == None {
		epi = EpiID(len(m.Epis))
		m.Epis = append(m.Epis, Epitem{})
	} else {
		m.freeEpi = m.Epis[epi].Next
	}
	m.Epis[epi] = Epitem{
		Ep: ep, FD: int32(f.L[2]), File: file, Events: uint32(f.L[3]) | EPOLLERR | EPOLLHUP, Data: f.L[4],
		Wait: None, NextItem: None, NextFile: m.Files[file].Items, Next: None, Prev: None, NextOvf: None, InUse: true,
	}
	m.Files[file].Items = epi
	m.linkItem(ep, epi)
	if m.Files[file].Kind == FileEpoll {
		m.nesting = false
	}
	f.L[5] = int64(epi)
	about(r, KindEpi, epi)
	c.Call(fnEpItemPoll, int64(epi), 1)
}

// linkItem puts an item into the interest list, in order of its descriptor.
func (m *Machine) linkItem(ep EpID, epi EpiID) {
	e := &m.Eps[ep]
	if e.ItemsEnd != None && m.Epis[e.ItemsEnd].FD <= m.Epis[epi].FD {
		m.Epis[e.ItemsEnd].NextItem, e.ItemsEnd = epi, epi
		return
	}
	p := &e.Items
	for *p != None && m.Epis[*p].FD <= m.Epis[epi].FD {
		p = &m.Epis[*p].NextItem
	}
	m.Epis[epi].NextItem = *p
	*p = epi
	if m.Epis[epi].NextItem == None {
		e.ItemsEnd = epi
	}
}

func (m *Machine) epInsertReady(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEpi, EpiID(f.L[5]))
	epi := EpiID(f.L[5])
	f.L[5] = 0
	m.epMarkNAPI(EpID(f.L[0]), FileID(f.L[1]))
	m.readyNow(c, EpID(f.L[0]), epi)
}

// readyNow puts an item on the ready list if its file is ready already, and
// wakes who waits: a thread that sleeps in epoll_wait does see new descriptors.
func (m *Machine) readyNow(c *cpu.Core, ep EpID, epi EpiID) {
	e := &m.Eps[ep]
	e.Locked = false
	if c.Result() == 0 || m.Epis[epi].OnReady {
		return
	}
	m.readyAdd(ep, epi, true)
	f := c.Frame()
	if m.Queues[e.PollWait].First != None {
		f.L[5] = int64(e.PollWait) + 1
	}
	if m.Queues[e.WQ].First != None {
		c.Call(fnWakeUp, int64(e.WQ), 1, 0)
	}
}

// readyTell tells who polls the instance, if readyNow found somebody.
func (m *Machine) readyTell(c *cpu.Core, r *sim.Record) {
	if q := c.Frame().L[5]; q != 0 {
		c.Call(fnEpPollSafewake, q-1, 0)
	}
}

func (m *Machine) epRemove(c *cpu.Core, r *sim.Record) {
	epi := EpiID(c.Frame().L[0])
	ep := m.Epis[epi].Ep
	about(r, KindEpi, epi)
	if m.removeItem(c, epi) {
		m.Eps[ep].Locked = false
		c.Return(0)
	}
}

// removeItem undoes an item: its wait queue entry, its places on the file's
// list, the interest list and the ready list. The caller has the instance's
// mutex.
//
// It returns false, and the step is done again, while another core walks the
// wait queue.
func (m *Machine) removeItem(c *cpu.Core, epi EpiID) bool {
	it := &m.Epis[epi]
	e := &m.Eps[it.Ep]
	if it.Wait != None {
		if m.entrySpin(c, it.Wait) {
			return false
		}
		m.freeWaitEntry(it.Wait)
	}
	for p := &m.Files[it.File].Items; *p != None; p = &m.Epis[*p].NextFile {
		if *p == epi {
			*p = it.NextFile
			break
		}
	}
	prev := EpiID(None)
	for p := e.Items; p != epi; p = m.Epis[p].NextItem {
		prev = p
	}
	if prev == None {
		e.Items = it.NextItem
	} else {
		m.Epis[prev].NextItem = it.NextItem
	}
	if e.ItemsEnd == epi {
		e.ItemsEnd = prev
	}
	if it.OnReady {
		m.readyDel(it.Ep, epi)
	}
	m.Epis[epi] = Epitem{Next: m.freeEpi, Ep: None, File: None, Wait: None}
	m.freeEpi = epi
	return true
}

// epModify: locals are the instance, the item, events, data.
func (m *Machine) epModify(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	epi := EpiID(f.L[1])
	about(r, KindEpi, epi)
	m.Epis[epi].Events, m.Epis[epi].Data = uint32(f.L[2])|EPOLLERR|EPOLLHUP, f.L[3]
	c.Call(fnEpItemPoll, int64(epi), 0)
}

func (m *Machine) epModifyReady(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEpi, EpiID(f.L[1]))
	m.readyNow(c, EpID(f.L[0]), EpiID(f.L[1]))
}

// epRelease ends an instance whose last reference is gone.
func (m *Machine) epRelease(c *cpu.Core, r *sim.Record) {
	ep := m.Files[c.Frame().L[0]].Obj
	about(r, KindEp, ep)
	for m.Eps[ep].Items != None && !m.epSpin(c, ep) && m.removeItem(c, m.Eps[ep].Items) {
	}
}
