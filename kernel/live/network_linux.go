package live

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
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
	bound map[uint16][]uint64    // inodes of the sockets that were bound to it
	peers map[netip.AddrPort]int // socket that plays a remote address
	names map[int]netip.AddrPort // remote address by real port
	sink  int                    // takes what only shows that something else has arrived
	wild  bool                   // a socket bound to every address is still confined to loopback
}

// Addresses of loopback: where peers are, and what stands for the modelled
// machine's own address, so that a socket bound to 127.0.0.1 gets no packets
// from outside.
var (
	loopback = [4]byte{127, 0, 0, 1}
	ownHost  = [4]byte{127, 10, 0, 1}
	nowhere  = [4]byte{192, 0, 2, 1} // an address that no host has (RFC 5737)
)

func newNetwork() (*network, error) {
	n := &network{ports: map[uint16]int{}, bound: map[uint16][]uint64{}, peers: map[netip.AddrPort]int{}, names: map[int]netip.AddrPort{}, wild: true}
	var err error
	if n.sink, _, err = ephemeral(); err != nil {
		return nil, fmt.Errorf("a socket on loopback: %w", err)
	}
	n.confine(n.sink)
	return n, nil
}

// ephemeral makes a UDP socket on a free port of loopback.
func ephemeral() (fd, port int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, 0, err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback}); err == nil {
		if port, err = portOf(fd); err == nil {
			return fd, port, nil
		}
	}
	unix.Close(fd)
	return -1, 0, err
}

func portOf(fd int) (int, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	in4, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return 0, unix.EAFNOSUPPORT
	}
	return in4.Port, nil
}

// confine ties a socket to the loopback device. Before Linux 5.7 it takes
// privileges: then "every address" is the modelled machine's own only.
func (n *network) confine(fd int) {
	if unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, "lo") != nil {
		n.mu.Lock()
		n.wild = false
		n.mu.Unlock()
	}
}

// bind binds a socket to the real port that stands for the scenario's. The same
// port twice is the same real port twice: the kernel says EADDRINUSE.
func (n *network) bind(fd int, addr string) error {
	if strings.HasPrefix(addr, ":") {
		addr = "0.0.0.0" + addr
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().Is4() {
		// No address at all: the kernel says what is wrong first.
		if _, _, errno := unix.Syscall(unix.SYS_BIND, uintptr(fd), 0, 0); errno != 0 {
			return errno
		}
		return unix.EINVAL
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	real := n.ports[ap.Port()]
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: real, Addr: n.realIP(ap.Addr())}); err != nil {
		return err
	}
	if ap.Port() == 0 {
		return nil // the kernel has chosen one, which no packet names
	}
	if n.ports[ap.Port()], err = portOf(fd); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	n.bound[ap.Port()] = append(n.bound[ap.Port()], st.Ino)
	return nil
}

func (n *network) realIP(a netip.Addr) [4]byte {
	switch {
	case a.IsUnspecified() && n.wild:
		return [4]byte{}
	case a.IsUnspecified(), a == kernel.HostIP:
		return ownHost
	case a.IsLoopback():
		return a.As4()
	}
	return nowhere
}

// isBound tells whether a socket of the scenario has a port now. That it was
// closed does not mean that it has gone: a thread that sleeps in a receive keeps
// it. So the kernel's table of UDP sockets is asked (proc(5), net/udp: the
// inode is the tenth column).
func (n *network) isBound(port uint16) bool {
	if len(n.bound[port]) == 0 {
		return false
	}
	table, err := os.ReadFile("/proc/thread-self/net/udp")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 9 {
			ino, err := strconv.ParseUint(f[9], 10, 64)
			if err == nil && slices.Contains(n.bound[port], ino) {
				return true
			}
		}
	}
	return false
}

// send plays one packet of the wire. If nobody has bound the port there is
// nobody to send to, and the real port may be a stranger's by now.
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
	if p.To.Addr() != kernel.HostIP || !n.isBound(p.To.Port()) {
		return nil
	}
	if err := unix.Sendto(fd, p.Payload, 0, &unix.SockaddrInet4{Port: n.ports[p.To.Port()], Addr: ownHost}); err != nil {
		return fmt.Errorf("sending as %s: %w", p.From, err)
	}
	return n.arrived(fd)
}

// arrived waits until what was sent has reached its socket. The softirq that
// takes it there may be left to ksoftirqd on a busy core; the core's queue is in
// order, so a second packet behind the first tells.
func (n *network) arrived(fd int) error {
	port, err := portOf(n.sink)
	if err != nil {
		return err
	}
	if err := unix.Sendto(fd, []byte{0}, 0, &unix.SockaddrInet4{Port: port, Addr: loopback}); err != nil {
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

func (n *network) newPeer(from netip.AddrPort) (int, error) {
	fd, port, err := ephemeral()
	if err != nil {
		return -1, fmt.Errorf("a socket for %s: %w", from, err)
	}
	n.peers[from], n.names[port] = fd, from
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
	unix.Close(n.sink)
	for _, fd := range n.peers {
		unix.Close(fd)
	}
}
