package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

// straceOf runs one thread's program and gives the lines that strace would
// print, without the thread's end.
func straceOf(t *testing.T, src string) string {
	t.Helper()
	m, err := New(config(1, []ThreadConfig{thread(t, "a", src, 0, 0)}))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var r sim.Record
	for range int(1e6) {
		if !m.Step(&r) {
			break
		}
		if _, line, ok := m.Strace(&r); ok {
			lines = append(lines, line)
		}
	}
	if m.Fault != "" {
		return m.Fault
	}
	return strings.Join(lines[:len(lines)-1], "\n")
}

// udpPair are a receiver and a sender.
const udpPair = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, "127.0.0.1:7000")
x := socket(AF_INET, SOCK_DGRAM, 0)
var buf [64]byte
`

// TestUDPSockets: udp(7), socket(7), ip(7). The answers are those of Linux 6.18.
func TestUDPSockets(t *testing.T) {
	for _, c := range []struct{ name, program, want string }{
		{"nobody's port: a connected socket gets an error, once", `connect(x, "127.0.0.1:7777")
			send(x, "x", 1, 0)
			p := []pollfd{{x, POLLIN|POLLOUT}}
			poll(p, 1, 0)
			recv(x, buf, 64, MSG_DONTWAIT)
			recv(x, buf, 64, MSG_DONTWAIT)
			send(x, "x", 1, 0)
			send(x, "x", 1, 0)
			send(x, "x", 1, 0)
			getsockopt(x, SOL_SOCKET, SO_ERROR)
			getsockopt(x, SOL_SOCKET, SO_ERROR)`,
			`connect(4, 127.0.0.1:7777) = 0
