package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Sending and receiving as programs see it: net/ipv4/tcp.c, net/core/stream.c,
// sock.c. TCP is a stream: what was sent in one piece may be read in many.

var tcpSockText = text{
	fnTCPSendmsg: {Name: "tcp_sendmsg", File: fileTCP,
		Say: "Sends data on a connection.", Why: "It returns when the data is in the send buffer, not when it has arrived.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "tcp_sendmsg_locked", Cost: costFn, Do: callsWithAll(fnTCPSendmsgLocked)},
			{Name: "release_sock", Cost: costFn, Do: (*Machine).keepResult},
			{Name: "return", Cost: costFn, Do: returnsKept},
		}},
	fnTCPSendmsgLocked: {Name: "tcp_sendmsg_locked", File: fileTCP,
		Say: "Copies the data into segments and sends what the window lets out.", Why: "Without room in the send buffer: wait, or EAGAIN.",
		Steps: []step{
			{Name: "connected?", Cost: costFn, Do: (*Machine).tcpSendStart},
			{Name: "connected now, or an error", Cost: costFn, Do: (*Machine).tcpSendConnected},
			{Name: "room? copy from user space", Cost: costCopy, Do: (*Machine).tcpSendCopy},
			{Name: "no room: send what there is", Cost: costFn, Do: (*Machine).tcpSendFull},
			{Name: "sk_stream_wait_memory", Cost: costFn, Do: (*Machine).tcpSendWait},
			{Name: "room now, or an error", Cost: costFn, Do: (*Machine).tcpSendWaited},
			{Name: "sk_stream_error: SIGPIPE?", Cost: costFn, Do: (*Machine).tcpSendError},
			{Name: "return the error", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[5]) }},
			{Name: "tcp_push", Cost: costFn, Do: (*Machine).tcpSendPush},
			{Name: "return how much", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[4]) }},
		}},
	fnTCPSetsockopt: oneStep("tcp_setsockopt", fileTCP, "TCP_NODELAY", costFn, (*Machine).tcpSetsockopt,
		"Sets an option of TCP's own.", "With TCP_NODELAY a small segment need not wait for an acknowledgement of the one before."),
	fnTCPGetsockopt: oneStep("tcp_getsockopt", fileTCP, "TCP_NODELAY", costFn, (*Machine).tcpGetsockopt,
		"Reads an option of TCP's own.", "Each level of options belongs to one protocol."),
	fnStreamWaitConnect: {Name: "sk_stream_wait_connect", File: fileStream,
		Say: "Data for a connection that is not there yet.", Why: "Without a connection under way it is a broken pipe.",
		Steps: []step{
			{Name: "connecting? add_wait_queue, release_sock", Cost: costSleep, Do: (*Machine).streamWaitConnect},
			{Name: "wait_woken", Cost: costFn, Do: callsWithSecond(fnWaitWoken)},
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "remove_wait_queue", Cost: costFn, Do: (*Machine).streamWaitConnectDone},
		}},
	fnStreamWaitMemory: {Name: "sk_stream_wait_memory", File: fileStream,
		Say: "The send buffer is full: waits until a third of it is free.", Why: "Acknowledgements free it; SOCK_NOSPACE tells them that somebody waits.",
		Steps: []step{
			{Name: "add_wait_queue", Cost: costSleep, Do: (*Machine).streamWaitMemory},
			{Name: "SOCK_NOSPACE, release_sock", Cost: costFn, Do: (*Machine).streamWaitLook},
			{Name: "wait_woken", Cost: costFn, Do: (*Machine).streamWaitSleep},
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "look again", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Goto(1) }},
			{Name: "remove_wait_queue", Cost: costFn, Do: (*Machine).streamWaitDone},
		}},
	fnStreamWriteSpace: oneStep("sk_stream_write_space", fileStream, "a third free? wake", costFn, (*Machine).streamWriteSpace,
		"Acknowledgements have freed send buffer: is it enough to tell who waits?", "Not before a third is free, so that a sender does not wake for every segment."),
	fnTCPRecvmsg: {Name: "tcp_recvmsg", File: fileTCP,
		Say: "Reads from the stream.", Why: "It returns as soon as there is anything.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "tcp_recvmsg_locked", Cost: costFn, Do: callsWithAll(fnTCPRecvmsgLocked)},
			{Name: "release_sock", Cost: costFn, Do: (*Machine).keepResult},
			{Name: "return", Cost: costFn, Do: returnsKept},
		}},
	fnTCPRecvmsgLocked: {Name: "tcp_recvmsg_locked", File: fileTCP,
		Say: "Copies what is on the receive queue; with nothing there: EAGAIN, or sleep.", Why: "The end of the stream is in the queue too, behind the data.",
		Steps: []step{
			{Name: "next segment: copy to user space", Cost: costCopy, Do: (*Machine).tcpRecvNext},
			{Name: "nothing: sk_wait_data", Cost: costFn, Do: callsWithArg(fnSkWaitData)},
			{Name: "look again", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Goto(0) }},
			{Name: "tcp_cleanup_rbuf", Cost: costFn, Do: (*Machine).tcpRecvCleanup},
			{Name: "return", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[4]) }},
		}},
	fnSkWaitData: {Name: "sk_wait_data", File: fileSock,
		Say: "Queues the thread on the socket's wait queue and sleeps.", Why: "The socket is given back first: its backlog may hold what is waited for.",
		Steps: []step{
			{Name: "add_wait_queue, release_sock", Cost: costSleep, Do: (*Machine).waitData},
			{Name: "nothing new? wait_woken", Cost: costFn, Do: (*Machine).waitDataSleep},
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "remove_wait_queue", Cost: costFn, Do: func(m *Machine, c *cpu.Core, r *sim.Record) { m.waitRemove(c, r) }},
		}},
	fnTCPCleanupRbuf: oneStep("tcp_cleanup_rbuf", fileTCP, "to be acknowledged? is the window much wider now?", costFn, (*Machine).tcpCleanupRbuf,
		"Reading has made room: does the peer have to know?", "A sender that was told of no room waits to hear of some; one that wrote little waits for nothing else."),
}

