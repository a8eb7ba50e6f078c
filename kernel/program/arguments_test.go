package program

import (
	"fmt"
	"strings"
	"testing"
)

// TestArguments: what the names and literals of a call become.
func TestArguments(t *testing.T) {
	fds := fmt.Sprint(DataBase)
	for _, o := range []outcome{
		{"a timeout", "ppoll(NULL, 0, 5*us)\nppoll(NULL, 0, NULL)\nselect(0, NULL, NULL, NULL, NULL)", "ppoll(0 0 5000 0) ppoll(0 0 -1 0) select(0 0 0 0 -1)"},
		{"a set of signals", "ppoll(NULL, 0, NULL, sigset(SIGHUP, SIGUSR1))\nppoll(NULL, 0, NULL, NULL)", "ppoll(0 0 -1 513) ppoll(0 0 -1 0)"},
		{"the last signal", "ppoll(NULL, 0, NULL, sigset(64))", "ppoll(0 0 -1 -9223372036854775808)"},
		{"threads by name", "tgkill(b, SIGUSR1)\njoin(a, b)\nspawn(b)\nsettle()\nwait_blocked()", "tgkill(1 10) join(0 1) spawn(1) settle() wait_blocked()"},
		{"any number of arguments", "syscall(39)\nsyscall(1, 2, 3, 4, 5, 6, 7)", "syscall(39) syscall(1 2 3 4 5 6 7)"},
		{"a system call by number", "var b [4]byte\nsyscall(SYS_write, 1, \"hi\", 2)\nsyscall(SYS_read, 0, b, 4)\nsyscall(SYS_close, b)", "syscall(1 1 5242880 2) syscall(0 0 " + fds + " 4) syscall(3 " + fds + ")"},
		{"an array of pollfd", "var fds [4]pollfd\npoll(fds, 4, -1)\npoll(fds, 0, 0)", "poll(" + fds + " 4 -1) poll(" + fds + " 0 0)"},
		{"one pollfd", "var p pollfd\np.fd = 3\npoll(p, 1, -1)", "poll(" + fds + " 1 -1)"},
		{"a set in place", "select(5, fd_set(3), NULL, NULL, NULL)", "select(5 " + fds + " 0 0 -1)"},
		{"text", "write(1, \"hi\")\nx := \"hello\"\nwrite(1, x)\nwrite(1, x, 5)", "write(1 5242880 2) write(1 5308416 5) write(1 5308416 5)"},
		{"maxevents is the kernel's to check", "var e [2]epoll_event\nepoll_wait(3, e, 0, 0)\nepoll_wait(3, e, -1, 0)", "epoll_wait(3 " + fds + " 0 0) epoll_wait(3 " + fds + " -1 0)"},
	} {
		o.test(t)
	}
}

// TestCountsFitTheirArrays: C has no meaning for the others.
func TestCountsFitTheirArrays(t *testing.T) {
	for src, want := range map[string]string{
		"var b [4]byte\nread(3, b, 5)":                    "line 2: read is given n = 5, but buf has 4",
		"var b [4]byte\nread(3, b, -1)":                   "line 2: read is given n = -1, but buf has 4",
		"var ev [2]epoll_event\nepoll_wait(3, ev, 3, -1)": "line 2: epoll_wait is given maxevents = 3, but events has 2",
		"p := []pollfd{{3, POLLIN}}\npoll(p, 2, -1)":      "line 2: poll is given n = 2, but fds has 1",
		"var p pollfd\npoll(p, 2, -1)":                    "line 2: poll is given n = 2, but fds has 1",
		"x := \"hi\"\nwrite(1, x, 9)":                     "line 2: write is given n = 9, but buf has 2",
		"syscall(1, 1, \"hi\", 9)":                        "line 1: syscall is given arg = 9, but arg has 2",
		"var b [4]byte\nsyscall(0, 1, 2, 3, 4, b, 5)":     "line 2: syscall is given arg = 5, but arg has 4",
		"write(1, \"hi\", 9)":                             "line 1: write is given n = 9, but buf has 2",
	} {
		if got := start(t, src).run(100); got != want {
			t.Errorf("%q: %q, want %q", src, got, want)
		}
	}
}

func TestCallsWithTwoResults(t *testing.T) {
	for _, o := range []outcome{
		{"new variables", "r, w := pipe2(0)\nexit(r*10 + w)", "pipe2(0) exit(34)"},
		{"old ones", "r, w := 0, 0\nr, w = socketpair(AF_UNIX, SOCK_STREAM, 0)\nexit(r*10 + w)", "socketpair(1 1 0) exit(34)"},
		{"only the second", "_, w := pipe2(0)\nexit(w)", "pipe2(0) exit(4)"},
		{"elements", "var p [2]pollfd\np[0].fd, p[1].fd = pipe2(O_NONBLOCK)\nexit(p[0].fd*10 + p[1].fd)", "pipe2(2048) exit(34)"},
		{"none", "pipe2(0)\n_, _ = pipe2(0)\n_ = getpid()", "pipe2(0) pipe2(0) getpid()"},
	} {
		t.Run(o.name, func(t *testing.T) {
			r := start(t, o.src)
			r.answer = func(string, [8]int64) []int64 { return []int64{3, 4} }
			if fault := r.run(100); fault != "" {
				t.Fatal(fault)
			}
			if got := strings.Join(r.log, " "); got != o.want {
				t.Errorf("got %s, want %s", got, o.want)
			}
		})
	}
}

