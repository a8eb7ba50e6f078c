package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// An epoll instance as a file that can be polled, and the check that instances
// do not watch each other in a circle: fs/eventpoll.c.

// epMaxNests is how deep instances may watch instances (EP_MAX_NESTS).
const epMaxNests = 4

var epollNestText = text{
	fnEpEventpollPoll: {Name: "ep_eventpoll_poll", File: fileEpoll,
		Say: "The poll operation of an epoll instance: readable if one of its ready items still is.",
		Why: "The ready list is only a hint, here too: each item is polled until one has something to report.",
		Steps: []step{
			{Name: "poll_wait", Cost: costFn, Do: (*Machine).epPollWait},
			{Name: "take the ready list", Cost: costEpScan, Do: (*Machine).epPollScan},
			{Name: "next item: poll it again", Cost: costEpItem, Do: (*Machine).epPollNext},
			{Name: "anything to report?", Cost: costFn, Do: (*Machine).epPollItem},
			{Name: "end the scan", Cost: costFn, Do: (*Machine).epPollEnd},
			{Name: "return the mask", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Return(c.Frame().L[4]) }},
		}},
	fnEpEventpollRelease: oneStep("ep_eventpoll_release", fileEpoll, "remove all items", costEpCtl, (*Machine).epRelease,
		"The instance goes: all its items leave their files' wait queues.", "Nobody can wait for their events any more."),
}

// Locals of ep_eventpoll_poll, after the file: the poll table and then the
// instance, what is left of the list, the item in hand, the mask.
const (
	npEp = 1 + iota
	npTx
	npItem
	npMask
)

func (m *Machine) epPollWait(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	table := f.L[1]
	f.L[1] = int64(m.Files[f.L[0]].Obj)
	about(r, KindEp, EpID(f.L[1]))
	m.pollWait(c, m.Eps[f.L[1]].PollWait, f.L[0], table)
}

func (m *Machine) epPollScan(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	e := &m.Eps[f.L[npEp]]
	about(r, KindEp, EpID(f.L[npEp]))
	if m.epSpin(c, EpID(f.L[npEp])) {
		return
	}
	e.Locked = true
	f.L[npTx], f.L[npMask] = int64(e.Ready), 0
	e.Ready, e.ReadyEnd = None, None
	e.Scanning, e.Overflow = true, None
}

func (m *Machine) epPollNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEp, EpID(f.L[npEp]))
	if f.L[npTx] == None {
		c.Goto(4)
		return
	}
	f.L[npItem] = f.L[npTx]
	about(r, KindEpi, EpiID(f.L[npItem]))
	c.Call(fnEpItemPoll, f.L[npItem], 0)
}

// epPollItem: the first item that is ready ends the search and stays on the
// list; those before it fall off.
func (m *Machine) epPollItem(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	epi := EpiID(f.L[npItem])
	about(r, KindEpi, epi)
	if c.Result() != 0 {
		f.L[npMask] = EPOLLIN | EPOLLRDNORM
		return
	}
	it := &m.Epis[epi]
	f.L[npTx] = int64(it.Next)
	it.OnReady, it.Next, it.Prev = false, None, None
	c.Goto(2)
}

func (m *Machine) epPollEnd(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindEp, EpID(f.L[npEp]))
	c.Call(fnEpDoneScan, f.L[npEp], f.L[npTx])
}

// epLoopCheck tells whether instance to may be watched by ep: no circle, and no
// more than five instances above each other (ep_loop_check).
func (m *Machine) epLoopCheck(ep, to EpID) bool {
	down := m.epDepth(ep, to, 0)
	return down <= epMaxNests && down+1+m.epHeight(ep, 0) <= epMaxNests
}

// epDepth is how many instances are below one; too many if one of them is top
// (ep_loop_check_proc).
func (m *Machine) epDepth(top, ep EpID, depth int) int {
	most := 0
	for epi := m.Eps[ep].Items; epi != None && most <= epMaxNests; epi = m.Epis[epi].NextItem {
		f := &m.Files[m.Epis[epi].File]
		if f.Kind != FileEpoll {
			continue
		}
		if f.Obj == top || depth > epMaxNests {
			return epMaxNests + 1
		}
		most = max(most, m.epDepth(top, f.Obj, depth+1)+1)
	}
	return most
}

// epHeight is how many instances are above one (ep_get_upwards_depth_proc).
func (m *Machine) epHeight(ep EpID, depth int) int {
	most := 0
	for epi := m.Files[m.Eps[ep].File].Items; epi != None && depth <= epMaxNests; epi = m.Epis[epi].NextFile {
		most = max(most, m.epHeight(m.Epis[epi].Ep, depth+1)+1)
	}
	return most
}