// callsWithAll is a step that calls a function with its own first four
// arguments.
func callsWithAll(fn cpu.CodeID) func(*Machine, *cpu.Core, *sim.Record) {
	return func(_ *Machine, c *cpu.Core, _ *sim.Record) {
		l := c.Frame().L
		c.Call(fn, l[:4]...)
	}
}

// Steps of tcp_sendmsg_locked that it goes to.
const (
	sendCopy  = 2
	sendError = 6
	sendPush  = 8
)

// tcpSendStart: locals are the socket, the data and its length, flags; 4 is how
// much is copied, 5 the error.
func (m *Machine) tcpSendStart(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	switch m.tcp(SockID(f.L[0])).State {
	case TCPEstablished, TCPCloseWait:
		c.Goto(sendCopy)
	default:
		c.Call(fnStreamWaitConnect, f.L[0], 0, f.L[3])
	}
}

func (m *Machine) tcpSendConnected(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if f.L[5] = c.Result(); f.L[5] != 0 {
		c.Goto(sendError)
	}
}

// tcpSendCopy fills one segment: the last of the write queue if it has room, or
// a new one. The send buffer's limit is asked for a new one only
// (sk_stream_memory_free).
func (m *Machine) tcpSendCopy(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	skb := t.Write.Last
	switch {
	case s.Err != 0 || s.Shutdown&sendShutdown != 0:
		f.L[5] = -EPIPE
		c.Goto(sendError)
		return
	case f.L[4] == f.L[2]:
		c.Goto(sendPush)
		return
	case skb != None && m.Skbs[skb].Len < t.MSS:
	case t.Queued >= s.SndBuf:
		t.NoSpace = true
		return
	default:
		skb = m.newOwnSkb(0, None)
		k := &m.Skbs[skb]
		k.Seq, k.End, k.Truesize = t.WriteSeq, t.WriteSeq, tcpOverhead
		t.Queued += tcpOverhead
		m.appendSkb(&t.Write.First, &t.Write.Last, skb)
	}
	n := min(f.L[2]-f.L[4], int64(t.MSS-m.Skbs[skb].Len))
	if !m.fillSegment(c, t, skb, f.L[1]+f.L[4], n) {
		f.L[5] = -EFAULT
		c.Goto(sendError)
		return
	}
	about(r, KindSkb, skb)
	r.Arg[0] = n
	f.L[4] += n
	c.Again()
	if f.L[4] < f.L[2] {
		c.Call(fnTCPPushPending, f.L[0])
	}
}

