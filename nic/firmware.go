package nic

import "ringside/sim"

// Firmware is the loop of the card's own controller. It asks the receiver once in
// the time of a byte (at 1 Gbit/s the receiver's clock ticks every 8 ns), so
// somebody does poll the wire, at 125 million times a second; it is only not the
// CPU. A question in vain leaves no event: how many there were follows from the
// time.
type Firmware struct {
	At    uint8    // what it does, a row of FirmwareSteps
	Since sim.Time // since when it asks, if that is what it does
	Idle  int64    // questions in vain up to then
}

// What the firmware does.
const (
	FirmwarePoll uint8 = iota
	FirmwareFilter
	FirmwareRSS
	FirmwareFIFO
)

// FirmwareSteps are the steps of its loop.
var FirmwareSteps = [...]string{FirmwarePoll: "poll", FirmwareFilter: "filter", FirmwareRSS: "rss", FirmwareFIFO: "fifo"}

// IdlePolls is how often the firmware has asked in vain until now. While a frame
// arrives, it does not.
func (n *NIC) IdlePolls(now sim.Time) int64 {
	if n.Wire >= 0 {
		now = min(now, n.WireStart)
	}
	return n.Firmware.Idle + n.vain(now)
}

// vain is how often it has asked since it is asking again.
func (n *NIC) vain(until sim.Time) int64 {
	if n.Firmware.At != FirmwarePoll || n.Config.Costs.WireByte == 0 {
		return 0
	}
	return int64(max(until-n.Firmware.Since, 0) / n.Config.Costs.WireByte)
}

// hear ends the questions: a frame's first bit came at a time. It gives the number
// of those in vain since the frame before.
func (n *NIC) hear(start sim.Time) int64 {
	vain := n.vain(start)
	n.Firmware.Idle += vain
	n.Firmware.At = FirmwareFilter
	return vain
}

// listen begins to ask again.
func (n *NIC) listen(now sim.Time) { n.Firmware.At, n.Firmware.Since = FirmwarePoll, now }
