//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWritingBesideTheScreen: e copies an embedded scenario and starts the
// editor; what it breaks is shown, what is saved from elsewhere is read again at
// the same step.
func TestWritingBesideTheScreen(t *testing.T) {
	bin := build(t)
	dir := t.TempDir()
	editor := filepath.Join(dir, "editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\nsed 's/epoll_create1/epoll_creat1/' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", editor)
	t.Chdir(dir)
	s := open(t, bin, 80, 24, "one-packet", "--watch", "--motion=false")
	s.still("step 0/")
	s.keys(right + right + right + "e")
	s.still("copy to the new file: one-packet.yaml")
	s.keys("\r")
	s.still(`unknown call "epoll_creat1"`)
	s.keys(left)
	s.still("step 2/")
	path := filepath.Join(dir, "one-packet.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.Replace(string(data), "epoll_creat1", "epoll_create1", 1)
	if err := os.WriteFile(path, []byte(strings.Replace(fixed, "One packet, one wakeup", "A title of mine", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if screen := s.still("A title of mine"); !strings.Contains(screen, "step 2/") || strings.Contains(screen, "ERROR") {
		t.Errorf("\n%s", screen)
	}
	s.keys("q")
	if err := <-s.done; err != nil {
		t.Error(err)
	}
}

// TestTextModeInADumbTerminal: no escape sequence reaches it.
func TestTextModeInADumbTerminal(t *testing.T) {
	bin := build(t)
	c := exec.Command(bin, "one-packet")
	c.Env = append(os.Environ(), "TERM=dumb")
	c.Stdin = strings.NewReader("\n\nend\nq\n")
	out, err := c.CombinedOutput()
	if err != nil || strings.ContainsRune(string(out), '\x1b') || !strings.Contains(string(out), "Step 2, ") {
		t.Errorf("%v\n%q", err, out)
	}
}
