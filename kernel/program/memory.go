package program

import "fmt"

// Memory is what one running thread program can change: plain data. The zero
// value is ready for Start.
type Memory struct {
	Slots []int64  // the variables of the running functions, outermost first
	Data  []byte   // their arrays; the byte at DataBase is Data[0]
	Maps  [][]Pair // maps by handle, each in order of its keys
	Errno int64

	Scratch [ScratchBytes]byte // what is at ScratchBase

	Fault string // what the program did that is undefined, or ""
	ret   [maxResults]int64
	nret  int
}

// Pair is an entry of a map.
type Pair struct{ Key, Val int64 }

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

// Writable gives n bytes at an address, to write to. Only arrays and the scratch
// are writable.
func (mem *Memory) Writable(addr Addr, n int64) ([]byte, bool) {
	if off := addr - ScratchBase; off >= 0 && off <= ScratchBytes {
		if n < 0 || n > ScratchBytes-off {
			return nil, false
		}
		return mem.Scratch[off : off+n : off+n], true
	}
	off := addr - DataBase
	if off < 0 || n < 0 || off > int64(len(mem.Data)) || n > int64(len(mem.Data))-off {
		return nil, false
	}
	return mem.Data[off : off+n : off+n], true
}

// Bytes gives n bytes at an address, to read: of an array or of a string
// constant.
func (p *Program) Bytes(mem *Memory, addr Addr, n int64) ([]byte, bool) {
	if s, ok := p.rodata(addr); ok {
		if n < 0 || n > int64(len(s)) {
			return nil, false
		}
		return []byte(s[:n]), true
	}
	return mem.Writable(addr, n)
}

// String gives the string constant at an address, or "" if there is none.
func (p *Program) String(addr Addr) string {
	s, _ := p.rodata(addr)
	return s
}

func (p *Program) rodata(addr Addr) (string, bool) {
	i, off := (addr-RodataBase)/RodataStride, (addr-RodataBase)%RodataStride
	if addr < RodataBase || i >= int64(len(p.Consts)) || off > int64(len(p.Consts[i])) {
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

func (mem *Memory) fault(at pos, what string) {
	if mem.Fault == "" {
		mem.Fault = fmt.Sprintf("line %d: %s", at.line, what)
	}
}

// find gives a key's place in a map, and whether it is there.
func find(m []Pair, key int64) (int, bool) {
	lo, hi := 0, len(m)
	for lo < hi {
		if mid := (lo + hi) / 2; m[mid].Key < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(m) && m[lo].Key == key
}

// newMap gives the handle of an empty map; the memory of an earlier run is used
// again.
func (mem *Memory) newMap(at pos) int64 {
	n := len(mem.Maps)
	switch {
	case n >= maxMap:
		mem.fault(at, "too many maps")
		return 0
	case n < cap(mem.Maps):
		mem.Maps = mem.Maps[:n+1]
		mem.Maps[n] = mem.Maps[n][:0]
	default:
		mem.Maps = append(mem.Maps, nil)
	}
	return int64(n)
}

func (mem *Memory) mapGet(h, key int64) int64 {
	if i, ok := find(mem.Maps[h], key); ok {
		return mem.Maps[h][i].Val
	}
	return 0
}

// maxMap is how many entries a map may have.
const maxMap = 1 << 16

func (mem *Memory) mapSet(at pos, h, key, val int64) {
	m := mem.Maps[h]
	i, ok := find(m, key)
	if ok {
		m[i].Val = val
		return
	}
	if len(m) >= maxMap {
		mem.fault(at, "a map with too many entries")
		return
	}
	m = append(m, Pair{})
	copy(m[i+1:], m[i:])
	m[i] = Pair{key, val}
	mem.Maps[h] = m
}

func (mem *Memory) mapDelete(h, key int64) {
	if i, ok := find(mem.Maps[h], key); ok {
		mem.Maps[h] = append(mem.Maps[h][:i], mem.Maps[h][i+1:]...)
	}
}
