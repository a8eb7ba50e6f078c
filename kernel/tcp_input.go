package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Receiving segments: net/ipv4/tcp_ipv4.c, tcp_input.c. The functions that
// handle a segment return 0 when it is taken care of, and 1 when it is to be
// answered with RST.

var tcpInputText = text{
	fnTCPv4Rcv: {Name: "tcp_v4_rcv", File: fileTCPv4, Station: StUDP,
		Say: "TCP's entry from IP: finds the connection by both addresses and ports.", Why: "If a system call owns the socket, the segment waits on its backlog.",
		Steps: []step{
			{Name: "__inet_lookup_skb", Cost: costLookup, Do: (*Machine).tcpV4Rcv},
			{Name: "bh_lock_sock; owned by a call?", Cost: costFn, Do: (*Machine).tcpV4RcvLock},
			{Name: "bh_unlock_sock", Cost: costFn, Do: (*Machine).tcpV4RcvUnlock},
			{Name: "for nobody: RST", Cost: costFn, Do: callsWithArg(fnTCPSendReset)},
			{Name: "free the segment", Cost: costFn, Do: (*Machine).tcpV4RcvFree},
			{Name: "for a request", Cost: costFn, Do: (*Machine).tcpV4RcvRequest},
			{Name: "for a new connection", Cost: costFn, Do: (*Machine).tcpV4RcvChild},
			{Name: "for a connection in TIME-WAIT", Cost: costFn, Do: (*Machine).tcpV4RcvTimeWait},
			{Name: "for a listening socket", Cost: costFn, Do: (*Machine).tcpV4RcvListen},
			{Name: "done", Cost: costFn, Do: nothing},
		}},
	fnTCPTimeWaitRcv: {Name: "tcp_timewait_state_process", File: "net/ipv4/tcp_minisocks.c", Station: StUDP,
		Say: "A segment for a connection that no program has any more.", Why: "Old segments must not be taken for those of a new connection.",
		Steps: []step{
			{Name: "what does it want?", Cost: costFn, Do: (*Machine).tcpTimeWaitRcv},
			{Name: "acknowledged", Cost: costFn, Do: returnsZero},
		}},
	fnTCPv4DoRcv: {Name: "tcp_v4_do_rcv", File: fileTCPv4, Station: StUDP,
		Say: "Handles a segment of a socket, in softirq or from the backlog.", Why: "Established connections have a path of their own.",
		Steps: []step{
			{Name: "established?", Cost: costFn, Do: (*Machine).tcpV4DoRcv},
			{Name: "RST, if it was wrong", Cost: costFn, Do: (*Machine).tcpV4DoRcvReset},
			{Name: "free it", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.kfreeSkb(SkbID(c.Frame().L[1])) }},
		}},
	fnTCPRcvEstablished: {Name: "tcp_rcv_established", File: fileTCPInput, Station: StUDP,
		Say: "Handles a segment of an established connection.", Why: "First what it acknowledges, then what it brings, then what there is to send.",
		Steps: []step{
			{Name: "tcp_validate_incoming", Cost: costFn, Do: (*Machine).tcpEstablishedCheck},
			{Name: "tcp_ack", Cost: costFn, Do: callsWithArgs(fnTCPAck)},
			{Name: "tcp_data_queue", Cost: costFn, Do: callsWithArgs(fnTCPDataQueue)},
			{Name: "tcp_data_snd_check: more to send?", Cost: costFn, Do: (*Machine).tcpDataSndCheck},
			{Name: "tcp_check_space: who waits for room?", Cost: costFn, Do: (*Machine).tcpCheckSpace},
			{Name: "tcp_ack_snd_check", Cost: costFn, Do: (*Machine).tcpAckSndCheck},
			{Name: "free it, unless it is queued", Cost: costFn, Do: (*Machine).tcpRcvFree},
		}},
	fnTCPRcvState: {Name: "tcp_rcv_state_process", File: fileTCPInput, Station: StUDP,
		Say: "Handles a segment of a connection that comes or goes.", Why: "What it means depends on the state.",
		Steps: []step{
			{Name: "tcp_validate_incoming", Cost: costFn, Do: (*Machine).tcpRcvState},
			{Name: "tcp_ack", Cost: costFn, Do: callsWithArgs(fnTCPAck)},
			{Name: "the next state?", Cost: costFn, Do: (*Machine).tcpRcvTransition},
			{Name: "tcp_data_queue", Cost: costFn, Do: (*Machine).tcpRcvText},
			{Name: "tcp_data_snd_check: more to send?", Cost: costFn, Do: (*Machine).tcpDataSndCheck},
			{Name: "tcp_check_space: who waits for room?", Cost: costFn, Do: (*Machine).tcpCheckSpace},
			{Name: "tcp_ack_snd_check", Cost: costFn, Do: (*Machine).tcpAckSndCheck},
			{Name: "free it, unless it is queued", Cost: costFn, Do: (*Machine).tcpRcvFree},
			{Name: "connected: the last segment of the handshake", Cost: costFn, Do: (*Machine).tcpSynSentAck},
			{Name: "free it", Cost: costFn, Do: (*Machine).tcpRcvFree},
			{Name: "consume_skb", Cost: costFn, Do: (*Machine).tcpConsumeSyn},
			{Name: "answer with RST", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(1) }},
		}},
	fnTCPAck: oneStep("tcp_ack", fileTCPInput, "tcp_clean_rtx_queue, the new window", costFn, (*Machine).tcpAck,
		"Takes what the segment acknowledges out of the retransmission queue.", "What is acknowledged need not be kept."),
	fnTCPDataQueue: {Name: "tcp_data_queue", File: fileTCPInput, Station: StSocket,
		Say: "Puts the data on the receive queue, if it is the next in order.", Why: "A stream has no gaps and no doubles.",
		Steps: []step{
			{Name: "in order? queue it", Cost: costEnqueue, Do: (*Machine).tcpDataQueue},
			{Name: "tcp_data_ready", Cost: costFn, Do: (*Machine).tcpDataReady},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(1) }},
		}},
	fnTCPFin: {Name: "tcp_fin", File: fileTCPInput, Station: StSocket,
		Say: "The peer will send no more.", Why: "Readers will get the end of the stream, once they have read everything before it.",
		Steps: []step{
			{Name: "the next state", Cost: costFn, Do: (*Machine).tcpFin},
			{Name: "sk_state_change", Cost: costFn, Do: (*Machine).tcpFinWake},
			{Name: "tcp_time_wait", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) {
				c.Call(fnTCPTimeWait, c.Frame().L[0], int64(TCPTimeWait))
			}},
		}},
	fnTCPReset: {Name: "tcp_reset", File: fileTCPInput, Station: StSocket,
		Say: "The peer has broken the connection off.", Why: "Which error that is depends on what the connection was doing.",
		Steps: []step{
			{Name: "sk_err, tcp_done", Cost: costFn, Do: (*Machine).tcpReset},
			{Name: "sk_error_report", Cost: costFn, Do: (*Machine).tcpResetReport},
		}},
	fnTCPTimeWait: {Name: "tcp_time_wait", File: "net/ipv4/tcp_minisocks.c",
		Say: "A small stand-in keeps the addresses; the socket itself is done.", Why: "The program's socket must not be kept for a minute only because of late segments.",
		Steps: []step{
			{Name: "inet_twsk_alloc, tcp_done", Cost: costSkb, Do: (*Machine).tcpTimeWait},
			{Name: "sk_state_change", Cost: costFn, Do: (*Machine).tcpTimeWaitWake},
		}},
}

