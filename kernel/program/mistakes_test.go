package program

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

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
