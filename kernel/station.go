package kernel

import (
	"ringside/cpu"
	"ringside/sim"
)

// Stations of a packet's path, in their order. 0 is not on the path.
const (
	StNone uint8 = iota
	StWire
	StNIC
	StDMA
	StMSI
	StAPIC
	StIDT
	StIRQ
	StSoftirq
	StNAPI
	StSkb
	StUDP
	StSocket
	StWaitQueue
	StEpoll
	StWake
	StRunQueue
	StSwitch
	StUser
	NumStations
)

// Stations are their names on the screen.
var Stations = [NumStations]string{
	"", "wire", "nic", "dma", "msi", "apic", "idt", "irq", "softirq", "napi", "skb", "udp",
	"socket", "waitq", "epoll", "wake", "runq", "switch", "user",
}

// Contexts: whose work a step is.
const (
	CtxUser     uint8 = iota // a thread program, ring 3
	CtxSyscall               // the kernel on behalf of the running task
	CtxHardirq               // a hard interrupt's handler
	CtxSoftirq               // a softirq, on a borrowed stack or in ksoftirqd
	CtxIdle                  // the idle task
	CtxHardware              // the processor's own micro-steps
	CtxDevice                // no core: the card, a controller, the world
)

// Contexts are their names in exports.
var Contexts = [...]string{"user", "syscall", "hardirq", "softirq", "idle", "hardware", "device"}

// ContextLetters are their letters in the time lanes.
var ContextLetters = [...]byte{'U', 'K', 'H', 'S', '.', 'H', 'D'}

// Flags of a record, as in the first columns of the kernel's trace file.
const (
	FlagIRQsOff uint8 = 1 << iota
	FlagNeedResched
	FlagHardirq
	FlagSoftirq
	FlagBHOff
)

// Kinds of object that a record can name.
const (
	KindNone uint8 = iota
	KindTask
	KindFrame // a frame on the wire: an index into Machine.Frames
	KindDesc  // a receive descriptor
	KindVector
	KindSkb
	KindSock
	KindQueue
	KindWait
	KindEp
	KindEpi
	KindFD
	KindTimer
	KindNAPI
	KindIRQ // an interrupt number
)

// onPath gives a record's station if it has to do with a packet: functions such
// as try_to_wake_up or context_switch serve timers and new threads too.
func (m *Machine) onPath(c *cpu.Core, r *sim.Record) uint8 {
	on := true
	switch r.Station {
	case StIDT:
		on = m.forCard(c.Vector)
	case StSoftirq:
		on = cpu.CodeID(r.Fn) != fnIRQExit || m.cpuOf(c).Pending != 0 // every interrupt leaves this way
	case StIRQ:
		on = (r.Flags&FlagHardirq != 0 || r.Step == 0) && m.forCard(c.Vector) // and not on the way out
	case StSocket:
		on = r.Kind != KindSock || m.Socks[r.Obj].Kind <= SockTCP // no packet comes to a unix socket
	case StWaitQueue, StEpoll, StWake, StRunQueue:
		on = r.Flags&FlagSoftirq != 0 || r.Kind == KindTask && m.Tasks[r.Obj].Call.Woken
	case StSwitch:
		on = m.packetWoken(c)
	}
	if !on {
		return StNone
	}
	return r.Station
}

// packetWoken tells whether a task that a packet has woken runs on a core, or
// waits for it.
func (m *Machine) packetWoken(c *cpu.Core) bool {
	k := m.cpuOf(c)
	on := m.Tasks[k.Current].Call.Woken || m.Tasks[k.RQ.Curr].Call.Woken
	for _, id := range k.RQ.Queue {
		on = on || m.Tasks[id].Call.Woken
	}
	return on
}
