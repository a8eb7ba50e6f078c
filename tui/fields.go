package tui

import (
	"fmt"
	"reflect"
	"strings"

	"ringside/cpu"
	"ringside/kernel"
)

// What the inspector shows of each kind of object. A row is a field: its name in
// the model, its name in Linux, what it is.

// coreView is a core: what the processor has, and what the kernel keeps for it.
type coreView struct {
	Core *cpu.Core
	CPU  *kernel.CPU
}

// kindTables are all kinds. It is filled by init, since the tables speak of each
// other.
var kindTables [numRefs]kindTable

func init() {
	kindTables = [numRefs]kindTable{
		refNone:    {len: func(*kernel.Machine) int { return 0 }},
		refTask:    taskTable,
		refSock:    sockTable,
		refTCP:     tcpTable,
		refSkb:     skbTable,
		refEp:      epTable,
		refEpi:     epiTable,
		refQueue:   queueTable,
		refWait:    waitTable,
		refPipe:    pipeTable,
		refEventFD: eventfdTable,
		refTimerFD: timerfdTable,
		refMemFD:   memfdTable,
		refFile:    fileTable,
		refNapi:    napiTable,
		refCore:    coreTable,
		refAPIC:    apicTable,
		refIOAPIC:  ioapicTable,
		refRedir:   redirTable,
		refPIC:     picTable,
	}
}

// at gives a row of an arena for reflection.
func at[T any](arena []T, id int32) reflect.Value { return reflect.ValueOf(&arena[id]).Elem() }

var taskTable = kindTable{
	linux: "struct task_struct", doc: "A thread, of a program or of the kernel: what the scheduler chooses among.",
	len: func(m *kernel.Machine) int { return len(m.Tasks) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Tasks, id) },
	rows: []fieldRow{
		{path: "Name", linux: "comm", doc: "its name"},
		{path: "PID", linux: "pid", doc: "its number; what gettid returns"},
		{path: "State", linux: "__state", doc: "R runs or could, S and D sleep, T held, X ended", show: taskState},
		{path: "CPU", linux: "thread_info.cpu", doc: "the core that it runs on, or ran on last", link: refCore},
		{path: "Affinity", linux: "cpus_ptr", doc: "the only core that it may run on", link: refCore},
		{path: "OnRQ", linux: "on_rq", doc: "on a run queue: it runs, or waits for its turn"},
		{path: "NeedResched", linux: "TIF_NEED_RESCHED", doc: "it is to give the core away at the next chance"},
		{path: "Preempt", linux: "preempt_count", doc: "while it does not run: what keeps it from being preempted", show: hex},
		{path: "Prio", linux: "prio", doc: "100 to 139 by nice value, 120 is nice 0; below 100 is real time"},
		{path: "SE.Vruntime", linux: "se.vruntime", doc: "how long it has run, by its weight"},
		{path: "SE.Deadline", linux: "se.deadline", doc: "until when its slice is due: the earliest that is eligible runs"},
		{path: "SE.Slice", linux: "se.slice", doc: "how long a turn it asks for"},
		{path: "SE.SumExec", linux: "se.sum_exec_runtime", doc: "how long it has run"},
		{path: "SE.Delayed", linux: "se.sched_delayed", doc: "asleep, but on the queue until it has paid back its lag"},
		{path: "Switches", linux: "nvcsw", doc: "switches away because it went to sleep"},
		{path: "Preempted", linux: "nivcsw", doc: "switches away although it could go on"},
		{path: "MinFlt", linux: "min_flt", doc: "page faults for which a page was found"},
		{path: "SigPending", linux: "pending.signal", doc: "signals that wait to be delivered", show: hex},
		{path: "SigBlocked", linux: "blocked", doc: "signals that are held back", show: hex},
		{path: "Call.Active", linux: "in a system call", doc: "it is in the kernel on its own behalf"},
		{path: "Call.Roused", linux: "(woken)", doc: "a wakeup has ended its sleep, and it has not slept again"},
		{path: "Since", linux: "(since)", doc: "when its state changed last"},
	},
	more: taskMore,
}

