package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tcpPair makes a connection: descriptor 3 listens, x is 4 and connects, y is 5
// and was accepted.
const tcpPair = `
l := socket(AF_INET, SOCK_STREAM, 0)
bind(l, ":7000")
listen(l, 16)
x := socket(AF_INET, SOCK_STREAM, 0)
connect(x, "127.0.0.1:7000")
y := accept(l)
`

// tcpAnswers are calls on one connection, each with what Linux 6.18 returned.
var tcpAnswers = []struct{ name, prog, want string }{
	{"close with unread data is RST", `send(x, "abc", 3, 0); close(y); p(x); recv(x, b, 10, 0); recv(x, b, 10, 0); p(x); send(x, "a", 1, MSG_NOSIGNAL); shutdown(x, SHUT_RDWR)`,
		`3 0 IN|OUT|ERR|HUP|RDHUP ECONNRESET 0 IN|OUT|HUP|RDHUP EPIPE ENOTCONN`},
	{"close, then the peer writes", `close(y); p(x); send(x, "a", 1, 0); p(x); send(x, "a", 1, MSG_NOSIGNAL); send(x, "a", 1, MSG_NOSIGNAL); recv(x, b, 1, 0); p(x)`,
		`0 IN|OUT|RDHUP 1 IN|OUT|ERR|HUP|RDHUP EPIPE EPIPE 0 IN|OUT|HUP|RDHUP`},
	{"close, then the peer writes and reads", `close(y); send(x, "a", 1, 0); recv(x, b, 1, 0); recv(x, b, 1, 0); send(x, "a", 1, MSG_NOSIGNAL)`, `0 1 0 0 EPIPE`},
	{"half close", `shutdown(x, 5); shutdown(x, SHUT_WR); send(x, "a", 1, MSG_NOSIGNAL); p(x); p(y); shutdown(x, SHUT_WR); shutdown(y, SHUT_WR); p(x); p(y); recv(x, b, 1, 0); shutdown(x, SHUT_WR); shutdown(y, SHUT_RDWR); recv(y, b, 1, 0); send(y, "a", 1, MSG_NOSIGNAL)`,
		`EINVAL 0 EPIPE OUT IN|OUT|RDHUP 0 0 IN|OUT|HUP|RDHUP IN|OUT|HUP|RDHUP 0 ENOTCONN ENOTCONN 0 EPIPE`},
	{"half closed, the other way still works", `shutdown(x, SHUT_WR); send(y, "abc", 3, 0); recv(x, b, 9, 0); p(y); recv(y, b, 9, 0); p(y)`, `0 3 3 IN|OUT|RDHUP 0 IN|OUT|RDHUP`},
	{"SHUT_RD", `send(y, "ab", 2, 0); shutdown(x, SHUT_RD); recv(x, b, 1, 0); recv(x, b, 4, 0); recv(x, b, 4, 0); send(y, "cd", 2, 0); recv(x, b, 4, 0); recv(x, b, 4, 0); p(x); close(x); p(y); send(y, "a", 1, 0)`,
		`2 0 1 1 0 2 2 0 IN|OUT|RDHUP 0 IN|OUT|RDHUP 1`},
	{"SHUT_RDWR, the peer writes", `shutdown(x, SHUT_RDWR); p(x); p(y); send(y, "a", 1, 0); send(y, "a", 1, MSG_NOSIGNAL); p(x); p(y); recv(x, b, 9, 0)`,
		`0 IN|OUT|HUP|RDHUP IN|OUT|RDHUP 1 EPIPE IN|OUT|ERR|HUP|RDHUP IN|OUT|HUP|RDHUP ECONNRESET`},
	{"connected once", `connect(x, "127.0.0.1:7000"); listen(x, 1); accept(x)`, `EISCONN EINVAL EINVAL`},
	{"reading nothing", `recv(x, b, 0, MSG_DONTWAIT); read(x, b, 0); send(y, "a", 1, 0); recv(x, b, 0, 0); send(y, "a", 0, 0)`, `EAGAIN 0 1 0 0`},
	{"peek", `send(y, "ab", 2, 0); send(y, "cde", 3, 0); recv(x, b, 10, MSG_PEEK); recv(x, b, 3, 0); recv(x, b, 10, MSG_PEEK); recv(x, b, 10, 0); shutdown(y, SHUT_WR); recv(x, b, 10, MSG_PEEK); recv(x, b, 10, 0)`,
		`2 3 5 3 2 2 0 0 0`},
	{"nobody listens", `z := socket(AF_INET, SOCK_STREAM, 0); p(z); connect(z, "127.0.0.1:9"); p(z); recv(z, b, 1, 0); send(z, "a", 1, MSG_NOSIGNAL); shutdown(z, SHUT_RDWR); listen(z, 1); p(z); connect(z, "127.0.0.1:9"); recv(z, b, 1, 0); send(z, "a", 1, MSG_NOSIGNAL); shutdown(z, SHUT_RD); listen(z, 1); shutdown(z, SHUT_WR); p(z)`,
		`6 OUT|HUP ECONNREFUSED OUT|HUP ENOTCONN EPIPE ENOTCONN 0 0 EISCONN ENOTCONN EPIPE 0 0 0 0`},
	{"nobody listens, and no wait", `z := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0); connect(z, "127.0.0.1:9"); p(z); recv(z, b, 1, 0); p(z); connect(z, "127.0.0.1:9"); connect(z, "127.0.0.1:9"); recv(z, b, 1, 0); connect(z, "127.0.0.1:9"); send(z, "a", 1, MSG_NOSIGNAL)`,
		`6 EINPROGRESS IN|OUT|ERR|HUP|RDHUP ECONNREFUSED IN|OUT|HUP|RDHUP ECONNABORTED EINPROGRESS ECONNREFUSED ECONNABORTED EPIPE`},
	{"the error is told once", `z := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0); connect(z, "127.0.0.1:9"); getsockopt(z, SOL_SOCKET, SO_ERROR); getsockopt(z, SOL_SOCKET, SO_ERROR); p(z); setsockopt(x, SOL_TCP, TCP_NODELAY, 1); getsockopt(x, SOL_TCP, TCP_NODELAY); getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN); getsockopt(x, SOL_SOCKET, SO_RCVBUF)`,
		`6 EINPROGRESS 0 (value 111) 0 (value 0) IN|OUT|HUP|RDHUP 0 0 (value 1) 0 (value 1) 0 (value 131072)`},
	{"connecting without a wait", `z := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0); connect(z, "127.0.0.1:7000"); p(z); connect(z, "127.0.0.1:7000"); connect(z, "127.0.0.1:7000"); p(l)`,
		`6 EINPROGRESS OUT 0 EISCONN IN`},
	{"listening", `z := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0); accept(z); listen(z, 5); p(z); accept(z); shutdown(z, SHUT_WR); p(z); shutdown(z, SHUT_RD); p(z); accept(z)`,
		`6 EINVAL 0 0 EAGAIN 0 0 0 OUT|HUP EINVAL`},
	{"a port that somebody listens on", `z := socket(AF_INET, SOCK_STREAM, 0); bind(z, ":7000"); close(l); bind(z, ":7000"); bind(z, ":7001"); bind(z, ":7002")`, `6 EADDRINUSE 0 EADDRINUSE 0 EINVAL`},
	{"a listener closes with a connection that nobody took", `z := socket(AF_INET, SOCK_STREAM, 0); connect(z, "127.0.0.1:7000"); close(l); p(z); recv(z, b, 1, 0)`, `6 0 0 IN|OUT|ERR|HUP|RDHUP ECONNRESET`},
}

