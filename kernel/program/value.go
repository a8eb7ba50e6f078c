package program

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// want checks a value's type.
func (c *compiler) want(at ast.Expr, x *expr, k typKind) *expr {
	if x.typ.kind == tIsSet && (k == tInt || k == tBool) {
		return x.as(k)
	}
	if x.typ.kind != k {
		c.fail(at.Pos(), "%s where %s is needed", x.typ, typ{kind: k})
	}
	return x
}

// int compiles a value that must be an integer.
func (c *compiler) int(x ast.Expr) *expr { return c.want(x, c.value(x), tInt) }

// value compiles an expression. Calls in it become operations of their own,
// before the one that uses the value, from left to right.
func (c *compiler) value(x ast.Expr) *expr {
	c.deeper(x.Pos())
	defer func() { c.nest-- }()
	switch x := x.(type) {
	case *ast.ParenExpr:
		return c.value(x.X)
	case *ast.BasicLit:
		return c.literal(x)
	case *ast.Ident:
		return c.name(x)
	case *ast.UnaryExpr:
		return c.unary(x)
	case *ast.BinaryExpr:
		if x.Op == token.LAND || x.Op == token.LOR {
			return c.logical(x)
		}
		ab := c.values([]ast.Expr{x.X, x.Y}, func(_ int, x ast.Expr) *expr { return c.value(x) })
		return c.binary(x.OpPos, x.Op, ab[0], ab[1])
	case *ast.IndexExpr:
		return c.index(x)
	case *ast.SelectorExpr:
		return c.field(x)
	case *ast.CallExpr:
		return c.callValue(x)
	case *ast.CompositeLit:
		op, t, _ := c.makes(x)
		return c.made(op, t)
	}
	c.fail(x.Pos(), "this kind of expression is not part of the language")
	return nil
}

func (c *compiler) literal(x *ast.BasicLit) *expr {
	switch x.Kind {
	case token.INT:
		v, err := strconv.ParseInt(x.Value, 0, 64)
		if u, high := strconv.ParseUint(x.Value, 0, 64); err != nil && high == nil && strings.HasPrefix(x.Value, "0x") {
			return number(int64(u)) // the address of something in the upper half
		}
		if err != nil {
			c.fail(x.Pos(), "%s is not a 64-bit integer", x.Value)
		}
		return number(v)
	case token.CHAR:
		r, _, _, err := strconv.UnquoteChar(x.Value[1:], '\'')
		if err != nil {
			c.fail(x.Pos(), "%s is not a character", x.Value)
		}
		return number(int64(r))
	case token.STRING:
		s, err := strconv.Unquote(x.Value)
		if err != nil {
			c.fail(x.Pos(), "%s is not a string", x.Value)
		}
		return c.str(s)
	}
	c.fail(x.Pos(), "only integers and strings: %s", x.Value)
	return nil
}

// str gives a string constant; the same contents have the same address.
func (c *compiler) str(s string) *expr {
	i, ok := c.consts[s]
	if !ok {
		i = len(c.prog.Consts)
		c.consts[s] = i
		c.prog.Consts = append(c.prog.Consts, s)
	}
	return &expr{op: xConst, k: c.prog.ConstAt(i), typ: typ{kind: tString}}
}

// constant compiles an integer that is known here.
func (c *compiler) constant(x ast.Expr) int64 {
	v := c.int(x)
	if v.op != xConst {
		c.fail(x.Pos(), "a constant is needed here")
	}
	return v.k
}

func (c *compiler) name(id *ast.Ident) *expr {
	if v, ok := c.lookup(id.Name); ok {
		if v.shared {
			return &expr{op: xShared, k: v.slot, typ: v.typ}
		}
		return &expr{op: xSlot, k: v.slot, typ: v.typ}
	}
	switch id.Name {
	case "true", "false":
		return &expr{op: xConst, k: truth(id.Name == "true"), typ: typ{kind: tBool}}
	case "errno":
		return &expr{op: xErrno, typ: typ{kind: tInt}}
	}
	if k, ok := constants[id.Name]; ok {
		if strings.HasPrefix(id.Name, "SYS_") {
			k = c.callNumber(id, k)
		}
		return number(k)
	}
	c.fail(id.Pos(), "unknown variable or constant %q%s", id.Name, Nearest(id.Name, c.known(false)))
	return nil
}

func (c *compiler) unary(x *ast.UnaryExpr) *expr {
	if lit, ok := x.X.(*ast.BasicLit); ok && x.Op == token.SUB && lit.Kind == token.INT {
		if k, err := strconv.ParseInt("-"+lit.Value, 0, 64); err == nil {
			return number(k) // the least integer is not minus another one
		}
	}
	v := c.value(x.X)
	op := map[token.Token]exprOp{token.SUB: xNeg, token.XOR: xInv, token.NOT: xNot}[x.Op]
	switch {
	case x.Op == token.NOT:
		v = c.want(x.X, v, tBool)
	case x.Op == token.ADD:
		return c.want(x.X, v, tInt)
	case op == 0:
		c.fail(x.Pos(), "%s is not part of the language", x.Op)
	default:
		v = c.want(x.X, v, tInt)
	}
	return c.fold(&expr{op: op, a: v, typ: v.typ, pos: c.at(x.Pos())})
}

var binaryOps = map[token.Token]exprOp{
	token.ADD: xAdd, token.SUB: xSub, token.MUL: xMul, token.QUO: xDiv, token.REM: xRem, token.AND: xAnd, token.OR: xOr,
	token.XOR: xXor, token.SHL: xShl, token.SHR: xShr, token.AND_NOT: xAndNot,
	token.EQL: xEq, token.NEQ: xNe, token.LSS: xLt, token.LEQ: xLe, token.GTR: xGt, token.GEQ: xGe,
}

