package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/scenarios"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ringside runs the command line and gives what it printed and its status.
func ringside(args ...string) (stdout, stderr string, status int) {
	return typing("", args...)
}

// typing is ringside with an input.
func typing(input string, args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	status = Run(args, strings.NewReader(input), &out, &errs)
	return out.String(), errs.String(), status
}

// write makes a scenario file in a directory of the test's.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryEmbeddedScenarioMeetsItsExpectations(t *testing.T) {
	out, errs, status := ringside(append([]string{"check"}, scenarios.Builtin()...)...)
	if status != 0 {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestVerifyFindsNoDifference(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the live lane needs Linux")
	}
	out, errs, status := ringside(append([]string{"verify"}, scenarios.Builtin()...)...)
	if status != 0 {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	for _, name := range scenarios.Builtin() {
		sc, err := scenarios.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		verdict := ": no difference"
		if sc.LiveWhy() != "" {
			verdict = ": not compared"
		}
		if !strings.Contains(out, name+verdict) {
			t.Errorf("nothing is said of %s:\n%s", name, out)
		}
	}
	if !strings.Contains(out, "6 finished calls with arguments, results and data, then asleep in epoll_wait(4") {
		t.Errorf("it does not say what it compared:\n%s", out)
	}
}

func TestOneAlteredExpectationMakesCheckFail(t *testing.T) {
	src, _, _ := ringside("show", "one-packet")
	for _, c := range []struct{ old, new, shows string }{
		{`read(3, "hello", 512) = 5` + "\n", `read(3, "hullo", 512) = 5` + "\n", `- read(3, "hullo", 512) = 5`},
		{"irqs: 1", "irqs: 2", "counter irqs: expected 2, the model has 1"},
	} {
		out, _, status := ringside("check", write(t, "altered.yaml", strings.Replace(src, c.old, c.new, 1)))
		if status != exitFailed || !strings.Contains(out, c.shows) {
			t.Errorf("status %d, want 1 and %q in\n%s", status, c.shows, out)
		}
	}
}

// TestExports holds what one packet leaves behind in each format.
func TestExports(t *testing.T) {
	for _, format := range []string{"steps", "strace", "ftrace", "jsonl"} {
		got, errs, status := ringside("run", "one-packet", "--format", format)
		if status != 0 {
			t.Fatalf("%s: %s", format, errs)
		}
		golden(t, "one-packet."+format, got)
		again, _, _ := ringside("run", "one-packet", "--format", format)
		if got != again {
			t.Errorf("%s: two runs differ", format)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (go test . -update rewrites it): want -, got +:\n%s", name, d)
	}
}

func TestJSONLIsOneRecordALine(t *testing.T) {
	out, _, _ := ringside("run", "one-packet", "--format", "jsonl")
	lastT := int64(-1)
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var r struct {
			Seq, T, Dur, Cause int64
			Ctx, Fn            string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if r.Seq != int64(i) || r.T < lastT || r.Cause >= r.Seq || r.Ctx == "" || r.Fn == "" {
			t.Fatalf("line %d: %s", i+1, line)
		}
		lastT = r.T
	}
}

func TestUntilAndMaxStepsEndARun(t *testing.T) {
	out, _, _ := ringside("run", "one-packet", "--max-steps", "7")
	if n := strings.Count(out, "\n"); n != 7 {
		t.Errorf("%d lines, want 7", n)
	}
	out, _, _ = ringside("run", "one-packet", "--until", "2us")
	if !strings.Contains(out, "1.9") || strings.Contains(out, "2.1us") {
		t.Errorf("the run goes past 2us:\n%s", out)
	}
}

// TestBadInputIsOneClearError: exit status 2, nothing on standard output, and a
// message that names the place.
func TestBadInputIsOneClearError(t *testing.T) {
	head := "ringside: 1\ntitle: x\n"
	program := func(line string) string {
		return head + "threads:\n  - name: a\n    program: |\n      x := 1\n      " + line + "\n"
	}
	big := head + "teaches: " + strings.Repeat("x", 2<<20) + "\n"
	for _, c := range []struct{ name, content, want string }{
		{"unknown key", head + "thread:\n  - {name: a, program: \"\"}\n", `:3:1: unknown key "thread"; did you mean "threads"?`},
		{"wrong unit", head + "stop: 5 parsecs\nthreads: [{name: a, program: \"\"}]\n", `:3:7: stop: "5 parsecs" has an unknown unit`},
		{"no unit", head + "stop: 5\nthreads: [{name: a, program: \"\"}]\n", `:3:7: stop: "5" has no unit`},
		{"bad program syntax", program("if {"), ":7:10: missing condition in if statement"},
		{"unknown call", program("reed(x)"), `:7:7: unknown call "reed"; did you mean "read"?`},
		{"unknown variable", program("exit(y)"), `:7:12: unknown variable or constant "y"`},
		{"a call of a later version", program("kqueue()"), ":7:7: kqueue is not among the calls that this version can run"},
		{"endless loop without a call", program("for { x++ }"), "the run has not come to its end after"},
		{"a big file", big, "the file is bigger than 1048576 bytes"},
		{"control characters in names", head + "threads: [{name: \"a\\x1b[31m\", program: \"\"}]\n", `the character '\x1b' cannot stand in a name`},
		{"raw control characters", head + "chapter: \x1b[31m\n", `the character '\x1b' cannot stand in a scenario file`},
		{"an empty file", "", "the file is empty"},
		{"not YAML", "ringside: [\n", ":1:"},
		{"not a mapping", "- 1\n", "a file is a list of keys with values"},
		{"a missing key", "ringside: 1\nthreads: []\n", `the key "title" is missing`},
		{"an alias", head + "chapter: &a x\nthreads: []\n", "anchors, aliases and tags"},
	} {
		out, errs, status := ringside("run", write(t, "s.yaml", c.content), "--format", "strace")
		if status != exitUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: status %d, stdout %q, stderr\n%s\nwant %q", c.name, status, out, errs, c.want)
		}
		if strings.ContainsRune(errs, '\x1b') {
			t.Errorf("%s: an escape character reaches the terminal", c.name)
		}
	}
	for _, args := range [][]string{
		{"run", t.TempDir()}, {"run", "no-such-scenario"}, {"run"}, {"run", "one-packet", "--format", "xml"},
		{"run", "one-packet", "--until", "soon"}, {"frobnicate", "x", "y"}, {"check"}, {"new", filepath.Join(t.TempDir(), "no", "x.yaml")},
	} {
		if out, errs, status := ringside(args...); status != exitUsage || errs == "" {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, out, errs)
		}
	}
}

