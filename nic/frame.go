package nic

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Frames: Ethernet II with IPv4 without options and UDP; TCP is in tcp.go. What is read from a
// frame is read in place, and nothing is allocated.

// Lengths of headers: Ethernet II, IPv4 without options (RFC 791), UDP (RFC 768).
const (
	EthHeader  = 14
	IPv4Header = 20
	UDPHeader  = 8
	ICMPHeader = 8
	mtu        = 1500
)

// Numbers of protocols (IANA).
const (
	EtherTypeIPv4 = 0x0800
	ProtoICMP     = 1
	ProtoTCP      = 6
	ProtoUDP      = 17
)

// Broadcast is the address of all stations.
var Broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

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
	PutEth(b, dst, src)
	ip := b[EthHeader : EthHeader+total]
	copy(ip[IPv4Header+UDPHeader:], payload)
	PutIPv4(ip, ProtoUDP, be32(from.Addr()), be32(to.Addr()))
	PutUDP(ip[IPv4Header:], from.Port(), to.Port())
	putUDPChecksum(ip, ip[IPv4Header:])
	return b, nil
}

// PutEth writes an Ethernet header for an IPv4 packet.
func PutEth(b []byte, dst, src [6]byte) {
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], EtherTypeIPv4)
}

func be32(a netip.Addr) uint32 { return binary.BigEndian.Uint32(a.AsSlice()) }

// PutIPv4 writes the header of the packet that b holds, with its checksum.
// Addresses are in host order.
func PutIPv4(b []byte, proto uint8, src, dst uint32) {
	clear(b[:IPv4Header])
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[6:], 0x4000) // do not fragment
	binary.BigEndian.PutUint32(b[12:], src)
	binary.BigEndian.PutUint32(b[16:], dst)
	binary.BigEndian.PutUint16(b[10:], ^sum(b[:IPv4Header], 0))
}

// SetIPv4Length makes a packet's header say how long b is.
func SetIPv4Length(b []byte) {
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[10:], 0)
	binary.BigEndian.PutUint16(b[10:], ^sum(b[:IPv4Header], 0))
}

// PutUDP writes the header of the datagram that b holds. The checksum is left
// out, for who can compute it later, or need not.
func PutUDP(b []byte, src, dst uint16) {
	binary.BigEndian.PutUint16(b, src)
	binary.BigEndian.PutUint16(b[2:], dst)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[6:], 0)
}

// PutICMP writes the header of the ICMP message that b holds, with its checksum.
func PutICMP(b []byte, typ, code uint8) {
	clear(b[:ICMPHeader])
	b[0], b[1] = typ, code
	binary.BigEndian.PutUint16(b[2:], ^sum(b, 0))
}

// ParseICMP reads a message's type and code and checks its checksum.
func ParseICMP(b []byte) (typ, code uint8, ok bool) {
	if len(b) < ICMPHeader || sum(b, 0) != 0xffff {
		return 0, 0, false
	}
	return b[0], b[1], true
}

// Readdress gives a frame that holds a UDP packet another destination, and new
// checksums.
func Readdress(b []byte, mac [6]byte, ip uint32) {
	copy(b, mac[:])
	packet := b[EthHeader:]
	h, _ := ParseIPv4(packet)
	binary.BigEndian.PutUint32(packet[16:], ip)
	binary.BigEndian.PutUint16(packet[10:], 0)
	binary.BigEndian.PutUint16(packet[10:], ^sum(packet[:h.HeaderLen], 0))
	if udp := packet[h.HeaderLen:h.TotalLen]; len(udp) >= UDPHeader {
		putUDPChecksum(packet, udp)
	}
}

// putUDPChecksum computes the checksum of the datagram in a packet.
func putUDPChecksum(packet, udp []byte) {
	binary.BigEndian.PutUint16(udp[6:], 0)
	c := ^sum(udp, pseudo(packet, ProtoUDP, len(udp)))
	if c == 0 {
		c = 0xffff // 0 stands for "no checksum" (RFC 768)
	}
	binary.BigEndian.PutUint16(udp[6:], c)
}

// Eth is an Ethernet II header.
type Eth struct {
	Dst, Src [6]byte
	Type     uint16
}

