//go:build !linux

package live

import (
	"context"
	"errors"
	"testing"

	"ringside/kernel"
)

func TestOffLinuxTheLaneSaysWhyItIsAbsent(t *testing.T) {
	if _, err := Run(context.Background(), &kernel.Config{}, Options{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
