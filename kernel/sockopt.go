package kernel

import (
	"encoding/binary"

	"ringside/cpu"
	"ringside/sim"
)

// Options of sockets: net/socket.c and net/core/sock.c. Those of SOL_SOCKET are
// the same for all kinds; others are the protocol's own.

// Levels and names (asm-generic/socket.h).
const (
	solSocket = 1

	soReuseAddr  = 2
	soType       = 3
	soError      = 4
	soSndBuf     = 7
	soRcvBuf     = 8
	soReusePort  = 15
	soRcvLowat   = 18
	soRcvTimeo   = 20
	soAcceptConn = 30
	soProtocol   = 38
	soDomain     = 39
)

// Limits of buffers: SOCK_MIN_RCVBUF and SOCK_MIN_SNDBUF are room for one and for
// two of the smallest skbs; the most is net.core.rmem_max and wmem_max.
const (
	sockMinRcvBuf = 2048 + 256
	sockMinSndBuf = 2 * sockMinRcvBuf
	sockMaxBuf    = 212992
)

// refusedOpts are options that Linux knows and the model does not: it would not
// do what they say.
var refusedOpts = [...]int32{
	5, 6, 9, 10, 11, 12, 13, // SO_DONTROUTE to SO_LINGER
	16, 17, soRcvLowat, 21, 25, 26, 27, 29, // SO_PASSCRED to SO_TIMESTAMP
	33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, // SO_RCVBUFFORCE to SO_ATTACH_REUSEPORT_CBPF
	53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83,
}

var sockoptText = text{
	fnSysSetsockopt: oneStep("__x64_sys_setsockopt", fileSocket, "find the socket, set", costFD, (*Machine).sysSetsockopt,
		"Sets one of the socket's options.", "What a socket does by default can be changed with a number and a value."),
	fnSysGetsockopt: oneStep("__x64_sys_getsockopt", fileSocket, "find the socket, read", costFD, (*Machine).sysGetsockopt,
		"Reads one of the socket's options.", "SO_ERROR is more than an option: reading the error takes it away."),
}

// sockKind is what SO_DOMAIN, SO_TYPE and SO_PROTOCOL say of a kind of socket,
// and what tracepoints call it.
type sockKind struct {
	domain, typ, protocol    int32
	domainName, protocolName string
}

var sockKinds = [NumSockKinds]sockKind{
	SockUDP:        {afINET, sockDgram, protoUDP, "AF_INET", "0x11"},
	SockTCP:        {afINET, sockStream, protoTCP, "AF_INET", "IPPROTO_TCP"},
	SockUnixStream: {afUNIX, sockStream, 0, "AF_LOCAL", "0x0"},
	SockUnixDgram:  {afUNIX, sockDgram, 0, "AF_LOCAL", "0x0"},
}

func (m *Machine) sockKind(sock SockID) *sockKind { return &sockKinds[m.Socks[sock].Kind] }

// sysSetsockopt: locals are fd, level, name, the value's address and length.
func (m *Machine) sysSetsockopt(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, errno := m.sockGet(c, r, l[0])
	if errno != 0 {
		c.Return(errno)
		return
	}
	n := int64(4)
	if int32(l[1]) == solSocket && int32(l[2]) == soRcvTimeo && l[4] >= timevalBytes {
		n = timevalBytes
	}
	if int32(l[4]) >= 4 && !m.reach(c, l[3], n, toRead) {
		return
	}
	var value [4]byte
	switch {
	case int32(l[4]) < 0 || int32(l[1]) == solSocket && int32(l[4]) < 4:
		c.Return(-EINVAL)
		return
	case !m.copyFromUser(c, value[:], l[3]):
		c.Return(-EFAULT)
		return
	}
	v := int32(binary.LittleEndian.Uint32(value[:]))
	if int32(l[1]) == solSocket && int32(l[2]) == soRcvTimeo {
		c.Return(m.setRcvTimeo(c, sock, l[3], l[4]))
		return
	}
	if int32(l[1]) == solSocket {
		c.Return(m.setSockopt(sock, int32(l[2]), v))
		return
	}
	ops := &protos[m.Socks[sock].Kind]
	switch {
	case ops.setsockopt != fnNone && int32(l[1]) == m.sockKind(sock).protocol:
		c.Tail(ops.setsockopt, int64(sock), l[2], int64(v))
	case m.refusedLevel(sock, int32(l[1])):
	case m.sockKind(sock).domain == afINET:
		c.Return(-ENOPROTOOPT)
	default:
		c.Return(-EOPNOTSUPP)
	}
}

