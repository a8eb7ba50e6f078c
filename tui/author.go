package tui

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/sim"
)

// Writing a scenario beside the screen: the editor, and the file read again at the
// same place of the run. As long as the file is wrong, the run before it stays.

// authoring is what is known of the file behind the scene.
type authoring struct {
	plays        []string // the files that it plays
	loaded, seen stamp    // of all of them
	gen          int      // ticks of an older watch are ignored
	wrong        []string // why the file cannot be shown, with the line and a caret
}

// watchEvery is how often a file is looked at that is watched.
const watchEvery = 300 * time.Millisecond

// stamp tells versions of a file apart, and of the files that it plays. A file that
// is not there has the zero stamp: editors that write a new file and rename it leave
// such a moment.
type stamp struct {
	mtime, size int64
	plays       string
}

func stampOf(name string, plays []string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	s := stamp{mtime: info.ModTime().UnixNano(), size: info.Size()}
	for _, p := range plays {
		if info, err := os.Stat(p); err == nil {
			s.plays += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
		} else {
			s.plays += "- "
		}
	}
	return s
}

// load finds what a scenario's file plays, and notes how all of it stands before it
// is opened.
func (w *authoring) load(name string, plays func(string) []string) {
	if w.plays = nil; plays != nil {
		w.plays = plays(name)
	}
	w.loaded = stampOf(name, w.plays)
	w.seen = w.loaded
}

// watchMsg says what a watched file was like.
type watchMsg struct {
	gen int
	now stamp
}

// watch begins to look at the file again and again, if that is wanted.
func (a *app) watch() tea.Cmd {
	a.author.gen++
	if !a.opts.Watch || a.scene == nil || !a.scene.doc.File {
		return nil
	}
	return a.watchTick()
}

func (a *app) watchTick() tea.Cmd {
	gen, name, plays := a.author.gen, a.scene.doc.Name, a.author.plays
	return tea.Tick(watchEvery, func(time.Time) tea.Msg { return watchMsg{gen, stampOf(name, plays)} })
}

// watched reads a file again that has changed, or what it plays, and rests: that it
// is the same twice tells that it is written to its end. A presentation, a comparison
// and a question are not disturbed.
func (a *app) watched(msg watchMsg) tea.Cmd {
	w := &a.author
	if msg.gen != w.gen || a.scene == nil {
		a.stale = false
		return nil
	}
	rests := msg.now == w.seen
	w.seen = msg.now
	if !rests || msg.now == w.loaded || msg.now == (stamp{}) || a.show.on || a.versus != nil || a.predict.asking {
		a.stale = false
		return a.watchTick()
	}
	return a.reload(a.scene.doc.Name)
}

// reload opens the file again and shows it where the cursor is. What is wrong with
// it is shown, and the old run stays.
func (a *app) reload(name string) tea.Cmd {
	w := &a.author
	w.load(name, a.opts.Plays)
	doc, err := a.opts.Open(name)
	if err != nil {
		w.wrong, a.message = splitLines(err.Error()), ""
		return a.watch()
	}
	a.stop()
	a.liveGen++
	a.player.on = false
	w.wrong = nil
	old := a.scene
	a.scene, a.versus = newScene(doc, a.opts.Lang, a.opts.Seed), nil
	same := a.carry(old)
	a.blind()
	a.message = "read again, at the same " + map[bool]string{true: "step", false: "model time: the run is another one"}[same]
	return a.Init()
}

// carry takes over from the scene before: the cursor, marks, breaks and what is
// looked at. It tells whether the run is the same up to the cursor.
func (a *app) carry(old *scene) (same bool) {
	s := a.scene
	marks := a.userMark
	a.userMark = nil
	for _, m := range marks {
		pos, _ := s.counterpart(old, m.pos)
		if n := len(a.userMark); n == 0 || a.userMark[n-1].pos < pos {
			a.userMark = append(a.userMark, userMark{pos, m.name})
		}
	}
	breaks := a.breaks
	a.breaks, a.pages = nil, nil
	for _, b := range breaks {
		if x := s.selectionAs(old, b); x != nil {
			a.breaks = append(a.breaks, x)
		}
	}
	a.search, a.filter = s.selectionAs(old, a.search), s.selectionAs(old, a.filter)
	s.only = a.filter
	s.scale = old.scale
	if threads := s.m.Config.Threads; old.thread >= 0 && old.thread < len(threads) && threads[old.thread].Name == old.m.Config.Threads[old.thread].Name {
		s.thread = old.thread
	}
	pos, same := s.counterpart(old, old.pos)
	s.show(pos)
	return same
}

