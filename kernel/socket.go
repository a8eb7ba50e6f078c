package kernel

import (
	"net/netip"
	"strings"

	"ringside/cpu"
	"ringside/sim"
)

// The calls on sockets, whatever the protocol is: net/socket.c.

const fileSocket = "net/socket.c"

// protoOps are the functions behind a protocol ("struct proto_ops" and "struct
// proto"); fnNone where it has none. Their locals are
//
//	bind:     socket, address (see packAddr)
//	connect:  socket, address, flags of the open file
//	listen:   socket, backlog
//	accept:   socket, flags of the open file; it returns the new socket
//	sendmsg:  socket, user address, bytes, flags, address or 0
//	recvmsg:  socket, user address, bytes, flags
//	poll:     file, poll table
//	shutdown: socket, how
//	release:  socket
//	setsockopt, getsockopt: socket, option of the protocol's own level, value or
//	          where it goes
type protoOps struct {
	bind, connect, listen, accept, sendmsg, recvmsg, poll, shutdown, release, setsockopt, getsockopt cpu.CodeID
}

var protos = [NumSockKinds]protoOps{
	SockUDP: {bind: fnInetBind, connect: fnUDPConnect, sendmsg: fnUDPSendmsg, recvmsg: fnUDPRecvmsg, poll: fnUDPPoll, shutdown: fnUDPShutdown, release: fnUDPRelease},
	SockTCP: {
		bind: fnInetBind, connect: fnInetStreamConnect, listen: fnInetListen, accept: fnInetAccept, sendmsg: fnTCPSendmsg,
		recvmsg: fnTCPRecvmsg, poll: fnTCPPoll, shutdown: fnTCPInetShutdown, release: fnInetRelease, setsockopt: fnTCPSetsockopt, getsockopt: fnTCPGetsockopt,
	},
	SockUnixStream: {bind: fnUnixBind, connect: fnUnixStreamConnect, listen: fnUnixListen, accept: fnUnixAccept, sendmsg: fnUnixStreamSendmsg, recvmsg: fnUnixStreamRecvmsg, poll: fnUnixPoll, shutdown: fnUnixShutdown, release: fnUnixRelease},
	SockUnixDgram:  {bind: fnUnixBind, connect: fnUnixDgramConnect, sendmsg: fnUnixDgramSendmsg, recvmsg: fnUnixDgramRecvmsg, poll: fnUnixDgramPoll, shutdown: fnUnixShutdown, release: fnUnixRelease},
}

