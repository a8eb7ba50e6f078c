package program

import (
	"go/ast"
	"go/token"
)

func (c *compiler) block(list []ast.Stmt) {
	c.push()
	for _, s := range list {
		c.stmt(s)
	}
	c.pop()
}

func (c *compiler) stmt(s ast.Stmt) {
	c.deeper(s.Pos())
	defer func() { c.nest-- }()
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok {
			c.fail(s.Pos(), "a value that nobody uses")
		}
		c.call(call, nil)
	case *ast.AssignStmt:
		c.assignStmt(s)
	case *ast.IncDecStmt:
		op := token.ADD
		if s.Tok == token.DEC {
			op = token.SUB
		}
		x := c.binary(s.Pos(), op, c.int(s.X), &expr{op: xConst, k: 1, typ: typ{kind: tInt}})
		c.emit(Op{kind: opSet, pos: c.at(s.Pos()), dst: []*lvalue{c.lvalue(s.X, typ{kind: tInt})}, args: []*expr{x}})
	case *ast.DeclStmt:
		c.declStmt(s)
	case *ast.BlockStmt:
		c.block(s.List)
	case *ast.IfStmt:
		c.ifStmt(s)
	case *ast.ForStmt:
		c.forStmt(s)
	case *ast.RangeStmt:
		c.rangeStmt(s)
	case *ast.SwitchStmt:
		c.switchStmt(s)
	case *ast.BranchStmt:
		c.branchStmt(s)
	case *ast.ReturnStmt:
		c.returnStmt(s)
	case *ast.EmptyStmt:
	default:
		c.fail(s.Pos(), "this kind of statement is not part of the language")
	}
}

var assignOps = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB, token.MUL_ASSIGN: token.MUL, token.QUO_ASSIGN: token.QUO,
	token.REM_ASSIGN: token.REM, token.AND_ASSIGN: token.AND, token.OR_ASSIGN: token.OR, token.XOR_ASSIGN: token.XOR,
	token.SHL_ASSIGN: token.SHL, token.SHR_ASSIGN: token.SHR, token.AND_NOT_ASSIGN: token.AND_NOT,
}

func (c *compiler) assignStmt(s *ast.AssignStmt) {
	if len(s.Lhs) > maxResults {
		c.fail(s.Pos(), "more than %d values", maxResults)
	}
	if op, ok := assignOps[s.Tok]; ok {
		x := c.binary(s.TokPos, op, c.value(s.Lhs[0]), c.value(s.Rhs[0]))
		c.emit(Op{kind: opSet, pos: c.at(s.Pos()), dst: []*lvalue{c.lvalue(s.Lhs[0], x.typ)}, args: []*expr{x}})
		return
	}
	if len(s.Rhs) == 1 {
		switch r := s.Rhs[0].(type) {
		case *ast.CallExpr:
			if c.assignCall(s, r) {
				return
			}
		case *ast.CompositeLit:
			c.composite(s, r)
			return
		}
	}
	if len(s.Lhs) != len(s.Rhs) {
		c.fail(s.Pos(), "%d variables, %d values", len(s.Lhs), len(s.Rhs))
	}
	op := Op{kind: opSet, pos: c.at(s.Pos())}
	for _, r := range s.Rhs {
		x := c.value(r)
		if x.typ.kind == tVoid {
			c.fail(r.Pos(), "a call that returns nothing")
		}
		op.args = append(op.args, x)
	}
	op.dst = c.targets(s, func(i int) typ { return op.args[i].typ })
	c.emit(op)
}

// targets are the left sides of an assignment; := declares those that are new.
func (c *compiler) targets(s *ast.AssignStmt, typeOf func(int) typ) (dst []*lvalue) {
	fresh := false
	for i, l := range s.Lhs {
		id, isIdent := l.(*ast.Ident)
		if s.Tok != token.DEFINE {
			dst = append(dst, c.lvalue(l, typeOf(i)))
			continue
		}
		if !isIdent {
			c.fail(l.Pos(), "only a name can be declared")
		}
		if _, old := c.scope.vars[id.Name]; old || id.Name == "_" {
			dst = append(dst, c.lvalue(l, typeOf(i)))
			continue
		}
		fresh = true
		dst = append(dst, &lvalue{kind: lvSlot, k: c.declare(id, typeOf(i)).slot})
	}
	if s.Tok == token.DEFINE && !fresh {
		c.fail(s.TokPos, "no new variable on the left side of :=")
	}
	return dst
}

