package kernel

import (
	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// The receive path from the driver to the transport protocol: net/core/dev.c,
// net/ipv4/ip_input.c. Packets travel as lists, so that each function's code is
// fetched once for a whole batch. Left out: netfilter, routing beyond "is it
// for this host", fragments, IP options, taps, RPS.

const fileIPInput = "net/ipv4/ip_input.c"

var netText = text{
	fnNetifReceiveListInternal: {Name: "netif_receive_skb_list_internal", File: fileDev, Station: StSkb,
		Say:   "A batch of packets leaves the driver for the network stack.",
		Why:   "From here on it no longer matters which card they came from.",
		Steps: []step{{Name: "pass the list", Cost: costFn, Do: callsWithArg(fnNetifReceiveListCore)}}},
	fnNetifReceiveListCore: {Name: "__netif_receive_skb_list_core", File: fileDev, Station: StSkb,
		Say: "For each packet: which protocol? Then the whole list goes to it.",
		Why: "Packets of one protocol stay together.",
		Steps: []step{
			{Name: "next packet", Cost: costFn, Do: (*Machine).listCoreNext},
			{Name: "deliver the list to IPv4", Cost: costFn, Do: (*Machine).listCoreDeliver},
		}},
	fnNetifReceiveCore: {Name: "__netif_receive_skb_core", File: fileDev, Station: StSkb,
		Say:   "Looks at the Ethernet type.",
		Why:   "0x0800 is IPv4; packet sockets such as tcpdump's would get a copy here.",
		Steps: []step{{Name: "Ethernet type", Cost: costSkb, Do: (*Machine).netifReceiveCore}}},
	fnIPListRcv: {Name: "ip_list_rcv", File: fileIPInput, Station: StSkb,
		Say: "IPv4 takes the list: each header is checked.",
		Why: "Nothing in a packet is to be trusted.",
		Steps: []step{
			{Name: "next packet", Cost: costFn, Do: (*Machine).ipListNext},
			{Name: "on with those that are sound", Cost: costFn, Do: (*Machine).ipListDone},
		}},
	fnIPRcvCore: {Name: "ip_rcv_core", File: fileIPInput, Station: StSkb,
		Say:   "Version, header length, total length, header checksum.",
		Why:   "A packet that fails is dropped and counted in InHdrErrors.",
		Steps: []step{{Name: "check the header", Cost: costIP, Do: (*Machine).ipRcvCore}}},
	fnIPSublistRcv: {Name: "ip_sublist_rcv", File: fileIPInput, Station: StSkb,
		Say:   "Where to? The route look-up says: to this host.",
		Why:   "Packets for other hosts would be forwarded or dropped.",
		Steps: []step{{Name: "route", Cost: costIP, Do: callsWithArg(fnIPSublistRcvFinish)}}},
	fnIPSublistRcvFinish: {Name: "ip_sublist_rcv_finish", File: fileIPInput, Station: StSkb,
		Say:   "Takes the packets from the list one by one.",
		Why:   "Sockets differ, so the batch ends here.",
		Steps: []step{{Name: "next packet", Cost: costFn, Do: (*Machine).sublistNext}}},
	fnIPLocalDeliver: {Name: "ip_local_deliver", File: fileIPInput, Station: StSkb,
		Say:   "The packet is for this host.",
		Why:   "Fragments would be put together here.",
		Steps: []step{{Name: "not a fragment", Cost: costFn, Do: (*Machine).ipLocalDeliver}}},
	fnIPLocalDeliverFinish: {Name: "ip_local_deliver_finish", File: fileIPInput, Station: StSkb,
		Say:   "Pulls the IP header: the data now starts at the UDP header.",
		Why:   "No byte is copied; a pointer moves.",
		Steps: []step{{Name: "pull the IP header", Cost: costFn, Do: (*Machine).ipLocalDeliverFinish}}},
	fnIPProtocolDeliver: {Name: "ip_protocol_deliver_rcu", File: fileIPInput, Station: StSkb,
		Say:   "The header's protocol number chooses the transport protocol.",
		Why:   "17 is UDP, 6 is TCP.",
		Steps: []step{{Name: "which protocol?", Cost: costFn, Do: (*Machine).ipProtocolDeliver}}},
}

// callsWithArg is a step that calls a function with its own first argument.
func callsWithArg(fn cpu.CodeID) func(*Machine, *cpu.Core, *sim.Record) {
	return func(_ *Machine, c *cpu.Core, _ *sim.Record) { c.Call(fn, c.Frame().L[0]) }
}

// dropped marks, in a list, a packet that has not passed a check.
const dropped = -1

// listCoreNext walks the list with local 1 as the packet before the next.
func (m *Machine) listCoreNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if f.L[2] == 0 {
		f.L[1], f.L[2] = f.L[0], 1
	}
	skb := SkbID(f.L[1])
	about(r, KindSkb, skb)
	f.L[1] = int64(m.Skbs[skb].Next)
	if f.L[1] != None {
		f.PC = 0
	}
	c.Call(fnNetifReceiveCore, int64(skb))
}

