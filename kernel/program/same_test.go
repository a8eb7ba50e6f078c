package program

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestExpressionsAreGos: what is computed here is what Go computes.
func TestExpressionsAreGos(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		sh := rapid.Int64Range(0, 70).Draw(t, "shift")
		want := map[string]int64{"a+b": a + b, "a-b": a - b, "a*b": a * b, "a&b": a & b, "a|b": a | b, "a^b": a ^ b, "a&^b": a &^ b,
			"-a": -a, "^a": ^a, "a<<c": a << uint64(sh), "a>>c": a >> uint64(sh), "a+b*c": a + b*sh, "(a+b)*c": (a + b) * sh}
		if b != 0 && !(a == math.MinInt64 && b == -1) {
			want["a/b"], want["a%b"] = a/b, a%b
		}
		for src, w := range want {
			p, err := Compile("ep = "+src, Env{Shared: []string{"ep", "a", "b", "c"}})
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{p: p, shared: []int64{0, a, b, sh}}
			r.run(10)
			if r.shared[0] != w {
				t.Fatalf("%s with a=%d b=%d c=%d: %d, want %d", src, a, b, sh, r.shared[0], w)
			}
		}
	})
}
