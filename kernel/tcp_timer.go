package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Sending again what nobody has acknowledged: net/ipv4/tcp_timer.c,
// inet_connection_sock.c.
//
// Simplified: the round trip is not measured. It is taken for less than a tick,
// so the time to wait is the least that Linux waits, and a tick. Nothing but this
// timer finds a loss: there are no tail loss probes, and no fast retransmission
// after duplicate acknowledgements. After a loss each acknowledgement lets out the
// next segment of the retransmission queue.

const fileTCPTimer = "net/ipv4/tcp_timer.c"

// Times and limits (include/net/tcp.h, and net.ipv4.tcp_syn_retries and so on).
const (
	tcpTimeoutInit     = sim.Second
	tcpTimeoutFallback = 3 * sim.Second
	tcpRTOMin          = 200 * sim.Millisecond
	tcpRTOMax          = 120 * sim.Second
	cookieValid        = 120 * sim.Second

	tcpSynRetries        = 6
	tcpSynLinearTimeouts = 4
	tcpSynackRetries     = 5
	tcpRetries2          = 15
	tcpOrphanRetries     = 8
)

var tcpTimerText = text{
	fnTCPWriteTimer: {Name: "tcp_write_timer", File: fileTCPTimer,
		Say: "The time for an acknowledgement is up.", Why: "If a system call owns the socket, it will see to it when it gives the socket back.",
		Steps: []step{
			{Name: "bh_lock_sock; owned by a call?", Cost: costFn, Do: (*Machine).tcpWriteTimer},
			{Name: "bh_unlock_sock", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.spinUnlock(c, m.tcp(SockID(c.Frame().L[0]))) }},
		}},
	fnTCPWriteTimerHandler: oneStep("tcp_write_timer_handler", fileTCPTimer, "still to be done?", costFn, (*Machine).tcpWriteTimerHandler,
		"Looks whether the timer still has a meaning.", "The acknowledgement may have come meanwhile."),
	fnTCPRetransmitTimer: {Name: "tcp_retransmit_timer", File: fileTCPTimer,
		Say: "Sends the first segment that is not acknowledged once more, and waits twice as long for the answer.", Why: "If the network or the peer is overloaded, sending more often makes it worse.",
		Steps: []step{
			{Name: "tcp_write_timeout: give up? tcp_enter_loss", Cost: costFn, Do: (*Machine).tcpRetransmitTimer},
			{Name: "back off, set the timer again", Cost: costFn, Do: (*Machine).tcpBackoff},
		}},
	fnTCPRetransmitSkb: {Name: "tcp_retransmit_skb", File: fileTCPOutput,
		Say: "Sends a segment that was sent before.", Why: "It was kept for this.",
		Steps: []step{
			{Name: "tcp_transmit_skb", Cost: costFn, Do: (*Machine).tcpRetransmitSkb},
			{Name: "sent", Cost: costFn, Do: (*Machine).tcpRetransmitted},
		}},
	fnTCPWriteErr: {Name: "tcp_write_err", File: fileTCPTimer,
		Say: "Nobody answers: the connection is over.", Why: "The next call gets ETIMEDOUT.",
		Steps: []step{
			{Name: "sk_err, tcp_done", Cost: costFn, Do: (*Machine).tcpWriteErr},
			{Name: "sk_error_report", Cost: costFn, Do: (*Machine).tcpResetReport},
		}},
	fnReqskTimer: oneStep("reqsk_timer_handler", fileInetSock, "give up, or the SYN-ACK again", costFn, (*Machine).reqskTimer,
		"The last acknowledgement of the handshake has not come, or found the accept queue full.", "The peer may not have heard; to ask it again is all that can be done."),
}

// resetXmitTimer starts the retransmission timer (tcp_reset_xmit_timer).
func (m *Machine) resetXmitTimer(c *cpu.Core, sock SockID) {
	t := m.tcp(sock)
	t.Probe0, t.Timeout = false, m.Now+t.RTO
	m.modTimer(int32(c.ID), WheelTCPWrite, sock, t.RTO)
}

// clearXmitTimer cancels it. Linux leaves it on the wheel, where it finds nothing
// to do (inet_csk_clear_xmit_timer).
func (m *Machine) clearXmitTimer(sock SockID) {
	if t := m.tcp(sock); t.Timeout != 0 {
		t.Timeout = 0
		m.delTimer(WheelTCPWrite, sock)
	}
}

// rearmRTO starts the timer anew after an acknowledgement, if anything is left to
// be acknowledged (tcp_rearm_rto).
func (m *Machine) rearmRTO(c *cpu.Core, sock SockID) {
	if m.tcp(sock).Rtx.First == None {
		m.clearXmitTimer(sock)
		return
	}
	m.resetXmitTimer(c, sock)
}

