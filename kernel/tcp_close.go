package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Ending a connection: net/ipv4/af_inet.c, tcp.c.

var tcpCloseText = text{
	fnTCPInetShutdown: {Name: "inet_shutdown", File: fileAfInet,
		Say: "Ends one direction of the connection, or both.", Why: "The descriptor stays; who waits on the socket is woken to look.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: (*Machine).inetShutdownLock},
			{Name: "what is the state?", Cost: costFn, Do: (*Machine).inetShutdown},
			{Name: "sk_state_change", Cost: costFn, Do: callsWithArg(fnSockDefWakeup)},
			{Name: "release_sock", Cost: costFn, Do: callsWithArg(fnReleaseSock)},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[2]) }},
		}},
	fnTCPShutdown: oneStep("tcp_shutdown", fileTCP, "FIN, for the direction out", costFn, (*Machine).tcpShutdown,
		"Sends FIN when the program will send no more.", "For the direction in nothing is sent: the peer is not told."),
	fnTCPDisconnect: {Name: "tcp_disconnect", File: fileTCP,
		Say: "Makes the socket as good as new.", Why: "It may listen or connect again.",
		Steps: []step{
			{Name: "must the peer know?", Cost: costFn, Do: (*Machine).tcpDisconnect},
			{Name: "TCP_CLOSE, empty queues", Cost: costFn, Do: (*Machine).tcpDisconnected},
		}},
	fnInetRelease: oneStep("inet_release", fileAfInet, "the protocol's close", costFn, callsWithArg(fnTCPClose),
		"The program has closed the socket.", "The connection may live on until its farewell is said."),
	fnTCPClose: {Name: "tcp_close", File: fileTCP,
		Say: "Closes the socket.", Why: "The socket is owned while that is done.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "__tcp_close", Cost: costFn, Do: callsWithArg(fnTCPCloseInner)},
			{Name: "release_sock", Cost: costFn, Do: callsWithArg(fnReleaseSock)},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnTCPCloseInner: {Name: "__tcp_close", File: fileTCP,
		Say: "Sends FIN; or RST, if data was left unread.", Why: "Data that nobody will read is lost, and the peer has to know.",
		Steps: []step{
			{Name: "unread data? FIN or RST", Cost: costFn, Do: (*Machine).tcpCloseStart},
			{Name: "sock_orphan, the backlog", Cost: costFn, Do: (*Machine).tcpCloseOrphan},
			{Name: "is anything left to wait for?", Cost: costFn, Do: (*Machine).tcpCloseEnd},
		}},
}

func (m *Machine) inetShutdownLock(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if how := int32(f.L[1]); how < 0 || how > 2 {
		c.Return(-EINVAL)
		return
	}
	f.L[1]++
	c.Call(fnLockSock, f.L[0])
}

// inetShutdown: locals are the socket, the bits of sk_shutdown, the result.
func (m *Machine) inetShutdown(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if t.Socket == Connecting {
		t.Socket = Connected
		if t.State == TCPSynSent || t.State == TCPSynRecv || t.State == TCPClose {
			t.Socket = Disconnecting
		}
	}
	switch {
	case t.State == TCPListen && f.L[1]&rcvShutdown == 0:
	case t.State == TCPListen || t.State == TCPSynSent:
		t.Socket = Unconnected
		c.Call(fnTCPDisconnect, f.L[0])
	default:
		if t.State == TCPClose {
			f.L[2] = -ENOTCONN
		}
		m.Socks[sock].Shutdown |= uint8(f.L[1])
		c.Call(fnTCPShutdown, f.L[0], f.L[1])
	}
}

func (m *Machine) tcpShutdown(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if l[1]&sendShutdown == 0 {
		return
	}
	if m.tcpCloseState(c, r, SockID(l[0])) {
		c.Call(fnTCPSendFin, l[0])
	}
}

// tcpCloseState goes to the state behind a close, and tells whether a FIN is to
// be sent (tcp_close_state).
func (m *Machine) tcpCloseState(c *cpu.Core, r *sim.Record, sock SockID) bool {
	switch m.tcp(sock).State {
	case TCPEstablished, TCPSynRecv:
		m.setTCPState(c, r, sock, TCPFinWait1)
	case TCPCloseWait:
		m.setTCPState(c, r, sock, TCPLastAck)
	case TCPSynSent:
		m.setTCPState(c, r, sock, TCPClose)
		return false
	default:
		return false
	}
	return true
}

// tcpDisconnect: a listening socket's connections go; a peer that believes
// itself connected is told (tcp_need_reset).
func (m *Machine) tcpDisconnect(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	about(r, KindSock, sock)
	t := m.tcp(sock)
	state := t.State
	if state != TCPClose {
		m.setTCPState(c, r, sock, TCPClose)
	}
	switch state {
	case TCPListen:
		c.Call(fnInetCskListenStop, l[0])
	case TCPEstablished, TCPCloseWait, TCPFinWait1, TCPFinWait2, TCPSynRecv:
		c.Call(fnTCPActiveReset, l[0])
		m.Socks[sock].Err = ECONNRESET
	case TCPSynSent:
		m.Socks[sock].Err = ECONNRESET
	}
}

func (m *Machine) tcpDisconnected(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	m.purgeWrite(sock)
	m.purgeReceive(sock)
	if t.Dead {
		m.tcpDestroy(sock)
		return
	}
	s.Shutdown, s.Peer, s.Connected, t.Done, t.NoSpace = 0, SockAddr{}, false, false, false
	if t.AutoPort {
		m.unhashPort(sock)
		t.AutoPort = false
	}
	c.Tail(fnSockDefErrorReport, int64(sock))
}

// tcpCloseStart: local 0 is the socket, 1 its state before the backlog is done.
func (m *Machine) tcpCloseStart(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	s.Shutdown = rcvShutdown | sendShutdown
	if t.State == TCPListen {
		m.setTCPState(c, r, sock, TCPClose)
		c.Call(fnInetCskListenStop, l[0])
		return
	}
	unread := m.unread(sock)
	m.purgeReceive(sock)
	switch {
	case t.State == TCPClose:
	case unread:
		m.setTCPState(c, r, sock, TCPClose)
		c.Call(fnTCPActiveReset, l[0])
	case m.tcpCloseState(c, r, sock):
		c.Call(fnTCPSendFin, l[0])
	}
}

// unread tells whether the receive queue holds data that the program has not
// read.
func (m *Machine) unread(sock SockID) bool {
	t := m.tcp(sock)
	for skb := m.Socks[sock].First; skb != None; skb = m.Skbs[skb].Next {
		if k := &m.Skbs[skb]; before(t.Copied, k.Seq+uint32(k.Len)) {
			return true
		}
	}
	return false
}

func (m *Machine) tcpCloseOrphan(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	f.L[1] = int64(t.State)
	t.Dead, m.Socks[sock].File = true, None
	c.Call(fnReleaseSockInner, f.L[0])
}

func (m *Machine) tcpCloseEnd(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	about(r, KindSock, sock)
	switch state := m.tcp(sock).State; {
	case state == TCPClose && TCPState(l[1]) == TCPClose:
		m.tcpDestroy(sock)
	case state == TCPFinWait2:
		c.Call(fnTCPTimeWait, l[0], int64(TCPFinWait2))
	}
}
