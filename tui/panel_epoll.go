package tui

import (
	"slices"
	"strings"

	"ringside/kernel"
)

// epoll instances: what they watch, what is ready, who waits; and the wait
// queues of everything else.

// epollWide is the width from which names are written out.
const epollWide = 52

// ownOvflist is the height from which the overflow list has a row of its own. In a
// lower panel it stands behind the ready list, while there is a scan.
const ownOvflist = 9

// drawEpoll shows in full the instances that were touched last, as many as there
// is room for, a row for each of the others, and the wait queues below.
func drawEpoll(p *pen, s *scene) {
	const mostBlocks = 8
	block := 5 - b2i(p.h < ownOvflist)
	o := &s.objects
	if len(o.eps) == 0 {
		p.line(0).in(styleDim).str("no epoll instance")
		drawQueues(p, s, 1)
		return
	}
	waited := rowsForWaiters(s, p.h, block)
	var full [mostBlocks]int32
	n := copy(full[:], o.latest(o.eps, min(max((p.h-waited)/(block+1), 1), mostBlocks), oneRow))
	brief := min(len(o.eps)-n, max(p.h-waited-n*block, 0))
	y := 0
	for i, at := range full[:n] {
		y = drawEp(p, s, &o.list[at], y, p.h-waited-brief-(n-1-i)*block)
	}
	for i := 0; i < len(o.eps) && brief > 0; i++ {
		if at := o.eps[i]; !slices.Contains(full[:n], at) {
			drawEpBrief(p.line(y), s, &o.list[at])
			y, brief = y+1, brief-1
		}
	}
	drawQueues(p, s, y)
}

// rowsForWaiters is how many rows are kept for wait queues. A low panel keeps what
// the longest one takes: a queue of several entries says more than several queues
// with epoll's entry each.
func rowsForWaiters(s *scene, h, block int) int {
	sum, longest := 0, 0
	for _, at := range s.objects.waited {
		if n := waiterRows(s.m, &s.objects.list[at]); sum < h {
			sum, longest = sum+n, max(longest, n)
		}
	}
	if h < ownOvflist {
		return min(longest, max(h-block, 0))
	}
	return min(sum, h/3)
}

// drawQueues writes the wait queues on which somebody is, of all but the epoll
// instances.
func drawQueues(p *pen, s *scene, y int) {
	o := &s.objects
	chosen, missing := o.choose(o.waited, p.h-y, func(x *object) int { return waiterRows(s.m, x) })
	if len(chosen) == 0 && missing > 0 && p.h > y { // the first queue alone is too long: it says itself how many are missing
		chosen, missing = o.latest(o.waited, 1, oneRow), 0
	}
	for _, at := range chosen {
		x := &o.list[at]
		for _, q := range x.queues(s.m) {
			if q.id != kernel.None && s.m.Queues[q.id].First != kernel.None {
				y = drawQueue(p, s, y, p.h-b2i(missing > 0), q)
			}
		}
	}
	if missing > 0 && y < p.h {
		p.line(y).in(styleDim).str("… ").dec(int64(missing)).str(" more wait queues")
	}
}

// waiterRows is how many entries are on an object's wait queues.
func waiterRows(m *kernel.Machine, x *object) int {
	n := 0
	for _, q := range x.queues(m) {
		if q.id != kernel.None {
			for w := m.Queues[q.id].First; w != kernel.None; w = m.Waits[w].Next {
				n++
			}
		}
	}
	return n
}

// noEpoll is an instance before it was made.
var noEpoll = kernel.Eventpoll{Ready: kernel.None, Overflow: kernel.None}

func (s *scene) oldEp(id kernel.EpID) kernel.Eventpoll {
	if int(id) < len(s.was.Eps) {
		return s.was.Eps[id]
	}
	return noEpoll
}

