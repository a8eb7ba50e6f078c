package sim

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The numbers of seed 1234567 are those of the reference implementation,
// splitmix64.c by Sebastiano Vigna.
func TestRandIsSplitMix64(t *testing.T) {
	tests := []struct {
		seed uint64
		want []uint64
	}{
		{1234567, []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821}},
		{0, []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f}},
	}
	for _, tt := range tests {
		r := NewRand(tt.seed)
		for i, want := range tt.want {
			if got := r.Uint64(); got != want {
				t.Errorf("seed %d, number %d: %d, want %d", tt.seed, i, got, want)
			}
		}
	}
}

func TestCopiedRandDrawsTheSameNumbers(t *testing.T) {
	a := NewRand(7)
	a.Uint64()
	b := a
	for range 10 {
		if x, y := a.Uint64(), b.Uint64(); x != y {
			t.Fatalf("%d and %d", x, y)
		}
	}
}

func TestIntNStaysBelowN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRand(rapid.Uint64().Draw(t, "seed"))
		n := rapid.IntRange(1, math.MaxInt).Draw(t, "n")
		for range 20 {
			if x := r.IntN(n); x < 0 || x >= n {
				t.Fatalf("IntN(%d) is %d", n, x)
			}
		}
	})
}

func TestIntNIsFair(t *testing.T) {
	const n, draws = 6, 60000
	var count [n]int
	r := NewRand(1)
	for range draws {
		count[r.IntN(n)]++
	}
	for face, c := range count {
		if c < draws/n*97/100 || c > draws/n*103/100 {
			t.Errorf("%d came %d times in %d draws", face, c, draws)
		}
	}
}

func TestIntNOfNothingPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("IntN(0) returned")
		}
	}()
	var r Rand
	r.IntN(0)
}

func TestSkipIsDrawing(t *testing.T) {
	a := NewRand(7)
	b := a.Skip(3)
	for range 3 {
		a.Uint64()
	}
	if x, y := a.Uint64(), b.Uint64(); x != y {
		t.Errorf("%d and %d", x, y)
	}
}

// TestExpIsTheLogarithm holds Exp against the float version, which is right to 15
// digits, and to numbers that must be the same on every processor.
func TestExpIsTheLogarithm(t *testing.T) {
	r := NewRand(1)
	for i := range 100_000 {
		u := NewRand(1).Skip(uint64(i))
		want := -math.Log(float64(u.Uint64()|1)/(1<<64)) * (1 << 32)
		if got := float64(r.Exp()); math.Abs(got-want) > 2 {
			t.Fatalf("draw %d: %f, want %f", i, got, want)
		}
	}
	r = NewRand(1234567)
	for i, want := range []uint64{4507975716, 7519403238, 2708931205, 5971171185} {
		if got := r.Exp(); got != want {
			t.Errorf("number %d: %d, want %d", i, got, want)
		}
	}
}

// TestExpHasMeanAndVarianceOne: as the exponential distribution does; a million
// draws are off by less than four deviations of the estimate.
func TestExpHasMeanAndVarianceOne(t *testing.T) {
	const n = 1_000_000
	r := NewRand(1)
	sum, squares := 0.0, 0.0
	for range n {
		x := float64(r.Exp()) / (1 << 32)
		sum += x
		squares += x * x
	}
	mean := sum / n
	if variance := squares/n - mean*mean; math.Abs(mean-1) > 0.004 || math.Abs(variance-1) > 0.012 {
		t.Errorf("mean %f, variance %f", mean, variance)
	}
}
