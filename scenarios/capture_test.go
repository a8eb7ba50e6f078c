package scenarios

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// recorded is a packet of a capture file.
type recorded struct {
	at    time.Duration
	bytes []byte
}

var (
	captured = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	ownMAC   = [6]byte{0x52, 0x54, 0, 0, 0, 5}
	peerMAC  = [6]byte{0x52, 0x54, 0, 0, 0, 9}
)

// udp is a frame as a network interface sees it.
func udp(t testing.TB, from, to, payload string) []byte {
	t.Helper()
	b, err := nic.BuildUDP(ownMAC, peerMAC, netip.MustParseAddrPort(from), netip.MustParseAddrPort(to), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edited is a frame with another byte somewhere, and its IPv4 checksum redone.
func edited(b []byte, at int, v byte) []byte {
	b = bytes.Clone(b)
	b[at] = v
	if len(b) > nic.EthHeader+nic.IPv4Header {
		ip := b[nic.EthHeader:]
		binary.BigEndian.PutUint16(ip[10:], 0)
		sum := uint32(0)
		for i := 0; i < nic.IPv4Header; i += 2 {
			sum += uint32(binary.BigEndian.Uint16(ip[i:]))
		}
		sum = sum>>16 + sum&0xffff
		binary.BigEndian.PutUint16(ip[10:], ^uint16(sum>>16+sum))
	}
	return b
}

func info(p recorded) gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: captured.Add(p.at), CaptureLength: len(p.bytes), Length: len(p.bytes)}
}

