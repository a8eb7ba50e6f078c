package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"ringside/cpu"
	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/scenarios/lanes"
	"ringside/sim"
)

// Limits of a file.
const (
	maxCount = 1_000_000_000
	maxRate  = 1_000_000_000
	maxName  = 64
	maxFill  = 1 << 20
)

// build checks a file and makes the machine's configuration of it.
func (d *decoder) build(f *file) *kernel.Config {
	if f.Ringside != 1 {
		d.failAt("ringside", "version %d of the format; this program reads version 1", f.Ringside)
	}
	d.machine(&f.Machine)
	cfg := &kernel.Config{
		CPUs: f.Machine.CPUs, ABI: abi(f), Seed: f.Seed, Stop: sim.Time(f.Stop), Shared: f.Shared, Params: params(&f.Machine.Kernel),
		NIC: d.card(&f.Machine.NIC), Costs: map[string]sim.Time{},
	}
	if _, given := d.at["machine.nic.irq_cpu"]; given || f.Machine.NIC.Queues == 1 {
		cfg.IRQCPU = f.Machine.NIC.IRQCPU
	}
	d.line(f, cfg)
	d.interrupts(f, cfg)
	d.iommu(f, cfg)
	d.affinity(f, cfg)
	d.costs(f, cfg)
	d.shared(f)
	d.threads(f, cfg)
	d.driver(f, cfg)
	d.flows(f, cfg)
	d.wire(f, cfg)
	d.expect(f)
	d.live(f)
	return cfg
}

// abi is the machine's, which has been checked.
func abi(f *file) program.ABI {
	if f.Machine.Entry == "int80" {
		return program.LinuxInt80
	}
	return program.ABI(slices.Index(program.ABINames, f.Machine.ABI))
}

func (d *decoder) live(f *file) {
	l := &f.Live
	if l.Run != nil && *l.Run && !abi(f).Native() {
		d.failAt("live", "programs for %s do not run on Linux", abi(f))
	}
	switch {
	case l.Why != "":
	case l.Run != nil && !*l.Run:
		d.failAt("live", "run: false needs a why: the reason is shown")
	case len(l.Unordered) > 0:
		d.failAt("live", "unordered needs a why: the reason is shown")
	}
	names := threadNames(f)
	for i, name := range l.Unordered {
		if !slices.Contains(names, name) {
			d.failAt(fmt.Sprintf("live.unordered[%d]", i), "unknown thread %q%s", name, program.Nearest(name, names))
		}
	}
}

func threadNames(f *file) (names []string) {
	for i := range f.Threads {
		names = append(names, f.Threads[i].Name)
	}
	return names
}

func params(k *tunables) kernel.Params {
	scheduler := kernel.Scheduler(slices.Index(kernel.Schedulers[:], k.Scheduler))
	slice := scheduler.DefaultSlice()
	if k.Slice != nil {
		slice = sim.Time(*k.Slice)
	}
	return kernel.Params{Scheduler: scheduler, Slice: slice, HZ: k.HZ, NoNAPI: !k.NAPI, NoGRO: !k.GRO, BusyPoll: sim.Time(k.BusyPoll), NAPIWeight: k.NAPIWeight, Budget: k.Budget, Backlog: k.Backlog, PTI: k.PTI, RMem: int(k.RMem)}
}

// within fails unless a number is in its range.
func (d *decoder) within(path string, n, least, most int) {
	if n < least || n > most {
		d.failAt(path, "%s: %d is not between %d and %d", path, n, least, most)
	}
}

func (d *decoder) machine(m *machine) {
	d.entry(m)
	k := &m.Kernel
	d.within("machine.kernel.busy_poll", int(k.BusyPoll), 0, 1_000_000_000)
	d.within("machine.kernel.rmem", int(k.RMem), 1, 1<<30)
	if k.Slice != nil {
		d.within("machine.kernel.slice", int(*k.Slice), 100_000, 1_000_000_000)
	}
	for i, cpu := range m.NIC.IRQCPU {
		d.within(fmt.Sprintf("machine.nic.irq_cpu[%d]", i), cpu, 0, m.CPUs-1)
	}
}

