package kernel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// line is a machine on whose interrupt line two devices are.
func line(t testing.TB, chip IRQChip, mode nic.Mode, usb sim.Time, wire ...Packets) *Config {
	cfg := config(1, []ThreadConfig{thread(t, "server", blockingServer, -1, 0)}, wire...)
	cfg.IRQChip, cfg.NIC.Mode, cfg.USB = chip, mode, USBConfig{Every: usb, Count: 1}
	return cfg
}

// TestEveryWayOfInterruptingDeliversAllPackets: packets at many distances, with
// each controller and each kind of interrupt, and another device on the line.
func TestEveryWayOfInterruptingDeliversAllPackets(t *testing.T) {
	for chip, chipName := range IRQChips {
		for mode, modeName := range nic.Modes {
			for _, every := range []sim.Time{300, 1700, 5003, 20011, 90001} {
				t.Run(fmt.Sprint(chipName, " ", modeName, " ", every), func(t *testing.T) {
					p := packet(100*sim.Microsecond, 7000, "x")
					p.Count, p.Every = 60, every
					cfg := line(t, IRQChip(chip), nic.Mode(mode), 1511, p)
					cfg.USB.Count = 500
					m, err := New(cfg)
					if err != nil {
						t.Fatal(err)
					}
					runAll(t, m, 1e6)
					if m.Counters.Delivered != 60 || m.Line || m.USB.Status != 0 || m.IOAPIC.Lines != 0 {
						t.Errorf("%d delivered, line %v, USB status %d", m.Counters.Delivered, m.Line, m.USB.Status)
					}
					if a := &m.Cores[0].APIC; a.IRR != (cpu.Bits{}) || a.ISR != (cpu.Bits{}) || a.ExtINT || m.PIC.Master.ISR|m.PIC.Slave.ISR != 0 {
						t.Errorf("something is requested or in service: %+v %+v", m.PIC, a.ISR)
					}
				})
			}
		}
	}
}

// handlers runs a machine and gives what the handlers answered, with the records
// of the I/O APIC between them.
func handlers(t *testing.T, cfg *Config) (out []string) {
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runAll(t, m, 1e5) {
		talk, ok := m.Said(&r)
		if ok && (r.Point == PointIRQHandlerExit || r.Fn == uint16(fnIOAPICEOI)) {
			out = append(out, talk.From+" "+talk.What)
		}
	}
	return out
}

