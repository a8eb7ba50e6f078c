package kernel

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ringside/cpu"
	"ringside/kernel/program"
	"ringside/sim"
)

// fatal is what testing and rapid have in common.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func mustCompile(t fatal, src string) *program.Program {
	t.Helper()
	p, err := program.Compile(src, program.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hogs are threads that never sleep.
func hogs(t testing.TB, cpu, n int) (threads []ThreadConfig) {
	for i := range n {
		threads = append(threads, thread(t, fmt.Sprint("hog", i), worker, cpu, 0))
	}
	return threads
}

// start makes a machine that ends at a time.
func start(t fatal, cfg *Config, stop sim.Time) *Machine {
	t.Helper()
	cfg.Stop = stop
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// task finds a task by its thread's name.
func (m *Machine) task(name string) *Task {
	for i := range m.Tasks {
		if m.Tasks[i].Name == name {
			return &m.Tasks[i]
		}
	}
	return nil
}

const tick = 4 * sim.Millisecond

// TestSharesFollowWeights: what a task has had differs from its share by weight
// by no more than a turn, and a turn ends at a tick (sched_prio_to_weight).
func TestSharesFollowWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		threads := []ThreadConfig{}
		total := sim.Time(0)
		weight := func(tc ThreadConfig) sim.Time { return prioToWeight[tc.Nice+20] }
		for i := range rapid.IntRange(2, 4).Draw(t, "threads") {
			tc := ThreadConfig{Name: fmt.Sprint("hog", i), CPU: 0, Program: mustCompile(t, worker)}
			tc.Nice = rapid.IntRange(-5, 5).Draw(t, "nice")
			threads = append(threads, tc)
			total += weight(tc)
		}
		cfg := config(1, threads)
		cfg.Params.Slice = sim.Time(rapid.IntRange(1, 10).Draw(t, "slice")) * sim.Millisecond
		const length = 400 * sim.Millisecond
		m := start(t, cfg, length)
		runAll(t, m, 1e6)
		sum := sim.Time(0)
		for i, tc := range threads {
			m.updateRqClock(0)
			m.updateCurr(0)
			got, want := m.task(tc.Name).SE.SumExec, length*weight(tc)/total
			if off := got - want; max(off, -off) > cfg.Params.Slice+2*tick {
				t.Errorf("thread %d of weight %d has run %s, its share is %s", i, weight(tc), got, want)
			}
			sum += got
		}
		if idle := length - sum; idle < 0 || idle > 100*sim.Microsecond {
			t.Errorf("the shares add up to %s of %s", sum, length)
		}
	})
}

// TestNobodyStarves: with the preemptive schedulers that take turns, everybody
// who can run does, within a turn of each of the others.
func TestNobodyStarves(t *testing.T) {
	for _, s := range []Scheduler{EEVDF, RR} {
		for _, n := range []int{2, 5} {
			cfg := config(1, hogs(t, 0, n))
			cfg.Params.Scheduler, cfg.Params.Slice = s, 3*sim.Millisecond
			m := start(t, cfg, 200*sim.Millisecond)
			longest := sim.Time(n) * (cfg.Params.Slice + tick)
			last := make([]sim.Time, len(m.Tasks))
			var r sim.Record
			for m.Step(&r) {
				last[m.CPUs[0].Current] = m.Now
				for id := range m.Tasks {
					if m.Tasks[id].OnRQ && m.Now-last[id] > longest {
						t.Fatalf("%s: %s has waited %s", Schedulers[s], m.Tasks[id].Name, m.Now-last[id])
					}
				}
			}
		}
	}
}

// TestASleeperGainsNoMoreThanItsLag: who has slept long is not owed that time.
func TestASleeperGainsNoMoreThanItsLag(t *testing.T) {
	sleeper := thread(t, "sleeper", "nanosleep(100*ms)\nfor { compute(1*ms) }", 0, 0)
	m := start(t, config(1, append(hogs(t, 0, 1), sleeper)), 200*sim.Millisecond)
	runAll(t, m, 1e6)
	m.updateRqClock(0)
	m.updateCurr(0)
	hog, other := m.task("hog0").SE.SumExec, m.task("sleeper").SE.SumExec
	if most := 50*sim.Millisecond + 3*sim.Millisecond + 2*tick; other > most || hog < 100*sim.Millisecond {
		t.Errorf("after sleeping 100ms of 200ms the sleeper has run %s and the other %s", other, hog)
	}
}

