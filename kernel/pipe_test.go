package kernel

import (
	"strings"
	"testing"
)

// TestPipes: pipe(7). What the single-threaded programs print was compared with
// Linux 6.18.
func TestPipes(t *testing.T) {
	runLines(t, []lineTest{
		{"two ends", `r, w := pipe2(O_NONBLOCK)
			var b [8]byte
			fcntl(w, F_GETFL)
			read(w, b, 1)
			write(r, "x")
			read(r, b, 8)
			write(w, "hello")
			write(w, "again")
			read(r, b, 2)
			read(r, b, 8)`, nil, `
			pipe2([3, 4], O_NONBLOCK) = 0
			fcntl(4, F_GETFL) = 2049
			read(4, ..., 1) = -1 EBADF
			write(3, "x", 1) = -1 EBADF
			read(3, ..., 8) = -1 EAGAIN
			write(4, "hello", 5) = 5
			write(4, "again", 5) = 5
			read(3, "he", 2) = 2
			read(3, "lloagain", 8) = 8`},
		{"a slot is free again only when its page is read to the end", `r, w := pipe2(O_NONBLOCK)
			var b [5000]byte
			fcntl(r, F_SETPIPE_SZ, 4096)
			write(w, b, 5000)
			read(r, b, 4095)
			write(w, "x")
			read(r, b, 10)
			write(w, "x")`, nil, `
			pipe2([3, 4], O_NONBLOCK) = 0
			fcntl(3, F_SETPIPE_SZ, 4096) = 4096
			write(4, "` + zeros + `"..., 5000) = 4096
			read(3, "` + zeros + `"..., 4095) = 4095
			write(4, "x", 1) = -1 EAGAIN
			read(3, "\0", 10) = 1
			write(4, "x", 1) = 1`},
		{"the size is a power of two of pages", `r, w := pipe2(O_NONBLOCK)
			var b [8192]byte
			fcntl(r, F_GETPIPE_SZ)
			fcntl(r, F_SETPIPE_SZ, 0)
			fcntl(w, F_SETPIPE_SZ, 4097)
			write(w, b, 8192)
			fcntl(r, F_SETPIPE_SZ, 4096)
			fcntl(r, F_SETPIPE_SZ, 1048577)
			fcntl(r, F_SETPIPE_SZ, -1)
			fcntl(1, F_GETPIPE_SZ)`, nil, `
			pipe2([3, 4], O_NONBLOCK) = 0
			fcntl(3, F_GETPIPE_SZ, 0) = 65536
			fcntl(3, F_SETPIPE_SZ, 0) = 4096
			fcntl(4, F_SETPIPE_SZ, 4097) = 8192
			write(4, "` + zeros + `"..., 8192) = 8192
			fcntl(3, F_SETPIPE_SZ, 4096) = -1 EBUSY
			fcntl(3, F_SETPIPE_SZ, 1048577) = -1 EPERM
			fcntl(3, F_SETPIPE_SZ, -1) = -1 EINVAL
			fcntl(1, F_GETPIPE_SZ, 0) = -1 EBADF`},
		{"poll sees both ends", `r, w := pipe2(0)
			p := []pollfd{{r, POLLIN}, {w, POLLOUT}}
			poll(p, 2, 0)
			write(w, "x")
			poll(p, 2, 0)
			close(r)
			poll(p, 2, 0)`, nil, `
			pipe2([3, 4], 0) = 0
			poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT, revents=POLLOUT}], 2, 0) = 1
			write(4, "x", 1) = 1
			poll([{fd=3, events=POLLIN, revents=POLLIN}, {fd=4, events=POLLOUT, revents=POLLOUT}], 2, 0) = 2
			close(3) = 0
			poll([{fd=3, events=POLLIN, revents=POLLNVAL}, {fd=4, events=POLLOUT, revents=POLLOUT|POLLERR}], 2, 0) = 2`},
		{"nobody will read: a signal and an error", `r, w := pipe2(0)
			sigaction(SIGPIPE, 0)
			close(r)
			write(w, "x")`, nil, `
			pipe2([3, 4], 0) = 0
			rt_sigaction(SIGPIPE, {sa_handler=handler, sa_flags=0}, NULL, 8) = 0
			close(3) = 0
			write(4, "x", 1) = -1 EPIPE
			--- SIGPIPE ---`},
		{"the signal ends who does not expect it", `r, w := pipe2(0)
			close(r)
			write(w, "x")`, nil, `
			pipe2([3, 4], 0) = 0
			close(3) = 0
			write(4, "x", 1) = -1 EPIPE
			--- SIGPIPE ---
			+++ killed by SIGPIPE +++`},
		{"edge-triggered readers hear of every write, even of one that fails", `r, w := pipe2(O_NONBLOCK)
			fcntl(r, F_SETPIPE_SZ, 4096)
			ep := epoll_create1(0)
			epoll_ctl(ep, EPOLL_CTL_ADD, r, EPOLLIN|EPOLLET)
			var v [4]epoll_event
			var b [4096]byte
			write(w, b, 4096)
			epoll_wait(ep, v, 4, 0)
			write(w, b, 4096)
			epoll_wait(ep, v, 4, 0)
			epoll_wait(ep, v, 4, 0)`, nil, `
			pipe2([3, 4], O_NONBLOCK) = 0
			fcntl(3, F_SETPIPE_SZ, 4096) = 4096
			epoll_create1(0) = 5
			epoll_ctl(5, EPOLL_CTL_ADD, 3, {events=EPOLLIN|EPOLLET, data=3}) = 0
			write(4, "` + zeros + `"..., 4096) = 4096
			epoll_wait(5, [{events=EPOLLIN, data=3}], 4, 0) = 1
			write(4, "` + zeros + `"..., 4096) = -1 EAGAIN
			epoll_wait(5, [{events=EPOLLIN, data=3}], 4, 0) = 1
			epoll_wait(5, [], 4, 0) = 0`},
		{"a writer sleeps until everything is written", `r, w := pipe2(0)
			fcntl(r, F_SETPIPE_SZ, 4096)
			var b [8192]byte
			spawn(w1)
			wait_blocked(w1)
			spawn(w2)
			wait_blocked(w2)
			read(r, b, 4096)
			settle()
			read(r, b, 8192)
			settle()
			read(r, b, 8192)`,
			map[string]string{"w1": "var b [8192]byte\nwrite(4, b, 8192)", "w2": "write(4, \"two\")"}, `
			pipe2([3, 4], 0) = 0
			fcntl(3, F_SETPIPE_SZ, 4096) = 4096
			read(3, "` + zeros + `"..., 4096) = 4096
			w1: write(4, "` + zeros + `"..., 8192) = 8192
			read(3, "` + zeros + `"..., 8192) = 4096
			w2: write(4, "two", 3) = 3
			read(3, "two", 8192) = 3`},
		{"a signal ends the sleep", `r, w := pipe2(0)
			fcntl(r, F_SETPIPE_SZ, 4096)
			spawn(r1)
			wait_blocked(r1)
			tgkill(r1, SIGUSR1)
			join(r1)
			spawn(w1)
			wait_blocked(w1)
			tgkill(w1, SIGUSR1)
			settle()
			tgkill(w1, SIGUSR1)`,
			map[string]string{"r1": "var b [8]byte\nsigaction(SIGUSR1, 0)\nread(3, b, 8)",
				"w1": "var b [8192]byte\nwrite(4, b, 8192)\nwrite(4, b, 1)"}, `
			pipe2([3, 4], 0) = 0
			fcntl(3, F_SETPIPE_SZ, 4096) = 4096
			r1: rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=0}, NULL, 8) = 0
			tgkill(1000, 1001, SIGUSR1) = 0
			r1: --- SIGUSR1 ---
			r1: read(3, ..., 8) = -1 EINTR
			tgkill(1000, 1002, SIGUSR1) = 0
			w1: write(4, "` + zeros + `"..., 8192) = 4096
			w1: --- SIGUSR1 ---
			tgkill(1000, 1002, SIGUSR1) = 0
			w1: --- SIGUSR1 ---
			w1: write(4, "\0", 1) = -1 EINTR`},
		{"a handler with SA_RESTART begins it again", `r, w := pipe2(0)
			spawn(r1)
			wait_blocked(r1)
			tgkill(r1, SIGUSR1)
			settle()
			write(w, "x")`,
			map[string]string{"r1": "var b [8]byte\nsigaction(SIGUSR1, SA_RESTART)\nread(3, b, 8)"}, `
			pipe2([3, 4], 0) = 0
			r1: rt_sigaction(SIGUSR1, {sa_handler=handler, sa_flags=SA_RESTART}, NULL, 8) = 0
			tgkill(1000, 1001, SIGUSR1) = 0
			r1: --- SIGUSR1 ---
			write(4, "x", 1) = 1
			r1: read(3, "x", 8) = 1`},
	})
}

