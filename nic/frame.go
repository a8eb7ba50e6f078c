package nic

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Lengths of headers: Ethernet II, IPv4 without options (RFC 791), UDP (RFC 768).
const (
	EthHeader  = 14
	IPv4Header = 20
	UDPHeader  = 8
	mtu        = 1500
)

const (
	etherTypeIPv4 = 0x0800
	protoUDP      = 17
)

// BuildUDP makes an Ethernet frame with a UDP datagram in it, with correct
// checksums, padded to the least length. The payload must fit into one frame.
func BuildUDP(dst, src [6]byte, from, to netip.AddrPort, payload []byte) ([]byte, error) {
	if !from.Addr().Is4() || !to.Addr().Is4() {
		return nil, fmt.Errorf("%s to %s: not IPv4", from, to)
	}
	if most := mtu - IPv4Header - UDPHeader; len(payload) > most {
		return nil, fmt.Errorf("%d bytes of data: more than the %d that fit into one frame", len(payload), most)
	}
	total := IPv4Header + UDPHeader + len(payload)
	b := make([]byte, max(EthHeader+total, minFrame))
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], etherTypeIPv4)

	ip := b[EthHeader:]
	ip[0], ip[8], ip[9] = 0x45, 64, protoUDP
	binary.BigEndian.PutUint16(ip[2:], uint16(total))
	binary.BigEndian.PutUint16(ip[6:], 0x4000) // do not fragment
	copy(ip[12:], from.Addr().AsSlice())
	copy(ip[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(ip[10:], ^sum(ip[:IPv4Header], 0))

	udp := ip[IPv4Header:total]
	binary.BigEndian.PutUint16(udp, from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	copy(udp[UDPHeader:], payload)
	check := ^sum(udp, pseudo(ip, len(udp)))
	if check == 0 {
		check = 0xffff // 0 would mean: no checksum
	}
	binary.BigEndian.PutUint16(udp[6:], check)
	return b, nil
}

// IPv4 is what the stack needs of an IPv4 header. Addresses are in host order.
type IPv4 struct {
	HeaderLen, TotalLen int
	Protocol            uint8
	Src, Dst            uint32
}

// ParseIPv4 reads and checks a header: version, lengths, checksum.
func ParseIPv4(b []byte) (h IPv4, ok bool) {
	if len(b) < IPv4Header || b[0]>>4 != 4 {
		return h, false
	}
	h.HeaderLen = int(b[0]&0xf) * 4
	h.TotalLen = int(binary.BigEndian.Uint16(b[2:]))
	if h.HeaderLen < IPv4Header || h.TotalLen < h.HeaderLen || h.TotalLen > len(b) || sum(b[:h.HeaderLen], 0) != 0xffff {
		return h, false
	}
	h.Protocol = b[9]
	h.Src, h.Dst = binary.BigEndian.Uint32(b[12:]), binary.BigEndian.Uint32(b[16:])
	return h, true
}

// UDP is what the stack needs of a UDP header.
type UDP struct{ SrcPort, DstPort uint16 }

// ParseUDP reads a header and checks its length. The card has verified the
// checksum of what it received whole (receive checksum offload).
func ParseUDP(b []byte) (h UDP, ok bool) {
	if len(b) < UDPHeader {
		return h, false
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n < UDPHeader || n > len(b) {
		return h, false
	}
	return UDP{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])}, true
}

// sum is the Internet checksum's sum in ones' complement (RFC 1071), not yet
// inverted.
func sum(b []byte, s uint32) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// pseudo is the sum over UDP's pseudo header.
func pseudo(ip []byte, length int) uint32 {
	s := uint32(protoUDP) + uint32(length)
	for i := 12; i < 20; i += 2 {
		s += uint32(ip[i])<<8 | uint32(ip[i+1])
	}
	return s
}
