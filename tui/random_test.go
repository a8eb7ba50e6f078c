package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/muesli/termenv"
	"pgregory.net/rapid"

	"ringside/scenarios"
	both "ringside/scenarios/lanes"
	"ringside/scenarios/quiz"
	"ringside/sim"
)

// Whatever is pressed, typed, pasted and clicked, in whatever order, and whatever
// else arrives in between: these tests hold what must be true of every screen.
// A failure prints the seed and the row of messages that led there.

// monkey is somebody who presses everything, before a screen in one of its modes.
type monkey struct {
	r    *rapid.T
	a    *app
	file string // the scenario's own, in the mode that has one
	seen *scene // the last one
	did  []string
}

// modes are what the program can be started as.
var modes = []string{"picker", "scenario", "compare", "present", "lesson", "quiz", "file"}

// begin starts the program.
func begin(t *testing.T, r *rapid.T, mode, dir string) *monkey {
	t.Helper()
	k := &monkey{r: r, seen: new(scene)}
	names := scenarios.Builtin()
	opts := Options{
		Theme: rapid.SampledFrom(themeNames).Draw(r, "theme"), ASCII: rapid.Bool().Draw(r, "ascii"), Motion: rapid.Bool().Draw(r, "motion"),
		Layout: rapid.SampledFrom([]string{"", "", "", "L", "M", "S", "XS"}).Draw(r, "layout"),
		Lang:   rapid.SampledFrom([]string{"en", "de"}).Draw(r, "lang"),
		Open:   func(name string) (*Doc, error) { return wholeDoc(name, "") }, With: wholeDoc, Predict: quiz.File, Seed: 1,
	}
	for _, name := range names {
		opts.Items = append(opts.Items, Item{Name: name, Title: "Title of " + name, Teaches: "what it teaches", Chapter: name[:1]})
	}
	name := rapid.SampledFrom(names).Draw(r, "scenario")
	switch mode {
	case "scenario":
		opts.Start = name
	case "quiz":
		opts.Start, opts.Predict = name, rapid.SampledFrom([]quiz.Density{quiz.Some, quiz.Many}).Draw(r, "density")
	case "present":
		opts.Start, opts.Present = name, true
	case "lesson":
		opts.Lesson = embedded(t, rapid.SampledFrom(scenarios.Lessons()).Draw(r, "lesson"))
	case "compare":
		opts.Start, opts.Compare = rapid.SampledFrom([]string{"level-and-edge", "moderation", "nagle-and-delayed-ack", "preemptive"}).Draw(r, "compared"), true
		opts.CompareWith = rapid.SampledFrom([]string{"loopback", "write-on-arm64", "tcp-accept", opts.Start}).Draw(r, "with")
	case "file":
		k.file = filepath.Join(dir, "mine.yaml")
		k.write()
		opts.Start, opts.Watch = k.file, true
	}
	k.a = newApp(opts)
	k.a.profile = termenv.ANSI
	k.a.theme = newTheme(k.a.theme.name, k.a.profile)
	at := time.Unix(1, 0)
	k.a.now = func() time.Time { return at }
	if err := k.a.start(); err != nil {
		r.Fatal(err)
	}
	k.a.Init()
	k.resize()
	return k
}

// write leaves another version of the file, right or wrong, or takes it away.
func (k *monkey) write() {
	version := "first"
	if k.a != nil {
		version = rapid.SampledFrom([]string{"first", "longer", "shorter", "other threads", "wrong", "gone"}).Draw(k.r, "version")
	}
	content := map[string]string{
		"first": written, "longer": written + "  - name: c\n    program: |\n      getpid()\n      compute(1*ms)\n",
		"shorter": strings.Replace(written, "compute(3*ms)", "getpid()", 1), "other threads": strings.ReplaceAll(written, "name: ", "name: x"),
		"wrong": strings.Replace(written, "getpid()", "getp\x1b[31mit()", 1),
	}[version]
	if version == "gone" {
		_ = os.Remove(k.file)
	} else if err := os.WriteFile(k.file, []byte(content), 0o644); err != nil {
		k.r.Fatal(err)
	}
}

// Sizes: those at which layouts change, and any other.
func (k *monkey) resize() {
	w, h := rapid.IntRange(1, 250).Draw(k.r, "w"), rapid.IntRange(1, 80).Draw(k.r, "h")
	if edge := rapid.SampledFrom([][2]int{{}, {40, 12}, {80, 24}, {110, 36}, {160, 50}}).Draw(k.r, "border"); edge[0] > 0 {
		w, h = edge[0]+w%3-1, edge[1]+h%3-1
	}
	k.send("size", tea.WindowSizeMsg{Width: w, Height: h})
}

