package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ringside/kernel/program"
	"ringside/sim"
)

// Several cores at once. One step is atomic, but a kernel function is several
// steps, and steps of other cores fall between: whatever a function holds across
// them has to be locked, referenced or looked at again. Threads that share
// descriptors hammer on them here, with costs that make the steps of the cores
// meet in every order.

// stressShared are the variables that the threads of a process share. Those that
// nobody has set yet are 0, which is a descriptor too.
var stressShared = []string{"s", "u", "r", "w", "e", "x", "y", "g", "h", "tf", "ep", "eq", "d"}

// stressSetup makes the descriptors.
var stressSetup = []string{
	"sigaction(SIGUSR1, 0)", "sigaction(SIGPIPE, 0)",
	"s = socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")",
	"u = socket(AF_INET, SOCK_DGRAM, 0)\nconnect(u, \"127.0.0.1:7000\")",
	"r, w = pipe2(0)",
	"e = eventfd(0, 0)",
	"x, y = socketpair(AF_UNIX, SOCK_STREAM, 0)",
	"g, h = socketpair(AF_UNIX, SOCK_DGRAM, 0)",
	"tf = timerfd_create(CLOCK_MONOTONIC, 0)",
	"ep = epoll_create1(0)\nepoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)\nepoll_ctl(ep, EPOLL_CTL_ADD, r, EPOLLIN)\nepoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN|EPOLLET)",
	"eq = epoll_create1(0)\nepoll_ctl(eq, EPOLL_CTL_ADD, ep, EPOLLIN)",
}

// stressAgain make some anew.
var stressAgain = []string{
	"close(s)\ns = socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")", "close(r)\nclose(w)\nr, w = pipe2(0)", "close(e)\ne = eventfd(0, 0)",
	"close(x)\nclose(y)\nx, y = socketpair(AF_UNIX, SOCK_STREAM, 0)", "close(g)\nclose(h)\ng, h = socketpair(AF_UNIX, SOCK_DGRAM, 0)",
	"close(tf)\ntf = timerfd_create(CLOCK_MONOTONIC, 0)", "close(ep)\nep = epoll_create1(0)", "close(eq)\neq = epoll_create1(0)",
}

// stressCalls are calls on one descriptor: $fd stands for any, $ep for an epoll
// instance, $ns for a number.
var stressCalls = []string{
	"read($fd, buf, 64)", "write($fd, buf, 64)", "write($fd, \"\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\")", "recv($fd, buf, 64, MSG_DONTWAIT)", "recv($fd, buf, 8, MSG_DONTWAIT|MSG_PEEK)",
	"send($fd, buf, 64, MSG_DONTWAIT|MSG_NOSIGNAL)", "close(d)\nd = dup($fd)", "dup2($fd, d)", "close(d)", "fcntl($fd, F_SETFL, O_NONBLOCK)", "fcntl($fd, F_SETFL, 0)",
	"epoll_ctl($ep, EPOLL_CTL_ADD, $fd, EPOLLIN)", "epoll_ctl($ep, EPOLL_CTL_ADD, $fd, EPOLLIN|EPOLLOUT|EPOLLET)", "epoll_ctl($ep, EPOLL_CTL_ADD, $fd, EPOLLIN|EPOLLEXCLUSIVE)",
	"epoll_ctl($ep, EPOLL_CTL_MOD, $fd, EPOLLIN|EPOLLONESHOT)", "epoll_ctl($ep, EPOLL_CTL_MOD, $fd, EPOLLIN|EPOLLOUT)", "epoll_ctl($ep, EPOLL_CTL_DEL, $fd, 0)",
	"epoll_wait($ep, events, 4, 0)", "epoll_wait($ep, events, 4, 1)", "epoll_wait($ep, events, 1, -1)", "epoll_pwait2($ep, events, 4, $ns*ns, 0)",
	"p = []pollfd{{$fd, POLLIN}, {$fd, POLLIN|POLLOUT}, {$ep, POLLIN}}\nppoll(p, 3, $ns*ns)", "p = []pollfd{{$fd, POLLIN}, {$ep, POLLIN}, {$fd, POLLPRI}}\npoll(p, 3, -1)",
	"n = $fd & 63\nq = fd_set(n, $ep & 63)\nselect(64, q, q, NULL, $ns*ns)", "n = $fd & 63\nq = fd_set(n)\nselect(n+1, q, NULL, NULL, NULL)",
}

