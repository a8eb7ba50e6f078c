package nic

import "hash/crc32"

// What the card lets in: the frame check sequence, and the filters of the
// destination address (82574 datasheet, "Packet Address Filtering").

// NewFrame is a frame as a sender puts it on the wire, with its check sequence.
func NewFrame(bytes []byte) Frame { return Frame{Bytes: bytes, FCS: Checksum(bytes)} }

// Damaged is a frame of which a bit was turned on the way: what arrives no longer
// fits its check sequence.
func Damaged(bytes []byte) Frame { return Frame{Bytes: bytes, FCS: Checksum(bytes) ^ 1} }

// Checksum is the frame check sequence: the CRC-32 of all bytes, padding included
// (IEEE 802.3, 3.2.9).
func Checksum(bytes []byte) uint32 {
	sum := crc32.ChecksumIEEE(bytes)
	if len(bytes) < minFrame {
		var padding [minFrame]byte
		sum = crc32.Update(sum, crc32.IEEETable, padding[len(bytes):])
	}
	return sum
}

// tableBits is the size of the multicast table array, MTA.
const tableBits = 4096

// MulticastTable is the MTA that lets some groups in. The driver writes it when a
// program joins a group (e1000e_update_mc_addr_list_generic).
func MulticastTable(groups [][6]byte) []uint32 {
	if len(groups) == 0 {
		return nil
	}
	mta := make([]uint32, tableBits/32)
	for _, g := range groups {
		bit := multicastBit(g)
		mta[bit/32] |= 1 << (bit % 32)
	}
	return mta
}

// multicastBit is a group's place in the MTA: the 12 highest bits of its address,
// counted as on the wire (RCTL.MO 0). Groups share places, so the card lets some
// in that nobody has joined.
func multicastBit(addr [6]byte) uint32 { return uint32(addr[4])>>4 | uint32(addr[5])<<4 }

// Ways through the filter of addresses.
const (
	PassNone        int64 = iota // to none
	PassUnicast                  // the address is this card's (RAL, RAH)
	PassBroadcast                // it is everybody's (RCTL.BAM)
	PassMulticast                // it is of a group, whose bit in the MTA is set
	PassPromiscuous              // all are let in (RCTL.UPE, RCTL.MPE)
)

// Passes are their names.
var Passes = [...]string{
	PassNone: "no match", PassUnicast: "RAL/RAH match", PassBroadcast: "broadcast", PassMulticast: "MTA bit", PassPromiscuous: "promiscuous",
}

// pass tells whether a destination address is let in, and why.
func (n *NIC) pass(dst [6]byte) int64 {
	group := dst[0]&1 != 0
	switch bit := multicastBit(dst); {
	case dst == n.MAC:
		return PassUnicast
	case dst == Broadcast:
		return PassBroadcast
	case group && n.Config.MTA != nil && n.Config.MTA[bit/32]&(1<<(bit%32)) != 0:
		return PassMulticast
	case n.Config.Promiscuous:
		return PassPromiscuous
	}
	return PassNone
}
