package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// The way out: net/ipv4/ip_output.c, net/core/dev.c, drivers/net/loopback.c.
// Left out: netfilter, fragments, neighbours, queueing disciplines (loopback has
// none).

const fileIPOutput = "net/ipv4/ip_output.c"

var ipOutputText = text{
	fnIPSendSkb: {Name: "ip_send_skb", File: fileIPOutput, Say: "Sends a complete IP packet.", Why: "The route says through which device.",
		Steps: []step{
			{Name: "ip_local_out", Cost: costIP, Do: callsWithArg(fnIPOutput)},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnIPOutput: {Name: "ip_output", File: fileIPOutput, Say: "The output function of the route.", Why: "Packets that are too long for the device would be cut into fragments here.",
		Steps: []step{
			{Name: "ip_finish_output", Cost: costFn, Do: callsWithArg(fnIPFinishOutput2)},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnIPFinishOutput2: {Name: "ip_finish_output2", File: fileIPOutput, Say: "Puts the Ethernet header on.", Why: "The neighbour's hardware address is known; on loopback it is all zero.",
		Steps: []step{
			{Name: "neigh_output", Cost: costFn, Do: callsWithArg(fnDevQueueXmit)},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnDevQueueXmit: {Name: "__dev_queue_xmit", File: fileDev, Say: "Gives the packet to the device.", Why: "With bottom halves off: a softirq that it raises has to wait until this is over.",
		Steps: []step{
			{Name: "rcu_read_lock_bh", Cost: costFn, Do: (*Machine).devQueueXmit},
			{Name: "dev_hard_start_xmit", Cost: costFn, Do: (*Machine).devHardStartXmit},
			{Name: "the driver's transmit function", Cost: costFn, Do: callsWithArg(fnLoopbackXmit)},
			{Name: "sent", Cost: costFn, Do: (*Machine).devXmitDone},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnLoopbackXmit: {Name: "loopback_xmit", File: "drivers/net/loopback.c", Say: "What is sent is received: the packet goes to this core's backlog.", Why: "There is no card and no hard interrupt; the sender's own softirq will take the packet up the stack.",
		Steps: []step{
			{Name: "skb_orphan, eth_type_trans", Cost: costFn, Do: (*Machine).loopbackXmit},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnNetifRx: {Name: "__netif_rx", File: fileDev, Say: "Takes a packet that needs no card to come in.", Why: "It is only queued: the receive softirq does the work.",
		Steps: []step{
			{Name: "netif_rx_internal", Cost: costFn, Do: (*Machine).netifRxEntry},
			{Name: "enqueue_to_backlog", Cost: costFn, Do: (*Machine).netifRx},
			{Name: "queued, or dropped", Cost: costFn, Do: (*Machine).enqueueToBacklog},
		}},
	fnNAPIScheduleRPS: {Name: "napi_schedule_rps", File: fileDev, Say: "Asks for the backlog to be polled.", Why: "The backlog is polled like a card: one mechanism for both.",
		Steps: []step{{Name: "poll_list, raise NET_RX", Cost: costPollList, Do: (*Machine).napiScheduleBacklog}}},
	fnLocalBHEnable: {Name: "__local_bh_enable_ip", File: fileSoftirq, Say: "Bottom halves on again: softirqs that were raised meanwhile run now.", Why: "This is how a packet on loopback is received within the sender's own system call.",
		Steps: []step{
			{Name: "anything pending?", Cost: costFn, Do: (*Machine).localBHEnable},
			{Name: "preempt_check_resched", Cost: costFn, Do: func(m *Machine, c *cpu.Core, _ *sim.Record) { m.unlock(c) }},
		}},
	fnDoSoftirq: {Name: "do_softirq", File: fileSoftirq, Say: "Runs pending softirqs outside of an interrupt.", Why: "They run on the interrupt stack all the same: the task's stack may be nearly used up.",
		Steps: []step{
			{Name: "do_softirq_own_stack", Cost: costFn, Do: (*Machine).doSoftirq},
			{Name: "interrupts as before", Cost: costFn, Do: func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Regs.RFLAGS |= cpu.FlagIF }},
		}},
}

// bhDisable keeps softirqs from running on this core (local_bh_disable); what
// undoes it is a call of __local_bh_enable_ip.
func (m *Machine) bhDisable(c *cpu.Core) { m.cpuOf(c).Preempt += countBHDisable }

// localBHEnable keeps preemption off until the softirqs have run.
func (m *Machine) localBHEnable(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	k.Preempt -= countBHDisable - CountPreempt
	if k.Preempt&(maskHardirq|maskSoftirq) == 0 && k.Pending != 0 {
		c.Call(fnDoSoftirq)
	}
}

func (m *Machine) doSoftirq(c *cpu.Core, r *sim.Record) {
	c.Cli()
	if m.cpuOf(c).Pending != 0 { // an interrupt may have come first, and run them
		c.CallOnIRQ(fnHandleSoftirqs)
	}
}

// devQueueXmit: packets for other hosts leave through the card, which the model
// does not let them do yet.
func (m *Machine) devQueueXmit(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	h, _ := nic.ParseIPv4(m.skbBytes(skb))
	if !localIP(h.Dst) {
		m.giveUp("sending to other hosts is not modelled")
		return
	}
	m.bhDisable(c)
	r.Arg[0] = int64(m.Skbs[skb].Len) + nic.EthHeader
	m.point(c, r, PointNetDevQueue)
}

func (m *Machine) devHardStartXmit(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = int64(m.Skbs[skb].Len) + nic.EthHeader
	c.Frame().L[1] = r.Arg[0]
	m.point(c, r, PointNetDevStartXmit)
}

func (m *Machine) devXmitDone(c *cpu.Core, r *sim.Record) {
	about(r, KindSkb, SkbID(c.Frame().L[0]))
	r.Arg[0] = c.Frame().L[1]
	m.point(c, r, PointNetDevXmit)
	c.Call(fnLocalBHEnable)
}

func (m *Machine) loopbackXmit(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	m.skbOrphan(skb)
	c.Call(fnNetifRx, int64(skb))
}

func (m *Machine) netifRxEntry(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = int64(m.Skbs[skb].Len)
	m.point(c, r, PointNetifRxEntry)
}

func (m *Machine) netifRx(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = int64(m.Skbs[skb].Len)
	m.point(c, r, PointNetifRx)
}

// Backlog is a core's queue of packets that came without a card
// (softnet_data.input_pkt_queue and its NAPI instance).
type Backlog struct {
	First, Last SkbID
	Len         int32
	Sched       bool // NAPI_STATE_SCHED
	Dropped     int64
}

// enqueueToBacklog: the queue has a limit (net.core.netdev_max_backlog).
func (m *Machine) enqueueToBacklog(c *cpu.Core, r *sim.Record) {
	skb, b := SkbID(c.Frame().L[0]), &m.cpuOf(c).Backlog
	about(r, KindSkb, skb)
	if int(b.Len) > m.Config.Params.Backlog {
		b.Dropped++
		m.drop(c, r, skb)
		return
	}
	m.appendSkb(&b.First, &b.Last, skb)
	b.Len++
	r.Arg[0] = int64(b.Len)
	if !b.Sched {
		b.Sched = true
		c.Call(fnNAPIScheduleRPS)
	}
}

func (m *Machine) napiScheduleBacklog(c *cpu.Core, r *sim.Record) {
	flags := m.irqSave(c)
	m.cpuOf(c).PollList.push(napiBacklog)
	m.raiseSoftirq(c, r)
	m.irqRestore(c, flags)
}
