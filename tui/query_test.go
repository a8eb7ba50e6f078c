package tui

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

func TestQueriesAreTakenApart(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []word
	}{
		{"napi_poll", []word{{op: ':', text: "napi_poll"}}},
		{"fn:ep_poll_callback task=Server", []word{{field: fieldFn, op: ':', text: "ep_poll_callback", at: 3}, {field: fieldTask, op: '=', text: "server", at: 25}}},
		{`-obj:"socket 0"`, []word{{field: fieldObj, not: true, op: ':', text: "socket 0", at: 5}}},
		{"t>1ms cpu:1", []word{{field: fieldT, op: '>', text: "1ms", n: int64(sim.Millisecond), at: 2}, {field: fieldCPU, op: ':', text: "1", n: 1, at: 10}}},
		{"anon_pipe_write: merge", []word{{op: ':', text: "anon_pipe_write:"}, {op: ':', text: "merge", at: 17}}},
		{"tp:sched:sched_waking", []word{{field: fieldTP, op: ':', text: "sched:sched_waking", at: 3}}},
	} {
		q, err := parseQuery(c.source)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if d := cmp.Diff(c.want, q.words, cmp.AllowUnexported(word{})); d != "" {
			t.Errorf("%s: want -, got +:\n%s", c.source, d)
		}
	}
}

func TestAWrongQuerySaysWhereAndWhatWasMeant(t *testing.T) {
	s := testApp(t, document(t, 1, 1), 80, 24, "").scene
	for _, c := range []struct{ source, want string }{
		{"", "column 1: nothing to look for"},
		{"tsk:server", `column 1: unknown field "tsk"; did you mean "task"?`},
		{"cpu:0 cpu:one", `column 11: cpu is a number, not "one"`},
		{"t>soon", `column 3: "soon" is no time with its unit`},
		{"t:1ms", "column 2: t is a time: write t>1ms"},
		{"fn>read", "column 3: fn is text: write fn:read"},
		{`obj:"fd 3`, "column 5: this quote is not closed"},
		{"task:sever", `column 6: no task "sever"; did you mean "server"?`},
		{"cpu:0 ctx:sofirq", `column 11: no context "sofirq"; did you mean "softirq"?`},
		{"fn:ep_pol_callback", `did you mean "ep_poll_callback"?`},
		{"obj:soket", `did you mean "socket"?`},
	} {
		if _, err := s.compile(c.source); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.source, err, c.want)
		}
	}
}

// What a query says of a record is what the record's fields say.
func TestQueriesMatchByTheirFields(t *testing.T) {
	a := testApp(t, document(t, 2, 3), 80, 24, "")
	a.toEnd()
	s := a.scene
	for _, c := range []struct {
		source string
		want   func(r *sim.Record) bool
	}{
		{"fn=ep_poll_callback", func(r *sim.Record) bool { return s.m.Fn(r) == "ep_poll_callback" }},
		{"tp:sched_wak cpu:0", func(r *sim.Record) bool {
			return r.CPU == 0 && strings.Contains(s.m.JSON(r, 0), `"tp":"sched:sched_wak`)
		}},
		{"ctx:softirq -station:napi", func(r *sim.Record) bool {
			return strings.Contains(s.m.JSON(r, 0), `"ctx":"softirq"`) && !strings.Contains(s.m.JSON(r, 0), `"station":"napi"`)
		}},
		{"t>100us t<110us dur>50ns", func(r *sim.Record) bool {
			return r.T > 100*sim.Microsecond && r.T < 110*sim.Microsecond && r.Dur > 50
		}},
	} {
		x, err := s.compile(c.source)
		if err != nil {
			t.Fatal(err)
		}
		hits := 0
		for i := range s.tl.Len() {
			r := s.tl.At(i)
			if got, want := x.matches(r, i), c.want(r); got != want {
				t.Fatalf("%s: %t for %s", c.source, got, s.m.StepText(r, i))
			} else if got {
				hits++
			}
		}
		if hits == 0 {
			t.Errorf("%s: no record", c.source)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"fn:ep_poll_callback cpu:1", `-obj:"socket 0"`, "t>1ms t<3.4us", `"a b" -c`, "-", ":", "fn:", `""`, "ring=3 packet:0 \x00é"} {
		f.Add(s)
	}
	s := testApp(f, document(f, 1, 1), 80, 24, "").scene
	r := s.tl.At(0)
	f.Fuzz(func(t *testing.T, source string) {
		q, err := parseQuery(source)
		if e, ok := err.(*queryError); ok && (e.at < 0 || e.at > len([]rune(source))) {
			t.Errorf("%q: an error at %d", source, e.at)
		}
		if err == nil && len(q.words) == 0 {
			t.Errorf("%q: no words and no error", source)
		}
		if x, err := s.compile(source); err == nil {
			x.matches(r, 0)
		}
	})
}

// A million records are searched in well under a second.
func BenchmarkSelection(b *testing.B) {
	a := testApp(b, document(b, 2, 12), 80, 24, "")
	a.toEnd()
	n := a.scene.tl.Len()
	for _, source := range []string{"ep_poll_callback", `obj:"socket 0"`, "task:server cpu:0 ctx:softirq"} {
		b.Run(source, func(b *testing.B) {
			x, err := a.scene.compile(source)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				(&selection{match: x.matches}).update(a.scene)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}
