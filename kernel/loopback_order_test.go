package kernel

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"ringside/kernel/program"
	"ringside/sim"
)

// The order of events on loopback is held against traces of Linux 6.18
// (testdata/lo; the header of each file says the case and the cores).

// notCompared are events that only one side has, and why.
var notCompared = map[string]string{
	"tracing_mark_write":      "the traced program's own marks",
	"csd_queue_cpu":           "the queue of calls to other cores is not modelled, its interrupt is",
	"csd_function_entry":      "the queue of calls to other cores is not modelled, its interrupt is",
	"consume_skb":             "6.18 hands a read packet back to the core that made it, which frees it later; the model frees it at once, as 6.1 does",
	"tcp_probe":               "a statistics hook",
	"tcp_rcv_space_adjust":    "receive buffers do not grow in the model",
	"skb_copy_datagram_iovec": "copying is part of the receiving function",
	"ipi_send_cpu (call)":     "the tick's kick of an idle core to balance the load is not modelled",
	"sys_exit":                "was not switched on in the traces",
	"sched_process_exit":      "was not switched on in the traces",
	"sys_close":               "was not switched on in the traces",
	"sys_close ->":            "was not switched on in the traces",
	"sys_write":               "was not switched on in the traces",
	"sys_write ->":            "was not switched on in the traces",
}

// timers are the events of timer interrupts: where a tick falls is chance, and
// of the idle task's they were taken out of the traces.
var timers = []string{"local_timer_entry", "local_timer_exit", "hrtimer_expire_entry", "hrtimer_expire_exit"}

// sameCall are calls that the traced machine's C library makes in place of those
// that the model makes.
var sameCall = strings.NewReplacer("sys_pselect6", "sys_select", "sys_clock_nanosleep", "sys_nanosleep")

// loEvent is an event of a trace. Who is woken, or runs next, belongs to its
// name.
type loEvent struct{ Event, Core, Flags string }

var (
	wokenComm  = regexp.MustCompile(`comm=(\S+)`)
	switchComm = regexp.MustCompile(`prev_comm=(\S+) .*prev_state=(\S+) ==> next_comm=(\S+)`)
)

// passerby is a thread of the real kernel's that ran between two of the case's.
const passerby = "rcu_preempt"

// loEvents reads a trace, without what is not compared.
func loEvents(lines, skip []string) (out []loEvent) {
	for _, l := range lines {
		m := traceLine.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		name := sameCall.Replace(traceEvent(m[4]))
		if name == "ipi_send_cpu" && strings.Contains(m[4], "callsite=generic_exec_single") {
			name += " (call)"
		}
		if notCompared[name] != "" || slices.Contains(skip, name) {
			continue
		}
		switch name {
		case "sched_waking", "sched_wakeup", "signal_generate":
			name += " " + wokenComm.FindStringSubmatch(m[4])[1]
		case "sched_switch":
			s := switchComm.FindStringSubmatch(m[4])
			if s[1] == passerby {
				i := slices.IndexFunc(out, func(e loEvent) bool { return strings.HasSuffix(e.Event, "=> "+passerby) })
				out[i].Event = strings.Replace(out[i].Event, passerby, s[3], 1)
				continue
			}
			name += " " + s[1] + " " + s[2] + " => " + s[3]
		}
		out = append(out, loEvent{name, m[2], m[3]})
	}
	return out
}

// loCase is a traced case: the programs, and the part of the trace that is
// compared: it begins with one event and ends, on each core, with another. The
// programs go through the case a few times, as the traced ones did; the last
// time counts.
type loCase struct {
	file     string
	shared   []string
	rx, tx   string
	others   []loThread
	txCPU    int
	from     string
	sent     string     // the sender's last event, on its own core
	until    string     // the receiver's
	follow   string     // the receiver whose wakeup is followed from core to core
	timeouts bool       // the trace has hrtimer_start
	order    []loThread // the others in the file of call stacks, if they began in another order
}

// loThread is a thread of a case.
type loThread struct {
	name, src string
	cpu       int
}

// part cuts a trace: what each core did, in its own order.
func (c *loCase) part(events []loEvent) (cores [2][]loEvent) {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Event != c.from {
			continue
		}
		last, done := [2]string{c.until, c.sent}, [2]bool{c.until == "", c.sent == ""}
		var cores [2][]loEvent
		for _, e := range events[i:] {
			core := int(e.Core[2] - '0')
			if !done[core] {
				cores[core] = append(cores[core], e)
				done[core] = e.Event == last[core]
			}
		}
		if done[0] && done[1] {
			return cores
		}
	}
	return cores
}

