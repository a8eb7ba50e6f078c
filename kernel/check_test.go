package kernel

import (
	"fmt"

	"ringside/cpu"
)

// check tells what is wrong with a machine's books, if anything. It holds after
// every step of every machine.
func (m *Machine) check() error {
	for _, check := range []func(*Machine) error{
		func(m *Machine) error { return m.NIC.Check() },
		(*Machine).checkCores, (*Machine).checkTasks, (*Machine).checkWaits, (*Machine).checkEpolls,
		(*Machine).checkFiles, (*Machine).checkPackets, (*Machine).checkBufs, (*Machine).checkRemotes,
	} {
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

// checkCores: who is in ring 3 holds no lock, and has softirqs and preemption on.
func (m *Machine) checkCores() error {
	for i := range m.Cores {
		c, k := &m.Cores[i], &m.CPUs[i]
		if p := k.Preempt; p&maskPreempt > 100 || p>>20 != 0 {
			return fmt.Errorf("core %d: preempt_count %#x", i, p)
		}
		if c.Regs.Ring() == 3 && c.Micro == 0 && k.Preempt != 0 {
			return fmt.Errorf("core %d: preempt_count %#x in ring 3", i, k.Preempt)
		}
		for j := 1; j < len(k.Timers); j++ {
			if k.Timers[j].Expires < k.Timers[j-1].Expires {
				return fmt.Errorf("core %d: timer %d is out of order", i, j)
			}
		}
	}
	return nil
}

// checkTasks: a task runs on one core at most, is on one run queue or none, and
// says so itself.
func (m *Machine) checkTasks() error {
	on, runs := make([]int8, len(m.Tasks)), make([]int8, len(m.Tasks))
	for i := range m.CPUs {
		k := &m.CPUs[i]
		nr := int32(0)
		for _, id := range k.RQ.Queue {
			on[id]++
			nr++
			if t := &m.Tasks[id]; t.CPU != int32(i) || t.Idle {
				return fmt.Errorf("task %s is on core %d's queue, and says %d", t.Name, i, t.CPU)
			}
		}
		if t := &m.Tasks[k.RQ.Curr]; t.OnRQ {
			on[k.RQ.Curr]++
			nr++
		}
		if nr != k.RQ.Nr {
			return fmt.Errorf("core %d: %d tasks on the queue, counted %d", i, nr, k.RQ.Nr)
		}
		runs[k.Current]++
		if len(m.Tasks[k.Current].Ctx.Kernel.F)+len(m.Tasks[k.Current].Ctx.User.F) > 0 {
			return fmt.Errorf("core %d runs %s, whose stacks are not loaded", i, m.Tasks[k.Current].Name)
		}
	}
	for i := range m.CPUs {
		for _, id := range m.CPUs[i].Wake {
			on[id]++
			if m.Tasks[id].OnRQ || m.Tasks[id].State != Waking {
				return fmt.Errorf("task %s is on core %d's wake list in state %s", m.Tasks[id].Name, i, m.Tasks[id].State.Letter())
			}
		}
	}
	for id := range m.Tasks {
		t := &m.Tasks[id]
		want := int8(0)
		if t.OnRQ {
			want = 1
		}
		if on[id] != want && (on[id] != 1 || t.State != Waking) {
			return fmt.Errorf("task %s is on %d run queues, wanted %d", t.Name, on[id], want)
		}
		if runs[id] > 1 {
			return fmt.Errorf("task %s runs on %d cores", t.Name, runs[id])
		}
		if t.State == Running && !t.OnRQ && !t.Idle {
			return fmt.Errorf("task %s is runnable and on no queue", t.Name)
		}
		if (t.State == NotStarted || t.State == Dead) && t.OnRQ && runs[id] == 0 {
			return fmt.Errorf("task %s, in state %s, is on a run queue", t.Name, t.State.Letter())
		}
	}
	return nil
}

// freeChain counts the members of a free list; none of them may be in use.
func freeChain(name string, first int32, total int, next func(int32) (int32, bool)) (int, error) {
	n := 0
	for id := first; id != None; n++ {
		if n > total {
			return 0, fmt.Errorf("the free list of %s goes round in a circle", name)
		}
		to, used := next(id)
		if used {
			return 0, fmt.Errorf("%s %d is in use and on the free list", name, id)
		}
		id = to
	}
	return n, nil
}

// checkWaits: wait queues are well linked both ways, each entry is on the queue
// that it names, and none of them is free.
func (m *Machine) checkWaits() error {
	queued := 0
	for q := range m.Queues {
		prev := WaitID(None)
		for w := m.Queues[q].First; w != None; w = m.Waits[w].Next {
			e := &m.Waits[w]
			if e.Prev != prev || e.Queue != QueueID(q) || e.Func == WaitNone {
				return fmt.Errorf("wait queue %d is broken at entry %d", q, w)
			}
			if e.Func == WaitEpCallback && (!m.Epis[e.Obj].InUse || m.Epis[e.Obj].Wait != w) {
				return fmt.Errorf("wait queue %d: entry %d is of item %d, which does not know it", q, w, e.Obj)
			}
			prev = w
			queued++
		}
		if m.Queues[q].Last != prev {
			return fmt.Errorf("wait queue %d ends at %d, not %d", q, m.Queues[q].Last, prev)
		}
	}
	for w := range m.Waits {
		if m.Waits[w].Queue != None {
			queued--
		}
	}
	if queued != 0 {
		return fmt.Errorf("%d wait queue entries name a queue that they are not on", -queued)
	}
	_, err := freeChain("entry", m.freeWait, len(m.Waits), func(id int32) (int32, bool) {
		return m.Waits[id].Next, m.Waits[id].Func != WaitNone
	})
	return err
}

// checkEpolls: an item is on the interest list of its instance and on the list
// of its file, and where its flags say.
func (m *Machine) checkEpolls() error {
	used := 0
	for i := range m.Epis {
		if m.Epis[i].InUse {
			used++
		}
	}
	free, err := freeChain("item", m.freeEpi, len(m.Epis), func(id int32) (int32, bool) { return m.Epis[id].Next, m.Epis[id].InUse })
	if err != nil {
		return err
	}
	if used+free != len(m.Epis) {
		return fmt.Errorf("%d items in use and %d free, of %d", used, free, len(m.Epis))
	}
	for _, in := range []struct {
		name  string
		walk  func(n *int) error
		total int
	}{{"interest lists", m.checkInterest, used}, {"file lists", m.checkItemsOfFiles, used}} {
		n := 0
		if err := in.walk(&n); err != nil {
			return err
		}
		if n != in.total {
			return fmt.Errorf("%d items are on the %s, %d in use", n, in.name, in.total)
		}
	}
	for ep := range m.Eps {
		e := &m.Eps[ep]
		prev := EpiID(None)
		for epi := e.Ready; epi != None; epi = m.Epis[epi].Next {
			if it := &m.Epis[epi]; it.Prev != prev || !it.OnReady || !it.InUse || it.Ep != EpID(ep) {
				return fmt.Errorf("ready list %d is broken at item %d", ep, epi)
			}
			prev = epi
		}
		if e.ReadyEnd != prev {
			return fmt.Errorf("ready list %d ends at %d, not %d", ep, e.ReadyEnd, prev)
		}
		for epi := e.Overflow; epi != None; epi = m.Epis[epi].NextOvf {
			if !m.Epis[epi].OnOvf || !m.Epis[epi].InUse || !e.Scanning {
				return fmt.Errorf("overflow list %d is broken at item %d", ep, epi)
			}
		}
		if e.Scanning && !e.Locked {
			return fmt.Errorf("instance %d is scanned without its lock", ep)
		}
	}
	return nil
}

func (m *Machine) checkInterest(n *int) error {
	for ep := range m.Eps {
		last := EpiID(None)
		for epi := m.Eps[ep].Items; epi != None; epi = m.Epis[epi].NextItem {
			if it := &m.Epis[epi]; !it.InUse || it.Ep != EpID(ep) || *n > len(m.Epis) {
				return fmt.Errorf("interest list %d is broken at item %d", ep, epi)
			}
			last = epi
			*n++
		}
		if m.Eps[ep].ItemsEnd != last {
			return fmt.Errorf("interest list %d ends at %d, not %d", ep, m.Eps[ep].ItemsEnd, last)
		}
	}
	return nil
}

func (m *Machine) checkItemsOfFiles(n *int) error {
	for file := range m.Files {
		for epi := m.Files[file].Items; epi != None; epi = m.Epis[epi].NextFile {
			if it := &m.Epis[epi]; !it.InUse || it.File != FileID(file) || *n > len(m.Epis) {
				return fmt.Errorf("file %d: its list of items is broken at %d", file, epi)
			}
			*n++
		}
	}
	return nil
}

// checkFiles: an open file has as many references as descriptors, calls and
// poll tables hold it, and a descriptor never leads to one that is gone.
func (m *Machine) checkFiles() error {
	refs := make([]int32, len(m.Files))
	for p := range m.Procs {
		for fd, file := range m.Procs[p].FDs {
			if file == None {
				continue
			}
			if m.Files[file].Kind == FileNone {
				return fmt.Errorf("descriptor %d of %s leads to a file that is gone", fd, m.Procs[p].Name)
			}
			refs[file]++
		}
	}
	for w := range m.Waits {
		if e := &m.Waits[w]; e.Func == WaitPoll {
			refs[e.File]++
		}
	}
	for id := range m.Tasks {
		t := &m.Tasks[id]
		for _, file := range t.Call.Held[:t.Call.NHeld] {
			if t.Call.Active {
				refs[file]++
			}
		}
		for _, f := range m.Context(TaskID(id)).Kernel.F {
			switch {
			case f.Kind != cpu.Call || f.PC != 1:
			case f.Code == fnDoPollfd:
				refs[f.L[pfFile]]++
			case f.Code == fnSelectPollOne:
				refs[f.L[soFile]]++
			}
		}
	}
	for file := range m.Files {
		if got := m.Files[file].Refs; got != refs[file] && !m.unaccepted(file) {
			return fmt.Errorf("file %d has %d references, counted %d", file, got, refs[file])
		}
	}
	return nil
}

// unaccepted tells whether a file is of a connection that accept has not given a
// descriptor yet.
func (m *Machine) unaccepted(file int) bool {
	f := &m.Files[file]
	return f.Kind == FileSocket && m.Socks[f.Obj].Kind == SockTCP
}

// checkPackets: the queues of the sockets agree with their counts.
func (m *Machine) checkPackets() error {
	if _, err := freeChain("packet", m.freeSkb, len(m.Skbs), func(id int32) (int32, bool) { return m.Skbs[id].Next, m.Skbs[id].InUse }); err != nil {
		return err
	}
	for i := range m.Socks {
		n, bytes := int32(0), int32(0)
		for s := m.Socks[i].First; s != None; s = m.Skbs[s].Next {
			if n++; !m.Skbs[s].InUse || int(n) > len(m.Skbs) {
				return fmt.Errorf("socket %d: packet %d is not in use", i, s)
			}
			bytes += m.Skbs[s].Truesize
		}
		if n != m.Socks[i].Len || bytes != m.Socks[i].Bytes {
			return fmt.Errorf("socket %d: %d packets of %d bytes, counted %d and %d", i, n, bytes, m.Socks[i].Len, m.Socks[i].Bytes)
		}
	}
	sent := make([]int32, len(m.Socks))
	for s := range m.Skbs {
		if sk := &m.Skbs[s]; sk.InUse && sk.Sender != None {
			sent[sk.Sender] += sk.Truesize
		}
	}
	for i := range m.Socks {
		if m.Socks[i].Kind != SockTCP && m.Socks[i].Sent != sent[i] {
			return fmt.Errorf("socket %d: %d bytes are on their way, counted %d", i, sent[i], m.Socks[i].Sent)
		}
	}
	return nil
}

// checkBufs: memory is free, or one thing has it.
func (m *Machine) checkBufs() error {
	has := make([]int8, len(m.Bufs))
	for _, b := range m.freeBufs {
		has[b]++
	}
	for i := range m.Skbs {
		if s := &m.Skbs[i]; s.InUse && s.Buf != None {
			has[s.Buf]++
		}
	}
	for i := range m.Pipes {
		for _, b := range m.Pipes[i].Bufs {
			has[b.Page]++
		}
	}
	for i := range m.Files {
		if f := &m.Files[i]; f.Kind == FileMemFD && f.Refs > 0 {
			has[f.Obj]++
		}
	}
	for b := range m.Bufs {
		if has[b] > 1 {
			return fmt.Errorf("memory %d has %d owners", b, has[b])
		}
	}
	return nil
}

// checkRemotes: what a remote host has sent, and what of it is acknowledged, are in
// order, and an event is out for its timer.
func (m *Machine) checkRemotes() error {
	for i := range m.Remotes {
		t := &m.Remotes[i]
		if t.State == RemoteClosed {
			continue
		}
		if before(t.SndNxt, t.SndUna) || before(t.SndMax, t.SndNxt) || t.Next > len(t.Todo) || t.State == RemoteOpen && before(t.SndUna, t.Base) {
			return fmt.Errorf("remote host %d: una %d nxt %d max %d base %d, %d of %d", i, t.SndUna, t.SndNxt, t.SndMax, t.Base, t.Next, len(t.Todo))
		}
		if t.Due != 0 && (t.Alarm == 0 || t.Alarm > t.Due) {
			return fmt.Errorf("remote host %d: its timer is due at %s, its event at %s", i, t.Due, t.Alarm)
		}
	}
	return nil
}
