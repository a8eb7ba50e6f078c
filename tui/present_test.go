package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/scenarios/guide"
	"ringside/sim"
	"ringside/tui/speaker"
)

// docOf is the document of a scenario that has been read.
func docOf(t testing.TB, sc *scenarios.Scenario) *Doc {
	t.Helper()
	cfg, err := sc.Config()
	if err != nil {
		t.Fatal(err)
	}
	m, err := kernel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &Doc{
		Name: sc.Name, Title: sc.Title, Teaches: sc.Teaches, Misconception: sc.Misconception, Guide: sc.Guide(),
		Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}), LiveWhy: "a test has no real kernel",
	}
}

// embedded is a lesson of the program.
func embedded(t testing.TB, name string) *Lesson {
	t.Helper()
	l, err := scenarios.OpenLesson(name)
	if err != nil {
		t.Fatal(err)
	}
	out := &Lesson{Name: l.Name, Title: l.Title.In("en"), Minutes: l.Minutes}
	for _, p := range l.Parts {
		out.Parts = append(out.Parts, Part{
			Title: p.Title, Say: p.Say, Notes: p.Notes, Minutes: p.Minutes, Marks: p.Marks, Questions: p.Questions,
			Open: func() (*Doc, error) { return docOf(t, p.Scenario), nil },
		})
	}
	return out
}

// asked is a question at the handler of one packet.
var asked = guide.Note{
	At: guide.Selector{Fn: "__napi_schedule", CPU: -1, N: 1},
	Ask: &guide.Question{
		Ask: guide.Text{"en": "Who reads the packet?"}, Choices: []guide.Text{{"en": "the handler"}, {"en": "a softirq"}},
		Answer: 1, Because: guide.Text{"en": "The handler is short."},
	},
}

// onePacket is the scenario with a question more.
func onePacket(t testing.TB) *Doc {
	t.Helper()
	sc, err := scenarios.Open("one-packet")
	if err != nil {
		t.Fatal(err)
	}
	doc := docOf(t, sc)
	doc.Guide = &guide.Guide{Notes: append(slices.Clone(doc.Guide.Notes), asked)}
	return doc
}

// presenting is a presentation of a document, ten minutes after it began.
func presenting(t testing.TB, doc *Doc, w, h int) *app {
	t.Helper()
	a := testApp(t, doc, w, h, "")
	start := time.Unix(0, 0)
	a.now = func() time.Time { return start }
	a.present()
	a.now = func() time.Time { return start.Add(10*time.Minute + 5*time.Second) }
	a.message, a.stale = "", true
	return a
}

// ofLesson is a presentation of a lesson.
func ofLesson(t testing.TB, l *Lesson, w, h int) *app {
	t.Helper()
	a := newApp(Options{Theme: "mono", Lesson: l})
	a.profile = termenv.ANSI
	start := time.Unix(0, 0)
	a.now = func() time.Time { return start }
	if err := a.start(); err != nil {
		t.Fatal(err)
	}
	a.Init()
	a.now = func() time.Time { return start.Add(10*time.Minute + 5*time.Second) }
	a.Update(tea.WindowSizeMsg{Width: w, Height: h})
	a.message, a.stale = "", true
	return a
}

// jump types the number of a stop.
func (a *app) jump(n int) {
	for _, r := range fmt.Sprint(n) {
		a.keys(string(r))
	}
	a.keys("enter")
}

// stopNamed is the number of the stop of a name.
func stopNamed(t testing.TB, a *app, name string) int {
	t.Helper()
	i := slices.IndexFunc(a.show.stops, func(s stop) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("no stop %q", name)
	}
	return i + 1
}

func TestPresentationScreens(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}, {40, 12}} {
		for _, name := range []string{"the start", "five words", "a question", "the answer"} {
			t.Run(fmt.Sprintf("%s %v", name, size), func(t *testing.T) {
				a := presenting(t, onePacket(t), size[0], size[1])
				a.jump(stopNamed(t, a, name))
				golden(t, fmt.Sprintf("present-%s-%dx%d", strings.ReplaceAll(name, " ", "-"), size[0], size[1]), a.text())
			})
		}
	}
	a := ofLesson(t, embedded(t, "interrupts-firmware-io"), 80, 24)
	a.keys("} } } } T T")
	golden(t, "present-lesson-80x24", a.text())
}