// What is typed where something is asked for, and as the arguments of commands.
var typed = []string{
	"fn:ep_poll_callback", "ctx:softirq -task:server", "t>1ms", "cpu:1 tp:sched_waking", `obj:"socket 0"`, `obj:"fd 3"`, "packet:0", "dur>100ns",
	"station:napi", "ring:3", "softirq", "fn:nonsense", `obj:"`, "t>", "fn:", "cpu:x", "-", "ctx=syscall", "日本語", "e\u0301\u200b\u202e", "\x1b[31m\x07", "\xff", "%s%d",
	"7", "0", "-3", "99999999", "100us", "1s", "3.4", "9e99s", "NaNs", "1ns",
	"packet 1", "fd 3", "socket 0", "task server", "server", "frame 0", "cpu 0", "skb 0", "epoll 0", "timer 0", "task", "fd -1", "fd 99999999999",
	"try_to_wake_up", "nothing_like_it", "dark", "mono", "plaid", "file", "some", "many", "off", "loopback", "edge", "each", "x",
	strings.Repeat("long and longer ", 30), strings.Repeat("ü", 199),
}

// mice are what a mouse does.
var mice = []tea.MouseButton{tea.MouseButtonLeft, tea.MouseButtonRight, tea.MouseButtonWheelUp, tea.MouseButtonWheelDown, tea.MouseButtonNone}

// act does one thing.
func (k *monkey) act() {
	a, r := k.a, k.r
	if a.scene != nil {
		k.seen = a.scene
	}
	switch rapid.SampledFrom([]string{"key", "key", "key", "key", "key", "other key", "other key", "type", "command", "size", "tick", "message", "mouse", "paste", "live", "file"}).Draw(r, "act") {
	case "key":
		k.press(rapid.SampledFrom(k.keysNow()).Draw(r, "key"))
	case "other key":
		k.press(rapid.SampledFrom(strings.Fields("up down left right enter esc tab shift+tab pgup pgdown home end backspace delete space f5 a d j k s u y 1 2 3 ü 日 ctrl+a ctrl+e ctrl+u ctrl+l alt+x insert")).Draw(r, "key"))
	case "type":
		k.press(rapid.SampledFrom(strings.Fields("/ g F : m b ' o e")).Draw(r, "prompt"))
		k.line(rapid.SampledFrom(typed).Draw(r, "text"))
	case "command":
		x := rapid.SampledFrom(a.table()).Draw(r, "action")
		k.press(":")
		k.line(x.name() + " " + rapid.SampledFrom(typed).Draw(r, "argument"))
	case "size":
		k.resize()
	case "tick":
		for range rapid.IntRange(1, 9).Draw(r, "ticks") {
			k.send("tick", playMsg(a.player.gen))
			k.send("hop", tokenMsg(a.token.gen))
		}
	case "message":
		k.send("message", rapid.SampledFrom([]tea.Msg{
			timerMsg(a.timerGen), timerMsg(a.timerGen - 1), playMsg(a.player.gen - 1), tokenMsg(a.token.gen - 1), extendMsg{k.seen},
			notesMsg("next"), notesMsg("previous"), notesMsg("blank"), notesMsg("nonsense"),
			tea.FocusMsg{}, tea.BlurMsg{}, tea.ResumeMsg{}, tea.SuspendMsg{}, struct{}{}, nil,
		}).Draw(r, "message"))
	case "mouse":
		if a.mouse {
			k.send("mouse", tea.MouseMsg{
				X: rapid.IntRange(0, a.w).Draw(r, "x"), Y: rapid.IntRange(0, a.h).Draw(r, "y"), Button: rapid.SampledFrom(mice).Draw(r, "button"),
				Action: rapid.SampledFrom([]tea.MouseAction{tea.MouseActionPress, tea.MouseActionRelease, tea.MouseActionMotion}).Draw(r, "action"),
			})
		}
	case "paste":
		k.send("paste", tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(rapid.SampledFrom(typed).Draw(r, "pasted")), Paste: true})
	case "live":
		k.live()
	case "file":
		if k.file != "" {
			k.write()
			for range rapid.IntRange(1, 3).Draw(r, "looks") {
				k.send("watch", watchMsg{a.author.gen, stampOf(k.file, nil)})
			}
		}
	}
}

// keysNow are the keys that mean something where the screen is.
func (k *monkey) keysNow() []string {
	var keys []string
	if k.a.show.on {
		for _, x := range presentKeys() {
			keys = append(keys, x.Keys()...)
		}
		return append(keys, "3")
	}
	for _, x := range k.a.table() {
		keys = append(keys, x.Keys()...)
	}
	return keys
}

func (k *monkey) press(name string) { k.send(name, press(name)) }

// line types a line and ends it.
func (k *monkey) line(text string) {
	for _, c := range text {
		k.a.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{c}})
	}
	k.did = append(k.did, fmt.Sprintf("%q", text))
	k.check()
	if rapid.IntRange(0, 9).Draw(k.r, "leave") == 0 {
		k.press("tab")
		k.press("esc")
		return
	}
	k.press("enter")
}

