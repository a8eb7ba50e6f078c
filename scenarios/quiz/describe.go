package quiz

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/kernel/program"
)

// What a sheet says of the scenario, so that it can be worked through on paper: the
// machine, the threads with their programs, what arrives.

func (w *writer) describe(cfg *kernel.Config) {
	w.printf("The machine:\n\n")
	for _, part := range machine(cfg) {
		w.printf("  %s\n", part)
	}
	w.printf("\nThe programs:\n\n")
	for i := range cfg.Threads {
		w.thread(&cfg.Threads[i])
	}
	if len(cfg.Shared) > 0 {
		w.printf("\nVariables that all threads share: %s.\n", kernel.Printable(strings.Join(cfg.Shared, ", ")))
	}
	if len(cfg.Wire)+len(cfg.Listens) > 0 {
		w.printf("\nWhat other hosts do:\n\n")
	}
	for i := range cfg.Listens {
		l := &cfg.Listens[i]
		w.printf("  %s listens%s\n", l.At, listens(l))
	}
	for i := range cfg.Wire {
		p := &cfg.Wire[i]
		w.printf("  at %-8s %s\n", p.At, arrives(p))
	}
}

// machine names what a run depends on, as far as the scenario has it.
func machine(cfg *kernel.Config) []string {
	out := []string{plural(int64(cfg.CPUs), "core", "cores")}
	if cfg.ABI != program.LinuxAMD64 {
		out = append(out, cfg.ABI.String())
	}
	if p := &cfg.Params; len(cfg.Threads) > 1 {
		out = append(out, fmt.Sprintf("scheduler %s, slice %s, %d ticks a second", kernel.Schedulers[p.Scheduler], p.Slice, p.HZ))
	}
	if len(cfg.Wire)+len(cfg.Listens) == 0 {
		return out
	}
	c, p := &cfg.NIC, &cfg.Params
	out = append(out, fmt.Sprintf("a card with %s of %d descriptors and a packet buffer of %d bytes", plural(int64(c.Queues), "receive ring", "receive rings"), c.Ring, c.FIFO))
	switch {
	case c.AdaptiveRx:
		out = append(out, "adaptive interrupt moderation")
	case c.RxUsecs > 0:
		held := fmt.Sprintf("an interrupt is held back for %s", c.RxUsecs)
		if c.RxFrames > 1 {
			held += fmt.Sprintf(" or %d frames", c.RxFrames)
		}
		out = append(out, held)
	}
	if p.NoNAPI {
		return append(out, "a driver without NAPI")
	}
	return append(out, fmt.Sprintf("a poll takes at most %d packets, a softirq %d", p.NAPIWeight, p.Budget))
}

func (w *writer) thread(t *kernel.ThreadConfig) {
	name := kernel.Printable(t.Name)
	if t.CPU >= 0 {
		name += ", on cpu" + strconv.Itoa(t.CPU)
	}
	switch {
	case t.Spawned:
		name += ", starts when it is spawned"
	case t.Start > 0:
		name += ", starts at " + t.Start.String()
	}
	if t.Nice != 0 {
		name += ", nice " + strconv.Itoa(t.Nice)
	}
	if t.Priority != 0 {
		name += ", priority " + strconv.Itoa(t.Priority)
	}
	w.printf("  %s\n", name)
	for _, l := range strings.Split(strings.TrimRight(t.Program.Source, "\n"), "\n") {
		w.printf("    %s\n", kernel.Printable(strings.ReplaceAll(l, "\t", "    ")))
	}
}

// listens is what a host that waits for connections does.
func listens(l *kernel.Listener) string {
	s := ""
	if len(l.Says) > 0 {
		s += " and answers " + payload(l.Says)
	}
	if l.After > 0 {
		s += " after " + l.After.String()
	}
	if l.Fin {
		s += ", and closes"
	}
	return s
}

// arrives is what an entry of the wire brings.
func arrives(p *kernel.Packets) string {
	if p.Capture != nil {
		return fmt.Sprintf("the packets of a capture file, at most %d", p.Count)
	}
	to := p.From.String()
	if p.To != (netip.AddrPort{}) {
		to += " to " + p.To.String()
	}
	switch {
	case p.Pace != kernel.PaceEvery:
		load := fmt.Sprintf("%s: a load of %d packets/s, frames of %d bytes", to, p.Rate, p.Size)
		if p.For > 0 {
			return load + ", for " + p.For.String()
		}
		return fmt.Sprintf("%s, %d packets", load, p.Count)
	case p.Connect:
		return to + ": connects (TCP)"
	case p.Rst:
		return to + ": breaks the connection off (RST)"
	case p.Fin && len(p.Payload) == 0:
		return to + ": closes its side (FIN)"
	}
	s := fmt.Sprintf("%s: %s %s", to, map[bool]string{true: "TCP", false: "UDP"}[p.Proto == "tcp"], payload(p.Payload))
	if p.Count > 1 {
		s += fmt.Sprintf(", %d times, one every %s", p.Count, p.Every)
	}
	if p.Fin {
		s += ", and closes its side (FIN)"
	}
	if p.BadFCS {
		s += ", with a wrong check sequence"
	}
	if p.BadCsum {
		s += ", with a wrong checksum"
	}
	return s
}

// shown is how much of a payload is printed.
const shown = 32

func payload(b []byte) string {
	if len(b) > shown {
		return plural(int64(len(b)), "byte", "bytes")
	}
	return fmt.Sprintf("%q (%s)", b, plural(int64(len(b)), "byte", "bytes"))
}
