package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ringside/kernel"
	"ringside/sim"
)

const head = "ringside: 1\ntitle: t\n"
const threads = "threads:\n  - name: a\n    program: |\n      getpid()\n"
const flows = "flows:\n  f: {proto: udp, from: \"10.0.0.2:5\", to: \":7\"}\n"
const web = "flows:\n  w: {proto: tcp, from: \"10.0.0.2:80\", listen: true}\n"
const tcp = "flows:\n  t: {proto: tcp, from: \"10.0.0.2:5\", to: \":7\"}\n"

// TestMistakes: each file has one mistake, and one error says where it is and
// what was meant.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{head + "threads:\n  - nam: a\n", `4:5: unknown key "nam"; did you mean "name"?`},
		{head + "threads:\n  - name: a\n", `4:5: the key "threads[0].program" is missing`},
		{head + threads + "machine: {cpus: 65}\n", "7:17: machine.cpus: 65 is not between 1 and 64"},
		{head + threads + "machine: {cpus: two}\n", `7:17: machine.cpus: a whole number, not "two"`},
		{head + threads + "machine: {abi: linux-amd46}\n", `7:16: machine.abi: unknown value "linux-amd46"; did you mean "linux-amd64"?`},
		{head + "threads:\n  - name: a\n    program: |\n      write(1, \"x\")\n      epoll_create1(0)\nmachine: {abi: macos-arm64}\n",
			"7:7: macos-arm64 has no epoll_create1 that means the same; its programs can call close, compute, dup, dup2, exit, getpid, print, read, syscall, write here"},
		{head + "threads:\n  - name: a\n    program: syscall(8, 1)\nmachine: {abi: windows-amd64}\n", "5:14: windows-amd64 has no stable numbers of system calls"},
		{head + "threads:\n  - name: a\n    program: syscall(SYS_poll)\nmachine: {abi: linux-arm64}\n", "5:14: linux-arm64 has no SYS_poll"},
		{head + threads + "machine: {abi: macos-arm64}\nlive: {run: true}\n", "8:7: programs for macos-arm64 do not run on Linux"},
		{head + threads + "machine: {entry: int81}\n", `7:18: machine.entry: unknown value "int81"; did you mean "int80"?`},
		{head + threads + "machine: {abi: linux-arm64, entry: int80}\n", `7:36: machine.entry: linux-arm64 has no int $0x80, only linux-amd64 has`},
		{head + threads + "machine: {nic: {driver: uioo}}\n", "7:25: machine.nic.driver: unknown value \"uioo\"; did you mean \"uio\"?"},
		{head + threads + "machine: {nic: {driver: uio}}\n", "7:25: machine.nic.driver: uio needs live: {run: false, why: ...}"},
		{head + "threads:\n  - name: a\n    program: |\n      rx_burst(0, 8)\n", "5:14: rx_burst: the card is the kernel's; machine.nic: {driver: uio} gives it to programs"},
		{head + threads + "machine: {irqchip: pics}\n", `7:20: machine.irqchip: unknown value "pics"; did you mean "pic"?`},
		{head + threads + "machine: {irqchip: pic, cpus: 2}\n", "7:20: machine.irqchip: the 8259A pair can interrupt one core only, and there are 2"},
		{head + threads + "machine: {irqchip: pic, abi: linux-arm64}\n", "7:20: machine.irqchip: on Arm devices interrupt by messages to the GIC, with irq: msi-x"},
		{head + threads + "machine: {shared_line: {every: 50us, count: 1}, abi: linux-arm64}\n", "7:24: machine.shared_line: on Arm devices interrupt by messages"},
		{head + threads + "machine: {nic: {irq: intx}, abi: linux-arm64}\n", "7:22: machine.nic.irq: on Arm devices interrupt by messages"},
		{head + threads + "machine: {nic: {irq: msi, queues: 4}}\n", "7:22: machine.nic.irq: 4 queues need msi-x: msi has one interrupt for everything"},
		{head + threads + "machine: {nic: {irq: msi, adaptive_rx: true}}\n", "7:40: machine.nic.adaptive_rx: with irq: msi-x only"},
		{head + threads + "machine: {nic: {irq: intx}, kernel: {napi: false}}\n", "7:44: machine.kernel.napi: false with irq: msi-x only"},
		{head + threads + "machine: {nic: {irq: msix}}\n", `7:22: machine.nic.irq: unknown value "msix"; did you mean "msi"?`},
		{head + threads + "machine: {shared_line: {every: 50us}}\n", "7:24: machine.shared_line: without a count the run never ends"},
		{head + threads + "machine: {shared_line: {device: uhci}}\n", `7:24: the key "machine.shared_line.every" is missing`},
		{head + threads + "machine: {nic: {ring: 100}}\n", "7:23: machine.nic.ring: 100 is not a power of two"},
		{head + threads + "machine: {nic: {queues: 17}}\n", "7:25: machine.nic.queues: 17 is not between 1 and 16"},
		{head + threads + "machine: {nic: {rss: {udp4: sd}}}\n", "7:22: machine.nic.rss: legacy descriptors have no room for a hash: it needs descriptors: advanced"},
		{head + threads + "machine: {nic: {queues: 2, descriptors: legacy}}\n", "7:41: machine.nic.descriptors: legacy descriptors have no room for a hash: 2 queues need advanced ones"},
		{head + threads + "machine: {nic: {descriptors: advances}}\n", `7:30: machine.nic.descriptors: unknown value "advances"; did you mean "advanced"?`},
		{head + threads + "machine: {nic: {queues: 2, rss: {key: abc}}}\n", "7:39: machine.nic.rss.key: a key is 40 bytes, written as 80 hexadecimal digits"},
		{head + threads + "machine: {nic: {queues: 2, rss: {indirection: [0, 2]}}}\n", "7:51: machine.nic.rss.indirection[1]: 2 is not between 0 and 1"},
		{head + threads + "machine: {nic: {queues: 2, irq_cpu: [0]}}\n", "7:37: machine.nic.irq_cpu: 1 cores for 2 queues: name one for each"},
		{head + threads + "machine: {nic: {adaptive_rx: true, rx_usecs: 9us}}\n", "7:30: machine.nic.adaptive_rx: with legacy descriptors only, and without rx_usecs; igb's own rules are not modelled"},
		{head + threads + "machine: {nic: {multicast: [\"02:00:00:00:00:09\"]}}\n", "7:29: machine.nic.multicast[0]: 02:00:00:00:00:09 is the address of one station: a group's first byte is odd"},
		{head + threads + "machine: {nic: {fifo: 64K}}\n", `7:23: machine.nic.fifo: "64K" has an unknown unit: one of KiB, MiB, GiB, B`},
		{head + threads + "machine: {nic: {irq_cpu: [1]}}\n", "7:27: machine.nic.irq_cpu[0]: 1 is not between 0 and 0"},
		{head + threads + "machine: {costs: {iretq: 5ns}}\n", `7:26: unknown cost "iretq"; did you mean "iret"?`},
		{head + threads + "machine: {kernel: {scheduler: ffo}}\n", `7:31: machine.kernel.scheduler: unknown value "ffo"; did you mean "fifo"?`},
		{head + threads + "    nice: 20\n", "7:11: threads[0].nice: 20 is not between -20 and 19"},
		{head + threads + "    nice: 1\nmachine: {kernel: {scheduler: rr}}\n", "7:11: threads[0].nice: the scheduler rr knows no nice values"},
		{head + threads + "    priority: 1\n", "7:15: threads[0].priority: the scheduler eevdf knows no priorities"},
		{head + threads + "wire: [{at: 1us, flow: f, data: x}]\n", `7:24: unknown flow "f"`},
		{head + threads + flows + "wire:\n  - {at: 5us, flow: f, data: x}\n  - {at: 4us, flow: f, data: x}\n", "11:10: 4us is earlier than the entry before it"},
		{head + threads + flows + "wire: [{at: 1us, flow: f}]\n", "9:8: wire[0]: a UDP packet needs data"},
		{head + threads + flows + "wire: [{at: 1us, flow: f, data: x, every: 1us}]\n", "9:8: wire[0]: every and count belong together"},
		{head + threads + flows + "wire: [{at: 1us, flow: f, data: x, conect: true}]\n", `9:36: unknown key "conect"; did you mean "connect"?`},
		{head + threads + flows + "wire: [{at: 1us, flow: f, data: x, connect: true}]\n", `9:8: wire[0]: connect, fin and rst are for TCP flows`},
		{head + threads + tcp + "wire: [{at: 1us, flow: t, data: x}]\n", `9:8: wire[0]: the flow "t" has not connected yet`},
		{head + threads + tcp + "wire: [{at: 1us, flow: t, connect: true}, {at: 2us, flow: t, connect: true}]\n", `9:43: wire[1]: the flow "t" has connected already`},
		{head + threads + tcp + "wire: [{at: 1us, flow: t, connect: true, data: x}]\n", `9:8: wire[0]: an entry of a TCP flow has connect, rst, or data and fin`},
		{head + threads + web + "wire: [{at: 1us, flow: w, connect: true}]\n", `9:8: wire[0]: the flow "w" listens: it is this machine that connects`},
		{head + threads + web + "wire: [{at: 1us, flow: w, data: x, fill: 4B}]\n", `9:8: wire[0]: data or fill, not both`},
		{head + threads + web + "wire: [{at: 1us, flow: w, fill: 2MiB}]\n", `wire[0].fill: 2097152 is not between 1 and 1048576`},
		{head + threads + flows + "wire: [{at: 1us, flow: f, fill: 2KiB}]\n", `9:8: wire[0]: 2048 bytes of data; 1472 fit into one frame`},
		{head + threads + "flows: {f: {proto: udp, from: \"10.0.0.2:5\", listen: true}}\n", `flows.f.listen: only TCP hosts listen`},
		{head + threads + "flows: {f: {proto: tcp, from: \"10.0.0.2:5\", to: \":7\", listen: true}}\n", `flows.f.to: a host that listens takes connections from everywhere`},
		{head + threads + "flows: {f: {proto: tcp, from: \"10.0.0.2:5\", to: \":7\", answer: {data: x}}}\n", `flows.f.answer: only a host that listens answers: it needs listen: true`},
		{head + threads + "flows: {f: {proto: tcp, from: \"10.0.0.2:5\", listen: true, answer: {after: 1ms}}}\n", `flows.f.answer: an answer has data, or fin`},
		{head + threads + "flows: {f: {proto: tcp, from: \"10.0.0.1:5\", listen: true}}\n", `flows.f.from: 10.0.0.1 is not a remote host's address`},
		{head + threads + "flows: {f: {proto: tcp, from: \"10.0.0.2:5\"}}\n", `flows.f: a flow needs to, or listen: true`},
		{head + threads + web + "  v: {proto: tcp, from: \"10.0.0.2:80\", listen: true}\n", `flows.w.from: the flow "v" listens at 10.0.0.2:80 already`},
		{head + threads + "flows: {f: {proto: tpc, from: \"10.0.0.2:5\", to: \":7\"}}\n", `7:20: flows.f.proto: unknown value "tpc"`},
		{head + threads + "flows: {f: {proto: udp, from: \"10.0.0.2\", to: \":7\"}}\n", `7:31: flows.f.from: "10.0.0.2" is not an address: write it like "10.0.0.2:5555"`},
		{head + threads + "expect: {strace: {b: x}}\n", `7:22: unknown thread "b"`},
		{head + threads + "expect: {counters: {irq: 1}}\n", `7:26: unknown counter "irq"; did you mean "irqs"?`},
		{head + threads + "live: {run: false}\n", "7:7: run: false needs a why"},
		{head + threads + "live: {run: maybe}\n", `7:13: live.run: true or false, not "maybe"`},
		{head + threads + "  - name: a\n    program: getpid()\n", `7:11: a second thread "a"`},
		{head + "threads:\n  - {name: a, program: reed()}\n", `4:24: unknown call "reed"; did you mean "read"?`},
		{head + "threads:\n  - name: a\n    program: |\n\n      getpid()\n        reed()\n", `8:9: unknown call "reed"`},
		{head + threads + "title: again\n", "7:1: "},
		{"ringside: 2\ntitle: t\n" + threads, "1:11: version 2 of the format; this program reads version 1"},
		{head + threads + "---\n" + head, "a second document"},
		{head + threads + "shared: [x, x]\n", `7:13: "x" stands here twice`},
	} {
		_, err := Parse("f.yaml", []byte(c.src))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q is accepted", c.src)
			continue
		}
		if got := fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg); !strings.Contains(got, c.want) {
			t.Errorf("%q:\n  got  %s\n  want %s", c.src, got, c.want)
		}
	}
}

