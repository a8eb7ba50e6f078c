package tui

import (
	"context"
	"math"
	"sort"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	both "ringside/scenarios/lanes"
	"ringside/sim"
)

// call is a system call of the model, or a line of strace that stands alone.
type call struct {
	both.Call
	from sim.Seq // position of the cursor when it has just begun
	pos  sim.Seq // when it has just returned; the end of the run if it never does

	asleep bool // it never does
}

// liveState is what is known of the real lane.
type liveState struct {
	running bool
	run     *LiveRun
	err     error
}

// laneRow is a call of the model and the real kernel's beside it, as indices;
// -1 where a lane has none.
type laneRow struct {
	model, real int
	same        bool
	unknown     bool    // the real kernel's alone, beyond what is known of the model's run
	pos         sim.Seq // the cursor has reached it
	why         string  // a known simplification, if they differ
}

// lane is both lanes side by side.
type lane struct {
	rows    []laneRow
	all     []int32   // the rows, one after another
	threads [][]int32 // those of each thread
	same    int
	differ  int
	callers int // threads that have rows

	model int // what it was made from: so many calls of the model
	whole bool
	run   *LiveRun
}

// seeCalls notes the calls of the model while its records come in.
func (s *scene) seeCalls(m *kernel.Machine, r *sim.Record, seq sim.Seq) {
	if r.Point == kernel.PointSysEnter {
		for int(r.Task) >= len(s.began) {
			s.began = append(s.began, 0)
		}
		s.began[r.Task] = seq + 1
	}
	if task, line, ok := m.Strace(r); ok {
		c := call{Call: both.Call{Thread: m.Tasks[task].Name, Line: line}, from: seq + 1, pos: seq + 1}
		if r.Point == kernel.PointSysExit && int(task) < len(s.began) {
			c.from = s.began[task]
		}
		s.model = append(s.model, c)
	}
}

// seeEnd adds the calls that still sleep when the model's run is over. The
// timeline must stand at its end.
func (s *scene) seeEnd() {
	if s.ended || !s.tl.Done() {
		return
	}
	s.ended = true
	m := s.tl.Machine()
	tasks, unfinished := m.Unfinished()
	for i, line := range unfinished {
		c := call{Call: both.Call{Thread: m.Tasks[tasks[i]].Name, Line: line}, from: s.tl.Len(), pos: s.tl.Len(), asleep: true}
		if int(tasks[i]) < len(s.began) {
			c.from = s.began[tasks[i]]
		}
		s.model = append(s.model, c)
	}
}

// align lays the lanes side by side, as far as they are known.
func (s *scene) align() {
	if n := len(s.model); n > 0 && n == s.lane.model && s.ended == s.lane.whole && s.live.run == s.lane.run {
		return // nothing is new
	}
	model := make([]both.Call, len(s.model))
	for i := range s.model {
		model[i] = s.model[i].Call
	}
	var real []both.Call
	if s.live.run != nil {
		real = s.live.run.Calls
	}
	threads := s.tl.Machine().Config.Threads
	column := map[string]int{}
	for i := range threads {
		column[threads[i].Name] = i
	}
	s.lane = lane{threads: make([][]int32, len(threads)), model: len(s.model), whole: s.ended, run: s.live.run}
	l := &s.lane
	reached := make([]sim.Seq, len(threads))
	for _, p := range both.Align(model, real, s.doc.Unordered, s.ended) {
		row := laneRow{model: p.Model, real: p.Real}
		var thread int
		switch {
		case p.Model < 0:
			thread = column[real[p.Real].Thread]
			row.unknown = !s.ended && p.Real >= 0
			row.pos = reached[thread]
		default:
			thread = column[model[p.Model].Thread]
			row.pos = s.model[p.Model].pos
			reached[thread] = row.pos
		}
		s.judge(&row)
		at := int32(len(l.rows))
		l.rows, l.all, l.threads[thread] = append(l.rows, row), append(l.all, at), append(l.threads[thread], at)
	}
	for t := range l.threads {
		s.beyond(l.threads[t])
		l.callers += b2i(len(l.threads[t]) > 0)
	}
	for i := range l.rows {
		switch row := &l.rows[i]; {
		case row.same:
			l.same++
		case !row.unknown && s.live.run != nil:
			l.differ++
		}
	}
}

// judge tells whether the lanes did the same, and if not, whether a
// simplification is known.
func (s *scene) judge(row *laneRow) {
	if s.live.run == nil {
		return
	}
	var model, real string
	if row.model >= 0 {
		model = s.model[row.model].Line
	}
	if row.real >= 0 {
		real = s.live.run.Calls[row.real].Line
	}
	if row.same = model == real; !row.same {
		row.why = both.Reason(model, real)
	}
}

// beyond leaves as unknown only what comes behind the last known call of the
// model in a thread: what is missing before one is a difference.
func (s *scene) beyond(rows []int32) {
	last := -1
	for i, at := range rows {
		if s.lane.rows[at].model >= 0 {
			last = i
		}
	}
	for i, at := range rows {
		if row := &s.lane.rows[at]; i < last {
			row.unknown = false
		} else if row.unknown {
			row.pos = math.MaxInt32
		}
	}
}

// hereRow is the row of the call at the cursor, or -1: that which the step
// belongs to, else the one that has begun or returned last.
func (s *scene) hereRow() int {
	best, when := -1, sim.Seq(-1)
	for t, rows := range s.lane.threads {
		k := s.reached(rows)
		if k > 0 {
			if at := s.lane.rows[rows[k-1]].pos; at > when {
				best, when = int(rows[k-1]), at
			}
		}
		if k == len(rows) || s.lane.rows[rows[k]].model < 0 {
			continue
		}
		begun := s.model[s.lane.rows[rows[k]].model].from
		switch {
		case begun > s.pos:
		case s.rec != nil && s.rec.Ctx == kernel.CtxSyscall && s.rec.Task >= 0 && s.m.Tasks[s.rec.Task].Thread == int32(t):
			return int(rows[k])
		case begun > when:
			best, when = int(rows[k]), begun
		}
	}
	return best
}

// reached is how many rows of a list the cursor has reached.
func (s *scene) reached(rows []int32) int {
	return sort.Search(len(rows), func(i int) bool { return s.lane.rows[rows[i]].pos > s.pos })
}

// liveMsg brings the result of a live run.
type liveMsg struct {
	gen int
	run *LiveRun
	err error
}

// startLive runs the programs on the real kernel, beside the screen.
func (a *app) startLive() tea.Cmd {
	s := a.scene
	if s == nil || s.doc.Live == nil {
		return nil
	}
	a.stop()
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.liveGen++
	gen, live := a.liveGen, s.doc.Live
	s.setLive(liveState{running: true})
	return func() tea.Msg {
		run, err := live(ctx)
		return liveMsg{gen, run, err}
	}
}

func (a *app) stopLive() {
	a.stop()
	if a.versus != nil {
		a.versus.stop()
	}
}

func (a *app) liveDone(msg liveMsg) {
	if a.scene != nil && msg.gen == a.liveGen {
		a.scene.setLive(liveState{run: msg.run, err: msg.err})
	}
}

func (s *scene) setLive(l liveState) {
	s.live = l
	s.align()
}

func (a *app) rerun(string) tea.Cmd {
	if a.scene.doc.Live == nil {
		a.message = "no real lane: " + a.scene.doc.LiveWhy
		return nil
	}
	a.message = "running on the real kernel"
	return a.startLive()
}
