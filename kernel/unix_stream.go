package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Stream sockets of one host: the bytes of a write are cut into packets, and a
// read takes from as many packets as it needs.

var unixStreamText = text{
	fnUnixStreamSendmsg: {Name: "unix_stream_sendmsg", File: fileUnix,
		Say: "Cuts the data into packets and puts them on the peer's receive queue.", Why: "No protocol and no softirq lie between: the sender does all the work.",
		Steps: []step{
			{Name: "connected, and not shut down?", Cost: costFn, Do: (*Machine).unixStreamSend},
			{Name: "next packet", Cost: costFn, Do: (*Machine).unixStreamAlloc},
			{Name: "copy from user space, queue to the peer", Cost: costCopy, Do: (*Machine).unixStreamQueue},
			{Name: "next", Cost: cpu.CostNone, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Goto(1) }},
			{Name: "return what was sent", Cost: costFn, Do: (*Machine).unixStreamSent},
		}},
	fnUnixStreamRecvmsg: {Name: "unix_stream_recvmsg", File: fileUnix,
		Say: "Reads from the stream.", Why: "splice reads with the same function.",
		Steps: []step{
			{Name: "unix_stream_read_generic", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) {
				l := c.Frame().L
				c.Call(fnUnixStreamRead, l[:4]...)
			}},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnUnixStreamRead: {Name: "unix_stream_read_generic", File: fileUnix,
		Say: "Takes bytes from the queued packets, up to the size asked for; sleeps if there are none.", Why: "The borders between writes are not kept.",
		Steps: []step{
			{Name: "copy from the first packet", Cost: costCopy, Do: (*Machine).unixStreamTake},
			{Name: "read to its end: is more wanted?", Cost: costFn, Do: (*Machine).unixStreamMore},
			{Name: "woken: a signal?", Cost: costFn, Do: (*Machine).unixStreamWoken},
		}},
	fnUnixStreamDataWait: {Name: "unix_stream_data_wait", File: fileUnix,
		Say: "Sleeps until something is queued.", Why: "Readers of a stream do not wait exclusively: a packet wakes them all.",
		Steps: []step{
			{Name: "prepare_to_wait, look again, sleep", Cost: costSleep, Do: (*Machine).unixDataWait},
			{Name: "awake: something there?", Cost: costFn, Do: (*Machine).unixDataWaited},
		}},
}

// Locals of unix_stream_sendmsg: the socket, the data and how much of it is left,
// flags, how much was sent, an error.
const (
	usSock = iota
	usAddr
	usLeft
	usFlags
	usDone // sendmsg: the address at first
	usErr

	usHeld = usErr // read: it has the socket's iolock
)

// Sizes of what is cut (net/unix/af_unix.c, include/linux/skbuff.h): the head of a
// packet lies in one page with its skb_shared_info, the rest in up to 8 pages.
const (
	unixHeadMax  = pageSize - 320 // SKB_MAX_HEAD(0)
	unixPagedMax = 32768          // UNIX_SKB_FRAGS_SZ
)

func (m *Machine) unixStreamSend(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[usSock])
	about(r, KindSock, sock)
	if f.L[usDone] != 0 {
		c.Return(-EISCONN)
		return
	}
	if m.Socks[sock].Shutdown&sendShutdown != 0 {
		m.unixBroken(c, None)
	}
}

// unixBroken: nobody will read what is sent. Who has not sent anything yet gets a
// signal, unless it asked for none; then the packet that it has made, if any, is
// freed: what is called last runs first.
func (m *Machine) unixBroken(c *cpu.Core, skb SkbID) {
	f := c.Frame()
	f.L[usErr] = -EPIPE
	signal := f.L[usDone] == 0 && f.L[usFlags]&msgNosignal == 0
	c.Goto(4)
	if skb != None {
		c.Call(fnSockWfree, int64(skb))
	}
	if signal {
		c.Call(fnDoSendSigInfo, int64(m.cpuOf(c).Current), sigPIPE)
	}
}

func (m *Machine) unixStreamAlloc(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[usSock]))
	if f.L[usLeft] <= 0 {
		c.Goto(4)
		return
	}
	c.Call(fnSockAllocSendPskb, f.L[usSock], f.L[usFlags])
}

func (m *Machine) unixStreamQueue(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[usSock])
	about(r, KindSock, sock)
	if err := c.Result(); err < 0 {
		f.L[usErr] = err
		c.Goto(4)
		return
	}
	n := int32(min(f.L[usLeft], int64(m.Socks[sock].SndBuf>>1)-64, unixHeadMax+unixPagedMax))
	paged := min(n, pageAlign(max(0, n-unixHeadMax)))
	if !m.reach(c, f.L[usAddr], int64(n), toRead) {
		return
	}
	skb, ok := m.unixSkb(c, sock, f.L[usAddr], n, paged)
	peer := m.unixPeer(sock)
	switch {
	case !ok:
		f.L[usErr] = -EFAULT
		c.Goto(4)
		c.Call(fnSockWfree, int64(skb))
	case m.dead(peer) || m.Socks[peer].Shutdown&rcvShutdown != 0:
		m.unixBroken(c, skb)
	default:
		f.L[usAddr] += int64(n)
		f.L[usLeft] -= int64(n)
		f.L[usDone] += int64(n)
		r.Arg[0] = int64(n)
		m.unixQueue(c, r, peer, skb)
	}
}

