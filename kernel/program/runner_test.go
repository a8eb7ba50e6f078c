package program

import (
	"fmt"
	"strings"
	"testing"
)

// runner answers calls from a script and notes them, as both lanes do.
type runner struct {
	p      *Program
	mem    Memory
	shared []int64
	answer func(name string, args [8]int64) []int64 // results; below zero an errno
	log    []string
	frames []Frame
}

func start(t testing.TB, src string) *runner {
	t.Helper()
	p, err := Compile(src, Env{Shared: []string{"ep", "stop"}, Threads: []string{"a", "b"}})
	if err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	return &runner{p: p, shared: make([]int64, 2)}
}

// run executes a program for at most so many operations.
func (r *runner) run(limit int) string {
	frames := []Frame{r.p.Start(&r.mem)}
	for range limit {
		f := &frames[len(frames)-1]
		switch e := r.p.Exec(&r.mem, f, r.shared); e.Kind {
		case EffCall:
			if len(frames) > 200 {
				return "too deep"
			}
			fn := r.p.Calls[e.Site].Func
			frames = append(frames, r.p.Enter(&r.mem, fn, e.Args[:r.p.Funcs[fn].Params]))
		case EffReturn:
			results := r.p.Leave(&r.mem, f)
			frames = frames[:len(frames)-1]
			r.p.Complete(&r.mem, &frames[len(frames)-1], r.shared, results...)
		case EffSyscall, EffLibrary, EffDirector:
			r.p.Complete(&r.mem, f, r.shared, r.call(r.p.Calls[e.Site].Spec, e)...)
		case EffExit:
			return ""
		case EffFault:
			return r.mem.Fault
		}
	}
	return "still running"
}

// call notes a call and gives its results.
func (r *runner) call(spec *Spec, e Effect) []int64 {
	var args []string
	for i, p := range spec.params(e.N)[:e.N] {
		if p.Kind == Str || p.Kind == SockAddr {
			args = append(args, r.p.String(e.Args[i]))
		} else {
			args = append(args, fmt.Sprint(e.Args[i]))
		}
	}
	r.log = append(r.log, spec.Name+"("+strings.Join(args, " ")+")")
	results := make([]int64, spec.Results)
	if r.answer != nil {
		copy(results, r.answer(spec.Name, e.Args))
	}
	for i, v := range results {
		if v < 0 {
			r.mem.Errno, results[i] = -v, -1
		}
	}
	return results
}

// step executes operations without noting calls.
func (r *runner) step(n int) {
	frames := append(r.frames[:0], r.p.Start(&r.mem))
	defer func() { r.frames = frames }()
	for range n {
		f := &frames[len(frames)-1]
		switch e := r.p.Exec(&r.mem, f, r.shared); e.Kind {
		case EffCall:
			fn := r.p.Calls[e.Site].Func
			frames = append(frames, r.p.Enter(&r.mem, fn, e.Args[:r.p.Funcs[fn].Params]))
		case EffReturn:
			results := r.p.Leave(&r.mem, f)
			frames = frames[:len(frames)-1]
			r.p.Complete(&r.mem, &frames[len(frames)-1], r.shared, results...)
		case EffSyscall:
			r.p.Complete(&r.mem, f, r.shared, 0)
		}
	}
}
