package differential

import (
	"fmt"
	"slices"
	"strings"
)

// most is how many threads a scenario has, with main.
func (g *generator) most() int {
	if g.crowd == alone {
		return 2
	}
	return 4
}

// spawn starts another thread.
func (g *generator) spawn() {
	t := &thread{name: fmt.Sprintf("t%d", len(g.threads))}
	g.threads = append(g.threads, t)
	switch g.crowd {
	case alone:
		for range 1 + g.upTo(4) {
			if g.flip(2) {
				g.take(t, readable)
			} else {
				g.look(t, watched, false)
			}
		}
	case lookers:
		g.look(t, []kind{pipeRead, pipeWrite, stream, dgram, counter, timer, udp, tcp, listener}, true)
	case takers:
		g.take(t, nil)
	}
	g.main("spawn(%s)", t.name)
}

// look adds a call that waits for readiness. An epoll instance that is inside
// another one, or has one inside, would tell two threads of the same event: the
// first takes it, or not, before the second looks.
func (g *generator) look(t *thread, kinds []kind, plain bool) {
	for _, f := range g.those(nil) {
		f.obj.used = f.obj.used || g.crowd == alone
	}
	var eps []*fd
	for _, f := range g.those([]kind{epoll}) {
		if !plain || !f.obj.nested {
			eps = append(eps, f)
		}
	}
	begin := len(t.lines)
	what := g.upTo(6)
	switch {
	case what <= 3 && len(eps) > 0:
		f := choose(g, eps)
		t.lines = append(t.lines, fmt.Sprintf("epoll_wait(%s, ev, %d, -1)", f.name, g.int(maxEvents, 1)))
	case what <= 4:
		t.lines = append(t.lines, g.poll(t.name, -1, kinds))
	default:
		g.selects(t, "NULL", kinds)
	}
	text := strings.Join(t.lines[begin:], "\n")
	for _, f := range g.fds {
		f.polled = f.polled || strings.Contains(text, "{"+f.name+",") || strings.Contains(text, "("+f.name+")")
	}
}

// alike are the kinds of which Linux wakes one waiting thread at a time, the
// first first: they wait in exclusive mode (fs/pipe.c, net/core/datagram.c:
// __skb_wait_for_more_packets, inet_csk_wait_for_connect).
var alike = map[kind]bool{pipeRead: true, dgram: true, udp: true, listener: true}

// take adds a call that waits to take something, or for room.
func (g *generator) take(t *thread, kinds []kind) {
	var fit []*fd
	for _, f := range g.those(kinds) {
		k := f.obj.kind
		if (k == listener || slices.Contains(readable, k) || k == pipeWrite) && (kinds != nil || alike[k] || !f.obj.used) {
			fit = append(fit, f)
		}
	}
	if len(fit) == 0 {
		t.lines = append(t.lines, "read(60, buf, 1)")
		return
	}
	f := choose(g, fit)
	f.obj.used = true
	if f.obj.peer != nil {
		f.obj.peer.used = true
	}
	n := g.int(1, 8, 100)
	switch k := f.obj.kind; {
	case k == listener:
		t.lines = append(t.lines, fmt.Sprintf("accept(%s)", f.name))
	case k == pipeWrite:
		t.lines = append(t.lines, fmt.Sprintf("write(%s, buf, 4096)", f.name))
	case k == counter:
		t.lines = append(t.lines, fmt.Sprintf("eventfd_read(%s)", f.name))
	case k.isSocket() && g.flip(2):
		t.lines = append(t.lines, fmt.Sprintf("recv(%s, buf, %d, 0)", f.name, n))
	default:
		t.lines = append(t.lines, fmt.Sprintf("read(%s, buf, %d)", f.name, n))
	}
}
