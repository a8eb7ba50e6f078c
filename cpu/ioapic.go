package cpu

// NumPins is how many interrupt inputs an I/O APIC has.
const NumPins = 24

// IOAPIC turns the levels of interrupt lines into messages to local APICs (Intel
// 82093AA datasheet). Of the delivery modes it has fixed, of the destinations one
// core by its number.
type IOAPIC struct {
	Pins  [NumPins]Redir
	Lines uint32 // the pins that are asserted, whatever their polarity
	Sent  int64  // messages
}

// Redir is an entry of the redirection table.
type Redir struct {
	Vector    uint8
	Dest      uint8
	Level     bool // trigger mode: level; else edge
	Low       bool // polarity: active low
	Masked    bool
	RemoteIRR bool // level: a local APIC has accepted it and has not ended it yet
	Pending   bool // delivery status: a message waits to be sent
}

// Word is the entry as the register holds it (82093AA datasheet, "I/O Redirection
// Table Registers").
func (e *Redir) Word() uint64 {
	w := uint64(e.Vector) | uint64(e.Dest)<<56
	for _, bit := range []struct {
		on    bool
		shift int
	}{{e.Pending, 12}, {e.Low, 13}, {e.RemoteIRR, 14}, {e.Level, 15}, {e.Masked, 16}} {
		if bit.on {
			w |= 1 << bit.shift
		}
	}
	return w
}

// SetLine tells the level of a pin. It returns true if a message is to be sent
// now: see Send.
func (a *IOAPIC) SetLine(pin int, asserted bool) bool {
	e, was := &a.Pins[pin], a.Lines&(1<<pin) != 0
	if a.Lines &^= 1 << pin; asserted {
		a.Lines |= 1 << pin
	}
	if !e.Level && asserted && !was && !e.Masked { // an edge on a masked pin is lost
		wanted := !e.Pending
		e.Pending = true
		return wanted
	}
	return e.Level && a.due(pin)
}

// due puts the delivery status of a level-triggered pin right, and tells whether
// it has just begun to wait.
func (a *IOAPIC) due(pin int) bool {
	e := &a.Pins[pin]
	was := e.Pending
	e.Pending = a.Lines&(1<<pin) != 0 && !e.Masked && !e.RemoteIRR
	return e.Pending && !was
}

// Send gives the message of a pin that waits for it, which a local APIC accepts: a
// level-triggered one sets Remote IRR and sends no other before the EOI. It
// returns false if the line has dropped or the pin was masked meanwhile.
func (a *IOAPIC) Send(pin int) (Redir, bool) {
	e := &a.Pins[pin]
	if !e.Pending {
		return Redir{}, false
	}
	e.Pending, e.RemoteIRR = false, e.Level
	a.Sent++
	return *e, true
}

// EOI takes the broadcast of a local APIC: Remote IRR of the entries with that
// vector is cleared. It returns the pins whose line is asserted still, one bit
// each: they send once more.
func (a *IOAPIC) EOI(vector uint8) (again uint32) {
	for pin := range a.Pins {
		if e := &a.Pins[pin]; e.Level && e.RemoteIRR && e.Vector == vector {
			e.RemoteIRR = false
			if a.due(pin) {
				again |= 1 << pin
			}
		}
	}
	return again
}

// Mask keeps a pin from sending, or lets it; it returns true if a level-triggered
// one is to be sent now.
func (a *IOAPIC) Mask(pin int, masked bool) bool {
	e := &a.Pins[pin]
	e.Masked = masked
	return e.Level && a.due(pin)
}
