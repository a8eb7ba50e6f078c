package cpu

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPageFaultErrorCodes holds the walk against the table of SDM volume 3,
// figure "Page-Fault Error Code": P tells a protection violation from a page that
// is not there, W/R and U/S and I/D say what the access was.
func TestPageFaultErrorCodes(t *testing.T) {
	const user = PTEPresent | PTEUser | PTENX
	const addr = 0x7f12_3456_7000
	for _, tt := range []struct {
		name   string
		leaf   PTE
		access uint8
		fault  bool
		code   uint8
	}{
		{"load of a kernel page from ring 3", PTEPresent | PTEWrite, FaultUser, true, 5},
		{"store to one", PTEPresent | PTEWrite, FaultUser | FaultWrite, true, 7},
		{"the kernel's own load of it", PTEPresent | PTEWrite, 0, false, 0},
		{"load of a page that is not there", 0, FaultUser, true, 4},
		{"store to it", 0, FaultUser | FaultWrite, true, 6},
		{"the kernel's store to it", 0, FaultWrite, true, 2},
		{"store to a read-only page", user, FaultUser | FaultWrite, true, 7},
		{"the kernel's store to a read-only page, with CR0.WP", user, FaultWrite, true, 3},
		{"load of a read-only page", user, FaultUser, false, 0},
		{"fetch from a page without execution", user, FaultUser | FaultFetch, true, 0x15},
		{"fetch from a page of text", PTEPresent | PTEUser, FaultUser | FaultFetch, false, 0},
	} {
		var p PageTables
		cr3 := p.NewTable()
		if tt.leaf != 0 {
			p.Map(cr3, addr, 3, tt.leaf|0x5000)
		}
		w := p.Walk(cr3, addr+0x123, tt.access)
		if w.Fault != tt.fault || w.Code != tt.code {
			t.Errorf("%s: fault %v code %#x (%s), want %v %#x", tt.name, w.Fault, w.Code, FaultLetters(w.Code), tt.fault, tt.code)
		}
		if !tt.fault && w.Phys != 0x5123 {
			t.Errorf("%s: physical address %#x", tt.name, w.Phys)
		}
	}
}

// TestAWalkTakesTheLeastRights: U/S and R/W hold only if every level grants them
// (SDM volume 3, "Determination of Access Rights").
func TestAWalkTakesTheLeastRights(t *testing.T) {
	const addr = 0x40_1000
	for level := range 3 {
		var p PageTables
		cr3 := p.NewTable()
		p.Map(cr3, addr, 3, TableFlags|0x9000)
		w := p.Walk(cr3, addr, FaultUser|FaultWrite)
		if w.Fault || w.N != 4 {
			t.Fatalf("fault %#x after %d entries", w.Code, w.N)
		}
		p.SetEntry(w.Tables[level], Index(addr, level), w.Level[level]&^PTEWrite)
		if got := p.Walk(cr3, addr, FaultUser|FaultWrite).Code; got != 7 {
			t.Errorf("a write through a read-only %s: %#x", LevelNames[level], got)
		}
		p.SetEntry(w.Tables[level], Index(addr, level), w.Level[level]&^PTEUser)
		if got := p.Walk(cr3, addr, FaultUser).Code; got != 5 {
			t.Errorf("a load through a supervisor's %s: %#x", LevelNames[level], got)
		}
	}
}

// TestLargePages: PS in a PDE maps 2 MiB, in a PDPTE 1 GiB.
func TestLargePages(t *testing.T) {
	var p PageTables
	cr3 := p.NewTable()
	p.Map(cr3, 0xffffffff_8100_0000, 2, PTEPresent|PTESize|0x20_0000)
	p.Map(cr3, 0xffff8880_4000_0000, 1, PTEPresent|PTESize|0x4000_0000)
	for addr, want := range map[uint64]uint64{0xffffffff_8112_3456: 0x32_3456, 0xffff8880_7654_3210: 0x7654_3210} {
		if w := p.Walk(cr3, addr, 0); w.Fault || w.Phys != want {
			t.Errorf("%#x is at %#x, want %#x", addr, w.Phys, want)
		}
	}
}

