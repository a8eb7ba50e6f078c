package kernel

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/kernel/strace"
	"ringside/sim"
)

// Strace gives the line that strace would print for a record in which a system
// call is finished, a signal is delivered or a thread ends, and the task it
// belongs to. A call that a signal has interrupted is finished when the handler
// is. The machine's state must be the one after the record.
func (m *Machine) Strace(r *sim.Record) (task TaskID, line string, ok bool) {
	switch {
	case r.Point == PointSignalDeliver && r.Arg[0] != sigKILL:
		return TaskID(r.Task), strace.Signal(int(r.Arg[0])), true
	case r.Point == PointProcessExit && m.Tasks[r.Task].ExitSignal != 0:
		return TaskID(r.Task), strace.Killed(int(m.Tasks[r.Task].ExitSignal)), true
	case r.Point == PointProcessExit:
		return TaskID(r.Task), strace.Exited(int(m.Tasks[r.Task].ExitCode)), true
	case r.Point == PointSysExit && r.Arg[0] != nrRtSigreturn && !m.Tasks[r.Task].Call.Interrupted:
		return TaskID(r.Task), m.straceCall(TaskID(r.Task), false), true
	case r.Step == 1 && m.isWrapper(cpu.CodeID(r.Fn)) && m.Tasks[r.Task].Call.Interrupted:
		return TaskID(r.Task), m.straceCall(TaskID(r.Task), false), true
	}
	return None, "", false
}

// isWrapper tells whether a function is the C library's for a system call.
func (im *Image) isWrapper(fn cpu.CodeID) bool {
	return fn >= fnUserBase && im.user[fn-fnUserBase].fn == None
}

// Unfinished gives the calls that still sleep, in thread order.
func (m *Machine) Unfinished() (tasks []TaskID, lines []string) {
	for i := range m.Tasks {
		if t := &m.Tasks[i]; t.Thread != None && t.Call.Active && t.State != Dead {
			tasks = append(tasks, TaskID(i))
			lines = append(lines, m.straceCall(TaskID(i), true))
		}
	}
	return tasks, lines
}

func (m *Machine) straceCall(id TaskID, unfinished bool) string {
	t := &m.Tasks[id]
	p := m.programs[t.Thread]
	if t.Call.Site == None {
		return "exit(0)"
	}
	c := strace.Call{
		ABI: m.Config.ABI, Spec: p.Calls[t.Call.Site].Spec, Args: t.Call.Prog[:], Ret: -1,
		Mem: &t.Mem, Prog: p, Heap: m.Procs[t.Proc].Heap, Unfinished: unfinished, N: int(t.Call.N), Rets: [2]int64{int64(t.Call.Pair[0]), int64(t.Call.Pair[1])},
	}
	switch c.Spec.Name {
	case "tgkill":
		c.Target = [2]int64{t.Call.Args[0], t.Call.Args[1]}
	case "select":
		for i := range c.Sets {
			if c.Args[1+i] != 0 {
				c.Sets[i] = t.Sets[i][:]
			}
		}
	}
	switch {
	case failed(t.Call.Ret):
		c.Errno = int(-t.Call.Ret)
	case c.Spec.Results == 2: // the two descriptors are not the system call's result
		c.Ret = t.Call.Ret
	default:
		c.Ret, _ = m.results(t)
	}
	if t.Call.From.Port != 0 {
		c.From = t.Call.From.String()
	}
	return strace.Format(c)
}

// jsonRecord is a record in the jsonl format. Times are nanoseconds of model
// time; t is when the step was complete.
type jsonRecord struct {
	Seq     sim.Seq  `json:"seq"`
	T       int64    `json:"t"`
	Dur     int64    `json:"dur"`
	CPU     int8     `json:"cpu"`
	Task    string   `json:"task"`
	Ctx     string   `json:"ctx"`
	Ring    uint8    `json:"ring"`
	Fn      string   `json:"fn"`
	Step    string   `json:"step"`
	TP      string   `json:"tp,omitempty"`
	Station string   `json:"station,omitempty"`
	Flags   string   `json:"flags"`
	Object  string   `json:"object,omitempty"`
	Args    [2]int64 `json:"args"`
	Cause   sim.Seq  `json:"cause"`
}

