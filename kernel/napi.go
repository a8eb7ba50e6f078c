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
			{Name: "clean the receive ring", Cost: costFn, Do: (*Machine).e1000Poll},
			{Name: "all taken?", Cost: costFn, Do: (*Machine).e1000PollWork},
			{Name: "is polling over?", Do: (*Machine).e1000PollOver},
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
		Say: "Could the packet be merged with others of its flow? A lone UDP datagram is not.",
		Why: "Packets go up in batches of eight: one walk through the stack's code for all of them.",
		Steps: []step{
			{Name: "dev_gro_receive, gro_normal_one", Cost: costGRO, Do: (*Machine).napiGROReceive},
			{Name: "napi_skb_finish", Cost: costFn, Do: (*Machine).napiSkbFinish},
		}},
}

// e1000Intr: local 0 is the receive queue.
func (m *Machine) e1000Intr(c *cpu.Core, r *sim.Record) {
	queue := c.Frame().L[0]
	n := &m.Napis[queue]
	if n.SetITR {
		n.SetITR = false
		m.NIC.WriteITR(int32(queue), itrRegister(n.Rate))
		r.Arg[0] = int64(itrRegister(n.Rate))
	}
	if n.Sched {
		n.Missed = true
		c.Return(irqHandled)
		return
	}
	n.Sched, n.Packets, n.Bytes = true, 0, 0
	c.Regs.RAX = irqHandled // nothing on the way back changes it
	c.Call(fnNAPISchedule, queue)
}

func (m *Machine) napiSchedule(c *cpu.Core, r *sim.Record) {
	m.pollListAdd(c, int(c.Frame().L[0]))
	m.raiseSoftirq(c, r, NetRx)
}

// NAPI instances are counted: those of the card's queues first, then one for a
// core's backlog. backlogNAPI is its number; each core has its own.
func (m *Machine) backlogNAPI() int { return len(m.Napis) }

// napiList is a list of NAPI instances (poll_list). An instance is on one list at
// most, and holds the link to the next one. The zero value is empty, so numbers
// are counted from 1.
type napiList struct{ First, Last uint8 }

// packed is the list in a local of net_rx_action, and unpacked the way back.
func (l napiList) packed() int64 { return int64(l.First) | int64(l.Last)<<8 }

func unpackedList(v int64) napiList { return napiList{uint8(v), uint8(v >> 8)} }

// napiLink is where an instance holds the link to the next one on its list.
func (m *Machine) napiLink(c *cpu.Core, id int) *uint8 {
	if id == m.backlogNAPI() {
		return &m.cpuOf(c).Backlog.Link
	}
	return &m.Napis[id].Link
}

// napiJoin puts list b behind list a (list_splice_tail).
func (m *Machine) napiJoin(c *cpu.Core, a *napiList, b napiList) {
	switch {
	case b.First == 0:
	case a.First == 0:
		*a = b
	default:
		*m.napiLink(c, int(a.Last)-1) = b.First
		a.Last = b.Last
	}
}

func (m *Machine) napiPush(c *cpu.Core, l *napiList, id int) {
	*m.napiLink(c, id) = 0
	m.napiJoin(c, l, napiList{uint8(id + 1), uint8(id + 1)})
}

// pollListAdd puts an instance at the end of this core's poll list.
func (m *Machine) pollListAdd(c *cpu.Core, id int) { m.napiPush(c, &m.cpuOf(c).PollList, id) }

func (m *Machine) napiPop(c *cpu.Core, l *napiList) int {
	id := int(l.First) - 1
	if l.First = *m.napiLink(c, id); l.First == 0 {
		l.Last = 0
	}
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
	f.L[rxList], k.PollList = k.PollList.packed(), napiList{}
	if f.L[rxList] == 0 {
		c.Goto(3)
	}
}

func (m *Machine) netRxPoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	list := unpackedList(f.L[rxList])
	f.L[rxNAPI] = int64(m.napiPop(c, &list))
	f.L[rxList] = list.packed()
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
		repoll := unpackedList(f.L[rxRepoll])
		m.napiPush(c, &repoll, int(f.L[rxNAPI]))
		f.L[rxRepoll], work = repoll.packed(), -work
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
	list := unpackedList(f.L[rxList])
	m.napiJoin(c, &list, k.PollList)
	m.napiJoin(c, &list, unpackedList(f.L[rxRepoll]))
	if k.PollList = list; list.First != 0 {
		m.raiseSoftirq(c, r, NetRx)
	}
	c.Regs.RFLAGS |= cpu.FlagIF
}

