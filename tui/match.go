package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/sim"
)

// compile makes a query ready for the records of a scene. A value that nothing in
// this run can have is an error with its place: it would never be found.
func (s *scene) compile(source string) (*matcher, error) {
	q, err := parseQuery(source)
	if err != nil {
		return nil, err
	}
	x := &matcher{query: q}
	for i := range q.words {
		test, err := s.test(&q.words[i])
		if err != nil {
			return nil, err
		}
		x.tests = append(x.tests, test)
	}
	return x, nil
}

// test gives the function that asks a record what a word wants.
func (s *scene) test(w *word) (func(*sim.Record, sim.Seq) bool, error) {
	switch w.field {
	case fieldFn:
		names := make([]string, len(s.m.Text.Codes))
		for i := range names {
			names[i] = s.m.Text.Codes[i].Name
		}
		hits, err := w.among("function", names)
		return func(r *sim.Record, _ sim.Seq) bool { return hits[r.Fn] }, err
	case fieldTP:
		hits, err := w.among("tracepoint", kernel.Points[:])
		return func(r *sim.Record, _ sim.Seq) bool { return r.Point != 0 && hits[r.Point] }, err
	case fieldCtx:
		hits, err := w.among("context", kernel.Contexts[:])
		return func(r *sim.Record, _ sim.Seq) bool { return hits[r.Ctx] }, err
	case fieldStation:
		hits, err := w.among("station", kernel.Stations[:])
		return func(r *sim.Record, _ sim.Seq) bool { return r.Station != 0 && hits[r.Station] }, err
	case fieldTask:
		hits, err := w.among("task", s.taskNames())
		return func(r *sim.Record, _ sim.Seq) bool { return r.Task >= 0 && int(r.Task) < len(hits) && hits[r.Task] }, err
	case fieldObj:
		return s.objectTest(w)
	case fieldCPU:
		return func(r *sim.Record, _ sim.Seq) bool { return r.CPU >= 0 && w.compare(int64(r.CPU)) }, nil
	case fieldRing:
		return func(r *sim.Record, _ sim.Seq) bool { return r.CPU >= 0 && w.compare(int64(r.Ring)) }, nil
	case fieldPacket:
		return func(_ *sim.Record, seq sim.Seq) bool {
			if w.op == ':' || w.op == '=' {
				return s.who.isAbout(seq, int32(w.n))
			}
			return s.who.at(seq).packet >= 0 && w.compare(int64(s.who.at(seq).packet))
		}, nil
	case fieldT:
		return func(r *sim.Record, _ sim.Seq) bool { return w.compare(int64(r.T)) }, nil
	case fieldDur:
		return func(r *sim.Record, _ sim.Seq) bool { return w.compare(int64(r.Dur)) }, nil
	}
	return s.textTest(w), nil
}

// among tells which names have the value of a word. That none has is an error.
func (w *word) among(what string, names []string) ([]bool, error) {
	hits := make([]bool, len(names))
	for i, name := range names {
		_, event, _ := strings.Cut(name, ":") // a tracepoint may be given without its system
		hits[i] = w.in(name) || w.op == '=' && w.in(event)
	}
	if !slices.Contains(hits, true) {
		return hits, &queryError{w.at, fmt.Sprintf("no %s %q%s", what, w.text, program.Nearest(w.text, slices.Clone(names)))}
	}
	return hits, nil
}

// textTest looks for text in everything that a record says of itself.
func (s *scene) textTest(w *word) func(*sim.Record, sim.Seq) bool {
	kinds := map[kind]bool{}
	points, stations, contexts, tasks := names(w, kernel.Points[:]), names(w, kernel.Stations[:]), names(w, kernel.Contexts[:]), names(w, s.taskNames())
	return func(r *sim.Record, _ sim.Seq) bool {
		k := kindOf(s.m, r)
		hit, known := kinds[k]
		if !known {
			hit = w.in(k.name(s.m))
			kinds[k] = hit
		}
		return hit || points[r.Point] || stations[r.Station] || contexts[r.Ctx] || r.Task >= 0 && int(r.Task) < len(tasks) && tasks[r.Task]
	}
}

// taskNames are those of all tasks; a run makes no new ones.
func (s *scene) taskNames() []string {
	names := make([]string, len(s.m.Tasks))
	for i := range names {
		names[i] = s.m.Tasks[i].Name
	}
	return names
}

func names(w *word, of []string) []bool {
	hits := make([]bool, len(of))
	for i, name := range of {
		hits[i] = w.in(name)
	}
	return hits
}

