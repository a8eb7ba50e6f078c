package nic

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lengths are those of Linux: a SYN's header has 40 bytes, any other's 32
// with timestamps.
func TestTCPHeaders(t *testing.T) {
	from, to := netip.MustParseAddrPort("10.0.0.2:5555"), netip.MustParseAddrPort("10.0.0.1:7000")
	for _, c := range []struct {
		name string
		h    TCP
		len  int
	}{
		{"plain", TCP{Seq: 7, Ack: 9, Flags: ACK, Window: 100}, 20},
		{"peer's SYN", TCP{Seq: 1, Flags: SYN, Window: 65535, MSS: 1460}, 24},
		{"SYN", TCP{Seq: 1, Flags: SYN, Window: 65535, MSS: 1460, Scaled: true, Scale: 7, Stamped: true, Stamp: 5}, 40},
		{"data", TCP{Seq: 1, Ack: 2, Flags: PSH | ACK, Stamped: true, Stamp: 5, Echo: 6}, 32},
	} {
		frame, err := BuildTCP([6]byte{}, [6]byte{}, from, to, c.h, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		packet := frame[EthHeader:]
		ip, ok := ParseIPv4(packet)
		if !ok || ip.Protocol != ProtoTCP || !TCPChecksumOK(packet, ip) {
			t.Errorf("%s: %+v", c.name, ip)
		}
		got, n, ok := ParseTCP(packet[IPv4Header:ip.TotalLen])
		c.h.SrcPort, c.h.DstPort = 5555, 7000
		if d := cmp.Diff(c.h, got); !ok || d != "" || n != c.len || string(packet[IPv4Header+n:ip.TotalLen]) != "hello" {
			t.Errorf("%s: length %d, %s", c.name, n, d)
		}
		if status, errors := offload(frame); status != StatusIPCS|StatusTCPCS || errors != 0 {
			t.Errorf("%s: status %#x, errors %#x", c.name, status, errors)
		}
		packet[IPv4Header+4]++
		if TCPChecksumOK(packet, ip) {
			t.Errorf("%s: a wrong sequence number passes the checksum", c.name)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 19), make([]byte, 20), append([]byte{12: 0xf0}, make([]byte, 20)...)} {
		if _, _, ok := ParseTCP(b); ok {
			t.Errorf("%v is no header", b)
		}
	}
}