var socketText = text{
	fnSysSocket: oneStep("__x64_sys_socket", fileSocket, "make a socket and a descriptor", costSocket, (*Machine).sysSocket,
		"Makes a socket: an open file with a receive queue and a wait queue.", "The descriptor is the lowest free number."),
	fnSysBind: oneStep("__x64_sys_bind", fileSocket, "find the socket, read the address", costFD, (*Machine).sysBind,
		"Gives the socket its address; from now on packets to that port find it.", "A port can be bound once."),
	fnSysConnect: sysCall("__x64_sys_connect", fileSocket, fnSysConnectInner, "The system call: connect a socket to a peer."),
	fnSysConnectInner: oneStep("__sys_connect", fileSocket, "find the socket, read the address", costFD, (*Machine).sysConnect,
		"Gives the socket its peer.", "For UDP that is only a note; for TCP it begins the handshake."),
	fnSysListen: oneStep("__x64_sys_listen", fileSocket, "find the socket", costFD, (*Machine).sysListen,
		"Makes the socket one that connections come in on.", "The backlog limits how many may wait to be accepted."),
	fnSysAccept: oneStep("__x64_sys_accept", fileSocket, "accept4 without flags", costFn, func(m *Machine, c *cpu.Core, _ *sim.Record) {
		c.Tail(fnSysAccept4, c.Frame().L[0])
	}, "The system call: take a connection.", "accept4 with no flags."),
	fnSysAccept4: {Name: "__x64_sys_accept4", File: fileSocket,
		Say: "Takes a connection that is established and gives it a descriptor of its own.", Why: "The listening socket goes on listening.",
		Steps: []step{
			{Name: "find the socket", Cost: costFD, Do: (*Machine).sysAccept4},
			{Name: "a descriptor for the connection", Cost: costSocket, Do: (*Machine).acceptInstall},
		}},
	fnSysShutdown: oneStep("__x64_sys_shutdown", fileSocket, "find the socket", costFD, (*Machine).sysShutdown,
		"Ends one direction of a connection, or both.", "The descriptor stays open; close is another matter."),
	fnSysSendto: sysCall("__x64_sys_sendto", fileSocket, fnSysSendtoInner, "The system call: send, with flags and perhaps an address."),
	fnSysSendtoInner: {Name: "__sys_sendto", File: fileSocket,
		Say: "From the number to the socket.", Why: "ENOTSOCK if it is another kind of file.",
		Steps: []step{
			{Name: "find the socket, read the address", Cost: costFD, Do: (*Machine).sysSendto},
			{Name: "sent", Cost: costFn, Do: (*Machine).sockSent},
		}},
	fnSysRecvfrom: sysCall("__x64_sys_recvfrom", fileSocket, fnSysRecvfromInner, "The system call: receive, with flags and the sender's address."),
	fnSysRecvfromInner: {Name: "__sys_recvfrom", File: fileSocket,
		Say: "From the number to the socket.", Why: "ENOTSOCK if it is another kind of file.",
		Steps: []step{
			{Name: "find the socket", Cost: costFD, Do: (*Machine).sysRecvfrom},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnSockReadIter: {Name: "sock_read_iter", File: fileSocket,
		Say: "A read on a socket is a receive without flags.", Why: "O_NONBLOCK of the open file becomes MSG_DONTWAIT.",
		Steps: []step{
			{Name: "no flags but those of the file", Cost: costFn, Do: (*Machine).sockReadIter},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnSockRecvmsg: {Name: "sock_recvmsg", File: fileSocket,
		Say: "Receives from a socket.", Why: "Every way to receive comes through here; what it means is the protocol's business.",
		Steps: []step{
			{Name: "the protocol's recvmsg", Cost: costFn, Do: (*Machine).sockRecvmsg},
			{Name: "received", Cost: costFn, Do: func(m *Machine, c *cpu.Core, r *sim.Record) { m.sockLength(c, r, c.Frame().L[0], PointSockRecvLength) }},
		}},
	fnSockWriteIter: {Name: "sock_write_iter", File: fileSocket,
		Say: "A write on a socket is a send without flags.", Why: "O_NONBLOCK of the open file becomes MSG_DONTWAIT.",
		Steps: []step{
			{Name: "sock_sendmsg", Cost: costFn, Do: (*Machine).sockWriteIter},
			{Name: "sent", Cost: costFn, Do: (*Machine).sockSent},
		}},
	fnInetRecvmsg: oneStep("inet_recvmsg", "net/ipv4/af_inet.c", "the protocol's recvmsg", costFn, (*Machine).inetRecvmsg,
		"Chooses the protocol's receive.", "UDP and TCP share the way up to here."),
	fnSockPoll: oneStep("sock_poll", fileSocket, "the protocol's poll", costFn, (*Machine).sockPoll,
		"The poll operation of sockets.", "Each protocol has its own."),
	fnSockClose: oneStep("sock_close", fileSocket, "the protocol's release", costFn, (*Machine).sockClose,
		"The open file of a socket is released.", "What that means is the protocol's business: TCP has a farewell to say."),
}

// Bits of a socket's Shutdown (sk_shutdown).
const (
	rcvShutdown  = 1
	sendShutdown = 2
)

// packAddr puts an address into one local; 0 is "no address".
func packAddr(a SockAddr) int64 { return int64(a.IP)<<16 | int64(a.Port) }

func unpackAddr(v int64) SockAddr { return SockAddr{IP: uint32(v >> 16), Port: uint16(v)} }

func (m *Machine) sysSocket(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	family, typ, proto := int32(f.L[0]), int32(f.L[1]), int32(f.L[2])
	flags, typ := typ&^sockTypes, typ&sockTypes
	kind, errno := inetKind(typ, proto)
	switch {
	case flags&^(oNonblock|oCloexec) != 0:
		c.Return(-EINVAL)
	case family != afINET:
		m.giveUp("socket is modelled for AF_INET; AF_UNIX sockets come from socketpair")
	case errno != 0:
		c.Return(errno)
	default:
		sock := m.newSock(kind, flags&oNonblock)
		about(r, KindSock, sock)
		c.Return(m.sockInstall(c, sock))
	}
}

// inetKind finds the protocol of a type and a number, or the error (inet_create).
func inetKind(typ, proto int32) (SockKind, int64) {
	switch {
	case proto < 0 || proto >= 263: // IPPROTO_MAX
		return 0, -EINVAL
	case typ == sockDgram && (proto == 0 || proto == protoUDP):
		return SockUDP, 0
	case typ == sockStream && (proto == 0 || proto == protoTCP):
		return SockTCP, 0
	case typ == sockDgram || typ == sockStream:
		return 0, -EPROTONOSUPPORT
	case typ == 0 || typ > 10: // SOCK_MAX
		return 0, -EINVAL
	}
	return 0, -ESOCKTNOSUPPORT
}

// newSock makes a socket with its open file.
func (m *Machine) newSock(kind SockKind, flags int32) SockID {
	id := SockID(len(m.Socks))
	m.Socks = append(m.Socks, Sock{
		Kind: kind, First: None, Last: None, RcvBuf: int32(m.Config.Params.RMem), SndBuf: int32(m.Config.Params.RMem),
		WQ: m.newQueue(), Hash: None, Ext: None, File: m.newFile(FileSocket, id, oRdwr|flags),
	})
	if kind == SockTCP {
		m.tcpInit(id)
	}
	return id
}

// sockInstall gives a new socket a descriptor.
func (m *Machine) sockInstall(c *cpu.Core, sock SockID) int64 {
	fd := m.fdInstall(c, m.Socks[sock].File)
	if fd < 0 {
		m.giveUp("a process has more than 1048576 descriptors")
	}
	return fd
}

// sockGet finds the socket behind a descriptor and holds it, or gives the error
// (sockfd_lookup).
func (m *Machine) sockGet(c *cpu.Core, r *sim.Record, fd int64) (SockID, int64) {
	file := m.fdGet(c, fd)
	switch {
	case file == None:
		return None, -EBADF
	case m.Files[file].Kind != FileSocket:
		return None, -ENOTSOCK
	}
	about(r, KindSock, m.Files[file].Obj)
	return m.Files[file].Obj, 0
}

// sockOp finds the socket behind a descriptor and one of its protocol's
// functions. If either is missing it returns the error to the caller.
func (m *Machine) sockOp(c *cpu.Core, r *sim.Record, fd int64, op func(*protoOps) cpu.CodeID) (SockID, cpu.CodeID, bool) {
	sock, errno := m.sockGet(c, r, fd)
	if errno != 0 {
		c.Return(errno)
		return None, fnNone, false
	}
	fn := op(&protos[m.Socks[sock].Kind])
	if fn == fnNone {
		c.Return(-EOPNOTSUPP)
		return None, fnNone, false
	}
	return sock, fn, true
}

// addrArg reads an address that a program has written as "ip:port".
func (m *Machine) addrArg(c *cpu.Core, at int64) (int64, bool) {
	a, ok := parseAddr(m.userString(c, at))
	return packAddr(a), ok
}

func (m *Machine) sysBind(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, fn, ok := m.sockOp(c, r, l[0], func(p *protoOps) cpu.CodeID { return p.bind })
	if !ok {
		return
	}
	addr, ok := m.addrArg(c, l[1])
	if !ok {
		c.Return(-EINVAL)
		return
	}
	c.Tail(fn, int64(sock), addr)
}

func (m *Machine) sysConnect(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, fn, ok := m.sockOp(c, r, l[0], func(p *protoOps) cpu.CodeID { return p.connect })
	if !ok {
		return
	}
	addr, ok := m.addrArg(c, l[1])
	if !ok {
		c.Return(-EINVAL)
		return
	}
	c.Call(fn, int64(sock), addr, int64(m.Files[m.Socks[sock].File].Flags))
}

func (m *Machine) sysListen(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if sock, fn, ok := m.sockOp(c, r, l[0], func(p *protoOps) cpu.CodeID { return p.listen }); ok {
		c.Call(fn, int64(sock), l[1])
	}
}

func (m *Machine) sysShutdown(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if sock, fn, ok := m.sockOp(c, r, l[0], func(p *protoOps) cpu.CodeID { return p.shutdown }); ok {
		c.Call(fn, int64(sock), l[1])
	}
}

// sysAccept4: local 1 are the flags for the new descriptor.
func (m *Machine) sysAccept4(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	if l[1]&^(oNonblock|oCloexec) != 0 {
		c.Return(-EINVAL)
		return
	}
	if sock, fn, ok := m.sockOp(c, r, l[0], func(p *protoOps) cpu.CodeID { return p.accept }); ok {
		m.waitUntil(c, sock)
		c.Call(fn, int64(sock), int64(m.Files[m.Socks[sock].File].Flags))
	}
}

func (m *Machine) acceptInstall(c *cpu.Core, r *sim.Record) {
	sock := SockID(c.Result())
	if sock < 0 {
		c.Return(int64(sock))
		return
	}
	about(r, KindSock, sock)
	m.Files[m.Socks[sock].File].Flags |= int32(c.Frame().L[1]) & oNonblock
	m.current(c).Call.From = m.Socks[sock].Peer
	c.Return(m.sockInstall(c, sock))
}

// sysSendto: locals are fd, address, bytes, flags, address of the peer or 0.
func (m *Machine) sysSendto(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, fn, ok := m.sockOp(c, r, l[0], func(p *protoOps) cpu.CodeID { return p.sendmsg })
	if !ok {
		return
	}
	to := int64(0)
	if l[4] != 0 {
		if to, ok = m.addrArg(c, l[4]); !ok {
			c.Return(-EINVAL)
			return
		}
	}
	if l[3]&^(msgDontwait|msgNosignal) != 0 {
		m.giveUp("a send flag other than MSG_DONTWAIT and MSG_NOSIGNAL is not modelled")
		return
	}
	c.Frame().L[5] = int64(sock)
	c.Call(fn, int64(sock), l[1], l[2], m.msgFlags(m.Socks[sock].File, l[3]), to)
}

func (m *Machine) sysRecvfrom(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock, errno := m.sockGet(c, r, l[0])
	if errno != 0 {
		c.Return(errno)
		return
	}
	if l[3]&^(msgDontwait|msgPeek|msgTrunc) != 0 {
		m.giveUp("a receive flag other than MSG_DONTWAIT, MSG_PEEK and MSG_TRUNC is not modelled")
		return
	}
	c.Call(fnSockRecvmsg, int64(sock), l[1], l[2], m.msgFlags(m.Socks[sock].File, l[3]))
}

func (m *Machine) sockReadIter(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := m.Files[l[0]].Obj
	about(r, KindSock, sock)
	if l[2] == 0 {
		c.Return(0) // a read of no bytes does not receive (sock_read_iter)
		return
	}
	c.Call(fnSockRecvmsg, int64(sock), l[1], l[2], m.msgFlags(FileID(l[0]), 0))
}

// sockRecvmsg calls the protocol's receive, for internet sockets through the
// function that they share.
func (m *Machine) sockRecvmsg(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	m.waitUntil(c, SockID(l[0]))
	fn := cpu.CodeID(fnInetRecvmsg)
	if k := m.Socks[l[0]].Kind; k != SockUDP && k != SockTCP {
		fn = protos[k].recvmsg
	}
	c.Call(fn, l[:4]...)
}

func (m *Machine) inetRecvmsg(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, SockID(l[0]))
	c.Tail(protos[m.Socks[l[0]].Kind].recvmsg, l[:4]...)
}

func (m *Machine) sockWriteIter(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	sock := m.Files[l[0]].Obj
	about(r, KindSock, sock)
	c.Frame().L[5] = int64(sock)
	c.Call(protos[m.Socks[sock].Kind].sendmsg, int64(sock), l[1], l[2], m.msgFlags(FileID(l[0]), 0), 0)
}

// sockSent: local 5 is the socket; what the protocol has returned is returned.
func (m *Machine) sockSent(c *cpu.Core, r *sim.Record) {
	m.sockLength(c, r, c.Frame().L[5], PointSockSendLength)
}

func (m *Machine) sockLength(c *cpu.Core, r *sim.Record, sock int64, point uint8) {
	about(r, KindSock, SockID(sock))
	r.Station = m.wokenStation(c)
	r.Arg[0] = c.Result()
	m.point(c, r, point)
}

// msgFlags adds what the open file's flags say.
func (m *Machine) msgFlags(file FileID, flags int64) int64 {
	if m.Files[file].Flags&oNonblock != 0 {
		flags |= msgDontwait
	}
	return flags
}

func (m *Machine) sockPoll(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSock, m.Files[l[0]].Obj)
	r.Station = m.wokenStation(c)
	c.Tail(protos[m.Socks[m.Files[l[0]].Obj].Kind].poll, l[0], l[1])
}

func (m *Machine) sockClose(c *cpu.Core, r *sim.Record) {
	sock := m.Files[c.Frame().L[0]].Obj
	about(r, KindSock, sock)
	c.Call(protos[m.Socks[sock].Kind].release, int64(sock))
}

// sockError takes a socket's pending error (sock_error).
func (m *Machine) sockError(sock SockID) int64 {
	err := m.Socks[sock].Err
	m.Socks[sock].Err = 0
	return -int64(err)
}

// parseAddr reads "ip:port" or ":port".
func parseAddr(s string) (SockAddr, bool) {
	if strings.HasPrefix(s, ":") {
		s = "0.0.0.0" + s
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || !ap.Addr().Is4() {
		return SockAddr{}, false
	}
	return addrOf(ap), true
}