// zeros is how strace prints the beginning of a buffer of zeros.
var zeros = strings.Repeat(`\0`, 32)

// threeReaders sleep in a read of descriptor 3.
var threeReaders = map[string]string{
	"r1": "var b [8]byte\nread(3, b, 8)", "r2": "var b [8]byte\nread(3, b, 8)", "r3": "var b [8]byte\nread(3, b, 8)",
}

const blockThree = `spawn(r1)
	wait_blocked(r1)
	spawn(r2)
	wait_blocked(r2)
	spawn(r3)
	wait_blocked(r3)
	`

// readers counts threads whose read has ended, and how often the others were
// woken for nothing: each has left its core once, to sleep.
func readers(t *testing.T, m *Machine) (ended int) {
	t.Helper()
	for i := range m.Tasks {
		switch task := &m.Tasks[i]; {
		case !strings.HasPrefix(task.Name, "r"):
		case task.State == Dead:
			ended++
		case task.Switches != 1:
			t.Errorf("%s has slept %d times", task.Name, task.Switches)
		}
	}
	return ended
}

// TestOneByteWakesOneReader: readers wait exclusively, so there is no thundering
// herd at a pipe.
func TestOneByteWakesOneReader(t *testing.T) {
	m, lines := transcript(t, "r, w := pipe2(0)\n"+blockThree+`write(w, "x")`, threeReaders)
	if n := readers(t, m); n != 1 {
		t.Errorf("%d readers have returned:\n%s", n, lines)
	}
}

// TestEachByteFindsAReader: what a woken reader leaves, it hands over.
func TestEachByteFindsAReader(t *testing.T) {
	one := map[string]string{}
	for name, src := range threeReaders {
		one[name] = strings.Replace(src, "b, 8)", "b, 1)", 1)
	}
	m, lines := transcript(t, "r, w := pipe2(0)\n"+blockThree+`write(w, "xy")`, one)
	if n := readers(t, m); n != 2 {
		t.Errorf("%d readers have returned:\n%s", n, lines)
	}
}

// TestCloseOfTheLastWriterWakesAll: everybody who waits to read is at the end of
// the file.
func TestCloseOfTheLastWriterWakesAll(t *testing.T) {
	m, lines := transcript(t, "r, w := pipe2(0)\nv := dup(w)\n"+blockThree+"close(w)\nsettle()\ngetpid()\nclose(v)", threeReaders)
	if n := readers(t, m); n != 3 {
		t.Errorf("%d readers have returned:\n%s", n, lines)
	}
	if before, _, _ := strings.Cut(lines, "getpid"); strings.Contains(before, "r1: read") {
		t.Errorf("a reader has returned while there was a writer:\n%s", lines)
	}
}
