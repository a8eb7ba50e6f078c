package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Adaptive interrupt moderation of e1000e (InterruptThrottleRate=1): after each
// poll the driver puts the traffic into a class, by packets and bytes since the
// interrupt, and each class has its rate of interrupts. Left out: the class of
// transmission, of which there are no interrupts in the model.

// Classes of latency (enum latency_range).
const (
	LowestLatency uint8 = iota
	LowLatency
	BulkLatency
)

// LatencyClasses are their names.
var LatencyClasses = [...]string{LowestLatency: "lowest_latency", LowLatency: "low_latency", BulkLatency: "bulk_latency"}

// latencyRates are the interrupts a second of each class.
var latencyRates = [...]int32{LowestLatency: 70000, LowLatency: 20000, BulkLatency: 4000}

// firstRate is what the driver begins with (e1000e_check_options).
const firstRate = 20000

// itrRegister is a rate as the register has it, in units of 256 ns.
func itrRegister(rate int32) uint32 { return uint32(1_000_000_000 / (int64(rate) * 256)) }

var itrText = text{
	fnE1000SetITR: {Name: "e1000_set_itr", File: fileE1000e, Station: StNAPI,
		Say:   "Puts the traffic since the interrupt into a class of latency: lowest, low or bulk.",
		Why:   "A lone small packet should be told at once; of a bulk transfer, one interrupt for many packets is enough.",
		Steps: []step{{Name: "e1000_update_itr, the new rate", Cost: costFn, Do: (*Machine).e1000SetITR}}},
}

// updateITR is e1000_update_itr.
func updateITR(class uint8, packets, bytes int32) uint8 {
	if packets == 0 {
		return class
	}
	each := bytes / packets
	switch class {
	case LowestLatency:
		switch {
		case each > 8000:
			return BulkLatency
		case packets < 5 && bytes > 512:
			return LowLatency
		}
	case LowLatency:
		switch {
		case bytes > 10000 && (packets < 10 || each > 1200), bytes <= 10000 && each > 2000:
			return BulkLatency
		case bytes > 10000 && packets > 35, packets <= 2 && bytes < 512:
			return LowestLatency
		}
	case BulkLatency:
		if bytes > 25000 && packets > 35 || bytes < 6000 {
			return LowLatency
		}
	}
	return class
}

// e1000SetITR: local 0 is the queue. When the rate rises it does so in steps; the
// register is written by the next interrupt's handler.
func (m *Machine) e1000SetITR(c *cpu.Core, r *sim.Record) {
	n := &m.Napis[c.Frame().L[0]]
	n.Class = updateITR(n.Class, n.Packets, n.Bytes)
	rate := latencyRates[n.Class]
	if rate > n.Rate {
		rate = min(n.Rate+rate>>2, rate)
	}
	r.Arg[0], r.Arg[1] = int64(n.Class), int64(rate)
	n.SetITR = n.SetITR || rate != n.Rate
	n.Rate = rate
}
