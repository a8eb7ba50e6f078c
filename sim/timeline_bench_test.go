package sim

import (
	"math"
	"slices"
	"testing"
	"time"
)

const million = 1_000_000

// benchToy has about the state of the full model, 35 KB.
func benchToy(steps int) *toy { return newToy(1, steps, 8, 4096) }

func BenchmarkTimelineRun(b *testing.B) {
	var bytes, records int
	b.ReportAllocs()
	for b.Loop() {
		tl := NewTimeline(benchToy(million), emptyToy, Options{})
		tl.Run(math.MaxInt32)
		records += int(tl.Len())
		bytes += tl.snaps.held + 56*chunkLen*len(tl.log.chunks)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
	b.ReportMetric(float64(bytes)/float64(records), "B/record")
}

// The machine alone: what BenchmarkTimelineRun adds to it is log and snapshots.
func BenchmarkMachineRun(b *testing.B) {
	records := 0
	var r Record
	for b.Loop() {
		for m := benchToy(million); m.Step(&r); {
			records++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}

func BenchmarkCopy(b *testing.B) {
	m, dst := benchToy(million), emptyToy()
	b.SetBytes(int64(m.Size()))
	for b.Loop() {
		dst.CopyFrom(m)
	}
}

func BenchmarkSeek(b *testing.B) {
	tl := millionRecords()
	rand := NewRand(2)
	var took percentiles
	for b.Loop() {
		to := Seq(rand.IntN(million))
		took.time(func() { tl.Seek(to) })
	}
	took.report(b)
}

// Step back right after a seek, and again and again from one place.
func BenchmarkStepBack(b *testing.B) {
	tl := millionRecords()
	rand := NewRand(2)
	for _, bb := range []struct {
		name  string
		steps int
	}{{"afterSeek", 1}, {"inARow", 10_000}} {
		b.Run(bb.name, func(b *testing.B) {
			var took percentiles
			for i := 0; b.Loop(); i++ {
				if i%bb.steps == 0 {
					tl.Seek(Seq(bb.steps + rand.IntN(million-bb.steps)))
				}
				took.time(func() { tl.Back() })
			}
			took.report(b)
		})
	}
	b.Run("afterPlay", func(b *testing.B) { // some way forward, a step back
		var took percentiles
		for b.Loop() {
			tl.Seek(Seq(rand.IntN(million / 2)))
			for range rand.IntN(20_000) {
				tl.Forward()
			}
			took.time(func() { tl.Back() })
		}
		took.report(b)
	})
}

func millionRecords() *Timeline[*toy] {
	tl := NewTimeline(benchToy(million), emptyToy, Options{})
	tl.Run(math.MaxInt32)
	return tl
}

// percentiles collects how long single operations took.
type percentiles []time.Duration

func (p *percentiles) time(op func()) {
	start := time.Now()
	op()
	*p = append(*p, time.Since(start))
}

func (p percentiles) report(b *testing.B) {
	slices.Sort(p)
	b.ReportMetric(float64(p[len(p)/2].Nanoseconds())/1e3, "p50-us")
	b.ReportMetric(float64(p[len(p)*99/100].Nanoseconds())/1e3, "p99-us")
	b.ReportMetric(float64(p[len(p)-1].Nanoseconds())/1e3, "max-us")
}
