package tui

import (
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"ringside/scenarios/guide"
	"ringside/sim"
)

// A presentation shows a run to a class: from stop to stop, in large panels, in
// black on white, with keys that a clicker sends.

// Lesson is a row of scenarios to present one after another.
type Lesson struct {
	Name    string
	Title   string
	Minutes int // for all of it; 0: nobody counts
	Parts   []Part
}

// Part is a scenario in a lesson, or some of its marks.
type Part struct {
	Title      guide.Text
	Say, Notes guide.Text
	Minutes    int
	Marks      []string // the names of those that are shown; nil: all
	Questions  int      // how many of its questions are asked
	Open       func() (*Doc, error)
}

// AllQuestions stands for as many questions as there are.
const AllQuestions = 1 << 30

// show is a presentation. Its lesson has one part when it is of one scenario.
type show struct {
	on     bool
	lesson *Lesson
	part   int
	doc    *Doc // what the stops belong to
	stops  []stop
	spoken map[sim.Seq]*guide.Note // what is said at positions, marks or not
	at     int

	blank  bool
	timer  bool
	digits string    // of the number of a stop, so far
	began  time.Time // of the first time it was on
	theme  string    // the user's own, for afterwards; "" if it is the one that is shown
}

// keyRow is a key of a mode with keys of its own: a presentation, the list.
type keyRow struct {
	key.Binding
	do func(*app) tea.Cmd
}

func newKey(keys, shown, help string, do func(*app)) keyRow {
	return keyRow{
		key.NewBinding(key.WithKeys(splitKeys(keys)...), key.WithHelp(shown, help)),
		func(a *app) tea.Cmd { do(a); return nil },
	}
}

// presentKeys are the keys of a presentation. PgDn, PgUp, "." and b are what
// clickers send.
func presentKeys() []keyRow {
	return []keyRow{
		newKey("pgdown space right down n", "→ PgDn", "next mark; space does the same", func(a *app) { a.nextStop() }),
		newKey("pgup left up backspace", "← PgUp", "previous mark", func(a *app) { a.prevStop() }),
		newKey(". b", ". b", "black screen, and back", func(a *app) { a.show.blank = !a.show.blank }),
		newKey("home", "Home", "the first mark", func(a *app) { a.toPart(0, 0) }),
		newKey("end", "End", "the last mark", func(a *app) { a.toPart(len(a.show.lesson.Parts)-1, lastStop) }),
		newKey("} ]", "}", "next part of the lesson", func(a *app) { a.toPart(a.show.part+1, 0) }),
		newKey("{ [", "{", "previous part", func(a *app) { a.toPart(a.show.part-1, 0) }),
		newKey("enter", "7 Enter", "to mark 7 of this part", func(a *app) { a.digitsDone() }),
		newKey("s", "s", "micro-step: one record on", func(a *app) { a.micro(1) }),
		newKey("S", "S", "micro-step back", func(a *app) { a.micro(-1) }),
		{key.NewBinding(key.WithKeys("T"), key.WithHelp("T", "show or hide the time")), (*app).toggleTimer},
		{key.NewBinding(key.WithKeys("t"), key.WithHelp("t", "next theme")), (*app).presentTheme},
		newKey("?", "?", "these keys", (*app).presentHelp),
		{key.NewBinding(key.WithKeys("esc", "P"), key.WithHelp("Esc P", "leave the presentation")), (*app).leaveShow},
		{key.NewBinding(key.WithKeys("ctrl+z")), func(*app) tea.Cmd { return tea.Suspend }},
		{key.NewBinding(key.WithKeys("ctrl+l")), func(*app) tea.Cmd { return tea.ClearScreen }},
		{key.NewBinding(key.WithKeys("q", "ctrl+c"), key.WithHelp("q", "quit")), func(*app) tea.Cmd { return tea.Quit }},
	}
}

// lastStop is the last stop of a part, however many it has.
const lastStop = 1 << 30

// present begins a presentation of what is open, at the last stop before the
// cursor; or goes on with the one that was left.
func (a *app) present() tea.Cmd {
	s := &a.show
	if s.lesson == nil {
		s.lesson = &Lesson{Title: a.scene.doc.Title, Parts: []Part{{Questions: AllQuestions}}}
	}
	if s.doc != a.scene.doc {
		a.setStops()
	}
	return a.beginShow()
}

// beginShow turns the screen into the presentation's.
func (a *app) beginShow() tea.Cmd {
	s := &a.show
	s.on, s.blank, s.digits = true, false, ""
	s.at = s.before(a.scene.pos)
	if s.began.IsZero() {
		s.began = a.now()
		s.timer = s.lesson.Minutes > 0
	}
	a.player.on = false
	a.predict.away = false
	a.blind()
	a.focus, a.guest, a.zoom = noPanel, noPanel, false
	if a.opts.Theme == "" {
		s.theme = a.theme.name
		a.theme = newTheme("projector", a.profile)
	}
	a.message = "→ next   ← previous   . black   T time   ? all keys   Esc leaves"
	a.openNotes()
	return tea.Batch(a.timerTick(), tea.ClearScreen)
}

