package tui

import (
	"slices"

	"ringside/kernel"
	"ringside/sim"
)

// Who a record is about: which packet, which task, socket, pipe or epoll
// instance. A record names places of arenas, and those are used again; so this
// is found out while the run becomes known, when the machine is at the record.

// refKind is a kind of object that can be followed and looked into.
type refKind uint8

const (
	refNone refKind = iota
	refTask
	refSock
	refEp
	refPipe
	refEventFD
	refTimerFD
	refMemFD
	refNapi
	refCore
	refAPIC
	refFile
	refSkb
	refEpi
	refQueue
	refWait
	refTCP
	refIOAPIC
	refRedir
	refPIC
	numRefs
)

// refNames are what they are called on the screen.
var refNames = [numRefs]string{
	"", "task", "socket", "epoll", "pipe", "eventfd", "timerfd", "memfd", "napi", "core", "apic",
	"open file", "skb", "epitem", "wait queue", "wait entry", "tcp",
	"ioapic", "redirection entry", "pic",
}

// ref is an object: its kind and its place in the arena of that kind.
type ref struct {
	kind refKind
	id   int32
}

// fileRefs are the objects behind open files.
var fileRefs = [kernel.NumFileKinds]refKind{
	kernel.FileSocket: refSock, kernel.FileEpoll: refEp, kernel.FilePipe: refPipe,
	kernel.FileEventFD: refEventFD, kernel.FileTimerFD: refTimerFD, kernel.FileMemFD: refMemFD,
}

// thing is an object with what it has been known by.
type thing struct {
	ref
	fds []int32 // the descriptors that it has had
}

// called tells whether a thing goes by a name: its kind and number, a
// descriptor's, or the name of a task.
func (t *thing) called(m *kernel.Machine, name string, number int64) bool {
	switch {
	case name == "fd":
		return number < 0 && len(t.fds) > 0 || number >= 0 && slices.Contains(t.fds, int32(number))
	case t.kind == refTask && name == m.Tasks[t.id].Name:
		return true
	}
	return name == refNames[t.kind] && (number < 0 || number == int64(t.id))
}

// taskNamed finds a task by its name.
func taskNamed(m *kernel.Machine, name string) kernel.TaskID {
	for i := range m.Tasks {
		if m.Tasks[i].Name == name {
			return kernel.TaskID(i)
		}
	}
	return kernel.None
}

// about is what a record is about: a packet, and up to two things, as numbers in
// the lists of who; or -1.
type about struct {
	packet int32
	things [2]int32
}

// packet is what it was on the wire, or for one of this host the skb's number.
type packet struct {
	frame int32   // or None
	num   int32   // of the first skb that it was in, or 0
	sent  int32   // the frame that this host has last sent it as, or None
	into  int32   // the packet that GRO has merged it into, or -1,
	since sim.Seq // in this record
}

// who knows it for every record.
type who struct {
	records []about
	packets []packet
	guises  guises
	things  []thing

	byFrame, byNum, bySkb []int32          // packets, by frame, by number and by place of the skb
	index                 [numRefs][]int32 // things, by kind and place
	queues                []ref            // whose a wait queue is
	waits                 []kernel.QueueID // on which queue a wait entry was last
	epis                  [][2]ref         // what an item watches, and its instance
	files                 map[[2]int32]ref // what a descriptor of a process was last
}

func newWho(im *kernel.Image) *who {
	return &who{files: map[[2]int32]ref{}, guises: findGuises(im)}
}

// at is what a record is about.
func (w *who) at(seq sim.Seq) about {
	if int(seq) >= len(w.records) {
		return about{-1, [2]int32{-1, -1}}
	}
	return w.records[seq]
}

// add takes in the next record; the machine is the one after it.
func (w *who) add(m *kernel.Machine, r *sim.Record, seq sim.Seq, log log) {
	x := about{-1, [2]int32{-1, -1}}
	touched := w.touch(m, r, &x)
	if !touched && w.goesOn(r, log) {
		x.packet = w.records[r.Cause].packet
	}
	w.records = append(w.records, x)
}

