package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// userMark is a mark that the user has set.
type userMark struct {
	pos  sim.Seq
	name string
}

// markAt finds the user's mark at a position, or where it would be.
func (a *app) markAt(pos sim.Seq) (int, bool) {
	return slices.BinarySearchFunc(a.userMark, pos, func(m userMark, pos sim.Seq) int { return int(m.pos - pos) })
}

// toMark goes to the nearest mark that way. Forward, the run is made known until
// there is one.
func (a *app) toMark(dir int) {
	s := a.scene
	best, found := a.nearestMark(dir)
	for !found && dir > 0 && !s.tl.Done() && s.tl.Len() < extendTo {
		pos := s.pos
		s.extend(extendBy)
		s.show(pos)
		best, found = a.nearestMark(dir)
	}
	if !found {
		a.message = "no mark before here; Home goes to the start"
		if dir > 0 {
			a.message = "no mark after here; End goes to the end"
		}
		return
	}
	a.reach(best, func() {
		if name := a.markName(best); name != "" {
			a.message = "mark: " + name
		}
	})
}

// nearestMark finds the nearest of the user's marks and the file's. Where the file
// has none, the moments that every run has take their place.
func (a *app) nearestMark(dir int) (best sim.Seq, found bool) {
	s := a.scene
	near := func(pos sim.Seq) {
		if (dir > 0) == (pos > s.pos) && pos != s.pos && (!found || (dir > 0) == (pos < best)) {
			best, found = pos, true
		}
	}
	for _, m := range append(s.fileMarks(), a.userMark...) {
		near(m.pos)
	}
	if slices.ContainsFunc(s.narrator.guide.Notes, func(n guide.Note) bool { return n.Mark != "" }) {
		return best, found
	}
	i, exact := slices.BinarySearch(s.ix.marks, s.pos)
	if dir < 0 {
		i--
	} else if exact {
		i++
	}
	if i >= 0 && i < len(s.ix.marks) {
		near(s.ix.marks[i])
	}
	return best, found
}

// markName is the name of a mark that somebody has set.
func (a *app) markName(pos sim.Seq) string {
	for _, m := range append(a.scene.fileMarks(), a.userMark...) {
		if m.pos == pos && m.name != "" {
			return m.name
		}
	}
	return ""
}

// fileMarks are those of the scenario's file that have been reached by the known
// run.
func (s *scene) fileMarks() []userMark {
	var marks []userMark
	for _, m := range s.narrator.marks {
		marks = append(marks, userMark{m.pos, kernel.Printable(s.narrator.guide.Notes[m.note].Mark)})
	}
	return marks
}

// setMark sets a mark here, with a name if one is given; m clears it again.
func (a *app) setMark(name string) tea.Cmd {
	pos := a.scene.pos
	i, there := a.markAt(pos)
	switch {
	case there && name == "":
		a.userMark = slices.Delete(a.userMark, i, i+1)
		a.message = "mark cleared"
	case there:
		a.userMark[i].name = name
		a.message = "mark renamed: " + name
	default:
		a.userMark = slices.Insert(a.userMark, i, userMark{pos, name})
		a.message = "mark set: [ and ] come back here, ' lists the marks"
	}
	return nil
}

// showMarks lists the marks with a name or of the user, to go there. An argument
// names one.
func (a *app) showMarks(name string) tea.Cmd {
	if name == "" {
		a.openPage(marksPage(a))
		return nil
	}
	for _, m := range append(a.scene.fileMarks(), a.userMark...) {
		if strings.HasPrefix(strings.ToLower(m.name), strings.ToLower(name)) {
			a.jumpTo(m.pos)
			return nil
		}
	}
	a.message = "no mark has this name: " + name
	return nil
}

func marksPage(a *app) page {
	s := a.scene
	p := page{title: "MARKS", sel: -1, build: marksPage}
	list := func(title, none string, marks []userMark) {
		p.rows = append(p.rows, head(title))
		for _, m := range marks {
			p.rows = append(p.rows, pageRow{text: s.markText(m), open: func(a *app) { a.jumpTo(m.pos) }})
		}
		if len(marks) == 0 {
			p.rows = append(p.rows, pageRow{text: "  " + none})
		}
	}
	list("of the scenario", "none yet in the known run", s.fileMarks())
	list("your own", "none: m sets one here, :setmark NAME with a name", a.userMark)
	first := len(p.rows) - len(a.userMark)
	p.remove = func(a *app, row int) {
		if i := row - first; i >= 0 && i < len(a.userMark) {
			a.userMark = slices.Delete(a.userMark, i, i+1)
		}
	}
	return p
}

// markText is a row of the list: where it is, its name, what happens there.
func (s *scene) markText(m userMark) string {
	if m.pos == 0 {
		return fmt.Sprintf("%7s %12s  %s", "start", "0 us", m.name)
	}
	r := s.tl.At(m.pos - 1)
	if s.blind && m.pos > s.pos {
		return fmt.Sprintf("%7d %9s us  (ahead: not shown while questions are asked)", s.ix.at(m.pos), appendMicros(nil, r.T))
	}
	text := s.m.Fn(r) + ": " + s.m.StepName(r)
	if m.name != "" {
		text = m.name + "  (" + text + ")"
	}
	return fmt.Sprintf("%7d %9s us  %s", s.ix.at(m.pos), appendMicros(nil, r.T), text)
}

func (a *app) gotoPrompt(arg string) tea.Cmd {
	if arg == "" {
		return a.ask(promptGoto)
	}
	s := a.scene
	if n, err := strconv.Atoi(arg); err == nil {
		s.need(n)
		a.reach(s.ix.end(n), nil)
		return nil
	}
	t, err := parseTime(arg)
	if err != nil {
		a.message = err.Error()
		return nil
	}
	s.tl.SeekTime(t)
	s.extend(0)
	a.reach(s.tl.FirstAfter(t), nil)
	return nil
}

// parseTime reads a model time with its unit: 3.4us, 1ms, 250ns.
func parseTime(text string) (sim.Time, error) {
	for _, u := range []struct {
		name string
		unit sim.Time
	}{{"ns", sim.Nanosecond}, {"us", sim.Microsecond}, {"ms", sim.Millisecond}, {"s", sim.Second}} {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			if v, err := strconv.ParseFloat(strings.TrimSpace(n), 64); err == nil && v >= 0 && v < 1e9 {
				return sim.Time(v * float64(u.unit)), nil
			}
			break
		}
	}
	return 0, fmt.Errorf("%q is neither a step (7) nor a time (3.4us)", text)
}
