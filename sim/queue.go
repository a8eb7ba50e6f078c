package sim

import "slices"

// Up to sortedMax pending events the queue is a sorted array, beyond that a
// heap, and a heap that has shrunk to sortedAgain becomes an array again. The
// distance between the two keeps a queue that hovers at the border from
// changing its form at every step. In BenchmarkQueueHold the array takes half
// the time of the heap at 10 events, as much at 80, and twice as much at 200.
const (
	sortedMax   = 64
	sortedAgain = 16
)

// Queue holds the events that are pending. They leave it in the order of their
// times, and events of the same time in the order in which they came: without
// the second rule a run could not be repeated. The zero value is empty and
// ready for use.
//
// A machine has few events pending (one for each core, the timers, the frame on
// the wire), so the queue is an array with the earliest event at its end, where
// taking it is a decrement. With many events pending it is a 4-ary heap, half as
// deep as a binary one. Both hold values in one piece of memory: nothing is
// allocated once the array has grown to its size, and a copy is one copy.
type Queue struct {
	ev     []Event // descending, or a heap with the earliest event in ev[0]
	heaped bool
	seq    uint32 // how many were pushed; one run, bounded by maxRecords, does not wrap it
}

// Len returns the number of pending events.
func (q *Queue) Len() int { return len(q.ev) }

// PeekAt returns the time of the earliest event, or Never.
func (q *Queue) PeekAt() Time {
	if len(q.ev) == 0 {
		return Never
	}
	if q.heaped {
		return q.ev[0].At
	}
	return q.ev[len(q.ev)-1].At
}

// Peek returns the earliest event without taking it. The queue must not be empty.
func (q *Queue) Peek() Event {
	if q.heaped {
		return q.ev[0]
	}
	return q.ev[len(q.ev)-1]
}

// Push adds an event behind all pending events of the same time.
func (q *Queue) Push(e Event) {
	e.seq = q.seq
	q.seq++
	if q.heaped || len(q.ev) == sortedMax {
		q.pushHeap(e)
		return
	}
	i := len(q.ev)
	if i == cap(q.ev) {
		q.ev = slices.Grow(q.ev, 1)
	}
	ev := q.ev[:i+1]
	q.ev = ev
	for ; i > 0 && ev[i-1].At <= e.At; i-- {
		ev[i] = ev[i-1]
	}
	ev[i] = e
}

// Pop takes the earliest event. The queue must not be empty.
func (q *Queue) Pop() Event {
	if q.heaped {
		return q.popHeap()
	}
	ev := q.ev
	last := len(ev) - 1
	q.ev = ev[:last]
	return ev[last]
}

// CopyFrom makes q an exact copy of src, in the memory that q already has if it
// is enough.
func (q *Queue) CopyFrom(src *Queue) {
	ev := append(q.ev[:0], src.ev...)
	*q = *src
	q.ev = ev
}

// before tells whether a leaves the queue before b.
func before(a, b *Event) bool {
	return a.At < b.At || a.At == b.At && a.seq < b.seq
}

func (q *Queue) pushHeap(e Event) {
	if !q.heaped {
		slices.Reverse(q.ev) // ascending order is a heap
		q.heaped = true
	}
	q.ev = append(q.ev, e)
	h := q.ev
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !before(&e, &h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
}

func (q *Queue) popHeap() Event {
	last := len(q.ev) - 1
	first, e := q.ev[0], q.ev[last]
	q.ev = q.ev[:last]
	sink(q.ev, &e)
	if last == sortedAgain {
		slices.SortFunc(q.ev, func(a, b Event) int {
			if before(&a, &b) {
				return 1
			}
			return -1
		})
		q.heaped = false
	}
	return first
}

// sink puts e into the heap h whose root is free. h is not empty.
func sink(h []Event, e *Event) {
	i := 0
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if before(&h[c], &h[least]) {
				least = c
			}
		}
		if !before(&h[least], e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = *e
}

// Pending are the events that are pending, in no order. They must not be changed.
func (q *Queue) Pending() []Event { return q.ev }