// line reads where interrupt pins lead, and who shares the card's.
func (d *decoder) line(f *file, cfg *kernel.Config) {
	m := &f.Machine
	cfg.IRQChip = kernel.IRQChip(slices.Index(kernel.IRQChips[:], m.Chip))
	if cfg.IRQChip == kernel.ChipPIC && m.CPUs > 1 {
		d.failAt("machine.irqchip", "machine.irqchip: the 8259A pair can interrupt one core only, and there are %d", m.CPUs)
	}
	if _, ok := d.at["machine.shared_line"]; !ok {
		return
	}
	d.within("machine.shared_line.every", int(m.Line.Every), 1_000, 1_000_000_000)
	if m.Line.Count == 0 && f.Stop == 0 {
		d.failAt("machine.shared_line", "machine.shared_line: without a count the run never ends; give a count or a stop")
	}
	cfg.USB = kernel.USBConfig{Every: sim.Time(m.Line.Every), Count: m.Line.Count}
}

// interrupts refuses what machine.nic.irq does not go with.
func (d *decoder) interrupts(f *file, cfg *kernel.Config) {
	if cpu.ABIs[cfg.ABI].Arm64 {
		const only = ": on Arm devices interrupt by messages to the GIC, with irq: msi-x"
		_, shared := d.at["machine.shared_line"]
		switch {
		case cfg.IRQChip != kernel.ChipIOAPIC:
			d.failAt("machine.irqchip", "machine.irqchip%s", only)
		case shared:
			d.failAt("machine.shared_line", "machine.shared_line%s", only)
		case cfg.NIC.Mode != nic.MSIX:
			d.failAt("machine.nic.irq", "machine.nic.irq%s", only)
		}
	}
	if cfg.NIC.Mode == nic.MSIX {
		return
	}
	switch {
	case cfg.NIC.Queues > 1:
		d.failAt("machine.nic.irq", "machine.nic.irq: %d queues need msi-x: %s has one interrupt for everything", cfg.NIC.Queues, f.Machine.NIC.IRQ)
	case cfg.NIC.AdaptiveRx:
		d.failAt("machine.nic.adaptive_rx", "machine.nic.adaptive_rx: with irq: msi-x only")
	case cfg.Params.NoNAPI:
		d.failAt("machine.kernel.napi", "machine.kernel.napi: false with irq: msi-x only; without NAPI, the handlers of the other two are not modelled")
	}
}

func (d *decoder) entry(m *machine) {
	if m.Entry == "int80" && m.ABI != "linux-amd64" {
		d.failAt("machine.entry", "machine.entry: %s has no int $0x80, only linux-amd64 has", m.ABI)
	}
}

func (d *decoder) costs(f *file, cfg *kernel.Config) {
	known := kernel.CostNames()
	for _, name := range sortedKeys(f.Machine.Costs) {
		if _, ok := known[name]; !ok {
			d.failAt("machine.costs."+name, "unknown cost %q%s", name, program.Nearest(name, sortedKeys(known)))
		}
		cfg.Costs[name] = sim.Time(f.Machine.Costs[name])
	}
}

// checkName checks a name of the file's own.
func (d *decoder) checkName(path, name string) {
	if name == "" || len(name) > maxName {
		d.failAt(path, "%s: a name has 1 to %d characters", path, maxName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			d.failAt(path, "%s: the character %q cannot stand in a name", path, r)
		}
	}
}

func (d *decoder) shared(f *file) {
	seen := map[string]bool{}
	for i, name := range f.Shared {
		path := fmt.Sprintf("shared[%d]", i)
		d.checkName(path, name)
		if seen[name] {
			d.failAt(path, "%q stands here twice", name)
		}
		seen[name] = true
	}
}

func (d *decoder) threads(f *file, cfg *kernel.Config) {
	env := program.Env{Shared: f.Shared, ABI: abi(f)}
	seen := map[string]bool{}
	for i := range f.Threads {
		t := &f.Threads[i]
		d.checkName(fmt.Sprintf("threads[%d].name", i), t.Name)
		if seen[t.Name] {
			d.failAt(fmt.Sprintf("threads[%d].name", i), "a second thread %q", t.Name)
		}
		seen[t.Name] = true
		env.Threads = append(env.Threads, t.Name)
	}
	for i := range f.Threads {
		env.Self = i
		cfg.Threads = append(cfg.Threads, d.thread(i, &f.Threads[i], f, env))
	}
}

