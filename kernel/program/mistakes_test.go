package program

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestUndefinedBehaviourStopsTheProgram(t *testing.T) {
	for src, want := range map[string]string{
		"var b [4]byte\ni := 4\nb[i] = 1": "line 3: an index out of range",
		"func f(n int) int { var b [1000000]byte\nreturn f(n + len(b)) }\nfunc main() { f(1) }": "line 2: own functions call each other too deep",
		"x := -1\nexit(1 << x)": "line 2: a shift by a negative number",
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
		{"x := addr(5)", "1:6: an integer does not lie in memory: addr takes an array or a string"},
		{"load()", "1:1: load takes load(addr)"},
		{"store(HEAP, \"a\")", "1:13: this is a string; the parameter value takes an integer"},
		{"x := store(HEAP)", "1:1: 1 variables, but store returns 0"},
		{"exit(18446744073709551615)", "1:6: 18446744073709551615 is not a 64-bit integer"},
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
		{"var b [4]byte\nvar e [4]epoll_event\nb = e", "3:1: this is an array of 4 byte, not an array of 4 epoll_event"},
		{"var a [2]byte\nvar b [3]byte\na = b", "3:1: this is an array of 2 byte, not an array of 3 byte"},
		{"p := []pollfd{{1, 1}}\np = []pollfd{{1, 1}, {2, 1}}", "2:1: this is a slice of 1 pollfd, not a slice of 2 pollfd"},
		{"p := []pollfd{{1, 1}}\nq := p", "2:6: a slice has one name here: it cannot be assigned to another"},
		{"p := []pollfd{}", "1:6: only map[int]int{} and []pollfd{{fd, events}, …} can be written like this"},
		{"p := []pollfd{{1}}", "1:15: a pollfd is {fd, events}"},
		{"sigset(SIGUSR1)", "1:1: sigset gives a value that nobody uses"},
		{"x := sigset()", "1:6: sigset takes at least one signal"},
		{"x := sigset(65)", "1:13: there is no signal 65"},
		{"x := sigset(x0)", "1:13: unknown variable or constant \"x0\""},
		{"x := FD_SET(1, fd_set())", "1:6: FD_SET returns nothing"},
		{"x := delete(1, 2)", "1:6: delete returns nothing"},
		{"FD_SET(1)", "1:1: FD_SET takes 2 arguments, not 1"},
		{"FD_ZERO(1)", "1:9: an integer where an fd_set is needed"},
		{"len(\"a\")", "1:1: len gives a value that nobody uses"},
		{"a, a := 1, 2", "1:4: a is declared twice"},
		{"_ := getpid()", "1:3: no new variable on the left side of :="},
		{"_ += 1", "1:1: _ has no value"},
		{"a, b, c := pipe2(0)", "1:1: 3 variables, but pipe2 returns 2"},
		{"x := pipe2(0) + 1", "1:6: pipe2 returns 2 values where one is needed"},
		{"var x string = 1", "1:7: x is an integer, not a string"},
		{"func FD_SET() {}\nfunc main() {}", "1:6: FD_SET is a call already"},
		{"func f() (int, int) { return len(\"a\") }\nfunc main() {}", "1:23: f returns 2 values, not 1"},
		{"break", "1:1: break outside of a loop"},
		{"for {", "1:6: expected '}', found the end"},
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
		if got := mistake(c.src); !strings.HasPrefix(got, c.want) {
			t.Errorf("%.40q:\n  got  %s\n  want %s", c.src, got, c.want)
		}
	}
}

// mistake compiles a program and gives its error and the place.
func mistake(src string) string {
	_, err := Compile(src, Env{})
	var e *Error
	if !errors.As(err, &e) {
		return "none"
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg)
}

// TestNothingLeavesTheWrappedMain: the program's text is put inside of braces.
func TestNothingLeavesTheWrappedMain(t *testing.T) {
	for src, want := range map[string]string{
		"}; func x(){":                        "1:1: a } that nothing opens",
		"exit(1)\n}\nfunc g() {\nexit(2)":     "2:1: a } that nothing opens",
		"for { }\n} // {":                     "2:1: a } that nothing opens",
		"x = = 1\n}":                          "1:5: expected operand, found '='",
		"x := \"}\"\nexit(len(x))":            "none",
		"/* } */ exit('}')":                   "none",
		"/* {":                                "1:1: comment not terminated",
		"exit(1)\nfunc g() { }":               "2:6: expected '(', found g",
		"//line x:900\nreed(1)":               "2:1: unknown call \"reed\"; did you mean \"read\"?",
		"/*line x:9:9*/ reed(1)":              "1:16: unknown call \"reed\"; did you mean \"read\"?",
		"//line x:900\nx := ":                 "2:6: expected operand, found the end",
		"func main() { } }\nfunc g() {":       "1:17: a } that nothing opens",
		"func main() { }\nimport \"os\"":      "2:1: imports must appear before other declarations",
		"func main() { }\nvar x int":          "2:1: only functions can stand here",
		"package p; func f() {}":              "1:1: expected statement, found 'package'",
		"// a comment first\nfunc main() { }": "none",
	} {
		if got := mistake(src); got != want {
			t.Errorf("%q:\n  got  %s\n  want %s", src, got, want)
		}
	}
}

// TestTheFirstMistakeIsTold, whatever is compiled first; and not what follows from
// one further down.
func TestTheFirstMistakeIsTold(t *testing.T) {
	for src, want := range map[string]string{
		"func f() { reed(1) }\nfunc main() { wreck(2) }":                               "1:12",
		"func main() { f(1, 2) }\nfunc f(x float64) { reed(1) }":                       "2:10",
		"func f() { reed(1) }\nvar x int\nfunc main() { }":                             "1:12",
		"func f() int { reed(1) }\nfunc main() { }":                                    "1:16",
		"for i := 0; i < 3; i = j { reed(i) }":                                         "1:24",
		"for i := 0; i < n; i = j { reed(i) }":                                         "1:17",
		"x := reed(1)\nexit(x)\ny := x + z":                                            "1:6",
		"if true { reed(1) } else { wreck(2) }\nx = 1":                                 "1:11",
		"switch 1 { case 1: reed(1)\ncase z: exit(1) }":                                "1:20",
		"switch 1 { default: reed(1)\ncase z: exit(1) }":                               "1:21",
		"func f() { }\nfunc f() { reed(1) }\nfunc main() { break }":                    "2:1",
		"func f() { var b [1000000]byte\nvar c [100000]byte }\nfunc main() { reed() }": "2:5",
	} {
		if got := mistake(src); !strings.HasPrefix(got, want+": ") {
			t.Errorf("%q:\n  got  %s\n  want %s", src, got, want)
		}
	}
}

// TestEveryCallOfTheFormatIsKnown: a call that is not built is an error of its
// own, not an unknown name.
func TestEveryCallOfTheFormatIsKnown(t *testing.T) {
	for _, name := range strings.Fields("read write close dup dup2 fcntl pipe2 socketpair eventfd eventfd_write eventfd_read timerfd_create timerfd_settime memfd_create " +
		"socket bind listen accept accept4 connect send sendto recv recvfrom shutdown setsockopt getsockopt poll ppoll select epoll_create epoll_create1 epoll_ctl " +
		"epoll_wait epoll_pwait epoll_pwait2 getpid gettid nanosleep sched_yield exit sigaction tgkill syscall compute rx_burst print load store cli hlt spawn settle wait_blocked join") {
		if specOf(name) == nil {
			t.Errorf("%s is not in the table", name)
		}
	}
}
