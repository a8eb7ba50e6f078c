//go:build !linux

package live

import (
	"context"

	"ringside/kernel"
)

// Run needs Linux.
func Run(context.Context, *kernel.Config, Options) (*Result, error) { return nil, ErrUnsupported }

// CloseTraces has nothing to remove.
func CloseTraces() {}