// pcapFile writes the old format.
func pcapFile(t testing.TB, order binary.ByteOrder, nanos bool, packets ...recorded) []byte {
	t.Helper()
	magic, unit := uint32(0xa1b2c3d4), time.Microsecond
	if nanos {
		magic, unit = 0xa1b23c4d, time.Nanosecond
	}
	var out bytes.Buffer
	write := func(v ...any) {
		for _, v := range v {
			if err := binary.Write(&out, order, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(magic, uint16(2), uint16(4), uint64(0), uint32(65535), uint32(layers.LinkTypeEthernet))
	for _, p := range packets {
		at := captured.Add(p.at)
		write(uint32(at.Unix()), uint32(time.Duration(at.Nanosecond())/unit), uint32(len(p.bytes)), uint32(len(p.bytes)), p.bytes)
	}
	return out.Bytes()
}

// pcapngFile writes the new one, with the library.
func pcapngFile(t testing.TB, link layers.LinkType, packets ...recorded) []byte {
	t.Helper()
	var out bytes.Buffer
	in := pcapgo.NgInterface{Name: "eth0", LinkType: link, TimestampResolution: 9}
	w, err := pcapgo.NewNgWriterInterface(&out, in, pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "ringside"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.WritePacket(info(p), p.bytes); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCaptureFormats: both formats, both byte orders, both resolutions of the old
// one (libpcap's pcap-savefile(5)) give the same packets at the same times.
func TestCaptureFormats(t *testing.T) {
	packets := []recorded{
		{0, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "one")},
		{3 * time.Millisecond, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "three")},
		{2 * time.Millisecond, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "two")}, // captured out of order
	}
	for name, data := range map[string][]byte{
		"pcap, little-endian, us": pcapFile(t, binary.LittleEndian, false, packets...),
		"pcap, little-endian, ns": pcapFile(t, binary.LittleEndian, true, packets...),
		"pcap, big-endian, us":    pcapFile(t, binary.BigEndian, false, packets...),
		"pcap, big-endian, ns":    pcapFile(t, binary.BigEndian, true, packets...),
		"pcapng":                  pcapngFile(t, layers.LinkTypeEthernet, packets...),
	} {
		c, err := readCapture(data, captureOptions{most: maxCount})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []sim.Time{0, 2 * sim.Millisecond, 3 * sim.Millisecond}; !cmp.Equal(c.Times, want) || c.Read != 3 {
			t.Errorf("%s: %d packets at %v", name, c.Read, c.Times)
		}
		for i, payload := range []string{"one", "two", "three"} {
			want, _ := nic.BuildUDP(kernel.HostMAC, peerMAC, netip.MustParseAddrPort("192.168.1.9:4000"),
				netip.AddrPortFrom(kernel.HostIP, 7000), []byte(payload))
			if diff := cmp.Diff(want, c.Frames[i]); diff != "" {
				t.Errorf("%s: frame %d is not as the modelled host would get it (-want +got):\n%s", name, i, diff)
			}
		}
	}
}

// everyKind is a capture with a packet of each kind that is not played, and one
// that is.
func everyKind(t testing.TB) []recorded {
	whole := udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "a packet with some data")
	const ip = nic.EthHeader
	return []recorded{
		{0, edited(whole, ip+9, nic.ProtoTCP)},
		{1, edited(whole, ip+9, nic.ProtoICMP)},
		{2, edited(whole, ip+9, 132)}, // SCTP
		{3, edited(whole, ip+6, 0x20)},
		{4, edited(whole, 12, 0x86)[:14]},
		{5, append(bytes.Clone(whole[:12]), 0x08, 0x06)},
		{6, append(bytes.Clone(whole[:12]), 0x86, 0xdd)},
		{7, whole[:9]},
		{8, func() []byte { b := bytes.Clone(whole); b[ip+10]++; return b }()},
		{9, udp(t, "192.168.1.9:5353", "224.0.0.251:5353", "mDNS")},
		{10, udp(t, "127.0.0.1:4000", "192.168.1.5:7000", "loopback")},
		{11, udp(t, "192.168.1.5:7000", "192.168.1.9:4000", "an answer")},
		{12, whole},
	}
}

func TestWhatCannotBePlayedIsCounted(t *testing.T) {
	data := pcapngFile(t, layers.LinkTypeEthernet, everyKind(t)...)
	c, err := readCapture(data, captureOptions{most: maxCount, host: netip.MustParseAddr("192.168.1.5")})
	if err != nil {
		t.Fatal(err)
	}
	want := ": 1 ARP, 1 ICMP, 1 IPv6, 1 TCP, 1 broken IPv4 header, 1 fragments, 1 from an address that cannot be on the wire, " +
		"1 multicast and broadcast, 1 neither UDP nor TCP, 1 not IPv4, 1 to other hosts, 1 too short"
	if got := c.SkippedText(); got != want || len(c.Frames) != 1 || c.Read != 13 {
		t.Errorf("%d of %d are played%s\nwant%s", len(c.Frames), c.Read, got, want)
	}
	if c, err = readCapture(data, captureOptions{most: maxCount}); err != nil || len(c.Frames) != 2 {
		t.Errorf("without a host both directions are played: %v, %v", c, err)
	}
}

// TestCutPacketsAreSkipped: tcpdump -s 60 keeps the beginnings of packets only.
func TestCutPacketsAreSkipped(t *testing.T) {
	whole := udp(t, "192.168.1.9:4000", "192.168.1.5:7000", strings.Repeat("x", 100))
	data := pcapFile(t, binary.LittleEndian, false, recorded{0, whole}, recorded{1, whole[:60]})
	binary.LittleEndian.PutUint32(data[len(data)-64:], 142) // its length on the wire
	c, err := readCapture(data, captureOptions{most: maxCount})
	if err != nil || c.SkippedText() != ": 1 cut short when captured (tcpdump -s 0)" {
		t.Errorf("%v %v", c, err)
	}
}

// TestBadCaptures: one error each, with the packet's number and place.
func TestBadCaptures(t *testing.T) {
	packet := recorded{0, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "one")}
	old := pcapFile(t, binary.LittleEndian, false, packet, packet, packet)
	ng := pcapngFile(t, layers.LinkTypeEthernet, packet, packet, packet)
	with := func(data []byte, at int, v byte) []byte {
		data = bytes.Clone(data)
		data[at] = v
		return data
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{nil, "is not a capture file: it is too short"},
		{[]byte("ringside: 1\n"), "is not a capture file: neither pcap nor pcapng"},
		{[]byte{0x1f, 0x8b, 8, 0}, "is compressed: gunzip it first"},
		{old[:20], "is cut off in its header"},
		{with(old, 4, 9), "its header is broken: Unknown major version 9"},
		{old[:24], "none of its 0 packets can be played"},
		{old[:len(old)-1], "packet 3, at byte 176: the file ends in the middle of it; count: 2 plays what comes before it"},
		{old[:24+76+16], "packet 2, at byte 100: the file ends in the middle of it; count: 1 plays what comes before it"},
		{old[:24+76+7], "packet 2, at byte 100: the file ends in the middle of it; count: 1 plays what comes before it"},
		{with(old, 24+76+10, 0xff), "packet 2, at byte 100: capture length exceeds snap length"},
		{with(old, 20, 113), "its link type is 113 (Linux SLL), and only Ethernet can be played"},
		{ng[:10], "is cut off in its header"},
		{ng[:len(ng)-1], "packet 3, at byte "},
		{pcapngFile(t, layers.LinkTypeIPv4, packet), "its link type is 228 (UnknownLinkType), and only Ethernet"},
		{pcapFile(t, binary.LittleEndian, false, everyKind(t)[0]), "none of its 1 packets can be played: 1 TCP"},
		{pcapFile(t, binary.LittleEndian, false, recorded{-9000 * time.Hour, packet.bytes}, packet), "its packets are more than a hundred days apart: give the entry a rate"},
	} {
		_, err := readCapture(c.data, captureOptions{most: maxCount})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if c, err := readCapture(old[:len(old)-1], captureOptions{most: 2}); err != nil || len(c.Frames) != 2 {
		t.Errorf("what comes before a cut packet can be played: %v", err)
	}
}

const captureHead = head + threads + flows

// TestCaptureEntries: what an entry may say, and what becomes of it.
func TestCaptureEntries(t *testing.T) {
	packets := []recorded{
		{0, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "one")},
		{2 * time.Millisecond, udp(t, "192.168.1.9:4000", "192.168.1.6:7000", "two")},
		{5 * time.Millisecond, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "three")},
	}
	files := fstest.MapFS{
		"a.pcap":     {Data: pcapFile(t, binary.LittleEndian, false, packets...)},
		"dir/b.pcap": {Data: pcapFile(t, binary.LittleEndian, false, packets...)},
		"fifo":       {Mode: fs.ModeNamedPipe},
		"bad.pcap":   {Data: []byte("not a capture")},
	}
	for _, c := range []struct{ entry, want string }{
		{`{at: 1ms, pcap: a.pcap}`, "3: 1ms 3ms 6ms"},
		{`{at: 1ms, pcap: dir/b.pcap, count: 2}`, "2: 1ms 3ms"},
		{`{at: 1ms, pcap: a.pcap, speed: 0.5}`, "3: 1ms 5ms 11ms"},
		{`{at: 1ms, pcap: a.pcap, rate: 1000}`, "3: 1ms 2ms 3ms"},
		{`{at: 1ms, pcap: a.pcap, rate: 4000/s, host: 192.168.1.5}`, "2: 1ms 1.25ms"},
		{`{at: 1ms, pcap: a.pcap, speed: 2, rate: 4}`, "speed is for the file's own times"},
		{`{at: 1ms, pcap: a.pcap, speed: 0.001}`, "3: 1ms 2.001s 5.001s"},
		{`{at: 1ms, pcap: a.pcap, flow: f}`, "not with pcap, which knows at, pcap, rate, speed, count, host"},
		{`{at: 1ms, pcap: a.pcap, host: here}`, `"here" is not an address`},
		{`{at: 1ms, pcap: a.pcap, speed: 0}`, `"0" is not a factor`},
		{`{at: 1ms, pcap: /etc/passwd}`, "/etc/passwd: only a file in the scenario's folder or below"},
		{`{at: 1ms, pcap: ../a.pcap}`, "only a file in the scenario's folder or below"},
		{`{at: 1ms, pcap: dir/../a.pcap}`, "only a file in the scenario's folder or below"},
		{`{at: 1ms, pcap: ""}`, "only a file in the scenario's folder or below"},
		{`{at: 1ms, pcap: none.pcap}`, "none.pcap: file does not exist"},
		{`{at: 1ms, pcap: dir}`, "dir: is not a file"},
		{`{at: 1ms, pcap: fifo}`, "fifo: is not a file"},
		{`{at: 1ms, pcap: bad.pcap}`, "9:24: bad.pcap: is not a capture file"},
	} {
		s, err := parse("f.yaml", []byte(captureHead+"wire: ["+c.entry+"]\n"), files)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = arrivals(t, s)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s:\n got  %s\n want %s", c.entry, got, c.want)
		}
	}
}

