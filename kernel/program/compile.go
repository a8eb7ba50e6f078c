package program

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
)

// compiler turns the syntax tree of a program into operations. It panics with
// an *Error where the program is wrong; try goes on behind the mistake, so that
// the first one in the text is found and not the first one that was met.
type compiler struct {
	prog   *Program
	env    Env
	fset   *token.FileSet
	shift  int
	consts map[string]int // string constants by content
	funcs  map[string]int // own functions; badFunc if the declaration is wrong
	errs   []*Error

	fn    *Func // the one being compiled
	scope *scope
	nest  int
	loops []*loop
}

// variable is a name's meaning in a function.
type variable struct {
	typ    typ
	slot   int64
	shared bool
}

type scope struct {
	vars map[string]variable
	up   *scope
}

// badFunc is the index of a function whose declaration is wrong; nothing is said
// of its calls.
const badFunc = -1

// errFollows stands for a mistake that only follows from another one.
var errFollows = &Error{}

func (c *compiler) compile(src string) {
	var bodies []*ast.FuncDecl
	for _, d := range c.parse(src) {
		c.try(func() {
			if _, twice := c.funcs[d.Name.Name]; twice {
				c.fail(d.Pos(), "function %s is declared twice", d.Name.Name)
			}
			if specOf(d.Name.Name) != nil || isBuiltin(d.Name.Name) {
				c.fail(d.Name.Pos(), "%s is a call already", d.Name.Name)
			}
			c.funcs[d.Name.Name] = badFunc
			c.prog.Funcs = append(c.prog.Funcs, c.signature(d))
			c.funcs[d.Name.Name] = len(c.prog.Funcs) - 1
			bodies = append(bodies, d)
		})
	}
	for i, d := range bodies {
		c.try(func() { c.function(&c.prog.Funcs[i], d) })
	}
	if len(c.errs) > 0 {
		panic(slices.MinFunc(c.errs, func(a, b *Error) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
		}))
	}
}

// try does f and notes the mistake that ends it.
func (c *compiler) try(f func()) {
	scope, loops, nest := c.scope, c.loops, c.nest
	defer func() {
		c.scope, c.loops, c.nest = scope, loops, nest
		switch e := recover().(type) {
		case nil:
		case *Error:
			if e != errFollows {
				c.errs = append(c.errs, e)
			}
		default:
			panic(e)
		}
	}()
	f()
}

func (c *compiler) signature(d *ast.FuncDecl) Func {
	f := Func{Name: d.Name.Name, Line: int(c.at(d.Pos()).line)}
	for _, p := range d.Type.Params.List {
		c.intType(p.Type)
		f.Params += len(p.Names)
	}
	if d.Type.Results != nil {
		for _, r := range d.Type.Results.List {
			c.intType(r.Type)
			if len(r.Names) > 0 {
				c.fail(r.Pos(), "results have no names here")
			}
			f.Results++
		}
	}
	switch {
	case f.Name == "main" && f.Params+f.Results > 0:
		c.fail(d.Pos(), "main takes nothing and returns nothing")
	case f.Params > 8:
		c.fail(d.Pos(), "more than 8 parameters")
	case f.Results > maxResults:
		c.fail(d.Pos(), "more than %d results", maxResults)
	}
	return f
}

func (c *compiler) intType(x ast.Expr) {
	if id, ok := x.(*ast.Ident); !ok || id.Name != "int" {
		c.fail(x.Pos(), "parameters and results of own functions are int")
	}
}