// Steps of tcp_v4_rcv that it goes to.
const (
	rcvReset = 3 + iota
	rcvFree
	rcvRequest
	rcvChild
	rcvTimeWait
	rcvListen
	rcvDone
)

// tcpV4Rcv: local 0 is the segment, 1 will be the socket, 2 the request.
func (m *Machine) tcpV4Rcv(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := SkbID(f.L[0])
	about(r, KindSkb, skb)
	k := &m.Skbs[skb]
	h, n, ok := nic.ParseTCP(m.skbBytes(skb))
	if !ok {
		m.drop(c, r, skb)
		c.Return(0)
		return
	}
	k.From.Port, k.To.Port = h.SrcPort, h.DstPort
	k.Seq, k.TCPFlags = h.Seq, h.Flags
	k.End = h.Seq + uint32(k.Len) - uint32(n)
	if h.Flags&nic.SYN != 0 {
		k.End++
	}
	if h.Flags&nic.FIN != 0 {
		k.End++
	}
	sock := m.lookupTCP(k.From, k.To)
	r.Arg[0], r.Arg[1] = int64(h.DstPort), int64(sock)
	f.L[1] = int64(sock)
	if sock == None {
		c.Goto(rcvReset)
		return
	}
	switch t := m.tcp(sock); {
	case t.State == TCPListen:
		c.Goto(rcvListen)
		req := m.findRequest(sock, k.From, k.To)
		if req != None && m.Reqs[req].Cookie && h.Flags&nic.SYN != 0 { // nobody remembers
			m.dropRequest(sock, req)
			req = None
		}
		if f.L[2] = int64(req); req != None {
			c.Goto(rcvRequest)
		}
	case t.Expires != 0:
		c.Goto(rcvTimeWait)
		c.Call(fnTCPTimeWaitRcv, int64(sock), int64(skb))
	}
}

