package program

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// Limits of a program.
const (
	MaxSource = 64 << 10
	maxData   = 1 << 20 // bytes of arrays in one function: poll of 10,000 descriptors takes 80,000
	maxNest   = 100     // statements and expressions inside each other
)

// Env is what a program's names can mean beyond its own.
type Env struct {
	Shared  []string // integer variables that all threads of the process share
	Threads []string // the scenario's threads, by index
	Self    int      // which of them the program is
	ABI     ABI      // what SYS_ constants are
}

// Compile reads a program. The error, if any, is an *Error.
func Compile(src string, env Env) (p *Program, err error) {
	if len(src) > MaxSource {
		return nil, &Error{1, 1, fmt.Sprintf("a program of more than %d bytes", MaxSource)}
	}
	stride := int64(ImageStride)
	if env.ABI == LinuxInt80 {
		stride = LowImageStride
	}
	c := &compiler{prog: &Program{Source: src, rodata: RodataBase + int64(env.Self)*stride}, env: env, consts: map[string]int{}, funcs: map[string]int{}}
	defer func() {
		if e, ok := recover().(*Error); ok {
			p, err = nil, e
		} else if e != nil {
			panic(e)
		}
	}()
	c.compile(src)
	return c.prog, nil
}

// prepare wraps a program into a file that go/parser reads. Only the first line
// is moved, by c.shift columns.
func (c *compiler) prepare(src string, toks []tok) string {
	text := []byte(src)
	for i, t := range toks {
		switch {
		case t.tok == token.SELECT && i+1 < len(toks) && toks[i+1].tok == token.LPAREN:
			copy(text[t.off:], selectName) // a call, although select is a keyword
		case t.tok == token.COMMENT && strings.HasPrefix(src[t.off+len("//"):], "line "):
			text[t.off+len("//")] = 'L' // not a directive: mistakes stay where they are
		}
	}
	toks = slices.DeleteFunc(toks, func(t tok) bool { return t.tok == token.COMMENT })
	before, after := "package p;func main(){", "\n}"
	if len(toks) > 1 && toks[0].tok == token.FUNC && toks[1].tok == token.IDENT {
		before, after = "package p;", "\n"
	}
	c.shift = len(before)
	return before + string(text) + after
}

// selectName stands for select while go/parser looks.
const selectName = "sElect"

type tok struct {
	tok token.Token
	off int
}

func scan(src string) (toks []tok) {
	var s scanner.Scanner
	fset := token.NewFileSet()
	f := fset.AddFile("", fset.Base(), len(src))
	s.Init(f, []byte(src), func(token.Position, string) {}, scanner.ScanComments)
	for {
		p, t, _ := s.Scan()
		if t == token.EOF {
			return toks
		}
		toks = append(toks, tok{t, f.Offset(p)})
	}
}

// unopened finds the first } that nothing opens: inside of the wrapped main it
// would end that.
func unopened(src string, toks []tok) *Error {
	depth := 0
	for _, t := range toks {
		switch t.tok {
		case token.LBRACE:
			depth++
		case token.RBRACE:
			depth--
		}
		if depth < 0 {
			line := strings.Count(src[:t.off], "\n")
			return &Error{line + 1, t.off - strings.LastIndex(src[:t.off], "\n"), "a } that nothing opens"}
		}
	}
	return nil
}

// parse gives the functions of the program, main first.
func (c *compiler) parse(src string) []*ast.FuncDecl {
	toks := scan(src)
	brace := unopened(src, toks)
	c.fset = token.NewFileSet()
	file, err := parser.ParseFile(c.fset, "", c.prepare(src, toks), parser.SkipObjectResolution)
	if e := c.syntaxError(src, err); e != nil && (brace == nil || e.Line < brace.Line || e.Line == brace.Line && e.Col < brace.Col) {
		panic(e)
	}
	if brace != nil {
		panic(brace)
	}
	var funcs []*ast.FuncDecl
	for _, d := range file.Decls {
		c.try(func() {
			fd, ok := d.(*ast.FuncDecl)
			if !ok {
				c.fail(d.Pos(), "only functions can stand here")
			}
			if fd.Recv != nil || fd.Type.TypeParams != nil || fd.Body == nil {
				c.fail(fd.Pos(), "only plain functions can be declared")
			}
			funcs = append(funcs, fd)
		})
	}
	i := slices.IndexFunc(funcs, func(d *ast.FuncDecl) bool { return d.Name.Name == "main" })
	if i < 0 {
		panic(&Error{1, 1, "a program that declares functions needs func main()"})
	}
	main := funcs[i]
	return slices.Insert(slices.Delete(funcs, i, i+1), 0, main)
}

// syntaxError gives the first mistake that go/parser found.
func (c *compiler) syntaxError(src string, err error) *Error {
	var list scanner.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return nil
	}
	list.Sort()
	line, col := list[0].Pos.Line, c.column(list[0].Pos)
	msg := strings.ReplaceAll(list[0].Msg, selectName, "select")
	if lines := strings.Split(strings.TrimRight(src, "\n"), "\n"); line > len(lines) {
		line, col = len(lines), len(lines[len(lines)-1])+1 // at the end of the text
		msg = strings.NewReplacer("found '}'", "found the end", "found 'EOF'", "found the end").Replace(msg)
	}
	return &Error{line, col, msg}
}

// column undoes the shift of the first line.
func (c *compiler) column(p token.Position) int {
	if p.Line == 1 {
		return max(p.Column-c.shift, 1)
	}
	return p.Column
}

func (c *compiler) at(p token.Pos) pos {
	q := c.fset.Position(p)
	return pos{int32(q.Line), int32(c.column(q))}
}

func (c *compiler) fail(p token.Pos, format string, args ...any) {
	q := c.at(p)
	panic(&Error{int(q.line), int(q.col), fmt.Sprintf(format, args...)})
}