// TestLagIsBounded: whatever threads do, nobody on a queue is further from the
// average than EEVDF allows.
func TestLagIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig(t)
		cfg.Params.Scheduler = EEVDF
		m := start(t, cfg, 20*sim.Millisecond)
		var r sim.Record
		for i := 0; i < 20000 && m.Step(&r); i++ {
			for core := range m.CPUs {
				for _, id := range m.CPUs[core].RQ.Queue {
					se := &m.Tasks[id].SE
					lag := m.avgVruntime(int32(core)) - se.Vruntime
					if limit := se.virtual(2*max(2*se.Slice, tick)) + 2*tick*niceZeroLoad/15; max(lag, -lag) > limit {
						t.Fatalf("%s: lag %s, limit %s", m.Tasks[id].Name, lag, limit)
					}
				}
			}
		}
	})
}

// TestIdleCoresPull: a core that goes idle leaves no task waiting on another core
// that could run on it. (Afterwards one may come to wait: when two wakeups choose
// the same idle core, or when one whose dequeueing was delayed wakes where it is.)
func TestIdleCoresPull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cores := rapid.IntRange(2, 3).Draw(t, "cores")
		var threads []ThreadConfig
		for i := range rapid.IntRange(2, 6).Draw(t, "threads") {
			src := fmt.Sprintf("for { compute(%d*us)\nnanosleep(%d*us) }",
				rapid.IntRange(1, 500).Draw(t, "compute"), rapid.IntRange(1, 300).Draw(t, "sleep"))
			threads = append(threads, ThreadConfig{Name: fmt.Sprint("t", i), CPU: -1, Program: mustCompile(t, src)})
		}
		cfg := config(cores, threads)
		cfg.Params.Scheduler = rapid.SampledFrom([]Scheduler{EEVDF, RR, FIFO, Cooperative}).Draw(t, "scheduler")
		m := start(t, cfg, 5*sim.Millisecond)
		var r sim.Record
		for m.Step(&r) {
			for core := range m.CPUs {
				k := &m.CPUs[core]
				goesIdle := int(r.CPU) == core && cpu.CodeID(r.Fn) == fnScheduleInner && r.Step == 1 && k.RQ.Curr == k.Idle
				if !goesIdle || m.Cores[core].Frame().Code == m.class().balance {
					continue
				}
				if from, id := m.pullable(); id != None {
					t.Fatalf("at %s core %d is idle and %s waits on core %d", m.Now, core, m.Tasks[id].Name, from)
				}
			}
		}
	})
}

// TestPoliciesDiffer: three threads become runnable one after another on one
// core, each computes 10ms; whether they are preempted and, if not for turns, in
// which order they end tells the policies apart.
func TestPoliciesDiffer(t *testing.T) {
	for _, c := range []struct {
		scheduler Scheduler
		priority  [3]int
		want      []string // who ends, in order
		preempts  bool
	}{
		{EEVDF, [3]int{}, nil, true},
		{RR, [3]int{1, 1, 1}, nil, true},
		{FIFO, [3]int{1, 1, 1}, []string{"a", "b", "c"}, false},
		{FIFO, [3]int{1, 2, 3}, []string{"c", "b", "a"}, true},
		{Cooperative, [3]int{}, []string{"a", "b", "c"}, false},
	} {
		var threads []ThreadConfig
		for i, name := range []string{"a", "b", "c"} {
			tc := thread(t, name, "compute(10*ms)", 0, sim.Time(i)*sim.Millisecond)
			tc.Priority = c.priority[i]
			threads = append(threads, tc)
		}
		cfg := config(1, threads)
		cfg.Params.Scheduler = c.scheduler
		m := start(t, cfg, sim.Second)
		var ended []string
		for _, r := range runAll(t, m, 1e6) {
			if r.Point == PointProcessExit {
				ended = append(ended, m.Tasks[r.Task].Name)
			}
		}
		if c.want != nil && !slices.Equal(ended, c.want) || len(ended) != 3 || (m.Counters.Preemptions > 0) != c.preempts {
			t.Errorf("%s: %v ended, with %d preemptions", Schedulers[c.scheduler], ended, m.Counters.Preemptions)
		}
	}
}

// TestAShorterSliceOverridesProtection: PREEMPT_SHORT is about tasks whose slice
// is shorter than the current one's; with equal ones the running task keeps its
// turn.
func TestAShorterSliceOverridesProtection(t *testing.T) {
	for _, c := range []struct {
		slice sim.Time
		want  bool
	}{{3 * sim.Millisecond, false}, {sim.Millisecond, true}} {
		m := start(t, config(1, append([]ThreadConfig{thread(t, "short", "nanosleep(9*ms)\nfor { compute(1*ms) }", 0, 0)}, hogs(t, 0, 2)...)), 9500*sim.Microsecond)
		m.task("short").SE.Slice = c.slice
		runAll(t, m, 1e5)
		if got := m.Tasks[m.CPUs[0].Current].Name == "short"; got != c.want {
			t.Errorf("slice %s: runs at once %v, want %v", c.slice, got, c.want)
		}
	}
}
