package scenarios

import (
	"fmt"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"ringside/scenarios/guide"
)

// What may differ from one instance of a scenario to the next: the rows of vary.

// vary is one row: a value that varies, and the places where it stands.
type vary struct {
	Name    string        `yaml:"name" doc:"What varies, as an exercise sheet names it. {name} stands for the value in this row's with and in the rows behind."`
	Choose  []string      `yaml:"choose" items:"1 1000" doc:"The values, as they are written in the file."`
	From    string        `yaml:"from" pattern:"^[0-9]+ *[A-Za-z]*$" doc:"Instead of choose: the first of a range of values, a whole number with the unit that such a value has."`
	To      string        `yaml:"to" pattern:"^[0-9]+ *[A-Za-z]*$" doc:"The end of the range, in the same unit."`
	Step    string        `yaml:"step" pattern:"^[0-9]+ *[A-Za-z]*$" doc:"The distance of the values, in the same unit; 1 if left out."`
	Paths   []string      `yaml:"paths" doc:"Where the value goes, as errors name places: machine.nic.ring, or \"wire[0].count\"."`
	Replace []replacement `yaml:"replace" doc:"Texts that are replaced in programs."`
}

// Limits of vary.
const (
	maxValues    = 1000
	maxInstances = 1 << 31
)

// row is a row that is checked, with its values and where each of them stands.
type row struct {
	vary
	values []string
	at     []place
	where  place
}

// original are the keys that are about the file's own run. An instance is without
// them.
var original = []string{"marks", "narration", "predict", "variants", "expect", "vary"}

// vary checks the rows of a file.
func (d *decoder) vary(f *file) (rows []row) {
	if m, ok := d.tree.(*ast.MappingNode); ok && m.IsFlowStyle && len(f.Vary) > 0 {
		d.failAt("vary", "vary: the file's own keys are needed on lines of their own, not in braces")
	}
	total := 1
	for i := range f.Vary {
		path := fmt.Sprintf("vary[%d]", i)
		r := row{vary: f.Vary[i], where: nodePlace(d.at[path])}
		d.values(path, &r)
		d.rowName(path, &r, rows)
		if len(r.Paths)+len(r.Replace) == 0 {
			d.failAt(path, "%s: say what varies: paths, or replace", path)
		}
		d.valueNames(path, &r, append(rows, r), f)
		for j, p := range r.Paths {
			d.varies(fmt.Sprintf("%s.paths[%d]", path, j), p, f)
		}
		for j, x := range r.Replace {
			d.program(fmt.Sprintf("%s.replace[%d]", path, j), x, f)
		}
		if total *= len(r.values); total > maxInstances {
			d.failAt(path, "vary: more than %d instances", maxInstances)
		}
		rows = append(rows, r)
	}
	return rows
}

// rowName: what has several values is named; names tell rows apart.
func (d *decoder) rowName(path string, r *row, before []row) {
	if r.Name == "" && len(r.values) == 1 {
		return
	}
	d.checkName(path+".name", r.Name)
	if slices.ContainsFunc(before, func(o row) bool { return o.Name == r.Name }) {
		d.failAt(path+".name", "a second row %q", r.Name)
	}
}

var valueName = regexp.MustCompile(`\{(\pL[\pL\d_ -]*)\}`)

// valueNames checks the values that a row names: its own, in with, and those of the
// rows before. A keyword in braces is a block of the program.
func (d *decoder) valueNames(path string, r *row, known []row, f *file) {
	check := func(at, text string, known []row) {
		var names []string
		for i := range known {
			if known[i].Name != "" {
				names = append(names, known[i].Name)
			}
		}
		for _, m := range valueName.FindAllStringSubmatch(text, -1) {
			switch {
			case slices.Contains(names, m[1]) || token.IsKeyword(m[1]):
			case slices.ContainsFunc(f.Vary, func(v vary) bool { return v.Name == m[1] }):
				d.failAt(at, "%s: %s is not known yet here: a value can be named in the with of its own row and in the rows behind", at, m[0])
			default:
				d.failAt(at, "%s: no value is called %q%s", at, m[1], hint(m[1], names))
			}
		}
	}
	for j, v := range r.Choose {
		check(fmt.Sprintf("%s.choose[%d]", path, j), v, known[:len(known)-1])
	}
	for j, x := range r.Replace {
		check(fmt.Sprintf("%s.replace[%d].with", path, j), x.With, known)
	}
}

