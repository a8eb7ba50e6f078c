package kernel

import (
	"fmt"
	"net/netip"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// What happens outside any core: the wire, the card, the messages between
// controllers, the start of threads. Each is an event and leaves one record.

// Kinds of events; the card's own begin at nic.EventBase.
const (
	evWire     uint16 = iota + 1 // A: entry of the wire section, B: which of its packets
	evStart                      // A: thread
	evIPI                        // A: core, B: vector
	evTimer                      // A: core, B: the programming it belongs to
	evDirector                   // A: task
	evUSB                        // B: which of its interrupts
	evIOAPIC                     // A: pin
	evMessage                    // A: core, B: vector; from the I/O APIC
	evEOI                        // A: vector
	evPIC                        // the 8259A looks at the line
	evRemote                     // A: remote host, whose timer is due
	evAnswer                     // A: remote host, whose answer is ready
	evIOWalk                     // as nic.EvTranslate
	evAffinity                   // A: which move, B: its step
)

// device is the row of a stage outside the cores.
func device(name string, station uint8, file, what, say, why string) code {
	return code{Name: name, Station: station, File: file, Say: say, Why: why, Steps: []step{{Name: what, Do: nothing}}}
}

var deviceText = text{
	fnWire:       cardStage(nic.StageWire, "wire", StWire),
	fnMACFilter:  cardStage(nic.StageFilter, "mac filter", StNIC),
	fnFIFO:       cardStage(nic.StageFIFO, "rx fifo", StNIC),
	fnRSS:        cardStage(nic.StageRSS, "rss", StNIC),
	fnFetch:      cardStage(nic.StageFetch, "descriptor fetch", StDMA),
	fnTLP:        cardStage(nic.StageTLP, "pcie write", StDMA),
	fnPosted:     cardStage(nic.StagePosted, "pcie posted", StDMA),
	fnDMA:        cardStage(nic.StageDMA, "dma", StDMA),
	fnWriteBack:  cardStage(nic.StageWriteBack, "descriptor write-back", StDMA),
	fnModeration: cardStage(nic.StageModeration, "interrupt moderation", StMSI),
	fnMSI:        cardStage(nic.StageMSI, "msi-x", StMSI),
	fnCardDrop:   cardStage(nic.StageDrop, "drop", StNIC),
	fnLocalAPIC: device("local apic", StAPIC, "Intel SDM volume 3, Advanced Programmable Interrupt Controller", "IRR bit set",
		"The message reaches the core's local interrupt controller, which notes the vector.",
		"The core looks between two instructions, and only if its IF flag lets it."),
	fnIPI: device("local apic", StNone, "Intel SDM volume 3, Issuing Interprocessor Interrupts", "IRR bit set",
		"An interrupt message asks this core to look again at what it has to run.", "Cores tell each other so through their local interrupt controllers; here whoever starts a scenario's threads does, too."),
	fnTimerExpiry: device("apic timer", StNone, "Intel SDM volume 3, APIC Timer", "IRR bit set",
		"The local APIC's timer has reached its deadline.", "The kernel set it to the first of its own timers."),
	fnThreadStart: device("wake_up_new_task", StNone, fileCore, "a new thread is runnable",
		"A thread of the scenario starts: it is put on a run queue.", "A new thread is a runnable task like any other."),
}

// cardStage is the row of one of the card's stages.
func cardStage(stage uint8, name string, station uint8) code {
	info := nic.Stages[stage]
	return device(name, station, "Intel 82574 datasheet", info.Name, info.Say, info.Why)
}

// cardFns are the functions of the card's stages.
var cardFns = [...]cpu.CodeID{
	nic.StageWire: fnWire, nic.StageFilter: fnMACFilter, nic.StageFIFO: fnFIFO, nic.StageDMA: fnDMA,
	nic.StageTxDMA: fnTxDMA, nic.StageTxOut: fnTxOut,
	nic.StageFetch: fnFetch, nic.StageTLP: fnTLP, nic.StagePosted: fnPosted, nic.StageRSS: fnRSS, nic.StageWriteBack: fnWriteBack, nic.StageModeration: fnModeration, nic.StageMSI: fnMSI, nic.StageDrop: fnCardDrop, nic.StagePin: fnPin,
}

// silent tells whether an event leaves no record: it only starts something, or
// it is out of date.
func (m *Machine) silent(e *sim.Event) bool {
	switch e.Kind {
	case evWire:
		return true
	case evRemote:
		return !m.remoteDue(e)
	case evAnswer:
		return m.Remotes[e.A].Ready != e.At
	case evTimer:
		return m.Cores[e.A].APIC.Timer.Gen != e.B
	case evIOAPIC:
		return !m.IOAPIC.Pins[e.A].Pending
	case evPIC:
		return !m.Line
	}
	return m.NIC.OutOfDate(e)
}

// event does what an event says.
func (m *Machine) event(e *sim.Event, r *sim.Record) {
	r.T, r.CPU, r.Task, r.Cause, r.Ctx = m.Now, -1, None, e.Cause, CtxDevice
	switch e.Kind {
	case evStart:
		m.startThread(e.A, r)
	case evIPI:
		m.deliver(e.A, uint8(e.B), false, fnIPI, r)
	case evTimer:
		t := &m.Cores[e.A].APIC.Timer
		t.Fire()
		m.deliver(e.A, t.Vector(), false, fnTimerExpiry, r)
	case evUSB:
		m.usbInterrupts(e, r)
	case evIOAPIC:
		m.ioapicSends(int(e.A), r)
	case evMessage:
		m.deliver(e.A, uint8(e.B), true, fnLocalAPIC, r)
		r.Station = m.lineStation(r.Station)
	case evEOI:
		m.ioapicEOI(uint8(e.A), r)
	case evPIC:
		m.picRequests(r)
	case evDirector:
		m.directorWake(e.A, r)
	case evRemote:
		m.remoteTimer(e.A, r)
	case evAnswer:
		m.remoteAnswer(e.A, r)
	case nic.EvFar:
		m.farEnd(e.A, r)
	case nic.EvBusWrite:
		m.busWrite(e, r)
	case evAffinity:
		m.moveIRQ(e, r)
	case nic.EvTranslate:
		m.remap(e, r)
	case evIOWalk:
		m.ioWalk(e, r)
	default:
		m.NIC.Handle(e, m.Now, m.Frames, &m.Queue, m.Seq, r)
		r.Kind = KindFrame
		r.Fn = uint16(cardFns[r.Step])
		r.Station = m.Text.Codes[r.Fn].Station
		if r.Step == nic.StagePin {
			m.driveLine()
		}
		r.Step = 0
	}
}

// deliver hands a vector to a core's local APIC.
func (m *Machine) deliver(core int32, vector uint8, level bool, fn cpu.CodeID, r *sim.Record) {
	fresh := m.Cores[core].Interrupt(vector, level, m.Now, m.Seq)
	about(r, KindVector, int32(vector))
	r.Fn, r.CPU, r.Station = uint16(fn), int8(core), m.Text.Codes[fn].Station
	r.Arg[0] = int64(vector)
	if fresh {
		r.Arg[1] = 1
	} else {
		m.Counters.Merged++
	}
}

// busWrite routes a memory write of the card. A write to the interrupt address
// range is a message to a local APIC: the address names the core, the data the
// vector (Intel SDM volume 3, "Message Signalled Interrupts").
func (m *Machine) busWrite(e *sim.Event, r *sim.Record) {
	addr, data := nic.BusWrite(e)
	core := int32(addr>>12) & 0xff
	if addr>>20 != msiRange>>20 || int(core) >= len(m.Cores) {
		m.giveUp(fmt.Sprintf("the card wrote to %#x, where nothing is", addr))
		return
	}
	r.Dur = sim.Time(e.A)
	m.deliver(core, uint8(data), false, fnLocalAPIC, r)
}

// msiRange is the address range of interrupt messages.
const msiRange = 0xfee00000

// msiMessage is the address and data that make a message to a core.
func msiMessage(core int, vector uint8) (uint64, uint32) {
	return msiRange | uint64(core)<<12, uint32(vector)
}

// addrOf converts an address to the kernel's form.
func addrOf(ap netip.AddrPort) SockAddr {
	b := ap.Addr().As4()
	return SockAddr{IP: uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), Port: ap.Port()}
}

// String is "ip:port".
func (a SockAddr) String() string {
	return a.addrPort().String()
}

func (a SockAddr) addrPort() netip.AddrPort { return netip.AddrPortFrom(netipAddr(a.IP), a.Port) }

func netipAddr(ip uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)})
}

func ipString(ip uint32) string { return netipAddr(ip).String() }
