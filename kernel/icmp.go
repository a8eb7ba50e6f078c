package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// ICMP, as far as UDP needs it: net/ipv4/icmp.c. A datagram to a port that nobody
// has comes back as "port unreachable", and its sender's socket gets an error.
// Left out: echo, redirects, limits of rate (loopback has none).

const fileICMP = "net/ipv4/icmp.c"

// Types and codes (include/uapi/linux/icmp.h).
const (
	icmpDestUnreach = 3
	icmpPortUnreach = 3
)

// icmpMax is the longest error message, with its IP header (RFC 1812, 4.3.2.3).
const icmpMax = 576

var icmpText = text{
	fnICMPSend: {Name: "__icmp_send", File: fileICMP, Station: StNone,
		Say: "Tells a packet's sender why it went nowhere.", Why: "The message carries the start of the packet, so that the sender can find whose it was.",
		Steps: []step{
			{Name: "build the message", Cost: costSkb, Do: (*Machine).icmpSend},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnICMPRcv: {Name: "icmp_rcv", File: fileICMP, Station: StNone,
		Say: "A message of IP itself has come.", Why: "The type says what it is about.",
		Steps: []step{
			{Name: "checksum, type", Cost: costIP, Do: (*Machine).icmpRcv},
			{Name: "free the skb", Cost: costFn, Do: (*Machine).icmpDone},
		}},
	fnICMPUnreach: oneStep("icmp_unreach", fileICMP, "whose packet was it?", costFn, (*Machine).icmpUnreach,
		"Something could not be reached: the protocol of the packet inside is told.", "The headers inside are the sender's own, as it sent them."),
	fnUDPErr: {Name: "udp_err", File: fileUDP, Station: StNone,
		Say: "Finds the socket that sent the datagram and gives it the error.",
		Why: "Only a connected socket: who sends to many could not tell whom the error is about.",
		Steps: []step{
			{Name: "look the socket up", Cost: costLookup, Do: (*Machine).udpErr},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnSockDefErrorReport: {Name: "sock_def_error_report", File: "net/core/sock.c", Station: StNone,
		Say: "The socket has an error: who waits on it is woken.", Why: "The next call on the socket returns the error, and then it is gone.",
		Steps: []step{
			{Name: "anybody on sk_wq?", Cost: costFn, Do: (*Machine).sockDefErrorReport},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
}

// icmpSend: locals are the packet, whose data starts behind its IP header, type
// and code. The message goes the way of every packet of this host.
func (m *Machine) icmpSend(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[0]))
	in := m.Skbs[l[0]]
	quoted := min(in.Len+nic.IPv4Header, icmpMax-nic.IPv4Header-nic.ICMPHeader)
	skb := m.newDatagram(nic.IPv4Header+nic.ICMPHeader+quoted, None)
	b := m.skbBytes(skb)
	m.Skbs[l[0]].Data, m.Skbs[l[0]].Len = in.Data-nic.IPv4Header, in.Len+nic.IPv4Header
	copy(b[nic.IPv4Header+nic.ICMPHeader:], m.skbBytes(SkbID(l[0])))
	m.Skbs[l[0]].Data, m.Skbs[l[0]].Len = in.Data, in.Len
	nic.PutICMP(b[nic.IPv4Header:], uint8(l[1]), uint8(l[2]))
	nic.PutIPv4(b, nic.ProtoICMP, in.To.IP, in.From.IP)
	m.Counters.ICMPOut++
	c.Call(fnIPSendSkb, int64(skb))
}

func (m *Machine) icmpRcv(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	typ, code, ok := nic.ParseICMP(m.skbBytes(skb))
	if !ok {
		m.Counters.ICMPErrors++
		return
	}
	m.Counters.ICMPIn++
	r.Arg[0], r.Arg[1] = int64(typ), int64(code)
	if typ == icmpDestUnreach && code == icmpPortUnreach {
		c.Call(fnICMPUnreach, int64(skb))
	}
}

// icmpDone frees the message whether it was understood or not (consume_skb).
func (m *Machine) icmpDone(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	m.point(c, r, PointConsumeSkb)
	m.kfreeSkb(skb)
}

// icmpUnreach reads the headers of the packet inside, of which the sender is
// this host.
func (m *Machine) icmpUnreach(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	inner := m.skbBytes(skb)[nic.ICMPHeader:]
	h, ok := nic.ParseIPv4Header(inner)
	if !ok || h.Protocol != nic.ProtoUDP || len(inner) < h.HeaderLen+nic.UDPHeader {
		return
	}
	src, dst := nic.Ports(inner[h.HeaderLen:])
	c.Tail(fnUDPErr, packAddr(SockAddr{h.Src, src}), packAddr(SockAddr{h.Dst, dst}))
}

// udpErr: locals are the datagram's source, which is the socket's address, and
// its destination.
func (m *Machine) udpErr(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := m.lookupUDP(unpackAddr(l[1]), unpackAddr(l[0]))
	if sock == None || !m.Socks[sock].Connected {
		return
	}
	about(r, KindSock, sock)
	m.Socks[sock].Err = ECONNREFUSED
	c.Call(fnSockDefErrorReport, int64(sock))
}

func (m *Machine) sockDefErrorReport(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if q := m.Socks[sock].WQ; m.Queues[q].First != None {
		c.Call(fnWakeUp, int64(q), 1, EPOLLERR)
	}
}
