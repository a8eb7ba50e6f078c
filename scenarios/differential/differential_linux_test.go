package differential

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestMain(m *testing.M) {
	Flags()
	os.Exit(m.Run())
}

// A generated scenario goes one way only: the real kernel, asked twice, answers
// the same. A quarter as many are enough for that.
func TestScenariosAreDetermined(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	n := checks.Value.String()
	defer func() { must(checks.Value.Set(n)) }()
	all, err := strconv.Atoi(n)
	must(err)
	must(checks.Value.Set(strconv.Itoa(max(all/4, 1))))
	Search(t, RealDiffers, func(yaml, report string) { t.Logf("%s\n%s", report, yaml) })
}

// What was once different is the same now.
func TestFinds(t *testing.T) {
	files, err := filepath.Glob("testdata/finds/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			diff, err := ModelDiffers(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff != "" {
				t.Error(diff)
			}
		})
	}
}