func (c *compiler) binary(at token.Pos, tok token.Token, a, b *expr) *expr {
	op, ok := binaryOps[tok]
	if !ok {
		c.fail(at, "%s is not part of the language", tok)
	}
	a, b = a.beside(b), b.beside(a)
	if a.typ.kind != b.typ.kind {
		c.fail(at, "%s %s %s", a.typ, tok, b.typ)
	}
	x := &expr{op: op, a: a, b: b, typ: typ{kind: tInt}, pos: c.at(at)}
	compares := op >= xEq && op <= xGe
	if compares {
		x.typ.kind = tBool
	}
	switch a.typ.kind {
	case tInt:
	case tString:
		return c.stringOp(at, tok, x)
	case tBool:
		if op != xEq && op != xNe {
			c.fail(at, "%s between booleans", tok)
		}
	default:
		c.fail(at, "%s with %s", tok, a.typ)
	}
	return c.divides(c.fold(x))
}

// divides makes a division that is left for the run one of the processor's.
func (c *compiler) divides(x *expr) *expr {
	switch {
	case !c.env.ABI.arm():
	case x.op == xDiv:
		x.op = xSdiv
	case x.op == xRem:
		x.op = xSrem
	}
	return x
}

// beside is x as an operand together with y: what FD_ISSET gives can be compared
// with a number and with a boolean.
func (x *expr) beside(y *expr) *expr {
	switch {
	case x.typ.kind != tIsSet:
		return x
	case y.typ.kind == tBool:
		return x.as(tBool)
	}
	return x.as(tInt)
}

func (c *compiler) stringOp(at token.Pos, tok token.Token, x *expr) *expr {
	switch tok {
	case token.ADD:
		if x.a.op != xConst || x.b.op != xConst {
			c.fail(at, "only constant strings can be joined")
		}
		return c.str(c.prog.String(x.a.k) + c.prog.String(x.b.k))
	case token.EQL, token.NEQ: // equal strings have equal addresses
	case token.LSS:
		x.op = xStrLt
	case token.LEQ:
		x.op = xStrLe
	case token.GTR:
		x.op, x.a, x.b = xStrLt, x.b, x.a
	case token.GEQ:
		x.op, x.a, x.b = xStrLe, x.b, x.a
	default:
		c.fail(at, "%s between strings", tok)
	}
	return x
}

// fold computes what is constant; what would fault is an error here.
func (c *compiler) fold(x *expr) *expr {
	if x.a.op != xConst || x.b != nil && x.b.op != xConst {
		return x
	}
	var b int64
	if x.b != nil {
		b = x.b.k
	}
	var mem Memory
	v := mem.arith(x, x.a.k, b)
	if mem.Fault != "" {
		panic(&Error{int(x.pos.line), int(x.pos.col), mem.Fault[len("line ")+len(strconv.Itoa(int(x.pos.line)))+2:]})
	}
	return &expr{op: xConst, k: v, typ: x.typ}
}

// logical compiles && and ||. When the right side calls something, it must be
// skipped as a whole.
func (c *compiler) logical(x *ast.BinaryExpr) *expr {
	a := c.want(x.X, c.value(x.X), tBool)
	op := xLogAnd
	if x.Op == token.LOR {
		op = xLogOr
	}
	if !c.hasCall(x.Y) {
		return &expr{op: op, a: a, b: c.want(x.Y, c.value(x.Y), tBool), typ: typ{kind: tBool}}
	}
	at := c.at(x.Pos())
	t := c.hidden().as(tBool)
	c.emit(setSlot(at, t, a))
	test := t
	if op == xLogOr {
		test = &expr{op: xNot, a: t, typ: t.typ}
	}
	skip := c.emit(Op{kind: opUnless, pos: at, x: test})
	c.emit(setSlot(at, t, c.want(x.Y, c.value(x.Y), tBool)))
	c.here(skip)
	return t
}

func (c *compiler) index(x *ast.IndexExpr) *expr {
	ai := c.values([]ast.Expr{x.X, x.Index}, func(_ int, x ast.Expr) *expr { return c.value(x) })
	a, i := ai[0], c.want(x.Index, ai[1], tInt)
	at := c.at(x.Index.Pos())
	switch {
	case a.typ.n > 0:
		if i.op == xConst && (i.k < 0 || i.k >= a.typ.n) {
			c.fail(x.Index.Pos(), "index %d of an array of %d", i.k, a.typ.n)
		}
		elem := &expr{op: xElem, k: a.typ.n, a: a, b: i, typ: a.typ.elem(), pos: at}
		if a.typ.kind == tBytes {
			return &expr{op: xLoad8, a: elem, typ: elem.typ}
		}
		return elem
	case a.typ.kind == tString:
		return &expr{op: xStrByte, a: a, b: i, typ: typ{kind: tInt}, pos: at}
	case a.typ.kind == tMap:
		return &expr{op: xMapGet, a: a, b: i, typ: typ{kind: tInt}}
	}
	c.fail(x.Pos(), "%s has no elements", a.typ)
	return nil
}

func (c *compiler) field(x *ast.SelectorExpr) *expr {
	a := c.value(x.X)
	off, op, ok := memberOf(a.typ, x.Sel.Name)
	if !ok {
		c.fail(x.Sel.Pos(), "%s has no field %s", a.typ, x.Sel.Name)
	}
	return &expr{op: op, a: &expr{op: xAdd, a: a, b: number(off), typ: typ{kind: tInt}}, typ: typ{kind: tInt}}
}