func taskState(_ *kernel.Machine, v reflect.Value) string {
	state := v.Interface().(kernel.TaskState)
	names := [...]string{
		kernel.Running: "TASK_RUNNING", kernel.Interruptible: "TASK_INTERRUPTIBLE", kernel.Waking: "TASK_WAKING", kernel.Dead: "TASK_DEAD",
		kernel.NotStarted: "not started", kernel.Stopped: "held by the director", kernel.Uninterruptible: "TASK_UNINTERRUPTIBLE",
	}
	return state.Letter() + " " + names[state]
}

// taskMore says where a task sleeps, and lists its descriptors.
func taskMore(s *scene, id int32) []pageRow {
	var rows []pageRow
	t := &s.m.Tasks[id]
	if sleeps(s.m, id) && !absent(t) {
		rows = append(rows, pageRow{text: "it sleeps in " + wchan(s.m, id)})
	}
	for w := range s.m.Waits {
		if e := &s.m.Waits[w]; e.Queue != kernel.None && e.Func != kernel.WaitEpCallback && e.Obj == id {
			rows = append(rows, s.linkRow(ref{refWait, int32(w)}))
		}
	}
	if t.Kernel || t.Idle {
		return rows
	}
	p := &s.m.Procs[t.Proc]
	rows = append(rows, head(fmt.Sprintf("descriptors of process %s (files->fdt)", kernel.Printable(p.Name))))
	for fd, file := range p.FDs {
		if file == kernel.None {
			continue
		}
		if len(rows) > 40 {
			return append(rows, pageRow{text: "  and more"})
		}
		x := fileRef(s.m, file)
		name := "terminal"
		if x.kind != refNone {
			name = fmt.Sprintf("%s %d", refNames[x.kind], x.id)
		} else {
			x = ref{refFile, file}
		}
		rows = append(rows, pageRow{text: fmt.Sprintf("  fd %d: %s", fd, name), open: func(a *app) { a.inspect(x) }})
	}
	return rows
}

var sockTable = kindTable{
	linux: "struct sock", doc: "A socket: where packets wait until a program reads them.",
	len: func(m *kernel.Machine) int { return len(m.Socks) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Socks, id) },
	rows: []fieldRow{
		{path: "Kind", linux: "sk_protocol", doc: "its protocol", show: func(_ *kernel.Machine, v reflect.Value) string { return socketNames[v.Uint()] }},
		{path: "File", linux: "sk_socket->file", doc: "its open file; none for a connection not accepted yet", link: refFile},
		{path: "Local", linux: "inet_rcv_saddr:port", doc: "its own address"},
		{path: "Peer", linux: "inet_daddr:port", doc: "whom it is connected to"},
		{path: "First", linux: "sk_receive_queue.next", doc: "the packet that is read next", link: refSkb},
		{path: "Len", linux: "sk_receive_queue.qlen", doc: "packets that wait to be read"},
		{path: "Bytes", linux: "sk_rmem_alloc", doc: "what they count, with overhead (truesize)"},
		{path: "RcvBuf", linux: "sk_rcvbuf", doc: "the limit: a packet beyond it is dropped"},
		{path: "Drops", linux: "sk_drops", doc: "packets dropped"},
		{path: "Sent", linux: "sk_wmem_alloc", doc: "what is on its way out, with overhead"},
		{path: "SndBuf", linux: "sk_sndbuf", doc: "the limit: beyond it, a sender waits or gets EAGAIN"},
		{path: "WQ", linux: "sk_wq", doc: "its wait queue: who is told when a packet comes", link: refQueue},
		{path: "Shutdown", linux: "sk_shutdown", doc: "1: no more is received, 2: no more is sent", show: func(_ *kernel.Machine, v reflect.Value) string { return fmt.Sprint(v.Uint()) }},
		{path: "Err", linux: "sk_err", doc: "an error that the next call reports"},
		{path: "RcvTimeo", linux: "sk_rcvtimeo", doc: "how long a receive waits", show: nothing("no limit")},
		{path: "NAPI", linux: "sk_napi_id", doc: "the receive queue that the last packet came through", show: countedFrom1("queue ")},
		{path: "BusyPoll", linux: "sk_ll_usec", doc: "microseconds that a receive asks the card before it sleeps"},
	},
	more: sockMore,
}

