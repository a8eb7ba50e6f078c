package sim

import (
	"testing"

	"pgregory.net/rapid"
)

// However long the run, snapshots stay within their budget, from the start on,
// at even distances, each the state of its position.
func TestSnapshotsAreThinnedEvenlyWithinTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := toySpec{seed: rapid.Uint64().Draw(t, "seed"), steps: 3000, width: 8, words: 64}
		want := runStraight(spec.make())
		largest := 0
		for _, m := range want.states {
			largest = max(largest, m.Size())
		}
		opts := Options{
			Budget: rapid.IntRange(2, 40).Draw(t, "copies") * largest,
			Every:  Seq(rapid.IntRange(1, 100).Draw(t, "every")),
		}
		tl := NewTimeline(spec.make(), emptyToy, opts)
		for !tl.Run(tl.Len() + 1) {
			s := &tl.snaps
			held := 0
			for _, m := range append(s.kept[:len(s.kept):len(s.kept)], s.free...) {
				held += m.Size()
			}
			if held != s.held || held > opts.Budget {
				t.Fatalf("%d bytes held, counted as %d, budget %d", held, s.held, opts.Budget)
			}
			if missing := tl.Len() - 1 - Seq(len(s.kept)-1)*s.every; missing < 0 || missing >= s.every {
				t.Fatalf("%d snapshots every %d, %d records", len(s.kept), s.every, tl.Len())
			}
		}
		for i, m := range tl.snaps.kept {
			if !m.equal(want.states[Seq(i)*tl.snaps.every]) {
				t.Fatalf("snapshot %d is not the state at %d", i, Seq(i)*tl.snaps.every)
			}
		}
	})
}

// The promise behind the speed of stepping back: from anywhere, down to the
// start, the replays together are a small multiple of the way.
func TestLadderKeepsTheReplayOfBackStepsShort(t *testing.T) {
	const n, every = 20_000, 4096
	var steps int
	m := newToy(1, n, 4, 16)
	tl := NewTimeline(&counted{toy: *m, steps: &steps}, func() *counted { return &counted{steps: &steps} }, Options{Every: every})
	tl.Run(n)
	steps = 0
	longest := 0
	for before := 0; tl.Back(); before = steps {
		longest = max(longest, steps-before)
	}
	if mean := steps / n; mean > 64 {
		t.Errorf("a step back replays %d records on average", mean)
	}
	if longest >= every {
		t.Errorf("a step back replays up to %d records, more than the distance between snapshots", longest)
	}
}

// counted is a toy that counts the steps of all its copies together.
type counted struct {
	toy
	steps *int
}

func (m *counted) Step(r *Record) bool   { *m.steps++; return m.toy.Step(r) }
func (m *counted) CopyFrom(src *counted) { m.toy.CopyFrom(&src.toy) }
