package sim

import (
	"fmt"
	"math"
)

// Time is a point or a span of model time, in nanoseconds. It never has to do
// with the wall clock.
type Time int64

// Units of model time.
const (
	Nanosecond  Time = 1
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
)

// Never is later than every event.
const Never Time = math.MaxInt64

// String gives the time in the largest unit that keeps it above one: 60ns,
// 3.412us, 1.5ms.
func (t Time) String() string {
	switch {
	case t == Never:
		return "never"
	case t > -Microsecond && t < Microsecond:
		return fmt.Sprintf("%dns", int64(t))
	case t > -Millisecond && t < Millisecond:
		return fmt.Sprintf("%gus", float64(t)/1e3)
	case t > -Second && t < Second:
		return fmt.Sprintf("%gms", float64(t)/1e6)
	}
	return fmt.Sprintf("%gs", float64(t)/1e9)
}
