package scenarios

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ringside/sim"
)

// Duration is a span of model time in a file: a number with its unit.
type Duration sim.Time

// Size is a number of bytes in a file, with its unit.
type Size int64

// Rate is a number of packets a second in a file, such as 200000/s or 200000.
type Rate int64

// Speed is a factor in a file, such as 10 or 0.5.
type Speed float64

// Program is a thread program in a file.
type Program string

// scalar is a value that is read from a text with rules of its own.
type scalar interface{ parse(string) error }

type unit struct {
	name string
	n    float64
}

var timeUnits = []unit{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}}
var sizeUnits = []unit{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}

// measure reads a number with a unit.
func measure(s string, units []unit, what, example string) (int64, error) {
	i := len(s)
	for i > 0 && (s[i-1] < '0' || s[i-1] > '9') && s[i-1] != '.' {
		i--
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	if err != nil || n < 0 || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is not %s: write it like %s", s, what, example)
	}
	name := strings.TrimSpace(s[i:])
	for _, u := range units {
		if u.name != name {
			continue
		}
		v := n * u.n
		if v > 1<<53 {
			return 0, fmt.Errorf("%q is too much", s)
		}
		return int64(math.Round(v)), nil
	}
	var names []string
	for _, u := range units {
		names = append(names, u.name)
	}
	if name == "" {
		return 0, fmt.Errorf("%q has no unit: write it like %s", s, example)
	}
	return 0, fmt.Errorf("%q has an unknown unit: one of %s", s, strings.Join(names, ", "))
}

// ParseDuration reads a span of model time, such as 10us or 1.5ms.
func ParseDuration(s string) (sim.Time, error) {
	n, err := measure(s, timeUnits, "a time", "10us or 1.5ms")
	return sim.Time(n), err
}

func (d *Duration) parse(s string) error {
	t, err := ParseDuration(s)
	*d = Duration(t)
	return err
}

func (z *Size) parse(s string) error {
	n, err := measure(s, sizeUnits, "a size", "64KiB or 512B")
	*z = Size(n)
	return err
}

func (r *Rate) parse(s string) error {
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(s, "/s")), 10, 64)
	if err != nil || n < 1 || n > maxRate {
		return fmt.Errorf("%q is not a rate from 1/s to %d/s: write it like 200000/s", s, int64(maxRate))
	}
	*r = Rate(n)
	return nil
}

func (f *Speed) parse(s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0.001 && n <= 1e6) {
		return fmt.Errorf("%q is not a factor from 0.001 to 1000000: write it like 10 or 0.5", s)
	}
	*f = Speed(n)
	return nil
}

func (p *Program) parse(s string) error {
	*p = Program(s)
	return nil
}
