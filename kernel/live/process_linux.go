package live

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"ringside/sim"
)

// process is what threads share: the scenario's table of descriptors, each with
// the real one behind it, the shared variables, and the handlers of signals.
type process struct {
	pid    int // the scenario's
	live   atomic.Int32
	killed atomic.Int32 // the signal that has ended it, or 0
	memory sync.Mutex   // held while an operation of a program reads and writes shared
	shared []int64

	mu       sync.Mutex
	fds      []descriptor  // by the scenario's number
	nothing  int           // a descriptor that is good for no call (open(2), O_PATH)
	parked   []int         // real numbers that the scenario has closed: copies of nothing
	handlers map[int]int64 // flags of the signals that have a handler
}

// descriptor is an entry of the table.
type descriptor struct {
	real    int      // or -1
	timer   *timer   // what it refers to, if that is a timerfd
	timeout sim.Time // SO_RCVTIMEO, or 0
}

var closed = descriptor{real: -1}

// newProcess opens descriptors 0 to 2: a console that takes everything and is at
// its end.
func newProcess(pid, shared int) (*process, error) {
	p := &process{pid: pid, shared: make([]int64, shared), nothing: -1, handlers: map[int]int64{}}
	for _, mode := range []int{unix.O_RDWR, unix.O_RDWR, unix.O_RDWR, unix.O_PATH} {
		fd, err := unix.Open("/dev/null", mode|unix.O_CLOEXEC, 0)
		if err != nil {
			p.close()
			return nil, fmt.Errorf("opening /dev/null: %w", err)
		}
		p.fds = append(p.fds, descriptor{real: fd})
	}
	p.nothing, p.fds = p.fds[3].real, p.fds[:3]
	return p, nil
}

// real gives the descriptor behind a scenario's number. What the scenario has
// not opened is -1, so that no stray number reaches a descriptor of this
// process: the kernel says EBADF.
func (p *process) real(fd int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at(fd).real
}

// at gives an entry. mu is held.
func (p *process) at(fd int64) descriptor {
	if n := int32(fd); n >= 0 && int(n) < len(p.fds) {
		return p.fds[n]
	}
	return closed
}

// patience is how long a receive waits, if not for ever.
func (p *process) patience(fd int64) sim.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at(fd).timeout
}

// install gives a new open file the lowest free number of the scenario.
func (p *process) install(real int, err error) (int64, error) {
	if err != nil {
		return -1, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.add(descriptor{real: real})
}

// installPair does so with two.
func (p *process) installPair(real [2]int, err error) (fds [2]int64, _ error) {
	if err != nil {
		return fds, err
	}
	for i := range real {
		if fds[i], err = p.install(real[i], nil); err != nil {
			return fds, err
		}
	}
	return fds, nil
}

// add is install with mu held.
func (p *process) add(d descriptor) (int64, error) {
	n := slices.IndexFunc(p.fds, func(d descriptor) bool { return d.real < 0 })
	if n < 0 {
		n = len(p.fds)
	}
	return int64(n), p.put(n, d)
}

// put gives a new open file a number that is free. For real it moves to one that
// was closed before, if there is one.
func (p *process) put(n int, d descriptor) error {
	if last := len(p.parked) - 1; last >= 0 {
		err := unix.Dup3(d.real, p.parked[last], unix.O_CLOEXEC)
		unix.Close(d.real)
		if err != nil {
			return err
		}
		d.real, p.parked = p.parked[last], p.parked[:last]
	}
	for len(p.fds) <= n {
		p.fds = append(p.fds, closed)
	}
	p.fds[n] = d
	return nil
}

// closeFD takes the number away first, as Linux does: nobody finds it any more
// while the file is being closed. The real number stays ours until the end of
// the run, with a descriptor in its place that only holds it (dup2(2) closes the
// file): a thread that still sleeps in a call on it, or is just about to make
// one, could otherwise come to a descriptor that this process has opened since.
// So it gets EBADF, or POLLNVAL at poll's second look, as if nothing were there.
func (p *process) closeFD(fd int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.at(fd)
	if d.real < 0 {
		return unix.EBADF
	}
	p.fds[int32(fd)] = closed
	if err := unix.Dup3(p.nothing, d.real, unix.O_CLOEXEC); err != nil {
		return err
	}
	p.parked = append(p.parked, d.real)
	return nil
}

// dup gives an open file the lowest free number too.
func (p *process) dup(fd int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.again(fd)
	if err != nil {
		return -1, err
	}
	return p.add(d)
}

// again is another real descriptor of an open file.
func (p *process) again(fd int64) (descriptor, error) {
	d := p.at(fd)
	real, err := unix.FcntlInt(uintptr(d.real), unix.F_DUPFD_CLOEXEC, 3)
	d.real = real
	return d, err
}

// maxFDs is the limit on descriptors, as setrlimit(2)'s usual soft limit.
const maxFDs = 1024

// dup2 gives an open file a certain number, and closes what had it.
func (p *process) dup2(fd, to int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, old := int32(to), p.at(to)
	switch d := p.at(fd); {
	case d.real < 0 || n < 0 || n >= maxFDs:
		return -1, unix.EBADF
	case n == int32(fd):
	case old.real >= 0:
		if err := unix.Dup3(d.real, old.real, unix.O_CLOEXEC); err != nil {
			return -1, err
		}
		d.real = old.real
		p.fds[n] = d
	default:
		d, err := p.again(fd)
		if err != nil {
			return -1, err
		}
		return int64(n), p.put(int(n), d)
	}
	return int64(n), nil
}

// underWay is what the process's sockets have sent, or will, without an
// acknowledgement yet.
func (p *process) underWay() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.fds {
		n += queued(d.real)
	}
	return n
}

// close closes all descriptors. No thread of the process is left.
func (p *process) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := append(p.parked, p.nothing)
	for _, d := range p.fds {
		all = append(all, d.real)
	}
	for _, fd := range all {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	p.fds, p.parked, p.nothing = nil, nil, -1
}

// interest reads the interest list of each epoll instance (proc(5), fdinfo).
func (p *process) interest() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := map[int]int{}
	for i, d := range p.fds {
		if d.real >= 0 {
			number[d.real] = i
		}
	}
	for i, d := range p.fds {
		if d.real < 0 {
			continue
		}
		info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", d.real))
		if err != nil {
			continue
		}
		for _, w := range ParseFdinfo(string(info)) {
			if fd, ok := number[w.TFD]; ok {
				out = append(out, WatchText(i, fd, w.Events, int64(w.Data)))
			}
		}
	}
	return out
}
