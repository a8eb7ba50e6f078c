package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Listening and accepting: net/ipv4/af_inet.c, inet_connection_sock.c,
// tcp_input.c, tcp_minisocks.c. A SYN makes a request; the last acknowledgement
// of the handshake makes a socket of it, which waits to be accepted.

var tcpListenText = text{
	fnInetListen: {Name: "inet_listen", File: fileAfInet,
		Say: "The socket listens from now on.", Why: "backlog limits how many connections may wait to be accepted.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "inet_csk_listen_start", Cost: costLookup, Do: (*Machine).inetListen},
			{Name: "release_sock", Cost: costFn, Do: callsWithArg(fnReleaseSock)},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[2]) }},
		}},
	fnInetAccept: {Name: "inet_accept", File: fileAfInet,
		Say: "Takes a connection and makes a program's socket of it.", Why: "The connection has existed since the handshake; only now it gets an open file.",
		Steps: []step{
			{Name: "inet_csk_accept", Cost: costFn, Do: callsWithArgs(fnInetCskAccept)},
			{Name: "sock_graft", Cost: costFn, Do: (*Machine).inetAccept},
		}},
	fnInetCskAccept: {Name: "inet_csk_accept", File: fileInetSock,
		Say: "Takes the first connection of the accept queue, or waits for one.", Why: "Everything in the queue is established: the handshake was the softirq's work.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "is the accept queue empty?", Cost: costFn, Do: (*Machine).cskAccept},
			{Name: "woken: look again", Cost: costFn, Do: (*Machine).cskAcceptAgain},
			{Name: "take the first, release_sock", Cost: costEnqueue, Do: (*Machine).cskAcceptTake},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[2]) }},
		}},
	fnInetCskWait: {Name: "inet_csk_wait_for_connect", File: fileInetSock,
		Say: "Queues the thread on the listening socket and sleeps.", Why: "It waits exclusively: a connection wakes one thread, not all.",
		Steps: []step{
			{Name: "prepare_to_wait_exclusive, release_sock", Cost: costSleep, Do: (*Machine).cskWait},
			{Name: "still empty? sleep", Cost: costFn, Do: (*Machine).cskWaitSleep},
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "finish_wait", Cost: costFn, Do: (*Machine).cskWaitDone},
		}},
	fnTCPConnRequest: oneStep("tcp_conn_request", fileTCPInput, "room? a request, and a SYN-ACK", costEnqueue, (*Machine).tcpConnRequest,
		"A SYN has come: notes the request and answers it.", "If the accept queue is full the SYN is dropped; the peer will send it again."),
	fnTCPSendSynack: oneStep("tcp_v4_send_synack", fileTCPv4, "tcp_make_synack, ip_build_and_send_pkt", costSkb, (*Machine).tcpSendSynack,
		"Sends the second segment of the handshake.", "There is no socket for the connection yet, only a request."),
	fnTCPCheckReq: {Name: "tcp_check_req", File: "net/ipv4/tcp_minisocks.c",
		Say: "A segment for a request: is it the acknowledgement that completes the handshake?", Why: "Then the request becomes a socket.",
		Steps: []step{
			{Name: "check it", Cost: costFn, Do: (*Machine).tcpCheckReq},
			{Name: "to the accept queue", Cost: costEnqueue, Do: (*Machine).tcpReqDone},
			{Name: "the SYN-ACK was sent again", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(reqNothing) }},
		}},
	fnTCPSynRecvSock: oneStep("tcp_v4_syn_recv_sock", fileTCPv4, "a socket for the connection", costSocket, (*Machine).tcpSynRecvSock,
		"Makes the socket of the new connection.", "If the accept queue is full nothing is made; the peer believes itself connected and will find out."),
	fnTCPChildProcess: {Name: "tcp_child_process", File: "net/ipv4/tcp_minisocks.c",
		Say: "Gives the new socket its first segment, and tells the listening socket.", Why: "This is what wakes the thread in accept, or in epoll_wait.",
		Steps: []step{
			{Name: "tcp_rcv_state_process", Cost: costFn, Do: (*Machine).tcpChildProcess},
			{Name: "the listener's sk_data_ready", Cost: costFn, Do: (*Machine).tcpChildReady},
			{Name: "bh_unlock_sock", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.spinUnlock(c, m.tcp(SockID(c.Frame().L[1]))) }},
		}},
	fnInetCskListenStop: oneStep("inet_csk_listen_stop", fileInetSock, "next connection that nobody has accepted", costFn, (*Machine).cskListenStop,
		"The socket listens no more: requests go, and connections that wait are reset.", "Their peers believe themselves connected."),
}

// somaxconn is net.core.somaxconn.
const somaxconn = 4096

