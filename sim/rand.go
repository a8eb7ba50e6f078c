package sim

import "math/bits"

// Rand is a seeded source of pseudo-random numbers: one word of plain data, part
// of the machine's state like everything else that changes, so that a rewound
// machine draws the same numbers again. Seeds that differ give streams that
// differ; the zero value is the stream of seed 0.
//
// The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom
// Number Generators, OOPSLA 2014). It is written here because a trace must stay
// the same to the byte in every version of Go.
type Rand struct {
	state uint64
}

// NewRand returns the stream of a seed.
func NewRand(seed uint64) Rand { return Rand{state: seed} }

// Uint64 draws 64 random bits.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, made odd
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IntN draws a number from 0 to n-1, each as likely as the others. It panics if
// n is not positive.
//
// The number is the upper half of a 128-bit product; the few draws for which
// some numbers would have one chance more are repeated (Lemire: Fast Random
// Integer Generation in an Interval, ACM TOMACS 2019).
func (r *Rand) IntN(n int) int {
	if n <= 0 {
		panic("sim: IntN of a number that is not positive")
	}
	hi, lo := bits.Mul64(r.Uint64(), uint64(n))
	if lo < uint64(n) {
		for unfair := -uint64(n) % uint64(n); lo < unfair; {
			hi, lo = bits.Mul64(r.Uint64(), uint64(n))
		}
	}
	return int(hi)
}
