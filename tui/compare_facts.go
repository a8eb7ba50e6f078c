package tui

import (
	"fmt"
	"strings"

	"ringside/kernel"
	"ringside/scenarios/compare"
)

// What a machine holds, as sentences that can be held against the other's.

// fact is what is so of one object.
type fact struct{ name, text string }

// maxFacts bounds how many descriptors are looked at.
const maxFacts = 64

// factRow is what is so of one object on both sides.
type factRow struct {
	name    string
	text    [2]string
	differs bool
}

// describe finds what is so on both sides now: in the order of the left one, and
// behind it what only the right one has.
func (v *versus) describe() {
	for side, s := range v.side {
		v.facts[side] = s.facts(v.facts[side][:0])
	}
	left, right := v.facts[compare.Left], v.facts[compare.Right]
	v.rows = v.rows[:0]
	add := func(name, l, r string) {
		v.rows = append(v.rows, factRow{name, [2]string{l, r}, l != r})
	}
	for i := range left {
		add(left[i].name, left[i].text, textOf(right, left[i].name, i))
	}
	for i := range right {
		if textOf(left, right[i].name, i) == "" {
			add(right[i].name, "", right[i].text)
		}
	}
}

// textOf is what is said of an object, "" if there is none of its name. Most are
// at the same place.
func textOf(facts []fact, name string, i int) string {
	if i < len(facts) && facts[i].name == name {
		return facts[i].text
	}
	for i := range facts {
		if facts[i].name == name {
			return facts[i].text
		}
	}
	return ""
}

// drawFacts writes all objects of a side, or if there is no room, those that differ.
func (v *versus) drawFacts(p *pen, side int) {
	all := len(v.rows) <= p.h
	y, more := 0, 0
	for i := range v.rows {
		f := &v.rows[i]
		switch {
		case !all && !f.differs:
			continue
		case y == p.h:
			more++
			continue
		}
		text := f.text[side]
		if text == "" {
			text = "there is none"
		}
		p.line(y).differs(f.differs).fit(f.name, 12).in(styleText).str(" ").rest(text)
		y++
	}
	switch {
	case y == 0:
		p.line(0).in(styleDim).str(" nothing differs: threads, descriptors, cores, card")
	case more > 0:
		p.line(y-1).fit("", p.w).line(y - 1).in(styleDim).str("… ").dec(int64(more + 1)).str(" more that differ")
	}
}

// facts are what threads have open, the threads, the cores, the card.
func (s *scene) facts(out []fact) []fact {
	m := s.m
	add := func(name, text string) { out = append(out, fact{name: name, text: text}) }
	for i := range s.objects.list[:min(len(s.objects.list), maxFacts)] {
		x := &s.objects.list[i]
		add(fmt.Sprintf("%s %s", fdName(x), x.kindName(m)), s.objectText(x))
	}
	for i := range m.Tasks {
		if t := &m.Tasks[i]; t.Thread != kernel.None {
			add(kernel.Printable(t.Name), threadText(m, kernel.TaskID(i)))
		}
	}
	for i := range m.CPUs {
		k := &m.CPUs[i]
		add(fmt.Sprintf("cpu%d", i), fmt.Sprintf("%s, current %s, %d queued", ctxNames[contextOf(m, i)], m.Tasks[k.Current].Name, len(k.RQ.Queue)))
		add(fmt.Sprintf("backlog %d", i), fmt.Sprintf("%d packets", k.Backlog.Len))
	}
	for i := range m.Napis {
		n := &m.Napis[i]
		add(fmt.Sprintf("napi %d", i), map[bool]string{true: "polls, or will", false: "idle: waits for an interrupt"}[n.Sched])
	}
	return append(out, fact{name: "card", text: fmt.Sprintf("%d frames came, %d in the FIFO, %d in memory", m.NIC.Stats.Arrived, m.NIC.FIFOLen, m.NIC.Stats.RxPackets)})
}

func fdName(x *object) string {
	if x.fd < 0 && x.write >= 0 && x.kind == kernel.FilePipe {
		return fmt.Sprintf("fd%d", x.write)
	}
	if x.fd < 0 {
		return "fd-"
	}
	return fmt.Sprintf("fd%d", x.fd)
}

// threadText says what a thread does.
func threadText(m *kernel.Machine, id kernel.TaskID) string {
	switch t := &m.Tasks[id]; {
	case t.State == kernel.Dead:
		return "has ended"
	case t.State == kernel.NotStarted:
		return "has not started"
	case runs(m, id):
		return fmt.Sprintf("line %d, runs", programLine(m, int(t.Thread)))
	case t.State == kernel.Running:
		return fmt.Sprintf("line %d, could run", programLine(m, int(t.Thread)))
	case t.State == kernel.Stopped:
		return "is stopped"
	default:
		return fmt.Sprintf("line %d, asleep in %s", programLine(m, int(t.Thread)), wchan(m, id))
	}
}

// objectText says what something with a descriptor holds.
func (s *scene) objectText(x *object) string {
	m := s.m
	switch x.kind {
	case kernel.FileEpoll:
		return epollText(m, x.id)
	case kernel.FileSocket:
		k := &m.Socks[x.id]
		switch k.Kind {
		case kernel.SockTCP:
			t := &m.TCPs[k.Ext]
			if t.State == kernel.TCPListen {
				return fmt.Sprintf("LISTEN, %d to accept", t.Accepts)
			}
			return fmt.Sprintf("%s, receive buffer %d B, send queue %d B", tcpNames[t.State], k.Bytes, t.Queued)
		case kernel.SockUDP:
			return fmt.Sprintf("%d queued, %d dropped", k.Len, k.Drops)
		}
		return fmt.Sprintf("%d to read, %d B sent", k.Len, k.Sent)
	case kernel.FilePipe:
		return fmt.Sprintf("%d B to read", pipeBytes(m, &m.Pipes[x.id]))
	case kernel.FileEventFD:
		return fmt.Sprintf("count %d", m.EventFDs[x.id].Count)
	case kernel.FileTimerFD:
		return fmt.Sprintf("%d ticks to read", m.TimerFDs[x.id].Ticks)
	}
	return "open"
}

// epollText is an instance's interest list; what is on the ready list is said so.
func epollText(m *kernel.Machine, id kernel.EpID) string {
	const most = 8
	var b strings.Builder
	n := 0
	for i := m.Eps[id].Items; i != kernel.None; i = m.Epis[i].NextItem {
		it := &m.Epis[i]
		if n++; n > most {
			b.WriteString(" …")
			break
		}
		if n > 1 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "fd%d %s", it.FD, trigger(it.Events))
		if it.OnReady || it.OnOvf {
			b.WriteString(" READY")
		}
	}
	if n == 0 {
		return "watches nothing"
	}
	return b.String()
}