// causes keeps the events of which one is the cause of the next, on whatever
// core: the wakeup's way from the sender to the receiver's return.
func (c *loCase) causes(events []loEvent) (out []loEvent) {
	rx, until := cmp.Or(c.follow, "rx"), cmp.Or(c.until, c.sent)
	chain := []string{c.from, "sched_waking " + rx, "ipi_send_cpu", "call_function_single_entry", "sched_wakeup " + rx, until}
	for i := len(events) - 1; i >= 0 && (out == nil || events[i+1].Event != c.from); i-- {
		if e := events[i]; e.Event == until || out != nil && (slices.Contains(chain, e.Event) || strings.HasSuffix(e.Event, "=> "+rx)) {
			out = append([]loEvent{e}, out...)
		}
	}
	return out
}

// again is the loop around a case, and the descriptor that it works on.
func again(setup, body string) string {
	return setup + "\nvar buf [64]byte\nvar events [8]epoll_event\nfor i := 0; i < 4; i++ {\n" + body + "\n}"
}

// epoll makes an instance that watches a descriptor, waits and cleans up.
func epoll(fd, timeout, then string) string {
	return "ep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, " + fd + ", EPOLLIN)\nepoll_wait(ep, events, 8, " + timeout + ")\n" + then + "\nclose(ep)"
}

const (
	rxUDP   = "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \"127.0.0.1:9999\")"
	txUDP   = "s := socket(AF_INET, SOCK_DGRAM, 0)\nconnect(s, \"127.0.0.1:9999\")"
	listens = "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \"127.0.0.1:9999\")\nlisten(l, 16)"
	txTCP   = "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"127.0.0.1:9999\")"
	accepts = `ep := epoll_create1(0)
epoll_ctl(ep, EPOLL_CTL_ADD, l, EPOLLIN)
epoll_wait(ep, events, 8, -1)
c := accept4(l, SOCK_NONBLOCK)
epoll_ctl(ep, EPOLL_CTL_ADD, c, EPOLLIN)
epoll_wait(ep, events, 8, -1)
recv(c, buf, 64, 0)
nanosleep(5*ms)
close(c)
close(ep)`
	connects = "nanosleep(30*ms)\n" + txTCP + "\nnanosleep(10*ms)\nsend(s, \"12345678901234567890123456789012\", 32, 0)\nnanosleep(30*ms)\nclose(s)"
	// nineMore are sockets that nothing is sent to.
	nineMore = "var p [10]pollfd\nfor i := 0; i < 9; i++ {\np[i].fd = socket(AF_INET, SOCK_DGRAM, 0)\np[i].events = POLLIN\n}\np[9].events = POLLIN\n"
	recv     = "recv(s, buf, 64, 0)"
	send     = "nanosleep(30*ms)\nsend(s, \"12345678901234567890123456789012\", 32, 0)"
)