// stressOthers are calls of other kinds.
var stressOthers = []string{
	"timerfd_settime(tf, 0, $ns*ns, $ns*ns)", "timerfd_settime(tf, 0, 0, $ns*ns)", "timerfd_settime(tf, 0, 0, 0)", "eventfd_write(e, 3)", "eventfd_read(e)",
	"fcntl(r, F_SETPIPE_SZ, 4096)", "write(w, big, 9000)", "write(x, big, 9000)", "read(r, big, 9000)", "read(y, big, 9000)", "sendto(u, buf, 9, 0, \"127.0.0.1:7000\")", "send(u, buf, 9, 0)",
	"sched_yield()", "nanosleep($ns*ns)", "compute($ns*ns)", "sigaction(SIGUSR1, SA_RESTART)", "sigaction(SIGUSR1, 0)",
	"tgkill(t0, SIGUSR1)", "tgkill(t1, SIGUSR1)", "tgkill(t2, SIGUSR1)",
}

// stressSleeps put threads to sleep and wake others, again and again.
var stressSleeps = []string{
	"eventfd_read(e)", "eventfd_write(e, 1)", "read(r, buf, 64)", "write(w, buf, 64)", "read(s, buf, 64)", "send(u, buf, 9, 0)", "read(x, buf, 64)", "write(y, buf, 64)",
	"read(g, buf, 64)", "write(h, buf, 64)", "epoll_wait(ep, events, 4, -1)", "epoll_wait(eq, events, 4, -1)", "epoll_pwait2(ep, events, 4, $ns*ns, 0)",
	"timerfd_settime(tf, 0, 0, $ns*ns)", "read(tf, buf, 8)", "nanosleep($ns*ns)", "sched_yield()", "tgkill(t1, SIGUSR1)", "p = []pollfd{{r, POLLIN}, {e, POLLIN}, {s, POLLIN}}\nppoll(p, 3, $ns*ns)",
}

// stressRare are drawn now and then: they end something for good.
var stressRare = []string{
	"close($fd)", "shutdown($fd, SHUT_RDWR)", "shutdown($fd, SHUT_WR)", "dup2($fd, $fd)", "exit(3)", "tgkill(t0, SIGTERM)", "tgkill(t1, SIGKILL)",
}

// stressPoke wakes whoever sleeps, so that a run does not end too soon.
const stressPoke = `eventfd_write(e, 1)
write(w, "x", 1)
write(y, "x", 1)
write(h, "x", 1)
send(u, "x", 1, 0)
timerfd_settime(tf, 0, 0, 200*ns)
`

// stressLines draws the lines that the threads choose from. There are few of
// them, on few descriptors, so that the threads meet.
func stressLines(t *rapid.T) []string {
	pick := func(from []string) string { return rapid.SampledFrom(from).Draw(t, "pick") }
	few := rapid.SliceOfN(rapid.SampledFrom(stressShared), 2, 5).Draw(t, "descriptors")
	ns := rapid.SampledFrom([]int{60, 600, 6000}).Draw(t, "most")
	calls, others := stressCalls, stressOthers
	if rapid.Bool().Draw(t, "only sleeps") {
		calls, others = stressSleeps, stressSleeps
	}
	lines := make([]string, rapid.IntRange(2, 20).Draw(t, "lines"))
	for i := range lines {
		line := ""
		switch k := rapid.IntRange(0, 49).Draw(t, "kind"); {
		case k == 49:
			line = pick(stressAgain)
		case k >= 47:
			line = pick(stressRare)
		case k >= 30:
			line = pick(others)
		default:
			line = pick(calls)
		}
		for _, hole := range []struct {
			name string
			fill func() string
		}{
			{"$fd", func() string { return pick(few) }},
			{"$ep", func() string { return pick([]string{"ep", "eq"}) }},
			{"$ns", func() string { return fmt.Sprint(rapid.IntRange(0, ns).Draw(t, "ns")) }},
		} {
			for strings.Contains(line, hole.name) {
				line = strings.Replace(line, hole.name, hole.fill(), 1)
			}
		}
		lines[i] = line
	}
	return lines
}