// sockMore leads to the connection, and to the packets that wait.
func sockMore(s *scene, id int32) []pageRow {
	k := &s.m.Socks[id]
	var rows []pageRow
	if k.Kind == kernel.SockTCP && k.Ext >= 0 {
		rows = append(rows, s.linkRow(ref{refTCP, k.Ext}))
	}
	if k.Len > 0 {
		rows = append(rows, head("sk_receive_queue, the oldest first"))
	}
	for skb := k.First; skb != kernel.None && len(rows) < 40; skb = s.m.Skbs[skb].Next {
		rows = append(rows, s.linkRow(ref{refSkb, skb}))
	}
	return rows
}

var tcpTable = kindTable{
	linux: "struct tcp_sock", doc: "What a TCP socket has beyond struct sock: the state of the connection.",
	len: func(m *kernel.Machine) int { return len(m.TCPs) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.TCPs, id) },
	rows: []fieldRow{
		{path: "State", linux: "sk_state", doc: "as ss prints it", show: func(_ *kernel.Machine, v reflect.Value) string { return tcpNames[v.Uint()] }},
		{path: "Owned", linux: "sk_lock.owned", doc: "a system call has the socket: segments go to the backlog"},
		{path: "LockWQ", linux: "sk_lock.wq", doc: "calls that wait for it", link: refQueue},
		{path: "Backlog.First", linux: "sk_backlog.head", doc: "segments that came while a call had it", link: refSkb},
		{path: "Accepts", linux: "sk_ack_backlog", doc: "connections that wait to be accepted"},
		{path: "MaxBacklog", linux: "sk_max_ack_backlog", doc: "the limit that listen set"},
		{path: "ReqLen", linux: "icsk_accept_queue.qlen", doc: "connections whose handshake is not over (SYN queue)"},
		{path: "RcvNxt", linux: "rcv_nxt", doc: "the sequence number that is awaited next"},
		{path: "RcvWnd", linux: "rcv_wnd", doc: "how much the peer may send"},
		{path: "Copied", linux: "copied_seq", doc: "what the program has read"},
		{path: "SndUna", linux: "snd_una", doc: "the first byte that is not acknowledged"},
		{path: "SndNxt", linux: "snd_nxt", doc: "the next byte to be sent"},
		{path: "WriteSeq", linux: "write_seq", doc: "the end of what the program has written"},
		{path: "SndWnd", linux: "snd_wnd", doc: "how much the peer takes"},
		{path: "MSS", linux: "mss_cache", doc: "data in a segment"},
		{path: "NoDelay", linux: "nonagle", doc: "TCP_NODELAY: small segments do not wait"},
		{path: "Write.First", linux: "sk_write_queue.next", doc: "what is not sent yet", link: refSkb},
		{path: "Rtx.First", linux: "tcp_rtx_queue", doc: "sent and not acknowledged", link: refSkb},
		{path: "Queued", linux: "sk_wmem_queued", doc: "both queues, with overhead"},
		{path: "RTO", linux: "icsk_rto", doc: "how long until a segment is sent again"},
		{path: "Retransmits", linux: "icsk_retransmits", doc: "how often it was, without an answer"},
		{path: "Ack.ATO", linux: "icsk_ack.ato", doc: "how long an acknowledgement may wait for data to ride on"},
	},
}

