package program

import (
	"fmt"
	"go/ast"
)

// typ is a type of the language. A value of an array, a structure or a set is
// the Addr where it lies; a value of a map is its handle.
type typ struct {
	kind  typKind
	n     int64 // elements of an array
	slice bool  // made by []pollfd{…}: other than an array it is not copied by =
}

type typKind uint8

const (
	tVoid typKind = iota
	tInt
	tBool
	tString
	tBytes
	tEvents
	tPollfds
	tEvent  // an element of tEvents
	tPollfd // an element of tPollfds
	tMap
	tFdSet
	tIsSet // what FD_ISSET gives: an integer in C, and yet a condition
)

var typNames = [...]string{"nothing", "an integer", "a boolean", "a string", "a byte array", "an array of epoll_event", "an array of pollfd", "an epoll_event", "a pollfd", "a map", "an fd_set", "an integer"}

var elemNames = map[typKind]string{tBytes: "byte", tEvents: "epoll_event", tPollfds: "pollfd"}

func (t typ) String() string {
	switch {
	case t.slice:
		return fmt.Sprintf("a slice of %d %s", t.n, elemNames[t.kind])
	case t.n > 0:
		return fmt.Sprintf("an array of %d %s", t.n, elemNames[t.kind])
	}
	return typNames[t.kind]
}

// setSize is FD_SETSIZE: how many descriptors an fd_set can hold.
const setSize = 1024

// elemSize is how many bytes an element takes: those of the C structures on
// x86-64, where epoll_event is packed.
func (t typ) elemSize() int64 {
	switch t.kind {
	case tEvents, tEvent:
		return 12
	case tPollfds, tPollfd:
		return 8
	case tFdSet:
		return setSize / 8
	}
	return 1
}

// size is how many bytes an array, a structure or a set takes.
func (t typ) size() int64 { return t.elemSize() * max(t.n, 1) }

// aggregate tells whether values of the type lie in memory.
func (t typ) aggregate() bool {
	switch t.kind {
	case tBytes, tEvents, tPollfds, tEvent, tPollfd, tFdSet:
		return true
	}
	return false
}

// elem is the type of an array's elements.
func (t typ) elem() typ {
	switch t.kind {
	case tEvents:
		return typ{kind: tEvent}
	case tPollfds:
		return typ{kind: tPollfd}
	}
	return typ{kind: tInt}
}

// memberOf gives a field's place in its structure, and how to read it.
func memberOf(t typ, name string) (off int64, op exprOp, ok bool) {
	switch {
	case t.kind == tEvent && name == "events":
		return 0, xLoad32, true
	case t.kind == tEvent && name == "fd":
		return 4, xLoadS32, true
	case t.kind == tEvent && name == "data":
		return 4, xLoad64, true
	case t.kind == tPollfd && name == "fd":
		return 0, xLoadS32, true
	case t.kind == tPollfd && name == "events":
		return 4, xLoad16, true
	case t.kind == tPollfd && name == "revents":
		return 6, xLoad16, true
	}
	return 0, 0, false
}

var namedTypes = map[string]typKind{
	"int": tInt, "bool": tBool, "string": tString, "epoll_event": tEvent, "pollfd": tPollfd, "fd_set": tFdSet,
}

var arrayTypes = map[string]typKind{"byte": tBytes, "epoll_event": tEvents, "pollfd": tPollfds}

// typeOf reads a type expression.
func (c *compiler) typeOf(x ast.Expr) typ {
	switch t := x.(type) {
	case *ast.Ident:
		if k, ok := namedTypes[t.Name]; ok {
			return typ{kind: k}
		}
	case *ast.ArrayType:
		elem, _ := t.Elt.(*ast.Ident)
		if elem == nil || t.Len == nil || arrayTypes[elem.Name] == tVoid {
			break
		}
		n := c.constant(t.Len)
		if n < 1 || n > maxData {
			c.fail(t.Len.Pos(), "an array of %d elements", n)
		}
		return typ{kind: arrayTypes[elem.Name], n: n}
	case *ast.MapType:
		k, _ := t.Key.(*ast.Ident)
		v, _ := t.Value.(*ast.Ident)
		if k != nil && v != nil && k.Name == "int" && v.Name == "int" {
			return typ{kind: tMap}
		}
	}
	c.fail(x.Pos(), "not a type of the language: int, bool, string, [n]byte, epoll_event, [n]epoll_event, pollfd, [n]pollfd, map[int]int, fd_set")
	return typ{}
}
