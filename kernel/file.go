package kernel

import (
	"net/netip"
	"strings"

	"ringside/cpu"
	"ringside/sim"
)

// Descriptors, open files and the calls on sockets: fs/, net/socket.c,
// net/ipv4/udp.c's sending and receiving side as programs see it.

const (
	fileReadWrite = "fs/read_write.c"
	fileSocket    = "net/socket.c"
	fileDatagram  = "net/core/datagram.c"
)

var fileText = text{
	fnSysSocket: oneStep("__x64_sys_socket", fileSocket, "make a socket and a descriptor", costSocket, (*Machine).sysSocket,
		"Makes a socket: an open file with a receive queue and a wait queue.", "The descriptor is the lowest free number."),
	fnSysBind: oneStep("__x64_sys_bind", fileSocket, "bind to an address", costLookup, (*Machine).sysBind,
		"Gives the socket its address; from now on packets to that port find it.", "A port can be bound once."),
	fnSysRead:  sysCall("__x64_sys_read", fileReadWrite, fnKsysRead, "The system call: read from a descriptor."),
	fnKsysRead: oneStep("ksys_read", fileReadWrite, "find the open file", costFD, (*Machine).ksysRead, "From the number to the open file.", "EBADF if there is none."),
	fnVfsRead: oneStep("vfs_read", fileReadWrite, "the file's read operation", costFn, (*Machine).vfsRead,
		"Calls the read operation of that kind of file.", "Everything is a file; what reading means differs."),
	fnSockReadIter: oneStep("sock_read_iter", fileSocket, "sock_recvmsg", costFn, (*Machine).sockReadIter,
		"A read on a socket is a receive without flags.", "O_NONBLOCK of the open file becomes MSG_DONTWAIT."),
	fnSysRecvfrom: sysCall("__x64_sys_recvfrom", fileSocket, fnSysRecvfromInner, "The system call: receive, with flags and the sender's address."),
	fnSysRecvfromInner: oneStep("__sys_recvfrom", fileSocket, "find the socket", costFD, (*Machine).sysRecvfrom,
		"From the number to the socket.", "ENOTSOCK if it is another kind of file."),
	fnInetRecvmsg: oneStep("inet_recvmsg", "net/ipv4/af_inet.c", "the protocol's recvmsg", costFn, (*Machine).inetRecvmsg,
		"Chooses the protocol's receive.", "UDP and TCP share the way up to here."),
	fnUDPRecvmsg: {Name: "udp_recvmsg", File: fileUDP,
		Say: "Takes one datagram and copies it to the program's buffer.", Why: "One read, one datagram: what does not fit is thrown away.",
		Steps: []step{
			{Name: "take a datagram", Cost: costFn, Do: (*Machine).udpRecvmsg},
			{Name: "copy to user space", Cost: costCopy, Do: (*Machine).udpCopy},
			{Name: "return the length", Cost: costFn, Do: (*Machine).udpReturn},
		}},
	fnSkbRecvUDP: {Name: "__skb_recv_udp", File: fileUDP,
		Say: "Is a datagram queued? If not: EAGAIN, or sleep.", Why: "Blocking or not is decided here, and nowhere else.",
		Steps: []step{{Name: "receive queue", Cost: costEnqueue, Do: (*Machine).skbRecvUDP}}},
	fnSkbWaitForMore: {Name: "__skb_wait_for_more_packets", File: fileDatagram,
		Say: "Queues the thread on the socket's wait queue and sleeps.", Why: "It looks at the queue once more after it has queued itself: no packet slips through between.",
		Steps: []step{
			{Name: "prepare_to_wait_exclusive, look again, sleep", Cost: costSleep, Do: (*Machine).waitForMore},
			{Name: "finish_wait", Cost: costFn, Do: (*Machine).waitForMoreDone},
		}},
	fnSkbConsumeUDP: oneStep("skb_consume_udp", fileUDP, "free the skb", costFn, (*Machine).skbConsume,
		"The datagram was read: its memory is given back.", "The socket's receive buffer has room again."),
	fnSysClose: {Name: "__x64_sys_close", File: "fs/open.c",
		Say: "Frees the number; the open file goes when its last descriptor does.", Why: "dup and fork make several descriptors of one open file.",
		Steps: []step{
			{Name: "free the number", Cost: costFD, Do: (*Machine).sysClose},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnFput: oneStep("__fput", "fs/file_table.c", "release", costEpCtl, (*Machine).fput,
		"The last descriptor is closed: epoll items that watch the file go, then the file itself.", "That is why closing usually, but not always, ends an epoll registration."),
	fnEventpollRelease: oneStep("eventpoll_release_file", fileEpoll, "remove the items", costEpCtl, (*Machine).eventpollRelease,
		"Removes the epoll items that watch the file.", "The file is going away, nobody can be told of its news."),
	fnSysFcntl: oneStep("__x64_sys_fcntl", "fs/fcntl.c", "flags", costFD, (*Machine).sysFcntl,
		"Reads or changes the open file's flags, O_NONBLOCK above all.", "They belong to the open file: all its descriptors share them."),
	fnSysWrite: oneStep("__x64_sys_write", fileReadWrite, "write", costCopy, (*Machine).sysWrite,
		"Writes to a descriptor.", "Standard output takes everything; sockets are only read here."),
}

// oneStep is a function with a single step.
func oneStep(name, file, what string, cost cpu.Cost, do func(*Machine, *cpu.Core, *sim.Record), say, why string) code {
	return code{Name: name, File: file, Say: say, Why: why, Steps: []step{{Name: what, Cost: cost, Do: do}}}
}

// maxFDs is the limit on descriptors (RLIMIT_NOFILE's usual hard limit).
const maxFDs = 1 << 20

// fdGet finds the open file behind a descriptor of the running task, or None.
func (m *Machine) fdGet(c *cpu.Core, fd int64) FileID {
	fds := m.Procs[m.current(c).Proc].FDs
	if n := int32(fd); n >= 0 && int(n) < len(fds) {
		return fds[n]
	}
	return None
}

// fdInstall gives an open file the lowest free number.
func (m *Machine) fdInstall(c *cpu.Core, file FileID) int64 {
	p := &m.Procs[m.current(c).Proc]
	for int(p.Free) < len(p.FDs) && p.FDs[p.Free] != None {
		p.Free++
	}
	if p.Free >= maxFDs {
		m.releaseFile(file)
		return -EMFILE
	}
	fd := p.Free
	if int(fd) == len(p.FDs) {
		p.FDs = append(p.FDs, file)
	} else {
		p.FDs[fd] = file
	}
	p.Free++
	return int64(fd)
}

func (m *Machine) newFile(kind FileKind, obj, flags int32) FileID {
	m.Files = append(m.Files, File{Kind: kind, Flags: flags, Refs: 1, Obj: obj, Items: None})
	return FileID(len(m.Files) - 1)
}

func (m *Machine) sysSocket(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	family, typ, proto := int32(f.L[0]), int32(f.L[1]), int32(f.L[2])
	flags := typ &^ sockTypes
	switch {
	case flags&^(oNonblock|oCloexec) != 0:
		c.Return(-EINVAL)
		return
	case family != afINET:
		m.giveUp("only AF_INET sockets are modelled")
		return
	case typ&sockTypes != sockDgram || proto != 0 && proto != protoUDP:
		m.giveUp("only UDP sockets (SOCK_DGRAM) are modelled")
		return
	}
	sock := SockID(len(m.Socks))
	m.Socks = append(m.Socks, Sock{First: None, Last: None, RcvBuf: int32(m.Config.Params.RMem), WQ: m.newQueue(), Hash: None})
	file := m.newFile(FileSocket, sock, oRdwr|flags&oNonblock)
	m.Socks[sock].File = file
	about(r, KindSock, sock)
	c.Return(m.fdInstall(c, file))
}

// sockOf finds the socket behind a descriptor, or gives the error.
func (m *Machine) sockOf(c *cpu.Core, fd int64) (SockID, int64) {
	file := m.fdGet(c, fd)
	switch {
	case file == None:
		return None, -EBADF
	case m.Files[file].Kind != FileSocket:
		return None, -ENOTSOCK
	}
	return m.Files[file].Obj, 0
}

func (m *Machine) sysBind(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock, errno := m.sockOf(c, f.L[0])
	if errno != 0 {
		c.Return(errno)
		return
	}
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	addr, ok := parseAddr(m.userString(c, f.L[1]))
	switch {
	case !ok:
		c.Return(-EINVAL)
		return
	case s.Bound:
		c.Return(-EINVAL)
		return
	case addr.IP != 0 && addr.IP != hostIP && addr.IP>>24 != 127:
		c.Return(-EADDRNOTAVAIL)
		return
	}
	if addr.Port == 0 {
		m.giveUp("bind to port 0 is not modelled: name the port")
		return
	}
	if m.bound(addr) {
		c.Return(-EADDRINUSE)
		return
	}
	s.Local, s.Bound = addr, true
	chain := &m.udpTable[addr.Port%udpChains]
	s.Hash, *chain = *chain, sock
	c.Return(0)
}

// bound tells whether an address conflicts with a bound socket's.
func (m *Machine) bound(addr SockAddr) bool {
	for s := m.udpTable[addr.Port%udpChains]; s != None; s = m.Socks[s].Hash {
		l := m.Socks[s].Local
		if l.Port == addr.Port && (l.IP == 0 || addr.IP == 0 || l.IP == addr.IP) {
			return true
		}
	}
	return false
}

// parseAddr reads "ip:port" or ":port".
func parseAddr(s string) (SockAddr, bool) {
	if strings.HasPrefix(s, ":") {
		s = "0.0.0.0" + s
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || !ap.Addr().Is4() {
		return SockAddr{}, false
	}
	return addrOf(ap), true
}

func (m *Machine) ksysRead(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	if file == None {
		c.Return(-EBADF)
		return
	}
	c.Call(fnVfsRead, int64(file), f.L[1], f.L[2])
}

func (m *Machine) vfsRead(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	switch m.Files[f.L[0]].Kind {
	case FileSocket:
		c.Call(fnSockReadIter, f.L[0], f.L[1], f.L[2])
	case FileConsole:
		c.Return(0) // standard input is at its end
	default:
		c.Return(-EINVAL)
	}
}

func (m *Machine) sockReadIter(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, m.Files[f.L[0]].Obj)
	if f.L[2] == 0 {
		c.Return(0) // a read of no bytes does not receive (sock_read_iter)
		return
	}
	c.Call(fnInetRecvmsg, int64(m.Files[f.L[0]].Obj), f.L[1], f.L[2], m.recvFlags(FileID(f.L[0]), 0))
}

func (m *Machine) recvFlags(file FileID, flags int64) int64 {
	if m.Files[file].Flags&oNonblock != 0 {
		flags |= msgDontwait
	}
	return flags
}

func (m *Machine) sysRecvfrom(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock, errno := m.sockOf(c, f.L[0])
	if errno != 0 {
		c.Return(errno)
		return
	}
	about(r, KindSock, sock)
	if f.L[3]&^(msgDontwait|msgPeek|msgTrunc) != 0 {
		m.giveUp("a receive flag other than MSG_DONTWAIT, MSG_PEEK and MSG_TRUNC is not modelled")
		return
	}
	c.Call(fnInetRecvmsg, int64(sock), f.L[1], f.L[2], m.recvFlags(m.Socks[sock].File, f.L[3]))
}

func (m *Machine) inetRecvmsg(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	c.Call(fnUDPRecvmsg, l[:4]...)
}

func (m *Machine) udpRecvmsg(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	c.Call(fnSkbRecvUDP, f.L[0], f.L[3])
}

// udpCopy: local 4 is the datagram, 5 what the call returns.
func (m *Machine) udpCopy(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := c.Result()
	if skb < 0 {
		c.Return(skb)
		return
	}
	data := m.skbBytes(SkbID(skb))
	n := min(int64(len(data)), f.L[2])
	about(r, KindSkb, SkbID(skb))
	r.Arg[0] = n
	f.L[4], f.L[5] = skb, n
	if f.L[3]&msgTrunc != 0 {
		f.L[5] = int64(len(data))
	}
	out := m.userWrite(c, f.L[1], n)
	if out == nil && n > 0 {
		f.L[5] = -EFAULT
	}
	copy(out, data)
	m.Counters.CopiedBytes += n
	m.Counters.Delivered++
	m.current(c).Call.From = m.Skbs[skb].From
	if f.L[3]&msgPeek == 0 {
		c.Call(fnSkbConsumeUDP, skb)
	}
}

func (m *Machine) udpReturn(c *cpu.Core, r *sim.Record) {
	about(r, KindSock, SockID(c.Frame().L[0]))
	c.Return(c.Frame().L[5])
}

// skbRecvUDP takes the first datagram of the queue, or leaves it there for a
// peek; locals are the socket and the flags.
func (m *Machine) skbRecvUDP(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	s := &m.Socks[f.L[0]]
	about(r, KindSock, SockID(f.L[0]))
	switch skb := s.First; {
	case skb == None && f.L[1]&msgDontwait != 0:
		c.Return(-EAGAIN)
	case skb == None:
		f.PC = 0
		c.Call(fnSkbWaitForMore, f.L[0])
	case f.L[1]&msgPeek != 0:
		c.Return(int64(skb))
	default:
		if s.First = m.Skbs[skb].Next; s.First == None {
			s.Last = None
		}
		s.Len--
		s.Bytes -= m.Skbs[skb].Truesize
		c.Return(int64(skb))
	}
}

// waitForMore sets the state and queues itself before it looks again: a packet
// that comes in between finds the entry and wakes the thread, which then does
// not sleep at all.
func (m *Machine) waitForMore(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	task := m.cpuOf(c).Current
	w := m.newWait(WaitReceiver, task, true)
	f.L[1] = int64(w)
	m.enqueueWait(m.Socks[sock].WQ, w, true)
	m.setState(&m.Tasks[task], Interruptible)
	if m.Socks[sock].First == None {
		c.Call(fnScheduleTimeout)
	}
}

func (m *Machine) waitForMoreDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	r.Station = m.wokenStation(c)
	m.setState(m.current(c), Running)
	m.freeWaitEntry(WaitID(f.L[1]))
}

func (m *Machine) skbConsume(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	m.point(c, r, PointConsumeSkb)
	m.kfreeSkb(skb)
}

func (m *Machine) sysClose(c *cpu.Core, r *sim.Record) {
	fd := c.Frame().L[0]
	about(r, KindFD, int32(fd))
	file := m.fdGet(c, fd)
	if file == None {
		c.Return(-EBADF)
		return
	}
	p := &m.Procs[m.current(c).Proc]
	p.FDs[int32(fd)] = None
	p.Free = min(p.Free, int32(fd))
	if m.Files[file].Refs--; m.Files[file].Refs == 0 {
		c.Call(fnFput, int64(file))
	}
}

func (m *Machine) fput(c *cpu.Core, r *sim.Record) {
	file := FileID(c.Frame().L[0])
	if m.Files[file].Items != None {
		c.Again()
		c.Call(fnEventpollRelease, int64(file))
		return
	}
	m.releaseFile(file)
}

func (m *Machine) eventpollRelease(c *cpu.Core, r *sim.Record) {
	file := FileID(c.Frame().L[0])
	about(r, KindEpi, m.Files[file].Items)
	for m.Files[file].Items != None {
		m.removeItem(m.Files[file].Items)
	}
}

// releaseFile ends an open file. A thread that still sleeps in a call on it
// keeps it: Linux's call holds a reference, here the socket stays in its arena.
func (m *Machine) releaseFile(file FileID) {
	f := &m.Files[file]
	switch f.Kind {
	case FileSocket:
		s := &m.Socks[f.Obj]
		if s.Bound {
			m.unhashUDP(f.Obj)
		}
		for s.First != None {
			next := m.Skbs[s.First].Next
			m.kfreeSkb(s.First)
			s.First = next
		}
		s.Last, s.Len, s.Bytes, s.Bound = None, 0, 0, false
	case FileEpoll:
		m.releaseEp(f.Obj)
	}
	f.Kind = FileNone
}

func (m *Machine) sysFcntl(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	if file == None {
		c.Return(-EBADF)
		return
	}
	fl := &m.Files[file]
	switch f.L[1] {
	case fGetFL:
		c.Return(int64(fl.Flags))
	case fSetFL:
		fl.Flags = fl.Flags&^oNonblock | int32(f.L[2])&oNonblock
		c.Return(0)
	default:
		m.giveUp("fcntl is modelled for F_GETFL and F_SETFL")
	}
}

func (m *Machine) sysWrite(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindFD, int32(f.L[0]))
	file := m.fdGet(c, f.L[0])
	switch {
	case file == None:
		c.Return(-EBADF)
	case m.Files[file].Kind == FileConsole:
		c.Return(f.L[2])
	case m.Files[file].Kind == FileEpoll:
		c.Return(-EINVAL)
	default:
		m.giveUp("sending is not modelled: a socket can only be read")
	}
}