func (c *compiler) function(f *Func, d *ast.FuncDecl) {
	c.fn, c.loops, c.nest = f, nil, 0
	c.scope = &scope{vars: map[string]variable{}}
	for i, name := range c.env.Shared {
		c.scope.vars[name] = variable{typ: typ{kind: tInt}, slot: int64(i), shared: true}
	}
	c.push()
	for _, p := range d.Type.Params.List {
		for _, name := range p.Names {
			c.declare(name, typ{kind: tInt})
		}
	}
	c.block(d.Body.List)
	switch {
	case f.Name == "main":
		c.emit(Op{kind: opExit, pos: c.at(d.Body.Rbrace)})
	case f.Results > 0 && !terminates(d.Body.List):
		c.fail(d.Body.Rbrace, "function %s can end without returning its result", f.Name)
	default:
		c.emit(Op{kind: opReturn, pos: c.at(d.Body.Rbrace)})
	}
	if f.Data > maxData {
		c.fail(d.Pos(), "more than %d bytes of arrays", maxData)
	}
	if len(f.Ops) > 1<<15 {
		c.fail(d.Pos(), "the function is too long")
	}
}

// terminates tells whether the end of a list of statements cannot be reached,
// for the forms that programs use.
func terminates(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	switch s := list[len(list)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BlockStmt:
		return terminates(s.List)
	case *ast.ForStmt:
		return s.Cond == nil && !breaks(s.Body)
	case *ast.IfStmt:
		if s.Else == nil || !terminates(s.Body.List) {
			return false
		}
		return terminates([]ast.Stmt{s.Else})
	case *ast.SwitchStmt:
		def := false
		for _, cl := range s.Body.List {
			cc := cl.(*ast.CaseClause)
			def = def || cc.List == nil
			if !terminates(cc.Body) {
				return false
			}
		}
		return def && !breaks(s.Body)
	}
	return false
}

// breaks tells whether a break in a body leaves it.
func breaks(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt:
			return false
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK
		}
		return !found
	})
	return found
}

func (c *compiler) push() { c.scope = &scope{vars: map[string]variable{}, up: c.scope} }
func (c *compiler) pop()  { c.scope = c.scope.up }

func (c *compiler) lookup(name string) (variable, bool) {
	for s := c.scope; s != nil; s = s.up {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return variable{}, false
}

// declare makes a variable in the innermost scope.
func (c *compiler) declare(id *ast.Ident, t typ) variable {
	if id.Name == "_" {
		return variable{typ: t, slot: c.temp()}
	}
	if _, twice := c.scope.vars[id.Name]; twice {
		c.fail(id.Pos(), "%s is declared twice", id.Name)
	}
	if id.Name == "errno" || id.Name == "true" || id.Name == "false" || id.Name == "NULL" {
		c.fail(id.Pos(), "%s has a meaning already", id.Name)
	}
	v := variable{typ: t, slot: c.temp()}
	c.scope.vars[id.Name] = v
	return v
}

// temp gives a slot.
func (c *compiler) temp() int64 {
	c.fn.Slots++
	return int64(c.fn.Slots - 1)
}

// data gives room for an array.
func (c *compiler) data(p token.Pos, n int64) int32 {
	off := int64(c.fn.Data)
	if n < 0 || n > maxData || off+n > maxData {
		c.fail(p, "more than %d bytes of arrays", maxData)
	}
	c.fn.Data += int((n + 7) &^ 7)
	return int32(off)
}

func (c *compiler) emit(op Op) int {
	c.fn.Ops = append(c.fn.Ops, op)
	return len(c.fn.Ops) - 1
}

// here makes jumps go to the next operation.
func (c *compiler) here(jumps ...int) {
	for _, j := range jumps {
		c.fn.Ops[j].to = int32(len(c.fn.Ops))
	}
}

// known are all names that can be used where an unknown one was.
func (c *compiler) known(calls bool) (names []string) {
	if calls {
		for i := range specs {
			names = append(names, specs[i].Name)
		}
		for name := range c.funcs {
			names = append(names, name)
		}
		return names
	}
	for s := c.scope; s != nil; s = s.up {
		for name := range s.vars {
			names = append(names, name)
		}
	}
	for name := range constants {
		names = append(names, name)
	}
	return append(names, "errno", "true", "false")
}

// deeper guards against programs that are nested without end.
func (c *compiler) deeper(p token.Pos) {
	if c.nest++; c.nest > maxNest {
		c.fail(p, "nested too deep")
	}
}
