package cli

import (
	"strings"
	"testing"
)

// TestQuizWithoutATerminal: under a test standard input is no terminal, so it
// asks at a prompt, as with --text.
func TestQuizWithoutATerminal(t *testing.T) {
	out, errs, status := typing("1\n1\n1\n", "quiz", "exclusive", "--seed", "3")
	if status != 0 || strings.Count(out, "answer 1-") != 4 || !strings.Contains(out, "Score: ") || strings.Count(out, "right. ")+strings.Count(out, "wrong: ") != 3 {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestSheetsAndTheirAnswers(t *testing.T) {
	with, errs, status := ringside("quiz", "exclusive", "--sheet", "2", "--answers")
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	without, _, _ := ringside("quiz", "exclusive", "--sheet", "2")
	if !strings.HasPrefix(with, without) || strings.Contains(without, "Answers:") || strings.Count(with, "Answers:") != 2 {
		t.Errorf("the answers are not a part of their own:\n%s", with)
	}
}

// TestSheetsAreInstances: each sheet names its values and the name that opens it,
// and what that prints has these values.
func TestSheetsAreInstances(t *testing.T) {
	out, errs, status := ringside("quiz", "ring-full", "--sheet", "2", "--seed", "7", "--answers")
	if status != 0 {
		t.Fatalf("status %d: %s", status, errs)
	}
	for i, name := range []string{"ring-full@7", "ring-full@8"} {
		shown, errs, status := ringside("show", name)
		head, _, _ := strings.Cut(shown, "\n")
		_, frames, _ := strings.Cut(head, "frames ")
		frames, _, _ = strings.Cut(frames, ",")
		sheet := strings.Split(out, "\f")[i]
		if status != 0 || frames == "" || !strings.Contains(sheet, "ringside "+name) || !strings.Contains(shown, "count: "+frames) || !strings.Contains(sheet, ", "+frames+" times, one every 1us") {
			t.Errorf("%s: status %d, %s\n%s\n%s", name, status, errs, head, sheet)
		}
	}
	if pages := strings.Split(out, "\f"); len(pages) != 4 || !strings.Contains(pages[2], "Answers: ") || !strings.Contains(pages[3], "(ring-full@8, seed 8)") {
		t.Errorf("%d pages", len(pages))
	}
	if out, errs, status := ringside("quiz", "ring-full@7", "--text"); status != 0 || !strings.Contains(out, "Here: frames ") {
		t.Errorf("status %d: %s\n%s", status, errs, out)
	}
}

func TestBadUsageOfQuiz(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"quiz", "a name is missing: ringside quiz"},
		{"quiz no-such-scenario", "no scenario of that name"},
		{"quiz one-packet@7", "one-packet: nothing varies in it"},
		{"quiz exclusive --density lots", `--density "lots": file, some or many`},
		{"quiz exclusive --density off", `--density "off": file, some or many`},
		{"quiz exclusive --answers", "--answers goes with --sheet"},
		{"quiz exclusive --sheet 0", "--sheet 0: 1 to 1000"},
		{"quiz exclusive --lang German", `--lang "German": give the code of a language`},
	} {
		if _, errs, status := ringside(strings.Fields(c.args)...); status != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: status %d, %q; want 2 and %q", c.args, status, errs, c.want)
		}
	}
}
