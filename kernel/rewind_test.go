package kernel

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

// anyConfig draws a scenario: cores, threads with programs that wait in every
// way there is, packets at random times.
func anyConfig(t *rapid.T) *Config {
	cores := rapid.IntRange(1, 3).Draw(t, "cores")
	var threads []ThreadConfig
	abi := rapid.SampledFrom([]program.ABI{program.LinuxAMD64, program.LinuxARM64, program.LinuxInt80}).Draw(t, "abi")
	for i := range rapid.IntRange(1, 4).Draw(t, "threads") {
		src := anyProgram(t, abi, 7000+i)
		if rapid.Bool().Draw(t, "files") {
			src = anyFileProgram(t)
		}
		p, err := program.Compile(src, program.Env{Self: i, ABI: abi})
		if err != nil {
			t.Fatalf("%v in\n%s", err, src)
		}
		threads = append(threads, ThreadConfig{
			Name: fmt.Sprint("t", i), CPU: rapid.IntRange(-1, cores-1).Draw(t, "cpu"), Program: p,
			Start: sim.Time(rapid.IntRange(0, 50000).Draw(t, "start")), Nice: rapid.IntRange(-20, 19).Draw(t, "nice"),
			Priority: rapid.IntRange(1, 3).Draw(t, "priority"),
		})
	}
	if cores > 1 && rapid.Bool().Draw(t, "tcp") {
		threads = append(threads, anyTalkers(t)...)
	}
	cfg := config(cores, threads)
	cfg.ABI = abi
	cfg.NIC.Ring = rapid.SampledFrom([]int{8, 64}).Draw(t, "ring")
	cfg.NIC.RxUsecs = sim.Time(rapid.SampledFrom([]int{0, 10000}).Draw(t, "rx_usecs"))
	cfg.Params.BusyPoll = sim.Time(rapid.SampledFrom([]int{0, 0, 9000}).Draw(t, "busy poll"))
	cfg.Params.NoGRO = rapid.Bool().Draw(t, "no gro")
	cfg.Params.NoNAPI = rapid.IntRange(0, 3).Draw(t, "napi") == 3
	cfg.Params.Budget = rapid.SampledFrom([]int{4, 300}).Draw(t, "budget")
	cfg.Params.NAPIWeight = rapid.SampledFrom([]int{2, 64}).Draw(t, "weight")
	cfg.Params.Scheduler = rapid.SampledFrom([]Scheduler{EEVDF, RR, FIFO, Cooperative}).Draw(t, "scheduler")
	cfg.Params.Slice = sim.Time(rapid.SampledFrom([]int{100_000, 3_000_000}).Draw(t, "slice"))
	cfg.Params.RMem = rapid.SampledFrom([]int{3000, 212992}).Draw(t, "rmem")
	for i := range rapid.IntRange(0, 3).Draw(t, "packets") {
		p := packet(sim.Time(rapid.IntRange(0, 300_000).Draw(t, "at")), uint16(7000+i), "hello")
		p.Count, p.Every = rapid.IntRange(1, 40).Draw(t, "count"), sim.Time(rapid.IntRange(300, 20000).Draw(t, "every"))
		cfg.Wire = append(cfg.Wire, p)
	}
	if rapid.Bool().Draw(t, "tcp from the wire") {
		cfg.Threads = append(cfg.Threads, compiled(t, "echo", strings.Replace(echo, ":7000", ":7100", 1), 0, 0))
		wire := flow(Packets{Connect: true}, Packets{Payload: make([]byte, rapid.IntRange(1, 3000).Draw(t, "bytes"))}, Packets{Fin: true})
		if rapid.Bool().Draw(t, "rst") {
			wire[2].Fin, wire[2].Rst = false, true
		}
		for i := range wire {
			wire[i].To = netip.AddrPortFrom(HostIP, 7100)
		}
		cfg.Wire = append(cfg.Wire, wire...)
	}
	if abi == program.LinuxAMD64 {
		anyInterrupts(t, cfg)
	}
	if rapid.Bool().Draw(t, "tcp to remote hosts") {
		anyClient(t, cfg)
	}
	cfg.Params.PTI = abi != program.LinuxARM64 && rapid.Bool().Draw(t, "pti")
	cfg.Stop = 5 * sim.Millisecond
	return cfg
}

// anyInterrupts draws how devices interrupt, as far as the rest lets it.
func anyInterrupts(t *rapid.T, cfg *Config) {
	if !cfg.Params.NoNAPI {
		cfg.NIC.Mode = rapid.SampledFrom([]nic.Mode{nic.MSIX, nic.MSI, nic.INTx}).Draw(t, "irq")
	}
	if cfg.CPUs == 1 {
		cfg.IRQChip = rapid.SampledFrom([]IRQChip{ChipIOAPIC, ChipPIC}).Draw(t, "irqchip")
	}
	cfg.USB.Every = sim.Time(rapid.SampledFrom([]int{0, 3000, 50000}).Draw(t, "usb"))
	cfg.USB.Count = rapid.IntRange(1, 2000).Draw(t, "usb count")
}