// goesOn tells whether a record that touches no packet is still about the one of
// its cause: on the packet's path, but not back from the protocols to the card's
// loop, which goes on to another packet; in the interrupt that announces it; and in
// the thread that it has woken or that has taken it, until its call is back in ring 3.
func (w *who) goesOn(r *sim.Record, log log) bool {
	if r.Cause == sim.NoSeq {
		return false
	}
	c := log.At(r.Cause)
	switch {
	case r.Ctx == kernel.CtxSyscall && c.Ctx == kernel.CtxSyscall && c.Task == r.Task, r.Ctx == kernel.CtxUser && c.Ctx == kernel.CtxSyscall:
		return true
	case r.Ctx == kernel.CtxHardirq && (c.Ctx == kernel.CtxHardirq || c.Ctx == kernel.CtxHardware):
		return true
	case r.Station == kernel.StNone: // a protocol's functions beside the path
		return r.Ctx == kernel.CtxSoftirq && c.Ctx == kernel.CtxSoftirq
	case r.Station <= kernel.StNAPI:
		return c.Station <= kernel.StNAPI
	}
	return r.Ctx != kernel.CtxUser
}

// touch notes what a record itself names, and tells whether that decides which
// packet it is about.
func (w *who) touch(m *kernel.Machine, r *sim.Record, x *about) bool {
	switch r.Kind {
	case kernel.KindFrame:
		x.packet = w.frame(r.Obj)
		return true
	case kernel.KindDesc:
		if taken(m, r) {
			x.packet = w.frame(int32(r.Arg[1]))
		}
		return true
	case kernel.KindSkb:
		w.guise(m, r)
		x.packet = w.skb(m, r.Obj)
		return x.packet >= 0
	case kernel.KindTask:
		x.things[0] = w.thing(ref{refTask, r.Obj})
	case kernel.KindSock:
		x.things[0] = w.thing(ref{refSock, r.Obj})
	case kernel.KindEp:
		x.things[0] = w.thing(ref{refEp, r.Obj})
	case kernel.KindNAPI:
		x.things[0] = w.thing(ref{refNapi, r.Obj})
	case kernel.KindQueue:
		x.things[0] = w.thing(w.owner(m, r.Obj))
	case kernel.KindWait:
		w.wait(m, r.Obj, x)
	case kernel.KindEpi:
		w.item(m, r.Obj, x)
	case kernel.KindFD:
		x.things[0] = w.descriptor(m, r)
	}
	return false
}

// taken tells whether the driver has just taken the frame of a descriptor: it is
// behind it, and has an skb for the frame (cleanRxNext in the kernel).
func taken(m *kernel.Machine, r *sim.Record) bool {
	ring := int32(m.Config.NIC.Ring)
	queue, desc, skb, frame := r.Obj/ring, r.Obj%ring, r.Arg[0], r.Arg[1]
	return int(queue) < len(m.Napis) && m.Napis[queue].Next == (desc+1)%ring && skb >= 0 && skb < int64(len(m.Skbs)) &&
		m.Skbs[skb].InUse && int64(m.Skbs[skb].Frame) == frame && int64(m.NIC.Queues[queue].Ring[desc].Frame) == frame
}

// thing gives an object its number.
func (w *who) thing(x ref) int32 {
	if x.kind == refNone || x.id < 0 {
		return -1
	}
	i := lasting(&w.index[x.kind], x.id, -1)
	if *i < 0 {
		*i = int32(len(w.things))
		w.things = append(w.things, thing{ref: x})
	}
	return *i
}

// lasting gives the place of what is known about a number, made if need be.
func lasting[T any](list *[]T, id int32, none T) *T {
	for len(*list) <= int(id) {
		*list = append(*list, none)
	}
	return &(*list)[id]
}

// frame gives the packet that a frame is.
func (w *who) frame(id int32) int32 {
	if id < 0 {
		return -1
	}
	p := lasting(&w.byFrame, id, -1)
	if *p < 0 {
		*p = int32(len(w.packets))
		w.packets = append(w.packets, packet{frame: id, sent: kernel.None, into: -1})
	}
	return *p
}

// skb gives the packet that an skb holds; of one that has just been freed, the
// one that it held.
func (w *who) skb(m *kernel.Machine, id kernel.SkbID) int32 {
	if id < 0 || int(id) >= len(m.Skbs) {
		return -1
	}
	last := lasting(&w.bySkb, id, -1)
	switch b := &m.Skbs[id]; {
	case !b.InUse:
	case b.Frame != kernel.None:
		*last = w.frame(b.Frame)
	default:
		p := lasting(&w.byNum, b.Num, -1)
		if *p < 0 {
			*p = int32(len(w.packets))
			w.packets = append(w.packets, packet{frame: kernel.None, num: b.Num, sent: kernel.None, into: -1})
		}
		*last = *p
	}
	return *last
}

