package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/sim"
)

// found runs a scenario until all notes of its guide have their records, or to the
// end, and gives the records.
func found(t *testing.T, s *Scenario) []sim.Seq {
	t.Helper()
	m, err := kernel.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	find := guide.NewFinder(s.Guide())
	var r sim.Record
	for seq := sim.Seq(0); seq < 1<<20 && m.Step(&r); seq++ {
		find.Record(m, &r, seq)
	}
	return find.Found
}

// A mark of a lesson that the run never reaches would be missing in class, and one
// that stands before its predecessor would be out of order there.
func TestTheMarksOfLessonsAreReachedInTheOrderOfTheFile(t *testing.T) {
	for _, name := range Lessons() {
		l, err := OpenLesson(name)
		if err != nil {
			t.Fatal(err)
		}
		minutes := 0
		for i, p := range l.Parts {
			minutes += p.Minutes
			at, last := found(t, p.Scenario), sim.Seq(-1)
			marks := 0
			for j, n := range p.Scenario.Guide().Notes {
				if n.Mark == "" {
					continue
				}
				if marks++; at[j] <= last {
					t.Errorf("%s, part %d: mark %q is at record %d, the one before it at %d", name, i+1, n.Mark, at[j], last)
				}
				last = at[j]
			}
			if marks == 0 {
				t.Errorf("%s, part %d: %s has no marks", name, i+1, p.Scenario.Name)
			}
		}
		if minutes != l.Minutes {
			t.Errorf("%s: the parts take %d minutes, the lesson %d", name, minutes, l.Minutes)
		}
	}
}

const lessonHead = "ringside-lesson: 1\ntitle: x\n"

func lessonOf(t *testing.T, content string) (*Lesson, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lesson.yaml")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return OpenLesson(path)
}

func TestALessonIsRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("own.yaml", course1)
	path := write("lesson.yaml", `ringside-lesson: 1
title: {en: Doors, de: Türen}
minutes: 10
sources: [a book]
parts:
  - {title: first, scenario: own.yaml, variant: twice, minutes: 4, questions: false}
  - title: second
    scenario: one-packet
    marks: [the gate]
    say: {en: Look., de: Schaut.}
    notes: Slowly.
    questions: 2
    minutes: 6
  - {title: third, scenario: ./own.yaml}
  - {title: fourth, scenario: ring-full@7}
`)
	if !IsLesson(path) || IsLesson(filepath.Join(dir, "own.yaml")) || IsLesson("one-packet") {
		t.Error("a lesson's file is told by its first key")
	}
	l, err := OpenLesson(path)
	if err != nil {
		t.Fatal(err)
	}
	p := l.Parts
	if l.Title.In("de") != "Türen" || l.Minutes != 10 || p[0].Scenario.Variant != "twice" || p[0].Questions != 0 ||
		p[1].Questions != 2 || p[1].Say.In("de") != "Schaut." || p[1].Marks[0] != "the gate" || p[2].Questions != AllQuestions {
		t.Errorf("%+v", l)
	}
	if values := p[3].Scenario.Values(); !strings.Contains(values, "frames 30") {
		t.Errorf("the instance has %q", values)
	}
}

func TestABadLessonIsOneClearError(t *testing.T) {
	part := lessonHead + "parts:\n  - title: y\n    scenario: "
	for _, c := range []struct{ name, content, want string }{
		{"an unknown key", lessonHead + "part: []\n", `:3:1: unknown key "part"; did you mean "parts"?`},
		{"an unknown key of a part", part + "one-packet\n    mark: [x]\n", `:6:5: unknown key "mark"; did you mean "marks"?`},
		{"a missing key", lessonHead, `the key "parts" is missing`},
		{"no parts", lessonHead + "parts: []\n", "parts: 1 to 100 of them"},
		{"another version", "ringside-lesson: 2\ntitle: x\nparts: [{title: y, scenario: one-packet}]\n", ":1:18: version 2 of the format"},
		{"an unknown scenario", part + "one-paket\n", `:5:15: parts[0].scenario: unknown scenario "one-paket"; did you mean "one-packet"?`},
		{"an unknown mark", part + "one-packet\n    marks: [the gate, the sokcet]\n", `:6:23: parts[0].marks[1]: unknown mark "the sokcet" of one-packet`},
		{"a mark twice", part + "one-packet\n    marks: [the gate, the gate]\n", `"the gate" stands here twice`},
		{"an unknown variant", part + "one-packet\n    variant: nope\n", `:6:14: parts[0].variant: unknown variant "nope" of one-packet`},
		{"a file above", part + "../x.yaml\n", `"../x.yaml" is not in the lesson's folder`},
		{"an absolute file", part + "/etc/passwd.yaml\n", `"/etc/passwd.yaml" is not in the lesson's folder`},
		{"no such file", part + "x.yaml\n", `parts[0].scenario: "x.yaml": no such file or directory`},
		{"an instance of nothing", part + "one-packet@7\n", "one-packet: nothing varies in it"},
		{"too many minutes", lessonHead + "minutes: 5\nparts:\n  - {title: y, scenario: one-packet, minutes: 6}\n", "take 6 minutes, the lesson 5"},
		{"negative minutes", lessonHead + "minutes: -1\nparts: [{title: y, scenario: one-packet}]\n", "minutes: -1 is not between"},
		{"bad questions", part + "one-packet\n    questions: maybe\n", `:6:16: parts[0].questions: true, false or how many, not "maybe"`},
		{"an empty file", "", "the file is empty"},
	} {
		_, err := lessonOf(t, c.content)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := OpenLesson("interrupt-firmware-io"); err == nil || !strings.Contains(err.Error(), `did you mean "interrupts-firmware-io"?`) {
		t.Errorf("%v", err)
	}
}

// A link in the folder does not lead out of it.
func TestALessonDoesNotFollowLinksOutOfItsFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.yaml")
	if err := os.WriteFile(outside, []byte(course1), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "in.yaml")); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(dir, "lesson.yaml")
	if err := os.WriteFile(path, []byte(lessonHead+"parts: [{title: y, scenario: in.yaml}]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLesson(path); err == nil {
		t.Error("the link was followed")
	}
}

func TestNoLessonHasAScenariosName(t *testing.T) {
	for _, name := range Lessons() {
		for _, other := range Builtin() {
			if name == other {
				t.Errorf("%s is both", name)
			}
		}
	}
}

// FuzzLesson: no file makes the program panic, and what is wrong has one error.
func FuzzLesson(f *testing.F) {
	for _, name := range Lessons() {
		data, err := lessons.ReadFile("lessons/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(lessonHead + "parts: [{title: {de: y}, scenario: one-packet, questions: 3, marks: [asleep]}]\n"))
	small, err := Open("one-packet")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLesson("f.yaml", data, func(string) (*Scenario, error) { return small, nil })
		if (l == nil) == (err == nil) {
			t.Errorf("%v and %v", l, err)
		}
	})
}
