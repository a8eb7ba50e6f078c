package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// TCP: what a connection is, and how segments find theirs. The rest by subject:
// tcp_listen.go, tcp_connect.go, tcp_input.go, tcp_output.go, tcp_ack.go,
// tcp_sock.go (send and receive), tcp_timer.go, tcp_close.go, tcp_poll.go, tcp_lock.go
// (net/ipv4/tcp*.c, inet_connection_sock.c, net/core/sock.c, stream.c).
//
// Simplified: nothing limits a sender but the receiver's window: loopback and a
// wire of one host's own are never congested. A receive buffer keeps its size,
// and half of it is window. Left out: the queue of segments that come out of
// order (they are dropped, and acknowledged as duplicates), selective
// acknowledgements, urgent data, keepalive, fast open, and lingering.

const (
	fileTCP       = "net/ipv4/tcp.c"
	fileTCPInput  = "net/ipv4/tcp_input.c"
	fileTCPOutput = "net/ipv4/tcp_output.c"
	fileTCPv4     = "net/ipv4/tcp_ipv4.c"
	fileInetSock  = "net/ipv4/inet_connection_sock.c"
	fileStream    = "net/core/stream.c"
)

// TCPState is a connection's state, with the numbers of
// include/net/tcp_states.h.
type TCPState uint8

const (
	TCPEstablished TCPState = 1 + iota
	TCPSynSent
	TCPSynRecv
	TCPFinWait1
	TCPFinWait2
	TCPTimeWait
	TCPClose
	TCPCloseWait
	TCPLastAck
	TCPListen
	TCPClosing
)

// TCPStates are their names.
var TCPStates = [...]string{"", "TCP_ESTABLISHED", "TCP_SYN_SENT", "TCP_SYN_RECV", "TCP_FIN_WAIT1", "TCP_FIN_WAIT2",
	"TCP_TIME_WAIT", "TCP_CLOSE", "TCP_CLOSE_WAIT", "TCP_LAST_ACK", "TCP_LISTEN", "TCP_CLOSING"}

// SocketState is what a program's calls have made of a socket, which the
// connection itself need not know (sock->state).
type SocketState uint8

const (
	Unconnected SocketState = iota
	Connecting
	Connected
	Disconnecting
)

// skbList is a queue of packets.
type skbList struct{ First, Last SkbID }

var noSkbs = skbList{None, None}

// TCPSock is what a TCP socket has beyond Sock (struct tcp_sock and struct
// inet_connection_sock).
type TCPSock struct {
	State    TCPState
	Socket   SocketState
	Dead     bool // SOCK_DEAD: no program has it any more
	Done     bool // SOCK_DONE: the peer has sent everything
	NoSpace  bool // SOCK_NOSPACE: somebody waits for room to send
	AutoPort bool // the port was not the program's choice
	NoDelay  bool // TCP_NODELAY

	Owned   bool    // sk_lock.owned: a system call has the socket
	Spin    bool    // sk_lock.slock: a softirq has it
	LockWQ  QueueID // sk_lock.wq: calls that wait for it
	Backlog skbList // sk_backlog: segments that came while a call had it

	MaxBacklog int32 // sk_max_ack_backlog
	Accepts    int32 // sk_ack_backlog: connections that wait to be accepted
	AcceptHead SockID
	AcceptTail SockID
	AcceptNext SockID // the next one after this, if it waits itself
	Requests   ReqID  // the SYN queue, and cookies
	ReqLen     int32  // how many are in the SYN queue

	SndUna, SndNxt, WriteSeq uint32
	SndSml                   uint32 // the end of the last segment that was not full
	SndWnd, SndWl1           uint32
	SndScale, RcvScale       uint8
	MSS                      int32 // mss_cache: data in a segment
	Stamped                  bool  // segments carry timestamps
	Recent                   uint32
	Write                    skbList // sk_write_queue: not sent yet
	Rtx                      skbList // tcp_rtx_queue: sent, not acknowledged
	Queued                   int32   // sk_wmem_queued: both queues, with overhead

	RTO          sim.Time // icsk_rto
	Timeout      sim.Time // icsk_timeout: when the retransmission timer is due, or 0
	Retransmits  int32    // icsk_retransmits: how often it was, without an answer
	RetransStamp sim.Time // retrans_stamp: when that was first
	Probe0       bool     // ICSK_TIME_PROBE0: the timer is the one that asks for the window
	Probes       uint8    // icsk_probes_out: how often it has, without an answer
	Backoff      uint8    // icsk_backoff: how often it has, without room
	Lost         bool     // TCP_CA_Loss: what is in the retransmission queue is to be sent again
	Deferred     Deferred // what was left to the call that has the socket

	RcvNxt, RcvWup, RcvWnd uint32
	Copied                 uint32 // copied_seq: what the program has read
	Ack                    DelayedAck
	Expires                sim.Time
}

