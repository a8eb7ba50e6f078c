package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// UDP as programs see it: sending, receiving, connecting, closing. The way in
// from the network is in udp.go.

const fileDatagram = "net/core/datagram.c"

var udpSockText = text{
	fnUDPRecvmsg: {Name: "udp_recvmsg", File: fileUDP,
		Say: "Takes one datagram and copies it to the program's buffer.", Why: "One read, one datagram: what does not fit is thrown away.",
		Steps: []step{
			{Name: "take a datagram", Cost: costFn, Do: (*Machine).udpRecvmsg},
			{Name: "copy to user space", Cost: costCopy, Do: (*Machine).udpCopy},
			{Name: "return the length", Cost: costFn, Do: (*Machine).udpReturn},
		}},
	fnSkbRecvUDP: {Name: "__skb_recv_udp", File: fileUDP,
		Say: "Is a datagram queued? If not: EAGAIN, or sleep.", Why: "Blocking or not is decided here, and nowhere else.",
		Steps: []step{
			{Name: "receive queue", Cost: costEnqueue, Do: (*Machine).skbRecvUDP},
			{Name: "woken: look again", Cost: costFn, Do: (*Machine).skbRecvUDPAgain},
		}},
	fnSkbWaitForMore: {Name: "__skb_wait_for_more_packets", File: fileDatagram,
		Say: "Queues the thread on the socket's wait queue and sleeps.", Why: "It looks at the queue once more after it has queued itself: no packet slips through between.",
		Steps: []step{
			{Name: "prepare_to_wait_exclusive, look again, sleep", Cost: costSleep, Do: (*Machine).waitForMore},
			{Name: "finish_wait", Cost: costFn, Do: (*Machine).waitForMoreDone},
		}},
	fnSkbConsumeUDP: oneStep("skb_consume_udp", fileUDP, "free the skb", costFn, (*Machine).skbConsume,
		"The datagram was read: its memory is given back.", "The socket's receive buffer has room again."),
	fnUDPPoll: oneStep("udp_poll", fileUDP, "datagram_poll", costFn, (*Machine).udpPoll,
		"UDP's poll.", "A datagram with a wrong checksum would be thrown away here."),
	fnDatagramPoll: {Name: "datagram_poll", File: fileDatagram,
		Say: "Readable if the receive queue is not empty; writable if there is room to send.",
		Why: "With a poll table it also queues the caller on the socket's wait queue: first queue, then look.",
		Steps: []step{
			{Name: "poll_wait", Cost: costFn, Do: (*Machine).datagramPollWait},
			{Name: "what is possible?", Cost: costFn, Do: (*Machine).datagramPollMask},
		}},
	fnUDPSendmsg: {Name: "udp_sendmsg", File: fileUDP,
		Say: "Makes a packet of the program's data and sends it.", Why: "For UDP to send is to hand over: nobody waits for an answer.",
		Steps: []step{
			{Name: "where to? a port for the socket", Cost: costLookup, Do: (*Machine).udpSendmsg},
			{Name: "ip_make_skb: copy from user space", Cost: costCopy, Do: (*Machine).udpMakeSkb},
			{Name: "return the length", Cost: costFn, Do: (*Machine).udpSent},
		}},
	fnUDPSendSkb: {Name: "udp_send_skb", File: fileUDP,
		Say: "Writes the UDP header.", Why: "Two ports, a length, and a checksum that the card would compute.",
		Steps: []step{
			{Name: "the UDP header", Cost: costFn, Do: (*Machine).udpSendSkb},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnSockDefWriteSpace: {Name: "sock_def_write_space", File: fileSock,
		Say: "A packet has left the send buffer: who waits for room is told, if half of it is free.", Why: "Without this an edge-triggered EPOLLOUT would never come again.",
		Steps: []step{
			{Name: "half free, anybody on sk_wq?", Cost: costFn, Do: (*Machine).sockDefWriteSpace},
			{Name: "return", Cost: cpu.CostNone, Do: nothing},
		}},
	fnUDPConnect: oneStep("ip4_datagram_connect", "net/ipv4/datagram.c", "note the peer", costLookup, (*Machine).udpConnect,
		"Notes the peer's address.", "Nothing is sent: from now on send needs no address, and other hosts' packets do not come in."),
	fnUDPShutdown: oneStep("inet_shutdown", fileAfInet, "note it, wake who waits", costFn, (*Machine).udpShutdown,
		"Ends one direction of the socket, or both.", "A UDP socket that is not connected answers ENOTCONN, and wakes its readers all the same."),
	fnUDPRelease: oneStep("udp_lib_close", "include/net/udp.h", "out of the table, free the queue", costFn, (*Machine).udpRelease,
		"The socket goes: its port is free, what it has not read is lost.", "UDP has nobody to say goodbye to."),
}

func (m *Machine) udpRecvmsg(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	c.Call(fnSkbRecvUDP, f.L[0], f.L[3])
}

// udpCopy: local 4 is the datagram, 5 what the call returns.
func (m *Machine) udpCopy(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := c.Result() - 1
	if skb < 0 {
		c.Return(c.Result())
		return
	}
	data := m.skbBytes(SkbID(skb))
	n := min(int64(len(data)), f.L[2])
	if !m.reach(c, f.L[1], n, toWrite) {
		return
	}
	about(r, KindSkb, SkbID(skb))
	r.Arg[0] = n
	f.L[4], f.L[5] = skb, n
	if f.L[3]&msgTrunc != 0 {
		f.L[5] = int64(len(data))
	}
	if !m.copyToUser(c, f.L[1], data[:n]) {
		f.L[5] = -EFAULT
	}
	m.Counters.Delivered++
	m.current(c).Call.From = m.Skbs[skb].From
	if f.L[3]&msgPeek != 0 {
		m.kfreeSkb(SkbID(skb))
		return
	}
	c.Call(fnSkbConsumeUDP, skb)
}

func (m *Machine) udpReturn(c *cpu.Core, r *sim.Record) {
	about(r, KindSock, SockID(c.Frame().L[0]))
	c.Return(c.Frame().L[5])
}

// skbRecvUDP takes the first datagram of the queue, or leaves it there for a
// peek; locals are the socket, the flags, and whether it has spun. It returns the datagram's number plus
// one, 0 at the end, or an error.
func (m *Machine) skbRecvUDP(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	s := &m.Socks[f.L[0]]
	about(r, KindSock, SockID(f.L[0]))
	switch skb := s.First; {
	case s.Err != 0:
		c.Return(m.sockError(SockID(f.L[0])))
	case skb == None && f.L[2] == 0 && m.canBusyLoop(c, SockID(f.L[0])):
		f.L[2] = 1
		c.Again()
		m.skBusyLoop(c, SockID(f.L[0]), f.L[1]&msgDontwait != 0)
	case skb == None && f.L[1]&msgDontwait != 0:
		c.Return(-EAGAIN)
	case skb == None && s.Shutdown&rcvShutdown != 0:
		c.Return(0)
	case skb == None:
		c.Call(fnSkbWaitForMore, f.L[0])
	case f.L[1]&msgPeek != 0:
		m.Skbs[skb].Users++ // another reader may take it before it is copied
		c.Return(int64(skb) + 1)
	default:
		if s.First = m.Skbs[skb].Next; s.First == None {
			s.Last = None
		}
		s.Len--
		s.Bytes -= m.Skbs[skb].Truesize
		c.Return(int64(skb) + 1)
	}
}

// skbRecvAgain: the wait ended with a packet, or with an error.
func (m *Machine) skbRecvAgain(c *cpu.Core, r *sim.Record) {
	if err := c.Result(); err < 0 {
		c.Return(err)
		return
	}
	c.Goto(0)
}

// skbRecvUDPAgain: it may spin again.
func (m *Machine) skbRecvUDPAgain(c *cpu.Core, r *sim.Record) {
	c.Frame().L[2] = 0
	m.skbRecvAgain(c, r)
}

// waitForMore sets the state and queues itself before it looks again: a packet
// that comes in between finds the entry and wakes the thread, which then does
// not sleep at all.
func (m *Machine) waitForMore(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	s := &m.Socks[sock]
	about(r, KindQueue, s.WQ)
	f.L[1] = int64(m.prepareToWait(c, s.WQ, WaitReceiver, true))
	switch {
	case s.Err != 0 || s.First != None || s.Shutdown&rcvShutdown != 0:
	case m.signalPending(c):
		f.L[2] = m.sockIntr(c)
	case m.timeUp(c):
		f.L[2] = -EAGAIN
	default:
		c.Call(fnScheduleTimeout)
	}
}

func (m *Machine) waitForMoreDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	r.Station = m.wokenStation(c)
	if m.entrySpin(c, WaitID(f.L[1])) {
		return
	}
	m.finishWait(c, WaitID(f.L[1]))
	c.Return(f.L[2])
}

func (m *Machine) skbConsume(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	m.point(c, r, PointConsumeSkb)
	m.kfreeSkb(skb)
}

func (m *Machine) udpPoll(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, m.Files[l[0]].Obj)
	r.Station = m.wokenStation(c)
	c.Tail(fnDatagramPoll, l[0], l[1])
}

