package compare

import (
	"fmt"
	"strings"

	"ringside/sim"
)

// Differences, named in a sentence each.

// event is something that happens on one side before a call is done: there a
// thread goes to sleep, or loses its core, that does not on the other.
type event struct {
	pos  [2]sim.Seq
	at   sim.Time
	text string
}

// switches finds the events before a pair of acts. The side on which more happens
// stands at the first, the other where its call is done.
func switches(acts [2]*Act) []event {
	var out []event
	l, r := acts[Left], acts[Right]
	if l.name() != r.name() {
		return nil // they differ anyway
	}
	note := func(a, b gaps, text string) {
		e := event{pos: [2]sim.Seq{l.Pos, r.Pos}, text: text}
		if a.N > b.N {
			e.pos[Left], e.at = a.Pos, a.At
		} else {
			e.pos[Right], e.at = b.Pos, b.At
		}
		out = append(out, e)
	}
	if (l.Preempted.N == 0) != (r.Preempted.N == 0) {
		note(l.Preempted, r.Preempted, sides(preempted(l), preempted(r)))
	}
	switch a, b := l.Sleeps.N, r.Sleeps.N; {
	case a == b || l.Asleep != r.Asleep || !l.isCall(): // that one never returns is said at its end
	case a == 0 || b == 0:
		note(l.Sleeps, r.Sleeps, sides(l.name()+" "+l.sleeps(), r.sleeps()))
	default:
		note(l.Sleeps, r.Sleeps, sides(l.name()+" sleeps "+times(a), "sleeps "+times(b)))
	}
	return out
}

func sides(left, right string) string { return "left: " + left + ", right: " + right }

func preempted(a *Act) string {
	if a.Preempted.N == 0 {
		return "keeps the core up to " + a.name()
	}
	return "is preempted " + times(a.Preempted.N) + " before " + a.name() + " is done"
}

// sleeps says that a call sleeps, or what it does instead.
func (a *Act) sleeps() string {
	if a.Sleeps.N > 0 {
		return "sleeps"
	}
	return a.returns() + " without sleep"
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// returns says how a call ends.
func (a *Act) returns() string {
	if a.Asleep {
		return "does not return"
	}
	return "returns " + a.result()
}

// differ says what is different between two acts that belong together, or that one
// has no counterpart; "" if nothing is.
func differ(acts [2]*Act, waits [2]bool) string {
	l, r := acts[Left], acts[Right]
	switch {
	case waits[Left]:
		return sides("no such call", r.Line)
	case waits[Right]:
		return sides(l.Line, "no such call")
	case l.Line == r.Line:
		return ""
	case !l.isCall() || !r.isCall():
		return sides(l.Line, r.Line)
	case l.name() != r.name():
		return sides(l.name()+" "+l.returns(), r.name()+" "+r.returns())
	case l.returns() != r.returns():
		return sides(l.name()+" "+l.returns(), r.returns())
	}
	return sidesOf(l, r)
}

// sidesOf says in which arguments two calls differ: what is alike before and behind
// them is left out.
func sidesOf(l, r *Act) string {
	from, a, b := 0, l.Line, r.Line
	for i := 0; i < min(len(a), len(b)) && a[i] == b[i]; i++ {
		if strings.IndexByte("({[, ", a[i]) >= 0 {
			from = i + 1
		}
	}
	a, b = a[from:], b[from:]
	end := 0
	for i := 1; i <= min(len(a), len(b)) && a[len(a)-i] == b[len(b)-i]; i++ {
		if strings.IndexByte(")}], ", a[len(a)-i]) >= 0 {
			end = i
		}
	}
	return sides(l.name()+" with "+a[:len(a)-end], "with "+b[:len(b)-end])
}
