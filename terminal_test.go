//go:build linux

package main

import (
	"syscall"
	"testing"
	"time"

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

// Whatever signal ends the program, while it stands and while it plays, the
// terminal is as before.
func TestEverySignalRestoresTheTerminal(t *testing.T) {
	bin := build(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		for _, keys := range []string{"", " "} {
			t.Run(sig.String()+keys, func(t *testing.T) {
				s := open(t, bin, 80, 24, "one-packet")
				s.still("step 0/")
				s.keys(keys)
				raw := s.termios()
				if raw.Lflag&unix.ICANON != 0 {
					t.Fatal("the terminal should be raw")
				}
				_ = s.cmd.Process.Signal(sig)
				select {
				case <-s.done:
				case <-time.After(5 * time.Second):
					t.Fatal("still running")
				}
				if s.mode()&(vt10x.ModeAltScreen|vt10x.ModeMouseMask) != 0 || !s.term.CursorVisible() {
					t.Error("the alternate screen, the mouse or the hidden cursor is left behind")
				}
			})
		}
	}
}
