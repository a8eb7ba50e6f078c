package live

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"ringside/kernel"
)

// network is loopback in the scenario's clothes: its ports are real ephemeral
// ones, and each remote host is a socket of ours.
type network struct {
	tracer *tracer     // or nil
	tcp    atomic.Bool // the scenario has TCP sockets

	mu     sync.Mutex
	ports  map[port]int            // real port by the scenario's
	bound  map[port][]uint64       // inodes of the sockets that were bound to it
	locals map[port]netip.AddrPort // the scenario's address by real port: sockets of its own
	hosts  map[port]netip.AddrPort // and remote hosts
	peers  map[peer]int            // socket that plays a remote address
	lists  []*farHost              // remote hosts that wait for connections, as in the configuration
	exist  []netip.Addr            // remote hosts that there are
	mute   [2]int                  // a listener that answers nobody, and what fills it
	next   uint16                  // ephemeral port that the scenario gets next
	sink   int                     // takes what only shows that something else has arrived
	dead   [2]int                  // sockets that hold a port at which nobody answers: UDP, TCP
	wild   bool                    // a socket bound to every address is still confined to loopback
}

// port is one of UDP or TCP.
type port struct {
	tcp    bool
	number int
}

// Addresses of loopback: where peers are, and what stands for the modelled
// machine's own address, so that a socket bound to 127.0.0.1 gets no packets
// from outside.
var (
	loopback = [4]byte{127, 0, 0, 1}
	ownHost  = [4]byte{127, 10, 0, 1}
	nowhere  = [4]byte{192, 0, 2, 1} // an address that no host has (RFC 5737)
)

// firstEphemeral is the first of the ports that sockets get which are not bound
// (ip_local_port_range). The real ones are random; the scenario's are counted.
const firstEphemeral = 32768

func newNetwork(cfg *kernel.Config) (*network, error) {
	n := &network{
		ports: map[port]int{}, bound: map[port][]uint64{}, locals: map[port]netip.AddrPort{}, hosts: map[port]netip.AddrPort{},
		peers: map[peer]int{}, next: firstEphemeral, sink: -1, dead: [2]int{-1, -1}, mute: [2]int{-1, -1}, wild: true,
		exist: cfg.Hosts,
	}
	err := n.furnish()
	if err == nil {
		err = n.listen(cfg.Listens)
	}
	if err != nil {
		n.close()
		return nil, fmt.Errorf("a socket on loopback: %w", err)
	}
	return n, nil
}

// furnish makes the network's own sockets. A UDP socket that is connected to
// itself takes nothing from others, and to a TCP port where nobody listens
// nobody can connect: the kernel refuses both, as it does at a free port.
func (n *network) furnish() (err error) {
	if n.sink, _, err = ephemeral(unix.SOCK_DGRAM); err != nil {
		return err
	}
	n.confine(n.sink)
	var own int
	if n.dead[0], own, err = ephemeral(unix.SOCK_DGRAM); err != nil {
		return err
	}
	if err = unix.Connect(n.dead[0], &unix.SockaddrInet4{Addr: loopback, Port: own}); err != nil {
		return err
	}
	n.dead[1], _, err = ephemeral(unix.SOCK_STREAM)
	return err
}

// ephemeral makes a socket on a free port of loopback.
func ephemeral(kind int) (fd, number int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, 0, err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback}); err == nil {
		if at, err := ownAddress(fd); err == nil {
			return fd, at.Port, nil
		}
	}
	unix.Close(fd)
	return -1, 0, err
}

// ownAddress is where a socket is bound.
func ownAddress(fd int) (*unix.SockaddrInet4, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	in4, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return nil, unix.EAFNOSUPPORT
	}
	return in4, nil
}

