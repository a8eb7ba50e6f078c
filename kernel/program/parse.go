package program

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"sort"
	"strings"
)

// Limits of a program.
const (
	MaxSource = 64 << 10
	maxData   = 1 << 18 // bytes of arrays in one function: more than a pipe takes
	maxNest   = 100     // statements and expressions inside each other
)

// Env is what a program's names can mean beyond its own.
type Env struct {
	Shared  []string // integer variables that all threads of the process share
	Threads []string // the scenario's threads, by index
}

// Compile reads a program. The error, if any, is an *Error.
func Compile(src string, env Env) (p *Program, err error) {
	if len(src) > MaxSource {
		return nil, &Error{1, 1, fmt.Sprintf("a program of more than %d bytes", MaxSource)}
	}
	c := &compiler{prog: &Program{Source: src}, env: env, consts: map[string]int{}, funcs: map[string]int{}}
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
func (c *compiler) prepare(src string) string {
	toks := scan(src)
	text := []byte(src)
	for i, t := range toks {
		if t.tok == token.SELECT && i+1 < len(toks) && toks[i+1].tok == token.LPAREN {
			copy(text[t.off:], selectName) // a call, although select is a keyword
		}
	}
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
	s.Init(f, []byte(src), func(token.Position, string) {}, 0)
	for {
		p, t, _ := s.Scan()
		if t == token.EOF {
			return toks
		}
		toks = append(toks, tok{t, f.Offset(p)})
	}
}

// parse gives the functions of the program, main first.
func (c *compiler) parse(src string) []*ast.FuncDecl {
	c.fset = token.NewFileSet()
	file, err := parser.ParseFile(c.fset, "", c.prepare(src), parser.SkipObjectResolution)
	if err != nil {
		var list scanner.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			sort.Sort(list)
			line, col := list[0].Pos.Line, c.column(list[0].Pos)
			if lines := strings.Split(strings.TrimRight(src, "\n"), "\n"); line > len(lines) {
				line, col = len(lines), len(lines[len(lines)-1])+1 // at the end of the text
			}
			panic(&Error{line, col, strings.ReplaceAll(list[0].Msg, selectName, "select")})
		}
		panic(&Error{1, 1, err.Error()})
	}
	var funcs []*ast.FuncDecl
	for _, d := range file.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok {
			c.fail(d.Pos(), "only functions can stand here")
		}
		if fd.Recv != nil || fd.Type.TypeParams != nil || fd.Body == nil {
			c.fail(fd.Pos(), "only plain functions can be declared")
		}
		if fd.Name.Name == "main" {
			funcs = append([]*ast.FuncDecl{fd}, funcs...)
		} else {
			funcs = append(funcs, fd)
		}
	}
	if len(funcs) == 0 || funcs[0].Name.Name != "main" {
		panic(&Error{1, 1, "a program that declares functions needs func main()"})
	}
	return funcs
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

// nearest gives the name that an unknown one was probably meant to be, as a
// question, or "".
func nearest(name string, known []string) string {
	best, at := "", len(name)/2+1
	sort.Strings(known)
	for _, k := range known {
		if d := distance(name, k); d < at {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the Levenshtein distance of two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			d := diag
			if a[i-1] != b[j-1] {
				d = 1 + min(diag, row[j], row[j-1])
			}
			diag, row[j] = row[j], d
		}
	}
	return row[len(b)]
}
