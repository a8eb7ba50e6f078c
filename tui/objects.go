package tui

import (
	"slices"

	"ringside/kernel"
	"ringside/sim"
)

// What programs reach by descriptors: sockets, pipes, counters, timers, epoll
// instances. They are looked up once for a position; panels choose among them.

// object is one of them. A pipe is one object with two open files.
type object struct {
	kind  kernel.FileKind
	id    int32         // its place in the arena of its kind
	file  kernel.FileID // None for a connection that no program has
	fd    int32         // its lowest descriptor, or -1; of a pipe, that of the end to read from
	write int32         // of a pipe, that of the other end
}

// objects are those that exist at a position, by descriptor; behind them those
// without one.
type objects struct {
	list   []object
	fd     []int32 // by file: the lowest descriptor, or -1
	place  []int32 // by file: where it is in list
	pipe   []int32 // by pipe: the same
	owner  []int32 // by wait queue: the same, of what the queue belongs to
	eps    []int32 // places of the epoll instances
	others []int32 // and of everything else
	waited []int32 // of everything else that has somebody on a wait queue
	recent []int32 // what was touched of late, the last one first
	queued kernel.SkbID
	chosen []int32
}

// blank gives n times -1.
func blank(old []int32, n int) []int32 {
	old = slices.Grow(old[:0], n)[:n]
	for i := range old {
		old[i] = -1
	}
	return old
}

// build finds the objects of a machine.
func (o *objects) build(m *kernel.Machine) {
	o.list, o.eps, o.others, o.waited, o.queued = o.list[:0], o.eps[:0], o.others[:0], o.waited[:0], kernel.None
	o.fd, o.place = blank(o.fd, len(m.Files)), blank(o.place, len(m.Files))
	o.pipe, o.owner = blank(o.pipe, len(m.Pipes)), blank(o.owner, len(m.Queues))
	for i := range m.Procs {
		for fd, file := range m.Procs[i].FDs {
			if file != kernel.None && o.fd[file] < 0 {
				o.fd[file] = int32(fd)
				o.add(m, file)
			}
		}
	}
	for file := range m.Files {
		if m.Files[file].Refs > 0 && o.place[file] < 0 {
			o.add(m, kernel.FileID(file)) // a call in progress still holds it
		}
	}
	for i := range m.Socks {
		if k := &m.Socks[i]; k.File == kernel.None && k.Kind == kernel.SockTCP && m.TCPs[k.Ext].State != kernel.TCPClose {
			o.append(m, object{kind: kernel.FileSocket, id: int32(i), file: kernel.None, fd: -1})
		}
	}
}

// add takes in an open file.
func (o *objects) add(m *kernel.Machine, file kernel.FileID) {
	f := &m.Files[file]
	x := object{kind: f.Kind, id: f.Obj, file: file, fd: o.fd[file]}
	switch f.Kind {
	case kernel.FileNone, kernel.FileConsole:
		return
	case kernel.FilePipe:
		reads := f.Flags&accessMode == 0
		if at := o.pipe[f.Obj]; at >= 0 {
			o.place[file] = at
			if reads {
				o.list[at].fd = x.fd
			} else {
				o.list[at].write = x.fd
			}
			return
		}
		if o.pipe[f.Obj] = int32(len(o.list)); reads {
			x.write = -1
		} else {
			x.fd, x.write = -1, x.fd
		}
	}
	o.place[file] = int32(len(o.list))
	o.append(m, x)
}

// accessMode are the bits of O_WRONLY and O_RDWR.
const accessMode = 3

func (o *objects) append(m *kernel.Machine, x object) {
	at := int32(len(o.list))
	o.list = append(o.list, x)
	waited := false
	for _, q := range x.queues(m) {
		if q.id != kernel.None {
			o.owner[q.id] = at
			waited = waited || m.Queues[q.id].First != kernel.None
		}
	}
	if x.kind == kernel.FileEpoll {
		o.eps = append(o.eps, at)
		return
	}
	o.others = append(o.others, at)
	if waited {
		o.waited = append(o.waited, at)
	}
	if x.kind == kernel.FileSocket && o.queued == kernel.None && m.Socks[x.id].Len > 0 {
		o.queued = m.Socks[x.id].First
	}
}

// queueOf is a wait queue of an object: under which descriptor its users know
// it, and its name in the kernel.
type queueOf struct {
	id   kernel.QueueID
	fd   int32
	name string
}

// queues are the wait queues of an object.
func (x *object) queues(m *kernel.Machine) [2]queueOf {
	none := queueOf{id: kernel.None}
	switch x.kind {
	case kernel.FileSocket:
		k := &m.Socks[x.id]
		wq := queueOf{k.WQ, x.fd, "sk_wq"}
		if k.Kind == kernel.SockTCP {
			return [2]queueOf{wq, {m.TCPs[k.Ext].LockWQ, x.fd, "sk_lock"}}
		}
		return [2]queueOf{wq, none}
	case kernel.FileEpoll:
		return [2]queueOf{{m.Eps[x.id].WQ, x.fd, "wq"}, {m.Eps[x.id].PollWait, x.fd, "poll_wait"}}
	case kernel.FilePipe:
		return [2]queueOf{{m.Pipes[x.id].RdWait, x.fd, "rd_wait"}, {m.Pipes[x.id].WrWait, x.write, "wr_wait"}}
	case kernel.FileEventFD:
		return [2]queueOf{{m.EventFDs[x.id].WQ, x.fd, "wqh"}, none}
	case kernel.FileTimerFD:
		return [2]queueOf{{m.TimerFDs[x.id].WQ, x.fd, "wqh"}, none}
	}
	return [2]queueOf{none, none}
}

