package kernel

import (
	"bytes"
	"encoding/binary"

	"ringside/cpu"
	"ringside/nic"
	"ringside/sim"
)

// Generic receive offload: net/core/gro.c, net/ipv4/tcp_offload.c. Segments of a
// TCP flow that come one after another within a poll become one packet, which
// walks through the stack once. UDP datagrams are not merged, unless a program
// asks for it (UDP_GRO), which is not modelled.
//
// Simplified: what is held goes up at the end of each poll, as with HZ below
// 1000 and no gro_flush_timeout.

const (
	fileGRO        = "net/core/gro.c"
	fileTCPOffload = "net/ipv4/tcp_offload.c"

	groHashBuckets = 8     // GRO_HASH_BUCKETS
	maxGROSkbs     = 8     // MAX_GRO_SKBS: flows in a bucket
	groMaxSize     = 65536 // GRO_LEGACY_MAX_SIZE
)

// groBuckets is what GRO holds of a NAPI instance (gro_hash): a packet of each
// flow, by the flow's hash. The number is the first of a list, oldest first, plus
// one.
type groBuckets [groHashBuckets]SkbID

// What dev_gro_receive returns (enum gro_result).
const (
	groMerged = iota
	groHeld
	groNormal
)

var groText = text{
	fnDevGROReceive: {Name: "dev_gro_receive", File: fileGRO, Station: StNAPI,
		Say: "Looks for the packet's flow among those that are held.",
		Why: "What is merged here walks through the stack once, not once for each segment.",
		Steps: []step{
			{Name: "the flow's bucket, the protocol", Cost: costFn, Do: (*Machine).devGROReceive},
			{Name: "flush the flow?", Cost: costFn, Do: (*Machine).devGROFlush},
			{Name: "hold it?", Cost: costFn, Do: (*Machine).devGROHold},
		}},
	fnTCP4GROReceive: {Name: "tcp4_gro_receive", File: fileTCPOffload, Station: StNAPI,
		Say:   "Is it the next segment of the flow, with the same header? Then its data is appended.",
		Why:   "A gap, another option, a push or a short segment end the merging: nothing of the stream may change.",
		Steps: []step{{Name: "compare the headers, skb_gro_receive", Cost: costGRO, Do: (*Machine).tcp4GROReceive}}},
	fnNAPIGROComplete: {Name: "napi_gro_complete", File: fileGRO, Station: StNAPI,
		Say:   "The merged packet is done: its lengths are set, and it joins those that go up.",
		Why:   "The stack sees one long segment, and how many it was made of (gso_segs).",
		Steps: []step{{Name: "inet_gro_complete, gro_normal_one", Cost: costGRO, Do: (*Machine).napiGROComplete}}},
}

// groable tells whether GRO looks at a packet: TCP without IP options or
// fragments, and without padding, since IP's length must be that of the packet
// (inet_gro_receive).
func (m *Machine) groable(skb SkbID) bool {
	if m.Config.Params.NoGRO {
		return false
	}
	b := m.skbBytes(skb)
	return len(b) >= nic.IPv4Header && b[0] == 0x45 && b[9] == nic.ProtoTCP
}

// napiGROReceive: local 0 is the packet, 1 the instance.
func (m *Machine) napiGROReceive(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	skb := SkbID(f.L[0])
	about(r, KindSkb, skb)
	r.Arg[0] = int64(m.Skbs[skb].Len)
	m.point(c, r, PointNAPIGROReceive)
	if m.groable(skb) {
		c.Call(fnDevGROReceive, f.L[0], f.L[1])
		return
	}
	c.Goto(2)
	m.groNormalOne(c, f.L[1], skb)
}

// napiSkbFinish: a merged packet's data belongs to another now.
func (m *Machine) napiSkbFinish(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[0]))
	switch r.Arg[0] = c.Result(); r.Arg[0] {
	case groMerged:
		m.kfreeSkb(SkbID(l[0]))
	case groNormal:
		m.groNormalOne(c, l[1], SkbID(l[0]))
	}
}

// groNormalOne puts a packet on the list that goes up; with eight segments on it,
// it goes.
func (m *Machine) groNormalOne(c *cpu.Core, id int64, skb SkbID) {
	n := &m.Napis[id]
	m.appendSkb(&n.First, &n.Last, skb)
	if n.Count += int32(max(m.Skbs[skb].Segs, 1)); n.Count >= groNormalBatch {
		m.passList(c, int(id))
	}
}

