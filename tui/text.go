package tui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"ringside/kernel"
	"ringside/sim"
)

// Text mode: the same run as numbered blocks of lines, for screen readers, dumb
// terminals, pipes and transcripts. It drives the same model as the screen by the
// same actions, so that steps have the same numbers; no control character is
// written, and nothing that is written is changed later.

// TextOptions is how text mode talks to its user.
type TextOptions struct {
	In   io.Reader
	Out  io.Writer
	Echo bool // commands do not come from a terminal, which would show them
	All  bool // the whole run, without prompts
}

// text is a session of text mode.
type text struct {
	ctx   context.Context
	app   *app
	lines <-chan string
	out   *bufio.Writer
	echo  bool
	all   bool
	over  bool
}

// Text runs text mode until the user or the input ends it.
func Text(ctx context.Context, opts Options, to TextOptions) error {
	x := &text{ctx: ctx, app: newApp(opts), lines: readLines(ctx, to.In), out: bufio.NewWriter(to.Out), echo: to.Echo, all: to.All}
	name := opts.Start
	switch {
	case name == "" && to.All:
		return errors.New("name the scenario whose whole run is to be printed")
	case name == "":
		if err := x.app.list(); err != nil {
			return err
		}
		if name = x.choose(x.app.opts.Items); name == "" {
			return x.out.Flush()
		}
	}
	if err := x.app.open(name); err != nil {
		return err
	}
	x.opening()
	if x.all {
		x.wholeRun()
	} else {
		x.converse()
	}
	x.score()
	return x.out.Flush()
}

func (x *text) scene() *scene { return x.app.scene }

// readLines sends the lines of the input until it ends.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// prompt asks for a line. It is false when there will be none any more.
func (x *text) prompt(question string) (string, bool) {
	x.out.WriteString(question)
	if x.out.Flush() != nil {
		x.over = true
		return "", false
	}
	select {
	case line, ok := <-x.lines:
		switch {
		case !ok:
			x.over = true
			x.line("")
		case x.echo:
			x.line(kernel.Printable(line))
		}
		return strings.TrimSpace(line), ok
	case <-x.ctx.Done():
		x.over = true
		x.line("")
		return "", false
	}
}

// choose lists the scenarios and asks which one; "" if nobody answers.
func (x *text) choose(items []Item) string {
	for i := range items {
		x.para(fmt.Sprintf("%d. %s", i+1, items[i].Name), items[i].Title)
	}
	for {
		answer, ok := x.prompt("Scenario, by number or name: ")
		if !ok || answer == "q" {
			return ""
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(items) {
			return items[n-1].Name
		}
		for i := range items {
			if items[i].Name == answer {
				return answer
			}
		}
		x.line("There is none of that number or name; q ends.")
	}
}

// opening says what the scenario is about.
func (x *text) opening() {
	d := x.scene().doc
	x.line("")
	x.hanging("", d.Title)
	x.para("Teaches", d.Teaches)
	x.para("A common misconception", d.Misconception)
	if !x.all {
		x.line("  Enter takes a step, ? lists the commands, q ends.")
	}
}

// converse does what the lines of the input say.
func (x *text) converse() {
	for !x.over {
		x.line("")
		line, ok := x.prompt("> ")
		if !ok {
			return
		}
		x.command(line)
	}
}

// wholeRun writes all steps, as far as the screen would go by itself.
func (x *text) wholeRun() {
	a, s := x.app, x.scene()
	for s.pos < extendTo && x.ctx.Err() == nil {
		from := s.pos
		if x.act(func() { a.step(1) }); s.pos == from {
			x.line("")
			x.line("The end of the run.")
			return
		}
		x.tell(from)
		if x.out.Flush() != nil {
			return
		}
	}
	x.line("")
	x.line(fmt.Sprintf("The run goes on; what is told ends at record %d.", s.pos))
}

// act does something that may lead to a question: then that is asked first, and
// what was wanted goes on, or is done again.
func (x *text) act(do func()) {
	a := x.app
	for do(); a.predict.asking && !x.over; {
		if x.question(); x.over {
			return
		}
		if on := a.predict.onward; on.to > 0 {
			a.reach(on.to, on.arrived)
		} else {
			do()
		}
	}
}

// tell writes what stands at the cursor, as far as it is new.
func (x *text) tell(from sim.Seq) {
	s := x.scene()
	if s.rec == nil {
		x.line("")
		x.line("Step 0: nothing has happened yet.")
		return
	}
	first := s.ix.start(s.step)
	if first < from && from < s.pos { // it has been told up to there
		first = from
	}
	x.block(first)
}

// textColumns is how wide a line may be; what is broken goes on further in.
const (
	textColumns = 80
	textIndent  = "    "
)

// line writes a line as it is.
func (x *text) line(s string) {
	x.out.WriteString(s)
	x.out.WriteByte('\n')
}

// para writes a text under its label, if there is one.
func (x *text) para(label, s string) {
	if strings.TrimSpace(s) != "" {
		x.hanging("  ", label+": "+s)
	}
}

// hanging writes a text broken at blanks. It may come from a file: what would
// control the terminal is escaped.
func (x *text) hanging(indent, s string) {
	s = kernel.Printable(strings.Join(strings.Fields(s), " "))
	for _, l := range wrapWords(s, textColumns-len(textIndent)) {
		x.line(indent + l)
		indent = textIndent
	}
}

// wrapWords breaks a text at blanks into lines of at most so many cells. A word
// that is longer is cut.
func wrapWords(s string, width int) []string {
	var lines []string
	line, cells := "", 0
	for _, word := range strings.Fields(s) {
		w := ansi.StringWidth(word)
		if cells > 0 && cells+1+w <= width {
			line, cells = line+" "+word, cells+1+w
			continue
		}
		if cells > 0 {
			lines = append(lines, line)
		}
		for ; w > width; w = ansi.StringWidth(word) {
			head := ansi.Truncate(word, width, "")
			lines = append(lines, head)
			word = word[len(head):]
		}
		line, cells = word, w
	}
	if cells > 0 {
		lines = append(lines, line)
	}
	return lines
}
