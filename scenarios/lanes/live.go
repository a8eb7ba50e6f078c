package lanes

import (
	"context"

	"ringside/kernel"
	"ringside/kernel/live"
)

// Live runs a scenario's programs on the real kernel.
func Live(ctx context.Context, cfg *kernel.Config) (*Lane, error) {
	res, err := live.Run(ctx, cfg, live.Options{})
	if err != nil {
		return nil, err
	}
	lane := newLane()
	for _, l := range append(res.Lines, res.Unfinished...) {
		name := kernel.Printable(cfg.Threads[l.Thread].Name)
		if l.Asleep {
			lane.sleeps(l.At, name, l.Text)
		} else {
			lane.add(l.At, name, l.Text)
		}
	}
	return lane, nil
}
