package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// How a connection's state changes: net/ipv4/tcp_input.c, tcp_minisocks.c; the
// diagram is in RFC 9293, section 3.3.2. The tables are in tcp_input.go.

// Steps of tcp_rcv_state_process that it goes to.
const (
	rcvStateFree    = 7
	rcvStateSynSent = 8
	rcvStateSyn     = 10
	rcvStateReset   = 11
)

// tcpRcvState: locals are the socket and the segment; 2 will be whether it is
// queued.
func (m *Machine) tcpRcvState(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, skb := SockID(l[0]), SkbID(l[1])
	about(r, KindSkb, skb)
	flags := m.Skbs[skb].TCPFlags
	switch m.tcp(sock).State {
	case TCPClose:
		c.Goto(rcvStateFree)
	case TCPListen:
		switch {
		case flags&nic.RST != 0:
			c.Goto(rcvStateFree)
		case flags&nic.ACK != 0:
			c.Return(1)
		case flags&(nic.SYN|nic.FIN) != nic.SYN:
			c.Goto(rcvStateFree)
		default:
			c.Goto(rcvStateSyn)
			c.Call(fnTCPConnRequest, l[0], l[1])
		}
	case TCPSynSent:
		m.tcpRcvSynSent(c, r, sock, skb)
	default:
		m.tcpValid(c, sock, skb, rcvStateFree)
	}
}

func (m *Machine) tcpConsumeSyn(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[1])
	about(r, KindSkb, skb)
	m.point(c, r, PointConsumeSkb)
	m.kfreeSkb(skb)
	c.Return(0)
}

// tcpRcvSynSent: the answer to the SYN
// (tcp_rcv_synsent_state_process).
func (m *Machine) tcpRcvSynSent(c *cpu.Core, r *sim.Record, sock SockID, skb SkbID) {
	t, k := m.tcp(sock), &m.Skbs[skb]
	h, _ := m.tcpHeader(skb)
	switch {
	case h.Flags&nic.ACK != 0 && h.Ack != t.SndNxt:
		c.Return(1)
		return
	case h.Flags&(nic.ACK|nic.RST) == nic.ACK|nic.RST:
		c.Goto(rcvStateFree)
		c.Call(fnTCPReset, int64(sock))
		return
	case h.Flags&nic.RST != 0, h.Flags&nic.SYN == 0:
		c.Goto(rcvStateFree)
		return
	case h.Flags&nic.ACK == 0:
		m.giveUp("two sockets that connect to each other at the same time are not modelled")
		return
	}
	m.purge(&t.Rtx)
	m.tcpAcked(c, sock)
	t.SndUna, t.SndSml, t.SndWnd, t.SndWl1 = h.Ack, h.Ack, uint32(h.Window), h.Seq
	t.RcvNxt, t.RcvWup, t.Copied = k.End, k.End, k.End
	t.options(m.Socks[sock].Peer.IP, peerMSS(&h), h.Scaled, h.Scale, h.Stamped, h.Stamp)
	m.expandSndBuf(sock)
	m.setTCPState(c, r, sock, TCPEstablished)
	c.Goto(rcvStateSynSent)
	if !t.Dead {
		c.Call(fnSockDefWakeup, int64(sock))
	}
}

func (m *Machine) tcpSynSentAck(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	c.Call(fnTCPTransmit, int64(sock), int64(m.tcp(sock).SndNxt), nic.ACK, None)
}

// tcpRcvTransition: what the acknowledgement means in this state.
func (m *Machine) tcpRcvTransition(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t, k := m.tcp(sock), &m.Skbs[l[1]]
	about(r, KindSock, sock)
	if k.TCPFlags&nic.ACK == 0 {
		c.Goto(rcvStateFree)
		return
	}
	all := t.SndUna == t.WriteSeq
	switch {
	case t.State == TCPSynRecv:
		m.expandSndBuf(sock)
		h, _ := m.tcpHeader(SkbID(l[1]))
		t.SndUna, t.SndWnd = h.Ack, uint32(h.Window)<<t.SndScale
		m.setTCPState(c, r, sock, TCPEstablished)
		c.Call(fnSockDefWakeup, l[0])
	case t.State == TCPFinWait1 && all:
		m.setTCPState(c, r, sock, TCPFinWait2)
		m.Socks[sock].Shutdown |= sendShutdown
		switch {
		case !t.Dead:
			c.Call(fnSockDefWakeup, l[0])
		case k.Seq == k.End && !t.Owned:
			c.Goto(rcvStateFree)
			c.Call(fnTCPTimeWait, l[0], int64(TCPFinWait2))
		}
	case t.State == TCPClosing && all:
		c.Goto(rcvStateFree)
		c.Call(fnTCPTimeWait, l[0], int64(TCPTimeWait))
	case t.State == TCPLastAck && all:
		dead := t.Dead
		m.tcpDone(c, r, sock)
		c.Goto(rcvStateFree)
		if !dead {
			c.Call(fnSockDefWakeup, l[0])
		}
	}
}

