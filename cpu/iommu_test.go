package cpu

import "testing"

// TestTheIOTLBKeepsATranslationUntilItIsInvalidated: Intel VT-d, "Invalidation of
// Translation Caches": after an entry has changed, hardware may still use the old one.
func TestTheIOTLBKeepsATranslationUntilItIsInvalidated(t *testing.T) {
	var u IOMMU
	iova := IOVA(3)
	u.SetEntry(iova, 0x7000|IOWrite)
	if _, hit := u.Lookup(iova+5, IOWrite); hit {
		t.Error("a hit before the first walk")
	}
	if phys, ok := u.Walk(iova+5, IOWrite, 0); !ok || phys != 0x7005 {
		t.Errorf("%#x %v", phys, ok)
	}
	u.SetEntry(iova, 0)
	if phys, hit := u.Lookup(iova+5, IOWrite); !hit || phys != 0x7005 {
		t.Error("the IOTLB has forgotten by itself")
	}
	u.Invalidate(iova)
	if _, hit := u.Lookup(iova, IOWrite); hit {
		t.Error("a hit after the invalidation")
	}
	if _, ok := u.Walk(iova, IOWrite, 0); ok {
		t.Error("an entry that is gone lets through")
	}
}

// TestFaultsAreRecorded: Intel VT-d, "Fault Reason Encodings" (05h write, 06h read),
// "Fault Status Register": PPF with the first fault, PFO when no register is free.
func TestFaultsAreRecorded(t *testing.T) {
	for _, c := range []struct {
		name   string
		entry  IOPTE
		need   IOPTE
		iova   uint64
		reason uint8
	}{
		{"nothing is mapped", 0, IOWrite, IOVA(0), IOFaultWrite},
		{"read-only", 0x7000 | IORead, IOWrite, IOVA(0), IOFaultWrite},
		{"write-only", 0x7000 | IOWrite, IORead, IOVA(0), IOFaultRead},
		{"no entry at all", 0x7000 | IOWrite, IOWrite, IOVA(9), IOFaultWrite},
		{"above the addresses that there are", 0x7000 | IOWrite, IOWrite, 1 << 40, IOFaultWrite},
	} {
		var u IOMMU
		u.SetEntry(IOVA(0), c.entry)
		sid := SourceID(0, 4, 0)
		if _, ok := u.Walk(c.iova+0x123, c.need, sid); ok {
			t.Errorf("%s: let through", c.name)
		}
		if want := (FaultRecord{Page: c.iova, SID: 0x20, Reason: c.reason, Set: true}); u.Record != want || u.FSTS != FSTSPending {
			t.Errorf("%s: %+v, FSTS %#x", c.name, u.Record, u.FSTS)
		}
		first := u.Record
		u.Walk(IOVA(7), c.need, sid)
		if u.FSTS != FSTSPending|FSTSOverflow || u.Record != first || u.Faults != 2 {
			t.Errorf("%s: the second fault: FSTS %#x, %+v", c.name, u.FSTS, u.Record)
		}
	}
}