// A clicker sends PgDn and PgUp: all stops are visited in the order of the run, and
// back.
func TestAClickerWalksTheMarksAndBack(t *testing.T) {
	a := presenting(t, onePacket(t), 80, 24)
	var names []string
	for i := range a.show.stops {
		if a.show.at != i || a.scene.pos != a.show.stops[i].pos {
			t.Fatalf("at stop %d, position %d", a.show.at, a.scene.pos)
		}
		names = append(names, a.show.stops[i].name)
		a.keys("pgdown")
	}
	if !strings.Contains(a.message, "end") {
		t.Errorf("behind the last one: %q", a.message)
	}
	want := "a question, the answer, the handler, softirq"
	if got := strings.Join(names, ", "); !strings.Contains(got, want) {
		t.Errorf("%s\nwant in it %s", got, want)
	}
	for range len(names) - 1 {
		a.keys("pgup")
	}
	if a.scene.pos != 0 || a.show.at != 0 {
		t.Errorf("back at stop %d", a.show.at)
	}
}

func TestAQuestionComesBeforeItsRecordAndTheAnswerBehind(t *testing.T) {
	a := presenting(t, onePacket(t), 80, 24)
	a.jump(stopNamed(t, a, "a question"))
	if text := a.text(); !strings.Contains(text, "a) the handler") || strings.Contains(text, "The handler is short.") {
		t.Errorf("the question:\n%s", text)
	}
	before := a.scene.pos
	a.keys("pgdown")
	if text := a.text(); !strings.Contains(text, "b) a softirq") || !strings.Contains(text, "The handler is short.") {
		t.Errorf("the answer:\n%s", text)
	}
	if a.scene.pos != before+1 || a.scene.m.Fn(a.scene.rec) != "__napi_schedule" {
		t.Errorf("the answer stands at position %d, the question at %d", a.scene.pos, before)
	}
}

func TestBlankingShowsNothingUntilAnyKey(t *testing.T) {
	a := presenting(t, onePacket(t), 80, 24)
	a.keys("pgdown")
	shown := a.text()
	for _, keys := range []string{". .", "b b", ". pgdown", "b x"} {
		at := a.show.at
		blank, back, _ := strings.Cut(keys, " ")
		a.keys(blank)
		if text := strings.TrimSpace(a.text()); text != "" {
			t.Errorf("%s shows\n%s", blank, text)
		}
		a.keys(back)
		if got := a.text(); got != shown || a.show.at != at {
			t.Errorf("%s does not bring the picture back:\n%s", keys, got)
		}
	}
	a.theme = newTheme("projector", termenv.TrueColor)
	a.keys("b")
	if frame := a.View(); strings.Contains(frame, "255;255;255") || !strings.Contains(frame, "48;2;0;0;0") {
		t.Error("black is not black")
	}
}

func TestJumpsGoToTheNumberThatIsTyped(t *testing.T) {
	a := presenting(t, onePacket(t), 80, 24)
	n := len(a.show.stops)
	for _, c := range []struct {
		keys string
		at   int
	}{{"7 enter", 6}, {"1 2 enter", 11}, {"home", 0}, {"end", n - 1}, {"0 enter", n - 1}, {"9 9 enter", n - 1}, {"3 pgup", n - 2}, {"0 3 enter", 2}} {
		if a.keys(c.keys); a.show.at != c.at || a.scene.pos != a.show.stops[c.at].pos {
			t.Errorf("%s: at %d, want %d", c.keys, a.show.at, c.at)
		}
	}
}

// Micro-steps lead off a mark; back leads to it, on to the next one.
func TestMicroStepsLeaveTheMarkAndComeBack(t *testing.T) {
	a := presenting(t, onePacket(t), 80, 24)
	a.jump(stopNamed(t, a, "another stack"))
	at := a.show.at
	a.keys("s s")
	if !strings.Contains(a.text(), "after another stack") || !strings.Contains(a.text(), "push RSP") {
		t.Errorf("two words on:\n%s", a.text())
	}
	a.keys("pgup")
	if a.show.at != at || !a.here() {
		t.Error("back does not lead to the mark")
	}
	a.keys("s pgdown")
	if a.show.at != at+1 || !a.here() {
		t.Error("on does not lead to the next mark")
	}
}