func TestErrorsShowTheLineWithACaret(t *testing.T) {
	_, errs, _ := ringside("check", write(t, "s.yaml", "ringside: 1\ntitle: x\nthread:\n  - 1\n"))
	want := "s.yaml:3:1: unknown key \"thread\"; did you mean \"threads\"?\n    3 | thread:\n      | ^\n"
	if got := errs[strings.LastIndex(errs, "s.yaml"):]; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestNewWritesAFileThatPassesCheckAndNeverOverwrites: of each template; on Linux
// the real kernel agrees.
func TestNewWritesAFileThatPassesCheckAndNeverOverwrites(t *testing.T) {
	for i, template := range scenarios.Templates() {
		path := filepath.Join(t.TempDir(), "my.yaml")
		if out, errs, status := typing(fmt.Sprintln(i+1), "new", path); status != 0 || !strings.Contains(out, template.Title) {
			t.Fatal(out, errs)
		}
		if out, errs, status := ringside("check", path); status != 0 {
			t.Errorf("%s%s", out, errs)
		}
		if runtime.GOOS == "linux" {
			if out, _, status := ringside("verify", path); status != 0 || !strings.Contains(out, "no difference") {
				t.Errorf("%s", out)
			}
		}
		if _, _, status := ringside("new", path, "--template", template.Name); status != exitUsage {
			t.Error("an existing file was overwritten")
		}
		named := filepath.Join(t.TempDir(), "named.yaml")
		if out, _, status := ringside("new", named, "--template", template.Name); status != 0 || strings.Contains(out, "Template") {
			t.Errorf("%s: status %d, %s", template.Name, status, out)
		}
		a, _ := os.ReadFile(path)
		if b, _ := os.ReadFile(named); !bytes.Equal(a, b) {
			t.Errorf("%s: another file than number %d", template.Name, i+1)
		}
	}
	for _, input := range []string{"5\n", "nothing\n"} {
		path := filepath.Join(t.TempDir(), "x.yaml")
		if _, errs, status := typing(input, "new", path); status != exitUsage || !strings.Contains(errs, "one of udp, tcp, many-sockets, threads") {
			t.Errorf("%q: status %d, %s", input, status, errs)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a file was written all the same")
		}
	}
}

func TestShowPrintsTheFileItself(t *testing.T) {
	for _, name := range scenarios.Builtin() {
		out, _, _ := ringside("show", name)
		path := write(t, "s.yaml", out)
		capture, _, _ := ringside("show", "queries.pcapng") // which one of them plays
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "queries.pcapng"), []byte(capture), 0o644); err != nil {
			t.Fatal(err)
		}
		if again, _, status := ringside("run", path, "--format", "strace"); status != 0 || again == "" {
			t.Errorf("%s does not run from its printed file", name)
		}
	}
}