func (d *decoder) thread(i int, t *thread, f *file, env program.Env) kernel.ThreadConfig {
	base := fmt.Sprintf("threads[%d].", i)
	tc := kernel.ThreadConfig{Name: t.Name, CPU: -1, Process: t.Process}
	if t.CPU != nil {
		d.within(base+"cpu", *t.CPU, 0, f.Machine.CPUs-1)
		tc.CPU = *t.CPU
	}
	d.importance(base, t, f, &tc)
	switch {
	case t.Start == "spawned":
		tc.Spawned = true
	case t.Start != "":
		at, err := ParseDuration(t.Start)
		if err != nil {
			d.failAt(base+"start", "%sstart: %s", base, err)
		}
		tc.Start = at
	}
	p, err := program.Compile(string(t.Program), env)
	if err != nil {
		var pe *program.Error
		if errors.As(err, &pe) {
			d.fail(d.inside(base+"program", pe.Line, pe.Col), "%s", pe.Msg)
		}
		d.failAt(base+"program", "%s", err)
	}
	if err := abi(f).Check(p); err != nil {
		pe := err.(*program.Error)
		d.fail(d.inside(base+"program", pe.Line, pe.Col), "%s", pe.Msg)
	}
	d.fitsLow(base, i, p, f)
	tc.Program = p
	return tc
}

// fitsLow: int $0x80 passes addresses of 32 bits only.
func (d *decoder) fitsLow(base string, i int, p *program.Program, f *file) {
	switch {
	case f.Machine.Entry != "int80":
	case i >= program.LowThreads:
		d.failAt(base+"name", "machine.entry int80: only %d threads have room below 4 GiB", program.LowThreads)
	case len(p.Consts) > program.LowConsts:
		d.failAt(base+"program", "machine.entry int80: only %d strings have room below 4 GiB", program.LowConsts)
	}
}

// importance is a thread's nice value or priority, whichever its scheduler knows.
func (d *decoder) importance(base string, t *thread, f *file, tc *kernel.ThreadConfig) {
	name := f.Machine.Kernel.Scheduler
	if _, nice := d.at[base+"nice"]; nice && name != "eevdf" {
		d.failAt(base+"nice", "%snice: the scheduler %s knows no nice values", base, name)
	}
	if _, priority := d.at[base+"priority"]; priority && name != "rr" && name != "fifo" {
		d.failAt(base+"priority", "%spriority: the scheduler %s knows no priorities", base, name)
	}
	tc.Nice, tc.Priority = t.Nice, t.Priority
}

// flows notes the remote hosts that there are, and which of them listen.
func (d *decoder) flows(f *file, cfg *kernel.Config) {
	for _, name := range sortedKeys(f.Flows) {
		fl := f.Flows[name]
		path := "flows." + name
		d.checkName(path, name)
		from, _ := d.flow(path, &fl)
		if !slices.Contains(cfg.Hosts, from.Addr()) {
			cfg.Hosts = append(cfg.Hosts, from.Addr())
		}
		if fl.Listen {
			cfg.Listens = append(cfg.Listens, d.listener(path, name, &fl, from, cfg))
		}
	}
}

// listener reads a host that waits for connections.
func (d *decoder) listener(path, name string, fl *flow, at netip.AddrPort, cfg *kernel.Config) kernel.Listener {
	for _, other := range cfg.Listens {
		if other.At == at {
			d.failAt(path+".from", "%s.from: the flow %q listens at %s already", path, other.Flow, at)
		}
	}
	if ip := at.Addr(); ip == kernel.HostIP || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() {
		d.failAt(path+".from", "%s.from: %s is not a remote host's address", path, ip)
	}
	l := kernel.Listener{At: at, Flow: name}
	if a := fl.Answer; a != nil {
		l.Says, l.Fin, l.After = []byte(a.Data), a.Fin, sim.Time(a.After)
		if !l.Answers() {
			d.failAt(path+".answer", "%s.answer: an answer has data, or fin", path)
		}
	}
	return l
}

// alphabet is what an entry is filled with.
const alphabet = "abcdefghijklmnopqrstuvwxyz"

