package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// When a receiver acknowledges: net/ipv4/tcp_input.c, tcp_output.c, tcp_timer.c,
// include/net/inet_connection_sock.h. An acknowledgement is put off, in the hope
// that data to send will carry it: for ato, which is 40 ms at first, or, before any
// data has come, to the next tick. It is not put off while a connection is young
// (quick) unless its two ends talk in turns (pingpong), nor when more than a full
// segment has come, nor when the program has read all there was.
//
// Simplified: nothing is out of order, so that nothing is acknowledged for that;
// the round trip is less than the least delay (see tcp_timer.go).

// AckPending tells what is known of the next acknowledgement (icsk_ack.pending).
type AckPending uint8

const (
	AckSched   AckPending = 1 << iota // ICSK_ACK_SCHED: there is something to acknowledge
	AckTimer                          // ICSK_ACK_TIMER: the timer is set
	AckPushed                         // ICSK_ACK_PUSHED: a segment that was not full, or had PSH, has come
	AckPushed2                        // ICSK_ACK_PUSHED2: and another one
)

// Deferred is what a softirq leaves to the call that owns the socket
// (sk_tsq_flags, tcp_release_cb).
type Deferred uint8

const (
	DeferredWriteTimer  Deferred = 1 << iota // TCP_WRITE_TIMER_DEFERRED
	DeferredDelackTimer                      // TCP_DELACK_TIMER_DEFERRED
	DeferredAck                              // TCP_ACK_DEFERRED
)

// DelayedAck is struct icsk_ack.
type DelayedAck struct {
	Pending  AckPending
	Quick    uint8    // so many more are sent at once
	Pingpong uint8    // the program answers what it reads: above 0, acknowledgements ride on the answers
	RcvMSS   int32    // the longest segment that has come: what counts as full
	LastSeg  int32    // last_seg_size
	ATO      sim.Time // how long to wait for data to ride on, or 0: no data has come yet
	Timeout  sim.Time // when the timer is due
	Received sim.Time // lrcvtime: the tick at which data came last
}

// Limits (include/net/tcp.h).
const (
	tcpDelackMin    = 40 * sim.Millisecond // TCP_DELACK_MIN and TCP_ATO_MIN
	tcpDelackMax    = 200 * sim.Millisecond
	tcpMaxQuickacks = 16
	tcpDefaultMSS   = 536
	tcpMinMSS       = 88
)

var tcpAckText = text{
	fnTCPAckSndCheck: oneStep("__tcp_ack_snd_check", fileTCPInput, "now, or later?", costFn, (*Machine).tcpAckNow,
		"Something is to be acknowledged: at once, or in a while?", "An acknowledgement that waits can ride on data, or stand for two segments."),
	fnTCPSendDelayedAck: oneStep("tcp_send_delayed_ack", fileTCPOutput, "sk_reset_timer", costFn, (*Machine).tcpSendDelayedAck,
		"Sets the timer by which the acknowledgement goes out if nothing carries it.", "The sender must hear before it believes the segment lost."),
	fnTCPDelackTimer: {Name: "tcp_delack_timer", File: fileTCPTimer,
		Say: "An acknowledgement has waited long enough.", Why: "If a system call owns the socket, it will see to it when it gives the socket back.",
		Steps: []step{
			{Name: "bh_lock_sock; owned by a call?", Cost: costFn, Do: (*Machine).tcpDelackTimer},
			{Name: "bh_unlock_sock", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.spinUnlock(c, m.tcp(SockID(c.Frame().L[0]))) }},
		}},
	fnTCPDelackTimerHandler: oneStep("tcp_delack_timer_handler", fileTCPTimer, "nothing has carried it: send it", costFn, (*Machine).tcpDelackTimerHandler,
		"No data has carried the acknowledgement: it goes out alone.", "Next time the wait is another one, since this one was for nothing."),
	fnTCPReleaseCb: oneStep("tcp_release_cb", fileTCPOutput, "what was left to the owner", costFn, (*Machine).tcpReleaseCb,
		"Does what timers and segments have left to the call that owned the socket.", "They must not touch the socket while a call has it."),
}

// jiffies is the number of ticks so far.
func (m *Machine) jiffies() sim.Time { return m.Now / m.tickPeriod() }