// look notes what the records before a position have touched.
func (o *objects) look(s *scene) {
	const lookBack, enough = 256, 16
	o.recent = o.recent[:0]
	for i := s.pos - 1; i >= 0 && i >= s.pos-lookBack && len(o.recent) < enough; i-- {
		for _, at := range o.touched(s.m, s.tl.At(i)) {
			if at >= 0 && !slices.Contains(o.recent, at) {
				o.recent = append(o.recent, at)
			}
		}
	}
}

// touched gives the places of what a record touched, or -1. A record of the past
// may speak of what is gone, or has another owner now.
func (o *objects) touched(m *kernel.Machine, r *sim.Record) [2]int32 {
	at := [2]int32{-1, -1}
	of := func(file kernel.FileID) int32 {
		if file < 0 || int(file) >= len(o.place) {
			return -1
		}
		return o.place[file]
	}
	queue := func(q kernel.QueueID) int32 {
		if q < 0 || int(q) >= len(o.owner) {
			return -1
		}
		return o.owner[q]
	}
	switch r.Kind {
	case kernel.KindSock:
		if k := &m.Socks[r.Obj]; k.File != kernel.None {
			at[0] = of(k.File)
		} else {
			at[0] = queue(k.WQ)
		}
	case kernel.KindEp:
		at[0] = of(m.Eps[r.Obj].File)
	case kernel.KindEpi:
		if it := &m.Epis[r.Obj]; it.InUse {
			at[0], at[1] = of(it.File), of(m.Eps[it.Ep].File)
		}
	case kernel.KindQueue:
		at[0] = queue(r.Obj)
	case kernel.KindWait:
		at[0] = queue(m.Waits[r.Obj].Queue)
	case kernel.KindFD:
		if r.Task >= 0 {
			if fds := m.Procs[m.Tasks[r.Task].Proc].FDs; int(r.Obj) < len(fds) {
				at[0] = of(fds[r.Obj])
			}
		}
	}
	return at
}

// choose picks objects for so many rows: all, if there is room; else those that
// were touched last, and a row is left to say how many are missing.
func (o *objects) choose(from []int32, rows int, need func(*object) int) (chosen []int32, missing int) {
	used := 0
	for i := 0; i < len(from) && used <= rows; i++ {
		used += need(&o.list[from[i]])
	}
	if used <= rows {
		return from, 0
	}
	chosen = o.latest(from, rows-1, need)
	return chosen, len(from) - len(chosen)
}

// latest picks what was touched last for so many rows, then the first of the
// rest. What it returns is in the order of the list, so that rows stay where they
// are.
func (o *objects) latest(from []int32, rows int, need func(*object) int) []int32 {
	o.chosen = o.chosen[:0]
	take := func(at int32) {
		if h := need(&o.list[at]); h <= rows && !slices.Contains(o.chosen, at) {
			o.chosen = append(o.chosen, at)
			rows -= h
		}
	}
	for _, at := range o.recent {
		if _, wanted := slices.BinarySearch(from, at); wanted {
			take(at)
		}
	}
	for i := 0; i < len(from) && i < maxLatest && rows > 0; i++ {
		take(from[i])
	}
	slices.Sort(o.chosen)
	return o.chosen
}

// maxLatest is more than a panel has rows.
const maxLatest = 100

// oneRow is what objects need that take a row each.
func oneRow(*object) int { return 1 }

// kindName says what an object is.
func (x *object) kindName(m *kernel.Machine) string {
	if x.kind == kernel.FileSocket {
		return socketNames[m.Socks[x.id].Kind]
	}
	return fileNames[x.kind]
}

var socketNames = [kernel.NumSockKinds]string{
	kernel.SockUDP: "udp", kernel.SockTCP: "tcp", kernel.SockUnixStream: "unix", kernel.SockUnixDgram: "unix",
}

var fileNames = [kernel.NumFileKinds]string{
	kernel.FileConsole: "console", kernel.FileSocket: "socket", kernel.FileEpoll: "epoll", kernel.FilePipe: "pipe",
	kernel.FileEventFD: "eventfd", kernel.FileTimerFD: "timerfd", kernel.FileMemFD: "memfd",
}

// fileName says what an open file is.
func fileName(m *kernel.Machine, file kernel.FileID) string {
	if file == kernel.None {
		return "-"
	}
	x := object{kind: m.Files[file].Kind, id: m.Files[file].Obj}
	return x.kindName(m)
}

// name writes a descriptor; what has none is named by a dash.
func (p *pen) name(fd int32) *pen {
	if fd < 0 {
		return p.str("fd-")
	}
	return p.str("fd").dec(int64(fd))
}
