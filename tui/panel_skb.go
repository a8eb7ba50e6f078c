package tui

import (
	"ringside/kernel"
	"ringside/nic"
)

// The packet in hand.

// shownSkb is the packet that the panel speaks of: the one the record touched,
// else one that GRO holds, else the first that a socket has.
func shownSkb(s *scene) kernel.SkbID {
	if s.rec != nil && s.rec.Kind == kernel.KindSkb && int(s.rec.Obj) < len(s.m.Skbs) && s.m.Skbs[s.rec.Obj].InUse {
		return s.rec.Obj
	}
	for i := range s.m.Napis {
		if n := &s.m.Napis[i]; n.Count > 0 {
			return n.First
		}
	}
	for i := range s.m.CPUs {
		if b := &s.m.CPUs[i].Backlog; b.Len > 0 {
			return b.First
		}
	}
	if s.objects.queued != kernel.None {
		return s.objects.queued
	}
	for i := range s.m.Skbs {
		if s.m.Skbs[i].InUse {
			return kernel.SkbID(i)
		}
	}
	return kernel.None
}

// drawSkb shows a packet's headers with a caret at its data pointer: what is
// left of it has been pulled.
func drawSkb(p *pen, s *scene, y int) int {
	id := shownSkb(s)
	if id == kernel.None {
		p.line(y).str("skb").to(7).in(styleDim).str("none")
		return y + 3
	}
	b := &s.m.Skbs[id]
	old := kernel.Skb{}
	if int(id) < len(s.was.Skbs) {
		old = s.was.Skbs[id]
	}
	p.line(y).str("skb").to(6).mark(b.InUse != old.InUse).dec(int64(id)).in(styleText)
	if b.Frame != kernel.None {
		p.str(" frame ").dec(int64(b.Frame))
	} else {
		p.str(" own")
	}
	p.count(" data", int64(b.Data), int64(old.Data)).count(" len", int64(b.Len), int64(old.Len))
	if b.Segs > 1 {
		p.count(" segs", int64(b.Segs), int64(old.Segs))
	}
	if p.w > 48 {
		p.str(" truesize ").dec(int64(b.Truesize))
	}
	parts, n := skbParts(s.m, b)
	p.line(y + 1).str("  ").in(styleBorder).rune('[')
	at, caret := int32(0), p.x
	for i, part := range parts[:n] {
		if i > 0 {
			p.in(styleBorder).rune('|')
		}
		if b.Data == at {
			caret = p.x
		}
		at += part.n
		p.st = styleText
		if at <= b.Data {
			p.st = styleDim
		}
		p.str(part.name).str(" ").dec(int64(part.n))
	}
	if b.Data == at && n > 0 && parts[n-1].n > 0 {
		caret = p.x
	}
	p.in(styleBorder).rune(']')
	p.line(y + 2).to(max(caret-1, 0)).mark(b.Data != old.Data).str("^data")
	return y + 3
}

// skbPart is a header, or what the headers carry.
type skbPart struct {
	name string
	n    int32
}

// skbParts takes a packet apart: the link's header, if it came over the wire,
// those of IP and of the protocol in it, what they carry, and the padding that a
// short frame has until IP cuts it off. What a stream socket keeps has no header.
func skbParts(m *kernel.Machine, b *kernel.Skb) (parts [5]skbPart, n int) {
	add := func(name string, length int32) {
		if length > 0 {
			parts[n] = skbPart{name, length}
			n++
		}
	}
	var packet []byte
	end := b.Data + b.Len
	switch {
	case b.Frame != kernel.None:
		add("eth", nic.EthHeader)
		packet = m.Frames[b.Frame].Bytes[nic.EthHeader:]
		if b.Buf != kernel.None { // GRO has made it of several
			packet = m.Bufs[b.Buf][nic.EthHeader:]
		}
		end -= nic.EthHeader
	case b.Buf != kernel.None:
		packet = m.Bufs[b.Buf]
	}
	h, ok := nic.ParseIPv4(packet)
	if !ok || b.Frame == kernel.None && h.TotalLen != len(packet) {
		add("data", end)
		return parts, n
	}
	add("ip", int32(h.HeaderLen))
	name, length := transportHeader(h.Protocol, packet[h.HeaderLen:h.TotalLen])
	add(name, length)
	carried := int32(h.TotalLen-h.HeaderLen) - length
	headers := int32(h.HeaderLen) + length
	add("data", min(carried, end-headers))
	add("pad", end-headers-carried)
	return parts, n
}

// transportHeader names the protocol that IP carries, and gives its header's
// length; 0 if what is there is no such header.
func transportHeader(protocol uint8, b []byte) (string, int32) {
	switch protocol {
	case nic.ProtoUDP:
		if len(b) >= nic.UDPHeader {
			return "udp", nic.UDPHeader
		}
	case nic.ProtoTCP:
		if _, n, ok := nic.ParseTCP(b); ok {
			return "tcp", int32(n)
		}
	case nic.ProtoICMP:
		if len(b) >= nic.ICMPHeader {
			return "icmp", nic.ICMPHeader
		}
	}
	return "", 0
}