// fillSegment adds n bytes of the program's to a segment; false if there are
// none there.
func (m *Machine) fillSegment(c *cpu.Core, t *TCPSock, skb SkbID, addr, n int64) bool {
	k := &m.Skbs[skb]
	b := append(m.Bufs[k.Buf], make([]byte, n)...)
	m.Bufs[k.Buf] = b
	if !m.copyFromUser(c, b[k.Len:], addr) {
		m.Bufs[k.Buf] = b[:k.Len]
		if k.Len == 0 { // tcp_remove_empty_skb
			t.Queued -= tcpOverhead
			m.removeLast(&t.Write)
		}
		return false
	}
	k.Len += int32(n)
	k.End += uint32(n)
	k.Truesize += int32(n)
	t.WriteSeq += uint32(n)
	t.Queued += int32(n)
	return true
}

// removeLast frees the last packet of a queue.
func (m *Machine) removeLast(l *skbList) {
	last, prev := l.Last, SkbID(None)
	for id := l.First; id != last; id = m.Skbs[id].Next {
		prev = id
	}
	if l.Last = prev; prev == None {
		l.First = None
	} else {
		m.Skbs[prev].Next = None
	}
	m.kfreeSkb(last)
}

func (m *Machine) tcpSendFull(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if f.L[4] > 0 && m.tcp(SockID(f.L[0])).Write.First != None {
		c.Call(fnTCPPushPending, f.L[0])
	}
}

func (m *Machine) tcpSendWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	c.Call(fnStreamWaitMemory, f.L[0], 0, f.L[3])
}

func (m *Machine) tcpSendWaited(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if f.L[5] = c.Result(); f.L[5] == 0 {
		c.Goto(sendCopy)
	}
}

// tcpSendError: what was copied before counts. A broken pipe is a signal, too
// (sk_stream_error).
func (m *Machine) tcpSendError(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	if f.L[4] > 0 {
		c.Goto(sendPush)
		return
	}
	if f.L[5] != -EPIPE {
		return
	}
	if err := m.sockError(sock); err != 0 {
		f.L[5] = err
	}
	if f.L[5] == -EPIPE && f.L[3]&msgNosignal == 0 {
		c.Call(fnDoSendSigInfo, int64(m.cpuOf(c).Current), sigPIPE)
	}
}

func (m *Machine) tcpSendPush(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	if f.L[4] > 0 && m.tcp(SockID(f.L[0])).Write.First != None {
		c.Call(fnTCPPushPending, f.L[0])
	}
}

// streamWaitConnect: locals are the socket, the entry, the flags.
func (m *Machine) streamWaitConnect(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	state := m.tcp(sock).State
	switch {
	case m.Socks[sock].Err != 0:
		c.Return(m.sockError(sock))
	case state != TCPSynSent && state != TCPSynRecv:
		c.Return(-EPIPE)
	case f.L[2]&msgDontwait != 0:
		c.Return(-EAGAIN)
	case m.signalPending(c):
		c.Return(-ERESTARTSYS)
	default:
		f.L[1] = m.addWait(c, sock)
		c.Call(fnReleaseSock, f.L[0])
	}
}

func (m *Machine) streamWaitConnectDone(c *cpu.Core, r *sim.Record) {
	if !m.waitRemove(c, r) {
		return
	}
	if s := m.tcp(SockID(c.Frame().L[0])).State; s == TCPEstablished || s == TCPCloseWait {
		c.Return(0)
		return
	}
	c.Goto(0)
}

// streamWaitMemory: locals are the socket, the entry, the flags; 3 is the
// result.
func (m *Machine) streamWaitMemory(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSock, SockID(f.L[0]))
	f.L[1] = m.addWait(c, SockID(f.L[0]))
}

