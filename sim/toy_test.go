package sim

import "slices"

// toy is a machine of a few cores that pass events to each other at random
// delays, with everything a real machine has: a clock, a queue, randomness,
// fixed arrays, memory, and a slice that grows and shrinks.
type toy struct {
	now    Time
	queue  Queue
	rand   Rand
	cores  [4]toyCore
	memory []int64
	stack  []Seq
	done   Seq // steps done
	left   int // events that may still be pushed
	width  int // how many events may be pending
}

type toyCore struct {
	regs  [16]int64
	steps int
}

func emptyToy() *toy { return new(toy) }

// newToy makes a toy that does so many steps in all.
func newToy(seed uint64, steps, width, words int) *toy {
	m := &toy{rand: NewRand(seed), memory: make([]int64, words), left: steps, width: width}
	if steps > 0 {
		m.schedule(NoSeq, 0)
	}
	return m
}

func (m *toy) schedule(cause Seq, core int) {
	m.left--
	delay := 10 * Time(m.rand.IntN(5)) // ties are wanted
	m.queue.Push(Event{At: m.now + delay, Cause: cause, A: int32(core), C: int64(m.rand.Uint64())})
}

func (m *toy) Step(r *Record) bool {
	if m.queue.Len() == 0 {
		return false
	}
	e := m.queue.Pop()
	*r = Record{T: e.At, Dur: e.At - m.now, Cause: e.Cause, CPU: int8(e.A), Task: -1}
	m.now = e.At
	core := &m.cores[e.A]
	core.steps++
	core.regs[core.steps%16] ^= e.C
	cell := &m.memory[m.rand.IntN(len(m.memory))]
	*cell += e.C
	r.Arg = [2]int64{e.C, *cell}
	if n := len(m.stack); n > 0 && e.C&3 == 0 {
		r.Obj = int32(m.stack[n-1])
		m.stack = m.stack[:n/2]
	} else {
		m.stack = append(m.stack, m.done)
	}
	if m.left > 0 {
		m.schedule(m.done, int(uint64(e.C)%4))
	}
	if m.left > 0 && m.queue.Len() < m.width {
		m.schedule(m.done, m.rand.IntN(4))
	}
	m.done++
	return true
}

func (m *toy) CopyFrom(src *toy) {
	queue, memory, stack := m.queue, m.memory, m.stack
	*m = *src
	queue.CopyFrom(&src.queue)
	m.queue = queue
	m.memory = append(memory[:0], src.memory...)
	m.stack = append(stack[:0], src.stack...)
}

func (m *toy) Size() int {
	return 640 + 40*m.queue.Len() + 8*len(m.memory) + 4*len(m.stack)
}

func (m *toy) equal(o *toy) bool {
	return m.now == o.now && m.queue.equal(&o.queue) && m.rand == o.rand && m.cores == o.cores &&
		slices.Equal(m.memory, o.memory) && slices.Equal(m.stack, o.stack) &&
		m.done == o.done && m.left == o.left && m.width == o.width
}

func (q *Queue) equal(o *Queue) bool {
	return slices.Equal(q.ev, o.ev) && q.heaped == o.heaped && q.seq == o.seq
}