// leaveShow gives the whole screen back, at the same place of the run.
func (a *app) leaveShow() tea.Cmd {
	s := &a.show
	s.on = false
	a.blind()
	if s.theme != "" {
		a.theme, s.theme = newTheme(s.theme, a.profile), ""
	}
	a.message = "P presents again"
	cmds := []tea.Cmd{tea.ClearScreen, a.extendLater()}
	if a.scene.live == (liveState{}) { // a presentation has no use for the real lane
		cmds = append(cmds, a.startLive())
	}
	return tea.Batch(cmds...)
}

// openLesson begins a lesson at its first part.
func (a *app) openLesson(l *Lesson) error {
	a.show = show{lesson: l, timer: l.Minutes > 0}
	return a.openPart(0)
}

// openPart opens the scenario of a part.
func (a *app) openPart(i int) error {
	doc, err := a.show.lesson.Parts[i].Open()
	if err != nil {
		return err
	}
	a.enter(doc)
	a.show.part = i
	a.setStops()
	return nil
}

// toPart goes to a stop of a part, if there is that part.
func (a *app) toPart(part, at int) {
	s := &a.show
	if part < 0 || part >= len(s.lesson.Parts) {
		a.message = "there is no other part that way"
		return
	}
	if part != s.part || s.doc != a.scene.doc {
		if err := a.openPart(part); err != nil {
			a.overlay = overlay{title: "CANNOT OPEN", lines: splitLines(err.Error())}
			return
		}
	}
	a.toStop(min(at, len(s.stops)-1))
}

func (a *app) toStop(i int) {
	a.show.at = i
	a.move(a.show.stops[i].pos)
}

// nextStop goes on: from a stop, or from wherever micro-steps have led.
func (a *app) nextStop() {
	s := &a.show
	switch i := s.at + 1; {
	case i < len(s.stops):
		a.toStop(i)
	case s.part+1 < len(s.lesson.Parts):
		a.toPart(s.part+1, 0)
	default:
		a.message = "this is the end"
	}
}

// prevStop goes back; after micro-steps, to the stop that they began at.
func (a *app) prevStop() {
	s := &a.show
	switch {
	case a.scene.pos != s.stops[s.at].pos:
		a.toStop(s.at)
	case s.at > 0:
		a.toStop(s.at - 1)
	case s.part > 0:
		a.toPart(s.part-1, lastStop)
	default:
		a.message = "this is the start"
	}
}

// digitsDone goes to the stop whose number was typed; without one, on.
func (a *app) digitsDone() {
	s := &a.show
	if s.digits == "" {
		a.nextStop()
		return
	}
	n, _ := strconv.Atoi(s.digits)
	if s.digits = ""; n < 1 || n > len(s.stops) {
		a.message = fmt.Sprintf("marks are numbered 1 to %d here", len(s.stops))
		return
	}
	a.toStop(n - 1)
}

// before is the last stop at or before a position.
func (s *show) before(pos sim.Seq) int {
	if s.at < len(s.stops) && s.stops[s.at].pos == pos {
		return s.at // of several at one place, the one that it is
	}
	return max(sort.Search(len(s.stops), func(i int) bool { return s.stops[i].pos > pos })-1, 0)
}

// here tells whether the cursor is at the stop itself.
func (a *app) here() bool { return a.scene.pos == a.show.stops[a.show.at].pos }

// showKey takes a key during a presentation.
func (a *app) showKey(msg tea.KeyMsg) tea.Cmd {
	s := &a.show
	if s.blank && msg.String() != "ctrl+c" { // whatever is pressed, the picture comes back
		s.blank = false
		return nil
	}
	if k := msg.String(); len(k) == 1 && k[0] >= '0' && k[0] <= '9' {
		if len(s.digits) < 4 {
			s.digits += k
		}
		return nil
	}
	for _, x := range presentKeys() {
		if key.Matches(msg, x.Binding) {
			if x.Help().Key != "7 Enter" {
				s.digits = ""
			}
			return x.do(a)
		}
	}
	s.digits = ""
	return nil
}

// presentTheme is a choice: it stays when the presentation is left.
func (a *app) presentTheme() tea.Cmd {
	a.show.theme = ""
	return a.nextTheme("")
}

func (a *app) presentHelp() {
	lines := []string{"A clicker sends PgDn, PgUp, and . or b.", ""}
	for _, x := range presentKeys() {
		if h := x.Help(); h.Key != "" {
			lines = append(lines, "  "+pad(h.Key, 9)+" "+h.Desc)
		}
	}
	lines = append(lines, "", "Speaker notes in a second terminal: ringside notes")
	a.overlay = overlay{title: "KEYS OF A PRESENTATION", lines: lines}
}

// timerMsg is the tick of the time that is shown.
type timerMsg int

func (a *app) toggleTimer() tea.Cmd {
	a.show.timer = !a.show.timer
	return a.timerTick()
}

func (a *app) timerTick() tea.Cmd {
	if !a.show.on || !a.show.timer {
		return nil
	}
	a.timerGen++
	gen := timerMsg(a.timerGen)
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return gen })
}

// elapsed is how long the presentation has been on.
func (a *app) elapsed() time.Duration {
	if a.show.began.IsZero() {
		return 0
	}
	return a.now().Sub(a.show.began)
}

// until is when the current part should be over, or 0 if nobody counts.
func (s *show) until() time.Duration {
	n := 0
	for i := range s.lesson.Parts[:s.part+1] {
		n += s.lesson.Parts[i].Minutes
	}
	return time.Duration(n) * time.Minute
}
