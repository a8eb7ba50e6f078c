package program

import (
	"go/ast"
	"go/token"
)

// target is what stands on the left side of an assignment.
type target struct {
	name *ast.Ident // a variable that := declares once the type is known
	lv   *lvalue
	read *expr // its value; nil if it has none yet
	at   token.Pos
}

// targets compiles the left side of an assignment: whatever it calls is called
// before the right side, as in Go.
func (c *compiler) targets(tok token.Token, at token.Pos, lhs []ast.Expr, rhs ...ast.Expr) (out []target) {
	if tok != token.DEFINE {
		last := c.lastCall(append(lhs[:len(lhs):len(lhs)], rhs...))
		for i, l := range lhs {
			out = append(out, c.target(l, i < last))
		}
		return out
	}
	fresh, seen := false, map[string]bool{}
	for _, l := range lhs {
		id, ok := l.(*ast.Ident)
		if !ok {
			c.fail(l.Pos(), "only a name can be declared")
		}
		if id.Name != "_" && seen[id.Name] {
			c.fail(id.Pos(), "%s is declared twice", id.Name)
		}
		seen[id.Name] = true
		if _, old := c.scope.vars[id.Name]; old || id.Name == "_" {
			out = append(out, c.target(id, false))
			continue
		}
		fresh = true
		out = append(out, target{name: id, at: id.Pos()})
	}
	if !fresh {
		c.fail(at, "no new variable on the left side of :=")
	}
	return out
}

// target compiles one left side that exists; settle tells that a call follows
// which must not move it.
func (c *compiler) target(x ast.Expr, settle bool) target {
	t := target{at: x.Pos()}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return c.target(x.X, settle)
	case *ast.Ident:
		if x.Name == "_" {
			t.lv = &lvalue{kind: lvBlank}
			return t
		}
		v, ok := c.lookup(x.Name)
		if !ok {
			c.fail(x.Pos(), "unknown variable %q%s", x.Name, Nearest(x.Name, c.known(false)))
		}
		t.read = c.name(x)
		t.lv = &lvalue{kind: lvSlot, k: v.slot}
		if v.shared {
			t.lv.kind = lvShared
		}
	case *ast.IndexExpr, *ast.SelectorExpr:
		t.read = c.value(x)
		if settle {
			t.read = c.settleParts(x.Pos(), t.read)
		}
		t.lv = c.stored(x, t.read)
	default:
		c.fail(x.Pos(), "this cannot be assigned to")
	}
	if t.read.typ.aggregate() {
		t.lv = &lvalue{kind: lvCopy, k: t.read.typ.size(), a: t.read}
	}
	return t
}

// settleParts keeps the address, or the map and the key, of an element.
func (c *compiler) settleParts(at token.Pos, x *expr) *expr {
	if x.typ.aggregate() {
		return c.settle(at, x)
	}
	y := *x
	y.a = c.settle(at, x.a)
	if x.b != nil {
		y.b = c.settle(at, x.b)
	}
	return &y
}

// stored turns the reading of an element or a field into its writing.
func (c *compiler) stored(x ast.Expr, read *expr) *lvalue {
	switch read.op {
	case xLoad8:
		return &lvalue{kind: lvMem, k: 1, a: read.a}
	case xLoad16:
		return &lvalue{kind: lvMem, k: 2, a: read.a}
	case xLoad32, xLoadS32:
		return &lvalue{kind: lvMem, k: 4, a: read.a}
	case xLoad64:
		return &lvalue{kind: lvMem, k: 8, a: read.a}
	case xMapGet:
		return &lvalue{kind: lvMap, a: read.a, b: read.b, pos: c.at(x.Pos())}
	}
	if !read.typ.aggregate() {
		c.fail(x.Pos(), "this cannot be assigned to")
	}
	return nil // target makes it a copy
}

// bind makes a target take values of a type.
func (c *compiler) bind(t target, typ typ) *lvalue {
	switch {
	case t.name != nil:
		return &lvalue{kind: lvSlot, k: c.declare(t.name, typ).slot}
	case t.read != nil && t.read.typ != typ:
		c.fail(t.at, "this is %s, not %s", t.read.typ, typ)
	}
	return t.lv
}

// assignable checks that a value can be stored, and settles its type.
func (c *compiler) assignable(at token.Pos, x *expr) *expr {
	switch {
	case x.typ.slice:
		c.fail(at, "a slice has one name here: it cannot be assigned to another")
	case x.typ.kind == tIsSet:
		return x.as(tInt)
	}
	return x
}

// assign emits "targets = values". An array or a structure is copied, as in Go.
func (c *compiler) assign(at token.Pos, targets []target, values []*expr) {
	op := Op{kind: opSet, pos: c.at(at), args: values}
	for i, x := range values {
		if !x.typ.aggregate() {
			continue
		}
		if len(values) > 1 {
			c.fail(targets[i].at, "an array or a structure is assigned on its own")
		}
		if targets[i].name != nil {
			op = c.copyOf(at, x)
		}
	}
	for i, x := range values {
		op.dst = append(op.dst, c.bind(targets[i], x.typ))
	}
	c.emit(op)
}

// copyOf makes a copy of an array, a set or a structure in memory of its own.
func (c *compiler) copyOf(at token.Pos, x *expr) Op {
	size := x.typ.size()
	return Op{kind: opArray, pos: c.at(at), to: c.data(at, size), x: &expr{k: size}, args: []*expr{x}}
}

// construct gives a target what op makes: a new variable lies where op makes it,
// another one gets a copy.
func (c *compiler) construct(at token.Pos, t target, op Op, typ typ) {
	op.pos = c.at(at)
	op.dst = []*lvalue{c.bind(t, typ)}
	c.emit(op)
}
