package kernel

// Kernel memory that holds data: packets of this host, what pipes and files
// contain.

// newBuf gives n bytes, all zero.
func (m *Machine) newBuf(n int) BufID {
	var id BufID
	if last := len(m.freeBufs) - 1; last >= 0 {
		id, m.freeBufs = m.freeBufs[last], m.freeBufs[:last]
	} else {
		id = BufID(len(m.Bufs))
		m.Bufs = append(m.Bufs, nil)
	}
	if cap(m.Bufs[id]) < n {
		m.Bufs[id] = make([]byte, n)
		return id
	}
	m.Bufs[id] = m.Bufs[id][:n]
	clear(m.Bufs[id])
	return id
}

// freeBuf gives memory back.
func (m *Machine) freeBuf(id BufID) {
	m.Bufs[id] = m.Bufs[id][:0]
	m.freeBufs = append(m.freeBufs, id)
}
