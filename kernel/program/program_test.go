package program

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// runner answers calls from a script and notes them, as both lanes do.
type runner struct {
	p      *Program
	mem    Memory
	shared []int64
	answer func(name string, args [8]int64) int64
	log    []string
	frames []Frame
}

// run executes a program for at most so many operations.
func (r *runner) run(limit int) string {
	frames := []Frame{r.p.Start(&r.mem)}
	for range limit {
		f := &frames[len(frames)-1]
		switch e := r.p.Exec(&r.mem, f, r.shared); e.Kind {
		case EffCall:
			if len(frames) > 200 {
				return "too deep"
			}
			fn := r.p.Calls[e.Site].Func
			frames = append(frames, r.p.Enter(&r.mem, fn, e.Args[:r.p.Funcs[fn].Params]))
		case EffReturn:
			results := r.p.Leave(&r.mem, f)
			frames = frames[:len(frames)-1]
			r.p.Complete(&r.mem, &frames[len(frames)-1], r.shared, results...)
		case EffSyscall, EffLibrary:
			spec := r.p.Calls[e.Site].Spec
			var args []string
			for i, p := range spec.Params {
				if p.Kind == Str || p.Kind == SockAddr {
					args = append(args, r.p.String(e.Args[i]))
				} else {
					args = append(args, fmt.Sprint(e.Args[i]))
				}
			}
			r.log = append(r.log, spec.Name+"("+strings.Join(args, " ")+")")
			ret := int64(0)
			if r.answer != nil {
				ret = r.answer(spec.Name, e.Args)
			}
			if ret < 0 {
				r.mem.Errno, ret = -ret, -1
			}
			r.p.Complete(&r.mem, f, r.shared, ret)
		case EffExit:
			return ""
		case EffFault:
			return r.mem.Fault
		}
	}
	return "still running"
}

func start(t testing.TB, src string) *runner {
	t.Helper()
	p, err := Compile(src, Env{Shared: []string{"ep", "stop"}, Threads: []string{"a", "b"}})
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return &runner{p: p, shared: make([]int64, 2)}
}

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
	r.answer = func(name string, _ [8]int64) int64 { return map[string]int64{"read": -11}[name] }
	r.run(100)
	if got := r.log[len(r.log)-1]; got != "exit(11)" {
		t.Errorf("got %s", got)
	}
}

func TestUndefinedBehaviourStopsTheProgram(t *testing.T) {
	for src, want := range map[string]string{
		"x := 0\nexit(1 / x)":                             "line 2: a division by zero",
		"var b [4]byte\ni := 4\nb[i] = 1":                 "line 3: an index out of range",
		"x := -1\nexit(1 << x)":                           "line 2: a shift by a negative number",
		"var b [4]byte\nread(3, b, 5)":                    "line 2: read is given n = 5, but buf has 4",
		"var ev [2]epoll_event\nepoll_wait(3, ev, 3, -1)": "line 2: epoll_wait is given maxevents = 3, but events has 2",
	} {
		if got := start(t, src).run(100); got != want {
			t.Errorf("%q: %q, want %q", src, got, want)
		}
	}
}

func TestMistakesHaveAPlaceAndAReason(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"x := 1\nreed(x)", `2:1: unknown call "reed"; did you mean "read"?`},
		{"exit(EPOLIN)", `1:6: unknown variable or constant "EPOLIN"; did you mean "EPOLLIN"?`},
		{"x = 1", `1:1: unknown variable "x"`},
		{"kqueue()", "1:1: kqueue is not among the calls that this version can run"},
		{"select(1, 0, NULL, NULL, NULL)", "1:11: this is an integer; the parameter readfds takes an fd_set"},
		{"join(nobody)", `1:6: unknown thread "nobody"`},
		{"go exit(1)", "1:1: this kind of statement is not part of the language"},
		{"x := func() {}", "1:6: this kind of expression is not part of the language"},
		{"x := 1.5", "1:6: only integers and strings: 1.5"},
		{"x := 1\nx := 2", "2:3: no new variable on the left side of :="},
		{"exit()", "1:1: exit takes exit(code)"},
		{"exit(\"a\")", "1:6: this is a string; the parameter code takes an integer"},
		{"read(3, 4, 5)", "1:9: this is an integer; the parameter buf takes a byte array"},
		{"if 1 { exit(1) }", "1:4: an integer where a boolean is needed"},
		{"x := \"a\" + 1", "1:10: a string + an integer"},
		{"break", "1:1: break outside of a loop"},
		{"for {", "1:6: expected '}', found 'EOF'"},
		{"var x float64", "1:7: not a type of the language: int, bool, string, [n]byte, epoll_event, [n]epoll_event, pollfd, [n]pollfd, map[int]int, fd_set"},
		{"var b [4]byte\nb[4] = 1", "2:3: index 4 of an array of 4"},
		{"exit(1/0)", "1:7: a division by zero"},
		{"func f() {}", "1:1: a program that declares functions needs func main()"},
		{"func f() int { }\nfunc main() {}", "1:16: function f can end without returning its result"},
		{"func f(x int) int { return 1 }\nfunc main() { f() }", "2:15: f takes 1 arguments, not 0"},
		{"a, b := getpid()", "1:1: 2 variables, but getpid returns 1"},
		{"1 + 2", "1:1: a value that nobody uses"},
		{"var b [9999999]byte", "1:8: an array of 9999999 elements"},
		{"exit(99999999999999999999)", "1:6: 99999999999999999999 is not a 64-bit integer"},
		{"x := compute(1*us)", "1:1: 1 variables, but compute returns 0"},
		{"exit(" + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500) + ")", "1:105: nested too deep"},
	} {
		_, err := Compile(c.src, Env{})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q compiled", c.src)
			continue
		}
		if got := fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg); !strings.HasPrefix(got, c.want) {
			t.Errorf("%.40q:\n  got  %s\n  want %s", c.src, got, c.want)
		}
	}
}

