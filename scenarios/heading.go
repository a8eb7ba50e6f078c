package scenarios

import (
	"bytes"
	"fmt"
	"path"

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
	var out []Heading
	for _, name := range Builtin() {
		data, err := course.ReadFile(path.Join("course", name+".yaml"))
		if err != nil {
			return nil, err
		}
		h := Heading{Name: name}
		if err := yaml.Unmarshal(top(data), &h); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, h)
	}
	return out, nil
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
