package tui

import (
	"strings"
	"testing"

	"ringside/sim"
)

// Every row of the tables names a field that there is, and every object of every
// scenario of the course can be looked into, at any time.
func TestEveryObjectCanBeLookedInto(t *testing.T) {
	for _, name := range []string{"one-packet", "tcp-accept", "timers-are-files", "socketpair-room", "pipe-end-of-file", "write-on-arm64", "poll-and-epoll", "signal-interrupts", "shared-line", "pic-history"} {
		a := testApp(t, scenario(t, name), 120, 40, "")
		a.toEnd()
		n := a.scene.tl.Len()
		for i := range sim.Seq(12) {
			a.move(n * i / 11)
			for k := refTask; k < numRefs; k++ {
				for id := range kindTables[k].len(a.scene.m) {
					p := inspectorPage(a, ref{k, int32(id)})
					if len(p.rows) < 2 || p.title == "" {
						t.Fatalf("%s: %s %d: %+v", name, refNames[k], id, p)
					}
				}
			}
			for panel := range numPanels {
				for _, x := range a.scene.panelRefs(panel) {
					if int(x.id) >= kindTables[x.kind].len(a.scene.m) {
						t.Fatalf("%s: panel %d offers %+v", name, panel, x)
					}
				}
			}
		}
	}
}

func TestTablesSayWhatFieldsAre(t *testing.T) {
	for k := refTask; k < numRefs; k++ {
		table := &kindTables[k]
		if table.linux == "" || table.doc == "" || len(table.rows) == 0 {
			t.Errorf("%s has no description", refNames[k])
		}
		for _, row := range table.rows {
			if row.linux == "" || row.doc == "" || strings.HasSuffix(row.doc, ".") {
				t.Errorf("%s: %+v", refNames[k], row)
			}
		}
	}
}

// A wait queue is named by whose it is; a descriptor by its process where there
// are several.
func TestObjectsAreNamedAsPeopleKnowThem(t *testing.T) {
	a := testApp(t, scenario(t, "pipe-end-of-file"), 120, 40, "")
	a.toEnd()
	s := a.scene
	if got := s.name(ref{refQueue, s.m.Pipes[0].RdWait}); got != "pipe 0's wait queue (rd_wait)" {
		t.Errorf("%q", got)
	}
	a = testApp(t, scenario(t, "same-address-two-processes"), 120, 40, "")
	a.toEnd()
	if a.scene.processes() < 2 {
		t.Errorf("%d processes", a.scene.processes())
	}
}

// The fields that changed in the step are marked, with what they were.
func TestChangedFieldsAreMarked(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.answer(promptCommand, "find __udp_enqueue")
	a.answer(promptCommand, "inspect socket 0")
	a.stale = true
	if text := a.text(); !strings.Contains(text, "*sk_receive_queue.qlen") || !strings.Contains(text, "0 > 1") {
		t.Errorf("screen:\n%s", text)
	}
	for i, r := range a.pages[0].rows {
		if strings.HasPrefix(r.text, "sk_wq") {
			a.pages[0].sel = i
		}
	}
	a.keys("enter")
	if got := a.text(); !strings.Contains(got, "socket 0's wait queue (sk_wq)  wait_queue_head_t") {
		t.Errorf("the link leads to:\n%s", got)
	}
	if a.keys("esc esc"); len(a.pages) != 0 {
		t.Errorf("%d pages are left", len(a.pages))
	}
}

// In a focused panel an object is chosen with the arrow keys; Enter opens it.
func TestAnObjectIsChosenInAPanel(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.answer(promptCommand, "find ep_poll_callback")
	a.keys("5 down")
	if text := a.text(); !strings.Contains(text, "epoll 0 (fd 4) (1 of") || !strings.Contains(text, ">epfd4") {
		t.Errorf("screen:\n%s", text)
	}
	a.keys("enter")
	if len(a.pages) != 1 || !strings.Contains(a.pages[0].title, "struct eventpoll") {
		t.Errorf("pages %+v", a.pages)
	}
	a.keys("esc 6 enter")
	if !a.zoom || len(a.pages) != 0 {
		t.Error("Enter without a choice must zoom")
	}
}