// TestSummaryAndSeed: another seed is another load, and the figures say so.
func TestSummaryAndSeed(t *testing.T) {
	a, errs, status := ringside("run", "poisson-load", "--format", "summary")
	b, _, _ := ringside("run", "poisson-load", "--format", "summary", "--seed", "2")
	if status != 0 || !strings.Contains(a, "us from the wire to") || a == b {
		t.Errorf("status %d\n%s%s%s", status, errs, a, b)
	}
}

func TestListNamesTheFlagshipFirst(t *testing.T) {
	out, _, _ := ringside("list")
	if !regexp.MustCompile(`^one-packet +One packet, one wakeup\n`).MatchString(out) {
		t.Errorf("got\n%s", out)
	}
}

// TestWithoutATerminalItIsTextMode: commands come through a pipe, and the end of
// the input ends it cleanly.
func TestWithoutATerminalItIsTextMode(t *testing.T) {
	out, errs, status := typing("\n\nb\n", "one-packet")
	if status != 0 || errs != "" || !strings.Contains(out, "\nStep 2, ") || strings.Count(out, "\nStep 1, ") != 2 {
		t.Errorf("status %d, %s\n%s", status, errs, out)
	}
	if out, _, status := typing("1\nq\n"); status != 0 || !strings.Contains(out, "One packet, one wakeup") {
		t.Errorf("by its number: status %d\n%s", status, out)
	}
	if _, errs, status := typing("", "--all"); status != exitUsage || !strings.Contains(errs, "name the scenario") {
		t.Errorf("nothing to print: status %d, %s", status, errs)
	}
}

func TestHelpHasExamplesAndCompletionWorks(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"verify", "--help"}, {"new", "--help"}} {
		if out, _, status := ringside(args...); status != 0 || !strings.Contains(out, "Examples:") {
			t.Errorf("%q: %s", args, out)
		}
	}
	if out, _, _ := ringside("__complete", "run", "one"); !strings.Contains(out, "one-packet") {
		t.Errorf("completion: %s", out)
	}
}

func TestTheCommittedSchemaIsTheOneOfTheTypes(t *testing.T) {
	want, err := os.ReadFile("../../scenarios/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if out, _, _ := ringside("schema"); out != string(want) {
		t.Error("run go generate ./scenarios")
	}
	if want, err = os.ReadFile("../../scenarios/lesson.schema.json"); err != nil {
		t.Fatal(err)
	}
	if out, _, _ := ringside("schema", "--lesson"); out != string(want) {
		t.Error("run go generate ./scenarios")
	}
}

