package compare

import "strings"

// What it costs to pair two acts: as in a diff, the pairing with the least sum is
// chosen. Calls of one name are paired rather than left alone.
const (
	costResult = 2 // the same call, with other arguments or another result
	costAlone  = 3 // an act without counterpart
	costWaits  = 4 // two calls that wait for descriptors, such as poll and epoll_wait
	costOther  = 5 // two different calls
)

// maxCells bounds the table of pair. Beyond it, and that is some thousand calls
// that differ, the n-th call is paired with the n-th.
const maxCells = 1 << 22

// pairs are places in two lists; -1 where one has no counterpart.
type pairs [][2]int

// pair finds which act of b belongs to which of a.
func pair(a, b []Act) pairs {
	a, sleepsA := finished(a)
	b, sleepsB := finished(b)
	var out pairs
	from := 0
	for from < len(a) && from < len(b) && a[from].Line == b[from].Line {
		out = append(out, [2]int{from, from})
		from++
	}
	endA, endB := len(a), len(b)
	for endA > from && endB > from && a[endA-1].Line == b[endB-1].Line {
		endA, endB = endA-1, endB-1
	}
	out = append(out, pairMiddle(a[from:endA], b[from:endB], from)...)
	for ; endA < len(a); endA, endB = endA+1, endB+1 {
		out = append(out, [2]int{endA, endB})
	}
	return pairSleepers(out, [2]int{len(a), len(b)}, [2]bool{sleepsA, sleepsB})
}

// finished are the acts without the one in which the thread still sleeps.
func finished(acts []Act) (done []Act, sleeps bool) {
	if n := len(acts); n > 0 && acts[n-1].Asleep {
		return acts[:n-1], true
	}
	return acts, false
}

// pairSleepers adds the calls that are not finished. One belongs to what the other
// side did at its place: the first act there that has no counterpart, or the call
// that is not finished there either.
func pairSleepers(ps pairs, last [2]int, asleep [2]bool) pairs {
	for side := range asleep {
		other := 1 - side
		i := len(ps)
		for i > 0 && ps[i-1][side] < 0 {
			i--
		}
		if asleep[side] && i < len(ps) {
			ps[i][side], asleep[side] = last[side], false
			if asleep[other] { // it has gone on, and sleeps in another call
				break
			}
		}
	}
	p := [2]int{-1, -1}
	for side := range asleep {
		if asleep[side] {
			p[side] = last[side]
		}
	}
	if p[Left] >= 0 || p[Right] >= 0 {
		ps = append(ps, p)
	}
	return ps
}

// pairMiddle pairs what is between the acts that are alike at the start and at the
// end; from is what both places begin with.
func pairMiddle(a, b []Act, from int) pairs {
	var out pairs
	if len(a)*len(b) > maxCells {
		for i := range max(len(a), len(b)) {
			p := [2]int{-1, -1}
			if i < len(a) {
				p[0] = from + i
			}
			if i < len(b) {
				p[1] = from + i
			}
			out = append(out, p)
		}
		return out
	}
	left := costs(a, b)
	at := func(i, j int) int32 { return left[i*(len(b)+1)+j] }
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && at(i, j) == at(i+1, j+1)+cost(&a[i], &b[j]):
			out = append(out, [2]int{from + i, from + j})
			i, j = i+1, j+1
		case i < len(a) && at(i, j) == at(i+1, j)+costAlone:
			out = append(out, [2]int{from + i, -1})
			i++
		default:
			out = append(out, [2]int{-1, from + j})
			j++
		}
	}
	return out
}

// costs is the table of what the best pairing of the rest costs, from each pair of
// places on.
func costs(a, b []Act) []int32 {
	w := len(b) + 1
	t := make([]int32, (len(a)+1)*w)
	for i := len(a); i >= 0; i-- {
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a):
				t[i*w+j] = int32(len(b)-j) * costAlone
			case j == len(b):
				t[i*w+j] = int32(len(a)-i) * costAlone
			default:
				t[i*w+j] = min(t[(i+1)*w+j+1]+cost(&a[i], &b[j]), t[(i+1)*w+j]+costAlone, t[i*w+j+1]+costAlone)
			}
		}
	}
	return t
}

// cost of pairing two acts.
func cost(a, b *Act) int32 {
	switch {
	case a.Line == b.Line:
		return 0
	case a.name() == b.name():
		return costResult
	case waits[a.name()] && waits[b.name()]:
		return costWaits
	}
	return costOther
}

// waits are the calls that do the same in different ways.
var waits = map[string]bool{
	"poll": true, "ppoll": true, "select": true, "pselect6": true, "epoll_wait": true, "epoll_pwait": true, "epoll_pwait2": true,
}

// name is the call's, or says what else it is.
func (a *Act) name() string {
	switch {
	case strings.HasPrefix(a.Line, "+++"):
		return "the end"
	case strings.HasPrefix(a.Line, "---"):
		return "the signal"
	}
	name, _, _ := strings.Cut(a.Line, "(")
	return name
}

// isCall tells whether it is one, and not a signal or the thread's end.
func (a *Act) isCall() bool { return strings.Contains(a.Line, "(") }

// result is what a finished call returned.
func (a *Act) result() string {
	i := strings.LastIndex(a.Line, " = ")
	if i < 0 {
		return "nothing" // exit
	}
	return a.Line[i+3:]
}
