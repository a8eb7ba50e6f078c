package kernel

import (
	"ringside/nic"
	"ringside/sim"
)

// Remote hosts: the other end of the scenario's TCP flows. Not a kernel, only
// what there is to say on the wire: it connects, sends, acknowledges what it
// gets and says goodbye, when the wire section tells it to. A SYN without an
// answer is sent again after a second, then two, and so on, as Linux does; nothing
// else is lost on the wire.

// RemoteState is the state of a remote host's end.
type RemoteState uint8

const (
	RemoteClosed RemoteState = iota
	RemoteSynSent
	RemoteOpen
)

// Remote is the remote end of a TCP flow.
type Remote struct {
	Own, Peer              SockAddr // its address, and this machine's
	State                  RemoteState
	SndUna, SndNxt, RcvNxt uint32
	Window                 uint32
	Tries                  int32
	Todo                   []int32 // entries of the wire section that are not sent yet
	Sent                   int     // bytes of the first of them that are
}

var remoteText = text{
	fnRemote: device("remote host", StNone, "(the world)", "a frame has arrived there",
		"The frame reaches the host at the other end of the wire.", "If it belongs to one of the scenario's connections, an answer follows."),
	fnRemoteTimer: device("remote host", StNone, "(the world)", "no answer: the SYN once more",
		"The remote host has waited long enough for an answer to its SYN.", "Whoever did not answer was busy, or the frame was lost; it cannot know."),
}

// remoteWindow is how much a remote host is always ready to take.
const remoteWindow = 65535

// addRemote finds the remote end of an entry's flow, or makes it.
func (m *Machine) addRemote(p *Packets) int32 {
	own, peer := addrOf(p.From), addrOf(p.To)
	for i := range m.Remotes {
		if m.Remotes[i].Own == own && m.Remotes[i].Peer == peer {
			return int32(i)
		}
	}
	m.Remotes = append(m.Remotes, Remote{Own: own, Peer: peer})
	return int32(len(m.Remotes) - 1)
}

// remoteDo does an entry of the wire section.
func (m *Machine) remoteDo(entry int32, at sim.Time) {
	p := &m.Config.Wire[entry]
	id := m.remoteOf[entry]
	t := &m.Remotes[id]
	switch {
	case p.Connect:
		isn := m.tcpISN()
		*t = Remote{Own: t.Own, Peer: t.Peer, State: RemoteSynSent, SndUna: isn, SndNxt: isn + 1, Todo: t.Todo[:0]}
		m.remoteSyn(id, at, sim.NoSeq)
	case t.State == RemoteClosed: // the connection is gone
	case p.Rst:
		m.remoteSend(t, nic.RST|nic.ACK, nil, at, sim.NoSeq)
		t.State = RemoteClosed
	default:
		t.Todo = append(t.Todo, entry)
		m.remotePush(t, at, sim.NoSeq)
	}
}

// remoteSyn sends the SYN, and sets a time for sending it again.
func (m *Machine) remoteSyn(id int32, at sim.Time, cause sim.Seq) {
	t := &m.Remotes[id]
	t.SndNxt = t.SndUna
	m.remoteSend(t, nic.SYN, nil, at, cause)
	t.SndNxt = t.SndUna + 1
	if t.Tries < 6 { // net.ipv4.tcp_syn_retries
		m.Queue.Push(sim.Event{At: at + sim.Second<<t.Tries, Cause: cause, Kind: evRemote, A: id, B: t.Tries})
	}
	t.Tries++
}

// remoteLate tells whether the timer of a SYN is out of date.
func (m *Machine) remoteLate(e *sim.Event) bool {
	t := &m.Remotes[e.A]
	return t.State != RemoteSynSent || t.Tries != e.B+1
}

func (m *Machine) remoteAgain(e *sim.Event, r *sim.Record) {
	r.Fn = uint16(fnRemoteTimer)
	m.remoteSyn(e.A, m.Now, m.Seq)
}