func TestLessonsAreListedAndChecked(t *testing.T) {
	out, _, _ := ringside("lesson", "list")
	if !regexp.MustCompile(`(?m)^interrupts-firmware-io +Interrupts, firmware, and I/O \(10 parts, 60 minutes\)$`).MatchString(out) {
		t.Errorf("got\n%s", out)
	}
	if out, errs, status := ringside("lesson", "check", "interrupts-firmware-io"); status != 0 || out != "interrupts-firmware-io: ok\n" {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	bad := write(t, "lesson.yaml", "ringside-lesson: 1\ntitle: x\nparts: [{title: y, scenario: one-paket}]\n")
	for _, command := range [][]string{{"lesson", "check", bad}, {"present", bad}} {
		if _, errs, status := ringside(command...); status != exitUsage || !strings.Contains(errs, `:3:30: parts[0].scenario: unknown scenario "one-paket"; did you mean "one-packet"?`) {
			t.Errorf("%q: status %d: %s", command, status, errs)
		}
	}
}

func TestNotesNeedATerminal(t *testing.T) {
	if _, errs, status := ringside("notes"); status != exitUsage || !strings.Contains(errs, "terminal") {
		t.Errorf("status %d: %s", status, errs)
	}
}

// TestTheWorkedExampleOfTheDocs: the file in docs/AUTHORING.md does what it says,
// on both kernels, and its variant runs.
func TestTheWorkedExampleOfTheDocs(t *testing.T) {
	doc, err := os.ReadFile("../../docs/AUTHORING.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(# yaml-language-server[^`]*?ringside: 1\n.*?)```").FindSubmatch(doc)
	if example == nil {
		t.Fatal("there is no example")
	}
	path := write(t, "half-read.yaml", string(example[1]))
	if out, errs, status := ringside("check", path); status != 0 {
		t.Errorf("%s%s", out, errs)
	}
	if out, _, status := ringside("verify", path); runtime.GOOS == "linux" && status != 0 {
		t.Errorf("%s", out)
	}
	out, _, _ := ringside("--all", path)
	q, call := strings.Index(out, "Question: One packet"), strings.Index(out, "Returned: server: epoll_wait(4, [], 8, 5) = 0")
	if mark := strings.Index(out, "Mark: the only report"); mark < 0 || q < mark || call < q {
		t.Errorf("report at %d, question at %d, answer at %d", mark, q, call)
	}
}

// TestACopyBringsWhatItPlays: an embedded scenario with a capture file runs from
// its copy, and nothing is written over.
func TestACopyBringsWhatItPlays(t *testing.T) {
	dir := t.TempDir()
	doc, err := openDoc("capture-file", docOptions{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "mine.yaml")
	if err := doc.Copy(path); err != nil || doc.File {
		t.Fatal(err, doc.File)
	}
	if out, errs, status := ringside("check", path); status != 0 {
		t.Errorf("%s%s", out, errs)
	}
	if err := doc.Copy(path); err == nil {
		t.Error("a file was overwritten")
	}
	if doc, err := openDoc(path, docOptions{}); err != nil || !doc.File {
		t.Errorf("the copy is not taken for a file: %v", err)
	}
	if _, errs, status := ringside("--watch", path); status != exitUsage || !strings.Contains(errs, "needs a screen") {
		t.Errorf("status %d, %s", status, errs)
	}
}

// A variant's expectations are checked where it has some.
func TestCheckRunsInstances(t *testing.T) {
	out, errs, status := ringside("check", "half-read")
	if status != 0 || !strings.Contains(out, "half-read: 60 of 60 instances run\n") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestCheckRunsTheVariantsThatExpectSomething(t *testing.T) {
	src, _, _ := ringside("show", "livelock")
	out, _, status := ringside("check", write(t, "good.yaml", src))
	if status != 0 || !strings.Contains(out, "variant napi: ok") {
		t.Errorf("status %d\n%s", status, out)
	}
	out, _, status = ringside("check", write(t, "bad.yaml", strings.Replace(src, "delivered: 1719", "delivered: 1", 1)))
	if status != exitFailed || !strings.Contains(out, "counter delivered: expected 1, the model has 1719") {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestCompareAsText(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		shows  string
	}{
		{[]string{"level-and-edge"}, 0, "right: edge-waits: edge-triggered, and epoll_wait has no timeout"},
		{[]string{"level-and-edge", "--with", "edge"}, 0, "left: epoll_wait returns 1, right: returns 0"},
		{[]string{"one-packet", "--with", "one-packet"}, 0, "no call, result or sleep differs"},
		{[]string{"one-packet"}, exitUsage, "one-packet has no variants: name with --with what it is compared with"},
		{[]string{"level-and-edge", "--with", "ege"}, exitUsage, "the variants of level-and-edge: edge, edge-waits"},
	} {
		out, errs, status := ringside(append([]string{"compare", "--text"}, c.args...)...)
		if status != c.status || !strings.Contains(out+errs, c.shows) {
			t.Errorf("%v: status %d\n%s%s", c.args, status, out, errs)
		}
	}
}
