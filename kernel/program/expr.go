package program

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// expr is a side-effect free expression: an immutable tree that Exec evaluates.
// Whatever calls something has been taken out of it into an operation of its
// own.
type expr struct {
	op   exprOp
	k    int64 // a constant, a slot, a limit
	a, b *expr
	typ  typ
	pos  pos
}

type exprOp uint8

const (
	xConst  exprOp = iota
	xSlot          // local variable k
	xShared        // shared variable k
	xErrno         // the thread's errno
	xNeg           // -a
	xNot           // !a
	xInv           // ^a
	xAdd           // a + b, and so on
	xSub
	xMul
	xDiv
	xRem
	xSdiv // xDiv and xRem as Arm does them
	xSrem
	xAnd
	xOr
	xXor
	xShl
	xShr
	xAndNot
	xEq
	xNe
	xLt
	xLe
	xGt
	xGe
	xLogAnd
	xLogOr
	xElem   // address of element b of array a of k elements, of the type's size
	xLoad8  // the byte at a
	xLoad16 // and so on: little-endian
	xLoad32
	xLoad64
	xLoadS32 // sign-extended
	xStrLt   // string comparison
	xStrLe
	xStrLen
	xStrByte // byte b of string a
	xRune    // code point at byte b of string a
	xRuneLen // how many bytes it takes
	xMapGet  // element b of map a
	xMapLen
	xSetByte // address of the byte of set a that has descriptor b
)

// pos is a place in the program's text.
type pos struct{ line, col int32 }

// number is a constant.
func number(k int64) *expr { return &expr{op: xConst, k: k, typ: typ{kind: tInt}} }

// as is x with another type.
func (x *expr) as(k typKind) *expr {
	y := *x
	y.typ = typ{kind: k}
	return &y
}

// volatile tells whether a call can change the value: that of a shared variable,
// of errno and of memory. Local variables and maps are out of a call's reach.
func (x *expr) volatile() bool {
	if x == nil {
		return false
	}
	switch x.op {
	case xShared, xErrno, xLoad8, xLoad16, xLoad32, xLoadS32, xLoad64:
		return true
	}
	return x.a.volatile() || x.b.volatile()
}

// eval evaluates an expression in a frame. A fault is noted in mem; the value
// is then 0.
func (p *Program) eval(x *expr, mem *Memory, f *Frame, shared []int64) int64 {
	switch x.op {
	case xConst:
		return x.k
	case xSlot:
		return mem.Slots[int64(f.Slots)+x.k]
	case xShared:
		return shared[x.k]
	case xErrno:
		return mem.Errno
	case xLogAnd:
		if p.eval(x.a, mem, f, shared) == 0 {
			return 0
		}
		return p.eval(x.b, mem, f, shared)
	case xLogOr:
		if p.eval(x.a, mem, f, shared) != 0 {
			return 1
		}
		return p.eval(x.b, mem, f, shared)
	}
	a := p.eval(x.a, mem, f, shared)
	var b int64
	if x.b != nil {
		b = p.eval(x.b, mem, f, shared)
	}
	if x.op >= xElem {
		return p.evalMemory(x, mem, a, b)
	}
	return mem.arith(x, a, b)
}

func (mem *Memory) arith(x *expr, a, b int64) int64 {
	switch x.op {
	case xNeg:
		return -a
	case xNot:
		return 1 - a
	case xInv:
		return ^a
	case xAdd:
		return a + b
	case xSub:
		return a - b
	case xMul:
		return a * b
	case xDiv, xRem:
		return mem.divide(x, a, b)
	case xSdiv, xSrem:
		if b == 0 {
			return sdivZero(x.op, a)
		}
		return mem.divide(x, a, b)
	case xAnd:
		return a & b
	case xOr:
		return a | b
	case xXor:
		return a ^ b
	case xAndNot:
		return a &^ b
	case xShl, xShr:
		if b < 0 {
			mem.fault(x.pos, "a shift by a negative number")
			return 0
		}
		if x.op == xShl {
			return a << uint64(b)
		}
		return a >> uint64(b)
	case xEq:
		return truth(a == b)
	case xNe:
		return truth(a != b)
	case xLt:
		return truth(a < b)
	case xLe:
		return truth(a <= b)
	case xGt:
		return truth(a > b)
	default:
		return truth(a >= b)
	}
}

func (mem *Memory) divide(x *expr, a, b int64) int64 {
	switch {
	case b == 0:
		mem.fault(x.pos, "a division by zero")
		mem.divided = true
		return 0
	case b == -1 && a == math.MinInt64: // overflows, as in Go
		if x.op == xDiv || x.op == xSdiv {
			return a
		}
		return 0
	case x.op == xDiv || x.op == xSdiv:
		return a / b
	}
	return a % b
}

// sdivZero is what comes of a division by zero on Arm: SDIV gives 0 and raises
// nothing; there is no instruction for the remainder, which compilers make of SDIV
// and MSUB: a - 0*b (Arm ARM, SDIV).
func sdivZero(op exprOp, a int64) int64 {
	if op == xSrem {
		return a
	}
	return 0
}

func truth(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

func (p *Program) evalMemory(x *expr, mem *Memory, a, b int64) int64 {
	switch x.op {
	case xElem:
		if b < 0 || b >= x.k {
			mem.fault(x.pos, "an index out of range")
			return 0
		}
		return a + b*x.typ.elemSize()
	case xStrLt:
		return truth(p.String(a) < p.String(b))
	case xStrLe:
		return truth(p.String(a) <= p.String(b))
	case xStrLen:
		return int64(len(p.String(a)))
	case xStrByte:
		s := p.String(a)
		if b < 0 || b >= int64(len(s)) {
			mem.fault(x.pos, "an index out of range")
			return 0
		}
		return int64(s[b])
	case xRune, xRuneLen:
		s := p.String(a)
		r, n := utf8.DecodeRuneInString(s[min(b, int64(len(s))):])
		if x.op == xRuneLen {
			return int64(n)
		}
		return int64(r)
	case xMapGet:
		return mem.mapGet(a, b)
	case xMapLen:
		return int64(len(mem.pairs(a)))
	case xSetByte:
		return mem.setByte(x.pos, a, b)
	case xLoad8:
		return mem.load(a, 1)
	case xLoad16:
		return mem.load(a, 2)
	case xLoad32:
		return mem.load(a, 4)
	case xLoadS32:
		return int64(int32(mem.load(a, 4)))
	}
	return mem.load(a, 8)
}

// setByte is the address of the byte of a set that has a descriptor's bit. C has
// no meaning for a descriptor outside of a set (select(2)).
func (mem *Memory) setByte(at pos, set Addr, fd int64) Addr {
	if fd < 0 || fd >= setSize {
		mem.fault(at, fmt.Sprintf("an fd_set holds the descriptors 0 to %d, not %d", setSize-1, fd))
		return 0
	}
	return set + fd/8
}
