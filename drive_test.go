//go:build unix

package main

import (
	"bufio"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// The program at work under a terminal: what is pressed is what a user presses, and
// what is asked of it is what stands on the screen.

var counters = regexp.MustCompile(`step +\d+/\S+ +(micro +)?\d+/\d+`)

// plays stands on the screen while it plays.
const plays = "▶ x"

// step is where a screen says that it stands.
func step(screen string) string { return counters.FindString(screen) }

// moves presses keys and waits until another step is shown.
func (s *session) moves(keys string) string {
	s.t.Helper()
	was := step(s.term.String())
	s.keys(keys)
	return s.until("another step after "+keys, func(now string) bool { return step(now) != "" && step(now) != was })
}

// quit ends the program as users do.
func (s *session) quit() {
	s.t.Helper()
	s.keys("q")
	if status := s.ended(); status != 0 {
		s.t.Errorf("status %d", status)
	}
}

func TestTheProgramAtWork(t *testing.T) {
	bin := build(t)
	for _, c := range []struct {
		name string
		args string
		does func(t *testing.T, s *session)
	}{
		{"it plays until it is told to pause", "one-packet", func(t *testing.T, s *session) {
			s.shows("step 0/", "paused")
			s.moves(" ")
			s.shows(plays)
			s.keys(" ")
			s.shows("paused")
			s.still("paused")
			s.moves(".")
		}},
		{"a search goes from hit to hit and back", "one-packet", func(t *testing.T, s *session) {
			s.shows("step 0/")
			s.keys("/fn:__napi_poll")
			s.shows("/fn:__napi_poll")
			s.moves("\r")
			first := s.shows("1/", "n next  N previous")
			s.keys("n")
			s.shows("2/")
			s.keys("N")
			s.until("the first hit", func(now string) bool { return now == first })
			s.keys("N")
			s.shows("not found that way")
		}},
		{"a wrong query stays in the prompt, with what is wrong", "one-packet", func(t *testing.T, s *session) {
			s.shows("step 0/")
			s.keys("/fn:epol_callback\r")
			s.shows(`no function "epol_callback"`)
			s.keys("\x1b")
			s.shows("? keys")
		}},
		{"what is followed is stepped alone and marked", "one-packet", func(t *testing.T, s *session) {
			s.shows("step 0/")
			s.keys(":follow packet 0\r")
			s.shows("@ packet 0 (frame 0)")
			s.moves(".")
			before := s.shows("@ packet 0 (frame 0) 1/")
			s.moves(".")
			s.keys(",")
			s.until("the first of its steps", func(now string) bool { return step(now) == step(before) })
			s.keys("\x1b")
			s.shows("nothing is followed any more")
		}},
		{"a break stops the run, forwards and backwards", "one-packet", func(t *testing.T, s *session) {
			s.shows("step 0/")
			s.keys(":find sys_enter\r")
			first := s.shows("1/")
			s.keys("b")
			s.shows("break on ")
			s.moves("c")
			s.shows("hit 2/")
			s.keys("C")
			s.shows("hit 1/")
			if now := s.term.String(); step(now) != step(first) {
				t.Errorf("back at step %s, want %s", step(now), step(first))
			}
		}},
		{"two runs side by side", "compare level-and-edge --with edge", func(t *testing.T, s *session) {
			start := s.shows("LEFT", "RIGHT", "both at their start")
			s.keys("d")
			s.shows("≠")
			s.keys("D")
			s.shows("no difference that way")
			s.keys("\x1b[H") // Home
			s.until("the start again", func(now string) bool { return now == start })
			s.keys("\x1b")
			s.until("one run", func(now string) bool { return !strings.Contains(now, "RIGHT") && step(now) != "" })
		}},
		{"v compares what is open with its variant", "nagle-and-delayed-ack", func(t *testing.T, s *session) {
			s.shows("step 0/")
			s.keys("v")
			s.shows("LEFT", "RIGHT")
		}},
		{"a presentation goes from mark to mark, and black", "one-packet", func(t *testing.T, s *session) {
			s.shows("step 0/")
			s.keys("P")
			s.shows("1/")
			s.keys("\x1b[6~") // PgDn
			mark := s.shows("2/")
			s.keys(".")
			s.until("black", func(now string) bool { return strings.TrimSpace(now) == "" })
			s.keys(".")
			s.until("the mark", func(now string) bool { return now == mark })
			s.keys("\x1b[5~") // PgUp
			s.shows("1/")
			s.keys("\x1b")
			s.shows("P presents again")
		}},
		{"a lesson leads from part to part", "present interrupts-firmware-io", func(t *testing.T, s *session) {
			s.shows("part 1/10  1/4")
			s.keys("}")
			s.shows("part 2/10  1/")
			s.keys("\x1b[5~") // PgUp
			s.shows("part 1/10  4/4")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, bin, 80, 24, strings.Fields(c.args)...)
			c.does(t, s)
			s.quit()
		})
	}
}

