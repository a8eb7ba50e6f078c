package program

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome is a program, and the calls of exit and epoll_wait and its fault; every
// other call returns one more than the one before.
type outcome struct{ name, src, want string }

func (o outcome) test(t *testing.T) {
	t.Helper()
	t.Run(o.name, func(t *testing.T) {
		t.Helper()
		r := start(t, o.src)
		n := int64(0)
		r.answer = func(string, [8]int64) []int64 { n++; return []int64{n, n} }
		fault := r.run(1_000_000)
		if fault != "" {
			r.log = append(r.log, fault)
		}
		if d := cmp.Diff(o.want, strings.Join(r.log, " ")); d != "" {
			t.Errorf("want -, got +:\n%s", d)
		}
	})
}

const setEp = "func set(x int) int { ep = x\nreturn x }\n"

// TestOrderOfEvaluation: from left to right, operands once, places before values
// (https://go.dev/ref/spec#Order_of_evaluation, #Assignment_statements).
func TestOrderOfEvaluation(t *testing.T) {
	for _, o := range []outcome{
		{"an index of op= is called once", "m := map[int]int{}\nm[getpid()] += 5\nexit(m[1]*10 + len(m))", "getpid() exit(51)"},
		{"an index of ++ is called once", "var b [4]byte\nb[getpid()]++\nexit(b[1])", "getpid() exit(1)"},
		{"an index before a field is called once", "var p [4]pollfd\np[getpid()].events |= POLLIN\nexit(p[1].events)", "getpid() exit(1)"},
		{"the left side calls before the right side", "m := map[int]int{}\nm[getpid()] = gettid()\nfor k, v := range m { exit(k*10 + v) }", "getpid() gettid() exit(12)"},
		{"op= calls from left to right", "m := map[int]int{}\nm[getpid()] += gettid()\nexit(m[1])", "getpid() gettid() exit(2)"},
		{"places are found before values are stored", "i := 0\nvar b [4]byte\ni, b[i] = 2, 7\nexit(b[0]*10 + b[2])", "exit(70)"},
		{"a swap in an array", "var b [2]byte\nb[0], b[1] = 3, 4\nb[0], b[1] = b[1], b[0]\nexit(b[0]*10 + b[1])", "exit(43)"},
		{"results find their places first", "func two() (int, int) { return 2, 9 }\nfunc main() { i := 0\nvar b [4]byte\ni, b[i] = two()\nexit(i*100 + b[0]) }", "exit(209)"},
		{"a shared variable keeps its earlier value", setEp + "func main() { ep = 1\nx := ep + set(5)\nexit(x) }", "exit(6)"},
		{"and has its later one behind the call", setEp + "func main() { ep = 1\nx := set(5) + ep\nexit(x) }", "exit(10)"},
		{"in op=", setEp + "func main() { ep = 1\nep += set(5)\nexit(ep) }", "exit(6)"},
		{"in a list of values", setEp + "func main() { ep = 1\na, b, c := ep, set(5), ep\nexit(a*100 + b*10 + c) }", "exit(155)"},
		{"in arguments", setEp + "func show(a int, b int, c int) { exit(a*100 + b*10 + c) }\nfunc main() { ep = 1\nshow(ep, set(5), ep) }", "exit(155)"},
		{"in an index", setEp + "func main() { ep = 1\nvar b [8]byte\nb[ep] = set(5)\nexit(b[1]*10 + b[5]) }", "exit(50)"},
		{"in a key of op=", setEp + "func main() { ep = 1\nm := map[int]int{}\nm[1] = 3\nm[ep] += set(5)\nexit(m[1]*10 + m[5]) }", "exit(80)"},
		{"in results", setEp + "func two() (int, int) { return ep, set(5) }\nfunc main() { ep = 1\na, b := two()\nexit(a*10 + b) }", "exit(15)"},
		{"in a condition", setEp + "func main() { ep = 1\nif ep == 1 && set(5) == 5 && ep == 5 { exit(ep) } }", "exit(5)"},
		{"a local variable is out of reach", setEp + "func main() { ep = 1\nx := 1\nx += set(5) + x\nexit(x) }", "exit(7)"},
		{"a case is not called behind the one that fits", "switch 1 { case getpid(), gettid(): exit(1)\ncase getpid(): exit(2) }", "getpid() exit(1)"},
		{"cases are called in order", "switch 3 { case getpid(), gettid(): exit(1)\ncase getpid(): exit(2)\ndefault: exit(3) }", "getpid() gettid() getpid() exit(2)"},
		{"a value before a call in a case", "switch 7 { case 7, getpid(): exit(1) }\nswitch 7 { case getpid(), 7: exit(2) }", "exit(1) getpid() exit(2)"},
		{"the tag is called once", "switch getpid() { case 0, 1: exit(1)\ncase 2: exit(2) }", "getpid() exit(1)"},
		{"what returns several results can be returned", "func two() (int, int) { return getpid(), gettid() }\nfunc again() (int, int) { return two() }\nfunc main() { a, b := again()\nexit(a*10 + b) }", "getpid() gettid() exit(12)"},
	} {
		o.test(t)
	}
}

