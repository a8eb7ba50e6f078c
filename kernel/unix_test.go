package kernel

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel/program"
	"ringside/sim"
)

// TestSocketpair: unix(7), socketpair(2). What the single-threaded programs print
// was compared with Linux 6.18.
func TestSocketpair(t *testing.T) {
	runLines(t, []lineTest{
		{"a stream of bytes", `s, t := socketpair(AF_UNIX, SOCK_STREAM, 0)
			var b [16]byte
			write(s, "hello")
			write(s, "again")
			recv(t, b, 8, MSG_PEEK)
			read(t, b, 2)
			read(t, b, 16)
			recv(t, b, 16, MSG_DONTWAIT)
			send(s, "", 0, 0)
			sendto(s, "x", 1, 0, "127.0.0.1:7000")
			connect(s, "127.0.0.1:7000")
			accept(s)`, nil, `
			socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
			write(3, "hello", 5) = 5
			write(3, "again", 5) = 5
			recvfrom(4, "helloaga", 8, MSG_PEEK, NULL) = 8
			read(4, "he", 2) = 2
			read(4, "lloagain", 16) = 8
			recvfrom(4, ..., 16, MSG_DONTWAIT, NULL) = -1 EAGAIN
			sendto(3, "", 0, 0, NULL) = 0
			sendto(3, "x", 1, 0, 127.0.0.1:7000) = -1 EISCONN
			connect(3, 127.0.0.1:7000) = -1 EINVAL
			accept(3, ...) = -1 EINVAL`},
		{"datagrams", `s, t := socketpair(AF_UNIX, SOCK_DGRAM|SOCK_NONBLOCK, 0)
			var b [16]byte
			write(s, "hello")
			write(s, "")
			recv(t, b, 2, MSG_PEEK|MSG_TRUNC)
			read(t, b, 2)
			read(t, b, 16)
			read(t, b, 16)
			sendto(s, "x", 1, 0, "127.0.0.1:7000")
			listen(s, 1)`, nil, `
			socketpair(AF_UNIX, SOCK_DGRAM|SOCK_NONBLOCK, 0, [3, 4]) = 0
			write(3, "hello", 5) = 5
			write(3, "", 0) = 0
			recvfrom(4, "he", 2, MSG_PEEK|MSG_TRUNC, NULL) = 5
			read(4, "he", 2) = 2
			read(4, "", 16) = 0
			read(4, ..., 16) = -1 EAGAIN
			sendto(3, "x", 1, 0, 127.0.0.1:7000) = -1 EINVAL
			listen(3, 1) = -1 EOPNOTSUPP`},
		{"a stream's peer learns of a shutdown", `s, t := socketpair(AF_UNIX, SOCK_STREAM, 0)
			var b [16]byte
			p := []pollfd{{s, POLLIN|POLLOUT|POLLRDHUP}, {t, POLLIN|POLLOUT|POLLRDHUP}}
			shutdown(s, SHUT_WR)
			poll(p, 2, 0)
			read(t, b, 16)
			send(s, "x", 1, MSG_NOSIGNAL)
			shutdown(t, SHUT_WR)
			poll(p, 2, 0)`, nil, `
			socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
			shutdown(3, SHUT_WR) = 0
			poll([{fd=3, events=POLLIN|POLLOUT|POLLRDHUP, revents=POLLOUT}, {fd=4, events=POLLIN|POLLOUT|POLLRDHUP, revents=POLLIN|POLLOUT|POLLRDHUP}], 2, 0) = 2
			read(4, "", 16) = 0
			sendto(3, "x", 1, MSG_NOSIGNAL, NULL) = -1 EPIPE
			shutdown(4, SHUT_WR) = 0
			poll([{fd=3, events=POLLIN|POLLOUT|POLLRDHUP, revents=POLLIN|POLLOUT|POLLHUP|POLLRDHUP}, {fd=4, events=POLLIN|POLLOUT|POLLRDHUP, revents=POLLIN|POLLOUT|POLLHUP|POLLRDHUP}], 2, 0) = 2`},
		{"closed with unread data", `s, t := socketpair(AF_UNIX, SOCK_STREAM, 0)
			var b [16]byte
			sigaction(SIGPIPE, 0)
			write(s, "lost")
			write(t, "kept")
			close(t)
			read(s, b, 16)
			read(s, b, 16)
			read(s, b, 16)
			write(s, "x")`, nil, `
			socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
			rt_sigaction(SIGPIPE, {sa_handler=handler, sa_flags=0}, NULL, 8) = 0
			write(3, "lost", 4) = 4
			write(4, "kept", 4) = 4
			close(4) = 0
			read(3, "kept", 16) = 4
			read(3, ..., 16) = -1 ECONNRESET
			read(3, "", 16) = 0
			write(3, "x", 1) = -1 EPIPE
			--- SIGPIPE ---`},
		{"a datagram socket learns of its peer's end by sending", `s, t := socketpair(AF_UNIX, SOCK_DGRAM, 0)
			var b [16]byte
			write(t, "lost")
			close(t)
			write(s, "x")
			recv(s, b, 16, MSG_DONTWAIT)
			write(s, "x")`, nil, `
			socketpair(AF_UNIX, SOCK_DGRAM, 0, [3, 4]) = 0
			write(4, "lost", 4) = 4
			close(4) = 0
			write(3, "x", 1) = -1 ECONNREFUSED
			recvfrom(3, ..., 16, MSG_DONTWAIT, NULL) = -1 EAGAIN
			write(3, "x", 1) = -1 ENOTCONN`},
		{"the peer's read is an edge for the writer", `s, t := socketpair(AF_UNIX, SOCK_STREAM, 0)
			var b [16]byte
			var v [4]epoll_event
			ep := epoll_create1(0)
			epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN|EPOLLOUT|EPOLLET)
			epoll_wait(ep, v, 4, 0)
			write(s, "hello")
			read(t, b, 2)
			epoll_wait(ep, v, 4, 0)
			read(t, b, 16)
			epoll_wait(ep, v, 4, 0)`, nil, `
			socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
			epoll_create1(0) = 5
			epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLOUT|EPOLLET, data=3}) = 0
			epoll_wait(5, [{events=EPOLLOUT, data=3}], 4, 0) = 1
			write(3, "hello", 5) = 5
			read(4, "he", 2) = 2
			epoll_wait(5, [], 4, 0) = 0
			read(4, "llo", 16) = 3
			epoll_wait(5, [{events=EPOLLOUT, data=3}], 4, 0) = 1`},
		{"a shutdown ends the peer's sleep", `s, t := socketpair(AF_UNIX, SOCK_STREAM, 0)
			spawn(r1, r2)
			wait_blocked(r1, r2)
			shutdown(t, SHUT_WR)
			join(r1)
			shutdown(s, SHUT_RD)
			settle()`, map[string]string{"r1": "var b [8]byte\nread(3, b, 8)", "r2": "var b [8]byte\nread(4, b, 8)"}, `
			socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0
			shutdown(4, SHUT_WR) = 0
			r1: read(3, "", 8) = 0
			shutdown(3, SHUT_RD) = 0
			r2: read(4, <unfinished ...>`},
		{"what there is and what there is not", `socketpair(AF_UNIX, SOCK_RAW, 0)
			socketpair(AF_UNIX, SOCK_STREAM, 1)
			socketpair(AF_UNIX, SOCK_STREAM, 2)
			socketpair(AF_INET, SOCK_STREAM, 0)
			socketpair(AF_INET, SOCK_STREAM, 17)
			socketpair(AF_UNIX, 4, 0)
			socketpair(AF_UNIX, 11, 0)`, nil, `
			socketpair(AF_UNIX, SOCK_RAW, 0, [3, 4]) = 0
			socketpair(AF_UNIX, SOCK_STREAM, 1, [5, 6]) = 0
			socketpair(AF_UNIX, SOCK_STREAM, 2, ...) = -1 EPROTONOSUPPORT
			socketpair(AF_INET, SOCK_STREAM, 0, ...) = -1 EOPNOTSUPP
			socketpair(AF_INET, SOCK_STREAM, 17, ...) = -1 EPROTONOSUPPORT
			socketpair(AF_UNIX, 0x4, 0, ...) = -1 ESOCKTNOSUPPORT
			socketpair(AF_UNIX, 0xb, 0, ...) = -1 EINVAL`},
	})
}

