package live

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/sim"
)

// Remote hosts that listen: real listeners on loopback. What reaches them is heard
// at rest, at the time that the scenario's clock shows then; their answers are
// events like a packet's arrival.

// farHost is a remote host that waits for connections.
type farHost struct {
	*kernel.Listener
	fd    int
	to    *unix.SockaddrInet4
	talks []*talk // in the order in which they were made
}

// talk is a connection to one.
type talk struct {
	by    *farHost
	fd    int
	ready sim.Time // when the answer is, or sim.Never
	over  bool     // this machine has said all
	fin   bool     // and the host
	gone  bool     // it was reset
}

// listen makes the hosts' sockets.
func (n *network) listen(hosts []kernel.Listener) error {
	for i := range hosts {
		fd, number, err := ephemeral(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)
		if err != nil {
			return err
		}
		n.lists = append(n.lists, &farHost{Listener: &hosts[i], fd: fd, to: &unix.SockaddrInet4{Port: number, Addr: loopback}})
		n.hosts[port{true, number}] = hosts[i].At
		if err := unix.Listen(fd, 4096); err != nil {
			return err
		}
	}
	return nil
}

// remote is where a TCP connection to a remote host goes: to one that listens, to a
// port where nobody does, or to where no answer comes from.
func (n *network) remote(at netip.AddrPort) (*unix.SockaddrInet4, error) {
	if i := slices.IndexFunc(n.lists, func(l *farHost) bool { return l.At == at }); i >= 0 {
		return n.lists[i].to, nil
	}
	if slices.Contains(n.exist, at.Addr()) {
		return ownAddress(n.dead[1])
	}
	if at.Addr().IsMulticast() || at.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return nil, fmt.Errorf("%w: %s is not the address of one host", errRefused, at)
	}
	return n.silence()
}

// silence is an address from which no answer comes: a listener whose queue is full
// drops what comes.
func (n *network) silence() (*unix.SockaddrInet4, error) {
	if n.mute[0] < 0 {
		var err error
		if n.mute[0], _, err = ephemeral(unix.SOCK_STREAM); err != nil {
			return nil, err
		}
		if err = unix.Listen(n.mute[0], 0); err != nil {
			return nil, err
		}
		if n.mute[1], _, err = ephemeral(unix.SOCK_STREAM); err != nil {
			return nil, err
		}
		to, err := ownAddress(n.mute[0])
		if err != nil {
			return nil, err
		}
		if err = unix.Connect(n.mute[1], to); err != nil {
			return nil, err
		}
	}
	return ownAddress(n.mute[0])
}

// talks are all connections to remote hosts. mu is held.
func (n *network) talks() (all []*talk) {
	for _, l := range n.lists {
		all = append(all, l.talks...)
	}
	return all
}

// attend lets the hosts take connections and hear what was said to them; it tells
// whether there was anything. mu is held.
func (n *network) attend(now sim.Time) (any bool) {
	for _, l := range n.lists {
		for {
			fd, _, err := accept4(l.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				break
			}
			_ = unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1)
			l.talks = append(l.talks, &talk{by: l, fd: fd, ready: sim.Never})
			any = true
		}
	}
	for _, c := range n.talks() {
		any = c.hear(now) || any
	}
	return any
}

// hear reads what has come. A request is answered after a while; a farewell at
// once, if no answer is under way.
func (c *talk) hear(now sim.Time) (any bool) {
	var b [16 << 10]byte
	for !c.over && !c.gone {
		got, _, err := recvfrom(c.fd, b[:], unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			return any
		case err != nil:
			c.gone, c.ready = true, sim.Never
			return true
		}
		any = true
		c.over = got == 0
		if got > 0 && c.by.Answers() && !c.fin && c.ready == sim.Never {
			c.ready = later(now, c.by.After)
		}
	}
	if c.over && !c.fin && c.ready == sim.Never {
		c.fin, any = true, true
		_ = say(c.fd, nil, true)
	}
	return any
}

// nextAnswer is the connection on which a host answers next, or nil.
func (n *network) nextAnswer() (first *talk) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.talks() {
		if c.ready != sim.Never && (first == nil || c.ready < first.ready) {
			first = c
		}
	}
	return first
}

// answer sends a host's answer.
func (r *runner) answer(c *talk) {
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	c.ready, c.fin = sim.Never, c.by.Fin
	err := say(c.fd, c.by.Says, c.by.Fin)
	if err == nil {
		err = r.net.arrived()
	}
	if err != nil {
		r.fail(fmt.Errorf("answering as %s: %w", c.by.At, err))
	}
}

// playAll does an entry of the wire for all connections of a host that listens.
func (n *network) playAll(p *kernel.Packets) (fd int, err error) {
	fd = -1
	for _, l := range n.lists {
		if l.At != p.From {
			continue
		}
		for _, c := range l.talks {
			if fd = c.fd; p.Rst {
				reset(c.fd)
				err = unix.Close(c.fd)
			} else if !c.fin && !c.gone {
				c.fin = p.Fin
				err = say(c.fd, p.Payload, p.Fin)
			}
			if err != nil {
				return fd, err
			}
		}
		if p.Rst {
			l.talks = nil
		}
	}
	return fd, nil
}