// stressConfig draws a machine and what runs on it. The last thread is not
// started: it kills the others once nothing is left to happen.
func stressConfig(t *rapid.T) *Config {
	cores := rapid.IntRange(2, 4).Draw(t, "cores")
	names := []string{"t0", "t1", "t2", "t3", "t4", "t5"}[:rapid.IntRange(3, 6).Draw(t, "threads")]
	env := program.Env{Shared: stressShared, Threads: append(slices.Clone(names), "poker", "reaper")}
	cfg := config(cores, nil)
	add := func(tc ThreadConfig, src string) {
		p, err := program.Compile(src, env)
		if err != nil {
			t.Fatalf("%v in\n%s", err, src)
		}
		tc.Program = p
		cfg.Threads = append(cfg.Threads, tc)
	}
	lines := stressLines(t)
	split := rapid.IntRange(2, 6).Draw(t, "of the first process")
	for i, name := range names {
		var b strings.Builder
		b.WriteString("var events [4]epoll_event\nvar buf [64]byte\nvar big [9000]byte\nn := 0\np := []pollfd{{n, POLLIN}, {n, POLLIN}, {n, POLLIN}}\nq := fd_set(n)\n")
		tc := ThreadConfig{Name: name, CPU: max(-1, rapid.IntRange(-3, cores-1).Draw(t, "cpu")), Start: sim.Time(rapid.IntRange(0, 9000).Draw(t, "start"))}
		if i >= split {
			tc.Process = "other"
		}
		if i == 0 || i == split {
			b.WriteString(strings.Join(stressSetup, "\n") + "\n")
		}
		fmt.Fprintf(&b, "for i := 0; i < %d; i++ {\n", rapid.IntRange(10, 30).Draw(t, "rounds"))
		for range rapid.IntRange(4, 12).Draw(t, "lines") {
			b.WriteString(rapid.SampledFrom(lines).Draw(t, "line") + "\n")
		}
		b.WriteString("n = n * 2\np = []pollfd{{n, POLLIN}, {n, POLLIN}, {n, POLLIN}}\nq = fd_set(n)\n}\n")
		t.Logf("%s on %d in %q:\n%s", name, tc.CPU, tc.Process, b.String())
		add(tc, b.String())
	}
	poke, reap := stressPoke, ""
	for _, name := range names {
		poke += "tgkill(" + name + ", SIGUSR1)\n"
		reap += "tgkill(" + name + ", SIGKILL)\n"
	}
	reap += "tgkill(poker, SIGKILL)\n"
	poke = fmt.Sprintf("for i := 0; i < %d; i++ {\nnanosleep(%d*ns)\n%s}", rapid.IntRange(0, 40).Draw(t, "pokes"), rapid.IntRange(0, 9000).Draw(t, "poke"), poke)
	add(ThreadConfig{Name: "poker", CPU: -1, Start: 20 * sim.Microsecond}, poke)
	add(ThreadConfig{Name: "reaper", Process: "reaper", CPU: -1, Spawned: true}, reap)
	cfg.Shared = stressShared
	cfg.ABI = rapid.SampledFrom([]program.ABI{program.LinuxAMD64, program.LinuxARM64, program.LinuxInt80}).Draw(t, "abi")
	cfg.Params.Scheduler = rapid.SampledFrom([]Scheduler{EEVDF, EEVDF, RR, FIFO, Cooperative}).Draw(t, "scheduler")
	cfg.Params.Slice = sim.Time(rapid.SampledFrom([]int{2_000, 100_000, 3_000_000}).Draw(t, "slice"))
	cfg.Params.RMem = rapid.SampledFrom([]int{3000, 212992}).Draw(t, "rmem")
	cfg.Params.BusyPoll = sim.Time(rapid.SampledFrom([]int{0, 0, 900}).Draw(t, "busy poll"))
	cfg.Params.NoNAPI = rapid.IntRange(0, 3).Draw(t, "napi") == 3
	if cfg.ABI == program.LinuxAMD64 {
		anyInterrupts(t, cfg)
	}
	for range rapid.IntRange(0, 3).Draw(t, "packets") {
		p := packet(sim.Time(rapid.IntRange(0, 50_000).Draw(t, "at")), 7000, "from the wire")
		p.Count, p.Every = rapid.IntRange(1, 20).Draw(t, "count"), sim.Time(rapid.IntRange(300, 9000).Draw(t, "every"))
		cfg.Wire = append(cfg.Wire, p)
	}
	cfg.Costs = stressCosts(t)
	return cfg
}

