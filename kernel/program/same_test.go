package program

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// twin writes the same program in two ways.
type twin struct {
	*rapid.T
	names int
}

func (g *twin) pick(from ...string) string { return rapid.SampledFrom(from).Draw(g.T, "pick") }

func (g *twin) name() string {
	g.names++
	return fmt.Sprintf("t%d", g.names)
}

// place is something that can be assigned to.
func (g *twin) place() string {
	return g.pick("a", "b", "c", "ep", "arr[1]", "arr[a&3]", "m[2]", "m[ep&3]")
}

// expr gives an expression, and the same value taken apart: a name, and the
// statements that compute it from left to right.
func (g *twin) expr(depth int) (whole, parts, name string) {
	t := g.name()
	if depth == 0 || g.pick("leaf", "node", "node") == "leaf" {
		leaf := g.pick("a", "b", "ep", "errno", "arr[b&3]", "m[a&3]", "arr[ep&3]", "-3", "7", "len(m)")
		return leaf, t + " := " + leaf + "\n", t
	}
	x, px, nx := g.expr(depth - 1)
	if op := g.pick("", "-", "^", "tick", "arr", "m"); op != "" {
		shape := map[string]string{"-": "-(%s)", "^": "^(%s)", "tick": "tick(%s)", "arr": "arr[(%s)&3]", "m": "m[%s]"}[op]
		return fmt.Sprintf(shape, x), px + t + " := " + fmt.Sprintf(shape, nx) + "\n", t
	}
	y, py, ny := g.expr(depth - 1)
	shape := g.pick("%s + %s", "%s - %s", "%s * %s", "%s / (%s | 1)", "%s %% (%s | 1)", "%s & %s", "%s | %s", "%s ^ %s", "%s &^ %s", "%s << (%s & 15)", "%s >> (%s & 15)", "two(%s, %s)")
	return fmt.Sprintf(shape, "("+x+")", "("+y+")"), px + py + t + " := " + fmt.Sprintf(shape, nx, ny) + "\n", t
}

// cond gives a condition, and statements that compute it without && and ||.
func (g *twin) cond(depth int) (whole, parts, name string) {
	t := g.name()
	if depth == 0 || g.pick("leaf", "node") == "leaf" {
		x, px, nx := g.expr(1)
		y, py, ny := g.expr(1)
		op := g.pick("==", "!=", "<", "<=", ">", ">=")
		return fmt.Sprintf("(%s) %s (%s)", x, op, y), px + py + fmt.Sprintf("%s := %s %s %s\n", t, nx, op, ny), t
	}
	x, px, nx := g.cond(depth - 1)
	y, py, ny := g.cond(depth - 1)
	op, test := "&&", nx
	if g.pick("and", "or") == "or" {
		op, test = "||", "!"+nx
	}
	return fmt.Sprintf("(%s) %s (%s)", x, op, y), px + fmt.Sprintf("%s := %s\nif %s {\n%s%s = %s\n}\n", t, nx, test, py, t, ny), t
}

