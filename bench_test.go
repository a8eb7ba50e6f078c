//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/sim"
)

// The screen as a user meets it: the built program under a pseudo-terminal, and the
// times at which bytes come out of it. docs/PERFORMANCE.md has the figures.

// tap is the program on a terminal in colour. What it writes is kept with its times
// and goes through the emulator when somebody looks, so that the emulator's own
// time is in no figure.
type tap struct {
	b          *testing.B
	tty        *os.File
	cmd        *exec.Cmd
	begun      time.Time
	term       vt10x.Terminal
	cols, rows int
	kept       []byte // the beginning of a character that is not complete

	mu     sync.Mutex
	more   sync.Cond
	pieces []piece // not looked at
	total  int     // bytes that have come
	ended  bool
}

// piece is what came with one read.
type piece struct {
	at   time.Time
	data []byte
}

// listen starts the program.
func listen(b *testing.B, bin string, cols, rows int, args ...string) *tap {
	b.Helper()
	x := &tap{b: b, cmd: exec.Command(bin, args...), term: vt10x.New(vt10x.WithSize(cols, rows)), cols: cols, rows: rows}
	x.more.L = &x.mu
	x.cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
	x.begun = time.Now()
	var err error
	if x.tty, err = pty.StartWithSize(x.cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)}); err != nil {
		b.Fatal(err)
	}
	go x.read()
	return x
}

// answers are a terminal's: that its background is black, and where the cursor is.
var answers = []struct{ asked, said string }{
	{"\x1b]11;?", "\x1b]11;rgb:0000/0000/0000\x1b\\"},
	{"\x1b[6n", "\x1b[1;1R"},
}

func (x *tap) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := x.tty.Read(buf)
		now, data := time.Now(), slices.Clone(buf[:n])
		for _, a := range answers {
			if strings.Contains(string(data), a.asked) {
				_, _ = x.tty.WriteString(a.said)
			}
		}
		x.mu.Lock()
		x.pieces = append(x.pieces, piece{now, data})
		x.total += n
		x.ended = err != nil
		x.more.Signal()
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// next shows the emulator the next piece and tells when it came; false: none came
// for a while.
func (x *tap) next(while time.Duration) (time.Time, bool) {
	over := false
	alarm := time.AfterFunc(while, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		over = true
		x.more.Signal()
	})
	defer alarm.Stop()
	x.mu.Lock()
	for ; len(x.pieces) == 0; x.more.Wait() {
		if x.ended || over {
			x.mu.Unlock()
			return time.Time{}, false
		}
	}
	p := x.pieces[0]
	x.pieces = x.pieces[1:]
	x.mu.Unlock()
	x.kept = append(x.kept, p.data...)
	n := wholeRunes(x.kept)
	_, _ = x.term.Write(x.kept[:n])
	x.kept = append(x.kept[:0], x.kept[n:]...)
	return p.at, true
}

// until looks at what comes until something is on the screen, and gives the time.
func (x *tap) until(what string, seen func() bool) time.Time {
	x.b.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if at, ok := x.next(time.Second); ok && seen() {
			return at
		}
	}
	x.b.Fatalf("%v: %s never came:\n%s", x.cmd.Args, what, x.term.String())
	return time.Time{}
}

