package program

import "go/ast"

// builtins are the calls that are a part of the language, with how many
// arguments they take; -1: any number.
var builtins = map[string]int{"len": 1, "addr": 1, "delete": 2, "fd_set": -1, "sigset": -1, "FD_ISSET": 2, "FD_SET": 2, "FD_CLR": 2, "FD_ZERO": 1}

func isBuiltin(name string) bool {
	_, ok := builtins[name]
	return ok
}

// isPure tells whether a call is a part of an expression, without an operation
// of its own.
func isPure(name string) bool {
	return name == "len" || name == "addr" || name == "FD_ISSET" || name == "sigset"
}

func (c *compiler) countArgs(name string, x *ast.CallExpr) {
	if want := builtins[name]; want >= 0 && len(x.Args) != want {
		c.fail(x.Pos(), "%s takes %d arguments, not %d", name, want, len(x.Args))
	}
}

// builtinValue compiles a builtin that gives a value.
func (c *compiler) builtinValue(name string, x *ast.CallExpr) *expr {
	c.countArgs(name, x)
	switch name {
	case "len":
		return c.length(x)
	case "addr":
		return c.address(x)
	case "sigset":
		return c.sigset(x)
	case "FD_ISSET":
		at, bit := c.inSet(x)
		shifted := &expr{op: xShr, a: &expr{op: xLoad8, a: at}, b: bit}
		return &expr{op: xAnd, a: shifted, b: number(1), typ: typ{kind: tIsSet}}
	case "fd_set":
		op, t, _ := c.makes(x)
		return c.made(op, t)
	}
	c.fail(x.Pos(), "%s returns nothing", name)
	return nil
}

// builtinStmt compiles a builtin that is a statement.
func (c *compiler) builtinStmt(name string, x *ast.CallExpr) {
	c.countArgs(name, x)
	switch name {
	case "delete":
		args := c.values(x.Args, func(i int, x ast.Expr) *expr { return c.want(x, c.value(x), [2]typKind{tMap, tInt}[i]) })
		c.emit(Op{kind: opDelete, pos: c.at(x.Pos()), args: args})
	case "FD_SET", "FD_CLR":
		at, bit := c.inSet(x)
		byteOp := xOr
		if name == "FD_CLR" {
			byteOp = xAndNot
		}
		v := &expr{op: byteOp, a: &expr{op: xLoad8, a: at}, b: &expr{op: xShl, a: number(1), b: bit}}
		c.emit(Op{kind: opSet, pos: c.at(x.Pos()), dst: []*lvalue{{kind: lvMem, k: 1, a: at}}, args: []*expr{v}})
	case "FD_ZERO":
		set := c.want(x.Args[0], c.value(x.Args[0]), tFdSet)
		op, t := c.fdSet(x, nil)
		op.dst = []*lvalue{{kind: lvCopy, k: t.size(), a: set}}
		c.emit(op)
	default:
		c.fail(x.Pos(), "%s gives a value that nobody uses", name)
	}
}

func (c *compiler) length(x *ast.CallExpr) *expr {
	a := c.value(x.Args[0])
	t := typ{kind: tInt}
	switch {
	case a.typ.n > 0:
		return number(a.typ.n)
	case a.typ.kind == tString:
		return &expr{op: xStrLen, a: a, typ: t}
	case a.typ.kind == tMap:
		return &expr{op: xMapLen, a: a, typ: t}
	}
	c.fail(x.Pos(), "%s has no length", a.typ)
	return nil
}

// address gives where an array, a structure or a string lies.
func (c *compiler) address(x *ast.CallExpr) *expr {
	a := c.value(x.Args[0])
	if a.typ.kind != tString && !a.typ.aggregate() {
		c.fail(x.Pos(), "%s does not lie in memory: addr takes an array or a string", a.typ)
	}
	return a.as(tInt)
}