func (m *Machine) datagramPollWait(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := m.Files[l[0]].Obj
	about(r, KindSock, sock)
	r.Station = m.wokenStation(c)
	m.pollWait(c, m.Socks[sock].WQ, l[0], l[1])
}

func (m *Machine) datagramPollMask(c *cpu.Core, r *sim.Record) {
	sock := m.Files[c.Frame().L[0]].Obj
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	r.Station = m.wokenStation(c)
	mask := int64(0)
	if s.Err != 0 {
		mask |= EPOLLERR
	}
	if s.Shutdown&rcvShutdown != 0 {
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM
	}
	if s.Shutdown == rcvShutdown|sendShutdown {
		mask |= EPOLLHUP
	}
	if s.First != None {
		mask |= EPOLLIN | EPOLLRDNORM
	}
	if s.Sent < s.SndBuf>>1 { // sock_writeable
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND
	}
	c.Return(mask)
}

// ipUDPHeaders are both headers of a datagram, and maxDatagram is what it can
// carry: 65,535 bytes with them.
const (
	ipUDPHeaders = nic.IPv4Header + nic.UDPHeader
	maxDatagram  = 65535 - ipUDPHeaders
)

// udpSendmsg: locals are the socket, the data and its length, flags, the peer's
// address; 5 is the source address.
func (m *Machine) udpSendmsg(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	to := unpackAddr(f.L[4])
	if f.L[4] == 0 {
		to = s.Peer
	}
	switch {
	case f.L[2] < 0 || f.L[2] > maxDatagram+nic.UDPHeader+nic.IPv4Header:
		c.Return(-EMSGSIZE)
		return
	case f.L[4] == 0 && !s.Connected:
		c.Return(-EDESTADDRREQ)
		return
	case to.Port == 0:
		c.Return(-EINVAL)
		return
	case f.L[2] > maxDatagram:
		c.Return(-EMSGSIZE)
		return
	}
	if to.IP == anyIP {
		to.IP = loopbackIP
	}
	if s.Local.Port == 0 {
		if errno := m.autobind(sock, anyIP); errno != 0 {
			c.Return(-EAGAIN)
			return
		}
	}
	f.L[4] = packAddr(to)
}

