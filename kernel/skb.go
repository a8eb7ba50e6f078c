package kernel

// newSkb takes an skb for a frame that the card has put into memory. Its data
// starts at the Ethernet header.
func (m *Machine) newSkb(frame, length int32) SkbID {
	id := m.freeSkb
	if id == None {
		id = SkbID(len(m.Skbs))
		m.Skbs = append(m.Skbs, Skb{})
	} else {
		m.freeSkb = m.Skbs[id].Next
	}
	m.Skbs[id] = Skb{Next: None, Frame: frame, Len: length, Truesize: truesize(length), InUse: true}
	m.Counters.Skbs++
	return id
}

// kfreeSkb gives an skb back.
func (m *Machine) kfreeSkb(id SkbID) {
	m.Skbs[id] = Skb{Next: m.freeSkb, Frame: None}
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

// skbBytes is what an skb's data points to.
func (m *Machine) skbBytes(id SkbID) []byte {
	s := &m.Skbs[id]
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
