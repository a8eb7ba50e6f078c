package speaker

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listen opens a presentation's socket in a directory of the test's.
func listen(t *testing.T, dir, name string) (*Server, chan string) {
	t.Helper()
	done := make(chan string, 100)
	s, err := Listen(dir, name, func(do string) { done <- do })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, done
}

func dial(t *testing.T, dir, name string) *Client {
	t.Helper()
	c, err := Dial(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// next is the next state, of which a test wants to see the mark's name.
func next(t *testing.T, c *Client, mark string) {
	t.Helper()
	s, err := c.Next()
	if err != nil || s.MarkName != mark {
		t.Fatalf("got %+v, %v; want the mark %q", s, err, mark)
	}
}

func TestAClientGetsTheStateAtOnceAndWhenItChanges(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s, done := listen(t, dir, "one-packet")
	s.Publish(State{MarkName: "first", Notes: "say it slowly", Next: &Preview{Mark: "second"}})
	c := dial(t, dir, "")
	next(t, c, "first")
	s.Publish(State{MarkName: "second"})
	next(t, c, "second")
	for _, do := range []string{Next, Previous, Blank} {
		if err := c.Do(do); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != do {
			t.Errorf("got %s, want %s", got, do)
		}
	}
	s.Close()
	if _, err := c.Next(); err != ErrEnded {
		t.Errorf("after the end: %v", err)
	}
}

func TestOnlyTheUserCanReachTheSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s, _ := listen(t, dir, "../../one packet.yaml")
	for path, want := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, s.path: fs.ModeSocket | 0o600} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
	if filepath.Dir(s.path) != dir || !strings.HasPrefix(filepath.Base(s.path), "onepacket.") {
		t.Errorf("the socket is %s", s.path)
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{open: "open to its owner alone", link: "is not a directory"} {
		if _, err := Listen(path, "x", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen: %v, want %q", err, want)
		}
		if _, err := Dial(path, "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Dial: %v, want %q", err, want)
		}
	}
}

func TestTheNewestPresentationOrTheOneThatIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	older, _ := listen(t, dir, "one-packet")
	newer, _ := listen(t, dir, "lesson")
	if err := os.Chtimes(older.path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	older.Publish(State{MarkName: "of the older"})
	newer.Publish(State{MarkName: "of the newer"})
	next(t, dial(t, dir, ""), "of the newer")
	next(t, dial(t, dir, "one-packet"), "of the older")
	next(t, dial(t, dir, "my/lesson.yaml"), "of the newer")
	if _, err := Dial(dir, "three"); err == nil || !strings.Contains(err.Error(), "no presentation of three is running; these are: lesson, one-packet") {
		t.Errorf("%v", err)
	}
}

func TestWithoutAPresentationThereIsOneClearError(t *testing.T) {
	for _, dir := range []string{filepath.Join(t.TempDir(), "none"), func() string {
		dir := filepath.Join(t.TempDir(), "empty")
		_ = os.Mkdir(dir, 0o700)
		return dir
	}()} {
		if _, err := Dial(dir, ""); err == nil || !strings.Contains(err.Error(), "no presentation is running") {
			t.Errorf("%v", err)
		}
	}
}

// A presentation that was killed leaves its socket behind.
func TestStaleSocketsAreRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	live, _ := listen(t, dir, "live")
	live.Publish(State{MarkName: "here"})
	stale := socketPath(dir, "stale", 1)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	other := filepath.Join(dir, "keep.sock")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next(t, dial(t, dir, ""), "here")
	if _, err := os.Lstat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale socket is still there: %v", err)
	}
	if _, err := os.Lstat(other); err != nil {
		t.Errorf("a file that is no socket is gone: %v", err)
	}
}

