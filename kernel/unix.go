package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Sockets of one host: net/unix/af_unix.c. Two sockets made by socketpair are
// each other's peers. To send is to put a packet on the peer's receive queue;
// what is queued there counts against the sender's buffer until it is read.
// Streams are in unix_stream.go, datagrams in unix_dgram.go. Left out: names,
// and with them bind, connect and the queue limit of datagram sockets that are
// not each other's peers; out-of-band data, descriptors as messages.

const (
	fileUnix = "net/unix/af_unix.c"
	fileSock = "net/core/sock.c"

	unixSndBuf = 212992 // net.core.wmem_default
)

// unixPeer is a unix socket's peer, or None.
func (m *Machine) unixPeer(sock SockID) SockID { return m.Socks[sock].Ext }

// dead tells whether a socket is closed (SOCK_DEAD); its peer may still know it.
func (m *Machine) dead(sock SockID) bool { return m.Socks[sock].File == None }

var unixText = text{
	fnSysSocketpair: sysCall("__x64_sys_socketpair", fileSocket, fnSysSocketpairInner, "The system call: make two connected sockets."),
	fnSysSocketpairInner: oneStep("__sys_socketpair", fileSocket, "make two sockets and their descriptors", costSocket, (*Machine).sysSocketpair,
		"Makes two sockets, each the other's peer.", "A pipe in both directions, with the manners of a socket."),
	fnUnixBind:          unixRefuses("unix_bind", "The address is not one of this family."),
	fnUnixStreamConnect: unixRefuses("unix_stream_connect", "The address is not one of this family."),
	fnUnixDgramConnect:  unixRefuses("unix_dgram_connect", "The address is not one of this family."),
	fnUnixListen:        unixRefuses("unix_listen", "A socket without a name cannot be found by anybody."),
	fnUnixAccept:        unixRefuses("unix_accept", "The socket does not listen."),
	fnUnixShutdown: {Name: "unix_shutdown", File: fileUnix,
		Say: "Ends one direction of the connection, or both.", Why: "The peer of a stream socket learns at once what is left to it.",
		Steps: []step{
			{Name: "note it, wake who waits", Cost: costFn, Do: (*Machine).unixShutdown},
			{Name: "a stream's peer: the other direction", Cost: costFn, Do: (*Machine).unixShutdownPeer},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnUnixRelease: {Name: "unix_release_sock", File: fileUnix,
		Say: "The socket goes; a stream's peer is told.", Why: "Data that was never read is an error for the peer: it cannot know what has arrived.",
		Steps: []step{
			{Name: "a stream's peer: end of the connection", Cost: costFn, Do: (*Machine).unixRelease},
			{Name: "free what is queued", Cost: costFn, Do: (*Machine).unixPurge},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnUnixPoll:      unixPollCode("unix_poll"),
	fnUnixDgramPoll: unixPollCode("unix_dgram_poll"),
	fnSockAllocSendPskb: {Name: "sock_alloc_send_pskb", File: fileSock,
		Say: "A packet for the data, if the send buffer has room; if not: EAGAIN, or sleep.", Why: "A sender that is faster than its reader is stopped here.",
		Steps: []step{
			{Name: "room?", Cost: costSkb, Do: (*Machine).sockAllocSend},
			{Name: "woken: look again", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Goto(0) }},
		}},
	fnSockWaitForWmem: {Name: "sock_wait_for_wmem", File: fileSock,
		Say: "Sleeps until the send buffer has room.", Why: "The reader wakes it, once three quarters are free.",
		Steps: []step{
			{Name: "prepare_to_wait, look again, sleep", Cost: costSleep, Do: (*Machine).sockWaitForWmem},
			{Name: "finish_wait", Cost: costFn, Do: (*Machine).sockWaitForWmemDone},
		}},
	fnSockWfree: oneStep("sock_wfree", fileSock, "free the packet", costFn, (*Machine).sockWfree,
		"The packet is gone: it no longer counts against its sender.", "Every packet that was read makes room for the sender."),
	fnUnixWriteSpace: {Name: "unix_write_space", File: fileUnix,
		Say: "Is the sender's buffer empty enough? Then wake who waits to write.", Why: "At a quarter, not at the first free byte: a woken sender shall have something to do.",
		Steps: []step{
			{Name: "unix_writable, anybody on sk_wq?", Cost: costFn, Do: (*Machine).unixWriteSpace},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
}

// unixRefuses is an operation that a socket without a name refuses.
func unixRefuses(name, why string) code {
	return oneStep(name, fileUnix, "EINVAL", costFn, func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(-EINVAL) },
		"The socket came from socketpair and has no name.", why)
}

func unixPollCode(name string) code {
	return code{Name: name, File: fileUnix,
		Say: "Readable if something is queued; writable while at most a quarter of the send buffer is in use.",
		Why: "What the peer has not read fills the sender's buffer, not the reader's.",
		Steps: []step{
			{Name: "sock_poll_wait", Cost: costFn, Do: (*Machine).datagramPollWait},
			{Name: "what is possible?", Cost: costFn, Do: (*Machine).unixPollMask},
		}}
}

// sysSocketpair: locals are the family, the type with flags, the protocol.
func (m *Machine) sysSocketpair(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	family, typ, proto := int32(l[0]), int32(l[1]), int32(l[2])
	flags, typ := typ&^sockTypes, typ&sockTypes
	if flags&^(oNonblock|oCloexec) != 0 {
		c.Return(-EINVAL)
		return
	}
	switch family {
	case afUNIX:
		c.Return(m.unixPair(c, r, typ, proto, flags&oNonblock))
	case afINET:
		_, errno := inetKind(typ, proto)
		if errno == 0 {
			errno = -EOPNOTSUPP
		}
		c.Return(errno)
	default:
		m.giveUp("socketpair is modelled for AF_UNIX")
	}
}

// unixPair is unix_create, twice, and unix_socketpair.
func (m *Machine) unixPair(c *cpu.Core, r *sim.Record, typ, proto, flags int32) int64 {
	kind := SockUnixStream
	switch {
	case typ > 10: // SOCK_MAX
		return -EINVAL
	case proto != 0 && proto != afUNIX:
		return -EPROTONOSUPPORT
	case typ == sockDgram || typ == sockRaw:
		kind = SockUnixDgram
	case typ == sockSeqpacket:
		m.giveUp("socketpair is not modelled for SOCK_SEQPACKET")
	case typ != sockStream:
		return -ESOCKTNOSUPPORT
	}
	a, b := m.newSock(kind, flags), m.newSock(kind, flags)
	m.Socks[a].Ext, m.Socks[b].Ext = b, a
	m.Socks[a].SndBuf, m.Socks[b].SndBuf = unixSndBuf, unixSndBuf
	return m.installPair(c, r, m.Socks[a].File, m.Socks[b].File)
}

// unixTruesize is what a packet counts against the send buffer: the structure,
// its head in a power of two of bytes with 320 for struct skb_shared_info, and
// whole pages.
func unixTruesize(head, paged int32) int32 {
	size := int32(512)
	for size < (head+63)&^63+320 {
		size *= 2
	}
	return 256 + size + pageAlign(paged)
}

func pageAlign(n int32) int32 { return (n + pageSize - 1) &^ (pageSize - 1) }

// unixSkb makes a packet of a sender's data; false if it has none there.
func (m *Machine) unixSkb(c *cpu.Core, sock SockID, addr int64, n, paged int32) (SkbID, bool) {
	skb := m.newOwnSkb(n, None)
	s := &m.Skbs[skb]
	s.Sender, s.Truesize = sock, unixTruesize(n-paged, paged)
	m.Socks[sock].Sent += s.Truesize
	return skb, m.copyFromUser(c, m.skbBytes(skb), addr)
}

// unixQueue puts a packet on a socket's receive queue and tells its readers, as
// the last thing of a step. Unlike a network's, the queue is not limited:
// the sender's buffer is.
func (m *Machine) unixQueue(c *cpu.Core, r *sim.Record, to SockID, skb SkbID) {
	s := &m.Socks[to]
	about(r, KindSkb, skb)
	m.appendSkb(&s.First, &s.Last, skb)
	s.Len++
	s.Bytes += m.Skbs[skb].Truesize
	c.Call(fnSockDefReadable, int64(to))
}

// unixUnlink takes the first packet off a socket's receive queue.
func (m *Machine) unixUnlink(sock SockID) SkbID {
	s := &m.Socks[sock]
	skb := s.First
	if s.First = m.Skbs[skb].Next; s.First == None {
		s.Last = None
	}
	s.Len--
	s.Bytes -= m.Skbs[skb].Truesize
	return skb
}

// sockAllocSend: locals are the socket and the flags of the call.
func (m *Machine) sockAllocSend(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	switch err := m.sendError(sock); {
	case err != 0:
		c.Return(err)
	case s.Sent < s.SndBuf:
		c.Return(0)
	case l[1]&msgDontwait != 0:
		c.Return(-EAGAIN)
	case m.signalPending(c):
		c.Return(-ERESTARTSYS)
	default:
		c.Call(fnSockWaitForWmem, l[0])
	}
}

// sockWaitForWmem: local 1 is the entry on the wait queue.
func (m *Machine) sockWaitForWmem(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	s := &m.Socks[f.L[0]]
	about(r, KindSock, SockID(f.L[0]))
	f.L[1] = int64(m.prepareToWait(c, s.WQ, WaitAutoremove, false))
	if s.Sent >= s.SndBuf && s.Shutdown&sendShutdown == 0 && s.Err == 0 && !m.signalPending(c) {
		c.Call(fnScheduleTimeout)
	}
}

func (m *Machine) sockWaitForWmemDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if !m.entrySpin(c, WaitID(f.L[1])) {
		m.finishWait(c, WaitID(f.L[1]))
	}
}

// sockWfree: local 0 is the packet.
func (m *Machine) sockWfree(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	sender := m.Skbs[skb].Sender
	about(r, KindSkb, skb)
	m.point(c, r, PointConsumeSkb)
	m.kfreeSkb(skb)
	c.Tail(fnUnixWriteSpace, int64(sender))
}

// unixWritable: sk_wmem_alloc is one more than what is on its way.
func (m *Machine) unixWritable(sock SockID) bool {
	s := &m.Socks[sock]
	return (s.Sent+1)<<2 <= s.SndBuf
}

func (m *Machine) unixWriteSpace(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if q := m.Socks[sock].WQ; m.unixWritable(sock) && m.Queues[q].First != None {
		c.Call(fnWakeUpSyncKey, int64(q), 1, EPOLLOUT|EPOLLWRNORM|EPOLLWRBAND)
	}
}

func (m *Machine) unixPollMask(c *cpu.Core, r *sim.Record) {
	sock := m.Files[c.Frame().L[0]].Obj
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	mask := int64(0)
	if s.Err != 0 {
		mask |= EPOLLERR
	}
	if s.Shutdown == rcvShutdown|sendShutdown {
		mask |= EPOLLHUP
	}
	if s.Shutdown&rcvShutdown != 0 {
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM
	}
	if s.First != None {
		mask |= EPOLLIN | EPOLLRDNORM
	}
	if m.unixWritable(sock) {
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND
	}
	r.Arg[0] = mask
	c.Return(mask)
}

// unixShutdown: locals are the socket and how.
func (m *Machine) unixShutdown(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, how := SockID(l[0]), int32(l[1])
	about(r, KindSock, sock)
	if how < 0 || how > 2 {
		c.Return(-EINVAL)
		return
	}
	m.Socks[sock].Shutdown |= uint8(how + 1)
	c.Call(fnSockDefWakeup, l[0])
}

func (m *Machine) unixShutdownPeer(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, how := SockID(l[0]), uint8(l[1]+1)
	peer := m.unixPeer(sock)
	if m.Socks[sock].Kind != SockUnixStream || peer == None {
		return
	}
	about(r, KindSock, peer)
	if how&rcvShutdown != 0 {
		m.Socks[peer].Shutdown |= sendShutdown
	}
	if how&sendShutdown != 0 {
		m.Socks[peer].Shutdown |= rcvShutdown
	}
	c.Call(fnSockDefWakeup, int64(peer))
}

func (m *Machine) unixRelease(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	peer := s.Ext
	s.Shutdown, s.File, s.Ext = rcvShutdown|sendShutdown, None, None
	if s.Kind != SockUnixStream || peer == None {
		return
	}
	p := &m.Socks[peer]
	p.Shutdown = rcvShutdown | sendShutdown
	if s.First != None {
		p.Err = ECONNRESET
	}
	c.Call(fnSockDefWakeup, int64(peer))
}

// unixPurge frees the packets that nobody will read, one after another.
func (m *Machine) unixPurge(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if m.Socks[sock].First != None {
		c.Again()
		c.Call(fnSockWfree, int64(m.unixUnlink(sock)))
	}
}
