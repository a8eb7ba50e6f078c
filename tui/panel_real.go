package tui

import "strings"

// The same programs on the real kernel: its calls beside the model's.

func headReal(p *pen, s *scene) {
	switch {
	case s.doc.Live == nil:
		p.in(styleDim).str("absent")
	case s.live.running:
		p.in(styleDim).str("running")
	case s.live.err != nil:
		p.in(styleBad).str("failed")
	case s.live.run != nil:
		p.in(styleGood).str("= ").dec(int64(s.lane.same)).str(" same")
		if s.lane.differ > 0 {
			p.in(styleBad).str("  ! ").dec(int64(s.lane.differ)).str(" differ")
		}
	}
}

// noHardware is what the real lane does not have.
const (
	noHardware      = "Loopback: no card, no hard interrupt; the sender raises the softirq."
	noHardwareShort = "loopback: no card or hard interrupt"
)

// How wide a panel is that has a column for each thread, a column, and one that
// has both lanes side by side.
const (
	realWide   = 76
	realColumn = 30
	realBeside = 70
)

func drawReal(p *pen, s *scene) {
	y, end := 0, p.h-1
	switch {
	case s.doc.Live == nil:
		y = p.wrap(0, p.h-3, "No real lane: "+s.doc.LiveWhy+". These are the model's calls:")
	case s.live.err != nil:
		p.in(styleBad)
		y = p.wrap(0, p.h-3, s.live.err.Error())
	case s.live.running:
		p.line(0).in(styleDim).rest("running on the real kernel; the model's calls:")
		y = 1
	}
	if s.doc.Live != nil && end > y+2 {
		text := noHardware
		if len(text) > p.w {
			text = noHardwareShort
		}
		p.line(end).in(styleDim).rest(text)
	} else {
		end = p.h
	}
	if p.w >= realWide {
		drawThreads(p, s, y, end)
		return
	}
	drawRows(p, s, s.lane.all, y, end, s.lane.callers > 1)
}

// drawThreads gives each thread a column. If there are too many, those beside
// the call at the cursor are shown.
func drawThreads(p *pen, s *scene, y, end int) {
	all := len(s.lane.threads)
	n := min(all, p.w/realColumn)
	first := 0
	if row := s.hereRow(); row >= 0 {
		first = min(max(s.threadOf(row)-n/2, 0), all-n)
	}
	body := p.rect
	width := body.w / n
	for i := range n {
		p.over(rect{body.x + i*width, body.y, width - 1, body.h})
		p.line(y).in(styleTitle).str(s.m.Config.Threads[first+i].Name)
		switch {
		case i == 0 && first > 0:
			p.in(styleDim).str("  + ").dec(int64(first)).str(" before")
		case i == n-1 && first+n < all:
			p.in(styleDim).str("  + ").dec(int64(all - first - n)).str(" more")
		}
		top := y + 1
		if end-y > 8 && s.live.run != nil {
			top += drawThreadState(p, s, first+i, top)
		}
		if rows := s.lane.threads[first+i]; len(rows) > 0 {
			drawRows(p, s, rows, top, end, false)
		} else {
			p.at(0, top).in(styleDim).rest("makes no call")
		}
	}
	p.over(body)
}

// drawThreadState writes where a thread is in both lanes: the real one at the end
// of its run, the model's at the cursor.
func drawThreadState(p *pen, s *scene, thread, y int) int {
	if thread < len(s.live.run.Threads) {
		t := &s.live.run.Threads[thread]
		p.line(y).in(styleDim).str("real:  ")
		p.threadState(t.State, t.Wchan, t.Voluntary, t.Involuntary)
	}
	p.line(y + 1).in(styleDim).str("model: ")
	if k := s.taskOf(thread); k >= 0 {
		t := &s.m.Tasks[k]
		p.threadState(t.State.Letter(), s.modelWchan(k), int64(t.Switches), int64(t.Preempted))
	}
	return 2
}

// threadState is a state, where a sleeper sleeps, and the switches: those of its
// own accord, and the forced ones.
func (p *pen) threadState(state, wchan string, own, forced int64) {
	if state == "" || state == "X" {
		state = "ended"
	}
	p.str(state)
	if wchan != "" {
		p.rune(' ').str(wchan)
	}
	p.str(", ").dec(own).str("+").dec(forced).str(" switches")
}

// threadOf is the thread of a row.
func (s *scene) threadOf(row int) int {
	for t, rows := range s.lane.threads {
		for lo, hi := 0, len(rows); lo < hi; {
			switch mid := (lo + hi) / 2; {
			case int(rows[mid]) == row:
				return t
			case int(rows[mid]) < row:
				lo = mid + 1
			default:
				hi = mid
			}
		}
	}
	return 0
}

