package sim

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestEventIsFortyBytes(t *testing.T) {
	if n := unsafe.Sizeof(Event{}); n > 40 {
		t.Errorf("an Event takes %d bytes; the queue moves events all the time, 40 are enough", n)
	}
}

func TestEmptyQueueIsDueNever(t *testing.T) {
	var q Queue
	if q.PeekAt() != Never || q.Len() != 0 {
		t.Errorf("zero queue: due %v, %d pending", q.PeekAt(), q.Len())
	}
	q.Push(Event{At: 5})
	q.Pop()
	if q.PeekAt() != Never || q.Len() != 0 {
		t.Errorf("drained queue: due %v, %d pending", q.PeekAt(), q.Len())
	}
}

func TestEventsOfOneTimeLeaveInTheOrderTheyCame(t *testing.T) {
	for _, n := range []int{2, sortedAgain, sortedMax, sortedMax + 1, 1000} {
		var q Queue
		for i := range n {
			q.Push(Event{At: 7, C: int64(i)})
		}
		for i := range n {
			if e := q.Pop(); e.C != int64(i) {
				t.Fatalf("of %d simultaneous events, number %d left at place %d", n, e.C, i)
			}
		}
	}
}

// A list that is kept sorted by At, in which a new event goes behind its equals,
// is what the queue means.
func TestQueueAgreesWithASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q, spare Queue
		var want []Event
		for range rapid.IntRange(1, 60).Draw(t, "phases") {
			pushes := rapid.IntRange(0, 60).Draw(t, "pushes")
			for range pushes {
				e := Event{At: Time(rapid.IntRange(0, 50).Draw(t, "at")), seq: q.seq, A: rapid.Int32().Draw(t, "a")}
				q.Push(e)
				behind, _ := slices.BinarySearchFunc(want, e.At+1, func(e Event, at Time) int { return int(e.At - at) })
				want = slices.Insert(want, behind, e)
			}
			if rapid.Bool().Draw(t, "copy") {
				spare.CopyFrom(&q)
				if !spare.equal(&q) {
					t.Fatalf("a copy of %d pending events differs", q.Len())
				}
				q, spare = spare, q
			}
			for range rapid.IntRange(0, len(want)).Draw(t, "pops") {
				if q.PeekAt() != want[0].At || q.Peek() != want[0] {
					t.Fatalf("next is %+v, want %+v", q.Peek(), want[0])
				}
				if e := q.Pop(); e != want[0] {
					t.Fatalf("got %+v, want %+v", e, want[0])
				}
				want = want[1:]
			}
			if q.Len() != len(want) {
				t.Fatalf("%d pending, want %d", q.Len(), len(want))
			}
		}
	})
}

func TestCopiedQueueIsIndependent(t *testing.T) {
	for _, n := range []int{3, 3 * sortedMax} {
		var a, b Queue
		for i := range n {
			a.Push(Event{At: Time(i)})
		}
		b.CopyFrom(&a)
		a.Pop()
		a.Push(Event{At: -1})
		if b.Len() != n || b.Pop().At != 0 || b.Pop().At != 1 {
			t.Errorf("a copy of %d events changed with its original", n)
		}
	}
}

func TestQueueAllocatesNothingInTheSteadyState(t *testing.T) {
	for _, n := range []int{20, 1000} {
		q, r := held(n)
		var spare Queue
		spare.CopyFrom(&q)
		if a := testing.AllocsPerRun(100, func() { hold(&q, &r); spare.CopyFrom(&q) }); a != 0 {
			t.Errorf("%d pending: %g allocations for one event", n, a)
		}
	}
}

// held returns a queue with n events pending.
func held(n int) (Queue, Rand) {
	var q Queue
	r := NewRand(1)
	for range n {
		q.Push(Event{At: Time(r.IntN(10000))})
	}
	return q, r
}

// hold is the classic hold model: take the earliest event, schedule one.
func hold(q *Queue, r *Rand) {
	e := q.Pop()
	e.At += Time(r.Uint64() % 10000)
	q.Push(e)
}

func BenchmarkQueueHold(b *testing.B) {
	for _, n := range []int{10, 30, 60, 100, 200, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q, r := held(n)
			b.ReportAllocs()
			for b.Loop() {
				hold(&q, &r)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}

// One event a station of a packet's path, twelve stations, packets that arrive
// before the last one is through, and a timer for each of four cores.
func BenchmarkQueueChain(b *testing.B) {
	const stations, arrival, timer = 12, 12, 13
	var q Queue
	for core := range 4 {
		q.Push(Event{At: 1000 * Time(core), Kind: timer})
	}
	q.Push(Event{Kind: arrival})
	b.ReportAllocs()
	for b.Loop() {
		e := q.Pop()
		switch {
		case e.Kind == arrival:
			q.Push(Event{At: e.At + 400, Kind: arrival})
			q.Push(Event{At: e.At + 60})
		case e.Kind == timer:
			q.Push(Event{At: e.At + 4000, Kind: timer})
		case e.Kind < stations-1:
			e.Kind++
			e.At += 60 + Time(e.Kind)
			q.Push(e)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}
