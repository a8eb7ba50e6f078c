package tui

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/sim"
)

const written = `ringside: 1
title: Mine
threads:
  - name: a
    program: |
      getpid()
      gettid()
      nanosleep(1*ms)
  - name: b
    program: compute(3*ms)
`

// desk is a screen over a file in a directory of its own.
func desk(t *testing.T, watch bool) (a *app, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "mine.yaml")
	save(t, file, written)
	open := func(name string) (*Doc, error) {
		sc, err := scenarios.Open(name)
		if err != nil {
			return nil, err
		}
		cfg, _ := sc.Config()
		m, err := kernel.New(cfg)
		if err != nil {
			return nil, err
		}
		return &Doc{
			Name: name, Title: sc.Title, Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}), File: strings.Contains(name, "/"),
			Copy: func(to string) error {
				if _, err := os.Stat(to); err == nil {
					return errors.New(to + " exists")
				}
				return os.WriteFile(to, sc.Source(), 0o644)
			},
		}, nil
	}
	a = newApp(Options{Open: open, Plays: scenarios.Plays, Theme: "mono", Watch: watch})
	if err := a.open(file); err != nil {
		t.Fatal(err)
	}
	a.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	return a, file
}

// save writes a file with another time than before.
func save(t *testing.T, file, content string) {
	t.Helper()
	at := time.Now()
	if info, err := os.Stat(file); err == nil {
		at = info.ModTime().Add(time.Second)
	}
	fresh := file + "~" // as editors do: written beside it and renamed
	if err := errors.Join(os.WriteFile(fresh, []byte(content), 0o644), os.Chtimes(fresh, at, at), os.Rename(fresh, file)); err != nil {
		t.Fatal(err)
	}
}

// look lets the watch look at the file so many times.
func (a *app) look(file string, times int) {
	for range times {
		a.Update(watchMsg{a.author.gen, stampOf(file, a.author.plays)})
	}
}

func TestTheFileIsReadAgainAtTheSameStep(t *testing.T) {
	a, file := desk(t, true)
	a.keys("l l l l s m l b")
	a.search = a.selects("gettid", promptFind)
	before := ansi.Strip(a.View())
	pos, marks := a.scene.pos, a.userMark
	a.look(file, 3)
	if a.message != "" && strings.Contains(a.message, "read again") {
		t.Fatal("it is read again though nothing has changed")
	}
	save(t, file, written+"x-note: hm\n")
	a.look(file, 1)
	if strings.Contains(a.message, "read again") {
		t.Error("it is read before it rests")
	}
	a.look(file, 2)
	if a.message != "read again, at the same step" || a.scene.pos != pos || len(a.userMark) != 1 || a.userMark[0] != marks[0] || len(a.breaks) != 1 {
		t.Errorf("%q, at %d, marks %v, breaks %v", a.message, a.scene.pos, a.userMark, a.breaks)
	}
	if a.search == nil || a.scene.count(a.search) == "0/0" {
		t.Error("the search is lost")
	}
	a.message = ""
	a.stale = true
	if got := ansi.Strip(a.View()); strings.Join(splitLines(got)[:20], "\n") != strings.Join(splitLines(before)[:20], "\n") {
		t.Errorf("the screen is another one:\n%s\n%s", before, got)
	}
}

// TestACaptureFileIsFollowedToo: a change of what the scenario plays is a change of
// the scenario; also of one that it cannot play yet.
func TestACaptureFileIsFollowedToo(t *testing.T) {
	a, file := desk(t, true)
	capture := filepath.Join(filepath.Dir(file), "queries.pcapng")
	packets, ok := scenarios.Attached("queries.pcapng")
	if !ok {
		t.Fatal("no capture file in the course")
	}
	save(t, file, written+"wire:\n  - {at: 1ms, pcap: queries.pcapng}\n")
	a.look(file, 2)
	if !strings.Contains(ansi.Strip(a.View()), "no such file") {
		t.Fatalf("a file that is not there:\n%s", ansi.Strip(a.View()))
	}
	save(t, capture, string(packets))
	a.look(file, 2)
	if a.author.wrong != nil || !strings.Contains(a.message, "read again") {
		t.Fatalf("%q, wrong: %q", a.message, a.author.wrong)
	}
	a.message = ""
	save(t, capture, "no capture")
	if a.look(file, 1); a.author.wrong != nil {
		t.Error("it is read before it rests")
	}
	if a.look(file, 1); !strings.Contains(strings.Join(a.author.wrong, " "), "neither pcap nor pcapng") {
		t.Errorf("wrong: %q", a.author.wrong)
	}
}

