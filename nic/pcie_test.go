package nic

import (
	"testing"

	"ringside/sim"
)

// A write carries Max_Payload_Size at most; a read fetches eight descriptors, and
// the next seven frames need none (82574 datasheet, "Receive Descriptor Fetching").
func TestThePacketsOnTheBus(t *testing.T) {
	for _, c := range []struct {
		data   int
		writes int64
	}{{18, 1}, {256 - 42, 1}, {257 - 42, 2}, {1472, 6}} {
		b := newBench(t, func(cfg *Config) { cfg.PCIe, cfg.Ring, cfg.RxUsecs = true, 64, sim.Second })
		for range 8 {
			b.arrive(string(make([]byte, c.data)), nil)
		}
		b.run(sim.Millisecond)
		if b.Bus.Writes != 8*(c.writes+1) || b.Bus.Reads != 1 || b.Stats.RxPackets != 8 {
			t.Errorf("%d bytes: %+v", c.data, b.Bus)
		}
		b.arrive("ninth", nil)
		b.run(2 * sim.Millisecond)
		if b.Bus.Reads != 2 {
			t.Errorf("%d reads for nine frames", b.Bus.Reads)
		}
	}
}

// PCI Express Base Specification, "Transaction Ordering": a posted write does not
// overtake another. The card sends its interrupt while frame and descriptor are
// still on their way, and it arrives behind them.
func TestTheInterruptDoesNotOvertakeTheData(t *testing.T) {
	for _, memory := range []sim.Time{0, 600, 5000} {
		b := newBench(t, func(cfg *Config) { cfg.PCIe, cfg.Costs.Memory = true, memory })
		b.arrive(string(make([]byte, 1000)), nil)
		posted := b.runTo(StagePosted)
		if posted.Arg != [2]int64{6, 1042} {
			t.Errorf("%+v", posted)
		}
		sent := b.now
		if memory > 0 && b.Descriptor(0, 0).Done() {
			t.Error("the descriptor is in memory when it has just been sent")
		}
		for b.q.Len() > 0 {
			b.run(b.q.PeekAt())
			if len(b.messages) > 0 && !b.Descriptor(0, 0).Done() {
				t.Fatalf("memory takes %s: the interrupt is there and the descriptor is not", memory)
			}
		}
		if len(b.messages) != 1 || b.messages[0] < sent+memory {
			t.Errorf("sent at %s, interrupts at %v", sent, b.messages)
		}
	}
}