// owner finds whose a wait queue is. Queues are never given back, so it is enough to
// look when there is a new one.
func (w *who) owner(m *kernel.Machine, id kernel.QueueID) ref {
	if id < 0 {
		return ref{}
	}
	if int(id) >= len(w.queues) {
		w.queues = make([]ref, len(m.Queues))
		eachQueue(m, func(q kernel.QueueID, x ref) bool {
			w.queues[q] = x
			return true
		})
	}
	return w.queues[id]
}

// queueOwner looks for the object that has a wait queue.
func queueOwner(m *kernel.Machine, id kernel.QueueID) (owner ref) {
	eachQueue(m, func(q kernel.QueueID, x ref) bool {
		if q == id {
			owner = x
		}
		return q != id
	})
	return owner
}

// eachQueue goes through the wait queues of all objects, as long as it is wanted.
func eachQueue(m *kernel.Machine, visit func(kernel.QueueID, ref) bool) {
	more := true
	see := func(kind refKind, id int, q kernel.QueueID) {
		if more && q >= 0 {
			more = visit(q, ref{kind, int32(id)})
		}
	}
	for i := range m.Socks {
		k := &m.Socks[i]
		see(refSock, i, k.WQ)
		if k.Kind == kernel.SockTCP && k.Ext >= 0 {
			see(refSock, i, m.TCPs[k.Ext].LockWQ)
		}
	}
	for i := range m.Eps {
		see(refEp, i, m.Eps[i].WQ)
		see(refEp, i, m.Eps[i].PollWait)
	}
	for i := range m.Pipes {
		see(refPipe, i, m.Pipes[i].RdWait)
		see(refPipe, i, m.Pipes[i].WrWait)
	}
	for i := range m.EventFDs {
		see(refEventFD, i, m.EventFDs[i].WQ)
	}
	for i := range m.TimerFDs {
		see(refTimerFD, i, m.TimerFDs[i].WQ)
	}
}

// wait notes whose queue an entry is on, or was on last, and whom it wakes.
func (w *who) wait(m *kernel.Machine, id kernel.WaitID, x *about) {
	if id < 0 || int(id) >= len(m.Waits) {
		return
	}
	e := &m.Waits[id]
	queue := lasting(&w.waits, id, kernel.None)
	if e.Queue != kernel.None {
		*queue = e.Queue
	}
	x.things[0] = w.thing(w.owner(m, *queue))
	if e.Func != kernel.WaitNone && e.Func != kernel.WaitEpCallback && e.Obj >= 0 {
		x.things[1] = w.thing(ref{refTask, e.Obj})
	}
}

// item notes what an epoll item watches, and its instance.
func (w *who) item(m *kernel.Machine, id kernel.EpiID, x *about) {
	if id < 0 || int(id) >= len(m.Epis) {
		return
	}
	last := lasting(&w.epis, id, [2]ref{})
	if it := &m.Epis[id]; it.InUse {
		*last = [2]ref{fileRef(m, it.File), {refEp, it.Ep}}
	}
	x.things = [2]int32{w.thing(last[0]), w.thing(last[1])}
}

// fileRef is the object behind an open file.
func fileRef(m *kernel.Machine, id kernel.FileID) ref {
	if id < 0 || int(id) >= len(m.Files) || fileRefs[m.Files[id].Kind] == refNone {
		return ref{}
	}
	return ref{fileRefs[m.Files[id].Kind], m.Files[id].Obj}
}

// descriptor finds what a descriptor is, or was before it was closed.
func (w *who) descriptor(m *kernel.Machine, r *sim.Record) int32 {
	if r.Task < 0 || r.Obj < 0 {
		return -1
	}
	proc := m.Tasks[r.Task].Proc
	key := [2]int32{proc, r.Obj}
	if fds := m.Procs[proc].FDs; int(r.Obj) < len(fds) && fds[r.Obj] != kernel.None {
		w.files[key] = fileRef(m, fds[r.Obj])
	}
	i := w.thing(w.files[key])
	if i >= 0 && !slices.Contains(w.things[i].fds, r.Obj) {
		w.things[i].fds = append(w.things[i].fds, r.Obj)
	}
	return i
}

// own tells whether a record is a task's own doing: interrupts and softirqs that
// borrow its stack are not.
func own(m *kernel.Machine, r *sim.Record) bool {
	switch r.Ctx {
	case kernel.CtxUser, kernel.CtxIdle:
		return true
	case kernel.CtxSyscall:
		return r.Station != kernel.StSoftirq
	case kernel.CtxSoftirq:
		return r.Task >= 0 && m.Tasks[r.Task].Kernel && !m.Tasks[r.Task].Idle
	}
	return false
}
