package scenarios

import (
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Plays finds the files that a scenario's file names, whether that is right or not:
// whoever follows the file follows them, too.
func Plays(name string) []string {
	data, err := readFile(name, "scenario")
	if err != nil {
		return nil
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil
	}
	var found captureNames
	for _, doc := range tree.Docs {
		ast.Walk(&found, doc)
	}
	for i := range found {
		found[i] = filepath.Join(filepath.Dir(name), filepath.FromSlash(found[i]))
	}
	return found
}

// captureNames are the values of all keys pcap.
type captureNames []string

// Visit looks at a part of a file.
func (c *captureNames) Visit(n ast.Node) ast.Visitor {
	if v, ok := n.(*ast.MappingValueNode); ok && v.Key.GetToken().Value == "pcap" {
		if s, ok := v.Value.(*ast.StringNode); ok && fs.ValidPath(s.Value) && !slices.Contains(*c, s.Value) {
			*c = append(*c, s.Value)
		}
	}
	return c
}
