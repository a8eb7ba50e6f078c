package conformance

import (
	"context"
	"testing"
	"time"

	"ringside/scenarios/lanes"
)

// The kernel that the cases were observed on is the judge of the translation.
func TestRealKernelConforms(t *testing.T) {
	for _, c := range mustCases(t) {
		t.Run(c.ID, func(t *testing.T) {
			cfg, err := c.Config()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			l, err := lanes.Live(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			check(t, &c, l)
		})
	}
}
