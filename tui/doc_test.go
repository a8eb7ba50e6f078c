package tui

import (
	"context"
	"errors"
	"strings"

	"ringside/kernel"
	"ringside/scenarios"
	"ringside/sim"
)

// wholeDoc is a document with everything that the program gives it but the real
// kernel, whose part is played by a function that is never called.
func wholeDoc(name, with string) (*Doc, error) {
	sc, err := scenarios.Open(name)
	if err == nil && with != "" {
		sc, err = sc.With(with)
	}
	if err != nil {
		return nil, err
	}
	m, err := sc.NewMachine()
	if err != nil {
		return nil, err
	}
	doc := &Doc{
		Name: name, Label: sc.Label("en"), Title: sc.Title, Teaches: sc.Teaches, Misconception: sc.Misconception, Guide: sc.Guide(),
		File: strings.Contains(name, "/"), Copy: func(string) error { return errors.New("not here") },
		Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}),
	}
	for _, v := range sc.Variants() {
		doc.Variants = append(doc.Variants, Item{Name: v.Variant, Title: v.Label("en")})
	}
	doc.Unordered, doc.UnorderedWhy = sc.Unordered()
	if doc.LiveWhy = sc.LiveWhy(); doc.LiveWhy == "" {
		doc.Live = func(context.Context) (*LiveRun, error) { return nil, errors.New("not run here") }
	}
	return doc, nil
}
