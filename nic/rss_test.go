package nic

import (
	"net/netip"
	"testing"

	"ringside/sim"
)

// rssVectors are those of Microsoft's specification, "Verifying the RSS Hash
// Calculation": the destination and the source of a packet, and its hash with and
// without the ports.
var rssVectors = []struct {
	to, from    string
	plain, full uint32
}{
	{"161.142.100.80:1766", "66.9.149.187:2794", 0x323e8fc2, 0x51ccc178},
	{"65.69.140.83:4739", "199.92.111.2:14230", 0xd718262a, 0xc626b0ea},
	{"12.22.207.184:38024", "24.19.198.95:12898", 0xd2d0a5de, 0x5c2b394a},
	{"209.142.163.6:2217", "38.27.205.30:48228", 0x82989176, 0xafc7327f},
	{"202.188.127.2:1303", "153.39.163.191:44251", 0x5d1809c5, 0x10e828a2},
	{"[3ffe:2501:200:3::1]:1766", "[3ffe:2501:200:1fff::7]:2794", 0x2cc18cd5, 0x40207d3d},
	{"[ff02::1]:4739", "[3ffe:501:8::260:97ff:fe40:efab]:14230", 0x0f0c461c, 0xdde51bbf},
	{"[fe80::200:f8ff:fe21:67cf]:38024", "[3ffe:1900:4545:3:200:f8ff:fe21:67cf]:44251", 0x4b61e985, 0x02d1feef},
}

func TestToeplitz(t *testing.T) {
	for _, v := range rssVectors {
		from, to := netip.MustParseAddrPort(v.from), netip.MustParseAddrPort(v.to)
		input := append(from.Addr().AsSlice(), to.Addr().AsSlice()...)
		if got := Toeplitz(DefaultKey[:], input); got != v.plain {
			t.Errorf("%s > %s: %#08x, want %#08x", v.from, v.to, got, v.plain)
		}
		for _, port := range []uint16{from.Port(), to.Port()} {
			input = append(input, byte(port>>8), byte(port))
		}
		if got := Toeplitz(DefaultKey[:], input); got != v.full {
			t.Errorf("%s > %s with ports: %#08x, want %#08x", v.from, v.to, got, v.full)
		}
	}
}

// The fields that the card takes out of frames are those that the specification
// hashes: of UDP the ports too only if asked, of a fragment never.
func TestTheHashOfAFrame(t *testing.T) {
	v := rssVectors[0]
	from, to := netip.MustParseAddrPort(v.from), netip.MustParseAddrPort(v.to)
	udp, _ := BuildUDP(mac, mac, from, to, []byte("x"))
	tcp, _ := BuildTCP(mac, mac, from, to, TCP{Flags: ACK}, nil)
	fragment := append([]byte(nil), udp...)
	fragment[EthHeader+6] -= 0x20 // "do not fragment" becomes "more fragments"
	fragment[EthHeader+4] += 0x20 // for the header's checksum
	arp := append([]byte(nil), udp...)
	arp[13] = 6
	for _, c := range []struct {
		name  string
		frame []byte
		rss   RSS
		hash  uint32
		typ   uint8
	}{
		{"TCP", tcp, RSS{Enabled: true}, v.full, HashIPv4TCP},
		{"UDP, sdfn", udp, RSS{Enabled: true, UDP: true}, v.full, HashIPv4UDP},
		{"UDP, sd", udp, RSS{Enabled: true}, v.plain, HashIPv4},
		{"a fragment", fragment, RSS{Enabled: true, UDP: true}, v.plain, HashIPv4},
		{"ARP", arp, RSS{Enabled: true, UDP: true}, 0, HashNone},
		{"RSS is off", tcp, RSS{}, 0, HashNone},
	} {
		c.rss.Key = DefaultKey
		if hash, typ := c.rss.Hash(c.frame); hash != c.hash || typ != c.typ {
			t.Errorf("%s: %#08x of %s, want %#08x of %s", c.name, hash, HashTypes[typ], c.hash, HashTypes[c.typ])
		}
	}
}