// live brings the result of a run on the real kernel, of this scenario or of one
// before it: the model's calls, some of them changed, or none.
func (k *monkey) live() {
	a := k.a
	msg := liveMsg{gen: a.liveGen - rapid.IntRange(0, 1).Draw(k.r, "late")}
	if a.scene == nil || rapid.IntRange(0, 3).Draw(k.r, "fails") == 0 {
		msg.err = errors.New("no \x1b[31mkernel\nhere")
		k.send("live", msg)
		return
	}
	run := &LiveRun{Interest: []string{"tfd: 4 events: 1"}, NoTrace: "no tracefs"}
	for i := range a.scene.model {
		c := a.scene.model[i].Call
		switch rapid.IntRange(0, 20).Draw(k.r, "changed") {
		case 0:
			continue
		case 1:
			c.Line += " = -1 EAGAIN"
		case 2:
			run.Calls, run.Wchan = append(run.Calls, both.Call{Thread: c.Thread, Line: "getpid() = 7"}), append(run.Wchan, "")
		}
		run.Calls, run.Wchan = append(run.Calls, c), append(run.Wchan, "do_epoll_wait")
		if i > 40 {
			break
		}
	}
	for i := range a.scene.m.Config.Threads {
		run.Threads = append(run.Threads, LiveThread{Name: a.scene.m.Config.Threads[i].Name, State: "S", Wchan: "ep_poll", Voluntary: 3})
	}
	msg.run = run
	k.send("live", msg)
}

// send gives the screen a message and looks at what it shows then.
func (k *monkey) send(what string, msg tea.Msg) {
	k.did = append(k.did, what)
	k.a.Update(msg)
	k.check()
}

// check holds what is true of every frame: as many rows as the terminal has, none
// wider, and nothing in them that could do anything to the terminal but the styles.
func (k *monkey) check() {
	a := k.a
	view := a.View()
	rest := view
	for rest != "" {
		if rest[0] == '\x1b' {
			n := 0
			for _, e := range append(a.theme.escape[:], resetEscape) {
				if len(e) > n && strings.HasPrefix(rest, e) {
					n = len(e)
				}
			}
			if n == 0 {
				k.fail("an escape sequence that is no style: %.20q", rest)
			}
			rest = rest[n:]
			continue
		}
		c, n := utf8.DecodeRuneInString(rest)
		if c != '\n' && (c < ' ' || c >= 0x7f && !oneCell(c, a.grid.ascii)) {
			k.fail("%q is on the screen", c)
		}
		rest = rest[n:]
	}
	rows := strings.Split(view, "\n")
	if len(rows) != a.h {
		k.fail("%d rows in a terminal of %d", len(rows), a.h)
	}
	for i, row := range rows {
		if n := ansi.StringWidth(row); n > a.w {
			k.fail("row %d is %d cells wide in a terminal of %d: %q", i, n, a.w, ansi.Strip(row))
		}
	}
}

func (k *monkey) fail(format string, args ...any) {
	k.r.Fatalf("%s\nafter %s", fmt.Sprintf(format, args...), strings.Join(k.did, ", "))
}

// quits tells whether a command ends the program.
func quits(cmd tea.Cmd) bool {
	if cmd == nil {
		return false
	}
	_, ok := cmd().(tea.QuitMsg)
	return ok
}

// Nothing panics, every frame is of the terminal's size, and ctrl-c ends the
// program from everywhere, after it has closed a prompt.
func TestWhateverIsDone(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		k := begin(t, r, rapid.SampledFrom(modes).Draw(r, "mode"), dir)
		for range rapid.IntRange(1, 40).Draw(r, "n") {
			k.act()
		}
		open := k.a.prompt.kind != promptNone
		_, cmd := k.a.Update(tea.KeyMsg{Type: tea.KeyCtrlC})
		if open {
			_, cmd = k.a.Update(tea.KeyMsg{Type: tea.KeyCtrlC})
		}
		if !quits(cmd) {
			k.fail("ctrl-c does not quit")
		}
	})
}

