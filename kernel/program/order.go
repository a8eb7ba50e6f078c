package program

import (
	"go/ast"
	"go/token"
)

// values compiles expressions from left to right. Go leaves open whether a
// variable is read before or after a call that changes it; here the order is
// that of the text.
func (c *compiler) values(xs []ast.Expr, one func(int, ast.Expr) *expr) (out []*expr) {
	last := c.lastCall(xs)
	for i, x := range xs {
		v := one(i, x)
		if i < last {
			v = c.settle(x.Pos(), v)
		}
		out = append(out, v)
	}
	return out
}

// settle keeps a value that a call could change.
func (c *compiler) settle(at token.Pos, x *expr) *expr {
	if x.volatile() {
		return c.hold(c.at(at), x)
	}
	return x
}

// lastCall is the place of the last expression that calls something, or -1.
func (c *compiler) lastCall(xs []ast.Expr) int {
	for i := len(xs) - 1; i >= 0; i-- {
		if c.hasCall(xs[i]) {
			return i
		}
	}
	return -1
}

// hasCall tells whether an expression takes operations of its own.
func (c *compiler) hasCall(x ast.Expr) bool {
	found := false
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name, _ := c.callName(n)
			found = found || !isPure(name)
		case *ast.CompositeLit:
			found = true
		}
		return !found
	})
	return found
}

// hidden is a variable without a name.
func (c *compiler) hidden() *expr { return &expr{op: xSlot, k: c.temp(), typ: typ{kind: tInt}} }

// setSlot is the operation "slot = x".
func setSlot(at pos, slot, x *expr) Op {
	return Op{kind: opSet, pos: at, dst: []*lvalue{{kind: lvSlot, k: slot.k}}, args: []*expr{x}}
}

// hold keeps a value in a slot.
func (c *compiler) hold(at pos, x *expr) *expr {
	if x.op == xConst {
		return x
	}
	t := &expr{op: xSlot, k: c.temp(), typ: x.typ}
	c.emit(setSlot(at, t, x))
	return t
}
