// Package conformance holds how Linux answers epoll, poll, select, blocking
// reads, pipes, sockets and eventfds, restated as facts from public test suites
// (each case names its source) and observed on Linux 6.18, and judges a lane by
// them.
//
// A case becomes a scenario: Config makes a thread program of each of its
// threads. Before each operation the program prints a mark, "#3" for the fourth
// one, so that every line of the lane belongs to one operation, and the order of
// the lines of all threads tells who slept and who had exited when the main
// thread went on. Judge holds each expectation of each operation against these
// lines.
package conformance

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
)

//go:embed testdata/cases.jsonl
var cases []byte

// Case is one fact, or a few that belong together.
type Case struct {
	ID, Title, Source string
	Determinism       string // "deterministic", or "racy": the expectations hold every legal outcome
	Threads           []Thread
}

// Thread is what one thread does; the first is main and spawns the others.
type Thread struct {
	Name string
	Ops  []Op
}

// Op is a call, a helper of several calls, or an order to the director.
type Op struct {
	Call   string
	Args   Args
	Expect map[string]json.RawMessage // what must hold of it, by the names of expectations
}

// Args are the arguments of all operations. Descriptors have names.
type Args struct {
	Out           names // the names of the descriptors that it creates
	FD, To        string
	Epfd          descriptor
	Fds           []pollfd
	Read, Write   []string // sets of select
	Except        []string
	Events        []string
	Data          *int64
	Maxevents     int
	TimeoutMS     timeout `json:"timeout_ms"`
	NFDs          *int    `json:"nfds"`
	N             int
	Nonblock, TCP bool
	Semaphore     bool
	Backlog       int
	Size, Flags   *int
	Init, Value   json.Number
	Opt, How      string
	Kind, Type    string
	Chunk, MS     int
	Thread        string
	Threads, Ops  []string
	State         string
}

type pollfd struct {
	FD     string
	Events []string
}

// names is one name or a list.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*n = names{""}
		return json.Unmarshal(b, &(*n)[0])
	}
	return json.Unmarshal(b, (*[]string)(n))
}

// descriptor is the name of one, or a number that is none.
type descriptor string

func (d *descriptor) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(d))
	}
	*d = descriptor(b)
	return nil
}

// timeout is in milliseconds; null is no timeout.
type timeout struct{ text string }

func (t *timeout) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		t.text = "NULL"
	case `"negative"`:
		t.text = "-1"
	default:
		if _, err := strconv.Atoi(string(b)); err != nil {
			return fmt.Errorf("timeout %s", b)
		}
		t.text = string(b)
	}
	return nil
}

// Cases reads all cases.
func Cases() ([]Case, error) {
	var out []Case
	lines := bufio.NewScanner(bytes.NewReader(cases))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var c Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("cases.jsonl:%d: %w", n, err)
		}
		if err := c.strict(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("cases.jsonl:%d: %w", n, err)
		}
		out = append(out, c)
	}
	return out, lines.Err()
}

// strict fails when an operation has an argument that would be overlooked.
func (c *Case) strict(line []byte) error {
	var raw struct {
		Threads []struct {
			Ops []struct{ Args json.RawMessage }
		}
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return err
	}
	for i, t := range raw.Threads {
		for k, o := range t.Ops {
			d := json.NewDecoder(bytes.NewReader(o.Args))
			d.DisallowUnknownFields()
			if err := d.Decode(&Args{}); err != nil {
				return fmt.Errorf("%s %s#%d: %w", c.ID, c.Threads[i].Name, k, err)
			}
		}
	}
	return nil
}

// created are the names of all descriptors of the case, in order.
func (c *Case) created() []string {
	var out []string
	seen := map[string]bool{}
	for _, t := range c.Threads {
		for _, o := range t.Ops {
			for _, name := range o.Args.Out {
				if !seen[name] {
					seen[name] = true
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// dataOf is the epoll data that stands for a descriptor's name: none of the
// numbers that cases give themselves.
func (c *Case) dataOf(name string) (int64, bool) {
	for i, n := range c.created() {
		if n == name {
			return int64(1000 + i), true
		}
	}
	return 0, false
}