var loCases = []loCase{
	{file: "epoll-lt.lo-udp.rx0tx1", rx: again(rxUDP, epoll("s", "-1", recv)), tx: again(txUDP, send), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_epoll_wait ->"},
	{file: "epoll-lt.lo-udp.rx0tx0", rx: again(rxUDP, epoll("s", "-1", recv)), tx: again(txUDP, send),
		from: "sys_sendto", until: "sys_epoll_wait ->"},
	{file: "block.lo-udp.rx0tx1", rx: again(rxUDP, recv), tx: again(txUDP, send), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_recvfrom ->"},
	{file: "nonblock.lo-udp.rx0tx1", rx: again(rxUDP, "recv(s, buf, 64, MSG_DONTWAIT)"), from: "sys_recvfrom", until: "sys_recvfrom ->"},
	{file: "timeout.lo-udp.rx0tx1", rx: again(rxUDP, epoll("s", "10", "")), from: "sys_epoll_wait", until: "sys_epoll_wait ->", timeouts: true},
	{file: "signal.lo-udp.rx0tx1", rx: again("sigaction(SIGUSR1, 0)\n"+rxUDP, epoll("s", "-1", "")), tx: again("", "nanosleep(30*ms)\ntgkill(rx, SIGUSR1)"), txCPU: 1,
		from: "sys_tgkill", sent: "sys_tgkill ->", until: "sys_rt_sigreturn"},
	{file: "poll1.lo-udp.rx0tx1", rx: again(rxUDP, "poll([]pollfd{{s, POLLIN}}, 1, -1)\n"+recv), tx: again(txUDP, send), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_poll ->"},
	{file: "poll10.lo-udp.rx0tx1", rx: again(nineMore+rxUDP, "p[9].fd = s\npoll(p, 10, -1)\n"+recv), tx: again(txUDP, send), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_poll ->"},
	{file: "select.lo-udp.rx0tx1", rx: again(rxUDP, "r := fd_set(s)\nselect(s+1, r, NULL, NULL, NULL)\n"+recv), tx: again(txUDP, send), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_select ->"},
	{file: "pipe.lo-udp.rx0tx1", shared: []string{"rd", "wr"}, rx: again("rd, wr = pipe2(0)", epoll("rd", "-1", "read(rd, buf, 8)")),
		tx: again("", "nanosleep(30*ms)\nwrite(wr, \"12345678\", 8)"), txCPU: 1,
		from: "sched_waking rx", sent: "ipi_send_cpu", until: "sys_epoll_wait ->"},
	{file: "eventfd.lo-udp.rx0tx1", shared: []string{"ev"}, rx: again("ev = eventfd(0, 0)", epoll("ev", "-1", "eventfd_read(ev)")),
		tx: again("", "nanosleep(30*ms)\neventfd_write(ev, 1)"), txCPU: 1,
		from: "sched_waking rx", sent: "ipi_send_cpu", until: "sys_epoll_wait ->"},
	{file: "epoll-lt.lo-tcp.rx0tx1", rx: again(listens+"\ns := accept(l)", epoll("s", "-1", recv)), tx: again(txTCP, send), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_recvfrom ->"},
	{file: "accept.lo-tcp.rx0tx1", rx: again(listens, accepts), tx: again("", connects), txCPU: 1,
		from: "sys_connect", sent: "sys_connect ->", until: "sys_epoll_wait ->"},
	{file: "accept.lo-tcp.rx0tx1", rx: again(listens, accepts), tx: again("", connects), txCPU: 1,
		from: "sys_sendto", sent: "sys_sendto ->", until: "sys_recvfrom ->"},
	{file: "preempt.lo-udp.rx0tx0", rx: again(rxUDP, epoll("s", "-1", recv)), tx: again(txUDP, send), others: []loThread{{"hog", worker, 0}},
		from: "sys_sendto", until: "sched_switch tx R => rx"},
	{file: "herd-own.lo-tcp.rx0tx1", shared: []string{"l"}, others: herd("EPOLLIN", 0, 1, 3, 2), tx: herdTx, txCPU: 1,
		from: "sys_connect", sent: "sched_switch rx3 S => swapper/1", until: "sched_switch rx0 S => swapper/0", follow: "rx2"},
	{file: "herd-excl.lo-tcp.rx0tx1", shared: []string{"l"}, others: herd("EPOLLIN|EPOLLEXCLUSIVE", 1, 0, 2, 3), tx: herdTx, txCPU: 1,
		from: "sys_connect", sent: "sched_switch rx1 S => swapper/1", follow: "rx1", order: herd("EPOLLIN|EPOLLEXCLUSIVE", 0, 2, 3, 1)},
}

// herd are threads that wait for one listening socket, each with its own epoll
// instance, in the order in which they began to.
func herd(events string, order ...int) (threads []loThread) {
	for _, i := range order {
		src := "var events [8]epoll_event\nep := epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, l, " + events + ")\n" +
			"for {\nepoll_wait(ep, events, 8, -1)\nc := accept4(l, SOCK_NONBLOCK)\nif c >= 0 {\nclose(c)\n}\n}"
		threads = append(threads, loThread{fmt.Sprintf("rx%d", i), src, i % 2})
	}
	return threads
}

// herdTx makes the socket that they wait for, and connects to it.
var herdTx = again("l = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0)\nbind(l, \"127.0.0.1:9999\")\nlisten(l, 16)",
	"nanosleep(10*ms)\n"+txTCP+"\nnanosleep(10*ms)\nclose(s)")

// config makes the machine of a case.
func (c *loCase) config(t *testing.T) *Config {
	var threads []ThreadConfig
	for _, th := range append([]loThread{{"rx", c.rx, 0}, {"tx", c.tx, c.txCPU}}, c.others...) {
		if th.src == "" {
			continue
		}
		p, err := program.Compile(th.src, program.Env{Threads: []string{"rx", "tx"}, Shared: c.shared})
		if err != nil {
			t.Fatalf("%s: %v", th.name, err)
		}
		threads = append(threads, ThreadConfig{Name: th.name, CPU: th.cpu, Start: sim.Millisecond * sim.Time(len(threads)), Program: p})
	}
	cfg := config(2, threads)
	cfg.Shared = c.shared
	cfg.Stop = 200 * sim.Millisecond
	cfg.Costs = map[string]sim.Time{"ipi_latency": 30 * sim.Microsecond} // the traced machine is a guest: its idle cores wake slowly
	return cfg
}

func TestLoopbackComesInTheOrderOfTheRealKernel(t *testing.T) {
	for _, c := range loCases {
		t.Run(c.file, func(t *testing.T) {
			skip := append(timers, "hrtimer_start")
			if c.timeouts {
				skip = timers
			}
			real := loEvents(readLines(t, filepath.Join("testdata/lo", c.file+".txt")), skip)
			model := loEvents(ftraceLines(t, c.config(t)), skip)
			want := c.part(real)
			if len(want[0])+len(want[1]) < 3 {
				t.Fatalf("the trace has no part that begins with %q", c.from)
			}
			if d := gocmp.Diff(want, c.part(model)); d != "" {
				t.Errorf("real kernel -, model +:\n%s", d)
			}
			if d := gocmp.Diff(c.causes(real), c.causes(model)); d != "" {
				t.Errorf("causes: real kernel -, model +:\n%s", d)
			}
		})
	}
}