// inetListen: locals are the socket and the backlog, 2 is the result.
func (m *Machine) inetListen(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if t.Socket != Unconnected || t.State != TCPClose && t.State != TCPListen {
		f.L[2] = -EINVAL
		return
	}
	t.MaxBacklog = int32(min(uint32(f.L[1]), somaxconn))
	if t.State == TCPListen {
		return
	}
	s := &m.Socks[sock]
	switch {
	case s.Local.Port == 0:
		t.AutoPort = true
		f.L[2] = m.autobind(sock, s.Local.IP)
	case m.portTaken(sock, s.Local):
		f.L[2] = -EADDRINUSE
	}
	if f.L[2] == 0 {
		m.setTCPState(c, r, sock, TCPListen)
	}
}

func (m *Machine) inetAccept(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Result())
	if sock < 0 {
		c.Return(int64(sock))
		return
	}
	about(r, KindSock, sock)
	file := m.newFile(FileSocket, sock, oRdwr)
	m.Socks[sock].File, m.tcp(sock).Socket = file, Connected
	c.Return(int64(sock))
}

// cskAccept: locals are the socket and the flags of its open file, 2 is the
// result.
func (m *Machine) cskAccept(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	switch {
	case t.State != TCPListen:
		f.L[2] = -EINVAL
		c.Goto(3)
	case t.AcceptHead != None:
		c.Goto(3)
	case f.L[1]&oNonblock != 0:
		f.L[2] = -EAGAIN
		c.Goto(3)
	default:
		c.Call(fnInetCskWait, int64(sock))
	}
}

func (m *Machine) cskAcceptAgain(c *cpu.Core, r *sim.Record) {
	about(r, KindSock, SockID(c.Frame().L[0]))
	c.Frame().L[2] = c.Result()
}

func (m *Machine) cskAcceptTake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	t := m.tcp(SockID(f.L[0]))
	about(r, KindSock, SockID(f.L[0]))
	if f.L[2] == 0 {
		f.L[2] = int64(m.acceptPop(t))
	}
	c.Call(fnReleaseSock, f.L[0])
}

// acceptPop takes the first connection of the accept queue
// (reqsk_queue_remove).
func (m *Machine) acceptPop(t *TCPSock) SockID {
	child := t.AcceptHead
	ct := m.tcp(child)
	if t.AcceptHead = ct.AcceptNext; t.AcceptHead == None {
		t.AcceptTail = None
	}
	ct.AcceptNext = None
	t.Accepts--
	return child
}

func (m *Machine) acceptPush(listener, child SockID) {
	t := m.tcp(listener)
	if t.AcceptTail == None {
		t.AcceptHead = child
	} else {
		m.tcp(t.AcceptTail).AcceptNext = child
	}
	t.AcceptTail = child
	t.Accepts++
}

// cskWait: local 0 is the socket, 1 the entry.
func (m *Machine) cskWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	f.L[1] = int64(m.prepareToWait(c, m.Socks[f.L[0]].WQ, WaitAutoremove, true))
	c.Call(fnReleaseSock, f.L[0])
}

func (m *Machine) cskWaitSleep(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if m.tcp(sock).AcceptHead == None && !m.signalPending(c) {
		c.Call(fnScheduleTimeout)
	}
}

func (m *Machine) cskWaitDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if m.entrySpin(c, WaitID(f.L[1])) {
		return
	}
	r.Station = m.wokenStation(c)
	m.finishWait(c, WaitID(f.L[1]))
	switch {
	case t.AcceptHead != None:
		c.Return(0)
	case t.State != TCPListen:
		c.Return(-EINVAL)
	case m.signalPending(c):
		c.Return(m.sockIntr(c))
	case m.timeUp(c):
		c.Return(-EAGAIN)
	default:
		c.Goto(0)
	}
}

// acceptFull compares as Linux does: one more than the backlog may wait.
func (t *TCPSock) acceptFull() bool { return t.Accepts > t.MaxBacklog }

// cookieMSS is the segment size that a cookie remembers; it has two bits for it
// (msstab).
func cookieMSS(mss int32) int32 {
	for _, known := range [...]int32{1460, 1440, 1300} {
		if mss >= known {
			return known
		}
	}
	return 536
}

// tcpConnRequest: locals are the listening socket and the SYN. If the SYN queue is
// full the request is not kept, but coded into the SYN-ACK's sequence number, and
// found again in the last acknowledgement (net.ipv4.tcp_syncookies). The model
// keeps such a request all the same, outside the SYN queue: it is never answered
// again.
func (m *Machine) tcpConnRequest(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, skb := SockID(l[0]), SkbID(l[1])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if t.acceptFull() {
		m.Counters.ListenOverflows++
		return
	}
	h, _ := m.tcpHeader(skb)
	mss, cookie := peerMSS(&h), t.ReqLen > t.MaxBacklog
	if cookie {
		mss = cookieMSS(mss)
	}
	req := m.newRequest(sock, TCPReq{
		Local: m.Skbs[skb].To, Peer: m.Skbs[skb].From, RcvISN: h.Seq, SndISN: m.tcpISN(), MSS: mss, Window: uint32(h.Window), Cookie: cookie,
		Scaled: h.Scaled, Scale: h.Scale, Stamped: h.Stamped, Recent: h.Stamp,
	})
	m.armRequest(c, req)
	c.Call(fnTCPSendSynack, int64(req))
}

