package program

import (
	"go/ast"
	"go/token"
)

// loop collects the jumps that break and continue still have to find.
type loop struct {
	breaks, continues []int
	isSwitch          bool
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
	x := c.want(cond, c.value(cond), tBool)
	return c.emit(Op{kind: opUnless, pos: c.at(cond.Pos()), x: x})
}

// repeat compiles what is done in each turn of a loop: the body, and what
// continue goes on with; then it jumps back to start. breaks are the jumps out
// that there are already.
func (c *compiler) repeat(at pos, start int, body *ast.BlockStmt, next func(), breaks ...int) {
	l := &loop{breaks: breaks}
	c.loops = append(c.loops, l)
	c.block(body.List)
	c.loops = c.loops[:len(c.loops)-1]
	c.here(l.continues...)
	next()
	if len(c.fn.Ops) == start {
		c.emit(Op{kind: opNop, pos: at}) // for {}: an operation all the same
	}
	c.emit(Op{kind: opJump, pos: at, to: int32(start)})
	c.here(l.breaks...)
}

func (c *compiler) forStmt(s *ast.ForStmt) {
	c.push()
	defer c.pop()
	if s.Init != nil {
		c.stmt(s.Init)
	}
	start := len(c.fn.Ops)
	var breaks []int
	if s.Cond != nil {
		breaks = append(breaks, c.unless(s.Cond))
	}
	post := func() {
		if s.Post != nil {
			c.stmt(s.Post)
		}
	}
	c.repeat(c.at(s.Pos()), start, s.Body, post, breaks...)
}

func (c *compiler) rangeStmt(s *ast.RangeStmt) {
	c.push()
	defer c.pop()
	x := c.value(s.X)
	at := c.at(s.X.Pos())
	i := c.hidden()
	next := &expr{op: xAdd, a: i, b: number(1)}
	switch {
	case x.typ.kind == tMap:
		c.rangeMap(s, c.hold(at, x))
	case x.typ.kind == tInt:
		c.rangeCount(s, i, c.hold(at, x), nil, next)
	case x.typ.kind == tString:
		str := c.hold(at, x)
		next.b = &expr{op: xRuneLen, a: str, b: i}
		c.rangeCount(s, i, &expr{op: xStrLen, a: str}, &expr{op: xRune, a: str, b: i, typ: typ{kind: tInt}}, next)
	case x.typ.n > 0:
		c.rangeCount(s, i, number(x.typ.n), c.rangeElem(s, x, i), next)
	default:
		c.fail(s.X.Pos(), "cannot range over %s", x.typ)
	}
}

// rangeElem is element i of an array. Go walks over a copy, unless the elements
// are not looked at, or it is a slice.
func (c *compiler) rangeElem(s *ast.RangeStmt, x, i *expr) *expr {
	array := x
	switch {
	case x.typ.slice:
		array = c.hold(c.at(s.X.Pos()), x)
	case s.Value != nil && !isBlank(s.Value):
		array = c.made(c.copyOf(s.X.Pos(), x), x.typ)
	}
	elem := &expr{op: xElem, k: x.typ.n, a: array, b: i, typ: x.typ.elem()}
	if x.typ.kind == tBytes {
		return &expr{op: xLoad8, a: elem, typ: elem.typ}
	}
	return elem
}

// rangeCount counts in the hidden variable i, because the body may change its own.
func (c *compiler) rangeCount(s *ast.RangeStmt, i, limit, elem, next *expr) {
	at := c.at(s.Pos())
	c.emit(setSlot(at, i, number(0)))
	start := len(c.fn.Ops)
	out := c.emit(Op{kind: opUnless, pos: at, x: &expr{op: xLt, a: i, b: limit}})
	c.rangeVars(s, i, elem)
	c.repeat(at, start, s.Body, func() { c.emit(setSlot(at, i, next)) }, out)
}

// rangeMap walks a map in the order of its keys.
func (c *compiler) rangeMap(s *ast.RangeStmt, m *expr) {
	at := c.at(s.Pos())
	begun, key := c.hidden(), c.hidden()
	c.emit(setSlot(at, begun, number(0)))
	start := len(c.fn.Ops)
	out := c.emit(Op{kind: opMapNext, pos: at, args: []*expr{m, begun, key},
		dst: []*lvalue{{kind: lvSlot, k: begun.k}, {kind: lvSlot, k: key.k}}})
	c.rangeVars(s, key, &expr{op: xMapGet, a: m, b: key, typ: typ{kind: tInt}})
	c.repeat(at, start, s.Body, func() {}, out)
}

