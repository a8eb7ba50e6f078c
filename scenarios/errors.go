package scenarios

import (
	"fmt"
	"strings"

	"ringside/kernel"
)

// Error is what is wrong with a file, and where.
type Error struct {
	File      string
	Line, Col int // from 1; 0: the file as a whole
	Msg       string
	Source    string // the line
}

// Error gives the place, the message, and the line with a caret under the
// column. What comes from the file is printed with control characters escaped.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", kernel.Printable(e.File), printable(e.Msg))
	}
	head := fmt.Sprintf("%s:%d:%d: %s", kernel.Printable(e.File), e.Line, e.Col, printable(e.Msg))
	line := strings.ReplaceAll(e.Source, "\t", " ")
	before := []rune(line)
	col := min(e.Col-1, len(before))
	return fmt.Sprintf("%s\n%5d | %s\n      | %s^", head, e.Line, kernel.Printable(line),
		strings.Repeat(" ", len([]rune(kernel.Printable(string(before[:max(col, 0)]))))))
}

// printable escapes a message line by line.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = kernel.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
