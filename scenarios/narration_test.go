package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

const course1 = head + threads + `marks:
  - {name: start, at: {fn: getpid}}
narration:
  - at: {tp: "raw_syscalls:sys_enter", task: a, n: 1}
    mark: the door
    say: {en: Into ring 0., de: In Ring 0.}
    why: The program asked.
    pause: true
predict:
  - at: {fn: do_syscall_64, step: store the result}
    ask: What does getpid return?
    choices: ["the process", {en: "an error", de: "ein Fehler"}]
    answer: 1
    because: It cannot fail.
variants:
  - name: twice
    title: Two calls
    set: {machine: {cpus: 2}, threads: [{name: a, cpu: 1}, {name: b, program: "gettid()"}]}
    replace: [{thread: a, text: "getpid()", with: "gettid()"}]
`

func TestAGuideIsRead(t *testing.T) {
	s, err := Parse("f.yaml", []byte(course1))
	if err != nil {
		t.Fatal(err)
	}
	notes := s.Guide().Notes
	if len(notes) != 3 || notes[1].Say.In("de") != "In Ring 0." || notes[1].Why.In("de") != "The program asked." || notes[2].Ask.Answer != 0 {
		t.Errorf("%+v", notes)
	}
	m, err := kernel.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	find := guide.NewFinder(s.Guide())
	var r sim.Record
	for seq := sim.Seq(0); m.Step(&r); seq++ {
		find.Record(m, &r, seq)
	}
	last := sim.Seq(-1)
	for i, seq := range find.Found {
		if seq <= last {
			t.Errorf("note %d is at record %d, after %d", i, seq, last)
		}
		last = seq
	}
}

func TestAVariantDiffersInWhatItSays(t *testing.T) {
	s, err := Parse("f.yaml", []byte(course1))
	if err != nil {
		t.Fatal(err)
	}
	v := s.Variants()[0]
	c := v.config
	if c.CPUs != 2 || len(c.Threads) != 2 || c.Threads[0].CPU != 1 || c.Threads[1].Name != "b" || !strings.Contains(c.Threads[0].Program.Source, "gettid") {
		t.Errorf("%+v", c)
	}
	if s.config.CPUs != 1 || strings.Contains(s.config.Threads[0].Program.Source, "gettid") {
		t.Error("the file itself has changed")
	}
}

func TestMistakesInAGuide(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"marks: [{name: x, at: {}}]\n", "7:23: marks[0].at: say which record"},
		{"marks: [{name: x, at: {fn: ep_pol_callback}}]\n", `7:28: marks[0].at: unknown fn "ep_pol_callback"; did you mean "ep_poll_callback"?`},
		{"marks: [{name: x, at: {tp: sched_waking}}]\n", `7:28: marks[0].at.tp: unknown value "sched_waking"; did you mean "sched:sched_waking"?`},
		{"marks: [{name: x, at: {task: b}}]\n", `7:30: marks[0].at: unknown task "b"`},
		{"marks: [{name: x, at: {ctx: usr}}]\n", `7:29: marks[0].at.ctx: unknown value "usr"; did you mean "user"?`},
		{"marks: [{name: x, at: {object: sokc 1}}]\n", `7:32: marks[0].at: unknown object "sokc"`},
		{"marks: [{name: x, at: {cpu: 1}}]\n", "7:29: marks[0].at.cpu: 1 is not between 0 and 0"},
		{"marks: [{name: x, at: {fn: getpid}}, {name: x, at: {fn: getpid}}]\n", `7:45: a second mark "x"`},
		{"predict: [{at: {fn: getpid}, ask: q, choices: [a], answer: 1, because: b}]\n", "7:47: predict[0].choices: 2 to 6 of them"},
		{"predict: [{at: {fn: getpid}, ask: q, choices: [a, b], answer: 3, because: b}]\n", "7:63: predict[0].answer: 3 is not between 1 and 2"},
		{"variants: [{name: v, set: {machin: {cpus: 2}}}]\n", `7:28: unknown key "machin"; did you mean "machine"?`},
		{"variants: [{name: v, set: {machine: {cpus: 99}}}]\n", "7:44: machine.cpus: 99 is not between 1 and 64"},
		{"variants: [{name: v, replace: [{thread: a, text: x, with: y}]}]\n", `7:50: variants[0].replace[0]: the program of a has no "x"`},
		{"variants: [{name: v, replace: [{thread: c, text: x, with: y}]}]\n", `7:41: variants[0].replace[0]: unknown thread "c"`},
		{"variants: [{name: v}, {name: v}]\n", `7:30: a second variant "v"`},
	} {
		_, err := Parse("f.yaml", []byte(head+threads+c.src))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q is accepted", c.src)
			continue
		}
		if got := fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg); !strings.Contains(got, c.want) {
			t.Errorf("%q:\n  got  %s\n  want %s", c.src, got, c.want)
		}
	}
}

// A variant that sets expect has the file's expectations, with its own over them; another has none.
func TestAVariantExpectsWhatItSets(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+threads+`expect:
  strace: {a: "getpid() = 1000\n+++ exited with 0 +++\n"}
  counters: {irqs: 0}
variants:
  - {name: silent, set: {machine: {cpus: 2}}}
  - {name: loud, title: One more, set: {expect: {counters: {irqs: 0, syscalls: 2}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, 3} {
		if e := s.Variants()[i].Expectations(); len(e.Strace)+len(e.Counters) != want {
			t.Errorf("%s expects %v", s.Variants()[i].Variant, e)
		}
	}
	if v, err := s.With("loud"); err != nil || v.Label("en") != "loud: One more" {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := s.With("one-packet"); err != nil || v.Label("en") != "one-packet" {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := s.With("lout"); err == nil || !strings.Contains(err.Error(), "the variants of f.yaml: silent, loud") {
		t.Errorf("%v", err)
	}
}
