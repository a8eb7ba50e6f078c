package tui

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"ringside/kernel"
	"ringside/scenarios/quiz"
	"ringside/sim"
	"ringside/tui/speaker"
)

// How much of a run is known before the first frame is drawn, how much is added
// at a time after it, and up to where without being asked. Whoever steps beyond
// runs the model on.
const (
	openRecords  = 1 << 12
	extendBy     = 1 << 15
	extendTo     = 1 << 20
	defaultDelay = 800 * time.Millisecond
)

// app is the bubbletea model. What it shows is the scene; the rest is how the
// user wants it shown, and what is being typed.
type app struct {
	opts     Options
	actions  []action
	compares []action // those while two runs are compared
	profile  termenv.Profile

	w, h    int
	grid    grid
	pen     pen
	theme   *theme
	layout  layout
	tooTiny error

	view  string // the last frame, or "": it was not asked for
	stale bool   // something visible has changed since

	pick     picker
	scene    *scene  // nil: the picker is on the screen
	versus   *versus // two runs side by side are on the screen, or nil
	userMark []userMark
	breaks   []*selection
	search   *selection
	filter   *selection
	jumped   []sim.Seq // from where jumps were made, the last one last

	focus  panelID
	choice ref     // the chosen object of the focused panel, or none
	guest  panelID // what the guest place shows, or noPanel: its own
	zoom   bool

	player   player
	token    token
	predict  predict
	prompt   prompt
	overlay  overlay
	pages    []page // over the panels, the last one on top
	message  string // in place of the keys, until the next one
	author   authoring
	editing  atomic.Bool // the editor has the terminal
	show     show
	now      func() time.Time
	timerGen int
	notes    *speaker.Server // or nil: nobody can ask for the speaker's notes
	told     told
	send     func(tea.Msg) // from other goroutines
	mouse    bool
	stop     func() // ends the live run that is on its way
	liveGen  int
}

// newApp makes the model before anything is opened.
func newApp(opts Options) *app {
	if opts.Delay <= 0 {
		opts.Delay = defaultDelay
	}
	a := &app{
		opts: opts, actions: newActions(), profile: lipgloss.ColorProfile(),
		focus: noPanel, guest: noPanel, stale: true, stop: func() {}, now: time.Now,
	}
	a.compares = versusActions(a.actions)
	a.grid.ascii = opts.ASCII
	a.pen.g = &a.grid
	a.pick.items = slices.Concat(opts.Items, opts.Lessons)
	a.predict.density = opts.Predict
	a.theme = newTheme(chooseTheme(opts.Theme), a.profile)
	a.resize(80, 24)
	return a
}

// open shows a scenario at its start.
func (a *app) open(name string) error {
	var w authoring
	w.load(name, a.opts.Plays)
	doc, err := a.opts.Open(name)
	if err != nil {
		return err
	}
	a.author.plays, a.author.loaded, a.author.seen = w.plays, w.loaded, w.seen
	a.show = show{}
	a.enter(doc)
	return nil
}

// enter shows a document at its start.
func (a *app) enter(doc *Doc) {
	a.author.wrong = nil
	a.stop()
	a.liveGen++ // what is still on its way is another scenario's
	a.player.on = false
	a.userMark, a.breaks, a.search, a.filter, a.jumped, a.pages = nil, nil, nil, nil, nil, nil
	a.focus, a.guest, a.zoom = noPanel, noPanel, false
	a.scene, a.versus = newScene(doc, a.opts.Lang, a.opts.Seed), nil
	a.startPredict()
}

// table are the actions that there are now.
func (a *app) table() []action {
	if a.versus != nil {
		return a.compares
	}
	return a.actions
}

