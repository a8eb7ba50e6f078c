package live

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"ringside/kernel/program"
	"ringside/kernel/strace"
)

// process is what threads share: the scenario's table of descriptors, each with
// the real one behind it.
type process struct {
	pid    int // the scenario's
	live   atomic.Int32
	shared []int64

	mu     sync.Mutex
	fds    []int // real descriptors by the scenario's number, or -1
	null   int   // /dev/null
	parked []int // real numbers that the scenario has closed; /dev/null holds them
}

// newProcess opens descriptors 0 to 2: a console that takes everything and is at
// its end.
func newProcess(pid, shared int) (*process, error) {
	p := &process{pid: pid, shared: make([]int64, shared), null: -1}
	for i := range 4 {
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			p.close()
			return nil, fmt.Errorf("opening /dev/null: %w", err)
		}
		if i == 3 {
			p.null = fd
			break
		}
		p.fds = append(p.fds, fd)
	}
	return p, nil
}

// real gives the descriptor behind a scenario's number. What the scenario has
// not opened is -1, so that no stray number reaches a descriptor of this
// process: the kernel says EBADF.
func (p *process) real(fd int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := int32(fd); n >= 0 && int(n) < len(p.fds) {
		return p.fds[n]
	}
	return -1
}

// install gives a new open file the lowest free number of the scenario. For real
// it moves to a number that was closed before, if there is one.
func (p *process) install(real int, err error) (int64, error) {
	if err != nil {
		return -1, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.parked); n > 0 {
		to := p.parked[n-1]
		if err := unix.Dup3(real, to, unix.O_CLOEXEC); err != nil {
			unix.Close(real)
			return -1, err
		}
		unix.Close(real)
		real, p.parked = to, p.parked[:n-1]
	}
	for i, fd := range p.fds {
		if fd < 0 {
			p.fds[i] = real
			return int64(i), nil
		}
	}
	p.fds = append(p.fds, real)
	return int64(len(p.fds) - 1), nil
}

// closeFD takes the number away first, as Linux does: nobody finds it any more
// while the file is being closed. The real number stays ours until the end of
// the run, with /dev/null in the file's place (dup2(2) closes it): a thread that
// still sleeps in a call on it, or is just about to make one, could otherwise
// come to a descriptor that this process has opened since.
func (p *process) closeFD(fd int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := int32(fd)
	if n < 0 || int(n) >= len(p.fds) || p.fds[n] < 0 {
		return unix.Close(-1)
	}
	real := p.fds[n]
	p.fds[n] = -1
	if err := unix.Dup3(p.null, real, unix.O_CLOEXEC); err != nil {
		return err
	}
	p.parked = append(p.parked, real)
	return nil
}

// shutdown ends what threads may be receiving: on a UDP socket that is not
// connected too, shutdown(2) wakes who sleeps in a receive, although it fails.
func (p *process) shutdown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fd := range p.fds {
		if fd >= 0 {
			_ = unix.Shutdown(fd, unix.SHUT_RDWR)
		}
	}
}

// close closes all descriptors. No thread of the process is left.
func (p *process) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fd := range append(append(p.fds, p.parked...), p.null) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	p.fds, p.parked, p.null = nil, nil, -1
}

// interest reads the interest list of each epoll instance (proc(5), fdinfo).
func (p *process) interest() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := map[string]int{}
	for i, fd := range p.fds {
		if fd >= 0 {
			number[strconv.Itoa(fd)] = i
		}
	}
	for i, fd := range p.fds {
		if fd < 0 {
			continue
		}
		info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(info), "\n") {
			f := strings.Fields(line) // tfd: 7 events: 19 data: 4d …
			if len(f) < 6 || f[0] != "tfd:" {
				continue
			}
			events, _ := strconv.ParseUint(f[3], 16, 32)
			data, _ := strconv.ParseUint(f[5], 16, 64)
			out = append(out, fmt.Sprintf("epoll %d watches fd %d for %s, data %d",
				i, number[f[1]], strace.Bits(events, program.EpollEvents), int64(data)))
		}
	}
	return out
}
