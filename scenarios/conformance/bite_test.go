package conformance

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"ringside/scenarios/lanes"
)

// wrong are expectations that nothing meets, of the forms that the cases use.
var wrong = map[string]string{
	"ret":             `9999`,
	"errno":           `"EXDEV"`,
	"events":          `[{"data":-5,"events":["IN"]}]`,
	"events_any_of":   `[[{"data":-5,"events":["IN"]}]]`,
	"revents":         `[{"fd":"nobody","revents":["IN"]}]`,
	"read":            `["nobody"]`,
	"write":           `["nobody"]`,
	"except":          `["nobody"]`,
	"value":           `9999`,
	"so_error":        `"9999"`,
	"min_ms":          `1000000`,
	"max_ms":          `0`,
	"blocked_forever": `false`,
}

// falsified gives an operation's expectations with one of them made wrong; false
// if it cannot be: the order of events of which there are not two different ones.
func falsified(o *Op, key string) (map[string]json.RawMessage, bool) {
	out := maps.Clone(o.Expect)
	if key != "ordered" {
		out[key] = json.RawMessage(wrong[key])
		return out, true
	}
	var events []json.RawMessage
	if json.Unmarshal(o.Expect["events"], &events) != nil || len(events) < 2 {
		return nil, false
	}
	slices.Reverse(events)
	out["events"], _ = json.Marshal(events)
	return out, string(events[0]) != string(events[len(events)-1])
}

// bites makes one expectation after another wrong, and fails if that goes
// unnoticed on a lane.
func bites(t *testing.T, c *Case, l *lanes.Lane) {
	t.Helper()
	for _, th := range c.Threads {
		for i := range th.Ops {
			o := &th.Ops[i]
			right := o.Expect
			for key := range right {
				w, ok := falsified(o, key)
				if !ok {
					continue
				}
				o.Expect = w
				failed, _ := c.Judge(l)
				if !slices.ContainsFunc(failed, func(f Failure) bool { return f.Thread == th.Name && f.Op == i && f.Key == key }) {
					t.Errorf("%s#%d: %s could be %s", th.Name, i, key, w[key])
				}
				o.Expect = right
			}
		}
	}
}