func TestErrnoIsReadWhereItStands(t *testing.T) {
	r := start(t, "close(1)\nx := errno*100 + close(2)*0 + errno\nexit(x)")
	n := int64(0)
	r.answer = func(string, [8]int64) []int64 { n++; return []int64{-n} }
	r.run(100)
	if got := r.log[len(r.log)-1]; got != "exit(102)" {
		t.Errorf("got %s", got)
	}
}

// TestArraysAreCopied: arrays and structures are values; slices and maps are not
// (https://go.dev/ref/spec#Array_types).
func TestArraysAreCopied(t *testing.T) {
	for _, o := range []outcome{
		{"a new variable", "var a [2]byte\nb := a\na[0] = 9\nexit(b[0])\nb[1] = 3\nexit(a[1])", "exit(0) exit(0)"},
		{"an old one", "var a [2]byte\nvar b [2]byte\na[0] = 9\nb = a\na[0] = 1\nexit(b[0])", "exit(9)"},
		{"an element", "var e [2]epoll_event\ne[1].data = 5\nx := e[1]\ne[1].data = 6\nexit(x.fd)\ne[0] = x\nexit(e[0].fd)", "exit(5) exit(5)"},
		{"a structure alone", "var e epoll_event\ne.data = 5\nf := e\ne.data = 6\nexit(f.fd)", "exit(5)"},
		{"a set", "r := fd_set(3)\nw := r\nFD_SET(4, r)\nexit(FD_ISSET(3, w)*10 + FD_ISSET(4, w))", "exit(10)"},
		{"in a loop", "var a [1]byte\nfor i := range 2 { b := a\nb[0]++\na[0] += 5\nexit(b[0] + i) }", "exit(1) exit(7)"},
		{"an array that a loop walks over", "var a [3]byte\nfor i, v := range a { a[2] = 9\nexit(i*10 + v) }", "exit(0) exit(10) exit(20)"},
		{"but not a slice", "p := []pollfd{{1, 0}, {2, 0}}\nfor _, e := range p { p[1].fd = 9\nexit(e.fd) }", "exit(1) exit(9)"},
		{"the copy of an element in a loop", "var p [2]pollfd\nfor i, e := range p { e.fd = 7\np[i].fd++\nexit(e.fd*10 + p[i].fd) }", "exit(71) exit(71)"},
		{"a map has two names", "m := map[int]int{}\nn := m\nn[1] = 5\nexit(m[1])", "exit(5)"},
	} {
		o.test(t)
	}
}

func TestMaps(t *testing.T) {
	const three = "m := map[int]int{}\nm[1] = 1\nm[2] = 2\nm[3] = 3\n"
	for _, o := range []outcome{
		{"delete this key in a loop", three + "for k := range m { delete(m, k)\nexit(k) }\nexit(len(m))", "exit(1) exit(2) exit(3) exit(0)"},
		{"delete a key not reached yet", three + "for k, v := range m { delete(m, 2)\nexit(k*10 + v) }", "exit(11) exit(33)"},
		{"delete a key that was", three + "for k := range m { delete(m, 1)\nexit(k) }", "exit(1) exit(2) exit(3)"},
		{"no key twice", three + "for k := range m { delete(m, k)\nm[k] = 1\nm[0] = 1\nexit(k) }", "exit(1) exit(2) exit(3)"},
		{"another map for the name", three + "for k := range m { m = map[int]int{}\nexit(k) }\nexit(len(m))", "exit(1) exit(2) exit(3) exit(0)"},
		{"the greatest key", "m := map[int]int{}\nm[0x7fffffffffffffff] = 1\nm[-9223372036854775808] = 2\nfor _, v := range m { exit(v) }", "exit(2) exit(1)"},
		{"a map literal in a loop", "n := 0\nfor i := range 100000 { m := map[int]int{}\nm[i] = 1\nn += len(m) }\nexit(n)", "exit(100000)"},
		{"the map of the turn before", "old := map[int]int{}\nfor i := range 3000 { new := map[int]int{}\nnew[0] = old[0] + i\nold = new }\nexit(old[0])", "exit(4498500)"},
		{"a function has its own", "func f(n int) int { m := map[int]int{}\nm[0] = n\nif n > 0 { f(n - 1) }\nreturn m[0] }\nfunc main() { exit(f(50)) }", "exit(50)"},
		{"the nil map", "var m map[int]int\ndelete(m, 1)\nfor k := range m { exit(k) }\nexit(m[1] + len(m))\nm[1] = 1", "exit(0) line 5: an assignment to an entry of a map that was not made with map[int]int{}"},
	} {
		o.test(t)
	}
}
