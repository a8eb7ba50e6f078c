package kernel

import (
	"slices"

	"ringside/nic"
	"ringside/sim"
)

// Remote hosts: the other end of the scenario's TCP connections. Not a kernel,
// only what there is to say on the wire. A host connects, sends, and says goodbye
// when the wire section tells it to; one that listens takes every connection, and
// answers what it is asked after a while. All of them acknowledge at once. What
// this machine sends always arrives; what the card has dropped is sent again
// (remote_timer.go).

// RemoteState is the state of a remote host's end.
type RemoteState uint8

const (
	RemoteClosed RemoteState = iota
	RemoteSynSent
	RemoteSynRcvd
	RemoteOpen
)

// Remote is the remote end of a TCP connection.
type Remote struct {
	Own, Peer      SockAddr // its address, and this machine's
	State          RemoteState
	Fin            bool  // it has nothing more to say
	PeerFin        bool  // nor has this machine
	Listener       int32 // that it belongs to, or None
	SndUna, SndNxt uint32
	SndMax         uint32 // the end of what it has ever sent: SndNxt goes back after a loss
	RcvNxt         uint32
	Window         uint32   // what this machine is ready to take
	Cwnd           uint32   // how much it dares to have on the way after a loss; 0: the window's worth
	Tries          uint8    // how often its timer was due since it has heard anything new
	Due, Alarm     sim.Time // when its timer is due, and when the event for it comes; 0: none
	Ready          sim.Time // when its answer is, or 0
	Todo           []int32  // what it says, as far as it is not acknowledged: entries of the wire section, or an answer
	Base           uint32   // the sequence number of the first of them
	Next, Sent     int      // it goes on with this one, after so many bytes
}

// What stands in Todo for no entry: the listener's answer, and its farewell.
const (
	sayAnswer = -1 - iota
	sayGoodbye
)

var remoteText = text{
	fnRemote: device("remote host", StNone, "(the world)", "a frame has arrived there",
		"The frame reaches the host at the other end of the wire.", "If it belongs to one of the scenario's connections, an answer follows."),
	fnRemoteTimer: device("remote host", StNone, "(the world)", "no answer: the SYN once more",
		"The remote host has waited long enough for an answer to its SYN.", "Whoever did not answer was busy, or the frame was lost; it cannot know."),
	fnRemoteResend: device("remote host", StNone, "(the world)", "no acknowledgement: once more",
		"The remote host sends again from the first byte that is not acknowledged.", "The card had no room for it, perhaps: nobody tells a sender of a loss, so it waits and sends again."),
	fnRemoteProbe: device("remote host", StNone, "(the world)", "is there room now?",
		"The remote host has data to send, and the window is closed: it asks.", "The segment that told of room may have been lost; without the question both would wait for ever."),
	fnRemoteAnswer: device("remote host", StNone, "(the world)", "the answer is ready",
		"The remote host has thought for as long as it takes, and answers.", "For this machine that time was free: nobody waited on a core."),
}

// remoteWindow is how much a remote host is always ready to take.
const remoteWindow = 65535

// addRemote finds the remote end of an entry's flow, or makes it.
func (m *Machine) addRemote(p *Packets) int32 {
	own, peer := addrOf(p.From), addrOf(p.To)
	if id := m.findRemote(own, peer); id != None {
		return id
	}
	m.Remotes = append(m.Remotes, Remote{Own: own, Peer: peer, Listener: None})
	return int32(len(m.Remotes) - 1)
}

func (m *Machine) findRemote(own, peer SockAddr) int32 {
	for i := range m.Remotes {
		if m.Remotes[i].Own == own && m.Remotes[i].Peer == peer {
			return int32(i)
		}
	}
	return None
}

// restart begins a connection's books anew. An event that is out stays out.
func (t *Remote) restart(state RemoteState, isn uint32) {
	*t = Remote{
		Own: t.Own, Peer: t.Peer, Listener: t.Listener, State: state, Todo: t.Todo[:0], Alarm: t.Alarm,
		SndUna: isn, SndNxt: isn, SndMax: isn + 1, Base: isn + 1,
	}
}