// tcpV4RcvLock takes the spinlock; a softirq on another core may hold it.
func (m *Machine) tcpV4RcvLock(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	t := m.tcp(SockID(l[1]))
	about(r, KindSock, SockID(l[1]))
	if t.Spin {
		c.Spin()
		return
	}
	m.spinLock(c, t)
	m.markNAPI(SockID(l[1]), SkbID(l[0]))
	if t.Owned {
		c.Call(fnTCPAddBacklog, l[1], l[0])
		return
	}
	c.Call(fnTCPv4DoRcv, l[1], l[0])
}

func (m *Machine) tcpV4RcvUnlock(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[1])
	about(r, KindSock, sock)
	m.spinUnlock(c, m.tcp(sock))
	c.Return(0)
}

// What tcp_timewait_state_process returns, beside 0.
const (
	twReset = 1
	twSyn   = 2 // a new connection in place of the old one
)

func (m *Machine) tcpV4RcvTimeWait(c *cpu.Core, r *sim.Record) {
	about(r, KindSkb, SkbID(c.Frame().L[0]))
	switch c.Result() {
	case twSyn:
		c.Goto(0)
	case twReset:
		c.Goto(rcvReset)
	default:
		c.Goto(rcvFree)
	}
}

func (m *Machine) tcpV4RcvFree(c *cpu.Core, r *sim.Record) {
	m.drop(c, r, SkbID(c.Frame().L[0]))
	c.Return(0)
}

func (m *Machine) tcpV4RcvRequest(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[1]))
	c.Call(fnTCPCheckReq, l[1], l[0], l[2])
}

func (m *Machine) tcpV4RcvChild(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSkb, SkbID(f.L[0]))
	switch child := c.Result(); child {
	case reqNothing:
		c.Goto(rcvFree)
	case reqReset:
		c.Goto(rcvReset)
	default:
		c.Goto(rcvDone)
		c.Call(fnTCPChildProcess, f.L[1], child, f.L[0])
	}
}

// tcpV4RcvListen: a listening socket is not locked.
func (m *Machine) tcpV4RcvListen(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[1]))
	c.Call(fnTCPv4DoRcv, l[1], l[0])
}

// tcpTimeWaitRcv: locals are the stand-in and the segment.
func (m *Machine) tcpTimeWaitRcv(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t, k := m.tcp(sock), &m.Skbs[l[1]]
	about(r, KindSock, sock)
	switch flags := k.TCPFlags; {
	case flags&nic.RST != 0:
		m.tcpDestroy(sock)
		t.State = TCPClose
		c.Return(0)
	case flags&nic.SYN != 0 && t.State == TCPTimeWait && before(t.RcvNxt, k.Seq):
		m.tcpDestroy(sock)
		t.State = TCPClose
		c.Return(twSyn)
	case t.State == TCPFinWait2 && k.Seq == t.RcvNxt && flags&nic.FIN != 0 && k.End == k.Seq+1:
		t.RcvNxt = k.End
		m.setTCPState(c, r, sock, TCPTimeWait)
		t.Expires = m.Now + timeWaitLen
		c.Call(fnTCPv4SendAck, l[0])
	case t.State == TCPFinWait2 && before(t.RcvNxt, k.End):
		m.tcpDestroy(sock)
		t.State = TCPClose
		c.Return(twReset)
	case k.End != k.Seq || k.Seq != t.RcvNxt:
		c.Call(fnTCPv4SendAck, l[0])
	default:
		c.Return(0)
	}
}

func (m *Machine) tcpV4DoRcv(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[1]))
	if m.tcp(SockID(l[0])).State == TCPEstablished {
		c.Call(fnTCPRcvEstablished, l[0], l[1])
		return
	}
	c.Call(fnTCPRcvState, l[0], l[1])
}

func (m *Machine) tcpV4DoRcvReset(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if c.Result() == 0 {
		c.Return(0)
		return
	}
	c.Call(fnTCPSendReset, l[1])
}