// sigset gives a set of signals: bit n-1 is signal n.
func (c *compiler) sigset(x *ast.CallExpr) *expr {
	if len(x.Args) == 0 {
		c.fail(x.Pos(), "sigset takes at least one signal; the empty set is NULL")
	}
	var set int64
	for _, a := range x.Args {
		sig := c.constant(a)
		if sig < 1 || sig > 64 {
			c.fail(a.Pos(), "there is no signal %d", sig)
		}
		set |= 1 << (sig - 1)
	}
	return number(set)
}

// inSet gives the address of the byte and the number of the bit that (fd, set)
// is about.
func (c *compiler) inSet(x *ast.CallExpr) (at, bit *expr) {
	args := c.values(x.Args, func(i int, x ast.Expr) *expr { return c.want(x, c.value(x), [2]typKind{tInt, tFdSet}[i]) })
	at = &expr{op: xSetByte, a: args[1], b: args[0], pos: c.at(x.Pos())}
	return at, &expr{op: xAnd, a: args[0], b: number(7)}
}

// makes compiles what makes an array, a set or a map of its own: a literal or
// fd_set(…). ok is false for other expressions.
func (c *compiler) makes(x ast.Expr) (op Op, t typ, ok bool) {
	switch x := x.(type) {
	case *ast.CompositeLit:
		op, t = c.composite(x)
		return op, t, true
	case *ast.CallExpr:
		if name, _ := c.callName(x); name == "fd_set" {
			op, t = c.fdSet(x, x.Args)
			return op, t, true
		}
	}
	return op, t, false
}

// made emits op and gives what it makes.
func (c *compiler) made(op Op, t typ) *expr {
	x := c.hidden()
	x.typ = t
	op.dst = []*lvalue{{kind: lvSlot, k: x.k}}
	c.emit(op)
	return x
}

// composite makes map[int]int{} or []pollfd{{fd, events}, …}.
func (c *compiler) composite(x *ast.CompositeLit) (Op, typ) {
	if m, ok := x.Type.(*ast.MapType); ok && len(x.Elts) == 0 {
		return Op{kind: opMap, pos: c.at(x.Pos())}, c.typeOf(m)
	}
	a, ok := x.Type.(*ast.ArrayType)
	if ok {
		elem, isName := a.Elt.(*ast.Ident)
		ok = isName && elem.Name == "pollfd" && a.Len == nil && len(x.Elts) > 0
	}
	if !ok {
		c.fail(x.Pos(), "only map[int]int{} and []pollfd{{fd, events}, …} can be written like this")
	}
	var fields []ast.Expr
	for _, e := range x.Elts {
		fields = append(fields, c.pollfd(e)...)
	}
	t := typ{kind: tPollfds, n: int64(len(x.Elts)), slice: true}
	args := c.values(fields, func(_ int, x ast.Expr) *expr { return c.int(x) })
	return Op{kind: opPollfds, pos: c.at(x.Pos()), to: c.data(x.Pos(), t.size()), args: args}, t
}

// pollfd reads {fd, events} or {fd: fd, events: events}.
func (c *compiler) pollfd(e ast.Expr) (fields []ast.Expr) {
	lit, ok := e.(*ast.CompositeLit)
	if !ok || lit.Type != nil || len(lit.Elts) != 2 {
		c.fail(e.Pos(), "a pollfd is {fd, events}")
	}
	for i, x := range lit.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			key, _ := kv.Key.(*ast.Ident)
			if key == nil || key.Name != [2]string{"fd", "events"}[i] {
				c.fail(kv.Pos(), "a pollfd is {fd, events}")
			}
			x = kv.Value
		}
		fields = append(fields, x)
	}
	return fields
}

// fdSet makes the set of some descriptors.
func (c *compiler) fdSet(x *ast.CallExpr, fds []ast.Expr) (Op, typ) {
	t := typ{kind: tFdSet}
	args := c.values(fds, func(_ int, x ast.Expr) *expr { return c.int(x) })
	return Op{kind: opFdSet, pos: c.at(x.Pos()), to: c.data(x.Pos(), t.size()), args: args}, t
}
