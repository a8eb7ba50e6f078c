package compare

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"ringside/sim"
)

// Write writes a comparison as text: the threads' calls where they differ, and the
// counters of both runs.
func (c *Comparison) Write(w io.Writer, left, right string) {
	fmt.Fprintf(w, "left:  %s\nright: %s\n", left, right)
	for side, name := range []string{"left", "right"} {
		if r := c.Runs[side]; !r.Done {
			fmt.Fprintf(w, "the %s run goes on: compared are its first %d records, up to %s\n", name, r.Len, r.End)
		}
	}
	for i := range c.Threads {
		c.writeThread(w, i)
	}
	switch n := len(c.Diffs); {
	case n == 0:
		fmt.Fprintf(w, "\nno call, result or sleep differs\n")
	default:
		fmt.Fprintf(w, "\nthe first of %s\n  at %s, %s: %s\n", plural(n, "difference"), c.Diffs[0].At, c.Threads[c.Diffs[0].Thread].Name(), &c.Diffs[0])
	}
	c.writeCounters(w)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// maxText bounds how many differences of a thread are written, and how wide a line
// may be.
const (
	maxText  = 40
	maxWidth = 100
)

// writeThread writes each difference of a thread with both lines, and the call
// before it.
func (c *Comparison) writeThread(w io.Writer, thread int) {
	t := &c.Threads[thread]
	fmt.Fprintf(w, "\n%s: ", t.Name())
	total := 0
	for i := range t.Points {
		total += min(int(t.Points[i].Diff)+1, 1)
	}
	if total == 0 {
		fmt.Fprintf(w, "the same %s\n", plural(len(t.Points), "call"))
		return
	}
	fmt.Fprintf(w, "%s in %d and %s\n", plural(total, "difference"), len(t.Acts[Left]), plural(len(t.Acts[Right]), "call"))
	shown := 0
	for i := range t.Points {
		pt := &t.Points[i]
		if pt.Diff < 0 {
			continue
		}
		if shown++; shown > maxText {
			fmt.Fprintf(w, "  … and %d more\n", total-maxText)
			return
		}
		fmt.Fprintf(w, "  call %d, at %s  %s\n", pt.N, c.Diffs[pt.Diff].At, &c.Diffs[pt.Diff])
		if i > 0 && t.Points[i-1].N != pt.N && t.Points[i-1].Diff < 0 && !t.same(pt) {
			c.writePair(w, t, &t.Points[i-1])
		}
		c.writePair(w, t, pt)
	}
}

// same tells whether the lines of a pair are.
func (t *Pairing) same(pt *Point) bool {
	l, r := t.Act(pt, Left), t.Act(pt, Right)
	return l != nil && r != nil && l.Line == r.Line
}

// writePair writes the lines of a pair, beside each other or below.
func (c *Comparison) writePair(w io.Writer, t *Pairing, pt *Point) {
	l, r := "(no such call)", "(no such call)"
	if a := t.Act(pt, Left); a != nil {
		l = a.Line
	}
	if a := t.Act(pt, Right); a != nil {
		r = a.Line
	}
	switch n := utf8.RuneCountInString(l); {
	case l == r:
		fmt.Fprintf(w, "      = %s\n", l)
	case n > maxWidth/2 || utf8.RuneCountInString(r) > maxWidth/2:
		fmt.Fprintf(w, "      < %s\n      > %s\n", l, r)
	default:
		fmt.Fprintf(w, "      ≠ %s%s   %s\n", l, strings.Repeat(" ", maxWidth/2-n), r)
	}
}

// writeCounters writes the costs, and of the other counters those that differ.
func (c *Comparison) writeCounters(w io.Writer) {
	fmt.Fprintf(w, "\n%-24s %14s %14s\n", "", "left", "right")
	for i := range Costs {
		l, r := c.Runs[Left].Costs[i], c.Runs[Right].Costs[i]
		fmt.Fprintf(w, "%s%-23s %14d %14d%s\n", sign(l, r), Costs[i].Name, l, r, change(l, r))
	}
	l, r := c.Runs[Left], c.Runs[Right]
	fmt.Fprintf(w, "%s%-23s %14s %14s%s\n", sign(int64(l.End), int64(r.End)), "time", l.End, r.End, timeChange(l.End, r.End))
	first := true
	for _, name := range slices.Sorted(maps.Keys(l.Counters)) {
		a, b := l.Counters[name], r.Counters[name]
		if a == b || isCost(name) {
			continue
		}
		if first {
			fmt.Fprintf(w, "\nother counters that differ\n")
			first = false
		}
		fmt.Fprintf(w, "≠%-23s %14d %14d%s\n", name, a, b, change(a, b))
	}
}

// isCost tells whether a counter stands among the costs already.
func isCost(name string) bool {
	for i := range Costs {
		if Costs[i].Counter == name {
			return true
		}
	}
	return false
}

func sign(l, r int64) string {
	if l == r {
		return " "
	}
	return "≠"
}

// change is what the right side has more or less.
func change(l, r int64) string {
	if l == r {
		return ""
	}
	return fmt.Sprintf("  %+d", r-l)
}

func timeChange(l, r sim.Time) string {
	switch {
	case l == r:
		return ""
	case r > l:
		return "  +" + (r - l).String()
	}
	return "  -" + (l - r).String()
}
