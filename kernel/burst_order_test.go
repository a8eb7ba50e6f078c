package kernel

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/sim"
)

// Bursts of packets from a card are chance: how many a poll finds depends on the
// machine's speed. What is not chance are the rules of interrupt, softirq and
// NAPI. They are written down here and held against traces of the real kernel
// (testdata/ev-burst*.txt) and against the model.

// burst follows a trace on one core.
type burst struct {
	seen map[string]bool // what has happened at least once

	softirq bool // between softirq_entry and softirq_exit
	work    int  // packets of all polls of this softirq
	found   int  // packets of this poll
	held    int  // of them, by GRO
	batch   int  // of them, left of the list that goes up
	over    bool // this poll has handed its last list up: its interrupt is on again

	handler   bool // in the interrupt's handler
	sched     bool // NAPI is scheduled
	missed    bool // and an interrupt came meanwhile
	raised    bool // NET_RX has been raised again in this softirq
	ksoftirqd bool // is runnable
	after     bool // the event before was softirq_exit, with NET_RX raised
	hurry     bool // and need_resched was set
}

var napiWork = regexp.MustCompile(`work (\d+) budget`)

// breaks gives the rule that an event breaks, or "".
func (b *burst) breaks(event, flags, text string) string {
	switch must := b.after && !b.ksoftirqd; {
	case must && b.hurry && event != "sched_waking":
		return "with need_resched set, softirqs that are left are ksoftirqd's"
	case must && event != "sched_waking" && event != "softirq_entry":
		return "softirqs that are left run again, or ksoftirqd is woken"
	}
	b.after = false
	toKsoftirqd := strings.Contains(text, "comm=ksoftirqd/0")
	switch event {
	case "irq_handler_entry":
		b.handler, b.over = true, b.over || b.softirq
		if b.batch > 0 || b.softirq && b.held > 0 {
			return "while NAPI polls, the card's interrupt is off"
		}
		if b.softirq {
			b.seen["the interrupt is on again before the poll has ended"] = true
			b.sched = false
		}
		b.missed = b.sched
	case "irq_handler_exit":
		b.handler = false
		if b.missed {
			b.seen["an interrupt finds NAPI scheduled"] = true
		} else if !b.sched {
			return "the handler schedules NAPI"
		}
	case "softirq_raise":
		switch {
		case b.handler && b.missed:
			return "an interrupt that finds NAPI scheduled raises nothing"
		case b.softirq && !b.handler && b.missed:
			b.seen["a missed interrupt is polled for"], b.missed = true, false
		case b.softirq && !b.handler:
			b.seen["net_rx_action raises NET_RX for what is left"] = true
		}
		b.sched, b.raised = true, true
	case "softirq_entry":
		b.softirq, b.raised, b.work, b.found, b.over = true, false, 0, 0, false
		if toKsoftirqd = strings.HasPrefix(text, "ksoftirqd"); toKsoftirqd {
			b.seen["softirqs run in ksoftirqd"] = true
		}
	case "napi_gro_receive_entry":
		b.found++
		if b.held++; !b.softirq || b.over || b.batch > 0 || b.held > groNormalBatch {
			return "packets are taken by a poll, and go up in lists of at most eight"
		}
	case "netif_receive_skb":
		if b.batch == 0 {
			b.batch, b.over = b.held, b.held < groNormalBatch
		}
		b.held--
		if b.batch--; b.batch < 0 {
			return "what goes up was taken before"
		}
	case "napi_poll":
		work, _ := strconv.Atoi(napiWork.FindStringSubmatch(text)[1])
		if work != b.found || work > 64 || b.held != 0 {
			return fmt.Sprintf("a poll tells its work, %d, and has handed all of it up", b.found)
		}
		if work < 64 {
			b.sched = b.raised
		} else {
			b.seen["a poll uses its weight up"] = true
		}
		b.work += work
		b.found, b.over = 0, false
	case "softirq_exit":
		if b.softirq = false; b.work >= 300+64 {
			return "a softirq takes no more than its budget"
		}
		if b.sched && !b.raised {
			return "NAPI that is scheduled has its softirq raised"
		}
		b.after, b.hurry = b.raised, flags[1] == 'N'
	case "sched_waking":
		if toKsoftirqd {
			b.seen["ksoftirqd takes over"], b.ksoftirqd = true, true
		}
	case "sched_switch":
		if strings.Contains(text, "prev_comm=ksoftirqd/0") && strings.Contains(text, "prev_state=S") {
			b.ksoftirqd = false
		}
	}
	return ""
}

// follow holds a whole trace against the rules.
func (b *burst) follow(t *testing.T, lines []string) {
	t.Helper()
	for i, l := range lines {
		m := traceLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		text := m[4]
		event := traceEvent(text)
		if event == "softirq_entry" {
			text = m[1]
		}
		if rule := b.breaks(event, m[3], text); rule != "" {
			t.Fatalf("line %d breaks the rule %q:\n%s", i+1, rule, strings.Join(lines[max(0, i-3):i+1], "\n"))
		}
	}
}

const burstServer = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
var events [8]epoll_event
var buf [64]byte
ep := epoll_create1(0)
epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
for epoll_wait(ep, events, 8, -1) > 0 {
	for recv(s, buf, 64, MSG_DONTWAIT) > 0 {
	}
}`

// TestBurstsFollowTheRulesOfNAPI: on the real kernel and on machines of several
// speeds.
func TestBurstsFollowTheRulesOfNAPI(t *testing.T) {
	real := burst{seen: map[string]bool{}}
	for _, file := range []string{"testdata/ev-burst64.txt", "testdata/ev-burst300.txt"} {
		seen := real.seen
		real = burst{seen: seen}
		real.follow(t, readLines(t, file))
	}
	model := burst{seen: map[string]bool{}}
	for _, costs := range []map[string]sim.Time{{}, {"ip_rcv": 200}, {"ip_rcv": 2000}, {"ip_rcv": 20000}, {"call": 200}, {"call": 1000}} {
		p := packet(100*sim.Microsecond, 7000, "hello")
		p.Count = 600
		cfg := config(1, []ThreadConfig{thread(t, "rx", burstServer, 0, 0)}, p)
		cfg.Costs = costs
		model = burst{seen: model.seen}
		model.follow(t, ftraceLines(t, cfg))
	}
	// The emulated card sends a message that it has held back although its mask
	// was set again meanwhile; the modelled one does not.
	delete(real.seen, "an interrupt finds NAPI scheduled")
	delete(real.seen, "a missed interrupt is polled for")
	if d := cmp.Diff(slices.Sorted(maps.Keys(real.seen)), slices.Sorted(maps.Keys(model.seen))); d != "" {
		t.Errorf("what has happened: real kernel -, model +:\n%s", d)
	}
}
