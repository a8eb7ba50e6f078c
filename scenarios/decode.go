package scenarios

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"ringside/kernel"
	"ringside/scenarios/guide"
)

// decoder fills the format's types from a syntax tree and remembers where each
// value stands.
type decoder struct {
	name             string
	lines            []string
	tree             ast.Node
	at               map[string]ast.Node // by path, such as threads[0].program
	functions, tasks []string            // that a selector can name
	over             bool                // a part of a file is read over the whole one: see overlay

	files    fs.FS                      // the folder of the file, for those that it names; nil: it may name none
	frames   int                        // bytes of frames that loads and capture files take
	captures map[string]*kernel.Capture // those that were read: variants play the same
}

func newDecoder(name string, data []byte) *decoder {
	return &decoder{name: name, lines: strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n"), at: map[string]ast.Node{}}
}

// recovered makes the error of what fail and its like have thrown.
func (d *decoder) recovered(err *error, drop func()) {
	switch e := recover().(type) {
	case nil:
	case *Error:
		drop()
		*err = e
	default:
		panic(e)
	}
}

// place is a line and a column.
type place struct{ line, col int }

func nodePlace(n ast.Node) place {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		t = m.Values[0].Key.GetToken()
	}
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

func (d *decoder) fail(p place, format string, args ...any) {
	panic(d.error(p, fmt.Sprintf(format, args...)))
}

func (d *decoder) error(p place, msg string) *Error {
	e := &Error{File: d.name, Line: max(p.line, 1), Col: max(p.col, 1), Msg: msg}
	if e.Line <= len(d.lines) {
		e.Source = d.lines[e.Line-1]
	}
	return e
}

// failAt fails at the value of a path, or at the nearest one around it that the
// file has.
func (d *decoder) failAt(path, format string, args ...any) {
	for {
		if n, ok := d.at[path]; ok {
			d.fail(nodePlace(n), format, args...)
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			d.fail(place{1, 1}, format, args...)
		}
		path = path[:i]
	}
}

// decode reads a whole file.
func (d *decoder) decode(data []byte, f any) {
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		var syn *yaml.SyntaxError
		if errors.As(err, &syn) && syn.Token != nil {
			d.fail(place{syn.Token.Position.Line, syn.Token.Position.Column}, "%s", plainly(syn.Message))
		}
		d.fail(place{1, 1}, "%s", err)
	}
	var docs []ast.Node
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			docs = append(docs, doc.Body)
		}
	}
	switch {
	case len(docs) == 0:
		panic(&Error{File: d.name, Msg: "the file is empty"})
	case len(docs) > 1:
		d.fail(nodePlace(docs[1]), "a second document: a file holds only one")
	}
	d.tree = docs[0]
	d.value(d.tree, reflect.ValueOf(f).Elem(), "")
}

// yamlMistakes are common mistakes, by what the parser says of them.
var yamlMistakes = []struct{ said, plainly string }{
	{"'\t' that cannot start any token", "a tab: lines are indented with blanks"},
	{"mapping value is not allowed in this context", "a second key in one line: a text with \": \" in it needs quotes"},
	{"',' or '}' must be specified", "a ',' or '}' is missing before this"},
	{"',' or ']' must be specified", "a ',' or ']' is missing before this"},
}

// plainly says what is wrong with the YAML.
func plainly(msg string) string {
	for _, m := range yamlMistakes {
		if strings.Contains(msg, m.said) {
			return m.plainly
		}
	}
	return msg
}