var skbTable = kindTable{
	linux: "struct sk_buff", doc: "A packet inside the kernel. Headers are pulled by moving the data pointer, nothing is copied.",
	len: func(m *kernel.Machine) int { return len(m.Skbs) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Skbs, id) },
	rows: []fieldRow{
		{path: "InUse", linux: "(allocated)", doc: "or its memory waits to be used again"},
		{path: "Frame", linux: "(frame)", doc: "which frame of the wire it came from", show: numberOr("of this host")},
		{path: "Data", linux: "data - head", doc: "where what is not yet pulled begins"},
		{path: "Len", linux: "len", doc: "bytes from there on"},
		{path: "Truesize", linux: "truesize", doc: "what it counts against a socket's limit, with overhead"},
		{path: "From", linux: "saddr:source", doc: "who sent it"},
		{path: "To", linux: "daddr:dest", doc: "whom it is for"},
		{path: "Sender", linux: "sk", doc: "the socket whose send buffer it counts against", link: refSock},
		{path: "Next", linux: "next", doc: "the packet behind it on its queue", link: refSkb},
		{path: "Users", linux: "users - 1", doc: "references beyond the first", show: func(_ *kernel.Machine, v reflect.Value) string { return fmt.Sprint(v.Uint()) }},
		{path: "RxQueue", linux: "queue_mapping", doc: "the receive queue that it came through", show: countedFrom1("queue ")},
		{path: "Hash", linux: "hash", doc: "what the card has hashed, for RSS", show: hex},
		{path: "Checked", linux: "ip_summed", doc: "the card has found its checksums right (CHECKSUM_UNNECESSARY)"},
		{path: "Segs", linux: "gso_segs", doc: "segments that GRO has made it of"},
		{path: "GSOSize", linux: "gso_size", doc: "data in each of them but the last"},
	},
}

// numberOr is for numbers that lead to nothing that can be opened.
func numberOr(none string) func(*kernel.Machine, reflect.Value) string {
	return func(_ *kernel.Machine, v reflect.Value) string {
		if v.Int() < 0 {
			return none
		}
		return fmt.Sprint(v.Int())
	}
}

var epTable = kindTable{
	linux: "struct eventpoll", doc: "An epoll instance: what it watches, what of that is ready, who waits for it.",
	len: func(m *kernel.Machine) int { return len(m.Eps) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Eps, id) },
	rows: []fieldRow{
		{path: "File", linux: "file", doc: "its own open file", link: refFile},
		{path: "Items", linux: "rbr", doc: "the interest list: what epoll_ctl has added", link: refEpi},
		{path: "Ready", linux: "rdllist", doc: "the ready list: its first item", link: refEpi},
		{path: "Scanning", linux: "ovflist in use", doc: "a scan of the ready list is in progress"},
		{path: "Overflow", linux: "ovflist", doc: "items that became ready meanwhile", link: refEpi},
		{path: "Locked", linux: "mtx", doc: "taken for a scan or a change"},
		{path: "WQ", linux: "wq", doc: "threads in epoll_wait", link: refQueue},
		{path: "PollWait", linux: "poll_wait", doc: "who polls the instance itself", link: refQueue},
		{path: "NAPI", linux: "napi_id", doc: "the receive queue to busy poll", show: countedFrom1("queue ")},
	},
	more: func(s *scene, id int32) []pageRow {
		rows := []pageRow{head("the interest list, by descriptor (* ready)")}
		for i := s.m.Eps[id].Items; i != kernel.None && len(rows) < 40; i = s.m.Epis[i].NextItem {
			row := s.linkRow(ref{refEpi, i})
			row.mark = s.m.Epis[i].OnReady || s.m.Epis[i].OnOvf
			rows = append(rows, row)
		}
		return rows
	},
}

