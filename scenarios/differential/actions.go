package differential

import (
	"fmt"
	"strings"
)

// action is a step that main can make.
type action struct {
	name   string
	weight int
	can    func(*generator) bool
	do     func(*generator)
}

// few tells whether there is room for more descriptors.
func few(g *generator) bool { return len(g.fds) < 16 }

// with needs an open descriptor of one of some kinds.
func with(kinds ...kind) func(*generator) bool {
	return func(g *generator) bool { return g.has(kinds...) }
}

var (
	readable = []kind{pipeRead, stream, dgram, udp, tcp, counter, timer}
	writable = []kind{pipeWrite, stream, dgram, udp, tcp}
	sockets  = []kind{stream, dgram, udp, tcp, listener}
	watched  = []kind{pipeRead, pipeWrite, stream, dgram, counter, timer, udp, tcp, listener, epoll}
)

// actions are drawn by weight from those that are possible.
var actions []action

func init() {
	actions = []action{
		{"nothing", 1, nil, nil},
		{"pipe", 5, few, func(g *generator) {
			nonblock := g.flip(2)
			r, w := g.create(pipeRead, nonblock), g.create(pipeWrite, nonblock)
			r.obj.peer, w.obj.peer = w.obj, r.obj
			g.main("%s, %s = pipe2(%s)", r.name, w.name, ifSet(nonblock, "O_NONBLOCK"))
		}},
		{"socketpair", 4, few, socketpair},
		{"eventfd", 4, few, func(g *generator) {
			nonblock := g.flip(2)
			f := g.create(counter, nonblock)
			g.main("%s = eventfd(%d, %s)", f.name, g.int(0, 1, 3), g.one("0", "EFD_SEMAPHORE")+plus(nonblock, "EFD_NONBLOCK"))
		}},
		{"timerfd", 2, few, func(g *generator) {
			nonblock := g.flip(2)
			f := g.create(timer, nonblock)
			g.main("%s = timerfd_create(CLOCK_MONOTONIC, %s)", f.name, ifSet(nonblock, "TFD_NONBLOCK"))
		}},
		{"udp socket", 3, few, func(g *generator) { g.udpSocket() }},
		{"udp pair", 3, few, func(g *generator) {
			a, b := g.udpSocket(), g.udpSocket()
			g.main("connect(%s, %s)", a.name, g.address(b.obj))
			g.main("connect(%s, %s)", b.name, g.address(a.obj))
			a.obj.peer, b.obj.peer = b.obj, a.obj
		}},
		{"listener", 1, few, func(g *generator) {
			f := g.bound(listener, true)
			g.main("listen(%s, %d)", f.name, g.int(1, 8))
		}},
		{"blocking listener", 1, few, func(g *generator) {
			f := g.bound(listener, false)
			g.main("listen(%s, 8)", f.name)
		}},
		{"tcp pair", 4, few, tcpPair},
		{"connect", 3, func(g *generator) bool { return few(g) && g.has(listener) }, func(g *generator) {
			f := g.tcpSocket(g.flip(2))
			g.main("connect(%s, %s)", f.name, g.address(g.pick(listener).obj))
			g.under(f)
		}},
		{"refused", 1, few, func(g *generator) {
			f := g.tcpSocket(g.flip(2))
			g.main(`connect(%s, "127.0.0.1:6999")`, f.name)
			g.under(f)
		}},
		{"lonely socket", 1, few, func(g *generator) { g.tcpSocket(true) }},
		{"epoll", 6, few, func(g *generator) { g.main("%s = epoll_create1(0)", g.create(epoll, true).name) }},
		{"memfd", 1, few, func(g *generator) { g.main(`%s = memfd_create("m", 0)`, g.create(memory, true).name) }},
		{"dup", 2, func(g *generator) bool { return few(g) && g.has() }, func(g *generator) {
			f := g.pick()
			g.main("%s = dup(%s)", g.alias(f.obj).name, f.name)
		}},
		{"dup2", 1, with(), dup2},
		// Linux says POLLNVAL to a poll whose descriptor another thread closes. On the
		// live lane such a number stays open, with another file behind it.
		{"close", 4, with(), func(g *generator) {
			f := g.pick()
			if f.polled {
				return
			}
			f.open = false
			g.main("close(%s)", f.name)
			g.under(f)
		}},
		{"odd close", 1, nil, func(g *generator) { g.main("close(%s)", g.one("-1", "60")) }},

		{"write", 14, with(writable...), write},
		{"send", 6, with(stream, dgram, udp, tcp), func(g *generator) {
			text, n := g.payload()
			g.main("send(%s, %s, %d, %s)", g.any(stream, dgram, udp, tcp), text, n, g.one("MSG_DONTWAIT", "MSG_DONTWAIT|MSG_NOSIGNAL"))
			g.under(nil)
		}},
		{"sendto", 4, with(udp), func(g *generator) {
			text, n := g.payload()
			to := `"127.0.0.1:6999"`
			if !g.flip(8) {
				to = g.address(g.pick(udp).obj)
			}
			g.main("sendto(%s, %s, %d, MSG_DONTWAIT, %s)", g.pick(udp).name, text, n, to)
			g.under(nil)
		}},
		{"read", 12, with(readable...), read},
		{"recv", 6, with(sockets...), func(g *generator) {
			g.main("recv(%s, buf, %d, %s)", g.any(stream, dgram, udp, tcp), g.int(1, 100, 0, bufSize), g.one("MSG_DONTWAIT", "MSG_DONTWAIT|MSG_PEEK"))
		}},
		{"recvfrom", 2, with(udp), func(g *generator) { g.main("recvfrom(%s, buf, 100, MSG_DONTWAIT)", g.pick(udp).name) }},
		{"eventfd write", 6, with(counter), func(g *generator) {
			g.main("eventfd_write(%s, %d)", g.pick(counter).name, g.int(1, 0, 5))
		}},
		{"eventfd read", 3, with(counter), func(g *generator) {
			f := g.pick(counter)
			g.guarded(f, "POLLIN", "eventfd_read(%s)", f.name)
		}},
		{"arm timer", 4, with(timer), func(g *generator) {
			g.main("timerfd_settime(%s, 0, 0, %s)", g.pick(timer).name, g.one("1*ms", "0"))
			g.main("nanosleep(3*ms)")
		}},
		{"fill", 1, with(pipeWrite, stream), fill},
		{"accept", 3, with(listener), func(g *generator) {
			l := g.pick(listener)
			f := g.create(tcp, true)
			g.main("%s = -1", f.name)
			g.guarded(l, "POLLIN", "%s = accept4(%s, SOCK_NONBLOCK)", f.name, l.name)
		}},
		{"shutdown", 3, with(sockets...), func(g *generator) {
			g.main("shutdown(%s, %s)", g.any(stream, dgram, udp, tcp), g.one("SHUT_WR", "SHUT_RD", "SHUT_RDWR"))
			g.under(nil)
		}},
		{"getsockopt", 2, with(sockets...), func(g *generator) { g.main("getsockopt(%s, SOL_SOCKET, SO_ERROR)", g.any(sockets...)) }},
		{"fcntl get", 1, with(), func(g *generator) { g.main("fcntl(%s, F_GETFL)", g.any()) }},
		{"fcntl set", 1, with(), func(g *generator) {
			f := g.pick()
			f.obj.nonblock = true
			g.main("fcntl(%s, F_SETFL, O_NONBLOCK)", f.name)
		}},

		{"epoll add", 30, with(epoll), func(g *generator) { g.control("ADD") }},
		{"epoll mod", 6, with(epoll), func(g *generator) { g.control("MOD") }},
		{"epoll del", 2, with(epoll), func(g *generator) { g.main("epoll_ctl(%s, EPOLL_CTL_DEL, %s, 0)", g.any(epoll), g.any(watched...)) }},
		{"epoll wait", 24, with(epoll), func(g *generator) {
			g.main("epoll_wait(%s, ev, %d, %d)", g.any(epoll), g.int(maxEvents, 1, 2, 0, -1), g.int(0, 1))
		}},
		{"poll", 6, with(), func(g *generator) { g.main("%s", g.poll("main", g.int(0, 1), watched)) }},
		{"select", 3, with(), func(g *generator) { g.selects(g.threads[0], g.one("0*ms", "1*ms"), watched) }},
		{"poll nothing", 1, nil, func(g *generator) { g.main("poll(NULL, %d, %d)", g.int(0, -1), g.int(0, 1)) }},
		{"spawn", 10, func(g *generator) bool { return len(g.those(nil)) > 2 && len(g.threads) < g.most() }, func(g *generator) { g.spawn() }},
	}
}