func TestTheWholeFormatIsRead(t *testing.T) {
	s, err := Parse("f.yaml", []byte(`ringside: 1
title: All of it
chapter: c
x-note: {anything: [1, 2]}
seed: 7
stop: 1.5ms
machine:
  cpus: 2
  nic: {queues: 1, ring: 64, fifo: 8KiB, rx_usecs: 10us, rx_frames: 4, irq: msi-x, irq_cpu: [1]}
  kernel: {scheduler: eevdf, slice: 1ms, hz: 1000, napi_weight: 8, budget: 16, backlog: 10, rmem: 4KiB}
  costs: {syscall_entry: 60ns}
flows:
  a: {proto: udp, from: "10.0.0.2:5555", to: ":7000"}
shared: [ep]
threads:
  - name: server
    cpu: 1
    start: 2us
    process: p
    program: ep = getpid()
wire:
  - {at: 100us, flow: a, data: "hello\x00"}
  - {at: 1ms, flow: a, data: "again", every: 10us, count: 64}
expect:
  strace: {server: "getpid() = 1000\n+++ exited with 0 +++"}
  counters: {context_switches: 2}
live: {run: false, why: a reason}
`))
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Config()
	if c.CPUs != 2 || c.Seed != 7 || c.Stop != 1500*sim.Microsecond || !slices.Equal(c.IRQCPU, []int{1}) || c.NIC.Ring != 64 || c.NIC.FIFO != 8192 ||
		c.NIC.RxUsecs != 10*sim.Microsecond || c.NIC.RxFrames != 4 || c.Costs["syscall_entry"] != 60 {
		t.Errorf("machine: %+v", c)
	}
	if c.Params != (kernel.Params{Slice: sim.Millisecond, HZ: 1000, NAPIWeight: 8, Budget: 16, Backlog: 10, RMem: 4096}) {
		t.Errorf("kernel: %+v", c.Params)
	}
	th := c.Threads[0]
	if th.Name != "server" || th.CPU != 1 || th.Start != 2000 || th.Process != "p" || len(c.Shared) != 1 {
		t.Errorf("thread: %+v", th)
	}
	if w := c.Wire; len(w) != 2 || string(w[0].Payload) != "hello\x00" || w[1].Count != 64 || w[1].Every != 10*sim.Microsecond || w[0].To.String() != "10.0.0.1:7000" {
		t.Errorf("wire: %+v", c.Wire)
	}
	if s.LiveWhy() != "a reason" || len(s.Expectations().Strace["server"]) != 2 || s.Expectations().Counters["context_switches"] != 2 {
		t.Error("expectations or live")
	}
}