// isTCP tells whether a socket is one of TCP's.
func isTCP(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind == unix.SOCK_STREAM
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

// parse reads an address; without a host it is every address.
func parse(addr string) (netip.AddrPort, bool) {
	if strings.HasPrefix(addr, ":") {
		addr = "0.0.0.0" + addr
	}
	ap, err := netip.ParseAddrPort(addr)
	return ap, err == nil && ap.Addr().Is4()
}

// noAddress is the error of a call that is given no address at all: the kernel
// says what is wrong first.
func noAddress(nr uintptr, fd int) error {
	if _, _, errno := unix.Syscall(nr, uintptr(fd), 0, 0); errno != 0 {
		return errno
	}
	return unix.EINVAL
}

// bind binds a socket to the real port that stands for the scenario's. The same
// port twice is the same real port twice: the kernel says EADDRINUSE.
func (n *network) bind(fd int, addr string) error {
	ap, ok := parse(addr)
	if !ok {
		return noAddress(unix.SYS_BIND, fd)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := port{isTCP(fd), int(ap.Port())}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: n.ports[p], Addr: n.realIP(ap.Addr())}); err != nil {
		return err
	}
	at, err := ownAddress(fd)
	if err != nil {
		return err
	}
	if p.number == 0 {
		n.local(port{p.tcp, at.Port})
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	n.ports[p], n.locals[port{p.tcp, at.Port}] = at.Port, ap
	n.bound[p] = append(n.bound[p], st.Ino)
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

// destination is the real address that stands for one of the scenario's. To
// UDP every remote host is there.
func (n *network) destination(fd int, addr string) (*unix.SockaddrInet4, error) {
	ap, ok := parse(addr)
	if !ok {
		return nil, noAddress(unix.SYS_CONNECT, fd)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := port{isTCP(fd), int(ap.Port())}
	local := ap.Addr().IsUnspecified() || ap.Addr().IsLoopback() || ap.Addr() == kernel.HostIP
	switch {
	case !local && p.tcp:
		return n.remote(ap)
	case !local:
		return n.host(ap)
	case ap.Addr().IsUnspecified():
		ap = netip.AddrPortFrom(netip.AddrFrom4(loopback), ap.Port())
	}
	to := &unix.SockaddrInet4{Addr: n.realIP(ap.Addr()), Port: n.ports[p]}
	if p.number == 0 {
		return to, nil
	}
	if !n.isBound(p, false) {
		dead, err := ownAddress(n.dead[truth(p.tcp)])
		return dead, err
	}
	return to, nil
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isBound tells whether a socket of the scenario has a port now, and listens if
// need be. That it was closed does not mean that it has gone: a thread that
// sleeps in a receive keeps it. So the kernel's table of sockets is asked. It is
// read piece by piece, and what ends elsewhere on this machine meanwhile may
// make it leave a line out; hardly more than once.
func (n *network) isBound(p port, listening bool) bool {
	for range 3 {
		if len(n.bound[p]) > 0 && n.inTable(p, listening) {
			return true
		}
	}
	return false
}

// inTable looks for the port's sockets in net/udp or net/tcp (proc(5): the state
// is the fourth column, the inode the tenth).
func (n *network) inTable(p port, listening bool) bool {
	name := "udp"
	if p.tcp {
		name = "tcp"
	}
	table, err := os.ReadFile("/proc/thread-self/net/" + name)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 9 && (!listening || f[3] == "0A") {
			ino, err := strconv.ParseUint(f[9], 10, 64)
			if err == nil && slices.Contains(n.bound[p], ino) {
				return true
			}
		}
	}
	return false
}

// nameOf is the scenario's address of a socket's real peer. A socket that was
// not bound has the address at which it was reached (ip_route_output: the source
// of a local route is its destination).
func (n *network) nameOf(fd int, sa *unix.SockaddrInet4) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := port{isTCP(fd), sa.Port}
	if name, ok := n.hosts[p]; ok {
		return name.String()
	}
	at := n.local(p)
	host := at.Addr()
	if host.IsUnspecified() {
		host = netip.AddrFrom4(sa.Addr)
		if own, err := ownAddress(fd); err == nil && own.Addr == ownHost {
			host = kernel.HostIP
		}
	}
	return netip.AddrPortFrom(host, at.Port()).String()
}

// local is the scenario's address behind a real port. mu is held.
func (n *network) local(p port) netip.AddrPort {
	at, known := n.locals[p]
	if !known {
		at = netip.AddrPortFrom(netip.IPv4Unspecified(), n.next)
		n.locals[p] = at
		n.next++
	}
	return at
}

// autobound notes the port that a call has given to a socket, if it has: the
// scenario's are given in the order of these calls.
func (n *network) autobound(fd int) {
	at, err := ownAddress(fd)
	if err != nil || at.Port == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.local(port{isTCP(fd), at.Port})
}

// underWay is how much TCP has still to deliver: bytes that are not acknowledged.
func (r *runner) underWay() (n int) {
	if !r.net.tcp.Load() {
		return 0
	}
	for _, p := range r.procs {
		n += p.underWay()
	}
	r.net.mu.Lock()
	defer r.net.mu.Unlock()
	for _, fd := range r.net.peers {
		n += queued(fd)
	}
	for _, c := range r.net.talks() {
		n += queued(c.fd)
	}
	return n
}

// queued is the length of a TCP socket's send queue (tcp(7), SIOCOUTQ).
func queued(fd int) int {
	if proto, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL); err != nil || proto != unix.IPPROTO_TCP {
		return 0
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ)
	if err != nil {
		return 0 // it listens
	}
	return n
}

func (n *network) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := append(n.dead[:], n.sink, n.mute[0], n.mute[1])
	for p, fd := range n.peers {
		if p.tcp {
			reset(fd)
		}
		all = append(all, fd)
	}
	for _, l := range n.lists {
		all = append(all, l.fd)
	}
	for _, c := range n.talks() {
		reset(c.fd)
		all = append(all, c.fd)
	}
	for _, fd := range all {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