var epiTable = kindTable{
	linux: "struct epitem", doc: "One descriptor that an epoll instance watches. Its callback stands on the file's wait queue.",
	len: func(m *kernel.Machine) int { return len(m.Epis) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Epis, id) },
	rows: []fieldRow{
		{path: "InUse", linux: "(in use)", doc: "or it was removed"},
		{path: "Ep", linux: "ep", doc: "its instance", link: refEp},
		{path: "FD", linux: "ffd.fd", doc: "the descriptor that was added"},
		{path: "File", linux: "ffd.file", doc: "the open file behind it: it is this that is watched", link: refFile},
		{path: "Events", linux: "event.events", doc: "what it is watched for", show: eventMask},
		{path: "Data", linux: "event.data", doc: "what epoll_wait gives the program with an event"},
		{path: "Wait", linux: "pwqlist", doc: "its entry on the file's wait queue: ep_poll_callback", link: refWait},
		{path: "OnReady", linux: "rdllink", doc: "it is on the ready list"},
		{path: "Next", linux: "rdllink.next", doc: "the next one there", link: refEpi},
		{path: "OnOvf", linux: "next != EP_UNACTIVE_PTR", doc: "it is on the overflow list"},
		{path: "NextFile", linux: "fllink", doc: "the next item that watches the same file", link: refEpi},
	},
}

var queueTable = kindTable{
	linux: "wait_queue_head_t", doc: "A wait queue: entries with a function each, called when what they wait for happens.",
	len: func(m *kernel.Machine) int { return len(m.Queues) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Queues, id) },
	rows: []fieldRow{
		{path: "First", linux: "head.next", doc: "the entry that is called first", link: refWait},
		{path: "Walker", linux: "lock", doc: "the core that walks it", show: countedFrom1("cpu")},
	},
	more: func(s *scene, id int32) []pageRow {
		rows := []pageRow{}
		if x := queueOwner(s.m, id); x.kind != refNone {
			rows = append(rows, head("whose it is"), s.linkRow(x))
		}
		rows = append(rows, head("its entries, in the order of the walk"))
		for w := s.m.Queues[id].First; w != kernel.None && len(rows) < 40; w = s.m.Waits[w].Next {
			e := &s.m.Waits[w]
			row := s.linkRow(ref{refWait, w})
			if row.text += "  " + kernel.WaitFuncNames[e.Func]; e.Exclusive {
				row.text += "  exclusive"
			}
			rows = append(rows, row)
		}
		if s.m.Queues[id].First == kernel.None {
			rows = append(rows, pageRow{text: "  nobody waits"})
		}
		return rows
	},
}

var waitTable = kindTable{
	linux: "wait_queue_entry_t", doc: "An entry of a wait queue: a function to call, and for whom.",
	len: func(m *kernel.Machine) int { return len(m.Waits) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Waits, id) },
	rows: []fieldRow{
		{path: "Queue", linux: "(queue)", doc: "the queue that it is on", link: refQueue},
		{path: "Func", linux: "func", doc: "what a wakeup calls", show: func(_ *kernel.Machine, v reflect.Value) string { return kernel.WaitFuncNames[v.Uint()] }},
		{path: "Exclusive", linux: "WQ_FLAG_EXCLUSIVE", doc: "of such entries one is woken, not all"},
		{path: "Woken", linux: "WQ_FLAG_WOKEN", doc: "woken_wake_function has marked it"},
		{path: "Key", linux: "key", doc: "the events that it is for, with pollwake", show: eventMask},
		{path: "Next", linux: "entry.next", doc: "the entry behind it", link: refWait},
		{path: "File", linux: "filp", doc: "the open file that poll or select holds", link: refFile},
	},
	more: func(s *scene, id int32) []pageRow {
		switch e := &s.m.Waits[id]; {
		case e.Func == kernel.WaitNone:
			return nil
		case e.Func == kernel.WaitEpCallback:
			return []pageRow{head("for whom"), s.linkRow(ref{refEpi, e.Obj})}
		default:
			return []pageRow{head("for whom"), s.linkRow(ref{refTask, e.Obj})}
		}
	},
}

var pipeTable = kindTable{
	linux: "struct pipe_inode_info", doc: "A pipe: a ring of pages between its two ends.",
	len: func(m *kernel.Machine) int { return len(m.Pipes) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Pipes, id) },
	rows: []fieldRow{
		{path: "Readers", linux: "readers", doc: "open files to read; at 0, a writer gets EPIPE"},
		{path: "Writers", linux: "writers", doc: "open files to write; at 0, a reader gets end of file"},
		{path: "Bufs", linux: "head - tail", doc: "slots in use"},
		{path: "Slots", linux: "max_usage", doc: "slots that there are"},
		{path: "RdWait", linux: "rd_wait", doc: "readers that wait for data", link: refQueue},
		{path: "WrWait", linux: "wr_wait", doc: "writers that wait for room", link: refQueue},
		{path: "Polled", linux: "poll_usage", doc: "poll, select or epoll has asked: every write tells"},
	},
}