// rest looks on until nothing has come for a while; it gives how many bytes came.
func (x *tap) rest(while time.Duration) int {
	for more := true; more; _, more = x.next(while) {
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.total
	x.total = 0
	return n
}

func (x *tap) keys(k string) time.Time {
	x.b.Helper()
	now := time.Now()
	if _, err := x.tty.WriteString(k); err != nil {
		x.b.Fatal(err)
	}
	return now
}

// row is a row of the screen.
func (x *tap) row(y int) string {
	var s strings.Builder
	for i := range x.cols {
		s.WriteRune(x.term.Cell(i, y).Char)
	}
	return s.String()
}

// keysShown is in the last row as long as nothing else is.
const keysShown = "← → step"

// last tells whether the last row has a text. A frame is painted from the
// top: with its last row all of it is there.
func (x *tap) last(text string) func() bool {
	return func() bool { return strings.Contains(x.row(x.rows-1), text) }
}

var stepShown = regexp.MustCompile(`step (\d+)/`)

// step is the number of the step on the screen.
func (x *tap) step() int {
	m := stepShown.FindStringSubmatch(x.row(0))
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// close ends the program.
func (x *tap) close() {
	_ = x.cmd.Process.Signal(syscall.SIGTERM)
	_ = x.cmd.Wait()
	x.tty.Close()
}

// report gives the percentiles of some figures.
func report(b *testing.B, unit string, figures []float64) {
	slices.Sort(figures)
	at := func(q float64) float64 { return figures[int(q*float64(len(figures)-1))] }
	b.ReportMetric(at(0.5), "p50-"+unit)
	b.ReportMetric(at(0.95), "p95-"+unit)
	b.ReportMetric(at(1), "max-"+unit)
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }

// BenchmarkFirstFrame is from exec to the first frame of the terminal's size.
func BenchmarkFirstFrame(b *testing.B) {
	bin := build(b)
	for _, name := range []string{"", "one-packet", "poisson-load", "capture-file", "rss-four-cores", "ten-thousand-descriptors"} {
		args, shown, label := []string{name}, keysShown, name
		if name == "" {
			args, shown, label = nil, "↑ ↓ choose", "picker"
		}
		b.Run(label, func(b *testing.B) {
			var took []float64
			var work time.Duration
			for range b.N {
				x := listen(b, bin, 200, 60, args...)
				took = append(took, milliseconds(x.until("the first frame", x.last(shown)).Sub(x.begun)))
				work += busy(b, x.cmd.Process.Pid)
				x.close()
			}
			b.ReportMetric(milliseconds(work)/float64(b.N), "cpu-ms")
			report(b, "ms", took)
		})
	}
}

// million writes a scenario with a little more than a million records, as many as
// the screen reads without being asked, and says how many.
func million(b *testing.B) (file string, records sim.Seq) {
	b.Helper()
	file = filepath.Join(b.TempDir(), "million.yaml")
	text := `ringside: 1
title: A million records
threads:
  - name: server
    program: |
      s := socket(AF_INET, SOCK_DGRAM, 0)
      bind(s, ":7000")
      ep := epoll_create1(0)
      epoll_ctl(ep, EPOLL_CTL_ADD, s, EPOLLIN)
      var events [8]epoll_event
      var buf [512]byte
      for {
          n := epoll_wait(ep, events, 8, -1)
          for i := 0; i < n; i++ {
              read(events[i].fd, buf, 512)
          }
      }
flows:
  a: {proto: udp, from: "10.0.0.2:5555", to: ":7000"}
wire:
  - {at: 100us, flow: a, data: "hello", every: 20us, count: 5000}
live: {run: false, why: "a measurement of the screen"}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := scenarios.Load(file)
	if err != nil {
		b.Fatal(err)
	}
	cfg, err := s.Config()
	if err != nil {
		b.Fatal(err)
	}
	m, err := kernel.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	for r := new(sim.Record); m.Step(r); records++ {
	}
	if records < 1_000_000 {
		b.Fatalf("%d records are no million", records)
	}
	return file, records
}

// playing opens the million records, waits until all are known, and plays so many
// times as fast as at first.
func playing(b *testing.B, bin string, faster int) *tap {
	b.Helper()
	file, _ := million(b)
	x := listen(b, bin, 200, 60, file)
	x.until("the first frame", x.last(keysShown))
	x.rest(time.Second)
	x.keys(strings.Repeat(">", faster))
	x.rest(100 * time.Millisecond)
	x.keys(" ")
	return x
}

// BenchmarkKeyInPlay is from a key to the bytes that show what it did, while the run
// of a million records is played as fast as it can be: a colon opens the prompt,
// Esc closes it.
func BenchmarkKeyInPlay(b *testing.B) {
	x := playing(b, build(b), 20)
	defer x.close()
	var took []float64
	for i := 0; len(took) < 200; i++ {
		for end := time.Now().Add(time.Duration(30+i*7%20) * time.Millisecond); time.Now().Before(end); {
			x.next(time.Until(end))
		}
		key, opens := ":", i%2 == 0
		if !opens {
			key = "\x1b"
		}
		pressed := x.keys(key)
		shows := x.until(key, func() bool { return x.last(keysShown)() != opens })
		if opens { // with an Esc, bubbletea waits whether more comes
			took = append(took, milliseconds(shows.Sub(pressed)))
		}
	}
	if !strings.Contains(x.row(0), "PLAY") {
		b.Fatal("play has stopped")
	}
	report(b, "ms", took)
}

// BenchmarkPlay is how many steps and frames a second come out, second for second,
// and how long after the space bar play is seen to stand.
func BenchmarkPlay(b *testing.B) {
	bin := build(b)
	for _, c := range []struct {
		name   string
		faster int
		rate   float64
	}{{"x1", 0, 1.25}, {"x64", 6, 80}, {"x1k", 7, 1280}, {"x8k", 10, 10_240}} {
		b.Run(c.name, func(b *testing.B) {
			x := playing(b, bin, c.faster)
			defer x.close()
			at := x.until("a step", func() bool { return x.step() > 0 })
			begun := at
			from, frames, second := x.step(), 0, x.step()
			var rates []float64
			for last := from; len(rates) < 5; {
				now, ok := x.next(time.Second)
				if n := x.step(); ok && n != last {
					last = n
					frames++
					if now.Sub(at) >= time.Second {
						rates = append(rates, float64(n-second)/now.Sub(at).Seconds())
						at, second = now, n
					}
				}
			}
			b.ReportMetric(c.rate, "set-steps/s")
			b.ReportMetric(slices.Min(rates), "min-steps/s")
			b.ReportMetric(slices.Max(rates), "max-steps/s")
			b.ReportMetric(float64(frames)/at.Sub(begun).Seconds(), "frames/s")
			pressed := x.keys(" ")
			b.ReportMetric(milliseconds(x.until("a pause", func() bool { return strings.Contains(x.row(0), "paused") }).Sub(pressed)), "pause-ms")
			stands := x.step()
			if x.rest(300 * time.Millisecond); x.step() != stands {
				b.Errorf("paused at step %d, and at step %d after that", stands, x.step())
			}
		})
	}
}

// box is a panel on the screen.
type box struct{ title, inside string }

// boxes finds the panels on the screen by their borders.
func (x *tap) boxes() (out []box) {
	cell := func(c, r int) rune { return x.term.Cell(c, r).Char }
	for r := range x.rows {
		for c := range x.cols {
			if cell(c, r) != '┌' {
				continue
			}
			right, low := c+1, r+1
			for right < x.cols-1 && cell(right, r) != '┐' {
				right++
			}
			for low < x.rows-1 && cell(c, low) != '└' {
				low++
			}
			var s strings.Builder
			for y := r; y <= low; y++ {
				for i := c; i <= right; i++ {
					fmt.Fprintf(&s, "%v", x.term.Cell(i, y))
				}
			}
			title := strings.TrimSpace(strings.Trim(strings.SplitN(strings.TrimSpace(x.row(r)[len(string([]rune(x.row(r))[:c+1])):]), "─", 2)[0], "┌"))
			out = append(out, box{title, s.String()})
		}
	}
	return out
}

// changed counts the panels that differ, but for those that say where the cursor is
// and change with every step: WHY, TIME and LOG.
func changed(was, is []box) (n int) {
	for i := range is {
		head, _, _ := strings.Cut(strings.TrimLeft(is[i].title, "0123456789 "), " ")
		if head != "WHY" && head != "TIME" && head != "LOG" && is[i].inside != was[i].inside {
			n++
		}
	}
	return n
}

// BenchmarkStepBytes is what a step sends to the terminal, the way of the token
// along the path included: of a hundred steps those that change one panel, or
// none, beside those that say where the cursor is; and all.
func BenchmarkStepBytes(b *testing.B) {
	bin := build(b)
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			x := listen(b, bin, size[0], size[1], "one-packet")
			defer x.close()
			x.until("the first frame", x.last(keysShown))
			x.rest(time.Second)
			var one, all []float64
			for was := x.boxes(); len(all) < 100; {
				x.keys("l")
				n := float64(x.rest(80 * time.Millisecond))
				is := x.boxes()
				if all = append(all, n); changed(was, is) <= 1 {
					one = append(one, n)
				}
				was = is
			}
			b.ReportMetric(float64(len(one)), "of-100-change-one")
			report(b, "B-one", one)
			report(b, "B-all", all)
		})
	}
}

// busy is the processor time of all threads of a process so far.
func busy(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if len(files) == 0 {
		b.Skip("needs /proc")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that has ended
		}
		ns, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ns, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}

// BenchmarkPaused is the part of a core that the program takes while it stands still.
func BenchmarkPaused(b *testing.B) {
	bin := build(b)
	file, _ := million(b)
	for _, c := range []struct {
		name, keys string
		args       []string
	}{
		{"picker", "", nil},
		{"scenario", "", []string{"one-packet"}},
		{"page", "llllw", []string{"one-packet"}},
		{"after-play", "> , ", []string{"one-packet"}},
		{"million", ">>>>>> , ", []string{file}},
		{"watch", "", []string{"--watch", file}},
		{"compare", "", []string{"compare", "level-and-edge"}},
		{"present", "", []string{"present", "one-packet"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := listen(b, bin, 200, 60, c.args...)
			defer x.close()
			x.until("a frame", func() bool { return strings.TrimSpace(x.row(x.rows-1)) != "" })
			x.rest(900 * time.Millisecond) // the clock of a presentation moves every second
			for i, k := range strings.Split(c.keys, ",") {
				time.Sleep(time.Duration(i) * time.Second)
				x.keys(k)
			}
			x.rest(900 * time.Millisecond)
			const watched = 5 * time.Second
			before, begun := busy(b, x.cmd.Process.Pid), time.Now()
			time.Sleep(watched)
			used := busy(b, x.cmd.Process.Pid) - before
			b.ReportMetric(100*float64(used)/float64(time.Since(begun)), "%cpu")
			b.ReportMetric(float64(x.rest(time.Millisecond)), "B-sent")
		})
	}
}