func (m *Machine) listCoreDeliver(c *cpu.Core, r *sim.Record) {
	c.Call(fnIPListRcv, c.Frame().L[0])
}

func (m *Machine) netifReceiveCore(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = int64(m.Skbs[skb].Len)
	m.point(c, r, PointNetifReceiveSkb)
}

// ipListNext rebuilds the list out of the packets that pass: locals 1 to 4 are
// the next packet, whether the walk has begun, and the new list's ends.
func (m *Machine) ipListNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	if f.L[2] == 0 {
		f.L[1], f.L[2], f.L[3], f.L[4] = f.L[0], 1, None, None
	} else if c.Result() != dropped {
		first, last := SkbID(f.L[3]), SkbID(f.L[4])
		m.appendSkb(&first, &last, SkbID(f.L[5]))
		f.L[3], f.L[4] = int64(first), int64(last)
	}
	if f.L[1] == None {
		return
	}
	f.L[5] = f.L[1]
	f.L[1] = int64(m.Skbs[f.L[5]].Next)
	f.PC = 0
	about(r, KindSkb, SkbID(f.L[5]))
	c.Call(fnIPRcvCore, f.L[5])
}

func (m *Machine) ipListDone(c *cpu.Core, r *sim.Record) {
	if first := c.Frame().L[3]; first != None {
		c.Call(fnIPSublistRcv, first)
	}
}

func (m *Machine) ipRcvCore(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	if m.Skbs[skb].PktType == PacketOtherHost { // the card is promiscuous; the host is not
		m.Counters.OtherHost++
		m.drop(c, r, skb)
		c.Return(dropped)
		return
	}
	h, ok := nic.ParseIPv4(m.skbBytes(skb))
	if !ok {
		m.Counters.InHdrErrors++
		m.drop(c, r, skb)
		c.Return(dropped)
		return
	}
	m.Skbs[skb].Len = min(m.Skbs[skb].Len, int32(h.TotalLen)) // the padding goes
	m.Skbs[skb].From.IP, m.Skbs[skb].To.IP = h.Src, h.Dst
	if !localIP(h.Dst) || m.Skbs[skb].Frame != None && h.Dst != hostIP {
		m.Counters.InAddrErrors++
		m.drop(c, r, skb)
		c.Return(dropped)
		return
	}
	c.Return(int64(skb))
}

// drop frees a packet that goes no further.
func (m *Machine) drop(c *cpu.Core, r *sim.Record, skb SkbID) {
	about(r, KindSkb, skb)
	m.point(c, r, PointKfreeSkb)
	m.kfreeSkb(skb)
}

func (m *Machine) sublistNext(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := SkbID(f.L[0])
	about(r, KindSkb, skb)
	f.L[0] = int64(m.Skbs[skb].Next)
	if f.L[0] != None {
		f.PC = 0
	}
	c.Call(fnIPLocalDeliver, int64(skb))
}

func (m *Machine) ipLocalDeliver(c *cpu.Core, r *sim.Record) {
	c.Tail(fnIPLocalDeliverFinish, c.Frame().L[0])
}

func (m *Machine) ipLocalDeliverFinish(c *cpu.Core, r *sim.Record) {
	skb := SkbID(c.Frame().L[0])
	about(r, KindSkb, skb)
	h, _ := nic.ParseIPv4(m.skbBytes(skb))
	m.pull(skb, int32(h.HeaderLen))
	c.Call(fnIPProtocolDeliver, int64(skb), int64(h.Protocol))
}

func (m *Machine) ipProtocolDeliver(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := SkbID(f.L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = f.L[1]
	switch f.L[1] {
	case protoUDP:
		c.Call(fnUDPRcv, int64(skb))
	case protoTCP:
		c.Call(fnTCPv4Rcv, int64(skb))
	case protoICMP:
		c.Call(fnICMPRcv, int64(skb))
	default:
		m.drop(c, r, skb) // Linux would answer with ICMP "protocol unreachable"
	}
}
