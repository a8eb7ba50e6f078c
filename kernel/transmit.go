package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Sending through the card: drivers/net/ethernet/intel/e1000e/netdev.c.
// Simplified: the packet is freed when its descriptor is written back; the
// interrupt that tells the driver so, and e1000_clean_tx_irq, are left out, and
// so is the queueing discipline between the stack and the driver.

var transmitText = text{
	fnE1000Xmit: {Name: "e1000_xmit_frame", File: fileE1000e,
		Say: "Fills a transmit descriptor and tells the card.", Why: "From here on the card does the work: it fetches the frame from memory by itself.",
		Steps: []step{
			{Name: "e1000_tx_map, e1000_tx_queue: a descriptor", Cost: costDesc, Do: (*Machine).e1000Xmit},
			{Name: "write the tail register", Cost: costMMIO, Do: (*Machine).e1000Tail},
		}},
	fnTxDMA: cardStage(nic.StageTxDMA, "tx dma", StNone),
	fnTxOut: cardStage(nic.StageTxOut, "tx wire", StNone),
}

// e1000Xmit: local 0 is the packet. The card computes TCP's checksum on the way
// out; UDP's is left out.
func (m *Machine) e1000Xmit(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	if !m.NIC.TxRoom() {
		m.giveUp("more frames wait to be sent than the card's transmit ring holds; a queueing discipline is not modelled")
		return
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
	m.txSkbs[m.NIC.Transmit(frame, skbAddress(skb), len(b))] = skb
	r.Arg[0], r.Arg[1] = int64(m.NIC.Tx.Tail), int64(frame)
}

func (m *Machine) e1000Tail(c *cpu.Core, r *sim.Record) {
	about(r, KindSkb, SkbID(c.Frame().L[0]))
	m.NIC.WriteTDT(m.NIC.Tx.Tail+1, m.Now, &m.Queue, m.Seq)
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
