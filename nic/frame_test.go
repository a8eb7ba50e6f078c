package nic

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
)

var (
	peerMAC = [6]byte{2, 0, 0, 0, 0, 2}

	from = netip.MustParseAddrPort("10.0.0.2:5555")
	to   = netip.MustParseAddrPort("10.0.0.1:7000")
)

// Checksums computed by hand, by RFC 1071: the header's words add up to 0xd935,
// pseudo header and datagram to 0x890b; their complements are sent.
const known = "020000000001" + "020000000002" + "0800" + // Ethernet
	"45000021" + "00004000" + "4011" + "26ca" + "0a000002" + "0a000001" + // IPv4
	"15b3" + "1b58" + "000d" + "76f4" + // UDP
	"68656c6c6f" + "00000000000000000000000000" // hello, padding

func TestParseAKnownFrame(t *testing.T) {
	b, err := hex.DecodeString(known)
	if err != nil {
		t.Fatal(err)
	}
	eth, ok := ParseEth(b)
	if want := (Eth{mac, peerMAC, EtherTypeIPv4}); !ok || eth != want {
		t.Errorf("Ethernet %+v %v", eth, ok)
	}
	b = b[EthHeader:]
	ip, ok := ParseIPv4(b)
	if want := (IPv4{HeaderLen: 20, TotalLen: 33, Protocol: ProtoUDP, Src: 0x0a000002, Dst: 0x0a000001}); !ok || ip != want {
		t.Errorf("IPv4 %+v %v", ip, ok)
	}
	if !UDPChecksumOK(b, ip) {
		t.Error("wrong UDP checksum")
	}
	udp, ok := ParseUDP(b[ip.HeaderLen:ip.TotalLen])
	if want := (UDP{5555, 7000}); !ok || udp != want {
		t.Errorf("UDP %+v %v", udp, ok)
	}
}

func TestParseRefuses(t *testing.T) {
	header := func(change func([]byte)) []byte {
		b, _ := hex.DecodeString(known)
		b = b[EthHeader:]
		change(b)
		b[10], b[11] = 0, 0
		check := ^sum(b[:IPv4Header], 0)
		b[10], b[11] = byte(check>>8), byte(check)
		return b
	}
	for _, c := range []struct {
		name   string
		packet []byte
	}{
		{"nothing", nil},
		{"less than a header", header(func([]byte) {})[:19]},
		{"IPv6", header(func(b []byte) { b[0] = 0x65 })},
		{"header of less than 20 bytes", header(func(b []byte) { b[0] = 0x44 })},
		{"total below the header", header(func(b []byte) { b[3] = 19 })},
		{"total above what came", header(func(b []byte) { b[2] = 1 })},
	} {
		if h, ok := ParseIPv4(c.packet); ok {
			t.Errorf("%s: %+v", c.name, h)
		}
	}
	for name, b := range map[string][]byte{
		"less than a header":     {0, 1, 0, 2, 0, 8, 0},
		"length below 8":         {0, 1, 0, 2, 0, 7, 0, 0},
		"length above what came": {0, 1, 0, 2, 0, 9, 0, 0},
	} {
		if h, ok := ParseUDP(b); ok {
			t.Errorf("UDP, %s: %+v", name, h)
		}
	}
	if h, ok := ParseEth(make([]byte, 13)); ok {
		t.Errorf("Ethernet: %+v", h)
	}
}

// A datagram whose checksum would be 0 is sent with 0xffff, the other form of
// zero in ones' complement: 0 means that there is none (RFC 768).
func TestAZeroChecksumIsSentAsOnes(t *testing.T) {
	b, err := BuildUDP(mac, peerMAC, from, to, []byte{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	check := b[EthHeader+IPv4Header+6:]
	b, err = BuildUDP(mac, peerMAC, from, to, check[:2:2]) // the sum is now all ones
	if err != nil {
		t.Fatal(err)
	}
	if check := b[EthHeader+IPv4Header+6:][:2]; !bytes.Equal(check, []byte{0xff, 0xff}) {
		t.Errorf("checksum %x", check)
	}
}

// FuzzOffload: no bytes make the card read beyond them.
func FuzzOffload(f *testing.F) {
	b, _ := hex.DecodeString(known)
	f.Add(b)
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		status, errors := offload(b)
		if eth, ok := ParseEth(b); ok && eth.Type == EtherTypeIPv4 != (status != 0) {
			t.Errorf("type %#x, status %#x, errors %#x", eth.Type, status, errors)
		}
	})
}

// FuzzBuildUDP: whatever the datagram, the parser finds in the frame what was
// put into it, with right checksums.
func FuzzBuildUDP(f *testing.F) {
	f.Add(uint32(0x0a000002), uint16(5555), uint32(0x0a000001), uint16(7000), []byte("hello"))
	f.Fuzz(func(t *testing.T, src uint32, sport uint16, dst uint32, dport uint16, data []byte) {
		addr := func(a uint32) netip.Addr {
			return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
		}
		data = data[:min(len(data), mtu-IPv4Header-UDPHeader)]
		b, err := BuildUDP(mac, peerMAC, netip.AddrPortFrom(addr(src), sport), netip.AddrPortFrom(addr(dst), dport), data)
		if err != nil {
			t.Fatal(err)
		}
		if status, errors := offload(b); status != StatusIPCS|StatusUDPCS || errors != 0 {
			t.Errorf("status %#x, errors %#x", status, errors)
		}
		p := b[EthHeader:]
		h, ok := ParseIPv4(p)
		if !ok || h.Src != src || h.Dst != dst {
			t.Fatalf("%+v %v", h, ok)
		}
		u, ok := ParseUDP(p[h.HeaderLen:h.TotalLen])
		if !ok || u != (UDP{sport, dport}) || !bytes.Equal(p[h.HeaderLen+UDPHeader:h.TotalLen], data) {
			t.Errorf("%+v %v", u, ok)
		}
	})
}
