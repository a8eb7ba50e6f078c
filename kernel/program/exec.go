package program

import (
	"fmt"
	"slices"
)

// Op is one operation: a statement, a condition or a call of the source. It is
// the step in which programs run.
type Op struct {
	kind opKind
	pos  pos
	dst  []*lvalue
	args []*expr
	x    *expr
	to   int32 // where a jump goes, or where an array lies in its function's data
	site int32 // of a call
}

type opKind uint8

const (
	opNop     opKind = iota
	opSet            // dst = args, all evaluated first
	opJump           // to to
	opUnless         // to to, unless x
	opCall           // the call site, with args
	opReturn         // with args
	opExit           // main ends
	opArray          // dst[0] = an array of x.k bytes at to: a copy of args[0], or zeroes
	opMap            // dst[0] = an empty map
	opMapNext        // dst = true and the key of map args[0] after args[2], or the first unless args[1]; to to at its end
	opDelete         // delete(args[0], args[1])
	opFdSet          // dst[0] = the set of args, at to
	opPollfds        // dst[0] = the array of pollfd {args[0], args[1]}, … at to
)

// lvalue is a place that can be assigned to.
type lvalue struct {
	kind lvKind
	k    int64 // slot or shared variable, or size in memory
	a, b *expr // address; or map and key
	pos  pos
}

type lvKind uint8

const (
	lvBlank lvKind = iota
	lvSlot
	lvShared
	lvMem
	lvCopy // k bytes in memory: the value is the address of others
	lvMap
)

// What the running functions of a thread may have at a time; the arrays have as
// much room as Linux gives to a stack.
const (
	maxSlots = 1 << 20
	maxStack = 8 << 20
)

// Start puts a fresh memory to the beginning of main.
func (p *Program) Start(mem *Memory) Frame {
	*mem = Memory{Slot: mem.Slot, Low: mem.Low, Slots: mem.Slots[:0], Data: mem.Data[:0], Maps: mem.Maps[:0]}
	return p.Enter(mem, 0, nil)
}

// Enter begins a function: its parameters are its first slots.
func (p *Program) Enter(mem *Memory, fn int, args []int64) Frame {
	f := Frame{Func: int32(fn), Slots: int32(len(mem.Slots)), Data: int32(len(mem.Data))}
	mem.Slots = grow(mem.Slots, p.Funcs[fn].Slots)
	mem.Data = grow(mem.Data, p.Funcs[fn].Data)
	copy(mem.Slots[f.Slots:], args)
	return f
}

// grow appends n zero values.
func grow[T any](s []T, n int) []T {
	t := slices.Grow(s, n)[:len(s)+n]
	clear(t[len(s):])
	return t
}

// Leave ends a function and gives its results, which are valid until the next
// operation.
func (p *Program) Leave(mem *Memory, f *Frame) []int64 {
	mem.Slots, mem.Data = mem.Slots[:f.Slots], mem.Data[:f.Data]
	return mem.ret[:mem.nret]
}

// Next gives the operation that Exec will do: jumps take no step of their own.
func (p *Program) next(f *Frame) *Op {
	ops := p.Funcs[f.Func].Ops
	for hops := 0; hops < 8 && ops[f.PC].kind == opJump; hops++ {
		f.PC = ops[f.PC].to
	}
	return &ops[f.PC]
}

// Line is the source line of the operation that a frame does next.
func (p *Program) Line(f Frame) int { return int(p.next(&f).pos.line) }

// Exec does the operation at f.PC and moves f on.
func (p *Program) Exec(mem *Memory, f *Frame, shared []int64) (e Effect) {
	op := p.next(f)
	f.PC++
	switch op.kind {
	case opNop:
	case opJump:
		f.PC = op.to
	case opUnless:
		if p.eval(op.x, mem, f, shared) == 0 {
			f.PC = op.to
		}
	case opSet:
		p.set(op, mem, f, shared)
	case opCall:
		return p.call(op, mem, f, shared)
	case opReturn:
		for i, x := range op.args {
			mem.ret[i] = p.eval(x, mem, f, shared)
		}
		mem.nret = len(op.args)
		e.Kind = EffReturn
	case opMapNext:
		p.mapNext(op, mem, f, shared)
	case opExit:
		f.PC--
		e.Kind = EffExit
	default:
		p.declare(op, mem, f, shared)
	}
	return p.faulted(e, mem, f)
}

// faulted gives an operation's effect, or the fault that it has ended with.
func (p *Program) faulted(e Effect, mem *Memory, f *Frame) Effect {
	switch {
	case mem.divided:
		mem.divided = false
		f.PC--
		e.Kind = EffDivide
	case mem.Fault != "":
		e.Kind = EffFault
	}
	return e
}

// spot is where an lvalue is at the moment: an address, or a map and a key.
type spot struct{ a, b int64 }

// set evaluates all values and finds all places before it stores the first, as
// Go does.
func (p *Program) set(op *Op, mem *Memory, f *Frame, shared []int64) {
	var vals [maxResults]int64
	for i, x := range op.args {
		vals[i] = p.eval(x, mem, f, shared)
	}
	p.assign(op.dst, &vals, mem, f, shared)
}