// passList is gro_normal_list: what was held goes up the stack.
func (m *Machine) passList(c *cpu.Core, id int) {
	n := &m.Napis[id]
	c.Call(fnNetifReceiveListInternal, int64(n.First))
	n.First, n.Last, n.Count = None, None, 0
}

// groFlush completes the oldest packet that is held; false if there is none
// (napi_gro_flush).
func (m *Machine) groFlush(c *cpu.Core, id int64) bool {
	for bucket, first := range m.Napis[id].Held {
		if first != 0 {
			m.groTake(id, bucket, first-1)
			c.Call(fnNAPIGROComplete, int64(first-1), id)
			return true
		}
	}
	return false
}

func (m *Machine) groBucket(skb SkbID) int { return int(m.Skbs[skb].Hash % groHashBuckets) }

// groTake takes a packet out of its bucket.
func (m *Machine) groTake(id int64, bucket int, skb SkbID) {
	first, last := SkbID(None), SkbID(None)
	for s := m.Napis[id].Held[bucket] - 1; s != None; {
		next := m.Skbs[s].Next
		if s != skb {
			m.appendSkb(&first, &last, s)
		}
		s = next
	}
	m.Napis[id].Held[bucket] = first + 1
}

// devGROReceive: locals are the packet and the instance.
func (m *Machine) devGROReceive(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	about(r, KindSkb, SkbID(l[0]))
	r.Arg[0] = int64(m.groBucket(SkbID(l[0])))
	c.Call(fnTCP4GROReceive, l[0], l[1])
}

// What tcp4_gro_receive returns: the packet of the same flow, plus one, if that is
// to go up now, and what is to be done with this one.
const (
	groSame  = 1 << 32 // it has been merged
	groFlush = 1 << 33 // it is not to be held
)

func (m *Machine) devGROFlush(c *cpu.Core, r *sim.Record) {
	f := c.Frame()
	about(r, KindSkb, SkbID(f.L[0]))
	f.L[2] = c.Result()
	if p := SkbID(int32(f.L[2])) - 1; p != None {
		m.groTake(f.L[1], m.groBucket(p), p)
		c.Call(fnNAPIGROComplete, int64(p), f.L[1])
	}
}

// devGROHold: a bucket that is full gives its oldest packet up.
func (m *Machine) devGROHold(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	skb := SkbID(l[0])
	about(r, KindSkb, skb)
	switch {
	case l[2]&groSame != 0:
		c.Return(groMerged)
		return
	case l[2]&groFlush != 0:
		c.Return(groNormal)
		return
	}
	bucket := m.groBucket(skb)
	held := &m.Napis[l[1]].Held[bucket]
	first, last, n := *held-1, SkbID(None), 0
	for s := first; s != None; s = m.Skbs[s].Next {
		last = s
		n++
	}
	if n >= maxGROSkbs { // gro_flush_oldest
		m.groTake(l[1], bucket, first)
		c.Again()
		c.Call(fnNAPIGROComplete, int64(first), l[1])
		return
	}
	_, data := m.groHeaders(skb)
	m.Skbs[skb].Segs, m.Skbs[skb].GSOSize = 1, uint16(data)
	m.appendSkb(&first, &last, skb)
	*held = first + 1
	c.Return(groHeld)
}

// groHeaders gives the length of a packet's IP and TCP headers, and how much data
// follows.
func (m *Machine) groHeaders(skb SkbID) (headers, data int) {
	b := m.skbBytes(skb)
	if len(b) < nic.IPv4Header+nic.TCPHeader {
		return len(b), 0
	}
	headers = min(nic.IPv4Header+int(b[nic.IPv4Header+12]>>4)*4, len(b))
	return headers, len(b) - headers
}

// groFlow finds the packet of the same flow among those that are held: addresses
// and ports (inet_gro_receive, tcp_gro_lookup).
func (m *Machine) groFlow(id int64, skb SkbID) SkbID {
	const addresses = nic.IPv4Header - 8
	b := m.skbBytes(skb)[addresses : nic.IPv4Header+4]
	for s := m.Napis[id].Held[m.groBucket(skb)] - 1; s != None; s = m.Skbs[s].Next {
		if bytes.Equal(b, m.skbBytes(s)[addresses:nic.IPv4Header+4]) {
			return s
		}
	}
	return None
}

