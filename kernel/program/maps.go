package program

import "slices"

// Pair is an entry of a map.
type Pair struct{ Key, Val int64 }

const (
	maxEntries = 1 << 16 // of one map
	maxMaps    = 1 << 10 // that a thread can reach at a time
)

// mapBase is the handle of the first map: no number that programs compute with.
// The handle 0 is the nil map.
const mapBase = 0x0000_5555_0000_0000

// pairs gives the entries of a map in the order of their keys.
func (mem *Memory) pairs(h int64) []Pair {
	if h == 0 {
		return nil
	}
	return mem.Maps[h-mapBase]
}

// newMap gives the handle of an empty map. Maps are only ever held by slots, so
// one that no slot holds can be used again.
func (mem *Memory) newMap(at pos) int64 {
	var held [maxMaps]bool
	for _, v := range mem.Slots {
		if i := v - mapBase; i >= 0 && i < int64(len(mem.Maps)) {
			held[i] = true
		}
	}
	i := slices.Index(held[:], false)
	switch {
	case i < 0:
		mem.fault(at, "too many maps")
		return 0
	case i < len(mem.Maps):
	case i < cap(mem.Maps):
		mem.Maps = mem.Maps[:i+1] // the memory of an earlier run
	default:
		mem.Maps = append(mem.Maps, nil)
	}
	mem.Maps[i] = mem.Maps[i][:0]
	return mapBase + int64(i)
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

func (mem *Memory) mapGet(h, key int64) int64 {
	m := mem.pairs(h)
	if i, ok := find(m, key); ok {
		return m[i].Val
	}
	return 0
}

// mapNext gives the key that follows one, or the first key.
func (mem *Memory) mapNext(h, key int64, first bool) (int64, bool) {
	m := mem.pairs(h)
	i := 0
	if !first {
		var found bool
		if i, found = find(m, key); found {
			i++
		}
	}
	if i >= len(m) {
		return 0, false
	}
	return m[i].Key, true
}

func (mem *Memory) mapSet(at pos, h, key, val int64) {
	m := mem.pairs(h)
	i, ok := find(m, key)
	switch {
	case ok:
		m[i].Val = val
	case h == 0:
		mem.fault(at, "an assignment to an entry of a map that was not made with map[int]int{}")
	case len(m) >= maxEntries:
		mem.fault(at, "a map with too many entries")
	default:
		mem.Maps[h-mapBase] = slices.Insert(m, i, Pair{key, val})
	}
}

func (mem *Memory) mapDelete(h, key int64) {
	m := mem.pairs(h)
	if i, ok := find(m, key); ok {
		mem.Maps[h-mapBase] = slices.Delete(m, i, i+1)
	}
}
