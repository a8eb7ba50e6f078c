package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Sending through the card: drivers/net/ethernet/intel/e1000e/netdev.c.
// The packet is freed when the card says that it is out: transmission has an
// interrupt vector of its own, whose handler cleans the ring. In a hard interrupt
// no packet can be freed, so the softirq NET_TX does that. igb shares the vector
// of receive queue 0, and cleans up in the poll; so does e1000e without MSI-X.
//
// Left out: the queueing discipline between the stack and the driver, and with it
// the limit on bytes in the ring (BQL).

var transmitText = text{
	fnE1000Xmit: {Name: "e1000_xmit_frame", File: fileE1000e,
		Say: "Fills a transmit descriptor and tells the card.", Why: "From here on the card does the work: it fetches the frame from memory by itself.",
		Steps: []step{
			{Name: "e1000_tx_map, e1000_tx_queue: a descriptor", Cost: costDesc, Do: (*Machine).e1000Xmit},
			{Name: "write the tail register", Cost: costMMIO, Do: (*Machine).e1000Tail},
		}},
	fnE1000IntrTx: {Name: "e1000_intr_msix_tx", File: fileE1000e,
		Say: "The handler of the transmit interrupt: it cleans the transmit ring at once.",
		Why: "Cleaning up is short work; only receiving is worth a softirq of its own.",
		Steps: []step{
			{Name: "clean the transmit ring", Cost: costHandler, Do: calls(fnE1000CleanTx)},
			{Name: "interrupt on again (IMS)", Cost: costMMIO, Do: (*Machine).e1000TxIRQEnable},
		}},
	fnE1000CleanTx: {Name: "e1000_clean_tx_irq", File: fileE1000e,
		Say:   "Takes the packets of all descriptors that the card has sent.",
		Why:   "Until DD is set the card may still read the packet; then its memory, and its room in the send buffer, can be had again.",
		Steps: []step{{Name: "next descriptor: DD?", Cost: costDesc, Do: (*Machine).cleanTx}}},
	fnNetTxAction: {Name: "net_tx_action", File: fileDev,
		Say:   "The transmit softirq: frees packets that were sent.",
		Why:   "A hard interrupt must not run a packet's destructor: it takes locks, and may wake a sender.",
		Steps: []step{{Name: "next packet: free it", Cost: costFn, Do: (*Machine).netTxAction}}},
	fnTxDMA: cardStage(nic.StageTxDMA, "tx dma", StNone),
	fnTxOut: cardStage(nic.StageTxOut, "tx wire", StNone),
}

// e1000Xmit: local 0 is the packet. The card computes TCP's checksum on the way
// out; UDP's is left out.
func (m *Machine) e1000Xmit(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	t := &m.Tx
	if (t.Use+1)%nic.TxRing == t.Clean { // e1000_desc_unused
		m.giveUp("more frames wait to be sent than the card's transmit ring holds; a queueing discipline is not modelled")
		return
	}
	addr := skbAddress(skb)
	if l := &c.Frame().L; m.Config.NIC.IOMMU {
		if l[1] == 0 {
			l[1] = 1
			c.Again()
			c.Call(fnDmaMapPage, int64(addr|uint64(cpu.IORead)))
			return
		}
		addr = uint64(c.Result())
	}
	packet := m.skbBytes(skb)
	h, _ := nic.ParseIPv4(packet)
	b := make([]byte, nic.EthHeader+len(packet))
	copy(b[nic.EthHeader:], packet)
	nic.PutEth(b, peerMAC(netipAddr(h.Dst)), HostMAC)
	if h.Protocol == nic.ProtoTCP {
		nic.SetTCPChecksum(b[nic.EthHeader:])
	}
	frame := m.newFrame(b)
	m.NIC.Transmit(t.Use, frame, addr, len(b))
	t.Skbs[t.Use] = skb
	r.Arg[0], r.Arg[1] = int64(t.Use), int64(frame)
	t.Use = (t.Use + 1) % nic.TxRing
}

func (m *Machine) e1000Tail(c *cpu.Core, r *sim.Record) {
	about(r, KindSkb, SkbID(c.Frame().L[0]))
	m.NIC.WriteTDT(m.Tx.Use, m.Now, &m.Queue, m.Seq)
}

// cleanTx returns 1: it has cleaned all there was. A packet whose descriptor is
// cleaned in a hard interrupt goes to this core's completion queue
// (dev_consume_skb_any).
func (m *Machine) cleanTx(c *cpu.Core, r *sim.Record) {
	t := &m.Tx
	d := &m.NIC.Tx.Ring[t.Clean]
	r.Arg[0] = int64(t.Clean)
	if !d.Done {
		c.Return(1)
		return
	}
	skb, k := t.Skbs[t.Clean], m.cpuOf(c)
	about(r, KindSkb, skb)
	if l := &c.Frame().L; m.Config.NIC.IOMMU {
		if l[0] = 1 - l[0]; l[0] == 1 { // not unmapped yet
			c.Again()
			c.Call(fnDmaUnmapPage, int64(d.Addr))
			return
		}
	}
	d.Done = false
	t.Clean = (t.Clean + 1) % nic.TxRing
	c.Again()
	if k.Preempt&maskHardirq == 0 {
		m.consumeSent(c, r, skb)
		return
	}
	m.Skbs[skb].Next, k.Completed = k.Completed, skb
	m.raiseSoftirq(c, r, NetTx)
}

func (m *Machine) e1000TxIRQEnable(c *cpu.Core, r *sim.Record) {
	m.NIC.WriteIMS(m.NIC.TxCause(), m.Now, &m.Queue, m.Seq)
	c.Return(1)
}

func (m *Machine) netTxAction(c *cpu.Core, r *sim.Record) {
	k := m.cpuOf(c)
	skb := k.Completed
	if skb == None {
		return
	}
	about(r, KindSkb, skb)
	k.Completed = m.Skbs[skb].Next
	c.Again()
	m.consumeSent(c, r, skb)
}

// consumeSent frees a packet that was sent; a datagram's sender may be waiting for
// the room (consume_skb, sock_wfree).
func (m *Machine) consumeSent(c *cpu.Core, r *sim.Record, skb SkbID) {
	m.point(c, r, PointConsumeSkb)
	sender := m.Skbs[skb].Sender
	m.kfreeSkb(skb)
	if sender != None && m.Socks[sender].Kind == SockUDP {
		c.Call(fnSockDefWriteSpace, int64(sender))
	}
}

// skbAddress is where a packet's data lies in physical memory.
func skbAddress(skb SkbID) uint64 { return 0x0900_0000 + uint64(skb)*0x1000 }

// newFrame adds a frame to those that have been on the wire. Frames never
// change, so copies of a machine share them.
func (m *Machine) newFrame(b []byte) int32 {
	m.Frames = append(m.Frames, nic.NewFrame(b))
	return int32(len(m.Frames) - 1)
}

// toCard tells whether a packet that is to be sent leaves through the card.
func (m *Machine) toCard(skb SkbID) bool {
	h, _ := nic.ParseIPv4(m.skbBytes(skb))
	return !localIP(h.Dst)
}
