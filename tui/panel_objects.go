package tui

import (
	"ringside/kernel"
	"ringside/sim"
)

// Rows of NET STACK for what has a descriptor: how full it is.

// narrowObjects is the width below which a row shows less of an object, or takes
// a second one.
const narrowObjects = 58

// rowsWanted is how many rows all of them take, or more than there are.
func (s *scene) rowsWanted(rows, width int) int {
	n := 0
	for _, at := range s.objects.others {
		if n += s.objectRows(&s.objects.list[at], width); n > rows {
			break
		}
	}
	return n
}

// objectRows is how many rows an object takes.
func (s *scene) objectRows(x *object, width int) int {
	if x.kind == kernel.FileSocket && s.m.Socks[x.id].Kind != kernel.SockUDP && width < narrowObjects {
		return 2
	}
	return 1
}

// drawObjects writes the sockets, pipes, counters, timers and files in memory.
func drawObjects(p *pen, s *scene, y, rows int) {
	o := &s.objects
	brief := s.rowsWanted(rows, p.w) > rows
	need := func(x *object) int {
		if brief {
			return 1
		}
		return s.objectRows(x, p.w)
	}
	chosen, missing := o.choose(o.others, rows, need)
	for _, at := range chosen {
		drawObject(p.line(y), s, &o.list[at], need(&o.list[at]) == 1)
		y += need(&o.list[at])
	}
	if missing > 0 {
		drawMissing(p.line(y), missing, len(chosen))
	}
}

// drawMissing says how many are not shown.
func drawMissing(p *pen, missing, shown int) {
	p.in(styleDim).str("… ").dec(int64(missing))
	if shown > 0 {
		p.str(" more")
	} else {
		p.str(" objects")
	}
}

// old is what an arena held at the start of the step; nothing if it had no such
// place yet.
func old[T any](arena []T, id int32) T {
	if int(id) < len(arena) {
		return arena[id]
	}
	var none T
	return none
}

// Columns of an object's row.
const objectKind = 6

// gauge is the column where it says how full an object is.
func (p *pen) gauge() *pen {
	if p.w < narrowObjects {
		return p.to(17)
	}
	return p.to(30)
}

// drawObject writes an object, into one row or into those that it takes.
func drawObject(p *pen, s *scene, x *object, oneRow bool) {
	fresh := x.file != kernel.None && old(s.was.Files, x.file).Refs == 0
	p.name(x.fd).to(objectKind - 1).mark(fresh).str(x.kindName(s.m)).in(styleText)
	switch x.kind {
	case kernel.FileSocket:
		drawSocket(p, s, x, oneRow)
	case kernel.FilePipe:
		drawPipe(p, s, x)
	case kernel.FileEventFD:
		e, was := &s.m.EventFDs[x.id], old(s.was.EventFDs, x.id)
		p.gauge().str("count").mark(e.Count != was.Count).unsigned(e.Count).in(styleText)
		if e.Semaphore {
			p.str(" semaphore")
		}
	case kernel.FileTimerFD:
		drawTimerFD(p, s, x)
	case kernel.FileMemFD:
		size, was := len(s.m.Bufs[x.id]), len(old(s.was.Bufs, x.id))
		f, before := &s.m.Files[x.file], old(s.was.Files, x.file)
		p.gauge().str("size").mark(size != was).dec(int64(size)).in(styleText).str(" B at").mark(f.Pos != before.Pos).dec(f.Pos)
	}
}

func drawSocket(p *pen, s *scene, x *object, oneRow bool) {
	k, was := &s.m.Socks[x.id], old(s.was.Socks, x.id)
	switch k.Kind {
	case kernel.SockUDP:
		p.mark(k.Bound != was.Bound || k.Connected != was.Connected).port(k.Local, k.Bound)
		if k.Connected && p.w >= narrowObjects {
			p.rune('>').port(k.Peer, true)
		}
		p.in(styleText).gauge().mark(k.Len != was.Len).dec(int64(k.Len)).in(styleText)
		p.to(p.x+1).fill(k.Bytes, k.RcvBuf, k.Bytes != was.Bytes)
		if p.w >= narrowObjects {
			p.count(" drops", int64(k.Drops), int64(was.Drops))
		}
	case kernel.SockTCP:
		drawTCP(p, s, k, &was, oneRow)
	default:
		peer := s.m.Socks[k.Ext].File
		p.str(unixTypes[k.Kind]).str(" peer ")
		if peer == kernel.None {
			p.str("closed")
		} else {
			p.name(s.objects.fd[peer])
		}
		if oneRow && p.w < narrowObjects {
			p.count(" out", int64(k.Sent), int64(was.Sent))
			return
		}
		p.secondRow().str("queued").mark(k.Len != was.Len).dec(int64(k.Len)).in(styleText)
		p.str(" sent ").fill(k.Sent, k.SndBuf, k.Sent != was.Sent)
	}
}

var unixTypes = [kernel.NumSockKinds]string{kernel.SockUnixStream: " stream", kernel.SockUnixDgram: " dgram"}

// secondRow goes on in the next row where there is little room, else in this one.
func (p *pen) secondRow() *pen {
	if p.w < narrowObjects {
		return p.line(p.y + 1).to(objectKind)
	}
	return p.in(styleText).gauge()
}

