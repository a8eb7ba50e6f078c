package nic

import (
	"math/bits"

	"ringside/sim"
)

// last is the frame that was written back last, or is on its way, or -1 if its
// descriptor has a new buffer by now.
func (rx *Queue) last() int32 {
	if rx.Sent > 0 {
		return rx.Sent - 1
	}
	size := uint32(len(rx.Ring))
	return rx.Ring[(rx.Head+size-1)%size].Frame
}

// moderate raises the cause at once, or holds it back until the timer ends or
// enough frames have come: rx-usecs and rx-frames as ethtool -C defines them, with
// the timer running from the first frame (register RADV). A limit of one frame
// would leave nothing to hold back, so only one above that counts.
func (n *NIC) moderate(queue int32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	rx := &n.Queues[queue]
	rx.Held++
	switch {
	case n.Config.RxUsecs == 0, n.Config.RxFrames > 1 && int(rx.Held) >= n.Config.RxFrames:
		n.raise(queue, now, q, cause)
	case rx.Held == 1:
		n.hold(queue, now+n.Config.RxUsecs, now, q, cause)
	}
}

// hold starts a queue's timer.
func (n *NIC) hold(queue int32, until, now sim.Time, q *sim.Queue, cause sim.Seq) {
	rx := &n.Queues[queue]
	rx.Timer++
	rx.TimerEnd = until
	q.Push(sim.Event{At: until, Cause: cause, Kind: evModeration, A: rx.Timer, B: queue, C: int64(now)})
}

// raise sets the cause of a receive queue.
func (n *NIC) raise(queue int32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	if !n.Config.AdaptiveRx {
		n.Queues[queue].Held = 0
	}
	n.ICR |= n.Cause(queue)
	n.signal(n.Cause(queue), now, q, cause)
}

// signal sends the messages of those causes that are set and not masked, once the
// interval since the queue's last message is over (EITR). A cause is cleared and
// masks itself with its message, as e1000e and igb set the card up (EIAC, and IAM
// with CTRL_EXT.EIAME, or EIAM): the driver's poll is the one who unmasks it.
func (n *NIC) signal(causes uint32, now sim.Time, q *sim.Queue, cause sim.Seq) {
	if n.Config.Mode != MSIX {
		n.drive(now, q, cause)
		return
	}
	for set := n.ICR & n.IMS & causes; set != 0; set &= set - 1 {
		if set&-set == causeTxQ0 && n.Config.OwnTxVector() {
			n.signalTx(now, q, cause)
			continue
		}
		queue := int32(bits.TrailingZeros32(set) - n.firstCause())
		rx, v := &n.Queues[queue], &n.MSIX[queue]
		if v.Masked {
			v.Pending = true
			continue
		}
		if now < rx.Quiet {
			if rx.TimerEnd != rx.Quiet {
				n.hold(queue, rx.Quiet, now, q, cause)
			}
			continue
		}
		n.ICR &^= n.Cause(queue)
		n.IMS &^= n.Cause(queue)
		n.Stats.Interrupts++
		rx.Held, rx.Quiet = 0, now+rx.Interval
		q.Push(sim.Event{At: now + n.Config.Costs.Table, Cause: cause, Kind: evMSI, A: rx.last(), B: queue})
	}
}

// itrUnit is the unit of the ITR and EITR registers (82574 datasheet, "Interrupt
// Throttling Rate").
const itrUnit = 256 * sim.Nanosecond

// WriteITR sets how far apart a queue's interrupts are at least.
func (n *NIC) WriteITR(queue int32, value uint32) {
	n.Queues[queue].Interval = sim.Time(value) * itrUnit
}
