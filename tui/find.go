package tui

import (
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/sim"
)

// Search and filter.

// selects makes a selection of a query. A query that cannot be read is put back
// into the prompt, with the cursor where it is wrong.
func (a *app) selects(source string, again promptKind) *selection {
	x, err := a.scene.compile(source)
	if err == nil {
		return &selection{text: x.source, match: x.matches}
	}
	a.message = err.Error()
	if e := (*queryError)(nil); errors.As(err, &e) {
		a.ask(again)
		a.prompt.text, a.prompt.wrong = []rune(source), err.Error()
		a.prompt.cursor = min(e.at, len(a.prompt.text))
	}
	return nil
}

func (a *app) findPrompt(arg string) tea.Cmd {
	if arg == "" {
		return a.ask(promptFind)
	}
	if x := a.selects(arg, promptFind); x != nil {
		a.search = x
		a.findNext(1)
	}
	return nil
}

func (a *app) findNext(dir int) {
	if a.search == nil {
		a.message = "nothing to search for: / first"
		return
	}
	a.goTo(dir, "not found that way: "+a.search.text, func() {
		a.message = fmt.Sprintf("%s  %s   n next  N previous", a.search.text, a.scene.count(a.search))
	}, a.search)
}

// count says which match the cursor stands at, and how many there are as far as
// the run is known.
func (s *scene) count(x *selection) string {
	x.update(s)
	more := ""
	if !s.tl.Done() {
		more = "+"
	}
	return fmt.Sprintf("%d/%d%s", x.place(s.pos), len(x.seqs), more)
}

// filterPrompt asks for a filter; the same key takes it off again.
func (a *app) filterPrompt(arg string) tea.Cmd {
	switch {
	case arg == "" && a.filter != nil:
		a.filter = nil
		a.narrow()
		a.message = "no filter any more"
	case arg == "":
		return a.ask(promptFilter)
	default:
		x := a.selects(arg, promptFilter)
		if x == nil {
			return nil
		}
		a.filter = x
		a.narrow()
		if !a.placed(panelLog) {
			a.guest = panelLog
		}
	}
	return nil
}

// narrow makes the selection that the arrow keys and the log keep to: what the
// filter lets through of what is followed.
func (a *app) narrow() {
	s, filter := a.scene, a.filter
	switch f := s.followed; {
	case f == nil:
		s.only = filter
	case filter == nil:
		s.only = &selection{text: f.text, match: f.match}
	default:
		s.only = &selection{text: f.text + " " + filter.text, match: func(r *sim.Record, seq sim.Seq) bool {
			return f.match(r, seq) && filter.match(r, seq)
		}}
	}
	s.show(s.pos)
}

// stepOnly goes to the next record that the filter lets through; of what is
// followed, behind the last one of a step.
func (a *app) stepOnly(dir int) {
	s := a.scene
	if s.followed == nil {
		a.goTo(dir, "no other record that way", nil, s.only)
		return
	}
	from := min(s.pos, s.ix.start(s.step)+1)
	if dir > 0 {
		from = max(s.pos, s.ix.end(s.step))
	}
	pos, ok := a.seek(dir, from, s.only)
	if !ok {
		a.notThere(dir, "nothing more of it that way")
		return
	}
	if dir > 0 {
		s.know(pos)
		s.only.update(s)
		pos, _ = s.only.next(s.ix.end(s.ix.at(pos))+1, -1)
	}
	a.reach(pos, nil)
}
