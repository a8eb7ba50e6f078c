package lanes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel/live"
)

const realTrace = `
 server-11 [000] ..... 1.000001: sys_enter: NR 41 (2, 1, 0, 0, 0, 0)
 server-11 [000] ..... 1.000002: sys_exit: NR 41 = 3
 server-11 [000] ..... 1.000003: sys_enter: NR 281 (4, 0, 8, ffffffffffffffff, 0, 8)
 server-11 [000] d..2. 1.000004: sched_switch: prev_comm=server prev_pid=11 prev_prio=120 prev_state=S+ ==> next_comm=worker next_pid=12 next_prio=120
 worker-12 [000] ..... 1.000005: sys_enter: NR 39 (0, 0, 0, 0, 0, 0)
 worker-12 [000] ..... 1.000006: consume_skb: skbaddr=0
 sender-90 [000] d.h.. 1.000007: local_timer_entry: vector=236
 sender-90 [000] D..1. 1.000008: softirq_raise: vec=3 [action=NET_RX]
 sender-90 [000] D..1. 1.000008: softirq_raise: vec=9 [action=RCU]
 sender-90 [000] ..s1. 1.000009: netif_receive_skb: dev=lo skbaddr=1 len=33
 sender-90 [000] dNs6. 1.000010: sched_waking: comm=server pid=11 prio=120 target_cpu=000
 sender-90 [000] dNs6. 1.000010: sched_waking: comm=other pid=99 prio=120 target_cpu=000
 sender-90 [000] ..... 1.000011: sock_send_length: sk address = 0, length = 5
 sender-90 [000] d..2. 1.000012: sched_switch: prev_comm=sender prev_pid=90 prev_prio=120 prev_state=R ==> next_comm=server next_pid=11 next_prio=120
 server-11 [000] ..... 1.000013: signal_generate: sig=23 errno=0 code=-6 comm=server pid=11 grp=0 res=0
 server-11 [000] ..... 1.000014: sys_exit: NR 281 = 1
 server-11 [000] ..... 1.000015: sys_enter: NR 202 (0, 0, 0, 0, 0, 0)
`

// Of everything that happened meanwhile, only what belongs to the call is kept:
// not the calls that the lane makes around it, nor other threads' work, timers and
// wakeups.
func TestThePointsOfARealCall(t *testing.T) {
	trace, _ := live.ParseTrace(realTrace)
	var got []string
	for _, p := range RealPoints(trace, []int{11, 12}, 0, "epoll_wait(4, [], 8, -1) = 1") {
		line := p.String()
		if !p.compared() {
			line = "(" + line + ")"
		}
		got = append(got, line)
	}
	want := []string{
		"sys_enter epoll_wait", "sched_switch out S", "(softirq_raise NET_RX)", "netif_receive_skb", "sched_waking",
		"(sock_send_length)", "sched_switch in", "sys_exit epoll_wait",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

// pointsOf reads names apart by blanks.
func pointsOf(names string) (out []Point) {
	for _, n := range strings.Fields(names) {
		out = append(out, Point{Event: n, Own: true})
	}
	return out
}

func TestPointsAreHeldAgainstEachOther(t *testing.T) {
	for _, c := range []struct {
		name, model, real string
		signs             string
		differs           int
	}{
		{"nothing", "", "", "", -1},
		{"the same", "sys_enter sys_exit", "sys_enter sys_exit", "==", -1},
		{"ways into the stack are not compared", "sys_enter irq_handler_entry napi_poll sys_exit", "sys_enter netif_rx sys_exit", "=..=", -1},
		{"timers neither", "sys_enter sys_exit", "local_timer_entry sys_enter sys_exit hrtimer_start", ".==.", -1},
		{"one is missing", "sys_enter sched_waking sys_exit", "sys_enter sys_exit", "=!=", 1},
		{"another order", "sk_data_ready sched_waking", "sched_waking sk_data_ready", "!=!", 0},
		{"a known one is not the first difference", "consume_skb sched_waking sys_exit", "sys_exit", "~!=", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, differs := ComparePoints(pointsOf(c.model), pointsOf(c.real))
			signs := ""
			for _, r := range rows {
				signs += string(r.Sign)
			}
			if signs != c.signs || differs != c.differs {
				t.Errorf("%q from %d: %v", signs, differs, rows)
			}
		})
	}
}
