//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"
)

// build makes the program once for all tests of the screen.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ringside")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// session is a program under a pseudo-terminal, with a terminal emulator that
// shows what a user sees.
type session struct {
	t    *testing.T
	tty  *os.File
	term vt10x.Terminal
	cmd  *exec.Cmd
	done chan error

	mu  sync.Mutex
	out []byte // all that has been written to the terminal
}

func open(t *testing.T, bin string, cols, rows int, args ...string) *session {
	t.Helper()
	return start(t, exec.Command(bin, args...), cols, rows, nil)
}

// start runs a command as the leader of a session of its own, with the
// pseudo-terminal as its controlling one. Before it begins, there is a look at the
// terminal. The emulator answers what a program asks it: its colours, its cursor.
func start(t *testing.T, cmd *exec.Cmd, cols, rows int, before func(*session)) *session {
	t.Helper()
	s := &session{t: t, cmd: cmd, done: make(chan error, 1)}
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=1")
	tty, side, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.tty, s.term = tty, vt10x.New(vt10x.WithSize(cols, rows), vt10x.WithWriter(tty))
	defer side.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)}); err != nil {
		t.Fatal(err)
	}
	if before != nil {
		before(s)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = side, side, side
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(int(tty.Fd()), true); err != nil { // so that Close ends a Read
		t.Fatal(err)
	}
	go func() {
		buf, kept := make([]byte, 64<<10), 0
		for {
			n, err := s.tty.Read(buf[kept:])
			s.mu.Lock()
			s.out = append(s.out, buf[kept:kept+n]...)
			s.mu.Unlock()
			whole := wholeRunes(buf[:kept+n])
			_, _ = s.term.Write(buf[:whole])
			kept = copy(buf, buf[whole:kept+n])
			if err != nil {
				break
			}
		}
		s.done <- s.cmd.Wait()
	}()
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); s.tty.Close() })
	return s
}

// wholeRunes is how many bytes of b are whole characters: the emulator loses one
// that comes in two pieces.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// still waits until the screen holds a text and has not changed for a while.
func (s *session) still(has string) string {
	s.t.Helper()
	last, since := "", time.Now()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		now := s.term.String()
		if now != last {
			last, since = now, time.Now()
		} else if strings.Contains(now, has) && time.Since(since) > 200*time.Millisecond {
			return now
		}
	}
	s.t.Fatalf("the screen never came to rest with %q:\n%s", has, last)
	return ""
}

// until waits until the screen is as it should be.
func (s *session) until(what string, ok func(screen string) bool) string {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if now := s.term.String(); ok(now) {
			return now
		}
	}
	s.t.Fatalf("never on the screen: %s\n%s", what, s.term.String())
	return ""
}

// shows waits until all of some texts are on the screen.
func (s *session) shows(texts ...string) string {
	s.t.Helper()
	return s.until(strings.Join(texts, ", "), func(screen string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(screen, text) })
	})
}

// ended waits for the end and gives the exit status, as a shell counts.
func (s *session) ended() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		s.t.Fatalf("still running:\n%s", s.term.String())
	}
	if st := s.cmd.ProcessState.Sys().(syscall.WaitStatus); st.Signaled() {
		return 128 + int(st.Signal())
	}
	return s.cmd.ProcessState.ExitCode()
}

// mode is the emulator's, read while nobody writes to it.
func (s *session) mode() vt10x.ModeFlag {
	s.term.Lock()
	defer s.term.Unlock()
	return s.term.Mode()
}

func (s *session) keys(k string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(k); err != nil {
		s.t.Fatal(err)
	}
}

const (
	right = "\x1b[C"
	left  = "\x1b[D"
)

// TestFourHundredStepsForthAndBack: at each layout's size the first screen comes
// back to the character.
func TestFourHundredStepsForthAndBack(t *testing.T) {
	bin := build(t)
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		s := open(t, bin, size[0], size[1], "one-packet")
		if size[0] == 200 && runtime.GOOS == "linux" {
			s.still("no card or hard interrupt") // the real lane has come in
		}
		first := s.still("step 0/")
		for range 400 {
			s.keys(right)
		}
		if end := s.still("step "); end == first {
			t.Errorf("%v: nothing happened", size)
		}
		for range 400 {
			s.keys(left)
		}
		if again := s.still("step 0/"); again != first {
			t.Errorf("%v: the first screen -, after 400 steps and back +:\n%s", size, cmp.Diff(strings.Split(first, "\n"), strings.Split(again, "\n")))
		}
		s.keys("q")
		if err := <-s.done; err != nil {
			t.Errorf("%v: %v", size, err)
		}
	}
}

// TestThePathIsWalkedOnTheScreen: going from station to station, each is visited
// for the first time in the order of the path.
func TestThePathIsWalkedOnTheScreen(t *testing.T) {
	s := open(t, build(t), 120, 40, "one-packet")
	last := s.still("step 0/")
	var seen []string
	for range 60 {
		s.keys("}")
		now := last
		for end := time.Now().Add(time.Second); now == last && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			now = s.term.String()
		}
		last = s.still("step ")
		if m := regexp.MustCompile(`\[([a-z]+)\]`).FindStringSubmatch(strings.Split(last, "\n")[1]); m != nil && !slices.Contains(seen, m[1]) {
			seen = append(seen, m[1])
		}
		if slices.Contains(seen, "user") {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "wire nic dma msi apic idt irq softirq napi skb udp socket waitq epoll wake runq switch user" {
		t.Errorf("visited %s", got)
	}
}

func TestASignalRestoresTheTerminal(t *testing.T) {
	s := open(t, build(t), 80, 24, "one-packet")
	s.still("step 0/")
	if s.mode()&vt10x.ModeAltScreen == 0 {
		t.Fatal("the screen should be the alternate one")
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.done
	if s.mode()&vt10x.ModeAltScreen != 0 || !s.term.CursorVisible() {
		t.Error("the alternate screen or the hidden cursor is left behind")
	}
}

func TestThePickerOpensTheFlagship(t *testing.T) {
	s := open(t, build(t), 80, 24)
	s.still("> One packet, one wakeup")
	s.keys("\r")
	s.still("step 0/")
}

func TestATinyTerminalSaysWhatItNeeds(t *testing.T) {
	s := open(t, build(t), 30, 8, "one-packet")
	s.still("40x12")
}

// TestASpeakersTerminalFollowsAPresentation: two programs, two terminals.
func TestASpeakersTerminalFollowsAPresentation(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	bin := build(t)
	class := open(t, bin, 80, 24, "present", "interrupts-firmware-io")
	class.still("part 1/10  1/4")
	notes := open(t, bin, 80, 24, "notes")
	notes.still("NEXT: a socket")
	class.keys("\x1b[6~") // PgDn
	notes.still("where is the socket?")
	notes.keys(right)
	class.still("part 1/10  3/4")
	notes.still("NEXT: asleep")
	class.keys("q")
	if err := <-class.done; err != nil {
		t.Error(err)
	}
	if err := <-notes.done; err != nil || !strings.Contains(notes.term.String(), "the presentation has ended") {
		t.Errorf("%v:\n%s", err, notes.term.String())
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "ringside", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
