package kernel

import (
	"encoding/binary"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// UDP's receive side: net/ipv4/udp.c, net/core/sock.c. Left out: multicast,
// memory accounting beyond the socket's own limit, early demultiplexing.

const fileUDP = "net/ipv4/udp.c"

const (
	protoICMP = nic.ProtoICMP
	protoTCP  = nic.ProtoTCP
	protoUDP  = nic.ProtoUDP
)

// hostIP is HostIP as packets carry it.
var hostIP = binary.BigEndian.Uint32(HostIP.AsSlice())

var udpText = text{
	fnUDPRcv: {Name: "udp_rcv", File: fileUDP, Station: StUDP,
		Say:   "UDP's entry from IP.",
		Why:   "The protocol's handler was registered with inet_add_protocol.",
		Steps: []step{{Name: "on to the common part", Cost: costFn, Do: (*Machine).udpRcv}}},
	fnUDP4LibRcv: {Name: "__udp4_lib_rcv", File: fileUDP, Station: StUDP,
		Say: "Checks length and checksum and finds the socket by addresses and ports.",
		Why: "A hash of the port leads to it: the cost does not grow with the number of sockets.",
		Steps: []step{
			{Name: "look the socket up", Cost: costLookup, Do: (*Machine).udp4LibRcv},
			{Name: "free what nobody wanted", Cost: costFn, Do: (*Machine).noPortDone,
				Say: "Back in UDP's entry; a datagram for which there is no socket is freed here.", Why: "Its sender is told by ICMP: port unreachable."},
		}},
	fnUDPUnicastRcvSkb: {Name: "udp_unicast_rcv_skb", File: fileUDP, Station: StUDP,
		Say:   "One socket is to get the packet.",
		Why:   "A multicast packet would be cloned for several.",
		Steps: []step{{Name: "to the socket", Cost: costFn, Do: callsWithArgs(fnUDPQueueRcvSkb)}}},
	fnUDPQueueRcvSkb: {Name: "udp_queue_rcv_skb", File: fileUDP, Station: StUDP,
		Say:   "A single packet, not a merged one.",
		Why:   "GRO's merged packets would be taken apart for sockets that did not ask for them.",
		Steps: []step{{Name: "one packet", Cost: costFn, Do: (*Machine).udpQueueRcvSkb}}},
	fnUDPQueueRcvOneSkb: {Name: "udp_queue_rcv_one_skb", File: fileUDP, Station: StUDP,
		Say:   "Pulls the UDP header; socket filters would run here.",
		Why:   "What is left is what the program will read.",
		Steps: []step{{Name: "pull the UDP header", Cost: costFn, Do: (*Machine).udpQueueRcvOneSkb}}},
	fnUDPEnqueueScheduleSkb: {Name: "__udp_enqueue_schedule_skb", File: fileUDP, Station: StSocket,
		Say: "Puts the packet on the socket's receive queue, if there is room.",
		Why: "Over the limit (SO_RCVBUF) the packet is dropped and counted: UDP does not wait.",
		Steps: []step{
			{Name: "room? queue it", Cost: costEnqueue, Do: (*Machine).udpEnqueue},
		}},
	fnSockDefReadable: {Name: "sock_def_readable", File: "net/core/sock.c", Station: StSocket,
		Say:   "Data is ready: does anybody wait on this socket?",
		Why:   "The socket knows no epoll and no thread, only its wait queue.",
		Steps: []step{{Name: "anybody on sk_wq?", Cost: costFn, Do: (*Machine).sockDefReadable}}},
	fnSockDefWakeup: {Name: "sock_def_wakeup", File: "net/core/sock.c", Station: StSocket,
		Say: "The socket's state has changed: everybody who waits on it is woken.",
		Why: "What they can do now is for them to find out: the wakeup has no key.",
		Steps: []step{
			{Name: "anybody on sk_wq?", Cost: costFn, Do: (*Machine).sockDefWakeup},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[1]) }},
		}},
}

// callsWithArgs is a step that calls a function with its own first two
// arguments.
func callsWithArgs(fn cpu.CodeID) func(*Machine, *cpu.Core, *sim.Record) {
	return func(_ *Machine, c *cpu.Core, _ *sim.Record) {
		f := c.Frame()
		c.Call(fn, f.L[0], f.L[1])
	}
}

func (m *Machine) udpRcv(c *cpu.Core, r *sim.Record) { c.Tail(fnUDP4LibRcv, c.Frame().L[0]) }