func TestWithoutMarksItGoesFromStationToStation(t *testing.T) {
	doc := document(t, 1, 1)
	a := presenting(t, doc, 80, 24)
	var names []string
	for range len(a.show.stops) - 1 {
		a.keys("right")
		names = append(names, a.show.stops[a.show.at].name)
	}
	if got := strings.Join(names, " "); !strings.Contains(got, "wire nic dma msi apic idt irq softirq napi skb udp socket") {
		t.Errorf("stations %s", got)
	}
}

// Leaving gives the screen back where the presentation stood, with its theme, and P
// goes on there.
func TestLeavingAndComingBack(t *testing.T) {
	a := testApp(t, onePacket(t), 120, 40, "")
	a.opts.Theme, a.theme = "", newTheme("dark", termenv.TrueColor)
	a.profile = termenv.TrueColor
	a.keys("} } }")
	pos := a.scene.pos
	a.Update(press("P"))
	if a.theme.name != "projector" || a.scene.pos != pos {
		t.Errorf("theme %s, position %d", a.theme.name, a.scene.pos)
	}
	a.keys("pgdown")
	pos = a.scene.pos
	a.keys("esc")
	if a.show.on || a.theme.name != "dark" || a.scene.pos != pos || !strings.Contains(a.text(), "LOG") && !strings.Contains(a.text(), "TIME") {
		t.Errorf("left: theme %s\n%s", a.theme.name, a.text())
	}
	a.keys("f5 t esc")
	if a.theme.name == "dark" {
		t.Error("a theme that was chosen stays")
	}
}

func TestALessonGoesOverItsParts(t *testing.T) {
	l := embedded(t, "interrupts-firmware-io")
	a := ofLesson(t, l, 80, 24)
	seen := map[int]bool{}
	for range 200 {
		seen[a.show.part] = true
		a.keys("pgdown")
	}
	if len(seen) != len(l.Parts) || a.show.part != len(l.Parts)-1 || !strings.Contains(a.message, "end") {
		t.Errorf("%d parts seen, at part %d: %s", len(seen), a.show.part+1, a.message)
	}
	text := a.text()
	if !strings.Contains(text, "part 10/10") || !strings.Contains(text, "10:05/60:00  part to 60:00") {
		t.Errorf("the screen:\n%s", text)
	}
	a.keys("home pgup")
	if a.show.part != 0 || a.show.at != 0 {
		t.Errorf("at part %d, stop %d", a.show.part+1, a.show.at+1)
	}
	a.keys("} pgup")
	if a.show.part != 0 || a.show.at != len(a.show.stops)-1 {
		t.Errorf("back from part 2: part %d, stop %d", a.show.part+1, a.show.at+1)
	}
}

// On a projector, nothing that is said may be cut.
func TestWhatALessonSaysFitsOn80x24(t *testing.T) {
	for _, lang := range []string{"en", "de"} {
		for _, name := range scenarios.Lessons() {
			a := ofLesson(t, embedded(t, name), 80, 24)
			a.opts.Lang = lang
			fitting(t, a, name+", "+lang)
		}
	}
}

// fitting walks a lesson and fails where not all that is said can be seen.
func fitting(t *testing.T, a *app, name string) {
	t.Helper()
	for range 200 {
		r := newShowLayout(80, 24, false).text.inset()
		rows := 0
		for _, text := range a.said() {
			rows += len(fold(r.w, text))
		}
		if at := &a.show.stops[a.show.at]; rows > r.h {
			t.Errorf("%s, part %d, %s: %d rows, there are %d", name, a.show.part+1, at.name, rows, r.h)
		}
		a.keys("pgdown")
	}
}

// The speaker's terminal follows, and can lead.
func TestSpeakerNotesFollowAndLead(t *testing.T) {
	dir := t.TempDir()
	doc := onePacket(t)
	a := testApp(t, doc, 80, 24, "")
	a.opts.NotesDir = dir + "/notes"
	sent := make(chan tea.Msg, 1)
	a.send = func(m tea.Msg) { sent <- m }
	a.Update(press("P"))
	defer a.closeNotes()
	client, err := speaker.Dial(a.opts.NotesDir, "one-packet")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	v := newNotesView(client, "mono", false)
	follow := func(want string) {
		t.Helper()
		v.Update(v.wait())
		if !strings.Contains(v.View(), want) {
			t.Errorf("want %q in\n%s", want, v.View())
		}
	}
	follow("mark 1/")
	follow2 := stopNamed(t, a, "five words")
	a.jump(follow2)
	follow("Count them on the stack.")
	for _, want := range []string{" five words ", "NEXT: the gate", "QUESTIONS COMING", "Who reads the packet? - a softirq"} {
		if !strings.Contains(v.View(), want) {
			t.Errorf("want %q in\n%s", want, v.View())
		}
	}
	v.key("right")()
	a.Update(<-sent)
	if a.show.at != follow2 {
		t.Errorf("at stop %d", a.show.at)
	}
	follow(" the gate ")
	v.key("b")()
	a.Update(<-sent)
	follow("the screen is black")
	v.key("left")()
	a.Update(<-sent)
	follow(" five words ")
	a.keys("esc")
	follow("not presenting now")
	a.closeNotes()
	if _, cmd := v.Update(v.wait()); v.err != speaker.ErrEnded || cmd == nil {
		t.Errorf("after the end: %v", v.err)
	}
}

