package tui

import (
	"fmt"
	"slices"
	"strconv"

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

// toggleBreak sets a break on records like the one at the cursor, or on a query;
// a second time clears it.
func (a *app) toggleBreak(arg string) tea.Cmd {
	s := a.scene
	var x *selection
	switch {
	case arg != "":
		if x = a.selects(arg, promptBreak); x == nil {
			return nil
		}
	case s.rec == nil:
		a.message = "nothing has happened yet to break on"
		return nil
	default:
		x = s.ofKind(kindOf(s.m, s.rec))
	}
	if i := slices.IndexFunc(a.breaks, func(b *selection) bool { return b.text == x.text }); i >= 0 {
		a.breaks = slices.Delete(a.breaks, i, i+1)
		a.message = "no break any more on " + x.text
		return nil
	}
	a.breaks = append(a.breaks, x)
	a.message = "c runs on to it, C back: break on " + x.text
	return nil
}

// ofKind are the records of a kind.
func (s *scene) ofKind(k kind) *selection {
	return &selection{text: k.name(s.m), kind: &k, match: func(r *sim.Record, _ sim.Seq) bool { return kindOf(s.m, r) == k }}
}

// showBreaks lists them with how often they have been hit.
func (a *app) showBreaks() { a.openPage(breaksPage(a)) }

func breaksPage(a *app) page {
	s := a.scene
	p := page{title: "BREAKS", sel: -1, build: breaksPage, rows: []pageRow{
		{text: "c runs on to a record that one of these wants, C back."},
		{text: "b sets or clears one at the cursor; :break QUERY on any records."},
	}}
	if len(a.breaks) == 0 {
		p.rows = append(p.rows, pageRow{}, pageRow{text: "none is set"})
		return p
	}
	p.rows = append(p.rows, pageRow{}, head("hits before the cursor, in the known run"))
	first := len(p.rows)
	for _, b := range a.breaks {
		p.rows = append(p.rows, pageRow{text: pad(s.count(b), 12) + b.text, open: func(a *app) {
			a.pages = nil
			a.goTo(1, "no hit that way", nil, b)
		}})
	}
	p.remove = func(a *app, row int) { a.breaks = slices.Delete(a.breaks, row-first, row-first+1) }
	return p
}

// runTo goes to the nearest record that has a break.
func (a *app) runTo(dir int) {
	if len(a.breaks) == 0 {
		a.message = "no break is set: b breaks on the kind of record at the cursor"
		return
	}
	a.goTo(dir, "no break that way", a.sayBreak, a.breaks...)
}

// sayBreak names the break that is at the cursor.
func (a *app) sayBreak() {
	s := a.scene
	for _, b := range a.breaks {
		if b.match(s.rec, s.pos-1) {
			a.message = fmt.Sprintf("break on %s, hit %s", b.text, s.count(b))
		}
	}
}
