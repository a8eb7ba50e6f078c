package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// The driver's interrupt handler and poll, and NAPI: drivers/net/ethernet/intel/
// e1000e/netdev.c and net/core/dev.c.

// Limits of the receive softirq. The budget and the weight are in Params.
const (
	netdevBudgetTime = 8 * sim.Millisecond // netdev_budget_usecs: two ticks at 250 Hz
	rxBufferWrite    = 16                  // E1000_RX_BUFFER_WRITE: refill in batches
	groNormalBatch   = 8                   // net.core.gro_normal_batch
)

const (
	fileDev    = "net/core/dev.c"
	fileE1000e = "drivers/net/ethernet/intel/e1000e/netdev.c"
)

var napiText = text{
	fnE1000Intr: {Name: "e1000_intr_msix_rx", File: fileE1000e, Station: StIRQ,
		Say:   "The card's interrupt handler: it reads no packet, it asks for the poll.",
		Why:   "The card has masked its interrupt by itself; from here on polling is cheaper than being interrupted.",
		Steps: []step{{Name: "napi_schedule_prep", Cost: costHandler, Do: (*Machine).e1000Intr}}},
	fnNAPISchedule: {Name: "__napi_schedule", File: fileDev, Station: StIRQ,
		Say:   "Puts the card on this core's poll list and raises the receive softirq.",
		Why:   "The work itself has to wait until the hard interrupt is over.",
		Steps: []step{{Name: "poll_list, raise NET_RX", Cost: costPollList, Do: (*Machine).napiSchedule}}},
	fnNetRxAction: {Name: "net_rx_action", File: fileDev, Station: StSoftirq,
		Say: "The receive softirq: polls the cards on the list, within a budget.",
		Why: "A flood of packets must not keep the core for ever: 300 packets or 8 ms, then others come first.",
		Steps: []step{
			{Name: "take the poll list", Cost: costPollList, Do: (*Machine).netRxTake},
			{Name: "poll one instance", Cost: costFn, Do: (*Machine).netRxPoll},
			{Name: "count against the budget", Cost: costFn, Do: (*Machine).netRxCount},
			{Name: "raise again if work is left", Cost: costPollList, Do: (*Machine).netRxEnd},
		}},
	fnNAPIPoll: {Name: "__napi_poll", File: fileDev, Station: StNAPI,
		Say: "Calls the driver's poll function, for at most 64 packets.",
		Why: "Weight keeps one busy card from starving the others on the list.",
		Steps: []step{
			{Name: "call the instance's poll", Cost: costFn, Do: (*Machine).napiPoll},
			{Name: "work done", Cost: costFn, Do: (*Machine).napiPollDone},
			{Name: "hand over what GRO holds, stay on the list", Cost: costFn, Do: (*Machine).napiRepoll},
		}},
	fnE1000Poll: {Name: "e1000e_poll", File: fileE1000e, Station: StNAPI,
		Say: "The driver's poll: cleans the receive ring, and ends polling when it is empty.",
		Why: "Only when less than the weight was found is the interrupt needed again.",
		Steps: []step{
			{Name: "clean the receive ring", Cost: costFn, Do: calls(fnE1000CleanRx)},
			{Name: "all taken?", Cost: costFn, Do: (*Machine).e1000PollWork},
			{Name: "interrupt on again (IMS)", Cost: costMMIO, Do: (*Machine).e1000IRQEnable},
		}},
	fnE1000CleanRx: {Name: "e1000_clean_rx_irq", File: fileE1000e, Station: StNAPI,
		Say: "Takes every descriptor whose DD bit is set and makes an skb of its buffer.",
		Why: "DD is how the card says: this one is yours again. Nothing but memory is read.",
		Steps: []step{
			{Name: "next descriptor: DD?", Cost: costDesc, Do: (*Machine).cleanRxNext},
			{Name: "give buffers back", Cost: costFn, Do: (*Machine).cleanRxEnd},
		}},
	fnE1000AllocRx: {Name: "e1000_alloc_rx_buffers", File: fileE1000e, Station: StNAPI,
		Say:   "Fills the taken descriptors with buffers and moves the tail.",
		Why:   "The tail tells the card up to where it may write.",
		Steps: []step{{Name: "refill, write RDT", Cost: costRefill, Do: (*Machine).allocRx}}},
	fnNAPICompleteDone: {Name: "napi_complete_done", File: fileDev, Station: StNAPI,
		Say: "Ends polling: hands the held packets up and leaves the poll list.",
		Why: "An interrupt that came meanwhile is remembered in MISSED, and polling goes on.",
		Steps: []step{
			{Name: "hand over what GRO holds", Cost: costFn, Do: (*Machine).napiFlush},
			{Name: "clear SCHED, unless MISSED", Cost: costFn, Do: (*Machine).napiComplete},
		}},
	fnNAPIGROReceive: {Name: "napi_gro_receive", File: "net/core/gro.c", Station: StNAPI,
		Say:   "Could the packet be merged with others of its flow? A lone UDP datagram is not.",
		Why:   "Packets go up in batches of eight: one walk through the stack's code for all of them.",
		Steps: []step{{Name: "dev_gro_receive, gro_normal_one", Cost: costGRO, Do: (*Machine).napiGROReceive}}},
}