func ifSet(set bool, name string) string {
	if set {
		return name
	}
	return "0"
}

func plus(set bool, name string) string {
	if set {
		return "|" + name
	}
	return ""
}

func socketpair(g *generator) {
	nonblock := g.flip(2)
	k, name := stream, "SOCK_STREAM"
	if g.flip(3) {
		k, name = dgram, "SOCK_DGRAM"
	}
	a, b := g.create(k, nonblock), g.create(k, nonblock)
	a.obj.peer, b.obj.peer = b.obj, a.obj
	g.main("%s, %s = socketpair(AF_UNIX, %s%s, 0)", a.name, b.name, name, plus(nonblock, "SOCK_NONBLOCK"))
}

func (g *generator) udpSocket() *fd {
	nonblock := g.flip(2)
	f := g.create(udp, nonblock)
	g.main("%s = socket(AF_INET, SOCK_DGRAM%s, 0)", f.name, plus(nonblock, "SOCK_NONBLOCK"))
	g.main("bind(%s, %s)", f.name, g.port(f.obj))
	return f
}

// tcpSocket has a port of its own, so that its peer prints the same address on
// both lanes.
func (g *generator) tcpSocket(nonblock bool) *fd {
	return g.bound(tcp, nonblock)
}

// bound makes a TCP socket with a port. Without TCP_NODELAY, when data goes out
// would depend on the real time at which the peer's acknowledgement comes
// (Nagle's algorithm and delayed acknowledgements). Accepted sockets inherit it.
func (g *generator) bound(k kind, nonblock bool) *fd {
	f := g.create(k, nonblock)
	g.main("%s = socket(AF_INET, SOCK_STREAM%s, 0)", f.name, plus(nonblock, "SOCK_NONBLOCK"))
	g.main("setsockopt(%s, SOL_TCP, TCP_NODELAY, 1)", f.name)
	g.main("bind(%s, %s)", f.name, g.port(f.obj))
	return f
}

