package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"ringside/scenarios/lanes"
)

func mustCases(t *testing.T) []Case {
	t.Helper()
	all, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// check judges what a lane did; each expectation must be able to fail.
func check(t *testing.T, c *Case, l *lanes.Lane) {
	t.Helper()
	failed, _ := c.Judge(l)
	for _, f := range failed {
		t.Error(f)
	}
	bites(t, c, l)
	if t.Failed() {
		t.Logf("%s (%s)\n%s", c.Title, c.Source, strings.Join(l.Order, "\n"))
	}
}

// What did nothing holds nothing: every expectation of every operation is
// looked at, and none is taken as held because nothing speaks against it.
func TestNothingFailsEveryExpectation(t *testing.T) {
	total := 0
	for _, c := range mustCases(t) {
		want := 0
		for _, th := range c.Threads {
			for _, o := range th.Ops {
				want += len(o.Expect)
			}
		}
		failed, judged := c.Judge(&lanes.Lane{})
		if len(failed) != want || judged != want {
			t.Errorf("%s: %d expectations, %d judged, %d failed", c.ID, want, judged, len(failed))
		}
		for _, f := range failed {
			if _, known := expectations[f.Key]; !known {
				t.Errorf("%s: %s", c.ID, f)
			}
		}
		total += want
	}
	if total < 1000 {
		t.Errorf("%d expectations in all cases: where are the others?", total)
	}
}

// Every thread of every case is a program of the language.
func TestCasesBecomePrograms(t *testing.T) {
	all := mustCases(t)
	if len(all) != 108 {
		t.Errorf("%d cases", len(all))
	}
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		if _, err := c.Config(); err != nil {
			t.Error(err)
		}
	}
}

// lane makes a lane of lines in order, each as "thread: line".
func lane(lines ...string) *lanes.Lane {
	l := &lanes.Lane{Threads: map[string][]string{}, Asleep: map[string]string{}}
	for _, s := range lines {
		name, text, _ := strings.Cut(s, ": ")
		l.Order = append(l.Order, s)
		l.Threads[name] = append(l.Threads[name], text)
		if strings.HasSuffix(text, "<unfinished ...>") {
			l.Asleep[name] = text
		}
	}
	return l
}