// igb_init_reta (igb_main.c): as many blocks as queues.
func TestTheTableHasABlockForEachQueue(t *testing.T) {
	for queues, want := range map[int][4]byte{1: {}, 2: {0, 0, 1, 1}, 3: {0, 0, 1, 2}, 4: {0, 1, 2, 3}, 16: {0, 4, 8, 15}} {
		table := SpreadTable(queues)
		if got := [4]byte{table[0], table[32], table[64], table[127]}; got != want {
			t.Errorf("%d queues: %v, want %v", queues, got, want)
		}
	}
}

// several is a bench whose card has n queues; its table sends row i to queue i%n.
func several(t testing.TB, n int, change func(*Config)) *bench {
	b := newBench(t, func(c *Config) {
		c.SetQueues(n)
		for i := range c.RSS.Table {
			c.RSS.Table[i] = byte(i % n)
		}
		if change != nil {
			change(c)
		}
	})
	return b
}

// arriveFor puts a frame on the wire that belongs into a queue.
func (b *bench) arriveFor(queue uint8) {
	for port := uint16(1); ; port++ {
		bytes, _ := BuildUDP(mac, mac, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), port), netip.MustParseAddrPort("10.0.0.1:7"), []byte("x"))
		if b.Config.RSS.Queue(b.Config.RSS.Hash(bytes)) == queue {
			b.frames = append(b.frames, NewFrame(bytes))
			b.NIC.Arrive(int32(len(b.frames)-1), b.now, b.frames, &b.q, sim.NoSeq)
			return
		}
	}
}

func TestTheHashChoosesTheQueueAndItsVector(t *testing.T) {
	b := several(t, 4, nil)
	for q := range 4 {
		b.SetVector(q, 0xfee00000|uint64(q)<<12, 0x22+uint32(q))
	}
	for _, q := range []uint8{2, 0, 2, 3} {
		b.arriveFor(q)
	}
	r := b.runTo(StageRSS)
	if hash, typ := b.Config.RSS.Hash(b.frames[0].Bytes); r.Arg != [2]int64{int64(hash), int64(typ)<<32 | 2} {
		t.Errorf("%+v", r)
	}
	if r := b.runTo(StageMSI); r.Arg != [2]int64{0xfee02000, 0x24} {
		t.Errorf("%+v", r)
	}
	b.run(ever)
	for q, want := range []int64{1, 0, 2, 1} {
		if got := b.Queues[q].Stats.Packets; got != want {
			t.Errorf("queue %d: %d packets, want %d", q, got, want)
		}
	}
	if b.IMS != 0b0010 { // three queues have interrupted, and are masked until they are polled
		t.Errorf("EIMS %#b", b.IMS)
	}
}

// 82576 datasheet, "Advanced Receive Descriptors - Writeback Format": the low
// half of the first eight bytes is the packet information, the high one the hash.
func TestTheWriteBackOverwritesTheAddress(t *testing.T) {
	b := several(t, 2, nil)
	b.arriveFor(1)
	hash, _ := b.Config.RSS.Hash(b.frames[0].Bytes)
	if r := b.runTo(StageDMA); r.Arg != [2]int64{1 << 32, 0x1000 * 9} {
		t.Errorf("%+v", r)
	}
	b.run(ever)
	d := b.Descriptor(1, 0)
	if want := uint64(hash)<<32 | PacketIPv4 | PacketUDP | HashIPv4UDP; d.Addr != want || !d.Done() {
		t.Errorf("%#x, want %#x", d.Addr, want)
	}
}

// SRRCTL.DROP_EN, which igb sets with several queues (igb_configure_rx_ring): a
// queue without descriptors does not hold up the others.
func TestAFullQueueDropsItsOwnFramesOnly(t *testing.T) {
	b := several(t, 2, nil)
	for range 10 {
		b.arriveFor(0)
	}
	b.arriveFor(1)
	b.run(ever)
	if b.Queues[0].Stats.Packets != 7 || b.Queues[0].Stats.Drops != 3 || b.Queues[1].Stats.Packets != 1 {
		t.Errorf("%+v %+v", b.Queues[0].Stats, b.Queues[1].Stats)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}
