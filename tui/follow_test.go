package tui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ringside/kernel"
	"ringside/nic"
	"ringside/sim"
)

// packetOf gives the records about a packet, by station and function, each once
// in a row.
func packetOf(s *scene, packet int32) (way []string) {
	for i := range s.tl.Len() {
		if s.who.at(i).packet != packet {
			continue
		}
		fn := s.m.Fn(s.tl.At(i))
		if len(way) == 0 || way[len(way)-1] != fn {
			way = append(way, fn)
		}
	}
	return way
}

// subsequence tells which of some names does not come behind the others, or "".
func subsequence(all, want []string) string {
	for _, w := range want {
		i := 0
		for i < len(all) && all[i] != w {
			i++
		}
		if i == len(all) {
			return w
		}
		all = all[i+1:]
	}
	return ""
}

// A packet is followed from the wire to the call that returned with it: through
// the card, the interrupt that announces it, the skb, the socket, the wakeup of
// the thread and its epoll_wait, and the read that takes it.
func TestAPacketIsFollowedToTheThreadThatReadsIt(t *testing.T) {
	a := testApp(t, scenario(t, "one-packet"), 120, 40, "")
	a.toEnd()
	way := packetOf(a.scene, 0)
	if missing := subsequence(way, []string{
		"wire", "dma", "msi-x", "local apic", "(interrupt delivery)", "e1000_intr_msix_rx", "net_rx_action", "e1000_clean_rx_irq", "napi_gro_receive",
		"ip_rcv_core", "__udp_enqueue_schedule_skb", "sock_def_readable", "ep_poll_callback", "try_to_wake_up", "context_switch", "ep_send_events",
		"epoll_wait", "udp_recvmsg", "skb_consume_udp", "do_syscall_64", "read",
	}); missing != "" {
		t.Errorf("%s is not on its way: %s", missing, strings.Join(way, " "))
	}
	for _, fn := range []string{"e1000_alloc_rx_buffers", "main", "exit_to_user_mode_loop"} {
		if subsequence(way, []string{fn}) == "" {
			t.Errorf("%s is not about the packet: %s", fn, strings.Join(way, " "))
		}
	}
}

// The segment that ends a handshake is what wakes the thread that accepts.
func TestTheLastSegmentOfAHandshakeIsFollowedToTheListener(t *testing.T) {
	a := testApp(t, scenario(t, "tcp-accept"), 120, 40, "")
	a.answer(promptCommand, "find fn:sock_def_readable")
	packet := a.scene.who.at(a.scene.pos - 1).packet
	if packet < 0 {
		t.Fatal("sock_def_readable is about no packet")
	}
	if missing := subsequence(packetOf(a.scene, packet), []string{"tcp_v4_rcv", "tcp_child_process", "sock_def_readable", "ep_poll_callback"}); missing != "" {
		t.Errorf("%s is not on the way: %s", missing, strings.Join(packetOf(a.scene, packet), " "))
	}
}

// Each packet of a burst is its own: what touches a frame or its skb is about that
// frame, whatever place the skb has.
func TestPacketsAreKeptApart(t *testing.T) {
	for _, doc := range []*Doc{document(t, 2, 40), scenario(t, "napi-32-packets"), scenario(t, "rss-four-cores")} {
		a := testApp(t, doc, 120, 40, "")
		a.toEnd()
		s := a.scene
		for pos := range s.tl.Len() {
			r := s.tl.At(pos)
			p := s.who.at(pos).packet
			switch r.Kind {
			case kernel.KindFrame:
				if p < 0 || s.who.packets[p].frame != r.Obj {
					t.Fatalf("%s: record %d touches frame %d and is about packet %d", doc.Name, pos, r.Obj, p)
				}
			case kernel.KindSkb:
				s.show(pos + 1)
				if b := &s.m.Skbs[r.Obj]; b.InUse && b.Frame != kernel.None && s.who.packets[p].frame != b.Frame {
					t.Fatalf("%s: record %d touches an skb of frame %d and is about %s", doc.Name, pos, b.Frame, s.packetName(p))
				}
			}
		}
		read := 0
		for id := range s.who.packets {
			if subsequence(packetOf(s, int32(id)), []string{"wire", "napi_gro_receive", "skb_consume_udp"}) == "" {
				read++
			}
		}
		if got := s.m.Counters.InDatagrams; read == 0 || int64(read) > got {
			t.Errorf("%s: %d packets followed from the wire to their read, of %d datagrams", doc.Name, read, got)
		}
	}
}