// Whoever reads nothing loses states, and the presentation never waits for it.
func TestASlowClientDoesNotHoldUpThePresentation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s, _ := listen(t, dir, "x")
	s.Publish(State{MarkName: "first"})
	slow := dial(t, dir, "")
	next(t, slow, "first")
	big := strings.Repeat("x", maxText)
	start := time.Now()
	for range 2000 {
		s.Publish(State{MarkName: "on the way", Notes: big, Say: big, Why: big})
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("2000 states took %v", d)
	}
	s.Publish(State{MarkName: "the newest"})
	n := 0
	for {
		st, err := slow.Next()
		if err != nil {
			t.Fatal(err)
		}
		if n++; st.MarkName == "the newest" {
			break
		}
	}
	if n > 1000 {
		t.Errorf("%d states were kept for a client that did not read", n)
	}
}

func TestTooManyClientsAreTurnedAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s, _ := listen(t, dir, "x")
	s.Publish(State{MarkName: "here"})
	for range maxClients {
		next(t, dial(t, dir, ""), "here")
	}
	if _, err := dial(t, dir, "").Next(); err != ErrEnded {
		t.Errorf("one too many: %v", err)
	}
}

// A line that is no command is answered with one error, and the connection ends; the
// presentation goes on.
func TestBadLinesEndTheConnectionWithAReason(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s, done := listen(t, dir, "x")
	for _, c := range []struct{ line, want string }{
		{"hello\n", "not a line of JSON"},
		{`{"v":2,"type":"command","do":"next"}` + "\n", "version 2 of the protocol; this is version 1"},
		{`{"v":1,"type":"state"}` + "\n", `a client sends commands, not \"state\"`},
		{`{"v":1,"type":"command","do":"quit"}` + "\n", `unknown command \"quit\"`},
		{`{"v":1,"type":"command","do":"` + strings.Repeat("x", MaxCommand) + `"}` + "\n", "too long"},
	} {
		conn, err := net.Dial("unix", s.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(c.line)); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(conn)
		if !lines.Scan() || !strings.Contains(lines.Text(), c.want) || !strings.Contains(lines.Text(), `"type":"error"`) {
			t.Errorf("%.40s: %s, want %s", c.line, lines.Text(), c.want)
		}
		if lines.Scan() {
			t.Errorf("%.40s: then %s", c.line, lines.Text())
		}
		conn.Close()
	}
	s.Publish(State{MarkName: "still here"})
	next(t, dial(t, dir, ""), "still here")
	if len(done) > 0 {
		t.Errorf("a command was taken from it: %s", <-done)
	}
}

// Whatever the texts of a lesson are, a client can read the line.
func TestAStateIsNeverLongerThanAClientReads(t *testing.T) {
	long := strings.Repeat("\x01ü", MaxState)
	s := State{
		Name: long, Title: long, MarkName: long, Notes: long, PartNotes: long, Say: long, Why: long,
		Next: &Preview{long, long, long},
	}
	for range 1000 {
		s.Questions = append(s.Questions, Question{long, long})
	}
	b := s.line()
	if len(b) >= MaxState {
		t.Errorf("%d bytes", len(b))
	}
	if got, err := parseState(b); err != nil || len(got.Questions) != maxQuestions || strings.ContainsRune(got.Notes, '\ufffd') {
		t.Errorf("%v", err)
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"command","do":"next"}`))
	f.Add([]byte(`{"v":1,"type":"command","do":"blank","more":[1,{}]}`))
	f.Add([]byte(`{"v":1e99}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		do, err := parseCommand(b)
		if err == nil && do != Next && do != Previous && do != Blank {
			t.Errorf("%q was taken for a command", do)
		}
	})
}

func FuzzParseState(f *testing.F) {
	f.Add(State{MarkName: "a", Next: &Preview{Mark: "b"}, Questions: []Question{{"c", "d"}}}.line())
	f.Add([]byte(`{"v":1,"type":"error","error":"no"}`))
	f.Add([]byte(`{"v":1,"type":"state","mark":{"n":-1,"of":99999999999},"elapsed_ms":-9223372036854775808}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if (s == nil) == (err == nil) {
			t.Errorf("%v and %v", s, err)
		}
	})
}