// refusedLevel gives up for levels that the socket has and the model does not.
func (m *Machine) refusedLevel(sock SockID, level int32) bool {
	t := m.sockKind(sock)
	if refused := t.domain == afINET && (level == 0 || level == t.protocol); !refused {
		return false
	}
	m.giveUp("options of IP and of the socket's protocol are not modelled")
	return true
}

// timevalBytes is sizeof(struct timeval).
const timevalBytes = 16

// setRcvTimeo reads a struct timeval; 0 is no limit, and a negative time is none
// at all (sock_set_timeout).
func (m *Machine) setRcvTimeo(c *cpu.Core, sock SockID, addr, n int64) int64 {
	var tv [timevalBytes]byte
	if n < timevalBytes {
		return -EINVAL
	}
	if !m.copyFromUser(c, tv[:], addr) {
		return -EFAULT
	}
	sec, usec := int64(binary.LittleEndian.Uint64(tv[:])), int64(binary.LittleEndian.Uint64(tv[8:]))
	switch {
	case usec < 0 || usec >= 1_000_000:
		return -EDOM
	case sec < 0:
		m.Socks[sock].RcvTimeo = 1
	default:
		m.Socks[sock].RcvTimeo = sim.Time(sec)*sim.Second + sim.Time(usec)*sim.Microsecond
	}
	return 0
}

// setSockopt sets an option of SOL_SOCKET (sk_setsockopt).
func (m *Machine) setSockopt(sock SockID, name, v int32) int64 {
	s := &m.Socks[sock]
	switch name {
	case soReuseAddr:
		if s.Reuse &^= reuseAddr; v != 0 {
			s.Reuse |= reuseAddr
		}
	case soReusePort:
		if v != 0 && m.sockKind(sock).domain != afINET {
			return -EOPNOTSUPP
		}
		if v != 0 {
			m.giveUp("SO_REUSEPORT spreads packets over sockets by a hash with a random key; that is not modelled")
		}
	case soRcvBuf:
		s.RcvBuf = bufferSize(v, sockMinRcvBuf)
	case soSndBuf:
		s.SndBuf, s.SndLock = bufferSize(v, sockMinSndBuf), true
	default:
		return m.otherOption(name)
	}
	return 0
}

// otherOption is the answer for options that cannot be set, or that there are
// not.
func (m *Machine) otherOption(name int32) int64 {
	for _, n := range refusedOpts {
		if n == name {
			m.giveUp("this socket option is not modelled")
		}
	}
	return -ENOPROTOOPT
}

// bufferSize is what a buffer's size becomes: twice what was asked for, since
// skbs count with their overhead. A negative number is a big one.
func bufferSize(v, least int32) int32 {
	return max(int32(min(uint32(v), sockMaxBuf))*2, least)
}

// sysGetsockopt: the value goes to the address in local 3.
func (m *Machine) sysGetsockopt(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, errno := m.sockGet(c, r, l[0])
	if errno != 0 {
		c.Return(errno)
		return
	}
	ops := &protos[m.Socks[sock].Kind]
	switch {
	case int32(l[1]) == solSocket:
		if !m.reach(c, l[3], 4, toWrite) {
			return
		}
		v, errno := m.getSockopt(sock, int32(l[2]))
		var value [4]byte
		binary.LittleEndian.PutUint32(value[:], uint32(v))
		if errno == 0 && !m.copyToUser(c, l[3], value[:]) {
			errno = -EFAULT
		}
		c.Return(errno)
	case ops.getsockopt != fnNone && int32(l[1]) == m.sockKind(sock).protocol:
		c.Tail(ops.getsockopt, int64(sock), l[2], l[3])
	case !m.refusedLevel(sock, int32(l[1])):
		c.Return(-EOPNOTSUPP)
	}
}

// getSockopt reads an option of SOL_SOCKET (sk_getsockopt).
func (m *Machine) getSockopt(sock SockID, name int32) (value int32, errno int64) {
	s, t := &m.Socks[sock], m.sockKind(sock)
	switch name {
	case soReuseAddr:
		return int32(s.Reuse & reuseAddr), 0
	case soReusePort:
		return int32(s.Reuse & reusePort >> 1), 0
	case soRcvBuf:
		return s.RcvBuf, 0
	case soSndBuf:
		return s.SndBuf, 0
	case soError:
		return int32(-m.sockError(sock)), 0
	case soType:
		return t.typ, 0
	case soProtocol:
		return t.protocol, 0
	case soDomain:
		return t.domain, 0
	case soAcceptConn:
		if s.Kind == SockTCP && m.tcp(sock).State == TCPListen {
			return 1, 0
		}
		return 0, 0
	}
	return 0, m.otherOption(name)
}
