package program

import (
	"go/ast"
	"slices"
)

// callName is the name of what is called.
func (c *compiler) callName(x *ast.CallExpr) (string, bool) {
	id, ok := x.Fun.(*ast.Ident)
	if !ok {
		return "", false
	}
	if id.Name == selectName {
		return "select", true
	}
	return id.Name, true
}

// callValue compiles a call inside an expression.
func (c *compiler) callValue(x *ast.CallExpr) *expr {
	name, _ := c.callName(x)
	if isBuiltin(name) {
		return c.builtinValue(name, x)
	}
	site := c.call(x, func(results int) {
		if results != 1 {
			c.fail(x.Pos(), "%s returns %d values where one is needed", name, results)
		}
	})
	t := c.hidden()
	c.prog.Calls[site].dst = []*lvalue{{kind: lvSlot, k: t.k}}
	return t
}

// call compiles a call to an operation and gives its site. check, if any, is
// told how many results it has, before anything is emitted.
func (c *compiler) call(x *ast.CallExpr, check func(results int)) int {
	name, ok := c.callName(x)
	if !ok || x.Ellipsis.IsValid() {
		c.fail(x.Pos(), "only a name can be called")
	}
	if isBuiltin(name) {
		c.builtinStmt(name, x)
		return -1
	}
	at := c.at(x.Pos())
	site := Call{Line: int(at.line), Col: int(at.col)}
	var args []*expr
	if fn, own := c.funcs[name]; own {
		if fn == badFunc {
			panic(errFollows)
		}
		site.Func = fn
		f := &c.prog.Funcs[fn]
		if len(x.Args) != f.Params {
			c.fail(x.Pos(), "%s takes %d arguments, not %d", name, f.Params, len(x.Args))
		}
		if name == "main" {
			c.fail(x.Pos(), "main cannot be called")
		}
		if check != nil {
			check(f.Results)
		}
		args = c.values(x.Args, func(_ int, a ast.Expr) *expr { return c.int(a) })
	} else {
		site.Spec = c.spec(x, name)
		if check != nil {
			check(site.Spec.Results)
		}
		args = c.args(x, &site)
	}
	c.prog.Calls = append(c.prog.Calls, site)
	n := len(c.prog.Calls) - 1
	c.emit(Op{kind: opCall, pos: at, site: int32(n), args: args})
	return n
}

// spec finds the row of a call.
func (c *compiler) spec(x *ast.CallExpr, name string) *Spec {
	s := specOf(name)
	switch {
	case s == nil:
		c.fail(x.Pos(), "unknown call %q%s", name, Nearest(name, c.known(true)))
	case !s.Built:
		c.fail(x.Pos(), "%s is not among the calls that this version can run", name)
	}
	return s
}

// args compiles and checks the arguments of a call of the table.
func (c *compiler) args(x *ast.CallExpr, site *Call) (args []*expr) {
	params := site.Spec.params(len(x.Args))
	least := len(params)
	for least > 0 && params[least-1].Optional {
		least--
	}
	if n := len(x.Args); n < least || n > len(params) || n > maxArgs {
		c.fail(x.Pos(), "%s takes %s", site.Spec.Name, site.Spec.usage())
	}
	site.lens = make([]int64, len(params))
	args = c.values(x.Args, func(i int, a ast.Expr) *expr {
		v := c.arg(a, params[i])
		switch kind := params[i].Kind; {
		case kind == Address || kind == Word && i+1 == len(x.Args):
		case v.typ.kind == tString && (kind == Text || kind == Word):
			site.lens[i] = lenOfString
		case v.typ.aggregate() && v.typ.kind != tFdSet && v.op != xConst:
			site.lens[i] = max(v.typ.n, 1)
		}
		return v
	})
	for _, p := range params[len(args):] {
		args = append(args, c.missing(x, p, args))
	}
	return args
}

// maxArgs is how many arguments a call can have.
const maxArgs = 8

// params are the parameters for a call with n arguments: the last one may be
// there several times, or not at all.
func (s *Spec) params(n int) []Param {
	last := len(s.Params) - 1
	if last < 0 || !s.Params[last].Variadic {
		return s.Params
	}
	out := s.Params[:last:last]
	for len(out) < min(n, maxArgs) {
		out = append(out, s.Params[last])
	}
	return out
}

// arg compiles an argument. Some parameters give names a meaning of their own.
func (c *compiler) arg(x ast.Expr, p Param) *expr {
	id, isName := x.(*ast.Ident)
	isNull := isName && id.Name == "NULL"
	switch {
	case p.Kind == Thread && isName:
		for i, name := range c.env.Threads {
			if name == id.Name {
				return number(int64(i))
			}
		}
		c.fail(x.Pos(), "unknown thread %q%s", id.Name, Nearest(id.Name, slices.Clone(c.env.Threads)))
	case p.Kind == Thread:
		c.fail(x.Pos(), "the name of a thread is needed here")
	case p.Kind == Timeout && isNull:
		return number(NoTimeout)
	case p.Kind == Pollfds && isNull:
		return &expr{op: xConst, typ: typ{kind: tPollfds}}
	case p.Kind == FdSet && isNull:
		return &expr{op: xConst, typ: typ{kind: tFdSet}}
	}
	v := c.value(x)
	if v.typ.kind == tIsSet {
		v = v.as(tInt)
	}
	c.checkArg(x, p, v)
	return v
}

// missing gives an argument that was left out its meaning.
func (c *compiler) missing(x *ast.CallExpr, p Param, args []*expr) *expr {
	switch p.Kind {
	case EpData:
		return args[2] // the descriptor's number
	case Count:
		v := args[len(args)-1]
		if v.typ.kind != tString {
			c.fail(x.Pos(), "how many bytes of the array?")
		}
		return &expr{op: xStrLen, a: v, typ: typ{kind: tInt}}
	}
	return number(0)
}

// argTypes are the types that a parameter takes.
var argTypes = map[Kind][]typKind{
	Buf: {tBytes}, Text: {tBytes, tString}, Str: {tString}, SockAddr: {tString}, FdSet: {tFdSet},
	Events: {tEvents, tEvent}, Pollfds: {tPollfds, tPollfd},
	Address: {tInt, tString, tBytes, tEvents, tEvent, tPollfds, tPollfd, tFdSet},
	Word:    {tInt, tString, tBytes, tEvents, tEvent, tPollfds, tPollfd, tFdSet},
}

func (c *compiler) checkArg(at ast.Expr, p Param, v *expr) {
	types := argTypes[p.Kind]
	if types == nil {
		types = []typKind{tInt}
	}
	for _, t := range types {
		if v.typ.kind == t {
			return
		}
	}
	c.fail(at.Pos(), "this is %s; the parameter %s takes %s", v.typ, p.Name, typ{kind: types[0]})
}

// usage lists a call's parameters.
func (s *Spec) usage() string {
	u := s.Name + "("
	for i, p := range s.Params {
		if i > 0 {
			u += ", "
		}
		u += p.Name
		if p.Optional {
			u += "?"
		}
		if p.Variadic {
			u += "…"
		}
	}
	return u + ")"
}
