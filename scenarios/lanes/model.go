// Package lanes runs a scenario on the modelled kernel and on the real one, and
// turns what happened into the same form: for each thread, the lines that
// strace would print. It writes the exports of the model's run.
package lanes

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// DefaultMaxSteps is how many steps a run may take unless told otherwise.
const DefaultMaxSteps = 100_000_000

// Defect is a mistake of the model itself: it has panicked.
type Defect struct {
	At    sim.Seq // the record that it was at
	What  string
	Stack []byte
}

func (d *Defect) Error() string {
	return fmt.Sprintf("a defect of the model at record %d: %s", d.At, d.What)
}

// Limits end a run of the model before it ends by itself.
type Limits struct {
	Until    sim.Time // model time, 0: none
	MaxSteps int      // 0: DefaultMaxSteps, and reaching it is an error
}

// Lane is what one kernel did.
type Lane struct {
	Order   []string            // finished calls of all threads, in order of return, as "name: line"
	At      []sim.Time          // when each of them returned, by the scenario's clock
	Threads map[string][]string // the same by thread
	Asleep  map[string]string   // the call that a thread still sleeps in
}

func newLane() *Lane {
	return &Lane{Threads: map[string][]string{}, Asleep: map[string]string{}}
}

func (l *Lane) add(at sim.Time, thread, line string) {
	l.Order = append(l.Order, thread+": "+line)
	l.At = append(l.At, at)
	l.Threads[thread] = append(l.Threads[thread], line)
}

func (l *Lane) sleeps(at sim.Time, thread, line string) {
	l.add(at, thread, line)
	l.Asleep[thread] = line
}

// Model runs a scenario on the modelled kernel. The machine is in its last
// state when it returns.
func Model(cfg *kernel.Config, lim Limits) (*Lane, *kernel.Machine, error) {
	lane := newLane()
	m, err := run(cfg, lim, func(m *kernel.Machine, r *sim.Record, _ sim.Seq) {
		if task, line, ok := m.Strace(r); ok {
			lane.add(r.T, kernel.Printable(m.Tasks[task].Name), line)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	tasks, lines := m.Unfinished()
	for i, line := range lines {
		lane.sleeps(m.Now, kernel.Printable(m.Tasks[tasks[i]].Name), line)
	}
	return lane, m, nil
}

// run steps a machine to its end and shows each record to see.
// A panic of the model becomes a *Defect.
func run(cfg *kernel.Config, lim Limits, see func(*kernel.Machine, *sim.Record, sim.Seq)) (m *kernel.Machine, err error) {
	defer func() {
		if e := recover(); e != nil {
			d := &Defect{What: fmt.Sprint(e), Stack: debug.Stack()}
			if m != nil {
				d.At = m.Seq
			}
			err = d
		}
	}()
	if m, err = kernel.New(cfg); err != nil {
		return nil, err
	}
	budget := lim.MaxSteps
	if budget == 0 {
		budget = DefaultMaxSteps
	}
	var r sim.Record
	for n := 0; ; n++ {
		if n == budget {
			if lim.MaxSteps > 0 {
				return m, nil
			}
			return nil, fmt.Errorf("the run has not come to its end after %d steps (%s of model time): give the scenario a stop: time, or a limit with --until or --max-steps", n, m.Now)
		}
		seq := m.Seq
		if !m.Step(&r) {
			break
		}
		if lim.Until > 0 && r.T > lim.Until {
			return m, nil
		}
		see(m, &r, seq)
	}
	if m.Fault != "" {
		return nil, errors.New(m.Fault)
	}
	return m, nil
}

// Formats are the exports that Export knows.
var Formats = []string{"steps", "strace", "ftrace", "jsonl", "summary", "interrupts"}

// Export runs a scenario on the model and writes its records in a format.
func Export(w io.Writer, cfg *kernel.Config, format string, lim Limits) error {
	out := bufio.NewWriter(w)
	var line func(*kernel.Machine, *sim.Record, sim.Seq) string
	switch format {
	case "strace":
		lane, _, err := Model(cfg, lim)
		if err != nil {
			return err
		}
		for _, l := range lane.Order {
			fmt.Fprintln(out, l)
		}
		return out.Flush()
	case "interrupts":
		_, m, err := Model(cfg, lim)
		if err != nil {
			return err
		}
		fmt.Fprint(out, m.ProcInterrupts())
		return out.Flush()
	case "summary":
		return errors.Join(Summary(out, cfg, lim), out.Flush())
	case "steps":
		line = func(m *kernel.Machine, r *sim.Record, seq sim.Seq) string { return m.StepText(r, seq) }
	case "jsonl":
		line = func(m *kernel.Machine, r *sim.Record, seq sim.Seq) string { return m.JSON(r, seq) }
	case "ftrace":
		fmt.Fprint(out, kernel.FtraceHeader)
		line = func(m *kernel.Machine, r *sim.Record, _ sim.Seq) string { return m.Ftrace(r) }
	default:
		return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(Formats, ", "))
	}
	_, err := run(cfg, lim, func(m *kernel.Machine, r *sim.Record, seq sim.Seq) {
		if l := line(m, r, seq); l != "" {
			fmt.Fprintln(out, l)
		}
	})
	return errors.Join(err, out.Flush())
}