// TestSendBufferOfAUnixSocket: how much goes in before EAGAIN, in how many
// writes, and how many reads make the socket writable again. The numbers are
// those of Linux 6.18.
func TestSendBufferOfAUnixSocket(t *testing.T) {
	for _, c := range []struct {
		kind                       string
		size, total, writes, reads int
	}{
		{"SOCK_STREAM", 1, 278, 278, 209},
		{"SOCK_STREAM", 192, 53376, 278, 209},
		{"SOCK_STREAM", 193, 32231, 167, 126},
		{"SOCK_STREAM", 1000, 93000, 93, 70},
		{"SOCK_STREAM", 4096, 180224, 44, 34},
		{"SOCK_STREAM", 10000, 170000, 17, 13},
		{"SOCK_STREAM", 65536, 233152, 4, 3},
		{"SOCK_DGRAM", 1, 278, 278, 209},
		{"SOCK_DGRAM", 4096, 106496, 26, 20},
		{"SOCK_DGRAM", 10000, 130000, 13, 10},
		{"SOCK_DGRAM", 32768, 196608, 6, 5},
		{"SOCK_DGRAM", 65536, 262144, 4, 4},
	} {
		m, _ := transcript(t, fmt.Sprintf(`s, t := socketpair(AF_UNIX, %s, 0)
			var buf [65536]byte
			for {
				n := send(s, buf, %d, MSG_DONTWAIT)
				if n < 0 {
					break
				}
				a += n
				b++
			}
			p := []pollfd{{s, POLLOUT}}
			for poll(p, 1, 0) == 0 {
				read(t, buf, %d)
				c++
			}`, c.kind, c.size, c.size), nil)
		want := []int64{int64(c.total), int64(c.writes), int64(c.reads)}
		if d := cmp.Diff(want, m.Procs[0].Shared[:3]); d != "" {
			t.Errorf("%s, %d bytes at a time: want -, got +:\n%s", c.kind, c.size, d)
		}
	}
}

