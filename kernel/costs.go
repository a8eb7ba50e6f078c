package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Rows of the cost table, after the processor's own.
const (
	costOp cpu.Cost = cpu.NumCosts + iota
	costFn
	costEntry
	costRegs
	costMMIO
	costEOI
	costHandler
	costSoftirq
	costPollList
	costDesc
	costRefill
	costGRO
	costSkb
	costIP
	costLookup
	costEnqueue
	costWakeEntry
	costEpCallback
	costWaking
	costActivate
	costPick
	costSwitchMM
	costSwitch
	costIdle
	costTimer
	costTick
	costFD
	costSocket
	costEpCtl
	costEpScan
	costEpItem
	costCopy
	costSleep
	costExit
	costFork
	costPoll
	costPollFD
	costPollWait
	costPollFree
	costIPI
	costAccess
	costFindVMA
	costPTE
	costNewPage
	costExtable
	costCR3
	costMMIORead
	costPortIO
	costIOAPIC
	costPIC
	costMessage
	numCosts
)

// costRow is one cost: its name in a scenario's costs, and its default.
type costRow struct {
	name string
	ns   sim.Time
	say  string
}

// costTable holds the defaults. They are chosen so that whole operations come
// near what was measured on Linux 6.18 (docs/PERFORMANCE.md): a null system call
// 164 ns, epoll_wait with one ready descriptor 390 ns, a recv that gives EAGAIN
// 269 ns, a sleep and a wakeup 2.4 us.
var costTable = [numCosts]costRow{
	cpu.CostNone:    {"none", 0, "takes no time"},
	cpu.CostVector:  {"irq_vector", 20, "the core takes a vector and reads its gate"},
	cpu.CostPush:    {"irq_push", 5, "one word pushed by interrupt delivery"},
	cpu.CostGate:    {"irq_gate", 25, "the jump through the gate"},
	cpu.CostIret:    {"iret", 40, "iretq"},
	cpu.CostSyscall: {"syscall_entry", 30, "the syscall instruction"},
	cpu.CostSysret:  {"syscall_exit", 30, "the sysretq instruction"},
	cpu.CostINTA:    {"inta", 1000, "the two acknowledge cycles of an 8259A"},
	costOp:          {"user_op", 2, "one operation of a thread program"},
	costFn:          {"call", 5, "a function that only calls another"},
	costEntry:       {"entry", 10, "swapgs and the switch of stacks"},
	costRegs:        {"pt_regs", 12, "saving or restoring the registers"},
	costMMIO:        {"mmio_write", 90, "a write to a register of the card"},
	costEOI:         {"apic_eoi", 25, "the end-of-interrupt write to the local APIC"},
	costHandler:     {"irq_handler", 60, "the driver's interrupt handler"},
	costSoftirq:     {"softirq", 20, "starting or ending a softirq"},
	costPollList:    {"poll_list", 15, "taking a NAPI instance from the poll list"},
	costDesc:        {"rx_descriptor", 60, "looking at a descriptor and making an skb of it"},
	costRefill:      {"rx_refill", 40, "giving buffers back to the card"},
	costGRO:         {"gro", 25, "napi_gro_receive"},
	costSkb:         {"netif_receive", 20, "__netif_receive_skb_core"},
	costIP:          {"ip_rcv", 25, "checking the IP header"},
	costLookup:      {"udp_lookup", 40, "finding the socket"},
	costEnqueue:     {"sock_queue", 35, "queueing to the socket"},
	costWakeEntry:   {"wake_entry", 10, "one entry of a wait queue"},
	costEpCallback:  {"ep_poll_callback", 30, "moving an item to the ready list"},
	costWaking:      {"try_to_wake_up", 60, "choosing a core for a woken task"},
	costActivate:    {"enqueue_task", 60, "putting a task on a run queue"},
	costPick:        {"pick_next_task", 80, "choosing the next task"},
	costSwitchMM:    {"switch_mm", 120, "loading another address space"},
	costSwitch:      {"switch_to", 300, "changing stacks and registers, with cold caches"},
	costIdle:        {"idle", 30, "a round of the idle loop"},
	costTimer:       {"hrtimer", 40, "arming or expiring a timer"},
	costTick:        {"tick", 250, "the scheduler's tick"},
	costFD:          {"fd", 15, "a look-up in the table of descriptors"},
	costSocket:      {"socket", 900, "making a socket"},
	costEpCtl:       {"epoll_ctl", 250, "a change of an interest list"},
	costEpScan:      {"ep_scan", 25, "starting or ending a scan of the ready list"},
	costEpItem:      {"ep_item", 20, "polling one ready item again"},
	costCopy:        {"copy", 30, "copying to or from user memory"},
	costSleep:       {"prepare_to_wait", 30, "queueing on a wait queue"},
	costExit:        {"exit", 1500, "ending a thread"},
	costFork:        {"ret_from_fork", 200, "a new thread's first steps"},
	costPoll:        {"poll", 200, "setting poll or select up"},
	costPollFD:      {"poll_fd", 35, "looking at one descriptor in poll or select, without the file's own part"},
	costPollWait:    {"poll_wait", 15, "queueing on one descriptor's wait queue in poll or select"},
	costPollFree:    {"poll_free", 10, "taking one entry of poll or select off its wait queue"},
	costAccess:      {"access", 20, "a load or store of a program, with the walk of the page tables"},
	costFindVMA:     {"find_vma", 150, "finding the range of memory that a fault is in"},
	costPTE:         {"pte", 150, "going down the page tables, or setting an entry"},
	costNewPage:     {"new_page", 1200, "allocating a page and clearing it"},
	costExtable:     {"exception_table", 400, "searching the exception table"},
	costCR3:         {"cr3_write", 60, "a change of page tables on the way in or out, with pti"},
	costMMIORead:    {"mmio_read", 400, "a read of a register of a device: the core waits for the answer"},
	costPortIO:      {"port_io", 500, "an access to an 8259A's port"},
	costIOAPIC:      {"ioapic", 50, "the I/O APIC looks at an input or at an EOI"},
	costPIC:         {"pic", 100, "from an input of the 8259A pair to the core's INTR"},
	costMessage:     {"ioapic_message", 300, "a message from the I/O APIC to a local APIC"},
	costIPI:         {"ipi_latency", 800, "an interrupt message from core to core"},
}

// CostNames lists the names that a scenario's costs may override, with their
// defaults.
func CostNames() map[string]sim.Time {
	m := make(map[string]sim.Time)
	for _, row := range costTable[1:] {
		m[row.name] = row.ns
	}
	return m
}

// costs makes the table of a machine.
func costs(overrides map[string]sim.Time) (t [256]sim.Time) {
	for i, row := range costTable {
		t[i] = row.ns
		if v, ok := overrides[row.name]; ok {
			t[i] = v
		}
	}
	return t
}
