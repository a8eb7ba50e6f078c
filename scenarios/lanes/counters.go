package lanes

import (
	"maps"
	"strconv"

	"ringside/kernel"
	"ringside/nic"
)

// Counters are a machine's counts by the names that a scenario's expectations
// use.
func Counters(m *kernel.Machine) map[string]int64 {
	c := &m.Counters
	all := map[string]int64{
		"context_switches": c.ContextSwitches, "preemptions": c.Preemptions, "irqs": c.IRQs, "irq_none": c.IRQNone, "irqs_merged": c.Merged, "timer_irqs": c.TimerIRQs,
		"ipis": c.IPIs, "softirqs": c.Softirqs, "polls": c.Polls, "skbs": c.Skbs, "wakeups": c.Wakeups, "syscalls": c.Syscalls,
		"rcvbuf_errors": c.RcvbufErrors, "no_ports": c.NoPorts, "in_csum_errors": c.InCsumErrors, "in_hdr_errors": c.InHdrErrors,
		"in_addr_errors": c.InAddrErrors, "in_datagrams": c.InDatagrams, "delivered": c.Delivered, "copied_bytes": c.CopiedBytes, "minor_faults": c.MinorFaults,
		"poll_scanned": c.PollScanned, "poll_callbacks": c.PollCallbacks, "ep_callbacks": c.EpCallbacks, "ep_polled": c.EpPolled,
		"gro_merged": c.GROMerged, "busy_poll_rx_packets": c.BusyPollRx, "user_rx_packets": c.UserRx, "backlog_dropped": m.BacklogDropped(), "time_squeeze": m.TimeSqueeze(),
		"retrans_segs": c.RetransSegs, "window_probes": c.WindowProbes, "useful_wakeups": c.UsefulWakeups, "spurious_wakeups": c.SpuriousWakeups,
	}
	cardCounters(m, all)
	return all
}

// cardCounters are those of the card and its driver, under the names of ethtool -S
// (e1000e, and igb where it has several queues); those behind tx_bytes have none there.
func cardCounters(m *kernel.Machine, all map[string]int64) {
	s := &m.NIC.Stats
	maps.Copy(all, map[string]int64{
		"rx_packets": s.RxPackets, "rx_bytes": s.RxBytes, "rx_broadcast": s.RxBroadcast, "rx_multicast": s.RxMulticast,
		"rx_crc_errors": s.RxCRCErrors, "rx_missed_errors": s.RxMissedErrors, "rx_no_buffer_count": s.RxNoBufferCount,
		"rx_csum_offload_good": m.Counters.HwCsumGood, "rx_csum_offload_errors": m.Counters.HwCsumErr,
		"rx_otherhost_dropped": m.Counters.OtherHost, "tx_packets": s.TxPackets, "tx_bytes": s.TxBytes,
		"frames_filtered": s.Filtered, "frames_arrived": s.Arrived,
		"dmar_faults": m.IOMMU.Faults, "iotlb_hits": m.IOMMU.Hits, "iotlb_misses": m.IOMMU.Misses, "pcie_writes": m.NIC.Bus.Writes, "pcie_reads": m.NIC.Bus.Reads, "firmware_idle_polls": m.NIC.Firmware.Idle,
	})
	for i := range nic.MaxQueues {
		var q nic.QueueStats
		var csumErr int64
		if i < len(m.NIC.Queues) {
			q, csumErr = m.NIC.Queues[i].Stats, m.Napis[i].CsumErr
		}
		name := "rx_queue_" + strconv.Itoa(i) + "_"
		all[name+"packets"], all[name+"bytes"], all[name+"drops"], all[name+"csum_err"] = q.Packets, q.Bytes, q.Drops, csumErr
	}
}