// stressCosts draws how long steps take: near each other, so that those of the
// cores meet in every order, but now and then one is long.
func stressCosts(t *rapid.T) map[string]sim.Time {
	costs := map[string]sim.Time{"socket": 50, "exit": 50}
	rand := sim.NewRand(rapid.Uint64().Draw(t, "costs"))
	if most := rapid.SampledFrom([]int{0, 10, 100, 900}).Draw(t, "cost"); most > 0 {
		for _, row := range costTable[1:] {
			costs[row.name] = sim.Time(rand.IntN(most))
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "long") {
		costs[costTable[1+rand.IntN(len(costTable)-1)].name] = sim.Time(rand.IntN(4000))
	}
	return costs
}

// stressSteps is how many steps a program of the test needs at the very most.
const stressSteps = 400_000

// fatalLogger is what a *testing.T and a *rapid.T have in common.
type fatalLogger interface {
	Fatalf(string, ...any)
	Logf(string, ...any)
}

// runChecked runs a machine until nothing is left to happen, with checks on
// the way.
func runChecked(t fatalLogger, m *Machine) {
	var last [60]sim.Record
	defer func() {
		if p := recover(); p != nil {
			for seq := max(0, m.Seq-sim.Seq(len(last))+1); seq <= m.Seq; seq++ {
				t.Logf("%s", m.StepText(&last[seq%60], seq))
			}
			t.Fatalf("%v", p)
		}
	}()
	for i := 0; m.Step(&last[m.Seq%60]); i++ {
		if i%3 == 0 { // what is broken stays broken
			if err := m.check(); err != nil {
				panic(err)
			}
		}
		if i > stressSteps {
			panic("no end in sight")
		}
	}
	if m.Fault != "" {
		panic("the machine gave up: " + m.Fault)
	}
}

// TestStress: whatever the cores do to each other, the books agree at every
// step, nobody sleeps on what has happened, and when all are dead nothing is
// left.
func TestStress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := New(stressConfig(t))
		if err != nil {
			t.Fatal(err)
		}
		runChecked(t, m)
		if err := m.checkQuiescent(); err != nil {
			t.Fatal(err)
		}
		m.Queue.Push(sim.Event{At: m.Now + 1, Cause: sim.NoSeq, Kind: evStart, A: int32(len(m.Tasks) - 1)})
		runChecked(t, m)
		if err := m.checkNothingLeft(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestStressRewind: forward, back and forward again is exact here too; the
// timeline itself compares the records.
func TestStressRewind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := New(stressConfig(t))
		if err != nil {
			t.Fatal(err)
		}
		tl := sim.NewTimeline(m, Fresh, sim.Options{Every: 128, Check: true})
		tl.Run(5000)
		end := Fresh()
		end.CopyFrom(tl.Machine())
		n := tl.Len()
		for range 3 {
			tl.Seek(sim.Seq(rapid.IntRange(0, int(n)).Draw(t, "to")))
		}
		tl.Seek(n)
		if d := sameState(end, tl.Machine()); d != "" {
			t.Fatalf("back and forward again:\n%s", d)
		}
	})
}