// stmt gives a statement in two ways.
func (g *twin) stmt(depth int) (one, other string) {
	x, px, nx := g.expr(2)
	p := g.place()
	kind := g.pick("=", "op=", "++", "swap", "copy", "if", "for", "switch", "while", "block")
	if depth == 0 {
		kind = g.pick("=", "op=", "++", "swap", "copy")
	}
	switch kind {
	case "=":
		return p + " = 1 + (" + x + ")\n", "{\nat := " + index(p) + "\n" + px + at(p) + " = 1 + " + nx + "\n}\n"
	case "op=":
		op := g.pick("+", "-", "*", "&", "|", "^", "&^")
		return p + " " + op + "= " + x + "\n", "{\nat := " + index(p) + "\nold := " + at(p) + "\n" + px + at(p) + " = old " + op + " " + nx + "\n}\n"
	case "++":
		op := g.pick("+", "-")
		return p + op + op + "\n", p + " = " + p + " " + op + " 1\n"
	case "swap":
		q := g.place()
		return p + ", " + q + " = " + q + ", " + p + "\n", "{\nat := " + index(p) + "\nat2 := " + index(q) + "\nold, old2 := " + at(p) + ", " + strings.Replace(at(q), "[at]", "[at2]", 1) +
			"\n" + at(p) + " = old2\n" + strings.Replace(at(q), "[at]", "[at2]", 1) + " = old\n}\n"
	case "copy":
		return "{\nold := arr\narr[0]++\nb += old[0]\narr = old\n}\n", "{\nold := arr[0]\narr[0]++\nb += old\narr[0] = old\n}\n"
	}
	s, s2 := g.stmt(depth - 1)
	switch cond, pc, nc := g.cond(2); kind {
	case "if":
		e, e2 := g.stmt(depth - 1)
		return "if " + cond + " {\n" + s + "} else {\n" + e + "}\n", "{\n" + pc + "switch " + nc + " {\ncase true:\n" + s2 + "default:\n" + e2 + "}\n}\n"
	case "for":
		i := g.name()
		return "for " + i + " := range 3 {\n" + s + "b += " + i + "\n}\n", "for " + i + " := 0; " + i + " < 3; " + i + "++ {\n" + s2 + "b += " + i + "\n}\n"
	case "switch":
		y, py, ny := g.expr(1)
		return "switch " + x + " {\ncase 1, " + y + ":\n" + s + "}\n",
			"{\n" + px + "hit := " + nx + " == 1\nif !hit {\n" + py + "hit = " + nx + " == " + ny + "\n}\nif hit {\n" + s2 + "}\n}\n"
	case "while":
		i := g.name()
		return i + " := 0\nfor " + i + " < 3 && (" + cond + ") {\n" + s + i + "++\n}\n",
			"for " + i + " := 0; ; " + i + "++ {\nif " + i + " >= 3 {\nbreak\n}\n" + pc + "if !" + nc + " {\nbreak\n}\n" + s2 + "}\n"
	}
	return s, "for {\n" + s2 + "break\n}\n"
}

// index is what is between the brackets of a place.
func index(place string) string {
	_, i, ok := strings.Cut(strings.TrimSuffix(place, "]"), "[")
	if !ok {
		return "0"
	}
	return i
}

// at is a place with its index in the variable at.
func at(place string) string {
	if array, _, ok := strings.Cut(place, "["); ok {
		return array + "[at]"
	}
	return place
}

const around = `func tick(x int) int { ep = ep*3 + x
return ep + stop }
func two(x int, y int) int { stop ^= x
return x - tick(y) }
func main() {
a, b, c := 1, 2, 3
var arr [4]byte
arr[2] = 200
m := map[int]int{}
m[1] = 5
%sprint("")
exit(a)
exit(b)
exit(c)
exit(ep)
exit(stop)
for _, v := range arr { exit(v) }
for k, v := range m { exit(k)
exit(v) }
}`

// TestTwoWaysToWriteAProgramDoTheSame: op= and its long form, nested expressions
// and one operation a statement, && and if, range and counting, switch and if.
func TestTwoWaysToWriteAProgramDoTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &twin{T: t}
		var one, other strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "statements") {
			a, b := g.stmt(2)
			one.WriteString(a)
			other.WriteString(b)
		}
		var logs [2][]string
		for i, body := range []string{one.String(), other.String()} {
			src := fmt.Sprintf(around, body)
			p, err := Compile(src, Env{Shared: []string{"ep", "stop"}})
			if err != nil {
				t.Fatalf("%v in\n%s", err, src)
			}
			r := &runner{p: p, shared: make([]int64, 2)}
			if fault := r.run(1_000_000); fault != "" {
				t.Fatalf("%s in\n%s", fault, src)
			}
			logs[i] = r.log
		}
		if d := cmp.Diff(logs[0], logs[1]); d != "" {
			t.Fatalf("%s\nof\n%s\nand\n%s", d, one.String(), other.String())
		}
	})
}
