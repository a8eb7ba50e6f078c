package quiz

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/nic"
	"ringside/scenarios"
	"ringside/sim"
)

// course is a run of an embedded scenario, with what strace says of it.
type course struct {
	run   *Run
	book  *Book
	lines []line
}

type line struct {
	seq  sim.Seq
	task kernel.TaskID
	text string
}

// mostRecords is how much of a run the tests look at.
const mostRecords = 30_000

func openCourse(t testing.TB, name string, seed uint64) *course {
	t.Helper()
	sc, err := scenarios.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return openRun(t, sc, seed)
}

func openRun(t testing.TB, sc *scenarios.Scenario, seed uint64) *course {
	t.Helper()
	m, err := sc.NewMachine()
	if err != nil {
		t.Fatal(err)
	}
	c := &course{run: sim.NewTimeline(m, kernel.Fresh, sim.Options{MaxRecords: mostRecords})}
	c.book = NewBook(m.Image, sc.Guide(), Options{Lang: "en", Seed: seed})
	c.run.OnAppend = func(m *kernel.Machine, r *sim.Record, seq sim.Seq) {
		c.book.Record(m, r, seq)
		if task, text, ok := m.Strace(r); ok {
			c.lines = append(c.lines, line{seq, task, text})
		}
	}
	c.run.Run(mostRecords)
	return c
}

// questions are the first ones of a run.
func (c *course) questions(d Density, most int) (all []Question) {
	asked := map[string]bool{}
	key := func(kind string, pos sim.Seq) string { return fmt.Sprint(kind, pos) }
	for pos := sim.Seq(0); len(all) < most; {
		q, ok := c.book.Next(c.run, pos, c.run.Len(), d, func(kind string, pos sim.Seq) bool { return asked[key(kind, pos)] })
		if !ok {
			break
		}
		asked[key(q.Kind, q.Pos)], pos = true, q.Pos
		all = append(all, q)
	}
	return all
}

// TestTheRunAgreesWithEveryAnswer asks everything of all embedded scenarios and
// looks the answers up in the run that was replayed.
func TestTheRunAgreesWithEveryAnswer(t *testing.T) {
	n := map[string]int{}
	for _, name := range scenarios.Builtin() {
		c := openCourse(t, name, 1)
		for _, q := range append(c.questions(Many, 150), c.book.totals(c.run)...) {
			c.verify(t, name, &q, n)
		}
	}
	for i := range kinds {
		if n[kinds[i].name] == 0 && !kinds[i].sheet {
			t.Errorf("no question of the kind %q anywhere", kinds[i].name)
		}
	}
	for i := range totals {
		if n[totals[i].name] == 0 {
			t.Errorf("no question about %s anywhere", totals[i].name)
		}
	}
}

// verify looks the answer to a question up in the run, and counts those that it has
// looked up.
func (c *course) verify(t *testing.T, name string, q *Question, n map[string]int) {
	t.Helper()
	if bad := badForm(q); bad != "" {
		t.Errorf("%s: %s: %+v", name, bad, q)
	}
	if q.See >= c.run.Len() && !c.run.Done() {
		return // beyond what the test looks at
	}
	if q.See+1 < q.Pos || q.See >= c.run.Len() && !strings.HasPrefix(q.Choices[q.Answer], never) {
		t.Errorf("%s: the answer is seen at %d of %d: %+v", name, q.See, c.run.Len(), q)
		return
	}
	if q.Own || q.See >= c.run.Len() {
		return
	}
	n[q.Kind]++
	saw := ""
	if look := replayed[q.Kind]; look != nil {
		saw = look(c, q)
	} else {
		saw = differs(fmt.Sprint(c.counted(q.Kind)), q.Choices[q.Answer])
	}
	if saw != "" {
		t.Errorf("%s: the run says %s: %+v", name, saw, q)
	}
}

