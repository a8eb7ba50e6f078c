package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"ringside/kernel/program"
	"ringside/scenarios/guide"
)

// lessonFile is a lesson: scenarios that are presented one after another.
type lessonFile struct {
	Version int          `yaml:"ringside-lesson" required:"true" doc:"Version of the format: 1."`
	Title   guide.Text   `yaml:"title" required:"true" doc:"What the lesson is about, a few words."`
	Minutes int          `yaml:"minutes" doc:"How long it takes; the parts take no longer together."`
	Sources []string     `yaml:"sources" doc:"Where it can be read."`
	Parts   []lessonPart `yaml:"parts" required:"true" doc:"The parts, in the order of the lesson."`
}

type lessonPart struct {
	Title     guide.Text `yaml:"title" required:"true" doc:"What the part is about, a few words."`
	Scenario  string     `yaml:"scenario" required:"true" doc:"An embedded scenario by its name, or a file, relative to the lesson's and not above its folder."`
	Variant   string     `yaml:"variant" doc:"The variant of the scenario."`
	Marks     []string   `yaml:"marks" doc:"Which of the scenario's marks are shown, by name; without it, all of them. They come in the order of the run."`
	Minutes   int        `yaml:"minutes" doc:"How long the part takes."`
	Say       guide.Text `yaml:"say" doc:"What the class reads before the first mark."`
	Notes     guide.Text `yaml:"notes" doc:"What only the speaker sees."`
	Questions Questions  `yaml:"questions" doc:"Whether the scenario's questions are asked, or how many of them; by default all."`
}

// Questions is how many of a scenario's questions are asked: all, none or a number.
type Questions struct{ Max int }

// AllQuestions stands for as many as there are.
const AllQuestions = 1 << 30

func (q *Questions) parse(s string) error {
	switch s {
	case "true":
		q.Max = AllQuestions
	case "false":
		q.Max = 0
	default:
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > AllQuestions {
			return fmt.Errorf("true, false or how many, not %q", s)
		}
		q.Max = n
	}
	return nil
}

// Lesson is a lesson's file that has been read and found sound, with its scenarios.
type Lesson struct {
	Name    string // of the embedded lesson, or the file's path
	Title   guide.Text
	Minutes int
	Sources []string
	Parts   []LessonPart
}

// LessonPart is a scenario in a lesson.
type LessonPart struct {
	Title, Say, Notes guide.Text
	Minutes           int
	Scenario          *Scenario // or its variant
	Marks             []string  // nil: all
	Questions         int
}

// Limits of a lesson.
const (
	maxParts         = 100
	maxLessonMinutes = 24 * 60
)

//go:embed lessons/*.yaml
var lessons embed.FS

// Lessons lists the embedded lessons.
func Lessons() []string {
	var names []string
	entries, _ := fs.ReadDir(lessons, "lessons")
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// OpenLesson reads a lesson's file, or an embedded lesson by its name.
func OpenLesson(nameOrPath string) (*Lesson, error) {
	if data, err := lessons.ReadFile(path.Join("lessons", nameOrPath+".yaml")); err == nil {
		return parseLesson(nameOrPath, data, openEmbedded)
	}
	if !isFile(nameOrPath) {
		return nil, &Error{File: nameOrPath, Msg: "no such file and no lesson of that name" + program.Nearest(nameOrPath, Lessons())}
	}
	data, err := readFile(nameOrPath, "lesson")
	if err != nil {
		return nil, err
	}
	return parseLesson(nameOrPath, data, func(name string) (*Scenario, error) { return openBeside(filepath.Dir(nameOrPath), name) })
}

// IsLesson tells whether a name is that of an embedded lesson, or of a file that
// holds a lesson: it has the key ringside-lesson.
func IsLesson(nameOrPath string) bool {
	if slices.Contains(Lessons(), nameOrPath) {
		return true
	}
	if !isFile(nameOrPath) || slices.Contains(Builtin(), nameOrPath) {
		return false
	}
	data, err := readFile(nameOrPath, "lesson")
	if err != nil {
		return false
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil || len(tree.Docs) == 0 {
		return false
	}
	m, ok := tree.Docs[0].Body.(*ast.MappingNode)
	return ok && slices.ContainsFunc(m.Values, func(v *ast.MappingValueNode) bool {
		return v.Key.GetToken().Value == "ringside-lesson"
	})
}

// isFile tells whether a name is a path rather than the name of something embedded.
func isFile(name string) bool {
	if looksLikePath(name) {
		return true
	}
	_, err := os.Stat(name)
	return err == nil
}

// openEmbedded opens a scenario of an embedded lesson, which has no folder.
func openEmbedded(name string) (*Scenario, error) {
	if looksLikePath(name) {
		return nil, fmt.Errorf("an embedded lesson has embedded scenarios only")
	}
	return openNamed(name)
}

// openNamed opens an embedded scenario.
func openNamed(name string) (*Scenario, error) {
	if names := Builtin(); !slices.Contains(names, name) {
		return nil, fmt.Errorf("unknown scenario %q%s", name, program.Nearest(name, names))
	}
	return Open(name)
}

// openBeside opens an embedded scenario, or a file in a folder or below it. Links
// do not lead out of the folder either.
func openBeside(dir, name string) (*Scenario, error) {
	if !looksLikePath(name) {
		return openNamed(name)
	}
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%q is not in the lesson's folder", name)
	}
	f, err := os.OpenInRoot(dir, name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, reason(err))
	}
	f.Close()
	return Load(filepath.Join(dir, name))
}

