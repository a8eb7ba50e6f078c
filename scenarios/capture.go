package scenarios

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// Capture files, as tcpdump and Wireshark write them.

// maxCapture is how big a capture file may be.
const maxCapture = 64 << 20

// longestCapture is how long one may last, a hundred days.
const longestCapture = 1 << 53

// capture reads an entry that plays a capture file.
func (d *decoder) capture(base string, p *packet, out *kernel.Packets) {
	d.only(base, "pcap", "at", "pcap", "rate", "speed", "count", "host")
	if p.Speed != nil && p.Rate != 0 {
		d.failAt(base+".speed", "%s: speed is for the file's own times, rate replaces them", base)
	}
	o := captureOptions{most: maxCount, untimed: p.Rate != 0}
	if p.Count != nil {
		o.most = *p.Count
	}
	if d.has(base + ".host") {
		host, err := netip.ParseAddr(p.Host)
		if err != nil || !host.Is4() {
			d.failAt(base+".host", "%s.host: %q is not an address: write it like \"192.168.1.5\"", base, p.Host)
		}
		o.host = host
	}
	if p.Speed != nil {
		o.speed = float64(*p.Speed)
	}
	out.Capture = d.read(base+".pcap", p.PCAP, o)
	for _, b := range out.Capture.Frames {
		d.takes(base+".pcap", len(b))
	}
	out.Count, out.Pace, out.Rate = len(out.Capture.Frames), kernel.PaceCapture, int64(p.Rate)
	if p.Rate != 0 {
		out.Pace = kernel.PaceConstant
	}
}

// read reads a capture file, once for all entries and variants that play the same
// of it.
func (d *decoder) read(path, name string, o captureOptions) *kernel.Capture {
	key := fmt.Sprint(name, o)
	if c := d.captures[key]; c != nil {
		return c
	}
	data, err := d.readFile(name)
	if err != nil {
		d.failAt(path, "%s: %s", name, err)
	}
	c, err := readCapture(data, o)
	if err != nil {
		d.failAt(path, "%s: %s", name, err)
	}
	c.Name = name
	if d.captures == nil {
		d.captures = map[string]*kernel.Capture{}
	}
	d.captures[key] = c
	return c
}

// readFile reads a file of the scenario's folder or below.
func (d *decoder) readFile(name string) ([]byte, error) {
	switch {
	case d.files == nil:
		return nil, errors.New("a scenario that is not a file cannot name another file")
	case !fs.ValidPath(name):
		return nil, errors.New("only a file in the scenario's folder or below")
	}
	info, err := fs.Stat(d.files, name)
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a file")
	case info.Size() > maxCapture:
		return nil, fmt.Errorf("is bigger than %d MiB", maxCapture>>20)
	default:
		var data []byte
		if data, err = fs.ReadFile(d.files, name); err == nil {
			return data, nil
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return nil, err
}

// captureOptions say what is to be taken from a capture file.
type captureOptions struct {
	most    int        // packets
	host    netip.Addr // to whom; the zero address: to anybody
	untimed bool       // times do not matter
	speed   float64    // how many times faster; 0: as it was
}

// packetReader is a reader of pcapgo.
type packetReader interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	LinkType() layers.LinkType
}

// readCapture reads the packets that can be played. An error says which packet it
// is about, and where in the file that begins.
func readCapture(data []byte, o captureOptions) (*kernel.Capture, error) {
	in := bytes.NewReader(data)
	buffered := bufio.NewReader(in) // pcapgo takes it as it is, so that it tells how far the reading is
	r, err := openCapture(data, buffered)
	if err != nil {
		return nil, err
	}
	if t := r.LinkType(); t != layers.LinkTypeEthernet {
		return nil, fmt.Errorf("its link type is %d (%s), and only Ethernet can be played: capture on one network interface, not on \"any\"", t, t)
	}
	c, skipped := &kernel.Capture{}, map[string]int{}
	var times []time.Time
	for len(c.Frames) < o.most {
		at := len(data) - in.Len() - buffered.Buffered()
		b, ci, err := r.ReadPacketData()
		if _, old := r.(*pcapgo.Reader); err == io.EOF && old && at < len(data) {
			err = io.ErrUnexpectedEOF // a packet's header, and nothing behind it
		}
		if err == io.EOF {
			break
		}
		c.Read++
		if err == nil && ci.Timestamp.IsZero() && !o.untimed {
			err = errors.New("it has no time: give the entry a rate")
		}
		if err != nil {
			return nil, packetError(c.Read, at, len(c.Frames), err)
		}
		if why := unplayable(b, &ci, o.host); why != "" {
			skipped[why]++
			continue
		}
		nic.Readdress(b, kernel.HostMAC, binary.BigEndian.Uint32(kernel.HostIP.AsSlice()))
		c.Frames, times = append(c.Frames, b), append(times, ci.Timestamp)
	}
	for _, why := range sortedKeys(skipped) {
		c.Skipped = append(c.Skipped, kernel.Skipped{Why: why, N: skipped[why]})
	}
	if len(c.Frames) == 0 {
		return nil, fmt.Errorf("none of its %d packets can be played%s", c.Read, c.SkippedText())
	}
	return c, inOrder(c, times, o)
}

