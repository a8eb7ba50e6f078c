package cpu

import (
	"testing"

	"ringside/sim"
)

// TestTheDivider: SDM volume 3, "Divide Configuration Register".
func TestTheDivider(t *testing.T) {
	for register, divisor := range map[uint32]sim.Time{0b0000: 2, 0b0001: 4, 0b0010: 8, 0b0011: 16, 0b1000: 32, 0b1001: 64, 0b1010: 128, 0b1011: 1} {
		a := APICTimer{Divide: register}
		a.WriteLVT(0xec | LVTOneShot)
		a.WriteInitial(3, 1000)
		if want := 1000 + 3*divisor*busTick; a.Expires != want {
			t.Errorf("%04b: expires at %d, want %d", register, a.Expires, want)
		}
	}
}

// TestTimerModes: SDM volume 3, "APIC Timer", table of the timer's modes: one-shot
// counts down once, periodic reloads the initial count, and an initial count of 0
// stops either.
func TestTimerModes(t *testing.T) {
	for _, c := range []struct {
		name string
		mode uint32
		next sim.Time // after the first expiry, at 2000
	}{{"one-shot", LVTOneShot, sim.Never}, {"periodic", LVTPeriodic, 3000}} {
		a := APICTimer{Divide: 0b1011}
		a.WriteLVT(0xec | c.mode)
		a.WriteInitial(100, 1000)
		if a.Vector() != 0xec || a.Masked() || a.Expires != 2000 || a.Current(1000) != 100 || a.Current(1505) != 50 || a.Current(1999) != 1 {
			t.Errorf("%s: %+v", c.name, a)
		}
		a.WriteDeadline(1500) // ignored: not the mode
		if a.Expires != 2000 {
			t.Errorf("%s: a deadline has been taken", c.name)
		}
		a.Fire()
		if a.Expires != c.next {
			t.Errorf("%s: goes off again at %d", c.name, a.Expires)
		}
		if c.next == sim.Never && a.Current(2500) != 0 || c.next != sim.Never && a.Current(2500) != 50 {
			t.Errorf("%s: the count is %d", c.name, a.Current(2500))
		}
		a.WriteInitial(0, 2600)
		if a.Expires != sim.Never || a.Current(2700) != 0 {
			t.Errorf("%s: not stopped", c.name)
		}
	}
}

// TestTSCDeadline: SDM volume 3, "TSC-Deadline Mode": the initial count is ignored and
// the current count reads 0; the expiry disarms the timer; 0 disarms it; a change of
// the mode does, too.
func TestTSCDeadline(t *testing.T) {
	var a APICTimer
	a.WriteLVT(0xec | LVTTSCDeadline)
	a.WriteInitial(100, 1000)
	if a.Expires != sim.Never || a.Current(1000) != 0 {
		t.Errorf("the initial count is not ignored: %+v", a)
	}
	a.WriteDeadline(5000)
	gen := a.Gen
	a.WriteDeadline(4000)
	if a.Expires != 4000 || a.Gen == gen || a.Current(3000) != 0 {
		t.Errorf("%+v", a)
	}
	a.Fire()
	if a.Expires != sim.Never {
		t.Error("the expiry does not disarm it")
	}
	a.WriteDeadline(6000)
	a.WriteDeadline(sim.Never)
	if a.Expires != sim.Never {
		t.Error("0 does not disarm it")
	}
	a.WriteDeadline(7000)
	a.WriteLVT(0xec | LVTMasked | LVTTSCDeadline)
	if a.Expires != 7000 || !a.Masked() {
		t.Error("masking is no change of the mode")
	}
	a.WriteLVT(0xec | LVTOneShot)
	if a.Expires != sim.Never {
		t.Error("the change of the mode does not disarm it")
	}
}
