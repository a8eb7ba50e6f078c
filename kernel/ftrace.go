package kernel

import (
	"fmt"
	"strings"

	"ringside/sim"
)

// FtraceHeader is what the kernel's trace file begins with, so that tools that
// read it recognise the columns.
const FtraceHeader = `# tracer: nop
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`

// Ftrace gives a record as a line of the kernel's trace file, or "" if it
// corresponds to no tracepoint. The machine's state must be the one after the
// record.
func (m *Machine) Ftrace(r *sim.Record) string {
	if r.Point == PointNone {
		return ""
	}
	comm, pid := "<...>", int32(0)
	if r.Task >= 0 {
		t := &m.Tasks[r.Task]
		if comm, pid = Printable(t.Name), t.PID; t.Idle {
			comm = "<idle>"
		}
	}
	us := int64(r.T / sim.Microsecond)
	return fmt.Sprintf("%16s-%-7d [%03d] %s %5d.%06d: %s", comm, pid, max(r.CPU, 0), flagLetters(r),
		us/1_000_000, us%1_000_000, m.ftraceEvent(r))
}

// flagLetters are the five columns of flags.
func flagLetters(r *sim.Record) string {
	b := []byte(".....")
	switch r.Flags & (FlagIRQsOff | FlagBHOff) {
	case FlagIRQsOff:
		b[0] = 'd'
	case FlagBHOff:
		b[0] = 'b'
	case FlagIRQsOff | FlagBHOff:
		b[0] = 'D'
	}
	if r.Flags&FlagNeedResched != 0 {
		b[1] = 'N'
	}
	switch r.Flags & (FlagHardirq | FlagSoftirq) {
	case FlagHardirq:
		b[2] = 'h'
	case FlagSoftirq:
		b[2] = 's'
	case FlagHardirq | FlagSoftirq:
		b[2] = 'H'
	}
	if r.Preempt > 0 {
		b[3] = "0123456789abcdef"[min(r.Preempt, 15)]
	}
	return string(b)
}

func (m *Machine) ftraceEvent(r *sim.Record) string {
	name := Points[r.Point][strings.IndexByte(Points[r.Point], ':')+1:]
	switch compat := m.ABI.Gate != 0; r.Point {
	case PointSysEnter:
		if compat {
			return m.compatEnterText(r)
		}
		return m.sysEnterText(r)
	case PointSysExit:
		if compat {
			return fmt.Sprintf("sys_exit: NR %d = %d", m.numberOf(r.Arg[0]), r.Arg[1])
		}
		return fmt.Sprintf("sys_%s -> %#x", sysNames[r.Arg[0]].name, uint64(r.Arg[1]))
	}
	return name + ": " + m.ftraceFields(r)
}

