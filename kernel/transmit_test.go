package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/nic"
	"ringside/sim"
)

const sender = `s := socket(AF_INET, SOCK_DGRAM, 0)
for i := 0; i < 3; i++ {
	sendto(s, "hello", 5, 0, "10.0.0.9:99")
}
nanosleep(1*ms)`

// TestSentPacketsAreFreedByTheDriver: e1000_clean_tx_irq (e1000e netdev.c) runs in
// the hard interrupt, where dev_consume_skb_any leaves the packet to NET_TX; igb
// cleans up in its poll, and frees there. So does e1000e_poll without MSI-X. Until
// then the packet counts against the socket's send buffer.
func TestSentPacketsAreFreedByTheDriver(t *testing.T) {
	for _, c := range []struct {
		name   string
		mode   nic.Mode
		queues int
		usecs  sim.Time
		want   string
		irqs   int64
	}{
		{"e1000e", nic.MSIX, 1, 0, "e1000_clean_tx_irq in hardirq, net_tx_action in softirq", 3},
		{"e1000e with moderation", nic.MSIX, 1, 50 * sim.Microsecond, "e1000_clean_tx_irq in hardirq, net_tx_action in softirq", 1},
		{"e1000e with MSI", nic.MSI, 1, 0, "e1000_clean_tx_irq in softirq", 2},
		{"e1000e with INTx", nic.INTx, 1, 0, "e1000_clean_tx_irq in softirq", 2},
		{"igb", nic.MSIX, 2, 0, "igb_clean_tx_irq in softirq", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(1, []ThreadConfig{thread(t, "t", sender, 0, 0)})
			cfg.NIC.SetQueues(c.queues)
			cfg.NIC.Mode = c.mode
			cfg.NIC.RxUsecs = c.usecs
			m, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			var where []string
			var r sim.Record
			for m.Step(&r) {
				held := int32(0)
				for i := m.Tx.Clean; i != m.Tx.Use; i = (i + 1) % nic.TxRing {
					if k := &m.Skbs[m.Tx.Skbs[i]]; !k.InUse {
						t.Fatalf("packet %d is free, and the card may still read it", m.Tx.Skbs[i])
					} else if k.Sender != None {
						held += k.Truesize
					}
				}
				if len(m.Socks) > 0 && m.Socks[0].Sent < held {
					t.Fatalf("%d bytes are in the ring, %d count against the socket", held, m.Socks[0].Sent)
				}
				if fn := m.Fn(&r); strings.Contains(fn, "clean_tx") || fn == "net_tx_action" {
					if s := fn + " in " + Contexts[r.Ctx]; !strings.Contains(strings.Join(where, ", "), s) {
						where = append(where, s)
					}
				}
			}
			if d := cmp.Diff(c.want, strings.Join(where, ", ")); d != "" {
				t.Errorf("want -, got +:\n%s", d)
			}
			if m.Fault != "" || m.Tx.Clean != 3 || m.Tx.Use != 3 || m.Counters.IRQs != c.irqs || m.Socks[0].Sent != 0 {
				t.Errorf("fault %q, ring cleaned up to %d of %d, %d interrupts, %d bytes left", m.Fault, m.Tx.Clean, m.Tx.Use, m.Counters.IRQs, m.Socks[0].Sent)
			}
		})
	}
}

// TestTwoCoresSendThroughOneRing: one at a time fills it (HARD_TX_LOCK,
// include/linux/netdevice.h).
func TestTwoCoresSendThroughOneRing(t *testing.T) {
	cfg := config(2, []ThreadConfig{thread(t, "a", sender, 0, 0), thread(t, "b", sender, 1, 0)})
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runChecked(t, m)
	if m.NIC.Stats.TxPackets != 6 || m.Tx.Clean != 6 {
		t.Errorf("%d frames sent, ring cleaned up to %d", m.NIC.Stats.TxPackets, m.Tx.Clean)
	}
}
