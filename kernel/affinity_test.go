package kernel

import (
	"slices"
	"strings"
	"testing"

	"ringside/sim"
)

// TestNoInterruptIsLostOnTheMove: PCI Local Bus Specification 3.0, section 6.8.2: a
// message that is due while its vector is masked sets the pending bit, and is sent
// when it is unmasked. Packets and moves come at many distances from each other.
func TestNoInterruptIsLostOnTheMove(t *testing.T) {
	pending := 0
	for _, every := range []sim.Time{700, 1900, 5003, 20011, 90001} {
		for _, moves := range []sim.Time{450, 777, 3001, 25013} {
			p := packet(100*sim.Microsecond, 7000, "x")
			p.Count, p.Every = 60, every
			cfg := config(2, []ThreadConfig{thread(t, "server", blockingServer, -1, 0)}, p)
			for i := range 200 {
				cfg.Affinity = append(cfg.Affinity, Affinity{At: 100*sim.Microsecond + sim.Time(i)*moves, CPU: 1 - i%2})
			}
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range runAll(t, m, 1e6) {
				if r.Fn == uint16(fnWriteMsgMSIX) && r.Step == uint8(moveUnmask) && r.Arg[0] == 1 {
					pending++
				}
			}
			if m.Counters.Delivered != 60 || m.NIC.MSIX[0].Pending || m.NIC.MSIX[0].Masked {
				t.Errorf("packets every %s, moves every %s: %d delivered, %+v", every, moves, m.Counters.Delivered, m.NIC.MSIX[0])
			}
		}
	}
	if pending == 0 {
		t.Error("no interrupt has ever been pending")
	}
}

// TestTheInterruptComesWhereItWasMoved: /proc/interrupts counts it there.
func TestTheInterruptComesWhereItWasMoved(t *testing.T) {
	cfg := config(2, []ThreadConfig{thread(t, "server", blockingServer, 0, 0)}, packet(100*sim.Microsecond, 7000, "x"), packet(300*sim.Microsecond, 7000, "y"))
	cfg.Affinity = []Affinity{{At: 200 * sim.Microsecond, CPU: 1}}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 1e5)
	for _, l := range m.Interrupts() {
		if strings.Contains(l.Text, "eth0-rx-0") && !slices.Equal(l.Counts, []int32{1, 1}) {
			t.Errorf("%v: one before it moves, one after", l.Counts)
		}
	}
	if m.Counters.Delivered != 2 {
		t.Errorf("%d delivered", m.Counters.Delivered)
	}
}