func (p *Program) assign(dst []*lvalue, vals *[maxResults]int64, mem *Memory, f *Frame, shared []int64) {
	if len(dst) == 1 {
		p.store(dst[0], p.find(dst[0], mem, f, shared), vals[0], mem, f, shared)
		return
	}
	var at [maxResults]spot
	for i, d := range dst {
		at[i] = p.find(d, mem, f, shared)
	}
	for i, d := range dst {
		p.store(d, at[i], vals[i], mem, f, shared)
	}
}

func (p *Program) find(d *lvalue, mem *Memory, f *Frame, shared []int64) (at spot) {
	if d.a != nil {
		at.a = p.eval(d.a, mem, f, shared)
	}
	if d.b != nil {
		at.b = p.eval(d.b, mem, f, shared)
	}
	return at
}

func (p *Program) store(d *lvalue, at spot, v int64, mem *Memory, f *Frame, shared []int64) {
	switch d.kind {
	case lvSlot:
		mem.Slots[int64(f.Slots)+d.k] = v
	case lvShared:
		shared[d.k] = v
	case lvMem:
		mem.store(at.a, d.k, v)
	case lvCopy:
		mem.copy(at.a, v, d.k)
	case lvMap:
		mem.mapSet(d.pos, at.a, at.b, v)
	}
}

func (p *Program) call(op *Op, mem *Memory, f *Frame, shared []int64) (e Effect) {
	site := &p.Calls[op.site]
	e.Site = op.site
	for i, x := range op.args {
		e.Args[i] = p.eval(x, mem, f, shared)
	}
	e.N = len(op.args)
	switch {
	case site.Spec == nil:
		e.Kind = EffCall
		if len(mem.Slots) > maxSlots || len(mem.Data)+p.Funcs[site.Func].Data > maxStack {
			mem.fault(op.pos, "own functions call each other too deep")
		}
	case site.Spec.Group == Syscall:
		e.Kind = EffSyscall
	case site.Spec.Group == Director:
		e.Kind = EffDirector
	default:
		e.Kind = EffLibrary
	}
	p.checkCounts(site, &e, mem, op.pos)
	return p.faulted(e, mem, f)
}

// checkCounts stops a call that would use more of an array than there is: C has
// no meaning for it. Only maxevents is checked by the kernel first.
func (p *Program) checkCounts(site *Call, e *Effect, mem *Memory, at pos) {
	for i, n := range site.lens {
		if n == 0 {
			continue
		}
		if n == lenOfString {
			n = int64(len(p.String(e.Args[i])))
		}
		got := e.Args[i+1]
		if got >= 0 && got <= n {
			continue
		}
		if ps := site.Spec.params(e.N); got >= 0 || ps[i].Kind != Events {
			mem.fault(at, fmt.Sprintf("%s is given %s = %d, but %s has %d", site.Spec.Name, ps[i+1].Name, got, ps[i].Name, n))
		}
	}
}

// Complete stores the results of the call that the last operation made.
func (p *Program) Complete(mem *Memory, f *Frame, shared []int64, results ...int64) {
	op := &p.Funcs[f.Func].Ops[f.PC-1]
	dst := p.Calls[op.site].dst
	var vals [maxResults]int64
	n := copy(vals[:], results)
	p.assign(dst[:min(n, len(dst))], &vals, mem, f, shared)
}

// mapNext does a turn of a loop over a map. It goes from key to key, not from
// place to place, because the body may delete and add entries.
func (p *Program) mapNext(op *Op, mem *Memory, f *Frame, shared []int64) {
	m, begun, key := p.eval(op.args[0], mem, f, shared), p.eval(op.args[1], mem, f, shared), p.eval(op.args[2], mem, f, shared)
	next, ok := mem.mapNext(m, key, begun == 0)
	if !ok {
		f.PC = op.to
		return
	}
	p.assign(op.dst, &[maxResults]int64{1, next}, mem, f, shared)
}

// declare makes an array, a set or a map. Arrays have a fixed place in their
// function's data, so that a declaration in a loop reuses it.
func (p *Program) declare(op *Op, mem *Memory, f *Frame, shared []int64) {
	addr := mem.DataAt() + int64(f.Data) + int64(op.to)
	switch op.kind {
	case opArray:
		b, _ := mem.Writable(addr, op.x.k)
		clear(b)
		if len(op.args) > 0 {
			mem.copy(addr, p.eval(op.args[0], mem, f, shared), op.x.k)
		}
	case opMap:
		addr = mem.newMap(op.pos)
	case opDelete:
		mem.mapDelete(p.eval(op.args[0], mem, f, shared), p.eval(op.args[1], mem, f, shared))
	case opFdSet:
		b, _ := mem.Writable(addr, setSize/8)
		clear(b)
		for _, x := range op.args {
			fd := p.eval(x, mem, f, shared)
			at := mem.setByte(op.pos, addr, fd)
			mem.store(at, 1, mem.load(at, 1)|1<<(fd&7))
		}
	case opPollfds:
		for i := 0; i < len(op.args); i += 2 {
			at := addr + int64(i/2)*8
			mem.store(at, 4, p.eval(op.args[i], mem, f, shared))
			mem.store(at+4, 4, p.eval(op.args[i+1], mem, f, shared)&0xffff)
		}
	}
	p.assign(op.dst, &[maxResults]int64{addr}, mem, f, shared)
}