// remoteDoAll does an entry for all connections of a listener that are open. The
// ones behind the first wait until its frames are on the wire.
func (m *Machine) remoteDoAll(entry int32, at sim.Time) {
	own := addrOf(m.Config.Wire[entry].From)
	for i := range m.Remotes {
		if t := &m.Remotes[i]; t.Listener != None && t.Own == own {
			m.remoteDo(int32(i), entry, at)
		}
	}
}

// remoteDo does an entry of the wire section.
func (m *Machine) remoteDo(id, entry int32, at sim.Time) {
	p := &m.Config.Wire[entry]
	t := &m.Remotes[id]
	switch {
	case p.Connect:
		t.restart(RemoteSynSent, m.tcpISN())
		m.remoteSyn(id, at, sim.NoSeq)
	case t.State == RemoteClosed: // the connection is gone
	case p.Rst:
		m.remoteSend(t, nic.RST|nic.ACK, nil, at, sim.NoSeq)
		t.close()
	case t.Fin:
	default:
		m.remoteSay(id, entry, at, sim.NoSeq)
	}
}

// close forgets a connection.
func (t *Remote) close() { t.State, t.Due, t.Ready = RemoteClosed, 0, 0 }

// remoteSay puts something behind all that the host has to say.
func (m *Machine) remoteSay(id, what int32, at sim.Time, cause sim.Seq) {
	t := &m.Remotes[id]
	t.Todo = append(t.Todo, what)
	_, t.Fin = m.remoteWords(t, what)
	m.remotePush(id, at, cause)
}

// remoteWords is what an element of Todo stands for: data, and whether it is the
// last.
func (m *Machine) remoteWords(t *Remote, what int32) ([]byte, bool) {
	switch what {
	case sayAnswer:
		l := &m.Config.Listens[t.Listener]
		return l.Says, l.Fin
	case sayGoodbye:
		return nil, true
	}
	p := &m.Config.Wire[what]
	return p.Payload, p.Fin
}

// remoteLen is how many sequence numbers it takes.
func (m *Machine) remoteLen(t *Remote, what int32) int {
	data, fin := m.remoteWords(t, what)
	if fin {
		return len(data) + 1
	}
	return len(data)
}

// remoteSyn sends the SYN or the answer to one, and sets a time for sending it
// again.
func (m *Machine) remoteSyn(id int32, at sim.Time, cause sim.Seq) {
	t := &m.Remotes[id]
	flags := uint8(nic.SYN)
	if t.State == RemoteSynRcvd {
		flags |= nic.ACK
	}
	t.SndNxt = t.SndUna
	m.remoteSend(t, flags, nil, at, cause)
	t.SndNxt = t.SndUna + 1
	m.remoteArm(id, at, cause)
}

// remoteSend puts a segment on the wire.
func (m *Machine) remoteSend(t *Remote, flags uint8, data []byte, at sim.Time, cause sim.Seq) {
	h := nic.TCP{Seq: t.SndNxt, Flags: flags, Window: remoteWindow}
	if len(data) == 0 && flags&(nic.SYN|nic.FIN) == 0 {
		h.Seq = t.SndMax
	}
	if flags&nic.ACK != 0 {
		h.Ack = t.RcvNxt
	}
	if flags&nic.SYN != 0 {
		h.MSS = deviceMSS(t.Own.IP)
	}
	m.remoteFrame(t.Own, t.Peer, h, data, at, cause)
	t.SndNxt += uint32(len(data))
	if flags&nic.FIN != 0 {
		t.SndNxt++
	}
	if before(t.SndMax, t.SndNxt) {
		t.SndMax = t.SndNxt
	}
}

func (m *Machine) remoteFrame(from, to SockAddr, h nic.TCP, data []byte, at sim.Time, cause sim.Seq) {
	b, err := nic.BuildTCP(HostMAC, peerMAC(netipAddr(from.IP)), from.addrPort(), to.addrPort(), h, data)
	if err != nil {
		m.giveUp(err.Error())
		return
	}
	m.NIC.Arrive(m.newFrame(b), at, m.Frames, &m.Queue, cause)
}

