package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"ringside/scenarios/differential"
)

func TestMain(m *testing.M) {
	differential.Flags()
	os.Exit(m.Run())
}

// TestDifferential runs random scenarios on the model and on the real kernel: what
// they do must be the same. What is not is made small and kept as a scenario file,
// which the tests run from then on.
func TestDifferential(t *testing.T) {
	differential.Search(t, differential.ModelDiffers, func(yaml, report string) {
		sum := sha256.Sum256([]byte(yaml))
		file := filepath.Join("scenarios", "differential", "testdata", "finds", fmt.Sprintf("%x.yaml", sum[:4]))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(yaml), 0o644); err != nil {
			t.Error(err)
		}
		t.Logf("kept as %s\n%s\n%s", file, report, yaml)
	})
}
