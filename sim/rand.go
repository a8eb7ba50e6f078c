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

// Skip returns the stream as it is after n draws: the n-th number of a stream can
// be had without the ones before it.
func (r Rand) Skip(n uint64) Rand {
	r.state += n * 0x9e3779b97f4a7c15
	return r
}

// Exp draws a number from the exponential distribution with mean 1, as a fixed
// point number with 32 bits behind the point; it is below 45.
//
// It is -ln(u) for a u that is drawn evenly from (0, 1]. The logarithm to base
// 2 is found bit by bit: squaring a number between 1 and 2 doubles its
// logarithm, and whether the square reaches 2 is the next bit (Knuth, The Art of
// Computer Programming, volume 1, section 1.2.2, exercise 25). Only whole numbers
// are used: math.Log may differ in its last bit from one processor to another,
// and a trace must not.
func (r *Rand) Exp() uint64 {
	u := r.Uint64() | 1
	zeros := bits.LeadingZeros64(u)
	x := u << zeros // u is x/2^64 / 2^zeros, with x/2^63 in [1, 2)
	log := uint64(0)
	for range 32 {
		hi, lo := bits.Mul64(x, x)
		log <<= 1
		if hi>>63 != 0 {
			log |= 1
			x = hi
		} else {
			x = hi<<1 | lo>>63
		}
	}
	minus := uint64(zeros+1)<<32 - log // -log2(u), 32 bits behind the point
	const ln2 = 0xb17217f7d1cf79ac     // 64 bits behind the point
	hi, _ := bits.Mul64(minus, ln2)
	return hi
}
