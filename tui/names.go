package tui

import (
	"fmt"

	"ringside/kernel"
	"ringside/sim"
)

// What objects are called: by the descriptor and the process that people know,
// with the number that the log has.

// name is what an object is called at the cursor.
func (s *scene) name(x ref) string {
	m := s.m
	number := fmt.Sprintf("%s %d", refNames[x.kind], x.id)
	switch x.kind {
	case refTask:
		return fmt.Sprintf("task %s", kernel.Printable(m.Tasks[x.id].Name))
	case refQueue:
		return s.queueName(x.id)
	case refWait:
		return s.waitName(x.id)
	case refEpi:
		it := &m.Epis[x.id]
		if !it.InUse {
			return number + " (removed)"
		}
		return fmt.Sprintf("epoll %d's item for fd %d", it.Ep, it.FD)
	case refSkb:
		return s.skbName(x.id)
	case refTCP:
		return "the connection (struct tcp_sock)"
	case refNapi:
		return fmt.Sprintf("NAPI instance of receive queue %d", x.id)
	case refCore:
		return fmt.Sprintf("cpu%d", x.id)
	case refAPIC:
		if m.ABI.Arm64 {
			return fmt.Sprintf("the GIC's interface to cpu%d", x.id)
		}
		return fmt.Sprintf("the local APIC of cpu%d", x.id)
	case refIOAPIC:
		return "the I/O APIC"
	case refRedir:
		return fmt.Sprintf("redirection entry %d", x.id)
	case refPIC:
		return [2]string{"8259A, the master", "8259A, the slave"}[x.id]
	case refFile:
		if target := fileRef(m, x.id); target.kind != refNone {
			return "open file of " + s.name(target)
		}
		return "open file of the terminal"
	}
	if fd := s.fdName(x); fd != "" {
		return number + " (" + fd + ")"
	}
	return number
}

// fdName is the lowest descriptor of an object; where there are several
// processes, with the process.
func (s *scene) fdName(x ref) string {
	for i := range s.m.Procs {
		for fd, file := range s.m.Procs[i].FDs {
			if file == kernel.None || fileRef(s.m, file) != x {
				continue
			}
			if s.processes() > 1 {
				return fmt.Sprintf("fd %d of process %s", fd, kernel.Printable(s.m.Procs[i].Name))
			}
			return fmt.Sprintf("fd %d", fd)
		}
	}
	return ""
}

// processes counts those that threads belong to.
func (s *scene) processes() int {
	n := 0
	for i := range s.m.Procs {
		n += b2i(s.m.Procs[i].PID != 0)
	}
	return n
}

// queueName tells whose a wait queue is.
func (s *scene) queueName(id kernel.QueueID) string {
	x := queueOwner(s.m, id)
	if x.kind == refNone {
		return fmt.Sprintf("wait queue %d", id)
	}
	for _, q := range (&object{kind: fileKindOf(x.kind), id: x.id}).queues(s.m) {
		if q.id == id {
			return fmt.Sprintf("%s %d's wait queue (%s)", refNames[x.kind], x.id, q.name)
		}
	}
	return s.name(x) + "'s wait queue"
}

// fileKindOf is the kind of open file that an object is behind.
func fileKindOf(kind refKind) kernel.FileKind {
	for k, r := range fileRefs {
		if r == kind {
			return kernel.FileKind(k)
		}
	}
	return kernel.FileNone
}

// waitName tells who waits, and where.
func (s *scene) waitName(id kernel.WaitID) string {
	e := &s.m.Waits[id]
	if e.Queue == kernel.None {
		return fmt.Sprintf("wait entry %d (on no queue)", id)
	}
	who := "ep_poll_callback"
	if e.Func != kernel.WaitEpCallback {
		who = kernel.Printable(s.m.Tasks[e.Obj].Name)
	}
	return who + " on " + s.queueName(e.Queue)
}

// skbName tells which frame an skb came from.
func (s *scene) skbName(id kernel.SkbID) string {
	switch b := &s.m.Skbs[id]; {
	case !b.InUse:
		return fmt.Sprintf("skb %d (freed)", id)
	case b.Frame != kernel.None:
		return fmt.Sprintf("skb %d (frame %d)", id, b.Frame)
	}
	return fmt.Sprintf("skb %d (of this host)", id)
}

// recordRef is the object that a record touched, as far as it can be looked into
// at the cursor.
func (s *scene) recordRef(r *sim.Record) (ref, bool) {
	kinds := map[uint8]refKind{
		kernel.KindTask: refTask, kernel.KindSkb: refSkb, kernel.KindSock: refSock, kernel.KindQueue: refQueue, kernel.KindWait: refWait,
		kernel.KindEp: refEp, kernel.KindEpi: refEpi, kernel.KindNAPI: refNapi,
	}
	x := ref{kinds[r.Kind], r.Obj}
	switch r.Kind {
	case kernel.KindVector:
		if x = (ref{refAPIC, int32(max(r.CPU, 0))}); r.CPU < 0 && s.m.Fn(r) == "i/o apic" {
			x = ref{refIOAPIC, 0}
		}
	case kernel.KindIRQ:
		x = s.irqRef(r.Obj)
	case kernel.KindFD:
		if r.Task < 0 || r.Obj < 0 {
			return x, false
		}
		fds := s.m.Procs[s.m.Tasks[r.Task].Proc].FDs
		if int(r.Obj) >= len(fds) || fds[r.Obj] == kernel.None {
			return x, false
		}
		if x = fileRef(s.m, fds[r.Obj]); x.kind == refNone {
			x = ref{refFile, fds[r.Obj]}
		}
	}
	return x, x.kind != refNone && x.id >= 0 && int(x.id) < kindTables[x.kind].len(s.m)
}

// irqRef is what an interrupt comes through: that of the shared line through a
// controller of its own, those of messages through none.
func (s *scene) irqRef(irq int32) ref {
	switch {
	case irq != kernel.LineIRQ:
		return ref{}
	case hasIOAPIC(s.m) > 0:
		return ref{refRedir, irq}
	}
	return ref{refPIC, 1} // IRQ 8 to 15 are the slave's
}

// objectName is what a record touched, in words.
func (s *scene) objectName(r *sim.Record) string {
	switch x, ok := s.recordRef(r); {
	case r.Kind == kernel.KindVector:
		return fmt.Sprintf("vector %d of %s", r.Obj, s.name(x))
	case ok && r.Kind != kernel.KindIRQ:
		return s.name(x)
	}
	return kernel.Object(r)
}
