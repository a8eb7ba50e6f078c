package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Asking a receiver without a window for it: net/ipv4/tcp_timer.c, tcp_output.c,
// include/net/tcp.h. The segment that tells of room is an acknowledgement, and
// those are not sent again: if it is lost, each side waits for the other. So a
// sender with nothing on its way asks, by a segment that is out of the window: such
// a one has to be answered.

var tcpProbeText = text{
	fnTCPProbeTimer: oneStep("tcp_probe_timer", fileTCPTimer, "still no window?", costFn, (*Machine).tcpProbeTimer,
		"There is data to send, nothing on its way, and the peer has no room.", "If the segment that told of room was lost, nobody would ever send again."),
	fnTCPSendProbe0: {Name: "tcp_send_probe0", File: fileTCPOutput,
		Say: "Asks the peer for its window.", Why: "It waits longer each time: the peer's program may be slow.",
		Steps: []step{
			{Name: "tcp_write_wakeup", Cost: costFn, Do: callsWithArg(fnTCPXmitProbe)},
			{Name: "back off, set the timer again", Cost: costFn, Do: (*Machine).tcpProbeSent},
		}},
	fnTCPXmitProbe: oneStep("tcp_xmit_probe_skb", fileTCPOutput, "a segment out of the window", costFn, (*Machine).tcpXmitProbe,
		"A segment without data, and with a sequence number that was acknowledged long ago.", "A receiver has to answer such a segment, and the answer tells the window (RFC 9293, section 3.8.6.1)."),
}

// probesAtRest is how many probes in a row are answered by "no room" before the
// model looks whether anything else is left to happen.
const probesAtRest = 3

// resetProbeTimer starts the timer of the window probe (tcp_probe0_when).
func (m *Machine) resetProbeTimer(c *cpu.Core, sock SockID) {
	t := m.tcp(sock)
	after := min(t.RTO<<t.Backoff, tcpRTOMax)
	t.Probe0, t.Timeout = true, m.Now+after
	m.modTimer(int32(c.ID), WheelTCPWrite, sock, after)
}

// tcpCheckProbeTimer: local 0 is the socket. Something is to be sent, nothing is
// on its way, and no timer runs.
func (m *Machine) tcpCheckProbeTimer(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	if t := m.tcp(sock); t.Write.First != None && t.Rtx.First == None && t.Timeout == 0 {
		about(r, KindSock, sock)
		m.resetProbeTimer(c, sock)
	}
}

// tcpAckProbe: an acknowledgement has come while nothing was on its way. Either it
// tells of room, or it says that there is none yet (tcp_ack_probe).
func (m *Machine) tcpAckProbe(c *cpu.Core, sock SockID) {
	t := m.tcp(sock)
	switch head := t.Write.First; {
	case head == None:
	case before(m.Skbs[head].Seq, t.SndUna+t.SndWnd):
		t.Backoff = 0
		m.clearXmitTimer(sock)
	default:
		m.resetProbeTimer(c, sock)
	}
}

// tcpProbeTimer: local 0 is the socket. A peer that answers is asked for ever; the
// model stops asking when nothing else is left to happen.
func (m *Machine) tcpProbeTimer(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	most := uint8(tcpRetries2)
	if t.Dead {
		most = tcpOrphanRetries
	}
	switch {
	case t.Rtx.First != None || t.Write.First == None:
		t.Probes = 0
	case t.Probes >= most, t.Dead && t.RTO<<t.Backoff >= tcpRTOMax:
		c.Tail(fnTCPWriteErr, int64(sock))
	case t.Backoff >= probesAtRest && m.onlyProbesLeft():
		m.clearXmitTimer(sock)
	default:
		c.Tail(fnTCPSendProbe0, int64(sock))
	}
}

func (m *Machine) tcpXmitProbe(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	m.Counters.WindowProbes++
	c.Call(fnTCPTransmit, int64(sock), int64(m.tcp(sock).SndUna-1), nic.ACK, None)
}

func (m *Machine) tcpProbeSent(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	t.Probes++
	t.Backoff = min(t.Backoff+1, tcpRetries2)
	m.resetProbeTimer(c, sock)
}

// onlyProbesLeft tells whether nothing is left to happen but that senders ask for
// windows: no thread runs or will be woken by the clock, and nothing is on any
// wire. The questions would go on for ever, and their answers would be the same.
func (m *Machine) onlyProbesLeft() bool {
	for i := range m.CPUs {
		k := &m.CPUs[i]
		if k.RQ.Nr > 0 || len(k.Wake) > 0 || k.Backlog.Len > 0 {
			return false
		}
		for _, t := range k.Timers {
			if t.Kind != TimerTick {
				return false
			}
		}
		for _, t := range k.Wheel {
			if t.Kind != WheelTCPWrite || !m.tcp(t.Obj).Probe0 {
				return false
			}
		}
	}
	for _, e := range m.Queue.Pending() {
		switch e.Kind {
		case evTimer:
		case evRemote:
			if t := &m.Remotes[e.A]; t.Due != 0 && !t.asks() {
				return false
			}
		default:
			return false
		}
	}
	return true
}
