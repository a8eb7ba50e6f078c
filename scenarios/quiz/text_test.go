package quiz

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s, want -, got +:\n%s", path, d)
	}
}

func TestQuizAtAPrompt(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"exclusive", "1\nB\n\n9\nx\n2\n3\nq\n"}, // q stops
		{"one-packet", "1\n1\n1\n1"},             // so does the end of the input
	} {
		course := openCourse(t, c.name, 1)
		var out bytes.Buffer
		if _, err := Play(strings.NewReader(c.in), &out, course.run, course.book, Some); err != nil {
			t.Error(err)
		}
		golden(t, "quiz-"+c.name, out.String())
	}
}

func TestNothingToAsk(t *testing.T) {
	c := openCourse(t, "touch-kernel-memory", 1)
	c.book.guide.Notes = nil
	var out bytes.Buffer
	if _, err := Play(strings.NewReader(""), &out, c.run, c.book, File); err != nil || out.String() != "Nothing to ask about this run (density file).\n" {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestSheetsDiffer(t *testing.T) {
	var sheets []Sheet
	for seed := uint64(1); seed <= 2; seed++ {
		c := openCourse(t, "last-waiter-first", seed)
		sheets = append(sheets, NewSheet(Heading{Title: "sheet", Name: "last-waiter-first", Number: int(seed), Seed: seed}, c.run, c.book))
	}
	if len(sheets[0].Questions) != sheetLength || cmp.Equal(sheets[0].Questions, sheets[1].Questions) {
		t.Error("two seeds give the same sheet")
	}
	var with, without bytes.Buffer
	if WriteSheets(&with, sheets, true) != nil || WriteSheets(&without, sheets, false) != nil {
		t.Fatal("a buffer fails")
	}
	golden(t, "sheets", with.String())
	if !strings.HasPrefix(with.String(), without.String()) || strings.Contains(without.String(), sheets[0].Questions[0].Because) {
		t.Error("the answers are not a part of their own")
	}
}