// incrQuickack makes the next acknowledgements quick: as many as half the window
// has segments (tcp_incr_quickack).
func (t *TCPSock) incrQuickack() {
	n := t.RcvWnd / uint32(2*t.Ack.RcvMSS)
	if n == 0 {
		n = 2
	}
	t.Ack.Quick = max(t.Ack.Quick, uint8(min(n, tcpMaxQuickacks)))
}

// enterQuickack: the peer seems to have lost something (tcp_enter_quickack_mode).
func (t *TCPSock) enterQuickack() {
	t.incrQuickack()
	t.Ack.Pingpong, t.Ack.ATO = 0, tcpDelackMin
}

// dataReceived learns from a segment's data how to acknowledge
// (tcp_event_data_recv).
func (m *Machine) dataReceived(t *TCPSock, k *Skb, header int32) {
	a := &t.Ack
	a.Pending |= AckSched
	a.measureRcvMSS(k, header)
	now, jiffy := m.jiffies(), m.tickPeriod()
	gap := (now - a.Received) * jiffy
	switch {
	case a.ATO == 0:
		t.incrQuickack()
		a.ATO = tcpDelackMin
	case gap <= tcpDelackMin/2:
		a.ATO = a.ATO/2 + tcpDelackMin/2
	case gap < a.ATO:
		a.ATO = min(a.ATO/2+gap, t.RTO)
	case gap > t.RTO: // the sender has made a pause
		t.incrQuickack()
	}
	a.Received = now
}

// measureRcvMSS learns what a full segment is, and whether this one is the end of
// what the sender wrote (tcp_measure_rcv_mss).
func (a *DelayedAck) measureRcvMSS(k *Skb, header int32) {
	last := a.LastSeg
	a.LastSeg = 0
	length := k.Len
	if k.Segs > 1 { // GRO has made it of several
		length = int32(k.GSOSize)
	}
	if length >= a.RcvMSS {
		a.RcvMSS = length
		if k.TCPFlags&nic.PSH != 0 {
			a.Pending |= AckPushed
		}
		return
	}
	pushed := k.TCPFlags&(nic.PSH|nic.FIN|nic.SYN) != 0
	if n := length + header; n >= tcpDefaultMSS+nic.TCPHeader || n >= tcpMinMSS+nic.TCPHeader && !pushed {
		if a.LastSeg = length; a.LastSeg == last {
			a.RcvMSS = length
			return
		}
	}
	if a.Pending&AckPushed != 0 {
		a.Pending |= AckPushed2
	}
	a.Pending |= AckPushed
}

// dataSent: data that goes out soon after some has come is an answer to it
// (tcp_event_data_sent).
func (m *Machine) dataSent(t *TCPSock) {
	if (m.jiffies()-t.Ack.Received)*m.tickPeriod() < t.Ack.ATO && t.Ack.Pingpong < 255 {
		t.Ack.Pingpong++
	}
}

// ackSent: a segment has carried the acknowledgement (tcp_event_ack_sent,
// tcp_dec_quickack_mode).
func (m *Machine) ackSent(sock SockID) {
	a := &m.tcp(sock).Ack
	if a.Pending&AckSched != 0 && a.Quick > 0 {
		if a.Quick--; a.Quick == 0 {
			a.ATO = tcpDelackMin
		}
	}
	m.clearDelack(sock)
}

// clearDelack: nothing waits to be acknowledged (inet_csk_clear_xmit_timer). Linux
// leaves the timer on the wheel, where it finds nothing to do.
func (m *Machine) clearDelack(sock SockID) {
	a := &m.tcp(sock).Ack
	if a.Pending&AckTimer != 0 {
		m.delTimer(WheelTCPDelack, sock)
	}
	a.Pending = 0
}

// tcpAckSndCheck: data that was sent meanwhile has carried the acknowledgement
// (tcp_ack_snd_check).
func (m *Machine) tcpAckSndCheck(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if t := m.tcp(sock); t.Ack.Pending&AckSched != 0 && t.State != TCPClose {
		c.Call(fnTCPAckSndCheck, int64(sock))
	}
}