// assignCall handles "a, b := f(…)": the call's results go straight to their
// places. It returns false for what looks like a call and is a value.
func (c *compiler) assignCall(s *ast.AssignStmt, r *ast.CallExpr) bool {
	name, ok := c.callName(r)
	if !ok || isBuiltin(name) {
		if name == "fd_set" {
			c.fdSet(s, r)
			return true
		}
		return false
	}
	site := c.call(r, func(results int) {
		if results != len(s.Lhs) {
			c.fail(s.Pos(), "%d variables, but %s returns %d", len(s.Lhs), name, results)
		}
	})
	c.prog.Calls[site].dst = c.targets(s, func(int) typ { return typ{kind: tInt} })
	return true
}

func (c *compiler) declStmt(s *ast.DeclStmt) {
	d, ok := s.Decl.(*ast.GenDecl)
	if !ok || d.Tok != token.VAR {
		c.fail(s.Pos(), "only variables can be declared here")
	}
	for _, sp := range d.Specs {
		v := sp.(*ast.ValueSpec)
		if len(v.Values) > 0 {
			as := &ast.AssignStmt{Tok: token.DEFINE, TokPos: v.Pos(), Rhs: v.Values}
			for _, n := range v.Names {
				as.Lhs = append(as.Lhs, n)
			}
			if v.Type != nil {
				c.fail(v.Type.Pos(), "a variable with a value needs no type")
			}
			c.assignStmt(as)
			continue
		}
		for _, n := range v.Names {
			c.varDecl(n, v.Type)
		}
	}
}

func (c *compiler) varDecl(n *ast.Ident, x ast.Expr) {
	t := c.typeOf(x)
	at := c.at(n.Pos())
	op := Op{kind: opSet, pos: at, args: []*expr{{op: xConst, typ: t}}}
	switch t.kind {
	case tMap:
		op.kind = opMap
	case tString:
		op.args[0] = c.str("")
	case tBytes, tEvents, tPollfds, tFdSet:
		size := t.elemSize() * max(t.n, 1)
		op = Op{kind: opArray, pos: at, to: c.data(n.Pos(), size), x: &expr{k: size}}
	}
	op.dst = []*lvalue{{kind: lvSlot, k: c.declare(n, t).slot}}
	c.emit(op)
}

// typeOf reads a type expression.
func (c *compiler) typeOf(x ast.Expr) typ {
	switch t := x.(type) {
	case *ast.Ident:
		switch t.Name {
		case "int":
			return typ{kind: tInt}
		case "bool":
			return typ{kind: tBool}
		case "string":
			return typ{kind: tString}
		case "epoll_event":
			return typ{kind: tEvents, n: 1}
		case "fd_set":
			return typ{kind: tFdSet}
		}
	case *ast.ArrayType:
		elem, _ := t.Elt.(*ast.Ident)
		if elem == nil || t.Len == nil {
			break
		}
		n := c.constant(t.Len)
		if n < 1 || n > maxData {
			c.fail(t.Len.Pos(), "an array of %d elements", n)
		}
		switch elem.Name {
		case "byte":
			return typ{tBytes, n}
		case "epoll_event":
			return typ{tEvents, n}
		case "pollfd":
			return typ{tPollfds, n}
		}
	case *ast.MapType:
		k, _ := t.Key.(*ast.Ident)
		v, _ := t.Value.(*ast.Ident)
		if k != nil && v != nil && k.Name == "int" && v.Name == "int" {
			return typ{kind: tMap}
		}
	}
	c.fail(x.Pos(), "not a type of the language: int, bool, string, [n]byte, [n]epoll_event, [n]pollfd, map[int]int, fd_set")
	return typ{}
}

// composite handles map[int]int{} and []pollfd{…}.
func (c *compiler) composite(s *ast.AssignStmt, r *ast.CompositeLit) {
	op := Op{pos: c.at(s.Pos())}
	var t typ
	if a, ok := r.Type.(*ast.ArrayType); ok && a.Len == nil {
		elem, _ := a.Elt.(*ast.Ident)
		if elem == nil || elem.Name != "pollfd" || len(r.Elts) == 0 {
			c.fail(r.Pos(), "only []pollfd{{fd, events}, …} can be written like this")
		}
		t = typ{tPollfds, int64(len(r.Elts))}
		op.kind, op.to = opPollfds, c.data(r.Pos(), t.n*8)
		for _, e := range r.Elts {
			lit, ok := e.(*ast.CompositeLit)
			if !ok || len(lit.Elts) != 2 {
				c.fail(e.Pos(), "a pollfd is {fd, events}")
			}
			op.args = append(op.args, c.int(lit.Elts[0]), c.int(lit.Elts[1]))
		}
	} else {
		if t = c.typeOf(r.Type); t.kind != tMap || len(r.Elts) > 0 {
			c.fail(r.Pos(), "only map[int]int{} can be written like this")
		}
		op.kind = opMap
	}
	if len(s.Lhs) != 1 {
		c.fail(s.Pos(), "%d variables, 1 value", len(s.Lhs))
	}
	op.dst = c.targets(s, func(int) typ { return t })
	c.emit(op)
}

