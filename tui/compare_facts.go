package tui

import (
	"fmt"
	"strings"

	"ringside/kernel"
	"ringside/scenarios/compare"
)

// What a machine holds, as sentences that can be held against the other's.

// fact is what is so of one object.
type fact struct {
	name, text string
	differs    bool // from the other side
}

// maxFacts bounds how many descriptors are looked at.
const maxFacts = 64

// describe finds what is different on both sides now.
func (v *versus) describe() {
	for side, s := range v.side {
		v.facts[side] = s.facts(v.facts[side][:0])
	}
	for side := range v.facts {
		for i := range v.facts[side] {
			f := &v.facts[side][i]
			f.differs = textOf(v.facts[1-side], f.name, i) != f.text
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

func (v *versus) drawFacts(p *pen, side int) {
	if v.at == 0 {
		return
	}
	y, more := 0, 0
	row := func(name, text string) {
		if y < p.h-1 || more == 0 && y < p.h {
			p.line(y).in(styleBold).str("≠").fit(name, 12).in(styleText).str(" ").rest(text)
		}
		y++
	}
	for i := range v.facts[compare.Left] {
		if f := &v.facts[compare.Left][i]; f.differs {
			row(f.name, v.said(side, f.name))
		}
	}
	for i := range v.facts[compare.Right] {
		if f := &v.facts[compare.Right][i]; f.differs && textOf(v.facts[compare.Left], f.name, i) == "" {
			row(f.name, v.said(side, f.name))
		}
	}
	switch {
	case y == 0:
		p.line(0).in(styleDim).str("nothing: threads, descriptors and the card are alike")
	case y > p.h:
		p.line(p.h-1).fit("", p.w)
		p.line(p.h - 1).in(styleDim).str("… ").dec(int64(y - p.h + 1)).str(" more")
	}
}

// said is what is so of an object on a side.
func (v *versus) said(side int, name string) string {
	if text := textOf(v.facts[side], name, 0); text != "" {
		return text
	}
	return "there is none"
}

// facts are the threads, what they have open, the cores, the card.
func (s *scene) facts(out []fact) []fact {
	m := s.m
	add := func(name, text string) { out = append(out, fact{name: name, text: text}) }
	for i := range m.Tasks {
		if t := &m.Tasks[i]; t.Thread != kernel.None {
			add(kernel.Printable(t.Name), threadText(m, kernel.TaskID(i)))
		}
	}
	for i := range s.objects.list[:min(len(s.objects.list), maxFacts)] {
		x := &s.objects.list[i]
		add(fmt.Sprintf("%s %s", fdName(x), x.kindName(m)), s.objectText(x))
	}
	for i := range m.CPUs {
		k := &m.CPUs[i]
		add(fmt.Sprintf("cpu%d", i), fmt.Sprintf("%s, runs %s; %d wait for their turn", ctxNames[contextOf(m, i)], m.Tasks[k.Current].Name, len(k.RQ.Queue)))
		add(fmt.Sprintf("backlog %d", i), fmt.Sprintf("%d packets", k.Backlog.Len))
	}
	for i := range m.Napis {
		n := &m.Napis[i]
		add(fmt.Sprintf("napi %d", i), map[bool]string{true: "polls, or will", false: "idle: waits for an interrupt"}[n.Sched])
	}
	return append(out, fact{name: "card", text: fmt.Sprintf("%d frames came in, %d in the FIFO, %d in memory", m.NIC.Stats.Arrived, m.NIC.FIFOLen, m.NIC.Stats.RxPackets)})
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
		return fmt.Sprintf("runs, line %d", programLine(m, int(t.Thread)))
	case t.State == kernel.Running:
		return fmt.Sprintf("could run, line %d", programLine(m, int(t.Thread)))
	case t.State == kernel.Stopped:
		return "is stopped"
	default:
		return fmt.Sprintf("asleep in %s, line %d", wchan(m, id), programLine(m, int(t.Thread)))
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
			return fmt.Sprintf("%s, %d B to read, %d B to send", tcpNames[t.State], k.Bytes, t.Queued)
		case kernel.SockUDP:
			return fmt.Sprintf("%d datagrams to read, %d dropped", k.Len, k.Drops)
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