// The judge tells right from wrong, one expectation after another.
func TestJudge(t *testing.T) {
	main := func(op Op) Case {
		return Case{Threads: []Thread{{Name: "main", Ops: []Op{{Args: Args{Out: names{"r"}}}, op}}}}
	}
	begin := `main: write(1, "#1", 2) = 2`
	end := `main: +++ exited with 0 +++`
	tests := []struct {
		name, expect string
		op           Op
		lines        []string
		fails        []string // the keys that must fail
	}{
		{"events", `{"ret":1,"events":[{"data":"r","events":["IN","HUP"]}],"ordered":true}`, Op{Call: "epoll_wait"},
			[]string{begin, `main: epoll_wait(4, [{events=EPOLLIN|EPOLLHUP, data=1000}], 1, -1) = 1`, end}, nil},
		{"another mask", `{"ret":1,"events":[{"data":"r","events":["IN"]}]}`, Op{Call: "epoll_wait"},
			[]string{begin, `main: epoll_wait(4, [{events=EPOLLIN|EPOLLHUP, data=1000}], 1, -1) = 1`, end}, []string{"events"}},
		{"another descriptor", `{"ret":1,"events":[{"data":7,"events":["IN"]}]}`, Op{Call: "epoll_wait"},
			[]string{begin, `main: epoll_wait(4, [{events=EPOLLIN, data=1000}], 1, -1) = 1`, end}, []string{"events"}},
		{"order", `{"events":[{"data":1,"events":["IN"]},{"data":2,"events":["IN"]}],"ordered":true}`, Op{Call: "epoll_wait"},
			[]string{begin, `main: epoll_wait(4, [{events=EPOLLIN, data=2}, {events=EPOLLIN, data=1}], 2, 0) = 2`, end}, []string{"ordered"}},
		{"errno", `{"ret":-1,"errno":"EBADF"}`, Op{Call: "close"},
			[]string{begin, `main: close(4) = -1 EINTR`, end}, []string{"errno"}},
		{"revents", `{"ret":1,"revents":[{"fd":"r","revents":["IN"]}]}`, Op{Call: "poll", Args: Args{Fds: []pollfd{{FD: "x"}, {FD: "r"}}}},
			[]string{begin, `main: poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN, revents=POLLIN}], 2, -1) = 1`, end}, nil},
		{"revents of another", `{"ret":1,"revents":[{"fd":"r","revents":["IN"]}]}`, Op{Call: "poll", Args: Args{Fds: []pollfd{{FD: "x"}, {FD: "r"}}}},
			[]string{begin, `main: poll([{fd=3, events=POLLIN, revents=POLLIN}, {fd=4, events=POLLIN}], 2, -1) = 1`, end}, []string{"revents"}},
		{"select", `{"ret":1,"read":["r"],"except":["r"]}`, Op{Call: "select"},
			[]string{begin, `main: select(5, [4], NULL, [4], NULL) = 1 (in [4])`, `main: write(1, "read r", 6) = 6`, end}, []string{"except"}},
		{"value", `{"ret":8,"value":3}`, Op{Call: "eventfd_read"},
			[]string{begin, `main: eventfd_read(4) = 0 (value 4)`, end}, []string{"value"}},
		{"asleep", `{"blocked_forever":true}`, Op{Call: "read"},
			[]string{begin, `main: read(3, <unfinished ...>`}, nil},
		{"not asleep", `{"blocked_forever":true}`, Op{Call: "read"},
			[]string{begin, `main: read(3, "", 1) = 0`, end}, []string{"blocked_forever"}},
		{"asleep where it should return", `{"ret":0}`, Op{Call: "read"},
			[]string{begin, `main: read(3, <unfinished ...>`}, []string{"ret"}},
		{"blocked", `{"ret":0}`, Op{Call: "expect_blocked", Args: Args{Threads: []string{"t"}}},
			[]string{`t: write(1, "#0", 2) = 2`, begin, end, `t: read(3, "", 1) = 0`}, nil},
		{"not blocked", `{"ret":0}`, Op{Call: "expect_blocked", Args: Args{Threads: []string{"t"}}},
			[]string{`t: write(1, "#0", 2) = 2`, begin, `t: read(3, "", 1) = 0`, end}, []string{"ret"}},
		{"not exited", `{"ret":0}`, Op{Call: "expect_exited", Args: Args{Threads: []string{"t"}}},
			[]string{`t: write(1, "#0", 2) = 2`, begin, end, `t: +++ exited with 0 +++`}, []string{"ret"}},
		{"count", `{"ret":{"any_of":[0,2]}}`, Op{Call: "count_positive", Args: Args{Ops: []string{"t#0"}}},
			[]string{`t: write(1, "#0", 2) = 2`, `t: read(3, "a", 1) = 1`, begin, end}, []string{"ret"}},
		{"too late to count", `{"ret":0}`, Op{Call: "count_positive", Args: Args{Ops: []string{"t#0"}}},
			[]string{`t: write(1, "#0", 2) = 2`, begin, end, `t: read(3, "a", 1) = 1`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := json.Unmarshal([]byte(tt.expect), &tt.op.Expect); err != nil {
				t.Fatal(err)
			}
			c := main(tt.op)
			var got []string
			failed, _ := c.Judge(lane(tt.lines...))
			for _, f := range failed {
				got = append(got, f.Key)
			}
			if !slices.Equal(got, tt.fails) {
				t.Errorf("failed: %v, not %v: %v", got, tt.fails, failed)
			}
		})
	}
}
