package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	both "ringside/scenarios/lanes"
	"ringside/sim"
)

// fakeRun is a run on a kernel that answers a little differently.
func fakeRun(context.Context) (*LiveRun, error) {
	own := func(names ...string) (out []both.Point) {
		for _, n := range names {
			event, text, _ := strings.Cut(n, " ")
			out = append(out, both.Point{Event: event, Text: text, Own: true})
		}
		return out
	}
	return &LiveRun{
		Calls: []both.Call{
			{Thread: "server", Line: "socket(AF_INET, SOCK_DGRAM, 0) = 3"},
			{Thread: "server", Line: "bind(3, 0.0.0.0:7000) = -1 EADDRINUSE"},
			{Thread: "server", Line: "getpid() = 1000"},
			{Thread: "server", Line: "epoll_create1(0) = 4"},
			{Thread: "server", Line: "epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data=3}) = 0"},
			{Thread: "server", Line: "epoll_wait(4, [], 8, -1) = 0"},
			{Thread: "server", Line: "epoll_wait(4, <unfinished ...>"},
		},
		Wchan: []string{"", "", "", "", "", "ep_poll", "ep_poll"},
		Points: [][]both.Point{
			nil, nil, nil, nil, nil,
			own("sys_enter epoll_wait", "sched_switch out S", "netif_receive_skb", "sched_waking", "sys_exit epoll_wait"), nil,
		},
		Threads: []LiveThread{
			{Name: "server", State: "S", Wchan: "ep_poll", Voluntary: 2}, {Name: "worker", State: "computes", Involuntary: 7},
		},
		Interest: []string{"epoll 4 watches fd 3 for EPOLLIN, data 3"},
	}, nil
}

// realApp is a screen with that run.
func realApp(t testing.TB, w, h int) *app {
	doc := document(t, 1, 1)
	doc.Live, doc.LiveWhy = fakeRun, ""
	a := testApp(t, doc, w, h, "")
	a.toEnd()
	a.Update(a.startLive()())
	a.answer(promptCommand, "goto 99us")
	a.answer(promptCommand, "find ep_send_events")
	return a
}

func TestScreensOfTheRealRun(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		keys string
	}{
		{"real-80x24", 80, 24, "0"},
		{"real-120x40", 120, 40, "0"},
		{"real-200x60", 200, 60, ""},
		{"real-zoom-80x24", 80, 24, "0 enter"},
		{"real-zoom-200x60", 200, 60, "0 enter"},
		{"real-page-120x40", 120, 40, "R"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := realApp(t, c.w, c.h)
			a.keys(c.keys)
			a.stale = true
			golden(t, c.name, a.text())
		})
	}
}

// The row of the call at the cursor is on the screen, wherever the cursor is, and
// what is not reached yet is dim.
func TestTheCallAtTheCursorIsMarked(t *testing.T) {
	a := realApp(t, 80, 24)
	a.keys("0")
	marked := map[string]bool{}
	for pos := range a.scene.tl.Len() + 1 {
		a.move(pos)
		a.stale = true
		for _, line := range strings.Split(a.text(), "\n") {
			if text, ok := strings.CutPrefix(line, "║ >"); ok {
				name, _, _ := strings.Cut(strings.TrimLeft(text, "=! "), "(")
				marked[name] = true
			}
		}
		if row := a.scene.hereRow(); row >= 0 && !strings.Contains(a.text(), "║ >") {
			t.Fatalf("position %d: the row at the cursor is not on the screen", pos)
		}
	}
	for _, name := range []string{"socket", "bind", "epoll_create1", "epoll_ctl", "epoll_wait"} {
		if !marked[name] {
			t.Errorf("%s was never marked: %v", name, marked)
		}
	}
}

func TestTheRealPanelSaysWhyThereIsNoRun(t *testing.T) {
	doc := document(t, 1, 1)
	doc.LiveWhy = "loopback has no card: nothing is lost there"
	a := testApp(t, doc, 80, 24, "")
	a.keys("0")
	if text := a.text(); !strings.Contains(text, "No real lane: loopback has no card") {
		t.Errorf("screen:\n%s", text)
	}
	a.keys("R")
	if text := a.text(); !strings.Contains(text, doc.LiveWhy) {
		t.Errorf("screen:\n%s", text)
	}
	doc.Live = func(context.Context) (*LiveRun, error) { return nil, errors.New("the watchdog ended it") }
	a.Update(a.rerun("")())
	if text := a.text(); !strings.Contains(text, "the watchdog ended it") {
		t.Errorf("screen:\n%s", text)
	}
}

// While the model's run is not known to its end, what the real kernel has done
// beyond it is no difference.
func TestBeyondTheKnownRunNothingDiffers(t *testing.T) {
	a := realApp(t, 80, 24)
	s := a.scene
	s.ended = false
	s.model = s.model[:1]
	s.align()
	if s.lane.same != 1 || s.lane.differ != 0 {
		t.Errorf("%d same, %d differ", s.lane.same, s.lane.differ)
	}
	for i := range s.lane.rows[1:] {
		if r := &s.lane.rows[1+i]; !r.unknown || r.pos <= sim.Seq(s.tl.Len()) {
			t.Errorf("row %d: %+v", 1+i, r)
		}
	}
}
