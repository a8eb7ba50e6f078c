package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

var tcpPollText = text{
	fnTCPPoll: {Name: "tcp_poll", File: fileTCP,
		Say: "What can be done with the connection?", Why: "With a poll table it also queues the caller on the socket's wait queue: first queue, then look.",
		Steps: []step{
			{Name: "sock_poll_wait", Cost: costFn, Do: (*Machine).datagramPollWait},
			{Name: "what is possible?", Cost: costFn, Do: (*Machine).tcpPoll},
		}},
}

// tcpPoll: EPOLLHUP is for both directions, EPOLLRDHUP for the direction in. A
// socket that can no longer send is "writable": the call will not block. A
// caller that is told of no room asks to be told of some.
func (m *Machine) tcpPoll(c *cpu.Core, r *sim.Record) {
	sock := m.Files[c.Frame().L[0]].Obj
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	r.Station = m.wokenStation(c)
	mask := int64(0)
	if t.State == TCPListen {
		if t.AcceptHead != None {
			mask = EPOLLIN | EPOLLRDNORM
		}
		c.Return(mask)
		return
	}
	if s.Shutdown == rcvShutdown|sendShutdown || t.State == TCPClose {
		mask |= EPOLLHUP
	}
	if s.Shutdown&rcvShutdown != 0 {
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP
	}
	if t.State != TCPSynSent && t.State != TCPSynRecv {
		if before(t.Copied, t.RcvNxt) {
			mask |= EPOLLIN | EPOLLRDNORM
		}
		if s.Shutdown&sendShutdown != 0 || m.streamWriteable(sock) {
			mask |= EPOLLOUT | EPOLLWRNORM
		} else {
			t.NoSpace = true
		}
	}
	if s.Err != 0 {
		mask |= EPOLLERR
	}
	c.Return(mask)
}