// newScene runs the beginning of a document's model and stands at its start.
func newScene(doc *Doc, lang string, seed uint64) *scene {
	s := &scene{doc: doc, tl: doc.Timeline, thread: -1, who: newWho(doc.Timeline.Machine().Image), scale: 100 * sim.Nanosecond, was: kernel.Fresh()}
	s.ix = &index{log: s.tl, notes: notes(s.tl.Machine().Image)}
	s.narrator = newNarrator(doc.Guide, lang)
	s.book = quiz.NewBook(s.tl.Machine().Image, doc.Guide, quiz.Options{Lang: lang, Seed: seed})
	s.tl.OnAppend = func(m *kernel.Machine, r *sim.Record, seq sim.Seq) {
		s.who.add(m, r, seq, s.tl)
		s.narrator.find.Record(m, r, seq)
		s.book.Record(m, r, seq)
		s.seeCalls(m, r, seq)
	}
	s.extend(openRecords)
	s.show(0)
	return s
}

// extend makes so many more records known. It leaves the cursor behind the last
// one: show moves it back.
func (s *scene) extend(n sim.Seq) {
	s.tl.Run(s.tl.Len() + n)
	s.ix.update()
	s.narrator.update()
	s.seeEnd()
	s.align()
}

// extendMsg asks for more of the run to be known.
type extendMsg struct{ scene *scene }

func (a *app) extendLater() tea.Cmd {
	s := a.scene
	if s == nil || s.tl.Done() || s.tl.Len() >= extendTo {
		return nil
	}
	return func() tea.Msg { return extendMsg{s} }
}

// Init is the first thing bubbletea asks for.
func (a *app) Init() tea.Cmd {
	if a.scene == nil {
		return nil
	}
	if a.show.lesson != nil || a.opts.Present {
		a.opts.Present = false // the picker opens what it opens as ever
		return a.present()
	}
	return tea.Batch(a.extendLater(), a.startLive(), a.watch())
}

// Update takes a message: a key, a size, a tick.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	was := a.stale // there may be a change that no frame has shown yet
	_, cmd := a.update(msg)
	a.stale = a.stale || was
	a.tellNotes()
	return a, cmd
}

func (a *app) update(msg tea.Msg) (tea.Model, tea.Cmd) {
	a.stale = true
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(msg.Width, msg.Height)
		return a, nil
	case tea.KeyMsg:
		return a, a.key(msg)
	case tea.MouseMsg:
		return a, a.mouseAt(msg)
	case playMsg:
		return a, a.playOn(msg)
	case tokenMsg:
		return a, a.hop(msg)
	case watchMsg:
		return a, a.watched(msg)
	case editedMsg:
		return a, tea.Batch(a.edited(msg), a.mouseAgain())
	case tea.ResumeMsg:
		return a, a.mouseAgain()
	case liveMsg:
		a.liveDone(msg)
		return a, nil
	case versusLiveMsg:
		return a, a.versusLive(msg)
	case notesMsg:
		a.fromNotes(string(msg))
		return a, nil
	case timerMsg:
		if int(msg) != a.timerGen {
			a.stale = false
			return a, nil
		}
		return a, a.timerTick()
	case extendMsg:
		if a.scene == nil || msg.scene != a.scene {
			return a, nil
		}
		pos := a.scene.pos
		a.scene.extend(extendBy)
		a.scene.show(pos)
		return a, a.extendLater()
	}
	a.stale = false
	return a, nil
}

// frame draws what is to be seen, if something has changed.
func (a *app) frame() (*grid, *theme) {
	if a.stale {
		a.draw()
		a.view, a.stale = "", false
	}
	return &a.grid, a.theme
}

// View gives the frame as bubbletea would show it.
func (a *app) View() string {
	if g, t := a.frame(); a.view == "" {
		a.view = g.render(t)
	}
	return a.view
}

func (a *app) resize(w, h int) {
	a.w, a.h = w, h
	a.layout, a.tooTiny = chooseLayout(w, h, a.opts.Layout)
}