// JSON gives a record as a line of the jsonl format.
func (m *Machine) JSON(r *sim.Record, seq sim.Seq) string {
	b, err := json.Marshal(jsonRecord{
		Seq: seq, T: int64(r.T), Dur: int64(r.Dur), CPU: r.CPU, Task: m.TaskName(r.Task), Ctx: Contexts[r.Ctx], Ring: r.Ring,
		Fn: m.Fn(r), Step: m.StepName(r), TP: Points[r.Point], Station: Stations[r.Station],
		Flags: flagLetters(r), Object: Object(r), Args: r.Arg, Cause: r.Cause,
	})
	if err != nil {
		panic(err) // strings and numbers only: cannot fail
	}
	return string(b)
}

// Text gives a record as a line for people.
func (m *Machine) StepText(r *sim.Record, seq sim.Seq) string {
	where := "card"
	if r.CPU >= 0 {
		where = "cpu" + strconv.Itoa(int(r.CPU))
	}
	line := fmt.Sprintf("%6d %12s  %-5s %-8s %-12s %s: %s", seq, r.T, where, Contexts[r.Ctx], Printable(m.TaskName(r.Task)), m.Fn(r), m.StepName(r))
	if o := Object(r); o != "" {
		line += "  [" + o + "]"
	}
	if r.Point != PointNone {
		line += "  " + Points[r.Point]
	}
	if r.Point == PointSysEnter && m.Config.ABI != program.LinuxAMD64 {
		line += "  " + m.numberText(r.Arg[0])
	}
	return line
}

// TaskName is a task's name, or "" for no task.
func (m *Machine) TaskName(task int16) string {
	if task < 0 {
		return ""
	}
	return m.Tasks[task].Name
}

// StepName says what a record's step does.
func (im *Image) StepName(r *sim.Record) string {
	code := &im.Text.Codes[r.Fn]
	if code.Interp {
		return "line " + strconv.FormatInt(r.Arg[0], 10)
	}
	return code.Steps[r.Step].Name
}

// objectNames are the kinds' names; their numbers are places in the machine's
// arenas.
var objectNames = [...]string{
	"", "task", "frame", "descriptor", "vector", "skb", "sock", "wait queue", "wait entry", "epoll", "epitem", "fd", "timer", "napi", "irq",
}

// Object names what a record touched, or "".
func Object(r *sim.Record) string {
	if r.Kind == KindNone {
		return ""
	}
	return objectNames[r.Kind] + " " + strconv.Itoa(int(r.Obj))
}

// Printable shows control characters escaped, so that a string from a file can
// go to a terminal.
func Printable(s string) string {
	clean := true
	for _, c := range s {
		clean = clean && unicode.IsPrint(c)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			q := strconv.QuoteRune(c)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// Functions are the names that records of a machine can have: the kernel's, the
// devices' and those of the thread programs.
func Functions(cfg *Config) []string {
	im := &Image{Config: cfg, ABI: &cpu.ABIs[cfg.ABI]}
	im.Text.Codes = im.kernelText()
	if cfg.NIC.Advanced {
		im.loadIgb()
	}
	for i := range cfg.Threads {
		im.addProgram(int32(i), cfg.Threads[i].Program)
	}
	var names []string
	for _, c := range im.Text.Codes {
		names = append(names, c.Name)
	}
	return names
}

// TaskNames are the names of a machine's tasks.
func TaskNames(cfg *Config) []string {
	var names []string
	for i := range cfg.Threads {
		names = append(names, cfg.Threads[i].Name)
	}
	for cpu := range cfg.CPUs {
		names = append(names, fmt.Sprintf("swapper/%d", cpu), fmt.Sprintf("ksoftirqd/%d", cpu))
	}
	return names
}

// ObjectKinds are the kinds of objects that Object names.
func ObjectKinds() []string { return objectNames[1:] }