func (m *Machine) e1000Intr(c *cpu.Core, r *sim.Record) {
	n := &m.Napi
	if n.Sched {
		n.Missed = true
		c.Return(irqHandled)
		return
	}
	n.Sched = true
	c.Regs.RAX = irqHandled // nothing on the way back changes it
	c.Call(fnNAPISchedule)
}

func (m *Machine) napiSchedule(c *cpu.Core, r *sim.Record) {
	m.cpuOf(c).PollList.push(napiCard)
	m.raiseSoftirq(c, r, NetRx)
}

// NAPI instances of a core: the card's, if its interrupt comes here, and the
// backlog's.
const (
	napiCard = iota
	napiBacklog
)

// napiList is a list of NAPI instances, four bits each, the first one lowest.
type napiList uint16

func (l *napiList) push(id int) {
	shift := 0
	for *l>>shift != 0 {
		shift += 4
	}
	*l |= napiList(id+1) << shift
}

func (l *napiList) pop() int {
	id := int(*l&0xf) - 1
	*l >>= 4
	return id
}

// Locals of net_rx_action: the budget that is left, when it started, the
// instances to poll, those that want another round, the one that is polled.
const (
	rxBudget = iota
	rxStart
	rxList
	rxRepoll
	rxNAPI
)

func (m *Machine) netRxTake(c *cpu.Core, r *sim.Record) {
	f, k := c.Frame(), m.cpuOf(c)
	f.L[rxBudget], f.L[rxStart] = int64(m.Config.Params.Budget), int64(m.Now)
	f.L[rxList], k.PollList = int64(k.PollList), 0
	if f.L[rxList] == 0 {
		c.Goto(3)
	}
}

func (m *Machine) netRxPoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	list := napiList(f.L[rxList])
	f.L[rxNAPI] = int64(list.pop())
	f.L[rxList] = int64(list)
	m.Counters.Polls++
	r.Arg[0] = f.L[rxBudget]
	c.Call(fnNAPIPoll, f.L[rxNAPI])
}

// netRxCount: __napi_poll returns the work done, or with the sign changed if
// the instance wants to be polled again.
func (m *Machine) netRxCount(c *cpu.Core, r *sim.Record) {
	f, k := c.Frame(), m.cpuOf(c)
	work := c.Result()
	if work < 0 {
		repoll := napiList(f.L[rxRepoll])
		repoll.push(int(f.L[rxNAPI]))
		f.L[rxRepoll], work = int64(repoll), -work
	}
	f.L[rxBudget] -= work
	r.Arg[0], r.Arg[1] = f.L[rxBudget], work
	if f.L[rxBudget] <= 0 || m.Now-sim.Time(f.L[rxStart]) >= netdevBudgetTime {
		k.Squeezed++
		return
	}
	switch {
	case f.L[rxList] != 0:
		c.Goto(1)
	case f.L[rxRepoll] == 0:
		c.Return(0) // who has come meanwhile has raised NET_RX (6.1; 6.18 polls them now)
	}
}

// netRxEnd: what was not reached is first, then what came meanwhile, then who
// wants another round.
func (m *Machine) netRxEnd(c *cpu.Core, r *sim.Record) {
	f, k := c.Frame(), m.cpuOf(c)
	c.Cli()
	list := napiList(f.L[rxList])
	for _, rest := range []napiList{k.PollList, napiList(f.L[rxRepoll])} {
		for rest != 0 {
			list.push(rest.pop())
		}
	}
	k.PollList = list
	if k.PollList != 0 {
		m.raiseSoftirq(c, r, NetRx)
	}
	c.Regs.RFLAGS |= cpu.FlagIF
}

// napiPoll: local 0 is the instance.
func (m *Machine) napiPoll(c *cpu.Core, r *sim.Record) {
	c.Call([...]cpu.CodeID{napiCard: fnE1000Poll, napiBacklog: fnProcessBacklog}[c.Frame().L[0]])
}

