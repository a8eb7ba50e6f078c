// Package speaker carries what only the lecturer sees from a presentation to a
// second terminal, over a UNIX socket that only the same user can open.
//
// The presentation listens, clients connect, and both write lines of JSON:
//
//	presentation  {"v":1,"type":"state","name":"one-packet",…}
//	client        {"v":1,"type":"command","do":"next"}
//	presentation  {"v":1,"type":"error","error":"…"}
//
// A client gets the present state when it connects and again when it changes;
// states that it was too slow to read are left out. It may send the commands next,
// previous and blank. A line that is too long, no JSON, of another version or an
// unknown command is answered with an error, and the connection ends. When the
// presentation ends, so do its connections. Keys that a reader does not know it
// passes over: new ones do not make a new version.
package speaker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Version of the protocol.
const Version = 1

// Limits of what is sent, in bytes.
const (
	MaxCommand   = 1 << 10
	MaxState     = 256 << 10
	maxText      = 4 << 10 // of one text in a state
	maxName      = 200
	maxQuestions = 3
)

// Commands of a client.
const (
	Next     = "next"
	Previous = "previous"
	Blank    = "blank"
)

// State is what a presentation tells.
type State struct {
	V         int        `json:"v"`
	Type      string     `json:"type"`
	Name      string     `json:"name"`  // of the scenario or the lesson
	Title     string     `json:"title"` // of the part
	Part      Count      `json:"part"`
	Mark      Count      `json:"mark"`
	MarkName  string     `json:"mark_name"`
	OffMark   bool       `json:"off_mark,omitempty"` // micro-steps have led on
	Notes     string     `json:"notes,omitempty"`    // of the mark
	PartNotes string     `json:"part_notes,omitempty"`
	Say       string     `json:"say,omitempty"` // what the class reads
	Why       string     `json:"why,omitempty"`
	Next      *Preview   `json:"next,omitempty"`      // nil: this is the end
	Questions []Question `json:"questions,omitempty"` // that are still to come in this part
	Blank     bool       `json:"blank,omitempty"`     // the screen is black
	Left      bool       `json:"left,omitempty"`      // the lecturer is at the whole screen
	ElapsedMS int64      `json:"elapsed_ms"`
	Minutes   int        `json:"minutes,omitempty"` // of all of it
	PartUntil int        `json:"part_until,omitempty"`
}

// Count is one of several, from 1.
type Count struct {
	N  int `json:"n"`
	Of int `json:"of"`
}

// Preview is what comes next.
type Preview struct {
	Mark string `json:"mark"`
	Say  string `json:"say,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Question is one that will be asked, with the answer.
type Question struct {
	Ask    string `json:"ask"`
	Answer string `json:"answer"`
}

// command is what a client sends.
type command struct {
	V    int    `json:"v"`
	Type string `json:"type"`
	Do   string `json:"do"`
}

// problem is the answer to a line that is no command.
type problem struct {
	V     int    `json:"v"`
	Type  string `json:"type"`
	Error string `json:"error"`
}

// parseCommand reads a client's line.
func parseCommand(line []byte) (string, error) {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return "", errors.New("not a line of JSON")
	}
	switch {
	case c.V != Version:
		return "", fmt.Errorf("version %d of the protocol; this is version %d", c.V, Version)
	case c.Type != "command":
		return "", fmt.Errorf("a client sends commands, not %.40q", c.Type)
	case c.Do != Next && c.Do != Previous && c.Do != Blank:
		return "", fmt.Errorf("unknown command %.40q: next, previous or blank", c.Do)
	}
	return c.Do, nil
}

// parseState reads a presentation's line.
func parseState(line []byte) (*State, error) {
	var s struct {
		State
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &s); err != nil {
		return nil, errors.New("the presentation sent something that is no line of JSON")
	}
	switch {
	case s.V != Version:
		return nil, fmt.Errorf("the presentation speaks version %d of the protocol, this program version %d", s.V, Version)
	case s.Type == "error":
		return nil, fmt.Errorf("the presentation refused: %s", s.Error)
	case s.Type != "state":
		return nil, fmt.Errorf("the presentation sent %.40q, not a state", s.Type)
	}
	return &s.State, nil
}

// line is the state as it is sent, with its texts cut to their limits.
func (s State) line() []byte {
	s.V, s.Type = Version, "state"
	for _, name := range []*string{&s.Name, &s.Title, &s.MarkName} {
		*name = cut(*name, maxName)
	}
	for _, text := range []*string{&s.Notes, &s.PartNotes, &s.Say, &s.Why} {
		*text = cut(*text, maxText)
	}
	if s.Next != nil {
		s.Next = &Preview{cut(s.Next.Mark, maxName), cut(s.Next.Say, maxText), cut(s.Next.Why, maxText)}
	}
	var questions []Question
	for _, q := range s.Questions[:min(len(s.Questions), maxQuestions)] {
		questions = append(questions, Question{cut(q.Ask, maxText), cut(q.Answer, maxText)})
	}
	s.Questions = questions
	return line(s)
}

// line is a message as it is sent.
func line(message any) []byte {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(message); err != nil {
		panic(err) // strings and numbers cannot fail
	}
	return b.Bytes()
}

// cut shortens a text to so many bytes, at a character's end.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
