package nic

// Desc is a receive descriptor: 16 bytes in host memory. The frame's number
// stands for the contents of the buffer; the packet checksum and the VLAN tag
// are left out.
//
// An advanced one is read and written back in two forms: the card overwrites the
// address with what it found out about the frame, so the driver must remember
// itself where the buffer is (82576 datasheet, "Advanced Receive Descriptors").
type Desc struct {
	Addr   uint64 // of its buffer, in physical memory; see writeBack
	Frame  int32  // what the buffer holds, or -1
	Len    uint16 // bytes in the buffer
	Status uint8
	Errors uint8
}

// Status bits of a descriptor (E1000_RXD_STAT_*, e1000e defines.h).
const (
	StatusDD    = 0x01 // descriptor done
	StatusEOP   = 0x02 // end of packet
	StatusUDPCS = 0x10 // the card has looked at the UDP checksum
	StatusTCPCS = 0x20 // or at the TCP checksum
	StatusIPCS  = 0x40 // and at the IPv4 header's
)

// Error bits of a descriptor (E1000_RXD_ERR_*). They count only if the status
// says that the card has looked.
const (
	ErrorL4 = 0x20 // TCPE: wrong TCP or UDP checksum
	ErrorIP = 0x40 // IPE: wrong IPv4 header checksum
)

// Done tells whether the card has filled the descriptor.
func (d *Desc) Done() bool { return d.Status&StatusDD != 0 }

// What an advanced descriptor's packet information says: the RSS type in the low
// four bits, the packet type above them (E1000_RXDADV_PKTTYPE_*).
const (
	PacketIPv4 = 0x010
	PacketTCP  = 0x100
	PacketUDP  = 0x200
)

// writeBack overwrites the address: packet information in the low half, the hash
// in the high one. Which protocols there are, the status says too.
func (d *Desc) writeBack(hash uint32, hashType uint8) {
	info := uint64(hashType)
	for _, has := range []struct {
		status uint8
		info   uint64
	}{{StatusIPCS, PacketIPv4}, {StatusTCPCS, PacketTCP}, {StatusUDPCS, PacketUDP}} {
		if d.Status&has.status != 0 {
			info |= has.info
		}
	}
	d.Addr = uint64(hash)<<32 | info
}

// Hash is what the card has written back into an advanced descriptor.
func (d *Desc) Hash() (hash uint32, hashType uint8) { return uint32(d.Addr >> 32), uint8(d.Addr & 0xf) }