// TestSets: select(2). What FD_ISSET gives is a number and a condition, as in C.
func TestSets(t *testing.T) {
	for _, o := range []outcome{
		{"an empty set", "r := fd_set()\nexit(FD_ISSET(0, r))", "exit(0)"},
		{"a declared set", "var r fd_set\nFD_SET(1023, r)\nFD_SET(0, r)\nFD_CLR(0, r)\nexit(FD_ISSET(1023, r)*10 + FD_ISSET(0, r))", "exit(10)"},
		{"a condition", "r := fd_set(3)\nif FD_ISSET(3, r) && !FD_ISSET(4, r) { exit(1) }\nif FD_ISSET(3, r) == true && FD_ISSET(3, r) == 1 { exit(2) }", "exit(1) exit(2)"},
		{"zero", "r := fd_set(3)\nFD_ZERO(r)\nexit(FD_ISSET(3, r))", "exit(0)"},
		{"made again", "r := fd_set(3)\nw := r\nr = fd_set(4)\nexit(FD_ISSET(4, r)*100 + FD_ISSET(3, r)*10 + FD_ISSET(3, w))", "exit(101)"},
		{"a call as the descriptor", "r := fd_set()\nFD_SET(getpid(), r)\nexit(FD_ISSET(1, r))", "getpid() exit(1)"},
		{"a descriptor that no set holds", "r := fd_set()\ns := 1024\nFD_SET(s, r)", "line 3: an fd_set holds the descriptors 0 to 1023, not 1024"},
		{"a descriptor that there is not", "s := -1\nr := fd_set(s)", "line 2: an fd_set holds the descriptors 0 to 1023, not -1"},
		{"which is not asked for either", "r := fd_set()\nif FD_ISSET(-1, r) { exit(1) }", "line 2: an fd_set holds the descriptors 0 to 1023, not -1"},
	} {
		o.test(t)
	}
}

func TestPollfds(t *testing.T) {
	for _, o := range []outcome{
		{"a literal with names", "p := []pollfd{{fd: 3, events: POLLIN}, {4, POLLOUT}}\nexit(p[0].fd*100 + p[0].events*10 + p[1].events)", "exit(314)"},
		{"made again", "p := []pollfd{{3, 1}, {4, 1}}\np[0].revents = 5\np = []pollfd{{p[1].fd, 2}, {p[0].fd, 4}}\nexit(p[0].fd*100 + p[1].fd*10 + p[0].revents)", "exit(430)"},
		{"a fd below zero is left out", "var p [1]pollfd\np[0].fd = -1\nexit(p[0].fd)", "exit(-1)"},
		{"results of a call", "var p [2]pollfd\nfor i := range p { p[i].fd = eventfd(0, 0)\np[i].events = POLLIN | POLLRDHUP }\nexit(p[0].fd*10 + p[1].fd)\nexit(p[1].events)", "eventfd(0 0) eventfd(0 0) exit(12) exit(8193)"},
		{"walked over", "p := []pollfd{{3, 1}, {4, 1}}\np[1].revents = POLLHUP\nfor i, f := range p { if f.revents != 0 { exit(i*10 + f.fd) } }", "exit(14)"},
		{"ten thousand", "var p [10000]pollfd\nfor i := range p { p[i].fd = i }\nexit(p[9999].fd + len(p))", "exit(19999)"},
	} {
		o.test(t)
	}
}

// TestMakingAgainTakesNoMemory: a loop arms its sets anew each turn.
func TestMakingAgainTakesNoMemory(t *testing.T) {
	const turn = "\nr = fd_set(i%1024)\nfds = []pollfd{{i, POLLIN}}\nx := r\nFD_ZERO(x)"
	var data, maps [2]int
	for i, n := range []int{1, 5000} {
		r := start(t, fmt.Sprintf("r := fd_set()\nfds := []pollfd{{0, 0}}\nfor i := range %d {%s\nm := map[int]int{}\nm[i] = 1 }", n, turn))
		if fault := r.run(1_000_000); fault != "" {
			t.Fatal(fault)
		}
		data[i], maps[i] = len(r.mem.Data), len(r.mem.Maps)
	}
	if data[0] != data[1] || maps[1] > 2 {
		t.Errorf("%d bytes after one turn, %d after 5000, with %d maps", data[0], data[1], maps[1])
	}
}

// TestScratch: what C library functions pass by address has a place that programs
// cannot name, and that is copied with the rest.
func TestScratch(t *testing.T) {
	var mem, other Memory
	b, ok := mem.Writable(ScratchBase, ScratchBytes)
	if !ok {
		t.Fatal("no scratch")
	}
	b[ScratchBytes-1] = 7
	other.CopyFrom(&mem)
	b[ScratchBytes-1] = 8
	p := &Program{}
	if c, ok := p.Bytes(&other, ScratchBase+ScratchBytes-1, 1); !ok || c[0] != 7 {
		t.Errorf("%v, %v in the copy", c, ok)
	}
	for _, r := range [][2]int64{{ScratchBase, ScratchBytes + 1}, {ScratchBase - 1, 1}, {ScratchBase + 1, ScratchBytes}, {ScratchBase, -1}} {
		if _, ok := mem.Writable(r[0], r[1]); ok {
			t.Errorf("%d bytes at %#x are writable", r[1], r[0])
		}
	}
}