// remoteSend puts a segment on the wire.
func (m *Machine) remoteSend(t *Remote, flags uint8, data []byte, at sim.Time, cause sim.Seq) {
	h := nic.TCP{Seq: t.SndNxt, Flags: flags, Window: remoteWindow}
	if flags&nic.ACK != 0 {
		h.Ack = t.RcvNxt
	}
	if flags&nic.SYN != 0 {
		h.MSS = deviceMSS(t.Own.IP)
	}
	b, err := nic.BuildTCP(HostMAC, peerMAC(netipAddr(t.Own.IP)), t.Own.addrPort(), t.Peer.addrPort(), h, data)
	if err != nil {
		m.giveUp(err.Error())
		return
	}
	m.NIC.Arrive(m.newFrame(b), at, m.Frames, &m.Queue, cause)
	t.SndNxt += uint32(len(data))
	if flags&nic.FIN != 0 {
		t.SndNxt++
	}
}

// remotePush sends what the window has room for.
func (m *Machine) remotePush(t *Remote, at sim.Time, cause sim.Seq) {
	for t.State == RemoteOpen && len(t.Todo) > 0 {
		p := &m.Config.Wire[t.Todo[0]]
		if rest := p.Payload[t.Sent:]; len(rest) > 0 {
			n := min(len(rest), int(deviceMSS(t.Own.IP)), int(int32(t.SndUna+t.Window-t.SndNxt)))
			if n <= 0 {
				return
			}
			flags := uint8(nic.ACK)
			if n == len(rest) {
				flags |= nic.PSH // tcp_push: the end of what it has written
			}
			m.remoteSend(t, flags, rest[:n], at, cause)
			t.Sent += n
			continue
		}
		if p.Fin {
			m.remoteSend(t, nic.FIN|nic.ACK, nil, at, cause)
		}
		t.Todo, t.Sent = t.Todo[1:], 0
	}
}

// farEnd: a frame of this machine has reached the other end of the wire.
func (m *Machine) farEnd(frame int32, r *sim.Record) {
	r.Kind, r.Obj, r.Fn, r.Dur = KindFrame, frame, uint16(fnRemote), m.Config.NIC.Costs.Far
	packet := m.Frames[frame].Bytes[nic.EthHeader:]
	ip, _ := nic.ParseIPv4(packet)
	if ip.Protocol != nic.ProtoTCP {
		return
	}
	h, n, _ := nic.ParseTCP(packet[ip.HeaderLen:ip.TotalLen])
	own, peer := SockAddr{ip.Dst, h.DstPort}, SockAddr{ip.Src, h.SrcPort}
	for i := range m.Remotes {
		if t := &m.Remotes[i]; t.Own == own && t.Peer == peer {
			m.remoteReceive(t, &h, uint32(ip.TotalLen-ip.HeaderLen-n))
		}
	}
}

// remoteReceive: data is how many bytes the segment carries.
func (m *Machine) remoteReceive(t *Remote, h *nic.TCP, data uint32) {
	switch {
	case h.Flags&nic.RST != 0:
		t.State = RemoteClosed
	case t.State == RemoteClosed:
		return
	case h.Flags&nic.ACK != 0 && !before(t.SndNxt, h.Ack) && !before(h.Ack, t.SndUna):
		t.SndUna, t.Window = h.Ack, uint32(h.Window)
	}
	if t.State == RemoteSynSent && h.Flags&(nic.SYN|nic.ACK) == nic.SYN|nic.ACK {
		t.State, t.RcvNxt = RemoteOpen, h.Seq
	}
	if t.State != RemoteOpen {
		return
	}
	end := h.Seq + data
	if h.Flags&(nic.SYN|nic.FIN) != 0 {
		end++
	}
	if h.Seq == t.RcvNxt {
		t.RcvNxt = end
	}
	if end != h.Seq {
		m.remoteSend(t, nic.ACK, nil, m.Now, m.Seq)
	}
	m.remotePush(t, m.Now, m.Seq)
}