func (m *Machine) udp4LibRcv(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	h, ok := nic.ParseUDP(m.skbBytes(skb))
	s := &m.Skbs[skb]
	if !ok || !m.udpCsumOK(s) {
		m.Counters.InCsumErrors++
		m.drop(c, r, skb)
		return
	}
	s.From.Port, s.To.Port = h.SrcPort, h.DstPort
	sock := m.lookupUDP(s.From, s.To)
	r.Arg[0], r.Arg[1] = int64(h.DstPort), int64(sock)
	if sock == None {
		m.Counters.NoPorts++
		m.noPort(c, r, skb)
		return
	}
	c.Call(fnUDPUnicastRcvSkb, int64(skb), int64(sock))
}

// udpCsumOK checks a datagram's checksum where the card has not found it right
// (udp4_csum_init; for a short one at once, and a long one with a wrong checksum
// is not made). What does not come over the wire, nobody checks.
func (m *Machine) udpCsumOK(s *Skb) bool {
	if s.Checked || s.Frame == None {
		return true
	}
	packet := m.Frames[s.Frame].Bytes[nic.EthHeader:]
	h, ok := nic.ParseIPv4(packet)
	return ok && nic.UDPChecksumOK(packet, h)
}

// noPort answers a datagram that nobody has a socket for, if the answer stays on
// this host; hosts on the wire do not wait for it.
func (m *Machine) noPort(c *cpu.Core, r *sim.Record, skb SkbID) {
	if !localIP(m.Skbs[skb].From.IP) {
		m.drop(c, r, skb)
		c.Return(0)
		return
	}
	c.Frame().L[1] = 1
	c.Call(fnICMPSend, int64(skb), icmpDestUnreach, icmpPortUnreach)
}

func (m *Machine) noPortDone(c *cpu.Core, r *sim.Record) {
	if f := c.Frame(); f.L[1] != 0 {
		m.drop(c, r, SkbID(f.L[0]))
	}
}

func (m *Machine) udpQueueRcvSkb(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	c.Tail(fnUDPQueueRcvOneSkb, f.L[0], f.L[1])
}

func (m *Machine) udpQueueRcvOneSkb(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSkb, SkbID(f.L[0]))
	m.markNAPI(SockID(f.L[1]), SkbID(f.L[0]))
	m.pull(SkbID(f.L[0]), nic.UDPHeader)
	c.Call(fnUDPEnqueueScheduleSkb, f.L[0], f.L[1])
}

// udpEnqueue: one packet always fits into an empty queue.
func (m *Machine) udpEnqueue(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb, sock := SkbID(f.L[0]), SockID(f.L[1])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	if m.dead(sock) {
		m.Counters.Unread++
		m.drop(c, r, skb) // closed since the look-up; Linux queues it, and frees it with the socket
		return
	}
	if s.Bytes > 0 && s.Bytes+m.Skbs[skb].Truesize > s.RcvBuf {
		s.Drops++
		m.Counters.RcvbufErrors++
		m.drop(c, r, skb)
		return
	}
	s.Bytes += m.Skbs[skb].Truesize
	m.appendSkb(&s.First, &s.Last, skb)
	s.Len++
	m.Counters.InDatagrams++
	r.Arg[0], r.Arg[1] = int64(s.Len), int64(skb)
	c.Call(fnSockDefReadable, int64(sock))
}

func (m *Machine) sockDefReadable(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	m.point(c, r, PointSkDataReady)
	q := m.Socks[sock].WQ
	if m.Queues[q].First != None {
		c.Call(fnWakeUpSyncKey, int64(q), 1, EPOLLIN|EPOLLPRI|EPOLLRDNORM|EPOLLRDBAND)
	}
}

// sockDefWakeup: local 0 is the socket, 1 what to return.
func (m *Machine) sockDefWakeup(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	q := m.Socks[sock].WQ
	if m.Queues[q].First != None {
		c.Call(fnWakeUp, int64(q), wakeAll, 0)
	}
}

// lookupUDP finds the socket for a packet: of those bound to its port and
// address, the one that fits best. A socket connected to the sender comes before
// one that is not, one bound to the address before one bound to all
// (__udp4_lib_lookup, compute_score).
func (m *Machine) lookupUDP(from, to SockAddr) SockID {
	best, score := SockID(None), 0
	for id := m.ports[to.Port%portChains]; id != None; id = m.Socks[id].Hash {
		if n := m.udpScore(&m.Socks[id], from, to); n > score {
			best, score = id, n
		}
	}
	return best
}

func (m *Machine) udpScore(s *Sock, from, to SockAddr) int {
	if s.Kind != SockUDP || s.Local.Port != to.Port {
		return 0
	}
	score := 1
	if s.Local.IP != anyIP {
		if s.Local.IP != to.IP {
			return 0
		}
		score++
	}
	if s.Connected {
		if s.Peer != from {
			return 0
		}
		score += 2
	}
	return score
}
