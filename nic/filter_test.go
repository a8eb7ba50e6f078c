package nic

import (
	"testing"

	"ringside/sim"
)

// The check value of CRC-32 (IEEE 802.3, 3.2.9): its sum over the nine digits.
// Short frames are checked with their padding.
func TestTheCheckSequenceIsCRC32(t *testing.T) {
	long := []byte("123456789123456789123456789123456789123456789123456789123456789")
	if got := Checksum(append(long[:0:0], long...)); got != Checksum(long) || NewFrame(long).FCS != got || Damaged(long).FCS == got {
		t.Errorf("%#x", got)
	}
	short := []byte("x")
	if Checksum(short) != Checksum(append(short, make([]byte, minFrame-1)...)) {
		t.Error("the padding is left out")
	}
	// A receiver that runs the sum over the check sequence, too, ends at the same
	// residue for every frame: 0x2144df1c, in the order of bits used here.
	for _, b := range [][]byte{long, append([]byte{9}, long...)} {
		c := Checksum(b)
		if got := Checksum(append(append([]byte(nil), b...), byte(c), byte(c>>8), byte(c>>16), byte(c>>24))); got != 0x2144df1c {
			t.Errorf("residue %#x", got)
		}
	}
}

// e1000_hash_mc_addr_generic (e1000 mac.c) gives this address as its example: with
// filter type 0 its place is 0x563.
func TestAGroupsPlaceInTheMTA(t *testing.T) {
	g := [6]byte{0x01, 0xaa, 0x00, 0x12, 0x34, 0x56}
	if got := multicastBit(g); got != 0x563 {
		t.Errorf("%#x", got)
	}
	if mta := MulticastTable([][6]byte{g}); len(mta) != 128 || mta[0x563/32] != 1<<(0x563%32) {
		t.Errorf("%x", mta)
	}
}

// 82574 datasheet, "Packet Address Filtering" and "Multicast Table Array".
func TestTheFilters(t *testing.T) {
	joined := [6]byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}
	twin := [6]byte{0x01, 0x00, 0x5e, 0x7f, 0x00, 0xfb} // the same place in the table
	other := [6]byte{0x01, 0x00, 0x5e, 0x00, 0x10, 0xfb}
	for _, c := range []struct {
		name        string
		dst         [6]byte
		promiscuous bool
		want        int64
	}{
		{"its own address", mac, false, PassUnicast},
		{"its own address, promiscuous", mac, true, PassUnicast},
		{"everybody", Broadcast, false, PassBroadcast},
		{"a group that was joined", joined, false, PassMulticast},
		{"a group with the same place", twin, false, PassMulticast},
		{"another group", other, false, PassNone},
		{"another group, promiscuous", other, true, PassPromiscuous},
		{"another host", [6]byte{2, 0, 0, 0, 0, 9}, false, PassNone},
		{"another host, promiscuous", [6]byte{2, 0, 0, 0, 0, 9}, true, PassPromiscuous},
	} {
		b := newBench(t, func(cfg *Config) { cfg.Promiscuous, cfg.MTA = c.promiscuous, MulticastTable([][6]byte{joined}) })
		b.arrive("x", func(f *Frame) { copy(f.Bytes, c.dst[:]) })
		stage := StageFilter
		if c.want == PassNone {
			stage = StageDrop
		}
		if r := b.runTo(stage); c.want != PassNone && r.Arg[0] != c.want || c.want == PassNone && r.Arg[1] != DropFilter {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// The firmware asks every 8 ns, but not while it is busy with a frame: from its
// first bit on the wire to the FIFO.
func TestTheFirmwarePollsTheWire(t *testing.T) {
	b := newBench(t, nil)
	if got := b.IdlePolls(8000); got != 1000 {
		t.Errorf("%d questions in 8 us", got)
	}
	b.now = 8000
	b.arrive("x", nil)
	if got := b.IdlePolls(8500); got != 1000 {
		t.Errorf("%d questions while the frame arrives", got)
	}
	if r := b.runTo(StageWire); r.Arg[1] != 1000 || b.Firmware.At != FirmwareFilter {
		t.Errorf("%+v, %s", r, FirmwareSteps[b.Firmware.At])
	}
	b.runTo(StageFIFO)
	if b.Firmware.At != FirmwarePoll || b.now != 8000+672+100 {
		t.Errorf("%s at %s", FirmwareSteps[b.Firmware.At], b.now)
	}
	b.arrive("another's", func(f *Frame) { f.Bytes[5] = 9 })
	b.runTo(StageDrop)
	b.run(ever)
	if got, want := b.IdlePolls(20_000), 1000+int64(20_000-(8772+672+40))/8; got != want {
		t.Errorf("%d questions, want %d", got, want)
	}
}

// A frame that comes right behind another leaves the firmware no time to ask.
func TestNoIdlePollBetweenFramesBackToBack(t *testing.T) {
	b := newBench(t, nil)
	b.arrive("x", nil)
	b.arrive("y", nil)
	b.runTo(StageWire)
	if r := b.runTo(StageWire); r.Obj != 1 || r.Arg[1] != 0 || b.Firmware.Idle != 0 {
		t.Errorf("%+v", r)
	}
	if b.now != 2*672*sim.Nanosecond {
		t.Errorf("at %s", b.now)
	}
}