func (m *Machine) streamWaitLook(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	c.Goto(5)
	switch {
	case s.Err != 0 || s.Shutdown&sendShutdown != 0:
		f.L[3] = -EPIPE
	case f.L[2]&msgDontwait != 0:
		t.NoSpace = true
		f.L[3] = -EAGAIN
	case m.signalPending(c):
		f.L[3] = -ERESTARTSYS
	case t.Queued < s.SndBuf:
		f.L[3] = 0
	default:
		t.NoSpace = true
		c.Goto(2)
		c.Call(fnReleaseSock, f.L[0])
	}
}

func (m *Machine) streamWaitSleep(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	s := &m.Socks[l[0]]
	about(r, KindSock, SockID(l[0]))
	if s.Err == 0 && s.Shutdown&sendShutdown == 0 && m.tcp(SockID(l[0])).Queued >= s.SndBuf {
		c.Call(fnWaitWoken, l[1])
	}
}

func (m *Machine) streamWaitDone(c *cpu.Core, r *sim.Record) {
	if m.waitRemove(c, r) {
		c.Return(c.Frame().L[3])
	}
}

// streamWriteable tells whether a third of the send buffer is free
// (sk_stream_is_writeable).
func (m *Machine) streamWriteable(sock SockID) bool {
	t := m.tcp(sock)
	return m.Socks[sock].SndBuf-t.Queued >= t.Queued>>1
}

func (m *Machine) streamWriteSpace(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if !m.streamWriteable(sock) || m.Socks[sock].File == None {
		return
	}
	m.tcp(sock).NoSpace = false
	if q := m.Socks[sock].WQ; m.Queues[q].First != None {
		c.Call(fnWakeUp, int64(q), 1, EPOLLOUT|EPOLLWRNORM|EPOLLWRBAND)
	}
}

// recvDone is the step of tcp_recvmsg_locked behind its loop.
const recvDone = 3

// tcpRecvNext: locals are the socket, the buffer and its length, flags; 4 is how
// much is copied, or the error.
func (m *Machine) tcpRecvNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if t.State == TCPListen {
		c.Return(-ENOTCONN)
		return
	}
	seq := t.Copied
	if f.L[3]&msgPeek != 0 {
		seq += uint32(f.L[4])
	}
	skb := m.Socks[sock].First
	for skb != None && !before(seq, m.Skbs[skb].End) {
		skb = m.Skbs[skb].Next
	}
	if skb == None {
		m.tcpRecvNothing(c, sock)
		return
	}
	m.tcpRecvCopy(c, r, sock, skb, seq)
}

// tcpRecvCopy takes what the buffer has room for. A FIN behind the data ends the
// call.
func (m *Machine) tcpRecvCopy(c *cpu.Core, r *sim.Record, sock SockID, skb SkbID, seq uint32) {
	f := c.Frame()
	t, k := m.tcp(sock), &m.Skbs[skb]
	about(r, KindSkb, skb)
	data := m.skbBytes(skb)[seq-k.Seq:]
	n := min(int64(len(data)), f.L[2]-f.L[4])
	r.Arg[0] = n
	if f.L[3]&msgTrunc == 0 && !m.copyToUser(c, f.L[1]+f.L[4], data[:n]) {
		if f.L[4] == 0 {
			f.L[4] = -EFAULT
		}
		c.Goto(recvDone)
		return
	}
	f.L[4] += n
	all, end := n == int64(len(data)), k.End != k.Seq+uint32(k.Len)
	if f.L[3]&msgPeek == 0 {
		t.Copied += uint32(n)
		if all {
			if end {
				t.Copied++
			}
			m.tcpEatSkb(sock)
		}
	}
	if f.L[4] < f.L[2] && !(all && end) {
		c.Again()
		return
	}
	c.Goto(recvDone)
}

// tcpEatSkb frees the first segment of the receive queue (tcp_eat_recv_skb).
func (m *Machine) tcpEatSkb(sock SockID) {
	s := &m.Socks[sock]
	l := skbList{s.First, s.Last}
	skb := m.popSkb(&l)
	s.First, s.Last = l.First, l.Last
	s.Len--
	s.Bytes -= m.Skbs[skb].Truesize
	m.kfreeSkb(skb)
}

