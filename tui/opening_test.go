package tui

import (
	"testing"

	"ringside/scenarios"
)

// On 80x24 the start page has four rows of 76 columns for what a scenario teaches
// and the misconception, and the list two rows of 78 for what it teaches.
func TestWhatScenariosTeachFitsOn80x24(t *testing.T) {
	for _, name := range scenarios.Builtin() {
		t.Run(name, func(t *testing.T) {
			sc, err := scenarios.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			doc := Doc{Teaches: sc.Teaches, Misconception: sc.Misconception}
			if n := rowsFor(doc.opening(), 76); n > 4 {
				t.Errorf("the start page needs %d rows:\n%s", n, doc.opening())
			}
			if n := rowsFor(sc.Teaches, 78); n > 2 {
				t.Errorf("the list needs %d rows:\n%s", n, sc.Teaches)
			}
		})
	}
}
