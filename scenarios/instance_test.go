package scenarios

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
)

// varied is a file in which values stand in all the ways that a file knows.
const varied = `# a comment
ringside: 1
title: "Many packets"   # the title
teaches: >-
  Something about
  many packets.
machine: {nic: {ring: 16}}
flows:
  a: {proto: udp, from: "10.0.0.2:5555", to: ":7000"}
threads:
  - name: server
    program: |
      s := socket(AF_INET, SOCK_DGRAM, 0)

      bind(s, ":7000")            // ü
      var buf [64]byte
      for i := 0; i < 4; i++ {
          recv(s, buf, 64, 0)
      }
  - {name: other, program: "getpid()"}
wire:
  - {at: 100us, flow: a, data: 'one', every: 1us, count: 4}

# what accompanies it
marks:
  - {name: x, at: {fn: getpid}}
# as check expects it
expect:
  counters: {delivered: 4}
vary:
  - name: packets
    from: 2
    to: 6
    step: 2
    paths: ["wire[0].count"]
    replace: [{thread: server, text: "i < 4", with: "i < {packets}"}]
  - name: card
    choose: [8, 32]
    paths: [machine.nic.ring]
  - name: distance
    choose: [1us, 20us]
    paths: ["wire[0].every"]
  - name: cores
    choose: [1, 2]
    paths: [machine.cpus]
  - choose: ["{packets} packets, \"so\""]
    paths: [title, teaches, chapter, "wire[0].data"]
  - name: slice
    choose: [3ms, 4ms]
    paths: [machine.kernel.slice]
  - name: nice
    choose: [5, -5]
    paths: ["threads[0].nice", "threads[1].nice"]
`

// TestAnInstanceIsAFile: its text is the original's, with other values, and
// without what is said about the original's run.
func TestAnInstanceIsAFile(t *testing.T) {
	s, err := Parse("f", []byte(varied))
	if err != nil {
		t.Fatal(err)
	}
	if s.Instances() != 3*2*2*2*2*2 { // of the title there is one
		t.Errorf("%d instances", s.Instances())
	}
	i, err := s.Instance(1)
	if err != nil {
		t.Fatal(err)
	}
	v := map[string]string{}
	for _, p := range i.Params() {
		v[p.Name] = p.Value
	}
	title := fmt.Sprintf(`"%s packets, \"so\""`, v["packets"])
	want := fmt.Sprintf(`# f@1: packets %s, card %s, distance %s, cores %s, slice %s, nice %s
# a comment
ringside: 1
title: %s   # the title
teaches: %s
machine: {kernel: {slice: %s}, cpus: %s, nic: {ring: %s}}
flows:
  a: {proto: udp, from: "10.0.0.2:5555", to: ":7000"}
threads:
  - nice: %s
    name: server
    program: |
      s := socket(AF_INET, SOCK_DGRAM, 0)

      bind(s, ":7000")            // ü
      var buf [64]byte
      for i := 0; i < %s; i++ {
          recv(s, buf, 64, 0)
      }
  - {nice: %s, name: other, program: "getpid()"}
wire:
  - {at: 100us, flow: a, data: %s, every: %s, count: %s}
chapter: %s
`, v["packets"], v["card"], v["distance"], v["cores"], v["slice"], v["nice"], title, title, v["slice"], v["cores"], v["card"],
		v["nice"], v["packets"], v["nice"], title, v["distance"], v["packets"], title)
	if got := string(i.Source()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestAValueWrittenOverItself: wherever a value stands in the embedded files, and
// however it is written there, the same value in its place changes nothing.
func TestAValueWrittenOverItself(t *testing.T) {
	for i, name := range Builtin() {
		s, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		e := edit(name, string(s.source))
		e = edit(name, e.without(original))
		f := s.file
		f.Marks, f.Narration, f.Predict, f.Variants, f.Vary, f.Expect = nil, nil, nil, nil, nil, expect{}
		if !reflect.DeepEqual(e.file, f) {
			t.Errorf("%s: without what is about its run, it is another file:\n%s", name, e.text)
		}
		for j, path := range sortedKeys(e.at) {
			switch e.at[path].(type) {
			case ast.MapNode, *ast.SequenceNode:
				continue
			}
			if (i+j)%5 != 0 {
				continue // a fifth of them, others in each file
			}
			text := e.set(path, e.decoder.text(e.at[path], path))
			if again := edit(name, text); !reflect.DeepEqual(e.file, again.file) {
				t.Errorf("%s: %s is another value in\n%s", name, path, text)
			}
		}
	}
}

// TestNumbersWalkThroughAllInstances: neighbours differ, and as many numbers as
// there are instances give each of them once.
func TestNumbersWalkThroughAllInstances(t *testing.T) {
	for _, sizes := range [][]int{{1}, {2}, {3}, {2, 2}, {5, 1, 4}, {2, 3, 4, 5}, {10, 10, 10}} {
		s := &Scenario{}
		for _, n := range sizes {
			s.rows = append(s.rows, row{values: make([]string, n)})
		}
		seen := map[string]bool{}
		for n := range s.Instances() {
			pick := s.pick(uint64(n))
			seen[fmt.Sprint(pick)] = true
			if next := s.pick(uint64(n + 1)); sizes[0] > 1 && pick[0] == next[0] {
				t.Errorf("%v: the first row is the same in %d and the next", sizes, n)
			}
		}
		if len(seen) != s.Instances() {
			t.Errorf("%v: %d of %d", sizes, len(seen), s.Instances())
		}
	}
}

// TestAnInstanceThatIsWrong: the error points to the value that is to blame, and is
// that of the instance.
func TestAnInstanceThatIsWrong(t *testing.T) {
	for _, c := range []struct{ vary, want string }{
		{"  - {name: n, choose: [1, 2], paths: [machine.cpus]}\n  - {name: ring, choose: [8, 12], paths: [machine.nic.ring]}\n",
			`9:30: vary[1]: with ring 12: machine.nic.ring`},
		{"  - {name: n, choose: [1, 2], replace: [{thread: a, text: getpid, with: \"get{n}\"}]}\n",
			`8:5: n 1: unknown call "get1"`},
		{"  - {name: n, from: 1, to: 2, replace: [{thread: a, text: getpid(), with: \"i := {n} - 1\\nvar b [1]byte\\nb[i] = 1\"}]}\n", "8:5: vary[0]: with n 2: "},
	} {
		s, err := Parse("f.yaml", []byte(head+threads+"vary:\n"+c.vary))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err = s.CheckInstances(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s  got  %v\n  want %s", c.vary, err, c.want)
		}
	}
}

// TestInstancesByName: every command opens one by its name.
func TestInstancesByName(t *testing.T) {
	i, err := Open("ring-full@7")
	if err != nil {
		t.Fatal(err)
	}
	if i.Name != "ring-full@7" || i.Own() || len(i.Params()) != 3 || i.Varies() || len(i.Guide().Notes) > 0 {
		t.Errorf("%+v", i)
	}
	for name, want := range map[string]string{
		"one-packet@7":  "one-packet: nothing varies in it: it has no vary, and so no instance 7",
		"ring-ful@7":    `no scenario of that name; did you mean "ring-full"?`,
		"ring-full@x":   "no scenario of that name",
		"ring-full@7@7": "ring-full@7: nothing varies",
	} {
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