// values are those that a row chooses from.
func (d *decoder) values(path string, r *row) {
	ranged := r.From != "" || r.To != "" || r.Step != ""
	switch {
	case ranged && r.Choose != nil:
		d.failAt(path, "%s: choose, or from and to, not both", path)
	case r.Choose != nil:
		r.values = r.Choose
		for i := range r.values {
			r.at = append(r.at, nodePlace(d.at[fmt.Sprintf("%s.choose[%d]", path, i)]))
		}
		return
	case r.From == "" || r.To == "":
		d.failAt(path, "%s: say what it may be: choose, or from and to", path)
	}
	from, unit := d.amount(path+".from", r.From)
	to, toUnit := d.amount(path+".to", r.To)
	step, stepUnit := 1, unit
	if r.Step != "" {
		step, stepUnit = d.amount(path+".step", r.Step)
	}
	switch {
	case toUnit != unit || stepUnit != unit:
		d.failAt(path, "%s: from, to and step have one unit", path)
	case step < 1:
		d.failAt(path+".step", "%s.step: at least 1", path)
	case to < from:
		d.failAt(path+".to", "%s.to: %s is less than %s", path, r.To, r.From)
	case (to-from)/step >= maxValues:
		d.failAt(path, "%s: more than %d values", path, maxValues)
	}
	for n := from; n <= to; n += step {
		r.values = append(r.values, strconv.Itoa(n)+unit)
		r.at = append(r.at, r.where)
	}
}

var amounts = regexp.MustCompile(`^([0-9]{1,9}) *([A-Za-z]*)$`)

// amount reads a whole number and its unit, if it has one.
func (d *decoder) amount(path, s string) (n int, unit string) {
	m := amounts.FindStringSubmatch(s)
	if m == nil {
		d.failAt(path, "%s: a whole number, such as 8 or 20us, not %q", path, s)
	}
	n, _ = strconv.Atoi(m[1])
	return n, m[2]
}

var pathPart = regexp.MustCompile(`^\.?([^.[\]]+)|^\[([0-9]+)\]`)

// varies checks that a path leads to a single value of the format, and to one that
// is in the file if it is an entry of a list.
func (d *decoder) varies(at, path string, f *file) {
	t, done := reflect.TypeOf(*f), ""
	for rest := path; rest != "" || done == ""; {
		m := pathPart.FindStringSubmatch(rest)
		if m == nil || done == "" && rest[0] == '.' {
			d.failAt(at, "%s: %q is not a path: write it like machine.nic.ring or wire[0].count", at, path)
		}
		rest = rest[len(m[0]):]
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		key := m[1]
		switch {
		case key == "" && t.Kind() == reflect.Slice:
			if done += m[0]; !d.has(done) {
				d.failAt(at, "%s: the file has no %s", at, done)
			}
			t = t.Elem()
			continue
		case key != "" && t.Kind() == reflect.Struct:
			t = d.field(at, t, key)
		case key != "" && t.Kind() == reflect.Map && t != reflect.TypeFor[guide.Text]():
			t = t.Elem()
		default:
			d.failAt(at, "%s: there is no %q in %s", at, strings.TrimPrefix(m[0], "."), done)
		}
		if done == "" && slices.Contains(original, key) {
			d.failAt(at, "%s: %s is about the file's own run, an instance is without it", at, key)
		}
		done = join(done, key)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, is := reflect.New(t).Interface().(scalar)
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map:
		if !is {
			d.failAt(at, "%s: %q is not a single value", at, path)
		}
	}
}

// field is the type of a key's value.
func (d *decoder) field(at string, t reflect.Type, key string) reflect.Type {
	var known []string
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("yaml")
		if name == key {
			return t.Field(i).Type
		}
		known = append(known, name)
	}
	d.failAt(at, "%s: unknown key %q%s", at, key, hint(key, known))
	return nil
}

// program is what a replacement is about: which thread's program, and that it has
// the text.
func (d *decoder) program(at string, r replacement, f *file) int {
	i := slices.IndexFunc(f.Threads, func(t thread) bool { return t.Name == r.Thread })
	if i < 0 {
		d.failAt(at+".thread", "%s: unknown thread %q%s", at, r.Thread, hint(r.Thread, threadNames(f)))
	}
	if !strings.Contains(string(f.Threads[i].Program), r.Text) {
		d.failAt(at+".text", "%s: the program of %s has no %q", at, r.Thread, r.Text)
	}
	return i
}
