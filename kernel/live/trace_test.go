package live

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readTrace(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/trace.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTraceLinesAreRead(t *testing.T) {
	points, lost := ParseTrace(readTrace(t))
	if len(points) != 14 || lost != 3 {
		t.Fatalf("%d points, %d lost", len(points), lost)
	}
	for i, want := range map[int]TracePoint{
		1:  {"server", 13929, 0, ".....", "29114.684779", "sys_exit", "NR 1 = 18"},
		8:  {"ringside", 13932, 0, "dNs6.", "29114.685565", "sched_waking", "comm=server pid=13929 prio=120 target_cpu=000"},
		13: {"a name - with", 7, 1, "d.h..", "29114.690000", "local_timer_entry", "vector=236"},
	} {
		if d := cmp.Diff(want, points[i]); d != "" {
			t.Errorf("line %d: want -, got +:\n%s", i, d)
		}
	}
}

// Between the markers of a call are its own points and those of the sender; the
// writes of the markers are not, nor the packet that only asks for the end.
func TestACallHasThePointsBetweenItsMarkers(t *testing.T) {
	points, _ := ParseTrace(readTrace(t))
	var got []string
	for _, p := range during(points, 0, 5) {
		got = append(got, p.Event+" "+p.Task)
	}
	want := []string{"sys_enter server", "sched_switch server", "netif_receive_skb ringside", "sched_waking ringside", "sched_switch <idle>", "sys_exit server"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if other := during(points, 0, 6); other != nil {
		t.Errorf("a call that was not made: %v", other)
	}
}

func FuzzParseTrace(f *testing.F) {
	f.Add(readTrace(f))
	f.Add("# entries-in-buffer/entries-written: 9/1   #P:2\n x-1 [0] .... 1.2: e:\n")
	f.Fuzz(func(t *testing.T, text string) {
		points, lost := ParseTrace(text)
		if lost < 0 {
			t.Errorf("%d lost", lost)
		}
		for _, p := range points {
			if p.Event == "" || p.Task == "" || p.PID < 0 || p.CPU < 0 || len(p.Flags) < 4 {
				t.Errorf("%+v", p)
			}
		}
		during(points, 0, 1)
	})
}

const fdinfo = `pos:	0
flags:	02000002
mnt_id:	16
ino:	1057
tfd:       17 events:       19 data:               4d  pos:0 ino:3f1 sdev:9
tfd:       18 events: 80000001 data: ffffffffffffffff  pos:0 ino:3f2 sdev:9
tfd: x events: 1 data: 1
tfd: 1 events: 1
`

func TestAnInterestListIsRead(t *testing.T) {
	want := []Watch{{17, 0x19, 0x4d}, {18, 0x80000001, 1<<64 - 1}}
	if d := cmp.Diff(want, ParseFdinfo(fdinfo)); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if got := WatchText(4, 3, 0x19, 77); got != "epoll 4 watches fd 3 for EPOLLIN|EPOLLERR|EPOLLHUP, data 77" {
		t.Error(got)
	}
}

func FuzzParseFdinfo(f *testing.F) {
	f.Add(fdinfo)
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range ParseFdinfo(text) {
			if w.TFD < 0 {
				t.Errorf("%+v", w)
			}
		}
	})
}
