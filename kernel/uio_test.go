package kernel

import (
	"testing"

	"ringside/sim"
)

// TestAProgramDrivesTheCard: DPDK Programmer's Guide, "Poll Mode Driver": packets
// are taken "without any interrupts", in the program's own context. The ring goes
// round several times; every packet is taken once.
func TestAProgramDrivesTheCard(t *testing.T) {
	for _, queues := range []int{1, 2} {
		const packets = 300
		cfg := config(1, []ThreadConfig{thread(t, "poller", `got := 0
			for {
				got += rx_burst(0, 8)
				if got > 400 {
					exit(1)
				}
			}`, 0, 0)}, every(700, packets))
		cfg.UIO, cfg.Stop = true, sim.Millisecond
		cfg.NIC.SetQueues(queues)
		cfg.NIC.RSS.Enabled, cfg.NIC.Ring = false, 64
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var in [CtxDevice + 1]sim.Time
		var r sim.Record
		for m.Step(&r) {
			in[r.Ctx] += r.Dur
			if err := m.checkConserved(); err != nil {
				t.Fatal(err)
			}
		}
		c := &m.Counters
		if m.Fault != "" || c.UserRx != packets || c.IRQs+c.Skbs+c.Syscalls > 0 || m.NIC.Stats.Interrupts > 0 {
			t.Errorf("%d queues: fault %q, %+v", queues, m.Fault, *c)
		}
		if share := float64(in[CtxUser]) / float64(m.Config.Stop); share < 0.98 {
			t.Errorf("%d queues: %.3f of the time in ring 3", queues, share)
		}
	}
}
