package tui

import (
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/scenarios/compare"
)

// The keys of a comparison, and how one is opened.

// compare is the action: with a name, it compares with that; without one, with the
// scenario's variant, or it asks which.
func (a *app) compare(with string) tea.Cmd {
	if err := a.compareWith(with); err != nil {
		a.overlay = overlay{title: "CANNOT COMPARE", lines: splitLines(err.Error())}
	}
	return nil
}

func (a *app) compareWith(with string) error {
	doc := a.scene.doc
	if with == "" && len(doc.Variants) > 1 {
		a.chooseVariant()
		return nil
	}
	if with == "" && len(doc.Variants) == 0 {
		return fmt.Errorf("%s has no variants: name what it is compared with, a scenario or a file", doc.Name)
	}
	if with == "" {
		with = doc.Variants[0].Name
	}
	left, err := a.opts.Open(doc.Name)
	if err != nil {
		return err
	}
	right, err := a.opts.With(doc.Name, with)
	if err != nil {
		return err
	}
	v, err := newVersus([2]*Doc{left, right}, a.opts.Lang)
	if err != nil {
		return err
	}
	a.player.on = false
	if a.versus != nil {
		a.versus.stop()
	}
	a.versus = v
	return nil
}

// chooseVariant lists the variants; a digit chooses one.
func (a *app) chooseVariant() {
	variants := a.scene.doc.Variants
	lines := []string{"press the number of what it is compared with", ""}
	for i, v := range variants {
		if i < 9 {
			lines = append(lines, strconv.Itoa(i+1)+"  "+v.Title)
		} else {
			lines = append(lines, ":compare "+v.Name)
		}
	}
	a.overlay = overlay{title: "COMPARE", lines: lines, pick: func(n int) tea.Cmd {
		if n < 1 || n > len(variants) {
			return nil
		}
		return a.compare(variants[n-1].Name)
	}}
}

// versusActions are the keys while two runs are compared. What they share with the
// single run means the same.
func versusActions(base []action) []action {
	move := func(to func(v *versus) int) func(*app, string) tea.Cmd {
		return plain(func(a *app) { a.versusTo(to(a.versus)) })
	}
	diff := func(find func(v *versus) bool) func(*app, string) tea.Cmd {
		return plain(func(a *app) {
			if !find(a.versus) {
				a.message = "no difference that way"
			}
		})
	}
	out := []action{
		row("right l .", "→ l .", "step both on", "step", groupMove, "← → step", move(func(v *versus) int { return v.at + 1 })),
		row("left h ,", "← h ,", "step both back", "back", groupMove, "", move((*versus).back)),
		row("s", "s", "micro-step: a record of thread, packet or time", "micro", groupMove, "s micro", plain((*app).versusMicro)),
		row("S", "S", "micro-step back", "microback", groupMove, "", plain(func(a *app) { a.versus.microBack() })),
		row("d ]", "d ]", "to the next difference", "next", groupMove, "d D difference", diff(func(v *versus) bool { return v.nextDiff(1) })),
		row("D [", "D [", "to the previous difference", "previous", groupMove, "", diff(func(v *versus) bool { return v.nextDiff(-1) })),
		row("g", "g", "go to a point (7) or a time (3.4us)", "goto N|TIME", groupMove, "", (*app).versusGoto),
		row("home", "Home", "to the start", "start", groupMove, "", move(func(*versus) int { return 0 })),
		row("end", "End", "to the end of both runs", "end", groupMove, "", move(func(v *versus) int { return v.last() })),
		row("v", "v", "keep step by call, by packet or by time", "mode", groupLook, "v by call, packet, time", plain(func(a *app) { a.versus.cycle() })),
		row("1", "1", "to the first difference", "first", groupMove, "1 first", diff(func(v *versus) bool { return v.toDiff(0) })),
		row("f", "f", "follow another thread", "follow", groupLook, "f thread", plain(func(a *app) { a.versus.follow() })),
		row("w", "w", "this point at length", "why", groupLook, "w why", plain((*app).versusWhy)),
		row("R", "R", "both on the real kernel, where the cursor is", "realpage", groupLook, "", (*app).versusReal),
		row("r", "r", "run both on the real kernel again", "real", groupLook, "", (*app).versusRerun),
		row("esc", "Esc", "leave a page, the comparison", "close", groupOther, "", plain((*app).leaveVersus)),
	}
	for _, name := range []string{"play", "slower", "faster", "normal", "theme", "mouse", "", "help", "suspend", "redraw", "quit"} {
		for i := range base {
			if base[i].name() == name && (name != "" || base[i].Help().Key == ":") {
				out = append(out, base[i])
			}
		}
	}
	return out
}

// versusTo moves the cursor to a point.
func (a *app) versusTo(at int) {
	v := a.versus
	if at > v.last() {
		a.message = "this is the end of both runs"
	}
	v.show(at)
}

// versusMicro moves it by a record.
func (a *app) versusMicro() {
	if v := a.versus; v.at == v.last() {
		a.message = "this is the end of both runs"
	}
	a.versus.microStep()
}

func (a *app) versusGoto(arg string) tea.Cmd {
	v := a.versus
	if arg == "" {
		return a.ask(promptGoto)
	}
	if n, err := strconv.Atoi(arg); err == nil {
		v.show(n)
		return nil
	}
	t, err := parseTime(arg)
	if err != nil {
		a.message = err.Error()
		return nil
	}
	pos := v.side[compare.Left].tl.FirstAfter(t)
	at := 0
	for at < len(v.points) && v.points[at].Pos[compare.Left] <= pos {
		at++
	}
	v.show(at)
	return nil
}

// versusWhy is the page with the point's texts uncut.
func (a *app) versusWhy() {
	v := a.versus
	lines := fold(a.w-6, v.say())
	for side, s := range v.side {
		lines = append(lines, "", strings.ToUpper(sideNames[side])+"  "+s.doc.Label)
		if act := v.act(side); act >= 0 {
			lines = append(lines, fold(a.w-6, v.c.Threads[v.thread].Acts[side][act].Line)...)
		}
		if s.rec == nil {
			continue
		}
		w, why := s.whatAndWhy()
		lines = append(lines, fold(a.w-6, w.fn+": "+w.step, w.say, why)...)
	}
	a.overlay = overlay{title: "COMPARE", lines: lines}
}

func (a *app) leaveVersus() {
	a.player.on = false
	a.versus.stop()
	a.versus = nil
}
