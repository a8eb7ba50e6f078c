package lanes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// callsOf reads "thread:line" apart by blanks.
func callsOf(text string) (out []Call) {
	for _, f := range strings.Fields(text) {
		thread, line, _ := strings.Cut(f, ":")
		out = append(out, Call{thread, line})
	}
	return out
}

func TestCallsAreAlignedThreadByThread(t *testing.T) {
	for _, c := range []struct {
		name, model, real string
		unordered         []string
		running           bool
		want              []Pair
	}{
		{"nothing", "", "", nil, false, []Pair{}},
		{"all the same", "a:r(1) a:w(1)", "a:r(1) a:w(1)", nil, false, []Pair{{0, 0}, {1, 1}}},
		{"another result", "a:r(1) a:w(1)", "a:r(1) a:w(2)", nil, false, []Pair{{0, 0}, {1, 1}}},
		{"a call too many on the real kernel", "a:r(1) a:w(1)", "a:r(1) a:p(7) a:w(1)", nil, false, []Pair{{0, 0}, {-1, 1}, {1, 2}}},
		{"a call too many on the model", "a:r(1) a:p(7) a:w(1)", "a:r(1) a:w(1)", nil, false, []Pair{{0, 0}, {1, -1}, {2, 1}}},
		{"calls of other names make no pair", "a:r(1)", "a:w(1)", nil, false, []Pair{{0, -1}, {-1, 0}}},
		{"threads interleave in another order", "a:r(1) b:r(2) a:w(1)", "b:r(2) a:r(1) a:w(1)", nil, false, []Pair{{0, 1}, {1, 0}, {2, 2}}},
		{"the real kernel alone has a thread", "a:r(1)", "b:r(2) a:r(1)", nil, false, []Pair{{0, 1}, {-1, 0}}},
		{"a set: who got what is open", "a:r(1) b:r(2)", "a:r(2) b:r(1)", []string{"a", "b"}, false, []Pair{{0, 1}, {1, 0}}},
		{"a set: the own call first", "a:r(1) b:r(1)", "b:r(1) a:r(1)", []string{"a", "b"}, false, []Pair{{0, 1}, {1, 0}}},
		{"a set: what is left differs", "a:r(1) b:r(2)", "a:r(2) b:r(3)", []string{"a", "b"}, false, []Pair{{0, -1}, {1, 0}, {-1, 1}}},
		{"the model has not come so far", "a:r(1) a:w(2)", "a:r(1) a:w(1) a:w(2) a:w(2) a:w(2)", nil, true, []Pair{{0, 0}, {1, 1}, {-1, 2}, {-1, 3}, {-1, 4}}},
		{"a loop of the model ends earlier", "a:r(1) a:r(1) a:x()", "a:r(1) a:r(1) a:r(1) a:x()", nil, false, []Pair{{0, 0}, {1, 1}, {-1, 2}, {2, 3}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Align(callsOf(c.model), callsOf(c.real), c.unordered, !c.running)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

// However long the lanes are, each call is in one pair, and in its thread's order.
func TestLongLanesAreAlignedByPlace(t *testing.T) {
	model := callsOf("a:x() " + strings.Repeat("a:r(1) ", 2000))
	real := callsOf("a:y() " + strings.Repeat("a:r(2) ", 1500))
	got := Align(model, real, nil, true)
	if len(got) != 2001 || got[1] != (Pair{1, 1}) || got[2000] != (Pair{2000, -1}) {
		t.Errorf("%d pairs: %v … %v", len(got), got[:2], got[len(got)-1])
	}
}

func TestKnownSimplificationsHaveAReason(t *testing.T) {
	for _, c := range []struct{ model, real, want string }{
		{"connect(3, 10.0.0.2:80 <unfinished ...>", "connect(3, 10.0.0.2:80) = 0", "a second"},
		{"epoll_wait(4, [{events=EPOLLIN, data=3}], 8, -1) = 1", "epoll_wait(4, [], 8, -1) = 0", "one by one"},
		{"read(3, ..., 64) = -1 EAGAIN", `read(3, "x", 64) = 1`, "other side"},
		{"write(3, ..., 100000) = 4096", "write(3, ..., 100000) = 8192", "buffers"},
		{"getpid() = 100", "getpid() = 101", ""},
		{"", "epoll_wait(4, [], 8, 0) = 0", ""},
	} {
		if got := Reason(c.model, c.real); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q and %q: %q", c.model, c.real, got)
		}
	}
}
