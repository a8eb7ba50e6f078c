package sim

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// A million records are 56 MB; each field more is felt.
func TestRecordIsFiftySixBytes(t *testing.T) {
	if n := unsafe.Sizeof(Record{}); n >= 64 || n != 56 {
		t.Errorf("a Record takes %d bytes, want 56 and never 64", n)
	}
}

func TestLogKeepsRecordsInOrderAndInPlace(t *testing.T) {
	var l Log
	n := Seq(3*chunkLen + 1)
	first := l.Next()
	*first = Record{Obj: -1}
	for s := Seq(1); s < n; s++ {
		l.Append(Record{T: Time(s), Obj: int32(s)})
	}
	if l.Len() != n {
		t.Fatalf("%d records, want %d", l.Len(), n)
	}
	if l.At(0) != first || first.Obj != -1 {
		t.Errorf("the first record moved or changed")
	}
	for s := Seq(1); s < n; s++ {
		if r := l.At(s); r.Obj != int32(s) {
			t.Fatalf("record %d is number %d", s, r.Obj)
		}
	}
}

func TestFirstAfterCountsTheRecordsCompleteAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Log
		var now Time
		times := make([]Time, rapid.IntRange(0, 200).Draw(t, "records"))
		for i := range times {
			now += Time(rapid.IntRange(0, 2).Draw(t, "dt"))
			times[i] = now
			l.Append(Record{T: now})
		}
		at := Time(rapid.IntRange(-1, int(now)+1).Draw(t, "at"))
		complete := Seq(0)
		for _, when := range times {
			if when <= at {
				complete++
			}
		}
		if got := l.FirstAfter(at); got != complete {
			t.Errorf("FirstAfter(%d) of %v is %d, want %d", at, times, got, complete)
		}
	})
}

func BenchmarkLogAppend(b *testing.B) {
	var l Log
	var r Record
	b.ReportAllocs()
	for b.Loop() {
		if l.Len() == 1<<20 {
			l = Log{}
		}
		r.T++
		l.Append(r)
	}
}