// Where a coming question does not fit, the speaker still reads its answer.
func TestTheAnswersOfComingQuestionsAreNotCut(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 40))
	v := newNotesView(nil, "mono", false)
	for h := 20; h < 40; h++ {
		v.w, v.h = 80, h
		v.state = &speaker.State{
			Notes: long, Say: long, Next: &speaker.Preview{Mark: "m", Say: "next"},
			Questions: []speaker.Question{{Ask: long, Answer: "the first answer"}, {Ask: long, Answer: "the second answer"}},
		}
		screen := ansi.Strip(v.View())
		_, coming, shown := strings.Cut(screen, "QUESTIONS COMING")
		if shown && (strings.Contains(coming, "…") || !strings.Contains(coming, "the first answer")) {
			t.Errorf("%d rows:\n%s", h, screen)
		}
	}
}

// A question is no use without all its choices.
func TestAllChoicesOfAQuestionAreSeen(t *testing.T) {
	doc := onePacket(t)
	q := *asked.Ask
	q.Choices = nil
	for i := range 6 {
		q.Choices = append(q.Choices, guide.Text{"en": fmt.Sprintf("choice number %d", i+1)})
	}
	note := asked
	note.Ask = &q
	doc.Guide.Notes[len(doc.Guide.Notes)-1] = note
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}, {200, 60}} {
		a := presenting(t, doc, size[0], size[1])
		if a.jump(stopNamed(t, a, "a question")); !strings.Contains(a.text(), "f) choice number 6") {
			t.Errorf("%v:\n%s", size, a.text())
		}
	}
}

// What is said at a record without a mark is read by whoever comes by.
func TestNarrationWithoutAMarkIsSaidOnTheWay(t *testing.T) {
	doc := onePacket(t)
	doc.Guide.Notes = append(doc.Guide.Notes, guide.Note{
		At:  guide.Selector{Fn: "(interrupt delivery)", Step: "push SS", Task: "worker", CPU: -1, N: 1},
		Say: guide.Text{"en": "The first word.", "de": "Das erste Wort."},
	})
	a := presenting(t, doc, 80, 24)
	a.opts.Lang = "de"
	a.jump(stopNamed(t, a, "another stack"))
	if a.keys("s"); !strings.Contains(a.text(), "Das erste Wort.") {
		t.Errorf("screen:\n%s", a.text())
	}
	if a.keys("s"); strings.Contains(a.text(), "Das erste Wort.") {
		t.Errorf("it is said one record later as well:\n%s", a.text())
	}
}

// A question is about the next record, so what is said of the last one comes first.
func TestWhatIsSaidComesBeforeTheNextQuestion(t *testing.T) {
	a := presenting(t, courseDoc(t, "write-on-arm64"), 80, 24)
	var names []string
	for _, s := range a.show.stops {
		names = append(names, s.name)
	}
	want := "the answer, svc, a question, the answer, nothing pushed"
	if got := strings.Join(names, ", "); !strings.Contains(got, want) {
		t.Errorf("%s\nwant in it %s", got, want)
	}
}

// Behind syscall ring 0 still has the program's stack pointer.
func TestTheStackThatRSPPointsTo(t *testing.T) {
	a := presenting(t, courseDoc(t, "syscall-door"), 80, 24)
	for _, c := range [][2]string{{"swapgs", "user stack"}, {"the stack", "kernel stack"}} {
		a.jump(stopNamed(t, a, c[0]))
		if text := a.text(); !strings.Contains(text, c[1]) {
			t.Errorf("at %s, want %s:\n%s", c[0], c[1], text)
		}
	}
}