// TestEverySheetIsRight: of each scenario that varies, what is asked on sheets is
// looked up in the run of the sheet's own instance, and the sheets of neighbours
// have other values and other answers.
func TestEverySheetIsRight(t *testing.T) {
	n := map[string]int{}
	for _, name := range scenarios.Builtin() {
		sc, err := scenarios.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if !sc.Varies() {
			continue
		}
		t.Run(name, func(t *testing.T) { sheetsAreRight(t, sc, n) })
	}
	for i := range kinds {
		if n[kinds[i].name] == 0 && kinds[i].sheet {
			t.Errorf("no question of the kind %q anywhere", kinds[i].name)
		}
	}
}

// sheetSeeds are how many sheets of a scenario are looked at.
const sheetSeeds = 50

func sheetsAreRight(t *testing.T, sc *scenarios.Scenario, n map[string]int) {
	var before []scenarios.Param
	answers := map[string]map[string]bool{} // to each question, by its words
	for seed := uint64(1); seed <= sheetSeeds; seed++ {
		inst, err := sc.Instance(seed)
		if err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(before, inst.Params()) {
			t.Errorf("%s has the values of its neighbour", inst.Name)
		}
		before = inst.Params()
		c := openRun(t, inst, seed)
		if !c.run.Done() {
			t.Errorf("%s is too long a run for a sheet", inst.Name)
		}
		if m := c.at(c.run.Len()); m.Fault != "" {
			t.Errorf("%s: %s", inst.Name, m.Fault)
		}
		questions := c.book.Sample(c.run, sheetLength, true)
		if len(questions) < sheetLength-1 {
			t.Errorf("%s has %d questions", inst.Name, len(questions))
		}
		for i := range questions {
			q := &questions[i]
			c.verify(t, inst.Name, q, n)
			if answers[q.Ask] == nil {
				answers[q.Ask] = map[string]bool{}
			}
			answers[q.Ask][q.Choices[q.Answer]] = true
		}
	}
	several := 0
	for _, a := range answers {
		if len(a) > 1 {
			several++
		}
	}
	if several < 3 {
		t.Errorf("only %d questions have other answers on other sheets: %v", several, answers)
	}
}

// badForm says what is wrong with a question as such.
func badForm(q *Question) string {
	for i, c := range q.Choices {
		if c == "" || slices.Contains(q.Choices[:i], c) {
			return "an empty choice, or one twice"
		}
	}
	switch {
	case len(q.Choices) < 2 || len(q.Choices) > 6 || q.Answer < 0 || q.Answer >= len(q.Choices):
		return "choices"
	case !strings.HasSuffix(q.Ask, "?") || !strings.HasSuffix(q.Because, ".") || strings.Contains(q.Ask+q.Because, "%!"):
		return "text"
	case len(q.Ask) > 250 || len(q.Because) > 250:
		return "too long"
	}
	return ""
}

