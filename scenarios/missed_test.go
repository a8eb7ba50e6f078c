package scenarios

import (
	"strings"
	"testing"
)

// What a file says of a record that does not come, its author has to hear of.
func TestNotesThatStandNowhereAreTold(t *testing.T) {
	const head = "ringside: 1\ntitle: t\nthreads:\n  - name: a\n    program: |\n      getpid()\n      getpid()\n"
	for _, c := range []struct{ at, want string }{
		{"{fn: __x64_sys_getpid}", ""},
		{"{fn: __x64_sys_getpid, n: 90}", "f.yaml:8:23: no record of this run is {fn: __x64_sys_getpid, n: 90}; without n there are "},
		{"{fn: __x64_sys_getpid, step: dance}", "its steps: ["},
		{"{fn: ep_poll}", "f.yaml:8:23: no record of this run is {fn: ep_poll}\n"},
	} {
		s, err := Parse("f.yaml", []byte(head+"marks: [{name: x, at: "+c.at+"}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		missed, err := s.Missed()
		if err != nil || len(missed) > 1 || (len(missed) == 0) != (c.want == "") {
			t.Errorf("%s: %v, %v", c.at, missed, err)
			continue
		}
		if c.want != "" && !strings.Contains(missed[0].Error(), c.want) {
			t.Errorf("%s:\n got  %s\n want %s", c.at, missed[0], c.want)
		}
	}
}
