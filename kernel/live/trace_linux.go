package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Tracing has an instance of its own (Documentation/trace/ftrace.rst,
// "Instances"), so that nobody else's tracing is touched: ringside-PID. It is
// removed on every way out of the process but SIGKILL; what that leaves is
// removed by the next one.

// traceMounts are where tracefs is, if it is mounted.
var traceMounts = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

const instancePrefix = "ringside-"

// tracer is an instance that is on.
type tracer struct {
	dir    string
	marks  *os.File
	sender int // the thread that plays the remote hosts
	once   sync.Once
	gone   error
}

// tracers are those that are on, for who leaves in a hurry.
var tracers struct {
	sync.Mutex
	closed bool
	all    map[*tracer]bool
}

// CloseTraces removes what tracing has made. For the end of the process: there
// is no tracing after it.
func CloseTraces() {
	tracers.Lock()
	tracers.closed = true
	all := tracers.all
	tracers.all = nil
	tracers.Unlock()
	for t := range all {
		_ = t.remove()
	}
}

// closeOnPanic is deferred where a panic would end the process.
func closeOnPanic() {
	if e := recover(); e != nil {
		CloseTraces()
		panic(e)
	}
}

// traceDir finds tracefs.
func traceDir() (string, error) {
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("%w: the kernel shows them to root only", ErrNoTrace)
	}
	for _, dir := range traceMounts {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && int64(st.Type) == unix.TRACEFS_MAGIC {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%w: tracefs is not mounted; mount it with: mount -t tracefs nodev %s", ErrNoTrace, traceMounts[0])
}

// startTrace makes the instance and turns on the points that this kernel has, for
// the given threads and the sender, which is the calling one.
func startTrace(points []string, tids []int) (_ *tracer, err error) {
	root, err := traceDir()
	if err != nil {
		return nil, err
	}
	sweep(root)
	t := &tracer{dir: filepath.Join(root, "instances", instancePrefix+strconv.Itoa(os.Getpid())), sender: unix.Gettid()}
	if err := t.make(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = t.remove()
		}
	}()
	who := strconv.Itoa(t.sender)
	for _, tid := range tids {
		who += " " + strconv.Itoa(tid)
	}
	for _, w := range [][2]string{{"tracing_on", "0"}, {"trace_clock", "mono"}, {"set_event_pid", who}} {
		if err := t.write(w[0], w[1]); err != nil {
			return nil, err
		}
	}
	for _, p := range points {
		system, event, _ := strings.Cut(p, ":")
		dir := filepath.Join("events", system, event)
		if _, err := os.Stat(filepath.Join(t.dir, dir)); errors.Is(err, fs.ErrNotExist) {
			continue // of another version
		}
		if alone[system] { // the sender looks at all threads again and again
			if err := t.write(filepath.Join(dir, "filter"), fmt.Sprintf("common_pid != %d", t.sender)); err != nil {
				return nil, err
			}
		}
		if err := t.write(filepath.Join(dir, "enable"), "1"); err != nil {
			return nil, err
		}
	}
	if t.marks, err = os.OpenFile(filepath.Join(t.dir, "trace_marker"), os.O_WRONLY, 0); err != nil {
		return nil, err
	}
	return t, t.write("tracing_on", "1")
}

// alone are systems of events that count for the scenario's threads only.
var alone = map[string]bool{"raw_syscalls": true, "timer": true, "irq_vectors": true, "exceptions": true, "ipi": true, "signal": true}

// make makes the directory, and has it removed when a signal ends the process.
func (t *tracer) make() error {
	tracers.Lock()
	defer tracers.Unlock()
	if tracers.closed {
		return fmt.Errorf("%w: the program is ending", ErrNoTrace)
	}
	if err := os.Mkdir(t.dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrNoTrace, err)
	}
	if tracers.all == nil {
		tracers.all = map[*tracer]bool{}
	}
	tracers.all[t] = true
	removeOnSignal()
	return nil
}

// removeOnSignal begins to wait for the signals that end a process at once.
// SIGINT and SIGTERM are the program's: it returns from what it does.
var removeOnSignal = sync.OnceFunc(func() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGHUP, unix.SIGQUIT)
	go func() {
		sig := (<-c).(unix.Signal)
		CloseTraces()
		signal.Reset(sig)
		_ = unix.Kill(unix.Getpid(), sig)
	}()
})

// sweep removes the instances of processes that are no more.
func sweep(root string) {
	old, _ := filepath.Glob(filepath.Join(root, "instances", instancePrefix+"*"))
	for _, dir := range old {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), instancePrefix))
		if err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			_ = os.Remove(dir)
		}
	}
}

func (t *tracer) write(file, text string) error {
	if err := os.WriteFile(filepath.Join(t.dir, file), []byte(text), 0); err != nil {
		return fmt.Errorf("%w: %w", ErrNoTrace, err)
	}
	return nil
}

// mark writes a marker around a call. A run without tracing has none.
func (t *tracer) mark(thread, call int, end bool) {
	if t != nil {
		t.say(marker(thread, call, end))
	}
}

// say writes into the trace.
func (t *tracer) say(text string) {
	if t != nil {
		_, _ = t.marks.WriteString(text)
	}
}

// read ends the tracing and gives what it has seen.
func (t *tracer) read() ([]TracePoint, int, error) {
	if err := t.write("tracing_on", "0"); err != nil {
		return nil, 0, err
	}
	b, err := os.ReadFile(filepath.Join(t.dir, "trace"))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrNoTrace, err)
	}
	points, lost := ParseTrace(string(b))
	return points, lost, nil
}

// remove turns everything off and takes the instance away.
func (t *tracer) remove() error {
	if t == nil {
		return nil
	}
	t.once.Do(func() {
		_ = t.write("tracing_on", "0")
		_ = t.write("events/enable", "0")
		if t.marks != nil {
			_ = t.marks.Close()
		}
		for end := time.Now().Add(time.Second); ; pause() { // while a file of it is still open, it stays
			if t.gone = unix.Rmdir(t.dir); t.gone == nil || time.Now().After(end) {
				break
			}
		}
		tracers.Lock()
		delete(tracers.all, t)
		tracers.Unlock()
	})
	return t.gone
}