// fdSet handles r := fd_set(s, t).
func (c *compiler) fdSet(s *ast.AssignStmt, r *ast.CallExpr) {
	t := typ{kind: tFdSet}
	op := Op{kind: opFdSet, pos: c.at(s.Pos()), to: c.data(r.Pos(), t.elemSize())}
	for _, a := range r.Args {
		op.args = append(op.args, c.int(a))
	}
	op.dst = c.targets(s, func(int) typ { return t })
	c.emit(op)
}

func (c *compiler) ifStmt(s *ast.IfStmt) {
	c.push()
	defer c.pop()
	if s.Init != nil {
		c.stmt(s.Init)
	}
	skip := c.unless(s.Cond)
	c.block(s.Body.List)
	if s.Else == nil {
		c.here(skip)
		return
	}
	end := c.emit(Op{kind: opJump, pos: c.at(s.Else.Pos())})
	c.here(skip)
	c.stmt(s.Else)
	c.here(end)
}

// unless emits a condition and gives the jump that is taken if it fails.
func (c *compiler) unless(cond ast.Expr) int {
	x := c.value(cond)
	c.want(cond, x, tBool)
	return c.emit(Op{kind: opUnless, pos: c.at(cond.Pos()), x: x})
}

func (c *compiler) forStmt(s *ast.ForStmt) {
	c.push()
	defer c.pop()
	if s.Init != nil {
		c.stmt(s.Init)
	}
	start := len(c.fn.Ops)
	l := &loop{}
	if s.Cond != nil {
		l.breaks = append(l.breaks, c.unless(s.Cond))
	}
	c.loops = append(c.loops, l)
	c.block(s.Body.List)
	c.here(l.continues...)
	if s.Post != nil {
		c.stmt(s.Post)
	}
	if len(c.fn.Ops) == start {
		c.emit(Op{kind: opNop, pos: c.at(s.Pos())}) // for {}: an operation all the same
	}
	c.emit(Op{kind: opJump, pos: c.at(s.Pos()), to: int32(start)})
	c.loops = c.loops[:len(c.loops)-1]
	c.here(l.breaks...)
}

// rangeStmt: a hidden variable counts the places; maps are walked in the order
// of their keys.
func (c *compiler) rangeStmt(s *ast.RangeStmt) {
	c.push()
	defer c.pop()
	x := c.value(s.X)
	at := c.at(s.Pos())
	over := c.hold(at, x)
	i := &expr{op: xSlot, k: c.temp(), typ: typ{kind: tInt}}
	setI := func(x *expr) {
		c.emit(Op{kind: opSet, pos: at, dst: []*lvalue{{kind: lvSlot, k: i.k}}, args: []*expr{x}})
	}
	var limit, key, val *expr
	key = i
	switch x.typ.kind {
	case tInt:
		limit = over
	case tMap:
		limit = &expr{op: xMapLen, a: over}
		key = &expr{op: xMapKey, a: over, b: i, typ: typ{kind: tInt}}
		val = &expr{op: xMapGet, a: over, b: key, typ: typ{kind: tInt}}
	case tBytes:
		limit = &expr{op: xConst, k: x.typ.n}
		val = &expr{op: xLoad8, a: &expr{op: xElem, k: x.typ.n, a: over, b: i, typ: x.typ}, typ: typ{kind: tInt}}
	case tEvents, tPollfds:
		limit = &expr{op: xConst, k: x.typ.n}
	case tString:
		limit = &expr{op: xStrLen, a: over}
		val = &expr{op: xStrByte, a: over, b: i, typ: typ{kind: tInt}}
	default:
		c.fail(s.X.Pos(), "cannot range over %s", x.typ)
	}
	setI(&expr{op: xConst})
	start := len(c.fn.Ops)
	l := &loop{}
	l.breaks = append(l.breaks, c.emit(Op{kind: opUnless, pos: at, x: &expr{op: xLt, a: i, b: limit}}))
	c.rangeVars(s, key, val)
	c.loops = append(c.loops, l)
	c.block(s.Body.List)
	c.loops = c.loops[:len(c.loops)-1]
	c.here(l.continues...)
	setI(&expr{op: xAdd, a: i, b: &expr{op: xConst, k: 1}})
	c.emit(Op{kind: opJump, pos: at, to: int32(start)})
	c.here(l.breaks...)
}

