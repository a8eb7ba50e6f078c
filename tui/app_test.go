package tui

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/muesli/termenv"
	"pgregory.net/rapid"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/scenarios"
	both "ringside/scenarios/lanes"
	"ringside/sim"
)

var update = flag.Bool("update", false, "rewrite the golden screens")

const serverSource = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
ep := epoll_create1(0)
epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
var events [8]epoll_event
var buf [512]byte
for {
	n := epoll_wait(ep, events, 8, -1)
	for i := 0; i < n; i++ {
		read(events[i].fd, buf, 512)
	}
}`

// thread compiles a program for a test's machine.
func thread(t testing.TB, name, src string, start sim.Time) kernel.ThreadConfig {
	t.Helper()
	p, err := program.Compile(src, program.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return kernel.ThreadConfig{Name: name, CPU: -1, Start: start, Program: p}
}

// document is a server in epoll_wait beside a thread that computes, and some
// packets.
func document(t testing.TB, cpus, packets int) *Doc {
	t.Helper()
	return documentUntil(t, cpus, packets, 300*sim.Microsecond)
}

func documentUntil(t testing.TB, cpus, packets int, stop sim.Time) *Doc {
	t.Helper()
	cfg := &kernel.Config{
		CPUs: cpus, Seed: 1, NIC: nic.DefaultConfig(), Params: kernel.DefaultParams(), Stop: stop,
		Threads: []kernel.ThreadConfig{
			thread(t, "server", serverSource, 0),
			thread(t, "worker", "for { compute(1*ms) }", 20*sim.Microsecond),
		},
		Wire: []kernel.Packets{{
			At: 100 * sim.Microsecond, Every: 3 * sim.Microsecond, Count: packets, Payload: []byte("hello"),
			From: netip.MustParseAddrPort("10.0.0.2:5555"), To: netip.AddrPortFrom(kernel.HostIP, 7000),
		}},
	}
	m, err := kernel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &Doc{
		Name: "one-packet", Title: "One packet, one wakeup", Teaches: "How a packet becomes a wakeup.",
		Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}), LiveWhy: "a test has no real kernel",
	}
}

// alone is for long tests in which nothing runs beside anything else: the race
// detector has nothing to find there.
func alone(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and of one goroutine")
	}
}

// testApp is the screen of a document at a size.
func testApp(t testing.TB, doc *Doc, w, h int, layout string) *app {
	t.Helper()
	a := newApp(Options{
		Items: []Item{{Name: doc.Name, Title: doc.Title, Teaches: doc.Teaches, Chapter: "path"}}, Layout: layout, Theme: "mono",
		Open: func(name string) (*Doc, error) {
			if name != doc.Name {
				return nil, fmt.Errorf("no scenario %q", name)
			}
			return doc, nil
		},
	})
	a.profile = termenv.ANSI
	if err := a.open(doc.Name); err != nil {
		t.Fatal(err)
	}
	a.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return a
}

// keys presses keys, named apart by blanks.
func (a *app) keys(names string) {
	for _, k := range strings.Fields(names) {
		a.Update(press(k))
	}
}

// text is the frame without its styles.
func (a *app) text() string { return ansi.Strip(a.View()) }

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got+"\n"); d != "" {
		t.Errorf("%s, want -, got +:\n%s", path, d)
	}
}

// What lies over the panels, or takes their place.
func TestZoomAndWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		keys string
	}{
		{"zoom-100x30", 100, 30, "} } } } } } } 3 enter"},
		{"why-80x24", 80, 24, "} } } } } } } w"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testApp(t, document(t, 1, 2), c.w, c.h, "")
			a.keys(c.keys)
			golden(t, c.name, a.text())
		})
	}
}

// scenario opens one of the course.
func scenario(t testing.TB, name string) *Doc {
	t.Helper()
	sc, err := scenarios.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sc.NewMachine()
	if err != nil {
		t.Fatal(err)
	}
	return &Doc{Name: name, Title: sc.Title, Teaches: sc.Teaches, Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}), LiveWhy: "a test has no real kernel"}
}

// What the panels show of every kind of file, at the sizes of the layouts.
func TestScreensOfTheCourse(t *testing.T) {
	alone(t)
	for _, c := range []struct {
		scenario, size string
		w, h           int
		find           []string // to one record after another
	}{
		{"loopback", "80x24", 80, 24, []string{"enqueue_to_backlog", "process_backlog"}},
		{"loopback", "120x40", 120, 40, []string{"__udp_enqueue"}},
		{"poll-and-epoll", "120x40", 120, 40, []string{"poll_schedule_timeout", "e1000_intr"}},
		{"poll-and-epoll", "200x60", 200, 60, []string{"pollwake"}},
		{"pipe-end-of-file", "80x24", 80, 24, []string{"anon_pipe_write", "anon_pipe_write: merge"}},
		{"timers-are-files", "120x40", 120, 40, []string{"timerfd_settime", "do_epoll_wait"}},
		{"socketpair-room", "120x40", 120, 40, []string{"unix_stream_sendmsg", "sock_def_readable"}},
		{"signal-interrupts", "80x24", 80, 24, []string{"signal_wake_up_state", "try_to_wake_up"}},
		{"ten-thousand-descriptors", "200x60", 200, 60, []string{"eventfd_write", "do_pollfd"}},
	} {
		t.Run(c.scenario+"-"+c.size, func(t *testing.T) {
			a := testApp(t, scenario(t, c.scenario), c.w, c.h, "")
			for _, text := range c.find {
				a.answer(promptCommand, "find "+text)
			}
			a.stale = true
			golden(t, c.scenario+"-"+c.size, a.text())
		})
	}
}

// The path of a packet of this host begins at the softirq: nothing says that a
// card or an interrupt took part.
func TestLoopbackHasNoCard(t *testing.T) {
	a := testApp(t, scenario(t, "loopback"), 120, 40, "")
	a.toEnd()
	for pos := range a.scene.pos {
		a.move(pos)
		a.stale = true
		path := strings.Split(a.text(), "\n")[1]
		if i := strings.IndexAny(path, "━["); i >= 0 && i < strings.Index(path, "softirq")-1 {
			t.Fatalf("position %d: %s", pos, path)
		}
	}
}

// checkFrame fails if a frame is larger than the terminal or has what must not
// reach it.
func checkFrame(t interface{ Fatalf(string, ...any) }, a *app) {
	rows := strings.Split(a.View(), "\n")
	if len(rows) > a.h {
		t.Fatalf("%d rows in a terminal of %d", len(rows), a.h)
	}
	for i, row := range rows {
		if n := ansi.StringWidth(row); n > a.w {
			t.Fatalf("row %d is %d cells wide in a terminal of %d: %q", i, n, a.w, ansi.Strip(row))
		}
		for _, r := range ansi.Strip(row) {
			if r < ' ' || r >= 0x7f && !oneCell(r, a.grid.ascii) {
				t.Fatalf("row %d has %q", i, r)
			}
		}
	}
}

// Forward k and back k restores the screen to the byte, by steps and by records.
func TestForwardAndBackRestoresTheScreen(t *testing.T) {
	doc := document(t, 2, 12)
	rapid.Check(t, func(r *rapid.T) {
		a := testApp(t, doc, 200, 60, "")
		for !doc.Timeline.Done() {
			a.scene.extend(extendBy)
		}
		a.move(sim.Seq(rapid.IntRange(0, int(doc.Timeline.Len())).Draw(r, "start")))
		if rapid.Bool().Draw(r, "whole steps") {
			a.move(a.scene.ix.end(a.scene.step))
		}
		forward, back := "l", "h"
		if a.scene.pos != a.scene.ix.end(a.scene.step) {
			forward, back = "s", "S"
		}
		var seen []string
		for range rapid.IntRange(1, 30).Draw(r, "k") {
			pos := a.scene.pos
			a.message = ""
			a.stale = true
			seen = append(seen, a.View())
			if a.keys(forward); a.scene.pos == pos {
				seen = seen[:len(seen)-1]
				break
			}
		}
		for i := len(seen) - 1; i >= 0; i-- {
			a.keys(back)
			if got := a.View(); got != seen[i] {
				r.Fatalf("%d steps from the start: want -, got +:\n%s", i, cmp.Diff(ansi.Strip(seen[i]), ansi.Strip(got)))
			}
		}
	})
}

// The same with a filter, and with something that is followed: from one of its
// records k on and k back.
func TestForwardAndBackAmongMatchesRestoresTheScreen(t *testing.T) {
	doc := document(t, 2, 12)
	rapid.Check(t, func(r *rapid.T) {
		a := testApp(t, doc, 200, 60, "")
		for !doc.Timeline.Done() {
			a.scene.extend(extendBy)
		}
		a.move(0)
		a.answer(promptCommand, rapid.SampledFrom([]string{
			"filter tp:sched_waking", "filter ctx:softirq cpu:0", "filter obj:\"socket 0\"", "follow packet 3", "follow server", "follow fd 3",
		}).Draw(r, "command"))
		for range rapid.IntRange(1, 20).Draw(r, "start") {
			a.keys("l")
		}
		var seen []string
		for range rapid.IntRange(1, 20).Draw(r, "k") {
			pos := a.scene.pos
			a.message = ""
			a.stale = true
			seen = append(seen, a.View())
			if a.keys("l"); a.scene.pos == pos {
				seen = seen[:len(seen)-1]
				break
			}
		}
		for i := len(seen) - 1; i >= 0; i-- {
			a.keys("h")
			a.message = ""
			a.stale = true
			if got := a.View(); got != seen[i] {
				r.Fatalf("%d steps from the start: want -, got +:\n%s", i, cmp.Diff(ansi.Strip(seen[i]), ansi.Strip(got)))
			}
		}
	})
}

// However a position is reached, the screen is the same.
func TestTheScreenDependsOnThePositionAlone(t *testing.T) {
	doc := document(t, 2, 12)
	a := testApp(t, doc, 120, 40, "")
	for !doc.Timeline.Done() {
		a.scene.extend(extendBy)
	}
	var want []string
	n := doc.Timeline.Len()
	for pos := range n + 1 {
		a.move(pos)
		a.stale = true
		want = append(want, a.View())
	}
	rapid.Check(t, func(r *rapid.T) {
		pos := sim.Seq(rapid.IntRange(0, int(n)).Draw(r, "pos"))
		a.move(pos)
		a.stale = true
		if got := a.View(); got != want[pos] {
			r.Fatalf("position %d:\n%s", pos, cmp.Diff(ansi.Strip(want[pos]), ansi.Strip(got)))
		}
	})
}

func TestStepsAreNumberedFromOneAndEndWhereTheNextBegins(t *testing.T) {
	doc := document(t, 1, 1)
	a := testApp(t, doc, 80, 24, "")
	a.toEnd()
	ix := a.scene.ix
	for step := 1; step <= len(ix.steps); step++ {
		if ix.at(ix.end(step)) != step || ix.at(ix.start(step)+1) != step || ix.end(step-1) != ix.start(step) {
			t.Fatalf("step %d: %d to %d", step, ix.start(step), ix.end(step))
		}
		first := doc.Timeline.At(ix.start(step))
		for i := ix.start(step); i < ix.end(step); i++ {
			if r := doc.Timeline.At(i); r.CPU != first.CPU || r.Task != first.Task || r.Ctx != first.Ctx || r.Station != first.Station {
				t.Fatalf("step %d holds different records: %+v and %+v", step, first, r)
			}
		}
	}
}

// The processor's own work at an interrupt is one step, its micro-steps are the
// records: vector, stack, five words, gate.
func TestInterruptDeliveryIsOneStep(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 80, 24, "")
	a.answer(promptCommand, "goto 99us")
	a.keys("} } } } } }")
	if station, here := a.scene.station(); station != kernel.StIDT || !here {
		t.Fatalf("at station %s", kernel.Stations[station])
	}
	if _, n := a.scene.micro(); n != 8 {
		t.Errorf("%d micro-steps, want 8", n)
	}
}

func TestNextStationFollowsThePath(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.answer(promptCommand, "goto 99us")
	for want := kernel.StWire; want <= kernel.StNAPI; want++ {
		a.keys("}")
		if got, _ := a.scene.station(); got != want {
			t.Fatalf("at %s, want %s", kernel.Stations[got], kernel.Stations[want])
		}
	}
	a.keys("{")
	if got, _ := a.scene.station(); got != kernel.StSoftirq {
		t.Errorf("back at %s", kernel.Stations[got])
	}
}

func TestBreakRunsOnAndBack(t *testing.T) {
	a := testApp(t, document(t, 1, 3), 120, 40, "")
	a.answer(promptCommand, "find ep_poll_callback")
	first := a.scene.pos
	a.keys("b c")
	second := a.scene.pos
	if second <= first {
		t.Fatalf("from %d to %d", first, second)
	}
	if !a.breaks[0].match(a.scene.rec, a.scene.pos-1) {
		t.Error("stopped at another kind of record")
	}
	if a.keys("C"); a.scene.pos != first {
		t.Errorf("back at %d, want %d", a.scene.pos, first)
	}
	if a.keys("b"); len(a.breaks) != 0 {
		t.Errorf("breaks left: %v", a.breaks)
	}
}

func TestSearchGoesBothWays(t *testing.T) {
	a := testApp(t, document(t, 1, 3), 120, 40, "")
	a.keys("/")
	for _, c := range "NAPI_POLL" {
		a.Update(press(string(c)))
	}
	a.keys("enter")
	first := a.scene.pos
	if first == 0 {
		t.Fatal("not found")
	}
	a.keys("n N")
	if a.scene.pos != first {
		t.Errorf("at %d, want %d", a.scene.pos, first)
	}
	a.keys("N")
	if a.scene.pos != first || !strings.Contains(a.message, "not found") {
		t.Errorf("at %d, message %q", a.scene.pos, a.message)
	}
}

func TestMarks(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.keys("l l m")
	mine := a.scene.pos
	a.keys("end [ [ [ home ]")
	if a.scene.pos != mine {
		t.Errorf("at %d, want the user's mark at %d", a.scene.pos, mine)
	}
	a.keys("m home ]")
	if a.scene.pos == mine {
		t.Error("the mark is still there")
	}
	if r := a.scene.rec; r == nil || !worthAMark(r) {
		t.Errorf("stopped at %+v", r)
	}
}

func TestGoto(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.keys("g 7 enter")
	if a.scene.step != 7 || a.scene.pos != a.scene.ix.end(7) {
		t.Errorf("step %d, position %d", a.scene.step, a.scene.pos)
	}
	a.answer(promptGoto, "101us")
	if now := a.scene.m.Now; now > 101*sim.Microsecond || now < 100*sim.Microsecond {
		t.Errorf("t %s", now)
	}
	a.answer(promptGoto, "0")
	if a.scene.pos != 0 {
		t.Errorf("position %d", a.scene.pos)
	}
	a.answer(promptGoto, "tomorrow")
	if a.message == "" {
		t.Error("no message")
	}
}

func TestViewIsCachedUntilSomethingChanges(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.View()
	a.grid.cells[0].r = 'X'
	a.Update(struct{}{})
	if a.stale || strings.HasPrefix(a.View(), "X") {
		t.Error("drawn again for a message that changes nothing")
	}
}

func TestPlayStepsUntilTheEnd(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.keys("space")
	for i := 0; a.player.on && i < 100_000; i++ {
		a.Update(playMsg(a.player.gen))
	}
	if a.player.on || a.scene.pos != a.scene.tl.Len() {
		t.Errorf("stopped at %d of %d", a.scene.pos, a.scene.tl.Len())
	}
	a.keys("home space")
	a.Update(playMsg(a.player.gen - 1))
	if a.scene.pos != 0 {
		t.Error("a tick of an earlier run moved the cursor")
	}
}

func TestLiveCallsAreComparedWithTheModel(t *testing.T) {
	doc := document(t, 1, 1)
	doc.Live = func(context.Context) (*LiveRun, error) {
		return &LiveRun{Calls: []both.Call{
			{Thread: "server", Line: "socket(AF_INET, SOCK_DGRAM, 0) = 3"}, {Thread: "server", Line: "bind(3, 0.0.0.0:7000) = -1 EADDRINUSE"},
		}}, nil
	}
	a := testApp(t, doc, 200, 60, "")
	a.Update(a.startLive()())
	a.keys("0 enter")
	if text := a.text(); !strings.Contains(text, "1 same") || !strings.Contains(text, "real: bind(3") {
		t.Errorf("screen:\n%s", text)
	}
	doc.Live = func(context.Context) (*LiveRun, error) { return nil, errors.New("no such kernel") }
	a.Update(a.startLive()())
	if text := a.text(); !strings.Contains(text, "no such kernel") {
		t.Errorf("screen:\n%s", text)
	}
}

func TestPickerOpensAndTellsWhatIsWrong(t *testing.T) {
	doc := document(t, 1, 1)
	a := testApp(t, doc, 80, 24, "")
	a.keys("esc")
	if a.scene != nil || !strings.Contains(a.text(), doc.Title) {
		t.Fatalf("no picker:\n%s", a.text())
	}
	a.opts.Items = append(a.opts.Items, Item{Name: "missing", Title: "Missing"})
	a.pick.items = a.opts.Items
	a.keys("down enter")
	if !strings.Contains(a.text(), `no scenario "missing"`) {
		t.Errorf("screen:\n%s", a.text())
	}
}

func TestPickerIsWalkedAndSearched(t *testing.T) {
	a := newApp(Options{
		Items: []Item{
			{Name: "a", Title: "Ants", Chapter: "one"}, {Name: "b", Title: "Bees", Chapter: "one"},
			{Name: "c", Title: "Cats", Teaches: "They purr.", Chapter: "two"}, {Name: "d", Title: "Dogs", Chapter: "three"},
		},
	})
	for _, c := range []struct {
		keys string
		want int
	}{
		{"}", 2}, {"}", 3}, {"}", 3}, {"{", 2}, {"up {", 0}, {"{", 0}, {"down {", 0}, {"pgdown", 3}, {"pgup", 0},
		{"/ p u r r enter", 2}, {"n", 2}, {"/ A n t enter", 0}, {"/ x enter", 0}, {"/ T W O enter", 2}, {"n", 2}, {"home", 0}, {"N", 2}, {"end", 3},
	} {
		if a.keys(c.keys); a.pick.at != c.want {
			t.Errorf("%s: at %d, want %d", c.keys, a.pick.at, c.want)
		}
		a.text()
	}
	if a.keys("/ z z enter"); !strings.Contains(a.text(), "nothing here is about zz") {
		t.Errorf("screen:\n%s", a.text())
	}
	if a.keys("?"); !strings.Contains(a.text(), "next chapter") {
		t.Errorf("screen:\n%s", a.text())
	}
}

// TestPickerPresentsLessons: they stand behind the scenarios; when one is left,
// the picker comes back and opens scenarios as ever.
func TestPickerPresentsLessons(t *testing.T) {
	l := embedded(t, scenarios.Lessons()[0])
	doc := document(t, 1, 1)
	a := newApp(Options{
		Items:      []Item{{Name: doc.Name, Title: doc.Title, Chapter: "path"}},
		Lessons:    []Item{{Name: l.Name, Title: l.Title, Size: "60 minutes, 2 parts", Chapter: "lessons"}},
		Open:       func(string) (*Doc, error) { return doc, nil },
		OpenLesson: func(string) (*Lesson, error) { return l, nil },
	})
	a.keys("end")
	if got := a.text(); !strings.Contains(got, "lessons") || !strings.Contains(got, "60 minutes") || !strings.Contains(got, "Enter present") {
		t.Errorf("picker:\n%s", got)
	}
	if a.keys("enter"); !a.show.on || a.scene == nil || a.show.lesson != l {
		t.Fatalf("nothing is presented:\n%s", a.text())
	}
	if a.keys("esc esc"); a.scene != nil {
		t.Fatalf("no picker:\n%s", a.text())
	}
	if a.keys("home enter"); a.show.on || a.scene == nil || a.scene.doc != doc {
		t.Errorf("the scenario is not open:\n%s", a.text())
	}
}

// On every way out the alternate screen is left and the cursor shown again.
func TestTerminalIsRestored(t *testing.T) {
	for _, c := range []struct {
		name, input string
		panics      bool
	}{
		{"quit", "lllq", false}, {"ctrl-c", "\x03", false}, {"panic", "ll\x1b[Z\x0c", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := testApp(t, document(t, 1, 1), 80, 24, "")
			if c.panics {
				a.actions = append([]action{row("ctrl+l", "", "", "", groupOther, "", plain(func(*app) { panic("a bug") }))}, a.actions...)
			}
			var out bytes.Buffer
			_, err := tea.NewProgram(a, tea.WithAltScreen(), tea.WithInput(strings.NewReader(c.input)), tea.WithOutput(&out), tea.WithoutSignalHandler()).Run()
			if (err != nil) != c.panics {
				t.Fatalf("error %v", err)
			}
			for _, end := range []string{"\x1b[?1049l", "\x1b[?25h"} {
				if !strings.Contains(out.String(), end) {
					t.Errorf("the output ends without %q", end)
				}
			}
			if !c.panics && c.input != "\x03" && a.scene.step != 3 {
				t.Errorf("at step %d: keys typed at once must count each", a.scene.step)
			}
		})
	}
}

func BenchmarkFrame200x60(b *testing.B) {
	a := testApp(b, document(b, 2, 12), 200, 60, "")
	a.theme = newTheme("dark", termenv.TrueColor)
	a.answer(promptCommand, "find udp_enqueue")
	b.ReportAllocs()
	for b.Loop() {
		a.stale = true
		a.View()
	}
}

func BenchmarkStepAndFrame200x60(b *testing.B) {
	a := testApp(b, document(b, 2, 12), 200, 60, "")
	a.toEnd()
	a.move(0)
	forward, back := press("l"), press("h")
	n := len(a.scene.ix.steps)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i/n%2 == 0 {
			a.Update(forward)
		} else {
			a.Update(back)
		}
		a.View()
	}
}