// brief turns a transcript's lines into results: what poll found, an error's
// name, or the number.
func brief(lines []string) string {
	var out []string
	for _, line := range lines {
		_, result, _ := strings.Cut(line, ") = ")
		if _, revents, ok := strings.Cut(line, "revents="); ok {
			revents, _, _ = strings.Cut(revents, "}")
			result = strings.ReplaceAll(revents, "POLL", "")
		}
		result = strings.TrimSuffix(strings.TrimPrefix(result, "-1 "), " (Timeout)")
		if result != "" {
			out = append(out, result)
		}
	}
	return strings.Join(out, " ")
}

func TestTCPAnswersAreLinuxs(t *testing.T) {
	for _, c := range tcpAnswers {
		t.Run(c.name, func(t *testing.T) {
			prog := strings.ReplaceAll(c.prog, "; ", "\n")
			prog = "func p(fd int) {\npoll([]pollfd{{fd, POLLIN|POLLOUT|POLLPRI|POLLRDHUP}}, 1, 0)\n}\nfunc main() {" + tcpPair + "var b [16]byte\n" + prog + "\n}"
			got := tcpTranscript(t, config(1, []ThreadConfig{thread(t, "t", prog, 0, 0)}))
			if d := cmp.Diff(c.want, brief(got[6:])); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}
