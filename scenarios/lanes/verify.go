package lanes

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Compare holds what two lanes did against each other, thread by thread: the
// calls, their results, errors and events, what was read, and what still
// sleeps, in order. The calls of the unordered threads are compared together, as
// a set. It writes a report and tells whether all is the same.
func Compare(w io.Writer, threads, unordered []string, model, live *Lane) bool {
	same := true
	var a, b []string
	for _, name := range threads {
		if slices.Contains(unordered, name) {
			a, b = append(a, model.Threads[name]...), append(b, live.Threads[name]...)
			continue
		}
		same = compare(w, name, model.Threads[name], live.Threads[name]) && same
	}
	if len(unordered) > 0 {
		slices.Sort(a)
		slices.Sort(b)
		same = compare(w, strings.Join(unordered, ", ")+" in any order", a, b) && same
	}
	return same
}

// compare reports where two lists of calls begin to differ, side by side with
// the calls before and after.
func compare(w io.Writer, name string, model, real []string) bool {
	i := 0
	for i < len(model) && i < len(real) && model[i] == real[i] {
		i++
	}
	if i == len(model) && i == len(real) {
		fmt.Fprintf(w, "  %s: same: %s\n", name, count(model))
		return true
	}
	fmt.Fprintf(w, "  %s: call %d differs\n", name, i+1)
	width := len("the modelled kernel")
	for k := max(i-around, 0); k <= i+around; k++ {
		width = max(width, utf8.RuneCountInString(lineAt(model, k)))
	}
	fmt.Fprintf(w, "      %-*s   %s\n", width, "the modelled kernel", "the real kernel")
	for k := max(i-around, 0); k <= i+around && (k < len(model) || k < len(real)); k++ {
		mark := " "
		if lineAt(model, k) != lineAt(real, k) {
			mark = "≠"
		}
		fmt.Fprintf(w, "    %s %-*s   %s\n", mark, width, lineAt(model, k), lineAt(real, k))
	}
	return false
}

// around is how many calls are shown before and after the first difference.
const around = 2

// count says what a list of lines consists of.
func count(lines []string) string {
	asleep, ended := 0, 0
	for _, l := range lines {
		switch {
		case strings.HasSuffix(l, "<unfinished ...>"):
			asleep++
		case strings.HasPrefix(l, "+++"):
			ended++
		}
	}
	s := fmt.Sprintf("%d finished calls with arguments, results and data", len(lines)-asleep-ended)
	if asleep > 0 {
		s += ", then asleep in " + strings.TrimSuffix(lines[len(lines)-1], " <unfinished ...>") + " …)"
	}
	if ended > 0 {
		s += ", then its end"
	}
	return s
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing more)"
}

// Expect is what a scenario expects of a run.
type Expect struct {
	Strace   map[string][]string // by thread
	Counters map[string]int64
}

// Check holds a run of the model against expectations, and writes the
// differences.
func Check(w io.Writer, e Expect, lane *Lane, counters map[string]int64) bool {
	ok := true
	for _, name := range sortedKeys(e.Strace) {
		ok = diff(w, name, e.Strace[name], lane.Threads[name]) && ok
	}
	for _, name := range sortedKeys(e.Counters) {
		if got := counters[name]; got != e.Counters[name] {
			ok = false
			fmt.Fprintf(w, "  counter %s: expected %d, the model has %d\n", name, e.Counters[name], got)
		}
	}
	return ok
}

// diff writes two lists of lines where they differ: "-" is expected, "+" is
// what came.
func diff(w io.Writer, name string, want, got []string) bool {
	if slices.Equal(want, got) {
		return true
	}
	fmt.Fprintf(w, "  %s:\n", name)
	for i := range max(len(want), len(got)) {
		switch {
		case i < len(want) && i < len(got) && want[i] == got[i]:
			fmt.Fprintf(w, "      %s\n", want[i])
		default:
			if i < len(want) {
				fmt.Fprintf(w, "    - %s\n", want[i])
			}
			if i < len(got) {
				fmt.Fprintf(w, "    + %s\n", got[i])
			}
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
