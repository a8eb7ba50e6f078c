package lanes

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/HdrHistogram/hdrhistogram-go"

	"ringside/kernel"
	"ringside/kernel/stats"
	"ringside/sim"
)

// Summary runs a scenario on the model and writes what it has come to: packets,
// latencies, the time of cores and threads. Nothing is kept of a record once it
// is counted.
func Summary(w io.Writer, cfg *kernel.Config, lim Limits) error {
	var s *stats.Stats
	m, err := run(cfg, lim, func(m *kernel.Machine, r *sim.Record, _ sim.Seq) {
		if s == nil {
			s = stats.New(m)
		}
		s.See(r)
	})
	if err != nil {
		return err
	}
	if s == nil { // there was nothing to do
		s = stats.New(m)
	}
	fmt.Fprintf(w, "%s us of model time, %d records\n", us(m.Now), s.Records)
	for _, write := range []func(io.Writer, *kernel.Machine, *stats.Stats){
		writePackets, writeCaptures, writeLatency, writeTime, writeCores, writeThreads,
	} {
		write(w, m, s)
	}
	return nil
}

// table writes rows of cells, the first row a heading: the first column aligned to
// the left, the others to the right.
func table(w io.Writer, rows [][]string) {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		line := fmt.Sprintf("%-*s", width[0], row[0])
		for i, cell := range row[1:] {
			line += fmt.Sprintf("  %*s", width[i+1], cell)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// us is a time in microseconds.
func us(t sim.Time) string { return fmt.Sprintf("%d.%03d", t/sim.Microsecond, t%sim.Microsecond) }

// number is a whole number in a table.
func number[N int | int32 | int64 | sim.Seq](n N) string { return fmt.Sprint(n) }

// share is a part of a whole in percent.
func share(part, whole int64) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

// drops are the counters of packets that went no further, in the order of their
// way: the card's as ethtool -S calls them, then those of the protocols.
func drops(m *kernel.Machine) []named {
	n, c := &m.NIC.Stats, &m.Counters
	var full int64
	for q := range m.NIC.Queues {
		full += m.NIC.Queues[q].Stats.Drops
	}
	return []named{
		{"no descriptor", full}, {"backlog", m.BacklogDropped()}, {"for another host", c.OtherHost},
		{"rx_crc_errors", n.RxCRCErrors}, {"other address", n.Filtered}, {"rx_missed_errors", n.RxMissedErrors},
		{"in_hdr_errors", c.InHdrErrors}, {"in_addr_errors", c.InAddrErrors}, {"in_csum_errors", c.InCsumErrors},
		{"no_ports", c.NoPorts}, {"rcvbuf_errors", c.RcvbufErrors}, {"unread at close", c.Unread},
		{"listen_overflows", c.ListenOverflows},
	}
}

type named struct {
	name string
	n    int64
}

// writePackets says what became of the packets.
func writePackets(w io.Writer, m *kernel.Machine, s *stats.Stats) {
	in, wait := m.NIC.Stats.Arrived, m.Waiting()
	rows := [][]string{{"packets", "", ""}}
	add := func(name string, n int64) { rows = append(rows, []string{name, number(n), share(n, in)}) }
	add("  from the wire", in)
	add("  datagrams read", s.Histograms[stats.Read].TotalCount())
	for _, d := range drops(m) {
		if d.n > 0 {
			add("  dropped: "+d.name, d.n)
		}
	}
	for _, at := range []named{
		{"in the card", int64(wait.Card)}, {"in the ring", int64(wait.Ring)}, {"in the stack", int64(wait.Stack)}, {"in sockets", int64(wait.Sockets)},
	} {
		if at.n > 0 {
			add("  left "+at.name, at.n)
		}
	}
	rows = append(rows, []string{"  to the wire", number(m.NIC.Stats.TxPackets), ""})
	table(w, rows)
	table(w, queueRows(m))
}

// queueRows are the card's counts, and those of each of its queues.
func queueRows(m *kernel.Machine) [][]string {
	n := &m.NIC.Stats
	rows := [][]string{
		{"card", "packets", "bytes", "interrupts", "waited for a buffer", "no descriptor"},
		{"  received", number(n.RxPackets), number(n.RxBytes), number(n.Interrupts), number(n.RxNoBufferCount), ""},
	}
	for q := range m.NIC.Queues {
		s := &m.NIC.Queues[q].Stats
		rows = append(rows, []string{fmt.Sprintf("  rx queue %d", q), number(s.Packets), number(s.Bytes), "", "", number(s.Drops)})
	}
	return rows
}

// writeCaptures says what of the capture files could be played.
func writeCaptures(w io.Writer, m *kernel.Machine, _ *stats.Stats) {
	for i := range m.Config.Wire {
		if c := m.Config.Wire[i].Capture; c != nil {
			fmt.Fprintf(w, "\n%s: %d of %d packets are played", kernel.Printable(c.Name), len(c.Frames), c.Read)
			if len(c.Skipped) > 0 {
				fmt.Fprintf(w, "; left out%s", c.SkippedText())
			}
			fmt.Fprintln(w)
		}
	}
}

// percents are the columns of the table of latencies.
var percents = []float64{50, 90, 99, 99.9}

// writeLatency is how long packets took to each station, and to the program by
// flow if there are several.
func writeLatency(w io.Writer, _ *kernel.Machine, s *stats.Stats) {
	rows := [][]string{{"us from the wire to", "packets"}}
	for _, p := range percents {
		rows[0] = append(rows[0], fmt.Sprintf("p%g", p))
	}
	rows[0] = append(rows[0], "max")
	for st, h := range s.Histograms {
		rows = append(rows, latencyRow("  "+stats.Stations[st], h))
	}
	if len(s.Flows) > 1 {
		for _, f := range s.Flows {
			rows = append(rows, latencyRow("  read, "+kernel.Printable(f.Name), f.Read))
		}
	}
	table(w, rows)
}

func latencyRow(name string, h *hdrhistogram.Histogram) []string {
	row := []string{name, number(h.TotalCount())}
	if h.TotalCount() == 0 {
		return row
	}
	for _, p := range percents {
		row = append(row, us(sim.Time(h.ValueAtQuantile(p))))
	}
	return append(row, us(sim.Time(h.Max())))
}

// writeTime is what each core's time was spent on.
func writeTime(w io.Writer, m *kernel.Machine, s *stats.Stats) {
	rows := [][]string{{"core, us"}}
	for _, name := range stats.Contexts {
		rows[0] = append(rows[0], name, "")
	}
	for i := range s.Cores {
		row := []string{fmt.Sprintf("  cpu%d", i)}
		for _, t := range s.Time(m, i) {
			row = append(row, us(t), share(int64(t), int64(m.Now)))
		}
		rows = append(rows, row)
	}
	table(w, rows)
}

// coreColumns are the tracepoints that each core's table counts.
var coreColumns = []struct {
	name   string
	points []uint8
}{
	{"irqs", []uint8{kernel.PointIRQHandlerEntry}}, {"timer", []uint8{kernel.PointLocalTimerEntry}},
	{"ipis", []uint8{kernel.PointReschedEntry, kernel.PointCallSingleEntry}}, {"softirqs", []uint8{kernel.PointSoftirqEntry}},
	{"polls", []uint8{kernel.PointNAPIPoll}}, {"squeezed", nil}, {"wakeups", []uint8{kernel.PointSchedWaking}}, {"switches", []uint8{kernel.PointSchedSwitch}},
}

// writeCores counts what happened on each core. Squeezed is time_squeeze of
// /proc/net/softnet_stat.
func writeCores(w io.Writer, m *kernel.Machine, s *stats.Stats) {
	rows := [][]string{{"core"}}
	for _, c := range coreColumns {
		rows[0] = append(rows[0], c.name)
	}
	for i := range s.Cores {
		row := []string{fmt.Sprintf("  cpu%d", i)}
		for _, c := range coreColumns {
			n := int64(0)
			for _, p := range c.points {
				n += s.Cores[i].Points[p]
			}
			if c.points == nil {
				n = m.CPUs[i].Squeezed
			}
			row = append(row, number(n))
		}
		rows = append(rows, row)
	}
	table(w, rows)
}

// writeThreads is what each task has used and asked for.
func writeThreads(w io.Writer, m *kernel.Machine, s *stats.Stats) {
	rows := [][]string{{"thread", "utime us", "stime us", "voluntary", "involuntary", "calls"}}
	var calls []string
	for i := range s.Tasks {
		t, k := &s.Tasks[i], &m.Tasks[i]
		if k.Idle || t.User+t.System == 0 {
			continue
		}
		total, names := callCounts(t)
		name := kernel.Printable(k.Name)
		rows = append(rows, []string{"  " + name, us(t.User), us(t.System), number(k.Switches), number(k.Preempted), number(total)})
		if total > 0 {
			calls = append(calls, fmt.Sprintf("  %s: %s", name, names))
		}
	}
	table(w, rows)
	fmt.Fprintf(w, "\nwakeups: %d useful, %d spurious\n", m.Counters.UsefulWakeups, m.Counters.SpuriousWakeups)
	if len(calls) > 0 {
		fmt.Fprintf(w, "\ncalls\n%s\n", strings.Join(calls, "\n"))
	}
}

// callCounts are a thread's calls, the most frequent first.
func callCounts(t *stats.Task) (total int64, names string) {
	order := slices.SortedFunc(maps.Keys(t.Calls), func(a, b int64) int {
		return cmp.Or(cmp.Compare(t.Calls[b], t.Calls[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, nr := range order {
		total += t.Calls[nr]
		parts = append(parts, fmt.Sprintf("%d %s", t.Calls[nr], kernel.SysName(nr)))
	}
	return total, strings.Join(parts, ", ")
}