// tcp4GROReceive: locals are the packet and the instance (tcp_gro_receive).
func (m *Machine) tcp4GROReceive(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	skb := SkbID(l[0])
	about(r, KindSkb, skb)
	headers, data := m.groHeaders(skb)
	if headers < nic.IPv4Header+nic.TCPHeader {
		c.Return(groFlush)
		return
	}
	b := m.skbBytes(skb)
	alone := int(binary.BigEndian.Uint16(b[2:])) != len(b) || !m.groChecksum(skb) // padded, or damaged
	flags := b[nic.IPv4Header+13]
	p, mss, result := m.groFlow(l[1], skb), 1, int64(0)
	if p != None {
		mss = int(m.Skbs[p].GSOSize)
		if !alone && m.groNext(p, skb, headers, data) {
			m.groMerge(p, skb, headers)
			r.Arg[0], r.Arg[1] = int64(m.Skbs[p].Segs), int64(p)
			result = groSame
		} else {
			mss = 1
		}
	}
	const last = nic.PSH | nic.RST | nic.SYN | nic.FIN
	flush := data < mss || flags&last != 0
	if p != None && (result == 0 || flush) {
		result |= int64(p) + 1
	}
	if flush || alone {
		result |= groFlush
	}
	c.Return(result)
}

// groChecksum looks at the checksum unless the card has (skb_gro_checksum_validate).
func (m *Machine) groChecksum(skb SkbID) bool {
	if m.Skbs[skb].Checked {
		return true
	}
	b := m.skbBytes(skb)
	h, ok := nic.ParseIPv4(b)
	return ok && nic.TCPChecksumOK(b, h)
}

// groNext tells whether a segment continues a held packet: the same headers but
// for the sequence number, FIN and PSH, no longer than the ones before, and room
// for it.
func (m *Machine) groNext(p, skb SkbID, headers, data int) bool {
	a, b := m.skbBytes(p), m.skbBytes(skb)
	ta, tb := a[nic.IPv4Header:], b[nic.IPv4Header:]
	have, been := m.groHeaders(p)
	const mayDiffer = nic.FIN | nic.PSH
	seq := binary.BigEndian.Uint32(ta[4:]) + uint32(been)
	return have == headers && a[1] == b[1] && a[8] == b[8] && // TOS and TTL
		binary.BigEndian.Uint32(tb[4:]) == seq && bytes.Equal(ta[8:12], tb[8:12]) &&
		(ta[13]^tb[13])&^mayDiffer == 0 && bytes.Equal(a[nic.IPv4Header+nic.TCPHeader:headers], b[nic.IPv4Header+nic.TCPHeader:headers]) &&
		data > 0 && data <= int(m.Skbs[p].GSOSize) && len(a)+data < groMaxSize
}

// groMerge appends a segment's data to a held packet (skb_gro_receive). Linux
// copies nothing, it links pages; the model has the bytes in one piece.
func (m *Machine) groMerge(p, skb SkbID, headers int) {
	if m.Skbs[p].Buf == None {
		s := &m.Skbs[p]
		whole := m.Frames[s.Frame].Bytes[:s.Data+s.Len]
		buf := m.newBuf(len(whole))
		copy(m.Bufs[buf], whole)
		s.Buf = buf
	}
	b, s, k := m.skbBytes(skb), &m.Skbs[p], &m.Skbs[skb]
	m.Bufs[s.Buf] = append(m.Bufs[s.Buf], b[headers:]...)
	s.Len += int32(len(b) - headers)
	s.Truesize += k.Truesize
	s.Segs++
	m.skbBytes(p)[nic.IPv4Header+13] |= b[nic.IPv4Header+13] & (nic.FIN | nic.PSH)
	m.Counters.GROMerged++
}

// napiGROComplete: locals are the packet and the instance.
func (m *Machine) napiGROComplete(c *cpu.Core, r *sim.Record) {
	l := c.Frame().L
	skb := SkbID(l[0])
	s := &m.Skbs[skb]
	about(r, KindSkb, skb)
	r.Arg[0] = int64(s.Segs)
	if s.Segs > 1 {
		nic.SetIPv4Length(m.skbBytes(skb))
	} else {
		s.GSOSize = 0
	}
	m.groNormalOne(c, l[1], skb)
}