// tcpRTO is the time to wait for an acknowledgement.
func (m *Machine) tcpRTO() sim.Time { return tcpRTOMin + m.tickPeriod() }

// tcpAcked: something new was acknowledged, so the peer is alive. After a loss
// nothing new is sent until everything old is acknowledged.
func (m *Machine) tcpAcked(c *cpu.Core, sock SockID) {
	t := m.tcp(sock)
	t.RTO, t.Retransmits = m.tcpRTO(), 0
	t.Lost = t.Lost && t.Rtx.First != None
	m.rearmRTO(c, sock)
}

// tcpWriteTimer: local 0 is the socket.
func (m *Machine) tcpWriteTimer(c *cpu.Core, r *sim.Record) {
	m.sockTimer(c, r, m.tcp(SockID(c.Frame().L[0])).Timeout != 0, DeferredWriteTimer, fnTCPWriteTimerHandler)
}

func (m *Machine) tcpWriteTimerHandler(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	switch t := m.tcp(sock); {
	case t.Timeout == 0 || t.Timeout > m.Now:
	case t.Probe0:
		c.Tail(fnTCPProbeTimer, int64(sock))
	default:
		c.Tail(fnTCPRetransmitTimer, int64(sock))
	}
}

func (m *Machine) tcpRetransmitTimer(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if m.tcpWriteTimeout(t) {
		c.Tail(fnTCPWriteErr, int64(sock))
		return
	}
	if t.Retransmits == 0 {
		t.RetransStamp = m.Now
	}
	t.Retransmits++
	t.Lost = true
	c.Call(fnTCPRetransmitSkb, int64(sock))
}

// tcpWriteTimeout tells whether it is time to give up. A SYN is counted; for data
// the time is what tcp_retries2 retransmissions would have taken
// (tcp_write_timeout, retransmits_timed_out).
func (m *Machine) tcpWriteTimeout(t *TCPSock) bool {
	retries := tcpRetries2
	switch {
	case t.State == TCPSynSent:
		return t.Retransmits >= tcpSynRetries+tcpSynLinearTimeouts
	case t.Dead:
		retries = tcpOrphanRetries
	}
	if t.Retransmits == 0 {
		return false
	}
	var limit sim.Time
	for i := 0; i <= retries; i++ {
		limit += min(tcpRTOMin<<i, tcpRTOMax)
	}
	return m.Now-t.RetransStamp >= limit
}

// tcpBackoff: the first timeouts of a SYN come at the same distance
// (net.ipv4.tcp_syn_linear_timeouts).
func (m *Machine) tcpBackoff(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if t.State != TCPSynSent || t.Retransmits > tcpSynLinearTimeouts {
		t.RTO = min(2*t.RTO, tcpRTOMax)
	}
	m.resetXmitTimer(c, sock)
}

// tcpRetransmitSkb: local 0 is the socket, whose first segment in the
// retransmission queue it is.
func (m *Machine) tcpRetransmitSkb(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	skb := m.tcp(sock).Rtx.First
	c.Frame().L[1] = int64(skb)
	about(r, KindSkb, skb)
	m.Counters.RetransSegs++
	m.transmitQueued(c, sock, skb)
}

func (m *Machine) tcpRetransmitted(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	r.Arg[0], r.Arg[1] = l[1], int64(m.tcp(SockID(l[0])).State)
	m.point(c, r, PointTCPRetransmitSkb)
}

func (m *Machine) tcpWriteErr(c *cpu.Core, r *sim.Record) {
	m.Socks[c.Frame().L[0]].Err = ETIMEDOUT
	m.tcpDoneWithError(c, r)
}

// reqskTimer: local 0 is the request. With the accept queue full the last
// acknowledgement was ignored, and the peer is asked for it again
// (net.ipv4.tcp_synack_retries).
func (m *Machine) reqskTimer(c *cpu.Core, r *sim.Record) {
	req := ReqID(c.Frame().L[0])
	q := &m.Reqs[req]
	about(r, KindSock, q.Listener)
	if q.Timeouts >= tcpSynackRetries || q.Cookie {
		m.dropRequest(q.Listener, req)
		return
	}
	q.Timeouts++
	m.armRequest(c, req)
	m.Counters.RetransSegs++
	c.Tail(fnTCPSendSynack, int64(req))
}

// armRequest starts a request's timer (tcp_reqsk_timeout). A cookie has none, but
// is not valid for ever: one to two minutes (TCP_SYNCOOKIE_VALID).
func (m *Machine) armRequest(c *cpu.Core, req ReqID) {
	after := min(tcpTimeoutInit<<m.Reqs[req].Timeouts, tcpRTOMax)
	if m.Reqs[req].Cookie {
		after = cookieValid
	}
	m.modTimer(int32(c.ID), WheelRequest, req, after)
}