// checkQuiescent: when nothing is left to happen, all cores are idle with all
// locks free, and who sleeps has reason to.
func (m *Machine) checkQuiescent() error {
	for i := range m.CPUs {
		if k := &m.CPUs[i]; k.Current != k.Idle || k.Pending != 0 || len(k.Wake) > 0 || k.Backlog.Len > 0 {
			return fmt.Errorf("core %d halts with work to do: runs %s, softirqs %#x, %d on the wake list", i, m.Tasks[k.Current].Name, k.Pending, len(k.Wake))
		}
	}
	for q := range m.Queues {
		if m.Queues[q].Walker != 0 {
			return fmt.Errorf("wait queue %d is locked by core %d", q, m.Queues[q].Walker-1)
		}
	}
	for ep := range m.Eps {
		if m.Eps[ep].Locked {
			return fmt.Errorf("instance %d is locked", ep)
		}
	}
	for epi := range m.Epis {
		it := &m.Epis[epi]
		if it.InUse && it.Events&EPOLLET == 0 && it.Events&^epPrivateBits != 0 && !it.OnReady && m.pollMask(it.File)&it.Events != 0 {
			return fmt.Errorf("item %d of instance %d is ready (%#x) and not on the ready list", epi, it.Ep, m.pollMask(it.File)&it.Events)
		}
	}
	for id := range m.Tasks {
		t := &m.Tasks[id]
		if t.Thread == None || t.State == Dead || t.State == NotStarted {
			continue
		}
		if t.State != Interruptible || t.signalPending() {
			return fmt.Errorf("%s is in state %s, with signals %#x", t.Name, t.State.Letter(), t.SigPending)
		}
		if why := m.sleepsOver(t); why != "" {
			return fmt.Errorf("%s sleeps, but %s", t.Name, why)
		}
	}
	return nil
}

// sleepsOver tells what a sleeping task has missed, if anything.
func (m *Machine) sleepsOver(t *Task) string {
	known := false
	for _, f := range t.Ctx.Kernel.F {
		missed := false
		known = true
		switch f.Code {
		case fnPipeRead:
			missed = m.pipeOf(f.L[ppFile]).readable()
		case fnPipeWrite:
			missed = m.pipeOf(f.L[ppFile]).writable()
		case fnEventfdRead:
			missed = m.eventfdOf(f.L[efFile]).Count > 0
		case fnEventfdWrite:
			missed = math.MaxUint64-m.eventfdOf(f.L[efFile]).Count > uint64(f.L[efValue])
		case fnTimerfdRead:
			missed = m.timerfdOf(f.L[efFile]).Ticks > 0
		case fnSkbWaitForMore, fnUnixStreamDataWait:
			s := &m.Socks[f.L[0]]
			missed = s.First != None || s.Err != 0 || s.Shutdown&rcvShutdown != 0
		case fnSockWaitForWmem:
			s := &m.Socks[f.L[0]]
			missed = m.unixWritable(SockID(f.L[0])) || s.Err != 0 || s.Shutdown&sendShutdown != 0
		case fnEpPoll:
			missed = m.epAvailable(EpID(f.L[epEp]))
		case fnDoPoll:
			for p := m.Bufs[f.L[dpBuf]]; len(p) > 0; p = p[pollfdBytes:] {
				missed = missed || m.missedPoll(t, int64(int32(binary.LittleEndian.Uint32(p))), uint32(binary.LittleEndian.Uint16(p[pollfdEvents:]))|EPOLLERR|EPOLLHUP)
			}
		case fnDoSelect:
			for fd := range f.L[dsN] {
				if m.isSet(&f, 0, fd) {
					missed = missed || m.missedPoll(t, fd, uint32(selectSets[0]))
				}
			}
		default:
			known = false
		}
		if missed {
			return "what " + m.Text.Codes[f.Code].Name + " waits for is so"
		}
		if known {
			return ""
		}
	}
	return "nothing can wake it"
}