// A quiz counts right and wrong answers, and says at the end how many were right.
// The first time all questions are skipped, which tells the answers.
func TestAQuizCountsAnswers(t *testing.T) {
	bin := build(t)
	var answers []string
	play := func(answer func(n int) string) (verdicts []string, end string) {
		s := open(t, bin, 80, 40, "quiz", "one-packet", "--seed", "3")
		s.shows("step 0/")
		last := ""
		for {
			s.keys(".")
			screen := s.until("a step, a question or the score", func(now string) bool {
				return now != last && (step(now) != step(last) || strings.Contains(now, "SCORE") || strings.Contains(now, "a letter or Enter answers"))
			})
			last = screen
			switch {
			case strings.Contains(screen, "SCORE"):
				s.keys("\x1b")
				s.until("no score", func(now string) bool { return !strings.Contains(now, "SCORE") })
				s.quit()
				return verdicts, screen
			case strings.Contains(screen, "a letter or Enter answers"):
				s.keys(answer(len(verdicts)))
				told := s.shows("go on")
				m := regexp.MustCompile(`(Skipped|Wrong): it is ([a-f])`).FindStringSubmatch(told)
				switch {
				case m != nil:
					verdicts = append(verdicts, m[1])
					if m[1] == "Skipped" {
						answers = append(answers, m[2])
					}
				case strings.Contains(told, "Right."):
					verdicts = append(verdicts, "Right")
				default:
					t.Fatalf("no verdict:\n%s", told)
				}
				s.keys("\x1b")
				last = s.until("no question", func(now string) bool { return !strings.Contains(now, "PREDICT") })
			}
		}
	}
	play(func(int) string { return "\x1b" })
	if len(answers) < 3 {
		t.Fatalf("answers %v", answers)
	}
	verdicts, end := play(func(n int) string {
		if n == 1 {
			return map[bool]string{true: "b", false: "a"}[answers[n] == "a"]
		}
		return answers[n]
	})
	for i, v := range verdicts {
		if want := map[bool]string{true: "Wrong", false: "Right"}[i == 1]; v != want {
			t.Errorf("question %d: %s, want %s", i+1, v, want)
		}
	}
	if want := regexp.MustCompile(`(\d+) of (\d+) right`).FindStringSubmatch(end); want == nil || len(verdicts) != len(answers) {
		t.Errorf("%d of %d questions, the end:\n%s", len(verdicts), len(answers), end)
	}
}

// size changes the size of the terminal, as a window manager does.
func (s *session) size(cols, rows int) {
	s.t.Helper()
	s.term.Resize(cols, rows)
	if err := pty.Setsize(s.tty, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)}); err != nil {
		s.t.Fatal(err)
	}
}

// However the window is drawn while it plays, the screen fits it, and holds nothing
// of the screens before it.
func TestResizeWhileItPlays(t *testing.T) {
	s := open(t, build(t), 80, 24, "napi-32-packets")
	s.shows("step 0/")
	s.keys(":predict off\r") // a question would end it
	s.shows("no questions")
	s.keys(">>>> ")
	s.shows(plays)
	for _, size := range []struct {
		w, h int
		has  string
	}{
		{200, 60, "1 HARDWARE"}, {30, 8, "40x12"}, {40, 12, "WHY"}, {120, 40, "9 TIME"}, {1, 1, ""}, {5, 2, ""}, {160, 50, "1 HARDWARE"}, {79, 23, "WHY"}, {80, 24, "9 TIME"},
	} {
		s.size(size.w, size.h)
		s.until("a screen of another size", func(now string) bool {
			rows := strings.Split(strings.TrimSuffix(now, "\n"), "\n")
			return strings.Contains(now, size.has) && len(rows) <= size.h
		})
	}
	s.keys(" ")
	s.shows("paused")
	was := s.still("paused")
	s.keys("\x0c") // ctrl-l
	time.Sleep(50 * time.Millisecond)
	if again := s.still("paused"); again != was {
		t.Errorf("painted again, it is another screen:\n%s\n%s", was, again)
	}
	s.quit()
}

// Whoever reads the output may go away: the program ends as others do, by SIGPIPE,
// and says nothing.
func TestAClosedPipe(t *testing.T) {
	bin := build(t)
	for _, args := range []string{
		"run livelock", "run livelock --format ftrace", "run livelock --format jsonl", "--text --all livelock", "quiz one-packet --sheet 1000", "schema",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			var complaints strings.Builder
			cmd := exec.Command(bin, strings.Fields(args)...)
			cmd.Stderr = &complaints
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
				t.Errorf("%q, %v", line, err)
			}
			out.Close()
			_ = cmd.Wait()
			st := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if all := args == "schema"; !(st.Signaled() && st.Signal() == syscall.SIGPIPE) && !(all && st.ExitStatus() == 0) || complaints.Len() > 0 {
				t.Errorf("%v\n%s", cmd.ProcessState, complaints.String())
			}
		})
	}
}