// ReqID is the number of a connection request.
type ReqID = int32

// TCPReq is a connection that has sent its SYN and not yet the last
// acknowledgement (struct tcp_request_sock).
type TCPReq struct {
	Next           ReqID
	Listener       SockID
	Timeouts       uint8 // num_timeout
	Cookie         bool  // kept by the peer alone, see tcp_conn_request
	Local, Peer    SockAddr
	RcvISN, SndISN uint32
	MSS            int32
	Window         uint32
	Scaled         bool
	Scale          uint8
	Stamped        bool
	Recent         uint32
}

// tcp gives a TCP socket's own part.
func (m *Machine) tcp(sock SockID) *TCPSock { return &m.TCPs[m.Socks[sock].Ext] }

// Limits of buffers: net.ipv4.tcp_rmem and tcp_wmem, the middle and, for
// sending, the greatest.
const (
	tcpRmem    = 131072
	tcpWmem    = 16384
	tcpWmemMax = 4 << 20
)

// tcpOverhead is what a segment counts beyond its data (struct sk_buff and
// struct skb_shared_info).
const tcpOverhead = 768

// tcpInit gives a new socket its TCP part (tcp_init_sock).
func (m *Machine) tcpInit(sock SockID) {
	s := &m.Socks[sock]
	s.Ext, s.RcvBuf, s.SndBuf = int32(len(m.TCPs)), tcpRmem, tcpWmem
	q := m.newQueue()
	m.TCPs = append(m.TCPs, TCPSock{
		State: TCPClose, LockWQ: q, Backlog: noSkbs, Write: noSkbs, Rtx: noSkbs,
		AcceptHead: None, AcceptTail: None, AcceptNext: None, Requests: None, Ack: DelayedAck{RcvMSS: tcpDefaultMSS}, RTO: tcpTimeoutInit,
	})
}

// newChild makes a socket that no program has yet, in place of a request or of a
// connection in TIME-WAIT.
func (m *Machine) newChild(local, peer SockAddr, reuse uint8) SockID {
	id := SockID(len(m.Socks))
	m.Socks = append(m.Socks, Sock{
		Kind: SockTCP, First: None, Last: None, WQ: m.newQueue(), Hash: None, File: None,
		Peer: peer, Connected: true, Reuse: reuse,
	})
	m.tcpInit(id)
	m.tcp(id).AutoPort = true
	m.hashPort(id, local)
	return id
}

// before compares sequence numbers, which wrap around.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// setTCPState changes a connection's state (tcp_set_state).
func (m *Machine) setTCPState(c *cpu.Core, r *sim.Record, sock SockID, state TCPState) {
	t := m.tcp(sock)
	r.Kind, r.Obj = KindSock, sock
	r.Arg[0], r.Arg[1] = int64(t.State), int64(state)
	m.point(c, r, PointInetSockSetState)
	t.State = state
}

// lookupTCP finds the connection that a segment belongs to, or else the socket
// that listens on its port (__inet_lookup).
func (m *Machine) lookupTCP(from, to SockAddr) SockID {
	best, score := SockID(None), 0
	for id := m.ports[to.Port%portChains]; id != None; id = m.Socks[id].Hash {
		s := &m.Socks[id]
		if s.Kind != SockTCP || s.Local.Port != to.Port {
			continue
		}
		switch t := m.tcp(id); {
		case t.State == TCPClose || m.expired(t):
		case t.State != TCPListen:
			if s.Local.IP == to.IP && s.Peer == from {
				return id
			}
		case s.Local.IP == to.IP && score < 2:
			best, score = id, 2
		case s.Local.IP == anyIP && score < 1:
			best, score = id, 1
		}
	}
	return best
}

// timeWaitLen is how long a connection stays in TIME-WAIT, and in FIN-WAIT-2
// when no program has it (TCP_TIMEWAIT_LEN).
const timeWaitLen = 60 * sim.Second