func (m *Machine) ftraceFields(r *sim.Record) string {
	switch r.Point {
	case PointIRQHandlerEntry:
		return fmt.Sprintf("irq=%d name=%s", r.Arg[0], m.actionName(r.Arg[0], r.Arg[1]))
	case PointIRQHandlerExit:
		return fmt.Sprintf("irq=%d ret=%s", r.Arg[0], [...]string{"handled", "unhandled"}[r.Arg[1]&1])
	case PointSoftirqRaise, PointSoftirqEntry, PointSoftirqExit:
		return fmt.Sprintf("vec=%d [action=%s]", r.Arg[0], SoftirqNames[r.Arg[0]])
	case PointNAPIGROReceive:
		s := &m.Skbs[r.Obj]
		return fmt.Sprintf("dev=eth0 napi_id=%#x queue_mapping=%d skbaddr=%016x vlan_tagged=0 vlan_proto=0x0000 vlan_tci=0x0000 "+
			"protocol=0x0800 ip_summed=%d hash=0x%08x l4_hash=%d len=%d data_len=0 truesize=%d mac_header_valid=1 mac_header=-14 "+
			"nr_frags=0 gso_size=0 gso_type=0x0", NAPIID(max(int32(s.RxQueue), 1)-1), s.RxQueue, SkbAddr(r.Obj), bit(s.Checked), s.Hash, bit(s.L4Hash), r.Arg[0], truesize(int32(r.Arg[0])))
	case PointNetDevQueue:
		return fmt.Sprintf("dev=%s skbaddr=%016x len=%d", devices[r.Arg[1]], SkbAddr(r.Obj), r.Arg[0])
	case PointNetifReceiveSkb, PointNetifRx:
		return fmt.Sprintf("dev=%s skbaddr=%016x len=%d", m.skbDevice(r.Obj), SkbAddr(r.Obj), r.Arg[0])
	case PointNetifRxEntry:
		return fmt.Sprintf("dev=lo napi_id=0x0 queue_mapping=0 skbaddr=%016x vlan_tagged=0 vlan_proto=0x0000 vlan_tci=0x0000 "+
			"protocol=0x0800 ip_summed=3 len=%d", SkbAddr(r.Obj), r.Arg[0])
	case PointNetDevStartXmit:
		return fmt.Sprintf("dev=%s queue_mapping=0 skbaddr=%016x vlan_tagged=0 vlan_proto=0x0000 vlan_tci=0x0000 "+
			"protocol=0x0800 ip_summed=3 len=%d data_len=0 network_offset=14", devices[r.Arg[1]], SkbAddr(r.Obj), r.Arg[0])
	case PointNetDevXmit:
		return fmt.Sprintf("dev=%s skbaddr=%016x len=%d rc=0", devices[r.Arg[1]], SkbAddr(r.Obj), r.Arg[0])
	case PointNAPIPoll:
		return fmt.Sprintf("napi poll on napi struct %016x for device %s work %d budget %d", uint64(napiAddr)+uint64(r.Obj)*0x1000,
			m.napiDevice(r.Obj), r.Arg[0], r.Arg[1])
	case PointInetSockSetState:
		s := &m.Socks[r.Obj]
		return fmt.Sprintf("family=AF_INET protocol=IPPROTO_TCP sport=%d dport=%d saddr=%s daddr=%s oldstate=%s newstate=%s",
			s.Local.Port, s.Peer.Port, ipString(s.Local.IP), ipString(s.Peer.IP), TCPStates[r.Arg[0]], TCPStates[r.Arg[1]])
	case PointTCPRetransmitSkb:
		s := &m.Socks[r.Obj]
		from, to := ipString(s.Local.IP), ipString(s.Peer.IP)
		return fmt.Sprintf("skbaddr=%016x skaddr=%016x family=AF_INET sport=%d dport=%d saddr=%s daddr=%s saddrv6=::ffff:%s daddrv6=::ffff:%s state=%s err=0",
			SkbAddr(SkbID(r.Arg[0])), uint64(sockAddr)+uint64(r.Obj)*0x800, s.Local.Port, s.Peer.Port, from, to, from, to, TCPStates[r.Arg[1]])
	case PointConsumeSkb, PointKfreeSkb:
		return fmt.Sprintf("skbaddr=%016x", SkbAddr(r.Obj))
	case PointSkDataReady:
		k := m.sockKind(r.Obj)
		return fmt.Sprintf("family=%d protocol=%d func=sock_def_readable", k.domain, k.protocol)
	case PointSockSendLength, PointSockRecvLength:
		k := m.sockKind(r.Obj)
		return fmt.Sprintf("sk address = %016x, family = %s protocol = %s, length = %d, error = %d, flags = 0x0",
			uint64(sockAddr)+uint64(r.Obj)*0x800, k.domainName, k.protocolName, max(r.Arg[0], 0), min(r.Arg[0], 0))
	case PointSchedWaking, PointSchedWakeup, PointSchedWakeupNew:
		t := &m.Tasks[r.Obj]
		return fmt.Sprintf("comm=%s pid=%d prio=%d target_cpu=%03d", Printable(t.Name), t.PID, t.Prio, r.Arg[0])
	case PointSchedSwitch:
		p, n := &m.Tasks[r.Arg[0]], &m.Tasks[r.Obj]
		return fmt.Sprintf("prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s ==> next_comm=%s next_pid=%d next_prio=%d",
			Printable(p.Name), p.PID, p.Prio, TaskState(r.Arg[1]).Letter(), Printable(n.Name), n.PID, n.Prio)
	case PointSignalGenerate:
		t := &m.Tasks[r.Obj]
		return fmt.Sprintf("sig=%d errno=0 code=%d comm=%s pid=%d grp=0 res=0", r.Arg[0], signalCode(r), Printable(t.Name), t.PID)
	case PointSignalDeliver:
		return fmt.Sprintf("sig=%d errno=0 code=%d sa_handler=%x sa_flags=14000000", r.Arg[0], signalCode(r), m.Text.Addr(fnSigHandler, 0))
	case PointProcessExit:
		t := &m.Tasks[r.Obj]
		return fmt.Sprintf("comm=%s pid=%d prio=%d", Printable(t.Name), t.PID, t.Prio)
	case PointLocalTimerEntry, PointLocalTimerExit:
		return fmt.Sprintf("vector=%d", VectorTimer)
	case PointReschedEntry, PointReschedExit:
		return fmt.Sprintf("vector=%d", VectorResched)
	case PointCallSingleEntry, PointCallSingleExit:
		return fmt.Sprintf("vector=%d", VectorCallSingle)
	case PointHrtimerStart:
		return fmt.Sprintf("hrtimer=%016x function=%s expires=%d", uint64(timerAddr), timerNames[r.Arg[0]], r.Arg[1])
	case PointHrtimerExpireEntry:
		return fmt.Sprintf("hrtimer=%016x function=%s now=%d", uint64(timerAddr), timerNames[r.Arg[0]], int64(r.T))
	case PointHrtimerExpireExit:
		return fmt.Sprintf("hrtimer=%016x", uint64(timerAddr))
	case PointTimerExpireEntry:
		jiffies := int64(r.T / m.tickPeriod())
		return fmt.Sprintf("timer=%016x function=%s now=%d baseclk=%d", wheelAddr(r), wheelNames[r.Arg[0]], jiffies, jiffies)
	case PointTimerExpireExit:
		return fmt.Sprintf("timer=%016x", wheelAddr(r))
	case PointPageFaultUser, PointPageFaultKernel:
		return fmt.Sprintf("address=%#x ip=%s error_code=%#x", uint64(r.Arg[0]), m.faultIP(r), r.Arg[1])
	case PointIPISendCPU:
		return fmt.Sprintf("cpu=%d callsite=ttwu_queue_wakelist callback=generic_smp_call_function_single_interrupt", r.Arg[0])
	}
	return ""
}