// openCapture looks at the file's first bytes and makes the reader for it.
func openCapture(data []byte, in *bufio.Reader) (packetReader, error) {
	if len(data) < 4 {
		return nil, errors.New("is not a capture file: it is too short")
	}
	switch magic := binary.BigEndian.Uint32(data); {
	case magic == 0x0a0d0d0a:
		r, err := pcapgo.NewNgReader(in, pcapgo.NgReaderOptions{ErrorOnMismatchingLinkType: true})
		return r, headerError(err)
	case magic == 0xa1b2c3d4, magic == 0xd4c3b2a1, magic == 0xa1b23c4d, magic == 0x4d3cb2a1:
		r, err := pcapgo.NewReader(in)
		return r, headerError(err)
	case magic>>16 == 0x1f8b:
		return nil, errors.New("is compressed: gunzip it first")
	}
	return nil, errors.New("is not a capture file: neither pcap nor pcapng")
}

func headerError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("is cut off in its header")
	}
	return fmt.Errorf("its header is broken: %w", err)
}

// packetError says which packet cannot be read, and why.
func packetError(n, at, played int, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file ends in the middle of it")
	case errors.Is(err, pcapgo.ErrNgLinkTypeMismatch):
		err = errors.New("its link type is not that of the first: capture on one network interface")
	}
	hint := ""
	if played > 0 {
		hint = fmt.Sprintf("; count: %d plays what comes before it", played)
	}
	return fmt.Errorf("packet %d, at byte %d: %w%s", n, at, err, hint)
}

// inOrder sorts the packets by their times, which count from the first: several
// queues of a card may have been captured a little out of order.
func inOrder(c *kernel.Capture, times []time.Time, o captureOptions) error {
	if o.untimed {
		return nil
	}
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return times[a].Compare(times[b]) })
	frames := c.Frames
	c.Frames = make([][]byte, len(frames))
	c.Times = make([]sim.Time, len(frames))
	for i, from := range order {
		c.Frames[i] = frames[from]
		c.Times[i] = sim.Time(times[from].Sub(times[order[0]]))
		if o.speed != 0 {
			c.Times[i] = sim.Time(min(float64(c.Times[i])/o.speed, longestCapture+1))
		}
	}
	if last := c.Times[len(c.Times)-1]; last > longestCapture {
		return errors.New("its packets are more than a hundred days apart: give the entry a rate")
	}
	return nil
}

// longestFrame is a frame with 1500 bytes, without its check sequence.
const longestFrame = kernel.MaxFrame - 4

// unplayable says why a packet cannot be played, or "". The model has no far end
// for what expects an answer, and no protocols but IPv4; what Linux would answer
// or take apart differently must not be answered wrong.
func unplayable(b []byte, ci *gopacket.CaptureInfo, host netip.Addr) string {
	eth, ok := nic.ParseEth(b)
	switch {
	case ci.CaptureLength < ci.Length:
		return "cut short when captured (tcpdump -s 0)"
	case !ok:
		return "too short"
	case len(b) > longestFrame:
		return "longer than a frame"
	case eth.Type == 0x0806:
		return "ARP"
	case eth.Type == 0x86dd:
		return "IPv6"
	case eth.Type != nic.EtherTypeIPv4:
		return "not IPv4"
	}
	h, ok := nic.ParseIPv4(b[nic.EthHeader:])
	switch {
	case !ok:
		return "broken IPv4 header"
	case h.HeaderLen != nic.IPv4Header:
		return "IP options"
	case h.Fragment:
		return "fragments"
	case h.Protocol == nic.ProtoTCP:
		return "TCP"
	case h.Protocol == nic.ProtoICMP:
		return "ICMP"
	case h.Protocol != nic.ProtoUDP:
		return "neither UDP nor TCP"
	}
	return misdirected(eth, ip4(h.Src), ip4(h.Dst), host)
}

// misdirected says why a UDP packet is not for one host from another, or "".
func misdirected(eth nic.Eth, from, to, host netip.Addr) string {
	switch {
	case eth.Dst[0]&1 != 0, to.IsMulticast(), to == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "multicast and broadcast"
	case host.IsValid() && to != host:
		return "to other hosts"
	case from.IsLoopback(), from.IsMulticast(), from.IsUnspecified(), from == kernel.HostIP:
		return "from an address that cannot be on the wire" // Linux: martian source
	}
	return ""
}

func ip4(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}
