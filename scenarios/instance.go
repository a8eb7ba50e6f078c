package scenarios

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"ringside/scenarios/lanes"
)

// An instance of a scenario has the values that a number decides, within what the
// file's vary declares. Its name is the scenario's, @ and the number.

// Param is what varies, and what it is here.
type Param struct{ Name, Value string }

// Params are an instance's own values, as the file names them.
func (s *Scenario) Params() []Param { return s.params }

// Values names an instance's own values in one line, or is "".
func (s *Scenario) Values() string { return said(s.params) }

// Varies tells whether it has instances.
func (s *Scenario) Varies() bool { return len(s.rows) > 0 }

// Instances tells how many different ones there are.
func (s *Scenario) Instances() int {
	n := 1
	for i := range s.rows {
		n *= len(s.rows[i].values)
	}
	return n
}

// Instance is the scenario with the values of a number. Neighbours differ, and as
// many numbers in a row as there are instances give all of them.
func (s *Scenario) Instance(n uint64) (*Scenario, error) {
	if !s.Varies() {
		return nil, &Error{File: s.Name, Msg: fmt.Sprintf("nothing varies in it: it has no vary, and so no instance %d", n)}
	}
	name, pick := s.Name+"@"+strconv.FormatUint(n, 10), s.pick(n)
	out, err := s.make(name, pick)
	var e *Error
	if errors.As(err, &e) {
		return nil, s.blames(pick, e, s.reads)
	}
	return out, err
}

// cutInstance takes a name of an instance apart.
func cutInstance(name string) (of string, n uint64, ok bool) {
	i := strings.LastIndexByte(name, '@')
	if i <= 0 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 64)
	if err != nil {
		return "", 0, false
	}
	_, err = os.Lstat(name) // a file may have such a name
	return name[:i], n, err != nil
}

// pick decides the values. It walks through all combinations with a stride that
// has no factor in common with their number, near the golden section of it, and so
// none with the number of any row's values either.
func (s *Scenario) pick(n uint64) []int {
	total := uint64(s.Instances())
	stride := total * 618 / 1000
	for stride == 0 || gcd(stride, total) != 1 {
		stride++
	}
	left := n % total * stride % total
	pick := make([]int, len(s.rows))
	for i := range s.rows {
		values := uint64(len(s.rows[i].values))
		pick[i] = int(left % values)
		left /= values
	}
	return pick
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// make writes and reads the file with some values.
func (s *Scenario) make(name string, pick []int) (out *Scenario, err error) {
	text, params, err := s.written(name, pick)
	if err != nil {
		return nil, err
	}
	if out, err = s.again(name, []byte(text)); err != nil {
		return nil, err
	}
	out.params, out.instance = params, true
	return out, nil
}

// written is the file of an instance.
func (s *Scenario) written(name string, pick []int) (text string, params []Param, err error) {
	e := edit(name, strings.ReplaceAll(string(s.source), "\r\n", "\n")) // it has been read before
	defer e.recovered(&err, func() {})
	e = edit(name, e.without(original))
	var known []string // pairs of {name} and value
	for i := range s.rows {
		r := &s.rows[i]
		value := strings.NewReplacer(known...).Replace(r.values[pick[i]])
		if r.Name != "" {
			params = append(params, Param{r.Name, value})
			known = append(known, "{"+r.Name+"}", value)
		}
		for _, p := range r.Paths {
			e = edit(name, e.set(p, value))
		}
		for j, x := range r.Replace {
			x.With = strings.NewReplacer(known...).Replace(x.With)
			e = edit(name, e.replaced(fmt.Sprintf("vary[%d].replace[%d]", i, j), x))
		}
	}
	return "# " + name + ": " + said(params) + "\n" + e.text, params, nil
}

// said names the values.
func said(params []Param) string {
	var out []string
	for _, p := range params {
		out = append(out, p.Name+" "+p.Value)
	}
	return strings.Join(out, ", ")
}

// blames makes the error of an instance that is wrong. It points to the first row
// without whose value it would be right.
func (s *Scenario) blames(pick []int, err error, try func([]int) error) error {
	at, values := s.rows[0].where, said(s.valuesOf(pick))
	for i := range s.rows {
		if s.rights(pick, i, try) {
			r := &s.rows[i]
			at, values = r.at[pick[i]], fmt.Sprintf("vary[%d]: with %s", i, strings.TrimSpace(r.Name+" "+r.values[pick[i]]))
			break
		}
	}
	msg := err.Error()
	if e := new(Error); errors.As(err, &e) {
		msg = e.Msg
	}
	return newDecoder(s.Name, s.source).error(at, values+": "+msg)
}

// valuesOf are the values of a choice, as they stand in the file.
func (s *Scenario) valuesOf(pick []int) (out []Param) {
	for i := range s.rows {
		out = append(out, Param{s.rows[i].Name, s.rows[i].values[pick[i]]})
	}
	return out
}

// rights tells whether another value of a row would make an instance right.
func (s *Scenario) rights(pick []int, row int, try func([]int) error) bool {
	other := slices.Clone(pick)
	for v := range s.rows[row].values {
		if other[row] = v; v != pick[row] && try(other) == nil {
			return true
		}
	}
	return false
}

// reads tries whether an instance can be read, runs whether it can be run, too.
func (s *Scenario) reads(pick []int) error {
	_, err := s.make(s.Name, pick)
	return err
}

func (s *Scenario) runs(pick []int) error {
	inst, err := s.make(s.Name, pick)
	if err == nil {
		_, _, err = lanes.Model(inst.config, lanes.Limits{})
	}
	return err
}

// maxTried is how many instances are tried.
const maxTried = 64

// CheckInstances reads and runs instances: all, or as many as can be tried. It
// tells how many.
func (s *Scenario) CheckInstances() (int, error) {
	if !s.Varies() {
		return 0, nil
	}
	n := min(s.Instances(), maxTried)
	for i := range n {
		pick := s.pick(uint64(i))
		if err := s.runs(pick); err != nil {
			return 0, s.blames(pick, err, s.runs)
		}
	}
	return n, nil
}