// tcpRcvText: data for a program that has said it will read no more breaks the
// connection.
func (m *Machine) tcpRcvText(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t, k := m.tcp(sock), &m.Skbs[l[1]]
	about(r, KindSock, sock)
	c.Regs.RAX = 0
	end := k.End
	if k.TCPFlags&nic.FIN != 0 {
		end--
	}
	switch t.State {
	case TCPCloseWait, TCPClosing, TCPLastAck:
		if k.Seq != k.End {
			t.Ack.Pending |= AckSched
		}
	case TCPFinWait1, TCPFinWait2:
		if m.Socks[sock].Shutdown&rcvShutdown != 0 && k.Seq != k.End && before(t.RcvNxt, end) {
			c.Goto(rcvStateReset)
			c.Call(fnTCPReset, l[0])
			return
		}
		c.Call(fnTCPDataQueue, l[0], l[1])
	default:
		c.Call(fnTCPDataQueue, l[0], l[1])
	}
}

func (m *Machine) tcpFin(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	m.Socks[sock].Shutdown |= rcvShutdown
	t.Done = true
	t.Ack.Pending |= AckSched
	switch t.State {
	case TCPSynRecv, TCPEstablished:
		m.setTCPState(c, r, sock, TCPCloseWait)
		t.Ack.Pingpong = 1 // inet_csk_enter_pingpong_mode
	case TCPFinWait1:
		m.setTCPState(c, r, sock, TCPClosing)
		c.Call(fnTCPSendAck, l[0])
	case TCPFinWait2:
		c.Goto(2) // tcp_time_wait
		c.Call(fnTCPSendAck, l[0])
	}
}

func (m *Machine) tcpFinWake(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if m.tcp(sock).Dead {
		c.Return(0)
		return
	}
	c.Tail(fnSockDefWakeup, int64(sock), 0)
}

// tcpReset: what had been acknowledged by the peer's application cannot be known
// any more.
func (m *Machine) tcpReset(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	switch t.State {
	case TCPSynSent:
		s.Err = ECONNREFUSED
	case TCPCloseWait:
		s.Err = EPIPE
	case TCPClose:
		c.Return(0)
		return
	default:
		s.Err = ECONNRESET
	}
	m.tcpDoneWithError(c, r)
}

// tcpDoneWithError ends a connection, local 0, whose error is noted. Local 1 will
// be whether a program has it that is to be told (tcp_done_with_error).
func (m *Machine) tcpDoneWithError(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	m.purgeWrite(sock)
	f.L[1] = 1
	if m.tcp(sock).Dead {
		f.L[1] = 0
	}
	m.tcpDone(c, r, sock)
	if f.L[1] != 0 {
		c.Call(fnSockDefWakeup, f.L[0])
	}
}

func (m *Machine) tcpResetReport(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if l[1] != 0 {
		c.Call(fnSockDefErrorReport, l[0])
	}
}

// tcpTimeWait: locals are the socket and the stand-in's state; 2 is whether a
// program has the socket.
func (m *Machine) tcpTimeWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	s := m.Socks[sock]
	tw := m.newChild(s.Local, s.Peer, s.Reuse)
	t, w := m.tcp(sock), m.tcp(tw)
	w.State, w.Dead, w.Expires = TCPState(f.L[1]), true, m.Now+timeWaitLen
	w.SndNxt, w.RcvNxt, w.RcvWnd, w.RcvScale = t.SndNxt, t.RcvNxt, t.RcvWnd, t.RcvScale
	w.Stamped, w.Recent = t.Stamped, t.Recent
	if !t.Dead {
		f.L[2] = 1
	}
	m.tcpDone(c, r, sock)
}

func (m *Machine) tcpTimeWaitWake(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if l[2] != 0 {
		c.Tail(fnSockDefWakeup, l[0])
	}
}