// A wait queue, an epoll item and a descriptor belong to the object behind them.
func TestWhatBelongsToAnObjectIsFollowedWithIt(t *testing.T) {
	a := testApp(t, scenario(t, "one-packet"), 120, 40, "")
	a.toEnd()
	s := a.scene
	id := s.who.thing(ref{refSock, 0})
	kinds := map[uint8]bool{}
	for i := range s.tl.Len() {
		if x := s.who.at(i); x.things[0] == id || x.things[1] == id {
			kinds[s.tl.At(i).Kind] = true
		}
	}
	for _, k := range []uint8{kernel.KindSock, kernel.KindQueue, kernel.KindEpi, kernel.KindFD} {
		if !kinds[k] {
			t.Errorf("no record of kind %d belongs to the socket", k)
		}
	}
	for _, query := range []string{`obj:"fd 3"`, `obj:"socket 0"`, "obj:epoll", "obj:server"} {
		x, err := s.compile(query)
		if err != nil {
			t.Fatal(err)
		}
		sel := selection{match: x.matches}
		if sel.update(s); len(sel.seqs) == 0 {
			t.Errorf("%s finds nothing", query)
		}
	}
}

// f goes round the packet, the tasks and the objects of a record; Esc ends it.
func TestFollowGoesRound(t *testing.T) {
	a := testApp(t, scenario(t, "one-packet"), 120, 40, "")
	a.answer(promptCommand, "find fn:ep_poll_callback")
	var seen []string
	for range 4 {
		a.keys("f")
		seen = append(seen, a.scene.followed.text)
	}
	want := []string{"packet 0 (frame 0)", "socket 0 (fd 3)", "epoll 0 (fd 4)", "packet 0 (frame 0)"}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
	if text := a.text(); !strings.Contains(text, "@frame 0") || !strings.Contains(text, "@ packet 0 (frame 0)") {
		t.Errorf("the packet is not marked:\n%s", text)
	}
	a.keys("esc")
	if a.scene.followed != nil || a.scene.only != nil {
		t.Error("still followed")
	}
	a.answer(promptCommand, "follow server")
	a.keys("home l l l")
	if r := a.scene.rec; r == nil || !ownOf(a.scene.m, r, taskNamed(a.scene.m, "server")) && a.scene.who.at(a.scene.pos - 1).things[0] < 0 {
		t.Errorf("stepped to %+v", r)
	}
}

// With a filter the arrow keys go from match to match, both ways, and the log has
// the matches alone.
func TestFilterNarrowsStepsAndLog(t *testing.T) {
	a := testApp(t, document(t, 2, 6), 200, 60, "")
	a.answer(promptCommand, "filter tp:sched_waking")
	var seen []sim.Seq
	for {
		pos := a.scene.pos
		if a.keys("l"); a.scene.pos == pos {
			break
		}
		if r := a.scene.rec; r.Point != kernel.PointSchedWaking {
			t.Fatalf("stopped at %+v", r)
		}
		seen = append(seen, a.scene.pos)
	}
	if len(seen) < 3 || len(seen) != len(a.scene.only.seqs) {
		t.Fatalf("%d of %d matches", len(seen), len(a.scene.only.seqs))
	}
	for i := len(seen) - 2; i >= 0; i-- {
		if a.keys("h"); a.scene.pos != seen[i] {
			t.Fatalf("back at %d, want %d", a.scene.pos, seen[i])
		}
	}
	log := a.text()[strings.Index(a.text(), "LOG"):]
	if n := strings.Count(log, "try_to_wake_up"); n < 3 || strings.Contains(log, "e1000_intr") {
		t.Errorf("%d matches in the log:\n%s", n, log)
	}
	if !strings.Contains(a.text(), fmt.Sprintf("filter tp:sched_waking 1/%d", len(seen))) {
		t.Errorf("the filter is not named:\n%s", a.text())
	}
	if a.keys("F"); a.scene.only != nil {
		t.Error("still filtered")
	}
}