// TestSchedulers: each has its own length of a turn.
func TestSchedulers(t *testing.T) {
	for _, c := range []struct {
		keys      string
		scheduler kernel.Scheduler
		slice     sim.Time
	}{
		{"scheduler: eevdf", kernel.EEVDF, 3 * sim.Millisecond},
		{"scheduler: rr", kernel.RR, 100 * sim.Millisecond},
		{"scheduler: rr, slice: 5ms", kernel.RR, 5 * sim.Millisecond},
		{"scheduler: fifo", kernel.FIFO, 3 * sim.Millisecond},
		{"scheduler: cooperative", kernel.Cooperative, 3 * sim.Millisecond},
	} {
		s, err := Parse("f.yaml", []byte(head+threads+"machine: {kernel: {"+c.keys+"}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if cfg, _ := s.Config(); cfg.Params.Scheduler != c.scheduler || cfg.Params.Slice != c.slice {
			t.Errorf("%s: %+v", c.keys, cfg.Params)
		}
	}
}

func TestOpenFindsFilesAndNames(t *testing.T) {
	for _, name := range Builtin() {
		s, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Title == "" || s.Teaches == "" || s.Misconception == "" {
			t.Errorf("%s: title, teaches and misconception belong to the course", name)
		}
	}
	if _, err := Open("one-paket"); err == nil || !strings.Contains(err.Error(), `did you mean "one-packet"?`) {
		t.Errorf("got %v", err)
	}
	if _, err := Open("no/such.yaml"); err == nil || !strings.Contains(err.Error(), "no/such.yaml: ") {
		t.Errorf("got %v", err)
	}
}

// compiled is the schema, ready to validate.
var compiled = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("s.json")
})

