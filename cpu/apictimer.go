package cpu

import "ringside/sim"

// APICTimer is the local APIC's timer (SDM volume 3, "APIC Timer"). It counts down
// from the initial count, once or over and over, at the speed of the bus clock
// through a divider; or it waits until the time stamp counter has reached a deadline.
// Linux uses the deadline where there is one (setup_APIC_timer), and so does the
// modelled kernel. Here a tick of the time stamp counter is a nanosecond, and a tick
// of the bus clock ten.
type APICTimer struct {
	LVT     uint32   // the LVT timer register
	Divide  uint32   // divide configuration register
	Initial uint32   // initial-count register
	Begun   sim.Time // when the count began
	Expires sim.Time // when the timer goes off next, or sim.Never
	Gen     int32    // counts programmings, so that an outdated expiry is known
}

// Fields of the LVT timer register.
const (
	LVTMasked      = 1 << 16
	LVTOneShot     = 0 << 17
	LVTPeriodic    = 1 << 17
	LVTTSCDeadline = 2 << 17

	lvtMode   = 3 << 17
	lvtVector = 0xff
)

// busTick is a tick of the bus clock, 100 MHz.
const busTick = 10 * sim.Nanosecond

// Vector is the one that the timer requests.
func (t *APICTimer) Vector() uint8 { return uint8(t.LVT & lvtVector) }

// Masked tells whether it requests none.
func (t *APICTimer) Masked() bool { return t.LVT&LVTMasked != 0 }

// Deadline tells whether the timer waits for the time stamp counter.
func (t *APICTimer) Deadline() bool { return t.LVT&lvtMode == LVTTSCDeadline }

// WriteLVT writes the LVT timer register. A change into deadline mode or out of it
// stops the timer.
func (t *APICTimer) WriteLVT(v uint32) {
	if was := t.Deadline(); t.LVT == 0 || was != (v&lvtMode == LVTTSCDeadline) {
		t.stop()
	}
	t.LVT = v
}

func (t *APICTimer) stop() {
	t.Initial, t.Expires = 0, sim.Never
	t.Gen++
}

// tick is a tick of the count. Bits 0, 1 and 3 of the register hold the divisor's
// power of two, less one; all set they mean 1.
func (t *APICTimer) tick() sim.Time {
	power := (t.Divide&3 | t.Divide>>1&4) + 1
	return busTick << (power & 7)
}

// WriteInitial starts the count; 0 stops it. In deadline mode it does nothing.
func (t *APICTimer) WriteInitial(count uint32, now sim.Time) {
	if t.Deadline() {
		return
	}
	if t.stop(); count > 0 {
		t.Initial, t.Begun, t.Expires = count, now, now+sim.Time(count)*t.tick()
	}
}

// Current is the current-count register.
func (t *APICTimer) Current(now sim.Time) uint32 {
	if t.Deadline() || now >= t.Expires || t.Expires == sim.Never {
		return 0
	}
	return t.Initial - uint32((now-t.Begun)/t.tick())
}

// WriteDeadline writes the MSR IA32_TSC_DEADLINE; sim.Never, the MSR's 0, disarms the
// timer. In the other modes it does nothing.
func (t *APICTimer) WriteDeadline(at sim.Time) {
	if t.Deadline() {
		t.Expires = at
		t.Gen++
	}
}

// Fire is the expiry: a periodic count begins again, the others are over.
func (t *APICTimer) Fire() {
	if t.LVT&lvtMode != LVTPeriodic {
		t.Expires = sim.Never
		return
	}
	t.Begun = t.Expires
	t.Expires += sim.Time(t.Initial) * t.tick()
	t.Gen++
}
