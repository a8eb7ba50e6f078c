package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"ringside/kernel"
	"ringside/sim"
)

// TestLoads: when the packets of a load are sent, and what is wrong with one.
func TestLoads(t *testing.T) {
	for _, c := range []struct{ entry, want string }{
		{`{at: 1ms, flow: f, generate: constant, rate: 4000/s, count: 3}`, "3: 1ms 1.25ms 1.5ms"},
		{`{at: 1ms, flow: f, generate: constant, rate: 300000, for: 10us}`, "3: 1ms 1.003333ms 1.006666ms"},
		{`{at: 1ms, flow: f, generate: burst, rate: 2000/s, burst: 2, count: 5}`, "5: 1ms 1.000672ms 2ms 2.000672ms 3ms"},
		{`{at: 1ms, flow: f, generate: burst, rate: 64000/s, for: 1ms, size: 1518}`, "want more"},
		{`{at: 1ms, flow: f, generate: constant, count: 3}`, "wire[0]: a load needs a rate, such as 200000/s"},
		{`{at: 1ms, flow: f, generate: constant, rate: 1/s}`, "a load has either a count or a time, for:"},
		{`{at: 1ms, flow: f, generate: constant, rate: 1/s, count: 1, for: 1s}`, "a load has either a count or a time, for:"},
		{`{at: 1ms, flow: f, generate: constnt, rate: 1/s, count: 1}`, `unknown value "constnt"; did you mean "constant"?`},
		{`{at: 1ms, flow: f, generate: constant, rate: 0/s, count: 1}`, `"0/s" is not a rate from 1/s`},
		{`{at: 1ms, flow: f, generate: constant, rate: 5/ms, count: 1}`, `"5/ms" is not a rate from 1/s`},
		{`{at: 1ms, flow: f, generate: constant, rate: 1/s, count: 1, size: 63}`, "wire[0].size: 63 is not between 64 and 1518"},
		{`{at: 1ms, flow: f, generate: constant, rate: 1/s, count: 1, burst: 2}`, "wire[0].burst: only of generate: burst"},
		{`{at: 1ms, flow: f, generate: constant, rate: 1/s, count: 1, data: x}`, "wire[0].data: not with generate, which knows at, flow"},
		{`{at: 1ms, flow: f, generate: constant, rate: 1000000000/s, for: 100s}`, "wire[0].for: more than 0s, and for less than 500000000 packets"},
		{`{at: 1ms, flow: f, data: x, rate: 1/s}`, "wire[0].rate: not with single packets"},
		{`{at: 1ms, data: x}`, `the key "wire[0].flow" is missing`},
	} {
		s, err := Parse("f.yaml", []byte(head+threads+flows+"wire: ["+c.entry+"]\n"))
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case c.want == "want more": // 64 packets in bursts of 32, each frame 12.304 us after the one before
			got = "want more"
			if n := strings.Count(arrivals(t, s), "ms"); n != 64 {
				got = fmt.Sprint(n)
			}
		default:
			got = arrivals(t, s)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s:\n got  %s\n want %s", c.entry, got, c.want)
		}
	}
	_, err := Parse("f.yaml", []byte(head+threads+tcp+"wire: [{at: 1ms, flow: t, generate: poisson, rate: 1/s, count: 1}]\n"))
	if err == nil || !strings.Contains(err.Error(), "a load is of UDP packets") {
		t.Error(err)
	}
}

// TestLoadsAreBounded: the frames of a file's loads have a limit together.
func TestLoadsAreBounded(t *testing.T) {
	entry := "  - {at: 1ms, flow: f, generate: constant, rate: 1/s, count: 10000, size: 1518}\n"
	if _, err := Parse("f.yaml", []byte(head+threads+flows+"wire:\n"+strings.Repeat(entry, 4))); err != nil {
		t.Error(err)
	}
	_, err := Parse("f.yaml", []byte(head+threads+flows+"wire:\n"+strings.Repeat(entry, 5)))
	if err == nil || !strings.Contains(err.Error(), "take more than 64 MiB") {
		t.Error(err)
	}
}

// TestALoadDependsOnTheSeedAlone: a Poisson load is the same in every run and on
// every machine that it meets, and another one with another seed.
func TestALoadDependsOnTheSeedAlone(t *testing.T) {
	sent := func(more string) (times []sim.Time) {
		s, err := Parse("f.yaml", []byte(head+threads+flows+more+"wire: [{at: 1ms, flow: f, generate: poisson, rate: 100000/s, count: 50}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		cfg, _ := s.Config()
		m, err := kernel.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var r sim.Record
		for m.Step(&r) {
			if r.Station == kernel.StWire {
				times = append(times, r.T)
			}
		}
		return times
	}
	a := fmt.Sprint(sent(""))
	if b := fmt.Sprint(sent("machine: {nic: {ring: 8, rx_usecs: 50us}, cpus: 2}\n")); a != b {
		t.Errorf("another machine gets another load:\n%s\n%s", a, b)
	}
	if b := fmt.Sprint(sent("seed: 2\n")); a == b {
		t.Error("another seed gives the same load")
	}
}
