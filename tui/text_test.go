package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"ringside/scenarios/guide"
	"ringside/scenarios/quiz"
)

// courseDoc opens an embedded scenario.
func courseDoc(t testing.TB, name string) *Doc {
	t.Helper()
	doc, err := wholeDoc(name, "")
	if err != nil {
		t.Fatal(err)
	}
	doc.Live, doc.LiveWhy = nil, "a test has no real kernel"
	return doc
}

// transcript is what text mode writes for an input.
func transcript(t testing.TB, doc *Doc, all bool, input string) string {
	t.Helper()
	var out bytes.Buffer
	opts := Options{Start: doc.Name, Predict: quiz.File, Open: func(string) (*Doc, error) { return doc, nil }}
	if err := Text(context.Background(), opts, TextOptions{In: strings.NewReader(input), Out: &out, Echo: true, All: all}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestTranscripts holds whole conversations.
func TestTranscripts(t *testing.T) {
	for _, c := range []struct{ name, scenario, input string }{
		{"text-steps", "one-packet", "\nn\ns\ns\nb\ng 1ms\nm\nm\n/ep_poll_callback\n/\nw\ng 12\nq\n"},
		{"text-look", "one-packet", "g 5ms\no\np\np worker\np nobody\nstrace\nreal\n?\nfrob\ng\nend\nn\n"},
		{"text-notes", "syscall-door", "m\nm\nm\nw\n"},
	} {
		golden(t, c.name, transcript(t, courseDoc(t, c.scenario), false, c.input))
	}
	golden(t, "text-all", transcript(t, courseDoc(t, "syscall-door"), true, ""))
}

// TestTextIsPlain: no line is longer than 80 columns, and nothing but characters
// that can be read out.
func TestTextIsPlain(t *testing.T) {
	for _, name := range []string{"syscall-door", "cli-in-ring-3", "write-on-windows", "nonblocking-eagain"} {
		for i, l := range strings.Split(transcript(t, courseDoc(t, name), true, ""), "\n") {
			if utf8.RuneCountInString(l) > textColumns || strings.ContainsAny(l, "\x1b\t│─┌█…") {
				t.Fatalf("%s, line %d: %q", name, i+1, l)
			}
		}
	}
	out := transcript(t, courseDoc(t, "ten-thousand-descriptors"), false, "g 1ms\no\nw\nstrace\n?\n")
	for i, l := range strings.Split(out, "\n") {
		if utf8.RuneCountInString(l) > textColumns || strings.ContainsAny(l, "\x1b\t│─┌█…") {
			t.Fatalf("line %d: %q", i+1, l)
		}
	}
}

// TestTextAndScreenCountAlike: the same commands lead to the same step, and back
// is back.
func TestTextAndScreenCountAlike(t *testing.T) {
	a := testApp(t, document(t, 1, 3), 80, 24, "")
	a.keys("l l l s s ] ] h")
	out := transcript(t, document(t, 1, 3), false, "\nn\nn\ns\ns\nm\nm\nb\n")
	last := out[strings.LastIndex(out, "\nStep ")+1:]
	if got, _, _ := strings.Cut(last, ","); got != fmt.Sprint("Step ", a.scene.step) {
		t.Errorf("the screen is at step %d, the text at %q", a.scene.step, got)
	}
}

// asking is a document with two questions and a mark.
func asking(t testing.TB) *Doc {
	text := func(s string) guide.Text { return guide.Text{"en": s} }
	doc := document(t, 1, 1)
	at := func(fn string) guide.Selector { return guide.Selector{Fn: fn, CPU: -1, N: 1} }
	doc.Guide = &guide.Guide{Notes: []guide.Note{
		{At: at("ret_from_fork_asm"), Ask: &guide.Question{Ask: text("Whose stack?"), Choices: []guide.Text{text("its own"), text("another's")}, Answer: 0, Because: text("It was made for it.")}},
		{At: at("socket"), Mark: "the first call", Say: text("A call."), Why: text("It wants a socket."), Notes: text("secret")},
		{At: at("socket"), Ask: &guide.Question{Ask: text("Which ring?"), Choices: []guide.Text{text("0"), text("3")}, Answer: 1, Because: text("The library is user code.")}},
	}}
	return doc
}

func TestQuestionsAreAskedBeforeTheirStep(t *testing.T) {
	for _, c := range []struct {
		name, input string
		want        []string
		not         []string
	}{
		{"right and wrong", "\n\n\n1\n\n\n1\nq\n", []string{"  Right.\n", "The answer is: 2. 3\n", "Because: The library", "Questions: 1 of 2 right\n"}, []string{"secret"}},
		{"left out, then no number", "\n\n\n\n\n\nfoo\n7\n2\n", []string{"The answer is: 1. its own", "A number from 1 to 2", "Questions: 1 of 2 right, 1 skipped"}, nil},
		{"asked once", "\n\n\n1\nb\nn\nq\n", []string{"Questions: 1 of 1 right"}, nil},
		{"the end of the input", "\n\n\n", []string{"Question: Whose stack?"}, []string{"Questions:", "Because", "ret_from_fork"}},
		{"q ends it", "\n\n\nq\n", nil, []string{"Questions:", "ret_from_fork"}},
		{"the mark has a name", "m\n1\n2\n", []string{"Mark: the first call\n  Narration: A call.\n  Narration, why: It wants a socket.\n"}, nil},
	} {
		out := transcript(t, asking(t), false, c.input)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, out)
			}
		}
		for _, not := range c.not {
			if strings.Contains(out, not) {
				t.Errorf("%s: %q in\n%s", c.name, not, out)
			}
		}
	}
	out := transcript(t, asking(t), true, "")
	q, step := strings.Index(out, "Question: Which ring?"), strings.Index(out, "Function: socket")
	if q < 0 || step < q || !strings.Contains(out, "Answer: 2. 3\n  Because: The library is user code.") || strings.Contains(out, "Questions:") {
		t.Errorf("the whole run:\n%s", out[:min(len(out), 4000)])
	}
}

// failing refuses what is written after a while.
type failing int

func (f *failing) Write(p []byte) (int, error) {
	if *f--; *f < 0 {
		return 0, errors.New("nobody reads")
	}
	return len(p), nil
}

func TestAClosedPipeEndsTheTranscript(t *testing.T) {
	doc, left := document(t, 1, 100), failing(3)
	opts := Options{Start: doc.Name, Predict: quiz.File, Open: func(string) (*Doc, error) { return doc, nil }}
	if err := Text(context.Background(), opts, TextOptions{In: strings.NewReader(""), Out: &left, All: true}); err == nil {
		t.Error("nobody is told that the output is lost")
	}
}

func TestWrapWords(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"one two three", []string{"one two", "three"}},
		{"abcdefghijk", []string{"abcdefgh", "ijk"}},
		{"a abcdefghijk b", []string{"a", "abcdefgh", "ijk b"}},
		{"漢字漢字漢字", []string{"漢字漢字", "漢字"}},
	} {
		if got := wrapWords(c.in, 8); strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%q: %q", c.in, got)
		}
	}
}
