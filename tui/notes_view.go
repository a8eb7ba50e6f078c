package tui

import (
	"fmt"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"golang.org/x/term"

	"ringside/tui/speaker"
)

// notesView is the speaker's terminal: what the presentation tells, as it comes.
type notesView struct {
	client *speaker.Client
	state  *speaker.State // nil: nothing has come yet
	came   time.Time      // when it did
	now    func() time.Time
	err    error // why nothing more will come

	w, h  int
	grid  grid
	pen   pen
	theme *theme
}

// notesStateMsg brings a state, or says why there will be none.
type notesStateMsg struct {
	state *speaker.State
	err   error
}

type notesTickMsg struct{}

// RunNotes shows the speaker notes of the newest presentation, or of the newest of
// a name, until it ends or the user quits.
func RunNotes(dir, name, themeName string, ascii bool) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return &NoTerminalError{"the notes need a terminal"}
	}
	c, err := speaker.Dial(dir, name)
	if err != nil {
		return err
	}
	defer c.Close()
	v := newNotesView(c, themeName, ascii)
	if err := untilSignalled(paintOn(v), func(*tea.Program) {}, func() bool { return false }); err != nil {
		return err
	}
	if v.err == speaker.ErrEnded {
		fmt.Println(v.err)
		return nil
	}
	return v.err
}

func newNotesView(c *speaker.Client, themeName string, ascii bool) *notesView {
	v := &notesView{client: c, now: time.Now, theme: newTheme(chooseTheme(themeName), lipgloss.ColorProfile())}
	v.grid.ascii = ascii
	v.pen.g = &v.grid
	v.w, v.h = 80, 24
	return v
}

// Init asks for the first state.
func (v *notesView) Init() tea.Cmd { return tea.Batch(v.wait, notesTick()) }

func (v *notesView) wait() tea.Msg {
	s, err := v.client.Next()
	return notesStateMsg{s, err}
}

func notesTick() tea.Cmd {
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return notesTickMsg{} })
}

// Update takes a state, a key or a size.
func (v *notesView) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		v.w, v.h = msg.Width, msg.Height
	case notesTickMsg:
		return v, notesTick()
	case notesStateMsg:
		if v.err = msg.err; v.err != nil {
			return v, tea.Quit
		}
		v.state, v.came = msg.state, v.now()
		return v, v.wait
	case tea.KeyMsg:
		return v, v.key(msg.String())
	}
	return v, nil
}

// key sends a command. What comes of it comes back as a state.
func (v *notesView) key(k string) tea.Cmd {
	do := ""
	switch k {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "right", "down", "pgdown", " ", "n", "enter":
		do = speaker.Next
	case "left", "up", "pgup", "backspace", "p":
		do = speaker.Previous
	case ".", "b":
		do = speaker.Blank
	default:
		return nil
	}
	return func() tea.Msg {
		_ = v.client.Do(do) // if it is gone, wait says so
		return nil
	}
}

// View draws the page.
func (v *notesView) View() string {
	g, t := v.frame()
	return g.render(t)
}

func (v *notesView) frame() (*grid, *theme) {
	v.grid.reset(v.w, v.h)
	p := v.pen.over(rect{1, 0, max(v.w-2, 0), v.h})
	if v.state == nil {
		p.str("waiting for the presentation")
	} else {
		v.draw(p, v.state)
	}
	return &v.grid, v.theme
}

func (v *notesView) draw(p *pen, s *speaker.State) {
	title := s.Title
	if title == "" {
		title = s.Name
	}
	gone := time.Duration(s.ElapsedMS)*time.Millisecond + v.now().Sub(v.came)
	t := timeAgainst(gone, time.Duration(s.Minutes)*time.Minute, time.Duration(s.PartUntil)*time.Minute)
	p.in(styleTitle).fit(title, p.w-len(t)-1).in(styleBold).at(p.w-len(t), 0).str(t)
	p.line(1)
	if s.Part.Of > 1 {
		p.str("part ").dec(int64(s.Part.N)).str("/").dec(int64(s.Part.Of)).str("  ")
	}
	p.str("mark ").dec(int64(s.Mark.N)).str("/").dec(int64(s.Mark.Of)).str("  ").in(styleHere).str(" ").str(s.MarkName).str(" ").in(styleText)
	switch {
	case s.Left:
		p.str("  not presenting now")
	case s.Blank:
		p.str("  the screen is black")
	case s.OffMark:
		p.str("  and some micro-steps on")
	}
	y := v.drawBlock(p, 3, p.h-9, "NOTES", s.Notes, partNotes(s))
	y = v.drawBlock(p, y, p.h-6, "ON THE SCREEN", s.Say, s.Why)
	if s.Next != nil {
		y = v.drawBlock(p, y, p.h-3, "NEXT: "+s.Next.Mark, s.Next.Say, s.Next.Why)
	} else {
		y = v.drawBlock(p, y, p.h-3, "NEXT: the end", "")
	}
	if len(s.Questions) > 0 && y+1 < p.h-1 {
		p.line(y).in(styleFocus).rest("QUESTIONS COMING")
		drawAhead(p, y+1, p.h-1, s.Questions)
	}
	p.line(p.h - 1).in(styleDim).rest("→ next   ← previous   . black   q quit")
}

// drawAhead writes questions that will come with their answers, not beyond a row.
// Where there is no room for both it is the answer that the speaker has to know.
func drawAhead(p *pen, y, end int, questions []speaker.Question) {
	for _, q := range questions {
		text := q.Ask + " - " + q.Answer
		if rowsFor(text, p.w) > end-y {
			text = "- " + q.Answer
		}
		if y < end {
			p.st = styleText
			y += p.wrap(y, end-y, text)
		}
	}
}

// partNotes are those of the part, where it begins.
func partNotes(s *speaker.State) string {
	if s.Mark.N == 1 || s.Notes == "" {
		return s.PartNotes
	}
	return ""
}

// drawBlock writes a heading and paragraphs, not beyond a row, and returns the row
// behind the blank one after it. Without text there is nothing but the heading.
func (v *notesView) drawBlock(p *pen, y, end int, heading string, paragraphs ...string) int {
	if y >= end {
		return y
	}
	p.line(y).in(styleFocus).rest(heading)
	y++
	for _, text := range paragraphs {
		if text == "" || y >= end {
			continue
		}
		p.st = styleText
		for _, l := range splitLines(text) {
			if y < end {
				y += p.wrap(y, end-y, l)
			}
		}
	}
	return y + 1
}