func TestAnotherRunIsShownAtTheSameTime(t *testing.T) {
	a, file := desk(t, true)
	a.keys("end")
	for a.scene.pos > 0 && a.scene.m.Now > 2*sim.Millisecond {
		a.keys("h")
	}
	now := a.scene.m.Now
	save(t, file, strings.Replace(written, "getpid()", "getpid()\n      gettid()", 1))
	a.look(file, 2)
	if !strings.Contains(a.message, "the same model time") || a.scene.m.Now > now || a.scene.m.Now < now/2 {
		t.Errorf("%q, at %s instead of %s", a.message, a.scene.m.Now, now)
	}
}

// TestAWrongFileLeavesTheRun: the error stands there with its line and caret, the
// run can be walked, and a right file takes the error away.
func TestAWrongFileLeavesTheRun(t *testing.T) {
	a, file := desk(t, true)
	a.keys("l l l l")
	pos := a.scene.pos
	save(t, file, strings.Replace(written, "getpid()", "getpit()", 1))
	a.look(file, 2)
	screen := ansi.Strip(a.View())
	for _, want := range []string{"THE FILE HAS AN ERROR", `"getpit"; did you mean "getpid"?`, "    6 |       getpit()", "      |       ^"} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q on\n%s", want, screen)
		}
	}
	a.keys("h h l")
	if a.scene.pos >= pos || a.scene.pos == 0 || !strings.Contains(ansi.Strip(a.View()), "THE FILE HAS AN ERROR") {
		t.Errorf("the old run is at %d", a.scene.pos)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	a.look(file, 3) // gone for a moment
	save(t, file, written)
	a.look(file, 2)
	if screen = ansi.Strip(a.View()); strings.Contains(screen, "ERROR") || a.scene.step != 3 {
		t.Errorf("step %d\n%s", a.scene.step, screen)
	}
}

func TestAnOldWatchIsSilent(t *testing.T) {
	a, file := desk(t, true)
	gen := a.author.gen
	a.watch()
	save(t, file, written+"\n")
	for range 3 {
		a.Update(watchMsg{gen, stampOf(file, nil)})
	}
	if strings.Contains(a.message, "read again") {
		t.Error("two watches look at one file")
	}
	if b, _ := desk(t, false); b.watch() != nil {
		t.Error("it watches without having been asked")
	}
}

// TestAnEmbeddedScenarioIsCopiedBeforeItIsEdited: under a name that is asked for,
// never over a file.
func TestAnEmbeddedScenarioIsCopiedBeforeItIsEdited(t *testing.T) {
	a, _ := desk(t, false)
	if err := a.open("one-packet"); err != nil {
		t.Fatal(err)
	}
	a.keys("l l l e")
	if a.prompt.kind != promptCopy || string(a.prompt.text) != "one-packet.yaml" {
		t.Fatalf("%+v", a.prompt)
	}
	a.keys("esc")
	dir := t.TempDir()
	there := filepath.Join(dir, "there.yaml")
	save(t, there, "kept")
	pos := a.scene.pos
	a.edit(there)
	if data, _ := os.ReadFile(there); string(data) != "kept" || !strings.Contains(a.message, "exists") || a.scene.doc.File {
		t.Errorf("%q; the file is %q", a.message, data)
	}
	a.edit(filepath.Join(dir, "new"))
	if a.scene.doc.Name != filepath.Join(dir, "new.yaml") || a.scene.pos != pos || !a.scene.doc.File {
		t.Errorf("%s at %d", a.scene.doc.Name, a.scene.pos)
	}
}

func TestAnEditorThatFailsOrChangesNothing(t *testing.T) {
	a, _ := desk(t, false)
	a.Update(editedMsg{errors.New("exit status 1")})
	if !strings.Contains(a.message, "exit status 1") || !strings.Contains(a.message, "$EDITOR") {
		t.Errorf("%q", a.message)
	}
	a.Update(editedMsg{})
	if a.message != "the file has not changed" {
		t.Errorf("%q", a.message)
	}
}

func TestTheEditorIsTheUsers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	t.Setenv("VISUAL", "")
	t.Setenv("EDITOR", "ed -s")
	for _, c := range []struct{ name, want string }{{"a.yaml", "ed -s a.yaml"}, {"-a.yaml", "ed -s ./-a.yaml"}} {
		if got := strings.Join(editorCommand(c.name).Args, " "); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	t.Setenv("VISUAL", "code --wait")
	if got := editorCommand("a.yaml").Args[0]; got != "code" {
		t.Errorf("%s goes before $EDITOR", got)
	}
}
