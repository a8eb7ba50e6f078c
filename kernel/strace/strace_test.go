package strace

import (
	"testing"

	"ringside/kernel/program"
)

// TestFormat holds the lines of the format's own description, and what strace
// does with data: testdata is the program that makes the call, the result, and
// what the call has left in its buffer.
func TestFormat(t *testing.T) {
	for _, c := range []struct {
		program string
		ret     int64
		errno   int
		buffer  string
		from    string
		want    string
	}{
		{program: "socket(AF_INET, SOCK_DGRAM, 0)", ret: 3, want: "socket(AF_INET, SOCK_DGRAM, 0) = 3"},
		{program: "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0)", ret: 3, want: "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = 3"},
		{program: `bind(3, ":7000")`, want: "bind(3, 0.0.0.0:7000) = 0"},
		{program: `bind(3, "127.0.0.1:7000")`, ret: -1, errno: 98, want: "bind(3, 127.0.0.1:7000) = -1 EADDRINUSE"},
		{program: "epoll_create1(0)", ret: 4, want: "epoll_create1(0) = 4"},
		{program: "epoll_create1(EPOLL_CLOEXEC)", ret: 4, want: "epoll_create1(EPOLL_CLOEXEC) = 4"},
		{program: "epoll_ctl(4, EPOLL_CTL_ADD, 3, EPOLLET|EPOLLIN)", want: "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, data=3}) = 0"},
		{program: "epoll_ctl(4, EPOLL_CTL_MOD, 3, 0, -7)", ret: -1, errno: 2, want: "epoll_ctl(4, EPOLL_CTL_MOD, 3, {events=0, data=-7}) = -1 ENOENT"},
		{program: "epoll_ctl(4, EPOLL_CTL_DEL, 3, 0)", want: "epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0"},
		{program: "var b [24]epoll_event\nepoll_wait(4, b, 8, -1)", ret: 2,
			buffer: "\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x01\x20\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00",
			want:   "epoll_wait(4, [{events=EPOLLIN, data=3}, {events=EPOLLIN|EPOLLRDHUP, data=7}], 8, -1) = 2"},
		{program: "var b [8]epoll_event\nepoll_wait(4, b, 8, 0)", want: "epoll_wait(4, [], 8, 0) = 0"},
		{program: "var b [8]epoll_event\nepoll_wait(4, b, 8, -1)", ret: -1, errno: 4, want: "epoll_wait(4, ..., 8, -1) = -1 EINTR"},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 5, buffer: "hello", want: `read(3, "hello", 512) = 5`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: -1, errno: 11, want: "read(3, ..., 512) = -1 EAGAIN"},
		{program: "var b [512]byte\nread(3, b, 512)", want: `read(3, "", 512) = 0`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 32, buffer: "0123456789abcdef0123456789abcdef", want: `read(3, "0123456789abcdef0123456789abcdef", 512) = 32`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 33, buffer: "0123456789abcdef0123456789abcdefX", want: `read(3, "0123456789abcdef0123456789abcdef"..., 512) = 33`},
		{program: "var b [512]byte\nread(3, b, 512)", ret: 12, buffer: "\"\\\n\t\x00\x001\x1b[0m\xff", want: `read(3, "\"\\\n\t\0\0001\33[0m\377", 512) = 12`},
		{program: "var b [512]byte\nrecvfrom(3, b, 512, MSG_DONTWAIT)", ret: 5, buffer: "hello", from: "10.0.0.2:5555", want: `recvfrom(3, "hello", 512, MSG_DONTWAIT, 10.0.0.2:5555) = 5`},
		{program: "var b [512]byte\nrecvfrom(3, b, 512, 0)", ret: -1, errno: 11, want: "recvfrom(3, ..., 512, 0, NULL) = -1 EAGAIN"},
		{program: "var b [4]byte\nrecvfrom(3, b, 4, MSG_TRUNC)", ret: 9, buffer: "hell", from: "10.0.0.2:1", want: `recvfrom(3, "hell", 4, MSG_TRUNC, 10.0.0.2:1) = 9`},
		{program: `write(1, "hi")`, ret: 2, want: `write(1, "hi", 2) = 2`},
		{program: `print("hi")`, ret: 2, want: `write(1, "hi", 2) = 2`},
		{program: "fcntl(3, F_GETFL)", ret: 2, want: "fcntl(3, F_GETFL) = 2"},
		{program: "fcntl(3, F_SETFL, O_NONBLOCK)", want: "fcntl(3, F_SETFL, O_NONBLOCK) = 0"},
		{program: "nanosleep(5*us)", want: "nanosleep(5us) = 0"},
		{program: "nanosleep(1500*us)", want: "nanosleep(1500us) = 0"},
		{program: "close(9)", ret: -1, errno: 9, want: "close(9) = -1 EBADF"},
		{program: "getpid()", ret: 1000, want: "getpid() = 1000"},
	} {
		call := callOf(t, c.program, c.buffer)
		call.Ret, call.Errno, call.From = c.ret, c.errno, c.from
		if got := Format(call); got != c.want {
			t.Errorf("%s:\n  got  %s\n  want %s", c.program, got, c.want)
		}
	}
}

func TestUnfinished(t *testing.T) {
	for program, want := range map[string]string{
		"var b [8]epoll_event\nepoll_wait(4, b, 8, -1)": "epoll_wait(4, <unfinished ...>",
		"var b [8]byte\nread(3, b, 8)":                  "read(3, <unfinished ...>",
		"nanosleep(5*ms)":                               "nanosleep(5ms <unfinished ...>",
	} {
		call := callOf(t, program, "")
		call.Unfinished = true
		if got := Format(call); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestExited(t *testing.T) {
	if got := Exited(3); got != "+++ exited with 3 +++" {
		t.Error(got)
	}
}

// callOf runs a program up to its first call and fills the array that it has
// declared.
func callOf(t *testing.T, src, buffer string) Call {
	t.Helper()
	p, err := program.Compile(src, program.Env{})
	if err != nil {
		t.Fatal(err)
	}
	var mem program.Memory
	f := p.Start(&mem)
	for range 10 {
		e := p.Exec(&mem, &f, nil)
		if e.Kind == program.EffSyscall || e.Kind == program.EffLibrary {
			copy(mem.Data, buffer)
			return Call{Spec: p.Calls[e.Site].Spec, Args: e.Args[:], Prog: p, Mem: &mem}
		}
	}
	t.Fatal("no call")
	return Call{}
}
