package live

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ErrNoTrace is why the kernel's tracepoints cannot be read here.
var ErrNoTrace = errors.New("no tracepoints")

// TracePoint is a line of the kernel's trace file
// (Documentation/trace/ftrace.rst).
type TracePoint struct {
	Task  string // the task that ran, or whose stack was borrowed
	PID   int
	CPU   int
	Flags string // interrupts off, need-resched, hardirq or softirq, preemption depth, migration
	Time  string // seconds, as printed
	Event string
	Text  string // its fields
}

var (
	traceLine    = regexp.MustCompile(`^ *(\S.*)-(\d{1,9}) +\[(\d{1,5})\] ([^ ]{4,5}) +(\d+\.\d+): ([a-zA-Z0-9_]+): ?(.*)$`)
	traceEntries = regexp.MustCompile(`^# entries-in-buffer/entries-written: (\d+)/(\d+) `)
)

// ParseTrace reads a trace file, and how many events were lost because the
// buffer was full. Lines that are no events are left out.
func ParseTrace(text string) (points []TracePoint, lost int) {
	for _, line := range strings.Split(text, "\n") {
		if m := traceEntries.FindStringSubmatch(line); m != nil {
			in, _ := strconv.Atoi(m[1])
			written, _ := strconv.Atoi(m[2])
			lost = max(written-in, 0)
			continue
		}
		m := traceLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		pid, _ := strconv.Atoi(m[2])
		cpu, _ := strconv.Atoi(m[3])
		points = append(points, TracePoint{Task: m[1], PID: pid, CPU: cpu, Flags: m[4], Time: m[5], Event: m[6], Text: m[7]})
	}
	return points, lost
}

// String is the point as the trace file has it, without what differs from run to
// run.
func (p TracePoint) String() string { return p.Event + ": " + p.Text }

// marker is what a thread writes into the trace around a call: which thread, the
// number of the call, and whether it begins or ends.
func marker(thread, call int, end bool) string {
	if end {
		return fmt.Sprintf("ringside %d %d end", thread, call)
	}
	return fmt.Sprintf("ringside %d %d begin", thread, call)
}

// fence is written around the packet by which the sender finds that all has
// arrived: it is none of the scenario's.
const fence, unfence = "ringside fence begin", "ringside fence end"

// markEvent is what the file has for a write to trace_marker.
const markEvent = "tracing_mark_write"

// during gives the points between the markers of a call, or from its first on if
// it has not ended. The system calls that write the markers are left out.
func during(points []TracePoint, thread, call int) (out []TracePoint) {
	begin, end := marker(thread, call, false), marker(thread, call, true)
	inside, pid, fenced := false, 0, -1
	for _, p := range points {
		if p.Event == markEvent {
			switch strings.TrimSpace(p.Text) {
			case fence:
				fenced = p.PID
			case unfence:
				fenced = -1
			case begin:
				inside, pid = true, p.PID
			case end:
				return withoutMarkers(out, pid, true)
			}
			continue
		}
		if inside && p.PID != fenced {
			out = append(out, p)
		}
	}
	return withoutMarkers(out, pid, false)
}

// withoutMarkers takes away the return of the write that began the call, and the
// start of the one that ended it.
func withoutMarkers(points []TracePoint, pid int, ended bool) []TracePoint {
	drop := func(event string, i int) {
		if i >= 0 && points[i].Event == event {
			points = append(points[:i:i], points[i+1:]...)
		}
	}
	own := func(i int) bool { return points[i].PID == pid && strings.HasPrefix(points[i].Event, "sys_") }
	for i := range points {
		if own(i) {
			drop("sys_exit", i)
			break
		}
	}
	for i := len(points) - 1; i >= 0 && ended; i-- {
		if own(i) {
			drop("sys_enter", i)
			break
		}
	}
	return points
}
