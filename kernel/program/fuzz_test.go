package program

import (
	"errors"
	"testing"
)

const busy = `func half(x int) int { return x / 2 }
func main() {
	m := map[int]int{}
	var b [16]byte
	for i := 0; ; i++ {
		m[i%5] = half(i)
		b[i%16] = m[i%5]
		getpid()
	}
}`

// TestACopyGoesOnAlike: a program that is copied in the middle does the same as
// the original, and neither disturbs the other.
func TestACopyGoesOnAlike(t *testing.T) {
	r := start(t, "m := map[int]int{}\nvar b [8]byte\nfor i := range 100 { m[i%7] += i\nb[i%8] = m[i%7]\nexit(b[i%8]) }")
	f := r.p.Start(&r.mem)
	for range 50 {
		r.p.Exec(&r.mem, &f, r.shared)
	}
	var other Memory
	other.CopyFrom(&r.mem)
	g := f
	for i := range 200 {
		x, y := r.p.Exec(&r.mem, &f, r.shared), r.p.Exec(&other, &g, r.shared)
		if x != y || f != g {
			t.Fatalf("after %d operations %+v at %+v, the copy %+v at %+v", i, x, f, y, g)
		}
	}
}

func TestExecDoesNotAllocate(t *testing.T) {
	r := start(t, busy)
	r.step(1000)
	if n := testing.AllocsPerRun(100, func() { r.step(1000) }); n > 0 {
		t.Errorf("%.0f allocations in 1,000 operations", n)
	}
}

func BenchmarkExec(b *testing.B) {
	r := start(b, busy)
	b.ReportAllocs()
	for b.Loop() {
		r.step(1000)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/op-of-program")
}

// FuzzCompile: no text makes the compiler panic or hang, and what compiles runs
// whatever its calls return.
func FuzzCompile(f *testing.F) {
	f.Add(busy, int64(1))
	f.Add("var ev [4]epoll_event\nfor { n := epoll_wait(3, ev, 4, -1)\nfor i := range n { exit(ev[i%4].fd) } }", int64(-5))
	f.Add("x := []pollfd{{3, POLLIN}}\nselect(x)", int64(0))
	f.Add("switch x := getpid(); x { case 1: exit(2); default: print(\"a\" + \"b\") }", int64(7))
	f.Add("r, w := pipe2(0)\nvar p [2]pollfd\np[0].fd, p[1].fd = r, w\nq := p\nfor i, e := range q { p[i].events |= e.fd }\npoll(p, 2, getpid())", int64(3))
	f.Add("m := map[int]int{}\nm[getpid()] += gettid()\nfor k, v := range m { delete(m, k)\nm = map[int]int{}\nep += k * v }", int64(-1))
	f.Add("r := fd_set()\nFD_SET(3, r)\nif select(4, r, NULL, NULL, 5*us) > 0 && FD_ISSET(3, r) { r = fd_set(getpid()&7) }\nppoll(NULL, 0, NULL, sigset(SIGUSR1))", int64(2))
	f.Add("func f(x int) (int, int) { return g(x), ep }\nfunc g(x int) int { if x > 9 { return 0 }\nep += g(x + 1)\nreturn errno }\nfunc main() { for _, c := range \"aé\" { ep, stop = f(c) } }", int64(9))
	f.Fuzz(func(t *testing.T, src string, answer int64) {
		p, err := Compile(src, Env{Shared: []string{"ep", "stop"}, Threads: []string{"a"}})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Col < 1 || e.Msg == "" {
				t.Fatalf("an error without a place: %#v", err)
			}
			return
		}
		r := &runner{p: p, shared: make([]int64, 2), answer: func(string, [8]int64) []int64 { answer = answer*5 + 3; return []int64{answer, answer} }}
		r.run(10000)
	})
}