// tcpAckNow: local 0 is the socket.
func (m *Machine) tcpAckNow(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	full := int32(t.RcvNxt-t.RcvWup) > t.Ack.RcvMSS && (t.RcvNxt == t.Copied || m.freeWindow(sock) >= t.RcvWnd)
	switch {
	case !full && (t.Ack.Quick == 0 || t.Ack.Pingpong > 0):
		c.Tail(fnTCPSendDelayedAck, int64(sock))
	case t.Owned: // net.ipv4.tcp_backlog_ack_defer
		t.Deferred |= DeferredAck
	default:
		c.Tail(fnTCPSendAck, int64(sock))
	}
}

func (m *Machine) tcpSendDelayedAck(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	a := &t.Ack
	about(r, KindSock, sock)
	jiffy := m.tickPeriod()
	ato := a.ATO
	if ato > tcpDelackMin {
		most := sim.Second / 2
		if a.Pingpong > 0 || a.Pending&AckPushed != 0 {
			most = tcpDelackMax
		}
		ato = min(ato, most)
	}
	ato = min(ato, tcpDelackMax, tcpRTOMin-jiffy)
	due := (m.jiffies() + ato/jiffy) * jiffy
	if a.Pending&AckTimer != 0 {
		if a.Timeout <= (m.jiffies()+ato/4/jiffy)*jiffy {
			c.Tail(fnTCPSendAck, int64(sock))
			return
		}
		due = min(due, a.Timeout)
	}
	a.Pending |= AckSched | AckTimer
	r.Arg[0] = int64(due - m.Now)
	m.armDelack(c, sock, due)
}

// armDelack starts the timer (sk_reset_timer).
func (m *Machine) armDelack(c *cpu.Core, sock SockID, due sim.Time) {
	m.tcp(sock).Ack.Timeout = due
	m.modTimer(int32(c.ID), WheelTCPDelack, sock, due-m.jiffies()*m.tickPeriod())
}

// tcpDelackTimer: local 0 is the socket.
func (m *Machine) tcpDelackTimer(c *cpu.Core, r *sim.Record) {
	set := m.tcp(SockID(c.Frame().L[0])).Ack.Pending&AckTimer != 0
	m.sockTimer(c, r, set, DeferredDelackTimer, fnTCPDelackTimerHandler)
}

// sockTimer takes the socket's lock for a timer's handler, if the timer still has a
// meaning. To a call that owns the socket it is left.
func (m *Machine) sockTimer(c *cpu.Core, r *sim.Record, set bool, left Deferred, handler cpu.CodeID) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	switch {
	case !set:
		c.Return(0)
	case t.Spin:
		c.Spin()
	case t.Owned:
		m.spinLock(c, t)
		t.Deferred |= left
	default:
		m.spinLock(c, t)
		c.Call(handler, int64(sock))
	}
}

func (m *Machine) tcpDelackTimerHandler(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	a := &t.Ack
	about(r, KindSock, sock)
	switch {
	case t.State == TCPClose || t.State == TCPListen || a.Pending&AckTimer == 0:
		return
	case a.Timeout > m.Now:
		m.armDelack(c, sock, a.Timeout)
		return
	}
	a.Pending &^= AckTimer
	if a.Pending&AckSched == 0 {
		return
	}
	if a.Pingpong == 0 { // waited for nothing: longer next time
		a.ATO = min(2*a.ATO, t.RTO)
	} else {
		a.Pingpong, a.ATO = 0, tcpDelackMin
	}
	m.Counters.DelayedAcks++
	c.Tail(fnTCPSendAck, int64(sock))
}

// tcpReleaseCb does one thing at a time.
func (m *Machine) tcpReleaseCb(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	for _, d := range []struct {
		flag Deferred
		fn   cpu.CodeID
	}{{DeferredWriteTimer, fnTCPWriteTimerHandler}, {DeferredDelackTimer, fnTCPDelackTimerHandler}, {DeferredAck, fnTCPSendAck}} {
		if t.Deferred&d.flag == 0 {
			continue
		}
		t.Deferred &^= d.flag
		if c.Again(); d.flag != DeferredAck || t.Ack.Pending&AckSched != 0 {
			c.Call(d.fn, int64(sock))
		}
		return
	}
}
