package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Sending segments: net/ipv4/tcp_output.c, tcp_ipv4.c.

var tcpOutputText = text{
	fnTCPPushPending: {Name: "__tcp_push_pending_frames", File: fileTCPOutput,
		Say: "Sends what may be sent now.", Why: "What the window does not let out stays in the write queue.",
		Steps: []step{
			{Name: "tcp_write_xmit", Cost: costFn, Do: callsWithArg(fnTCPWriteXmit)},
			{Name: "tcp_check_probe_timer", Cost: costFn, Do: (*Machine).tcpCheckProbeTimer},
		}},
	fnTCPWriteXmit: {Name: "tcp_write_xmit", File: fileTCPOutput,
		Say: "Takes segments from the write queue for as long as the peer's window has room.", Why: "The window is how much the receiver is ready to store.",
		Steps: []step{
			{Name: "next segment: does the window have room?", Cost: costFn, Do: (*Machine).tcpWriteXmit},
			{Name: "to the retransmission queue", Cost: costFn, Do: (*Machine).tcpNewDataSent},
		}},
	fnTCPTransmit: {Name: "__tcp_transmit_skb", File: fileTCPOutput,
		Say: "Clones the segment and puts the TCP header on the clone.", Why: "The original stays until it is acknowledged.",
		Steps: []step{
			{Name: "clone, header", Cost: costSkb, Do: (*Machine).tcpTransmit},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnIPQueueXmit: {Name: "__ip_queue_xmit", File: fileIPOutput,
		Say: "Puts the IP header on.", Why: "The socket remembers the route.",
		Steps: []step{
			{Name: "header, ip_local_out", Cost: costIP, Do: (*Machine).ipQueueXmit},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnTCPSendAck: oneStep("__tcp_send_ack", fileTCPOutput, "a segment without data", costFn, (*Machine).tcpSendAck,
		"Acknowledges what has come, and tells the window.", "A segment of headers only."),
	fnTCPSendFin: oneStep("tcp_send_fin", fileTCPOutput, "FIN, behind all data", costFn, (*Machine).tcpSendFin,
		"Says that no more data will come.", "It has a sequence number like a byte: it arrives in order."),
	fnTCPSendReset: oneStep("tcp_v4_send_reset", fileTCPv4, "RST", costSkb, (*Machine).tcpSendReset,
		"Answers a segment that belongs to nothing.", "The sender is to know that there is no connection."),
	fnTCPActiveReset: oneStep("tcp_send_active_reset", fileTCPOutput, "RST", costFn, (*Machine).tcpActiveReset,
		"Breaks the connection off.", "Data would be lost: the peer must not believe that all was well."),
	fnTCPv4SendAck: oneStep("tcp_v4_send_ack", fileTCPv4, "for a connection in TIME-WAIT", costSkb, (*Machine).tcpV4SendAck,
		"Acknowledges once more.", "That is what TIME-WAIT is for: the last acknowledgement may have been lost."),
}

// Windows: what a SYN can tell without a scale, and the scale that this host
// asks for.
const (
	firstWindow = 65535
	windowScale = 7
)

// deviceMSS is how much data a segment can carry on the way to an address:
// loopback takes 65,535 bytes, the card 1500.
func deviceMSS(ip uint32) uint16 {
	if localIP(ip) {
		return 65535 - nic.IPv4Header - nic.TCPHeader
	}
	return 1500 - nic.IPv4Header - nic.TCPHeader
}

// peerMSS is what the peer's SYN asks for, or what RFC 9293 says if it does not.
func peerMSS(h *nic.TCP) int32 {
	if h.MSS == 0 {
		return 536
	}
	return int32(h.MSS)
}

// options notes what the handshake has settled.
func (t *TCPSock) options(peer uint32, mss int32, scaled bool, scale uint8, stamped bool, recent uint32) {
	t.MSS = min(mss, int32(deviceMSS(peer)))
	t.Stamped, t.Recent = stamped, recent
	if stamped {
		t.MSS -= 12
	}
	t.SndScale, t.RcvScale = 0, 0
	if scaled {
		t.SndScale, t.RcvScale = scale, windowScale
	}
}

// expandSndBuf gives a new connection room for twenty full segments, unless the
// program has chosen a size (tcp_sndbuf_expand).
func (m *Machine) expandSndBuf(sock SockID) {
	s := &m.Socks[sock]
	full := int32(deviceMSS(s.Peer.IP)) + 640
	per := int32(1)
	for per < full {
		per *= 2
	}
	if !s.SndLock {
		s.SndBuf = min(20*(per+256), tcpWmemMax)
	}
}

// tcpStamp is the clock of timestamps: a millisecond.
func (m *Machine) tcpStamp() uint32 { return uint32(m.Now / sim.Millisecond) }

// newSegment makes a packet of a header and data, with room for IP's header
// before it.
func (m *Machine) newSegment(h *nic.TCP, data []byte) SkbID {
	n := nic.IPv4Header + h.Len()
	skb := m.newOwnSkb(int32(n+len(data)), None)
	b := m.skbBytes(skb)
	h.Put(b[nic.IPv4Header:])
	copy(b[n:], data)
	return skb
}

// tcpTransmit: locals are the socket, the sequence number, the flags, the data's
// segment or None.
func (m *Machine) tcpTransmit(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	h := nic.TCP{SrcPort: s.Local.Port, DstPort: s.Peer.Port, Seq: uint32(l[1]), Flags: uint8(l[2]), Stamped: t.Stamped, Stamp: m.tcpStamp(), Echo: t.Recent}
	if h.Flags&nic.SYN != 0 {
		h.MSS, h.Scaled, h.Scale, h.Window = deviceMSS(s.Peer.IP), true, windowScale, firstWindow
	} else {
		h.Window = uint16(min(m.selectWindow(sock)>>t.RcvScale, 0xffff))
	}
	if h.Flags&nic.ACK != 0 {
		h.Ack = t.RcvNxt
		m.ackSent(sock)
	}
	var data []byte
	if l[3] != None {
		data = m.skbBytes(SkbID(l[3]))
	}
	if len(data) > 0 {
		m.dataSent(t)
	}
	skb := m.newSegment(&h, data)
	about(r, KindSkb, skb)
	r.Arg[0], r.Arg[1] = int64(h.Flags), int64(len(data))
	c.Call(fnIPQueueXmit, int64(skb), l[0])
}

// selectWindow is the window to tell. It never takes back what was promised
// (tcp_select_window).
func (m *Machine) selectWindow(sock SockID) uint32 {
	t := m.tcp(sock)
	now := t.window()
	w := m.freeWindow(sock)
	if w < now {
		w = now
	}
	t.RcvWnd, t.RcvWup = w, t.RcvNxt
	return w
}

// window is what the peer may still send by what it was told
// (tcp_receive_window).
func (t *TCPSock) window() uint32 {
	if end := t.RcvWup + t.RcvWnd; before(t.RcvNxt, end) {
		return end - t.RcvNxt
	}
	return 0
}

// freeWindow is how much there is room for; little room is as good as none, so
// that the peer does not send tiny segments (__tcp_select_window).
func (m *Machine) freeWindow(sock SockID) uint32 {
	t, s := m.tcp(sock), &m.Socks[sock]
	full := s.RcvBuf / 2
	free := max(s.RcvBuf-s.Bytes, 0) / 2
	unit := int32(1) << t.RcvScale
	if free < full/2 {
		if free &^= unit - 1; free < full>>4 || free < min(t.Ack.RcvMSS, full) {
			return 0
		}
	}
	return uint32((free + unit - 1) &^ (unit - 1))
}

func (m *Machine) ipQueueXmit(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	s := &m.Socks[l[1]]
	about(r, KindSkb, SkbID(l[0]))
	nic.PutIPv4(m.skbBytes(SkbID(l[0])), nic.ProtoTCP, s.Local.IP, s.Peer.IP)
	c.Call(fnIPOutput, l[0])
}

// tcpWriteXmit: local 0 is the socket, 1 the segment that is sent.
func (m *Machine) tcpWriteXmit(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	skb := t.Write.First
	if skb == None || !m.maySend(t, skb) {
		c.Return(0)
		return
	}
	f.L[1] = int64(skb)
	about(r, KindSkb, skb)
	m.transmitQueued(c, sock, skb)
}

// transmitQueued sends a clone of a segment that stays queued. A SYN is the only
// one without an acknowledgement; its segment has nothing in it.
func (m *Machine) transmitQueued(c *cpu.Core, sock SockID, skb SkbID) {
	k := &m.Skbs[skb]
	flags, data := int64(k.TCPFlags), int64(None)
	if k.TCPFlags&nic.SYN == 0 {
		flags, data = flags|nic.ACK, int64(skb)
	}
	if k.Len > 0 {
		flags |= nic.PSH
	}
	c.Call(fnTCPTransmit, int64(sock), int64(k.Seq), flags, data)
}

// maySend asks the peer's window and Nagle's rule, in Minshall's form: only one
// segment that is not full may be on its way. A segment of which a part has room
// in the window is cut in two at once; Linux waits for more room, or a timer.
func (m *Machine) maySend(t *TCPSock, skb SkbID) bool {
	k := &m.Skbs[skb]
	room := int32(t.SndUna + t.SndWnd - k.Seq)
	switch {
	case room <= 0, t.Lost:
		return false
	case k.Len > room:
		m.splitSegment(t, skb, room)
	case k.Len < t.MSS && k.TCPFlags&nic.FIN == 0 && !t.NoDelay && k.Next == None:
		return !before(t.SndUna, t.SndSml)
	}
	return true
}

// splitSegment cuts the first segment of the write queue after n bytes
// (tcp_fragment).
func (m *Machine) splitSegment(t *TCPSock, skb SkbID, n int32) {
	rest := m.newOwnSkb(m.Skbs[skb].Len-n, None)
	copy(m.skbBytes(rest), m.skbBytes(skb)[n:])
	k, q := &m.Skbs[skb], &m.Skbs[rest]
	q.Seq, q.End, q.TCPFlags, q.Truesize = k.Seq+uint32(n), k.End, k.TCPFlags, q.Len+tcpOverhead
	q.Next, k.Next = k.Next, rest
	k.End, k.TCPFlags, k.Len = k.Seq+uint32(n), 0, n
	k.Truesize -= q.Len
	t.Queued += tcpOverhead
	if t.Write.Last == skb {
		t.Write.Last = rest
	}
}

func (m *Machine) tcpNewDataSent(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	t, skb := m.tcp(SockID(f.L[0])), SkbID(f.L[1])
	about(r, KindSkb, skb)
	m.popSkb(&t.Write)
	if t.Rtx.First == None {
		m.resetXmitTimer(c, SockID(f.L[0]))
	}
	m.appendSkb(&t.Rtx.First, &t.Rtx.Last, skb)
	t.SndNxt = m.Skbs[skb].End
	if m.Skbs[skb].Len < t.MSS {
		t.SndSml = t.SndNxt
	}
	c.Goto(0)
}

func (m *Machine) tcpSendAck(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	c.Call(fnTCPTransmit, int64(sock), int64(m.tcp(sock).SndNxt), nic.ACK, None)
}

// tcpSendFin puts the FIN on the last segment that is not sent yet, or makes one
// for it.
func (m *Machine) tcpSendFin(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	skb := t.Write.Last
	if skb == None {
		skb = m.newOwnSkb(0, None)
		m.Skbs[skb].Seq, m.Skbs[skb].End, m.Skbs[skb].Truesize = t.WriteSeq, t.WriteSeq, 0
		m.appendSkb(&t.Write.First, &t.Write.Last, skb)
	}
	m.Skbs[skb].TCPFlags |= nic.FIN
	m.Skbs[skb].End++
	t.WriteSeq++
	c.Call(fnTCPPushPending, int64(sock))
}

// tcpSendReset: local 0 is the segment to answer. Its sequence number is what
// the peer expects, so that it believes the RST (RFC 9293, section 3.10.7.1).
func (m *Machine) tcpSendReset(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	h, _ := m.tcpHeader(skb)
	if h.Flags&nic.RST != 0 {
		return
	}
	k := m.Skbs[skb]
	rst := nic.TCP{SrcPort: k.To.Port, DstPort: k.From.Port, Flags: nic.RST, Seq: h.Ack}
	if h.Flags&nic.ACK == 0 {
		rst.Flags, rst.Seq, rst.Ack = nic.RST|nic.ACK, 0, k.End
	}
	m.sendReply(c, &rst, k.To.IP, k.From.IP)
}

// sendReply sends a segment that no socket stands behind
// (ip_send_unicast_reply).
func (m *Machine) sendReply(c *cpu.Core, h *nic.TCP, from, to uint32) {
	skb := m.newSegment(h, nil)
	nic.PutIPv4(m.skbBytes(skb), nic.ProtoTCP, from, to)
	c.Call(fnIPSendSkb, int64(skb))
}

func (m *Machine) tcpActiveReset(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	c.Call(fnTCPTransmit, int64(sock), int64(m.tcp(sock).SndNxt), nic.RST|nic.ACK, None)
}

func (m *Machine) tcpV4SendAck(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	s, t := &m.Socks[sock], m.tcp(sock)
	about(r, KindSock, sock)
	m.sendReply(c, &nic.TCP{
		SrcPort: s.Local.Port, DstPort: s.Peer.Port, Seq: t.SndNxt, Ack: t.RcvNxt, Flags: nic.ACK,
		Window: uint16(min(t.RcvWnd>>t.RcvScale, 0xffff)), Stamped: t.Stamped, Stamp: m.tcpStamp(), Echo: t.Recent,
	}, s.Local.IP, s.Peer.IP)
}