// arrivals runs a scenario and tells when its packets were sent: "2: 1ms 2ms".
func arrivals(t *testing.T, s *Scenario) string {
	t.Helper()
	cfg, _ := s.Config()
	m, err := kernel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var r sim.Record
	n, times := 0, ""
	for m.Step(&r) {
		if r.Station == kernel.StWire {
			n++
			times += " " + (r.T - r.Dur).String()
		}
	}
	return fmt.Sprintf("%d:%s", n, times)
}

// TestVariantsOfCaptures: a variant may replace a capture file by a load, and the
// other way round.
func TestVariantsOfCaptures(t *testing.T) {
	files := fstest.MapFS{"a.pcap": {Data: pcapFile(t, binary.LittleEndian, false, recorded{0, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "one")})}}
	s, err := parse("f.yaml", []byte(captureHead+`wire: [{at: 1ms, pcap: a.pcap}]
variants:
  - {name: load, set: {wire: [{at: 2ms, flow: f, generate: constant, rate: 1000/s, count: 2}]}}
  - {name: slow, set: {wire: [{at: 3ms, pcap: a.pcap, speed: 0.1}]}}
`), files)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{arrivals(t, s)}
	for _, v := range s.Variants() {
		got = append(got, arrivals(t, v))
	}
	if diff := cmp.Diff([]string{"1: 1ms", "2: 2ms 3ms", "1: 3ms"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestNoLinkLeadsOut: a symbolic link out of the scenario's folder is not followed.
func TestNoLinkLeadsOut(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	data := pcapFile(t, binary.LittleEndian, false, recorded{0, udp(t, "192.168.1.9:4000", "192.168.1.5:7000", "one")})
	for _, path := range []string{filepath.Join(outside, "a.pcap"), filepath.Join(dir, "b.pcap")} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(filepath.Join(outside, "a.pcap"), filepath.Join(dir, "out.pcap")),
		os.Symlink("b.pcap", filepath.Join(dir, "in.pcap"))); err != nil {
		t.Skip(err)
	}
	for name, ok := range map[string]bool{"out.pcap": false, "in.pcap": true} {
		file := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(file, []byte(captureHead+"wire: [{at: 1ms, pcap: "+name+"}]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse("f.yaml", []byte(captureHead+"wire: [{at: 1ms, pcap: b.pcap}]\n")); err == nil {
		t.Error("a scenario without a folder has read a file")
	}
}

// FuzzCapture: no file makes the reader panic, hang or take more memory than it
// is long, and what it plays the stack can take.
func FuzzCapture(f *testing.F) {
	f.Add(pcapFile(f, binary.LittleEndian, false, everyKind(f)...))
	f.Add(pcapFile(f, binary.BigEndian, true, everyKind(f)...))
	f.Add(pcapngFile(f, layers.LinkTypeEthernet, everyKind(f)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readCapture(data, captureOptions{most: maxCount})
		if err != nil {
			return
		}
		last := sim.Time(0)
		for i, b := range c.Frames {
			h, ok := nic.ParseIPv4(b[nic.EthHeader:])
			if !ok || h.Protocol != nic.ProtoUDP || len(b) > longestFrame || c.Times[i] < last {
				t.Fatalf("packet %d at %s: %x", i, c.Times[i], b)
			}
			last = c.Times[i]
		}
	})
}
