package tui

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
		p.in(styleDim).str("log only: it cannot be stepped back")
	}
}

// noHardware is what the real lane does not have.
const noHardware = "Over loopback: no card, no hard interrupt; the sender raises the softirq."

func drawReal(p *pen, s *scene) {
	y := 0
	switch {
	case s.doc.Live == nil:
		y = p.wrap(0, p.h-3, "No real lane: "+s.doc.LiveWhy)
	case s.live.err != nil:
		y = p.wrap(0, p.h-3, s.live.err.Error())
	case s.live.running:
		p.line(0).str("running on the real kernel")
		y = 1
	}
	p.line(p.h - 1).in(styleDim).rest(noHardware)
	if s.live.run != nil && p.h > 4 {
		for i, note := range s.live.run.Notes {
			if i < p.h/4 {
				p.line(p.h - 2 - i).in(styleDim).rest(note)
			}
		}
		drawCalls(p, s, y, p.h-1-min(len(s.live.run.Notes), p.h/4))
		return
	}
	drawCalls(p, s, y, p.h-1)
}

// drawCalls writes the model's calls up to the cursor, the last ones that fit,
// and beside each whether the real kernel answered alike.
func drawCalls(p *pen, s *scene, y, end int) {
	n := 0
	for n < len(s.model) && s.model[n].pos <= s.pos {
		n++
	}
	rows := end - y
	for i := max(n-rows, 0); i < n; i++ {
		c := &s.model[i]
		p.line(y)
		y++
		if len(s.m.Config.Threads) > 1 {
			p.in(styleDim).str(c.thread).str(": ").in(styleText)
		}
		if s.live.run == nil {
			p.rest(c.line)
			continue
		}
		real, ok := s.realCall(i)
		switch {
		case !ok:
			p.fit(c.line, p.left()-7).in(styleDim).str(" model")
		case real == c.line:
			p.fit(c.line, p.left()-8).in(styleGood).str(" ok same")
		default:
			p.fit(c.line, p.left()/2-1).in(styleBad).str(" ≠ ").rest(real)
		}
	}
}

// realCall is the real kernel's line for a call of the model: the one with the
// same place among its thread's calls.
func (s *scene) realCall(i int) (string, bool) {
	nth := 0
	for j := range i {
		if s.model[j].thread == s.model[i].thread {
			nth++
		}
	}
	for _, c := range s.live.run.Calls {
		if c.Thread != s.model[i].thread {
			continue
		}
		if nth == 0 {
			return c.Line, true
		}
		nth--
	}
	return "", false
}