// napiPoll: local 0 is the instance.
func (m *Machine) napiPoll(c *cpu.Core, r *sim.Record) {
	id := c.Frame().L[0]
	if int(id) == m.backlogNAPI() {
		c.Call(fnProcessBacklog)
		return
	}
	c.Call(fnE1000Poll, id, 0, 0, int64(m.Config.Params.NAPIWeight))
}

func (m *Machine) napiPollDone(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	work := c.Result()
	m.pollPoint(c, r, int32(f.L[0]), work, int64(m.Config.Params.NAPIWeight))
	if work < int64(m.Config.Params.NAPIWeight) {
		c.Return(work)
		return
	}
	f.L[1] = work
}

func (m *Machine) napiRepoll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	switch id := int(f.L[0]); {
	case id == m.backlogNAPI():
	case m.groFlush(c, f.L[0]):
		f.PC = 2 // once more after it has gone up
		return
	case m.Napis[id].Count > 0:
		f.PC = 2
		m.passList(c, id)
		return
	}
	c.Return(-f.L[1])
}

// e1000Poll: local 0 is the queue, 1 will be the work done, 2 whether the transmit
// ring that shares its vector has been cleaned, 3 the budget.
func (m *Machine) e1000Poll(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if m.sharesTx(int32(f.L[0])) && f.L[2] == 0 {
		f.L[2] = 1
		c.Again()
		c.Call(fnE1000CleanTx)
		return
	}
	c.Call(fnE1000CleanRx, f.L[0], 0, f.L[3])
}

func (m *Machine) e1000PollWork(c *cpu.Core, r *sim.Record) {
	f, work := c.Frame(), c.Result()
	f.L[1] = work
	if work >= f.L[3] {
		c.Return(work)
		return
	}
	c.Call(fnNAPICompleteDone, f.L[0])
}

// sharesTx tells whether transmission interrupts together with a receive queue,
// whose poll then cleans the transmit ring.
func (m *Machine) sharesTx(queue int32) bool { return queue == 0 && !m.Config.NIC.OwnTxVector() }

// pollCauses are the interrupt causes that a queue's poll stands for: with MSI-X its
// vector's, else all (IMS_ENABLE_MASK).
func (m *Machine) pollCauses(queue int32) uint32 {
	if m.sharesTx(queue) {
		return m.NIC.Cause(queue) | m.NIC.TxCause()
	}
	return m.NIC.Cause(queue)
}

// e1000PollOver: if polling goes on, the interrupt stays off.
func (m *Machine) e1000PollOver(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	switch {
	case c.Result() == 0:
		c.Return(f.L[1])
	case m.Config.NIC.AdaptiveRx:
		c.Call(fnE1000SetITR, f.L[0])
	}
}

func (m *Machine) e1000IRQEnable(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	m.NIC.WriteIMS(m.pollCauses(int32(f.L[0])), m.Now, &m.Queue, m.Seq)
	c.Return(f.L[1])
}

// aboutDesc says that a record touches a descriptor: the rings are counted on
// from one queue to the next.
func (m *Machine) aboutDesc(r *sim.Record, queue, desc int32) {
	about(r, KindDesc, queue*int32(m.Config.NIC.Ring)+desc)
}

// cleanRxNext: local 0 is the queue, 1 counts the work, 2 is the budget, which a
// driver without NAPI does not have; 3 tells whether the buffer has been unmapped.
func (m *Machine) cleanRxNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	queue := int32(f.L[0])
	n := &m.Napis[queue]
	d := m.NIC.Descriptor(queue, n.Next)
	m.aboutDesc(r, queue, n.Next)
	if n.Cleaned >= rxBufferWrite {
		f.PC = 0
		c.Call(fnE1000AllocRx, f.L[0])
		return
	}
	napi := f.Code == fnE1000CleanRx
	if napi && f.L[1] >= f.L[2] || !d.Done() {
		return
	}
	if m.Config.NIC.IOMMU && f.L[3] == 0 { // the buffer is the card's until it is unmapped
		f.L[3], f.PC = 1, 0
		c.Call(fnDmaUnmapPage, int64(d.Addr))
		return
	}
	f.L[3] = 0
	f.L[1]++
	if d.Frame == None { // the IOMMU has blocked the write: the page is still empty
		d.Frame = m.newFrame(make([]byte, d.Len))
	}
	skb := m.newSkb(d.Frame, int32(d.Len))
	m.rxChecksum(skb, queue, d)
	m.rxFields(skb, queue, d)
	m.ethTypeTrans(skb)
	d.Status = 0 // or a poll that goes round the ring would find it again
	r.Arg[0], r.Arg[1] = int64(skb), int64(d.Frame)
	n.Next = (n.Next + 1) % int32(m.Config.NIC.Ring)
	n.Cleaned++
	n.Packets++
	n.Bytes += int32(d.Len)
	f.PC = 0
	if !napi {
		c.Call(fnNetifRxIRQ, int64(skb))
		return
	}
	c.Call(fnNAPIGROReceive, int64(skb), f.L[0])
}