// TestASenderSleepsUntilThreeQuartersAreFree: a full send buffer stops it, and
// the first byte of room does not wake it.
func TestASenderSleepsUntilThreeQuartersAreFree(t *testing.T) {
	runLines(t, []lineTest{{"", `s, t := socketpair(AF_UNIX, SOCK_DGRAM, 0)
		var b [65536]byte
		spawn(w1)
		wait_blocked(w1)
		read(t, b, 65536)
		settle()
		read(t, b, 65536)
		settle()
		read(t, b, 65536)
		settle()
		read(t, b, 65536)
		settle()
		getpid()`, map[string]string{"w1": "var b [65536]byte\nfor i := 0; i < 5; i++ { write(3, b, 65536) }"}, `
		socketpair(AF_UNIX, SOCK_DGRAM, 0, [3, 4]) = 0
		w1: write(3, "` + zeros + `"..., 65536) = 65536
		w1: write(3, "` + zeros + `"..., 65536) = 65536
		w1: write(3, "` + zeros + `"..., 65536) = 65536
		w1: write(3, "` + zeros + `"..., 65536) = 65536
		read(4, "` + zeros + `"..., 65536) = 65536
		read(4, "` + zeros + `"..., 65536) = 65536
		read(4, "` + zeros + `"..., 65536) = 65536
		read(4, "` + zeros + `"..., 65536) = 65536
		w1: write(3, "` + zeros + `"..., 65536) = 65536
		getpid() = 1000`}})
}

// TestAReaderThatSleptGetsItsDatagram: the length that it asked for is still known
// when it is woken.
func TestAReaderThatSleptGetsItsDatagram(t *testing.T) {
	src := "a, b := socketpair(AF_UNIX, SOCK_DGRAM, 0)\nx = a\nvar buf [64]byte\nexit(read(b, buf, 8))"
	env := program.Env{Shared: []string{"x"}}
	var threads []ThreadConfig
	for i, src := range []string{src, "nanosleep(1*ms)\nsend(x, \"hello\", 5, 0)"} {
		p, err := program.Compile(src, env)
		if err != nil {
			t.Fatal(err)
		}
		threads = append(threads, ThreadConfig{Name: string(rune('r' + i)), Program: p, Start: sim.Time(i) * sim.Microsecond})
	}
	cfg := config(1, threads)
	cfg.Shared = env.Shared
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	for m.Step(&r) {
		if task, line, ok := m.Strace(&r); ok && m.Tasks[task].Name == "r" && line == "+++ exited with 5 +++" {
			return
		}
	}
	t.Error("the reader has not got five bytes")
}
