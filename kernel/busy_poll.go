package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Busy polling: net/core/dev.c (napi_busy_loop), include/net/busy_poll.h, and
// ep_busy_loop in fs/eventpoll.c. A thread that would sleep polls the card itself,
// for a time, from its own system call: what comes meanwhile costs no softirq and
// no switch. The card's interrupt is on when it begins; the first packet's finds
// NAPI taken, leaves MISSED, and stays masked until the loop is over.
//
// A socket spins if SO_BUSY_POLL says so, epoll_wait if net.core.busy_poll does.
// Which card to poll is known from the last packet that came (sk_napi_id), so
// loopback has none. Left out: poll and select, SO_PREFER_BUSY_POLL.

const busyPollBudget = 8 // BUSY_POLL_BUDGET

// Locals of napi_busy_loop: the instance, what ends the loop, of which object,
// since when, whether NAPI is taken, and whether the scheduler is to be asked.
const (
	blNAPI = iota
	blEnd
	blObj
	blStart
	blTaken
	blResched
)

// What ends a busy loop (loop_end).
const (
	loopOnce   = iota // NULL: one round
	loopSocket        // sk_busy_loop_end
	loopEpoll         // ep_busy_loop_end
)

var busyPollText = text{
	fnNAPIBusyLoop: {Name: "napi_busy_loop", File: fileDev, Station: StNAPI,
		Say: "The thread polls the card itself, instead of sleeping.",
		Why: "A wakeup costs more than a short wait; who spins sees the packet as soon as it is in memory.",
		Steps: []step{
			{Name: "rcu_read_lock, preempt_disable", Cost: costFn, Do: (*Machine).busyBegin},
			{Name: "local_bh_disable; NAPI free? poll", Cost: costFn, Do: (*Machine).busyPoll},
			{Name: "gro_normal_list", Cost: costFn, Do: (*Machine).busyPolled},
			{Name: "local_bh_enable", Cost: costFn, Do: calls(fnLocalBHEnable)},
			{Name: "found something? time over? need_resched?", Cost: costFn, Do: (*Machine).busyLook},
			{Name: "preempt_enable, cond_resched", Cost: costFn, Do: (*Machine).busyEnd},
			{Name: "again?", Cost: costFn, Do: (*Machine).busyRestart},
		}},
	fnBusyPollStop: {Name: "busy_poll_stop", File: fileDev, Station: StNAPI,
		Say: "Gives NAPI back: one more poll, whose end switches the interrupt on.",
		Why: "What came between the last round and the interrupt would be seen by nobody.",
		Steps: []step{
			{Name: "clear MISSED and IN_BUSY_POLL, poll", Cost: costFn, Do: (*Machine).busyStop},
			{Name: "more than that: leave it to the softirq", Cost: costFn, Do: (*Machine).busyStopped},
			{Name: "local_bh_enable", Cost: costFn, Do: calls(fnLocalBHEnable)},
		}},
	fnEpBusyLoop: {Name: "ep_busy_loop", File: fileEpoll, Station: StEpoll,
		Say: "Polls the card that the instance's last event came from.",
		Why: "If nothing came in time, the instance forgets the card: the next event names it again.",
		Steps: []step{
			{Name: "napi_busy_loop", Cost: costFn, Do: (*Machine).epBusyLoop},
			{Name: "events? or drop the NAPI id", Cost: costFn, Do: (*Machine).epBusyDone},
		}},
}

// markNAPI remembers in a socket the instance that a packet came through
// (sk_mark_napi_id).
func (m *Machine) markNAPI(sock SockID, skb SkbID) {
	if s := &m.Skbs[skb]; s.Frame != None && !m.Config.Params.NoNAPI {
		m.Socks[sock].NAPI = max(s.RxQueue, 1)
	}
}

// canBusyLoop tells whether a receive on a socket may spin (sk_can_busy_loop).
func (m *Machine) canBusyLoop(c *cpu.Core, sock SockID) bool {
	s := &m.Socks[sock]
	return s.BusyPoll > 0 && s.NAPI != 0 && !m.signalPending(c)
}

// skBusyLoop is sk_busy_loop.
func (m *Machine) skBusyLoop(c *cpu.Core, sock SockID, dontWait bool) {
	end := int64(loopSocket)
	if dontWait {
		end = loopOnce
	}
	c.Call(fnNAPIBusyLoop, int64(m.Socks[sock].NAPI)-1, end, int64(sock))
}