// key sends a key to whoever has the screen. Keys that came in faster than they
// were read arrive as one: bubbletea takes them for text.
func (a *app) key(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyRunes && len(msg.Runes) > 1 && !msg.Paste {
		var cmds []tea.Cmd
		for _, r := range msg.Runes {
			cmds = append(cmds, a.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt}))
		}
		return tea.Batch(cmds...)
	}
	a.message = ""
	switch {
	case a.prompt.kind != promptNone:
		return a.promptKey(msg)
	case a.overlay.open():
		return a.overlayKey(msg)
	case a.predict.asking:
		return a.questionKey(msg)
	case len(a.pages) > 0:
		return a.pageKey(msg)
	case a.show.on:
		return a.showKey(msg)
	case a.scene == nil:
		return a.pickerKey(msg)
	}
	x := byKey(a.table(), msg)
	if x == nil {
		return nil
	}
	arg := ""
	if x.keyArg {
		arg = msg.String()
	}
	return a.do(x, arg)
}

// do carries an action out; if it moved the cursor to another station, the token
// hops there.
func (a *app) do(x *action, arg string) tea.Cmd {
	var from uint8
	was := a.scene
	if was != nil {
		from, _ = was.station()
	}
	cmd := x.do(a, arg)
	if a.scene == nil || a.scene != was || a.versus != nil {
		return cmd
	}
	return tea.Batch(cmd, a.startToken(from))
}

// move brings the cursor to a position.
func (a *app) move(pos sim.Seq) {
	if a.scene != nil {
		a.scene.show(pos)
	}
}

// step moves to the next end of a step: from the middle of one, forward to its
// own end and back to its start. At the start the screen stays as it is: the way
// back ends on the first screen, to the byte. Where a filter is set or something
// is followed, it goes to the next record of that.
func (a *app) step(dir int) {
	s := a.scene
	if s.only != nil {
		a.stepOnly(dir)
		return
	}
	target := s.step + dir
	if dir > 0 && s.pos < s.ix.end(s.step) {
		target = s.step
	}
	pos := s.pos
	s.need(target)
	a.advance(s.narrator.stop(pos, s.ix.end(target)))
	switch name := s.markName(); {
	case s.pos == pos && dir > 0 && !a.predict.asking:
		a.message = "this is the end of the run"
		a.showScore()
	case name != "":
		a.message = "mark: " + name
	}
}

// need makes a step known to its end, if the run has it.
func (s *scene) need(step int) {
	for step >= len(s.ix.steps) && !s.tl.Done() {
		n := s.tl.Len()
		s.extend(extendBy)
		if s.tl.Len() == n {
			return
		}
	}
}

// micro moves by a record; of what is followed, if something is.
func (a *app) micro(dir int) {
	if s := a.scene; s.followed != nil {
		a.goTo(dir, "nothing more of it that way", nil, s.only)
		return
	}
	a.advance(a.scene.pos + sim.Seq(dir))
}

func (a *app) station(dir int) {
	pos, ok := a.scene.ix.station(a.scene.step, dir)
	if !ok {
		a.message = "no other station of the path that way"
		return
	}
	a.reach(pos, nil)
}

func (a *app) toEnd() {
	s := a.scene
	for !s.tl.Done() && s.tl.Len() < extendTo {
		s.extend(extendBy)
	}
	a.reach(s.tl.Len(), func() {
		if !s.tl.Done() {
			a.message = fmt.Sprintf("the run goes on: it is known up to record %d", s.tl.Len())
		}
	})
}

// escape goes one level back.
func (a *app) escape(string) tea.Cmd {
	switch {
	case a.predict.away:
		return a.comeBack()
	case a.zoom:
		a.zoom = false
	case a.focus != noPanel || a.guest != noPanel:
		a.focus, a.guest, a.choice = noPanel, noPanel, ref{}
	case len(a.jumped) > 0:
		last := len(a.jumped) - 1
		pos := a.jumped[last]
		a.jumped = a.jumped[:last]
		a.reach(pos, func() { a.message = "back where you were" })
	case a.scene.followed != nil:
		a.setFollow(nil)
	case a.filter != nil:
		a.filterPrompt("")
	case len(a.opts.Items) > 0 || a.opts.Lists != nil:
		if err := a.list(); err != nil {
			a.message = err.Error()
			return nil
		}
		a.stop()
		a.player.on = false
		a.scene = nil
		a.author.wrong = nil
	}
	return nil
}
