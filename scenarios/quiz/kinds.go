package quiz

import (
	"strconv"

	"ringside/kernel"
	"ringside/sim"
)

// kind is a kind of question that is made from the machine.
type kind struct {
	name   string
	point  uint8                                       // asked behind records of this tracepoint, or
	fn     string                                      // of this function's
	step   uint8                                       // step
	common bool                                        // there is one at every turn
	sheet  bool                                        // asked on sheets only
	fixed  func(m *kernel.Machine, r *sim.Record) bool // if the answer does not depend on a scenario's numbers; nil: it may
	worth  func(m *kernel.Machine, r *sim.Record) bool // if the state there is worth a question
	ask    func(a *ahead) bool                         // runs ahead and words it, or finds that it cannot
}

// delivery is the function that stands for what the processor does by itself when
// it takes an interrupt.
const delivery = "(interrupt delivery)"

// kinds is the table.
var kinds = []kind{
	{name: "skipped entries", fn: "__wake_up_common_lock", step: 0, worth: manyEntries, ask: askSkipped},
	{name: "next task", common: true, fn: "__schedule", step: 0, worth: ofTask, ask: askNextTask},
	{name: "return value", common: true, fixed: noData, point: kernel.PointSysEnter, worth: callsOther, ask: askReturn},
	{name: "epoll_wait", point: kernel.PointSysEnter, worth: callsEpollWait, ask: askEpollWait},
	{name: "descriptors polled", point: kernel.PointSysEnter, worth: callsPoll, ask: askPollScan},
	{name: "packets polled", fn: "__napi_poll", step: 0, worth: always, ask: askNAPIPoll},
	{name: "stack", fixed: always, common: true, fn: delivery, step: 0, worth: interrupts, ask: askStack},
	{name: "IF in the handler", fixed: always, common: true, fn: delivery, step: 0, worth: interruptsX86, ask: askHandlerIF},
	{name: "IF in the softirq", fixed: always, point: kernel.PointSoftirqRaise, worth: raisesNetRx, ask: askSoftirqIF},
	{name: "context", fixed: always, point: kernel.PointSoftirqRaise, worth: raisesNetRx, ask: askContext},
	{name: "IPI", fixed: always, point: kernel.PointSchedWaking, worth: severalCores, ask: askIPI},
	{name: "how long", sheet: true, point: kernel.PointSysEnter, worth: callsBlocking, ask: askSpan},
}

func always(*kernel.Machine, *sim.Record) bool { return true }

func severalCores(m *kernel.Machine, _ *sim.Record) bool { return len(m.Cores) > 1 }

// ofTask: the step got as far as to be about a task; a core that waits for a lock
// does not.
func ofTask(_ *kernel.Machine, r *sim.Record) bool { return r.Kind == kernel.KindTask }

func manyEntries(m *kernel.Machine, r *sim.Record) bool {
	q := &m.Queues[r.Obj]
	return q.Walker == 0 && q.First != q.Last
}

// interrupts: it is an interrupt, and not a fault of the program's own.
func interrupts(m *kernel.Machine, r *sim.Record) bool { return m.Cores[r.CPU].Vector >= firstVector }

func interruptsX86(m *kernel.Machine, r *sim.Record) bool { return !m.Text.Arm64 && interrupts(m, r) }

// firstVector is the first that is no exception (FIRST_EXTERNAL_VECTOR).
const firstVector = 0x20

func raisesNetRx(m *kernel.Machine, r *sim.Record) bool {
	return r.Arg[0] == kernel.NetRx && !m.Text.Arm64
}

// plural writes a number and what it counts.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