func parseLesson(name string, data []byte, open func(string) (*Scenario, error)) (l *Lesson, err error) {
	d := newDecoder(name, data)
	f, err := readLesson(d, data)
	if err != nil {
		return nil, err
	}
	defer d.recovered(&err, func() { l = nil })
	return d.lesson(name, &f, open), nil
}

// lesson checks a lesson that is read, and opens its scenarios.
func (d *decoder) lesson(name string, f *lessonFile, open func(string) (*Scenario, error)) *Lesson {
	if f.Version != 1 {
		d.failAt("ringside-lesson", "version %d of the format; this program reads version 1", f.Version)
	}
	if len(f.Parts) == 0 || len(f.Parts) > maxParts {
		d.failAt("parts", "parts: 1 to %d of them", maxParts)
	}
	d.within("minutes", f.Minutes, 0, maxLessonMinutes)
	l := &Lesson{Name: name, Title: f.Title, Minutes: f.Minutes, Sources: f.Sources}
	minutes := 0
	for i := range f.Parts {
		path := fmt.Sprintf("parts[%d]", i)
		l.Parts = append(l.Parts, d.lessonPart(path, &f.Parts[i], open))
		minutes += f.Parts[i].Minutes
		if f.Minutes > 0 && minutes > f.Minutes {
			d.failAt(path+".minutes", "the parts up to here take %d minutes, the lesson %d", minutes, f.Minutes)
		}
	}
	return l
}

func (d *decoder) lessonPart(path string, p *lessonPart, open func(string) (*Scenario, error)) LessonPart {
	d.within(path+".minutes", p.Minutes, 0, maxLessonMinutes)
	sc, err := openPart(p.Scenario, open)
	if err != nil {
		d.failAt(path+".scenario", "%s.scenario: %s", path, err)
	}
	if p.Variant != "" {
		sc = d.variantOf(path+".variant", sc, p.Variant)
	}
	var known []string
	for _, n := range sc.Guide().Notes {
		if n.Mark != "" {
			known = append(known, n.Mark)
		}
	}
	for i, mark := range p.Marks {
		at := fmt.Sprintf("%s.marks[%d]", path, i)
		if !slices.Contains(known, mark) {
			d.failAt(at, "%s: unknown mark %q of %s%s", at, mark, p.Scenario, program.Nearest(mark, known))
		}
		if slices.Contains(p.Marks[:i], mark) {
			d.failAt(at, "%s: %q stands here twice", at, mark)
		}
	}
	questions := AllQuestions
	if _, given := d.at[path+".questions"]; given {
		questions = p.Questions.Max
	}
	return LessonPart{
		Title: p.Title, Say: p.Say, Notes: p.Notes, Minutes: p.Minutes, Scenario: sc, Marks: p.Marks, Questions: questions,
	}
}

// openPart opens the scenario of a part, or an instance of one.
func openPart(name string, open func(string) (*Scenario, error)) (*Scenario, error) {
	of, n, ok := cutInstance(name)
	if !ok {
		return open(name)
	}
	sc, err := open(of)
	if err != nil {
		return nil, err
	}
	return sc.Instance(n)
}

func (d *decoder) variantOf(path string, sc *Scenario, name string) *Scenario {
	var known []string
	for _, v := range sc.Variants() {
		if v.Variant == name {
			return v
		}
		known = append(known, v.Variant)
	}
	d.failAt(path, "%s: unknown variant %q of %s%s", path, name, sc.Name, program.Nearest(name, known))
	return nil
}

// LessonSchema is the JSON Schema of lessons' files.
func LessonSchema() []byte {
	return printed(schemaOf(reflect.TypeFor[lessonFile]()), "ringside lesson")
}
