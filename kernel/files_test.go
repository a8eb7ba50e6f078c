package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel/program"
	"ringside/sim"
)

// lineTest is a program, with others that it may spawn, and what strace prints
// of it: finished calls in order of return, main's without its name, then the
// calls that still sleep.
type lineTest struct {
	name    string
	main    string
	spawned map[string]string
	want    string
}

// spawnable are the names that the programs of these tests have.
var spawnable = []string{"r1", "r2", "r3", "w1", "w2"}

// transcript runs a program on two cores until nothing is left to happen.
func transcript(t testing.TB, main string, spawned map[string]string) (*Machine, string) {
	t.Helper()
	env := program.Env{Shared: sharedNames, Threads: []string{"main"}}
	sources := []string{main}
	for _, name := range spawnable {
		if src, ok := spawned[name]; ok {
			env.Threads, sources = append(env.Threads, name), append(sources, src)
		}
	}
	cfg := config(2, nil)
	cfg.Shared = sharedNames
	for i, src := range sources {
		p, err := program.Compile(src, env)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", env.Threads[i], err, src)
		}
		cfg.Threads = append(cfg.Threads, ThreadConfig{Name: env.Threads[i], CPU: i % 2, Program: p, Spawned: i > 0})
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	add := func(task TaskID, line string) {
		if name := m.Tasks[task].Name; name != "main" {
			b.WriteString(name + ": ")
		}
		b.WriteString(line + "\n")
	}
	var r sim.Record
	for m.Step(&r) {
		if err := m.check(); err != nil {
			t.Fatalf("%s: %v", m.StepText(&r, 0), err)
		}
		if task, line, ok := m.Strace(&r); ok && !strings.Contains(line, "+++ exited") {
			add(task, line)
		}
	}
	if m.Fault != "" {
		t.Fatalf("the machine gave up: %s\n%s", m.Fault, b.String())
	}
	tasks, asleep := m.Unfinished()
	for i, line := range asleep {
		add(tasks[i], line)
	}
	return m, b.String()
}

// runLines holds transcripts against what is wanted.
func runLines(t *testing.T, tests []lineTest) {
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, got := transcript(t, c.main, c.spawned)
			want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "") + "\n"
			if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}