var eventfdTable = kindTable{
	linux: "struct eventfd_ctx", doc: "A counter behind a descriptor: write adds, read takes.",
	len: func(m *kernel.Machine) int { return len(m.EventFDs) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.EventFDs, id) },
	rows: []fieldRow{
		{path: "Count", linux: "count", doc: "above 0 it is readable"},
		{path: "Semaphore", linux: "EFD_SEMAPHORE", doc: "a read takes 1, not all"},
		{path: "WQ", linux: "wqh", doc: "who waits for it", link: refQueue},
	},
}

var timerfdTable = kindTable{
	linux: "struct timerfd_ctx", doc: "A timer behind a descriptor: readable once it has expired.",
	len: func(m *kernel.Machine) int { return len(m.TimerFDs) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.TimerFDs, id) },
	rows: []fieldRow{
		{path: "Expires", linux: "tmr expiry", doc: "when it expires"},
		{path: "Interval", linux: "tintv", doc: "after how long again", show: nothing("once")},
		{path: "Ticks", linux: "ticks", doc: "expiries since the last read: what read returns"},
		{path: "Expired", linux: "expired", doc: "it has expired, and was not armed again"},
		{path: "WQ", linux: "wqh", doc: "who waits for it", link: refQueue},
	},
}

var memfdTable = kindTable{
	linux: "memfd_create(2)", doc: "A file in memory: always ready, so epoll_ctl refuses it with EPERM.",
	len: func(m *kernel.Machine) int { return len(m.Bufs) },
	get: func(m *kernel.Machine, id int32) reflect.Value {
		return reflect.ValueOf(struct{ Size int }{len(m.Bufs[id])})
	},
	rows: []fieldRow{{path: "Size", linux: "i_size", doc: "bytes in it"}},
}

var fileTable = kindTable{
	linux: "struct file", doc: "An open file description: what descriptors point to, and dup shares.",
	len: func(m *kernel.Machine) int { return len(m.Files) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Files, id) },
	rows: []fieldRow{
		{path: "Kind", linux: "f_op", doc: "what it is", show: func(_ *kernel.Machine, v reflect.Value) string { return fileNames[v.Uint()] }},
		{path: "Flags", linux: "f_flags", doc: "access mode and O_NONBLOCK", show: func(_ *kernel.Machine, v reflect.Value) string { return fmt.Sprintf("%#o", v.Int()) }},
		{path: "Refs", linux: "f_ref", doc: "descriptors and calls that hold it; at 0 it is released"},
		{path: "Pos", linux: "f_pos", doc: "where the next read or write begins, in memory"},
		{path: "Items", linux: "f_ep", doc: "the first epoll item that watches it", link: refEpi},
	},
}

var napiTable = kindTable{
	linux: "struct napi_struct", doc: "The poll instance of a receive queue: the interrupt asks for it, the softirq runs it.",
	len: func(m *kernel.Machine) int { return len(m.Napis) },
	get: func(m *kernel.Machine, id int32) reflect.Value { return at(m.Napis, id) },
	rows: []fieldRow{
		{path: "Sched", linux: "NAPI_STATE_SCHED", doc: "somebody polls it or will: its interrupt is off"},
		{path: "Missed", linux: "NAPI_STATE_MISSED", doc: "it was asked for again meanwhile"},
		{path: "BusyPoll", linux: "NAPI_STATE_IN_BUSY_POLL", doc: "a thread polls, not the softirq"},
		{path: "Next", linux: "next_to_clean", doc: "the descriptor that the driver looks at next"},
		{path: "Use", linux: "next_to_use", doc: "the one that it fills next"},
		{path: "Cleaned", linux: "cleaned_count", doc: "descriptors taken and not yet given back"},
		{path: "First", linux: "rx_list.next", doc: "the first packet that GRO holds for the stack", link: refSkb},
		{path: "Count", linux: "rx_count", doc: "how many it holds"},
		{path: "Rate", linux: "itr", doc: "interrupts a second, if the driver chooses"},
	},
}

