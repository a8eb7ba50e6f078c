package scenarios

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"sync"

	"github.com/goccy/go-yaml"
)

// Heading is what a list of scenarios says of one.
type Heading struct {
	Name    string `yaml:"-"`
	Title   string `yaml:"title"`
	Chapter string `yaml:"chapter"`
	Teaches string `yaml:"teaches"`
}

// Headings are those of the embedded scenarios, in the order of the course. Only the
// first keys of a file are read: reading all of it takes ten times as long, and who
// opens the program would wait for that.
func Headings() ([]Heading, error) {
	names := Builtin()
	out, errs := make([]Heading, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { out[i], errs[i] = readHeading(name) })
	}
	all.Wait()
	return out, errors.Join(errs...)
}

func readHeading(name string) (Heading, error) {
	h := Heading{Name: name}
	data, err := course.ReadFile(path.Join("course", name+".yaml"))
	if err != nil {
		return h, err
	}
	if err := yaml.Unmarshal(top(data), &h); err != nil {
		return h, fmt.Errorf("%s: %w", name, err)
	}
	return h, nil
}

// LessonHeadings are the embedded lessons, of whose parts only title and minutes
// are there: their scenarios are not opened.
func LessonHeadings() ([]Lesson, error) {
	var out []Lesson
	for _, name := range Lessons() {
		data, err := lessons.ReadFile(path.Join("lessons", name+".yaml"))
		if err != nil {
			return nil, err
		}
		f, err := readLesson(newDecoder(name, data), data)
		if err != nil {
			return nil, err
		}
		l := Lesson{Name: name, Title: f.Title, Minutes: f.Minutes}
		for _, p := range f.Parts {
			l.Parts = append(l.Parts, LessonPart{Title: p.Title, Minutes: p.Minutes})
		}
		out = append(out, l)
	}
	return out, nil
}

// readLesson reads a lesson's file, as it stands there.
func readLesson(d *decoder, data []byte) (f lessonFile, err error) {
	defer d.recovered(&err, func() {})
	d.checkText(data)
	d.decode(data, &f)
	return f, nil
}

// top is a file up to its first key that is none of a heading's.
func top(data []byte) []byte {
	n := 0
	for line := range bytes.Lines(data) {
		if key, _, ok := bytes.Cut(line, []byte(":")); ok && line[0] >= 'a' && line[0] <= 'z' {
			switch string(key) {
			case "ringside", "title", "chapter", "teaches":
			default:
				return data[:n]
			}
		}
		n += len(line)
	}
	return data
}
