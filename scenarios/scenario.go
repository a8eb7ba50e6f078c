package scenarios

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/scenarios/guide"
	"ringside/scenarios/lanes"
)

// MaxSize is how big a file may be.
const MaxSize = 1 << 20

// Scenario is a file that has been read and found sound.
type Scenario struct {
	Name          string // of the embedded scenario, or the file's path
	Variant       string // its name, or "" for the file itself
	VariantTitle  guide.Text
	Title         string
	Chapter       string
	Teaches       string
	Misconception string
	Sources       []string

	source []byte
	file   file
	config *kernel.Config
	guide  *guide.Guide
	noteAt []place // where the file picks the record of each note

	variants []*Scenario

	rows     []row                                             // what varies
	again    func(name string, data []byte) (*Scenario, error) // reads another file in the same folder
	instance bool
	params   []Param
}

// Attachments are the embedded files that an embedded scenario names.
func (s *Scenario) Attachments() (names []string) {
	for i := range s.file.Wire {
		name := s.file.Wire[i].PCAP
		if _, ok := Attached(name); ok {
			names = append(names, name)
		}
	}
	return names
}

// Open reads a file, or an embedded scenario by its name; with @ and a number
// behind it, an instance.
func Open(nameOrPath string) (*Scenario, error) {
	if name, n, ok := cutInstance(nameOrPath); ok {
		s, err := Open(name)
		if err != nil {
			return nil, err
		}
		return s.Instance(n)
	}
	if looksLikePath(nameOrPath) {
		return Load(nameOrPath)
	}
	if data, err := course.ReadFile(path.Join("course", nameOrPath+".yaml")); err == nil {
		files, _ := fs.Sub(course, "course")
		return parse(nameOrPath, data, files)
	}
	if _, err := os.Stat(nameOrPath); err == nil {
		return Load(nameOrPath)
	}
	return nil, &Error{File: nameOrPath, Msg: "no such file and no scenario of that name" + program.Nearest(nameOrPath, Builtin())}
}

// looksLikePath tells whether a name cannot be that of something embedded.
func looksLikePath(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// Load reads a file.
func Load(name string) (*Scenario, error) {
	data, err := readFile(name, "scenario")
	if err != nil {
		return nil, err
	}
	return parseIn(filepath.Dir(name), name, data)
}

// parseIn is parse for a file in a folder of the file system.
func parseIn(folder, name string, data []byte) (*Scenario, error) {
	dir, err := os.OpenRoot(folder) // no path and no link leads out of it
	if err != nil {
		return nil, &Error{File: name, Msg: err.Error()}
	}
	defer dir.Close()
	s, err := parse(name, data, dir.FS())
	if err == nil {
		s.again = func(name string, data []byte) (*Scenario, error) { return parseIn(folder, name, data) }
	}
	return s, err
}

// readFile reads a file of a kind, within the limits.
func readFile(name, kind string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, &Error{File: name, Msg: reason(err).Error()}
	case info.IsDir():
		return nil, &Error{File: name, Msg: "is a directory, not a " + kind + " file"}
	case info.Size() > MaxSize:
		return nil, tooBig(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, &Error{File: name, Msg: err.Error()}
	}
	return data, nil
}

// reason is an error without the path that it is about.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func tooBig(name string) *Error {
	return &Error{File: name, Msg: fmt.Sprintf("the file is bigger than %d bytes", MaxSize)}
}

// Parse reads the contents of a file, which may name no other files; name is for
// messages. The error is an *Error.
func Parse(name string, data []byte) (*Scenario, error) { return parse(name, data, nil) }

// parse is Parse for a file in a folder.
func parse(name string, data []byte, files fs.FS) (s *Scenario, err error) {
	if len(data) > MaxSize {
		return nil, tooBig(name)
	}
	d := newDecoder(name, data)
	d.files = files
	defer d.recovered(&err, func() { s = nil })
	d.checkText(data)
	s = &Scenario{Name: name, source: data, file: defaults()}
	d.decode(data, &s.file)
	d.scenario(s)
	s.noteAt = d.notePlaces(&s.file)
	s.rows = d.vary(&s.file)
	s.again = func(name string, data []byte) (*Scenario, error) { return parse(name, data, files) }
	for i := range s.file.Variants {
		s.variants = append(s.variants, d.variant(s, i))
	}
	return s, nil
}

// scenario checks a file that is read.
func (d *decoder) scenario(s *Scenario) {
	s.config = d.build(&s.file)
	s.guide = d.guide(&s.file, s.config)
	s.Title, s.Chapter, s.Teaches, s.Misconception, s.Sources = s.file.Title, s.file.Chapter, s.file.Teaches, s.file.Misconception, s.file.Sources
}

