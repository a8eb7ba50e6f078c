package program

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
	opArray          // dst[0] = a zeroed array of x.k bytes at to
	opMap            // dst[0] = an empty map
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
	lvMap
)

// maxDepth is how many slots the functions of a thread may have at a time.
const maxSlots = 1 << 20

// Start puts a fresh memory to the beginning of main.
func (p *Program) Start(mem *Memory) Frame {
	*mem = Memory{Slots: mem.Slots[:0], Data: mem.Data[:0], Maps: mem.Maps[:0]}
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
	if len(s)+n > cap(s) {
		t := make([]T, len(s), 2*(len(s)+n))
		copy(t, s)
		s = t
	}
	t := s[: len(s)+n : cap(s)]
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
	case opExit:
		f.PC--
		e.Kind = EffExit
	default:
		p.declare(op, mem, f, shared)
	}
	if mem.Fault != "" {
		e.Kind = EffFault
	}
	return e
}

func (p *Program) set(op *Op, mem *Memory, f *Frame, shared []int64) {
	var vals [maxResults]int64
	for i, x := range op.args {
		vals[i] = p.eval(x, mem, f, shared)
	}
	for i, d := range op.dst {
		p.assign(d, vals[i], mem, f, shared)
	}
}

func (p *Program) assign(d *lvalue, v int64, mem *Memory, f *Frame, shared []int64) {
	switch d.kind {
	case lvSlot:
		mem.Slots[int64(f.Slots)+d.k] = v
	case lvShared:
		shared[d.k] = v
	case lvMem:
		mem.store(p.eval(d.a, mem, f, shared), d.k, v)
	case lvMap:
		mem.mapSet(d.pos, p.eval(d.a, mem, f, shared), p.eval(d.b, mem, f, shared), v)
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
		if len(mem.Slots) > maxSlots {
			mem.fault(op.pos, "own functions call each other too deep")
		}
	case site.Spec.Group == Syscall:
		e.Kind = EffSyscall
	case site.Spec.Group == Director:
		e.Kind = EffDirector
	default:
		e.Kind = EffLibrary
	}
	for i, n := range site.lens {
		if n > 0 && (e.Args[i+1] > n || e.Args[i+1] < 0) {
			mem.fault(op.pos, "a call may use more of a buffer than there is")
		}
	}
	if mem.Fault != "" {
		e.Kind = EffFault
	}
	return e
}

// Complete stores the results of the call that the last operation made.
func (p *Program) Complete(mem *Memory, f *Frame, shared []int64, results ...int64) {
	op := &p.Funcs[f.Func].Ops[f.PC-1]
	for i, d := range p.Calls[op.site].dst {
		if i < len(results) {
			p.assign(d, results[i], mem, f, shared)
		}
	}
}

// declare makes an array, a set or a map. Arrays have a fixed place in their
// function's data, so that a declaration in a loop reuses it.
func (p *Program) declare(op *Op, mem *Memory, f *Frame, shared []int64) {
	addr := DataBase + int64(f.Data) + int64(op.to)
	switch op.kind {
	case opArray:
		b, _ := mem.Writable(addr, op.x.k)
		clear(b)
	case opMap:
		addr = mem.newMap(op.pos)
	case opDelete:
		mem.mapDelete(p.eval(op.args[0], mem, f, shared), p.eval(op.args[1], mem, f, shared))
		return
	case opFdSet:
		b, _ := mem.Writable(addr, typ{kind: tFdSet}.elemSize())
		clear(b)
		for _, x := range op.args {
			if fd := p.eval(x, mem, f, shared); fd >= 0 && fd < 1024 {
				b[fd/8] |= 1 << (fd % 8)
			}
		}
	case opPollfds:
		for i := 0; i < len(op.args); i += 2 {
			at := addr + int64(i/2)*8
			mem.store(at, 4, p.eval(op.args[i], mem, f, shared))
			mem.store(at+4, 4, p.eval(op.args[i+1], mem, f, shared)&0xffff)
		}
	}
	p.assign(op.dst[0], addr, mem, f, shared)
}