// objectTest compares with what a record touches: with its kind and number as
// the log has them, with the socket, pipe or epoll instance that this belongs
// to, and with the descriptors that the latter has had.
func (s *scene) objectTest(w *word) (func(*sim.Record, sim.Seq) bool, error) {
	name, number := w.text, int64(-1)
	if i := strings.LastIndexByte(name, ' '); i >= 0 {
		if n, err := strconv.ParseInt(name[i+1:], 10, 32); err == nil && n >= 0 {
			name, number = name[:i], n
		}
	}
	known := append(kernel.ObjectKinds(), refNames[1:]...)
	if !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, name) }) && taskNamed(s.m, name) == kernel.None {
		return nil, &queryError{w.at, fmt.Sprintf("no kind of object %q%s", name, program.Nearest(name, slices.Clone(known)))}
	}
	kinds := make([]bool, len(known)+1)
	for i, k := range kernel.ObjectKinds() {
		kinds[i+1] = strings.HasPrefix(k, name)
	}
	var things []int8 // what was found of each thing: 0 not asked, 1 yes, -1 no
	thing := func(i int32) bool {
		if i < 0 {
			return false
		}
		for len(things) <= int(i) {
			things = append(things, 0)
		}
		if things[i] <= 0 { // a thing can get another descriptor
			things[i] = -1
			if s.who.things[i].called(s.m, name, number) {
				things[i] = 1
			}
		}
		return things[i] > 0
	}
	return func(r *sim.Record, seq sim.Seq) bool {
		x := s.who.at(seq)
		return r.Kind != kernel.KindNone && kinds[r.Kind] && (number < 0 || int64(r.Obj) == number) || thing(x.things[0]) || thing(x.things[1])
	}, nil
}

// selection is the records that match, found once: a search, a filter, a break,
// or what is followed.
type selection struct {
	text  string
	kind  *kind // it is of one kind, and no query
	match func(*sim.Record, sim.Seq) bool
	seqs  []sim.Seq
	read  sim.Seq // so many records have been asked
}

// update asks the records that are new.
func (x *selection) update(s *scene) {
	for ; x.read < s.tl.Len(); x.read++ {
		if x.match(s.tl.At(x.read), x.read) {
			x.seqs = append(x.seqs, x.read)
		}
	}
}

// from gives the place in seqs of the first record at or behind a position.
func (x *selection) from(pos sim.Seq) int {
	i, _ := slices.BinarySearch(x.seqs, pos)
	return i
}

// next gives the position behind the nearest record that matches, in a direction.
func (x *selection) next(pos sim.Seq, dir int) (sim.Seq, bool) {
	i := x.from(pos)
	if dir < 0 {
		i = x.from(pos-1) - 1
	}
	if i < 0 || i >= len(x.seqs) {
		return 0, false
	}
	return x.seqs[i] + 1, true
}

// place gives which match the cursor stands behind, from 1, or how many lie before
// it.
func (x *selection) place(pos sim.Seq) int { return x.from(pos) }

// seek finds the nearest record of some selections in a direction from a position.
// Beyond what is known the run goes on, for so many records at a time.
func (a *app) seek(dir int, from sim.Seq, wanted ...*selection) (best sim.Seq, found bool) {
	s := a.scene
	limit := max(s.tl.Len(), from) + extendTo
	for {
		for _, x := range wanted {
			x.update(s)
			if pos, ok := x.next(from, dir); ok && (!found || (dir > 0) == (pos < best)) {
				best, found = pos, true
			}
		}
		n := s.tl.Len()
		if found || dir < 0 || s.tl.Done() || n >= limit {
			return best, found
		}
		if s.extend(extendBy); s.tl.Len() == n {
			return 0, false
		}
	}
}

// goTo goes to the nearest record of some selections, where arrived says so, or
// says that there is none.
func (a *app) goTo(dir int, none string, arrived func(), wanted ...*selection) {
	if pos, ok := a.seek(dir, a.scene.pos, wanted...); ok {
		a.reach(pos, arrived)
		return
	}
	a.notThere(dir, none)
}

// notThere says that nothing was found in a direction, as far as the run is known.
func (a *app) notThere(dir int, none string) {
	s := a.scene
	s.show(s.pos)
	if a.message = none; dir > 0 && !s.tl.Done() {
		a.message = fmt.Sprintf("%s up to record %d: the same key looks on", none, s.tl.Len())
	}
}