// signalCode is a signal's si_code: that of a fault, or SI_TKILL.
func signalCode(r *sim.Record) int64 {
	if r.Arg[1] != 0 {
		return r.Arg[1]
	}
	return -6
}

// faultIP names the instruction that has faulted, as %ps does.
func (m *Machine) faultIP(r *sim.Record) string {
	ip := uint64(pushedWords(&m.Context(TaskID(r.Task)).Kernel).L[4])
	if fn := (ip - kernelBase) / codeStride; ip >= kernelBase && fn < uint64(len(m.Text.Codes)) {
		return m.Text.Codes[fn].Name
	}
	return fmt.Sprintf("%#x", ip)
}

// Addresses that tracepoints print, typical of the kernel's direct map.
const (
	skbBase   = 0xffff888003a00000
	napiAddr  = 0xffff888001c40200
	timerAddr = 0xffff888007a1c0e0
	sockAddr  = 0xffff888005b80000
)

// napiDevice is the device of a NAPI instance.
func (m *Machine) napiDevice(id int32) string {
	if int(id) == m.backlogNAPI() {
		return "(no_device)"
	}
	return "eth0"
}

func bit(set bool) int {
	if set {
		return 1
	}
	return 0
}

// NAPIID is the number by which programs know the instance of a receive queue
// (SO_INCOMING_NAPI_ID): it begins where a core's number cannot be
// (MIN_NAPI_ID, with 8192 cores).
func NAPIID(queue int32) int32 { return 0x2001 + queue }

// devices are the network devices that packets leave through.
var devices = [...]string{"lo", "eth0"}

// skbDevice is the device that a packet came in on.
func (m *Machine) skbDevice(skb SkbID) string {
	if m.Skbs[skb].Frame != None {
		return "eth0"
	}
	return "lo"
}

// SkbAddr is where an skb lies in kernel memory.
func SkbAddr(id SkbID) uint64 { return skbBase + uint64(id)*0x100 }

var wheelNames = [...]string{WheelTCPWrite: "tcp_write_timer", WheelTCPDelack: "tcp_delack_timer", WheelRequest: "reqsk_timer_handler"}

// wheelAddr is where a timer of the wheel lies: in its socket or request.
func wheelAddr(r *sim.Record) uint64 {
	return timerAddr + uint64(r.Arg[0]+1)<<24 + uint64(r.Arg[1])*0x800
}

var timerNames = [...]string{TimerTick: "tick_nohz_handler", TimerWakeup: "hrtimer_wakeup", TimerFile: "timerfd_tmrproc"}

