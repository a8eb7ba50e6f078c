package kernel

import (
	"testing"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// iommuMachine is a machine with an IOMMU that gets ten datagrams.
func iommuMachine(t *testing.T, stray int) *Machine {
	t.Helper()
	cfg := config(1, []ThreadConfig{thread(t, "server", "s := socket(AF_INET, SOCK_DGRAM, 0)\nbind(s, \":7000\")\nvar b [64]byte\nfor {\n recv(s, b, 64, 0)\n}", 0, 0)})
	cfg.NIC.IOMMU, cfg.NIC.Stray = true, stray
	for i := range 10 {
		cfg.Wire = append(cfg.Wire, packet(sim.Time(100+20*i)*sim.Microsecond, 7000, "hello"))
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTheCardReachesWhatIsMappedOnly: as long as a descriptor is the card's, its
// buffer is mapped for writing; when the driver looks inside, it no longer is, and the
// IOTLB has forgotten it (iommu.strict=1).
func TestTheCardReachesWhatIsMappedOnly(t *testing.T) {
	m := iommuMachine(t, 0)
	var r sim.Record
	taken := 0
	for m.Step(&r) {
		rx := &m.NIC.Queues[0]
		for i := rx.Head; i != rx.Tail; i = (i + 1) % uint32(len(rx.Ring)) {
			if e := m.IOMMU.Pages[cpu.IOVANumber(rx.Ring[i].Addr)]; e&cpu.IOWrite == 0 || e.Frame() != m.bufferAddr(0, int32(i)) {
				t.Fatalf("descriptor %d is the card's: %#x", i, e)
			}
		}
		if r.Fn == uint16(fnQIFlushIOTLB) && r.Step == 1 {
			taken++
			iova := uint64(r.Arg[0])
			for _, e := range m.IOMMU.TLB {
				if e.Page == iova {
					t.Errorf("%#x is in the IOTLB still", iova)
				}
			}
			if m.IOMMU.Pages[cpu.IOVANumber(iova)] != 0 {
				t.Errorf("%#x is mapped still", iova)
			}
		}
	}
	if m.Fault != "" || taken != 10 || m.Counters.Delivered != 10 || m.IOMMU.Faults != 0 || m.IOMMU.Invalidations != 10 {
		t.Errorf("%s: %d taken, %d delivered, %+v", m.Fault, taken, m.Counters.Delivered, m.IOMMU.Record)
	}
}

// TestAStrayWriteIsBlocked: it is recorded with the card's place on the bus (00:04.0),
// and the frames before and behind it are as ever. The card counts its frame: a
// posted write has no answer.
func TestAStrayWriteIsBlocked(t *testing.T) {
	m := iommuMachine(t, 4)
	var r sim.Record
	blocked := 0
	for m.Step(&r) {
		if _, _, state, ok := m.Remapping(&r); ok && state == RemapBlocked {
			blocked++
		}
		if err := m.NIC.Check(); err != nil {
			t.Fatal(err)
		}
	}
	want := cpu.FaultRecord{Page: m.IOMMU.Record.Page, SID: 4 << 3, Reason: cpu.IOFaultWrite, Set: true}
	if blocked != 1 || m.IOMMU.Faults != 1 || m.IOMMU.Record != want || want.Page>>31 != 0 {
		t.Errorf("%d blocked, %+v", blocked, m.IOMMU.Record)
	}
	if m.Counters.Delivered != 9 || m.Counters.OtherHost != 1 || m.NIC.Stats.RxPackets != 10 {
		t.Errorf("%d delivered, %d dropped, %d counted by the card", m.Counters.Delivered, m.Counters.OtherHost, m.NIC.Stats.RxPackets)
	}
}

// TestACopyOfTheIOMMUIsItsOwn: a machine that is copied in the middle of its run goes
// on as the first one does.
func TestACopyOfTheIOMMUIsItsOwn(t *testing.T) {
	m := iommuMachine(t, 4)
	var r, again sim.Record
	for range 400 {
		m.Step(&r)
	}
	copied := Fresh()
	copied.CopyFrom(m)
	for m.Step(&r) {
	}
	for copied.Step(&again) {
	}
	if r != again || copied.IOMMU.Hits != m.IOMMU.Hits || copied.IOMMU.TLB != m.IOMMU.TLB {
		t.Errorf("%+v, %+v", r, again)
	}
}

// TestAnAccessTakesTheWalkOnAMiss: what is in the IOTLB costs nothing.
func TestAnAccessTakesTheWalkOnAMiss(t *testing.T) {
	m := iommuMachine(t, 0)
	var r sim.Record
	var asked sim.Time
	var state int
	for m.Step(&r) {
		if _, _, s, ok := m.Remapping(&r); ok && s != RemapFound {
			asked, state = r.T, s
		}
		if r.Fn == uint16(cardFns[nic.StageDMA]) || r.Fn == uint16(cardFns[nic.StageWriteBack]) {
			want := m.Config.NIC.Costs.DMA
			if r.Fn == uint16(cardFns[nic.StageWriteBack]) {
				want = m.Config.NIC.Costs.WriteBack
			}
			if state == RemapMiss {
				want += walkTime
			}
			if r.T-asked != want {
				t.Errorf("%s: %s after the request, want %s", RemapStates[state], r.T-asked, want)
			}
		}
	}
}
