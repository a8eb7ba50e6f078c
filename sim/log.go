package sim

import "sort"

// The log grows by chunks of chunkLen records, a power of two. One slice that
// grows would be copied again and again, and every copy would touch new pages
// first, which costs more than writing the records.
const (
	chunkBits = 12
	chunkLen  = 1 << chunkBits
)

// Log keeps the records of a run, in order. Records are added at its end and
// never change afterwards. The zero value is empty and ready for use.
type Log struct {
	chunks []*[chunkLen]Record
	n      Seq
}

// Len returns the number of records, which is the number of the next one.
func (l *Log) Len() Seq { return l.n }

// At returns the record with a number from 0 to Len()-1. It stays where it is
// for the life of the log.
func (l *Log) At(s Seq) *Record {
	return &l.chunks[s>>chunkBits][s&(chunkLen-1)]
}

// Append adds a record.
func (l *Log) Append(r Record) { *l.Next() = r }

// Next adds a record for the caller to fill in place. What it contains is not
// defined: every field must be written.
func (l *Log) Next() *Record {
	r := l.slot()
	l.n++
	return r
}

// slot returns the place of the next record without adding it.
func (l *Log) slot() *Record {
	if int(l.n>>chunkBits) == len(l.chunks) {
		l.grow()
	}
	return l.At(l.n)
}

func (l *Log) grow() { l.chunks = append(l.chunks, new([chunkLen]Record)) }

// FirstAfter returns the number of the first record that was complete only after
// t, or Len() if there is none: so many records were complete at t.
func (l *Log) FirstAfter(t Time) Seq {
	return Seq(sort.Search(int(l.n), func(i int) bool { return l.At(Seq(i)).T > t }))
}