// busyOver is loop_end.
func (m *Machine) busyOver(f *cpu.Frame) bool {
	spent := m.Now - sim.Time(f.L[blStart])
	switch f.L[blEnd] {
	case loopSocket:
		s := &m.Socks[f.L[blObj]]
		return s.First != None || spent > sim.Time(s.BusyPoll)*sim.Microsecond
	case loopEpoll:
		return m.epAvailable(EpID(f.L[blObj])) || spent > m.Config.Params.BusyPoll
	}
	return true
}

func (m *Machine) busyBegin(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindNAPI, int32(f.L[blNAPI]))
	if f.L[blStart] == 0 {
		f.L[blStart] = int64(m.Now)
	}
	f.L[blTaken] = 0
	m.lock(c)
}

// busyPoll takes NAPI as the softirq does, by its state: whoever is first has it.
func (m *Machine) busyPoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	n := &m.Napis[f.L[blNAPI]]
	about(r, KindNAPI, int32(f.L[blNAPI]))
	m.bhDisable(c)
	if f.L[blTaken] == 0 {
		if n.Sched {
			c.Goto(3)
			return
		}
		n.Sched, n.BusyPoll = true, true
		f.L[blTaken] = 1
	}
	c.Call(fnE1000Poll, f.L[blNAPI], 0, 0, busyPollBudget)
}

func (m *Machine) busyPolled(c *cpu.Core, r *sim.Record) {
	id := int32(c.Frame().L[blNAPI])
	work := c.Result()
	m.Counters.BusyPollRx += work
	m.pollPoint(c, r, id, work, busyPollBudget)
	if m.Napis[id].Count > 0 {
		m.passList(c, int(id))
	}
}

// pollPoint is the tracepoint behind a poll.
func (m *Machine) pollPoint(c *cpu.Core, r *sim.Record, id int32, work, budget int64) {
	about(r, KindNAPI, id)
	r.Arg[0], r.Arg[1] = work, budget
	m.point(c, r, PointNAPIPoll)
}

func (m *Machine) busyLook(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindNAPI, int32(f.L[blNAPI]))
	f.L[blResched] = 0
	switch {
	case m.busyOver(f):
	case m.current(c).NeedResched:
		f.L[blResched] = 1
	default:
		c.Goto(1) // cpu_relax
		return
	}
	if f.L[blTaken] != 0 {
		c.Call(fnBusyPollStop, f.L[blNAPI])
	}
}

func (m *Machine) busyEnd(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.unlock(c)
	if f.L[blResched] == 0 {
		c.Return(0)
		return
	}
	c.Call(fnSchedule)
}

func (m *Machine) busyRestart(c *cpu.Core, r *sim.Record) {
	if !m.busyOver(c.Frame()) {
		c.Goto(0)
	}
}

// busyStop: local 0 is the instance.
func (m *Machine) busyStop(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindNAPI, int32(f.L[0]))
	n := &m.Napis[f.L[0]]
	n.Missed, n.BusyPoll = false, false
	m.bhDisable(c)
	c.Call(fnE1000Poll, f.L[0], 0, 0, busyPollBudget)
}

func (m *Machine) busyStopped(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	id := int32(f.L[0])
	if f.L[1] == 0 {
		f.L[1] = 1 + c.Result()
		m.Counters.BusyPollRx += c.Result()
		m.pollPoint(c, r, id, c.Result(), busyPollBudget)
	}
	switch {
	case f.L[1]-1 < busyPollBudget:
	case m.Napis[id].Count > 0:
		c.Again()
		m.passList(c, int(id))
	default:
		c.Call(fnNAPISchedule, int64(id))
	}
}

// epMarkNAPI remembers in an instance which card an item's events come from
// (ep_set_busy_poll_napi_id).
func (m *Machine) epMarkNAPI(ep EpID, file FileID) {
	if m.Config.Params.BusyPoll == 0 || m.Files[file].Kind != FileSocket {
		return
	}
	if id := m.Socks[m.Files[file].Obj].NAPI; id != 0 {
		m.Eps[ep].NAPI = id
	}
}

// epCanBusyLoop tells whether epoll_wait is to spin before it sleeps.
func (m *Machine) epCanBusyLoop(ep EpID) bool {
	return m.Config.Params.BusyPoll > 0 && m.Eps[ep].NAPI != 0
}

// epBusyLoop: local 0 is the instance.
func (m *Machine) epBusyLoop(c *cpu.Core, r *sim.Record) {
	ep := c.Frame().L[0]
	about(r, KindEp, EpID(ep))
	c.Call(fnNAPIBusyLoop, int64(m.Eps[ep].NAPI)-1, loopEpoll, ep)
}

func (m *Machine) epBusyDone(c *cpu.Core, r *sim.Record) {
	ep := EpID(c.Frame().L[0])
	about(r, KindEp, ep)
	if !m.epAvailable(ep) {
		m.Eps[ep].NAPI = 0
	}
}
