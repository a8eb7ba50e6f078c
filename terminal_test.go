//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"
	"golang.org/x/sys/unix"
)

// termios is how the terminal's line discipline is set.
func (s *session) termios() unix.Termios {
	s.t.Helper()
	t, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *t
}

// setup is how a terminal is set before a program has it.
type setup struct {
	*session
	before unix.Termios
}

// watched starts a program and remembers how the terminal was set before.
func watched(t *testing.T, cols, rows int, cmd *exec.Cmd) setup {
	t.Helper()
	var before unix.Termios
	s := start(t, cmd, cols, rows, func(s *session) { before = s.termios() })
	return setup{s, before}
}

var privateMode = regexp.MustCompile("\x1b\\[\\?([0-9;]+)([hl])")

// modes are the private modes of the terminal that the program has turned on and
// not off again. The cursor, 25, is on from the start.
func (s *session) modes() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	on := map[string]bool{"25": true}
	for _, m := range privateMode.FindAllSubmatch(s.out, -1) {
		for _, mode := range strings.Split(string(m[1]), ";") {
			if on[mode] = m[2][0] == 'h'; !on[mode] {
				delete(on, mode)
			}
		}
	}
	return on
}

// Modes of the terminal (ctlseqs of xterm).
const (
	modeCursor    = "25"
	modeMouse     = "1002"
	modeMouseSGR  = "1006"
	modeAltScreen = "1049"
	modePaste     = "2004"
)

// isTaken fails unless the program has the terminal.
func (s setup) isTaken(mouse bool) {
	s.t.Helper()
	if s.termios().Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		s.t.Error("the terminal is not raw")
	}
	want := map[string]bool{modeAltScreen: true, modePaste: true}
	if mouse {
		want[modeMouse], want[modeMouseSGR] = true, true
	}
	if d := cmp.Diff(want, s.modes()); d != "" {
		s.t.Errorf("modes, want -, got +:\n%s", d)
	}
}

// isAsBefore fails unless the terminal is as it was before the program, in every
// field and every mode.
func (s setup) isAsBefore() {
	s.t.Helper()
	if d := cmp.Diff(s.before, s.termios()); d != "" {
		s.t.Errorf("termios, before -, after +:\n%s", d)
	}
	if d := cmp.Diff(map[string]bool{modeCursor: true}, s.modes()); d != "" {
		s.t.Errorf("modes, before -, after +:\n%s", d)
	}
	if s.mode()&(vt10x.ModeAltScreen|vt10x.ModeMouseMask) != 0 || !s.term.CursorVisible() {
		s.t.Error("the emulator still has the alternate screen, the mouse or no cursor")
	}
}

// Whichever way the program ends, and whatever it is doing, the terminal is as
// before and the exit status tells how.
func TestEveryWayOutRestoresTheTerminal(t *testing.T) {
	bin := build(t)
	const question, first = "a letter or Enter answers", "step 0/"
	for _, c := range []struct {
		name   string
		args   string
		sees   string
		keys   string // before the end
		then   string // what is seen of them
		by     syscall.Signal
		end    string // the last keys
		status int
	}{
		{"q", "one-packet", first, "", first, 0, "q", 0},
		{"q while it plays, with the mouse on", "one-packet", first, "M ", plays, 0, "q", 0},
		{"q in the list of scenarios", "", "Enter open", "", "Enter open", 0, "q", 0},
		{"q in a comparison", "compare level-and-edge --with edge", "LEFT", "d", "≠", 0, "q", 0},
		{"q in a presentation", "present interrupts-firmware-io", "part 1/10", "\x1b[6~", "2/4", 0, "q", 0},
		{"ctrl-c", "one-packet", first, "", first, 0, "\x03", 0},
		{"ctrl-c on a page", "one-packet", first, "?", "KEYS", 0, "\x03", 0},
		{"ctrl-c in the list of scenarios", "", "Enter open", "", "Enter open", 0, "\x03", 0},
		{"ctrl-c in a comparison", "compare level-and-edge --with edge", "LEFT", "", "LEFT", 0, "\x03", 0},
		{"ctrl-c at a question", "quiz one-packet", first, strings.Repeat(".", 40), question, 0, "\x03", 0},
		{"ctrl-c in a list of marks", "one-packet", first, "'", "MARKS", 0, "\x03", 0},
		{"ctrl-c out of a prompt, and again", "one-packet", first, ":go", ":go", 0, "\x03\x03", 0},
		{"ctrl-c before a black screen", "present one-packet", "1/", ".", "", 0, "\x03", 0},
		{"the command quit", "one-packet", first, ":quit", ":quit", 0, "\r", 0},
		{"SIGTERM", "one-packet", first, "", first, syscall.SIGTERM, "", 143},
		{"SIGTERM while it plays, with the mouse on", "one-packet", first, "M ", plays, syscall.SIGTERM, "", 143},
		{"SIGTERM at a question", "quiz one-packet", first, strings.Repeat(".", 40), question, syscall.SIGTERM, "", 143},
		{"SIGINT", "one-packet", first, "", first, syscall.SIGINT, "", 130},
		{"SIGINT while it plays", "one-packet", first, " ", plays, syscall.SIGINT, "", 130},
		{"SIGHUP", "one-packet", first, "", first, syscall.SIGHUP, "", 129},
		{"SIGHUP while it plays", "one-packet", first, " ", plays, syscall.SIGHUP, "", 129},
		{"SIGHUP in a presentation", "present one-packet", "1/", "", "1/", syscall.SIGHUP, "", 129},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := watched(t, 80, 24, exec.Command(bin, strings.Fields(c.args)...))
			s.shows(c.sees)
			s.keys(c.keys)
			s.shows(c.then)
			s.isTaken(strings.Contains(c.keys, "M"))
			if c.by != 0 {
				_ = s.cmd.Process.Signal(c.by)
			}
			s.keys(c.end)
			if got := s.ended(); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			s.isAsBefore()
		})
	}
}