// From a cause one goes back to where one was.
func TestCausesAreGoneToAndBack(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.answer(promptCommand, "find try_to_wake_up")
	here := a.scene.pos
	a.keys("w")
	if text := a.text(); !strings.Contains(text, "a frame came over the wire") || !strings.Contains(text, "borrowed from worker") {
		t.Errorf("screen:\n%s", text)
	}
	a.keys("down down enter")
	if a.scene.pos >= here || len(a.pages) != 0 {
		t.Errorf("at %d, was %d", a.scene.pos, here)
	}
	if a.keys("esc"); a.scene.pos != here || a.scene == nil {
		t.Errorf("at %d, was %d", a.scene.pos, here)
	}
}

func TestTheSymbolPageHasCostsAndCallers(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 200, 60, "")
	a.answer(promptCommand, "find fn=__wake_up_common")
	a.keys("K")
	text := a.text()
	for _, want := range []string{"kernel/sched/wait.c", "times by __wake_up_common_lock", "10ns", "next entry"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
	if got := reading("__x64_sys_epoll_wait", "fs/eventpoll.c"); got != "man 2 epoll_wait" {
		t.Errorf("%q", got)
	}
}

func TestMarksHaveNamesAndAList(t *testing.T) {
	a := testApp(t, document(t, 1, 1), 120, 40, "")
	a.keys("l l l")
	a.answer(promptCommand, "setmark here it is")
	mine := a.scene.pos
	a.keys("end '")
	if !strings.Contains(a.text(), "here it is") {
		t.Errorf("screen:\n%s", a.text())
	}
	if a.keys("enter"); a.scene.pos != mine {
		t.Errorf("at %d, want %d", a.scene.pos, mine)
	}
	a.keys("home ' d esc")
	if len(a.userMark) != 0 {
		t.Errorf("marks %+v", a.userMark)
	}
	a.answer(promptCommand, "setmark again")
	a.keys("end")
	if a.answer(promptCommand, "marks aga"); a.scene.pos != 0 {
		t.Errorf("at %d", a.scene.pos)
	}
}

// The controllers that the shared line leads to can be looked into: what a record
// of theirs has touched is one key away, and the fields say how far it is.
func TestInterruptControllersCanBeLookedInto(t *testing.T) {
	for _, c := range []struct {
		scenario, find, title string
		want                  []string
	}{
		{"shared-line", "fn:i/o step:message", "redirection entry 11  struct IO_APIC_route_entry", []string{"* irr", "no > yes", "delivery_status", "is_level", "active_low", "masked", "vector", "destid_0_7", "the I/O APIC"}},
		{"shared-line", "fn:i/o step:EOI", "the I/O APIC  struct ioapic", []string{"redirection entry 11", "23 masked and idle", "nr_registers"}},
		{"pic-history", "fn:8259A", "8259A, the slave  struct legacy_pic", []string{"IR3", "cached_irq_mask", "PIC_ELCR1", "INT: IR3 asks for the master's IR2", "8259A, the master"}},
		{"pic-history", `fn:mask_and_ack step:"specific eoi"`, "8259A, the slave", []string{"IR3 > none"}},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			a := testApp(t, scenario(t, c.scenario), size[0], size[1], "")
			a.answer(promptCommand, "find "+c.find)
			x, ok := a.scene.recordRef(a.scene.rec)
			if !ok {
				t.Fatalf("%s, %s: the record has touched nothing: %s", c.scenario, c.find, a.message)
			}
			a.inspect(x)
			p := a.pages[0]
			if !strings.HasPrefix(p.title, c.title) {
				t.Errorf("%s, %s: %s", c.scenario, c.find, p.title)
			}
			var text strings.Builder
			for _, r := range p.rows {
				if r.mark {
					text.WriteString("* ")
				}
				text.WriteString(r.text + "\n")
			}
			for _, want := range c.want {
				if !strings.Contains(text.String(), want) {
					t.Errorf("%s, %s: no %q in\n%s", c.scenario, c.find, want, text.String())
				}
			}
		}
	}
	a := testApp(t, scenario(t, "shared-line"), 80, 24, "")
	for _, name := range []string{"ioapic 0", "redirection entry 11", "apic 0"} {
		if _, ok := a.scene.refNamed(name); !ok {
			t.Errorf("no %s", name)
		}
	}
	if _, ok := a.scene.refNamed("pic 0"); ok {
		t.Error("an 8259A where there is an I/O APIC")
	}
}