// tcpValid checks that a segment lies in the window and is no RST or SYN; if it
// is not to be handled further, the function goes on at the given step
// (tcp_validate_incoming).
func (m *Machine) tcpValid(c *cpu.Core, sock SockID, skb SkbID, end uint16) {
	t, k := m.tcp(sock), &m.Skbs[skb]
	inWindow := !before(k.End, t.RcvWup) && !before(t.RcvNxt+t.window(), k.Seq)
	switch {
	case k.TCPFlags&nic.RST != 0 && k.Seq == t.RcvNxt:
		c.Goto(end)
		c.Call(fnTCPReset, int64(sock))
	case k.TCPFlags&nic.RST != 0 && !inWindow:
		c.Goto(end)
	case !inWindow, k.TCPFlags&(nic.RST|nic.SYN) != 0: // a challenge, too (RFC 5961)
		c.Goto(end)
		c.Call(fnTCPSendAck, int64(sock))
	}
}

func (m *Machine) tcpEstablishedCheck(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[1]))
	m.tcpValid(c, SockID(l[0]), SkbID(l[1]), 6)
}

// tcpAck: locals are the socket and the segment. An acknowledgement of what was
// not sent is passed over.
func (m *Machine) tcpAck(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	t, skb := m.tcp(SockID(l[0])), SkbID(l[1])
	about(r, KindSock, SockID(l[0]))
	h, _ := m.tcpHeader(skb)
	if h.Flags&nic.ACK == 0 || before(h.Ack, t.SndUna) || before(t.SndNxt, h.Ack) {
		return
	}
	idle := t.Rtx.First == None
	if before(t.SndUna, h.Ack) || before(t.SndWl1, h.Seq) || t.SndWl1 == h.Seq && uint32(h.Window)<<t.SndScale > t.SndWnd {
		t.SndWnd, t.SndWl1 = uint32(h.Window)<<t.SndScale, h.Seq
	}
	if h.Stamped {
		t.Recent = h.Stamp
	}
	advanced := before(t.SndUna, h.Ack)
	r.Arg[0] = int64(h.Ack - t.SndUna)
	t.SndUna = h.Ack
	for t.Rtx.First != None && !before(t.SndUna, m.Skbs[t.Rtx.First].End) {
		done := m.popSkb(&t.Rtx)
		t.Queued -= m.Skbs[done].Truesize
		m.Skbs[done].Truesize = 0
		m.kfreeSkb(done)
	}
	if t.Probes = 0; idle {
		m.tcpAckProbe(c, SockID(l[0]))
	}
	if !advanced {
		return
	}
	if m.tcpAcked(c, SockID(l[0])); t.Lost {
		c.Call(fnTCPRetransmitSkb, l[0]) // tcp_xmit_recovery
	}
}

// tcpDataQueue: locals are the socket and the segment. It returns whether the
// segment is on the receive queue now.
func (m *Machine) tcpDataQueue(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, skb := SockID(l[0]), SkbID(l[1])
	s, t, k := &m.Socks[sock], m.tcp(sock), &m.Skbs[skb]
	about(r, KindSock, sock)
	if k.Seq == k.End {
		c.Return(0)
		return
	}
	if before(t.RcvNxt, k.Seq) || !before(t.RcvNxt, k.End) || t.window() == 0 {
		t.enterQuickack()
		t.Ack.Pending |= AckSched
		c.Return(0)
		return
	}
	_, n := m.tcpHeader(skb)
	seen := t.RcvNxt - k.Seq
	m.pull(skb, n+int32(seen))
	k.Seq += seen
	if k.Truesize = k.Len; s.First == None {
		k.Truesize += tcpOverhead // the others' is saved by tcp_try_coalesce
	}
	m.appendSkb(&s.First, &s.Last, skb)
	s.Len++
	s.Bytes += k.Truesize
	t.RcvNxt = k.End
	if k.Len > 0 {
		m.dataReceived(t, k, n)
	}
	r.Arg[0], r.Arg[1] = int64(s.Len), int64(skb)
	if k.TCPFlags&nic.FIN != 0 {
		c.Call(fnTCPFin, l[0])
	}
}

func (m *Machine) tcpDataReady(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if !m.tcp(sock).Dead {
		c.Call(fnSockDefReadable, int64(sock))
	}
}

// tcpDataSndCheck: local 2 remembers whether the segment is queued.
func (m *Machine) tcpDataSndCheck(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	f.L[2] = c.Result()
	if m.tcp(SockID(f.L[0])).Write.First != None {
		c.Call(fnTCPPushPending, f.L[0])
	}
}

func (m *Machine) tcpCheckSpace(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if m.tcp(sock).NoSpace {
		c.Call(fnStreamWriteSpace, int64(sock))
	}
}

func (m *Machine) tcpRcvFree(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[1]))
	if l[2] == 0 {
		m.kfreeSkb(SkbID(l[1]))
	}
	c.Return(0)
}
