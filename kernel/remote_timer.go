package kernel

import (
	"ringside/nic"
	"ringside/sim"
)

// A remote host's timer: it sends again what nobody has acknowledged, and asks a
// receiver without a window for it. As Linux does (tcp_timer.go), with these
// simplifications: it goes back to the first byte that is missing and sends all
// from there; its time is measured to the nanosecond and not in ticks; only the
// timer finds a loss.

const (
	remoteSynRetries = 6  // net.ipv4.tcp_syn_retries
	remoteRetries    = 15 // net.ipv4.tcp_retries2
)

// asks tells whether the host has something to send, nothing on its way, and no
// window.
func (t *Remote) asks() bool {
	return t.State == RemoteOpen && t.SndUna == t.SndMax && t.Next < len(t.Todo)
}

// wait is how long the host waits for a sign of life, or 0: it waits for none.
func (t *Remote) wait() sim.Time {
	switch {
	case t.State == RemoteClosed:
		return 0
	case t.State != RemoteOpen && t.Tries < remoteSynRetries:
		return sim.Second << t.Tries
	case t.State != RemoteOpen:
		return 0
	case t.SndUna == t.SndMax && t.Next == len(t.Todo):
		return 0
	}
	return min(tcpRTOMin<<t.Tries, tcpRTOMax)
}

// remoteArm starts the timer if it is needed and does not run. There is one event
// for it at a time, which may come too early.
func (m *Machine) remoteArm(id int32, at sim.Time, cause sim.Seq) {
	t := &m.Remotes[id]
	wait := t.wait()
	if wait == 0 {
		t.Due = 0
	} else if t.Due == 0 {
		t.Due = at + wait
	}
	if t.Due != 0 && (t.Alarm == 0 || t.Due < t.Alarm) {
		t.Alarm = t.Due
		m.Queue.Push(sim.Event{At: t.Due, Cause: cause, Kind: evRemote, A: id})
	}
}

// remoteDue tells whether an event is the one that a host's timer waits for. Who
// asks for a window asks for ever; the model stops when nothing else is left to
// happen.
func (m *Machine) remoteDue(e *sim.Event) bool {
	t := &m.Remotes[e.A]
	return e.At == t.Alarm && e.At == t.Due && !(t.asks() && t.Tries >= probesAtRest && m.onlyProbesLeft())
}

// remoteEarly: an event has come before the host's timer is due, or for none.
func (m *Machine) remoteEarly(e *sim.Event) {
	t := &m.Remotes[e.A]
	if e.At != t.Alarm {
		return
	}
	if t.Alarm = 0; t.Due > e.At {
		m.remoteArm(e.A, e.At, e.Cause)
	}
}

func (m *Machine) remoteTimer(id int32, r *sim.Record) {
	t := &m.Remotes[id]
	t.Due, t.Alarm = 0, 0
	t.Tries++
	switch {
	case t.State != RemoteOpen:
		r.Fn = uint16(fnRemoteTimer)
		m.remoteSyn(id, m.Now, m.Seq)
	case t.asks():
		r.Fn = uint16(fnRemoteProbe)
		m.remoteProbe(id)
	default:
		r.Fn = uint16(fnRemoteResend)
		m.remoteResend(id)
	}
}

// remoteResend goes back to the first byte that is not acknowledged.
func (m *Machine) remoteResend(id int32) {
	t := &m.Remotes[id]
	if t.Tries > remoteRetries {
		t.close()
		return
	}
	t.Cwnd = uint32(deviceMSS(t.Own.IP))
	m.remoteSeek(t, t.SndUna)
	m.remotePush(id, m.Now, m.Seq)
}

// remoteProbe sends a segment that is out of the window: it has to be answered.
func (m *Machine) remoteProbe(id int32) {
	t := &m.Remotes[id]
	h := nic.TCP{Seq: t.SndUna - 1, Ack: t.RcvNxt, Flags: nic.ACK, Window: remoteWindow}
	m.remoteFrame(t.Own, t.Peer, h, nil, m.Now, m.Seq)
	m.remoteArm(id, m.Now, m.Seq)
}
