package scenarios

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	n := 1 << 20
	for _, c := range []struct{ name, src string }{
		{"flowseq100k", strings.Repeat("[", 100000)},
		{"flowseq20k-x", "x-a: " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "\n" + head + threads},
		{"flowmap20k", strings.Repeat("{a: ", 20000)},
		{"dashes", strings.Repeat("- ", 20000) + "a"},
		{"q", strings.Repeat("? ", 20000) + "a"},
		{"anch", strings.Repeat("&a ", 20000) + "a"},
		{"tags", strings.Repeat("!a ", 20000) + "a"},
		{"comments", strings.Repeat("#\n", n/2-5)},
		{"keys", func() string {
			var b strings.Builder
			for i := 0; b.Len() < 900000; i++ {
				fmt.Fprintf(&b, "x-k%d: 1\n", i)
			}
			return b.String()
		}()},
		{"longline", "title: \"" + strings.Repeat("a", n-100) + "\"\n"},
		{"longplain", "title: " + strings.Repeat("a ", n/2-100) + "\n"},
		{"program", head + "threads:\n  - name: a\n    program: |\n" + strings.Repeat("      getpid()\n", 60000)},
		{"parens", head + "threads:\n  - name: a\n    program: |\n      a := " + strings.Repeat("(", 50000) + "\n"},
		{"minus", head + "threads:\n  - name: a\n    program: |\n      a := " + strings.Repeat("-", 500000) + "1\n"},
		{"blocks", head + "threads:\n  - name: a\n    program: |\n      " + strings.Repeat("{", 50000) + "\n"},
		{"plus", head + "threads:\n  - name: a\n    program: |\n      a := 1" + strings.Repeat("+1", 400000) + "\n"},
		{"wire", head + threads + flows + "wire:\n" + strings.Repeat("  - {at: 1us, flow: f, data: x}\n", 10000)},
		{"wire10001", head + threads + flows + "wire:\n" + strings.Repeat("  - {at: 1us, flow: f, data: x}\n", 10001)},
		{"bom", "\ufeff" + head + threads},
		{"crlf", strings.ReplaceAll(head+"threads:\n  - name: a\n    program: |\n      getpid()\n      reed()\n", "\n", "\r\n")},
		{"crlfok", strings.ReplaceAll(head+threads, "\n", "\r\n")},
		{"indent-ind", head + "threads:\n  - name: a\n    program: |2\n        getpid()\n      reed()\n"},
		{"utf", head + "threads:\n  - name: a\n    program: |\n      write(1, \"äöü\"); reed()\n"},
		{"utfkey", head + threads + "expect: {strace: {\"ä\": x}, contrs: 1}\n"},
		{"esc", head + "threads:\n  - name: \"a\\x1b[31m\"\n    program: getpid()\n"},
		{"proc", head + "threads:\n  - name: a\n    process: \"a\\x1b[31m\"\n    program: getpid()\n"},
		{"tab", "ringside: 1\n\ttitle: t\n"},
		{"every", head + threads + flows + "wire: [{at: 1us, flow: f, data: x, every: 100000s, count: 1000000000}]\n"},
		{"sharedbad", head + threads + "shared: [\"a b\", for]\n"},
		{"inv", head + "\xff\n"},
		{"alias", head + "x-a: &a [1]\nsources: *a\n" + threads},
		{"nulls", head + "threads: null\n"},
		{"nullmachine", head + threads + "machine:\nflows: ~\n"},
		{"seed", head + threads + "seed: 99999999999999999999999\n"},
		{"stop0", head + threads + "stop: 0us\n"},
		{"dupx", head + threads + "x-a: 1\nx-a: 1\n"},
		{"unknownvar", head + "threads:\n  - name: a\n    program: |\n      close(q)\n"},
		{"data esc", head + threads + flows + "wire: [{at: 1us, flow: f, data: \"a\\x00\\u00ff\\n\"}]\n"},
	} {
		start := time.Now()
		_, err := Parse("f.yaml", []byte(c.src))
		s := fmt.Sprint(err)
		if len(s) > 400 {
			s = fmt.Sprintf("%s…[%d bytes]", s[:200], len(s))
		}
		t.Logf("%s (%d bytes): %v\n%s", c.name, len(c.src), time.Since(start).Round(time.Millisecond), s)
	}
}