// carries reads what an entry brings: a UDP packet its data, a TCP flow data or
// a step of the connection, which begins with connect.
func (d *decoder) carries(base string, p *packet, fl *flow, out *kernel.Packets, connected map[[2]netip.AddrPort]bool) {
	switch {
	case p.Data != nil && p.Fill != 0:
		d.failAt(base, "%s: data or fill, not both", base)
	case p.Data != nil:
		out.Payload = []byte(*p.Data)
	case p.Fill != 0:
		d.within(base+".fill", int(p.Fill), 1, maxFill)
		out.Payload = bytes.Repeat([]byte(alphabet), int(p.Fill)/len(alphabet)+1)[:p.Fill]
	}
	carries := p.Data != nil || p.Fill != 0
	out.Proto, out.Connect, out.Fin, out.Rst = fl.Proto, p.Connect, p.Fin, p.Rst
	key := [2]netip.AddrPort{out.From, out.To}
	steps := 0
	for _, is := range []bool{p.Connect, p.Rst, carries || p.Fin} {
		if is {
			steps++
		}
	}
	switch {
	case fl.Proto != "tcp" && (p.Connect || p.Fin || p.Rst):
		d.failAt(base, "%s: connect, fin and rst are for TCP flows", base)
	case fl.Proto != "tcp" && !carries:
		d.failAt(base, "%s: a UDP packet needs data", base)
	case fl.Proto != "tcp" && len(out.Payload) > 1472:
		d.failAt(base, "%s: %d bytes of data; 1472 fit into one frame", base, len(out.Payload))
	case fl.Proto != "tcp":
	case steps != 1:
		d.failAt(base, "%s: an entry of a TCP flow has connect, rst, or data and fin", base)
	case p.Count != nil && (!carries || p.Fin):
		d.failAt(base+".count", "%s.count: only data can come several times", base)
	case fl.Listen && p.Connect:
		d.failAt(base, "%s: the flow %q listens: it is this machine that connects", base, p.Flow)
	case p.Connect && connected[key]:
		d.failAt(base, "%s: the flow %q has connected already", base, p.Flow)
	case !fl.Listen && !p.Connect && !connected[key]:
		d.failAt(base, "%s: the flow %q has not connected yet: it begins with connect: true", base, p.Flow)
	}
	connected[key] = true
}

// sortedKeys makes the first error of several the same in every run.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (d *decoder) flow(path string, fl *flow) (from, to netip.AddrPort) {
	from = d.address(path+".from", fl.From, false)
	switch {
	case fl.Listen && fl.Proto != "tcp":
		d.failAt(path+".listen", "%s.listen: only TCP hosts listen", path)
	case fl.Answer != nil && !fl.Listen:
		d.failAt(path+".answer", "%s.answer: only a host that listens answers: it needs listen: true", path)
	case fl.Listen && fl.To != "":
		d.failAt(path+".to", "%s.to: a host that listens takes connections from everywhere", path)
	case fl.Listen:
		return from, netip.AddrPort{}
	case fl.To == "":
		d.failAt(path, "%s: a flow needs to, or listen: true", path)
	}
	return from, d.address(path+".to", fl.To, true)
}

// address reads "ip:port"; ":port" is this machine's, where that is allowed.
func (d *decoder) address(path, s string, own bool) netip.AddrPort {
	text := s
	if own && strings.HasPrefix(s, ":") {
		text = kernel.HostIP.String() + s
	}
	ap, err := netip.ParseAddrPort(text)
	if err != nil || !ap.Addr().Is4() || ap.Port() == 0 {
		example := "10.0.0.2:5555"
		if own {
			example = ":7000"
		}
		d.failAt(path, "%s: %q is not an address: write it like %q", path, s, example)
	}
	return ap
}

func (d *decoder) expect(f *file) {
	names := threadNames(f)
	for _, name := range sortedKeys(f.Expect.Strace) {
		if !slices.Contains(names, name) {
			d.failAt("expect.strace."+name, "unknown thread %q%s", name, program.Nearest(name, names))
		}
	}
	counters := lanes.Counters(&kernel.Machine{})
	known := sortedKeys(counters)
	for _, name := range sortedKeys(f.Expect.Counters) {
		if _, ok := counters[name]; !ok {
			d.failAt("expect.counters."+name, "unknown counter %q%s", name, program.Nearest(name, known))
		}
	}
}
