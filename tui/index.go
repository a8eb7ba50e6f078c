package tui

import (
	"sort"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// A step of the screen is a run of records: what one core did for one task in
// one context at one station of the path. A micro-step is a single record.

// stepStart tells whether a record begins a new step. Operations of a thread
// program are a step each: the reader follows them line by line.
func stepStart(prev, r *sim.Record) bool {
	return prev == nil || r.CPU != prev.CPU || r.Task != prev.Task || r.Ctx != prev.Ctx ||
		r.Station != prev.Station || r.Ctx == kernel.CtxUser
}

// stepInfo is what is known of a step without reading its records.
type stepInfo struct {
	start   sim.Seq
	cpu     int8  // the core it ran on; for a device, the core of the step before
	station uint8 // its station; off the path, the last one that was visited
	origin
}

// origin is what is known of a packet's way before the socket.
type origin struct {
	local bool // from this host: there was no card and no interrupt
	tcp   bool // the protocol between skb and socket is TCP, not UDP
}

// note is what a record of a function says about the origin of the packet that
// its core is about.
type note uint8

const (
	noteNothing note = iota
	noteCard
	noteLocal
	noteUDP
	noteTCP
)

// notes gives what each function says.
func notes(im *kernel.Image) []note {
	out := make([]note, len(im.Text.Codes))
	for i := range im.Text.Codes {
		switch code := &im.Text.Codes[i]; {
		case code.Name == "process_backlog", code.Name == "__netif_rx":
			out[i] = noteLocal
		case code.Name == "e1000e_poll", code.Station >= kernel.StWire && code.Station <= kernel.StIRQ && code.Name != "__napi_schedule":
			out[i] = noteCard
		case code.Station == kernel.StUDP && strings.HasPrefix(code.Name, "tcp_"):
			out[i] = noteTCP
		case code.Station == kernel.StUDP:
			out[i] = noteUDP
		}
	}
	return out
}

// log is the part of a timeline that the index reads.
type log interface {
	Len() sim.Seq
	At(sim.Seq) *sim.Record
}

// index finds steps and marks in a log. It is built once over the records as
// they become known, and never changes what it has said about them but for the
// end of the last step.
type index struct {
	log   log
	notes []note // by function
	cores []origin
	steps []stepInfo
	marks []sim.Seq // positions behind records that are worth a visit, ascending
	read  sim.Seq   // so many records are indexed
}

// update reads the records that are new.
func (ix *index) update() {
	var prev *sim.Record
	if ix.read > 0 {
		prev = ix.log.At(ix.read - 1)
	}
	for ; ix.read < ix.log.Len(); ix.read++ {
		r := ix.log.At(ix.read)
		ix.note(r)
		if stepStart(prev, r) {
			ix.steps = append(ix.steps, ix.step(r))
		} else {
			ix.steps[len(ix.steps)-1].origin = ix.origin(r)
		}
		if worthAMark(r) {
			ix.marks = append(ix.marks, ix.read+1)
		}
		prev = r
	}
}

// note remembers what a record says about the packet that its core is about.
// What comes before the protocol says that a new packet may have come.
func (ix *index) note(r *sim.Record) {
	if r.CPU < 0 || int(r.Fn) >= len(ix.notes) {
		return
	}
	for len(ix.cores) <= int(r.CPU) {
		ix.cores = append(ix.cores, origin{})
	}
	switch o := &ix.cores[r.CPU]; ix.notes[r.Fn] {
	case noteCard:
		o.local = false
	case noteLocal:
		o.local = true
	case noteUDP:
		o.tcp = false
	case noteTCP:
		o.tcp = true
	}
}

// origin is that of the packet that a step is about: of its core's; behind the
// wakeup, where another core goes on, and off the path, of the step before.
func (ix *index) origin(r *sim.Record) origin {
	switch {
	case r.CPU < 0:
		return origin{}
	case r.Station >= kernel.StWire && r.Station <= kernel.StWake:
		return ix.cores[r.CPU]
	case len(ix.steps) > 0:
		return ix.steps[len(ix.steps)-1].origin
	}
	return origin{}
}

// tcp tells whether the packet that a step is about is TCP's. Before the packet
// gets there, it is what comes next that tells.
func (ix *index) tcp(step int) bool {
	const lookAhead = 300
	if ix.info(step).station >= kernel.StUDP {
		return ix.info(step).tcp
	}
	for i := step + 1; i <= len(ix.steps) && i <= step+lookAhead; i++ {
		if ix.info(i).station == kernel.StUDP {
			return ix.info(i).tcp
		}
	}
	return false
}

func (ix *index) step(r *sim.Record) stepInfo {
	s := stepInfo{start: ix.read, cpu: r.CPU, station: r.Station, origin: ix.origin(r)}
	if n := len(ix.steps); n > 0 {
		last := ix.steps[n-1]
		if s.cpu < 0 {
			s.cpu = last.cpu
		}
		if s.station == kernel.StNone {
			s.station = last.station
		}
	}
	s.cpu = max(s.cpu, 0)
	return s
}

// worthAMark: a frame is in, the handler runs, the poll is done, somebody is
// woken, a thread is back from its call.
func worthAMark(r *sim.Record) bool {
	switch r.Point {
	case kernel.PointIRQHandlerEntry, kernel.PointNAPIPoll, kernel.PointSchedWaking:
		return true
	case kernel.PointSysExit:
		return r.Station == kernel.StUser
	}
	return r.Station == kernel.StWire
}

// at gives the number of the step that the record before a position belongs to,
// from 1; 0 at the start.
func (ix *index) at(pos sim.Seq) int {
	return sort.Search(len(ix.steps), func(i int) bool { return ix.steps[i].start >= pos })
}

// info describes a step by its number; step 0 is the start.
func (ix *index) info(step int) stepInfo {
	if step == 0 {
		return stepInfo{}
	}
	return ix.steps[step-1]
}

// start and end are the positions before and behind a step.
func (ix *index) start(step int) sim.Seq { return ix.info(step).start }

func (ix *index) end(step int) sim.Seq {
	switch {
	case step <= 0:
		return 0
	case step >= len(ix.steps):
		return ix.read
	}
	return ix.steps[step].start
}

// base is the position that a state is compared with to say what has changed:
// behind a whole step its start, in the middle of one the record before.
func (ix *index) base(pos sim.Seq) sim.Seq {
	if step := ix.at(pos); step > 0 && pos == ix.end(step) {
		return ix.start(step)
	}
	return max(pos-1, 0)
}

// station finds the end of the nearest step in a direction (1 or -1) that is at
// another station than the given step, or false.
func (ix *index) station(step, dir int) (sim.Seq, bool) {
	here := uint8(kernel.StNone)
	if step > 0 {
		here = ix.log.At(ix.start(step)).Station
	}
	for i := step + dir; i >= 1 && i <= len(ix.steps); i += dir {
		if s := ix.log.At(ix.start(i)).Station; s != kernel.StNone && s != here {
			return ix.end(i), true
		}
	}
	return 0, false
}
