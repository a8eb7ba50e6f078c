package nic

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Flags of a TCP header (RFC 9293, section 3.1).
const (
	FIN = 0x01
	SYN = 0x02
	RST = 0x04
	PSH = 0x08
	ACK = 0x10
)

// TCPHeader is the length of a TCP header without options.
const TCPHeader = 20

// TCP is a TCP header with the options that hosts agree on when they connect
// (RFC 9293, RFC 7323). Selective acknowledgements are offered and never sent.
type TCP struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            uint8
	Window           uint16
	MSS              uint16 // of a SYN; 0: no such option
	Scaled           bool   // a SYN has a window scale
	Scale            uint8
	Stamped          bool // it has timestamps
	Stamp, Echo      uint32
}

// Len is the length of the header with its options.
func (h *TCP) Len() int {
	n := TCPHeader
	if h.MSS != 0 {
		n += 4
	}
	if h.Stamped {
		n += 12
	}
	if h.Scaled {
		n += 4
	}
	return n
}

// Kinds of options (IANA).
const (
	optEnd, optNop, optMSS, optScale, optSACK, optStamp = 0, 1, 2, 3, 4, 8
)

// Put writes the header, with its options in the order of Linux
// (tcp_options_write). The checksum is left out, for who can compute it later.
func (h *TCP) Put(b []byte) {
	n := h.Len()
	clear(b[:n])
	be := binary.BigEndian
	be.PutUint16(b, h.SrcPort)
	be.PutUint16(b[2:], h.DstPort)
	be.PutUint32(b[4:], h.Seq)
	be.PutUint32(b[8:], h.Ack)
	b[12], b[13] = uint8(n/4)<<4, h.Flags
	be.PutUint16(b[14:], h.Window)
	o := b[TCPHeader:]
	if h.MSS != 0 {
		o[0], o[1] = optMSS, 4
		be.PutUint16(o[2:], h.MSS)
		o = o[4:]
	}
	if h.Stamped {
		o[0], o[1], o[2], o[3] = optNop, optNop, optStamp, 10
		if h.Flags&SYN != 0 {
			o[0], o[1] = optSACK, 2
		}
		be.PutUint32(o[4:], h.Stamp)
		be.PutUint32(o[8:], h.Echo)
		o = o[12:]
	}
	if h.Scaled {
		o[0], o[1], o[2], o[3] = optNop, optScale, 3, h.Scale
	}
}

// ParseTCP reads a header and gives its length.
func ParseTCP(b []byte) (h TCP, n int, ok bool) {
	if len(b) < TCPHeader {
		return h, 0, false
	}
	n = int(b[12]>>4) * 4
	if n < TCPHeader || n > len(b) {
		return h, 0, false
	}
	be := binary.BigEndian
	h = TCP{SrcPort: be.Uint16(b), DstPort: be.Uint16(b[2:]), Seq: be.Uint32(b[4:]), Ack: be.Uint32(b[8:]), Flags: b[13], Window: be.Uint16(b[14:])}
	h.options(b[TCPHeader:n])
	return h, n, true
}

// options reads the options that matter; an option that is cut off ends them.
func (h *TCP) options(o []byte) {
	for len(o) > 0 && o[0] != optEnd {
		if o[0] == optNop {
			o = o[1:]
			continue
		}
		if len(o) < 2 || o[1] < 2 || int(o[1]) > len(o) {
			return
		}
		switch v := o[2:o[1]]; {
		case o[0] == optMSS && len(v) == 2:
			h.MSS = binary.BigEndian.Uint16(v)
		case o[0] == optScale && len(v) == 1:
			h.Scaled, h.Scale = true, min(v[0], 14)
		case o[0] == optStamp && len(v) == 8:
			h.Stamped, h.Stamp, h.Echo = true, binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])
		}
		o = o[o[1]:]
	}
}

// BuildTCP makes an Ethernet frame with a TCP segment in it, with correct
// checksums, padded to the least length.
func BuildTCP(dst, src [6]byte, from, to netip.AddrPort, h TCP, payload []byte) ([]byte, error) {
	if !from.Addr().Is4() || !to.Addr().Is4() {
		return nil, fmt.Errorf("%s to %s: not IPv4", from, to)
	}
	h.SrcPort, h.DstPort = from.Port(), to.Port()
	total := IPv4Header + h.Len() + len(payload)
	if total > mtu {
		return nil, fmt.Errorf("%d bytes of data: more than fit into one frame", len(payload))
	}
	b := make([]byte, max(EthHeader+total, minFrame))
	PutEth(b, dst, src)
	ip := b[EthHeader : EthHeader+total]
	h.Put(ip[IPv4Header:])
	copy(ip[IPv4Header+h.Len():], payload)
	PutIPv4(ip, ProtoTCP, be32(from.Addr()), be32(to.Addr()))
	SetTCPChecksum(ip)
	return b, nil
}

// SetTCPChecksum fills in the checksum of the segment in an IPv4 packet without
// options.
func SetTCPChecksum(packet []byte) {
	seg := packet[IPv4Header:]
	seg[16], seg[17] = 0, 0
	binary.BigEndian.PutUint16(seg[16:], ^sum(seg, pseudo(packet, ProtoTCP, len(seg))))
}

// TCPChecksumOK checks the segment in a packet whose header is h.
func TCPChecksumOK(packet []byte, h IPv4) bool {
	seg := packet[h.HeaderLen:h.TotalLen]
	return len(seg) >= TCPHeader && sum(seg, pseudo(packet, ProtoTCP, len(seg))) == 0xffff
}