// schemaCheck validates a YAML text against the schema.
func schemaCheck(t *testing.T, src []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		return err
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		return err
	}
	inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return compiled().Validate(inst)
}

func TestTheSchemaAcceptsWhatTheProgramAccepts(t *testing.T) {
	for _, name := range Builtin() {
		s, _ := Open(name)
		if err := schemaCheck(t, s.Source()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, template := range Templates() {
		if err := schemaCheck(t, template.Source()); err != nil {
			t.Errorf("the template %s: %v", template.Name, err)
		}
	}
}

func TestTheSchemaRefusesWhatTheFormatDoesNotHave(t *testing.T) {
	for _, src := range []string{
		"ringside: 1\n" + threads, head, head + "thread: []\n", head + threads + "stop: 5\n", head + threads + "machine: {cpus: two}\n",
		head + threads + "machine: {nic: {fifo: 64K}}\n", head + threads + "wire: {at: 1us}\n", head + threads + "wire: [{flow: a}]\n",
		head + threads + "flows: {a: {proto: udp}}\n", head + threads + "live: {run: 1}\n", head + "threads: [{name: a}]\n", "[]\n",
	} {
		if schemaCheck(t, []byte(src)) == nil {
			t.Errorf("accepted: %q", src)
		}
	}
}

// FuzzParse: no file makes the program panic; what is wrong with it has a
// message, and what is right makes a machine.
func FuzzParse(f *testing.F) {
	for _, name := range Builtin() {
		s, _ := Open(name)
		f.Add(s.Source())
	}
	f.Add([]byte(head + threads + flows + "wire: [{at: 1us, flow: f, data: x, every: 1us, count: 3}]\n"))
	f.Add([]byte("a: &b [*b]\n<<: *b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f.yaml", data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Msg == "" || e.Error() == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		c, err := s.Config()
		if err != nil {
			t.Fatal(err)
		}
		m, err := kernel.New(c)
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		for i := 0; i < 2000 && m.Step(&r); i++ {
			m.StepText(&r, sim.Seq(i))
			m.Strace(&r)
		}
	})
}

func TestLoadRefusesBigFilesAndDirectories(t *testing.T) {
	dir := t.TempDir()
	big := dir + "/big.yaml"
	if err := os.WriteFile(big, bytes.Repeat([]byte("#"), 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{big: "bigger than", dir: "is a directory"} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