// rxChecksum takes over what the card says of the checksums (e1000_rx_checksum,
// igb_rx_checksum): where it found an error, or did not look, the stack looks
// itself.
func (m *Machine) rxChecksum(skb SkbID, queue int32, d *nic.Desc) {
	switch {
	case d.Errors&(nic.ErrorL4|nic.ErrorIP) != 0:
		m.Counters.HwCsumErr++
		m.Napis[queue].CsumErr++
	case d.Status&(nic.StatusTCPCS|nic.StatusUDPCS) != 0:
		m.Skbs[skb].Checked = true
		m.Counters.HwCsumGood++
	}
}

// ethTypeTrans is eth_type_trans: whom is the frame for? The Ethernet header is
// pulled.
func (m *Machine) ethTypeTrans(skb SkbID) {
	eth, _ := nic.ParseEth(m.skbBytes(skb))
	switch {
	case eth.Dst == HostMAC:
	case eth.Dst == nic.Broadcast:
		m.Skbs[skb].PktType = PacketBroadcast
	case eth.Dst[0]&1 != 0:
		m.Skbs[skb].PktType = PacketMulticast
	default:
		m.Skbs[skb].PktType = PacketOtherHost
	}
	m.pull(skb, nic.EthHeader)
}

// rxFields takes over into the packet what an advanced descriptor says of it:
// its hash, which has the ports in it or not (igb_rx_hash), and its queue
// (skb_record_rx_queue).
func (m *Machine) rxFields(skb SkbID, queue int32, d *nic.Desc) {
	if !m.Config.NIC.Advanced {
		return
	}
	hash, typ := d.Hash()
	s := &m.Skbs[skb]
	s.Hash, s.L4Hash = hash, typ == nic.HashIPv4TCP || typ == nic.HashIPv4UDP
	s.RxQueue = uint8(queue) + 1
}

func (m *Machine) cleanRxEnd(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if m.Napis[f.L[0]].Cleaned > 0 {
		f.PC--
		c.Call(fnE1000AllocRx, f.L[0])
		return
	}
	c.Return(f.L[1])
}

// allocRx: local 0 is the queue. The driver remembers itself where the buffers
// are: an advanced descriptor no longer says so.
func (m *Machine) allocRx(c *cpu.Core, r *sim.Record) {
	queue := int32(c.Frame().L[0])
	n := &m.Napis[queue]
	r.Arg[0] = int64(n.Cleaned)
	for n.Cleaned > 0 {
		m.giveBuffer(queue, m.bufferAddr(queue, n.Use))
	}
	m.aboutDesc(r, queue, n.Use)
	m.NIC.WriteRDT(queue, uint32(n.Use), m.Now, &m.Queue, m.Seq)
}

// giveBuffer fills the next descriptor.
func (m *Machine) giveBuffer(queue int32, addr uint64) {
	n := &m.Napis[queue]
	m.NIC.Refill(queue, n.Use, addr)
	n.Use = (n.Use + 1) % int32(m.Config.NIC.Ring)
	n.Cleaned--
}

// bufferAddr is where a descriptor's buffer lies in physical memory: one page
// each, and reused, as the driver does when it copies small packets.
func (m *Machine) bufferAddr(queue, desc int32) uint64 {
	return 0x07a0_0000 + uint64(queue*int32(m.Config.NIC.Ring)+desc)*0x1000
}

// napiFlush: local 0 is the instance.
func (m *Machine) napiFlush(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	id := int(f.L[0])
	r.Arg[0] = int64(m.Napis[id].Count)
	if m.Napis[id].BusyPoll { // who spins will call again
		c.Return(0)
		return
	}
	if m.groFlush(c, f.L[0]) {
		f.PC = 0
		return
	}
	if m.Napis[id].Count > 0 {
		m.passList(c, id)
	}
}

func (m *Machine) napiComplete(c *cpu.Core, r *sim.Record) {
	id := c.Frame().L[0]
	n := &m.Napis[id]
	if n.Missed {
		n.Missed = false
		c.Regs.RAX = 0
		c.Call(fnNAPISchedule, id)
		return
	}
	n.Sched = false
	c.Return(1)
}
