package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Connecting: net/ipv4/af_inet.c, tcp_ipv4.c, tcp_output.c.

var tcpConnectText = text{
	fnInetStreamConnect: {Name: "inet_stream_connect", File: fileAfInet,
		Say: "Connects the socket to a peer.", Why: "With the socket owned: what comes back meanwhile waits on its backlog.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "connect", Cost: costFn, Do: (*Machine).inetStreamConnect},
			{Name: "release_sock", Cost: costFn, Do: (*Machine).keepResult},
			{Name: "return", Cost: costFn, Do: returnsKept},
		}},
	fnInetStreamConnectInner: {Name: "__inet_stream_connect", File: fileAfInet,
		Say: "Begins the handshake and waits for its end, unless the program does not want to.", Why: "EINPROGRESS is no failure: writable will mean connected.",
		Steps: []step{
			{Name: "what is the socket's state?", Cost: costFn, Do: (*Machine).streamConnect},
			{Name: "the SYN is sent", Cost: costFn, Do: (*Machine).streamConnectSent},
			{Name: "wait?", Cost: costFn, Do: (*Machine).streamConnectWait},
			{Name: "connected, refused or interrupted?", Cost: costFn, Do: (*Machine).streamConnectDone},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[3]) }},
		}},
	fnTCPv4Connect: {Name: "tcp_v4_connect", File: fileTCPv4,
		Say: "Finds the route, the own address and a port.", Why: "Four numbers name the connection: two addresses, two ports.",
		Steps: []step{
			{Name: "route, source address, TCP_SYN_SENT", Cost: costLookup, Do: (*Machine).tcpV4Connect},
			{Name: "inet_hash_connect: a port", Cost: costLookup, Do: (*Machine).tcpHashConnect},
			{Name: "return", Cost: costFn, Do: returnsZero},
		}},
	fnTCPConnect: {Name: "tcp_connect", File: fileTCPOutput,
		Say: "Sends the SYN.", Why: "The first of three segments: my sequence number, my options.",
		Steps: []step{
			{Name: "tcp_connect_init, queue the SYN", Cost: costSkb, Do: (*Machine).tcpConnect},
			{Name: "tcp_reset_xmit_timer", Cost: costFn, Do: (*Machine).tcpConnectTimer},
		}},
	fnInetWaitConnect: {Name: "inet_wait_for_connect", File: fileAfInet,
		Say: "Sleeps until the handshake is over, one way or the other.", Why: "The socket is given back meanwhile; on loopback the answer is on its backlog already.",
		Steps: []step{
			{Name: "add_wait_queue", Cost: costSleep, Do: (*Machine).waitConnect},
			{Name: "release_sock", Cost: costFn, Do: (*Machine).waitConnectRelease},
			{Name: "wait_woken", Cost: costFn, Do: callsWithSecond(fnWaitWoken)},
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "a signal?", Cost: costFn, Do: (*Machine).waitConnectAgain},
			{Name: "remove_wait_queue", Cost: costFn, Do: func(m *Machine, c *cpu.Core, r *sim.Record) { m.waitRemove(c, r) }},
		}},
}

// callsWithSecond is a step that calls a function with its own second argument.
func callsWithSecond(fn cpu.CodeID) func(*Machine, *cpu.Core, *sim.Record) {
	return func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Call(fn, c.Frame().L[1]) }
}

// keepResult keeps what the operation returned in local 5 and gives the socket,
// local 0, back.
func (m *Machine) keepResult(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	f.L[5] = c.Result()
	c.Call(fnReleaseSock, f.L[0])
}

func returnsKept(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[5]) }

// inetStreamConnect: locals are the socket, the peer, the open file's flags.
func (m *Machine) inetStreamConnect(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	c.Call(fnInetStreamConnectInner, l[0], l[1], l[2])
}

// streamConnect: local 3 is the result.
func (m *Machine) streamConnect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	switch {
	case t.Socket == Connected:
		c.Return(-EISCONN)
	case t.Socket == Connecting:
		f.L[3] = -EALREADY
		c.Goto(2)
	case t.Socket == Disconnecting:
		c.Return(-EINVAL)
	case t.State != TCPClose:
		c.Return(-EISCONN)
	default:
		c.Call(fnTCPv4Connect, f.L[0], f.L[1])
	}
}

