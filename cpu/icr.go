package cpu

// ICR is a write to a local APIC's interrupt command register: an interrupt from
// core to core, or to the core itself (Intel SDM volume 3, "Interrupt Command
// Register"). Only fixed delivery to a physical destination is modelled.
type ICR struct {
	Vector    uint8
	Shorthand Shorthand
	Dest      int32 // the core, without a shorthand
}

// Shorthand is the destination shorthand, bits 19:18 of the register.
type Shorthand uint8

// Destination shorthands.
const (
	NoShorthand Shorthand = iota
	ToSelf
	ToAll
	ToAllButSelf
)

// Targets gives the cores that the message of core self goes to, one bit each.
func (i ICR) Targets(self int32, cores int) uint64 {
	all := ^uint64(0) >> (64 - cores)
	switch i.Shorthand {
	case ToSelf:
		return 1 << self
	case ToAll:
		return all
	case ToAllButSelf:
		return all &^ (1 << self)
	}
	return 1 << i.Dest & all
}