// TestAccessedAndDirty: the processor sets A on the way and D at a write, and
// neither when the access faults (SDM volume 3, "Accessed and Dirty Flags").
func TestAccessedAndDirty(t *testing.T) {
	var p PageTables
	cr3 := p.NewTable()
	p.Map(cr3, 0x1000, 3, PTEPresent|PTEUser|0x9000)
	p.Translate(cr3, 0x1000, FaultUser|FaultWrite)
	if e := p.Walk(cr3, 0x1000, 0).Level[3]; e&(PTEAccessed|PTEDirty) != 0 {
		t.Error("a fault has marked the page", e.Letters())
	}
	p.Translate(cr3, 0x1000, FaultUser)
	if e := p.Walk(cr3, 0x1000, 0).Level[3]; e.Letters() != "...AU.P" {
		t.Error("after a load the entry is", e.Letters())
	}
	p.Map(cr3, 0x1000, 3, PTEPresent|PTEUser|PTEWrite|0x9000)
	p.Translate(cr3, 0x1000, FaultUser|FaultWrite)
	if e := p.Walk(cr3, 0x1000, 0).Level[3]; e.Letters() != "..DAUWP" {
		t.Error("after a store the entry is", e.Letters())
	}
}

func TestCanonicalAddresses(t *testing.T) {
	for addr, want := range map[uint64]bool{
		0: true, 0x7fff_ffff_ffff: true, 0x8000_0000_0000: false, 0xffff_7fff_ffff_ffff: false, 0xffff_8000_0000_0000: true, 1<<64 - 1: true,
	} {
		if Canonical(addr) != want {
			t.Errorf("%#x", addr)
		}
	}
}

// TestWalkAgreesWithANaiveModel maps pages at random and asks for accesses: a map
// from page to entry must give the same answers.
func TestWalkAgreesWithANaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p PageTables
		cr3 := p.NewTable()
		model := map[uint64]PTE{}
		page := rapid.Custom(func(t *rapid.T) uint64 {
			var a uint64
			for shift := 39; shift >= 12; shift -= 9 {
				a |= uint64(rapid.SampledFrom([]int{0, 1, 2, 255, 256, 511}).Draw(t, "index")) << shift
			}
			return uint64(int64(a<<16) >> 16)
		})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at := page.Draw(t, "page")
			if rapid.Bool().Draw(t, "map") {
				e := PTE(rapid.Uint64Range(1, 1<<20).Draw(t, "frame") << 12)
				for _, bit := range []PTE{PTEPresent, PTEWrite, PTEUser, PTENX} {
					if rapid.Bool().Draw(t, "bit") {
						e |= bit
					}
				}
				p.Map(cr3, at, 3, e)
				if model[at] = e; at>>63 == 1 {
					model[at] &^= PTEUser // the tables above it are the kernel's
				}
			}
			access := rapid.SampledFrom([]uint8{0, FaultWrite, FaultUser, FaultUser | FaultWrite, FaultUser | FaultFetch}).Draw(t, "access")
			e := model[at]
			want := Walk{}
			switch {
			case e&PTEPresent == 0:
				want.Fault, want.Code = true, access
			case access&FaultUser > 0 && e&PTEUser == 0 || access&FaultWrite > 0 && e&PTEWrite == 0 || access&FaultFetch > 0 && e&PTENX > 0:
				want.Fault, want.Code = true, access|1
			default:
				want.Phys = uint64(e)&frameMask + 0xabc
			}
			got := p.Translate(cr3, at+0xabc, access)
			if got.Fault != want.Fault || got.Code != want.Code || got.Fault == false && got.Phys != want.Phys {
				t.Fatalf("access %#x of %#x: %+v, want %+v", access, at, got, want)
			}
		}
	})
}
