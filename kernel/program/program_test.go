package program

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrograms prints values with exit: exit(n) is a call like any other here.
func TestPrograms(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      string
	}{
		{"arithmetic", "exit(2 + 3*4 - 10/3 - 7%4)", "exit(8)"},
		{"bits", "exit(0x0f &^ 3 | 1<<6 ^ 2)", "exit(78)"},
		{"durations", "nanosleep(5*us + 1*ms)", "nanosleep(1005000)"},
		{"several assignments at once", "a, b := 1, 2\na, b = b, a\nexit(a*10 + b)", "exit(21)"},
		{"op-assign and ++", "x := 5\nx += 3\nx <<= 1\nx--\nexit(x)", "exit(15)"},
		{"if and else", "x := 3\nif x > 5 { exit(1) } else if x == 3 { exit(2) } else { exit(3) }", "exit(2)"},
		{"for with condition", "i := 0\nfor i < 3 { exit(i)\ni++ }", "exit(0) exit(1) exit(2)"},
		{"continue runs the post statement", "for i := 0; i < 4; i++ { if i%2 == 0 { continue }\nexit(i) }", "exit(1) exit(3)"},
		{"break leaves the inner loop", "for i := range 2 { for { break }\nexit(i) }", "exit(0) exit(1)"},
		{"range over an integer", "for i := range 3 { exit(i) }", "exit(0) exit(1) exit(2)"},
		{"range over a map in the order of its keys", "m := map[int]int{}\nm[7] = 1\nm[2] = 5\nfor k, v := range m { exit(k*10 + v) }", "exit(25) exit(71)"},
		{"maps", "m := map[int]int{}\nm[3]++\nm[3] += 4\ndelete(m, 9)\nexit(m[3]*10 + len(m))\ndelete(m, 3)\nexit(m[3])", "exit(51) exit(0)"},
		{"switch", "for i := range 4 { switch i { case 0, 2: exit(10 + i)\ncase 1: break\ndefault: exit(99) } }", "exit(10) exit(12) exit(99)"},
		{"switch without a tag", "x := 4\nswitch { case x < 3: exit(1)\ncase x < 5: exit(2) }", "exit(2)"},
		{"bytes", "var b [4]byte\nb[1] = 300\nb[1]++\nexit(b[1])\nfor i, v := range b { exit(i + v) }", "exit(45) exit(0) exit(46) exit(2) exit(3)"},
		{"fields of epoll_event", "var ev [2]epoll_event\nev[1].events = EPOLLIN\nev[1].data = -1\nexit(ev[1].fd)\nexit(ev[1].events + ev[0].fd)", "exit(-1) exit(1)"},
		{"pollfd literals", "p := []pollfd{{3, POLLIN}, {4, POLLOUT}}\np[1].revents = POLLHUP\nexit(p[1].fd*1000 + p[1].events*100 + p[1].revents)\nexit(len(p))", "exit(4416) exit(2)"},
		{"sets", "r := fd_set(3, 9)\nexit(FD_ISSET(9, r)*10 + FD_ISSET(4, r))", "exit(10)"},
		{"addresses", "var b [4]byte\nvar c [4]byte\nexit(addr(c) - addr(b))\nexit(addr(\"x\") - addr(\"y\") + KERNEL - 0xffffffff81000000)", "exit(8) exit(-65536)"},
		{"strings", "x := \"a\" + \"b\"\nif x == \"ab\" && x < \"b\" && len(x) == 2 { print(x) }\nexit(x[1])", "print(ab) exit(98)"},
		{"booleans", "ok := 3 > 2\nif !ok || false { exit(1) }\nif ok == true { exit(2) }", "exit(2)"},
		{"own functions", "func twice(x int) int { return 2 * x }\nfunc main() { exit(twice(twice(3))) }", "exit(12)"},
		{"several results", "func div(a int, b int) (int, int) { return a / b, a % b }\nfunc main() { q, r := div(17, 5)\nexit(q*10 + r) }", "exit(32)"},
		{"recursion", "func fib(n int) int { if n < 2 { return n }\nreturn fib(n-1) + fib(n-2) }\nfunc main() { exit(fib(10)) }", "exit(55)"},
		{"a function without a result", "func say(x int) { exit(x) }\nfunc main() { say(4)\nsay(5) }", "exit(4) exit(5)"},
		{"calls run from left to right", "x := getpid() + gettid()*10\nexit(x)", "getpid() gettid() exit(0)"},
		{"&& skips the call", "if 1 > 2 && getpid() > 0 { exit(1) }\nexit(2)", "exit(2)"},
		{"|| skips the call", "if 1 < 2 || getpid() > 0 { exit(1) }", "exit(1)"},
		{"a call in a loop's condition", "n := 0\nfor getpid() == 0 && n < 2 { n++ }\nexit(n)", "getpid() getpid() getpid() exit(2)"},
		{"shared variables", "ep = 5\nstop += ep\nexit(stop)", "exit(5)"},
		{"the fd is epoll_ctl's data", "epoll_ctl(4, EPOLL_CTL_ADD, 3, EPOLLIN|EPOLLET)", "epoll_ctl(4 1 3 2147483649 3)"},
		{"shadowing", "x := 1\n{ x := 2\nexit(x) }\nexit(x)", "exit(2) exit(1)"},
		{"a declaration in a loop is fresh", "for i := range 2 { var b [2]byte\nb[0] += 7 + i\nexit(b[0]) }", "exit(7) exit(8)"},
		{"a variable may have a unit's name", "s := 3\nexit(s)", "exit(3)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, c.src)
			if fault := r.run(10000); fault != "" {
				t.Fatal(fault)
			}
			if d := cmp.Diff(c.want, strings.Join(r.log, " ")); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

func TestFailedCallsSetErrno(t *testing.T) {
	r := start(t, "var b [4]byte\nif read(3, b, 4) == -1 && errno == EAGAIN { exit(errno) }")
	r.answer = func(name string, _ [8]int64) []int64 { return map[string][]int64{"read": {-11}}[name] }
	r.run(100)
	if got := r.log[len(r.log)-1]; got != "exit(11)" {
		t.Errorf("got %s", got)
	}
}