// room is how much the host may send now.
func (t *Remote) room() int {
	w := t.Window
	if t.Cwnd != 0 {
		w = min(w, t.Cwnd)
	}
	return int(int32(t.SndUna + w - t.SndNxt))
}

// remotePush sends what there is room for. A FIN goes with the last byte before
// it.
func (m *Machine) remotePush(id int32, at sim.Time, cause sim.Seq) {
	t := &m.Remotes[id]
	for t.State == RemoteOpen && t.Next < len(t.Todo) {
		data, fin := m.remoteWords(t, t.Todo[t.Next])
		rest := data[t.Sent:]
		n := max(0, min(len(rest), int(deviceMSS(t.Own.IP)), t.room()))
		if n == 0 && len(rest) > 0 {
			break
		}
		flags := uint8(nic.ACK)
		if n > 0 && n == len(rest) {
			flags |= nic.PSH // tcp_push: the end of what it has written
		}
		if fin && n == len(rest) {
			flags |= nic.FIN
		}
		if n > 0 || flags != nic.ACK {
			m.remoteSend(t, flags, rest[:n], at, cause)
		}
		if t.Sent += n; t.Sent == len(data) {
			t.Next, t.Sent = t.Next+1, 0
		}
	}
	m.remoteArm(id, at, cause)
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
	data := uint32(ip.TotalLen - ip.HeaderLen - n)
	id := m.findRemote(own, peer)
	switch {
	case h.Flags&(nic.SYN|nic.ACK) == nic.SYN && (id == None || m.Remotes[id].Listener != None):
		m.remoteAccept(id, own, peer, &h)
	case id != None:
		m.remoteReceive(id, &h, data)
	case h.Flags&nic.RST == 0 && m.hostExists(ip.Dst):
		m.remoteRefuse(own, peer, &h, data)
	}
}

// hostExists tells whether the scenario names a host with this address. From where
// there is none no answer comes.
func (m *Machine) hostExists(ip uint32) bool {
	return slices.Contains(m.Config.Hosts, netipAddr(ip))
}

// remoteAccept: a SYN for a host at which nobody has connected from there, or for
// one that listens. One that comes again is answered again.
func (m *Machine) remoteAccept(id int32, own, peer SockAddr, h *nic.TCP) {
	if id == None {
		to := own.addrPort()
		l := slices.IndexFunc(m.Config.Listens, func(l Listener) bool { return l.At == to })
		switch {
		case l >= 0:
			id = int32(len(m.Remotes))
			m.Remotes = append(m.Remotes, Remote{Own: own, Peer: peer, Listener: int32(l)})
		case m.hostExists(own.IP):
			m.remoteRefuse(own, peer, h, 0)
			return
		default:
			return
		}
	}
	if t := &m.Remotes[id]; t.State != RemoteSynRcvd || t.RcvNxt != h.Seq+1 {
		t.restart(RemoteSynRcvd, m.tcpISN())
		t.RcvNxt, t.Window = h.Seq+1, uint32(h.Window)
	}
	m.remoteSyn(id, m.Now, m.Seq)
}

// remoteRefuse answers a segment that belongs to no connection (RFC 9293, section
// 3.10.7.1).
func (m *Machine) remoteRefuse(own, peer SockAddr, h *nic.TCP, data uint32) {
	rst := nic.TCP{Flags: nic.RST, Seq: h.Ack}
	if h.Flags&nic.ACK == 0 {
		rst = nic.TCP{Flags: nic.RST | nic.ACK, Ack: segmentEnd(h, data)}
	}
	m.remoteFrame(own, peer, rst, nil, m.Now, m.Seq)
}

// segmentEnd is the sequence number behind a segment.
func segmentEnd(h *nic.TCP, data uint32) uint32 {
	end := h.Seq + data
	if h.Flags&nic.SYN != 0 {
		end++
	}
	if h.Flags&nic.FIN != 0 {
		end++
	}
	return end
}

