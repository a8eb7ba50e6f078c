package live

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// process is what threads share: the scenario's table of descriptors, each with
// the real one behind it.
type process struct {
	pid    int // the scenario's
	live   atomic.Int32
	shared []int64

	mu  sync.Mutex
	fds []int // real descriptors by the scenario's number, or -1
}

// newProcess opens descriptors 0 to 2: a console that takes everything and is at
// its end.
func newProcess(pid, shared int) (*process, error) {
	p := &process{pid: pid, shared: make([]int64, shared)}
	for range 3 {
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("opening /dev/null: %w", err)
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

// install gives a new real descriptor the lowest free number.
func (p *process) install(real int, err error) (int64, error) {
	if err != nil {
		return -1, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
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
// while the file is being closed.
func (p *process) closeFD(fd int64) error {
	real := p.real(fd)
	if real >= 0 {
		p.mu.Lock()
		p.fds[int32(fd)] = -1
		p.mu.Unlock()
	}
	return unix.Close(real)
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

// close closes all descriptors.
func (p *process) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, fd := range p.fds {
		if fd >= 0 {
			unix.Close(fd)
			p.fds[i] = -1
		}
	}
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
			f := strings.Fields(line)
			if len(f) < 6 || f[0] != "tfd:" {
				continue
			}
			out = append(out, fmt.Sprintf("epoll %d watches fd %d, events %s, data %s", i, number[f[1]], f[3], f[5]))
		}
	}
	return out
}
