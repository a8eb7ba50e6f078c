// Package differential makes random scenarios for both lanes: several threads
// that wait for, write to, close and watch sockets, pipes, eventfds, timers and
// epoll instances. What the modelled kernel and the real one answer must be the
// same, call by call.
//
// A generated scenario is determined: on one kernel it always goes the same way.
// Main makes one step after another, and after each of them all other threads
// have come to rest (settle). What one step wakes must not compete: either there
// is one other thread, which may go on as it likes, or there are several that
// make a single call each, all of them looking or all of them taking, and takers
// share an object only where Linux wakes one at a time, the first first.
package differential

import (
	"fmt"
	"math/bits"
	"strings"

	"pgregory.net/rapid"
)

// Scenario is a generated scenario.
type Scenario struct {
	shared  []string
	threads []*thread
}

type thread struct {
	name  string
	lines []string
}

// Threads are the names of the threads, main first.
func (s *Scenario) Threads() []string {
	var out []string
	for _, t := range s.threads {
		out = append(out, t.name)
	}
	return out
}

// stop is before TCP tries a second time what the other end has had no room for:
// the real lane does not wait for that.
const stop = "900ms"

// YAML is the scenario's file.
func (s *Scenario) YAML(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ringside: 1\ntitle: %s\nstop: %s\nmachine: {cpus: 2}\n", title, stop)
	if len(s.shared) > 0 {
		fmt.Fprintf(&b, "shared: [%s]\n", strings.Join(s.shared, ", "))
	}
	b.WriteString("threads:\n")
	for i, t := range s.threads {
		fmt.Fprintf(&b, "  - name: %s\n", t.name)
		if i > 0 {
			b.WriteString("    start: spawned\n")
		}
		b.WriteString("    program: |\n")
		for _, l := range append(t.needs(), t.lines...) {
			fmt.Fprintf(&b, "      %s\n", l)
		}
	}
	return b.String()
}

// needs declares the arrays that a program uses.
func (t *thread) needs() (out []string) {
	text := strings.Join(t.lines, "\n")
	if strings.Contains(text, "buf") {
		out = append(out, fmt.Sprintf("var buf [%d]byte", bufSize))
	}
	if strings.Contains(text, "ev,") {
		out = append(out, fmt.Sprintf("var ev [%d]epoll_event", maxEvents))
	}
	if len(out)+len(t.lines) == 0 {
		out = append(out, "getpid()")
	}
	return out
}

const (
	bufSize   = 8192
	maxEvents = 4
	minSteps  = 16
	maxSteps  = 40
)

// Generate draws a scenario. A step may be nothing: so the smallest one that
// shows a difference can be found.
func Generate(t *rapid.T) *Scenario {
	g := &generator{T: t, Scenario: &Scenario{threads: []*thread{{name: "main"}}}}
	g.crowd = crowd(g.upTo(int(takers) + 1))
	g.main("sigaction(SIGPIPE, 0)")
	step := rapid.Custom(func(t *rapid.T) string {
		g.T = t
		return g.step()
	})
	rapid.SliceOfN(step, minSteps, maxSteps).Draw(t, "steps")
	return g.Scenario
}

// crowd tells how the other threads get along.
type crowd int

const (
	alone   crowd = iota // one other thread, whose program may be longer
	lookers              // several, which wait for readiness: epoll_wait, poll, select
	takers               // several, which wait to take something: read, recv, accept
)

// generator holds what is known of the run so far. What it believes need not be
// true: a call may have failed. It only makes most calls meaningful.
type generator struct {
	*rapid.T
	*Scenario
	crowd crowd
	fds   []*fd
	ports int
	texts int
}

// object is an open file.
type object struct {
	kind     kind
	nonblock bool
	port     int // that it is bound to, or 0
	nested   bool
	used     bool // a thread other than main may be waiting to take from it
	peer     *object
}

// fd is a descriptor: a shared variable.
type fd struct {
	name   string
	obj    *object
	open   bool
	polled bool // a thread other than main looks at it in poll or select
}

type kind int

const (
	pipeRead kind = iota
	pipeWrite
	stream // of a Unix socket pair
	dgram
	counter // eventfd
	timer
	udp
	tcp
	listener
	epoll
	memory // memfd
)