// counterpart is the position that corresponds to one of another run: the same, if
// the same thing has happened there; else that of the same model time.
func (s *scene) counterpart(old *scene, pos sim.Seq) (at sim.Seq, same bool) {
	if pos == 0 {
		return 0, true
	}
	was := old.tl.At(pos - 1)
	for !s.tl.Done() && s.tl.Len() < max(extendTo, pos) && (s.tl.Len() < pos || s.tl.At(s.tl.Len()-1).T <= was.T) {
		s.extend(extendBy)
	}
	if pos <= s.tl.Len() {
		if r := s.tl.At(pos - 1); r.T == was.T && r.CPU == was.CPU && r.Step == was.Step && s.m.Fn(r) == old.m.Fn(was) {
			return pos, true
		}
	}
	return s.tl.FirstAfter(was.T), false
}

// selectionAs is a selection of another run's records for this one's; nil if
// nothing here can be meant.
func (s *scene) selectionAs(old *scene, x *selection) *selection {
	switch {
	case x == nil:
	case x.kind != nil:
		if k, ok := s.kindAs(old, *x.kind); ok {
			return s.ofKind(k)
		}
	default:
		if q, err := s.compile(x.text); err == nil {
			return &selection{text: q.source, match: q.matches}
		}
	}
	return nil
}

// kindAs finds a kind of record of another run by its function's name: programs
// may have got other numbers.
func (s *scene) kindAs(old *scene, k kind) (kind, bool) {
	codes, name := s.m.Text.Codes, old.m.Text.Codes[k.fn].Name
	if int(k.fn) < len(codes) && codes[k.fn].Name == name {
		return k, true
	}
	for i := range codes {
		if codes[i].Name == name {
			return kind{uint16(i), k.step}, true
		}
	}
	return kind{}, false
}

// editedMsg says that the editor has ended.
type editedMsg struct{ err error }

// edit opens the scenario's file in the user's editor. An embedded scenario is
// copied to a file first, whose name is asked for.
func (a *app) edit(name string) tea.Cmd {
	doc := a.scene.doc
	switch {
	case doc.File:
		return a.editor(doc.Name)
	case doc.Copy == nil:
		a.message = "this scenario cannot be edited"
		return nil
	case name == "":
		a.prompt = prompt{kind: promptCopy, text: []rune(doc.Name + ".yaml")}
		a.prompt.cursor = len(a.prompt.text)
		return nil
	}
	if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
		name += ".yaml"
	}
	if err := doc.Copy(name); err != nil {
		a.message = err.Error()
		return nil
	}
	return tea.Batch(a.reload(name), a.editor(name))
}

// editor gives the terminal to the editor and takes it back.
func (a *app) editor(name string) tea.Cmd {
	a.editing.Store(true)
	return tea.ExecProcess(editorCommand(name), func(err error) tea.Msg {
		a.editing.Store(false)
		return editedMsg{err}
	})
}

func editorCommand(name string) *exec.Cmd {
	if strings.HasPrefix(name, "-") {
		name = "./" + name // not an option
	}
	words := strings.Fields(cmp.Or(strings.TrimSpace(os.Getenv("VISUAL")), strings.TrimSpace(os.Getenv("EDITOR")), "vi"))
	return exec.Command(words[0], append(words[1:], name)...)
}

// edited reads what the editor has left.
func (a *app) edited(msg editedMsg) tea.Cmd {
	switch {
	case a.scene == nil:
		return nil
	case msg.err != nil:
		a.message = fmt.Sprintf("the editor: %v (it is the one that $VISUAL or $EDITOR names, or vi)", msg.err)
		return nil
	case stampOf(a.scene.doc.Name, a.author.plays) == a.author.loaded:
		a.message = "the file has not changed"
		return nil
	}
	return a.reload(a.scene.doc.Name)
}

// drawWrong writes what is wrong with the file over the last rows.
func (a *app) drawWrong() {
	var lines []string
	for i, l := range a.author.wrong {
		if l = kernel.Printable(l); i > 0 { // the source and its caret
			lines = append(lines, l)
			continue
		}
		lines = append(lines, fold(a.w-4, l)...)
	}
	h := min(len(lines)+2, a.h-1)
	r := rect{0, a.h - 1 - h, a.w, h}
	a.grid.fill(r, styleText)
	a.grid.box(r, styleBad)
	a.pen.over(rect{2, r.y, a.w - 4, 1}).in(styleBad).rest(" THE FILE HAS AN ERROR: the screen shows the run before it ")
	p := a.pen.over(rect{2, r.y + 1, a.w - 4, h - 2})
	for i := 0; i < len(lines) && i < p.h; i++ {
		p.line(i).rest(lines[i])
	}
}
