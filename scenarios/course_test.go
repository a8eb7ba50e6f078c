package scenarios

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ringside/kernel"
	"ringside/scenarios/guide"
	"ringside/scenarios/lanes"
	"ringside/sim"
)

// chapters are those of the course, in its order.
var chapters = []string{"the way of a packet", "ways into the kernel", "interrupts", "the card", "waiting", "event queues",
	"scheduling", "memory", "connections", "load"}

// TestTheCourseHasAnOrder: every embedded scenario has its place in the course,
// and its chapter is the one of its neighbours.
func TestTheCourseHasAnOrder(t *testing.T) {
	files, _ := fs.Glob(course, "course/*.yaml")
	for _, f := range files {
		if name := strings.TrimSuffix(path.Base(f), ".yaml"); !slices.Contains(order, name) {
			t.Errorf("%s has no place in the order of the course", name)
		}
	}
	var got []string
	seen := map[string]bool{}
	for _, name := range Builtin() {
		if seen[name] {
			t.Errorf("%s has two places in the course", name)
		}
		seen[name] = true
		if s, err := Open(name); err != nil {
			t.Error(err)
		} else if len(got) == 0 || got[len(got)-1] != s.Chapter {
			got = append(got, s.Chapter)
		}
	}
	if !slices.Equal(got, chapters) {
		t.Errorf("chapters in the order of the course:\n  got  %q\n  want %q", got, chapters)
	}
}

// everyGuide runs a test on each embedded scenario and each variant that has
// something to say, and keeps quiet about the others.
func everyGuide(t *testing.T, test func(*testing.T, *Scenario)) {
	for _, name := range Builtin() {
		s, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range append([]*Scenario{s}, s.Variants()...) {
			if len(v.Guide().Notes) > 0 {
				t.Run(strings.TrimSuffix(name+"/"+v.Variant, "/"), func(t *testing.T) { test(t, v) })
			}
		}
	}
}

// TestGuidesAreReached: there is a record for every mark, narration and question
// and for what a question points to, in the scenario and in each variant. A
// question is not explained before it is asked, and no two texts are about the
// same record.
func TestGuidesAreReached(t *testing.T) {
	everyGuide(t, func(t *testing.T, s *Scenario) {
		notes := s.Guide().Notes
		all := &guide.Guide{Notes: slices.Clone(notes)}
		for i := range notes { // the explanations come behind the notes
			at := notes[i].At
			if q := notes[i].Ask; q != nil && q.See != nil {
				at = *q.See
			}
			all.Notes = append(all.Notes, guide.Note{At: at})
		}
		found := placed(t, s, all)
		said := map[sim.Seq]bool{}
		for i, n := range notes {
			at, see := found[i], found[len(notes)+i]
			switch {
			case at == sim.NoSeq:
				t.Errorf("no record is %s", n.At.String())
			case see == sim.NoSeq:
				t.Errorf("%q: no record is %s", n.Ask.Ask.In(""), n.Ask.See.String())
			case see < at:
				t.Errorf("%q: record %d explains it before it is asked at %d", n.Ask.Ask.In(""), see, at)
			case len(n.Say) > 0 && said[at]:
				t.Errorf("a second text at record %d, %s", at, n.At.String())
			}
			said[at] = said[at] || len(n.Say) > 0
		}
	})
}

// placed finds the records of a guide's notes in a run.
func placed(t *testing.T, s *Scenario, g *guide.Guide) []sim.Seq {
	t.Helper()
	cfg, _ := s.Config()
	m, err := kernel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := guide.NewFinder(g)
	var r sim.Record
	for seq := sim.Seq(0); seq < lanes.DefaultMaxSteps && slices.Contains(f.Found, sim.NoSeq) && m.Step(&r); seq++ {
		f.Record(m, &r, seq)
	}
	return f.Found
}

// TestTextsFitTheScreen: every text has at most 240 characters in each language
// and three lines of 78 columns; a question's answers differ.
func TestTextsFitTheScreen(t *testing.T) {
	everyGuide(t, func(t *testing.T, s *Scenario) {
		for _, n := range s.Guide().Notes {
			texts := []guide.Text{n.Say, n.Why, n.Notes}
			if n.Ask != nil {
				texts = append(append(texts, n.Ask.Ask, n.Ask.Because), n.Ask.Choices...)
				distinct(t, n.Ask)
			}
			for _, text := range texts {
				for lang, s := range text {
					if chars, lines := utf8.RuneCountInString(s), linesOf(s, 78); chars > 240 || lines > 3 {
						t.Errorf("%s: %d characters, %d lines: %q", lang, chars, lines, s)
					}
				}
			}
		}
	})
}

// distinct fails if two answers read the same in any language.
func distinct(t *testing.T, q *guide.Question) {
	t.Helper()
	langs := map[string]bool{guide.DefaultLang: true}
	for _, c := range q.Choices {
		for l := range c {
			langs[l] = true
		}
	}
	for lang := range maps.Keys(langs) {
		seen := map[string]bool{}
		for _, c := range q.Choices {
			if s := strings.ToLower(strings.TrimSpace(c.In(lang))); seen[s] {
				t.Errorf("%q: the answer %q stands there twice", q.Ask.In(lang), s)
			} else {
				seen[s] = true
			}
		}
	}
}

// linesOf counts the lines of a text of words.
func linesOf(s string, width int) int {
	lines, left := 0, 0
	for _, w := range strings.Fields(s) {
		if n := utf8.RuneCountInString(w); n+1 > left {
			lines, left = lines+1, width-n
		} else {
			left -= n + 1
		}
	}
	return lines
}

// TestVariantsDoWhatTheyExpect: a variant is held against its own expectations.
func TestVariantsDoWhatTheyExpect(t *testing.T) {
	for _, name := range Builtin() {
		s, err := Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range s.Variants() {
			t.Run(name+"/"+v.Variant, func(t *testing.T) {
				lane, m, err := lanes.Model(v.config, lanes.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				var out strings.Builder
				if !lanes.Check(&out, v.Expectations(), lane, lanes.Counters(m)) {
					t.Error(out.String())
				}
			})
		}
	}
}

// TestPollAsksEachTwice: poll looks at every descriptor before its sleep and after
// it, epoll at each once when it is registered and then at the one that is ready.
func TestPollAsksEachTwice(t *testing.T) {
	s, err := Open("poll-and-epoll")
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int64{"n-4": 4, "n-1000": 1000} {
		v, err := s.With(name)
		if err != nil {
			t.Fatal(err)
		}
		_, m, err := lanes.Model(v.config, lanes.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if c := &m.Counters; c.PollScanned != 2*n || c.EpPolled != n+1 {
			t.Errorf("%s: poll has asked %d times, epoll %d times", name, c.PollScanned, c.EpPolled)
		}
	}
}