// anyClient adds a thread that asks a remote host, through a card that may have
// too little room.
func anyClient(t *rapid.T, cfg *Config) {
	l := web(Listener{Says: make([]byte, rapid.IntRange(0, 9000).Draw(t, "answer")), Fin: rapid.Bool().Draw(t, "fin"), After: sim.Time(rapid.IntRange(0, 100_000).Draw(t, "after"))})
	src := "for i := 0; i < 3; i++ {\ns := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"10.0.0.2:80\")\nvar b [3000]byte\nsend(s, b, 3000, MSG_NOSIGNAL)\n" +
		rapid.SampledFrom([]string{"shutdown(s, SHUT_WR)\n", ""}).Draw(t, "shutdown") + "for read(s, b, 3000) > 0 {\n}\nclose(s)\n}"
	cfg.Threads = append(cfg.Threads, compiled(t, "client", src, 0, 0))
	cfg.Hosts, cfg.Listens = []netip.Addr{l.At.Addr()}, []Listener{*l}
	cfg.Wire = append(cfg.Wire, toAll(100*sim.Microsecond, Packets{Payload: []byte("hi"), Rst: rapid.Bool().Draw(t, "rst to all")}))
	cfg.NIC.FIFO = rapid.SampledFrom([]int{2048, 65536}).Draw(t, "fifo")
}

// anyProgram draws a program: a socket, maybe watched, and a loop of calls.
func anyProgram(t *rapid.T, abi program.ABI, port int) string {
	calls := []string{
		"read(s, buf, 64)", "recvfrom(s, buf, 64, MSG_DONTWAIT)", "epoll_wait(ep, events, 4, -1)", "epoll_wait(ep, events, 4, 1)",
		"epoll_wait(ep, events, 4, 0)", "compute(7*us)", "nanosleep(30*us)", "sched_yield()", "getpid()", "n = twice(n) % 1000",
		"epoll_ctl(ep, EPOLL_CTL_MOD, s, EPOLLIN|EPOLLET)", "epoll_ctl(ep, EPOLL_CTL_MOD, s, EPOLLIN|EPOLLONESHOT)",
		"fcntl(s, F_SETFL, O_NONBLOCK)", "fcntl(s, F_SETFL, 0)", "print(\"hi\")", "close(99)", "epoll_ctl(ep, EPOLL_CTL_DEL, s, 0)",
		"epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)", "setsockopt(s, SOL_SOCKET, SO_BUSY_POLL, 20)", "poll(p, 3, -1)", "poll(p, 3, 1)", "poll(p, 3, 0)", "ppoll(p, 1, 20*us)",
		"r = fd_set(s, ep)\nselect(ep+1, r, NULL, NULL, NULL)", "r = fd_set(s, 1)\nselect(s+1, r, r, r, 30*us)",
		"syscall(SYS_read, s, 0x1000, 64)",
	}
	if abi != program.LinuxARM64 { // which has no page faults yet
		calls = append(calls, "store(HEAP+4096*(n%8), n)", "n += load(HEAP+4096)", "syscall(SYS_recvfrom, s, HEAP+4096*(n%5), 64, MSG_DONTWAIT, 0, 0)")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "func twice(x int) int { return 2*x + 1 }\nfunc main() {\ns := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":%d\")\nep := epoll_create1(0)\n", port)
	b.WriteString("epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nvar events [4]epoll_event\nvar buf [64]byte\nn := 0\n")
	b.WriteString("p := []pollfd{{s, POLLIN}, {ep, POLLIN}, {s, POLLPRI}}\nr := fd_set(s)\n")
	fmt.Fprintf(&b, "for i := 0; i < %d; i++ {\n", rapid.IntRange(1, 20).Draw(t, "rounds"))
	for range rapid.IntRange(1, 8).Draw(t, "calls") {
		b.WriteString(rapid.SampledFrom(calls).Draw(t, "call") + "\n")
	}
	b.WriteString("}\n}\n")
	return b.String()
}

