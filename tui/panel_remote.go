package tui

import "ringside/kernel"

// The other ends of TCP connections, where the net panel has rows to spare.

// remoteNames are a remote end's states, as ss would print them there.
var remoteNames = [...]string{
	kernel.RemoteClosed: "UNCONN", kernel.RemoteSynSent: "SYN-SENT", kernel.RemoteSynRcvd: "SYN-RECV", kernel.RemoteOpen: "ESTAB",
}

// drawRemotes writes the remote ends that have begun, at most so many: the last
// ones, if there are more.
func drawRemotes(p *pen, s *scene, y, rows int) {
	begun := 0
	for i := range s.m.Remotes {
		if s.m.Remotes[i].Base != 0 {
			begun++
		}
	}
	for i := range s.m.Remotes {
		if s.m.Remotes[i].Base == 0 {
			continue
		}
		if begun <= rows {
			drawRemote(p.line(y), s, int32(i))
			y++
		}
		begun--
	}
}

// drawRemote writes a remote end: how much it has on the way and what it waits
// for, an answer or an acknowledgement.
func drawRemote(p *pen, s *scene, id int32) {
	t, was := &s.m.Remotes[id], old(s.was.Remotes, id)
	p.str("far ").addr(t.Own.IP, t.Own.Port).str(" ").mark(t.State != was.State).str(remoteNames[t.State]).in(styleText)
	if n := int64(t.SndMax - t.SndUna); n > 0 || was.SndMax != was.SndUna {
		p.count(" out", n, int64(was.SndMax-was.SndUna))
	}
	switch {
	case t.Ready != 0:
		p.str(" thinks").mark(t.Ready != was.Ready).span(t.Ready - s.m.Now).in(styleText)
	case t.Due != 0 && t.Tries > 0:
		p.str(" tries ").mark(t.Tries != was.Tries).dec(int64(t.Tries)).in(styleText)
	}
}