// Forward k and back k restores the screen to the byte: by steps and by records;
// with a filter and with something followed; of two runs, and of a presentation.
// A step out of the middle of one leads to its end, so the way begins with one.
// Neither the answer to the last key, which the status line shows, nor questions
// are part of the state; and the run must be known, for its length is shown.
func TestForwardAndBackAfterWhateverRestoresTheScreen(t *testing.T) {
	alone(t)
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		k := begin(t, r, rapid.SampledFrom([]string{"scenario", "scenario", "scenario", "compare", "present", "lesson"}).Draw(r, "mode"), dir)
		a := k.a
		for range rapid.IntRange(0, 15).Draw(r, "n") {
			k.act()
		}
		k.rest()
		if a.scene == nil {
			return
		}
		forward, back := k.ways()
		k.press(forward)
		var seen []string
		var at []standing
		for range rapid.IntRange(1, 20).Draw(r, "k") {
			k.calm()
			was := k.place()
			seen, at = append(seen, a.View()), append(at, was)
			k.press(forward)
			if k.calm(); k.place() == was {
				seen = seen[:len(seen)-1]
				break
			}
		}
		k.calm()
		for i := len(seen) - 1; i >= 0; i-- {
			k.press(back)
			k.calm()
			if got := a.View(); got != seen[i] {
				k.fail("%s and %s, %d from the start, %v and %v: want -, got +:\n%s", forward, back, i, at[i], k.place(), cmp.Diff(splitLines(ansi.Strip(seen[i])), splitLines(ansi.Strip(got))))
			}
		}
	})
}

// However a place of the run was reached, the screen is that of a run that has just
// been opened and is shown there.
func TestWhateverLedToAPlaceItIsShownAlike(t *testing.T) {
	alone(t)
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		k := begin(t, r, "scenario", dir)
		a := k.a
		for range rapid.IntRange(1, 15).Draw(r, "n") {
			k.act()
		}
		k.rest()
		if a.scene == nil || a.versus != nil || a.show.on || a.scene.only != nil {
			return
		}
		k.calm()
		got := a.View()
		doc, err := wholeDoc(a.scene.doc.Name, "")
		if err != nil {
			r.Fatal(err)
		}
		was := a.scene
		a.scene = newScene(doc, a.opts.Lang, a.opts.Seed)
		a.scene.thread, a.scene.scale, a.scene.blind = was.thread, was.scale, was.blind
		a.scene.setLive(was.live)
		k.know()
		a.move(was.pos)
		k.calm()
		if want := a.View(); got != want {
			k.fail("position %d, want -, got +:\n%s", was.pos, cmp.Diff(splitLines(ansi.Strip(want)), splitLines(ansi.Strip(got))))
		}
	})
}

// rest brings the screen to where steps are made: nothing is being typed or asked,
// no page is open, nothing plays, and the run is known.
func (k *monkey) rest() {
	a := k.a
	a.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	for a.prompt.kind != promptNone || a.overlay.open() || a.predict.asking || len(a.pages) > 0 || a.predict.away {
		a.Update(press("esc"))
	}
	a.show.blank, a.player.on, a.opts.Motion, a.token.frame = false, false, false, 0
	if a.scene == nil {
		return
	}
	a.nextDensity("off")
	k.know()
	if a.versus == nil && rapid.Bool().Draw(k.r, "elsewhere") {
		a.move(sim.Seq(rapid.IntRange(0, int(a.scene.tl.Len())).Draw(k.r, "pos")))
	}
}

// know makes the run known, as far as a screen goes without being asked.
func (k *monkey) know() {
	s := k.a.scene
	pos := s.pos
	for !s.tl.Done() && s.tl.Len() < extendTo {
		s.extend(extendBy)
	}
	s.show(pos)
}

// calm takes the answer to the last key away: a message, or the score at the end.
func (k *monkey) calm() { k.a.message, k.a.overlay, k.a.stale = "", overlay{}, true }

// ways are two keys that lead forward and back where the screen is.
func (k *monkey) ways() (forward, back string) {
	ways := [][2]string{{".", ","}, {"s", "S"}, {"]", "["}}
	switch {
	case k.a.versus != nil:
		ways = ways[:2]
	case k.a.show.on:
		ways = [][2]string{{"pgdown", "pgup"}, {"s", "S"}}
	case k.a.scene.only != nil:
		ways = ways[:1]
	}
	way := rapid.SampledFrom(ways).Draw(k.r, "way")
	return way[0], way[1]
}

// standing is where the cursor stands.
type standing struct {
	pos      sim.Seq
	at, part int
	stop     int
	micro    int
}

func (k *monkey) place() standing {
	x := standing{pos: k.a.scene.pos, part: k.a.show.part, stop: k.a.show.at}
	if v := k.a.versus; v != nil {
		x.at, x.micro = v.at, v.micro
	}
	return x
}

// A time beyond what is known of the run: what is found in it on the way is known
// as well.
func TestATimeBeyondTheKnownRun(t *testing.T) {
	for _, name := range []string{"poisson-load", "livelock"} {
		there, stepped := testApp(t, scenario(t, name), 200, 60, ""), testApp(t, scenario(t, name), 200, 60, "")
		there.answer(promptGoto, "1000s")
		stepped.toEnd()
		if d := cmp.Diff(splitLines(stepped.text()), splitLines(there.text())); d != "" {
			t.Errorf("%s, :end -, goto 1000s +:\n%s", name, d)
		}
	}
}
