package program

import (
	"go/ast"
	"go/token"
	"strconv"
)

// want checks a value's type.
func (c *compiler) want(at ast.Expr, x *expr, k typKind) *expr {
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
		a := c.value(x.X)
		return c.binary(x.OpPos, x.Op, a, c.value(x.Y))
	case *ast.IndexExpr:
		return c.index(x)
	case *ast.SelectorExpr:
		return c.field(x)
	case *ast.CallExpr:
		return c.callValue(x)
	}
	c.fail(x.Pos(), "this kind of expression is not part of the language")
	return nil
}

func (c *compiler) literal(x *ast.BasicLit) *expr {
	switch x.Kind {
	case token.INT:
		v, err := strconv.ParseInt(x.Value, 0, 64)
		if err != nil {
			c.fail(x.Pos(), "%s is not a 64-bit integer", x.Value)
		}
		return &expr{op: xConst, k: v, typ: typ{kind: tInt}}
	case token.CHAR:
		r, _, _, err := strconv.UnquoteChar(x.Value[1:], '\'')
		if err != nil {
			c.fail(x.Pos(), "%s is not a character", x.Value)
		}
		return &expr{op: xConst, k: int64(r), typ: typ{kind: tInt}}
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
	return &expr{op: xConst, k: RodataBase + int64(i)*RodataStride, typ: typ{kind: tString}}
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
		return &expr{op: xConst, k: k, typ: typ{kind: tInt}}
	}
	c.fail(id.Pos(), "unknown variable or constant %q%s", id.Name, nearest(id.Name, c.known(false)))
	return nil
}

func (c *compiler) unary(x *ast.UnaryExpr) *expr {
	v := c.value(x.X)
	op := map[token.Token]exprOp{token.SUB: xNeg, token.XOR: xInv, token.NOT: xNot}[x.Op]
	switch {
	case x.Op == token.NOT:
		c.want(x.X, v, tBool)
	case x.Op == token.ADD:
		return c.want(x.X, v, tInt)
	case op == 0:
		c.fail(x.Pos(), "%s is not part of the language", x.Op)
	default:
		c.want(x.X, v, tInt)
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
	return c.fold(x)
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
	t := &expr{op: xSlot, k: c.temp(), typ: typ{kind: tBool}}
	set := func(v *expr) {
		c.emit(Op{kind: opSet, pos: at, dst: []*lvalue{{kind: lvSlot, k: t.k}}, args: []*expr{v}})
	}
	set(a)
	test := t
	if op == xLogOr {
		test = &expr{op: xNot, a: t, typ: t.typ}
	}
	skip := c.emit(Op{kind: opUnless, pos: at, x: test})
	set(c.want(x.Y, c.value(x.Y), tBool))
	c.here(skip)
	return t
}

// hasCall tells whether an expression calls something that takes an operation.
func (c *compiler) hasCall(x ast.Expr) bool {
	found := false
	ast.Inspect(x, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			name, _ := c.callName(call)
			found = found || !isBuiltin(name)
		}
		return !found
	})
	return found
}

func (c *compiler) index(x *ast.IndexExpr) *expr {
	a := c.value(x.X)
	i := c.int(x.Index)
	at := c.at(x.Index.Pos())
	tInts := typ{kind: tInt}
	switch a.typ.kind {
	case tBytes:
		return &expr{op: xLoad8, a: c.element(x, a, i), typ: tInts}
	case tEvents, tPollfds:
		e := c.element(x, a, i)
		e.typ.kind += tEvent - tEvents
		return e
	case tString:
		return &expr{op: xStrByte, a: a, b: i, typ: tInts, pos: at}
	case tMap:
		return &expr{op: xMapGet, a: a, b: i, typ: tInts}
	}
	c.fail(x.Pos(), "%s has no elements", a.typ)
	return nil
}

// element is the address of an array's element.
func (c *compiler) element(x *ast.IndexExpr, a, i *expr) *expr {
	if i.op == xConst && (i.k < 0 || i.k >= a.typ.n) {
		c.fail(x.Index.Pos(), "index %d of an array of %d", i.k, a.typ.n)
	}
	return &expr{op: xElem, k: a.typ.n, a: a, b: i, typ: a.typ, pos: c.at(x.Index.Pos())}
}

// memberOf gives a field's place in its structure: offset, size, how to read it.
func memberOf(t typ, name string) (off, size int64, op exprOp, ok bool) {
	switch {
	case t.kind == tEvent && name == "events":
		return 0, 4, xLoad32, true
	case t.kind == tEvent && name == "fd":
		return 4, 4, xLoadS32, true
	case t.kind == tEvent && name == "data":
		return 4, 8, xLoad64, true
	case t.kind == tPollfd && name == "fd":
		return 0, 4, xLoadS32, true
	case t.kind == tPollfd && name == "events":
		return 4, 2, xLoad16, true
	case t.kind == tPollfd && name == "revents":
		return 6, 2, xLoad16, true
	}
	return 0, 0, 0, false
}

// member gives the address of "x.field", its size and how to read it.
func (c *compiler) member(x *ast.SelectorExpr) (addr *expr, size int64, op exprOp) {
	a := c.value(x.X)
	t := a.typ
	if t.kind == tEvents && t.n == 1 {
		t.kind = tEvent // var e epoll_event
	}
	off, size, op, ok := memberOf(t, x.Sel.Name)
	if !ok {
		c.fail(x.Sel.Pos(), "%s has no field %s", t, x.Sel.Name)
	}
	return &expr{op: xAdd, a: a, b: &expr{op: xConst, k: off}, typ: typ{kind: tInt}}, size, op
}

func (c *compiler) field(x *ast.SelectorExpr) *expr {
	addr, _, op := c.member(x)
	return &expr{op: op, a: addr, typ: typ{kind: tInt}}
}

// lvalue compiles the left side of an assignment of a value of type t.
func (c *compiler) lvalue(x ast.Expr, t typ) *lvalue {
	switch x := x.(type) {
	case *ast.Ident:
		if x.Name == "_" {
			return &lvalue{kind: lvBlank}
		}
		v, ok := c.lookup(x.Name)
		if !ok {
			c.fail(x.Pos(), "unknown variable %q%s", x.Name, nearest(x.Name, c.known(false)))
		}
		if v.typ.kind != t.kind || v.typ.n != t.n && v.typ.kind != tInt {
			c.fail(x.Pos(), "%s is %s, not %s", x.Name, v.typ, t)
		}
		kind := lvSlot
		if v.shared {
			kind = lvShared
		}
		return &lvalue{kind: kind, k: v.slot}
	case *ast.ParenExpr:
		return c.lvalue(x.X, t)
	case *ast.IndexExpr:
		a := c.value(x.X)
		if t.kind != tInt {
			c.fail(x.Pos(), "an element is an integer, not %s", t)
		}
		switch i := c.int(x.Index); a.typ.kind {
		case tBytes:
			return &lvalue{kind: lvMem, k: 1, a: c.element(x, a, i)}
		case tMap:
			return &lvalue{kind: lvMap, a: a, b: i, pos: c.at(x.Pos())}
		}
	case *ast.SelectorExpr:
		if t.kind != tInt {
			c.fail(x.Pos(), "a field is an integer, not %s", t)
		}
		addr, size, _ := c.member(x)
		return &lvalue{kind: lvMem, k: size, a: addr}
	}
	c.fail(x.Pos(), "this cannot be assigned to")
	return nil
}
