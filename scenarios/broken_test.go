package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What of a broken file the schema can tell an editor: its shape, keys, words,
// units and ranges. What depends on something else in the file, and what stands
// in programs, only the decoder can.
const (
	told  = true
	blind = false
)

// TestBrokenFiles: each is refused by the decoder with an error at its place, and
// by the schema where a schema can tell.
func TestBrokenFiles(t *testing.T) {
	const guided = head + threads + flows
	for _, c := range []struct {
		src, want string
		schema    bool
	}{
		// Shape and keys.
		{"[]\n", "1:1: a ", told},
		{"just text\n", "1:1: a ", told},
		{"ringside: 1\n" + threads, `1:1: the key "title" is missing`, told},
		{"title: t\n" + threads, `1:1: the key "ringside" is missing`, told},
		{head, `1:1: the key "threads" is missing`, told},
		{"ringside: 2\ntitle: t\n" + threads, "1:11: version 2 of the format", told},
		{"ringside: one\ntitle: t\n" + threads, `1:11: ringside: a whole number, not "one"`, told},
		{head + threads + "machines: {cpus: 1}\n", `7:1: unknown key "machines"; did you mean "machine"?`, told},
		{head + threads + "machine: {cpu: 1}\n", `7:11: unknown key "cpu"; did you mean "cpus"?`, told},
		{head + threads + "machine: 2\n", "7:10: machine: keys with values are needed here", told},
		{head + threads + "machine: {nic: [1]}\n", "7:16: machine.nic: keys with values are needed here", told},
		{head + "threads: {name: a, program: x}\n", "3:10: threads: a list is needed here", told},
		{head + "threads: []\n", "3:10: threads: 1 to 1024 of them", told},
		{head + "threads: [{name: a}]\n", `3:11: the key "threads[0].program" is missing`, told},
		{head + "threads: [{program: getpid()}]\n", `3:11: the key "threads[0].name" is missing`, told},
		{head + threads + "sources: a book\n", "7:10: sources: a list is needed here", told},
		{head + threads + "title: again\n", "7:1: ", told}, // YAML itself is wrong
		{head + threads + "teaches: [a, b]\n", "7:10: teaches: a single value is needed here", told},
		// Words.
		{head + threads + "machine: {abi: linux-arm}\n", `7:16: machine.abi: unknown value "linux-arm"; did you mean "linux-arm64"?`, told},
		{head + threads + "machine: {entry: sysenter}\n", `7:18: machine.entry: unknown value "sysenter"`, told},
		{head + threads + "machine: {irqchip: apic}\n", `7:20: machine.irqchip: unknown value "apic"`, told},
		{head + threads + "machine: {nic: {irq: msi-y}}\n", `7:22: machine.nic.irq: unknown value "msi-y"; did you mean "msi-x"?`, told},
		{head + threads + "machine: {nic: {driver: dpdk}}\n", `7:25: machine.nic.driver: unknown value "dpdk"`, told},
		{head + threads + "machine: {nic: {descriptors: new}}\n", `7:30: machine.nic.descriptors: unknown value "new"`, told},
		{head + threads + "machine: {nic: {queues: 2, rss: {udp4: sdf}}}\n", `7:40: machine.nic.rss.udp4: unknown value "sdf"; did you mean "sd"?`, told},
		{head + threads + "machine: {kernel: {scheduler: cfs}}\n", `7:31: machine.kernel.scheduler: unknown value "cfs"`, told},
		{head + threads + "machine: {costs: {iretq: 5ns}}\n", `7:26: unknown cost "iretq"; did you mean "iret"?`, told},
		{head + threads + "machine: {shared_line: {device: disk, every: 1ms, count: 1}}\n", `7:33: machine.shared_line.device: unknown value "disk"`, told},
		{head + threads + "flows: {f: {proto: sctp, from: \"10.0.0.2:5\", to: \":7\"}}\n", `7:20: flows.f.proto: unknown value "sctp"`, told},
		{guided + "wire: [{at: 1us, flow: f, generate: poison, rate: 9/s, count: 1}]\n", `9:37: wire[0].generate: unknown value "poison"; did you mean "poisson"?`, told},
		{guided + "wire: [{at: 1us, flow: f, data: x, fcs: wrong}]\n", `9:41: wire[0].fcs: unknown value "wrong"`, told},
		{head + threads + "expect: {counters: {irq: 1}}\n", `7:26: unknown counter "irq"; did you mean "irqs"?`, told},
		{head + threads + "marks: [{name: x, at: {ctx: usr}}]\n", `7:29: marks[0].at.ctx: unknown value "usr"; did you mean "user"?`, told},
		{head + threads + "marks: [{name: x, at: {tp: sched_switch}}]\n", `7:28: marks[0].at.tp: unknown value "sched_switch"; did you mean "sched:sched_switch"?`, told},
		// Numbers, times, sizes, addresses.
		{head + threads + "machine: {cpus: 0}\n", "7:17: machine.cpus: 0 is not between 1 and 64", told},
		{head + threads + "machine: {cpus: 1.5}\n", `7:17: machine.cpus: a whole number, not "1.5"`, told},
		{head + threads + "machine: {nic: {queues: 17}}\n", "7:25: machine.nic.queues: 17 is not between 1 and 16", told},
		{head + threads + "machine: {nic: {ring: 4}}\n", "7:23: machine.nic.ring: 4 is not between 8 and 4096", told},
		{head + threads + "machine: {nic: {ring: 100}}\n", "7:23: machine.nic.ring: 100 is not a power of two", blind},
		{head + threads + "machine: {nic: {fifo: 64}}\n", `7:23: machine.nic.fifo: "64" has no unit`, told},
		{head + threads + "machine: {nic: {rx_usecs: 5 parsecs}}\n", `7:27: machine.nic.rx_usecs: "5 parsecs" has an unknown unit`, told},
		{head + threads + "machine: {nic: {queues: 2, rss: {key: 00ff}}}\n", "machine.nic.rss.key: a key is 40 bytes", told},
		{head + threads + "machine: {nic: {pcie: 1}}\n", `7:23: machine.nic.pcie: true or false, not "1"`, told},
		{head + threads + "machine: {kernel: {hz: 0}}\n", "7:24: machine.kernel.hz: 0 is not between 1 and 10000", told},
		{head + threads + "machine: {kernel: {slice: 1us}}\n", "7:27: machine.kernel.slice: 1000 is not between", blind},
		{head + threads + "stop: 5\n", `7:7: stop: "5" has no unit: write it like 10us or 1.5ms`, told},
		{head + threads + "stop: -5ms\n", `7:7: stop: "-5ms" is not a time`, told},
		{head + threads + "seed: -1\n", `7:7: seed: a whole number, not "-1"`, told},
		{head + threads + "    nice: 20\n", "7:11: threads[0].nice: 20 is not between -20 and 19", told},
		{head + threads + "    start: later\n", `7:12: threads[0].start: "later" is not a time`, told},
		{head + threads + "    cpu: 1\n", "7:10: threads[0].cpu: 1 is not between 0 and 0", blind},
		{head + threads + "flows: {f: {proto: udp, from: \"10.0.0.2\", to: \":7\"}}\n", `7:31: flows.f.from: "10.0.0.2" is not an address`, told},
		{head + threads + "flows: {f: {proto: udp, from: \"10.0.0.2:5\", to: 7}}\n", `7:49: flows.f.to: "7" is not an address`, blind}, // a pattern is for strings
		{guided + "wire: [{flow: f, data: x}]\n", `9:8: the key "wire[0].at" is missing`, told},
		{guided + "wire: [{at: 1us, flow: f, data: x, every: 1us, count: 0}]\n", "9:55: wire[0].count: 0 is not between 1 and 1000000000", told},
		{guided + "wire: [{at: 1us, flow: f, generate: constant, rate: fast, count: 1}]\n", `9:53: wire[0].rate: "fast" is not a rate`, told},
		{guided + "wire: [{at: 1us, flow: f, generate: constant, rate: 9/s, count: 1, size: 9000}]\n", "9:74: wire[0].size: 9000 is not between 64 and 1518", told},
		{"ringside-lesson: 1\ntitle: t\n", "1:1: this is a lesson, not a scenario", told},
		// Common mistakes of YAML, and names out of few.
		{head + threads + "machine:\n\tcpus: 1\n", "8:1: a tab: lines are indented with blanks", told},
		{head + threads + "teaches: one: two\n", "7:10: a second key in one line", told},
		{head + threads + "machine: {cpus: 1\nseed: 1\n", "a ',' or '}' is missing before this", told},
		{head + threads + "machine: {kernel: {scheduler: cfs}}\n", ": one of ", told},
		{head + threads + "narration: [{at: {fn: getpid}, say: {german: x}}]\n", `7:38: narration[0].say: "german" is not the code of a language`, blind},
		{head + threads + "vary: [{name: n, choose: [1], replace: [{thread: a, text: getpid, with: \"{m}\"}]}]\n", `vary[0].replace[0].with: no value is called "m"`, blind},
		{head + threads + "vary:\n  - {name: n, choose: [\"{m}\"], paths: [title]}\n  - {name: m, choose: [1], paths: [seed]}\n", "8:24: vary[0].choose[0]: {m} is not known yet here", blind},
		// One part against another.
		{guided + "wire: [{at: 1us, flow: g, data: x}]\n", `9:24: unknown flow "g"`, blind},
		{guided + "wire:\n  - {at: 5us, flow: f, data: x}\n  - {at: 4us, flow: f, data: x}\n", "11:10: 4us is earlier than the entry before it", blind},
		{guided + "wire: [{at: 1us, flow: f, connect: true}]\n", "9:8: wire[0]: connect, fin and rst are for TCP flows", blind},
		{head + threads + "  - name: a\n    program: getpid()\n", `7:11: a second thread "a"`, blind},
		{head + threads + "expect: {strace: {b: x}}\n", `7:22: unknown thread "b"`, blind},
		{head + threads + "live: {run: false}\n", "7:7: run: false needs a why", blind},
		{head + threads + "live: {run: 0}\n", `7:13: live.run: true or false, not "0"`, told},
		{head + threads + "    priority: 1\n", "7:15: threads[0].priority: the scheduler eevdf knows no priorities", blind},
		{head + "threads: [{name: \"\", program: getpid()}]\n", "threads[0].name: a name has 1 to 64 characters", blind},
		// Programs.
		{head + "threads:\n  - name: a\n    program: |\n      reed(3)\n", `6:7: unknown call "reed"; did you mean "read"?`, blind},
		{head + "threads:\n  - name: a\n    program: |\n      if {\n", "6:10: missing condition in if statement", blind},
		{head + "threads: [{name: a, program: [getpid()]}]\n", "3:30: threads[0].program: a single value is needed here", told},
		// What accompanies a run.
		{head + threads + "marks: [{name: x}]\n", `7:9: the key "marks[0].at" is missing`, told},
		{head + threads + "marks: [{name: x, at: {}}]\n", "7:23: marks[0].at: say which record", blind},
		{head + threads + "marks: [{name: x, at: {fn: getpid, n: 0}}]\n", "7:39: marks[0].at.n: 0 is not between 1 and", told},
		{head + threads + "marks: [{name: x, at: {fn: ep_pol_callback}}]\n", `7:28: marks[0].at: unknown fn "ep_pol_callback"; did you mean "ep_poll_callback"?`, blind},
		{head + threads + "narration: [{at: {fn: getpid}, say: {en: [1]}}]\n", "7:42: narration[0].say.en: a single value is needed here", told},
		{head + threads + "predict: [{at: {fn: getpid}, ask: q, choices: [a], answer: 1, because: b}]\n", "7:47: predict[0].choices: 2 to 6 of them", told},
		{head + threads + "predict: [{at: {fn: getpid}, ask: q, choices: [a, b], answer: 0, because: b}]\n", "7:63: predict[0].answer: 0 is not between 1 and 6", told},
		{head + threads + "predict: [{at: {fn: getpid}, ask: q, choices: [a, b], answer: 3, because: b}]\n", "7:63: predict[0].answer: 3 is not between 1 and 2", blind},
		{head + threads + "predict: [{at: {fn: getpid}, ask: q, choices: [a, b], answer: 1}]\n", `the key "predict[0].because" is missing`, told},
		{head + threads + "variants: [{name: v, set: {machin: {cpus: 2}}}]\n", `7:28: unknown key "machin"; did you mean "machine"?`, told},
		{head + threads + "variants: [{name: v, set: {machine: {cpus: 99}}}]\n", "7:44: machine.cpus: 99 is not between 1 and 64", told},
		{head + threads + "variants: [{name: v, replace: [{thread: a, text: x, with: y}]}]\n", `variants[0].replace[0]: the program of a has no "x"`, blind},
		// What varies.
		{head + threads + "vary: {name: n}\n", "7:7: vary: a list is needed here", told},
		{head + threads + "vary: [{name: n, choose: [1], path: [stop]}]\n", `7:31: unknown key "path"; did you mean "paths"?`, told},
		{head + threads + "vary: [{name: n, paths: [stop]}]\n", "7:8: vary[0]: say what it may be: choose, or from and to", blind},
		{head + threads + "vary: [{name: n, choose: [], paths: [stop]}]\n", "7:26: vary[0].choose: 1 to 1000 of them", told},
		{head + threads + "vary: [{name: n, choose: [1ms], from: 1ms, to: 2ms, paths: [stop]}]\n", "7:8: vary[0]: choose, or from and to, not both", blind},
		{head + threads + "vary: [{name: n, choose: [1ms, 2ms]}]\n", "7:8: vary[0]: say what varies: paths, or replace", blind},
		{head + threads + "vary: [{choose: [1ms, 2ms], paths: [stop]}]\n", "7:8: vary[0].name: a name has 1 to 64 characters", blind},
		{head + threads + "vary:\n  - {name: n, choose: [1ms], paths: [stop]}\n  - {name: n, choose: [1], paths: [seed]}\n", `9:12: a second row "n"`, blind},
		{head + threads + "vary: [{name: n, from: 1.5ms, to: 2ms, paths: [stop]}]\n", `7:24: vary[0].from: a whole number, such as 8 or 20us, not "1.5ms"`, told},
		{head + threads + "vary: [{name: n, from: 1us, to: 2ms, paths: [stop]}]\n", "7:8: vary[0]: from, to and step have one unit", blind},
		{head + threads + "vary: [{name: n, from: 3ms, to: 2ms, paths: [stop]}]\n", "7:33: vary[0].to: 2ms is less than 3ms", blind},
		{head + threads + "vary: [{name: n, from: 1ms, to: 2ms, step: 0ms, paths: [stop]}]\n", "7:44: vary[0].step: at least 1", blind},
		{head + threads + "vary: [{name: n, from: 1, to: 5000, paths: [seed]}]\n", "7:8: vary[0]: more than 1000 values", blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [machine.nic.rings]}]\n", `7:39: vary[0].paths[0]: unknown key "rings"; did you mean "ring"?`, blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [machine.nic]}]\n", `7:39: vary[0].paths[0]: "machine.nic" is not a single value`, blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [\"machine..cpus\"]}]\n", `7:39: vary[0].paths[0]: "machine..cpus" is not a path`, blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [\"\"]}]\n", `7:39: vary[0].paths[0]: "" is not a path`, blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [machine.cpus.x]}]\n", `7:39: vary[0].paths[0]: there is no "x" in machine.cpus`, blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [\"wire[0].count\"]}]\n", "7:39: vary[0].paths[0]: the file has no wire[0]", blind},
		{head + threads + "vary: [{name: n, choose: [1], paths: [expect.counters.irqs]}]\n", "7:39: vary[0].paths[0]: expect is about the file's own run", blind},
		{head + threads + "vary: [{name: n, choose: [1], replace: [{thread: b, text: x, with: y}]}]\n", `7:50: vary[0].replace[0]: unknown thread "b"`, blind},
		{head + threads + "vary: [{name: n, choose: [1], replace: [{thread: a, text: x, with: y}]}]\n", `vary[0].replace[0]: the program of a has no "x"`, blind},
		{head + threads + "variants: [{name: v, set: {vary: []}}]\n", "7:27: variants[0]: vary is the file's", blind},
		{"{ringside: 1, title: t, threads: [{name: a, program: getpid()}], vary: [{name: n, choose: [1], paths: [seed]}]}\n", "1:72: vary: the file's own keys are needed on lines of their own", blind},
	} {
		_, err := Parse("f.yaml", []byte(c.src))
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("the decoder accepts\n%s", c.src)
			continue
		}
		if got := fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg); !strings.Contains(got, c.want) {
			t.Errorf("%s\n  got  %s\n  want %s", c.src, got, c.want)
		}
		if refused := schemaCheck(t, []byte(c.src)) != nil; refused != c.schema {
			t.Errorf("the schema refuses it: %v\n%s", refused, c.src)
		}
	}
}

// TestTheSchemaDescribesEveryKey: what an editor shows under the cursor.
func TestTheSchemaDescribesEveryKey(t *testing.T) {
	var visit func(path string, v any)
	visit = func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		props, _ := m["properties"].(map[string]any)
		for key, p := range props {
			at := path + "." + key
			named := strings.HasSuffix(path, ".counters") || strings.HasSuffix(path, ".costs") // their names say it
			if d, _ := p.(map[string]any)["description"].(string); d == "" && !named {
				t.Errorf("%s has no description", at)
			}
			visit(at, p)
		}
		for _, inner := range []string{"items", "additionalProperties"} {
			visit(path, m[inner])
		}
	}
	var schema any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	visit("", schema)
}
