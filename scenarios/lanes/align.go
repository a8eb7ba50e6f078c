package lanes

import (
	"slices"
	"strings"
)

// Call is a line that strace prints, and the thread it belongs to.
type Call struct{ Thread, Line string }

// Name is what is called: the text before the arguments. A signal and an end
// have the signs that they begin with.
func (c Call) Name() string {
	if i := strings.IndexAny(c.Line, "( "); i >= 0 {
		return c.Line[:i]
	}
	return c.Line
}

// Pair is a call of the model and the real kernel's that goes with it, as
// indices; -1 where a lane has none.
type Pair struct{ Model, Real int }

// Align lays the calls of two lanes side by side, thread by thread in order;
// those of the unordered threads as a set, as Compare does. whole tells that the
// model's run is known to its end: else what the real kernel did beyond it is no
// difference yet. The pairs come in the order of the model's calls; what only the
// real kernel did stands before the next call of its thread, or at the end.
func Align(model, real []Call, unordered []string, whole bool) []Pair {
	pairs := map[string][]Pair{}
	left, right := byThread(model), byThread(real)
	set := matchSet(model, real, unordered)
	for name := range left {
		pairs[name] = alignThread(model, real, left[name], right[name], set, whole)
	}
	return inOrder(model, real, pairs)
}

// byThread gives the places of each thread's calls.
func byThread(calls []Call) map[string][]int {
	out := map[string][]int{}
	for i, c := range calls {
		out[c.Thread] = append(out[c.Thread], i)
	}
	return out
}

// matchSet finds for each call of the unordered threads one of the real kernel's
// that is the same: of the same thread if there is one, else of any of them.
func matchSet(model, real []Call, unordered []string) map[int]int {
	match, free := map[int]int{}, map[Call][]int{}
	take := func(i int, key Call) {
		if at := free[key]; len(at) > 0 {
			match[i], free[key] = at[0], at[1:]
		}
	}
	member := func(c Call) bool { return slices.Contains(unordered, c.Thread) }
	for j, c := range real {
		if member(c) {
			free[c] = append(free[c], j)
		}
	}
	for i, c := range model {
		if member(c) {
			take(i, c)
		}
	}
	for i, c := range model {
		if _, ok := match[i]; ok || !member(c) {
			continue
		}
		for _, name := range unordered {
			if _, ok := match[i]; !ok {
				take(i, Call{name, c.Line})
			}
		}
	}
	return match
}

// alignThread pairs the calls of one thread. Calls that the set has found need
// no partner here; the others are aligned in order.
func alignThread(model, real []Call, left, right []int, set map[int]int, whole bool) []Pair {
	used := map[int]bool{}
	for _, j := range set {
		used[j] = true
	}
	var a, b []int
	for _, i := range left {
		if _, ok := set[i]; !ok {
			a = append(a, i)
		}
	}
	for _, j := range right {
		if !used[j] {
			b = append(b, j)
		}
	}
	var pairs []Pair
	for _, i := range left {
		if j, ok := set[i]; ok {
			pairs = append(pairs, Pair{i, j})
		}
	}
	return append(pairs, alignOrdered(model, real, a, b, whole)...)
}

// mostCells bounds the table of alignOrdered; beyond it, calls go together by
// their place.
const mostCells = 1 << 20

// alignOrdered pairs two lists in order so that as few calls as possible differ
// or stand alone. Only calls of the same name make a pair.
func alignOrdered(model, real []Call, a, b []int, whole bool) (pairs []Pair) {
	for len(a) > 0 && len(b) > 0 && model[a[0]] == real[b[0]] {
		pairs = append(pairs, Pair{a[0], b[0]})
		a, b = a[1:], b[1:]
	}
	if len(a)*len(b) > mostCells {
		return append(pairs, byPlace(a, b)...)
	}
	// cost[i][j] is the least for the rest of both lists from i and j on.
	width := len(b) + 1
	cost := make([]int32, (len(a)+1)*width)
	alike := func(i, j int) int32 {
		switch m, r := model[a[i]], real[b[j]]; {
		case m.Line == r.Line:
			return 0
		case m.Name() == r.Name():
			return 1
		}
		return 3 // more than to let both stand alone
	}
	for i := len(a); i >= 0; i-- {
		for j := len(b); j >= 0; j-- {
			c := &cost[i*width+j]
			switch {
			case i == len(a) && !whole:
				*c = 0 // the model has not come so far
			case i == len(a):
				*c = int32(len(b) - j)
			case j == len(b):
				*c = int32(len(a) - i)
			default:
				*c = min(cost[(i+1)*width+j+1]+alike(i, j), cost[(i+1)*width+j]+1, cost[i*width+j+1]+1)
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch at := i*width + j; cost[at] {
		case cost[at+width+1] + alike(i, j):
			pairs = append(pairs, Pair{a[i], b[j]})
			i, j = i+1, j+1
		case cost[at+width] + 1:
			pairs = append(pairs, Pair{a[i], -1})
			i++
		default:
			pairs = append(pairs, Pair{-1, b[j]})
			j++
		}
	}
	return append(pairs, alone(a[i:], b[j:])...)
}

// alone are the calls that one lane has and the other has not.
func alone(a, b []int) (pairs []Pair) {
	for _, i := range a {
		pairs = append(pairs, Pair{i, -1})
	}
	for _, j := range b {
		pairs = append(pairs, Pair{-1, j})
	}
	return pairs
}

func byPlace(a, b []int) (pairs []Pair) {
	n := min(len(a), len(b))
	for k := range n {
		pairs = append(pairs, Pair{a[k], b[k]})
	}
	return append(pairs, alone(a[n:], b[n:])...)
}

// inOrder puts the pairs of all threads into the order of the model's calls.
func inOrder(model, real []Call, pairs map[string][]Pair) []Pair {
	out := make([]Pair, 0, len(model))
	before, of, seen := map[int][]int{}, map[int]int{}, map[int]bool{}
	for _, list := range pairs {
		var waiting []int
		for _, p := range list {
			if p.Real >= 0 {
				seen[p.Real] = true
			}
			if p.Model < 0 {
				waiting = append(waiting, p.Real)
				continue
			}
			of[p.Model], before[p.Model], waiting = p.Real, waiting, nil
		}
		for _, j := range waiting {
			seen[j] = false // they come last
		}
	}
	for i := range model {
		for _, j := range before[i] {
			out = append(out, Pair{-1, j})
		}
		out = append(out, Pair{i, of[i]})
	}
	for j := range real {
		if !seen[j] {
			out = append(out, Pair{-1, j})
		}
	}
	return out
}
