package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/sim"
)

// kind is what breaks and the search compare records by: the function and its
// step; for a thread program, the line.
type kind struct {
	fn   uint16
	step int32
}

func kindOf(m *kernel.Machine, r *sim.Record) kind {
	if m.Text.Codes[r.Fn].Interp {
		return kind{r.Fn, int32(r.Arg[0])}
	}
	return kind{r.Fn, int32(r.Step)}
}

// name says what records of a kind do.
func (k kind) name(m *kernel.Machine) string {
	code := &m.Text.Codes[k.fn]
	if code.Interp {
		return code.Name + ": line " + strconv.Itoa(int(k.step))
	}
	return code.Name + ": " + code.Steps[k.step].Name
}

func (a *app) toMark(dir int) {
	best, found := sim.Seq(0), false
	if pos, ok := nextSpot(a.scene.narrator.marks, a.scene.pos, dir); ok {
		best, found = pos, true
	}
	for _, marks := range [][]sim.Seq{a.scene.ix.marks, a.userMark} {
		i, exact := slices.BinarySearch(marks, a.scene.pos)
		if dir < 0 {
			i--
		} else if exact {
			i++
		}
		if i < 0 || i >= len(marks) {
			continue
		}
		if pos := marks[i]; !found || (dir > 0) == (pos < best) {
			best, found = pos, true
		}
	}
	if !found {
		a.message = "no mark that way"
		return
	}
	a.move(best)
	if name := a.scene.markName(); name != "" {
		a.message = "mark: " + name
	}
}

func (a *app) toggleMark() {
	i, there := slices.BinarySearch(a.userMark, a.scene.pos)
	if there {
		a.userMark = slices.Delete(a.userMark, i, i+1)
		a.message = "mark cleared"
		return
	}
	a.userMark = slices.Insert(a.userMark, i, a.scene.pos)
	a.message = "mark set: [ and ] come back here"
}

func (a *app) toggleBreak() {
	s := a.scene
	if s.rec == nil {
		a.message = "nothing has happened yet to break on"
		return
	}
	k := kindOf(s.m, s.rec)
	if i := slices.Index(a.breaks, k); i >= 0 {
		a.breaks = slices.Delete(a.breaks, i, i+1)
		a.message = "no break any more on " + k.name(s.m)
		return
	}
	a.breaks = append(a.breaks, k)
	a.message = "break on " + k.name(s.m)
}

func (a *app) showBreaks() {
	lines := []string{"c runs on to a record of these kinds, C back. b on such a record clears it.", ""}
	for _, k := range a.breaks {
		lines = append(lines, "  "+k.name(a.scene.m))
	}
	if len(a.breaks) == 0 {
		lines = append(lines, "  none: b breaks on the kind of record at the cursor")
	}
	a.overlay = overlay{title: "BREAKS", lines: lines}
}

// runTo goes to the nearest record of a kind that has a break.
func (a *app) runTo(dir int) {
	if len(a.breaks) == 0 {
		a.message = "no break is set: b breaks on the kind of record at the cursor"
		return
	}
	a.seekRecord(dir, "no break that way", func(r *sim.Record) bool {
		return slices.Contains(a.breaks, kindOf(a.scene.m, r))
	})
}

// seekRecord goes to the nearest record that is wanted, beyond what is known if
// need be, or says that there is none.
func (a *app) seekRecord(dir int, none string, want func(*sim.Record) bool) {
	s := a.scene
	for i := s.pos - 1 + sim.Seq(dir); i >= 0; i += sim.Seq(dir) {
		if i >= s.tl.Len() {
			if s.tl.Done() || s.tl.Len() >= extendTo {
				break
			}
			s.extend(extendBy)
			if i >= s.tl.Len() {
				break
			}
		}
		if want(s.tl.At(i)) {
			s.show(i + 1)
			return
		}
	}
	s.show(s.pos)
	a.message = none
}

func (a *app) findPrompt(arg string) tea.Cmd {
	if arg == "" {
		return a.ask(promptFind)
	}
	a.find, a.hits = strings.ToLower(arg), map[kind]bool{}
	a.findNext(1)
	return nil
}

func (a *app) findNext(dir int) {
	if a.find == "" {
		a.message = "nothing to search for: / first"
		return
	}
	a.seekRecord(dir, "not found that way: "+a.find, a.matches)
}

// matches tells whether a record has the text that is searched in its function,
// step, tracepoint, station, context or task. What a kind says is asked once.
func (a *app) matches(r *sim.Record) bool {
	m := a.scene.m
	k := kindOf(m, r)
	hit, known := a.hits[k]
	if !known {
		hit = strings.Contains(strings.ToLower(k.name(m)), a.find)
		a.hits[k] = hit
	}
	return hit || strings.Contains(kernel.Points[r.Point], a.find) || strings.Contains(kernel.Stations[r.Station], a.find) ||
		strings.Contains(kernel.Contexts[r.Ctx], a.find) || r.Task >= 0 && strings.Contains(strings.ToLower(m.TaskName(r.Task)), a.find)
}

func (a *app) gotoPrompt(arg string) tea.Cmd {
	if arg == "" {
		return a.ask(promptGoto)
	}
	s := a.scene
	if n, err := strconv.Atoi(arg); err == nil {
		s.need(n)
		s.show(s.ix.end(n))
		return nil
	}
	t, err := parseTime(arg)
	if err != nil {
		a.message = err.Error()
		return nil
	}
	s.tl.SeekTime(t)
	s.ix.update()
	s.show(s.tl.Pos())
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
