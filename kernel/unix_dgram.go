package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Datagram sockets of one host: a write is a packet, and a read takes one.

var unixDgramText = text{
	fnUnixDgramSendmsg: {Name: "unix_dgram_sendmsg", File: fileUnix,
		Say: "Puts the data, as one packet, on the peer's receive queue.", Why: "Nothing is lost on the way: a full send buffer stops the sender.",
		Steps: []step{
			{Name: "too long?", Cost: costFn, Do: (*Machine).unixDgramSend},
			{Name: "copy from user space, queue to the peer", Cost: costCopy, Do: (*Machine).unixDgramQueue},
			{Name: "not sent: what is queued from a dead peer", Cost: costFn, Do: (*Machine).unixDgramPurge},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[udResult]) }},
		}},
	fnUnixDgramRecvmsg: {Name: "unix_dgram_recvmsg", File: fileUnix,
		Say: "Takes one packet and copies it to the program's buffer; sleeps if there is none.", Why: "What does not fit is thrown away, as with UDP.",
		Steps: []step{
			{Name: "take a packet, copy to user space", Cost: costCopy, Do: (*Machine).unixDgramRecv},
			{Name: "woken: look again", Cost: costFn, Do: (*Machine).skbRecvAgain},
			{Name: "return the length", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[udResult]) }},
		}},
}

// Locals of the two after socket, address, length and flags: the peer's address
// or the packet that was not sent, plus one; what the call returns.
const (
	udSkb    = 4
	udResult = 5
)

// Sizes of packets (include/linux/skbuff.h): from the first on, part of the data
// lies in pages; there are at most 17.
const (
	skbMaxAlloc = 4*pageSize - 320
	maxSkbFrags = 17
)

func (m *Machine) unixDgramSend(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	switch {
	case f.L[udSkb] != 0:
		c.Return(-EINVAL) // an address of another family
	case f.L[2] > int64(m.Socks[sock].SndBuf)-32:
		c.Return(-EMSGSIZE)
	default:
		c.Call(fnSockAllocSendPskb, f.L[0], f.L[3])
	}
}

func (m *Machine) unixDgramQueue(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock, n := SockID(f.L[0]), int32(f.L[2])
	about(r, KindSock, sock)
	if err := c.Result(); err < 0 {
		c.Return(err)
		return
	}
	paged := int32(0)
	if n > skbMaxAlloc {
		paged = pageAlign(min(n-skbMaxAlloc, maxSkbFrags*pageSize))
	}
	if !m.reach(c, f.L[1], f.L[2], toRead) {
		return
	}
	skb, ok := m.unixSkb(c, sock, f.L[1], n, paged)
	peer := m.unixPeer(sock)
	f.L[udSkb] = int64(skb) + 1
	r.Arg[0] = int64(n)
	switch {
	case !ok:
		f.L[udResult] = -EFAULT
	case peer == None:
		f.L[udResult] = -ENOTCONN
	case m.dead(peer):
		m.Socks[sock].Ext = None
		f.L[udResult] = -ECONNREFUSED
		c.Call(fnWakeUp, int64(m.Socks[sock].WQ), 1, EPOLLOUT|EPOLLWRNORM|EPOLLWRBAND)
	case m.Socks[peer].Shutdown&rcvShutdown != 0:
		f.L[udResult] = -EPIPE
	default:
		f.L[udResult] = int64(n)
		c.Goto(3)
		m.unixQueue(c, r, peer, skb)
	}
}

// unixDgramPurge: with the peer gone, what it has sent before is lost too
// (unix_dgram_disconnected). The packet that was not sent is freed last.
func (m *Machine) unixDgramPurge(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	if f.L[udResult] == -ECONNREFUSED && m.Socks[sock].First != None {
		c.Again()
		c.Call(fnSockWfree, int64(m.unixUnlink(sock)))
		return
	}
	c.Call(fnSockWfree, f.L[udSkb]-1)
}

func (m *Machine) unixDgramRecv(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	switch {
	case s.Err != 0:
		c.Return(m.sockError(sock))
	case s.First != None:
		m.unixDgramTake(c, r, sock)
	case f.L[3]&msgDontwait != 0:
		c.Return(-EAGAIN)
	case s.Shutdown&rcvShutdown != 0:
		c.Return(0)
	default:
		c.Call(fnSkbWaitForMore, f.L[0])
	}
}

func (m *Machine) unixDgramTake(c *cpu.Core, r *sim.Record, sock SockID) {
	f := c.Frame()
	skb := m.Socks[sock].First
	data := m.skbBytes(skb)
	n := min(int64(len(data)), f.L[2])
	if !m.reach(c, f.L[1], n, toWrite) {
		return
	}
	about(r, KindSkb, skb)
	r.Arg[0] = n
	m.current(c).Call.From = SockAddr{}
	f.L[udResult] = n
	if f.L[3]&msgTrunc != 0 {
		f.L[udResult] = int64(len(data))
	}
	if !m.copyToUser(c, f.L[1], data[:n]) {
		f.L[udResult] = -EFAULT
	}
	c.Goto(2)
	if f.L[3]&msgPeek == 0 {
		c.Call(fnSockWfree, int64(m.unixUnlink(sock)))
	}
}