// TestALineThatIsStillAssertedInterruptsAgain: 82093AA datasheet, Remote IRR. The
// second device wants the core after it has been asked, and before the EOI.
func TestALineThatIsStillAssertedInterruptsAgain(t *testing.T) {
	got := handlers(t, line(t, ChipIOAPIC, nic.INTx, 102850, packet(100*sim.Microsecond, 7000, "x")))
	want := []string{
		"uhci_hcd:usb1 IRQ_NONE", "eth0 IRQ_HANDLED", "LAPIC EOI 21, line asserted",
		"uhci_hcd:usb1 IRQ_HANDLED", "eth0 IRQ_NONE", "LAPIC EOI 21",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

// TestAPinThatFallsBeforeItIsSeenIsNoInterrupt: the level counts, not the edge.
func TestAPinThatFallsBeforeItIsSeenIsNoInterrupt(t *testing.T) {
	m, err := New(line(t, ChipIOAPIC, nic.INTx, 0))
	if err != nil {
		t.Fatal(err)
	}
	m.NIC.ICR = nic.CauseRxT0
	m.NIC.WriteIMS(nic.CauseRxT0, m.Now, &m.Queue, sim.NoSeq)
	m.NIC.ReadICR(m.Now, &m.Queue, sim.NoSeq)
	runAll(t, m, 1e5)
	if m.Counters.IRQs != 0 || m.IOAPIC.Sent != 0 {
		t.Errorf("%d interrupts, %d messages", m.Counters.IRQs, m.IOAPIC.Sent)
	}
}

// stepUntil steps a machine up to a record that a condition holds after.
func stepUntil(t *testing.T, m *Machine, holds func(r *sim.Record) bool) {
	t.Helper()
	var r sim.Record
	for range 100000 {
		if !m.Step(&r) {
			t.Fatalf("the run has ended: %s", m.Fault)
		}
		if holds(&r) {
			return
		}
	}
	t.Fatal("it never happened")
}

// TestTheSpuriousVectorGetsNoEOI: SDM volume 3, "Spurious Interrupt". The TPR is
// raised, which Linux never does, between the request and the acknowledgement.
func TestTheSpuriousVectorGetsNoEOI(t *testing.T) {
	m, err := New(line(t, ChipIOAPIC, nic.MSIX, 0, packet(100*sim.Microsecond, 7000, "x")))
	if err != nil {
		t.Fatal(err)
	}
	stepUntil(t, m, func(*sim.Record) bool { return m.Cores[0].Micro == 1 && m.Cores[0].APIC.IRR.Has(VectorCard) })
	m.Cores[0].APIC.TPR = 0xf0
	stepUntil(t, m, func(r *sim.Record) bool { return r.Fn == uint16(fnHandleSpurious) })
	if k := &m.CPUs[0]; k.Stats[StatSPU] != 1 || !m.Cores[0].APIC.IRR.Has(VectorCard) {
		t.Errorf("SPU %d, the interrupt is requested still: %v", k.Stats[StatSPU], m.Cores[0].APIC.IRR.Has(VectorCard))
	}
	m.Cores[0].APIC.TPR = 0
	m.Cores[0].Asked(m.Now)
	runAll(t, m, 1e5)
	if m.Counters.Delivered != 1 || m.Cores[0].APIC.ISR != (cpu.Bits{}) {
		t.Errorf("%d delivered, ISR %v", m.Counters.Delivered, m.Cores[0].APIC.ISR)
	}
}

// TestTheSpuriousInterruptOfThe8259A: Intel 8259A datasheet, default IR7;
// arch/x86/kernel/i8259.c counts it. The device takes its request back just before
// the acknowledgement.
func TestTheSpuriousInterruptOfThe8259A(t *testing.T) {
	m, err := New(line(t, ChipPIC, nic.INTx, 50*sim.Microsecond))
	if err != nil {
		t.Fatal(err)
	}
	stepUntil(t, m, func(*sim.Record) bool { return m.Cores[0].Micro == cpu.StepINTA+1 })
	m.USB.Status = 0
	m.driveLine()
	runAll(t, m, 1e5)
	got := m.ProcInterrupts()
	for _, want := range []string{"  7:          1   XT-PIC    \n", "ERR:          1\n", " 11:          0   XT-PIC      uhci_hcd:usb1, eth0\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if m.PIC.Master.ISR|m.PIC.Slave.ISR != 0 {
		t.Errorf("in service: %+v", m.PIC)
	}
}

// TestEdgesOnARequestedVectorMerge: two messages while IF is 0 are one interrupt,
// and the work of both is done.
func TestEdgesOnARequestedVectorMerge(t *testing.T) {
	cfg := config(2, []ThreadConfig{
		thread(t, "victim", "sigaction(SIGUSR1, 0)\nsigaction(SIGUSR2, 0)\ncompute(100*us)", 0, 0),
	})
	cfg.Costs = map[string]sim.Time{"mmio_read": 20 * sim.Microsecond}
	cfg.USB = USBConfig{Every: 50 * sim.Microsecond, Count: 1}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stepUntil(t, m, func(*sim.Record) bool { return m.Now >= 51*sim.Microsecond })
	before := m.CPUs[0].Stats[StatRES]
	for range 3 {
		m.sendIPI(0, VectorResched)
	}
	runAll(t, m, 1e5)
	if n := m.CPUs[0].Stats[StatRES] - before; n != 1 || m.Counters.Merged != 2 {
		t.Errorf("%d interrupts, %d merged", n, m.Counters.Merged)
	}
}

// TestProcInterrupts: the form of Linux 6.18's file; the counts are exact.
func TestProcInterrupts(t *testing.T) {
	cfg := config(2, []ThreadConfig{thread(t, "server", blockingServer, 1, 0)},
		packet(100*sim.Microsecond, 7000, "x"), packet(300*sim.Microsecond, 7000, "y"))
	cfg.USB = USBConfig{Every: 70 * sim.Microsecond, Count: 3}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, m, 1e5)
	want := `           CPU0       CPU1       
 11:          3          0  IO-APIC  11-fasteoi   uhci_hcd:usb1
 24:          2          0 PCI-MSIX-0000:00:04.0   0-edge      eth0-rx-0
 25:          0          0 PCI-MSIX-0000:00:04.0   1-edge      eth0-tx-0
LOC:          0          0   Local timer interrupts
SPU:          0          0   Spurious interrupts
RES:          0          0   Rescheduling interrupts
CAL:          0          2   Function call interrupts
ERR:          0
`
	if d := cmp.Diff(want, m.ProcInterrupts()); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}

// TestAnotherDevicesInterruptIsNotOnThePath: only the card brings packets, also
// where it shares its line.
func TestAnotherDevicesInterruptIsNotOnThePath(t *testing.T) {
	for chip, name := range IRQChips {
		m, err := New(line(t, IRQChip(chip), nic.INTx, 50*sim.Microsecond, packet(100*sim.Microsecond, 7000, "x")))
		if err != nil {
			t.Fatal(err)
		}
		var usb, card int
		for _, r := range runAll(t, m, 1e5) {
			if r.Station != StIDT && r.Station != StIRQ {
				continue
			}
			if card++; r.T < 100*sim.Microsecond {
				usb++
			}
		}
		if usb != 0 || card == 0 {
			t.Errorf("%s: of %d steps on the path, %d are before the packet comes", name, card, usb)
		}
	}
}

// TestAVectorForEachQueue: e1000_request_msix and igb_request_msix; a card that is a
// program's has no handlers.
func TestAVectorForEachQueue(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, "24 eth0-rx-0, 25 eth0-tx-0"},
		{func(cfg *Config) { cfg.NIC.SetQueues(3) }, "24 eth0-TxRx-0, 25 eth0-TxRx-1, 26 eth0-TxRx-2"},
		{func(cfg *Config) { cfg.NIC.Mode = nic.MSI }, "24 eth0"},
		{func(cfg *Config) { cfg.NIC.Mode = nic.INTx }, "11 eth0"},
		{func(cfg *Config) { cfg.UIO = true }, ""},
		{func(cfg *Config) { cfg.UIO, cfg.NIC.Mode = true, nic.INTx }, ""},
	} {
		cfg := config(1, nil)
		c.change(cfg)
		m, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range m.irqs {
			for _, a := range d.Actions {
				got = append(got, fmt.Sprint(d.IRQ, " ", a.Name))
			}
		}
		if d := cmp.Diff(c.want, strings.Join(got, ", ")); d != "" {
			t.Errorf("want -, got +:\n%s", d)
		}
	}
}
