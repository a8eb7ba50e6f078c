package lanes

import "strings"

// reason is a known simplification by which the lanes may differ.
type reason struct {
	calls string // their names, apart by blanks
	when  func(model, real string) bool
	text  string
}

// reasons are those that docs/FIDELITY.md and package live tell of, the most
// particular first. A line is "" where that lane has no such call.
var reasons = []reason{
	{"connect accept accept4", func(model, real string) bool { return asleep(model) != asleep(real) },
		"TCP tries again after a second; the real run does not wait for it"},
	{"epoll_wait epoll_pwait epoll_pwait2 poll ppoll select", func(model, real string) bool { return model != "" && real != "" },
		"the real run keeps the order, not the time: events that are microseconds apart may be seen one by one or together"},
	{"read recv recvfrom accept accept4", func(model, real string) bool {
		return strings.Contains(model, "EAGAIN") != strings.Contains(real, "EAGAIN")
	}, "the real run keeps the order, not the time: what comes microseconds from a call may fall on its other side"},
	{"write send sendto", func(model, real string) bool { return model != "" && real != "" },
		"the real kernel's buffers have other sizes"},
}

func asleep(line string) bool { return strings.HasSuffix(line, "<unfinished ...>") }

// Reason says by which known simplification a call may differ between the lanes,
// or "".
func Reason(model, real string) string {
	name := Call{Line: model}.Name()
	if model == "" {
		name = Call{Line: real}.Name()
	}
	for _, r := range reasons {
		for _, n := range strings.Fields(r.calls) {
			if n == name && r.when(model, real) {
				return r.text
			}
		}
	}
	return ""
}