// When the terminal goes away, the program does not stay behind.
func TestTheTerminalHangsUp(t *testing.T) {
	bin := build(t)
	for _, keys := range []string{"", " "} {
		s := open(t, bin, 80, 24, "one-packet")
		s.shows("step 0/")
		s.keys(keys)
		s.tty.Close()
		if got := s.ended(); got != 129 {
			t.Errorf("status %d, want 129", got)
		}
	}
}

// job runs the program as a shell with job control does: in a process group of its
// own, which gets the terminal, while the shell waits for it to end or to stop.
// (Under pty.Start it would lead the session, and its group would be orphaned:
// SIGTSTP does not stop such a group; POSIX, General Terminal Interface.)
func job(t *testing.T, bin, then string) (s setup, pid int) {
	t.Helper()
	s = watched(t, 80, 24, exec.Command("/bin/sh", "-c", `set -m; "$0" one-packet; echo "status $?"; read go; `+then+`; echo "status $?"`, bin))
	s.shows("step 0/")
	pid, err := unix.IoctlGetInt(int(s.tty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		t.Fatal(err)
	}
	return s, pid
}

// state is the letter of a process in /proc, or 0 if it has gone.
func state(pid int) byte {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if _, after, ok := strings.Cut(string(data), ") "); err == nil && ok {
		return after[0]
	}
	return 0
}

// stop suspends a job: it stops, and the shell has the terminal as it was.
func (s setup) stop(pid int) {
	s.t.Helper()
	s.keys("\x1a")
	s.until("a stopped process", func(string) bool { return state(pid) == 'T' })
	s.shows("status 148") // 128 and SIGTSTP
	s.isAsBefore()
}

// Ctrl-z stops the program and gives the terminal back; fg shows the same screen
// again, whatever has been written over it and whatever size it has now.
func TestSuspend(t *testing.T) {
	bin := build(t)
	t.Run("and go on", func(t *testing.T) {
		t.Parallel()
		s, pid := job(t, bin, "fg; read go; fg")
		s.keys("...M")
		s.shows("step 3/", "mouse on")
		s.keys("s")
		screen := s.still("step 4/")
		s.isTaken(true)
		s.stop(pid)
		s.keys("\r")
		s.until("the screen as it was", func(now string) bool { return now == screen })
		s.until("the mouse", func(string) bool { return s.modes()[modeMouseSGR] })
		s.isTaken(true)
		s.keys(".")
		next := s.until("the next step", func(now string) bool { return now != screen })
		s.stop(pid) // a second time
		s.keys("\r")
		s.until("the next step again", func(now string) bool { return now == next })
		s.keys("q")
		s.shows("status 0")
		s.ended()
		s.isAsBefore()
	})
	t.Run("while it plays", func(t *testing.T) {
		t.Parallel()
		s, pid := job(t, bin, "fg")
		s.keys(">> ")
		s.shows(plays, "step 2/")
		s.stop(pid)
		s.keys("\r")
		screen := s.shows(plays)
		s.until("another step", func(now string) bool { return strings.Contains(now, plays) && now != screen })
		s.keys("q")
		s.shows("status 0")
		s.ended()
		s.isAsBefore()
	})
	t.Run("and another size", func(t *testing.T) {
		t.Parallel()
		s, pid := job(t, bin, "fg")
		s.stop(pid)
		s.size(120, 40)
		s.keys("\r")
		s.shows("step 0/", "1 HARDWARE") // which 80x24 does not show
		s.keys("q")
		s.shows("status 0")
		s.ended()
		s.isAsBefore()
	})
}

// A stopped job has given the terminal back: what kills a program kills it too,
// though it may not touch the terminal any more.
func TestASuspendedJobIsKilled(t *testing.T) {
	bin := build(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			// bg sends SIGCONT, and what is pending is delivered; but one thread may ask for
			// the terminal before another one has died of it, and stop them all (SIGTTOU).
			s, pid := job(t, bin, `bg; wait %1; s=$?; while [ $s = 150 ]; do bg; wait %1; s=$?; done; (exit $s)`)
			s.stop(pid)
			if err := syscall.Kill(-pid, sig); err != nil {
				t.Fatal(err)
			}
			s.keys("\r")
			s.shows(fmt.Sprintf("status %d", 128+sig))
			s.ended()
			s.isAsBefore()
		})
	}
}
