package scenarios

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a file plays is found in it and in its variants, each once, even where the
// file is wrong; what lies outside its folder is not read and not followed.
func TestWhatAFilePlaysIsFoundInIt(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"wire:\n  - {pcap: a.pcap}\n  - {pcap: sub/b.pcap, at: 1us}\nvariants:\n  - set: {wire: [{pcap: c.pcap}, {pcap: a.pcap}]}\n", []string{"a.pcap", "sub/b.pcap", "c.pcap"}},
		{"wire: [{pcap: 7, pcaps: x}, {pcap: /etc/passwd}, {pcap: ../up.pcap}, {pcap: [a.pcap]}]\nnonsense: true\n", nil},
		{"wire: [{pcap: \"a b.pcap\"}\n", nil},
		{"title: no wire\n", nil},
		{"", nil},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "x.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, w := range c.want {
			want = append(want, filepath.Join(dir, w))
		}
		if d := cmp.Diff(want, []string(Plays(file))); d != "" {
			t.Errorf("%q, want -, got +:\n%s", c.text, d)
		}
	}
	if got := Plays("no-such-file.yaml"); got != nil {
		t.Errorf("of no file: %v", got)
	}
}
