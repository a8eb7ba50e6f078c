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
			{Name: "the driver's transmit function", Cost: costFn, Do: (*Machine).ndoStartXmit},
			{Name: "sent", Cost: costFn, Do: (*Machine).devXmitDone},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnLoopbackXmit: {Name: "loopback_xmit", File: "drivers/net/loopback.c", Say: "What is sent is received: the packet goes to this core's backlog.", Why: "There is no card and no hard interrupt; the sender's own softirq will take the packet up the stack.",
		Steps: []step{
			{Name: "skb_orphan: room in the send buffer", Cost: costFn, Do: (*Machine).loopbackOrphan},
			{Name: "eth_type_trans, __netif_rx", Cost: costFn, Do: callsWithArg(fnNetifRx)},
			{Name: "return", Cost: costFn, Do: nothing},
		}},
	fnNetifRx: {Name: "__netif_rx", File: fileDev, Say: "Takes a packet that needs no card to come in.", Why: "It is only queued: the receive softirq does the work.",
		Steps: netifRxSteps},
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

// devQueueXmit: local 1 is the frame's length, 2 whether it leaves through the
// card, as packets for other hosts do.
func (m *Machine) devQueueXmit(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := SkbID(f.L[0])
	if m.toCard(skb) {
		if m.Config.UIO {
			m.giveUp("a packet for another host, and the card is not the kernel's: there is no route")
			return
		}
		if m.Skbs[skb].Len > cardMTU {
			m.giveUp("a packet for another host is longer than 1500 bytes; fragments are not modelled")
			return
		}
		f.L[2] = 1
	}
	m.bhDisable(c)
	f.L[1] = int64(m.Skbs[skb].Len) + nic.EthHeader
	m.devPoint(c, r, PointNetDevQueue)
}

// cardMTU is how long a packet may be that leaves through the card.
const cardMTU = 1500

// devPoint is a tracepoint of the device: the frame's length, and which device.
func (m *Machine) devPoint(c *cpu.Core, r *sim.Record, point uint8) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[0]))
	r.Arg[0], r.Arg[1] = l[1], l[2]
	m.point(c, r, point)
}

func (m *Machine) devHardStartXmit(c *cpu.Core, r *sim.Record) {
	m.devPoint(c, r, PointNetDevStartXmit)
}

// ndoStartXmit calls the driver. The card has one transmit ring, so one core at a
// time fills it (HARD_TX_LOCK); loopback needs no lock (NETIF_F_LLTX).
func (m *Machine) ndoStartXmit(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[0]))
	if l[2] != 0 {
		if m.Tx.Lock {
			c.Spin()
			return
		}
		m.Tx.Lock = true
		c.Call(fnE1000Xmit, l[0])
		return
	}
	c.Call(fnLoopbackXmit, l[0])
}

func (m *Machine) devXmitDone(c *cpu.Core, r *sim.Record) {
	if c.Frame().L[2] != 0 {
		m.Tx.Lock = false
	}
	m.devPoint(c, r, PointNetDevXmit)
	c.Call(fnLocalBHEnable)
}

// loopbackOrphan: the packet no longer counts against its sender, who may be
// waiting to send more. A datagram's destructor is sock_wfree.
func (m *Machine) loopbackOrphan(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	sender := m.Skbs[skb].Sender
	about(r, KindSkb, skb)
	m.skbOrphan(skb)
	if sender != None && m.Socks[sender].Kind == SockUDP {
		c.Call(fnSockDefWriteSpace, int64(sender))
	}
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
	Sched       bool  // NAPI_STATE_SCHED
	Link        uint8 // the next instance on its poll list, see napiList
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
	m.pollListAdd(c, m.backlogNAPI())
	m.raiseSoftirq(c, r, NetRx)
	m.irqRestore(c, flags)
}