// drawEp writes an instance into the rows up to low.
func drawEp(p *pen, s *scene, x *object, y, low int) int {
	ep, old := &s.m.Eps[x.id], s.oldEp(x.id)
	p.line(y).in(styleBold).str("ep").name(x.fd).in(styleText).str("  interest list, by fd")
	y++
	waiters := epWaiters(s.m, x.id)
	y = drawItems(p, s, ep.Items, y, max(low-y-1-b2i(p.h >= ownOvflist)-max(waiters, 1), 1))
	p.line(y).str("rdllist").mark(ep.Ready != old.Ready).list(s.m, ep.Ready, false)
	y++
	changed := ep.Scanning != old.Scanning || ep.Overflow != old.Overflow
	switch {
	case p.h >= ownOvflist && ep.Scanning:
		p.line(y).str("ovflist").mark(changed).list(s.m, ep.Overflow, true).str(" (scan in progress)")
		y++
	case p.h >= ownOvflist:
		p.line(y).str("ovflist").mark(changed).in(styleDim).str("not scanning")
		y++
	case ep.Scanning:
		p.in(styleText).str("  scan: ovflist").mark(changed).list(s.m, ep.Overflow, true)
	}
	if waiters == 0 {
		p.line(y).label(x.queues(s.m)[0]).to(queueLabel(p) + 1).in(styleDim).str("nobody")
		return y + 1
	}
	for _, q := range x.queues(s.m) {
		y = drawQueue(p, s, y, min(max(low, y+1), p.h), q)
	}
	return y
}

// epWaiters counts who waits for an instance.
func epWaiters(m *kernel.Machine, id kernel.EpID) int {
	n := 0
	for _, q := range [...]kernel.QueueID{m.Eps[id].WQ, m.Eps[id].PollWait} {
		for w := m.Queues[q].First; w != kernel.None; w = m.Waits[w].Next {
			n++
		}
	}
	return n
}

// drawItems writes an interest list into so many rows. If they are too few, the
// items that are ready come first.
func drawItems(p *pen, s *scene, first kernel.EpiID, y, rows int) int {
	items, ready := 0, 0
	for i := first; i != kernel.None; i = s.m.Epis[i].NextItem {
		items++
		ready += b2i(s.m.Epis[i].OnReady || s.m.Epis[i].OnOvf)
	}
	room := rows
	if items > rows {
		room--
	}
	ready = min(ready, room)
	idle := room - ready
	shown := 0
	for i := first; i != kernel.None && shown < room; i = s.m.Epis[i].NextItem {
		it := &s.m.Epis[i]
		switch {
		case it.OnReady || it.OnOvf:
			if ready == 0 {
				continue
			}
			ready--
		case idle == 0:
			continue
		default:
			idle--
		}
		drawEpi(p.line(y), s, i)
		y, shown = y+1, shown+1
	}
	if items > shown {
		p.line(y).in(styleDim).str("  … ").dec(int64(items - shown)).str(" more")
		y++
	}
	return y
}

// drawEpBrief writes an instance in one row.
func drawEpBrief(p *pen, s *scene, x *object) {
	ep, old := &s.m.Eps[x.id], s.oldEp(x.id)
	p.in(styleBold).str("ep").name(x.fd).in(styleText).str(" rdllist").mark(ep.Ready != old.Ready).list(s.m, ep.Ready, false).in(styleText)
	if p.left() > 10 {
		p.str("  waiters ").dec(int64(epWaiters(s.m, x.id)))
	}
}

// drawEpi writes an item: descriptor, what it is, mask, trigger, whether it is
// ready, data.
func drawEpi(p *pen, s *scene, id kernel.EpiID) {
	it, was := &s.m.Epis[id], old(s.was.Epis, id)
	ready := it.OnReady || it.OnOvf
	p.mark(it.InUse != was.InUse || it.Events != was.Events || ready != (was.OnReady || was.OnOvf))
	p.name(it.FD).to(6).str(fileName(s.m, it.File)).to(14).events(it.Events).to(23).str(trigger(it.Events)).to(31)
	if ready {
		p.str("ready")
	}
	if p.w >= epollWide {
		p.to(38).str("data=").dec(it.Data)
	}
}

// trigger names the mode that an item is in.
func trigger(events uint32) string {
	switch {
	case events&kernel.EPOLLONESHOT != 0:
		return "ONESHOT"
	case events&kernel.EPOLLEXCLUSIVE != 0:
		return "EXCL"
	case events&kernel.EPOLLET != 0:
		return "ET"
	}
	return "LT"
}

