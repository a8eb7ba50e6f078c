package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// The receive path of packets that come without a card: net/core/dev.c's
// process_backlog, and IPv4 for single packets.

var backlogText = text{
	fnProcessBacklog: {Name: "process_backlog", File: fileDev, Station: StNAPI,
		Say: "The backlog's poll function: takes its packets up the stack one by one.",
		Why: "A core's backlog is polled like a card, with the same weight.",
		Steps: []step{
			{Name: "next packet", Cost: costFn, Do: (*Machine).processBacklog},
		}},
	fnNetifReceiveOneCore: {Name: "__netif_receive_skb_one_core", File: fileDev, Station: StSkb,
		Say: "One packet enters the network stack.",
		Why: "From here on it no longer matters where it came from.",
		Steps: []step{
			{Name: "__netif_receive_skb_core", Cost: costFn, Do: callsWithArg(fnNetifReceiveCore)},
			{Name: "to IPv4", Cost: costFn, Do: callsWithArg(fnIPRcv)},
		}},
	fnIPRcv: {Name: "ip_rcv", File: fileIPInput, Station: StSkb,
		Say: "IPv4 takes the packet: the header is checked.",
		Why: "Nothing in a packet is to be trusted.",
		Steps: []step{
			{Name: "ip_rcv_core", Cost: costFn, Do: callsWithArg(fnIPRcvCore)},
			{Name: "ip_rcv_finish: route", Cost: costIP, Do: (*Machine).ipRcvFinish},
		}},
}

// processBacklog: local 0 counts the work.
func (m *Machine) processBacklog(c *cpu.Core, r *sim.Record) {
	f, b := c.Frame(), &m.cpuOf(c).Backlog
	skb := b.First
	if f.L[0] >= int64(m.Config.Params.NAPIWeight) {
		c.Return(f.L[0]) // stays scheduled, and is polled again
		return
	}
	if skb == None {
		b.Sched = false
		c.Return(f.L[0])
		return
	}
	about(r, KindSkb, skb)
	if b.First = m.Skbs[skb].Next; b.First == None {
		b.Last = None
	}
	b.Len--
	f.L[0]++
	c.Again()
	c.Call(fnNetifReceiveOneCore, int64(skb))
}

func (m *Machine) ipRcvFinish(c *cpu.Core, r *sim.Record) {
	skb := c.Result()
	if skb == dropped {
		return
	}
	about(r, KindSkb, SkbID(skb))
	c.Call(fnIPLocalDeliver, skb)
}