func (c *compiler) rangeVars(s *ast.RangeStmt, key, val *expr) {
	as := &ast.AssignStmt{Tok: s.Tok, TokPos: s.Pos()}
	var xs []*expr
	for i, v := range []ast.Expr{s.Key, s.Value} {
		if v == nil || isBlank(v) {
			continue
		}
		x := []*expr{key, val}[i]
		if x == nil {
			c.fail(v.Pos(), "there is no second value here: use the index")
		}
		as.Lhs = append(as.Lhs, v)
		xs = append(xs, x)
	}
	if len(xs) > 0 {
		c.emit(Op{kind: opSet, pos: c.at(s.Pos()), args: xs, dst: c.targets(as, func(i int) typ { return xs[i].typ })})
	}
}

func isBlank(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == "_"
}

// hold keeps a value in a slot.
func (c *compiler) hold(at pos, x *expr) *expr {
	if x.op == xConst {
		return x
	}
	t := &expr{op: xSlot, k: c.temp(), typ: x.typ}
	c.emit(Op{kind: opSet, pos: at, dst: []*lvalue{{kind: lvSlot, k: t.k}}, args: []*expr{x}})
	return t
}

func (c *compiler) switchStmt(s *ast.SwitchStmt) {
	c.push()
	defer c.pop()
	if s.Init != nil {
		c.stmt(s.Init)
	}
	var tag *expr
	if s.Tag != nil {
		tag = c.hold(c.at(s.Tag.Pos()), c.value(s.Tag))
	}
	l := &loop{isSwitch: true}
	c.loops = append(c.loops, l)
	var def *ast.CaseClause
	for _, cl := range s.Body.List {
		cc := cl.(*ast.CaseClause)
		if cc.List == nil {
			if def != nil {
				c.fail(cc.Pos(), "a second default")
			}
			def = cc
			continue
		}
		next := c.caseCond(cc, tag)
		c.block(cc.Body)
		l.breaks = append(l.breaks, c.emit(Op{kind: opJump, pos: c.at(cc.Pos())}))
		c.here(next)
	}
	if def != nil {
		c.block(def.Body)
	}
	c.loops = c.loops[:len(c.loops)-1]
	c.here(l.breaks...)
}

// caseCond emits the test of a case and gives the jump to the next one.
func (c *compiler) caseCond(cc *ast.CaseClause, tag *expr) int {
	var cond *expr
	for _, v := range cc.List {
		x := c.value(v)
		if tag != nil {
			x = c.binary(v.Pos(), token.EQL, tag, x)
		}
		c.want(v, x, tBool)
		if cond != nil {
			x = &expr{op: xLogOr, a: cond, b: x, typ: typ{kind: tBool}}
		}
		cond = x
	}
	return c.emit(Op{kind: opUnless, pos: c.at(cc.Pos()), x: cond})
}

func (c *compiler) branchStmt(s *ast.BranchStmt) {
	if s.Label != nil || s.Tok != token.BREAK && s.Tok != token.CONTINUE {
		c.fail(s.Pos(), "only break and continue, without labels")
	}
	for i := len(c.loops) - 1; i >= 0; i-- {
		l := c.loops[i]
		if s.Tok == token.CONTINUE && l.isSwitch {
			continue
		}
		j := c.emit(Op{kind: opJump, pos: c.at(s.Pos())})
		if s.Tok == token.BREAK {
			l.breaks = append(l.breaks, j)
		} else {
			l.continues = append(l.continues, j)
		}
		return
	}
	c.fail(s.Pos(), "%s outside of a loop", s.Tok)
}

func (c *compiler) returnStmt(s *ast.ReturnStmt) {
	op := Op{kind: opReturn, pos: c.at(s.Pos())}
	if len(s.Results) != c.fn.Results {
		c.fail(s.Pos(), "%s returns %d values, not %d", c.fn.Name, c.fn.Results, len(s.Results))
	}
	for _, r := range s.Results {
		op.args = append(op.args, c.int(r))
	}
	if c.fn.Name == "main" {
		op.kind = opExit
	}
	c.emit(op)
}