var coreTable = kindTable{
	linux: "per-CPU variables", doc: "A core: its registers, and what the kernel keeps for it.",
	len: func(m *kernel.Machine) int { return len(m.Cores) },
	get: func(m *kernel.Machine, id int32) reflect.Value {
		return reflect.ValueOf(coreView{&m.Cores[id], &m.CPUs[id]})
	},
	rows: []fieldRow{
		{path: "CPU.Current", linux: "current", doc: "the task whose stacks are loaded", link: refTask},
		{path: "CPU.Preempt", linux: "preempt_count", doc: "in hardirq, in softirq, preemption off: one byte each", show: hex},
		{path: "CPU.Pending", linux: "__softirq_pending", doc: "softirqs that were raised and have not run", show: softirqNames},
		{path: "CPU.RQ.Nr", linux: "rq->nr_running", doc: "tasks that run or could"},
		{path: "CPU.RQ.Curr", linux: "rq->curr", doc: "the task that runs, or is about to", link: refTask},
		{path: "CPU.Backlog.Len", linux: "softnet_data.input_pkt_queue", doc: "packets that came without a card"},
		{path: "CPU.Timers", linux: "hrtimer_bases", doc: "high-resolution timers that are armed"},
		{path: "CPU.Ksoftirqd", linux: "ksoftirqd", doc: "the thread that runs softirqs when there are too many", link: refTask},
		{path: "CPU.Idle", linux: "rq->idle", doc: "what runs when nothing else can", link: refTask},
		{path: "CPU.Squeezed", linux: "time_squeeze", doc: "net_rx_action ended for want of budget or time"},
		{path: "Core.On", linux: "(stack)", doc: "the stack that it executes on", show: func(_ *kernel.Machine, v reflect.Value) string { return stackNames[v.Interface().(cpu.StackID)] }},
		{path: "Core.RSP0", linux: "TSS.rsp0", doc: "where ring 0 starts its stack when it is entered from ring 3", show: hex},
		{path: "Core.Regs.CR3", linux: "page table base", doc: "the page tables that are in use", show: hex},
	},
	more: coreMore,
}

func softirqNames(_ *kernel.Machine, v reflect.Value) string {
	var names []string
	for vec, name := range kernel.SoftirqNames {
		if v.Uint()&(1<<vec) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}

// coreMore are the registers, under the names of the system, and the run queue.
func coreMore(s *scene, id int32) []pageRow {
	abi, now, was := s.m.ABI, &s.m.Cores[id].Regs, &s.was.Cores[id].Regs
	rows := []pageRow{head("registers")}
	add := func(name string, v, old uint64) {
		row := pageRow{text: fmt.Sprintf("  %-8s %#018x", name, v), mark: v != old}
		if v != old {
			row.text += fmt.Sprintf("  was %#x", old)
		}
		rows = append(rows, row)
	}
	add(abi.PC, now.RIP, was.RIP)
	add(abi.SP, now.RSP, was.RSP)
	add(abi.Status, now.RFLAGS, was.RFLAGS)
	for _, g := range abi.General {
		add(g.Name, *now.At(g.At), *was.At(g.At))
	}
	rows = append(rows, head("run queue, the next one first"))
	for _, t := range s.m.CPUs[id].RQ.Queue {
		rows = append(rows, s.linkRow(ref{refTask, t}))
	}
	if len(s.m.CPUs[id].RQ.Queue) == 0 {
		rows = append(rows, pageRow{text: "  nobody waits for this core"})
	}
	return append(rows, s.linkRow(ref{refAPIC, id}))
}