// sysName is a system call's name and parameters, as ftrace prints them.
type sysName struct {
	name   string
	params []string
}

var sysNames = map[int64]sysName{
	nrRead:         {"read", []string{"fd", "buf", "count"}},
	nrWrite:        {"write", []string{"fd", "buf", "count"}},
	nrClose:        {"close", []string{"fd"}},
	nrSchedYield:   {"sched_yield", nil},
	nrNanosleep:    {"nanosleep", []string{"rqtp"}},
	nrGetpid:       {"getpid", nil},
	nrSocket:       {"socket", []string{"family", "type", "protocol"}},
	nrRecvfrom:     {"recvfrom", []string{"fd", "ubuf", "size", "flags"}},
	nrBind:         {"bind", []string{"fd", "umyaddr"}},
	nrExit:         {"exit", []string{"error_code"}},
	nrFcntl:        {"fcntl", []string{"fd", "cmd", "arg"}},
	nrGettid:       {"gettid", nil},
	nrEpollCreate:  {"epoll_create", []string{"size"}},
	nrEpollWait:    {"epoll_wait", []string{"epfd", "events", "maxevents", "timeout"}},
	nrEpollCtl:     {"epoll_ctl", []string{"epfd", "op", "fd", "events"}},
	nrEpollCreate1: {"epoll_create1", []string{"flags"}},
	nrPoll:         {"poll", []string{"ufds", "nfds", "timeout_msecs"}},
	nrPpoll:        {"ppoll", []string{"ufds", "nfds", "tsp", "sigmask"}},
	nrSelect:       {"select", []string{"n", "inp", "outp", "exp", "tvp"}},
	nrDup:          {"dup", []string{"fildes"}},
	nrDup2:         {"dup2", []string{"oldfd", "newfd"}},
	nrPipe2:        {"pipe2", []string{"flags"}},
	nrSocketpair:   {"socketpair", []string{"family", "type", "protocol"}},
	nrEventfd2:     {"eventfd2", []string{"count", "flags"}},
	nrTimerfd:      {"timerfd_create", []string{"clockid", "flags"}},
	nrTimerfdSet:   {"timerfd_settime", []string{"ufd", "flags", "interval", "first"}},
	nrMemfd:        {"memfd_create", []string{"uname", "flags"}},
	nrListen:       {"listen", []string{"fd", "backlog"}},
	nrAccept:       {"accept", []string{"fd"}},
	nrAccept4:      {"accept4", []string{"fd", "flags"}},
	nrConnect:      {"connect", []string{"fd", "uservaddr"}},
	nrSendto:       {"sendto", []string{"fd", "buff", "len", "flags", "addr"}},
	nrShutdown:     {"shutdown", []string{"fd", "how"}},
	nrSetsockopt:   {"setsockopt", []string{"fd", "level", "optname", "optval"}},
	nrGetsockopt:   {"getsockopt", []string{"fd", "level", "optname", "optval"}},
	nrEpollPwait:   {"epoll_pwait", []string{"epfd", "events", "maxevents", "timeout", "sigmask"}},
	nrEpollPwait2:  {"epoll_pwait2", []string{"epfd", "events", "maxevents", "timeout", "sigmask"}},
	nrDup3:         {"dup3", []string{"oldfd", "newfd", "flags"}},
	nrPselect6:     {"pselect6", []string{"n", "inp", "outp", "exp", "tsp", "sig"}},
	nrRtSigaction:  {"rt_sigaction", []string{"sig", "flags"}},
	nrRtSigreturn:  {"rt_sigreturn", nil},
	nrTgkill:       {"tgkill", []string{"tgid", "pid", "sig"}},
}

// SysName is a system call's name.
func SysName(nr int64) string {
	if s, ok := sysNames[nr]; ok {
		return s.name
	}
	return fmt.Sprintf("%d", nr)
}

func (m *Machine) sysEnterText(r *sim.Record) string {
	s, args := sysNames[r.Arg[0]], m.Tasks[r.Task].Call.Args
	var b strings.Builder
	fmt.Fprintf(&b, "sys_%s(", s.name)
	for i, p := range s.params {
		if i > 0 {
			b.WriteString(", ")
		}
		arg := uint64(args[i])
		if args[i] < 0 {
			arg = uint64(uint32(arg)) // int parameters are passed in half a register
		}
		fmt.Fprintf(&b, "%s: %x", p, arg)
	}
	b.WriteByte(')')
	return b.String()
}
