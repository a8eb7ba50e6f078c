package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ringside/scenarios/lanes"
	"ringside/sim"
)

// Failure is an expectation that does not hold.
type Failure struct {
	Thread string
	Op     int
	Call   string
	Key    string // the expectation's name
	Err    error
}

func (f Failure) String() string {
	return fmt.Sprintf("%s#%d %s: %s: %s", f.Thread, f.Op, f.Call, f.Key, f.Err)
}

// Judge holds what a lane did against each expectation of a case. It gives what
// does not hold, and how many expectations it has judged.
func (c *Case) Judge(l *lanes.Lane) (failed []Failure, judged int) {
	t := newTrace(l)
	for _, th := range c.Threads {
		for i := range th.Ops {
			op := &th.Ops[i]
			j := &judge{c: c, trace: t, op: op, thread: th.Name, did: t.of(th.Name, i)}
			keys := make([]string, 0, len(op.Expect))
			for key := range op.Expect {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			for _, key := range keys {
				judged++
				if err := j.holds(key); err != nil {
					failed = append(failed, Failure{th.Name, i, op.Call, key, err})
				}
			}
		}
	}
	return failed, judged
}

// judge looks at one operation.
type judge struct {
	c      *Case
	trace  *trace
	op     *Op
	thread string
	did    did
}

// expectations tells for each what must hold.
var expectations map[string]func(*judge, json.RawMessage) error

func init() {
	expectations = map[string]func(*judge, json.RawMessage) error{
		"ret":           (*judge).ret,
		"errno":         (*judge).errno,
		"events":        (*judge).events,
		"ordered":       (*judge).ordered,
		"events_any_of": (*judge).eventsAnyOf,
		"revents":       (*judge).revents,
		"read":          func(j *judge, want json.RawMessage) error { return j.set("read", want) },
		"write":         func(j *judge, want json.RawMessage) error { return j.set("write", want) },
		"except":        func(j *judge, want json.RawMessage) error { return j.set("except", want) },
		"value":         (*judge).value,
		"so_error":      (*judge).soError,
		"min_ms":        (*judge).minMS,
		"max_ms":        (*judge).maxMS,

		"blocked_forever": (*judge).blockedForever,
	}
}

func (j *judge) holds(key string) error {
	holds, ok := expectations[key]
	if !ok {
		return errors.New("nobody knows how to judge this")
	}
	return holds(j, j.op.Expect[key])
}

// outcome is the operation's result in the form of the cases.
func (j *judge) outcome() (result, error) {
	if !j.did.begun {
		return result{}, errors.New("it was not reached")
	}
	if j.op.isDirector() {
		n, err := j.directed()
		return result{ret: n}, err
	}
	var last result
	for _, l := range j.did.calls {
		r, ok := resultOf(l.text)
		if !ok {
			return result{}, fmt.Errorf("it has not returned: %s", l.text)
		}
		last = r
		if r.ret < 0 {
			break
		}
	}
	switch {
	case len(j.did.calls) == 0:
		return result{}, errors.New("it has not returned")
	case last.ret < 0:
	case j.op.creates():
		last.ret = 0
	case j.op.Call == "eventfd_read" || j.op.Call == "eventfd_write":
		last.ret = 8 // eventfd(3) gives 0 where read and write give 8
	}
	return last, nil
}

// directed is the result of an order to the director or of a question about the
// threads: at the next line of the thread that asked.
func (j *judge) directed() (int64, error) {
	at := j.did.next
	if at < 0 {
		return 0, errors.New("it has not ended")
	}
	want := map[string]state{"wait_blocked": blocked, "expect_blocked": blocked, "join": exited, "expect_exited": exited}
	if w, ok := want[j.op.Call]; ok {
		for _, name := range j.op.Args.Threads {
			if s := j.trace.state(name, at); s != w {
				return -1, fmt.Errorf("%s is %s", name, s)
			}
		}
		return 0, nil
	}
	n := int64(0)
	for _, name := range j.op.Args.Threads {
		if j.trace.state(name, at).String() == j.op.Args.State {
			n++
		}
	}
	for _, op := range j.op.Args.Ops {
		ok, err := j.positive(op, at)
		if err != nil {
			return 0, err
		}
		if ok {
			n++
		}
	}
	return n, nil
}

// positive tells whether the operation "thread#op" had returned more than 0 by
// then.
func (j *judge) positive(op string, at int) (bool, error) {
	thread, number, _ := strings.Cut(op, "#")
	n, err := strconv.Atoi(number)
	if err != nil {
		return false, err
	}
	for _, l := range j.trace.of(thread, n).calls {
		if r, ok := resultOf(l.text); ok && l.place < at && r.ret > 0 {
			return true, nil
		}
	}
	return false, nil
}

func (j *judge) ret(want json.RawMessage) error {
	got, err := j.outcome()
	if err != nil {
		return err
	}
	var set struct {
		AnyOf    []int64 `json:"any_of"`
		Min, Max *int64
	}
	var n int64
	ok := false
	switch {
	case json.Unmarshal(want, &n) == nil:
		ok = got.ret == n
	case json.Unmarshal(want, &set) != nil:
		return fmt.Errorf("cannot read %s", want)
	case set.AnyOf != nil:
		ok = slices.Contains(set.AnyOf, got.ret)
	case set.Min != nil && set.Max != nil:
		ok = *set.Min <= got.ret && got.ret <= *set.Max
	}
	if !ok {
		return fmt.Errorf("%d %s, not %s", got.ret, got.errno, want)
	}
	return nil
}

func (j *judge) errno(want json.RawMessage) error {
	got, err := j.outcome()
	if err != nil {
		return err
	}
	return same(want, got.errno)
}

// same compares a text.
func same(want json.RawMessage, got string) error {
	if text, err := strconv.Unquote(string(want)); err != nil || text != got {
		return fmt.Errorf("%q, not %s", got, want)
	}
	return nil
}

// call is the line of the operation's only call.
func (j *judge) call() (string, error) {
	if _, err := j.outcome(); err != nil {
		return "", err
	}
	if len(j.did.calls) != 1 {
		return "", fmt.Errorf("%d calls", len(j.did.calls))
	}
	return j.did.calls[0].text, nil
}

// event is an event of an epoll set.
type event struct {
	Data   json.RawMessage
	Events []string
}

// text is the event as "1003 IN|HUP".
func (j *judge) text(e event) string {
	data := string(e.Data)
	if name, err := strconv.Unquote(data); err == nil {
		n, _ := j.c.dataOf(name)
		data = strconv.FormatInt(n, 10)
	}
	return data + " " + sorted(e.Events)
}

func sorted(events []string) string {
	events = slices.Clone(events)
	slices.Sort(events)
	return strings.Join(events, "|")
}

var printedEvent = regexp.MustCompile(`\{events=([A-Z|0]+), data=(-?\d+)\}`)

// delivered are the events that the call gave, in its order.
func (j *judge) delivered() ([]string, error) {
	call, err := j.call()
	if err != nil {
		return nil, err
	}
	if r, _ := resultOf(call); r.ret < 0 {
		return nil, fmt.Errorf("it failed: %s", r.errno)
	}
	got := []string{}
	for _, m := range printedEvent.FindAllStringSubmatch(call, -1) {
		got = append(got, m[2]+" "+sorted(without("EPOLL", m[1])))
	}
	return got, nil
}

// without takes the prefix off joined names.
func without(prefix, bits string) []string {
	if bits == "0" {
		return nil
	}
	out := strings.Split(bits, "|")
	for i := range out {
		out[i] = strings.TrimPrefix(out[i], prefix)
	}
	return out
}

// listed are events as the case writes them.
func (j *judge) listed(raw json.RawMessage) ([]string, error) {
	var list []event
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	out := []string{}
	for _, e := range list {
		out = append(out, j.text(e))
	}
	return out, nil
}

func (j *judge) events(want json.RawMessage) error { return j.compareEvents(want, false) }

// ordered holds the events to the order in which the case lists them.
func (j *judge) ordered(want json.RawMessage) error {
	if string(want) != "true" {
		return fmt.Errorf("cannot read %s", want)
	}
	return j.compareEvents(j.op.Expect["events"], true)
}

func (j *judge) compareEvents(raw json.RawMessage, ordered bool) error {
	got, err := j.delivered()
	if err != nil {
		return err
	}
	want, err := j.listed(raw)
	if err != nil {
		return err
	}
	if !ordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%v, not %v", got, want)
	}
	return nil
}

