package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Addresses and ports, for UDP and TCP alike: net/ipv4/af_inet.c,
// inet_connection_sock.c, udp.c. One table of chains finds the bound sockets of
// a port.

const fileAfInet = "net/ipv4/af_inet.c"

var inetText = text{
	fnInetBind: oneStep("inet_bind", fileAfInet, "is the address free? take it", costLookup, (*Machine).inetBind,
		"Checks that the address is this host's and that nobody has the port.", "Port 0 asks for any that is free."),
}

// portChains is how many chains the table of bound ports has.
const portChains = 64

// Ports that the kernel gives out itself (net.ipv4.ip_local_port_range). Linux
// picks one at random; the model counts up from the first.
const (
	firstAutoPort = 32768
	lastAutoPort  = 60999
)

const (
	anyIP      = 0
	loopbackIP = 127<<24 | 1
)

// localIP tells whether an address is this host's.
func localIP(ip uint32) bool { return ip>>24 == 127 || ip == hostIP }

// inetBind: the order of the checks is Linux's (__inet_bind).
func (m *Machine) inetBind(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, addr := SockID(l[0]), unpackAddr(l[1])
	about(r, KindSock, sock)
	switch {
	case addr.IP != anyIP && !localIP(addr.IP):
		c.Return(-EADDRNOTAVAIL)
	case m.Socks[sock].Local.Port != 0:
		c.Return(-EINVAL)
	case addr.Port == 0:
		c.Return(m.autobind(sock, addr.IP))
	case m.portTaken(sock, addr):
		c.Return(-EADDRINUSE)
	default:
		m.hashPort(sock, addr)
		c.Return(0)
	}
}

// autobind gives a socket a port that is free (inet_autobind).
func (m *Machine) autobind(sock SockID, ip uint32) int64 {
	for range lastAutoPort - firstAutoPort + 1 {
		if m.autoPort++; m.autoPort < firstAutoPort || m.autoPort > lastAutoPort {
			m.autoPort = firstAutoPort
		}
		if addr := (SockAddr{ip, m.autoPort}); !m.portTaken(sock, addr) {
			m.hashPort(sock, addr)
			return 0
		}
	}
	return -EADDRINUSE
}

// portTaken tells whether an address conflicts with another socket's of the same
// protocol: sockets may share a port if all of them have asked for that
// (SO_REUSEADDR for UDP, SO_REUSEPORT).
func (m *Machine) portTaken(sock SockID, addr SockAddr) bool {
	me := &m.Socks[sock]
	for id := m.ports[addr.Port%portChains]; id != None; id = m.Socks[id].Hash {
		s := &m.Socks[id]
		same := s.Kind == me.Kind && s.Local.Port == addr.Port && (s.Local.IP == anyIP || addr.IP == anyIP || s.Local.IP == addr.IP)
		if same && id != sock && m.portConflict(me, s) {
			return true
		}
	}
	return false
}

// Bits of a socket's Reuse.
const (
	reuseAddr = 1
	reusePort = 2
)

// portConflict: both have the port, and neither is ready to share it.
func (m *Machine) portConflict(a, b *Sock) bool {
	if b.Kind == SockTCP {
		return m.tcpPortConflict(a, b)
	}
	return a.Reuse&b.Reuse == 0
}

// hashPort gives a socket its address and puts it into the table.
func (m *Machine) hashPort(sock SockID, addr SockAddr) {
	s, chain := &m.Socks[sock], &m.ports[addr.Port%portChains]
	s.Local, s.Bound = addr, true
	s.Hash, *chain = *chain, sock
}

// unhashPort takes a socket out of the table.
func (m *Machine) unhashPort(sock SockID) {
	s := &m.Socks[sock]
	if !s.Bound {
		return
	}
	p := &m.ports[s.Local.Port%portChains]
	for *p != sock {
		p = &m.Socks[*p].Hash
	}
	*p, s.Hash, s.Bound, s.Local = s.Hash, None, false, SockAddr{}
}

// sourceIP is the address that packets to a destination leave with: 127.0.0.1 to
// all of 127.0.0.0/8, else the card's (ip_route_output_key, ip route get).
func sourceIP(to uint32) uint32 {
	if to>>24 == 127 {
		return loopbackIP
	}
	return hostIP
}