// replayed looks the answer of each kind up in the run, and says what it found if
// that is something else.
var replayed = map[string]func(c *course, q *Question) string{
	"skipped entries": func(c *course, q *Question) string {
		queue, entries, called := c.run.At(q.Pos-1).Obj, 0, 0
		m := c.at(q.Pos)
		for w := m.Queues[queue].First; w != kernel.None; w = m.Waits[w].Next {
			entries++
		}
		for i := q.Pos; i < q.See; i++ {
			if r := c.run.At(i); m.Fn(r) == "__wake_up_common" && r.Kind == kernel.KindQueue && r.Obj == queue && r.CPU == c.run.At(q.Pos-1).CPU {
				called++
			}
		}
		skipped := 0
		for _, part := range strings.Split(q.Choices[q.Answer], ", ") {
			var from, to int
			switch n, _ := fmt.Sscanf(part, "%d to %d", &from, &to); n {
			case 1:
				skipped++
			case 2:
				skipped += to - from + 1
			}
		}
		return differs(fmt.Sprint(entries-called), fmt.Sprint(skipped))
	},
	"next task": func(c *course, q *Question) string {
		core := c.run.At(q.Pos - 1).CPU
		m := c.at(q.Pos)
		for i := q.Pos; i < c.run.Len(); i++ {
			r := c.run.At(i)
			if r.CPU != core {
				continue
			}
			if r.Point == kernel.PointSchedSwitch {
				return differs(m.Tasks[r.Obj].Name, q.Choices[q.Answer])
			}
			if m.Fn(r) == "__schedule" && r.Step == 2 {
				break // nobody else was picked
			}
		}
		return differs(m.Tasks[m.CPUs[core].Current].Name, q.Choices[q.Answer])
	},
	"return value": func(c *course, q *Question) string {
		return c.straced(q, func(text string) bool { return strings.HasSuffix(text, " = "+q.Choices[q.Answer]) })
	},
	"epoll_wait": func(c *course, q *Question) string {
		list, _, _ := strings.Cut(q.Choices[q.Answer], ": its time is up")
		return c.straced(q, func(text string) bool { return strings.Contains(text, list) })
	},
	"how long": func(c *course, q *Question) string {
		task := kernel.TaskID(c.run.At(q.Pos - 1).Task)
		for _, l := range c.lines {
			if l.seq < q.Pos || l.task != task || strings.HasPrefix(l.text, "--- ") {
				continue
			}
			d := float64(c.run.At(l.seq).T-c.run.At(q.Pos-1).T) / float64(sim.Microsecond)
			between := map[string][2]float64{"in less than 10us": {0, 10}, "after 10us to 100us": {10, 100}, "after 100us to 1ms": {100, 1e3},
				"after 1ms to 10ms": {1e3, 1e4}, "after 10ms to 100ms": {1e4, 1e5}, "after 100ms to 1s": {1e5, 1e6}, "after more than 1s": {1e6, 1e12}}[q.Choices[q.Answer]]
			if d < between[0] || d >= between[1] {
				return fmt.Sprint(d, "us")
			}
			return ""
		}
		return differs("not at all in this run", q.Choices[q.Answer])
	},
	"descriptors polled": func(c *course, q *Question) string {
		n, was := int64(0), c.at(q.Pos).Counters.PollScanned
		for i := q.Pos; i <= q.See; i++ {
			now := c.at(i + 1).Counters.PollScanned
			if c.run.At(i).Task == c.run.At(q.Pos-1).Task {
				n += now - was
			}
			was = now
		}
		return differs(fmt.Sprint(n), q.Choices[q.Answer])
	},
	"packets polled": func(c *course, q *Question) string {
		for i := q.Pos; i < c.run.Len(); i++ {
			if r := c.run.At(i); r.CPU == c.run.At(q.Pos-1).CPU && r.Point == kernel.PointNAPIPoll {
				return differs(fmt.Sprint(r.Arg[0]), q.Choices[q.Answer])
			}
		}
		return "no poll"
	},
	"stack": func(c *course, q *Question) string {
		core := c.run.At(q.See).CPU
		m := c.at(q.See + 1)
		if m.Cores[core].On == cpu.OnIRQ {
			return differs(fmt.Sprintf("the interrupt stack of cpu%d", core), q.Choices[q.Answer])
		}
		return differs("the kernel stack of "+m.Tasks[m.CPUs[core].Current].Name, q.Choices[q.Answer])
	},
	"IF in the handler": flagIF,
	"IF in the softirq": flagIF,
	"context": func(c *course, q *Question) string {
		r := c.run.At(q.See)
		if r.Ctx != kernel.CtxSoftirq || r.Ring != 0 {
			return kernel.Contexts[r.Ctx]
		}
		name := c.at(q.See).TaskName(r.Task)
		if !strings.HasSuffix(q.Choices[q.Answer], " "+name) {
			return name
		}
		return ""
	},
	"IPI": func(c *course, q *Question) string {
		core, sent, was := c.run.At(q.Pos-1).CPU, false, c.at(q.Pos).Counters.IPIs
		for i := q.Pos; i < c.run.Len(); i++ {
			r := c.run.At(i)
			now := c.at(i + 1)
			sent = sent || r.CPU == core && now.Counters.IPIs > was
			if was = now.Counters.IPIs; r.CPU == core && now.Fn(r) == "try_to_wake_up" && r.Step == 2 {
				break
			}
		}
		return differs(fmt.Sprint(sent), fmt.Sprint(strings.HasPrefix(q.Choices[q.Answer], "yes")))
	},
}

