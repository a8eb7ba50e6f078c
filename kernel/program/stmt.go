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

// stmt compiles a statement; after a mistake in it the next one is looked at.
func (c *compiler) stmt(s ast.Stmt) {
	c.try(func() {
		c.deeper(s.Pos())
		c.statement(s)
	})
}

func (c *compiler) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, ok := ast.Unparen(s.X).(*ast.CallExpr)
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
		one := &ast.BasicLit{ValuePos: s.TokPos, Kind: token.INT, Value: "1"}
		c.opAssign(s.Pos(), s.TokPos, op, s.X, one)
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
		c.opAssign(s.Pos(), s.TokPos, op, s.Lhs[0], s.Rhs[0])
		return
	}
	targets := c.targets(s.Tok, s.TokPos, s.Lhs, s.Rhs...)
	if len(s.Rhs) == 1 && c.assignOne(s, targets, ast.Unparen(s.Rhs[0])) {
		return
	}
	if len(s.Lhs) != len(s.Rhs) {
		c.fail(s.Pos(), "%d variables, %d values", len(s.Lhs), len(s.Rhs))
	}
	c.assign(s.Pos(), targets, c.values(s.Rhs, func(_ int, x ast.Expr) *expr {
		return c.assignable(x.Pos(), c.value(x))
	}))
}

// assignOne handles a right side that is one call or literal: what it gives goes
// straight to its place. It returns false for other values.
func (c *compiler) assignOne(s *ast.AssignStmt, targets []target, x ast.Expr) bool {
	if op, typ, ok := c.makes(x); ok {
		if len(targets) != 1 {
			c.fail(s.Pos(), "%d variables, 1 value", len(targets))
		}
		c.construct(s.Pos(), targets[0], op, typ)
		return true
	}
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	name, ok := c.callName(call)
	if ok && isBuiltin(name) {
		return false
	}
	site := c.call(call, func(results int) {
		if results != len(targets) {
			c.fail(s.Pos(), "%d variables, but %s returns %d", len(targets), name, results)
		}
	})
	for _, t := range targets {
		c.prog.Calls[site].dst = append(c.prog.Calls[site].dst, c.bind(t, typ{kind: tInt}))
	}
	return true
}

// opAssign compiles "x op= value"; what x calls is called once.
func (c *compiler) opAssign(at, opAt token.Pos, op token.Token, lhs, rhs ast.Expr) {
	calls := c.hasCall(rhs)
	t := c.target(lhs, calls)
	if t.read == nil {
		c.fail(lhs.Pos(), "_ has no value")
	}
	read := t.read
	if calls {
		read = c.settle(at, read)
	}
	c.assign(at, []target{t}, []*expr{c.binary(opAt, op, read, c.value(rhs))})
}

func (c *compiler) declStmt(s *ast.DeclStmt) {
	d, ok := s.Decl.(*ast.GenDecl)
	if !ok || d.Tok != token.VAR {
		c.fail(s.Pos(), "only variables can be declared here")
	}
	for _, sp := range d.Specs {
		v := sp.(*ast.ValueSpec)
		if len(v.Values) > 0 {
			c.varValues(v)
			continue
		}
		for _, n := range v.Names {
			c.varDecl(n, v.Type)
		}
	}
}

// varValues handles "var x = 1" and "var x int = 1".
func (c *compiler) varValues(v *ast.ValueSpec) {
	as := &ast.AssignStmt{Tok: token.DEFINE, TokPos: v.Pos(), Rhs: v.Values}
	for _, n := range v.Names {
		if _, twice := c.scope.vars[n.Name]; twice {
			c.fail(n.Pos(), "%s is declared twice", n.Name)
		}
		as.Lhs = append(as.Lhs, n)
	}
	c.assignStmt(as)
	if v.Type == nil {
		return
	}
	want := c.typeOf(v.Type)
	for _, n := range v.Names {
		if got, ok := c.lookup(n.Name); ok && got.typ != want {
			c.fail(v.Type.Pos(), "%s is %s, not %s", n.Name, got.typ, want)
		}
	}
}

func (c *compiler) varDecl(n *ast.Ident, x ast.Expr) {
	t := c.typeOf(x)
	op := Op{kind: opSet, pos: c.at(n.Pos()), args: []*expr{{op: xConst, typ: t}}}
	switch {
	case t.kind == tString:
		op.args[0] = c.str("")
	case t.aggregate():
		op = Op{kind: opArray, pos: op.pos, to: c.data(n.Pos(), t.size()), x: &expr{k: t.size()}}
	}
	op.dst = []*lvalue{{kind: lvSlot, k: c.declare(n, t).slot}}
	c.emit(op)
}