func (m *Machine) napiPollDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	work := c.Result()
	about(r, KindNAPI, int32(f.L[0]))
	r.Arg[0], r.Arg[1] = work, int64(m.Config.Params.NAPIWeight)
	m.point(c, r, PointNAPIPoll)
	if work < int64(m.Config.Params.NAPIWeight) {
		c.Return(work)
		return
	}
	f.L[1] = work
}

func (m *Machine) napiRepoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if f.L[0] == napiCard && m.Napi.Count > 0 {
		f.PC-- // once more after the list has gone up
		m.passList(c)
		return
	}
	c.Return(-f.L[1])
}

func (m *Machine) e1000PollWork(c *cpu.Core, r *sim.Record) {
	work := c.Result()
	c.Frame().L[0] = work
	if work >= int64(m.Config.Params.NAPIWeight) {
		c.Return(work)
		return
	}
	c.Call(fnNAPICompleteDone)
}

// e1000IRQEnable writes IMS even when polling goes on, as the driver does.
func (m *Machine) e1000IRQEnable(c *cpu.Core, r *sim.Record) {
	m.NIC.WriteIMS(m.rxCause(), m.Now, &m.Queue, m.Seq)
	c.Return(c.Frame().L[0])
}

// cleanRxNext: local 0 counts the work.
func (m *Machine) cleanRxNext(c *cpu.Core, r *sim.Record) {
	f, n := c.Frame(), &m.Napi
	d := m.NIC.Descriptor(int(n.Next))
	about(r, KindDesc, n.Next)
	if n.Cleaned >= rxBufferWrite {
		f.PC = 0
		c.Call(fnE1000AllocRx)
		return
	}
	if f.L[0] >= int64(m.Config.Params.NAPIWeight) || !d.Done() {
		return
	}
	f.L[0]++
	skb := m.newSkb(d.Frame, int32(d.Len))
	m.pull(skb, nic.EthHeader) // eth_type_trans
	r.Arg[0], r.Arg[1] = int64(skb), int64(d.Frame)
	n.Next = (n.Next + 1) % int32(len(m.NIC.Queues[0].Ring))
	n.Cleaned++
	f.PC = 0
	c.Call(fnNAPIGROReceive, int64(skb))
}

func (m *Machine) cleanRxEnd(c *cpu.Core, r *sim.Record) {
	work := c.Frame().L[0]
	if m.Napi.Cleaned > 0 {
		c.Frame().PC--
		c.Call(fnE1000AllocRx)
		return
	}
	c.Return(work)
}

func (m *Machine) allocRx(c *cpu.Core, r *sim.Record) {
	n, size := &m.Napi, int32(len(m.NIC.Queues[0].Ring))
	r.Arg[0] = int64(n.Cleaned)
	for ; n.Cleaned > 0; n.Cleaned-- {
		m.NIC.Refill(int(n.Use), bufferAddr(n.Use))
		n.Use = (n.Use + 1) % size
	}
	about(r, KindDesc, n.Use)
	m.NIC.WriteRDT(uint32(n.Use), m.Now, &m.Queue, m.Seq)
}

// bufferAddr is where a descriptor's buffer lies in physical memory: one page
// each, and reused, as the driver does when it copies small packets.
func bufferAddr(desc int32) uint64 { return 0x07a0_0000 + uint64(desc)*0x1000 }

func (m *Machine) napiGROReceive(c *cpu.Core, r *sim.Record) {
	n, skb := &m.Napi, SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = int64(m.Skbs[skb].Len)
	m.point(c, r, PointNAPIGROReceive)
	m.appendSkb(&n.First, &n.Last, skb)
	if n.Count++; n.Count >= groNormalBatch {
		m.passList(c)
	}
}

// passList is gro_normal_list: what was held goes up the stack.
func (m *Machine) passList(c *cpu.Core) {
	n := &m.Napi
	c.Call(fnNetifReceiveListInternal, int64(n.First))
	n.First, n.Last, n.Count = None, None, 0
}

func (m *Machine) napiFlush(c *cpu.Core, r *sim.Record) {
	r.Arg[0] = int64(m.Napi.Count)
	if m.Napi.Count > 0 {
		m.passList(c)
	}
}

func (m *Machine) napiComplete(c *cpu.Core, r *sim.Record) {
	n := &m.Napi
	if n.Missed {
		n.Missed = false
		c.Regs.RAX = 0
		c.Call(fnNAPISchedule)
		return
	}
	n.Sched = false
	c.Return(1)
}
