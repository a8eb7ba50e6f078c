package cpu

import (
	"fmt"
	"testing"

	"ringside/sim"
)

// TestPPR: Intel SDM volume 3, "Task and Processor Priorities", the table of
// PPR[3:0] included.
func TestPPR(t *testing.T) {
	for _, c := range []struct {
		tpr       uint8
		inService []uint8
		want      uint8
	}{
		{0x00, nil, 0x00},
		{0x25, nil, 0x25},
		{0x25, []uint8{0x31}, 0x30}, // the class in service is higher: sub-class 0
		{0x35, []uint8{0x21}, 0x35}, // TPR's is higher: with its sub-class
		{0x35, []uint8{0x3f}, 0x30}, // equal: 0 is one of the two that are allowed
		{0x00, []uint8{0x41, 0x82, 0x63}, 0x80},
	} {
		a := APIC{TPR: c.tpr}
		for _, v := range c.inService {
			inService(&a, v)
		}
		if got := a.PPR(); got != c.want {
			t.Errorf("TPR %#x, in service %#x: PPR %#x, want %#x", c.tpr, c.inService, got, c.want)
		}
	}
}

// TestAVectorIsHeldTwiceAtMost: one in service, one requested; what comes beyond
// merges (SDM volume 3, "Interrupt Acceptance for Fixed Interrupts").
func TestAVectorIsHeldTwiceAtMost(t *testing.T) {
	var a APIC
	accepted := 0
	for i := range 5 {
		if a.Accept(0x41, sim.Seq(i)) {
			accepted++
		}
		if i == 0 && a.Dispense() != 0x41 {
			t.Fatal("the first one should be dispensed")
		}
	}
	if accepted != 2 || !a.ISR.Has(0x41) || !a.IRR.Has(0x41) {
		t.Errorf("%d accepted, ISR %v, IRR %v", accepted, a.ISR.Has(0x41), a.IRR.Has(0x41))
	}
}

// TestSpuriousVector: SDM volume 3, "Spurious Interrupt": masked by the TPR
// between the request and the acknowledgement; ISR is not affected.
func TestSpuriousVector(t *testing.T) {
	var a APIC
	a.Accept(0x41, 0)
	a.TPR = 0x40
	if v := a.Dispense(); v != SpuriousVector || a.ISR != (Bits{}) || !a.IRR.Has(0x41) {
		t.Errorf("dispensed %#x, ISR %v, the request still there: %v", v, a.ISR, a.IRR.Has(0x41))
	}
	if v, _ := a.EOI(); v != -1 {
		t.Errorf("EOI found %#x in service", v)
	}
	a.TPR = 0
	if v := a.Dispense(); v != 0x41 {
		t.Errorf("afterwards %#x is dispensed, want 0x41: it was not lost", v)
	}
}

// TestOnlyLevelTriggeredVectorsBroadcastTheirEOI: SDM volume 3, "Signaling
// Interrupt Servicing Completion"; TMR is set or cleared on acceptance.
func TestOnlyLevelTriggeredVectorsBroadcastTheirEOI(t *testing.T) {
	var a APIC
	a.AcceptLevel(0x21, 0)
	a.Accept(0x31, 0)
	for _, want := range []struct {
		vector    int
		broadcast bool
	}{{0x31, false}, {0x21, true}} {
		a.Dispense()
		if a.ISR.Highest() != want.vector {
			t.Fatalf("%#x in service, want %#x", a.ISR.Highest(), want.vector)
		}
		if v, broadcast := a.EOI(); v != want.vector || broadcast != want.broadcast {
			t.Errorf("EOI of %#x, broadcast %v", v, broadcast)
		}
	}
	a.Accept(0x21, 0)
	a.Dispense()
	if _, broadcast := a.EOI(); broadcast {
		t.Error("the vector was accepted as an edge this time")
	}
}

