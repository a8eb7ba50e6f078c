package kernel

import "ringside/cpu"

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

// How the kernel's copies touch the memory of programs.
const (
	toRead  uint8 = 0
	toWrite       = cpu.FaultWrite
)

// reach makes sure, before a step copies anything, that the n bytes at an address
// of the running task can be touched. If a page is not there the step faults, in
// ring 0: it is done again when the fault has been handled, and reach is false.
// When there is nothing to be mapped it is true all the same, and the copy fails.
func (m *Machine) reach(c *cpu.Core, addr, n int64, access uint8) bool {
	t := m.current(c)
	if n <= 0 || m.present(t, addr, n, access) {
		return true
	}
	if t.Fixup { // fixup_exception has sent the copy to its end
		t.Fixup = false
		return true
	}
	first, last := uint64(addr), uint64(addr+n-1)
	if top := m.userMax(); first > top || last > top { // access_ok: the tables are not even asked
		return true
	}
	for page := first &^ (cpu.PageSize - 1); page <= last; page += cpu.PageSize {
		at := max(page, first)
		if w := m.translate(c, at, access); w.Fault {
			m.pageFault(c, &w)
			return false
		}
	}
	return m.whole(t, addr, n)
}

// present tells whether an access is to memory that is always mapped: the task's
// own arrays and, to be read, its constants.
func (m *Machine) present(t *Task, addr, n int64, access uint8) bool {
	_, ok := t.Mem.Writable(addr, n)
	if !ok && access&cpu.FaultWrite == 0 {
		_, ok = m.programs[t.Thread].Bytes(&t.Mem, addr, n)
	}
	return ok
}

// whole tells whether n mapped bytes are in one thing, and gives the run up if
// they are not.
func (m *Machine) whole(t *Task, addr, n int64) bool {
	if m.userBytes(t, addr, n) != nil {
		return true
	}
	m.giveUp(t.Name + ": the model keeps no bytes of text and stacks, and does not know what lies behind an array or a string")
	return false
}

// userMax is the last address of user space (TASK_SIZE_MAX).
const userMax = 0x7fff_ffff_efff

// userMax is that of the processor.
func (m *Machine) userMax() uint64 {
	if m.ABI.Arm64 {
		return armUserMax
	}
	return userMax
}

// translate asks the page tables that a core has loaded.
func (m *Machine) translate(c *cpu.Core, addr uint64, access uint8) cpu.Walk {
	if m.ABI.Arm64 && beyondTables(addr) {
		return cpu.Walk{Addr: addr, Access: access, N: 1, Fault: true, Code: access}
	}
	c.Access = cpu.Access{Addr: addr, CR3: c.Regs.CR3, Kind: access, Made: true}
	return m.PT.Translate(c.Regs.CR3, addr, access)
}

// userWrite gives n bytes of the running task's memory to write to, or nil if
// it has none there.
func (m *Machine) userWrite(c *cpu.Core, addr, n int64) []byte {
	t := m.current(c)
	if b, ok := t.Mem.Writable(addr, n); ok {
		return b
	}
	if v := m.findVMA(t.Proc, uint64(addr)); v == nil || v.Flags&VMWrite == 0 {
		return nil
	}
	return m.userBytes(t, addr, n)
}

// copyToUser copies data to the running task's memory; false if it has none
// there (copy_to_user).
func (m *Machine) copyToUser(c *cpu.Core, addr int64, data []byte) bool {
	if len(data) == 0 {
		return true
	}
	b := m.userWrite(c, addr, int64(len(data)))
	copy(b, data)
	m.Counters.CopiedBytes += int64(len(b))
	return b != nil
}

// copyFromUser fills to with what lies in the running task's memory; false if
// it has nothing there (copy_from_user).
func (m *Machine) copyFromUser(c *cpu.Core, to []byte, addr int64) bool {
	if len(to) == 0 {
		return true
	}
	b := m.userBytes(m.current(c), addr, int64(len(to)))
	copy(to, b)
	m.Counters.CopiedBytes += int64(len(b))
	return b != nil
}