// counted is what the log has of something in the whole run.
func (c *course) counted(kind string) (n int64) {
	thread, sleeps := strings.CutPrefix(kind, "sleeps of ")
	for i := range c.run.Len() {
		r := c.run.At(i)
		m := c.run.Machine() // for names only
		var is bool
		switch {
		case sleeps: // sched_switch: the task before and its state
			is = r.Point == kernel.PointSchedSwitch && m.Tasks[r.Arg[0]].Name == thread && kernel.TaskState(r.Arg[1]) != kernel.Running
		case kind == "interrupts":
			is = r.Point == kernel.PointIRQHandlerEntry
		case kind == "lost frames":
			is = m.Fn(r) == "drop" && r.Arg[1] == nic.DropMissed
		case kind == "polls":
			is = r.Point == kernel.PointNAPIPoll && r.Ctx == kernel.CtxSoftirq
		case kind == "wakeups":
			is = r.Point == kernel.PointSchedWakeup
		case kind == "switches":
			is = r.Point == kernel.PointSchedSwitch
		case kind == "preemptions":
			is = r.Point == kernel.PointSchedSwitch && kernel.TaskState(r.Arg[1]) == kernel.Running && !m.Tasks[r.Arg[0]].Idle
		case kind == "ticks":
			is = r.Point == kernel.PointLocalTimerEntry
		case kind == "calls":
			is = r.Point == kernel.PointSysEnter
		case kind == "datagrams":
			is = m.Fn(r) == "udp_recvmsg" && strings.Contains(m.StepName(r), "copy") && r.Kind == kernel.KindSkb
		case kind == "epoll callbacks":
			is = m.Fn(r) == "ep_poll_callback" && r.Step == 0
		case kind == "descriptors asked":
			is = m.Fn(r) == "ep_item_poll" && r.Step == 0
		}
		if is {
			n++
		}
	}
	return n
}

func flagIF(c *course, q *Question) string {
	on := c.at(q.See + 1).Cores[c.run.At(q.See).CPU].Regs.IF()
	return differs(fmt.Sprint(on), fmt.Sprint(q.Choices[q.Answer] == "yes: IF=1"))
}

// at is the machine at a position.
func (c *course) at(pos sim.Seq) *kernel.Machine {
	c.run.Seek(pos)
	return c.run.Machine()
}

// straced holds the answer to a call against the line that strace has for it.
func (c *course) straced(q *Question, agrees func(string) bool) string {
	task := kernel.TaskID(c.run.At(q.Pos - 1).Task)
	for _, l := range c.lines {
		if l.seq < q.Pos || l.task != task || strings.HasPrefix(l.text, "--- ") {
			continue
		}
		if !agrees(l.text) {
			return l.text
		}
		return ""
	}
	if q.Choices[q.Answer] != never {
		return never
	}
	return ""
}

func differs(saw, said string) string {
	if saw == said {
		return ""
	}
	return saw
}

// TestTheSeedDecides: the same seed asks the same, wherever one comes from;
// another one asks something else.
func TestTheSeedDecides(t *testing.T) {
	names := scenarios.Builtin()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(names).Draw(rt, "scenario")
		seed := rapid.Uint64().Draw(rt, "seed")
		d := Density(rapid.IntRange(int(Some), int(Many)).Draw(rt, "density"))
		first := openCourse(t, name, seed)
		all := first.questions(d, 20)
		again := openCourse(t, name, seed)
		for i := len(all) - 1; i >= 0; i-- { // from the back: what was asked before does not matter
			q, ok := again.book.Next(again.run, all[i].Pos, all[i].Pos+1, d, func(kind string, _ sim.Seq) bool { return kind != all[i].Kind })
			if !ok || cmp.Diff(all[i], q) != "" {
				rt.Fatalf("%s, question %d: %s", name, i, cmp.Diff(all[i], q))
			}
		}
	})
	a, b := openCourse(t, "exclusive", 1).questions(Some, 20), openCourse(t, "exclusive", 2).questions(Some, 20)
	if cmp.Equal(a, b) {
		t.Error("two seeds ask the same")
	}
}
