package scenarios

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"ringside/kernel"
	"ringside/sim"
)

// The wire section: single packets, loads, capture files.

// maxFrames is how many bytes of frames a file's loads and capture files may
// take together.
const maxFrames = 64 << 20

func (d *decoder) wire(f *file, cfg *kernel.Config) {
	d.frames = 0
	last, connected := Duration(0), map[[2]netip.AddrPort]bool{}
	for i := range f.Wire {
		p := &f.Wire[i]
		base := fmt.Sprintf("wire[%d]", i)
		if p.At < last {
			d.failAt(base+".at", "%s is earlier than the entry before it", sim.Time(p.At))
		}
		last = p.At
		out := kernel.Packets{At: sim.Time(p.At), Count: 1, Flow: p.Flow}
		if d.has(base + ".pcap") {
			d.capture(base, p, &out)
		} else {
			d.ofFlow(base, f, p, &out, connected)
		}
		cfg.Wire = append(cfg.Wire, out)
	}
}

// has tells whether the file has a value at a path.
func (d *decoder) has(path string) bool { return d.at[path] != nil }

// only fails if an entry has keys that its kind does not know.
func (d *decoder) only(base, kind string, keys ...string) {
	t := reflect.TypeFor[packet]()
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("yaml")
		if d.has(base+"."+key) && !slices.Contains(keys, key) {
			d.failAt(base+"."+key, "%s.%s: not with %s, which knows %s", base, key, kind, strings.Join(keys, ", "))
		}
	}
}

// ofFlow reads an entry that belongs to a flow: packets or a load.
func (d *decoder) ofFlow(base string, f *file, p *packet, out *kernel.Packets, connected map[[2]netip.AddrPort]bool) {
	if !d.has(base + ".flow") {
		d.failAt(base, "the key %q is missing", base+".flow")
	}
	fl, ok := f.Flows[p.Flow]
	if !ok {
		d.failAt(base+".flow", "unknown flow %q%s", p.Flow, hint(p.Flow, sortedKeys(f.Flows)))
	}
	out.From, out.To = d.flow("flows."+p.Flow, &fl)
	if d.has(base + ".generate") {
		d.load(base, p, &fl, out)
		return
	}
	d.only(base, "single packets", "at", "flow", "data", "fill", "connect", "fin", "rst", "fcs", "csum", "every", "count")
	d.carries(base, p, &fl, out, connected)
	d.onTheWire(base, p, &fl, out)
	if p.Count != nil {
		out.Count = *p.Count
	}
	if p.Every != nil && p.Count == nil || p.Every == nil && out.Count > 1 {
		d.failAt(base, "%s: every and count belong together", base)
	}
	if p.Every != nil {
		out.Every = sim.Time(*p.Every)
	}
}

// paces are the kinds of load.
var paces = map[string]kernel.Pace{"constant": kernel.PaceConstant, "poisson": kernel.PacePoisson, "burst": kernel.PaceBurst}

// load reads a generated load.
func (d *decoder) load(base string, p *packet, fl *flow, out *kernel.Packets) {
	pace := paces[p.Generate]
	d.only(base, "generate", "at", "flow", "generate", "rate", "count", "for", "size", "burst")
	switch {
	case fl.Proto == "tcp":
		d.failAt(base, "%s: a load is of UDP packets; a TCP flow sends when it may", base)
	case p.Rate == 0:
		d.failAt(base, "%s: a load needs a rate, such as 200000/s", base)
	case (p.Count == nil) == (p.For == nil):
		d.failAt(base, "%s: a load has either a count or a time, for:", base)
	case p.Burst != nil && pace != kernel.PaceBurst:
		d.failAt(base+".burst", "%s.burst: only of generate: burst", base)
	}
	out.Proto, out.Pace, out.Rate, out.Size, out.Burst = fl.Proto, pace, int64(p.Rate), kernel.MinFrame, 32
	if p.Size != nil {
		out.Size = *p.Size
	}
	if p.Burst != nil {
		out.Burst = int32(*p.Burst)
	}
	out.Count = maxCount
	if p.Count != nil {
		out.Count = *p.Count
	} else {
		out.For = sim.Time(*p.For)
		if out.For <= 0 || float64(out.For)*float64(out.Rate) > maxCount/2*float64(sim.Second) {
			d.failAt(base+".for", "%s.for: more than 0s, and for less than %d packets", base, maxCount/2)
		}
	}
	d.takes(base, out.Generated())
}

// takes counts the memory of an entry's frames.
func (d *decoder) takes(path string, bytes int) {
	if d.frames += bytes; d.frames > maxFrames {
		d.failAt(path, "%s: the frames of all loads and capture files take more than %d MiB", path, maxFrames>>20)
	}
}
