package kernel

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringside/nic"
	"ringside/sim"
)

// web is a remote host that listens at port 80.
func web(l Listener) *Listener {
	l.At = netip.MustParseAddrPort("10.0.0.2:80")
	return &l
}

// connecting is a machine with remote hosts: 10.0.0.2 and those that listen.
func connecting(cpus int, threads []ThreadConfig, l *Listener, wire ...Packets) *Config {
	cfg := config(cpus, threads, wire...)
	cfg.Hosts = []netip.Addr{l.At.Addr()}
	cfg.Listens = []Listener{*l}
	return cfg
}

// toAll is an entry of the wire section for all connections of a host that listens.
func toAll(at sim.Time, p Packets) Packets {
	p.At, p.Count, p.Proto, p.From = at, 1, "tcp", netip.MustParseAddrPort("10.0.0.2:80")
	return p
}

// TestConnectingToRemoteHosts: connect(2), RFC 9293 (3.10.7), net/ipv4/route.c
// (__mkroute_output). The error numbers are those of Linux 6.18.
func TestConnectingToRemoteHosts(t *testing.T) {
	const open, nonblock = "s := socket(AF_INET, SOCK_STREAM, 0)\n", "s := socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0)\n"
	const all = "poll([]pollfd{{s, POLLIN|POLLOUT|POLLRDHUP}}, 1, -1)\n"
	answer := Listener{Says: []byte("good day"), After: 10 * sim.Millisecond}
	last := answer
	last.Fin = true
	for _, c := range []struct {
		name   string
		src    string
		listen Listener
		wire   []Packets
		want   string
	}{
		{"it waits for the handshake", open + "connect(s, \"10.0.0.2:80\")\n" + all, Listener{}, nil, `3 0 OUT`},
		{"it does not wait", nonblock + "connect(s, \"10.0.0.2:80\")\nconnect(s, \"10.0.0.2:80\")\n" + all + "getsockopt(s, SOL_SOCKET, SO_ERROR)\nconnect(s, \"10.0.0.2:80\")\nconnect(s, \"10.0.0.2:80\")",
			Listener{}, nil, `3 EINPROGRESS EALREADY OUT 0 (value 0) 0 EISCONN`},
		{"nobody listens there", open + "connect(s, \"10.0.0.2:81\")", Listener{}, nil, `3 ECONNREFUSED`},
		{"nobody listens there, and it does not wait", nonblock + "connect(s, \"10.0.0.2:81\")\n" + all + "getsockopt(s, SOL_SOCKET, SO_ERROR)",
			Listener{}, nil, `3 EINPROGRESS IN|OUT|ERR|HUP|RDHUP 0 (value 111)`},
		{"nobody is there", open + "connect(s, \"10.0.0.9:80\")", Listener{}, nil, `3 ETIMEDOUT`},
		{"multicast is no host", open + "connect(s, \"224.0.0.1:80\")\nconnect(s, \"255.255.255.255:80\")", Listener{}, nil, `3 ENETUNREACH ENETUNREACH`},
		{"127.0.0.1 does not leave the host", open + "bind(s, \"127.0.0.1:5000\")\nconnect(s, \"10.0.0.2:80\")", Listener{}, nil, `3 0 EINVAL`},
		{"each request is answered", open + "connect(s, \"10.0.0.2:80\")\nvar b [99]byte\nfor i := 0; i < 2; i++ {\nwrite(s, \"hello\")\nread(s, b, 99)\n}",
			answer, nil, `3 0 5 8 5 8`},
		{"what comes meanwhile is one request", open + "connect(s, \"10.0.0.2:80\")\nvar b [99]byte\nwrite(s, \"a\")\nwrite(s, \"b\")\nread(s, b, 99)\nnanosleep(50*ms)\nrecv(s, b, 99, MSG_DONTWAIT)",
			answer, nil, `3 0 1 1 8 0 EAGAIN`},
		{"the end comes with the answer", open + "connect(s, \"10.0.0.2:80\")\nvar b [99]byte\nwrite(s, \"hello\")\nread(s, b, 99)\nrecv(s, b, 99, MSG_DONTWAIT)",
			last, nil, `3 0 5 8 0`},
		{"it closes when the peer does, behind its answer", open + "connect(s, \"10.0.0.2:80\")\nvar b [99]byte\nwrite(s, \"hello\")\nshutdown(s, SHUT_WR)\nread(s, b, 99)\nread(s, b, 99)",
			answer, nil, `3 0 5 0 8 0`},
		{"it speaks first", open + "connect(s, \"10.0.0.2:80\")\nvar b [99]byte\nread(s, b, 99)\nread(s, b, 99)", Listener{},
			[]Packets{toAll(sim.Millisecond, Packets{Payload: []byte("220 hello")}), toAll(2*sim.Millisecond, Packets{Fin: true})}, `3 0 9 0`},
		{"it breaks the connection off", open + "connect(s, \"10.0.0.2:80\")\nvar b [99]byte\nread(s, b, 99)\nwrite(s, \"x\")", Listener{},
			[]Packets{toAll(sim.Millisecond, Packets{Rst: true}), toAll(2*sim.Millisecond, Packets{Fin: true})}, `3 0 ECONNRESET EPIPE`},
		{"it speaks to all that have connected", open + "connect(s, \"10.0.0.2:80\")\nu := socket(AF_INET, SOCK_STREAM, 0)\nconnect(u, \"10.0.0.2:80\")\nvar b [99]byte\nread(u, b, 99)\nread(s, b, 99)", Listener{},
			[]Packets{toAll(sim.Millisecond, Packets{Payload: []byte("hi")})}, `3 0 4 0 2 2`},
		{"nobody has connected yet", open + "nanosleep(2*ms)\nconnect(s, \"10.0.0.2:80\")\nvar b [99]byte\nnanosleep(2*ms)\nrecv(s, b, 99, MSG_DONTWAIT)", Listener{},
			[]Packets{toAll(sim.Millisecond, Packets{Payload: []byte("hi")})}, `3 0 0 0 EAGAIN`},
		{"the same port once more", open + "bind(s, \":5000\")\nconnect(s, \"10.0.0.2:80\")\nshutdown(s, SHUT_RDWR)\nnanosleep(1*ms)\nclose(s)\nnanosleep(61000*ms)\n" +
			strings.Replace(open, "s :=", "u :=", 1) + "bind(u, \":5000\")\nconnect(u, \"10.0.0.2:80\")", Listener{}, nil, `3 0 0 0 0 0 0 3 0 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := connecting(1, []ThreadConfig{thread(t, "t", c.src, 0, 0)}, web(c.listen), c.wire...)
			lines := tcpTranscript(t, cfg)
			if got := brief(lines[:len(lines)-1]); got != c.want {
				t.Errorf("want %s\n got %s\n%s", c.want, got, strings.Join(lines, "\n"))
			}
		})
	}
}

// TestNobodyAnswersASyn: ten more SYNs, the first five a second apart
// (net.ipv4.tcp_syn_retries, tcp_syn_linear_timeouts).
func TestNobodyAnswersASyn(t *testing.T) {
	cfg := connecting(1, []ThreadConfig{thread(t, "t", "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"10.0.0.9:80\")", 0, 0)}, web(Listener{}))
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 1_000_000)
	if m.Now < 135*sim.Second || m.Now > 136*sim.Second || m.NIC.Stats.TxPackets != 11 {
		t.Errorf("%d frames, the last of the run at %s", m.NIC.Stats.TxPackets, m.Now)
	}
}

// letters is n bytes of the alphabet, over and over.
func letters(n int) []byte { return bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz"), n/26+1)[:n] }

// reads is a program's loop over the connection s: it checks each byte, and exits
// with 1 if one is wrong or if there are not n.
func reads(n, size, pause int) string {
	return fmt.Sprintf("var b [%d]byte\ntotal := 0\nfor n := read(s, b, %d); n > 0; n = read(s, b, %d) {\nfor i := 0; i < n; i += 7 {\nif b[i] != (total+i)%%26+97 {\nexit(2)\n}\n}\n"+
		"total += n\ncompute(%d*us)\n}\nif total != %d {\nexit(3)\n}\n", size, size, size, pause, n)
}

// received puts together what a machine's frames have brought to the remote hosts,
// in the order of their arrival.
func received(m *Machine, records []sim.Record) []byte {
	var out []byte
	var next uint32
	for i := range records {
		if records[i].Fn != uint16(fnRemote) {
			continue
		}
		packet := m.Frames[records[i].Obj].Bytes[nic.EthHeader:]
		ip, _ := nic.ParseIPv4(packet)
		h, n, _ := nic.ParseTCP(packet[ip.HeaderLen:ip.TotalLen])
		data := packet[ip.HeaderLen+n : ip.TotalLen]
		if h.Flags&nic.SYN != 0 {
			next = h.Seq + 1
		}
		if len(data) > 0 && h.Seq == next {
			out, next = append(out, data...), next+uint32(len(data))
		}
	}
	return out
}

// exchange is two streams over a card that may be too small for them.
type exchange struct {
	in, out     int // bytes from the remote host, and to it
	size, pause int // how much the program reads at once, and how long it rests then
	listens     bool
	ring, fifo  int
	rxUsecs     sim.Time
}

// run makes the exchange, and gives how many frames the card has dropped. Both
// ends must get what the other has sent, in order, once.
func (x *exchange) run(t rapid.TB) int64 {
	talk := fmt.Sprintf("var big [%d]byte\nwrite(s, big, %d)\n", x.out, x.out) + reads(x.in, x.size, x.pause)
	src := "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"10.0.0.2:80\")\n"
	if !x.listens {
		src = "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 8)\ns := accept(l)\n"
	}
	cfg := connecting(1, []ThreadConfig{compiled(t, "t", src+talk, 0, 0)}, web(Listener{Says: letters(x.in), Fin: true, After: sim.Millisecond}))
	if !x.listens {
		cfg.Listens = nil
		cfg.Wire = flow(Packets{Connect: true}, Packets{Payload: letters(x.in), Fin: true})
	}
	cfg.NIC.Ring, cfg.NIC.FIFO, cfg.NIC.RxUsecs = x.ring, x.fifo, x.rxUsecs
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var records []sim.Record
	last := ""
	for r := (sim.Record{}); m.Step(&r) && len(records) < 3_000_000; {
		records = append(records, r)
		if _, line, ok := m.Strace(&r); ok {
			last = line
		}
	}
	if m.Fault != "" || last != "+++ exited with 0 +++" {
		t.Fatalf("%s %s, at %s", last, m.Fault, m.Now)
	}
	if got := received(m, records); !bytes.Equal(got, make([]byte, x.out)) {
		t.Fatalf("%d bytes have reached the remote host, %d were sent", len(got), x.out)
	}
	return m.NIC.Stats.RxMissedErrors
}

func TestNothingIsLostForGood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := exchange{
			in: rapid.IntRange(1, 60000).Draw(t, "in"), out: rapid.IntRange(1, 30000).Draw(t, "out"),
			size: rapid.SampledFrom([]int{100, 1460, 20000}).Draw(t, "reads"), pause: rapid.SampledFrom([]int{0, 20, 500}).Draw(t, "pause"),
			listens: rapid.Bool().Draw(t, "listens"),
			ring:    rapid.SampledFrom([]int{8, 16, 256}).Draw(t, "ring"), fifo: rapid.SampledFrom([]int{2048, 5000, 65536}).Draw(t, "fifo"),
			rxUsecs: sim.Time(rapid.SampledFrom([]int{0, 50_000, 300_000}).Draw(t, "rx_usecs")),
		}
		x.run(t)
	})
}

func TestWhatTheCardDropsComesAgain(t *testing.T) {
	x := exchange{in: 60000, out: 1000, size: 1460, ring: 8, fifo: 2048, rxUsecs: 300_000}
	if x.run(t) == 0 {
		t.Error("the card has never dropped anything")
	}
}

// TestARemoteHostSendsAgain: 200 ms without an acknowledgement, then twice as long
// (RFC 6298, section 5.5; TCP_RTO_MIN): the host is deaf, since nobody polls the card.
func TestARemoteHostSendsAgain(t *testing.T) {
	src := "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 8)\ns := accept(l)\n" + reads(40000, 4000, 0)
	cfg := config(1, []ThreadConfig{thread(t, "t", src, 0, 0)}, flow(Packets{Connect: true}, Packets{Payload: letters(40000), Fin: true})...)
	cfg.NIC.Ring, cfg.NIC.FIFO, cfg.NIC.RxUsecs = 8, 4096, sim.Millisecond
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var when []sim.Time
	for _, r := range runAll(t, m, 1_000_000) {
		if r.Fn == uint16(fnRemoteResend) {
			when = append(when, r.T)
		}
	}
	if len(when) == 0 || when[0] < 200*sim.Millisecond || when[0] > 300*sim.Millisecond {
		t.Errorf("sent again at %v; %d frames were dropped", when, m.NIC.Stats.RxMissedErrors)
	}
}

// TestASenderAsksForTheWindow: the distances double. On Linux 6.18 a sender on
// loopback whose peer does not read probed after 0.47, 0.89, 1.76, 3.46 and 6.98 s:
// 0.42, 0.87, 1.70 and 3.52 s apart. A run in which nothing else is left ends.
func TestASenderAsksForTheWindow(t *testing.T) {
	const connect = "c := socket(AF_INET, SOCK_STREAM, 0)\nconnect(c, \"127.0.0.1:7000\")\nvar b [100000]byte\nfor i := 0; i < 100; i++ {\nwrite(c, b, 100000)\n}\nclose(c)"
	const accept = "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\ns := accept(l)\nvar b [65536]byte\nsum := 0\n"
	const count = "for n := read(s, b, 65536); n > 0; n = read(s, b, 65536) {\nsum += n\n}\nexit(sum / 100000)"
	for _, c := range []struct {
		name, src string
		probes    int64
		last      string
	}{
		{"until it opens", accept + "nanosleep(7000*ms)\n" + count, 5, "+++ exited with 100 +++"},
		{"until nothing else is left to happen", accept + "pause()", probesAtRest, "pause"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := strings.Replace(c.src, "pause()", "l2 := accept(l)", 1)
			cfg := config(2, []ThreadConfig{thread(t, "server", src, 0, 0), thread(t, "client", connect, 1, 50*sim.Microsecond)})
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			var when []sim.Time
			last := ""
			for _, r := range runAll(t, m, 3_000_000) {
				if r.Fn == uint16(fnTCPXmitProbe) {
					when = append(when, r.T)
				}
				if task, line, ok := m.Strace(&r); ok && m.Tasks[task].Name == "server" {
					last = line
				}
			}
			if m.Counters.WindowProbes != c.probes || c.last != "pause" && last != c.last {
				t.Errorf("%d probes, at %v; %s", m.Counters.WindowProbes, when, last)
			}
			for i := 2; i < len(when); i++ {
				if d := float64(when[i]-when[i-1]) / float64(when[i-1]-when[i-2]); d < 1.8 || d > 2.2 {
					t.Errorf("probes at %v", when)
				}
			}
		})
	}
}

// TestALostWindowUpdateIsAskedFor: a core's backlog that holds next to nothing may
// drop the segment that tells of room (net.core.netdev_max_backlog).
func TestALostWindowUpdateIsAskedFor(t *testing.T) {
	src := "l := socket(AF_INET, SOCK_STREAM, 0)\nbind(l, \":7000\")\nlisten(l, 1)\ns := accept(l)\nnanosleep(100*ms)\n" + reads(300000, 4000, 0)
	client := "s := socket(AF_INET, SOCK_STREAM, 0)\nconnect(s, \"127.0.0.1:7000\")\nvar b [26000]byte\nfor i := 0; i < 26000; i++ {\nb[i] = i%26 + 97\n}\nfor i := 0; i < 300000; {\nn := 26000\nif 300000-i < n {\nn = 300000 - i\n}\ni += write(s, b, n)\n}\nclose(s)"
	cfg := config(2, []ThreadConfig{thread(t, "server", src, 0, 0), thread(t, "client", client, 1, 50*sim.Microsecond)})
	cfg.Params.Backlog = 0
	lines := []string{}
	for _, l := range tcpTranscript(t, cfg) {
		if strings.Contains(l, "exited") {
			lines = append(lines, l)
		}
	}
	if d := cmp.Diff([]string{"client: +++ exited with 0 +++", "server: +++ exited with 0 +++"}, lines); d != "" {
		t.Error(d)
	}
}

// TestADescriptorIsTakenOnce: the driver clears DD when it takes a descriptor
// (e1000_clean_rx_irq), since in a ring that is smaller than its batch of refills it
// comes by again before the descriptor has a new buffer.
func TestADescriptorIsTakenOnce(t *testing.T) {
	p := packet(100*sim.Microsecond, 7000, "hello")
	p.Count, p.Every = 40, sim.Microsecond
	cfg := config(1, []ThreadConfig{thread(t, "t", "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nvar b [9]byte\nfor {\nread(s, b, 9)\n}", 0, 0)}, p)
	cfg.NIC.Ring, cfg.NIC.RxUsecs = 8, 300*sim.Microsecond
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 1_000_000)
	if m.Counters.InDatagrams != 40 || m.NIC.Stats.RxPackets != 40 {
		t.Errorf("%d datagrams of %d frames", m.Counters.InDatagrams, m.NIC.Stats.RxPackets)
	}
}