// variant reads the file once more, and the variant's own over it.
func (d *decoder) variant(s *Scenario, i int) *Scenario {
	v, path := &s.file.Variants[i], fmt.Sprintf("variants[%d]", i)
	d.checkName(path+".name", v.Name)
	for _, other := range s.variants {
		if other.Variant == v.Name {
			d.failAt(path+".name", "a second variant %q", v.Name)
		}
	}
	out := &Scenario{Name: s.Name, Variant: v.Name, VariantTitle: v.Title, source: s.source, file: defaults()}
	d.value(d.tree, reflect.ValueOf(&out.file).Elem(), "")
	d.apply(&out.file, v, path)
	d.scenario(out)
	return out
}

// checkText refuses what is no text: invalid UTF-8 and control characters.
func (d *decoder) checkText(data []byte) {
	if len(bytes.TrimSpace(data)) == 0 {
		panic(&Error{File: d.name, Msg: "the file is empty"})
	}
	for i, l := range d.lines {
		col := 1
		for _, r := range l {
			if r == utf8.RuneError || unicode.IsControl(r) && r != '\t' && r != '\r' {
				d.fail(place{i + 1, col}, "the character %q cannot stand in a scenario file", r)
			}
			col++
		}
	}
}

// Guide is what accompanies the run.
func (s *Scenario) Guide() *guide.Guide { return s.guide }

// Variants are the same scenario with something different, in the order of the
// file.
func (s *Scenario) Variants() []*Scenario { return s.variants }

// With opens what a scenario is compared with: a variant of its own by its name,
// or another scenario or file.
func (s *Scenario) With(name string) (*Scenario, error) {
	for _, v := range s.variants {
		if v.Variant == name {
			return v, nil
		}
	}
	other, err := Open(name)
	var e *Error
	if errors.As(err, &e) && e.Line == 0 && len(s.variants) > 0 {
		return nil, fmt.Errorf("%w; the variants of %s: %s", err, s.Name, strings.Join(s.VariantNames(), ", "))
	}
	return other, err
}

// VariantNames are the names of its variants.
func (s *Scenario) VariantNames() []string {
	var names []string
	for _, v := range s.variants {
		names = append(names, v.Variant)
	}
	return names
}

// Label names it and, if it is a variant, what is different, in a language.
func (s *Scenario) Label(lang string) string {
	if s.Variant == "" {
		return s.Name
	}
	if title := s.VariantTitle.In(lang); title != "" {
		return s.Variant + ": " + title
	}
	return s.Variant
}

// Own tells whether it is a file of the user's, which can be edited, and nothing
// embedded and no instance.
func (s *Scenario) Own() bool { return !s.instance && !slices.Contains(Builtin(), s.Name) }

// Source is the file as it was written.
func (s *Scenario) Source() []byte { return s.source }

// Config is the machine that the scenario describes.
func (s *Scenario) Config() (*kernel.Config, error) {
	c := *s.config
	return &c, nil
}

// NewMachine makes the machine that the scenario describes, before its first step.
func (s *Scenario) NewMachine() (*kernel.Machine, error) { return kernel.New(s.config) }

// LiveWhy says why the programs cannot run on the real kernel, or "".
func (s *Scenario) LiveWhy() string {
	if l := s.file.Live; l.Run != nil && !*l.Run {
		return l.Why
	}
	if a := s.config.ABI; !a.Native() {
		return "the program is one for " + a.String()
	}
	for i := range s.config.Wire {
		if s.config.Wire[i].Pace != kernel.PaceEvery {
			return "the real lane sends packets one by one, when every thread sleeps: it plays no load and no capture file"
		}
	}
	return ""
}

// Unordered names the threads whose calls come in an order that Linux leaves
// open, and says why.
func (s *Scenario) Unordered() (threads []string, why string) {
	return s.file.Live.Unordered, s.file.Live.Why
}

// Expectations are what the file expects of a run; a variant that does not set
// expect expects nothing.
func (s *Scenario) Expectations() lanes.Expect {
	e := lanes.Expect{Strace: map[string][]string{}, Counters: map[string]int64{}}
	for name, text := range s.file.Expect.Strace {
		e.Strace[kernel.Printable(name)] = strings.Split(strings.TrimRight(text, "\n"), "\n")
	}
	for name, n := range s.file.Expect.Counters {
		e.Counters[name] = int64(n)
	}
	return e
}