func tcpPair(g *generator) {
	l := g.bound(listener, false)
	g.main("listen(%s, 1)", l.name)
	c := g.tcpSocket(false)
	g.main("connect(%s, %s)", c.name, g.address(l.obj))
	s := g.create(tcp, g.flip(2))
	g.main("%s = accept4(%s, %s)", s.name, l.name, ifSet(s.obj.nonblock, "SOCK_NONBLOCK"))
	g.main("close(%s)", l.name)
	l.open = false
	c.obj.peer, s.obj.peer = s.obj, c.obj
}

func dup2(g *generator) {
	from, to := g.pick(), g.pick()
	if to.polled || g.flip(8) {
		g.main("dup2(%s, -1)", from.name)
		return
	}
	g.main("dup2(%s, %s)", from.name, to.name)
	g.under(to)
	to.obj = from.obj
}

// guarded makes a call that could sleep only if it will not.
func (g *generator) guarded(f *fd, events, format string, args ...any) {
	call := fmt.Sprintf(format, args...)
	if f.obj.nonblock {
		g.main("%s", call)
		return
	}
	p := fmt.Sprintf("p%d", len(g.threads[0].lines))
	g.main("%s := []pollfd{{%s, %s}}", p, f.name, events)
	g.main("if poll(%s, 1, 0) > 0 { %s }", p, call)
}

func write(g *generator) {
	if g.flip(12) {
		g.main(`write(%s, "odd")`, g.one("-1", "60"))
		return
	}
	f := g.pick(writable...)
	text, n := g.payload()
	g.guarded(f, "POLLOUT", "write(%s, %s, %d)", f.name, text, n)
	g.under(f)
}

func read(g *generator) {
	if g.flip(12) {
		g.main("read(%s, buf, 10)", g.one("-1", "60"))
		return
	}
	f := g.pick(readable...)
	n := g.int(1, 100, bufSize, 8, 0)
	g.guarded(f, "POLLIN", "read(%s, buf, %d)", f.name, n)
	g.under(f)
}

// fill writes until there is no room, while no other thread can make some.
func fill(g *generator) {
	f := g.pick(pipeWrite, stream)
	if f.obj.peer == nil || f.obj.peer.used || f.obj.used {
		return
	}
	f.obj.nonblock = true
	g.main("fcntl(%s, F_SETFL, O_NONBLOCK)", f.name)
	g.main("for write(%s, buf, 4096) > 0 { }", f.name)
}

func (g *generator) control(op string) {
	e, f := g.any(epoll), g.any(watched...)
	for _, x := range g.fds {
		if x.obj.kind == epoll && x.name == f { // nobody else waits for these: see spawn
			x.obj.nested = true
			for _, y := range g.fds {
				if y.name == e {
					y.obj.nested = true
				}
			}
		}
	}
	events := g.some("EPOLLIN", "EPOLLOUT", "EPOLLET", "EPOLLRDHUP", "EPOLLONESHOT", "EPOLLEXCLUSIVE")
	g.main("epoll_ctl(%s, EPOLL_CTL_%s, %s, %s)", e, op, f, events)
}

// poll gives a poll of one to three descriptors, with the array that it needs.
func (g *generator) poll(who string, timeout int, kinds []kind) string {
	var fds []string
	for range 1 + g.upTo(3) {
		fds = append(fds, fmt.Sprintf("{%s, %s}", g.any(kinds...), g.some("POLLIN", "POLLOUT", "POLLRDHUP", "POLLPRI")))
	}
	g.texts++
	p := fmt.Sprintf("p%s%d", who, g.texts)
	return fmt.Sprintf("%s := []pollfd{%s}; poll(%s, %d, %d)", p, strings.Join(fds, ", "), p, len(fds), timeout)
}

// selects adds a select of one or two sets.
func (g *generator) selects(t *thread, timeout string, kinds []kind) {
	g.texts++
	args := []string{"NULL", "NULL", "NULL"}
	for i := range 3 {
		if i > 0 && !g.flip(3) {
			continue
		}
		fd := g.any(kinds...)
		if fd == "-1" {
			fd = "60"
		}
		args[i] = fmt.Sprintf("s%d_%d", g.texts, i)
		t.lines = append(t.lines, fmt.Sprintf("%s := fd_set(%s)", args[i], fd))
	}
	t.lines = append(t.lines, fmt.Sprintf("select(%d, %s, %s)", g.int(64, 61, 0, -1), strings.Join(args, ", "), timeout))
}
