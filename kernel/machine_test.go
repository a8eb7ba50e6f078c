package kernel

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel/program"
	"ringside/nic"
	"ringside/sim"
)

// thread compiles a program for a test's machine.
func thread(t testing.TB, name, src string, cpu int, start sim.Time) ThreadConfig {
	t.Helper()
	p, err := program.Compile(src, program.Env{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return ThreadConfig{Name: name, CPU: cpu, Start: start, Program: p}
}

// packet is a datagram that arrives.
func packet(at sim.Time, port uint16, data string) Packets {
	return Packets{
		At: at, Count: 1, Payload: []byte(data),
		From: netip.MustParseAddrPort("10.0.0.2:5555"), To: netip.AddrPortFrom(HostIP, port),
	}
}

// config is a machine with the defaults.
func config(cpus int, threads []ThreadConfig, wire ...Packets) *Config {
	return &Config{CPUs: cpus, Seed: 1, NIC: nic.DefaultConfig(), Params: DefaultParams(), Threads: threads, Wire: wire}
}

// runAll steps a machine to its end and gives its records.
func runAll(t fatal, m *Machine, limit int) []sim.Record {
	t.Helper()
	var out []sim.Record
	for len(out) < limit {
		var r sim.Record
		if !m.Step(&r) {
			break
		}
		out = append(out, r)
	}
	if m.Fault != "" {
		t.Fatalf("the machine gave up: %s", m.Fault)
	}
	return out
}

const epollServer = `s := socket(AF_INET, SOCK_DGRAM, 0)
bind(s, ":7000")
ep := epoll_create1(0)
epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
var events [8]epoll_event
var buf [512]byte
for {
	n := epoll_wait(ep, events, 8, -1)
	for i := 0; i < n; i++ {
		read(events[i].fd, buf, 512)
	}
}`

const worker = `for { compute(1*ms) }`

func onePacket(t testing.TB) *Config {
	cfg := config(1, []ThreadConfig{
		thread(t, "server", epollServer, -1, 0),
		thread(t, "worker", worker, -1, 20*sim.Microsecond),
	}, packet(3200*sim.Microsecond, 7000, "hello"))
	cfg.Stop = 3500 * sim.Microsecond
	return cfg
}

func TestOnePacketWakesTheServer(t *testing.T) {
	m, err := New(onePacket(t))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var r sim.Record
	for m.Step(&r) {
		if task, line, ok := m.Strace(&r); ok {
			lines = append(lines, m.Tasks[task].Name+": "+line)
		}
	}
	_, asleep := m.Unfinished()
	want := []string{
		"server: socket(AF_INET, SOCK_DGRAM, 0) = 3",
		"server: bind(3, 0.0.0.0:7000) = 0",
		"server: epoll_create1(0) = 4",
		"server: epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = 0",
		"server: epoll_wait(4, [{events=EPOLLIN, data=3}], 8, -1) = 1",
		"server: read(3, \"hello\", 512) = 5",
		"epoll_wait(4, <unfinished ...>",
	}
	if d := cmp.Diff(want, append(lines, asleep...)); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}