// missedPoll: the file that the thread has queued itself on has news. A number
// may lead to another file by now.
func (m *Machine) missedPoll(t *Task, fd int64, events uint32) bool {
	if fd < 0 || int(fd) >= len(m.Procs[t.Proc].FDs) {
		return false
	}
	file := m.Procs[t.Proc].FDs[fd]
	for w := t.PollTable; w != None; w = m.Waits[w].Chain {
		if m.Waits[w].File == file && m.pollMask(file)&m.Waits[w].Key&events != 0 {
			return true
		}
	}
	return false
}

// pollMask is what a file's poll operation would answer, as far as a wakeup goes
// with it. An epoll instance is left out: it is ready if one of its items is.
func (m *Machine) pollMask(file FileID) uint32 {
	mask := uint32(0)
	set := func(bits uint32, if_ bool) {
		if if_ {
			mask |= bits
		}
	}
	f := &m.Files[file]
	switch f.Kind {
	case FilePipe:
		p := &m.Pipes[f.Obj]
		if f.Flags&oAccMode == oRdonly {
			set(EPOLLIN, len(p.Bufs) > 0)
			set(EPOLLHUP, p.Writers == 0)
		} else {
			set(EPOLLOUT, !p.full())
			set(EPOLLERR, p.Readers == 0)
		}
	case FileEventFD:
		e := &m.EventFDs[f.Obj]
		set(EPOLLIN, e.Count > 0)
		set(EPOLLOUT, e.Count < math.MaxUint64-1)
	case FileTimerFD:
		set(EPOLLIN, m.TimerFDs[f.Obj].Ticks > 0)
	case FileSocket:
		s := &m.Socks[f.Obj]
		set(EPOLLIN, s.First != None || s.Shutdown&rcvShutdown != 0)
		set(EPOLLERR, s.Err != 0)
		set(EPOLLHUP, s.Shutdown == rcvShutdown|sendShutdown)
		set(EPOLLOUT, s.Kind != SockUDP && m.unixWritable(f.Obj))
	}
	return mask
}

// checkNothingLeft: all threads are dead, and what they had was given back.
func (m *Machine) checkNothingLeft() error {
	for id := range m.Tasks {
		if t := &m.Tasks[id]; t.Thread != None && t.State != Dead {
			return fmt.Errorf("%s lives, in state %s", t.Name, t.State.Letter())
		}
	}
	for file := range m.Files {
		if f := &m.Files[file]; f.Kind != FileNone && f.Kind != FileConsole {
			return fmt.Errorf("file %d is still open", file)
		}
	}
	for w := range m.Waits {
		if m.Waits[w].Func != WaitNone {
			return fmt.Errorf("entry %d (%s) is left", w, WaitFuncNames[m.Waits[w].Func])
		}
	}
	for epi := range m.Epis {
		if m.Epis[epi].InUse {
			return fmt.Errorf("item %d is left", epi)
		}
	}
	for s := range m.Skbs {
		if m.Skbs[s].InUse {
			return fmt.Errorf("packet %d is left", s)
		}
	}
	if n := len(m.Bufs) - len(m.freeBufs); n != 0 {
		return fmt.Errorf("%d pieces of memory are left", n)
	}
	for i := range m.CPUs {
		if n := len(m.CPUs[i].Timers); n > 0 {
			return fmt.Errorf("core %d: %d timers are left", i, n)
		}
	}
	return nil
}