// TestEveryCallOfTheFormatIsKnown: a call that is not built is an error of its
// own, not an unknown name.
func TestEveryCallOfTheFormatIsKnown(t *testing.T) {
	for _, name := range strings.Fields("read write close dup dup2 fcntl pipe2 socketpair eventfd eventfd_write eventfd_read timerfd_create timerfd_settime memfd_create " +
		"socket bind listen accept accept4 connect send sendto recv recvfrom shutdown setsockopt getsockopt poll ppoll select epoll_create epoll_create1 epoll_ctl " +
		"epoll_wait epoll_pwait epoll_pwait2 getpid gettid nanosleep sched_yield exit sigaction tgkill syscall compute print load store cli hlt spawn settle wait_blocked join") {
		if specOf(name) == nil {
			t.Errorf("%s is not in the table", name)
		}
	}
}

// TestExpressionsAreGos: what is computed here is what Go computes.
func TestExpressionsAreGos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		sh := rapid.Int64Range(0, 70).Draw(t, "shift")
		want := map[string]int64{"a+b": a + b, "a-b": a - b, "a*b": a * b, "a&b": a & b, "a|b": a | b, "a^b": a ^ b, "a&^b": a &^ b,
			"-a": -a, "^a": ^a, "a<<c": a << uint64(sh), "a>>c": a >> uint64(sh), "a+b*c": a + b*sh, "(a+b)*c": (a + b) * sh}
		if b != 0 && !(a == math.MinInt64 && b == -1) {
			want["a/b"], want["a%b"] = a/b, a%b
		}
		for src, w := range want {
			p, err := Compile("ep = "+src, Env{Shared: []string{"ep", "a", "b", "c"}})
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{p: p, shared: []int64{0, a, b, sh}}
			r.run(10)
			if r.shared[0] != w {
				t.Fatalf("%s with a=%d b=%d c=%d: %d, want %d", src, a, b, sh, r.shared[0], w)
			}
		}
	})
}

const busy = `func half(x int) int { return x / 2 }
func main() {
	m := map[int]int{}
	var b [16]byte
	for i := 0; ; i++ {
		m[i%5] = half(i)
		b[i%16] = m[i%5]
		getpid()
	}
}`

// TestACopyGoesOnAlike: a program that is copied in the middle does the same as
// the original, and neither disturbs the other.
func TestACopyGoesOnAlike(t *testing.T) {
	r := start(t, "m := map[int]int{}\nvar b [8]byte\nfor i := range 100 { m[i%7] += i\nb[i%8] = m[i%7]\nexit(b[i%8]) }")
	f := r.p.Start(&r.mem)
	for range 50 {
		r.p.Exec(&r.mem, &f, r.shared)
	}
	var other Memory
	other.CopyFrom(&r.mem)
	g := f
	for i := range 200 {
		x, y := r.p.Exec(&r.mem, &f, r.shared), r.p.Exec(&other, &g, r.shared)
		if x != y || f != g {
			t.Fatalf("after %d operations %+v at %+v, the copy %+v at %+v", i, x, f, y, g)
		}
	}
}

func TestExecDoesNotAllocate(t *testing.T) {
	r := start(t, busy)
	r.step(1000)
	if n := testing.AllocsPerRun(100, func() { r.step(1000) }); n > 0 {
		t.Errorf("%.0f allocations in 1,000 operations", n)
	}
}

// step executes operations without noting calls.
func (r *runner) step(n int) {
	frames := append(r.frames[:0], r.p.Start(&r.mem))
	defer func() { r.frames = frames }()
	for range n {
		f := &frames[len(frames)-1]
		switch e := r.p.Exec(&r.mem, f, r.shared); e.Kind {
		case EffCall:
			fn := r.p.Calls[e.Site].Func
			frames = append(frames, r.p.Enter(&r.mem, fn, e.Args[:r.p.Funcs[fn].Params]))
		case EffReturn:
			results := r.p.Leave(&r.mem, f)
			frames = frames[:len(frames)-1]
			r.p.Complete(&r.mem, &frames[len(frames)-1], r.shared, results...)
		case EffSyscall:
			r.p.Complete(&r.mem, f, r.shared, 0)
		}
	}
}

func BenchmarkExec(b *testing.B) {
	r := start(b, busy)
	b.ReportAllocs()
	for b.Loop() {
		r.step(1000)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/op-of-program")
}

// FuzzCompile: no text makes the compiler panic or hang, and what compiles runs
// whatever its calls return.
func FuzzCompile(f *testing.F) {
	f.Add(busy, int64(1))
	f.Add("var ev [4]epoll_event\nfor { n := epoll_wait(3, ev, 4, -1)\nfor i := range n { exit(ev[i%4].fd) } }", int64(-5))
	f.Add("x := []pollfd{{3, POLLIN}}\nselect(x)", int64(0))
	f.Add("switch x := getpid(); x { case 1: exit(2); default: print(\"a\" + \"b\") }", int64(7))
	f.Fuzz(func(t *testing.T, src string, answer int64) {
		p, err := Compile(src, Env{Shared: []string{"ep", "stop"}, Threads: []string{"a"}})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Col < 1 || e.Msg == "" {
				t.Fatalf("an error without a place: %#v", err)
			}
			return
		}
		r := &runner{p: p, shared: make([]int64, 2), answer: func(string, [8]int64) int64 { answer = answer*5 + 3; return answer }}
		r.run(10000)
	})
}