// drawRows writes the rows of a list around the call at the cursor, or around
// the last one that the cursor has reached.
func drawRows(p *pen, s *scene, rows []int32, y, end int, names bool) {
	here := s.hereRow()
	at := max(s.reached(rows)-1, 0)
	for i := at; i < len(rows) && i < at+2; i++ {
		if int(rows[i]) == here {
			at = i
		}
	}
	if len(rows) == len(s.lane.rows) {
		at = max(here, 0)
	}
	for i := firstRow(s, rows, at, end-y, p.w); i < len(rows) && y < end; i++ {
		if s.blind && s.lane.rows[rows[i]].pos > s.pos {
			p.line(y).in(styleDim).rest("    what comes is hidden: there are questions about it")
			break
		}
		y += drawRow(p, s, int(rows[i]), y, end, int(rows[i]) == here, names)
	}
}

// firstRow chooses where to begin so that a row is seen, with a quarter of the
// lines for what comes behind it.
func firstRow(s *scene, rows []int32, at, lines, width int) int {
	if len(rows) == 0 {
		return 0
	}
	ahead := 0
	for i := at + 1; i < len(rows) && ahead < lines/4; i++ {
		ahead += rowHeight(s, int(rows[i]), width)
	}
	left := lines - min(ahead, lines/4) - rowHeight(s, int(rows[at]), width)
	for at > 0 {
		if left -= rowHeight(s, int(rows[at-1]), width); left < 0 {
			break
		}
		at--
	}
	return at
}

// rowHeight is how many lines a row takes: a difference has both calls and why.
func rowHeight(s *scene, row, width int) int {
	r := &s.lane.rows[row]
	if s.live.run == nil || r.same || r.unknown {
		return 1
	}
	h := 2
	if width >= realBeside {
		h = 1
	}
	if s.why(r) != "" {
		h++
	}
	return h
}

// why is what a difference may come from.
func (s *scene) why(r *laneRow) string {
	if r.why == "" && s.doc.Live != nil && len(s.doc.Unordered) > 0 {
		return s.doc.UnorderedWhy
	}
	return r.why
}

// drawRow writes a row and returns how many lines it took.
func drawRow(p *pen, s *scene, row, y, end int, here, names bool) int {
	const text = 4
	r := &s.lane.rows[row]
	st := styleText
	if r.pos > s.pos && !here {
		st = styleDim
	}
	p.line(y)
	if here {
		p.in(styleHere).rune('>')
	}
	p.at(1, y)
	differs := s.live.run != nil && !r.same && !r.unknown
	switch {
	case r.same:
		p.in(bright(st, styleGood)).rune('=')
	case differs:
		p.in(bright(st, styleBad)).rune('!')
	}
	if here {
		st = styleBold
	}
	p.at(text-1, y)
	if names {
		p.in(styleDim).str(s.rowThread(r)).str(": ")
	}
	p.in(st)
	switch model, real := s.rowLines(r); {
	case !differs && model == "":
		p.in(styleDim).call(real, p.left())
	case !differs:
		p.call(model, p.left())
	case p.w >= realBeside:
		p.call(model, p.w/2-p.x).to(p.w/2).in(bright(st, styleBad)).str("real: ").in(st).call(real, p.left())
	default:
		p.call(model, p.left())
		if y+1 < end {
			p.at(text-1, y+1).in(bright(st, styleBad)).str("real: ").in(st).call(real, p.left())
		}
	}
	h := rowHeight(s, row, p.w)
	if why := s.why(r); differs && why != "" && y+h-1 < end {
		p.at(text-1, y+h-1).in(styleDim).str("why: ").rest(why)
	}
	return h
}

// call writes a call into so many cells. What is cut are its arguments: the
// result is what one looks for.
func (p *pen) call(line string, width int) *pen {
	if i := strings.LastIndex(line, " = "); i > 0 && len(line)-i < width && !fits(line, width, p.g.ascii) {
		return p.fit(line[:i], width-(len(line)-i)).str(line[i:])
	}
	return p.fit(line, width)
}

// bright is a style, but dim where the text is.
func bright(text, st style) style {
	if text == styleDim {
		return styleDim
	}
	return st
}

// rowThread is the name of a row's thread.
func (s *scene) rowThread(r *laneRow) string {
	if r.model >= 0 {
		return s.model[r.model].Thread
	}
	return s.live.run.Calls[r.real].Thread
}

// rowLines are both lanes' calls.
func (s *scene) rowLines(r *laneRow) (model, real string) {
	model, real = "no such call of the model", "no such call"
	if r.unknown {
		model = ""
	}
	if r.model >= 0 {
		model = s.model[r.model].Line
	}
	if r.real >= 0 {
		real = s.live.run.Calls[r.real].Line
	}
	return model, real
}
