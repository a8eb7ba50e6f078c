package sim

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// straight is what a timeline has to agree with: a run from start to end, with
// the state kept after every record.
type straight struct {
	states  []*toy // states[i] is the state after i records
	records []Record
}

func runStraight(m *toy) straight {
	var s straight
	for {
		kept := emptyToy()
		kept.CopyFrom(m)
		s.states = append(s.states, kept)
		var r Record
		if !m.Step(&r) {
			return s
		}
		s.records = append(s.records, r)
	}
}

func (s *straight) len() Seq { return Seq(len(s.records)) }

// check compares the timeline at its cursor, and the records known, with the
// straight run.
func (s *straight) check(t *rapid.T, tl *Timeline[*toy], pos Seq, after string) {
	t.Helper()
	if tl.Pos() != pos {
		t.Fatalf("after %s: cursor at %d, want %d", after, tl.Pos(), pos)
	}
	if !tl.Machine().equal(s.states[pos]) {
		t.Fatalf("after %s: state at %d is not that of the straight run", after, pos)
	}
	if pos > tl.Len() || tl.Len() > s.len() {
		t.Fatalf("after %s: cursor at %d, %d records known of %d", after, pos, tl.Len(), s.len())
	}
	if pos > 0 && *tl.At(pos - 1) != s.records[pos-1] {
		t.Fatalf("after %s: record %d is %+v, want %+v", after, pos-1, *tl.At(pos - 1), s.records[pos-1])
	}
	if tl.Done() && tl.Len() != s.len() {
		t.Fatalf("after %s: done with %d records of %d", after, tl.Len(), s.len())
	}
}

type toySpec struct {
	seed                uint64
	steps, width, words int
}

func (s toySpec) make() *toy { return newToy(s.seed, s.steps, s.width, s.words) }

func drawToy(t *rapid.T) toySpec {
	return toySpec{
		seed:  rapid.Uint64().Draw(t, "seed"),
		steps: rapid.IntRange(0, 400).Draw(t, "steps"),
		width: rapid.SampledFrom([]int{1, 5, 2 * sortedMax}).Draw(t, "width"),
		words: rapid.SampledFrom([]int{1, 16, 256}).Draw(t, "words"),
	}
}

func drawOptions(t *rapid.T) Options {
	return Options{
		Budget: rapid.SampledFrom([]int{0, 1, 5000, 40000}).Draw(t, "budget"),
		Every:  Seq(rapid.SampledFrom([]int{0, 1, 2, 7, 64, 150}).Draw(t, "every")),
		Check:  true,
	}
}

func TestEveryMoveShowsTheStateOfTheStraightRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawToy(t)
		want := runStraight(spec.make())
		end := want.len()
		tl := NewTimeline(spec.make(), emptyToy, drawOptions(t))
		appended := Seq(0)
		tl.OnAppend = func(m *toy, r *Record, seq Seq) {
			if seq != appended || *r != want.records[seq] || !m.equal(want.states[seq+1]) {
				t.Fatalf("record %d was announced as number %d, or with another state", appended, seq)
			}
			appended++
		}
		pos := Seq(0)
		want.check(t, tl, pos, "NewTimeline")
		t.Repeat(map[string]func(*rapid.T){
			"Forward": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "times") {
					if moved := tl.Forward(); moved != (pos < end) {
						t.Fatalf("Forward at %d of %d is %t", pos, end, moved)
					}
					pos = min(pos+1, end)
					want.check(t, tl, pos, "Forward")
				}
			},
			"Back": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "times") {
					if moved := tl.Back(); moved != (pos > 0) {
						t.Fatalf("Back at %d is %t", pos, moved)
					}
					pos = max(pos-1, 0)
					want.check(t, tl, pos, "Back")
				}
			},
			"Seek": func(t *rapid.T) {
				to := Seq(rapid.IntRange(-1, int(end)+1).Draw(t, "to"))
				tl.Seek(to)
				pos = min(max(to, 0), end)
				want.check(t, tl, pos, "Seek")
			},
			"SeekTime": func(t *rapid.T) {
				at := Time(rapid.IntRange(-1, int(want.states[end].now)+1).Draw(t, "at"))
				tl.SeekTime(at)
				for pos = 0; pos < end && want.records[pos].T <= at; {
					pos++
				}
				want.check(t, tl, pos, "SeekTime")
			},
			"Run": func(t *rapid.T) {
				limit := Seq(rapid.IntRange(0, int(end)+1).Draw(t, "limit"))
				before := tl.Len()
				done := tl.Run(limit)
				pos = max(before, min(limit, end))
				want.check(t, tl, pos, "Run")
				if done != tl.Done() || limit > end && !done {
					t.Fatalf("Run(%d) of %d records is %t", limit, end, done)
				}
			},
			"": func(t *rapid.T) {
				if appended != tl.Len() {
					t.Fatalf("%d records announced, %d known", appended, tl.Len())
				}
			},
		})
	})
}

