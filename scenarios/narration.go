package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// The parts of a file that accompany a run: marks, narration, questions.

// selector picks a record.
type selector struct {
	Fn     string   `yaml:"fn" doc:"The function, by its Linux name."`
	Step   string   `yaml:"step" doc:"A part of the name of the function's step."`
	TP     string   `yaml:"tp" list:"points" doc:"The kernel tracepoint, as sched:sched_waking."`
	Task   string   `yaml:"task" doc:"The thread in whose context the step runs."`
	CPU    *int     `yaml:"cpu" doc:"The core."`
	Ctx    string   `yaml:"ctx" list:"contexts" doc:"The context: user, syscall, hardirq, softirq, idle, hardware or device."`
	Object string   `yaml:"object" doc:"What the step touches, as the log names it, such as epoll 0, or its kind."`
	After  Duration `yaml:"after" doc:"Only records from this model time on."`
	N      *int     `yaml:"n" range:"1 1073741824" doc:"Which of the records that match, from 1."`
}

type mark struct {
	Name string   `yaml:"name" required:"true" doc:"The mark's name."`
	At   selector `yaml:"at" required:"true" doc:"The record that is marked."`
}

type narration struct {
	At    selector   `yaml:"at" required:"true" doc:"The record that is spoken about."`
	Mark  string     `yaml:"mark" doc:"The name of a mark here."`
	Say   guide.Text `yaml:"say" doc:"What happens, in one text or one a language."`
	Why   guide.Text `yaml:"why" doc:"Why it does."`
	Notes guide.Text `yaml:"notes" doc:"What only the speaker sees."`
	Pause bool       `yaml:"pause" doc:"Play stops here."`
}

type question struct {
	At      selector     `yaml:"at" required:"true" doc:"The record before which it is asked: the step that shows the answer."`
	Ask     guide.Text   `yaml:"ask" required:"true" doc:"The question."`
	Choices []guide.Text `yaml:"choices" required:"true" items:"2 6" doc:"Two to six answers."`
	Answer  int          `yaml:"answer" required:"true" range:"1 6" doc:"Which of them is right, from 1."`
	Because guide.Text   `yaml:"because" required:"true" doc:"Why it is right."`
	See     *selector    `yaml:"see" doc:"The record that explains it; by default the one of the question."`
}

// guide makes what accompanies the run: marks, then narration, then questions.
func (d *decoder) guide(f *file, cfg *kernel.Config) *guide.Guide {
	g := &guide.Guide{}
	if len(f.Marks)+len(f.Narration)+len(f.Predict) > 0 { // what the file itself has, its variants' guides may name as well
		d.functions = append(d.functions, kernel.Functions(cfg)...)
		d.tasks = append(d.tasks, kernel.TaskNames(cfg)...)
	}
	names := map[string]bool{}
	named := func(path, name string) {
		d.checkName(path, name)
		if names[name] {
			d.failAt(path, "a second mark %q", name)
		}
		names[name] = true
	}
	for i := range f.Marks {
		path := fmt.Sprintf("marks[%d]", i)
		named(path+".name", f.Marks[i].Name)
		g.Notes = append(g.Notes, guide.Note{At: d.selector(path+".at", &f.Marks[i].At, cfg), Mark: f.Marks[i].Name})
	}
	for i := range f.Narration {
		n, path := &f.Narration[i], fmt.Sprintf("narration[%d]", i)
		if n.Mark != "" {
			named(path+".mark", n.Mark)
		}
		g.Notes = append(g.Notes, guide.Note{At: d.selector(path+".at", &n.At, cfg), Mark: n.Mark, Say: n.Say, Why: n.Why, Notes: n.Notes, Pause: n.Pause})
	}
	for i := range f.Predict {
		q, path := &f.Predict[i], fmt.Sprintf("predict[%d]", i)
		d.within(path+".answer", q.Answer, 1, len(q.Choices))
		ask := &guide.Question{Ask: q.Ask, Choices: q.Choices, Answer: q.Answer - 1, Because: q.Because}
		if q.See != nil {
			see := d.selector(path+".see", q.See, cfg)
			ask.See = &see
		}
		g.Notes = append(g.Notes, guide.Note{At: d.selector(path+".at", &q.At, cfg), Ask: ask})
	}
	return g
}

// selector checks that there is something by which a record can be told, and that
// its names are known, in the file itself or in the variant that is read.
func (d *decoder) selector(path string, s *selector, cfg *kernel.Config) guide.Selector {
	out := guide.Selector{Fn: s.Fn, Step: s.Step, Point: s.TP, Task: s.Task, CPU: -1, Ctx: s.Ctx, Object: s.Object, After: sim.Time(s.After), N: 1}
	known := func(key, name string, names []string) {
		if name != "" && !slices.Contains(names, name) {
			d.failAt(path+"."+key, "%s: unknown %s %q%s", path, key, name, hint(name, names))
		}
	}
	if s.CPU != nil {
		d.within(path+".cpu", *s.CPU, 0, cfg.CPUs-1)
		out.CPU = *s.CPU
	}
	if s.N != nil {
		out.N = *s.N
	}
	if out.Empty() {
		d.failAt(path, "%s: say which record: fn, step, tp, task, cpu, ctx, object or after", path)
	}
	known("fn", s.Fn, d.functions)
	known("task", s.Task, d.tasks)
	if kind, _, _ := strings.Cut(s.Object, " "); kind != "" {
		known("object", strings.TrimRight(s.Object, " 0123456789"), kernel.ObjectKinds())
	}
	return out
}

// sets tells whether a variant says something of a key itself.
func (d *decoder) sets(v *variant, key string) bool {
	found := false
	if v.Set.node != nil {
		d.pairs(v.Set.node, "", func(k string, _, _ ast.Node) { found = found || k == key })
	}
	return found
}

// overlay is a part of a file, read over the whole one.
type overlay struct{ node ast.Node }

type variant struct {
	Name    string        `yaml:"name" required:"true" doc:"The variant's name, as in --variant."`
	Title   guide.Text    `yaml:"title" doc:"What is different, a few words."`
	Set     overlay       `yaml:"set" doc:"What is different, written as in the file itself; threads are found by their names."`
	Replace []replacement `yaml:"replace" doc:"Texts that are replaced in programs."`
}

type replacement struct {
	Thread string `yaml:"thread" required:"true" doc:"In whose program."`
	Text   string `yaml:"text" required:"true" doc:"The text that is replaced, everywhere in the program."`
	With   string `yaml:"with" required:"true" doc:"What it is replaced by."`
}

// apply makes the variant of a file. What the file expects need not hold for it:
// only a variant that sets expect, over the file's, expects anything.
func (d *decoder) apply(f *file, v *variant, path string) {
	if d.sets(v, "vary") {
		d.failAt(path+".set", "%s: vary is the file's, a variant has none of its own", path)
	}
	if !d.sets(v, "expect") {
		f.Expect = expect{}
	}
	if v.Set.node != nil {
		d.over = true
		d.value(v.Set.node, reflect.ValueOf(f).Elem(), "")
		d.over = false
	}
	for i, r := range v.Replace {
		at := fmt.Sprintf("%s.replace[%d]", path, i)
		j := d.program(at, r, f)
		p := string(f.Threads[j].Program)
		f.Threads[j].Program = Program(strings.ReplaceAll(p, r.Text, r.With))
	}
}