func (k kind) isSocket() bool {
	return k == stream || k == dgram || k == udp || k == tcp || k == listener
}

// step makes one step of main, and names it.
func (g *generator) step() string {
	var possible []*action
	for i := range actions {
		if a := &actions[i]; a.can == nil || a.can(g) {
			for range a.weight {
				possible = append(possible, a)
			}
		}
	}
	a := choose(g, possible)
	if a.do != nil {
		a.do(g)
		if len(g.threads) > 1 {
			g.main("settle()")
		}
	}
	return a.name
}

func (g *generator) main(format string, args ...any) {
	g.threads[0].lines = append(g.threads[0].lines, fmt.Sprintf(format, args...))
}

// create gives a new shared variable for a descriptor.
func (g *generator) create(k kind, nonblock bool) *fd {
	return g.alias(&object{kind: k, nonblock: nonblock})
}

func (g *generator) alias(o *object) *fd {
	f := &fd{name: fmt.Sprintf("fd%d", len(g.fds)), obj: o, open: true}
	g.fds = append(g.fds, f)
	g.shared = append(g.shared, f.name)
	return f
}

// has tells whether there is an open descriptor of one of some kinds.
func (g *generator) has(kinds ...kind) bool { return len(g.those(kinds)) > 0 }

func (g *generator) those(kinds []kind) (out []*fd) {
	for _, f := range g.fds {
		if !f.open {
			continue
		}
		for _, k := range kinds {
			if f.obj.kind == k {
				out = append(out, f)
			}
		}
		if len(kinds) == 0 {
			out = append(out, f)
		}
	}
	return out
}

// pick draws an open descriptor of one of some kinds.
func (g *generator) pick(kinds ...kind) *fd {
	return choose(g, g.those(kinds))
}

// any draws a descriptor as an expression: usually one that fits, at times
// another one, a closed one, or a number that is none.
func (g *generator) any(kinds ...kind) string {
	fit := g.those(kinds)
	odd := g.upTo(12)
	switch {
	case odd == 11:
		return g.one("-1", "60")
	case (odd == 10 || len(fit) == 0) && len(g.fds) > 0:
		return choose(g, g.fds).name
	case len(fit) == 0:
		return "60"
	}
	return choose(g, fit).name
}

// upTo draws a number below n. rapid's own integers are small most of the time;
// here every action has its chance.
func (g *generator) upTo(n int) int {
	k := bits.Len(uint(n)) + 5
	u := 0
	for range k {
		u <<= 1
		if rapid.Bool().Draw(g.T, "bit") {
			u++
		}
	}
	return u * n >> k
}

func choose[T any](g *generator, from []T) T { return from[g.upTo(len(from))] }

// flip is true one time in n.
func (g *generator) flip(n int) bool { return g.upTo(n) == n-1 }

func (g *generator) one(of ...string) string { return choose(g, of) }

func (g *generator) int(of ...int) int { return choose(g, of) }

// some joins a subset of names, "0" for none; the first is there most often.
func (g *generator) some(names ...string) string {
	var out []string
	for i, n := range names {
		if i == 0 && !g.flip(4) || i > 0 && g.flip(4) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return "0"
	}
	return strings.Join(out, "|")
}

// port gives an address of this machine that nobody has yet.
func (g *generator) port(o *object) string {
	g.ports++
	o.port = 7000 + g.ports
	return g.address(o)
}

func (g *generator) address(o *object) string { return fmt.Sprintf(`"127.0.0.1:%d"`, o.port) }

// payload is a text to send, another one each time, or room for one.
func (g *generator) payload() (text string, n int) {
	if g.flip(6) {
		return "buf", g.int(0, 1, 100, 4096)
	}
	g.texts++
	s := fmt.Sprintf("m%d", g.texts)
	return fmt.Sprintf("%q", s), len(s)
}

// under waits until what was sent through a descriptor has arrived: the softirq
// may be left to ksoftirqd. nil is one that is not known.
func (g *generator) under(f *fd) {
	if f == nil || f.obj.kind == tcp || f.obj.kind == udp || f.obj.kind == listener {
		g.main("nanosleep(1*ms)")
	}
}