// udpMakeSkb copies the data behind room for the headers. A full send buffer
// makes the caller wait; on loopback it never fills, since the receiver takes
// the packet over before the call returns.
func (m *Machine) udpMakeSkb(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	if err := m.sendError(sock); err != 0 {
		c.Return(err)
		return
	}
	if !m.reach(c, f.L[1], f.L[2], toRead) {
		return
	}
	skb := m.newDatagram(int32(f.L[2])+ipUDPHeaders, sock)
	about(r, KindSkb, skb)
	r.Arg[0] = f.L[2]
	if !m.copyFromUser(c, m.skbBytes(skb)[ipUDPHeaders:], f.L[1]) {
		m.kfreeSkb(skb)
		c.Return(-EFAULT)
		return
	}
	c.Call(fnUDPSendSkb, int64(skb), int64(sock), f.L[4])
}

// sendError is what keeps a socket from sending: a pending error, or a shutdown
// (sock_alloc_send_pskb).
func (m *Machine) sendError(sock SockID) int64 {
	switch s := &m.Socks[sock]; {
	case s.Err != 0:
		return m.sockError(sock)
	case s.Shutdown&sendShutdown != 0:
		return -EPIPE
	}
	return 0
}

func (m *Machine) udpSent(c *cpu.Core, r *sim.Record) {
	about(r, KindSock, SockID(c.Frame().L[0]))
	c.Return(c.Frame().L[2])
}