// eventNames are the bits that a mask is shown by.
var eventNames = []struct {
	bit  uint32
	name string
}{
	{kernel.EPOLLIN, "IN"}, {kernel.EPOLLPRI, "PRI"}, {kernel.EPOLLOUT, "OUT"}, {kernel.EPOLLERR, "ERR"}, {kernel.EPOLLHUP, "HUP"},
	{kernel.EPOLLRDHUP, "RDHUP"},
}

// events writes a mask, without the ERR and HUP that the kernel adds to every
// one (epoll_ctl(2)).
func (p *pen) events(mask uint32) *pen {
	const always = kernel.EPOLLERR | kernel.EPOLLHUP // added to every mask
	first := true
	for _, e := range eventNames {
		if mask&e.bit == 0 || mask&always == always && e.bit&always != 0 {
			continue
		}
		if !first {
			p.rune('|')
		}
		p.str(e.name)
		first = false
	}
	if first {
		p.rune('0')
	}
	return p
}

// list writes the descriptors on a ready or an overflow list.
func (p *pen) list(m *kernel.Machine, first kernel.EpiID, overflow bool) *pen {
	if first == kernel.None {
		return p.str("empty")
	}
	for i := first; i != kernel.None; {
		if i != first {
			p.str(" ")
		}
		it := &m.Epis[i]
		if p.left() < 6 {
			return p.str("…")
		}
		p.str("fd").dec(int64(it.FD))
		if overflow {
			i = it.NextOvf
		} else {
			i = it.Next
		}
	}
	return p
}

// drawQueue writes a wait queue, an entry a row, up to a row, and returns the row
// behind it. An entry is a callback; exclusive ones are woken one by one, the
// others all.
func drawQueue(p *pen, s *scene, y, low int, q queueOf) int {
	label := queueLabel(p)
	for w := s.m.Queues[q.id].First; w != kernel.None && y < low; w = s.m.Waits[w].Next {
		e := &s.m.Waits[w]
		if y == low-1 && e.Next != kernel.None {
			n := 0
			for ; w != kernel.None; w = s.m.Waits[w].Next {
				n++
			}
			p.line(y)
			p.label(q).to(label + 1).in(styleDim).str("… ").dec(int64(n)).str(" entries")
			return y + 1
		}
		p.line(y)
		p.label(q).to(label).mark(int(w) >= len(s.was.Waits) || s.was.Waits[w].Queue != e.Queue)
		drawWaiter(p, s, e)
		y++
	}
	return y
}

// queueLabel is how wide a wait queue's label is.
func queueLabel(p *pen) int {
	if p.w >= epollWide {
		return 15
	}
	return 7
}

// label names a wait queue: by its descriptor, and where there is room as the
// kernel does.
func (p *pen) label(q queueOf) *pen {
	switch {
	case p.w >= epollWide:
		return p.name(q.fd).str(" ").str(q.name)
	case q.name == "wq": // below the instance that it belongs to
		return p.str("ep->wq")
	case q.name == "poll_wait":
		return p.str("ep poll")
	}
	return p.name(q.fd).str(" wq")
}

// drawWaiter writes an entry: the task or the epoll instance behind it, whether
// it is exclusive, its callback.
func drawWaiter(p *pen, s *scene, e *kernel.Wait) {
	wide := p.w >= epollWide
	name := 8
	if wide {
		name = 13
	}
	callback := kernel.WaitFuncNames[e.Func]
	switch {
	case e.Func != kernel.WaitEpCallback:
		p.fit(s.m.Tasks[e.Obj].Name, name)
	default:
		it := &s.m.Epis[e.Obj]
		end := p.x + name
		p.str("ep").name(s.objects.fd[s.m.Eps[it.Ep].File])
		if wide {
			p.rune(' ').name(it.FD)
		}
		for p.x < end {
			p.rune(' ')
		}
	}
	switch {
	case e.Exclusive && wide:
		p.str(" EXCL ")
	case e.Exclusive:
		p.str(" ex ")
	default:
		p.str(" ")
	}
	p.in(styleDim)
	if !wide {
		callback = strings.TrimSuffix(callback, "_function")
	}
	p.rest(callback)
	if wide && e.Woken {
		p.str(" WOKEN")
	}
}
