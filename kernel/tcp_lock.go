package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The lock of a socket: net/core/sock.c. It has two halves. A softirq takes the
// spinlock for as long as it handles a segment. A system call owns the socket,
// may sleep meanwhile, and lets softirqs in: what they bring is put on the
// backlog, and the call handles it itself when it gives the socket back.

var tcpLockText = text{
	fnLockSock: {Name: "lock_sock_nested", File: fileSock,
		Say: "The call owns the socket from here on; another call would have to wait.", Why: "A softirq never waits for a call: it leaves its segment on the backlog.",
		Steps: []step{
			{Name: "owned by another call?", Cost: costFn, Do: (*Machine).lockSock},
			{Name: "awake: try again", Cost: costFn, Do: (*Machine).lockSockAgain},
		}},
	fnReleaseSock: {Name: "release_sock", File: fileSock,
		Say: "Gives the socket back, after what has come meanwhile is done.", Why: "Segments on the backlog are handled here, by the system call, as if they came just now.",
		Steps: []step{
			{Name: "anything on the backlog?", Cost: costFn, Do: (*Machine).releaseSock},
			{Name: "no longer owned; wake who waits for it", Cost: costFn, Do: (*Machine).releaseSockDone},
		}},
	fnReleaseSockInner: oneStep("__release_sock", fileSock, "next segment of the backlog", costFn, (*Machine).releaseSockInner,
		"Handles the segments on the backlog, one by one.", "They came while a system call owned the socket."),
	fnTCPAddBacklog: oneStep("tcp_add_backlog", fileTCPv4, "sk_add_backlog", costEnqueue, (*Machine).tcpAddBacklog,
		"Puts the segment on the socket's backlog.", "A system call owns the socket; it will handle the segment in release_sock."),
	fnWaitWoken: {Name: "wait_woken", File: fileWait,
		Say: "Sleeps, unless somebody has already called the entry's function.", Why: "The flag in the entry keeps a wakeup that came while the socket was being given back.",
		Steps: []step{
			{Name: "woken already? sleep", Cost: costSleep, Do: (*Machine).waitWoken},
			{Name: "TASK_RUNNING", Cost: costFn, Do: (*Machine).waitWokenDone},
		}},
	fnWokenWake: oneStep("woken_wake_function", fileWait, "WQ_FLAG_WOKEN", costFn, (*Machine).wokenWake,
		"Notes in the entry that it was called, and wakes the task.", "The entry stays on the queue: its owner takes it off."),
}

// spinLock takes a socket's spinlock, which must be free (bh_lock_sock).
func (m *Machine) spinLock(c *cpu.Core, t *TCPSock) {
	t.Spin = true
	m.lock(c)
}

func (m *Machine) spinUnlock(c *cpu.Core, t *TCPSock) {
	t.Spin = false
	m.unlock(c)
}

func (m *Machine) lockSock(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	switch {
	case t.Spin: // a softirq on another core will be done soon
		c.Spin()
	case !t.Owned:
		t.Owned = true
		c.Return(0)
	default:
		f.L[1] = int64(m.prepareToWait(c, t.LockWQ, WaitAutoremove, true))
		m.setState(m.current(c), Uninterruptible)
		c.Call(fnSchedule)
	}
}

func (m *Machine) lockSockAgain(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if !m.entrySpin(c, WaitID(l[1])) {
		m.finishWait(c, WaitID(l[1]))
		c.Goto(0)
	}
}

func (m *Machine) releaseSock(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	about(r, KindSock, sock)
	if m.tcp(sock).Backlog.First != None {
		c.Call(fnReleaseSockInner, int64(sock))
	}
}

func (m *Machine) releaseSockDone(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	switch {
	case t.Spin:
		c.Spin()
	case t.Backlog.First != None:
		c.Goto(0)
	case t.Deferred != 0:
		c.Again()
		c.Call(fnTCPReleaseCb, int64(sock))
	default:
		t.Owned = false
		if m.Queues[t.LockWQ].First != None {
			c.Call(fnWakeUp, int64(t.LockWQ), 1, 0)
		}
	}
}

func (m *Machine) releaseSockInner(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Frame().L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if t.Backlog.First == None {
		return
	}
	skb := m.popSkb(&t.Backlog)
	c.Again()
	c.Call(fnTCPv4DoRcv, int64(sock), int64(skb))
}

func (m *Machine) tcpAddBacklog(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	t := m.tcp(SockID(l[0]))
	about(r, KindSkb, SkbID(l[1]))
	m.appendSkb(&t.Backlog.First, &t.Backlog.Last, SkbID(l[1]))
}

// addWait queues the running task on a socket, to be woken by
// woken_wake_function (add_wait_queue).
func (m *Machine) addWait(c *cpu.Core, sock SockID) int64 {
	w := m.newWait(WaitWoken, m.cpuOf(c).Current, false)
	m.enqueueWait(m.Socks[sock].WQ, w, false)
	return int64(w)
}

// waitRemove takes the entry, local 1, off the queue of the socket, local 0, and
// tells whether it could: otherwise the step is done again (remove_wait_queue).
func (m *Machine) waitRemove(c *cpu.Core, r *sim.Record) bool {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if m.entrySpin(c, WaitID(l[1])) {
		return false
	}
	m.freeWaitEntry(WaitID(l[1]))
	return true
}

func (m *Machine) waitWoken(c *cpu.Core, r *sim.Record) {
	w := WaitID(c.Frame().L[0])
	about(r, KindWait, w)
	m.setState(m.current(c), Interruptible)
	if !m.Waits[w].Woken && !m.signalPending(c) {
		c.Call(fnScheduleTimeout)
	}
}

func (m *Machine) waitWokenDone(c *cpu.Core, r *sim.Record) {
	w := WaitID(c.Frame().L[0])
	about(r, KindWait, w)
	r.Station = m.wokenStation(c)
	m.setState(m.current(c), Running)
	m.Waits[w].Woken = false
}

func (m *Machine) wokenWake(c *cpu.Core, r *sim.Record) {
	w := WaitID(c.Frame().L[0])
	about(r, KindWait, w)
	m.Waits[w].Woken = true
	c.Call(fnDefaultWake, int64(m.Waits[w].Obj))
}
