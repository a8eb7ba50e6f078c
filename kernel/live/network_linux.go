package live

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"ringside/kernel"
)

// network is loopback in the scenario's clothes: its ports are real ephemeral
// ones, and each remote host is a socket of ours.
type network struct {
	mu    sync.Mutex
	ports map[uint16]int         // real port by the scenario's
	peers map[netip.AddrPort]int // socket that plays a remote address
	names map[int]netip.AddrPort // remote address by real port
}

func newNetwork() *network {
	return &network{ports: map[uint16]int{}, peers: map[netip.AddrPort]int{}, names: map[int]netip.AddrPort{}}
}

var loopback = [4]byte{127, 0, 0, 1}

// bind binds a socket to the real port that stands for the scenario's. The same
// port twice is the same real port twice: the kernel says EADDRINUSE.
func (n *network) bind(fd int, addr string) error {
	if strings.HasPrefix(addr, ":") {
		addr = "0.0.0.0" + addr
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().Is4() {
		return unix.EINVAL
	}
	ip := loopback
	if a := ap.Addr(); !a.IsUnspecified() && !a.IsLoopback() && a != kernel.HostIP {
		ip = [4]byte{192, 0, 2, 1} // an address that no host has (RFC 5737)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	real := n.ports[ap.Port()]
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: real, Addr: ip}); err != nil {
		return err
	}
	if real == 0 {
		sa, err := unix.Getsockname(fd)
		if err != nil {
			return err
		}
		n.ports[ap.Port()] = sa.(*unix.SockaddrInet4).Port
	}
	return nil
}

// send plays one packet of the wire. If nobody has bound the port there is
// nobody to send to.
func (n *network) send(p *kernel.Packets) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	fd, ok := n.peers[p.From]
	if !ok {
		var err error
		if fd, err = n.newPeer(p.From); err != nil {
			return err
		}
	}
	real := n.ports[p.To.Port()]
	if real == 0 || p.To.Addr() != kernel.HostIP {
		return nil
	}
	if err := unix.Sendto(fd, p.Payload, 0, &unix.SockaddrInet4{Port: real, Addr: loopback}); err != nil && err != unix.ECONNREFUSED {
		return fmt.Errorf("sending as %s: %w", p.From, err)
	}
	return nil
}

func (n *network) newPeer(from netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("a socket for %s: %w", from, err)
	}
	n.peers[from] = fd
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback}); err != nil {
		return -1, fmt.Errorf("a port for %s: %w", from, err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return -1, fmt.Errorf("a port for %s: %w", from, err)
	}
	n.names[sa.(*unix.SockaddrInet4).Port] = from
	return fd, nil
}

// peerName is the scenario's address of who sent from a real port.
func (n *network) peerName(port int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name, ok := n.names[port]; ok {
		return name.String()
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}

func (n *network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, fd := range n.peers {
		unix.Close(fd)
	}
}
