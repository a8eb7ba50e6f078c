package kernel

// Points are kernel tracepoints that a step corresponds to.
const (
	PointNone uint8 = iota
	PointIRQHandlerEntry
	PointIRQHandlerExit
	PointSoftirqRaise
	PointSoftirqEntry
	PointSoftirqExit
	PointNAPIGROReceive
	PointNetifReceiveSkb
	PointNAPIPoll
	PointConsumeSkb
	PointKfreeSkb
	PointSchedWaking
	PointSchedWakeup
	PointSchedWakeupNew
	PointSchedSwitch
	PointSysEnter
	PointSysExit
	PointLocalTimerEntry
	PointLocalTimerExit
	PointReschedEntry
	PointReschedExit
	PointCallSingleEntry
	PointCallSingleExit
	PointHrtimerStart
	PointHrtimerExpireEntry
	PointHrtimerExpireExit
	PointIPISendCPU
	PointProcessExit
	PointSignalGenerate
	PointSignalDeliver
	PointNetDevQueue
	PointNetDevStartXmit
	PointNetDevXmit
	PointNetifRxEntry
	PointNetifRx
	PointSkDataReady
	PointSockSendLength
	PointSockRecvLength
	PointInetSockSetState
	PointTimerExpireEntry
	PointTimerExpireExit
	PointTCPRetransmitSkb
	PointPageFaultUser
	PointPageFaultKernel
	NumPoints
)

// Points are their names, system and event.
var Points = [NumPoints]string{
	"", "irq:irq_handler_entry", "irq:irq_handler_exit", "irq:softirq_raise", "irq:softirq_entry", "irq:softirq_exit",
	"net:napi_gro_receive_entry", "net:netif_receive_skb", "napi:napi_poll", "skb:consume_skb", "skb:kfree_skb",
	"sched:sched_waking", "sched:sched_wakeup", "sched:sched_wakeup_new", "sched:sched_switch",
	"raw_syscalls:sys_enter", "raw_syscalls:sys_exit",
	"irq_vectors:local_timer_entry", "irq_vectors:local_timer_exit",
	"irq_vectors:reschedule_entry", "irq_vectors:reschedule_exit",
	"irq_vectors:call_function_single_entry", "irq_vectors:call_function_single_exit",
	"timer:hrtimer_start", "timer:hrtimer_expire_entry", "timer:hrtimer_expire_exit",
	"ipi:ipi_send_cpu", "sched:sched_process_exit",
	"signal:signal_generate", "signal:signal_deliver",
	"net:net_dev_queue", "net:net_dev_start_xmit", "net:net_dev_xmit", "net:netif_rx_entry", "net:netif_rx",
	"sock:sk_data_ready", "sock:sock_send_length", "sock:sock_recv_length", "sock:inet_sock_set_state",
	"timer:timer_expire_entry", "timer:timer_expire_exit", "tcp:tcp_retransmit_skb",
	"exceptions:page_fault_user", "exceptions:page_fault_kernel",
}
