package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ringside/kernel"
	"ringside/kernel/live"
	"ringside/scenarios"
	"ringside/scenarios/lanes"
	"ringside/sim"
	"ringside/tui"
)

// docOptions are how scenarios are prepared for the screen.
type docOptions struct {
	trace bool   // the kernel's tracepoints are read
	lang  string // of texts that have several
}

// openDoc prepares a scenario for the screen.
func openDoc(name string, o docOptions) (*tui.Doc, error) {
	sc, err := scenarios.Open(name)
	if err != nil {
		return nil, err
	}
	return newDoc(name, sc, o)
}

// openWith prepares what an open scenario is compared with: one of its variants,
// or another scenario.
func openWith(name, with string, o docOptions) (*tui.Doc, error) {
	sc, err := scenarios.Open(name)
	if err != nil {
		return nil, err
	}
	if sc, err = sc.With(with); err != nil {
		return nil, err
	}
	return newDoc(sc.Name, sc, o)
}

// newDoc prepares a scenario that has been read.
func newDoc(name string, sc *scenarios.Scenario, o docOptions) (*tui.Doc, error) {
	cfg, err := sc.Config()
	if err != nil {
		return nil, err
	}
	m, err := kernel.New(cfg)
	if err != nil {
		return nil, err
	}
	doc := &tui.Doc{
		Name: name, Label: sc.Label(o.lang), Title: sc.Title, Teaches: sc.Teaches, Misconception: sc.Misconception, Guide: sc.Guide(),
		File: sc.Own(), Copy: func(to string) error { return copyScenario(sc, to) },
		Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}),
	}
	if v := sc.Values(); v != "" {
		doc.Teaches = fmt.Sprintf("Instance %s: %s. %s", name, v, sc.Teaches)
	}
	for _, v := range sc.Variants() {
		doc.Variants = append(doc.Variants, tui.Item{Name: v.Variant, Title: v.Label(o.lang), Teaches: v.Teaches})
	}
	doc.Unordered, doc.UnorderedWhy = sc.Unordered()
	if doc.LiveWhy = sc.LiveWhy(); doc.LiveWhy == "" {
		doc.Live = func(ctx context.Context) (*tui.LiveRun, error) { return liveRun(ctx, cfg, o.trace) }
	}
	return doc, nil
}

// copyScenario writes a scenario to a new file, and beside it what it plays.
func copyScenario(sc *scenarios.Scenario, to string) error {
	if err := writeNew(to, toOwn(sc)); err != nil {
		return err
	}
	for _, name := range sc.Attachments() {
		data, _ := scenarios.Attached(name)
		if err := writeNew(filepath.Join(filepath.Dir(to), name), data); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// writeNew writes a file that must not exist yet.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err // it names the file
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// liveRun runs a scenario on the real kernel for the screen's lane.
func liveRun(ctx context.Context, cfg *kernel.Config, trace bool) (*tui.LiveRun, error) {
	res, err := live.Run(ctx, cfg, live.Options{Trace: trace})
	if err != nil {
		return nil, err
	}
	out := &tui.LiveRun{Calls: lanes.RealCalls(cfg, res), Wchan: lanes.RealWchan(res), Interest: res.Interest}
	for _, t := range res.Threads {
		out.Threads = append(out.Threads, tui.LiveThread{Name: t.Name, State: t.State, Wchan: t.Wchan, Voluntary: t.Voluntary, Involuntary: t.Involuntary})
	}
	switch {
	case res.NoTrace != nil:
		out.NoTrace = res.NoTrace.Error()
	case trace:
		out.Points = lanes.RealPointsOf(res)
	}
	return out, nil
}