// anyFileProgram draws a program that makes pipes and the like, and calls on the
// lowest descriptors, whatever they are: all threads have one table.
func anyFileProgram(t *rapid.T) string {
	makes := []string{
		"pipe2(0)", "pipe2(O_NONBLOCK)", "eventfd(3, EFD_SEMAPHORE)", "eventfd(0, EFD_NONBLOCK)", "socketpair(AF_UNIX, SOCK_STREAM, 0)",
		"socketpair(AF_UNIX, SOCK_DGRAM, 0)", "memfd_create(\"m\", 0)", "timerfd_create(CLOCK_MONOTONIC, 0)", "epoll_create1(0)", "sigaction(SIGPIPE, 0)",
	}
	calls := []string{
		"read(%d, buf, 8)", "read(%d, buf, 600)", "write(%d, buf, 8)", "write(%d, buf, 600)", "fcntl(%d, F_SETPIPE_SZ, 1)", "eventfd_write(%d, -9)",
		"recv(%d, buf, 600, MSG_DONTWAIT)", "send(%d, buf, 600, MSG_DONTWAIT)", "fcntl(%d, F_SETPIPE_SZ, 8192)", "fcntl(%d, F_SETFL, O_NONBLOCK)",
		"shutdown(%d, SHUT_WR)", "shutdown(%d, SHUT_RD)", "close(%d)", "dup2(3, %d)", "timerfd_settime(%d, 0, 50*us, 70*us)", "p[0].fd = %d\npoll(p, 1, 1)",
		"epoll_ctl(4, EPOLL_CTL_ADD, %d, EPOLLIN|EPOLLOUT|EPOLLET)", "epoll_wait(%d, events, 4, 1)", "compute(%d*us)",
	}
	var b strings.Builder
	b.WriteString("var buf [600]byte\nvar events [4]epoll_event\np := []pollfd{{3, POLLIN|POLLOUT}}\n")
	for range rapid.IntRange(1, 4).Draw(t, "makes") {
		b.WriteString(rapid.SampledFrom(makes).Draw(t, "make") + "\n")
	}
	fmt.Fprintf(&b, "for i := 0; i < %d; i++ {\n", rapid.IntRange(1, 20).Draw(t, "rounds"))
	for range rapid.IntRange(1, 8).Draw(t, "calls") {
		fmt.Fprintf(&b, rapid.SampledFrom(calls).Draw(t, "call")+"\n", rapid.IntRange(3, 9).Draw(t, "fd"))
	}
	b.WriteString("}\n")
	return b.String()
}

// sameState compares everything in two machines, unexported fields too.
func sameState(a, b *Machine) string {
	return cmp.Diff(a, b, cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(Machine{}, "Image"), cmp.FilterValues(func(x, y []byte) bool { return len(x)+len(y) > 0 }, cmp.Comparer(bytes.Equal)),
		cmp.Comparer(func(x, y sim.Queue) bool { return queueString(x) == queueString(y) }))
}

// queueString lists what is pending; two queues may hold it in other places.
func queueString(q sim.Queue) string {
	var own sim.Queue
	own.CopyFrom(&q)
	var b strings.Builder
	for own.Len() > 0 {
		fmt.Fprintln(&b, own.Pop())
	}
	return b.String()
}

// TestForwardBackForwardIsExact: going n records forward, k back and k forward
// again gives the state and the records of going n forward, and going back
// gives the state of having gone n-k.
func TestForwardBackForwardIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig(t)
		run := func() *sim.Timeline[*Machine] {
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return sim.NewTimeline(m, Fresh, sim.Options{Every: 64, Check: true})
		}
		tl, straight := run(), run()
		n := sim.Seq(rapid.IntRange(0, 4000).Draw(t, "n"))
		tl.Run(n)
		n = tl.Len()
		tl.Seek(n)
		k := sim.Seq(rapid.IntRange(0, int(n)).Draw(t, "k"))
		if rapid.Bool().Draw(t, "step by step") {
			for range min(k, 200) {
				tl.Back()
			}
			k = min(k, 200)
		} else {
			tl.Seek(n - k)
		}
		straight.Run(n - k)
		straight.Seek(n - k)
		if d := sameState(straight.Machine(), tl.Machine()); d != "" {
			t.Fatalf("after %d forward and %d back:\n%s", n, k, d)
		}
		tl.Seek(n)
		straight.Run(n)
		straight.Seek(n)
		if d := sameState(straight.Machine(), tl.Machine()); d != "" {
			t.Fatalf("after %d forward, %d back and forward again:\n%s", n, k, d)
		}
		for i := range n {
			if *tl.At(i) != *straight.At(i) {
				t.Fatalf("record %d differs", i)
			}
		}
	})
}

// TestInvariants: whatever happens, the machine's books agree at every record.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := New(anyConfig(t))
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		last := sim.Time(0)
		for i := 0; i < 20000 && m.Step(&r); i++ {
			if r.T < last {
				t.Fatalf("record %d at %s comes after %s", i, r.T, last)
			}
			last = r.T
			if r.Cause >= sim.Seq(i) {
				t.Fatalf("record %d is caused by %d", i, r.Cause)
			}
			if err := m.check(); err != nil {
				t.Fatalf("after record %d (%s): %v", i, m.StepText(&r, sim.Seq(i)), err)
			}
		}
		if m.Fault != "" {
			t.Fatal(m.Fault)
		}
	})
}

// TestSameSeedSameRecords: nothing but the scenario and the seed decides.
func TestSameSeedSameRecords(t *testing.T) {
	run := func() []sim.Record {
		m, err := New(onePacket(t))
		if err != nil {
			t.Fatal(err)
		}
		return runAll(t, m, math.MaxInt32)
	}
	if a, b := run(), run(); !reflect.DeepEqual(a, b) {
		t.Error("two runs of one scenario differ")
	}
}
