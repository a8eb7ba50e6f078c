package nic

import "encoding/binary"

// Receive side scaling: the card hashes the addresses and ports of a packet, and
// the hash chooses the receive queue. All packets of a connection get the same
// queue, and with it the same core; so they stay in order.

// MaxQueues is how many receive queues an 82576 has.
const MaxQueues = 16

// RSS is how the card spreads packets over its queues.
type RSS struct {
	Key     [KeyLen]byte   // RSSRK
	Table   [TableLen]byte // RETA: the queue, by the low seven bits of the hash
	UDP     bool           // the ports of UDP are hashed too (MRQC, RSS field IPV4_UDP)
	Enabled bool           // MRQC
}

// Lengths of the key and of the table (82576 datasheet, RSSRK and RETA).
const (
	KeyLen   = 40
	TableLen = 128
)

// DefaultKey is the one that Microsoft's specification of RSS uses for its test
// vectors, and many drivers have taken over.
var DefaultKey = [KeyLen]byte{
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
}

// SpreadTable is the table that igb writes: the entries in as many equal blocks
// as there are queues (igb_init_reta).
func SpreadTable(queues int) (t [TableLen]byte) {
	for i := range t {
		t[i] = byte(i * queues / TableLen)
	}
	return t
}

// Toeplitz is the hash of RSS: for each bit of the input that is set, the 32 bits
// of the key from that bit on are added, without carry. The key must be 4 bytes
// longer than the input.
func Toeplitz(key, input []byte) (hash uint32) {
	window := binary.BigEndian.Uint32(key)
	for i, b := range input {
		next := key[i+4]
		for range 8 {
			if b&0x80 != 0 {
				hash ^= window
			}
			window = window<<1 | uint32(next>>7)
			b, next = b<<1, next<<1
		}
	}
	return hash
}

// What has been hashed: the RSS type of an advanced descriptor
// (E1000_RXDADV_RSSTYPE_*, igb e1000_82575.h).
const (
	HashNone    = 0
	HashIPv4TCP = 1
	HashIPv4    = 2
	HashIPv4UDP = 7
)

// HashTypes are their names.
var HashTypes = [...]string{HashNone: "none", HashIPv4TCP: "TCP/IPv4", HashIPv4: "IPv4", HashIPv4UDP: "UDP/IPv4"}

// Hash gives a frame's hash and what went into it. Only the first fragment of a
// packet has ports, so of fragments the addresses alone are hashed. The fields
// are hashed where they stand: source and destination address, then the ports.
func (s *RSS) Hash(frame []byte) (hash uint32, typ uint8) {
	if eth, ok := ParseEth(frame); !s.Enabled || !ok || eth.Type != EtherTypeIPv4 {
		return 0, HashNone
	}
	packet := frame[EthHeader:]
	h, ok := ParseIPv4(packet)
	if !ok {
		return 0, HashNone
	}
	var input [12]byte
	copy(input[:8], packet[12:])
	typ = HashIPv4
	switch {
	case h.Fragment || h.TotalLen < h.HeaderLen+4:
	case h.Protocol == ProtoTCP:
		typ = HashIPv4TCP
	case h.Protocol == ProtoUDP && s.UDP:
		typ = HashIPv4UDP
	}
	if typ == HashIPv4 {
		return Toeplitz(s.Key[:], input[:8]), typ
	}
	copy(input[8:], packet[h.HeaderLen:])
	return Toeplitz(s.Key[:], input[:]), typ
}

// Entry is the row of the table that a hash chooses.
func Entry(hash uint32) uint32 { return hash % TableLen }

// Queue is the queue of a frame with a hash.
func (s *RSS) Queue(hash uint32, typ uint8) uint8 {
	if typ == HashNone {
		return 0
	}
	return s.Table[Entry(hash)]
}