// ParseEth reads a header.
func ParseEth(b []byte) (h Eth, ok bool) {
	if len(b) < EthHeader {
		return h, false
	}
	return Eth{[6]byte(b), [6]byte(b[6:]), binary.BigEndian.Uint16(b[12:])}, true
}

// IPv4 is what the stack needs of an IPv4 header. Addresses are in host order.
type IPv4 struct {
	HeaderLen, TotalLen int
	Protocol            uint8
	Fragment            bool // a part of a packet
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
	h.Fragment = binary.BigEndian.Uint16(b[6:])&0x3fff != 0 // more to come, or an offset
	h.Src, h.Dst = binary.BigEndian.Uint32(b[12:]), binary.BigEndian.Uint32(b[16:])
	return h, true
}

// ParseIPv4Header reads the header of a packet of which only the start is there,
// as in an ICMP message.
func ParseIPv4Header(b []byte) (h IPv4, ok bool) {
	if len(b) < IPv4Header || b[0] != 0x45 {
		return h, false
	}
	return IPv4{
		HeaderLen: IPv4Header, TotalLen: int(binary.BigEndian.Uint16(b[2:])), Protocol: b[9],
		Src: binary.BigEndian.Uint32(b[12:]), Dst: binary.BigEndian.Uint32(b[16:]),
	}, true
}

// Ports are the first two fields of UDP's and TCP's headers.
func Ports(b []byte) (src, dst uint16) {
	return binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
}

// UDP is what the stack needs of a UDP header.
type UDP struct{ SrcPort, DstPort uint16 }

// ParseUDP reads a header and checks its length, but not its checksum: the card
// has looked at that (see Desc.Errors), or UDPChecksumOK does.
func ParseUDP(b []byte) (h UDP, ok bool) {
	if _, ok := udpLen(b); !ok {
		return h, false
	}
	return UDP{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])}, true
}

// udpLen is a datagram's length by its header.
func udpLen(b []byte) (n int, ok bool) {
	if len(b) < UDPHeader {
		return 0, false
	}
	n = int(binary.BigEndian.Uint16(b[4:]))
	return n, n >= UDPHeader && n <= len(b)
}

// UDPChecksumOK checks the datagram in a packet whose header is h. The sender
// may have left the checksum out (RFC 768).
func UDPChecksumOK(packet []byte, h IPv4) bool {
	b := packet[h.HeaderLen:h.TotalLen]
	n, ok := udpLen(b)
	if !ok {
		return false
	}
	return b[6] == 0 && b[7] == 0 || sum(b[:n], pseudo(packet, ProtoUDP, n)) == 0xffff
}

// sum is the Internet checksum's sum in ones' complement (RFC 1071), not yet
// inverted. It adds four bytes at a time: the order of folding does not matter.
func sum(b []byte, s uint64) uint16 {
	for ; len(b) >= 4; b = b[4:] {
		s += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// pseudo is the sum over the pseudo header of UDP and TCP: both addresses,
// protocol, length.
func pseudo(packet []byte, proto uint64, length int) uint64 {
	return uint64(binary.BigEndian.Uint32(packet[12:])) + uint64(binary.BigEndian.Uint32(packet[16:])) + proto + uint64(length)
}

// offload is receive checksum offload: what a descriptor says of a frame's IPv4
// and UDP or TCP checksums (82574 datasheet, Receive Packet Checksum Offloading; the
// driver reads it in e1000_rx_checksum).
func offload(frame []byte) (status, errors uint8) {
	eth, ok := ParseEth(frame)
	if !ok || eth.Type != EtherTypeIPv4 {
		return 0, 0
	}
	packet := frame[EthHeader:]
	h, ok := ParseIPv4(packet)
	if !ok {
		return StatusIPCS, ErrorIP
	}
	ok, status = true, StatusIPCS
	switch {
	case h.Fragment:
	case h.Protocol == ProtoUDP:
		ok, status = UDPChecksumOK(packet, h), StatusIPCS|StatusUDPCS
	case h.Protocol == ProtoTCP:
		ok, status = TCPChecksumOK(packet, h), StatusIPCS|StatusTCPCS
	}
	if !ok {
		errors = ErrorL4
	}
	return status, errors
}