// Forward n, back k, forward k: the promise of the whole timeline.
func TestForwardBackForwardIsForward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawToy(t)
		want := runStraight(spec.make())
		tl := NewTimeline(spec.make(), emptyToy, drawOptions(t))
		n := Seq(rapid.IntRange(0, int(want.len())).Draw(t, "n"))
		k := Seq(rapid.IntRange(0, int(n)).Draw(t, "k"))
		for range n {
			tl.Forward()
		}
		for range k {
			tl.Back()
		}
		want.check(t, tl, n-k, "back")
		for range k {
			tl.Forward()
		}
		want.check(t, tl, n, "forward")
	})
}

func TestCopyOfAMachineIsExactAndIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawToy(t)
		want := runStraight(spec.make())
		at := rapid.IntRange(0, int(want.len())).Draw(t, "at")
		dst := emptyToy()
		if rapid.Bool().Draw(t, "used") { // the copy goes over another state
			dst.CopyFrom(want.states[rapid.IntRange(0, int(want.len())).Draw(t, "over")])
		}
		src := emptyToy()
		src.CopyFrom(want.states[at])
		dst.CopyFrom(src)
		var r Record
		src.Step(&r)
		if !dst.equal(want.states[at]) {
			t.Fatalf("the copy differs, or changed with its original")
		}
		for i := at; dst.Step(&r); i++ {
			if r != want.records[i] {
				t.Fatalf("the copy's record %d is %+v, want %+v", i, r, want.records[i])
			}
		}
	})
}

func TestRunWithoutAnyStepIsDoneAtTheStart(t *testing.T) {
	tl := NewTimeline(newToy(1, 0, 1, 1), emptyToy, Options{})
	if tl.Forward() || tl.Back() || !tl.Run(math.MaxInt32) || tl.Len() != 0 || tl.Pos() != 0 {
		t.Errorf("an empty run moved: %d of %d", tl.Pos(), tl.Len())
	}
	tl.SeekTime(Never)
	if tl.Pos() != 0 {
		t.Errorf("cursor at %d", tl.Pos())
	}
}

func TestMaxRecordsStopsARunThatIsNotDone(t *testing.T) {
	tl := NewTimeline(newToy(1, 1000, 3, 1), emptyToy, Options{MaxRecords: 300})
	if tl.Run(math.MaxInt32) || tl.Done() || tl.Len() != 300 {
		t.Errorf("%d records, done %t", tl.Len(), tl.Done())
	}
	tl.Seek(math.MaxInt32)
	tl.SeekTime(Never)
	if tl.Forward() || tl.Pos() != 300 {
		t.Errorf("the cursor went to %d", tl.Pos())
	}
}

// forgetful breaks the rule that a step depends on the state alone.
type forgetful struct{ steps, copies int32 }

func (m *forgetful) Step(r *Record) bool {
	m.steps++
	*r = Record{Obj: m.steps + 100*m.copies}
	return true
}
func (m *forgetful) CopyFrom(src *forgetful) { *m = forgetful{src.steps, src.copies + 1} }
func (m *forgetful) Size() int               { return 8 }

func TestCheckFindsAMachineThatCannotBeReplayed(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the replay differed and nobody said so")
		}
	}()
	tl := NewTimeline(new(forgetful), func() *forgetful { return new(forgetful) }, Options{Check: true})
	tl.Run(10)
	tl.Back()
}

func TestMovesAllocateNothingInTheSteadyState(t *testing.T) {
	tl := NewTimeline(newToy(1, 1<<20, 8, 512), emptyToy, Options{Budget: 200 << 10})
	tl.Run(100_000) // thinned by now, so that every snapshot has its memory
	moves := map[string]func(){
		"Forward at the frontier": func() { tl.Forward() },
		"Back":                    func() { tl.Back() },
		"Forward over the known":  func() { tl.Forward() },
		"Seek":                    func() { tl.Seek((tl.Pos()*7919 + 12345) % 90_000) },
	}
	for _, name := range []string{"Forward at the frontier", "Back", "Forward over the known", "Seek"} {
		move := moves[name]
		for range 50 {
			move()
		}
		if a := testing.AllocsPerRun(500, move); a != 0 {
			t.Errorf("%s: %g allocations", name, a)
		}
	}
}