sendto(4, "x", 1, 0, NULL) = 1
poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT|POLLERR}], 1, 0) = 1
recvfrom(4, ..., 64, MSG_DONTWAIT, NULL) = -1 ECONNREFUSED
recvfrom(4, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN
sendto(4, "x", 1, 0, NULL) = 1
sendto(4, "x", 1, 0, NULL) = -1 ECONNREFUSED
sendto(4, "x", 1, 0, NULL) = 1
getsockopt(4, SOL_SOCKET, SO_ERROR) = 0 (value 111)
getsockopt(4, SOL_SOCKET, SO_ERROR) = 0 (value 0)`},
		{"one that is not connected gets none", `sendto(x, "x", 1, 0, "127.0.0.1:7777")
			recv(x, buf, 64, MSG_DONTWAIT)
			getsockopt(x, SOL_SOCKET, SO_ERROR)`,
			`sendto(4, "x", 1, 0, 127.0.0.1:7777) = 1
recvfrom(4, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN
getsockopt(4, SOL_SOCKET, SO_ERROR) = 0 (value 0)`},
		{"a connected socket takes its peer's datagrams only", `connect(s, "127.0.0.1:7001")
			sendto(x, "no", 2, 0, "127.0.0.1:7000")
			recv(s, buf, 64, MSG_DONTWAIT)
			y := socket(AF_INET, SOCK_DGRAM, 0)
			bind(y, "127.0.0.1:7001")
			sendto(y, "yes", 3, 0, "127.0.0.1:7000")
			recv(s, buf, 64, MSG_DONTWAIT)`,
			`connect(3, 127.0.0.1:7001) = 0
sendto(4, "no", 2, 0, 127.0.0.1:7000) = 2
recvfrom(3, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN
socket(AF_INET, SOCK_DGRAM, 0) = 5
bind(5, 127.0.0.1:7001) = 0
sendto(5, "yes", 3, 0, 127.0.0.1:7000) = 3
recvfrom(3, "yes", 64, MSG_DONTWAIT, NULL) = 3`},
		{"an address can be bound once", `y := socket(AF_INET, SOCK_DGRAM, 0)
			bind(y, "0.0.0.0:7000")
			bind(y, "8.8.8.8:7000")
			bind(y, "127.0.0.2:7000")
			bind(y, "127.0.0.3:7000")`,
			`socket(AF_INET, SOCK_DGRAM, 0) = 5
bind(5, 0.0.0.0:7000) = -1 EADDRINUSE
bind(5, 8.8.8.8:7000) = -1 EADDRNOTAVAIL
bind(5, 127.0.0.2:7000) = 0
bind(5, 127.0.0.3:7000) = -1 EINVAL`},
		{"twice if both have SO_REUSEADDR, and the last one gets what comes", `setsockopt(x, SOL_SOCKET, SO_REUSEADDR, 1)
			bind(x, "127.0.0.1:7000")
			setsockopt(s, SOL_SOCKET, SO_REUSEADDR, 1)
			bind(x, "127.0.0.1:7000")
			sendto(x, "x", 1, 0, "127.0.0.1:7000")
			recv(s, buf, 64, MSG_DONTWAIT)
			recv(x, buf, 64, MSG_DONTWAIT)`,
			`setsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
bind(4, 127.0.0.1:7000) = -1 EADDRINUSE
setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
bind(4, 127.0.0.1:7000) = 0
sendto(4, "x", 1, 0, 127.0.0.1:7000) = 1
recvfrom(3, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN
recvfrom(4, "x", 64, MSG_DONTWAIT, NULL) = 1`},
		{"a datagram of no bytes is one", `sendto(x, "", 0, 0, "127.0.0.1:7000")
			recv(s, buf, 64, MSG_PEEK)
			recv(s, buf, 64, 0)
			recv(s, buf, 64, MSG_DONTWAIT)`,
			`sendto(4, "", 0, 0, 127.0.0.1:7000) = 0
recvfrom(3, "", 64, MSG_PEEK, NULL) = 0
recvfrom(3, "", 64, 0, NULL) = 0
recvfrom(3, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN`},
		{"after SHUT_RD a blocking receive gives nothing, at once", `shutdown(s, SHUT_RD)
			recv(s, buf, 64, 0)
			recv(s, buf, 64, MSG_DONTWAIT)`,
			`shutdown(3, SHUT_RD) = -1 ENOTCONN
recvfrom(3, "", 64, 0, NULL) = 0
recvfrom(3, ..., 64, MSG_DONTWAIT, NULL) = -1 EAGAIN`},
		{"what does not fit is gone; MSG_TRUNC tells", `sendto(x, "0123456789", 10, 0, "127.0.0.1:7000")
			recv(s, buf, 4, MSG_PEEK|MSG_TRUNC)
			recv(s, buf, 4, MSG_TRUNC)
			recv(s, buf, 4, MSG_DONTWAIT)`,
			`sendto(4, "0123456789", 10, 0, 127.0.0.1:7000) = 10
recvfrom(3, "0123", 4, MSG_PEEK|MSG_TRUNC, NULL) = 10
recvfrom(3, "0123", 4, MSG_TRUNC, NULL) = 10
recvfrom(3, ..., 4, MSG_DONTWAIT, NULL) = -1 EAGAIN`},
		{"the socket's options", `getsockopt(s, SOL_SOCKET, SO_RCVBUF)
			setsockopt(s, SOL_SOCKET, SO_RCVBUF, 5000)
			getsockopt(s, SOL_SOCKET, SO_RCVBUF)
			setsockopt(s, SOL_SOCKET, SO_RCVBUF, 1)
			getsockopt(s, SOL_SOCKET, SO_RCVBUF)
			setsockopt(s, SOL_SOCKET, SO_RCVBUF, -1)
			getsockopt(s, SOL_SOCKET, SO_RCVBUF)
			setsockopt(s, SOL_SOCKET, SO_SNDBUF, 0)
			getsockopt(s, SOL_SOCKET, SO_SNDBUF)
			setsockopt(s, SOL_SOCKET, SO_TYPE, 1)
			getsockopt(s, SOL_SOCKET, SO_TYPE)
			getsockopt(s, SOL_SOCKET, SO_PROTOCOL)
			getsockopt(s, SOL_SOCKET, SO_DOMAIN)
			getsockopt(s, SOL_SOCKET, 9999)
			setsockopt(s, SOL_TCP, TCP_NODELAY, 1)
			getsockopt(s, SOL_TCP, TCP_NODELAY)
			getsockopt(1, SOL_SOCKET, SO_TYPE)
			getsockopt(99, SOL_SOCKET, SO_TYPE)`,
			`getsockopt(3, SOL_SOCKET, SO_RCVBUF) = 0 (value 212992)
setsockopt(3, SOL_SOCKET, SO_RCVBUF, [5000], 4) = 0
getsockopt(3, SOL_SOCKET, SO_RCVBUF) = 0 (value 10000)
setsockopt(3, SOL_SOCKET, SO_RCVBUF, [1], 4) = 0
getsockopt(3, SOL_SOCKET, SO_RCVBUF) = 0 (value 2304)
setsockopt(3, SOL_SOCKET, SO_RCVBUF, [-1], 4) = 0
getsockopt(3, SOL_SOCKET, SO_RCVBUF) = 0 (value 425984)
setsockopt(3, SOL_SOCKET, SO_SNDBUF, [0], 4) = 0
getsockopt(3, SOL_SOCKET, SO_SNDBUF) = 0 (value 4608)
setsockopt(3, SOL_SOCKET, SO_TYPE, [1], 4) = -1 ENOPROTOOPT
getsockopt(3, SOL_SOCKET, SO_TYPE) = 0 (value 2)
getsockopt(3, SOL_SOCKET, SO_PROTOCOL) = 0 (value 17)
getsockopt(3, SOL_SOCKET, SO_DOMAIN) = 0 (value 2)
getsockopt(3, SOL_SOCKET, 0x270f) = -1 ENOPROTOOPT
setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = -1 ENOPROTOOPT
getsockopt(3, SOL_TCP, TCP_NODELAY) = -1 EOPNOTSUPP
getsockopt(1, SOL_SOCKET, SO_TYPE) = -1 ENOTSOCK
getsockopt(99, SOL_SOCKET, SO_TYPE) = -1 EBADF`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := straceOf(t, udpPair+c.program)
			if i := strings.Index(got, "socket(AF_INET, SOCK_DGRAM, 0) = 4\n"); i >= 0 {
				got = got[i+len("socket(AF_INET, SOCK_DGRAM, 0) = 4\n"):]
			}
			if d := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
		})
	}
}

// TestReceiveQueueCountsWithOverhead: how many datagrams of a size a socket keeps
// with 40,000 bytes of SO_RCVBUF, as measured on Linux 6.18.
func TestReceiveQueueCountsWithOverhead(t *testing.T) {
	for _, c := range []struct {
		size string
		kept int64
	}{{"1", 48}, {"197", 48}, {"198", 31}, {"512", 31}, {"1024", 17}, {"20000", 1}} {
		cfg := config(1, []ThreadConfig{sharedProgram(t, "a", udpPair+`setsockopt(s, SOL_SOCKET, SO_RCVBUF, 20000)
			var big [20000]byte
			for i := 0; i < 60; i++ { sendto(x, big, `+c.size+`, 0, "127.0.0.1:7000") }
			for recv(s, buf, 64, MSG_DONTWAIT) >= 0 { a++ }`, 0)})
		cfg.Shared = sharedNames
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		runAll(t, m, 1e6)
		if kept := m.Procs[0].Shared[0]; kept != c.kept || m.Counters.RcvbufErrors != 60-kept {
			t.Errorf("of 60 datagrams of %s bytes the socket kept %d and dropped %d, want %d kept", c.size, kept, m.Counters.RcvbufErrors, c.kept)
		}
	}
}

// TestASleepingReceiverIsWokenByAnError: recv(2), ECONNREFUSED; the error comes
// while it sleeps.
func TestASleepingReceiverIsWokenByAnError(t *testing.T) {
	cfg := config(2, []ThreadConfig{
		sharedProgram(t, "rx", `a = socket(AF_INET, SOCK_DGRAM, 0)
			connect(a, "127.0.0.1:7777")
			var buf [8]byte
			b = recv(a, buf, 8, 0)
			c = errno`, 0),
		sharedProgram(t, "tx", `nanosleep(1*ms)
			send(a, "x", 1, 0)`, 1),
	})
	cfg.Shared = sharedNames
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 1e6)
	if d := cmp.Diff([]int64{-1, ECONNREFUSED}, m.Procs[0].Shared[1:3]); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if m.Counters.NoPorts != 1 || m.Counters.ICMPIn != 1 || m.Counters.ICMPOut != 1 {
		t.Errorf("counters: %+v", m.Counters)
	}
}