// tcpRecvNothing: the queue is empty. The order of the questions is Linux's.
func (m *Machine) tcpRecvNothing(c *cpu.Core, sock SockID) {
	f := c.Frame()
	t, s := m.tcp(sock), &m.Socks[sock]
	dontwait := f.L[3]&msgDontwait != 0
	over := s.Err != 0 || t.State == TCPClose || s.Shutdown&rcvShutdown != 0
	switch {
	case f.L[4] > 0 && (t.Backlog.First == None || over || dontwait || m.timeUp(c) || m.signalPending(c)):
		c.Goto(recvDone)
	case f.L[4] > 0:
		c.Again()
		c.Call(fnReleaseSockInner, int64(sock)) // __sk_flush_backlog
	case t.Done:
		c.Goto(recvDone)
	case s.Err != 0:
		f.L[4] = m.sockError(sock)
		c.Goto(recvDone)
	case s.Shutdown&rcvShutdown != 0:
		c.Goto(recvDone)
	case t.State == TCPClose:
		f.L[4] = -ENOTCONN
		c.Goto(recvDone)
	case dontwait || m.timeUp(c):
		f.L[4] = -EAGAIN
		c.Goto(recvDone)
	case m.signalPending(c):
		f.L[4] = m.sockIntr(c)
		c.Goto(recvDone)
	}
}

func (m *Machine) tcpRecvCleanup(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	c.Call(fnTCPCleanupRbuf, l[0], l[4])
}

// tcpCleanupRbuf: locals are the socket and how much was read.
func (m *Machine) tcpCleanupRbuf(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := SockID(l[0])
	t, s := m.tcp(sock), &m.Socks[sock]
	about(r, KindSock, sock)
	if t.State == TCPClose || !m.timeToAck(t, s.Bytes == 0, l[1]) && !m.windowOpens(sock, l[1]) {
		return
	}
	c.Call(fnTCPSendAck, l[0])
}

// timeToAck tells whether an acknowledgement that waits is to go out now that the
// program has read: it has everything the sender wrote, and does not answer.
func (m *Machine) timeToAck(t *TCPSock, empty bool, copied int64) bool {
	p := t.Ack.Pending
	if p&AckSched == 0 {
		return false
	}
	pushed := p&AckPushed2 != 0 || p&AckPushed != 0 && t.Ack.Pingpong == 0
	return int32(t.RcvNxt-t.RcvWup) > t.Ack.RcvMSS || copied > 0 && pushed && empty
}

// windowOpens tells whether reading has made the window much wider.
func (m *Machine) windowOpens(sock SockID, copied int64) bool {
	t, s := m.tcp(sock), &m.Socks[sock]
	now := t.window()
	if copied <= 0 || s.Shutdown&rcvShutdown != 0 || int64(2*now) > int64(s.RcvBuf/2) {
		return false
	}
	w := m.freeWindow(sock)
	return w != 0 && w >= 2*now
}

// waitData: local 0 is the socket, 1 the entry, 2 what has come so far.
func (m *Machine) waitData(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	about(r, KindSock, sock)
	f.L[1], f.L[2] = m.addWait(c, sock), int64(m.tcp(sock).RcvNxt)
	c.Call(fnReleaseSock, f.L[0])
}

func (m *Machine) waitDataSleep(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if int64(m.tcp(SockID(l[0])).RcvNxt) == l[2] {
		c.Call(fnWaitWoken, l[1])
	}
}

// tcpNodelay is TCP_NODELAY; the model has no other option of TCP.
const tcpNodelay = 1

// tcpSetsockopt: locals are the socket, the option and its value.
func (m *Machine) tcpSetsockopt(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if int32(l[1]) != tcpNodelay {
		m.giveUp("of TCP's options only TCP_NODELAY is modelled")
		return
	}
	m.tcp(SockID(l[0])).NoDelay = l[2] != 0
	c.Return(0)
}

// tcpGetsockopt: locals are the socket, the option and the value's address.
func (m *Machine) tcpGetsockopt(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if int32(l[1]) != tcpNodelay {
		m.giveUp("of TCP's options only TCP_NODELAY is modelled")
		return
	}
	var value [4]byte
	if m.tcp(SockID(l[0])).NoDelay {
		value[0] = 1
	}
	if !m.copyToUser(c, l[2], value[:]) {
		c.Return(-EFAULT)
		return
	}
	c.Return(0)
}