// TestICR: SDM volume 3, "Interrupt Command Register", destination shorthands.
func TestICR(t *testing.T) {
	for _, c := range []struct {
		icr   ICR
		self  int32
		cores int
		want  uint64
	}{
		{ICR{Dest: 2}, 0, 4, 0b0100},
		{ICR{Dest: 5}, 0, 4, 0}, // nobody there
		{ICR{Shorthand: ToSelf, Dest: 3}, 1, 4, 0b0010},
		{ICR{Shorthand: ToAll}, 1, 4, 0b1111},
		{ICR{Shorthand: ToAllButSelf}, 1, 4, 0b1101},
		{ICR{Shorthand: ToAllButSelf}, 63, 64, 1<<63 - 1},
	} {
		if got := c.icr.Targets(c.self, c.cores); got != c.want {
			t.Errorf("%+v from core %d of %d: %b, want %b", c.icr, c.self, c.cores, got, c.want)
		}
	}
}

// TestRedirectionEntry: 82093AA datasheet, "I/O Redirection Table Registers".
func TestRedirectionEntry(t *testing.T) {
	e := Redir{Vector: 0x21, Dest: 3, Level: true, Low: true, RemoteIRR: true, Masked: true}
	if got, want := e.Word(), uint64(0x03000000_0001e021); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}

// do applies words to an I/O APIC and writes what it answers.
func do(a *IOAPIC, words ...string) (out string) {
	for _, w := range words {
		answer := false
		switch w {
		case "up", "down":
			answer = a.SetLine(11, w == "up")
		case "send":
			_, answer = a.Send(11)
		case "eoi":
			answer = a.EOI(0x21) == 1<<11
		case "other eoi":
			answer = a.EOI(0x31) != 0
		case "mask", "unmask":
			answer = a.Mask(11, w == "mask")
		}
		if answer {
			out += "1"
		} else {
			out += "0"
		}
	}
	return out
}

func TestIOAPIC(t *testing.T) {
	for _, c := range []struct {
		name  string
		level bool
		words []string
		want  string
	}{
		{"an edge sends once", false, []string{"up", "send", "send"}, "110"},
		{"and again after the line was low", false, []string{"up", "send", "up", "down", "up", "send"}, "110011"},
		{"an edge that waits to be sent merges", false, []string{"up", "down", "up", "send", "send"}, "10010"},
		{"an edge on a masked pin is lost", false, []string{"mask", "up", "unmask", "send"}, "0000"},
		{"a level sends once until the EOI", true, []string{"up", "send", "up", "send"}, "1100"},
		{"still asserted at the EOI: once more", true, []string{"up", "send", "eoi", "send"}, "1111"},
		{"dropped before the EOI: no more", true, []string{"up", "send", "down", "eoi", "send"}, "11000"},
		{"another vector's EOI is not for it", true, []string{"up", "send", "other eoi", "send"}, "1100"},
		{"dropped before it was sent", true, []string{"up", "down", "send"}, "100"},
		{"a level on a masked pin is not lost", true, []string{"mask", "up", "send", "unmask", "send"}, "00011"},
		{"masked before it was sent", true, []string{"up", "mask", "send", "unmask", "send"}, "10011"},
	} {
		a := IOAPIC{}
		a.Pins[11] = Redir{Vector: 0x21, Level: c.level}
		if got := do(&a, c.words...); got != c.want {
			t.Errorf("%s: %v gives %s, want %s", c.name, c.words, got, c.want)
		}
	}
}

// linuxPICs are the two controllers as init_8259A and the PCI set-up of a PC
// leave them, with every line open.
func linuxPICs(level uint16) *PICs {
	p := &PICs{}
	for i, c := range []*PIC{&p.Master, &p.Slave} {
		c.WriteCommand(0x11)
		c.WriteData(uint8(0x30 + 8*i))
		c.WriteData([]uint8{1 << 2, 2}[i])
		c.WriteData(0x01)
		c.WriteData(0)
		c.ELCR = uint8(level >> (8 * i))
	}
	return p
}

