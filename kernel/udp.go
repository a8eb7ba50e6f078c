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

const protoUDP = 17

// hostIP is HostIP as packets carry it.
var hostIP = binary.BigEndian.Uint32(HostIP.AsSlice())

var udpText = text{
	fnUDPRcv: {Name: "udp_rcv", File: fileUDP, Station: StUDP,
		Say:   "UDP's entry from IP.",
		Why:   "The protocol's handler was registered with inet_add_protocol.",
		Steps: []step{{Name: "on to the common part", Cost: costFn, Do: (*Machine).udpRcv}}},
	fnUDP4LibRcv: {Name: "__udp4_lib_rcv", File: fileUDP, Station: StUDP,
		Say:   "Checks length and checksum and finds the socket by addresses and ports.",
		Why:   "A hash of the port leads to it: the cost does not grow with the number of sockets.",
		Steps: []step{{Name: "look the socket up", Cost: costLookup, Do: (*Machine).udp4LibRcv}}},
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
	if !ok {
		m.Counters.InCsumErrors++
		m.drop(c, r, skb)
		return
	}
	m.Skbs[skb].From.Port = h.SrcPort
	sock := m.lookupUDP(SockAddr{IP: hostIP, Port: h.DstPort})
	r.Arg[0], r.Arg[1] = int64(h.DstPort), int64(sock)
	if sock == None {
		m.Counters.NoPorts++ // Linux would answer with ICMP "port unreachable"
		m.drop(c, r, skb)
		return
	}
	c.Call(fnUDPUnicastRcvSkb, int64(skb), int64(sock))
}

func (m *Machine) udpQueueRcvSkb(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	c.Tail(fnUDPQueueRcvOneSkb, f.L[0], f.L[1])
}

func (m *Machine) udpQueueRcvOneSkb(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSkb, SkbID(f.L[0]))
	m.pull(SkbID(f.L[0]), nic.UDPHeader)
	c.Call(fnUDPEnqueueScheduleSkb, f.L[0], f.L[1])
}

// udpEnqueue compares before it adds, so that one packet always fits into an
// empty queue.
func (m *Machine) udpEnqueue(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb, sock := SkbID(f.L[0]), SockID(f.L[1])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	if s.Bytes > s.RcvBuf {
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
	q := m.Socks[sock].WQ
	if m.Queues[q].First != None {
		c.Call(fnWakeUpSyncKey, int64(q), 1, EPOLLIN|EPOLLRDNORM)
	}
}

// udpChains is how many chains the table of bound ports has.
const udpChains = 64

// lookupUDP finds the socket bound to an address, or one bound to its port on
// every address (__udp4_lib_lookup).
func (m *Machine) lookupUDP(to SockAddr) SockID {
	for s := m.udpTable[to.Port%udpChains]; s != None; s = m.Socks[s].Hash {
		if l := m.Socks[s].Local; l.Port == to.Port && (l.IP == 0 || l.IP == to.IP) {
			return s
		}
	}
	return None
}

// unhashUDP takes a socket out of the table.
func (m *Machine) unhashUDP(sock SockID) {
	p := &m.udpTable[m.Socks[sock].Local.Port%udpChains]
	for *p != None {
		if *p == sock {
			*p = m.Socks[sock].Hash
			return
		}
		p = &m.Socks[*p].Hash
	}
}
