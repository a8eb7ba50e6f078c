package quiz

import (
	"fmt"
	"slices"

	"ringside/kernel"
	"ringside/sim"
)

// How long a call takes, in powers of ten: what can be worked out on paper from the
// times at which things arrive, without the cost of each step.

// span is a range of times, up to a limit.
type span struct {
	below sim.Time
	text  string
}

var spans = []span{
	{10 * sim.Microsecond, "in less than 10us"},
	{100 * sim.Microsecond, "after 10us to 100us"},
	{sim.Millisecond, "after 100us to 1ms"},
	{10 * sim.Millisecond, "after 1ms to 10ms"},
	{100 * sim.Millisecond, "after 10ms to 100ms"},
	{sim.Second, "after 100ms to 1s"},
}

const (
	longer = "after more than 1s"
	noSpan = "not at all in this run"
)

// spanOf names the span of a time. It is false if that is so close to a limit that
// the cost of the steps decides on which side.
func spanOf(d sim.Time) (string, bool) {
	for _, s := range spans {
		if d < s.below {
			return s.text, d*4 <= s.below*3 && (s == spans[0] || d*20 >= s.below*3)
		}
	}
	return longer, d*2 >= sim.Second*3
}

// blocks are the calls that may have to wait for something.
var blocks = []string{"read", "recv", "recvfrom", "accept", "accept4", "connect", "eventfd_read", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select"}

func callsBlocking(m *kernel.Machine, r *sim.Record) bool {
	s := specOf(m, r)
	return s != nil && slices.Contains(blocks, s.Name)
}

// askSpan: when does the call come back?
func askSpan(a *ahead) bool {
	a.q.Ask = fmt.Sprintf("%s calls %s. When does it come back?", kernel.Printable(a.now.Tasks[a.at.Task].Name), a.callText())
	_, ok := a.callEnds()
	order := []string{}
	for _, s := range spans {
		order = append(order, s.text)
	}
	order = append(order, longer, noSpan)
	switch {
	case ok:
		text, clear := spanOf(a.m.Now - a.now.Now)
		if !clear {
			return false
		}
		a.right(text)
		a.q.Because = a.took() + "."
	case a.rest && a.m.Fault == "" && a.m.Tasks[a.at.Task].Call.Active:
		a.right(noSpan)
		a.q.See = a.seq
		a.q.Because = fmt.Sprintf("Nothing happens any more that would wake it: the run ends at %s, and it still sleeps.", a.m.Now)
	default:
		return false
	}
	at := slices.Index(order, a.q.Choices[0])
	for _, i := range []int{0, at - 1, at + 1, len(order) - 1, at + 2, at - 2} {
		if i >= 0 && i < len(order) {
			a.wrong(order[i])
		}
	}
	return true
}