func (m *Machine) unixStreamSent(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[usSock]))
	if f.L[usDone] == 0 {
		c.Return(f.L[usErr])
		return
	}
	c.Return(f.L[usDone])
}

// unixStreamTake: locals are as in sendmsg.
func (m *Machine) unixStreamTake(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[usSock])
	s := &m.Socks[sock]
	about(r, KindSock, sock)
	r.Station = m.wokenStation(c)
	if s.Reading && f.L[usHeld] == 0 {
		c.Spin() // mutex_lock(&u->iolock): what one read takes lies together
		return
	}
	s.Reading, f.L[usHeld] = false, 0
	m.current(c).Call.From = SockAddr{}
	switch {
	case f.L[usFlags]&msgPeek != 0 && s.First != None:
		m.unixStreamPeek(c, s.First)
	case s.First != None:
		m.unixStreamCopy(c, r, s.First)
	case f.L[usDone] > 0:
		c.Return(f.L[usDone])
	case s.Err != 0:
		c.Return(m.sockError(sock))
	case s.Shutdown&rcvShutdown != 0:
		c.Return(0)
	case f.L[usFlags]&msgDontwait != 0 || m.timeUp(c):
		c.Return(-EAGAIN)
	default:
		c.Goto(2)
		c.Call(fnUnixStreamDataWait, f.L[usSock])
	}
}

// unixStreamCopy takes from the first packet; one that was read to its end is
// freed.
func (m *Machine) unixStreamCopy(c *cpu.Core, r *sim.Record, skb SkbID) {
	f := c.Frame()
	data := m.skbBytes(skb)
	data = data[:min(int64(len(data)), f.L[usLeft])]
	if !m.reach(c, f.L[usAddr], int64(len(data)), toWrite) {
		m.Socks[f.L[usSock]].Reading, f.L[usHeld] = true, 1
		return
	}
	if !m.copyToUser(c, f.L[usAddr], data) {
		if f.L[usDone] == 0 {
			f.L[usDone] = -EFAULT
		}
		c.Return(f.L[usDone])
		return
	}
	m.pull(skb, int32(len(data)))
	f.L[usAddr] += int64(len(data))
	f.L[usLeft] -= int64(len(data))
	f.L[usDone] += int64(len(data))
	about(r, KindSkb, skb)
	r.Arg[0] = int64(len(data))
	if m.Skbs[skb].Len > 0 {
		c.Return(f.L[usDone])
		return
	}
	sock := SockID(f.L[usSock])
	m.Socks[sock].Reading, f.L[usHeld] = true, 1
	c.Call(fnSockWfree, int64(m.unixUnlink(sock)))
}

// unixStreamPeek copies without taking, and ends the call.
func (m *Machine) unixStreamPeek(c *cpu.Core, skb SkbID) {
	f := c.Frame()
	done := int64(0)
	for ; skb != None && done < f.L[usLeft]; skb = m.Skbs[skb].Next {
		data := m.skbBytes(skb)
		data = data[:min(int64(len(data)), f.L[usLeft]-done)]
		if !m.reach(c, f.L[usAddr]+done, int64(len(data)), toWrite) {
			return
		}
		if !m.copyToUser(c, f.L[usAddr]+done, data) {
			if done == 0 {
				done = -EFAULT
			}
			break
		}
		done += int64(len(data))
	}
	c.Return(done)
}

func (m *Machine) unixStreamMore(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[usSock]))
	if f.L[usLeft] == 0 {
		m.Socks[f.L[usSock]].Reading = false
		c.Return(f.L[usDone])
		return
	}
	c.Goto(0)
}

// unixStreamWoken: a signal ends the call even if data has come with it.
func (m *Machine) unixStreamWoken(c *cpu.Core, r *sim.Record) {
	about(r, KindSock, SockID(c.Frame().L[usSock]))
	if m.signalPending(c) {
		c.Return(m.sockIntr(c))
		return
	}
	c.Goto(0)
}

// unixDataWait: local 1 is the entry on the wait queue.
func (m *Machine) unixDataWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	f.L[1] = int64(m.prepareToWait(c, m.Socks[sock].WQ, WaitAutoremove, false))
	if !m.unixWaitOver(c, sock) {
		c.Call(fnScheduleTimeout)
	}
}

func (m *Machine) unixDataWaited(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	r.Station = m.wokenStation(c)
	if m.entrySpin(c, WaitID(f.L[1])) {
		return
	}
	m.finishWait(c, WaitID(f.L[1]))
	if !m.unixWaitOver(c, sock) {
		c.Goto(0)
	}
}

func (m *Machine) unixWaitOver(c *cpu.Core, sock SockID) bool {
	s := &m.Socks[sock]
	return s.First != None || s.Err != 0 || s.Shutdown&rcvShutdown != 0 || m.signalPending(c) || m.timeUp(c)
}
