package kernel

// newSkb takes an skb for a frame that the card has put into memory. Its data
// starts at the Ethernet header.
func (m *Machine) newSkb(frame, length int32) SkbID {
	id := m.allocSkb()
	s := &m.Skbs[id]
	s.Frame, s.Len, s.Truesize = frame, length, truesize(length)
	return id
}

// newOwnSkb takes an skb of length bytes for data of this host, on behalf of a
// socket whose send buffer it counts against, or None.
func (m *Machine) newOwnSkb(length int32, sender SockID) SkbID {
	return m.newSizedSkb(length, ownTruesize(length), sender)
}

// newDatagram is newOwnSkb for a UDP or ICMP packet of length bytes with its
// headers (__ip_append_data): there is room for the link's header, rounded up,
// and what does not fit into four pages is in pages of its own.
func (m *Machine) newDatagram(length int32, sender SockID) SkbID {
	const linkRoom, fourPages = 16 + 15, 4*4096 - 320
	size := ownTruesize(length + linkRoom)
	if length+linkRoom > fourPages {
		size = smallTruesize + length - ipUDPHeaders
	}
	return m.newSizedSkb(length, size, sender)
}

func (m *Machine) newSizedSkb(length, truesize int32, sender SockID) SkbID {
	id := m.allocSkb()
	s := &m.Skbs[id]
	s.Buf, s.Len, s.Truesize, s.Sender = m.newBuf(int(length)), length, truesize, sender
	if sender != None {
		m.Socks[sender].Sent += s.Truesize
	}
	return id
}

// allocSkb takes an skb (alloc_skb).
func (m *Machine) allocSkb() SkbID {
	id := m.freeSkb
	if id == None {
		id = SkbID(len(m.Skbs))
		m.Skbs = append(m.Skbs, Skb{})
	} else {
		m.freeSkb = m.Skbs[id].Next
	}
	m.Counters.Skbs++
	m.Skbs[id] = Skb{Next: None, Frame: None, Buf: None, Sender: None, InUse: true, Num: int32(m.Counters.Skbs)}
	return id
}

// kfreeSkb gives a reference back, and with the last one the skb.
func (m *Machine) kfreeSkb(id SkbID) {
	if s := &m.Skbs[id]; s.Users > 0 {
		s.Users--
		return
	}
	m.skbOrphan(id)
	if b := m.Skbs[id].Buf; b != None {
		m.freeBuf(b)
	}
	m.Skbs[id] = Skb{Next: m.freeSkb, Frame: None, Buf: None, Sender: None}
	m.freeSkb = id
}

// truesize is what an skb counts against the socket's limit: the structure and
// its buffer (SKB_TRUESIZE; 1280 for a small packet on e1000e, as traced).
func truesize(length int32) int32 {
	if length <= 600 {
		return 1280
	}
	return 2304
}

// smallTruesize is what the smallest skb counts: 256 for the structure, 576 for
// its data (SKB_SMALL_HEAD_CACHE_SIZE).
const smallTruesize = 256 + 576

// ownTruesize is what an skb of this host counts: the structure, and data in
// cache lines with 320 for struct skb_shared_info, in memory of the slab's sizes
// (kmalloc_reserve).
func ownTruesize(length int32) int32 {
	need := (length+63)&^63 + 320
	if need <= smallTruesize-256 {
		return smallTruesize
	}
	size := int32(1024)
	for size < need {
		size *= 2
	}
	return 256 + size
}

// skbOrphan ends an skb's claim on its sender's buffer (skb_orphan).
func (m *Machine) skbOrphan(id SkbID) {
	s := &m.Skbs[id]
	if s.Sender != None {
		m.Socks[s.Sender].Sent -= s.Truesize
		s.Sender = None
	}
}

// skbBytes is what an skb's data points to.
func (m *Machine) skbBytes(id SkbID) []byte {
	s := &m.Skbs[id]
	if s.Buf != None {
		return m.Bufs[s.Buf][s.Data : s.Data+s.Len]
	}
	return m.Frames[s.Frame].Bytes[s.Data:min(s.Data+s.Len, int32(len(m.Frames[s.Frame].Bytes)))]
}

// pull moves the start of the data past a header (skb_pull).
func (m *Machine) pull(id SkbID, n int32) {
	m.Skbs[id].Data += n
	m.Skbs[id].Len -= n
}

// appendSkb puts an skb at the end of a list.
func (m *Machine) appendSkb(first, last *SkbID, id SkbID) {
	m.Skbs[id].Next = None
	if *last == None {
		*first = id
	} else {
		m.Skbs[*last].Next = id
	}
	*last = id
}
