package tui

import "ringside/kernel"

// epoll instances: what they watch, what is ready, who waits; and the wait
// queues of sockets.

func drawEpoll(p *pen, s *scene) {
	y := 0
	for id := range s.m.Eps {
		if s.m.Eps[id].File != kernel.None && y < p.h {
			y = drawEp(p, s, kernel.EpID(id), y)
		}
	}
	if y == 0 {
		p.line(0).in(styleDim).str("no epoll instance yet")
		y = 1
	}
	for id := range s.m.Socks {
		k := &s.m.Socks[id]
		if k.File == kernel.None || y >= p.h {
			continue
		}
		y = drawQueue(p.line(y).str("fd").dec(descriptor(s.m, k.File)).str(" wq"), s, k.WQ)
	}
}

func drawEp(p *pen, s *scene, id kernel.EpID, y int) int {
	ep := &s.m.Eps[id]
	old := kernel.Eventpoll{Ready: kernel.None, Overflow: kernel.None}
	if int(id) < len(s.was.Eps) {
		old = s.was.Eps[id]
	}
	p.line(y).in(styleBold).str("epfd ").dec(descriptor(s.m, ep.File)).in(styleText).str("  interest list, by fd")
	y++
	items := 0
	for i := ep.Items; i != kernel.None; i = s.m.Epis[i].NextItem {
		items++
	}
	room := max(p.h-y-5, 1)
	for i, n := ep.Items, 0; i != kernel.None; i, n = s.m.Epis[i].NextItem, n+1 {
		if n == room-1 && items > room {
			p.line(y).in(styleDim).str("  … ").dec(int64(items - n)).str(" more")
			y++
			break
		}
		drawEpi(p.line(y), s, i)
		y++
	}
	p.line(y).str("rdllist").mark(ep.Ready != old.Ready).list(s.m, ep.Ready, false)
	y++
	p.line(y).str("ovflist").mark(ep.Scanning != old.Scanning || ep.Overflow != old.Overflow)
	if ep.Scanning {
		p.list(s.m, ep.Overflow, true)
		p.str(" (scan in progress)")
	} else {
		p.in(styleDim).str("not scanning")
	}
	y++
	return drawQueue(p.line(y).str("ep->wq"), s, ep.WQ)
}

// drawEpi writes an item: descriptor, mask, trigger, data, whether it is ready.
func drawEpi(p *pen, s *scene, id kernel.EpiID) {
	it := &s.m.Epis[id]
	old := kernel.Epitem{}
	if int(id) < len(s.was.Epis) {
		old = s.was.Epis[id]
	}
	ready := it.OnReady || it.OnOvf
	p.mark(it.InUse != old.InUse || it.Events != old.Events || ready != (old.OnReady || old.OnOvf))
	p.str("fd").dec(int64(it.FD)).to(6).events(it.Events).to(15).str(trigger(it.Events)).to(23).str("data=").dec(it.Data)
	if ready {
		p.str(" ready")
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

// drawQueue writes a wait queue behind its name, an entry a row, and returns
// the row behind it. An entry is a callback; exclusive ones are woken one by
// one, the others all.
func drawQueue(p *pen, s *scene, id kernel.QueueID) int {
	const column = 7
	y := p.y
	if id == kernel.None || int(id) >= len(s.m.Queues) || s.m.Queues[id].First == kernel.None {
		p.to(column + 1).in(styleDim).str("nobody")
		return y + 1
	}
	for w := s.m.Queues[id].First; w != kernel.None && y < p.h; w = s.m.Waits[w].Next {
		e := &s.m.Waits[w]
		fresh := int(w) >= len(s.was.Waits) || s.was.Waits[w].Queue != e.Queue
		p.at(column, y).in(styleText).mark(fresh)
		drawWaiter(p, s.m, e)
		y++
	}
	return y
}

var waitFuncs = [...]string{
	kernel.WaitNone: "-", kernel.WaitReceiver: "receiver_wake", kernel.WaitEpCallback: "ep_poll_callback", kernel.WaitEpWake: "ep_autoremove_wake",
}

func drawWaiter(p *pen, m *kernel.Machine, e *kernel.Wait) {
	switch e.Func {
	case kernel.WaitEpCallback:
		it := &m.Epis[e.Obj]
		p.str("epitem fd").dec(int64(it.FD))
	default:
		p.fit(m.Tasks[e.Obj].Name, min(12, p.w/3))
	}
	p.in(styleText).str(" ")
	if e.Exclusive {
		p.str("EXCL ")
	}
	p.in(styleDim).rest(waitFuncs[e.Func])
}
