package conformance

import (
	"testing"

	"ringside/scenarios/lanes"
)

func TestModelConforms(t *testing.T) {
	for _, c := range mustCases(t) {
		t.Run(c.ID, func(t *testing.T) {
			cfg, err := c.Config()
			if err != nil {
				t.Fatal(err)
			}
			l, _, err := lanes.Model(cfg, lanes.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, &c, l)
		})
	}
}
