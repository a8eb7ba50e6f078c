package tui

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/sim"
)

// Follow: one packet, task or object. Its records alone are stepped, and its
// names are lit in every panel.

// followed is what is followed: a packet, or an object.
type followed struct {
	packet int32 // its number, or -1
	thing  ref
	text   string
	match  func(*sim.Record, sim.Seq) bool
}

func (f *followed) same(g *followed) bool {
	return f != nil && f.packet == g.packet && f.thing == g.thing
}

// followPacket and followThing make what can be followed.
func (s *scene) followPacket(id int32) *followed {
	w := s.who
	return &followed{packet: id, text: s.packetName(id), match: func(_ *sim.Record, seq sim.Seq) bool { return w.isAbout(seq, id) }}
}

func (s *scene) followThing(x ref) *followed {
	w := s.who
	f := &followed{packet: -1, thing: x, text: s.name(x)}
	id := w.thing(x)
	f.match = func(r *sim.Record, seq sim.Seq) bool {
		at := w.at(seq)
		return at.things[0] == id || at.things[1] == id || x.kind == refTask && ownOf(s.m, r, x.id)
	}
	return f
}

// ownOf tells whether a record is a task's own, or switches away from it.
func ownOf(m *kernel.Machine, r *sim.Record, task kernel.TaskID) bool {
	return r.Task == int16(task) && own(m, r) || r.Point == kernel.PointSchedSwitch && r.Arg[0] == int64(task)
}

// candidates are what can be followed from here: the chosen object of the focused
// panel, and the packet, the tasks and the objects of the record.
func (a *app) candidates() []*followed {
	s := a.scene
	var list []*followed
	add := func(f *followed) {
		if !slices.ContainsFunc(list, f.same) {
			list = append(list, f)
		}
	}
	if x, ok := a.chosen(); ok && followable(x) {
		add(s.followThing(x))
	}
	if s.rec == nil {
		return list
	}
	x := s.who.at(s.pos - 1)
	if x.packet >= 0 {
		add(s.followPacket(x.packet))
	}
	for _, i := range x.things {
		if i >= 0 {
			add(s.followThing(s.who.things[i].ref))
		}
	}
	if s.rec.Task >= 0 && own(s.m, s.rec) {
		add(s.followThing(ref{refTask, int32(s.rec.Task)}))
	}
	return list
}

// followable tells whether records can be about an object.
func followable(x ref) bool { return x.kind >= refTask && x.kind <= refNapi }

// follow follows the first of the candidates, or the one behind that which is
// followed; or what a command names.
func (a *app) follow(name string) tea.Cmd {
	s := a.scene
	if name != "" {
		if f := s.followNamed(strings.ToLower(name)); f != nil {
			a.setFollow(f)
		} else {
			a.message = "nothing to follow is called " + name + ` (try: packet 0, fd 3, socket 0, a task's name)`
		}
		return nil
	}
	list := a.candidates()
	if len(list) == 0 {
		a.message = "this record is about no packet, task or object"
		return nil
	}
	i := slices.IndexFunc(list, func(f *followed) bool { return s.followed.same(f) })
	a.setFollow(list[(i+1)%len(list)])
	return nil
}

func (a *app) setFollow(f *followed) {
	a.scene.followed = f
	a.narrow()
	if f == nil {
		a.message = "nothing is followed any more"
	}
}

// followNamed finds what a command names.
func (s *scene) followNamed(name string) *followed {
	kind, number, _ := strings.Cut(name, " ")
	n, err := strconv.ParseInt(number, 10, 32)
	if err == nil && (kind == "packet" || kind == "frame") {
		for id, p := range s.who.packets {
			if kind == "packet" && int64(id) == n || kind == "frame" && (int64(p.frame) == n || int64(p.sent) == n) {
				return s.followPacket(int32(id))
			}
		}
		return nil
	}
	if id := taskNamed(s.m, strings.TrimPrefix(name, "task ")); id != kernel.None {
		return s.followThing(ref{refTask, id})
	}
	if err != nil {
		return nil
	}
	for i := range s.who.things {
		if t := &s.who.things[i]; t.called(s.m, kind, n) {
			return s.followThing(t.ref)
		}
	}
	return nil
}

// words are what an object is called in the panels at this position: each a row
// of words that stand behind one another.
func (s *scene) words(x ref) [][]string {
	switch x.kind {
	case refTask:
		return [][]string{{s.m.Tasks[x.id].Name}}
	case refSkb:
		return [][]string{{"skb", strconv.Itoa(int(x.id))}}
	case refEpi:
		return [][]string{{"fd" + strconv.Itoa(int(s.m.Epis[x.id].FD))}}
	case refQueue:
		return s.words(queueOwner(s.m, x.id))
	case refCore:
		return [][]string{{"cpu" + strconv.Itoa(int(x.id))}}
	case refAPIC:
		return [][]string{{"LAPIC" + strconv.Itoa(int(x.id))}, {"GIC" + strconv.Itoa(int(x.id))}}
	case refNapi:
		return [][]string{{"napi"}, {"NAPI"}}
	}
	var words [][]string
	for i := range s.m.Procs {
		for fd, file := range s.m.Procs[i].FDs {
			if file == kernel.None || fileRef(s.m, file) != x {
				continue
			}
			n := strconv.Itoa(fd)
			words = append(words, []string{"fd" + n}, []string{"fd", n})
			if x.kind == refEp {
				words = append(words, []string{"epfd" + n})
			}
		}
	}
	return words
}

// followedWords are those of what is followed: a packet is known by its frame,
// and by the skb that it is in now.
func (s *scene) followedWords() [][]string {
	f := s.followed
	if f.packet < 0 {
		return s.words(f.thing)
	}
	return s.packetWords(f.packet)
}

// light writes names that stand in a rectangle of the frame in another style, and
// a sign into the blank before them. Panels need not know of it.
func (g *grid) light(r rect, words [][]string, sign rune, st style) {
	for y := r.y; y < r.y+r.h; y++ {
		for x := r.x; x < r.x+r.w; x++ {
			here := g.cells[y*g.w+x].r
			if here == ' ' {
				continue
			}
			for _, w := range words {
				if first, _ := utf8.DecodeRuneInString(w[0]); first != here {
					continue
				}
				if n := g.spells(x, y, r.x+r.w, w); n > 0 {
					g.relight(x, y, n, sign, st)
					break
				}
			}
		}
	}
}

// relight changes the style of some cells.
func (g *grid) relight(x, y, n int, sign rune, st style) {
	for i := range n {
		g.cells[y*g.w+x+i].s = st
	}
	if before := &g.cells[y*g.w+x-1]; before.r == ' ' {
		*before = cell{sign, st}
	}
}

// spells tells how many cells from a place spell some words, apart by blanks or
// the sign of a change; 0 if they do not, or are part of longer words.
func (g *grid) spells(x, y, end int, words []string) int {
	if x == 0 || inWord(g.cells[y*g.w+x-1].r) {
		return 0
	}
	at := x
	for i, w := range words {
		for i > 0 && at < end && (g.cells[y*g.w+at].r == ' ' || g.cells[y*g.w+at].r == '*') {
			at++
		}
		for _, r := range w {
			if at >= end || g.cells[y*g.w+at].r != r {
				return 0
			}
			at++
		}
	}
	if at < g.w && inWord(g.cells[y*g.w+at].r) {
		return 0
	}
	return at - x
}

func inWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
}
