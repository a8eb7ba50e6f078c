package live

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ringside/sim"
)

// timer is a timerfd. Its times are the scenario's: the runner keeps them, and
// when the clock gets there it arms the real timer with the shortest time there
// is. So who polls it or sleeps in a read is woken by the kernel's own timer. As
// in the kernel, a periodic timer goes on only when it is read: then what has
// been missed is counted (fs/timerfd.c, timerfd_read_iter).
//
// A timer whose last descriptor is closed never expires, even if a thread still
// sleeps in a read of it.
type timer struct {
	next, interval sim.Time // next is sim.Never while it is not armed
	expired        sim.Time // when it did and was not read yet; or sim.Never
}

// timerfdCreate makes a timer.
func (p *process) timerfdCreate(clock, flags int64) (int64, error) {
	if c := int32(clock); c != unix.CLOCK_MONOTONIC && c != unix.CLOCK_REALTIME {
		return 0, errRefused
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, int(int32(flags))|unix.TFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.add(descriptor{real: fd, timer: &timer{next: sim.Never, expired: sim.Never}})
}

// timerfdSettime arms a timer, relative to now or for a time of the scenario.
// What is wrong with the arguments, the kernel says.
func (p *process) timerfdSettime(fd, flags, interval, first int64, now sim.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.at(fd)
	var its unix.ItimerSpec
	if interval < 0 {
		its.Interval.Sec = -1
	}
	if first < 0 {
		its.Value.Sec = -1
	}
	if err := unix.TimerfdSettime(d.real, int(int32(flags)), &its, nil); err != nil {
		return err
	}
	*d.timer = timer{next: later(now, sim.Time(first)), interval: sim.Time(interval), expired: sim.Never}
	switch {
	case first == 0:
		d.timer.next = sim.Never
	case flags&unix.TFD_TIMER_ABSTIME != 0:
		d.timer.next = max(now, sim.Time(first))
	}
	return nil
}

// nextTimer is the timer that expires first, if any will.
func (p *process) nextTimer() (first *timer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.fds {
		if t := d.timer; t != nil && t.next != sim.Never && (first == nil || t.next < first.next) {
			first = t
		}
	}
	return first
}

// expire lets a timer expire, and waits until the real one has.
func (p *process) expire(t *timer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.next, t.expired = sim.Never, t.next
	for _, d := range p.fds {
		if d.timer != t {
			continue
		}
		its := unix.ItimerSpec{Value: unix.Timespec{Nsec: 1}}
		err := unix.TimerfdSettime(d.real, 0, &its, nil)
		for err == nil && its.Value.Nano() != 0 {
			pause()
			err = unix.TimerfdGettime(d.real, &its)
		}
		return
	}
}

// expirations puts the scenario's count in the place of the real one that a
// read has found, and has a periodic timer go on.
func (p *process) expirations(fd int64, b []byte, now sim.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.at(fd).timer
	if t == nil || t.expired == sim.Never || len(b) != 8 {
		return
	}
	n := uint64(1)
	if t.interval > 0 {
		n += uint64((now - t.expired) / t.interval)
		t.next = later(t.expired, sim.Time(n)*t.interval)
	}
	t.expired = sim.Never
	binary.NativeEndian.PutUint64(b, n)
}