func (m *Machine) sockDefWriteSpace(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	if s.Sent<<1 <= s.SndBuf && m.Queues[s.WQ].First != None {
		c.Call(fnWakeUpSyncKey, int64(s.WQ), 1, EPOLLOUT|EPOLLWRNORM|EPOLLWRBAND)
	}
}

// udpSendSkb: locals are the packet, the socket, the peer's address.
func (m *Machine) udpSendSkb(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	skb, to := SkbID(l[0]), unpackAddr(l[2])
	s := &m.Socks[l[1]]
	about(r, KindSkb, skb)
	from := SockAddr{s.Local.IP, s.Local.Port}
	if from.IP == anyIP {
		from.IP = sourceIP(to.IP)
	}
	b := m.skbBytes(skb)
	nic.PutUDP(b[nic.IPv4Header:], from.Port, to.Port)
	nic.PutIPv4(b, nic.ProtoUDP, from.IP, to.IP)
	c.Call(fnIPSendSkb, l[0])
}

func (m *Machine) udpConnect(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, to := SockID(l[0]), unpackAddr(l[1])
	about(r, KindSock, sock)
	if to.IP == anyIP {
		to.IP = loopbackIP
	}
	if s := &m.Socks[sock]; s.Local.Port == 0 {
		if errno := m.autobind(sock, anyIP); errno != 0 {
			c.Return(-EAGAIN)
			return
		}
	}
	s := &m.Socks[sock]
	if s.Local.IP == anyIP {
		s.Local.IP = sourceIP(to.IP)
	}
	s.Peer, s.Connected = to, true
	c.Return(0)
}

func (m *Machine) udpShutdown(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, how := SockID(l[0]), int32(l[1])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	if how < 0 || how > 2 {
		c.Return(-EINVAL)
		return
	}
	s.Shutdown |= uint8(how + 1)
	result := int64(0)
	if !s.Connected {
		result = -ENOTCONN
	}
	m.sockStateChange(c, sock, result)
}

// sockStateChange wakes everybody who waits on a socket, as the last thing of
// the running function, which returns result (sock_def_wakeup).
func (m *Machine) sockStateChange(c *cpu.Core, sock SockID, result int64) {
	c.Tail(fnSockDefWakeup, int64(sock), result)
}

func (m *Machine) udpRelease(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	m.unhashPort(sock)
	for s.First != None {
		next := m.Skbs[s.First].Next
		m.Counters.Unread++
		m.kfreeSkb(s.First)
		s.First = next
	}
	s.Last, s.Len, s.Bytes, s.File = None, 0, 0, None
}