// TestPIC: Intel 8259A datasheet: priority, cascade, end of interrupt, spurious.
func TestPIC(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  func(p *PICs) (vectors string)
		want string
	}{
		{"the vector is ICW2's base and the input", func(p *PICs) string {
			p.SetLine(4, true)
			return acks(p, 1)
		}, "34"},
		{"the lowest input first", func(p *PICs) string {
			p.SetLine(4, true)
			p.SetLine(1, true)
			return acks(p, 1)
		}, "31"},
		{"a lower one waits for the EOI", func(p *PICs) string {
			p.SetLine(1, true)
			out := acks(p, 1)
			p.SetLine(4, true)
			out += acks(p, 1)
			p.Master.WriteCommand(0x20)
			return out + acks(p, 1)
		}, "31 - 34"},
		{"a higher one interrupts the handler", func(p *PICs) string {
			p.SetLine(4, true)
			out := acks(p, 1)
			p.SetLine(1, true)
			return out + acks(p, 1)
		}, "34 31"},
		{"the non-specific EOI ends the highest in service", func(p *PICs) string {
			p.SetLine(4, true)
			acks(p, 1)
			p.SetLine(1, true)
			acks(p, 1)
			p.Master.WriteCommand(0x20)
			return fmt.Sprintf(" %08b", p.Master.ISR)
		}, "00010000"},
		{"the specific one the one it names", func(p *PICs) string {
			p.SetLine(4, true)
			acks(p, 1)
			p.SetLine(1, true)
			acks(p, 1)
			p.Master.WriteCommand(0x64)
			return fmt.Sprintf(" %08b", p.Master.ISR)
		}, "00000010"},
		{"the slave comes in on IR2 and is before IR3", func(p *PICs) string {
			p.SetLine(3, true)
			p.SetLine(11, true)
			return acks(p, 1) + fmt.Sprintf(" %08b %08b", p.Master.ISR, p.Slave.ISR)
		}, "3b 00000100 00001000"},
		{"both want an EOI", func(p *PICs) string {
			p.SetLine(12, true)
			acks(p, 1)
			p.Slave.WriteCommand(0x64)
			p.SetLine(13, true)
			out := acks(p, 1)
			p.Master.WriteCommand(0x62)
			return out + acks(p, 1)
		}, "- 3d"},
		{"masked, it waits", func(p *PICs) string {
			p.Slave.WriteData(1 << 3)
			p.SetLine(11, true)
			out := acks(p, 1)
			p.Slave.WriteData(0)
			return out + acks(p, 1)
		}, "- 3b"},
		{"a line that drops before the acknowledgement: IR7, nothing in service", func(p *PICs) string {
			p.SetLine(4, true)
			p.SetLine(4, false)
			return fmt.Sprintf(" %02x %08b", p.INTA(), p.Master.ISR)
		}, "37 00000000"},
		{"the slave's drops too: the master answers IR7", func(p *PICs) string {
			p.SetLine(11, true)
			p.SetLine(11, false)
			return fmt.Sprintf(" %02x %08b", p.INTA(), p.Master.ISR)
		}, "37 00000000"},
		{"an edge is taken once", func(p *PICs) string {
			p.SetLine(4, true)
			out := acks(p, 1)
			p.Master.WriteCommand(0x64)
			return out + acks(p, 1)
		}, "34 -"},
		{"a level until the line drops", func(p *PICs) string {
			p.SetLine(11, true)
			out := acks(p, 1)
			p.Slave.WriteCommand(0x63)
			p.Master.WriteCommand(0x62)
			return out + acks(p, 1)
		}, "3b 3b"},
		{"OCW3 shows ISR instead of IRR", func(p *PICs) string {
			p.SetLine(4, true)
			out := fmt.Sprintf(" %02x", p.Master.ReadCommand())
			acks(p, 1)
			p.Master.WriteCommand(0x0b)
			return out + fmt.Sprintf(" %02x", p.Master.ReadCommand())
		}, "10 10"},
	} {
		if got := c.ops(linuxPICs(1 << 11))[1:]; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// acks acknowledges n times, if the controllers ask, and gives the vectors.
func acks(p *PICs, n int) (out string) {
	for range n {
		if !p.INTR() {
			out += " -"
			continue
		}
		out += fmt.Sprintf(" %02x", p.INTA())
	}
	return out
}