// rangeVars stores what a turn gives. A structure is copied by an operation of
// its own.
func (c *compiler) rangeVars(s *ast.RangeStmt, key, val *expr) {
	var lhs []ast.Expr
	var xs []*expr
	for i, v := range []ast.Expr{s.Key, s.Value} {
		if v == nil || isBlank(v) {
			continue
		}
		x := []*expr{key, val}[i]
		if x == nil {
			c.fail(v.Pos(), "an integer gives one value a turn")
		}
		lhs, xs = append(lhs, v), append(xs, x)
	}
	if len(xs) == 0 {
		return
	}
	targets := c.targets(s.Tok, s.TokPos, lhs)
	if len(xs) == 2 && xs[1].typ.aggregate() {
		c.assign(s.Pos(), targets[:1], xs[:1])
		targets, xs = targets[1:], xs[1:]
	}
	c.assign(s.Pos(), targets, xs)
}

func isBlank(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == "_"
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
		c.try(func() {
			switch {
			case cc.List != nil:
				c.caseClause(cc, tag, l)
			case def != nil:
				c.fail(cc.Pos(), "a second default")
			default:
				def = cc
			}
		})
	}
	if def != nil {
		c.block(def.Body)
	}
	c.loops = c.loops[:len(c.loops)-1]
	c.here(l.breaks...)
}

// caseClause tests the values of a case from left to right: one that calls
// something is not reached if another one before it fits.
func (c *compiler) caseClause(cc *ast.CaseClause, tag *expr, l *loop) {
	var cond *expr
	var hits []int
	for _, v := range cc.List {
		if cond != nil && c.hasCall(v) {
			miss := c.emit(Op{kind: opUnless, pos: c.at(cc.Pos()), x: cond})
			hits = append(hits, c.emit(Op{kind: opJump, pos: c.at(cc.Pos())}))
			c.here(miss)
			cond = nil
		}
		x := c.value(v)
		if tag != nil {
			x = c.binary(v.Pos(), token.EQL, tag, x)
		}
		x = c.want(v, x, tBool)
		if cond != nil {
			x = &expr{op: xLogOr, a: cond, b: x, typ: typ{kind: tBool}}
		}
		cond = x
	}
	next := c.emit(Op{kind: opUnless, pos: c.at(cc.Pos()), x: cond})
	c.here(hits...)
	c.block(cc.Body)
	l.breaks = append(l.breaks, c.emit(Op{kind: opJump, pos: c.at(cc.Pos())}))
	c.here(next)
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
	if c.fn.Name == "main" {
		op.kind = opExit
	}
	if values, ok := c.severalResults(s); ok {
		op.args = values
		c.emit(op)
		return
	}
	if len(s.Results) != c.fn.Results {
		c.fail(s.Pos(), "%s returns %d values, not %d", c.fn.Name, c.fn.Results, len(s.Results))
	}
	op.args = c.values(s.Results, func(_ int, x ast.Expr) *expr { return c.int(x) })
	c.emit(op)
}

// severalResults handles "return f()" where f returns several values.
func (c *compiler) severalResults(s *ast.ReturnStmt) (values []*expr, ok bool) {
	if c.fn.Results < 2 || len(s.Results) != 1 {
		return nil, false
	}
	call, ok := ast.Unparen(s.Results[0]).(*ast.CallExpr)
	if !ok {
		return nil, false
	}
	if name, _ := c.callName(call); isBuiltin(name) {
		return nil, false
	}
	site := c.call(call, func(results int) {
		if results != c.fn.Results {
			c.fail(s.Pos(), "%s returns %d values, not %d", c.fn.Name, c.fn.Results, results)
		}
	})
	for range c.fn.Results {
		v := c.hidden()
		c.prog.Calls[site].dst = append(c.prog.Calls[site].dst, &lvalue{kind: lvSlot, k: v.k})
		values = append(values, v)
	}
	return values, true
}
