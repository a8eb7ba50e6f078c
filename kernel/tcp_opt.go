package kernel

import (
	"encoding/binary"

	"ringside/cpu"
	"ringside/sim"
)

// Options of TCP: net/ipv4/tcp.c.

const tcpNoDelay = 1 // TCP_NODELAY

var tcpOptText = text{
	fnTCPSetsockopt: {Name: "do_tcp_setsockopt", File: fileTCP,
		Say: "Sets an option of the connection.", Why: "TCP_NODELAY: small segments do not wait for one another.",
		Steps: []step{
			{Name: "lock_sock", Cost: costFn, Do: callsWithArg(fnLockSock)},
			{Name: "which one?", Cost: costFn, Do: (*Machine).tcpSetsockopt},
			{Name: "release_sock", Cost: costFn, Do: callsWithArg(fnReleaseSock)},
			{Name: "return", Cost: costFn, Do: returnsKept},
		}},
	fnTCPGetsockopt: oneStep("do_tcp_getsockopt", fileTCP, "which one?", costFn, (*Machine).tcpGetsockopt,
		"Reads an option of the connection.", "It changes nothing: the socket need not be locked for that."),
}

// tcpSetsockopt: locals are the socket, the option, the value; 5 is the result.
// Without Nagle's rule what has waited goes at once.
func (m *Machine) tcpSetsockopt(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	sock := SockID(f.L[0])
	t := m.tcp(sock)
	about(r, KindSock, sock)
	if int32(f.L[1]) != tcpNoDelay {
		m.giveUp("options of TCP other than TCP_NODELAY are not modelled")
		return
	}
	if t.NoDelay = f.L[2] != 0; t.NoDelay && t.Write.First != None {
		c.Call(fnTCPPushPending, f.L[0])
	}
}

// tcpGetsockopt: locals are the socket, the option, where to put the value.
func (m *Machine) tcpGetsockopt(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	if int32(l[1]) != tcpNoDelay {
		m.giveUp("options of TCP other than TCP_NODELAY are not modelled")
		return
	}
	var value [4]byte
	if m.tcp(SockID(l[0])).NoDelay {
		binary.LittleEndian.PutUint32(value[:], 1)
	}
	if !m.copyToUser(c, l[2], value[:]) {
		c.Return(-EFAULT)
		return
	}
	c.Return(0)
}