// expired tells whether a connection's last timer has run out. It is only looked
// at when it matters.
func (m *Machine) expired(t *TCPSock) bool { return t.Expires != 0 && m.Now >= t.Expires }

// tcpPortConflict tells whether b keeps a from having the same port
// (inet_bind_conflict).
func (m *Machine) tcpPortConflict(a, b *Sock) bool {
	t := &m.TCPs[b.Ext]
	switch {
	case m.expired(t), t.State == TCPClose && t.AutoPort:
		return false
	case a.Reuse&b.Reuse&reusePort != 0:
		return false
	}
	return a.Reuse&b.Reuse&reuseAddr == 0 || t.State == TCPListen
}

// findRequest finds the request that a segment to a listening socket belongs to.
func (m *Machine) findRequest(listener SockID, from, to SockAddr) ReqID {
	req := m.tcp(listener).Requests
	for req != None && (m.Reqs[req].Peer != from || m.Reqs[req].Local != to) {
		req = m.Reqs[req].Next
	}
	return req
}

// newRequest takes a request and puts it into a listening socket's SYN queue.
func (m *Machine) newRequest(listener SockID, q TCPReq) ReqID {
	id := m.freeReq
	if id == None {
		id = ReqID(len(m.Reqs))
		m.Reqs = append(m.Reqs, TCPReq{})
	} else {
		m.freeReq = m.Reqs[id].Next
	}
	t := m.tcp(listener)
	q.Next, q.Listener = t.Requests, listener
	m.Reqs[id], t.Requests = q, id
	if !q.Cookie {
		t.ReqLen++
	}
	return id
}

// dropRequest takes a request out of the SYN queue and gives it back.
func (m *Machine) dropRequest(listener SockID, id ReqID) {
	t := m.tcp(listener)
	p := &t.Requests
	for *p != id {
		p = &m.Reqs[*p].Next
	}
	*p = m.Reqs[id].Next
	m.delTimer(WheelRequest, id)
	if !m.Reqs[id].Cookie {
		t.ReqLen--
	}
	m.Reqs[id] = TCPReq{Next: m.freeReq}
	m.freeReq = id
}

// tcpHeader reads a segment's header, which tcp_v4_rcv has checked.
func (m *Machine) tcpHeader(skb SkbID) (nic.TCP, int32) {
	h, n, _ := nic.ParseTCP(m.skbBytes(skb))
	return h, int32(n)
}

// popSkb takes the first packet of a queue.
func (m *Machine) popSkb(l *skbList) SkbID {
	skb := l.First
	if l.First = m.Skbs[skb].Next; l.First == None {
		l.Last = None
	}
	return skb
}

// purge frees a queue.
func (m *Machine) purge(l *skbList) {
	for l.First != None {
		m.kfreeSkb(m.popSkb(l))
	}
}

// purgeWrite frees what has not been acknowledged (tcp_write_queue_purge).
func (m *Machine) purgeWrite(sock SockID) {
	t := m.tcp(sock)
	m.purge(&t.Write)
	m.purge(&t.Rtx)
	t.Queued, t.Lost = 0, false
	m.clearXmitTimer(sock)
}

// purgeReceive frees what has not been read.
func (m *Machine) purgeReceive(sock SockID) {
	s := &m.Socks[sock]
	l := skbList{s.First, s.Last}
	m.purge(&l)
	s.First, s.Last, s.Len, s.Bytes = None, None, 0, 0
}

// tcpDone ends a connection, in both directions (tcp_done). Who waits for it is
// to be told.
func (m *Machine) tcpDone(c *cpu.Core, r *sim.Record, sock SockID) {
	m.setTCPState(c, r, sock, TCPClose)
	m.clearXmitTimer(sock)
	m.clearDelack(sock)
	m.Socks[sock].Shutdown = rcvShutdown | sendShutdown
	if m.tcp(sock).Dead {
		m.tcpDestroy(sock)
	}
}

// tcpDestroy gives back what a connection holds (inet_csk_destroy_sock).
func (m *Machine) tcpDestroy(sock SockID) {
	t := m.tcp(sock)
	m.unhashPort(sock)
	m.purgeWrite(sock)
	m.purge(&t.Backlog)
	m.purgeReceive(sock)
}
