package scenarios

import "testing"

// A heading, read from the top of a file, is what the whole file says.
func TestHeadingsAreTheFiles(t *testing.T) {
	headings, err := Headings()
	if err != nil {
		t.Fatal(err)
	}
	names := Builtin()
	if len(headings) != len(names) {
		t.Fatalf("%d headings of %d scenarios", len(headings), len(names))
	}
	for i, h := range headings {
		s, err := Open(names[i])
		if err != nil {
			t.Fatal(err)
		}
		if want := (Heading{s.Name, s.Title, s.Chapter, s.Teaches}); h != want {
			t.Errorf("got %+v, the file says %+v", h, want)
		}
	}
}

func TestLessonHeadingsAreTheFiles(t *testing.T) {
	headings, err := LessonHeadings()
	if err != nil {
		t.Fatal(err)
	}
	names := Lessons()
	if len(headings) != len(names) {
		t.Fatalf("%d headings of %d lessons", len(headings), len(names))
	}
	for i, h := range headings {
		l, err := OpenLesson(names[i])
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != l.Name || h.Title.In("en") != l.Title.In("en") || h.Minutes != l.Minutes || len(h.Parts) != len(l.Parts) {
			t.Errorf("got %+v", h)
		}
		for j, p := range l.Parts {
			if h.Parts[j].Title.In("en") != p.Title.In("en") {
				t.Errorf("part %d: got %v", j, h.Parts[j].Title)
			}
		}
	}
}

func BenchmarkHeadings(b *testing.B) {
	for b.Loop() {
		if _, err := Headings(); err != nil {
			b.Fatal(err)
		}
	}
}