func (m *Machine) streamConnectSent(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if err := c.Result(); err < 0 {
		c.Return(err)
		return
	}
	m.tcp(SockID(f.L[0])).Socket = Connecting
	f.L[3] = -EINPROGRESS
}

func (m *Machine) streamConnectWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	t := m.tcp(SockID(f.L[0]))
	about(r, KindSock, SockID(f.L[0]))
	switch {
	case t.State != TCPSynSent && t.State != TCPSynRecv:
	case f.L[2]&oNonblock != 0:
		c.Goto(4)
	default:
		c.Call(fnInetWaitConnect, f.L[0])
	}
}

func (m *Machine) streamConnectDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	switch {
	case (t.State == TCPSynSent || t.State == TCPSynRecv) && m.signalPending(c):
		f.L[3] = -ERESTARTSYS
	case t.State != TCPClose:
		t.Socket, f.L[3] = Connected, 0
	default:
		if f.L[3] = m.sockError(sock); f.L[3] == 0 {
			f.L[3] = -ECONNABORTED
		}
		t.Socket = Unconnected
		c.Call(fnTCPDisconnect, f.L[0])
	}
}

// tcpV4Connect: locals are the socket and the peer.
func (m *Machine) tcpV4Connect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock, to := SockID(f.L[0]), unpackAddr(f.L[1])
	s := &m.Socks[sock]
	if to.IP == anyIP {
		to.IP = loopbackIP
	}
	switch {
	case to.IP>>28 == 0xe || to.IP == 0xffffffff: // RTCF_MULTICAST, RTCF_BROADCAST
		c.Return(-ENETUNREACH)
		return
	case !localIP(to.IP) && s.Local.IP>>24 == 127: // __mkroute_output
		c.Return(-EINVAL)
		return
	}
	if s.Local.IP == anyIP {
		s.Local.IP = sourceIP(to.IP)
	}
	s.Peer, s.Connected = to, true
	m.setTCPState(c, r, sock, TCPSynSent)
}

func (m *Machine) tcpHashConnect(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	if s.Local.Port == 0 {
		m.tcp(sock).AutoPort = true
		if m.autobind(sock, s.Local.IP) != 0 {
			m.tcp(sock).State = TCPClose
			c.Return(-EADDRNOTAVAIL)
			return
		}
	}
	c.Call(fnTCPConnect, int64(sock))
}

func (m *Machine) tcpConnect(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	isn := m.tcpISN()
	t.SndUna, t.SndSml, t.SndNxt, t.WriteSeq = isn, isn, isn+1, isn+1
	t.RcvNxt, t.RcvWup, t.Copied, t.RcvWnd, t.SndWnd = 0, 0, 0, firstWindow, 0
	t.Stamped, t.Recent = true, 0
	t.RTO, t.Retransmits = tcpTimeoutInit, 0
	syn := m.allocSkb()
	m.Skbs[syn].Seq, m.Skbs[syn].End, m.Skbs[syn].TCPFlags = isn, isn+1, nic.SYN
	m.appendSkb(&t.Rtx.First, &t.Rtx.Last, syn)
	m.transmitQueued(c, sock, syn)
}

func (m *Machine) tcpConnectTimer(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	m.resetXmitTimer(c, sock)
}

func (m *Machine) waitConnect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	f.L[1] = m.addWait(c, SockID(f.L[0]))
}

func (m *Machine) waitConnectRelease(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if s := m.tcp(SockID(f.L[0])).State; s != TCPSynSent && s != TCPSynRecv {
		c.Goto(5)
		return
	}
	c.Call(fnReleaseSock, f.L[0])
}

func (m *Machine) waitConnectAgain(c *cpu.Core, r *sim.Record) {
	about(r, KindSock, SockID(c.Frame().L[0]))
	if !m.signalPending(c) {
		c.Goto(1)
	}
}
