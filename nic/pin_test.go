package nic

import (
	"slices"
	"testing"

	"ringside/sim"
)

// 82574 datasheet, "Interrupts": with MSI a rise of the signal inside is a message,
// with INTx the signal is the pin; a read of ICR clears the causes and, with IAM,
// masks them.
func TestPinAndMSI(t *testing.T) {
	for _, c := range []struct {
		mode   Mode
		stages []uint8 // of the interrupt
	}{
		{MSI, []uint8{StageMSI}},
		{INTx, []uint8{StagePin}},
	} {
		b := newBench(t, func(cfg *Config) { cfg.Mode = c.mode })
		b.WriteIMS(CauseRxT0, 0, &b.q, sim.NoSeq)
		b.arrive("one", nil)
		b.run(ever)
		if got := b.stages[5:]; !slices.Equal(got, c.stages) || !b.Asserted {
			t.Errorf("%s: stages %v, asserted %v", Modes[c.mode], got, b.Asserted)
		}
		b.arrive("two", nil)
		b.run(ever)
		if n := b.Stats.Interrupts; n != 1 {
			t.Errorf("%s: %d interrupts before the cause is read", Modes[c.mode], n)
		}
		if icr := b.ReadICR(b.now, &b.q, sim.NoSeq); icr != CauseRxT0|CauseAsserted || b.IMS != 0 || b.Asserted {
			t.Errorf("%s: ICR %#x, then IMS %#x, asserted %v", Modes[c.mode], icr, b.IMS, b.Asserted)
		}
		b.arrive("three", nil)
		b.run(ever)
		if b.Stats.Interrupts != 1 || b.PinSeen {
			t.Errorf("%s: masked, it interrupts", Modes[c.mode])
		}
		b.WriteIMS(CauseRxT0, b.now, &b.q, sim.NoSeq)
		b.run(ever)
		if b.Stats.Interrupts != 2 || b.PinSeen != (c.mode == INTx) {
			t.Errorf("%s: unmasked, %d interrupts, pin %v", Modes[c.mode], b.Stats.Interrupts, b.PinSeen)
		}
		if icr := b.ReadICR(b.now, &b.q, sim.NoSeq); icr&CauseRxT0 == 0 {
			t.Errorf("%s: ICR %#x", Modes[c.mode], icr)
		}
		if icr := b.ReadICR(b.now, &b.q, sim.NoSeq); icr != 0 {
			t.Errorf("%s: ICR %#x, and nothing has come since", Modes[c.mode], icr)
		}
	}
}
