package live

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"ringside/kernel"
	"ringside/sim"
)

// The remote hosts: what the wire brings is sent by sockets that play them.

// peer is one end of the scenario's connections.
type peer struct {
	tcp bool
	at  netip.AddrPort
}

// play sends one packet of the wire. If nobody has bound the port there is
// nobody to send to, and the real port may be a stranger's by now.
func (n *network) play(p *kernel.Packets) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var fd int
	var err error
	switch {
	case p.Proto == "tcp" && !p.To.IsValid():
		fd, err = n.playAll(p)
	case p.Proto == "tcp":
		fd, err = n.playTCP(p)
	default:
		fd, err = n.playUDP(p)
	}
	if err != nil {
		return fmt.Errorf("sending as %s: %w", p.From, err)
	}
	if fd < 0 {
		return nil
	}
	return n.arrived()
}

// playUDP sends a datagram, and gives the socket; -1 if there is none.
func (n *network) playUDP(p *kernel.Packets) (int, error) {
	from, err := n.hostSocket(p.From)
	if err != nil {
		return -1, err
	}
	to := port{number: int(p.To.Port())}
	if p.To.Addr() != kernel.HostIP || !n.isBound(to, false) {
		return -1, nil
	}
	return from, unix.Sendto(from, p.Payload, 0, &unix.SockaddrInet4{Port: n.ports[to], Addr: ownHost})
}

// host is the real address of a remote host.
func (n *network) host(at netip.AddrPort) (*unix.SockaddrInet4, error) {
	fd, err := n.hostSocket(at)
	if err != nil {
		return nil, err
	}
	return ownAddress(fd)
}

// hostSocket is the UDP socket that plays a remote address.
func (n *network) hostSocket(at netip.AddrPort) (int, error) {
	if fd, ok := n.peers[peer{at: at}]; ok {
		return fd, nil
	}
	fd, number, err := ephemeral(unix.SOCK_DGRAM)
	if err != nil {
		return -1, err
	}
	n.peers[peer{at: at}], n.hosts[port{number: number}] = fd, at
	return fd, nil
}

// playTCP takes a step of a connection.
func (n *network) playTCP(p *kernel.Packets) (int, error) {
	who := peer{true, p.From}
	fd, ok := n.peers[who]
	switch {
	case p.Connect && !ok:
		return n.connect(p)
	case !ok:
		return -1, nil // there is no such connection: the kernel would answer with a reset
	case p.Rst:
		delete(n.peers, who)
		reset(fd)
		return fd, unix.Close(fd)
	case len(p.Payload) == 0 && !p.Fin:
		return -1, nil
	}
	return fd, say(fd, p.Payload, p.Fin)
}

// say sends data and, if it is the last, the FIN with its last segment.
func say(fd int, data []byte, fin bool) error {
	flags := unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if fin {
		flags |= unix.MSG_MORE
	}
	if len(data) > 0 {
		sent, err := sendto(fd, data, flags, nil)
		if err == nil && sent < int64(len(data)) {
			err = unix.EAGAIN
		}
		if err != nil {
			return ignore(err, unix.EPIPE, unix.ECONNRESET)
		}
	}
	if fin {
		return ignore(unix.Shutdown(fd, unix.SHUT_WR), unix.ENOTCONN)
	}
	return nil
}

// ignore forgets errors that only say that the other side has ended the
// connection.
func ignore(err error, which ...error) error {
	for _, w := range which {
		if errors.Is(err, w) {
			return nil
		}
	}
	return err
}

// connect begins a connection. On loopback the handshake is over when connect
// returns, unless the listener's queue is full.
func (n *network) connect(p *kernel.Packets) (int, error) {
	to := port{true, int(p.To.Port())}
	if p.To.Addr() != kernel.HostIP || !n.isBound(to, true) {
		return -1, nil
	}
	fd, number, err := ephemeral(unix.SOCK_STREAM | unix.SOCK_NONBLOCK)
	if err != nil {
		return -1, err
	}
	n.peers[peer{true, p.From}], n.hosts[port{true, number}] = fd, p.From
	if err := unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1); err != nil {
		return -1, err
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: n.ports[to], Addr: ownHost})
	return fd, ignore(err, unix.EINPROGRESS, unix.ECONNREFUSED)
}

// reset has a connection end with RST when it is closed (socket(7), SO_LINGER).
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// drain reads what has reached the remote hosts, as they would, and tells
// whether that may have made room for a sender. What they hear is heard at a time
// of the scenario.
func (n *network) drain(now sim.Time) (any bool) {
	if !n.tcp.Load() {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	var b [16 << 10]byte
	for p, fd := range n.peers {
		for p.tcp {
			got, _, err := unix.Recvfrom(fd, b[:], unix.MSG_DONTWAIT)
			if err != nil || got <= 0 {
				break
			}
			any = true
		}
	}
	return n.attend(now) || any
}

// arrived waits until what was sent has reached its socket. The softirq that
// takes it there may be left to ksoftirqd on a busy core; the core's queue is in
// order, so a second packet behind the first tells.
func (n *network) arrived() error {
	to, err := ownAddress(n.sink)
	if err != nil {
		return err
	}
	n.tracer.say(fence)
	err = unix.Sendto(n.sink, []byte{0}, 0, to)
	n.tracer.say(unfence)
	if err != nil {
		return err
	}
	pfd := []unix.PollFd{{Fd: int32(n.sink), Events: unix.POLLIN}}
	for {
		ready, err := unix.Poll(pfd, 1000)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case ready == 0:
			return errors.New("a packet on loopback does not arrive")
		}
		var b [1]byte
		_, _, err = unix.Recvfrom(n.sink, b[:], unix.MSG_DONTWAIT)
		return err
	}
}