// c goes on beyond what is known of the run.
func TestRunOnExtendsTheRun(t *testing.T) {
	a := testApp(t, scenario(t, "livelock"), 80, 24, "")
	known := a.scene.tl.Len()
	at := a.scene.tl.At(known - 1).T
	a.answer(promptCommand, fmt.Sprintf("break t>%s tp:irq_handler_entry", at))
	a.keys("c")
	if a.scene.pos <= known {
		t.Errorf("at %d, known were %d: %s", a.scene.pos, known, a.message)
	}
	a.keys("B")
	if !strings.Contains(a.text(), "1/") {
		t.Errorf("no count of hits:\n%s", a.text())
	}
	a.keys("d")
	if len(a.breaks) != 0 {
		t.Error("the break is still there")
	}
}

// What is found out about every record must not slow the run down much.
func BenchmarkExtend(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := newScene(scenario(b, "livelock"), "", 1)
		known := s.tl.Len()
		b.StartTimer()
		s.extend(100_000)
		b.ReportMetric(float64(s.tl.Len()-known), "records")
	}
}

// sentBy gives the packets that left through the card, in order.
func sentBy(s *scene) (ids []int32) {
	for id := range s.who.packets {
		if s.who.packets[id].sent != kernel.None {
			ids = append(ids, int32(id))
		}
	}
	return ids
}

// What a program sends through the card is one packet from the skb to the wire, and
// back when the card says that it is out. TCP sends clones; an acknowledgement has
// no data that waited anywhere.
func TestAPacketIsFollowedOutThroughTheCard(t *testing.T) {
	for _, c := range []struct {
		doc *Doc
		way []string
	}{
		{scenario(t, "three-requests"), []string{"tcp_sendmsg_locked", "__tcp_transmit_skb", "__ip_queue_xmit", "__dev_queue_xmit", "e1000_xmit_frame", "tx dma", "tx wire", "e1000_clean_tx_irq", "net_tx_action"}},
		{withSource(t, `s := socket(AF_INET, SOCK_DGRAM, 0)
sendto(s, "one", 3, 0, "10.0.0.2:9")
sendto(s, "two", 3, 0, "10.0.0.2:9")
nanosleep(200*us)`, false), []string{"ip_send_skb", "__dev_queue_xmit", "e1000_xmit_frame", "tx dma", "tx wire", "e1000_clean_tx_irq"}},
		{withSource(t, `s := socket(AF_INET, SOCK_DGRAM, 0)
sendto(s, "one", 3, 0, "10.0.0.2:9")
sendto(s, "two", 3, 0, "10.0.0.2:9")
nanosleep(200*us)`, true), []string{"ip_send_skb", "__dev_queue_xmit", "e1000_xmit_frame", "tx dma", "tx wire"}},
	} {
		a := testApp(t, c.doc, 120, 40, "")
		a.toEnd()
		s := a.scene
		whole := 0
		for _, id := range sentBy(s) {
			way := packetOf(s, id)
			if missing := subsequence(way, []string{"e1000_xmit_frame", "tx dma", "tx wire"}); missing != "" {
				t.Errorf("%s: %s: %s is not on the way: %s", c.doc.Name, s.packetName(id), missing, strings.Join(way, " "))
			}
			if subsequence(way, c.way) == "" {
				whole++
			}
		}
		if whole < 2 {
			t.Errorf("%s: %d packets from the program to the wire", c.doc.Name, whole)
		}
	}
}