// value reads a node into a Go value.
func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	d.at[path] = n
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.fail(nodePlace(n), "anchors, aliases and tags are not part of the format")
	}
	switch v.Type() {
	case reflect.TypeFor[overlay]():
		v.Set(reflect.ValueOf(overlay{n}))
		return
	case reflect.TypeFor[guide.Text]():
		if _, pairs := n.(ast.MapNode); !pairs {
			v.Set(reflect.ValueOf(guide.Text{guide.DefaultLang: d.text(n, path)}))
			return
		}
	}
	if v.CanAddr() {
		if s, ok := v.Addr().Interface().(scalar); ok {
			if err := s.parse(d.text(n, path)); err != nil {
				d.fail(nodePlace(n), "%s: %s", path, err)
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		if !d.over || v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		texts := v.Type() == reflect.TypeFor[guide.Text]()
		d.pairs(n, path, func(key string, at, val ast.Node) {
			if texts && !guide.IsLang(key) {
				d.fail(nodePlace(at), "%s: %q is not the code of a language, as en or de", path, key)
			}
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(val, e, join(path, key))
			v.SetMapIndex(reflect.ValueOf(key), e)
		})
	case reflect.Slice:
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			d.fail(nodePlace(n), "%s: a list is needed here", path)
		}
		if threads, ok := v.Addr().Interface().(*[]thread); ok && d.over {
			d.overThreads(seq, threads, path)
			return
		}
		d.forget(path)
		v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
		for i, e := range seq.Values {
			d.value(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		d.plain(n, v, path)
	}
}

// forget drops the places of a list's elements: another list replaces it.
func (d *decoder) forget(path string) {
	if !d.over {
		return
	}
	maps.DeleteFunc(d.at, func(at string, _ ast.Node) bool { return strings.HasPrefix(at, path+"[") })
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// pairs visits the entries of a mapping.
func (d *decoder) pairs(n ast.Node, path string, visit func(key string, at, val ast.Node)) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return
	default:
		if path == "" {
			d.fail(nodePlace(n), "a file is a list of keys with values")
		}
		d.fail(nodePlace(n), "%s: keys with values are needed here", path)
	}
	seen := map[string]bool{}
	for _, mv := range values {
		if _, merge := mv.Key.(*ast.MergeKeyNode); merge {
			d.fail(nodePlace(mv.Key), "anchors, aliases and tags are not part of the format")
		}
		key := mv.Key.GetToken().Value
		if strings.HasPrefix(key, "x-") {
			continue
		}
		if seen[key] {
			d.fail(nodePlace(mv.Key), "key %q stands here twice", key)
		}
		seen[key] = true
		visit(key, mv.Key, mv.Value)
	}
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	t := v.Type()
	fields := map[string]int{}
	var known []string
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("yaml")
		fields[key] = i
		known = append(known, key)
	}
	got := map[string]bool{}
	d.pairs(n, path, func(key string, at, val ast.Node) {
		i, ok := fields[key]
		if other := otherKind[key]; !ok && path == "" && other != "" {
			d.fail(nodePlace(at), "%s", other)
		}
		if !ok {
			d.fail(nodePlace(at), "unknown key %q%s", key, hint(key, known))
		}
		got[key] = true
		d.value(val, v.Field(i), join(path, key))
	})
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); t.Field(i).Tag.Get("required") != "" && !got[key] && v.Field(i).IsZero() {
			d.fail(nodePlace(n), "the key %q is missing", join(path, key))
		}
	}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); got[key] {
			d.rule(t.Field(i).Tag, v.Field(i), join(path, key))
		}
	}
}

// otherKind says of a file of the one kind, read as one of the other, what it is.
var otherKind = map[string]string{
	"ringside":        "this is a scenario, not a lesson",
	"ringside-lesson": "this is a lesson, not a scenario: for ringside present and ringside lesson check",
}

// overThreads reads threads over those of the same names, and adds the others.
func (d *decoder) overThreads(seq *ast.SequenceNode, threads *[]thread, path string) {
	for _, n := range seq.Values {
		var name string
		d.pairs(n, path, func(key string, _, val ast.Node) {
			if key == "name" {
				name = d.text(val, path)
			}
		})
		i := slices.IndexFunc(*threads, func(t thread) bool { return t.Name == name })
		if i < 0 {
			i = len(*threads)
			*threads = append(*threads, thread{})
		}
		d.value(n, reflect.ValueOf(&(*threads)[i]).Elem(), fmt.Sprintf("%s[%d]", path, i))
	}
}

// text is the text of a scalar node.
func (d *decoder) text(n ast.Node, path string) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value
	case *ast.NullNode:
		d.fail(nodePlace(n), "%s: a value is missing", path)
	}
	d.fail(nodePlace(n), "%s: a single value is needed here", path)
	return ""
}

// plain reads a string, an integer or a truth value.
func (d *decoder) plain(n ast.Node, v reflect.Value, path string) {
	s := d.text(n, path)
	_, quoted := n.(*ast.StringNode)
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		if _, ok := n.(*ast.BoolNode); !ok {
			d.fail(nodePlace(n), "%s: true or false, not %q", path, s)
		}
		v.SetBool(strings.EqualFold(s, "true"))
	case reflect.Uint64:
		u, err := strconv.ParseUint(s, 0, 64)
		if err != nil || quoted {
			d.fail(nodePlace(n), "%s: a whole number, not %q", path, s)
		}
		v.SetUint(u)
	default:
		i, err := strconv.ParseInt(s, 0, 32)
		if err != nil || quoted {
			d.fail(nodePlace(n), "%s: a whole number, not %q", path, s)
		}
		v.SetInt(i)
	}
}

// inside gives the place of a line and column of a text in the file: exact for
// block scalars, which keep their lines, and the start of the others.
func (d *decoder) inside(path string, line, col int) place {
	n := d.at[path]
	start := nodePlace(n)
	lit, ok := n.(*ast.LiteralNode)
	if !ok || lit.Start.Type != token.LiteralType {
		return start
	}
	first := start.line // index of the line after the indicator
	indent := -1
	for i := first; i < len(d.lines); i++ {
		if strings.TrimSpace(d.lines[i]) != "" {
			indent = len(d.lines[i]) - len(strings.TrimLeft(d.lines[i], " "))
			break
		}
	}
	return place{first + line, max(indent, 0) + col}
}