func (j *judge) eventsAnyOf(want json.RawMessage) error {
	var lists []json.RawMessage
	if err := json.Unmarshal(want, &lists); err != nil {
		return err
	}
	err := errors.New("no alternatives")
	for _, l := range lists {
		if err = j.compareEvents(l, false); err == nil {
			return nil
		}
	}
	return err
}

var printedPollfd = regexp.MustCompile(`\{fd=-?\d+, events=[A-Z|0-9x]+(?:, revents=([A-Z|0]+))?\}`)

// revents of poll: the descriptors stand where the program put them.
func (j *judge) revents(raw json.RawMessage) error {
	call, err := j.call()
	if err != nil {
		return err
	}
	var list []struct {
		FD      string
		Revents []string
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	var want, got []string
	for _, p := range list {
		want = append(want, p.FD+" "+sorted(p.Revents))
	}
	all := printedPollfd.FindAllStringSubmatch(call, -1)
	if len(all) != len(j.op.Args.Fds) {
		return fmt.Errorf("%d descriptors in %s", len(all), call)
	}
	for i, m := range all {
		if bits := without("POLL", m[1]); m[1] != "" && len(bits) > 0 {
			got = append(got, j.op.Args.Fds[i].FD+" "+sorted(bits))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("%v, not %v", got, want)
	}
	return nil
}

// set is what the program found with FD_ISSET.
func (j *judge) set(name string, raw json.RawMessage) error {
	if _, err := j.call(); err != nil {
		return err
	}
	var want, got []string
	if err := json.Unmarshal(raw, &want); err != nil {
		return err
	}
	for _, s := range j.did.said {
		if fd, ok := strings.CutPrefix(s, name+" "); ok {
			got = append(got, fd)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("%v, not %v", got, want)
	}
	return nil
}

// behind is the value behind the result.
func (j *judge) behind() (string, error) {
	call, err := j.call()
	if err != nil {
		return "", err
	}
	r, _ := resultOf(call)
	v, ok := strings.CutPrefix(r.value, "value ")
	if !ok {
		return "", fmt.Errorf("no value in %s", call)
	}
	return v, nil
}

func (j *judge) value(want json.RawMessage) error {
	got, err := j.behind()
	if err != nil {
		return err
	}
	if got != string(want) {
		return fmt.Errorf("%s, not %s", got, want)
	}
	return nil
}

func (j *judge) soError(want json.RawMessage) error {
	got, err := j.behind()
	if err != nil {
		return err
	}
	return same(want, got)
}

// elapsed is the time from the mark to the last call's return.
func (j *judge) elapsed() (sim.Time, error) {
	if _, err := j.outcome(); err != nil {
		return 0, err
	}
	last := j.did.calls[len(j.did.calls)-1]
	return last.at - j.did.from.at, nil
}

func (j *judge) minMS(want json.RawMessage) error {
	return j.bound(want, func(took, bound sim.Time) bool { return took >= bound })
}

func (j *judge) maxMS(want json.RawMessage) error {
	return j.bound(want, func(took, bound sim.Time) bool { return took <= bound })
}

func (j *judge) bound(want json.RawMessage, within func(took, bound sim.Time) bool) error {
	took, err := j.elapsed()
	if err != nil {
		return err
	}
	ms, err := strconv.Atoi(string(want))
	if err != nil {
		return err
	}
	if !within(took, sim.Time(ms)*sim.Millisecond) {
		return fmt.Errorf("it took %s, not %d ms", took, ms)
	}
	return nil
}

// blockedForever: the run ended while the thread slept in this operation.
func (j *judge) blockedForever(want json.RawMessage) error {
	if string(want) != "true" {
		return fmt.Errorf("cannot read %s", want)
	}
	if calls := j.did.calls; len(calls) == 1 && calls[0].asleep {
		return nil
	}
	return errors.New("it does not sleep at the end")
}