// remoteReceive: data is how many bytes the segment carries.
func (m *Machine) remoteReceive(id int32, h *nic.TCP, data uint32) {
	t := &m.Remotes[id]
	switch {
	case h.Flags&nic.RST != 0:
		t.close()
	case t.State == RemoteClosed:
	default:
		m.remoteSegment(id, h, data)
	}
}

func (m *Machine) remoteSegment(id int32, h *nic.TCP, data uint32) {
	t := &m.Remotes[id]
	if h.Flags&nic.ACK != 0 && !before(t.SndMax, h.Ack) && !before(h.Ack, t.SndUna) {
		m.remoteAcked(t, h.Ack, uint32(h.Window))
	}
	switch {
	case t.State == RemoteSynSent && h.Flags&(nic.SYN|nic.ACK) == nic.SYN|nic.ACK:
		t.State, t.RcvNxt = RemoteOpen, h.Seq
	case t.State == RemoteSynRcvd && t.SndUna == t.Base:
		t.State = RemoteOpen
	}
	if t.State != RemoteOpen {
		return
	}
	if end := segmentEnd(h, data); h.Seq != t.RcvNxt { // an old one, or a question for the window
		m.remoteSend(t, nic.ACK, nil, m.Now, m.Seq)
	} else if end != h.Seq {
		t.RcvNxt = end
		m.remoteSend(t, nic.ACK, nil, m.Now, m.Seq)
		m.remoteHears(id, data > 0, h.Flags&nic.FIN != 0)
	}
	m.remotePush(id, m.Now, m.Seq)
}

// remoteAcked takes an acknowledgement and the window that it tells.
func (m *Machine) remoteAcked(t *Remote, ack, window uint32) {
	news := ack - t.SndUna
	if news != 0 || window != 0 && t.Window == 0 {
		t.Tries, t.Due = 0, 0
	}
	if t.Cwnd != 0 { // slow start (RFC 5681, section 3.1)
		if t.Cwnd += news; t.Cwnd >= remoteWindow {
			t.Cwnd = 0
		}
	}
	t.SndUna, t.Window = ack, window
	if before(t.SndNxt, ack) {
		m.remoteSeek(t, ack)
	}
	for t.Next > 0 {
		end := t.Base + uint32(m.remoteLen(t, t.Todo[0]))
		if before(t.SndUna, end) {
			return
		}
		t.Base, t.Todo, t.Next = end, t.Todo[1:], t.Next-1
	}
}

// remoteSeek has the host go on sending at a sequence number.
func (m *Machine) remoteSeek(t *Remote, seq uint32) {
	t.SndNxt, t.Next, t.Sent = seq, 0, int(int32(seq-t.Base))
	for t.Next < len(t.Todo) {
		n := m.remoteLen(t, t.Todo[t.Next])
		if t.Sent < n {
			return
		}
		t.Next, t.Sent = t.Next+1, t.Sent-n
	}
}

// remoteHears: something new has come. A listener answers a request, and closes
// when this machine does, if it need not answer any more.
func (m *Machine) remoteHears(id int32, data, fin bool) {
	t := &m.Remotes[id]
	if t.Listener == None || t.Fin {
		return
	}
	l := &m.Config.Listens[t.Listener]
	if fin {
		t.PeerFin = true
	}
	if data && l.Answers() && t.Ready == 0 {
		t.Ready = m.Now + l.After
		m.Queue.Push(sim.Event{At: t.Ready, Cause: m.Seq, Kind: evAnswer, A: id})
	}
	if t.PeerFin && t.Ready == 0 {
		m.remoteSay(id, sayGoodbye, m.Now, m.Seq)
	}
}

func (m *Machine) remoteAnswer(id int32, r *sim.Record) {
	t := &m.Remotes[id]
	r.Fn, t.Ready = uint16(fnRemoteAnswer), 0
	m.remoteSay(id, sayAnswer, m.Now, m.Seq)
	if t.PeerFin && !t.Fin {
		m.remoteSay(id, sayGoodbye, m.Now, m.Seq)
	}
}