// tcpISN is the sequence number that a connection begins with. Linux makes a
// secret of it (secure_tcp_seq).
func (m *Machine) tcpISN() uint32 { return uint32(m.Rand.Uint64()) }

// tcpSendSynack: local 0 is the request; it may have gone since.
func (m *Machine) tcpSendSynack(c *cpu.Core, r *sim.Record) {
	q := &m.Reqs[c.Frame().L[0]]
	if q.Peer == (SockAddr{}) {
		return
	}
	h := nic.TCP{
		SrcPort: q.Local.Port, DstPort: q.Peer.Port, Seq: q.SndISN, Ack: q.RcvISN + 1, Flags: nic.SYN | nic.ACK, Window: firstWindow,
		MSS: deviceMSS(q.Peer.IP), Scaled: q.Scaled, Scale: windowScale, Stamped: q.Stamped, Stamp: m.tcpStamp(), Echo: q.Recent,
	}
	skb := m.newSegment(&h, nil)
	about(r, KindSkb, skb)
	nic.PutIPv4(m.skbBytes(skb), nic.ProtoTCP, q.Local.IP, q.Peer.IP)
	c.Call(fnIPOutput, int64(skb))
}

// What tcp_check_req returns when it makes no socket.
const (
	reqNothing = -1 // the segment is of no use
	reqReset   = -2 // it is wrong: answer with RST
)

// tcpCheckReq: locals are the listening socket, the segment, the request.
func (m *Machine) tcpCheckReq(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, skb, req := SockID(l[0]), SkbID(l[1]), ReqID(l[2])
	about(r, KindSkb, skb)
	h, _ := m.tcpHeader(skb)
	q := &m.Reqs[req]
	switch {
	case h.Flags&(nic.SYN|nic.ACK|nic.RST) == nic.SYN && h.Seq == q.RcvISN:
		c.Goto(2)
		m.armRequest(c, req)
		c.Call(fnTCPSendSynack, int64(req))
	case h.Flags&nic.RST != 0:
		m.dropRequest(sock, req)
		c.Return(reqNothing)
	case h.Flags&nic.ACK == 0:
		c.Return(reqNothing)
	case h.Ack != q.SndISN+1:
		c.Return(reqReset)
	default:
		c.Call(fnTCPSynRecvSock, int64(sock), int64(req))
	}
}

// tcpReqDone: the request's place is taken by the socket
// (inet_csk_complete_hashdance).
func (m *Machine) tcpReqDone(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	child := SockID(c.Result())
	if child == None {
		c.Return(reqNothing)
		return
	}
	about(r, KindSock, child)
	m.dropRequest(SockID(l[0]), ReqID(l[2]))
	m.acceptPush(SockID(l[0]), child)
	c.Return(int64(child))
}

// tcpSynRecvSock: locals are the listening socket and the request.
func (m *Machine) tcpSynRecvSock(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	listener, q := SockID(l[0]), m.Reqs[l[1]]
	about(r, KindSock, listener)
	if m.tcp(listener).acceptFull() {
		m.Counters.ListenOverflows++
		c.Return(None)
		return
	}
	child := m.newChild(q.Local, q.Peer, m.Socks[listener].Reuse)
	s, parent := &m.Socks[child], &m.Socks[listener]
	s.RcvBuf, s.SndBuf, s.SndLock, s.BusyPoll = parent.RcvBuf, parent.SndBuf, parent.SndLock, parent.BusyPoll
	t := m.tcp(child)
	t.NoDelay = m.tcp(listener).NoDelay
	m.spinLock(c, t)
	t.State = TCPListen // of which it is a copy
	m.setTCPState(c, r, child, TCPSynRecv)
	t.SndUna, t.SndNxt, t.WriteSeq, t.SndSml = q.SndISN, q.SndISN+1, q.SndISN+1, q.SndISN
	t.RcvNxt, t.RcvWup, t.Copied, t.RcvWnd, t.SndWl1 = q.RcvISN+1, q.RcvISN+1, q.RcvISN+1, firstWindow, q.RcvISN
	t.SndWnd = q.Window
	t.options(q.Peer.IP, q.MSS, q.Scaled, q.Scale, q.Stamped, q.Recent)
	if t.RTO = m.tcpRTO(); q.Timeouts > 0 || q.Cookie {
		t.RTO = tcpTimeoutFallback
	}
	c.Return(int64(child))
}

// tcpChildProcess: locals are the listening socket, the new one, the segment.
func (m *Machine) tcpChildProcess(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[1]))
	c.Call(fnTCPRcvState, l[1], l[2])
}

func (m *Machine) tcpChildReady(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if m.tcp(SockID(l[1])).State != TCPSynRecv {
		c.Call(fnSockDefReadable, l[0])
	}
}

func (m *Machine) cskListenStop(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	for t.Requests != None {
		m.dropRequest(sock, t.Requests)
	}
	if t.AcceptHead == None {
		return
	}
	child := m.acceptPop(t)
	m.tcp(child).Dead = true
	c.Again()
	c.Call(fnTCPDisconnect, int64(child))
}