// withSource is a document of one thread, with or without an IOMMU.
func withSource(t *testing.T, source string, iommu bool) *Doc {
	t.Helper()
	cfg := &kernel.Config{
		CPUs: 1, Seed: 1, NIC: nic.DefaultConfig(), Params: kernel.DefaultParams(), Stop: sim.Millisecond,
		Threads: []kernel.ThreadConfig{thread(t, "sender", source, 0)},
	}
	cfg.NIC.IOMMU = iommu
	m, err := kernel.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &Doc{Name: "sender", Title: "Sender", Timeline: sim.NewTimeline(m, kernel.Fresh, sim.Options{}), LiveWhy: "a test has no real kernel"}
}

// A datagram is one packet from sendto to the wire; over loopback, to the thread
// that reads it.
func TestADatagramIsFollowedFromItsSender(t *testing.T) {
	a := testApp(t, scenario(t, "loopback"), 120, 40, "")
	a.toEnd()
	s := a.scene
	read := 0
	for id := range s.who.packets {
		way := packetOf(s, int32(id))
		if subsequence(way, []string{"ip_send_skb", "__dev_queue_xmit", "loopback_xmit", "__netif_rx", "process_backlog", "ip_rcv_core", "sock_def_readable", "skb_consume_udp"}) == "" {
			read++
		}
	}
	if read == 0 {
		t.Errorf("no packet is followed through: %v", packetOf(s, 0))
	}
}

// Over loopback TCP's clone is received: from tcp_sendmsg to the reader, it is one
// packet.
func TestASegmentIsFollowedOverLoopback(t *testing.T) {
	a := testApp(t, scenario(t, "nagle-and-delayed-ack"), 120, 40, "")
	a.toEnd()
	s := a.scene
	read := 0
	for id := range s.who.packets {
		way := packetOf(s, int32(id))
		if subsequence(way, []string{"tcp_sendmsg_locked", "__tcp_transmit_skb", "loopback_xmit", "process_backlog", "tcp_v4_rcv", "tcp_data_queue"}) == "" {
			read++
		}
	}
	if read == 0 {
		t.Error("no segment is followed to its receiver")
	}
}

// A segment that GRO merges is followed into the packet that it is merged into, up
// to the thread that reads it; the others of that packet are not shown before.
func TestAMergedSegmentIsFollowedIntoTheOther(t *testing.T) {
	a := testApp(t, scenario(t, "gro"), 120, 40, "")
	a.toEnd()
	s := a.scene
	merged := 0
	for id := range s.who.packets {
		p := &s.who.packets[id]
		if p.into < 0 {
			continue
		}
		merged++
		if into := &s.who.packets[p.into]; into.into >= 0 || into.frame == p.frame {
			t.Fatalf("%s", s.packetName(int32(id)))
		}
		x := selection{match: s.followPacket(int32(id)).match}
		x.update(s)
		var way []string
		for _, seq := range x.seqs {
			if seq <= p.since && s.who.at(seq).packet == p.into {
				t.Fatalf("%s: record %d is before it was merged", s.packetName(int32(id)), seq)
			}
			if fn := s.m.Fn(s.tl.At(seq)); len(way) == 0 || way[len(way)-1] != fn {
				way = append(way, fn)
			}
		}
		if missing := subsequence(way, []string{"wire", "dma", "tcp4_gro_receive", "napi_gro_complete", "ip_rcv_core", "tcp_v4_rcv", "tcp_data_queue", "read"}); missing != "" {
			t.Errorf("%s: %s is not on the way: %s", s.packetName(int32(id)), missing, strings.Join(way, " "))
		}
	}
	if want := s.m.Counters.GROMerged; int64(merged) != want {
		t.Errorf("%d segments are followed, %d were merged", merged, want)
	}
}
