package program

import "fmt"

// Memory is what one running thread program can change: plain data. The zero
// value is ready for Start.
type Memory struct {
	Slot  int64    // which of its process's threads has this memory, from 0
	Low   bool     // it is all below 4 GiB
	Slots []int64  // the variables of the running functions, outermost first
	Data  []byte   // their arrays; the byte at DataAt is Data[0]
	Maps  [][]Pair // maps, each in order of its keys
	Errno int64

	Scratch [ScratchBytes]byte // what is at ScratchAt

	Fault   string // what the program did that is undefined, or ""
	divided bool   // the operation has divided by zero
	ret     [maxResults]int64
	nret    int
}

const maxResults = 4

// CopyFrom makes mem an exact copy of src in its own memory.
func (mem *Memory) CopyFrom(src *Memory) {
	slots, data, maps := mem.Slots, mem.Data, mem.Maps
	*mem = *src
	mem.Slots = append(slots[:0], src.Slots...)
	mem.Data = append(data[:0], src.Data...)
	if maps = maps[:cap(maps)]; len(maps) < len(src.Maps) {
		maps = append(maps, make([][]Pair, len(src.Maps)-len(maps))...)
	}
	mem.Maps = maps[:len(src.Maps)]
	for i := range src.Maps {
		mem.Maps[i] = append(mem.Maps[i][:0], src.Maps[i]...)
	}
}

// DataAt is where the thread's arrays begin, and ScratchAt its scratch.
func (mem *Memory) DataAt() Addr {
	if mem.Low {
		return LowDataBase + mem.Slot*DataStride
	}
	return DataBase + mem.Slot*DataStride
}

func (mem *Memory) ScratchAt() Addr {
	if mem.Low {
		return LowScratchBase + mem.Slot*ScratchStride
	}
	return ScratchBase + mem.Slot*ScratchStride
}

// Writable gives n bytes at an address, to write to. Only arrays and the scratch
// are writable.
func (mem *Memory) Writable(addr Addr, n int64) ([]byte, bool) {
	if off := addr - mem.ScratchAt(); off >= 0 && off <= ScratchBytes {
		if n < 0 || n > ScratchBytes-off {
			return nil, false
		}
		return mem.Scratch[off : off+n : off+n], true
	}
	off := addr - mem.DataAt()
	if off < 0 || n < 0 || off > int64(len(mem.Data)) || n > int64(len(mem.Data))-off {
		return nil, false
	}
	return mem.Data[off : off+n : off+n], true
}

// Bytes gives n bytes at an address, to read: of an array or of a string
// constant.
func (p *Program) Bytes(mem *Memory, addr Addr, n int64) ([]byte, bool) {
	if s, ok := p.constant(addr); ok {
		if n < 0 || n > int64(len(s)) {
			return nil, false
		}
		return []byte(s[:n]), true
	}
	return mem.Writable(addr, n)
}

// String gives the string constant at an address, or "" if there is none.
func (p *Program) String(addr Addr) string {
	s, _ := p.constant(addr)
	return s
}

// ConstAt is where a string constant lies.
func (p *Program) ConstAt(i int) Addr { return p.rodata + int64(i)*RodataStride }

func (p *Program) constant(addr Addr) (string, bool) {
	i, off := (addr-p.rodata)/RodataStride, (addr-p.rodata)%RodataStride
	if addr < p.rodata || i >= int64(len(p.Consts)) || off > int64(len(p.Consts[i])) {
		return "", false
	}
	return p.Consts[i][off:], true
}

// load reads a little-endian number of an array; compiled code only asks for
// what is there.
func (mem *Memory) load(addr Addr, n int64) int64 {
	b, ok := mem.Writable(addr, n)
	if !ok {
		return 0
	}
	var v uint64
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return int64(v)
}

// store writes one.
func (mem *Memory) store(addr Addr, n, v int64) {
	b, ok := mem.Writable(addr, n)
	if !ok {
		return
	}
	for i := range b {
		b[i] = byte(uint64(v) >> (8 * i))
	}
}

// copy copies n bytes of an array.
func (mem *Memory) copy(to, from Addr, n int64) {
	b, _ := mem.Writable(to, n)
	src, _ := mem.Writable(from, n)
	copy(b, src)
}

func (mem *Memory) fault(at pos, what string) {
	if mem.Fault == "" {
		mem.Fault = fmt.Sprintf("line %d: %s", at.line, what)
	}
}
