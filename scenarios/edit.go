package scenarios

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Changes in the text of a file. An instance of a scenario is a file again, which
// reads as the original does, comments and all.

// editor is a file's text, read so that its values can be found.
type editor struct {
	*decoder
	text string
	file file
}

// edit reads a text. What is wrong with it is thrown, as a decoder does.
func edit(name, text string) *editor {
	e := &editor{newDecoder(name, []byte(text)), text, defaults()}
	e.decode([]byte(text), &e.file)
	return e
}

// offset is where a place is in the text, in bytes. Columns count characters.
func (e *editor) offset(p place) int {
	at := 0
	for _, l := range e.lines[:p.line-1] {
		at += len(l) + 1
	}
	return at + len(string([]rune(e.lines[p.line-1])[:p.col-1]))
}

// set gives the text with a value at a path, in the place of the one that is there
// or, if the file leaves it out, beside the others of the same part.
func (e *editor) set(path, value string) string {
	n, ok := e.at[path]
	if !ok {
		return e.insert(path, plainOr(value))
	}
	from := e.offset(nodePlace(n))
	if block, ok := n.(*ast.LiteralNode); ok {
		return e.text[:from] + e.inBlock(block, value) + e.text[e.blockEnd(block):]
	}
	e.decoder.text(n, path) // a list or a mapping is refused
	is := strings.TrimSpace(n.GetToken().Origin)
	if !strings.HasPrefix(e.text[from:], is) {
		e.failAt(path, "%s: a value on several lines cannot vary", path)
	}
	return e.text[:from] + plainOr(value) + e.text[from+len(is):]
}

// insert writes a value that the file has left out, and the keys that lead to it.
func (e *editor) insert(path, value string) string {
	whole, key := path, ""
	for e.at[path] == nil {
		i := strings.LastIndexByte(path, '.')
		path, key = path[:max(i, 0)], path[i+1:]
		value = key + ": " + value
		if e.at[path] == nil {
			value = "{" + value + "}"
		}
	}
	n := e.at[path]
	at := e.offset(nodePlace(n))
	switch m, _ := n.(*ast.MappingNode); {
	case path == "":
		return strings.TrimRight(e.text, "\n") + "\n" + value + "\n"
	case m != nil && m.IsFlowStyle && len(m.Values) > 0:
		return e.text[:at+1] + value + ", " + e.text[at+1:]
	case m != nil && m.IsFlowStyle:
		return e.text[:at+1] + value + e.text[at+1:]
	}
	var first ast.Node
	e.pairs(n, whole, func(_ string, key, _ ast.Node) {
		if first == nil {
			first = key
		}
	})
	if first == nil {
		e.failAt(path, "%s: there is no room for %s", path, whole)
	}
	p := nodePlace(first)
	at = e.offset(p)
	return e.text[:at] + value + "\n" + strings.Repeat(" ", p.col-1) + e.text[at:]
}

// without gives the text without some of the file's own keys. Comments above the
// key behind stay with that.
func (e *editor) without(keys []string) string {
	var at []int // the lines on which the file's keys stand
	gone := map[int]bool{}
	e.pairs(e.tree, "", func(key string, n, _ ast.Node) {
		line := nodePlace(n).line - 1
		at = append(at, line)
		gone[line] = slices.Contains(keys, key)
	})
	var out []string
	for i, line := range e.lines {
		if i >= at[0] && gone[at[keyOf(at, e.lines, i)]] {
			continue
		}
		out = append(out, line)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// keyOf tells to which of the keys a line belongs: a comment at the margin to the
// one behind it, if only such stand between.
func keyOf(at []int, lines []string, line int) int {
	for lines[line] != "" && lines[line][0] == '#' && line+1 < len(lines) {
		line++
	}
	k, found := slices.BinarySearch(at, line)
	if !found {
		k--
	}
	return k
}

// replaced gives the text with something replaced in a program.
func (e *editor) replaced(at string, r replacement) string {
	i := e.program(at, r, &e.file)
	return e.set("threads["+strconv.Itoa(i)+"].program", strings.ReplaceAll(string(e.file.Threads[i].Program), r.Text, r.With))
}

// block is where the lines of a block begin, counted from 0, behind which they end,
// and how far they are indented.
func (e *editor) block(n *ast.LiteralNode) (first, end, indent int) {
	first = nodePlace(n).line
	end = first
	for i := first; i < len(e.lines); i++ {
		l := strings.TrimLeft(e.lines[i], " ")
		switch in := len(e.lines[i]) - len(l); {
		case l == "":
			continue
		case indent == 0:
			indent = in
		case in < indent:
			return first, end, indent
		}
		end = i + 1
	}
	return first, end, indent
}

// blockEnd is the offset behind a block, at the end of its last line.
func (e *editor) blockEnd(n *ast.LiteralNode) int {
	_, end, _ := e.block(n)
	return e.offset(place{end, 1}) + len(e.lines[end-1])
}

// inBlock writes a value where a block stood: again as one, if it is of lines.
func (e *editor) inBlock(n *ast.LiteralNode, value string) string {
	lines := strings.Split(strings.TrimSuffix(value, "\n"), "\n")
	if n.Start.Type != token.LiteralType || !strings.HasSuffix(value, "\n") || strings.HasPrefix(value, " ") {
		return plainOr(value)
	}
	_, _, indent := e.block(n)
	var out strings.Builder
	out.WriteString("|")
	for _, l := range lines {
		out.WriteString("\n")
		if l != "" {
			out.WriteString(strings.Repeat(" ", indent) + l)
		}
	}
	return out.String()
}

var plain = regexp.MustCompile(`^-?[0-9A-Za-z][0-9A-Za-z_./|-]*$`)

// plainOr writes a value, in quotes if it needs them.
func plainOr(value string) string {
	if plain.MatchString(value) && !strings.EqualFold(value, "null") {
		return value
	}
	return strconv.Quote(value)
}