// drawTCP writes a connection's state and its two queues, in bytes; of a socket
// that listens, how many connections wait.
func drawTCP(p *pen, s *scene, k, was *kernel.Sock, oneRow bool) {
	t, old := &s.m.TCPs[k.Ext], old(s.was.TCPs, k.Ext)
	p.mark(t.State != old.State).str(tcpNames[t.State]).in(styleText).rune(' ')
	if p.left() >= 18 || !oneRow {
		p.port(k.Local, k.Bound)
	}
	if oneRow && p.w < narrowObjects {
		if t.State == kernel.TCPListen {
			p.str(" accept").mark(t.Accepts != old.Accepts).dec(int64(t.Accepts)).in(styleText).str("/").dec(int64(t.MaxBacklog))
		} else {
			p.count(" in", int64(k.Bytes), int64(was.Bytes)).count(" out", int64(t.Queued), int64(old.Queued))
		}
		return
	}
	if k.Connected {
		p.rune('>').port(k.Peer, true)
	}
	if t.State == kernel.TCPListen {
		requests := requests(s.m, t)
		p.secondRow().str("accept queue").mark(t.Accepts != old.Accepts).dec(int64(t.Accepts)).in(styleText).str("/").dec(int64(t.MaxBacklog))
		p.str("  SYN queue").mark(requests != oldRequests(s, k.Ext)).dec(requests)
		return
	}
	p.secondRow().str("rcv").mark(k.Bytes != was.Bytes).dec(int64(k.Bytes)).in(styleText).str("/").kilo(k.RcvBuf)
	p.str(" snd").mark(t.Queued != old.Queued).dec(int64(t.Queued)).in(styleText).str("/").kilo(k.SndBuf)
	if n, had := segments(s.m, t.Backlog.First), segments(s.was, backlogOf(&old)); n != had || n > 0 {
		p.count(" held", n, had)
	}
}

// tcpNames are the states as ss prints them.
var tcpNames = [...]string{
	"", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",
}

// requests is the length of a SYN queue.
func requests(m *kernel.Machine, t *kernel.TCPSock) (n int64) {
	for id := t.Requests; id != kernel.None; id = m.Reqs[id].Next {
		n++
	}
	return n
}

func oldRequests(s *scene, ext int32) int64 {
	if int(ext) >= len(s.was.TCPs) {
		return 0
	}
	return requests(s.was, &s.was.TCPs[ext])
}

// backlogOf is the first packet of a socket's backlog; of one that there was not
// yet, none.
func backlogOf(t *kernel.TCPSock) kernel.SkbID {
	if t.State == 0 {
		return kernel.None
	}
	return t.Backlog.First
}

// segments is the length of a queue of packets.
func segments(m *kernel.Machine, first kernel.SkbID) (n int64) {
	for id := first; id != kernel.None; id = m.Skbs[id].Next {
		n++
	}
	return n
}

// drawPipe writes which end has which descriptor, how many slots are in use, and
// the bytes in them.
func drawPipe(p *pen, s *scene, x *object) {
	pipe, was := &s.m.Pipes[x.id], old(s.was.Pipes, x.id)
	p.mark(pipe.Readers != was.Readers || pipe.Writers != was.Writers).str("<")
	if pipe.Writers == 0 {
		p.str("nobody")
	} else {
		p.name(x.write)
	}
	bytes, before := pipeBytes(s.m, pipe), pipeBytes(s.was, &was)
	p.in(styleText).gauge().bar(int64(len(pipe.Bufs)), int64(pipe.Slots), 7)
	p.mark(len(pipe.Bufs) != len(was.Bufs)).dec(int64(len(pipe.Bufs))).in(styleText).str("/").dec(int64(pipe.Slots))
	p.mark(bytes != before).dec(bytes).in(styleText).str("B")
}

// pipeBytes is how much a pipe holds.
func pipeBytes(m *kernel.Machine, pipe *kernel.Pipe) (n int64) {
	for _, b := range pipe.Bufs {
		n += int64(len(m.Bufs[b.Page])) - int64(b.Off)
	}
	return n
}

// drawTimerFD writes how often a timer has expired since it was read, and when
// it will next.
func drawTimerFD(p *pen, s *scene, x *object) {
	t, was := &s.m.TimerFDs[x.id], old(s.was.TimerFDs, x.id)
	expires, armed := expiry(s.m, x.id)
	_, before := expiry(s.was, x.id)
	p.to(objectKind + 8).str("ticks").mark(t.Ticks != was.Ticks).unsigned(t.Ticks).in(styleText)
	switch p.mark(armed != before || armed && t.Expires != was.Expires); {
	case armed:
		p.str("in ").span(expires - s.m.Now)
		if t.Interval != 0 && p.w >= narrowObjects {
			p.str(" every ").span(t.Interval)
		}
	case t.Expired && t.Interval != 0:
		p.str("rearmed by read")
	default:
		p.str("not armed")
	}
}

// expiry is when a timer that is armed on one of the cores expires.
func expiry(m *kernel.Machine, id int32) (sim.Time, bool) {
	for i := range m.CPUs {
		for _, t := range m.CPUs[i].Timers {
			if t.Kind == kernel.TimerFile && t.Task == id {
				return t.Expires, true
			}
		}
	}
	return 0, false
}

// port writes a socket's port.
func (p *pen) port(a kernel.SockAddr, bound bool) *pen {
	if !bound {
		return p.str("no port")
	}
	return p.rune(':').dec(int64(a.Port))
}

// fill draws how full a buffer is, with the bytes and the limit.
func (p *pen) fill(bytes, limit int32, changed bool) *pen {
	width := 5
	if p.w >= narrowObjects {
		width = 6
	}
	return p.bar(int64(bytes), int64(limit), width).mark(changed).dec(int64(bytes)).in(styleText).str("/").kilo(limit)
}

// kilo writes a limit in bytes, or in KiB if it is a whole number of them.
func (p *pen) kilo(n int32) *pen {
	if n >= 1024 && n%1024 == 0 {
		return p.dec(int64(n / 1024)).rune('K')
	}
	return p.dec(int64(n))
}
